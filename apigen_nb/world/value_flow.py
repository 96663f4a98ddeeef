"""Which values flow between tools: reading tools are run on sampled rows, and what they return is tried as arguments.

A value counts for a parameter when the tool ends differently with it than with a value that nobody has: it is found, or
it is refused for another reason. Free text makes no difference and so never counts. The names of fields play no part in
the match, so ids that are dict keys, bare strings, or stand in JSON inside a string are found too (paper §3.1 asks for
a graph and does not say how its edges are found).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from ..records import Action
from .domain import Domain, Tool
from .values import Fact, facts, fits, produced_key, singular
from .world import Refusal, ToolBug, World

USERS = 6  # rows of users that the reading tools are run on
ROUNDS = 3  # reads in a row, each fed by those before
CALLS = 3  # calls of a reading tool a round
TRIALS = 60  # calls of one tool, made up of what the reads have shown
PROBES = 120  # values tried for a parameter whose name fits no field
ENOUGH = 4  # values of a parameter that were told from nobody's
NOBODY = "nobody-0x0"
NO_NUMBER = 987_654_321


class Observation(NamedTuple):
    """A reading call and the facts in its result."""

    call: Action
    facts: list[Fact]


class Match(NamedTuple):
    """A value that `call` returned under `key` and that `consumer` knows when it is given as `parameter`."""

    call: Action
    key: str
    consumer: str
    parameter: str
    value: Any


def required_parameters(tool: Tool) -> tuple[str, ...]:
    """The parameters without which a tool cannot be called."""
    return tuple(tool.parameters.get("required", ()))


def result_facts(tool: str, result: Any) -> Iterator[Fact]:
    """The facts in a tool's result; a bare value gets its key from the tool's name."""
    return facts(result, key=produced_key(tool))


def candidate_calls(tool: Tool, known: list[Fact], most: int) -> Iterator[Action]:
    """Calls of a tool with arguments taken from known facts, at most `most`; arguments of one object come first."""
    names = required_parameters(tool)
    if not names:
        yield Action(name=tool.name)
        return
    lists = [name for name in names if tool.parameters["properties"][name].get("type") == "array"]
    together: dict[int, dict[str, Any]] = {}
    for fact in known:
        for name in names:
            if fits(name, fact.key):
                together.setdefault(id(fact.holder), {}).setdefault(name, fact.value)
    whole = [found for found in together.values() if len(found) == len(names)]
    values = {n: list(dict.fromkeys(f.value for f in known if fits(n, f.key)))[:most] for n in names}
    loose = (dict(zip(names, combination, strict=True)) for combination in itertools.product(*values.values()))
    seen: set[tuple[str, ...]] = set()
    for arguments in itertools.islice(itertools.chain(whole, loose), most * 2):
        key = tuple(map(repr, (arguments[n] for n in names)))
        if key not in seen and len(seen) < most:
            seen.add(key)
            yield Action(name=tool.name, arguments={n: [v] if n in lists else v for n, v in arguments.items()})


def try_call(world: World, action: Action) -> Any:
    """The result of a call, or None when it is refused."""
    try:
        return world.call(action)
    except Refusal:
        return None


def leaf_parameters(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The scalar parameters of a schema, as dotted paths through objects and lists, each with its own schema."""
    for name, spec in properties.items():
        inner = scalar = _plain(spec)
        while inner.get("type") == "array":
            inner = scalar = _plain(inner.get("items", {}))
        if "properties" in inner:
            yield from leaf_parameters(inner["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}", scalar


def _plain(spec: dict[str, Any]) -> dict[str, Any]:
    """The first alternative that is not null."""
    return next((s for s in spec.get("anyOf", ()) if s.get("type") != "null"), spec)


def assemble_arguments(schema: Mapping[str, Any], values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Arguments made of the values of leaves; lists hold one item, leaves without a value are left out."""

    def build(spec: dict[str, Any], path: str) -> Any:
        spec = _plain(spec)
        if spec.get("type") == "array":
            item = build(spec.get("items", {}), path)
            return None if item is None else [item]
        return (assemble_arguments(spec, values, f"{path}.") or None) if "properties" in spec else values.get(path)

    made = {name: build(spec, f"{above}{name}") for name, spec in schema.get("properties", {}).items()}
    return {name: value for name, value in made.items() if value is not None}


def observe(domain: Domain) -> list[list[Observation]]:
    """What the reading tools show of a few users: per user the calls that were not refused, each with its facts."""
    rng, world = Random("graph"), domain.world()
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    cases = []
    for user in rng.sample(domain.subjects, min(USERS, len(domain.subjects))):
        known = list(facts({domain.users: {user: domain.dump(domain.tables[domain.users][user])}}))
        case: list[Observation] = []
        done: set[str] = set()
        for _, tool in itertools.product(range(ROUNDS), reads):
            for action in candidate_calls(tool, known, most=CALLS):
                if str(action) in done:
                    continue
                done.add(str(action))
                result = try_call(world, action)
                if result is not None:
                    found = list(result_facts(tool.name, result))
                    case.append(Observation(action, [*found, *_empty(result)]))
                    known += found[:200]
        cases.append(case)
    return cases


def _empty(result: Any) -> Iterator[Fact]:
    """The keys of empty lists, without a value: another user's may hold something."""
    if isinstance(result, dict):
        for name, value in result.items():
            yield from (Fact(singular(name), None, {}),) if value == [] else _empty(value)
    elif isinstance(result, list):
        for item in result:
            yield from _empty(item)


def matches(domain: Domain, cases: list[list[Observation]]) -> list[Match]:
    """The values that flow: what reading calls returned and other tools took for their own."""
    found: list[Match] = []
    for tool in (tool for tool in domain.tools.values() if tool.kind != "other"):  # the others know no data
        for case, path, value in _known_to(tool, domain, cases):
            for call, seen in case:
                # one match for each field that holds it, and none for a tool that was given the value itself
                if call.name != tool.name and not any(_same(value, v) for v in call.arguments.values()):
                    keys = dict.fromkeys(fact.key for fact in seen if _same(value, fact.value))
                    found += [Match(call, key, tool.name, path, value) for key in keys]
    return found


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _telling(value: Any) -> bool:
    """Whether a value is rare enough that meeting it in two places means something."""
    if isinstance(value, str):
        return 3 <= len(value) <= 80
    return isinstance(value, int) and not isinstance(value, bool) and value >= 10_000


def _known_to(
    tool: Tool, domain: Domain, cases: list[list[Observation]]
) -> Iterator[tuple[list[Observation], str, Any]]:
    """Arguments that a tool tells from nobody's: the user's case that they are of, the parameter's path, the value."""
    tries = _Tries(tool, domain)
    yield from tries.by_name(cases)
    yield from tries.by_value(cases)


class _Tries:
    """Calls of one tool made up of what reads have shown. `open` are the leaves still worth a try."""

    def __init__(self, tool: Tool, domain: Domain) -> None:
        self.tool, self.world = tool, domain.world()
        self.rng = Random(f"flow/{tool.name}")
        needed = set(required_parameters(tool))
        self.specs = {
            path: s
            for path, s in leaf_parameters(tool.parameters.get("properties", {}))
            if path.split(".")[0] in needed
        }
        self.open = {p: 0 for p, s in self.specs.items() if "enum" not in s and s.get("type") in ("string", "integer")}

    def by_name(self, cases: list[list[Observation]]) -> Iterator[tuple[list[Observation], str, Any]]:
        """Calls whose arguments stand in fields of fitting names, mostly of one result."""
        for case in itertools.islice(itertools.chain.from_iterable(itertools.repeat(cases, TRIALS)), TRIALS):
            if not self.open:
                return
            values = self._filled(case)
            ended = self._ends(values)
            for path in [path for path in self.open if _telling(values[path])]:
                if self._matters(values, path, ended):
                    yield case, path, values[path]

    def by_value(self, cases: list[list[Observation]]) -> Iterator[tuple[list[Observation], str, Any]]:
        """For leaves whose name fits no field: one value of each field in turn."""
        for path in [path for path, hits in self.open.items() if not hits]:
            every = [(case, fact) for case in cases for _, seen in case for fact in seen if _telling(fact.value)]
            if any(fits(path.split(".")[-1], fact.key) for _, fact in every):
                continue
            kind = str if self.specs[path].get("type") == "string" else int
            fields = {(id(case), fact.key): (case, fact) for case, fact in every if isinstance(fact.value, kind)}
            for case, fact in itertools.islice(fields.values(), PROBES):
                if path not in self.open:
                    break
                values = {**self._filled(case), path: fact.value}
                if self._matters(values, path, self._ends(values)):
                    yield case, path, fact.value

    def _filled(self, case: list[Observation]) -> dict[str, Any]:
        """A value for each leaf: of one object where it has one, else of one result, else of the case, else any."""
        seen = self.rng.choice(case).facts if case else []
        anchors = [fact for fact in seen if any(fits(path.split(".")[-1], fact.key) for path in self.specs)]
        holder = self.rng.choice(anchors).holder if anchors else {}
        everything = [fact for shown in case for fact in shown.facts]
        return {path: self._value(path, spec, holder, seen, everything) for path, spec in self.specs.items()}

    def _value(
        self, path: str, spec: dict[str, Any], holder: dict[str, Any], seen: list[Fact], everything: list[Fact]
    ) -> Any:
        if "enum" in spec:
            return self.rng.choice(spec["enum"])
        name, kind = path.split(".")[-1], spec.get("type")
        kinds: tuple[type, ...] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}.get(str(kind), (str,))
        for known in (facts(holder), seen, everything):
            values = [f.value for f in known if fits(name, f.key) and isinstance(f.value, kinds)]
            if values:
                return self.rng.choice(values)
        return {"integer": 1, "number": 1.0, "boolean": False}.get(str(kind), "text")

    def _matters(self, values: dict[str, Any], path: str, ended: str) -> bool:
        if ended in ("wrong arguments", "nothing", "broken"):
            return False
        nobody = NOBODY if isinstance(values[path], str) else NO_NUMBER
        without = self._ends({**values, path: nobody})
        # a refusal may repeat the value, which alone makes no other kind of it
        if without == ended or without.replace(str(nobody), "…") == ended.replace(str(values[path]), "…"):
            if not ended:
                del self.open[path]  # free text: the call succeeds whatever it says
            return False
        self.open[path] += 1
        if self.open[path] >= ENOUGH:
            del self.open[path]
        return True

    def _ends(self, values: dict[str, Any]) -> str:
        """How a call ends: '' when it succeeds, else the kind of the refusal."""
        action = Action(name=self.tool.name, arguments=assemble_arguments(self.tool.parameters, values))
        try:
            result = (self.world.fork() if self.tool.writes else self.world).call(action)
        except Refusal as refusal:
            return refusal.kind or "refused"
        except ToolBug:
            return "broken"  # made-up arguments broke it; the contract of domains looks for that
        return "" if result or self.tool.writes else "nothing"
