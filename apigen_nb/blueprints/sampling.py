"""Context preparation (paper §3.1): five samplers make one `Seed`, most at a rate that varies from seed to seed.

A seed is a function of the domain, the run's seed and settings, its number and the pool of accepted blueprints, and of
nothing else: the first seeds of a longer run are those of a shorter one. The authors publish neither rates nor budgets
nor mixes; ours are the constants below.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from ..records import LEVELS, Behaviour, Blueprint, Kind, Level, Record
from ..world.api_graph import Graph
from ..world.domain import Domain
from ..world.feasible_calls import user_calls
from ..world.user_records import RECORDS_BUDGET, user_records
from .mixture import BEHAVIOUR_SHARES, KIND_SHARES, LEVEL_SHARES, assign
from .personas import compose_persona, persona_traits
from .plans import ANY, Plan, RefusedBy, Wish, draw_plan, find_user

SPARE_TOOLS = 2  # further writing tools, for when the records allow none of the walk
EXAMPLES = 2
VISITS = (12, 6, 4, 2, 2, 2, 2, 2)  # seeds about each user of a block: many users, and regulars with four to recombine
WRITES: dict[Level, tuple[int, ...]] = {"easy": (1,), "medium": (1, 2), "hard": (2, 3)}  # groundtruth actions wanted
OTHER_READS: dict[Level, int] = {"easy": 1, "medium": 2, "hard": 3}  # at most, beyond the needed ones, for each wish
NOTHING = Plan()

REFUSALS = {
    "tool": ": its tool refuses the wish as the database stands",
    "policy": ": its tool would carry the wish out, only a rule of the policy forbids it",
}

# What each sampler gives varies from seed to seed: its rate is drawn from this range.
RATES: dict[str, tuple[float, float]] = {
    "API": (0.3, 1.0),  # share of the reads that could fill an argument, beyond those that the walk needs
    "data": (0.5, 1.0),  # share of RECORDS_BUDGET
    "persona": (0.1, 0.6),  # share of the traits that a persona can have
    "examples": (0.3, 0.9),  # probability of showing any
}


class Seed(Record):
    """The sampled context of one blueprint (paper §3.1, context preparation), from domain, run seed and number.

    `walk` are the tools of the API walk in order, reads included; `spare` are writing tools that may replace one of
    them; `records` are rows of one user, table → id → row; `policy` are the rules that bind its tools; `examples` are
    accepted blueprints of earlier rounds. `kind`, `behaviour` and `level` are what the run's mix asks of this one;
    `writes` are the actions wanted, without the wish that comes to nothing, whose tool is the last of the walk;
    `refused_by` says what a forbidden wish is to fail on."""

    id: str
    number: int
    domain: str
    user: str
    walk: tuple[str, ...]
    spare: tuple[str, ...]
    policy: tuple[str, ...]
    records: dict[str, dict[str, Any]]
    persona: str
    examples: tuple[Blueprint, ...] = ()
    kind: Kind = "plain"
    behaviour: Behaviour = "cooperative"
    level: Level = "medium"
    writes: int = 1
    refused_by: RefusedBy = ""


@dataclass(frozen=True)
class Sampling:
    """What a run asks of its seeds. `kinds`, `behaviours` and `difficulty` are mixes, name → share; `walk_length` is
    the most tools in a walk, `tool_weights` how often writing tools are drawn (1 where none is given); `personas`
    replace those that are composed."""

    kinds: Mapping[Kind, float] = field(default_factory=KIND_SHARES.copy)
    behaviours: Mapping[Behaviour, float] = field(default_factory=BEHAVIOUR_SHARES.copy)
    difficulty: Mapping[Level, float] = field(default_factory=LEVEL_SHARES.copy)
    walk_length: int = 12
    tool_weights: Mapping[str, float] = field(default_factory=dict)
    personas: tuple[str, ...] = ()


DEFAULT_SAMPLING = Sampling()


def seed_id(domain: str, number: int) -> str:
    """The id of a seed and of everything made from it: `retail-00042`, `tau2-retail-00042`."""
    return f"{domain.replace(':', '-')}-{number:05d}"


# --- the samplers


def sample_walk(domain: Domain, rng: Random, plan: Plan, level: Level, length: int) -> tuple[str, ...]:
    """A walk on the API graph to the tools of a plan. Beside the reads that it needs, it has a share of the others that
    could fill an argument: few where the customer tells nearly all of them."""
    rate = rng.uniform(*RATES["API"])
    most = round(rate * OTHER_READS[level] * len(plan.tools))
    graph = Graph.of(domain)
    walk = graph.walk(rng, plan.tools, length=length, reads=rate, most=most)
    bare = (*graph.entrances[:1], *plan.tools)  # where not even the needed reads have room beside what is wished for
    return walk if set(plan.tools) <= set(walk) or len(bare) > length else bare


def sample_policy(domain: Domain, tools: Sequence[str], *, whole: bool = False) -> tuple[str, ...]:
    """The rules that bind these tools, in the policy's order; the whole policy where it is asked for or no rules are
    known. Those that bind no tool say nothing of the task: a generator reads them in the policy."""
    return (domain.policy,) if whole or not domain.rules else tuple(rule.text for rule in domain.rules_for(tools))


def sample_spare(domain: Domain, rng: Random, wanted: set[str], kind: Kind) -> tuple[str, ...]:
    """Writing tools other than the wanted ones; more of them where few tools take what nobody can look up."""
    others = [name for name, tool in domain.tools.items() if tool.writes and name not in wanted]
    spares = {"no tool": 0, "missing detail": 2 * SPARE_TOOLS}.get(kind, SPARE_TOOLS)
    return tuple(rng.sample(others, min(spares, len(others))))


def sample_records(domain: Domain, rng: Random, user: str, plan: Plan = NOTHING) -> dict[str, dict[str, Any]]:
    """Records of one user and what hangs on them, within a share of the budget; first those that the plan needs."""
    needed = user_calls(domain, user).rows_of((*plan.actions, *plan.denied)) if plan.tools else ()
    return user_records(domain, user, int(RECORDS_BUDGET * rng.uniform(*RATES["data"])), needed)


def sample_persona(rng: Random, asked: Sequence[str], personas: Sequence[str] = ()) -> str:
    """Who the user is: one of the given texts, or composed of a share of the traits, none of which contradicts the
    behaviour, kind and level that are asked for."""
    if personas:
        return rng.choice(personas)
    return compose_persona(rng, round(len(persona_traits()) * rng.uniform(*RATES["persona"])), asked)


def sample_examples(rng: Random, writing: set[str], kind: Kind, pool: Sequence[Blueprint]) -> tuple[Blueprint, ...]:
    """A few accepted blueprints with one of these tools, or of the same hard kind, or none."""
    if rng.random() >= rng.uniform(*RATES["examples"]):
        return ()
    related = [b for b in pool if writing & {a.name for a in (*b.actions, *b.denied)} or kind == b.kind != "plain"]
    return tuple(rng.sample(related, min(EXAMPLES, len(related))))


# --- one seed


def sample_users(domain: Domain, random_seed: int, number: int) -> list[str]:
    """The users that a seed may be about, the first by preference. Each block of seeds is about as many users as
    `VISITS` has places, so that any run has blueprints of one user to recombine; no user is in two blocks before all
    have been in one."""
    block, place = divmod(number, sum(VISITS))
    turn, first = divmod(block * len(VISITS), len(domain.subjects))
    users: list[str] = []
    while len(users) < min(len(VISITS), len(domain.subjects)):
        users += _shuffled(domain, f"{random_seed}/{turn}")[first : first + len(VISITS) - len(users)]
        turn, first = turn + 1, 0
        users = list(dict.fromkeys(users))
    places = [user for user, visits in zip(itertools.cycle(users), VISITS) for _ in range(visits)]
    Random(f"{domain.name}/{random_seed}/{block}/users").shuffle(places)
    return list(dict.fromkeys([places[place], *places[place:], *places]))


@functools.lru_cache(maxsize=64)
def _shuffled(domain: Domain, key: str) -> list[str]:
    users = list(domain.subjects)
    Random(f"{domain.name}/{key}").shuffle(users)
    return users


class Asked(NamedTuple):
    """What a seed asks for, of whom, and a plan and a walk that show it to be possible."""

    user: str
    wish: Wish
    plan: Plan
    walk: tuple[str, ...]


def sample_seed(
    domain: Domain, random_seed: int, number: int, pool: Sequence[Blueprint] = (), sampling: Sampling = DEFAULT_SAMPLING
) -> Seed:
    """The seed of one number. `pool` are the accepted blueprints of earlier rounds, in id order. Each sampler has its
    own random numbers: what one draws changes no other. What no user of the domain can have is not asked for: then the
    level is a lower one, or the kind plain."""

    rng = functools.partial(_random, domain, random_seed, number)
    behaviour = assign(sampling.behaviours, number, f"{random_seed}/behaviours")
    user, wish, plan, walk = what_to_ask(domain, random_seed, number, sampling)
    wanted = set(plan.tools)
    spare = sample_spare(domain, rng("spare"), wanted, wish.kind)
    return Seed(
        id=seed_id(domain.name, number),
        number=number,
        domain=domain.name,
        user=user,
        walk=walk,
        spare=spare,
        policy=sample_policy(domain, (*walk, *spare), whole=wish.kind == "no tool"),
        records=sample_records(domain, rng("data"), user, plan),
        persona=sample_persona(rng("persona"), (behaviour, wish.kind, wish.level), sampling.personas),
        examples=sample_examples(rng("examples"), wanted, wish.kind, pool),
        kind=wish.kind,
        behaviour=behaviour,
        level=wish.level,
        writes=len(plan.actions),
        refused_by=wish.refused_by,
    )


def what_to_ask(domain: Domain, random_seed: int, number: int, sampling: Sampling) -> Asked:
    """What the mixes ask of this seed, or what is nearest to it and possible, of the first user who can have it."""
    rng = functools.partial(_random, domain, random_seed, number)
    kind = assign(sampling.kinds, number, f"{random_seed}/kinds")
    level = assign(sampling.difficulty, number, f"{random_seed}/difficulty")
    users, weights = sample_users(domain, random_seed, number), tuple(sorted(sampling.tool_weights.items()))
    for wishes in _wishes(domain, rng("writes"), kind, level, weights):
        able = {wish: known for wish in wishes if (known := find_user(domain, wish))}
        tries = [(user, wish, f"{random_seed}/{number}") for user in users for wish in able]
        for user, wish, key in (*tries, *((user, wish, ANY) for wish, user in able.items())):
            if plan := draw_plan(domain, user, wish, key):
                walk = sample_walk(domain, rng("API"), plan, wish.level, sampling.walk_length)
                if set(plan.tools) <= set(walk):
                    return Asked(user, wish, plan, walk)
    walk = sample_walk(domain, rng("API"), NOTHING, level, sampling.walk_length)
    return Asked(users[0], Wish("plain", level, 0), NOTHING, walk)


def _random(domain: Domain, random_seed: int, number: int, sampler: str) -> Random:
    return Random(f"{domain.name}/{random_seed}/{number}/{sampler}")


def _wishes(
    domain: Domain, rng: Random, kind: Kind, level: Level, weights: tuple[tuple[str, float], ...]
) -> Iterator[list[Wish]]:
    """What to ask for, the nearest to what the mixes ask first: of a kind and level all numbers of actions, those that
    are drawn first; a forbidden wish fails on its tool as often as on a rule alone; then lower levels, then plain."""
    by: tuple[RefusedBy, ...] = ("tool", "policy") if domain.rules and rng.random() < 0.5 else ("policy", "tool")
    most = rng.random()
    for asked, refused_by in [*((kind, of) for of in by if kind == "forbidden"), (kind, ""), ("plain", "")]:
        for lower in LEVELS[LEVELS.index(level) :: -1] if asked != "forbidden" or refused_by else ():
            writes = sorted(WRITES[lower], reverse=most < 0.5)
            least = 2 if asked == "parallel calls" else 1
            numbers = dict.fromkeys(0 if asked == "no tool" else max(n, least) for n in writes)
            yield [Wish(asked, lower, number, refused_by, weights) for number in numbers]


def kind_prompt(seed: Seed) -> str:
    """What a generator is told of a seed's kind: its name, and what a forbidden wish is to fail on."""
    return seed.kind + REFUSALS.get(seed.refused_by, "")
