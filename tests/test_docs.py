"""The pages in docs/ are made from the code."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
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


def test_the_public_names_are_few_and_each_is_there_and_says_what_it_is() -> None:
    assert len(apigen_nb.__all__) == len(set(apigen_nb.__all__)) <= 40
    assert [name for name in apigen_nb.__all__ if not (getattr(apigen_nb, name).__doc__ or "").strip()] == []
    assert set(apigen_nb.__all__) <= set(dir(apigen_nb))


def test_importing_the_package_loads_no_room() -> None:
    code = "import apigen_nb, sys; print([name for name in sys.modules if name.startswith('apigen_nb.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
