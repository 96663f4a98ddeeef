"""The gate bench: every decidable defect is caught by a plain gate, intact blueprints pass, and a blind gate shows."""

from __future__ import annotations

import collections
import functools
import importlib.util
from pathlib import Path

import pytest

from apigen_nb.blueprints.defects import DEFECTS
from apigen_nb.blueprints.gate_bench import FILE, GOLD, INTACT, Trial, plant_defects, run_gate_bench
from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.groundtruth_audit import gold_blueprints
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models.roles import Roles
from apigen_nb.records import Blueprint, Verdict
from apigen_nb.report import mixture_tables, study_figures
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.world.domain import Domain, builtin_domains

ABSENT = pytest.mark.skipif(importlib.util.find_spec("tau2") is None, reason="install the tau2 extra: make tau2")
DOMAINS = [*builtin_domains(), *(pytest.param(f"tau2:{name}", marks=ABSENT) for name in ("retail", "airline"))]
SEEDS, MOST = 40, 6
MORE = {"tau2:airline": 60}  # fewer of the drafts about it are accepted
UNMET = "a wish that no action grants"
EVERYWHERE = (  # kinds that every domain must have a place for
    "unknown tool",
    "wrong type",
    "row of another user",
    "two arguments swapped",
    "rule broken",
    "action missing",
    "action that nobody asked for",
    "dependent actions swapped",
    "output not derivable",
    "needed detail left out of the instruction",
    "another row than asked for",
    "empty task",
)


@functools.cache
def folder(tmp: Path, name: str) -> Path:
    return tmp / name.replace(":", "-")


@pytest.fixture(scope="module")
def tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


async def accepted(name: str, tmp: Path) -> tuple[Domain, list[Blueprint]]:
    domain = Domain.load(name)
    models = Roles(domain, random_seed=10)
    gates = [*GATES.values(), Committee(models.judges(3))]
    proposals = await propose_all(
        domain, models, gates, Run.open(folder(tmp, name)), count=MORE.get(name, SEEDS), random_seed=10
    )
    return domain, [p.blueprint for p in proposals if p.accepted]


@pytest.mark.parametrize("name", DOMAINS)
async def test_plain_gates_catch_every_decidable_defect_and_nothing_else(name: str, tmp: Path) -> None:
    domain, blueprints = await accepted(name, tmp)
    trials = await run_gate_bench(blueprints, domain, list(GATES.values()), Run.open(folder(tmp, name)), most=MOST)
    missed = [(t.defect, t.id) for t in trials if t.decidable and not t.caught_by]
    assert missed == []
    assert [t.id for t in trials if t.defect == INTACT and t.caught_by] == []
    planted = collections.Counter(t.defect for t in trials)
    assert planted[INTACT] == len(blueprints) >= SEEDS // 3
    assert [kind for kind in EVERYWHERE if not planted[kind]] == []
    assert set(EVERYWHERE) <= {d.name for d in DEFECTS}
    assert read_lines(folder(tmp, name) / FILE, Trial) == trials


def test_there_are_kinds_of_both_sorts_and_names_are_unique() -> None:
    assert len(DEFECTS) >= 20
    assert len({d.name for d in DEFECTS}) == len(DEFECTS)
    assert {d.decidable for d in DEFECTS} == {True, False}


async def test_each_defect_changes_its_blueprint_in_one_way_and_can_be_planted_somewhere(tmp: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)
    planted = plant_defects(blueprints, domain, random_seed=3, most=MOST)
    assert plant_defects(blueprints, domain, random_seed=3, most=MOST) == planted
    known = {b.id: b for b in blueprints}
    for item in planted:
        original = known[item.id.partition("/")[0]]
        if item.defect == INTACT:
            assert item.blueprint == original
            continue
        assert item.blueprint != original
        assert (item.blueprint.id, item.blueprint.user) == (original.id, original.user)
    assert {d.name for d in DEFECTS} == {item.defect for item in planted} - {INTACT}
    assert max(collections.Counter(i.defect for i in planted if i.defect != INTACT).values()) <= MOST


async def test_a_blind_gate_and_a_gate_that_fails_everything_show_in_the_figures(tmp: Path, tmp_path: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)

    def blind(blueprint: Blueprint, domain: Domain) -> Verdict:
        return Verdict(gate="blind", passed=True)

    def grim(blueprint: Blueprint, domain: Domain) -> Verdict:
        return Verdict(gate="grim", passed=False, kind="no", reason="no")

    for gate, caught in ((blind, 0), (grim, 1)):
        trials = await run_gate_bench(blueprints[:4], domain, [gate], Run.open(tmp_path / gate.__name__), most=2)
        frame = mixture_tables.bench(trials)
        assert (frame["gates"] == caught * frame["planted"]).all()
        assert frame["defect"].iloc[-1] == INTACT
        shown = mixture_tables.recall(frame)[frame["planted"] > 0]
        assert all(text.startswith(f"{100 * caught}.0 %") for text in shown["plain gates"])
        assert mixture_tables.alarms(trials)["false alarms"].tolist() == [4 * caught] * (1 + caught)


async def test_kinds_that_were_planted_nowhere_are_said_in_words(tmp: Path, tmp_path: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)
    asks = [b for b in blueprints if not b.actions][:1]
    trials = await run_gate_bench(asks, domain, list(GATES.values()), Run.open(tmp_path))
    frame = mixture_tables.bench(trials)
    assert {*frame["defect"]} == {d.name for d in DEFECTS} | {INTACT}
    absent = set(frame["defect"]) - {t.defect for t in trials}
    assert {"unknown tool", "action missing", "row of another user"} < absent
    shown = mixture_tables.recall(frame).set_index("defect")
    assert {*shown.loc[sorted(absent), "planted"]} == {mixture_tables.NOWHERE}
    assert {*shown.loc[sorted(absent), "plain gates"]} == {"–"}
    drawn = study_figures.recall(frame).to_json()
    assert all(f'"{name}"' not in drawn for name in absent)


@ABSENT
async def test_gold_tasks_are_a_row_of_their_own_with_the_causes_of_false_alarms(tmp_path: Path) -> None:
    domain, gold = Domain.load("tau2:airline"), gold_blueprints("tau2:airline")
    trials = await run_gate_bench([], domain, list(GATES.values()), Run.open(tmp_path), gold=gold)
    assert [t.defect for t in trials] == [GOLD] * len(gold)
    frame = mixture_tables.bench(trials)
    assert frame.iloc[-1][["defect", "planted", "gates"]].tolist() == [GOLD, 23, 1]
    alarms = mixture_tables.alarms(trials)
    assert alarms[["gate", "cause", "false alarms"]].to_numpy().tolist() == [
        [mixture_tables.ANY, "–", 1],
        ["grounding", "argument unknown", 1],
    ]
    assert "flight_type='one_way'" in alarms["for example"].iloc[-1]


@ABSENT
@pytest.mark.parametrize(("name", "tasks", "alarms"), [("tau2:retail", 101, 3), ("tau2:airline", 23, 1)])
def test_false_alarms_of_grounding_on_gold_tasks(name: str, tasks: int, alarms: int) -> None:
    domain, gold = Domain.load(name), gold_blueprints(name)
    found = [task.id for task in gold if (said := GATES["grounding"](task, domain)) and not said.passed]
    assert (len(gold), len(found)) == (tasks, alarms), found


async def test_a_wish_that_no_action_grants_is_in_the_words_of_the_domain(tmp: Path) -> None:
    domain, blueprints = await accepted("banking", tmp)
    wishes = [i.blueprint for i in plant_defects(blueprints, domain, random_seed=1, most=9) if i.defect == UNMET]
    assert len(wishes) == 9
    for blueprint in wishes:
        wish = blueprint.instruction.rpartition("You want to ")[2].rstrip(".")
        granting = [t.name for t in domain.tools.values() if t.description.casefold().startswith(wish.casefold())]
        assert len(granting) == 1
        assert granting[0] not in {action.name for action in blueprint.actions}


async def test_a_committee_that_cannot_judge_has_caught_nothing(tmp: Path, tmp_path: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)
    lost = Verdict(gate="committee", passed=False, kind="not judged", reason="too few valid votes")

    async def dumb(blueprint: Blueprint, domain: Domain) -> Verdict:
        return lost

    trials = await run_gate_bench(blueprints[:2], domain, [dumb], Run.open(tmp_path), most=1)
    assert trials
    assert all(trial.verdicts == (lost,) and not trial.caught_by for trial in trials)


async def test_the_committee_is_asked_about_everything(tmp: Path, tmp_path: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)
    models = Roles(domain, random_seed=10)
    trials = await run_gate_bench(blueprints[:6], domain, [Committee(models.judges(3))], Run.open(tmp_path), most=2)
    assert all(len(trial.verdicts) == 1 for trial in trials)
    assert sum(trial.usage["judge"].calls for trial in trials) >= 2 * len(trials)
    frame = mixture_tables.bench(trials)
    assert 0 < frame["committee"].sum() < frame["planted"].sum()


async def test_it_goes_on_where_it_was_stopped(tmp: Path, tmp_path: Path) -> None:
    domain, blueprints = await accepted("retail", tmp)
    asked: list[str] = []

    def gate(blueprint: Blueprint, domain: Domain) -> Verdict:
        asked.append(blueprint.id)
        if len(asked) == 5:
            raise SystemError("stopped")
        return Verdict(gate="mine", passed=True)

    with pytest.raises(SystemError):
        await run_gate_bench(blueprints[:3], domain, [gate], Run.open(tmp_path), most=1, concurrency=1)
    trials = await run_gate_bench(blueprints[:3], domain, [gate], Run.open(tmp_path), most=1, concurrency=1)
    assert len(asked) == 5 + len(trials) - 4
    assert len({trial.id for trial in trials}) == len(trials)
