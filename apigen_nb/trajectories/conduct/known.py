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
from typing import Any, NamedTuple

from ...records import canonical
from ...world.dates import Day, same_day
from ...world.domain import Domain
from ...world.typed_values import Value, find_values
from ...world.values import facts, facts_of_result

COUNTED = 12  # so many things are counted without a word about it
TIMES = 9  # so many times a price is taken
SUMMED = 12  # so many numbers of one field are added in any choice
_MAIL = re.compile(r"[^\s@<>,;:()\"']{1,64}@[^\s@<>,;:()\"']{1,255}\w")  # without bounds: quadratic in long texts
_RUN = re.compile(r"\d+")
_UNIT_SECONDS = {"day": 86_400, "hour": 3600, "minute": 60}


class Gleaned(NamedTuple):
    """What one text or result tells: values with their types, numbers without their units, days, runs of digits, e-mail
    addresses; of a result also its numbers by field."""

    values: frozenset[tuple[str, str]]
    numbers: frozenset[Decimal]
    days: frozenset[Day]
    digits: frozenset[str]
    mails: frozenset[str]
    fields: tuple[tuple[str, Decimal], ...] = ()


NOTHING = Gleaned(frozenset(), frozenset(), frozenset(), frozenset(), frozenset())


@dataclass
class Known:
    """What was told so far: by policy, tools and user (`heard`, whose days are anchors), and by results and the
    arguments of calls (`seen`). A text is read when a value is looked for that nothing before it tells."""

    general: Gleaned = NOTHING
    heard: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def hear(self, text: str) -> None:
        """Take in what the user says."""
        self.heard.append(text)

    def look_at(self, result: str) -> None:
        """Take in what a call gave, or the arguments of one: JSON, or a text."""
        self.seen.append(result)

    def _parts(self) -> Iterator[Gleaned]:
        yield from map(gleaned_of_result, self.seen)
        yield self.general
        yield from map(gleaned, self.heard)

    def has(self, value: Value) -> bool:
        """Whether a value is known or follows: amounts from one another, a time from two days. What may follow in other
        ways is for judges to see."""
        key, numbers = _key(value), list(_numbers(value))
        if self._is_at_hand(value, key, numbers):
            return True
        if any(key in part.values or not part.numbers.isdisjoint(numbers) for part in self._parts()):
            return True
        if value.type == "money":
            return any(map(self._follows, numbers))
        if value.type in ("percentage", "quantity", "duration"):
            return self._lies_between_days(value)
        if value.type == "date" and any(same_day(value.value, day) for part in self._parts() for day in part.days):
            return True
        small = value.type in ("number", "count") and abs(value.value) <= COUNTED
        return small or self._has_digits(value.text) or any(map(self._follows, numbers))

    def _is_at_hand(self, value: Value, key: tuple[str, str], numbers: Sequence[Decimal]) -> bool:
        """Whether a value stands as it is told in a policy, a result or a text: most do, and the rest of what was told
        need not be read to see it."""
        if key in self.general.values or not self.general.numbers.isdisjoint(numbers):
            return True
        if any(not numbers_of_result(result).isdisjoint(numbers) for result in self.seen):
            return True
        texts = (text for result in self.seen if value.text in result for text in texts_of_result(result))
        return any(key in gleaned(text).values for text in (*texts, *self.heard) if value.text in text)

    def has_mail(self, mail: str) -> bool:
        """Whether an e-mail address is known."""
        mail = mail.casefold()
        texts = (text for result in self.seen for text in texts_of_result(result))
        told = (one for text in (*self.heard, *texts) if "@" in text for one in told_mails(text))
        return mail in self.general.mails or any(mail == one.casefold() for one in told)

    def _has_digits(self, text: str) -> bool:
        return all(any(run in part.digits for part in self._parts()) for run in _digits(text))

    def _follows(self, number: Decimal) -> bool:
        """Whether a number is the sum or difference of two of which a result has one, a few times one of them, or the
        sum of numbers of one field."""
        wanted, known = abs(number), {abs(one) for part in self._parts() for one in part.numbers}
        fields = defaultdict[str, list[Decimal]](list)
        for name, one in (pair for part in self._parts() for pair in part.fields):
            fields[name].append(one)
        given = {abs(one) for numbers in fields.values() for one in numbers}
        if any(abs(wanted - one) in known or wanted + one in known for one in given if one):
            return True
        if any((one > COUNTED or one % 1) and wanted % one == 0 and wanted / one <= TIMES for one in known):
            return True
        return any(wanted in _sums(tuple(numbers)) for numbers in fields.values())

    def _lies_between_days(self, value: Value) -> bool:
        """Whether a duration is the time from a day that policy or user have told, such as today, to any other."""
        if value.type != "duration":
            return False
        months, seconds = value.value
        anchors = {*self.general.days, *(day for text in self.heard for day in gleaned(text).days)}
        days = {day for part in self._parts() for day in part.days}
        gaps = {abs((one - other).days) for one in _dates(anchors) for other in _dates(days)}
        return any(months * 28 + seconds / 86_400 <= days <= months * 31 + seconds / 86_400 for days in gaps)


@functools.lru_cache(maxsize=8)
def known_to_all(domain: Domain, policy: str) -> Gleaned:
    """What stands in the policy and in the descriptions of tools."""
    told = (fact.value for fact in facts(list(domain.schemas)))
    return _union([gleaned(policy), *(gleaned(one if isinstance(one, str) else canonical(one)) for one in told)])


@functools.lru_cache(maxsize=8192)
def gleaned(text: str) -> Gleaned:
    """What a text tells: the policy, what the user says, a text in a result."""
    values, digits = find_values(text), _digits(text)
    if not (values or digits or "@" in text):
        return NOTHING
    return Gleaned(
        values=frozenset(map(_key, values)),
        numbers=frozenset(number for value in values for number in _numbers(value)),
        days=frozenset(value.value for value in values if value.type == "date"),
        digits=digits,
        mails=frozenset(mail.casefold() for mail in told_mails(text)),
    )


@functools.lru_cache(maxsize=2048)
def gleaned_of_result(result: str) -> Gleaned:
    """What a call gave, or the arguments of one, tells; `result` is JSON or a text."""
    fields = tuple((f.key, Decimal(str(f.value))) for f in facts_of_result(result) if _is_number(f.value))
    digits = (_digits(str(number)) for _, number in fields)
    bare = NOTHING._replace(numbers=numbers_of_result(result), digits=frozenset[str]().union(*digits))
    told = (one for one in map(gleaned, texts_of_result(result)) if one is not NOTHING)
    return _union([bare, *told])._replace(fields=fields)


@functools.lru_cache(maxsize=2048)
def numbers_of_result(result: str) -> frozenset[Decimal]:
    """The numbers that a result has as such, not in texts."""
    return frozenset(Decimal(str(fact.value)) for fact in facts_of_result(result) if _is_number(fact.value))


@functools.lru_cache(maxsize=2048)
def texts_of_result(result: str) -> tuple[str, ...]:
    """The texts in a result, each once; the result itself where it has no facts."""
    found = facts_of_result(result)
    return tuple(dict.fromkeys(f.value for f in found if isinstance(f.value, str))) if found else (result,)


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bool)


def _union(parts: Sequence[Gleaned]) -> Gleaned:
    """All that these tell, without the fields."""
    nothing = frozenset[Any]()
    values, numbers, days, digits, mails, _ = (nothing.union(*found) for found in zip(*parts, strict=True))
    return Gleaned(values, numbers, days, digits, mails)


def _key(value: Value) -> tuple[str, str]:
    """A value as it is compared to the letter."""
    return value.type, str(value.value)


def told_mails(text: str) -> Iterator[str]:
    """The e-mail addresses in a text."""
    return iter(_MAIL.findall(text))


def _dates(days: Iterable[Day]) -> Iterator[datetime.date]:
    for year, month, day, _ in days:
        with suppress(TypeError, ValueError):  # what is not said of it, or never was a date
            yield datetime.date(year, month, day)  # type: ignore[arg-type]


def _digits(text: str) -> frozenset[str]:
    return frozenset(run.lstrip("0") or "0" for run in _RUN.findall(text))


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
