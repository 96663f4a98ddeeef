"""Two questions with one answer are two: what is told of one thing is not told of the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.records import STOP, Blueprint, Message, Opinion, Reading
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.trajectories.repeated_outputs import each_is_told, same_outputs
from apigen_nb.trajectories.reward import all_told
from apigen_nb.world.domain import Domain

ONE, OTHER = "#R45867", "#R76357"  # both of C10633, each with a shipping fee of 6.5
TASK = Blueprint(
    id="retail-00000",
    domain="retail",
    user="C10633",
    persona="",
    instruction=f"You want to know what the shipping of order {ONE} cost, and what the shipping of order {OTHER} cost.",
    actions=(),
    outputs=("6.5", "6.50"),
)
TOLD = {ONE: f"Shipping for {ONE} was $6.50.", OTHER: f"For {OTHER} you paid $6.50."}
NOISE = ("Let me look at that.", f"{ONE} has been delivered.", f"{OTHER} came to $6.50, not to $4.")


def dialogue(*texts: str) -> Dialogue:
    said = [Message(role="assistant", content=text) for text in texts]
    asked, over = Message(role="user", content="What did it cost?"), Message(role="user", content=STOP)
    return Dialogue(TASK, (asked, *said, over), Domain.load("retail"))


def test_outputs_are_the_same_by_their_value() -> None:
    assert same_outputs(("6.5", "delivered", "6.50", "Delivered", "30 days", "6")) == [[0, 2], [1, 3], [4], [5]]
    assert same_outputs(("$6.50", "6.5", "two", "2", "2 days")) == [[0, 1], [2, 3], [4]]
    assert same_outputs(()) == []


@given(st.lists(st.sampled_from((*TOLD.values(), *NOISE)), max_size=5))
def test_each_thing_is_told_by_a_sentence_that_names_it(texts: list[str]) -> None:
    assert each_is_told(texts, "6.5", "money", 2, dialogue(*texts)) == {*TOLD.values()}.issubset(texts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Shipping was $6.50 for {ONE}, $6.50 for {OTHER}.", True),
        (f"Shipping was $6.50 for {ONE} and {OTHER}.", False),  # likely each, perhaps together: judges read it
        (f"Shipping was $6.50 for {ONE}, $4.00 for {OTHER}.", False),
        (f"Shipping was $6.50 for {ONE}, $6.50 for {OTHER}, $13.00 together.", False),
        ("Shipping was $6.50 each time. It was $6.50.", False),
    ],
)
def test_one_sentence_may_tell_both(text: str, found: bool) -> None:
    assert each_is_told([text], "6.5", "money", 2, dialogue(text)) is found


@pytest.mark.parametrize(
    ("answer", "outcome", "told"), [("yes", "held", ""), ("no", "fell", "1 of 2"), ("", "undecided", "0 of 2")]
)
def test_what_is_told_once_is_for_judges(answer: str, outcome: str, told: str) -> None:
    talk = dialogue(TOLD[ONE])
    meanings = Meanings(talk.messages)
    assert all_told(talk, meanings).outcome == "undecided"
    (claim,) = meanings.open.values()
    opinion = Opinion(judge="a", answer=answer or "unclear", turn=1, quotation="$6.50")
    reading = Reading(id=claim.id, claim=claim.digest, question=claim.question, opinions=(opinion,), majority=1)
    verdict = all_told(talk, Meanings(talk.messages, [reading]))
    assert verdict.outcome == outcome
    assert told in verdict.reason


def test_what_is_told_of_each_asks_nobody() -> None:
    talk = dialogue(*TOLD.values())
    meanings = Meanings(talk.messages)
    assert all_told(talk, meanings).outcome == "held"
    assert not meanings.open


def test_what_nobody_told_is_told_of_none() -> None:
    talk = dialogue()
    verdict = all_told(talk, Meanings(talk.messages))
    assert (verdict.outcome, verdict.reason) == ("fell", "told 0 of 2; not told: '6.5', '6.50'")
