"""Splits that share nothing: whole groups are assigned, the same way for the same rows and options, and that no group
crosses is asserted on every write and again by `verify`.

Groups of held-out tools go to `test` first, then, in the order of a hash, as many groups as the asked share of users
allows. The others follow from the largest to the smallest, each into the split that lacks most: what comes out is as
near to the asked shares as whole groups are."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from ..records import Blueprint, sha
from .options import HELD_OUT, DatasetOptions, Split
from .rows import About
from .selection import Selection

SPLITS: tuple[Split, ...] = get_args(Split)


class SplitError(ValueError):
    """The rows cannot be split as it was asked for; the message says what was found and what to do."""


class SplitLeak(Exception):
    """A group has rows in two splits. A bug of ours where a dataset is written: nothing of it is kept."""


@dataclass
class Assigned:
    """How the rows were split: `asked` shares; rows, groups and users of each split; rows of the largest group; users
    that were held out and how many were asked for; rows of the groups that call a held-out tool."""

    asked: Mapping[Split, float]
    rows: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    users: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    held_out_users: tuple[int, int] = (0, 0)
    held_out_rows: int = 0

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the rows that came out."""
        return {name: self.rows[name] / max(1, sum(self.rows.values())) for name in SPLITS if self.rows[name]}

    @property
    def off(self) -> float:
        """By how much the share of a split differs most from what was asked."""
        return max(abs(self.shares.get(name, 0) - self.asked.get(name, 0)) for name in SPLITS)


@dataclass(frozen=True)
class _Group:
    id: str
    rows: int
    users: frozenset[str]
    called: bool  # whether any of its conversations or tasks calls a held-out tool


def split_rows(selection: Selection, options: DatasetOptions) -> Assigned:
    """Say of every row which split it is in. SplitError where `train` is left without rows."""
    groups = _groups(selection, frozenset(options.held_out_tools))
    found = Assigned(options.splits, largest=max((group.rows for group in groups), default=0))
    split = _held_out(groups, options, found)
    total = sum(group.rows for group in groups)
    lacking = {name: options.splits.get(name, 0) * total for name in SPLITS}
    for group in groups:
        if group.id in split:
            lacking[HELD_OUT] -= group.rows
    for group in sorted(groups, key=lambda group: (-group.rows, sha(group.id))):
        if group.id not in split:
            split[group.id] = max((name for name in SPLITS if options.splits.get(name)), key=lacking.__getitem__)
            lacking[split[group.id]] -= group.rows
        found.rows[split[group.id]] += group.rows
        found.groups[split[group.id]] += 1
        found.users[split[group.id]] += len(group.users)
    if groups and not found.rows["train"]:
        raise SplitError(
            f"no row is left for train: the {len(groups)} groups of the {total} rows all go elsewhere, the largest "
            f"with {found.largest}; hold out less, or ask for a larger share of train (dataset: splits)"
        )
    for held in (selection.rows, selection.failed):
        held |= {id: about.model_copy(update={"split": split[about.group_id]}) for id, about in held.items()}
    return found


def _groups(selection: Selection, tools: frozenset[str]) -> list[_Group]:
    rows, users, called = Counter[str](), dict[str, set[str]](), set[str]()
    for about in selection.rows.values():
        rows[about.group_id] += 1
        users.setdefault(about.group_id, set()).add(f"{about.domain}\0{about.user}")
    for about in (*selection.rows.values(), *selection.failed.values()):
        if tools & selection.called[about.id]:
            called.add(about.group_id)
    return [_Group(id, count, frozenset(users[id]), id in called) for id, count in rows.items()]


def _held_out(groups: list[_Group], options: DatasetOptions, found: Assigned) -> dict[str, Split]:
    """The groups that go to `test`, whatever the shares."""
    split: dict[str, Split] = {group.id: HELD_OUT for group in groups if group.called}
    found.held_out_rows = sum(group.rows for group in groups if group.called)
    users = len(set[str]().union(*(group.users for group in groups)))
    wanted, held = round(options.held_out_users * users), 0
    for group in sorted(groups, key=lambda group: sha(group.id)):
        if group.id not in split and held + len(group.users) <= wanted:
            split[group.id] = HELD_OUT
            held += len(group.users)
    found.held_out_users = (held, wanted)
    return split


class Guard:
    """Sees every row of a dataset and tells where something that may stand in one split only stands in two: a task, a
    part of one, a user, a group. It keeps a name for each of these and no more."""

    def __init__(self) -> None:
        self._split = dict[tuple[str, ...], str]()

    def crossing(self, about: About, task: Blueprint) -> str:
        """What of this row is in another split, too; "" where nothing is."""
        names = [("group", about.group_id), ("user", task.user, task.domain)]
        names += [("task", id) for id in (task.id, *task.parts)]
        for name in names:
            if (first := self._split.setdefault(name, about.split)) != about.split:
                return f"the {name[0]} {name[1]} is in the splits {first} and {about.split}"
        return ""


def check_tools(names: Collection[str], known: Collection[str]) -> None:
    """SplitError, with the nearest name, for a held-out tool that no domain has."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise SplitError(f"dataset.held_out_tools: there is no tool {name!r}; {hint}")


def told(found: Assigned, options: DatasetOptions) -> Iterator[str]:
    """What is to be said of the splits beside their numbers, in sentences."""
    if found.off > 0.01:
        yield (
            f"The shares differ from what was asked by up to {found.off:.1%} of the rows: groups stay whole, the "
            f"largest has {found.largest} of {sum(found.rows.values())} rows, and what is held out comes first."
        )
    if options.held_out_users:
        held, wanted = found.held_out_users
        yield f"Held-out users: {held} of the {wanted} that were asked for, with all their rows; {HELD_OUT} only."
    if options.held_out_tools:
        tools = ", ".join(f"`{name}`" for name in options.held_out_tools)
        yield (
            f"Held-out tools: {tools}. No row outside {HELD_OUT} calls one; their groups took {found.held_out_rows} "
            f"rows to {HELD_OUT}. The tools are offered in all rows: they stand in the list, nobody calls them."
        )
