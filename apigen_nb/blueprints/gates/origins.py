"""Of which type expected outputs are, by where they come from: a fact of the user's records or of what an action gives
back, or an amount in the policy. What is not certain has no type."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ...records import Blueprint
from ...world.amounts import of_unit
from ...world.domain import Domain
from ...world.expected_values import as_number
from ...world.output_types import output_type
from ...world.typed_values import Value, read
from ...world.user_records import Place, own_places, record_places, row_at
from ...world.values import Fact, facts
from ...world.vocabulary import units
from .derivation import Known, known_form
from .execution import Execution, execute


class _Holding(NamedTuple):
    """What one row or result holds: value → the facts that have it, how often each field stands there, and what the
    numbers in it come to."""

    facts: Mapping[Known, tuple[Fact, ...]]
    counts: Mapping[str, int]
    sums: Mapping[str, Decimal]


class _Sources(NamedTuple):
    """Rows or results, and the numbers that a count or a sum of theirs may be as well."""

    holdings: tuple[_Holding, ...]
    reckoned: frozenset[Decimal]


def origin_types(blueprint: Blueprint, domain: Domain, execution: Execution | None = None) -> tuple[str, ...]:
    """The type of each expected output, for `telling.telling`: that of the facts it may have been taken from, or ""
    where there is none, where they are of several types, or where it may be a count or a sum as well. It looks at the
    user's own rows and those they name, at what actions give back, and for a task without tools at the policy.
    `execution` is that of the actions, where it has been made."""
    if not blueprint.outputs:
        return ()
    if blueprint.kind == "no tool":
        said = _said_in(domain.policy)
        return tuple(_only(said.get(as_number(output), ())) for output in blueprint.outputs)
    steps = (execution or execute(blueprint, domain)).steps
    sources = (_of_user(domain, blueprint.user), _sources(_holding(step.result) for step in steps))
    return tuple(_type(output, sources) for output in blueprint.outputs)


def rows_with(output: str, domain: Domain, user: str) -> tuple[str, ...]:
    """The ids of the user's rows that hold a value, but for the user's own."""
    value, places = known_form(output), own_places(domain, user)
    return tuple(place[1] for place in places if place[0] != domain.users and value in _of_row(domain, place).facts)


def _type(output: str, sources: Iterable[_Sources]) -> str:
    value = known_form(output)
    if any(value in source.reckoned for source in sources):
        return ""
    holdings = (holding for source in sources for holding in source.holdings)
    return _only({output_type(output, fact) for holding in holdings for fact in holding.facts.get(value, ())})


def _only(types: Iterable[str]) -> str:
    found = {*types}
    return found.pop() if len(found) == 1 else ""


@functools.lru_cache(maxsize=1024)
def _of_user(domain: Domain, user: str) -> _Sources:
    places = dict.fromkeys((*own_places(domain, user), *record_places(domain, user)))
    return _sources(_of_row(domain, place) for place in places)


@functools.lru_cache(maxsize=8192)  # the catalogue's rows are everybody's
def _of_row(domain: Domain, place: Place) -> _Holding:
    return _holding(row_at(domain, place))


def _holding(value: Any) -> _Holding:
    known, counts, sums = defaultdict[Known, list[Fact]](list), Counter[str](), defaultdict[str, Decimal](Decimal)
    for fact in (fact for fact in facts(value) if not isinstance(fact.value, bool)):
        form = known_form(fact.value)
        known[form].append(fact)
        counts[fact.key] += 1
        if not isinstance(fact.value, str):
            sums[fact.key] += form if isinstance(form, Decimal) else 0
    return _Holding({form: tuple(found) for form, found in known.items()}, counts, sums)


def _sources(holdings: Iterable[_Holding]) -> _Sources:
    """Some rows or results, with what can be counted and added up in each of them and in all."""
    each = tuple(holdings)
    counts, sums = Counter[str](), defaultdict[str, Decimal](Decimal)
    for holding in each:
        counts.update(holding.counts)
        for key, amount in holding.sums.items():
            sums[key] += amount
    every = _Holding({}, counts, sums)
    return _Sources(each, frozenset(number for holding in (*each, every) for number in _reckoned(holding)))


def _reckoned(holding: _Holding) -> Iterator[Decimal]:
    """How often a field stands there, and the sum of all that it holds where that is more than one."""
    yield from map(Decimal, holding.counts.values())
    yield from (total for key, total in holding.sums.items() if holding.counts[key] > 1)


@functools.lru_cache(maxsize=8)
def _said_in(policy: str) -> dict[Decimal | None, frozenset[str]]:
    """Number → the types of the amounts with it in a text: "hour" of "within 24 hours"."""
    found: dict[Decimal | None, set[str]] = defaultdict(set)
    for value in read(policy):
        for number, type in _amounts(value):
            found[number].add(type)
    return {number: frozenset(types) for number, types in found.items()}


def _amounts(value: Value) -> Iterator[tuple[Decimal, str]]:
    if value.type == "money":
        yield value.value[0], "money"
    elif value.type in ("percentage", "number", "count"):
        yield value.value, "percentage" if value.type == "percentage" else "count"
    elif value.type in ("duration", "quantity"):
        numbers = [number.value for number in read(value.text.split()[0]) if number.type in ("number", "count")]
        for unit in sorted({*units().values(), "business day"}):
            yield from ((n, unit) for n in numbers if of_unit(n, unit) == (value.type, value.value))
