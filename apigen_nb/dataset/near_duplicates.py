"""Rows that nearly repeat another one once whom and what they are about is masked: the best of those that are alike
stays, the others are left out, each with its twin. Their tasks are one group whatever is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..records import Blueprint, Message
from .masked import masked_conversation
from .minhash import Distinct, Shingles, shingles_of
from .options import THRESHOLD
from .rows import About
from .selection import Selection
from .sources import Source

NEAR = "near duplicate"


class Alike(NamedTuple):
    """How many rows nearly repeat a better one, from which similarity on; as `pairs` the tasks of each with those of
    its twins; those that `stayed` all the same, since nobody asked for less or a person keeps them."""

    threshold: float
    found: int
    pairs: frozenset[tuple[str, str]]
    stayed: tuple[str, ...]


def find_near_duplicates(selection: Selection, sources: Sequence[Source], threshold: float | None) -> Alike:
    """Leave out the rows that nearly repeat a better one: whose similarity to it is at least `threshold`. With None
    they all stay, and those of the usual threshold are told. Better is what a person keeps, then by `score`, then by
    pass rate, then by id; what a person keeps is never left out."""
    texts = {
        t.id: conversation_shingles(t.messages, selection.tasks[id].blueprint)
        for source in sources
        for id, held in source.conversations()
        for t in held
        if t.id in selection.rows
    }
    distinct, found, pairs = Distinct(THRESHOLD if threshold is None else threshold), 0, set[tuple[str, str]]()
    stayed = list[str]()
    task = {id: about.task_id for id, about in selection.rows.items()}
    for about in sorted(selection.rows.values(), key=lambda about: (about.id not in selection.kept, *_best(about))):
        if twins := distinct.twins(about.id, texts.pop(about.id)):
            found += 1
            pairs |= {(task[twin.id], about.task_id) for twin in twins if task[twin.id] != about.task_id}
            if threshold is None or about.id in selection.kept:
                stayed.append(about.id)
            else:
                selection.leave_out(about.id, NEAR, twins[0].id)
    return Alike(distinct.threshold, found, frozenset(pairs), tuple(stayed))


def conversation_shingles(messages: Sequence[Message], task: Blueprint) -> Shingles:
    """What a conversation is compared by."""
    return shingles_of(masked_conversation(messages, task))


def _best(about: About) -> tuple[float, float, str]:
    scores = about.scores
    return -(scores.score or 0), -(scores.pass_rate or 0), about.id
