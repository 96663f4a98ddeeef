"""How the scripted agent finds out what a mention means: by the facts in the results it has seen."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, NamedTuple

from ...records import ToolCall
from ...world.values import Fact, facts, find_words, fits
from .grammar import describe, means_user, words


@functools.lru_cache(maxsize=128)  # an agent reads its conversation again at every turn
def _read(text: str, key: str) -> tuple[Any, tuple[tuple[Fact, str], ...]]:
    """A tool's result and its facts, each with the name of its holder."""
    try:
        result = json.loads(text)
    except (ValueError, RecursionError):
        result = text
    found = list(facts(result, key=key))
    names = {id(fact.holder): describe(fact.holder) for fact in found}
    return result, tuple((fact, names[id(fact.holder)]) for fact in found)


class Known(NamedTuple):
    """A fact, the name of its holder, and the values of the call that brought it."""

    fact: Fact
    name: str
    asked: frozenset[str]


class Notes:
    """The facts of all results so far; the newest come first."""

    def __init__(self) -> None:
        self.found: list[Known] = []
        self.user: str | None = None
        self.results: list[tuple[frozenset[str], Any]] = []
        self._keys: dict[tuple[str, frozenset[str]], set[str]] = {}

    def add(self, call: ToolCall, text: str, key: str) -> None:
        result, found = _read(text, key)
        asked = frozenset(str(value) for value in (call.arguments or {}).values())
        self._keys[call.name, asked] = {fact.key for fact, _ in found}
        self.results.insert(0, (asked, result))
        self.found = [Known(fact, name, asked) for fact, name in found] + self.found
        if self.user is None:
            self.user = next((str(fact.value) for fact, _ in found if means_user(fact.key)), None)

    def keys(self, call: ToolCall) -> set[str]:
        """The keys of the facts that a call brought."""
        asked = frozenset(str(value) for value in (call.arguments or {}).values())
        return self._keys.get((call.name, asked), set())

    def hanging(self, mentions: list[str]) -> set[Any]:
        """The values that stand beside what was mentioned."""
        holders = {
            id(known.fact.holder): known.fact.holder
            for known in self.found
            for mention in mentions
            if known.fact.value == mention or (known.name and known.name in mention)
        }
        return {value for holder in holders.values() for value in holder.values() if isinstance(value, str)}

    def options(self, parameter: str, arguments: dict[str, Any]) -> list[list[Known]]:
        """Facts that fit a parameter, in pools: of results about what is settled already, then all."""
        fitting = [known for known in self.found if fits(parameter, known.fact.key)]
        settled = {str(v) for value in arguments.values() for v in (value if isinstance(value, list) else [value])}
        holders = {id(known.fact.holder): known.fact.holder for known in self.found if str(known.fact.value) in settled}
        settled |= {value for holder in holders.values() for value in holder.values() if isinstance(value, str)}
        return [[known for known in fitting if known.asked & settled], fitting]

    def another(self, parameter: str, value: Any, arguments: dict[str, Any]) -> Any:
        """Something else of the same kind: what a careless agent takes instead."""
        if not parameter.endswith(("_id", "_ids")):
            return value
        mine = value if isinstance(value, list) else [value]
        for pool in self.options(parameter, arguments):
            others = sorted({k.fact.value for k in pool if isinstance(k.fact.value, str) and k.fact.value not in mine})
            if others:
                return [*mine[:-1], others[0]] if isinstance(value, list) else others[0]
        return value

    def look_up(self, field: str, thing: str) -> Any:
        """The value of a field of a thing, from the newest result that has it."""
        for asked, result in self.results:
            if (
                thing == "my account"
                and self.user in asked
                and isinstance(result, dict)
                and _field(result, field) is not None
            ):
                return _field(result, field)
        for fact, name, _ in self.found:
            if thing in (fact.value, name) and _field(fact.holder, field) is not None:
                return _field(fact.holder, field)
        return None


def _field(holder: dict[str, Any], field: str) -> Any:
    value = next((v for k, v in holder.items() if words(k) == field), None)
    return None if isinstance(value, dict | list) else value


def resolve(parameter: str, spec: dict[str, Any], mention: str, notes: Notes, arguments: dict[str, Any]) -> Any:
    """The value that a mention means for a parameter, or None when the results so far do not tell."""
    kind = spec.get("type", "string")
    if mention == "none":
        return ""
    if spec.get("enum"):
        return next(
            (
                v
                for v in spec["enum"]
                if str(v).casefold() in (mention.casefold(), mention.casefold().replace(" ", "_"))
            ),
            None,
        )
    if kind in ("integer", "number", "boolean", "object") or (kind == "array" and mention[:1] == "["):
        try:
            return json.loads(mention)
        except (ValueError, RecursionError):
            return None
    if kind == "array":
        return _things(parameter, mention, notes, arguments)
    if not parameter.endswith("_id"):
        return mention
    found = _things(parameter, mention, notes, arguments)
    if found:
        return found[0]
    return mention if re.fullmatch(r"\S*\d\S*", mention) and not any(notes.options(parameter, arguments)) else None


def _things(parameter: str, mention: str, notes: Notes, arguments: dict[str, Any]) -> list[str] | None:
    """The ids of all things in a mention, in the order they are said; None unless all of it is understood."""
    for pool in notes.options(parameter, arguments):
        names: dict[str, str] = {}
        for fact, name, _ in pool:
            if isinstance(fact.value, str):
                names.setdefault(fact.value, fact.value)
                if name:
                    names.setdefault(name, fact.value)
        places: list[tuple[int, str]] = []
        left = mention
        for name in sorted(names, key=len, reverse=True):
            while (start := find_words(left, name)) >= 0:
                places.append((start, names[name]))
                left = left[:start] + " " * len(name) + left[start + len(name) :]
        if places and not re.sub(r"\band\b|[\s,]", "", left):
            return [value for _, value in sorted(places)]
    return None
