"""The kinds of traces that our figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.container import BarContainer

from .flow import sankey
from .labels import colour, font, plain
from .plot import BOTH, NoPicture, Plot, values

HATCHES = {"/": "////", "\\": "\\\\\\\\", "x": "xx", "-": "--", "|": "||", "+": "++", ".": ".."}
SYMBOLS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "cross": "P", "x": "X",
    "star": "*",
}  # fmt: skip
DASHES: dict[str, Any] = {
    "solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (9, 3)), "longdashdot": (0, (9, 3, 2, 3)),
}  # fmt: skip
STEPS = {"linear": "default", "hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}


def draw_trace(plot: Plot, trace: Mapping[str, Any]) -> None:
    """Draw a trace where it is to be seen. NoPicture for a type, or for parts of it, that are not drawn here."""
    kind = trace.get("type", "scatter")
    if kind not in TRACES:
        raise NoPicture(f"a trace {kind!r}")
    if trace.get("visible", True) is True:
        TRACES[kind](plot, trace)


def _bar(plot: Plot, trace: Mapping[str, Any]) -> None:
    if plot.layout.get("barmode", "group") not in ("stack", "relative"):
        raise NoPicture(f"bars that are not stacked: {plot.layout.get('barmode', 'group')!r}")
    flat = trace.get("orientation") == "h"
    along, across = BOTH if flat else BOTH[::-1]
    points = plot.points(trace)
    lengths, places = [0.0 if length != length else length for length in points[along]], points[across]
    width = trace.get("width") or 1 - plot.layout.get("bargap", 0.2)
    start = trace.get("offset", -width / 2)
    bases = [plot.tops.get(place, 0.0) for place in places]
    plot.tops |= {place: base + length for place, base, length in zip(places, bases, lengths, strict=True)}
    begun = [place + start for place in places]
    ax = plot.ax
    if flat:
        bars = ax.barh(begun, lengths, height=width, left=bases, align="edge")
    else:
        bars = ax.bar(begun, lengths, width=width, bottom=bases, align="edge")
    _paint(bars, trace.get("marker") or {})


def _paint(bars: BarContainer, marker: Mapping[str, Any]) -> None:
    given = marker.get("color")
    each = given if isinstance(given, list | tuple) else [given] * len(bars)
    pattern = marker.get("pattern") or {}
    hatch = HATCHES.get(pattern.get("shape", ""))
    for bar, own in zip(bars, each, strict=True):
        bar.set(facecolor=colour(own, marker.get("opacity", 1)), linewidth=0)
        if hatch and bar.get_width() and bar.get_height():
            bar.set(hatch=hatch, edgecolor=colour(pattern.get("fgcolor")))
            bar.set_hatch_linewidth(1.4)


def _scatter(plot: Plot, trace: Mapping[str, Any]) -> None:
    x, y = plot.points(trace).values()
    mode, marker, line = trace.get("mode", "lines"), trace.get("marker") or {}, trace.get("line") or {}
    if not set(mode.split("+")) <= {"lines", "markers"}:
        raise NoPicture(f"points drawn as {mode!r}")
    faint = trace.get("opacity", 1.0)
    if "lines" in mode:
        plot.ax.plot(
            x, y, color=colour(line.get("color"), faint), linewidth=line.get("width", 2),
            linestyle=DASHES[line.get("dash", "solid")], drawstyle=STEPS[line.get("shape", "linear")],
        )  # fmt: skip
    main = colour(marker.get("color") or line.get("color"), faint * marker.get("opacity", 1.0))
    for axis in BOTH:
        _error(plot, trace.get(f"error_{axis}"), x, y, axis, main)
    if "markers" in mode and main[3]:
        symbol, opened, _ = str(marker.get("symbol", "circle")).partition("-open")
        size = marker.get("size", 6)
        edge = marker.get("line") or {}
        plot.ax.plot(
            x, y, linestyle="", marker=SYMBOLS[symbol], markersize=size * (0.8 if symbol == "diamond" else 1),
            markerfacecolor="white" if opened else main,
            markeredgecolor=main, markeredgewidth=edge.get("width", 0), zorder=3,
        )  # fmt: skip


def _error(plot: Plot, error: Mapping[str, Any] | None, x: Any, y: Any, axis: str, main: Any) -> None:
    """Draw the intervals around points."""
    if not error or error.get("visible") is False:
        return
    above = values(error["array"])
    below = values(error.get("arrayminus")) or above
    own = colour(error["color"]) if error.get("color") else main
    look: dict[str, Any] = {f"{axis}err": np.maximum(0, [below, above])}
    look |= {"ecolor": own, "elinewidth": error.get("thickness", 2), "capsize": error.get("width", 4)}
    plot.ax.errorbar(x, y, fmt="none", capthick=look["elinewidth"], zorder=3, **look)


def _heatmap(plot: Plot, trace: Mapping[str, Any]) -> None:
    table = np.array([[np.nan if v is None else float(v) for v in row] for row in trace["z"]])
    low, high = trace.get("zmin", np.nanmin(table)), trace.get("zmax", np.nanmax(table))
    shades = LinearSegmentedColormap.from_list("own", [(at, colour(text)) for at, text in trace["colorscale"]])
    edges = [np.arange(len(plot.names[axis]) + 1) - 0.5 for axis in BOTH]
    drawn = plot.ax.pcolormesh(
        *edges, np.ma.masked_invalid(table), cmap=shades, vmin=low, vmax=high, edgecolors="white",
        linewidth=trace.get("xgap", 0),
    )  # fmt: skip
    if trace.get("texttemplate"):
        look = font(plot.layout.get("font"), trace.get("textfont"))
        for (row, column), value in np.ndenumerate(table):
            if value == value:
                text = plain(trace["texttemplate"].replace("%{z}", f"{value:,g}"))
                plot.ax.text(column, row, text, ha="center", va="center", **look)
    if trace.get("showscale", True):
        _scale(plot, drawn, trace.get("colorbar") or {})


def _scale(plot: Plot, drawn: Any, bar: Mapping[str, Any]) -> None:
    """The colours and what they mean, to the right of the plot."""
    width, height = plot.size
    long = min(1.0, bar.get("len", 160) / height) if bar.get("lenmode") == "pixels" else bar.get("len", 1.0)
    place = plot.ax.inset_axes((1 + 12 / width, 1 - long, bar.get("thickness", 10) / width, long))
    scale = plot.paper.colorbar(drawn, cax=place)
    scale.outline.set_visible(False)
    if bar.get("tickvals"):
        scale.set_ticks(bar["tickvals"], labels=[plain(text) for text in bar.get("ticktext") or bar["tickvals"]])
    place.tick_params(length=0)
    for text in place.get_yticklabels():
        text.set(**font(plot.layout.get("font")))


TRACES: dict[str, Callable[[Plot, Mapping[str, Any]], None]] = {
    "bar": _bar,
    "scatter": _scatter,
    "heatmap": _heatmap,
    "sankey": sankey,
}
