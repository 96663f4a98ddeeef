"""What reads bring to light, and the amounts that an agent can work out from it."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ...records import Action, Blueprint
from ...world.values import SCALARS, Fact, argument_values, facts, mentions, normalize, parse_number, singular
from .execution import Execution

MAX_LIST = 6  # amounts of one list of which any selection may be meant: more of them, and any amount is met by chance
MAX_AMOUNTS = 60  # amounts of one user of which any two may be meant
ReadResult = tuple[Action, list[Fact]]  # a reading call and the facts in its result
Known = str | Decimal  # a value as it is looked up: a number, or a text as it is compared
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d)(?::\d\d.*)?")


def known_form(value: Any) -> Known:
    """A value as it is compared."""
    return _form_of(str(value))


@functools.lru_cache(maxsize=16384)  # statuses, prices and days stand in many results
def _form_of(written: str) -> Known:
    text = normalize(written)
    number = parse_number(text)
    return text if number is None else number


def parts_of(text: str) -> tuple[str, ...]:
    """The day and the time of a moment, either of which may be asked for; nothing of any other text."""
    found = _MOMENT.fullmatch(text.casefold())
    return (found[1], found[2]) if found else ()


def _amount(value: Any) -> Decimal | None:
    return parse_number(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _sums(results: Iterable[tuple[str, Iterable[Fact]]]) -> Iterable[Decimal]:
    """Sums of one field over all results of one name, and over those that have another field in common."""
    sums: dict[tuple[str, str, Any], Decimal] = defaultdict(Decimal)
    for name, found in results:
        for fact in found:
            if (amount := _amount(fact.value)) is not None:
                fields = (field for field in fact.holder.items() if isinstance(field[1], SCALARS))
                for common in (None, *(field for field in fields if singular(field[0]) != fact.key)):
                    sums[name, fact.key, common] += amount
    return sums.values()


def _selections(found: Iterable[Fact]) -> Iterator[Decimal]:
    """Sums of any two and more of the amounts of a short list."""
    lists: dict[str, list[Decimal]] = defaultdict(list)
    for fact in found:
        if isinstance(fact.value, float) and (amount := _amount(fact.value)) is not None:
            lists[fact.key].append(amount)
    for amounts in (amounts for amounts in lists.values() if len(amounts) <= MAX_LIST):
        for size in range(2, len(amounts) + 1):
            yield from map(sum, itertools.combinations(amounts, size))


def _written(execution: Execution) -> Iterator[tuple[str, list[Fact]]]:
    """Per changed row, as table and facts, what stands in it only after the actions."""
    for change in execution.diff:
        before = Counter((fact.key, fact.value) for fact in facts(change.before))
        new = []
        for fact in facts(change.after):
            before[fact.key, fact.value] -= 1
            new += [fact] if before[fact.key, fact.value] < 0 else []
        yield change.table, new


def _costs(actions: Iterable[Action], found: Iterable[Fact]) -> Iterator[Mapping[tuple[str, str], Decimal]]:
    """Per action, and at last of all together, as argument and field: what the things cost that it names, and how much
    more than what another argument names."""
    beside: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for fact in (fact for fact in found if isinstance(fact.value, str)):
        for key, value in fact.holder.items():
            if (amount := _amount(value)) is not None:
                beside[fact.value].setdefault(key, amount)
    together: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for action in actions:
        costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for name, value in argument_values(action):
            for key, amount in beside.get(str(value), {}).items():
                costs[name, key] += amount
        for (one, key), (other, also) in itertools.combinations(list(costs), 2):
            if key == also:
                costs[f"{one} - {other}", key] = costs[one, key] - costs[other, key]
        for label, amount in costs.items():
            together[label] += amount
        yield costs
    yield together


class KnownValues:
    """What reads have brought to light so far."""

    def __init__(self, found: Iterable[Fact] = ()) -> None:
        self.values: set[str] = set()
        self.numbers: set[Decimal] = set()
        self.add(list(found))

    def add(self, found: Sequence[Fact]) -> None:
        """The facts of one more result. An agent can count what a list holds and add up one field."""
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for fact in found:
            if not isinstance(fact.value, bool):
                text = normalize(str(fact.value))
                self.values.update([text, *parts_of(text)])
                if (value := parse_number(text)) is not None:
                    self.numbers.add(value)
                    totals[fact.key] += value
        self.numbers.update(totals.values(), map(Decimal, Counter(fact.key for fact in found).values()))

    def holds(self, value: Any) -> bool:
        """Whether a value is among them, a number in whatever way it is written."""
        text = normalize(str(value))
        return text in self.values or (not isinstance(value, str) and parse_number(text) in self.numbers)

    def derives(self, output: str) -> bool:
        """Whether an output is among them: a number, a text, or words of one."""
        text = normalize(output)
        if (value := parse_number(text)) is not None:
            return value in self.numbers
        known = text in self.values or text.replace(" ", "_") in self.values
        return known or any(mentions(longer, text) for longer in self.values if " " in longer)


def how_shown(output: str, found: Sequence[Fact]) -> str:
    """By what in a result an output is derived, in words."""
    value = known_form(output)
    if fields := list(dict.fromkeys(fact.key for fact in found if known_form(fact.value) == value)):
        return f"{' or '.join(fields[:2])} in"
    counts = Counter(fact.key for fact in found)
    if fields := [key for key, count in counts.items() if count == value]:
        return f"the number of {' or '.join(fields[:2])} in"
    return "a sum in" if isinstance(value, Decimal) else "words of"


class DerivedAmounts:
    """Amounts that an agent can work out from what reads showed of one user and from what the actions did; few enough
    that hardly any invented amount is among them.

    `totals` are sums of one field over the results of one tool, over all of them or over those that have a field in
    common (the gift cards); sums of what the things cost that the actions name, and what they cost less than those that
    replace them; and sums of the amounts that the actions wrote. `amounts` are sums of any selection of a short list,
    and sums and differences of two amounts: many, so they only count for an output with a figure other than 0
    in the place of cents."""

    def __init__(self, read: Sequence[ReadResult], blueprint: Blueprint, execution: Execution) -> None:
        own = [(call, found) for call, found in read if any(fact.value == blueprint.user for fact in found)]
        *each, together = _costs(blueprint.actions, [fact for _, found in (*own, *read) for fact in found])
        costs = {amount for one in (*each, together) for amount in one.values()}
        written = {*_sums(_written(execution))}
        self.totals = costs | written | {cost + amount for cost in together.values() for amount in written}
        self.totals |= {
            *_sums((call.name, found) for call, found in own),
            *_sums((str(call), found) for call, found in own),
        }
        floats = (fact.value for _, found in own for fact in found if isinstance(fact.value, float))
        money = {amount for value in floats if (amount := _amount(value)) is not None}
        pairs = itertools.product(money, money | costs) if len(money) <= MAX_AMOUNTS else ()
        self.amounts = {total for one, other in pairs for total in (one + other, one - other)}
        self.amounts |= {amount for _, found in own for amount in _selections(found)}

    def derives(self, output: str) -> bool:
        value = parse_number(normalize(output))
        if value is None:
            return False
        tenths = value * 10
        known = self.totals if tenths == tenths.to_integral_value() else self.totals | self.amounts
        return value in known or -value in known
