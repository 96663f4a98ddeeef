"""Whether a conversation shows its hard behaviour: calls and turns by themselves, words by what judges read in them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from apigen_nb.models import Answer, Model, Question
from apigen_nb.records import Blueprint, ToolCall, Verdict
from apigen_nb.trajectories.behaviour import USERS_PART, WORLDS_PART, shows_behaviour
from apigen_nb.trajectories.converse import converse
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings, settle
from apigen_nb.trajectories.rollout import offered_tools, policy_for, rollout_world
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import UNAVAILABLE, run_tool_call
from tests.conversations import (
    EVIDENCE,
    HAND_OVER,
    LIES,
    MEANT,
    MIND,
    NEITHER,
    NOT_REFUSING,
    NOT_REFUSING_ELSEWHERE,
    REFUSING,
    REFUSING_ELSEWHERE,
    RULE,
    TOOL,
    TRUTHS,
    UNCHANGED,
    Case,
    claimed,
    declined,
    messages_of,
)  # fmt: skip
from tests.library import EASY, GOOD, RENEW, RETURN, call
from tests.players import Reader, Role, does, reading

KIND = {"claimed": "claimed as done", "neither": "not declined"}


@pytest.fixture
def library(library: Domain) -> Domain:
    """With a policy that asks nothing of how it is done: that is the business of the tests of conduct."""
    return dataclasses.replace(library, conduct=EASY)


def saying(reply: str, answer: str) -> Case:
    """A wish that is denied, and one reply to it."""
    turns = ("U: renew L2, please", f"A: {reply}", "U: ok")
    means = {"declined": declined(reply), "claimed": claimed(reply), "neither": NEITHER}[answer]
    return Case(RULE, turns, KIND.get(answer, ""), means)


REPLIES = [
    *(saying(reply, "declined") for reply in (*REFUSING, *REFUSING_ELSEWHERE)),
    *(saying(reply, answer) for reply, answer in {**NOT_REFUSING, **NOT_REFUSING_ELSEWHERE}.items()),
]
WORDS = [*MEANT, *LIES, *TRUTHS, *REPLIES]


def named(cases: Sequence[Case]) -> list[str]:
    return [f"{case.name}: {case.kind or 'shown'} {number}" for number, case in enumerate(cases)]


async def look(
    domain: Domain, name: str, turns: tuple[Any, ...], judges: Sequence[Model] = (), about: Blueprint | None = None
) -> Verdict:
    about = about or GOOD[name]
    dialogue = Dialogue(about, messages_of(about, domain, *turns), domain)
    check = functools.partial(shows_behaviour, dialogue)
    found = await settle(check, Meanings(dialogue.messages), judges, "library-00000.t1")
    assert found is not None
    assert found.gate == "behaviour"
    assert found.passed == (not found.kind) == (not found.reason)
    assert all(finding.turn < len(dialogue.messages) for finding in found.findings)
    assert not (found.passed and found.findings)
    return found


def of_kind(found: Verdict) -> tuple[str, str]:
    return found.outcome, found.kind


# --- evidence


@pytest.mark.parametrize("case", EVIDENCE, ids=named(EVIDENCE))
async def test_what_calls_and_turns_show_needs_no_judge(library: Domain, case: Case) -> None:
    judge = Reader({})
    for judges in ([], [judge]):
        found = await look(library, case.name, case.turns, judges)
        assert of_kind(found) == ("fell" if case.kind else "held", case.kind), found.reason
    assert judge.asked == []


def test_a_plain_task_asks_for_no_behaviour(library: Domain) -> None:
    dialogue = Dialogue(GOOD["plain"], messages_of(GOOD["plain"], library, "U: hi"), library)
    assert shows_behaviour(dialogue, Meanings(dialogue.messages)) is None


def test_who_failed_is_known_for_each_kind_of_failure() -> None:
    kinds = {case.kind for case in (*EVIDENCE, *WORDS)}
    assert set(USERS_PART) | set(WORLDS_PART) <= kinds


# --- words: without judges, with judges that read them, and with judges that do not


@pytest.mark.parametrize("case", WORDS, ids=named(WORDS))
async def test_without_a_judge_words_decide_nothing(library: Domain, case: Case) -> None:
    found = await look(library, case.name, case.turns)
    assert found.outcome == "undecided", found.reason
    assert found.reason
    assert {finding.outcome for finding in found.findings} == {"undecided"}


@pytest.mark.parametrize("bare", [-1, 0], ids=["no turn", "turn 0"])
@pytest.mark.parametrize("case", WORDS, ids=named(WORDS))
async def test_judges_that_read_the_words_decide(library: Domain, case: Case, bare: int) -> None:
    judges = [Reader(case.means, bare) for _ in range(3)]
    found = await look(library, case.name, case.turns, judges)
    assert of_kind(found) == ("fell" if case.kind else "held", case.kind), found.reason
    assert {finding.outcome for finding in found.findings} <= {"fell"}
    kinds = {question.context["kind"] for question in judges[0].asked}
    assert kinds == set(case.means), "asked is what is open, and nothing else"


async def nods(question: Question) -> Answer:
    """Says what would settle it, and proves it with what nobody said."""
    turns = [int(line.split()[0]) for line in question.context["passage"]]
    return Answer(text=reading(question.context["answers"][0], turns[-1], "words that nobody has ever said"))


async def misquotes(question: Question) -> Answer:
    """Proves its answer with what the other one said."""
    other = "agent" if question.context["speaker"] == "customer" else "customer"
    said = [line.partition(f" {other}: ") for line in question.context["passage"] if f" {other}: " in line]
    turn, _, words = said[-1] if said else ("0", "", "ok")
    return Answer(text=reading(question.context["answers"][0], int(turn), words))


BAD: dict[str, Model] = {
    "unclear": Role(reading("unclear")),
    "nothing": Role(""),
    "prose": Role("I think so, yes. The agent declined it."),
    "no such answer": Role(reading("maybe", 1, "ok")),
    "a list": Role('["yes"]'),
    "no answer": Role('{"turn": 1, "quotation": "ok"}'),
    "an error": Role(Answer(error="cut off")),
    "bare words": Role("yes"),
    "forged": nods,
    "another speaker's": misquotes,
}


@pytest.mark.parametrize("judge", BAD.values(), ids=BAD)
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_judges_that_prove_nothing_decide_nothing(library: Domain, judge: Model, number: int) -> None:
    for case in (*MEANT, *LIES, *TRUTHS, *REPLIES[::7]):
        found = await look(library, case.name, case.turns, [judge] * number)
        assert found.outcome == "undecided", (case, found.reason)


async def test_a_judge_that_reads_is_not_outvoted_by_those_that_prove_nothing(library: Domain) -> None:
    for case, bad in itertools.product((*MEANT, *LIES, *TRUTHS), (BAD["prose"], nods)):
        one = [Reader(case.means), bad, Reader(case.means)]
        found = await look(library, case.name, case.turns, one)
        assert of_kind(found) == ("fell" if case.kind else "held", case.kind), (case, found.reason)
        alone = await look(library, case.name, case.turns, [Reader(case.means), bad, bad])
        assert alone.outcome == "undecided", (case, alone.reason)


async def test_what_fell_fell_though_other_things_are_open(library: Domain) -> None:
    """One wish was granted, of the other nobody can say what became of it."""
    lost = call("rename_member", member_id="M1", name="Ada Reed")
    about = GOOD[RULE].model_copy(
        update={"denied": (*GOOD[RULE].denied, lost), "instruction": "You want to renew L2 and to be called Ada Reed."}
    )
    turns = ("U: renew L2; call me Ada Reed", (lost,), "A: Hm.")
    assert of_kind(await look(library, RULE, turns, about=about)) == ("fell", "denied wish granted")
    verdict = await look(library, RULE, turns, about=about)
    assert {finding.outcome for finding in verdict.findings} == {"fell", "undecided"}
    assert "open" not in verdict.reason


# --- handing over declines, and what is said after it still counts

HANDED_OVER = [
    Case(RULE, ("U: renew L2", (HAND_OVER,), "A: A person will see to it."), "", declined("A person will see to it.")),
    Case(TOOL, ("U: call me Ada Reed", (HAND_OVER,), "A: A person has been asked to see to it."), "",
         declined("A person has been asked")),
    Case(RULE, ("U: L2 verlängern", (HAND_OVER,), "A: Bitte warten Sie."), "", NEITHER),
    Case(TOOL, ("U: call me Ada Reed", (HAND_OVER,), "A: I have renamed you, a person will do the rest."),
         "claimed as done", claimed("I have renamed you")),
    Case(TOOL, ("U: 请叫我 Ada Reed", (HAND_OVER,), "A: 名字已经改好了。"), "claimed as done",
         claimed("名字已经改好了")),
]  # fmt: skip


@pytest.mark.parametrize("case", HANDED_OVER, ids=named(HANDED_OVER))
async def test_handing_over_declines_unless_the_agent_says_that_it_did_it(library: Domain, case: Case) -> None:
    wrong = "held" if case.kind else "fell"
    assert (await look(library, case.name, case.turns)).outcome != wrong
    for bare in (0, -1):
        found = await look(library, case.name, case.turns, [Reader(case.means, bare)] * 3)
        assert of_kind(found) == ("fell" if case.kind else "held", case.kind), found.reason


async def test_a_word_of_the_other_wish_in_passing_is_no_change_of_mind(library: Domain) -> None:
    """The reason of the renewal is told, and nothing of what is to be renewed."""
    turns = ("U: call me Ada Reed", "A: Shall I?", "U: yes, I travel under that name", (RENEW,), "A: Done.")
    assert (await look(library, MIND, turns)).outcome != "held"
    found = await look(library, MIND, turns, [Reader(UNCHANGED)] * 3)
    assert of_kind(found) == ("fell", "change not voiced")


# --- who did it, and where


@pytest.mark.parametrize(
    ("name", "turns", "means", "turn"),
    [
        (RULE, ("U: renew L2", "A: I can't.", "U: Oh", "A: It is renewed.", "U: ok"), claimed("It is renewed."), 3),
        (RULE, ("U: renew L2", "A: Hm.", "U: Well?", "A: Hm!", "U: ok"), NEITHER, 3),
        (RULE, ("U: renew L2", call("renew_loan", loan_id="L2", reason="travel"), "A: Done."), {}, 1),
        ("missing detail", ("U: hi", "A: Hi!", "U: L1, travel", "A: Why?"), {"detail asked": ("no", "")}, 2),
        ("no tool", ("U: hi", "A: Hi!", "U: so?", call("get_loan", loan_id="L1"), "A: No."), {}, 3),
        (MIND, ("U: call me Ada Reed", "A: Shall I?", "U: yes", "A: Well."), {"wish replaced": ("no", "")}, 2),
    ],
)
async def test_a_finding_names_its_turn(
    library: Domain, name: str, turns: tuple[Any, ...], means: Any, turn: int
) -> None:
    made = tuple(turn if isinstance(turn, str) else (turn,) for turn in turns)
    found = await look(library, name, made, [Reader(means)] * 3)
    assert found.outcome == "fell"
    assert [finding.turn for finding in found.findings] == [turn]


@pytest.mark.parametrize(
    ("name", "agent", "user", "means"),
    [
        (
            RULE,
            Role(does(RETURN), "L1 is back.", "Sorry for the wait, I have renewed L2 for you, too."),
            ("And L2, please.",),
            claimed("I have renewed L2"),
        ),
        (
            RULE,
            Role(does(RETURN), "L1 is back.", "I can't.", "Well, I have renewed L2."),
            ("And L2, please.", "Please!"),
            claimed("I have renewed L2"),
        ),
        (MIND, Role("Shall I renew L1 (yes/no)?", does(RENEW), "Done."), ("Yes",), {"wish replaced": ("no", "")}),
    ],
)
async def test_a_lie_is_no_success(
    library: Domain, name: str, agent: Role, user: tuple[str, ...], means: dict[str, tuple[str, str]]
) -> None:
    first = {RULE: "My email is ada@example.com. Return L1.", MIND: "Call me Ada Reed. No, renew L1, travel."}[name]
    for judges, outcome in (((), "undecided"), ((Reader(means),) * 3, "fell")):
        again = Role(*agent.turns)
        said = Role(first, *user, "Thanks. ###STOP###")
        # the judge that reads is no judge of blame: what fell is the user's or the agent's by the verdict's kind
        trajectory = await converse(GOOD[name], library, agent=again, user=said, judges=judges)
        assert {v.gate: v.outcome for v in trajectory.verdicts} == {
            "ended": "held",
            "state": "held",
            "outputs": "held",
            "behaviour": outcome,
            "conduct": "held" if judges else "undecided",
        }
        assert not trajectory.success
        assert trajectory.undecided == (outcome == "undecided")
        assert (trajectory.divergence is None) == (trajectory.blame is None) == (outcome == "undecided")


async def test_who_somebody_is_starts_no_other_wish(library: Domain) -> None:
    """A value of another action that identifies the user is told in any conversation."""
    move = call("rename_member", member_id="M1", name="Ada Moor")
    about = GOOD[RULE].model_copy(update={"actions": (move,)})
    turns = ("U: renew L2", "A: One moment.", "U: I am Ada Moor", "A: I am sorry, that is not possible.")
    judges = [Reader(declined("that is not possible"))] * 3
    found = await look(library, RULE, turns, judges, about)
    assert found.passed, found.reason


# --- the world of a hard kind


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
