"""A plotly figure in a widget: `show` puts a figure into it, `on_choice` hears which mark was chosen.

Not plotly's FigureWidget: each of those sends its own 4.9 MB of plotly.js to the browser, which compiles it again. Here
all figures of a kernel share one model that holds it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as W
import plotly.graph_objects as go
import traitlets as T
from plotly.offline import get_plotlyjs
from plotly.utils import PlotlyJSONEncoder

ASSETS = Path(__file__).parent / "assets"


class Library(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is untyped for mypy here
    """The one model of a kernel that holds plotly.js."""

    _esm = "export default {};"
    source = T.Unicode().tag(sync=True)


@functools.cache
def library() -> Library:
    return Library(source=get_plotlyjs())


class Figure(anywidget.AnyWidget):  # type: ignore[misc]
    """A figure whose marks with `customdata` can be chosen. `chosen` is `{curve, point, name, count}`."""

    _esm = ASSETS / "figure.js"
    spec = T.Dict().tag(sync=True)
    chosen = T.Dict().tag(sync=True)
    library = T.Instance(W.Widget).tag(sync=True, **W.widget_serialization)

    def __init__(self, figure: go.Figure | None = None) -> None:
        super().__init__(library=library(), spec=_spec(figure or go.Figure()))
        self.layout = W.Layout(width="100%", min_width="0")

    def show(self, figure: go.Figure) -> None:
        """Put another figure in the place of this one."""
        self.spec = _spec(figure)

    def on_choice(self, heard: Callable[[Any, int], None]) -> None:
        """Call `heard(name, curve)` whenever a mark is chosen: its `customdata`, and the number of its trace."""

        def tell(change: dict[str, Any]) -> None:
            if mark := change["new"]:
                heard(mark["name"], mark["curve"])

        self.observe(tell, "chosen")


def _spec(figure: go.Figure) -> dict[str, Any]:
    spec = dict(json.loads(json.dumps(figure.to_plotly_json(), cls=PlotlyJSONEncoder)))
    spec["layout"].pop("meta", None)  # where marks lead on a page of the report
    return spec
