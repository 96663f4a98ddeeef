"""Who plays which role: models built from a run's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records import Answer, Question
from ..world.domain import Domain
from . import Model
from .best_of_n import BestOf
from .ledger import Budget, Price, price_table, role_prices
from .rate_limits import Limits
from .reply_cache import Cassette, Recorded
from .scripted import LABEL, Scripted

if TYPE_CHECKING:
    from .endpoint import Endpoint

ROLES = ("generator", "judge", "feedback", "user", "agent")
CANDIDATES = 4  # of a best-of-N user (paper §3.2)
VOICE = ("model", "temperature", "prompt")


@dataclass(frozen=True)
class Prompted:
    """A model that is asked with a prompt of the user's own instead of its role's."""

    model: Model
    prompt: str

    async def __call__(self, question: Question) -> Answer:
        own = question.prompt == question.role
        return await self.model(question.model_copy(update={"prompt": self.prompt}) if own else question)


class Roles:
    """The models of a run. `roles` gives single roles settings of their own (model, base_url, api_key_env,
    temperature, prompt); for `judge` it may be a list, one a judge. `model="scripted"` is the embedded model.

    Replies of the others are kept in `folder`, the run's, and none is asked for twice; `offline` none is asked for at
    all. `max_cost` (dollars, by `prices` and the package's own table) and `max_total_tokens` bound what is spent in
    that folder. `best_of` is the number of candidates for each message of the user. ValueError when a budget cannot be
    kept: no folder, or a model without a price."""

    def __init__(
        self,
        domain: Domain,
        model: str = "scripted",
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        temperature: float | None = None,
        max_tokens: int | None = None,
        timeout: float = 60.0,
        concurrency: int = 32,
        seed: int = 0,
        roles: Mapping[str, Any] | None = None,
        folder: Path | str | None = None,
        offline: bool = False,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_cost: float | None = None,
        max_total_tokens: int | None = None,
        prices: Mapping[str, Any] | None = None,
        best_of: int | None = None,
    ) -> None:
        self._domain, self._seed, self._roles, self._best_of = domain, seed, dict(roles or {}), best_of
        self._common = {"model": model, "base_url": base_url, "api_key_env": api_key_env, "temperature": temperature}
        self._options: dict[str, Any] = {"max_tokens": max_tokens, "timeout": timeout}
        self._concurrency, self._rates = concurrency, (requests_per_minute, tokens_per_minute)
        self._quotas: dict[str, Limits] = {}
        self._scripted = Scripted(domain.phrases, seed)
        self._endpoints: dict[str, Endpoint] = {}
        self._cassette: Cassette | None = None
        bounded = max_cost is not None or max_total_tokens is not None
        if folder is None and (bounded or offline):
            raise ValueError(
                "offline, max_cost and max_total_tokens need the run's folder: Roles(..., folder=run.folder)"
            )
        self._prices = price_table(prices)
        if folder is not None:
            budget = Budget(self._prices, self._asked, max_cost, max_total_tokens)
            self._cassette = Cassette(folder, offline=offline, budget=budget)

    def _settings(self, role: str, number: int = 0) -> dict[str, Any]:
        own = self._roles.get(role, {})
        if isinstance(own, Sequence) and not isinstance(own, str):
            own = own[number % len(own)] if own else {}
        return {**self._common, **{name: value for name, value in dict(own).items() if value is not None}}

    def _model(self, role: str, number: int = 0) -> Model:
        settings = self._settings(role, number)
        # Only what is in the keys of the cassette: one model at two hosts is two voices.
        *before, own = ([self._settings(role, n).get(part) for part in VOICE] for n in range(number + 1))
        voice = before.count(own)
        prompt = settings.pop("prompt", None)
        model = self._played_by(settings, voice)
        return Prompted(model, prompt) if prompt and settings["model"] != "scripted" else model

    def _played_by(self, settings: dict[str, Any], voice: int) -> Model:
        if settings["model"] == "scripted":
            return self._scripted
        if self._cassette is None:
            return self._endpoint(settings)
        sampling = {"temperature": settings["temperature"], "max_tokens": self._options["max_tokens"]}
        return Recorded(self._cassette, settings["model"], lambda: self._endpoint(settings), sampling, voice)

    def _endpoint(self, settings: Mapping[str, Any]) -> Endpoint:
        from .endpoint import Endpoint  # importing openai takes most of a second

        name = repr(sorted(settings.items()))
        if name not in self._endpoints:
            # A quota is a model's at a server: roles that differ in temperature only have one in common.
            quota = repr([settings[part] for part in ("base_url", "api_key_env", "model")])
            limits = self._quotas.setdefault(quota, Limits(self._concurrency, *self._rates))
            self._endpoints[name] = Endpoint(**settings, **self._options, concurrency=self._concurrency, limits=limits)
        return self._endpoints[name]

    async def aclose(self) -> None:
        """Close the connections to all endpoints; a later question opens new ones."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

    @cached_property
    def generator(self) -> Model:
        return self._model("generator")

    @cached_property
    def feedback(self) -> Model:
        return self._model("feedback")

    @cached_property
    def user(self) -> Model:
        player = self._model("user")
        return BestOf(player, self._model("critic"), self.best_of) if self.best_of > 1 else player

    @property
    def best_of(self) -> int:
        """Candidates for each message of the user; unless asked for, 4 of a real model and 1 of the scripted one."""
        return self._best_of or (1 if self._settings("user")["model"] == "scripted" else CANDIDATES)

    @property
    def _played(self) -> tuple[str, ...]:
        return (*ROLES, "critic") if self.best_of > 1 else ROLES

    @cached_property
    def agent(self) -> Model:
        return self._model("agent")

    def judges(self, number: int = 3) -> list[Model]:
        """`number` judges; different models where `roles` lists several."""
        return [self._model("judge", n) for n in range(number)]

    @property
    def scripted(self) -> bool:
        """Whether the scripted model plays any role; figures are labelled then."""
        return any(LABEL in names for names in self.names.values())

    @property
    def names(self) -> dict[str, str]:
        """Role → model name, with the scripted model under its label; for the manifest and the dataset card."""
        listed = {}
        for role in self._played:
            names = dict.fromkeys(self._settings(role, n)["model"] for n in range(self._count(role)))
            listed[role] = ", ".join(LABEL if name == "scripted" else name for name in names)
        return listed

    @property
    def prices(self) -> dict[str, Price]:
        """Role → price, where one is known."""
        asked = {role: [self._settings(role, n)["model"] for n in range(self._count(role))] for role in self._played}
        return role_prices(asked, self._prices)

    def _count(self, role: str) -> int:
        many = self._roles.get(role)
        return len(many) if isinstance(many, Sequence) and not isinstance(many, str) else 1

    @property
    def _asked(self) -> list[str]:
        names = [self._settings(role, n)["model"] for role in self._played for n in range(self._count(role))]
        return [name for name in names if name != "scripted"]
