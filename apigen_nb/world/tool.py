"""A tool: a typed function with a docstring over the database. Its schema is derived from both."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints, overload

import docstring_parser
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic import Field as Described

from .world import Database, Refusal


class DomainError(Exception):
    """A domain cannot be used as it is; the message says what was found, what was expected and where."""


@dataclass(frozen=True)
class Tool:
    """A function that an agent can call. `kind` is "read", "write" or "other" (no data: transfer, calculate); a call of
    a tool that `ends` closes the conversation. `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]
    kind: Literal["read", "write", "other"]
    ends: bool
    check: Callable[[dict[str, Any]], dict[str, Any]] = field(compare=False)
    run: Callable[[Database, dict[str, Any]], Any] = field(compare=False)

    @property
    def writes(self) -> bool:
        return self.kind == "write"

    @property
    def schema(self) -> dict[str, Any]:
        """The tool in the OpenAI function format."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}

    @property
    def properties(self) -> dict[str, Any]:
        """Parameter → its JSON schema."""
        properties: dict[str, Any] = self.parameters.get("properties", {})
        return properties

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters without which the tool cannot be called."""
        return tuple(self.parameters.get("required", ()))

    @functools.cached_property
    def leaves(self) -> dict[str, dict[str, Any]]:
        """The scalar parameters, as dotted paths through objects and lists, each with its own schema."""
        return dict(_leaves(self.properties))


def first_schema(spec: dict[str, Any]) -> dict[str, Any]:
    """The first alternative of a schema that is not null."""
    return next((s for s in spec.get("anyOf", ()) if s.get("type") != "null"), spec)


def allowed_values(spec: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values that a parameter can have: its enum, or two and more that its description quotes as what it is."""
    if "enum" in spec:
        return tuple(spec["enum"])
    quoted = re.findall(r"'([A-Za-z][A-Za-z _-]*)'", str(spec.get("description", "")))
    return tuple(quoted) if len(quoted) > 1 and spec.get("type") == "string" else ()


def _leaves(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, spec in properties.items():
        inner = first_schema(spec)
        while inner.get("type") == "array":
            inner = first_schema(inner.get("items", {}))
        if "properties" in inner:
            yield from _leaves(inner["properties"], f"{above}{name}.")
        else:
            yield f"{above}{name}", inner


F = TypeVar("F", bound=Callable[..., Any])


@overload
def tool(function: F) -> F: ...


@overload
def tool(function: None = None, *, writes: bool = False, ends: bool = False, data: bool = True) -> Callable[[F], F]: ...


def tool(
    function: Callable[..., Any] | None = None, *, writes: bool = False, ends: bool = False, data: bool = True
) -> Any:
    """Mark a function of `tools.py` as a tool. `writes`: it changes the database. `ends`: it closes the conversation.
    `data=False`: it neither reads nor changes the database."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        kind = "write" if writes else "read" if data and not ends else "other"
        function.__tool__ = {"kind": kind, "ends": ends}  # type: ignore[attr-defined]
        return function

    return mark if function is None else mark(function)


def describe_problems(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"])
        found = "" if problem["type"] == "missing" else f", found {json.dumps(problem.get('input'), default=str)[:80]}"
        parts.append(f"{where}: {problem['msg']}{found}")
    return "; ".join(parts)


def derive_tool(function: Callable[..., Any]) -> Tool:
    """A tool from a typed function with a docstring: its first parameter is the database, the others are the arguments.
    DomainError when a type, the docstring or a parameter's description is missing."""
    name, marks = function.__name__, function.__tool__  # type: ignore[attr-defined]
    where = f"tool {name} ({Path(inspect.getsourcefile(function) or '?').name}:{function.__code__.co_firstlineno})"
    doc = docstring_parser.parse(inspect.cleandoc(function.__doc__ or ""))
    if not doc.short_description:
        raise DomainError(f"{where} has no docstring; its docstring is what the agent reads")
    described = {p.arg_name: " ".join((p.description or "").split()) for p in doc.params}
    fields = _fields(function, described, where)
    model: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **fields)

    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return model.model_validate(arguments).model_dump(exclude_unset=True)
        except ValidationError as error:
            raise Refusal(f"wrong arguments for {name}: {describe_problems(error)}", kind="wrong arguments") from None

    parameters = _without_titles(model.model_json_schema())
    text = "\n\n".join(part for part in (doc.short_description, doc.long_description) if part)
    return Tool(
        name, text, parameters, marks["kind"], marks["ends"], check, lambda db, arguments: function(db, **arguments)
    )


def _fields(function: Callable[..., Any], described: Mapping[str, str], where: str) -> dict[str, Any]:
    """The parameters of a tool's function but the first, as fields of a pydantic model."""
    hints, fields = get_type_hints(function, include_extras=True), dict[str, Any]()
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name not in hints:
            raise DomainError(f"{where}: parameter {parameter.name!r} has no type")
        if not described.get(parameter.name):
            raise DomainError(f"{where}: parameter {parameter.name!r} is not described under 'Args:' in the docstring")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Described(default, description=described[parameter.name]))
    return fields


def _without_titles(schema: Any) -> Any:
    # pydantic repeats each name as a title; models pay for it in tokens
    if isinstance(schema, dict):
        return {k: _without_titles(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
