"""The explorers of a report: every blueprint, every reflection step, every trajectory."""

from __future__ import annotations

from collections.abc import Mapping

from ..records import Proposal, Trajectory
from ..storage.safe_text import clean_name
from . import dataset_tables, pieces, tables
from .comparable import embedded
from .compared_conversations import of_blueprint
from .diversity import ROW
from .item_explorer import Facets, Item, ItemExplorer
from .pass_rates import REJECTED, REPAIRED, attempt_facets, failure_name, traits
from .people_notes import SAID, shown
from .reflection import ACCEPTED, fell_at, is_mended
from .run_contents import RunContents
from .shares import MARKS, OPEN

LENGTHS = ((5, "1–5 messages"), (10, "6–10 messages"), (20, "11–20 messages"), (40, "21–40 messages"))


def blueprints(run: RunContents) -> ItemExplorer:
    """Every blueprint, found by what was asked for and by what one of its attempts shows."""
    about = (
        "Each seed with all its attempts: what was asked for, what each gate said, how each judge voted, what the "
        "feedback was and what it changed. Gates, failures, metrics and tools are those of one and the same attempt."
    )
    menus = ("outcome", "fell at", "failure", "metric not met", "attempts", "kind", "behaviour", "level", "tool")

    def html(id: str) -> str:
        return of_blueprint(id, run.conversations_of.get(id, ())) + pieces.proposal(run.proposals.whole(id))

    return ItemExplorer(
        "Every blueprint", about, "blueprints.jsonl", "blueprints", menus,
        lambda: [_blueprint(p) for p in run.proposals], html, run.proposals.search, part="attempts",
    )  # fmt: skip


def _blueprint(p: Proposal) -> Item:
    outcome = [REJECTED] if not p.accepted else [ACCEPTED, REPAIRED if len(p.attempts) > 1 else "accepted at once"]
    facets: Facets = {
        "outcome": outcome,
        "attempts": str(len(p.attempts)),
        "kind": p.kind,
        "behaviour": p.behaviour,
        "level": p.level,
        "persona": traits(p.persona),
    }
    came_out = [fell_at(a) or ACCEPTED for a in p.attempts]
    parts = [
        {**attempt_facets(attempt, number), "came out": came, "fell before": before}
        for number, (attempt, came, before) in enumerate(zip(p.attempts, came_out, ["", *came_out], strict=False))
    ]
    first = next((failure_name(v) for a in p.attempts for v in a.failures), "")
    line, alike = f"{p.kind} · {' → '.join(came_out)}", f"{outcome[-1]} {first}"
    return Item(p.id, facets, "✓" if p.accepted else "✗", line, parts=parts, alike=alike)


def reflections(run: RunContents) -> ItemExplorer:
    """Every attempt that followed feedback, beside the one before; shows nothing when there is none."""
    about = (
        "Each attempt that followed feedback: why the one before fell, what it was told, what it changed, word by word."
    )
    menus = ("came of it", "failure before", "reflection", "kind")

    def make() -> list[Item]:
        return [_step(p, number) for p in run.proposals for number in range(1, len(p.attempts))]

    def html(id: str) -> str:
        proposal, _, number = id.rpartition(".")
        return pieces.reflection(run.proposals.whole(proposal), int(number))

    def find(text: str, start: int) -> tuple[list[str], int]:
        found, on = run.proposals.search(text, start)
        return [f"{id}.{number}" for id in found for number in range(1, run.attempts[id])], on

    title = "Before and after, attempt by attempt"
    return ItemExplorer(title, about, "blueprints.jsonl", "reflections", menus, make, html, find, level=2)


def _step(p: Proposal, number: int) -> Item:
    before, after = p.attempts[number - 1], p.attempts[number]
    old = [failure_name(v) for v in before.failures]
    new = {failure_name(v) for v in after.failures}
    mended = [failure_name(v) for v in before.failures if is_mended(v, after)]
    came = ACCEPTED if after.accepted else "the same failure again" if new & set(old) else "fell for something else"
    facets: Facets = {
        "came of it": came,
        "failure before": old,
        "mended": mended,
        "not mended": [name for name in old if name not in mended],
        "reflection": str(number),
        "kind": p.kind,
        "blueprint": p.id,
    }
    line, mark = f"{fell_at(before)} → {fell_at(after) or ACCEPTED}", "✓" if after.accepted else "✗"
    return Item(f"{p.id}.{number}", facets, mark, line, p.id, alike=f"{fell_at(before)} {after.accepted}")


def trajectories(run: RunContents) -> ItemExplorer:
    """Every trajectory beside its groundtruth."""
    about = (
        "Each conversation beside its groundtruth: what was said, where it first went wrong, what should have been "
        "called, what the world looked like then. “compare with” puts any other turn by turn beside it: where the two "
        "part, and what that did to the end state."
    )
    menus = (
        "outcome", "cause", "divergence", "failed check", "undecided check", "rule broken", "kind", "behaviour",
        "length", "ended", "dataset", "a person says",
    )  # fmt: skip

    def make() -> list[Item]:
        known = {p.id: p for p in run.proposals}
        said = {id: SAID[note.verdict] for id, note in run.said.items()}
        gone, exported = dataset_tables.reason_of(run.folder / "dataset"), run.rows is not None
        rows = ((t, gone.get(t.id, ROW) if exported and t.success else "") for t in run.trajectories)
        return [_trajectory(t, known, {"dataset": row, "a person says": said.get(t.id, "")}) for t, row in rows]

    def html(id: str) -> str:
        trajectory = run.trajectories.whole(id)
        p = run.proposal_of(trajectory)
        blueprint, diff = (p.blueprint, p.attempts[-1].diff) if p and p.accepted else (None, ())
        note = shown(run.said[id], trajectory) if id in run.said else ""
        return note + pieces.compare(trajectory, blueprint, diff, run.writes) + embedded(trajectory, p, run.writes)

    return ItemExplorer(
        "Every conversation", about, "trajectories.jsonl", "conversations", menus, make, html, run.trajectories.search,
        any_two=True,
    )  # fmt: skip


def _trajectory(t: Trajectory, known: Mapping[str, Proposal], beside: Facets) -> Item:
    p = known.get(t.blueprint)
    divergence, cause = t.divergence.kind if t.divergence else "", t.blame.cause if t.blame else ""
    rules: dict[str, list[str]] = {}
    for finding in tables.findings(t):
        rules.setdefault(finding.outcome, []).append(clean_name(finding.rule))
    facets: Facets = {
        "outcome": t.outcome,
        "cause": cause,
        "divergence": divergence,
        "failed check": [failure_name(v) for v in t.verdicts if v.outcome == "fell"],
        "undecided check": [failure_name(v) for v in t.verdicts if v.undecided],
        **{
            f"check {came}": [clean_name(v.gate) for v in t.verdicts if v.outcome == came]
            for came in ("held", "fell", *OPEN)
        },
        "rule broken": list(dict.fromkeys(rules.get("fell", ()))),
        "noted": list(dict.fromkeys(rules.get("noted", ()))),
        "kind": p.kind if p else "",
        "behaviour": p.behaviour if p else "",
        "length": length_class(len(t.messages)),
        "ended": tables.ENDED[t.ended],
        **beside,
        "attempt": str(t.attempt),
        "tool": list(dict.fromkeys(clean_name(call.name) for call in t.calls)),
        "blueprint": t.blueprint,
    }
    alike = f"{t.outcome} {divergence} {cause} {t.ended}"
    return Item(
        t.id, facets, MARKS[t.outcome], _line(t, p.kind if p else "", divergence, cause), t.blueprint, alike=alike
    )


def _line(t: Trajectory, kind: str, divergence: str, cause: str) -> str:
    """A trajectory in the list: what came of it, how long it is, and what is noted of it."""
    long, open_ = f"{len(t.messages)} messages", [v for v in t.verdicts if v.undecided]
    failed = next((clean_name(v.kind or v.gate) for v in t.verdicts if v.outcome == "fell"), tables.ENDED[t.ended])
    told = {
        "verified": (long, kind),
        "failed": (divergence or failed, cause, long),
        "undecided": ("undecided", *map(failure_name, open_), long),
    }[t.outcome]
    return " · ".join(filter(None, (*told, tables.noted(t))))


def length_class(messages: int) -> str:
    """The class of length that a conversation of so many messages belongs to."""
    return next((name for most, name in LENGTHS if messages <= most), "more than 40 messages")
