"""Which conversations become rows, step by step: each step leaves out with a reason, and the last says where each row
stands. To add one: a function that changes a `Selection`, its line in `choose_rows`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .contamination import Contamination, find_contamination
from .filters import keep_asked_for
from .groups import as_groups
from .near_duplicates import Alike, find_near_duplicates
from .options import DatasetOptions
from .people import Heeded, heed_notes
from .selection import Selection, candidates
from .sources import Source
from .splits import Assigned, check_tools, split_rows


@dataclass(frozen=True)
class Chosen:
    """The rows with their splits, and what the card and the report tell of how they came to be."""

    selection: Selection
    people: Heeded
    splits: Assigned
    alike: Alike
    contamination: Contamination


def choose_rows(sources: Sequence[Source], options: DatasetOptions) -> Chosen:
    """The rows that these runs make, in the order of their files. SplitError where they cannot be split as asked."""
    check_tools(options.held_out_tools, [name for source in sources for name in source.domain.tools])
    selection = candidates(sources)
    people = heed_notes(selection)
    keep_asked_for(selection, options)
    alike = find_near_duplicates(selection, sources, options.near_duplicates)
    contamination = find_contamination(selection, sources, options.contaminated == "leave_out")
    _keep_failed_of_rows(selection)
    _join_groups(selection, alike.pairs)
    selection.settle_twins()
    assigned = split_rows(selection, options)
    selection.counts["rows"] = len(selection.rows)
    return Chosen(selection, people, assigned, alike, contamination)


def _keep_failed_of_rows(selection: Selection) -> None:
    """A failed conversation is held against rows: where a task has none left, it goes."""
    tasks = {about.task_id for about in selection.rows.values()}
    selection.failed = {id: about for id, about in selection.failed.items() if about.task_id in tasks}


def _join_groups(selection: Selection, alike: Iterable[tuple[str, str]]) -> None:
    groups = as_groups({id: task.blueprint for id, task in selection.tasks.items()}, alike)
    for held in (selection.rows, selection.failed):
        held |= {id: about.model_copy(update={"group_id": groups[about.task_id]}) for id, about in held.items()}
