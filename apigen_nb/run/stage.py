"""What a notebook works with: domain, models, gates and the run's folder, made as its parameters ask for them."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records import Proposal, Trajectory
from ..storage.jsonl import read_lines
from ..storage.run_folder import Run
from ..world.domain import Domain
from . import STAGES, StageFailed
from .given import read_given
from .params import Params, validated
from .project import run_folder

if TYPE_CHECKING:  # made when they are asked for: a notebook that only looks does not wait for them
    from ..blueprints.gates import Gate
    from ..blueprints.sampling import Sampling
    from ..models.roles import Roles

BECOME = {"domain", "gates", "personas"}  # parameters that name what is an attribute of the stage


def open_stage(variables: Mapping[str, Any], **further: Any) -> Stage:
    """The stage that a notebook asks for, `open_stage(vars())` right below its parameters. They are validated, and the
    run's folder `out` is claimed with them and with `further` ones that only this notebook has. A parameter that was
    not asked for is what the folder was begun with. ParamsError for an unknown name or a value that cannot be,
    ParametersChanged when one was asked for and the folder has another."""
    first = not any(isinstance(value, Stage) for value in variables.values())
    given, asked = read_given(variables, further, first)
    if "out" not in variables:
        return Stage(validated(given))
    folder = run_folder(variables["out"])
    held = {
        name: value for name, value in Run(folder).parameters().items() if name in Params.model_fields.keys() - asked
    }
    stage = Stage(validated(given | held), folder)
    if taken := [name for name in held if name in given and given[name] != held[name]]:
        told = ", ".join(f"{name} {json.dumps(held[name], ensure_ascii=False)[:60]}" for name in taken)
        print(f"{folder} goes on with what it was begun with: {told}")
    claimed = {name: value for name, value in stage.params.plain().items() if name in given and name != "offline"}
    stage.run.claim(**claimed, **further)
    return stage


def folder_of(variables: Mapping[str, Any], *further: str) -> Path:
    """The folder `out` of a notebook that has something to make before it can open its stage; errors are the same."""
    read_given(variables, further)
    return run_folder(variables["out"])


@dataclass(frozen=True)
class Stage:
    """The parts of a run, each made when it is first asked for. `folder` is the run's; without one there are a domain,
    gates and models, but nothing is kept."""

    params: Params
    folder: Path | None = None

    @cached_property
    def run(self) -> Run:
        """The run's folder, made where it is not there."""
        if self.folder is None:
            raise ValueError("a stage without a folder has no run; name one: out")
        return Run.open(self.folder)

    @cached_property
    def domain(self) -> Domain:
        return Domain.load(self.params.domain)

    @cached_property
    def models(self) -> Roles:
        """Who plays which role. Replies are kept in the run's folder and never paid for twice."""
        from ..models.roles import Roles

        return Roles(self.domain, **self.options_of(Roles), folder=self.folder)

    @cached_property
    def gates(self) -> list[Gate]:
        """The gates in order, each a function `(blueprint, domain) -> Verdict`: a list to put one's own into."""
        from ..blueprints.gates import Committee, choose_gates

        return choose_gates(self.params.gates, Committee(self.models.judges(self.params.judges), self.params.threshold))

    @cached_property
    def sampling(self) -> Sampling:
        """What is asked of the seeds."""
        from ..blueprints.personas import read_personas
        from ..blueprints.sampling import Sampling

        return Sampling(**self.options_of(Sampling), personas=read_personas(self.params.personas))

    def options_of(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The parameters of the run that a function takes by the same names, and `sampling` where it takes one."""
        wanted = inspect.signature(function).parameters
        found = {name: value for name, value in self.params.plain().items() if name in wanted and name not in BECOME}
        return found | ({"sampling": self.sampling} if "sampling" in wanted else {})

    @property
    def proposals(self) -> list[Proposal]:
        """What phase 1 has left, accepted or not; made first where it is not there."""
        return read_lines(self.need("blueprints.jsonl"), Proposal)

    @property
    def trajectories(self) -> list[Trajectory]:
        """What phase 2 has left, verified or not; made first where it is not there."""
        return read_lines(self.need("trajectories.jsonl"), Trajectory)

    def need(self, name: str) -> Path:
        """The path of what an earlier stage leaves in the folder ("blueprints.jsonl"). What is not there is run in
        a process of its own, with the parameters that the folder was begun with or the defaults: for notebooks opened
        on their own in JupyterLab. StageFailed when that comes to nothing."""
        path = self.run.folder / name
        if path.exists():
            return path
        before = list(STAGES)[: list(STAGES.values()).index(name) + 1]
        missing = [stage for stage in before if STAGES[stage] and not (self.run.folder / STAGES[stage]).exists()]
        print(f"{self.run.folder} has no {name} yet: running {' and '.join(missing)} first", flush=True)
        command = [sys.executable, "-m", "apigen_nb", "run", "--out", str(self.run.folder), "--stage", *missing]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"{' '.join(command)} failed"])[-1]
            if not set(missing) <= self.run.read_manifest().get("stages", {}).keys():
                raise StageFailed(last)
            print(last, flush=True)
        return path

    def __repr__(self) -> str:
        """What was wired, in words."""
        played = self.models.names
        alike = len(set(played.values())) == 1
        models = played["agent"] if alike else "; ".join(f"{role} {name}" for role, name in played.items())
        return (
            f"domain  {self.domain.name}: {len(self.domain.tools)} tools, {len(self.domain.rules)} rules\n"
            f"models  {models}\ngates   {' → '.join(self.params.gates)}\nrun     {self.folder}"
        )
