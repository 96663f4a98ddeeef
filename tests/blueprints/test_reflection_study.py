"""The reflection study: three arms on the same seeds that differ in nothing but how they try again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apigen_nb.blueprints.gates import GATES
from apigen_nb.blueprints.reflection_study import ARMS, reflection_study
from apigen_nb.blueprints.sampling import Sampling
from apigen_nb.models import Answer, Question
from apigen_nb.models.ledger import Price
from apigen_nb.records import Usage
from apigen_nb.report import mixture_tables
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain

PLAIN = Sampling(kinds={"plain": 1})
USED = Usage(prompt=900, completion=50, calls=3)


def drafts(asked: list[Question], learns: bool) -> Any:
    """A generator that only gets it right when it is given feedback, or never."""

    async def generator(question: Question) -> Answer:
        asked.append(question)
        member = question.context["user"]
        row = question.context["records"]["members"][member]
        right = learns and question.context["feedback"]
        action = {"name": "rename_member", "arguments": {"member_id": member, "name": "Ada Reed"}}
        says = f"Your email is {row['email']}. You want to be called {'Ada Reed' if right else 'somebody else'}."
        return Answer(text=json.dumps({"thought": "", "instruction": says, "actions": [action], "outputs": []}))

    return generator


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl"))


async def study(library: Domain, folder: Path, learns: bool, **settings: Any) -> tuple[dict[str, Any], list[Question]]:
    asked: list[Question] = []

    async def feedback(question: Question) -> Answer:
        return Answer(text="Say the name.")

    models = SimpleNamespace(generator=drafts(asked, learns), feedback=feedback)
    done = await reflection_study(
        library, models, list(GATES.values()), Run.open(folder), count=6, random_seed=1, sampling=PLAIN, **settings
    )
    return done, asked


async def test_the_arms_differ_only_in_how_they_try_again(library: Domain, tmp_path: Path) -> None:
    done, asked = await study(library, tmp_path, learns=True, tries=3)
    assert tuple(done) == ARMS
    ids = [[p.id for p in done[arm]] for arm in ARMS]
    assert ids[0] == ids[1] == ids[2]
    assert [sum(len(p.attempts) for p in done[arm]) for arm in ARMS] == [6, 18, 12]
    assert [sum(p.accepted for p in done[arm]) for arm in ARMS] == [0, 0, 6]
    # without feedback a later try sees neither the earlier one nor what was wrong, yet is a sample of its own
    blind = asked[6 : 6 + 18]
    assert all(not q.context["feedback"] and not q.context["previous"] for q in blind)
    assert sorted({q.sample for q in blind}) == [0, 1, 2]
    assert len({(q.id, q.sample) for q in blind}) == 18


async def test_the_figures(library: Domain, tmp_path: Path) -> None:
    done, _ = await study(library, tmp_path, learns=True, tries=2)
    frame = mixture_tables.arms(done).set_index("arm")
    assert frame["dollars per accepted"].isna().all()
    counted = {arm: [p.model_copy(update={"usage": {"generator": USED}}) for p in done[arm]] for arm in ARMS}
    cost = mixture_tables.arms(counted, {"generator": Price(prompt=2.0, completion=0.0)}).set_index("arm")[
        "dollars per accepted"
    ]
    assert cost.isna().tolist() == [True, True, False]
    assert cost[ARMS[2]] == 6 * 2.0 * USED.prompt / 1e6 / 6
    assert frame["passed"].tolist() == [0, 0, 6]
    assert frame["attempted"].tolist() == [6, 6, 6]
    low, high = frame.loc[ARMS[2], ["low", "high"]]
    assert 0.5 < low < high <= 1
    pairs = mixture_tables.pairs(done, ARMS[2], ARMS[1]).set_index("accepted in")["seeds"]
    assert dict(pairs) == {"both": 0, f"only {ARMS[2]}": 6, f"only {ARMS[1]}": 0, "neither": 0}


async def test_it_goes_on_without_asking_again(library: Domain, tmp_path: Path) -> None:
    once, _ = await study(library, tmp_path, learns=False, tries=2)
    again, asked = await study(library, tmp_path, learns=False, tries=2)
    assert asked == []
    assert again == once
    assert {path.stem for path in files(tmp_path)} == {arm.replace(" ", "_") for arm in ARMS}


async def test_one_try_is_no_study(library: Domain, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        await study(library, tmp_path, learns=True, tries=1)
