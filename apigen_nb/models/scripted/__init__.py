"""The embedded model: plays every role without a key or a network, through the same boundary as a language model.

It sees only the question, so only what a language model in its place would see; `phrases` is how a domain's tool calls
are worded (a domain's optional file; without it, tools' docstrings are the wording). Its mistakes come from the job and
are drawn from the random seed with the probabilities in `MISTAKES`, none of which is tuned to resemble a published
figure. Whatever it makes is labelled "scripted model" wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from ...records import Usage, sha
from .. import Answer, Question
from .agent import answer_as_agent
from .generator import draft, merge
from .grammar import Language
from .judges import accuse, criticise, review, summarise
from .readings import read_meaning
from .user import answer_as_user

MISTAKES: Mapping[str, float] = {
    "generator picks a row without reading its status": 0.35,
    "generator leaves a detail out of the instruction": 0.2,
    "generator miscalculates an output": 0.15,
    "generator answers without JSON": 0.02,
    "generator drops a wish when it recombines": 0.15,
    "judge overlooks a flaw": 0.1,
    "judge sees a flaw that is not there": 0.06,
    "judge answers without JSON": 0.03,
    "feedback drops a failure": 0.1,
    "user holds a detail back": 0.06,
    "user stops before the last wish": 0.06,
    "agent picks the wrong one": 0.12,
    "agent sends arguments that are not JSON": 0.03,
    "agent gives up after an error": 0.1,
    "agent looks up what it need not": 0.1,
    "agent makes one call at a time": 0.1,
    "agent leaves it to the tool what is forbidden": 0.3,
    "user tells what it should hold back": 0.1,
    "user does not say that it changed its mind": 0.1,
}
LABEL = "scripted model"
WRITERS = {
    "generator": draft,
    "recombine": merge,
    "judge": review,
    "blame": accuse,
    "reading": read_meaning,
    "critic": criticise,
    "feedback": summarise,
}


class Dice:
    """Draws for one question or one conversation: the same for the same random seed and name."""

    def __init__(self, random_seed: int, name: str) -> None:
        self.rng, self._seed, self._name = Random(f"{random_seed}/{name}"), random_seed, name

    def slips(self, mistake: str, about: str = "") -> bool:
        """Whether this mistake happens here; asking again about the same thing gives the same answer."""
        return Random(f"{self._seed}/{self._name}/{mistake}/{about}").random() < MISTAKES[mistake]

    def draw(self, about: str) -> Random:
        """Random numbers for one decision, independent of all others."""
        return Random(f"{self._seed}/{self._name}/{about}")


class Scripted:
    """The scripted model for one domain's wording and one random seed."""

    def __init__(self, phrases: Mapping[str, str], random_seed: int) -> None:
        self.language, self.random_seed = Language(phrases), random_seed

    async def __call__(self, question: Question) -> Answer:
        if question.role in ("user", "agent"):
            # another sample of the same question is as if somebody else had been asked
            dice = Dice(
                self.random_seed, question.id.partition("/")[0] + (f"/{question.sample}" if question.sample else "")
            )
            play = answer_as_user if question.role == "user" else answer_as_agent
            answer = play(question, self.language, dice)
        else:
            dice = Dice(self.random_seed, f"{question.id}/{sha(question.context)}/{question.sample}")
            answer = Answer(text=WRITERS[question.prompt](question.context, self.language, dice))
        return answer.model_copy(update={"usage": Usage(calls=1)})
