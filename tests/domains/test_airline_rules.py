"""Every rule of the airline: a call that breaks it, and a neighbouring call that keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from apigen_nb.records import Action
from apigen_nb.world.domain import Domain, Step
from tests.domains.airline_world import airline, at, day, moment
from tests.domains.small_domain import call


@dataclass
class Case:
    """`action` breaks `rule` for this user, after the earlier actions, in an airline with these changes. `kept` does
    not; it is the same action for M1, in the unchanged airline and with nothing before it, unless given."""

    rule: str
    action: Action
    changes: dict[str, Any] = field(default_factory=dict)
    earlier: tuple[Action, ...] = ()
    user: str = "M1"
    kept: Action | None = None


def book(travelers: tuple[int, ...] = (1,), flight_id: str = "HW100-0921", pay: str = "visa-1") -> Action:
    of = {"member_id": "M1", "traveler_ids": [f"T1-{number}" for number in travelers]}
    return call("book_flight", **of, flight_id=flight_id, cabin="economy", fare="classic", payment_method_id=pay)


def change(new_flight_id: str = "HW100-0921", pay: str = "visa-1") -> Action:
    of = {"reservation_id": "B1-1", "flight_id": "HW100-0920" if "HW100" in new_flight_id else "HW101-0922"}
    return call("change_flight", **of, new_flight_id=new_flight_id, payment_method_id=pay)


def rebook(new_flight_id: str = "HW102-0921") -> Action:
    return call("rebook_flight", reservation_id="B1-5", flight_id="HW102-0918", new_flight_id=new_flight_id)


def cancel(reason: str = "change of plans", reservation_id: str = "B1-1") -> Action:
    return call("cancel_reservation", reservation_id=reservation_id, cancel_reason=reason)


def cabin(pay: str = "visa-1") -> Action:
    return call("change_cabin", reservation_id="B1-1", cabin="business", payment_method_id=pay)


def bags(extra: int = 1, pay: str = "visa-1") -> Action:
    return call("add_bags", reservation_id="B1-1", extra_bags=extra, payment_method_id=pay)


def insure(pay: str = "visa-1") -> Action:
    return call("buy_insurance", reservation_id="B1-1", payment_method_id=pay)


def seat(new_seat: str = "9A", passenger: int = 1) -> Action:
    of = {"reservation_id": "B1-1", "flight_id": "HW100-0920"}
    return call("choose_seat", **of, passenger_id=f"P1-1-{passenger}", new_seat=new_seat)


def assist(passenger: int = 1) -> Action:
    return call(
        "request_assistance", reservation_id="B1-1", passenger_id=f"P1-1-{passenger}", assistance="medical device"
    )


def rename(name: str = "Fen") -> Action:
    return call("change_last_name", reservation_id="B1-1", passenger_id="P1-1-1", new_last_name=name)


def claim(reservation_id: str = "B1-3", flight_id: str = "HW100-0914") -> Action:
    return call("claim_compensation", reservation_id=reservation_id, flight_id=flight_id)


def extend(number: int = 1) -> Action:
    return call("extend_voucher", member_id="M1", payment_method_id=f"voucher-1-{number}")


def convert(blocks: int = 1) -> Action:
    return call("convert_miles", member_id="M1", blocks=blocks)


UPGRADE = call("upgrade_with_miles", reservation_id="B1-1")
CHECK_IN = call("complete_check_in", reservation_id="B1-1")
CHECK_IN_AGAIN = call("complete_check_in", reservation_id="B1-2")
UNDO = call("undo_check_in", reservation_id="B1-2")
BACK = call(
    "change_flight",
    reservation_id="B1-3",
    flight_id="HW101-0919",
    new_flight_id="HW101-0922",
    payment_method_id="visa-1",
)
ROW, OUT, TIER = "reservations.B1-1", "HW100-0920", "members.M1.tier"
SAVER, FRESH = {f"{ROW}.fare": "saver"}, {f"{ROW}.booked_at": moment(-23)}
RECENT = {f"{ROW}.booked_at": moment(-7 * 24)}
SOON = at(OUT, 20)
DISRUPTED = {f"{ROW}.legs.0.status": "disrupted", f"flights.{OUT}.status": "cancelled"}
ASSISTED = {f"{ROW}.passengers.P1-1-1.assistance": ["wheelchair"]}
CASES = [
    Case("own_profile", book(), user="M2"),
    Case("own_profile", extend(), user="M2"),
    Case("own_profile", convert(), user="M2"),
    *(Case("own_flights", action, user="M2") for action in (change(), rebook(), cancel(), UNDO, claim())),
    Case("own_flights", CHECK_IN, SOON, user="M2", kept=UNDO),
    *(Case("own_extras", action, user="M2") for action in (cabin(), UPGRADE, bags())),
    Case("own_extras", insure(), RECENT, user="M2", kept=bags()),
    *(Case("own_passengers", action, user="M2") for action in (seat(), rename(), assist())),
    Case("one_booking", book(), earlier=(book((2,), "HW102-0921"),)),
    Case(
        "four_travelers",
        book((1, 2, 3, 4, 5)),
        {"flights.HW100-0921.cabins.economy.seats": [f"{n}A" for n in range(8, 13)]},
        kept=book((1, 2, 3, 4)),
    ),
    Case("child_with_adult", book((3,)), kept=book((1, 3))),
    Case("new_flight_in_time", book(), at("HW100-0921", 2.9)),
    Case("new_flight_in_time", change(), at("HW100-0921", 2.9)),
    Case("new_flight_in_time", rebook(), at("HW102-0921", 2.9)),
    Case("flight_in_time", change(), at(OUT, 2.9)),
    Case("flight_in_time", seat(), at(OUT, 2.9)),
    Case("saver_stays", change(), {**SAVER, f"{ROW}.booked_at": moment(-24.1)}),
    Case("two_changes", change(), {f"{ROW}.changes": 2}),
    Case("two_changes", change(), {f"{ROW}.changes": 1, **at("HW101-0919", 160)}, (change("HW101-0919"),)),
    Case("within_three_weeks", change(), {**at("HW100-0921", 96 + 21 * 24 + 0.1), **at("HW101-0922", 900)}),
    Case("rebooked_when_disrupted", rebook(), {"flights.HW102-0918.status": "scheduled"}),
    Case(
        "rebooked_when_disrupted",
        rebook(),
        {"flights.HW102-0918.status": "delayed", "flights.HW102-0918.delay_minutes": 179},
    ),
    Case("within_a_week", rebook(), at("HW102-0921", 60 + 7 * 24 + 0.1)),
    Case("first_flight_in_time", cancel(), at(OUT, 2.9)),
    Case("first_flight_in_time", UNDO, at("HW100-0917", 2.9)),
    Case("saver_is_kept", cancel(), SAVER),
    Case("saver_is_kept", cancel("illness"), SAVER, kept=cancel("illness")),
    Case("disruption_is_real", cancel("flight disrupted"), kept=cancel("flight disrupted", "B1-5")),
    Case(
        "large_refund", cancel(), {f"{ROW}.total": 1500.02, f"{ROW}.payments.0.amount": 1500.02, f"{ROW}.fare": "flex"}
    ),
    Case("upgraded_stays", cancel(), earlier=(UPGRADE,)),
    Case(
        "upgraded_stays",
        call("change_cabin", reservation_id="B1-1", cabin="economy", payment_method_id="visa-1"),
        earlier=(UPGRADE,),
        kept=cabin(),
    ),
    *(Case("cabin_in_time", action, at(OUT, 5.9)) for action in (cabin(), UPGRADE, bags())),
    Case("upgrade_tier", UPGRADE, {TIER: "blue"}),
    Case("upgrade_fare", UPGRADE, SAVER),
    Case("miles_once", UPGRADE, earlier=(convert(),)),
    Case("miles_once", convert(), earlier=(UPGRADE,)),
    Case("miles_once", convert(2), earlier=(convert(),)),
    Case("bags_each", bags(6), kept=bags(5)),
    Case("bags_each", bags(8), {TIER: "gold"}, kept=bags(5)),
    Case("bags_each", bags(3), earlier=(bags(3),)),
    Case("insured_early", insure(), {f"{ROW}.booked_at": moment(-7 * 24 - 0.1)}, kept=bags()),
    Case("day_before", insure(), {**RECENT, **at(OUT, 23.9)}, kept=bags()),
    Case("day_before", rename(), at(OUT, 23.9)),
    Case("saver_seat", seat(), SAVER),
    Case("exit_rows", seat("14C", 2), kept=seat("14C")),
    Case("exit_rows", seat("14C"), ASSISTED),
    Case("exit_rows", seat("14C"), earlier=(assist(),)),
    Case("exit_rows", assist(), {f"{ROW}.legs.1.seating.P1-1-1": "15A"}),
    Case("exit_rows", assist(), earlier=(seat("14C"),)),
    Case("one_name_change", rename(), {f"{ROW}.passengers.P1-1-1.name_changed": True}),
    Case("one_name_change", rename("Rush"), earlier=(rename(),)),
    Case("two_days_before", assist(), at(OUT, 47.9)),
    Case("check_in_is_open", CHECK_IN, kept=UNDO),
    Case("check_in_is_open", CHECK_IN, at(OUT, 0.9), kept=UNDO),
    Case("undone_rests", CHECK_IN_AGAIN, earlier=(UNDO,), kept=UNDO),
    Case("voucher_is_good", change(pay="voucher-1-2"), kept=change(pay="voucher-1-1")),
    Case(
        "voucher_is_good",
        book(pay="voucher-1-2"),
        {"members.M1.payment_methods.voucher-1-2.balance": 200.0},
        kept=book(),
    ),
    Case(
        "voucher_is_good", cabin("voucher-1-2"), {"members.M1.payment_methods.voucher-1-2.balance": 900.0}, kept=cabin()
    ),
    Case("vouchers_pay_travel", bags(pay="voucher-1-1"), kept=bags()),
    Case("vouchers_pay_travel", insure("voucher-1-1"), RECENT, kept=bags()),
    Case("late_enough", claim(), {"flights.HW100-0914.delay_minutes": 119}),
    Case("not_for_weather", claim(), {"flights.HW100-0914.delay_cause": "weather"}),
    Case("claimed_in_time", claim(), at("HW100-0914", -60 * 24 - 0.1)),
    Case("extended_once", extend(), {"members.M1.payment_methods.voucher-1-1.extended": True}),
    Case("extended_once", extend(), earlier=(extend(),)),
    Case("not_long_expired", extend(2), {"members.M1.payment_methods.voucher-1-2.expires_on": day(31)}),
]
JUST_INSIDE: list[tuple[Action, dict[str, Any], tuple[Action, ...]]] = [
    (book(), at("HW100-0921", 3), ()),
    (change(), at("HW100-0921", 3), ()),
    (change(), at(OUT, 3), ()),
    (change(), {**SAVER, f"{ROW}.booked_at": moment(-24)}, ()),
    (change(), {f"{ROW}.changes": 1, **at("HW100-0921", 100)}, ()),
    (change(), {**at("HW100-0921", 96 + 21 * 24), **at("HW101-0922", 900)}, ()),
    (rebook(), at("HW102-0921", 60 + 7 * 24), ()),
    (rebook(), {"flights.HW102-0918.status": "delayed", "flights.HW102-0918.delay_minutes": 180}, ()),
    (BACK, {}, ()),
    (cancel(), at(OUT, 3), ()),
    (UNDO, at("HW100-0917", 3), ()),
    (cancel(), {**SAVER, **FRESH}, ()),
    (cancel("illness"), {**SAVER, f"{ROW}.insured": True}, ()),
    (cancel("flight disrupted"), {**SAVER, **DISRUPTED}, ()),
    (cancel(reservation_id="B1-2"), {}, (UNDO,)),
    (cancel(), {f"{ROW}.total": 1500.0, f"{ROW}.payments.0.amount": 1500.0, f"{ROW}.fare": "flex"}, ()),
    (cabin(), at(OUT, 6), ()),
    (UPGRADE, {TIER: "gold", f"{ROW}.fare": "flex"}, ()),
    (bags(7), {TIER: "gold"}, ()),
    (insure(), RECENT, ()),
    (insure(), {**RECENT, **at(OUT, 24)}, ()),
    (rename(), at(OUT, 24), ()),
    (seat(), {**SAVER, **at(OUT, 48)}, ()),
    (seat(), {**SAVER, TIER: "gold"}, ()),
    (seat("10B", 2), ASSISTED, ()),
    (assist(), at(OUT, 48), ()),
    (CHECK_IN, at(OUT, 48), ()),
    (CHECK_IN, at(OUT, 1), ()),
    (CHECK_IN, SOON, (UNDO,)),
    (change(pay="voucher-1-2"), {"members.M1.payment_methods.voucher-1-2.expires_on": day(0)}, ()),
    (claim(), {"flights.HW100-0914.delay_minutes": 120}, ()),
    (claim(), at("HW100-0914", -60 * 24), ()),
    (claim("B1-4", "HW102-0910"), {}, (claim(),)),
    (extend(2), {"members.M1.payment_methods.voucher-1-2.expires_on": day(30)}, (extend(),)),
    (convert(), {}, (book(),)),
]


def broken(domain: Domain, user: str, action: Action, earlier: tuple[Action, ...] = ()) -> set[str]:
    """The names of the rules that the action breaks after the earlier ones."""
    world, steps = domain.world(), ()
    for current in (*earlier, action):
        before = world.fork().database()
        result = world.call(current)
        step = Step(current, before, world.fork().database(), result, user, steps)
        steps += (step,)
    return {rule.name for rule in domain.rules_for([action.name]) if not rule.holds(step)}


def case_name(case: Case) -> str:
    return f"{case.rule}-{case.action.name}"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_a_rule_is_broken_by_its_case_and_nothing_else_is(case: Case) -> None:
    assert broken(airline(case.changes), case.user, case.action, case.earlier) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_the_neighbouring_call_keeps_every_rule(case: Case) -> None:
    assert broken(airline(), "M1", case.kept or case.action) == set()


@pytest.mark.parametrize(("action", "changes", "earlier"), JUST_INSIDE, ids=lambda part: getattr(part, "name", ""))
def test_limits_include_their_last_hour_day_and_dollar(
    action: Action, changes: dict[str, Any], earlier: tuple[Action, ...]
) -> None:
    assert broken(airline(changes), "M1", action, earlier) == set()


def test_every_rule_has_a_case() -> None:
    rules = Domain.load("airline").rules
    assert len(rules) >= 15
    assert {rule.name for rule in rules} == {case.rule for case in CASES}


def test_every_writing_tool_belongs_to_an_owner() -> None:
    """No tool can touch another member's rows without breaking an ownership rule."""
    domain = Domain.load("airline")
    owned = {tool for rule in domain.rules if rule.name.startswith("own_") for tool in rule.tools}
    assert owned == {name for name, tool in domain.tools.items() if tool.writes}


@pytest.mark.parametrize("rule", Domain.load("airline").rules, ids=lambda rule: rule.name)
def test_a_rule_answers_for_ids_that_do_not_exist(rule: Any) -> None:
    ids = {"member_id": "M0", "reservation_id": "B0-1", "passenger_id": "P0-1-1", "payment_method_id": "visa-0"}
    more = {"flight_id": "HW0-0101", "new_flight_id": "HW0-0102", "new_seat": "9A", "traveler_ids": ["T0-1"]}
    said = {"cancel_reason": "flight disrupted", "extra_bags": 1, "blocks": 1, "cabin": "economy"}
    database = airline().world().database()
    for tool in rule.tools:
        for arguments in ({}, {**ids, **more, **said}):
            step = Step(Action(name=tool, arguments=arguments), database, database, {"refunded": 0.0}, "M1")
            assert isinstance(rule.holds(step), bool)
            assert not (arguments and rule.name.startswith("own_") and rule.holds(step))
