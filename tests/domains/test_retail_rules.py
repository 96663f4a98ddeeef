"""Every rule of the shop: a call that breaks it, and a neighbouring call that keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from apigen_nb.domains.retail.shop import TODAY
from apigen_nb.records import Action
from apigen_nb.world.domain import Domain, Step
from tests.domains.small_domain import call

Shop = Callable[[dict[str, Any]], Domain]
CANADA = {"street": "2 Ash Way", "city": "Perth", "state": "ON", "postal_code": "K7H 1A1", "country": "CA"}
ILLINOIS = {"street": "2 Ash Way", "city": "Perth", "state": "IL", "postal_code": "60601", "country": "US"}


def day(age: int) -> str:
    return (TODAY - timedelta(days=age)).isoformat()


@dataclass
class Case:
    """`action` breaks `rule` for this user, after the earlier actions, in a shop with these changes. `kept` does not;
    it is the same action for C1, in the unchanged shop and with nothing before it, unless given."""

    rule: str
    action: Action
    changes: dict[str, Any] = field(default_factory=dict)
    earlier: tuple[Action, ...] = ()
    user: str = "C1"
    kept: Action | None = None


CANCEL = call("cancel_order", order_id="#R1", cancel_reason="no longer needed")
REMOVE = call("remove_items", order_id="#R1", item_ids=["1-1"], payment_method_id="visa-1")
ADD = call("add_item", order_id="#R1", variant_id="sku-2-02", payment_method_id="visa-1")
LOST = call("report_lost_parcel", shipment_id="SH-3", lost_remedy="reship", payment_method_id="visa-1")
RETURN = call("return_items", order_id="#R2", item_ids=["2-1"], payment_method_id="visa-1")
RETURN_TENT = call("return_items", order_id="#R2", item_ids=["2-2"], payment_method_id="visa-1")
REPAIR = call("file_warranty_claim", order_id="#R2", item_id="2-1", problem="broken part", remedy="repair")
REPLACE = call("file_warranty_claim", order_id="#R2", item_id="2-1", problem="broken part", remedy="replacement")
PHONE = call("change_phone", customer_id="C1", phone="312-555-0100")
EMAIL = call("change_email", customer_id="C1", email="ada.moor@example.org")
MERGE = call("merge_gift_cards", customer_id="C1", payment_method_ids=["gift-1a", "gift-1b"])
RESTORE = call("restore_points", customer_id="C1")
PAY = call("change_order_payment", order_id="#R1", payment_method_id="wallet-1")
SPLIT = [
    {"payment_method_id": "visa-1", "kind": "charge", "amount": 100.0},
    {"payment_method_id": "gift-1a", "kind": "charge", "amount": 56.5},
]


def speed(name: str) -> Action:
    return call("change_shipping_speed", order_id="#R1", shipping_speed=name, payment_method_id="visa-1")


def swap(variant_id: str) -> Action:
    return call(
        "swap_items", order_id="#R1", item_ids=["1-1"], new_variant_ids=[variant_id], payment_method_id="visa-1"
    )


def exchange(item_id: str, variant_id: str, payment_method_id: str = "visa-1") -> Action:
    arguments = {"item_ids": [item_id], "new_variant_ids": [variant_id], "payment_method_id": payment_method_id}
    return call("exchange_items", order_id="#R2", **arguments)


def send_to(address: dict[str, str]) -> Action:
    return call("change_order_address", order_id="#R1", **address)


def move_to(address: dict[str, str]) -> Action:
    return call("update_customer_address", customer_id="C1", **address)


def redeem(points: int) -> Action:
    return call("redeem_points", customer_id="C1", points=points)


DELIVERED, GOLD = "shipments.SH-2.delivered_on", {"customers.C1.tier": "gold"}
CASES = [
    Case("own_order", CANCEL, user="C2"),
    Case("own_order", RETURN, user="C2"),
    Case("own_parcel", LOST, user="C2"),
    Case("own_account", PHONE, user="C2"),
    Case("items_change_once", REMOVE, earlier=(ADD,)),
    Case("items_change_once", ADD, {"orders.#R1.items_changed": True}),
    Case("changed_order_stands", CANCEL, earlier=(REMOVE,)),
    Case("express_order_stands", CANCEL, {"orders.#R1.shipping_speed": "express"}),
    Case("express_order_stands", CANCEL, earlier=(speed("express"),)),
    Case("speed_only_goes_up", speed("economy"), kept=speed("express")),
    Case("same_product", swap("sku-2-02"), kept=swap("sku-1-02")),
    Case("same_product", exchange("2-1", "sku-2-01"), kept=exchange("2-1", "sku-1-01")),
    Case("split_payment_stays", PAY, {"orders.#R1.payments": SPLIT}),
    Case("same_country", send_to(CANADA), kept=send_to(ILLINOIS)),
    Case("same_country", move_to(CANADA), kept=move_to(ILLINOIS)),
    Case(
        "refund_goes_back",
        call("return_items", order_id="#R2", item_ids=["2-1"], payment_method_id="wallet-1"),
        kept=call("return_items", order_id="#R2", item_ids=["2-1"], payment_method_id="credit-1"),
    ),
    Case("refund_goes_back", exchange("2-1", "sku-1-02", "wallet-1"), kept=exchange("2-1", "sku-1-03", "wallet-1")),
    Case("return_window", RETURN, {DELIVERED: day(31)}),
    Case("return_window", RETURN, {DELIVERED: day(46), **GOLD}),
    Case("final_sale_stays", RETURN, {"orders.#R2.items.0.final_sale": True}),
    Case("sent_back_once", exchange("2-2", "sku-2-02"), earlier=(RETURN,)),
    Case("sent_back_once", RETURN, {"orders.#R2.items.1.status": "returned"}),
    Case("claimed_item_stays", RETURN, earlier=(REPAIR,)),
    Case("large_refund_needs_person", RETURN_TENT, {"orders.#R2.items.1.price": 500.01}),
    Case("warranty_in_force", REPAIR, {DELIVERED: day(361)}),
    Case("replacement_while_young", REPLACE, {DELIVERED: day(181)}),
    Case("parcel_is_late", LOST, {"shipments.SH-3.expected_on": day(4)}),
    Case("email_is_free", call("change_email", customer_id="C1", email="BO@example.com"), kept=EMAIL),
    Case("one_contact_change", EMAIL, earlier=(PHONE,)),
    Case("contact_or_balances", redeem(500), earlier=(PHONE,)),
    Case("contact_or_balances", EMAIL, earlier=(MERGE,)),
    Case("gift_card_limit", MERGE, {"customers.C1.payment_methods.gift-1a.balance": 450.01}),
    Case("points_in_blocks", redeem(750), kept=redeem(1000)),
    Case("redeem_once", redeem(500), earlier=(redeem(500),)),
    Case("restored_points_wait", redeem(500), earlier=(RESTORE,)),
    Case("expired_lately", RESTORE, {"customers.C1.points_expired_on": day(61)}),
]
JUST_INSIDE = [
    (RETURN, {DELIVERED: day(30)}, ()),
    (RETURN, {DELIVERED: day(45), **GOLD}, ()),
    (RETURN_TENT, {"orders.#R2.items.1.price": 500.0}, ()),
    (RETURN_TENT, {}, (REPAIR,)),
    (REPAIR, {DELIVERED: day(360)}, ()),
    (REPLACE, {DELIVERED: day(180)}, ()),
    (REPAIR, {DELIVERED: day(181), "orders.#R2.items.0.final_sale": True}, ()),
    (LOST, {"shipments.SH-3.expected_on": day(5)}, ()),
    (MERGE, {"customers.C1.payment_methods.gift-1a.balance": 450.0}, ()),
    (RESTORE, {"customers.C1.points_expired_on": day(60)}, (redeem(500),)),
    (CANCEL, {}, (send_to(ILLINOIS), PAY)),
    (REMOVE, {}, (speed("express"),)),
]


def broken(domain: Domain, user: str, action: Action, earlier: tuple[Action, ...] = ()) -> set[str]:
    """The names of the rules that the action breaks after the earlier ones."""
    world, steps = domain.world(), ()
    for current in (*earlier, action):
        before = world.fork().database()
        result = world.call(current)
        step = Step(current, before, world.fork().database(), result, user, steps)
        steps += (step,)
    return {rule.name for rule in domain.rules_for([action.name]) if not rule.holds(step)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_a_rule_is_broken_by_its_case_and_nothing_else_is(case: Case, shop: Shop) -> None:
    assert broken(shop(case.changes), case.user, case.action, case.earlier) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.action.name}")
def test_the_neighbouring_call_keeps_every_rule(case: Case, shop: Shop) -> None:
    assert broken(shop({}), "C1", case.kept or case.action) == set()


@pytest.mark.parametrize(("action", "changes", "earlier"), JUST_INSIDE, ids=lambda part: getattr(part, "name", ""))
def test_limits_include_their_last_day_and_dollar(
    action: Action, changes: dict[str, Any], earlier: tuple[Action, ...], shop: Shop
) -> None:
    assert broken(shop(changes), "C1", action, earlier) == set()


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in Domain.load("retail").rules} == {case.rule for case in CASES}


def test_every_writing_tool_belongs_to_an_owner() -> None:
    """No tool can touch another customer's rows without breaking an ownership rule."""
    retail = Domain.load("retail")
    owned = {tool for rule in retail.rules if rule.name.startswith("own_") for tool in rule.tools}
    assert owned == {name for name, tool in retail.tools.items() if tool.writes}


@pytest.mark.parametrize("rule", Domain.load("retail").rules, ids=lambda rule: rule.name)
def test_a_rule_answers_for_ids_that_do_not_exist(rule: Any, shop: Shop) -> None:
    nobody = {"order_id": "#R0", "customer_id": "C0", "shipment_id": "SH-0", "item_ids": ["0-1"], "item_id": "0-1"}
    more = {"new_variant_ids": ["nothing"], "payment_method_id": "none", "points": 500, "email": "x@example.com"}
    database = shop({}).world().database()
    for tool in rule.tools:
        for arguments in ({}, {**nobody, **more}):
            step = Step(Action(name=tool, arguments=arguments), database, database, None, "C1")
            assert isinstance(rule.holds(step), bool)
