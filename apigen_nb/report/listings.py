"""The explorers of a report: every blueprint, every reflection step, every trajectory."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Proposal, Trajectory
from ..storage.safe_text import clean_name
from . import pieces, tables
from .explorer import MOST_ITEMS, Facets, Item, explorer, sample
from .pass_rates import REJECTED, REPAIRED, named, traces, traits
from .reflection import fell_at, gone


def _outcome(p: Proposal) -> list[str]:
    if not p.accepted:
        return [REJECTED]
    return ["accepted", REPAIRED if len(p.attempts) > 1 else "accepted at once"]


def _blueprint(p: Proposal) -> Item:
    facets: Facets = {
        "outcome": _outcome(p),
        "attempts": str(len(p.attempts)),
        "kind": p.kind,
        "behaviour": p.behaviour,
        "level": p.level,
        "persona": list(traits(p.persona)),
    }
    where = " → ".join(fell_at(a) or "accepted" for a in p.attempts)
    parts = [traces(attempt, number) for number, attempt in enumerate(p.attempts)]
    line = f"{p.kind} · {where}"
    return Item(p.id, facets, "✓" if p.accepted else "✗", line, pieces.proposal(p), parts=parts)


def blueprints(proposals: Sequence[Proposal]) -> pieces.Piece:
    """Every blueprint, or a sample of very many."""

    def rare(p: Proposal) -> str:
        return f"{_outcome(p)[-1]} {next((named(v) for a in p.attempts for v in a.failures), '')}"

    about = (
        "Each seed with all its attempts: what was asked for, what each gate said, how each judge voted, what the "
        "feedback was and what it changed. Gates, failures, metrics and tools are those of one and the same attempt."
    )
    selects = ("outcome", "fell at", "failure", "metric not met", "attempts", "kind", "behaviour", "level", "tool")
    items = [_blueprint(p) for p in sample(proposals, MOST_ITEMS, rare)]
    title = "Every blueprint"
    return explorer(about, "blueprints.jsonl", items, len(proposals), selects, "blueprints", title, part="attempts")


def _step(p: Proposal, number: int) -> Item:
    before, after = p.attempts[number - 1], p.attempts[number]
    old = [named(v) for v in before.failures]
    new = {named(v) for v in after.failures}
    mended = [named(v) for v in before.failures if gone(v, after)]
    came = "accepted" if after.accepted else "the same failure again" if new & set(old) else "fell for something else"
    facets: Facets = {
        "came of it": came,
        "failure before": old,
        "mended": mended,
        "not mended": [name for name in old if name not in mended],
        "reflection": str(number),
        "kind": p.kind,
        "blueprint": p.id,
    }
    line = f"{fell_at(before)} → {fell_at(after) or 'accepted'}"
    return Item(f"{p.id}.{number}", facets, "✓" if after.accepted else "✗", line, pieces.step(p, number), p.id)


def steps(proposals: Sequence[Proposal]) -> pieces.Piece | str:
    """Every attempt that followed feedback, beside the one before; "" when there is none."""
    found = [(p, number) for p in proposals for number in range(1, len(p.attempts))]
    if not found:
        return ""
    chosen = sample(found, MOST_ITEMS, lambda s: f"{fell_at(s[0].attempts[s[1] - 1])} {s[0].attempts[s[1]].accepted}")
    about = (
        "Each attempt that followed feedback: why the one before fell, what it was told, what it changed, word by word."
    )
    selects = ("came of it", "failure before", "reflection", "kind")
    items = [_step(p, number) for p, number in chosen]
    title = "Before and after, attempt by attempt"
    return explorer(about, "blueprints.jsonl", items, len(found), selects, "reflections", title, level=2)


LENGTHS = ((5, "1–5 messages"), (10, "6–10 messages"), (20, "11–20 messages"), (40, "21–40 messages"))


def length(messages: int) -> str:
    """The class of length that a conversation of so many messages belongs to."""
    return next((name for most, name in LENGTHS if messages <= most), "more than 40 messages")


def _wrong(t: Trajectory) -> str:
    """What went wrong in a failed conversation, and who caused it."""
    failed = next((clean_name(v.kind or v.gate) for v in t.verdicts if not v.passed), tables.ENDED[t.ended])
    cause = f" · {t.blame.cause}" if t.blame else ""
    return f"{t.divergence.kind if t.divergence else failed}{cause} · {len(t.messages)} messages"


def trajectories(records: Sequence[Trajectory], proposals: Sequence[Proposal]) -> pieces.Piece:
    """Every trajectory beside its groundtruth, or a sample of very many."""
    known = {p.id: p for p in proposals}
    writes = {action.name for p in proposals for a in p.attempts if a.blueprint for action in a.blueprint.actions}

    def item(t: Trajectory) -> Item:
        p = known.get(t.blueprint)
        facets: Facets = {
            "outcome": "verified" if t.success else "failed",
            "cause": t.blame.cause if t.blame else "",
            "divergence": t.divergence.kind if t.divergence else "",
            "failed check": [named(v) for v in t.verdicts if not v.passed],
            "kind": p.kind if p else "",
            "behaviour": p.behaviour if p else "",
            "length": length(len(t.messages)),
            "ended": tables.ENDED[t.ended],
            "attempt": str(t.attempt),
            "tool": list(dict.fromkeys(clean_name(call.name) for call in t.calls)),
            "blueprint": t.blueprint,
        }
        b, diff = (p.blueprint, p.attempts[-1].diff) if p and p.accepted else (None, ())
        line = f"{len(t.messages)} messages · {p.kind if p else ''}" if t.success else _wrong(t)
        html = pieces.compare(t, b, diff, writes)
        return Item(t.id, facets, "✓" if t.success else "✗", line, html, t.blueprint)

    def rare(t: Trajectory) -> str:
        return f"{t.success} {t.divergence.kind if t.divergence else ''} {t.blame.cause if t.blame else ''} {t.ended}"

    chosen = sample(records, MOST_ITEMS, rare)
    about = (
        "Each conversation beside its groundtruth: what was said, where it first went wrong, what should have been "
        "called, what the world looked like then. “beside” puts another attempt at the same blueprint next to it."
    )
    selects = ("outcome", "cause", "divergence", "failed check", "kind", "behaviour", "length", "ended")
    items = [item(t) for t in chosen]
    return explorer(about, "trajectories.jsonl", items, len(records), selects, "conversations", "Every conversation")
