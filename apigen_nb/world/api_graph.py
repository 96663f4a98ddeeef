"""The API dependency graph (paper §3.1): which tool's result can fill which tool's argument, and walks over it.

Edges come from three sources, and each edge says which: *name*, the name of a field in a tool's result, or what the
tool says of itself, fits the parameter; *value*, a value out of its result was known to the other tool (see `flow`);
*hand*, the domain adds it. A domain may forbid edges as well: pairs that its policy does not allow.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from ..records import Proposal
from .domain import Domain, Tool
from .value_flow import (
    Match,
    Observation,
    candidate_calls,
    leaf_parameters,
    matches,
    observe,
    required_parameters,
    result_facts,
    try_call,
)
from .values import fits, produced_key, singular

__all__ = [
    "CoverageRow",
    "Edge",
    "Graph",
    "candidate_calls",
    "coverage",
    "is_id_parameter",
    "required_parameters",
    "result_facts",
    "try_call",
]

Evidence = Literal["name", "value", "hand"]
UNLIMITED = 1_000


class Edge(NamedTuple):
    """`producer`'s results hold something under `key` that fills `parameter` of `consumer`; a parameter inside an
    object or a list of them is a dotted path. `evidence` says how that is known, `example` shows it."""

    producer: str
    consumer: str
    parameter: str
    key: str
    evidence: tuple[Evidence, ...] = ("name",)
    example: str = ""


class CoverageRow(NamedTuple):
    """How often a tool, or an edge as "producer → consumer: parameter", was in walks, and in accepted blueprints."""

    what: Literal["tool", "edge"]
    name: str
    sampled: int
    accepted: int


def is_id_parameter(parameter: str) -> bool:
    """Whether a parameter names a thing that has to be looked up: `order_id`, `item_ids`, `flights.flight_number`."""
    return bool(re.search(r"(^|_)(id|number)s?$", parameter.split(".")[-1]))


@dataclass(frozen=True)
class Graph:
    """Nodes are tools, edges run from producers to consumers."""

    edges: tuple[Edge, ...]

    @staticmethod
    def of(domain: Domain) -> Graph:
        """Run every reading tool on facts of a few users' records and collect what its results can fill."""
        return _graph(domain.name, domain)

    @functools.cached_property
    def _into(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Consumer → parameter → producers."""
        into: dict[str, dict[str, tuple[str, ...]]] = {}
        for edge in self.edges:
            of = into.setdefault(edge.consumer, {})
            of[edge.parameter] = (*of.get(edge.parameter, ()), edge.producer)
        return into

    def producers(self, consumer: str, parameter: str | None = None) -> tuple[str, ...]:
        """Tools whose results fill an argument of this one; of all its arguments, or of one."""
        of = self._into.get(consumer, {})
        lists = of.values() if parameter is None else [of.get(parameter, ())]
        return tuple(dict.fromkeys(name for names in lists for name in names))

    @functools.cached_property
    def _surest(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Consumer and parameter → the producers whose values were seen to fill it or that were added by hand, and only
        where there are none those whose names fit: a list `items` may hold names of items, and no `item_ids`."""
        seen = [edge for edge in self.edges if edge.evidence != ("name",)]
        known = {edge[1:3] for edge in seen}
        surest: dict[tuple[str, str], tuple[str, ...]] = {}
        for edge in [*seen, *(edge for edge in self.edges if edge[1:3] not in known)]:
            surest[edge[1:3]] = (*surest.get(edge[1:3], ()), edge.producer)
        return surest

    def sources(self, consumer: str, parameter: str) -> tuple[str, ...]:
        """The surest producers of one argument: by value or by hand where there are any, else by name."""
        return self._surest.get((consumer, parameter), ())

    def needs(self, tool: Tool) -> dict[str, tuple[str, ...]]:
        """The ids that a tool cannot be called without → the surest tools to get them from."""
        ids = [path for path, _ in leaf_parameters(tool.parameters.get("properties", {})) if is_id_parameter(path)]
        needed = [path for path in ids if path.split(".")[0] in required_parameters(tool)]
        return {path: found for path in needed if (found := self.sources(tool.name, path))}

    def entrances(self, domain: Domain) -> tuple[str, ...]:
        """Reading tools that find out who a user is: they give the user's id and take no id. Where there are none,
        because users tell their id themselves, those that take nothing but it."""
        key = f"{singular(domain.users)}_id"
        reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
        giving = {edge.producer for edge in self.edges if edge.key == key}
        finders = [
            tool.name
            for tool in reads
            if tool.name in giving and not any(map(is_id_parameter, required_parameters(tool)))
        ]
        return tuple(finders or [tool.name for tool in reads if list(required_parameters(tool)) == [key]])

    def walk(
        self,
        domain: Domain,
        rng: Random,
        writes: int,
        *,
        length: int = UNLIMITED,
        weights: Mapping[str, float] | None = None,
        reads: float = 1.0,
    ) -> tuple[str, ...]:
        """A walk centred on `writes` writing tools, drawn by `weights` (1 where none is given) without repeating one:
        it starts where the user is found, and each is preceded by reads that lead to the ids it needs. Of the other
        reads that could fill an argument the share `reads` is added. At most `length` tools: what is too much is left
        out, first those other reads, then writes, then what lies between the entrance and the only write."""
        chosen = _drawn(domain, rng, writes, weights or {})
        state = rng.getstate()
        while True:
            rng.setstate(state)
            path = list(self.entrances(domain))
            for name in chosen:
                self._append(name, path, domain, rng)
            if len(path) <= length or len(chosen) < 2:
                break
            chosen.pop()
        for name in chosen:
            for read in self._ahead(domain, name):
                if rng.random() < reads and read not in path:
                    more = path[: path.index(name)]
                    self._append(read, more, domain, rng)
                    more += [later for later in path if later not in more]
                    path = more if len(more) <= length else path
        return tuple(path if len(path) <= length else [path[0], *path[len(path) - length + 1 :]])

    def _append(self, name: str, path: list[str], domain: Domain, rng: Random) -> None:
        """Add a tool to a path, after reads for the ids that nothing in the path gives yet."""
        if name in path:
            return
        depths = self.depths(domain)
        mine = depths.get(name, UNLIMITED)
        told = {
            p for entrance, depth in depths.items() if depth == 0 for p in required_parameters(domain.tools[entrance])
        }
        for producers in (of for parameter, of in self.needs(domain.tools[name]).items() if parameter not in told):
            # only from nearer the entrance, so that no two reads wait for each other
            near = [p for p in producers if depths.get(p, UNLIMITED) < mine]
            if near and not any(producer in path for producer in near):
                self._append(rng.choice(near), path, domain, rng)
        path.append(name)

    def _ahead(self, domain: Domain, name: str) -> list[str]:
        """All reads that lead to a tool, the furthest ones first."""
        depths = self.depths(domain)
        found, frontier = dict.fromkeys(self.producers(name)), list(self.producers(name))
        while frontier:
            more = [p for p in self.producers(frontier.pop(0)) if p not in found and p != name]
            found |= dict.fromkeys(more)
            frontier += more
        return sorted((read for read in found if read in depths), key=lambda read: depths[read])

    def depths(self, domain: Domain) -> dict[str, int]:
        """Reading tool → how many reads come before it at least; those that nothing leads to are left out."""
        return _depths(self, domain)


@functools.lru_cache(maxsize=8)
def _depths(graph: Graph, domain: Domain) -> dict[str, int]:
    depths = dict.fromkeys(graph.entrances(domain), 0)
    waiting = {tool.name: graph.needs(tool) for tool in domain.tools.values() if tool.kind == "read"}
    for depth in range(1, len(waiting) + 1):
        ready = [
            name
            for name, needs in waiting.items()
            if name not in depths and all(any(p in depths for p in producers) for producers in needs.values())
        ]
        depths |= dict.fromkeys(ready, depth)
    return depths


def _drawn(domain: Domain, rng: Random, most: int, weights: Mapping[str, float]) -> list[str]:
    """Different writing tools, one after the other by weight; those of weight 0 never."""
    left = {name: weights.get(name, 1.0) for name, tool in domain.tools.items() if tool.writes}
    left = {name: weight for name, weight in left.items() if weight > 0}
    chosen: list[str] = []
    while left and len(chosen) < most:
        chosen += rng.choices(list(left), list(left.values()))
        del left[chosen[-1]]
    return chosen


def coverage(graph: Graph, domain: Domain, proposals: Iterable[Proposal]) -> list[CoverageRow]:
    """How often each tool and each edge was walked over, and in how many accepted blueprints: there a writing tool must
    be among the actions, not only in the walk. An edge is walked over when its producer comes before its consumer.
    Tools that are in no walk by their kind, such as handing over, are left out."""
    sampled: dict[str, int] = {}
    accepted: dict[str, int] = {}
    for proposal in proposals:
        place = {name: number for number, name in enumerate(proposal.walk)}
        found = [*place, *(_name(e) for e in graph.edges if _after(place, e))]
        for name in found:
            sampled[name] = sampled.get(name, 0) + 1
        if proposal.accepted:
            # the actions count and not the walk: a tool of the walk may have been left out, another one used instead
            reads = {
                name: number for name, number in place.items() if name in domain.tools and not domain.tools[name].writes
            }
            used = reads | {action.name: len(place) for action in proposal.blueprint.actions}
            for name in [*used, *(_name(e) for e in graph.edges if _after(used, e))]:
                accepted[name] = accepted.get(name, 0) + 1
    tools = [tool.name for tool in domain.tools.values() if tool.kind != "other"]
    rows: list[tuple[Literal["tool", "edge"], str]] = [("tool", name) for name in tools]
    rows += [("edge", _name(edge)) for edge in graph.edges if edge.consumer in tools]
    return [CoverageRow(what, name, sampled.get(name, 0), accepted.get(name, 0)) for what, name in rows]


def _name(edge: Edge) -> str:
    return f"{edge.producer} → {edge.consumer}: {edge.parameter}"


def _after(place: Mapping[str, int], edge: Edge) -> bool:
    return place.get(edge.producer, UNLIMITED) < place.get(edge.consumer, -1)


# --- edges


@functools.lru_cache(maxsize=8)
def _graph(name: str, domain: Domain) -> Graph:
    cases = observe(domain)
    found: dict[tuple[str, str, str], Edge] = {}
    for edge in (*_by_name(domain, cases), *map(_by_value, matches(domain, cases)), *_by_hand(domain)):
        known = found.get(edge[:3])
        if known is None:
            found[edge[:3]] = edge
        elif edge.evidence[0] not in known.evidence:
            # what was seen to flow says more than a name
            found[edge[:3]] = known._replace(evidence=known.evidence + edge.evidence, example=edge.example)
    kept = [edge for edge in found.values() if not any(_forbids(pair, edge) for pair in domain.edges_forbid)]
    order = {tool: number for number, tool in enumerate(domain.tools)}
    return Graph(tuple(sorted(kept, key=lambda edge: (order[edge.producer], order[edge.consumer]))))


def _by_name(domain: Domain, cases: list[list[Observation]]) -> Iterator[Edge]:
    keys: dict[str, dict[str, str]] = {tool.name: _says(tool) for tool in domain.tools.values() if tool.kind == "read"}
    for call, seen in (shown for case in cases for shown in case):
        for fact in seen:
            keys[call.name].setdefault(fact.key, f"{call.name} gives {fact.key}" + _shown(fact.value))
    for producer, given in keys.items():
        for consumer in domain.tools.values():
            for path, _ in leaf_parameters(consumer.parameters.get("properties", {})):
                key = next((k for k in sorted(given) if fits(path.split(".")[-1], k)), None)
                if key is not None and consumer.name != producer:
                    yield Edge(producer, consumer.name, path, key, ("name",), f"{given[key]}; the names fit")


def _shown(value: object) -> str:
    return "" if value is None else f", as in {value!r:.60}"


def _says(tool: Tool) -> dict[str, str]:
    """The ids that a tool gives by what its name and its first line say, other than those it takes."""
    line = tool.description.split("\n")[0].split(". ")[0]
    keys = [produced_key(tool.name), *(f"{word}_id" for word in re.findall(r"([a-z]+)(?:'s)? ids?\b", line.lower()))]
    taken = {singular(name) for name in required_parameters(tool)}
    return {key: f"{tool.name} says that it gives {key}" for key in keys if key and key not in taken}


def _by_value(match: Match) -> Edge:
    given = {"name": match.parameter, "value": match.value}
    example = f"{match.call} gives {match.key} {given['value']!r:.60}, which {match.consumer} knows as {given['name']}"
    return Edge(match.call.name, match.consumer, match.parameter, match.key, ("value",), example)


def _by_hand(domain: Domain) -> Iterator[Edge]:
    for producer, consumer, parameter in domain.edges_add:
        yield Edge(producer, consumer, parameter, parameter, ("hand",), "added by the domain")


def _forbids(pair: tuple[str, ...], edge: Edge) -> bool:
    return edge[: len(pair)] == pair
