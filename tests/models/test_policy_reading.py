"""What the scripted roles read in a policy: what forbids, and what only seems to."""

from __future__ import annotations

from typing import Any

import pytest

from apigen_nb.models.scripted.policy_reading import forbids, wrong_state
from apigen_nb.world.domain import Domain

RETAIL = Domain.load("retail")
CANCEL: dict[str, Any] = {"order_id": "#R1"}


def order(**more: Any) -> dict[str, Any]:
    return {"order_id": "#R1", "status": "pending", "shipping_speed": "standard", "items_changed": False, **more}


def said(tool: str, arguments: dict[str, Any], *rows: dict[str, Any], domain: Domain = RETAIL) -> tuple[str, str]:
    schema = domain.tools[tool].schema
    return forbids(domain.policy, schema, arguments, rows), wrong_state(domain.policy, schema, rows)


@pytest.mark.parametrize(
    ("tool", "arguments", "rows", "found"),
    [
        ("cancel_order", CANCEL, [order()], ("", "")),
        ("cancel_order", CANCEL, [order(shipping_speed="express")], ("An express order", "")),
        ("cancel_order", CANCEL, [order(status="delivered")], ("", "#R1 is delivered")),
        ("return_items", CANCEL, [{"item_id": "1-1", "final_sale": True}], ("Never for final sale", "")),
        ("return_items", CANCEL, [{"item_id": "1-1", "final_sale": False}], ("", "")),
        ("redeem_points", {"points": 700}, [], ("Points are redeemed", "")),
        ("redeem_points", {"points": 1000}, [], ("", "")),
    ],
)
def test_a_state_or_an_amount_is_forbidden(
    tool: str, arguments: dict[str, Any], rows: list[dict[str, Any]], found: tuple[str, str]
) -> None:
    rule, state = said(tool, arguments, *rows)
    assert state == found[1]
    assert rule.startswith(found[0])
    assert bool(rule) == bool(found[0])


@pytest.mark.parametrize(
    ("domain", "tool", "row"),
    [
        # in this conversation; within days; cancelled, and with that disrupted; two things said of one account
        ("banking", "resume_scheduled_payment", {"scheduled_payment_id": "S1", "status": "paused"}),
        ("banking", "pause_scheduled_payment", {"scheduled_payment_id": "S1", "status": "active"}),
        ("airline", "rebook_flight", {"flight_id": "HW1", "status": "cancelled"}),
        ("banking", "close_account", {"account_id": "A1", "kind": "savings", "status": "open"}),
    ],
)
def test_what_holds_in_some_cases_only_forbids_nothing(domain: str, tool: str, row: dict[str, Any]) -> None:
    assert said(tool, {}, row, domain=Domain.load(domain)) == ("", "")
