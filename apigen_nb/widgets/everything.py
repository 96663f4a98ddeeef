"""All explorers of a run behind one row of buttons: what the app shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ..domain import DomainError
from ..report import pieces, tables
from ..report.text import clean
from .committee import committee
from .data import dataset
from .domain import domain_explorer
from .parts import explorer, show, stack, switch, words
from .passrates import pass_rates
from .reflecting import reflection
from .shelf import Shelf
from .talks import trajectories


def overview(shelf: Shelf) -> W.VBox:
    """What was made, in figures."""
    figures = tables.key_figures(shelf.proposals.records, shelf.trajectories.records)
    return explorer(
        f"Run {clean(shelf.folder.resolve().name)}", show(pieces.key_figures(figures)), scripted=shelf.scripted
    )


def explore(run: Any) -> W.VBox:
    """Every explorer of a run (a `Run` or its folder), each made when it is first looked at."""
    shelf = run if isinstance(run, Shelf) else Shelf(run)
    pages: dict[str, Callable[[], W.VBox]] = {
        "Overview": lambda: overview(shelf),
        "Domain": lambda: _domain(shelf),
        "Pass rates": lambda: pass_rates(shelf),
        "Reflection": lambda: reflection(shelf),
        "Trajectories": lambda: trajectories(shelf),
        "Committee": lambda: committee(shelf),
        "Dataset": lambda: dataset(shelf),
    }
    view, place = switch("", list(pages)), stack()
    made: dict[str, W.VBox] = {}

    def turn(_: Any = None) -> None:
        if view.value not in made:
            made[view.value] = pages[view.value]()
        place.children = [made[view.value]]

    view.observe(turn, "value")
    turn()
    return stack(view, place)


def _domain(shelf: Shelf) -> W.VBox:
    try:
        return domain_explorer(shelf.domain)
    except DomainError as error:
        return explorer("Domain", show(words(f"The domain of this run cannot be loaded: {error}", "fell")))
