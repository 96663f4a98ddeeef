"""Writing tools for what a customer has with the bank: contact data, and accounts that are not wanted any more."""

from __future__ import annotations

from apigen_nb.domains.banking.bank import book, check_word, find_customer, open_account
from apigen_nb.world.toolkit import Database, Refusal, Row, in_status, is_email, is_phone, tool


@tool(writes=True)
def change_email(db: Database, customer_id: str, email: str, memorable_word: str) -> Row:
    """Change the customer's e-mail address.

    Args:
        customer_id: The customer's id, like C10432.
        email: The new e-mail address.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    customer = find_customer(db, customer_id)
    is_email(email)
    if customer["email"].lower() == email.lower():
        raise Refusal(f"{customer_id} has this e-mail address already", kind="same e-mail address")
    check_word(customer, memorable_word)
    customer["email"] = email
    return {"customer_id": customer_id, "email": email}


@tool(writes=True)
def change_phone(db: Database, customer_id: str, phone: str, memorable_word: str) -> Row:
    """Change the customer's phone number.

    Args:
        customer_id: The customer's id, like C10432.
        phone: The new number, like 312-555-0147.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    customer = find_customer(db, customer_id)
    is_phone(phone)
    if customer["phone"] == phone:
        raise Refusal(f"{customer_id} has this phone number already", kind="same phone number")
    check_word(customer, memorable_word)
    customer["phone"] = phone
    return {"customer_id": customer_id, "phone": phone}


@tool(writes=True)
def close_account(db: Database, account_id: str, new_account_id: str, memorable_word: str) -> Row:
    """Close a savings account for good; what it holds moves to another account of the customer.

    Args:
        account_id: The account to close, like A48213.
        new_account_id: The account that takes over the balance.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    account, heir = open_account(db, account_id), open_account(db, new_account_id)
    if account_id == new_account_id or account["customer_id"] != heir["customer_id"]:
        raise Refusal(
            f"the balance cannot move to {new_account_id}; name another account of the same customer",
            kind="wrong account for the balance",
        )
    if account["balance"] < 0:
        raise Refusal(f"account {account_id} is overdrawn, it has to be settled first", kind="account is overdrawn")
    _is_not_needed(db, account_id)
    check_word(find_customer(db, account["customer_id"]), memorable_word)
    moved = account["balance"]
    if moved:
        book(account, "transfer out", moved)
        book(heir, "transfer in", moved)
    account["status"] = "closed"
    return {"account_id": account_id, "status": "closed", "moved": moved, "balance": heir["balance"]}


def _is_not_needed(db: Database, account_id: str) -> None:
    """A refusal when something is still paid from an account, or open about it."""
    for row in db["scheduled_payments"].values():
        if row["from_account_id"] == account_id and row["status"] != "cancelled":
            raise Refusal(f"{row['scheduled_payment_id']} is paid from {account_id}", kind="account pays something")
    for row in db["transfers"].values():
        if row["from_account_id"] == account_id and row["status"] == "pending":
            raise Refusal(f"{row['transfer_id']} from {account_id} is pending", kind="account pays something")
    for card in db["cards"].values():
        if card["account_id"] == account_id:
            in_status(card, "card of the account", "lost", "stolen", "replaced")
    for row in db["disputes"].values():
        if row["account_id"] == account_id and row["status"] == "open":
            raise Refusal(f"the dispute {row['dispute_id']} about {account_id} is open", kind="account has a dispute")
