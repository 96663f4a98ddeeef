"""The reward of a conversation: its checks, and where it first went wrong. State and outputs are tau-bench's; that it
has ended, and that it shows what its kind asks for, are ours. It is verified when all of them passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..blueprints.gates.execution import execute
from ..blueprints.gates.kind import same_call
from ..records import Action, Change, Divergence, Message, Verdict, canonical
from ..world.values import mentions
from ..world.world import digest
from .behaviour import shows_behaviour
from .dialogue import Call, Dialogue


def check_all(dialogue: Dialogue, reached: tuple[Change, ...], ended: Verdict) -> tuple[Verdict, ...]:
    """The verdicts of all checks, in their order: `ended` is the first, `reached` the delta of the world at the end.
    `Trajectory.success`, the reward, is whether all of them passed."""
    blueprint, messages, domain = dialogue.blueprint, dialogue.messages, dialogue.domain
    behaviour = shows_behaviour(blueprint, messages, domain)
    expected = execute(blueprint, domain).diff
    checks = (ended, same_state(expected, reached), all_told(blueprint.outputs, messages))
    return (*checks, behaviour) if behaviour else checks


def same_state(expected: tuple[Change, ...], reached: tuple[Change, ...]) -> Verdict:
    """State check: the end state equals the state after the groundtruth actions on a fresh world."""
    if digest(expected) == digest(reached):
        return Verdict(gate="state", passed=True)
    want, have = ({(c.table, c.id): canonical(c.after) for c in delta} for delta in (expected, reached))
    rows = sorted(row for row in want.keys() | have.keys() if want.get(row) != have.get(row))
    named = ", ".join(f"{table}/{key}" for table, key in rows[:6])
    return Verdict(gate="state", passed=False, kind="state differs", reason=f"{len(rows)} rows differ: {named}")


def all_told(outputs: Sequence[str], messages: Sequence[Message]) -> Verdict:
    """Output check: every expected output appears in some message of the agent."""
    texts = [message.content for message in messages if message.role == "assistant"]
    missing = [output for output in outputs if not any(mentions(text, output) for text in texts)]
    if not missing:
        return Verdict(gate="outputs", passed=True)
    told = f"told {len(outputs) - len(missing)} of {len(outputs)}; not told: {', '.join(map(repr, missing))}"
    return Verdict(gate="outputs", passed=False, kind="output not told", reason=told)


def divergence(dialogue: Dialogue, verdicts: Sequence[Verdict]) -> Divergence | None:
    """Where a conversation first left its groundtruth, or None where all verdicts passed. Where the state check did,
    only outputs, the end or the behaviour can be missing. Refused calls do not count."""
    failed = {verdict.gate: verdict.reason for verdict in verdicts if not verdict.passed}
    if "state" in failed:
        return _of_state(dialogue)
    if "outputs" in failed:
        return Divergence(turn=dialogue.last, kind="output not told", expected=failed["outputs"])
    if "ended" in failed:
        return Divergence(turn=dialogue.last, kind="did not end", found=failed["ended"])
    if "behaviour" in failed:
        kind, found = dialogue.blueprint.kind, failed["behaviour"]
        return Divergence(turn=dialogue.last, kind="behaviour not shown", expected=kind, found=found)
    return None


def left_out(dialogue: Dialogue) -> list[Action]:
    """The groundtruth actions that were not made."""
    return _compare(dialogue)[0]


def _compare(dialogue: Dialogue) -> tuple[list[Action], tuple[Call, Action | None] | None]:
    """The groundtruth actions that were not made, and the first write that is none of them, beside the action of its
    tool that was still to be made."""
    left, extra = list(dialogue.blueprint.actions), None
    for call in dialogue.writes:
        match = next((action for action in left if same_call(action, call.action)), None)
        if match is not None:
            left.remove(match)
        elif extra is None:
            extra = call, next((action for action in left if action.name == call.action.name), None)
    return left, extra


def _of_state(dialogue: Dialogue) -> Divergence:
    """The first write that the groundtruth does not have, else one that is missing, else their order."""
    left, extra = _compare(dialogue)
    if extra is not None:
        call, other = extra
        kind: Literal["different arguments", "extra write"] = "different arguments" if other else "extra write"
        return Divergence(turn=call.turn, kind=kind, expected=str(other or ""), found=str(call.action))
    if left:
        return Divergence(turn=dialogue.last, kind="missing write", expected=str(left[0]))
    pairs = zip(dialogue.blueprint.actions, dialogue.writes, strict=True)
    expected, call = next((action, call) for action, call in pairs if not same_call(action, call.action))
    return Divergence(turn=call.turn, kind="different order", expected=str(expected), found=str(call.action))
