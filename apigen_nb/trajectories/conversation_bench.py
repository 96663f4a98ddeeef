"""The conversation bench (ours): plant known defects into verified conversations, and say the same in other words; see
what the checks find, by code alone and with each model as judge. So the checks are known before data is trusted to
them.

What is felled of right conversations are false alarms. The intact ones were verified by these same checks: that they
hold again says nothing, only what a judge makes of their paraphrases does."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Literal

from ..models import Model, metered
from ..models.jobs import run_jobs
from ..records import Blueprint, Message, Reading, Record, Role, Trajectory, Usage, Verdict
from ..storage.journal import Journal
from ..storage.run_folder import Run
from ..world.domain import Domain
from .defects import DEFECTS, PARAPHRASES, Defect
from .dialogue import Dialogue
from .replay import ending, replay
from .reward import assess

INTACT = "intact"
CODE = "code alone"
FILE = "conversation_bench.jsonl"


class Trial(Record):
    """A line of `conversation_bench.jsonl`: a conversation with one planted defect, or a right one, and what the checks
    said with these judges. `check` is the one that must fell it, "" of a right one."""

    id: str
    defect: str
    judge: str
    check: str = ""
    decidable: bool = False
    noted: bool = False
    blueprint: Blueprint
    messages: tuple[Message, ...]
    verdicts: tuple[Verdict, ...] = ()
    readings: tuple[Reading, ...] = ()
    usage: dict[Role, Usage] = {}

    @property
    def outcome(self) -> Literal["held", "fell", "undecided"]:
        """What its check said, of a right one all of them; what is only to be noted "fell" where it was."""
        asked = [v for v in self.verdicts if v.gate == self.check or not self.check]
        if self.noted:
            return "fell" if any(f.outcome == "noted" for v in asked for f in v.findings) else "held"
        outcomes = {verdict.outcome for verdict in asked}
        return "fell" if "fell" in outcomes else "held" if outcomes <= {"held"} else "undecided"

    @property
    def felled_by(self) -> tuple[str, ...]:
        """The checks that fell."""
        return tuple(verdict.gate for verdict in self.verdicts if verdict.outcome == "fell")


def plant(
    trajectories: Iterable[Trajectory], blueprints: Iterable[Blueprint], domain: Domain, *, random_seed: int, most: int
) -> list[Trial]:
    """The trials, nobody asked yet: all verified conversations as they are, and for each kind of edit the first `most`
    that have a place for it, in an order drawn for that kind."""
    tasks = {blueprint.id: blueprint for blueprint in blueprints}
    held = [
        (trajectory.id, Dialogue(tasks[trajectory.blueprint], trajectory.messages, domain))
        for trajectory in trajectories
        if trajectory.success and trajectory.blueprint in tasks
    ]
    trials = [_trial(name, dialogue, dialogue.messages, None) for name, dialogue in held]
    for defect in (*PARAPHRASES, *DEFECTS):
        order = Random(f"{random_seed}/{defect.name}").sample(held, len(held))
        trials += itertools.islice(_edited(order, defect, random_seed), most)
    return trials


def _edited(held: Iterable[tuple[str, Dialogue]], defect: Defect, random_seed: int) -> Iterator[Trial]:
    for name, dialogue in held:
        edited = defect.plant(dialogue, Random(f"{random_seed}/{defect.name}/{name}"))
        if edited is not None:
            yield _trial(name, dialogue, edited, defect)


def _trial(name: str, dialogue: Dialogue, messages: Iterable[Message], defect: Defect | None) -> Trial:
    _, said = replay(dialogue.blueprint, dialogue.domain, messages)
    kind = defect.name if defect else INTACT
    trial = Trial(id=f"{name}/{kind}", defect=kind, judge="", blueprint=dialogue.blueprint, messages=said)
    if defect is None:
        return trial
    about = {"check": defect.check, "decidable": defect.decidable, "noted": defect.noted}
    return trial.model_copy(update=about)


async def _judge(trial: Trial, domain: Domain, groups: Mapping[str, Sequence[Model]]) -> Trial:
    """Every check says what it finds, whatever the others say."""
    world, messages = replay(trial.blueprint, domain, trial.messages)
    dialogue = Dialogue(trial.blueprint, messages, domain)
    asked = groups.get(trial.judge, ())
    with metered() as usage:
        verdicts, readings = await assess(
            dialogue, world.delta(), ending(dialogue), asked, name=trial.id, thorough=True
        )
    return trial.model_copy(update={"verdicts": verdicts, "readings": readings, "usage": usage})


async def run_conversation_bench(
    trajectories: Iterable[Trajectory],
    blueprints: Iterable[Blueprint],
    domain: Domain,
    groups: Mapping[str, Sequence[Model]],
    run: Run,
    *,
    random_seed: int = 0,
    most: int = 10,
    concurrency: int = 32,
) -> Sequence[Trial]:
    """Judge intact, reworded and spoilt conversations by code alone and with each of the `groups` of judges, by name;
    writes `conversation_bench.jsonl`, continues where a run stopped."""
    planted = plant(trajectories, blueprints, domain, random_seed=random_seed, most=most)
    trials = [
        trial.model_copy(update={"id": f"{trial.id}/{name}", "judge": name})
        for name in (CODE, *groups)
        for trial in planted
    ]
    work, journal = functools.partial(_judge, domain=domain, groups=groups), Journal(run.folder / FILE, Trial)
    await run_jobs(work, trials, journal, concurrency=concurrency, title="conversation bench")
    return journal.finish(trial.id for trial in trials)
