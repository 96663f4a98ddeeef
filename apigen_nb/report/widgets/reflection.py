"""Reflection: where attempts go, what it yields, what feedback mends and at what cost; before and after in words."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import pandas as pd

from ...models.ledger import run_prices
from ...records import Proposal
from .. import pass_rates as passing
from .. import pieces, tables
from .. import reflection as told
from .browser import ANY, Browser, choice, explorer, line, put, show, stack, switch
from .figure import Figure
from .pass_rates import COLUMNS, NAMES
from .record_index import Shelf

FLOWS, YIELD, MENDED, COST = "where attempts go", "yield", "what feedback mends", "cost"
LINK = 0  # of a Sankey diagram; its nodes are 1


def hops(proposals: tuple[Proposal, ...]) -> pd.DataFrame:
    """A row for each step of each proposal, in the terms of `report.reflection.flows`: id, attempt, source, target."""
    rows = []
    for p in proposals:
        before = "seeds"
        for number, attempt in enumerate(p.attempts):
            where = told.fell_at(attempt) or told.ACCEPTED
            rows.append((p.id, number, before, where))
            before = where
        if p.attempts and before != told.ACCEPTED:
            rows.append((p.id, len(p.attempts), before, told.REJECTED))
    return pd.DataFrame(rows, columns=["id", "attempt", "source", "target"])


class Reflection:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf, item: str = "") -> None:
        self.shelf = shelf
        self.records = shelf.proposals.records
        self.hops = hops(self.records)
        self.flows = told.flows(self.records)
        self.view = switch("", [FLOWS, YIELD, MENDED, COST])
        self.figure, self.table = Figure(), show()
        self.bar = choice("show", [("everything that was reflected on", ANY)], width="460px")
        self.list = Browser("blueprints", self._item, shelf.proposals.search, NAMES)
        self.place = stack(self.figure)
        self.view.observe(lambda _: self._draw(), "value")
        self.bar.observe(lambda _: self._list(), "value")
        self.figure.on_choice(self._chosen)
        self._draw(item)
        self.box = explorer(
            "Reflection", told.answer(self.records), self.view, self.place, line(self.bar), self.list.box,
            scripted=shelf.scripted,
        )  # fmt: skip

    def _draw(self, item: str = "") -> None:
        options: list[tuple[str, Any]] = [("everything that was reflected on", ANY)]
        if self.view.value == FLOWS:
            self.figure.show(told.sankey(self.flows, passing.gates(self.shelf.judged)))
            for attempt, source, target, count in self.flows.itertuples(index=False, name=None):
                what = target if target in (told.ACCEPTED, told.REJECTED) else f"fell at {target}"
                when = "in the end" if target == told.REJECTED else passing.nth(attempt)
                came = source if source == "seeds" else f"fell at {source}"
                options.append((f"{when}: {came} → {what} ({count:,})", (attempt, source, target)))
        elif self.view.value == YIELD:
            frame = tables.rounds(self.records)
            self.figure.show(told.yield_figure(frame))
            counts = zip(frame["round"], frame["accepted"], strict=True)
            options += [(f"accepted after {n} reflections ({k:,})", ("round", n)) for n, k in counts if k]
        elif self.view.value == MENDED:
            frame = told.repairs(self.records)
            self.figure.show(told.repairs_figure(frame))
            named = frame[["gate", "failure", "attempted"]].itertuples(index=False, name=None)
            options += [(f"{gate}: {failure} ({n:,})", ("failure", gate, failure)) for gate, failure, n in named]
        else:
            put(self.table, pieces.table(told.costs(self.records, run_prices(self.shelf.manifest))))
        self.place.children = [self.table if self.view.value == COST else self.figure]
        self.bar.options = options
        self._list(item)

    def _chosen(self, name: Any, curve: int) -> None:
        values = [value for _, value in self.bar.options]
        if self.view.value == FLOWS and curve == LINK:
            row = tuple(self.flows.iloc[self.figure.chosen["point"]][["attempt", "source", "target"]])
            self.bar.value = row if row in values else ANY
        elif self.view.value == MENDED:
            gate, _, failure = str(name).partition(": ")
            wanted = ("failure", gate, failure or gate)
            self.bar.value = wanted if wanted in values else ANY

    def _list(self, item: str = "") -> None:
        frame, wanted = self.shelf.blueprints[COLUMNS], self.bar.value
        if wanted == ANY:
            frame = frame[frame["attempts"] > 1]
        elif wanted[0] == "round":
            frame = frame[(frame["attempts"] == wanted[1] + 1) & (frame["outcome"] != "rejected")]
        elif wanted[0] == "failure":
            judged = self.shelf.judged
            ids = judged["proposal"][(judged["gate"] == wanted[1]) & (judged["failure"] == wanted[2])]
            frame = frame[frame["id"].isin(set(ids)) & (frame["attempts"] > 1)]
        else:
            attempt, source, target = wanted
            at = (self.hops["attempt"] == attempt) & (self.hops["source"] == source) & (self.hops["target"] == target)
            frame = frame[frame["id"].isin(set(self.hops["id"][at]))]
        label = "Reflected on" if wanted == ANY else self.bar.label.rpartition(" (")[0]
        self.list.put(frame, label[:1].upper() + label[1:], item)

    def _item(self, id: str) -> W.Widget:
        proposal = self.shelf.proposals.whole(id)
        steps = len(proposal.attempts) - 1
        if not steps:
            return show(pieces.proposal(proposal))
        named = [(f"{passing.nth(n)} → {passing.nth(n + 1)}", n + 1) for n in range(steps)]
        which = choice("compare", [*named, ("all attempts, whole", 0)])
        place = show(pieces.step(proposal, 1))

        def turn(_: Any) -> None:
            put(place, pieces.step(proposal, which.value) if which.value else pieces.proposal(proposal))

        which.observe(turn, "value")
        return stack(line(which), place)


def reflection(run: Any, item: str = "") -> W.VBox:
    """The explorer of reflection in a run (a `Run` or its folder), opened on the blueprint with the id `item`."""
    return Reflection(run if isinstance(run, Shelf) else Shelf(run), item).box
