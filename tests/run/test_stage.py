"""What a notebook's parameters become."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.blueprints.gates import GATES, Committee, is_grounded
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models.roles import Roles
from apigen_nb.run.params import Params, ParamsError
from apigen_nb.run.stage import Stage, open_stage
from apigen_nb.storage.run_folder import ParametersChanged, Run
from apigen_nb.trajectories.converse import converse_all


def test_what_a_run_is_made_with_is_written_down_and_what_shapes_results_guarded(tmp_path: Path) -> None:
    params = Params(count=4, concurrency=2, roles={"judge": [{"model": "scripted"}]}).plain()
    stage = open_stage({**params, "out": str(tmp_path)}, most=5)
    held = {name: value for name, value in params.items() if name != "offline"}
    assert Run(tmp_path).read_manifest() == {"parameters": held | {"most": 5}}
    assert stage.params.concurrency == 2
    open_stage({"out": str(tmp_path), "count": 4, "concurrency": 9})
    assert Run(tmp_path).parameters()["concurrency"] == 9
    with pytest.raises(ParametersChanged, match="count: 4 before, 5 now"):
        open_stage({"out": str(tmp_path), "count": 5})
    with pytest.raises(ParametersChanged, match="most: 5 before, 6 now"):
        open_stage({"out": str(tmp_path)}, most=6)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"sedes": 3}, "unknown parameter 'sedes'; did you mean count, which was seeds?"),
        ({"max_step": None}, "unknown parameter 'max_step'; did you mean max_steps?"),
        ({"api_key": "sk-secret"}, "api_key: keys come from the environment"),
        ({"count": "3"}, 'count: Input should be a valid integer, found "3"'),
        ({"kinds": {"plian": 1.0}}, "kinds: there is no 'plian'; did you mean plain?"),
        ({"model": "sk-secret"}, "model looks like a key"),
    ],
)
def test_what_cannot_be_stops_at_once(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError) as caught:
        open_stage({"domain": "retail", "out": str(tmp_path / "run"), **variables})
    assert str(caught.value).startswith(said)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_else_is_in_a_notebook_is_left_alone() -> None:
    """Imports, constants and what IPython keeps; later results, when its first cells are run again."""
    variables = {"__name__": "__main__", "_": 1, "In": [""], "ARMS": ("a", "b"), "GATES": {}, "get_ipython": print}
    stage = open_stage({**variables, "Path": Path, "count": 3})
    assert open_stage({**variables, "count": 4, "stage": stage, "blueprints": []}).params.count == 4


def test_the_parts_are_made_of_the_parameters(tmp_path: Path) -> None:
    asked = {"gates": ["format", "committee"], "judges": 5, "threshold": 0.5, "walk_length": 6, "kinds": {"plain": 1.0}}
    stage = open_stage({**asked, "out": str(tmp_path), "domain": "banking", "personas": None})
    assert stage.domain.name == "banking"
    assert stage.gates[0] is GATES["format"]
    assert isinstance(committee := stage.gates[1], Committee)
    assert (len(committee.judges), committee.threshold) == (5, 0.5)
    stage.gates.append(is_grounded)
    assert len(stage.gates) == 3
    assert (stage.sampling.kinds, stage.sampling.walk_length) == ({"plain": 1.0}, 6)
    assert stage.options_of(converse_all) == {"attempts": 3, "max_steps": 30, "concurrency": 32}
    rounds = {"count": 10, "random_seed": 1, "reflections": 3, "concurrency": 32, "round_size": 50, "recombined": 0.1}
    assert stage.options_of(propose_all) == {**rounds, "sampling": stage.sampling}
    assert set(stage.options_of(Roles)) > {"model", "roles", "max_cost", "best_of"}
    assert repr(stage).splitlines()[0].split(maxsplit=1) == ["domain", "banking: 26 tools, 29 rules"]
    assert "format → committee" in repr(stage)


def test_without_a_folder_there_is_no_run() -> None:
    stage = Stage(Params())
    assert stage.models.scripted
    with pytest.raises(ValueError, match="name one: out"):
        _ = stage.run


def test_who_only_looks_waits_for_no_models() -> None:
    code = "import sys, apigen_nb.run.stage; print({'openai', 'papermill', 'pandas'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
