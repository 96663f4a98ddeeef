"""Records without their long texts: of the same types, so that every function over proposals takes them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from ..records import (
    Action,
    Attempt,
    Blueprint,
    Candidate,
    Change,
    Choice,
    Finding,
    Message,
    Opaque,
    Proposal,
    Reading,
    ToolCall,
    Trajectory,
    Verdict,
    Vote,
)

# A field that is read from a key that is not there keeps its default, and what stands under its own name is skipped.
SKIPPED = "-"
SLIM = ConfigDict(frozen=True, extra="ignore")


class SlimVote(Vote):
    model_config = SLIM
    correction: str = Field("", validation_alias=SKIPPED)


class SlimFinding(Finding):
    model_config = SLIM
    text: str = Field("", validation_alias=SKIPPED)
    found: str = Field("", validation_alias=SKIPPED)


class SlimVerdict(Verdict):
    model_config = SLIM
    votes: tuple[SlimVote, ...] = ()
    findings: tuple[SlimFinding, ...] = ()


class SlimAction(Action):
    model_config = SLIM
    arguments: dict[str, Any] = Field(default_factory=dict, validation_alias=SKIPPED)


class SlimBlueprint(Blueprint):
    model_config = SLIM
    actions: tuple[SlimAction, ...]
    denied: tuple[SlimAction, ...] = ()
    instruction: str = Field("", validation_alias=SKIPPED)
    persona: str = Field("", validation_alias=SKIPPED)


class SlimAttempt(Attempt):
    model_config = SLIM
    feedback: str = Field("", validation_alias=SKIPPED)
    thought: str = Field("", validation_alias=SKIPPED)
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    blueprint: SlimBlueprint | None = None
    verdicts: tuple[SlimVerdict, ...] = ()


class SlimProposal(Proposal):
    """A proposal without instructions, thoughts, feedback and diffs."""

    model_config = SLIM
    attempts: tuple[SlimAttempt, ...]


class ToldBlueprint(SlimBlueprint):
    instruction: str


class ToldAttempt(SlimAttempt):
    blueprint: ToldBlueprint | None = None


class ToldProposal(SlimProposal):
    """Of a proposal its instructions, too."""

    attempts: tuple[ToldAttempt, ...]


class SlimCall(ToolCall):
    model_config = SLIM
    arguments: dict[str, Any] | None = Field(None, validation_alias=SKIPPED)
    raw: str = Field("", validation_alias=SKIPPED)


class SlimMessage(Message):
    model_config = SLIM
    tool_calls: tuple[SlimCall, ...] = ()
    content: str = Field("", validation_alias=SKIPPED)
    thoughts: str = Field("", validation_alias=SKIPPED)
    opaque: Opaque | None = Field(None, validation_alias=SKIPPED)


class SlimChoice(Choice):
    model_config = SLIM
    candidates: tuple[Candidate, ...] = Field((), validation_alias=SKIPPED)


class SlimTrajectory(Trajectory):
    """A trajectory without what was said and without its diff."""

    model_config = SLIM
    messages: tuple[SlimMessage, ...]
    verdicts: tuple[SlimVerdict, ...]
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    choices: tuple[SlimChoice, ...] = ()
    readings: tuple[Reading, ...] = Field((), validation_alias=SKIPPED)


class SpokenTrajectory(Trajectory):
    """Of a trajectory what was said and called, and whether it is verified."""

    model_config = SLIM
    verdicts: tuple[SlimVerdict, ...]
    diff: tuple[Change, ...] = Field((), validation_alias=SKIPPED)
    choices: tuple[Choice, ...] = Field((), validation_alias=SKIPPED)
    readings: tuple[Reading, ...] = Field((), validation_alias=SKIPPED)
