"""The numbers on diversity are what they are said to be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from apigen_nb.dataset import diversity as measured
from apigen_nb.dataset.diversity import Diversity, DiversityCounter, _distinct, _likeness, _self_similarity, _vendi
from apigen_nb.dataset.export import Summary
from apigen_nb.dataset.proof import Proof, row_of
from apigen_nb.report import dataset_tables
from apigen_nb.storage.jsonl import read_lines
from apigen_nb.world.domain import Domain
from tests.dataset_runs import calls_of, rows

Made = tuple[Path, Summary]
retail = Domain.load("retail")


def text(start: int, words: int = 6) -> list[str]:
    return [f"w{start + number}" for number in range(words)]


def test_runs_of_words_are_distinct_or_not() -> None:
    assert _distinct([["a", "b", "a", "b"]], 1) == 0.5
    assert _distinct([["a", "b", "a", "b"], ["a", "b"]], 2) == 0.5  # ab, ba, ab, ab
    assert _distinct([["a"]], 3) == 0


@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_as_many_different_rows_as_there_are(kinds: int) -> None:
    """So many texts without a word in common, each there three times."""
    likeness = _likeness([text(100 * number) for number in range(kinds)] * 3)
    assert likeness is not None
    assert np.allclose(np.diag(likeness), 1)
    assert _vendi(likeness) == kinds
    assert _self_similarity(likeness) == 1


def test_texts_without_a_word_in_common_are_not_alike_and_others_in_between() -> None:
    apart, near = _likeness([text(0), text(100)]), _likeness([text(0), [*text(0, 5), "other"]])
    assert apart is not None
    assert near is not None
    assert (_self_similarity(apart), _vendi(apart)) == (0, 2)
    assert 0 < _self_similarity(near) < 1
    assert 1 < _vendi(near) < 2
    assert _likeness([text(0)]) is None
    empty = _likeness([[], []])
    assert empty is not None
    assert _vendi(empty) == 1 or _self_similarity(empty) == 0


def test_what_is_counted_is_what_the_rows_hold(made: Made) -> None:
    folder, summary = made
    found = Diversity.model_validate_json((folder / "dataset" / "diversity.json").read_bytes())
    held = rows(folder, "trl")
    called = {call["name"] for row in held for call in calls_of(row["messages"])}
    assert (found.rows, found.sample, found.tools["retail"].used) == (summary.rows, summary.rows, len(called))
    assert found.tools["retail"].of == len(retail.tools)
    assert sum(found.kinds.values()) == summary.rows
    calls = [len(list(calls_of(row["messages"]))) for row in held]
    assert found.lengths["calls"].mean == pytest.approx(sum(calls) / len(calls), rel=1e-3)
    assert sum(number <= found.lengths["calls"].most_of_95 for number in calls) >= 0.95 * len(calls)
    assert found.lengths["tokens"].median in {row["tokens"]["conversation"] for row in held}
    assert 0 < found.edges["retail"].used < found.edges["retail"].of
    assert 0 < found.distinct["1"] < found.distinct["3"] < 1
    assert found.vendi is not None
    assert 1 < found.vendi < summary.rows
    card = (folder / "dataset" / "README.md").read_text()
    told = dict(dataset_tables.diversity(folder / "dataset").itertuples(index=False))
    assert all(f"| {measure} | {value} |" in card for measure, value in told.items())
    assert "4.39 by an audit of the released rows" in told["calls a row"]


def test_the_sample_is_the_same_whatever_the_order_and_no_larger_than_asked(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "SAMPLE", 7)
    proofs = read_lines(made[0] / "dataset" / "proofs.jsonl", Proof)
    found = []
    for order in (proofs, proofs[::-1]):
        counter = DiversityCounter()
        for proof in order:
            counter.add(proof, row_of(proof, retail), retail)
        found.append(counter.found)
    assert found[0] == found[1]
    assert (found[0].sample, found[0].rows) == (7, len(proofs))
    assert json.loads(found[0].model_dump_json())["sample"] == 7
