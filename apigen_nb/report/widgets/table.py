"""A table of any length, shown page by page: sorted by a click on a column, chosen from by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as W
import pandas as pd
import traitlets as T

from ...storage.safe_text import clean, truncate
from .. import pieces

ASSETS = Path(__file__).parent / "assets"
PAGE = 10  # rows: a widget in a notebook is of modest height
LONGEST = 90  # characters of a cell
HELD, FELL = ("accepted at once", "repaired by reflection", "verified", "passed"), ("rejected", "failed", "fell")
MARKS = dict.fromkeys(HELD, "held") | dict.fromkeys(FELL, "fell")


class Rows(anywidget.AnyWidget):  # type: ignore[misc]
    """The rows of `frame`, which has a column `id`; `chosen` is the id of the row that was chosen last."""

    _esm = ASSETS / "rows.js"
    label = T.Unicode().tag(sync=True)
    columns = T.List().tag(sync=True)
    rows = T.List().tag(sync=True)
    page = T.Int(0).tag(sync=True)
    pages = T.Int(1).tag(sync=True)
    total = T.Int(0).tag(sync=True)
    foot = T.Unicode().tag(sync=True)
    order = T.List(allow_none=True, default_value=None).tag(sync=True)
    chosen = T.Unicode("").tag(sync=True)
    state = T.Int(0).tag(sync=True)

    def __init__(self, label: str, page_size: int = PAGE) -> None:
        super().__init__(label=label)
        self.layout = W.Layout(width="100%", min_width="0")
        self._size, self._frame, self._names = page_size, pd.DataFrame({"id": []}), dict[str, str]()
        self.observe(self._sorted, "order")
        self.observe(lambda _: self._draw(), "page")
        self.on_msg(lambda _, told, __: self.step(int(told["step"])))

    def put(self, frame: pd.DataFrame, names: Mapping[str, str] | None = None) -> None:
        """Show another frame from its first page, sorted as before. `names` is what the columns are called."""
        self._frame, self._names = frame, dict(names or {})
        with self.hold_trait_notifications():
            self.columns = [
                [self._names.get(c, c), "number" if pd.api.types.is_numeric_dtype(frame[c]) else "words"] for c in frame
            ]
            self.page = 0
        self._sorted()

    @property
    def ids(self) -> list[str]:
        """The ids of all rows, in the order in which they are shown."""
        return list(self._frame["id"])

    def on_choice(self, heard: Callable[[str], None]) -> None:
        """Call `heard(id)` whenever another row is chosen."""

        def tell(change: dict[str, Any]) -> None:
            if change["new"]:
                heard(change["new"])

        self.observe(tell, "chosen")

    def step(self, by: int) -> None:
        """Choose the next row (1) or the previous one (-1), turning the page where it ends."""
        ids = self.ids
        if ids:
            at = ids.index(self.chosen) if self.chosen in ids else (-1 if by > 0 else len(ids))
            self.choose(ids[min(max(at + by, 0), len(ids) - 1)])

    def choose(self, id: str) -> None:
        """Choose the row with this id and turn to its page. It may be one that is not among the rows."""
        ids = self.ids
        if id in ids:
            self.page = ids.index(id) // self._size
        self.chosen = id

    def _sorted(self, _: Any = None) -> None:
        back = {shown: name for name, shown in self._names.items()}
        if self.order and (column := back.get(self.order[0], self.order[0])) in self._frame:
            rising = self.order[1] > 0
            self._frame = self._frame.sort_values(column, ascending=rising, kind="stable", ignore_index=True)
        self._draw()

    def _draw(self) -> None:
        total, start = len(self._frame), self.page * self._size
        shown = self._frame.iloc[start : start + self._size]
        last = start + len(shown)
        self.pages = max(1, -(-total // self._size))
        self.total = total
        self.foot = f"{start + 1:,}–{last:,} of {total:,}" if total > self._size else f"{total:,} rows"
        self.rows = [
            {
                "id": row["id"],
                "cells": [_text(v) for v in row.values()],
                "marks": [MARKS.get(v, "") if isinstance(v, str) else "" for v in row.values()],
            }
            for row in shown.to_dict("records")
        ]
        self.state += 1  # last: the browser draws when all of it is there


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        value = ", ".join(value)
    text = pieces.cell(value) if not isinstance(value, str) else value
    return truncate(clean(text[: LONGEST + 1]), LONGEST)
