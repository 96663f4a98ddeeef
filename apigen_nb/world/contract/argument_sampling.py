"""Arguments for a tool, drawn and changed at random out of the rows around one user."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from ..domain import Domain
from ..tool import Tool, allowed_values
from ..user_records import user_records
from ..values import Fact, facts, fits, has_type, singular

ODD: dict[str, tuple[Any, ...]] = {
    "string": ("", "0x0", "2026-02-30", "²", "1-x-2"),  # no id, no date; a digit that `int` does not take
    "integer": (0, -1, 10**9),
    "number": (0, -0.5, 1e9),
    "boolean": (True, False),
}
STRANGERS = 2  # further rows of each table
COUNTS = (1, 1, 1, 1, 2, 2, 2, 3, 3, 6)  # items of all lists of a call: they go in pairs, items and their replacements

Row = dict[str, Any]


class UserRows:
    """Rows around one user, each as its facts: those of `user_records`, and some strangers'."""

    def __init__(self, domain: Domain, user: str, random: Random) -> None:
        self.user, records = user, user_records(domain, user)
        for table, stored in domain.tables.items():
            for key in random.sample(list(stored), min(STRANGERS, len(stored))):
                records.setdefault(table, {}).setdefault(key, domain.dump(stored[key]))
        self.rows = [list(facts({t: {key: row}})) for t, rows in records.items() for key, row in rows.items()]
        self._facts = [fact for row in self.rows for fact in row]

    @functools.cache  # noqa: B019  # it lives as long as one check
    def fitting(self, name: str) -> list[Fact]:
        """The facts whose names fit a parameter."""
        return [fact for fact in self._facts if _fits(name, fact.key)]

    @functools.cache  # noqa: B019
    def objects_with(self, keys: frozenset[str]) -> list[Row]:
        """The objects that have all these keys."""
        return list({id(fact.holder): fact.holder for fact in self._facts if keys <= fact.holder.keys()}.values())

    @functools.cache  # noqa: B019
    def rows_with(self, names: frozenset[str], fit: Callable[[Iterable[bool]], bool]) -> list[list[Fact]]:
        """The rows that have facts for `any` or `all` of these parameters."""
        keys = [{fact.key for fact in row} for row in self.rows]
        fitting = [fit(any(_fits(name, key) for key in known) for name in names) for known in keys]
        return [row for row, fits_it in zip(self.rows, fitting, strict=True) if fits_it]

    def beside(self, arguments: Row) -> list[list[Fact]]:
        """The rows that hold a text of these arguments."""
        texts = {fact.value for fact in facts(arguments) if isinstance(fact.value, str)}
        return [row for row in self.rows if any(fact.value in texts for fact in row if isinstance(fact.value, str))]


@dataclass
class ArgumentSampler:
    """Draws arguments of a tool out of the rows around a user. `made` are facts of what was called before; `refusal` is
    what a refusal said, which may name values to try: an amount due, the ids that there are."""

    tool: Tool
    random: Random
    around: UserRows
    made: Sequence[Fact] = ()
    refusal: str = ""

    def fresh(self) -> Row:
        """New arguments, mostly of one row."""
        whole = self.around.rows_with(frozenset(self.tool.required), all) if self.random.random() < 0.5 else []
        self._begin(whole or self.around.rows_with(frozenset(self.tool.properties), any))
        names = [n for n in self.tool.properties if n in self.tool.required or self.random.random() < 0.5]
        return {name: self._value(name, self.tool.properties[name]) for name in names}

    def changed(self, arguments: Row) -> Row:
        """The same arguments, one or two of them drawn anew in whole or in part."""
        self._begin(self.around.beside(arguments))
        made = dict(arguments)
        for name in sorted(self._blamed()) if self.tool.properties else ():
            if name in made and name not in self.tool.required and self.random.random() < 0.2:
                del made[name]
            else:
                spec = self.tool.properties[name]
                made[name] = self._other(name, spec, made[name]) if name in made else self._value(name, spec)
        return made

    def _begin(self, rows: Sequence[list[Fact]]) -> None:
        self._count, self._hints = self.random.choice(COUNTS), hints(self.refusal)
        self._near = self.random.choice(rows) if rows else []
        if self.made and self.random.random() < 0.6:
            self._near = list(self.made)

    def _blamed(self) -> set[str]:
        """One or two parameters to change, mostly those whose names have a word in common with what was said."""
        words = {singular(word) for word in re.findall("[a-z]+", self.refusal.lower())}
        names = list(self.tool.properties)
        weights = [5 if words & {singular(word) for word in name.split("_")} else 1 for name in names]
        return set(self.random.choices(names, weights, k=self.random.choice((1, 1, 2))))

    def _schema(self, spec: Row) -> Row:
        if "$ref" in spec:
            spec = self.tool.parameters["$defs"][spec["$ref"].split("/")[-1]]
        options = [s for s in spec.get("anyOf", ()) if s.get("type") != "null"]
        return self._schema(self.random.choice(options)) if options else spec

    def _value(self, name: str, spec: Row) -> Any:
        spec = self._schema(spec)
        if "enum" in spec or "const" in spec:
            return self.random.choice(spec.get("enum") or [spec["const"]])
        if spec.get("type") == "array":
            items = [self._value(name, spec.get("items", {})) for _ in range(self._count)]
            return [item for place, item in enumerate(items) if item not in items[:place] or self.random.random() < 0.3]
        return self._object(spec) if "properties" in spec else self._scalar(name, spec)

    def _object(self, spec: Row) -> Row:
        """An object of one that stands in the rows, nearby or anywhere, or of what one row holds."""
        parts, before = spec["properties"], self._near
        needed = frozenset(spec.get("required") or parts)
        beside = [fact.holder for fact in before if needed <= fact.holder.keys()]
        pools: list[Sequence[Any]] = [beside, self.around.objects_with(needed), self.around.rows_with(needed, all)]
        if pools := [pool for pool in pools if pool]:
            chosen = self.random.choice(self.random.choice(pools))
            self._near = chosen if isinstance(chosen, list) else list(facts(chosen))
        made = {name: self._value(name, part) for name, part in parts.items() if name in needed}
        self._near = before
        return made

    def _scalar(self, name: str, spec: Row) -> Any:
        kind, dice = str(spec.get("type", "string")), self.random.random()
        for share, values in self._sources(name, spec, kind):
            if dice < share and values:
                return self.random.choice(values)
        if kind in ("integer", "number"):
            return self.random.choice((1, 1, 2, 3, 4, 5)) * 10 ** self.random.choice((0, 0, 1, 2, 3))
        return self.random.random() < 0.5 if kind == "boolean" else "something else"

    def _sources(self, name: str, spec: Row, kind: str) -> Iterable[tuple[float, list[Any]]]:
        """Where values of a scalar come from, the likeliest to fit first, each with a limit for the dice."""
        yield 0.04, list(ODD.get(kind, ("",)))
        yield 0.3 if kind == "string" else 0.6, [hint for hint in self._hints if has_type(hint, spec)]
        yield 0.8, list(allowed_values(spec))
        yield 0.75, [fact.value for fact in self._near if _fits(name, fact.key) and has_type(fact.value, spec)]
        fitting = [fact.value for fact in self.around.fitting(name) if has_type(fact.value, spec)]
        yield 0.93 if kind == "string" else 0.9, fitting
        yield 0.97, [misspelt(self.random.choice(fitting), self.random)] if fitting and kind == "string" else []
        yield 1.0, fitting if kind == "string" else []

    def _other(self, name: str, spec: Row, value: Any) -> Any:
        """Another value: a list with one item more, less or other; an object with one field other."""
        spec, dice = self._schema(spec), self.random.random()
        if isinstance(value, list) and value and dice < 0.8:
            items, place = list(value), self.random.randrange(len(value))
            if dice < 0.15:
                return [*items, self._value(name, spec.get("items", {}))]
            new = [] if dice < 0.3 else [self._other(name, spec.get("items", {}), items[place])]
            return [*items[:place], *new, *items[place + 1 :]]
        if isinstance(value, dict) and spec.get("properties") and dice < 0.8:
            part = self.random.choice(list(spec["properties"]))
            return {**value, part: self._other(part, spec["properties"][part], value.get(part))}
        if has_type(value, {"type": "number"}) and "enum" not in spec and dice < 0.3:
            return self.random.choice((value + 1, value - 1, value * 2, value * 10))
        return self._value(name, spec)


def guess_arguments(domain: Domain, tool: Tool, random: Random, user: str = "") -> Row:
    """Arguments for a tool out of the rows around this user, or any, by parameter and field names; the tool may still
    refuse."""
    drawn = random.choice((user,) if user else domain.subjects)
    return ArgumentSampler(tool, random, UserRows(domain, drawn, random)).fresh()


@functools.cache
def _fits(name: str, key: str) -> bool:
    # what a dict is keyed by may be no id: `dates: {"2024-05-01": ...}` holds dates
    return fits(name, key) or key == f"{singular(name)}_id"


def hints(refusal: str) -> list[Any]:
    """The numbers and the quoted words of a text."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?\b", refusal)
    return [*(float(n) if "." in n else int(n) for n in numbers), *re.findall(r"'([^']{1,60})'", refusal)]


def misspelt(text: str, random: Random) -> str:
    """A text of the same form that probably nobody has: one digit or letter is another."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()] or [0]
    place = random.choice(places)
    other = "0123456789" if text[place : place + 1].isdigit() else "AEIOXYZ"
    return text[:place] + random.choice(other) + text[place + 1 :]
