"""Arguments for a tool, drawn and changed at random out of the rows around one user, and calls that hit are kept."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from ..domain import Domain, Tool
from ..values import Fact, facts, fits, singular

TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
ODD: dict[str, tuple[Any, ...]] = {
    "string": ("", "0x0", "2026-02-30", "²", "1-x-2"),  # no id, no date; a digit that `int` does not take
    "integer": (0, -1, 10**9),
    "number": (0, -0.5, 1e9),
    "boolean": (True, False),
}
HOPS = 3  # from the user's row over those that it names
STRANGERS = 2  # further rows of each table
WIDEST = 60  # rows around a user

Row = dict[str, Any]


class Around:
    """Rows around one user, as facts: the user's own, those that name the user or are named, and some strangers'."""

    def __init__(self, domain: Domain, user: str, links: Mapping[str, list[tuple[str, str]]], random: Random) -> None:
        self.user = user
        places = {(domain.users, user): None} | dict.fromkeys(links.get(user, ()))
        rows: dict[tuple[str, str], Any] = {}
        for _ in range(HOPS):
            fresh = [place for place in places if place not in rows][: WIDEST - len(rows)]
            rows |= {(table, key): domain.dump(domain.tables[table][key]) for table, key in fresh}
            named = {str(fact.value) for place in fresh for fact in facts(rows[place])}
            places |= {
                (table, key): None
                for key in sorted(named)
                for table in domain.tables
                if table != domain.users and key in domain.tables[table]
            }
        for table, stored in domain.tables.items():
            for key in random.sample(list(stored), min(STRANGERS, len(stored))):
                rows.setdefault((table, key), domain.dump(stored[key]))
        self.rows = [list(facts({table: {key: row}})) for (table, key), row in rows.items()]
        everything = [fact for row in self.rows for fact in row]
        self._holders = list({id(fact.holder): fact.holder for fact in everything if fact.holder}.values())
        self._by_key: dict[str, list[Fact]] = defaultdict(list)
        self._holding: dict[Any, list[int]] = defaultdict(list)
        for place, row in enumerate(self.rows):
            for fact in row:
                self._by_key[fact.key].append(fact)
                if isinstance(fact.value, str):
                    self._holding[fact.value].append(place)

    @functools.cache  # noqa: B019  # it lives as long as one check
    def fitting(self, name: str) -> list[Fact]:
        """The facts whose names fit a parameter."""
        return [fact for key, found in self._by_key.items() if _fits(name, key) for fact in found]

    @functools.cache  # noqa: B019
    def holders_with(self, keys: frozenset[str]) -> list[Row]:
        """The objects that have all these keys."""
        return [holder for holder in self._holders if keys <= holder.keys()]

    @functools.cache  # noqa: B019
    def rows_of(self, names: frozenset[str]) -> list[list[Fact]]:
        """The rows whose own id is one of these parameters."""
        return [row for row in self.rows if any(_fits(name, row[0].key) for name in names)]

    @functools.cache  # noqa: B019
    def rows_with(self, names: frozenset[str], every: bool) -> list[list[Fact]]:
        """The rows that have facts for one of these parameters, or for every one."""
        fit = all if every else any
        keys = [{fact.key for fact in row} for row in self.rows]
        return [
            row
            for row, known in zip(self.rows, keys, strict=True)
            if fit(any(_fits(name, key) for key in known) for name in names)
        ]

    def beside(self, arguments: Row) -> list[list[Fact]]:
        """The rows that hold a value of these arguments."""
        places = {place for fact in facts(arguments) for place in self._holding.get(fact.value, ())}
        return [self.rows[place] for place in sorted(places)]


def links(domain: Domain) -> dict[str, list[tuple[str, str]]]:
    """User id → the rows that name this user."""
    users, found = domain.tables[domain.users], defaultdict(list)
    for table, rows in domain.tables.items():
        for key, row in rows.items() if table != domain.users else ():
            named = {f.value for f in facts(domain.dump(row)) if isinstance(f.value, str) and f.value in users}
            for user in sorted(named):
                found[user].append((table, key))
    return dict(found)


class Draw:
    """Draws arguments of one tool."""

    def __init__(self, tool: Tool, random: Random) -> None:
        self.tool, self.random = tool, random
        self.properties: dict[str, Any] = tool.parameters.get("properties", {})
        self.needed = set(tool.parameters.get("required", ()))
        self._hints: list[Any] = []
        self._count = 1

    def fresh(self, around: Around, more: Sequence[Fact] = ()) -> Row:
        """New arguments, mostly of one row."""
        every = frozenset(self.properties)
        about = around.rows_of(every) if self.random.random() < 0.5 else []
        rows = about or around.rows_with(every, False)
        near = [*more] if more and self.random.random() < 0.6 else [*self.random.choice(rows)] if rows else []
        self._hints = []
        self._count = self.random.choice(
            (1, 1, 1, 1, 2, 2, 2, 3, 3, 6)
        )  # lists go in pairs: items and those that replace them
        names = [n for n in self.properties if n in self.needed or self.random.random() < 0.5]
        return {name: self._value(name, self.properties[name], around, near) for name in names}

    def changed(self, arguments: Row, around: Around, more: Sequence[Fact] = (), said: str = "") -> Row:
        """The same arguments, one or two of them drawn anew in whole or in part. What a refusal of them said may name
        values to try: an amount due, the ids that there are."""
        self._hints = _hints(said)
        made, beside = dict(arguments), around.beside(arguments)
        near = [*more] if more and self.random.random() < 0.6 else [*self.random.choice(beside)] if beside else []
        for name in sorted(self._blamed(said)) if self.properties else ():
            if name not in made:
                made[name] = self._value(name, self.properties[name], around, near)
            elif name not in self.needed and self.random.random() < 0.2:
                del made[name]
            else:
                made[name] = self._other(name, self.properties[name], made[name], around, near)
        return made

    def _blamed(self, said: str) -> set[str]:
        """One or two parameters to change, mostly those whose names have a word in common with what was said."""
        words = {singular(word) for word in re.findall("[a-z]+", said.lower())}
        weights = [5 if words & {singular(word) for word in name.split("_")} else 1 for name in self.properties]
        return set(self.random.choices(list(self.properties), weights, k=self.random.choice((1, 1, 2))))

    def _plain(self, spec: Row) -> Row:
        if "$ref" in spec:
            spec = self.tool.parameters["$defs"][spec["$ref"].split("/")[-1]]
        options = [s for s in spec.get("anyOf", ()) if s.get("type") != "null"]
        return self._plain(self.random.choice(options)) if options else spec

    def _value(self, name: str, spec: Row, around: Around, near: list[Fact]) -> Any:
        spec = self._plain(spec)
        kind = spec.get("type", "")
        if "enum" in spec or "const" in spec:
            return self.random.choice(spec.get("enum") or [spec["const"]])
        if kind == "array":
            items = [self._value(name, spec.get("items", {}), around, near) for _ in range(self._count)]
            return [item for place, item in enumerate(items) if item not in items[:place] or self.random.random() < 0.3]
        if kind == "object" or "properties" in spec:
            return self._object(spec, around, near)
        return self._scalar(name, spec, around, near)

    def _object(self, spec: Row, around: Around, near: list[Fact]) -> Row:
        parts = spec.get("properties", {})
        needed = set(spec.get("required") or parts)
        beside = list({id(fact.holder): fact.holder for fact in near}.values())
        anywhere = around.holders_with(frozenset(needed))
        whole = anywhere if self.random.random() < 0.3 else [h for h in beside if needed <= h.keys()] or anywhere
        rows = around.rows_with(frozenset(needed), True) if needed else []
        if whole and (not rows or self.random.random() < 0.7):
            near = list(facts(self.random.choice(whole)))
        elif rows:
            near = self.random.choice(rows)
        return {n: self._value(n, part, around, near) for n, part in parts.items() if n in needed}

    def _scalar(self, name: str, spec: Row, around: Around, near: Iterable[Fact]) -> Any:
        kind = str(spec.get("type", "string"))
        types = TYPES.get(kind, str)
        dice = self.random.random()
        if dice < 0.04:
            return self.random.choice(ODD.get(kind, ("",)))
        hints = [hint for hint in self._hints if _is(hint, types)]
        if hints and dice < (0.6 if kind in ("integer", "number") else 0.3):
            return self.random.choice(hints)
        offered = re.findall(r"'([A-Za-z][A-Za-z _-]*)'", str(spec.get("description", ""))) if kind == "string" else []
        if len(offered) > 1 and dice < 0.8:  # one alone is an example, several are a choice
            return self.random.choice(offered)
        if dice < 0.75 and (close := [f.value for f in near if _fits(name, f.key) and _is(f.value, types)]):
            return self.random.choice(close)
        fitting = [f.value for f in around.fitting(name) if _is(f.value, types)]
        if dice < 0.9 and fitting:
            return self.random.choice(fitting)
        if kind == "string" and fitting and dice < 0.96:
            return self._misspelt(self.random.choice(fitting))
        if kind in ("integer", "number"):
            return self.random.choice((1, 1, 2, 3, 4, 5)) * 10 ** self.random.choice((0, 0, 1, 2, 3))
        if kind == "boolean":
            return self.random.random() < 0.5
        return self.random.choice(fitting or ["something else"])

    def _misspelt(self, text: str) -> str:
        """A text of the same form that probably nobody has: one letter or digit is another."""
        places = [place for place, letter in enumerate(text) if letter.isalnum()]
        if not places:
            return text
        place = self.random.choice(places)
        return (
            text[:place]
            + self.random.choice(
                "0123456789" if text[place].isdigit() else "aeioxyz" if text[place].islower() else "AEIOXYZ"
            )
            + text[place + 1 :]
        )

    def _other(self, name: str, spec: Row, value: Any, around: Around, near: list[Fact]) -> Any:
        """Another value: a list with one item more, less or other; an object with one field other."""
        spec, dice = self._plain(spec), self.random.random()
        if isinstance(value, list) and value and dice < 0.8:
            items, place = list(value), self.random.randrange(len(value))
            item = spec.get("items", {})
            if dice < 0.15:
                items.append(self._value(name, item, around, near))
            elif dice < 0.3:
                del items[place]
            else:
                items[place] = self._other(name, item, items[place], around, near)
            return items
        if isinstance(value, dict) and spec.get("properties") and dice < 0.8:
            part = self.random.choice(list(spec["properties"]))
            old = value.get(part)
            return {**value, part: self._other(part, spec["properties"][part], old, around, near)}
        if isinstance(value, int | float) and not isinstance(value, bool) and "enum" not in spec and dice < 0.3:
            return self.random.choice((value + 1, value - 1, value * 2, value * 10))
        return self._value(name, spec, around, near)


@functools.cache
def _fits(name: str, key: str) -> bool:
    # what a dict is keyed by may be no id: `dates: {"2024-05-01": ...}` holds dates
    return fits(name, key) or key == f"{singular(name)}_id"


def _is(value: Any, types: Any) -> bool:
    return isinstance(value, types) and (types is bool or not isinstance(value, bool))


def _hints(said: str) -> list[Any]:
    """The numbers and the quoted words of a text."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?\b", said)
    return [*(float(n) if "." in n else int(n) for n in numbers), *re.findall(r"'([^']{1,60})'", said)]
