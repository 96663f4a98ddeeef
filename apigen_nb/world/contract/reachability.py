"""The API graph has no gaps: each id can be found out by somebody who reads, starting from who the user is."""

from __future__ import annotations

from collections.abc import Iterator

from ..api_graph import Graph, is_id_parameter
from ..domain import Domain
from ..tool import Tool
from ..values import singular
from .finding import Finding, Level

BY_HAND = "add an edge by hand (EDGES_ADD in tools.py)"


def links(domain: Domain) -> Iterator[Finding]:
    """There is an entrance, each id parameter has a producer, and reads lead from the entrance to each tool."""
    graph, user = Graph.of(domain), f"{singular(domain.users)}_id"
    if not graph.entrances:
        told = "for what a user knows (an e-mail address), or that takes it alone"
        todo = f"write one that returns {{{user!r}: …}}, or set USERS in tools.py if the users are in another table"
        found, expected = "no tool finds out who the user is", f"a reading tool that gives the {user} {told}"
        yield Finding("error", "graph", "tools.py", found, expected, todo)
    for tool in domain.tools.values():
        sourceless = list(_sourceless(graph, tool, user))
        yield from sourceless
        if graph.entrances and tool.kind != "other" and all(finding.level == "warning" for finding in sourceless):
            yield from _out_of_reach(graph, tool, user)


def _sourceless(graph: Graph, tool: Tool, user: str) -> Iterator[Finding]:
    for path in filter(is_id_parameter, tool.leaves):
        if path not in graph.told_by_user | {user} and not graph.producers(tool.name, path):
            level: Level = "error" if path.split(".")[0] in tool.required else "warning"
            expected = "a reading tool whose result holds it, or a user who tells it"
            rename = "or rename the parameter if it is no id"
            todo = f"let a reading tool return a field {path.split('.')[-1]}, {BY_HAND}, {rename}"
            yield Finding(level, "graph", f"tool {tool.name}", f"nothing gives {path}", expected, todo)


def _out_of_reach(graph: Graph, tool: Tool, user: str) -> Iterator[Finding]:
    needs = graph.needs(tool).items() if tool.name not in graph.depths else ()
    unfound = [
        f"{path} (from {', '.join(sources)})"
        for path, sources in needs
        if path not in graph.told_by_user | {user} and not any(source in graph.depths for source in sources)
    ]
    if unfound:
        expected = f"reads that lead there from {', '.join(graph.entrances)}"
        todo = f"let a tool that can be reached return the id, or {BY_HAND}"
        found = f"out of reach: {'; '.join(unfound)}"
        yield Finding("error" if tool.writes else "warning", "graph", f"tool {tool.name}", found, expected, todo)
