"""How hard a task is: its writes × the facts that the agent must look up before it can act (ours; the paper only counts
tool calls)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ..records import LEVELS, Blueprint, Level, Proposal
from ..world.domain import Domain
from ..world.values import argument_values, is_mentioned, mentions, normalize

LEVEL_PROMPTS: dict[Level, str] = {
    "easy": "easy: one action, nearly all of whose arguments the customer tells",
    "medium": "medium: one or two actions; the agent has to look up about half of their arguments",
    "hard": "hard: two or three actions; the customer names things by what they are and not by ids, so that the agent "
    "has to look up nearly all arguments",
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
