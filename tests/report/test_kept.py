"""What is kept of a large run: it opens without reading its records, gives the same, and never outlives its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apigen_nb.report import kept, record_index, widgets
from apigen_nb.report.item_explorer import ItemExplorer
from apigen_nb.report.run_contents import RunContents
from apigen_nb.report.write import write_report
from tests.report_records import make_run

PAGES = ("pass_rates", "reflection", "blueprints", "trajectories", "committee", "dataset")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache; every run counts as large."""
    monkeypatch.setattr(kept, "user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(kept, "LARGE", 1)
    return tmp_path / "cache"


def unread(*_: object) -> None:
    raise AssertionError("the records were read")


def answers(folder: Path) -> dict[str, object]:
    """All that explorers say of a run: its pages, an item, a search and a panel of each, its key figures."""
    found: dict[str, object] = {"words": widgets.explore(folder)._repr_mimebundle_()["text/plain"]}
    for name in PAGES:
        shown = getattr(widgets, name)(folder)
        found[name] = shown.ask(f"{name}.html")
        for number, part in enumerate(shown.pages[f"{name}.html"].body):
            if isinstance(part, ItemExplorer):
                asked = part.find("lamp", 0)
                found[f"{name} item"] = (asked, shown.ask(f"{name}.html", number, max(asked[0])))
    found["panel"] = widgets.pass_rates(folder).ask("pass_rates.html", 2, "execution\ntool")
    return found


def test_a_large_run_opens_without_reading_its_records(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path / "run", count=12)
    before = sorted(path.name for path in folder.iterdir())
    with monkeypatch.context() as small:
        small.setattr(kept, "LARGE", 10**12)
        read = answers(folder)
        assert not home.exists(), "a small run keeps nothing"
    write_report(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*before, "report"])
    with monkeypatch.context() as shut:
        shut.setattr(record_index, "scan_lines", unread)
        assert answers(folder) == read
        with pytest.raises(AssertionError, match="were read"):
            list(RunContents(folder).proposals)


def test_what_is_kept_does_not_outlive_the_files(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "run", count=12)
    write_report(folder)
    first = answers(folder)
    path = folder / "trajectories.jsonl"
    path.write_text(path.read_text().replace("I found order W4781", "I found order W9999"))  # as long as before
    os.utime(path, ns=(1, 1))
    now = answers(folder)
    assert now != first
    assert "I found order W9999" in str(now["trajectories item"])
    monkeypatch.setattr(kept, "LARGE", 10**12)
    assert now == answers(folder)
    assert len([path for path in home.rglob("*") if path.is_dir() and path.parent.parent.name == "pages"]) == 1


def test_a_running_stage_keeps_nothing(home: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", count=6)
    (folder / "trajectories.jsonl").rename(folder / "trajectories.jsonl.part")
    assert answers(folder)["trajectories"]
    assert not home.exists()


def test_a_home_that_cannot_be_written_or_was_spoilt_is_no_matter(home: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", count=6)
    home.write_text("a file where the folder should be")
    first = answers(folder)
    home.unlink()
    assert answers(folder) == first
    for path in home.rglob("*.json.gz"):
        path.write_bytes(b"spoilt")
    assert answers(folder) == first


def test_the_oldest_runs_are_dropped(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RUNS", 2)
    for name in "abc":
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_text("{}")
        kept.Kept(folder).get("one", lambda: 1)
    assert len(list((home / "pages").iterdir())) == 2
