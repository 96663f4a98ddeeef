"""The API graph as a figure, its ids and a run's coverage as tables."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from apigen_nb.report.api_graph_figure import LATER, coverage, figure, layers, producers
from apigen_nb.report.figure_style import HELD, PLATE, QUIET
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain
from tests.world.test_api_graph import proposed

retail = Domain.load("retail")
every = pytest.mark.parametrize("name", ["retail", "tau2:retail", "tau2:airline"])


@every
def test_the_figure_has_every_tool_once_and_every_edge(name: str) -> None:
    domain = Domain.load(name)
    graph, drawn = Graph.of(domain), figure(domain)
    names = [annotation.text for annotation in drawn.layout.annotations]
    assert len(names) == len(set(names))
    assert {tool for edge in graph.edges for tool in edge[:2]} <= set(names)
    lines = [trace for trace in drawn.data if trace.mode == "lines"]
    assert sum(trace.x.count(None) for trace in lines) >= len({edge[:2] for edge in graph.edges})
    told = [trace for trace in drawn.data if trace.legendgroup and trace.mode == "markers"]
    assert [trace.legendgroup for trace in told] == [trace.legendgroup for trace in lines]
    hover = "\n".join(text for trace in told for text in trace.hovertext)
    assert {f"<b>{edge.producer} → {edge.consumer}</b>" for edge in graph.edges} <= set(
        hover.replace("<br>", "\n").split("\n")
    )
    assert "known by name and value" in hover
    shapes = {trace.marker.symbol: len(trace.x) for trace in drawn.data if trace.marker.symbol}
    assert sum(shapes.values()) == len(names)
    assert shapes["square"] == sum(tool.writes for tool in domain.tools.values())
    assert shapes["circle-open"] == sum(tool.kind == "read" for tool in domain.tools.values())
    assert figure(domain).to_json() == drawn.to_json()


@every
def test_names_in_one_column_stand_apart(name: str) -> None:
    drawn = figure(Domain.load(name))
    low, top = drawn.layout.yaxis.range
    pixels = (drawn.layout.height - 150) / (top - low)
    columns: dict[float, list[float]] = {}
    for annotation in drawn.layout.annotations:
        columns.setdefault(annotation.x, []).append(annotation.y * pixels)
    assert len(columns) > 2
    for heights in columns.values():
        assert all(above - below > 14 for below, above in pairwise(sorted(heights)))


def test_one_id_stands_out_and_what_leads_back_or_is_no_id_is_hidden_at_first() -> None:
    drawn = figure(retail)
    lines = [trace for trace in drawn.data if trace.mode == "lines"]
    assert [trace.name for trace in lines if trace.visible is False] == list(LATER)
    shown = [trace for trace in lines if trace.visible is True]
    assert {"order_id", "customer_id", "payment_method_id", "item_id"} <= {trace.name for trace in shown}
    assert [trace.line.color for trace in shown] == [HELD, *[QUIET] * (len(shown) - 1)]


def test_the_menu_lets_one_id_stand_out_at_a_time_and_shows_what_is_hidden() -> None:
    drawn = figure(retail)
    buttons = {button.label.split(" (")[0]: button.args for button in drawn.layout.updatemenus[0].buttons}
    lines = [trace for trace in drawn.data if trace.legendgroup]
    for chosen in ("customer_id", *LATER):
        looks, where = buttons[chosen]
        assert list(where) == list(range(len(lines)))
        loud = {trace.legendgroup for trace, ink in zip(lines, looks["line.color"], strict=True) if ink == HELD}
        assert loud == {chosen}
        hidden = {trace.legendgroup for trace, seen in zip(lines, looks["visible"], strict=True) if not seen}
        assert hidden == set(LATER) - {chosen}
    assert all(buttons["every line"][0]["visible"])


def test_names_lie_on_plates_that_no_line_crosses() -> None:
    assert {note.bgcolor for note in figure(retail).layout.annotations} == {PLATE}


def test_the_columns_are_reads_by_depth_and_then_writes() -> None:
    graph = Graph.of(retail)
    columns = layers(retail, graph)
    assert set(columns[0]) == set(graph.entrances)
    assert {name for name, tool in retail.tools.items() if tool.writes} <= set(columns[-1])
    assert sum(map(len, columns)) == len(set().union(*columns))


def test_a_hostile_tool_cannot_write_into_the_figure(library: Domain) -> None:
    tools = dict(library.tools)
    tools["get_member"] = dataclasses.replace(tools["get_member"], description="<img src=x onerror=alert(1)> $x$")
    drawn = figure(dataclasses.replace(library, name="hostile", tools=tools))
    texts = [text for trace in drawn.data for text in trace.hovertext or ()]
    assert any("&lt;img" in text for text in texts)
    assert not any("<img" in text or "$" in text for text in texts)


def test_a_domain_without_edges_has_a_figure_too(library: Domain) -> None:
    tools = {"hand_over": library.tools["hand_over"]}
    drawn = figure(dataclasses.replace(library, name="bare", tools=tools, rules=()))
    assert drawn.layout.annotations[0].text.startswith("nothing to show")


def test_the_table_of_producers_has_every_id_once() -> None:
    frame = producers(retail)
    assert frame["id argument"].is_unique
    assert {"order_id", "new_variant_ids", "claim_id"} <= set(frame["id argument"])
    claims = frame.set_index("id argument").loc["claim_id"]
    assert (claims["taken by"], claims["given by"], claims["known by"]) == ("get_claim", "get_order", "name 1, value 1")


def test_an_id_without_a_source_is_told(library: Domain) -> None:
    tools = {"renew_loan": library.tools["renew_loan"], "find_member": library.tools["find_member"]}
    frame = producers(dataclasses.replace(library, name="bare", tools=tools, rules=())).set_index("id argument")
    assert frame.loc["loan_id", "given by"] == "nothing: the user has to tell it"


def test_coverage_as_a_table() -> None:
    frame = coverage(retail, [proposed(("get_customer", "cancel_order"), "cancel_order", accepted=True)])
    assert frame["what"].tolist() == ["writing tools", "reading tools", "edges"]
    assert [text.split(" ·")[0] for text in frame["in a walk"]] == ["1", "1", "1"]
    assert [text.split(" ·")[0] for text in frame["in an accepted blueprint"]] == ["1", "1", "1"]
    assert frame["in the domain"].tolist()[:2] == [17, 12]
    never, *others = frame["writing tools never accepted"]
    writing = {name for name, tool in retail.tools.items() if tool.writes}
    assert set(never.split(", ")) == writing - {"cancel_order"}
    assert set(others) == {"–"}
