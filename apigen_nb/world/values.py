"""What a value says: the facts in rows and results, which parameter a fact fits, and whether a text mentions it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ..records import Action
from .telling import names_number, tells

SCALARS = (str, int, float)
JSON_TYPES: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}


class Fact(NamedTuple):
    """A scalar found in a value. `key` is the field's name (singular; `payment_methods: {"g1": …}` gives key
    `payment_method_id`, value "g1"), `holder` the innermost object around it."""

    key: str
    value: Any
    holder: dict[str, Any]


@functools.lru_cache(maxsize=1024)
def singular(word: str) -> str:
    """`item_ids` → `item_id`, `addresses` → `address`; names that are not plural stay."""
    for plural, single in (("ies", "y"), ("sses", "ss"), ("ss", "ss"), ("us", "us"), ("s", "")):
        if word.endswith(plural) and len(word) > len(plural) + 1:
            return word[: -len(plural)] + single
    return word


def has_type(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a scalar is of the type that a JSON schema asks for, text where it names none; a boolean is no number."""
    kind = str(schema.get("type"))
    return isinstance(value, JSON_TYPES.get(kind, (str,))) and (kind == "boolean" or not isinstance(value, bool))


def facts(value: Any, key: str = "", holder: dict[str, Any] | None = None) -> Iterator[Fact]:
    """All facts in a JSON value, objects inside strings included, in order of appearance."""
    found: list[Fact] = []
    _gather(value, key, {} if holder is None else holder, found)
    return iter(found)


@functools.lru_cache(maxsize=256)  # several checks look at each result
def facts_of_result(result: str) -> tuple[Fact, ...]:
    """The facts in what a call gave: JSON, or a text. Nothing in them is to be changed."""
    return tuple(facts(result))


def _gather(value: Any, key: str, holder: dict[str, Any], found: list[Fact]) -> None:
    """Append the facts in a value (a generator in each object would cost twice as much)."""
    if isinstance(value, str):
        if value[:1] in ("{", "[") and (inner := _json(value)) is not None:
            _gather(inner, key, holder, found)
        else:
            found.append(Fact(singular(key), value, holder))
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict) and key and not is_field(name):
                # a dict keyed by ids: the key is a fact about the row behind it
                found.append(Fact(f"{singular(key)}_id", name, item))
            _gather(item, str(name), value, found)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(item, key, holder, found)
    elif isinstance(value, SCALARS):
        found.append(Fact(singular(key), value, holder))


def argument_values(*actions: Action) -> Iterator[tuple[str, Any]]:
    """Name and value of every scalar in the arguments; booleans cannot be looked up in a text and are left out."""
    for name, value in (argument for action in actions for argument in action.arguments.items()):
        values = (fact.value for fact in facts(value, key=name))
        yield from ((name, value) for value in values if not isinstance(value, bool) and value != "")


@functools.lru_cache(maxsize=1024)
def is_field(name: str) -> bool:
    """Whether a key of an object reads as the name of a field, such as a cabin or a season, and not as an id."""
    return bool(re.fullmatch(r"[a-z][a-z_]*", name))


def _json(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


PARAMETER_PREFIXES = re.compile(r"^(new|old|from|to|source|target|original|current|refund|refund_to)_")


@functools.lru_cache(maxsize=4096)  # a run asks a few thousand pairs millions of times
def fits(parameter: str, key: str) -> bool:
    """Whether a fact under this key can fill a parameter of this name: `new_item_ids` takes an `item_id`, `order_id`
    takes what stands in a list `orders`."""
    wanted, found = singular(parameter), singular(key)
    while wanted != found and (shorter := PARAMETER_PREFIXES.sub("", wanted)) != wanted:
        wanted = shorter
    return bool(found) and found in (wanted, wanted.removesuffix("_id"))


def produced_key(tool: str) -> str:
    """The key of a tool's bare result, read off its name: `find_user_id_by_email` gives a `user_id`."""
    match = re.search(
        r"(?:^|_)((?:[a-z]+_)?[a-z]+_id)(?:_|$)", re.sub(r"^(find|get|lookup|look_up|search|identify)_", "", tool)
    )
    return match.group(1) if match else ""


_NO_NUMBER = re.compile(r"[A-DF-Za-df-z:/#]|\d-|\A\D*\Z")
_CURRENCY = re.compile(r"^(-?)[$€£]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


@functools.lru_cache(maxsize=2048)
def normalize(text: str) -> str:
    """Text as it is compared: case and thousands separators folded, white space made one."""
    return _THOUSANDS.sub("", " ".join(text.casefold().split()))


def parse_number(text: str) -> Decimal | None:
    """The number that a text is ("$1,234.50" → 1234.5), or None."""
    if _NO_NUMBER.search(text):
        return None
    bare = text.strip()
    if bare[:1] in "-$€£":
        bare = _CURRENCY.sub(r"\1", bare)
    try:
        value = Decimal(_THOUSANDS.sub("", bare.rstrip("%").strip()))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 30 else None  # what else looks like one is a word


def mentions(text: str, output: str) -> bool:
    """Whether a text tells a value, by its type: see `telling.tells`. A number whose unit is not known may be said with
    one ("17" as "17 days") or as a day of the month ("the 17th"). (tau-bench strips commas from one side only, so it
    never finds "1,234".)"""
    return tells(text, output) or names_number(text, output)


def is_mentioned(value: Any, text: str) -> bool:
    """Whether a text mentions a value."""
    return mentions(text, str(value))


def find_words(text: str, part: str) -> int:
    """Where a part first stands in a text as whole words, or -1. (A regular expression a part would be compiled anew
    for each of thousands of values.)"""
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        before, after = text[start - 1 : start], text[end : end + 1]
        if not (_word(before) and _word(part[:1])) and not (_word(part[-1:]) and _word(after)):
            return start
        start = text.find(part, start + 1)
    return -1


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"
