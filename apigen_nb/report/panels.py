"""Figures on a page: each with its numbers in a table below, which is also the way in for keyboards and readers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from . import pieces
from .embedded_data import packed
from .figure_style import Leads, open_of
from .item_explorer import ItemExplorer
from .kept import Kept
from .notebook_html import figure_html, inert
from .shares import OPEN, interval, share


def panel(figure: go.Figure, numbers: pieces.Piece | str = "") -> Markup:
    """A figure in a box, its numbers folded below."""
    drawn = Markup(figure_html(figure.to_plotly_json()))
    return Markup('<section class="panel">{}{}</section>').format(drawn, Markup(numbers))


def counts_table(
    frame: pd.DataFrame, words: tuple[str, str] = ("passed", "fell"), page: str = "blueprints",
    leads: Leads | None = None, most: int = 60, names: Sequence[str] = (), first: str = "",
) -> pieces.Piece:  # fmt: skip
    """The counts behind a figure of held, fell and undecided, a row a bar, each with its 95 % interval. `leads` are the
    filters of the items of `page` behind the counts of a row."""
    named = zip((*words, *OPEN), ("passed", "fell", *OPEN), leads or ([{}] * len(frame),) * 4, strict=False)
    shown = [(word, of, links) for word, of, links in named if of not in OPEN or open_of(frame, of)]
    top = frame.head(most)
    firsts = list(names)[: len(top)] or top.iloc[:, 0].astype(str).tolist()
    rows = [
        (name, row["attempted"],
         [(word, row[of], f"{page}.html#?{urlencode(to[n])}" if to[n] else "") for word, of, to in shown],
         share(row["passed"], row["attempted"]), interval(row["passed"], row["attempted"]))
        for n, (name, row) in enumerate(zip(firsts, top.to_dict("records"), strict=False))
    ]  # fmt: skip
    what = {"blueprints": "blueprints", "reflection": "attempts"}.get(page, "conversations") if leads else ""
    return pieces.draw(
        "numbers.html.j2", first=first or str(frame.columns[0]), words=[word for word, _, _ in shown], rows=rows,
        total=len(frame), leads=what,
    )  # fmt: skip


@dataclass(frozen=True)
class PanelChooser:
    """One panel at a time, chosen by menus: `menus` gives the name of each → its values. `panel` draws the one of a
    value of each. All of them are kept by this `name` when they were made at once."""

    menus: Callable[[], Mapping[str, Sequence[str]]]
    panel: Callable[..., str]
    name: str = ""
    kept: Kept | None = None

    @cached_property
    def choices(self) -> Mapping[str, Sequence[str]]:
        """Name of a menu → its values."""
        return self.menus()

    def fetch(self, key: str) -> str:
        """The panel of the menus' values, a line each."""
        known = self.kept.find(self.name) if self.kept else None
        return str(known[key]) if known else inert(self.panel(*key.split("\n")))

    def find(self, text: str, start: int) -> tuple[Collection[str], int]:
        """Nothing is searched for in panels."""
        return (), -1

    def live(self, number: int) -> pieces.Piece:
        """For a widget, which asks this component by its number on the page."""
        return pieces.draw("views.html.j2", choices=self.choices, data="", number=number)

    def static(self) -> pieces.Piece:
        """With all panels inside."""
        data = packed(self.kept.get(self.name, self._all) if self.kept else self._all(), "views")
        return pieces.draw("views.html.j2", choices=self.choices, data=data, number=0)

    def _all(self) -> dict[str, str]:
        keys = ["\n".join(key) for key in itertools.product(*self.choices.values())]
        return {key: inert(self.panel(*key.split("\n"))) for key in keys}


Component = ItemExplorer | PanelChooser
Part = str | Component | Callable[[], str]  # HTML, or what makes it when it is needed
Body = Sequence[Part]  # of a page


def static(body: Body) -> str:
    """A page's HTML with all that its components may show inside."""
    return "".join(part.static() if isinstance(part, Component) else _html(part) for part in body)


def live(body: Body) -> str:
    """A page's HTML whose components ask for what they show."""
    return "".join(
        part.live(number) if isinstance(part, Component) else _html(part) for number, part in enumerate(body)
    )


def _html(part: str | Callable[[], str]) -> str:
    return part if isinstance(part, str) else part()


def columns(panels: Sequence[str]) -> Markup:
    """Panels beside each other where there is room: each in the shorter of two stacks, so that no half is empty."""
    stacks: tuple[list[Markup], list[Markup]] = ([], [])
    heights = [0, 0]
    for one in panels:
        side = heights.index(min(heights))
        stacks[side].append(Markup(one))
        heights[side] += _height(one)
    drawn = (Markup("<div>{}</div>").format(Markup("").join(stack)) for stack in stacks if stack)
    return Markup('<div class="columns">{}</div>').format(Markup("").join(drawn))


def _height(panel: str) -> int:
    """About how many pixels a panel takes with its folds closed."""
    figure = re.search(r'style="height:(\d+)px"', panel)
    return 60 + (int(figure[1]) if figure else 32 * panel.count("<tr"))
