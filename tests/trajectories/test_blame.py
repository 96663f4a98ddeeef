"""Blame with planted causes: the evidence names the culprit, and a judge is asked only where it does not. Nobody is to
blame for what is undecided."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from apigen_nb.models import Answer, Question
from apigen_nb.records import Blame, Blueprint, Trajectory, Usage
from apigen_nb.trajectories.blame import by_evidence
from apigen_nb.trajectories.converse import converse
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import UNAVAILABLE
from tests.library import EASY, RENEW, RETURN, call, task
from tests.players import KEPT, STOP, Means, Reader, Role, does

RENAME = call("rename_member", member_id="M1", name="Ada Hill")
SAYS = "You want to renew L1 because of travel."
DONE = f"Thanks. {STOP}"


@pytest.fixture
def library(library: Domain) -> Domain:
    """With a policy that asks nothing of how it is done: that is the business of the tests of conduct."""
    return dataclasses.replace(library, conduct=EASY)


NOTHING: Means = {"output told": ("no", ""), "wish answered": ("neither", "")}


class Judge:
    """Says with `reply` who is to blame; of what was meant, it reads what `means` has. Keeps the questions of each."""

    def __init__(self, reply: str = "", means: Means = NOTHING) -> None:
        self.reply, self.asked, self.reads = reply, list[Question](), Reader(means)

    async def __call__(self, question: Question) -> Answer:
        if question.prompt == "reading":
            return await self.reads(question)
        assert (question.role, question.prompt) == ("judge", "blame")
        self.asked.append(question)
        return Answer(text=self.reply, usage=Usage(calls=1))


async def failed(
    library: Domain, about: Blueprint, agent: Role, user: Role, judge: Judge | None = None, max_steps: int = 30
) -> tuple[Blame, Trajectory, Judge]:
    judge = judge or Judge()
    trajectory = await converse(about, library, agent=agent, user=user, judges=[judge], max_steps=max_steps)
    assert not trajectory.success
    assert not trajectory.undecided
    assert trajectory.blame is not None
    assert Trajectory.model_validate_json(trajectory.line()) == trajectory
    return trajectory.blame, trajectory, judge


# --- planted causes: cause, turn, words of the evidence

PLANTED: dict[str, tuple[Blueprint, Role, Role, str, int, str]] = {
    "user tells an id that it has from nowhere": (
        task(RENEW, says=SAYS),
        Role("Which loan?", does(call("renew_loan", loan_id="L2-7", reason="travel")), "Done."),
        Role("Please renew a loan.", "Loan L2-7 because of travel.", DONE),
        "user",
        2,
        "L2-7, which is not in its notes",
    ),
    "user leaves before the second wish": (
        task(RENEW, RENAME, says=f"{SAYS} You want to be called Ada Hill."),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", DONE),
        "user",
        4,
        "left without having voiced the wish for rename_member",
    ),
    "user never asks the question": (
        task(RENEW, outputs=("2.25",), says=f"{SAYS} You want to know the fee of loan-22."),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", DONE),
        "user",
        4,
        "left without having mentioned loan-22",
    ),
    "agent takes another argument": (
        task(RENEW, says=SAYS),
        Role(does(call("renew_loan", loan_id="L1", reason="illness")), "Done."),
        Role("Please renew L1, I travel.", DONE),
        "agent",
        1,
        'wrote renew_loan(loan_id="L1", reason="illness"), expected renew_loan(loan_id="L1", reason="travel")',
    ),
    "agent writes what nobody wanted": (
        task(RENEW, says=SAYS),
        Role(does(RENEW), does(RENAME), "Done."),
        Role("Please renew L1, I travel.", DONE),
        "agent",
        3,
        "which the groundtruth does not have",
    ),
    "agent does nothing": (
        task(RENEW, says=SAYS),
        Role("It is done."),
        Role("Please renew L1, I travel.", DONE),
        "agent",
        1,
        "did not make renew_loan",
    ),
    "agent declines what it may do, and talks on": (
        task(RENEW, says=SAYS),
        Role("Let me look.", "I am sorry, that is not possible.", "It is sunny.", "Goodbye."),
        Role("Please renew L1, I travel.", "Well?", "Oh.", "And the weather?", DONE),
        "agent",
        7,
        "did not make renew_loan",
    ),
    "agent does not find what is meant": (
        task(RENEW, says=SAYS),
        Role("I cannot find what you mean by the loan.", "Anything else?"),
        Role("Please renew L1, I travel.", "Oh.", DONE),
        "agent",
        3,
        "although the user had told all",
    ),
    "agent rightly declines one wish, and wrongly the next": (
        task(RENEW, says=f"{SAYS} You want to be called Ada Hill.").model_copy(
            update={"kind": "missing tool", "denied": (RENAME,)}
        ),
        Role("I have no tool for that.", "I have no tool for that either.", "Bye."),
        Role("Call me Ada Hill.", "Please renew L1, I travel.", "Oh.", DONE),
        "agent",
        5,
        "did not make renew_loan",
    ),
    "agent hands over what it can do": (
        task(RENEW, says=SAYS),
        Role("One moment.", does(call("hand_over", summary="a loan")), "A person helps you."),
        Role("Please renew L1, I travel.", "Yes?"),
        "agent",
        3,
        "did not make renew_loan",
    ),
    "agent hands over before all is said": (
        task(RENEW, RENAME, says=f"{SAYS} You want to be called Ada Hill."),
        Role(does(RENEW), does(call("hand_over", summary="a loan")), "A person helps you."),
        Role("Please renew L1, I travel."),
        "agent",
        3,
        "did not make rename_member",
    ),
    "agent calls it wrongly and takes the refusal for an answer": (
        task(RENEW, says=SAYS),
        Role(does(call("renew_loan", loan_id="L3", reason="travel")), "That is not possible.", "Bye."),
        Role("Please renew L1, I travel.", "Oh.", DONE),
        "agent",
        1,
        "did not make renew_loan",
    ),
    "user leaves before the second of two wishes at once": (
        task(RENEW, RENAME, says=f"{SAYS} You want to be called Ada Hill.").model_copy(
            update={"kind": "parallel calls"}
        ),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", DONE),
        "user",
        4,
        "left without having voiced the wish for rename_member",
    ),
    "agent does not find what it should tell": (
        task(RENEW, outputs=("17",), says=f"{SAYS} You want to know the days of loan-22."),
        Role(does(RENEW), "Done.", "I could not find the days of loan-22.", "Bye."),
        Role("Please renew L1, I travel.", "And the days of loan-22?", "Oh.", DONE),
        "agent",
        7,
        "told 0 of 1",
    ),
    "agent never tells": (
        task(RENEW, outputs=("17",), says=f"{SAYS} You want to know the days of loan-22."),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel. How many days has loan-22?", DONE),
        "agent",
        3,
        "not told: '17'",
    ),
    "agent gives up after an error": (
        task(RENEW, says=SAYS).model_copy(update={"kind": "tool error"}),
        Role(does(RENEW), "It does not work."),
        Role("Please renew L1, I travel.", DONE),
        "agent",
        3,
        "renew_loan was not called with success",
    ),
    "agent grants what it must not": (
        task(RENEW, says=f"{SAYS} You want to return L2.").model_copy(
            update={"kind": "forbidden", "denied": (call("return_loan", loan_id="L2"),)}
        ),
        Role(does(RENEW), does(call("return_loan", loan_id="L2")), "Done."),
        Role("Renew L1, I travel, and take back L2.", DONE),
        "agent",
        3,
        "was carried out",
    ),
    "agent calls a tool without need": (
        task(outputs=("14",), says="You want to know how long a renewal is.").model_copy(update={"kind": "no tool"}),
        Role(does(call("get_loan", loan_id="L1")), "14 days."),
        Role("How long is a renewal?", DONE),
        "agent",
        1,
        "no tool was needed",
    ),
    "user tells a secret unasked": (
        task(RENEW, says=SAYS).model_copy(update={"kind": "missing detail", "withheld": ("travel",)}),
        Role(does(RENEW), "Done."),
        Role("Please renew L1 because of travel.", DONE),
        "user",
        0,
        "before being asked",
    ),
    "the instruction asks for more than the groundtruth": (
        task(RENEW, says=f"{SAYS} You want to return L2."),
        Role(does(RENEW), does(call("return_loan", loan_id="L2")), "Done."),
        Role("Please renew L1, I travel, and take back L2.", DONE),
        "blueprint",
        3,
        "the groundtruth does not have it",
    ),
    "agent offers again and again": (
        task(RENEW, says=SAYS),
        Role("Shall I renew L1 because of travel?", "So I may renew L1 because of travel?"),
        Role("Please renew L1, I travel.", "Yes.", f"Yes! {STOP}"),
        "agent",
        3,
        "although the user had told all that it needs",
    ),
    "agent offers, is answered, and forgets it": (
        task(RENEW, says=SAYS),
        Role("Shall I renew L1 because of travel?", "Lovely weather."),
        Role("Please renew L1, I travel.", "Yes.", DONE),
        "agent",
        3,
        "although the user had told all that it needs",
    ),
    "agent says nothing": (
        task(RENEW, says=SAYS),
        Role(""),
        Role("Please renew L1, I travel.", DONE),
        "agent",
        0,
        "the agent said nothing",
    ),
    "endpoint refuses the user's question": (
        task(RENEW, says=SAYS),
        Role("Which loan?"),
        Role("Hello.", Answer(error="the server refused the question (400): context too long")),
        "endpoint",
        1,
        "context too long",
    ),
    "endpoint filters the agent": (
        task(RENEW, says=SAYS),
        Role(Answer(error="reply stopped by the server's content filter")),
        Role("Please renew L1, I travel."),
        "endpoint",
        0,
        "content filter",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_planted_cause_is_found_by_evidence(library: Domain, planted: str) -> None:
    about, agent, user, cause, turn, words = PLANTED[planted]
    found, _, judge = await failed(library, about, agent, user)
    assert (found.cause, found.turn, found.judged) == (cause, turn, False)
    assert words in found.evidence
    assert judge.asked == []


async def test_a_tool_that_refuses_the_groundtruth_is_to_blame(library: Domain) -> None:
    """Planted by hand: such a refusal never happens where execution was checked."""
    about = task(RENEW, says=SAYS)
    _, trajectory, _ = await failed(library, about, Role(does(RETURN), "No."), Role("Renew L1, I travel.", DONE))
    messages = list(trajectory.messages)
    messages[1] = messages[1].model_copy(
        update={
            "tool_calls": (
                messages[1].tool_calls[0].model_copy(update={"name": RENEW.name, "arguments": RENEW.arguments}),
            )
        }
    )
    missing = trajectory.divergence.model_copy(update={"kind": "missing write", "turn": 4})  # type: ignore[union-attr]
    for said, cause in (("Error: L1 is lost", "tool"), (f"Error: {UNAVAILABLE}", "agent")):
        messages[2] = messages[2].model_copy(update={"content": said, "error": True})
        odd = trajectory.model_copy(update={"messages": tuple(messages), "divergence": missing})
        found = by_evidence(odd, about, library)
        assert found is not None
        assert (found.cause, found.turn) == (cause, 1)


@pytest.mark.parametrize("who", ["agent", "user"])
async def test_whoever_turns_in_circles_is_to_blame(library: Domain, who: str) -> None:
    circles = {"agent": (Role("What?"), Role("a", "b", "c", "d", "e", "f", "g"))}
    circles["user"] = (Role(*[f"{n}" for n in range(99)]), Role("I travel."))
    agent, user = circles[who]
    found, trajectory, _ = await failed(library, task(RENEW, says=SAYS), agent, user, max_steps=6)
    assert trajectory.ended == "max_steps"
    assert found.cause == who
    assert "three times" in found.evidence


# --- where only a judge can tell


def reply(**fields: Any) -> str:
    return json.dumps({"cause": "user", "turn": 2, "evidence": "it was vague"} | fields)


VAGUE = task(RENEW, outputs=("0.5",), says="You want to know what you owe.")
WORDS_OF_BOTH = (Role(does(RENEW), "Done."), Role("I travel.", DONE))


async def test_a_judge_is_asked_where_evidence_does_not_decide(library: Domain) -> None:
    found, trajectory, judge = await failed(library, VAGUE, *WORDS_OF_BOTH, judge=Judge(reply()))
    assert found == Blame(cause="user", turn=2, evidence="it was vague", judged=True)
    (question,) = judge.asked
    assert (question.role, question.prompt) == ("judge", "blame")
    assert question.context["dialogue"][1].startswith('1 assistant: renew_loan({"loan_id": "L1"')
    assert trajectory.usage["judge"].calls == 1 + len(judge.reads.asked)


IN_WORDS: dict[str, tuple[Blueprint, Role, Role]] = {
    "user holds back what was asked": (
        task(RENEW, says=SAYS),
        Role("Why?", "Then I cannot."),
        Role("Please renew L1.", "I would rather not say.", DONE),
    ),
    "user holds back what was asked in German": (
        task(RENEW, says=SAYS),
        Role("Aus welchem Grund?", "Dann geht es leider nicht."),
        Role("L1 verlängern, bitte.", "Das sage ich nicht.", DONE),
    ),
    "agent declines before it has asked": (
        task(RENEW, says=SAYS),
        Role("I am sorry, that is not possible.", "Bye."),
        Role("Please renew L1.", "Oh.", DONE),
    ),
    "agent declines before it has asked in Chinese": (
        task(RENEW, says=SAYS),
        Role("很抱歉，无法续借。", "再见。"),
        Role("请续借 L1 。", "哦。", DONE),
    ),
    "agent offers and the user says yes and leaves": (
        task(RENEW, says=SAYS),
        Role("I can renew L1 because of travel. Shall I (yes/no)?"),
        Role("Please renew L1, I travel.", f"yes {STOP}"),
    ),
    "agent offers what the user had only described": (
        task(RENEW, says=SAYS),
        Role("Hello!", "I found L1. Shall I renew it?"),
        Role("Please renew a loan, I travel.", "The one about Salt Roads.", f"Ja, bitte. {STOP}"),
    ),
    "agent says that it did by name what it never did": (
        task(RENEW, says=SAYS),
        Role("L1 has been renewed because of travel."),
        Role("Please renew L1, I travel.", DONE),
    ),
}


@pytest.mark.parametrize("planted", IN_WORDS)
@pytest.mark.parametrize("cause", ["user", "agent"])
async def test_where_words_decide_a_judge_says_who_is_to_blame(library: Domain, planted: str, cause: str) -> None:
    judge, (about, agent, user) = Judge(reply(cause=cause, turn=1)), IN_WORDS[planted]
    found, trajectory, _ = await failed(library, about, Role(*agent.turns), Role(*user.turns), judge=judge)
    assert found == Blame(cause=cause, turn=1, evidence="it was vague", judged=True)  # type: ignore[arg-type]
    assert by_evidence(trajectory, about, library) is None
    assert len(judge.asked) == 1
    assert set(judge.reads.kinds) <= {"last words"}, "what the state shows needs no other reading"


# --- what the agent had no turn to do

OFFERS = {
    "named": ("I can renew L1 because of travel. Shall I?", f"yes {STOP}"),
    "unnamed": ("Gern. Soll ich das jetzt so machen?", f"Ja, bitte! Danke und tschüss. {STOP}"),
    "announced": ("我将续借 L1，原因是 travel。可以吗？", f"好的，谢谢。{STOP}"),
    "with thanks only": ("Puis-je prolonger L1 pour cause de voyage ?", f"Merci, au revoir. {STOP}"),
    "with the mark only": ("I am going to renew L1 because of travel (yes/no)?", STOP),
}
LAST_WORDS = [
    ("asked", "user", 2, "before the agent had a turn"),
    ("claimed", "agent", 1, "although the user had told all"),
    ("declined", "agent", 1, "although the user had told all"),
    ("nothing", "agent", 1, "although the user had told all"),
]


@pytest.mark.parametrize("offered", OFFERS)
@pytest.mark.parametrize(("read", "cause", "turn", "words"), LAST_WORDS)
async def test_who_left_at_once_is_to_blame_unless_the_agent_had_given_up_or_lied(
    library: Domain, offered: str, read: str, cause: str, turn: int, words: str
) -> None:
    """In whatever words: what the agent said is read by a judge, who accuses nobody."""
    said, leaves = OFFERS[offered]
    judge = Judge(means={"last words": (read, "" if read == "nothing" else said)})
    user = Role("Please renew L1, I travel.", leaves)
    found, trajectory, _ = await failed(library, task(RENEW, says=SAYS), Role(said), user, judge=judge)
    assert (found.cause, found.turn, found.judged) == (cause, turn, False)
    assert words in found.evidence
    assert (judge.asked, judge.reads.kinds) == ([], ["last words"])
    assert [reading.opinions[0].answer for reading in trajectory.readings] == [read]
    assert by_evidence(trajectory, task(RENEW, says=SAYS), library) == found, "what was read is kept"


UNHEARD: dict[str, tuple[Blueprint, Role, Role, str]] = {
    "all of it": (task(RENEW, says=SAYS), Role("Hi!"), Role(f"Please renew L1, I travel. {STOP}"), "left in the wish"),
    "all of it, after a greeting": (
        task(RENEW, says=SAYS),
        Role("Guten Tag!"),
        Role("Hallo!", f"L1 bitte verlängern, wegen travel. {STOP}"),
        "left in the wish",
    ),
    "the detail": (
        task(RENEW, says=SAYS), Role("为什么？"), Role("请续借 L1 。", f"travel 。谢谢！{STOP}"), "told travel in"
    ),
    "the second wish": (
        task(RENEW, RENAME, says=f"{SAYS} You want to be called Ada Hill."),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", f"Et je m'appelle Ada Hill maintenant. {STOP}"),
        "left in the wish for rename_member",
    ),
    "the question": (
        task(RENEW, outputs=("17",), says=f"{SAYS} You want to know the days of loan-22."),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", f"¿Y los días de loan-22? {STOP}"),
        "left without having mentioned loan-22",
    ),
    "the wish that must be declined": (
        task(RENEW, says=f"{SAYS} You want to return L2.").model_copy(
            update={"kind": "forbidden", "denied": (call("return_loan", loan_id="L2"),)}
        ),
        Role(does(RENEW), "Done."),
        Role("Please renew L1, I travel.", f"Und L2 zurückgeben. {STOP}"),
        "only as it left",
    ),
}  # fmt: skip


@pytest.mark.parametrize("unheard", UNHEARD)
async def test_no_agent_is_to_blame_for_what_it_had_no_turn_to_hear(library: Domain, unheard: str) -> None:
    about, agent, user, words = UNHEARD[unheard]
    found, trajectory, judge = await failed(library, about, agent, user)
    assert (found.cause, found.judged) == ("user", False)
    assert found.turn == len(trajectory.messages) - 1
    assert words in found.evidence
    assert judge.asked == []


async def test_who_only_repeats_what_the_agent_told_has_not_just_asked_for_it(library: Domain) -> None:
    """The agent says that it did what nobody had named: a thank-you in its words makes no late wish of it."""
    said = "L1 has been renewed because of travel."
    judge = Judge(means={"last words": ("claimed", said)})
    user = Role("Please renew a loan.", f"Great that L1 is renewed for my travel. {STOP}")
    found, _, _ = await failed(library, task(RENEW, says=SAYS), Role(said), user, judge=judge)
    assert (found.cause, found.turn, judge.asked) == ("agent", 1, [])


# --- what judges have read, and what nobody could

LIED = (
    task(RENEW, says=f"{SAYS} You want to return L2.").model_copy(
        update={"kind": "missing tool", "denied": (call("return_loan", loan_id="L2"),)}
    ),
    Role(does(RENEW), "Done.", "I have no tool for that.", "Well, I have returned L2 for you.", "Bye."),
    Role("Renew L1, I travel.", "And take back L2.", "Please!", "Thanks.", DONE),
)
TOLD_UNASKED = (
    task(RENEW, says=SAYS).model_copy(update={"kind": "missing detail", "withheld": ("travel",)}),
    Role("Hello!", does(RENEW), "Done."),
    Role("Please renew L1.", "By the way, it is because of travel.", DONE),
)
UNTOLD = (
    task(RENEW, outputs=("Salt Roads",), says=f"{SAYS} You want to know the title of loan-22."),
    Role(does(RENEW), "It is that long one about roads."),
    Role("Please renew L1, I travel. And the title of loan-22?", DONE),
)


@pytest.mark.parametrize(
    ("held", "means", "cause", "turn", "words"),
    [
        (LIED, {"wish answered": ("claimed", "I have returned L2")}, "agent", 7, "was or will be done, and nothing"),
        (LIED, {"wish answered": ("neither", "")}, "agent", 9, "neither declined"),
        (TOLD_UNASKED, {"detail asked": ("no", "")}, "user", 2, "before being asked"),
        (UNTOLD, {"output told": ("no", "")}, "agent", 3, "not told: 'Salt Roads'"),
    ],
)
async def test_what_judges_have_read_is_evidence(
    library: Domain, held: tuple[Blueprint, Role, Role], means: Means, cause: str, turn: int, words: str
) -> None:
    about, agent, user = held
    again = Role(*agent.turns), Role(*user.turns)
    found, trajectory, judge = await failed(library, about, *again, judge=Judge(means=means))
    assert (found.cause, found.turn, found.judged) == (cause, turn, False)
    assert words in found.evidence
    assert judge.asked == []
    read = {reading.id.partition("/")[0]: reading.opinions[0].answer for reading in trajectory.readings}
    assert {kind: answer for kind, answer in read.items() if kind not in KEPT} == {k: a for k, (a, _) in means.items()}


@pytest.mark.parametrize("held", [LIED, TOLD_UNASKED, UNTOLD], ids=["lied", "told unasked", "untold"])
async def test_nobody_is_to_blame_for_what_is_undecided(library: Domain, held: tuple[Blueprint, Role, Role]) -> None:
    about, agent, user = held
    judge = Judge(reply(), means={})
    for judges in ([], [judge], [judge] * 3):
        again = {"agent": Role(*agent.turns), "user": Role(*user.turns)}
        trajectory = await converse(about, library, **again, judges=judges)
        assert (trajectory.success, trajectory.undecided) == (False, True)
        assert trajectory.blame is None
        assert trajectory.divergence is None
        assert judge.asked == [], "nobody is accused"
        assert sum(reading.id not in KEPT for reading in trajectory.readings) == bool(judges)


async def test_what_is_undecided_beside_what_fell_is_nobodys_fault(library: Domain) -> None:
    """The state fell, by the agent; what it said of the other wish is open and no reason for anything."""
    about, _, _ = LIED
    agent = Role("Hm.", "Let me see.", "Bye.")
    user = Role("Renew L1, I travel.", "And take back L2.", DONE)
    judge = Judge(reply(), means={})
    found, trajectory, _ = await failed(library, about, agent, user, judge=judge)
    assert {v.gate: v.outcome for v in trajectory.verdicts} == {
        "ended": "held",
        "state": "fell",
        "outputs": "held",
        "behaviour": "not asked",
        "conduct": "not asked",
    }
    assert (found.cause, found.judged) == ("agent", False)
    assert "did not make renew_loan" in found.evidence
    assert (judge.asked, judge.reads.kinds) == ([], ["last words"])


async def test_a_judge_of_blame_is_told_what_fell_and_not_what_is_open(library: Domain) -> None:
    about = LIED[0].model_copy(update={"instruction": "You want to renew a loan, and to return L2."})
    judge = Judge(reply(), means={})
    _, trajectory, _ = await failed(library, about, Role("Hm.", "Hm!"), Role("And L2?", "Well?", DONE), judge=judge)
    assert {v.gate for v in trajectory.verdicts if v.outcome == "not asked"} == {"behaviour", "conduct"}
    (question,) = judge.asked
    assert [finding.partition(":")[0] for finding in question.context["findings"]] == ["state"]


# --- what a judge of blame may say


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the user",
        reply(cause="the weather"),
        reply(turn=-1),
        reply(turn="two"),
        json.dumps({"cause": "user"}),
        "[]",
    ],
)
async def test_an_unusable_judgement_is_said_to_be_one(library: Domain, text: str) -> None:
    found, _, _ = await failed(library, VAGUE, *WORDS_OF_BOTH, judge=Judge(text))
    assert (found.cause, found.judged) == ("agent", False)
    assert "the judge's reply cannot be used" in found.evidence


async def test_a_judged_turn_is_one_of_the_conversation(library: Domain) -> None:
    found, trajectory, _ = await failed(library, VAGUE, *WORDS_OF_BOTH, judge=Judge(reply(turn=999)))
    assert found.turn == len(trajectory.messages) - 1


async def test_a_success_blames_nobody_and_nobody_is_asked_for_blame(library: Domain) -> None:
    judge = Judge()
    user = Role("Please renew L1, I travel.", DONE)
    trajectory = await converse(
        task(RENEW, says=SAYS), library, agent=Role(does(RENEW), "Done."), user=user, judges=[judge]
    )
    assert trajectory.success
    assert trajectory.blame is None
    assert (judge.asked, judge.reads.kinds) == ([], [])
