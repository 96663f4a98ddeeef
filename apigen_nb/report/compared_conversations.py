"""Conversations in pairs: attempts at one blueprint, chosen and rejected, those of several runs. Each pair leads to
its diff, which the page of all conversations shows for any two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from urllib.parse import quote

from ..records import Trajectory
from . import pieces, tables
from .comparable import embedded
from .item_explorer import Facets, Item, ItemExplorer
from .run_contents import RunContents
from .shares import MARKS

MOST_PAIRS, MOST_LISTED = 6, 60
PAGE, ACROSS = "trajectories.html", "compare.html"


def address(page: str, one: str, other: str) -> str:
    """Where the diff of two items of a page is."""
    return f"{page}#{quote(one, safe='')}?with={quote(other, safe='')}"


def of_blueprint(blueprint: str, held: Sequence[tuple[str, str]]) -> str:
    """Links to the conversations about a blueprint, ids and outcomes, and to the diffs of two of them, different
    outcomes first; "" when there is none."""
    if not held:
        return ""
    pairs = sorted(combinations(held, 2), key=lambda pair: pair[0][1] == pair[1][1])[:MOST_PAIRS]
    short = f"{blueprint}."
    named = [(a.removeprefix(short), b.removeprefix(short), address(PAGE, a, b)) for (a, _), (b, _) in pairs]
    kinds = {"verified": "held", "failed": "fell", "undecided": "undecided"}
    found = [(id, MARKS[outcome], outcome) for id, outcome in held]
    return pieces.draw("conversations_of.html.j2", blueprint=blueprint, found=found, marks=kinds, pairs=named)


def chosen_and_rejected(run: RunContents) -> pieces.Piece:
    """The preference pairs that were exported: chosen, rejected, why that one fell."""
    rows = [([one, other, cause], address(PAGE, one, other)) for one, other, cause in run.preference_pairs]
    return _table(["chosen", "rejected", "why it was rejected"], rows)


def _table(heads: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> pieces.Piece:
    return pieces.draw("pairs.html.j2", heads=heads, rows=rows[:MOST_LISTED], total=len(rows))


def turned(runs: Mapping[str, RunContents]) -> pieces.Piece:
    """The conversations with one id that came out otherwise in a later run than in the first."""
    first, *others = runs
    known = {trajectory.id: trajectory for trajectory in runs[first].trajectories}
    rows = []
    for name in others:
        for there in runs[name].trajectories:
            here = known.get(there.id)
            if here and here.outcome != there.outcome:
                came = [f"{MARKS[trajectory.outcome]} {trajectory.outcome}" for trajectory in (here, there)]
                rows.append(([here.id, name, *came], address(ACROSS, f"{first}/{here.id}", f"{name}/{there.id}")))
    return _table(["conversation", "beside", f"in {first}", "there"], rows)


def of_runs(runs: Mapping[str, RunContents], hrefs: Mapping[str, str]) -> ItemExplorer:
    """Every conversation of several runs, any two of which can be compared; `hrefs` is run → its report."""
    about = (
        "Each conversation of each run. “compare with” puts any other beside it, turn by turn: the same one of another "
        "run, another attempt, or any at all."
    )

    def html(id: str) -> str:
        named = {name: id.removeprefix(f"{name}/") for name in runs if id.startswith(f"{name}/")}
        name = next(name for name, own in named.items() if own in runs[name].trajectories.place)
        return _whole(runs[name], named[name], name, hrefs.get(name, ""))

    menus = ("run", "outcome", "elsewhere", "kind", "ended")
    return ItemExplorer(
        "Conversations of these runs", about, "the runs' trajectories.jsonl", "conversations", menus,
        lambda: _items(runs), html, partial(_find, runs), level=2, any_two=True,
    )  # fmt: skip


def _find(runs: Mapping[str, RunContents], text: str, start: int = 0) -> tuple[list[str], int]:
    """The ids of the next slice of conversations that hold a text, and where to look on: run after run."""
    first = 0
    for name, run in runs.items():
        count = len(run.trajectories)
        if start < first + count:
            found, on = run.trajectories.search(text, start - first)
            last = name == list(runs)[-1]
            return [f"{name}/{id}" for id in found], first + on if on >= 0 else -1 if last else first + count
        first += count
    return [], -1


def _items(runs: Mapping[str, RunContents]) -> list[Item]:
    came = {name: {one.id: one.outcome for one in run.trajectories} for name, run in runs.items()}
    kinds = {name: {p.id: p.kind for p in run.proposals} for name, run in runs.items()}
    return [
        _item(f"{name}/{one.id}", name, one, came, kinds[name].get(one.blueprint, ""))
        for name, run in runs.items()
        for one in run.trajectories
    ]


def _item(id: str, run: str, trajectory: Trajectory, came: Mapping[str, Mapping[str, str]], kind: str) -> Item:
    elsewhere = {
        f"{there[trajectory.id]} in {name}" for name, there in came.items() if name != run and trajectory.id in there
    }
    facets: Facets = {
        "run": run,
        "outcome": trajectory.outcome,
        "elsewhere": sorted(elsewhere),
        "kind": kind,
        "ended": tables.ENDED[trajectory.ended],
    }
    line = " · ".join([f"{len(trajectory.messages)} messages", *sorted(elsewhere)])
    return Item(id, facets, MARKS[trajectory.outcome], line, trajectory.blueprint, alike=f"{run} {trajectory.outcome}")


def _whole(run: RunContents, id: str, name: str, href: str) -> str:
    """A conversation of one of several runs; its links would lead into another run's pages, so only one remains."""
    trajectory = run.trajectories.whole(id)
    p = run.proposal_of(trajectory)
    blueprint, diff = (p.blueprint, p.attempts[-1].diff) if p and p.accepted else (None, ())
    whole = pieces.unlinked(pieces.compare(trajectory, blueprint, diff, run.writes))
    own = f"{href.removesuffix('index.html')}{PAGE}#{quote(id, safe='')}" if href else ""
    return pieces.draw("of_run.html.j2", run=name, href=own) + whole + embedded(trajectory, p, run.writes)
