"""A bank with two customers, small enough to read, behind the tools and rules of the built-in banking domain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apigen_nb.domains.banking.bank import INCOMING, NOW, TODAY
from apigen_nb.world.domain import Domain
from tests.domains.small_domain import Row, with_changes


def day(age: int) -> str:
    return (TODAY - timedelta(days=age)).isoformat()


def hours(age: float) -> str:
    return (NOW - timedelta(hours=age)).isoformat(timespec="minutes")


def customer(number: int, first_name: str, words: tuple[str, ...], accounts: Row, cards: Row, level: str) -> Row:
    payee = {"payee_id": f"P{number}-1", "payee_name": "Lark Internet", "masked_number": "ends in 1111"}
    return {
        "customer_id": f"C{number}",
        "first_name": first_name,
        "last_name": "Moor",
        "email": f"{first_name.lower()}@example.com",
        "phone": f"312-555-000{number}",
        "tier": "standard",
        "identity_level": level,
        "daily_send_limit": {"basic": 500, "full": 2500}[level],
        "memorable_words": list(words),
        "accounts": {key: {"name": name} for key, name in accounts.items()},
        "cards": {key: {"name": name} for key, name in cards.items()},
        "payees": {f"P{number}-1": {**payee, "added_at": hours(24 * 90)}},
        "bills": [],
    }


def account(number: int, customer_id: str, kind: str, balance: float, transactions: list[Row]) -> Row:
    booked = [{"transaction_id": f"T{number}-{n}", **row} for n, row in enumerate(transactions, start=1)]
    moved = sum(row["amount"] if row["kind"] in INCOMING else -row["amount"] for row in booked)
    return {
        "account_id": f"A{number}",
        "customer_id": customer_id,
        "kind": kind,
        "status": "open",
        "balance": balance,
        "overdraft": 200.0 if kind == "checking" else 0.0,
        "opening_balance": balance - moved,
        **({"withdrawals_this_month": 0} if kind == "savings" else {}),
        "opened_on": day(400),
        "transactions": booked,
    }


def purchase(amount: float, status: str, age: int = 10, **more: Any) -> Row:
    named = {"status": status, "card_id": "K11-1", "merchant": "Velo Works"}
    return {"kind": "purchase", "amount": amount, "posted_on": day(age), **named, **more}


def card(number: int, index: int, customer_id: str, status: str, age: int = 300) -> Row:
    return {
        "card_id": f"K{number}-{index}",
        "account_id": f"A{number}",
        "customer_id": customer_id,
        "status": status,
        "daily_limit": 500,
        "issued_on": day(age),
    }


def transfer(index: int, kind: Row, amount: float, status: str, made_at: str) -> Row:
    row = {"transfer_id": f"TR1-{index}", "customer_id": "C1", **kind}
    return {**row, "amount": amount, "status": status, "made_at": made_at}


def scheduled(index: int, status: str, next_on: str) -> Row:
    return {
        "scheduled_payment_id": f"S1-{index}",
        "customer_id": "C1",
        "from_account_id": "A11",
        "payee_id": "P1-1",
        "amount": 40.0,
        "status": status,
        "next_on": next_on,
    }


def tables() -> dict[str, dict[str, Any]]:
    """C1 has a checking account A11 with four cards, savings A12 and A13; C2 has A21. The time is Thursday,
    2026-06-11, 10:00."""
    own = {"A11": "Everyday Checking", "A12": "Car Savings", "A13": "Home Savings"}
    names = {f"K11-{n}": f"Visa ending 100{n}" for n in range(1, 5)}
    ada = customer(1, "Ada", ("anchor", "biscuit", "candle", "dolphin"), own, names, "full")
    ada["payees"]["P1-2"] = {**ada["payees"]["P1-1"], "payee_id": "P1-2", "payee_name": "Bo", "added_at": hours(23)}
    ada["bills"] = [
        {
            "payee_name": "Redstone Gas",
            "routing_number": "110000123",
            "account_number": "4400112233",
            "amount": 80.0,
            "due_on": day(-9),
        }
    ]
    bo = customer(2, "Bo", ("ferry", "guitar", "igloo", "jigsaw"), {"A21": "Everyday Checking"}, {}, "basic")
    bo["cards"] = {"K21-1": {"name": "Visa ending 2001"}}
    external, internal = {"kind": "external", "from_account_id": "A11", "payee_id": "P1-1"}, {"kind": "internal"}
    paid = [
        {"kind": "deposit", "amount": 900.0, "posted_on": day(30)},
        purchase(60.0, "posted"),
        purchase(25.0, "pending", age=1),
        purchase(40.0, "disputed", dispute_id="D11-1"),
        {"kind": "provisional credit", "amount": 40.0, "posted_on": day(5)},
        {"kind": "transfer out", "amount": 30.0, "posted_on": day(0)},
        purchase(150.0, "posted"),
    ]
    dispute = {
        "dispute_id": "D11-1",
        "customer_id": "C1",
        "account_id": "A11",
        "transaction_id": "T11-4",
        "dispute_reason": "charged twice",
        "disputed_amount": 40.0,
        "provisional_credit": 40.0,
        "status": "open",
        "opened_on": day(5),
    }
    ends = {"from_account_id": "A12", "to_account_id": "A11"}
    rows: dict[str, list[Row]] = {
        "accounts": [
            account(11, "C1", "checking", 1000.0, paid),
            account(12, "C1", "savings", 500.0, []),
            account(13, "C1", "savings", 0.0, []),
            account(21, "C2", "checking", 300.0, [purchase(20.0, "posted", card_id="K21-1")]),
        ],
        "cards": [
            card(11, 1, "C1", "active"),
            card(11, 2, "C1", "inactive", age=10),
            card(11, 3, "C1", "frozen"),
            card(11, 4, "C1", "lost"),
            card(21, 1, "C2", "active"),
        ],
        "customers": [ada, bo],
        "disputes": [dispute],
        "scheduled_payments": [
            scheduled(1, "active", day(-10)),
            scheduled(2, "paused", day(20)),
            scheduled(3, "cancelled", day(9)),
        ],
        "transfers": [
            transfer(1, external, 30.0, "pending", hours(2)),
            transfer(2, {**internal, **ends}, 50.0, "settled", hours(24 * 40)),
        ],
    }
    return {table: {next(iter(row.values())): row for row in found} for table, found in rows.items()}


def bank(changes: Row | None = None) -> Domain:
    """The small bank with some values replaced: {"accounts.A11.balance": 5.0}."""
    return with_changes("banking", tables(), changes)
