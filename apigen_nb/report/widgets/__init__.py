"""The report of a run in a notebook or an app, made from a run's folder by one call.

    pass_rates(run) · reflection(run) · blueprints(run) · trajectories(run) · committee(run) · dataset(run)
    domain_explorer("retail")      its tools called by hand in a scratch world, its data, rules and API graph
    explore(run)                   all of them behind one menu; with more runs, these beside it
    diff(run, one, other)          two conversations turn by turn, of one run or of two
    table(frame)                   any frame: sorted, filtered, grouped with counts, saved as CSV or Parquet

They show the report's own pages, each made when it is first looked at: bars, links, filters and keys do the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as W
import pandas as pd

from ...storage.run_folder import Run
from ...world.domain import DomainError
from .. import pieces
from ..compared_conversations import ACROSS, PAGE
from ..compared_conversations import address as pair_address
from ..data_table import data_table
from ..page_frame import Page
from ..run_comparison import named_runs
from ..run_contents import RunContents
from ..write import comparison, question_pages
from .domain import domain_explorer
from .layout import below, show
from .note_form import CONVERSATIONS, NoteForm
from .report_pages import ReportPages

__all__ = [
    "ReportPages",
    "blueprints",
    "committee",
    "dataset",
    "diff",
    "domain_explorer",
    "explore",
    "pass_rates",
    "reflection",
    "table",
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
    """Every blueprint of a run whole, opened on the one with the id `item`, or on what stands behind the # of an
    address."""
    return _opened(run, "blueprints.html", item)


def trajectories(run: Run | Path | str, item: str = "") -> ReportPages:
    """Every trajectory of a run beside its groundtruth, opened on the one with the id `item`, or on what stands behind
    the # of an address."""
    return _opened(run, "trajectories.html", item)


def committee(run: Run | Path | str) -> ReportPages:
    """How a run's judges voted and how far they agree. LookupError when none ever voted."""
    return _opened(run, "committee.html")


def dataset(run: Run | Path | str) -> ReportPages:
    """What a run's dataset is made of."""
    return _opened(run, "dataset.html")


def diff(run: Run | Path | str, one: str, other: str, beside: Run | Path | str | None = None) -> ReportPages:
    """Two trajectories by their ids, turn by turn: where they part, and what that did to the end state. `other` is one
    of the same run, or of the run `beside`. LookupError when there is no such trajectory."""
    runs = named_runs([RunContents(run), *([RunContents(beside)] if beside is not None else [])])
    names = list(runs)
    for name, id in ((names[0], one), (names[-1], other)):
        if id not in runs[name].trajectories.place:
            raise LookupError(f"no conversation {id!r} in {runs[name].folder}; ids are such as retail-00042.t1")
    if len(runs) == 1:
        return _opened(run, PAGE, pair_address("", one, other)[1:])
    first, second = f"{names[0]}/{one}", f"{names[1]}/{other}"
    page, scripted = comparison(runs, {}), any(held.scripted for held in runs.values())
    return ReportPages(" · ".join(names), [page], scripted, ACROSS, pair_address("", first, second)[1:], menu=False)


def explore(run: Run | Path | str, address: str = "", others: Sequence[Run | Path | str] = ()) -> W.VBox:
    """Every page of a run behind one menu, opened at an `address` that a widget, an app or a report shows:
    "trajectories.html#retail-00002.t1?outcome=failed". Its `pages.address` is what is shown now, and can be set. With
    `others`, further runs, one more page puts all of them side by side. Below the conversations a form takes notes on
    the one that is shown, for the run's `notes.jsonl`."""
    held = RunContents(run)

    def domain() -> W.Widget:
        try:
            return domain_explorer(Run(held.folder).domain())
        except DomainError as error:
            return show(f"The domain of this run cannot be loaded: {error}")

    overview, *answers = question_pages(held)
    beside = [comparison(named_runs([held, *map(RunContents, others)]), {})] if others else []
    pages = [overview, Page(DOMAIN, "Domain", "its tools by hand, its data and rules", lambda: []), *answers, *beside]
    file, _, item = address.removeprefix("#/").replace(".html/", ".html#", 1).partition("#")
    shown = ReportPages(held.name, pages, held.scripted, file, item, figures=partial(_figures, held))
    return below(shown, {DOMAIN: domain, CONVERSATIONS: lambda: NoteForm(held, shown).box})


def table(frame: pd.DataFrame, name: str = "table") -> ReportPages:
    """All rows of a frame, as the report's own tables: searched, sorted by any column, filtered by value, grouped with
    counts; what is found is saved as CSV or Parquet under this name."""
    page = Page("table.html", name, f"{len(frame):,} rows", lambda: [lambda: data_table(frame, name, {})])
    return ReportPages(name, [page], False, menu=False, figures=lambda: pieces.table(frame, links={}))


def _opened(run: Any, file: str, item: str = "") -> ReportPages:
    held = RunContents(run)
    figures = partial(_figures, held)
    return ReportPages(held.name, question_pages(held), held.scripted, file, item, menu=False, figures=figures)


def _figures(held: RunContents) -> pieces.Piece:
    return pieces.key_figures(held.key_figures, held.scripted)
