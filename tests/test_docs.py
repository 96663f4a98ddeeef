"""The pages in docs/ are made from the code, and the code keeps to the words of the glossary."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import apigen_nb

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_house_is_that_of_the_imports() -> None:
    assert (DOCS / "house.svg").read_text() == script("house").draw(), "write it again: python docs/house.py"


def test_the_page_of_public_names_is_that_of_the_code() -> None:
    assert (DOCS / "api.md").read_text() == script("api").page(), "write it again: python docs/api.py"


def test_the_page_of_parameters_is_that_of_the_code() -> None:
    assert (DOCS / "parameters.md").read_text() == script("parameters").page(), (
        "write it again: python docs/parameters.py"
    )


def test_the_public_names_are_few_and_each_is_there_and_says_what_it_is() -> None:
    assert len(apigen_nb.__all__) == len(set(apigen_nb.__all__)) <= 40
    assert [name for name in apigen_nb.__all__ if not (getattr(apigen_nb, name).__doc__ or "").strip()] == []
    assert set(apigen_nb.__all__) <= set(dir(apigen_nb))


def test_importing_the_package_loads_no_room() -> None:
    code = "import apigen_nb, sys; print([name for name in sys.modules if name.startswith('apigen_nb.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def not_ours() -> set[str]:
    rows = [line.split("|") for line in (DOCS / "glossary.md").read_text().splitlines() if line.startswith("| **")]
    return {word.strip() for row in rows for word in row[4].split(",") if word.strip()}


def names() -> Iterator[tuple[str, str]]:
    """What the package calls its modules, classes, functions and parameters, with where; domains speak of their own."""
    package = ROOT / "apigen_nb"
    for path in sorted(package.rglob("*.py")):
        where = str(path.relative_to(package))
        if where.startswith(("domains", "world/template")):
            continue
        yield path.stem, where
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name, where
            elif isinstance(node, ast.arg):
                yield node.arg, where


def test_no_name_of_the_code_is_a_word_that_the_glossary_excludes() -> None:
    words = not_ours()
    assert len(words) > 5
    split = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
    wrong = {f"{where}: {name}" for name, where in names() if words & {part.lower() for part in split.findall(name)}}
    assert sorted(wrong) == []
