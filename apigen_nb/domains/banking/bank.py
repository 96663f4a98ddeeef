"""What tools and rules of the bank share: the time, finding rows or refusing, the customer's word, booking money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from apigen_nb.world.toolkit import Clock, Database, Refusal, Row, cents, in_status, lookup

CLOCK = Clock(datetime(2026, 6, 11, 10, 0))
NOW, TODAY = CLOCK.now, CLOCK.today
days_since, hours_since = CLOCK.days_since, CLOCK.hours_since
INCOMING = ("deposit", "transfer in", "transfer returned", "refund", "provisional credit")
OUTGOING = ("purchase", "transfer out", "credit taken back")
"""Kinds of transactions that raise a balance and that lower it; `amount` itself is always positive."""

find_customer = lookup("customers", "find the id by e-mail address or phone number")
find_account = lookup("accounts", "get_customer shows a customer's accounts")
find_card = lookup("cards", "get_customer shows a customer's cards")
find_transfer = lookup("transfers", "list_payments shows a customer's transfers")
find_scheduled_payment = lookup("scheduled_payments", "list_payments shows a customer's scheduled payments")
find_dispute = lookup("disputes", "a disputed transaction in get_account shows its dispute_id")


def next_date(day_of_month: int) -> str:
    """The first day after today that falls on this day of a month, as an ISO date."""
    month = TODAY.replace(day=1)
    if day_of_month <= TODAY.day:
        month = (month + timedelta(days=32)).replace(day=1)
    return month.replace(day=day_of_month).isoformat()


def find_payee(db: Database, payee_id: str) -> tuple[Row, Row]:
    """The customer who saved a payee, and the payee; or a refusal."""
    customer_id = payee_id.rpartition("-")[0].replace("P", "C", 1)  # P10432-2 was saved by C10432
    customer = db["customers"].get(customer_id)
    if customer is None or payee_id not in customer["payees"]:
        raise Refusal(f"no payee {payee_id}; get_customer shows a customer's payees", kind="no such payee")
    return customer, customer["payees"][payee_id]


def find_transaction(db: Database, transaction_id: str) -> tuple[Row, Row]:
    """The account that a transaction stands in, and the transaction; or a refusal."""
    account_id = transaction_id.rpartition("-")[0].replace("T", "A", 1)  # T48213-3 stands in A48213
    account: Row = db["accounts"].get(account_id, {})
    for transaction in account.get("transactions", ()):
        if transaction["transaction_id"] == transaction_id:
            return account, transaction
    raise Refusal(f"no transaction {transaction_id}; get_account lists an account's", kind="no such transaction")


def open_account(db: Database, account_id: str) -> Row:
    """The account's row when it is open, or a refusal."""
    account = find_account(db, account_id)
    return in_status(account, "account", "open", name=f"account {account_id}", hint="this needs an open one")


def check_word(customer: Row, memorable_word: str) -> None:
    """A refusal unless this is one of the customer's memorable words, in any case."""
    if memorable_word.strip().casefold() not in customer["memorable_words"]:
        raise Refusal(
            "this is none of the customer's memorable words; ask the customer for one", kind="wrong memorable word"
        )


def check_amount(amount: float) -> float:
    """The amount in dollars and cents, or a refusal."""
    if not 0 < amount < 1_000_000 or cents(amount) != amount:
        raise Refusal(
            f"{amount} is not an amount to move; give dollars above zero with at most two decimals",
            kind="not an amount",
        )
    return cents(amount)


def _available(account: Row) -> float:
    """What can leave an account now: its balance and its overdraft."""
    return cents(account["balance"] + account["overdraft"])


def take(account: Row, kind: str, amount: float, **more: Any) -> Row:
    """Book an outgoing transaction on an account, or a refusal when the money is not there."""
    if _available(account) < amount:
        raise Refusal(
            f"account {account['account_id']} has ${_available(account):.2f} available, ${amount:.2f} is needed",
            kind="balance too low",
        )
    return book(account, kind, amount, **more)


def book(account: Row, kind: str, amount: float, **more: Any) -> Row:
    """Add a transaction of today to an account and bring its balance up to date."""
    transaction = {
        "transaction_id": f"{account['account_id'].replace('A', 'T', 1)}-{len(account['transactions']) + 1}",
        "kind": kind,
        "amount": amount,
        "posted_on": TODAY.isoformat(),
        **more,
    }
    account["transactions"].append(transaction)
    account["balance"] = cents(account["balance"] + (amount if kind in INCOMING else -amount))
    return transaction
