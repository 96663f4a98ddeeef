"""A domain as frames: its tools, rules, tables and the edges of its API graph."""

from __future__ import annotations

import itertools

import pandas as pd

from ..records import canonical
from ..world.api_graph import Graph
from ..world.domain import Domain


def tools(domain: Domain) -> pd.DataFrame:
    """A domain's tools: what they do, what they take, how many rules bind them."""
    rows = [
        (tool.name, tool.kind, tool.description.split("\n\n")[0], ", ".join(tool.parameters.get("properties", {})),
         len(domain.rules_for([tool.name])))
        for tool in domain.tools.values()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["tool", "kind", "what it does", "arguments", "rules"])


def writing(domain: Domain) -> frozenset[str]:
    """The names of a domain's writing tools."""
    return frozenset(name for name, tool in domain.tools.items() if tool.writes)


def rules(domain: Domain) -> pd.DataFrame:
    """A domain's rules that code can check, and the tools they bind."""
    rows = [(rule.name, rule.text, ", ".join(rule.tools)) for rule in domain.rules]
    return pd.DataFrame(rows, columns=["rule", "what it says", "tools"])


def sizes(domain: Domain) -> pd.DataFrame:
    """A domain's tables: how many rows, and which fields a row has."""
    rows = []
    for name, table in domain.tables.items():
        row = domain.dump(next(iter(table.values()))) if table else {}
        rows.append((name, len(table), ", ".join(row) if isinstance(row, dict) else type(row).__name__))
    return pd.DataFrame(rows, columns=["table", "rows", "fields"])


def sample(domain: Domain, table: str, most: int = 3) -> pd.DataFrame:
    """The first rows of a domain's table, field by field; of an object in a field, part by part."""
    rows = []
    for key, row in itertools.islice(domain.tables[table].items(), most):
        dumped = domain.dump(row)
        fields = dumped if isinstance(dumped, dict) else {"": dumped}
        for name, item in fields.items():
            parts = {f"{name}.{part}": v for part, v in item.items()} if isinstance(item, dict) else {name: item}
            rows += [(key, path, v if isinstance(v, str) else canonical(v)) for path, v in parts.items()]
    frame = pd.DataFrame(rows, columns=["id", "field", "value"])
    return frame.assign(id=frame["id"].where(~frame["id"].duplicated(), ""))


def links(graph: Graph) -> pd.DataFrame:
    """The API graph, a row a pair of tools: which arguments of the one the results of the other can fill."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for edge in graph.edges:
        found.setdefault((edge.consumer, edge.producer), {})[edge.parameter] = None
    rows = [(consumer, producer, ", ".join(names)) for (consumer, producer), names in found.items()]
    return pd.DataFrame(rows, columns=["tool", "result of", "arguments"])
