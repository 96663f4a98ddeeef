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
    there. What is only `noted` counts as a score and fells nothing; "not asked" is a question of meaning that nobody
    was asked, since the conversation fell elsewhere."""

    turn: int
    rule: str
    text: str
    found: str = ""
    outcome: Literal["fell", "undecided", "not asked", "noted"] = "fell"


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
    since a question of meaning has no answer, or `unasked`, since nobody was asked once another check had felled the
    trajectory; neither has passed, and nobody is to blame for it. `kind` groups failures (a rule's name, a refusal's
    words); `reason` is for people and for the feedback model. `scores` are the voted metrics of a committee, `findings`
    the turns of a conversation that a check marks."""

    gate: str
    passed: bool
    undecided: bool = False
    unasked: bool = False
    kind: str = ""
    reason: str = ""
    votes: tuple[Vote, ...] = ()
    scores: dict[Metric, Literal[0, 1]] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Literal["held", "fell", "undecided", "not asked"]:
        """What came of it, in one word."""
        return "held" if self.passed else "not asked" if self.unasked else "undecided" if self.undecided else "fell"

    def not_asked(self) -> Verdict:
        """The same of a trajectory that fell elsewhere: what was left open was asked of nobody."""
        findings = tuple(
            finding.model_copy(update={"outcome": "not asked"}) if finding.outcome == "undecided" else finding
            for finding in self.findings
        )
        return self.model_copy(update={"undecided": False, "unasked": self.undecided, "findings": findings})
