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
from typing import Any, NamedTuple

from ..domain import Domain, Rule, Step
from ..facts import Fact, facts
from ..records import Action
from ..world import Refusal, ToolBug, World
from .draw import ODD, Around, Draw, links

USERS = 200
ROUND = 60  # calls of a tool at a time
LEAST, MOST = 4, 60  # rounds
KEPT = 12  # calls that ended the same way
LONGEST = 4  # calls made before, for the same user


class Call(NamedTuple):
    """A call that was tried: for whom, after which others, and what came of it."""

    around: int
    earlier: tuple[Action, ...]
    action: Action

    def __str__(self) -> str:
        return " after ".join(map(str, (self.action, *reversed(self.earlier))))


@dataclass
class Explored:
    """What the search came across. `executed` and `obeying` are tool → calls that succeed, and that break no rule;
    `broken` and `failed` are rule → a call that breaks it, and how the rule itself broke; `kept` is rule → how many
    calls it allowed; `bugs` are tool → how it broke; `refusals` tool → sort of refusal → how often; `untyped` tool → a
    refusal without a sort; `changing` are tools that changed something."""

    executed: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    obeying: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    broken: dict[str, Call] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    bugs: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    untyped: dict[str, str] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)


def explore(domain: Domain, seed: int = 0) -> Explored:
    """Try calls of each tool until it was called with success, and each rule kept and broken, or the patience ends."""
    return _Search(domain, Random(f"explore/{seed}")).run()


class _Search:
    def __init__(self, domain: Domain, random: Random) -> None:
        self.domain, self.random, self.found = domain, random, Explored()
        self.users = random.sample(domain.subjects, min(USERS, len(domain.subjects)))
        self.naming = links(domain)
        self.cases: dict[int, Around] = {}
        self.draws = {name: Draw(tool, random) for name, tool in domain.tools.items()}
        self.ends: dict[str, dict[str, list[Call]]] = {name: defaultdict(list) for name in domain.tools}
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in domain.tools}
        self.done: dict[int, list[Action]] = defaultdict(list)  # calls that succeed by themselves, of each case

    def run(self) -> Explored:
        for number in range(MOST if self.users else 0):
            for name in [name for name in self.domain.tools if number < LEAST or self._open(name)]:
                for _ in range(ROUND):
                    self._try(name)
        return self.found

    def _open(self, name: str) -> bool:
        if self.domain.tools[name].kind == "other":
            return False  # it knows no data: what it takes does not stand in them
        rules = [rule.name for rule in self.domain.rules_for([name])]
        known = self.found.obeying if self.domain.tools[name].writes else self.found.executed
        return not known[name] or any(rule not in self.found.broken for rule in rules)

    def _try(self, name: str) -> None:
        self.found.tries[name] += 1
        call, world, steps = self._prepared(name)
        action, user = call.action, self._user(call)
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
        self._remember(call, "ok " + " ".join(rule.name for rule in broken))
        self._succeeded(call, world, broken)

    def _prepared(self, name: str) -> tuple[Call, World, tuple[Step, ...]]:
        """A call to try, a world in which the calls before it were made, and the steps that these were."""
        ends, old = self.ends[name], None
        if ends and self.random.random() < 0.6:
            # the rarer an end, the further the call came
            rarity = [1 / count for count in self.counts[name].values()]
            old = self.random.choice(ends[self.random.choices(list(ends), rarity)[0]])
        case = old.around if old else self.random.randrange(len(self.users))
        earlier = old.earlier if old else ()
        if self.random.random() < 0.4:
            earlier = self._earlier(case, earlier if self.random.random() < 0.5 else ())
        world = self.domain.world()
        steps: tuple[Step, ...] = ()
        made: list[Fact] = []
        for action in earlier:
            step = self._step(world, action, self.users[case], steps)
            made += facts(step.result)
            steps = (*steps, step)
        around = self._case(case)
        more = made if self.random.random() < 0.5 else []
        same = [action for action in earlier if action.name == name]
        if same and self.random.random() < 0.3:
            arguments = same[-1].arguments
        elif old and earlier != old.earlier and self.random.random() < 0.5:
            arguments = old.action.arguments  # the same call in another world
        elif old:
            arguments = self.draws[name].changed(old.action.arguments, around, more)
        else:
            arguments = self.draws[name].fresh(around, more)
        return Call(case, earlier, Action(name=name, arguments=arguments)), world, steps

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
        world = self.domain.world()
        for action in made:
            world.call(action)
        for _ in range(self.random.choice((1, 1, 2)) if self.done[case] else 0):
            again = bool(made) and self.random.random() < 0.3
            action = made[-1] if again else self.random.choice(self.done[case])
            try:
                world.call(action)
            except (Refusal, ToolBug):
                continue
            made.append(action)
        return tuple(made[:LONGEST])

    def _user(self, call: Call) -> str:
        return self.users[call.around]

    def _holds(self, rule: Rule, step: Step) -> bool:
        try:
            holds = bool(rule.holds(step))
        except Exception as error:
            self.found.failed.setdefault(rule.name, f"{type(error).__name__}: {error}, on {step.action}")
            return False
        self.found.kept[rule.name] += holds
        return holds

    def _refused(self, call: Call, refusal: Refusal) -> None:
        name = call.action.name
        self.found.refusals[name][refusal.kind] += 1
        if refusal.kind == str(refusal) and any(
            text in refusal.kind for text in _texts(call.action.arguments) if text not in ODD["string"]
        ):
            self.found.untyped.setdefault(name, str(refusal))
        self.draws[name].learn(str(refusal))
        if refusal.kind != "wrong arguments":
            self._remember(call, _end(refusal.kind, call.action))

    def _remember(self, call: Call, end: str) -> None:
        self.counts[call.action.name][end] += 1
        kept = self.ends[call.action.name][end]
        kept.append(call)
        if len(kept) > KEPT:
            del kept[self.random.randrange(KEPT)]

    def _succeeded(self, call: Call, world: World, broken: list[Rule]) -> None:
        name = call.action.name
        self.found.executed[name].append(call)
        if self.domain.tools[name].writes:
            self.found.changing |= {name} if name not in self.found.changing and world.delta() else set()
            if not call.earlier:
                self.done[call.around].append(call.action)
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
