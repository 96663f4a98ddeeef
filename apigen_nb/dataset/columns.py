"""The columns of a dataset: their Arrow types, their form in Parquet, and as the features that a card declares.

Objects that differ in form (messages, tools) have the type `JSON_LIST`. Parquet holds them as text of its logical type
JSON; `datasets` from 4.7 on, which TRL asks for, gives back the very objects. A struct would give each call the
arguments of all others, as null. Older `datasets` say that they do not know the type. A column of text whose value is
no text holds its JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pyarrow as pa

from ..records import Role
from .rows import Scores, Tokens

JSON_LIST = pa.list_(pa.json_())
TEXT, INTEGER = pa.string(), pa.int64()
KEPT = 4096  # encoded values
Columns = Mapping[str, pa.DataType]
Example = Mapping[str, Any]

ABOUT: Columns = {
    **dict.fromkeys(
        ("id", "task_id", "group_id", "user", "domain", "kind", "behaviour", "level", "split"), pa.string()
    ),
    "models": pa.struct([(role, TEXT) for role in get_args(Role)]),
    "scores": pa.struct([(name, pa.float64()) for name in Scores.model_fields]),
    "tokens": pa.struct([(name, INTEGER) for name in Tokens.model_fields]),
    "license": TEXT,
}


def to_json(value: Any) -> str:
    """JSON in the order in which the value has its keys, as a model is shown it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def has_json(columns: Columns) -> bool:
    """Whether older `datasets` cannot read these."""
    return JSON_LIST in columns.values()


class Encoder:
    """Writes examples with these columns as JSON lines and as Arrow tables. Tools and messages, which many examples
    share, are encoded once."""

    def __init__(self, columns: Columns) -> None:
        self.columns, self.schema = columns, pa.schema(list(columns.items()))
        self._stored = pa.schema([(name, _storage(type)) for name, type in columns.items()])
        self._texts: dict[int, tuple[Any, str]] = {}

    def line(self, example: Example) -> str:
        """An example as a line of JSON."""
        parts = (f'"{name}":{self._json(value, self.columns[name])}' for name, value in example.items())
        return f"{{{','.join(parts)}}}\n"

    def table(self, examples: Sequence[Example]) -> pa.Table:
        """Examples as they stand in Parquet. What an example lacks is null."""
        rows = [
            {name: self._value(example.get(name), type) for name, type in self.columns.items()} for example in examples
        ]
        return pa.Table.from_pylist(rows, schema=self._stored).cast(self.schema)

    def _json(self, value: Any, type: pa.DataType) -> str:
        return f"[{','.join(map(self._text, value))}]" if type == JSON_LIST else self._text(value)

    def _value(self, value: Any, type: pa.DataType) -> Any:
        if value is None:
            return None
        if type == JSON_LIST:
            return [self._text(one) for one in value]
        return self._text(value) if type == TEXT and not isinstance(value, str) else value

    def _text(self, value: Any) -> str:
        if not isinstance(value, list | dict):
            return to_json(value)
        known = self._texts.get(id(value))  # holding the value keeps its id from being another's
        if known is None:
            if len(self._texts) > KEPT:
                self._texts.clear()
            known = self._texts[id(value)] = value, to_json(value)
        return known[1]


def _storage(type: pa.DataType) -> pa.DataType:
    return pa.list_(TEXT) if type == JSON_LIST else type


def as_features(columns: Columns) -> list[dict[str, Any]]:
    """The columns as the YAML of a card names them. ValueError where there is JSON: older `datasets`, which cannot read
    that column, could then read no config of the card."""
    if has_json(columns):
        raise ValueError("JSON columns are declared by their Parquet files, not by the card")
    return [{"name": name, **_feature(type)} for name, type in columns.items()]


def _feature(type: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(type):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in type]}
    if pa.types.is_list(type):
        inner = _feature(type.value_type)
        return {"list": inner["struct"]} if "struct" in inner else {"sequence": inner["dtype"]}
    return {"dtype": {"double": "float64"}.get(str(type), str(type))}
