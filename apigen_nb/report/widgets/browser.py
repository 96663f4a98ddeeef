"""What explorers are made of: a piece of HTML, a line of controls, and a list beside which one item stands whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W
import pandas as pd
from markupsafe import Markup

from ...storage.safe_text import clean
from .. import pieces
from .table import ASSETS, Rows

ANY = ("any",)  # what a dropdown holds where nothing is chosen: None would show as an empty field


def show(piece: str = "", beside: bool = False) -> W.HTML:
    """A widget that shows a piece of the report. Its links lead to pages that are not beside a notebook: text stays.
    `beside` others in a line it takes what room is left."""
    box = W.HTML(layout=W.Layout(flex="1 1 260px" if beside else "0 0 auto", min_width="0", margin="0"))
    box.layout.width = "auto" if beside else "100%"
    put(box, piece)
    return box


def put(box: W.HTML, piece: str) -> None:
    """Show another piece. Anything that is not a piece is escaped: a widget sets what it gets as HTML."""
    safe = piece if hasattr(piece, "__html__") else Markup.escape(clean(piece))
    box.value = pieces.unlinked(str(safe))


def words(text: str, kind: str = "quiet") -> pieces.Piece:
    """One line of text as a piece."""
    return pieces.Piece(Markup('<div class="apigen"><p class="{}">{}</p></div>').format(kind, clean(text)))


def line(*widgets: W.Widget) -> W.HBox:
    """Controls beside each other, in several lines where the window is narrow."""
    return W.HBox(widgets, layout=W.Layout(flex_flow="row wrap", align_items="center", width="100%", grid_gap="0 12px"))


def stack(*widgets: W.Widget) -> W.VBox:
    return W.VBox(widgets, layout=W.Layout(width="100%", min_width="0"))


def choice(label: str, options: Any, value: Any = None, width: str = "auto") -> W.Dropdown:
    """A dropdown with its label before it; by default its first option is chosen."""
    box = W.Dropdown(description=label, options=options, style={"description_width": "initial"})
    box.layout = W.Layout(width=width, max_width="100%")
    if value is not None:
        box.value = value
    return box


def switch(label: str, options: Any) -> W.ToggleButtons:
    """A few options that can all be seen."""
    box = W.ToggleButtons(description=label, options=options, style={"button_width": "auto"})
    box.style.description_width = "initial"
    return box


def explorer(title: str, answer: str, *widgets: W.Widget, scripted: bool = False) -> W.VBox:
    """An explorer: its style, its title with the label of the scripted model, its answer in a sentence, its parts."""
    style = "".join((place / name).read_text(encoding="utf-8") for place, name in (
        (pieces.ASSETS, "pieces.css"), (ASSETS, "widgets.css")))  # fmt: skip
    head = Markup('<style>{}</style><div class="apigen"><h2 class="title">{} {}</h2><p class="answer">{}</p></div>')
    badge = Markup('<span class="tag scripted">scripted model</span>') if scripted else ""
    first = W.HTML(head.format(Markup(style), title, badge, clean(answer)))  # the style is ours, not a model's
    box = stack(first, *widgets)
    box.add_class("apigen-explorer")
    return box


class Browser:
    """A list with a search field, and the item that is chosen in it drawn whole below. Next and previous are buttons
    and the keys j and k, in the list also the arrows.

    `draw(id)` gives the piece or the widget of an item; `search(text)` the ids whose whole records hold a text."""

    def __init__(
        self,
        label: str,
        draw: Callable[[str], str | W.Widget],
        search: Callable[[str], set[str]],
        names: Mapping[str, str] | None = None,
        page_size: int = 8,
    ) -> None:
        self.rows, self._draw, self._search, self._names = Rows(label, page_size), draw, search, names
        self.frame = pd.DataFrame({"id": []})
        self.title = show(beside=True)
        self.find = W.Text(placeholder="any text, then Enter", description="find", continuous_update=False)
        self.find.style.description_width = "initial"
        self.find.layout = W.Layout(width="240px", max_width="100%")
        self.place = show(beside=True)
        self.title.add_class("apigen-listed")
        self.place.add_class("apigen-place")
        self.item = W.Box(layout=W.Layout(width="100%", min_width="0", display="block"))
        self.item.add_class("apigen-item")
        back, on = (_button(text, tip) for text, tip in (("◀ k", "previous item (k)"), ("j ▶", "next item (j)")))
        back.on_click(lambda _: self.rows.step(-1))
        on.on_click(lambda _: self.rows.step(1))
        self.list = stack(line(self.title, self.find), self.rows)
        self.whole = stack(line(W.Label("item"), back, on, self.place), self.item)
        self.box = stack(self.list, self.whole)
        self.find.observe(lambda _: self._filter(), "value")
        self.rows.on_choice(self._show)
        self.rows.observe(lambda _: self._where(), "state")

    def put(self, frame: pd.DataFrame, title: str, item: str = "", counted: str = "") -> None:
        """Show another list, and of it the item that was shown if it is still there, else the first. `counted` says how
        much it is where that is more than the number of its rows."""
        self.frame, self._title, self._counted = frame, title, counted
        self._filter(item)

    def _filter(self, item: str = "") -> None:
        frame, text = self.frame, self.find.value.strip()
        if text:
            named = frame[frame["id"] == text]
            frame = named if len(named) else frame[frame["id"].isin(self._search(text))]
        found = f"{len(frame):,} of {len(self.frame):,} with “{text}”" if text else self._counted or f"{len(frame):,}"
        told = f"{self._title} · {found}"
        self.rows.put(frame, self._names)
        wanted = item or self.rows.chosen
        ids = self.rows.ids
        self.rows.choose(wanted if wanted in ids else ids[0] if ids else "")
        if not ids:
            self.item.children = [show(words("nothing to show"))]
        self._where()
        put(self.title, words(told, "text"))  # last: whoever sees it, sees the list that it is the title of

    def _where(self) -> None:
        ids, id = self.rows.ids, self.rows.chosen
        at = f"{ids.index(id) + 1:,} of {len(ids):,}" if id in ids else ""
        html = Markup('<div class="apigen"><b>{}</b> <span class="quiet">{}</span></div>').format(id, at)
        put(self.place, pieces.Piece(html))

    def _show(self, id: str) -> None:
        drawn = self._draw(id)
        self.item.children = [drawn if isinstance(drawn, W.Widget) else show(drawn)]
        self._where()


def _button(text: str, tip: str) -> W.Button:
    return W.Button(description=text, tooltip=tip, layout=W.Layout(width="56px"))
