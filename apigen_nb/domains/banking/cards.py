"""Writing tools for cards: freeze, activate, report, replace, and the daily limit."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.banking.bank import TODAY, check_word, find_card, find_customer, open_account
from apigen_nb.world.toolkit import Database, Refusal, Row, in_status, next_id, tool


@tool(writes=True)
def freeze_card(db: Database, card_id: str) -> Row:
    """Freeze an active card at once. It can be put to use again later.

    Args:
        card_id: The card's id, like K48213-1.
    """
    card = in_status(find_card(db, card_id), "card", "active")
    card["status"] = "frozen"
    return card


@tool(writes=True)
def activate_card(db: Database, card_id: str, memorable_word: str) -> Row:
    """Put an inactive card to use, or a frozen one again.

    Args:
        card_id: The card's id, like K48213-1.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    card = in_status(find_card(db, card_id), "card", "inactive", "frozen")
    check_word(find_customer(db, card["customer_id"]), memorable_word)
    open_account(db, card["account_id"])
    card["status"] = "active"
    return card


@tool(writes=True)
def report_card(db: Database, card_id: str, loss: Literal["lost", "stolen"]) -> Row:
    """Block an active or frozen card that is gone, for good. A replacement is ordered on its own.

    Args:
        card_id: The card's id, like K48213-1.
        loss: What happened to it.
    """
    card = in_status(find_card(db, card_id), "card", "active", "frozen")
    card["status"] = loss
    return card


@tool(writes=True)
def replace_card(db: Database, card_id: str) -> Row:
    """Order a new card for one that was reported lost or stolen. It comes by post and has to be put to use.

    Args:
        card_id: The id of the card that is gone, like K48213-1.
    """
    card = in_status(find_card(db, card_id), "card", "lost", "stolen")
    open_account(db, card["account_id"])
    customer = find_customer(db, card["customer_id"])
    new_id = next_id(db["cards"], card_id.rpartition("-")[0])
    brand, last_four = customer["cards"][card_id]["name"].split(" ending ")
    card["status"] = "replaced"
    new = {**card, "card_id": new_id, "status": "inactive", "issued_on": TODAY.isoformat()}
    db["cards"][new_id] = new
    customer["cards"][new_id] = {"name": f"{brand} ending {(int(last_four) * 7 + 1931) % 10_000:04}"}
    return new


@tool(writes=True)
def set_card_limit(
    db: Database, card_id: str, daily_limit: Literal[250, 500, 1000, 2000, 5000], memorable_word: str
) -> Row:
    """Set what an active card can spend a day, higher or lower.

    Args:
        card_id: The card's id, like K48213-1.
        daily_limit: The new limit in dollars.
        memorable_word: One of the customer's memorable words, as the customer tells it.
    """
    card = in_status(find_card(db, card_id), "card", "active")
    if card["daily_limit"] == daily_limit:
        raise Refusal(f"card {card_id} has the limit ${daily_limit} already", kind="same limit")
    check_word(find_customer(db, card["customer_id"]), memorable_word)
    before, card["daily_limit"] = card["daily_limit"], daily_limit
    return {**card, "limit_before": before}
