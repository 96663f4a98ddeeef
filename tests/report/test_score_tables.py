"""The scores of a dataset in tables: over all rows, and the rows to read first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apigen_nb.dataset.rows import Scores
from apigen_nb.report import score_tables
from apigen_nb.world.domain import Domain
from tests.dataset_runs import rows, small_run


def test_every_score_is_explained_and_counted_where_it_is_known() -> None:
    scores = {"a": Scores(score=0.5, conduct=0.5), "b": Scores(score=1, conduct=1, pass_rate=0.25), "c": Scores()}
    found = score_tables.spread(scores).set_index("score")
    assert [*found.index] == [*Scores.model_fields]
    assert (found["what it is"].str.len() > 10).all()
    assert [*found.loc[["score", "pass_rate", "drafts"], "rows"]] == [2, 1, 0]
    assert found.loc["conduct", "median"] == 0.75
    assert found.loc["pass_rate", "95 %"] == 0.25


def test_the_lowest_come_first_with_the_parts_of_their_score() -> None:
    scores = {
        "good": Scores(score=1, conduct=1),
        "poor": Scores(score=0.5, conduct=0.75, wasted_reads=0.75, drafts=2),
        "new": Scores(),
    }
    found = score_tables.lowest(scores)
    assert [*found["trajectory"]] == ["poor", "good"]
    poor = found.iloc[0]
    assert (poor["conduct"], poor["reads used"], poor["drafts"]) == (0.75, 0.25, 0.5)
    assert poor[["conduct", "reads used", "drafts"]].mean() == poor["score"]


def test_what_is_shown_are_the_rows_of_the_dataset(tmp_path: Path) -> None:
    assert score_tables.section(tmp_path / "dataset") == ""
    asyncio.run(small_run(tmp_path, Domain.load("retail"), count=6))
    read = score_tables.read_scores(tmp_path / "dataset")
    held = {row["id"]: row["scores"] for row in rows(tmp_path, "trl")}
    assert {id: one.model_dump() for id, one in read.items()} == held
    shown = score_tables.section(tmp_path / "dataset")
    worst = min(held, key=lambda id: (held[id]["score"], id))
    assert f"trajectories.html#{worst}" in shown
