"""The report's pages in a widget, without a browser: what they answer, that it is what a static page holds, and that
nothing a model wrote is more than text."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets as W
import nbformat
import pandas as pd
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from apigen_nb.records import Proposal, Trajectory
from apigen_nb.report import pass_rates, pieces, tables, widgets
from apigen_nb.report.glossary import popovers
from apigen_nb.report.item_explorer import CHUNK
from apigen_nb.report.page_frame import plotly_script
from apigen_nb.report.panels import Component
from apigen_nb.report.record_index import SLICE, RecordIndex
from apigen_nb.report.run_contents import RunContents
from apigen_nb.report.slim_records import SlimProposal
from apigen_nb.report.widgets.domain import ToolConsole, domain_explorer, domain_pages
from apigen_nb.report.widgets.form import Form, Unreadable
from apigen_nb.report.widgets.layout import put, show
from apigen_nb.report.widgets.report_pages import ReportPages, plotly
from apigen_nb.report.write import pages_of
from apigen_nb.run import UsageError, app
from apigen_nb.run.notebook_execution import sign_notebook
from apigen_nb.storage.journal import read_lines
from apigen_nb.world.domain import Domain
from tests.report_records import HOSTILE, assert_harmless, blocks, make_run

PAGES = ["index", "pass_rates", "reflection", "blueprints", "trajectories", "committee", "dataset"]
OPENERS: dict[str, Callable[..., ReportPages]] = {
    name: getattr(widgets, name) for name in PAGES if hasattr(widgets, name)
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("hostile") / "run", HOSTILE, count=9)


@pytest.fixture
def run(folder: Path) -> RunContents:
    return RunContents(folder)


def explored(folder: Path) -> ReportPages:
    """The pages of everything that `explore` shows."""
    return next(part for part in walk(widgets.explore(folder)) if isinstance(part, ReportPages))


def walk(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def html(widget: Any) -> str:
    shown = "\n".join(part.value for part in walk(widget) if isinstance(part, W.HTML))
    return shown.replace("<wbr>", "")  # where a long name may break


# --- records without their long texts


def test_slim_records_say_the_same_as_whole_ones(folder: Path, run: RunContents) -> None:
    whole = read_lines(folder / "blueprints.jsonl", Proposal)
    pd.testing.assert_frame_equal(pass_rates.judged(run.proposals), pass_rates.judged(whole))
    pd.testing.assert_frame_equal(tables.rounds(run.proposals), tables.rounds(whole))
    assert tables.total_usage(run.proposals) == tables.total_usage(whole)
    held = read_lines(folder / "trajectories.jsonl", Trajectory)
    pd.testing.assert_frame_equal(tables.trajectories(run.trajectories), tables.trajectories(held))
    assert all(not m.content for t in run.trajectories for m in t.messages), "texts stay on the disk"
    assert [run.proposals.whole(p.id) for p in whole] == whole
    assert [run.trajectories.whole(t.id) for t in held] == held


def searched(run: RunContents, text: str, most: int = SLICE) -> set[str]:
    """What all slices of a search find; none of them finds a record of another."""
    found: list[str] = []
    start = 0
    while start >= 0:
        some, start = run.trajectories.search(text, start, most)
        found += some
    assert len(found) == len(set(found))
    return set(found)


def test_search_finds_whole_records(run: RunContents, folder: Path) -> None:
    lines = (folder / "trajectories.jsonl").read_text().splitlines()
    found = searched(run, "you will get 22.40 BACK")
    assert found == {json.loads(line)["id"] for line in lines if "You will get 22.40 back" in line}
    assert 0 < len(found) < len(lines)
    assert searched(run, "you will get 22.40 BACK", most=1) == searched(run, "you will get 22.40 BACK", 9_000) == found
    assert searched(run, "nobody says this", 9_000) == set()
    assert searched(run, '"') == {json.loads(line)["id"] for line in lines if '\\"' in line}


def test_what_a_running_stage_has_finished_is_there(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "blueprints.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "blueprints.jsonl.part").write_bytes(b"".join(lines[:3]) + lines[3][:-40])
    with pytest.raises(FileNotFoundError, match="no run in"):
        widgets.explore(tmp_path / "nowhere")
    run = RunContents(tmp_path)
    assert [p.id for p in run.proposals] == [json.loads(line)["id"] for line in lines[:3]]
    assert list(run.trajectories) == []
    assert "3 seeds" in explored(tmp_path).ask("pass_rates.html")


def test_a_file_written_anew_is_told(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "blueprints.jsonl"
    lines = (folder / "blueprints.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines))
    index = RecordIndex(path, SlimProposal, Proposal)
    first = index[0].id  # they are read when one is first asked for
    path.write_bytes(b"".join(reversed(lines)))
    with pytest.raises(LookupError, match="open the explorer again"):
        index.whole(first)


# --- pages in a widget


def test_a_widget_shows_what_a_static_page_shows(folder: Path) -> None:
    """The same bodies; what a static page holds packed, a widget answers."""
    live = explored(folder)
    for page in pages_of(RunContents(folder)):
        if page.kind == "notebook" or page.file == "index.html":  # which names the pages that there are
            continue
        shown, held = live.ask(page.file), dict(blocks(page.html))
        assert text_of(shown) == text_of(page.html)
        number = next((n for n, part in enumerate(page.body) if isinstance(part, Component)), -1)
        if "views" in held:
            answers = {key: live.ask(page.file, number, key) for key in held["views"]}
            assert answers == held["views"]
        if "index" in held:
            index = dict(blocks(shown))["index"]
            assert index | {"chunk": CHUNK} == held["index"]
            packs = [chunk for name, chunk in blocks(page.html) if name == "chunk"]  # HTML, then data
            whole = [one + data for c in packs for one, data in zip(c, c[len(c) // 2 :], strict=False)]
            assert [live.ask(page.file, number, item["id"]) for item in index["texts"]] == whole


def text_of(markup: str) -> str:
    """What stands in a page to read."""
    parser = Tags(markup)
    return " ".join("".join(parser.text).split())


@pytest.mark.parametrize(("page", "said"), [
    ("blueprints", "Return only what was delivered"),
    ("reflection", "Return only what was delivered"),
    ("trajectories", "you will get 64.90 back"),
])  # fmt: skip
def test_search_gives_the_items_that_hold_a_text(folder: Path, page: str, said: str) -> None:
    live = explored(folder)
    body = live.pages[f"{page}.html"].body
    number, explorer = next((n, part) for n, part in enumerate(body) if isinstance(part, Component))
    answer = live.ask(f"{page}.html", number, text=said)
    assert answer["next"] == -1
    found = answer["ids"]
    assert len(found) > 0
    assert set(found) <= {item.id for item in explorer.items}
    assert all(said.lower() in text_of(live.ask(f"{page}.html", number, id)).lower() for id in found)
    assert live.ask(f"{page}.html", number, text="nobody says this") == {"ids": [], "next": -1}


@pytest.mark.parametrize("name", OPENERS)
def test_every_opener_shows_its_page(folder: Path, name: str) -> None:
    live = OPENERS[name](folder)
    assert live.address == f"{name}.html#"
    assert not live.menu
    assert "scripted model" in live.bar
    assert live.ask(f"{name}.html") == explored(folder).ask(f"{name}.html")
    if name in ("reflection", "blueprints", "trajectories"):
        assert OPENERS[name](folder, "retail-00002").address == f"{name}.html#retail-00002"


def test_a_question_is_answered_to_who_asked_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = explored(folder)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(live, "send", sent.append)
    live._hear({"from": "1", "page": "committee.html"})
    assert sent == [{"to": "1", "answer": live.ask("committee.html")}]
    with pytest.raises(KeyError):
        live._hear({"from": "2", "page": "trajectories.html", "number": 0, "key": "no-such-item", "text": ""})
    assert sent[1] == {"to": "2", "error": "KeyError: 'no-such-item'"}
    with pytest.raises(LookupError, match="plain text"):
        live.ask("committee.html", 0, "x")
    with pytest.raises(LookupError, match=r"no page 9\.html: it has index\.html"):
        ReportPages("run", list(live.pages.values()), False, "9.html")


def test_all_widgets_share_one_library(folder: Path) -> None:
    one, other = explored(folder), explored(folder)
    assert one.library is other.library is plotly()
    assert plotly().source == plotly_script()
    state = {k: str(v) for k, v in one.get_state().items() if k not in ("_esm", "_css")}
    words = str(popovers())
    assert words in state["bar"]
    state["bar"] = state["bar"].replace(words, "")
    assert len(json.dumps(state)) < 5_000, "pages come when they are looked at"


def test_ten_thousand_items_are_one_index(run: RunContents, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [p for _ in range(417) for p in run.proposals]
    monkeypatch.setitem(vars(run.proposals), "_read", (many, run.proposals._places))
    page = next(page for page in pages_of(run) if page.file == "blueprints.html")
    assert len(page.live) < 1_000_000
    assert len(dict(blocks(page.live))["index"]["texts"]) == 417 * 24
    assert "A sample" not in page.live


def test_an_empty_run_has_an_overview(tmp_path: Path) -> None:
    (tmp_path / "blueprints.jsonl").write_text("")
    live = explored(tmp_path)
    assert list(live.pages) == ["index.html", "domain.html", "glossary.html"]
    assert "0 seeds" in live.ask("index.html")
    with pytest.raises(LookupError, match="no page committee"):
        widgets.committee(tmp_path)


def test_widgets_below_a_page_are_made_when_it_is_looked_at(folder: Path) -> None:
    box = widgets.explore(folder)
    pages, place = box.children
    assert place.children == ()
    pages.address = "domain.html#"
    (domain,) = place.children
    pages.address = "blueprints.html#"
    assert place.children == ()
    pages.address = "domain.html#"
    assert place.children == (domain,)
    assert next(part.description for part in walk(domain) if isinstance(part, W.Dropdown)) == "tool"


def test_a_domain_that_is_gone_is_said(folder: Path, tmp_path: Path) -> None:
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "run.json").write_text('{"parameters": {"domain": "no-such-domain"}}')
    box = widgets.explore(tmp_path)
    box.children[0].address = "domain.html#"
    assert "cannot be loaded" in html(box)
    pages = box.children[0]
    assert "CONVERSATION" in pages.ask("trajectories.html", 0, "retail-00000.t1").upper()


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
    bench = ToolConsole(Domain.load(name))
    for tool in bench.domain.tools:
        bench.tool.value = tool
        properties = bench.domain.tools[tool].parameters.get("properties", {})
        assert set(properties) <= set(fields(bench.form))
        bench.call()
        assert html(bench.result), "refused or answered, never silent"


def test_a_call_by_hand_shows_what_it_changed() -> None:
    retail = Domain.load("retail")
    bench = ToolConsole(retail)
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


def test_pages_of_a_domain() -> None:
    retail = Domain.load("retail")
    pages = {page.name: page for page in domain_pages(retail)}
    assert list(pages) == ["Tools", "Data", "Policy", "Rules", "API graph"]
    assert f"{len(retail.tools)} tools" in pages["Tools"].live
    assert "as the agent reads it" in pages["Policy"].live
    assert retail.rules[0].name in pages["Rules"].live
    assert 'class="plot"' in pages["API graph"].live
    (rows,) = pages["Data"].body
    assert [item.id for item in rows.items] == [f"{t}/{key}" for t, found in retail.tables.items() for key in found]
    wanted = f"orders/{list(retail.tables['orders'])[40]}"
    assert wanted in rows.find(wanted.partition("/")[2].lower(), 0)[0]
    assert wanted in rows.fetch(wanted)
    box = domain_explorer("retail")
    assert isinstance(box.children[0], ReportPages)


# --- everything


class Tags(HTMLParser):
    def __init__(self, markup: str = "") -> None:
        super().__init__()
        self.found: list[str] = []
        self.text: list[str] = []
        self.inside = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found += [tag, *(f"{name}={value}" for name, value in attrs if name not in ("class", "colspan", "scope"))]

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside != "script":
            self.text.append(f"{data} ")


@pytest.mark.parametrize("name", PAGES)
def test_texts_of_models_are_only_text(hostile: Path, name: str) -> None:
    live = explored(hostile)
    answers = [live.ask(f"{name}.html")]
    for number, part in enumerate(live.pages[f"{name}.html"].body):
        if hasattr(part, "items"):
            answers += [live.ask(f"{name}.html", number, item.id) for item in part.items[-12:]]
        if hasattr(part, "choices"):
            gates, facets = part.choices.values()
            keys = (f"{gate}\n{facet}" for gate in gates for facet in facets)
            answers += [live.ask(f"{name}.html", number, key) for key in keys]
    for answer in [*answers, live.bar]:
        assert_harmless(answer)
        assert 'href="..' not in answer, "there are no files beside a notebook"
        answer.encode()  # a lone surrogate would end the connection to the browser
        assert len(answer) < 2_000_000


def test_plain_text_is_escaped() -> None:
    box = show("<b>bold</b>\x1b[31m")
    assert box.value == "&lt;b&gt;bold&lt;/b&gt;␛[31m"
    put(box, pieces.Piece('<a class="tag" href="../report/x.html#1">one</a> <a href="../report/y.html#2">two</a>'))
    assert Tags(box.value).found == ["span", "data-to=x.html#1", "span", "data-to=y.html#2"]


# --- two conversations


def test_the_diff_of_two_conversations_is_an_address(folder: Path, tmp_path: Path) -> None:
    pages = widgets.diff(folder, "retail-00000.t1", "retail-00000.t2")
    assert pages.address == "trajectories.html#retail-00000.t1?with=retail-00000.t2"
    both = [pages.ask("trajectories.html", 0, id) for id in ("retail-00000.t1", "retail-00000.t2")]
    assert all('data-name="comparable"' in html for html in both)
    other = make_run(tmp_path / "other", count=6)
    across = widgets.diff(folder, "retail-00000.t1", "retail-00001.t2", other)
    name = folder.name
    assert across.address == f"compare.html#{name}%2Fretail-00000.t1?with=other%2Fretail-00001.t2"
    (number,) = [n for n, part in enumerate(across.pages["compare.html"].body) if hasattr(part, "items")]
    for id in (f"{name}/retail-00000.t1", "other/retail-00001.t2"):
        html = across.ask("compare.html", number, id)
        assert 'data-name="comparable"' in html
        assert "<a " not in html, "the pages that it would lead to are not here"
    found = across.ask("compare.html", number, text="retail-00001.t2")
    assert f"{name}/retail-00001.t2" in found["ids"]
    assert "other/retail-00001.t2" not in found["ids"], "one file at a time"
    on = across.ask("compare.html", number, text="retail-00001.t2", start=found["next"])
    assert (on["ids"], on["next"]) == (["other/retail-00001.t2"], -1)
    with pytest.raises(LookupError, match=r"no conversation 'retail-9' in .*; ids are such as retail-00042.t1"):
        widgets.diff(folder, "retail-00000.t1", "retail-9")
    with pytest.raises(LookupError, match="no conversation"):
        widgets.diff(folder, "retail-00000.t1", "retail-00010.t3", other)


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
    assert app.beside() == []
    line, needed = app.command(folder, ["--port=1"], [folder])
    monkeypatch.setenv(app.BESIDE, needed[app.BESIDE])
    assert app.beside() == [str(folder.resolve())]
    with pytest.raises(UsageError, match=r"no run in .*has no blueprints.jsonl"):
        app.command(folder, [], [tmp_path])
    with pytest.raises(SystemExit, match="usage"):
        app.main([])
    with pytest.raises(SystemExit, match="error: no run in"):
        app.main([str(tmp_path)])


# --- any frame


def test_a_frame_is_a_table_in_a_notebook() -> None:
    frame = pd.DataFrame(
        {
            "<b>name": ["x10", "x9", "", HOSTILE.replace("\ud800", "")],
            "calls": [3, None, 1, 2],
            "done": [True, False, True, True],
        }
    )
    shown = widgets.table(frame, "mine")
    (page,) = shown.pages.values()
    rows = dict(blocks(shown.ask(page.file)))["rows"]
    assert rows["name"] == "mine"
    assert [row["calls"] for row in rows["rows"]] == [3.0, [], 1.0, 2.0]
    assert [row["done"] for row in rows["rows"]] == ["yes", "no", "yes", "yes"]
    assert [row["<b>name"] for row in rows["rows"]][:3] == ["x10", "x9", []]
    assert_harmless(shown.ask(page.file))
    bundle = shown._repr_mimebundle_()
    told = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "x10" in told["text/html"]
    assert "x10" in told["text/plain"]
