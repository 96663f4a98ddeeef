"""The airline is of use: its tools' arguments can be found, and its members have wishes that its policy allows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from apigen_nb.models.scripted.grammar import identifies, is_reading
from apigen_nb.records import Action
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain
from apigen_nb.world.values import produced_key
from apigen_nb.world.world import Refusal
from tests.domains.test_airline_rules import broken

airline = Domain.load("airline")
flights, members, reservations = (airline.tables[name] for name in ("flights", "members", "reservations"))
routes = airline.tables["routes"]
Row = dict[str, Any]


def own_calls(member: Row) -> Iterator[Action]:
    """Calls of every writing tool that this member could ask for, some of which break rules or are refused."""
    me = {"member_id": member["member_id"]}
    card = next(key for key, method in member["payment_methods"].items() if method["type"] != "voucher")
    pay = {"payment_method_id": card}
    yield Action(name="convert_miles", arguments={**me, "blocks": 1})
    for key in member["payment_methods"]:
        yield Action(name="extend_voucher", arguments={**me, "payment_method_id": key})
    for reservation_id in member["reservation_ids"]:
        row, of = reservations[reservation_id], {"reservation_id": reservation_id}
        for name in ("complete_check_in", "undo_check_in", "upgrade_with_miles"):
            yield Action(name=name, arguments=of)
        other = "economy" if row["cabin"] == "business" else "business"
        yield Action(name="change_cabin", arguments={**of, "cabin": other, **pay})
        yield Action(name="add_bags", arguments={**of, "extra_bags": 1, **pay})
        yield Action(name="buy_insurance", arguments={**of, **pay})
        for reason in ("change of plans", "flight disrupted"):
            yield Action(name="cancel_reservation", arguments={**of, "cancel_reason": reason})
        for passenger_id in row["passengers"]:
            person = {**of, "passenger_id": passenger_id}
            yield Action(name="change_last_name", arguments={**person, "new_last_name": "Saint-Clair"})
            yield Action(name="request_assistance", arguments={**person, "assistance": "medical device"})
            for leg in row["legs"]:
                seats = flights[leg["flight_id"]]["cabins"][row["cabin"]]["seats"]
                for seat in seats[:2]:
                    chosen = {"flight_id": leg["flight_id"], "new_seat": seat}
                    yield Action(name="choose_seat", arguments={**person, **chosen})
        for leg in row["legs"]:
            flight = {**of, "flight_id": leg["flight_id"]}
            yield Action(name="claim_compensation", arguments=flight)
            for new in routes[leg["route_id"]]["flight_ids"]:
                yield Action(name="change_flight", arguments={**flight, "new_flight_id": new, **pay})
                yield Action(name="rebook_flight", arguments={**flight, "new_flight_id": new})
    saved = {"traveler_ids": list(member["travelers"])[:1], "cabin": "economy", "fare": "classic"}
    for flight_id in list(flights)[:3] + list(flights)[-3:]:
        yield Action(name="book_flight", arguments={**me, "flight_id": flight_id, **saved, **pay})


def test_every_writing_tool_is_of_use_to_many_members() -> None:
    """And most members have wishes of many kinds that the policy allows, so a visit can have several actions."""
    able: dict[str, set[str]] = {name: set() for name, tool in airline.tools.items() if tool.writes}
    for member_id, member in members.items():
        for action in own_calls(member):
            if member_id not in able[action.name]:
                try:
                    if not broken(airline, member_id, action):
                        able[action.name].add(member_id)
                except Refusal:
                    continue
    assert {name: len(found) for name, found in able.items() if len(found) < 20} == {}
    kinds = Counter(member_id for found in able.values() for member_id in found)
    assert sum(kinds[member_id] >= 7 for member_id in members) > 0.7 * len(members)


def test_every_id_that_a_tool_asks_for_can_be_read_somewhere() -> None:
    produced = {edge.parameter for edge in Graph.of(airline).edges}
    asked = {p for tool in airline.tools.values() for p in tool.required if p.endswith(("_id", "_ids"))}
    assert asked <= produced
    assert {"reservation_id", "flight_id", "new_flight_id", "passenger_id", "traveler_ids", "route_id"} <= asked


def test_reading_tools_are_told_by_their_names() -> None:
    for name, tool in airline.tools.items():
        assert is_reading(tool.schema) == (tool.kind == "read"), name
    finders = [name for name, tool in airline.tools.items() if identifies(tool.schema)]
    assert finders == ["find_member_id_by_email", "find_member_id_by_name"]
    assert {produced_key(name) for name in finders} == {"member_id"}
    assert set(Graph.of(airline).entrances) == set(finders)
    assert set(airline.phrases) == {name for name, tool in airline.tools.items() if tool.writes}
    for name, phrase in airline.phrases.items():
        slots = set(re.findall(r"\{(\w+)\}", phrase))
        assert slots == set(airline.tools[name].required) - {"member_id"}
