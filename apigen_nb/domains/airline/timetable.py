"""Routes and flights of the airline, drawn around its today: part of `generate`."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from apigen_nb.domains.airline.air import CLOCK, seat_order
from apigen_nb.domains.airline.catalog import AIRPORTS, CAUSES, PAIRS, SEATS
from apigen_nb.world.toolkit import Row, Table


def timetable(random: Random) -> tuple[Table, Table]:
    """The routes, both ways, with the flights that have not landed, and all flights: at most one a day on a route."""
    routes: Table = {}
    flights: Table = {}
    for index, (pair, (minutes, usual)) in enumerate(PAIRS.items()):
        for way, (origin, destination) in enumerate((pair, pair[::-1])):
            route = routes[f"{origin}-{destination}"] = {
                "route_id": f"{origin}-{destination}",
                "origin": origin,
                "destination": destination,
                "origin_city": AIRPORTS[origin],
                "destination_city": AIRPORTS[destination],
                "flight_ids": [],
            }
            for offset in _offsets(random):
                flight = _fly(random, route, 200 + 2 * index + way, offset, minutes, usual)
                flights[flight["flight_id"]] = flight
                if flight["status"] != "landed":
                    route["flight_ids"].append(flight["flight_id"])
    return routes, flights


def _offsets(random: Random) -> list[int]:
    """Days from today on which a route is flown: some past, tonight or tomorrow early, and the weeks to come."""
    past = random.sample(range(-75, 0), 4)
    return sorted(
        [*past, *random.sample((0, 1, 2), 2), *random.sample(range(3, 11), 3), *random.sample(range(11, 40), 4)]
    )


def _fly(random: Random, route: Row, number: int, offset: int, minutes: int, usual: int) -> Row:
    """A flight of a day, with what has become of it."""
    hours = {0: (10, 11, 13, 15, 17, 19, 20), 2: (6, 7, 8)}.get(offset, range(6, 20))
    day = datetime.fromisoformat(CLOCK.day(offset))
    start = day.replace(hour=random.choice(hours), minute=random.choice(range(0, 60, 5)))
    status, delay = _fate(random, offset)
    economy = usual + random.randint(-12, 40)
    return {
        "flight_id": f"HW{number}-{start:%m%d}",
        "route_id": route["route_id"],
        "origin": route["origin"],
        "destination": route["destination"],
        "travel_date": start.date().isoformat(),
        "departs_at": start.isoformat(timespec="minutes"),
        "arrives_at": (start + timedelta(minutes=minutes + 10)).isoformat(timespec="minutes"),
        "status": status,
        "delay_minutes": delay,
        "delay_cause": random.choices(CAUSES, (50, 35, 15))[0] if delay else None,
        "cabins": {
            "economy": {"price": float(economy), "seats": _free(random, "economy", 5, 9)},
            "business": {
                "price": float(round(economy * 2.4)),
                "seats": _free(random, "business", 2, 5),
            },
        },
    }


def _fate(random: Random, offset: int) -> tuple[str, int]:
    """Status and minutes of delay. What has departed has landed; only flights soon are known to be disrupted."""
    if offset < 0:
        late = random.choices((0, random.randint(15, 110), random.randint(120, 400)), (15, 20, 65))[0]
        return "landed", late
    soon = random.random()
    if offset <= 12 and soon < 0.2:
        return "cancelled", 0
    if offset <= 2 and soon < 0.4:
        return "delayed", random.choice((45, 90, 150, 200, 260))
    return "scheduled", 0


def _free(random: Random, cabin: str, least: int, most: int) -> list[str]:
    """Free seats of a cabin, from front to back."""
    return sorted(random.sample(SEATS[cabin], random.randint(least, most)), key=seat_order)
