"""A shop with two customers, small enough to read, behind the tools and rules of the built-in retail domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apigen_nb.domains.retail.shop import TODAY
from apigen_nb.world.domain import Domain
from tests.domains.small_domain import Row, with_changes

US = {"street": "1 Elm Row", "city": "Dunmore", "state": "IL", "postal_code": "60614", "country": "US"}


def day(age: int) -> str:
    return (TODAY - timedelta(days=age)).isoformat()


def customer(number: int, first_name: str, last_name: str, order_ids: list[str]) -> Row:
    methods = [
        {"payment_method_id": f"visa-{number}", "type": "card", "last_four": "1111"},
        {"payment_method_id": f"wallet-{number}", "type": "wallet"},
        {"payment_method_id": f"gift-{number}a", "type": "gift_card", "balance": 100.0},
        {"payment_method_id": f"gift-{number}b", "type": "gift_card", "balance": 50.0},
        {"payment_method_id": f"credit-{number}", "type": "store_credit", "balance": 20.0},
    ]
    return {
        "customer_id": f"C{number}",
        "first_name": first_name,
        "last_name": last_name,
        "email": f"{first_name.lower()}@example.com",
        "phone": f"312-555-000{number}",
        "address": dict(US),
        "tier": "standard",
        "points": 2000,
        "expired_points": 300,
        "points_expired_on": day(30),
        "payment_methods": {method["payment_method_id"]: method for method in methods},
        "order_ids": order_ids,
    }


def order(number: int, customer_id: str, status: str, item_status: str, shipment_ids: list[str]) -> Row:
    """A boot at $50 and a tent at $100, $6.50 shipping, paid by card."""
    boot = {"product_id": "P-1", "variant_id": "sku-1-01", "name": "Boot", "options": {"size": "40"}, "price": 50.0}
    tent = {"product_id": "P-2", "variant_id": "sku-2-01", "name": "Tent", "options": {"color": "sand"}, "price": 100.0}
    rest = {"discount": 0.0, "final_sale": False, "status": item_status}
    return {
        "order_id": f"#R{number}",
        "customer_id": customer_id,
        "status": status,
        "placed_on": day(20),
        "items_changed": False,
        "ship_to": dict(US),
        "shipping_speed": "standard",
        "shipping_fee": 6.5,
        "items": [{"item_id": f"{number}-{i}", **goods, **rest} for i, goods in enumerate((boot, tent), start=1)],
        "payments": [{"payment_method_id": f"visa-{customer_id[1:]}", "kind": "charge", "amount": 156.5}],
        "total": 156.5,
        "shipment_ids": shipment_ids,
        "claim_ids": [],
    }


def shipment(number: int, status: str, expected_on: str, delivered_on: str | None) -> Row:
    return {
        "shipment_id": f"SH-{number}",
        "order_id": f"#R{number}",
        "item_ids": [f"{number}-1", f"{number}-2"],
        "carrier": "Norfreight",
        "tracking_number": f"LK{number}",
        "status": status,
        "shipped_on": day(18),
        "expected_on": expected_on,
        "delivered_on": delivered_on,
    }


def product(number: int, name: str, prices: tuple[float, ...]) -> Row:
    variants = {
        f"sku-{number}-{i:02}": {
            "variant_id": f"sku-{number}-{i:02}",
            "options": {"kind": str(i)},
            "price": price,
            "available": i < len(prices),  # the last one is sold out
        }
        for i, price in enumerate(prices, start=1)
    }
    row = {"product_id": f"P-{number}", "name": name, "category": "outdoor", "warranty_months": 12}
    return {**row, "variants": variants}


@pytest.fixture
def shop() -> Callable[[Row], Domain]:
    """Make the small shop with some values replaced: {"orders.#R1.items.0.price": 600.0}.

    C1 has #R1 pending, #R2 delivered ten days ago, #R3 a week late in transit; C2 has #R4 pending."""

    def make(changes: Row) -> Domain:
        tables: dict[str, dict[str, Any]] = {
            "customers": {
                "C1": customer(1, "Ada", "Moor", ["#R1", "#R2", "#R3"]),
                "C2": customer(2, "Bo", "Fen", ["#R4"]),
            },
            "orders": {
                "#R1": order(1, "C1", "pending", "ordered", []),
                "#R2": order(2, "C1", "delivered", "delivered", ["SH-2"]),
                "#R3": order(3, "C1", "shipped", "shipped", ["SH-3"]),
                "#R4": order(4, "C2", "pending", "ordered", []),
            },
            "products": {
                "P-1": product(1, "Boot", (50.0, 45.0, 62.5, 50.0)),
                "P-2": product(2, "Tent", (100.0, 130.0, 100.0)),
            },
            "shipments": {
                "SH-2": shipment(2, "delivered", day(10), day(10)),
                "SH-3": shipment(3, "in transit", day(7), None),
            },
            "claims": {},
        }
        return with_changes("retail", tables, changes)

    return make
