"""Context preparation (paper §3.1): the samplers that make one `Seed`, each with a rate that varies from seed to seed.

A seed is a function of the domain, the run's seed, its number and the pool of accepted blueprints, and of nothing else.
The authors publish neither rates nor budgets; ours are the constants below.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from random import Random
from typing import Any

from .domain import Domain
from .facts import facts
from .graph import Graph
from .records import Blueprint, Seed, canonical

WRITES = {1: 0.5, 2: 0.35, 3: 0.15}  # groundtruth actions asked for → share of the seeds
RECORDS_BUDGET = 12_000  # characters of JSON, about 4k tokens
SPARE = 2  # further writing tools, for when the records allow none of the walk
EXAMPLES = 2
EXAMPLES_RATE = (0.3, 0.9)  # a seed gets examples with a probability drawn from this range

AGES = (
    "a student",
    "a young parent",
    "a nurse on night shifts",
    "an office worker",
    "a retired teacher",
    "a shop owner",
)
MOODS = ("cheerful", "calm", "tired", "worried", "annoyed", "in a hurry")
MANNERS = ("writes short messages", "explains the background first", "is polite", "is direct", "likes things in order")
SKILLS = ("knows online shops well", "is not used to online services", "reads every line twice")


def persona(rng: Random) -> str:
    """Who the user is, composed from short lists of our own."""
    return f"{rng.choice(AGES)}, {rng.choice(MOODS)}, who {rng.choice(MANNERS)} and {rng.choice(SKILLS)}"


def seed_id(domain: str, number: int) -> str:
    """The id of a seed and of everything made from it: `retail-00042`, `tau2-retail-00042`."""
    return f"{domain.replace(':', '-')}-{number:05d}"


@functools.lru_cache(maxsize=8)
def _homes(domain: Domain) -> dict[str, list[str]]:
    """Row id → tables that hold it."""
    homes: dict[str, list[str]] = {}
    for table, rows in domain.tables.items():
        for key in rows:
            homes.setdefault(key, []).append(table)
    return homes


@functools.lru_cache(maxsize=8)
def _owners(domain: Domain) -> dict[tuple[str, str], set[str]]:
    """Row, as table and id → the users that it names; rows that name none are nobody's and left out."""
    users = domain.tables[domain.users]
    owners: dict[tuple[str, str], set[str]] = {}
    for table, rows in domain.tables.items():
        for key, row in rows.items() if table != domain.users else ():
            named = {f.value for f in facts(domain.dump(row)) if isinstance(f.value, str) and f.value in users}
            if named:
                owners[table, key] = named
    return owners


@functools.lru_cache(maxsize=8)
def _owned(domain: Domain) -> dict[str, list[tuple[str, str]]]:
    """User id → rows that name this user."""
    owned: dict[str, list[tuple[str, str]]] = {}
    for row, users in _owners(domain).items():
        for user in sorted(users):
            owned.setdefault(user, []).append(row)
    return owned


def records_of(domain: Domain, user: str, budget: int = RECORDS_BUDGET) -> dict[str, dict[str, Any]]:
    """A user's row and everything hanging on it, table → id → row: first what names the user or is named by the user's
    row, then what those rows name, breadth first until the budget of JSON characters is spent. Rows of others are left
    out."""
    homes, owners = _homes(domain), _owners(domain)
    found: dict[str, dict[str, Any]] = {}
    frontier = [(domain.users, user), *_owned(domain).get(user, ())]
    spent = 0
    while frontier:
        table, key = frontier.pop(0)
        if key in found.get(table, {}) or (table == domain.users and key != user):
            continue
        if user not in owners.get((table, key), {user}):
            continue
        row = domain.dump(domain.tables[table][key])
        spent += len(canonical(row))
        if spent > budget and found:
            continue
        found.setdefault(table, {})[key] = row
        named = dict.fromkeys(f.value for f in facts({table: {key: row}}) if isinstance(f.value, str))
        frontier += [(home, name) for name in named for home in homes.get(name, ())]
    return found


def sample(domain: Domain, seed: int, number: int, pool: Sequence[Blueprint] = ()) -> Seed:
    """The seed of one number. `pool` are the accepted blueprints of earlier rounds, in id order."""
    rng = Random(f"{domain.name}/{seed}/{number}")
    user = rng.choice(domain.subjects)
    writes = rng.choices(list(WRITES), list(WRITES.values()))[0]
    walk = Graph.of(domain).walk(domain, rng, writes)
    wanted = {name for name in walk if domain.tools[name].writes}
    others = [name for name, tool in domain.tools.items() if tool.writes and name not in wanted]
    spare = tuple(rng.sample(others, min(SPARE, len(others))))
    related = [blueprint for blueprint in pool if wanted & {a.name for a in blueprint.actions}]
    some = rng.random() < rng.uniform(*EXAMPLES_RATE)
    return Seed(
        id=seed_id(domain.name, number),
        number=number,
        domain=domain.name,
        user=user,
        walk=walk,
        spare=spare,
        policy=tuple(rule.text for rule in domain.rules_for((*walk, *spare))) or (domain.policy,),
        records=records_of(domain, user),
        persona=persona(rng),
        examples=tuple(rng.sample(related, min(EXAMPLES, len(related)))) if some else (),
    )
