"""What an agent can know: the values of its policy, its tools, the user's words and the results, and what follows."""

from __future__ import annotations

import datetime
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from ...records import canonical
from ...world.dates import Day, same_day
from ...world.domain import Domain
from ...world.typed_values import Value, find_values
from ...world.values import facts

COUNTED = 12  # so many things are counted without a word about it
TIMES = 9  # so many times a price is taken
SUMMED = 12  # so many numbers of one field are added in any choice
_MAIL = re.compile(r"[^\s@<>,;:()\"']{1,64}@[^\s@<>,;:()\"']{1,255}\w")  # without bounds: quadratic in long texts
_UNIT_SECONDS = {"day": 86_400, "hour": 3600, "minute": 60}


@dataclass
class Known:
    """The values that were told so far: numbers without their units, and those of results by field; days, and those
    that are no result's (`anchors`); runs of digits; e-mail addresses."""

    numbers: set[Decimal] = field(default_factory=set)
    fields: dict[str, list[Decimal]] = field(default_factory=lambda: defaultdict(list))
    days: set[Day] = field(default_factory=set)
    anchors: set[Day] = field(default_factory=set)
    values: set[tuple[str, object]] = field(default_factory=set)
    digits: set[str] = field(default_factory=set)
    mails: set[str] = field(default_factory=set)

    def copy(self) -> Known:
        return Known(
            numbers=set(self.numbers),
            fields=defaultdict(list, self.fields),
            days=set(self.days),
            anchors=set(self.anchors),
            values=set(self.values),
            digits=set(self.digits),
            mails=set(self.mails),
        )

    def hear(self, text: str) -> None:
        """Take in what the policy or the user says."""
        self._read(text)
        self.anchors |= {value.value for value in find_values(text) if value.type == "date"}

    def _read(self, text: str) -> None:
        self.digits |= _digits(text)
        self.mails |= _mails(text)
        for value in find_values(text):
            self.values.add((value.type, canonical(value.value)))
            self.numbers |= set(_numbers(value))
            if value.type == "date":
                self.days.add(value.value)

    def look_at(self, result: str) -> None:
        """Take in what a call gave, or the arguments of one."""
        found = list(facts(result))
        for fact in found:
            if isinstance(fact.value, bool):
                continue
            if isinstance(fact.value, int | float):
                number = Decimal(str(fact.value))
                self.numbers.add(number)
                self.fields[fact.key].append(number)
                self.digits |= _digits(str(fact.value))
            else:
                self._read(fact.value)
        if not found:
            self._read(result)

    def has(self, value: Value) -> bool:
        """Whether a value is known or follows: amounts from one another, a time from two days. What may follow in other
        ways is for judges to see."""
        if (value.type, canonical(value.value)) in self.values:
            return True
        numbers = list(_numbers(value))
        if not self.numbers.isdisjoint(numbers):
            return True
        if value.type == "money":
            return any(map(self._follows, numbers))
        if value.type in ("percentage", "quantity", "duration"):
            return self._lies_between_days(value)
        if value.type == "date" and any(same_day(value.value, day) for day in self.days):
            return True
        small = value.type in ("number", "count") and abs(value.value) <= COUNTED
        return small or _digits(value.text) <= self.digits or any(map(self._follows, numbers))

    def _follows(self, number: Decimal) -> bool:
        """Whether a number is the sum or difference of two of which a result has one, a few times one of them, or the
        sum of numbers of one field."""
        wanted, known = abs(number), {abs(one) for one in self.numbers}
        given = {abs(one) for numbers in self.fields.values() for one in numbers}
        if any(abs(wanted - one) in known or wanted + one in known for one in given if one):
            return True
        if any((one > COUNTED or one % 1) and wanted % one == 0 and wanted / one <= TIMES for one in known):
            return True
        return any(wanted in _sums(tuple(numbers)) for numbers in self.fields.values())

    def _lies_between_days(self, value: Value) -> bool:
        """Whether a duration is the time from a day that policy or user have told, such as today, to any other."""
        if value.type != "duration":
            return False
        months, seconds = value.value
        gaps = {abs((one - other).days) for one in _dates(self.anchors) for other in _dates(self.days)}
        return any(months * 28 + seconds / 86_400 <= days <= months * 31 + seconds / 86_400 for days in gaps)


@functools.lru_cache(maxsize=8)
def known_to_all(domain: Domain, policy: str) -> Known:
    """What stands in the policy and in the descriptions of tools."""
    known = Known()
    known.hear(policy)
    for fact in facts(list(domain.schemas)):
        if isinstance(fact.value, str):
            known.hear(fact.value)
        else:
            known.look_at(canonical(fact.value))
    return known


def told_mails(text: str) -> Iterator[str]:
    """The e-mail addresses in a text."""
    return iter(_MAIL.findall(text))


def _mails(text: str) -> set[str]:
    return {mail.casefold() for mail in told_mails(text)}


def _dates(days: Iterable[Day]) -> Iterator[datetime.date]:
    for year, month, day, _ in days:
        with suppress(TypeError, ValueError):  # what is not said of it, or never was a date
            yield datetime.date(year, month, day)  # type: ignore[arg-type]


def _digits(text: str) -> set[str]:
    return {run.lstrip("0") or "0" for run in re.findall(r"\d+", text)}


def _numbers(value: Value) -> Iterator[Decimal]:
    """The number of a value without its unit."""
    if value.type in ("money", "quantity"):
        yield value.value[0]
    elif value.type in ("number", "count", "percentage"):
        yield value.value
    elif value.type == "duration":
        yield from (one.value for one in find_values(value.text.split()[0]) if one.type in ("number", "count"))
        yield from (Decimal(value.value[1]) / seconds for seconds in _UNIT_SECONDS.values() if value.value[1])
        yield from [Decimal(value.value[0])] if value.value[0] else []


@functools.lru_cache(maxsize=1024)
def _sums(numbers: Sequence[Decimal]) -> frozenset[Decimal]:
    """The sums of any choice among a few numbers; of many, of all of them."""
    if len(numbers) > SUMMED:
        return frozenset([sum(numbers, Decimal(0))])
    sums = {Decimal(0)}
    for number in numbers:
        sums |= {one + number for one in sums}
    return frozenset(sums)
