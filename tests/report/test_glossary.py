"""The words of the report: one copy, one thing a name, each explained where it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import escape

from apigen_nb.records import KINDS
from apigen_nb.report import charts, glossary, pieces, tables, write
from apigen_nb.report.markdown import prose
from tests.report_records import HOSTILE, make_run, proposals, trajectories, whole

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "docs" / "glossary.md"
COPY = ROOT / "apigen_nb" / "report" / "assets" / "glossary.md"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write.write_report(make_run(tmp_path_factory.mktemp("runs") / "demo", marked=True, count=6)).parent


def test_the_package_has_the_glossary_of_the_docs() -> None:
    assert COPY.read_bytes() == SOURCE.read_bytes(), "copy it again: cp docs/glossary.md apigen_nb/report/assets/"


def test_every_line_is_a_word_and_no_name_is_given_twice() -> None:
    lines = [line for line in SOURCE.read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    names = [name.lower() for word in glossary.words() for name in word.names]
    assert len(glossary.words()) == len(lines) > 60
    assert len(names) == len(set(names))
    assert names == sorted(names, key=lambda name: name) or [w.slug for w in glossary.words()] == sorted(
        (w.slug for w in glossary.words()), key=str.lower
    )
    assert all(word.plain and word.plain[-1] != "|" for word in glossary.words())
    assert len({word.slug for word in glossary.words()}) == len(lines)


@pytest.mark.parametrize("name", ["fell", "kind", "behaviour", "grounding", "reward", "pass rate", "rejected", *KINDS])
def test_words_of_the_pages_have_a_meaning(name: str) -> None:
    word = glossary.find(name)
    assert word is not None
    assert len(word.plain) > 20


def test_gates_and_checks_are_explained_by_their_own_meaning() -> None:
    gates = ["format", "execution", "policy", "grounding", "kind", "recombination", "committee"]
    told = glossary.meanings(gates, "gate")
    assert all(told)
    assert told[2] != glossary.meanings(["policy"])[0]
    assert all(glossary.meanings(["ended", "state", "outputs", "behaviour", "conduct"], "check"))
    assert glossary.meanings(["my_own_gate"], "gate") == [""]


def test_a_bar_says_what_its_name_means() -> None:
    drawn = charts.funnel(tables.funnel(tables.verdicts(proposals(6))))
    assert "told in the instruction, or found by reads" in re.sub("(<br>|</?i>)+", " ", drawn.data[0].hovertext[3])


def test_a_term_opens_what_it_means_and_other_texts_stay_texts() -> None:
    assert 'popovertarget="word-blueprint"' in glossary.explained("accepted blueprints")
    assert glossary.explained("accepted blueprints").count("<button") == 1
    assert re.sub("<[^>]*>", "", glossary.explained("accepted blueprints")) == "accepted blueprints"
    for text in ("no such thing", HOSTILE[:60]):
        assert glossary.explained(text) == escape(text)
        assert glossary.term(text) == escape(text)


def test_every_term_of_every_page_has_what_it_opens(report: Path) -> None:
    for path in report.glob("*.html"):
        markup = whole(path)
        opened = set(re.findall(r'popovertarget="([^"]*)"', markup))
        assert opened <= set(re.findall(r'id="(word-[^"]*)" popover', path.read_text(encoding="utf-8"))), path.name
        if path.name not in ("glossary.html", "dataset.html"):
            assert opened, path.name


def test_every_page_leads_to_the_glossary_and_lists_its_own_words(report: Path) -> None:
    for path in report.glob("*.html"):
        markup = path.read_text(encoding="utf-8")
        assert '<a href="glossary.html"' in markup, path.name
        if path.name != "glossary.html":
            listed = markup.partition('class="fold words-here"')[2].partition("</details>")[0]
            assert listed.count("<dt>") >= 5, path.name
    anchors = set(re.findall(r'<dt id="([^"]*)"', (report / "glossary.html").read_text(encoding="utf-8")))
    assert anchors == {word.slug for word in glossary.words()}


def test_in_a_notebook_a_word_says_it_by_itself_and_on_its_page_it_opens() -> None:
    piece = pieces.key_figures(tables.key_figures(proposals(6), trajectories(proposals(6))))
    shown = piece._repr_html_()
    assert "<button" not in shown
    assert 'data-word="blueprint" title="a task: an instruction' in shown
    assert 'popovertarget="word-blueprint" title="a task: an instruction' in pieces.linked(shown)


def test_a_single_file_opens_words_once(report: Path) -> None:
    text = write.write_single_file(report.parent).read_text(encoding="utf-8")
    assert text.count('id="word-blueprint" popover') == 1
    assert 'data-page="glossary.html"' in text


def test_a_policy_in_markdown_keeps_its_own_words() -> None:
    assert "term" not in prose("A blueprint of a kind.")
