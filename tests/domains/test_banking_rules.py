"""Every rule of the bank: a call that breaks it, and a neighbouring call that keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from apigen_nb.records import Action
from apigen_nb.world.domain import Domain, Step
from tests.domains.banking_world import bank, day, hours, scheduled
from tests.domains.small_domain import call


@dataclass
class Case:
    """`action` breaks `rule` for this user, after the earlier actions, in a bank with these changes. `kept` does not;
    it is the same action for C1, in the unchanged bank and with nothing before it, unless given."""

    rule: str
    action: Action
    changes: dict[str, Any] = field(default_factory=dict)
    earlier: tuple[Action, ...] = ()
    user: str = "C1"
    kept: Action | None = None


def send(amount: float = 50.0, word: str = "anchor", payee_id: str = "P1-1", account_id: str = "A11") -> Action:
    arguments = {"from_account_id": account_id, "payee_id": payee_id, "amount": amount, "memorable_word": word}
    return call("send_to_payee", **arguments)


def monthly(payee_id: str = "P1-1", account_id: str = "A11", word: str = "anchor") -> Action:
    arguments = {"from_account_id": account_id, "payee_id": payee_id, "memorable_word": word}
    return call("schedule_payment", **arguments, amount=50.0, day_of_month=3)


def payee(number: int = 1, word: str = "anchor") -> Action:
    digits = {"routing_number": "110000123", "account_number": f"9900000{number}"}
    return call("add_payee", customer_id="C1", payee_name="Redstone Gas", **digits, memorable_word=word)


def limit(dollars: int, word: str = "anchor", card_id: str = "K11-1") -> Action:
    return call("set_card_limit", card_id=card_id, daily_limit=dollars, memorable_word=word)


def phone(word: str = "anchor") -> Action:
    return call("change_phone", customer_id="C1", phone="312-555-0100", memorable_word=word)


def email(address: str = "a@example.org", word: str = "anchor") -> Action:
    return call("change_email", customer_id="C1", email=address, memorable_word=word)


def close(account_id: str = "A12", word: str = "anchor") -> Action:
    heir = "A11" if account_id == "A12" else "A12"
    return call("close_account", account_id=account_id, new_account_id=heir, memorable_word=word)


def move(source: str, target: str) -> Action:
    return call("transfer_between_accounts", from_account_id=source, to_account_id=target, amount=10.0)


def activate(card_id: str) -> Action:
    return call("activate_card", card_id=card_id, memorable_word="anchor")


PAUSE = call("pause_scheduled_payment", scheduled_payment_id="S1-1")
RESUME = call("resume_scheduled_payment", scheduled_payment_id="S1-2")
RESUME_FIRST = call("resume_scheduled_payment", scheduled_payment_id="S1-1")
CANCEL = call("cancel_scheduled_payment", scheduled_payment_id="S1-1")
CANCEL_PAUSED = call("cancel_scheduled_payment", scheduled_payment_id="S1-2")
CALL_BACK = call("cancel_transfer", transfer_id="TR1-1")
FREEZE = call("freeze_card", card_id="K11-1")
REPORT = call("report_card", card_id="K11-1", loss="lost")
REPLACE = call("replace_card", card_id="K11-4")
DISPUTE = call("dispute_transaction", transaction_id="T11-2", dispute_reason="wrong amount")
WITHDRAW = call("withdraw_dispute", dispute_id="D11-1")
DISPUTE_AGAIN = call("dispute_transaction", transaction_id="T11-4", dispute_reason="wrong amount")
NO_CARDS = {f"cards.K11-{n}.status": "replaced" for n in range(1, 5)}
NOTHING_DUE = {
    **{f"scheduled_payments.S1-{n}.status": "cancelled" for n in (1, 2)},
    "transfers.TR1-1.status": "settled",
    "disputes.D11-1.status": "withdrawn",
}
BOUGHT, DUE, CARD_ISSUED = "accounts.A11.transactions.1", "scheduled_payments.S1-1.next_on", "cards.K11-2.issued_on"
FOUR_ACTIVE = {f"scheduled_payments.S1-{n}": scheduled(n, "active", day(-10)) for n in (1, 3, 4, 5)}
CASES = [
    Case("own_profile", phone(), user="C2"),
    Case("own_profile", payee(), user="C2"),
    Case("own_account", move("A11", "A12"), user="C2"),
    Case("own_account", close(), user="C2"),
    Case("own_account", monthly(), user="C2"),
    Case("own_payment", CALL_BACK, user="C2"),
    Case("own_payment", PAUSE, user="C2"),
    Case("own_payment", CANCEL_PAUSED, user="C2"),
    Case("own_card", FREEZE, user="C2"),
    Case("own_card", REPLACE, user="C2"),
    Case("own_card", limit(250), user="C2"),
    Case("own_dispute", DISPUTE, user="C2"),
    Case("own_dispute", WITHDRAW, user="C2"),
    Case("word_counts_once", send(), earlier=(limit(250),)),
    Case("word_counts_once", activate("K11-2"), earlier=(activate("K11-3"),)),
    Case("word_counts_once", limit(250, "ANCHOR"), earlier=(phone(),)),
    Case("payee_has_waited", send(payee_id="P1-2"), kept=send()),
    Case("payee_has_waited", monthly(payee_id="P1-2"), kept=monthly()),
    Case("payee_has_waited", send(word="biscuit", payee_id="P1-3"), earlier=(payee(),), kept=send(word="biscuit")),
    Case("payees_from_checking", send(account_id="A12"), kept=send()),
    Case("payees_from_checking", monthly(account_id="A12"), kept=monthly()),
    Case("daily_send_limit", send(500.0), {"customers.C1.daily_send_limit": 500}),
    Case("daily_send_limit", send(200.0), {"transfers.TR1-1.amount": 2300.01}),
    Case("daily_send_limit", send(20.0, "biscuit"), {"customers.C1.daily_send_limit": 500}, (send(460.0),)),
    Case("savings_withdrawals", move("A12", "A11"), {"accounts.A12.withdrawals_this_month": 3}),
    Case("savings_withdrawals", move("A12", "A13"), earlier=(move("A12", "A11"),) * 3),
    Case("contact_or_money", send(word="biscuit"), earlier=(phone(),)),
    Case("contact_or_money", monthly(word="biscuit"), earlier=(email(),)),
    Case("contact_or_money", email(word="biscuit"), earlier=(payee(),)),
    Case("one_contact_change", email(word="biscuit"), earlier=(phone(),)),
    Case("one_contact_change", email("b@example.org", "biscuit"), earlier=(email(),)),
    Case("email_is_free", email("BO@example.com"), kept=email()),
    Case("one_new_payee", payee(2, "biscuit"), earlier=(payee(),)),
    Case("called_back_in_time", CALL_BACK, {"transfers.TR1-1.made_at": hours(24.1)}),
    Case("not_just_before_it_is_due", PAUSE, {DUE: day(-2)}),
    Case("not_just_before_it_is_due", CANCEL, {DUE: day(-1)}),
    Case("paused_payment_rests", RESUME_FIRST, earlier=(PAUSE,), kept=RESUME),
    Case("four_active_payments", RESUME, FOUR_ACTIVE),
    Case("four_active_payments", monthly(), FOUR_ACTIVE),
    Case("new_card_travels", activate("K11-2"), {CARD_ISSUED: day(2)}),
    Case("new_card_travels", activate("K11-5"), earlier=(REPLACE,), kept=activate("K11-3")),
    Case("frozen_card_rests", activate("K11-1"), earlier=(FREEZE,), kept=activate("K11-3")),
    Case("limit_fits_tier", limit(2000), kept=limit(1000)),
    Case("limit_fits_tier", limit(5000), {"customers.C1.tier": "plus"}, kept=limit(250)),
    Case("raise_needs_full_identity", limit(1000), {"customers.C1.identity_level": "basic"}),
    Case("one_raise", limit(1000, "biscuit"), {"cards.K11-1.daily_limit": 250}, (limit(500),)),
    Case(
        "one_raise",
        limit(1000, "biscuit"),
        {"cards.K11-3.status": "active"},
        (limit(1000, card_id="K11-3"),),
    ),
    Case("dispute_window", DISPUTE, {f"{BOUGHT}.posted_on": day(61)}),
    Case("refunded_stays", DISPUTE, {f"{BOUGHT}.refunded": True}),
    Case("disputed_once", DISPUTE_AGAIN, earlier=(WITHDRAW,), kept=DISPUTE),
    Case("dispute_amount", DISPUTE, {f"{BOUGHT}.amount": 4.99}),
    Case("dispute_amount", DISPUTE, {f"{BOUGHT}.amount": 1000.01}),
    Case("checking_needs_person", close("A11"), {**NO_CARDS, **NOTHING_DUE}, kept=close()),
    Case("young_account_stays", close(), {"accounts.A12.opened_on": day(29)}),
]
PLUS, PREMIUM = {"customers.C1.tier": "plus"}, {"customers.C1.tier": "premium"}
JUST_INSIDE: list[tuple[Action, dict[str, Any], tuple[Action, ...]]] = [
    (send(payee_id="P1-2"), {"customers.C1.payees.P1-2.added_at": hours(24)}, ()),
    (send(470.0), {"customers.C1.daily_send_limit": 500}, ()),
    (send(500.0), {"customers.C1.daily_send_limit": 500}, (CALL_BACK,)),
    (send(500.0), {"customers.C1.daily_send_limit": 500, "transfers.TR1-1.made_at": hours(11)}, ()),
    (send(), {}, (limit(250, "biscuit"),)),
    (move("A12", "A11"), {"accounts.A12.withdrawals_this_month": 2}, ()),
    (move("A11", "A12"), {"accounts.A12.withdrawals_this_month": 3}, (phone(),)),
    (payee(), {}, (send(word="biscuit"),)),
    (CALL_BACK, {"transfers.TR1-1.made_at": hours(24)}, ()),
    (PAUSE, {DUE: day(-3)}, ()),
    (CANCEL_PAUSED, {"scheduled_payments.S1-2.next_on": day(-1)}, ()),
    (CANCEL, {}, (PAUSE,)),
    (RESUME, {}, (PAUSE,)),
    (monthly(), {}, (RESUME,)),
    (monthly(), FOUR_ACTIVE, (PAUSE,)),
    (activate("K11-2"), {CARD_ISSUED: day(3)}, ()),
    (activate("K11-3"), {"cards.K11-3.issued_on": day(0)}, (FREEZE,)),
    (limit(2000), PLUS, ()),
    (limit(5000), PREMIUM, ()),
    (limit(250), {"customers.C1.identity_level": "basic", "cards.K11-1.daily_limit": 1000}, ()),
    (limit(500), {"customers.C1.identity_level": "basic", "cards.K11-1.daily_limit": 1000}, ()),
    (limit(250, "biscuit"), {}, (limit(1000),)),
    (limit(1000, "biscuit"), {}, (limit(250),)),
    (DISPUTE, {f"{BOUGHT}.posted_on": day(60)}, ()),
    (DISPUTE, {f"{BOUGHT}.amount": 5.0}, (WITHDRAW,)),
    (DISPUTE, {f"{BOUGHT}.amount": 1000.0}, ()),
    (close(), {"accounts.A12.opened_on": day(30)}, ()),
    (REPLACE, {}, (REPORT,)),
    (call("replace_card", card_id="K11-1"), {}, (REPORT,)),
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
    assert broken(bank(case.changes), case.user, case.action, case.earlier) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_the_neighbouring_call_keeps_every_rule(case: Case) -> None:
    assert broken(bank(), "C1", case.kept or case.action) == set()


@pytest.mark.parametrize(("action", "changes", "earlier"), JUST_INSIDE, ids=lambda part: getattr(part, "name", ""))
def test_limits_include_their_last_hour_day_and_dollar(
    action: Action, changes: dict[str, Any], earlier: tuple[Action, ...]
) -> None:
    assert broken(bank(changes), "C1", action, earlier) == set()


def test_every_rule_has_a_case() -> None:
    rules = Domain.load("banking").rules
    assert len(rules) >= 15
    assert {rule.name for rule in rules} == {case.rule for case in CASES}


def test_every_writing_tool_belongs_to_an_owner() -> None:
    """No tool can touch another customer's rows without breaking an ownership rule."""
    banking = Domain.load("banking")
    owned = {tool for rule in banking.rules if rule.name.startswith("own_") for tool in rule.tools}
    assert owned == {name for name, tool in banking.tools.items() if tool.writes}


@pytest.mark.parametrize("rule", Domain.load("banking").rules, ids=lambda rule: rule.name)
def test_a_rule_answers_for_ids_that_do_not_exist(rule: Any) -> None:
    ids = {"customer_id": "C0", "card_id": "K0-1", "transfer_id": "TR0-1", "transaction_id": "T0-1", "payee_id": "P0-1"}
    more = {"dispute_id": "D0-1", "scheduled_payment_id": "S0-1", "daily_limit": 500, "amount": 5.0, "email": "x@y.zz"}
    accounts = dict.fromkeys(("account_id", "from_account_id", "to_account_id", "new_account_id"), "A0")
    database = bank().world().database()
    for tool in rule.tools:
        for arguments in ({}, {**ids, **more, **accounts, "memorable_word": "nothing"}):
            step = Step(Action(name=tool, arguments=arguments), database, database, None, "C1")
            assert isinstance(rule.holds(step), bool)
            assert not (arguments and rule.name.startswith("own_") and rule.holds(step))
