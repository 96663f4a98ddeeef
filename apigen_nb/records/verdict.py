"""What gates and checks say, and what judges said for it."""

from __future__ import annotations

from typing import Literal

from .base import Metric, Record


class Vote(Record):
    """What one judge said. `scores` is None when the reply held no valid scores: no vote, never a yes."""

    judge: str
    scores: dict[Metric, Literal[0, 1]] | None
    reflection: str = ""
    correction: str = ""
    error: str = ""


class Finding(Record):
    """What a check found at one turn of a conversation: the name of the rule, its words (`text`), and what was found
    there. What is only `noted` counts as a score and fells nothing."""

    turn: int
    rule: str
    text: str
    found: str = ""
    outcome: Literal["fell", "undecided", "noted"] = "fell"


class Opinion(Record):
    """One judge's answer to a question of meaning, with the words of the message `turn` that show it. `answer` is "" of
    a judge that abstained, and `error` says why."""

    judge: str
    answer: str = ""
    turn: int = -1
    quotation: str = ""
    error: str = ""


class Reading(Record):
    """What judges made of one question of meaning about a conversation; `id` names it within the conversation, `claim`
    is a hash of all that was asked. It is answered as `majority` of them do, else undecided."""

    id: str
    claim: str
    question: str
    opinions: tuple[Opinion, ...]
    majority: int


class Verdict(Record):
    """What one gate says of one blueprint, or one check of one trajectory: it held (`passed`), fell, or is `undecided`,
    since a question of meaning has no answer; what is undecided has not passed, and nobody is to blame for it. `kind`
    groups failures (a rule's name, a refusal's words); `reason` is for people and for the feedback model. `scores` are
    the voted metrics of a committee, `findings` the turns of a conversation that a check marks."""

    gate: str
    passed: bool
    undecided: bool = False
    kind: str = ""
    reason: str = ""
    votes: tuple[Vote, ...] = ()
    scores: dict[Metric, Literal[0, 1]] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Literal["held", "fell", "undecided"]:
        return "held" if self.passed else "undecided" if self.undecided else "fell"
