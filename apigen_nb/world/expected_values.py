"""What an expected output is as values, and whether a value that was said is one of them."""

from __future__ import annotations

import functools
import re
from decimal import Decimal

from .amounts import of_unit, same_currency
from .dates import same_day
from .pieces import MAX_DIGITS
from .typed_values import Value, read
from .vocabulary import place_codes, units

NUMBERS = ("number", "count")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?e[+-]?\d{1,3}", re.IGNORECASE)


@functools.lru_cache(maxsize=16384)
def expected(output: str, type: str = "") -> tuple[Value, ...]:
    """The values and words of an expected output. A mere number becomes a value of its type, if that is known."""
    found = read(output)
    if _SCIENTIFIC.fullmatch(output.strip()) and abs((value := Decimal(output.strip())).adjusted()) < MAX_DIGITS:
        found = (Value("number", value, 0, len(output), output),)
    if len(found) != 1 or found[0].type not in NUMBERS or not type:
        return found
    (number,) = found
    if type == "money":
        return (number._replace(type="money", value=(number.value, "")),)
    if type == "percentage":
        return (number._replace(type=type),)
    if type in units().values() or type == "business day":
        kind, amount = of_unit(number.value, type)
        return (number._replace(type=kind, value=amount),)
    return found


def same_value(have: Value, want: Value, alone: bool = False) -> bool:
    """Whether a value that was said is the expected one. `alone` where nothing else is expected beside it."""
    if want.type in NUMBERS:
        return same_number(have, want)
    if want.type == "money":
        if have.type == "number":  # two decimals are written of nothing else
            return bool(have.value == want.value[0] and re.search(r"[.,]\d\d$", have.text))
        return have.type == "money" and have.value[0] == want.value[0] and same_currency(have.value[1], want.value[1])
    if want.type == "date":
        told = have.type == "date" and (have.value.day is not None or want.value.day is None)
        return told and same_day(have.value, want.value)
    if want.type == "identifier" and have.type == "number":
        return bool(have.text == want.value)
    if want.type == "place":
        if have.type == "word" and not alone and len(have.text) == 2:  # a code in a text without capitals
            return bool(place_codes().get(have.text.upper(), frozenset()) & want.value)
        return have.type == "place" and bool(have.value & want.value)
    return have.type == want.type and bool(have.value == want.value)


def same_number(have: Value, want: Value) -> bool:
    """Whether money or a number that was said is the expected number."""
    if have.type == "money":
        return bool(have.value[0] == want.value)
    return have.type in NUMBERS and bool(have.value == want.value)


def as_number(output: str) -> Decimal | None:
    """The number that an output is, or None."""
    found = expected(output)
    return found[0].value if len(found) == 1 and found[0].type in NUMBERS else None
