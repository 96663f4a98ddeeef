"""What the scripted agent says before it writes: of each thing its own amounts, and what the policy has it cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models.scripted.grammar import words
from apigen_nb.models.scripted.policy_reading import costs
from apigen_nb.models.scripted.references import Notes
from apigen_nb.records import ToolCall

PIER = {"pier_id": "PIER-1", "colour": "stone"}
BERTH = {"berth_id": "B-7", "town": "Reed", "terms": {"summer": {"price": 90.0}, "winter": {"price": 40.0}}}
STAY = {
    "stay_id": "S-3",
    "season": "summer",
    "total": 115.5,
    "parts": [{"berth_id": "B-7", "price": 77.0}, {"berth_id": "B-9", "price": 38.5}],
    "charges": [{"pier_id": "PIER-1", "amount": 115.5}],
}


def notes(*results: Any) -> Notes:
    made = Notes()
    for number, result in enumerate(results):
        made.add(ToolCall(id=f"{number}", name="get_thing", arguments={"of": str(number)}), json.dumps(result), "")
    return made


@pytest.mark.parametrize(
    ("results", "name", "names", "told"),
    [
        ((PIER, STAY), "PIER-1", ["PIER-1"], "stone"),  # what was once charged to it is no amount of its own
        ((PIER, STAY), "PIER-1", ["S-3", "PIER-1"], "stone"),
        ((BERTH, STAY), "B-7", ["B-7"], "Reed"),  # its price there is none of this call's
        ((BERTH, STAY), "B-7", ["B-7", "winter"], "Reed, winter price 40.0"),
        ((BERTH, STAY), "B-7", ["S-3", "B-7"], "Reed, price 77.0"),
        ((BERTH, {**STAY, "parts": []}), "B-7", ["S-3", "B-7"], "Reed, summer price 90.0"),
        ((BERTH, STAY), "B-9", ["S-3", "B-9"], "price 38.5"),
        ((STAY,), "S-3", ["S-3"], "summer, total 115.5"),
        (({"pier_id": "PIER-1", "bills": [{"bill_id": "X-1", "amount": 3.5}]},), "X-1", ["X-1"], "amount 3.5"),
        (({"user_id": "U-1", "piers": [{"pier_id": "PIER-2", "balance": 8.0}]},), "PIER-2", ["PIER-2"], "balance 8.0"),
        ((STAY,), "nothing", ["nothing"], ""),
    ],
)
@pytest.mark.parametrize("newest_last", [True, False])
def test_of_a_thing_its_own_amounts_are_told(
    results: tuple[Any, ...], name: str, names: list[str], told: str, newest_last: bool
) -> None:
    assert notes(*(results if newest_last else results[::-1])).particulars(name, names) == told


labels = st.text("abcdefgh", min_size=4, max_size=8)
money = st.integers(min_value=10_000, max_value=99_999).map(lambda cents: cents / 100)


@given(label=labels, part=labels, own=money, other=money)
def test_no_amount_of_another_thing_is_ever_told(label: str, part: str, own: float, other: float) -> None:
    """Whatever the tables are called."""
    thing = {f"{label}_id": "T-1", "colour": "plain", "price": own}
    bill = {f"{part}_id": "O-1", "lines": [{f"{label}_id": "T-1", "price": other, "amount": other}]}
    for results in ((thing, bill), (bill, thing)):
        assert notes(*results).particulars("T-1", ["T-1"]) == f"plain, price {own}"
        assert f"price {other}" in notes(*results).particulars("T-1", ["T-1", "O-1"])


POLICY = """# Harbour
- **Mooring** costs $12 a night and boat. Boats leave by noon.
- A **crane** lifts up to 9 tons. A lift costs $80, for members nothing.
- **Upgrades** take 500 points each.
- Stays are changed once. Yearly stays cost $25 to change, others nothing.
"""


@pytest.mark.parametrize(
    ("tool", "row", "told"),
    [
        ("extend_mooring", {}, ["Mooring costs $12 a night and boat"]),
        ("order_lift", {}, ["A lift costs $80, for members nothing"]),
        ("upgrade_berth", {}, ["Upgrades take 500 points each"]),
        ("change_stays", {"kind": "yearly"}, ["Yearly stays cost $25 to change, others nothing"]),
        ("rename_boat", {}, []),
        ("upgrade", {}, ["Upgrades take 500 points each"]),
    ],
)
def test_what_the_policy_has_a_call_cost_is_told(tool: str, row: dict[str, str], told: list[str]) -> None:
    schema = {"function": {"name": tool, "description": f"{words(tool)}.", "parameters": {}}}
    assert costs(POLICY, schema, [row]) == told
