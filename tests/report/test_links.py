"""Where a report leads: every link and every bar, to a file that is there and to items that are what was counted."""

from __future__ import annotations

import html as entities
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from apigen_nb.records import Proposal
from apigen_nb.report import notebook_html, pass_rates, pieces, tables, write
from apigen_nb.report.data_table import ITEMS as LINKED
from tests.report_records import attempt, blocks, items_of, make_run, proposals, whole

Wishes = list[tuple[str, str]]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write.write_report(make_run(tmp_path_factory.mktemp("runs") / "demo", marked=True)).parent


def items(page: Path) -> list[dict[str, Any]]:
    """The index of the explorer on a page."""
    found = [items_of(data) for name, data in blocks(page.read_text(encoding="utf-8")) if name == "index"]
    return found[0] if found else []


def behind(page: Path, wishes: Wishes) -> list[dict[str, Any]]:
    """The items that fit filters as the page understands them (what is asked of parts, one part must have), each with
    the number of its parts that fit."""

    def has(facets: dict[str, Any], facet: str, value: str) -> bool:
        found = facets.get(facet, [])
        return value in (found if isinstance(found, list) else [found])

    every = items(page)
    partly = {facet for item in every for part in item["parts"] for facet in part}
    of_parts = [wish for wish in wishes if wish[0] in partly]
    fits = []
    for item in every:
        count = sum(all(has(part, *wish) for wish in of_parts) for part in item["parts"]) if of_parts else 1
        if count and all(has(item["facets"], *wish) for wish in wishes if wish not in of_parts):
            fits.append(item | {"count": count})
    return fits


def addresses(page: Path) -> list[str]:
    """Where a page leads by a link, packed ones and those of its tables included."""
    markup = whole(page)
    found = [entities.unescape(href) for href in re.findall(r'<a[^>]* href="([^"]*)"', markup)]
    for name, data in blocks(page.read_text(encoding="utf-8")):
        if name == "rows":
            found += [
                f"{LINKED[column]}.html#{value}" + (f"?part={row['part']}" if "part" in row else "")
                for row in data["rows"]
                for column, value in row.items()
                if column in LINKED and value != []
            ]
    return found


def test_every_link_leads_to_something_that_is_there(report: Path) -> None:
    seen, messages = 0, set(re.findall(r'data-turn="(\d+)"', whole(report / "trajectories.html")))
    for page in report.glob("*.html"):
        for address in addresses(page):
            assert not re.search(r'["<]|&#', address), (page.name, address)
            name, _, fragment = address.partition("#")
            target = report / unquote(name) if name else page
            assert target.exists(), (page.name, address)
            if fragment and f'id="{fragment}"' in target.read_text(encoding="utf-8"):
                continue  # a heading
            place, _, query = fragment.partition("?")
            wishes = [wish for wish in parse_qsl(query) if wish[0] not in ("with", "part", "message", "view")]
            known = {item["id"]: item for item in items(target)} if fragment and place != "content" else {}
            if place and place != "content":
                assert unquote(place) in known or f'id="{place}"' in target.read_text(), (page.name, address)
            if wishes:
                assert behind(target, wishes), (page.name, address)
            for part in dict(parse_qsl(query)).get("part", ""):
                assert int(part) < len(known[unquote(place)]["parts"]), (page.name, address)
            assert dict(parse_qsl(query)).get("message", "1") in messages, (page.name, address)
            seen += 1
    assert seen > 200


def test_links_in_the_single_file_are_not_escaped_twice(report: Path) -> None:
    text = write.write_single_file(report.parent).read_text(encoding="utf-8")
    assert not re.findall(r"href=(?:&#34;|&quot;)", text)
    assert not re.findall(r"href=(?:&#34;|&quot;)", "".join(map(whole, report.glob("*.html"))))


def figures(page: Path) -> list[dict[str, Any]]:
    found = re.findall(r'</div><script type="application/json">(.*?)</script>', whole(page), re.DOTALL)
    return [json.loads(text) for text in found]


@pytest.mark.parametrize("name", ["index.html", "pass_rates.html", "reflection.html"])
def test_a_bar_leads_to_the_items_that_it_counts(report: Path, name: str) -> None:
    led = 0
    for figure in figures(report / name):
        meta = figure["layout"].get("meta", {})
        for curve, links in enumerate(meta.get("leads", ())):
            for point, link in enumerate(links):
                trace = figure["data"][curve]
                count = (trace["link"]["value"] if trace["type"] == "sankey" else trace["x"])[point]
                found = behind(report / f"{meta['page']}.html", list(link.items()))
                title = figure["layout"]["title"]["text"]
                assert sum(item["count"] for item in found) == count, (title, link)
                led += bool(count)
    assert led > 5


def test_the_bar_of_a_metric_leads_to_those_that_missed_it(report: Path) -> None:
    made = proposals()
    scored = tables.scored(made)
    wanted = set(scored["proposal"][(scored["metric"] == "completeness") & ~scored["passed"]])
    found = behind(report / "blueprints.html", [("metric not met", "completeness")])
    assert {item["id"] for item in found} == wanted != set()


def test_filters_of_attempts_are_of_one_and_the_same(report: Path) -> None:
    asked = [("attempt", "reflection 1"), ("fell at", "committee")]
    assert behind(report / "blueprints.html", [asked[1]])  # in a first try
    assert not behind(report / "blueprints.html", asked)


def test_a_bar_says_of_how_many_blueprints_its_attempts_are() -> None:
    steps = pass_rates.funnel_steps(proposals(6), pass_rates.judged(proposals(6))).set_index("step")
    assert tuple(steps.loc["execution", ["fell", "fell of"]]) == (4, 2)
    hover = pass_rates.steps_figure(steps.reset_index()).data[1].hovertext
    assert any("4 fell: 4 attempts of 2 blueprints" in text for text in hover)


def test_a_failure_tells_the_rule_behind_it() -> None:
    broken = (
        attempt(0, "policy").verdicts[-1].model_copy(update={"reason": "action 1, x(), breaks the rule: One a day."})
    )
    record = proposals(1)[0].model_copy(update={"attempts": (attempt(0).model_copy(update={"verdicts": (broken,)}),)})
    drawn = pass_rates.figure(pass_rates.count_by(pass_rates.judged([record]), "failure"))
    assert "the rule: One a day." in drawn.data[0].hovertext[0]


def test_a_disagreement_leads_to_its_attempt(tmp_path: Path) -> None:
    split = attempt(1).verdicts[-1]
    other = split.votes[1].model_copy(update={"scores": {**(split.votes[1].scores or {}), "creativity": 0}})
    verdict = split.model_copy(update={"votes": (split.votes[0], other)})
    second = attempt(1).model_copy(update={"verdicts": (*attempt(1).verdicts[:-1], verdict)})
    record: Proposal = proposals(2)[1].model_copy(update={"attempts": (attempt(0, "execution"), second)})
    (tmp_path / "blueprints.jsonl").write_text(record.line() + "\n")
    page = whole(write.write_report(tmp_path).parent / "committee.html")
    rows = next(data["rows"] for name, data in blocks(page) if name == "rows")
    assert (record.id, 1) in [(row["blueprint"], row["part"]) for row in rows]
    assert 'data-part="1"' in whole(tmp_path / "report" / "blueprints.html")


def test_a_notebook_has_no_links_that_lead_nowhere_and_its_page_has_them() -> None:
    piece = pieces.table(tables.verdicts(proposals(2)))
    assert 'href="../report/' in piece
    shown = piece._repr_html_()
    assert "<a " not in shown
    assert 'data-to="blueprints.html#retail-00001"' in shown
    assert '<a href="blueprints.html#retail-00001">' in pieces.linked(shown)
    assert notebook_html.inert(piece).count('<a href="blueprints.html#') == piece.count("<a ")
