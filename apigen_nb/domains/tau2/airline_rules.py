"""tau2's airline policy where its tools leave it to the agent; a docstring is what is shown when a rule is broken.

Its tools themselves check seats, prices and balances, that payment methods are in the profile, that a change is not
paid by certificate and that the number of passengers stays; none of them could add insurance to a reservation. No rule
repeats that. Why a user cancels or complains is not in a trace: where that decides, the call passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ...world.domain import Step, rule

_NOW = datetime(2024, 5, 15, 15)  # "the current time" of the policy
_FLOWN = ("landed", "flying")
_CHANGES = ("update_reservation_flights", "update_reservation_baggages", "update_reservation_passengers")
_FREE_BAGS = {"regular": 0, "silver": 1, "gold": 2}  # of each passenger, plus what the cabin gives
_CABIN_BAGS = {"basic_economy": 0, "economy": 1, "business": 2}
_MOST_PASSENGERS = 5
_MOST_PAYING = {"certificate": 1, "credit_card": 1, "gift_card": 3}


@rule(*_CHANGES, "cancel_reservation")
def own_reservation(step: Step) -> bool:
    """One conversation serves one user: the reservation must be that user's own."""
    reservation = _reservation(step)
    return reservation is not None and reservation.user_id == step.user


@rule("book_reservation", "send_certificate")
def own_account(step: Step) -> bool:
    """One conversation serves one user: bookings and certificates are for that user's account only."""
    return step.arguments.get("user_id") == step.user


@rule(*_CHANGES, "cancel_reservation")
def cancelled_stays(step: Step) -> bool:
    """A cancelled reservation is neither changed nor cancelled again."""
    reservation = _reservation(step)
    return reservation is None or reservation.status != "cancelled"


@rule("book_reservation")
def five_passengers(step: Step) -> bool:
    """A reservation is for at most five passengers, and for one at least."""
    return 1 <= len(step.arguments.get("passengers", ())) <= _MOST_PASSENGERS


@rule("book_reservation")
def flights_make_the_trip(step: Step) -> bool:
    """The flights of a booking lead from its origin to its destination, and back on a round trip: each starts where the
    one before it ended, on the same day or later."""
    return isinstance(step.result, dict) and _leads(step.result)


@rule("book_reservation")
def paying_methods(step: Step) -> bool:
    """A reservation is paid with at most one travel certificate, one credit card and three gift cards."""
    user = step.before["users"].get(step.arguments.get("user_id", ""))
    paying = {payment["payment_id"] for payment in step.arguments.get("payment_methods", ())}
    count = Counter(user.payment_methods[p].source for p in paying if p in user.payment_methods) if user else {}
    return all(count.get(source, 0) <= most for source, most in _MOST_PAYING.items())


@rule("book_reservation")
def charged_once(step: Step) -> bool:
    """A booking names each payment method once, with the amount charged to it, more than nothing."""
    if not isinstance(step.result, dict):
        return True
    paid = step.result.get("payment_history", ())
    return len({payment["payment_id"] for payment in paid}) == len(paid) and all(p["amount"] > 0 for p in paid)


@rule("book_reservation", "update_reservation_baggages")
def baggage_allowance(step: Step) -> bool:
    """Free checked bags per passenger: 0 in basic economy, 1 in economy, 2 in business; 1 more for a silver member, 2
    more for a gold one. nonfree_baggages is total_baggages less all these, at least 0; bags paid before stay paid."""
    if not isinstance(step.result, dict):
        return True
    old, new = _reservation(step), step.result
    if not (_whole(new["total_baggages"]) and _whole(new["nonfree_baggages"])):
        return False  # an update keeps what it is given, a number in quotation marks too
    member = step.before["users"][new["user_id"]].membership
    free = (_FREE_BAGS[member] + _CABIN_BAGS[new["cabin"]]) * len(new["passengers"])
    paid = max(0, new["total_baggages"] - free)
    most = min(new["total_baggages"], max(paid, old.nonfree_baggages if old else 0))
    return bool(paid <= new["nonfree_baggages"] <= most)


@rule("update_reservation_baggages")
def bags_are_only_added(step: Step) -> bool:
    """Checked bags can be added to a reservation but not removed: total_baggages does not go down."""
    reservation, total = _reservation(step), step.arguments.get("total_baggages")
    return reservation is None or (_whole(total) and total >= reservation.total_baggages)


@rule("update_reservation_flights")
def trip_stays(step: Step) -> bool:
    """Changed flights keep the origin, destination and trip type of the reservation: each starts where the one before
    it ended, on the same day or later, and a round trip leads back."""
    return _same_flights(step) or (isinstance(step.result, dict) and _leads(step.result))


@rule("update_reservation_flights")
def basic_economy_stays(step: Step) -> bool:
    """Flights of a basic economy reservation cannot be changed; only its cabin can, with the flights it has."""
    reservation = _reservation(step)
    return reservation is None or reservation.cabin != "basic_economy" or _same_flights(step)


@rule("update_reservation_flights")
def cabin_before_takeoff(step: Step) -> bool:
    """The cabin cannot be changed when any flight of the reservation has already been flown."""
    reservation = _reservation(step)
    return (
        reservation is None or reservation.cabin == step.arguments.get("cabin") or not _has(step, reservation, _FLOWN)
    )


@rule("cancel_reservation")
def nothing_flown(step: Step) -> bool:
    """A reservation of which any flight has already been flown is not cancelled: transfer_to_human_agents."""
    reservation = _reservation(step)
    return reservation is None or not _has(step, reservation, _FLOWN)


@rule("cancel_reservation")
def cancellation_is_due(step: Step) -> bool:
    """A reservation is cancelled only when it was booked in the last 24 hours (now is 2024-05-15 15:00:00), when the
    airline cancelled a flight of it, when its cabin is business, or when its travel insurance covers the reason."""
    reservation = _reservation(step)
    if reservation is None:
        return True
    recent = _NOW - datetime.fromisoformat(reservation.created_at) <= timedelta(hours=24)
    covered = reservation.cabin == "business" or reservation.insurance == "yes"
    return recent or covered or _has(step, reservation, ("cancelled",))


@rule("send_certificate")
def compensation_fits(step: Step) -> bool:
    """A certificate is $100 times the passengers of a reservation with a flight the airline cancelled, or $50 times the
    passengers of one with a delayed flight, sent after this reservation has been changed or cancelled."""
    return bool(_claims(step))


@rule("send_certificate")
def compensation_is_for_some(step: Step) -> bool:
    """Only silver and gold members are compensated, and users whose reservation has travel insurance or is business."""
    claims = _claims(step)
    return not claims or any(_entitled(step, claim) for claim in claims)


@rule("send_certificate")
def compensated_once(step: Step) -> bool:
    """A reservation is compensated once: one certificate of an amount for each reservation it is due for, no more."""
    same = [s for s in step.earlier if s.name == step.name and s.arguments == step.arguments]
    return not same or len(same) < sum(_entitled(step, claim) for claim in _claims(step))


def _reservation(step: Step) -> Any:
    """The reservation a call is about, as it was before; None when there is none."""
    return step.before["reservations"].get(step.arguments.get("reservation_id", ""))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _has(step: Step, reservation: Any, statuses: Iterable[str]) -> bool:
    """Whether any flight of a reservation is in one of these states."""
    flights = step.before["flights"]
    days = (flights[f.flight_number].dates.get(f.date) for f in reservation.flights if f.flight_number in flights)
    return any(day is not None and day.status in statuses for day in days)


def _same_flights(step: Step) -> bool:
    reservation = _reservation(step)
    wanted = sorted((flight["flight_number"], flight["date"]) for flight in step.arguments.get("flights", ()))
    return reservation is None or wanted == sorted((f.flight_number, f.date) for f in reservation.flights)


def _leads(reservation: dict[str, Any]) -> bool:
    """Whether the flights of a reservation, as JSON, make its trip."""
    flights, origin, destination = reservation["flights"], reservation["origin"], reservation["destination"]
    ends = [flight["destination"] for flight in flights]
    if not flights or [flight["origin"] for flight in flights] != [origin, *ends[:-1]]:
        return False
    days = [flight["date"] for flight in flights]
    back = reservation["flight_type"] == "round_trip"
    return days == sorted(days) and ends[-1] == (origin if back else destination) and destination in ends


def _claims(step: Step) -> list[tuple[Any, Any]]:
    """The reservations a certificate of this amount fits, each as it was at the start and as it is now."""
    start = step.earlier[0].before if step.earlier else step.before
    user, amount = step.before["users"].get(step.arguments.get("user_id", "")), step.arguments.get("amount")
    claims = []
    for key in user.reservations if user else ():
        now = step.before["reservations"][key]
        then = start["reservations"].get(key, now)
        called_off = any(_has(step, row, ("cancelled",)) for row in (then, now))
        late = then != now and any(_has(step, row, ("delayed",)) for row in (then, now))
        each = len(now.passengers)
        if (called_off and amount == 100 * each) or (late and amount == 50 * each):
            claims.append((then, now))
    return claims


def _entitled(step: Step, claim: tuple[Any, Any]) -> bool:
    """Whether a claim's user is a silver or gold member, or has insurance or business in this reservation."""
    member = step.before["users"][claim[0].user_id].membership != "regular"
    return member or any(row.insurance == "yes" or row.cabin == "business" for row in claim)
