"""Amounts in pieces of a text: figures and number words, and what they are amounts of."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from .pieces import Piece
from .vocabulary import (
    ARTICLES,
    CENTS,
    DOLLARS,
    HALF,
    PERCENT,
    chinese_number,
    currencies,
    number_in_words,
    units,
    words,
)

MAX_WORDS = 12  # of a number in words
_AND = frozenset(("and", "und", "y", "e", "con", "mit", "with"))
# What "one" is said after where it counts nothing: this one, no one.
_POINTING = words("this that the which no any each every other another new old right wrong")
_MEASURES = frozenset("个件张份次位笔单条台本只双套箱家人名项款瓶辆部包盒种")
_BETWEEN = words("full more whole calendar consecutive additional further us american volle ganze")
_WORKING = words("business working werktag")
_BEFORE_DIGITS = words("ending ends end endet endend endziffern terminada termina terminado")
MONTHS_IN = {"month": 1, "year": 12}
SECONDS_IN = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


class Amount(NamedTuple):
    """A number, its other reading, and the piece after it. `sure` is False where the word may count nothing."""

    value: Decimal
    other: Decimal | None
    end: int
    sure: bool = True
    in_words: bool = False


class Quantity(NamedTuple):
    """An amount of something: its type, its value as values of that type are compared, and the piece after it."""

    type: str
    value: object
    end: int
    sure: bool = True


def amount_at(found: Sequence[Piece], i: int, language: str) -> Amount | None:
    """The number that begins at a piece."""
    piece = found[i]
    if piece.kind == "number":
        value, other = piece.value
        if other is not None and language in ("de", "es"):
            value, other = other, value
        return _multiplied(found, Amount(value, other, i + 1), language)
    if piece.kind == "numeral":
        return _chinese(found, i)
    if piece.folded in HALF and (dozen := _half_a_dozen(found, i)):
        return dozen
    return _in_words(found, i, language) if piece.kind == "word" else None


def _chinese(found: Sequence[Piece], i: int) -> Amount | None:
    """Chinese numerals, a single one only where something is counted: 一起 and 第一 count nothing."""
    value = chinese_number(found[i].raw)
    if value is None or (i and found[i - 1].raw in ("第", "星期", "周", "期", "拜")):
        return None
    after = found[i + 1] if i + 1 < len(found) and not found[i + 1].gap else None
    counting = after and (after.raw in _MEASURES or after.folded in units() or after.raw in "年月日号点分元块")
    percent = i and found[i - 1].raw == "百分之"
    if len(found[i].raw) == 1 and len(found) > 1 and not (counting or percent):
        return None
    return Amount(value, None, i + 1, found[i].raw != "一", True)


def _in_words(found: Sequence[Piece], i: int, language: str) -> Amount | None:
    """The longest run of words that is one number."""
    if number_in_words(found[i].raw.casefold(), language) is None:
        return _and_a_half_in_one_word(found, i, language)
    end = i + 1
    while end < min(len(found), i + MAX_WORDS) and not found[end].gap and found[end].kind == "word":
        linked = found[end].folded in _AND and end + 1 < len(found)
        if number_in_words(found[end + linked].raw.casefold(), language) is None:
            break
        end += 1 + linked
    for last in range(end, i, -1):
        phrase = " ".join(piece.raw.casefold() for piece in found[i:last])
        value = number_in_words(phrase, language)
        if value is not None:
            break
    else:
        return None
    vague = last == i + 1 and found[i].folded in ARTICLES
    if vague and i and found[i - 1].folded in _POINTING and not found[i].gap:
        return None
    return _multiplied(found, Amount(value, None, last, not vague, True), language)


def _and_a_half_in_one_word(found: Sequence[Piece], i: int, language: str) -> Amount | None:
    """ "zweieinhalb" is 2.5, "anderthalb" 1.5."""
    word = found[i].raw.casefold()
    if word == "anderthalb":
        return Amount(Decimal("1.5"), None, i + 1, True, True)
    value = number_in_words(word.removesuffix("einhalb"), language) if word.endswith("einhalb") else None
    return None if value is None else Amount(value + Decimal("0.5"), None, i + 1, True, True)


def _half_a_dozen(found: Sequence[Piece], i: int) -> Amount | None:
    end = i + 1 + (i + 1 < len(found) and found[i + 1].folded in ARTICLES)
    if end < len(found) and number_in_words(found[end].folded) == 12 and found[end].folded.startswith("do"):
        return Amount(Decimal(6), None, end + 1, True, True)
    return None


def _multiplied(found: Sequence[Piece], amount: Amount, language: str) -> Amount:
    """With what follows: "1.5 thousand", "two dozen", "3万", "two and a half"."""
    value, other, end, sure, in_words = amount
    while end < len(found) and not found[end].gap and found[end].kind in ("word", "numeral"):
        by = _magnitude(found[end], language)
        if by is None:
            break
        value, other, end, sure = value * by, None, end + 1, True
    if end >= len(found) or found[end].folded not in ("and", "y", "und"):
        return Amount(value, other, end, sure, in_words)
    after = [piece.folded for piece in found[end : end + 3]]
    for tail in (("and", "a", "half"), ("y", "media"), ("y", "medio"), ("und", "eine", "halbe")):
        if tuple(after[: len(tail)]) == tail:
            return Amount(value + Decimal("0.5"), None, end + len(tail), True, in_words)
    return Amount(value, other, end, sure, in_words)


@functools.lru_cache(maxsize=4096)
def _magnitude_of(word: str, language: str) -> Decimal | None:
    by = number_in_words(word, language)
    return by if by is not None and by in (12, 100, 1000, 10**6, 10**9) and not word.startswith(("zw", "tw")) else None


def _magnitude(piece: Piece, language: str) -> Decimal | None:
    if piece.kind == "numeral":
        return chinese_number(piece.raw) if piece.raw in ("百", "千", "万", "亿") else None
    return _magnitude_of(piece.raw.casefold(), language)


def quantity_at(found: Sequence[Piece], first: int, i: int, amount: Amount) -> Quantity | None:
    """What an amount that begins at piece `i` is an amount of: money, a percentage, a duration, so many kilograms; None
    for a mere number. A currency may stand from piece `first` on."""
    money = _money(found, first, i, amount)
    if money or amount.end >= len(found):
        return money or _hundredths(found, i, amount)
    after = found[amount.end]
    if not after.gap:
        if after.folded in PERCENT:
            return Quantity("percentage", amount.value, amount.end + 1)
        if after.folded in ("per", "por") and [p.folded for p in found[amount.end : amount.end + 2]] in (
            ["per", "cent"],
            ["por", "ciento"],
        ):
            return Quantity("percentage", amount.value, amount.end + 2)
        if unit := _unit(found, amount.end):
            return _of_unit(found, amount, *unit)
    return _hundredths(found, i, amount)


def _hundredths(found: Sequence[Piece], i: int, amount: Amount) -> Quantity | None:
    return Quantity("percentage", amount.value, amount.end) if i and found[i - 1].raw == "百分之" else None


def _money(found: Sequence[Piece], first: int, i: int, amount: Amount) -> Quantity | None:
    """Money, with its cents. A currency stands before or behind."""
    currency, end = next(filter(None, map(currency_of, found[first:i])), None), amount.end
    after = found[end] if end < len(found) and not found[end].gap else None
    if after and after.folded in _BETWEEN and end + 1 < len(found) and currency_of(found[end + 1]):
        after, end = found[end + 1], end + 1
    if after and after.folded in CENTS and currency is None:
        return Quantity("money", (amount.value / 100, "cent"), end + 1)
    behind = currency_of(after) if after else None
    if behind:
        currency, end = behind, end + 1
    if currency is None:
        return None
    cents = _cents(found, end)
    return Quantity(
        "money", (amount.value + (cents.value / 100 if cents else 0), currency), cents.end if cents else end
    )


def _cents(found: Sequence[Piece], end: int) -> Amount | None:
    start = end + (end < len(found) and found[end].folded in _AND)
    cents = amount_at(found, start, "") if start < len(found) and not found[start].gap else None
    if cents and cents.end < len(found) and found[cents.end].folded in CENTS and cents.value < 100:
        return cents._replace(end=cents.end + 1)
    return None


def currency_of(piece: Piece) -> str | None:
    """The currency that a sign, a name or a code is of; codes are in capitals, or beside an amount in none."""
    if piece.kind not in ("sign", "word", "unit"):
        return None
    return currencies().get(piece.folded)


def same_currency(one: str, other: str) -> bool:
    """Whether two may be the same: any dollar is called "$", yen and yuan "¥", and cents are cents of any."""
    if one == other or "cent" in (one, other) or "" in (one, other):
        return True
    pair = {one, other}
    return ("$" in pair and bool(pair & DOLLARS)) or ("¥" in pair and bool(pair & {"JPY", "CNY"}))


def _unit(found: Sequence[Piece], end: int) -> tuple[str, int] | None:
    """The unit at a piece and the piece after it; "business days" are a unit of their own."""
    working = found[end].folded in _WORKING
    start = end + (working or found[end].folded in _BETWEEN)
    if start >= len(found) or found[start].gap:
        return None
    unit = units().get(found[start].folded)
    if found[start].folded in ("werktag", "werktage", "werktagen"):
        return "business day", start + 1
    if unit is None or (working and unit != "day") or found[start].raw in ("MO", "OZ", "H", "W", "T", "L", "G"):
        return None
    return ("business day" if working else unit), start + 1


def _of_unit(found: Sequence[Piece], amount: Amount, unit: str, end: int) -> Quantity:
    """An amount of a unit; of time, with the smaller units that follow: 1 year and 6 months, 2 hours 30 minutes."""
    if unit not in MONTHS_IN and unit not in SECONDS_IN:
        return Quantity(*of_unit(amount.value, unit), end)
    value = duration(amount.value, unit)
    if [piece.folded for piece in found[end : end + 3]] == ["and", "a", "half"]:
        return Quantity("duration", duration(amount.value + Decimal("0.5"), unit), end + 3)
    start = end + (end < len(found) and found[end].folded in _AND)
    more = amount_at(found, start, "") if start < len(found) and found[start].gap in ("", ",") else None
    if more and more.end < len(found) and not found[more.end].gap and (next_unit := _unit(found, more.end)):
        smaller = duration(Decimal(1), next_unit[0]) if next_unit[0] in {**MONTHS_IN, **SECONDS_IN} else None
        if smaller and smaller < duration(Decimal(1), unit):
            added = duration(more.value, next_unit[0])
            return Quantity("duration", (value[0] + added[0], value[1] + added[1]), next_unit[1])
    return Quantity("duration", value, end)


def of_unit(value: Decimal, unit: str) -> tuple[str, object]:
    """Type and value of an amount of a unit."""
    if unit in MONTHS_IN or unit in SECONDS_IN:
        return "duration", duration(value, unit)
    return "quantity", (value, unit)


def duration(value: Decimal, unit: str) -> tuple[Decimal, Decimal]:
    """So many months and so many seconds: a year is twelve months, but no month a number of days."""
    return value * MONTHS_IN.get(unit, 0), value * SECONDS_IN.get(unit, 0)


def is_ending(found: Sequence[Piece], i: int) -> bool:
    """Whether the figures at a piece are said to be the last of something: a card ending in 7312."""
    before = [piece.folded for piece in found[max(i - 2, 0) : i]]
    return any(word in _BEFORE_DIGITS for word in before) or before[-2:] == ["尾", "号"]
