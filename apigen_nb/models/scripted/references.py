"""How the scripted agent finds out what a mention means: by the facts in the results it has seen."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from ...records import ToolCall
from ...world.values import Fact, facts, find_words, fits, is_field
from .grammar import describe, means_user, words

_AMOUNT = re.compile(r"total|price|amount|balance|fee|refund|limit|paid|cost")


Row = dict[str, Any]


@functools.lru_cache(maxsize=128)  # an agent reads its conversation again at every turn
def _read(text: str, key: str) -> tuple[Any, tuple[tuple[Fact, str], ...], tuple[tuple[Row, Row], ...]]:
    """A tool's result, its facts, each with the name of its holder, and its lines."""
    result: Any = text
    with contextlib.suppress(ValueError, RecursionError):
        result = json.loads(text)
    return result, tuple((fact, describe(fact.holder)) for fact in facts(result, key=key)), tuple(_lines(result))


def _lines(value: Any) -> Iterator[tuple[Row, Row]]:
    """The objects that stand in a list of another object, such as the items of an order, each with that object."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(value, dict) and isinstance(item, list):
            yield from ((line, value) for line in item if isinstance(line, dict))
        yield from _lines(item)


def _priced(row: Row) -> list[str]:
    """The fields of a row that hold amounts."""
    numbers = (key for key, value in row.items() if isinstance(value, int | float) and not isinstance(value, bool))
    return [key for key in numbers if _AMOUNT.search(key)]


def _amounts(row: Row, said: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The amounts of a thing by their names, and those of its parts that go by what is `said`: economy, of cabins."""
    yield from ((words(key), row[key]) for key in _priced(row))
    for value in row.values():
        parts = value.items() if isinstance(value, dict) else ()
        chosen = ((name, part) for name, part in parts if name in said and isinstance(part, dict))
        yield from ((f"{words(name)} {what}", n) for name, part in chosen for what, n in _amounts(part, said))


def _id(row: Row) -> str:
    """What a row goes by; "" where it has no id."""
    return next((value for key, value in row.items() if key.endswith("id") and isinstance(value, str)), "")


def _joined(rows: Iterable[Row]) -> Row:
    """What rows about one thing, the newest first, say together."""
    return {key: value for row in [*rows][::-1] for key, value in row.items()}


def _is_choice(fact: Fact) -> bool:
    """Whether an object is about a choice, such as a fare: it begins with it."""
    return next(iter(fact.holder.values()), None) == fact.value and is_field(str(fact.value))


def _is_of(row: dict[str, Any], name: str) -> bool:
    """Whether a row is about a thing, and does not just name it: its id comes first, or it has no other."""
    ids = [value for key, value in row.items() if key.endswith("id") and isinstance(value, str)]
    return name in ids[:1] or not ids


class Known(NamedTuple):
    """A fact, the name of its holder, and the values of the call that brought it."""

    fact: Fact
    name: str
    asked: frozenset[str]

    def beside(self) -> Iterator[str]:
        """The texts that stand beside it."""
        return (value for value in self.fact.holder.values() if isinstance(value, str))


class Notes:
    """The facts of all results so far; the newest come first. `keys` are those of the facts that each tool brought."""

    def __init__(self) -> None:
        self.found: list[Known] = []
        self.user: str | None = None
        self.results: list[tuple[frozenset[str], Any]] = []
        self.keys: dict[str, set[str]] = {}
        self.lines: list[tuple[Row, Row]] = []
        # of what was asked for since the last result
        self._rows: dict[str, list[Row]] = {}
        self._fitting: dict[str, list[Known]] = {}
        self._prices: dict[tuple[str, frozenset[str]], tuple[Row, list[tuple[str, Any]]]] = {}

    def add(self, call: ToolCall, text: str, key: str) -> None:
        """Read the result of a call; `key` is what it is a result about."""
        for kept in (self._rows, self._fitting, self._prices):
            kept.clear()
        result, found, lines = _read(text, key)
        self.lines = [*lines, *self.lines]
        asked = frozenset(str(value) for value in (call.arguments or {}).values())
        self.keys.setdefault(call.name, set()).update(fact.key for fact, _ in found)
        self.results.insert(0, (asked, result))
        self.found = [Known(fact, name, asked) for fact, name in found] + self.found
        if self.user is None:
            self.user = next((str(fact.value) for fact, _ in found if means_user(fact.key)), None)

    def fitting(self, parameter: str) -> list[Known]:
        """The facts that fit a parameter by name."""
        if parameter not in self._fitting:
            self._fitting[parameter] = [known for known in self.found if fits(parameter, known.fact.key)]
        return self._fitting[parameter]

    def hanging(self, mentions: list[str]) -> set[str]:
        """The values that stand beside what was mentioned."""
        about = (k for k in self.found for m in mentions if k.fact.value == m or (k.name and k.name in m))
        return {value for known in about for value in known.beside()}

    def options(self, parameter: str, arguments: dict[str, Any]) -> list[list[Known]]:
        """Facts that fit a parameter, in pools: of results about what is settled already, then all."""
        fitting = self.fitting(parameter)
        settled = {str(v) for value in arguments.values() for v in (value if isinstance(value, list) else [value])}
        about = [known for known in self.found if str(known.fact.value) in settled]
        settled |= {value for known in about for value in known.beside()}
        return [[known for known in fitting if known.asked & settled], fitting]

    def another(self, parameter: str, value: Any, arguments: dict[str, Any]) -> Any:
        """Something else of the same kind: what a careless agent takes instead."""
        mine = value if isinstance(value, list) else [value]
        for pool in self.options(parameter, arguments):
            others = sorted({k.fact.value for k in pool if isinstance(k.fact.value, str) and k.fact.value not in mine})
            if others:
                return [*mine[:-1], others[0]] if isinstance(value, list) else others[0]
        return value

    def rows(self, name: str) -> list[dict[str, Any]]:
        """What results say of a thing, each once, the newest first: objects with its id first or behind it, or that
        begin with a choice, such as a fare."""
        if name not in self._rows:
            about = (known.fact for known in self.found if known.fact.value == name)
            found = [f.holder for f in about if f.holder and (f.key.endswith("id") or _is_choice(f))]
            self._rows[name] = [row for n, row in enumerate(found) if _is_of(row, name) and row not in found[:n]]
        return self._rows[name]

    def particulars(self, name: str, names: Collection[str]) -> str:
        """What a thing is called and the amounts that hold of it in a call with these names; '' where nothing is known
        of it."""
        row, amounts = self._priced_row(name, names)
        # what has no name is not told apart by what lies inside it, such as an address
        called = describe(row if "name" in row else {k: v for k, v in row.items() if not isinstance(v, dict)})
        return ", ".join(filter(None, [called, *(f"{what} {value}" for what, value in amounts)]))

    def has_price(self, name: str, names: Collection[str]) -> bool:
        """Whether results tell an amount of a thing or a choice in a call with these names: its own, or one that goes
        by the choice."""
        if self._priced_row(name, names)[1]:
            return True
        return any(self._chosen(name, thing, names) for thing in (*names, *self.inside(names)))

    def spoken_of(self, names: Collection[str]) -> list[str]:
        """What a call with these names is about: those, and of what lies in them what has amounts that go by a choice
        among the names, or that say what something without an amount is worth."""
        worthless = [name for name in names if not self._priced_row(name, names)[1]]
        within = [thing for thing in self.inside(worthless) if self._priced_row(thing, (*names, thing))[1]]
        chosen = (t for t in self.inside(names) if any(self._chosen(name, t, names) for name in worthless))
        return [*dict.fromkeys((*names, *chosen, *within))]

    def of_user(self, tool: str) -> str:
        """The numbers in the user's row that a tool is about by its name: points, for one that restores them."""
        row = next(iter(self.rows(self.user or "")), {})
        numbers = {key: value for key, value in row.items() if isinstance(value, int | float) and value is not True}
        return ", ".join(f"{words(k)} {v}" for k, v in numbers.items() if {*k.split("_")} & {*tool.split("_")[1:]})

    def inside(self, names: Collection[str]) -> list[str]:
        """The ids that stand in what results say of these things."""
        held = (fact for name in names for row in self.rows(name) for fact in facts(row))
        ids = (fact.value for fact in held if fact.key.endswith("id") and isinstance(fact.value, str))
        return [value for value in dict.fromkeys(ids) if value not in names and value != self.user]

    def _chosen(self, choice: str, thing: str, names: Collection[str]) -> bool:
        """Whether a thing has an amount that goes by a choice."""
        return any(what.startswith(f"{words(choice)} ") for what, _ in self._priced_row(thing, names)[1])

    def _priced_row(self, name: str, names: Collection[str]) -> tuple[Row, list[tuple[str, Any]]]:
        """What is known of a thing, and the amounts that hold of it in a call with these names. A line about a thing,
        such as a payment with a card, is not the thing: it tells an amount that the thing has, such as a price, as it
        is within what the call names, too; else only where nothing else is known."""
        asked = name, frozenset(names)
        if asked not in self._prices:
            self._prices[asked] = self._prices_of(name, asked[1])
        return self._prices[asked]

    def _prices_of(self, name: str, names: frozenset[str]) -> tuple[Row, list[tuple[str, Any]]]:
        rows = [(row, _id(next((of for line, of in self.lines if line == row), {}))) for row in self.rows(name)]
        own = _joined(row for row, of in rows if of in ("", self.user))
        within = _joined(row for row, of in rows if of in names)
        row: Row = own or within or next((row for row, _ in rows), {})
        priced = within if own and within and any(f'"{key}"' in json.dumps(own) for key in _priced(within)) else row
        others = (value for other in names for of_other in self.rows(other) for value in of_other.values())
        said = {*names, *(value for value in others if isinstance(value, str))}
        chosen = _amounts(own, names) if priced is within else ()
        return row, list(dict.fromkeys((*_amounts(priced, said), *(a for a in chosen if a[0].split()[0] in names))))

    def look_up(self, field: str, thing: str) -> Any:
        """The value of a field of a thing, from the newest result that has it."""
        own = [result for asked, result in self.results if self.user in asked and isinstance(result, dict)]
        holders = own if thing == "my account" else []
        holders += [fact.holder for fact, name, _ in self.found if thing in (fact.value, name)]
        found = (value for holder in holders for name, value in holder.items() if words(name) == field)
        return next((value for value in found if value is not None and not isinstance(value, dict | list)), None)


def resolve(parameter: str, spec: dict[str, Any], mention: str, notes: Notes, arguments: dict[str, Any]) -> Any:
    """The value that a mention means for a parameter, or None when the results so far do not tell."""
    kind = spec.get("type", "string")
    if mention == "none":
        return ""
    if spec.get("enum"):
        spoken = (mention.casefold(), mention.casefold().replace(" ", "_"))
        return next((value for value in spec["enum"] if str(value).casefold() in spoken), None)
    if kind in ("integer", "number", "boolean", "object") or (kind == "array" and mention[:1] == "["):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(mention)
        return None
    if kind != "array" and not parameter.endswith("_id"):
        return mention
    found = _things(parameter, mention, notes, arguments)
    if kind == "array":
        return found
    if found:
        return found[0]
    return mention if re.fullmatch(r"\S*\d\S*", mention) and not notes.fitting(parameter) else None


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
