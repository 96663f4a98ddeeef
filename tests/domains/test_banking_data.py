"""The bank's data is consistent, enough, and what the generator writes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from apigen_nb.domains.banking.bank import INCOMING, NOW, OUTGOING, TODAY, find_payee, find_transaction
from apigen_nb.domains.banking.catalog import WORDS
from apigen_nb.domains.banking.disputes import PROVISIONAL_UP_TO
from apigen_nb.domains.banking.rules import TOP_LIMIT
from apigen_nb.records import Action
from apigen_nb.world.domain import DOMAINS_FOLDER, Domain
from apigen_nb.world.values import facts

banking = Domain.load("banking")
accounts, cards, customers = (banking.tables[name] for name in ("accounts", "cards", "customers"))
disputes, transfers, scheduled = (banking.tables[name] for name in ("disputes", "transfers", "scheduled_payments"))
database = banking.world().database()
today = TODAY.isoformat()
STATUSES = {
    "accounts": {"open", "frozen", "closed"},
    "cards": {"inactive", "active", "frozen", "lost", "stolen", "replaced"},
    "transfers": {"pending", "settled", "cancelled"},
    "scheduled_payments": {"active", "paused", "cancelled"},
    "disputes": {"open", "withdrawn", "decided"},
}
Row = dict[str, Any]


def booked() -> Iterator[tuple[Row, Row]]:
    for account in accounts.values():
        for row in account["transactions"]:
            yield account, row


def test_there_is_enough_of_everything() -> None:
    assert len(customers) >= 200
    assert all(1 <= len(customer["accounts"]) <= 3 for customer in customers.values())
    assert {len(customer["payees"]) for customer in customers.values()} == {0, 1, 2, 3}
    for table, legal in STATUSES.items():
        assert {row["status"] for row in banking.tables[table].values()} == legal, table
    assert {row["kind"] for _, row in booked()} <= {*INCOMING, *OUTGOING}
    assert sum(path.stat().st_size for path in (DOMAINS_FOLDER / "banking" / "data").iterdir()) <= 700_000


def test_rows_repeat_their_own_id_and_ids_are_never_shared() -> None:
    fields = {table: f"{table.removesuffix('s')}_id" for table in STATUSES} | {"customers": "customer_id"}
    for table, name in fields.items():
        assert all(row[name] == key for key, row in banking.tables[table].items()), table
    ids = [row["transaction_id"] for _, row in booked()]
    assert len(ids) == len(set(ids))
    assert all(payee["payee_id"] == key for c in customers.values() for key, payee in c["payees"].items())


def test_an_id_that_names_another_row_does_so_rightly() -> None:
    """Payees are found by their customer's number, transactions by their account's."""
    for customer in customers.values():
        for payee_id, payee in customer["payees"].items():
            assert find_payee(database, payee_id) == (customer, payee)
    for account, row in booked():
        assert find_transaction(database, row["transaction_id"]) == (account, row)


def test_every_reference_exists_and_stays_with_one_customer() -> None:
    for kind, rows in (("accounts", accounts), ("cards", cards)):
        assert Counter(key for c in customers.values() for key in c[kind]) == Counter(list(rows))
        assert all(key in customers[row["customer_id"]][kind] for key, row in rows.items())
    for card in cards.values():
        account = accounts[card["account_id"]]
        assert (account["customer_id"], account["kind"]) == (card["customer_id"], "checking")
    for row in (*transfers.values(), *scheduled.values()):
        customer = customers[row["customer_id"]]
        ends = [row["from_account_id"], *([row["to_account_id"]] if "to_account_id" in row else [])]
        assert len(set(ends)) == len(ends)
        assert set(ends) <= set(customer["accounts"])
        assert ("payee_id" in row) == (row.get("kind") != "internal")
        if "payee_id" in row:
            assert row["payee_id"] in customer["payees"]
            assert accounts[row["from_account_id"]]["kind"] == "checking"
    for account, row in booked():
        if row["kind"] == "purchase":
            assert cards[row["card_id"]]["account_id"] == account["account_id"]
            assert cards[row["card_id"]]["status"] != "inactive"
        if "dispute_id" in row:
            assert disputes[row["dispute_id"]]["transaction_id"] == row["transaction_id"]


def test_balances_follow_from_the_transactions() -> None:
    for account in accounts.values():
        running, days = account["opening_balance"], [row["posted_on"] for row in account["transactions"]]
        assert days == sorted(days)
        assert all(account["opened_on"] <= day <= today for day in days)
        for index, row in enumerate(account["transactions"], start=1):
            assert row["transaction_id"] == f"T{account['account_id'][1:]}-{index}"
            running = round(running + (row["amount"] if row["kind"] in INCOMING else -row["amount"]), 2)
            assert running >= 0.0
        assert account["balance"] == running
        assert account["status"] != "closed" or running == 0.0
        if account["kind"] == "savings":
            out = [r for r in account["transactions"] if r["kind"] == "transfer out" and r["posted_on"] >= "2026-06-01"]
            assert account["withdrawals_this_month"] == len(out) <= 3
        else:
            assert "withdrawals_this_month" not in account


def test_transfers_stand_in_the_transactions() -> None:
    """Every transfer is booked on its accounts; what was cancelled has returned."""
    moved = Counter((a["account_id"], r["kind"], r["amount"], r["posted_on"]) for a, r in booked())
    expected: Counter[tuple[str, str, float, str]] = Counter()
    for row in transfers.values():
        ends = [("transfer out", row["from_account_id"])]
        ends += [("transfer in", row["to_account_id"])] if row["kind"] == "internal" else []
        ends += [("transfer returned", row["from_account_id"])] if row["status"] == "cancelled" else []
        expected.update((account_id, kind, row["amount"], row["made_at"][:10]) for kind, account_id in ends)
    for account in accounts.values():
        if account["status"] == "closed":  # what it held has gone
            (last,) = account["transactions"]
            expected[account["account_id"], "transfer out", account["opening_balance"], last["posted_on"]] += 1
    assert {key: n for key, n in moved.items() if key[1].startswith("transfer")} == expected


def test_amounts_are_positive_and_in_cents() -> None:
    amounts = [row["amount"] for _, row in booked()]
    amounts += [row["amount"] for row in (*transfers.values(), *scheduled.values())]
    amounts += [bill["amount"] for customer in customers.values() for bill in customer["bills"]]
    assert all(isinstance(amount, float) and amount == round(amount, 2) > 0 for amount in amounts)
    held = [account[name] for account in accounts.values() for name in ("balance", "overdraft", "opening_balance")]
    assert all(isinstance(amount, float) and amount == round(amount, 2) >= 0 for amount in held)


def test_statuses_fit_dates() -> None:
    for row in transfers.values():
        assert row["made_at"] <= NOW.isoformat(timespec="minutes")
        days = (TODAY - datetime.fromisoformat(row["made_at"]).date()).days
        assert (row["status"] == "pending") == (row["kind"] == "external" and days <= 1)
    for customer in customers.values():
        assert all(payee["added_at"] < NOW.isoformat() for payee in customer["payees"].values())
        assert all(bill["due_on"] > today for bill in customer["bills"])
    for row in scheduled.values():
        assert date.fromisoformat(row["next_on"]).day <= 28
        assert row["status"] != "active" or row["next_on"] > today
        assert customers[row["customer_id"]]["payees"][row["payee_id"]]["added_at"] < "2026-06-01"
    for card in cards.values():
        assert card["issued_on"] <= today
    for _, row in booked():
        assert (row["kind"] == "purchase") == ("status" in row)
        assert row.get("status", "posted") in ("posted", "pending", "disputed")


def test_disputes_fit_their_transactions() -> None:
    for dispute in disputes.values():
        account, row = find_transaction(database, dispute["transaction_id"])
        assert row["kind"] == "purchase"
        assert (account["account_id"], account["customer_id"]) == (dispute["account_id"], dispute["customer_id"])
        assert row["dispute_id"] == dispute["dispute_id"]
        assert (row["status"] == "disputed") == (dispute["status"] == "open")
        assert dispute["disputed_amount"] == row["amount"]
        assert dispute["provisional_credit"] == (row["amount"] if row["amount"] <= PROVISIONAL_UP_TO else 0.0)
        opened, posted = (date.fromisoformat(day) for day in (dispute["opened_on"], row["posted_on"]))
        assert 0 <= (opened - posted).days <= 60
        lent = {
            kind: sum(r["amount"] for r in account["transactions"] if r["kind"] == kind)
            for kind in ("provisional credit", "credit taken back")
        }
        assert lent["provisional credit"] == dispute["provisional_credit"]
        assert lent["credit taken back"] == (dispute["provisional_credit"] if dispute["status"] == "withdrawn" else 0.0)
    assert {r["transaction_id"] for _, r in booked() if r.get("status") == "disputed"} == {
        d["transaction_id"] for d in disputes.values() if d["status"] == "open"
    }


def test_limits_are_those_of_the_policy() -> None:
    for customer in customers.values():
        assert customer["daily_send_limit"] == {"basic": 500, "full": 2500}[customer["identity_level"]]
        own = [row for row in transfers.values() if row["customer_id"] == customer["customer_id"]]
        assert sum(row["amount"] for row in own if row["made_at"] >= today and row["kind"] == "external") <= 500
        mine = [row for row in scheduled.values() if row["customer_id"] == customer["customer_id"]]
        assert sum(row["status"] == "active" for row in mine) <= 4
    for card in cards.values():
        customer = customers[card["customer_id"]]
        top = TOP_LIMIT[customer["tier"]] if customer["identity_level"] == "full" else 500
        assert card["daily_limit"] <= top


def test_a_replaced_card_has_a_successor() -> None:
    for card_id, card in cards.items():
        stem, _, index = card_id.rpartition("-")
        assert index == "1" or f"{stem}-{int(index) - 1}" in cards
        assert card["status"] != "replaced" or f"{stem}-{int(index) + 1}" in cards


def test_people_can_be_told_apart_and_are_invented() -> None:
    for name in ("email", "phone"):
        assert len({customer[name].lower() for customer in customers.values()}) == len(customers)
    for customer in customers.values():
        assert customer["email"].endswith(("@example.com", "@example.org"))
        assert customer["email"].isascii()
        assert " " not in customer["email"]
        assert re.fullmatch(r"\d{3}-555-\d{4}", customer["phone"])
        for kind in ("accounts", "cards"):
            names = [row["name"] for row in customer[kind].values()]
            assert len(set(names)) == len(names)


def test_memorable_words_stand_nowhere_but_with_their_customer() -> None:
    """So no reading tool can show one, not even by chance."""
    for customer in customers.values():
        words = customer["memorable_words"]
        assert len(set(words)) == len(words) == 4
        assert set(words) <= set(WORDS)
    hidden = {key: {k: v for k, v in row.items() if k != "memorable_words"} for key, row in customers.items()}
    shown = {fact.value.casefold() for fact in facts({**banking.tables, "customers": hidden}) if fact.key != "email"
             and isinstance(fact.value, str)}  # fmt: skip
    assert len(shown) > 1000
    assert not {word for text in shown for word in re.findall("[a-z]+", text)} & set(WORDS)
    world = banking.world()
    for customer_id, customer in customers.items():
        seen = json.dumps(world.call(Action(name="get_customer", arguments={"customer_id": customer_id})))
        assert "memorable" not in seen
        assert not any(f'"{word}"' in seen for word in customer["memorable_words"])
