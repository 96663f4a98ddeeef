"""The command `judge`: cases from a file through the checks, one line of JSON for each."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ..models import Job, Model, current_job
from ..models.jobs import all_of
from ..models.ledger import LEDGER, add_up, price_table
from ..models.reply_cache import read_replies
from ..models.roles import Roles
from ..models.scripted import LABEL
from ..records import Reading, Record
from ..storage.jsonl import parse_line, write_whole
from ..storage.safe_text import clean, truncate
from ..trajectories.cases import Case, CaseVerdict, RecordedReading, judge_case
from ..world.domain import Domain, DomainError
from ..world.world import ToolBug
from . import UsageError
from .params import Params
from .stage import Stage

R = TypeVar("R", bound=Record)
AT_A_TIME = 8  # cases, where no parameters say so
Judge = Callable[[Case], Awaitable[CaseVerdict]]


class ReadingLine(Record):
    """A line of a file of readings: the id of the case, and what was made of one question about it."""

    case: str
    reading: RecordedReading


def judge_file(cases: Path, params: Params | None, out: Path, readings: Path | None) -> int:
    """Judge all cases of a file, print what is found, in order; the exit code. Judges are those of the parameters,
    whose replies are kept in the folder `out`, or the recorded readings; without either nobody is asked. UsageError for
    a file that is not there."""
    lines = list(_lines(cases, Case))
    if params is None:
        read = _recorded(readings) if readings else {}

        async def by_record(case: Case) -> CaseVerdict:
            return await judge_case(case, Domain.load(case.domain), readings=read.get(case.id, ()))

        return asyncio.run(_judge_all(cases, lines, by_record, AT_A_TIME))
    stage = Stage(params, out)
    with stage.run.writing():
        try:
            return asyncio.run(_judge_with(stage, cases, lines))
        finally:
            _account(stage)


async def _judge_with(stage: Stage, cases: Path, lines: Sequence[tuple[int, Case | str]]) -> int:
    """With the models that play the judges. The stand-in knows a domain by its phrases, so each domain has its own."""
    scripted, number = LABEL in stage.models.names["judge"], stage.params.judges
    if scripted:
        print(
            f"apigen-nb: judges: {stage.models.names['judge']}, a stand-in that reads templates only", file=sys.stderr
        )
    voices: dict[str, list[Model]] = {}

    async def by_judges(case: Case) -> CaseVerdict:
        domain = Domain.load(case.domain)
        if case.domain not in voices:
            models = Roles(domain, **stage.options_of(Roles), folder=stage.folder) if scripted else stage.models
            voices[case.domain] = models.judges(number)
        return await judge_case(case, domain, voices[case.domain])

    try:
        return await _judge_all(cases, lines, by_judges, stage.params.concurrency)
    finally:
        await stage.models.aclose()


async def _judge_all(path: Path, lines: Sequence[tuple[int, Case | str]], judge: Judge, at_a_time: int) -> int:
    """Print a line for each case as soon as those before it are done, and what is wrong with a line beside them."""
    code = 0
    for some in (lines[start : start + at_a_time] for start in range(0, len(lines), at_a_time)):
        for (number, _), found in zip(some, await all_of(*(_judged(case, judge) for _, case in some)), strict=True):
            if isinstance(found, CaseVerdict):
                print(found.line(), flush=True)
                code = max(code, 1 if found.unanswered else 0)
            else:
                print(f"apigen-nb: {path}, line {number}: {clean(found)}", file=sys.stderr, flush=True)
                code = 2
    return code


async def _judged(case: Case | str, judge: Judge) -> CaseVerdict | str:
    if isinstance(case, str):
        return case
    current_job.set(Job("judge"))
    try:
        return await judge(case)
    except (ValueError, DomainError, ToolBug) as error:
        return f"case {case.id}: {error}"


def _recorded(path: Path) -> Mapping[str, list[Reading]]:
    """Case → its readings. UsageError where a line is no reading: a lost one would leave a question open."""
    found = defaultdict[str, list[Reading]](list)
    for number, line in _lines(path, ReadingLine):
        if isinstance(line, str):
            raise UsageError(f"{path}, line {number}: {line}")
        found[line.case].append(line.reading)
    return found


def _lines(path: Path, kind: type[R]) -> Iterator[tuple[int, R | str]]:
    """Number and record of each line that is not empty, or what is wrong with it."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            try:
                yield number, parse_line(line, kind)
            except ValidationError as error:
                yield number, _problem(error, kind)


def _problem(error: ValidationError, kind: type[Record]) -> str:
    """What was found in a line and what was expected there, of the first thing that is wrong."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    given = problem.get("input")
    found = given.decode("utf-8", "replace") if isinstance(given, bytes) else json.dumps(given, ensure_ascii=False)
    told = problem["msg"].removeprefix("Value error, ")
    return f"expected a {kind.__name__}, {f'{where}: ' if where else ''}{told}; found {truncate(found, 80)}"


def _account(stage: Stage) -> None:
    """What all replies in the folder have cost, for people and in `ledger.json`."""
    ledger = add_up(read_replies(stage.run.folder), price_table(stage.params.prices))
    total = ledger.total
    if total.requests:
        write_whole(stage.run.folder / LEDGER, [json.dumps(ledger.model_dump(), indent=2, ensure_ascii=False)])
        cost = "" if total.cost is None else f", ${total.cost:.2f}"
        told = f"{total.requests:,} requests, {total.prompt + total.completion:,} tokens{cost} so far"
        print(f"apigen-nb: {told}; replies are kept in {stage.run.folder}", file=sys.stderr)
