"""Several runs side by side, and the whole report in one file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from apigen_nb.report import run_comparison, write
from apigen_nb.storage.jsonl import Damaged
from tests.report_records import HOSTILE, make_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, write.RunContents]:
    folder = tmp_path_factory.mktemp("runs")
    paths = [make_run(folder / "one", count=24), make_run(folder / "other", count=12)]
    manifest = json.loads((paths[1] / "run.json").read_text())
    manifest["parameters"]["random_seed"] = 8
    (paths[1] / "run.json").write_text(json.dumps(manifest))
    held = [write.RunContents(path) for path in paths]
    return dict(zip(run_comparison.names(held), held, strict=True))


def test_runs_side_by_side_count_each_run(runs: dict[str, write.RunContents]) -> None:
    frame = run_comparison.shares(runs).set_index(["run", "step"])
    for name, run in runs.items():
        row = frame.loc[(name, "accepted blueprints, of all tried")]
        assert (row["passed"], row["attempted"]) == (sum(p.accepted for p in run.proposals), len(run.proposals))
    figure = run_comparison.shares_figure(run_comparison.shares(runs), "t")
    assert [trace.name for trace in figure.data] == ["one", "other"]
    assert len({trace.marker.symbol for trace in figure.data}) == 2
    heights = [sum(trace.y) for trace in run_comparison.lengths_figure(runs, "calls").data]
    assert heights == pytest.approx([100, 100])


def test_only_what_was_set_differently_is_listed(runs: dict[str, write.RunContents]) -> None:
    frame = run_comparison.changes(runs).set_index("setting")
    assert frame.loc["random_seed"].tolist() == ["7", "8"]
    assert frame.loc["count"].tolist() == ["24", "12"]
    assert "domain" not in frame.index


def test_the_same_seeds_are_paired(runs: dict[str, write.RunContents]) -> None:
    assert run_comparison.same_seeds(runs)["seeds"].sum() == 12
    assert run_comparison.same_seeds(
        {"one": runs["one"]} | {"x": write.RunContents(Path("x"), manifest={}, proposals=(), trajectories=())}
    ).empty


def test_a_difference_within_the_intervals_is_called_chance(runs: dict[str, write.RunContents]) -> None:
    one, other = (run.proposals for run in runs.values())
    fewer = tuple(p.model_copy(update={"accepted": p.accepted and n > 0}) for n, p in enumerate(other))
    near = runs | {"other": write.RunContents(Path("other"), manifest={}, proposals=fewer, trajectories=())}
    assert "chance may explain" in run_comparison.sentence(near)
    assert "one and other accept the same share" in run_comparison.sentence(runs | {"other": runs["one"]})
    lost = tuple(p.model_copy(update={"accepted": False}) for p in one)
    apart = runs | {"other": write.RunContents(Path("other"), manifest={}, proposals=lost, trajectories=())}
    assert "by more than chance" in run_comparison.sentence(apart)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    held = [
        write.RunContents(tmp_path / above / "demo", manifest={}, proposals=(), trajectories=()) for above in ("a", "b")
    ]
    assert run_comparison.names(held) == ["a/demo", "b/demo"]


def test_a_report_with_others_has_a_page_that_compares_them(runs: dict[str, write.RunContents]) -> None:
    one, other = (run.folder for run in runs.values())
    index = write.write_report(one, [other])
    page = (index.parent / "compare.html").read_text(encoding="utf-8")
    assert 'href="../../other/report/index.html"' in page
    assert "What was set differently: 2 settings" in page
    write.write_report(one)
    assert not (index.parent / "compare.html").exists()


def test_one_file_holds_every_page_and_only_its_own_scripts_may_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "demo", HOSTILE, count=6)
    path = write.write_single_file(folder)
    pages = write.pages_of(write.RunContents(folder))
    markup = path.read_text(encoding="utf-8")
    assert re.findall(r'<template data-page="([^"]+)"', markup) == [page.file for page in pages]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', markup)[1]
    assert policy.count("sha256-") == 2
    assert "'self'" not in policy
    assert "unsafe-eval" not in policy
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="(?!data:)', markup)
    assert 'href="../' not in markup
    assert path.stat().st_size < 8_000_000


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(Damaged, match=r"run\.json: expected a JSON object"):
        assert write.RunContents(tmp_path).manifest
