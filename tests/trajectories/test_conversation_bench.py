"""The conversation bench: what code can decide is caught without a judge, right conversations are not felled, and what
a judge is worth shows in the figures."""

from __future__ import annotations

import collections
import functools
import importlib.util
from pathlib import Path
from random import Random

import pytest

from apigen_nb.blueprints.gates import GATES
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models import Answer, Model, Question
from apigen_nb.models.roles import Roles
from apigen_nb.records import Blueprint, Trajectory
from apigen_nb.report import conversation_bench_tables as tables
from apigen_nb.storage.jsonl import read_lines
from apigen_nb.storage.run_folder import Run
from apigen_nb.trajectories.conversation_bench import CODE, FILE, INTACT, Trial, plant, run_conversation_bench
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.trajectories.defects import DEFECTS, PARAPHRASES
from apigen_nb.trajectories.defects.users import change_never_voiced
from apigen_nb.trajectories.defects.words import wish_passed_over
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.replay import replay
from apigen_nb.trajectories.wishes import replaced, voiced
from apigen_nb.world.domain import Domain, builtin_domains
from apigen_nb.world.values import mentions

ABSENT = pytest.mark.skipif(importlib.util.find_spec("tau2") is None, reason="install the tau2 extra: make tau2")
DOMAINS = [*builtin_domains(), *(pytest.param(f"tau2:{name}", marks=ABSENT) for name in ("retail", "airline"))]
SEEDS, MOST = 24, 3
EVERYWHERE = (  # kinds that every domain must have a place for
    "answer not awaited",
    "other customers data told",
    "other customers row changed",
    "rule broken",
    "write that nobody asked for",
    "text beside a call",
    "ten useless reads",
    "premature stop",
    "machinery in the users text",
    "machinery in the agents text",
    "refused and done all the same",
    "credit invented",
    "promise that no tool keeps",
    "insult",
    "output left out",
    "announced otherwise",
    "consent in other words",
    "courtesy added",
    "user greets",
)


class Held:
    """Verified conversations of a domain, and their tasks."""

    def __init__(self, domain: Domain, blueprints: list[Blueprint], trajectories: list[Trajectory]) -> None:
        self.domain, self.blueprints, self.trajectories = domain, blueprints, trajectories

    async def bench(self, folder: Path, judges: dict[str, list[Model]] | None = None, **options: int) -> list[Trial]:
        held = (self.trajectories, self.blueprints, self.domain)
        given = {"random_seed": 1, "most": MOST, **options}
        return list(await run_conversation_bench(*held, judges or {}, Run.open(folder), **given))


@pytest.fixture(scope="module")
def tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


async def verified(name: str, tmp: Path) -> Held:
    domain, run = Domain.load(name), Run.open(tmp / name.replace(":", "-"))
    models = Roles(domain, random_seed=7)
    proposals = await propose_all(domain, models, list(GATES.values()), run, count=SEEDS, random_seed=7)
    blueprints = [p.blueprint for p in proposals if p.accepted]
    return Held(domain, blueprints, list(await converse_all(domain, models, run, blueprints, attempts=1)))


@pytest.mark.parametrize("name", DOMAINS)
async def test_code_alone_catches_what_it_can_decide_and_fells_nothing_right(name: str, tmp: Path) -> None:
    held = await verified(name, tmp)
    trials = await held.bench(tmp / name.replace(":", "-"))
    assert {trial.judge for trial in trials} == {CODE}
    missed = [(t.defect, t.id, t.outcome) for t in trials if t.decidable and t.check and t.outcome != "fell"]
    assert missed == []
    alarms = [(t.id, t.felled_by, [v.reason for v in t.verdicts]) for t in trials if not t.check and t.felled_by]
    assert alarms == []
    planted = collections.Counter(trial.defect for trial in trials)
    assert [kind for kind in EVERYWHERE if not planted[kind]] == []
    assert max(n for kind, n in planted.items() if kind != INTACT) <= MOST
    assert read_lines(tmp / name.replace(":", "-") / FILE, Trial) == trials


@pytest.mark.parametrize("name", builtin_domains())
async def test_what_is_said_wrongly_is_said_so_throughout(name: str, tmp: Path) -> None:
    """No decline stays behind that answers the wish after all, and no later telling of what replaces it."""
    held = await verified(name, tmp)
    tasks = {blueprint.id: blueprint for blueprint in held.blueprints}
    passed_over, unvoiced = (
        next(d for d in DEFECTS if d.edit is edit) for edit in (wish_passed_over, change_never_voiced)
    )
    for talk in (talk for talk in held.trajectories if talk.success):
        task = tasks[talk.blueprint]
        before = Dialogue(task, talk.messages, held.domain)
        if edited := passed_over.plant(before, Random(1)):
            wished = voiced(task.denied[0], before)
            announced = {before.messages[said].content for _, said, _ in before.confirmed()}
            assert wished is not None
            said = {m.content for m in edited[wished + 1 :] if m.role == "assistant" and m.content} - announced
            told = [text for text in said if any(mentions(text, output) for output in task.outputs)]
            assert len(said - {*told}) == 1
        if edited := unvoiced.plant(before, Random(1)):
            after, wished = Dialogue(task, edited, held.domain), voiced(task.denied[0], before)
            assert wished is not None
            assert replaced(task.denied[0], after, wished) is None


def test_there_are_many_kinds_and_names_are_unique() -> None:
    names = [defect.name for defect in (*DEFECTS, *PARAPHRASES)]
    assert len(set(names)) == len(names)
    assert set(EVERYWHERE) <= set(names)
    assert len(DEFECTS) >= 25
    assert {d.check for d in DEFECTS} == {"state", "outputs", "behaviour", "conduct"}
    assert {d.decidable for d in DEFECTS} == {True, False}
    assert {d.check for d in PARAPHRASES} == {""}


async def test_edits_are_replayable_and_change_one_conversation_each(tmp: Path) -> None:
    held = await verified("retail", tmp)
    drawn = functools.partial(plant, held.trajectories, held.blueprints, held.domain, most=MOST)
    trials = drawn(random_seed=3)
    assert drawn(random_seed=3) == trials
    known = {t.id: t for t in held.trajectories}
    for trial in trials:
        original = known[trial.id.partition("/")[0]]
        _, again = replay(trial.blueprint, held.domain, trial.messages)
        assert again == trial.messages
        said = [(m.role, m.content, len(m.tool_calls)) for m in trial.messages if m.role != "tool"]
        before = [(m.role, m.content, len(m.tool_calls)) for m in original.messages if m.role != "tool"]
        calls = [(c.name, c.arguments) for c in original.calls]
        same = said == before and [(c.name, c.arguments) for m in trial.messages for c in m.tool_calls] == calls
        assert same == (trial.defect == INTACT), trial.id
    assert len({trial.defect for trial in trials}) > 35


async def test_nothing_has_a_place_in_an_empty_conversation(tmp: Path) -> None:
    held = await verified("retail", tmp)
    talk = next(t for t in held.trajectories if t.success)
    task = next(b for b in held.blueprints if b.id == talk.blueprint)
    bare = task.model_copy(update={"kind": "plain", "actions": (), "outputs": (), "denied": (), "withheld": ()})
    short = Dialogue(bare, (*talk.messages[:1], talk.messages[-1]), held.domain)
    for defect in (*DEFECTS, *PARAPHRASES):
        edited = defect.plant(short, Random(1))
        assert edited is None or edited != list(short.messages)


async def a_blind_one(question: Question) -> Answer:
    """Finds nothing anywhere."""
    return Answer(text=f'{{"answer": "{question.context["answers"][-2]}"}}')


async def test_judges_show_in_the_figures_beside_code(tmp: Path, tmp_path: Path) -> None:
    held = await verified("retail", tmp)
    few = Held(held.domain, held.blueprints, [t for t in held.trajectories if t.success][:8])
    trials = await few.bench(tmp_path, {"blind": [a_blind_one]}, most=2)
    assert len(trials) == 2 * len([t for t in trials if t.judge == CODE])
    frame = tables.bench(trials)
    assert {*frame["judge"]} == {CODE, "blind"}
    assert (frame["caught"] + frame["undecided"] + frame["missed"] == frame["planted"]).all()
    decided = frame[frame["decidable"] & (frame["planted"] > 0)]
    assert (decided["caught"] == decided["planted"]).all()
    alone, blind = (frame[frame["judge"] == name].set_index("defect") for name in (CODE, "blind"))
    assert alone.loc["output left out", "undecided"] > 0
    assert blind.loc["output left out", "caught"] == blind.loc["output left out", "planted"]
    assert blind["undecided"].sum() < alone["undecided"].sum()


async def test_tables_have_intervals_and_name_what_is_missed(tmp: Path, tmp_path: Path) -> None:
    held = await verified("retail", tmp)
    few = Held(held.domain, held.blueprints, [t for t in held.trajectories if t.success][:3])
    trials = await few.bench(tmp_path, most=1)
    frame = tables.bench(trials)
    recall = tables.recall(frame).set_index("defect")
    assert recall.loc["text beside a call", "caught"] == "100.0 % [20.7–100.0]"
    nowhere = frame[(frame["planted"] == 0) & (frame["check"] != "–")]["defect"]
    assert {*recall.loc[nowhere, "planted"]} <= {tables.NOWHERE}
    assert tables.alarms(frame)["said otherwise"].iloc[0] == INTACT
    by_check = tables.by_check(frame)
    assert by_check["check"].iloc[-1] == "right conversations: false alarms"
    assert by_check["caught"].iloc[-1].startswith("0.0 % [0.0–")
    liar = trials[0].model_copy(update={"check": "conduct", "defect": "x", "verdicts": ()})
    assert tables.missed([liar])["what"].tolist() == ["missed"]
    assert tables.missed([t for t in trials if not t.check]).empty


async def test_it_goes_on_where_it_was_stopped(tmp: Path, tmp_path: Path) -> None:
    held = await verified("retail", tmp)
    few = Held(held.domain, held.blueprints, [t for t in held.trajectories if t.success][:2])
    asked: list[str] = []

    async def judge(question: Question) -> Answer:
        asked.append(question.id)
        if len(asked) == 3:
            raise SystemError("stopped")
        return await a_blind_one(question)

    with pytest.raises(SystemError):
        await few.bench(tmp_path, {"blind": [judge]}, most=1, concurrency=1)
    trials = await few.bench(tmp_path, {"blind": [judge]}, most=1, concurrency=1)
    again = await few.bench(tmp_path, {"blind": [judge]}, most=1)
    assert again == trials
    of_one = [id.partition("/reading/")[0] for id in asked]
    assert of_one.count(of_one[0]) < len(of_one)
    assert len({trial.id for trial in trials}) == len(trials)
