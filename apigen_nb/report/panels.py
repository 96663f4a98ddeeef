"""Figures on a page: each with its numbers in a table below, which is also the way in for keyboards and readers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from . import pieces
from .embedded_data import packed
from .figure_style import Leads
from .notebook_html import figure_html
from .tables import interval, share


def panel(figure: go.Figure, numbers: pieces.Piece | str = "") -> Markup:
    """A figure in a box, its numbers folded below."""
    drawn = Markup(figure_html(figure.to_plotly_json()))
    return Markup('<section class="panel">{}{}</section>').format(drawn, Markup(numbers))


def numbers(
    frame: pd.DataFrame, words: tuple[str, str] = ("passed", "fell"), page: str = "blueprints",
    leads: Leads | None = None, most: int = 60, names: Sequence[str] = (), first: str = "",
) -> pieces.Piece:  # fmt: skip
    """The counts behind a figure of held and fell, a row a bar, each with its 95 % interval. `leads` are the filters of
    the items of `page` behind both counts of a row."""
    held, fell = words
    top = frame.head(most)
    firsts = list(names)[: len(top)] or top.iloc[:, 0].astype(str).tolist()
    links = leads or ([{}] * len(top), [{}] * len(top))
    addresses = [[f"{page}.html#?{urlencode(link)}" if link else "" for link in side] for side in links]
    rows = [
        (name, row["attempted"], [(row["passed"], to_held), (row["fell"], to_fell)],
         share(row["passed"], row["attempted"]), interval(row["passed"], row["attempted"]))
        for name, to_held, to_fell, row in zip(firsts, *addresses, top.to_dict("records"), strict=False)
    ]  # fmt: skip
    what = {"blueprints": "blueprints", "reflection": "attempts"}.get(page, "conversations") if leads else ""
    return pieces.draw(
        "numbers.html.j2", first=first or str(frame.columns[0]), held=held, fell=fell, rows=rows, total=len(frame),
        leads=what,
    )  # fmt: skip


def views(choices: Mapping[str, Sequence[str]], panels: Mapping[tuple[str, ...], str]) -> pieces.Piece:
    """One panel at a time, chosen by menus: name of a menu → its values; values of all menus → panel."""
    data = {"\n".join(key): panel for key, panel in panels.items()}
    return pieces.draw("views.html.j2", choices=choices, data=packed(data, "views"))


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
