"""Whether a conversation shows its hard behaviour, read off messages that were really exchanged with a world."""

from __future__ import annotations

from typing import Any

import pytest

from apigen_nb import setting
from apigen_nb.behaviour import DECLINES, USERS_PART, WORLDS_PART, shows
from apigen_nb.domain import Domain
from apigen_nb.records import Action, Blueprint, Message, ToolCall
from apigen_nb.world import UNAVAILABLE, respond
from tests.test_gates import RENEW, library
from tests.test_kind import GOOD, OVERDUE, RENAME

__all__ = ["library"]


def talk(blueprint: Blueprint, domain: Domain, *turns: Any) -> list[Message]:
    """User and agent in turn; a tuple of actions is calls in one message, answered by the blueprint's own world."""
    world, messages, made = setting.world(blueprint, domain), [], 0
    for turn in turns:
        if isinstance(turn, str):
            role, _, text = turn.partition(": ")
            messages.append(Message(role="user" if role == "U" else "assistant", content=text))
            continue
        calls = []
        for action in turn:
            made += 1
            calls.append(ToolCall(id=f"call_{made}", name=action.name, arguments=action.arguments))
        messages.append(Message(role="assistant", tool_calls=tuple(calls)))
        messages += [respond(world, call) for call in calls]
    return messages


HAND_OVER = Action(name="hand_over", arguments={"summary": "a wish"})
GET = Action(name="get_loan", arguments={"loan_id": "L1"})
ASKED = ("U: renew L1, please", "A: Why?", "U: I travel: travel", (RENEW,), "A: Done.")
CASES: list[tuple[str, tuple[Any, ...], str]] = [
    ("missing detail", ASKED, ""),
    ("missing detail", ("U: renew L1, travel", "A: Really?", "U: yes", (RENEW,), "A: Done."), "told unasked"),
    ("missing detail", ("U: renew L1", "A: Fine.", "U: travel", (RENEW,)), "told unasked"),
    ("missing detail", ("U: renew L1", (RENEW,), "A: Done."), "not asked"),
    ("forbidden by a rule", ("U: renew L2", "A: I can't do that.", "U: fine"), ""),
    ("forbidden by a rule", ("U: renew L2", (HAND_OVER,), "A: A person will see to it."), ""),
    ("forbidden by a rule", ("U: renew L2", (OVERDUE,), "A: Sorry!"), "denied wish granted"),
    ("forbidden by a rule", ("U: return L1", "A: Done."), "wish not voiced"),
    ("forbidden by a rule", ("A: Sorry?", "U: renew L2", "A: Sure, soon."), "not declined"),
    ("missing tool", ("U: call me Ada Reed", "A: I have no tool for that.", "U: ok"), ""),
    ("missing tool", ("U: call me Ada Reed", (RENAME,), "A: Well."), "not declined"),
    ("change of mind", ("U: call me Ada Reed", "A: Shall I?", "U: no, renew L1", (RENEW,), "A: Done."), ""),
    ("change of mind", ("U: call me Ada Reed", (RENAME,), "A: Done."), "denied wish granted"),
    ("change of mind", ("U: call me Ada Reed, no, renew L1", (RENEW,), "A: Done."), "change not voiced"),
    ("change of mind", ("U: renew L1", "A: Shall I?", "U: yes", (RENEW,)), "wish not voiced"),
    ("tool error", ("U: renew L1", (RENEW,), "A: One moment.", (RENEW,), "A: Done."), ""),
    ("tool error", ("U: renew L1", (RENEW,), "A: It does not work."), "not tried again"),
    ("tool error", ("U: renew L1", (GET,), "A: Done."), "error not met"),
    ("no tool", ("U: hello", "A: An overdue loan is not renewed."), ""),
    ("no tool", ("U: hello", (GET,), "A: An overdue loan is not renewed."), "tool called"),
    ("parallel calls", ("U: both", (RENEW, RENAME), "A: Done."), ""),
    ("parallel calls", ("U: both", (RENEW,), (RENAME,), "A: Done."), "one call at a time"),
    ("parallel calls", ("U: both", (RENEW, GET), (RENAME,), "A: Done."), "one call at a time"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns", "kind"), CASES, ids=[f"{n}: {k or 'shown'} {len(t)}" for n, t, k in CASES])
def test_behaviour_is_read_off_the_messages(library: Domain, name: str, turns: tuple[Any, ...], kind: str) -> None:
    found = shows(GOOD[name], talk(GOOD[name], library, *turns), library)
    assert found is not None
    assert (found.gate, found.kind) == ("behaviour", kind), found.reason
    assert found.passed == (not kind) == (not found.reason)


def test_a_plain_task_asks_for_no_behaviour(library: Domain) -> None:
    assert shows(GOOD["plain"], talk(GOOD["plain"], library, "U: hi"), library) is None


def test_who_failed_is_known_for_each_kind_of_failure() -> None:
    kinds = {kind for _, _, kind in CASES}
    assert set(USERS_PART) | set(WORLDS_PART) <= kinds


def test_the_tool_of_a_tool_error_fails_exactly_once(library: Domain) -> None:
    world = setting.world(GOOD["tool error"], library)
    call = ToolCall(id="c", name=RENEW.name, arguments=RENEW.arguments)
    first, second = respond(world.fork(), call), respond(world, call)
    assert first.error
    assert second.error
    assert UNAVAILABLE in second.content
    assert world.delta() == ()
    assert not respond(world, call).error
    assert [change.id for change in world.delta()] == ["L1"]


def test_a_missing_tool_is_neither_offered_nor_executed(library: Domain) -> None:
    blueprint = GOOD["missing tool"]
    offered = {schema["function"]["name"] for schema in setting.tools(blueprint, library)}
    assert offered == set(library.tools) - {"rename_member"}
    answer = respond(setting.world(blueprint, library), ToolCall(id="c", name="rename_member", arguments={}))
    assert answer.error
    assert "no tool 'rename_member'" in answer.content
    assert setting.tools(GOOD["plain"], library) == library.schemas


def test_the_policy_is_amended_for_parallel_calls_only(library: Domain) -> None:
    assert setting.policy(GOOD["parallel calls"], library).startswith(library.policy + "\n\n## Amendment")
    assert all(setting.policy(b, library) == library.policy for k, b in GOOD.items() if k != "parallel calls")


@pytest.mark.parametrize(
    ("text", "declines"),
    [
        ("I’m sorry, that is not possible.", True),
        ("Unfortunately I cannot cancel it.", True),
        ("I can't do that.", True),
        ("The policy does not allow it.", True),
        ("This order is not eligible for a return.", True),
        ("I have no tool to do so.", True),
        ("Done, it has been renewed.", False),
        ("You can do that in a cannery.", False),
    ],
)
def test_words_that_decline(text: str, declines: bool) -> None:
    assert bool(DECLINES.search(text.casefold().replace("’", "'"))) == declines
