"""What people say of conversations: kept whole beside the run, heeded by the export, never against a check."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.export import Summary, build_dataset, write_dataset
from apigen_nb.dataset.notes import MOST_WHO, MOST_WHY, Note, latest, read_notes, take_note
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.dataset.people import DROPPED
from apigen_nb.dataset.sources import Source
from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.records import Trajectory
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.storage.jsonl import Damaged
from apigen_nb.world.domain import Domain
from tests.dataset_runs import ALL, rows, small_run
from tests.report_records import HOSTILE

retail = Domain.load("retail")


@pytest.fixture
def held(run: Path) -> dict[str, Trajectory]:
    return {trajectory.id: trajectory for trajectory in read_lines(Run(run).trajectories, Trajectory)}


def export(run: Path, **options: Any) -> Summary:
    summary = build_dataset(
        Run(run), retail, {"agent": "by hand"}, options=DatasetOptions(near_duplicates=None, **options)
    )
    report = verify_dataset(run)
    assert report.holds, report.lines()
    assert summary.rows + sum(summary.left_out.values()) == summary.counts["verified conversations"]
    return summary


def ids(run: Path, name: str = "proofs") -> list[str]:
    return [row["about"]["id"] for row in rows(run, name)]


def read(run: Path) -> str:
    """What the card says was read by people."""
    lines = (run / "dataset" / "README.md").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("| read by people")).split(" | ")[1].removesuffix(" |")


def test_what_a_person_drops_is_no_row_and_says_why(run: Path, held: dict[str, Trajectory]) -> None:
    before = ids(run)
    dropped, failed = before[3], ids(run, "rejected")[0]
    take_note(Run(run), held[dropped], "drop", "  The agent is rude.\n", "Reader 1")
    take_note(Run(run), held[failed], "drop")
    export(run)
    assert ids(run) == [id for id in before if id != dropped]
    assert failed not in ids(run, "rejected")
    told = [one for one in rows(run, "left_out") if one["reason"] == DROPPED]
    assert [(one["id"], one["found"], one["twin"]) for one in told] == [(dropped, "The agent is rude.", "")]
    assert read(run) == "2 dropped"


def test_without_a_word_of_anybody_nothing_is_heeded(run: Path) -> None:
    before = (run / "dataset" / "proofs.jsonl").read_bytes()
    build_dataset(Run(run), retail, {}, options=ALL)
    assert read(run) == "not run: nobody left a word"
    assert len(ids(run)) == before.count(b"\n")


def test_what_a_person_keeps_no_filter_takes_but_no_check_is_overruled(run: Path, held: dict[str, Trajectory]) -> None:
    kept, failed = ids(run)[0], next(id for id, trajectory in held.items() if not trajectory.success)
    repeated = next(one["id"] for one in rows(run, "left_out"))
    for id in (kept, failed, repeated):
        take_note(Run(run), held[id], "keep", "Fine.")
    export(run, min_score=1.0)
    assert kept in ids(run)
    assert not {failed, repeated} & {*ids(run)}
    assert read(run) == "1 kept, 2 kept in vain"


def test_the_last_word_counts_and_may_take_the_earlier_one_back(run: Path, held: dict[str, Trajectory]) -> None:
    one, other = ids(run)[:2]
    for id, verdict in ((one, "drop"), (other, "keep"), (one, ""), (other, "drop")):
        take_note(Run(run), held[id], verdict)
    export(run)
    assert one in ids(run)
    assert other not in ids(run)
    assert len(read_notes(Run(run).notes)) == 4


def test_a_note_on_what_has_changed_since_is_stale(run: Path, held: dict[str, Trajectory]) -> None:
    before = ids(run)
    other = held[before[0]].model_copy(update={"messages": held[before[0]].messages[:-1]})
    gone = held[before[1]].model_copy(update={"id": "retail-99999.t1"})
    take_note(Run(run), other, "drop")
    take_note(Run(run), gone, "drop")
    export(run)
    assert ids(run) == before
    assert read(run) == "2 stale"


def test_notes_outlive_a_stage_that_is_made_again(tmp_path: Path, made: tuple[Path, Summary]) -> None:
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        shutil.copy(made[0] / name, tmp_path)
    dropped = ids(made[0])[2]
    trajectories = read_lines(Run(tmp_path).trajectories, Trajectory)
    take_note(Run(tmp_path), next(t for t in trajectories if t.id == dropped), "drop")
    (tmp_path / "trajectories.jsonl").unlink()
    asyncio.run(small_run(tmp_path, retail))
    assert {one["id"]: one["reason"] for one in rows(tmp_path, "left_out")}[dropped] == DROPPED


def test_the_same_notes_give_the_same_bytes(run: Path, held: dict[str, Trajectory]) -> None:
    take_note(Run(run), held[ids(run)[3]], "drop", HOSTILE.replace("w" * 3_000, ""))
    found = []
    for _ in range(2):
        export(run)
        found.append({p.relative_to(run): p.read_bytes() for p in sorted((run / "dataset").rglob("*")) if p.is_file()})
    assert found[0] == found[1]
    assert HOSTILE[:20] not in (run / "dataset" / "README.md").read_text("utf-8"), "no card shows what somebody typed"


def lines(run: Path) -> Iterator[str]:
    yield from Run(run).notes.read_text("utf-8").splitlines()


def test_what_is_too_long_is_refused_and_nothing_written(run: Path, held: dict[str, Trajectory]) -> None:
    one = held[ids(run)[0]]
    with pytest.raises(ValueError, match=r"^why: expected at most 2,000 characters, found 2,001; say it shorter$"):
        take_note(Run(run), one, "keep", "x" * (MOST_WHY + 1))
    with pytest.raises(ValueError, match=r"^who: expected at most 80 characters"):
        take_note(Run(run), one, "keep", who="x" * (MOST_WHO + 1))
    assert not Run(run).notes.exists()


@pytest.mark.parametrize("line", ['{"id": "a"}', "{", '{"id":"a","content":"b","verdict":"burn"}', "x" * 50])
def test_a_damaged_note_is_named_by_its_line(run: Path, held: dict[str, Trajectory], line: str) -> None:
    take_note(Run(run), held[ids(run)[0]], "keep")
    before = {p: p.read_bytes() for p in (run / "dataset").rglob("*") if p.is_file()}
    with Run(run).notes.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(Damaged, match=r"notes\.jsonl, line 2: expected a note, found .*; mend or delete the line$"):
        build_dataset(Run(run), retail, {})
    assert before == {p: p.read_bytes() for p in (run / "dataset").rglob("*") if p.is_file()}


def test_texts_of_people_come_back_as_they_were(run: Path, held: dict[str, Trajectory]) -> None:
    typed = HOSTILE.replace("w" * 3_000, "") + "\n\u2028\x00end"
    note = take_note(Run(run), held[ids(run)[0]], "drop", typed, "名前")
    assert len([*lines(run)]) == 1
    assert read_notes(Run(run).notes) == [note]
    assert latest([note, note.model_copy(update={"verdict": "keep"})])[note.id].verdict == "keep"
    assert isinstance(note, Note)
    assert note.why == typed.replace("\ud800", "?"), "half a sign is none"


def test_of_several_runs_each_has_its_own_notes(run: Path, held: dict[str, Trajectory], tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "other"))
    dropped, left = ids(run)[:2]
    take_note(Run(run), held[dropped], "drop", "Not this one.")
    take_note(Run(other), held[left], "drop")  # the other run's repeats this one's, which stays
    sources = [Source(Run(folder), retail, {"agent": "x"}, name=name) for folder, name in ((run, "a"), (other, "b"))]
    write_dataset(sources, tmp_path / "both" / "dataset", options=ALL)
    told = [(one["id"], one["found"]) for one in rows(tmp_path / "both", "left_out") if one["reason"] == DROPPED]
    assert told == [(f"a:{dropped}", "Not this one.")]
    assert ids(tmp_path / "both")[0] == f"a:{left}"
