"""Pass rates: the funnel through the gates, any gate by what was asked for, and what stands behind a bar."""

from __future__ import annotations

from typing import Any, get_args

import ipywidgets as W
import pandas as pd

from ..report import passing, pieces, tables
from .figure import Figure
from .parts import ANY, Browser, choice, explorer, line, show
from .shelf import Shelf

EVERYTHING = ("", -1)
NAMES = {"id": "blueprint", "fell at": "first fell at", "level": "difficulty"}
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


def cards(blueprints: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Of a shelf's `blueprints` the key figures: accepted at once, by reflection, and in all."""
    seeds, counts = len(blueprints), blueprints["outcome"].value_counts()
    first, repaired = int(counts.get("accepted at once", 0)), int(counts.get("repaired", 0))
    accepted, fell = first + repaired, seeds - first
    return {
        "seeds": (f"{seeds:,}", "each a task to be made"),
        "accepted": (f"{accepted:,}", f"{tables.share(accepted, seeds)} {tables.interval(accepted, seeds)}"),
        "at the first try": (f"{first:,}", f"{tables.share(first, seeds)} {tables.interval(first, seeds)}"),
        "repaired by reflection": (f"{repaired:,}", f"{tables.share(repaired, fell)} of {fell:,} that fell first"),
    }


class PassRates:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf, item: str = "") -> None:
        self.shelf = shelf
        self.by = choice("by", [("gate", "gate"), *((_called(f), f) for f in get_args(passing.Facet))])
        gates = passing.gates(shelf.judged)
        self.gate = choice("at", [("all gates", ANY), *((gate, gate) for gate in gates)])
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
        self.box = explorer(
            "Pass rates", show(pieces.key_figures(cards(shelf.blueprints))), line(self.by, self.gate), self.figure,
            line(self.bar), self.list.box,
            scripted=shelf.scripted,
        )  # fmt: skip

    def _draw(self, item: str = "") -> None:
        facet, judged = self.by.value, self.shelf.judged
        self.gate.disabled = facet == "gate"
        gate = None if facet == "gate" or self.gate.value == ANY else self.gate.value
        if facet == "gate":
            frame = passing.steps(self.shelf.proposals.records, judged)
            self.figure.show(passing.steps_figure(frame))
            bars = frame[frame["step"] == frame["gate"]].rename(columns={"gate": "value"})
        else:
            frame = passing.by(judged, facet, gate)
            self.figure.show(passing.figure(frame, gate))
            bars = frame.rename(columns={facet: "value"})
        held, fell = ("accepted later", "never repaired") if facet == "failure" else ("passed", "fell")
        options: list[tuple[str, Any]] = [("every blueprint", EVERYTHING)]
        for value, passed, fallen in bars[["value", "passed", "fell"]].itertuples(index=False):
            for word, curve, count in ((fell, 1, fallen), (held, 0, passed)):
                if count:
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
        gate = None if self.by.value == "gate" or self.gate.value == ANY else self.gate.value
        ids = selected(self.shelf.judged, self.by.value, value, gate, passed=curve == 0)
        told = self.bar.label.rpartition(" (")[0]
        self.list.put(frame[frame["id"].isin(ids)], f"Blueprints behind “{told}”", item)


def _called(facet: str) -> str:
    return {"level": "difficulty", "failure": "reason to fall"}.get(facet, facet)


def pass_rates(run: Any, item: str = "") -> W.VBox:
    """The explorer of pass rates of a run (a `Run` or its folder), opened on the blueprint with the id `item`."""
    return PassRates(run if isinstance(run, Shelf) else Shelf(run), item).box
