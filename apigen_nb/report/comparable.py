"""A trajectory as the page's script compares it with any other: its turns, its delta beside the one of its groundtruth,
its checks. `trajectory_diff.js` puts two of these side by side, in a static page, a widget and the app alike."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ..records import STOP, Change, Proposal, Trajectory, sha
from ..storage.safe_text import LONGEST, clean, clean_name
from . import alignment, tables
from .embedded_data import as_json
from .marks import WEIGHTY
from .pieces import Piece, pretty

DATA = '<script type="application/json" data-name="comparable">'
EXACT = 2**53  # of larger numbers JavaScript knows no more than about what they are

Comparable = dict[str, Any]


def comparable(trajectory: Trajectory, proposal: Proposal | None, writes: Collection[str] = ()) -> Comparable:
    """What two trajectories are compared by. `proposal` is the one of its blueprint, where that is known, and `writes`
    names the domain's writing tools. Texts are clean and cut, so that a stranger's can be shown as they are."""
    told = {"turns": list(_turns(trajectory, writes)), "state": _rows(trajectory.diff), "checks": _checks(trajectory)}
    head = {
        "id": clean_name(trajectory.id),
        "outcome": trajectory.outcome,
        "ended": tables.ENDED[trajectory.ended],
        "messages": len(trajectory.messages),
        "calls": len(trajectory.calls),
        "cause": trajectory.blame.cause if trajectory.blame else "",
        "blueprint": clean_name(trajectory.blueprint),
    }
    return head | told | _task(trajectory, proposal)


def embedded(trajectory: Trajectory, proposal: Proposal | None, writes: Collection[str] = ()) -> Piece:
    """The same as data inside of the trajectory's HTML."""
    data = as_json(comparable(trajectory, proposal, writes))
    return Piece(f"{DATA}{data}</script>")


def _task(trajectory: Trajectory, proposal: Proposal | None) -> Comparable:
    """What was asked for, and the rows that were to change; of an unknown blueprint neither."""
    if proposal is None or not proposal.accepted:
        return {"task": None, "expected": None, "outputs": []}
    b = proposal.blueprint
    outputs = [[plain(text), _number(alignment.message_telling(trajectory, text))] for text in b.outputs]
    task = {"instruction": plain(b.instruction), "actions": [plain(str(action)) for action in b.actions]}
    return {"task": task, "expected": _rows(proposal.attempts[-1].diff), "outputs": outputs}


def _number(turn: int | None) -> int | None:
    return None if turn is None else turn + 1


def _turns(trajectory: Trajectory, writes: Collection[str]) -> Iterator[Comparable]:
    """What was said and called, in order, each with the number of its message, from 1. A call carries its result; a
    result that answers no call stands for itself."""
    calls = alignment.calls_made(trajectory.messages)
    answered = {made.answer for made in calls}
    for turn, message in enumerate(trajectory.messages):
        here = {"n": turn + 1, "findings": _findings(trajectory, turn)}
        made = [c for c in calls if c.turn == turn]
        if message.role == "tool":
            if turn not in answered:
                yield here | {"who": "result", "text": plain(pretty(message.content)), "refused": message.error}
            continue
        if message.content or not made:
            spoken = message.content.replace(STOP, "").strip()
            who = "user" if message.role == "user" else "agent"
            yield here | {"who": who, "text": plain(spoken), "stop": who == "user" and STOP in message.content}
        for number, c in enumerate(made):
            own = _findings(trajectory, turn) if not number and not message.content else []
            yield here | {"findings": [*own, *_findings(trajectory, c.answer)]} | _call(c, writes)


def _call(made: alignment.CallMade, writes: Collection[str]) -> Comparable:
    call = made.call
    return {
        "who": "call",
        "name": clean_name(call.name),
        "arguments": None if call.arguments is None else plain(call.arguments),
        "raw": plain(call.raw) if call.arguments is None else "",
        "result": plain(pretty(made.result)),
        "refused": made.refused,
        "writes": call.name in writes,
    }


def _findings(trajectory: Trajectory, turn: int) -> list[Comparable]:
    return [
        {"rule": clean_name(f.rule), "outcome": f.outcome, "text": plain(f.found or f.text)}
        for v in trajectory.verdicts
        for f in v.findings
        if f.turn == turn >= 0 and f.outcome in WEIGHTY
    ]


def _rows(diff: Iterable[Change]) -> list[Comparable]:
    return [{"row": plain(f"{c.table}/{c.id}"), "before": plain(c.before), "after": plain(c.after)} for c in diff]


def _checks(trajectory: Trajectory) -> list[Comparable]:
    return [
        {"gate": clean_name(v.gate), "outcome": v.outcome, "kind": clean_name(v.kind), "reason": plain(v.reason)}
        for v in trajectory.verdicts
    ]


def plain(value: Any) -> Any:
    """A JSON value with which JavaScript does as Python does: texts clean and cut, numbers that it would take for
    others as texts."""
    if isinstance(value, str):
        return clean(value) if len(value) <= LONGEST else clean(_cut(value))
    if isinstance(value, dict):
        return {clean_name(str(key)): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and (not math.isfinite(value) or value == int(value)):
        return str(value)  # 1.0 is not 1
    return str(value) if isinstance(value, int) and abs(value) > EXACT else value


def _cut(text: str) -> str:
    """The beginning of a long text and a hash of it: two that differ further on are not the same."""
    rest = len(text) - LONGEST
    return f"{text[:LONGEST]} … ({rest:,} more characters in the record, all of them {sha(text, 8)})"
