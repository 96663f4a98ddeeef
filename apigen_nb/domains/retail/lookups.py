"""Reading tools: who the customer is, what was ordered, what is for sale."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.retail import shop
from apigen_nb.world.toolkit import Database, Refusal, Row, cents, tool

Category = Literal["outdoor", "kitchen", "workshop", "desk", "sound"]


@tool
def find_customer_by_email(db: Database, email: str) -> Row:
    """Find a customer's id by the e-mail address of the account.

    Args:
        email: The e-mail address, in any case.
    """
    for customer in db["customers"].values():
        if customer["email"].lower() == email.strip().lower():
            return {"customer_id": customer["customer_id"]}
    raise Refusal(f"no account has the e-mail address {email}; try name and postal code", kind="no such customer")


@tool
def find_customer_by_name(db: Database, first_name: str, last_name: str, postal_code: str) -> Row:
    """Find a customer's id by name and the postal code of the account's address.

    Args:
        first_name: The first name.
        last_name: The last name.
        postal_code: The postal code, like 60614 or K1A 0B1.
    """
    wanted = [part.strip().lower() for part in (first_name, last_name, postal_code)]
    for customer in db["customers"].values():
        found = (customer["first_name"], customer["last_name"], customer["address"]["postal_code"])
        if [part.lower() for part in found] == wanted:
            return {"customer_id": customer["customer_id"]}
    raise Refusal(
        f"no customer {first_name} {last_name} at {postal_code}; try the e-mail address", kind="no such customer"
    )


@tool
def get_customer(db: Database, customer_id: str) -> Row:
    """Show an account: contact, address, tier, points, payment methods with balances, and order ids.

    Args:
        customer_id: The customer's id, like C10432.
    """
    return shop.find_customer(db, customer_id)


@tool
def list_orders(db: Database, customer_id: str) -> list[Row]:
    """List a customer's orders in short: id, date, status, total and names of the items.

    Args:
        customer_id: The customer's id, like C10432.
    """
    orders = [shop.find_order(db, order_id) for order_id in shop.find_customer(db, customer_id)["order_ids"]]
    return [
        {
            **{key: order[key] for key in ("order_id", "placed_on", "status", "total")},
            "items": [i["name"] for i in order["items"]],
        }
        for order in orders
    ]


@tool
def get_order(db: Database, order_id: str) -> Row:
    """Show an order: status, items with their own statuses, address, shipping, payments, shipment and claim ids.

    Args:
        order_id: The order's id, like #R48213.
    """
    return shop.find_order(db, order_id)


@tool
def get_shipment(db: Database, shipment_id: str) -> Row:
    """Show a parcel: carrier, tracking number, its items, status, and shipped, expected and delivered dates.

    Args:
        shipment_id: The shipment's id, like SH-60214.
    """
    return shop.find_shipment(db, shipment_id)


@tool
def get_refund_options(db: Database, order_id: str) -> Row:
    """Show what each item of an order would give back, when it was delivered, and where a refund can go.

    This does not say whether the policy allows a return.

    Args:
        order_id: The order's id, like #R48213.
    """
    order = shop.find_order(db, order_id)
    delivered = shop.delivery_dates(db, order)
    items = []
    for item in order["items"]:
        day = delivered.get(item["item_id"])
        row = {key: item[key] for key in ("item_id", "name", "status", "final_sale")}
        items.append(
            {**row, "refund": shop.paid(item), "delivered_on": day, "days_since_delivery": day and shop.days_since(day)}
        )
    methods = db["customers"][order["customer_id"]]["payment_methods"].values()
    balances = [m["payment_method_id"] for m in methods if "balance" in m]
    return {
        "order_id": order_id,
        "items": items,
        "paid_by": shop.balance_paid(order),
        "gift_cards_and_credit": balances,
    }


@tool
def get_shipping_options(db: Database, order_id: str) -> Row:
    """Show the fee of every shipping speed for an order, and what changing to it would cost or give back.

    Args:
        order_id: The order's id, like #R48213.
    """
    order = shop.find_order(db, order_id)
    tier = db["customers"][order["customer_id"]]["tier"]
    fees = {speed: shop.shipping_fee(speed, tier) for speed in shop.SHIPPING_FEES}
    options = {s: {"fee": fee, "difference": cents(fee - order["shipping_fee"])} for s, fee in fees.items()}
    return {"order_id": order_id, "shipping_speed": order["shipping_speed"], "options": options}


@tool
def list_products(db: Database, category: Category) -> list[Row]:
    """List the products of a category: id, name and lowest price.

    Args:
        category: The category.
    """
    return [_in_short(product) for product in db["products"].values() if product["category"] == category]


@tool
def search_products(db: Database, name: str) -> list[Row]:
    """Find products whose name contains these words: id, name and lowest price. The list may be empty.

    Args:
        name: One or more words of the product's name, in any case.
    """
    words = name.lower().split()
    return [_in_short(p) for p in db["products"].values() if words and all(word in p["name"].lower() for word in words)]


@tool
def get_product(db: Database, product_id: str) -> Row:
    """Show a product: warranty in months, and all its variants with options, price and whether they are available.

    Args:
        product_id: The product's id, like P-210.
    """
    return shop.find_product(db, product_id)


@tool
def get_claim(db: Database, claim_id: str) -> Row:
    """Show a warranty claim: item, problem, remedy and status.

    Args:
        claim_id: The claim's id, like WC-48213-1.
    """
    return shop.find_claim(db, claim_id)


def _in_short(product: Row) -> Row:
    lowest = min(variant["price"] for variant in product["variants"].values())
    return {"product_id": product["product_id"], "name": product["name"], "price_from": lowest}
