"""Figures on a page: each with its numbers in a table below, which is also the way in for keyboards and readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from . import pieces
from .notebooks import figure_html
from .packing import packed
from .tables import interval, share


def panel(figure: go.Figure, numbers: pieces.Piece | str = "") -> Markup:
    """A figure in a box, its numbers folded below."""
    drawn = Markup(figure_html(figure.to_plotly_json()))
    return Markup('<section class="panel">{}{}</section>').format(drawn, Markup(numbers))


def numbers(
    frame: pd.DataFrame, words: tuple[str, str] = ("passed", "fell"), page: str = "blueprints",
    links: Sequence[Mapping[str, str]] = (), most: int = 60, names: Sequence[str] = (),
) -> pieces.Piece:  # fmt: skip
    """The counts behind a figure of held and fell, a row a bar, each with its 95 % interval. `links` are the filters
    that lead from a row to the items of `page` behind it."""
    held, fell = words
    top = frame.head(most)
    firsts = list(names)[: len(top)] or top.iloc[:, 0].astype(str).tolist()
    every = [*links, *({} for _ in range(len(top)))]
    rows = [
        (name, f"{page}.html#?{urlencode(link)}" if link else "", row["attempted"], row["passed"], row["fell"],
         share(row["passed"], row["attempted"]), interval(row["passed"], row["attempted"]))
        for name, link, row in zip(firsts, every, top.to_dict("records"), strict=False)
    ]  # fmt: skip
    return pieces.draw(
        "numbers.html.j2", first=str(frame.columns[0]), held=held, fell=fell, rows=rows, total=len(frame),
        leads="blueprints" if page == "blueprints" else "conversations",
    )  # fmt: skip


def views(choices: Mapping[str, Sequence[str]], panels: Mapping[tuple[str, ...], str]) -> pieces.Piece:
    """One panel at a time, chosen by menus: name of a menu → its values; values of all menus → panel."""
    data = {"\n".join(key): panel for key, panel in panels.items()}
    return pieces.draw("views.html.j2", choices=choices, data=packed(data, "views"))


def columns(panels: Sequence[str]) -> Markup:
    """Panels beside each other where there is room."""
    return Markup('<div class="columns">{}</div>').format(Markup("").join(Markup(p) for p in panels))
