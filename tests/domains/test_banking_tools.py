"""Every tool of the bank: what it answers or changes, leaf by leaf, and each way it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apigen_nb.records import Action, Change
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain
from apigen_nb.world.world import Refusal
from tests.domains.banking_world import bank

Row = dict[str, Any]
TODAY, NOW = "2026-06-11", "2026-06-11T10:00"
WORD = {"memorable_word": "anchor"}
MOVE = {"from_account_id": "A11", "to_account_id": "A12", "amount": 120.5}
SEND = {"from_account_id": "A11", "payee_id": "P1-1", "amount": 75, **WORD}
MONTHLY = {**SEND, "day_of_month": 11}
GAS = {"payee_name": "Redstone Gas", "routing_number": "110000123", "account_number": "4400112233"}
ADD = {"customer_id": "C1", **GAS, **WORD}
LIMIT = {"card_id": "K11-1", "daily_limit": 1000, **WORD}
DISPUTE = {"transaction_id": "T11-2", "dispute_reason": "not recognized"}
EMAIL = {"customer_id": "C1", "email": "a@example.org", **WORD}
PHONE = {"customer_id": "C1", "phone": "312-555-0100", **WORD}
CLOSE = {"account_id": "A12", "new_account_id": "A11", **WORD}
PAYMENTS, LAST = "scheduled_payments", "accounts.A11.transactions.7"


def booked(index: int, kind: str, amount: float, account: int = 11) -> Row:
    return {"transaction_id": f"T{account}-{index}", "kind": kind, "amount": amount, "posted_on": TODAY}


def transfer(**ends: Any) -> Row:
    return {"transfer_id": "TR1-3", "customer_id": "C1", **ends, "made_at": NOW}


WRITES: list[tuple[str, Row, Row]] = [
    (
        "transfer_between_accounts",
        MOVE,
        {
            "accounts.A11.balance": 879.5,
            LAST: booked(8, "transfer out", 120.5),
            "accounts.A12.balance": 620.5,
            "accounts.A12.transactions.0": booked(1, "transfer in", 120.5, 12),
            "transfers.TR1-3": transfer(**MOVE, kind="internal", status="settled"),
        },
    ),
    (
        "transfer_between_accounts",
        {"from_account_id": "A12", "to_account_id": "A13", "amount": 500},
        {
            "accounts.A12.balance": 0.0,
            "accounts.A12.withdrawals_this_month": 1,
            "accounts.A12.transactions.0": booked(1, "transfer out", 500.0, 12),
            "accounts.A13.balance": 500.0,
            "accounts.A13.transactions.0": booked(1, "transfer in", 500.0, 13),
            "transfers.TR1-3": transfer(
                kind="internal", from_account_id="A12", to_account_id="A13", amount=500.0, status="settled"
            ),
        },
    ),
    (
        "send_to_payee",
        SEND,
        {
            "accounts.A11.balance": 925.0,
            LAST: booked(8, "transfer out", 75.0),
            "transfers.TR1-3": transfer(
                kind="external", from_account_id="A11", payee_id="P1-1", amount=75.0, status="pending"
            ),
        },
    ),
    (
        "cancel_transfer",
        {"transfer_id": "TR1-1"},
        {
            "accounts.A11.balance": 1030.0,
            LAST: booked(8, "transfer returned", 30.0),
            "transfers.TR1-1.status": "cancelled",
        },
    ),
    (
        "add_payee",
        ADD,
        {
            "customers.C1.payees.P1-3": {
                "payee_id": "P1-3",
                "payee_name": "Redstone Gas",
                "masked_number": "ends in 2233",
                "added_at": NOW,
            }
        },
    ),
    (
        "schedule_payment",
        MONTHLY,
        {
            f"{PAYMENTS}.S1-4": {
                "scheduled_payment_id": "S1-4",
                "customer_id": "C1",
                "from_account_id": "A11",
                "payee_id": "P1-1",
                "amount": 75.0,
                "status": "active",
                "next_on": "2026-07-11",
            }
        },
    ),
    ("pause_scheduled_payment", {"scheduled_payment_id": "S1-1"}, {f"{PAYMENTS}.S1-1.status": "paused"}),
    (
        "resume_scheduled_payment",
        {"scheduled_payment_id": "S1-2"},
        {f"{PAYMENTS}.S1-2.status": "active", f"{PAYMENTS}.S1-2.next_on": "2026-06-22"},
    ),
    ("cancel_scheduled_payment", {"scheduled_payment_id": "S1-1"}, {f"{PAYMENTS}.S1-1.status": "cancelled"}),
    ("cancel_scheduled_payment", {"scheduled_payment_id": "S1-2"}, {f"{PAYMENTS}.S1-2.status": "cancelled"}),
    ("freeze_card", {"card_id": "K11-1"}, {"cards.K11-1.status": "frozen"}),
    ("activate_card", {"card_id": "K11-2", **WORD}, {"cards.K11-2.status": "active"}),
    ("activate_card", {"card_id": "K11-3", "memorable_word": " Anchor "}, {"cards.K11-3.status": "active"}),
    ("report_card", {"card_id": "K11-1", "loss": "stolen"}, {"cards.K11-1.status": "stolen"}),
    ("report_card", {"card_id": "K11-3", "loss": "lost"}, {"cards.K11-3.status": "lost"}),
    (
        "replace_card",
        {"card_id": "K11-4"},
        {
            "cards.K11-4.status": "replaced",
            "cards.K11-5": {
                "card_id": "K11-5",
                "account_id": "A11",
                "customer_id": "C1",
                "status": "inactive",
                "daily_limit": 500,
                "issued_on": TODAY,
            },
            "customers.C1.cards.K11-5": {"name": "Visa ending 8959"},
        },
    ),
    ("set_card_limit", LIMIT, {"cards.K11-1.daily_limit": 1000}),
    (
        "dispute_transaction",
        DISPUTE,
        {
            "accounts.A11.balance": 1060.0,
            "accounts.A11.transactions.1.status": "disputed",
            "accounts.A11.transactions.1.dispute_id": "D11-2",
            LAST: booked(8, "provisional credit", 60.0),
            "disputes.D11-2": {
                "dispute_id": "D11-2",
                "customer_id": "C1",
                "account_id": "A11",
                **DISPUTE,
                "disputed_amount": 60.0,
                "provisional_credit": 60.0,
                "status": "open",
                "opened_on": TODAY,
            },
        },
    ),
    (
        "withdraw_dispute",
        {"dispute_id": "D11-1"},
        {
            "accounts.A11.balance": 960.0,
            "accounts.A11.transactions.3.status": "posted",
            LAST: booked(8, "credit taken back", 40.0),
            "disputes.D11-1.status": "withdrawn",
        },
    ),
    ("change_email", EMAIL, {"customers.C1.email": "a@example.org"}),
    ("change_phone", PHONE, {"customers.C1.phone": "312-555-0100"}),
    (
        "close_account",
        CLOSE,
        {
            "accounts.A12.status": "closed",
            "accounts.A12.balance": 0.0,
            "accounts.A12.transactions.0": booked(1, "transfer out", 500.0, 12),
            "accounts.A11.balance": 1500.0,
            LAST: booked(8, "transfer in", 500.0),
        },
    ),
    ("close_account", {**CLOSE, "account_id": "A13"}, {"accounts.A13.status": "closed"}),
]
READS: list[tuple[str, Row, Callable[[Any], bool]]] = [
    ("find_customer_by_email", {"email": "ADA@example.com"}, lambda r: r == {"customer_id": "C1"}),
    ("find_customer_by_phone", {"phone": "312-555-0002"}, lambda r: r == {"customer_id": "C2"}),
    (
        "get_customer",
        {"customer_id": "C1"},
        lambda r: (r["daily_send_limit"], r["accounts"]["A12"]["name"]) == (2500, "Car Savings"),
    ),
    ("get_account", {"account_id": "A11"}, lambda r: (r["balance"], len(r["transactions"])) == (1000.0, 7)),
    ("get_card", {"card_id": "K11-3"}, lambda r: r["status"] == "frozen"),
    (
        "list_payments",
        {"customer_id": "C1"},
        lambda r: {name: len(rows) for name, rows in r.items()} == {"transfers": 2, "scheduled_payments": 3},
    ),
    ("list_payments", {"customer_id": "C2"}, lambda r: r == {"transfers": [], "scheduled_payments": []}),
    ("get_dispute", {"dispute_id": "D11-1"}, lambda r: r["provisional_credit"] == 40.0),
    ("transfer_to_human", {"summary": "wants a checking account closed"}, lambda r: isinstance(r, str)),
]
SENSITIVE: list[tuple[str, Row]] = [
    ("send_to_payee", SEND),
    ("add_payee", ADD),
    ("schedule_payment", MONTHLY),
    ("activate_card", {"card_id": "K11-2", **WORD}),
    ("set_card_limit", LIMIT),
    ("change_email", EMAIL),
    ("change_phone", PHONE),
    ("close_account", CLOSE),
]
REFUSALS: list[tuple[str, Row, str]] = [
    ("find_customer_by_email", {"email": "nobody@example.com"}, "no such customer"),
    ("find_customer_by_phone", {"phone": "312-555-9999"}, "no such customer"),
    ("get_customer", {"customer_id": "C9"}, "no such customer"),
    ("list_payments", {"customer_id": "C9"}, "no such customer"),
    ("get_account", {"account_id": "A9"}, "no such account"),
    ("get_card", {"card_id": "K9-1"}, "no such card"),
    ("get_dispute", {"dispute_id": "D9-1"}, "no such dispute"),
    ("transfer_between_accounts", {**MOVE, "to_account_id": "A11"}, "same account"),
    ("transfer_between_accounts", {**MOVE, "to_account_id": "A21"}, "not one's own account"),
    ("transfer_between_accounts", {**MOVE, "to_account_id": "A9"}, "no such account"),
    ("transfer_between_accounts", {**MOVE, "amount": 1200.01}, "balance too low"),
    ("transfer_between_accounts", {**MOVE, "from_account_id": "A13"}, "balance too low"),
    ("transfer_between_accounts", {**MOVE, "amount": 0}, "not an amount"),
    ("transfer_between_accounts", {**MOVE, "amount": -5}, "not an amount"),
    ("transfer_between_accounts", {**MOVE, "amount": 1.005}, "not an amount"),
    ("transfer_between_accounts", {**MOVE, "amount": float("nan")}, "not an amount"),
    ("transfer_between_accounts", {**MOVE, "amount": "5"}, "wrong arguments"),
    ("send_to_payee", {**SEND, "payee_id": "P1-9"}, "no such payee"),
    ("send_to_payee", {**SEND, "payee_id": "Bo"}, "no such payee"),
    ("send_to_payee", {**SEND, "payee_id": "P2-1"}, "not one's payee"),
    ("send_to_payee", {**SEND, "amount": 1200.01}, "balance too low"),
    ("cancel_transfer", {"transfer_id": "TR1-2"}, "transfer is not pending"),
    ("cancel_transfer", {"transfer_id": "TR9-1"}, "no such transfer"),
    ("add_payee", {**ADD, "customer_id": "C9"}, "no such customer"),
    ("add_payee", {**ADD, "routing_number": "12345678"}, "not a routing number"),
    ("add_payee", {**ADD, "account_number": "1234567"}, "not an account number"),
    ("add_payee", {**ADD, "payee_name": "LARK internet", "account_number": "90001111"}, "payee is saved already"),
    ("schedule_payment", {**MONTHLY, "day_of_month": 29}, "no such day of the month"),
    ("schedule_payment", {**MONTHLY, "day_of_month": 0}, "no such day of the month"),
    ("schedule_payment", {**MONTHLY, "payee_id": "P2-1"}, "not one's payee"),
    ("schedule_payment", {**MONTHLY, "amount": 0.0}, "not an amount"),
    ("pause_scheduled_payment", {"scheduled_payment_id": "S1-2"}, "scheduled payment is not active"),
    ("pause_scheduled_payment", {"scheduled_payment_id": "S9-1"}, "no such scheduled payment"),
    ("resume_scheduled_payment", {"scheduled_payment_id": "S1-1"}, "scheduled payment is not paused"),
    ("cancel_scheduled_payment", {"scheduled_payment_id": "S1-3"}, "scheduled payment is not active or paused"),
    ("freeze_card", {"card_id": "K11-2"}, "card is not active"),
    ("activate_card", {"card_id": "K11-1", **WORD}, "card is not inactive or frozen"),
    ("activate_card", {"card_id": "K11-4", **WORD}, "card is not inactive or frozen"),
    ("report_card", {"card_id": "K11-2", "loss": "lost"}, "card is not active or frozen"),
    ("report_card", {"card_id": "K11-1", "loss": "bent"}, "wrong arguments"),
    ("replace_card", {"card_id": "K11-1"}, "card is not lost or stolen"),
    ("set_card_limit", {**LIMIT, "card_id": "K11-3"}, "card is not active"),
    ("set_card_limit", {**LIMIT, "daily_limit": 500}, "same limit"),
    ("set_card_limit", {**LIMIT, "daily_limit": 700}, "wrong arguments"),
    ("dispute_transaction", {**DISPUTE, "transaction_id": "T11-1"}, "not a card transaction"),
    ("dispute_transaction", {**DISPUTE, "transaction_id": "T11-3"}, "transaction is not posted"),
    ("dispute_transaction", {**DISPUTE, "transaction_id": "T11-4"}, "transaction is not posted"),
    ("dispute_transaction", {**DISPUTE, "transaction_id": "T11-99"}, "no such transaction"),
    ("dispute_transaction", {**DISPUTE, "transaction_id": "Velo Works"}, "no such transaction"),
    ("withdraw_dispute", {"dispute_id": "D11-9"}, "no such dispute"),
    ("change_email", {**EMAIL, "email": "ada at home"}, "not an e-mail address"),
    ("change_email", {**EMAIL, "email": "ada@Example.com"}, "same e-mail address"),
    ("change_phone", {**PHONE, "phone": "5550100"}, "not a phone number"),
    ("change_phone", {**PHONE, "phone": "312-555-0001"}, "same phone number"),
    ("close_account", {**CLOSE, "new_account_id": "A12"}, "wrong account for the balance"),
    ("close_account", {**CLOSE, "new_account_id": "A21"}, "wrong account for the balance"),
    ("close_account", {**CLOSE, "account_id": "A11", "new_account_id": "A12"}, "account pays something"),
    *((tool, {**arguments, "memorable_word": "ferry"}, "wrong memorable word") for tool, arguments in SENSITIVE),
    *((tool, {**arguments, "memorable_word": ""}, "wrong memorable word") for tool, arguments in SENSITIVE),
]
FROZEN, PAID_UP = {"accounts.A11.status": "frozen"}, {f"{PAYMENTS}.S1-{n}.status": "cancelled" for n in (1, 2)}
CHECKING_CLOSED = {**CLOSE, "account_id": "A11", "new_account_id": "A12"}
CHANGED: list[tuple[Row, str, Row, str]] = [
    (FROZEN, "transfer_between_accounts", MOVE, "account is not open"),
    (FROZEN, "send_to_payee", SEND, "account is not open"),
    (FROZEN, "schedule_payment", MONTHLY, "account is not open"),
    (FROZEN, "resume_scheduled_payment", {"scheduled_payment_id": "S1-2"}, "account is not open"),
    (FROZEN, "activate_card", {"card_id": "K11-3", **WORD}, "account is not open"),
    (FROZEN, "replace_card", {"card_id": "K11-4"}, "account is not open"),
    (FROZEN, "close_account", CLOSE, "account is not open"),
    (FROZEN, "cancel_transfer", {"transfer_id": "TR1-1"}, "account is not open"),
    (FROZEN, "dispute_transaction", DISPUTE, "account is not open"),
    (FROZEN, "withdraw_dispute", {"dispute_id": "D11-1"}, "account is not open"),
    ({"accounts.A12.status": "closed"}, "transfer_between_accounts", MOVE, "account is not open"),
    ({"accounts.A12.balance": -1.0}, "close_account", CLOSE, "account is overdrawn"),
    (PAID_UP, "close_account", CHECKING_CLOSED, "account pays something"),
    (
        {**PAID_UP, "transfers.TR1-1.status": "settled"},
        "close_account",
        CHECKING_CLOSED,
        "card of the account is not lost or stolen or replaced",
    ),
    (
        {**PAID_UP, "transfers.TR1-1.status": "settled", **{f"cards.K11-{n}.status": "lost" for n in range(1, 5)}},
        "close_account",
        CHECKING_CLOSED,
        "account has a dispute",
    ),
    ({"accounts.A11.balance": -170.0}, "withdraw_dispute", {"dispute_id": "D11-1"}, "balance too low"),
]
TWICE: list[tuple[str, Row, str]] = [
    ("cancel_transfer", {"transfer_id": "TR1-1"}, "transfer is not pending"),
    ("add_payee", ADD, "payee is saved already"),
    ("pause_scheduled_payment", {"scheduled_payment_id": "S1-1"}, "scheduled payment is not active"),
    ("resume_scheduled_payment", {"scheduled_payment_id": "S1-2"}, "scheduled payment is not paused"),
    ("cancel_scheduled_payment", {"scheduled_payment_id": "S1-1"}, "scheduled payment is not active or paused"),
    ("freeze_card", {"card_id": "K11-1"}, "card is not active"),
    ("report_card", {"card_id": "K11-1", "loss": "lost"}, "card is not active or frozen"),
    ("replace_card", {"card_id": "K11-4"}, "card is not lost or stolen"),
    ("set_card_limit", LIMIT, "same limit"),
    ("dispute_transaction", DISPUTE, "transaction is not posted"),
    ("withdraw_dispute", {"dispute_id": "D11-1"}, "dispute is not open"),
    ("change_email", EMAIL, "same e-mail address"),
    ("close_account", CLOSE, "account is not open"),
]


def tool_name(part: Any) -> str:
    return part if isinstance(part, str) else ""


def leaves(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The paths where two values differ, with what is there now; what is new is one leaf."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from leaves(before.get(key), after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for i in range(max(len(before), len(after))):
            yield from leaves(*(rows[i] if i < len(rows) else None for rows in (before, after)), f"{path}.{i}")
    elif before != after:
        yield path, after


def changed(delta: tuple[Change, ...]) -> Row:
    return {path: now for c in delta for path, now in leaves(c.before, c.after, f"{c.table}.{c.id}")}


def refused(domain: Domain, tool: str, arguments: Row) -> str:
    """The kind of the refusal of a call, which must change nothing."""
    world = domain.world()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert world.delta() == ()
    return refusal.value.kind


@pytest.mark.parametrize(("tool", "arguments", "expected"), WRITES, ids=tool_name)
def test_a_write_changes_exactly_this(tool: str, arguments: Row, expected: Row) -> None:
    world = bank().world()
    world.call(Action(name=tool, arguments=arguments))
    assert changed(world.delta()) == expected


@pytest.mark.parametrize(("tool", "arguments", "answers"), READS, ids=tool_name)
def test_a_read_answers(tool: str, arguments: Row, answers: Callable[[Any], bool]) -> None:
    world = bank().world()
    assert answers(world.call(Action(name=tool, arguments=arguments)))
    assert world.delta() == ()


@pytest.mark.parametrize(("tool", "arguments", "kind"), REFUSALS, ids=tool_name)
def test_a_refusal_has_its_kind_and_changes_nothing(tool: str, arguments: Row, kind: str) -> None:
    assert refused(bank(), tool, arguments) == kind


@pytest.mark.parametrize(("changes", "tool", "arguments", "kind"), CHANGED, ids=tool_name)
def test_the_state_of_other_rows_can_refuse_a_call(changes: Row, tool: str, arguments: Row, kind: str) -> None:
    assert refused(bank(changes), tool, arguments) == kind


@pytest.mark.parametrize(("tool", "arguments", "kind"), TWICE, ids=tool_name)
def test_a_second_time_is_refused_and_changes_nothing_more(tool: str, arguments: Row, kind: str) -> None:
    world = bank().world()
    world.call(Action(name=tool, arguments=arguments))
    once = world.delta()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert refusal.value.kind == kind
    assert world.delta() == once


def test_a_large_dispute_gets_no_provisional_credit() -> None:
    world = bank().world()
    made = world.call(Action(name="dispute_transaction", arguments={**DISPUTE, "transaction_id": "T11-7"}))
    assert (made["disputed_amount"], made["provisional_credit"]) == (150.0, 0.0)
    world.call(Action(name="withdraw_dispute", arguments={"dispute_id": made["dispute_id"]}))
    assert world.database()["accounts"]["A11"]["balance"] == 1000.0


@pytest.mark.parametrize("amount", [100.0, 100.01])
def test_the_provisional_credit_goes_up_to_100_dollars(amount: float) -> None:
    world = bank({"accounts.A11.transactions.1.amount": amount}).world()
    made = world.call(Action(name="dispute_transaction", arguments=DISPUTE))
    assert made["provisional_credit"] == (amount if amount <= 100 else 0.0)


def test_an_overdraft_can_be_used_to_its_last_cent() -> None:
    world = bank().world()
    world.call(Action(name="send_to_payee", arguments={**SEND, "amount": 1200.0}))
    assert world.database()["accounts"]["A11"]["balance"] == -200.0


@pytest.mark.parametrize(
    ("day_of_month", "first"),
    [(1, "2026-07-01"), (10, "2026-07-10"), (11, "2026-07-11"), (12, "2026-06-12"), (28, "2026-06-28")],
)
def test_a_monthly_payment_starts_after_today(day_of_month: int, first: str) -> None:
    made = bank().world().call(Action(name="schedule_payment", arguments={**MONTHLY, "day_of_month": day_of_month}))
    assert made["next_on"] == first


def test_the_tools_that_take_a_memorable_word_are_known() -> None:
    takes = {name for name, tool in Domain.load("banking").tools.items() if "memorable_word" in str(tool.parameters)}
    assert takes == {tool for tool, _ in SENSITIVE}


@pytest.mark.parametrize(("tool", "arguments"), SENSITIVE, ids=tool_name)
def test_a_refusal_does_not_tell_the_word(tool: str, arguments: Row) -> None:
    with pytest.raises(Refusal) as refusal:
        bank().world().call(Action(name=tool, arguments={**arguments, "memorable_word": "ferry"}))
    assert not re.search("anchor|biscuit|candle|dolphin", str(refusal.value))


def test_no_result_shows_a_memorable_word() -> None:
    """Neither of a read nor of a write: only the customer can tell one."""
    said = []
    for tool, arguments, *_ in (*READS, *WRITES):
        said.append(json.dumps(bank().world().call(Action(name=tool, arguments=arguments))))
    assert not re.search("memorable|anchor|biscuit|candle|dolphin|ferry|guitar|igloo|jigsaw", " ".join(said), re.I)


def test_every_tool_is_covered() -> None:
    tools = Domain.load("banking").tools
    assert {tool for tool, *_ in WRITES} == {name for name, tool in tools.items() if tool.writes}
    assert {tool for tool, *_ in READS} == {name for name, tool in tools.items() if not tool.writes}
    assert 18 <= len(tools) <= 26


def test_every_kind_of_refusal_is_covered() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((DOMAINS_FOLDER / "banking").glob("*.py")))
    patterns = {re.sub(r"\{.*?\}", ".+", kind) for kind in re.findall(r'kind=f?"([^"]+)"', source)}
    tested = {kind for _, _, kind in (*REFUSALS, *TWICE)} | {kind for *_, kind in CHANGED}
    assert len(patterns) > 15
    assert [pattern for pattern in sorted(patterns) if not any(re.fullmatch(pattern, kind) for kind in tested)] == []
