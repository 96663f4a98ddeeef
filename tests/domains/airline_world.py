"""An airline with two members, small enough to read, behind the tools and rules of the built-in airline domain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apigen_nb.domains.airline.air import NOW, TODAY
from apigen_nb.domains.airline.catalog import FARES
from apigen_nb.world.domain import Domain
from tests.domains.small_domain import Row, with_changes

ROUTES = ("ADM-BKW", "BKW-ADM", "ADM-CSP")


def day(age: int) -> str:
    return (TODAY - timedelta(days=age)).isoformat()


def moment(hours: float) -> str:
    """The ISO moment so many hours from now; of the past for less than none."""
    return (NOW + timedelta(hours=hours)).isoformat(timespec="minutes")


def at(flight_id: str, hours: float) -> Row:
    """The changes that let a flight depart so many hours from now."""
    row = f"flights.{flight_id}"
    ends = {f"{row}.departs_at": moment(hours), f"{row}.arrives_at": moment(hours + 1)}
    return {**ends, f"{row}.travel_date": moment(hours)[:10]}


def flight(flight_id: str, route_id: str, hours: float, status: str = "scheduled", delay: int = 0) -> Row:
    """A flight of an hour at $100 in economy and $240 in business, with free seats in both."""
    origin, destination = route_id.split("-")
    return {
        "flight_id": flight_id,
        "route_id": route_id,
        "origin": origin,
        "destination": destination,
        "travel_date": moment(hours)[:10],
        "departs_at": moment(hours),
        "arrives_at": moment(hours + 1),
        "status": status,
        "delay_minutes": delay,
        "delay_cause": "technical" if delay else None,
        "cabins": {
            "economy": {"price": 100.0, "seats": ["9A", "10B", "14C", "20F"]},
            "business": {"price": 240.0, "seats": ["1A", "2C", "3D"]},
        },
    }


def person(member_id: str, first_name: str, tier: str, reservation_ids: list[str]) -> Row:
    """A member who has saved an adult and a child as well, with a card and two vouchers, one of them expired."""
    number = member_id[1:]
    names = {f"T{number}-1": (first_name, "adult"), f"T{number}-2": ("Cy", "adult"), f"T{number}-3": ("Di", "child")}
    names |= {f"T{number}-{index}": ("Eve", "adult") for index in (4, 5)}
    voucher = {"type": "voucher", "balance": 150.0, "extended": False}
    methods: list[Row] = [
        {"payment_method_id": f"visa-{number}", "type": "card", "last_four": "1111"},
        {"payment_method_id": f"voucher-{number}-1", **voucher, "expires_on": day(-100)},
        {"payment_method_id": f"voucher-{number}-2", **voucher, "expires_on": day(10)},
    ]
    return {
        "member_id": member_id,
        "first_name": first_name,
        "last_name": "Moor",
        "email": f"{first_name.lower()}@example.com",
        "phone": f"312-555-000{number}",
        "postal_code": f"6061{number}",
        "tier": tier,
        "miles": 40_000,
        "payment_methods": {method["payment_method_id"]: method for method in methods},
        "travelers": {
            key: {"traveler_id": key, "first_name": name, "last_name": "Moor", "kind": kind}
            for key, (name, kind) in names.items()
        },
        "reservation_ids": reservation_ids,
    }


def leg(flight_id: str, route_id: str, status: str, seating: Row, price: float = 130.0) -> Row:
    row: Row = {"flight_id": flight_id, "route_id": route_id, "status": status, "price": price}
    return {**row, "seating": seating, "compensation": 0.0}


def reservation(reservation_id: str, status: str, legs: list[Row], first_names: tuple[str, ...] = ("Ada",)) -> Row:
    """A classic economy reservation made ten days ago by card."""
    stem, member = reservation_id.replace("B", "P", 1), reservation_id[1]
    people = {f"{stem}-{number}": name for number, name in enumerate(first_names, start=1)}
    total = sum(one["price"] for one in legs) * len(first_names)
    more = {"name_changed": False, "assistance": []}
    return {
        "reservation_id": reservation_id,
        "member_id": f"M{member}",
        "status": status,
        "booked_at": moment(-240),
        "cabin": "economy",
        "fare": "classic",
        "insured": False,
        "upgraded_with_miles": False,
        "bags": 1,
        "changes": 0,
        "passengers": {
            key: {
                "passenger_id": key,
                "first_name": name,
                "last_name": "Moor",
                "kind": "child" if name == "Di" else "adult",
                **more,
            }
            for key, name in people.items()
        },
        "legs": legs,
        "payments": [{"payment_method_id": f"visa-{member}", "kind": "charge", "amount": total}],
        "total": total,
    }


def tables() -> dict[str, dict[str, Any]]:
    """The time is Wednesday, 2026-09-16, 09:00. M1 is silver and has, each for Ada, and Di in the first,

    B1-1 booked, out in 4 days and back in 6; B1-2 checked in for a flight in 20 hours; B1-3 under way, out 2 days ago
    and 200 minutes late, back in 3 days; B1-4 flown; B1-5 booked on a cancelled flight in 2.5 days; B1-6 cancelled;
    M2 has B2-1 booked for a flight in 30 hours."""
    flights = [
        flight("HW100-0920", "ADM-BKW", 96),
        flight("HW100-0921", "ADM-BKW", 120),
        flight("HW101-0922", "BKW-ADM", 144),
        flight("HW101-0919", "BKW-ADM", 72),
        flight("HW100-0917", "ADM-BKW", 20),
        flight("HW100-0914", "ADM-BKW", -48, "landed", 200),
        flight("HW102-0910", "ADM-CSP", -144, "landed", 250),
        flight("HW102-0918", "ADM-CSP", 60, "cancelled"),
        flight("HW102-0921", "ADM-CSP", 120),
        flight("HW102-0925", "ADM-CSP", 228),
        flight("HW102-0917", "ADM-CSP", 30),
    ]
    out = leg("HW100-0920", "ADM-BKW", "open", {"P1-1-1": "8A", "P1-1-2": "8B"})
    back = leg("HW101-0922", "BKW-ADM", "open", {"P1-1-1": "12A", "P1-1-2": "12B"})
    late = leg("HW100-0914", "ADM-BKW", "flown", {"P1-3-1": "8C"})
    later = leg("HW101-0919", "BKW-ADM", "open", {"P1-3-1": "8C"})
    gone = reservation("B1-6", "cancelled", [leg("HW102-0925", "ADM-CSP", "open", {})])
    gone["payments"].append({**gone["payments"][0], "kind": "refund"})
    gone["total"] = 0.0
    reservations = [
        reservation("B1-1", "booked", [out, back], ("Ada", "Di")),
        reservation("B1-2", "checked in", [leg("HW100-0917", "ADM-BKW", "open", {"P1-2-1": "8D"})]),
        reservation("B1-3", "under way", [late, later]),
        reservation("B1-4", "flown", [leg("HW102-0910", "ADM-CSP", "flown", {"P1-4-1": "8E"})]),
        reservation("B1-5", "booked", [leg("HW102-0918", "ADM-CSP", "disrupted", {"P1-5-1": "8F"})]),
        gone,
        reservation("B2-1", "booked", [leg("HW102-0917", "ADM-CSP", "open", {"P2-1-1": "8A"})], ("Bo",)),
    ]
    cities = {"ADM": "Aldermere", "BKW": "Brackwater", "CSP": "Castlespring"}
    routes = {}
    for route_id in ROUTES:
        origin, destination = route_id.split("-")
        ahead = [row["flight_id"] for row in flights if row["route_id"] == route_id and row["status"] != "landed"]
        ends = {"origin": origin, "destination": destination}
        named = {"origin_city": cities[origin], "destination_city": cities[destination]}
        routes[route_id] = {"route_id": route_id, **ends, **named, "flight_ids": ahead}
    return {
        "airports": {
            code: {"airport_code": code, "city": city, "route_ids": [key for key in ROUTES if key.startswith(code)]}
            for code, city in cities.items()
        },
        "fares": {key: dict(row) for key, row in FARES.items()},
        "flights": {row["flight_id"]: row for row in flights},
        "members": {
            "M1": person("M1", "Ada", "silver", [row["reservation_id"] for row in reservations[:-1]]),
            "M2": person("M2", "Bo", "blue", ["B2-1"]),
        },
        "reservations": {row["reservation_id"]: row for row in reservations},
        "routes": routes,
    }


def airline(changes: Row | None = None) -> Domain:
    """The small airline with some values replaced: {"members.M1.tier": "gold"}."""
    return with_changes("airline", tables(), changes)
