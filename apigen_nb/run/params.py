"""The parameters of a run and what is valid for each; `params_file` reads them."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..blueprints.gates import GATE_NAMES
from ..blueprints.mixture import BEHAVIOUR_SHARES, KIND_SHARES, LEVEL_SHARES, normalise
from ..dataset.options import DatasetOptions
from ..models.extra_body import check_extra_body
from ..models.ledger import Price
from ..records import Behaviour, Kind, Level, Role
from ..storage.run_folder import RENAMED

SECRETS = ("sk-", "sk_", "hf_", "gsk_", "xai-", "Bearer ")


class ParamsError(ValueError):
    """The parameters cannot be used; one line says which, what was found and what was expected."""


def _url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise ValueError("expected a URL like http://localhost:8000/v1")
    return value


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("expected an odd number, so that a majority exists")
    return value


def _shares(value: dict[str, float]) -> dict[str, float]:
    normalise(value)
    return value


def _lists_are_judges(value: dict[Role, Any]) -> dict[Role, Any]:
    for role, setting in value.items():
        if isinstance(setting, list) and (role != "judge" or not setting):
            raise ValueError("only judge takes a list, of at least one; the other roles are one model each")
    return value


Url = Annotated[str, AfterValidator(_url)]
Shares = AfterValidator(_shares)
Odd = Annotated[int, AfterValidator(_odd)]
ExtraBody = Annotated[dict[str, Any], AfterValidator(check_extra_body)]
Weight = Annotated[float, Field(ge=0)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class RoleParams(_Strict):
    """How one role is asked; what is not given is taken from the run."""

    model: str | None = Field(None, description="Model name, or `scripted` for the stand-in.")
    base_url: Url | None = Field(None, description="OpenAI-compatible endpoint.")
    api_key_env: Variable | None = Field(None, description="NAME of the variable that holds the key.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; none: the server's default.")
    extra_body: ExtraBody | None = Field(None, description="Parameters of the server's own, like `{num_ctx: 16384}`.")
    prompt: str | None = Field(
        None, min_length=1, description="Your own prompt: a file (.md), or a folder with files named as the package's."
    )


class Params(_Strict):
    """All parameters. Each notebook declares those that it reads."""

    domain: str = Field("retail", description="Built-in name, folder, or `tau2:retail`.")
    count: int = Field(10, ge=1, description="How many seeds are drawn; each becomes a blueprint or is rejected.")
    random_seed: int = Field(1, description="Number that all sampling starts from.")
    kinds: Annotated[dict[Kind, float], Shares] = Field(KIND_SHARES, description="Kind of task → share of the seeds.")
    behaviours: Annotated[dict[Behaviour, float], Shares] = Field(
        BEHAVIOUR_SHARES, description="How users behave → share of the seeds."
    )
    difficulty: Annotated[dict[Level, float], Shares] = Field(
        LEVEL_SHARES, description="Level that is asked for → share of the seeds."
    )
    walk_length: int = Field(12, ge=2, description="Most tools in a walk on the API graph.")
    tool_weights: dict[str, Weight] = Field({}, description="Writing tool → how often it is drawn; 1 if not given.")
    personas: str | None = Field(None, description="JSONL file of personas, one text a line; none: composed ones.")
    reflections: int = Field(3, ge=0, description="Rounds of feedback after a failed attempt (paper: 3 or 5).")
    gates: list[str] = Field(list(GATE_NAMES), min_length=1, description="Gates in order; own: `module:function`.")
    threshold: float = Field(0.75, ge=0, le=1, description="Mean of the voted metrics that the committee asks for.")
    judges: Odd = Field(3, ge=1, description="Judges of the committee; odd, so that a majority exists.")
    recombined: float = Field(0.1, ge=0, le=1, description="Tasks recombined of 2-4 accepted, a share of the seeds.")
    attempts: int = Field(3, ge=1, description="Conversations per accepted blueprint.")
    best_of: int | None = Field(None, ge=1, description="Candidates a user message; none: 4, of the scripted model 1.")
    max_steps: int = Field(30, ge=1, description="Agent steps per conversation (tau-bench: 30).")
    tokenizer: str | None = Field(
        None, min_length=1, description="Counts tokens: a folder with tokenizer.json, or a package; none: estimated."
    )
    license: str = Field(
        "unknown", pattern=r"^[a-z0-9.-]+$", description="What the rows are under, as the Hub names licences."
    )
    dataset: DatasetOptions = Field(
        DatasetOptions(), description="Which conversations become rows, in which split; its parts stand under it."
    )
    concurrency: int = Field(32, ge=1, description="Jobs at the same time.")
    round_size: int = Field(50, ge=1, description="Seeds per round; the pool of examples grows between rounds.")
    model: str = Field("scripted", min_length=1, description="Model of all roles; `scripted` needs no key, no network.")
    base_url: Url | None = Field(None, description="OpenAI-compatible endpoint; none: OpenAI's.")
    api_key_env: Variable = Field("OPENAI_API_KEY", description="NAME of the variable that holds the key.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; none: the server's default.")
    extra_body: ExtraBody = Field({}, description="Parameters of the server's own, like `{num_ctx: 16384}`.")
    max_tokens: int | None = Field(None, ge=1, description="Longest reply in tokens; none: the server's limit.")
    timeout: float = Field(60.0, gt=0, description="Seconds to wait for one reply.")
    requests_per_minute: int | None = Field(None, ge=1, description="Most requests a minute; none: no limit of ours.")
    tokens_per_minute: int | None = Field(None, ge=1, description="Most tokens a minute; none: no limit of ours.")
    max_cost: float | None = Field(None, gt=0, description="Dollars after which nothing new begins; none: no limit.")
    max_total_tokens: int | None = Field(None, ge=1, description="Tokens after which nothing new begins.")
    prices: dict[str, Price] = Field({}, description="Model → dollars per million tokens; above the package's table.")
    offline: bool = Field(False, description="Only replies that are in the run's folder; no request is made.")
    roles: Annotated[dict[Role, RoleParams | list[RoleParams]], AfterValidator(_lists_are_judges)] = Field(
        {}, description="What differs for generator, judge (one, or a list), feedback, user, critic or agent."
    )

    def plain(self) -> dict[str, Any]:
        """The values as JSON knows them; what a role or `dataset` leaves out is left out."""
        values = self.model_dump(mode="json", exclude={"roles"})
        values["dataset"] = self.dataset.model_dump(mode="json", exclude_defaults=True)
        return values | {"roles": self.model_dump(mode="json", include={"roles"}, exclude_none=True)["roles"]}


def validated(values: dict[str, Any]) -> Params:
    """The parameters of these values. ParamsError, in one line, for an unknown name, a wrong type or value, a key where
    a name of a variable belongs."""
    for name in values:
        check_name(str(name))
    _no_keys(values)
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        # One problem a parameter: a union of types reports each of its members.
        problems = {problem["loc"][0]: _told(problem) for problem in reversed(error.errors(include_url=False))}
        raise ParamsError("; ".join(reversed(problems.values()))) from None


def check_name(name: str, also: Collection[str] = ()) -> None:
    """ParamsError, with the nearest name there is, for one that no parameter has and that is none of `also`."""
    names = [*Params.model_fields, *also]
    if name in names:
        return
    if "key" in name.lower() and name.lower() not in ("api_key_env", "api_key_var"):
        raise ParamsError(f"{name}: keys come from the environment; api_key_env is the NAME of the variable")
    near = difflib.get_close_matches(name, [*names, *RENAMED], 1)
    if near and near[0] in RENAMED:
        raise ParamsError(f"unknown parameter {name!r}; did you mean {RENAMED[near[0]]}, which was {near[0]}?")
    hint = not_one(name, names).partition("; ")[2]
    raise ParamsError(f"unknown parameter {name!r}; {hint}")


def current_names(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """These parameters by the names of today. One that was renamed is taken by its old name in this version, and said
    so on stderr, since `seed` and `seeds` were mistaken for each other; ParamsError where both names are given."""
    current = dict(values)
    for old in current.keys() & RENAMED.keys():
        if (new := RENAMED[old]) in current:
            raise ParamsError(f"{old} is now called {new}, and both are given; keep {new}")
        meant = Params.model_fields[new].description
        print(f"apigen-nb: {old} is now called {new} ({meant}) The next version refuses {old}.", file=sys.stderr)
        current[new] = current.pop(old)
    return current


def not_one(name: str, names: Sequence[str]) -> str:
    """That there is no such name, and which one was meant, or which there are."""
    close = difflib.get_close_matches(name, names, 1)
    return f"there is no {name!r}; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}")


def _told(problem: Any) -> str:
    """One of pydantic's errors in our words: which parameter, what was expected, what was found."""
    path = [str(part) for part in problem["loc"] if not str(part).startswith(("RoleParams", "list[", "[key]"))]
    if problem["type"] in ("literal_error", "extra_forbidden"):
        nested: dict[str, type[BaseModel]] = {"prices": Price, "dataset": DatasetOptions}
        parts = nested.get(path[0], RoleParams)
        known = re.findall(r"'(.*?)'", problem.get("ctx", {}).get("expected", "")) or list(parts.model_fields)
        if problem["type"] == "literal_error" and "[key]" not in problem["loc"]:
            path = [*(part for part in path if not part.isdigit()), str(problem["input"])]
        wrong = str(problem["input"]) if path[-1].isdigit() else path[-1]  # one of a list, or a name
        return f"{'.'.join(path[:-1])}: {not_one(wrong, known)}"
    message = problem["msg"].removeprefix("Value error, ")
    return (
        f"{'.'.join(path)}: {message}, found {json.dumps(problem.get('input'), ensure_ascii=False, default=str)[:80]}"
    )


def _no_keys(value: Any, name: str = "") -> None:
    # The value is never repeated in the message: it may be somebody's key, and parameters are written to run.json.
    if isinstance(value, dict | list):
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            _no_keys(item, f"{name}.{part}" if name else str(part))
    if not isinstance(value, str):
        return
    if value.strip().startswith(SECRETS):
        raise ParamsError(f"{name} looks like a key; keys come from the environment, name the variable instead")
    if "://" in value and "@" in value:
        raise ParamsError(f"{name} looks like a URL with a password; keys come from the environment")
    if name.rpartition(".")[2] == "base_url" and any(mark in value for mark in "@?#"):
        raise ParamsError(
            f"{name} has a user name or a query, which may hold a key, and parameters are written down; "
            "leave base_url out and set OPENAI_BASE_URL to it"
        )
