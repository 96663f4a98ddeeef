"""The edges of the API graph (paper §3.1): which tool's result can fill which tool's argument, and how that is known.

*name*: a field in a tool's result, or what the tool says of itself, fits the parameter. *value*: reading tools are run
on sampled rows, and what they return is tried as arguments; a value counts for a parameter when the tool ends
differently with it than with a value that nobody has: it is found, or it is refused for another reason. Free text makes
no difference and so never counts. The names of fields play no part in that, so ids that are dict keys, bare strings, or
stand in JSON inside a string are found too. *hand*: the domain adds it; it may forbid edges as well: pairs that its
policy does not allow. (The paper asks for a graph and does not say how its edges are found.)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from random import Random
from typing import Any, Literal, NamedTuple

from ..records import Action
from .candidate_calls import assemble_arguments, candidate_calls, result_facts, try_call
from .domain import Domain
from .tool import Tool
from .values import Fact, facts, fits, has_type, produced_key, singular
from .world import Refusal, ToolBug

Evidence = Literal["name", "value", "hand"]

USERS = 6  # rows of users that the reading tools are run on
ROUNDS = 3  # reads in a row, each fed by those before
CALLS = 3  # calls of a reading tool a round
TRIALS = 60  # calls of one tool, made up of what the reads have shown
PROBES = 120  # values tried for a parameter whose name fits no field
ENOUGH = 4  # values of a parameter that were told from nobody's
NOBODY = "nobody-0x0"
NO_NUMBER = 987_654_321


class Edge(NamedTuple):
    """`producer`'s results hold something under `key` that fills `parameter` of `consumer`; a parameter inside an
    object or a list of them is a dotted path. `evidence` says how that is known, `example` shows it."""

    producer: str
    consumer: str
    parameter: str
    key: str
    evidence: tuple[Evidence, ...] = ("name",)
    example: str = ""


class Observation(NamedTuple):
    """A reading call and the facts in its result."""

    call: Action
    facts: list[Fact]


Case = list[Observation]  # what the reads show of one user


def find_edges(domain: Domain) -> tuple[Edge, ...]:
    """All edges, one for a producer, a consumer and its parameter, in the order of the domain's tools."""
    cases = _observe(domain)
    found: dict[tuple[str, str, str], Edge] = {}
    for edge in (*_by_name(domain, cases), *_by_value(domain, cases), *_by_hand(domain)):
        known = found.setdefault(edge[:3], edge)
        if edge.evidence[0] not in known.evidence:
            # what was seen to flow says more than a name
            found[edge[:3]] = known._replace(evidence=known.evidence + edge.evidence, example=edge.example)
    kept = [edge for edge in found.values() if not any(edge[: len(pair)] == pair for pair in domain.edges_forbid)]
    order = list(domain.tools).index
    return tuple(sorted(kept, key=lambda edge: (order(edge.producer), order(edge.consumer))))


def _by_name(domain: Domain, cases: list[Case]) -> Iterator[Edge]:
    keys: dict[str, dict[str, str]] = {tool.name: _says(tool) for tool in domain.tools.values() if tool.kind == "read"}
    for call, seen in itertools.chain.from_iterable(cases):
        for fact in seen:
            example = "" if fact.value is None else f", as in {fact.value!r:.60}"
            keys[call.name].setdefault(fact.key, f"{call.name} gives {fact.key}{example}")
    for producer, given in keys.items():
        for consumer in domain.tools.values():
            for path in consumer.leaves if consumer.name != producer else ():
                key = next((k for k in sorted(given) if fits(path.split(".")[-1], k)), None)
                if key is not None:
                    yield Edge(producer, consumer.name, path, key, ("name",), f"{given[key]}; the names fit")


def _says(tool: Tool) -> dict[str, str]:
    """The ids that a tool gives by what its name and its first line say, other than those it takes."""
    line = tool.description.split("\n")[0].split(". ")[0]
    keys = [produced_key(tool.name), *(f"{word}_id" for word in re.findall(r"([a-z]+)(?:'s)? ids?\b", line.lower()))]
    taken = set(map(singular, tool.required))
    return {key: f"{tool.name} says that it gives {key}" for key in keys if key and key not in taken}


def _by_value(domain: Domain, cases: list[Case]) -> Iterator[Edge]:
    for tool in (tool for tool in domain.tools.values() if tool.kind != "other"):  # the others know no data
        for case, path, value in _Probe(tool, domain).known(cases):
            for call, seen in case:
                # one edge for each field that holds it, and none from a tool that was given the value itself
                if call.name != tool.name and not any(_same(value, given) for given in call.arguments.values()):
                    for key in dict.fromkeys(fact.key for fact in seen if _same(value, fact.value)):
                        example = f"{call} gives {key} {value!r:.60}, which {tool.name} knows as {path}"
                        yield Edge(call.name, tool.name, path, key, ("value",), example)


def _by_hand(domain: Domain) -> Iterator[Edge]:
    for producer, consumer, parameter in domain.edges_add:
        yield Edge(producer, consumer, parameter, parameter, ("hand",), "added by the domain")


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _observe(domain: Domain) -> list[Case]:
    """What the reading tools show of a few users: per user the calls that were not refused, each with its facts."""
    rng, world, cases = Random("graph"), domain.world(), list[Case]()
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    for user in rng.sample(domain.subjects, min(USERS, len(domain.subjects))):
        known = list(facts({domain.users: {user: domain.dump(domain.tables[domain.users][user])}}))
        case, done = Case(), set[str]()
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


def _telling(value: Any) -> bool:
    """Whether a value is rare enough that meeting it in two places means something."""
    if isinstance(value, str):
        return 3 <= len(value) <= 80
    return isinstance(value, int) and not isinstance(value, bool) and value >= 10_000


class _Probe:
    """Calls of one tool made up of what reads have shown. `open` are the leaves still worth a try, each with how many
    of its values were told from nobody's."""

    def __init__(self, tool: Tool, domain: Domain) -> None:
        self.tool, self.world, self.rng = tool, domain.world(), Random(f"flow/{tool.name}")
        self.leaves = {path: spec for path, spec in tool.leaves.items() if path.split(".")[0] in tool.required}
        self.names = {path: path.split(".")[-1] for path in self.leaves}
        typed = {path for path, spec in self.leaves.items() if spec.get("type") in ("string", "integer")}
        self.open = {path: 0 for path, spec in self.leaves.items() if path in typed and "enum" not in spec}

    def known(self, cases: list[Case]) -> Iterator[tuple[Case, str, Any]]:
        """Arguments that the tool tells from nobody's: the case that they are of, the parameter's path, the value."""
        # first values of fields of fitting names, mostly of one result
        for case in itertools.islice(itertools.cycle(cases), TRIALS):
            if not self.open:
                return
            values = self._filled(case)
            ended = self._end(values)
            for path in [path for path in self.open if _telling(values[path])]:
                if self._matters(values, path, ended):
                    yield case, path, values[path]
        # then, for leaves whose name fits no field, one value of each field in turn
        every = [(case, fact) for case in cases for _, seen in case for fact in seen if _telling(fact.value)]
        for path in [path for path, hits in self.open.items() if not hits]:
            if not any(fits(self.names[path], fact.key) for _, fact in every):
                yield from self._by_field(path, every)

    def _by_field(self, path: str, every: list[tuple[Case, Fact]]) -> Iterator[tuple[Case, str, Any]]:
        typed = [(case, fact) for case, fact in every if has_type(fact.value, self.leaves[path])]
        fields = {(id(case), fact.key): (case, fact.value) for case, fact in typed}
        for case, value in itertools.islice(fields.values(), PROBES):
            if path not in self.open:
                break
            values = {**self._filled(case), path: value}
            if self._matters(values, path, self._end(values)):
                yield case, path, value

    def _filled(self, case: Case) -> dict[str, Any]:
        """A value for each leaf: of one object where it has one, else of one result, else of the case, else any."""
        seen = self.rng.choice(case).facts if case else []
        anchors = [fact for fact in seen if any(fits(name, fact.key) for name in self.names.values())]
        holder = self.rng.choice(anchors).holder if anchors else {}
        known = [list(facts(holder)), seen, [fact for _, found in case for fact in found]]
        return {path: self._value(path, spec, known) for path, spec in self.leaves.items()}

    def _value(self, path: str, spec: dict[str, Any], known: list[list[Fact]]) -> Any:
        if "enum" in spec:
            return self.rng.choice(spec["enum"])
        name = self.names[path]
        for near in known:
            if values := [f.value for f in near if fits(name, f.key) and has_type(f.value, spec)]:
                return self.rng.choice(values)
        return {"integer": 1, "number": 1.0, "boolean": False}.get(str(spec.get("type")), "text")

    def _matters(self, values: dict[str, Any], path: str, ended: str) -> bool:
        if ended in ("wrong arguments", "nothing", "broken"):
            return False
        nobody = NOBODY if isinstance(values[path], str) else NO_NUMBER
        without = self._end({**values, path: nobody})
        # a refusal may repeat the value, which alone makes no other kind of it
        if without == ended or without.replace(str(nobody), "…") == ended.replace(str(values[path]), "…"):
            if not ended:
                del self.open[path]  # free text: the call succeeds whatever it says
            return False
        self.open[path] += 1
        if self.open[path] >= ENOUGH:
            del self.open[path]
        return True

    def _end(self, values: dict[str, Any]) -> str:
        """How a call ends: '' when it succeeds, else the kind of the refusal."""
        action = Action(name=self.tool.name, arguments=assemble_arguments(self.tool.parameters, values))
        try:
            result = (self.world.fork() if self.tool.writes else self.world).call(action)
        except Refusal as refusal:
            return refusal.kind or "refused"
        except ToolBug:
            return "broken"  # made-up arguments broke it; the contract of domains looks for that
        return "" if result or self.tool.writes else "nothing"
