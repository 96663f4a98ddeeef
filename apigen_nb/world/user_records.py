"""The rows around one user: what names the user, and what those rows name."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import Any, NamedTuple

from ..records import canonical
from .domain import Domain
from .values import facts

RECORDS_BUDGET = 12_000  # characters of JSON, about 4k tokens
Place = tuple[str, str]  # table and id of a row


class _Index(NamedTuple):
    """Row id → tables that hold it; row → the users that it names, where it names any; user → rows that name it."""

    homes: dict[str, list[str]]
    owners: dict[Place, set[str]]
    owned: dict[str, list[Place]]


@functools.lru_cache(maxsize=8)
def _index(domain: Domain) -> _Index:
    users = domain.tables[domain.users]
    homes, owned = defaultdict[str, list[str]](list), defaultdict[str, list[Place]](list)
    owners: dict[Place, set[str]] = {}
    for table, rows in domain.tables.items():
        for key, row in rows.items():
            homes[key].append(table)
            if table != domain.users:
                named = {f.value for f in facts(domain.dump(row)) if isinstance(f.value, str) and f.value in users}
                owners |= {(table, key): named} if named else {}
                for user in sorted(named):
                    owned[user].append((table, key))
    return _Index(homes, owners, owned)


def user_records(domain: Domain, user: str, budget: int = RECORDS_BUDGET) -> dict[str, dict[str, Any]]:
    """A user's row and everything hanging on it, table → id → row: first what names the user or is named by the user's
    row, then what those rows name, breadth first until the budget of JSON characters is spent. Rows of others are left
    out."""
    index = _index(domain)
    found: dict[str, dict[str, Any]] = {}
    frontier, spent = [(domain.users, user), *index.owned.get(user, ())], 0
    for table, key in frontier:  # it grows meanwhile
        others = user not in index.owners.get((table, key), {user}) or (table == domain.users and key != user)
        if others or key in found.get(table, {}):
            continue
        row = domain.dump(domain.tables[table][key])
        spent += len(canonical(row))
        if spent > budget and found:
            continue
        found.setdefault(table, {})[key] = row
        named = dict.fromkeys(f.value for f in facts({table: {key: row}}) if isinstance(f.value, str))
        frontier += [(home, name) for name in named for home in index.homes.get(name, ())]
    return found
