"""The index of runs in a real browser, over file:// with the network cut."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from apigen_nb.report.past_runs import read_runs
from apigen_nb.report.past_runs_page import write_index
from tests.browser.watched import CHROMIUM, LOOKS, Watched, sync_api
from tests.run.test_runs import begin, pay

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page over seven runs of two domains, two of them with a report, and a folder that is damaged."""
    home = tmp_path_factory.mktemp("some") / "outputs"
    for day in range(1, 7):
        pay(begin(home, f"run {day}", day, parameters={"count": 10 * day}), day)
    begin(home, "banking", 8, "banking", stages={"1_domain": {}}, finished=None)
    for name in ("run 2", "run 5"):
        (home / name / "report").mkdir()
        (home / name / "report" / "index.html").write_text("<title>its report</title>")
    (home / "run 5" / "report" / "compare.html").write_text("<title>its comparison</title>")
    (home / "damaged").mkdir()
    (home / "damaged" / "run.json").write_text("{")
    return write_index(home, read_runs(home))


def test_reports_are_opened_and_runs_are_compared(browser: sync_api.Browser, index: Path) -> None:
    watched = Watched(browser)
    page = watched.open(index)
    names = page.locator(".runs tbody td:first-child b").all_inner_texts()
    assert names == ["banking", "run 6", "run 5", "run 4", "run 3", "run 2", "run 1", "damaged"]
    assert page.locator(".plot .errorbar, .plot .errorbars").count() > 0
    page.get_by_label("choose run 5 to compare").check()
    assert page.locator(".chosen code").count() == 0, "one is no comparison"
    page.get_by_label("choose run 2 to compare").check()
    folder = index.parent.as_posix()
    assert page.locator(".chosen code").inner_text() == f"apigen-nb report '{folder}/run 5' '{folder}/run 2'"
    page.get_by_role("link", name="the comparison that this run's report has now").click()
    sync_api.expect(page).to_have_title("its comparison")
    page = watched.open(index)
    page.get_by_label("choose run 4 to compare").check()
    page.get_by_label("choose run 5 to compare").check()
    assert page.locator(".chosen a").count() == 0, "the first has none"
    page.get_by_label("choose run 4 to compare").uncheck()
    assert page.locator(".chosen code").count() == 0
    page.get_by_role("link", name="run 2", exact=True).click()
    sync_api.expect(page).to_have_title("its report")
    assert watched.requests == watched.errors == []
    watched.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_nobody_is_kept_out(browser: sync_api.Browser, index: Path, scheme: str, width: int) -> None:
    from axe_playwright_python import sync_playwright as axe

    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = watched.open(index)
    watched.shoot(f"runs-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe.Axe().run(page).response["violations"] == []
    assert watched.errors == []
    watched.context.close()
