"""The gate bench (ours): plant known defects into accepted blueprints, run every gate and the committee on each, see
what they catch. So a committee's worth is known before a run is paid for.

What is caught of right tasks are false alarms. Intact blueprints were accepted by the plain gates: that these pass them
again says nothing of the gates, only what a committee fails of them is a finding. For the gates there are the gold
tasks of a benchmark, which other people wrote (`groundtruth_audit.hand_written`)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ..models import metered
from ..models.jobs import run_jobs
from ..records import Blueprint, Record, Role, Usage, Verdict
from ..storage.journal import Journal
from ..storage.run_folder import Run
from ..world.domain import Domain
from .defects import DEFECTS
from .gates import Gate

INTACT = "intact"
GOLD = "gold task (hand-written)"
RIGHT = (INTACT, GOLD)
FILE = "bench.jsonl"


class Trial(Record):
    """A line of `bench.jsonl`: one blueprint with one planted defect (or one of `RIGHT`), and what every gate said."""

    id: str
    defect: str
    decidable: bool
    blueprint: Blueprint
    verdicts: tuple[Verdict, ...]
    usage: dict[Role, Usage] = {}

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The gates that failed it; a committee that could not judge has not caught anything."""
        return tuple(v.gate for v in self.verdicts if not v.passed and v.kind != "not judged")


@dataclass(frozen=True)
class PlantedBlueprint:
    """One blueprint that is to be judged."""

    id: str
    defect: str
    decidable: bool
    blueprint: Blueprint


def plant_defects(
    blueprints: Sequence[Blueprint], domain: Domain, *, seed: int, most: int, gold: Sequence[Blueprint] = ()
) -> list[PlantedBlueprint]:
    """All blueprints as they are, and for each kind of defect the first `most` that have a place for it, in an order
    drawn for that kind; `gold` are tasks that the gates did not choose, and nothing is planted into them."""
    planted = [PlantedBlueprint(f"{b.id}/{INTACT}", INTACT, False, b) for b in blueprints]
    planted += [PlantedBlueprint(f"{b.id}/{GOLD}", GOLD, False, b) for b in gold]
    for kind in DEFECTS:
        order = Random(f"{seed}/{kind.name}").sample(list(blueprints), len(blueprints))
        found = 0
        for blueprint in order:
            if found == most:
                break
            spoilt = kind.plant(blueprint, domain, Random(f"{seed}/{kind.name}/{blueprint.id}"))
            if spoilt is not None and spoilt != blueprint:
                planted.append(PlantedBlueprint(f"{blueprint.id}/{kind.name}", kind.name, kind.decidable, spoilt))
                found += 1
    return planted


@dataclass(frozen=True)
class _Bench:
    """The work on one planted blueprint, for `run_jobs`. Every gate is asked, whatever the others say."""

    domain: Domain
    gates: tuple[Gate, ...]

    async def __call__(self, item: PlantedBlueprint) -> Trial:
        verdicts = []
        with metered() as usage:
            for gate in self.gates:
                verdict = gate(item.blueprint, self.domain)
                verdict = await verdict if inspect.isawaitable(verdict) else verdict
                if verdict is not None:
                    verdicts.append(verdict)
        return Trial(
            id=item.id,
            defect=item.defect,
            decidable=item.decidable,
            blueprint=item.blueprint,
            verdicts=tuple(verdicts),
            usage=usage,
        )


async def run_gate_bench(
    blueprints: Sequence[Blueprint],
    domain: Domain,
    gates: Sequence[Gate],
    run: Run,
    *,
    gold: Sequence[Blueprint] = (),
    seed: int = 0,
    most: int = 25,
    concurrency: int = 32,
) -> Sequence[Trial]:
    """Judge all intact, spoilt and hand-written blueprints; writes `bench.jsonl`, continues where a run stopped."""
    items = plant_defects(blueprints, domain, seed=seed, most=most, gold=gold)
    journal = Journal(run.folder / FILE, Trial)
    await run_jobs(_Bench(domain, tuple(gates)), items, journal, concurrency=concurrency, title="gate bench")
    return journal.finish(item.id for item in items)
