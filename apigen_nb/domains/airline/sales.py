"""Reservations that members have made, with seats, bags and payments: part of `generate`."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from apigen_nb.domains.airline import air
from apigen_nb.domains.airline.bookings import new_leg, new_reservation
from apigen_nb.domains.airline.catalog import FARES, SEATS
from apigen_nb.domains.airline.money import BAG_FEE, INSURANCE, TIER_BAGS, paid_cabin
from apigen_nb.world.toolkit import Row, Table, cents

FIRST = {"ahead": 62, "soon": 26, "disrupted": 12}
LATER = {"ahead": 8, "soon": 30, "disrupted": 12, "under way": 18, "flown": 26, "cancelled": 6}
"""What a member's first reservation and the others are drawn as → share; soon is within the time for checking in,
disrupted begins with a disrupted flight."""


class TicketCounter:
    """Sells flights of the timetable. Seats that are neither free nor sold here belong to other passengers."""

    def __init__(self, random: Random, routes: Table, flights: Table, surnames: list[str]) -> None:
        self.random, self.flights, self.surnames = random, flights, surnames
        self.ways = {route_id: [f for f in flights.values() if f["route_id"] == route_id] for route_id in routes}
        self.others: dict[tuple[str, str], list[str]] = {}
        for flight_id, flight in flights.items():
            for cabin, of in flight["cabins"].items():
                taken = [seat for seat in SEATS[cabin] if seat not in of["seats"]]
                self.others[flight_id, cabin] = random.sample(taken, len(taken))

    def sell(self, member: Row, count: int) -> list[Row]:
        """Reservations of a member, none of them at the same time as another."""
        made: list[Row] = []
        while len(made) < count:
            kind = self._kind(FIRST if not made else LATER)
            flights = self._journey(kind)
            days = {flight["travel_date"] for flight in flights}
            if flights and not days & {
                self.flights[leg["flight_id"]]["travel_date"] for row in made for leg in row["legs"]
            }:
                number = f"{member['member_id'].replace('M', 'B', 1)}-{len(made) + 1}"
                made.append(self._reservation(member, number, kind, flights))
        return made

    def _kind(self, shares: dict[str, int]) -> str:
        return self.random.choices(list(shares), list(shares.values()))[0]

    def _journey(self, kind: str) -> list[Row]:
        """One or two flights, out and back, for a kind of reservation; none where none fit."""
        random = self.random
        every = list(self.flights.values())
        if kind in ("flown", "under way"):
            first = [flight for flight in every if flight["status"] == "landed"]
        elif kind == "disrupted":
            first = [flight for flight in every if air.disrupted(flight)]
        else:
            ahead = [flight for flight in every if flight["status"] in air.AHEAD]
            soon = kind == "soon"
            first = [f for f in ahead if (air.hours_until(f["departs_at"]) <= air.CHECK_IN_OPENS) == soon]
        out = random.choice(first)
        wanted = ("landed",) if kind == "flown" else air.AHEAD
        returns = self.ways[f"{out['destination']}-{out['origin']}"]
        back = [f for f in returns if f["status"] in wanted and f["departs_at"] > out["arrives_at"]]
        if kind == "under way":
            return [out, random.choice(back)] if back else []
        return [out, random.choice(back)] if back and random.random() < 0.4 else [out]

    def _reservation(self, member: Row, reservation_id: str, kind: str, flights: list[Row]) -> Row:
        random = self.random
        cabin = random.choices(("economy", "business"), (82, 18))[0]
        fare = "flex" if kind == "cancelled" else random.choices(("saver", "classic", "flex"), (27, 43, 30))[0]
        upgraded = cabin == "business" and fare != "saver" and member["tier"] != "blue" and random.random() < 0.3
        row: Row = {
            **new_reservation(reservation_id, member["member_id"], cabin, fare, self._travelers(member)),
            "upgraded_with_miles": upgraded,
        }
        for passenger in row["passengers"].values():
            self._live(passenger)
        row["status"] = self._status(kind, flights)
        row["booked_at"] = self._booked(kind, flights[0])
        row["insured"] = random.random() < 0.25
        row["bags"] = random.choice((0, 0, 1, 1, 2))
        row["changes"] = random.choices((0, 1, 2), (64, 16, 20))[0] if fare != "saver" else 0
        row["legs"] = [self._leg(row, flight) for flight in flights]
        self._pay(member, row)
        if kind == "cancelled":
            self._cancel(row, flights)
        return row

    def _travelers(self, member: Row) -> list[Row]:
        """One to three saved travelers of a member; mostly the first of them flies."""
        saved = list(member["travelers"].values())
        count = min(len(saved), self.random.choices((1, 2, 3), (55, 32, 13))[0])
        adults = [traveler for traveler in saved if traveler["kind"] == "adult"]
        first = saved[0] if self.random.random() < 0.8 else self.random.choice(adults)
        return [first, *self.random.sample([traveler for traveler in saved if traveler is not first], count - 1)]

    def _live(self, passenger: Row) -> None:
        """What may have happened to a passenger: a new name, and assistance that was asked for."""
        if self.random.random() < 0.3:  # booked before the name on file was changed
            passenger["last_name"] = self.random.choice(self.surnames)
        if self.random.random() < 0.08:
            passenger["assistance"] = [self.random.choice(("wheelchair", "help with hearing"))]
        passenger["name_changed"] = self.random.random() < 0.08

    def _status(self, kind: str, flights: list[Row]) -> str:
        opens = air.hours_until(flights[0]["departs_at"]) >= 1 and air.leg_status(flights[0]) == "open"
        if kind == "soon":
            return "checked in" if opens and self.random.random() < 0.4 else "booked"
        return "booked" if kind in ("ahead", "disrupted") else kind

    def _booked(self, kind: str, first: Row) -> str:
        """When a reservation was made: in the last hours, in the last days, or long before."""
        if kind in ("flown", "under way"):
            start = datetime.fromisoformat(first["departs_at"]) - timedelta(days=self.random.randint(3, 60))
        elif kind != "cancelled" and (fresh := self.random.random()) < 0.6:
            hours = self.random.randint(2, 21) if fresh < 0.25 else self.random.randint(30, 150)
            start = air.NOW - timedelta(hours=hours)
        else:
            start = air.NOW - timedelta(days=self.random.randint(8, 80))
        return start.replace(minute=self.random.randint(0, 59)).isoformat(timespec="minutes")

    def _leg(self, row: Row, flight: Row) -> Row:
        pool = self.others[flight["flight_id"], row["cabin"]]
        seating = {}
        for passenger_id, passenger in row["passengers"].items():
            seat = next(seat for seat in pool if air.may_sit(passenger, seat))
            pool.remove(seat)
            seating[passenger_id] = seat
        usual = flight["cabins"][paid_cabin(row)]["price"] * FARES[row["fare"]]["price_percent"] / 100
        return new_leg(flight, cents(max(30, usual + self.random.randint(-25, 10))), seating)

    def _pay(self, member: Row, row: Row) -> None:
        """One charge for flights, bags beyond the free ones, and insurance."""
        heads, legs = len(row["passengers"]), row["legs"]
        each = FARES[row["fare"]]["free_bags"] + TIER_BAGS[member["tier"]] + (row["cabin"] == "business")
        total = sum(leg["price"] for leg in legs) * heads + BAG_FEE * max(0, row["bags"] - each * heads)
        total = cents(total + (INSURANCE * heads * len(legs) if row["insured"] else 0))
        method = self.random.choice([key for key, how in member["payment_methods"].items() if how["type"] != "voucher"])
        row["payments"].append({"payment_method_id": method, "kind": "charge", "amount": total})
        row["total"] = total

    def _cancel(self, row: Row, flights: list[Row]) -> None:
        """Cancel a reservation of the flex fare some time ago, which gave everything back."""
        row["cancel_reason"] = "change of plans"
        row["payments"].append({**row["payments"][0], "kind": "refund"})
        row["total"] = 0.0
        for leg, flight in zip(row["legs"], flights, strict=True):
            air.free_seats(flight, row["cabin"], list(leg["seating"].values()))
            leg["seating"] = {}
