"""Writing tools for what comes with a reservation: the cabin, bags, insurance."""

from __future__ import annotations

from apigen_nb.domains.airline.air import find_flight, find_member, free_seats, reservation_in, take_seats
from apigen_nb.domains.airline.bookings import Cabin
from apigen_nb.domains.airline.money import BAG_FEE, INSURANCE, charge, credit, free_bags, price
from apigen_nb.world.toolkit import Database, Refusal, Row, cents, tool

UPGRADE_MILES = 6000  # a passenger and leg


@tool(writes=True)
def change_cabin(db: Database, reservation_id: str, cabin: Cabin, payment_method_id: str) -> Row:
    """Seat a booked reservation in the other cabin, on all its flights.

    A higher price is charged; a lower one is given back as a voucher.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        cabin: The cabin to sit in from now on.
        payment_method_id: What pays the difference.
    """
    reservation = reservation_in(db, reservation_id, "booked")
    before = sum(leg["price"] for leg in reservation["legs"])
    _seat_in(db, reservation, cabin)
    for leg in reservation["legs"]:
        leg["price"] = price(db, find_flight(db, leg["flight_id"]), cabin, reservation["fare"])
    difference = cents((sum(leg["price"] for leg in reservation["legs"]) - before) * len(reservation["passengers"]))
    result = {"reservation_id": reservation_id, "cabin": cabin, "charged": 0.0, "given_back": 0.0}
    result["charged"] = charge(db, reservation, payment_method_id, max(0.0, difference))
    if difference < 0:
        result["given_back"] = credit(db, reservation, -difference)["balance"]
    return result


@tool(writes=True)
def upgrade_with_miles(db: Database, reservation_id: str) -> Row:
    """Seat a booked economy reservation in business on all its flights, for 6,000 miles a passenger and flight.

    Args:
        reservation_id: The reservation's id, like B48213-1.
    """
    reservation = reservation_in(db, reservation_id, "booked")
    member = find_member(db, reservation["member_id"])
    needed = UPGRADE_MILES * len(reservation["passengers"]) * len(reservation["legs"])
    _seat_in(db, reservation, "business")
    if member["miles"] < needed:
        raise Refusal(f"the member has {member['miles']} miles, {needed} are needed", kind="not enough miles")
    member["miles"] -= needed
    reservation["upgraded_with_miles"] = True
    return {"reservation_id": reservation_id, "cabin": "business", "used_miles": needed, "miles": member["miles"]}


def _seat_in(db: Database, reservation: Row, cabin: str) -> None:
    """Move everybody to the first free seats of another cabin."""
    if reservation["cabin"] == cabin:
        raise Refusal(f"{reservation['reservation_id']} is in {cabin} already", kind="same cabin")
    for leg in reservation["legs"]:
        flight = find_flight(db, leg["flight_id"])
        free_seats(flight, reservation["cabin"], list(leg["seating"].values()))
        leg["seating"] = take_seats(flight, cabin, reservation["passengers"])
    reservation["cabin"] = cabin


@tool(writes=True)
def add_bags(db: Database, reservation_id: str, extra_bags: int, payment_method_id: str) -> Row:
    """Add checked bags to a booked or under way reservation; those beyond the free ones cost $35 each.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        extra_bags: How many bags come in addition.
        payment_method_id: What pays the fees.
    """
    reservation = reservation_in(db, reservation_id, "booked", "under way")
    if extra_bags < 1:
        raise Refusal(f"{extra_bags} bags cannot be added; give one or more", kind="not a number of bags")
    member = find_member(db, reservation["member_id"])
    paid_from = max(reservation["bags"], free_bags(db, reservation, member))
    reservation["bags"] += extra_bags
    fees = BAG_FEE * max(0, reservation["bags"] - paid_from)
    charged = charge(db, reservation, payment_method_id, fees)
    return {"reservation_id": reservation_id, "bags": reservation["bags"], "charged": charged}


@tool(writes=True)
def buy_insurance(db: Database, reservation_id: str, payment_method_id: str) -> Row:
    """Insure a booked reservation against illness, for $14 a passenger and flight.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        payment_method_id: What pays the premium.
    """
    reservation = reservation_in(db, reservation_id, "booked")
    if reservation["insured"]:
        raise Refusal(f"{reservation_id} is insured already", kind="insured already")
    reservation["insured"] = True
    premium = INSURANCE * len(reservation["passengers"]) * len(reservation["legs"])
    charged = charge(db, reservation, payment_method_id, premium)
    return {"reservation_id": reservation_id, "insured": True, "charged": charged}
