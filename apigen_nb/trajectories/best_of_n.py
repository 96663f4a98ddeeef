"""The best-of-N user (paper §3.2): several messages are drawn, a critic scores them, the best one is sent.

The paper's critic sees the description and one candidate; ours sees the dialogue and all candidates at once, because a
premature stop and a repetition show in nothing else. What code can see it marks down itself: words said before, an id
or a figure that the user cannot know, a detail told before any question, a stop before all has been said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from ..models import Answer, Model, Question, Unparsable, ask, ask_for
from ..models.jobs import all_of
from ..models.reply_schema import reply_schema
from ..models.roles import Roles
from ..records import STOP, Candidate, Message, Usage
from ..world.pieces import plain
from ..world.telling import tells
from ..world.typed_values import find_values
from ..world.values import mentions, normalize
from .meaning import WHO, words
from .rollout import known_to_user

PENALTY = 3.0  # points that each flaw costs, of the critic's 0–10
ALIKE = 0.8  # share of the words of two messages that are in both, from which on one repeats the other


class _Score(BaseModel):
    candidate: int = Field(ge=1)
    reason: str = ""
    score: float = Field(ge=0, le=10)


class _Reply(BaseModel):
    """The JSON a critic is asked for."""

    scores: list[_Score]


REPLY = reply_schema(_Reply)
_TOKEN = re.compile(r"[\w#@+./-]*\d[\w#@+./-]*")  # ids, dates, amounts, postal codes, mail addresses with a figure
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{0,255}\w")  # without bounds: quadratic in long texts
_THING = re.compile(r"#|[A-Za-z]\w*[-_]\w*\d|^[A-Za-z]{1,3}\d+$|\d{8}")  # an order, an item; no postal code, no phone
_QUESTION_MARK = re.compile("[?？¿؟]")


def invented(text: str, known: str) -> list[str]:
    """The ids, figures and mail addresses of a text that nothing known tells, by their types: "5pm" is known where
    17:00 is. Small counts ("two of them", "1 minute") are speech and no facts."""
    there, text = normalize(known), plain(text)
    figures = ((match.group().strip("./-"), *match.span()) for match in (*_MAIL.finditer(text), *_TOKEN.finditer(text)))
    found: dict[str, None] = {}
    for token, start, end in figures:
        if len(token) > 2 and normalize(token) not in there and not mentions(known, token):
            value = next((v.text for v in find_values(text) if v.start < end and start < v.end), token)
            if not (tells(known, value) or tells(known, token, "identifier") or value.casefold() in there):
                found[token if len(value) < len(token) else value] = None
    return list(found)


def flaws(text: str, question: Question) -> Iterator[str]:
    """What code can find wrong with a user's message in any language, given the question that the user answers. What
    the agent asked for, and whether it waits, words say in too many ways: that is the critic's."""
    by_user = [normalize(message.content) for message in question.messages if message.role == "user"]
    by_agent = [message.content for message in question.messages if message.role == "assistant"]
    withheld = [str(detail) for detail in question.context["withheld"]]
    notes = str(question.context["instruction"])
    if STOP in text:
        yield from _too_early(notes, withheld, by_agent, by_user)
    elif any(normalize(text) == earlier or _alike(text, earlier) for earlier in by_user):
        yield "repeats an earlier message"
    if more := invented(text, " ".join([known_to_user(question.context), *by_agent, *by_user])):
        yield f"invents {', '.join(more[:3])}"
    asked = bool(by_user) and any(_QUESTION_MARK.search(message) for message in by_agent)
    for detail in withheld:
        if not asked and mentions(text, detail):
            yield f"tells {detail} before it was asked for"


def _too_early(notes: str, withheld: Sequence[str], by_agent: Sequence[str], by_user: Sequence[str]) -> Iterator[str]:
    """A stop while a thing that the notes name has not been mentioned."""
    known = " ".join([*by_user, *by_agent, *withheld])
    things = [token for token in invented(notes, known) if _THING.search(token) and "@" not in token]
    if things:
        yield f"stops before it has mentioned {', '.join(things[:3])}"


def _alike(text: str, earlier: str) -> bool:
    """Whether nearly the same words were said earlier, and none that are new: "yes" before them makes an answer."""
    new, old = (set(re.findall(r"\w+", normalize(words))) for words in (text, earlier))
    return len(new) >= 3 and new <= old and len(new) >= ALIKE * len(old) and not invented(text, earlier)


@dataclass(frozen=True)
class BestOf:
    """A model for the role of the user that asks `user` for `n` candidates and sends the best in the eyes of `critic`.

    Without usable scores the candidate with the fewest flaws is sent; a candidate is never preferred because it stops.
    The answer keeps all candidates and which was chosen."""

    user: Model
    critic: Model
    n: int

    async def __call__(self, question: Question) -> Answer:
        samples = range(question.sample * self.n, (question.sample + 1) * self.n)
        asked = (ask(self.user, question.model_copy(update={"sample": sample})) for sample in samples)
        answers = await all_of(*asked)
        usable = {a.text.strip(): a for a in answers if not a.error and a.text.strip()}
        if not usable:
            return answers[0].model_copy(update={"usage": Usage()})
        texts = list(usable)
        scores = await self._scores(question, texts) if len(texts) > 1 else {}
        candidates = tuple(
            Candidate(
                text=text,
                score=scores[number].score if number in scores else None,
                reason=scores[number].reason[:500] if number in scores else "",
                flaws=tuple(flaws(text, question)),
            )
            for number, text in enumerate(texts, 1)
        )
        chosen = max(range(len(candidates)), key=lambda place: (*_worth(candidates[place]), -place))
        # Their tokens were counted when they were asked for.
        text, thoughts = texts[chosen], usable[texts[chosen]].thoughts
        return Answer(text=text, thoughts=thoughts, candidates=candidates, chosen=chosen, usage=Usage())

    async def _scores(self, question: Question, texts: Sequence[str]) -> dict[int, _Score]:
        """Number → score for each candidate, or nothing when the critic did not score all of them."""
        asked = Question(
            id=f"{question.id}/critic",
            role="critic",
            prompt="critic",
            context=critic_context(question, texts),
            reply=REPLY,
            sample=question.sample,
        )
        try:
            reply = await ask_for(self.critic, asked, _Reply)
        except Unparsable:
            return {}
        scores = {score.candidate: score for score in reply.scores}
        return scores if set(scores) == set(range(1, len(texts) + 1)) else {}


def user_of(models: Roles) -> Model:
    """Who plays the user in a run: its model, or the best of `models.best_of` candidates of it."""
    return BestOf(models.user, models.critic, models.best_of) if models.best_of > 1 else models.user


def _worth(candidate: Candidate) -> tuple[float, bool]:
    return (candidate.score or 0.0) - PENALTY * len(candidate.flaws), STOP not in candidate.text


def critic_context(question: Question, texts: Sequence[str]) -> dict[str, Any]:
    """What the critic sees: what the user sees, the dialogue, and the candidates."""
    numbered = [f"{number}: {' '.join(text.split())}" for number, text in enumerate(texts, 1)]
    return {**question.context, "dialogue": dialogue(question.messages), "candidates": numbered}


def dialogue(messages: Sequence[Message]) -> list[str]:
    """A conversation as lines of text, a message each, calls and results left out."""
    return [
        f"{WHO[message.role]}: {words(message)}" for message in messages if message.role != "tool" and message.content
    ]
