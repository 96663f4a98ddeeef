"""Wishes that a seed can ask for: calls that the world bears out, so that no seed asks for what its user cannot have.

A plan is drawn by the weights of the tools, tried on the user's records (`world.feasible_calls`) and held against what
the gates will ask of the kind. No generator sees it: it may find other calls for the same tools."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple

from ..records import LEVELS, Action, Blueprint, Kind, Level
from ..world.api_graph import Graph
from ..world.domain import Domain
from ..world.feasible_calls import End, UserCalls, user_calls
from ..world.values import argument_values, facts, normalize
from .difficulty import MAX_SCORES
from .gates.kind import DENYING_KINDS, is_allowed, is_allowed_beside, not_independent

RefusedBy = Literal["", "tool", "policy"]
USERS = 40  # looked at until a domain is taken to have nobody for whom a wish of a kind could be drawn
ANY = "any"  # the key of the plan that `find_user` found
DRAWS = 3  # orders of the tools that are tried for one user


class Wish(NamedTuple):
    """What a seed is to ask for: so many writing actions for a task of a kind and level, and what a forbidden wish
    fails on. `weights` are tool → weight, those that are not 1."""

    kind: Kind
    level: Level
    writes: int
    refused_by: RefusedBy = ""
    weights: tuple[tuple[str, float], ...] = ()


class Plan(NamedTuple):
    """Calls by which a wish can come true: the actions in order, and the one that comes to nothing."""

    actions: tuple[Action, ...] = ()
    denied: tuple[Action, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools, that of the denied wish last."""
        return tuple(action.name for action in (*self.actions, *self.denied))


def draw_plan(domain: Domain, user: str, wish: Wish, key: str) -> Plan | None:
    """A plan for this user; `key` decides which. None when none was found."""
    if wish.kind == "no tool":
        return Plan()
    rng, graph = Random(f"{domain.name}/{user}/{key}"), Graph.of(domain)
    orders = (graph.order_writes(rng, dict(wish.weights)) for _ in range(DRAWS))
    plans = (_planned(domain, user_calls(domain, user), wish, order) for order in orders)
    return next((plan for plan in plans if plan), None)


@functools.lru_cache(maxsize=1024)
def find_user(domain: Domain, wish: Wish) -> str | None:
    """A user for whom there is a plan, by a look at a few users: always the same one. None when none was found."""
    users = Random(f"{domain.name}/plans").sample(domain.subjects, min(USERS, len(domain.subjects)))
    return next((user for user in users if draw_plan(domain, user, wish, ANY)), None)


def _planned(domain: Domain, calls: UserCalls, wish: Wish, order: Sequence[str]) -> Plan | None:
    task = Blueprint(
        id="", domain=domain.name, user=calls.user, persona="", instruction="", actions=(), outputs=(), kind=wish.kind
    )
    for name in order:
        if len(task.actions) < wish.writes and (call := calls.find(name, "allowed", task.actions)):
            longer = task.model_copy(update={"actions": (*task.actions, call)})
            task = longer if _fits(longer, calls, domain) else task
    if len(task.actions) < wish.writes or not _has_level(task.actions, calls, wish.level):
        return None
    if wish.kind not in DENYING_KINDS:
        return Plan(task.actions)
    used = {action.name for action in task.actions}
    denied = (call for name in order if name not in used for call in _denied(task, calls, name, wish, domain))
    return next((Plan(task.actions, (call,)) for call in denied), None)


def _fits(task: Blueprint, calls: UserCalls, domain: Domain) -> bool:
    """Whether the actions so far can be those of a task of its kind."""
    if task.kind == "missing detail":
        texts = [normalize(value) for _, value in argument_values(task.actions[0]) if isinstance(value, str)]
        return not _all_texts(domain).issuperset(texts)  # else everything can be looked up
    return task.kind != "parallel calls" or len(task.actions) < 2 or not any(not_independent(task, domain))


@functools.lru_cache(maxsize=8)
def _all_texts(domain: Domain) -> frozenset[str]:
    """The texts in the domain's data: a tool may tell any of them, also where it is not of the user's records."""
    found = (fact.value for table in domain.tables.values() for fact in facts(domain.dump(dict(table))))
    return frozenset(normalize(value) for value in found if isinstance(value, str))


def _denied(task: Blueprint, calls: UserCalls, name: str, wish: Wish, domain: Domain) -> Iterator[Action]:
    """A call of a tool that can be the wish that comes to nothing."""
    ends: dict[RefusedBy, End] = {"tool": "refused", "policy": "against a rule"}
    call = calls.find(name, ends.get(wish.refused_by, "allowed"), task.actions if wish.kind == "missing tool" else ())
    if call is None:
        return
    if wish.kind == "forbidden":
        fits = calls.from_records(call) and not is_allowed(task, (*task.actions, call), domain)
    elif wish.kind == "missing tool":
        fits = is_allowed(task, (call,), domain) and is_allowed_beside(task, call, domain)
    else:  # it is recognised by a value of its own
        fits = bool(_values(call) - _values(*task.actions))
    if fits:
        yield call


def _has_level(actions: Sequence[Action], calls: UserCalls, level: Level) -> bool:
    """Whether so much of some actions stands in the records that a task with them can be of a level."""
    held = {str(value) for action in actions for value in calls.from_records(action)}
    below = LEVELS[: LEVELS.index(level)]
    return not below or len(actions) * len(held) > MAX_SCORES[below[-1]]


def _values(*actions: Action) -> set[str]:
    return {str(value) for _, value in argument_values(*actions)}
