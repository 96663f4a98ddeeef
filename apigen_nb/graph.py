"""The API dependency graph (paper §3.1): which tool's result can fill which tool's argument, and walks over it.

An edge is found by running the reading tools on rows of the domain and matching the facts in their results to the
parameters of the others (signatures alone miss ids that are dict keys or bare strings).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from .domain import Domain, Tool
from .facts import Fact, facts, fits, produced_key, singular
from .records import Action
from .world import Refusal, World


class Edge(NamedTuple):
    """`producer`'s results hold a fact `key` that fills `parameter` of `consumer`."""

    producer: str
    consumer: str
    parameter: str
    key: str


def required(tool: Tool) -> tuple[str, ...]:
    """The parameters without which a tool cannot be called."""
    return tuple(tool.parameters.get("required", ()))


def result_facts(tool: str, result: Any) -> Iterator[Fact]:
    """The facts in a tool's result; a bare value gets its key from the tool's name."""
    return facts(result, key=produced_key(tool))


def candidates(tool: Tool, known: list[Fact], most: int) -> Iterator[Action]:
    """Calls of a tool with arguments taken from known facts, at most `most`; arguments of one object come first."""
    names = required(tool)
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


@dataclass(frozen=True)
class Graph:
    """Nodes are tools, edges run from producers to consumers."""

    edges: tuple[Edge, ...]

    @staticmethod
    def of(domain: Domain) -> Graph:
        """Run every reading tool on facts of a few users' records and collect what its results can fill."""
        return _graph(domain.name, domain)

    def producers(self, consumer: str) -> tuple[str, ...]:
        """Tools whose results fill an argument of this one."""
        return tuple(dict.fromkeys(e.producer for e in self.edges if e.consumer == consumer))

    def entrances(self, domain: Domain) -> tuple[str, ...]:
        """Reading tools that find out who a user is: they give the user's id and take no id."""
        key = f"{singular(domain.users)}_id"
        finders = dict.fromkeys(edge.producer for edge in self.edges if edge.key == key)
        return tuple(name for name in finders if not any(p.endswith("_id") for p in required(domain.tools[name])))

    def walk(self, domain: Domain, rng: Random, writes: int) -> tuple[str, ...]:
        """A walk centred on `writes` writing tools: it starts where the user is found, and each is preceded by the
        reads that lead to its arguments."""
        writing = [name for name, tool in domain.tools.items() if tool.writes]
        chosen: list[str] = []
        while len(chosen) < min(writes, len(writing)):
            chosen.append(rng.choice([name for name in writing if name not in chosen]))
        path = list(self.entrances(domain))
        for name in chosen:
            path += [read for read in self._reads_before(domain, name) if read not in path]
            path.append(name)
        return tuple(path)

    def _reads_before(self, domain: Domain, name: str) -> list[str]:
        found, frontier = [], [name]
        while frontier:
            for producer in self.producers(frontier.pop(0)):
                if producer not in found and domain.tools[producer].kind == "read":
                    found.append(producer)
                    frontier.append(producer)
        return found[::-1]


def _empty(result: Any) -> Iterator[str]:
    """The keys of empty lists: another user's may hold something."""
    if isinstance(result, dict):
        for name, value in result.items():
            yield from (singular(name),) if value == [] else _empty(value)
    elif isinstance(result, list):
        for item in result:
            yield from _empty(item)


@functools.lru_cache(maxsize=8)
def _keys_of_results(domain: Domain) -> dict[str, set[str]]:
    rng, world = Random("graph"), domain.world()
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    keys: dict[str, set[str]] = {tool.name: set() for tool in reads}
    for user in rng.sample(domain.subjects, min(5, len(domain.subjects))):
        known = list(facts({domain.users: {user: domain.dump(domain.tables[domain.users][user])}}))
        for _ in range(3):
            for tool in reads:
                for action in candidates(tool, known, most=3):
                    result = try_call(world, action)
                    found = list(result_facts(tool.name, result))
                    keys[tool.name] |= {fact.key for fact in found} | set(_empty(result))
                    known += [fact for fact in found[:200] if fact not in known[-400:]]
    return keys


@functools.lru_cache(maxsize=8)
def _graph(name: str, domain: Domain) -> Graph:
    edges = []
    for producer, keys in _keys_of_results(domain).items():
        for consumer in domain.tools.values():
            for parameter in consumer.parameters.get("properties", {}):
                key = next((k for k in sorted(keys) if fits(parameter, k)), None)
                if key is not None and consumer.name != producer:
                    edges.append(Edge(producer, consumer.name, parameter, key))
    return Graph(tuple(edges))
