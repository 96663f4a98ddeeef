"""What all figures have in common: colours, an empty canvas, and the bars of what held beside what fell.

Plain blue held, striped orange fell, dotted amber is undecided, grey is everything else; counts stand beside each
percentage."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io
from plotly.io.base_renderers import PlotlyRenderer

from ..storage.safe_text import clean, truncate
from .shares import OPEN, interval, share

HELD, FELL, UNDECIDED, QUIET = "#3a87ad", "#e08a52", "#a8841c", "#a9b1bc"
# Of what is written and of what lies under it; report.js swaps both for the page's own.
INK, PLATE = "#45505c", "#ffffff"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
# "Share chart" would upload the data; it is a button of plotly.js 4 by default. Not "responsive": JupyterLab resizes
# figures itself, and with both a figure collapses to nothing when the window changes its size.
CONFIG: dict[str, Any] = {"showSendToCloud": False, "displaylogo": False}


class OnPaper(PlotlyRenderer):  # type: ignore[misc]  # plotly's renderers are untyped for mypy here
    """How a notebook shows a figure: no ink can be read both on a light and on a dark one, so it brings its paper.
    Beside the live figure stand a picture of it and its words, for whoever shows notebooks without plotly's script."""

    def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, Any]:
        from .picture.drawing import (
            NoPicture,
            in_svg,
            in_words,
            static_picture,
        )  # loads matplotlib, which only notebooks need

        layout = {**fig_dict.get("layout", {}), "paper_bgcolor": PLATE}
        bundle = dict(super().to_mimebundle({**fig_dict, "layout": layout}))
        bundle["text/plain"] = in_words(fig_dict)
        try:
            bundle["image/svg+xml"] = in_svg(static_picture(fig_dict), bundle["text/plain"])
        except NoPicture as error:
            bundle["text/plain"] += f"\n(no static picture of this figure: it has {error})"
        return bundle


for _name in ("plotly_mimetype", "jupyterlab", "vscode"):
    plotly.io.renderers[_name] = OnPaper(CONFIG)
plotly.io.renderers.default = plotly.io.renderers.default  # it holds those that were there when plotly was imported

# Of what held, of what fell and, where some can be, of what is undecided and not asked: the filters, row by row.
Leads = tuple[Sequence[Mapping[str, str]], ...]
STRIPES = {"shape": "/", "size": 6, "solidity": 0.25, "fgcolor": "white", "fillmode": "overlay"}
HELD_BAR: dict[str, Any] = {"color": HELD}
FELL_BAR: dict[str, Any] = {"color": FELL, "pattern": STRIPES}
UNDECIDED_BAR: dict[str, Any] = {"color": UNDECIDED, "pattern": {**STRIPES, "shape": ".", "solidity": 0.3}}


def label(text: Any, length: int = 44) -> str:
    """A text of unknown origin as a label: one line, cut, and neither plotly's pseudo-HTML nor LaTeX."""
    return html.escape(truncate(clean(str(text)[: 4 * length]).replace("\n", " "), length)).replace("$", "&#36;")


_AXIS = {
    "gridcolor": "rgba(128,138,150,.22)",
    "zeroline": False,
    "fixedrange": True,
    "automargin": True,
    "title": {"font": {"size": 12}},
}
_TITLE = {"x": 0, "xref": "container", "y": 1, "yanchor": "top", "pad": {"l": 4, "t": 14}, "font": {"size": 14}}
_WRITING = {"family": FONT, "size": 12, "color": INK}
_LAYOUT = {
    "template": "none",
    "margin": {"l": 8, "r": 16, "t": 44, "b": 36},
    "font": _WRITING,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "barmode": "stack",
    "bargap": 0.3,
    "showlegend": False,
    "xaxis": _AXIS,
    "yaxis": _AXIS,
    "hoverlabel": {"align": "left", "bgcolor": PLATE, "bordercolor": QUIET, "font": _WRITING},
}


def canvas(title: str, height: int, **layout: Any) -> go.Figure:
    """An empty figure, `height` pixels high; `layout` is what it has of its own."""
    return go.Figure(layout={**_LAYOUT, "title": {"text": title, **_TITLE}, "height": height}).update_layout(**layout)


def legend(held: str, fell: str, undecided: bool = False) -> str:
    words = f"<span style='color:{HELD}'>■</span> {held}   <span style='color:{FELL}'>▨</span> {fell}"
    return f"{words}   <span style='color:{UNDECIDED}'>▦</span> undecided" if undecided else words


def open_of(frame: pd.DataFrame, kind: str) -> list[int]:
    """How many of each row are undecided, or not asked; none where no row has any."""
    counts = frame[kind].tolist() if kind in frame else []
    return counts if any(counts) else []


def subtitle(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 12}}


def held_and_fell(
    frame: pd.DataFrame,
    names: list[str],
    title: str,
    unit: str,
    words: tuple[str, str] = ("passed", "fell"),
    leads: Leads | None = None,
    page: str = "trajectories",
    share_of: int = 0,
    note: str = "",
    missing: str = "",
) -> go.Figure:
    """Horizontal bars: `passed`, `fell` and, where there are any, `undecided` of each row of `frame`; at their end the
    counts, the percentage and its interval. `leads` are the filters of the explorer `page` that a click on a row's bars
    asks for. With `share_of` all bars fell, and the percentage is their share of it. Columns `passed of` and `fell of`
    say of how many blueprints the attempts are, `why` what a row means. `note` is what must be known not to misread the
    figure, `missing` why there may be no row."""
    if frame.empty:
        return empty(title, unit, missing)
    held, fell = words
    beside, shares = _shares(frame, held, unit, share_of)
    room = 16 if note else 0
    figure = canvas(title, 112 + room + 34 * len(names), bargap=0.34)
    unread, hints = open_of(frame, "undecided"), _hints(frame)
    kinds = [(held, "passed", HELD_BAR), (fell, "fell", FELL_BAR), ("undecided", "undecided", UNDECIDED_BAR)]
    kinds = kinds if unread else kinds[:2]
    if leads:
        figure.layout.meta = {"page": page, "leads": [list(map(dict, links)) for links in leads[: len(kinds)]]}
    for word, column, marker in kinds:
        hover = [
            f"<b>{label(name, 160)}</b><br>{count}<br>{text}{hint}"
            for name, count, text, hint in zip(names, _counts(frame, column, word), shares, hints, strict=True)
        ]
        bars = {"x": frame[column].tolist(), "y": list(range(len(names))), "orientation": "h", "name": word}
        figure.add_bar(**bars, marker=marker, hovertext=hover, hoverinfo="text")
    figure.update_xaxes(title_text=unit, **counted(int(frame["attempted"].max())))
    words_of = f"<span style='color:{FELL}'>▨</span> {fell}" if share_of else legend(held, fell, bool(unread))
    words_of += f"<br>{note}" if note else ""
    figure.update_layout(title_subtitle=subtitle(words_of), margin={"t": 70 + room, "b": 44})
    return in_rows(figure, names, beside, f"of {share_of:,}" if share_of else f"{held} of all")


def _shares(frame: pd.DataFrame, held: str, unit: str, share_of: int) -> tuple[list[str], list[str]]:
    """The percentage of each row with its interval: beside its bars, and on hover."""
    pairs = list(zip(frame["passed"].tolist(), frame["attempted"].tolist(), strict=True))
    if share_of:
        beside = [f"{n:,} · {share(n, share_of)} {interval(n, share_of, 0)}" for _, n in pairs]
        return beside, [
            f"{n:,} of {share_of:,} {unit} · {share(n, share_of)} {interval(n, share_of)}" for _, n in pairs
        ]
    beside = [f"{k:,} of {n:,} · {share(k, n)} {interval(k, n, 0)}" for k, n in pairs]
    for kind in OPEN:
        for row, count in enumerate(open_of(frame, kind)):
            beside[row] += f" · {count:,} {kind}" if count else ""
    return beside, [f"{k:,} of {n:,} {held} · {share(k, n)}, 95 % interval {interval(k, n)}" for k, n in pairs]


def _counts(frame: pd.DataFrame, column: str, word: str) -> list[str]:
    """A column of counts in words, with the number of blueprints where that is another."""
    counts = frame[column].tolist()
    of = frame[f"{column} of"].tolist() if f"{column} of" in frame else counts
    return [
        f"{n:,} {word}" + (f": {n:,} attempts of {k:,} blueprints" if k != n else "")
        for n, k in zip(counts, of, strict=True)
    ]


def counted(most: int, above: float = 1.01) -> dict[str, Any]:
    """An axis of counts from 0 to the largest: ticks at whole numbers, none beyond it, whatever room lies `above`."""
    step = next(n for n in (base * 10**power for power in range(12) for base in (1, 2, 5)) if most <= 5 * n)
    return {"range": [0, max(most, 1) * above], "tickvals": list(range(0, max(most, 1) + 1, step)), "tickformat": ",d"}


def interval_bars(middle: pd.Series, low: pd.Series, high: pd.Series, **style: Any) -> dict[str, Any]:
    """What stands around points to show their intervals."""
    spread = {"array": (high - middle).tolist(), "arrayminus": (middle - low).tolist()}
    return {"type": "data", "symmetric": False, **spread, **style}


def _hints(frame: pd.DataFrame) -> list[str]:
    """What each row means, as lines of its hover text."""
    texts = frame["why"].tolist() if "why" in frame else [""] * len(frame)
    return ["".join(f"<br><i>{label(line, 100)}</i>" for line in textwrap.wrap(text, 72)[:4]) for text in texts]


def in_rows(figure: go.Figure, names: Sequence[str], beside: Sequence[str] = (), head: str = "") -> go.Figure:
    """Name the rows 0, 1, … of a figure from its top, with a text beside each. A narrow page writes both above the row:
    report.js finds them in the figure's meta."""
    shown = [label(name) for name in names]  # two long ones may be cut to the same text, so the places are numbers
    end = {"x": 1, "xref": "paper", "showarrow": False}
    texts = [{**end, "y": place, "text": text, "xanchor": "left", "xshift": 8} for place, text in enumerate(beside)]
    if beside and head:
        head += ", 95 % interval"
        above = {"y": 1, "yref": "paper", "xanchor": "right", "yanchor": "bottom", "xshift": room(beside) - 12}
        texts.append({**end, **above, "text": f"<i>{head}</i>"})
    if beside:
        figure.layout.margin.r = room(beside)
        # All at once: plotly checks all that are there with each that is added.
        figure.layout.annotations = [*figure.layout.annotations, *texts]
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=shown, range=[len(shown) - 0.5, -0.5], ticklabelstandoff=6,
        showgrid=False,
    )  # fmt: skip
    beside = list(beside) or [""] * len(shown)
    told = {"rows": [list(pair) for pair in zip(shown, beside, strict=True)], "head": head if any(beside) else ""}
    figure.layout.meta = {**(figure.layout.meta or {}), **told}
    return figure


def room(beside: Sequence[str]) -> float:
    """Pixels for the texts beside the rows, at any width of the page."""
    return 20 + 6.4 * max(map(len, beside))


def empty(title: str, unit: str, why: str = "") -> go.Figure:
    """A figure that says that there is nothing to show, of what, and why: it has no axes."""
    figure = canvas(title, 84).update_xaxes(visible=False).update_yaxes(visible=False)
    text = f"nothing to show: no {unit}{f' ({why})' if why else ''}"
    return figure.add_annotation(
        text=text, showarrow=False, xref="paper", yref="paper", x=0, y=0.5, xanchor="left", xshift=-2
    )
