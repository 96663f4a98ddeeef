"""The data hang together: rows are plain JSON, know their own id, and name only rows that exist."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ..domain import Domain
from ..values import facts, singular
from .finding import Finding

SHOWN = 3  # examples in a finding


def references(domain: Domain) -> Iterator[Finding]:
    """A field that is named after a table (`order_id`, `order_ids`, `orders`) holds ids of that table, and a table is
    not left alone: some other row, or the user, leads to it."""
    yield from _subjects(domain)
    named = {f"{singular(table)}_id": table for table in domain.tables}
    dangling: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for table, rows in domain.tables.items():
        for key, stored in rows.items():
            row = domain.dump(stored)
            if problem := _not_plain(row, domain.dump(domain.copy(stored))):
                todo = "keep to objects, lists, text, numbers, true, false and null"
                yield Finding("error", "data", f"{table} {key}", problem, "a row of plain JSON values", todo)
                continue
            own = f"{singular(table)}_id"
            if isinstance(row, dict) and own in row and row[own] != key:
                todo = "make them equal: tools find a row by its key and show its field"
                yield Finding("error", "data", f"{table} {key}", f"{own} is {row[own]!r}", f"{own} is {key!r}", todo)
            for fact in facts(row):
                home = named.get(fact.key)
                if home and home != table and isinstance(fact.value, str) and fact.value not in domain.tables[home]:
                    dangling[table, fact.key, home].append(f"{fact.value!r} in {key}")
    for (table, field, home), found in dangling.items():
        examples = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        todo = f"add the rows to data/{home}.json, or rename the field if it means something else"
        yield Finding("error", "references", f"{table}, field {field}", examples, f"ids of the table {home}", todo)


def _subjects(domain: Domain) -> Iterator[Finding]:
    if not domain.subjects:
        todo = f"put a row into data/{domain.users}.json"
        yield Finding("error", "data", domain.users, "no user", "at least one whom a conversation can serve", todo)
    for subject in domain.subjects:
        if subject not in domain.tables[domain.users]:
            yield Finding("error", "data", domain.users, f"no row {subject!r}", "a row for each subject", "add it")


def _not_plain(row: Any, copied: Any) -> str:
    try:
        same = json.loads(json.dumps(row, allow_nan=False)) == row
    except (TypeError, ValueError) as error:
        return str(error)
    return "" if same and row == copied else "it changes when it is copied or written as JSON"
