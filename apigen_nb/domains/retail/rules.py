"""The policy of Larkmoor that code can check; a docstring is what is shown when it is broken."""

from __future__ import annotations

from contextlib import suppress

from apigen_nb.domains.retail.shop import balance_paid, days_since, delivery_dates, find_variant
from apigen_nb.world.toolkit import Refusal, Row, Step, did, named, rule

ITEM_CHANGES = ("swap_items", "add_item", "remove_items")
PENDING = (*ITEM_CHANGES, "cancel_order", "change_order_address", "change_order_payment", "change_shipping_speed")
SENT_BACK = ("return_requested", "returned", "exchange_requested", "exchanged")
SPEEDS = ("economy", "standard", "express")
CONTACT = ("change_email", "change_phone")
BALANCES = ("merge_gift_cards", "redeem_points")


@rule(*PENDING, "return_items", "exchange_items", "file_warranty_claim")
def own_order(step: Step) -> bool:
    """One conversation serves one customer: the order must be that customer's own."""
    return _order(step).get("customer_id") == step.user


@rule("report_lost_parcel")
def own_parcel(step: Step) -> bool:
    """One conversation serves one customer: the parcel must belong to an order of that customer."""
    return _order(step).get("customer_id") == step.user


@rule("update_customer_address", *CONTACT, *BALANCES, "restore_points")
def own_account(step: Step) -> bool:
    """One conversation serves one customer: only that customer's account is changed."""
    return step.arguments.get("customer_id") == step.user


@rule(*ITEM_CHANGES)
def items_change_once(step: Step) -> bool:
    """The items of a pending order are changed once: by one call of swap_items, add_item or remove_items."""
    return not _order(step).get("items_changed")


@rule("cancel_order")
def changed_order_stands(step: Step) -> bool:
    """A pending order whose items have been changed goes straight to packing and is not cancelled any more."""
    return not _order(step).get("items_changed")


@rule("cancel_order")
def express_order_stands(step: Step) -> bool:
    """An express order is packed at once and is not cancelled."""
    return _order(step).get("shipping_speed") != "express"


@rule("change_shipping_speed")
def speed_only_goes_up(step: Step) -> bool:
    """Shipping gets faster, never slower: economy, standard, express."""
    old, new = _order(step).get("shipping_speed"), step.arguments.get("shipping_speed")
    return old in SPEEDS and new in SPEEDS and SPEEDS.index(new) > SPEEDS.index(old)


@rule("swap_items", "exchange_items")
def same_product(step: Step) -> bool:
    """An item is swapped or exchanged for another variant of the same product only."""
    products = {item["item_id"]: item["product_id"] for item in _items(step)}
    wanted = zip(step.arguments.get("item_ids", ()), step.arguments.get("new_variant_ids", ()), strict=False)
    return all(products.get(item_id) == _product_of(step, variant_id) for item_id, variant_id in wanted)


@rule("change_order_payment")
def split_payment_stays(step: Step) -> bool:
    """An order paid by more than one payment method keeps them."""
    order = _order(step)
    return not order or len(balance_paid(order)) <= 1


@rule("change_order_address", "update_customer_address")
def same_country(step: Step) -> bool:
    """An address is changed inside its country only."""
    customer = named(step, "customers", "customer_id")
    address = _order(step).get("ship_to") or customer.get("address") or {}
    return address.get("country") == step.arguments.get("country")


@rule("swap_items", "remove_items", "change_shipping_speed", "return_items", "exchange_items", "report_lost_parcel")
def refund_goes_back(step: Step) -> bool:
    """A refund goes to a payment method that paid for the order, or to a gift card or store credit of the customer."""
    if not isinstance(step.result, dict) or not step.result.get("refunded"):
        return True
    order, target = _order(step), step.arguments.get("payment_method_id")
    methods = step.before["customers"].get(order.get("customer_id", ""), {}).get("payment_methods", {})
    return target in balance_paid(order) or "balance" in methods.get(target, {})


@rule("return_items", "exchange_items")
def return_window(step: Step) -> bool:
    """Items are returned or exchanged within 30 days of their delivery, within 45 days by gold members."""
    customer = step.before["customers"].get(_order(step).get("customer_id", ""), {})
    return all(_age(step, item) <= (45 if customer.get("tier") == "gold" else 30) for item in _items(step))


@rule("return_items", "exchange_items")
def final_sale_stays(step: Step) -> bool:
    """Items sold as final sale are neither returned nor exchanged."""
    return not any(item["final_sale"] for item in _items(step))


@rule("return_items", "exchange_items")
def sent_back_once(step: Step) -> bool:
    """An order has one return or one exchange, never a second and never both."""
    return not any(item["status"] in SENT_BACK for item in _order(step).get("items", ()))


@rule("return_items", "exchange_items")
def claimed_item_stays(step: Step) -> bool:
    """An item with an open warranty claim is neither returned nor exchanged."""
    claims = [step.before["claims"].get(claim_id, {}) for claim_id in _order(step).get("claim_ids", ())]
    claimed = {claim.get("item_id") for claim in claims if claim.get("status") == "open"}
    return not any(item["item_id"] in claimed for item in _items(step))


@rule("return_items")
def large_refund_needs_person(step: Step) -> bool:
    """A return of more than $500 is decided by a person: transfer_to_human."""
    return not isinstance(step.result, dict) or step.result.get("refunded", 0.0) <= 500.0


@rule("file_warranty_claim")
def warranty_in_force(step: Step) -> bool:
    """A warranty claim is filed within the product's warranty, counted from delivery, a month being 30 days."""
    products = step.before["products"]
    return all(
        _age(step, item) <= 30 * products.get(item["product_id"], {}).get("warranty_months", 0) for item in _items(step)
    )


@rule("file_warranty_claim")
def replacement_while_young(step: Step) -> bool:
    """A warranty replacement is for items delivered in the last 180 days; older ones are repaired."""
    return step.arguments.get("remedy") != "replacement" or all(_age(step, item) <= 180 for item in _items(step))


@rule("report_lost_parcel")
def parcel_is_late(step: Step) -> bool:
    """A parcel is declared lost five or more days after the day it was expected."""
    shipment = named(step, "shipments", "shipment_id")
    return bool(shipment) and days_since(shipment["expected_on"]) >= 5


@rule("change_email")
def email_is_free(step: Step) -> bool:
    """An e-mail address belongs to one account: it must not be in use by another customer."""
    wanted, own = str(step.arguments.get("email", "")).lower(), step.arguments.get("customer_id")
    return not any(c["email"].lower() == wanted for c in step.before["customers"].values() if c["customer_id"] != own)


@rule(*CONTACT)
def one_contact_change(step: Step) -> bool:
    """E-mail address and phone number are not both changed, nor one of them twice, in one conversation."""
    return not did(step, CONTACT)


@rule(*CONTACT, *BALANCES)
def contact_or_balances(step: Step) -> bool:
    """A conversation that changes e-mail address or phone does not merge gift cards or redeem points, in any order."""
    return not did(step, BALANCES if step.name in CONTACT else CONTACT)


@rule("merge_gift_cards")
def gift_card_limit(step: Step) -> bool:
    """A gift card holds at most $500 after cards are merged."""
    return not isinstance(step.result, dict) or step.result.get("balance", 0.0) <= 500.0


@rule("redeem_points")
def points_in_blocks(step: Step) -> bool:
    """Points are redeemed in blocks of 500."""
    points = step.arguments.get("points", 0)
    return isinstance(points, int) and points % 500 == 0


@rule("redeem_points")
def redeem_once(step: Step) -> bool:
    """Points are redeemed once in a conversation."""
    return not did(step, ("redeem_points",))


@rule("redeem_points")
def restored_points_wait(step: Step) -> bool:
    """Points are not redeemed in the conversation that restored expired points."""
    return not did(step, ("restore_points",))


@rule("restore_points")
def expired_lately(step: Step) -> bool:
    """Expired points are restored within 60 days of the day they expired."""
    day = named(step, "customers", "customer_id").get("points_expired_on")
    return day is not None and days_since(day) <= 60


def _order(step: Step) -> Row:
    """The order a call is about, as it was before, found by its id or by its parcel's; {} when there is none."""
    shipment = named(step, "shipments", "shipment_id")
    row: Row = step.before["orders"].get(step.arguments.get("order_id") or shipment.get("order_id", ""), {})
    return row


def _items(step: Step) -> list[Row]:
    """The items a call names, as they were before."""
    named = {*step.arguments.get("item_ids", ()), step.arguments.get("item_id")}
    return [item for item in _order(step).get("items", ()) if item["item_id"] in named]


def _age(step: Step, item: Row) -> float:
    """Days since an item was delivered; endless when it was not."""
    day = delivery_dates(step.before, _order(step)).get(item["item_id"])
    return float("inf") if day is None else days_since(day)


def _product_of(step: Step, variant_id: str) -> str | None:
    with suppress(Refusal):
        return str(find_variant(step.before, variant_id)[0]["product_id"])
    return None
