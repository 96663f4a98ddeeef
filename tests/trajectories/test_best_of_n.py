"""The best-of-N user: the critic sees the dialogue, flaws that code can see are marked down, all are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question, metered
from apigen_nb.models.roles import Roles
from apigen_nb.records import STOP, Message, Trajectory, Usage
from apigen_nb.trajectories.best_of_n import BestOf, flaws, invented, user_of
from apigen_nb.trajectories.converse import converse
from apigen_nb.world.domain import Domain
from apigen_nb.world.pieces import plain
from tests.library import RENEW, task
from tests.players import Role, does

WORDS_OF_BOTH = (
    Message(role="user", content="Hello, about order #R7."),
    Message(role="assistant", content="Which item of #R7, lamp-3 or desk-4?"),
)


def asked(*messages: Message, withheld: tuple[str, ...] = (), says: str = "You want to return lamp-3.") -> Question:
    context = {
        "service": "the service of a shop; today is 2026-05-18",
        "instruction": says,
        "profile": ["phone: 555-0172"],
        "part": "Ask for all.",
        "persona": "calm",
        "behaviour": "terse",
        "withheld": list(withheld),
    }
    return Question(id="x.t1/user/2", role="user", prompt="user", context=context, messages=messages)


class Users:
    """Gives one candidate after the other, by sample."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.samples = texts, list[int]()

    async def __call__(self, question: Question) -> Answer:
        self.samples.append(question.sample)
        text = self.texts[question.sample % len(self.texts)]
        return Answer(text=text, usage=Usage(calls=1, completion=3), error="" if text else "cut off")


class Critic:
    def __init__(self, *scores: float, text: str | None = None) -> None:
        self.scores, self.text, self.asked = scores, text, list[Question]()

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        said = [{"candidate": n, "score": s, "reason": f"r{n}"} for n, s in enumerate(self.scores, 1)]
        return Answer(text=json.dumps({"scores": said}) if self.text is None else self.text, usage=Usage(calls=1))


async def test_the_best_is_sent_and_all_are_kept() -> None:
    users, critic = Users("The lamp-3.", "lamp-3, please", "Well."), Critic(4, 9, 2)
    answer = await BestOf(users, critic, 3)(asked(*WORDS_OF_BOTH))
    assert answer.text == "lamp-3, please"
    assert answer.chosen == 1
    assert [(c.text, c.score, c.reason) for c in answer.candidates] == [
        ("The lamp-3.", 4, "r1"),
        ("lamp-3, please", 9, "r2"),
        ("Well.", 2, "r3"),
    ]
    (question,) = critic.asked
    assert question.context["dialogue"] == [
        "customer: Hello, about order #R7.",
        "agent: Which item of #R7, lamp-3 or desk-4?",
    ]
    assert question.context["candidates"] == ["1: The lamp-3.", "2: lamp-3, please", "3: Well."]
    assert not question.tools


@pytest.mark.parametrize(
    ("worse", "flaw"),
    [
        ("Hello, about order #R7.", "repeats an earlier message"),
        ("The lamp-3 of order #R99.", "invents #R99"),
        ("Mail me at ada@example.org.", "invents ada@example.org"),
    ],
)
async def test_flaws_that_code_can_see_cost_more_than_a_little_charm(worse: str, flaw: str) -> None:
    answer = await BestOf(Users(worse, "The lamp-3."), Critic(9, 7), 2)(asked(*WORDS_OF_BOTH))
    assert answer.text == "The lamp-3."
    assert answer.candidates[0].flaws == (flaw,)
    assert answer.candidates[1].flaws == ()


async def test_a_secret_told_before_it_was_asked_for_is_a_flaw() -> None:
    early, late = asked(withheld=("tulip",)), asked(*WORDS_OF_BOTH, withheld=("tulip",))
    assert list(flaws("The word is tulip.", early)) == ["tells tulip before it was asked for"]
    assert list(flaws("The word is tulip.", late)) == []


@pytest.mark.parametrize("text", ["My number is 555-0172.", "It came today, on May 18.", "Return lamp-3."])
def test_what_the_player_was_told_is_not_invented(text: str) -> None:
    assert list(flaws(text, asked())) == []


NOTES = "You want to return lamp-3 of #R7 and to cancel #R8. Your email is ada@example.org, your postal code is 12345."


@pytest.mark.parametrize(
    ("said", "withheld", "found"),
    [
        (("Hello, cancel #R8.", "Shall I go ahead (yes/no)?"), (), "stops before it has mentioned lamp-3, #R7"),
        (("Hallo, bitte #R8 stornieren.", "Soll ich das tun?"), (), "stops before it has mentioned lamp-3, #R7"),
        (("Return lamp-3 of #R7.", "Done. Anything else?"), (), "stops before it has mentioned #R8"),
        (("Return lamp-3 of #R7 and cancel #R8.", "Done. Can I help you with anything else?"), (), ""),
        (("Return lamp-3 and cancel #R8.", "The lamp-3 of #R7 may come back. Anything else?"), (), ""),
        (("Return lamp-3 of #R7.", "Done."), ("#R8",), ""),
    ],
)
def test_a_premature_stop_is_a_flaw(said: tuple[str, str], withheld: tuple[str, ...], found: str) -> None:
    question = asked(
        Message(role="user", content=said[0]),
        Message(role="assistant", content=said[1]),
        withheld=withheld,
        says=NOTES,
    )
    stops = [flaw for flaw in flaws(f"Thanks. {STOP}", question) if flaw.startswith("stops")]
    assert stops[:1] == ([found] if found else [])


def test_a_stop_at_once_is_a_flaw() -> None:
    assert list(flaws(STOP, asked(says=NOTES))) == ["stops before it has mentioned lamp-3, #R7, #R8"]


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("Please renew lamp-3 for me", True),
        ("Please, renew lamp-3 for me!", True),
        ("For me please renew lamp-3, please.", True),
        ("Please renew lamp-3 for me, as I travel a lot", False),
        ("Please renew lamp-4 for me", False),
        ("Yes, please renew lamp-3 for me", False),
        ("Yes.", False),
    ],
)
def test_nearly_the_same_again_is_a_flaw(text: str, repeats: bool) -> None:
    question = asked(
        Message(role="user", content="Please renew lamp-3 for me."),
        Message(role="assistant", content="Why is that, and is it lamp-4?"),
    )
    assert ("repeats an earlier message" in flaws(text, question)) == repeats


@pytest.mark.parametrize("said", ["Hello, what can I do for you.", "Guten Tag.", "您好。"])
def test_a_secret_told_without_any_question_is_a_flaw(said: str) -> None:
    talk = (Message(role="user", content="Hello."), Message(role="assistant", content=said))
    assert list(flaws("The word is tulip.", asked(*talk, withheld=("tulip",)))) == [
        "tells tulip before it was asked for"
    ]


@pytest.mark.parametrize("said", ["Wie lautet das Wort?", "¿Cuál es la palabra?", "请问密码是什么？"])
def test_a_question_in_any_language_may_have_asked_for_it(said: str) -> None:
    talk = (Message(role="user", content="Hello."), Message(role="assistant", content=said))
    assert list(flaws("The word is tulip.", asked(*talk, withheld=("tulip",)))) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("It is the card #7312.", "Your card ends in 7312."),
        ("The one ending in 7312, please.", "You have the card #7312."),
        ("Send it on the 27th.", "You want it on 2026-03-27."),
        ("Send it on March 27th.", "You want it on 2026-03-27."),
        ("I come at 5pm.", "You come at 17:00."),
        ("I want $1,000.00 back.", "You want $1,000 back."),
        ("I want $500 back.", "You want 500 back."),
        ("I want 500 dollars back.", "You want $500 back."),
        ("It is order R-12030.", "It is about #R12030."),
        ("Es geht um 1.250,50 €.", "You want 1250.5 euros back."),
        ("Call 555-010-1234.", "Your telephone is (555) 010 1234."),
    ],
)
def test_what_is_known_in_other_figures_is_not_invented(text: str, known: str) -> None:
    assert invented(text, known) == []


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("It is the card #7313.", "Your card ends in 7312.", "#7313"),
        ("Send it on the 28th.", "You want it on 2026-03-27.", "28th"),
        ("I come at 11pm.", "You come at 11:00.", "11pm"),
        ("I want $1,001.00 back.", "You want $1,000 back.", "$1,001.00"),
        ("It is order R12031.", "It is about #R12030.", "R12031"),
    ],
)
def test_what_nothing_known_tells_is_invented(text: str, known: str, found: str) -> None:
    assert invented(text, known) == [found]


@pytest.mark.parametrize("critic", [Critic(5, 5), Critic(text="no idea"), Critic(text='{"scores": []}'), Critic(99, 3)])
async def test_a_candidate_is_never_preferred_because_it_stops(critic: Critic) -> None:
    for texts in ((f"Bye. {STOP}", "The lamp-3."), ("The lamp-3.", f"Bye. {STOP}")):
        answer = await BestOf(Users(*texts), critic, 2)(asked(*WORDS_OF_BOTH))
        assert answer.text == "The lamp-3."


async def test_it_stops_when_that_is_best() -> None:
    assert (
        STOP in (await BestOf(Users(f"Bye. {STOP}", "The lamp-3 again."), Critic(9, 3), 2)(asked(*WORDS_OF_BOTH))).text
    )


async def test_scores_for_some_candidates_only_are_no_scores() -> None:
    answer = await BestOf(Users("a", "b"), Critic(text='{"scores": [{"candidate": 2, "score": 9}]}'), 2)(
        asked(*WORDS_OF_BOTH)
    )
    assert [candidate.score for candidate in answer.candidates] == [None, None]
    assert answer.text == "a"


async def test_the_same_words_need_no_critic() -> None:
    critic = Critic(1)
    answer = await BestOf(Users("The lamp-3."), critic, 4)(asked(*WORDS_OF_BOTH))
    assert len(answer.candidates) == 1
    assert critic.asked == []


async def test_errors_are_no_candidates_and_all_errors_are_one() -> None:
    answer = await BestOf(Users("", "The lamp-3."), Critic(1), 2)(asked(*WORDS_OF_BOTH))
    assert [candidate.text for candidate in answer.candidates] == ["The lamp-3."]
    answer = await BestOf(Users("", ""), Critic(), 2)(asked(*WORDS_OF_BOTH))
    assert answer.error == "cut off"


async def test_tokens_are_counted_once_and_by_role(library: Domain) -> None:
    user = BestOf(Users("Renew L1, I travel.", f"Thanks. {STOP}"), Critic(9, 1), 2)
    with metered() as usage:
        await user(asked(*WORDS_OF_BOTH))
    assert usage == {"user": Usage(calls=2, completion=6), "critic": Usage(calls=1)}


async def test_attempts_draw_other_samples() -> None:
    users = Users("a", "b", "c")
    await BestOf(users, Critic(1, 1), 2)(asked().model_copy(update={"sample": 2}))
    assert users.samples == [4, 5]


async def test_a_conversation_keeps_the_choices(library: Domain) -> None:
    user = BestOf(Users("Please renew L1, I travel.", f"Thanks. {STOP}"), Critic(2, 8), 2)
    trajectory = await converse(task(RENEW, says="L1 travel"), library, agent=Role(does(RENEW), "Done."), user=user)
    assert [(choice.turn, choice.chosen, len(choice.candidates)) for choice in trajectory.choices] == [(0, 1, 2)]
    assert Trajectory.model_validate_json(trajectory.line()) == trajectory


def test_four_candidates_of_a_real_model_and_one_of_the_scripted(library: Domain) -> None:
    local: dict[str, Any] = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}
    assert Roles(library).best_of == 1
    assert not isinstance(user_of(Roles(library)), BestOf)
    assert Roles(library, **local).best_of == 4
    assert isinstance(user_of(Roles(library, **local)), BestOf)
    assert "critic" in Roles(library, **local).names
    assert Roles(library, best_of=3).best_of == 3
    assert "critic" in Roles(library, best_of=3).names


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_known_is_invented(text: str, rest: str) -> None:
    assert invented(text, f"{rest} {text}") == []
    assert all(token in plain(text) for token in invented(text, ""))
