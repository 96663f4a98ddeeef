"""Pass rates: the funnel through the gates, any gate by what was asked for, and what stands behind a bar."""

from __future__ import annotations

import functools
from typing import Any, get_args

import ipywidgets as W
import pandas as pd

from .. import pages, pieces, tables
from .. import pass_rates as passing
from .browser import ANY, Browser, choice, explorer, line, show
from .figure import Figure
from .record_index import Shelf

EVERYTHING = ("", -1)
NAMES = {"id": "blueprint", "fell at": "first fell at"}
COLUMNS = ["id", "outcome", "fell at", "attempts", "kind", "behaviour", "level"]


def selected(
    judged: pd.DataFrame, facet: str, value: str, gate: str | None = None, passed: bool | None = None
) -> list[str]:
    """Of `passing.judged` the proposals that have an attempt with this value of a facet, judged by `gate` (None: all of
    them), which passed or fell (None: either)."""
    chosen = judged if gate is None else judged[judged["gate"] == gate]
    if facet == "gate":
        chosen = chosen[chosen["gate"] == value]
    elif facet in ("tool", "persona"):
        chosen = chosen[[value in names for names in chosen[facet]]]
    elif facet == "failure" and gate is None:
        at, _, failure = value.partition(": ")
        chosen = chosen[(chosen["gate"] == at) & (chosen["failure"] == failure)]
    else:
        chosen = chosen[chosen[facet] == value]
    if facet == "failure":
        chosen = chosen if passed is None else chosen[chosen["repaired"] == passed]
    elif passed is True and gate is None and facet != "gate":
        whole = chosen.groupby(["proposal", "attempt"], observed=True, sort=False)["passed"].all()
        return list(dict.fromkeys(whole[whole].index.get_level_values("proposal")))
    elif passed is not None:
        chosen = chosen[chosen["passed"] == passed]
    return list(dict.fromkeys(chosen["proposal"]))


class PassRates:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf, item: str = "") -> None:
        self.shelf = shelf
        self.by = choice("by", [("gate", "gate"), *((f, f) for f in get_args(passing.Facet))])
        self.gates = passing.gates(shelf.judged)
        self.gate = choice("at", [("all gates", ANY), *((gate, gate) for gate in self.gates)])
        self.bar = choice("behind the bar", [("everything", EVERYTHING)], width="420px")
        self.figure = Figure()
        self.list = Browser(
            "blueprints", lambda id: pieces.proposal(shelf.proposals.whole(id)), shelf.proposals.search, NAMES
        )
        self.figure.on_choice(self._chosen)
        self.by.observe(lambda _: self._draw(), "value")
        self.gate.observe(lambda _: self._draw(), "value")
        self.bar.observe(lambda _: self._list(), "value")
        self._draw(item)
        figures = tables.key_figures(shelf.proposals.records, ())
        figures.pop("tokens", None)  # they are told per conversation, and none is looked at here
        self.box = explorer(
            "Pass rates", pages.pass_answer(shelf.proposals.records, shelf.judged),
            show(pieces.key_figures(figures)), line(self.by, self.gate),
            self.figure, line(self.bar), self.list.box, scripted=shelf.scripted,
        )  # fmt: skip

    def choose(self, gate: str) -> None:
        """Show what fell at a gate."""
        self.by.value = "gate"
        self._chosen(gate, 1)

    @functools.cached_property
    def met(self) -> pd.DataFrame:
        """A row for each committee verdict × metric: whether the majority found it met."""
        rows = [
            (p.id, metric, bool(score))
            for p in self.shelf.proposals.records
            for attempt in p.attempts
            for v in attempt.verdicts
            for metric, score in v.scores.items()
        ]
        return pd.DataFrame(rows, columns=["proposal", "metric", "passed"])

    def _draw(self, item: str = "") -> None:
        facet, judged = self.by.value, self.shelf.judged
        self.gate.disabled = facet == "gate"
        gate = None if facet == "gate" or self.gate.value == ANY else self.gate.value
        if facet == "gate":
            frame = passing.steps(self.shelf.proposals.records, judged)
            figure = passing.steps_figure(frame)
            bars = frame.assign(value=[step.removeprefix("– ") for step in frame["step"]])
        else:
            frame = passing.by(judged, facet, gate)
            figure = passing.figure(frame, gate)
            bars = frame.rename(columns={facet: "value"})
        for trace in figure.data:  # what is heard of a bar is what the menu calls it
            trace.customdata = bars["value"].tolist()[: len(trace.x or ())]
        self.figure.show(figure)
        held, fell = ("accepted later", "never repaired") if facet == "failure" else ("passed", "fell")
        self.counts: dict[Any, int] = {}
        options: list[tuple[str, Any]] = [("every blueprint", EVERYTHING)]
        for value, passed, fallen in bars[["value", "passed", "fell"]].itertuples(index=False):
            metric = facet == "gate" and value not in self.gates
            words = ("met", "not met") if metric else (held, fell)
            for word, curve, count in ((words[1], 1, fallen), (words[0], 0, passed)):
                if count:
                    self.counts[value, curve] = int(count)
                    options.append((f"{value}: {word} ({count:,})", (value, curve)))
        self.bar.options = options
        self._list(item)

    def _chosen(self, name: Any, curve: int) -> None:
        if (name, curve) in [value for _, value in self.bar.options]:
            self.bar.value = (name, curve)

    def _list(self, item: str = "") -> None:
        frame = self.shelf.blueprints[COLUMNS]
        value, curve = self.bar.value or EVERYTHING
        if curve < 0:
            self.list.put(frame, "Every blueprint", item)
            return
        if self.by.value == "gate" and value not in self.gates:
            ids = set(self.met["proposal"][(self.met["metric"] == value) & (self.met["passed"] == (curve == 0))])
        else:
            gate = None if self.by.value == "gate" or self.gate.value == ANY else self.gate.value
            ids = set(selected(self.shelf.judged, self.by.value, value, gate, passed=curve == 0))
        told, attempts = self.bar.label.rpartition(" (")[0], self.counts[value, curve]
        counted = f"{attempts:,} attempts of {len(ids):,} blueprints" if attempts != len(ids) else ""
        self.list.put(frame[frame["id"].isin(ids)], f"Blueprints behind “{told}”", item, counted)


def pass_rates(run: Any, item: str = "") -> W.VBox:
    """The explorer of pass rates of a run (a `Run` or its folder), opened on the blueprint with the id `item`."""
    return PassRates(run if isinstance(run, Shelf) else Shelf(run), item).box
