"""Writing tools for a customer's account: address, contact, gift cards and points."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.retail.shop import find_customer, find_payment_method
from apigen_nb.world.toolkit import Database, Refusal, Row, cents, is_email, is_phone, tool

POINTS_PER_DOLLAR = 100


@tool(writes=True)
def update_customer_address(
    db: Database, customer_id: str, street: str, city: str, state: str, postal_code: str, country: Literal["US", "CA"]
) -> Row:
    """Change the address of the account, for orders to come. Orders already placed keep theirs.

    Args:
        customer_id: The customer's id, like C10432.
        street: House number and street, with flat or suite if there is one.
        city: The city.
        state: The two-letter state or province, like IL or ON.
        postal_code: The postal code, like 60614 or K1A 0B1.
        country: The country.
    """
    customer = find_customer(db, customer_id)
    address = {"street": street, "city": city, "state": state, "postal_code": postal_code, "country": country}
    if customer["address"] == address:
        raise Refusal(f"the account of {customer_id} has this address already", kind="same address")
    customer["address"] = address
    return {"customer_id": customer_id, "address": address}


@tool(writes=True)
def change_email(db: Database, customer_id: str, email: str) -> Row:
    """Change the e-mail address of the account.

    Args:
        customer_id: The customer's id, like C10432.
        email: The new e-mail address.
    """
    customer = find_customer(db, customer_id)
    is_email(email)
    if customer["email"].lower() == email.lower():
        raise Refusal(f"the account of {customer_id} has this e-mail address already", kind="same e-mail address")
    customer["email"] = email
    return {"customer_id": customer_id, "email": email}


@tool(writes=True)
def change_phone(db: Database, customer_id: str, phone: str) -> Row:
    """Change the phone number of the account.

    Args:
        customer_id: The customer's id, like C10432.
        phone: The new number, like 312-555-0147.
    """
    customer = find_customer(db, customer_id)
    is_phone(phone)
    if customer["phone"] == phone:
        raise Refusal(f"the account of {customer_id} has this phone number already", kind="same phone number")
    customer["phone"] = phone
    return {"customer_id": customer_id, "phone": phone}


@tool(writes=True)
def merge_gift_cards(db: Database, customer_id: str, payment_method_ids: list[str]) -> Row:
    """Move the balances of gift cards onto the first of them; the others stay on the account, empty.

    Args:
        customer_id: The customer's id, like C10432.
        payment_method_ids: Two or more gift cards; the first one gets the money.
    """
    customer = find_customer(db, customer_id)
    if len(set(payment_method_ids)) != len(payment_method_ids) or len(payment_method_ids) < 2:
        raise Refusal("payment_method_ids must name two or more different gift cards", kind="too few gift cards")
    cards = [find_payment_method(customer, payment_method_id) for payment_method_id in payment_method_ids]
    for card in cards:
        if card["type"] != "gift_card":
            raise Refusal(
                f"{card['payment_method_id']} is a {card['type']}; only gift cards merge", kind="not a gift card"
            )
    if not any(card["balance"] for card in cards[1:]):
        raise Refusal(
            f"there is nothing to move onto {payment_method_ids[0]}; the other cards are empty",
            kind="gift cards are empty",
        )
    cards[0]["balance"] = cents(sum(card["balance"] for card in cards))
    for card in cards[1:]:
        card["balance"] = 0.0
    return {"payment_method_id": payment_method_ids[0], "balance": cards[0]["balance"]}


@tool(writes=True)
def redeem_points(db: Database, customer_id: str, points: int) -> Row:
    """Turn loyalty points into store credit: 100 points are one dollar.

    Args:
        customer_id: The customer's id, like C10432.
        points: How many points to redeem.
    """
    customer = find_customer(db, customer_id)
    if not 0 < points <= customer["points"]:
        raise Refusal(f"{points} points cannot be redeemed, there are {customer['points']}", kind="not enough points")
    credit = next(m for m in customer["payment_methods"].values() if m["type"] == "store_credit")
    customer["points"] -= points
    credit["balance"] = cents(credit["balance"] + points / POINTS_PER_DOLLAR)
    return {
        "points": customer["points"],
        "payment_method_id": credit["payment_method_id"],
        "balance": credit["balance"],
    }


@tool(writes=True)
def restore_points(db: Database, customer_id: str) -> Row:
    """Give a customer the loyalty points back that have expired.

    Args:
        customer_id: The customer's id, like C10432.
    """
    customer = find_customer(db, customer_id)
    if not customer["expired_points"]:
        raise Refusal(f"no points of {customer_id} have expired", kind="no expired points")
    customer["points"] += customer["expired_points"]
    customer.update(expired_points=0, points_expired_on=None)
    return {"customer_id": customer_id, "points": customer["points"]}
