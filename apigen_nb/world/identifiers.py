"""Identifiers, telephone numbers and the figures of cards, however people group them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from .pieces import plain
from .typed_values import read

_PHONE = re.compile(r"\+?[\d\s().-]{7,}")
_BETWEEN = r"[\s().-]{0,3}"


@functools.lru_cache(maxsize=16384)
def identifier_in(output: str, type: str) -> tuple[str, str] | None:
    """What finds an output that is an identifier, a telephone number or the figures of a card, however it is grouped:
    a regular expression, and figures that stand wherever it does. None for any other output."""
    text = plain(output).strip()
    figures = re.sub(r"\D", "", text)
    found = read(text)
    value = found[0].type if len(found) == 1 else ""
    number = value == "date" or (value in ("number", "count") and (figures != text or type not in ("", "identifier")))
    if _PHONE.fullmatch(text) and len(figures) > 6 and not number:
        country = len(figures) - 10 if text.startswith("+") and len(figures) > 10 else 0
        start = f"(?:{_spread(figures[:country])}{_BETWEEN})?" if country else ""
        return rf"(?<![\w.,]){start}{_spread(figures[country:])}(?![\w]|[.,]\d)", figures[-1]
    alone = len(found) == 1 and found[0].type == "identifier"
    if not (alone or (type == "identifier" and any(map(str.isalnum, text)))):
        return None
    parts = re.findall(r"\d+|[^\W\d_]+", text)
    joined = r"[-_\s#./]?".join(map(re.escape, parts))
    pattern = rf"(?i)(?<!\w)(?<!\w-)(?<!\d[.,]){joined}(?!\w|-\w|[.,]\d)"
    return pattern, max((part for part in parts if part.isdigit()), key=len, default="")


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def places_of(text: str, pattern: str, figures: str) -> Iterator[tuple[int, int]]:
    """Where a `plain` text has what `identifier_in` finds. (To compile an expression takes longer than all else.)"""
    if figures in text:
        yield from (match.span() for match in _compiled(pattern).finditer(text))


def _spread(figures: str) -> str:
    return _BETWEEN.join(figures)
