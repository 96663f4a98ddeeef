"""Trajectories beside their groundtruth: filtered, one after the other, two attempts at a blueprint side by side."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import pandas as pd

from ...storage.safe_text import clean
from .. import listings, pieces, tables
from .browser import ANY, Browser, choice, explorer, line, show, stack, words
from .record_index import Shelf

FILTERS = ("outcome", "cause", "kind", "divergence", "behaviour", "length", "ended")
COLUMNS = ["id", "outcome", "kind", "cause", "divergence", "messages", "calls", "ended"]
NAMES = {"id": "trajectory", "divergence": "first divergence"}
PANE = "1 1 460px"  # two of them stand beside each other, or in a narrow window below each other


def compare(shelf: Shelf, id: str) -> pieces.Piece:
    """A trajectory whole, beside what its blueprint asked for where that is known."""
    talk = shelf.talk.whole(id)
    held = shelf.asked.whole(talk.blueprint) if talk.blueprint in shelf.asked else None
    if held is None or not held.accepted:
        return pieces.compare(talk, None, (), shelf.writes)
    return pieces.compare(talk, held.blueprint, held.attempts[-1].diff, shelf.writes)


def answer(talks: pd.DataFrame) -> str:
    """Of a shelf's `talks`: how many hold, where most of the failed ones first went wrong, and who caused most."""
    failed = talks[talks["outcome"] == "failed"]
    total, held = len(talks), len(talks) - len(failed)
    told = f"{total:,} conversations, {held:,} verified"
    told += f" ({tables.share(held, total)} {tables.interval(held, total)})" if total else ""
    said = {"divergence": "{:,} first diverged by “{}”", "cause": "{:,} were caused by the {}"}
    counts = {column: failed[column][failed[column] != ""].value_counts() for column in said}
    most = [form.format(counts[c].iloc[0], clean(counts[c].index[0])) for c, form in said.items() if len(counts[c])]
    return f"{told}. Of the {len(failed):,} failed ones, {' and '.join(most)}." if most else f"{told}."


class Talks:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf, item: str = "") -> None:
        self.shelf = shelf
        self.frame = shelf.talks
        self.filters = {name: choice(name, self._options(name)) for name in FILTERS}
        self.list = Browser("trajectories", self._item, shelf.trajectories.search, NAMES)
        for box in self.filters.values():
            box.observe(lambda _: self._list(), "value")
        self._list(item)
        self.box = explorer(
            "Trajectories", answer(self.frame), line(*self.filters.values()), self.list.box, scripted=shelf.scripted
        )

    def choose(self, name: str, value: str) -> None:
        """Show only those with this value of one of the `FILTERS`."""
        for other, box in self.filters.items():
            box.value = value if other == name else ANY

    def _options(self, name: str) -> list[tuple[str, Any]]:
        counts = self.frame[name].value_counts()
        values = list(counts.index)
        if name == "length":
            shortest = [text for _, text in listings.LENGTHS]
            values.sort(key=lambda text: shortest.index(text) if text in shortest else len(shortest))
        named = [(f"{clean(value) or 'none'} ({counts[value]:,})", value) for value in values]
        return [("any", ANY), *named]

    def _list(self, item: str = "") -> None:
        frame = self.frame
        for name, box in self.filters.items():
            if box.value != ANY:
                frame = frame[frame[name] == box.value]
        self.list.put(frame[COLUMNS], "Trajectories", item)

    def _item(self, id: str) -> W.Widget:
        row = self.frame[self.frame["id"] == id].iloc[0]
        others = self.frame[(self.frame["blueprint"] == row["blueprint"]) & (self.frame["id"] != id)]
        named = [(f"{other} ({how})", other) for other, how in zip(others["id"], others["outcome"], strict=True)]
        beside = choice("side by side with", [("nothing", ANY), *named])
        beside.disabled = not named
        one = show(compare(self.shelf, id))
        pair = W.Box([one], layout=W.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="0 20px"))

        def turn(_: Any) -> None:
            two = [id, beside.value] if beside.value != ANY else []
            pair.children = [self._pane(each) for each in two] or [one]

        beside.observe(turn, "value")
        return stack(line(beside), pair)

    def _pane(self, id: str) -> W.VBox:
        pane = stack(show(words(id, "title")), show(compare(self.shelf, id)))
        pane.layout.flex, pane.layout.width = PANE, "auto"
        return pane


def trajectories(run: Any, item: str = "") -> W.VBox:
    """The explorer of trajectories of a run (a `Run` or its folder), opened on the one with the id `item`."""
    return Talks(run if isinstance(run, Shelf) else Shelf(run), item).box
