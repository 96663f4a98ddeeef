"""Writing tools for whole reservations: book, change and rebook flights, cancel."""

from __future__ import annotations

import itertools
from typing import Literal

from apigen_nb.domains.airline import air
from apigen_nb.domains.airline.money import charge, credit, is_fresh, paid_cabin, pay_back, price, refund
from apigen_nb.world.toolkit import Database, Refusal, Row, next_id, tool

Cabin = Literal["economy", "business"]
Fare = Literal["saver", "classic", "flex"]
CancelReason = Literal["change of plans", "illness", "flight disrupted"]


@tool(writes=True)
def book_flight(
    db: Database,
    member_id: str,
    flight_id: str,
    cabin: Cabin,
    fare: Fare,
    traveler_ids: list[str],
    payment_method_id: str,
) -> Row:
    """Book a scheduled flight, one way, for saved travelers of a member. Seats are the first free ones.

    Args:
        member_id: The member's id, like M48213.
        flight_id: The flight's id, like HW214-0920.
        cabin: The cabin to sit in.
        fare: The fare, which sets the price and what can be changed later.
        traveler_ids: The saved travelers who fly, like T48213-1.
        payment_method_id: What pays, like visa-48213.
    """
    member, flight = air.find_member(db, member_id), air.flight_in(db, flight_id, "scheduled")
    travelers = _saved(member, traveler_ids)
    reservation_id = next_id(db["reservations"], member_id.replace("M", "B", 1))
    reservation = new_reservation(reservation_id, member_id, cabin, fare, travelers)
    passengers, each = reservation["passengers"], price(db, flight, cabin, fare)
    reservation["legs"] = [new_leg(flight, each, air.take_seats(flight, cabin, passengers))]
    charge(db, reservation, payment_method_id, each * len(passengers))
    db["reservations"][reservation_id] = reservation
    member["reservation_ids"].append(reservation_id)
    return reservation


def _saved(member: Row, traveler_ids: list[str]) -> list[Row]:
    """The travelers of these ids, or a refusal."""
    if not traveler_ids or len(set(traveler_ids)) != len(traveler_ids):
        raise Refusal("name each traveler who flies, once", kind="wrong travelers")
    for traveler_id in traveler_ids:
        if traveler_id not in member["travelers"]:
            known = ", ".join(member["travelers"])
            raise Refusal(f"no traveler {traveler_id}; the member has saved {known}", kind="no such traveler")
    return [member["travelers"][traveler_id] for traveler_id in traveler_ids]


def new_reservation(reservation_id: str, member_id: str, cabin: str, fare: str, travelers: list[Row]) -> Row:
    """A reservation that is made now, of saved travelers; without flights and payments yet."""
    prefix = reservation_id.replace("B", "P", 1)
    ids = [f"{prefix}-{number}" for number in range(1, len(travelers) + 1)]
    return {
        "reservation_id": reservation_id,
        "member_id": member_id,
        "status": "booked",
        "booked_at": air.NOW.isoformat(timespec="minutes"),
        "cabin": cabin,
        "fare": fare,
        "insured": False,
        "upgraded_with_miles": False,
        "bags": 0,
        "changes": 0,
        "passengers": {key: _passenger(key, traveler) for key, traveler in zip(ids, travelers, strict=True)},
        "legs": [],
        "payments": [],
        "total": 0.0,
    }


def _passenger(passenger_id: str, traveler: Row) -> Row:
    return {
        "passenger_id": passenger_id,
        **{key: traveler[key] for key in ("first_name", "last_name", "kind")},
        "name_changed": False,
        "assistance": [],
    }


def new_leg(flight: Row, each: float, seating: dict[str, str]) -> Row:
    """A flight as part of a reservation: what `each` passenger pays for it, and passenger → seat."""
    return {
        "flight_id": flight["flight_id"],
        "route_id": flight["route_id"],
        "status": air.leg_status(flight),
        "price": each,
        "seating": seating,
        "compensation": 0.0,
    }


@tool(writes=True)
def change_flight(db: Database, reservation_id: str, flight_id: str, new_flight_id: str, payment_method_id: str) -> Row:
    """Move a booked or under way reservation from an open flight to a scheduled one on the same route.

    The change fee and a higher price are charged for each passenger; a lower price gives nothing back.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        flight_id: The flight to give up.
        new_flight_id: The flight to take instead.
        payment_method_id: What pays the fee and the difference.
    """
    reservation = air.reservation_in(db, reservation_id, "booked", "under way")
    leg = air.leg_in(reservation, flight_id, "open", "disrupted")
    before = leg["price"]
    _move(db, reservation, leg, new_flight_id)
    member = air.find_member(db, reservation["member_id"])
    waived = member["tier"] == "gold" or is_fresh(reservation)
    fee = 0.0 if waived else db["fares"][reservation["fare"]]["change_fee"]
    now = price(db, air.find_flight(db, new_flight_id), paid_cabin(reservation), reservation["fare"])
    leg["price"] = max(before, now)
    charged = charge(db, reservation, payment_method_id, (fee + leg["price"] - before) * len(leg["seating"]))
    reservation["changes"] += 1
    return {"reservation_id": reservation_id, "charged": charged, "changes": reservation["changes"], "leg": leg}


@tool(writes=True)
def rebook_flight(db: Database, reservation_id: str, flight_id: str, new_flight_id: str) -> Row:
    """Move a booked or under way reservation off a disrupted flight, free of charge, to a scheduled one on its route.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        flight_id: The disrupted flight.
        new_flight_id: The flight to take instead.
    """
    reservation = air.reservation_in(db, reservation_id, "booked", "under way")
    leg = air.leg_in(reservation, flight_id, "disrupted", "open")
    _move(db, reservation, leg, new_flight_id)
    return {"reservation_id": reservation_id, "leg": leg}


def _move(db: Database, reservation: Row, leg: Row, new_flight_id: str) -> None:
    """Put all passengers of a leg on another flight."""
    new, old = air.flight_in(db, new_flight_id, "scheduled"), air.find_flight(db, leg["flight_id"])
    if new["route_id"] != leg["route_id"] or new_flight_id == leg["flight_id"]:
        raise Refusal(f"{new_flight_id} is no other flight on route {leg['route_id']}", kind="not another such flight")
    air.free_seats(old, reservation["cabin"], list(leg["seating"].values()))
    leg["seating"] = air.take_seats(new, reservation["cabin"], reservation["passengers"])
    leg.update(flight_id=new_flight_id, status=air.leg_status(new))
    flights = [air.find_flight(db, one["flight_id"]) for one in reservation["legs"]]
    for out, back in itertools.pairwise(flights):
        if back["departs_at"] <= out["arrives_at"]:
            raise Refusal(f"{back['flight_id']} departs before {out['flight_id']} has arrived", kind="flights overlap")


@tool(writes=True)
def cancel_reservation(db: Database, reservation_id: str, cancel_reason: CancelReason) -> Row:
    """Cancel a booked reservation as a whole, for all passengers and flights; it pays back what its fare allows.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        cancel_reason: Why the member cancels.
    """
    reservation = air.reservation_in(db, reservation_id, "booked")
    amount, how = refund(db, reservation, cancel_reason)
    result: Row = {"reservation_id": reservation_id, "status": "cancelled", "refunded": amount, "refunded_as": how}
    if how == "payment method":
        pay_back(db, reservation, amount)
    elif amount:
        result["payment_method_id"] = credit(db, reservation, amount)["payment_method_id"]
    for leg in reservation["legs"]:
        air.free_seats(air.find_flight(db, leg["flight_id"]), reservation["cabin"], list(leg["seating"].values()))
        leg["seating"] = {}
    reservation.update(status="cancelled", cancel_reason=cancel_reason)
    return result
