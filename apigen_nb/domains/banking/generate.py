"""Write the bank's data from a fixed seed: `python -m apigen_nb.domains.banking.generate [folder]`."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from faker import Faker

from apigen_nb.domains.banking.bank import TODAY, days_since
from apigen_nb.domains.banking.catalog import BILLERS, WORDS
from apigen_nb.domains.banking.ledger import ago, dispute, enter, holdings, issue, purchases, settle
from apigen_nb.domains.generation import email, main, phone, seeded
from apigen_nb.world.toolkit import Row, Table, cents

SEED = 20260611
CUSTOMERS = 220
SEND_LIMIT = {"basic": 500, "full": 2500}


def _moment(random: Random, days: int) -> str:
    """A time of a day some days ago; of today, in the early morning, which is past."""
    hour = random.randint(6, 9) if days == 0 else random.randint(8, 20)
    day = datetime.fromisoformat(ago(days))
    return day.replace(hour=hour, minute=random.randint(0, 59)).isoformat(timespec="minutes")


def _person(random: Random, fake: Faker, number: int) -> Row:
    """A customer without accounts and cards. The phone number follows from the id, so no two are equal."""
    first, last = fake.first_name(), fake.last_name()
    level = random.choices(("basic", "full"), (30, 70))[0]
    billers = random.sample(BILLERS, 5)
    count = random.choice((0, 1, 2, 2, 3))
    names = [fake.name() if random.random() < 0.5 else billers.pop() for _ in range(count)]
    payees, bills = _payees(random, number, names), _bills(random, billers)
    return {
        "customer_id": f"C{number}",
        "first_name": first,
        "last_name": last,
        "email": email(random, first, last, number),
        "phone": phone(number),
        "tier": random.choices(("standard", "plus", "premium"), (55, 30, 15))[0],
        "identity_level": level,
        "daily_send_limit": SEND_LIMIT[level],
        "memorable_words": sorted(random.sample(WORDS, 4)),
        "accounts": {},
        "cards": {},
        "payees": payees,
        "bills": bills,
    }


def _payees(random: Random, number: int, names: list[str]) -> Table:
    """Payees of a customer, by name; the last of several may have been added today."""
    payees: Table = {}
    for index, name in enumerate(names, start=1):
        fresh = index == len(names) > 1 and random.random() < 0.3
        payees[f"P{number}-{index}"] = {
            "payee_id": f"P{number}-{index}",
            "payee_name": name,
            "masked_number": f"ends in {random.randint(0, 9999):04}",
            "added_at": _moment(random, 0 if fresh else random.randint(45, 900)),
        }
    return payees


def _bills(random: Random, billers: list[str]) -> list[Row]:
    """A bill or two that will be due, of billers who are no payees yet."""
    return [
        {
            "payee_name": name,
            "routing_number": f"{random.randint(110_000_000, 129_999_999)}",
            "account_number": f"{random.randint(10**9, 10**10 - 1)}",
            "amount": cents(random.randint(1500, 24_000) / 100),
            "due_on": ago(-random.randint(2, 25)),
        }
        for name in billers[: random.choice((1, 1, 1, 1, 2))]
    ]


def _internal(random: Random, own: list[Row]) -> list[Row]:
    """An earlier transfer or two between open accounts of the customer, booked on both."""
    made = []
    for _ in range(random.choice((1, 1, 1, 2)) if len(own) > 1 else 0):
        source, target = random.sample(own, 2)
        days = random.randint(1, min(30, days_since(source["opened_on"]), days_since(target["opened_on"])))
        amount = 2.5 * random.randint(4, 80)
        enter(source, "transfer out", amount, ago(days))
        enter(target, "transfer in", amount, ago(days))
        ends = {"from_account_id": source["account_id"], "to_account_id": target["account_id"]}
        made.append(_transfer(random, {"kind": "internal", **ends}, amount, "settled", days))
    return made


def _external(random: Random, known: list[str], paying: list[Row]) -> list[Row]:
    """Transfers to payees: settled, pending and cancelled ones."""
    made = []
    for _ in range(random.choice((1, 1, 1, 2)) if known and paying else 0):
        source, payee_id = random.choice(paying), random.choice(known)
        days = random.choice((0, 1, 1, random.randint(2, 35)))
        status = "pending" if days <= 1 else random.choices(("settled", "cancelled"), (85, 15))[0]
        amount = random.randint(800, 14_500) / 100
        enter(source, "transfer out", amount, ago(days))
        if status == "cancelled":
            enter(source, "transfer returned", amount, ago(days))
        ends = {"from_account_id": source["account_id"], "payee_id": payee_id}
        made.append(_transfer(random, {"kind": "external", **ends}, amount, status, days))
    return made


def _transfer(random: Random, kind: Row, amount: float, status: str, days: int) -> Row:
    """A transfer that was made some days ago; a pending one of yesterday settles in the coming night."""
    return {**kind, "amount": cents(amount), "status": status, "made_at": _moment(random, days)}


def _monthly(random: Random, known: list[str], paying: list[Row]) -> list[Row]:
    """Up to three scheduled payments to payees."""
    made = []
    for _ in range(random.choice((0, 1, 2, 2, 3)) if known and paying else 0):
        status = random.choices(("active", "paused", "cancelled"), (50, 38, 12))[0]
        due = TODAY + timedelta(days=random.randint(1, 30) if status == "active" else random.randint(-50, 28))
        account_id, payee_id = random.choice(paying)["account_id"], random.choice(known)
        amount, next_on = cents(random.randint(1000, 22_000) / 100), due.replace(day=min(due.day, 28)).isoformat()
        row = {"from_account_id": account_id, "payee_id": payee_id, "amount": amount}
        made.append({**row, "status": status, "next_on": next_on})
    return made


def _numbered(rows: list[Row], customer: Row, key: str, prefix: str) -> Table:
    """Rows of one customer under ids of their own: TR10432-1, TR10432-2, ..."""
    owner = customer["customer_id"]
    ids = [owner.replace("C", prefix) + f"-{index}" for index in range(1, len(rows) + 1)]
    return {row_id: {key: row_id, "customer_id": owner, **row} for row_id, row in zip(ids, rows, strict=True)}


def tables(seed: int = SEED) -> dict[str, Table]:
    """All tables of the bank, table → id → row; equal for equal seeds and versions of faker."""
    random = Random(seed)
    fake = seeded(random)
    numbers = iter(random.sample(range(10_000, 100_000), 3 * CUSTOMERS))
    made: dict[str, Table] = {
        name: {} for name in ("accounts", "cards", "customers", "disputes", "scheduled_payments", "transfers")
    }
    for number in random.sample(range(10_000, 100_000), CUSTOMERS):
        customer = made["customers"][f"C{number}"] = _person(random, fake, number)
        own = holdings(random, customer, numbers)
        for account in [account for account in own if account["kind"] == "checking"]:
            cards = issue(random, account, customer)
            made["cards"] |= {card["card_id"]: card for card in cards}
            purchases(random, account, cards)
        usable = [account for account in own if account["status"] == "open"]
        paying = [account for account in usable if account["kind"] == "checking"]
        known = [key for key, payee in customer["payees"].items() if payee["added_at"] < ago(40)]
        moved = _internal(random, usable) + _external(random, known, paying)
        made["transfers"] |= _numbered(sorted(moved, key=lambda row: row["made_at"]), customer, "transfer_id", "TR")
        paid = _monthly(random, known, paying)
        made["scheduled_payments"] |= _numbered(paid, customer, "scheduled_payment_id", "S")
        disputes = [row for account in own if (row := _disputed_and_settled(random, account))]
        made["disputes"] |= {row["dispute_id"]: row for row in disputes}
        made["accounts"] |= {account["account_id"]: account for account in own}
    return made


def _disputed_and_settled(random: Random, account: Row) -> Row | None:
    """Settle an account; gives the dispute about it, if there is one."""
    found = dispute(random, account)
    settle(account)
    if found is None:
        return None
    row, purchase = found
    row["transaction_id"] = purchase["transaction_id"]  # which it has only now
    return row


if __name__ == "__main__":
    main(tables(), __file__)
