"""What a figure is drawn on, and where its values lie there."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure

Side = Literal["x", "y"]
BOTH: tuple[Side, Side] = ("x", "y")


class NoPicture(Exception):
    """A figure holds what is not drawn as a static picture."""


class Plot:
    """What is drawn on: matplotlib's axes, the figure's layout, and where its values lie. `size` is that of the plot in
    pixels. Texts on an axis are places 0, 1, … in the order in which they come; a pair of lists is groups of texts."""

    def __init__(self, paper: Figure, figure: Mapping[str, Any], size: tuple[float, float]) -> None:
        self.paper, self.ax = paper, paper.add_axes((0, 0, 1, 1))
        self.layout, self.size = figure.get("layout", {}), size
        self.tops: dict[Any, float] = {}  # of stacked bars, by place
        self.names: dict[str, list[Any]] = {"x": [], "y": []}
        for trace in figure.get("data", ()):
            if {trace.get("xaxis", "x"), trace.get("yaxis", "y")} != {"x", "y"}:
                raise NoPicture("several plots in one figure")
            for axis in BOTH:
                found = values(trace.get(axis))
                if self.axis(axis).get("type") == "category" or any(isinstance(v, str | tuple) for v in found):
                    self.names[axis] += [v for v in dict.fromkeys(found) if v not in self.names[axis]]
        for names in self.names.values():
            if groups := list(dict.fromkeys(name[0] for name in names if isinstance(name, tuple))):
                names.sort(key=lambda name, order=groups: order.index(name[0]))  # type: ignore[misc]

    def axis(self, name: str) -> Mapping[str, Any]:
        return self.layout.get(f"{name}axis") or {}

    def points(self, trace: Mapping[str, Any]) -> dict[Side, list[float]]:
        """Where the values of a trace lie on both axes; what it does not say counts from 0."""
        found = {axis: self.places(axis, trace.get(axis)) for axis in BOTH}
        count = [float(number) for number in range(max(map(len, found.values())))]
        return {axis: places or count for axis, places in found.items()}

    def places(self, axis: str, given: Any) -> list[float]:
        """Where values lie on an axis."""
        names = self.names[axis]
        number = {name: float(place) for place, name in enumerate(names)}
        return [number[v] if names and v in number else float("nan") if v is None else float(v) for v in values(given)]


def values(given: Any) -> list[Any]:
    """The values of a trace: a list, pairs of a list of groups and one of names, or plotly's packed numbers."""
    if isinstance(given, Mapping):
        return list(np.frombuffer(base64.b64decode(given["bdata"]), dtype=given["dtype"]).tolist())
    found = [] if given is None else list(given)
    if found and all(isinstance(part, list | tuple) for part in found):
        return list(zip(*found, strict=True))
    return [v.item() if isinstance(v, np.generic) else v for v in found]
