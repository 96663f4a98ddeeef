"""Phase 2 (paper §3.2): a simulated user and an agent play a blueprint out in a world; the end is checked by code."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from io import BytesIO
from typing import Literal

from ..models import Answer, Model, NoAnswer, ask, metered
from ..models.jobs import run_jobs
from ..models.roles import Roles
from ..records import NO_ANSWER, STOP, Blame, Blueprint, Choice, Message, Trajectory, Verdict
from ..storage.journal import Journal, Run
from ..world.domain import Domain
from ..world.world import run_tool_call
from .best_of_n import user_of
from .blame import blame
from .dialogue import Dialogue
from .reward import assess, divergence
from .rollout import Rollout, agent_question, rollout_world, trajectory_id, user_question

AFTER_TRANSFER = "the agent called tools after handing over to a human"
Ending = Literal["stop", "transfer", "max_steps", "agent_error", "user_error"]


async def converse(
    blueprint: Blueprint,
    domain: Domain,
    *,
    agent: Model,
    user: Model,
    judges: Sequence[Model] = (),
    attempt: int = 1,
    max_steps: int = 30,
) -> Trajectory:
    """Play one conversation and check its end. Only conversations that the user ended, or that were handed over to a
    human, are scored; `max_steps` counts replies of the agent, as in tau-bench. Judges are asked only where evidence
    does not decide: what was meant, and of a failed one who is to blame; nobody is for what is undecided. One whose
    model gave no answer has failed for that."""
    held = _Conversation(Rollout(blueprint, attempt), domain)
    ended: Ending | None = None
    blamed: Blame | None = None
    with metered() as usage:
        try:
            ended, reason = await held.play(agent, user, max_steps)
            trajectory = await held.assess(ended, reason, judges)
            if judges and not (trajectory.success or trajectory.undecided):
                blamed, readings = await blame(trajectory, blueprint, domain, judges[0])
                trajectory = trajectory.model_copy(update={"readings": readings})
        except NoAnswer as error:
            agents_turn = held.messages and held.messages[-1].role != "assistant"
            ended = ended or ("agent_error" if agents_turn else "user_error")
            trajectory = await held.assess(ended, str(error), unanswered=True)
            blamed = Blame(cause="endpoint", turn=max(len(held.messages) - 1, 0), evidence=str(error))
    return trajectory.model_copy(update={"blame": blamed, "usage": usage})


class _Conversation:
    """A rollout that is being held: what was said so far, and the user's choices among candidates."""

    def __init__(self, rollout: Rollout, domain: Domain) -> None:
        self.rollout, self.domain = rollout, domain
        self.world = rollout_world(rollout.blueprint, domain)
        self.messages: list[Message] = []
        self.choices: list[Choice] = []

    async def play(self, agent: Model, user: Model, max_steps: int) -> tuple[Ending, str]:
        """Let user and agent speak in turn; how and why it ended."""
        handed_over = waiting = False  # waiting is the agent for the results of its calls
        for steps in itertools.count():
            if not waiting and (ended := await self._users_turn(user)):
                return ended
            if steps == max_steps:
                break
            answer = await ask(agent, agent_question(self.rollout, self.domain, self.messages))
            if answer.error or not (answer.text.strip() or answer.tool_calls):
                return "agent_error", answer.error or "the agent said nothing"
            self._say(answer)
            waiting = bool(answer.tool_calls)
            if handed_over:
                # after a hand-over the agent has one more message, so that no conversation ends on a tool's result
                return ("agent_error", AFTER_TRANSFER) if waiting else ("transfer", "")
            handed_over = waiting and self._run_calls()
        return "max_steps", f"the agent was not done after {max_steps} steps"

    async def _users_turn(self, user: Model) -> tuple[Ending, str] | None:
        """Add the user's message; how it ended with that, if it did."""
        answer = await ask(user, user_question(self.rollout, self.domain, self.messages))
        if answer.candidates:
            chosen = Choice(turn=len(self.messages), chosen=answer.chosen, candidates=answer.candidates)
            self.choices.append(chosen)
        if answer.error or not answer.text.strip():
            return "user_error", answer.error or "the user said nothing"
        self.messages.append(Message(role="user", content=answer.text.strip(), thoughts=answer.thoughts))
        return ("stop", "") if STOP in answer.text else None

    def _say(self, answer: Answer) -> None:
        """Add the agent's message."""
        said = Message(role="assistant", content=answer.text.strip(), tool_calls=answer.tool_calls)
        self.messages.append(said.model_copy(update={"thoughts": answer.thoughts, "opaque": answer.opaque}))

    def _run_calls(self) -> bool:
        """Run the calls of the last message and add their results; whether one of them has handed over."""
        calls, tools = self.messages[-1].tool_calls, self.domain.tools
        replies = [run_tool_call(self.world, call) for call in calls]
        self.messages += replies
        made = zip(calls, replies, strict=True)
        return any(call.name in tools and tools[call.name].ends and not reply.error for call, reply in made)

    async def assess(
        self, ended: Ending, reason: str, judges: Sequence[Model] = (), *, unanswered: bool = False
    ) -> Trajectory:
        """The trajectory with its verdicts and its first divergence."""
        dialogue = Dialogue(self.rollout.blueprint, tuple(self.messages), self.domain)
        finished = ended in ("stop", "transfer") and not unanswered
        kind = "" if finished else NO_ANSWER if unanswered else ended
        reached = self.world.delta()
        end = Verdict(gate="ended", passed=finished, kind=kind, reason=reason)
        verdicts, readings = await assess(dialogue, reached, end, judges, name=self.rollout.id)
        return Trajectory(
            id=self.rollout.id,
            blueprint=self.rollout.blueprint.id,
            attempt=self.rollout.number,
            messages=tuple(dialogue.messages),
            ended=ended,
            reason=reason,
            verdicts=verdicts,
            diff=reached,
            divergence=divergence(dialogue, verdicts),
            choices=tuple(self.choices),
            readings=readings,
        )


async def _play(domain: Domain, models: Roles, max_steps: int, rollout: Rollout) -> Trajectory:
    """The work on one conversation, for `run_jobs`."""
    agent, user, judges = models.agent, user_of(models), models.judges()
    return await converse(
        rollout.blueprint, domain, agent=agent, user=user, judges=judges, attempt=rollout.number, max_steps=max_steps
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
    names = BytesIO()  # the ids of the blueprints, a line each: a list of 100,000 would be five times as large

    def rollouts() -> Iterator[Rollout]:
        for blueprint in blueprints:
            names.write(f"{blueprint.id}\n".encode())
            for number in range(1, attempts + 1):
                yield Rollout(blueprint, number)

    work = functools.partial(_play, domain, models, max_steps)
    expected = None if count is None else count * attempts
    await run_jobs(work, rollouts(), journal, concurrency=concurrency, title="trajectories", total=expected)
    names.seek(0)
    lines = (line.decode().removesuffix("\n") for line in names)
    return journal.finish(trajectory_id(name, number) for name in lines for number in range(1, attempts + 1))
