"""Rows that are alike but for whom and what they are about: the best stays, the others are listed with their twins."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.dataset.export import build_dataset
from apigen_nb.dataset.masked import MASK, masked, masked_conversation
from apigen_nb.dataset.minhash import Distinct, shingles_of
from apigen_nb.dataset.near_duplicates import NEAR, find_near_duplicates
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.selection import candidates
from apigen_nb.dataset.sources import Source
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import Message, ToolCall
from apigen_nb.report import dataset_tables
from apigen_nb.storage.journal import Run
from apigen_nb.world.domain import Domain
from tests.library import RENEW, task

retail = Domain.load("retail")


def renewal(title: str, fee: str, day: str, loan: str, closing: str = "Anything else I can do for you today?") -> Any:
    """A conversation about a loan, whose values nobody but the world knows."""
    result = json.dumps({"title": title, "loan_id": loan, "status": "on loan"})
    call = ToolCall(id="a", name="get_loan", arguments={"loan_id": loan})
    return [
        Message(role="user", content=f"Hello, I would like to keep {title} until {day}, if that can be done at all."),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content=result, tool_call_id="a"),
        Message(role="assistant", content=f"I can renew {title}. The fee is {fee}. {closing}"),
    ]


def test_only_values_of_the_world_are_masked() -> None:
    words = masked_conversation(renewal("The Grey Coast", "$3.50", "May 3rd", "L-88"), task(RENEW))
    assert " ".join(words).replace(MASK, "_") == (
        "hello i would like to keep _ until _ if that can be done at all get_loan loan_id "
        "i can renew _ the fee is _ anything else i can do for you today"
    )
    other = masked_conversation(renewal("Salt", "12 euros", "2024-07-01", "L-9"), task(RENEW))
    assert other == words
    changed = masked_conversation(renewal("Salt", "12 euros", "2024-07-01", "L-9", "Sorry."), task(RENEW))
    assert changed != words


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=9), max_size=4))
def test_any_text_is_masked_without_a_trace_of_figures(text: str, values: list[str]) -> None:
    found = masked(text, {})
    assert not any(character.isdigit() for word in found for character in word)
    assert all(one != MASK or other != MASK for one, other in itertools.pairwise(found))
    assert len(found) <= len(text)


WORDS = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=3, max_size=30)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), st.floats(0.3, 1))
def test_what_is_kept_is_distinct_and_what_is_not_has_a_twin_that_is(texts: list[list[str]], threshold: float) -> None:
    distinct, kept = Distinct(threshold), dict[str, set[str]]()
    for number, words in enumerate(texts):
        runs = {" ".join(words[n : n + 3]) for n in range(max(1, len(words) - 2))}
        twins = distinct.twins(str(number), shingles_of(words))
        for twin in twins:
            assert twin.similarity == pytest.approx(len(kept[twin.id] & runs) / len(kept[twin.id] | runs))
            assert twin.similarity >= threshold
        assert [twin.similarity for twin in twins] == sorted((twin.similarity for twin in twins), reverse=True)
        assert twins or runs not in kept.values(), "what is the same is always found"
        if not twins:
            kept[str(number)] = runs


# --- of a run


def lines(run: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "dataset" / name).read_text("utf-8").split("\n") if line]


def build(run: Path, **options: Any) -> Any:
    return build_dataset(Run(run), retail, {"agent": "x"}, options=DatasetOptions(**options))


def test_the_best_of_those_that_are_alike_stays_and_every_removal_names_its_twin(run: Path) -> None:
    before = {row["id"]: row["scores"] for row in lines(run, "trl/train.jsonl")}
    summary = build(run)
    rows = {row["id"]: row["scores"] for row in lines(run, "trl/train.jsonl")}
    gone = [one for one in lines(run, "left_out.jsonl") if one["reason"] == NEAR]
    assert len(gone) == summary.left_out[NEAR] == len(before) - len(rows) > 0
    assert {one["id"] for one in gone} == before.keys() - rows.keys()
    assert {one["twin"] for one in lines(run, "left_out.jsonl")} <= rows.keys()

    def rank(id: str) -> tuple[float, float]:
        return before[id]["score"], before[id]["pass_rate"]

    assert all(rank(one["twin"]) >= rank(one["id"]) for one in gone)
    assert f"| left out: {NEAR} | {len(gone)} |" in (run / "dataset" / "README.md").read_text()
    table = dataset_tables.left_out(run / "dataset")
    assert table[table["reason"] == NEAR]["twin"].tolist() == [one["twin"] for one in gone]
    held = verify_dataset(run)
    assert held.holds, held.lines()


def test_null_keeps_them_but_their_tasks_are_one_group(run: Path) -> None:
    everything = {row["id"]: row["task_id"] for row in lines(run, "trl/train.jsonl")}
    build(run)
    pairs = [(one["id"], one["twin"]) for one in lines(run, "left_out.jsonl") if one["reason"] == NEAR]
    build(run, near_duplicates=None, splits={"train": 0.8, "test": 0.2})
    rows = {row["id"]: row for name in ("train", "test") for row in lines(run, f"trl/{name}.jsonl")}
    assert rows.keys() == everything.keys()
    assert any(everything[one] != everything[twin] for one, twin in pairs)
    assert all(rows[one]["group_id"] == rows[twin]["group_id"] for one, twin in pairs)
    assert f" 0 left out, {len(pairs)} kept |" in (run / "dataset" / "README.md").read_text()


def test_a_row_that_was_to_be_left_out_is_found_by_verify(run: Path) -> None:
    build(run, near_duplicates=None)
    path = run / "dataset" / "dataset.json"
    origin = json.loads(path.read_text())
    assert origin["stayed"]
    origin["stayed"], origin["options"]["near_duplicates"] = [], 0.8
    path.write_text(json.dumps(origin))
    failures = [reason for _, reason in verify_dataset(run).failures]
    assert failures
    assert all("nearly repeats" in reason for reason in failures)


def test_what_a_person_keeps_stays_beside_its_twin(run: Path) -> None:
    source = Source(Run(run), retail, {"agent": "x"})
    alone = candidates([source])
    kept = candidates([source])
    everything = set(kept.rows)
    gone = find_near_duplicates(alone, [source], 0.8)
    kept.kept = {one.id for one in alone.left_out if one.reason == NEAR}
    found = find_near_duplicates(kept, [source], 0.8)
    assert gone.found
    assert not gone.stayed
    assert kept.kept <= kept.rows.keys() < everything
    assert set(found.stayed) <= kept.kept
