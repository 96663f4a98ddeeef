"""Gate 1d, grounding (ours, missing in the paper): the agent can find out everything that the task needs.

Each expected output must be derivable from what reading tools return in this world, before or after the actions; each
argument must be in the instruction or reachable by reads from what the user tells. What is computed counts as derived
when it is a count, a sum or a difference that a customer can mean: see `Findings` and `Reckoning`.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ..domain import Domain
from ..facts import SCALARS, Fact, facts, fits, fold, number, singular, tells
from ..graph import candidates, required, result_facts, try_call
from ..records import Action, Blueprint, Verdict
from ..sampling import records_of
from ..world import World
from .execution import Execution, execute, executes

DEPTH = 4  # reads in a row: find the user, the user, the order, the product
CALLS_A_TOOL = 60
LIST = 6  # amounts of one list of which any selection may be meant: more of them, and any amount is met by chance
MONEY = 60  # amounts of one user of which any two may be meant
GAP = 5  # words that may stand between two words of a choice
NEGATION = re.compile(r"n't\b|\b(?:no|not|never|without)\b")
Told = tuple[Action, list[Fact]]  # a reading call and the facts in its result


class Gap(NamedTuple):
    """An argument that the instruction does not tell. `beside` are the action's other values: that another order was
    cancelled for some reason says nothing about this one. `choice` says whether it is one of a few (an enum)."""

    action: int
    tool: str
    name: str
    value: Any
    beside: frozenset[str]
    choice: bool


def is_grounded(blueprint: Blueprint, domain: Domain) -> Verdict | None:
    """Name the arguments and outputs that an agent has no way to know. None when the actions do not execute."""
    executed = executes(blueprint, domain)
    if executed is None or not executed.passed:
        return None
    told = fold(blueprint.instruction)
    gaps, untold = list(_gaps(blueprint, domain, told)), list(blueprint.outputs)
    if blueprint.kind == "no tool":
        untold = [output for output in untold if not tells(domain.policy, output)]
    execution = execute(blueprint, domain)
    known = list(_told_facts(blueprint, domain, told))
    found, read = Findings([]), list[Told]()
    for call, results in reachable(domain.world(), domain, list(known)):
        found.add(results)
        read.append((call, results))
        gaps = [gap for gap in gaps if not _shows(gap, call, results, found, blueprint.user)]
        untold = [output for output in untold if not found.derives(output)]
        if not gaps and not untold:
            break
    # an argument may come from the result of an earlier action; an output from any, or from reads after the last one
    earlier = [Findings(facts(step.result)) for step in execution.steps]
    gaps = [
        gap
        for gap in gaps
        if not any(known.holds(gap.value) for known in earlier[: gap.action - 1])
        and not _forced(gap, blueprint, domain)
    ]
    untold = [output for output in untold if not any(known.derives(output) for known in earlier)]
    if untold and blueprint.actions:
        for _, results in reachable(execution.world, domain, list(known)):
            after = Findings(results)
            untold = [output for output in untold if not after.derives(output)]
    if any(number(fold(output)) is not None for output in untold):
        reckoning = Reckoning(read, blueprint, execution)
        untold = [output for output in untold if not reckoning.gives(output)]
    problems = [
        f"action {gap.action}, {gap.tool}: {gap.name}={gap.value!r} is not in the instruction, nor reachable by reads"
        for gap in gaps
    ] + [f"output {output!r} cannot be derived from what the reading tools return" for output in untold]
    kind = "argument unknown" if gaps else "output not derivable" if untold else ""
    return Verdict(gate="grounding", passed=not problems, kind=kind, reason="; ".join(problems))


def _gaps(blueprint: Blueprint, domain: Domain, told: str) -> Iterator[Gap]:
    for position, action in enumerate(blueprint.actions, 1):
        specs = domain.tools[action.name].parameters["properties"]
        for name, value in leaves(action.arguments):
            options = choices(specs.get(name, {}))
            if not said(value, told) and not (value in options and implied(name, value, options, told)):
                others = frozenset(str(v) for k, v in leaves(action.arguments) if k != name)
                yield Gap(position, action.name, name, value, others, bool(options))


def _shows(gap: Gap, call: Action, results: list[Fact], found: Findings, user: str) -> bool:
    """Whether a read shows the value of an argument: a choice where it was asked about what the action is about, a
    number there or where it is about the user (some flight has 100 seats), anything else wherever it stands."""
    if not gap.choice and isinstance(gap.value, str):
        return found.holds(gap.value)
    near = any(str(value) in gap.beside for value in call.arguments.values())
    if gap.choice:
        return near and any(fact.value == gap.value for fact in results)
    return (near or any(fact.value == user for fact in results)) and Findings(results).holds(gap.value)


def leaves(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of every scalar in the arguments; booleans cannot be looked up in a text and are left out."""
    for name, value in arguments.items():
        for fact in facts(value, key=name):
            if not isinstance(fact.value, bool) and fact.value != "":
                yield name, fact.value


def choices(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values that a parameter can have: its enum, or two and more that its description quotes as what it is."""
    if "enum" in spec:
        return tuple(spec["enum"])
    quoted = re.findall(r"'([A-Za-z][A-Za-z _-]*)'", str(spec.get("description", "")))
    return tuple(quoted) if len(quoted) > 1 and spec.get("type") == "string" else ()


def said(value: Any, told: str) -> bool:
    """Whether a (folded) text tells a value, as it is or with spaces or hyphens for underscores."""
    text = str(value)
    return any(tells(told, way) for way in {text, text.replace("_", " "), text.replace("_", "-")})


def implied(name: str, value: Any, options: Sequence[Any], told: str) -> bool:
    """Whether a (folded) text tells a choice in other words: "you do not want insurance" for `insurance` "no"; the
    words of "ordered by mistake" in one sentence in their order, others between them. What a word means stays with the
    committee: a choice that only follows from the story is not told."""
    if set(options) == {"yes", "no"}:
        about = [part for part in re.split(r"[.;!?]", told) if tells(part, name.replace("_", " "))]
        return bool(about) and all(bool(NEGATION.search(part)) == (value == "no") for part in about)
    stems = [re.escape(re.sub(r"(ed|ing|s)$", "", word)) + r"\w*" for word in fold(str(value)).split()]
    between = rf"(?:[^\w.;!?]+\w+){{0,{GAP}}}?[^\w.;!?]+"
    return len(stems) > 1 and bool(re.search(r"\b" + between.join(stems), told))


def _forced(gap: Gap, blueprint: Blueprint, domain: Domain) -> bool:
    """Whether the tool takes no other number there: what is left to pay after the vouchers is reckoned, not told."""
    if not isinstance(gap.value, int | float) or gap.choice:
        return False
    *before, action = blueprint.actions[: gap.action]
    for other in [gap.value + sign * 10**power for power in range(4) for sign in (1, -1)]:
        twin = Action(name=action.name, arguments=_with(action.arguments, gap.value, other))
        if not execute(blueprint.model_copy(update={"actions": (*before, twin)}), domain).refused:
            return False
    return True


def _with(value: Any, old: float, new: float) -> Any:
    if isinstance(value, dict):
        return {key: _with(part, old, new) for key, part in value.items()}
    if isinstance(value, list):
        return [_with(part, old, new) for part in value]
    return new if value == old and not isinstance(value, bool) else value


def _told_facts(blueprint: Blueprint, domain: Domain, told: str) -> Iterator[Fact]:
    """Facts that the instruction tells: of the user's own records, and row ids of any table."""
    records = records_of(domain, blueprint.user)
    yield from (fact for fact in facts(records) if not isinstance(fact.value, bool) and said(fact.value, told))
    words = set(re.split(r"[\s,;()\"']+", blueprint.instruction))
    words |= {word.rstrip(".:!?") for word in words}
    for table, rows in domain.tables.items():
        yield from (Fact(f"{singular(table)}_id", word, {}) for word in sorted(words) if word in rows)


def reachable(world: World, domain: Domain, known: list[Fact]) -> Iterator[tuple[Action, list[Fact]]]:
    """Calls of reading tools that can be made with known facts, and the facts in their results, breadth first."""
    reads = [tool for tool in domain.tools.values() if tool.kind == "read"]
    done: set[str] = set()
    for _ in range(DEPTH):
        new: list[Fact] = []
        for tool in sorted(reads, key=lambda tool: len(required(tool)) == 0):
            for action in candidates(tool, known, most=CALLS_A_TOOL):
                if str(action) in done:
                    continue
                done.add(str(action))
                result = try_call(world, action)
                if result is not None:
                    found = list(result_facts(action.name, result))
                    new += [*found, *_rows(found, domain)]
                    yield action, found
        if not new:
            return
        known += new


def _rows(found: Iterable[Fact], domain: Domain) -> Iterator[Fact]:
    """The ids of rows that a result gives under names of their own: `{"T-Shirt": "9523456873"}`."""
    for table, rows in domain.tables.items():
        key = f"{singular(table)}_id"
        yield from (
            Fact(key, fact.value, {})
            for fact in found
            if isinstance(fact.value, str) and fact.value in rows and not fits(key, fact.key)
        )


def _amount(fact: Fact) -> Decimal | None:
    plain = isinstance(fact.value, int | float) and not isinstance(fact.value, bool)
    return number(str(fact.value)) if plain else None


def _sums(results: Iterable[tuple[str, Iterable[Fact]]]) -> Iterable[Decimal]:
    """Sums of one field over all results of one name, and over those that have another field in common."""
    sums: dict[tuple[str, str, Any], Decimal] = defaultdict(Decimal)
    for name, found in results:
        for fact in found:
            if (amount := _amount(fact)) is not None:
                fields = (field for field in fact.holder.items() if isinstance(field[1], SCALARS))
                for common in (None, *(field for field in fields if singular(field[0]) != fact.key)):
                    sums[name, fact.key, common] += amount
    return sums.values()


def _selections(found: Iterable[Fact]) -> Iterator[Decimal]:
    """Sums of any two and more of the amounts of a short list."""
    lists: dict[str, list[Decimal]] = defaultdict(list)
    for fact in found:
        if isinstance(fact.value, float) and (amount := _amount(fact)) is not None:
            lists[fact.key].append(amount)
    for amounts in (amounts for amounts in lists.values() if len(amounts) <= LIST):
        for size in range(2, len(amounts) + 1):
            yield from map(sum, itertools.combinations(amounts, size))


def _written(execution: Execution) -> Iterator[tuple[str, list[Fact]]]:
    """Per changed row, as table and facts, what stands in it only after the actions."""
    for change in execution.diff:
        before = Counter((fact.key, fact.value) for fact in facts(change.before))
        new = []
        for fact in facts(change.after):
            before[fact.key, fact.value] -= 1
            new += [fact] if before[fact.key, fact.value] < 0 else []
        yield change.table, new


def _costs(actions: Iterable[Action], found: Iterable[Fact]) -> Iterator[Mapping[tuple[str, str], Decimal]]:
    """Per action, and at last of all together, as argument and field: what the things cost that it names, and how much
    more than what another argument names."""
    beside: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for fact in (fact for fact in found if isinstance(fact.value, str)):
        for key, value in fact.holder.items():
            if (amount := _amount(Fact(key, value, {}))) is not None:
                beside[fact.value].setdefault(key, amount)
    together: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for action in actions:
        costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for name, value in leaves(action.arguments):
            for key, amount in beside.get(str(value), {}).items():
                costs[name, key] += amount
        for (one, key), (other, also) in itertools.combinations(list(costs), 2):
            if key == also:
                costs[f"{one} - {other}", key] = costs[one, key] - costs[other, key]
        for label, amount in costs.items():
            together[label] += amount
        yield costs
    yield together


class Findings:
    """What reads have brought to light so far."""

    def __init__(self, found: Iterable[Fact]) -> None:
        self.values: set[str] = set()
        self.numbers: set[Any] = set()
        self.sums: dict[tuple[int, str], Any] = {}
        self.texts: list[str] = []
        self.add(list(found))

    def add(self, found: list[Fact]) -> None:
        totals: dict[str, Any] = {}
        for fact in found:
            if isinstance(fact.value, bool) or not isinstance(fact.value, SCALARS):
                continue
            text = fold(str(fact.value))
            self.values.add(text)
            if " " in text:
                self.texts.append(text)
            value = number(text)
            if value is not None:
                self.numbers.add(value)
                totals[fact.key] = totals.get(fact.key, 0) + value
        # an agent can count what a list holds and add up one field of one result
        counts: dict[str, int] = {}
        for fact in found:
            counts[fact.key] = counts.get(fact.key, 0) + 1
        self.numbers |= set(totals.values()) | set(map(number, map(str, counts.values())))

    def holds(self, value: Any) -> bool:
        text = fold(str(value))
        return text in self.values or (not isinstance(value, str) and number(text) in self.numbers)

    def derives(self, output: str) -> bool:
        text = fold(output)
        value = number(text)
        if value is not None:
            return value in self.numbers
        return text in self.values or text.replace(" ", "_") in self.values or any(tells(t, text) for t in self.texts)


class Reckoning:
    """Amounts that an agent can work out from what reads showed of one user and from what the actions did; few enough
    that hardly any invented amount is among them.

    `totals` are sums of one field over the results of one tool, over all of them or over those that have a field in
    common (the gift cards); sums of what the things cost that the actions name, and what they cost less than those that
    replace them; and sums of the amounts that the actions wrote. `amounts` are sums of any selection of a short list,
    and sums and differences of two amounts: many, so they only count for an output with a figure other than 0
    in the place of cents."""

    def __init__(self, read: Sequence[Told], blueprint: Blueprint, execution: Execution) -> None:
        own = [(call, found) for call, found in read if any(fact.value == blueprint.user for fact in found)]
        *each, together = _costs(blueprint.actions, [fact for _, found in (*own, *read) for fact in found])
        costs = {amount for one in (*each, together) for amount in one.values()}
        written = {*_sums(_written(execution))}
        self.totals = costs | written | {cost + amount for cost in together.values() for amount in written}
        self.totals |= {
            *_sums((call.name, found) for call, found in own),
            *_sums((str(call), found) for call, found in own),
        }
        money = {a for _, found in own for f in found if isinstance(f.value, float) and (a := _amount(f)) is not None}
        pairs = itertools.product(money, money | costs) if len(money) <= MONEY else ()
        self.amounts = {total for one, other in pairs for total in (one + other, one - other)}
        self.amounts |= {amount for _, found in own for amount in _selections(found)}

    def gives(self, output: str) -> bool:
        value = number(fold(output))
        if value is None:
            return False
        tenths = value * 10
        known = self.totals if tenths == tenths.to_integral_value() else self.totals | self.amounts
        return value in known or -value in known
