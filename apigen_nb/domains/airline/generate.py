"""Write the airline's data from a fixed seed: `python -m apigen_nb.domains.airline.generate [folder]`."""

from __future__ import annotations

from random import Random

from faker import Faker

from apigen_nb.domains.airline.air import CLOCK
from apigen_nb.domains.airline.catalog import AIRPORTS, FARES
from apigen_nb.domains.airline.sales import TicketCounter
from apigen_nb.domains.airline.timetable import timetable
from apigen_nb.domains.generation import cards, email, main, phone, seeded
from apigen_nb.world.toolkit import Row, Table

SEED = 20260916
MEMBERS = 200


def _methods(random: Random, number: int) -> Table:
    """Cards and wallets of a member, and up to two vouchers, some of which have expired."""
    kinds = random.sample(("visa", "mastercard"), random.choice((1, 1, 2)))
    kinds += ["wallet"] if random.random() < 0.35 else []
    made = cards(random, kinds, number)
    for index in range(1, 1 + random.choices((0, 1, 2), (12, 58, 30))[0]):
        expires = random.randint(-70, -1) if random.random() < 0.3 else random.randint(2, 340)
        made[f"voucher-{number}-{index}"] = {
            "payment_method_id": f"voucher-{number}-{index}",
            "type": "voucher",
            "balance": 25.0 * random.randint(4, 24),
            "expires_on": CLOCK.day(expires),
            "extended": random.random() < 0.12,
        }
    return made


def _person(random: Random, fake: Faker, number: int) -> Row:
    """A member without reservations; the first saved traveler is the member. No two phone numbers are equal."""
    first, last = fake.first_name(), fake.last_name()
    travelers: Table = {}
    names = {first}
    for index in range(1, 1 + random.choices((1, 2, 3, 4, 5), (12, 40, 25, 15, 8))[0]):
        row = {"traveler_id": f"T{number}-{index}", "first_name": first, "last_name": last, "kind": "adult"}
        if index > 1:
            while row["first_name"] in names:
                row["first_name"] = fake.first_name()
            names.add(row["first_name"])
            row["kind"] = "child" if index > 2 and random.random() < 0.6 else "adult"
            row["last_name"] = last if row["kind"] == "child" or random.random() < 0.25 else fake.last_name()
        travelers[row["traveler_id"]] = row
    return {
        "member_id": f"M{number}",
        "first_name": first,
        "last_name": last,
        "email": email(random, first, last, number),
        "phone": phone(number),
        "postal_code": f"{random.randint(10_000, 99_999)}",
        "tier": random.choices(("blue", "silver", "gold"), (40, 37, 23))[0],
        "miles": 500 * random.choices((random.randint(0, 16), random.randint(30, 220)), (15, 85))[0],
        "payment_methods": _methods(random, number),
        "travelers": travelers,
        "reservation_ids": [],
    }


def tables(seed: int = SEED) -> dict[str, Table]:
    """All tables of the airline, table → id → row; equal for equal seeds and versions of faker."""
    random = Random(seed)
    fake = seeded(random)
    routes, flights = timetable(random)
    counter = TicketCounter(random, routes, flights, [fake.last_name() for _ in range(80)])
    members: Table = {}
    reservations: Table = {}
    for number in random.sample(range(10_000, 100_000), MEMBERS):
        member = members[f"M{number}"] = _person(random, fake, number)
        for row in counter.sell(member, random.choices((1, 2, 3), (12, 56, 32))[0]):
            reservations[row["reservation_id"]] = row
            member["reservation_ids"].append(row["reservation_id"])
    airports = {
        code: {
            "airport_code": code,
            "city": city,
            "route_ids": [route_id for route_id, route in routes.items() if route["origin"] == code],
        }
        for code, city in AIRPORTS.items()
    }
    made = {"members": members, "reservations": reservations}
    return {"airports": airports, "fares": FARES, "flights": flights, "routes": routes, **made}


if __name__ == "__main__":
    main(tables(), __file__)
