"""The five samplers and the seeds that they make together."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.gates.execution import execute, executes
from apigen_nb.blueprints.gates.format import well_formed
from apigen_nb.blueprints.gates.kind import fits_kind
from apigen_nb.blueprints.gates.policy import obeys_policy
from apigen_nb.blueprints.mixture import KIND_SHARES, LEVEL_SHARES
from apigen_nb.blueprints.plans import Plan
from apigen_nb.blueprints.sampling import (
    DEFAULT_SAMPLING,
    RATES,
    RECORDS_BUDGET,
    VISITS,
    Sampling,
    Seed,
    kind_prompt,
    sample_examples,
    sample_persona,
    sample_policy,
    sample_records,
    sample_seed,
    sample_users,
    what_to_ask,
)
from apigen_nb.records import BEHAVIOURS, KINDS, LEVELS, Blueprint, Kind, canonical
from apigen_nb.world.api_graph import Graph, is_id_parameter
from apigen_nb.world.domain import Domain
from apigen_nb.world.user_records import owners
from apigen_nb.world.values import argument_values, facts, fits
from tests.library import RENEW, task

retail = Domain.load("retail")


def only(kind: Kind, **more: object) -> Sampling:
    return Sampling(kinds={kind: 1.0}, **more)  # type: ignore[arg-type]


# --- seeds


SEEDS = int(os.environ.get("SEEDS", "60"))  # of each domain; `make nightly` takes 2,000
DOMAINS = ["retail", "airline", "banking", "tau2:retail", "tau2:airline"]
READS = {"easy": 1, "medium": 2, "hard": 3}


@pytest.mark.parametrize("name", DOMAINS)
@given(number=st.integers(0, 5_000), run=st.integers(0, 9))
@settings(max_examples=12, deadline=None)
def test_a_walk_starts_with_an_entrance_and_has_the_writes_that_were_asked_for(
    name: str, number: int, run: int
) -> None:
    domain = Domain.load(name)
    seed = sample_seed(domain, run, number)
    assert seed.walk[0] in Graph.of(domain).entrances
    writes = [tool for tool in seed.walk if domain.tools[tool].writes]
    denied = seed.kind in ("forbidden", "missing tool", "change of mind")
    assert len(writes) == seed.writes + denied
    if seed.kind == "no tool":
        assert (writes, seed.spare, seed.policy) == ([], (), (domain.policy,))
    else:
        assert seed.writes in {"easy": (1,), "medium": (1, 2), "hard": (2, 3)}[seed.level] or (
            seed.kind == "parallel calls" and seed.writes == 2
        )
        assert seed.writes >= 2 or seed.kind != "parallel calls"
        assert domain.tools[seed.walk[-1]].writes
        least = Graph.of(domain).walk(Random(0), writes, reads=0.0)
        # another choice between two needed reads may need one more
        assert len(seed.walk) <= len(least) + (READS[seed.level] + 1) * len(writes)
    assert len(seed.walk) <= Sampling().walk_length
    assert seed.user in domain.subjects


# --- what is asked for can be had


def bears_out(task: Blueprint, domain: Domain) -> bool:
    """Whether the world and the policy bear a task out, and what its kind needs."""
    gates = (well_formed, executes, obeys_policy, fits_kind)
    return all((verdict := gate(task, domain)) is not None and verdict.passed for gate in gates)


def witness(domain: Domain, seed: Seed, plan: Plan) -> Iterator[Blueprint]:
    """Tasks that fulfil a seed: all is told that its calls hold, and how the user is found."""
    row = domain.dump(domain.tables[domain.users][seed.user])
    means = {n for name in Graph.of(domain).entrances for n in domain.tools[name].required}
    found = [fact.value for fact in facts({domain.users: {seed.user: row}}) if any(fits(n, fact.key) for n in means)]
    details = [str(value) for _, value in argument_values(*plan.actions)]
    told = [*map(str, found), *details, *(str(value) for _, value in argument_values(*plan.denied))]
    task = Blueprint(
        id=seed.id, domain=domain.name, user=seed.user, persona=seed.persona, instruction="; ".join(told) + ";",
        actions=plan.actions, denied=plan.denied, outputs=(), kind=seed.kind,
    )  # fmt: skip
    withheld = [(detail,) for detail in details] if seed.kind == "missing detail" else [()]
    yield from (task.model_copy(update={"withheld": kept}) for kept in withheld)


@pytest.mark.parametrize("name", DOMAINS)
def test_nothing_is_asked_for_that_the_users_records_cannot_give(name: str) -> None:
    """For every seed there are calls of its tools that the gates accept for a task of its kind."""
    domain, shares = Domain.load(name), Counter[str]()
    for number in range(SEEDS):
        seed = sample_seed(domain, 11, number)
        user, wish, plan, walk = what_to_ask(domain, 11, number, Sampling())
        assert (seed.user, seed.walk, seed.writes, seed.kind) == (user, walk, len(plan.actions), wish.kind)
        writing = [tool for tool in walk if domain.tools[tool].writes]
        assert sorted(writing) == sorted(plan.tools)
        assert writing[-1:] == list(plan.tools[-1:])  # what comes to nothing is last
        known = {fact.value for fact in facts(seed.records)}
        ids = [v for n, v in argument_values(*plan.actions, *plan.denied) if is_id_parameter(n) and isinstance(v, str)]
        assert known.issuperset(v for v in ids if not v.isdigit())
        lookups = len({str(value) for _, value in argument_values(*plan.actions) if value in known})
        assert seed.kind == "no tool" or len(plan.actions) * lookups > {"easy": -1, "medium": 1, "hard": 3}[seed.level]
        if seed.kind != "no tool":
            assert any(bears_out(task, domain) for task in witness(domain, seed, plan)), (seed.id, seed.kind, plan)
        refusal = execute(next(witness(domain, seed, plan)), domain, plan.denied).refused
        assert (refusal is not None) == (seed.refused_by == "tool")
        shares[f"kind {seed.kind}"] += 1
        shares[f"level {seed.level}"] += 1
    for mix, word in ((KIND_SHARES, "kind"), (LEVEL_SHARES, "level")):
        assert all(abs(shares[f"{word} {name}"] - share * SEEDS) <= 1 for name, share in mix.items())


def test_forbidden_wishes_fail_on_their_tool_or_on_the_policy_alone(library: Domain) -> None:
    seeds = [sample_seed(retail, 1, number, (), only("forbidden")) for number in range(60)]
    shares = Counter(seed.refused_by for seed in seeds)
    assert set(shares) == {"tool", "policy"}
    assert min(shares.values()) >= 20
    told = {seed.refused_by: kind_prompt(seed) for seed in seeds}
    assert told["tool"].startswith("forbidden: its tool refuses")
    assert told["policy"].startswith("forbidden: its tool would carry the wish out")
    without = dataclasses.replace(library, rules=())
    assert {sample_seed(without, 1, n, (), only("forbidden")).refused_by for n in range(20)} == {"tool"}
    plain = sample_seed(retail, 1, 1, (), only("plain"))
    assert (plain.refused_by, kind_prompt(plain)) == ("", "plain")


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_one_kind_has_no_other(kind: Kind) -> None:
    assert {sample_seed(retail, 1, number, (), only(kind)).kind for number in range(12)} == {kind}


def test_the_first_seeds_of_a_longer_run_are_those_of_a_shorter_one() -> None:
    """A seed does not know how long the run is: whatever is drawn for others first changes nothing."""
    ahead = [sample_seed(retail, 7, number) for number in range(40)]
    for number in (300, 90, 33):
        sample_seed(retail, 7, number)
    assert [sample_seed(retail, 7, number) for number in range(40)] == ahead


def test_the_mixes_of_a_run_are_met() -> None:
    seeds = [sample_seed(retail, 3, number) for number in range(100)]
    for field, names, share in (("kind", KINDS, 0.58), ("behaviour", BEHAVIOURS, 0.4), ("level", LEVELS, 0.3)):
        counts = Counter(getattr(seed, field) for seed in seeds)
        assert set(counts) == set(names)
        assert abs(counts[names[0]] - 100 * share) < 1


def test_settings_reach_the_seed() -> None:
    asked = Sampling(
        kinds={"no tool": 0, "forbidden": 2},
        behaviours={"terse": 1},
        difficulty={"hard": 1},
        walk_length=5,
        tool_weights={name: 0 for name, tool in retail.tools.items() if tool.writes and not name.startswith("change_")},
        personas=("a baker", "a nurse"),
    )
    seeds = [sample_seed(retail, 3, number, (), asked) for number in range(30)]
    assert {(seed.kind, seed.behaviour, seed.level) for seed in seeds} == {("forbidden", "terse", "hard")}
    assert max(len(seed.walk) for seed in seeds) == 5
    assert {seed.persona for seed in seeds} == {"a baker", "a nurse"}
    assert {tool.split("_")[0] for seed in seeds for tool in seed.walk if retail.tools[tool].writes} == {"change"}


def test_no_sampler_changes_what_another_draws() -> None:
    plain = sample_seed(retail, 3, 11)
    told = sample_seed(retail, 3, 11, (), Sampling(personas=("a baker",)))
    assert told.model_copy(update={"persona": plain.persona}) == plain
    short = sample_seed(retail, 3, 11, (), Sampling(walk_length=4))
    assert (short.user, short.persona, short.records, short.kind) == (
        plain.user,
        plain.persona,
        plain.records,
        plain.kind,
    )


# --- users


@pytest.mark.parametrize("seeds", [10, 32, 100, 333])
def test_a_run_is_about_a_pool_of_users(seeds: int) -> None:
    counts = Counter(sample_users(retail, 5, number)[0] for number in range(seeds))
    blocks = -(-seeds // sum(VISITS))
    assert len(counts) <= blocks * len(VISITS)
    assert max(counts.values()) <= max(VISITS)
    assert sum(count > 1 for count in counts.values()) > len(counts) / 4  # or nothing could be recombined


def test_all_users_come_once_before_one_comes_again() -> None:
    users = list(retail.subjects)[:21]
    few = dataclasses.replace(retail, name="few", subjects=tuple(users))
    block = sum(VISITS)
    blocks = [{sample_users(few, 5, number)[0] for number in range(block * b, block * (b + 1))} for b in range(6)]
    assert [len(found) for found in blocks] == [len(VISITS)] * 6
    assert blocks[0] | blocks[1] | blocks[2] == set(users)
    assert blocks[0] & blocks[1] == set()
    spread = Counter(
        user for b in range(21) for user in {sample_users(few, 5, n)[0] for n in range(block * b, block * (b + 1))}
    )
    assert max(spread.values()) - min(spread.values()) <= 2


def test_in_a_block_some_users_come_often() -> None:
    for block in range(0, 10 * sum(VISITS), sum(VISITS)):
        counts = Counter(sample_users(retail, 5, number)[0] for number in range(block, block + sum(VISITS)))
        assert sorted(counts.values(), reverse=True) == sorted(VISITS, reverse=True)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_domain_with_few_users_can_be_sampled(count: int) -> None:
    few = dataclasses.replace(retail, name="few", subjects=retail.subjects[:count])
    assert {sample_users(few, 5, number)[0] for number in range(70)} == set(few.subjects)


# --- the samplers


def test_only_the_rules_that_bind_the_tools_are_pointed_at() -> None:
    """A generator reads the whole policy anyway: what it is to look at most is what its tools must obey."""
    for tools in [("return_items", "change_email"), *((name,) for name in retail.tools)]:
        shown = sample_policy(retail, tools)
        assert shown == tuple(rule.text for rule in retail.rules if set(rule.tools) & set(tools))
    for number in range(20):
        seed = sample_seed(retail, 3, number)
        writing = {name for name in (*seed.walk, *seed.spare) if retail.tools[name].writes}
        binding = {rule.text for rule in retail.rules if writing & set(rule.tools)}
        assert seed.kind == "no tool" or set(seed.policy) == binding


def test_the_whole_policy_is_shown_where_it_is_asked_for_or_no_rule_is_known(library: Domain) -> None:
    assert sample_policy(retail, ("change_email",), whole=True) == (retail.policy,)
    assert sample_policy(dataclasses.replace(library, rules=()), ()) == (library.policy,)


def test_data_takes_a_share_of_the_budget() -> None:
    def size(number: int, user: str) -> int:
        return sum(
            len(canonical(row))
            for rows in sample_records(retail, Random(number), user).values()
            for row in rows.values()
        )

    large = max(retail.subjects[:60], key=lambda user: size(1, user))
    sizes = [size(number, large) for number in range(25)]
    assert len(set(sizes)) > 5
    assert max(sizes) <= RECORDS_BUDGET
    assert min(sizes) > RECORDS_BUDGET * RATES["data"][0] * 0.5


@pytest.mark.parametrize("name", ["retail", "airline", "banking"])
def test_a_seed_shows_the_rows_of_all_that_its_walk_was_tried_with(name: str) -> None:
    """What is to be asked for is read off rows, also of the catalogue: the flight to take instead, not just its id."""
    domain = Domain.load(name)
    for number in range(30):
        user, _, plan, _ = what_to_ask(domain, 1, number, DEFAULT_SAMPLING)
        shown = sample_records(domain, Random(number), user, plan)
        held = {str(value) for _, value in argument_values(*plan.actions, *plan.denied)}
        rows = [(table, value) for table, rows in domain.tables.items() for value in held if value in rows]
        missing = [(table, key) for table, key in rows if key not in shown.get(table, {})]
        whose = [owners(domain, key) for _, key in missing]
        assert all(users and user not in users for users in whose), missing  # what is another's is shown to nobody


def test_personas_have_more_or_fewer_traits() -> None:
    lengths = Counter(len(sample_persona(Random(number), ("cooperative",)).split()) // 6 for number in range(200))
    assert len(lengths) >= 4


def accepted(number: int, kind: Kind = "plain", tool: str = "renew_loan") -> Blueprint:
    return task(RENEW, id=f"e{number}").model_copy(
        update={"kind": kind, "actions": (RENEW.model_copy(update={"name": tool}),), "domain": "retail"}
    )


def test_examples_share_a_tool_or_a_hard_kind_and_come_at_their_rate() -> None:
    pool = [accepted(0), accepted(1, tool="other"), accepted(2, "forbidden", "other"), accepted(3, "no tool", "other")]
    shown = [sample_examples(Random(number), {"renew_loan"}, "forbidden", pool) for number in range(400)]
    assert {example.id for some in shown for example in some} == {"e0", "e2"}
    assert 0.5 < sum(bool(some) for some in shown) / 400 < 0.7  # RATES: 0.3 to 0.9
    plain = [sample_examples(Random(number), {"renew_loan"}, "plain", pool) for number in range(50)]
    assert {example.id for some in plain for example in some} == {"e0"}
    assert not any(sample_examples(Random(number), {"nothing"}, "plain", pool) for number in range(50))


def test_a_denied_wish_counts_as_the_tool_of_an_example() -> None:
    denied = task(id="d").model_copy(update={"kind": "forbidden", "denied": (RENEW,)})
    assert any(sample_examples(Random(number), {RENEW.name}, "plain", [denied]) for number in range(20))


def test_every_rate_is_a_range() -> None:
    assert set(RATES) == {"API", "data", "persona", "examples"}
    assert all(0 <= low < high <= 1 for low, high in RATES.values())
