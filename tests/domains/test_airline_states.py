"""Whatever is called in whatever order: things stay in their states, states change only as allowed, no seat is given
twice and no dollar is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.domains.airline.air import leg_status, seat_order
from apigen_nb.records import Action
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import Database, Refusal
from tests.domains.airline_world import airline, tables

Row = dict[str, Any]
STEPS: dict[str, set[tuple[str | None, str]]] = {
    "flights": set(),
    "reservations": {
        (None, "booked"),
        ("booked", "checked in"),
        ("checked in", "booked"),
        ("booked", "cancelled"),
    },
    "legs": {(None, "open"), ("disrupted", "open")},
}
"""Table → the changes of status that a call can make; None is a row that was not there."""

DOMAIN = Domain.load("airline")
WRITES = [name for name, tool in DOMAIN.tools.items() if tool.writes]
FLIGHTS = list(tables()["flights"])
POOLS: dict[str, list[Any]] = {
    "member_id": ["M1", "M2"],
    "reservation_id": ["B1-1", *(f"B1-{n}" for n in range(1, 8)), "B2-1"],
    "flight_id": FLIGHTS,
    "new_flight_id": FLIGHTS,
    "passenger_id": ["P1-1-1", "P1-1-2", "P1-3-1"],
    "payment_method_id": ["visa-1", "visa-1", "visa-2", "voucher-1-1", "voucher-1-3"],
    "traveler_ids": [["T1-1"], ["T1-2", "T1-3"], ["T2-1"], ["T1-1", "T1-1"]],
    "new_seat": ["9A", "14C"],
    "new_last_name": ["Fen", "moor"],
    "extra_bags": [0, 1, 3],
    "blocks": [0, 1, 3],
}


def some_call(choose: Callable[[list[Any]], Any]) -> Action:
    """A call of a writing tool with arguments of the right types, out of small pools."""
    name = choose(WRITES)
    specs = DOMAIN.tools[name].parameters["properties"]
    return Action(name=name, arguments={key: choose(spec.get("enum") or POOLS[key]) for key, spec in specs.items()})


@st.composite
def calls(draw: st.DrawFn) -> Action:
    return some_call(lambda pool: draw(st.sampled_from(pool)))


def statuses(database: Database) -> dict[tuple[str, str], str]:
    """Table and id → status, of flights, reservations and legs; a leg goes by its reservation and place."""
    found = {
        (table, key): row["status"] for table in ("flights", "reservations") for key, row in database[table].items()
    }
    for key, row in database["reservations"].items():
        found |= {("legs", f"{key}/{place}"): leg["status"] for place, leg in enumerate(row["legs"])}
    return found


def plane(database: Database) -> dict[str, Counter[str]]:
    """Flight → all seats that are free or given to somebody, each as often as it is."""
    seats = {
        key: Counter(seat for of in row["cabins"].values() for seat in of["seats"])
        for key, row in database["flights"].items()
    }
    for row in database["reservations"].values():
        for leg in row["legs"]:
            seats[leg["flight_id"]].update(leg["seating"].values())
    return seats


SIGNS = {"charge": 1, "refund": -1, "credit": -1}


def wealth(database: Database) -> tuple[int, int]:
    """Cents that are on vouchers or were paid with them, and miles."""
    members, rows = database["members"].values(), database["reservations"].values()
    methods = [method for member in members for method in member["payment_methods"].values()]
    held = sum(method["balance"] for method in methods if method["type"] == "voucher")
    payments = [payment for row in rows for payment in row["payments"] if "voucher" in payment["payment_method_id"]]
    paid = sum(SIGNS[payment["kind"]] * payment["amount"] for payment in payments)
    return round(100 * (held + paid)), sum(member["miles"] for member in members)


def check_order(database: Database) -> None:
    for flight in database["flights"].values():
        for of in flight["cabins"].values():
            assert of["seats"] == sorted(set(of["seats"]), key=seat_order)
    for key, row in database["reservations"].items():
        member = database["members"][row["member_id"]]
        assert row["total"] == round(sum(SIGNS[p["kind"]] * p["amount"] for p in row["payments"]), 2) >= 0
        assert key in member["reservation_ids"]
        for leg in row["legs"]:
            assert leg["status"] == leg_status(database["flights"][leg["flight_id"]])
            assert set(leg["seating"]) == (set() if row["status"] == "cancelled" else set(row["passengers"]))
    for member in database["members"].values():
        assert member["miles"] >= 0
        assert all(method.get("balance", 0) >= 0 for method in member["payment_methods"].values())


@given(st.lists(calls(), max_size=25))
@settings(max_examples=200, deadline=None)
def test_random_calls_keep_states_seats_and_money(sequence: list[Action]) -> None:
    world = airline().world()
    start = plane(world.database())
    for action in sequence:
        before, money = statuses(world.fork().database()), wealth(world.fork().database())
        try:
            result = world.call(action)
        except Refusal:
            assert statuses(world.database()) == before
            continue
        database = world.database()
        after = statuses(database)
        assert before.keys() <= after.keys()
        for place, status in after.items():
            if before.get(place) != status:
                assert (before.get(place), status) in STEPS[place[0]], (action, place)
        assert plane(database) == start, action
        assert wealth(database) == expected(action, result, money), action
        check_order(database)


def expected(action: Action, result: Any, money: tuple[int, int]) -> tuple[int, int]:
    """What a call leaves of wealth: only compensation adds to it, and miles are used up or become a voucher."""
    cents, miles = money
    if action.name in ("claim_compensation", "convert_miles"):
        return cents + round(100 * result["voucher"]["balance"]), miles - 5000 * action.arguments.get("blocks", 0)
    return cents, miles - (result["used_miles"] if action.name == "upgrade_with_miles" else 0)


def test_random_calls_reach_every_writing_tool_and_every_step() -> None:
    """The property above is worth something only if its calls succeed."""
    reached: set[tuple[str, str | None, str]] = set()
    done: set[str] = set()
    rng = Random(0)
    for _ in range(500):
        world = airline().world()
        for _ in range(25):
            action, before = some_call(rng.choice), statuses(world.fork().database())
            try:
                world.call(action)
            except Refusal:
                continue
            done.add(action.name)
            after = statuses(world.database())
            reached |= {(place[0], before.get(place), s) for place, s in after.items() if before.get(place) != s}
    assert done == set(WRITES)
    assert reached == {(table, *step) for table, steps in STEPS.items() for step in steps}


def test_the_small_airline_is_in_order_itself() -> None:
    database = airline().world().database()
    check_order(database)
    assert all(set(seats.values()) == {1} for seats in plane(database).values())
