"""What a call is about, as rules read it: the reservation, member, passenger and flights as they were before it."""

from __future__ import annotations

from apigen_nb.domains.airline.air import hours_until, legs_ahead
from apigen_nb.world.toolkit import Row, Step, named

LONG_AGO = -1e6


def reservation(step: Step) -> Row:
    """The reservation that a call names; {} when there is none."""
    return named(step, "reservations", "reservation_id")


def owner(step: Step) -> str | None:
    """The member whose reservation a call names; None when there is none."""
    return reservation(step).get("member_id")


def member(step: Step) -> Row:
    """The member that a call names, itself or by a reservation; {} when there is none."""
    row: Row = step.before["members"].get(step.arguments.get("member_id", owner(step) or ""), {})
    return row


def passenger(step: Step) -> Row:
    """The passenger that a call names; {} when there is none."""
    row: Row = reservation(step).get("passengers", {}).get(step.arguments.get("passenger_id", ""), {})
    return row


def seats_of(step: Step) -> list[str]:
    """The seats of the passenger that a call names, on all flights ahead."""
    legs = legs_ahead(reservation(step)) if reservation(step) else []
    seats = [leg["seating"].get(step.arguments.get("passenger_id", "")) for leg in legs]
    return [seat for seat in seats if seat]


def departure(step: Step, parameter: str) -> float:
    """Hours until the flight departs that an argument names; long ago when there is none."""
    flight = named(step, "flights", parameter)
    return hours_until(flight["departs_at"]) if flight else LONG_AGO


def hours_apart(step: Step) -> float:
    """Hours between the flight that is given up and the one that is taken instead."""
    return abs(departure(step, "new_flight_id") - departure(step, "flight_id"))


def method(step: Step) -> Row:
    """The payment method that a call names; {} when there is none."""
    row: Row = member(step).get("payment_methods", {}).get(step.arguments.get("payment_method_id", ""), {})
    return row


def next_departure(step: Step) -> float:
    """Hours until the first flight ahead of a reservation departs; long ago when there is none."""
    legs = legs_ahead(reservation(step)) if reservation(step) else []
    return hours_until(step.before["flights"][legs[0]["flight_id"]]["departs_at"]) if legs else LONG_AGO
