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
from ...world.output_types import output_type
from ...world.telling import as_number
from ...world.typed_values import Value, read
from ...world.user_records import own_rows, user_records
from ...world.values import Fact, facts, parse_number
from ...world.vocabulary import units
from .derivation import Known, known_form
from .execution import execute


class _Sources(NamedTuple):
    """Value → the facts that have it; and the numbers that a count or a sum may be as well."""

    facts: Mapping[Known, tuple[Fact, ...]]
    reckoned: frozenset[Decimal]


def origin_types(blueprint: Blueprint, domain: Domain) -> tuple[str, ...]:
    """The type of each expected output, for `telling.telling`: that of the facts it may have been taken from, or ""
    where there is none, where they are of several types, or where it may be a count or a sum as well. It looks at the
    user's own rows and those they name, at what actions give back, and for a task without tools at the policy."""
    return _types(domain, blueprint.line()) if blueprint.outputs else ()


@functools.lru_cache(maxsize=4096)
def _types(domain: Domain, line: str) -> tuple[str, ...]:
    blueprint = Blueprint.model_validate_json(line)
    if blueprint.kind == "no tool":
        said = _said_in(domain.policy)
        return tuple(_only(said.get(as_number(output), ())) for output in blueprint.outputs)
    results = [step.result for step in execute(blueprint, domain).steps]
    sources = (_of_user(domain, blueprint.user), _sources(results))
    return tuple(_type(output, sources) for output in blueprint.outputs)


def _type(output: str, sources: Iterable[_Sources]) -> str:
    value = known_form(output)
    if any(value in source.reckoned for source in sources):
        return ""
    return _only({output_type(output, fact) for source in sources for fact in source.facts.get(value, ())})


def _only(types: Iterable[str]) -> str:
    found = {*types}
    return found.pop() if len(found) == 1 else ""


@functools.lru_cache(maxsize=256)
def _of_user(domain: Domain, user: str) -> _Sources:
    tables = [own_rows(domain, user), user_records(domain, user)]
    rows = {(table, key): row for found in tables for table, some in found.items() for key, row in some.items()}
    return _sources(rows.values())


def _sources(values: Iterable[Any]) -> _Sources:
    """The facts of some rows or results, and what can be counted and added up in each of them and in all."""
    each = [[fact for fact in facts(value) if not isinstance(fact.value, bool)] for value in values]
    every = [fact for found in each for fact in found]
    known: dict[Known, list[Fact]] = defaultdict(list)
    for fact in every:
        known[known_form(fact.value)].append(fact)
    reckoned = frozenset(number for found in (*each, every) for number in _reckoned(found))
    return _Sources({value: tuple(found) for value, found in known.items()}, reckoned)


def _reckoned(found: Iterable[Fact]) -> Iterator[Decimal]:
    """How often a field stands there, and the sum of all that it holds where that is more than one."""
    counts, sums = Counter[str](), defaultdict[str, Decimal](Decimal)
    for fact in found:
        counts[fact.key] += 1
        if isinstance(fact.value, int | float):
            sums[fact.key] += parse_number(str(fact.value)) or 0
    yield from map(Decimal, counts.values())
    yield from (total for key, total in sums.items() if counts[key] > 1)


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
