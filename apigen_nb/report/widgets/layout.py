"""Controls beside and below each other, and pieces of the report between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import ipywidgets as W
from markupsafe import Markup

from ...storage.safe_text import clean
from .. import pieces
from .report_pages import ReportPages, StandIn


def show(piece: str = "") -> W.HTML:
    """A widget that shows a piece of the report. Its links lead to pages that are not beside a notebook: text stays."""
    box = W.HTML(layout=W.Layout(width="100%", min_width="0", margin="0"))
    put(box, piece)
    return box


def put(box: W.HTML, piece: str) -> None:
    """Show another piece. Anything that is not a piece is escaped: a widget sets what it gets as HTML."""
    safe = piece if hasattr(piece, "__html__") else Markup.escape(clean(piece))
    box.value = pieces.unlinked(str(safe))


def line(*widgets: W.Widget) -> W.HBox:
    """Controls beside each other, in several lines where the window is narrow."""
    return W.HBox(widgets, layout=W.Layout(flex_flow="row wrap", align_items="center", width="100%", grid_gap="0 12px"))


def stack(*widgets: W.Widget) -> W.VBox:
    return W.VBox(widgets, layout=W.Layout(width="100%", min_width="0"))


class Stack(StandIn, W.VBox):  # type: ignore[misc]
    """Pages and what stands below them."""

    pages: ReportPages


def choice(label: str, options: Any, width: str = "auto") -> W.Dropdown:
    """A dropdown with its label before it; its first option is chosen."""
    layout = W.Layout(width=width, max_width="100%")
    return W.Dropdown(description=label, options=options, style={"description_width": "initial"}, layout=layout)


def below(pages: ReportPages, widgets: Mapping[str, Callable[[], W.Widget]]) -> W.VBox:
    """Pages with widgets below those that are named, each made when its page is first looked at. The address of pages
    in such a widget stands in that of the page above them."""
    place, made = stack(), dict[str, W.Widget]()

    def turn(_: Any = None) -> None:
        page, _, fragment = pages.address.partition("#")
        if page in widgets and page not in made:
            made[page] = widgets[page]()
            if isinstance(made[page], Stack):
                _within(pages, page, made[page].pages)
        place.children = [made[page]] if page in made else []
        inner = made.get(page)
        if isinstance(inner, Stack) and fragment and unquote(fragment) != inner.pages.address:
            inner.pages.address = unquote(fragment)

    pages.observe(turn, "address")
    turn()
    both = Stack((pages, place), layout=W.Layout(width="100%", min_width="0"))
    both.stand_in, both.pages = pages.stand_in, pages
    return both


def _within(pages: ReportPages, page: str, inner: ReportPages) -> None:
    """Write the address of inner pages into that of the page that they stand on."""

    def write(_: Any) -> None:
        if pages.address.partition("#")[0] == page:
            pages.address = f"{page}#{quote(inner.address, safe='')}"

    inner.observe(write, "address")
