"""Calls of every tool, found by trial: a call that ends in a way not seen before is kept and changed further.

It is fuzzing with the sort of refusal, and the rules that a call breaks, as coverage: a tool that refuses for another
reason than before was brought one check further. Calls are made on a fresh world, often after others of the same user,
because rules look at what was done before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, cast

from ...records import Action
from ..domain import Domain, Rule, Step
from ..values import facts
from ..world import Refusal, ToolBug, World, digest
from .arguments import ODD, Around, Draw, links

USERS = 400
ROUND = 60  # calls of a tool at a time
LEAST, MOST, MOST_FOR_ONE = 4, 100, 300  # rounds
KEPT = 12  # calls that ended the same way
LONGEST = 4  # calls made before, for the same user


class Call(NamedTuple):
    """A call that was tried: for which of the users, after which others, and what a refusal said."""

    around: int
    earlier: tuple[Action, ...]
    action: Action
    said: str = ""

    def __str__(self) -> str:
        return " after ".join(map(str, (self.action, *reversed(self.earlier))))


@dataclass
class Explored:
    """What the search came across.

    By tool: `tries`, calls `executed`, those `obeying` all rules, `refusals` by sort, one that is `untyped`, `bugs`,
    and whether it is `changing` anything. By rule: a call that has it `broken`, how many it `kept`, how it `failed`
    itself, and whether it was `looking` at the calls at all."""

    executed: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    obeying: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    broken: dict[str, Call] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    looking: set[str] = field(default_factory=set)
    bugs: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    untyped: dict[str, str] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)


def explore(domain: Domain, seed: int = 0) -> Explored:
    """Try calls of each tool until it was called with success, and each rule kept and broken, or the patience ends."""
    return _Search(domain, Random(f"explore/{seed}")).run()


class _Watched:
    """A step that knows whether anything of it was looked at."""

    def __init__(self, step: Step) -> None:
        self.watched, self.seen = step, False

    def __getattr__(self, name: str) -> Any:
        self.seen = True
        return getattr(self.watched, name)


class _Search:
    def __init__(self, domain: Domain, random: Random) -> None:
        self.domain, self.random, self.found = domain, random, Explored()
        self.users = random.sample(domain.subjects, min(USERS, len(domain.subjects)))
        self.naming = links(domain)
        self.cases: dict[int, Around] = {}
        self.replays: dict[tuple[int, str], tuple[World, tuple[Step, ...]]] = {}
        self.draws = {name: Draw(tool, random) for name, tool in domain.tools.items()}
        self.ends: dict[str, dict[str, list[Call]]] = {name: defaultdict(list) for name in domain.tools}
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in domain.tools}
        self.done: dict[str, dict[int, list[tuple[Action, ...]]]] = {}  # writing tool → case → calls that end with it

    def run(self) -> Explored:
        for number in range(MOST_FOR_ONE if self.users else 0):
            for name in [name for name in self.domain.tools if number < self._patience(name)]:
                for _ in range(ROUND):
                    self._try(name)
        return self.found

    def _patience(self, name: str) -> int:
        """How many rounds a tool gets, as things are: the most while no call of it was executed."""
        if self.domain.tools[name].kind == "other":
            return LEAST  # it knows no data: what it takes does not stand in them
        known, obeying = self.found.executed[name], self.found.obeying[name]
        if not known:
            return MOST_FOR_ONE
        rules = [rule.name for rule in self.domain.rules_for([name])]
        return MOST if not obeying or any(rule not in self.found.broken for rule in rules) else LEAST

    def _try(self, name: str) -> None:
        self.found.tries[name] += 1
        call, world, steps = self._prepared(name)
        action, user = call.action, self._user(call)
        before = world.fork()
        try:
            step = self._step(world, action, user, steps)
        except Refusal as refusal:
            self._refused(call, refusal)
            return
        except ToolBug as bug:
            if bug.__cause__ is not None:  # else it is a read that writes, which has a check of its own
                self.found.bugs.setdefault(name, str(bug))
            return
        broken = [rule for rule in self.domain.rules_for([name]) if not self._holds(rule, step)]
        self._remember(call, ", ".join(["ok", *(rule.name for rule in broken)]))
        if name not in self.found.changing and digest(before.delta()) != digest(world.delta()):
            self.found.changing.add(name)
        self._succeeded(call, broken)

    def _prepared(self, name: str) -> tuple[Call, World, tuple[Step, ...]]:
        """A call to try, a world in which the calls before it were made, and the steps that these were."""
        ends, old = self.ends[name], None
        # a tool that takes many calls needs other rows, one that takes few needs better arguments
        takes = len(self.found.executed[name]) > 0.1 * self.found.tries[name]
        if ends and self.random.random() < (0.2 if takes else 0.6):
            # the rarer an end, the further the call came; and the fewer rules are broken
            rarity = [1 / count / (1 + end.count(",")) ** 2 for end, count in self.counts[name].items()]
            old = self.random.choice(ends[self.random.choices(list(ends), rarity)[0]])
        case, earlier = (old.around, old.earlier) if old else (self.random.randrange(len(self.users)), ())
        if self.done and self.random.random() < 0.4:
            if not old:  # every tool comes first as often as any other
                tool = self.random.choice(list(self.done))
                case = self.random.choice(list(self.done[tool]))
                earlier = self.random.choice(self.done[tool][case])[-LONGEST:]
            if old or self.random.random() < 0.4:
                earlier = self._earlier(case, earlier if self.random.random() < 0.5 else ())
        world, steps = self._replayed(case, earlier)
        made = [fact for step in steps for fact in (*facts(step.arguments), *facts(step.result))]
        around = self._case(case)
        more = made if self.random.random() < 0.7 else []
        same = [action for action in earlier if action.name == name]
        if same and self.random.random() < 0.3:
            arguments = same[-1].arguments
        elif old and earlier != old.earlier and self.random.random() < 0.5:
            arguments = old.action.arguments  # the same call in another world
        elif old:
            arguments = self.draws[name].changed(old.action.arguments, around, more, old.said)
        else:
            arguments = self.draws[name].fresh(around, more)
        return Call(case, earlier, Action(name=name, arguments=arguments)), world, steps

    def _replayed(self, case: int, earlier: tuple[Action, ...]) -> tuple[World, tuple[Step, ...]]:
        """A world in which these calls were made, and what they were as steps; many calls share what comes before."""
        if (case, str(earlier)) not in self.replays:
            world = self.domain.world()
            steps: tuple[Step, ...] = ()
            for action in earlier:
                steps = (*steps, self._step(world, action, self.users[case], steps))
            self.replays[case, str(earlier)] = world, steps
        world, steps = self.replays[case, str(earlier)]
        return world.fork(), steps

    def _step(self, world: World, action: Action, user: str, steps: tuple[Step, ...]) -> Step:
        before = world.fork()
        result = world.call(action)
        return Step(action, before.database(), world.fork().database(), result, user, steps)

    def _case(self, number: int) -> Around:
        if number not in self.cases:
            self.cases[number] = Around(self.domain, self.users[number], self.naming, self.random)
        return self.cases[number]

    def _earlier(self, case: int, start: tuple[Action, ...]) -> tuple[Action, ...]:
        """Calls of the case that succeed one after the other, at most so many, after those to start with."""
        made = list(start)
        world = self._replayed(case, start)[0]
        known = [cases[case] for cases in self.done.values() if case in cases]
        for _ in range(self.random.choice((1, 1, 2)) if known else 0):
            again = bool(made) and self.random.random() < 0.3
            action = made[-1] if again else self.random.choice(self.random.choice(known))[-1]
            try:
                world.call(action)
            except (Refusal, ToolBug):
                continue
            made.append(action)
        return tuple(made[:LONGEST])

    def _user(self, call: Call) -> str:
        return self.users[call.around]

    def _holds(self, rule: Rule, step: Step) -> bool:
        watched = _Watched(step)
        try:
            holds = bool(rule.holds(cast(Step, watched)))
        except Exception as error:
            self.found.failed.setdefault(rule.name, f"{type(error).__name__}: {error}, on {step.action}")
            return False
        self.found.kept[rule.name] += holds
        self.found.looking |= {rule.name} if watched.seen else set()
        return holds

    def _refused(self, call: Call, refusal: Refusal) -> None:
        name = call.action.name
        self.found.refusals[name][refusal.kind] += 1
        if refusal.kind == str(refusal) and any(
            text in refusal.kind for text in _texts(call.action.arguments) if text not in ODD["string"]
        ):
            self.found.untyped.setdefault(name, str(refusal))
        if refusal.kind != "wrong arguments":
            self._remember(call._replace(said=str(refusal)), _end(refusal.kind, call.action))

    def _remember(self, call: Call, end: str) -> None:
        self.counts[call.action.name][end] += 1
        kept = self.ends[call.action.name][end]
        kept.append(call)
        if len(kept) > KEPT:
            del kept[self.random.randrange(KEPT)]

    def _succeeded(self, call: Call, broken: list[Rule]) -> None:
        name = call.action.name
        self.found.executed[name].append(call)
        if self.domain.tools[name].writes and len(call.earlier) < LONGEST:
            self.done.setdefault(name, {}).setdefault(call.around, []).append((*call.earlier, call.action))
        for rule in broken:
            if rule.name not in self.found.failed:
                self.found.broken.setdefault(rule.name, call)
        if not broken:
            self.found.obeying[name].append(call)


def _end(kind: str, action: Action) -> str:
    """The sort of a refusal. One that was not given is the whole text, so values are taken out."""
    for text in sorted(_texts(action.arguments), key=len, reverse=True):
        kind = kind.replace(text, "")
    return " ".join(word for word in kind.split() if word != "…" and not any(letter.isdigit() for letter in word))


def _texts(value: Any) -> Iterator[str]:
    yield from (fact.value for fact in facts(value) if isinstance(fact.value, str) and len(fact.value) > 2)
