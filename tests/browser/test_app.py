"""The app in a real browser: voila over a run, also one whose models write hostile texts. Pictures in artifacts/."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from apigen_nb.run import app
from tests.browser.explored import HARMFUL, NAMES, Explored, by_keyboard, click_bar, walk_through
from tests.browser.watched import LOOKS, problems
from tests.report_records import HOSTILE, make_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("voila", reason="voila is not installed: pip install 'apigen-nb[app]'")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


class App(Explored):
    """The app over one run in a page that remembers what it asked for and what its console said."""

    def __init__(self, page: sync_api.Page, base: str) -> None:
        super().__init__(page)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(f"{m.text} {m.location}") if m.type == "error" else None)
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        ours = (base, base.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(ours) else self.foreign.append(r.url))
        page.goto(base)
        page.wait_for_selector(".apigen-report h1", timeout=60_000)

    def shoot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)

    def clean(self) -> None:
        assert self.errors == []
        assert self.foreign == []
        assert self.page.evaluate("window.hacked") is None


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=options)


def serve(run: Path, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line, needed = app.command(run, ["--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"])
    process = subprocess.Popen(
        line, env={**os.environ, **needed}, cwd=log.parent, stdout=log.open("wb"), stderr=subprocess.STDOUT
    )
    base = f"http://127.0.0.1:{port}/"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{base}voila/static/", timeout=1).close()
            break
        except urllib.error.HTTPError:
            break  # it answers
        except OSError:
            assert process.poll() is None, log.read_text()[-3000:]
            time.sleep(0.1)
    return process, base


@pytest.fixture(scope="module")
def shown(browser: sync_api.Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    process, base = serve(make_run(folder / "run"), folder / "voila.log")
    try:
        yield App(browser.new_page(viewport={"width": 1280, "height": 1400}), base)
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("name", NAMES)
def test_every_explorer_opens(shown: App, name: str) -> None:
    shown.go(name)
    shown.page.wait_for_timeout(400)
    shown.shoot(f"app-{name.lower().replace(' ', '-')}")
    assert shown.page.locator(".apigen-report").count() == 1 + (name == "Domain")
    assert len(shown.page.locator(".lead, h1 + p").first.inner_text()) > 40
    assert shown.page.locator(".top-bar .scripted").is_visible()
    shown.clean()


def test_the_run_is_named_and_summed_up(shown: App) -> None:
    shown.go("Overview")
    assert shown.page.title() == shown.page.locator(".top-bar .run").inner_text() == "apigen-nb · run"
    text = shown.page.locator(".apigen-report").inner_text()
    assert [
        words for words in ("24 seeds gave", "rows in the dataset", "verified trajectories") if words not in text
    ] == []
    shown.behind(lambda: click_bar(shown.page, ".apigen-report", 1, fell=True))
    assert shown.page.locator("[data-facet='fell at']").input_value() == "execution"
    shown.clean()


def test_it_follows_the_dark_theme(shown: App) -> None:
    shown.page.emulate_media(color_scheme="dark")
    shown.go("Pass rates")
    shown.page.wait_for_timeout(600)
    shown.shoot("app-dark")
    color = "(part) => getComputedStyle(document.querySelector(part)).{}"
    ground = shown.page.evaluate(color.format("backgroundColor"), "body")
    ink = shown.page.evaluate(color.format("fill"), ".plot .gtitle")
    assert max(numbers(ground)) < 60 < 180 < min(numbers(ink)), (ground, ink)
    shown.page.emulate_media(color_scheme="light")
    shown.page.wait_for_timeout(600)
    assert max(numbers(shown.page.evaluate(color.format("fill"), ".plot .gtitle"))) < 120
    shown.clean()


def numbers(color: str) -> list[float]:
    """The red, green and blue of a CSS colour."""
    return [float(part) for part in re.findall(r"[\d.]+", color)][:3]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_any_page(shown: App, scheme: str, width: int) -> None:
    found = {}
    for name in NAMES:
        shown.go(name)
        shown.page.emulate_media(color_scheme=scheme)
        shown.page.set_viewport_size({"width": width, "height": 1400})
        shown.page.wait_for_timeout(600)
        found[name] = problems(shown.page)
        shown.page.emulate_media(color_scheme="light")
        shown.page.set_viewport_size({"width": 1280, "height": 1400})
    assert {name: told for name, told in found.items() if told} == {}
    shown.clean()


def test_from_a_bar_to_a_conversation(shown: App) -> None:
    walk_through(shown)
    shown.shoot("app-walk")
    shown.clean()


def test_without_a_mouse(shown: App) -> None:
    by_keyboard(shown)
    shown.clean()


def test_the_address_is_reloaded_sent_and_undone(shown: App) -> None:
    page = shown.page
    shown.go("Overview")
    shown.behind(lambda: click_bar(page, ".apigen-report", 1, fell=True))
    attempt = page.locator(".shown-item details[open]")
    assert "fell at execution" in attempt.inner_text()
    why = attempt.locator(".why").bounding_box()
    assert why is not None
    assert 0 <= why["y"] < why["y"] + why["height"] <= 1400, "what was clicked is in sight"
    assert page.evaluate("location.hash") == "#/blueprints.html/retail-00001?fell+at=execution"
    shown.until_changed(".shown-id", page.locator(".list a").nth(2).click)
    sent = page.evaluate("location.hash")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.shown-id').innerText === 'retail-00001'")
    page.go_back()
    shown.stands("Overview")
    page.go_forward()
    page.go_forward()
    shown.stands("Blueprints")
    page.wait_for_function("() => document.querySelector('.shown-id').innerText === 'retail-00007'")
    assert page.evaluate("location.hash") == sent
    page.reload()
    page.wait_for_selector(".apigen-report h1", timeout=60_000)
    shown.stands("Blueprints")
    assert shown.chosen == "retail-00007"
    assert page.locator("[data-facet='fell at']").input_value() == "execution"
    shown.until_changed("button.as", page.locator("button.as").click)
    page.locator(".grid th button", has_text="attempts").click()
    page.reload()
    page.wait_for_selector(".grid th[aria-sort=ascending]", timeout=60_000)
    assert page.locator(".grid tbody tr").count() == 8
    shown.errors[:] = [error for error in shown.errors if "/voila/api/shutdown/" not in error]  # voila's own beacon
    shown.clean()


def test_the_address_of_a_domain_is_in_that_of_the_app(shown: App) -> None:
    page = shown.page
    shown.go("Domain")
    page.get_by_role("link", name="Data", exact=True).click()
    page.locator(".shown-item .panel").wait_for()
    page.select_option("[data-facet=table]", "products")
    page.wait_for_function("() => /table%3Dproducts/.test(location.hash)")
    page.reload()
    page.wait_for_selector(".apigen-report .shown-id", timeout=60_000)
    page.wait_for_function("() => document.querySelector('.shown-id').innerText.startsWith('products/')")
    shown.errors[:] = [error for error in shown.errors if "/voila/api/shutdown/" not in error]
    shown.clean()


def test_in_a_narrow_window(shown: App) -> None:
    shown.go("Trajectories")
    shown.page.set_viewport_size({"width": 420, "height": 900})
    shown.page.wait_for_timeout(400)
    shown.shoot("app-narrow")
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 420
    shown.page.set_viewport_size({"width": 1280, "height": 1400})
    shown.clean()


def test_code_and_headings_of_the_notebook_are_not_shown(shown: App) -> None:
    text = shown.page.locator("body").inner_text()
    assert "Parameters" not in text
    assert "import" not in text


def test_hostile_texts_are_texts(browser: sync_api.Browser, tmp_path: Path) -> None:
    process, base = serve(make_run(tmp_path / "run", HOSTILE, count=6), tmp_path / "voila.log")
    try:
        shown = App(browser.new_page(viewport={"width": 1280, "height": 1400}), base)
        for name in NAMES:
            shown.go(name)
            if shown.page.locator(".list a").count() > 1:
                shown.until_changed(".shown-id", shown.page.locator(".list a").last.click)
                shown.page.wait_for_function("document.querySelector('.shown-item').innerText.length > 200")
            shown.shoot(f"app-hostile-{name.lower().replace(' ', '-')}")
            assert shown.page.evaluate("document.documentElement.scrollWidth") <= 1280
            assert shown.page.evaluate(HARMFUL) == []
            shown.clean()
        shown.go("Trajectories")
        shown.until_changed(".shown-id", shown.page.locator(".list a").first.click)
        assert "window.hacked" in shown.item, "it is there to read"
        shown.until_changed(".position", lambda: shown.page.select_option("[data-facet=outcome]", "undecided"))
        shown.page.locator(".found a").first.focus()
        shown.page.keyboard.press("Enter")
        shown.page.wait_for_function("document.activeElement.dataset.turn === '8'")
        assert "open question" in shown.page.locator(".marks .is-undecided").inner_text()
        shown.clean()
    finally:
        process.terminate()
        process.wait(20)
