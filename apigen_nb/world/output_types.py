"""Of which type an expected output is, by the fact that it was taken from."""

from __future__ import annotations

import re

from .expected_values import expected
from .values import Fact
from .vocabulary import units, words

_MONEY = words("price cost fee amount balance refund charge payment deposit credit fare salary budget subtotal tax")
_PERCENT = words("percent percentage pct rate discount_rate interest_rate")
_NAMES = words("id number no code key sku iban zip postcode postal_code phone telephone digits last_four last4 ref")


def output_type(output: str, fact: Fact) -> str:
    """The type of an expected output for `telling.tells`, or "" where the fact does not say: what the output itself is,
    if it has a unit; an identifier, money, a percentage or an amount of a unit by the name of the fact's field
    (`item_id`, `unit_price`, `warranty_months`), or money where a currency stands beside it."""
    found = expected(output)
    if len(found) != 1 or isinstance(fact.value, bool):
        return "word"
    (value,) = found
    last, *_ = reversed(fact.key.casefold().split("_"))
    if isinstance(fact.value, str) and (fact.key.casefold() in _NAMES or last in _NAMES):
        return "identifier" if re.search(r"\d", output) else "word"
    if value.type not in ("number", "count"):
        return value.type
    if isinstance(fact.value, str):
        return ""
    parts = fact.key.casefold().split("_")
    if unit := units().get(last):
        return unit
    if fact.key.casefold() in _PERCENT or last in _PERCENT:
        return "percentage"
    money = any(part in _MONEY for part in parts) or any("currency" in str(key).casefold() for key in fact.holder)
    return "money" if money else "count" if isinstance(fact.value, int) else "number"
