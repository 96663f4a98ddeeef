"""Reading tools: who the member is, and what there is to see."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.airline.air import find_airport, find_flight, find_member, find_reservation, find_route
from apigen_nb.world.toolkit import Database, Refusal, Row, tool


@tool
def find_member_id_by_email(db: Database, email: str) -> Row:
    """Find a member's id by the e-mail address.

    Args:
        email: The e-mail address, in any case.
    """
    for member in db["members"].values():
        if member["email"].lower() == email.strip().lower():
            return {"member_id": member["member_id"]}
    raise Refusal(f"no member has the e-mail address {email}; try name and postal code", kind="no such member")


@tool
def find_member_id_by_name(db: Database, first_name: str, last_name: str, postal_code: str) -> Row:
    """Find a member's id by the full name and the postal code.

    Args:
        first_name: The first name.
        last_name: The last name.
        postal_code: The postal code of the member's address, like 60614.
    """
    wanted = [text.strip().casefold() for text in (first_name, last_name, postal_code)]
    for member in db["members"].values():
        if [member[key].casefold() for key in ("first_name", "last_name", "postal_code")] == wanted:
            return {"member_id": member["member_id"]}
    raise Refusal(f"no member {first_name} {last_name} at {postal_code}; try the e-mail address", kind="no such member")


@tool
def get_member(db: Database, member_id: str) -> Row:
    """Show a member: contact, tier, miles, payment methods with vouchers, saved travelers, reservation ids.

    Args:
        member_id: The member's id, like M48213.
    """
    return find_member(db, member_id)


@tool
def get_reservation(db: Database, reservation_id: str) -> Row:
    """Show a reservation: status, cabin, fare, passengers, flights with seats, bags, insurance, payments.

    Args:
        reservation_id: The reservation's id, like B48213-1.
    """
    return find_reservation(db, reservation_id)


@tool
def get_flight(db: Database, flight_id: str) -> Row:
    """Show a flight: route, times, status, delay, and for each cabin the saver price and the free seats.

    Args:
        flight_id: The flight's id, like HW214-0920.
    """
    return find_flight(db, flight_id)


@tool
def list_flights(db: Database, route_id: str) -> Row:
    """List the scheduled flights on a route that can be booked, with saver prices and numbers of free seats.

    Args:
        route_id: The route's id, like ADM-BKW.
    """
    route = find_route(db, route_id)
    flights = [find_flight(db, flight_id) for flight_id in route["flight_ids"]]
    return {"route_id": route_id, "flights": [_brief(flight) for flight in flights if flight["status"] == "scheduled"]}


@tool
def search_flights(db: Database, origin: str, destination: str, travel_date: str) -> Row:
    """Find the scheduled flights from one airport to another on a day, with saver prices and numbers of free seats.

    Args:
        origin: The code of the airport of departure, like ADM.
        destination: The code of the airport of arrival, like BKW.
        travel_date: The day of departure, like 2026-09-20.
    """
    find_airport(db, origin), find_airport(db, destination)
    route_id = f"{origin}-{destination}"
    if route_id not in db["routes"]:
        raise Refusal(f"there is no direct route from {origin} to {destination}", kind="no such route")
    return {
        "flights": [flight for flight in list_flights(db, route_id)["flights"] if flight["travel_date"] == travel_date]
    }


def _brief(flight: Row) -> Row:
    shown: Row = {key: flight[key] for key in ("flight_id", "travel_date", "departs_at", "arrives_at")}
    for cabin, of in flight["cabins"].items():
        shown[f"{cabin}_price"], shown[f"{cabin}_free"] = of["price"], len(of["seats"])
    return shown


@tool
def get_fare_rules(db: Database, fare: Literal["saver", "classic", "flex"]) -> Row:
    """Show a fare: its price in percent of the saver price, fees for changes and cancelling, free bags.

    Args:
        fare: The fare.
    """
    return {**db["fares"][fare]}


@tool
def get_airport(db: Database, airport_code: str) -> Row:
    """Show an airport: its city, and the ids of the routes that start there.

    Args:
        airport_code: The airport's code, like ADM.
    """
    return find_airport(db, airport_code)


@tool
def list_airports(db: Database) -> list[Row]:
    """List all airports with code and city."""
    return [{key: row[key] for key in ("airport_code", "city")} for row in db["airports"].values()]
