"""Tables in a browser: sorted by every column, filtered, grouped with counts, and what is seen as a file, read back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from apigen_nb.report.data_table import data_table
from apigen_nb.report.page_frame import Page, page_html, script, style
from apigen_nb.report.run_contents import RunContents
from apigen_nb.report.write import write_report
from tests.browser.watched import CHROMIUM, LOOKS, Watched, sync_api
from tests.report_records import HOSTILE, make_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "plain", 'say "yes", then\nno', "é – 日本", "'=1"]
FRAME = pd.DataFrame(
    {
        "text": FORMULAS,
        "number": [10, 9, -8, 7, 100, 5, 4, 3, 2],
        "share": [0.5, 0.25, 1.0, 2.5, -0.125, 3.0, 0.0, 0.1, 9.75],
        "some": [3, None, 1, 4, None, 5, 9, 2, 6],
        "kind": ["b", "a", "b", "a", "a", "", "b", "a", "b"],
        "tools": [["x", "y"], ["x"], [], ["y"], ["x", "y"], [], ["y"], ["x"], ["z"]],
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with one table, and the report of a small run, of a hostile one, too."""
    home = tmp_path_factory.mktemp("pages")
    page = Page("one.html", "One", "", lambda: [data_table(FRAME, "some", {})])
    (home / "one.html").write_text(page_html(RunContents(make_run(home / "run")), [page], page), encoding="utf-8")
    (home / "report.css").write_text(style(), encoding="utf-8")
    (home / "report.js").write_text(script("start"), encoding="utf-8")
    write_report(home / "run")
    write_report(make_run(home / "hostile", HOSTILE, count=6))
    return home


def column(page: sync_api.Page, name: str) -> list[str]:
    """What stands in a column that is shown."""
    return [text.strip() for text in page.locator(f".grid tbody td[data-name='{name}']").all_inner_texts()]


def head(page: sync_api.Page, name: str) -> sync_api.Locator:
    return page.locator(".grid th").get_by_role("button", name=name, exact=True)


def exported(page: sync_api.Page, kind: str, folder: Path) -> pd.DataFrame:
    """What a table saves, as pandas reads it."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=kind, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    if kind == "CSV":
        return pd.read_csv(path, keep_default_na=False)
    return pd.read_parquet(path)


@pytest.mark.parametrize("name", list(FRAME.columns))
def test_every_column_sorts_both_ways(watched: Watched, folder: Path, name: str) -> None:
    page = watched.open(folder / "one.html")
    before = column(page, name)
    for _ in range(2):
        head(page, name).click()
        way = page.locator(".grid th[aria-sort]:not([aria-sort=none])").get_attribute("aria-sort")
        found = column(page, name)
        assert sorted(found) == sorted(before)
        filled = [text for text in found if text]
        assert found[: len(filled)] == filled, "what is empty comes last"
        if name in ("number", "share", "some"):
            values = [float(text) for text in filled]
            assert values == sorted(values, reverse=way == "descending")
        if name == "kind":
            assert filled == sorted(filled, reverse=way == "descending")
    assert way == ("ascending" if name in ("number", "share", "some") else "descending")
    watched.page.reload()
    watched.settle()
    assert column(page, name) == found


def test_a_filter_a_search_and_a_group_add_up(watched: Watched, folder: Path) -> None:
    page = watched.open(folder / "one.html")
    page.get_by_label("group by").select_option("tools")
    assert dict(zip(column(page, "tools"), column(page, "rows"), strict=True)) == {
        "x": "4",
        "y": "4",
        "z": "1",
        "–": "2",
    }
    page.locator(".grid label", has_text="and").locator("select").last.select_option("kind")
    counts = dict(zip(zip(column(page, "tools"), column(page, "kind"), strict=True), column(page, "rows"), strict=True))
    assert counts[("x", "a")] == "3"
    assert counts[("–", "–")] == "1"
    page.reload()
    watched.settle()
    assert len(column(page, "rows")) == len(counts)
    page.locator(".grid tbody a", has_text="x").first.click()
    assert page.locator(".chips button").all_inner_texts() == ["tools: x ✕", "kind: a ✕"]
    assert column(page, "number") == ["9", "100", "3"]
    page.get_by_label("find").fill("é")
    assert column(page, "number") == ["3"]
    page.get_by_label("find").fill("")
    page.get_by_role("button", name="drop the filter tools: x").click()
    assert column(page, "kind") == ["a"] * 4
    page.locator(".filters select").first.select_option("tools")
    page.get_by_label("value of tools").select_option("y")
    assert column(page, "number") == ["7", "100"]
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.grid tbody tr').length === 4")


def test_what_is_seen_comes_back_from_csv_and_parquet(watched: Watched, folder: Path, tmp_path: Path) -> None:
    page = watched.open(folder / "one.html")
    head(page, "number").click()
    wanted = FRAME.sort_values("number", ascending=False, kind="stable").reset_index(drop=True)
    wanted["tools"] = [", ".join(tools) for tools in wanted["tools"]]
    parquet = exported(page, "Parquet", tmp_path)
    pd.testing.assert_frame_equal(parquet, wanted, check_dtype=False)
    csv = exported(page, "CSV", tmp_path)
    assert csv["number"].tolist() == wanted["number"].tolist()
    assert csv["share"].tolist() == wanted["share"].tolist()
    assert [text or None for text in csv["some"]] == [str(int(n)) if n == n else None for n in wanted["some"]]
    risky = {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1"}
    assert csv["text"].tolist() == [f"'{text}" if text in risky else text for text in wanted["text"]]
    assert not any(str(cell).startswith(("=", "+", "@")) for cell in csv.to_numpy().ravel())
    page.locator(".filters select").first.select_option("kind")
    page.get_by_label("value of kind").select_option("a")
    assert exported(page, "Parquet", tmp_path)["number"].tolist() == [100, 9, 7, 3]
    page.get_by_label("group by").select_option("tools")
    groups = exported(page, "CSV", tmp_path)
    assert dict(zip(groups["tools"], groups["rows"], strict=True)) == {"x": 3, "y": 2}


def test_the_items_of_an_explorer_are_a_table_and_back(watched: Watched, folder: Path, tmp_path: Path) -> None:
    page = watched.open(folder / "run" / "report" / "blueprints.html", "#?fell+at=execution")
    page.get_by_role("button", name="as a table").click()
    lines = (folder / "run" / "blueprints.jsonl").read_text().splitlines()
    assert len(column(page, "id")) == 8 < len(lines)
    head(page, "attempts").click()
    head(page, "attempts").click()
    assert column(page, "attempts") == ["4"] * 4 + ["2"] * 4
    saved = exported(page, "Parquet", tmp_path)
    assert saved["id"].tolist() == column(page, "id")
    assert set(saved["outcome"]) == {"rejected", "accepted, repaired by reflection"}
    page.locator(".grid tbody a").nth(1).click()
    sync_api.expect(page.locator(".position")).to_have_text("2 of 8")
    sync_api.expect(page.locator(".shown-id")).to_have_text("retail-00009")
    assert page.locator(".chips button").all_inner_texts() == ["sorted by attempts, falling ✕"]
    page.reload()
    watched.settle()
    sync_api.expect(page.locator(".position")).to_have_text("2 of 8")
    page.go_back()
    page.locator(".grid tbody tr").nth(7).wait_for()


def test_texts_of_models_stay_texts(watched: Watched, folder: Path, tmp_path: Path) -> None:
    for name, fragment in (("dataset", "conversations.sort=-words"), ("trajectories", "view=table&group=tool")):
        page = watched.open(folder / "hostile" / "report" / f"{name}.html", f"#?{fragment}")
        page.locator(".grid tbody tr").first.wait_for()
        for kind in ("CSV", "Parquet"):
            table = page.locator(".grid:visible").last
            with page.expect_download() as waiting:
                table.get_by_role("button", name=kind, exact=True).click()
            waiting.value.save_as(tmp_path / f"{name}.{kind}")
        assert len(pd.read_parquet(tmp_path / f"{name}.Parquet")) == len(pd.read_csv(tmp_path / f"{name}.CSV")) > 1
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_in_tables(browser: sync_api.Browser, folder: Path, scheme: str, width: int) -> None:
    from axe_playwright_python import sync_playwright as axe

    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    report = folder / "run" / "report"
    for name, fragment in (
        ("dataset", "conversations.sort=-calls&conversations:outcome=failed"),
        ("dataset", "conversations.group=outcome&conversations.group=kind"),
        ("blueprints", "view=table&fell+at=execution&sort=-attempts"),
        ("trajectories", "retail-00000.t1?outcome=verified&sort=-tool&attempt=1"),
    ):
        page = watched.open(report / f"{name}.html", f"#?{fragment}" if "?" not in fragment else f"#{fragment}")
        watched.shoot(f"table-{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, fragment)
        problems = axe.Axe().run(page).response["violations"]
        assert [
            (p["id"], p["nodes"][0]["html"][:120]) for p in problems if p["impact"] in ("serious", "critical")
        ] == []
    watched.context.close()
