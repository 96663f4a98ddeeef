"""Static pages of a run: an index, a page per executed notebook, an explorer of trajectories and one of blueprints.

No page asks any host for anything, which a Content-Security-Policy enforces: no inline script runs either, figures and
items are JSON blocks that `report.js` draws. All figures share one `plotly.min.js`."""

from __future__ import annotations

import importlib.resources
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import plotly.graph_objects as go
from markupsafe import Markup

from ..records import Proposal, Record, Trajectory
from ..store import read_lines
from . import charts, mix, pieces, tables
from .notebooks import body_of, figure_html, has_figures, inert
from .text import clean

MOST_ITEMS, MOST_BYTES = 1_500, 8_000_000  # of an explorer page; beyond that it shows a sample and says so

STAGES = {
    "0_tour": ("Tour", "the whole way on a few seeds"),
    "1_domain": ("Domain", "tools, policy, rules and data"),
    "2_blueprints": ("Pass rates", "what each gate let pass, what fell and why, what reflection repaired"),
    "3_trajectories": ("Conversations", "how conversations went and where they went wrong"),
    "4_dataset": ("Dataset", "what was selected and exported"),
    "5_train": ("Training", "what a model learns from the dataset"),
    "6_evaluate": ("Evaluation", "what benchmarks say"),
}  # 7_report writes these pages, so it is not one of them

FILES = {
    "run.json": "what was run: parameters, seed, versions, prompts, counts",
    "blueprints.jsonl": "a line per seed, all attempts and verdicts inside",
    "trajectories.jsonl": "a line per blueprint × attempt, messages and verdicts inside",
    "dataset/README.md": "the dataset card",
    "dataset/chat.jsonl": "the dataset in the OpenAI chat format",
    "dataset/sharegpt.jsonl": "the dataset as ShareGPT rows",
    "dataset/proofs.jsonl": "what a re-check of every row needs",
}

FIRST = {
    "domain": "domain",
    "seeds": "seeds",
    "seed": "random seed",
    "gates": "gates",
    "judges": "judges in the committee",
    "reflections": "reflections at most",
    "attempts": "conversations per blueprint",
}  # of the parameters, in the reader's order

GROUPS = {
    "parameters": "All parameters",
    "domain": "The domain and the fingerprint of its files",
    "models": "Models, role by role",
    "prompts": "Prompt files by their SHA-256",
    "versions": "Versions of Python and packages",
    "stages": "Counts of each stage",
}

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Contents:
    """What a run's folder holds, as far as it is there; a stage that was not run is an empty tuple."""

    folder: Path
    run: dict[str, Any]
    proposals: tuple[Proposal, ...]
    trajectories: tuple[Trajectory, ...]

    @property
    def scripted(self) -> bool:
        """Whether the scripted stand-in played any role."""
        models = (self.run.get("models"), (self.run.get("parameters") or {}).get("model"))
        return '"scripted' in json.dumps(models, default=str)

    @property
    def rows(self) -> int | None:
        """Rows of the exported dataset; None when nothing was exported."""
        path = self.folder / "dataset" / "chat.jsonl"
        if not path.is_file():
            return None
        with path.open("rb") as lines:
            return sum(1 for _ in lines)


def contents(folder: Path) -> Contents:
    """Read a run's folder. A missing file is a stage that was not run."""
    path = folder / "run.json"
    run = json.loads(path.read_bytes()) if path.is_file() else {}
    return Contents(
        folder,
        run,
        _records(folder / "blueprints.jsonl", Proposal),
        _records(folder / "trajectories.jsonl", Trajectory),
    )


def _records(path: Path, kind: type[R]) -> tuple[R, ...]:
    return tuple(read_lines(path, kind)) if path.is_file() else ()


def write_report(folder: Path) -> Path:
    """Write `report/` of a run's folder from its files and executed notebooks; gives the path of its `index.html`."""
    held = contents(Path(folder))
    target = held.folder / "report"
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.html"):  # a page whose stage is gone must not stay reachable
        old.unlink()
    notebooks = [path for path in sorted((held.folder / "notebooks").glob("*.ipynb")) if path.stem in STAGES]
    pages = [("index.html", "Overview"), *((f"{path.stem}.html", STAGES[path.stem][0]) for path in notebooks)]
    pages += [("blueprints.html", "Blueprints")] * bool(held.proposals) + [
        ("trajectories.html", "Trajectories")
    ] * bool(held.trajectories)

    def write(here: str, title: str, body: str, kind: str = "") -> None:
        page = pieces.draw(
            "page.html.j2", title=title, run=held.folder.resolve().name, pages=pages, here=here, kind=kind,
            body=Markup(inert(body)), scripted=held.scripted, plots=has_figures(body),
        )  # fmt: skip
        (target / here).write_text(page, encoding="utf-8")

    write("index.html", "Overview", _index(held, pages))
    for path in notebooks:
        write(f"{path.stem}.html", STAGES[path.stem][0], body_of(path), "notebook")
    if held.proposals:
        write("blueprints.html", "Blueprints", _blueprints(held.proposals))
    if held.trajectories:
        write("trajectories.html", "Trajectories", _trajectories(held.trajectories, held.proposals))
    style = "".join((pieces.ASSETS / name).read_text(encoding="utf-8") for name in ("pieces.css", "page.css"))
    (target / "report.css").write_text(style, encoding="utf-8")
    shutil.copyfile(pieces.ASSETS / "report.js", target / "report.js")
    with importlib.resources.as_file(importlib.resources.files("plotly") / "package_data" / "plotly.min.js") as script:
        shutil.copyfile(script, target / "plotly.min.js")
    return target / "index.html"


def _index(held: Contents, pages: Sequence[tuple[str, str]]) -> str:
    verdicts, talks = tables.verdicts(held.proposals), tables.trajectories(held.trajectories)
    about = {f"{stem}.html": text for stem, (_, text) in STAGES.items()}
    about |= {"blueprints.html": "every blueprint whole: attempts, verdicts, votes, feedback; accepted and rejected"}
    about |= {
        "trajectories.html": "every conversation beside its groundtruth, the end state and what the user was told"
    }
    files = [(name, text, _size(held.folder / name)) for name, text in FILES.items() if (held.folder / name).is_file()]
    figures: list[go.Figure] = []
    if held.proposals:
        figures += [charts.funnel(tables.funnel(verdicts)), charts.rounds(tables.rounds(held.proposals))]
    if held.trajectories:
        figures += [charts.attempts(tables.attempts(talks)), charts.ends(tables.ends(talks, "divergence"))]
        figures += [charts.successes(mix.successes(held.proposals, held.trajectories, "kind"))]
    return pieces.draw(
        "index.html.j2",
        sentence=_sentence(held),
        figures=pieces.key_figures(tables.key_figures(held.proposals, held.trajectories, held.rows), held.scripted),
        links=[(href, name, about[href]) for href, name in pages if href in about],
        charts=[Markup(figure_html(figure.to_plotly_json())) for figure in figures],
        files=files,
        key_rows=_key_rows(held.run),
        folds=_folds(held.run),
    )


def _sentence(held: Contents) -> str:
    domain = next((p.domain for p in held.proposals), "an unknown domain")
    tried, kept = len(held.proposals), sum(p.accepted for p in held.proposals)
    talks, verified = len(held.trajectories), sum(t.success for t in held.trajectories)
    made = f"On {domain}, {tried:,} seeds gave {kept:,} accepted blueprints"
    held_talks = f"{talks:,} conversations about them gave {verified:,} verified trajectories"
    none = "No conversation has been held yet" if kept else "So no conversation was held"
    return f"{made}, and {held_talks}." if talks else f"{made}. {none}."


def _key_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a reader asks first of `run.json`: which models, how much of what, when, what changed since."""
    parameters, models = run.get("parameters") or {}, run.get("models") or {}
    played: dict[str, list[str]] = {}
    for role, name in models.items():
        played.setdefault(pieces.value(name), []).append(role)
    rows = [("model of every role" if len(played) == 1 else f"model of {', '.join(r)}", n) for n, r in played.items()]
    rows += [(FIRST[name], pieces.value(parameters[name])) for name in FIRST if parameters.get(name) is not None]
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


def _size(path: Path) -> str:
    size = path.stat().st_size
    if not size:
        return "empty"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _blueprints(proposals: Sequence[Proposal]) -> str:
    def facets(p: Proposal) -> dict[str, str]:
        outcome = (
            "rejected" if not p.accepted else "accepted after reflection" if len(p.attempts) > 1 else "accepted at once"
        )
        fell = next((v.gate for a in p.attempts for v in a.failures), "")
        return {
            "outcome": outcome,
            "fell at": fell,
            "attempts": str(len(p.attempts)),
            "kind": p.kind,
            "behaviour": p.behaviour,
        }

    about = (
        "Each seed with all its attempts: what was asked for, what each gate said, what the feedback was. "
        "“fell at” is the first gate that failed it."
    )
    return _explorer("Every blueprint", about, "blueprints.jsonl", proposals, facets, pieces.proposal)


def _trajectories(records: Sequence[Trajectory], proposals: Sequence[Proposal]) -> str:
    accepted, known = {p.id: p for p in proposals if p.accepted}, {p.id: p for p in proposals}
    writes = {action.name for p in proposals for a in p.attempts if a.blueprint for action in a.blueprint.actions}

    def facets(t: Trajectory) -> dict[str, str]:
        outcome = "verified" if t.success else "failed"
        return {
            "outcome": outcome,
            "ended": tables.ENDED[t.ended],
            "divergence": t.divergence.kind if t.divergence else "",
            "blame": t.blame.cause if t.blame else "",
            "kind": known[t.blueprint].kind if t.blueprint in known else "",
            "behaviour": known[t.blueprint].behaviour if t.blueprint in known else "",
        }

    def drawn(t: Trajectory) -> pieces.Piece:
        p = accepted.get(t.blueprint)
        return pieces.compare(t, p.blueprint if p else None, p.attempts[-1].diff if p else (), writes)

    about = (
        "Each conversation beside its groundtruth: what was said, where it first went wrong, "
        "what should have been called, what the world looked like then."
    )
    return _explorer("Every trajectory", about, "trajectories.jsonl", records, facets, drawn)


def _explorer(
    title: str,
    about: str,
    file: str,
    records: Sequence[Any],
    facets: Callable[[Any], dict[str, str]],
    drawn: Callable[[Any], str],
) -> str:
    chosen = _spaced(records, MOST_ITEMS)
    items = [_json({"id": r.id, "facets": facets(r), "html": inert(drawn(r))}) for r in chosen]
    size = sum(len(item.encode()) for item in items)
    if size > MOST_BYTES:
        items = _spaced(items, max(1, len(items) * MOST_BYTES // size))
    names = list(facets(records[0]))
    return pieces.draw(
        "explorer.html.j2", title=title, about=about, file=file, facets=names, shown=len(items), total=len(records),
        items=Markup("[" + ",\n".join(items) + "]"),
    )  # fmt: skip


def _spaced(items: Sequence[Any], most: int) -> list[Any]:
    step = max(1.0, len(items) / most)
    return [items[int(number * step)] for number in range(min(most, len(items)))]


def _json(value: Any) -> str:
    # Inside <script> only these two can end or change the block; both stay the same JSON.
    text = json.dumps(value, ensure_ascii=False, default=lambda item: clean(str(item)))
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")
