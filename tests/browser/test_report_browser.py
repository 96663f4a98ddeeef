"""The report in a real browser over file:// with the network cut. Screenshots are left in artifacts/."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report_records import HOSTILE, make_run

from apigen_nb.report.html import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "demo", count=24)).parent


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "hostile", HOSTILE, count=12)).parent


class Watched:
    """A page that remembers what it asked for and what its console said."""

    def __init__(self, browser: sync_api.Browser, **context: object) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.context.route("**/*", self._route)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))

    def _route(self, route: sync_api.Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def open(self, path: Path, fragment: str = "") -> sync_api.Page:
        self.page.goto("about:blank")
        self.page.goto(path.resolve().as_uri() + fragment)
        self.page.wait_for_load_state("load")
        return self.page

    def shoot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@pytest.fixture
def watched(browser: sync_api.Browser) -> Iterator[Watched]:
    found = Watched(browser)
    yield found
    found.context.close()


def test_every_page_opens_without_errors_or_requests(watched: Watched, demo: Path) -> None:
    for path in sorted(demo.glob("*.html")):
        page = watched.open(path)
        page.wait_for_timeout(200)
        watched.shoot(f"report-{path.stem}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
    assert watched.requests == []
    assert watched.errors == []


@pytest.mark.parametrize("page", ["index.html", "2_blueprints.html"])
def test_figures_really_show(watched: Watched, demo: Path, page: str) -> None:
    opened = watched.open(demo / page)
    opened.wait_for_selector(".plot .main-svg .bars .point path")
    boxes = opened.locator(".plot").count()
    assert opened.locator(".plot:has(.main-svg)").count() == boxes > 0
    for bar in opened.locator(".plot .bars .point path").all()[:3]:
        box = bar.bounding_box()
        assert box is not None
        assert box["width"] > 3
        assert box["height"] > 3
    assert opened.get_by_text("Share chart").count() == 0
    assert opened.locator("[data-title*='hare']").count() == 0


def test_keys_step_and_the_address_reopens_the_item(watched: Watched, demo: Path, browser: sync_api.Browser) -> None:
    page = watched.open(demo / "trajectories.html")
    first = page.locator("#id").inner_text()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator("#id").inner_text()
    assert first != second
    assert page.locator("#position").inner_text().startswith("2 of ")
    fragment = page.evaluate("location.hash")
    assert fragment == f"#{second}"
    again = Watched(browser)
    reopened = again.open(demo / "trajectories.html", fragment)
    assert reopened.locator("#id").inner_text() == second
    assert reopened.locator("#item").inner_text() == page.locator("#item").inner_text()
    again.context.close()


def test_filters_and_search_narrow_the_list(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html")
    page.select_option("[data-facet=outcome]", "failed")
    assert page.locator("#position").inner_text() == "1 of 20"
    assert page.locator("#item .divergence").count() == 1
    page.fill("#find", "retail-00001")
    assert page.locator("#position").inner_text() == "1 of 1"
    page.fill("#find", "no such words")
    assert "Nothing fits" in page.locator("#item").inner_text()
    page.fill("#find", "lamp, refunded to the gift card. shall")
    assert page.locator("#position").inner_text() == "1 of 20"


def test_a_bar_leads_to_the_blueprints_behind_it(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "index.html")
    page.wait_for_selector(".plot .bars .point path")
    # plotly listens on its drag layer, not on the bar: click where the second bar, execution, stands
    box = page.locator(".plot").first.locator(".bars .point path").nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.wait_for_timeout(150)
    page.mouse.click(box["x"] + 10, box["y"] + box["height"] / 2)
    page.wait_for_url("**/blueprints.html*")
    assert page.locator("[data-facet='fell at']").input_value() == "execution"
    assert page.locator("#position").inner_text() == "1 of 7"  # one of the eight fell at the format first


def test_an_unknown_address_says_so(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "blueprints.html", "#retail-99999")
    assert "retail-99999 is not on this page" in page.locator("#position").inner_text()


@pytest.mark.parametrize(("scheme", "width"), [("light", 420), ("dark", 1280), ("dark", 420)])
def test_dark_and_narrow(browser: sync_api.Browser, demo: Path, scheme: str, width: int) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    for name in ("index", "trajectories", "blueprints"):
        page = watched.open(demo / f"{name}.html")
        page.wait_for_timeout(200)
        watched.shoot(f"report-{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
    assert dark == (scheme == "dark")
    watched.context.close()


def test_hostile_texts_neither_run_nor_load_nor_break_the_layout(watched: Watched, hostile: Path) -> None:
    for path in sorted(hostile.glob("*.html")):
        page = watched.open(path)
        page.wait_for_timeout(200)
        if page.locator("#next").count():
            page.fill("#find", "<img src=x onerror")
            page.fill("#find", "</script>")
            page.keyboard.press("Tab")
            page.locator("#next").click()
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        page.wait_for_timeout(100)
        watched.shoot(f"report-hostile-{path.stem}")
        assert page.evaluate("window.hacked") is None, path.name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
    assert watched.requests == []
