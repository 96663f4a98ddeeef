"""Records without their long texts: of the same types, so that every function over proposals takes them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from ...records import (
    Action,
    Attempt,
    Blueprint,
    Candidate,
    Change,
    Choice,
    Message,
    Proposal,
    Record,
    ToolCall,
    Trajectory,
    Verdict,
    Vote,
)

# A field that is read from a key that is not there keeps its default, and what stands under its own name is skipped.
SKIPPED = "-"
LIGHT = ConfigDict(frozen=True, extra="ignore")


class Asked(Record):
    """Of a proposal only what was asked for."""

    model_config = LIGHT
    id: str
    kind: str = "plain"
    behaviour: str = "cooperative"


class LightVote(Vote):
    model_config = LIGHT
    reflection: str = Field("", validation_alias=SKIPPED)
    correction: str = Field("", validation_alias=SKIPPED)


class LightVerdict(Verdict):
    model_config = LIGHT
    votes: tuple[LightVote, ...] = ()


class LightAction(Action):
    model_config = LIGHT
    arguments: dict[str, Any] = Field(default_factory=dict, validation_alias=SKIPPED)


class LightBlueprint(Blueprint):
    model_config = LIGHT
    actions: tuple[LightAction, ...]
    denied: tuple[LightAction, ...] = ()
    instruction: str = Field("", validation_alias=SKIPPED)
    persona: str = Field("", validation_alias=SKIPPED)


class LightAttempt(Attempt):
    model_config = LIGHT
    feedback: str = Field("", validation_alias=SKIPPED)
    thought: str = Field("", validation_alias=SKIPPED)
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    blueprint: LightBlueprint | None = None
    verdicts: tuple[LightVerdict, ...] = ()


class LightProposal(Proposal):
    """A proposal without instructions, thoughts, feedback and diffs."""

    model_config = LIGHT
    attempts: tuple[LightAttempt, ...]


class LightCall(ToolCall):
    model_config = LIGHT
    arguments: dict[str, Any] | None = Field(None, validation_alias=SKIPPED)
    raw: str = Field("", validation_alias=SKIPPED)


class LightMessage(Message):
    model_config = LIGHT
    tool_calls: tuple[LightCall, ...] = ()
    content: str = Field("", validation_alias=SKIPPED)


class LightChoice(Choice):
    model_config = LIGHT
    candidates: tuple[Candidate, ...] = Field((), validation_alias=SKIPPED)


class LightTrajectory(Trajectory):
    """A trajectory without what was said and without its diff."""

    model_config = LIGHT
    messages: tuple[LightMessage, ...]
    verdicts: tuple[LightVerdict, ...]
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    choices: tuple[LightChoice, ...] = ()


class Talk(Trajectory):
    """Of a trajectory what was said and called, and whether it is verified."""

    model_config = LIGHT
    verdicts: tuple[LightVerdict, ...]
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    choices: tuple[Choice, ...] = Field((), validation_alias=SKIPPED)
