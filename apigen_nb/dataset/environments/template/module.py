"""Verified tasks of a domain as a `verifiers` environment. A simulated user tells an agent what it wants; the agent
calls tools in a world of its own. The reward is 1 where the conversation ended, the end state equals that after the
groundtruth actions, every output was told and conduct was kept. It is made by code; a judge is asked what a sentence
means where that decides, and must prove it by a quotation. Where nobody can tell, there is no reward: the rollout has
failed, and its error says what is open."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import verifiers.v1 as vf
from pydantic import Field
from verifiers.v1.dialects import parse_message
from verifiers.v1.dialects.chat import message_to_wire

from apigen_nb.dataset.environments.play import GREETING, STOP, Score, Task, read_tasks, said_in

__all__ = ["ServiceEnv", "ServiceHarness", "ServiceTaskset"]
HOME = Path(__file__).parent
TLS = ssl.create_default_context()  # made once: every turn opens a client
Wires = list[dict[str, Any]]


class ServiceData(vf.TaskData):
    """A task, with its row of the dataset's `rl` config."""

    row: dict[str, Any]


class ReaderConfig(vf.JudgeConfig):
    model: str = ""
    """Who reads what evidence leaves open (`--env.taskset.task.reader.model`, `.base-url`); empty: nobody."""
    opinions: int = Field(3, ge=1)
    """A majority of so many has to agree."""


class Reader(vf.Judge[str, ReaderConfig]):
    """Answers a question of meaning."""


class ServiceTaskConfig(vf.TaskConfig):
    reader: ReaderConfig = ReaderConfig()


class ServiceTask(vf.Task[ServiceData, vf.State, ServiceTaskConfig]):
    """A task that the agent plays."""

    @property
    def key(self) -> str:
        return str(self.data.id)

    def of_ours(self) -> Task:
        """The task as apigen-nb plays it."""
        return Task.of(self.data.row, HOME)

    async def finalize(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Have a judge read what evidence leaves open; the reward goes by what is then in the trace."""
        reader, config = Reader(self.config.reader), self.config.reader

        async def ask(messages: Wires) -> str:
            return (await reader.complete([parse_message(wire) for wire in messages], trace=trace)).text

        if config.model:
            held = map(message_to_wire, trace.messages)
            last_word = trace.info.get("last_word", "")
            trace.info["readings"] = await self.of_ours().read(held, last_word, ask, config.opinions)

    def scored(self, trace: vf.Trace) -> Score:
        """The verdicts on what a trace holds."""
        held, info = map(message_to_wire, trace.messages), trace.info
        return self.of_ours().score(held, info.get("last_word", ""), info.get("readings", ()))

    @vf.metric
    async def checks(self, trace: vf.Trace) -> dict[str, float]:
        """Each check that is decided."""
        return self.scored(trace).checks

    @vf.reward
    async def verified(self, trace: vf.Trace) -> float:
        """State, outputs, behaviour and conduct. ValueError where that is undecided."""
        found = self.scored(trace)
        if found.reward is None:
            nobody = "" if self.config.reader.model else "; nobody was asked: --env.taskset.task.reader.model"
            raise ValueError(f"no reward: {found.reason}{nobody}")
        return found.reward

    async def validate(self, runtime: vf.Runtime) -> bool:
        """Whether the groundtruth actions lead where they did when the task was proven."""
        return not self.of_ours().problems()


class ServiceConfig(vf.TasksetConfig):
    split: str = "train"
    """The file in `tasks/` that is played."""
    task: ServiceTaskConfig = ServiceTaskConfig()


class ServiceTaskset(vf.Taskset[ServiceTask, ServiceConfig]):
    """The tasks of a split."""

    def load(self) -> Iterator[ServiceTask]:
        for row in read_tasks(HOME, self.config.split):
            told = Task.of(row, HOME).system_prompt
            yield ServiceTask(ServiceData(id=row["id"], name=row["id"], system_prompt=told, row=row), self.config.task)


class ServiceHarness(vf.Harness[vf.HarnessConfig]):
    """A conversation without a program of its own: it asks the model, makes its calls in the world of the task, and
    asks again until the model calls nothing. The world is made anew from the conversation at each turn."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
    ) -> vf.ProgramResult:
        system, before = self.resolve_prompt(data)
        said = [{"role": "system", "content": system or ""}, *map(message_to_wire, before or ())]
        task = Task.of(data.row, HOME) if isinstance(data, ServiceData) else None  # the simulated user has no tools
        http = httpx.AsyncClient(verify=TLS, timeout=None, trust_env=False)
        async with openai.AsyncOpenAI(base_url=endpoint, api_key=secret, http_client=http) as client:
            try:
                trace.info["handed_over"] = await _converse(client, ctx.model, said, task)
            except openai.APIStatusError:
                if trace.stop_condition is None:  # else a limit of the rollout has refused the turn
                    raise
        return vf.ProgramResult(exit_code=0, stdout="", stderr="")


async def _converse(client: openai.AsyncOpenAI, model: str, said: Wires, task: Task | None) -> bool:
    """Ask and call until the model calls nothing; whether it has handed over."""
    play = task.play(said) if task else None
    tools = {"tools": task.tools} if task else {}
    while True:
        done = play is not None and play.handed_over
        answer = await client.chat.completions.create(model=model, messages=said, **tools)
        said.append(answer.choices[0].message.model_dump(exclude_none=True))
        calls = said[-1].get("tool_calls")
        if play is None or not calls or done:  # after handing over there is one more reply, and no call
            return done
        said += play.run(calls)


class ServiceEnvConfig(vf.EnvConfig):
    agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig(), max_turns=30)
    """The agent that is trained; so many replies at most (`--env.agent.max-turns`)."""
    user: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())
    """The simulated user: the run's own model, or another (`--env.user.model`, `--env.user.client.base-url`)."""


class ServiceEnv(vf.Env[ServiceEnvConfig]):
    """A simulated user and an agent speak in turn."""

    async def setup(self, agents: vf.Agents) -> None:
        agents.user.trainable = False

    async def run(self, task: ServiceTask, agents: vf.Agents) -> None:
        told = vf.TaskData(idx=task.data.idx, system_prompt=task.of_ours().user_prompt)
        async with agents.user.interaction(vf.Task(told)) as user, agents.agent.interaction(task) as agent:
            heard = GREETING
            while True:
                wish = _words(await user.turn(heard))
                if not wish:
                    raise RuntimeError("no reward: the simulated user gave no answer")
                if STOP in wish:
                    agent.trace.info["last_word"] = wish
                    return
                answer = await agent.turn(wish)
                heard = _words(answer)
                if answer.terminated or not heard or agent.trace.info.get("handed_over"):
                    return


def _words(segment: vf.Segment) -> str:
    """What was said in a segment, without thoughts, calls and their results."""
    said = said_in(map(message_to_wire, segment.messages))
    return "\n\n".join(message.content for message in said if message.content)
