"""Reading tools: who the customer is, and what there is to see. None of them shows a memorable word."""

from __future__ import annotations

from apigen_nb.domains.banking.bank import find_account, find_card, find_customer, find_dispute
from apigen_nb.world.toolkit import Database, Refusal, Row, tool

SECRET = "memorable_words"


@tool
def find_customer_by_email(db: Database, email: str) -> Row:
    """Find a customer's id by the e-mail address.

    Args:
        email: The e-mail address, in any case.
    """
    for customer in db["customers"].values():
        if customer["email"].lower() == email.strip().lower():
            return {"customer_id": customer["customer_id"]}
    raise Refusal(f"no customer has the e-mail address {email}; try the phone number", kind="no such customer")


@tool
def find_customer_by_phone(db: Database, phone: str) -> Row:
    """Find a customer's id by the phone number.

    Args:
        phone: The phone number, like 312-555-0147.
    """
    for customer in db["customers"].values():
        if customer["phone"] == phone.strip():
            return {"customer_id": customer["customer_id"]}
    raise Refusal(f"no customer has the phone number {phone}; try the e-mail address", kind="no such customer")


@tool
def get_customer(db: Database, customer_id: str) -> Row:
    """Show a customer: contact, tier, identity level, daily limit, accounts and cards by name, payees, waiting bills.

    Args:
        customer_id: The customer's id, like C10432.
    """
    return {key: value for key, value in find_customer(db, customer_id).items() if key != SECRET}


@tool
def get_account(db: Database, account_id: str) -> Row:
    """Show an account: kind, status, balance, overdraft, when it was opened, and its transactions, oldest first.

    Args:
        account_id: The account's id, like A48213.
    """
    return find_account(db, account_id)


@tool
def get_card(db: Database, card_id: str) -> Row:
    """Show a card: its account, status, daily limit, and when it was issued.

    Args:
        card_id: The card's id, like K48213-1.
    """
    return find_card(db, card_id)


@tool
def list_payments(db: Database, customer_id: str) -> Row:
    """List a customer's transfers, between own accounts and to payees, and the scheduled payments.

    Args:
        customer_id: The customer's id, like C10432.
    """
    find_customer(db, customer_id)
    return {
        table: [row for row in db[table].values() if row["customer_id"] == customer_id]
        for table in ("transfers", "scheduled_payments")
    }


@tool
def get_dispute(db: Database, dispute_id: str) -> Row:
    """Show a dispute: transaction, reason, amount, provisional credit, status and when it was opened.

    Args:
        dispute_id: The dispute's id, like D48213-1.
    """
    return find_dispute(db, dispute_id)
