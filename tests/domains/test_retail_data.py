"""The shop's data is consistent, enough, and what the generator writes."""

from __future__ import annotations

import re
from collections import Counter

from apigen_nb.domains.retail.shop import GONE, TODAY, balance_paid, delivery_dates, paid, shipping_fee, total
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain

retail = Domain.load("retail")
customers, orders, products = (retail.tables[name] for name in ("customers", "orders", "products"))
shipments, claims = retail.tables["shipments"], retail.tables["claims"]
ITEM_STATUSES = {
    "pending": {"ordered"},
    "packed": {"packed"},
    "shipped": {"shipped"},
    "delivered": {"delivered", "return_requested", "returned"},
    "cancelled": {"cancelled"},
}


def test_there_is_enough_of_everything() -> None:
    assert len(customers) >= 500
    assert len(orders) >= 1000
    assert len(products) >= 40
    assert Counter(o["status"] for o in orders.values()).keys() == ITEM_STATUSES.keys()
    assert all(4 <= len(product["variants"]) <= 9 for product in products.values())
    assert all(sum(v["available"] for v in product["variants"].values()) >= 3 for product in products.values())
    mixed = [c for c in customers.values() if len({orders[o]["status"] for o in c["order_ids"]}) >= 2]
    gifted = [c for c in customers.values() if any(m["type"] == "gift_card" for m in c["payment_methods"].values())]
    assert len(mixed) > 0.7 * len(customers)
    assert 0.4 * len(customers) < len(gifted) < 0.7 * len(customers)
    assert all(len(customer["payment_methods"]) >= 2 for customer in customers.values())
    assert sum(path.stat().st_size for path in (DOMAINS_FOLDER / "retail" / "data").iterdir()) <= 2_000_000


def test_rows_repeat_their_own_id() -> None:
    fields = {"customers": "customer_id", "orders": "order_id", "products": "product_id", "shipments": "shipment_id"}
    for table, field in {**fields, "claims": "claim_id"}.items():
        assert all(row[field] == key for key, row in retail.tables[table].items())
    assert all(m["payment_method_id"] == key for c in customers.values() for key, m in c["payment_methods"].items())
    assert all(v["variant_id"] == key for p in products.values() for key, v in p["variants"].items())


def test_a_variant_id_names_its_product() -> None:
    for product_id, product in products.items():
        assert all(key.startswith(product_id.replace("P-", "sku-") + "-") for key in product["variants"])


def test_every_reference_exists() -> None:
    assert [o for c in customers.values() for o in c["order_ids"] if orders[o]["customer_id"] != c["customer_id"]] == []
    assert Counter(o for c in customers.values() for o in c["order_ids"]) == Counter(list(orders))
    assert Counter(s for o in orders.values() for s in o["shipment_ids"]) == Counter(list(shipments))
    assert Counter(c for o in orders.values() for c in o["claim_ids"]) == Counter(list(claims))
    for order in orders.values():
        methods = customers[order["customer_id"]]["payment_methods"]
        assert {payment["payment_method_id"] for payment in order["payments"]} <= set(methods)
        for item in order["items"]:
            variant = products[item["product_id"]]["variants"][item["variant_id"]]
            assert (item["options"], item["price"]) == (variant["options"], variant["price"])
            assert item["name"] == products[item["product_id"]]["name"]
    for shipment in shipments.values():
        assert shipment["shipment_id"] in orders[shipment["order_id"]]["shipment_ids"]
    for claim in claims.values():
        assert claim["item_id"] in {item["item_id"] for item in orders[claim["order_id"]]["items"]}


def test_ids_are_never_shared() -> None:
    items = [item["item_id"] for order in orders.values() for item in order["items"]]
    methods = [key for customer in customers.values() for key in customer["payment_methods"]]
    assert len(items) == len(set(items))
    assert len(methods) == len(set(methods))


def test_sums_add_up() -> None:
    for order in orders.values():
        assert order["total"] == total(order), order["order_id"]
        assert round(sum(balance_paid(order).values()), 2) == order["total"], order["order_id"]
        assert all(payment["amount"] > 0 for payment in order["payments"])
        if order["status"] != "cancelled":
            tier = customers[order["customer_id"]]["tier"]
            assert order["shipping_fee"] == shipping_fee(order["shipping_speed"], tier)


def test_money_is_in_cents() -> None:
    amounts = [payment["amount"] for order in orders.values() for payment in order["payments"]]
    amounts += [order["total"] for order in orders.values()]
    amounts += [paid(item) for order in orders.values() for item in order["items"]]
    amounts += [m["balance"] for c in customers.values() for m in c["payment_methods"].values() if "balance" in m]
    amounts += [variant["price"] for product in products.values() for variant in product["variants"].values()]
    assert all(isinstance(amount, float) and amount == round(amount, 2) >= 0 for amount in amounts)


def test_statuses_fit_parcels_and_dates() -> None:
    today = TODAY.isoformat()
    for order in orders.values():
        assert {item["status"] for item in order["items"]} <= ITEM_STATUSES[order["status"]], order["order_id"]
        parcels = [shipments[shipment_id] for shipment_id in order["shipment_ids"]]
        wanted = {"shipped": {"in transit"}, "delivered": {"delivered"}}.get(order["status"], set())
        assert {parcel["status"] for parcel in parcels} == wanted, order["order_id"]
        sent = [item_id for parcel in parcels for item_id in parcel["item_ids"]]
        assert sorted(sent) == (sorted(item["item_id"] for item in order["items"]) if wanted else [])
        assert order["placed_on"] <= today
        for parcel in parcels:
            assert order["placed_on"] < parcel["shipped_on"] < parcel["expected_on"]
            assert parcel["shipped_on"] <= today
            assert (parcel["delivered_on"] is not None) == (parcel["status"] == "delivered")
            assert parcel["delivered_on"] is None or parcel["shipped_on"] < parcel["delivered_on"] <= today
        assert not any(item["status"] in GONE and order["status"] == "pending" for item in order["items"])


def test_claims_are_under_warranty() -> None:
    for claim in claims.values():
        order = orders[claim["order_id"]]
        item = next(item for item in order["items"] if item["item_id"] == claim["item_id"])
        delivered = delivery_dates(retail.world().database(), order)[item["item_id"]]
        assert products[item["product_id"]]["warranty_months"] > 0
        assert delivered is not None
        assert delivered <= claim["filed_on"] <= TODAY.isoformat()


def test_people_can_be_told_apart_and_are_invented() -> None:
    people = [(c["first_name"], c["last_name"], c["address"]["postal_code"]) for c in customers.values()]
    assert len(set(people)) == len({c["email"].lower() for c in customers.values()}) == len(customers)
    for customer in customers.values():
        assert customer["email"].endswith(("@example.com", "@example.org"))
        assert customer["email"].isascii()
        assert re.fullmatch(r"\d{3}-555-\d{4}", customer["phone"])
        code = r"\d{5}" if customer["address"]["country"] == "US" else r"[A-Z]\d[A-Z] ?\d[A-Z]\d"
        assert re.fullmatch(code, customer["address"]["postal_code"])
        assert (customer["expired_points"] > 0) == (customer["points_expired_on"] is not None)
