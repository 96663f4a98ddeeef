"""A page in a real browser that remembers what it asked for and what its console said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


# What holds something as soon as it stands: the item of an explorer or its table, a panel, a table.
SHOWN = ".explorer:not(.as-table) .shown-item, .explorer.as-table .grid tbody, .view, .datatable tbody"


class Watched:
    """A page over `file://` whose other requests are aborted and remembered."""

    def __init__(self, browser: sync_api.Browser, **context: object) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
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
        """A page of the report, with all that is packed in it unpacked and its figures drawn."""
        self.page.goto("about:blank")
        self.page.goto(path.resolve().as_uri() + fragment)
        self.page.wait_for_load_state("load")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until explorers show an item or a table, the views a panel, tables a row, and figures are drawn."""
        # functions, not expressions: the pages' policy forbids the browser to evaluate a text again
        boxes = f"[...document.querySelectorAll('{SHOWN}')]"
        plots = "[...document.querySelectorAll('.plot')]"
        self.page.wait_for_function(f"() => {boxes}.every((box) => box.childElementCount)")
        self.page.wait_for_function(f"() => {plots}.every((box) => box.querySelector('.main-svg'))")

    def shoot(self, name: str) -> None:
        """The page from its top, as far as a picture can be of use."""
        ARTIFACTS.mkdir(exist_ok=True)
        size = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(5_000, size[1])}
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True, clip=clip)


# Scheme and width that everything is seen in: all four, since what a narrow window alone shows has colours of its own.
LOOKS = [("light", 1280), ("dark", 1280), ("light", 420), ("dark", 420)]


def problems(page: sync_api.Page, within: str = "") -> list[str]:
    """All that axe-core finds, on a whole page or within the boxes of a selector; every fold is opened first."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('.apigen details').forEach((fold) => { fold.open = true })")
    page.wait_for_timeout(300)
    found = Axe().run(page, context={"include": [within]} if within else None).response["violations"]
    return [f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:200]}" for v in found]
