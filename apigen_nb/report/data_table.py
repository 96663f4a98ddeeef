"""All rows of a frame as a table in a page: searched, filtered, sorted by any column, grouped with counts, exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..storage.safe_text import clean, truncate_with_note
from . import pieces
from .columns import Columns, Values

ITEMS = {"proposal": "blueprints", "blueprint": "blueprints", "trajectory": "trajectories", "same as": "trajectories"}


def data_table(
    frame: pd.DataFrame, name: str, links: Mapping[str, str] = ITEMS, parts: Sequence[int] = (), level: int = 6
) -> pieces.Piece:
    """All rows of a frame. `name` stands in the page's address and names the files that are exported; `links` is
    column → page of the item whose id stands in it, `parts` which part of the item each row is about."""
    columns = Columns(name=name)
    for column in frame.columns:
        link = {"link": links[column]} if column in links else {}
        columns.add("rows", clean(str(column)), map(_shown, frame[column].tolist()), **link)
    if len(parts):
        columns.add("rows", "part", map(int, parts), hidden=True)
    return pieces.draw("datatable.html.j2", data=columns.packed("rows", level))


def _shown(value: Any) -> Values:
    """A value as a table holds it: numbers stay numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value if value == value else None
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return "" if value is None or value is pd.NA or value is pd.NaT else _text(value)


def _text(value: Any) -> str:
    return clean(truncate_with_note(str(value)))
