"""The reward of a conversation: its checks, and where it first went wrong. State and outputs are tau-bench's; that it
has ended, and that it shows what its kind asks for, are ours. It is verified when all of them held. Each is held, fell
or undecided; `assess` has judges read what evidence leaves open, unless the conversation is lost anyway."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from ..blueprints.gates.kind import same_call
from ..blueprints.gates.origins import origin_types
from ..models import Model
from ..records import Action, Change, Divergence, Finding, Reading, Verdict, canonical
from ..world.end_states import same_delta
from ..world.telling import Telling, is_same_search, telling
from ..world.values import argument_values
from ..world.vocabulary import units
from ..world.world import digest
from .behaviour import shows_behaviour
from .conduct import keeps_conduct
from .dialogue import Call, Dialogue
from .meaning import Claim, Meanings, settle_open
from .repeated_outputs import each_is_told, same_outputs, telling_each

BROKEN: dict[str, Literal["behaviour not shown", "conduct broken"]] = {
    "behaviour": "behaviour not shown",
    "conduct": "conduct broken",
}


async def assess(
    dialogue: Dialogue,
    reached: tuple[Change, ...],
    ended: Verdict,
    judges: Sequence[Model] = (),
    *,
    name: str = "",
    thorough: bool = False,
) -> tuple[tuple[Verdict, ...], tuple[Reading, ...]]:
    """The verdicts of all checks, and what judges made of what evidence leaves open. Unless `thorough`, judges are not
    asked about a conversation that some check fells by evidence alone, and what is open there says so. `name` is the
    conversation's."""
    meanings = Meanings(dialogue.messages)
    verdicts = check_all(dialogue, reached, ended, meanings)
    if not thorough and any(verdict.outcome == "fell" for verdict in verdicts):
        return tuple(verdict.not_asked() for verdict in verdicts), ()
    check = functools.partial(check_all, dialogue, reached, ended)
    verdicts = await settle_open(verdicts, check, meanings, judges, name)
    return verdicts, tuple(meanings.readings[key] for key in sorted(meanings.readings))


def check_all(
    dialogue: Dialogue, reached: tuple[Change, ...], ended: Verdict, meanings: Meanings
) -> tuple[Verdict, ...]:
    """The verdicts of all checks, in their order: `ended` is the first, `reached` the delta of the world at the end.
    `Trajectory.success`, the reward, is whether all of them held."""
    behaviour = shows_behaviour(dialogue, meanings)
    state = same_state(dialogue.groundtruth.diff, reached, lambda: _chosen(dialogue))
    checks = (ended, state, all_told(dialogue, meanings))
    return (*checks, *([behaviour] if behaviour else []), keeps_conduct(dialogue, meanings))


def _chosen(dialogue: Dialogue) -> frozenset[str]:
    """The values that calls named: an id among them was no tool's to make up."""
    actions = (*dialogue.blueprint.actions, *(call.action for call in dialogue.writes))
    return frozenset(str(value) for _, value in argument_values(*actions))


def same_state(
    expected: tuple[Change, ...], reached: tuple[Change, ...], chosen: Callable[[], Collection[str]] = frozenset
) -> Verdict:
    """State check: the end state equals the state after the groundtruth actions on a fresh world, up to the ids that
    tools made up; `chosen` gives the values that calls named, where it comes to that."""
    if digest(expected) == digest(reached) or same_delta(expected, reached, chosen()):
        return Verdict(gate="state", passed=True)
    want, have = ({(c.table, c.id): canonical(c.after) for c in delta} for delta in (expected, reached))
    rows = sorted(row for row in want.keys() | have.keys() if want.get(row) != have.get(row))
    named = ", ".join(f"{table}/{key}" for table, key in rows[:6])
    return Verdict(gate="state", passed=False, kind="state differs", reason=f"{len(rows)} rows differ: {named}")


def all_told(dialogue: Dialogue, meanings: Meanings) -> Verdict:
    """Output check: every expected output is told in some message of the agent, compared by type, and stands."""
    outputs = dialogue.blueprint.outputs
    types = origin_types(dialogue.blueprint, dialogue.domain, dialogue.groundtruth) if outputs else ()
    answers = dict[int, str]()
    for numbers in same_outputs(outputs):
        answers |= _are_told(numbers, outputs[numbers[0]], types[numbers[0]], dialogue, meanings)
    missing, open_ = ([outputs[n] for n in sorted(answers) if answers[n] == what] for what in ("no", ""))
    if not missing and not open_:
        return Verdict(gate="outputs", passed=True)
    counted = f"told {len(answers) - len(missing) - len(open_)} of {len(answers)}"
    lists = (("not told", missing), ("open", open_))
    named = "; ".join(f"{what}: {', '.join(map(repr, some))}" for what, some in lists if some)
    kind, reason = "output not told", f"{counted}; {named}"
    findings = tuple(
        Finding(turn=dialogue.last, rule=kind, text="The agent tells what the customer wants to know.", found=output,
                outcome="fell" if output in missing else "undecided")
        for output in (*missing, *open_)
    )  # fmt: skip
    return Verdict(gate="outputs", passed=False, undecided=not missing, kind=kind, reason=reason, findings=findings)


def _are_told(numbers: Sequence[int], output: str, type: str, dialogue: Dialogue, meanings: Meanings) -> dict[int, str]:
    """Whether outputs that are one value are told, each by its number: "yes", "no", or "" where judges have not
    decided."""
    said = {turn: message.content for turn, message in dialogue.turns("assistant") if message.content}
    found = _found(said, output, type, dialogue)
    if found == "not told" or not said:
        return dict.fromkeys(numbers, "no")
    first, *others = numbers
    if not others:
        return {first: "yes" if found == "told" else meanings.of(_telling(first, output, dialogue))}
    if found == "told" and each_is_told(_unannounced(said, dialogue), output, type, len(numbers), dialogue):
        return dict.fromkeys(numbers, "yes")
    answer = meanings.of(telling_each(first, output, len(numbers), dialogue))
    one = "yes" if answer == "no" and found == "told" else answer
    return {first: one, **dict.fromkeys(others, answer)}


def _found(said: Mapping[int, str], output: str, type: str, dialogue: Dialogue) -> Telling:
    """What messages of the agent tell of an output. What stands nowhere but in announcements of writes may have been
    told by the way: of something else, such as a fee of 0 for a balance of 0."""
    found = _told_as([*said.values()], output, type)
    if found != "told":
        return found
    others = _unannounced(said, dialogue)
    return "told" if len(others) == len(said) or _told_as(others, output, type) == "told" else "open"


def _unannounced(said: Mapping[int, str], dialogue: Dialogue) -> list[str]:
    announced = {turn for _, turn, _ in dialogue.confirmed()}
    return [text for turn, text in said.items() if turn not in announced]


def _telling(number: int, output: str, dialogue: Dialogue) -> Claim:
    question = (
        "Does the agent tell the customer the value named below, in whatever words, language or format, as something "
        "that is so and that still stands at the end? Another value, or one denied or corrected later, is a no."
    )
    about = f"{output}\nThe customer's notes, which say what it is about: {dialogue.blueprint.instruction}"
    last = len(dialogue.messages)
    return Claim(f"output told/{number}", "output told", question, about, "assistant", 0, last)


def _told_as(texts: Sequence[str], output: str, type: str) -> Telling:
    """What `telling` says of an output whose type its origin gives. A type tells more ("two years" for 24 months) and
    opens a question where a number was told as money that is none; by itself it decides against no conversation."""
    typed = telling(texts, output, type)
    if typed == "told" or not type:
        return typed
    plain = typed if is_same_search(output, type) else telling(texts, output)
    is_amount = type in (*units().values(), "business day", "percentage", "identifier")
    return "open" if is_amount and plain == telling(texts, output, "money") == "told" else plain


def divergence(dialogue: Dialogue, verdicts: Sequence[Verdict]) -> Divergence | None:
    """Where a conversation first left its groundtruth, or None where nothing fell. Where the state check held, only
    outputs, the end, the behaviour or the conduct can be missing. Refused calls do not count."""
    failed = {verdict.gate: verdict for verdict in verdicts if verdict.outcome == "fell"}
    if "state" in failed:
        return _of_state(dialogue)
    if "outputs" in failed:
        return Divergence(turn=dialogue.last, kind="output not told", expected=failed["outputs"].reason)
    if "ended" in failed:
        return Divergence(turn=dialogue.last, kind="did not end", found=failed["ended"].reason)
    for check, kind in BROKEN.items():
        if check in failed:
            fell = [finding for finding in failed[check].findings if finding.outcome == "fell"]
            turn = min((finding.turn for finding in fell), default=dialogue.last)
            expected = fell[0].text if fell else ""
            return Divergence(turn=turn, kind=kind, expected=expected, found=failed[check].reason)
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
