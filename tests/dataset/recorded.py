"""A server that plays what was recorded: agent, user and judge say what they said in conversations of a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from apigen_nb.dataset.environments.play import Task
from apigen_nb.models import Answer, Question
from apigen_nb.models.chat_format import render
from apigen_nb.records import STOP, Message, Trajectory
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.replay import ending, replay
from apigen_nb.trajectories.reward import assess
from tests.players import reading

Wires = list[dict[str, Any]]


def wire(message: Message) -> dict[str, Any]:
    """A message in the OpenAI chat format, arguments as the model sent them."""
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": call.raw if call.arguments is None else json.dumps(call.arguments),
            },
        }
        for call in message.tool_calls
    ]
    return {"role": message.role, "content": message.content, **({"tool_calls": calls} if calls else {})}


def conversation(trajectory: Trajectory) -> tuple[Wires, str]:
    """What an agent has seen and said, and what the user said after that."""
    messages = list(trajectory.messages)
    last = messages.pop().content if messages[-1].role == "user" and STOP in messages[-1].content else ""
    return [wire(message) for message in messages], last


class Recorded:
    """The replies to what agent, user and judge are asked in these conversations, one about each task."""

    def __init__(self) -> None:
        self._agent: dict[str, Any] = {}
        self._user: dict[tuple[str, int], str] = {}
        self._judge: dict[str, str] = {}
        self.asked: list[str] = []

    async def add(self, task: Task, trajectory: Trajectory) -> None:
        held = [wire(message) for message in trajectory.messages]
        turns = 0
        for number, message in enumerate(held):
            if message["role"] == "assistant":
                self._agent[_key(held[:number])] = message
            elif message["role"] == "user":
                self._user[task.user_prompt, turns] = message["content"]
                turns += 1
        await self._add_readings(task, trajectory)

    async def _add_readings(self, task: Task, trajectory: Trajectory) -> None:
        """What judges are asked about it, and what most of them answered then."""
        read = {reading.id: reading for reading in trajectory.readings}

        async def judge(question: Question) -> Answer:
            claim, _, _ = question.id.partition("/reading/")[2].rpartition("/judge")
            counted = Counter(opinion.answer for opinion in read[claim].opinions if opinion.answer)
            most = next(o for o in read[claim].opinions if o.answer == counted.most_common(1)[0][0])
            said = reading(most.answer, most.turn, most.quotation)
            self._judge[render(question)[-1]["content"]] = said
            return Answer(text=said)

        world, said = replay(task.blueprint, task.domain, trajectory.messages)
        dialogue = Dialogue(task.blueprint, said, task.domain)
        await assess(dialogue, world.delta(), ending(dialogue), [judge], name="again")

    def __call__(self, body: Mapping[str, Any]) -> str | dict[str, Any]:
        self.asked.append(body["model"])
        messages = body["messages"]
        if body["model"] == "judge":
            return self._judge[messages[-1]["content"]]
        if body["model"] == "user":
            said = sum(message["role"] == "assistant" for message in messages)
            return self._user[messages[0]["content"], said]
        return self._agent[_key(messages[1:])]


def _key(messages: Wires) -> str:
    """What was said and called so far; results follow from that."""
    return json.dumps([[m["role"], m.get("content") or "", _calls(m)] for m in messages if m["role"] != "tool"])


def _calls(message: Mapping[str, Any]) -> list[Any]:
    return [[call["function"]["name"], call["function"]["arguments"]] for call in message.get("tool_calls") or ()]
