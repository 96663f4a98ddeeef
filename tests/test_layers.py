"""The arrows between modules point one way: nobody imports what stands higher, and stages never import each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "apigen_nb"
FLOORS = (
    {"__init__", "records", "text"},
    {"lines", "places", "progress", "mix", "personas", "world", "facts", "tasks"},
    {"tool", "checks", "kernel"},
    {"domain"},
    {"flow"},
    {"domains", "template", "graph", "manifest", "models"},
    {"contract"},
    {"sampling", "store", "params"},
    {"setting", "gates", "work"},
    {"behaviour", "difficulty", "defects", "reflection"},
    {"blame", "recombine"},
    {"audit", "bench", "blueprints", "conversations", "dataset"},  # the stages: none knows another
    {"study", "report"},  # draws what the stages leave
    {"notebook", "scaffold"},
    {"run"},
    {"estimate", "widgets"},
    {"__main__"},
)
ADAPTERS = ("domain.py", "domains")  # a built-in adapter is imported when somebody asks for its domain by name
FLOOR = {part: number for number, floor in enumerate(FLOORS) for part in floor}


def imports(path: Path) -> Iterator[str]:
    here = ("apigen_nb", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) + 1 - node.level]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ([module] if module != "apigen_nb" else (f"apigen_nb.{alias.name}" for alias in node.names))


def test_arrows_point_one_way() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        me = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        assert me in FLOOR, f"{me} has no floor: give it one in FLOORS"
        for name in imports(path):
            other = name.split(".")[1] if name.startswith("apigen_nb.") else me
            # `__version__` is the only thing that the package itself holds
            if other in FLOOR and other != me and FLOOR[other] >= FLOOR[me] and (path.name, other) != ADAPTERS:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {other}")
    assert wrong == []
