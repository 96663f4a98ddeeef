"""A stage of which nothing came, for one reason: what is wrong is wrong with all of it, and no run passes it by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..records import Proposal, Trajectory
from . import StageFailed

HANDFUL = 5  # of fewer items that end alike nothing follows: two seeds of a weak model may well


def one_reason(records: Iterable[Proposal | Trajectory]) -> tuple[int, str] | None:
    """How many items a stage has and why none got a usable reply, if that is the same for all, and they are a handful
    at least. Numbers and ids in the reasons do not count."""
    count, first, told = 0, "", ""
    for record in records:
        count += 1
        reason = _without_reply(record)
        told = told or reason
        alike = re.sub(r"\w*\d\w*", "#", reason.replace(record.id, "#"))
        alike = re.sub(r"#\S*: ", "", alike, count=1) if reason.startswith(record.id) else alike
        first = first or alike
        if not reason or alike != first:
            return None
    return (count, told) if count >= HANDFUL else None


def check_reasons(stage: str, records: Iterable[Proposal | Trajectory]) -> None:
    """StageFailed when no item of a stage got a usable reply, all for one reason."""
    if (found := one_reason(records)) is not None:
        count, reason = found
        told = f"{stage}: all {count} items ended without a usable reply, and for one reason: {reason}"
        raise StageFailed(f"{told}; nothing is lost: mend that, then the same command with --retry-failed asks again")


def _without_reply(record: Proposal | Trajectory) -> str:
    """Why an item ended without a usable reply; "" when it ended in another way."""
    if isinstance(record, Trajectory):
        return (
            (record.reason or "no reason") if record.unanswered or record.ended in ("agent_error", "user_error") else ""
        )
    if any(attempt.blueprint is not None for attempt in record.attempts):
        return ""
    return next((verdict.reason for attempt in record.attempts[-1:] for verdict in attempt.failures), "")
