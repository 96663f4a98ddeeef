"""The first page of a report: what was run, what came of it, where to look, where it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from ..storage.safe_text import clean_name
from . import charts, mixture_tables, pieces, tables
from .panels import columns, counts_table, panel
from .run_contents import RunContents

FILES = {
    "run.json": "what was run: parameters, seed, versions, prompts, counts",
    "blueprints.jsonl": "a line per seed, all attempts and verdicts inside",
    "trajectories.jsonl": "a line per blueprint × attempt, messages and verdicts inside",
    "ledger.json": "what it cost: requests, tokens, seconds and dollars by role, stage and model",
    "dataset/README.md": "the dataset card",
    "dataset/trl/train.jsonl": "the rows to train on; beside them in other forms, for other trainers",
    "dataset/proofs.jsonl": "what a re-check of every row needs",
    "notes.jsonl": "what people say of conversations",
    "dataset/left_out.jsonl": "verified conversations that are no rows, and why",
}

# What a page links lies in the report's folder, so that it is there when only that is sent.
COPIES, LARGEST_COPY = ("run.json", "ledger.json", "dataset/README.md"), 300_000
COPY = "files/{}"  # in the folder of the report

KEY_PARAMETERS = {
    "domain": "domain",
    "count": "seeds",
    "random_seed": "random seed",
    "gates": "gates",
    "judges": "judges in the committee",
    "reflections": "reflections at most",
    "attempts": "conversations per blueprint",
}  # of the parameters, in the reader's order

NO_MAJORITY = "no answer of the judges"  # where an undecided check says no more
GROUPS = {
    "parameters": "All parameters",
    "domain": "The domain and the fingerprint of its files",
    "models": "Models, role by role",
    "prompts": "Prompt files by their SHA-256",
    "versions": "Versions of Python and packages",
    "stages": "Counts of each stage",
}


def overview(held: RunContents, links: Sequence[tuple[str, str, str]]) -> str:
    """The overview of a run; `links` are file, name and subject of the other pages."""
    panels = [*_blueprint_panels(held), *_conversation_panels(held)]
    return pieces.draw(
        "index.html.j2",
        sentence=summary(held),
        undecided=undecided(held),
        figures=pieces.key_figures(held.key_figures, held.scripted),
        links=links,
        charts=columns(panels) if panels else "",
        files=_files(held),
        key_rows=_key_rows(held.manifest),
        folds=_folds(held.manifest),
    )


def _blueprint_panels(held: RunContents) -> Iterator[Markup]:
    if not held.proposals:
        return
    funnel, rounds = tables.funnel(tables.verdicts(held.proposals)), tables.rounds(held.proposals)
    gates = [{"passed at": gate} for gate in funnel["gate"]], [{"fell at": gate} for gate in funnel["gate"]]
    yield panel(charts.funnel(funnel), counts_table(funnel, leads=gates))
    named = rounds.rename(columns={"round": "reflections", "proposals": "of"})
    yield panel(charts.rounds(rounds), pieces.table(named, fold="The numbers"))


def _conversation_panels(held: RunContents) -> Iterator[Markup]:
    if not held.trajectories:
        return
    talks = tables.trajectories(held.trajectories)
    yield _counted(tables.attempts(talks), charts.attempts, "attempt")
    checks = tables.checks(held.trajectories)
    told = counts_table(checks, ("held", "fell"), "trajectories", charts.check_leads(checks))
    yield panel(charts.checks(checks), told)
    yield _counted(tables.ends(talks, "divergence"), charts.ends, "divergence")
    yield _counted(mixture_tables.successes(held.proposals, held.trajectories, "kind"), charts.successes, "kind")
    if any(t.blame for t in held.trajectories):
        yield _counted(mixture_tables.blames(held.trajectories), charts.blames, "cause")


def _counted(frame: pd.DataFrame, drawn: Callable[[pd.DataFrame], go.Figure], facet: str) -> Markup:
    """A figure on conversations with its numbers, which lead to those of this value of a facet."""
    asked = charts.leads(facet, frame[frame.columns[0]])
    return panel(drawn(frame), counts_table(frame, ("verified", "failed"), "trajectories", asked))


def summary(held: RunContents) -> str:
    domain = next((p.domain for p in held.proposals), "an unknown domain")
    kept = sum(p.accepted for p in held.proposals)
    talks, verified = len(held.trajectories), sum(t.success for t in held.trajectories)
    made = f"On {domain}, {tables.tasks_in_words(held.proposals)} gave {kept:,} accepted blueprints"
    held_talks = f"{talks:,} conversations about them gave {verified:,} verified trajectories"
    none = "No conversation has been held yet" if kept else "So no conversation was held"
    return f"{made}, and {held_talks}." if talks else f"{made}. {none}."


def undecided(held: RunContents) -> str:
    """How many conversations are undecided, and over what: "3 undecided: behaviour, no answer"; "" when none is."""
    open_ = [t for t in held.trajectories if t.undecided]
    over = Counter(
        f"{clean_name(v.gate)}, {clean_name(v.kind) or NO_MAJORITY}" for t in open_ for v in t.verdicts if v.undecided
    )
    return f"{len(open_):,} undecided: {'; '.join(name for name, _ in over.most_common(3))}" if open_ else ""


def _key_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader asks first of `run.json`: which models, how much of what, when, what changed since."""
    parameters, models = run.get("parameters") or {}, run.get("models") or {}
    played: dict[str, list[str]] = {}
    for role, name in models.items():
        played.setdefault(pieces.value(name), []).append(role)
    rows = [("model of every role" if len(played) == 1 else f"model of {', '.join(r)}", n) for n, r in played.items()]
    rows += [
        (KEY_PARAMETERS[name], pieces.value(parameters[name]))
        for name in KEY_PARAMETERS
        if parameters.get(name) is not None
    ]
    rows += [(name, pieces.value(run[name])) for name in ("started", "finished") if run.get(name)]
    if run and not run.get("finished"):
        rows.append(("finished", "not yet: some stage was not run to its end"))
    return rows + [("changed since it was begun", pieces.value(change)) for change in run.get("changes") or ()]


def _folds(run: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The rest of `run.json`, group by group."""
    groups = {name: item for name, item in run.items() if isinstance(item, dict) and item}
    named = (
        (GROUPS.get(name, name), {k: v for k, v in item.items() if v not in ({}, None)})
        for name, item in groups.items()
    )
    return [(name, [(key, pieces.value(entry)) for key, entry in item.items()]) for name, item in named if item]


def copied(folder: Path) -> list[str]:
    """The files of a run's folder that its report holds a copy of: those that are small."""
    paths = ((folder / name, name) for name in COPIES)
    return [name for path, name in paths if path.is_file() and path.stat().st_size <= LARGEST_COPY]


def _files(held: RunContents) -> list[tuple[str, str, str, str]]:
    """The files of a run that are there: path, what it holds, size, and the copy in the report where there is one."""
    notebooks = {path.relative_to(held.folder).as_posix(): "executed" for path in held.notebooks}
    every = ((held.folder / name, name, text) for name, text in (FILES | notebooks).items())
    copies = copied(held.folder)
    return [
        (name, text, _size(path), COPY.format(name) if name in copies else "")
        for path, name, text in every
        if path.is_file()
    ]


def _size(path: Path) -> str:
    size = path.stat().st_size
    if not size:
        return "empty"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
