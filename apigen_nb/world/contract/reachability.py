"""The API graph has no gaps: each id can be found out by somebody who reads, starting from who the user is."""

from __future__ import annotations

from collections.abc import Iterator

from ..api_graph import Graph, is_id_parameter
from ..domain import Domain
from ..value_flow import leaf_parameters, required_parameters
from ..values import singular
from .finding import Finding, Level


def links(domain: Domain) -> Iterator[Finding]:
    """There is an entrance, each id parameter has a producer, and reads lead from the entrance to each tool."""
    graph, user = Graph.of(domain), f"{singular(domain.users)}_id"
    entrances = graph.entrances(domain)
    if not entrances:
        expected = (
            f"a reading tool that gives the {user} for what a user knows (an e-mail address), or that takes it alone"
        )
        todo = f"write one that returns {{{user!r}: …}}, or set USERS in tools.py if the users are in another table"
        yield Finding("error", "graph", "tools.py", "no tool finds out who the user is", expected, todo)
    told = {user, *(name for entrance in entrances for name in required_parameters(domain.tools[entrance]))}
    depths = graph.depths(domain)
    for name, tool in domain.tools.items():
        needed = set(required_parameters(tool))
        sourceless = False
        for path, _ in leaf_parameters(tool.parameters.get("properties", {})):
            if not is_id_parameter(path) or path in told or graph.producers(name, path):
                continue
            must = path.split(".")[0] in needed
            sourceless |= must
            expected = "a reading tool whose result holds it, or a user who tells it"
            by_hand = "add an edge by hand (EDGES_ADD in tools.py), or rename the parameter if it is no id"
            todo = f"let a reading tool return a field {path.split('.')[-1]}, {by_hand}"
            found = f"nothing gives {path}"
            yield Finding("error" if must else "warning", "graph", f"tool {name}", found, expected, todo)
        if name in depths or tool.kind == "other" or sourceless or not entrances:
            continue
        unfound = [
            f"{path} (from {', '.join(sources)})"
            for path, sources in graph.needs(tool).items()
            if path not in told and not any(source in depths for source in sources)
        ]
        if unfound:
            expected = f"reads that lead there from {', '.join(entrances)}"
            todo = "let a tool that can be reached return the id, or add an edge by hand (EDGES_ADD in tools.py)"
            level: Level = "error" if tool.writes else "warning"
            yield Finding(level, "graph", f"tool {name}", f"out of reach: {'; '.join(unfound)}", expected, todo)
