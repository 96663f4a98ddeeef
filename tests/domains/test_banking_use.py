"""The bank is of use: its tools' arguments can be found, and its customers have wishes that its policy allows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from apigen_nb.records import Action
from apigen_nb.world.api_graph import Graph
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import Refusal
from tests.domains.test_banking_rules import broken

banking = Domain.load("banking")
accounts, customers = banking.tables["accounts"], banking.tables["customers"]
transfers, scheduled = banking.tables["transfers"], banking.tables["scheduled_payments"]
Row = dict[str, Any]


def own_calls(customer: Row) -> Iterator[Action]:
    """Calls of every writing tool that this customer could ask for, some of which break rules or are refused."""
    me, word = customer["customer_id"], {"memorable_word": customer["memorable_words"][0]}
    own = [accounts[key] for key in customer["accounts"]]
    yield Action(name="change_email", arguments={"customer_id": me, "email": "new@example.org", **word})
    yield Action(name="change_phone", arguments={"customer_id": me, "phone": "200-555-0100", **word})
    for bill in customer["bills"]:
        details = {key: bill[key] for key in ("payee_name", "routing_number", "account_number")}
        yield Action(name="add_payee", arguments={"customer_id": me, **details, **word})
    for account in own:
        source = {"from_account_id": account["account_id"], "amount": 20.0}
        for other in own:
            yield Action(name="transfer_between_accounts", arguments={**source, "to_account_id": other["account_id"]})
            ids = {"account_id": account["account_id"], "new_account_id": other["account_id"]}
            yield Action(name="close_account", arguments={**ids, **word})
        for payee_id in customer["payees"]:
            yield Action(name="send_to_payee", arguments={**source, "payee_id": payee_id, **word})
            monthly = {**source, "payee_id": payee_id, "day_of_month": 5, **word}
            yield Action(name="schedule_payment", arguments=monthly)
        for row in account["transactions"]:
            about = {"transaction_id": row["transaction_id"], "dispute_reason": "wrong amount"}
            yield Action(name="dispute_transaction", arguments=about)
            if "dispute_id" in row:
                yield Action(name="withdraw_dispute", arguments={"dispute_id": row["dispute_id"]})
    for card_id in customer["cards"]:
        yield Action(name="report_card", arguments={"card_id": card_id, "loss": "lost"})
        yield Action(name="activate_card", arguments={"card_id": card_id, **word})
        yield Action(name="set_card_limit", arguments={"card_id": card_id, "daily_limit": 250, **word})
        yield from (Action(name=name, arguments={"card_id": card_id}) for name in ("freeze_card", "replace_card"))
    for key in (key for key, row in scheduled.items() if row["customer_id"] == me):
        for verb in ("pause", "resume", "cancel"):
            yield Action(name=f"{verb}_scheduled_payment", arguments={"scheduled_payment_id": key})
    for key in (key for key, row in transfers.items() if row["customer_id"] == me):
        yield Action(name="cancel_transfer", arguments={"transfer_id": key})


def test_every_writing_tool_is_of_use_to_many_customers() -> None:
    """And most customers have wishes of many kinds that the policy allows, so a visit can have several actions."""
    able: dict[str, set[str]] = {name: set() for name, tool in banking.tools.items() if tool.writes}
    for customer_id, customer in customers.items():
        for action in own_calls(customer):
            if customer_id not in able[action.name]:
                try:
                    if not broken(banking, customer_id, action):
                        able[action.name].add(customer_id)
                except Refusal:
                    continue
    assert {name: len(found) for name, found in able.items() if len(found) < 30} == {}
    kinds = Counter(customer_id for found in able.values() for customer_id in found)
    assert sum(kinds[customer_id] >= 8 for customer_id in customers) > 0.7 * len(customers)


def test_every_id_that_a_tool_asks_for_can_be_read_somewhere() -> None:
    produced = {edge.parameter for edge in Graph.of(banking).edges}
    asked = {p for tool in banking.tools.values() for p in tool.required if p.endswith(("_id", "_ids"))}
    assert asked <= produced
    assert {"account_id", "to_account_id", "card_id", "payee_id", "transaction_id", "dispute_id"} <= asked


def test_reading_tools_are_told_by_their_names() -> None:
    for name, tool in banking.tools.items():
        reading = name.split("_")[0] in ("find", "get", "list", "search", "check")
        assert reading == (tool.kind == "read"), name
        assert not reading or len(tool.required) == 1
    assert set(banking.phrases) == {name for name, tool in banking.tools.items() if tool.writes}
    for name, phrase in banking.phrases.items():
        slots = set(re.findall(r"\{(\w+)\}", phrase))
        assert slots == set(banking.tools[name].required) - {"customer_id"}
