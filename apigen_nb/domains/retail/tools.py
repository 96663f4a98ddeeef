"""The tools of Larkmoor, a shop for outdoor, kitchen, workshop, desk and sound gear; one module per concept."""

from __future__ import annotations

from apigen_nb.domains.retail.accounts import (
    change_email,
    change_phone,
    merge_gift_cards,
    redeem_points,
    restore_points,
    update_customer_address,
)
from apigen_nb.domains.retail.aftersales import exchange_items, file_warranty_claim, report_lost_parcel, return_items
from apigen_nb.domains.retail.lookups import (
    find_customer_by_email,
    find_customer_by_name,
    get_claim,
    get_customer,
    get_order,
    get_product,
    get_refund_options,
    get_shipment,
    get_shipping_options,
    list_orders,
    list_products,
    search_products,
)
from apigen_nb.domains.retail.pending import (
    add_item,
    cancel_order,
    change_order_address,
    change_order_payment,
    change_shipping_speed,
    remove_items,
    swap_items,
)
from apigen_nb.domains.retail.shop import TODAY
from apigen_nb.world.toolkit import Database, tool

SERVICE = f"the customer service of Larkmoor, an online shop; today is {TODAY}"


@tool(ends=True)
def transfer_to_human(db: Database, summary: str) -> str:
    """Hand the conversation over to a person, when the policy says so. It ends here.

    Args:
        summary: What the customer wants and what has been done, in one or two sentences.
    """
    return "A person takes over."
