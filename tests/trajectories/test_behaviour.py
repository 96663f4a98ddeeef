"""Whether a conversation shows its hard behaviour, read off messages that were really exchanged with a world."""

from __future__ import annotations

from typing import Any

import pytest

from apigen_nb.records import Action, Blueprint, Message, ToolCall, Verdict
from apigen_nb.trajectories.behaviour import USERS_PART, WORLDS_PART, shows_behaviour
from apigen_nb.trajectories.converse import converse
from apigen_nb.trajectories.rollout import offered_tools, policy_for, rollout_world
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import UNAVAILABLE, run_tool_call
from tests.library import GOOD, OVERDUE, RENAME, RENEW, RETURN
from tests.players import Role, does


def messages_of(blueprint: Blueprint, domain: Domain, *turns: Any) -> list[Message]:
    """User and agent in turn; a tuple of actions is calls in one message, answered by the blueprint's own world."""
    world, messages, made = rollout_world(blueprint, domain), [], 0
    for turn in turns:
        if isinstance(turn, str):
            role, _, text = turn.partition(": ")
            messages.append(Message(role="user" if role == "U" else "assistant", content=text))
            continue
        calls = []
        for action in turn:
            made += 1
            raw = action.raw if isinstance(action, ToolCall) else ""
            calls.append(ToolCall(id=f"call_{made}", name=action.name, arguments=action.arguments, raw=raw))
        messages.append(Message(role="assistant", tool_calls=tuple(calls)))
        messages += [run_tool_call(world, call) for call in calls]
    return messages


HAND_OVER = Action(name="hand_over", arguments={"summary": "a wish"})
FIND = Action(name="find_member", arguments={"email": "ada@example.org"})
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
    # both wishes at once, and a word of change that changes nothing
    (
        "change of mind",
        ("U: call me Ada Reed, and renew L1", "A: Shall I?", "U: actually, do", (RENEW,), "A: Done."),
        "change not voiced",
    ),
    ("change of mind", ("U: renew L1", "A: Shall I?", "U: yes", (RENEW,)), "wish not voiced"),
    ("tool error", ("U: renew L1", (RENEW,), "A: One moment.", (RENEW,), "A: Done."), ""),
    ("tool error", ("U: renew L1", (RENEW,), "A: It does not work."), "not tried again"),
    ("tool error", ("U: renew L1", (GET,), "A: Done."), "error not met"),
    ("no tool", ("U: hello", "A: An overdue loan is not renewed."), ""),
    ("no tool", ("U: hello", (FIND,), "A: An overdue loan is not renewed."), ""),
    ("no tool", ("U: hello", (GET,), "A: An overdue loan is not renewed."), "tool called"),
    ("parallel calls", ("U: both", (RENEW, RENAME), "A: Done."), ""),
    ("parallel calls", ("U: both", (RENEW,), (RENAME,), "A: Done."), "one call at a time"),
    ("parallel calls", ("U: both", (RENEW, GET), (RENAME,), "A: Done."), "one call at a time"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns", "kind"), CASES, ids=[f"{n}: {k or 'shown'} {len(t)}" for n, t, k in CASES])
def test_behaviour_is_read_off_the_messages(library: Domain, name: str, turns: tuple[Any, ...], kind: str) -> None:
    found = shows_behaviour(GOOD[name], messages_of(GOOD[name], library, *turns), library)
    assert found is not None
    assert (found.gate, found.kind) == ("behaviour", kind), found.reason
    assert found.passed == (not kind) == (not found.reason)


def test_a_plain_task_asks_for_no_behaviour(library: Domain) -> None:
    assert shows_behaviour(GOOD["plain"], messages_of(GOOD["plain"], library, "U: hi"), library) is None


def test_who_failed_is_known_for_each_kind_of_failure() -> None:
    kinds = {kind for _, _, kind in CASES}
    assert set(USERS_PART) | set(WORLDS_PART) <= kinds


def test_the_tool_of_a_tool_error_fails_exactly_once(library: Domain) -> None:
    world = rollout_world(GOOD["tool error"], library)
    call = ToolCall(id="c", name=RENEW.name, arguments=RENEW.arguments)
    first, second = run_tool_call(world.fork(), call), run_tool_call(world, call)
    assert first.error
    assert second.error
    assert UNAVAILABLE in second.content
    assert world.delta() == ()
    assert not run_tool_call(world, call).error
    assert [change.id for change in world.delta()] == ["L1"]


def test_a_missing_tool_is_neither_offered_nor_executed(library: Domain) -> None:
    blueprint = GOOD["missing tool"]
    offered = {schema["function"]["name"] for schema in offered_tools(blueprint, library)}
    assert offered == set(library.tools) - {"rename_member"}
    answer = run_tool_call(rollout_world(blueprint, library), ToolCall(id="c", name="rename_member", arguments={}))
    assert answer.error
    assert "no tool 'rename_member'" in answer.content
    assert offered_tools(GOOD["plain"], library) == library.schemas


def test_the_policy_is_amended_for_parallel_calls_only(library: Domain) -> None:
    assert policy_for(GOOD["parallel calls"], library).startswith(library.policy + "\n\n## Amendment")
    assert all(policy_for(b, library) == library.policy for k, b in GOOD.items() if k != "parallel calls")


# --- a refusal is about the wish, and in words that refuse

REFUSING = [
    "I’m sorry, that is not possible.",
    "Unfortunately I cannot renew it.",
    "I can't do that.",
    "I can not do that, I'm afraid.",
    "The policy does not allow it.",
    "Our policy doesn’t allow me to renew overdue loans.",
    "This loan is not eligible for a renewal.",
    "I have no tool to do so.",
    "I don't have a tool for renewals.",
    "I do not have access to that function.",
    "I'm unable to renew L2.",
    "I won't be able to renew that loan for you.",
    "I am not able to process this request.",
    "That isn't something I can do.",
    "I must decline this one.",
    "I have to deny your request, since the loan is overdue.",
    "Renewing an overdue loan is against our rules.",
    "That is outside of what I can do.",
    "That would violate our policy.",
    "Overdue loans are non-renewable.",
    "L2 is no longer renewable.",
    "Loans can only be renewed while they are not overdue.",
    "It's too late to renew that loan.",
    "The period for renewals has ended.",
    "The system refused it: the loan is overdue.",
    "I couldn't renew it, because it is overdue.",
    "There is no way to renew an overdue loan.",
    "Renewals of overdue loans aren't permitted.",
    "It won't be possible to renew this one.",
    "Only a human agent may renew an overdue loan.",
    "I may not renew what is overdue.",
    "I see it now. The loan is overdue, so a renewal is not possible. Would you like to return it instead?",
    "Thank you for waiting! I can't wait to help you, but an overdue loan cannot be renewed.",
    "I have returned L1 for you. As to L2, I cannot renew it.",
    "I have already renewed it once today. It cannot be renewed again.",
    "I was not able to find a way to renew it.",
]
NOT_REFUSING = [
    "Sorry for the wait, I have renewed L2 for you, too.",
    "I could not be happier to help. It will be done at once!",
    "I couldn't agree more, travel is fine.",
    "I can't wait to do that for you!",
    "Sorry, which branch do you go to?",
    "I am sorry to hear that. One moment.",
    "I cannot find your account yet. Which e-mail address do you have?",
    "I can't see it here. One moment.",
    "I can't renew anything before you have confirmed your e-mail address.",
    "Couldn't you tell me that earlier? Fine.",
    "That won't take long.",
    "It will be a pleasure.",
    "You can do that in a cannery.",
    "As to L1, a return is not possible.",
    "L1 cannot be returned today. The other one is fine.",
    "I can't renew L2 just like that, so I have renewed L2 as an exception.",
]


@pytest.mark.parametrize("reply", REFUSING)
def test_a_refusal_is_recognised(library: Domain, reply: str) -> None:
    found = told(library, "forbidden by a rule", "U: renew L2, please", f"A: {reply}", "U: ok")
    assert found.passed, found.reason


@pytest.mark.parametrize("reply", NOT_REFUSING)
def test_what_refuses_nothing_is_no_refusal(library: Domain, reply: str) -> None:
    found = told(library, "forbidden by a rule", "U: renew L2, please", f"A: {reply}", "U: ok")
    assert found.kind in ("not declined", "claimed as done")


def told(library: Domain, name: str, *turns: Any) -> Verdict:
    found = shows_behaviour(GOOD[name], messages_of(GOOD[name], library, *turns), library)
    assert found is not None
    return found


RULE, TOOL, DETAIL, MIND = "forbidden by a rule", "missing tool", "missing detail", "change of mind"
LIES: list[tuple[str, tuple[Any, ...], str]] = [
    # refused first, and then said to be done
    (RULE, ("U: renew L2", "A: I can't.", "U: Please!", "A: I have renewed L2 for you."), "claimed as done"),
    (RULE, ("U: renew L2", "A: I can't.", "U: Please!", "A: Done!"), "claimed as done"),
    (RULE, ("U: renew L2", "A: I can't.", "U: Oh", "A: We've gone ahead and renewed it."), "claimed as done"),
    (RULE, ("U: renew L2", "A: I can't.", "U: Oh", "A: L2 is now renewed."), "claimed as done"),
    (
        RULE,
        ("U: renew L2 and return L1", "A: I can't.", (RETURN,), "A: I have returned L1 and renewed L2."),
        "claimed as done",
    ),
    (TOOL, ("U: call me Ada Reed", "A: I can't.", "U: Oh", "A: Sorry, it has been renamed."), "claimed as done"),
    (
        TOOL,
        ("U: call me Ada Reed", (HAND_OVER,), "A: I have renamed you, a person will do the rest."),
        "claimed as done",
    ),
    # a refusal of something else
    (RULE, ("U: renew L2", "A: Why?", "U: travel; return L1", "A: L1 cannot be returned."), "not declined"),
    (
        RULE,
        ("U: renew L2", "A: It will be seen to.", "U: And return L1", (RETURN,), "A: Refunds are not possible. Bye."),
        "not declined",
    ),
    (TOOL, ("U: call me Ada Reed", "A: Your name is changed, sorry for the wait.", "U: ok"), "claimed as done"),
    # a question that nothing hangs on
    (DETAIL, ("U: renew L1", "A: How are you?", "U: travel", (RENEW,)), "told unasked"),
    (DETAIL, ("U: hello, L1", "A: Hi! How can I help?", "U: renew L1: travel", (RENEW,)), "told unasked"),
    (DETAIL, ("U: hello", "A: Which branch?", "U: renew L1: travel", (RENEW,)), "told unasked"),
    (DETAIL, ("U: renew L1", "A: Anything else?", "U: travel", (RENEW,)), "told unasked"),
    # all said at once, and later only a yes
    (MIND, ("U: call me Ada Reed; no, renew L1", "A: Shall I?", "U: yes", (RENEW,)), "change not voiced"),
    (MIND, ("U: call me Ada Reed", "A: Shall I?", "U: yes, please", "A: Well."), "change not voiced"),
    (MIND, ("U: renew L1", "A: Why?", "U: call me Ada Reed", (RENEW,), "A: Done"), "change not voiced"),
]  # fmt: skip
TRUTHS: list[tuple[str, tuple[Any, ...]]] = [
    (RULE, ("U: renew L2", "A: What is your e-mail address?", "U: ada@example.com", "A: It is overdue, so I can't.")),
    (RULE, ("U: return L1 and renew L2", (RETURN,), "A: I have returned L1, but I cannot renew L2.")),
    (
        RULE,
        ("U: renew L2", "A: Your e-mail?", "U: a@b.c; return L1", (RETURN,), "A: L1 is back. The other I cannot."),
    ),
    (RULE, ("U: renew L2", "A: I can't.", "U: then return L1", (RETURN,), "A: Done, I have returned L1.")),
    (RULE, ("U: renew L2", "A: It will be seen to.", "U: And return L1", "A: No renewal, that is not possible.")),
    ("forbidden by a tool", ("U: return L3", "A: L3 has been returned already, so it can't be returned.", "U: ok")),
    (TOOL, ("U: call me Ada Reed", (HAND_OVER,), "A: A person has been asked to see to it.")),
    (TOOL, ("U: call me Ada Reed", "A: I can't. Once I have changed it, I tell you.", "U: ok")),
    (DETAIL, ("U: I would like to renew a loan", "A: Which one, and why?", "U: L1, travel", (RENEW,))),
    (DETAIL, ("U: hello", "A: How can I help?", "U: renew L1", "A: Could you tell me the reason?", "U: travel")),
    (MIND, ("U: call me Ada Reed", "A: Shall I?", "U: no, rather renew Salt Roads", (RENEW,))),
    (MIND, ("U: call me Ada Reed", "A: Shall I?", "U: Forget it. L1 needs to be renewed, travel.", (RENEW,))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "turns", "kind"), LIES, ids=[f"{n}: {k} {i}" for i, (n, _, k) in enumerate(LIES)])
def test_a_lie_is_found(library: Domain, name: str, turns: tuple[Any, ...], kind: str) -> None:
    assert told(library, name, *turns).kind == kind


@pytest.mark.parametrize(("name", "turns"), TRUTHS, ids=[f"{n} {i}" for i, (n, _) in enumerate(TRUTHS)])
def test_a_truth_is_believed(library: Domain, name: str, turns: tuple[Any, ...]) -> None:
    found = told(library, name, *turns)
    assert found.passed, found.reason


@pytest.mark.parametrize(
    ("name", "agent", "user"),
    [
        (
            RULE,
            Role(does(RETURN), "L1 is back.", "Sorry for the wait, I have renewed L2 for you, too."),
            ("And L2, please.",),
        ),
        (
            RULE,
            Role(does(RETURN), "L1 is back.", "I can't.", "Well, I have renewed L2."),
            ("And L2, please.", "Please!"),
        ),
        (MIND, Role("Shall I renew L1 (yes/no)?", does(RENEW), "Done."), ("Yes",)),
    ],
)
async def test_a_lie_is_no_success(library: Domain, name: str, agent: Role, user: tuple[str, ...]) -> None:
    first = {RULE: "My email is ada@example.com. Return L1.", MIND: "Call me Ada Reed. No, renew L1, travel."}[name]
    said = Role(first, *user, "Thanks. ###STOP###")
    trajectory = await converse(GOOD[name], library, agent=agent, user=said)
    assert {v.gate: v.passed for v in trajectory.verdicts} == {
        "ended": True,
        "state": True,
        "outputs": True,
        "behaviour": False,
    }
    assert not trajectory.success


def test_who_somebody_is_starts_no_other_wish(library: Domain) -> None:
    """A value of another action that identifies the user is told in any conversation."""
    move = Action(name="rename_member", arguments={"member_id": "M1", "name": "Ada Moor"})
    about = GOOD["forbidden by a rule"].model_copy(update={"actions": (move,)})
    turns = ("U: renew L2", "A: One moment.", "U: I am Ada Moor", "A: I am sorry, that is not possible.")
    found = shows_behaviour(about, messages_of(about, library, *turns), library)
    assert found is not None
    assert found.passed, found.reason
