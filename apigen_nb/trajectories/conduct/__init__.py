"""Conduct (ours): how it was done, turn by turn, beside what was reached (state, outputs) and shown (behaviour).

What calls, results and state prove is decided by code; what a sentence means is asked through `Meanings`, and only
where evidence leaves it open. No list of words of any language decides against a conversation. What is asked of the
agent comes from `Domain.conduct`, `Domain.rules` and `Domain.trace_rules`, and from what holds of any service.
"""

from __future__ import annotations

from ...records import Verdict
from ..dialogue import Dialogue
from ..meaning import Meanings
from .calls import calls_singly, does_not_repeat, identifies_first, stays_silent_after_transfer
from .figures import tells_what_it_knows
from .privacy import shows_own_rows_only
from .promises import keeps_its_word
from .texts import shows_no_machinery
from .writes import asks_before_writes, obeys_rules, obeys_trace_rules, refused_writes, writes_right_at_once

CHECKS = (
    shows_no_machinery,
    identifies_first,
    calls_singly,
    stays_silent_after_transfer,
    shows_own_rows_only,
    keeps_its_word,
    tells_what_it_knows,
    asks_before_writes,
    obeys_rules,
    obeys_trace_rules,
    writes_right_at_once,
    refused_writes,
    does_not_repeat,
)


def keeps_conduct(dialogue: Dialogue, meanings: Meanings) -> Verdict:
    """The conduct check: passed when no turn breaks anything and no question of meaning is open. `findings` are all
    turns that are marked, in order, those too that are only noted."""
    findings = sorted((f for check in CHECKS for f in check(dialogue, meanings)), key=lambda finding: finding.turn)
    fell = [finding for finding in findings if finding.outcome == "fell"]
    told = fell or [finding for finding in findings if finding.outcome == "undecided"]
    return Verdict(
        gate="conduct",
        passed=not told,
        undecided=bool(told) and not fell,
        kind=told[0].rule if told else "",
        reason="; ".join(f"message {f.turn}, {f.found}: {f.text}" for f in told[:6]),
        findings=tuple(findings),
    )
