"""Phase 2 (paper §3.2): a simulated user and an agent play a blueprint out in a world; the end is checked by code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from ..blueprints.gates.execution import execute
from ..models import Model, NoAnswer, ask, metered
from ..models.jobs import run_jobs
from ..models.roles import Roles
from ..records import (
    NO_ANSWER,
    STOP,
    Blame,
    Blueprint,
    Choice,
    Divergence,
    Message,
    Question,
    Role,
    Trajectory,
    Usage,
    Verdict,
)
from ..storage.journal import Journal, Run
from ..world.domain import Domain
from ..world.world import World, run_tool_call
from . import environment
from .behaviour import shows_behaviour
from .blame import blame
from .reward import all_told, divergence, same_state

Ending = Literal["stop", "transfer", "max_steps", "agent_error", "user_error"]


@dataclass(frozen=True)
class Rollout:
    """A conversation that is to be held: attempt `number` at a blueprint. Its id is known before the work."""

    blueprint: Blueprint
    number: int

    @property
    def id(self) -> str:
        return trajectory_id(self.blueprint.id, self.number)


def trajectory_id(blueprint: str, number: int) -> str:
    """The id of attempt `number` at a blueprint."""
    return f"{blueprint}.t{number}"


async def converse(
    rollout: Rollout, domain: Domain, *, agent: Model, user: Model, judge: Model | None = None, max_steps: int = 30
) -> Trajectory:
    """Play one conversation and check its end. Only conversations that the user ended, or that were handed over to a
    human, are scored; `max_steps` counts replies of the agent, as in tau-bench. With a judge, who is asked only where
    evidence does not decide, a failed one says who is to blame. One whose model gave no answer has failed for that."""
    world = environment.world(rollout.blueprint, domain)
    messages: list[Message] = []
    choices: list[Choice] = []
    ended: Ending | None = None
    with metered() as usage:
        try:
            ended, reason = await _dialogue(rollout, domain, world, messages, choices, agent, user, max_steps)
            held = assess(rollout, domain, world, tuple(messages), ended, reason, choices=tuple(choices))
            why = None if held.success or judge is None else await blame(held, rollout.blueprint, domain, judge)
        except NoAnswer as error:
            said, reason = tuple(messages), str(error)
            agents_turn = said and said[-1].role != "assistant"
            ended = ended or ("agent_error" if agents_turn else "user_error")
            why = Blame(cause="endpoint", turn=max(len(said) - 1, 0), evidence=reason)
            held = assess(rollout, domain, world, said, ended, reason, choices=tuple(choices), unanswered=True)
    return held.model_copy(update={"blame": why, "usage": usage})


async def _dialogue(
    rollout: Rollout,
    domain: Domain,
    world: World,
    messages: list[Message],
    choices: list[Choice],
    agent: Model,
    user: Model,
    max_steps: int,
) -> tuple[Ending, str]:
    """Append the messages of one conversation to `messages`, the user's choices to `choices`; how and why it ended."""
    steps, made, closing = 0, 0, False  # calls are numbered here: small models give every call the same id
    while True:
        answer = await ask(user, _user_question(rollout, messages))
        if answer.candidates:
            choices.append(Choice(turn=len(messages), chosen=answer.chosen, candidates=answer.candidates))
        if answer.error or not answer.text.strip():
            return "user_error", answer.error or "the user said nothing"
        messages.append(Message(role="user", content=answer.text.strip()))
        if STOP in answer.text:
            return "stop", ""
        while True:
            if steps == max_steps:
                return "max_steps", f"the agent was not done after {max_steps} steps"
            steps += 1
            answer = await ask(agent, _agent_question(rollout, domain, messages))
            if answer.error or not (answer.text.strip() or answer.tool_calls):
                return "agent_error", answer.error or "the agent said nothing"
            calls = tuple(
                call.model_copy(update={"id": f"call_{made + n}"}) for n, call in enumerate(answer.tool_calls, 1)
            )
            made += len(calls)
            messages.append(Message(role="assistant", content=answer.text.strip(), tool_calls=calls))
            if closing or not calls:
                break
            replies = [run_tool_call(world, call) for call in calls]
            messages += replies
            # after a hand-over the agent has one more message, so that no conversation ends on a tool's result
            closing = any(
                call.name in domain.tools and domain.tools[call.name].ends and not reply.error
                for call, reply in zip(calls, replies, strict=True)
            )
        if closing:
            if messages[-1].tool_calls:
                return "agent_error", "the agent called tools after handing over to a human"
            return "transfer", ""


def _user_question(rollout: Rollout, messages: Sequence[Message]) -> Question:
    """What the simulated user sees: instruction, persona and what was said. No tools, no results, no groundtruth."""
    said = tuple(m.model_copy(update={"tool_calls": ()}) for m in messages if m.role != "tool" and m.content)
    blueprint = rollout.blueprint
    context = {
        "instruction": blueprint.instruction,
        "persona": blueprint.persona,
        "behaviour": blueprint.behaviour,
        "withheld": list(blueprint.withheld),
    }
    return Question(
        id=f"{rollout.id}/user/{len(messages)}",
        role="user",
        prompt="user",
        context=context,
        messages=said,
        sample=rollout.number - 1,
    )


def _agent_question(rollout: Rollout, domain: Domain, messages: Sequence[Message]) -> Question:
    """What the agent sees: policy, tools and the conversation. No instruction, no groundtruth."""
    return Question(
        id=f"{rollout.id}/agent/{len(messages)}",
        role="agent",
        prompt="agent",
        context={"policy": environment.policy(rollout.blueprint, domain)},
        messages=tuple(messages),
        tools=environment.tools(rollout.blueprint, domain),
        sample=rollout.number - 1,
    )


def assess(
    rollout: Rollout,
    domain: Domain,
    world: World,
    messages: tuple[Message, ...],
    ended: Ending,
    reason: str = "",
    usage: dict[Role, Usage] | None = None,
    choices: tuple[Choice, ...] = (),
    unanswered: bool = False,
) -> Trajectory:
    """The trajectory of a conversation with its verdicts and its first divergence."""
    blueprint, reached = rollout.blueprint, world.delta()
    finished = ended in ("stop", "transfer") and not unanswered
    kind = "" if finished else NO_ANSWER if unanswered else ended
    shown = shows_behaviour(blueprint, messages, domain)
    verdicts = (
        Verdict(gate="ended", passed=finished, kind=kind, reason=reason),
        same_state(execute(blueprint, domain).diff, reached),
        all_told(blueprint.outputs, messages),
        *([shown] if shown else []),
    )
    writes = frozenset(name for name, tool in domain.tools.items() if tool.writes)
    first = (
        None if all(v.passed for v in verdicts) else divergence(blueprint, messages, writes, reached=verdicts[1].passed)
    )
    if first is None and not finished:
        first = Divergence(turn=max(len(messages) - 1, 0), kind="did not end", found=reason)
    if first is None and shown and not shown.passed:
        first = Divergence(
            turn=len(messages) - 1, kind="behaviour not shown", expected=blueprint.kind, found=shown.reason
        )
    return Trajectory(
        id=rollout.id,
        blueprint=blueprint.id,
        attempt=rollout.number,
        messages=messages,
        ended=ended,
        reason=reason,
        verdicts=verdicts,
        diff=reached,
        divergence=first,
        choices=choices,
        usage=usage or {},
    )


@dataclass(frozen=True)
class _Phase2:
    """The work on one conversation, for `run_jobs`."""

    domain: Domain
    models: Roles
    max_steps: int

    async def __call__(self, rollout: Rollout) -> Trajectory:
        models = self.models
        judge = models.judges(1)[0]
        return await converse(
            rollout, self.domain, agent=models.agent, user=models.user, judge=judge, max_steps=self.max_steps
        )


async def converse_all(
    domain: Domain,
    models: Roles,
    run: Run,
    blueprints: Iterable[Blueprint],
    *,
    attempts: int = 3,
    max_steps: int = 30,
    concurrency: int = 32,
    total: int | None = None,
) -> Sequence[Trajectory]:
    """Phase 2 for all accepted blueprints: writes `trajectories.jsonl`, a line per blueprint × attempt; continues where
    an earlier run stopped. Attempts are independent; the dataset keeps the distinct successes. `total` is the number
    of blueprints where they have no length: they may come one by one, and trajectories stay on the disk."""
    journal = Journal(run.trajectories, Trajectory)
    count = len(blueprints) if isinstance(blueprints, Sized) else total
    held = BytesIO()  # the ids of the blueprints, a line each: a list of 100,000 would be five times as large

    def rollouts() -> Iterator[Rollout]:
        for blueprint in blueprints:
            held.write(f"{blueprint.id}\n".encode())
            for number in range(1, attempts + 1):
                yield Rollout(blueprint, number)

    work = _Phase2(domain, models, max_steps)
    expected = None if count is None else count * attempts
    await run_jobs(work, rollouts(), journal, concurrency=concurrency, title="trajectories", total=expected)
    held.seek(0)
    names = (line.decode().removesuffix("\n") for line in held)
    return journal.finish(trajectory_id(name, number) for name in names for number in range(1, attempts + 1))
