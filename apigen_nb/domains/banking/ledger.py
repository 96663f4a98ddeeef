"""The part of `generate` that makes accounts: cards, transactions, disputes, and balances that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, get_args

from apigen_nb.domains.banking.bank import CLOCK, INCOMING, TODAY, days_since
from apigen_nb.domains.banking.catalog import CHECKING, MERCHANTS, SAVINGS
from apigen_nb.domains.banking.disputes import Reason, new_dispute
from apigen_nb.domains.banking.rules import TOP_LIMIT
from apigen_nb.world.toolkit import Row, cents

HOLDINGS = (("c",), ("c", "s"), ("c", "s", "s"), ("c", "c"), ("c", "c", "s"))
CARDS = [c.split() for c in ("active", "inactive", "frozen", "lost", "stolen", "replaced inactive", "replaced active")]


def ago(days: int) -> str:
    """The ISO date some days before the bank's today."""
    return CLOCK.day(-days)


def holdings(random: Random, customer: Row, numbers: Iterator[int]) -> list[Row]:
    """One to three accounts of a customer, with nothing on them but what came in."""
    names = {"c": iter(CHECKING), "s": iter(random.sample(SAVINGS, 2))}
    made = []
    for place, kind in enumerate(random.choices(HOLDINGS, (16, 46, 16, 6, 16))[0]):
        status = random.choices(("open", "frozen", "closed"), (92, 4, 4 if place else 0))[0]
        young = kind == "s" and status == "open" and random.random() < 0.1
        account: Row = {
            "account_id": f"A{next(numbers)}",
            "customer_id": customer["customer_id"],
            "kind": "checking" if kind == "c" else "savings",
            "status": status,
            "balance": 0.0,
            "overdraft": float(random.choice((0, 0, 200, 500))) if kind == "c" else 0.0,
            "opening_balance": cents(random.randint(20_000, 480_000) / 100),
            **({"withdrawals_this_month": 0} if kind == "s" else {}),
            "opened_on": ago(random.randint(6, 29) if young else random.randint(150, 3000)),
            "transactions": [],
        }
        customer["accounts"][account["account_id"]] = {"name": next(names[kind])}
        if status == "closed":
            enter(account, "transfer out", account["opening_balance"], ago(random.randint(20, 120)))
        elif not young and random.random() < 0.35:
            enter(account, "deposit", 5.0 * random.randint(20, 500), ago(random.randint(3, 33)))
        made.append(account)
    return made


def enter(account: Row, kind: str, amount: float, posted_on: str, **more: Any) -> Row:
    """A transaction that has no id yet: `settle` gives ids in the order of dates."""
    row = {"kind": kind, "amount": cents(amount), "posted_on": posted_on, **more}
    account["transactions"].append(row)
    return row


def issue(random: Random, account: Row, customer: Row) -> list[Row]:
    """The cards of a checking account: one or two, and the successor of one that was replaced."""
    if account["status"] == "closed":
        return []
    statuses = [*random.choices(CARDS, (36, 8, 15, 11, 11, 10, 9))[0]]
    if random.random() < 0.35:
        statuses.append(random.choice(("active", "inactive", "frozen")))
    top = 500 if customer["identity_level"] == "basic" else TOP_LIMIT[customer["tier"]]
    issued, made = random.randint(200, 1100), []
    for index, status in enumerate(statuses, start=1):
        days = random.choice((1, 2, 4, 6, 9, 14)) if status == "inactive" else issued - 20 * index
        card = {
            "card_id": f"{account['account_id'].replace('A', 'K')}-{index}",
            "account_id": account["account_id"],
            "customer_id": customer["customer_id"],
            "status": status,
            "daily_limit": random.choice([limit for limit in (250, 500, 1000, 2000, 5000) if limit <= top]),
            "issued_on": ago(days),
        }
        taken = {name["name"][-4:] for name in customer["cards"].values()}
        last_four = random.choice([f"{n}" for n in random.sample(range(1000, 10_000), 9) if f"{n}" not in taken])
        customer["cards"][card["card_id"]] = {"name": f"{random.choice(('Visa', 'Mastercard'))} ending {last_four}"}
        made.append(card)
    return made


def purchases(random: Random, account: Row, cards: list[Row]) -> None:
    """What was paid by those cards of an account that were ever in use; some is pending, some was refunded."""
    used = [card for card in cards if card["status"] != "inactive"]
    for merchant in random.choices(list(MERCHANTS), k=random.choice((2, 2, 3, 3))) if used else ():
        low, high = MERCHANTS[merchant]
        spans = random.randint(0, 1), random.randint(2, 50), random.randint(51, 100)
        days = random.choices(spans, (10, 72, 18))[0]
        amount = random.randint(100 * low, 100 * high) / 100
        status = "pending" if days <= 1 else "posted"
        named = {"status": status, "card_id": random.choice(used)["card_id"], "merchant": merchant}
        row = enter(account, "purchase", amount, ago(days), **named)
        if status == "posted" and random.random() < 0.1:
            row["refunded"] = True
            enter(account, "refund", amount, ago(random.randint(0, days - 1)), merchant=merchant)


def dispute(random: Random, account: Row) -> tuple[Row, Row] | None:
    """For some accounts, a dispute of one purchase, and that purchase."""
    posted = [row for row in account["transactions"] if row["kind"] == "purchase" and row["status"] == "posted"]
    able = [row for row in posted if "refunded" not in row and 5 <= row["amount"] <= 1000]
    if not able or random.random() > 0.45:
        return None
    purchase = random.choice(able)
    opened = random.randint(max(0, days_since(purchase["posted_on"]) - 55), days_since(purchase["posted_on"]))
    status = random.choices(("open", "withdrawn", "decided"), (70, 15, 15))[0]
    dispute_id = f"{account['account_id'].replace('A', 'D')}-1"
    purchase.update(status="disputed" if status == "open" else "posted", dispute_id=dispute_id)
    row = new_dispute(account, purchase, "")
    if credit := row["provisional_credit"]:
        enter(account, "provisional credit", credit, ago(opened))
        if status == "withdrawn":
            enter(account, "credit taken back", credit, ago(random.randint(0, opened)))
    row.update(dispute_reason=random.choice(get_args(Reason)), status=status, opened_on=ago(opened))
    return row, purchase


def settle(account: Row) -> None:
    """Order and number the transactions; the opening balance is such that none of them overdraws the account."""
    account["transactions"].sort(key=lambda row: row["posted_on"])
    lowest = running = 0.0
    for index, row in enumerate(account["transactions"], start=1):
        rest = dict(row)
        row.clear()
        row.update({"transaction_id": f"{account['account_id'].replace('A', 'T')}-{index}", **rest})
        running += row["amount"] if row["kind"] in INCOMING else -row["amount"]
        lowest = min(lowest, running)
        this_month = days_since(row["posted_on"]) < TODAY.day
        if "withdrawals_this_month" in account and row["kind"] == "transfer out" and this_month:
            account["withdrawals_this_month"] += 1
    account["opening_balance"] = cents(max(account["opening_balance"], -lowest))
    account["balance"] = cents(account["opening_balance"] + running)
