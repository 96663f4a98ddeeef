"""Writing tools for disputes of card transactions."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.banking import bank
from apigen_nb.world.toolkit import Database, Refusal, Row, in_status, next_id, tool

Reason = Literal["not recognized", "charged twice", "wrong amount", "goods not received"]
PROVISIONAL_UP_TO = 100.0


@tool(writes=True)
def dispute_transaction(db: Database, transaction_id: str, dispute_reason: Reason) -> Row:
    """Open a dispute of a posted card transaction. Up to $100 are credited provisionally at once, more is not.

    Args:
        transaction_id: The transaction's id, like T48213-3.
        dispute_reason: Why the customer disputes it.
    """
    account, transaction = bank.find_transaction(db, transaction_id)
    if transaction["kind"] != "purchase":
        raise Refusal(
            f"transaction {transaction_id} is a {transaction['kind']}; only card transactions are disputed",
            kind="not a card transaction",
        )
    in_status(transaction, "transaction", "posted")
    bank.open_account(db, account["account_id"])
    dispute_id = next_id(db["disputes"], account["account_id"].replace("A", "D", 1))
    transaction.update(status="disputed", dispute_id=dispute_id)
    dispute = new_dispute(account, transaction, dispute_reason)
    if dispute["provisional_credit"]:
        bank.book(account, "provisional credit", dispute["provisional_credit"])
    db["disputes"][dispute_id] = dispute
    return dispute


def new_dispute(account: Row, transaction: Row, dispute_reason: str) -> Row:
    """A dispute, opened today, of a transaction that has its `dispute_id` already."""
    amount = transaction["amount"]
    return {
        "dispute_id": transaction["dispute_id"],
        "customer_id": account["customer_id"],
        "account_id": account["account_id"],
        "transaction_id": transaction.get("transaction_id", ""),
        "dispute_reason": dispute_reason,
        "disputed_amount": amount,
        "provisional_credit": amount if amount <= PROVISIONAL_UP_TO else 0.0,
        "status": "open",
        "opened_on": bank.TODAY.isoformat(),
    }


@tool(writes=True)
def withdraw_dispute(db: Database, dispute_id: str) -> Row:
    """Take back an open dispute; a provisional credit goes back to the bank.

    Args:
        dispute_id: The dispute's id, like D48213-1.
    """
    dispute = in_status(bank.find_dispute(db, dispute_id), "dispute", "open")
    account = bank.open_account(db, dispute["account_id"])
    if dispute["provisional_credit"]:
        bank.take(account, "credit taken back", dispute["provisional_credit"])
    bank.find_transaction(db, dispute["transaction_id"])[1]["status"] = "posted"
    dispute["status"] = "withdrawn"
    return {**dispute, "balance": account["balance"]}
