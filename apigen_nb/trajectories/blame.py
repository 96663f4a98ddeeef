"""Why a conversation failed: one cause and the turn where it first went wrong (paper §3.2 keeps failures unexplained).

Evidence comes first: what was said and called is all there. A judge is asked only where that does not decide."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from ..blueprints.gates.derivation import argument_values
from ..blueprints.gates.grounding import is_mentioned
from ..blueprints.gates.kind import same_call
from ..models import Model, Unparsable, ask, read_json
from ..models.best_of_n import asks, invented
from ..records import STOP, Action, Blame, Blueprint, Message, Question, ToolCall, Trajectory, Verdict
from ..world.domain import Domain
from ..world.values import mentions, normalize
from ..world.world import UNAVAILABLE
from .behaviour import DECLINES, USERS_PART, WORLDS_PART, claims, refusals, voiced
from .reward import made

ENDPOINTS = ("the server refused", "content filter", "cut off after")  # words of `models.endpoint` and `models.prompts`


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
    messages = trajectory.messages
    last = max(len(messages) - 1, 0)
    if trajectory.ended in ("user_error", "agent_error"):
        if any(words in trajectory.reason for words in ENDPOINTS):
            return Blame(cause="endpoint", turn=last, evidence=trajectory.reason)
        who: Literal["user", "agent"] = "user" if trajectory.ended == "user_error" else "agent"
        return Blame(cause=who, turn=last, evidence=trajectory.reason)
    return (
        _told_wrongly(trajectory, blueprint)
        or _repeated(trajectory)
        or _behaved(trajectory, blueprint, domain)
        or _wrote(trajectory, blueprint, domain)
        or _refused(trajectory, blueprint)
        or _not_done(trajectory, blueprint, domain)
        or _not_told(trajectory, blueprint)
    )


def _turn(trajectory: Trajectory) -> int:
    return trajectory.divergence.turn if trajectory.divergence else max(len(trajectory.messages) - 1, 0)


def _told_wrongly(trajectory: Trajectory, blueprint: Blueprint) -> Blame | None:
    """The user stated an id or a figure that it had from nowhere, before things went wrong."""
    known = blueprint.instruction
    for turn, message in enumerate(trajectory.messages[: _turn(trajectory) + 1]):
        if message.role == "assistant":
            known += f" {message.content}"
        elif message.role == "user" and (more := invented(message.content.replace(STOP, ""), known)):
            return Blame(
                cause="user", turn=turn, evidence=f"told {', '.join(more[:3])}, which is not in its instruction"
            )
    return None


def _behaved(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> Blame | None:
    """The hard behaviour was not shown: the verdict's kind says by whom."""
    verdict = next((v for v in trajectory.verdicts if v.gate == "behaviour" and not v.passed), None)
    if verdict is None:
        return None
    others = [v for v in trajectory.verdicts if not v.passed and v.gate != "behaviour"]
    if verdict.kind in WORLDS_PART:
        # the tool that was to fail was never called; why not is a question for the other checks
        return None if others else Blame(cause="blueprint", turn=_turn(trajectory), evidence=verdict.reason)
    if verdict.kind in USERS_PART:
        return Blame(cause="user", turn=_first_told(trajectory, blueprint), evidence=verdict.reason)
    if verdict.kind == "one call at a time" and (missing := _not_done(trajectory, blueprint, domain)):
        return missing
    return Blame(cause="agent", turn=_agents_turn(trajectory, blueprint, domain), evidence=verdict.reason)


def _first_told(trajectory: Trajectory, blueprint: Blueprint) -> int:
    """The first message of the user that tells a withheld detail, else the user's last."""
    users = [turn for turn, message in enumerate(trajectory.messages) if message.role == "user"]
    told = [t for t in users if any(mentions(trajectory.messages[t].content, detail) for detail in blueprint.withheld)]
    return (told or users[-1:] or [0])[0]


def _agents_turn(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> int:
    """The agent's call that a kind forbids, else where the groundtruth was left, else the agent's last message."""
    messages = trajectory.messages
    for turn, message in enumerate(messages):
        calls = message.tool_calls
        if calls and blueprint.kind == "no tool":
            return turn
        if any(same_call(wish, _action(call)) for call in calls for wish in blueprint.denied):
            return turn
        if message.error and blueprint.kind == "tool error" and UNAVAILABLE in message.content:
            return next((n for n in range(turn, len(messages)) if messages[n].role == "assistant"), turn)
    first = trajectory.divergence
    if first and first.kind == "missing write":
        _, gave_up = _gave_up(_missing(trajectory, blueprint, domain)[0], trajectory, blueprint, domain)
        return _last_of("assistant", messages) if gave_up is None else gave_up
    if first and first.kind != "behaviour not shown":
        return first.turn
    lies = (
        turn
        for wish in blueprint.denied
        for turn, _ in claims(wish, blueprint, messages, voiced(wish, blueprint, messages, domain) or 0, domain)
    )
    return next(lies, _last_of("assistant", messages))


def _wrote(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> Blame | None:
    """The first write that the groundtruth does not have: who said the values that are wrong in it?"""
    first, messages = trajectory.divergence, trajectory.messages
    if first is None or first.kind not in ("different arguments", "extra write"):
        return None
    writes = frozenset(name for name, tool in domain.tools.items() if tool.writes)
    done = [call for turn, call in made(messages, writes) if turn == first.turn]
    wrong = [call for call in done if not any(same_call(action, _action(call)) for action in blueprint.actions)]
    for call in wrong:
        strange = _strange(call, blueprint)
        asked = [value for value in strange if is_mentioned(value, normalize(blueprint.instruction))]
        if strange and len(asked) == len(strange) and _voiced(asked, messages[: first.turn]):
            evidence = (
                f"the instruction asks for {call.name} with {', '.join(asked[:3])}; the groundtruth does not have it"
            )
            return Blame(cause="blueprint", turn=first.turn, evidence=evidence)
    expected = f", expected {first.expected}" if first.expected else ", which the groundtruth does not have"
    return Blame(cause="agent", turn=first.turn, evidence=f"wrote {first.found}{expected}")


def _strange(call: ToolCall, blueprint: Blueprint) -> list[str]:
    """The values of a call that no groundtruth action has."""
    wanted = {str(value) for action in blueprint.actions for _, value in argument_values(action.arguments)}
    return [str(value) for _, value in argument_values(call.arguments or {}) if str(value) not in wanted]


def _not_done(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> Blame | None:
    """An action is missing: of the values by which it is known, what did the user say before it left?"""
    messages = trajectory.messages
    if trajectory.divergence is None or trajectory.divergence.kind != "missing write":
        return None
    last, left = len(messages) - 1, STOP in messages[-1].content
    for action in _missing(trajectory, blueprint, domain):
        own = _known_by(action, blueprint)
        silent = [value for value in own if not _voiced([value], messages)]
        if left and own and len(silent) == len(own):
            return Blame(cause="user", turn=last, evidence=f"left without having voiced the wish for {action}")
        heard, gave_up = _gave_up(action, trajectory, blueprint, domain)
        asked = gave_up is None or any(asks(m.content) for m in messages[heard:gave_up] if m.role == "assistant")
        if left and silent and asked:
            evidence = f"never told {', '.join(silent)}, needed for {action}"
            return Blame(cause="user", turn=_last_of("user", messages[:gave_up]), evidence=evidence)
        if own:
            # what the instruction does not tell can be looked up: that is what grounding has shown
            why = (
                f"before the user had told {', '.join(silent)}"
                if silent
                else "although the user had told all that it needs"
            )
            turn = _last_of("assistant", messages) if gave_up is None else gave_up
            return Blame(cause="agent", turn=turn, evidence=f"did not make {action}, {why}")
    return None


def _missing(trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> list[Action]:
    """The groundtruth actions that were not made."""
    writes = frozenset(name for name, tool in domain.tools.items() if tool.writes)
    missing = list(blueprint.actions)
    for _, call in made(trajectory.messages, writes):
        match = next((action for action in missing if same_call(action, _action(call))), None)
        if match is not None:
            missing.remove(match)
    return missing


def _known_by(action: Action, blueprint: Blueprint) -> list[str]:
    """The values that the instruction tells of this action and of no other."""
    told = normalize(blueprint.instruction)
    others = {str(v) for a in blueprint.actions if a is not action for _, v in argument_values(a.arguments)}
    return [str(v) for _, v in argument_values(action.arguments) if is_mentioned(v, told) and str(v) not in others]


def _gave_up(action: Action, trajectory: Trajectory, blueprint: Blueprint, domain: Domain) -> tuple[int, int | None]:
    """Where the user first voiced the wish for an action, and where after that the agent first declined it, handed over
    or made another call of its tool, which was refused; None where it did nothing of the kind."""
    messages, own = trajectory.messages, _known_by(action, blueprint)
    heard = next((n for n, m in enumerate(messages) if m.role == "user" and _voiced(own, [m])), 0)
    refused = {message.tool_call_id for message in messages if message.error and UNAVAILABLE not in message.content}
    turns = [
        turn
        for turn, message in enumerate(messages[heard:], heard)
        for call in message.tool_calls
        if call.name == action.name and call.id in refused and call.arguments is not None
    ]
    turns += refusals(action, blueprint, messages, heard, domain, lost=True)
    return heard, min(turns, default=None)


def _not_told(trajectory: Trajectory, blueprint: Blueprint) -> Blame | None:
    """An output is missing: did the user ever mention what it must be about?"""
    first, messages = trajectory.divergence, trajectory.messages
    if first is None or first.kind != "output not told":
        return None
    values = {str(value) for action in blueprint.actions for _, value in argument_values(action.arguments)}
    things = [token for token in invented(blueprint.instruction, "") if _is_id(token) and token not in values]
    silent = [thing for thing in things if not any(mentions(m.content, thing) for m in messages if m.role == "user")]
    if silent and STOP in messages[-1].content:
        return Blame(cause="user", turn=len(messages) - 1, evidence=f"left without having mentioned {silent[0]}")
    if things and not silent:
        failed = (
            turn
            for turn, message in enumerate(messages)
            if message.role == "assistant" and DECLINES.search(normalize(message.content).replace("’", "'"))
            if any(mentions(message.content, thing) for thing in things)
        )
        return Blame(cause="agent", turn=next(failed, _last_of("assistant", messages)), evidence=first.expected)
    return None


def _is_id(token: str) -> bool:
    """Whether a token is the name of a thing rather than a figure, a postal code or who somebody is."""
    return "@" not in token and not token.isdigit() and bool(re.search(r"[#A-Za-z-]", token))


def _last_of(role: str, messages: Sequence[Message]) -> int:
    return max((turn for turn, message in enumerate(messages) if message.role == role), default=0)


def _voiced(values: Sequence[str], messages: Sequence[Message]) -> bool:
    return any(m.role == "user" and is_mentioned(value, normalize(m.content)) for m in messages for value in values)


def _refused(trajectory: Trajectory, blueprint: Blueprint) -> Blame | None:
    """The agent made a groundtruth call, before any other write, and the tool refused it."""
    first = trajectory.divergence
    if first is None or first.kind != "missing write":
        return None
    results = {m.tool_call_id: m for m in trajectory.messages if m.role == "tool"}
    for turn, message in enumerate(trajectory.messages):
        for call in message.tool_calls:
            result = results.get(call.id)
            if result is None or not result.error or not any(same_call(a, _action(call)) for a in blueprint.actions):
                continue
            if UNAVAILABLE in result.content:
                return Blame(
                    cause="agent", turn=turn, evidence=f"did not try {call.name} again after: {result.content}"
                )
            if not same_call(blueprint.actions[0], _action(call)):
                continue  # it may have needed an earlier action
            return Blame(
                cause="tool", turn=turn, evidence=f"{call.name} refused what the groundtruth does: {result.content}"
            )
    return None


def _repeated(trajectory: Trajectory) -> Blame | None:
    """A conversation that went in circles: who said the same three times first."""
    if trajectory.ended != "max_steps":
        return None
    count: dict[tuple[str, str], int] = {}
    for turn, message in enumerate(trajectory.messages):
        if message.role == "tool" or not message.content:
            continue
        key = message.role, normalize(message.content)
        count[key] = count.get(key, 0) + 1
        if count[key] == 3:
            who: Literal["user", "agent"] = "user" if message.role == "user" else "agent"
            return Blame(cause=who, turn=turn, evidence=f"said the same three times: {message.content[:200]}")
    return None


def _action(call: ToolCall) -> Action:
    return Action(name=call.name, arguments=call.arguments or {})


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
            "findings": [_finding(verdict) for verdict in trajectory.verdicts if not verdict.passed],
        },
        reply=REPLY,
    )
    try:
        reply = _Reply.model_validate(read_json(await ask(judge, question)))
    except (Unparsable, ValidationError) as problem:
        evidence = f"no evidence decides, and the judge's reply cannot be used ({str(problem)[:120]})"
        return Blame(cause="agent", turn=_turn(trajectory), evidence=evidence)
    turn = min(reply.turn, max(len(trajectory.messages) - 1, 0))
    return Blame(cause=reply.cause, turn=turn, evidence=reply.evidence[:500], judged=True)


def _line(message: Message) -> str:
    calls = [f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in message.tool_calls]
    return f"{message.role}: {' '.join([message.content[:1000], *calls]).strip()}"


def _finding(verdict: Verdict) -> str:
    return f"{verdict.gate}: {verdict.kind}; {verdict.reason}"
