"""The API graph of a domain, walks over it, and the records that a seed shows (edges: test_api_edges)."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.sampling import Seed, sample_seed
from apigen_nb.records import Action, Attempt, Proposal, Verdict, canonical
from apigen_nb.world.api_graph import Edge, Graph, coverage
from apigen_nb.world.candidate_calls import candidate_calls
from apigen_nb.world.domain import Domain
from apigen_nb.world.user_records import RECORDS_BUDGET, user_records
from apigen_nb.world.values import facts
from tests.library import RENEW, task

retail = Domain.load("retail")
EXAMPLES = [
    task(RENEW, id=f"retail-{number:05d}").model_copy(
        update={"domain": "retail", "actions": (RENEW.model_copy(update={"name": name, "arguments": {}}),)}
    )
    for number, name in enumerate(name for name, tool in retail.tools.items() if tool.writes)
]


def producers(parameter: str) -> set[str]:
    return {edge.producer for edge in Graph.of(retail).edges if edge.parameter == parameter}


# --- edges


@pytest.mark.parametrize(
    ("parameter", "tools"),
    [
        ("order_id", {"get_customer", "list_orders", "get_shipment"}),
        ("item_ids", {"get_order", "get_refund_options", "get_shipment"}),
        ("item_id", {"get_order"}),
        ("product_id", {"get_order", "list_products", "search_products"}),
        ("payment_method_id", {"get_customer", "get_order"}),
        ("payment_method_ids", {"get_customer"}),
        ("customer_id", {"find_customer_by_email", "find_customer_by_name", "get_order"}),
        ("new_variant_ids", {"get_product"}),
        ("variant_id", {"get_product"}),
        ("shipment_id", {"get_order"}),
        ("claim_id", {"get_order"}),
    ],
)
def test_what_fills_an_argument_is_found(parameter: str, tools: set[str]) -> None:
    assert tools <= producers(parameter)


def test_every_id_that_a_tool_asks_for_can_be_read_somewhere() -> None:
    asked = {p for tool in retail.tools.values() for p in tool.required if p.endswith(("_id", "_ids"))}
    assert {parameter for parameter in asked if not producers(parameter)} == set()


@pytest.mark.parametrize(
    ("producer", "consumer"), [("list_products", "cancel_order"), ("get_claim", "find_customer_by_email")]
)
def test_what_fills_nothing_is_no_edge(producer: str, consumer: str) -> None:
    assert (producer, consumer) not in {(edge.producer, edge.consumer) for edge in Graph.of(retail).edges}


def test_edges_run_from_reading_tools_to_arguments_of_others() -> None:
    for edge in Graph.of(retail).edges:
        assert retail.tools[edge.producer].kind == "read"
        assert edge.producer != edge.consumer
        assert edge.parameter.split(".")[0] in retail.tools[edge.consumer].parameters["properties"]
        assert edge.evidence
        assert edge.producer in edge.example or edge.evidence == ("hand",)
    assert len({edge[:3] for edge in Graph.of(retail).edges}) == len(Graph.of(retail).edges)


def test_edges_of_a_domain_with_dicts_keyed_by_ids(library: Domain) -> None:
    tables = {
        **library.tables,
        "members": {
            "M1": {"member_id": "M1", "email": "a@b.c", "loans": {"L1": {"due": 3}, "L2": {"due": 4}}},
        },
    }
    keyed = dataclasses.replace(library, name="keyed", tables=tables, subjects=("M1",))
    assert "get_member" in Graph.of(keyed).producers("renew_loan")


def test_looking_for_edges_leaves_the_rows_as_they_are(library: Domain) -> None:
    before = canonical(library.tables)
    Graph.of(dataclasses.replace(library, name="again"))
    assert canonical(library.tables) == before


def test_candidates_take_arguments_of_one_object_first() -> None:
    tool = retail.tools["find_customer_by_name"]
    known = list(facts([{"first_name": "Ada", "last_name": "Moor", "postal_code": "1"}, {"first_name": "Bo"}]))
    calls = [action.arguments for action in candidate_calls(tool, known, most=5)]
    assert calls[0] == {"first_name": "Ada", "last_name": "Moor", "postal_code": "1"}
    assert calls[1] == {"first_name": "Bo", "last_name": "Moor", "postal_code": "1"}
    assert len(calls) == 2


@given(st.integers(1, 8), st.integers(0, 12))
@settings(max_examples=20, deadline=None)
def test_there_are_never_more_candidates_than_asked_for(most: int, known: int) -> None:
    found = list(facts([{"order_id": f"#R{n % 7}"} for n in range(known)]))
    calls = [str(action) for action in candidate_calls(retail.tools["get_order"], found, most)]
    assert len(set(calls)) == len(calls) == min(most, known, 7)


# --- walks


def drawn(graph: Graph, number: int, writes: int, **options: Any) -> tuple[str, ...]:
    """A walk to so many writing tools."""
    return graph.walk(Random(number), graph.order_writes(Random(number))[:writes], **options)


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_walk_has_the_reads_before_each_write(number: int, writes: int) -> None:
    graph = Graph.of(retail)
    walk = drawn(graph, number, writes)
    assert len(set(walk)) == len(walk)
    assert sum(retail.tools[name].writes for name in walk) == writes
    assert retail.tools[walk[-1]].writes
    assert all(retail.tools[name].kind in ("read", "write") for name in walk)
    for place, name in enumerate(walk):
        if retail.tools[name].writes:
            for parameter in retail.tools[name].required:
                if (sources := producers(parameter)) and parameter.endswith(("_id", "_ids")):
                    assert sources & set(walk[:place]), f"{name} needs {parameter}"


@given(
    st.sampled_from(["retail", "tau2:retail", "tau2:airline"]),
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.integers(2, 14),
    st.floats(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_a_walk_keeps_to_its_length(name: str, number: int, writes: int, length: int, reads: float) -> None:
    domain = Domain.load(name)
    graph = Graph.of(domain)
    walk = drawn(graph, number, writes, length=length, reads=reads)
    assert walk == drawn(graph, number, writes, length=length, reads=reads)
    assert len(walk) <= length
    assert len(set(walk)) == len(walk)
    entrances = graph.entrances
    assert walk[0] in entrances
    assert domain.tools[walk[-1]].writes
    assert 1 <= sum(domain.tools[name].writes for name in walk) <= writes
    told = {parameter for entrance in entrances for parameter in domain.tools[entrance].required}
    if len(walk) < length:  # then nothing that is needed was left out
        for place, tool in enumerate(walk):
            for parameter, sources in graph.needs(domain.tools[tool]).items():
                assert parameter in told or set(sources) & set(walk[:place])


def test_the_other_reads_are_a_share() -> None:
    graph = Graph.of(retail)
    sizes = [sum(len(drawn(graph, n, 2, reads=share)) for n in range(60)) for share in (0.0, 0.4, 1.0)]
    assert sizes[0] * 1.2 < sizes[1] < sizes[2]


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_there_are_no_more_other_reads_than_asked_for(number: int, writes: int, most: int) -> None:
    graph = Graph.of(retail)
    needed = drawn(graph, number, writes, reads=0.0)
    walk = drawn(graph, number, writes, most=most)
    assert set(needed) <= set(walk)
    assert len(walk) <= len(needed) + most


def test_writing_tools_are_drawn_by_weight() -> None:
    weights = {"cancel_order": 8.0, "return_items": 0.0}
    last = [Graph.of(retail).order_writes(Random(n), weights)[0] for n in range(200)]
    assert all("return_items" not in Graph.of(retail).order_writes(Random(n), weights) for n in range(20))
    assert "return_items" not in last
    writing = sum(tool.writes for tool in retail.tools.values())
    assert 0.6 < last.count("cancel_order") / 200 / (8 / (8 + writing - 2)) < 1.4


def proposed(walk: tuple[str, ...], *actions: str, accepted: bool) -> Proposal:
    """A proposal of this walk whose last attempt has these actions."""
    blueprint = task(*(Action(name=name) for name in actions))
    verdict = Verdict(gate="format", passed=accepted)
    return Proposal(
        id="r", domain="retail", user="u", walk=walk, persona="", examples=(), accepted=accepted,
        attempts=(Attempt(number=0, blueprint=blueprint, verdicts=(verdict,)),),
    )  # fmt: skip


def test_coverage_counts_what_was_walked_and_what_was_accepted() -> None:
    graph = Graph(
        retail,
        (
            Edge("get_customer", "cancel_order", "order_id", "order_id"),
            Edge("get_order", "get_customer", "customer_id", "customer_id"),
        ),
    )
    walked = [
        proposed(("get_customer", "cancel_order"), "cancel_order", accepted=True),
        proposed(("get_customer", "cancel_order"), "return_items", accepted=True),  # another tool was used instead
        proposed(("get_customer", "cancel_order"), "cancel_order", accepted=False),
        proposed(("cancel_order", "get_customer"), accepted=False),  # the wrong way round
    ]
    rows = coverage(graph, walked)
    found = {row.name: (row.what, row.sampled, row.accepted) for row in rows}
    assert found["get_customer"] == ("tool", 4, 2)
    assert found["cancel_order"] == ("tool", 4, 1)
    assert found["return_items"] == ("tool", 0, 1)
    assert found["get_customer → cancel_order: order_id"] == ("edge", 3, 1)
    assert found["get_order → get_customer: customer_id"] == ("edge", 0, 0)
    assert "transfer_to_human" not in found
    assert len(rows) == 2 + sum(tool.kind != "other" for tool in retail.tools.values())


def test_every_writing_tool_is_walked_to() -> None:
    seen = {name for number in range(150) for name in drawn(Graph.of(retail), number, 1)}
    assert {name for name, tool in retail.tools.items() if tool.writes} <= seen


def test_a_walk_has_at_most_all_writing_tools(library: Domain) -> None:
    walk = drawn(Graph.of(library), 0, 50)
    assert sum(library.tools[name].writes for name in walk) == 5


def test_a_domain_that_only_reads_can_be_sampled(library: Domain) -> None:
    reading = {name: tool for name, tool in library.tools.items() if not tool.writes}
    seed = sample_seed(dataclasses.replace(library, name="reading", tools=reading, rules=()), 0, 0)
    assert seed.records
    assert not any(library.tools[name].writes for name in seed.walk)


# --- seeds


def test_a_seed_is_a_function_of_its_numbers_and_the_pool() -> None:
    for number in (0, 7, 42):
        seed = sample_seed(retail, 3, number, EXAMPLES)
        assert seed == sample_seed(retail, 3, number, EXAMPLES)
        assert seed.id == f"retail-{number:05d}"
        assert Seed.model_validate_json(seed.line()) == seed
        for other in (sample_seed(retail, 4, number, EXAMPLES), sample_seed(retail, 3, number + 1, EXAMPLES)):
            assert (other.user, other.walk, other.persona) != (seed.user, seed.walk, seed.persona)
        # the pool changes the examples and nothing else
        assert sample_seed(retail, 3, number).model_copy(update={"examples": seed.examples}) == seed


def test_a_seed_is_the_same_in_another_process() -> None:
    """Sets and hashes of strings must not shape it."""
    code = "from apigen_nb.world.domain import Domain; from apigen_nb.blueprints.sampling import sample_seed\n"
    code += "d = Domain.load('retail')\n"
    code += "print('\\n'.join(sample_seed(d, 3, n).line() for n in range(4)))"
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hashes, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for hashes in ("1", "2")
    }  # fmt: skip
    assert len(made) == 1
    assert made.pop().splitlines() == [sample_seed(retail, 3, number).line() for number in range(4)]


def test_examples_share_a_writing_tool_with_the_walk_and_are_few() -> None:
    shown = [
        (seed, example)
        for seed in (sample_seed(retail, 0, n, EXAMPLES) for n in range(30))
        for example in seed.examples
    ]
    assert shown
    for seed, example in shown:
        assert set(seed.walk) & {action.name for action in example.actions}
        assert len(seed.examples) == len({e.id for e in seed.examples}) <= 2


# --- records


def size(records: dict[str, dict[str, Any]]) -> int:
    return sum(len(canonical(row)) for rows in records.values() for row in rows.values())


def test_spare_tools_write_and_are_not_of_the_walk() -> None:
    for seed in (sample_seed(retail, 0, number) for number in range(20)):
        assert not set(seed.spare) & set(seed.walk)
        assert all(retail.tools[name].writes for name in seed.spare)


def test_a_seed_always_shows_how_the_user_is_identified(library: Domain) -> None:
    """The instruction has to tell what the finding tools ask for, so the generator has to see them."""
    for domain in (library, retail):
        finds = {name for name in domain.tools if name.startswith("find_")}
        for seed in (sample_seed(domain, 0, number) for number in range(20)):
            assert finds & set(seed.walk), seed.walk


def test_records_are_one_customers_own_and_all_of_them() -> None:
    orders, shipments, claims = (retail.tables[name] for name in ("orders", "shipments", "claims"))
    for customer in Random(0).sample(retail.subjects, 80):
        assert size(user_records(retail, customer)) <= RECORDS_BUDGET
        found = user_records(retail, customer, budget=10**6)
        assert list(found["customers"]) == [customer]
        assert set(found.get("orders", {})) == {k for k, row in orders.items() if row["customer_id"] == customer}
        for table, rows in (("shipments", shipments), ("claims", claims)):
            for row in (rows[key] for key in found.get(table, {})):
                assert orders[row["order_id"]]["customer_id"] == customer
        bought = {item["product_id"] for row in found.get("orders", {}).values() for item in row["items"]}
        assert set(found.get("products", {})) == bought


@pytest.mark.parametrize("budget", [0, 700, 3_000, 10_000, 10**9])
def test_records_stay_within_the_budget_and_always_hold_the_user(budget: int) -> None:
    for customer in retail.subjects[:10]:
        found = user_records(retail, customer, budget)
        assert customer in found["customers"]
        user = len(canonical(found["customers"][customer]))
        assert size(found) <= max(budget, user)


def test_records_of_others_are_left_out_even_where_a_shared_row_names_them(library: Domain) -> None:
    """A book that both have borrowed must not show a member the loans of the other."""
    tables = {
        **library.tables,
        "books": {"B1": {"book_id": "B1", "title": "Salt Roads", "last_loan": "L4"}},
        "loans": {key: {**row, "book_id": "B1"} for key, row in library.tables["loans"].items()},
    }
    found = user_records(dataclasses.replace(library, tables=tables), "M1")
    assert list(found["members"]) == ["M1"]
    assert "B1" in found["books"]
    assert set(found["loans"]) == {"L1", "L2", "L3"}


def test_records_are_plain_json_and_not_the_rows_themselves() -> None:
    found = user_records(retail, retail.subjects[0])
    assert json.loads(json.dumps(found)) == found
    found["customers"][retail.subjects[0]]["email"] = "changed"
    assert retail.tables["customers"][retail.subjects[0]]["email"] != "changed"
