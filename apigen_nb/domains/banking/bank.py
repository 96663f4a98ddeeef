"""What tools and rules of the bank share: the time, finding rows or refusing, the customer's word, booking money."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from apigen_nb.world.world import Database, Refusal

NOW = datetime(2026, 6, 11, 10, 0)
TODAY = NOW.date()
INCOMING = ("deposit", "transfer in", "transfer returned", "refund", "provisional credit")
OUTGOING = ("purchase", "transfer out", "credit taken back")
"""Kinds of transactions that raise a balance and that lower it; `amount` itself is always positive."""

Row = dict[str, Any]


def cents(amount: float) -> float:
    """An amount of money, rounded to cents."""
    return round(amount, 2) + 0.0


def days_since(day: str) -> int:
    """Days from an ISO date to the bank's today; negative for days to come."""
    return (TODAY - date.fromisoformat(day)).days


def hours_since(moment: str) -> float:
    """Hours from an ISO date and time to the bank's now."""
    return (NOW - datetime.fromisoformat(moment)) / timedelta(hours=1)


def next_date(day_of_month: int) -> str:
    """The first day after today that falls on this day of a month, as an ISO date."""
    month = TODAY.replace(day=1)
    if day_of_month <= TODAY.day:
        month = (month + timedelta(days=32)).replace(day=1)
    return month.replace(day=day_of_month).isoformat()


def find_customer(db: Database, customer_id: str) -> Row:
    """The customer's row, or a refusal."""
    return _find(db, "customers", customer_id, "customer", "find the id by e-mail address or phone number")


def find_account(db: Database, account_id: str) -> Row:
    """The account's row, or a refusal."""
    return _find(db, "accounts", account_id, "account", "get_customer shows a customer's accounts")


def find_card(db: Database, card_id: str) -> Row:
    """The card's row, or a refusal."""
    return _find(db, "cards", card_id, "card", "get_customer shows a customer's cards")


def find_transfer(db: Database, transfer_id: str) -> Row:
    """The transfer's row, or a refusal."""
    return _find(db, "transfers", transfer_id, "transfer", "list_payments shows a customer's transfers")


def find_scheduled_payment(db: Database, scheduled_payment_id: str) -> Row:
    """The scheduled payment's row, or a refusal."""
    hint = "list_payments shows a customer's scheduled payments"
    return _find(db, "scheduled_payments", scheduled_payment_id, "scheduled payment", hint)


def find_dispute(db: Database, dispute_id: str) -> Row:
    """The dispute's row, or a refusal."""
    return _find(db, "disputes", dispute_id, "dispute", "a disputed transaction in get_account shows its dispute_id")


def _find(db: Database, table: str, key: str, what: str, hint: str) -> Row:
    if key not in db[table]:
        raise Refusal(f"no {what} {key}; {hint}", kind=f"no such {what}")
    row: Row = db[table][key]
    return row


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
    if account["status"] != "open":
        raise Refusal(
            f"account {account_id} is {account['status']}; this needs an open one", kind="account is not open"
        )
    return account


def in_status(row: Row, what: str, *statuses: str) -> Row:
    """The row when it is in one of these statuses, or a refusal that names the first."""
    if row["status"] not in statuses:
        wanted = " or ".join(statuses)
        raise Refusal(f"the {what} is {row['status']}; it has to be {wanted}", kind=f"{what} is not {wanted}")
    return row


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


def available(account: Row) -> float:
    """What can leave an account now: its balance and its overdraft."""
    return cents(account["balance"] + account["overdraft"])


def take(account: Row, kind: str, amount: float, **more: Any) -> Row:
    """Book an outgoing transaction on an account, or a refusal when the money is not there."""
    if available(account) < amount:
        raise Refusal(
            f"account {account['account_id']} has ${available(account):.2f} available, ${amount:.2f} is needed",
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


def next_id(db: Database, table: str, prefix: str) -> str:
    """The next free id of a table under a prefix: TR10432-1, TR10432-2, ..."""
    return f"{prefix}-{1 + sum(key.rpartition('-')[0] == prefix for key in db[table])}"
