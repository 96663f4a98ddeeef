"""What a run has cost: prices of tokens, the budget that stops a run, and the sums over its replies."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from ..records import Record, Role, Usage
from ..storage.jsonl import Damaged
from ..storage.progress import add_meter
from . import Answer, BudgetSpent

PRICES = Path(__file__).parent / "prices.yaml"
LEDGER = "ledger.json"
MILLION = 1_000_000


class Price(Record):
    """US dollars per million tokens. `cached` is for the part of the prompt that came from the provider's cache; where
    it is not given, that part costs what the rest does."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(None, ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)

    def cost(self, usage: Usage) -> float:
        """US dollars for these tokens."""
        cached = self.prompt if self.cached is None else self.cached
        hit = min(usage.cached, usage.prompt)  # of a server that says otherwise, the prompt is believed
        return ((usage.prompt - hit) * self.prompt + hit * cached + usage.completion * self.completion) / MILLION


Prices = Mapping[str, Price]


class Reply(Record):
    """A line of `replies.jsonl`. `key` is the hash of the request, '' where no answer came; `id` is the question that
    was first asked so; `seconds` include the waiting; `retries` are those of the endpoint since the line before;
    `noticed` what it found odd about its server since then (a parameter that it does not take, a prompt that it cuts);
    `guess` is what an answer comes to that was given without a count of tokens, at four characters each."""

    key: str
    model: str
    role: Role
    id: str
    stage: str = ""
    seconds: float = 0.0
    retries: int = 0
    noticed: tuple[str, ...] = ()
    answer: Answer | None = None
    guess: Usage | None = None


@cache
def _listed() -> dict[str, Price]:
    found = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    return {model: Price.model_validate(price) for model, price in found.items()}


def price_table(own: Mapping[str, Price | Mapping[str, float]] | None = None) -> dict[str, Price]:
    """Model → price: `prices.yaml` with a run's `own` above it. Names must agree exactly; no price is ever guessed."""
    return _listed() | {model: Price.model_validate(dict(price)) for model, price in (own or {}).items()}


def role_prices(models: Mapping[str, str | Sequence[str]], prices: Prices) -> dict[str, Price]:
    """Role → price, for the roles whose models all have one and the same; `models` is role → name or names."""
    named = {role: [one] if isinstance(one, str) else list(one) for role, one in models.items()}
    known = {role: [prices.get(name) for name in names] for role, names in named.items()}
    return {role: of[0] for role, of in known.items() if of and of[0] is not None and of == of[:1] * len(of)}


def run_prices(manifest: Mapping[str, Any]) -> dict[str, Price]:
    """`role_prices` of a run, from its `run.json`."""
    own = (manifest.get("parameters") or {}).get("prices")
    return role_prices(manifest.get("models") or {}, price_table(own))


def dollars(usage: Mapping[Role, Usage], prices: Mapping[str, Price]) -> float | None:
    """What these tokens cost by the prices of their roles; None when a role has none, or nothing was counted."""
    counted = {role: used for role, used in usage.items() if used.prompt or used.completion}
    if not counted or counted.keys() - prices.keys():
        return None
    return sum(prices[role].cost(used) for role, used in counted.items())


class Budget:
    """What may be spent in one run's folder, over all its processes. ValueError when `max_cost` is given and one of the
    `models` has no price: a budget that cannot be kept is none. Replies without a count of tokens are guessed at four
    characters a token, here only: the ledger has what servers counted."""

    def __init__(
        self, prices: Prices, models: Iterable[str], max_cost: float | None = None, max_tokens: int | None = None
    ) -> None:
        if max_cost is not None and (unknown := [model for model in dict.fromkeys(models) if model not in prices]):
            raise ValueError(
                f"max_cost needs a price for {', '.join(unknown)}: "
                f"prices={{{unknown[0]}: {{prompt: 1.0, completion: 2.0}}}} in dollars per million tokens, "
                "or bound the run by max_total_tokens"
            )
        self._prices, self.max_cost, self.max_tokens = prices, max_cost, max_tokens
        self.cost, self.tokens, self.requests = 0.0, 0, 0
        add_meter(self, lambda me: {"cost": me.cost})

    @property
    def bounded(self) -> bool:
        """Whether anything stops at this budget; one without bounds only counts."""
        return self.max_cost is not None or self.max_tokens is not None

    def add(self, reply: Reply) -> None:
        """Count one reply."""
        self.requests += 1
        if reply.answer is not None:
            used = reply.guess or reply.answer.usage
            self.tokens += used.prompt + used.completion
            if reply.model in self._prices:
                self.cost += self._prices[reply.model].cost(used)

    def check(self) -> None:
        """BudgetSpent when nothing new may begin."""
        if self.max_cost is not None and self.cost >= self.max_cost:
            self._spent(f"max_cost of ${self.max_cost:g}", f"${self.cost:.2f}", "max_cost")
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            self._spent(f"max_total_tokens of {self.max_tokens:,}", f"{self.tokens:,} tokens", "max_total_tokens")

    def _spent(self, limit: str, spent: str, name: str) -> None:
        raise BudgetSpent(
            f"the {limit} is used up: {spent} in {self.requests:,} requests; "
            f"what is finished is kept, raise {name} and run again to go on"
        )


class Sum(Record):
    """Requests, tokens, time and money of a group of replies. `requests` counts questions sent, `failed` those of them
    without an answer, `retries` the tries beyond the first; `cached` is part of `prompt`; `seconds` are percentiles
    from question to reply, waiting included; `cost` in dollars is None where a model has no price."""

    requests: int = 0
    failed: int = 0
    retries: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    seconds: dict[str, float] = {}
    cost: float | None = None


class Ledger(Record):
    """What a run has cost: in all, per role, stage and model, per accepted blueprint (phase 1) and per verified
    trajectory (both phases). `unpriced` are the models that no price is known of; `noticed` is what was odd about a
    model's server, by model."""

    total: Sum
    roles: dict[str, Sum]
    stages: dict[str, Sum]
    models: dict[str, Sum]
    per_accepted_blueprint: dict[str, float | None] = {}
    per_verified_trajectory: dict[str, float | None] = {}
    unpriced: tuple[str, ...] = ()
    noticed: dict[str, tuple[str, ...]] = {}


def read_ledger(folder: Path) -> Ledger | None:
    """What a run's folder has cost, where models were paid for. Damaged when its `ledger.json` holds something else."""
    path = folder / LEDGER
    try:
        return Ledger.model_validate_json(path.read_bytes()) if path.is_file() else None
    except ValueError as error:
        raise Damaged(f"{path}: expected a ledger, found {error}; write it again with `apigen-nb run`") from None


class _Tally:
    def __init__(self) -> None:
        self.counts, self.seconds, self.cost = Counter[str](), array("f"), 0.0
        self.priced = True

    def add(self, reply: Reply, price: Price | None) -> None:
        self.seconds.append(reply.seconds)
        self.counts.update(requests=1, retries=reply.retries, failed=int(reply.answer is None))
        if reply.answer is not None:
            used = reply.answer.usage
            self.counts.update(prompt=used.prompt, cached=used.cached, completion=used.completion)
            self.cost += price.cost(used) if price else 0.0
            self.priced = self.priced and price is not None

    def sum(self) -> Sum:
        ordered, last = sorted(self.seconds), len(self.seconds) - 1
        seconds = {f"p{share}": round(ordered[last * share // 100], 3) for share in (50, 90, 99) if ordered}
        return Sum(**self.counts, seconds=seconds, cost=round(self.cost, 6) if self.priced else None)


def add_up(replies: Iterable[Reply], prices: Prices, accepted: int = 0, verified: int = 0) -> Ledger:
    """The ledger of these replies, one pass; `accepted` blueprints and `verified` trajectories came of them."""
    total, unpriced, noticed = _Tally(), set[str](), dict[str, set[str]]()
    groups: dict[str, dict[str, _Tally]] = {"roles": {}, "stages": {}, "models": {}}
    for reply in replies:
        if (price := prices.get(reply.model)) is None:
            unpriced.add(reply.model)
        total.add(reply, price)
        if reply.noticed:
            noticed.setdefault(reply.model, set()).update(reply.noticed)
        for group, name in zip(groups.values(), (reply.role, reply.stage or "other", reply.model), strict=True):
            group.setdefault(name, _Tally()).add(reply, price)
    sums = {kind: {name: tally.sum() for name, tally in sorted(group.items())} for kind, group in groups.items()}
    return Ledger(
        total=total.sum(),
        **sums,
        per_accepted_blueprint=_per(sums["stages"].get("blueprints", Sum(cost=0.0)), accepted),
        per_verified_trajectory=_per(total.sum(), verified),
        unpriced=tuple(sorted(unpriced)),
        noticed={model: tuple(sorted(said)) for model, said in sorted(noticed.items())},
    )


def _per(spent: Sum, count: int) -> dict[str, float | None]:
    if not count:
        return {}
    cost = None if spent.cost is None else round(spent.cost / count, 6)
    return {"requests": spent.requests / count, "tokens": (spent.prompt + spent.completion) / count, "cost": cost}
