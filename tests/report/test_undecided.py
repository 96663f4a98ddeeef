"""Undecided conversations are a class of their own, never failures; findings and readings stand where they belong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from apigen_nb.records import Blame, Finding, Opinion, Reading, Trajectory, Verdict
from apigen_nb.report import charts, diversity, listings, marks, mixture_tables, overview, panels, pieces, tables, write
from apigen_nb.report.run_comparison import numbers
from apigen_nb.report.run_contents import RunContents
from apigen_nb.report.slim_records import SlimTrajectory
from tests.report_records import (
    HOSTILE,
    assert_harmless,
    make_run,
    marked_trajectories,
    proposals,
    reading,
    trajectories,
    whole,
)

RECORDS = proposals(6)
BROKE, OPEN, NOTED = marked_trajectories("retail-00000")
TALKS = [*trajectories(RECORDS), BROKE, OPEN, NOTED]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "marked", marked=True)


def test_every_count_of_conversations_tells_the_undecided_from_the_failed() -> None:
    outcomes = tables.trajectories(TALKS)
    failed = sum(t.outcome == "failed" for t in TALKS)
    frames = [
        tables.attempts(outcomes), tables.ends(outcomes), mixture_tables.successes(RECORDS, TALKS, "kind"),
        mixture_tables.successes(RECORDS, TALKS, "behaviour"),
    ]  # fmt: skip
    for frame in frames:
        assert (frame["passed"] + frame["fell"] + frame["undecided"] == frame["attempted"]).all()
        assert (frame["undecided"].sum(), frame["fell"].sum()) == (1, failed)
    assert tables.tool_use(TALKS)["undecided"].sum() == 2  # of two tools
    assert tables.selection(TALKS, 4)["undecided"].tolist() == [1, 0]
    assert mixture_tables.recombined(RECORDS, TALKS)["undecided"].sum() == 1
    assert diversity.rows(TALKS, RECORDS)["outcome"].value_counts()["undecided"] == 1
    assert "1 undecided" in diversity.headline(diversity.rows(TALKS, RECORDS), None)


def test_checks_are_counted_as_held_fallen_and_undecided() -> None:
    frame = tables.checks(TALKS).set_index("check")
    assert frame.index.tolist() == ["ended", "state", "outputs", "conduct"]
    assert frame.loc["conduct", ["attempted", "passed", "undecided", "fell"]].tolist() == [3, 1, 1, 1]
    assert frame["undecided"].sum() == 1
    figure = charts.checks(frame.reset_index())
    assert [(bar.name, bar.x[3]) for bar in figure.data] == [("held", 1), ("fell", 1), ("undecided", 1)]
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 3, "told apart by more than colour"
    assert "undecided" in figure.layout.title.subtitle.text


def test_what_nobody_was_asked_is_no_undecided_check() -> None:
    """The same open question, in a conversation that had fallen elsewhere."""
    state = Verdict(gate="state", passed=False, kind="state differs", reason="1 rows differ: orders/#W1")
    verdicts = tuple(state if v.gate == "state" else v.not_asked() for v in OPEN.verdicts)
    talk = OPEN.model_copy(update={"verdicts": verdicts, "readings": ()})
    assert (talk.outcome, talk.undecided, talk.success) == ("failed", False, False)
    frame = tables.checks([*TALKS, talk]).set_index("check")
    assert frame.loc["conduct", ["attempted", "passed", "undecided", "fell", "not asked"]].tolist() == [3, 1, 1, 1, 1]
    assert (frame["passed"] + frame["fell"] + frame["undecided"] == frame["attempted"]).all()
    figure = charts.checks(frame.reset_index())
    assert "1 undecided · 1 not asked" in figure.layout.annotations[3].text
    checks = tables.checks([BROKE, talk])
    drawn = panels.counts_table(checks, ("held", "fell"), "trajectories", charts.check_leads(checks))
    assert 'data-name="undecided"' not in drawn
    assert ">undecided<" not in drawn
    assert re.search(r"trajectories.html#\?check\+not\+asked=conduct[^>]*>1<", drawn)
    page = str(pieces.compare(talk, RECORDS[0].blueprint))
    assert "conduct not asked" in page
    assert "Not asked of any judge, since the conversation fell elsewhere: 1" in page
    assert ("is-undecided" in page, "open question" in page, "marked-" in page) == (False, False, False)


def test_not_asked_changes_only_what_was_open() -> None:
    for talk in TALKS:
        for verdict in talk.verdicts:
            after = verdict.not_asked()
            assert after.outcome == {"undecided": "not asked"}.get(verdict.outcome, verdict.outcome)
            assert "undecided" not in {finding.outcome for finding in after.findings}
            assert len(after.findings) == len(verdict.findings)
            assert after == verdict or any(f.outcome == "undecided" for f in verdict.findings) or verdict.undecided


def test_a_line_of_before_opens() -> None:
    """Lines did not say then whether somebody was asked."""
    line = json.loads(OPEN.line())
    assert all("unasked" in verdict for verdict in line["verdicts"])
    for verdict in line["verdicts"]:
        del verdict["unasked"]
    assert Trajectory.model_validate(line) == OPEN


def test_without_any_nothing_speaks_of_them() -> None:
    outcomes = tables.trajectories(trajectories(RECORDS))
    assert len(charts.attempts(tables.attempts(outcomes)).data) == 2
    drawn = panels.counts_table(tables.attempts(outcomes), ("verified", "failed"), "trajectories")
    assert 'data-name="undecided"' not in drawn
    assert ">undecided<" not in drawn
    assert "undecided trajectories" not in tables.key_figures(RECORDS, trajectories(RECORDS))


def test_nobody_is_blamed_for_what_is_undecided_and_it_goes_nowhere_wrong() -> None:
    blamed = OPEN.model_copy(
        update={"blame": Blame(cause="agent", turn=1, evidence="x"), "divergence": TALKS[2].divergence}
    )
    assert blamed.undecided
    assert mixture_tables.blames([blamed]).empty
    wrong = tables.ends(tables.trajectories([blamed, *trajectories(RECORDS)]), "divergence")
    assert wrong["attempted"].sum() == sum(not t.success for t in trajectories(RECORDS))


def test_a_slim_trajectory_has_the_same_outcome_and_notes() -> None:
    for talk in TALKS:
        slim = SlimTrajectory.model_validate_json(talk.line())
        assert (slim.outcome, tables.noted(slim)) == (talk.outcome, tables.noted(talk))
        assert not slim.readings
        assert not any(finding.text or finding.found for finding in tables.findings(slim))


def test_undecided_ones_can_be_found_and_read(marked: Path) -> None:
    run = RunContents(marked)
    items = {item.id: item for item in listings.trajectories(run).items}
    by_outcome = [(item.mark, item.facets["outcome"]) for item in items.values()]
    assert set(by_outcome) == {("✓", "verified"), ("✗", "failed"), ("?", "undecided")}
    item = items[OPEN.id]
    assert item.facets["undecided check"] == ["conduct: no majority"]
    assert (item.facets["failed check"], item.facets["check undecided"]) == ([], ["conduct"])
    assert items[BROKE.id].facets["rule broken"] == ["greeting", "confirm_first"]
    assert items[NOTED.id].line.endswith("repeated read 2 · unused read 1")
    assert overview.undecided(run) == "1 undecided: conduct, no majority"
    page = whole(write.write_report(marked))
    assert 'href="trajectories.html#?outcome=undecided"' in page
    assert numbers({"a": run}).set_index("figure").loc["undecided trajectories", "a"].startswith("1 · 1.6 %")


def test_a_finding_stands_behind_its_message_and_in_the_list_above() -> None:
    page = str(pieces.compare(BROKE, RECORDS[0].blueprint))
    chat = page[page.index('role="log"') :]
    at = [chat.index(text) for text in ('data-turn="8"><details', "✗ breaks a rule: confirm_first", 'data-turn="10"')]
    assert at == sorted(at)
    assert "return_items was called before a yes" in chat
    assert chat.index("breaks a rule: greeting") > chat.index("Thanks."), "what has no message stands at the end"
    links = [
        unquote(link)
        for link in re.findall(r'href="\.\./report/trajectories\.html#([^"]*)"', page[: page.index('role="log"')])
    ]
    assert f"{BROKE.id}?message=8" in links
    assert "undecided" not in page


def test_an_open_question_tells_who_answered_what_and_marks_what_was_quoted() -> None:
    page = str(pieces.compare(OPEN, RECORDS[0].blueprint))
    chat = page[page.index('role="log"') :]
    assert "? open question: confirm_first" in chat
    assert re.findall(r"<b>(judge \d)</b>", chat) == ["judge 1", "judge 2", "judge 3"]
    assert '<mark class="quoted" title="quoted by a judge">Actually keep the keyboard, just the lamp.</mark>' in chat
    assert "1 without an answer" in page
    assert ">failed<" not in page.replace(" ", "")
    assert 'class="fell"' not in page


def test_verdicts_that_are_undecided_are_not_said_to_differ() -> None:
    verdicts = tuple(
        v.model_copy(update={"passed": False, "undecided": True}) if v.gate in ("state", "outputs") else v
        for v in NOTED.verdicts
    )
    page = str(pieces.compare(NOTED.model_copy(update={"verdicts": verdicts}), RECORDS[0].blueprint))
    assert "? state undecided" in page
    assert "state differs" not in page
    frame = tables.trajectories([NOTED.model_copy(update={"verdicts": verdicts})])
    assert frame.loc[0, "state reached"] is None


@pytest.mark.parametrize(
    ("content", "quotes", "parts"),
    [
        ("Yes, do it.", ["do it"], [("Yes, ", False), ("do it", True), (".", False)]),
        ("Yes,\n do   it.", ["Yes, do it"], [("Yes,\n do   it", True), (".", False)]),
        ("abc", ["ab", "bc"], [("ab", True), ("c", True)]),
        ("abc", ["x", "", "  "], [("abc", False)]),
        ("a.c abc", ["a.c"], [("a.c", True), (" abc", False)]),
        ("", ["a"], []),
    ],
)
def test_a_quotation_is_found_to_the_letter(content: str, quotes: list[str], parts: list[tuple[str, bool]]) -> None:
    assert marks.quoted(content, [Opinion(judge="j", answer="yes", quotation=quote) for quote in quotes]) == parts


def test_a_reading_is_answered_by_as_many_as_it_asks_for() -> None:
    assert marks.answer(reading("a", "yes", "yes", "no")) == "yes"
    assert marks.answer(reading("a", "yes", "no", "")) == ""
    assert marks.answer(reading("a", "unclear", "unclear", "yes")) == ""
    assert marks.answer(Reading(id="a", claim="", question="?", opinions=(), majority=0)) == ""


def test_what_judges_and_checks_say_is_text_and_nothing_else(tmp_path: Path) -> None:
    for talk in marked_trajectories("retail-00000", HOSTILE):
        page = str(pieces.compare(talk, RECORDS[0].blueprint))
        assert_harmless(page)
        assert_harmless(str(pieces.conversation(talk)))
        assert not re.search(r"[\u202e\x1b\ud800]", page)
    run = make_run(tmp_path / "hostile", HOSTILE, count=6)
    assert_harmless(whole(write.write_report(run).parent / "trajectories.html"))


def test_endless_findings_are_cut_and_counted() -> None:
    many = tuple(Finding(turn=n % 11, rule="r", text="t", found="f") for n in range(500))
    verdict = Verdict(gate="conduct", passed=False, kind="rule broken", findings=many)
    talk: Trajectory = NOTED.model_copy(update={"verdicts": (verdict,)})
    page = str(pieces.compare(talk, None))
    assert "60 of 500" in page
