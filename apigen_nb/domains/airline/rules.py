"""The policy of Heronway Air that code can check; a docstring is what is shown when it is broken."""

from __future__ import annotations

from apigen_nb.domains.airline import air, journeys
from apigen_nb.domains.airline.money import is_fresh, whole_refund
from apigen_nb.world.toolkit import Step, did, named, rule

MILES = ("upgrade_with_miles", "convert_miles")


@rule("book_flight", "extend_voucher", "convert_miles")
def own_profile(step: Step) -> bool:
    """One conversation serves one member: only that member's travelers, vouchers and miles are used."""
    return step.arguments.get("member_id") == step.user


@rule(
    "change_flight", "rebook_flight", "cancel_reservation", "complete_check_in", "undo_check_in", "claim_compensation"
)
def own_flights(step: Step) -> bool:
    """One conversation serves one member: the reservation must be that member's own."""
    return journeys.owner(step) == step.user


@rule("change_cabin", "upgrade_with_miles", "add_bags", "buy_insurance")
def own_extras(step: Step) -> bool:
    """One conversation serves one member: cabin, bags and insurance are of that member's own reservations."""
    return journeys.owner(step) == step.user


@rule("choose_seat", "change_last_name", "request_assistance")
def own_passengers(step: Step) -> bool:
    """One conversation serves one member: the passengers must be of that member's own reservations."""
    return journeys.owner(step) == step.user


# --- booking and changing


@rule("book_flight")
def one_booking(step: Step) -> bool:
    """One new reservation is made in a conversation."""
    return not did(step, ("book_flight",))


@rule("book_flight")
def four_travelers(step: Step) -> bool:
    """A booking is for at most 4 travelers; for more a person books (transfer_to_human)."""
    return len(step.arguments.get("traveler_ids", ())) <= 4


@rule("book_flight")
def child_with_adult(step: Step) -> bool:
    """A child flies with an adult: at least one traveler of a booking is an adult."""
    saved = journeys.member(step).get("travelers", {})
    return any(saved.get(key, {}).get("kind") == "adult" for key in step.arguments.get("traveler_ids", ()))


@rule("book_flight", "change_flight", "rebook_flight")
def new_flight_in_time(step: Step) -> bool:
    """A flight that is booked, or taken instead of another, departs in 3 hours at the earliest."""
    parameter = "flight_id" if step.name == "book_flight" else "new_flight_id"
    return journeys.departure(step, parameter) >= 3


@rule("change_flight", "choose_seat")
def flight_in_time(step: Step) -> bool:
    """Flights are changed and seats chosen up to 3 hours before the flight departs."""
    return journeys.departure(step, "flight_id") >= 3


@rule("change_flight")
def saver_stays(step: Step) -> bool:
    """Flights of the saver fare are not changed, except within 24 hours after booking."""
    row = journeys.reservation(step)
    return bool(row) and (row["fare"] != "saver" or is_fresh(row))


@rule("change_flight")
def two_changes(step: Step) -> bool:
    """Flights of a reservation are changed at most 2 times in its life; rebooking does not count."""
    return int(journeys.reservation(step).get("changes", 2)) < 2


@rule("change_flight")
def within_three_weeks(step: Step) -> bool:
    """The new flight departs at most 21 days before or after the old one."""
    return journeys.hours_apart(step) <= 21 * 24


@rule("rebook_flight")
def rebooked_when_disrupted(step: Step) -> bool:
    """Rebooking is for flights that the airline has cancelled or put off by 180 minutes or more."""
    flight = named(step, "flights", "flight_id")
    return bool(flight) and air.disrupted(flight)


@rule("rebook_flight")
def within_a_week(step: Step) -> bool:
    """The flight of a rebooking departs within 7 days of the old one."""
    return journeys.hours_apart(step) <= 7 * 24


# --- cancelling


@rule("cancel_reservation", "undo_check_in")
def first_flight_in_time(step: Step) -> bool:
    """Reservations are cancelled and check-ins taken back up to 3 hours before the first flight departs."""
    return journeys.next_departure(step) >= 3


@rule("cancel_reservation")
def saver_is_kept(step: Step) -> bool:
    """The saver fare is cancelled only within 24 hours after booking, by the insured who are ill, or when a flight is
    disrupted."""
    row = journeys.reservation(step)
    return bool(row) and (row["fare"] != "saver" or whole_refund(row, step.arguments["cancel_reason"]))


@rule("cancel_reservation")
def disruption_is_real(step: Step) -> bool:
    """The reason "flight disrupted" is used only when the airline has cancelled a flight of the reservation or put it
    off by 180 minutes or more."""
    if step.arguments.get("cancel_reason") != "flight disrupted":
        return True
    return any(leg["status"] == "disrupted" for leg in journeys.reservation(step).get("legs", ()))


@rule("cancel_reservation")
def large_refund(step: Step) -> bool:
    """A refund of more than $1,500 is decided by a person (transfer_to_human)."""
    return bool(step.result["refunded"] <= 1500)


@rule("cancel_reservation", "change_cabin")
def upgraded_stays(step: Step) -> bool:
    """What was upgraded with miles is neither cancelled nor put into another cabin; a person does that
    (transfer_to_human)."""
    return not journeys.reservation(step).get("upgraded_with_miles", True)


# --- cabin, miles, bags, insurance


@rule("change_cabin", "upgrade_with_miles", "add_bags")
def cabin_in_time(step: Step) -> bool:
    """Cabin and bags are changed up to 6 hours before the next flight departs."""
    return journeys.next_departure(step) >= 6


@rule("upgrade_with_miles")
def upgrade_tier(step: Step) -> bool:
    """Upgrades with miles are for silver and gold members."""
    return journeys.member(step).get("tier") in ("silver", "gold")


@rule("upgrade_with_miles")
def upgrade_fare(step: Step) -> bool:
    """The saver fare is not upgraded with miles."""
    return journeys.reservation(step).get("fare") in ("classic", "flex")


@rule(*MILES)
def miles_once(step: Step) -> bool:
    """Miles are used once in a conversation, for an upgrade or for a voucher."""
    return not did(step, MILES)


@rule("add_bags")
def bags_each(step: Step) -> bool:
    """A reservation has at most 3 bags for each passenger, 4 for gold members."""
    row, most = journeys.reservation(step), 4 if journeys.member(step).get("tier") == "gold" else 3
    return bool(row.get("bags", 0) + step.arguments.get("extra_bags", 0) <= most * len(row.get("passengers", ())))


@rule("buy_insurance")
def insured_early(step: Step) -> bool:
    """Insurance is bought within 7 days after booking."""
    row = journeys.reservation(step)
    return bool(row) and air.hours_until(row["booked_at"]) >= -7 * 24


@rule("buy_insurance", "change_last_name")
def day_before(step: Step) -> bool:
    """Insurance is bought and names are changed up to 24 hours before the first flight departs."""
    return journeys.next_departure(step) >= 24


# --- passengers


@rule("choose_seat")
def saver_seat(step: Step) -> bool:
    """With the saver fare seats are chosen only in the last 48 hours before the flight, except by gold members."""
    waits = journeys.reservation(step).get("fare") == "saver" and journeys.member(step).get("tier") != "gold"
    return not waits or journeys.departure(step, "flight_id") <= 48


@rule("choose_seat", "request_assistance")
def exit_rows(step: Step) -> bool:
    """Neither children nor passengers who have asked for assistance sit in the exit rows 14 and 15."""
    if not (who := journeys.passenger(step)):
        return False
    if step.name == "choose_seat":
        return air.may_sit(who, step.arguments["new_seat"])
    return all(air.seat_order(seat)[0] not in air.EXIT_ROWS for seat in journeys.seats_of(step))


@rule("change_last_name")
def one_name_change(step: Step) -> bool:
    """A passenger's last name is changed once."""
    return not journeys.passenger(step).get("name_changed", True)


@rule("request_assistance")
def two_days_before(step: Step) -> bool:
    """Assistance is asked for up to 48 hours before the first flight departs."""
    return journeys.next_departure(step) >= 48


@rule("complete_check_in")
def check_in_is_open(step: Step) -> bool:
    """Check-in is open from 48 hours to 1 hour before the first flight departs."""
    return 1 <= journeys.next_departure(step) <= air.CHECK_IN_OPENS


@rule("complete_check_in")
def undone_rests(step: Step) -> bool:
    """A reservation is not checked in again in the conversation that took its check-in back."""
    return not did(step, ("undo_check_in",), "reservation_id")


# --- vouchers


@rule("book_flight", "change_flight", "change_cabin")
def voucher_is_good(step: Step) -> bool:
    """A voucher pays until the day on which it expires."""
    paying = journeys.method(step)
    return paying.get("type") != "voucher" or air.days_since(str(paying["expires_on"])) <= 0


@rule("add_bags", "buy_insurance")
def vouchers_pay_travel(step: Step) -> bool:
    """Vouchers pay for flights, changes and cabins, never for bags or insurance."""
    return journeys.method(step).get("type") != "voucher"


@rule("claim_compensation")
def late_enough(step: Step) -> bool:
    """Compensation is for flights that landed at least 120 minutes late."""
    return int(named(step, "flights", "flight_id").get("delay_minutes", 0)) >= 120


@rule("claim_compensation")
def not_for_weather(step: Step) -> bool:
    """There is no compensation when the cause of a delay was weather."""
    return named(step, "flights", "flight_id").get("delay_cause") != "weather"


@rule("claim_compensation")
def claimed_in_time(step: Step) -> bool:
    """Compensation is claimed within 60 days after the flight."""
    return journeys.departure(step, "flight_id") >= -60 * 24


@rule("extend_voucher")
def extended_once(step: Step) -> bool:
    """A voucher's validity is extended once in its life."""
    return not journeys.method(step).get("extended", True)


@rule("extend_voucher")
def not_long_expired(step: Step) -> bool:
    """A voucher's validity is extended up to 30 days after it has expired."""
    voucher = journeys.method(step)
    return bool(voucher) and air.days_since(str(voucher["expires_on"])) <= 30
