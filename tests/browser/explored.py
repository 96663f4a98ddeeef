"""The explorers in a page, as the app shows them and as a notebook does: what both tests do with them."""

from __future__ import annotations

from typing import Any

from apigen_nb.world.domain import Domain

NAMES = ["Overview", "Domain", "Pass rates", "Reflection", "Trajectories", "Committee", "Dataset"]
FIGURES = ("Pass rates", "Reflection", "Committee", "Dataset")
TITLED = """(name) => [...document.querySelectorAll('.apigen-explorer .title')].some(
  (title) => title.offsetParent && title.textContent.includes(name === 'Overview' ? 'Run ' : name))"""
DRAWN = """() => [...document.querySelectorAll('.apigen-figure')].filter((box) => box.offsetParent).some(
  (box) => box.dataset.drawn && box.querySelectorAll('.main-svg').length && box.offsetWidth > 300)"""
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
CHANGED = "([selector, before]) => document.querySelector(selector)?.innerText !== before"


class Explored:
    """A page that shows `widgets.explore`; only one explorer is in it at a time."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def go(self, name: str) -> None:
        """Open an explorer and wait until it stands, its figure drawn."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_function(TITLED, arg=name)
        if name in FIGURES:
            self.page.wait_for_function(DRAWN)

    @property
    def item(self) -> str:
        """The text of the item that is shown whole."""
        return str(self.page.locator(".apigen-item").inner_text())

    @property
    def chosen(self) -> str:
        """The id of the chosen row."""
        return str(self.page.locator(".apigen-rows tr[aria-selected=true]").get_attribute("data-id"))

    @property
    def listed(self) -> str:
        """What the list says that it is a list of."""
        return str(self.page.locator(".apigen-listed").inner_text())

    def until_changed(self, selector: str, action: Any) -> str:
        """Do something and wait until the text of an element is another one; gives the new text."""
        before = self.page.locator(selector).first.inner_text()
        action()
        self.page.wait_for_function(CHANGED, arg=[selector, before])
        return str(self.page.locator(selector).first.inner_text())

    def press(self, key: str, shown: str = ".apigen-item") -> str:
        """Press a key and wait until something else is shown."""
        return self.until_changed(shown, lambda: self.page.keyboard.press(key))

    def pick(self, label: str, option: str) -> None:
        """Choose the first option of a dropdown that holds a text."""
        box = self.page.locator(".widget-dropdown", has=self.page.get_by_text(label, exact=True)).locator("select")
        found = box.locator("option", has_text=option).first
        found.wait_for(state="attached")
        box.select_option(label=found.inner_text())

    def bar(self, row: int, side: str) -> Any:
        """A bar of the figure: `side` is "held" or "fell"."""
        trace = {"held": 0, "fell": 1}[side]
        return self.page.locator(".apigen-figure .barlayer .trace").nth(trace).locator(".point path").nth(row)


def walk_through(seen: Explored) -> None:
    """From a bar to a blueprint, from a reflection to its words, from a filter to a conversation and its diff."""
    page = seen.page
    seen.go("Pass rates")
    assert "passed every gate" in page.locator(".apigen-explorer .answer").inner_text()
    title = seen.until_changed(".apigen-listed", lambda: seen.bar(2, "fell").click(force=True))
    assert title.startswith("Blueprints behind “policy: fell”")
    page.wait_for_timeout(400)  # two clicks in less are a double click for plotly, and choose nothing
    title = seen.until_changed(".apigen-listed", lambda: seen.bar(-1, "fell").click(force=True))
    assert title.startswith("Blueprints behind “creativity: not met”")
    assert "✗ 0" in str(page.locator(".apigen-item").text_content()), "folded, where a later attempt stands open"
    page.wait_for_timeout(400)
    seen.until_changed(".apigen-listed", lambda: seen.bar(2, "fell").click(force=True))
    before = seen.chosen
    page.locator(".apigen-rows tbody tr").nth(2).click()
    page.wait_for_function(
        "(id) => !document.querySelector(`.apigen-rows tr[data-id='${id}'][aria-selected=true]`)", arg=before
    )
    page.wait_for_function("(id) => document.querySelector('.apigen-place').innerText.includes(id)", arg=seen.chosen)
    assert "✗ policy" in seen.item

    seen.go("Reflection")
    title = seen.until_changed(".apigen-listed", lambda: page.mouse.click(*page.evaluate(RIBBON)))
    assert "→" in title
    seen.until_changed(".apigen-listed", lambda: seen.pick("show", "everything"))
    assert page.locator(".apigen-item ins").count()
    seen.until_changed(".apigen-item", lambda: seen.pick("compare", "all attempts"))
    assert "FIRST TRY" in seen.item.upper()

    seen.go("Trajectories")
    seen.until_changed(".apigen-listed", lambda: seen.pick("outcome", "failed"))
    assert "first divergence" in seen.item
    assert page.locator(".apigen-item del").count()
    first = seen.chosen
    seen.until_changed(".apigen-place", lambda: page.get_by_title("next item").click())
    assert seen.chosen != first
    seen.until_changed(".apigen-place", lambda: page.keyboard.press("k"))
    assert seen.chosen == first, "the button has the focus, and j and k go on from there"
    seen.until_changed(".apigen-item", lambda: seen.pick("side by side with", ".t"))
    side_by_side(seen)

    seen.go("Domain")
    seen.pick("tool", "change_email")
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


def side_by_side(seen: Explored) -> None:
    """Both attempts can be seen beside each other, each under its id."""
    chats = seen.page.locator(".apigen-item .chat")
    heads = seen.page.locator(".apigen-item .title")
    assert chats.count() == heads.count() == 2
    assert heads.nth(0).inner_text() == seen.chosen != heads.nth(1).inner_text()
    whole = seen.page.locator(".apigen-explorer").bounding_box()
    (left, right), (one, other) = ([part.nth(n).bounding_box() for n in (0, 1)] for part in (chats, heads))
    assert whole["x"] <= left["x"] < left["x"] + left["width"] <= right["x"]
    assert right["x"] + right["width"] <= whole["x"] + whole["width"]
    assert min(left["width"], right["width"]) > 300
    assert one["y"] == other["y"] < min(left["y"], right["y"])
    assert abs(one["x"] - left["x"]) < 60


def by_keyboard(seen: Explored) -> None:
    """The same without a mouse."""
    page = seen.page
    seen.go("Pass rates")
    page.locator(".apigen-figure > div[role=application]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.apigen-spoken').textContent.includes('format')")
    title = seen.press("Enter", ".apigen-listed")
    assert "format" in title
    page.locator(".apigen-rows tr[aria-selected=true]").focus()
    first = seen.chosen
    seen.press("j", ".apigen-place")
    second = seen.chosen
    assert second != first
    seen.press("k", ".apigen-place")
    assert seen.chosen == first
    seen.press("PageDown", ".apigen-place")
    assert seen.chosen not in (first, second)
    assert page.evaluate("document.activeElement.dataset.id") == seen.chosen, "the focus goes with it"
