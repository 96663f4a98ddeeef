"""How hard a task is: its writes × the facts that the agent must look up before it can act (ours; the paper only counts
tool calls)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..records import LEVELS, Blueprint, Kind, Level, Proposal
from ..world.domain import Domain
from ..world.values import argument_values, is_mentioned, mentions, normalize

_ACTIONS = ("no action", "one action", "two actions", "three actions")
_QUESTIONS: dict[Level, str] = {
    "easy": "one question, which one sentence of the policy answers",
    "medium": "two questions about the policy",
    "hard": "two or three questions about the policy, of which one takes more than one of its rules to answer",
}
_LOOK_UPS: dict[Level, str] = {
    "easy": "the customer tells nearly all arguments",
    "medium": "the agent has to look up about half of the arguments",
    "hard": "the customer names things by what they are and not by ids, so that the agent has to look up nearly all "
    "arguments",
}
# The score up to which a task is of a level. With the scripted model on four domains, easy tasks score 0 to 2,
# medium ones 0 to 8, half of them 2 or more, and two thirds of the hard ones 4 and more, up to 21.
MAX_SCORES: dict[Level, float] = {"easy": 1, "medium": 3, "hard": float("inf")}


class Difficulty(NamedTuple):
    """`writes` are groundtruth actions, `lookups` distinct values of arguments and outputs that the instruction does
    not tell."""

    writes: int
    lookups: int

    @property
    def level(self) -> Level:
        """The level of writes × look-ups; a task without writes counts as one write."""
        score = max(self.writes, 1) * self.lookups
        return next(level for level in LEVELS if score <= MAX_SCORES[level])


def level_prompt(level: Level, kind: Kind, writes: int) -> str:
    """What a generator is told of a level, "easy: one action; …", for a task of a kind with so many writing actions;
    the wish that comes to nothing is none of them."""
    if kind == "no tool":
        return f"{level}: no action, {_QUESTIONS[level]}"
    if not writes:
        return f"{level}: no action, a question that the records answer"
    actions = _ACTIONS[min(writes, len(_ACTIONS) - 1)]
    if kind in ("forbidden", "missing tool"):
        return f"{level}: beside the denied wish {actions}, or none and a question; {_LOOK_UPS[level]}"
    return f"{level}: {actions}; {_LOOK_UPS[level]}"


def difficulty(blueprint: Blueprint, domain: Domain) -> Difficulty:
    """The difficulty that came out; what was asked for stands in the proposal."""
    text = normalize(blueprint.instruction)
    values = {str(value) for _, value in argument_values(*blueprint.actions) if not is_mentioned(value, text)}
    known = domain.policy if blueprint.kind == "no tool" else ""
    answers = {output for output in blueprint.outputs if not mentions(known, output)}
    return Difficulty(len(blueprint.actions), len(values | answers))


def asked_and_measured(proposals: Iterable[Proposal], domain: Domain) -> Counter[tuple[Level, Level]]:
    """How many accepted blueprints were asked for at one level and came out at another, or at the same. A blueprint
    recombined of several is harder than what was asked of any of them, so it is left out."""
    plain = (proposal for proposal in proposals if proposal.accepted and not proposal.parts)
    return Counter((proposal.level, difficulty(proposal.blueprint, domain).level) for proposal in plain)
