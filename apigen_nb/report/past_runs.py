"""All runs of a folder, in the order in which they were begun: what each of them gave and cost, and what was set
otherwise than in the run of its domain before it. Read from manifests, ledgers and estimates, so that five hundred are
there in a moment; records are read only where no stage has counted them, as in a run made in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, NonNegativeInt, ValidationError

from ..models.ledger import read_ledger
from ..records import Proposal, Trajectory
from ..storage.jsonl import Damaged
from ..storage.progress import done_of, read_progress
from ..storage.run_folder import CHANGEABLE, ESTIMATE, MANIFEST, Run, by_current_names
from ..storage.safe_text import clean, truncate
from .intervals import interval, share
from .record_index import RecordIndex
from .slim_records import SlimProposal, SlimTrajectory

State = Literal["finished", "in work", "stopped", "failed", "estimated", "damaged", "no run"]
NO_RUNS = ("damaged", "no run")
Counted = tuple[int, int]  # passed, of how many


@dataclass(frozen=True)
class PastRun:
    """One folder. `name` is the folder's for people, `folder` the same to the letter. `about` is what stands behind its
    `state`: what is being made, the last stage that was done, why one failed, why the folder is damaged or no run.
    `blueprints` are the accepted of those drafted, `conversations` the verified of those played; None where nothing was
    counted. `estimate` is dollars: low, expected, high. `differs` holds name, value in the run `before`, value here."""

    name: str
    folder: str
    state: State
    about: str = ""
    begun: str = ""
    domain: str = ""
    models: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    blueprints: Counted | None = None
    conversations: Counted | None = None
    rows: int | None = None
    cost: float | None = None
    estimate: tuple[float, float, float] | None = None
    report: bool = False
    comparison: bool = False
    before: str = ""
    differs: tuple[tuple[str, str, str], ...] = ()

    @property
    def changes(self) -> list[str]:
        """What was set otherwise than in the run before, one setting each."""
        return [f"{name} {old} → {new}" for name, old, new in self.differs]

    @property
    def costs(self) -> list[str]:
        """What it cost, and what it was estimated to cost, as far as either is known."""
        told = [] if self.cost is None else [f"${self.cost:,.2f}"]
        if self.estimate:
            low, expected, high = self.estimate
            bounds = f" [{low:,.2f}–{high:,.2f}]" if low < high else ""
            told.append(f"estimated ${expected:,.2f}{bounds}")
        return told


def counted(found: Counted | None) -> str:
    """A yield for people: "180 of 220 · 81.8 % [76.2–86.3]", by Wilson's interval."""
    return f"{found[0]:,} of {found[1]:,} · {share(*found)} {interval(*found)}" if found and found[1] else "–"


class _Domain(BaseModel):
    name: str = ""
    fingerprint: str = ""


class _Failed(BaseModel):
    stage: str
    reason: str


class _Range(BaseModel):
    low: float
    expected: float
    high: float


class _Estimate(BaseModel):
    """What of an estimate is told here; the bounds of a rough one mean nothing."""

    ranges: dict[str, _Range] = {}
    rough: bool = False


class _Manifest(BaseModel):
    """What of a `run.json` is told here, as far as it is there."""

    parameters: dict[str, Any] = {}
    domain: _Domain = _Domain()
    models: dict[str, str | list[str]] = {}
    prompts: dict[str, str] = {}
    stages: dict[str, dict[str, NonNegativeInt]] = {}
    started: datetime | None = None
    finished: datetime | None = None
    failed: _Failed | None = None


def read_runs(outputs: Path | str) -> list[PastRun]:
    """What the folders in `outputs` hold, the first begun first; those without a run come last, with the reason.
    None where there is no such folder; OSError when it cannot be read."""
    if not Path(outputs).exists():
        return []
    folders = [path for path in sorted(Path(outputs).iterdir()) if path.is_dir() and not path.name.startswith(".")]
    found = sorted(map(_read, folders), key=lambda run: (run.state in NO_RUNS, run.begun, run.name))
    return list(_compared(found))


def _read(folder: Path) -> PastRun:
    try:
        told, estimate = (by_current_names(_object(folder / name)) for name in (MANIFEST, ESTIMATE))
        if told or Run(folder).begun:
            return _described(folder, _Manifest.model_validate(told), estimate)
        if estimate:
            return _described(folder, _Manifest.model_validate(estimate), estimate, "estimated")
        return PastRun(_name(folder), folder.name, "no run", f"no {MANIFEST} and no records")
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        reason = f"{MANIFEST}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    except Damaged as error:
        reason = str(error)
    except (OSError, ValueError, RecursionError) as error:
        reason = f"{MANIFEST} cannot be read: {error}"
    return PastRun(_name(folder), folder.name, "damaged", _line(reason))


def _object(path: Path) -> dict[str, Any]:
    held = json.loads(path.read_bytes()) if path.is_file() else {}
    if not isinstance(held, dict):
        raise ValueError(f"expected an object, found a {type(held).__name__}")
    return held


def _described(folder: Path, told: _Manifest, estimate: Mapping[str, Any], state: State | None = None) -> PastRun:
    blueprints, conversations = _yields(folder, told) if state is None else (None, None)
    state, about = (state, "") if state else _state(folder, told)
    ledger = read_ledger(folder)
    begun = told.started or datetime.fromtimestamp(_touched(folder), UTC)
    played = (names if isinstance(names, list) else [names] for names in told.models.values())
    models = dict.fromkeys(name for names in played for name in names)
    return PastRun(
        name=_name(folder),
        folder=folder.name,
        state=state,
        about=_line(about),
        begun=begun.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if begun.tzinfo else f"{begun:%Y-%m-%d %H:%M:%S}",
        domain=_line(told.domain.name or str(told.parameters.get("domain", ""))),
        models=_line(", ".join(models) or str(told.parameters.get("model", ""))),
        settings=dict(_settings(told)),
        blueprints=blueprints,
        conversations=conversations,
        rows=told.stages.get("4_dataset", {}).get("rows"),
        cost=ledger.total.cost if ledger else None,
        estimate=_dollars(_Estimate.model_validate(estimate)),
        report=(folder / "report" / "index.html").is_file(),
        comparison=(folder / "report" / "compare.html").is_file(),
    )


def _state(folder: Path, told: _Manifest) -> tuple[State, str]:
    if told.finished:
        lost = sum(counts.get("without an answer", 0) for counts in told.stages.values())
        return "finished", f"{lost} without an answer" if lost else ""
    if Run(folder).in_use:
        now = read_progress(folder)
        return "in work", done_of(now) if now and {"title", "done", "total"} <= now.keys() else ""
    if told.failed:
        return "failed", f"{told.failed.stage}: {told.failed.reason}"
    done = list(told.stages)
    return "stopped", f"after {done[-1]}" if done else ""


def _yields(folder: Path, told: _Manifest) -> tuple[Counted | None, Counted | None]:
    """Both yields, of the stages' counts, else of what the files hold so far. ValueError where they cannot be."""
    drawn, played = told.stages.get("2_blueprints"), told.stages.get("3_trajectories")
    blueprints = conversations = None
    if drawn:
        blueprints = drawn.get("accepted", 0), drawn.get("seeds", 0) + drawn.get("recombined", 0)
    elif made := RecordIndex(folder / "blueprints.jsonl", SlimProposal, Proposal):
        blueprints = sum(one.accepted for one in made), len(made)
    if played:
        conversations = played.get("successful", 0), played.get("trajectories", 0)
    elif held := RecordIndex(folder / "trajectories.jsonl", SlimTrajectory, Trajectory):
        conversations = sum(one.success for one in held), len(held)
    for passed, total in filter(None, (blueprints, conversations)):
        if passed > total:
            raise ValueError(f"it counts {passed} of {total}")
    return blueprints, conversations


def _dollars(told: _Estimate) -> tuple[float, float, float] | None:
    found = told.ranges.get("dollars")
    if found is None:
        return None
    return (found.expected,) * 3 if told.rough else (found.low, found.expected, found.high)


def _settings(told: _Manifest) -> Iterator[tuple[str, str]]:
    """What decides about results, by name: parameters, the version of the domain, of each prompt. How fast and for how
    much a run is made is left out."""
    free = CHANGEABLE | {"domain"}
    for name, value in told.parameters.items():
        if name not in free:
            yield from _leaves(name, value)
    if told.domain.fingerprint:
        yield "version of the domain", told.domain.fingerprint[:8]
    for name, sha in told.prompts.items():
        yield f"prompt {name}", sha[:8]


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for part, inner in value.items():
            yield from _leaves(f"{name}.{part}", inner)
    else:
        yield _line(name, 60), _line(_value(value), 60)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)


def _compared(runs: Sequence[PastRun]) -> Iterator[PastRun]:
    """Each run with what differs from the run of its domain before it; an estimate is no run to differ from."""
    last: dict[str, PastRun] = {}
    for run in runs:
        before = last.get(run.domain) if run.state not in NO_RUNS else None
        if run.state not in (*NO_RUNS, "estimated"):
            last[run.domain] = run
        if before is None:
            yield run
            continue
        names = dict.fromkeys([*before.settings, *run.settings])
        pairs = ((name, before.settings.get(name, "–"), run.settings.get(name, "–")) for name in names)
        yield replace(run, before=before.name, differs=tuple(pair for pair in pairs if pair[1] != pair[2]))


def _touched(folder: Path) -> float:
    files = [folder / name for name in (MANIFEST, ESTIMATE) if (folder / name).is_file()]
    return (files[0] if files else folder).stat().st_mtime


def _name(folder: Path) -> str:
    return _line(folder.name, 120)


def _line(text: str, most: int = 200) -> str:
    return truncate(" ".join(clean(text).split()), most)


def lines(runs: Sequence[PastRun]) -> list[str]:
    """The runs as a table for a terminal; below a run what was set otherwise, and what stands behind its state."""
    head = ("run", "begun (UTC)", "state", "domain", "accepted blueprints", "verified conversations", "rows", "cost")
    table = [
        (
            run.name, run.begun[:16], run.state, run.domain, counted(run.blueprints), counted(run.conversations),
            "–" if run.rows is None else f"{run.rows:,}", ", ".join(run.costs) or "–",
        )
        for run in runs
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *table)]
    return [rows[0], *(line for row, run in zip(rows[1:], runs, strict=True) for line in (row, *_below(run)))]


def _below(run: PastRun) -> Iterator[str]:
    if run.models:
        yield f"    {run.models}"
    if run.about:
        yield f"    {run.about}"
    if run.before:
        shown = "; ".join(run.changes[:4]) + (f"; and {len(run.changes) - 4} more" if len(run.changes) > 4 else "")
        yield f"    against {run.before}: {shown or 'the same settings'}"
