"""Phase 2: messages and calls, the user's choices among candidates, and the trajectory that holds them."""

from __future__ import annotations

from typing import Any, Literal

from .base import NO_ANSWER, Change, Record, Role, Usage, sha
from .verdict import Reading, Verdict


class ToolCall(Record):
    """A tool call in an agent's message. `arguments` is None when `raw`, the text that came, is not a JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    raw: str = ""


class Opaque(Record):
    """What a server put on its own message to get it back (signatures of thoughts, thoughts): fields of the `message`,
    and of each of its `calls`. It goes back unchanged to its `origin`, a hash of server and model, and nowhere else;
    nobody reads it, and no dataset, prompt or report holds it."""

    origin: str
    message: dict[str, Any] = {}
    calls: tuple[dict[str, Any], ...] = ()


class Message(Record):
    """One message of a conversation, in the shape of the OpenAI chat format. `tool_call_id` says which call a message
    of the role "tool" answers, `error` that its result is a refusal. `thoughts` are what its model thought beside what
    it says: shown to nobody else, and not exported."""

    role: Literal["user", "assistant", "tool"]
    content: str = ""
    thoughts: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    error: bool = False
    opaque: Opaque | None = None


class Divergence(Record):
    """Where a conversation first left its groundtruth: the index of the message, what kind, what was expected there."""

    turn: int
    kind: Literal[
        "different arguments", "extra write", "missing write", "different order",
        "output not told", "behaviour not shown", "conduct broken", "did not end",
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
    ended where that is not plain, `choices` are a best-of-N user's, `readings` what judges made of what was meant,
    `blame` says who caused a failure."""

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
    readings: tuple[Reading, ...] = ()
    blame: Blame | None = None
    usage: dict[Role, Usage] = {}

    @property
    def success(self) -> bool:
        """The reward: whether every check passed."""
        return bool(self.verdicts) and all(v.passed for v in self.verdicts)

    @property
    def undecided(self) -> bool:
        """Whether no check fell, and some question of meaning has no answer: neither verified nor anybody's failure."""
        return not self.success and bool(self.verdicts) and all(v.outcome != "fell" for v in self.verdicts)

    @property
    def outcome(self) -> Literal["verified", "failed", "undecided"]:
        """What came of it, in one word."""
        return "verified" if self.success else "undecided" if self.undecided else "failed"

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
