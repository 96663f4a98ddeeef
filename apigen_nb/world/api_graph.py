"""The API dependency graph (paper §3.1), and walks over it: what has to be read before a tool can be called."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from ..records import Proposal
from .api_edges import Edge, find_edges
from .domain import Domain
from .tool import Tool
from .values import singular

__all__ = ["CoverageRow", "Edge", "Graph", "coverage", "is_id_parameter"]

UNLIMITED = 1_000


class CoverageRow(NamedTuple):
    """How often a tool, or an edge as "producer → consumer: parameter", was in walks, and in accepted blueprints."""

    what: Literal["tool", "edge"]
    name: str
    sampled: int
    accepted: int


@functools.cache
def is_id_parameter(parameter: str) -> bool:
    """Whether a parameter names a thing that has to be looked up: `order_id`, `item_ids`, `flights.flight_number`."""
    return bool(re.search(r"(^|_)(id|number)s?$", parameter.split(".")[-1]))


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes are the domain's tools, edges run from producers to consumers."""

    domain: Domain
    edges: tuple[Edge, ...]

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def of(domain: Domain) -> Graph:
        """Run every reading tool on facts of a few users' records and collect what its results can fill."""
        return Graph(domain, find_edges(domain))

    @functools.cached_property
    def _into(self) -> dict[str, dict[str, list[Edge]]]:
        """Consumer → parameter → edges."""
        into: dict[str, dict[str, list[Edge]]] = {}
        for edge in self.edges:
            into.setdefault(edge.consumer, {}).setdefault(edge.parameter, []).append(edge)
        return into

    def producers(self, consumer: str, parameter: str | None = None) -> tuple[str, ...]:
        """Tools whose results fill an argument of this one; of all its arguments, or of one."""
        into = self._into.get(consumer, {})
        lists = into.values() if parameter is None else [into.get(parameter, [])]
        return tuple(dict.fromkeys(edge.producer for edges in lists for edge in edges))

    def sources(self, consumer: str, parameter: str) -> tuple[str, ...]:
        """The surest producers of one argument: those whose values were seen to fill it or that were added by hand, and
        only where there are none those whose names fit: a list `items` may hold names of items, and no `item_ids`."""
        edges = self._into.get(consumer, {}).get(parameter, [])
        surest = [edge for edge in edges if edge.evidence != ("name",)] or edges
        return tuple(edge.producer for edge in surest)

    def needs(self, tool: Tool) -> dict[str, tuple[str, ...]]:
        """The ids that a tool cannot be called without → the surest tools to get them from."""
        needed = [path for path in tool.leaves if is_id_parameter(path) and path.split(".")[0] in tool.required]
        return {path: found for path in needed if (found := self.sources(tool.name, path))}

    @functools.cached_property
    def entrances(self) -> tuple[str, ...]:
        """Reading tools that find out who a user is: they give the user's id and take no id. Where there are none,
        because users tell their id themselves, those that take nothing but it."""
        key = f"{singular(self.domain.users)}_id"
        reads = [tool for tool in self.domain.tools.values() if tool.kind == "read"]
        giving = {edge.producer for edge in self.edges if edge.key == key}
        finders = [tool for tool in reads if tool.name in giving and not any(map(is_id_parameter, tool.required))]
        return tuple(tool.name for tool in finders or [tool for tool in reads if tool.required == (key,)])

    @functools.cached_property
    def told_by_user(self) -> frozenset[str]:
        """What the entrances cannot be called without: users tell it."""
        return frozenset(name for entrance in self.entrances for name in self.domain.tools[entrance].required)

    @functools.cached_property
    def depths(self) -> dict[str, int]:
        """Reading tool → how many reads come before it at least; those that nothing leads to are left out."""
        depths = dict.fromkeys(self.entrances, 0)
        waiting = {tool.name: self.needs(tool).values() for tool in self.domain.tools.values() if tool.kind == "read"}
        for depth in range(1, len(waiting) + 1):
            ready = [name for name, needs in waiting.items() if all(any(p in depths for p in of) for of in needs)]
            depths = dict.fromkeys(ready, depth) | depths
        return depths

    def order_writes(self, rng: Random, weights: Mapping[str, float] | None = None) -> list[str]:
        """All writing tools in the order in which they are drawn by `weights` (1 where none is given); none of weight
        0."""
        left = {name: (weights or {}).get(name, 1.0) for name, tool in self.domain.tools.items() if tool.writes}
        left = {name: weight for name, weight in left.items() if weight > 0}
        drawn: list[str] = []
        while left:
            drawn += rng.choices(list(left), list(left.values()))
            del left[drawn[-1]]
        return drawn

    def walk(
        self, rng: Random, writes: Sequence[str], *, length: int = UNLIMITED, reads: float = 1.0, most: int = UNLIMITED
    ) -> tuple[str, ...]:
        """A walk centred on these writing tools: it starts where the user is found, and each is preceded by reads that
        lead to the ids it needs. Of the other reads that could fill an argument the share `reads` is added, `most` at
        most. At most `length` tools: what is too much is left out, first those other reads, then writes, then what lies
        between the entrance and the only write."""
        chosen = list(writes)
        state = rng.getstate()
        while True:
            rng.setstate(state)
            path = list(self.entrances)
            for name in chosen:
                self._append(name, path, rng)
            if len(path) <= length or len(chosen) < 2:
                break
            chosen.pop()
        room = min(length, len(path) + most)
        for name in chosen:
            for read in self._ahead(name):
                if rng.random() < reads and read not in path:
                    more = path[: path.index(name)]
                    self._append(read, more, rng)
                    more += [later for later in path if later not in more]
                    path = more if len(more) <= room else path
        return tuple(path if len(path) <= length else [path[0], *path[len(path) - length + 1 :]])

    def _append(self, name: str, path: list[str], rng: Random) -> None:
        """Add a tool to a path, after reads for the ids that nothing in the path gives yet."""
        if name in path:
            return
        mine = self.depths.get(name, UNLIMITED)
        for parameter, producers in self.needs(self.domain.tools[name]).items():
            # only from nearer the entrance, so that no two reads wait for each other
            near = [p for p in producers if self.depths.get(p, UNLIMITED) < mine]
            if parameter not in self.told_by_user and near and not any(producer in path for producer in near):
                self._append(rng.choice(near), path, rng)
        path.append(name)

    def _ahead(self, name: str) -> list[str]:
        """All reads that lead to a tool, the furthest ones first."""
        found = list(self.producers(name))
        for read in found:  # it grows meanwhile: breadth first
            found += [p for p in self.producers(read) if p not in found and p != name]
        return sorted((read for read in found if read in self.depths), key=self.depths.__getitem__)

    def passed(self, place: Mapping[str, int]) -> list[str]:
        """The tools that stand at these places, and the edges whose producer stands before their consumer."""
        after = (e for e in self.edges if place.get(e.producer, UNLIMITED) < place.get(e.consumer, -1))
        return [*place, *map(_name, after)]


def coverage(graph: Graph, proposals: Iterable[Proposal]) -> list[CoverageRow]:
    """How often each tool and each edge was walked over, and in how many accepted blueprints: there a writing tool must
    be among the actions, not only in the walk. An edge is walked over when its producer comes before its consumer.
    Tools that are in no walk by their kind, such as handing over, are left out."""
    tools = graph.domain.tools
    sampled, accepted = Counter[str](), Counter[str]()
    for proposal in proposals:
        place = {name: number for number, name in enumerate(proposal.walk)}
        sampled.update(graph.passed(place))
        if proposal.accepted:
            # the actions count and not the walk: a tool of the walk may have been left out, another one used instead
            reads = {name: number for name, number in place.items() if name in tools and not tools[name].writes}
            accepted.update(graph.passed(reads | {action.name: len(place) for action in proposal.blueprint.actions}))
    named = [name for name, tool in tools.items() if tool.kind != "other"]
    rows: list[tuple[Literal["tool", "edge"], str]] = [("tool", name) for name in named]
    rows += [("edge", _name(edge)) for edge in graph.edges if edge.consumer in named]
    return [CoverageRow(what, name, sampled[name], accepted[name]) for what, name in rows]


def _name(edge: Edge) -> str:
    return f"{edge.producer} → {edge.consumer}: {edge.parameter}"
