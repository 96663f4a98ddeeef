"""Whatever is called in whatever order: things stay in their states, states change only as allowed, no cent is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.domains.banking.bank import INCOMING, OUTGOING
from apigen_nb.records import Action
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import Database, Refusal
from tests.domains.banking_world import bank, tables

Row = dict[str, Any]
STEPS: dict[str, set[tuple[str | None, str]]] = {
    "accounts": {("open", "closed")},
    "cards": {
        ("active", "frozen"),
        ("inactive", "active"),
        ("frozen", "active"),
        *((used, gone) for used in ("active", "frozen") for gone in ("lost", "stolen")),
        ("lost", "replaced"),
        ("stolen", "replaced"),
        (None, "inactive"),
    },
    "transfers": {("pending", "cancelled"), (None, "pending"), (None, "settled")},
    "scheduled_payments": {
        ("active", "paused"),
        ("paused", "active"),
        ("active", "cancelled"),
        ("paused", "cancelled"),
        (None, "active"),
    },
    "disputes": {("open", "withdrawn"), (None, "open")},
    "transactions": {("posted", "disputed"), ("disputed", "posted")},
}
"""Table → the changes of status that a call can make; None is a row that was not there."""

banking = Domain.load("banking")
WRITES = [name for name, tool in banking.tools.items() if tool.writes]
POOLS: dict[str, list[Any]] = {
    "customer_id": ["C1", "C2"],
    "account_id": ["A11", "A12", "A13", "A21"],
    "payee_id": ["P1-1", "P1-2", "P1-3", "P2-1"],
    "card_id": [*(f"K11-{n}" for n in range(1, 7)), "K21-1"],
    "transfer_id": [f"TR1-{n}" for n in range(1, 6)],
    "scheduled_payment_id": [f"S1-{n}" for n in range(1, 6)],
    "transaction_id": [*(f"T11-{n}" for n in range(1, 9)), "T21-1"],
    "dispute_id": ["D11-1", "D11-2", "D11-3", "D21-1"],
    "amount": [0.01, 10, 33.33, 100.1, 700.0, 1200.0],
    "day_of_month": [1, 11, 28, 31],
    "memorable_word": ["anchor", "biscuit", "ferry"],
    "email": ["a@example.org", "bo@example.com"],
    "phone": ["312-555-0100", "312-555-0101"],
    "payee_name": ["Redstone Gas", "Lark Internet"],
    "routing_number": ["110000123"],
    "account_number": ["4400112233", "90001111"],
}


def some_call(choose: Callable[[list[Any]], Any]) -> Action:
    """A call of a writing tool with arguments of the right types, out of small pools."""
    name = choose(WRITES)
    specs = banking.tools[name].parameters["properties"]
    pools = {key: spec.get("enum") or POOLS[re.sub("^(from|to|new)_", "", key)] for key, spec in specs.items()}
    return Action(name=name, arguments={key: choose(pool) for key, pool in pools.items()})


@st.composite
def calls(draw: st.DrawFn) -> Action:
    return some_call(lambda pool: draw(st.sampled_from(pool)))


def statuses(database: Database) -> dict[tuple[str, str], str]:
    """Table and id → status, of everything that has one; purchases count as a table of their own."""
    found = {
        (table, key): row["status"]
        for table in STEPS
        if table != "transactions"
        for key, row in database[table].items()
    }
    for account in database["accounts"].values():
        bought = [row for row in account["transactions"] if row["kind"] == "purchase"]
        found |= {("transactions", row["transaction_id"]): row["status"] for row in bought}
    return found


def money(database: Database) -> int:
    """All cents there are: on accounts, sent away and not called back, less what is lent for open disputes."""
    sent = [t for t in database["transfers"].values() if t["kind"] == "external" and t["status"] != "cancelled"]
    lent = [d["provisional_credit"] for d in database["disputes"].values() if d["status"] == "open"]
    held = [account["balance"] for account in database["accounts"].values()]
    return round(100 * (sum(held) + sum(t["amount"] for t in sent) - sum(lent)))


def check_ledger(account: Row) -> None:
    assert all(row["kind"] in (*INCOMING, *OUTGOING) and row["amount"] > 0 for row in account["transactions"])
    moved = sum(row["amount"] if row["kind"] in INCOMING else -row["amount"] for row in account["transactions"])
    assert round(account["opening_balance"] + moved, 2) == account["balance"] == round(account["balance"], 2)
    assert account["balance"] >= -account["overdraft"]
    ids = [row["transaction_id"] for row in account["transactions"]]
    assert len(set(ids)) == len(ids)
    assert account["status"] != "closed" or account["balance"] == 0.0


@given(st.lists(calls(), max_size=30))
@settings(max_examples=200, deadline=None)
def test_random_calls_keep_states_and_money(sequence: list[Action]) -> None:
    world = bank().world()
    start = money(world.database())
    for action in sequence:
        before = statuses(world.fork().database())
        try:
            world.call(action)
        except Refusal:
            assert statuses(world.database()) == before
            continue
        database = world.database()
        after = statuses(database)
        assert before.keys() <= after.keys()
        for place, status in after.items():
            if before.get(place) != status:
                assert (before.get(place), status) in STEPS[place[0]], (action, place)
        assert money(database) == start, action
        for account in database["accounts"].values():
            check_ledger(account)
        for customer in database["customers"].values():
            own = [key for key, row in database["cards"].items() if row["customer_id"] == customer["customer_id"]]
            assert sorted(customer["cards"]) == sorted(own)
            assert all(key == payee["payee_id"] for key, payee in customer["payees"].items())


def test_random_calls_reach_every_writing_tool_and_every_step() -> None:
    """The property above is worth something only if its calls succeed."""
    reached: set[tuple[str, str | None, str]] = set()
    done: set[str] = set()
    rng = Random(0)
    for _ in range(400):
        world = bank().world()
        for _ in range(25):
            action, before = some_call(rng.choice), statuses(world.fork().database())
            try:
                world.call(action)
            except Refusal:
                continue
            done.add(action.name)
            after = statuses(world.database())
            reached |= {(t, before.get((t, k)), s) for (t, k), s in after.items() if before.get((t, k)) != s}
    assert done == set(WRITES)
    assert reached == {(table, *step) for table, steps in STEPS.items() for step in steps}


def test_the_small_bank_is_in_order_itself() -> None:
    for account in tables()["accounts"].values():
        check_ledger(account)
