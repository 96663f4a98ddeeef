"""Calls of every tool, found by trial: a call that ends in a way not seen before is kept and changed further.

It is fuzzing with the sort of refusal, and the rules that a call breaks, as coverage: a tool that refuses for another
reason than before was brought one check further. Calls are made on a fresh world, often after others of the same user,
because rules look at what was done before.
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, cast

from ...records import Action
from ..domain import Domain, Rule, Step
from ..values import facts
from ..world import Refusal, ToolBug, World, digest
from .argument_sampling import ODD, ArgumentSampler, UserRows

USERS = 400
ROUND = 60  # calls of a tool at a time
LEAST, MOST, MOST_FOR_ONE = 4, 100, 300  # rounds
LONGEST = 4  # calls made before, for the same user


class Call(NamedTuple):
    """A call that was tried: for whom, after which others, and the words of a refusal."""

    user: str
    earlier: tuple[Action, ...]
    action: Action
    refusal: str = ""

    def __str__(self) -> str:
        return " after ".join(map(str, (self.action, *reversed(self.earlier))))


@dataclass
class ToolTrials:
    """What calling one tool came to: calls that were `executed`, those of them `obeying` all rules, `refusals` by sort,
    one that is `untyped`, a `bug`, whether it is `changing` anything, and all calls by how they `ended`."""

    tries: int = 0
    executed: list[Call] = field(default_factory=list)
    obeying: list[Call] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    untyped: str = ""
    bug: str = ""
    changing: bool = False
    ended: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class RuleTrials:
    """What judging by one rule came to: a call that has it `broken`, how many it `kept`, how it `failed` itself, and
    whether it was `looking` at the calls at all."""

    broken: Call | None = None
    kept: int = 0
    failed: str = ""
    looking: bool = False


def search_calls(domain: Domain, seed: int = 0) -> tuple[dict[str, ToolTrials], dict[str, RuleTrials]]:
    """Try calls of each tool until it was called with success, and each rule kept and broken, or the patience ends."""
    search = _Search(domain, Random(f"explore/{seed}"))
    for number in range(MOST_FOR_ONE if search.users else 0):
        for name in [name for name in domain.tools if number < search.patience(name)]:
            for _ in range(ROUND):
                search.try_one(name)
    return search.tools, search.rules


class _Watched:
    """A step that knows whether anything of it was looked at."""

    def __init__(self, step: Step) -> None:
        self.watched, self.seen = step, False

    def __getattr__(self, name: str) -> Any:
        self.seen = True
        return getattr(self.watched, name)


class _Search:
    def __init__(self, domain: Domain, random: Random) -> None:
        self.domain, self.random = domain, random
        self.users = random.sample(domain.subjects, min(USERS, len(domain.subjects)))
        self.tools = {name: ToolTrials() for name in domain.tools}
        self.rules = {rule.name: RuleTrials() for rule in domain.rules}
        self.around = functools.cache(lambda user: UserRows(domain, user, random))
        self.replays: dict[tuple[str, str], tuple[World, tuple[Step, ...]]] = {}
        # writing tool → user → rows of calls that end with it
        self.done: dict[str, dict[str, list[tuple[Action, ...]]]] = defaultdict(lambda: defaultdict(list))

    def patience(self, name: str) -> int:
        """How many rounds a tool gets, as things are: the most while no call of it was executed."""
        if self.domain.tools[name].kind == "other":
            return LEAST  # it knows no data: what it takes does not stand in them
        trials = self.tools[name]
        if not trials.executed:
            return MOST_FOR_ONE
        unbroken = any(not self.rules[rule.name].broken for rule in self.domain.rules_for([name]))
        return MOST if unbroken or not trials.obeying else LEAST

    def try_one(self, name: str) -> None:
        """Make one call of a tool and remember how it ended."""
        trials = self.tools[name]
        trials.tries += 1
        call, world, steps = self._prepared(name, trials)
        before = world.fork()
        try:
            step = self._step(world, call.action, call.user, steps)
        except Refusal as refusal:
            self._refused(call, refusal, trials)
            return
        except ToolBug as bug:
            if bug.__cause__ is not None:  # else it is a read that writes, which has a check of its own
                trials.bug = trials.bug or str(bug)
            return
        broken = [rule.name for rule in self.domain.rules_for([name]) if not self._holds(rule, step)]
        trials.ended[", ".join(["ok", *broken])].append(call)
        trials.executed.append(call)
        trials.obeying += [] if broken else [call]
        trials.changing = trials.changing or digest(before.delta()) != digest(world.delta())
        for rule in (self.rules[rule] for rule in broken):
            rule.broken = rule.broken or (None if rule.failed else call)
        if self.domain.tools[name].writes and len(call.earlier) < LONGEST:
            self.done[name][call.user].append((*call.earlier, call.action))

    def _prepared(self, name: str, trials: ToolTrials) -> tuple[Call, World, tuple[Step, ...]]:
        """A call to try, a world in which the calls before it were made, and the steps that these were."""
        old = self._old(trials)
        user, earlier = (old.user, old.earlier) if old else (self.random.choice(self.users), ())
        if self.done and self.random.random() < 0.4:
            user, earlier = self._before(user if old else None)
        world, steps = self._replayed(user, earlier)
        made = [fact for step in steps for fact in (*facts(step.arguments), *facts(step.result))]
        sampler = ArgumentSampler(self.domain.tools[name], self.random, self.around(user))
        sampler.made = made if self.random.random() < 0.7 else ()
        same = [action.arguments for action in earlier if action.name == name]
        if same and self.random.random() < 0.3:
            arguments = same[-1]
        elif old and earlier != old.earlier and self.random.random() < 0.5:
            arguments = old.action.arguments  # the same call in another world
        elif old:
            sampler.refusal = old.refusal
            arguments = sampler.changed(old.action.arguments)
        else:
            arguments = sampler.fresh()
        return Call(user, earlier, Action(name=name, arguments=arguments)), world, steps

    def _old(self, trials: ToolTrials) -> Call | None:
        """A call to change, or none for a new one."""
        # a tool that takes many calls needs other rows, one that takes few needs better arguments
        takes = len(trials.executed) > 0.1 * trials.tries
        if not trials.ended or self.random.random() > (0.2 if takes else 0.6):
            return None
        # the rarer an end, the further the call came; and the fewer rules are broken
        rarity = [1 / len(calls) / (1 + end.count(",")) ** 2 for end, calls in trials.ended.items()]
        return self.random.choice(self.random.choices(list(trials.ended.values()), rarity)[0])

    def _before(self, user: str | None) -> tuple[str, tuple[Action, ...]]:
        """Calls that succeed one after the other, at most so many: of this user, if one is given."""
        # every tool comes last as often as any other
        known = [by_user for by_user in self.done.values() if user is None or user in by_user]
        if not known:
            return str(user), ()
        by_user = self.random.choice(known)
        user = user or self.random.choice(list(by_user))
        made = self.random.choice(by_user[user])
        if self.random.random() < 0.6:
            others = [by_user[user][-1] for by_user in known if user in by_user]
            again = made[-1] if self.random.random() < 0.3 else self.random.choice(others)[-1]
            with contextlib.suppress(Refusal, ToolBug):
                self._replayed(user, made)[0].call(again)
                made = (*made, again)
        return user, made[:LONGEST]

    def _replayed(self, user: str, earlier: tuple[Action, ...]) -> tuple[World, tuple[Step, ...]]:
        """A world in which these calls were made, and what they were as steps; many calls share what comes before."""
        if (user, str(earlier)) not in self.replays:
            world, steps = self.domain.world(), tuple[Step, ...]()
            for action in earlier:
                steps = (*steps, self._step(world, action, user, steps))
            self.replays[user, str(earlier)] = world, steps
        world, steps = self.replays[user, str(earlier)]
        return world.fork(), steps

    def _step(self, world: World, action: Action, user: str, steps: tuple[Step, ...]) -> Step:
        before = world.fork()
        result = world.call(action)
        return Step(action, before.database(), world.fork().database(), result, user, steps)

    def _holds(self, rule: Rule, step: Step) -> bool:
        watched, trials = _Watched(step), self.rules[rule.name]
        try:
            holds = bool(rule.holds(cast(Step, watched)))
        except Exception as error:
            trials.failed = trials.failed or f"{type(error).__name__}: {error}, on {step.action}"
            return False
        trials.kept += holds
        trials.looking |= watched.seen
        return holds

    def _refused(self, call: Call, refusal: Refusal, trials: ToolTrials) -> None:
        trials.refusals[refusal.kind] += 1
        texts = sorted(set(_texts(call.action.arguments)), key=len, reverse=True)
        if refusal.kind == str(refusal) and any(text in refusal.kind for text in texts if text not in ODD["string"]):
            trials.untyped = trials.untyped or str(refusal)
        if refusal.kind != "wrong arguments":
            trials.ended[_sort(refusal.kind, texts)].append(call._replace(refusal=str(refusal)))


def _sort(kind: str, texts: list[str]) -> str:
    """The sort of a refusal. One that was not given is the whole text, so values are taken out."""
    for text in texts:
        kind = kind.replace(text, "")
    return " ".join(word for word in kind.split() if word != "…" and not any(letter.isdigit() for letter in word))


def _texts(value: Any) -> Iterator[str]:
    yield from (fact.value for fact in facts(value) if isinstance(fact.value, str) and len(fact.value) > 2)
