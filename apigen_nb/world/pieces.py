"""A text in pieces, as its values are read: words, figures, dates, times, identifiers, signs; Chinese character by
character but for numerals and units."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from .vocabulary import FUNCTION_WORDS, currencies, fold, months, units

MAX_DIGITS = 30  # figures of more are no amount of anything
_HAN = "\u3005-\u3007\u3400-\u9fff"
_W = rf"[^\W{_HAN}]"
_NUMERAL = "[〇零一二三四五六七八九十百千万亿两]"
_CHUNK = rf"#?{_W}+(?:-{_W}+|(?<=\d)[.,:/'’](?=\d){_W}+)*"
# The first alternative is a word beside which nothing stands that would make more of it: most pieces are such.
_PIECES = (
    rf"(?P<half>(?<=\d)\s?[apAP]\.?\s?[mM]\b\.?)|[ ]*(?:"
    rf"(?P<plain>(?<!\d)[A-Za-z]+(?![\w@+-]|\.[\w.+@-]|\.\s?[mM]))"
    rf"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    rf"|(?P<clock>\b[apAP]\.\s?[mM]\.)"
    rf"|(?P<possessive>(?<=\w)['’][sS]\b)"
    rf"|(?P<chunk>{_CHUNK})"
    rf"|(?P<numeral>(?!百分之){_NUMERAL}+(?:点[〇零一二三四五六七八九]+(?![十分刻]))?)"
    rf"|(?P<unit>个月|個月|个星期|星期|个小时|小时|分钟|公斤|千克|公里|人民币|美元|欧元|英镑|日元|百分之|[{_HAN}])"
    rf"|(?P<sign>[$€£¥₹₩%¢])"
    rf"|(?P<minus>-(?=[$€£¥]?\d)))"
)
_DASHES = str.maketrans("‐‑‒–—−", "------", "")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d{1,3}(?:['’]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_DATE = re.compile(r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:t(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?")
_SHORT_DATE = re.compile(r"(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)|(\d\d?)/(\d{4})()()")
_MONTH = re.compile(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?:z|h|([ap]m))?")
_WITH_UNIT = re.compile(rf"({_NUMBER})([^\W\d_]+)?")
_RANGE = re.compile(rf"({_NUMBER})-({_NUMBER})")
_MAGNITUDES = {"k": 1_000, "m": 1_000_000, "mn": 1_000_000, "bn": 1_000_000_000}


class Piece(NamedTuple):
    """A piece from `start` to `end`. `gap` is what stands before it but white space, `inner` whether it begins and
    ends within a hyphenated word. `value` by kind: number (Decimal, other reading or None), ordinal int, date
    (year, month, day), time seconds."""

    kind: str
    value: Any
    folded: str
    start: int
    end: int
    gap: str = ""
    inner: tuple[bool, bool] = (False, False)
    raw: str = ""


def plain(text: str) -> str:
    """The text that pieces stand in: full-width figures and signs made ordinary ones, dashes hyphens."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES)


def pieces(text: str) -> list[Piece]:
    """The pieces of a `plain` text in their order."""
    found, last = list[Piece](), 0
    for match in _pattern().finditer(text):
        kind = str(match.lastgroup)
        (start, end), raw = match.span(kind), match[kind]
        gap = text[last:start]
        gap, last = "" if gap == " " else gap.strip(), end
        if kind == "plain":
            found.append(Piece("word", None, fold(raw), start, end, gap, (False, False), raw))
        elif kind == "chunk":
            for sort, value, folded, begins, ends, _, inner, written in _of_chunk(raw):
                found.append(Piece(sort, value, folded, start + begins, start + ends, gap, inner, written))
                gap = ""
        elif kind != "possessive":
            kind = "half" if kind == "clock" else kind
            found.append(Piece(kind, None, fold(raw).replace(" ", ""), start, end, gap, raw=raw))
    return found


@functools.cache
def _pattern() -> re.Pattern[str]:
    return re.compile(_PIECES)  # 10 ms that only who reads a text pays


def language_of(found: list[Piece]) -> str:
    """The language whose function words a text has most of; English where it has none."""
    words = {piece.folded for piece in found}
    if words.isdisjoint(FUNCTION_WORDS["de"]) and words.isdisjoint(FUNCTION_WORDS["es"]):
        return "en"
    counts = {name: len(words & known) for name, known in FUNCTION_WORDS.items()}
    return max(counts, key=lambda name: (counts[name], name == "en"))


@functools.lru_cache(maxsize=65536)
def _of_chunk(chunk: str) -> tuple[Piece, ...]:
    """The pieces of words and figures that stand together; starts count from the chunk's."""
    if not any(map(str.isdigit, chunk)):
        return tuple(_words(chunk, 0, whole=True))
    text = chunk.casefold()
    figures = _figures(text) if chunk.isascii() or not chunk.startswith("#") else None
    if figures is None:
        return (Piece("identifier", None, fold(chunk), 0, len(chunk), raw=chunk),)
    return tuple(piece._replace(raw=chunk[piece.start : piece.end]) for piece in figures)


def _words(chunk: str, offset: int, *, whole: bool) -> Iterator[Piece]:
    parts = list(re.finditer(r"[^-_]+", chunk))
    for number, part in enumerate(parts):
        inner = (number > 0 or not whole, number < len(parts) - 1)
        start, end = offset + part.start(), offset + part.end()
        yield Piece("word", None, fold(part.group()), start, end, "", inner, part.group())


def _moment(text: str) -> list[Piece] | None:
    """A date or a time in figures."""
    size = len(text)
    if found := _DATE.fullmatch(text):
        return _date_and_time(found, size)
    if found := _MONTH.fullmatch(text):
        return [Piece("date", (int(found[1]), int(found[2]), None), text, 0, size)]
    if found := _SHORT_DATE.fullmatch(text):
        return _short_date(found, text, size)
    if found := _TIME.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3))
        half = [Piece("half", None, found[4], found.start(4), size)] if found[4] else []
        return [Piece("time", hour * 3600 + minute * 60 + second, text, 0, size), *half]
    return None


def _figures(text: str) -> list[Piece] | None:
    """The pieces of a chunk with figures, or None where it is an identifier."""
    if (moment := _moment(text)) is not None:
        return moment
    if found := _RANGE.fullmatch(text):
        one, other = (number(part) for part in found.groups())
        if one and other and one[0] < other[0] and not text.startswith("0"):
            ends = found.span(1), found.span(2)
            return [Piece("range", v, text[s:e], s, e) for (s, e), v in zip(ends, (one, other), strict=True)]
    figures, hyphen, rest = text.partition("-")
    found = _WITH_UNIT.fullmatch(figures)
    if not found or (hyphen and (any(map(str.isdigit, rest)) or not (rest in _all_units() or len(rest) > 2))):
        return None
    head = _number_and_unit(found, hyphen=bool(hyphen))
    if head is None or not hyphen:
        return head
    return [*head, *_words(rest, len(figures) + 1, whole=False)]


def _number_and_unit(found: re.Match[str], *, hyphen: bool) -> list[Piece] | None:
    written, unit = found.groups()
    value = number(written)
    if value is None or (written.startswith("0") and written.isdigit() and len(written) > 2):
        return None
    end, joined = found.end(1), (False, hyphen)
    if not unit:
        return [Piece("number", value, written, 0, end, "", joined)]
    if unit in ("st", "nd", "rd", "th", "º", "ª") and written.isdigit():
        return [Piece("ordinal", int(written), written, 0, found.end(), "", joined)]
    if unit in _MAGNITUDES:
        return [Piece("number", (value[0] * _MAGNITUDES[unit], None), found.group(), 0, found.end(), "", joined)]
    if unit in ("am", "pm"):
        return [Piece("number", value, written, 0, end), Piece("half", None, unit, end, found.end())]
    if unit in _all_units():
        pair = Piece("number", value, written, 0, end, "", (False, True))
        return [pair, Piece("word", None, fold(unit), end, found.end(), "", (True, hyphen))]
    return None


@functools.cache
def _all_units() -> frozenset[str]:
    """What may stand right behind a figure."""
    return frozenset((*units(), *currencies(), *months(), "uhr", "percent"))


def number(written: str) -> tuple[Decimal, Decimal | None] | None:
    """The number that figures are, and their other reading where languages differ: "1.250" is 1.25 in English and 1250
    in German. None where there are too many figures."""
    if sum(map(str.isdigit, written)) > MAX_DIGITS or not re.fullmatch(_NUMBER, written):
        return None
    bare = re.sub("['’]", "", written)
    signs = [character for character in bare if character in ",."]
    if not signs:
        return Decimal(bare), None
    if len(signs) > 1:  # the last one is of decimals where it is another
        decimal = signs[-1] if signs[-1] != signs[0] else ""
        return Decimal("".join("." if c == decimal else c for c in bare if c not in ",." or c == decimal)), None
    whole, sign, rest = re.split(r"([.,])", bare)
    small, large = Decimal(f"{whole}.{rest}"), Decimal(whole + rest)
    if len(rest) != 3 or len(whole) > 3 or whole.startswith("0"):
        return small, None
    return (small, large) if sign == "." else (large, small)


def _date_and_time(found: re.Match[str], size: int) -> list[Piece] | None:
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups())
    if not is_date(year, month, day):
        return None
    end = found.end(3)
    parts = [Piece("date", (year, month, day), "", 0, end)]
    if hour is not None:
        parts.append(Piece("time", hour * 3600 + (minute or 0) * 60 + (second or 0), "", end, size))
    return parts


def _short_date(found: re.Match[str], text: str, size: int) -> list[Piece] | None:
    """05/24/2026 and 24.05.2026; which of two small figures is the month, the language of the text decides."""
    if found.group(6):
        return [Piece("date", (int(found[6]), int(found[5]), None), text, 0, size)] if int(found[5]) < 13 else None
    one, sign, other, last = found.group(1, 2, 3, 4)
    year = int(last) + (2000 if len(last) == 2 else 0)
    if sign == "-" and len(last) == 2:
        return None
    ways = [(m, d) for m, d in ((int(one), int(other)), (int(other), int(one))) if is_date(year, m, d)]
    if not ways:
        return None
    if sign == "." and is_date(year, int(other), int(one)):
        ways = [(int(other), int(one))]
    kind = "date" if len(set(ways)) == 1 else "either date"
    return [Piece(kind, (year, *ways[0]), text, 0, size)]


def is_date(year: int | None, month: int | None, day: int | None) -> bool:
    """Whether there is such a day; what is None may be any."""
    try:
        date(2024 if year is None else year, 1 if month is None else month, 1 if day is None else day)
    except (ValueError, OverflowError):  # a year of 12 figures
        return False
    return True
