"""Writing tools for passengers: seats, names, assistance, checking in."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.airline.air import find_flight, find_passenger, free_seats, leg_in, reservation_in
from apigen_nb.world.toolkit import Database, Refusal, Row, in_form, tool

Assistance = Literal["wheelchair", "help with seeing", "help with hearing", "medical device"]


@tool(writes=True)
def choose_seat(db: Database, reservation_id: str, flight_id: str, passenger_id: str, new_seat: str) -> Row:
    """Give a passenger of a booked or under way reservation another free seat in the same cabin, on an open flight.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        flight_id: The flight, like HW214-0920.
        passenger_id: The passenger, like P48213-1-1.
        new_seat: The seat to take, like 14C.
    """
    reservation = reservation_in(db, reservation_id, "booked", "under way")
    leg = leg_in(reservation, flight_id, "open")
    find_passenger(reservation, passenger_id)
    flight = find_flight(db, flight_id)
    of = flight["cabins"][reservation["cabin"]]
    if new_seat not in of["seats"]:
        raise Refusal(
            f"seat {new_seat} is not free in {reservation['cabin']}; free are {', '.join(of['seats']) or 'none'}",
            kind="seat is not free",
        )
    of["seats"].remove(new_seat)
    free_seats(flight, reservation["cabin"], [leg["seating"][passenger_id]])
    leg["seating"][passenger_id] = new_seat
    return {"reservation_id": reservation_id, "flight_id": flight_id, "seating": leg["seating"]}


@tool(writes=True)
def change_last_name(db: Database, reservation_id: str, passenger_id: str, new_last_name: str) -> Row:
    """Change the last name of a passenger of a booked reservation. The first name stays: seats are not handed on.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        passenger_id: The passenger, like P48213-1-1.
        new_last_name: The last name as it stands in the passport, like Moor.
    """
    passenger = find_passenger(reservation_in(db, reservation_id, "booked"), passenger_id)
    name = r"[A-Z][A-Za-z'-]*( [A-Z][A-Za-z'-]*)*"
    in_form(new_last_name, name, "a last name", "; write it like Moor or Saint-Clair")
    if passenger["last_name"] == new_last_name:
        raise Refusal(f"{passenger_id} has this last name already", kind="same last name")
    passenger.update(last_name=new_last_name, name_changed=True)
    return passenger


@tool(writes=True)
def request_assistance(db: Database, reservation_id: str, passenger_id: str, assistance: Assistance) -> Row:
    """Ask for assistance for a passenger of a booked reservation, on all its flights.

    Args:
        reservation_id: The reservation's id, like B48213-1.
        passenger_id: The passenger, like P48213-1-1.
        assistance: What the passenger needs.
    """
    passenger = find_passenger(reservation_in(db, reservation_id, "booked"), passenger_id)
    if assistance in passenger["assistance"]:
        raise Refusal(f"{assistance} is asked for already", kind="same assistance")
    passenger["assistance"].append(assistance)
    return passenger


@tool(writes=True)
def complete_check_in(db: Database, reservation_id: str) -> Row:
    """Check all passengers of a booked reservation in for its first flight.

    Args:
        reservation_id: The reservation's id, like B48213-1.
    """
    reservation = reservation_in(db, reservation_id, "booked")
    first = leg_in(reservation, reservation["legs"][0]["flight_id"], "open")
    reservation["status"] = "checked in"
    return {"reservation_id": reservation_id, "status": "checked in", "leg": first}


@tool(writes=True)
def undo_check_in(db: Database, reservation_id: str) -> Row:
    """Take back the check-in of a checked in reservation, so that it can be changed.

    Args:
        reservation_id: The reservation's id, like B48213-1.
    """
    reservation = reservation_in(db, reservation_id, "checked in")
    reservation["status"] = "booked"
    return {"reservation_id": reservation_id, "status": "booked"}
