"""Writing tools for orders on their way or delivered: return, exchange, warranty, lost parcels."""

from __future__ import annotations

from typing import Literal

from apigen_nb.domains.retail import shop
from apigen_nb.domains.retail.pending import pairs
from apigen_nb.world.toolkit import Database, Refusal, Row, tool

Problem = Literal["stopped working", "broken part", "missing part", "worn out early"]


@tool(writes=True)
def return_items(db: Database, order_id: str, item_ids: list[str], payment_method_id: str) -> Row:
    """Take back delivered items and refund what was paid for them; shipping is not refunded.

    Args:
        order_id: The order's id, like #R48213.
        item_ids: The items to return, like 48213-1.
        payment_method_id: The payment method that the refund goes to.
    """
    order = shop.order_in(db, order_id, "delivered")
    items = shop.find_items(order, item_ids, "delivered")
    for item in items:
        item["status"] = "return_requested"
    return shop.settle(db, order, payment_method_id, -sum(shop.paid(item) for item in items))


@tool(writes=True)
def exchange_items(
    db: Database, order_id: str, item_ids: list[str], new_variant_ids: list[str], payment_method_id: str
) -> Row:
    """Exchange delivered items for other variants; the new items join the order and the price difference is settled.

    Args:
        order_id: The order's id, like #R48213.
        item_ids: The items to send back, like 48213-1.
        new_variant_ids: The variant for each of these items, in the same order, like sku-210-03.
        payment_method_id: The payment method that the difference is charged to or refunded to.
    """
    order = shop.order_in(db, order_id, "delivered")
    items = shop.find_items(order, item_ids, "delivered")
    difference, added = 0.0, []
    for item, variant_id in zip(items, pairs(item_ids, new_variant_ids), strict=True):
        product, variant = shop.find_variant(db, variant_id)
        new = shop.line(
            product, variant, shop.next_item_id(order), "exchange_ordered", min(item["discount"], variant["price"])
        )
        difference += shop.paid(new) - shop.paid(item)
        item["status"] = "exchange_requested"
        order["items"].append(new)
        added.append(new["item_id"])
    settled = shop.settle(db, order, payment_method_id, difference)
    return {**settled, "new_item_ids": added}


@tool(writes=True)
def file_warranty_claim(
    db: Database, order_id: str, item_id: str, problem: Problem, remedy: Literal["repair", "replacement"]
) -> Row:
    """Open a warranty claim for one delivered item.

    Args:
        order_id: The order's id, like #R48213.
        item_id: The faulty item, like 48213-1.
        problem: What is wrong with it.
        remedy: What the customer gets.
    """
    order = shop.order_in(db, order_id, "delivered")
    shop.find_items(order, [item_id], "delivered")
    for known in order["claim_ids"]:
        if db["claims"][known]["item_id"] == item_id and db["claims"][known]["status"] == "open":
            raise Refusal(f"item {item_id} has the open claim {known} already", kind="claim is open already")
    claim_id = f"WC-{order_id.removeprefix('#R')}-{len(order['claim_ids']) + 1}"
    claim = {
        "claim_id": claim_id,
        "order_id": order_id,
        "item_id": item_id,
        "problem": problem,
        "remedy": remedy,
        "status": "open",
        "filed_on": shop.TODAY.isoformat(),
    }
    db["claims"][claim_id] = claim
    order["claim_ids"].append(claim_id)
    return claim


@tool(writes=True)
def report_lost_parcel(
    db: Database, shipment_id: str, lost_remedy: Literal["reship", "refund"], payment_method_id: str
) -> Row:
    """Declare a parcel in transit lost, and send its items again or refund them.

    Args:
        shipment_id: The shipment's id, like SH-60214.
        lost_remedy: "reship" sends the items again at no cost, "refund" gives back what was paid for them.
        payment_method_id: The payment method that a refund goes to; not used when the items are sent again.
    """
    shipment = shop.find_shipment(db, shipment_id)
    if shipment["status"] != "in transit":
        raise Refusal(
            f"parcel {shipment_id} is {shipment['status']}; only one in transit can be lost",
            kind="parcel is not in transit",
        )
    order = shop.find_order(db, shipment["order_id"])
    items = [item for item in order["items"] if item["item_id"] in shipment["item_ids"]]
    shipment["status"] = "lost"
    for item in items:
        item["status"] = "reshipping" if lost_remedy == "reship" else "lost"
    back = sum(shop.paid(item) for item in items) if lost_remedy == "refund" else 0.0
    return shop.settle(db, order, payment_method_id, -back)
