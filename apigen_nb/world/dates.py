"""Dates and times in pieces of a text."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import NamedTuple

from .amounts import Amount, Quantity, amount_at
from .pieces import Piece, is_date
from .vocabulary import months, ordinal_in_words, weekdays, words

NOON = 12 * 3600
DAY = 24 * 3600
_MOMENTS = {"noon": NOON, "midnight": 0, "mitternacht": 0, "mediodia": NOON, "medianoche": 0, "午夜": 0}
_OF = frozenset(("of", "de", "del"))
_NUMERIC_MONTH_BEFORE = words("am vom zum bis ab seit den dem el al hasta desde")
_AFTERNOON = words("afternoon evening nachmittags nachmittag abends abend tarde noche 下午 晚上 傍晚 午后 pm")
_MORNING = words("morning morgens vormittags fruh manana madrugada 上午 早上 凌晨 清晨 am")


class Day(NamedTuple):
    """A date; what is None was not said."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None


def same_day(one: Day, other: Day) -> bool:
    """Whether two may be the same date: what one leaves open fits anything."""
    if any(a is not None and b is not None and a != b for a, b in zip(one, other, strict=True)):
        return False
    year, month, day, weekday = (a if a is not None else b for a, b in zip(one, other, strict=True))
    if year is None or month is None or day is None or weekday is None:
        return True
    return is_date(year, month, day) and datetime.date(year, month, day).weekday() == weekday


def date_at(found: Sequence[Piece], i: int, language: str) -> Quantity | None:
    """The date that begins at a piece: an ISO or numeric one, 24 May, May 24, 24. Mai, 24 de mayo, 5月24日,
    the 24th."""
    piece = found[i]
    if piece.kind in ("date", "either date"):
        year, month, day = piece.value
        if piece.kind == "either date" and language in ("de", "es"):
            month, day = day, month
        return Quantity("date", _named(found, i, Day(year, month, day)), i + 1, piece.kind == "date")
    if piece.kind == "word" and piece.folded in months():
        return _month_first(found, i)
    return _chinese(found, i) or _day_first(found, i, language)


def _month(found: Sequence[Piece], i: int) -> int | None:
    if i >= len(found) or found[i].kind != "word":
        return None
    piece = found[i]
    return months().get(piece.folded)


def _day(found: Sequence[Piece], i: int) -> int | None:
    """The day of a month that a piece is."""
    if i >= len(found):
        return None
    piece = found[i]
    if piece.kind == "ordinal":
        return piece.value if is_date(None, None, piece.value) else None
    if piece.kind == "number" and piece.raw.isdigit() and len(piece.raw) < 3 and piece.inner == (False, False):
        return int(piece.raw) if is_date(None, None, int(piece.raw)) else None
    return None


def _year(found: Sequence[Piece], i: int) -> tuple[int | None, int]:
    """The year at a piece and the piece after it; none, and the same piece."""
    start = i + (i < len(found) and found[i].folded in ("de", "del") and not found[i].gap)
    if start >= len(found) or found[start].kind != "number" or found[start].gap not in ("", ","):
        return None, i
    return (int(found[start].raw), start + 1) if re.fullmatch(r"(?:19|20|21)\d\d", found[start].raw) else (None, i)


def _month_first(found: Sequence[Piece], i: int) -> Quantity | None:
    """May 24, 2026; May the 24th; May 2026."""
    month, start = _month(found, i), i + 1
    if start < len(found) and found[start].folded == "the":
        start += 1
    if start >= len(found) or found[start].gap not in ("", "."):
        return None
    day = _day(found, start)
    if day is None and found[start].kind == "word":
        phrase = found[start].raw + (f"-{found[start + 1].raw}" if found[start].inner[1] else "")
        day, start = ordinal_in_words(phrase.casefold()), start + found[start].inner[1]
    if day is None:
        year, end = _year(found, i + 1)
        return Quantity("date", Day(year, month, None), end) if year else None
    end = start + 1
    if end < len(found) and found[end].kind == "half":
        return None  # "in May 5 pm"
    year, end = _year(found, end)
    return Quantity("date", _named(found, i, Day(year, month, day)), end) if is_date(year, month, day) else None


def _day_first(found: Sequence[Piece], i: int, language: str) -> Quantity | None:
    """24 May 2026, 24. Mai, 24 de mayo de 2026, the 24th of May, 24.5. in German; the 24th."""
    day, start = _day(found, i), i + 1
    if day is None and found[i].kind == "word":
        phrase = found[i].raw + (f"-{found[i + 1].raw}" if found[i].inner[1] and i + 1 < len(found) else "")
        start = i + 1 + found[i].inner[1]
        day = _ordinal_before_month(found, phrase.casefold(), start)
    if day is None:
        return _with_point(found, i, language)
    at = start + (start < len(found) and found[start].folded in _OF)
    month = _month(found, at)
    if month is not None and found[at].gap in ("", ".") and not (found[at].gap and found[at].folded == "may"):
        year, end = _year(found, at + 1)
        if is_date(year, month, day):
            return Quantity("date", _named(found, i, Day(year, month, day)), end)
    if found[i].kind == "ordinal":
        return Quantity("date", _named(found, i, Day(None, None, day)), i + 1, sure=False)
    return None


def _ordinal_before_month(found: Sequence[Piece], word: str, start: int) -> int | None:
    at = start + (start < len(found) and found[start].folded in _OF)
    return ordinal_in_words(word) if _month(found, at) is not None and not found[at].gap else None


def _with_point(found: Sequence[Piece], i: int, language: str) -> Quantity | None:
    """24.05. after "am": elsewhere it is a number."""
    piece = found[i]
    if (
        piece.kind != "number"
        or language not in ("de", "es")
        or not i
        or found[i - 1].folded not in _NUMERIC_MONTH_BEFORE
    ):
        return None
    day, point, month = piece.raw.partition(".")
    if not point or not (day.isdigit() and month.isdigit()) or len(month) > 2:
        return None
    return Quantity("date", Day(None, int(month), int(day)), i + 1) if is_date(None, int(month), int(day)) else None


def _chinese(found: Sequence[Piece], i: int) -> Quantity | None:
    """2026年5月24日, 五月二十四号; 24日."""
    parts: dict[str, int] = {}
    at = i
    while at + 1 < len(found) and found[at].kind in ("number", "numeral") and (at == i or not found[at].gap):
        name = {"号": "日"}.get(found[at + 1].raw, found[at + 1].raw)
        if name not in ("年", "月", "日") or name in parts or found[at + 1].gap:
            break
        if (amount := amount_at(found, at, "")) is None:
            break
        parts[name] = int(amount.value)
        at += 2
    if not parts or set(parts) == {"年"} or set(parts) == {"月"}:
        return None
    day = Day(parts.get("年"), parts.get("月"), parts.get("日"))
    return Quantity("date", day, at, sure=len(parts) > 1) if is_date(day.year, day.month, day.day) else None


def _named(found: Sequence[Piece], i: int, day: Day) -> Day:
    """With the day of the week that stands before it: Sunday, the 24th of May."""
    before = [piece.folded for piece in found[max(i - 2, 0) : i]]
    for word in reversed(before):
        if word in weekdays():
            return day._replace(weekday=weekdays()[word])
        if word not in ("the", "den", "dem", "el"):
            break
    return day


def time_at(found: Sequence[Piece], i: int, amount: Amount | None) -> Quantity | None:
    """The time that begins at a piece: 14:30, 2:30 PM, 10 a.m., 14 Uhr, 14.30 Uhr, 下午2点30分, noon."""
    piece = found[i]
    if piece.kind == "time":
        half = _half(found, i + 1, i)
        return Quantity("time", _in_half(piece.value, half), i + 1 + _is_half(found, i + 1))
    if piece.kind == "word" and piece.folded in _MOMENTS:
        return Quantity("time", _MOMENTS[piece.folded], i + 1)
    if amount is None or amount.end >= len(found) or amount.value > 24 or found[amount.end].gap:
        return None
    after, end = found[amount.end], amount.end + 1
    hours = int(amount.value) * 3600
    if after.folded == "uhr":
        hour, _, minutes = piece.raw.partition(".")
        if minutes and len(minutes) == 2:
            return Quantity("time", int(hour) * 3600 + int(minutes) * 60, end)
        more = amount_at(found, end, "") if end < len(found) and not found[end].gap else None
        minutes_after = int(more.value) if more and not more.in_words and more.value < 60 else 0
        return Quantity("time", _in_half(hours + minutes_after * 60, _half(found, end, i)), end)
    if after.folded == "o" and [piece.folded for piece in found[end : end + 1]] == ["clock"]:
        return _by_the_clock(found, i, hours, end + 1)
    if after.raw == "点":
        return _by_the_clock(found, i, hours, end)
    half = _half(found, amount.end, i)
    if half and amount.value == int(amount.value) and amount.value <= 12:
        return Quantity("time", _in_half(hours, half), amount.end + _is_half(found, amount.end))
    return None


def _by_the_clock(found: Sequence[Piece], i: int, seconds: int, end: int) -> Quantity:
    if end < len(found) and found[end].raw == "半":
        seconds, end = seconds + 1800, end + 1
    elif end < len(found) and not found[end].gap and (more := amount_at(found, end, "")) and more.value < 60:
        seconds, end = seconds + int(more.value) * 60, more.end
        end += end < len(found) and found[end].raw == "分"
    half = _half(found, end, i)
    return Quantity("time", _in_half(seconds, half), end, sure=bool(half) or seconds > NOON)


def _is_half(found: Sequence[Piece], at: int) -> bool:
    return at < len(found) and found[at].kind == "half"


def _half(found: Sequence[Piece], at: int, start: int) -> str:
    """Which half of the day is said after or, in Chinese, before a time: "am", "pm" or ""."""
    if _is_half(found, at):
        return "pm" if found[at].folded[0] == "p" else "am"
    after = [piece.folded for piece in found[at : at + 3]]
    before = "".join(piece.raw for piece in found[max(start - 2, 0) : start])
    if (after[:1] in (["in"], ["de"], ["por"]) and len(after) > 2) or after[:1] == ["at"]:
        word = after[2] if len(after) > 2 else ""
    else:
        word = after[0] if after else ""
    if word in _AFTERNOON or before in _AFTERNOON:
        return "pm"
    return "am" if word in _MORNING or before in _MORNING else ""


def _in_half(seconds: int, half: str) -> int:
    """Seconds since midnight of a time said in twelve hours."""
    if half == "pm" and seconds < NOON:
        return seconds + NOON
    if half == "am" and NOON <= seconds < NOON + 3600:
        return seconds - NOON
    return seconds % DAY
