"""What is chosen stands in the address: it is sent, reloaded, and undone by “back”, in the report and in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from apigen_nb.report.write import write_report, write_single_file
from tests.browser.explored import click_bar
from tests.browser.watched import CHROMIUM, Watched, sync_api
from tests.report_records import make_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("runs") / "demo")
    write_report(folder)
    write_single_file(folder)
    return folder


def opened(watched: Watched, run: Path, single: bool, page: str, fragment: str = "") -> sync_api.Page:
    """A page of the report, or the same of the single file."""
    if single:
        return watched.open(run / "report.html", f"#/{page}.html/{fragment}")
    return watched.open(run / "report" / f"{page}.html", f"#{fragment}")


def fragment(page: sync_api.Page) -> str:
    """The page's part of the address."""
    return str(page.evaluate("location.hash.replace(/^#(\\/[\\w.]+\\/)?/, '')"))


def shows(page: sync_api.Page, position: str, id: str) -> None:
    sync_api.expect(page.locator(".position")).to_have_text(position)
    sync_api.expect(page.locator(".shown-id")).to_have_text(id)


@pytest.mark.parametrize("single", [False, True])
def test_filters_search_and_selection_survive_a_reload_and_are_sent(
    watched: Watched, browser: sync_api.Browser, run: Path, single: bool
) -> None:
    page = opened(watched, run, single, "trajectories")
    page.select_option("[data-facet=outcome]", "failed")
    shows(page, "1 of 20", "retail-00000.t3")
    page.fill(".find", "you will get 64.90")
    page.locator(".list a").nth(3).click()
    shows(page, "4 of 20", "retail-00004.t3")
    assert fragment(page) == "retail-00004.t3?outcome=failed&find=you+will+get+64.90"
    text = page.locator(".shown-item").inner_text()
    page.reload()
    watched.settle()
    shows(page, "4 of 20", "retail-00004.t3")
    other = Watched(browser)
    sent = opened(other, run, single, "trajectories", fragment(page))
    shows(sent, "4 of 20", "retail-00004.t3")
    assert sent.locator("[data-facet=outcome]").input_value() == "failed"
    assert sent.locator(".find").input_value() == "you will get 64.90"
    assert sent.locator(".shown-item").inner_text() == text
    other.context.close()


@pytest.mark.parametrize("single", [False, True])
def test_back_undoes_one_choice_and_forward_makes_it_again(watched: Watched, run: Path, single: bool) -> None:
    page = opened(watched, run, single, "trajectories")
    page.select_option("[data-facet=outcome]", "failed")
    shows(page, "1 of 20", "retail-00000.t3")
    page.locator(".list a").nth(2).click()
    shows(page, "3 of 20", "retail-00002.t1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    shows(page, "5 of 20", "retail-00005.t2")
    page.locator("button.as").click()
    page.locator(".grid tbody tr").first.wait_for()
    page.go_back()
    shows(page, "5 of 20", "retail-00005.t2")
    page.go_back()  # the keys' steps are no choices of their own
    shows(page, "1 of 20", "retail-00000.t3")
    page.go_back()
    shows(page, "1 of 60", "retail-00000.t1")
    assert page.locator("[data-facet=outcome]").input_value() == ""
    page.go_forward()
    page.go_forward()
    shows(page, "5 of 20", "retail-00005.t2")
    assert page.locator("[data-facet=outcome]").input_value() == "failed"


def test_a_search_is_one_step(watched: Watched, run: Path) -> None:
    page = opened(watched, run, False, "blueprints")
    page.locator(".find").press_sequentially("retail-00007")
    shows(page, "1 of 1", "retail-00007")
    page.go_back()
    shows(page, "1 of 24", "retail-00000")
    assert page.locator(".find").input_value() == ""


@pytest.mark.parametrize("single", [False, True])
def test_from_a_blueprint_to_its_conversations_and_back(watched: Watched, run: Path, single: bool) -> None:
    page = opened(watched, run, single, "blueprints", "retail-00001?fell+at=execution")
    links = page.locator(".conversations-of a.tag").filter(has_not_text="compare")
    assert links.all_inner_texts() == ["✓ retail-00001.t1", "✗ retail-00001.t2", "✓ retail-00001.t3"]
    links.nth(1).click()
    sync_api.expect(page.locator("h1")).to_have_text("Every conversation")
    watched.settle()
    shows(page, "2 of 3", "retail-00001.t2")
    page.locator(".shown-item").get_by_role("link", name="blueprint retail-00001").click()
    sync_api.expect(page.locator("h1")).to_have_text("Every blueprint")
    watched.settle()
    shows(page, "2 of 24", "retail-00001")
    page.go_back()
    watched.settle()
    shows(page, "2 of 3", "retail-00001.t2")
    page.go_back()
    watched.settle()
    sync_api.expect(page.locator("h1")).to_have_text("Every blueprint")
    shows(page, "1 of 8", "retail-00001")
    assert page.locator("[data-facet='fell at']").input_value() == "execution"
    page.get_by_role("link", name="all 3 in a table").click()
    page.locator(".grid tbody tr").nth(2).wait_for()
    assert page.locator(".grid tbody tr td:first-child").all_inner_texts() == [f"retail-00001.t{n}" for n in (1, 2, 3)]


def in_sight(page: sync_api.Page) -> bool:
    """Whether why the attempt fell can be read without scrolling."""
    box = page.locator(".shown-item details[open] .why").first.bounding_box()
    return box is not None and 0 <= box["y"] < box["y"] + box["height"] <= page.viewport_size["height"]


@pytest.mark.parametrize("width", [1280, 420])
def test_a_bar_opens_the_attempt_that_it_counts_in_sight(browser: sync_api.Browser, run: Path, width: int) -> None:
    watched = Watched(browser, viewport={"width": width, "height": 800})
    page = opened(watched, run, False, "index")
    click_bar(page, "main", 1, fell=True)
    page.wait_for_url("**/blueprints.html*")
    watched.settle()
    for id in ("retail-00001", "retail-00003", "retail-00007"):
        sync_api.expect(page.locator(".shown-id")).to_have_text(id)
        sync_api.expect(page.locator(".shown-item details[open] .why").first).to_contain_text("fell at execution")
        assert page.locator(".shown-item details[open]").count() == 1
        assert in_sight(page), id
        page.keyboard.press("j")
    watched.context.close()


def test_what_a_menu_chose_is_in_the_address(watched: Watched, run: Path) -> None:
    page = opened(watched, run, False, "pass_rates")
    page.select_option("[data-choice=gate]", "execution")
    page.select_option("[data-choice=by]", "tool")
    assert fragment(page) == "?gate=execution&by=tool"
    page.reload()
    watched.settle()
    assert page.locator(".view .plot").get_attribute("aria-label") == "What “execution” let pass, by tool"
    page.go_back()
    page.wait_for_function("() => document.querySelector('[data-choice=by]').value !== 'tool'")
    assert page.locator("[data-choice=gate]").input_value() == "execution"


@pytest.mark.parametrize(
    "odd", ["%", "%E0%A4%A", "?find=%", "nobody?no+facet=1", "?sort=-nothing&group=nothing&page=99"]
)
def test_an_odd_address_opens_the_page(watched: Watched, run: Path, odd: str) -> None:
    page = opened(watched, run, False, "blueprints", odd)
    assert page.locator(".shown-item").inner_text()
    page.locator(".chips button").first.click() if page.locator(".chips button").count() else None
    page.fill(".find", "")
    sync_api.expect(page.locator(".position")).to_contain_text(" of 24")
