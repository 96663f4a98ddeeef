"""What the stages say to each other: frozen records, one record is one JSON line.

Everything in `outputs/<run>/` is made of these; this module imports nothing of ours. Rejected work has the same
shape as accepted work and keeps its reasons.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

Role = Literal["generator", "judge", "feedback", "user", "critic", "agent"]
Metric = Literal["correctness", "completeness", "satisfaction", "creativity"]
Kind = Literal[
    "plain",
    "missing detail",  # the agent must ask for what the user holds back and nobody can look up
    "forbidden",  # the policy or a tool refuses a wish: the agent declines or hands over, nothing changes
    "missing tool",  # the tool for a wish was taken away: the agent says so
    "change of mind",  # the user drops the first wish for another before it is carried out
    "tool error",  # the first call of a tool fails once: the agent tries again
    "no tool",  # small talk and a question that the policy answers: no call but those that identify the user
    "parallel calls",  # independent writes, made in one message
]
Behaviour = Literal["cooperative", "terse", "impatient", "rambling", "forgetful"]
Level = Literal["easy", "medium", "hard"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
LEVELS: tuple[Level, ...] = get_args(Level)
STOP = "###STOP###"  # what a simulated user says when its goal is met
NO_ANSWER = "no answer"  # kind of the verdict on what could not be finished since a model gave none
METRICS: tuple[Metric, ...] = get_args(Metric)


def canonical(value: Any) -> str:
    """JSON text that is equal exactly when the values are: sorted keys, no spaces, `1` and `1.0` told apart."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def sha(value: Any, length: int = 16) -> str:
    """The first `length` hex digits of the SHA-256 of `canonical(value)`."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


class Record(BaseModel):
    """A frozen, typed value; `line()` is its one JSON line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> str:
        """This record as one line of JSON, without the newline."""
        # Text of a model may hold lone surrogates, which no UTF-8 file can: they are written as escapes.
        return json.dumps(self.model_dump(), ensure_ascii=True, separators=(",", ":"))


class Action(Record):
    """One tool call, parameter → JSON value: what the groundtruth consists of."""

    name: str
    arguments: dict[str, Any] = {}

    def __str__(self) -> str:
        arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.arguments.items())
        return f"{self.name}({', '.join(arguments)})"


class Change(Record):
    """One row of a diff. `before` is None for a new row, `after` is None for a deleted one."""

    table: str
    id: str
    before: Any = None
    after: Any = None


class Vote(Record):
    """What one judge said. `scores` is None when the reply held no valid scores: no vote, never a yes."""

    judge: str
    scores: dict[Metric, Literal[0, 1]] | None
    reflection: str = ""
    correction: str = ""
    error: str = ""


class Verdict(Record):
    """What one gate says of one blueprint or trajectory. `kind` groups failures (a rule's name, a refusal's words);
    `reason` is for people and for the feedback model. `scores` are the voted metrics of a committee."""

    gate: str
    passed: bool
    kind: str = ""
    reason: str = ""
    votes: tuple[Vote, ...] = ()
    scores: dict[Metric, Literal[0, 1]] = {}


class Usage(Record):
    """Tokens of one or more model calls. `calls` counts answered requests, `cached` is part of `prompt`."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})


class Blueprint(Record):
    """A task configuration: what the user wants (`instruction`, for the simulated user only), the groundtruth actions
    (writing calls in order) and the outputs that the agent must tell. `user` is the row the task is about.

    `kind` is the hard behaviour that the conversation must show, `behaviour` how the user comes across. `denied` are
    wishes that must come to nothing: forbidden, without their tool, or dropped. `withheld` are details, worded as in
    the instruction, that the user tells only when asked. `parts` are the blueprints that this one was recombined of."""

    id: str
    domain: str
    user: str
    persona: str
    instruction: str
    actions: tuple[Action, ...]
    outputs: tuple[str, ...]
    kind: Kind = "plain"
    behaviour: Behaviour = "cooperative"
    denied: tuple[Action, ...] = ()
    withheld: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """A hash of what the task asks for, for finding duplicates; the id and the wording do not count."""
        calls = [[[a.name, a.arguments] for a in actions] for actions in (self.actions, self.denied)]
        return sha([self.kind, *calls, list(self.outputs), list(self.withheld)])


class Attempt(Record):
    """One try at a blueprint, `number` from 0: the feedback it was given ('' for the first), what came back, the rows
    that its actions change (`diff`), and every verdict. `blueprint` is None where the reply held none."""

    number: int
    feedback: str = ""
    thought: str = ""
    blueprint: Blueprint | None = None
    diff: tuple[Change, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def accepted(self) -> bool:
        return bool(self.verdicts) and all(v.passed for v in self.verdicts)

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts if not v.passed)


class Proposal(Record):
    """A line of `blueprints.jsonl`: one seed, all its attempts. `walk`, `persona`, `examples`, `kind`, `behaviour` and
    `level` say what was sampled; `parts` are the ids of the blueprints that were recombined, for those that were."""

    id: str
    domain: str
    user: str
    walk: tuple[str, ...]
    persona: str
    examples: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    accepted: bool
    kind: Kind = "plain"
    behaviour: Behaviour = "cooperative"
    level: Level = "medium"
    parts: tuple[str, ...] = ()
    usage: dict[Role, Usage] = {}

    @property
    def blueprint(self) -> Blueprint:
        """The accepted blueprint. ValueError when the proposal was rejected."""
        last = self.attempts[-1].blueprint
        if not self.accepted or last is None:
            raise ValueError(f"{self.id} was rejected: it has no blueprint to play out")
        return last

    @property
    def unanswered(self) -> bool:
        """Whether it was given up since a model gave no answer."""
        return any(v.kind == NO_ANSWER for attempt in self.attempts for v in attempt.verdicts)


class ToolCall(Record):
    """A tool call in an agent's message. `arguments` is None when `raw`, the text that came, is not a JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    raw: str = ""


class Message(Record):
    """One message of a conversation, in the shape of the OpenAI chat format. `tool_call_id` says which call a message
    of the role "tool" answers, `error` that its result is a refusal."""

    role: Literal["user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    error: bool = False


class Divergence(Record):
    """Where a conversation first left its groundtruth: the index of the message, what kind, what was expected there."""

    turn: int
    kind: Literal[
        "different arguments", "extra write", "missing write", "different order",
        "output not told", "behaviour not shown", "did not end",
    ]  # fmt: skip
    expected: str = ""
    found: str = ""


class Candidate(Record):
    """One message that the simulated user could have sent. `score` is the critic's, 0–10, None when it gave none;
    `flaws` are what code found wrong with it."""

    text: str
    score: float | None = None
    reason: str = ""
    flaws: tuple[str, ...] = ()


class Choice(Record):
    """A turn of the user that was chosen among candidates: the index of the message, of the chosen one, and all."""

    turn: int
    chosen: int
    candidates: tuple[Candidate, ...]


class Blame(Record):
    """Why a trajectory failed: who caused it, the index of the message where it first went wrong, and the evidence.
    `judged` is true where only a judge could tell."""

    cause: Literal["user", "agent", "blueprint", "tool", "endpoint"]
    turn: int
    evidence: str
    judged: bool = False


class Trajectory(Record):
    """A line of `trajectories.jsonl`: one conversation about the blueprint with the id `blueprint`, `attempt` from
    1, and the verdicts of its checks. `diff` are the rows that it changed in the world, `reason` says why it
    ended where that is not plain, `choices` are a best-of-N user's, `blame` says who caused a failure."""

    id: str
    blueprint: str
    attempt: int
    messages: tuple[Message, ...]
    ended: Literal["stop", "transfer", "max_steps", "agent_error", "user_error"]
    reason: str = ""
    verdicts: tuple[Verdict, ...]
    diff: tuple[Change, ...] = ()
    divergence: Divergence | None = None
    choices: tuple[Choice, ...] = ()
    blame: Blame | None = None
    usage: dict[Role, Usage] = {}

    @property
    def success(self) -> bool:
        """The reward: whether every check passed."""
        return bool(self.verdicts) and all(v.passed for v in self.verdicts)

    @property
    def unanswered(self) -> bool:
        """Whether it was given up since a model gave no answer."""
        return any(v.kind == NO_ANSWER for v in self.verdicts)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(call for message in self.messages for call in message.tool_calls)

    @property
    def content(self) -> str:
        """A hash of what was said and called, for keeping distinct successes only; call ids do not count."""
        return sha([[m.role, m.content, [[c.name, c.arguments] for c in m.tool_calls]] for m in self.messages])
