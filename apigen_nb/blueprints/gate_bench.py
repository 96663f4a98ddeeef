"""The gate bench (ours): plant known defects into accepted blueprints, run every gate and the committee on each, see
what they catch. So a committee's worth is known before a run is paid for.

What is caught of right tasks are false alarms. Intact blueprints were accepted by the plain gates: that these pass them
again says nothing of the gates, only what a committee fails of them is a finding. For the gates there are the gold
tasks of a benchmark, which other people wrote (`groundtruth_audit.gold_blueprints`)."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from random import Random

from ..models import metered
from ..models.jobs import run_jobs
from ..records import Blueprint, Record, Role, Usage, Verdict
from ..storage.journal import Journal
from ..storage.run_folder import Run
from ..world.domain import Domain
from .defects import DEFECTS
from .gates import Gate, run_gate

INTACT = "intact"
GOLD = "gold task (hand-written)"
RIGHT_TASKS = (INTACT, GOLD)
FILE = "bench.jsonl"


class Trial(Record):
    """A line of `bench.jsonl`: a blueprint with one planted defect, or a right one, and what the gates said."""

    id: str
    defect: str
    decidable: bool
    blueprint: Blueprint
    verdicts: tuple[Verdict, ...] = ()
    usage: dict[Role, Usage] = {}

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The gates that failed it; a committee that could not judge has not caught anything."""
        return tuple(v.gate for v in self.verdicts if not v.passed and v.kind != "not judged")


def _trial(blueprint: Blueprint, defect: str, decidable: bool = False) -> Trial:
    return Trial(id=f"{blueprint.id}/{defect}", defect=defect, decidable=decidable, blueprint=blueprint)


def plant_defects(
    blueprints: Sequence[Blueprint], domain: Domain, *, random_seed: int, most: int, gold: Sequence[Blueprint] = ()
) -> list[Trial]:
    """The trials to hold: all blueprints as they are, and for each kind of defect the first `most` that have a place
    for it, in an order drawn for that kind; `gold` are tasks that the gates did not choose, and nothing is planted into
    them."""
    trials = [_trial(blueprint, INTACT) for blueprint in blueprints] + [_trial(task, GOLD) for task in gold]
    for defect in DEFECTS:
        order = Random(f"{random_seed}/{defect.name}").sample(list(blueprints), len(blueprints))
        spoilt = (defect.plant(one, domain, Random(f"{random_seed}/{defect.name}/{one.id}")) for one in order)
        found = itertools.islice(filter(None, spoilt), most)
        trials += [_trial(blueprint, defect.name, defect.decidable) for blueprint in found]
    return trials


async def _judge(trial: Trial, domain: Domain, gates: Sequence[Gate]) -> Trial:
    """Ask every gate, whatever the others say."""
    with metered() as usage:
        verdicts = [verdict for gate in gates for verdict in await run_gate(gate, trial.blueprint, domain)]
    return trial.model_copy(update={"verdicts": tuple(verdicts), "usage": usage})


async def run_gate_bench(
    blueprints: Sequence[Blueprint],
    domain: Domain,
    gates: Sequence[Gate],
    run: Run,
    *,
    gold: Sequence[Blueprint] = (),
    random_seed: int = 0,
    most: int = 25,
    concurrency: int = 32,
) -> Sequence[Trial]:
    """Judge all intact, spoilt and hand-written blueprints; writes `bench.jsonl`, continues where a run stopped."""
    trials = plant_defects(blueprints, domain, random_seed=random_seed, most=most, gold=gold)
    judge, journal = functools.partial(_judge, domain=domain, gates=gates), Journal(run.folder / FILE, Trial)
    await run_jobs(judge, trials, journal, concurrency=concurrency, title="gate bench")
    return journal.finish(trial.id for trial in trials)
