"""Write the page of the public names: `python docs/api.py` makes api.md beside this file from the names in
`apigen_nb/__init__.pyi`, their signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import apigen_nb  # noqa: E402  # the path is set above
from tests.test_layers import FLOOR  # noqa: E402

TARGET = ROOT / "docs" / "api.md"
HEAD = """# The public names

Written by `python docs/api.py`. What stands here is what notebooks and domain folders import, with
`from apigen_nb import …`; everything else may change without a word.
"""


def called(name: str, value: object) -> str:
    """How a thing is called, as it is written: a record with its fields, a function or class with its parameters."""
    if inspect.isclass(value) and issubclass(value, BaseModel):
        fields = {part.target.id: part for part in class_body(value) if isinstance(part, ast.AnnAssign)}  # type: ignore[union-attr]
        inherited = [field for field in value.model_fields if field not in fields]
        return wrapped(name, [*inherited, *(ast.unparse(fields[f]) for f in value.model_fields if f in fields)])
    node = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]  # type: ignore[arg-type]
    if isinstance(node, ast.ClassDef):
        methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
        if "__init__" in methods:
            return wrapped(name, parameters(methods["__init__"].args)[1:])
        return wrapped(name, [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)])
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), name
    waits = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    gives = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return waits + wrapped(name, parameters(node.args)) + gives


def parameters(given: ast.arguments) -> list[str]:
    """The parameters as they are written, with types and defaults; a star before those that are named only."""
    plain = given.posonlyargs + given.args
    defaults = [None] * (len(plain) - len(given.defaults)) + given.defaults
    found = [parameter(*pair) for pair in zip(plain, defaults, strict=True)]
    found += [f"*{ast.unparse(given.vararg)}"] if given.vararg else ["*"] if given.kwonlyargs else []
    found += [parameter(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return found + ([f"**{ast.unparse(given.kwarg)}"] if given.kwarg else [])


def parameter(one: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(one) + (f" = {ast.unparse(default)}" if default else "")


def wrapped(name: str, parts: list[str]) -> str:
    """On one line where there is room, else a line a part."""
    line = f"{name}({', '.join(parts)})"
    return line if len(line) <= 100 else f"{name}(\n    " + ",\n    ".join(parts) + ",\n)"


def class_body(value: type) -> list[ast.stmt]:
    node = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    assert isinstance(node, ast.ClassDef)
    return node.body


def methods(value: object) -> Iterator[str]:
    """A line for each public method or property of a class: how it is called, and the first sentence on it."""
    for node in class_body(value) if inspect.isclass(value) else ():
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        told = " ".join((ast.get_docstring(node) or "").split())
        kinds = {ast.unparse(one) for one in node.decorator_list}
        shown = node.name
        if not kinds & {"property", "cached_property", "functools.cached_property"}:
            shown += f"({', '.join(parameters(node.args)[0 if 'staticmethod' in kinds else 1 :])})"
        gives = f" → `{ast.unparse(node.returns)}`" if node.returns else ""
        yield f"- `.{shown}`{gives}{': ' if told else ''}{told.partition('. ')[0].rstrip('.')}"


def entries(room: str, names: list[str]) -> Iterator[str]:
    yield f"\n## {room}\n"
    for name in sorted(names):
        value = getattr(apigen_nb, name)
        lines = "\n".join(methods(value))
        told = inspect.getdoc(value) or ""
        yield f"### `{name}`\n\n```python\n{called(name, value)}\n```\n\n{told}\n" + (f"\n{lines}\n" if lines else "")


def page() -> str:
    """The page as Markdown, rooms from the ground up."""
    rooms: dict[str, list[str]] = {room: [] for room in FLOOR}
    for name in apigen_nb.__all__:
        rooms[getattr(apigen_nb, name).__module__.split(".")[1]].append(name)
    return HEAD + "".join("\n".join(entries(room, names)) for room, names in rooms.items() if names)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    print(TARGET)
