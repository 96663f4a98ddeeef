"""All explorers of a run behind one row of buttons: what the app shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...storage.safe_text import clean
from ...world.domain import DomainError
from .. import charts, pieces, tables
from .. import mixture_tables as mix
from .. import overview as first
from .browser import explorer, show, stack, switch
from .committee import Panel
from .dataset import Dataset
from .domain import domain_explorer
from .figure import Figure
from .pass_rates import PassRates
from .record_index import Shelf
from .reflection import Reflection
from .trajectories import Talks

GATES, TALKS = "Pass rates", "Trajectories"


class Everything:
    """The explorers as parts, each made when it is first looked at; `box` is what to show."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.makers: dict[str, Callable[[Shelf], Any]] = {
            "Overview": self._overview,
            "Domain": _domain,
            GATES: PassRates,
            "Reflection": Reflection,
            TALKS: Talks,
            "Committee": Panel,
            "Dataset": Dataset,
        }
        self.made: dict[str, Any] = {}
        self.view, self.place = switch("", list(self.makers)), stack()
        self.view.observe(lambda _: self._turn(), "value")
        self._turn()
        self.box = stack(self.view, self.place)

    def _turn(self) -> None:
        made = self._get(self.view.value)
        self.place.children = [made if isinstance(made, W.Widget) else made.box]

    def _get(self, name: str) -> Any:
        if name not in self.made:
            self.made[name] = self.makers[name](self.shelf)
        return self.made[name]

    def go(self, name: str, *choice: str) -> None:
        """Turn to an explorer in which something is chosen."""
        self._get(name).choose(*choice)
        self.view.value = name

    def _overview(self, shelf: Shelf) -> W.VBox:
        held = shelf.contents
        figures = tables.key_figures(held.proposals, held.trajectories, held.rows)
        funnel = Figure(charts.funnel(tables.funnel(tables.verdicts(held.proposals))))
        funnel.on_choice(lambda gate, _: self.go(GATES, gate))
        blames = Figure(charts.blames(mix.blames(held.trajectories)))
        blames.on_choice(lambda cause, _: self.go(TALKS, "cause", cause))
        pair = W.Box([funnel, blames], layout=W.Layout(flex_flow="row wrap", grid_gap="0 20px"))
        for figure in pair.children:
            figure.layout.flex, figure.layout.width = "1 1 460px", "auto"
        cards = show(pieces.key_figures(figures))
        return explorer(f"Run {clean(held.name)}", first.told_in_words(held), cards, pair, scripted=shelf.scripted)


def explore(run: Any) -> W.VBox:
    """Every explorer of a run (a `Run` or its folder), each made when it is first looked at."""
    return Everything(run if isinstance(run, Shelf) else Shelf(run)).box


def _domain(shelf: Shelf) -> W.VBox:
    try:
        return domain_explorer(shelf.domain)
    except DomainError as error:
        return explorer("Domain", f"The domain of this run cannot be loaded: {error}")
