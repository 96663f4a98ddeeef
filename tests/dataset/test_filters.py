"""Filters leave out what was not asked for, with the reason and what was found; what is left holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.export import Summary, build_dataset
from apigen_nb.dataset.filters import OTHER_KIND, keep_asked_for
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.rows import About, Scores
from apigen_nb.dataset.selection import Selection
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.storage.run_folder import Run
from apigen_nb.world.domain import Domain
from tests.dataset_runs import rows

NO_SCORE = Scores(pass_rate=1 / 3)


def about(id: str, kind: str, scores: Scores) -> About:
    known = {"behaviour": "terse", "level": "easy", "models": {}, "domain": "retail", "user": "u", "group_id": "g"}
    return About.model_validate({**known, "id": id, "task_id": id, "kind": kind, "scores": scores})


def selection(*kept: str) -> Selection:
    found = Selection({}, kept=set(kept))
    held = [
        about("good", "plain", Scores(score=0.8, pass_rate=1)),
        about("rare", "no tool", Scores(score=0.9, pass_rate=0.2)),
        about("poor", "plain", Scores(score=0.79999, pass_rate=0.5)),
        about("new", "plain", NO_SCORE),
        about("no idea", "plain", Scores(score=1)),
    ]
    found.rows = {one.id: one for one in held}
    return found


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ({}, {}),
        ({"min_score": 0.8}, {"poor": ("score below 0.8", "0.79999"), "new": ("score below 0.8", "not known")}),
        ({"min_score": 0.0}, {"new": ("score below 0", "not known")}),
        ({"kinds": ["no tool", "forbidden"]}, dict.fromkeys(("good", "poor", "new", "no idea"), (OTHER_KIND, "plain"))),
        (
            {"pass_rate": [0.2, 0.5]},
            {
                "good": ("pass rate outside of 0.2 to 0.5", "1"),
                "no idea": ("pass rate outside of 0.2 to 0.5", "not known"),
            },
        ),
        (
            {"kinds": ["plain"], "pass_rate": [0.0, 0.5], "min_score": 0.5},
            {
                "good": ("pass rate outside of 0 to 0.5", "1"),
                "rare": (OTHER_KIND, "no tool"),
                "new": ("score below 0.5", "not known"),
                "no idea": ("pass rate outside of 0 to 0.5", "not known"),
            },
        ),
    ],
)
def test_each_filter_leaves_out_with_its_reason(asked: dict[str, Any], left_out: dict[str, tuple[str, str]]) -> None:
    found = selection()
    keep_asked_for(found, DatasetOptions(**asked))
    assert {one.id: (one.reason, one.found) for one in found.left_out} == left_out
    assert found.rows.keys() == selection().rows.keys() - left_out.keys()


def test_what_a_person_keeps_no_filter_takes() -> None:
    found = selection("poor", "good")
    keep_asked_for(found, DatasetOptions(min_score=0.95, kinds=["no tool"]))
    assert [*found.rows] == ["good", "poor"]


def test_a_filtered_dataset_holds_and_tells_what_it_lacks(made: tuple[Path, Summary], tmp_path: Path) -> None:
    before, domain = rows(made[0], "trl"), Domain.load("retail")
    scores = sorted(row["scores"]["score"] for row in before)
    options = DatasetOptions(min_score=scores[len(scores) // 2], pass_rate=[0.5, 1.0], near_duplicates=None)
    shutil.copytree(made[0], tmp_path / "run")
    summary = build_dataset(Run(tmp_path / "run"), domain, {"agent": "by hand"}, options=options)
    after = rows(tmp_path / "run", "trl")
    asked = [r for r in before if r["scores"]["score"] >= options.min_score and r["scores"]["pass_rate"] >= 0.5]
    assert [row["id"] for row in after] == [row["id"] for row in asked]
    assert 0 < len(after) < len(before)
    assert summary.rows + sum(summary.left_out.values()) == summary.counts["verified conversations"]
    found = {one["id"]: one["found"] for one in rows(tmp_path / "run", "left_out") if one["reason"][:5] == "score"}
    assert found == {
        r["id"]: f"{r['scores']['score']:.6g}"
        for r in before
        if r["scores"]["score"] < options.min_score and r["scores"]["pass_rate"] >= 0.5
    }
    assert found
    assert "score at least" in (tmp_path / "run" / "dataset" / "README.md").read_text("utf-8")
    report = verify_dataset(tmp_path / "run")
    assert report.holds, report.lines()
