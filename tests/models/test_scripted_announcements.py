"""What the scripted agent says before it writes: of each thing its own amounts, and what the policy has it cost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Question
from apigen_nb.models.scripted.dialogue_state import DialogueState
from apigen_nb.models.scripted.grammar import Language, words
from apigen_nb.models.scripted.policy_reading import costs
from apigen_nb.models.scripted.references import Notes
from apigen_nb.records import Message, ToolCall

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


OFFER = {"stay_id": "S-3", "seasons": {"summer": {"price": 90.0}, "winter": {"price": 40.0}}}
PASS = {"pass_id": "Q-1", "stays": [{"stay_id": "S-3", "town": "Reed"}]}
MINE = {"user_id": "U-1", "stays": [{"stay_id": "S-3"}]}
TOTAL = "summer, total 115.5"
WINTER = {"season": "winter", "price_percent": 60}


@pytest.mark.parametrize(
    ("results", "names", "told"),
    [
        # what only holds things is as dear as they are; a choice has the price that goes by it in what is named
        ((PASS, STAY), ["Q-1"], {"S-3": TOTAL}),
        ((STAY, OFFER), ["S-3", "winter"], {"S-3": "summer, total 115.5, summer price 90.0, winter price 40.0"}),
        ((STAY, BERTH), ["S-3", "winter"], {"S-3": TOTAL, "B-7": "Reed, price 77.0, winter price 40.0"}),
        ((STAY, WINTER), ["S-3", "winter"], {"S-3": TOTAL, "winter": "winter, price percent 60"}),
        ((STAY,), ["S-3"], {"S-3": TOTAL}),  # its parts need no price beside its own
    ],
)  # fmt: skip
def test_what_something_costs_is_told_by_what_lies_in_it(
    results: tuple[Any, ...], names: list[str], told: dict[str, str]
) -> None:
    known = notes(*results)
    about = {thing: known.particulars(thing, names) for thing in known.spoken_of(names)}
    assert {thing: text for thing, text in about.items() if text and known.has_price(thing, names)} == told


def test_an_announcement_that_would_lack_a_price_waits_for_a_read() -> None:
    """By a tool that says it shows such things; which of them, the number of the thing says, or what is named."""
    schemas = [
        reads("get_pier", "Show a pier, and its berths with prices.", "pier_id"),
        reads("get_stay", "Show a stay.", "stay_id"),
    ]
    state = DialogueState(asking(schemas, MINE, STAY), Language({}), NoSlips())
    wanted = {"stay_id": "S-3", "berth_id": "B-8"}
    assert [(c.name, c.arguments) for c in state.pricing(0, wanted)] == [("get_pier", {"pier_id": "PIER-8"})]
    assert state.pricing(0, {**wanted, "berth_id": "B-9"}) == []  # the stay tells its price
    assert state.pricing(0, {**wanted, "amount": 12.5}) == []  # what it moves is said


class NoSlips:
    def slips(self, mistake: str, about: str = "") -> bool:
        return False

    def draw(self, about: str) -> Any:
        raise AssertionError(about)


def reads(name: str, description: str, parameter: str) -> dict[str, Any]:
    parameters = {"properties": {parameter: {"type": "string"}}, "required": [parameter]}
    return {"function": {"name": name, "description": description, "parameters": parameters}}


def asking(schemas: list[dict[str, Any]], *results: Any) -> Question:
    messages = [Message(role="user", content="Hello.")]
    for number, result in enumerate(results):
        call = ToolCall(id=f"{number}", name="get_thing", arguments={"of": str(number)})
        messages += [
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", content=json.dumps(result), tool_call_id=f"{number}"),
        ]
    about = {"policy": POLICY}
    return Question(id="q", role="agent", prompt="agent", context=about, messages=tuple(messages), tools=tuple(schemas))


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
