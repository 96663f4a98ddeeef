"""Rooms stand one above the other and no two files need each other: what a maintainer can rely on when reading."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "apigen_nb"
FLOORS = (
    {"records"},
    {"storage"},
    {"world"},
    {"domains"},
    {"models"},
    {"blueprints"},
    {"trajectories"},
    {"dataset"},
    {"report"},
    {"run"},
    {"__init__"},
    {"__main__"},
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
FILES = {path.relative_to(PACKAGE).with_suffix("").parts: path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {parts[:-1] if parts[-1] == "__init__" else parts: path for parts, path in FILES.items()}


def imported(module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The modules of ours that a module's file imports, anywhere in it: inside functions and for types only, too."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ("apigen_nb", *package[: len(package) + 1 - node.level]) if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            names = [(*base, alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            if name[:1] == ("apigen_nb",):
                # `from package import module` needs the module, `from module import name` the module before the name
                yield name[1:] if name[1:] in MODULES else name[1:-1]


def room(module: tuple[str, ...]) -> str:
    return module[0] if module else "__init__"


def test_at_the_root_stand_the_rooms_and_the_records() -> None:
    found = {path.name for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "__init__.pyi", "py.typed")}
    assert found == {name if (PACKAGE / name).is_dir() else f"{name}.py" for name in FLOOR}


def test_rooms_import_downwards_only() -> None:
    wrong = []
    for module in MODULES:
        for other in imported(module):
            above = FLOOR[room(other)] > FLOOR[room(module)]
            # the version is the only thing that a room may take from the package itself
            if above and other != ():
                wrong.append(f"{'.'.join(module)} imports {'.'.join(other)}")
    assert wrong == []


def test_no_two_files_import_each_other() -> None:
    needs = {module: set(imported(module)) - {(), module} for module in MODULES if module}
    try:
        tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " → ".join(".".join(module) for module in error.args[1])
        raise AssertionError(f"a circle of imports: {circle}") from None


def test_nobody_above_the_domains_imports_one_of_them() -> None:
    """They are found by name, so that one more needs no line anywhere else."""
    wrong = [
        f"{'.'.join(module)} imports {'.'.join(other)}"
        for module in MODULES
        for other in imported(module)
        if other[:1] == ("domains",) and room(module) != "domains"
    ]
    assert wrong == []


def test_every_module_can_be_read_at_a_sitting() -> None:
    lengths = {str(path.relative_to(PACKAGE)): path.read_text().count("\n") for path in FILES.values()}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


MOST_LINES = 30


def functions(node: ast.AST, above: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions in a syntax tree with their dotted names: methods, and those inside others, too."""
    for inner in ast.iter_child_nodes(node):
        named = isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        name = f"{above}.{inner.name}".strip(".") if named else above
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, inner
        yield from functions(inner, name)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the first to the last line of what a function does: its docstring and signature are not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_every_function_does_one_thing_that_can_be_seen_at_once() -> None:
    lengths = {
        f"{path.relative_to(PACKAGE)} {name}": body_lines(function)
        for path in FILES.values()
        for name, function in functions(ast.parse(path.read_text()))
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_lengths_are_counted_as_a_reader_counts_them() -> None:
    text = '''
class A:
    def none(self):
        """Says what it does."""

    async def two(self):
        """Says what it does,
        and more."""
        if self:
            def one(): return 1
            return one
'''
    found = {name: body_lines(function) for name, function in functions(ast.parse(text))}
    assert found == {"A.none": 0, "A.two": 3, "A.two.one": 1}
