"""The airline's data is consistent, enough, and what the generator writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from apigen_nb.domains.airline.air import AHEAD, EXIT_ROWS, NOW, TODAY, hours_until, leg_status, may_sit, seat_order
from apigen_nb.domains.airline.catalog import AIRPORTS, FARES, PAIRS, SEATS
from apigen_nb.domains.airline.extras import UPGRADE_MILES
from apigen_nb.domains.airline.money import BAG_FEE, INSURANCE, free_bags
from apigen_nb.domains.airline.vouchers import BLOCK_DOLLARS, BLOCK_MILES, EXTENSION_DAYS, LONG_DELAY, SHORT_DELAY
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain

airline = Domain.load("airline")
flights, members, reservations = (airline.tables[name] for name in ("flights", "members", "reservations"))
airports, routes, fares = (airline.tables[name] for name in ("airports", "routes", "fares"))
database = airline.world().database()
now = NOW.isoformat(timespec="minutes")
Row = dict[str, Any]


def legs() -> Iterator[tuple[Row, Row, Row]]:
    """Every leg with its reservation and its flight."""
    for row in reservations.values():
        for leg in row["legs"]:
            yield row, leg, flights[leg["flight_id"]]


def test_there_is_enough_of_everything() -> None:
    assert 150 <= len(members) <= 250
    assert len(reservations) >= 400
    assert len(flights) >= 300
    assert {row["status"] for row in flights.values()} == {"scheduled", "delayed", "cancelled", "landed"}
    assert {row["status"] for row in reservations.values()} == {
        "booked",
        "checked in",
        "under way",
        "flown",
        "cancelled",
    }
    assert {leg["status"] for _, leg, _ in legs()} == {"open", "disrupted", "flown"}
    assert {row["tier"] for row in members.values()} == {"blue", "silver", "gold"}
    assert sum(path.stat().st_size for path in (DOMAINS_FOLDER / "airline" / "data").iterdir()) <= 700_000


def test_rows_repeat_their_own_id_and_ids_are_never_shared() -> None:
    names = {"airports": "airport_code", "fares": "fare", "flights": "flight_id", "members": "member_id"}
    names |= {"reservations": "reservation_id", "routes": "route_id"}
    assert set(names) == set(airline.tables)
    for table, name in names.items():
        assert all(row[name] == key for key, row in airline.tables[table].items()), table
    ids = [key for table in airline.tables.values() for key in table]
    ids += [key for row in reservations.values() for key in row["passengers"]]
    ids += [key for row in members.values() for key in (*row["travelers"], *row["payment_methods"])]
    assert len(ids) == len(set(ids))
    for of, rows in ((reservations, "passengers"), (members, "travelers"), (members, "payment_methods")):
        assert all(item[f"{rows[:-1]}_id"] == key for row in of.values() for key, item in row[rows].items())


def test_every_reference_exists() -> None:
    listed = Counter(key for row in members.values() for key in row["reservation_ids"])
    assert listed == Counter(list(reservations))
    for key, row in reservations.items():
        member = members[row["member_id"]]
        assert key in member["reservation_ids"]
        assert key.startswith(member["member_id"].replace("M", "B"))
        assert row["fare"] in fares
        assert {payment["payment_method_id"] for payment in row["payments"]} <= set(member["payment_methods"])
    for _, leg, flight in legs():
        assert leg["route_id"] == flight["route_id"]
    for route in routes.values():
        assert route["route_id"] in airports[route["origin"]]["route_ids"]
        assert (airports[route["origin"]]["city"], airports[route["destination"]]["city"]) == (
            route["origin_city"],
            route["destination_city"],
        )
        of = [key for key, row in flights.items() if row["route_id"] == route["route_id"] and row["status"] in AHEAD]
        assert sorted(route["flight_ids"]) == sorted(of)
        assert sum(flights[key]["status"] == "scheduled" for key in route["flight_ids"]) >= 2
    assert {(row["origin"], row["destination"]) for row in routes.values()} == {
        *PAIRS,
        *(pair[::-1] for pair in PAIRS),
    }
    assert {code: row["city"] for code, row in airports.items()} == AIRPORTS
    assert fares == FARES


def test_flights_fit_the_time() -> None:
    for key, row in flights.items():
        assert row["route_id"] == f"{row['origin']}-{row['destination']}"
        assert row["departs_at"][:10] == row["travel_date"]
        assert key.endswith(row["travel_date"][5:].replace("-", ""))
        assert row["departs_at"] < row["arrives_at"]
        assert (row["status"] == "landed") == (row["arrives_at"] < now)
        assert (row["departs_at"] < now) == (row["status"] == "landed")  # nothing is in the air
        assert (row["status"] == "delayed") <= (row["delay_minutes"] > 0)
        assert row["status"] not in ("scheduled", "cancelled") or row["delay_minutes"] == 0
        assert (row["delay_cause"] is None) == (row["delay_minutes"] == 0)


def test_no_seat_is_given_twice() -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for row, leg, flight in legs():
        assert set(leg["seating"]) == (set() if row["status"] == "cancelled" else set(row["passengers"]))
        for passenger_id, seat in leg["seating"].items():
            taken[leg["flight_id"], seat] += 1
            assert seat in SEATS[row["cabin"]]
            assert seat not in flight["cabins"][row["cabin"]]["seats"]
            assert may_sit(row["passengers"][passenger_id], seat)
    assert set(taken.values()) == {1}
    for flight in flights.values():
        for cabin, of in flight["cabins"].items():
            assert set(of["seats"]) <= set(SEATS[cabin])
            assert of["seats"] == sorted(set(of["seats"]), key=seat_order)


def test_reservations_fit_their_flights() -> None:
    for row, leg, flight in legs():
        assert leg["status"] == leg_status(flight), (row["reservation_id"], flight["flight_id"])
    for row in reservations.values():
        statuses = [leg["status"] for leg in row["legs"]]
        first = flights[row["legs"][0]["flight_id"]]
        assert len(row["legs"]) in (1, 2)
        assert row["booked_at"] < min(now, first["departs_at"])
        if row["status"] == "under way":
            assert statuses[0] == "flown" != statuses[1]
        else:
            assert (row["status"] == "flown") == (set(statuses) == {"flown"})
            assert row["status"] == "flown" or "flown" not in statuses
        if row["status"] == "checked in":
            assert statuses[0] == "open"
            assert 1 <= hours_until(first["departs_at"]) <= 48
        if len(row["legs"]) == 2:
            back = flights[row["legs"][1]["flight_id"]]
            assert first["arrives_at"] < back["departs_at"]
            assert (first["origin"], first["destination"]) == (back["destination"], back["origin"])
    for member in members.values():
        days = [
            {flights[leg["flight_id"]]["travel_date"] for leg in reservations[key]["legs"]}
            for key in member["reservation_ids"]
        ]
        assert len(set().union(*days)) == sum(map(len, days))  # nobody is in two reservations on a day


def test_payments_add_up() -> None:
    for row in reservations.values():
        member, heads = members[row["member_id"]], len(row["passengers"])
        assert 1 <= heads <= 3
        assert any(passenger["kind"] == "adult" for passenger in row["passengers"].values())
        due = sum(leg["price"] for leg in row["legs"]) * heads
        due += BAG_FEE * max(0, row["bags"] - free_bags(database, row, member))
        due += INSURANCE * heads * len(row["legs"]) if row["insured"] else 0
        charge, *back = row["payments"]
        assert (charge["kind"], charge["amount"]) == ("charge", round(due, 2))
        assert member["payment_methods"][charge["payment_method_id"]]["type"] != "voucher"
        if row["status"] == "cancelled":
            assert row["fare"] == "flex"
            assert back == [{**charge, "kind": "refund"}]
            assert row["total"] == 0.0
        else:
            assert not back
            assert row["total"] == charge["amount"]


def test_limits_are_those_of_the_policy() -> None:
    for row in reservations.values():
        member = members[row["member_id"]]
        assert row["bags"] <= (4 if member["tier"] == "gold" else 3) * len(row["passengers"])
        assert 0 <= row["changes"] <= 2
        assert row["fare"] != "saver" or row["changes"] == 0
        if row["upgraded_with_miles"]:
            assert row["cabin"] == "business"
            assert row["fare"] != "saver"
            assert member["tier"] != "blue"
    for member in members.values():
        assert member["miles"] >= 0
        for method in member["payment_methods"].values():
            assert method["type"] in ("card", "wallet", "voucher")
            if method["type"] == "voucher":
                assert method["balance"] > 0
                assert -365 <= (date.fromisoformat(method["expires_on"]) - TODAY).days <= 365


def test_people_can_be_told_apart_and_are_invented() -> None:
    assert len({member["email"].lower() for member in members.values()}) == len(members)
    assert len({member["phone"] for member in members.values()}) == len(members)
    full = Counter((m["first_name"], m["last_name"], m["postal_code"]) for m in members.values())
    assert set(full.values()) == {1}
    for member in members.values():
        assert member["email"].endswith(("@example.com", "@example.org"))
        assert member["email"].isascii()
        assert " " not in member["email"]
        assert re.fullmatch(r"\d{3}-555-\d{4}", member["phone"])
        assert re.fullmatch(r"\d{5}", member["postal_code"])
        first = next(iter(member["travelers"].values()))
        assert (first["first_name"], first["last_name"]) == (member["first_name"], member["last_name"])
        names = [traveler["first_name"] for traveler in member["travelers"].values()]
        assert len(names) == len(set(names))


def test_the_policy_says_what_the_numbers_are() -> None:
    """What stands in the policy and in the data or the tools stands there alike."""
    assert f"${FARES['classic']['change_fee']:.0f} a passenger, flex nothing" in airline.policy
    assert f"costs ${FARES['classic']['cancel_fee']:.0f} a passenger" in airline.policy
    assert f"{NOW:%A, %Y-%m-%d, %H:%M}" in airline.policy.replace("\n", " ")
    assert f"beyond the free ones costs ${BAG_FEE:.0f}" in airline.policy
    assert f"costs ${INSURANCE:.0f} a passenger and flight" in airline.policy
    assert f"cost {UPGRADE_MILES:,} miles a passenger and flight" in airline.policy
    assert f"${BLOCK_DOLLARS:.0f} for each {BLOCK_MILES:,} miles" in airline.policy
    assert f"${SHORT_DELAY:.0f} a passenger" in airline.policy
    assert f"${LONG_DELAY:.0f} from 240 minutes" in airline.policy
    assert f"by {EXTENSION_DAYS} days once" in airline.policy
    assert all(f"rows {EXIT_ROWS[0]} and {EXIT_ROWS[1]}" in text for text in (airline.policy, exit_rule()))


def exit_rule() -> str:
    return next(rule.text for rule in airline.rules if rule.name == "exit_rows")
