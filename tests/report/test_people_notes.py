"""Notes of people in the report and in the explorer: read-only there, taken here, and nothing more than text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.notes import MOST_WHY, Note, read_notes, take_note
from apigen_nb.records import Trajectory
from apigen_nb.report import listings, people_notes, widgets
from apigen_nb.report.run_contents import RunContents
from apigen_nb.report.widgets.note_form import NoteForm
from apigen_nb.report.write import pages_of
from apigen_nb.storage.journal import Run, read_lines
from tests.report_records import HOSTILE, assert_harmless, make_run


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("marked") / "run", marked=True)


@pytest.fixture
def folder(marked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(marked, tmp_path / "run"))


def talks(folder: Path) -> dict[str, Trajectory]:
    return {one.id: one for one in read_lines(folder / "trajectories.jsonl", Trajectory)}


def form(folder: Path, id: str) -> NoteForm:
    run = RunContents(folder)
    shown = widgets.explore(run.folder, f"trajectories.html#{id}").pages
    return NoteForm(run, shown)


def test_a_note_is_taken_and_shown_again(folder: Path) -> None:
    one, other = [*talks(folder)][:2]
    filled = form(folder, f"{one}?outcome=failed")
    assert (filled.id, filled.verdict.value, filled.why.value, filled.who.value) == (one, "", "", "")
    filled.verdict.value, filled.why.value, filled.who.value = "drop", "It is rude.", "Reader 1"
    filled.take()
    assert "Saved: drop it." in filled.told.value
    assert f"Note on {one}" in filled.about.value
    expected = Note(id=one, content=talks(folder)[one].content, verdict="drop", why="It is rude.", who="Reader 1")
    assert read_notes(Run(folder).notes) == [expected]
    filled.pages.address = f"trajectories.html#{other}"
    assert (filled.verdict.value, filled.why.value, filled.who.value) == ("", "", "Reader 1")
    filled.pages.address = f"trajectories.html#{one}"
    assert (filled.verdict.value, filled.why.value) == ("drop", "It is rude.")
    assert "drop it" in listings.trajectories(filled.run).fetch(one)
    again = form(folder, one)
    assert (again.verdict.value, again.why.value, again.who.value) == ("drop", "It is rude.", "")


def test_what_cannot_be_kept_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = form(folder, next(iter(talks(folder))))
    filled.why.value = "x" * (MOST_WHY + 1)
    filled.take()
    assert filled.told.value.startswith("why: expected at most 2,000 characters, found 2,001")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "notes.jsonl")

    monkeypatch.setattr("apigen_nb.dataset.notes.append_line", full)
    filled.why.value = "short"
    filled.take()
    assert "No space left on device" in filled.told.value
    nothing = form(folder, "retail-99999.t1")
    nothing.take()
    assert nothing.told.value == "Choose a conversation to leave a note on it."
    assert nothing.save.disabled
    assert not Run(folder).notes.exists()


def test_the_form_stands_below_conversations_only(folder: Path) -> None:
    shown = widgets.explore(folder)
    place = shown.children[1]
    assert place.children == ()
    shown.pages.address = "trajectories.html#"
    assert "apigen-note" in place.children[0]._dom_classes
    shown.pages.address = "blueprints.html#"
    assert place.children == ()


def test_a_hostile_note_is_text_wherever_it_stands(folder: Path) -> None:
    typed = HOSTILE[:1_900]
    one, run = next(iter(talks(folder).values())), Run(folder)
    take_note(run, one, "drop", typed, HOSTILE[:80])
    filled = form(folder, one.id)
    assert filled.why.value == read_notes(run.notes)[0].why
    take_note(run, one.model_copy(update={"messages": one.messages[:-1]}), "drop", typed, HOSTILE[:80])
    stale = form(folder, one.id)
    assert "not heeded: drop it" in stale.old.value
    for html in (stale.old.value, *(listings.trajectories(some.run).fetch(one.id) for some in (filled, stale))):
        assert "drop it" in html
        assert "<script>" not in html
        assert "<img" not in html
    for page in pages_of(RunContents(folder)):
        if page.file in ("dataset.html", "trajectories.html"):
            assert_harmless(page.html)
    dataset = next(page for page in pages_of(RunContents(folder)) if page.file == "dataset.html").html
    assert "What people say" in dataset
    assert "&lt;/script&gt;&lt;script&gt;window.hacked=1" in dataset


def noted(folder: Path, *said: tuple[str, str, str]) -> RunContents:
    """A run with notes: conversation, verdict, who."""
    known = talks(folder)
    for id, verdict, who in said:
        take_note(Run(folder), known[id], verdict, "so", who)  # type: ignore[arg-type]
    return RunContents(folder)


def test_it_says_what_is_heeded_and_what_is_not(folder: Path) -> None:
    known = talks(folder)
    held, fell = ([one.id for one in known.values() if one.outcome == what] for what in ("verified", "failed"))
    [undecided] = [one.id for one in known.values() if one.outcome == "undecided"]
    run = Run(folder)
    take_note(run, known[held[0]], "drop")
    take_note(run, known[fell[0]], "keep")
    take_note(run, known[undecided], "keep")
    take_note(run, known[held[1]].model_copy(update={"messages": known[held[1]].messages[:-1]}), "drop")
    take_note(run, known[held[2]].model_copy(update={"id": "gone.t1"}), "drop")
    take_note(run, known[held[2]], "", "only a remark")
    assert dict(people_notes.listed(RunContents(folder))[["trajectory", "heeded"]].values) == {
        held[0]: "yes",
        fell[0]: "no: it is failed",
        undecided: "no: it is undecided",
        held[1]: "no: the conversation has changed",
        "gone.t1": "no: there is no such conversation",
        held[2]: "–",
    }
    shown = listings.trajectories(RunContents(folder))
    assert "not heeded" in shown.fetch(held[1])
    assert "not heeded" not in shown.fetch(held[0])
    assert {item.facets["a person says"] for item in shown.items} == {"", "drop it", "keep it", "no verdict"}


def test_agreement_is_counted_and_too_few_have_no_kappa(folder: Path) -> None:
    known = talks(folder)
    held, fell = ([one.id for one in known.values() if one.outcome == what] for what in ("verified", "failed"))
    read = [one.id for one in known.values() if one.readings and one.outcome == "failed"]
    assert len(read) == 1
    some = [id for id in fell if id not in read]
    run = noted(
        folder,
        *((id, "keep", "") for id in held[:6]),
        *((id, "drop", "") for id in some[:3]),
        (some[3], "keep", ""),
        (read[0], "drop", ""),
        (held[0], "keep", "B"),
        (held[1], "drop", "B"),
        (held[1], "keep", "B"),
    )
    found = {(one, other): rest for one, other, *rest in people_notes.agreement(run).itertuples(index=False, name=None)}
    assert {pair: (both, same) for pair, (both, same, _) in found.items()} == {
        ("a person", "the checks"): (11, "10"),
        ("a person", "the judges"): (1, "1"),
        ("a person", "a person (B)"): (2, "2"),
        ("a person (B)", "the checks"): (2, "2"),
    }
    # 10 of 11 agree; by chance (7 × 6 + 4 × 5) / 121 would: κ = (10/11 - 62/121) / (1 - 62/121)
    assert found["a person", "the checks"][2].startswith(f"{(110 - 62) / (121 - 62):.2f} [")
    assert found["a person", "the judges"][2] == "too few: at least 10 are needed"


def test_where_verdicts_do_not_vary_there_is_no_kappa(folder: Path) -> None:
    held = [one.id for one in talks(folder).values() if one.outcome == "verified"]
    found = people_notes.agreement(noted(folder, *((id, "keep", "") for id in held[:11])))
    assert found["Cohen's κ, 95 %"].tolist() == ["–: their verdicts do not vary"]


def test_without_notes_a_page_says_nothing_of_people(folder: Path) -> None:
    assert people_notes.section(RunContents(folder)) == ""
    assert people_notes.agreement(RunContents(folder)).empty
