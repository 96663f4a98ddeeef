"""A domain by hand: its tools in a scratch world, its policy and rules, its data, its API graph."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import ipywidgets as W
import pandas as pd

from ...records import Action, canonical
from ...storage.safe_text import clean, truncate
from ...world.domain import Domain
from ...world.world import Refusal, ToolBug
from .. import alignment as align
from .. import api_graph_figure as graph
from .. import pieces, tables
from . import tool_call as drawn
from .browser import Browser, choice, explorer, line, put, show, stack, switch
from .figure import Figure
from .form import Form, Unreadable

MOST_IDS = 200  # suggested in a field
MARKS = {"read": "reads", "write": "writes", "other": "no data"}


class Bench:
    """Calls of tools by hand in a world of their own."""

    def __init__(self, domain: Domain) -> None:
        self.domain, self.world, self.calls = domain, domain.world(), list[str]()
        options = [(f"{tool.name} ({MARKS[tool.kind]})", name) for name, tool in domain.tools.items()]
        self.tool = choice("tool", options, width="420px")
        self.about, self.result, self.delta = show(), show(), show()
        self.place = stack()
        self.run = W.Button(description="Call", button_style="primary", tooltip="call the tool in the scratch world")
        self.fresh = W.Button(description="Fresh world", tooltip="undo everything")
        self.tool.observe(lambda _: self._fill(), "value")
        self.run.on_click(lambda _: self.call())
        self.fresh.on_click(lambda _: self._reset())
        self.box = stack(line(self.tool), self.about, self.place, line(self.run, self.fresh), self.result, self.delta)
        self._fill()
        self._changes()

    def call(self) -> None:
        """Call the tool with what stands in the form and show what came back and what it changed."""
        name = self.tool.value
        try:
            arguments = self.form.values()
            action = Action(name=name, arguments=arguments)
            result = self.world.call(action)
        except (Unreadable, Refusal) as refusal:
            put(self.result, drawn.answer(f"{name} refused", str(refusal), held=False))
            return
        except ToolBug as bug:
            put(self.result, drawn.answer(f"{name} is broken", str(bug), held=False))
            return
        self.calls.append(str(action))
        text = result if isinstance(result, str) else json.dumps(result, indent=1, ensure_ascii=False)
        put(self.result, drawn.answer(f"{action}", text, held=True))
        self._changes()

    def _reset(self) -> None:
        self.world = self.domain.world()
        self.calls.clear()
        put(self.result, "")
        self._changes()

    def _changes(self) -> None:
        delta = self.world.delta()
        put(self.delta, drawn.delta(align.fields(delta, delta), len(self.calls)))

    def _fill(self) -> None:
        tool = self.domain.tools[self.tool.value]
        rules = [f"{rule.name}: {rule.text}" for rule in self.domain.rules_for([tool.name])]
        put(self.about, drawn.tool(tool.description, rules))
        self.form = Form(tool.parameters, self._known)
        self.place.children = [self.form.box]
        put(self.result, "")

    def _known(self, name: str) -> Sequence[str]:
        """Ids to suggest for an argument: of the table that it is named after."""
        stem = name.removesuffix("_id").removesuffix("_ids")
        table = next((t for t in self.domain.tables if stem and (t == f"{stem}s" or t == stem)), None)
        return list(self.domain.tables[table])[:MOST_IDS] if table else ()


class Data:
    """The rows of the domain's tables."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.table = choice("table", [(f"{name} ({len(rows):,})", name) for name, rows in domain.tables.items()])
        self.list = Browser("rows", self._row, self._search)
        self.table.observe(lambda _: self._fill(), "value")
        self.box = stack(line(self.table), self.list.box)
        self._fill()

    @functools.cached_property
    def _texts(self) -> dict[str, dict[str, str]]:
        return {
            name: {key: f"{key} {canonical(self.domain.dump(row))}".lower() for key, row in rows.items()}
            for name, rows in self.domain.tables.items()
        }

    def _search(self, text: str) -> set[str]:
        return {key for key, row in self._texts[self.table.value].items() if text.lower() in row}

    def _fill(self) -> None:
        rows = self.domain.tables[self.table.value]
        found: list[dict[str, Any]] = []
        for key, row in rows.items():
            dumped = self.domain.dump(row)
            plain = (
                {n: v for n, v in dumped.items() if not isinstance(v, dict | list)} if isinstance(dumped, dict) else {}
            )
            found.append({"id": key, **{n: v for n, v in list(plain.items())[:6] if n != "id" and v != key}})
        frame = pd.DataFrame(found) if found else pd.DataFrame({"id": []})
        self.list.put(frame, f"Rows of {self.table.value}")

    def _row(self, id: str) -> pieces.Piece:
        row = self.domain.dump(self.domain.tables[self.table.value][id])
        return drawn.text(f"{self.table.value}/{id}", json.dumps(row, indent=1, ensure_ascii=False))


def domain_explorer(domain: Domain | str) -> W.VBox:
    """The explorer of a domain, by its name or as it was loaded."""
    loaded = Domain.load(domain) if isinstance(domain, str) else domain
    view = switch("", ["Tools", "Data", "Policy", "Rules", "API graph"])
    place = stack()
    made: dict[str, W.Widget] = {}

    def make(name: str) -> W.Widget:
        if name == "Tools":
            return Bench(loaded).box
        if name == "Data":
            return Data(loaded).box
        if name == "Policy":
            return show(drawn.text(f"The policy of {loaded.name}, as the agent reads it", loaded.policy))
        if name == "Rules":
            return show(pieces.table(tables.rules(loaded), most=100))
        return stack(Figure(graph.figure(loaded)), show(pieces.table(graph.producers(loaded), most=60)))

    def turn(_: Any = None) -> None:
        if view.value not in made:
            made[view.value] = make(view.value)
        place.children = [made[view.value]]

    view.observe(turn, "value")
    turn()
    counts = f"{len(loaded.tools)} tools, {len(loaded.rules)} rules, {sum(map(len, loaded.tables.values())):,} rows"
    title = f"Domain: {truncate(clean(loaded.name), 60)}"
    return explorer(title, f"{counts}. Calls by hand go to a scratch world: nothing is kept.", view, place)
