"""Write the shop's data from a fixed seed: `python -m apigen_nb.domains.retail.generate [folder]`."""

from __future__ import annotations

import itertools
from datetime import timedelta
from random import Random
from typing import get_args

from faker import Faker

from apigen_nb.domains.generation import cards, email, main, seeded
from apigen_nb.domains.retail.aftersales import Problem
from apigen_nb.domains.retail.catalog import CATALOG
from apigen_nb.domains.retail.pending import Reason
from apigen_nb.domains.retail.shop import CLOCK, TODAY, days_since, line, paid, shipping_fee, total
from apigen_nb.world.toolkit import Row, Table, cents

SEED = 20260518
CUSTOMERS = 520
CARRIERS = ("Norfreight", "Bluejay Post", "Two Rivers")
TRANSIT_DAYS = {"economy": 8, "standard": 4, "express": 2}


def _products(random: Random) -> Table:
    """The catalog as rows: four to nine variants each, at least three of them available."""
    table: Table = {}
    for number, article in enumerate(CATALOG, start=201):
        combinations = list(itertools.product(*article.options.values()))
        chosen = sorted(random.sample(range(len(combinations)), min(len(combinations), random.randint(5, 9))))
        gone = set(random.sample(range(len(chosen)), len(chosen) // 4))
        variants = {}
        for position, index in enumerate(chosen):
            variant_id = f"sku-{number}-{position + 1:02}"
            variants[variant_id] = {
                "variant_id": variant_id,
                "options": dict(zip(article.options, combinations[index], strict=True)),
                "price": round(article.price * (1 + 0.03 * (index % 5))) + random.choice((0.0, 0.5, 0.9)),
                "available": position not in gone,
            }
        table[f"P-{number}"] = {
            "product_id": f"P-{number}",
            "name": article.name,
            "category": article.category,
            "warranty_months": article.warranty_months,
            "variants": variants,
        }
    return table


def _people(random: Random) -> Table:
    """The accounts, without orders: no two share an e-mail address, or a name and postal code."""
    fakers = {"US": seeded(random, "en_US"), "CA": seeded(random, "en_CA")}
    table: Table = {}
    for number in random.sample(range(10_000, 100_000), CUSTOMERS):
        country = "US" if random.random() < 0.85 else "CA"
        fake = fakers[country]
        first, last = fake.first_name(), fake.last_name()
        row = table[f"C{number}"] = {
            "customer_id": f"C{number}",
            "first_name": first,
            "last_name": last,
            "email": email(random, first, last, number),
            "phone": f"{random.randint(201, 989)}-555-{random.randint(0, 9999):04}",
            "address": _address(fake, country),
            "tier": random.choices(("standard", "silver", "gold"), (60, 25, 15))[0],
            "points": 250 * random.randint(0, 24),
            "expired_points": 0,
            "points_expired_on": None,
            "payment_methods": _payment_methods(random, number),
            "order_ids": [],
        }
        if random.random() < 0.35:
            points = 50 * random.randint(2, 30)
            row.update(expired_points=points, points_expired_on=CLOCK.day(-random.randint(3, 100)))
    return dict(sorted(table.items()))


def _address(fake: Faker, country: str) -> Row:
    """A made-up address whose postal code fits its state or province."""
    if country == "US":
        state = fake.state_abbr(include_territories=False, include_freely_associated_states=False)
        code = fake.zipcode_in_state(state)
    else:
        state = fake.province_abbr()
        code = fake.postalcode_in_province(state)
    street, city = fake.street_address(), fake.city()
    return {"street": street, "city": city, "state": state, "postal_code": code, "country": country}


def _payment_methods(random: Random, number: int) -> Table:
    """Store credit for everyone, one or two cards or wallets, gift cards for about half."""
    kinds = random.sample(("visa", "mastercard", "wallet"), random.choice((1, 2, 2)))
    methods = cards(random, kinds, number)
    for letter in "ab"[: random.choices((0, 1, 2), (45, 30, 25))[0]]:
        methods[f"gift-{number}{letter}"] = {"type": "gift_card", "balance": 5.0 * random.randint(4, 70)}
    balance = random.choice((0.0, 0.0, 12.5, 40.0, 85.0, 150.0))
    methods[f"credit-{number}"] = {"type": "store_credit", "balance": balance}
    return {key: {"payment_method_id": key, **method} for key, method in methods.items()}


def _statuses(random: Random) -> list[str]:
    """The statuses of one customer's orders: for most a pending and a delivered one, and others."""
    every, weights = ("pending", "packed", "shipped", "delivered", "cancelled"), (20, 10, 32, 30, 8)
    if random.random() < 0.8:
        return ["pending", "delivered", *random.choices(every, weights, k=random.choice((0, 0, 1, 1, 2)))]
    return random.choices(every, weights, k=random.choice((1, 1, 2)))


def _order(random: Random, number: int, customer: Row, status: str, goods: Table) -> Row:
    """One order as it was placed: items, shipping and payments, no parcels yet."""
    speed = random.choices(("economy", "standard", "express"), (35, 45, 20))[0]
    items = _items(random, number, status, goods)
    row = {
        "order_id": f"#R{number}",
        "customer_id": customer["customer_id"],
        "status": status,
        "placed_on": "",
        "items_changed": status != "cancelled" and random.random() < 0.12,
        "ship_to": dict(customer["address"]),
        "shipping_speed": speed,
        "shipping_fee": shipping_fee(speed, customer["tier"]),
        "items": items,
        "payments": [],
        "total": 0.0,
        "shipment_ids": [],
        "claim_ids": [],
    }
    row["total"] = cents(sum(paid(item) for item in items) + row["shipping_fee"])
    _pay(random, row, list(customer["payment_methods"]))
    return row


def _items(random: Random, number: int, status: str, goods: Table) -> list[Row]:
    """One to four items of an order, for some of which there was a rebate; a few are final sale."""
    rebate = 0.1 if random.random() < 0.15 else 0.0
    item_status = "ordered" if status == "pending" else status
    items = []
    for index, product_id in enumerate(random.sample(list(goods), random.choice((1, 2, 2, 3, 3, 4))), start=1):
        product = goods[product_id]
        variant = random.choice(list(product["variants"].values()))
        final = random.random() < 0.08
        discount = cents(variant["price"] * (0.3 if final else rebate))
        items.append(line(product, variant, f"{number}-{index}", item_status, discount, final))
    return items


def _pay(random: Random, row: Row, methods: list[str]) -> None:
    """Pay the order by one method, a few times by two."""
    outside = [method for method in methods if not method.startswith(("gift", "credit"))]
    first, parts = random.choice(outside), [row["total"]]
    gifts = [method for method in methods if method.startswith("gift")]
    if gifts and row["total"] > 60 and random.random() < 0.2:
        share = 5.0 * random.randint(2, 8)
        parts = [cents(row["total"] - share), share]
    charged = zip((first, random.choice(gifts or outside)), parts, strict=False)
    row["payments"] = [{"payment_method_id": m, "kind": "charge", "amount": amount} for m, amount in charged]


def _refund(row: Row, kept: float) -> None:
    """Refund what the order costs less than was paid, to its first method as far as that paid, then to the second."""
    back = cents(kept - row["total"])
    for charge in [p for p in row["payments"] if p["kind"] == "charge"]:
        amount = cents(min(back, charge["amount"]))
        if amount > 0:
            row["payments"].append({**charge, "kind": "refund", "amount": amount})
        back = cents(back - amount)


def _deliver(random: Random, row: Row, shipments: Table, first_number: int) -> None:
    """Date the order as its status needs, and put what was sent into one or two parcels."""
    status, transit = row["status"], TRANSIT_DAYS[row["shipping_speed"]]
    if status in ("pending", "packed", "cancelled"):
        days = {"pending": (0, 3), "packed": (2, 4), "cancelled": (5, 200)}[status]
        row["placed_on"] = CLOCK.day(-random.randint(*days))
        return
    age = _delivery_age(random) if status == "delivered" else 0
    shipped = TODAY - timedelta(days=age + transit if status == "delivered" else random.randint(1, transit + 14))
    row["placed_on"] = (shipped - timedelta(days=random.randint(1, 3))).isoformat()
    ids = [item["item_id"] for item in row["items"]]
    cut = random.randint(1, len(ids) - 1) if len(ids) > 2 and random.random() < 0.4 else len(ids)
    for number, part in enumerate(filter(None, (ids[:cut], ids[cut:])), start=first_number):
        arrived = shipped + timedelta(days=max(1, transit + random.choice((-1, 0, 0, 1, 2))))
        shipment_id = f"SH-{number}"
        shipments[shipment_id] = {
            "shipment_id": shipment_id,
            "order_id": row["order_id"],
            "item_ids": part,
            "carrier": random.choice(CARRIERS),
            "tracking_number": f"LK{random.randint(10**8, 10**9 - 1)}",
            "status": "delivered" if status == "delivered" else "in transit",
            "shipped_on": shipped.isoformat(),
            "expected_on": (shipped + timedelta(days=transit)).isoformat(),
            "delivered_on": min(arrived, TODAY).isoformat() if status == "delivered" else None,
        }
        row["shipment_ids"].append(shipment_id)


def _delivery_age(random: Random) -> int:
    """Days since delivery: mostly within the return window, some just past it, some long ago."""
    return random.choices((random.randint(1, 24), random.randint(25, 60), random.randint(61, 900)), (60, 18, 22))[0]


def _later(random: Random, row: Row, goods: Table, shipments: Table, claims: Table) -> None:
    """What happened to an order since: it was cancelled, an item went back, or a warranty claim was filed."""
    kept = row["total"]
    covered = [item for item in row["items"] if goods[item["product_id"]]["warranty_months"]]
    if row["status"] == "cancelled":
        row.update(shipping_fee=0.0, cancel_reason=random.choice(get_args(Reason)))
    elif row["status"] == "delivered" and random.random() < 0.1:
        random.choice(row["items"])["status"] = random.choice(("return_requested", "returned"))
    elif row["status"] == "delivered" and covered and random.random() < 0.15:
        delivered = min(days_since(shipments[shipment_id]["delivered_on"]) for shipment_id in row["shipment_ids"])
        claim_id = f"WC-{row['order_id'].removeprefix('#R')}-1"
        claims[claim_id] = {
            "claim_id": claim_id,
            "order_id": row["order_id"],
            "item_id": random.choice(covered)["item_id"],
            "problem": random.choice(get_args(Problem)),
            "remedy": "repair",
            "status": random.choice(("open", "open", "closed")),
            "filed_on": CLOCK.day(-random.randint(0, min(delivered, 60))),
        }
        row["claim_ids"].append(claim_id)
    row["total"] = total(row)
    _refund(row, kept)


def tables(seed: int = SEED) -> dict[str, Table]:
    """All tables of the shop, table → id → row; equal for equal seeds and versions of faker."""
    random = Random(seed)
    goods, customers = _products(random), _people(random)
    wanted = [(customer, status) for customer in customers.values() for status in _statuses(random)]
    numbers = random.sample(range(10_000, 100_000), len(wanted))
    parcels = random.sample(range(1_000, 10_000), len(wanted))
    orders: Table = {}
    shipments: Table = {}
    claims: Table = {}
    for (customer, status), number, parcel in zip(wanted, numbers, parcels, strict=True):
        row = _order(random, number, customer, status, goods)
        _deliver(random, row, shipments, 10 * parcel)
        _later(random, row, goods, shipments, claims)
        orders[row["order_id"]] = row
        customer["order_ids"].append(row["order_id"])
    return {"customers": customers, "orders": orders, "products": goods, "shipments": shipments, "claims": claims}


if __name__ == "__main__":
    main(tables(), __file__)
