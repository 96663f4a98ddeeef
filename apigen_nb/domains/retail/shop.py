"""What tools and rules of the shop share: the date, finding rows or refusing, and moving money on an order."""

from __future__ import annotations

from datetime import datetime

from apigen_nb.world.toolkit import Clock, Database, Refusal, Row, cents, in_status, lookup

CLOCK = Clock(datetime(2026, 5, 18))
TODAY, days_since = CLOCK.today, CLOCK.days_since
SHIPPING_FEES = {"economy": 3.5, "standard": 6.5, "express": 14.0}
GONE = ("cancelled", "return_requested", "returned", "exchange_requested", "lost")
"""Statuses of items that the customer no longer pays for."""

find_customer = lookup("customers", "find the id by e-mail, or by name and postal code")
find_order = lookup("orders", "order ids look like #R48213")
find_shipment = lookup("shipments", "an order lists its shipment_ids")
find_product = lookup("products", "find it with search_products or list_products")
find_claim = lookup("claims", "an order lists its claim_ids")


def order_in(db: Database, order_id: str, status: str) -> Row:
    """The order's row when it has this status, or a refusal."""
    hint = f"this needs a {status} order"
    return in_status(find_order(db, order_id), "order", status, name=f"order {order_id}", hint=hint)


def find_items(order: Row, item_ids: list[str], status: str) -> list[Row]:
    """These items of the order, all in this status, or a refusal."""
    rows = {item["item_id"]: item for item in order["items"]}
    if not item_ids or len(set(item_ids)) != len(item_ids):
        raise Refusal("item_ids must name at least one item, and none of them twice", kind="bad list of items")
    for item_id in item_ids:
        if item_id not in rows:
            raise Refusal(
                f"no item {item_id} in {order['order_id']}; it has {', '.join(rows)}", kind="no such item in the order"
            )
        in_status(rows[item_id], "item", status, name=f"item {item_id}", hint=f"this needs {status} items")
    return [rows[item_id] for item_id in item_ids]


def find_variant(db: Database, variant_id: str) -> tuple[Row, Row]:
    """The product and its variant that is for sale under this id, or a refusal."""
    product_id = variant_id.rsplit("-", 1)[0].replace("sku", "P", 1)  # sku-210-03 is a variant of P-210
    product = db["products"].get(product_id)
    if product is None or variant_id not in product["variants"]:
        raise Refusal(f"no variant {variant_id}; get_product lists a product's variants", kind="no such variant")
    variant = product["variants"][variant_id]
    if not variant["available"]:
        raise Refusal(f"variant {variant_id} is sold out; choose one that is available", kind="variant is sold out")
    return product, variant


def find_payment_method(customer: Row, payment_method_id: str) -> Row:
    """A payment method on the customer's account, or a refusal."""
    methods = customer["payment_methods"]
    if payment_method_id not in methods:
        raise Refusal(
            f"no payment method {payment_method_id} for {customer['customer_id']}; there are {', '.join(methods)}",
            kind="no such payment method",
        )
    method: Row = methods[payment_method_id]
    return method


def delivery_dates(db: Database, order: Row) -> dict[str, str | None]:
    """The day each item of the order was delivered: item id → ISO date, or None while it is on its way."""
    parcels = [db["shipments"][shipment_id] for shipment_id in order["shipment_ids"]]
    return {item_id: parcel["delivered_on"] for parcel in parcels for item_id in parcel["item_ids"]}


def paid(item: Row) -> float:
    """What the customer pays for an item, its discount taken off."""
    return cents(item["price"] - item["discount"])


def balance_paid(order: Row) -> dict[str, float]:
    """What each payment method has paid for the order so far, refunds taken off."""
    sums: dict[str, float] = {}
    for payment in order["payments"]:
        sign = 1 if payment["kind"] == "charge" else -1
        method = payment["payment_method_id"]
        sums[method] = cents(sums.get(method, 0.0) + sign * payment["amount"])
    return {method: amount for method, amount in sums.items() if amount > 0}


def shipping_fee(speed: str, tier: str) -> float:
    """The fee of a shipping speed; gold members pay for express only."""
    return 0.0 if tier == "gold" and speed != "express" else SHIPPING_FEES[speed]


def settle(db: Database, order: Row, payment_method_id: str, difference: float) -> Row:
    """Charge a positive difference to the method, refund a negative one to it, bring the total up to date, and say so.
    A refusal when a stored balance does not cover a charge."""
    customer = find_customer(db, order["customer_id"])
    method, amount = find_payment_method(customer, payment_method_id), cents(abs(difference))
    if "balance" in method and difference > 0 and method["balance"] < amount:
        raise Refusal(
            f"{payment_method_id} holds ${method['balance']:.2f}, ${amount:.2f} is due; choose another payment method",
            kind="balance too low",
        )
    if amount:
        if "balance" in method:
            method["balance"] = cents(method["balance"] - difference)
        kind = "charge" if difference > 0 else "refund"
        order["payments"].append({"payment_method_id": payment_method_id, "kind": kind, "amount": amount})
    order["total"] = total(order)
    charged, refunded = (amount, 0.0) if difference > 0 else (0.0, amount)
    return {"order_id": order["order_id"], "charged": charged, "refunded": refunded, "new_total": order["total"]}


def refund_all(db: Database, order: Row) -> list[Row]:
    """Give back everything that was paid for the order, each amount to the method that paid it."""
    refunds = []
    for method, amount in balance_paid(order).items():
        settle(db, order, method, -amount)
        refunds.append({"payment_method_id": method, "amount": amount})
    return refunds


def total(order: Row) -> float:
    """What the order costs now: items that are still the customer's, and shipping."""
    items = sum(paid(item) for item in order["items"] if item["status"] not in GONE)
    return cents(items + order["shipping_fee"])


def line(product: Row, variant: Row, item_id: str, status: str, discount: float = 0.0, final_sale: bool = False) -> Row:
    """An item of an order: one piece of one variant."""
    return {
        "item_id": item_id,
        "product_id": product["product_id"],
        "variant_id": variant["variant_id"],
        "name": product["name"],
        "options": dict(variant["options"]),
        "price": variant["price"],
        "discount": discount,
        "final_sale": final_sale,
        "status": status,
    }


def next_item_id(order: Row) -> str:
    """The next free item id of the order: 48213-1, 48213-2, ..."""
    number = order["order_id"].removeprefix("#R")
    return f"{number}-{1 + max(int(item['item_id'].split('-')[1]) for item in order['items'])}"
