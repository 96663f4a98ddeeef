"""Why a conversation failed: one cause and the turn where it first went wrong (paper §3.2 keeps failures unexplained).

Evidence comes first: what was told and called is all there. A judge is asked where that does not decide; nobody is to
blame for what is undecided."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from ..blueprints.gates.kind import same_call
from ..models import Model, Question, Unparsable, ask_for
from ..records import STOP, Action, Blame, Blueprint, Divergence, Message, Trajectory, Verdict
from ..world.domain import Domain
from ..world.values import argument_values, is_mentioned, normalize
from .behaviour import USERS_PART, WORLDS_PART
from .best_of_n import invented
from .dialogue import Dialogue
from .reward import left_out

ENDPOINTS = ("the server refused", "content filter", "cut off after")  # words of `models.endpoint` and `models.prompts`


Cause = tuple[str, int, str]  # who, the turn, and the evidence


class _Reply(BaseModel):
    """The JSON a judge is asked for."""

    cause: Literal["user", "agent", "blueprint", "tool"]
    turn: int = Field(ge=0, description="number of the first message that went wrong")
    evidence: str


REPLY = _Reply.model_json_schema()


async def blame(trajectory: Trajectory, blueprint: Blueprint, domain: Domain, judge: Model) -> Blame:
    """The cause of a failure: by evidence, else by a judge, else by the rule that it is the agent's task to succeed."""
    found = by_evidence(trajectory, blueprint, domain)
    return found or await _judged(trajectory, blueprint, judge)


def by_evidence(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> Blame | None:
    """The cause that the files themselves show, or None when they do not decide."""
    found = next(_causes(trajectory, Dialogue(blueprint, trajectory.messages, domain)), None)
    return found and Blame.model_validate(dict(zip(("cause", "turn", "evidence"), found, strict=True)))


def _causes(trajectory: Trajectory, dialogue: Dialogue) -> Iterator[Cause]:
    """The causes that there is evidence for, the surest first."""
    if trajectory.ended in ("user_error", "agent_error"):
        endpoint = any(words in trajectory.reason for words in ENDPOINTS)
        yield "endpoint" if endpoint else trajectory.ended[: -len("_error")], dialogue.last, trajectory.reason
    first = trajectory.divergence or Divergence(turn=dialogue.last, kind="did not end")
    yield from _told_wrongly(dialogue, first)
    if trajectory.ended == "max_steps":
        yield from _repeated(dialogue)
    yield from _behaved(trajectory, dialogue, first)
    if first.kind in ("different arguments", "extra write"):
        yield from _wrote(dialogue, first)
    elif first.kind == "missing write":
        yield from _refused(dialogue)
        yield from _not_done(dialogue)
    elif first.kind == "output not told":
        yield from _not_told(dialogue, first)


def _told_wrongly(dialogue: Dialogue, first: Divergence) -> Iterator[Cause]:
    """The user stated an id or a figure that it had from nowhere, before things went wrong."""
    known = dialogue.blueprint.instruction
    for turn, message in enumerate(dialogue.messages[: first.turn + 1]):
        if message.role == "assistant":
            known += f" {message.content}"
        elif message.role == "user" and (more := invented(message.content.replace(STOP, ""), known)):
            yield "user", turn, f"told {', '.join(more[:3])}, which is not in its instruction"


def _repeated(dialogue: Dialogue) -> Iterator[Cause]:
    """A conversation that went in circles: who said the same three times first."""
    count: Counter[tuple[str, str]] = Counter()
    for turn, message in enumerate(dialogue.messages):
        if message.role != "tool" and message.content:
            count[key := (message.role, normalize(message.content))] += 1
            if count[key] == 3:
                who = "user" if message.role == "user" else "agent"
                yield who, turn, f"said the same three times: {message.content[:200]}"


def _behaved(trajectory: Trajectory, dialogue: Dialogue, first: Divergence) -> Iterator[Cause]:
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
        yield from _not_done(dialogue)
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


def _not_done(dialogue: Dialogue) -> Iterator[Cause]:
    """An action is missing: of the values by which it is known, what did the user say before it left?"""
    left = STOP in dialogue.messages[-1].content
    for action in left_out(dialogue):
        own = _known_by(action, dialogue)
        silent = [value for value in own if dialogue.first_mention(value) is None]
        refused = _refused_at(action, dialogue)
        if left and own and len(silent) == len(own):
            yield "user", dialogue.last, f"left without having voiced the wish for {action}"
        elif left and refused is None and _was_offered(own, dialogue):
            continue  # an offer that the user did not wait for, or a lie: its words decide
        elif own and (not silent or dialogue.handed_over is not None):
            # what the instruction does not tell can be looked up: that is what grounding has shown
            gave_up = dialogue.handed_over if refused is None else refused
            turn = dialogue.last_of("assistant") if gave_up is None else gave_up
            why = f"before the user had told {', '.join(silent)}" if silent else "although the user had told all"
            yield "agent", turn, f"did not make {action}, {why} that it needs"


def _was_offered(own: list[str], dialogue: Dialogue) -> bool:
    """Whether the agent's last words before the user left told for the first time what an action is about."""
    last = dialogue.last_of("assistant")
    told = dialogue.first_mention(*own, role="assistant")
    return bool(own) and told == last == dialogue.last - 1


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
    """An output is missing: did the user ever mention what it must be about?"""
    blueprint = dialogue.blueprint
    values = {str(value) for _, value in argument_values(*blueprint.actions)}
    things = [token for token in invented(blueprint.instruction, "") if _is_id(token) and token not in values]
    silent = [thing for thing in things if dialogue.first_mention(thing) is None]
    if silent and STOP in dialogue.messages[-1].content:
        yield "user", dialogue.last, f"left without having mentioned {silent[0]}"
    if things and not silent:
        yield "agent", dialogue.last_of("assistant"), first.expected


def _is_id(token: str) -> bool:
    """Whether a token is the name of a thing rather than a figure, a postal code or who somebody is."""
    return "@" not in token and not token.isdigit() and bool(re.search(r"[#A-Za-z-]", token))


async def _judged(trajectory: Trajectory, blueprint: Blueprint, judge: Model) -> Blame:
    question = Question(
        id=f"{trajectory.id}/blame",
        role="judge",
        prompt="blame",
        context={
            "instruction": blueprint.instruction,
            "actions": [action.model_dump() for action in blueprint.actions],
            "outputs": list(blueprint.outputs),
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
