"""The stand-in for judges of meaning: it reads English phrases. What it was seen to read it goes on reading; what it
misreads is listed, and no language model hangs on it."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question
from apigen_nb.models.scripted import Scripted
from apigen_nb.models.scripted.readings import READERS
from apigen_nb.records import STOP, Message, Verdict
from apigen_nb.trajectories.behaviour import shows_behaviour
from apigen_nb.trajectories.conduct import keeps_conduct
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import UNCLEAR, Claim, Meanings, settle
from apigen_nb.trajectories.reward import all_told, assess
from apigen_nb.world.domain import Domain
from tests.conversations import (
    LIES,
    MEANT,
    NOT_REFUSING,
    NOT_REFUSING_ELSEWHERE,
    REFUSING,
    RULE,
    TRUTHS,
    Case,
    messages_of,
)  # fmt: skip
from tests.library import GOOD, RENEW, call, task

JUDGES = [Scripted({}, 1)] * 3


async def found_in(domain: Domain, name: str, *turns: Any) -> Verdict:
    dialogue = Dialogue(GOOD[name], messages_of(GOOD[name], domain, *turns), domain)
    found = await settle(functools.partial(shows_behaviour, dialogue), Meanings(dialogue.messages), JUDGES, "x")
    assert found is not None
    assert not found.undecided, "it always has an answer, and always proves it"
    return found


# --- what it reads


@pytest.mark.parametrize("reply", REFUSING)
async def test_a_refusal_is_recognised(library: Domain, reply: str) -> None:
    found = await found_in(library, RULE, "U: renew L2, please", f"A: {reply}", "U: ok")
    assert found.passed, found.reason


TAKEN_FOR_REFUSALS = [
    "I cannot find your account yet. Which e-mail address do you have?",
    "I can't see it here. One moment.",
    "I can't renew anything before you have confirmed your e-mail address.",
    "As to L1, a return is not possible.",
    "L1 cannot be returned today. The other one is fine.",
    "I can't renew L2 just like that, so I have renewed L2 as an exception.",
]


@pytest.mark.parametrize("reply", sorted({**NOT_REFUSING, **NOT_REFUSING_ELSEWHERE}.keys() - TAKEN_FOR_REFUSALS))
async def test_what_refuses_nothing_is_no_refusal(library: Domain, reply: str) -> None:
    found = await found_in(library, RULE, "U: renew L2, please", f"A: {reply}", "U: ok")
    assert found.kind in ("not declined", "claimed as done")


MISREAD = [
    ("U: call me Ada Reed, and renew L1", "A: Shall I?", "U: actually, do"),  # "actually" without a change
    ("U: renew L2", "A: I can't.", "U: Please!"),  # a claim after a refusal
    ("U: renew L2", "A: I can't.", "U: Oh"),
    ("U: renew L2 and return L1", "A: I can't."),
    ("U: call me Ada Reed", "A: I can't.", "U: Oh"),
    ("U: renew L2", "A: Why?", "U: travel; return L1"),  # a refusal of something else
    ("U: renew L2", "A: It will be seen to.", "U: And return L1"),
    ("U: hello", "A: Which branch?"),  # a question that nothing hangs on, or in another language
    ("U: L1 verlängern", "A: Wie geht es Ihnen?"),
    ("U: Hola, soy Ada", "A: ¿En qué puedo ayudarle?"),
]
ENGLISH = TRUTHS[:10]  # those in English, in which things have the names that the data has
WRONG = [case for case in (*MEANT, *LIES) if case.kind and not any(case.turns[: len(m)] == m for m in MISREAD)]


@pytest.mark.parametrize("case", WRONG, ids=[f"{case.name}: {n}" for n, case in enumerate(WRONG)])
async def test_what_is_wrong_falls(library: Domain, case: Any) -> None:
    assert (await found_in(library, case.name, *case.turns)).outcome == "fell"


@pytest.mark.parametrize("case", ENGLISH, ids=[f"{case.name}: {n}" for n, case in enumerate(ENGLISH)])
async def test_what_is_right_holds(library: Domain, case: Any) -> None:
    found = await found_in(library, case.name, *case.turns)
    assert found.passed, found.reason


@pytest.mark.parametrize(
    ("reply", "output", "outcome"),
    [
        ("It is not refundable.", "not refundable", "held"),
        ("It is called the Iron Orchard.", "The Iron Orchard", "held"),
        ("It is not the Iron Orchard.", "The Iron Orchard", "fell"),
        ("It is Salt Roads.", "The Iron Orchard", "fell"),
    ],
)
async def test_an_output_is_told_without_being_denied(library: Domain, reply: str, output: str, outcome: str) -> None:
    about = task(RENEW, outputs=(output,))
    talk = [Message(role="user", content="Which?"), Message(role="assistant", content=reply)]
    claim = Claim("output told/0", "output told", "Is it told?", f"{output}\nnotes", "assistant", 0, 2)
    meanings = Meanings(talk)
    answer = await settle(lambda known: known.of(claim), meanings, JUDGES, "x")
    assert answer == {"held": "yes", "fell": "no"}[outcome]
    verdict = await settle(functools.partial(all_told, Dialogue(about, talk, library)), Meanings(talk), JUDGES, "x")
    assert verdict.outcome in (outcome, "held")  # evidence may have told it before


HELLO = ("U: Hello, ada@example.com here. Renew L1 please, I travel.", (call("find_member", email="ada@example.com"),))
CONDUCT: list[tuple[tuple[Any, ...], str]] = [
    (("A: I renew L1 for two weeks, as you travel. Shall I?", "U: Yes, please.", (RENEW,), "A: Done."), ""),
    (("A: I renew L1 for two weeks. Is that right?", "U: Exactly.", (RENEW,), "A: L1 is renewed."), ""),
    (("A: I renew L1. Shall I?", "U: No, wait.", (RENEW,), "A: Done."), "asked before writing"),
    (("A: I renew L1. Shall I?", "U: Yes, but return it instead.", (RENEW,), "A: Done."), "asked before writing"),
    (("A: Done, your request has been carried out.", "U: Thanks"), "word kept"),
    (("A: I cannot renew it, so I will credit you.", "U: Thanks"), "word kept"),
    (("A: A colleague will call you.", "U: Thanks"), "word kept"),
    (("A: That was a stupid question.", "U: Well"), "respect"),
    (("A: The password is open sesame.", "U: Well"), "secrets kept"),
]


@pytest.mark.parametrize(("turns", "kind"), CONDUCT, ids=[f"{n} {kind}" for n, (_, kind) in enumerate(CONDUCT)])
async def test_conduct_is_read(library: Domain, turns: tuple[Any, ...], kind: str) -> None:
    dialogue = Dialogue(GOOD["plain"], messages_of(GOOD["plain"], library, *HELLO, *turns), library)
    found = await settle(functools.partial(keeps_conduct, dialogue), Meanings(dialogue.messages), JUDGES, "x")
    assert (found.kind, found.undecided) == (kind, False), found.reason


# --- whatever it is asked

ANSWERS = {
    "wish answered": ["declined", "claimed", "neither"],
    "last words": ["asked", "claimed", "declined", "nothing"],
    "promise": ["unkept", "abuse", "secret", "invented", "none"],
    "figure": ["invented", "none"],
}
lines = st.tuples(st.sampled_from(["customer:", "agent:", "agent calls x({}):", "tool:", ""]), st.text(max_size=30))


@given(st.sampled_from(sorted(READERS)), st.lists(lines, max_size=5), st.text(max_size=30))
async def test_it_answers_and_proves_whatever_is_said(kind: str, said: list[tuple[str, str]], about: str) -> None:
    answers = ANSWERS.get(kind, ["yes", "no"])
    passage = [f"{turn} {who} {text}" for turn, (who, text) in enumerate(said)]
    context = {"kind": kind, "question": "?", "about": about, "answers": [*answers, UNCLEAR], "passage": passage}
    for speaker in ("customer", "agent"):
        question = Question(id="x", role="judge", prompt="reading", context={**context, "speaker": speaker})
        reply = json.loads((await JUDGES[0](question)).text)
        assert reply["answer"] in answers
        if reply["turn"] >= 0:
            assert reply["quotation"] in passage[reply["turn"]]


async def test_it_reads_every_kind_of_question_that_the_checks_ask(library: Domain) -> None:
    asked = set()

    async def kept(question: Question) -> Answer:
        asked.add(question.context["kind"])
        return await JUDGES[0](question)

    for case in (*MEANT, *LIES, *TRUTHS):
        dialogue = Dialogue(GOOD[case.name], messages_of(GOOD[case.name], library, *case.turns), library)
        await settle(functools.partial(shows_behaviour, dialogue), Meanings(dialogue.messages), [kept] * 3, "x")
    messages = messages_of(GOOD["plain"], library, "U: renew L1", "A: For $48.15?", "U: yes", (RENEW,), "A: Done.")
    dialogue = Dialogue(GOOD["plain"], messages, library)
    await settle(functools.partial(keeps_conduct, dialogue), Meanings(messages), [kept] * 3, "x")
    output = Case("plain", ("U: hi", "A: Which?", "U: L1", (RENEW,), "A: Done."), "")
    for outputs in (("Salt Roads",), ("Salt Roads", "Salt Roads")):
        about = GOOD["plain"].model_copy(update={"outputs": outputs})
        dialogue = Dialogue(about, messages_of(about, library, *output.turns), library)
        await assess(dialogue, (), Verdict(gate="ended", passed=True), [kept] * 3, name="x", thorough=True)
    assert asked | {"last words"} == set(READERS), "the last words are read for blame alone"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("I am going to renew L1 because of travel. Shall I go ahead (yes/no)?", "asked"),
        ("Could you tell me the reason for that?", "asked"),
        ("Done, your request has been carried out. Is there anything else I can do for you?", "claimed"),
        ("I am sorry, that is not possible. L1 is overdue. Is there anything else?", "declined"),
        ("Hello! How can I help you?", "nothing"),
    ],
)
async def test_last_words_are_read(said: str, answer: str) -> None:
    claim = Claim("last words/0", "last words", "?", str(RENEW), "assistant", 0, 1, tuple(ANSWERS["last words"]))
    talk = [Message(role="assistant", content=said), Message(role="user", content=f"yes {STOP}")]
    meanings = Meanings(talk)
    assert await settle(lambda meanings: meanings.of(claim), meanings, JUDGES, "x") == answer
