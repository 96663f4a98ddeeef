"""A task as an environment plays it: what agent and user are told, a world to call tools in, and the reward. Knows
nothing of any framework: messages come and go in the OpenAI chat format."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ...models import Answer, Question
from ...models.chat_format import GREETING, render
from ...models.spoken import spoken
from ...models.written_calls import decoded
from ...records import STOP, Blueprint, Change, Message, Reading, ToolCall, Verdict
from ...trajectories.dialogue import Dialogue
from ...trajectories.meaning import Meanings
from ...trajectories.replay import ending, replay
from ...trajectories.reward import assess, check_all
from ...trajectories.rollout import Rollout, offered_tools, user_question
from ...world.domain import Domain, DomainError
from ...world.world import World, digest, run_tool_call
from ..proof import system_prompt
from ..replaying import groundtruth_problems

__all__ = ["GREETING", "STOP", "Play", "Score", "Task", "blueprint_of", "read_tasks", "said_in", "score"]
DOMAIN = "domain"  # the folder beside the tasks that holds a domain of one's own
Wire = Mapping[str, Any]
Ask = Callable[[list[dict[str, Any]]], Awaitable[str]]  # from messages to what a model says to them


class Score(NamedTuple):
    """The verdicts of all checks on one conversation."""

    verdicts: tuple[Verdict, ...]

    @property
    def reward(self) -> float | None:
        """1 where every check held, 0 where one fell, None where none fell and some question of meaning is open."""
        if any(verdict.outcome == "fell" for verdict in self.verdicts):
            return 0.0
        return 1.0 if all(verdict.passed for verdict in self.verdicts) else None

    @property
    def reason(self) -> str:
        """What did not hold, in a line; "" where all did."""
        open_ = (verdict for verdict in self.verdicts if not verdict.passed)
        return "; ".join(f"{v.gate}{' is undecided' if v.undecided else ''}: {v.reason}" for v in open_)

    @property
    def checks(self) -> dict[str, float]:
        """Check → 1 where it held, 0 where it fell; those that are undecided are left out."""
        return {v.gate: float(v.passed) for v in self.verdicts if v.passed or not v.undecided}


def score(task: Blueprint, domain: Domain, messages: Iterable[Message], readings: Iterable[Reading] = ()) -> Score:
    """The reward of a conversation (paper §3.2): that it ended, end state, outputs, behaviour and conduct, by replaying
    its calls in a fresh world. A pure function: no model is asked, and what only judges could tell is undecided unless
    their `readings` are given. Results of tools among the messages are left out and made anew."""
    world, said = replay(task, domain, messages)
    dialogue = Dialogue(task, said, domain)
    return Score(check_all(dialogue, world.delta(), _ended(dialogue), Meanings(said, readings)))


def _ended(dialogue: Dialogue) -> Verdict:
    """As `ending`; but an agent that owes a reply has not ended anything."""
    last = dialogue.messages[-1] if dialogue.messages else None
    if last is not None and (last.role == "tool" or (last.role == "assistant" and not last.content)):
        return Verdict(gate="ended", passed=False, kind="agent_error", reason="the agent owes a reply")
    return ending(dialogue)


def said_in(messages: Iterable[Wire], last_word: str = "") -> tuple[Message, ...]:
    """A conversation in the OpenAI chat format as our checks read it: without system prompt, results and thoughts.
    `last_word` is what the user said at the end, which no agent has answered."""
    said = [_message(wire) for wire in messages if wire["role"] in ("user", "assistant")]
    return (*said, *([Message(role="user", content=last_word)] if last_word else []))


def _message(wire: Wire) -> Message:
    content = spoken(_text(wire.get("content"))).said.strip()
    calls = tuple(_call(call) for call in wire.get("tool_calls") or ())
    return Message(role=wire["role"], content=content, tool_calls=calls)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content)
    return content or ""


def _call(wire: Wire) -> ToolCall:
    given = wire["function"].get("arguments")
    arguments = decoded(given)
    raw = "" if arguments is not None else given if isinstance(given, str) else json.dumps(given)
    return ToolCall(id=str(wire.get("id") or ""), name=wire["function"]["name"], arguments=arguments, raw=raw)


@dataclass(frozen=True)
class Task:
    """A task of the `rl` config, with its domain; `delta` is what the groundtruth changes."""

    blueprint: Blueprint
    domain: Domain
    delta: tuple[Change, ...]

    @classmethod
    def of(cls, row: Wire, home: Path) -> Task:
        """The task of a row, and the domain that it was proven in: the one beside it in `home`, else the installed one
        of its name. DomainError where that is missing or another version."""
        domain = _domain(json.loads(row["initial_state"]), home)
        delta = tuple(Change.model_validate(change) for change in json.loads(row["end_state"]))
        return cls(blueprint_of(row), domain, delta)

    @property
    def system_prompt(self) -> str:
        """What the agent is told."""
        return system_prompt(self.blueprint, self.domain)

    @property
    def user_prompt(self) -> str:
        """What the simulated user is told; it answers `GREETING` first and says `STOP` at the end."""
        return str(render(user_question(Rollout(self.blueprint, 1), self.domain, ()))[0]["content"])

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools that the agent is offered, in the OpenAI function format."""
        return list(offered_tools(self.blueprint, self.domain))

    def play(self, messages: Iterable[Wire] = ()) -> Play:
        """The conversation from here on: a world in which the calls of these messages were made."""
        world, said = replay(self.blueprint, self.domain, said_in(messages))
        return Play(world, self.domain, Dialogue(self.blueprint, said, self.domain).handed_over is not None)

    def score(self, messages: Iterable[Wire], last_word: str = "", readings: Iterable[Wire] = ()) -> Score:
        """The verdicts on a conversation in the OpenAI chat format (see `said_in`), given what judges read in it."""
        read = [Reading.model_validate(reading) for reading in readings]
        return score(self.blueprint, self.domain, said_in(messages, last_word), read)

    async def read(self, messages: Iterable[Wire], last_word: str, ask: Ask, judges: int = 3) -> list[dict[str, Any]]:
        """What `judges` make of what evidence leaves open, for `score`: nothing where a check falls by evidence alone.
        Each opinion must be proven by words of the conversation, as in `trajectories.meaning`."""

        async def judge(question: Question) -> Answer:
            return Answer(text=await ask(render(question)))

        world, said = replay(self.blueprint, self.domain, said_in(messages, last_word))
        dialogue = Dialogue(self.blueprint, said, self.domain)
        _, readings = await assess(dialogue, world.delta(), _ended(dialogue), [judge] * judges, name=self.blueprint.id)
        return [reading.model_dump() for reading in readings]

    def problems(self) -> list[str]:
        """What does not hold of the task by itself."""
        return list(groundtruth_problems(self.blueprint, self.delta, digest(self.delta), self.domain))


def blueprint_of(row: Wire) -> Blueprint:
    """The blueprint of a row of the `rl` config; which ones it was recombined of, a row does not say."""
    told = {name: row[name] for name in ("domain", "user", "persona", "instruction", "outputs", "kind", "behaviour")}
    read = {name: json.loads(row[name]) for name in ("actions", "denied", "withheld")}
    return Blueprint.model_validate({"id": row["task_id"], **told, **read})


def _domain(state: Wire, home: Path) -> Domain:
    own = home / DOMAIN / state["domain"]
    domain = Domain.load(str(own) if own.is_dir() else state["domain"])
    if domain.fingerprint != state["version"]:
        found = f"made on another version of {state['domain']} ({state['version']}, here {domain.fingerprint})"
        raise DomainError(f"{found}; install the apigen-nb that it was made with, or export again")
    return domain


@dataclass
class Play:
    """A world in which an agent acts; `handed_over` once a call has handed the user over to a human."""

    world: World
    domain: Domain
    handed_over: bool = False

    def run(self, calls: Iterable[Wire]) -> list[dict[str, str]]:
        """Make the tool calls of a message; their results as messages."""
        results = []
        for call in map(_call, calls):
            result = run_tool_call(self.world, call)
            tool = self.domain.tools.get(call.name)
            self.handed_over |= tool is not None and tool.ends and not result.error
            results.append({"role": "tool", "tool_call_id": call.id, "content": result.content})
        return results


def read_tasks(home: Path, split: str) -> Iterator[dict[str, Any]]:
    """The rows of a split in `home`/tasks. FileNotFoundError where there is no such split."""
    path = home / "tasks" / f"{split}.jsonl"
    if not path.is_file():
        found = ", ".join(sorted(path.stem for path in path.parent.glob("*.jsonl"))) or "none"
        raise FileNotFoundError(f"no split {split!r} in {path.parent}; there are: {found}")
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)
