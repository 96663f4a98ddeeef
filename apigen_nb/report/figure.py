"""What all figures have in common: colours, an empty canvas, and the bars of what held beside what fell.

Plain blue held, striped orange fell, grey is everything else; counts stand beside each percentage."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io

from .tables import interval, share
from .text import clean, shorten

HELD, FELL, QUIET = "#3a87ad", "#e08a52", "#a9b1bc"
INK = "#737f8c"  # readable on JupyterLab's light and dark; report.js swaps it for the page's own ink
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
# "Share chart" would upload the data; it is a button of plotly.js 4 by default. Not "responsive": JupyterLab resizes
# figures itself, and with both a figure collapses to nothing when the window changes its size.
CONFIG: dict[str, Any] = {"showSendToCloud": False, "displaylogo": False}
for _name in ("plotly_mimetype", "jupyterlab", "vscode"):
    plotly.io.renderers[_name].config = CONFIG

STRIPES = {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": "white", "fillmode": "overlay"}


def label(text: Any, length: int = 44) -> str:
    """A text of unknown origin as a label: one line, cut, and neither plotly's pseudo-HTML nor LaTeX."""
    return html.escape(shorten(clean(str(text)[: 4 * length]).replace("\n", " "), length)).replace("$", "&#36;")


def canvas(title: str, height: int, **layout: Any) -> go.Figure:
    axis = {
        "gridcolor": "rgba(128,138,150,.22)",
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "title": {"font": {"size": 12}},
    }
    return go.Figure(
        layout={
            "template": "none",
            "title": {
                "text": title,
                "x": 0,
                "xref": "container",
                "y": 1,
                "yanchor": "top",
                "pad": {"l": 4, "t": 14},
                "font": {"size": 14},
            },
            "height": height,
            "margin": {"l": 8, "r": 16, "t": 44, "b": 36},
            "font": {"family": FONT, "size": 12, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "barmode": "stack",
            "bargap": 0.3,
            "showlegend": False,
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"align": "left"},
        }
    ).update_layout(**layout)


def legend(held: str, fell: str) -> str:
    return f"<span style='color:{HELD}'>■</span> {held}   <span style='color:{FELL}'>▨</span> {fell}"


def subtitle(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 12}}


def held_and_fell(
    frame: pd.DataFrame,
    names: list[str],
    title: str,
    unit: str,
    words: tuple[str, str] = ("passed", "fell"),
    facet: str = "",
    page: str = "trajectories",
    share_of: int = 0,
    also: Mapping[str, str] | None = None,
    values: list[str] | None = None,
) -> go.Figure:
    """Horizontal bars: `passed` and `fell` of each row of `frame`, the counts and the percentage at their end. `facet`
    is the filter of the explorer `page` that a click on a bar opens, with the bar's value of `values` (by default its
    name) and with the filters of `also`. With `share_of` all bars fell, and the percentage is their share of it."""
    if frame.empty:
        return empty(title, unit)
    shown = [label(name) for name in names]
    places = list(range(len(names)))  # not the labels: two long ones may be cut to the same text
    pairs = list(zip(frame["passed"].tolist(), frame["attempted"].tolist(), strict=True))
    held, fell = words
    if share_of:
        beside = [f"{attempted:,} · {share(attempted, share_of)}" for _, attempted in pairs]
        hovers = [f"{text} of {share_of:,} {unit}" for text in beside]
    else:
        beside = [f"{passed:,} of {attempted:,} · {share(passed, attempted)}" for passed, attempted in pairs]
        hovers = [f"{text} {held}, 95 % interval {interval(*p)}" for text, p in zip(beside, pairs, strict=True)]
    figure = canvas(
        title,
        112 + 34 * len(names),
        meta={"facet": facet, "page": page} | ({"also": dict(also)} if also else {}),
        bargap=0.34,
    )
    for word, column, marker in (
        (held, "passed", {"color": HELD}),
        (fell, "fell", {"color": FELL, "pattern": STRIPES}),
    ):
        hover = [
            f"<b>{name}</b><br>{count:,} {word}<br>{text}"
            for name, count, text in zip(shown, frame[column], hovers, strict=True)
        ]
        figure.add_bar(
            x=frame[column].tolist(), y=places, orientation="h", name=word, marker=marker, customdata=values or names
        )
        figure.update_traces(hovertext=hover, hoverinfo="text", selector={"name": word})
    for place, text in zip(places, beside, strict=True):
        figure.add_annotation(x=1, xref="paper", y=place, text=text, showarrow=False, xanchor="left", xshift=8)
    head = f"of all {share_of:,}" if share_of else f"{held} of all"
    figure.add_annotation(
        x=1, xref="paper", y=1, yref="paper", text=f"<i>{head}</i>", showarrow=False, xanchor="left", yanchor="bottom",
        xshift=8,
    )  # fmt: skip
    most = int(frame["attempted"].max())
    figure.update_xaxes(title_text=unit, nticks=6, range=[0, most * 1.01], dtick=1 if most <= 6 else None)
    figure.update_yaxes(
        tickvals=places, ticktext=shown, range=[len(names) - 0.5, -0.5], ticklabelstandoff=6, showgrid=False
    )
    room = 20 + 6.6 * max(map(len, [head, *beside]))  # pixels for the counts, at any width of the page
    words_of = f"<span style='color:{FELL}'>▨</span> {fell}" if share_of else legend(held, fell)
    return figure.update_layout(title_subtitle=subtitle(words_of), margin={"t": 70, "b": 44, "r": room})


def empty(title: str, unit: str) -> go.Figure:
    """A figure that says that there is nothing to show, and of what."""
    figure = canvas(title, 84).update_xaxes(visible=False).update_yaxes(visible=False)
    text = f"nothing to show: no {unit}"
    return figure.add_annotation(
        text=text, showarrow=False, xref="paper", yref="paper", x=0, y=0.5, xanchor="left", xshift=-2
    )
