"""The two axes of a figure: where values lie on them, and how they are marked and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from .labels import colour, font, plain
from .plot import BOTH, NoPicture, Plot, Side


def draw_axes(plot: Plot) -> None:
    """Ranges, marks, names, lines of both axes, and lines across the plot."""
    ax = plot.ax
    ax.set_facecolor("none")
    plot.paper.set_facecolor("white")  # as paper is, also where a page would show through
    ax.set_axisbelow(True)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for name in BOTH:
        _range(plot, name)
        _marks(plot, name)
    for shape in plot.layout.get("shapes", ()):
        _line(plot, shape)


def _range(plot: Plot, name: Side) -> None:
    axis, names = plot.axis(name), plot.names[name]
    low, high = getattr(plot.ax, f"get_{name}lim")()
    if names:
        low, high = -0.5, len(names) - 0.5
    if axis.get("rangemode") == "tozero":
        low = min(0.0, low)
    if axis.get("range"):
        low, high = axis["range"]
    if axis.get("autorange") == "reversed":
        low, high = high, low
    getattr(plot.ax, f"set_{name}lim")(low, high)


def _marks(plot: Plot, name: Side) -> None:
    axis, own = plot.axis(name), getattr(plot.ax, f"{name}axis")
    if axis.get("visible") is False:
        own.set_visible(False)
        return
    look = font(plot.layout.get("font"), axis.get("tickfont"))
    if axis.get("tickvals") is not None:
        _named(own, axis["tickvals"], [plain(text) for text in axis.get("ticktext") or axis["tickvals"]])
    elif plot.names[name]:
        _named(own, range(len(plot.names[name])), _short(plot, name))
        _groups(plot, name, look)
    else:
        step = axis.get("dtick")
        most = axis.get("nticks") or max(2, round(plot.size[name == "y"] / (90 if name == "x" else 45)))
        own.set_major_locator(MultipleLocator(step) if step else MaxNLocator(most, steps=[1, 2, 5, 10]))
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}".replace("-", "−")))
    _look(plot, name, look)


def _named(own: Any, places: Sequence[float], names: Sequence[str]) -> None:
    own.set_ticks(list(places))
    own.set_ticklabels(list(names))


def _short(plot: Plot, name: Side) -> list[str]:
    return [plain(v[-1] if isinstance(v, tuple) else v) for v in plot.names[name]]


def _groups(plot: Plot, name: Side, look: Mapping[str, Any]) -> None:
    """Below the names, the groups that they belong to."""
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(plot.names[name]):
        if isinstance(value, tuple):
            groups.setdefault(str(value[0]), []).append(place)
    for group, places in groups.items():
        plot.ax.annotate(
            plain(group), (sum(places) / len(places), 0), xycoords=("data", "axes fraction"), xytext=(0, -26),
            textcoords="offset points", ha="center", va="top", annotation_clip=False, **look,
        )  # fmt: skip


def _look(plot: Plot, name: Side, look: Mapping[str, Any]) -> None:
    ax, axis = plot.ax, plot.axis(name)
    own, side = getattr(ax, f"{name}axis"), axis.get("side")
    if side in ("top", "right"):
        getattr(own, f"tick_{side}")()
    ax.tick_params(axis=name, length=0, pad=axis.get("ticklabelstandoff", 0) + 4)
    for text in own.get_ticklabels():
        text.set(**look)
        if angle := axis.get("tickangle"):  # of what stands above: plotly lets it rise to the right
            text.set(rotation=-angle, ha="left", va="bottom", rotation_mode="anchor")
    if axis.get("showgrid", True):
        *line, strong = colour(axis.get("gridcolor"))
        ax.grid(True, axis=name, color=line, alpha=strong, linewidth=1)
    title = axis.get("title") or {}
    if title.get("text"):
        own.set_label_text(plain(title["text"]), **font(plot.layout.get("font"), title.get("font")))


def _line(plot: Plot, shape: Mapping[str, Any]) -> None:
    """A line across the plot."""
    if shape.get("type") != "line":
        raise NoPicture(f"a shape {shape.get('type')!r}")
    line = shape.get("line") or {}
    look = {"color": colour(line.get("color")), "linewidth": line.get("width", 2)}
    if str(shape.get("xref", "x")).endswith("domain") and shape["y0"] == shape["y1"]:
        plot.ax.axhline(shape["y0"], **look)
    elif str(shape.get("yref", "y")).endswith("domain") and shape["x0"] == shape["x1"]:
        plot.ax.axvline(shape["x0"], **look)
    else:
        plot.ax.plot([shape["x0"], shape["x1"]], [shape["y0"], shape["y1"]], **look)
