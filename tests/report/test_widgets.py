"""Explorers without a browser: what they list, what they draw, and that nothing a model wrote is more than text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets as W
import nbformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from apigen_nb.records import METRICS, Proposal, Trajectory
from apigen_nb.report import listings, pieces, tables
from apigen_nb.report import pass_rates as passing
from apigen_nb.report.widgets import explore
from apigen_nb.report.widgets.browser import ANY, put, show
from apigen_nb.report.widgets.committee import ALL, JUDGED, PAIRS, Panel
from apigen_nb.report.widgets.dataset import EVERY, KEPT, TRANSITIONS, TWICE, Dataset
from apigen_nb.report.widgets.domain import Bench, Data, domain_explorer
from apigen_nb.report.widgets.explore import Everything
from apigen_nb.report.widgets.figure import Figure, library
from apigen_nb.report.widgets.form import Form, Unreadable
from apigen_nb.report.widgets.pass_rates import PassRates, selected
from apigen_nb.report.widgets.record_index import Book, Shelf
from apigen_nb.report.widgets.reflection import COST, FLOWS, MENDED, YIELD, Reflection
from apigen_nb.report.widgets.slim_records import LightProposal
from apigen_nb.report.widgets.table import Rows
from apigen_nb.report.widgets.trajectories import Talks, compare
from apigen_nb.run import UsageError, app
from apigen_nb.run.execution import sign_notebook
from apigen_nb.storage.journal import read_lines
from apigen_nb.world.domain import Domain
from tests.report_records import HOSTILE, make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("hostile") / "run", HOSTILE, count=9)


@pytest.fixture
def shelf(folder: Path) -> Shelf:
    return Shelf(folder)


MAKERS = {"pass": PassRates, "reflection": Reflection, "talks": Talks, "committee": Panel, "dataset": Dataset}


def walk(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def html(widget: Any) -> str:
    shown = "\n".join(part.value for part in walk(widget) if isinstance(part, W.HTML))
    return shown.replace("<wbr>", "")  # where a long name may break


# --- the shelf


def test_light_records_say_the_same_as_whole_ones(folder: Path, shelf: Shelf) -> None:
    whole = read_lines(folder / "blueprints.jsonl", Proposal)
    light = shelf.proposals.records
    pd.testing.assert_frame_equal(passing.judged(light), passing.judged(whole))
    pd.testing.assert_frame_equal(tables.rounds(light), tables.rounds(whole))
    assert tables.total_usage(light) == tables.total_usage(whole)
    talks = read_lines(folder / "trajectories.jsonl", Trajectory)
    told = tables.trajectories(talks)
    assert list(shelf.talks["messages"]) == [len(t.messages) for t in talks]
    assert list(shelf.talks["outcome"] == "verified") == list(told["success"])
    assert all(not m.content for t in shelf.trajectories.records for m in t.messages), "texts stay on the disk"
    assert [shelf.proposals.whole(p.id) for p in whole] == whole
    assert [shelf.trajectories.whole(t.id) for t in talks] == talks


def test_search_finds_whole_records(shelf: Shelf, folder: Path) -> None:
    lines = (folder / "trajectories.jsonl").read_text().splitlines()
    found = shelf.trajectories.search("you will get 22.40 BACK")
    assert found == {json.loads(line)["id"] for line in lines if "You will get 22.40 back" in line}
    assert 0 < len(found) < len(lines)
    assert shelf.trajectories.search("nobody says this") == set()
    assert shelf.trajectories.search('"') == {json.loads(line)["id"] for line in lines if '\\"' in line}


def test_what_a_running_stage_has_finished_is_there(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "blueprints.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "blueprints.jsonl.part").write_bytes(b"".join(lines[:3]) + lines[3][:-1])
    with pytest.raises(FileNotFoundError, match="no run in"):
        Shelf(tmp_path / "nowhere")
    book = Shelf(tmp_path).proposals
    assert [p.id for p in book.records] == [json.loads(line)["id"] for line in lines[:3]]
    assert Shelf(tmp_path).trajectories.records == ()
    assert len(PassRates(Shelf(tmp_path)).list.rows.ids) == 3


def test_a_file_written_anew_is_told(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "blueprints.jsonl"
    lines = (folder / "blueprints.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    book = Book(path, LightProposal, Proposal)
    path.write_bytes(b"".join(reversed(lines)))
    with pytest.raises(LookupError, match="open the explorer again"):
        book.whole(book.records[0].id)


# --- tables and figures


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(1, 9), st.data())
def test_a_table_is_sent_page_by_page(total: int, size: int, data: st.DataObject) -> None:
    frame = pd.DataFrame({"id": [f"i{n:03d}" for n in range(total)], "count": [n * 7 % 11 for n in range(total)]})
    rows = Rows("things", size)
    rows.put(frame)
    seen = []
    for page in range(rows.pages):
        rows.page = page
        assert len(rows.rows) <= size
        seen += [row["id"] for row in rows.rows]
    assert seen == rows.ids == list(frame["id"])
    rows.order = ["count", -1]
    assert rows.ids == list(frame.sort_values("count", ascending=False, kind="stable")["id"])
    if total:
        id = data.draw(st.sampled_from(rows.ids))
        rows.choose(id)
        assert id in [row["id"] for row in rows.rows]
        rows.step(1)
        assert rows.chosen == rows.ids[min(rows.ids.index(id) + 1, total - 1)]
        assert rows.chosen in [row["id"] for row in rows.rows]


def test_ten_thousand_rows_are_ten(capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows("things")
    rows.put(pd.DataFrame({"id": [str(n) for n in range(10_000)], "text": ["w" * 5_000] * 10_000}))
    assert (len(rows.rows), rows.pages, rows.foot) == (10, 1_000, "1–10 of 10,000")
    assert len(json.dumps(rows.get_state(["rows", "columns", "foot"]))) < 5_000


def test_all_figures_share_one_library() -> None:
    one, other = Figure(), Figure()
    assert one.library is other.library is library()
    sent = json.dumps({name: str(value) for name, value in one.get_state().items()})
    assert len(sent) < 20_000, "plotly.js itself travels once, in the library"
    assert len(library().source) > 1_000_000


def test_a_chosen_mark_is_heard() -> None:
    figure, heard = Figure(), []
    figure.on_choice(lambda name, curve: heard.append((name, curve)))
    figure.chosen = {"curve": 1, "point": 0, "name": "policy", "count": 1}
    assert heard == [("policy", 1)]


# --- pass rates


@pytest.mark.parametrize("name", ["pass", "reflection", "talks", "committee", "dataset"])
def test_no_dropdown_is_empty(shelf: Shelf, name: str) -> None:
    page = MAKERS[name](shelf)
    page.list.rows.step(1)
    dropdowns = [part for part in walk(page.box) if isinstance(part, W.Dropdown)]
    assert [part.description for part in dropdowns if part.index is None] == []


def choose(explorer: Any, name: Any, curve: int, point: int = 0) -> None:
    explorer.figure.chosen = {"curve": curve, "point": point, "name": name, "count": id(object())}


def test_a_bar_leads_to_what_fell_there(folder: Path, shelf: Shelf) -> None:
    page = PassRates(shelf)
    whole = read_lines(folder / "blueprints.jsonl", Proposal)
    assert page.list.rows.ids == [p.id for p in whole]
    choose(page, "policy", 1)
    fell = [p.id for p in whole if any(v.gate == "policy" and not v.passed for a in p.attempts for v in a.verdicts)]
    assert page.list.rows.ids == fell != []
    assert "policy: fell" in page.bar.label
    assert page.list.rows.chosen in fell
    shown = html(page.list.item)
    assert "fell at policy" in shown
    record = shelf.proposals.whole(page.list.rows.chosen)
    assert str(pieces.value(record.attempts[-1].blueprint.actions[0].name)) in shown
    choose(page, "policy", 0)
    passed = [p.id for p in whole if any(v.gate == "policy" and v.passed for a in p.attempts for v in a.verdicts)]
    assert page.list.rows.ids == passed
    choose(page, "no such gate", 1)
    assert page.list.rows.ids == passed, "what is not a bar changes nothing"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("met", [True, False])
def test_a_metric_leads_to_those_that_met_it_or_did_not(folder: Path, shelf: Shelf, metric: str, met: bool) -> None:
    page = PassRates(shelf)
    drawn = page.figure.spec["data"][0 if met else 1]
    count = drawn["x"][drawn["customdata"].index(metric)]
    voted = [
        p.id
        for p in read_lines(folder / "blueprints.jsonl", Proposal)
        for a in p.attempts
        for v in a.verdicts
        if v.scores.get(metric) == met
    ]
    assert count == len(voted)
    choose(page, metric, 0 if met else 1)
    assert page.list.rows.ids == (list(dict.fromkeys(voted)) if voted else [p.id for p in shelf.proposals.records])
    assert page.bar.label == (f"{metric}: {'met' if met else 'not met'} ({count:,})" if voted else "every blueprint")


def test_attempts_and_blueprints_are_both_counted(shelf: Shelf) -> None:
    page = PassRates(shelf)
    assert "Every blueprint · 24<" in page.list.title.value
    choose(page, "execution", 1)
    attempts = (shelf.judged["gate"] == "execution") & ~shelf.judged["passed"]
    assert f"“execution: fell” · {attempts.sum()} attempts of {len(page.list.rows.ids)} blueprints" in html(page.box)
    page.list.find.value = page.list.rows.ids[0]
    assert f"“execution: fell” · 1 of {len(page.list.frame)} with “" in page.list.title.value


@pytest.mark.parametrize("facet", passing.FACETS)
def test_every_bar_of_every_facet_has_its_blueprints(shelf: Shelf, facet: str) -> None:
    page = PassRates(shelf)
    page.by.value = facet
    for gate in [ANY, *passing.gates(shelf.judged)]:
        page.gate.value = gate
        bars = [value for _, value in page.bar.options if value[1] >= 0]
        for bar in bars:
            page.bar.value = bar
            assert page.list.rows.ids, (facet, gate, bar)
        drawn = [n for trace in page.figure.spec["data"] for n in trace.get("customdata", ())]
        assert {value for value, _ in bars} <= set(drawn)


def test_selection_counts_whole_attempts(shelf: Shelf, folder: Path) -> None:
    whole = read_lines(folder / "blueprints.jsonl", Proposal)
    tool = whole[0].attempts[-1].blueprint.actions[0].name
    held = [
        p.id for p in whole if any(a.accepted and tool in [c.name for c in a.blueprint.actions] for a in p.attempts)
    ]
    assert selected(shelf.judged, "tool", tool, None, passed=True) == held


def test_find_narrows_the_list_and_keeps_the_item(shelf: Shelf) -> None:
    page = PassRates(shelf)
    last = page.list.rows.ids[-1]
    page.list.rows.choose(last)
    page.list.find.value = last
    assert page.list.rows.ids == [last]
    assert page.list.rows.chosen == last
    page.list.find.value = "nobody says this"
    assert page.list.rows.ids == []
    assert "nothing to show" in html(page.list.item)
    page.list.find.value = ""
    assert len(page.list.rows.ids) == 24


def test_opened_on_one_item(shelf: Shelf) -> None:
    wanted = shelf.proposals.records[17].id
    page = PassRates(shelf, wanted)
    assert page.list.rows.chosen == wanted
    assert wanted in [row["id"] for row in page.list.rows.rows], "the page that it stands on"
    assert f"<b>{wanted}</b>" in html(page.list.whole)


# --- reflection


def test_every_flow_leads_to_as_many_blueprints(shelf: Shelf) -> None:
    page = Reflection(shelf)
    assert page.view.value == FLOWS
    for point, (attempt, source, target, count) in enumerate(page.flows.itertuples(index=False, name=None)):
        choose(page, "", 0, point)
        assert page.bar.value == (attempt, source, target)
        assert len(page.list.rows.ids) == count


def test_reflection_shows_before_and_after(shelf: Shelf) -> None:
    page = Reflection(shelf)
    assert all(len(shelf.proposals.whole(id).attempts) > 1 for id in page.list.rows.ids)
    record = shelf.proposals.whole(page.list.rows.chosen)
    shown = html(page.list.item)
    assert pieces.step(record, 1).count("<ins>") == shown.count("<ins>")
    assert record.attempts[1].feedback in shown
    which = next(part for part in walk(page.list.item) if isinstance(part, W.Dropdown))
    which.value = 0
    assert "First try" in html(page.list.item)


@pytest.mark.parametrize("view", [YIELD, MENDED, COST])
def test_views_of_reflection(shelf: Shelf, view: str) -> None:
    page = Reflection(shelf)
    page.view.value = view
    assert [part is page.table for part in page.place.children] == [view == COST]
    for _, value in page.bar.options:
        page.bar.value = value
    if view == COST:
        assert "rejected for good" in html(page.table)
    if view == MENDED:
        choose(page, page.figure.spec["data"][0]["customdata"][0], 0)
        assert page.bar.value[0] == "failure"


# --- trajectories


def test_filters_join(shelf: Shelf, folder: Path) -> None:
    page = Talks(shelf)
    talks = read_lines(folder / "trajectories.jsonl", Trajectory)
    page.filters["outcome"].value = "failed"
    assert page.list.rows.ids == [t.id for t in talks if not t.success]
    page.filters["divergence"].value = "different arguments"
    assert page.list.rows.ids == [t.id for t in talks if t.divergence]
    page.filters["length"].value = listings.length(len(next(t for t in talks if t.divergence).messages))
    assert page.list.rows.ids == [t.id for t in talks if t.divergence]
    shown = html(page.list.item)
    assert "first divergence: different arguments" in shown
    assert "<del>" in shown
    page.choose("outcome", "verified")
    assert page.list.rows.ids == [t.id for t in talks if t.success], "other filters are gone"


def test_next_shows_the_next_and_two_stand_side_by_side(shelf: Shelf) -> None:
    page = Talks(shelf)
    talks = shelf.talks
    one = talks["id"][talks["outcome"] == "failed"].iloc[1]
    page.list.rows.choose(one)
    before = html(page.list.item)
    page.list.rows.step(1)
    assert page.list.rows.chosen == page.list.rows.ids[page.list.rows.ids.index(one) + 1]
    assert html(page.list.item) != before
    page.list.rows.step(-1)
    assert html(page.list.item) == before
    beside = next(part for part in walk(page.list.item) if isinstance(part, W.Dropdown))
    others = [value for _, value in beside.options if value != ANY]
    assert others == [id for id in talks["id"] if id.startswith(one.rpartition(".")[0] + ".") and id != one]
    beside.value = others[0]
    shown = html(page.list.item)
    assert before in shown
    assert html(show(compare(shelf, others[0]))) in shown
    assert [name for name in (one, others[0]) if f'<p class="title">{name}</p>' not in shown] == []
    beside.value = ANY
    assert html(page.list.item) == before


def test_lengths_are_listed_shortest_first(shelf: Shelf) -> None:
    listed = [value for _, value in Talks(shelf).filters["length"].options][1:]
    assert listed == [name for _, name in listings.LENGTHS if name in listed] != []


def test_links_to_pages_that_are_not_there_are_text(shelf: Shelf) -> None:
    shown = html(Talks(shelf).list.item)
    assert "<a " not in shown
    assert "blueprint retail-" in shown


# --- committee and dataset


def test_committee(shelf: Shelf) -> None:
    page = Panel(shelf)
    judged = [p for p in shelf.proposals.records if any(v.votes for a in p.attempts for v in a.verdicts)]
    page.which.value = JUDGED
    assert {id.split(" · ")[0] for id in page.list.rows.ids} == {p.id for p in judged}
    assert "Votes of the committee" in html(page.list.item)
    page.list.find.value = page.list.rows.ids[2]
    assert page.list.rows.ids == [page.list.rows.chosen]
    page.list.find.value = judged[0].id
    assert judged[0].id in {id.split(" · ")[0] for id in page.list.rows.ids}
    page.view.value = PAIRS
    assert page.figure.spec["layout"]["title"]["text"].startswith("Cohen")
    page.view.value = ALL
    assert "Fleiss" in html(page.table)
    assert " %</td>" in html(page.table), "shares as in the report"
    assert "lower by construction" in html(page.box)


def test_dataset(shelf: Shelf, folder: Path) -> None:
    page = Dataset(shelf)
    talks = {t.id: t for t in read_lines(folder / "trajectories.jsonl", Trajectory)}
    page.which.value = EVERY
    assert set(page.list.rows.ids) == set(talks)
    page.which.value = KEPT
    kept = set(page.list.rows.ids)
    page.which.value = TWICE
    assert kept | set(page.list.rows.ids) == {id for id, t in talks.items() if t.success}
    assert not kept & set(page.list.rows.ids)
    page.which.value = EVERY
    name = page.figure.spec["data"][0]["customdata"][0]
    choose(page, name, 0)
    assert set(page.list.rows.ids) == {id for id, t in talks.items() if name[0] <= len(t.messages) <= name[1]}
    assert "Groundtruth actions against calls made" in html(page.list.item), "the whole item"
    page.view.value = TRANSITIONS
    assert page.bar.disabled
    assert set(page.list.rows.ids) == set(talks)


# --- the domain by hand


SCHEMA = {
    "$defs": {"Size": {"enum": ["s", "m"], "type": "string"}},
    "properties": {
        "name": {"type": "string", "description": "a name"},
        "count": {"type": "integer"},
        "price": {"type": "number", "default": 1.5},
        "gift": {"type": "boolean"},
        "size": {"$ref": "#/$defs/Size"},
        "ids": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "sizes": {"type": "array", "items": {"$ref": "#/$defs/Size"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "extra": {},
    },
    "required": ["name", "count", "price", "gift", "size", "ids", "numbers", "sizes", "address", "extra"],
}


def fields(form: Form) -> dict[str, Any]:
    return {part.description: part for part in walk(form.box) if getattr(part, "description", "")}


def test_a_form_from_a_schema() -> None:
    form = Form(SCHEMA, lambda name: ["Ann", "Bob"] if name == "name" else [])
    field = fields(form)
    assert field["name"].options == ("Ann", "Bob")
    field["name"].value, field["count"].value, field["gift"].value = "Ann", 3, True
    field["ids"].value, field["numbers"].value = "a\n\n b \n", "1\n2"
    field["sizes"].value, field["city"].value, field["extra"].value = ("m",), "Lyon", '{"a": [1]}'
    values = {
        "name": "Ann", "count": 3, "price": 1.5, "gift": True, "size": "s", "ids": ["a", "b"], "numbers": [1, 2],
        "sizes": ["m"], "address": {"city": "Lyon"}, "extra": {"a": [1]},
    }  # fmt: skip
    assert form.values() == values
    field["give"].value, field["note"].value = True, "hello"
    assert form.values() == {**values, "note": "hello"}
    field["numbers"].value = "one"
    with pytest.raises(Unreadable, match="numbers: expected an integer a line, found 'one'"):
        form.values()
    field["numbers"].value, field["extra"].value = "", "{"
    with pytest.raises(Unreadable, match=r"extra: expected JSON, found '\{'"):
        form.values()


@pytest.mark.parametrize("name", ["retail", "banking"])
def test_every_tool_of_a_domain_has_a_form(name: str) -> None:
    bench = Bench(Domain.load(name))
    for tool in bench.domain.tools:
        bench.tool.value = tool
        properties = bench.domain.tools[tool].parameters.get("properties", {})
        assert set(properties) <= set(fields(bench.form))
        bench.call()
        assert html(bench.result), "refused or answered, never silent"


def test_a_call_by_hand_shows_what_it_changed() -> None:
    retail = Domain.load("retail")
    bench = Bench(retail)
    bench.tool.value = "change_email"
    field = fields(bench.form)
    customer = field["customer_id"].options[0]
    assert customer in retail.tables["customers"]
    field["customer_id"].value, field["email"].value = customer, "new@example.org"
    bench.call()
    assert "new@example.org" in html(bench.delta)
    assert f"customers/{customer}" in html(bench.delta)
    assert "after 1 call" in html(bench.delta)
    assert retail.dump(retail.tables["customers"][customer])["email"] != "new@example.org", "only a scratch world"
    field["customer_id"].value = "nobody"
    bench.call()
    assert "change_email refused" in html(bench.result)
    assert "after 1 call" in html(bench.delta)
    bench._reset()
    assert "no row changes" in html(bench.delta)


def test_data_browser() -> None:
    data = Data(Domain.load("retail"))
    data.table.value = "orders"
    orders = data.domain.tables["orders"]
    assert data.list.rows.ids == list(orders)
    wanted = list(orders)[40]
    data.list.find.value = wanted.lower()
    assert wanted in data.list.rows.ids
    data.list.rows.choose(wanted)
    assert f"orders/{wanted}" in html(data.list.item)


def test_domain_explorer_makes_each_view_once() -> None:
    box = domain_explorer("retail")
    view, place = (next(part for part in box.children if isinstance(part, kind)) for kind in (W.ToggleButtons, W.VBox))
    shown = {}
    for name in view.options:
        view.value = name
        shown[name] = place.children[0]
    view.value = view.options[0]
    assert place.children[0] is shown[view.options[0]]
    assert "as the agent reads it" in html(shown["Policy"])
    assert [part for part in walk(shown["API graph"]) if isinstance(part, Figure)]


# --- everything


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(f"{name}={value}" for name, value in attrs if name not in ("class", "colspan", "scope"))]


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return parser.found


@pytest.mark.parametrize("name", MAKERS)
def test_texts_of_models_are_only_text(hostile: Path, name: str) -> None:
    page = MAKERS[name](Shelf(hostile))
    if name == "talks":
        page.filters["outcome"].value = "failed"
    for _ in range(min(12, len(page.list.rows.ids))):
        page.list.rows.step(1)
        shown = tags(html(page.box))
        harmful = [
            part
            for part in shown
            if part in ("script", "img", "iframe", "object", "a", "form") or part.startswith(("on", "href=", "src="))
        ]
        assert harmful == []
        for part in walk(page.box):
            state = {k: v for k, v in part.get_state().items() if not k.startswith("_") and k != "library"}
            sent = "".join(v for v in state.values() if isinstance(v, str))
            sent.encode()  # a lone surrogate would end the connection to the browser
            assert len(sent) < 2_000_000


def without(spec: Any, key: str) -> Any:
    if isinstance(spec, dict):
        return {name: without(part, key) for name, part in spec.items() if name != key}
    return [without(part, key) for part in spec] if isinstance(spec, list) else spec


@pytest.mark.parametrize("name", ["pass", "reflection", "committee", "dataset"])
def test_labels_of_figures_are_only_text(hostile: Path, name: str) -> None:
    page = MAKERS[name](Shelf(hostile))
    views = page.by if name == "pass" else page.view
    for option in views.options:
        views.value = option[1] if isinstance(option, tuple) else option
        # what a bar stands for is never drawn, only handed back when it is chosen
        spec = json.dumps(without(page.figure.spec, "customdata"))
        assert "<script" not in spec
        assert "<img" not in spec
        json.dumps(page.figure.spec, ensure_ascii=False).encode()


def test_plain_text_is_escaped() -> None:
    box = show("<b>bold</b>\x1b[31m")
    assert box.value == "&lt;b&gt;bold&lt;/b&gt;␛[31m"
    put(box, pieces.Piece('<a class="tag" href="../report/x.html#1">one</a> <a href="../report/y.html#2">two</a>'))
    assert tags(box.value) == ["span", "data-to=x.html#1", "span", "data-to=y.html#2"]


def test_explore_makes_what_is_looked_at(folder: Path) -> None:
    box = explore(folder)
    view, place = box.children
    made = {}
    for name in view.options:
        view.value = name
        made[name] = place.children[0]
        assert "apigen-explorer" in made[name]._dom_classes
        assert ("scripted model" in html(made[name])) == (name != "Domain")
    view.value = "Overview"
    assert place.children[0] is made["Overview"]
    assert len({id(page) for page in made.values()}) == 7


def test_every_explorer_opens_with_its_answer(shelf: Shelf) -> None:
    page = Everything(shelf)
    answers = {}
    for name in page.makers:
        page.view.value = name
        answers[name] = html(page.place).split('<p class="answer">')[1].split("</p>")[0]
    talks, told = shelf.talks, "{:,} conversations, {:,} verified"
    verified = int((talks["outcome"] == "verified").sum())
    assert answers["Overview"].startswith("On retail, 24 seeds gave")
    assert "passed every gate" in answers["Pass rates"]
    assert answers["Trajectories"].startswith(f"{told.format(len(talks), verified)} (")
    assert "first diverged by “different arguments”" in answers["Trajectories"]
    assert "Cohen" in answers["Committee"]
    assert answers["Dataset"].startswith(told.format(len(talks), verified))
    assert answers["Dataset"].endswith(f"the dataset holds {verified} rows.")


def test_from_the_overview_to_what_stands_behind_a_bar(shelf: Shelf) -> None:
    page = Everything(shelf)
    assert "rows in the dataset" in html(page.place)
    funnel, blames = (part for part in walk(page.place) if isinstance(part, Figure))
    assert funnel.spec["layout"]["title"]["text"].startswith("Through the gates")
    assert "caused" in blames.spec["layout"]["title"]["text"]
    funnel.chosen = {"curve": 1, "point": 2, "name": "policy", "count": 1}
    assert page.view.value == "Pass rates"
    assert page.made["Pass rates"].bar.value == ("policy", 1)


def test_the_first_explorer_of_an_empty_run(tmp_path: Path) -> None:
    (tmp_path / "blueprints.jsonl").write_text("")
    page = Everything(Shelf(tmp_path))
    for name in page.makers:
        page.view.value = name
        assert html(page.place)


def test_a_domain_that_is_gone_is_said(folder: Path, tmp_path: Path) -> None:
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "run.json").write_text('{"parameters": {"domain": "no-such-domain"}}')
    box = explore(tmp_path)
    box.children[0].value = "Domain"
    assert "cannot be loaded" in html(box)
    box.children[0].value = "Trajectories"
    assert "CONVERSATION" in html(box).upper()


# --- executed copies


def test_a_copy_is_signed_where_the_home_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = nbformat.writes(new_notebook(cells=[new_code_cell("1")]))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    sign_notebook(text)
    with NotebookNotary(data_dir=str(tmp_path / "data")) as notary:
        assert notary.check_signature(nbformat.reads(text, as_version=4))
        assert not notary.check_signature(nbformat.reads(text.replace("1", "2"), as_version=4))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file" / "data"))
    sign_notebook(text)


# --- the app


def test_the_app_opens_the_chosen_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line, needed = app.command(folder, ["--port=1"])
    assert line[:3] == [sys.executable, "-m", "voila"]
    assert line[3].endswith("explorers.ipynb")
    assert line[-1] == "--port=1"
    monkeypatch.delenv(app.RUN, raising=False)
    assert app.chosen("../outputs/tour") == "../outputs/tour"
    monkeypatch.setenv(app.RUN, needed[app.RUN])
    assert app.chosen("../outputs/tour") == str(folder.resolve())
    with pytest.raises(UsageError, match=r"no run in .*has no blueprints.jsonl"):
        app.command(tmp_path)
    with pytest.raises(SystemExit, match="usage"):
        app.main([])
    with pytest.raises(SystemExit, match="error: no run in"):
        app.main([str(tmp_path)])
