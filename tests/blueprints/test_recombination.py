"""Recombination: parts of one user, run together; a conflict is caught by the joint gate and never by wording."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.blueprints.gates import GATES, choose_gates
from apigen_nb.blueprints.gates.committee import Committee
from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.blueprints.recombination import (
    CHECKED_SHARES,
    REPLY,
    SIZE_SHARES,
    TRIES,
    Combination,
    are_compatible,
    combination_assignment,
    draw_combinations,
    join_parts,
)
from apigen_nb.blueprints.reflection import draft_until_accepted
from apigen_nb.blueprints.sampling import Sampling
from apigen_nb.models import Answer, Question
from apigen_nb.models.roles import Roles
from apigen_nb.records import Action, Blueprint
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.trajectories.reward import same_state
from apigen_nb.world.domain import Domain

retail = Domain.load("retail")
PLAIN = list(GATES.values())


def _first(status: str, enough: Callable[[dict[str, Any]], bool] = lambda order: True) -> dict[str, Any]:
    orders = retail.tables["orders"].values()
    return next(order for order in orders if order["status"] == status and enough(order))


def part(id: str, user: str, *actions: Action, outputs: tuple[str, ...] = (), kind: str = "plain") -> Blueprint:
    told = " ".join(str(action) for action in actions)
    return Blueprint(
        id=id,
        domain="retail",
        user=user,
        persona="calm",
        instruction=f"Your id is {user}. {told} {' '.join(outputs)}",
        actions=actions,
        outputs=outputs,
        kind=kind,  # type: ignore[arg-type]
    )


class Generator:
    """Answers with the joined instructions, or with what it is given; remembers what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies, self.asked = list(replies), list[Question]()

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        joined = json.dumps({"thought": "", "instruction": " ".join(question.context["instructions"])})
        return Answer(text=self.replies.pop(0) if self.replies else joined)


def contact(user: str, **arguments: Any) -> Action:
    return Action(name="change_phone", arguments={"customer_id": user, "phone": "555-123-4567"} | arguments)


def joined(parts: list[Blueprint], generator: Generator, **options: Any) -> Any:
    combination = Combination("retail-r00000", parts[0].user, tuple(one.id for one in parts))
    given = {"feedback": generator, "gates": PLAIN} | options
    assignment = combination_assignment(combination, parts, retail)
    return asyncio.run(draft_until_accepted(assignment, retail, generator=generator, **given))


# --- which are combined

OWNED = st.dictionaries(
    st.sampled_from(["u1", "u2", "u3"]), st.lists(st.sampled_from(range(9)), unique=True, max_size=6)
)


def all_hold(ids: Sequence[str]) -> bool:
    return True


@given(OWNED, st.integers(0, 12), st.integers(0, 5), st.integers(1, 9))
def test_combinations_are_different_and_of_one_user(
    owned: dict[str, list[int]], count: int, seed: int, conflict: int
) -> None:
    def holds(ids: Sequence[str]) -> bool:
        return sum(int(id[-5:]) for id in ids) % conflict == 0

    made = draw_combinations("tau2:retail", owned, count, seed, holds)
    assert len(made) <= count
    assert [one.id for one in made] == [f"tau2-retail-r{number:05d}" for number in range(len(made))]
    assert len({one.parts for one in made}) == len(made)
    for one in made:
        assert str(len(one.parts)) in SIZE_SHARES
        assert set(one.parts) <= {f"tau2-retail-{number:05d}" for number in owned[one.user]}
        assert list(one.parts) == sorted(set(one.parts))
    assert sum(not holds(one.parts) for one in made) <= count * CHECKED_SHARES["blindly"] + 1
    backwards = {user: numbers[::-1] for user, numbers in reversed(owned.items())}
    assert made == draw_combinations("tau2:retail", backwards, count, seed, holds)
    if count and any(len(numbers) > 1 for numbers in owned.values()):
        assert draw_combinations("tau2:retail", owned, count, seed, all_hold)


@given(st.integers(0, 60), st.integers(0, 5))
def test_each_size_has_its_share_where_users_own_enough(count: int, seed: int) -> None:
    owned = {f"u{n}": range(6 * n, 6 * n + 6) for n in range(20)}
    sizes = Counter(str(len(one.parts)) for one in draw_combinations("retail", owned, count, seed, all_hold))
    assert sizes.total() == count
    for size, share in SIZE_SHARES.items():
        assert abs(sizes[size] - count * share) <= 1


@given(st.integers(1, 40), st.integers(0, 5))
def test_what_holds_is_found_among_conflicts_and_some_conflicts_are_kept(count: int, seed: int) -> None:
    """Of each user's eight blueprints five go together; the others go with nothing."""
    owned = {f"u{n}": range(10 * n, 10 * n + 8) for n in range(40)}
    asked = []

    def together(ids: Sequence[str]) -> bool:
        return all(int(id[-1]) % 3 for id in ids)

    def holds(ids: Sequence[str]) -> bool:
        asked.append(ids)
        return together(ids)

    made = draw_combinations("retail", owned, count, seed, holds)
    assert len(made) == count
    assert len(asked) <= len(SIZE_SHARES) * TRIES**2 * count
    conflicts = [one for one in made if not together(one.parts)]
    assert len(conflicts) <= count * CHECKED_SHARES["blindly"] + 1
    if count >= 20:
        assert conflicts
        assert {len(one.parts) for one in made if together(one.parts)} == {2, 3, 4}


def test_where_no_large_one_holds_a_smaller_one_is_taken() -> None:
    owned = {f"u{n}": range(6 * n, 6 * n + 6) for n in range(8)}
    made = draw_combinations("retail", owned, 30, 0, lambda ids: len(ids) == 2)
    assert len(made) == 30
    assert sum(len(one.parts) > 2 for one in made) <= 30 * CHECKED_SHARES["blindly"] + 1


def test_each_user_comes_once_before_any_comes_again() -> None:
    owned = {f"u{n}": range(4 * n, 4 * n + 4) for n in range(5)}
    assert len({one.user for one in draw_combinations("retail", owned, 5, 0, all_hold)}) == 5


# --- what becomes of them


def test_actions_and_outputs_follow_each_other_and_run_together() -> None:
    order = _first("pending", lambda order: len(order["items"]) > 1)
    user = order["customer_id"]
    address = dict(retail.tables["customers"][user]["address"], street="4 Mill Lane")
    moved = Action(name="update_customer_address", arguments={"customer_id": user} | address)
    one, two = part("a", user, contact(user), outputs=("7",)), part("b", user, moved, outputs=("7", "8"))
    generator = Generator()
    proposal = joined([one, two], generator, gates=[GATES["format"], GATES["execution"], GATES["policy"]])
    assert proposal.accepted
    made = proposal.blueprint
    assert made.actions == (*one.actions, *two.actions)
    assert made.outputs == ("7", "7", "8")  # nothing says that the two ask for one thing
    assert (made.parts, proposal.parts) == (("a", "b"), ("a", "b"))
    assert proposal.attempts[0].diff == execute(made, retail).diff
    assert same_state(execute(made, retail).diff, proposal.attempts[0].diff).passed
    assert generator.asked[0].context["instructions"] == [one.instruction, two.instruction]
    assert generator.asked[0].reply == REPLY


def test_a_conflict_is_caught_by_the_joint_gate_and_not_argued_with() -> None:
    """Cancel an order and change it: each holds alone."""
    order = _first("pending", lambda order: order["shipping_speed"] != "express" and not order["items_changed"])
    user, name = order["customer_id"], order["order_id"]
    cancel = Action(name="cancel_order", arguments={"order_id": name, "cancel_reason": "no_longer_needed"})
    spec = retail.tools["cancel_order"].parameters["properties"]["cancel_reason"]["enum"]
    cancel = Action(name="cancel_order", arguments={"order_id": name, "cancel_reason": spec[0]})
    address = dict(retail.tables["customers"][user]["address"], street="4 Mill Lane")
    move = Action(name="change_order_address", arguments={"order_id": name} | address)
    one, two = part("a", user, cancel), part("b", user, move)
    for alone in (one, two):
        assert GATES["execution"](alone, retail).passed  # type: ignore[union-attr]
    assert not are_compatible([one, two], retail)
    generator = Generator()
    proposal = joined([one, two], generator)
    assert not proposal.accepted
    assert "execution" in {verdict.gate for verdict in proposal.attempts[0].failures}
    assert len(proposal.attempts) == 1  # no wording can mend it
    assert len(generator.asked) == 1


def test_a_rule_over_both_parts_is_held() -> None:
    """An e-mail address or a phone number is changed, once, not both: a rule of the whole conversation."""
    user = next(iter(retail.tables["customers"]))
    email = Action(name="change_email", arguments={"customer_id": user, "email": "new@example.org"})
    parts = [part("a", user, contact(user)), part("b", user, email)]
    assert not are_compatible(parts, retail)
    proposal = joined(parts, Generator())
    assert [v.kind for v in proposal.attempts[-1].failures] == ["one_contact_change"]


def test_a_part_that_another_undoes_is_a_conflict() -> None:
    """To move and to move again: it executes and breaks no rule, but the first move is nowhere to be seen."""
    user = next(iter(retail.tables["customers"]))
    address = dict(retail.tables["customers"][user]["address"])
    moves = [
        Action(name="update_customer_address", arguments={"customer_id": user} | address | {"street": street})
        for street in ("4 Mill Lane", "5 Mill Lane")
    ]
    parts = [part("a", user, moves[0]), part("b", user, contact(user)), part("c", user, moves[1])]
    assert are_compatible(parts[:2], retail)
    assert are_compatible(parts[1:], retail)
    assert not are_compatible(parts, retail)
    proposal = joined(parts, Generator())
    assert [(v.gate, v.kind) for v in proposal.attempts[0].failures] == [("recombination", "action undone")]
    assert proposal.attempts[0].failures[0].reason.startswith("action 1, update_customer_address(")
    assert len(proposal.attempts) == 1


def asks(id: str, order: dict[str, Any], field: str, *, more: str = "") -> Blueprint:
    user, words = order["customer_id"], field.replace("_", " ")
    told = f"Your id is {user}. You want to know the {words} of {order['order_id']}.{more}"
    return part(id, user, outputs=(str(order[field]),)).model_copy(update={"instruction": told})


def test_two_questions_with_one_answer_stay_two() -> None:
    """Two orders have the same shipping fee; one order's fee is the discount of its item; one part has two outputs."""
    by: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for order in retail.tables["orders"].values():
        by.setdefault((order["customer_id"], order["shipping_fee"]), []).append(order)
    one, other = next(found for found in by.values() if len(found) > 1)[:2]
    fee = str(one["shipping_fee"])
    parts = [asks("a", one, "shipping_fee"), asks("b", other, "shipping_fee")]
    assert join_parts("r", parts, retail).outputs == (fee, fee)
    assert joined(parts, Generator()).attempts[-1].blueprint.outputs == (fee, fee)
    free = _first("delivered", lambda order: order["shipping_fee"] == 0.0 == order["items"][0]["discount"])
    item = f" You want to know the discount of {free['items'][0]['item_id']}."
    discount = asks("b", free, "shipping_fee").model_copy(
        update={"instruction": f"Your id is {free['customer_id']}.{item}"}
    )
    assert join_parts("r", [asks("a", free, "shipping_fee"), discount], retail).outputs == ("0.0", "0.0")
    both = parts[0].model_copy(update={"outputs": (fee, fee)})
    assert join_parts("r", [both, parts[1]], retail).outputs == (fee, fee, fee)


def test_a_question_that_two_parts_ask_becomes_one() -> None:
    """An order's status is its own, whatever statuses its items have, unless one of them is named."""
    order = _first("delivered", lambda order: order["items"][0]["status"] == "delivered")
    parts = [asks("a", order, "status"), asks("b", order, "status", more=" You are in a hurry.")]
    assert join_parts("r", parts, retail).outputs == ("delivered",)
    item = f" You mean the status of {order['items'][0]['item_id']}."
    parts = [parts[0], asks("b", order, "status", more=item)]
    assert join_parts("r", parts, retail).outputs == ("delivered", "delivered")


def test_an_instruction_that_leaves_something_out_is_mended_with_feedback() -> None:
    user = next(iter(retail.tables["customers"]))
    address = dict(retail.tables["customers"][user]["address"], street="4 Mill Lane")
    moved = Action(name="update_customer_address", arguments={"customer_id": user} | address)
    parts = [part("a", user, contact(user)), part("b", user, moved)]
    short = json.dumps({"thought": "", "instruction": f"Your id is {user}. You want a change."})
    generator = Generator("no JSON", short)

    async def feedback(question: Question) -> Answer:
        return Answer(text=f"plan: {question.context['failures'][0]['gate']}")

    proposal = joined(parts, generator, feedback=feedback)
    assert [attempt.accepted for attempt in proposal.attempts] == [False, False, True]
    assert [attempt.feedback for attempt in proposal.attempts] == ["", "plan: format", "plan: grounding"]
    assert generator.asked[2].context["previous"]["instruction"].endswith("You want a change.")


@pytest.mark.parametrize(
    "parts",
    [
        [part("a", "C1", contact("C1"))],
        [part("a", "C1", contact("C1")), part("b", "C2", contact("C2"))],
        [part("a", "C1", contact("C1")), part("b", "C1", outputs=("x",), kind="no tool")],
    ],
    ids=["one", "two users", "a hard kind"],
)
def test_what_cannot_be_combined_is_an_error(parts: list[Blueprint]) -> None:
    with pytest.raises(ValueError, match="two or more plain blueprints of one user"):
        joined(parts, Generator())


# --- in a run


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any], list[Any]]:
    folder = tmp_path_factory.mktemp("run")
    return folder, *asyncio.run(_work(folder))


async def _work(folder: Path, concurrency: int = 32) -> tuple[list[Any], list[Any]]:
    models, run = Roles(retail, random_seed=7), Run.open(folder)
    gates = choose_gates([*GATES, "committee"], Committee(models.judges(3)))
    proposals = await propose_all(
        retail,
        models,
        gates,
        run,
        count=40,
        random_seed=7,
        recombined=0.25,
        concurrency=concurrency,
        sampling=Sampling(kinds={"plain": 1.0}),
    )
    accepted = [proposal.blueprint for proposal in proposals if proposal.accepted and proposal.parts]
    return list(proposals), list(await converse_all(retail, models, run, accepted))


def test_a_run_recombines_its_share_and_plays_it(finished: tuple[Path, list[Any], list[Any]]) -> None:
    _, proposals, trajectories = finished
    recombined = [proposal for proposal in proposals if proposal.parts]
    assert len(recombined) == 10
    assert proposals[40:] == recombined
    byid = {proposal.id: proposal for proposal in proposals}
    for proposal in recombined:
        assert {byid[part].user for part in proposal.parts} == {proposal.user}
        assert all(byid[part].accepted for part in proposal.parts)
    assert {proposal.accepted for proposal in recombined} == {True, False}
    assert any(trajectory.success for trajectory in trajectories)


def test_the_same_bytes_again_and_one_at_a_time(finished: tuple[Path, list[Any], list[Any]], tmp_path: Path) -> None:
    asyncio.run(_work(tmp_path, concurrency=1))
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        assert (tmp_path / name).read_bytes() == (finished[0] / name).read_bytes()


def test_interrupted_in_the_middle_of_it_nothing_is_lost(
    finished: tuple[Path, list[Any], list[Any]], tmp_path: Path
) -> None:
    lines = (finished[0] / "blueprints.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "blueprints.jsonl.part").write_bytes(b"".join(lines[:44]) + lines[45][:100])
    asyncio.run(_work(tmp_path))
    assert (tmp_path / "blueprints.jsonl").read_bytes() == b"".join(lines)
