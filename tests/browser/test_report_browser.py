"""The report in a real browser over file:// with the network cut. Screenshots are left in artifacts/."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from apigen_nb.report.write import write_report, write_single_file
from tests.browser.explored import click_bar
from tests.browser.watched import CHROMIUM, LOOKS, Watched, problems, sync_api
from tests.report_records import HOSTILE, make_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")


DARK = ("index.html", "reflection.html", "trajectories.html")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "demo", count=24)).parent


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "hostile", HOSTILE, count=12)).parent


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(make_run(tmp_path_factory.mktemp("runs") / "marked", marked=True, count=6)).parent


@pytest.fixture
def watched(browser: sync_api.Browser) -> Iterator[Watched]:
    found = Watched(browser)
    yield found
    found.context.close()


def test_every_page_opens_without_errors_or_requests(watched: Watched, demo: Path) -> None:
    for path in sorted(demo.glob("*.html")):
        page = watched.open(path)
        watched.shoot(f"report-{path.stem}")
        nameless = page.evaluate("document.querySelectorAll(':is(.plot, nav, [role=log]):not([aria-label])').length")
        assert nameless == 0, path.name
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
    first = page.locator(".shown-id").inner_text()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator(".shown-id").inner_text()
    assert first != second
    assert page.locator(".position").inner_text().startswith("2 of ")
    fragment = page.evaluate("location.hash")
    assert fragment == f"#{second}"
    again = Watched(browser)
    reopened = again.open(demo / "trajectories.html", fragment)
    assert reopened.locator(".shown-id").inner_text() == second
    assert reopened.locator(".shown-item").inner_text() == page.locator(".shown-item").inner_text()
    again.context.close()


def position(page: sync_api.Page, text: str) -> None:
    """Wait until the explorer says where it stands: it unpacks its items one chunk at a time."""
    sync_api.expect(page.locator(".position")).to_have_text(text)


def test_filters_and_search_narrow_the_list(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html")
    page.select_option("[data-facet=outcome]", "failed")
    position(page, "1 of 20")
    assert page.locator(".shown-item .divergence").count() == 1
    page.fill(".find", "retail-00001")
    position(page, "1 of 1")
    page.fill(".find", "no such words")
    position(page, "0 of 0")
    assert "Nothing fits" in page.locator(".shown-item").inner_text()
    page.fill(".find", "lamp, refunded to the gift card. shall")
    position(page, "1 of 20")
    assert page.locator(".list a").count() == 20
    page.locator(".list a").nth(4).click()
    position(page, "5 of 20")


def test_two_reflections_stand_side_by_side_and_the_address_keeps_both(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "reflection.html", "#retail-00002.1")
    page.select_option(".with", "retail-00002.2")
    sync_api.expect(page.locator(".shown-item .item")).to_have_count(2)
    fragment = page.evaluate("location.hash")
    assert fragment == "#retail-00002.1?with=retail-00002.2"
    page = watched.open(demo / "reflection.html", fragment)
    assert page.locator(".shown-item .item h2").all_inner_texts() == ["retail-00002.1", "retail-00002.2"]
    left, right = (page.locator(".shown-item .item").nth(n).bounding_box() for n in (0, 1))
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("j")
    sync_api.expect(page.locator(".shown-item .item")).to_have_count(1)


def test_a_bar_leads_to_the_blueprints_behind_it(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "index.html")
    click_bar(page, "main", 1)
    page.wait_for_url("**/blueprints.html*")
    watched.settle()
    assert page.locator(".chips button").inner_text() == "passed at: execution ✕"
    page.go_back()
    watched.settle()
    click_bar(page, "main", 1, fell=True)
    page.wait_for_url("**/blueprints.html*")
    watched.settle()
    assert page.locator("[data-facet='fell at']").input_value() == "execution"
    position(page, "1 of 8")
    assert page.locator(".list p").first.inner_text() == "19 attempts of 8 blueprints"
    assert page.locator("details[data-part='0']").get_attribute("open") is not None
    page.locator(".list a").nth(2).click()
    sync_api.expect(page.locator(".shown-item")).to_contain_text("The feedback it was given")


def test_a_gate_from_any_side_and_from_its_numbers_by_keyboard_to_the_blueprints(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "pass_rates.html")
    page.select_option("[data-choice=gate]", "execution")
    page.select_option("[data-choice=by]", "attempt")
    watched.settle()
    title = page.locator(".view .plot").get_attribute("aria-label")
    assert title == "What “execution” let pass, by attempt"
    page.locator(".view summary").focus()
    page.keyboard.press("Enter")
    for reached in ("attempt", "fell", "16"):  # two headings that are explained, then the first count
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == reached
    page.keyboard.press("Enter")
    page.wait_for_url("**/blueprints.html*")
    watched.settle()
    chips = page.locator(".chips button")
    assert chips.all_inner_texts() == ["attempt: first try ✕", "passed at: execution ✕"]
    position(page, "1 of 16")
    chips.first.click()
    assert chips.count() == 1


def test_reflection_shows_what_changed_beside_the_feedback(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "reflection.html", "#retail-00001.1")
    item = page.locator(".shown-item")
    assert "The feedback it was given" in item.inner_text()
    assert "accepted" in item.inner_text()
    assert page.locator(".sankey-link").count() > 5
    page.select_option("[data-facet='came of it']", "the same failure again")
    watched.settle()
    assert "fell again" in item.inner_text()
    item.get_by_role("link", name="blueprint retail").click()
    page.wait_for_url("**/blueprints.html#retail-*")


def test_a_table_is_searched_sorted_and_paged(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "dataset.html")
    table = page.locator(".datatable")
    assert table.locator("tbody tr").count() == 25
    assert table.locator(".rows-shown").inner_text() == "1–25 of 60"
    table.get_by_role("button", name="next rows").click()
    assert table.locator(".rows-shown").inner_text() == "26–50 of 60"
    table.get_by_role("button", name="trajectory").click()
    table.get_by_role("button", name="trajectory").click()
    assert table.locator("tbody tr td").first.inner_text() == "retail-00023.t3"
    assert table.locator("th[aria-sort=descending]").count() == 1
    table.locator("input").fill("failed 00001")
    assert table.locator(".rows-shown").inner_text() == "1–1 of 1"
    table.locator("tbody a").first.click()
    page.wait_for_url("**/trajectories.html#retail-00001.*")


def test_runs_side_by_side(watched: Watched, demo: Path, tmp_path: Path) -> None:
    index = write_report(make_run(tmp_path / "one"), [make_run(tmp_path / "other", count=12)])
    page = watched.open(index.parent / "compare.html")
    watched.shoot("report-compare")
    assert page.locator(".errorbars, .errorbar").count() > 0
    assert "accept the same share" in page.locator(".lead").inner_text()
    assert watched.errors == watched.requests == []


def test_one_file_leads_from_page_to_page_and_back(watched: Watched, tmp_path: Path) -> None:
    path = write_single_file(make_run(tmp_path / "demo", HOSTILE, count=6))
    page = watched.open(path)
    watched.shoot("report-single")
    assert "What was made" in page.locator("h1").inner_text()
    page.get_by_role("link", name="Pass rates", exact=True).first.click()
    watched.settle()
    click_bar(page, ".view", 0)
    sync_api.expect(page.locator("h1")).to_have_text("Every blueprint")
    watched.settle()
    assert page.evaluate("location.hash").startswith("#/blueprints.html/retail-")
    page.get_by_role("link", name="Trajectories", exact=True).first.click()
    watched.settle()
    first = page.locator(".shown-id").inner_text()
    page.keyboard.press("j")
    assert page.locator(".shown-id").inner_text() != first
    page = watched.open(path, f"#/trajectories.html/{first}")
    assert page.locator(".shown-id").inner_text() == first
    page.locator(".shown-item").get_by_role("link", name="blueprint retail").click()
    sync_api.expect(page.locator("h1")).to_have_text("Every blueprint")
    page.go_back()
    sync_api.expect(page.locator("h1")).to_have_text("Every conversation")
    for name in page.locator("template").evaluate_all("(all) => all.map((one) => one.dataset.page)"):
        page.evaluate("(name) => { location.hash = `/${name}/` }", name)
        watched.settle()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert page.evaluate("window.hacked") is None
    assert watched.requests == []


def test_an_unknown_address_says_so(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "blueprints.html", "#retail-99999")
    sync_api.expect(page.locator(".position")).to_contain_text("retail-99999 is not on this page")


@pytest.mark.parametrize(("scheme", "width"), [("light", 420), ("dark", 1280), ("dark", 420)])
def test_dark_and_narrow(browser: sync_api.Browser, demo: Path, scheme: str, width: int) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 800})
    for path in sorted(demo.glob("*.html") if scheme == "light" else map(demo.joinpath, DARK)):
        page = watched.open(path)
        watched.shoot(f"report-{path.stem}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
    assert dark == (scheme == "dark")
    assert watched.errors == []
    watched.context.close()


def test_it_prints_without_the_things_to_click(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "trajectories.html")
    page.emulate_media(media="print")
    tools = page.locator(".tools").all()
    assert len(tools) == 2
    assert not any(box.is_visible() for box in tools)
    assert not page.locator(".list").is_visible()
    assert page.locator(".shown-item").is_visible()
    assert page.locator(".shown-item .scroll").first.evaluate("(box) => getComputedStyle(box).overflowX") == "visible"


def test_figures_fit_the_paper_and_come_back_to_the_screen(watched: Watched, demo: Path, tmp_path: Path) -> None:
    page = watched.open(demo / "pass_rates.html")
    width = "() => [...document.querySelectorAll('.plot .main-svg')].map((svg) => Number(svg.getAttribute('width')))"
    on_screen = page.evaluate(width)
    page.evaluate(f"() => addEventListener('beforeprint', () => {{ window.printed = ({width})() }})")
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert all(one <= 700 < wide for one, wide in zip(page.evaluate("window.printed"), on_screen, strict=True))
    assert page.evaluate(width) == on_screen
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).printColorAdjust") == "exact"
    assert page.evaluate("getComputedStyle(document.querySelector('h2')).breakAfter") == "avoid"


RATIO = """() => {
  const levels = (text) => text.match(/[\\d.]+/g).slice(0, 4).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const solid = (element, name) => {
    const found = levels(getComputedStyle(element)[name]);
    return found.length < 4 || found[3] > 0.9 ? found : null;
  };
  const ground = (text) => {
    for (let box = text.parentElement; box; box = box.parentElement) {
      const plate = box.querySelector(":scope > rect.bg, :scope.hovertext > path");
      const covers = plate && Number(getComputedStyle(plate).fillOpacity) > 0.9 && solid(plate, "fill");
      if (covers) return covers;
      const paper = box.classList.contains("panel") || box.tagName === "BODY";
      if (paper) return levels(getComputedStyle(box).backgroundColor);
    }
  };
  return [...document.querySelectorAll(".plot svg text")].filter((text) => text.textContent.trim()).map((text) => {
    const [ink, paper] = [levels(getComputedStyle(text).fill), ground(text)].map(light);
    return [(Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05), text.textContent];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_of_a_figure_can_be_read(browser: sync_api.Browser, demo: Path, scheme: str) -> None:
    watched = Watched(browser, color_scheme=scheme)
    for name in ("index", "pass_rates", "reflection", "committee", "dataset"):
        page = watched.open(demo / f"{name}.html")
        if name in ("index", "pass_rates"):
            for fell in (False, True):
                bar = page.locator(".plot.leads").first.locator(".bars").nth(int(fell)).locator(".point path").nth(1)
                bar.evaluate("(bar) => bar.scrollIntoView({block: 'center', behavior: 'instant'})")
                box = bar.bounding_box()
                assert box is not None
                page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                page.locator(".hoverlayer .hovertext").first.wait_for()
                assert min(page.evaluate(RATIO))[0] >= 4.5, name
        found = page.evaluate(RATIO)
        assert len(found) > 10
        assert min(found)[0] >= 4.5, (name, min(found))
    watched.context.close()


def test_figures_follow_a_change_of_the_theme(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "index.html")
    bar = "() => getComputedStyle(document.querySelector('.errorbars path, path.yerror')).stroke"
    before = page.evaluate(bar)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(before) => ({bar})() !== before", arg=before)


def test_a_narrow_page_has_names_above_bars_and_numbers_for_wide_figures(browser: sync_api.Browser, demo: Path) -> None:
    watched = Watched(browser, viewport={"width": 420, "height": 800})
    page = watched.open(demo / "pass_rates.html")
    bar = page.locator(".plot .bars .point path").first.bounding_box()
    name = page.locator(".plot .annotation-text", has_text="format").first.bounding_box()
    assert bar is not None
    assert name is not None
    assert name["y"] + name["height"] <= bar["y"] + 2
    for texts in page.locator(".plot .gtitle, .plot .gtitle-subtitle, .plot .annotation-text").all():
        box = texts.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= 420)
    page = watched.open(demo / "reflection.html")
    assert page.locator(".gives-way").is_visible()
    assert not page.locator(".plot:has(.sankey)").is_visible()
    assert page.locator(".panel:has(.gives-way) table").is_visible()
    page.set_viewport_size({"width": 1200, "height": 800})
    page.locator(".plot .sankey").wait_for()
    assert not page.locator(".gives-way").is_visible()
    watched.context.close()


def test_an_address_opens_an_attempt(watched: Watched, demo: Path) -> None:
    page = watched.open(demo / "blueprints.html", "#retail-00002?part=1")
    folds = page.locator(".shown-item details[data-part]")
    assert [folds.nth(n).get_attribute("open") is not None for n in range(3)] == [False, True, False]
    assert page.evaluate("location.hash") == "#retail-00002?part=1"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_on_any_page(browser: sync_api.Browser, demo: Path, scheme: str, width: int) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    found = {path.name: problems(watched.open(path)) for path in sorted(demo.glob("*.html"))}
    assert len(found) > 6
    assert {name: told for name, told in found.items() if told} == {}
    watched.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_in_the_single_file(browser: sync_api.Browser, demo: Path, scheme: str, width: int) -> None:
    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = watched.open(write_single_file(demo.parent))
    found = {}
    for name in page.locator("template").evaluate_all("(all) => all.map((one) => one.dataset.page)"):
        page.evaluate("(name) => { location.hash = `/${name}/` }", name)
        page.wait_for_timeout(300)
        watched.settle()
        found[name] = problems(page)
    assert len(found) > 6
    assert {name: told for name, told in found.items() if told} == {}
    watched.context.close()


def is_focused_in_sight(page: sync_api.Page, message: int) -> None:
    """Wait until a message has the focus, and can be seen."""
    page.wait_for_function("(n) => document.activeElement.dataset.turn === n", arg=str(message))
    box = page.evaluate(
        "(() => { const b = document.activeElement.getBoundingClientRect(); return [b.top, b.bottom] })()"
    )
    assert 0 <= box[0] < box[1] <= page.viewport_size["height"]


def test_from_the_overview_to_what_is_undecided_and_to_its_message_by_keyboard(watched: Watched, marked: Path) -> None:
    page = watched.open(marked / "index.html")
    page.get_by_role("link", name="1 undecided: conduct, no majority").click()
    page.wait_for_url("**/trajectories.html*")
    watched.settle()
    position(page, "1 of 1")
    assert page.locator("[data-facet=outcome]").input_value() == "undecided"
    assert page.locator(".list .undecided").inner_text() == "?"
    item = page.locator(".shown-item")
    assert "failed" not in item.inner_text()
    page.locator(".found a").first.focus()
    page.keyboard.press("Enter")
    is_focused_in_sight(page, 8)
    position(page, "1 of 1")
    item.locator(".marks .reading a").first.click()
    is_focused_in_sight(page, 7)
    assert item.locator("mark.quoted").inner_text() == "Actually keep the keyboard, just the lamp."
    assert watched.errors == watched.requests == []


@pytest.mark.parametrize("single", [False, True])
def test_an_address_opens_a_message(watched: Watched, marked: Path, single: bool) -> None:
    if single:
        path, fragment = write_single_file(marked.parent), "#/trajectories.html/retail-00000.t4?message=8"
    else:
        path, fragment = marked / "trajectories.html", "#retail-00000.t4?message=8"
    page = watched.open(path, fragment)
    is_focused_in_sight(page, 8)
    assert page.locator(".marked-fell + .marks .is-fell").count() == 1
    page.locator(".found a").first.scroll_into_view_if_needed()
    page.locator(".found a").first.click()
    is_focused_in_sight(page, 8)
    page.keyboard.press("j")
    sync_api.expect(page.locator(".shown-id")).to_have_text("retail-00000.t5")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_marks_and_undecided_bars_can_be_read(browser: sync_api.Browser, marked: Path, scheme: str, width: int) -> None:
    from axe_playwright_python import sync_playwright as axe

    watched = Watched(browser, color_scheme=scheme, viewport={"width": width, "height": 900})
    for name, fragment in (("index", ""), *(("trajectories", f"#retail-00000.t{n}") for n in (4, 5, 6))):
        page = watched.open(marked / f"{name}.html", fragment)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        watched.settle()
        watched.shoot(f"report-marked-{name}{fragment[-3:]}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, fragment)
        problems = axe.Axe().run(page).response["violations"]
        assert [p["id"] for p in problems if p["impact"] in ("serious", "critical")] == [], (name, fragment)
        if name == "index":
            assert min(page.evaluate(RATIO))[0] >= 4.5
    watched.context.close()


def test_hostile_texts_neither_run_nor_load_nor_break_the_layout(watched: Watched, hostile: Path) -> None:
    for path in sorted(hostile.glob("*.html")):
        page = watched.open(path)
        if page.locator(".next").count():
            page.fill(".find", "<img src=x onerror")
            page.fill(".find", "</script>")
            page.keyboard.press("Tab")
            page.locator(".next").click()
        watched.shoot(f"report-hostile-{path.stem}")
        for menu in page.locator(".views select").all():
            for number in range(menu.locator("option").count()):
                menu.select_option(index=number)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        watched.settle()
        assert page.evaluate("window.hacked") is None, path.name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name
    page = watched.open(hostile / "trajectories.html", "#retail-long.t1")
    assert page.locator(".shown-item .divergence").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.requests == []
