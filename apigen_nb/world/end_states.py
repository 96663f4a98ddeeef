"""Whether two conversations left the world in the same state: ids that tools made up are named after the order of the
calls, so they are compared by what they stand for."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..records import Change, canonical
from .descriptions import own_id, texts
from .values import singular
from .world import digest

MAX_PAIRINGS = (
    5_000  # of ids that cannot be told apart by what stands beside them; beyond that states are held to differ
)


def same_delta(expected: Iterable[Change], reached: Iterable[Change], chosen: Collection[str] = ()) -> bool:
    """Whether two deltas over one base are equal up to the names of what was made: ids of new rows and of new parts of
    rows (a transaction in an account), wherever they stand. Two claims filed in another order are the same two claims,
    in lists of them, too.

    `chosen` are the values that the calls named: an id among them was no tool's to make up, so it stays what it is."""
    want, have = tuple(expected), tuple(reached)
    if digest(want) == digest(have):
        return True
    if Counter(change.table for change in want) != Counter(change.table for change in have):
        return False
    there = ({(c.table, c.id) for c in delta if c.before is not None} for delta in (want, have))
    if next(there) != next(there):  # rows that nobody made keep their ids
        return False
    made = [_made(delta, frozenset(chosen)) for delta in (want, have)]
    if Counter(made[0].values()) != Counter(made[1].values()):
        return False
    groups = [_by_surroundings(delta, names) for delta, names in zip((want, have), made, strict=True)]
    if {key: len(ids) for key, ids in groups[0].items()} != {key: len(ids) for key, ids in groups[1].items()}:
        return False
    if not groups[0] or math.prod(math.factorial(len(ids)) for ids in groups[0].values()) > MAX_PAIRINGS:
        return False
    keys = sorted(groups[0])
    ids, names = [one for key in keys for one in groups[1][key]], frozenset(itertools.chain(*groups[0].values()))
    goal = _state(want, {}, names)
    orders = itertools.product(*(itertools.permutations(groups[0][key]) for key in keys))
    pairings = (dict(zip(ids, itertools.chain(*order), strict=True)) for order in orders)
    return any(_state(have, pairing, names) == goal for pairing in pairings)


def _made(delta: Iterable[Change], chosen: frozenset[str]) -> dict[str, str]:
    """The ids that a delta brought into the world and nobody chose → of what they are."""
    found: dict[str, str] = {}
    for change in delta:
        if change.before is None and change.id not in chosen:
            found[change.id] = f"\0{change.table}"
        before = {*texts(change.before, keys=True)}
        for kind, name in _parts(change.after):
            if name not in before and name not in chosen:
                found.setdefault(name, f"\0{change.table}/{kind}")
    return found


def _parts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Kind and id of the objects in a row that have one."""
    if isinstance(value, dict):
        for name, item in value.items():
            if key and isinstance(item, dict):
                yield key, name
            yield from _parts(item, name)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and (found := own_id(singular(key), item)):
                yield key, found
            yield from _parts(item)


def _by_surroundings(delta: Iterable[Change], made: Mapping[str, str]) -> dict[str, list[str]]:
    """What was made, by all that stands beside it in the rows, ids that were made left open."""
    around: dict[str, list[str]] = defaultdict(list)
    for change in delta:
        after = {change.id: change.after}
        for name in made.keys() & {*texts(after, keys=True)}:
            around[name].append(canonical([change.table, sorted(_holders(after, name, made))]))
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(made):
        groups[canonical([made[name], sorted(around[name])])].append(name)
    return dict(groups)


def _holders(value: Any, name: str, made: Mapping[str, str]) -> Iterator[str]:
    """The objects of which this is the id or that name it, in canonical form."""
    if isinstance(value, dict):
        around = [item for key, item in value.items() if key == name] + [value] * (name in value.values())
        yield from (canonical(_in_order(_renamed(item, made), frozenset(made.values()))) for item in around)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _holders(part, name, made)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return value


def _state(delta: Iterable[Change], pairing: Mapping[str, str], names: frozenset[str]) -> list[str]:
    """A delta in canonical form after renaming, what was made in one order in every list."""
    rows = ([change.table, pairing.get(change.id, change.id), _renamed(change.after, pairing)] for change in delta)
    return sorted(canonical(_in_order(row, names)) for row in rows)


def _in_order(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(item, names) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_in_order(item, names) for item in value]
    made = [n for n, item in enumerate(items) if not names.isdisjoint(texts(item, keys=True))]
    for place, item in zip(made, sorted((items[n] for n in made), key=canonical), strict=True):
        items[place] = item
    return items
