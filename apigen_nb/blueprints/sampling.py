"""Context preparation (paper §3.1): five samplers make one `Seed`, each at a rate that varies from seed to seed.

A seed is a function of the domain, the run's seed and settings, its number and the pool of accepted blueprints, and of
nothing else: the first seeds of a longer run are those of a shorter one. The authors publish neither rates nor budgets
nor mixes; ours are the constants below.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from ..records import Behaviour, Blueprint, Kind, Level, Record
from ..world.api_graph import Graph
from ..world.domain import Domain
from ..world.user_records import RECORDS_BUDGET, user_records
from .gates.kind import DENYING_KINDS
from .mixture import BEHAVIOUR_SHARES, KIND_SHARES, LEVEL_SHARES, assign
from .personas import TRAITS, compose_persona

SPARE_TOOLS = 2  # further writing tools, for when the records allow none of the walk
EXAMPLES = 2
VISITS = (12, 6, 4, 2, 2, 2, 2, 2)  # seeds about each user of a block: many users, and regulars with four to recombine
WRITES: dict[Level, tuple[int, ...]] = {"easy": (1,), "medium": (1, 2), "hard": (2, 3)}  # groundtruth actions wanted

REFUSALS = {
    "tool": ": its tool refuses the wish as the database stands",
    "policy": ": its tool would carry the wish out, only a rule of the policy forbids it",
}

# What each sampler gives varies from seed to seed: its rate is drawn from this range.
RATES: dict[str, tuple[float, float]] = {
    "API": (0.3, 1.0),  # share of the reads that could fill an argument, beyond those that the walk needs
    "policy": (0.2, 1.0),  # share of the rules that bind no tool of the walk; those that bind one are always shown
    "data": (0.5, 1.0),  # share of RECORDS_BUDGET
    "persona": (0.2, 0.9),  # share of the traits that a persona can have
    "examples": (0.3, 0.9),  # probability of showing any
}


class Seed(Record):
    """The sampled context of one blueprint (paper §3.1, context preparation), from domain, run seed and number.

    `walk` are the tools of the API walk in order, reads included; `spare` are writing tools that may replace one of
    them; `records` are rows of one user, table → id → row; `policy` are the rules that bind the walk; `examples` are
    accepted blueprints of earlier rounds. `kind`, `behaviour` and `level` are what the run's mix asks of this one;
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
    refused_by: Literal["", "tool", "policy"] = ""


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


def sample_walk(domain: Domain, rng: Random, writes: int, sampling: Sampling) -> tuple[str, ...]:
    """A walk on the API graph with so many writing tools; the rate is the share of reads beyond the needed ones."""
    rate = rng.uniform(*RATES["API"])
    length, weights = sampling.walk_length, sampling.tool_weights
    return Graph.of(domain).walk(rng, writes, length=length, weights=weights, reads=rate)


def sample_policy(domain: Domain, rng: Random, tools: Sequence[str], *, whole: bool = False) -> tuple[str, ...]:
    """The rules that bind these tools, and a share of the others, in the policy's order; the whole policy where it is
    asked for or no rules are known."""
    if whole or not domain.rules:
        return (domain.policy,)
    rate = rng.uniform(*RATES["policy"])
    binding = {rule.name for rule in domain.rules_for(tools)}
    return tuple(rule.text for rule in domain.rules if rule.name in binding or rng.random() < rate)


def sample_spare(domain: Domain, rng: Random, wanted: set[str], kind: Kind) -> tuple[str, ...]:
    """Writing tools other than the wanted ones; more of them where few tools take what nobody can look up."""
    others = [name for name, tool in domain.tools.items() if tool.writes and name not in wanted]
    spares = {"no tool": 0, "missing detail": 2 * SPARE_TOOLS}.get(kind, SPARE_TOOLS)
    return tuple(rng.sample(others, min(spares, len(others))))


def sample_records(domain: Domain, rng: Random, user: str) -> dict[str, dict[str, Any]]:
    """Records of one user and what hangs on them, within a share of the budget."""
    return user_records(domain, user, int(RECORDS_BUDGET * rng.uniform(*RATES["data"])))


def sample_persona(rng: Random, behaviour: Behaviour, personas: Sequence[str] = ()) -> str:
    """Who the user is: one of the given texts, or composed of a share of the traits."""
    if personas:
        return rng.choice(personas)
    return compose_persona(rng, round(len(TRAITS) * rng.uniform(*RATES["persona"])), behaviour)


def sample_examples(rng: Random, writing: set[str], kind: Kind, pool: Sequence[Blueprint]) -> tuple[Blueprint, ...]:
    """A few accepted blueprints with one of these tools, or of the same hard kind, or none."""
    if rng.random() >= rng.uniform(*RATES["examples"]):
        return ()
    related = [b for b in pool if writing & {a.name for a in (*b.actions, *b.denied)} or kind == b.kind != "plain"]
    return tuple(rng.sample(related, min(EXAMPLES, len(related))))


def sample_refusal(domain: Domain, rng: Random) -> Literal["tool", "policy"]:
    """What a forbidden wish is to fail on, as often the one as the other: its tool refuses it, or a rule alone forbids
    it. The latter cannot be proven where no rules are known."""
    return "policy" if domain.rules and rng.random() < 0.5 else "tool"


# --- one seed


def sample_user(domain: Domain, seed: int, number: int) -> str:
    """The user of a seed. Each block of seeds is about as many users as `VISITS` has places, so that any run has
    blueprints of one user to recombine; no user is in two blocks before all have been in one."""
    block, place = divmod(number, sum(VISITS))
    turn, first = divmod(block * len(VISITS), len(domain.subjects))
    users: list[str] = []
    while len(users) < min(len(VISITS), len(domain.subjects)):
        users += _shuffled(domain, f"{seed}/{turn}")[first : first + len(VISITS) - len(users)]
        turn, first = turn + 1, 0
        users = list(dict.fromkeys(users))
    places = [user for user, visits in zip(itertools.cycle(users), VISITS) for _ in range(visits)]
    Random(f"{domain.name}/{seed}/{block}/users").shuffle(places)
    return places[place]


@functools.lru_cache(maxsize=64)
def _shuffled(domain: Domain, key: str) -> list[str]:
    users = list(domain.subjects)
    Random(f"{domain.name}/{key}").shuffle(users)
    return users


def sample_seed(
    domain: Domain, seed: int, number: int, pool: Sequence[Blueprint] = (), sampling: Sampling = DEFAULT_SAMPLING
) -> Seed:
    """The seed of one number. `pool` are the accepted blueprints of earlier rounds, in id order. Each sampler has its
    own random numbers: what one draws changes no other."""
    kind = assign(sampling.kinds, number, f"{seed}/kinds")
    behaviour = assign(sampling.behaviours, number, f"{seed}/behaviours")
    level = assign(sampling.difficulty, number, f"{seed}/difficulty")

    def rng(sampler: str) -> Random:
        return Random(f"{domain.name}/{seed}/{number}/{sampler}")

    user = sample_user(domain, seed, number)
    walk = sample_walk(domain, rng("API"), _writes(rng("writes"), level, kind), sampling)
    wanted = {name for name in walk if domain.tools[name].writes}
    spare = sample_spare(domain, rng("spare"), wanted, kind)
    return Seed(
        id=seed_id(domain.name, number),
        number=number,
        domain=domain.name,
        user=user,
        walk=walk,
        spare=spare,
        policy=sample_policy(domain, rng("policy"), (*walk, *spare), whole=kind == "no tool"),
        records=sample_records(domain, rng("data"), user),
        persona=sample_persona(rng("persona"), behaviour, sampling.personas),
        examples=sample_examples(rng("examples"), wanted, kind, pool),
        kind=kind,
        behaviour=behaviour,
        level=level,
        refused_by=sample_refusal(domain, rng("refusal")) if kind == "forbidden" else "",
    )


def kind_prompt(seed: Seed) -> str:
    """What a generator is told of a seed's kind: its name, and what a forbidden wish is to fail on."""
    return seed.kind + REFUSALS.get(seed.refused_by, "")


def _writes(rng: Random, level: Level, kind: Kind) -> int:
    if kind == "no tool":
        return 0
    wanted = rng.choice(WRITES[level]) + (kind in DENYING_KINDS)  # of which one comes to nothing
    return max(wanted, 2) if kind == "parallel calls" else wanted
