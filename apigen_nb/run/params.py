"""The parameters of a run: one flat YAML file, validated before anything starts."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from ..blueprints.mixture import BEHAVIOUR_SHARES, KIND_SHARES, LEVEL_SHARES, normalise
from ..blueprints.personas import BadPersonas, read_personas
from ..models.ledger import Budget, Price, price_table
from ..records import BEHAVIOURS, KINDS, LEVELS, Behaviour, Kind, Level, Role
from ..world.domain import Domain, DomainError

PLAYED: tuple[Role, ...] = ("generator", "judge", "feedback", "user", "agent")  # the critic comes with best-of-N
GATES = ("format", "execution", "policy", "grounding", "kind", "committee")
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
MIXES = {"kinds": KINDS, "behaviours": BEHAVIOURS, "difficulty": LEVELS}
SECRETS = ("sk-", "sk_", "hf_", "gsk_", "xai-", "Bearer ")


class ParamsError(Exception):
    """The parameters cannot be used; one line says which, what was found and what was expected."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("base_url", check_fields=False)
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("expected a URL like http://localhost:8000/v1")
        return value


class RoleParams(_Strict):
    """How one role is asked; what is not given is taken from the run."""

    model: str | None = Field(None, description="Model name, or `scripted` for the stand-in.")
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint.")
    api_key_env: str | None = Field(None, pattern=VARIABLE, description="NAME of the variable that holds the key.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; none: the server's default.")
    prompt: str | None = Field(
        None, pattern=r"\.md$", description="File of a prompt of your own, instead of the role's."
    )


class Params(_Strict):
    """All parameters. Each notebook declares those that it reads."""

    domain: str = Field("retail", description="Built-in name, folder, or `tau2:retail`.")
    seeds: int = Field(10, ge=1, description="How many seeds are drawn; each becomes a blueprint or is rejected.")
    seed: int = Field(1, description="Number that all sampling starts from.")
    kinds: dict[Kind, float] = Field(KIND_SHARES, description="Kind of task → share of the seeds.")
    behaviours: dict[Behaviour, float] = Field(BEHAVIOUR_SHARES, description="How users behave → share of the seeds.")
    difficulty: dict[Level, float] = Field(LEVEL_SHARES, description="Level that is asked for → share of the seeds.")
    walk_length: int = Field(12, ge=2, description="Most tools in a walk on the API graph.")
    tool_weights: dict[str, float] = Field({}, description="Writing tool → how often it is drawn; 1 if not given.")
    personas: str | None = Field(None, description="JSONL file of personas, one text a line; none: composed ones.")
    reflections: int = Field(3, ge=0, description="Rounds of feedback after a failed attempt (paper: 3 or 5).")
    gates: list[str] = Field(list(GATES), min_length=1, description="Gates in order; own ones as `module:function`.")
    threshold: float = Field(0.75, ge=0, le=1, description="Mean of the voted metrics that the committee asks for.")
    judges: int = Field(3, ge=1, description="Judges of the committee; odd, so that a majority exists.")
    recombined: float = Field(0.1, ge=0, le=1, description="Tasks recombined of 2-4 accepted, a share of the seeds.")
    attempts: int = Field(3, ge=1, description="Conversations per accepted blueprint.")
    best_of: int | None = Field(None, ge=1, description="Candidates a user message; none: 4, of the scripted model 1.")
    max_steps: int = Field(30, ge=1, description="Agent steps per conversation (tau-bench: 30).")
    concurrency: int = Field(32, ge=1, description="Jobs at the same time.")
    round_size: int = Field(50, ge=1, description="Seeds per round; the pool of examples grows between rounds.")
    model: str = Field("scripted", min_length=1, description="Model of all roles; `scripted` needs no key, no network.")
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint; none: OpenAI's.")
    api_key_env: str = Field("OPENAI_API_KEY", pattern=VARIABLE, description="NAME of the variable that holds the key.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; none: the server's default.")
    max_tokens: int | None = Field(None, ge=1, description="Longest reply in tokens; none: the server's limit.")
    timeout: float = Field(60.0, gt=0, description="Seconds to wait for one reply.")
    requests_per_minute: int | None = Field(None, ge=1, description="Most requests a minute; none: no limit of ours.")
    tokens_per_minute: int | None = Field(None, ge=1, description="Most tokens a minute; none: no limit of ours.")
    max_cost: float | None = Field(None, gt=0, description="Dollars after which nothing new begins; none: no limit.")
    max_total_tokens: int | None = Field(None, ge=1, description="Tokens after which nothing new begins.")
    prices: dict[str, Price] = Field({}, description="Model → dollars per million tokens; above the package's table.")
    offline: bool = Field(False, description="Only replies that are in the run's folder; no request is made.")
    roles: dict[Role, RoleParams | list[RoleParams]] = Field(
        {}, description="What differs for generator, judge (one, or a list), feedback, user, critic or agent."
    )

    @field_validator("judges")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("expected an odd number, so that a majority exists")
        return value

    @field_validator("roles")
    @classmethod
    def _lists_are_judges(cls, value: dict[Role, Any]) -> dict[Role, Any]:
        for role, setting in value.items():
            if isinstance(setting, list) and (role != "judge" or not setting):
                raise ValueError("only judge takes a list, of at least one; the other roles are one model each")
        return value

    @field_validator(*MIXES, mode="before")
    @classmethod
    def _are_known(cls, value: Any, info: ValidationInfo) -> Any:
        for name in value if isinstance(value, dict) else ():
            if name not in MIXES[str(info.field_name)]:
                raise ValueError(_not_one(str(name), MIXES[str(info.field_name)]))
        return value

    @field_validator(*MIXES)
    @classmethod
    def _are_shares(cls, value: dict[Any, float]) -> dict[Any, float]:
        normalise(value)
        return value

    @field_validator("tool_weights")
    @classmethod
    def _are_weights(cls, value: dict[str, float]) -> dict[str, float]:
        if any(weight < 0 for weight in value.values()):
            raise ValueError("expected weights of 0 or more")
        return value

    def plain(self) -> dict[str, Any]:
        """The values as JSON knows them, what a role leaves out left out."""
        values = self.model_dump(mode="json", exclude={"roles"})
        return values | {"roles": self.model_dump(mode="json", include={"roles"}, exclude_none=True)["roles"]}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """`safe_load` that refuses a name given twice; YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise yaml.MarkedYAMLError(problem=f"{twice[0]} is given twice", problem_mark=node.start_mark)
        return dict(super().construct_mapping(node, deep))


def load_params(path: Path | str | None, overrides: Iterable[str] = (), base: dict[str, Any] | None = None) -> Params:
    """The parameters of a YAML file with `name=value` overrides on top; without a file, `base` or the defaults.
    ParamsError, in one line, for anything that would stop the run later: a missing or broken file, an unknown name, a
    wrong type, a domain that does not load, a gate that is not there, a key where a name of a variable belongs."""
    values = dict(base or {}) if path is None else _read(Path(path))
    where = "" if path is None else f"{path}: "
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise ParamsError(f"-p {override}: expected name=value")
        _known(name.strip(), "-p ")
        values[name.strip()] = _value(name.strip(), text)
    for name in values:
        _known(str(name), where)
    _no_keys(values, where)
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        # One problem a parameter: a union of types reports each of its members.
        problems = {problem["loc"][0]: _problem(problem) for problem in reversed(error.errors(include_url=False))}
        raise ParamsError(where + "; ".join(reversed(problems.values()))) from None
    with _importable_from_here():
        try:
            domain = Domain.load(params.domain)
        except DomainError as error:
            raise ParamsError(f"{where}domain: {_one_line(error)}") from None
        _weights(params, domain, where)
        for gate in params.gates:
            _gate(gate, where)
    try:
        read_personas(params.personas)
    except BadPersonas as error:
        raise ParamsError(f"{where}personas: {_one_line(error)}") from None
    _prompts(params, where)
    _access(params, where)
    try:
        Budget(price_table(params.prices), (model for _, model, _ in _asked(params)), params.max_cost)
    except ValueError as error:
        raise ParamsError(f"{where}{error}") from None
    return params


def _weights(params: Params, domain: Domain, where: str) -> None:
    writing = [name for name, tool in domain.tools.items() if tool.writes]
    for name in params.tool_weights:
        if name not in writing:
            raise ParamsError(f"{where}tool_weights: {_not_one(name, writing)}")
    if writing and not any(params.tool_weights.get(name, 1) for name in writing):
        raise ParamsError(f"{where}tool_weights: every writing tool has weight 0; expected one above 0")


def _not_one(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f"there is no {name!r}; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}")


def _asked(params: Params) -> Iterator[tuple[Role, str, RoleParams]]:
    """Role, model and settings of everybody that is no stand-in."""
    for role in PLAYED:
        setting = params.roles.get(role, RoleParams.model_validate({}))
        for one in setting if isinstance(setting, list) else [setting]:
            if (model := one.model or params.model) != "scripted":
                yield role, model, one


def _prompts(params: Params, where: str) -> None:
    for role, _, one in _asked(params):
        if one.prompt is not None:
            from ..models.chat_format import check

            try:
                check(one.prompt, role)
            except ValueError as error:
                raise ParamsError(f"{where}{role}: {_one_line(error)}") from None


def _access(params: Params, where: str) -> None:
    # Found out here, a missing key costs nothing; found out by a notebook, it costs a kernel and half a run.
    for role, _, one in () if params.offline else _asked(params):
        from ..models.api_keys import access  # most runs need none of it

        try:
            access(one.base_url or params.base_url, one.api_key_env or params.api_key_env)
        except ValueError as error:
            hint = "; replies that are there can be played without one: --offline" if "not set" in str(error) else ""
            raise ParamsError(f"{where}{role}: {error}{hint}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read: {_one_line(error)}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ParamsError(f"{path}{line}: broken YAML: {getattr(error, 'problem', None) or _one_line(error)}") from None
    if values is not None and not isinstance(values, dict):
        raise ParamsError(f"{path}: expected lines of name: value, found a {type(values).__name__}")
    return values or {}


def _known(name: str, where: str) -> None:
    if name in Params.model_fields:
        return
    if "key" in name.lower() and name.lower() not in ("api_key_env", "api_key_var"):
        raise ParamsError(f"{where}{name}: keys come from the environment; api_key_env is the NAME of the variable")
    hint = _not_one(name, list(Params.model_fields)).partition("; ")[2]
    raise ParamsError(f"{where}unknown parameter {name!r}; {hint}")


def _value(name: str, text: str) -> Any:
    kind: Any = Params.model_fields[name].annotation
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError:
        value = text
    # A text stays the text that was typed: YAML would turn a model named 007 into 7.
    return text if str in kinds and not (value is None and type(None) in kinds) else value


def _no_keys(value: Any, where: str, name: str = "") -> None:
    # The value is never repeated in the message: it may be somebody's key, and parameters are written to run.json.
    if isinstance(value, str) and value.strip().startswith(SECRETS):
        raise ParamsError(f"{where}{name} looks like a key; keys come from the environment, name the variable instead")
    if isinstance(value, str) and "://" in value and "@" in value:
        raise ParamsError(f"{where}{name} looks like a URL with a password; keys come from the environment")
    if isinstance(value, str) and name.rpartition(".")[2] == "base_url" and any(mark in value for mark in "@?#"):
        raise ParamsError(
            f"{where}{name} has a user name or a query, which may hold a key, and parameters are written down; "
            "leave base_url out and set OPENAI_BASE_URL to it"
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _no_keys(item, where, f"{name}.{key}" if name else str(key))
    if isinstance(value, list):
        for number, item in enumerate(value):
            _no_keys(item, where, f"{name}.{number}")


def _problem(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"] if not str(part).startswith(("RoleParams", "list[", "[key]")))
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message}, found {json.dumps(problem.get('input'), ensure_ascii=False, default=str)[:80]}"


def _gate(name: str, where: str) -> None:
    if name in GATES:
        return
    module, colon, function = name.partition(":")
    if not colon:
        raise ParamsError(f"{where}gates: no gate {name!r}; there are {', '.join(GATES)} and your own, module:function")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:
        # Whatever an own module raises while it is imported, the run cannot start with it.
        problem = f"{type(error).__name__}: {_one_line(error)}"
        raise ParamsError(f"{where}gates: {name} cannot be imported: {problem}") from None
    if not callable(found):
        raise ParamsError(f"{where}gates: {module} has no function {function!r}")


@contextlib.contextmanager
def _importable_from_here() -> Iterator[None]:
    # The `apigen-nb` script, unlike `python -m`, does not have the working directory on its path.
    sys.path.insert(0, os.getcwd())
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
