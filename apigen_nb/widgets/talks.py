"""Trajectories beside their groundtruth: filtered, one after the other, two attempts at a blueprint side by side."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any

import ipywidgets as W

from ..domain import Domain, DomainError
from ..report import pieces, tables
from ..report.text import clean
from .parts import ANY, Browser, choice, explorer, line, put, show, stack
from .shelf import Shelf

FILTERS = {
    "outcome": "outcome",
    "cause": "caused by",
    "kind": "kind",
    "divergence": "divergence",
    "behaviour": "behaviour",
    "ended": "ended",
}
COLUMNS = ["id", "outcome", "kind", "cause", "divergence", "turns", "calls", "ended"]
NAMES = {"id": "trajectory", "cause": "caused by", "divergence": "first divergence", "turns": "user turns"}


class Talks:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf, item: str = "") -> None:
        self.shelf = shelf
        self.frame = shelf.talks.assign(ended=[tables.ENDED.get(e, e) for e in shelf.talks["ended"]])
        self.filters = {name: choice(label, self._options(name)) for name, label in FILTERS.items()}
        most = int(self.frame["turns"].max()) if len(self.frame) else 0
        self.turns = W.IntRangeSlider(
            description="user turns", min=0, max=most, value=(0, most), continuous_update=False,
            style={"description_width": "initial"}, layout=W.Layout(width="300px", max_width="100%"),
        )  # fmt: skip
        self.list = Browser("trajectories", self._item, shelf.trajectories.search, NAMES)
        for box in (*self.filters.values(), self.turns):
            box.observe(lambda _: self._list(), "value")
        self._list(item)
        self.box = explorer(
            "Trajectories", line(*self.filters.values(), self.turns), self.list.box, scripted=shelf.scripted
        )

    @functools.cached_property
    def writes(self) -> Collection[str]:
        """The domain's writing tools; none where the domain is not there any more."""
        try:
            return tables.writing(Domain.load(self.shelf.domain))
        except DomainError:
            return ()

    def _options(self, name: str) -> list[tuple[str, Any]]:
        counts = self.frame[name].value_counts()
        named = [(f"{clean(value) or 'none'} ({count:,})", value) for value, count in counts.items()]
        return [("any", ANY), *named]

    def _list(self, item: str = "") -> None:
        frame = self.frame
        for name, box in self.filters.items():
            if box.value != ANY:
                frame = frame[frame[name] == box.value]
        low, high = self.turns.value
        frame = frame[(frame["turns"] >= low) & (frame["turns"] <= high)]
        self.list.put(frame[COLUMNS], "Trajectories", item)

    def _compare(self, id: str) -> pieces.Piece:
        talk = self.shelf.trajectories.whole(id)
        held = self.shelf.asked.whole(talk.blueprint) if talk.blueprint in self.shelf.asked else None
        if held is None or not held.accepted:
            return pieces.compare(talk, None, (), self.writes)
        return pieces.compare(talk, held.blueprint, held.attempts[-1].diff, self.writes)

    def _item(self, id: str) -> W.Widget:
        row = self.frame[self.frame["id"] == id].iloc[0]
        others = self.frame[(self.frame["blueprint"] == row["blueprint"]) & (self.frame["id"] != id)]
        named = [(f"{other} ({how})", other) for other, how in zip(others["id"], others["outcome"], strict=True)]
        beside = choice("side by side with", [("nothing", ANY), *named])
        beside.disabled = not named
        left, right = show(self._compare(id)), show()
        pair = W.Box([left], layout=W.Layout(display="flex", flex_flow="row", width="100%", grid_gap="0 16px"))

        def turn(_: Any) -> None:
            if beside.value == ANY:
                pair.children = [left]
            else:
                put(right, self._compare(beside.value))
                pair.children = [left, right]

        beside.observe(turn, "value")
        return stack(line(beside), pair)


def trajectories(run: Any, item: str = "") -> W.VBox:
    """The explorer of trajectories of a run (a `Run` or its folder), opened on the one with the id `item`."""
    return Talks(run if isinstance(run, Shelf) else Shelf(run), item).box
