"""JSON schemas of the replies that are asked for, as servers take them that constrain what a model writes.

Such servers write the properties of an object in the schema's order, so every shape names what is thought before what
is decided. In their strict mode they take closed objects only, all of whose properties are required, and few keywords.
What a schema does not say any more (a least value, a default) is checked, or filled in, where the reply is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
NULL: Schema = {"type": "null"}
_SAYS, _ODD = {"type", "enum", "const", "anyOf", "$ref"}, {"oneOf", "allOf", "patternProperties", "not", "if"}
_KEPT = ("type", "enum")  # what a part is for, the prompt says


def reply_schema(shape: type[BaseModel]) -> Schema:
    """The closed schema of a reply of this shape."""
    return closed(shape.model_json_schema())


def closed(schema: Mapping[str, Any]) -> Schema:
    """A schema whose objects have all their properties and no others, references resolved. What was optional may be
    null. An object of which no property is known stays open, unless something closed may stand in its place."""
    return _closed(schema, schema.get("$defs", {}), ())


def _closed(schema: Mapping[str, Any], defs: Mapping[str, Any], within: tuple[str, ...]) -> Schema:
    if name := str(schema.get("$ref", "")).removeprefix("#/$defs/"):
        return {} if name in within or name not in defs else _closed(defs[name], defs, (*within, name))
    made = {key: schema[key] for key in _KEPT if key in schema}
    if "const" in schema:
        made["enum"] = [schema["const"]]
    if "items" in schema:
        made["items"] = _closed(schema["items"], defs, within)
    if choices := [_closed(choice, defs, within) for choice in schema.get("anyOf", schema.get("oneOf", ()))]:
        made["anyOf"] = [choice for choice in choices if is_closed(choice)] or choices
    if "properties" in schema:
        required = schema.get("required", ())
        parts = {name: _closed(part, defs, within) for name, part in schema["properties"].items()}
        made |= closed_object({name: part if name in required else _or_null(part) for name, part in parts.items()})
    return made


def closed_object(properties: Mapping[str, Schema]) -> Schema:
    """An object with these properties, all of them and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    choices = schema.get("anyOf", [schema])
    return schema if NULL in choices else {"anyOf": [*choices, NULL]}


def is_closed(schema: Any) -> bool:
    """Whether a schema is one that servers take as `strict`: every object in it lists all its properties as required
    and forbids others, and nothing in it may be just anything."""
    if not isinstance(schema, Mapping) or not schema.keys() & _SAYS or schema.keys() & _ODD:
        return False
    members, types = schema.get("properties", {}), _listed(schema.get("type"))
    closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(members)
    if ((members or "object" in types) and not closed) or ("array" in types and "items" not in schema):
        return False
    parts = [*members.values(), *schema.get("$defs", {}).values()]
    parts += [part for name in ("items", "anyOf", "prefixItems") for part in _listed(schema.get(name))]
    return all(map(is_closed, parts))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def without_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value without the nulls that `closed` has made of what may be left out by this schema."""
    return _without_nulls(value, schema, schema.get("$defs", {}))


def _without_nulls(value: Any, schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Any:
    schema = defs.get(str(schema.get("$ref", "")).removeprefix("#/$defs/"), schema)
    if isinstance(value, list):
        return [_without_nulls(item, schema.get("items", {}), defs) for item in value]
    if not isinstance(value, dict):
        return value
    parts, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _without_nulls(part, parts.get(name, {}), defs)
        for name, part in value.items()
        if not (part is None and name in parts and name not in required)
    }
