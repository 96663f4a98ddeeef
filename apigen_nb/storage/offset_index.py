"""Where lines stand in their files, by id. A run of 100,000 seeds leaves 400,000 ids: a dictionary of them would be
larger than everything else in memory, so SQLite holds them, in a temporary file of its own beyond two megabytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from weakref import finalize

TABLE = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -2000;
CREATE TABLE line (number INTEGER PRIMARY KEY, id BLOB UNIQUE NOT NULL, place INTEGER);
"""


class OffsetIndex:
    """Id → number, given in the order in which ids are first met, and → place, for those that have one."""

    def __init__(self) -> None:
        # Without a name a database is temporary: no other process sees it, and it goes with this one.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        finalize(self, self._db.close)
        self._db.executescript(TABLE)

    def _first(self, query: str, *values: object) -> int | None:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None

    def __len__(self) -> int:
        return self._first("SELECT COUNT(place) FROM line") or 0

    def number(self, id: str) -> int:
        """The number of an id; a new one when it is met for the first time."""
        self._db.execute("INSERT OR IGNORE INTO line (id) VALUES (?)", (_blob(id),))
        return self._first("SELECT number FROM line WHERE id = ?", _blob(id)) or 0

    def get(self, id: str) -> int | None:
        """The place of an id, or None."""
        return self._first("SELECT place FROM line WHERE id = ?", _blob(id))

    def at(self, number: int) -> int | None:
        """The place of an id with this number, or None."""
        return self._first("SELECT place FROM line WHERE number = ?", number)

    def put(self, id: str, place: int) -> None:
        """Remember the place of an id that has none yet."""
        known = "INSERT INTO line (id, place) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET place = excluded.place"
        self._db.execute(known, (_blob(id), place))

    def replace(self, places: Iterable[tuple[int, int]]) -> None:
        """Forget all places but these, each given as number and place."""
        self._db.execute("UPDATE line SET place = NULL")
        update = "UPDATE line SET place = ? WHERE number = ?"
        self._db.executemany(update, ((place, number) for number, place in places))


def _blob(id: str) -> bytes:
    return id.encode("utf-8", "surrogatepass")  # a lone surrogate is no UTF-8
