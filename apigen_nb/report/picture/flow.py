"""A sankey whose nodes were placed: a bar for each node, ribbons between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .labels import colour
from .plot import NoPicture, Plot


class Bar(NamedTuple):
    """A node: its middle from the left (0–1), its upper end and its height from the top (0–1)."""

    x: float
    top: float
    height: float


class Band(NamedTuple):
    """A ribbon, by the numbers of its nodes."""

    source: int
    target: int
    value: float
    color: str


def sankey(plot: Plot, trace: Mapping[str, Any]) -> None:
    """Draw it. NoPicture where plotly would have to place or name the nodes."""
    node, link = trace["node"], trace["link"]
    if any(node.get("label") or ()) or not node.get("x") or not node.get("y"):
        raise NoPicture("a sankey that names or places its nodes itself")
    bands = list(map(Band, link["source"], link["target"], link["value"], link["color"]))
    bars = _bars(node, bands, node.get("pad", 20) / plot.size[1])
    plot.ax.set(xlim=(0, 1), ylim=(1, 0))
    half = node.get("thickness", 20) / plot.size[0] / 2
    for band, start, end in _ends(bands, bars):
        scale = bars[band.source].height / max(1e-9, _value(bands, band.source))
        shape = _ribbon(bars[band.source].x + half, start, bars[band.target].x - half, end, band.value * scale)
        plot.ax.add_patch(PathPatch(shape, facecolor=colour(band.color), linewidth=0))
    for bar, own in zip(bars, node["color"], strict=True):
        corner = (bar.x - half, bar.top)
        box = Rectangle(corner, 2 * half, bar.height, facecolor=colour(own), linewidth=0, clip_on=False)
        plot.ax.add_patch(box)
    plot.ax.set_axis_off()


def _value(bands: Sequence[Band], node: int) -> float:
    return max(sum(b.value for b in bands if b.source == node), sum(b.value for b in bands if b.target == node))


def _bars(node: Mapping[str, Any], bands: Sequence[Band], pad: float) -> list[Bar]:
    sizes = [_value(bands, number) for number in range(len(node["x"]))]
    columns: dict[float, list[float]] = {}
    for x, size in zip(node["x"], sizes, strict=True):
        columns.setdefault(round(x, 6), []).append(size)
    scale = min((1 - pad * (len(column) - 1)) / max(1e-9, sum(column)) for column in columns.values())
    return [Bar(x, y - size * scale / 2, size * scale) for x, y, size in zip(node["x"], node["y"], sizes, strict=True)]


def _ends(bands: Sequence[Band], bars: Sequence[Bar]) -> list[tuple[Band, float, float]]:
    """Each ribbon with its upper ends: at a node they lie one below the other, as the nodes at their other ends do."""
    ends: dict[tuple[Band, bool], float] = {}
    for leaving in (True, False):
        for number, bar in enumerate(bars):
            here = [b for b in bands if (b.source if leaving else b.target) == number]
            here.sort(key=lambda b: bars[b.target if leaving else b.source].top)
            steps = [b.value * bar.height / max(1e-9, _value(bands, number)) for b in here]
            top = bar.top
            for band, step in zip(here, steps, strict=True):
                ends[band, leaving] = top
                top += step
    return [(band, ends[band, True], ends[band, False]) for band in bands]


def _ribbon(x0: float, y0: float, x1: float, y1: float, height: float) -> Path:
    middle = (x0 + x1) / 2
    points = [
        (x0, y0), (middle, y0), (middle, y1), (x1, y1),
        (x1, y1 + height), (middle, y1 + height), (middle, y0 + height), (x0, y0 + height), (x0, y0),
    ]  # fmt: skip
    curve = Path.CURVE4
    return Path(points, [Path.MOVETO, curve, curve, curve, Path.LINETO, curve, curve, curve, Path.CLOSEPOLY])
