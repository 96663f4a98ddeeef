"""Two end states are the same up to the names of what was made on the way there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.records import Action, Change
from apigen_nb.world.domain import Domain
from apigen_nb.world.end_states import same_delta


def call(name: str, **arguments: Any) -> Action:
    return Action(name=name, arguments=arguments)


def left_by(domain: str, *actions: Action) -> tuple[Change, ...]:
    world = Domain.load(domain).world()
    for action in actions:
        world.call(action)
    return world.delta()


def loan(key: str, **row: Any) -> Change:
    return Change(table="loans", id=key, after={"loan_id": key, **row})


def shelf(*loans: str, **parts: Any) -> Change:
    return Change(table="shelves", id="S1", before={"loan_ids": []}, after={"loan_ids": [*loans], **parts})


MOVES = tuple(
    call("transfer_between_accounts", from_account_id="A20230", to_account_id="A95957", amount=n) for n in (5, 7)
)
CLAIMS = tuple(call("schedule_payment", from_account_id="A20230", payee_id="P10078-1", amount=n, day_of_month=3,
                    memorable_word="parrot") for n in (5, 7))  # fmt: skip


@pytest.mark.parametrize("actions", [CLAIMS, (*CLAIMS, call("freeze_card", card_id="K20230-1"))])
def test_two_creations_in_another_order_are_the_same_state(actions: tuple[Action, ...]) -> None:
    there, back = left_by("banking", *actions), left_by("banking", *actions[::-1])
    assert there != back
    assert same_delta(there, back)
    assert same_delta(back, there)


def test_what_was_moved_must_be_the_same() -> None:
    there = left_by("banking", *CLAIMS)
    assert not same_delta(there, left_by("banking", CLAIMS[0], CLAIMS[0]))
    assert not same_delta(there, left_by("banking", *CLAIMS[:1]))
    assert not same_delta(there, left_by("banking", *CLAIMS, CLAIMS[0]))
    assert not same_delta(there, ())


def test_parts_of_rows_are_paired_as_rows_are() -> None:
    assert same_delta(left_by("banking", *MOVES), left_by("banking", *MOVES[::-1]))
    assert not same_delta(left_by("banking", *MOVES), left_by("banking", MOVES[0], MOVES[0]))


def test_ids_that_were_chosen_are_not_names_that_a_tool_made_up() -> None:
    seats = (
        Change(table="seats", id="11A", after={"for": "Ada"}),
        Change(table="seats", id="11B", after={"for": "Poe"}),
    )
    other = (
        Change(table="seats", id="11A", after={"for": "Poe"}),
        Change(table="seats", id="11B", after={"for": "Ada"}),
    )
    assert same_delta(seats, other)
    assert not same_delta(seats, other, chosen={"11A", "11B"})
    assert same_delta(seats, seats, chosen={"11A", "11B"})


def test_a_reference_to_what_was_there_before_is_never_renamed() -> None:
    before = {"card": "K1", "loan_ids": []}
    one, two = (
        Change(table="members", id="M1", before=before, after={"card": key, "loan_ids": []}) for key in ("K2", "K3")
    )
    assert not same_delta([one], [two])
    assert not same_delta([loan("L1", book="B1")], [loan("L1", book="B2")])


def test_references_are_renamed_with_what_they_name() -> None:
    one = (loan("L1", book="B1"), loan("L2", book="B2"), shelf("L1", best="L1"))
    two = (loan("L1", book="B2"), loan("L2", book="B1"), shelf("L2", best="L2"))
    assert same_delta(one, two)
    assert not same_delta(one, (*two[:2], shelf("L2", best="L1")))
    assert not same_delta(one, (*two[:2], shelf("L1", best="L1")))


names = st.sampled_from(["Ada", "Poe", "Eve"])
contents = st.lists(st.fixed_dictionaries({"book": names, "days": st.integers(1, 2)}), min_size=1, max_size=5)


@given(contents=contents, data=st.data())
def test_any_renaming_of_new_rows_is_the_same_state_and_another_content_is_not(
    contents: Any, data: st.DataObject
) -> None:
    keys = [f"L{n}" for n in range(len(contents))]
    others = data.draw(st.permutations([f"X{n}" for n in range(len(contents))]) | st.permutations(keys))

    def delta(keys: list[str], rows: list[dict[str, Any]]) -> tuple[Change, ...]:
        made = [
            loan(key, **row, next=keys[(n + 1) % len(keys)])
            for n, (key, row) in enumerate(zip(keys, rows, strict=True))
        ]
        return (*made, shelf(*sorted(keys), names={key: row["book"] for key, row in zip(keys, rows, strict=True)}))

    one = delta(keys, contents)
    assert same_delta(one, delta(others, contents))
    assert same_delta(delta(others, contents), one)
    changed = copy.deepcopy(contents)
    changed[data.draw(st.integers(0, len(changed) - 1))]["days"] += 2
    assert not same_delta(one, delta(others, changed))
    assert not same_delta(one, delta(others, contents)[1:])


def test_too_many_that_nothing_tells_apart_are_held_to_differ() -> None:
    many = [Change(table="loans", id=f"L{n}", after={"book": "B1", "next": f"L{(n + 1) % 8}"}) for n in range(8)]
    others = [c.model_copy(update={"id": f"X{c.id}"}) for c in many]
    assert not same_delta(many, others)
