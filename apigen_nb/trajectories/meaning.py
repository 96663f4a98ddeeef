"""Evidence first, meaning second, never a guess: what a sentence means is asked of judges (ours; the paper has no such
check).

A check decides by calls, results and state what they prove. Where what was meant is left open it asks `Meanings`, which
gives the answer of the judges or notes the question; `settle` asks what is open and lets the check look again. A judge
must prove its answer by a quotation that stands in the conversation to the letter; one that cannot has no vote. The
answers are kept as `Reading` records, from which the same checks come to the same verdicts without any judge.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from ..models import Model, Question, Unparsable, ask_twice
from ..models.jobs import all_of
from ..models.reply_schema import reply_schema
from ..records import STOP, Message, Opinion, Reading, sha

T = TypeVar("T")
UNCLEAR = "unclear"


class Claim(NamedTuple):
    """One narrow question about a passage. `id` names it within the conversation, `kind` says for the stand-in what is
    asked, `about` is the thing that the `question` speaks of. The last of `answers` says that there is nothing of the
    kind and needs no quotation; the others are proven by words of the `speaker` in the passage, messages `start` up to
    `end`, which is not among them."""

    id: str
    kind: str
    question: str
    about: str
    speaker: Literal["user", "assistant"]
    start: int
    end: int
    answers: tuple[str, ...] = ("yes", "no")

    @property
    def digest(self) -> str:
        """A hash of all that is asked: an answer to something else is none to this."""
        return sha(self)


class _Reply(BaseModel):
    """The JSON a judge is asked for."""

    turn: int = -1
    quotation: str = ""
    answer: str  # last, as the prompt asks for it: a server that keeps to the schema has the proof written first


REPLY = reply_schema(_Reply)


class Meanings:
    """What judges made of one conversation. `open` are the claims that were asked for and that nobody has read yet."""

    def __init__(self, messages: Sequence[Message], readings: Iterable[Reading] = ()) -> None:
        self.messages = messages
        self.readings = {reading.id: reading for reading in readings}
        self.open: dict[str, Claim] = {}

    def of(self, claim: Claim) -> str:
        """The answer that a majority of judges has proven; "" where there is none (yet)."""
        reading = self.readings.get(claim.id)
        if reading is None or reading.claim != claim.digest:
            self.open[claim.id] = claim
            return ""
        return settled(claim, reading.opinions, reading.majority, self.messages)

    def turn(self, claim: Claim) -> int | None:
        """The message from which the judges that were in the majority quoted first, where any quoted."""
        shown = self.shown(claim)
        return shown.turn if shown else None

    def shown(self, claim: Claim) -> Opinion | None:
        """Of the opinions that proved the answer by a quotation the one that quoted first, where any did."""
        answer, reading = self.of(claim), self.readings.get(claim.id)
        if reading is None or answer in ("", claim.answers[-1]):
            return None
        proven = (o for o in reading.opinions if o.answer == answer and not unproven(claim, o, self.messages))
        return min(proven, key=lambda opinion: opinion.turn)


def settled(claim: Claim, opinions: Iterable[Opinion], majority: int, messages: Sequence[Message]) -> str:
    """The answer that so many opinions have proven, more than half of those that were given, or ""."""
    given = list(opinions)
    count = Counter(o.answer for o in given if not unproven(claim, o, messages))
    needed = max(majority, len(given) // 2 + 1)
    return next((answer for answer in claim.answers if majority > 0 and count[answer] >= needed), "")


def unproven(claim: Claim, opinion: Opinion, messages: Sequence[Message]) -> str:
    """Why an opinion does not count: it is none of the answers, or its quotation does not stand where it says; ""."""
    if opinion.answer not in claim.answers:
        return opinion.error or f"abstained ({opinion.answer or 'no answer'})"
    if opinion.answer == claim.answers[-1]:
        return ""
    if not claim.start <= opinion.turn < claim.end or messages[opinion.turn].role != claim.speaker:
        return f"message {opinion.turn} is none of the {claim.speaker} in the passage"
    quoted, said = " ".join(opinion.quotation.split()), words(messages[opinion.turn])
    return "" if quoted and quoted in said else f"the quotation does not stand in message {opinion.turn}"


def words(message: Message) -> str:
    """What a message says, with white space folded and without the sign of a user that it has stopped."""
    return " ".join((message.content.replace(STOP, " ") if message.role == "user" else message.content).split())


async def settle(check: Callable[[Meanings], T], meanings: Meanings, judges: Sequence[Model], name: str) -> T:
    """What a check comes to once judges have read all that it leaves open; without judges, what it comes to as it is.
    `name` is the conversation's, for the ids of the questions."""
    return await settle_open(check(meanings), check, meanings, judges, name)


async def settle_open(
    found: T, check: Callable[[Meanings], T], meanings: Meanings, judges: Sequence[Model], name: str
) -> T:
    """The same of a check that has been made with these `meanings`; `found` is what it came to."""
    while judges and meanings.open:
        claims = list(meanings.open.values())
        meanings.open.clear()
        for reading in await all_of(*(_read(claim, meanings.messages, judges, name) for claim in claims)):
            meanings.readings[reading.id] = reading
        found = check(meanings)
    return found


async def _read(claim: Claim, messages: Sequence[Message], judges: Sequence[Model], name: str) -> Reading:
    """Ask a majority of the judges, then one more at a time until the question is settled."""
    majority = len(judges) // 2 + 1
    opinions = await all_of(*(_opinion(n, claim, messages, judges, name) for n in range(majority)))
    while not settled(claim, opinions, majority, messages) and len(opinions) < len(judges):
        opinions.append(await _opinion(len(opinions), claim, messages, judges, name))
    read = tuple(opinions)
    return Reading(id=claim.id, claim=claim.digest, question=claim.question, opinions=read, majority=majority)


async def _opinion(
    number: int, claim: Claim, messages: Sequence[Message], judges: Sequence[Model], name: str
) -> Opinion:
    """One judge's answer; who answers nonsense or quotes what was not said is asked once more."""
    judge = f"judge {number + 1}"
    question = Question(
        id=f"{name}/reading/{claim.id}/judge{number}",
        role="judge",
        prompt="reading",
        context=_context(claim, messages),
        reply=REPLY,
    )

    def proven(reply: _Reply) -> Opinion:
        opinion = _placed(Opinion(judge=judge, **{**reply.model_dump(), "quotation": reply.quotation[:500]}))
        if reply.answer != UNCLEAR and (error := unproven(claim, opinion, messages)):
            raise Unparsable(error)
        return opinion

    def _placed(opinion: Opinion) -> Opinion:
        moved = (opinion.model_copy(update={"turn": turn}) for turn in range(claim.start, claim.end))
        places = [placed for placed in moved if not unproven(claim, placed, messages)]
        # words that stand in one message only say which it is: who quotes them has at most miscounted
        return places[0] if len(places) == 1 and opinion.answer != claim.answers[-1] else opinion

    try:
        return await ask_twice(judges[number], question, _Reply, proven)
    except Unparsable as problem:
        return Opinion(judge=judge, error=str(problem)[:300])


def _context(claim: Claim, messages: Sequence[Message]) -> dict[str, object]:
    return {
        "kind": claim.kind,
        "question": claim.question,
        "about": claim.about,
        "answers": [*claim.answers, UNCLEAR],
        "unproven": [claim.answers[-1], UNCLEAR],
        "speaker": "customer" if claim.speaker == "user" else "agent",
        "passage": list(passage(messages, claim.start, claim.end)),
    }


WHO = {"user": "customer", "assistant": "agent", "tool": "tool"}


def passage(messages: Sequence[Message], start: int, end: int) -> list[str]:
    """Messages as lines of text, each with its number and who said it, and the calls with what came of them. Nobody can
    put a line of its own among them: white space in a message is folded."""
    results = {message.tool_call_id: message for message in messages if message.role == "tool"}
    lines = []
    for turn, message in enumerate(messages[start:end], start):
        if message.role != "tool" and words(message):
            lines.append(f"{turn} {WHO[message.role]}: {words(message)}")
        for call in message.tool_calls:
            result = results.get(call.id)
            came = "not run" if result is None else "refused" if result.error else "done"
            arguments = json.dumps(call.arguments, ensure_ascii=False)
            lines.append(f"{turn} {WHO[message.role]} calls {call.name}({arguments}): {came}")
    return lines
