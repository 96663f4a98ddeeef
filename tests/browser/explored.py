"""The report's pages in a widget, as the app shows them and as a notebook does: what both tests do with them."""

from __future__ import annotations

import re
from typing import Any

from apigen_nb.world.domain import Domain

NAMES = [
    "Overview",
    "Domain",
    "Pass rates",
    "Reflection",
    "Blueprints",
    "Trajectories",
    "Committee",
    "Dataset",
    "Glossary",
]
TITLES = {
    "Overview": "What was made",
    "Domain": "Domain: retail",
    "Pass rates": "What each gate let pass",
    "Reflection": "What reflection repaired",
    "Blueprints": "Every blueprint",
    "Trajectories": "Every conversation",
    "Committee": "How the judges voted",
    "Dataset": "What the dataset is made of",
    "Glossary": "Glossary",
}
STANDS = """(title) => {
  const shown = ':is(.explorer:not(.as-table) .shown-item, .as-table .grid tbody, .view, .datatable tbody)';
  const boxes = [...document.querySelectorAll(`.apigen-report ${shown}`)];
  const plots = [...document.querySelectorAll('.apigen-report .plot')].filter((box) => !box.hidden);
  return [...document.querySelectorAll('.apigen-report h1')].some((one) => one.textContent.startsWith(title)) &&
    !document.querySelector('.apigen-report [aria-busy]') && boxes.every((box) => box.childElementCount) &&
    plots.every((box) => box.querySelector('.main-svg') && box.offsetWidth > 300);
}"""
# A point of a ribbon that no label covers.
RIBBON = """() => {
  for (const ribbon of document.querySelectorAll('.sankey-link')) {
    const box = ribbon.getBoundingClientRect();
    for (let step = 1; step < 200; step += 1) {
      const [x, y] = [box.x + box.width * (step % 14) / 14, box.y + box.height * step / 200];
      if (document.elementFromPoint(x, y) === ribbon) return [x, y];
    }
  }
}"""
# What runs, loads or leads away: of scripts only data, of links only those to pages of the report and to their items.
HARMFUL = """[...document.querySelectorAll(
  '.apigen-report :is(script, iframe, object, img, form, mjx-container, a[href])')]
  .filter((part) => !part.matches('script[type^="application/"], .plot-img, .modebar-btn') &&
    !/^(\\w+\\.html(#[^"<>]*)?|#[^"<>]*)$/.test(part.getAttribute('href') || ' '))
  .map((part) => part.outerHTML.slice(0, 200))"""
CHANGED = "([selector, before]) => document.querySelector(selector)?.innerText !== before"


def click_bar(page: Any, figure: str, number: int, fell: bool = False) -> None:
    """Click a bar as a person does: plotly listens on its drag layer, and only to a bar that it has seen hovered."""
    plot = page.locator(f"{figure} .plot.leads").first
    bar = plot.locator(".bars").nth(int(fell)).locator(".point path").nth(number)
    bar.evaluate("(bar) => bar.scrollIntoView({block: 'center', behavior: 'instant'})")
    page.wait_for_timeout(100)
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    plot.locator(".hoverlayer .hovertext").first.wait_for()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


class Explored:
    """A document that shows `widgets.explore`."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def go(self, name: str) -> None:
        """Open a page by the menu and wait until it stands, its figures drawn."""
        self.page.locator(".apigen-report nav").get_by_role("link", name=name, exact=True).first.click()
        self.stands(name)

    def stands(self, name: str) -> None:
        """Wait until a page is there."""
        self.page.wait_for_function(STANDS, arg=TITLES[name])

    @property
    def item(self) -> str:
        """The text of the item that is shown whole."""
        return str(self.page.locator(".shown-item:not([aria-busy])").inner_text())

    @property
    def chosen(self) -> str:
        """The id of the item that is shown whole."""
        return str(self.page.locator(".shown-id").inner_text())

    @property
    def chips(self) -> str:
        """The filters that a bar has asked for."""
        return str(self.page.locator(".chips").inner_text())

    def until_changed(self, selector: str, action: Any) -> str:
        """Do something and wait until the text of an element is another one; gives the new text."""
        before = self.page.locator(selector).first.inner_text()
        action()
        self.page.wait_for_function(CHANGED, arg=[selector, before])
        return str(self.page.locator(selector).first.inner_text())

    def press(self, key: str, shown: str = ".position") -> str:
        """Press a key and wait until something else is shown."""
        return self.until_changed(shown, lambda: self.page.keyboard.press(key))

    def behind(self, action: Any) -> None:
        """Follow something to the blueprints behind it."""
        action()
        self.stands("Blueprints")


def walk_through(seen: Explored) -> None:
    """From a bar to a blueprint, from a reflection to its words, from a filter to a conversation and its diff."""
    page = seen.page
    seen.go("Pass rates")
    assert "passed every gate" in page.locator(".lead").inner_text()
    seen.behind(lambda: click_bar(page, ".apigen-report", 2, fell=True))
    assert page.locator("[data-facet='fell at']").input_value() == "policy"
    assert "✗ policy" in seen.item
    fallen = page.locator(".list").inner_text()
    seen.until_changed(".shown-id", page.locator(".list a").nth(2).click)
    assert page.locator(".list").inner_text() == fallen
    seen.go("Pass rates")
    seen.behind(lambda: click_bar(page, ".apigen-report", -1, fell=True))
    assert page.locator("[data-facet='metric not met']").input_value() == "creativity"
    assert "✗ 0" in str(page.locator(".shown-item details[open]").text_content()), "the attempt in question stands open"
    seen.go("Pass rates")
    seen.until_changed(".view", lambda: page.select_option("[data-choice=gate]", "execution"))
    page.select_option("[data-choice=by]", "tool")
    page.locator(".view .gtitle", has_text="tool").wait_for()

    seen.go("Reflection")
    page.locator(".plot .sankey").scroll_into_view_if_needed()
    seen.behind(lambda: page.mouse.click(*page.evaluate(RIBBON)))
    assert "came out: " in seen.chips
    seen.go("Reflection")
    assert page.locator(".shown-item ins").count()
    seen.until_changed(".shown-id", page.locator(".next").click)

    seen.go("Trajectories")
    seen.until_changed(".position", lambda: page.select_option("[data-facet=outcome]", "failed"))
    assert "first divergence" in seen.item
    assert page.locator(".shown-item:not([aria-busy]) del").count()
    first = seen.chosen
    seen.until_changed(".position", page.locator(".next").click)
    assert seen.chosen != first
    seen.press("k")
    assert seen.chosen == first, "the button has the focus, and j and k go on from there"
    page.fill(".find", "you will get 64.90 BACK")
    page.wait_for_function("document.querySelector('.position').innerText === '1 of 20'")
    page.fill(".find", "nobody says this")
    page.wait_for_function("document.querySelector('.position').innerText === '0 of 0'")
    page.fill(".find", "")
    page.wait_for_function("document.querySelector('.position').innerText === '1 of 20'")
    page.select_option(".with", index=1)
    compared(seen)

    seen.go("Domain")
    page.locator(".widget-dropdown select").first.select_option(label="change_email (writes)")
    for name, value in (
        ("customer_id", next(iter(Domain.load("retail").tables["customers"]))),
        ("email", "a@new.example"),
    ):
        field = page.get_by_label(name, exact=True)
        field.fill(value)
        field.press("Tab")
    page.get_by_role("button", name="Call", exact=True).click()
    page.locator("td", has_text="a@new.example").wait_for()
    page.get_by_role("button", name="Fresh world").click()
    page.get_by_text("no row changes").wait_for()
    page.get_by_role("link", name="Data", exact=True).click()
    page.locator(".shown-item .panel").wait_for()
    assert not page.get_by_role("button", name="Call", exact=True).count()
    page.get_by_role("link", name="Tools", exact=True).click()
    page.get_by_role("button", name="Call", exact=True).wait_for()


def compared(seen: Explored) -> None:
    """Both attempts can be seen turn by turn, each under its id, and the answer before them."""
    page = seen.page
    page.locator(".shown-item:not([aria-busy]) .diff").wait_for()
    one, other = page.locator(".diff .heads a").all_inner_texts()
    assert one == seen.chosen != other
    whole = page.locator(".apigen-report").first.bounding_box()
    left, right = (page.locator(f".diff .is-arguments .of-{side}").first.bounding_box() for side in "AB")
    assert whole["x"] <= left["x"] < left["x"] + left["width"] <= right["x"]
    assert right["x"] + right["width"] <= whole["x"] + whole["width"]
    assert min(left["width"], right["width"]) > 300
    assert left["y"] == right["y"]
    assert "item_ids" in page.locator(".diff .answer").inner_text()
    page.locator(".swap").click()
    page.wait_for_function("(id) => document.querySelector('.diff .heads a').innerText === id", arg=other)
    assert seen.chosen == other


def by_keyboard(seen: Explored) -> None:
    """The same without a mouse."""
    page = seen.page
    seen.go("Pass rates")
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = false })")  # as at first
    page.locator(".numbers summary").first.focus()
    page.keyboard.press("Enter")
    for _ in range(150):
        page.keyboard.press("Tab")
        if "fell+at=execution" in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    page.keyboard.press("Enter")
    seen.stands("Blueprints")
    assert page.locator("[data-facet='fell at']").input_value() == "execution"
    assert page.evaluate("document.activeElement.className.includes('content')"), "the focus goes with it"
    first = seen.chosen
    seen.press("j")
    second = seen.chosen
    assert second != first
    seen.press("k")
    assert seen.chosen == first
    page.locator(".list a").nth(1).focus()
    seen.press("Enter")
    assert seen.chosen == second
    page.locator(".find").focus()
    page.keyboard.type("jjkk")
    page.wait_for_function("document.querySelector('.position').innerText === '0 of 0'")
    assert re.match("jjkk", page.locator(".find").input_value())
