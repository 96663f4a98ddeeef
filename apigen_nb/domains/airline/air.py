"""What tools and rules of the airline share: the time, finding rows or refusing, legs, and seats."""

from __future__ import annotations

from datetime import datetime

from apigen_nb.world.toolkit import Clock, Database, Refusal, Row, in_status, lookup

CLOCK = Clock(datetime(2026, 9, 16, 9, 0))
NOW, TODAY, days_since = CLOCK.now, CLOCK.today, CLOCK.days_since
AHEAD = ("scheduled", "delayed", "cancelled")
"""Statuses of flights that have not been flown; times are those of the timetable, also when a flight is delayed."""
CHECK_IN_OPENS = 48  # hours before the first flight departs
EXIT_ROWS = (14, 15)

find_member = lookup("members", "find the id by e-mail address, or by name and postal code")
find_reservation = lookup("reservations", "get_member lists a member's reservation_ids")
find_flight = lookup("flights", "list_flights shows the flights of a route")
find_route = lookup("routes", "get_airport lists the route_ids of an airport")
find_airport = lookup("airports", "list_airports shows the codes")


def hours_until(moment: str) -> float:
    """Hours from the airline's now to an ISO date and time; negative for what is past."""
    return -CLOCK.hours_since(moment)


def reservation_in(db: Database, reservation_id: str, *statuses: str) -> Row:
    """The reservation's row when it is in one of these statuses, or a refusal."""
    row = find_reservation(db, reservation_id)
    return in_status(row, "reservation", *statuses, name=f"reservation {reservation_id}")


def find_passenger(reservation: Row, passenger_id: str) -> Row:
    """The passenger of a reservation, or a refusal."""
    if passenger_id not in reservation["passengers"]:
        known = ", ".join(reservation["passengers"])
        raise Refusal(f"no passenger {passenger_id} in this reservation; it has {known}", kind="no such passenger")
    row: Row = reservation["passengers"][passenger_id]
    return row


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
    leg = next((leg for leg in reservation["legs"] if leg["flight_id"] == flight_id), None)
    if leg is None:
        known = ", ".join(leg["flight_id"] for leg in reservation["legs"])
        raise Refusal(f"the reservation does not take flight {flight_id}; it takes {known}", kind="no such leg")
    return in_status(leg, "leg", *statuses, name=f"flight {flight_id} of the reservation")


def flight_in(db: Database, flight_id: str, *statuses: str) -> Row:
    """The flight's row when it is in one of these statuses, or a refusal."""
    return in_status(find_flight(db, flight_id), "flight", *statuses, name=f"flight {flight_id}")


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
