"""How hard a task is: its writes × the facts that the agent must look up before it can act (ours; the paper only counts
tool calls)."""

from __future__ import annotations

from typing import NamedTuple

from .domain import Domain
from .facts import fold, tells
from .gates.grounding import leaves, said
from .records import LEVELS, Blueprint, Level

ASKED: dict[Level, str] = {
    "easy": "easy: one action, nearly all of whose arguments the customer tells",
    "medium": "medium: one or two actions; the agent has to look up about half of their arguments",
    "hard": "hard: two or three actions; the customer names things by what they are and not by ids, so that the agent "
    "has to look up nearly all arguments",
}
MOST: dict[Level, float] = {"easy": 2, "medium": 6, "hard": float("inf")}  # the score up to which a task is of a level


class Difficulty(NamedTuple):
    """`writes` are groundtruth actions, `lookups` distinct values of arguments and outputs that the instruction does
    not tell."""

    writes: int
    lookups: int

    @property
    def level(self) -> Level:
        """The level of writes × look-ups; a task without writes counts as one write."""
        score = max(self.writes, 1) * self.lookups
        return next(level for level in LEVELS if score <= MOST[level])


def difficulty(blueprint: Blueprint, domain: Domain) -> Difficulty:
    """The difficulty that came out; what was asked for stands in the proposal."""
    told = fold(blueprint.instruction)
    values = {str(v) for action in blueprint.actions for _, v in leaves(action.arguments) if not said(v, told)}
    known = domain.policy if blueprint.kind == "no tool" else ""
    answers = {output for output in blueprint.outputs if not tells(known, output)}
    return Difficulty(len(blueprint.actions), len(values | answers))
