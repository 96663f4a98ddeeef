"""Lengths, transitions and duplicates of a dataset; samples, tables and explorers of its items."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from apigen_nb.dataset.selection import LeftOut
from apigen_nb.report import charts, diversity, embedded_data, listings, pieces
from apigen_nb.report.item_explorer import A_FEW, Item, ItemExplorer, sample
from apigen_nb.report.pages import searchable
from apigen_nb.report.run_contents import RunContents
from tests.report_records import HOSTILE, blocks, items_of, make_run, proposals, trajectories, whole

MADE = proposals(6)
TALKS = trajectories(MADE)
ROWS = diversity.rows(TALKS, MADE)


def test_a_row_counts_what_was_said_and_called() -> None:
    row = ROWS.iloc[0]
    assert (row["turns"], row["messages"], row["calls"], row["tools"]) == (3, 11, 3, 2)
    assert row["tokens"] == 400
    assert row["opens with"].startswith("Hi, I'd like")
    assert diversity.measures(ROWS) == list(charts.MEASURES)
    assert "tokens" not in diversity.measures(ROWS.assign(tokens=0))


def test_duplicates_are_those_that_the_dataset_leaves_out() -> None:
    twice = diversity.duplicates(ROWS)
    verified = [t for t in TALKS if t.success]
    assert len(verified) - len(twice) == len({(t.blueprint, t.content) for t in verified})
    assert (twice["trajectory"] != twice["same as"]).all()


@pytest.mark.parametrize("measure", list(charts.MEASURES))
def test_a_histogram_holds_every_conversation(measure: str) -> None:
    figure = charts.histogram(ROWS, measure)
    assert sum(sum(bars.y) for bars in figure.data) == len(ROWS)
    wide = ROWS.assign(**{measure: range(0, 1000 * len(ROWS), 1000)})
    drawn = charts.histogram(wide, measure, most=8)
    assert len(drawn.data[0].x) <= 8
    assert sum(sum(bars.y) for bars in drawn.data) == len(ROWS)


def test_transitions_begin_and_end_once_a_conversation() -> None:
    frame = diversity.transitions(TALKS)
    assert frame.loc[frame["source"] == diversity.BEGIN, "count"].sum() == len(TALKS)
    assert frame.loc[frame["target"] == diversity.END, "count"].sum() == len(TALKS)
    assert frame["count"].sum() == sum(len(t.calls) + 1 for t in TALKS)
    assert "find_customer" in diversity.transitions_figure(frame).to_json()


def test_a_table_of_rows_is_data_and_nothing_else() -> None:
    made = proposals(2, HOSTILE)
    piece = searchable(diversity.rows(trajectories(made, HOSTILE), made))
    assert "<script>" not in piece
    assert "onerror" not in piece


def test_a_sample_keeps_some_of_what_is_rare() -> None:
    items = [Item(str(n), {}, "", "", alike="rare" if n == 500 else "common") for n in range(1000)]
    kept = [int(item.id) for item in sample(items, 50)]
    assert len(kept) == len(set(kept)) == 50
    assert 500 in kept
    assert kept == sorted(kept)
    assert sum(n <= A_FEW for n in kept) <= A_FEW + 1
    assert sample(items, 2000) == items


def test_an_explorer_stays_below_its_size_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apigen_nb.report.item_explorer.MOST_BYTES", 3_000)
    items = [Item(str(n), {"kind": "a"}, "✓", "") for n in range(400)]

    def noise(id: str) -> str:
        return embedded_data.as_json([pow(7, int(id) * k, 10**9 + 7) for k in range(60)])

    def nothing(text: str, start: int) -> tuple[list[str], int]:
        return [], -1

    page = ItemExplorer(
        "All", "about", "blueprints.jsonl", "blueprints", ["kind"], lambda: items, noise, nothing
    ).static()
    shown = int(re.search(r"A sample: (\d+) of 400", page)[1])
    assert 40 <= shown < 400
    assert len(dict(blocks(page))["index"]["texts"]) == shown
    assert len(page) < 60_000


def test_conversations_are_found_by_length_and_cause(tmp_path: Path) -> None:
    assert [listings.length_class(n) for n in (1, 5, 6, 20, 41)] == [
        "1–5 messages", "1–5 messages", "6–10 messages", "11–20 messages", "more than 40 messages",
    ]  # fmt: skip
    page = listings.trajectories(RunContents(make_run(tmp_path / "run", count=6))).static()
    items = items_of(dict(blocks(page))["index"])
    failed = [item for item in items if item["mark"] == "✗"]
    assert {item["facets"]["divergence"] for item in failed} == {"different arguments"}
    assert {item["group"] for item in items} == {t.blueprint for t in TALKS}


def test_a_bar_of_the_rows_leads_to_exactly_those_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    verified = [t for t in RunContents(run).trajectories if t.success]
    gone = [LeftOut(id=t.id, reason="nearly repeats", twin=verified[0].id) for t in verified[1:4]]
    (run / "dataset" / "left_out.jsonl").write_text("".join(one.line() + "\n" for one in gone))
    held = RunContents(run)
    found = diversity.composition_figure(held.conversations[0], "kind", [one.id for one in gone])
    items = listings.trajectories(held).items
    for count, wished in zip(found.data[0].x, found.layout.meta["leads"][0], strict=True):
        meant = [i for i in items if all(i.facets[name] == value for name, value in wished.items())]
        assert len(meant) == count > 0
    assert sum(found.data[0].x) == len(verified) - 3
    assert {i.facets["dataset"] for i in items if i.id in [one.id for one in gone]} == {"nearly repeats"}
    assert {i.facets["dataset"] for i in items if i.mark == "✗"} == {""}


def test_packed_blocks_come_back(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(embedded_data.packed(["</script>", "é"], "chunk"))
    assert whole(path).split("\n")[-2:] == ["</script>", "é"]
    assert embedded_data.packed(["a"], "x") == embedded_data.packed(["a"], "x")
    assert "</script>" not in embedded_data.as_json({"a": "</script><!--"})
    assert json.loads(embedded_data.as_json({"a": "</script><!--"})) == {"a": "</script><!--"}


def test_pieces_cut_names_of_any_length() -> None:
    made = proposals(1, "W" * 100_000)
    talk = trajectories(made, "W" * 100_000)[0]
    assert len(pieces.compare(talk, made[0].blueprint)) < 120_000
