"""Every tool of the airline: what it answers or changes, leaf by leaf, and each way it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apigen_nb.records import Action, Change
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain
from apigen_nb.world.world import Refusal
from tests.domains.airline_world import airline

Row = dict[str, Any]
VISA = {"payment_method_id": "visa-1"}
BOOK = {"member_id": "M1", "flight_id": "HW100-0921", "cabin": "business", "fare": "flex"}
BOOK |= {"traveler_ids": ["T1-2", "T1-3"], **VISA}
CHANGE = {"reservation_id": "B1-1", "flight_id": "HW100-0920", "new_flight_id": "HW100-0921", **VISA}
REBOOK = {"reservation_id": "B1-5", "flight_id": "HW102-0918", "new_flight_id": "HW102-0921"}
CANCEL = {"reservation_id": "B1-1", "cancel_reason": "change of plans"}
CABIN = {"reservation_id": "B1-1", "cabin": "business", **VISA}
BAGS = {"reservation_id": "B1-1", "extra_bags": 4, **VISA}
SEAT = {"reservation_id": "B1-1", "flight_id": "HW101-0922", "passenger_id": "P1-1-2", "new_seat": "10B"}
NAME = {"reservation_id": "B1-1", "passenger_id": "P1-1-1", "new_last_name": "O'Hara"}
ASSIST = {"reservation_id": "B1-1", "passenger_id": "P1-1-2", "assistance": "wheelchair"}
CLAIM = {"reservation_id": "B1-3", "flight_id": "HW100-0914"}
EXTEND = {"member_id": "M1", "payment_method_id": "voucher-1-2"}
CONVERT = {"member_id": "M1", "blocks": 3}
B1, ONE, METHODS = "reservations.B1-1", {"reservation_id": "B1-1"}, "members.M1.payment_methods"
NOBODY = {"reservation_id": "B9-1"}
ECONOMY, BUSINESS = ["9A", "10B", "14C", "20F"], ["1A", "2C", "3D"]


def seats(flight_id: str, cabin: str = "economy") -> str:
    return f"flights.{flight_id}.cabins.{cabin}.seats"


def paid(amount: float, kind: str = "charge", method: str = "visa-1") -> Row:
    return {"payment_method_id": method, "kind": kind, "amount": amount}


def voucher(number: int, balance: float) -> Row:
    rest = {"balance": balance, "expires_on": "2027-09-16", "extended": False}
    return {"payment_method_id": f"voucher-1-{number}", "type": "voucher", **rest}


def passenger(number: int, name: str, kind: str) -> Row:
    named = {"passenger_id": f"P1-7-{number}", "first_name": name, "last_name": "Moor", "kind": kind}
    return {**named, "name_changed": False, "assistance": []}


WRITES: list[tuple[str, Row, Row]] = [
    (
        "book_flight",
        BOOK,
        {
            "members.M1.reservation_ids": [f"B1-{number}" for number in range(1, 8)],
            seats("HW100-0921", "business"): ["3D"],
            "reservations.B1-7": {
                "reservation_id": "B1-7",
                "member_id": "M1",
                "status": "booked",
                "booked_at": "2026-09-16T09:00",
                "cabin": "business",
                "fare": "flex",
                "insured": False,
                "upgraded_with_miles": False,
                "bags": 0,
                "changes": 0,
                "passengers": {"P1-7-1": passenger(1, "Cy", "adult"), "P1-7-2": passenger(2, "Di", "child")},
                "legs": [
                    {
                        "flight_id": "HW100-0921",
                        "route_id": "ADM-BKW",
                        "status": "open",
                        "price": 420.0,
                        "seating": {"P1-7-1": "2C", "P1-7-2": "1A"},
                        "compensation": 0.0,
                    }
                ],
                "payments": [paid(840.0)],
                "total": 840.0,
            },
        },
    ),
    (
        "change_flight",
        CHANGE,
        {
            f"{B1}.legs.0.flight_id": "HW100-0921",
            f"{B1}.legs.0.seating.P1-1-1": "10B",
            f"{B1}.legs.0.seating.P1-1-2": "9A",
            f"{B1}.changes": 1,
            f"{B1}.payments.1": paid(120.0),
            f"{B1}.total": 640.0,
            seats("HW100-0920"): ["8A", "8B", *ECONOMY],
            seats("HW100-0921"): ["14C", "20F"],
        },
    ),
    (
        "rebook_flight",
        REBOOK,
        {
            "reservations.B1-5.legs.0.flight_id": "HW102-0921",
            "reservations.B1-5.legs.0.status": "open",
            "reservations.B1-5.legs.0.seating.P1-5-1": "9A",
            seats("HW102-0918"): ["8F", *ECONOMY],
            seats("HW102-0921"): ["10B", "14C", "20F"],
        },
    ),
    (
        "cancel_reservation",
        CANCEL,
        {
            f"{B1}.status": "cancelled",
            f"{B1}.cancel_reason": "change of plans",
            f"{B1}.legs.0.seating.P1-1-1": None,
            f"{B1}.legs.0.seating.P1-1-2": None,
            f"{B1}.legs.1.seating.P1-1-1": None,
            f"{B1}.legs.1.seating.P1-1-2": None,
            f"{B1}.payments.1": paid(360.0, "credit", "voucher-1-3"),
            f"{B1}.total": 160.0,
            f"{METHODS}.voucher-1-3": voucher(3, 360.0),
            seats("HW100-0920"): ["8A", "8B", *ECONOMY],
            seats("HW101-0922"): ["9A", "10B", "12A", "12B", "14C", "20F"],
        },
    ),
    (
        "cancel_reservation",
        {"reservation_id": "B1-5", "cancel_reason": "flight disrupted"},
        {
            "reservations.B1-5.status": "cancelled",
            "reservations.B1-5.cancel_reason": "flight disrupted",
            "reservations.B1-5.legs.0.seating.P1-5-1": None,
            "reservations.B1-5.payments.1": paid(130.0, "refund"),
            "reservations.B1-5.total": 0.0,
            seats("HW102-0918"): ["8F", *ECONOMY],
        },
    ),
    (
        "change_cabin",
        CABIN,
        {
            f"{B1}.cabin": "business",
            **{f"{B1}.legs.{n}.price": 312.0 for n in (0, 1)},
            **{f"{B1}.legs.{n}.seating.P1-1-1": "2C" for n in (0, 1)},
            **{f"{B1}.legs.{n}.seating.P1-1-2": "1A" for n in (0, 1)},
            f"{B1}.payments.1": paid(728.0),
            f"{B1}.total": 1248.0,
            seats("HW100-0920"): ["8A", "8B", *ECONOMY],
            seats("HW101-0922"): ["9A", "10B", "12A", "12B", "14C", "20F"],
            seats("HW100-0920", "business"): ["3D"],
            seats("HW101-0922", "business"): ["3D"],
        },
    ),
    (
        "upgrade_with_miles",
        {"reservation_id": "B1-5"},
        {
            "reservations.B1-5.cabin": "business",
            "reservations.B1-5.upgraded_with_miles": True,
            "reservations.B1-5.legs.0.seating.P1-5-1": "1A",
            "members.M1.miles": 34_000,
            seats("HW102-0918"): ["8F", *ECONOMY],
            seats("HW102-0918", "business"): ["2C", "3D"],
        },
    ),
    ("add_bags", BAGS, {f"{B1}.bags": 5, f"{B1}.payments.1": paid(35.0), f"{B1}.total": 555.0}),
    ("add_bags", {**BAGS, "extra_bags": 3}, {f"{B1}.bags": 4}),
    ("buy_insurance", {**ONE, **VISA}, {f"{B1}.insured": True, f"{B1}.payments.1": paid(56.0), f"{B1}.total": 576.0}),
    (
        "choose_seat",
        SEAT,
        {f"{B1}.legs.1.seating.P1-1-2": "10B", seats("HW101-0922"): ["9A", "12B", "14C", "20F"]},
    ),
    (
        "change_last_name",
        NAME,
        {f"{B1}.passengers.P1-1-1.last_name": "O'Hara", f"{B1}.passengers.P1-1-1.name_changed": True},
    ),
    ("request_assistance", ASSIST, {f"{B1}.passengers.P1-1-2.assistance": ["wheelchair"]}),
    ("complete_check_in", ONE, {f"{B1}.status": "checked in"}),
    ("undo_check_in", {"reservation_id": "B1-2"}, {"reservations.B1-2.status": "booked"}),
    (
        "claim_compensation",
        CLAIM,
        {"reservations.B1-3.legs.0.compensation": 60.0, f"{METHODS}.voucher-1-3": voucher(3, 60.0)},
    ),
    (
        "claim_compensation",
        {"reservation_id": "B1-4", "flight_id": "HW102-0910"},
        {"reservations.B1-4.legs.0.compensation": 150.0, f"{METHODS}.voucher-1-3": voucher(3, 150.0)},
    ),
    (
        "extend_voucher",
        EXTEND,
        {f"{METHODS}.voucher-1-2.expires_on": "2027-03-05", f"{METHODS}.voucher-1-2.extended": True},
    ),
    ("convert_miles", CONVERT, {"members.M1.miles": 25_000, f"{METHODS}.voucher-1-3": voucher(3, 120.0)}),
]
READS: list[tuple[str, Row, Callable[[Any], bool]]] = [
    ("find_member_id_by_email", {"email": " ADA@example.com"}, lambda r: r == {"member_id": "M1"}),
    (
        "find_member_id_by_name",
        {"first_name": "bo", "last_name": "Moor", "postal_code": "60612"},
        lambda r: r == {"member_id": "M2"},
    ),
    (
        "get_member",
        {"member_id": "M1"},
        lambda r: (r["tier"], r["miles"], len(r["travelers"])) == ("silver", 40_000, 5),
    ),
    (
        "get_reservation",
        {"reservation_id": "B1-3"},
        lambda r: [leg["status"] for leg in r["legs"]] == ["flown", "open"],
    ),
    ("get_flight", {"flight_id": "HW100-0914"}, lambda r: (r["status"], r["delay_minutes"]) == ("landed", 200)),
    (
        "list_flights",
        {"route_id": "ADM-CSP"},
        lambda r: [row["flight_id"] for row in r["flights"]] == ["HW102-0921", "HW102-0925", "HW102-0917"],
    ),
    (
        "search_flights",
        {"origin": "ADM", "destination": "CSP", "travel_date": "2026-09-17"},
        lambda r: (
            r["flights"]
            == [
                {
                    "flight_id": "HW102-0917",
                    "travel_date": "2026-09-17",
                    "departs_at": "2026-09-17T15:00",
                    "arrives_at": "2026-09-17T16:00",
                    "economy_price": 100.0,
                    "economy_free": 4,
                    "business_price": 240.0,
                    "business_free": 3,
                }
            ]
        ),
    ),
    (
        "search_flights",
        {"origin": "ADM", "destination": "CSP", "travel_date": "2026-09-18"},
        lambda r: r == {"flights": []},
    ),
    ("get_fare_rules", {"fare": "classic"}, lambda r: (r["change_fee"], r["cancel_fee"]) == (60.0, 80.0)),
    ("get_airport", {"airport_code": "ADM"}, lambda r: r["route_ids"] == ["ADM-BKW", "ADM-CSP"]),
    ("list_airports", {}, lambda r: r[0] == {"airport_code": "ADM", "city": "Aldermere"} and len(r) == 3),
    ("transfer_to_human", {"summary": "wants to book for five"}, lambda r: isinstance(r, str)),
]
REFUSALS: list[tuple[str, Row, str]] = [
    ("find_member_id_by_email", {"email": "nobody@example.com"}, "no such member"),
    (
        "find_member_id_by_name",
        {"first_name": "Ada", "last_name": "Moor", "postal_code": "60612"},
        "no such member",
    ),
    ("get_member", {"member_id": "M9"}, "no such member"),
    ("get_reservation", NOBODY, "no such reservation"),
    ("get_flight", {"flight_id": "HW9-0101"}, "no such flight"),
    ("list_flights", {"route_id": "CSP-ADM"}, "no such route"),
    ("search_flights", {"origin": "CSP", "destination": "ADM", "travel_date": "2026-09-17"}, "no such route"),
    ("search_flights", {"origin": "XXX", "destination": "ADM", "travel_date": "2026-09-17"}, "no such airport"),
    ("search_flights", {"origin": "ADM", "destination": "XXX", "travel_date": "2026-09-17"}, "no such airport"),
    ("get_fare_rules", {"fare": "gold"}, "wrong arguments"),
    ("get_airport", {"airport_code": "XXX"}, "no such airport"),
    ("book_flight", {**BOOK, "member_id": "M9"}, "no such member"),
    ("book_flight", {**BOOK, "flight_id": "HW102-0918"}, "flight is not scheduled"),
    ("book_flight", {**BOOK, "flight_id": "HW100-0914"}, "flight is not scheduled"),
    ("book_flight", {**BOOK, "traveler_ids": []}, "wrong travelers"),
    ("book_flight", {**BOOK, "traveler_ids": ["T1-1", "T1-1"]}, "wrong travelers"),
    ("book_flight", {**BOOK, "traveler_ids": ["T2-1"]}, "no such traveler"),
    ("book_flight", {**BOOK, "traveler_ids": ["T1-1", "T1-2", "T1-3", "T1-4"]}, "not enough seats"),
    ("book_flight", {**BOOK, "payment_method_id": "visa-2"}, "no such payment method"),
    ("book_flight", {**BOOK, "payment_method_id": "voucher-1-2"}, "voucher too small"),
    ("book_flight", {**BOOK, "fare": "gold"}, "wrong arguments"),
    ("change_flight", {**CHANGE, "reservation_id": "B1-2"}, "reservation is not booked or under way"),
    ("change_flight", {**CHANGE, "flight_id": "HW100-0917"}, "no such leg"),
    (
        "change_flight",
        {**CHANGE, "reservation_id": "B1-3", "flight_id": "HW100-0914"},
        "leg is not open or disrupted",
    ),
    ("change_flight", {**CHANGE, "new_flight_id": "HW100-0920"}, "not another such flight"),
    ("change_flight", {**CHANGE, "new_flight_id": "HW102-0921"}, "not another such flight"),
    ("change_flight", {**CHANGE, "flight_id": "HW101-0922", "new_flight_id": "HW101-0919"}, "flights overlap"),
    ("change_flight", {**CHANGE, "payment_method_id": "visa-2"}, "no such payment method"),
    ("rebook_flight", {**REBOOK, "reservation_id": "B1-6"}, "reservation is not booked or under way"),
    ("rebook_flight", {**REBOOK, "new_flight_id": "HW102-0918"}, "flight is not scheduled"),
    ("rebook_flight", {**REBOOK, "new_flight_id": "HW9-0101"}, "no such flight"),
    ("rebook_flight", {**CLAIM, "new_flight_id": "HW100-0917"}, "leg is not disrupted or open"),
    ("cancel_reservation", {**CANCEL, **NOBODY}, "no such reservation"),
    ("cancel_reservation", {**CANCEL, "reservation_id": "B1-3"}, "reservation is not booked"),
    ("cancel_reservation", {**CANCEL, "cancel_reason": "no reason"}, "wrong arguments"),
    ("change_cabin", {**CABIN, "cabin": "economy"}, "same cabin"),
    ("change_cabin", {**CABIN, "reservation_id": "B1-2"}, "reservation is not booked"),
    ("upgrade_with_miles", {"reservation_id": "B1-4"}, "reservation is not booked"),
    ("add_bags", {**BAGS, "extra_bags": 0}, "not a number of bags"),
    ("add_bags", {**BAGS, "extra_bags": -1}, "not a number of bags"),
    ("add_bags", {**BAGS, "reservation_id": "B1-2"}, "reservation is not booked or under way"),
    ("buy_insurance", {"reservation_id": "B1-3", **VISA}, "reservation is not booked"),
    ("choose_seat", {**SEAT, "new_seat": "11B"}, "seat is not free"),
    ("choose_seat", {**SEAT, "new_seat": "1A"}, "seat is not free"),
    ("choose_seat", {**SEAT, "new_seat": "12A"}, "seat is not free"),
    ("choose_seat", {**SEAT, "passenger_id": "P1-2-1"}, "no such passenger"),
    ("choose_seat", {**SEAT, **CLAIM}, "leg is not open"),
    ("change_last_name", {**NAME, "new_last_name": "moor"}, "not a last name"),
    ("change_last_name", {**NAME, "new_last_name": "Moor 2"}, "not a last name"),
    ("change_last_name", {**NAME, "new_last_name": ""}, "not a last name"),
    ("change_last_name", {**NAME, "new_last_name": "Moor"}, "same last name"),
    ("request_assistance", {**ASSIST, "assistance": "a good mood"}, "wrong arguments"),
    ("request_assistance", {**ASSIST, "passenger_id": "P9-1-1"}, "no such passenger"),
    ("complete_check_in", {"reservation_id": "B1-5"}, "leg is not open"),
    ("complete_check_in", {"reservation_id": "B1-3"}, "reservation is not booked"),
    ("undo_check_in", ONE, "reservation is not checked in"),
    ("claim_compensation", {**ONE, "flight_id": "HW100-0920"}, "reservation is not flown or under way"),
    ("claim_compensation", {**CLAIM, "flight_id": "HW101-0919"}, "leg is not flown"),
    ("extend_voucher", {**EXTEND, "payment_method_id": "visa-1"}, "not a voucher"),
    ("extend_voucher", {**EXTEND, "member_id": "M2"}, "no such payment method"),
    ("convert_miles", {**CONVERT, "blocks": 9}, "not enough miles"),
    ("convert_miles", {**CONVERT, "blocks": 0}, "not a number of blocks"),
]
CHANGED: list[tuple[Row, str, Row, str]] = [
    ({seats("HW100-0921"): ["9A"]}, "change_flight", CHANGE, "not enough seats"),
    ({seats("HW102-0921"): []}, "rebook_flight", REBOOK, "not enough seats"),
    ({seats("HW101-0922", "business"): ["1A"]}, "change_cabin", CABIN, "not enough seats"),
    ({seats("HW100-0920", "business"): []}, "upgrade_with_miles", ONE, "not enough seats"),
    ({"members.M1.miles": 23_999}, "upgrade_with_miles", ONE, "not enough miles"),
    ({f"{B1}.cabin": "business"}, "upgrade_with_miles", ONE, "same cabin"),
    ({f"{B1}.insured": True}, "buy_insurance", {**ONE, **VISA}, "insured already"),
    (
        {f"{METHODS}.voucher-1-1.balance": 119.99},
        "change_flight",
        {**CHANGE, "payment_method_id": "voucher-1-1"},
        "voucher too small",
    ),
]
TWICE: list[tuple[str, Row, str]] = [
    ("change_flight", CHANGE, "no such leg"),
    ("rebook_flight", REBOOK, "no such leg"),
    ("cancel_reservation", CANCEL, "reservation is not booked"),
    ("change_cabin", CABIN, "same cabin"),
    ("upgrade_with_miles", ONE, "same cabin"),
    ("buy_insurance", {**ONE, **VISA}, "insured already"),
    ("choose_seat", SEAT, "seat is not free"),
    ("change_last_name", NAME, "same last name"),
    ("request_assistance", ASSIST, "same assistance"),
    ("complete_check_in", ONE, "reservation is not booked"),
    ("undo_check_in", {"reservation_id": "B1-2"}, "reservation is not checked in"),
    ("claim_compensation", CLAIM, "compensated already"),
]


def tool_name(part: Any) -> str:
    return part if isinstance(part, str) else ""


def leaves(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The paths where two values differ, with what is there now; what is new is one leaf, and so is a list of texts."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from leaves(before.get(key), after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and any(isinstance(i, dict) for i in (*before, *after)):
        for i in range(max(len(before), len(after))):
            yield from leaves(*(rows[i] if i < len(rows) else None for rows in (before, after)), f"{path}.{i}")
    elif before != after:
        yield path, after


def changed(delta: tuple[Change, ...]) -> Row:
    return {path: now for c in delta for path, now in leaves(c.before, c.after, f"{c.table}.{c.id}")}


def refused(domain: Domain, tool: str, arguments: Row) -> str:
    """The kind of the refusal of a call, which must change nothing."""
    world = domain.world()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert world.delta() == ()
    return refusal.value.kind


@pytest.mark.parametrize(("tool", "arguments", "expected"), WRITES, ids=tool_name)
def test_a_write_changes_exactly_this(tool: str, arguments: Row, expected: Row) -> None:
    world = airline().world()
    world.call(Action(name=tool, arguments=arguments))
    assert changed(world.delta()) == expected


@pytest.mark.parametrize(("tool", "arguments", "answers"), READS, ids=tool_name)
def test_a_read_answers(tool: str, arguments: Row, answers: Callable[[Any], bool]) -> None:
    world = airline().world()
    assert answers(world.call(Action(name=tool, arguments=arguments)))
    assert world.delta() == ()


@pytest.mark.parametrize(("tool", "arguments", "kind"), REFUSALS, ids=tool_name)
def test_a_refusal_has_its_kind_and_changes_nothing(tool: str, arguments: Row, kind: str) -> None:
    assert refused(airline(), tool, arguments) == kind


@pytest.mark.parametrize(("changes", "tool", "arguments", "kind"), CHANGED, ids=tool_name)
def test_the_state_of_other_rows_can_refuse_a_call(changes: Row, tool: str, arguments: Row, kind: str) -> None:
    assert refused(airline(changes), tool, arguments) == kind


@pytest.mark.parametrize(("tool", "arguments", "kind"), TWICE, ids=tool_name)
def test_a_second_time_is_refused_and_changes_nothing_more(tool: str, arguments: Row, kind: str) -> None:
    world = airline().world()
    world.call(Action(name=tool, arguments=arguments))
    once = world.delta()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert refusal.value.kind == kind
    assert world.delta() == once


@pytest.mark.parametrize(
    ("changes", "reason", "refunded", "how"),
    [
        ({}, "change of plans", 360.0, "voucher"),
        ({}, "illness", 360.0, "voucher"),
        ({f"{B1}.insured": True}, "illness", 520.0, "payment method"),
        ({f"{B1}.insured": True}, "change of plans", 360.0, "voucher"),
        ({f"{B1}.fare": "flex"}, "change of plans", 520.0, "payment method"),
        ({f"{B1}.fare": "saver"}, "change of plans", 0.0, "nothing"),
        ({f"{B1}.fare": "saver", f"{B1}.booked_at": "2026-09-15T09:00"}, "change of plans", 520.0, "payment method"),
        ({f"{B1}.fare": "saver", f"{B1}.legs.1.status": "disrupted"}, "flight disrupted", 520.0, "payment method"),
        ({f"{B1}.fare": "saver", f"{B1}.legs.1.status": "disrupted"}, "change of plans", 0.0, "nothing"),
        ({f"{B1}.total": 100.0, f"{B1}.payments.0.amount": 100.0}, "change of plans", 0.0, "voucher"),
    ],
)
def test_what_cancelling_gives_back(changes: Row, reason: str, refunded: float, how: str) -> None:
    world = airline(changes).world()
    result = world.call(Action(name="cancel_reservation", arguments={**CANCEL, "cancel_reason": reason}))
    assert (result["refunded"], result["refunded_as"]) == (refunded, how)
    vouchers = world.database()["members"]["M1"]["payment_methods"]
    assert ("voucher-1-3" in vouchers) == (how == "voucher" and refunded > 0)
    total = world.database()["reservations"]["B1-1"]["total"]
    assert total == changes.get(f"{B1}.total", 520.0) - refunded


@pytest.mark.parametrize(
    ("changes", "charged"),
    [
        ({}, 120.0),
        ({"members.M1.tier": "gold"}, 0.0),
        ({f"{B1}.booked_at": "2026-09-15T09:00"}, 0.0),
        ({f"{B1}.fare": "flex"}, 90.0),  # $175 instead of $130, no fee
        ({"flights.HW100-0921.cabins.economy.price": 110.0}, 146.0),
        ({"flights.HW100-0921.cabins.economy.price": 50.0}, 120.0),  # a lower price gives nothing back
        ({f"{B1}.cabin": "business", f"{B1}.upgraded_with_miles": True}, 120.0),  # economy prices go on
    ],
)
def test_what_a_change_costs(changes: Row, charged: float) -> None:
    assert airline(changes).world().call(Action(name="change_flight", arguments=CHANGE))["charged"] == charged


def test_a_refund_goes_back_the_way_it_came() -> None:
    world = airline({f"{B1}.booked_at": "2026-09-16T08:00", f"{METHODS}.voucher-1-2.balance": 800.0}).world()
    world.call(Action(name="change_cabin", arguments={**CABIN, "payment_method_id": "voucher-1-2"}))
    assert world.database()["members"]["M1"]["payment_methods"]["voucher-1-2"]["balance"] == 72.0
    assert world.call(Action(name="cancel_reservation", arguments=CANCEL))["refunded"] == 1248.0
    assert world.database()["members"]["M1"]["payment_methods"]["voucher-1-2"]["balance"] == 800.0
    assert world.database()["reservations"]["B1-1"]["payments"][2:] == [
        paid(728.0, "refund", "voucher-1-2"),
        paid(520.0, "refund"),
    ]


@pytest.mark.parametrize("free", [["14C", "20F"], ["9A", "14C"], ["14C", "15A"]])
def test_nobody_is_put_where_only_others_may_sit(free: list[str]) -> None:
    """Ada may sit in an exit row, Di, who is a child, may not."""
    domain = airline({seats("HW100-0921"): free})
    if free == ["14C", "15A"]:
        assert refused(domain, "change_flight", CHANGE) == "not enough seats"
        return
    other = next(seat for seat in free if seat != "14C")
    changed = domain.world().call(Action(name="change_flight", arguments=CHANGE))
    assert changed["leg"]["seating"] == {"P1-1-1": "14C", "P1-1-2": other}
    booked = {**BOOK, "cabin": "economy", "traveler_ids": ["T1-1", "T1-3"]}
    made = domain.world().call(Action(name="book_flight", arguments=booked))
    assert made["legs"][0]["seating"] == {"P1-7-1": "14C", "P1-7-2": other}


def test_a_cheaper_cabin_gives_a_voucher() -> None:
    world = airline().world()
    world.call(Action(name="change_cabin", arguments=CABIN))
    made = world.call(Action(name="change_cabin", arguments={**CABIN, "cabin": "economy"}))
    assert (made["charged"], made["given_back"]) == (0.0, 728.0)
    assert world.database()["members"]["M1"]["payment_methods"]["voucher-1-3"] == voucher(3, 728.0)
    assert world.database()["reservations"]["B1-1"]["total"] == 520.0


@pytest.mark.parametrize(
    ("tier", "fare", "cabin", "free"),
    [("blue", "saver", "economy", 0), ("silver", "classic", "economy", 4), ("gold", "flex", "business", 10)],
)
def test_bags_are_free_by_fare_tier_and_cabin(tier: str, fare: str, cabin: str, free: int) -> None:
    changes = {"members.M1.tier": tier, f"{B1}.fare": fare, f"{B1}.cabin": cabin, f"{B1}.bags": 0}
    made = airline(changes).world().call(Action(name="add_bags", arguments={**BAGS, "extra_bags": free + 2}))
    assert made["charged"] == 70.0


def test_every_tool_is_covered() -> None:
    tools = Domain.load("airline").tools
    assert {tool for tool, *_ in WRITES} == {name for name, tool in tools.items() if tool.writes}
    assert {tool for tool, *_ in READS} == {name for name, tool in tools.items() if not tool.writes}
    assert 14 <= len(tools) <= 30


def test_every_kind_of_refusal_is_covered() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((DOMAINS_FOLDER / "airline").glob("*.py")))
    patterns = {re.sub(r"\{.*?\}", ".+", kind) for kind in re.findall(r'kind=f?"([^"]+)"', source)}
    tested = {kind for _, _, kind in (*REFUSALS, *TWICE)} | {kind for *_, kind in CHANGED}
    assert len(patterns) > 15
    assert [pattern for pattern in sorted(patterns) if not any(re.fullmatch(pattern, kind) for kind in tested)] == []
