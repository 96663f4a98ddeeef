"""Every tool of the shop: what it answers or changes, leaf by leaf, and each way it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apigen_nb.records import Action, Change
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain
from apigen_nb.world.world import Refusal

Shop = Callable[[dict[str, Any]], Domain]
ADDRESS = {"street": "2 Ash Way", "city": "Perth", "state": "IL", "postal_code": "60601", "country": "US"}
OLD_ADDRESS = {"street": "1 Elm Row", "city": "Dunmore", "state": "IL", "postal_code": "60614", "country": "US"}
MOVED = {name: ADDRESS[name] for name in ("street", "city", "postal_code")}
BOOT = {"product_id": "P-1", "variant_id": "sku-1-03", "name": "Boot", "options": {"kind": "3"}, "price": 62.5}
TENT = {"product_id": "P-2", "variant_id": "sku-2-02", "name": "Tent", "options": {"kind": "2"}, "price": 130.0}
REST = {"discount": 0.0, "final_sale": False}
CARDS = "customers.C1.payment_methods"
CLAIM = {"order_id": "#R2", "item_id": "2-1", "problem": "broken part", "remedy": "repair"}
VISA = {"payment_method_id": "visa-1"}
REMOVE = {"order_id": "#R1", "item_ids": ["1-1"], **VISA}
RETURN = {"order_id": "#R2", "item_ids": ["2-1"], **VISA}
SWAP, EXCHANGE = {**REMOVE, "new_variant_ids": ["sku-1-03"]}, {**RETURN, "new_variant_ids": ["sku-1-03"]}
LOST = {"shipment_id": "SH-3", "lost_remedy": "refund", **VISA}


def money(kind: str, amount: float, payment_method_id: str = "visa-1") -> dict[str, Any]:
    return {"payment_method_id": payment_method_id, "kind": kind, "amount": amount}


WRITES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "cancel_order",
        {"order_id": "#R1", "cancel_reason": "found cheaper"},
        {
            "orders.#R1.status": "cancelled",
            "orders.#R1.cancel_reason": "found cheaper",
            "orders.#R1.items.0.status": "cancelled",
            "orders.#R1.items.1.status": "cancelled",
            "orders.#R1.shipping_fee": 0.0,
            "orders.#R1.total": 0.0,
            "orders.#R1.payments.1": money("refund", 156.5),
        },
    ),
    (
        "swap_items",
        {**SWAP, "payment_method_id": "gift-1a"},
        {
            "orders.#R1.items.0.variant_id": "sku-1-03",
            "orders.#R1.items.0.options.size": None,
            "orders.#R1.items.0.options.kind": "3",
            "orders.#R1.items.0.price": 62.5,
            "orders.#R1.items_changed": True,
            "orders.#R1.total": 169.0,
            "orders.#R1.payments.1": money("charge", 12.5, "gift-1a"),
            f"{CARDS}.gift-1a.balance": 87.5,
        },
    ),
    (
        "add_item",
        {"order_id": "#R1", "variant_id": "sku-2-02", **VISA},
        {
            "orders.#R1.items.2": {"item_id": "1-3", **TENT, **REST, "status": "ordered"},
            "orders.#R1.items_changed": True,
            "orders.#R1.total": 286.5,
            "orders.#R1.payments.1": money("charge", 130.0),
        },
    ),
    (
        "remove_items",
        {**REMOVE, "payment_method_id": "credit-1"},
        {
            "orders.#R1.items.0.status": "cancelled",
            "orders.#R1.items_changed": True,
            "orders.#R1.total": 106.5,
            "orders.#R1.payments.1": money("refund", 50.0, "credit-1"),
            f"{CARDS}.credit-1.balance": 70.0,
        },
    ),
    (
        "change_order_address",
        {"order_id": "#R1", **ADDRESS},
        {f"orders.#R1.ship_to.{name}": value for name, value in MOVED.items()},
    ),
    (
        "change_order_payment",
        {"order_id": "#R1", "payment_method_id": "wallet-1"},
        {
            "orders.#R1.payments.1": money("refund", 156.5),
            "orders.#R1.payments.2": money("charge", 156.5, "wallet-1"),
        },
    ),
    (
        "change_shipping_speed",
        {"order_id": "#R1", "shipping_speed": "express", **VISA},
        {
            "orders.#R1.shipping_speed": "express",
            "orders.#R1.shipping_fee": 14.0,
            "orders.#R1.total": 164.0,
            "orders.#R1.payments.1": money("charge", 7.5),
        },
    ),
    (
        "return_items",
        RETURN,
        {
            "orders.#R2.items.0.status": "return_requested",
            "orders.#R2.total": 106.5,
            "orders.#R2.payments.1": money("refund", 50.0),
        },
    ),
    (
        "exchange_items",
        EXCHANGE,
        {
            "orders.#R2.items.0.status": "exchange_requested",
            "orders.#R2.items.2": {"item_id": "2-3", **BOOT, **REST, "status": "exchange_ordered"},
            "orders.#R2.total": 169.0,
            "orders.#R2.payments.1": money("charge", 12.5),
        },
    ),
    (
        "file_warranty_claim",
        CLAIM,
        {
            "claims.WC-2-1": {"claim_id": "WC-2-1", **CLAIM, "status": "open", "filed_on": "2026-05-18"},
            "orders.#R2.claim_ids.0": "WC-2-1",
        },
    ),
    (
        "report_lost_parcel",
        LOST,
        {
            "shipments.SH-3.status": "lost",
            "orders.#R3.items.0.status": "lost",
            "orders.#R3.items.1.status": "lost",
            "orders.#R3.total": 6.5,
            "orders.#R3.payments.1": money("refund", 150.0),
        },
    ),
    (
        "report_lost_parcel",
        {**LOST, "lost_remedy": "reship"},
        {
            "shipments.SH-3.status": "lost",
            "orders.#R3.items.0.status": "reshipping",
            "orders.#R3.items.1.status": "reshipping",
        },
    ),
    (
        "update_customer_address",
        {"customer_id": "C1", **ADDRESS},
        {f"customers.C1.address.{name}": value for name, value in MOVED.items()},
    ),
    ("change_email", {"customer_id": "C1", "email": "a@example.org"}, {"customers.C1.email": "a@example.org"}),
    ("change_phone", {"customer_id": "C1", "phone": "312-555-0100"}, {"customers.C1.phone": "312-555-0100"}),
    (
        "merge_gift_cards",
        {"customer_id": "C1", "payment_method_ids": ["gift-1b", "gift-1a"]},
        {f"{CARDS}.gift-1b.balance": 150.0, f"{CARDS}.gift-1a.balance": 0.0},
    ),
    (
        "redeem_points",
        {"customer_id": "C1", "points": 1500},
        {"customers.C1.points": 500, f"{CARDS}.credit-1.balance": 35.0},
    ),
    (
        "restore_points",
        {"customer_id": "C1"},
        {"customers.C1.points": 2300, "customers.C1.expired_points": 0, "customers.C1.points_expired_on": None},
    ),
]
READS: list[tuple[str, dict[str, Any], Callable[[Any], bool]]] = [
    ("find_customer_by_email", {"email": "ADA@example.com"}, lambda r: r == {"customer_id": "C1"}),
    (
        "find_customer_by_name",
        {"first_name": "bo", "last_name": "Fen", "postal_code": "60614"},
        lambda r: r == {"customer_id": "C2"},
    ),
    ("get_customer", {"customer_id": "C1"}, lambda r: r["points"] == 2000),
    ("list_orders", {"customer_id": "C1"}, lambda r: [o["status"] for o in r] == ["pending", "delivered", "shipped"]),
    ("get_order", {"order_id": "#R1"}, lambda r: r["total"] == 156.5),
    ("get_shipment", {"shipment_id": "SH-2"}, lambda r: r["item_ids"] == ["2-1", "2-2"]),
    (
        "get_refund_options",
        {"order_id": "#R2"},
        lambda r: (
            [(i["refund"], i["days_since_delivery"]) for i in r["items"]] == [(50.0, 10), (100.0, 10)]
            and r["paid_by"] == {"visa-1": 156.5}
            and r["gift_cards_and_credit"] == ["gift-1a", "gift-1b", "credit-1"]
        ),
    ),
    ("get_refund_options", {"order_id": "#R1"}, lambda r: {i["days_since_delivery"] for i in r["items"]} == {None}),
    (
        "get_shipping_options",
        {"order_id": "#R1"},
        lambda r: (
            {speed: o["difference"] for speed, o in r["options"].items()}
            == {"economy": -3.0, "standard": 0.0, "express": 7.5}
        ),
    ),
    ("list_products", {"category": "outdoor"}, lambda r: [p["price_from"] for p in r] == [45.0, 100.0]),
    ("list_products", {"category": "desk"}, lambda r: r == []),
    ("search_products", {"name": "TENT"}, lambda r: [p["product_id"] for p in r] == ["P-2"]),
    ("search_products", {"name": " "}, lambda r: r == []),
    ("get_product", {"product_id": "P-1"}, lambda r: [v["available"] for v in r["variants"].values()][-1] is False),
    ("transfer_to_human", {"summary": "wants a gift wrap"}, lambda r: isinstance(r, str)),
]
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("find_customer_by_email", {"email": "nobody@example.com"}, "no such customer"),
    ("find_customer_by_name", {"first_name": "Bo", "last_name": "Fen", "postal_code": "1"}, "no such customer"),
    ("get_customer", {"customer_id": "C9"}, "no such customer"),
    ("get_order", {"order_id": "R1"}, "no such order"),
    ("get_shipment", {"shipment_id": "SH-9"}, "no such shipment"),
    ("get_product", {"product_id": "P-9"}, "no such product"),
    ("get_claim", {"claim_id": "WC-9-1"}, "no such claim"),
    ("cancel_order", {"order_id": "#R2", "cancel_reason": "found cheaper"}, "order is not pending"),
    ("cancel_order", {"order_id": "#R1", "cancel_reason": "a whim"}, "wrong arguments"),
    ("swap_items", {**SWAP, "order_id": "#R3"}, "order is not pending"),
    ("swap_items", {**SWAP, "new_variant_ids": ["sku-1-01"]}, "same variant"),
    ("swap_items", {**SWAP, "new_variant_ids": ["sku-1-04"]}, "variant is sold out"),
    ("swap_items", {**SWAP, "new_variant_ids": ["sku-1-03", "sku-1-02"]}, "items and variants do not pair up"),
    ("swap_items", {**SWAP, "item_ids": ["2-1"]}, "no such item in the order"),
    ("swap_items", {**SWAP, "payment_method_id": "visa-2"}, "no such payment method"),
    ("add_item", {"order_id": "#R1", "variant_id": "sku-9-01", **VISA}, "no such variant"),
    ("add_item", {"order_id": "#R1", "variant_id": "boot", **VISA}, "no such variant"),
    ("add_item", {"order_id": "#R1", "variant_id": "sku-2-02", "payment_method_id": "gift-1a"}, "balance too low"),
    ("remove_items", {**REMOVE, "item_ids": []}, "bad list of items"),
    ("remove_items", {**REMOVE, "item_ids": ["1-1", "1-1"]}, "bad list of items"),
    ("remove_items", {**REMOVE, "item_ids": ["1-1", "1-2"]}, "no item would be left"),
    ("change_order_address", {"order_id": "#R1", **OLD_ADDRESS}, "same address"),
    ("change_order_payment", {"order_id": "#R1", **VISA}, "same payment method"),
    ("change_order_payment", {"order_id": "#R1", "payment_method_id": "gift-1a"}, "balance too low"),
    ("change_order_payment", {"order_id": "#R1", "payment_method_id": "x"}, "no such payment method"),
    ("change_shipping_speed", {"order_id": "#R1", "shipping_speed": "standard", **VISA}, "same shipping speed"),
    ("return_items", {**RETURN, "order_id": "#R1"}, "order is not delivered"),
    ("exchange_items", {**EXCHANGE, "new_variant_ids": []}, "items and variants do not pair up"),
    ("file_warranty_claim", {**CLAIM, "item_id": "1-1"}, "no such item in the order"),
    ("report_lost_parcel", {**LOST, "shipment_id": "SH-2"}, "parcel is not in transit"),
    ("update_customer_address", {"customer_id": "C1", **OLD_ADDRESS}, "same address"),
    ("change_email", {"customer_id": "C1", "email": "ada at home"}, "not an e-mail address"),
    ("change_email", {"customer_id": "C1", "email": "ada@Example.com"}, "same e-mail address"),
    ("change_phone", {"customer_id": "C1", "phone": "5550100"}, "not a phone number"),
    ("change_phone", {"customer_id": "C1", "phone": "312-555-0001"}, "same phone number"),
    ("merge_gift_cards", {"customer_id": "C1", "payment_method_ids": ["gift-1a", "gift-1a"]}, "too few gift cards"),
    ("merge_gift_cards", {"customer_id": "C1", "payment_method_ids": ["gift-1a", "visa-1"]}, "not a gift card"),
    ("redeem_points", {"customer_id": "C1", "points": 2500}, "not enough points"),
    ("redeem_points", {"customer_id": "C1", "points": 0}, "not enough points"),
]
TWICE: list[tuple[str, dict[str, Any], str]] = [
    ("cancel_order", {"order_id": "#R1", "cancel_reason": "found cheaper"}, "order is not pending"),
    ("remove_items", REMOVE, "item is not ordered"),
    ("return_items", RETURN, "item is not delivered"),
    ("exchange_items", EXCHANGE, "item is not delivered"),
    ("file_warranty_claim", CLAIM, "claim is open already"),
    ("report_lost_parcel", LOST, "parcel is not in transit"),
    ("merge_gift_cards", {"customer_id": "C1", "payment_method_ids": ["gift-1a", "gift-1b"]}, "gift cards are empty"),
    ("restore_points", {"customer_id": "C1"}, "no expired points"),
]


def tool_name(part: Any) -> str:
    return part if isinstance(part, str) else ""


def leaves(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The paths where two values differ, with what is there now."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from leaves(before.get(key), after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for i in range(max(len(before), len(after))):
            yield from leaves(*(rows[i] if i < len(rows) else None for rows in (before, after)), f"{path}.{i}")
    elif before != after:
        yield path, after


def changed(delta: tuple[Change, ...]) -> dict[str, Any]:
    return {path: now for c in delta for path, now in leaves(c.before, c.after, f"{c.table}.{c.id}")}


@pytest.mark.parametrize(("tool", "arguments", "expected"), WRITES, ids=tool_name)
def test_a_write_changes_exactly_this(tool: str, arguments: Any, expected: dict[str, Any], shop: Shop) -> None:
    world = shop({}).world()
    world.call(Action(name=tool, arguments=arguments))
    assert changed(world.delta()) == expected


@pytest.mark.parametrize(("tool", "arguments", "answers"), READS, ids=tool_name)
def test_a_read_answers(tool: str, arguments: Any, answers: Callable[[Any], bool], shop: Shop) -> None:
    world = shop({}).world()
    assert answers(world.call(Action(name=tool, arguments=arguments)))
    assert world.delta() == ()


def test_a_claim_can_be_read(shop: Shop) -> None:
    world = shop({}).world()
    filed = world.call(Action(name="file_warranty_claim", arguments=CLAIM))
    assert world.call(Action(name="get_claim", arguments={"claim_id": filed["claim_id"]})) == filed


@pytest.mark.parametrize(("tool", "arguments", "kind"), REFUSALS, ids=tool_name)
def test_a_refusal_has_its_kind_and_changes_nothing(tool: str, arguments: Any, kind: str, shop: Shop) -> None:
    world = shop({}).world()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert refusal.value.kind == kind
    assert world.delta() == ()


@pytest.mark.parametrize(("tool", "arguments", "kind"), TWICE, ids=tool_name)
def test_a_second_time_is_refused_and_changes_nothing_more(tool: str, arguments: Any, kind: str, shop: Shop) -> None:
    world = shop({}).world()
    world.call(Action(name=tool, arguments=arguments))
    once = world.delta()
    with pytest.raises(Refusal) as refusal:
        world.call(Action(name=tool, arguments=arguments))
    assert refusal.value.kind == kind
    assert world.delta() == once


def test_split_payments_go_back_to_both(shop: Shop) -> None:
    parts = [money("charge", 126.5), money("charge", 30.0, "gift-1a")]
    world = shop({"orders.#R1.payments": parts}).world()
    result = world.call(Action(name="cancel_order", arguments={"order_id": "#R1", "cancel_reason": "found cheaper"}))
    assert {r["payment_method_id"]: r["amount"] for r in result["refunds"]} == {"visa-1": 126.5, "gift-1a": 30.0}
    assert changed(world.delta())[f"{CARDS}.gift-1a.balance"] == 130.0


def test_a_discount_stays_with_a_swap_and_is_not_refunded(shop: Shop) -> None:
    world = shop({"orders.#R1.items.0.discount": 5.0, "orders.#R1.total": 151.5}).world()
    assert world.call(Action(name="swap_items", arguments=SWAP))["charged"] == 12.5
    again = {**REMOVE, "item_ids": ["1-1"]}
    assert world.call(Action(name="remove_items", arguments=again))["refunded"] == 57.5


def test_gold_members_pay_for_express_only(shop: Shop) -> None:
    gold = {"customers.C1.tier": "gold", "orders.#R1.shipping_fee": 0.0, "orders.#R1.shipping_speed": "economy"}
    options = shop(gold).world().call(Action(name="get_shipping_options", arguments={"order_id": "#R1"}))["options"]
    assert {speed: option["fee"] for speed, option in options.items()} == {"economy": 0, "standard": 0, "express": 14}


def test_every_tool_is_covered() -> None:
    tools = Domain.load("retail").tools
    assert {tool for tool, *_ in WRITES} == {name for name, tool in tools.items() if tool.writes}
    assert {tool for tool, *_ in READS} | {"get_claim"} == {name for name, tool in tools.items() if not tool.writes}


def test_every_kind_of_refusal_is_covered() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((DOMAINS_FOLDER / "retail").glob("*.py")))
    patterns = {re.sub(r"\{.*?\}", ".+", kind) for kind in re.findall(r'kind=f?"([^"]+)"', source)}
    tested = {kind for _, _, kind in (*REFUSALS, *TWICE)}
    assert len(patterns) > 20
    assert [pattern for pattern in sorted(patterns) if not any(re.fullmatch(pattern, kind) for kind in tested)] == []
