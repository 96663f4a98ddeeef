"""Prices, sums and budgets: every figure by hand."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, BudgetSpent, Job, Question, current_job
from apigen_nb.models.ledger import Budget, Ledger, Price, add_up, dollars, price_table, role_prices, run_prices
from apigen_nb.models.reply_cache import CachedModel, Reply, ReplyCache, read_replies
from apigen_nb.models.roles import Roles
from apigen_nb.records import Usage
from apigen_nb.storage.progress import Progress
from apigen_nb.world.domain import Domain
from tests.players import context_of

PRICE = Price(prompt=2, cached=0.5, completion=8)
PRICES = {"m": PRICE}


def reply(number: int = 0, **changes: Any) -> Reply:
    usage = Usage(calls=1, prompt=1000, cached=400, completion=100)
    told = {"key": "", "model": "m", "role": "agent", "id": f"r-{number}", "stage": "trajectories", "seconds": 1.0}
    return Reply(**({**told, "answer": Answer(usage=usage)} | changes))


def test_cost_by_hand() -> None:
    usage = Usage(calls=1, prompt=1_000_000, cached=250_000, completion=500_000)
    assert PRICE.cost(usage) == 0.75 * 2 + 0.25 * 0.5 + 0.5 * 8
    assert Price(prompt=2, completion=8).cost(usage) == 1 * 2 + 0.5 * 8
    assert PRICE.cost(Usage(prompt=100, cached=900)) == PRICE.cost(Usage(prompt=100, cached=100))


def test_own_prices_stand_above_the_table_and_none_is_guessed() -> None:
    table = price_table({"gpt-4o": {"prompt": 1, "completion": 2}, "mine": PRICE})
    assert table["gpt-4o"] == Price(prompt=1, completion=2)
    assert table["mine"] == PRICE
    assert table["gpt-4.1-mini"] == price_table()["gpt-4.1-mini"]
    assert "gpt-4o-2024-08-06" not in table
    assert all(price.cached is not None and price.cached < price.prompt for price in price_table().values())


def test_the_ledger_adds_up() -> None:
    rows = [
        reply(0, stage="blueprints", role="generator", seconds=3.0, retries=2),
        reply(1, stage="blueprints", role="judge"),
        reply(2),
        reply(3, answer=None, retries=3, seconds=9.0),
    ]
    ledger = add_up(rows, PRICES, accepted=2, verified=1)
    one = PRICE.cost(rows[0].answer.usage)  # type: ignore[union-attr]
    total = ledger.total
    assert (total.requests, total.failed, total.retries) == (4, 1, 5)
    assert (total.prompt, total.cached, total.completion) == (3000, 1200, 300)
    assert total.cost == pytest.approx(3 * one)
    assert total.seconds == {"p50": 1.0, "p90": 3.0, "p99": 3.0}
    assert {role: part.requests for role, part in ledger.roles.items()} == {"agent": 2, "generator": 1, "judge": 1}
    assert ledger.stages["blueprints"].cost == pytest.approx(2 * one)
    assert ledger.per_accepted_blueprint == {"requests": 1.0, "tokens": 1100.0, "cost": pytest.approx(one)}
    assert ledger.per_verified_trajectory == {"requests": 4.0, "tokens": 3300.0, "cost": pytest.approx(3 * one)}
    assert Ledger.model_validate_json(ledger.line()) == ledger


def test_a_model_without_a_price_counts_in_tokens_only() -> None:
    ledger = add_up([reply(0), reply(1, model="x", role="judge")], PRICES, verified=1)
    assert (ledger.total.cost, ledger.models["x"].cost, ledger.roles["judge"].cost) == (None, None, None)
    assert ledger.models["m"].cost is not None
    assert ledger.total.prompt == 2000
    assert ledger.per_verified_trajectory["cost"] is None
    assert ledger.unpriced == ("x",)


def test_roles_have_the_price_that_their_models_share() -> None:
    one, other = Price(prompt=1.0, completion=2.0), Price(prompt=3.0, completion=4.0)
    prices = {"a": one, "b": other, "c": one}
    models = {"generator": "a", "judge": ["a", "c"], "user": ["a", "b"], "agent": "unknown", "critic": []}
    assert role_prices(models, prices) == {"generator": one, "judge": one}
    spent = {"generator": Usage(prompt=1_000_000, calls=1), "judge": Usage(completion=500_000, calls=2)}
    assert dollars(spent, {"generator": one, "judge": other}) == 3.0
    assert dollars(spent, {"generator": one}) is None
    assert dollars({"agent": Usage(calls=9)}, {}) is None
    manifest = {"models": {"agent": "mine"}, "parameters": {"prices": {"mine": {"prompt": 1.0, "completion": 2.0}}}}
    assert run_prices(manifest) == {"agent": one}
    assert run_prices({}) == {}


def test_nothing_accepted_is_no_division() -> None:
    ledger = add_up([], PRICES)
    assert ledger.total.requests == 0
    assert (ledger.per_accepted_blueprint, ledger.per_verified_trajectory) == ({}, {})


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y"]), st.integers(0, 5000)), max_size=20))
def test_groups_come_to_the_total(drawn: list[tuple[str, str, int]]) -> None:
    rows = [
        reply(model=model, stage=stage, answer=Answer(usage=Usage(calls=1, prompt=tokens)))
        for model, stage, tokens in drawn
    ]
    ledger = add_up(rows, {"a": PRICE, "b": PRICE})
    for group in (ledger.roles, ledger.stages, ledger.models):
        assert sum(part.prompt for part in group.values()) == ledger.total.prompt == sum(t for _, _, t in drawn)
        assert sum(part.cost or 0 for part in group.values()) == pytest.approx(ledger.total.cost, abs=1e-5)


async def answering(question: Question) -> Answer:
    await asyncio.sleep(0)
    return Answer(text="yes", usage=Usage(calls=1, prompt=900, completion=100))


def question(number: int) -> Question:
    return Question(id=f"r-{number}", role="user", prompt="user", context=context_of("user", says=str(number)))


def bounded(folder: Path, **limits: Any) -> CachedModel:
    return CachedModel(ReplyCache(folder, budget=Budget(PRICES, ["m"], **limits)), "m", lambda: answering, {})


@pytest.mark.parametrize("limits", [{"max_tokens": 2500}, {"max_cost": 0.0065}])
async def test_a_budget_is_kept_over_processes(tmp_path: Path, limits: dict[str, Any]) -> None:
    model = bounded(tmp_path, **limits)
    for number in range(3):
        await model(question(number))
    name = next(iter(limits)).replace("max_tokens", "max_total_tokens")
    for again in (model, bounded(tmp_path, **limits)):
        with pytest.raises(BudgetSpent, match=rf"{name} of .* is used up: .* in 3 requests; .*raise {name}"):
            await again(question(3))
        assert (await again(question(2))).text == "yes"  # what is there costs nothing
    raised = {name: 2 * value for name, value in limits.items()}
    await bounded(tmp_path, **raised)(question(3))
    assert len(list(read_replies(tmp_path))) == 4


@pytest.mark.parametrize("limits", [{"max_tokens": 10_000}, {"max_cost": 0.02}])
async def test_a_server_that_counts_nothing_spends_a_budget_too(tmp_path: Path, limits: dict[str, Any]) -> None:
    async def uncounted(question: Question) -> Answer:
        return Answer(text="x" * 4000, usage=Usage(calls=1))

    def model() -> CachedModel:
        return CachedModel(ReplyCache(tmp_path, budget=Budget(PRICES, ["m"], **limits)), "m", lambda: uncounted, {})

    for number in range(12):
        with contextlib.suppress(BudgetSpent):
            await model()(question(number))  # some 1,000 tokens each, and the prompt's
    told = list(read_replies(tmp_path))
    assert 2 < len(told) < 10
    assert all(reply.guess is not None and reply.guess.completion == 1000 < reply.guess.prompt + 990 for reply in told)
    ledger = add_up(told, PRICES)
    assert (ledger.total.prompt, ledger.total.completion, ledger.total.cost) == (0, 0, 0.0)


async def test_a_reply_that_was_counted_is_not_guessed(tmp_path: Path) -> None:
    await bounded(tmp_path)(question(0))
    assert [reply.guess for reply in read_replies(tmp_path)] == [None]


async def test_work_that_has_begun_is_finished(tmp_path: Path) -> None:
    model = bounded(tmp_path, max_tokens=1000)

    async def conversation(first: int) -> list[str]:
        current_job.set(Job("rows"))
        return [(await model(question(first + turn))).text for turn in range(3)]

    done, other = await asyncio.gather(conversation(0), conversation(10))
    assert done == other == ["yes"] * 3
    with pytest.raises(BudgetSpent):
        await conversation(20)
    assert len(list(read_replies(tmp_path))) == 6


async def test_a_conversation_that_was_killed_begins_anew_under_the_budget(tmp_path: Path) -> None:
    await bounded(tmp_path)(question(0))
    model = bounded(tmp_path, max_tokens=1000)
    current_job.set(Job("rows"))
    assert (await model(question(0))).text == "yes"
    with pytest.raises(BudgetSpent):
        await model(question(1))


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    retail = Domain.load("retail")
    with pytest.raises(ValueError, match=r"max_cost needs a price for x: prices=.*max_total_tokens"):
        Roles(
            retail, "m", roles={"judge": [{"model": "m"}, {"model": "x"}]}, folder=tmp_path, max_cost=1, prices=PRICES
        )
    with pytest.raises(ValueError, match="need the run's folder"):
        Roles(retail, "m", max_total_tokens=5)
    Roles(retail, folder=tmp_path, max_cost=1)  # the scripted model costs nothing
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limits", [{}, {"max_cost": 10.0}])
async def test_the_cost_is_shown_while_a_stage_runs(tmp_path: Path, limits: dict[str, Any]) -> None:
    await bounded(tmp_path, **limits)(question(0))
    model = bounded(tmp_path, **limits)
    shown = Progress(tmp_path, "blueprints")
    assert "cost" not in shown.snapshot(), "what was spent before is not this stage's"
    answer = await model(question(1))
    assert shown.snapshot()["cost"] == pytest.approx(PRICES["m"].cost(answer.usage))
    shown.close()
