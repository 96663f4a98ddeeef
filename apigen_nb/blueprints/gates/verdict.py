"""How the problems that gates find are put into words."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import Verdict

Problem = tuple[str, str]  # its kind, and the reason for people and for the feedback model


def verdict_on(gate: str, problems: Sequence[Problem]) -> Verdict:
    """Passed when there are no problems; else all reasons, under the kind of the first."""
    kind = problems[0][0] if problems else ""
    return Verdict(gate=gate, passed=not problems, kind=kind, reason="; ".join(reason for _, reason in problems))
