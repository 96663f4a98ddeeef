"""Why a conversation failed: one cause and the turn where it first went wrong (paper §3.2 keeps failures unexplained).

Evidence comes first: what was told and called is all there. Where that leaves open how the agent left things when the
user went, a judge reads its last words, as for a check; where that does not decide either, a judge says who it was.
Nobody is to blame for what is undecided, and no agent for what it had no turn to do: what the user says or agrees to in
the message with which it leaves."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from ..blueprints.gates.kind import same_call
from ..models import Model, Question, Unparsable, ask_for
from ..models.reply_schema import reply_schema
from ..records import STOP, Action, Blame, Blueprint, Divergence, Message, Reading, Trajectory, Verdict
from ..world.domain import Domain
from ..world.values import argument_values, is_mentioned, normalize
from .behaviour import USERS_PART, WORLDS_PART
from .best_of_n import invented
from .dialogue import Dialogue
from .meaning import Claim, Meanings, settle
from .reward import left_out
from .rollout import known_to_user, policy_for, user_notes

# Words of what `models` says of a reply that its server is to blame for, and not who speaks by it.
ENDPOINTS = ("the server refused", "content filter", "cut off", "known to be whole", "its server", "tool parser")


Cause = tuple[str, int, str]  # who, the turn, and the evidence


class _Reply(BaseModel):
    """The JSON a judge is asked for."""

    evidence: str  # a server that keeps to the schema has it written before the verdict
    turn: int = Field(ge=0)
    cause: Literal["user", "agent", "blueprint", "tool"]


REPLY = reply_schema(_Reply)


async def blame(
    trajectory: Trajectory, blueprint: Blueprint, domain: Domain, judge: Model
) -> tuple[Blame, tuple[Reading, ...]]:
    """The cause of a failure: by evidence, else by a judge, else by the rule that it is the agent's task to succeed;
    and the trajectory's readings, with what the judge read for it."""
    meanings = Meanings(trajectory.messages, trajectory.readings)
    found = await settle(
        functools.partial(by_evidence, trajectory, blueprint, domain), meanings, [judge], trajectory.id
    )
    readings = tuple(meanings.readings[key] for key in sorted(meanings.readings))
    return found or await _judged(trajectory, blueprint, domain, judge), readings


def by_evidence(
    trajectory: Trajectory, blueprint: Blueprint, domain: Domain, meanings: Meanings | None = None
) -> Blame | None:
    """The cause that the files themselves show, with what judges have read, or None when they do not decide."""
    meanings = meanings or Meanings(trajectory.messages, trajectory.readings)
    found = next(_causes(trajectory, Dialogue(blueprint, trajectory.messages, domain), meanings), None)
    return found and Blame.model_validate(dict(zip(("cause", "turn", "evidence"), found, strict=True)))


def _causes(trajectory: Trajectory, dialogue: Dialogue, meanings: Meanings) -> Iterator[Cause]:
    """The causes that there is evidence for, the surest first."""
    if trajectory.ended in ("user_error", "agent_error"):
        endpoint = any(words in trajectory.reason for words in ENDPOINTS)
        yield "endpoint" if endpoint else trajectory.ended[: -len("_error")], dialogue.last, trajectory.reason
    first = trajectory.divergence or Divergence(turn=dialogue.last, kind="did not end")
    yield from _told_wrongly(dialogue, first)
    if trajectory.ended == "max_steps":
        yield from _repeated(dialogue)
    yield from _behaved(trajectory, dialogue, first, meanings)
    if first.kind in ("different arguments", "extra write"):
        yield from _wrote(dialogue, first)
    elif first.kind == "missing write":
        yield from _refused(dialogue)
        yield from _not_done(dialogue, meanings)
    elif first.kind == "output not told":
        yield from _not_told(dialogue, first)


def _told_wrongly(dialogue: Dialogue, first: Divergence) -> Iterator[Cause]:
    """The user stated an id or a figure that it had from nowhere, before things went wrong."""
    known = known_to_user(user_notes(dialogue.blueprint, dialogue.domain))
    for turn, message in enumerate(dialogue.messages[: first.turn + 1]):
        if message.role == "assistant":
            known += f" {message.content}"
        elif message.role == "user" and (more := invented(message.content.replace(STOP, ""), known)):
            yield "user", turn, f"told {', '.join(more[:3])}, which is not in its notes"


def _repeated(dialogue: Dialogue) -> Iterator[Cause]:
    """A conversation that went in circles: who said the same three times first."""
    count: Counter[tuple[str, str]] = Counter()
    for turn, message in enumerate(dialogue.messages):
        if message.role != "tool" and message.content:
            count[key := (message.role, normalize(message.content))] += 1
            if count[key] == 3:
                who = "user" if message.role == "user" else "agent"
                yield who, turn, f"said the same three times: {message.content[:200]}"


def _behaved(trajectory: Trajectory, dialogue: Dialogue, first: Divergence, meanings: Meanings) -> Iterator[Cause]:
    """The hard behaviour was not shown: the verdict's kind says by whom."""
    failed = {verdict.gate: verdict for verdict in trajectory.verdicts if verdict.outcome == "fell"}
    conduct, verdict = failed.pop("conduct", None), failed.pop("behaviour", None)
    if verdict is None:
        if conduct and not failed:
            yield "agent", first.turn, conduct.reason
        return
    if verdict.kind in WORLDS_PART:
        # the tool that was to fail was never called; why not is a question for the other checks
        if not failed:
            yield "blueprint", first.turn, verdict.reason
        return
    if verdict.kind in USERS_PART:
        yield "user", _turn_of(verdict, dialogue.last_of("user")), verdict.reason
    if verdict.kind == "one call at a time" and first.kind == "missing write":
        yield from _not_done(dialogue, meanings)
    yield "agent", _agents_turn(dialogue, first, verdict), verdict.reason


def _turn_of(verdict: Verdict, otherwise: int) -> int:
    """The first turn that a check found wrong."""
    return min((finding.turn for finding in verdict.findings if finding.outcome == "fell"), default=otherwise)


def _agents_turn(dialogue: Dialogue, first: Divergence, verdict: Verdict) -> int:
    """Where the groundtruth was left by a call, else where the check saw it go wrong."""
    if first.kind == "missing write":
        gave_up = _refused_at(left_out(dialogue)[0], dialogue)
        return dialogue.last_of("assistant") if gave_up is None else gave_up
    return _turn_of(verdict, dialogue.last_of("assistant"))


def _wrote(dialogue: Dialogue, first: Divergence) -> Iterator[Cause]:
    """The first write that the groundtruth does not have: who said the values that are wrong in it?"""
    blueprint = dialogue.blueprint
    wanted = {str(value) for _, value in argument_values(*blueprint.actions)}
    for call in dialogue.writes:
        if call.turn != first.turn or any(same_call(action, call.action) for action in blueprint.actions):
            continue
        strange = [str(value) for _, value in argument_values(call.action) if str(value) not in wanted]
        asked = [value for value in strange if is_mentioned(value, normalize(blueprint.instruction))]
        told = dialogue.first_mention(*asked)
        if len(asked) == len(strange) and told is not None and told < first.turn:
            words = f"the instruction asks for {call.action.name} with {', '.join(asked[:3])}"
            yield "blueprint", first.turn, f"{words}; the groundtruth does not have it"
    expected = f", expected {first.expected}" if first.expected else ", which the groundtruth does not have"
    yield "agent", first.turn, f"wrote {first.found}{expected}"


def _refused(dialogue: Dialogue) -> Iterator[Cause]:
    """The agent made a groundtruth call, before any other write, and the tool refused it."""
    actions = dialogue.blueprint.actions
    for call in dialogue.calls:
        if call.result is None or not call.result.error or not any(same_call(a, call.action) for a in actions):
            continue
        name, text = call.action.name, call.result.content
        if call.unavailable:
            yield "agent", call.turn, f"did not try {name} again after: {text}"
        if same_call(actions[0], call.action):  # another may have needed an earlier action
            yield "tool", call.turn, f"{name} refused what the groundtruth does: {text}"


def _not_done(dialogue: Dialogue, meanings: Meanings) -> Iterator[Cause]:
    """An action is missing: of the values by which it is known, what did the user say while there was an agent to hear
    it, and how did the agent leave it?"""
    left = STOP in dialogue.messages[-1].content
    for number, action in enumerate(left_out(dialogue)):
        own = _known_by(action, dialogue)
        silent = [value for value in own if _voiced(value, dialogue) is None]
        late = [value for value in silent if dialogue.first_mention(value) is not None]
        refused = _refused_at(action, dialogue)
        last_words = ""
        if left and own and len(silent) == len(own):
            yield "user", dialogue.last, f"left {'in' if late else 'without having voiced'} the wish for {action}"
        elif left and refused is None and late:
            yield "user", dialogue.last, f"told {', '.join(late)} in the message with which it left"
        elif left and refused is None and _had_one_turn(own, dialogue):
            last_words = meanings.of(_leaving(number, action, dialogue))
            if last_words == "asked":
                yield "user", dialogue.last, f"left before the agent had a turn to do what it had asked about: {action}"
            elif not last_words and _was_offered(own, dialogue):
                continue  # an offer that the user did not wait for, or a lie
        if own and (not silent or last_words == "claimed" or dialogue.handed_over is not None):
            # what the instruction does not tell can be looked up: that is what grounding has shown
            gave_up = dialogue.handed_over if refused is None else refused
            turn = dialogue.last_of("assistant") if gave_up is None else gave_up
            why = f"before the user had told {', '.join(silent)}" if silent else "although the user had told all"
            yield "agent", turn, f"did not make {action}, {why} that it needs"


def _voiced(value: str, dialogue: Dialogue) -> int | None:
    """The turn in which the user tells a value while there is an agent to hear it: what it tells only in the message
    with which it leaves is told to nobody, unless it repeats the agent."""
    turn = dialogue.first_mention(value)
    leaves = turn == dialogue.last and STOP in dialogue.messages[dialogue.last].content
    return None if leaves and dialogue.first_mention(value, role="assistant") is None else turn


def _had_one_turn(own: list[str], dialogue: Dialogue) -> bool:
    """Whether the agent's words just before the user left may be its first on an action: since the user had told what
    it told of it, no earlier message of the agent's named all of it."""
    last = dialogue.last_of("assistant")
    told = [turn for value in own if (turn := _voiced(value, dialogue)) is not None]
    earlier = (m.content for _, m in dialogue.turns("assistant", max(told, default=-1) + 1, last) if m.content)
    named = any(all(dialogue.tells(text, value) for value in own) for text in earlier)
    return bool(own) and last == dialogue.last - 1 and bool(dialogue.messages[last].content) and not named


def _leaving(number: int, action: Action, dialogue: Dialogue) -> Claim:
    """How the agent left a wish in its last words, before the user left."""
    question = (
        "This was not done, and the customer left right after this message. What does the agent say of it there? "
        '"asked": it waits for a word of the customer before it does this, such as a yes to its proposal, or a detail; '
        '"claimed": this is done, or will be without another word; "declined": it cannot, may not or will not be done; '
        '"nothing": none of these.'
    )
    about, last = str(action), dialogue.last_of("assistant")
    answers = ("asked", "claimed", "declined", "nothing")
    return Claim(f"last words/{number}", "last words", question, about, "assistant", last, last + 1, answers)


def _was_offered(own: list[str], dialogue: Dialogue) -> bool:
    """Whether the agent's last words before the user left told for the first time what an action is about."""
    return dialogue.first_mention(*own, role="assistant") == dialogue.last_of("assistant")


def _known_by(action: Action, dialogue: Dialogue) -> list[str]:
    """The values that the instruction tells of this action and of no other."""
    told, actions = normalize(dialogue.blueprint.instruction), dialogue.blueprint.actions
    others = {str(v) for a in actions if a is not action for _, v in argument_values(a)}
    return [str(v) for _, v in argument_values(action) if dialogue.tells(told, v) and str(v) not in others]


def _refused_at(action: Action, dialogue: Dialogue) -> int | None:
    """Where, after the user had voiced the wish for an action, a call of its tool was refused."""
    voiced_at = dialogue.first_mention(*_known_by(action, dialogue)) or 0
    made = (call for call in dialogue.calls if call.action.name == action.name and call.readable and call.refused)
    return min((call.turn for call in made if call.turn >= voiced_at), default=None)


def _not_told(dialogue: Dialogue, first: Divergence) -> Iterator[Cause]:
    """An output is missing: did the user ever mention, to an agent that could answer, what it must be about?"""
    blueprint = dialogue.blueprint
    values = {str(value) for _, value in argument_values(*blueprint.actions)}
    things = [token for token in invented(blueprint.instruction, "") if _is_id(token) and token not in values]
    silent = [thing for thing in things if _voiced(thing, dialogue) is None]
    if silent and STOP in dialogue.messages[-1].content:
        yield "user", dialogue.last, f"left without having mentioned {silent[0]}"
    if things and not silent:
        yield "agent", dialogue.last_of("assistant"), first.expected


def _is_id(token: str) -> bool:
    """Whether a token is the name of a thing rather than a figure, a postal code or who somebody is."""
    return "@" not in token and not token.isdigit() and bool(re.search(r"[#A-Za-z-]", token))


async def _judged(trajectory: Trajectory, blueprint: Blueprint, domain: Domain, judge: Model) -> Blame:
    question = Question(
        id=f"{trajectory.id}/blame",
        role="judge",
        prompt="blame",
        context=user_notes(blueprint, domain)
        | {
            "policy": policy_for(blueprint, domain),
            "actions": [action.model_dump() for action in blueprint.actions],
            "outputs": list(blueprint.outputs),
            "denied": [action.model_dump() for action in blueprint.denied],
            "dialogue": [f"{turn} {_line(message)}" for turn, message in enumerate(trajectory.messages)],
            "findings": [f"{v.gate}: {v.kind}; {v.reason}" for v in trajectory.verdicts if v.outcome == "fell"],
        },
        reply=REPLY,
    )
    last = max(len(trajectory.messages) - 1, 0)
    try:
        reply = await ask_for(judge, question, _Reply)
    except Unparsable as problem:
        evidence = f"no evidence decides, and the judge's reply cannot be used ({str(problem)[:120]})"
        turn = trajectory.divergence.turn if trajectory.divergence else last
        return Blame(cause="agent", turn=turn, evidence=evidence)
    return Blame(cause=reply.cause, turn=min(reply.turn, last), evidence=reply.evidence[:500], judged=True)


def _line(message: Message) -> str:
    calls = [f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in message.tool_calls]
    return f"{message.role}: {' '.join([message.content[:1000], *calls]).strip()}"
