"""The report: frames, alignment, and pages on which hostile texts are texts and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apigen_nb.models.ledger import Ledger, Sum
from apigen_nb.records import Action, Change, Proposal, ToolCall
from apigen_nb.report import alignment, charts, first_row, overview, pieces, tables, write
from apigen_nb.report.markdown import prose
from apigen_nb.storage import safe_text
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain
from tests.report_records import (
    EXPECTED,
    HOSTILE,
    REACHED,
    RETURN,
    assert_harmless,
    attempt,
    make_run,
    proposals,
    trajectories,
    trajectory,
    whole,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("runs") / "hostile", HOSTILE, count=12)
    return write.write_report(folder).parent


def test_import_keeps_the_slow_grammar_out() -> None:
    code = "import apigen_nb, nbformat, sys; print(sys.modules['rfc3987_syntax'], 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]


def test_funnel_counts_attempts_in_the_order_of_the_gates() -> None:
    frame = tables.funnel(tables.verdicts(proposals(6)))
    assert frame["gate"].tolist() == ["format", "execution", "policy", "grounding", "committee"]
    assert frame["attempted"][0] == 13
    assert frame["attempted"].is_monotonic_decreasing
    assert (frame["passed"] + frame["fell"] == frame["attempted"]).all()
    assert frame["attempted"][1:].tolist() == frame["passed"][:-1].tolist()


def test_rounds_add_up_to_the_yield() -> None:
    made = proposals(6)
    frame = tables.rounds(made)
    assert frame["accepted"].tolist() == [2, 2, 1, 0]
    assert frame["so far"].tolist() == [2, 4, 5, 5]
    assert frame["tried"].tolist() == [6, 4, 2, 1]
    assert frame["yield"].iloc[-1] == pytest.approx(5 / 6)


def test_a_failure_is_repaired_when_a_later_attempt_was_accepted() -> None:
    frame = tables.failures(tables.verdicts(proposals(6))).set_index(["gate", "kind"])
    assert tuple(frame.loc[("grounding", "not derivable"), ["count", "repaired"]]) == (1, 1)
    assert tuple(frame.loc[("format", "reply unreadable"), ["count", "repaired"]]) == (1, 0)
    assert tuple(frame.loc[("execution", "order is not pending"), ["count", "repaired"]]) == (4, 1)


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [(131, 200, 0.5868, 0.7174), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson_interval(passed: int, total: int, low: float, high: float) -> None:
    assert tables.wilson(passed, total) == pytest.approx((low, high), abs=1e-3)


def test_everything_draws_with_nothing_in_it() -> None:
    none: list[Proposal] = []
    verdicts, talks = tables.verdicts(none), tables.trajectories([])
    figures = [
        charts.funnel(tables.funnel(verdicts)),
        charts.failures(tables.failures(verdicts)),
        charts.metrics(tables.metrics(none)),
        charts.rounds(tables.rounds(none)),
        charts.attempts(tables.attempts(talks)),
        charts.ends(tables.ends(talks)),
        charts.histogram(talks, "turns"),
    ]
    assert all("nothing to show" in figure.to_json() for figure in figures)
    assert tables.key_figures([], [])["seeds"][0] == "0"
    assert "No conversation failed" in pieces.example([], [], False)
    assert "nothing to show" in pieces.table(verdicts)


def test_alignment_finds_the_item_too_many() -> None:
    failed = trajectory("retail-00000", 1, False)
    pairs, reads = alignment.align_calls([RETURN], alignment.calls_made(failed.messages))
    assert [p.status for p in pairs] == ["different argument", "refused"]
    assert [a.name for a in pairs[0].arguments if not a.same] == ["item_ids"]
    assert [m.call.name for m in reads] == ["find_customer"]
    piece = pieces.compare(failed, proposals(1)[0].blueprint, EXPECTED)
    assert "<del>kbd_77</del>" in piece
    assert "<del>lamp_18</del>" not in piece


def test_alignment_prefers_the_exact_call_and_names_missing_and_extra_ones() -> None:
    def made(name: str, **arguments: object) -> alignment.CallMade:
        return alignment.CallMade(1, ToolCall(id="c", name=name, arguments=arguments), "ok", False)

    wanted = [
        Action(name="cancel", arguments={"id": 1}),
        Action(name="cancel", arguments={"id": 2}),
        Action(name="pay"),
    ]
    pairs, _ = alignment.align_calls(wanted, [made("cancel", id=2), made("refund", id=3)], writes={"refund"})
    assert [p.status for p in pairs] == ["missing", "as expected", "missing", "extra"]


def test_a_reused_call_id_does_not_mix_results_up() -> None:
    talk = trajectory("retail-00000", 1, True)
    renamed = [
        m.model_copy(
            update={
                "tool_call_id": "same" if m.tool_call_id else "",
                "tool_calls": tuple(c.model_copy(update={"id": "same"}) for c in m.tool_calls),
            }
        )
        for m in talk.messages
    ]
    assert [m.result for m in alignment.calls_made(renamed)] == [m.result for m in alignment.calls_made(talk.messages)]


def test_fields_compare_items_by_their_own_id() -> None:
    found = {f.path: f for f in alignment.changed_fields(EXPECTED, REACHED)}
    assert set(found) == {"status", "total", "items.lamp_18.status", "items.kbd_77.status"}
    assert not found["items.kbd_77.status"].same
    assert (found["total"].before, found["total"].expected, found["total"].reached) == (112.4, 112.4, 154.9)


def test_fields_of_new_and_deleted_rows_and_items() -> None:
    new = Change(table="claims", id="C1", before=None, after={"item": "lamp", "open": True})
    gone = Change(table="carts", id="K1", before={"items": [{"id": "a"}]}, after=None)
    grown = Change(
        table="orders", id="O1", before={"items": [{"id": "a"}]}, after={"items": [{"id": "a"}, {"id": "b", "n": 1}]}
    )
    found = [(f.row, f.path, f.before, f.expected) for f in alignment.changed_fields([new, gone, grown], [])]
    assert ("claims/C1", "item", alignment.ABSENT, "lamp") in found
    assert ("orders/O1", "items.b", alignment.ABSENT, {"id": "b", "n": 1}) in found
    assert any(row == "carts/K1" and after is alignment.ABSENT for row, _, _, after in found)


def test_a_freed_seat_is_one_field() -> None:
    seats = [{"row": n, "taken": True} for n in range(5)]

    def left(*gone: int) -> Change:
        kept = [seat for n, seat in enumerate(seats) if n not in gone]
        return Change(table="flights", id="F1", before={"seats": seats, "tags": ["a", "b"]}, after={"seats": kept})

    found = {f.path: f for f in alignment.changed_fields([left(1)], [left(1, 3)])}
    assert set(found) == {"seats.1", "seats.3", "tags"}
    assert (found["seats.1"].before, found["seats.1"].reached) == (seats[1], alignment.ABSENT)
    assert (found["seats.3"].expected, found["seats.3"].reached) == (seats[3], alignment.ABSENT)
    turned = Change(table="carts", id="K1", before={"tags": ["a", "b"]}, after={"tags": ["b", "a"]})
    (order,) = alignment.changed_fields([turned], [turned])
    assert (order.path, order.before, order.expected) == ("tags (order)", ["a", "b"], ["b", "a"])


@pytest.mark.parametrize("nasty", [HOSTILE, "\ud800 lone", "", "x" * 1_000_000, "{% raw %}{{ 1 }}", "<b>&amp;</b>"])
def test_pieces_escape_every_text(nasty: str) -> None:
    record = proposals(1)[0].model_copy(update={"attempts": (attempt(0, "policy", nasty), attempt(1, "", nasty))})
    talk = trajectory("retail-00000", 1, False, nasty)
    shown = [
        pieces.proposal(record),
        pieces.compare(talk, record.blueprint, EXPECTED),
        pieces.conversation(talk),
        pieces.table(tables.verdicts([record])),
        pieces.key_figures({nasty or "x": (nasty, nasty)}),
    ]
    for piece in shown:
        assert_harmless(piece)
        assert len(piece.encode("utf-8")) < 200_000  # a megabyte of one letter is cut, not shown
    figure = charts.failures(tables.failures(tables.verdicts([record]))).to_json()
    assert "<script" not in figure.replace("\\u003c", "<").split('"customdata"')[0]


def test_labels_are_neither_markup_nor_latex() -> None:
    assert (
        charts.label("<a href='javascript:x'>$a$</a>") == "&lt;a href=&#x27;javascript:x&#x27;&gt;&#36;a&#36;&lt;/a&gt;"
    )
    assert len(safe_text.truncate("w" * 999, 44)) == 44


def test_invisible_characters_become_visible() -> None:
    assert safe_text.clean("a\x1b[31m\u202eb\ud800\x00\r\nc\td") == "a␛[31m⟨U+202E⟩b�␀\nc\td"
    for mark in "\u061c\u200e\u200f\u2028\u2029\u202a\u2066":
        assert safe_text.clean(f"a{mark}b") == f"a⟨U+{ord(mark):04X}⟩b"


def test_markdown_of_others_neither_leads_nor_loads_nor_outranks_the_page() -> None:
    piece = prose(
        "# Policy\n\n**Never** [click](javascript:x) ![pic](http://evil.example/x.png) <b onclick=x>\n", "All"
    )
    assert_harmless(piece)
    assert "<h4>Policy</h4>" in piece
    assert "<strong>Never</strong> click pic" in piece
    assert "<summary>All</summary>" in piece


def test_pages_hold_hostile_texts_as_texts(hostile: Path) -> None:
    for page in hostile.glob("*.html"):
        markup = whole(page)
        if page.stem != "2_blueprints":  # whose notebook shows raw HTML of its author: the browser test covers it
            assert_harmless(markup)
        assert "secret_code" not in markup
    for name in ("blueprints.html", "trajectories.html", "reflection.html"):
        assert "&lt;/script&gt;&lt;script&gt;window.hacked=1" in whole(hostile / name)


def test_pages_ask_no_host_and_share_one_plotly(hostile: Path) -> None:
    assert sorted(p.name for p in hostile.iterdir() if p.suffix != ".html") == [
        "files",
        "plotly.min.js",
        "report.css",
        "report.js",
    ]
    for page in hostile.glob("*.html"):
        markup = page.read_text(encoding="utf-8")
        assert "default-src 'none'" in markup
        assert markup.count('src="plotly.min.js"') <= 1
        assert page.stat().st_size < 1_000_000
    for page in ("index.html", "2_blueprints.html"):
        assert 'src="plotly.min.js"' in (hostile / page).read_text(encoding="utf-8")
    own = "".join((hostile / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    assert "http" not in own


def test_stage_page_shows_results_without_code_or_chatter(tmp_path: Path) -> None:
    page = (write.write_report(make_run(tmp_path / "demo", count=6)).parent / "2_blueprints.html").read_text(
        encoding="utf-8"
    )
    assert "What each gate let pass" in page
    assert 'class="plot"' in page
    for absent in (
        "secret_code",
        "not for the page",
        "Parameters",
        "Open the next notebook",
        "../report/",
        ".apigen {",
    ):
        assert absent not in page


def test_index_says_what_was_run(tmp_path: Path) -> None:
    page = write.write_report(make_run(tmp_path / "demo", count=6)).read_text(encoding="utf-8")
    assert "6 seeds gave 5 accepted blueprints" in page
    assert 'class="tag scripted"' in page
    assert "random seed" in page
    assert "All parameters" in page
    assert "0a1b2c" in page
    assert 'href="files/run.json"' in page
    assert ">trajectories.jsonl<" in page


def test_an_empty_folder_gives_a_page_that_says_so(tmp_path: Path) -> None:
    page = write.write_report(tmp_path).read_text(encoding="utf-8")
    assert "0 seeds" in page
    assert "no run.json" in page
    assert 'class="tag scripted"' not in page


def test_a_page_of_a_stage_that_is_gone_goes_too(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "demo", count=6)
    index = write.write_report(folder)
    (folder / "trajectories.jsonl").unlink()
    write.write_report(folder)
    assert not (index.parent / "trajectories.html").exists()


def test_a_large_run_is_sampled_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apigen_nb.report.item_explorer.MOST_ITEMS", 7)
    page = whole(write.write_report(make_run(tmp_path / "demo")).parent / "trajectories.html")
    assert "A sample: 7 of 60" in page
    assert page.count('"line":') == page.count('aria-label="conversation"') == 7


def test_a_trajectory_without_its_blueprint_is_shown(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "demo", count=6)
    (folder / "blueprints.jsonl").unlink()
    page = whole(write.write_report(folder).parent / "trajectories.html")
    assert "is not in this run" in page


def test_a_domain_shows_as_a_figure_of_its_graph_and_a_row_part_by_part() -> None:
    retail = Domain.load("retail")
    found = tables.links(Graph.of(retail)).set_index(["tool", "result of"])["arguments"]
    assert found["cancel_order", "get_customer"] == "order_id"
    assert "cancel_order" in charts.graph(found.reset_index()).to_json()
    row = tables.sample(retail, retail.users, 1)
    assert row["id"].tolist()[1:] == [""] * (len(row) - 1)
    assert "address.city" in row["field"].tolist()


def test_what_remains_and_what_is_called() -> None:
    talks = trajectories(proposals(6))
    verified = sum(t.success for t in talks)
    kept = tables.selection(talks, verified - 1).set_index("step")
    assert kept.loc["verified", ["attempted", "passed"]].tolist() == [len(talks), verified]
    assert kept.loc["distinct", ["attempted", "passed"]].tolist() == [verified, verified - 1]
    called = tables.tool_use(talks).set_index("tool")  # a tool called twice in a conversation counts once
    assert called.loc["return_items", ["attempted", "passed"]].tolist() == [len(talks), verified]


def test_only_what_failed_is_counted_where_nothing_can_hold() -> None:
    talks = tables.trajectories(trajectories(proposals(6)))
    fallen = int((~talks["success"]).sum())
    figure = charts.ends(tables.ends(talks, "divergence"))
    texts = [note.text for note in figure.layout.annotations]
    assert any(text.startswith(f"{fallen} · 100.0 % [") for text in texts)
    assert not [text for text in texts if "0 of" in text]


def test_the_first_row_is_cut_to_what_can_be_read(tmp_path: Path) -> None:
    row = {"messages": [{"role": "system", "content": "p" * 5_000}], "tools": [{"name": f"t{n}"} for n in range(9)]}
    (tmp_path / "chat.jsonl").write_text(json.dumps(row) + "\n")
    piece = first_row.first_line(tmp_path / "chat.jsonl")
    assert "4,760 more characters" in piece
    assert "and 8 more tools" in piece
    assert "t1" not in piece


def test_an_example_changes_something_if_any_does() -> None:
    made = proposals(6)
    idle = made[0].attempts[0].model_copy(update={"diff": ()})
    made[0] = made[0].model_copy(update={"attempts": (idle,)})
    assert "blueprint retail-00001" in pieces.example(trajectories(made), made, True)
    assert "blueprint retail-00000" in pieces.example(trajectories(made[:1]), made, True)
    assert "none was held" in pieces.example([], [], False)


def test_the_report_is_the_same_twice(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "demo", count=6)
    reports = (write.write_report(folder).parent for _ in range(2))
    pages = [{str(p): p.read_bytes() for p in report.rglob("*") if p.is_file()} for report in reports]
    assert pages[0] == pages[1]


def test_key_figures_count_what_there_is() -> None:
    made = proposals(6)
    figures = tables.key_figures(made, trajectories(made), rows=9)
    assert figures["accepted blueprints"] == ("5", "83.3 % [43.6–97.0] of 6 seeds")
    assert figures["repaired by reflection"] == ("3", "75.0 % [30.1–95.4] of 4 that fell first")
    verified = figures["verified trajectories"][1]
    assert all("[" in figures[name][1] for name in ("accepted at the first try", "blueprints with a verified one"))
    assert "[" in verified
    assert figures["rows in the dataset"][0] == "9"


LEDGER = Ledger(total=Sum(), roles={}, stages={}, models={}).line()


def test_what_a_report_links_is_sent_with_it(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", count=6)
    (run / "ledger.json").write_text(LEDGER)
    (run / "dataset" / "README.md").write_text("# The card")
    sent = write.write_report(run).parent.rename(tmp_path / "sent")
    shutil.rmtree(run)
    links = {href for page in sent.glob("*.html") for href in re.findall(r'<a[^>]* href="([^"#]+)', whole(page))}
    assert {"files/run.json", "files/ledger.json", "files/dataset/README.md"} <= links
    assert [href for href in links if not (sent / href).is_file()] == []
    assert (sent / "files" / "dataset" / "README.md").read_bytes() == b"# The card"
    index = (sent / "index.html").read_text()
    assert ">blueprints.jsonl<" in index
    assert "not part of what is sent" in index


def test_a_large_file_is_named_and_not_copied(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", count=6)
    (run / "ledger.json").write_text(LEDGER + " " * overview.LARGEST_COPY)
    (run / "dataset" / "README.md").write_text("# The card")
    write.write_report(run)
    (run / "dataset" / "README.md").unlink()
    report = write.write_report(run).parent
    assert [path.name for path in (report / "files").rglob("*") if path.is_file()] == ["run.json"]
    assert ">ledger.json<" in (report / "index.html").read_text()
    assert 'href="files/' not in write.write_single_file(run).read_text()
