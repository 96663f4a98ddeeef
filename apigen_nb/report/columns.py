"""Many rows, column by column, as pages get them: a column's distinct values once, in order, and of each row only where
its value stands. A browser filters, sorts, groups and counts a hundred thousand of them in milliseconds, since it
compares small numbers and never texts."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

Values = str | int | float | None | Sequence[str]  # of a row in a column: one, none, or several texts
Key = tuple[bool, list[int | str], str]


def natural(text: str) -> Key:
    """What texts are sorted by: numbers in them count as numbers, capitals do not; the empty text comes last."""
    parts = re.split(r"(\d{1,18})", text.casefold())
    return (not text, [int(part) if number % 2 else part for number, part in enumerate(parts)], text)


class Columns:
    """Tables of one block of a page. `told` is what else the block says of them, as JSON."""

    def __init__(self, **told: Any) -> None:
        self._told = told
        self._heads: list[dict[str, Any]] = []
        self._arrays: list[bytes] = []

    def add(self, table: str, name: str, rows: Iterable[Values], **more: Any) -> None:
        """A column of a table: of numbers where all that it has are some, else of texts."""
        plain = [tuple(row) if isinstance(row, list | tuple) else row for row in rows]
        held = np.fromiter(plain, dtype=object, count=len(plain))
        codes, distinct = pd.factorize(held, use_na_sentinel=False)
        head = {"table": table, "name": name, "rows": len(plain), **more}
        some = [v for v in distinct if not _missing(v)]
        if some and all(isinstance(v, int | float) and not isinstance(v, bool) for v in some):
            order = sorted(range(len(distinct)), key=lambda n: (_missing(distinct[n]), distinct[n] or 0))
            head |= {"values": sorted(some), "numbers": True}
            head |= {"sets": [*([n] for n in range(len(some))), []]} if len(some) < len(distinct) else {}
        else:
            values, sets, order = _in_order([_several(value) for value in distinct])
            head |= {"values": values} | ({} if all(len(s) == 1 for s in sets) else {"sets": sets})
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[np.asarray(order, dtype=np.int64)] = np.arange(len(order))
        self._append(head, ranks[codes], len(order))

    def add_starts(self, starts: Sequence[int]) -> None:
        """Of the table "parts": at which of its rows the parts of each item begin, and where the last ones end."""
        head = {"table": "starts", "name": "starts", "rows": len(starts), "values": []}
        self._append(head, np.asarray(starts, dtype=np.int64), max(starts, default=0) + 1)

    def _append(self, head: dict[str, Any], codes: np.ndarray, most: int) -> None:
        width = 1 if most <= 1 << 8 else 2 if most <= 1 << 16 else 4
        self._heads.append({**head, "bytes": width})
        self._arrays.append(codes.astype(f"<u{width}").tobytes())

    def packed(self, name: str, level: int = 6) -> Markup:
        """The block: its length, what describes the columns as JSON, their numbers; gzipped and in base64."""
        head = json.dumps({**self._told, "columns": self._heads}, ensure_ascii=False).encode("utf-8", "replace")
        data = len(head).to_bytes(4, "little") + head + b"".join(self._arrays)
        text = base64.b64encode(gzip.compress(data, compresslevel=level, mtime=0)).decode()
        return Markup(f'<script type="application/gzip" data-name="{name}">{text}</script>')


def _missing(value: Any) -> bool:
    return value is None or value == "" or value != value


def _several(value: Any) -> tuple[str, ...]:
    """The texts of a value: none, one or several."""
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(str(text) for text in value if text != ""))
    return () if _missing(value) else (str(value),)


def _in_order(sets: Sequence[tuple[str, ...]]) -> tuple[list[str], list[list[int]], list[int]]:
    """All texts in order, each set as their places, and the order of the sets: by their first text, then their second
    …; the empty one last."""
    values = sorted({text for one in sets for text in one}, key=natural)
    place = {text: number for number, text in enumerate(values)}
    placed = [[place[text] for text in one] for one in sets]
    order = sorted(range(len(sets)), key=lambda n: (not placed[n], placed[n]))
    return values, [placed[n] for n in order], order
