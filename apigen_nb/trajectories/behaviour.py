"""Whether a conversation shows the hard behaviour of its blueprint (ours): evidence first, meaning second.

The end state is the state check's business; this is about how it was reached. `kind` of a verdict that fell says what
is missing, and with that who is to blame: the user did not play its part, or the agent did not do its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..blueprints.gates.kind import same_call
from ..records import STOP, Action, Finding, Verdict
from ..world.identification import identifying_tools
from .dialogue import Dialogue
from .meaning import Claim, Meanings
from .wishes import answering, replaced, replacing, voiced, voicing

USERS_PART = ("told unasked", "wish not voiced", "change not voiced")  # failures that are the simulated user's
WORLDS_PART = ("error not met",)  # what neither of them could help


class Problem(NamedTuple):
    """Something that a conversation lacks: the kind of the failure, the reason for people, and the turn that shows it,
    where one does. `undecided` is what nobody has answered yet."""

    kind: str
    reason: str
    turn: int | None = None
    undecided: bool = False


def shows_behaviour(dialogue: Dialogue, meanings: Meanings) -> Verdict | None:
    """The verdict on the behaviour that the blueprint's kind names; None for a plain one."""
    kind = dialogue.blueprint.kind
    if kind == "plain":
        return None
    checks = {
        "missing detail": _asks,
        "forbidden": _grants_none,
        "missing tool": _grants_none,
        "change of mind": _grants_none,
        "tool error": _recovers,
        "no tool": _calls_nothing,
        "parallel calls": _calls_together,
    }
    return verdict_of("behaviour", f"A task of the kind {kind}.", list(checks[kind](dialogue, meanings)))


def verdict_of(check: str, rule: str, problems: Sequence[Problem]) -> Verdict:
    """The verdict of a check: it held without problems, and is undecided where all problems are. The first that fell
    gives it its kind."""
    fell = [problem for problem in problems if not problem.undecided]
    first = next(iter(fell or problems), None)
    findings = tuple(
        Finding(turn=p.turn, rule=p.kind, text=rule, found=p.reason, outcome="undecided" if p.undecided else "fell")
        for p in problems
        if p.turn is not None
    )
    reason = "; ".join(problem.reason for problem in fell or problems)
    kind = first.kind if first else ""
    undecided = bool(problems) and not fell
    return Verdict(gate=check, passed=not problems, undecided=undecided, kind=kind, reason=reason, findings=findings)


def _asks(dialogue: Dialogue, meanings: Meanings) -> Iterator[Problem]:
    """Each withheld detail is told by the user only after the agent has asked for it."""
    for number, detail in enumerate(dialogue.blueprint.withheld):
        told = dialogue.first_mention(detail)
        if told is None:
            claim = _telling(number, detail, dialogue)
            answer, told = meanings.of(claim), meanings.turn(claim)
            if not answer:
                yield Problem("not asked", f"whether the user told {detail!r} is open", dialogue.last, undecided=True)
                continue
            if told is None:
                yield Problem("not asked", f"the user was never brought to tell {detail!r}", dialogue.last)
                continue
        reason = f"the user told {detail!r} in message {told} before being asked"
        if not any(message.content for _, message in dialogue.turns("assistant", end=told)):
            yield Problem("told unasked", reason, told)
            continue
        answer = meanings.of(_asking(number, detail, told))
        if answer != "yes":
            open_ = f"whether the agent asked for {detail!r} before message {told} is open"
            yield Problem("told unasked", reason if answer else open_, told, undecided=not answer)


def _telling(number: int, detail: str, dialogue: Dialogue) -> Claim:
    question = (
        "Does the customer tell this, in whatever words or format, so that the agent knows what it is? What goes "
        "without saying, such as the country of an address, may be left out."
    )
    return Claim(f"detail told/{number}", "detail told", question, detail, "user", 0, len(dialogue.messages))


def _asking(number: int, detail: str, told: int) -> Claim:
    question = (
        "Does the agent ask for this, or for what it is part of, as a question or as a request, before the customer "
        "tells it?"
    )
    return Claim(f"detail asked/{number}", "detail asked", question, detail, "assistant", 0, told)


def _grants_none(dialogue: Dialogue, meanings: Meanings) -> Iterator[Problem]:
    """Each denied wish was voiced and not carried out; then it was declined, or dropped for another."""
    dropped = dialogue.blueprint.kind == "change of mind"
    for number, wish in enumerate(dialogue.blueprint.denied):
        made = next((call.turn for call in dialogue.writes if same_call(wish, call.action)), None)
        if made is not None:
            yield Problem("denied wish granted", f"{'the dropped wish ' * dropped}{wish} was carried out", made)
            continue
        turn = voiced(wish, dialogue)
        if turn is None:
            claim = voicing(number, wish, dialogue)
            answer, turn = meanings.of(claim), meanings.turn(claim)
            if not answer:
                open_ = f"whether the user voiced the wish for {wish} is open"
                yield Problem("wish not voiced", open_, dialogue.last_of("user"), undecided=True)
            elif turn is None:
                yield Problem("wish not voiced", f"the user never voiced the wish for {wish}", dialogue.last_of("user"))
        if turn is not None:
            yield from (_is_dropped if dropped else _is_declined)(number, wish, turn, dialogue, meanings)


def _is_declined(number: int, wish: Action, since: int, dialogue: Dialogue, meanings: Meanings) -> Iterator[Problem]:
    """The agent declined a wish in words or handed over, and did not say afterwards that it was done."""
    said = [turn for turn, message in dialogue.turns("assistant", since + 1) if message.content]
    if not said:
        if since == dialogue.last and STOP in dialogue.messages[since].content:
            yield Problem("wish not voiced", f"the user voiced the wish for {wish} only as it left", since)
        elif (dialogue.handed_over or 0) <= since:
            yield Problem("not declined", f"the agent never answered the wish for {wish}", dialogue.last)
        return
    claim = answering(number, wish, dialogue, since)
    answer = meanings.of(claim)
    turn = meanings.turn(claim)
    if not answer:
        open_ = f"what the agent said of the wish for {wish} is open"
        yield Problem("not declined", open_, max(said), undecided=True)
    elif answer == "claimed":
        reason = f"the agent said that {wish} was or will be done, and nothing did it"
        yield Problem("claimed as done", reason, turn)
    elif answer == "neither" and (dialogue.handed_over or 0) <= since:
        yield Problem("not declined", f"the agent neither declined {wish} nor handed over", max(said))


def _is_dropped(number: int, wish: Action, since: int, dialogue: Dialogue, meanings: Meanings) -> Iterator[Problem]:
    """The user named another wish once the agent had answered the first."""
    if replaced(wish, dialogue, since) is not None:
        return
    last = dialogue.last_of("user")
    reason = f"after the agent had heard the wish for {wish}, the user named no other"
    if not any(turn > since for turn, _ in dialogue.turns("assistant")) or last <= since:
        yield Problem("change not voiced", reason, since)
        return
    answer = meanings.of(replacing(number, wish, dialogue, since))
    if answer != "yes":
        open_ = f"whether the user changed its mind about {wish} is open"
        yield Problem("change not voiced", reason if answer else open_, last, undecided=not answer)


def _recovers(dialogue: Dialogue, _: Meanings) -> Iterator[Problem]:
    """A call failed as unavailable and the same tool succeeded later."""
    calls = iter(dialogue.calls)
    failed = next((call for call in calls if call.unavailable), None)
    if failed is None:
        yield Problem("error not met", "the tool that fails once was never called")
    elif not any(later.done and later.action.name == failed.action.name for later in calls):
        turn = next((turn for turn, _ in dialogue.turns("assistant", failed.answered)), failed.answered)
        yield Problem("not tried again", f"{failed.action.name} was not called with success after it had failed", turn)


def _calls_nothing(dialogue: Dialogue, _: Meanings) -> Iterator[Problem]:
    """No tool was called but those that identify the user."""
    identifying = identifying_tools(dialogue.domain)
    called = [call for call in dialogue.calls if call.action.name not in identifying]
    if called:
        names = ", ".join(call.action.name for call in called[:5])
        yield Problem("tool called", f"no tool was needed, called: {names}", called[0].turn)


def _calls_together(dialogue: Dialogue, _: Meanings) -> Iterator[Problem]:
    """One message made at least two writes that succeeded."""
    turns = [call.turn for call in dialogue.writes]
    if len(turns) == len(set(turns)):
        yield Problem("one call at a time", "no message made two writes together", turns[0] if turns else None)
