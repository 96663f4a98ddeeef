"""Who plays which role: models built from a run's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ..domain import Domain
from . import Model
from .scripted import LABEL, Scripted


class Cast:
    """The models of a run. `roles` gives single roles settings of their own (model, base_url, api_key_env,
    temperature); for `judge` it may be a list, one a judge. `model="scripted"` is the embedded model."""

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
    ) -> None:
        self._domain, self._seed, self._roles = domain, seed, dict(roles or {})
        self._common = {"model": model, "base_url": base_url, "api_key_env": api_key_env, "temperature": temperature}
        self._max_tokens, self._timeout, self._concurrency = max_tokens, timeout, concurrency
        self._built: dict[str, Model] = {}

    def _settings(self, role: str, number: int = 0) -> dict[str, Any]:
        own = self._roles.get(role, {})
        if isinstance(own, Sequence) and not isinstance(own, str):
            own = own[number % len(own)] if own else {}
        return {**self._common, **{name: value for name, value in dict(own).items() if value is not None}}

    def _model(self, role: str, number: int = 0) -> Model:
        settings = self._settings(role, number)
        name = repr(sorted(settings.items(), key=lambda item: item[0]))
        if name not in self._built:
            if settings["model"] == "scripted":
                self._built[name] = Scripted(self._domain.phrases, self._seed)
            else:
                from .endpoint import Endpoint  # importing openai takes most of a second

                self._built[name] = Endpoint(
                    **settings, max_tokens=self._max_tokens, timeout=self._timeout, concurrency=self._concurrency
                )
        return self._built[name]

    @cached_property
    def generator(self) -> Model:
        return self._model("generator")

    @cached_property
    def feedback(self) -> Model:
        return self._model("feedback")

    @cached_property
    def user(self) -> Model:
        return self._model("user")

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
        roles = ("generator", "judge", "feedback", "user", "agent")
        listed = {}
        for role in roles:
            many = self._roles.get("judge") if role == "judge" else None
            count = len(many) if isinstance(many, Sequence) and not isinstance(many, str) else 1
            names = dict.fromkeys(self._settings(role, n)["model"] for n in range(count))
            listed[role] = ", ".join(LABEL if name == "scripted" else name for name in names)
        return listed
