"""Writing tools for orders that are still pending: cancel, change items, address, payment and speed."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.retail import shop
from apigen_nb.world.toolkit import Database, Refusal, Row, cents, tool

Reason = Literal["no longer needed", "ordered by mistake", "found cheaper", "arrives too late"]


@tool(writes=True)
def cancel_order(db: Database, order_id: str, cancel_reason: Reason) -> Row:
    """Cancel a whole pending order; everything paid goes back to the methods that paid it.

    Args:
        order_id: The order's id, like #R48213.
        cancel_reason: Why the customer cancels.
    """
    order = shop.order_in(db, order_id, "pending")
    for item in order["items"]:
        item["status"] = "cancelled"
    order.update(status="cancelled", cancel_reason=cancel_reason, shipping_fee=0.0)
    refunds = shop.refund_all(db, order)
    return {"order_id": order_id, "status": "cancelled", "refunds": refunds}


@tool(writes=True)
def swap_items(
    db: Database, order_id: str, item_ids: list[str], new_variant_ids: list[str], payment_method_id: str
) -> Row:
    """Replace items of a pending order by other variants; the price difference is charged or refunded. Discounts stay.

    Args:
        order_id: The order's id, like #R48213.
        item_ids: The items to replace, like 48213-1.
        new_variant_ids: The variant for each of these items, in the same order, like sku-210-03.
        payment_method_id: The payment method that the difference is charged to or refunded to.
    """
    order = shop.order_in(db, order_id, "pending")
    items = shop.find_items(order, item_ids, "ordered")
    difference = 0.0
    for item, variant_id in zip(items, pairs(item_ids, new_variant_ids), strict=True):
        if item["variant_id"] == variant_id:
            raise Refusal(
                f"item {item['item_id']} is {variant_id} already; choose another variant", kind="same variant"
            )
        new = shop.line(*shop.find_variant(db, variant_id), item["item_id"], "ordered")
        new.update(discount=min(item["discount"], new["price"]), final_sale=item["final_sale"])
        difference += shop.paid(new) - shop.paid(item)
        item.update(new)
    order["items_changed"] = True
    return shop.settle(db, order, payment_method_id, cents(difference))


@tool(writes=True)
def add_item(db: Database, order_id: str, variant_id: str, payment_method_id: str) -> Row:
    """Add one piece of a variant to a pending order; its price is charged.

    Args:
        order_id: The order's id, like #R48213.
        variant_id: The variant to add, like sku-210-03.
        payment_method_id: The payment method that is charged.
    """
    order = shop.order_in(db, order_id, "pending")
    new = shop.line(*shop.find_variant(db, variant_id), shop.next_item_id(order), "ordered")
    order["items"].append(new)
    order["items_changed"] = True
    return {**shop.settle(db, order, payment_method_id, new["price"]), "item_id": new["item_id"]}


@tool(writes=True)
def remove_items(db: Database, order_id: str, item_ids: list[str], payment_method_id: str) -> Row:
    """Take items out of a pending order; what was paid for them is refunded. At least one item has to stay.

    Args:
        order_id: The order's id, like #R48213.
        item_ids: The items to take out, like 48213-1.
        payment_method_id: The payment method that the refund goes to.
    """
    order = shop.order_in(db, order_id, "pending")
    items = shop.find_items(order, item_ids, "ordered")
    if len(items) == sum(item["status"] == "ordered" for item in order["items"]):
        raise Refusal(f"no item would be left in {order_id}; cancel the order instead", kind="no item would be left")
    for item in items:
        item["status"] = "cancelled"
    order["items_changed"] = True
    return shop.settle(db, order, payment_method_id, -sum(shop.paid(item) for item in items))


@tool(writes=True)
def change_order_address(
    db: Database, order_id: str, street: str, city: str, state: str, postal_code: str, country: Literal["US", "CA"]
) -> Row:
    """Send a pending order to another address. The address of the account stays as it is.

    Args:
        order_id: The order's id, like #R48213.
        street: House number and street, with flat or suite if there is one.
        city: The city.
        state: The two-letter state or province, like IL or ON.
        postal_code: The postal code, like 60614 or K1A 0B1.
        country: The country.
    """
    order = shop.order_in(db, order_id, "pending")
    address = {"street": street, "city": city, "state": state, "postal_code": postal_code, "country": country}
    if order["ship_to"] == address:
        raise Refusal(f"order {order_id} goes to this address already", kind="same address")
    order["ship_to"] = address
    return {"order_id": order_id, "ship_to": address}


@tool(writes=True)
def change_order_payment(db: Database, order_id: str, payment_method_id: str) -> Row:
    """Charge the whole of a pending order to another payment method; what was paid before is refunded.

    Args:
        order_id: The order's id, like #R48213.
        payment_method_id: The payment method that is to pay.
    """
    order = shop.order_in(db, order_id, "pending")
    customer = shop.find_customer(db, order["customer_id"])
    shop.find_payment_method(customer, payment_method_id)
    if list(shop.balance_paid(order)) == [payment_method_id]:
        raise Refusal(f"order {order_id} is paid by {payment_method_id} already", kind="same payment method")
    due = order["total"]
    refunds = shop.refund_all(db, order)
    return {**shop.settle(db, order, payment_method_id, due), "refunds": refunds}


@tool(writes=True)
def change_shipping_speed(
    db: Database, order_id: str, shipping_speed: Literal["economy", "standard", "express"], payment_method_id: str
) -> Row:
    """Ship a pending order at another speed; the difference of the fees is charged or refunded.

    Args:
        order_id: The order's id, like #R48213.
        shipping_speed: The new speed.
        payment_method_id: The payment method that the difference is charged to or refunded to.
    """
    order = shop.order_in(db, order_id, "pending")
    if order["shipping_speed"] == shipping_speed:
        raise Refusal(f"order {order_id} ships {shipping_speed} already", kind="same shipping speed")
    customer = shop.find_customer(db, order["customer_id"])
    before, fee = order["shipping_fee"], shop.shipping_fee(shipping_speed, customer["tier"])
    order.update(shipping_speed=shipping_speed, shipping_fee=fee)
    return shop.settle(db, order, payment_method_id, cents(fee - before))


def pairs(item_ids: list[str], new_variant_ids: list[str]) -> list[str]:
    """The new variants when there is one for each item, or a refusal."""
    if len(item_ids) != len(new_variant_ids):
        raise Refusal(
            f"{len(item_ids)} item_ids but {len(new_variant_ids)} new_variant_ids; give one variant per item",
            kind="items and variants do not pair up",
        )
    return new_variant_ids
