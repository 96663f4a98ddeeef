"""The rows around one user: what names the user, and what those rows name; and whose rows a result shows."""

from __future__ import annotations

import functools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..records import canonical
from .domain import Domain, copy_json
from .values import SCALARS, facts

RECORDS_BUDGET = 12_000  # characters of JSON, about 4k tokens
MIN_COMPANY = 3  # fewer objects with the same two values side by side show no habit
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


def user_records(
    domain: Domain, user: str, budget: int = RECORDS_BUDGET, first: Iterable[Place] = ()
) -> dict[str, dict[str, Any]]:
    """A user's row and everything hanging on it, table → id → row: first the rows that are asked for, then what names
    the user or is named by the user's row, then what those rows name, breadth first until the budget of JSON characters
    is spent. Rows of others are left out."""
    found: dict[str, dict[str, Any]] = {}
    for table, key in record_places(domain, user, budget, first):
        found.setdefault(table, {})[key] = copy_json(_row(domain, table, key)[0])
    return found


def record_places(
    domain: Domain, user: str, budget: int = RECORDS_BUDGET, first: Iterable[Place] = ()
) -> tuple[Place, ...]:
    """The table and id of each of the `user_records`, in their order."""
    index, found = _index(domain), dict[Place, None]()
    frontier, spent = [(domain.users, user), *first, *index.owned.get(user, ())], 0
    for place in frontier:  # it grows meanwhile
        table, key = place
        others = user not in index.owners.get(place, {user}) or (table == domain.users and key != user)
        if others or place in found or key not in domain.tables[table]:
            continue
        _, size, named = _row(domain, table, key)
        if spent + size > budget and found:
            continue
        found[place], spent = None, spent + size
        frontier += [(home, name) for name in named for home in index.homes.get(name, ())]
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def _row(domain: Domain, table: str, key: str) -> tuple[Any, int, tuple[str, ...]]:
    """A row as JSON, its size in characters, and the texts in it."""
    row = domain.dump(domain.tables[table][key])
    texts = dict.fromkeys(f.value for f in facts({table: {key: row}}) if isinstance(f.value, str))
    return row, len(canonical(row)), tuple(texts)


def owners(domain: Domain, value: str) -> frozenset[str]:
    """The users to whom the row with this id belongs, or the part of a row (a payment method): those whom it names, or
    whom a row names that it names. Nobody for what belongs to the catalogue, and for what is no id."""
    return _ownership(domain).get(value, frozenset())


def own_rows(domain: Domain, user: str) -> dict[str, dict[str, Any]]:
    """All rows that belong to a user, the user's own first, table → id → row; nothing of the catalogue."""
    found: dict[str, dict[str, Any]] = {}
    for table, key in own_places(domain, user):
        found.setdefault(table, {})[key] = domain.dump(domain.tables[table][key])
    return found


def own_places(domain: Domain, user: str) -> tuple[Place, ...]:
    """The table and id of each of the `own_rows`, in their order."""
    owned, tables = _owned_by(domain).get(user, ()), sorted(domain.tables, key=lambda table: table != domain.users)
    return tuple((table, key) for table in tables for key in owned if key in domain.tables[table])


def row_at(domain: Domain, place: Place) -> Any:
    """A row as JSON, for all who look at it: not to be changed."""
    return _row(domain, *place)[0]


def catalogue(domain: Domain) -> dict[str, dict[str, Any]]:
    """All rows that belong to nobody, table → id → row."""
    whose = _ownership(domain)
    found = {t: {k: domain.dump(row) for k, row in rows.items() if k not in whose} for t, rows in domain.tables.items()}
    return {table: rows for table, rows in found.items() if rows}


def foreign_rows(domain: Domain, user: str, result: Any) -> tuple[str, ...]:
    """The ids in a call's result that belong to other users and not to this one, each once, as they come. `result` is
    what the call returned, as JSON text or value, or a tuple of words. An id that the user's own rows name (to whom
    money was sent) only counts where more of its row is shown."""
    owned, found = _ownership(domain), dict[str, None]()
    if isinstance(result, tuple) and owned.keys().isdisjoint(result):  # most words of a text are no ids
        return ()
    for value, holder in _ids_of(result) if isinstance(result, str) else _ids(result):
        others = value in owned and user not in owners(domain, value)
        if others and (value not in _named_by_rows_of(domain, user) or _shows_row(domain, value, holder)):
            found.setdefault(value)
    return tuple(found)


def always_beside(domain: Domain, field: str, value: Any, told: Iterable[tuple[str, Any]]) -> bool:
    """Whether a field has this value in every object of the world that has one of some told fields with their values,
    of which there are `MIN_COMPANY` and more: the state beside a city."""
    company = _company(domain, field)
    return any(company.get(one, {}).keys() == {value} and company[one][value] >= MIN_COMPANY for one in told)


@functools.lru_cache(maxsize=64)
def _company(domain: Domain, field: str) -> dict[tuple[str, Any], Counter[Any]]:
    """Another field and its value → how often each value of this field stands in one object with it."""
    found: dict[tuple[str, Any], Counter[Any]] = defaultdict(Counter)
    for holder in (
        holder for rows in domain.tables.values() for row in rows.values() for holder in _objects(domain.dump(row))
    ):
        if isinstance(holder.get(field), SCALARS):
            for key, value in holder.items():
                if key != field and isinstance(value, SCALARS):
                    found[key, value][holder[field]] += 1
    return dict(found)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(part)


@functools.lru_cache(maxsize=8)
def _ownership(domain: Domain) -> dict[str, frozenset[str]]:
    """Row id, or id of a part of rows that is no user's but one's → users."""
    homes = _index(domain).homes
    rows = {
        (table, key): domain.dump(row) for table, all_rows in domain.tables.items() for key, row in all_rows.items()
    }
    owned = _owned_places(domain, rows)
    parts = {key: users for key, users in _parts(owned, rows).items() if key not in homes}
    whole = {key: users for (_, key), users in owned.items() if all((table, key) in owned for table in homes[key])}
    return parts | whole


@functools.lru_cache(maxsize=8)
def _owned_by(domain: Domain) -> dict[str, list[str]]:
    """User → ids that are the user's, in a fixed order."""
    found: dict[str, list[str]] = defaultdict(list)
    for value, users in sorted(_ownership(domain).items()):
        for user in users:
            found[user].append(value)
    return dict(found)


def _owned_places(domain: Domain, rows: Mapping[Place, Any]) -> dict[Place, frozenset[str]]:
    """Rows that name no user are of those whose rows they name: a shipment of an order."""
    owned = {place: frozenset(users) for place, users in _index(domain).owners.items()}
    named = {place: {value for value, _ in _ids(row)} for place, row in rows.items() if place[0] != domain.users}
    while True:
        whose = {key: users for (_, key), users in owned.items()}
        found = {
            place: frozenset[str]().union(*(whose[value] for value in values if value in whose))
            for place, values in named.items()
            if place not in owned
        }
        if not any(found.values()):
            return owned | {(domain.users, user): frozenset([user]) for user in domain.tables[domain.users]}
        owned |= {place: users for place, users in found.items() if users}


def _parts(owned: Mapping[Place, frozenset[str]], rows: Mapping[Place, Any]) -> dict[str, frozenset[str]]:
    """Ids that stand in rows, of a kind of which each is only one user's."""
    whose: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for place, row in rows.items():
        for fact in facts(row):
            if fact.key.endswith("_id") and isinstance(fact.value, str):
                whose[fact.key][fact.value] |= owned.get(place, {""})
    private = [held for held in whose.values() if all(len(users) == 1 and "" not in users for users in held.values())]
    return {value: frozenset(users) for held in private for value, users in held.items()}


@functools.lru_cache(maxsize=64)
def _named_by_rows_of(domain: Domain, user: str) -> frozenset[str]:
    places = [(domain.users, user), *_index(domain).owned.get(user, ())]
    rows = [domain.dump(domain.tables[table][key]) for table, key in places if key in domain.tables[table]]
    return frozenset(value for row in rows for value, _ in _ids(row))


@functools.lru_cache(maxsize=512)
def _ids_of(result: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """The `_ids` of a result, which is JSON or a text."""
    try:
        value = json.loads(result)
    except (ValueError, RecursionError):
        value = result
    return tuple(_ids(value))


def _ids(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """All texts in a value that may be ids, keys of objects too, each with the object around it or behind it."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    _gather_ids(value, {}, found)
    return found


def _gather_ids(value: Any, holder: Mapping[str, Any], found: list[tuple[str, Mapping[str, Any]]]) -> None:
    if isinstance(value, str):
        found.append((value, holder))
    elif isinstance(value, list | tuple):
        for item in value:
            _gather_ids(item, holder, found)
    elif isinstance(value, dict):
        for name, item in value.items():
            found.append((name, item if isinstance(item, dict) else {}))
            _gather_ids(item, value, found)


def _shows_row(domain: Domain, value: str, holder: Mapping[str, Any]) -> bool:
    """Whether an object around an id has most of its fields from the row with that id."""
    fields = {(key, item) for key, item in holder.items() if isinstance(item, SCALARS)}
    rows = [domain.dump(domain.tables[table][value]) for table in _index(domain).homes.get(value, ())]
    same = [{f for f in row.items() if isinstance(f[1], SCALARS)} & fields for row in rows if isinstance(row, dict)]
    return any(len(common) > 1 and 2 * len(common) > len(fields) for common in same)
