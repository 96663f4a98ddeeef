"""What a test has `verifiers` do, in a process of its own, since it brings another openai along: roll tasks of an
installed environment out against a server, and reward conversations that were recorded.

python verifiers_program.py TASKSET URL ASKED, where ASKED is a JSON file: {"roll": [task id, …], "without": [id, …],
"score": [{"task", "messages", "info"}]}. Prints JSON."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import verifiers.v1 as vf
from verifiers.v1.dialects import parse_message


def config(taskset: str, url: str, judge: str) -> vf.EnvConfig:
    there = {"base_url": url, "api_key_var": "NO_KEY"}
    task = {"reader": {"model": judge, **there}}
    user = {"model": "user"}
    return vf.resolve_env_config({"taskset": {"id": taskset, "task": task}, "user": user})


async def roll(taskset: str, url: str, judge: str, ids: list[str]) -> list[dict[str, Any]]:
    """One episode for each task; of each its rewards, or why there is none."""
    env = vf.load_environment(config(taskset, url, judge))
    client = vf.EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    ctx = vf.ModelContext(model="agent", client=client, sampling=vf.SamplingConfig())
    found = []
    async with env.serving():
        for task in env.taskset.include(ids=ids):
            [slot] = env.slots(task)
            episode = await env.run_slot(slot, ctx)
            found += [told(trace) | {"task": task.data.id, "episode": episode.ok} for trace in episode.traces]
    return found


async def score(taskset: str, recorded: list[dict[str, Any]]) -> list[dict[str, Any]]:
    env = vf.load_environment(config(taskset, "http://127.0.0.1:9/v1", ""))
    tasks = {task.data.id: task for task in env.taskset}
    found = []
    for one in recorded:
        task = tasks[one["task"]]
        trace = vf.Trace(
            task=vf.TraceTask(type=type(task).__name__, data=task.data, key=task.key, hash=task.hash),
            agent=vf.AgentInfo(config=vf.AgentConfig()),
            info=one["info"],
        )
        for number, message in enumerate(one["messages"]):
            parent = number - 1 if number else None
            trace.nodes.append(vf.MessageNode(parent=parent, message=parse_message(message)))
        try:
            await task.score(trace)
        except vf.TaskError as error:
            found.append({"reward": None, "error": str(error)})
        else:
            found.append({"reward": trace.reward, "metrics": trace.metrics})
    return found


def told(trace: vf.Trace) -> dict[str, Any]:
    rewards = {name: reward and reward.score for name, reward in trace.rewards.items()}
    said = [[message.role, "" if message.role == "tool" else message.content or ""] for message in trace.messages]
    return {
        "agent": trace.agent.name,
        "trainable": trace.agent.trainable,
        "ok": trace.ok,
        "rewards": rewards,
        "metrics": trace.metrics,
        "errors": [error.message for error in trace.errors],
        "messages": said,
        "info": {name: trace.info[name] for name in ("last_word", "handed_over") if name in trace.info},
    }


async def main(taskset: str, url: str, asked: dict[str, Any]) -> None:
    env = vf.load_environment(config(taskset, url, ""))
    tasks = list(env.taskset)
    valid = [await task.validate(None) for task in tasks]
    answer = {
        "tasks": len(tasks),
        "valid": sum(valid),
        "roll": await roll(taskset, url, "judge", asked["roll"]),
        "without": await roll(taskset, url, "", asked["without"]),
        "score": await score(taskset, asked["score"]),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text())))
