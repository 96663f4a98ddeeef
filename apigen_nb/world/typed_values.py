"""The values that a text tells, each with its type: dates, times, durations, money, percentages, counts, quantities,
numbers, identifiers, places; and its words, as words are compared."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from .amounts import Amount, Quantity, amount_at, currency_of, is_ending, quantity_at
from .dates import date_at, time_at
from .pieces import Piece, language_of, pieces, plain
from .vocabulary import (
    ARTICLES,
    CODES,
    HALF,
    currencies,
    fold,
    months,
    number_in_words,
    ordinal_in_words,
    place_codes,
    places,
    units,
)

_ABBREVIATIONS = {
    **{"st": "street", "str": "strasse", "ave": "avenue", "av": "avenue", "rd": "road", "blvd": "boulevard"},
    **{"apt": "apartment", "ln": "lane", "dr": "drive", "ste": "suite", "hwy": "highway", "pkwy": "parkway"},
    **{"sq": "square", "ct": "court", "pl": "place", "nr": "number", "no": "number", "gray": "grey"},
}
_ENUMERATED = re.compile(r"\d{1,2}[.)]\s+\S")
_SPELLINGS = (
    (re.compile(r"ll(ed|ing|er)$"), r"l\1"),
    (re.compile(r"(?<=\w{3})our(s|ed|ing|ful|ite)?$"), r"or\1"),
    (re.compile(r"(?<=\w{3})is(e|ed|es|ing|ation)$"), r"iz\1"),
    (re.compile(r"(?<=\w{3})tre$"), "ter"),
    (re.compile(r"(?<=\w{3})ogue$"), "og"),
)


class Value(NamedTuple):
    """A value from `start` to `end` of a text. What `value` is, goes by type: date (`Day`), time (seconds since
    midnight), duration (months, seconds), money (amount, currency), quantity (amount, unit), percentage, number, count
    (Decimal), identifier (its letters and figures), place (codes), word. `sure` is False where the words may mean
    something else, `inner` says whether it begins and ends within a hyphenated word."""

    type: str
    value: Any
    start: int
    end: int
    text: str
    sure: bool = True
    inner: tuple[bool, bool] = (False, False)


@functools.lru_cache(maxsize=4096)
def find_values(text: str) -> tuple[Value, ...]:
    """The values of a text in their order, mere words left out. Spans are those of `plain(text)`, which is the text
    itself unless it has full-width figures or the like."""
    if text.isascii() and not any(map(_is_more, _WORD_OR_FIGURE.findall(text))):
        return ()
    return tuple(value for value in _read(text, words=False) if value.type != "word")


@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[Value, ...]:
    """All that a text says, values and words, in order."""
    return tuple(_read(text, words=True))


def _read(text: str, *, words: bool) -> list[Value]:
    """What a text says. Without `words` those are left out that are nothing else at a glance."""
    text = plain(text)
    found, read_so_far, language = pieces(text), list[Value](), ""
    i, count = 0, len(found)
    while i < count:
        kind, _, folded, start, end, _, inner, raw = found[i]
        begins, key = _as_word(raw, folded) if kind == "word" else ("value", "")
        if not begins:
            if words:
                read_so_far.append(Value("word", key, start, end, raw, True, inner))
            i += 1
            continue
        language = language or language_of(found)
        quantity = _worded(found, i) if begins == "place" else _at(found, i, language, text)
        if quantity is not None:
            end = max(quantity.end, i + 1)
            read_so_far.append(_value(found, i, end, quantity, text))
            i = end
        else:
            i += 1
    return read_so_far


_WORD_OR_FIGURE = re.compile(r"[A-Za-z]+|[0-9]")


@functools.lru_cache(maxsize=4096)
def has_no_figure(text: str) -> bool:
    """Whether a text has no number, money, percentage or date, as is to be seen at a glance: many messages need not be
    read to find one."""
    return text.isascii() and not any(map(_may_count, _WORD_OR_FIGURE.findall(text)))


@functools.lru_cache(maxsize=65536)
def _is_more(word: str) -> bool:
    """Whether a word may be part of a value that is more than a word."""
    return word.isdigit() or _as_word(word, fold(word))[0] != ""


@functools.lru_cache(maxsize=65536)
def _may_count(word: str) -> bool:
    """Whether a word may be part of an amount or a date. "A" and "an" are so before a unit only: "a week"."""
    return word.isdigit() or (word not in ("a", "an", "A", "An", "AN") and _as_word(word, fold(word))[0] == "value")


def _value(found: Sequence[Piece], i: int, end: int, quantity: Quantity, text: str) -> Value:
    first, last = found[i], found[end - 1]
    inner = first.inner[0], last.inner[1]
    return Value(
        quantity.type, quantity.value, first.start, last.end, text[first.start : last.end], quantity.sure, inner
    )


@functools.lru_cache(maxsize=65536)
def _as_word(raw: str, folded: str) -> tuple[Literal["", "place", "value"], str]:
    """What a word may begin that is more than a word, a place or any other value, and the word as it is compared."""
    key = word_key(folded)
    if (
        folded in months()
        or folded in ARTICLES
        or folded in HALF
        or folded in ("noon", "midnight", "mitternacht", "mediodia", "medianoche", "anderthalb", "us", "ca")
        or folded.endswith("einhalb")
        or currency_of(Piece("word", None, folded, 0, 0)) is not None
        or any(number_in_words(raw.casefold(), language) is not None for language in ("en", "de", "es"))
        or ordinal_in_words(raw.casefold()) is not None
        or folded in MINUS
    ):
        return "value", key
    is_code = raw.isupper() and raw in place_codes()
    if is_code and folded in _CODES_BEFORE:
        return "value", key
    return ("place" if is_code or folded in _lengths_of_places() else ""), key


MINUS = frozenset(("minus", "menos"))
_CODES_BEFORE = frozenset((*(code.casefold() for code in CODES), "us", "ca"))


@functools.cache
def _lengths_of_places() -> dict[str, tuple[int, ...]]:
    """First word of a place's name → of how many words such names are, the longest first."""
    found: dict[str, set[int]] = {}
    for first, *rest in map(str.split, places()):
        found.setdefault(first, set()).add(1 + len(rest))
    return {first: tuple(sorted(sizes, reverse=True)) for first, sizes in found.items()}


def _at(found: Sequence[Piece], i: int, language: str, text: str) -> Quantity | None:
    """What begins at a piece; None for what says nothing by itself, such as a sign."""
    piece = found[i]
    if piece.kind == "identifier":
        return Quantity("identifier", id_key(piece.raw), i + 1)
    if piece.kind == "mail":
        return Quantity("word", piece.folded, i + 1)
    if piece.kind == "range":
        return Quantity("range", tuple(p.value for p in found[i : i + 2]), i + 2)
    if piece.kind == "number" and _is_enumerated(piece, text):
        return None
    if day := date_at(found, i, language):
        return day
    return _measured(found, i, language) or _worded(found, i)


def _measured(found: Sequence[Piece], i: int, language: str) -> Quantity | None:
    """A time, or an amount with what it is an amount of; before it may stand a minus and a currency's sign or code."""
    at, negative = i, False
    while at < len(found) and (at == i or not found[at].gap) and _is_before_amount(found[at]):
        negative, at = negative or found[at].kind == "minus" or found[at].folded in MINUS, at + 1
    if at >= len(found) or (at > i and found[at].gap):
        return None
    amount = amount_at(found, at, language)
    if at == i and (moment := time_at(found, at, amount)):
        return moment
    if amount is None:
        return _of_one(found, i)
    quantity = quantity_at(found, i, at, amount) or (_mere_number(found, at, amount) if negative or at == i else None)
    return _negative(quantity) if negative and quantity else quantity


def _is_before_amount(piece: Piece) -> bool:
    code = len(piece.folded) in (2, 3) and piece.kind == "word" and piece.raw.isupper()
    sign = piece.kind == "sign" and piece.folded in currencies()
    return piece.kind == "minus" or sign or (code and piece.folded in _CODES_BEFORE) or piece.folded in MINUS


def _of_one(found: Sequence[Piece], i: int) -> Quantity | None:
    """An article or a half before a unit: a week, half an hour, media hora."""
    half = found[i].folded in HALF
    at = i + 1
    if found[i].folded not in ARTICLES and not half:
        return None
    if at < len(found) and ((half and found[at].folded in ARTICLES) or (not half and found[at].folded in HALF)):
        half, at = True, at + 1
    if at >= len(found) or found[at].gap or found[at].folded not in units():
        return None
    return quantity_at(found, i, i, Amount(Decimal("0.5") if half else Decimal(1), None, at, True, True))


def _mere_number(found: Sequence[Piece], i: int, amount: Amount) -> Quantity:
    piece = found[i]
    if piece.kind == "number" and piece.raw.isdigit() and len(piece.raw) > 2 and is_ending(found, i):
        return Quantity("identifier", piece.raw, amount.end)
    sure = amount.sure and not (amount.other is not None and amount.value < amount.other)  # "1.250"
    return Quantity("count" if amount.in_words else "number", amount.value, amount.end, sure)


def _negative(quantity: Quantity) -> Quantity:
    value: Any = quantity.value
    negative = (-value[0], *value[1:]) if isinstance(value, tuple) else -value
    return quantity._replace(value=negative)


def _is_enumerated(piece: Piece, text: str) -> bool:
    """Whether a number only numbers a line: "2. Kettle"."""
    line = text.rfind("\n", 0, piece.start) + 1
    return text[line : piece.start].strip(" *-") == "" and bool(_ENUMERATED.match(text, piece.start))


def _worded(found: Sequence[Piece], i: int) -> Quantity | None:
    """A place or a word; a Chinese character is one, too."""
    piece = found[i]
    if piece.kind == "word":
        return _place(found, i) or Quantity("word", word_key(piece.folded), i + 1)
    if piece.kind in ("numeral", "unit"):
        return _place(found, i) or Quantity("word", piece.raw, i + 1)
    return Quantity("word", piece.raw, i + 1) if piece.kind in ("ordinal", "number") else None


def _place(found: Sequence[Piece], i: int) -> Quantity | None:
    """A state of the US or a country, by its name, or by its code in capitals."""
    piece = found[i]
    for size in _lengths_of_places().get(piece.folded, ()):
        end = i + size
        if size < 6 and end <= len(found):
            parts = found[i:end]
            if all(part.gap in ("", ".") for part in parts[1:]):
                name = " ".join(part.folded for part in parts)
                if (codes := places().get(name)) and (len(name) > 3 or piece.raw.isupper()):
                    return Quantity("place", codes, end)
    if piece.raw.isupper() and piece.raw in place_codes():
        return Quantity("place", place_codes()[piece.raw], i + 1)
    return None


@functools.lru_cache(maxsize=65536)
def word_key(word: str) -> str:
    """A folded word as words are compared: kettles as kettle, cancelled as canceled, St as Street."""
    word = _ABBREVIATIONS.get(word, word)
    if len(word) > 4:
        word = word.removesuffix(".")
        if word.endswith("str") and len(word) > 6:
            word += "asse"
        for pattern, way in _SPELLINGS:
            word = pattern.sub(way, word)
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies") and len(word) > 4:
            return f"{word[:-3]}y"
        return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
    return word


@functools.lru_cache(maxsize=4096)
def word_keys(text: str) -> frozenset[str]:
    """All words of a text in ASCII that are of letters, as words are compared, and perhaps some that are only part of
    a value."""
    return frozenset(word_key(fold(word)) for word in re.findall(r"[A-Za-z]+", text))


def id_key(text: str) -> str:
    """The letters and figures of an identifier: #R12030, R12030 and r-12030 are the same."""
    return "".join(filter(str.isalnum, fold(text)))
