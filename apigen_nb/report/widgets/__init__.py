"""The report of a run in a notebook or an app, made from a run's folder by one call.

    pass_rates(run) · reflection(run) · blueprints(run) · trajectories(run) · committee(run) · dataset(run)
    domain_explorer("retail")      its tools called by hand in a scratch world, its data, rules and API graph
    explore(run)                   all of them behind one menu

They show the report's own pages, each made when it is first looked at: bars, links, filters and keys do the same."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...storage.run_folder import Run
from ...world.domain import DomainError
from .. import pieces, tables
from ..page_frame import Page
from ..run_contents import RunContents
from ..write import question_pages
from .domain import domain_explorer
from .layout import below, show
from .report_pages import ReportPages

__all__ = [
    "ReportPages",
    "blueprints",
    "committee",
    "dataset",
    "domain_explorer",
    "explore",
    "pass_rates",
    "reflection",
    "trajectories",
]

DOMAIN = "domain.html"


def pass_rates(run: Run | Path | str) -> ReportPages:
    """What each gate of a run (a `Run` or its folder) let pass; a bar leads to what it counts."""
    return _opened(run, "pass_rates.html")


def reflection(run: Run | Path | str, item: str = "") -> ReportPages:
    """Where a run's attempts go, what feedback mends and costs; every attempt beside the one before it. `item` is
    "blueprint.reflection", such as "retail-00002.1"."""
    return _opened(run, "reflection.html", item)


def blueprints(run: Run | Path | str, item: str = "") -> ReportPages:
    """Every blueprint of a run whole, opened on the one with the id `item`."""
    return _opened(run, "blueprints.html", item)


def trajectories(run: Run | Path | str, item: str = "") -> ReportPages:
    """Every trajectory of a run beside its groundtruth, opened on the one with the id `item`."""
    return _opened(run, "trajectories.html", item)


def committee(run: Run | Path | str) -> ReportPages:
    """How a run's judges voted and how far they agree. LookupError when none ever voted."""
    return _opened(run, "committee.html")


def dataset(run: Run | Path | str) -> ReportPages:
    """What a run's dataset is made of."""
    return _opened(run, "dataset.html")


def explore(run: Run | Path | str) -> W.VBox:
    """Every page of a run behind one menu."""
    held = RunContents(run)

    def domain() -> W.Widget:
        try:
            return domain_explorer(Run(held.folder).domain())
        except DomainError as error:
            return show(f"The domain of this run cannot be loaded: {error}")

    overview, *others = question_pages(held)
    pages = [overview, Page(DOMAIN, "Domain", "its tools by hand, its data and rules", lambda: []), *others]
    return below(ReportPages(held.name, pages, held.scripted, figures=partial(_figures, held)), {DOMAIN: domain})


def _opened(run: Any, file: str, item: str = "") -> ReportPages:
    held = RunContents(run)
    figures = partial(_figures, held)
    return ReportPages(held.name, question_pages(held), held.scripted, file, item, menu=False, figures=figures)


def _figures(held: RunContents) -> pieces.Piece:
    return pieces.key_figures(tables.key_figures(held.proposals, held.trajectories, held.rows), held.scripted)
