"""The explorers of a report: every blueprint, every reflection step, every trajectory."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Proposal, Trajectory
from . import pieces, tables
from .explorer import MOST_ITEMS, Facets, Item, explorer, sample
from .passing import nth, tools_of, traits
from .reflection import fell_at
from .text import short


def _outcome(p: Proposal) -> str:
    if not p.accepted:
        return "rejected"
    return "accepted after reflection" if len(p.attempts) > 1 else "accepted at once"


def _failures(p: Proposal) -> list[str]:
    return list(dict.fromkeys(_named(v.gate, v.kind) for a in p.attempts for v in a.failures))


def _named(gate: str, kind: str) -> str:
    return f"{short(gate)}: {short(kind or gate)}"


def _blueprint(p: Proposal) -> Item:
    fallen = [(n, short(v.gate)) for n, a in enumerate(p.attempts) for v in a.failures]
    facets: Facets = {
        "outcome": _outcome(p),
        "fell at": list(dict.fromkeys(gate for _, gate in fallen)),
        "fell in": list(dict.fromkeys(nth(n) for n, _ in fallen)),
        "failure": _failures(p),
        "tool": list(dict.fromkeys(name for a in p.attempts for name in tools_of(a))),
        "attempts": str(len(p.attempts)),
        "kind": p.kind,
        "behaviour": p.behaviour,
        "level": p.level,
        "persona": list(traits(p.persona)),
    }
    where = " → ".join(fell_at(a) or "accepted" for a in p.attempts)
    return Item(p.id, facets, "✓" if p.accepted else "✗", f"{p.kind} · {where}", pieces.proposal(p))


def blueprints(proposals: Sequence[Proposal]) -> pieces.Piece:
    """Every blueprint, or a sample of very many."""
    chosen = sample(proposals, MOST_ITEMS, lambda p: f"{_outcome(p)} {_failures(p)[:1]}")
    about = (
        "Each seed with all its attempts: what was asked for, what each gate said, how each judge voted, what the "
        "feedback was and what it changed. “fell at” names every gate that failed one of its attempts."
    )
    selects = ("outcome", "fell at", "failure", "attempts", "kind", "behaviour", "level", "tool")
    items = [_blueprint(p) for p in chosen]
    return explorer(about, "blueprints.jsonl", items, len(proposals), selects, "blueprints", "Every blueprint")


def _step(p: Proposal, number: int) -> Item:
    before, after = p.attempts[number - 1], p.attempts[number]
    old = [_named(v.gate, v.kind) for v in before.failures]
    new = {_named(v.gate, v.kind) for v in after.failures}
    came = "accepted" if after.accepted else "the same failure again" if new & set(old) else "fell for something else"
    facets: Facets = {
        "came of it": came,
        "failure before": old,
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
    about = "Each try that followed feedback: why the one before fell, what it was told, what it changed, word by word."
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
    failed = next((short(v.kind or v.gate) for v in t.verdicts if not v.passed), tables.ENDED[t.ended])
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
            "blame": t.blame.cause if t.blame else "",
            "divergence": t.divergence.kind if t.divergence else "",
            "failed check": [_named(v.gate, v.kind) for v in t.verdicts if not v.passed],
            "kind": p.kind if p else "",
            "behaviour": p.behaviour if p else "",
            "length": length(len(t.messages)),
            "ended": tables.ENDED[t.ended],
            "tool": list(dict.fromkeys(short(call.name) for call in t.calls)),
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
    selects = ("outcome", "blame", "divergence", "failed check", "kind", "behaviour", "length", "ended")
    items = [item(t) for t in chosen]
    return explorer(about, "trajectories.jsonl", items, len(records), selects, "conversations", "Every conversation")
