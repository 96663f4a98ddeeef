"""Edges of the API graph: by name, by value, by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.world.api_graph import Graph, is_id_parameter
from apigen_nb.world.candidate_calls import assemble_arguments
from apigen_nb.world.domain import Domain, DomainError, from_folder


def edges_of(name: str) -> set[tuple[str, str, str, str]]:
    return {
        (e.producer, e.consumer, e.parameter, kind) for e in Graph.of(Domain.load(name)).edges for kind in e.evidence
    }


@pytest.mark.parametrize(
    ("name", "producer", "consumer", "parameter", "evidence"),
    [
        ("retail", "find_user_id_by_email", "get_user_details", "user_id", {"name", "value"}),
        ("retail", "find_user_id_by_name_zip", "get_user_details", "user_id", {"name", "value"}),
        ("retail", "get_user_details", "get_order_details", "order_id", {"name", "value"}),
        ("retail", "get_order_details", "get_product_details", "product_id", {"name", "value"}),
        ("retail", "get_product_details", "exchange_delivered_order_items", "new_item_ids", {"name", "value"}),
        ("retail", "get_product_details", "modify_pending_order_items", "new_item_ids", {"name", "value"}),
        ("retail", "get_user_details", "return_delivered_order_items", "payment_method_id", {"name", "value"}),
        # its result is an object name → id, as JSON in a string; only its docstring says product id
        ("retail", "list_all_product_types", "get_product_details", "product_id", {"name", "value"}),
        ("airline", "get_user_details", "cancel_reservation", "reservation_id", {"name", "value"}),
        ("airline", "search_direct_flight", "book_reservation", "flights.flight_number", {"name", "value"}),
        # the methods of payment are the keys of an object, and the argument has another name
        ("airline", "get_user_details", "update_reservation_baggages", "payment_id", {"value"}),
        ("airline", "get_user_details", "book_reservation", "payment_methods.payment_id", {"value"}),
        ("airline", "list_all_airports", "search_direct_flight", "origin", {"value"}),
    ],
)
def test_edges_of_tau2_and_how_they_are_known(
    name: str, producer: str, consumer: str, parameter: str, evidence: set[str]
) -> None:
    assert {edge[3] for edge in edges_of(f"tau2:{name}") if edge[:3] == (producer, consumer, parameter)} == evidence


@pytest.mark.parametrize(
    ("name", "pairs", "arguments"),
    [
        ("tau2:retail", {"name": 28, "value": 25, "both": 28}, {"name": 69, "value": 36, "value alone": 0}),
        ("tau2:airline", {"name": 25, "value": 21, "both": 27}, {"name": 72, "value": 35, "value alone": 7}),
        ("retail", {"name": 138, "value": 99, "both": 139}, {"name": 205, "value": 110, "value alone": 9}),
    ],
)
def test_names_and_values_find_different_edges(name: str, pairs: dict[str, int], arguments: dict[str, int]) -> None:
    """At least so many pairs of tools, and arguments of tools, by evidence."""
    found = edges_of(name)
    of = {kind: {edge[:3] for edge in found if edge[3] == kind} for kind in ("name", "value")}
    pairs_of = {kind: {edge[:2] for edge in edges} for kind, edges in of.items()}
    pairs_of["both"] = pairs_of["name"] | pairs_of["value"]
    of["value alone"] = of["value"] - of["name"]
    assert {kind: len(pairs_of[kind]) >= least for kind, least in pairs.items()} == dict.fromkeys(pairs, True)
    assert {kind: len(of[kind]) >= least for kind, least in arguments.items()} == dict.fromkeys(arguments, True)


@pytest.mark.parametrize("name", ["tau2:retail", "tau2:airline", "retail"])
def test_every_id_has_a_producer_also_those_inside_lists_of_objects(name: str) -> None:
    domain = Domain.load(name)
    found = {(edge.consumer, edge.parameter) for edge in Graph.of(domain).edges}
    tools = domain.tools.values()
    asked = {(tool.name, path) for tool in tools for path in tool.leaves if is_id_parameter(path)}
    assert len(asked) > 10
    assert asked - found == set()


@pytest.mark.parametrize("name", ["tau2:retail", "tau2:airline", "retail"])
def test_values_do_not_flow_into_free_text_choices_and_sums(name: str) -> None:
    domain = Domain.load(name)
    for edge in Graph.of(domain).edges:
        if "value" in edge.evidence:
            assert domain.tools[edge.consumer].kind != "other"
            assert edge.parameter not in (
                "reason",
                "summary",
                "cancel_reason",
                "cabin",
                "amount",
                "expression",
                "points",
            )


TOOLS = '''
import json
from apigen_nb.world.domain import tool
from apigen_nb.world.world import Database, Refusal

@tool
def look(db: Database, email: str) -> str:
    """Find somebody.

    Args:
        email: The e-mail address.
    """
    found = [m for m in db["members"].values() if m["email"] == email]
    if not found:
        raise Refusal("nobody", kind="nobody")
    return json.dumps({"card": found[0]["card"], "town": "Ravenna"})

@tool(writes=True)
def lock(db: Database, plastic: str, why: str) -> None:
    """Lock a card.

    Args:
        plastic: What is to be locked.
        why: The reason.
    """
    for member in db["members"].values():
        if member["card"] == plastic:
            member["locked"] = why
            return
    raise Refusal(f"no card {plastic}")
'''


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    (tmp_path / "cards" / "data").mkdir(parents=True)
    (tmp_path / "cards" / "tools.py").write_text(TOOLS)
    (tmp_path / "cards" / "policy.md").write_text("Lock cards.")
    rows = {f"M{n}": {"email": f"m{n}@example.org", "card": f"4000-{n}", "locked": ""} for n in range(3)}
    (tmp_path / "cards" / "data" / "members.json").write_text(json.dumps(rows))
    return tmp_path / "cards"


def test_a_value_is_found_where_no_name_fits(cards: Path) -> None:
    """Neither the tool's words nor a field says `plastic`, the result is JSON in a string, and a refusal repeats what
    it was given, which makes it no other refusal."""
    edges = Graph.of(from_folder(cards)).edges
    assert [edge[:5] for edge in edges] == [("look", "lock", "plastic", "card", ("value",))]
    assert "4000-" in edges[0].example
    assert "look(" in edges[0].example


@pytest.mark.parametrize(
    ("code", "edges"),
    [
        ('EDGES_ADD = [("look", "lock", "why")]', {("plastic", ("value",)), ("why", ("hand",))}),
        ('EDGES_ADD = [("look", "lock", "plastic")]', {("plastic", ("value", "hand"))}),
        ('EDGES_FORBID = [("look", "lock")]', set()),
        ('EDGES_FORBID = [("look", "lock", "plastic")]', set()),
        ('EDGES_FORBID = [("look", "lock", "why")]', {("plastic", ("value",))}),
        ('EDGES_ADD = [("look", "lock", "why")]\nEDGES_FORBID = [("look", "lock", "why")]', {("plastic", ("value",))}),
    ],
)
def test_a_domain_adds_and_forbids_edges(cards: Path, code: str, edges: set[Any]) -> None:
    (cards / "tools.py").write_text(f"{TOOLS}\n{code}\n")
    assert {(edge.parameter, edge.evidence) for edge in Graph.of(from_folder(cards)).edges} == edges


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('EDGES_ADD = [("look", "lock")]', r"EDGES_ADD: expected \(producer, consumer, parameter\)"),
        ('EDGES_ADD = [("look", "lick", "why")]', "no tool 'lick'.*tools are look, lock"),
        ('EDGES_FORBID = [("look", "lock", "what")]', "lock takes no 'what', it takes plastic, why"),
    ],
)
def test_wrong_edges_by_hand_are_told(cards: Path, code: str, said: str) -> None:
    (cards / "tools.py").write_text(f"{TOOLS}\n{code}\n")
    with pytest.raises(DomainError, match=said):
        from_folder(cards)


def test_a_tool_that_breaks_on_made_up_arguments_gives_no_edge(cards: Path) -> None:
    (cards / "tools.py").write_text(TOOLS.replace('raise Refusal(f"no card {plastic}")', "return 1 / 0"))
    found = {(edge.parameter, edge.evidence) for edge in Graph.of(from_folder(cards)).edges}
    assert found == {("plastic", ("value",))}  # a known card still ends in another way


def test_arguments_are_put_together_from_their_leaves() -> None:
    tool = Domain.load("tau2:airline").tools["book_reservation"]
    assert {"user_id", "flights.flight_number", "payment_methods.payment_id", "passengers.dob"} <= set(tool.leaves)
    made = assemble_arguments(tool.parameters, {"user_id": "u", "flights.flight_number": "F1", "flights.date": "d"})
    assert made == {"user_id": "u", "flights": [{"flight_number": "F1", "date": "d"}]}
