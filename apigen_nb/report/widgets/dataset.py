"""The dataset: how long its conversations are, which tools follow which, what is there twice, and every row."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import pandas as pd

from .. import diversity as spread
from .browser import ANY, Browser, choice, explorer, line, switch
from .figure import Figure
from .record_index import Shelf
from .trajectories import compare

KEPT, TWICE, EVERY = "rows of the dataset", "said twice", "every conversation"
LENGTH = "messages"
COLUMNS = ["id", "outcome", "kind", "messages", "calls", "words", "opens with"]
TRANSITIONS, KINDS, BEHAVIOURS = "tool after tool", "kinds", "behaviours"


class Dataset:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.frame, self.steps = shelf.spread
        views = [*spread.measures(self.frame), TRANSITIONS, KINDS, BEHAVIOURS]
        self.view = choice("show", [("length" if view == LENGTH else view, view) for view in views], LENGTH)
        self.which = switch("", [KEPT, TWICE, EVERY])
        self.bar = choice("behind the bar", [("any", ANY)])
        self.figure = Figure()
        self.list = Browser("conversations", lambda id: compare(shelf, id), shelf.talk.search, {"id": "trajectory"})
        self.view.observe(lambda _: self._draw(), "value")
        self.which.observe(lambda _: self._list(), "value")
        self.bar.observe(lambda _: self._list(), "value")
        self.figure.on_choice(self._chosen)
        self._draw()
        self.box = explorer(
            "Dataset", spread.answer(self.frame, shelf.outside.rows), line(self.view), self.figure,
            line(self.which, self.bar), self.list.box, scripted=shelf.scripted,
        )  # fmt: skip

    def _draw(self) -> None:
        measure, options = self.view.value, [("any", ANY)]
        if measure in spread.MEASURES:
            figure = spread.figure(self.frame, measure)
            for trace in figure.data:
                wide = round(trace.width / 0.9) if trace.width else 1
                trace.customdata = [[start, start + wide - 1] for start in trace.x]
            ranges = sorted({tuple(r) for trace in figure.data for r in trace.customdata})
            named = ((f"{a:,}" if a == b else f"{a:,}–{b:,}", (a, b)) for a, b in ranges)
            options += [(f"{text} {measure}", found) for text, found in named]  # type: ignore[misc]
        elif measure == TRANSITIONS:
            figure = spread.transitions_figure(self.steps)
        else:
            figure = spread.mixed(self.frame, "kind" if measure == KINDS else "behaviour")
        self.figure.show(figure)
        self.bar.options = options
        self.bar.disabled = len(options) == 1
        self._list()

    def _chosen(self, name: Any, _: int) -> None:
        if self.view.value in spread.MEASURES and tuple(name) in [value for _, value in self.bar.options]:
            self.bar.value = tuple(name)

    def _list(self) -> None:
        frame = self.frame
        if self.which.value == KEPT:
            frame = frame[frame["success"] & (frame["same as"] == "")]
        elif self.which.value == TWICE:
            frame = frame[frame["same as"] != ""]
        if self.bar.value != ANY:
            low, high = self.bar.value
            frame = frame[frame[self.view.value].between(low, high)]
        shown = frame.rename(columns={"trajectory": "id"})
        shown = shown.assign(outcome=shown["success"].map({True: "verified", False: "failed"}))
        columns = [*COLUMNS, *(["same as"] if self.which.value == TWICE else [])]
        self.list.put(pd.DataFrame(shown[columns]), self.which.value.capitalize())


def dataset(run: Any) -> W.VBox:
    """The explorer of what a run's dataset holds (a `Run` or its folder)."""
    return Dataset(run if isinstance(run, Shelf) else Shelf(run)).box
