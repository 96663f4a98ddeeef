"""What tools and rules of the airline share: the time, finding rows or refusing, legs, and seats."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from apigen_nb.world.world import Database, Refusal

NOW = datetime(2026, 9, 16, 9, 0)
TODAY = NOW.date()
AHEAD = ("scheduled", "delayed", "cancelled")
"""Statuses of flights that have not been flown; times are those of the timetable, also when a flight is delayed."""
CHECK_IN_OPENS = 48  # hours before the first flight departs
EXIT_ROWS = (14, 15)

Row = dict[str, Any]


def hours_until(moment: str) -> float:
    """Hours from the airline's now to an ISO date and time; negative for what is past."""
    return (datetime.fromisoformat(moment) - NOW) / timedelta(hours=1)


def days_since(day: str) -> int:
    """Days from an ISO date, or the date of an ISO moment, to the airline's today; negative for days to come."""
    return (TODAY - date.fromisoformat(day[:10])).days


def find_member(db: Database, member_id: str) -> Row:
    """The member's row, or a refusal."""
    return _find(db, "members", member_id, "member", "find the id by e-mail address, or by name and postal code")


def find_reservation(db: Database, reservation_id: str) -> Row:
    """The reservation's row, or a refusal."""
    return _find(db, "reservations", reservation_id, "reservation", "get_member lists a member's reservation_ids")


def find_flight(db: Database, flight_id: str) -> Row:
    """The flight's row, or a refusal."""
    return _find(db, "flights", flight_id, "flight", "list_flights shows the flights of a route")


def find_route(db: Database, route_id: str) -> Row:
    """The route's row, or a refusal."""
    return _find(db, "routes", route_id, "route", "get_airport lists the route_ids of an airport")


def find_airport(db: Database, airport_code: str) -> Row:
    """The airport's row, or a refusal."""
    return _find(db, "airports", airport_code, "airport", "list_airports shows the codes")


def _find(db: Database, table: str, key: str, what: str, hint: str) -> Row:
    if key not in db[table]:
        raise Refusal(f"no {what} {key}; {hint}", kind=f"no such {what}")
    row: Row = db[table][key]
    return row


def reservation_in(db: Database, reservation_id: str, *statuses: str) -> Row:
    """The reservation's row when it is in one of these statuses, or a refusal."""
    reservation = find_reservation(db, reservation_id)
    if reservation["status"] not in statuses:
        wanted = " or ".join(statuses)
        raise Refusal(
            f"reservation {reservation_id} is {reservation['status']}; it has to be {wanted}",
            kind=f"reservation is not {wanted}",
        )
    return reservation


def find_passenger(reservation: Row, passenger_id: str) -> Row:
    """The passenger of a reservation, or a refusal."""
    if passenger_id not in reservation["passengers"]:
        known = ", ".join(reservation["passengers"])
        raise Refusal(f"no passenger {passenger_id} in this reservation; it has {known}", kind="no such passenger")
    row: Row = reservation["passengers"][passenger_id]
    return row


def find_leg(reservation: Row, flight_id: str) -> Row:
    """The leg of a reservation that takes this flight, or a refusal."""
    for leg in reservation["legs"]:
        if leg["flight_id"] == flight_id:
            row: Row = leg
            return row
    known = ", ".join(leg["flight_id"] for leg in reservation["legs"])
    raise Refusal(f"the reservation does not take flight {flight_id}; it takes {known}", kind="no such leg")


def leg_status(flight: Row) -> str:
    """What a leg's status is, which follows from its flight: flown, disrupted, or open."""
    if flight["status"] not in AHEAD:
        return "flown"
    return "disrupted" if disrupted(flight) else "open"


def legs_ahead(reservation: Row) -> list[Row]:
    """The legs of a reservation that have not been flown."""
    return [leg for leg in reservation["legs"] if leg["status"] != "flown"]


def leg_in(reservation: Row, flight_id: str, *statuses: str) -> Row:
    """The leg of a reservation that takes this flight when it is in one of these statuses, or a refusal."""
    leg = find_leg(reservation, flight_id)
    if leg["status"] not in statuses:
        wanted = " or ".join(statuses)
        raise Refusal(
            f"flight {flight_id} of the reservation is {leg['status']}; it has to be {wanted}",
            kind=f"leg is not {wanted}",
        )
    return leg


def flight_in(db: Database, flight_id: str, *statuses: str) -> Row:
    """The flight's row when it is in one of these statuses, or a refusal."""
    flight = find_flight(db, flight_id)
    if flight["status"] not in statuses:
        wanted = " or ".join(statuses)
        raise Refusal(
            f"flight {flight_id} is {flight['status']}; it has to be {wanted}", kind=f"flight is not {wanted}"
        )
    return flight


def disrupted(flight: Row) -> bool:
    """Whether the airline has cancelled a flight that is ahead, or put it off by three hours or more."""
    return bool(flight["status"] == "cancelled" or (flight["status"] == "delayed" and flight["delay_minutes"] >= 180))


def seat_order(seat: str) -> tuple[int, str]:
    """Where a seat like 14C comes on the plane."""
    return int(seat[:-1]), seat[-1]


def may_sit(passenger: Row, seat: str) -> bool:
    """Whether a passenger may have a seat: children and who has asked for assistance are kept from the exit rows."""
    return seat_order(seat)[0] not in EXIT_ROWS or (passenger["kind"] == "adult" and not passenger["assistance"])


def take_seats(flight: Row, cabin: str, passengers: dict[str, Row]) -> dict[str, str]:
    """Give each passenger the first free seat of a cabin that this one may have: passenger → seat; or a refusal. Who
    may not sit everywhere comes first."""
    free = list(flight["cabins"][cabin]["seats"])
    taken: dict[str, str] = {}
    for passenger_id in sorted(passengers, key=lambda key: may_sit(passengers[key], f"{EXIT_ROWS[0]}A")):
        seat = next((seat for seat in free if may_sit(passengers[passenger_id], seat)), None)
        if seat is None:
            raise Refusal(
                f"{cabin} on flight {flight['flight_id']} has {len(flight['cabins'][cabin]['seats'])} free seats, "
                f"not enough for {len(passengers)} passengers",
                kind="not enough seats",
            )
        free.remove(seat)
        taken[passenger_id] = seat
    flight["cabins"][cabin]["seats"] = free
    return {passenger_id: taken[passenger_id] for passenger_id in passengers}


def free_seats(flight: Row, cabin: str, seats: list[str]) -> None:
    """Give seats back to a flight."""
    of = flight["cabins"][cabin]
    of["seats"] = sorted([*of["seats"], *seats], key=seat_order)


def next_id(db: Database, table: str, prefix: str) -> str:
    """The next free id of a table under a prefix: B48213-1, B48213-2, ..."""
    return f"{prefix}-{1 + sum(key.rpartition('-')[0] == prefix for key in db[table])}"
