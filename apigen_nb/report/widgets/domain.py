"""A domain by hand: its tools in a scratch world, its policy and rules, its data, its API graph."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

import ipywidgets as W
from markupsafe import Markup

from ...records import Action, canonical
from ...storage.safe_text import clean, truncate
from ...world.domain import Domain
from ...world.world import Refusal, ToolBug
from .. import alignment, api_graph_figure, pieces, tables
from ..item_explorer import Item, ItemExplorer
from ..page_frame import Page
from ..panels import panel
from . import tool_call
from .form import Form, Unreadable
from .layout import below, choice, line, put, show, stack
from .report_pages import ReportPages

MOST_IDS = 200  # suggested in a field
A_SLICE = 2_000  # rows that are searched at a time
MARKS = {"read": "reads", "write": "writes", "other": "no data"}


class ToolConsole:
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
            put(self.result, tool_call.call_result(f"{name} refused", str(refusal), held=False))
            return
        except ToolBug as bug:
            put(self.result, tool_call.call_result(f"{name} is broken", str(bug), held=False))
            return
        self.calls.append(str(action))
        text = result if isinstance(result, str) else json.dumps(result, indent=1, ensure_ascii=False)
        put(self.result, tool_call.call_result(f"{action}", text, held=True))
        self._changes()

    def _reset(self) -> None:
        self.world = self.domain.world()
        self.calls.clear()
        put(self.result, "")
        self._changes()

    def _changes(self) -> None:
        delta = self.world.delta()
        put(self.delta, tool_call.delta(alignment.changed_fields(delta, delta), len(self.calls)))

    def _fill(self) -> None:
        tool = self.domain.tools[self.tool.value]
        rules = [f"{rule.name}: {rule.text}" for rule in self.domain.rules_for([tool.name])]
        put(self.about, tool_call.tool(tool.description, rules))
        self.form = Form(tool.parameters, self._known)
        self.place.children = [self.form.box]
        put(self.result, "")

    def _known(self, name: str) -> Sequence[str]:
        """Ids to suggest for an argument: of the table that it is named after."""
        stem = name.removesuffix("_id").removesuffix("_ids")
        table = next((t for t in self.domain.tables if stem and (t == f"{stem}s" or t == stem)), None)
        return list(self.domain.tables[table])[:MOST_IDS] if table else ()


def rows(domain: Domain) -> ItemExplorer:
    """Every row of the domain's tables."""

    @functools.cache
    def text(id: str) -> str:
        table, _, key = id.partition("/")
        return canonical(domain.dump(domain.tables[table][key]))

    def item(id: str) -> Item:
        fields = json.loads(text(id))
        parts = fields.values() if isinstance(fields, dict) else [fields]
        plain = [str(v) for v in parts if not isinstance(v, dict | list)]
        return Item(id, {"table": id.partition("/")[0]}, "", truncate(clean(" · ".join(plain)), 120))

    def html(id: str) -> str:
        return tool_call.text(id, json.dumps(json.loads(text(id)), indent=1, ensure_ascii=False))

    def find(words: str, start: int) -> tuple[set[str], int]:
        end = start + A_SLICE
        found = {item.id for item in items[start:end] if words.lower() in text(item.id).lower()}
        return found, end if end < len(items) else -1

    items = [item(f"{table}/{key}") for table, found in domain.tables.items() for key in found]
    about = "The data that every scratch world and every conversation begins with."
    return ItemExplorer("Data", about, "the domain's folder", "rows", ("table",), lambda: items, html, find)


def domain_pages(domain: Domain) -> list[Page]:
    """What there is to look at in a domain; its tools are called by hand below the first page."""
    counts = f"{len(domain.tools)} tools, {len(domain.rules)} rules, {sum(map(len, domain.tables.values())):,} rows"
    head = Markup('<h1>Domain: {}</h1><p class="lead">{}. Calls by hand go to a scratch world: nothing is kept.</p>')
    policy = f"The policy of {domain.name}, as the agent reads it"
    return [
        Page("tools.html", "Tools", "", lambda: [head.format(truncate(clean(domain.name), 60), counts)]),
        Page("data.html", "Data", "", lambda: [rows(domain)]),
        Page("policy.html", "Policy", "", lambda: [tool_call.text(policy, domain.policy)]),
        Page("rules.html", "Rules", "", lambda: [pieces.table(tables.rules(domain), most=100)]),
        Page("graph.html", "API graph", "", lambda: [
            panel(api_graph_figure.figure(domain), pieces.table(api_graph_figure.producers(domain), most=60)),
        ]),
    ]  # fmt: skip


def domain_explorer(domain: Domain | str) -> W.VBox:
    """The explorer of a domain, by its name or as it was loaded."""
    loaded = Domain.load(domain) if isinstance(domain, str) else domain
    pages = ReportPages(truncate(loaded.name, 60), domain_pages(loaded), scripted=False)
    return below(pages, {"tools.html": lambda: ToolConsole(loaded).box})
