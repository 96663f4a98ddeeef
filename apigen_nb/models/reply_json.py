"""JSON that a model wrote, read to the letter: nothing is repaired, and what can be read in two ways is not read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..records import canonical

_PLACE, _NO_LIST = re.compile(r"[{\[]"), re.compile(r"\{|\[(?=\s*\{)")
_BRACE, _LIST = re.compile(r"[{}]"), re.compile(r"\[\s*\{")
_TRIES = 100
# What begins as an object does, in JSON or in the like of it; {name} in a sentence does not.
_BEGUN = re.compile(r"\{\s*(?:[\"'“”‘’`}]|[\w$.-]+\s*:)")


class Unparsable(ValueError):
    """A reply does not hold the JSON that was asked for; the message says what was found, and where it breaks."""


class _Twice(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        for name, value in pairs:
            if canonical(value) != canonical(made[name]):
                raise _Twice(f"the key {name[:40]!r} twice, with different values")
    return made


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def load_json(text: str) -> Any:
    """The one JSON value that a text is. ValueError when it is none, nests without end, or holds an object with a key
    twice whose values differ: two answers."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def objects_in(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The objects that stand in a text by themselves, each with its start and end; one inside another, inside a list or
    inside a broken one is none. Unparsable where something begins as an object or a list of objects does and is none.
    Takes time in the length of the text, whatever it is."""
    place, lists, tries = 0, 0, 0  # before `lists` all that begins as a list is part of one that breaks
    while True:
        found = _NO_LIST.search(text, place, lists) or _PLACE.search(text, max(place, lists))
        if found is None:
            return
        start = found.start()
        if text[start] == "[":
            # A sentence has few brackets; why one is no list is told in the time of all the text before it.
            place, lists = _after_list(text, start) if tries < _TRIES else (start + 1, len(text))
            tries += 1
        elif _BEGUN.match(text, start):
            value, place = _value(text, start)
            yield start, place, value
        else:
            place = _after_braces(text, start)


def read_object(text: str) -> dict[str, Any]:
    """The JSON object in a text: the whole of it, in a fence, or in prose. Unparsable when there is none, or several
    that differ: of two answers none counts."""
    first, said = None, ""
    for number, (start, _, value) in enumerate(objects_in(text), 1):
        if first is None:
            first, said = value, _canonical(value)
        elif said != _canonical(value):
            told = f"expected a JSON object, found several that differ: the {_nth(number)} {_where(text, start)}"
            raise Unparsable(f"{told}; give one")
    if first is None:
        text = text.strip()
        found = "an empty reply" if not text else f"{text[:120]!r}{'…' if len(text) > 120 else ''}"
        raise Unparsable(f"expected a JSON object, found {found}")
    return first


def _canonical(value: Any) -> str:
    try:
        return canonical(value)
    except RecursionError:
        raise Unparsable("expected a JSON object, found one that nests too deep") from None


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _value(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        place, why = error.pos, error.msg[:1].lower() + error.msg[1:]
    except RecursionError:
        place, why = start, "it nests too deep"
    except ValueError as error:  # a key twice, or a number of thousands of digits
        place, why = start, str(error).partition(";")[0]
    raise Unparsable(f"expected a JSON object, found one that breaks {_where(text, place)}: {why}")


def _after_list(text: str, start: int) -> tuple[int, int]:
    """Where to go on after a bracket, and before which place no list needs to be tried."""
    if (begun := _LIST.match(text, start)) is not None and _BEGUN.match(text, begun.end() - 1):
        _value(text, start)
        raise Unparsable(f"expected a JSON object, found a list of objects {_where(text, start)}")
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        return start + 1, len(text)
    except ValueError as error:
        return start + 1, error.pos if isinstance(error, json.JSONDecodeError) else len(text)
    if "{" in text[start:end] and _holds_object(value):
        raise Unparsable(f"expected a JSON object, found a list of objects {_where(text, start)}")
    return end, end


def _holds_object(value: Any) -> bool:
    inside = [value]  # no recursion: it nests as deep as can be read
    while inside:
        value = inside.pop()
        if isinstance(value, dict):
            return True
        inside += value if isinstance(value, list) else ()
    return False


def _after_braces(text: str, start: int) -> int:
    """Where to go on after braces that hold no JSON; what stands inside such braces is part of something broken."""
    brace = _BRACE.search(text, start + 1)
    if brace is None:
        return len(text)
    if brace.group() == "{":
        where = _where(text, brace.start())
        raise Unparsable(f"expected a JSON object, found a brace inside of braces that are no JSON {where}")
    return brace.end()


def _where(text: str, place: int) -> str:
    """A place in a text for people: line and character from 1, and the words there."""
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    around = text[max(place - 20, 0) : place + 20]
    return f"at line {line}, character {column} (…{around!r}…)"
