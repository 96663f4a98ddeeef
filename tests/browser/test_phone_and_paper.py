"""The report on a phone and on paper: what somebody came for stands on the first screen and on the first sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from apigen_nb.report.write import write_report
from tests.browser.watched import CHROMIUM, Watched, sync_api
from tests.report_records import make_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

PHONE = {"width": 420, "height": 800}
FIRST_SCREEN = 400  # pixels from the top within which a conversation starts


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verified, failed and undecided conversations, some with findings and the answers of judges."""
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "demo", marked=True, count=24)).parent


@pytest.fixture
def phone(browser: sync_api.Browser) -> Iterator[Watched]:
    found = Watched(browser, viewport=PHONE)
    yield found
    found.context.close()


def top(page: sync_api.Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return float(box["y"])


@pytest.mark.parametrize("id", ["retail-00001.t1", "retail-00001.t2", "retail-00000.t4", "retail-00000.t6"])
def test_on_a_phone_a_conversation_starts_on_the_first_screen(phone: Watched, report: Path, id: str) -> None:
    page = phone.open(report / "trajectories.html", f"#{id}")
    assert page.locator(".shown-id").inner_text() == id
    phone.shoot(f"phone-{id}")
    assert 0 < top(page, ".chat .bubble") <= FIRST_SCREEN
    assert page.locator(".shown-item .row.tags").first.is_visible(), "what came of it stands above"
    assert top(page, ".shown-item .row.tags") < top(page, ".chat .bubble") < top(page, ".about-it")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_filters_and_list_come_when_they_are_asked_for(phone: Watched, report: Path) -> None:
    page = phone.open(report / "trajectories.html")
    button, menu = page.get_by_role("button", name="Filters and list"), page.locator("[data-facet=outcome]")
    assert not menu.is_visible()
    assert not page.locator(".list").is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert menu.is_visible()
    page.select_option("[data-facet=outcome]", "failed")
    page.locator(".list a").nth(1).click()
    sync_api.expect(page.locator(".position")).to_contain_text("2 of ")
    button.click()
    assert not page.locator(".list").is_visible()
    assert top(page, ".chat .bubble") <= FIRST_SCREEN


def test_on_a_phone_every_page_is_one_line_of_the_menu_away(phone: Watched, report: Path) -> None:
    page = phone.open(report / "dataset.html")
    here = page.locator("nav a[aria-current]").bounding_box()
    assert here is not None
    assert 0 <= here["x"] < here["x"] + here["width"] <= PHONE["width"], "the page that is open is in sight"
    assert top(page, "h1") < 90
    page.locator("nav").get_by_role("link", name="Overview").click()
    page.wait_for_url("**/index.html")
    more = page.locator(".top-bar .more summary")
    more.scroll_into_view_if_needed()
    more.click()
    page.locator(".more").get_by_role("link", name="Mix and coverage").click()
    page.wait_for_url("**/2_blueprints.html")


def sheets(page: sync_api.Page) -> list[str]:
    """The texts of the sheets of paper that a page is printed on."""
    pdf = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
    return [" ".join(sheet.extract_text().split()) for sheet in pdf.pages]


@pytest.mark.parametrize("id", ["retail-00001.t1", "retail-00000.t4"])
def test_on_paper_a_conversation_starts_on_the_first_sheet(browser: sync_api.Browser, report: Path, id: str) -> None:
    watched = Watched(browser)
    page = watched.open(report / "trajectories.html", f"#{id}")
    opening = " ".join(page.locator(".chat .bubble.user").first.inner_text().removeprefix("user: ").split())
    first = sheets(page)[0]
    assert id in first
    assert opening[:40] in first
    assert "Filters" not in first
    watched.context.close()


def test_on_paper_the_answer_and_its_figures_stand_on_the_first_sheet(browser: sync_api.Browser, report: Path) -> None:
    watched = Watched(browser)
    first = sheets(watched.open(report / "index.html"))[0]
    assert "What was made, what fell, and why" in first
    assert "Through the gates" in first
    watched.context.close()
