"""What rows share with public benchmarks: runs of 13 words, as training corpora are cleaned of their tests (Brown et
al. 2020, arXiv:2005.14165, appendix C), and the calls that solve a task.

Runs of words are those of the user's messages and the instruction. Calls are compared by tool and names of arguments.
In a domain whose tools are a benchmark's own (`tau2:*`), short sequences of them are alike by construction: a sequence
counts from `LONG` calls on, a shorter one only with the same values, and only where one of the calls writes or `VALUES`
arguments are the same. Of a task's solution the writing calls alone are compared, too, since reads may be made in any
order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..records import Blueprint, Record, Trajectory, canonical
from ..world.domain import Domain
from .benchmarks import BenchmarkCall, BenchmarkTask, Installed, installed_benchmarks
from .minhash import words_of
from .rows import trained_on
from .selection import Selection
from .sources import Source

CONTAMINATED = "shares with a benchmark"
WORDS = 13  # a run of words
LONG = 6  # calls of a sequence that counts whatever the values
VALUES = 3  # arguments with the same values that make a sequence of reads count
Call = tuple[str, Mapping[str, Any]]
Signature = tuple[tuple[str, ...], ...]


class Hit(Record):
    """What a row shares with a task of a benchmark: `overlap` says whether words or calls, `found` which."""

    id: str
    benchmark: str
    task: str
    overlap: str
    found: str


class Contamination(NamedTuple):
    """What was looked through, and what rows share with it."""

    benchmarks: Sequence[Installed]
    hits: Sequence[Hit]

    def told(self) -> dict[str, str]:
        """Benchmark, with its version → how many rows share with how many tasks, or why nobody looked."""
        return {f"{one.name} {one.version}".rstrip(): self._told(one) for one in self.benchmarks}

    def _told(self, one: Installed) -> str:
        if one.missing:
            return f"not checked: {one.missing}"
        hit = {hit.id for hit in self.hits if hit.benchmark == one.name}
        return f"every row, {len(one.tasks):,} tasks: {len(hit)} share runs of {WORDS} words or calls with it"


def find_contamination(selection: Selection, sources: Sequence[Source], leave_out: bool) -> Contamination:
    """List what the rows share with the benchmarks that are installed; with `leave_out` such rows go, but for those
    that a person keeps."""
    found, hits = installed_benchmarks(), list[Hit]()
    tasks = [task for benchmark in found for task in benchmark.tasks]
    words, indexes = WordIndex(tasks), {id(source): CallIndex(tasks, source.domain) for source in sources}
    for source in sources if tasks else ():
        for blueprint, held in source.conversations():
            task = selection.tasks[blueprint].blueprint if blueprint in selection.tasks else None
            for trajectory in held:
                if task and trajectory.id in selection.rows:
                    hits += row_hits(trajectory, task, words, indexes[id(source)])
    first = {hit.id: hit for hit in reversed(hits)}
    for row, hit in sorted(first.items()):
        if leave_out and row not in selection.kept:
            selection.leave_out(row, f"{CONTAMINATED}: {hit.benchmark}", found=f"task {hit.task}: {hit.overlap}")
    return Contamination(found, hits)


def row_hits(trajectory: Trajectory, task: Blueprint, words: WordIndex, calls: CallIndex) -> list[Hit]:
    """What one conversation shares, a hit for each task of a benchmark and kind of overlap."""
    kept = trained_on(trajectory.messages)
    texts = [task.instruction, *(message.content for message in kept if message.role == "user")]
    failed = {message.tool_call_id for message in kept if message.role == "tool" and message.error}
    made = [(c.name, c.arguments) for m in kept for c in m.tool_calls if c.arguments is not None and c.id not in failed]
    wanted = [(action.name, action.arguments) for action in task.actions]
    shared = [(other, f"{WORDS} words", run) for text in texts for other, run in words.shared(text)]
    found = dict[tuple[str, str, str], Hit]()
    for other, how, what in (*shared, *calls.shared(made), *calls.same_writes(wanted)):
        hit = Hit(id=trajectory.id, benchmark=other.benchmark, task=other.id, overlap=how, found=what)
        found.setdefault((other.benchmark, other.id, "words" if "words" in how else "calls"), hit)
    return list(found.values())


class WordIndex:
    """The runs of 13 words in the texts of benchmarks; a text that is shorter, of 5 words at least, is one run."""

    def __init__(self, tasks: Sequence[BenchmarkTask]) -> None:
        self._runs = dict[str, BenchmarkTask]()
        for task in tasks:
            for run in (run for text in task.texts for run in _runs(text)):
                self._runs.setdefault(run, task)

    def shared(self, text: str) -> Iterator[tuple[BenchmarkTask, str]]:
        """Tasks that have a run of words in common with a text, and the run."""
        for run in _runs(text):
            if run in self._runs:
                yield self._runs[run], run


def _runs(text: str) -> Iterator[str]:
    words = words_of(text)
    if len(words) >= 5:
        yield from (" ".join(words[n : n + WORDS]) for n in range(max(1, len(words) - WORDS + 1)))


class CallIndex:
    """The sequences of calls that solve the tasks of benchmarks, of those whose tools a domain has."""

    def __init__(self, tasks: Sequence[BenchmarkTask], domain: Domain) -> None:
        self._writes = {name for name, tool in domain.tools.items() if tool.writes}
        self._whole, self._writing = dict[Signature, list[BenchmarkTask]](), dict[Signature, list[BenchmarkTask]]()
        for task in tasks:
            if task.calls and all(call.name in domain.tools for call in task.calls):
                self._whole.setdefault(_signature(task.calls), []).append(task)
                if writing := self._writing_of(task):
                    self._writing.setdefault(_signature(writing), []).append(task)

    def shared(self, made: Sequence[Call]) -> Iterator[tuple[BenchmarkTask, str, str]]:
        """Tasks whose whole solution stands in the calls that were made: the task, how it is alike, the calls."""
        for length in sorted({len(signature) for signature in self._whole}):
            for start in range(len(made) - length + 1):
                part = made[start : start + length]
                for task in self._whole.get(_signature_of(part), ()):
                    same = _same_values(part, task.calls)
                    counts = any(name in self._writes for name, _ in part) or sum(len(a) for _, a in part) >= VALUES
                    if (same and counts) or length >= LONG:
                        yield task, "calls and values" if same else f"{length} calls", _shown(part)

    def same_writes(self, wanted: Sequence[Call]) -> Iterator[tuple[BenchmarkTask, str, str]]:
        """Tasks that are solved by the same writing calls with the same values as this one."""
        for task in self._writing.get(_signature_of(wanted), ()) if wanted else ():
            if _same_values(wanted, self._writing_of(task)):
                yield task, "writing calls and values", _shown(wanted)

    def _writing_of(self, task: BenchmarkTask) -> tuple[BenchmarkCall, ...]:
        return tuple(call for call in task.calls if call.name in self._writes)


def _signature(calls: Sequence[BenchmarkCall]) -> Signature:
    return tuple((call.name, *sorted(call.arguments)) for call in calls)


def _signature_of(calls: Sequence[Call]) -> Signature:
    return tuple((name, *sorted(arguments)) for name, arguments in calls)


def _same_values(calls: Sequence[Call], wanted: Sequence[BenchmarkCall]) -> bool:
    pairs = zip(calls, wanted, strict=True)
    return all(canonical(made[1][name]) in values for made, call in pairs for name, values in call.arguments.items())


def _shown(calls: Sequence[Call]) -> str:
    return ", ".join(f"{name}({', '.join(sorted(arguments))})" for name, arguments in calls)
