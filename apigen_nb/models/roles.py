"""Who plays which role: models built from a run's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from ..world.domain import Domain
from . import Answer, Model, Question
from .chat_format import own_prompts
from .endpoint import Endpoint
from .extra_body import check_extra_body
from .ledger import Budget, Price, price_table, role_prices
from .rate_limits import Limits
from .reply_cache import CachedModel, ReplyCache
from .scripted import LABEL, Scripted

ROLES = ("generator", "judge", "feedback", "user", "agent")
CANDIDATES = 4  # of a best-of-N user (paper §3.2)
VOICE = ("model", "temperature", "extra_body", "prompt")


@dataclass(frozen=True)
class Prompted:
    """A model that is asked with prompts of the user's own instead of the package's: see `own_prompts`."""

    model: Model
    own: Mapping[str, str]

    async def __call__(self, question: Question) -> Answer:
        prompt = self.own.get(question.prompt)
        return await self.model(question.model_copy(update={"prompt": prompt}) if prompt else question)


def _played(role: str) -> cached_property[Model]:
    """The model of a role, made when it is first asked for: a run whose replies are all kept needs no key."""
    return cached_property(lambda models: models._model(role))


class Roles:
    """The models of a run. `roles` gives single roles settings of their own (model, base_url, api_key_env,
    temperature, extra_body, prompt); for `judge` it may be a list, one a judge. `model="scripted"` is the embedded
    model. `extra_body` are parameters of a server's own ({"num_ctx": 16384}), sent with every question.

    Replies of the others are kept in `folder`, the run's, and none is asked for twice; `offline` none is asked for at
    all. `max_cost` (dollars, by `prices` and the package's own table) and `max_total_tokens` bound what is spent in
    that folder. `best_of` is the number of candidates for each message of the user. ValueError when a budget cannot be
    kept (no folder, or a model without a price), or an `extra_body` holds what we set, or what may be a key."""

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
        random_seed: int = 0,
        roles: Mapping[str, Any] | None = None,
        folder: Path | str | None = None,
        offline: bool = False,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_cost: float | None = None,
        max_total_tokens: int | None = None,
        prices: Mapping[str, Any] | None = None,
        best_of: int | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self._roles, self._best_of = dict(roles or {}), best_of
        self._common: dict[str, Any] = {"model": model, "base_url": base_url, "api_key_env": api_key_env}
        self._common |= {"temperature": temperature, "extra_body": dict(extra_body or {})}
        for one in (one for role in (*ROLES, "critic") for one in self._settings(role)):
            check_extra_body(one["extra_body"])
        self._options: dict[str, Any] = {"max_tokens": max_tokens, "timeout": timeout}
        self._limits = (concurrency, requests_per_minute, tokens_per_minute)
        self._quotas: dict[str, Limits] = {}
        self._scripted = Scripted(domain.phrases, random_seed)
        self._endpoints: dict[str, Endpoint] = {}
        self._cache: ReplyCache | None = None
        bounded = max_cost is not None or max_total_tokens is not None
        if folder is None and (bounded or offline):
            raise ValueError(
                "offline, max_cost and max_total_tokens need the run's folder: Roles(..., folder=run.folder)"
            )
        self._prices = price_table(prices)
        if folder is not None:
            asked = [name for names in self._models.values() for name in names if name != "scripted"]
            budget = Budget(self._prices, asked, max_cost, max_total_tokens)
            self._cache = ReplyCache(folder, offline=offline, budget=budget)

    def _settings(self, role: str) -> list[dict[str, Any]]:
        """The settings of all models that play a role in turn; a judge may have several."""
        own = self._roles.get(role) or {}
        listed = [own] if isinstance(own, Mapping) else own
        return [self._common | {name: value for name, value in one.items() if value is not None} for one in listed]

    def _model(self, role: str, number: int = 0) -> Model:
        listed = list(islice(cycle(self._settings(role)), number + 1))
        settings = listed[number]
        if settings["model"] == "scripted":
            return self._scripted
        # Only what is in the keys of the reply cache: one model at two hosts is two voices.
        *before, own = ([one.get(part) for part in VOICE] for one in listed)
        prompt = settings.pop("prompt", None)
        model: Model
        if self._cache is None:
            model = self._endpoint(settings)
        else:
            sampling = {"temperature": settings["temperature"], "max_tokens": self._options["max_tokens"]}
            if settings["extra_body"]:
                sampling["extra_body"] = settings["extra_body"]
            name, build = settings["model"], partial(self._endpoint, settings)
            model = CachedModel(self._cache, name, build, sampling, before.count(own))
        return Prompted(model, own_prompts(prompt, role)) if prompt else model

    def _endpoint(self, settings: Mapping[str, Any]) -> Endpoint:
        name = repr(sorted(settings.items()))
        if name not in self._endpoints:
            # A quota is a model's at a server: roles that differ in temperature only have one in common.
            quota = repr([settings[part] for part in ("base_url", "api_key_env", "model")])
            limits = self._quotas.setdefault(quota, Limits(*self._limits))
            self._endpoints[name] = Endpoint(**settings, **self._options, limits=limits)
        return self._endpoints[name]

    async def aclose(self) -> None:
        """Close the connections to all endpoints; a later question opens new ones."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()

    generator, feedback, agent = _played("generator"), _played("feedback"), _played("agent")
    user, critic = _played("user"), _played("critic")

    def judges(self, number: int = 3) -> list[Model]:
        """`number` judges; different models where `roles` lists several."""
        return [self._model("judge", n) for n in range(number)]

    @property
    def best_of(self) -> int:
        """Candidates for each message of the user; unless asked for, 4 of a real model and 1 of the scripted one."""
        return self._best_of or (1 if self._settings("user")[0]["model"] == "scripted" else CANDIDATES)

    @property
    def _models(self) -> dict[str, list[str]]:
        played = (*ROLES, "critic") if self.best_of > 1 else ROLES
        return {role: [settings["model"] for settings in self._settings(role)] for role in played}

    @property
    def scripted(self) -> bool:
        """Whether the scripted model plays any role; figures are labelled then."""
        return any("scripted" in names for names in self._models.values())

    @property
    def names(self) -> dict[str, str]:
        """Role → model name, with the scripted model under its label; for the manifest and the dataset card."""
        label = {"scripted": LABEL}
        return {
            role: ", ".join(dict.fromkeys(label.get(name, name) for name in names))
            for role, names in self._models.items()
        }

    @property
    def prices(self) -> dict[str, Price]:
        """Role → price, where one is known."""
        return role_prices(self._models, self._prices)
