"""A form from a JSON schema: a field for each argument of a tool, and the arguments that were filled in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as W

from ...storage.safe_text import clean
from .layout import line, stack

WIDE = {"description_width": "170px"}  # fields stand under each other
Field = tuple[W.Widget, Callable[[], Any]]  # and how what was typed into it is read


class Unreadable(Exception):
    """What was typed into a field is no value for it."""


class Form:
    """Fields for the properties of an object's schema. `values()` are the arguments: required ones always, others when
    their box is ticked. `known(name)` gives values to suggest for a text, such as ids."""

    def __init__(self, schema: Mapping[str, Any], known: Callable[[str], Sequence[str]] = lambda _: ()) -> None:
        self._known, self._defs = known, dict(schema.get("$defs", {}))
        self._parts: dict[str, tuple[W.Checkbox | None, Callable[[], Any]]] = {}
        shown = []
        required = set(schema.get("required", ()))
        for name, part in dict(schema.get("properties", {})).items():
            box, read = self._field(name, self._resolved(part))
            told = W.Label(clean(str(part.get("description", "")))[:200])
            if not isinstance(box, W.Box):
                box.layout = W.Layout(width="400px", max_width="100%")
            tick = None
            if name not in required:
                tick = W.Checkbox(value=False, description="give", indent=False, layout=W.Layout(width="70px"))
                tick.tooltip = f"give {name}, which is optional"
            self._parts[name] = tick, read
            shown.append(line(*([tick] if tick else []), box, told))
        self.box = stack(*shown) if shown else stack(W.Label("no arguments"))

    def values(self) -> dict[str, Any]:
        """The arguments as JSON values. Unreadable names the field, what was found and what was expected."""
        return {name: read() for name, (tick, read) in self._parts.items() if tick is None or tick.value}

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema behind a reference; of `X | null` that of X: leaving an argument out is another matter."""
        if "$ref" in schema:
            return self._resolved(self._defs.get(str(schema["$ref"]).rpartition("/")[2], {}))
        some = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
        return self._resolved({**some[0], "default": schema.get("default")}) if len(some) == 1 else schema

    def _field(self, name: str, schema: Mapping[str, Any]) -> Field:
        """What a value of this schema is typed into, and how that is read."""
        if "enum" in schema or "const" in schema:
            options = _options(schema.get("enum", [schema.get("const")]))
            return _plain(W.Dropdown(description=name, options=options, style=WIDE))
        kind, default = schema.get("type"), schema.get("default")
        if kind in ("boolean", "integer", "number"):
            return _plain(_box(name, kind, default))
        if kind == "string":
            return _plain(self._suggesting(name, default if isinstance(default, str) else ""))
        item = self._resolved(schema.get("items") or {})
        if kind == "array" and "enum" in item:
            many = W.SelectMultiple(description=name, options=_options(item["enum"]), style=WIDE)
            return many, lambda: list(many.value)
        if kind == "array" and item.get("type") in ("string", "integer", "number"):
            return _one_a_line(name, item["type"])
        if kind == "object" and schema.get("properties"):
            inner = Form({**schema, "$defs": self._defs}, self._known)
            frame = W.VBox([W.Label(name), inner.box], layout=W.Layout(border="1px solid #dde3ea", padding="4px"))
            return frame, inner.values
        raw = W.Textarea(description=name, placeholder="JSON", rows=3, style=WIDE)
        raw.value = "" if default is None else json.dumps(default)
        return raw, lambda: _json(name, raw.value)

    def _suggesting(self, name: str, value: str) -> W.Combobox:
        """A text, with the values that are known for it."""
        box = W.Combobox(description=name, value=value, options=tuple(self._known(name)), style=WIDE)
        box.continuous_update = False
        return box


def _options(values: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(clean(str(value)), value) for value in values]


def _box(name: str, kind: str, default: Any) -> W.Widget:
    """A tick or a number."""
    if kind == "boolean":
        return W.Checkbox(description=name, value=bool(default), indent=False)
    if kind == "integer":
        return W.IntText(description=name, value=default if isinstance(default, int) else 0, style=WIDE)
    number = float(default) if isinstance(default, int | float) else 0.0
    return W.FloatText(description=name, value=number, style=WIDE)


def _one_a_line(name: str, kind: str) -> Field:
    """A list of texts or numbers."""
    text = W.Textarea(description=name, placeholder="one a line", rows=3, style=WIDE)
    return text, lambda: [_scalar(name, row.strip(), kind) for row in text.value.splitlines() if row.strip()]


def _plain(box: Any) -> Field:
    return box, lambda: box.value


def _scalar(name: str, text: str, kind: str) -> Any:
    if kind == "string":
        return text
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        raise Unreadable(
            f"{name}: expected {'an' if kind == 'integer' else 'a'} {kind} a line, found {text!r}"
        ) from None


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unreadable(f"{name}: expected JSON, found {text[:60]!r} ({error})") from None
