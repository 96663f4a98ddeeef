"""Calls that can be made for a user: found by trying the values of the user's own records in a forked world.

Whether a tool succeeds hangs on the data: only some users have a payment to pause. Each try takes the arguments of one
thing and of what that names, since most tools want what belongs together, and makes up text and numbers where a
parameter takes any; a refusal that names values soon rules them out. What is found is executed and judged by the rules,
so it holds; what is not found within `TRIES` may exist all the same.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, NamedTuple

from ..records import Action
from .api_graph import Graph, is_id_parameter
from .contract.argument_sampling import hints, misspelt
from .domain import Domain, Step
from .tool import Tool, allowed_values
from .user_records import user_records
from .values import Fact, argument_values, facts, fits, has_type, singular
from .world import Refusal, World, digest

TRIES = 40  # calls; where a tool can succeed for a user, half of that nearly always does
IN_VAIN = 40  # arguments drawn in a row that were tried before, or are ruled out
ENOUGH = 2  # refusals that name the same values, until these are tried no more
SMALL = (1, 1, 1, 2, 2, 3, 5, 10, 15, 50, 100, 1000)

End = Literal["allowed", "refused", "against a rule"]
Row = dict[str, Any]


class _Known:
    """The facts of a user's records, by row, by the parameters that they fit, and which rows a value names."""

    def __init__(self, domain: Domain, user: str) -> None:
        records = user_records(domain, user)
        rows = [(table, key, row) for table, rows in records.items() for key, row in rows.items()]
        self.rows = [(table, key) for table, key, _ in rows]
        self.key = f"{singular(domain.users)}_id"
        self.places = [(n, fact) for n, (t, key, row) in enumerate(rows) for fact in facts({t: {key: row}})]
        self.homes: dict[Any, list[int]] = {}
        for number, (_, key, _) in enumerate(rows):
            self.homes.setdefault(key, []).append(number)
        self.values = {fact.value for _, fact in self.places}
        self._fitting: dict[Any, dict[int, list[Fact]]] = {}

    def fitting(self, name: str, spec: Row, keys: frozenset[str]) -> dict[int, list[Fact]]:
        """The facts that fit a parameter by name, or stand under one of these keys, of its schema's type, by row."""
        asked = name, spec.get("type"), keys
        if asked not in self._fitting:
            found: dict[int, list[Fact]] = {}
            for row, fact in self.places:
                if (fact.key in keys or fits(name, fact.key)) and has_type(fact.value, spec):
                    found.setdefault(row, []).append(fact)
            self._fitting[asked] = found
        return self._fitting[asked]


@dataclass
class _Arguments:
    """Draws the arguments of one tool. `keys` are parameter → fields whose values were seen to fill it; `said` are
    numbers and words of an earlier refusal, `ruled_out` parameters with values not to take, and `spent` is whether one
    has none other."""

    tool: Tool
    rng: Random
    known: _Known
    user: str
    keys: Mapping[str, frozenset[str]]
    said: list[Any] = field(default_factory=list)
    ruled_out: set[tuple[str, str]] = field(default_factory=set)
    spent: bool = False

    def draw(self) -> Row:
        self._near, self._linked, self._taken = set[int](), set[int](), set[tuple[str, Any]]()
        self._count = self.rng.choice((1, 1, 1, 2))
        names = [n for n in self.tool.properties if n in self.tool.required or self.rng.random() < 0.25]
        return {name: self._value(name, self.tool.properties[name], name) for name in names}

    def _schema(self, spec: Row) -> Row:
        if "$ref" in spec:
            spec = self.tool.parameters["$defs"][spec["$ref"].split("/")[-1]]
        options = [s for s in spec.get("anyOf", ()) if s.get("type") != "null"]
        return self._schema(self.rng.choice(options)) if options else spec

    def _value(self, name: str, spec: Row, path: str) -> Any:
        spec = self._schema(spec)
        if "enum" in spec or "const" in spec:
            return self.rng.choice(spec.get("enum") or [spec["const"]])
        if spec.get("type") == "array":
            return self._list(name, spec.get("items", {}), path)
        if "properties" in spec:
            return {part: self._value(part, inner, f"{path}.{part}") for part, inner in spec["properties"].items()}
        return self._scalar(name, spec, path)

    def _list(self, name: str, spec: Row, path: str) -> list[Any]:
        if parts := self._schema(spec).get("properties"):
            own = [
                f.holder[name] for n, f in self.known.places if n in self._near and isinstance(f.holder.get(name), list)
            ]
            whole = [{k: item[k] for k in parts if k in item} for item in next((v for v in own if v), ())]
            if whole and self.rng.random() < 0.6:
                return whole
        count = self._count if "properties" not in self._schema(spec) else 1
        return [self._value(name, spec, path) for _ in range(count)]

    def _scalar(self, name: str, spec: Row, path: str) -> Any:
        kind, dice = str(spec.get("type", "string")), self.rng.random()
        if fits(name, self.known.key) and has_type(self.user, spec):
            return self.user
        if kind == "boolean":
            return dice < 0.5
        if quoted := allowed_values(spec):
            return self.rng.choice(quoted)
        if number := kind in ("integer", "number"):
            if dice < 0.3 and (fit := [value for value in self.said if has_type(value, spec)]):
                return self.rng.choice(fit)
            if dice < 0.6:
                return self.rng.choice(SMALL)
        fact = self._fact(name, spec, path)
        if fact is None:
            return self.rng.choice(SMALL) if number else "something else"
        if kind == "string" and not is_id_parameter(name) and fact.value not in self.known.homes and dice < 0.4:
            return misspelt(fact.value, self.rng)
        return fact.value

    def _fact(self, name: str, spec: Row, path: str) -> Fact | None:
        """A fact for a parameter: of a row from which others were taken, of one that these name, or any."""
        pool = self.known.fitting(name, spec, self.keys.get(path, frozenset()))
        near = 0.3 if name.startswith(("new_", "to_", "target_")) else 0.75
        for rows in (self._near if self.rng.random() < near else (), self._linked, pool):
            found = [(row, f) for row in sorted(pool.keys() & rows) for f in pool[row]]
            if self.ruled_out:
                found = [(row, f) for row, f in found if (name, str(f.value)) not in self.ruled_out]
            if fresh := [(row, fact) for row, fact in found if (fact.key, fact.value) not in self._taken]:
                return self._take(*self.rng.choice(fresh))
        self.spent |= bool(pool) and not found
        return self._take(*self.rng.choice(found)) if found else None

    def _take(self, row: int, fact: Fact) -> Fact:
        homes = self.known.homes
        self._taken.add((fact.key, fact.value))
        self._near |= {row, *homes.get(fact.value, ())}
        named = [value for value in fact.holder.values() if isinstance(value, str)]
        self._linked |= {other for value in named for other in homes.get(value, ())}
        return fact


class _After(NamedTuple):
    """The world after some calls, which is not to be changed, the steps that they were, and the end states on the way:
    what leads back to one of these has undone something."""

    world: World
    steps: tuple[Step, ...] = ()
    states: frozenset[str] = frozenset({digest(())})


class UserCalls:
    """The calls that can be made for one user, each found once."""

    def __init__(self, domain: Domain, user: str) -> None:
        self.domain, self.user, self.known = domain, user, _Known(domain, user)
        self._worlds: dict[str, _After] = {}
        self._searches: dict[tuple[str, str], tuple[Iterator[None], dict[End, Action]]] = {}

    def find(self, name: str, end: End, earlier: tuple[Action, ...] = ()) -> Action | None:
        """A call of a tool that ends so, after earlier ones that are allowed: it changes something, undoes none of
        them and breaks no rule, is refused, or breaks a rule alone. None when none was found. What is refused holds
        what the records hold."""
        alone = self.find(name, end) if earlier else None
        if alone and self.ends(alone, earlier) == end:
            return alone
        key = name, " ".join(map(str, earlier))
        if key not in self._searches:
            found: dict[End, Action] = {}
            self._searches[key] = self._search(name, earlier, found), found
        search, found = self._searches[key]
        while end not in found and next(search, 0) is None:
            pass
        return found.get(end)

    def ends(self, action: Action, earlier: tuple[Action, ...] = ()) -> End | None:
        """How a call ends after earlier ones; None when it tells nothing: it is malformed, or changes nothing."""
        return self._end(action, self._after(earlier))[0]

    def from_records(self, action: Action) -> list[Any]:
        """The different values of a call that stand in the records."""
        found = [value for _, value in argument_values(action) if value in self.known.values]
        return list(dict.fromkeys(found))

    def rows_of(self, actions: Iterable[Action]) -> list[tuple[str, str]]:
        """Table and id of the rows in which the values of some calls stand: of those whose ids they are, if any are."""
        found = dict[tuple[str, str], None]()
        for _, value in argument_values(*actions):
            homes = [(table, value) for table, rows in self.domain.tables.items() if value in rows]
            holding = (self.known.rows[row] for row, fact in self.known.places if fact.value == value)
            found |= dict.fromkeys(homes or itertools.islice(holding, 1))
        return list(found)

    def _after(self, earlier: tuple[Action, ...]) -> _After:
        if not earlier:
            return _After(self.domain.world())
        key = " ".join(map(str, earlier))
        if key not in self._worlds:
            before = self._after(earlier[:-1])
            world = before.world.fork()
            result = world.call(earlier[-1])
            step = Step(earlier[-1], before.world.database(), world.database(), result, self.user, before.steps)
            self._worlds[key] = _After(world, (*before.steps, step), before.states | {digest(world.delta())})
        return self._worlds[key]

    def _end(self, action: Action, before: _After) -> tuple[End | None, str]:
        after = before.world.fork()
        try:
            result = after.call(action)
            step = Step(action, before.world.database(), after.database(), result, self.user, before.steps)
            broken = [rule for rule in self.domain.rules_for([action.name]) if not rule.holds(step)]
        except Refusal as refusal:
            return (None if refusal.kind == "wrong arguments" else "refused"), str(refusal)
        except Exception:  # a tool or a rule that breaks on what was made up: the contract of domains looks for those
            return None, ""
        if broken:
            return "against a rule", ""
        return ("allowed" if digest(after.delta()) not in before.states else None), ""

    def _search(self, name: str, earlier: tuple[Action, ...], found: dict[End, Action]) -> Iterator[None]:
        """Make calls, one a step, and keep the first that ends in each way."""
        before = self._after(earlier)
        rng = Random(f"{self.domain.name}/{self.user}/{name}/{len(earlier)}")
        arguments = _Arguments(self.domain.tools[name], rng, self.known, self.user, _filling(self.domain, name))
        tried, named, vain = set[str](), Counter[frozenset[tuple[str, str]]](), 0
        while len(tried) < TRIES and vain < IN_VAIN and not arguments.spent:
            action = Action(name=name, arguments=arguments.draw())
            drawn, held = repr(action.arguments), set[tuple[str, str]]()
            if drawn not in tried:
                held = {(at, str(value)) for at, value in argument_values(action)}
            if drawn in tried or any(n >= ENOUGH and values <= held for values, n in named.items()):
                vain += 1
                continue
            tried.add(drawn)
            vain = 0
            end, said = self._end(action, before)
            if end and (end != "refused" or self._is_of_records(action)):
                found.setdefault(end, action)
            if blamed := frozenset((at, v) for at, v in held if len(v) > 2 and v in said and v != self.user):
                named[blamed] += 1
                arguments.ruled_out |= blamed if len(blamed) == 1 and named[blamed] >= ENOUGH else set()
            arguments.said = hints(said)
            yield

    def _is_of_records(self, action: Action) -> bool:
        chosen = {path for path, spec in self.domain.tools[action.name].leaves.items() if allowed_values(spec)}
        texts = [v for name, v in argument_values(action) if isinstance(v, str) and name not in chosen]
        return self.known.values.issuperset(texts)


@functools.lru_cache(maxsize=64)
def user_calls(domain: Domain, user: str) -> UserCalls:
    """What can be done for a user."""
    return UserCalls(domain, user)


@functools.lru_cache(maxsize=256)
def _filling(domain: Domain, name: str) -> Mapping[str, frozenset[str]]:
    """Parameter of a tool → the fields whose values fill it, by the API graph."""
    keys: dict[str, set[str]] = {}
    for edge in Graph.of(domain).edges:
        if edge.consumer == name:
            keys.setdefault(edge.parameter, set()).add(edge.key)
    return {path: frozenset(found) for path, found in keys.items()}
