"""Every quirk of docs/servers.md, played by a real server, for each kind of question that it bears on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.models import Answer, EndpointDown, Question, Unparsable, read_json
from apigen_nb.models.endpoint import Endpoint
from apigen_nb.records import Message
from tests.fault_server import USAGE, FaultServer
from tests.players import context_of
from tests.quirks import QUIRKS
from tests.quirks.playing import CALL, POISON, Quirk, message_of

PAGE = Path(__file__).parents[2] / "docs" / "servers.md"
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
LONG = "Cancel only what is pending. " * 2000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr("apigen_nb.models.endpoint.asyncio.sleep", lambda seconds: sleep(min(seconds, 0.01)))


def question(kind: str, text: str, *more: Message) -> Question:
    said = (Message(role="user", content=text), *more)
    if kind == "text":
        return Question(id="q", role="user", prompt="user", context=context_of("user", says=text))
    agent: dict[str, Any] = {"id": "q", "prompt": "agent", "context": {"policy": "be kind"}, "messages": said}
    return Question(role="agent", tools=(LOOK,), **agent) if kind == "agent" else Question(
        role="judge", reply=CLOSED, **agent)  # fmt: skip


def play(quirk: Quirk, kind: str) -> tuple[Answer, list[dict[str, Any]], list[str]]:
    """The last answer to a question of a kind, of an agent's with its call carried out; what was sent for it; and what
    the endpoint noticed."""

    def reply(body: dict[str, Any]) -> str | dict[str, Any]:
        message = message_of(body | ({"response_format": None} if kind == "json" else {}))
        if "tool_calls" in message:
            return message | {"tool_calls": [{**CALL, **quirk.call}], **quirk.message}
        return message

    async def main() -> tuple[Answer, list[dict[str, Any]], list[str]]:
        async with FaultServer(reply, quirk=quirk.plays, usage=quirk.usage or USAGE) as server:
            endpoint = Endpoint("tiny", server.url, timeout=5, wait=0.01, tries=3, **quirk.options)
            text = POISON if quirk.ends == "refused" else LONG if quirk.long else "hello"
            try:
                answer = await endpoint(question(kind, text))
                if kind == "agent" and answer.tool_calls:
                    assert {(call.name, str(call.arguments)) for call in answer.tool_calls} == {("look", "{}")}
                    assert len({call.id for call in answer.tool_calls} - {""}) == len(answer.tool_calls)
                    assert answer.text == ""
                    done = Message(role="assistant", tool_calls=answer.tool_calls, opaque=answer.opaque)
                    result = Message(role="tool", tool_call_id=answer.tool_calls[0].id, content="7")
                    answer = await endpoint(question(kind, text, done, result))
                return answer, server.requests, endpoint.noticed
            finally:
                await endpoint.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(("quirk", "kind"), [(quirk, kind) for quirk in QUIRKS for kind in quirk.kinds],
                         ids=lambda one: one if isinstance(one, str) else one.name)  # fmt: skip
def test_what_is_done_about_it(quirk: Quirk, kind: str) -> None:
    if quirk.ends == "stops":
        with pytest.raises(EndpointDown, match=quirk.words):
            play(quirk, kind)
        return
    answer, sent, noticed = play(quirk, kind)
    if quirk.ends == "refused":
        assert answer.error.startswith("the server refused the question (")
        assert noticed == []
        sent = [body for body in sent if POISON in json.dumps(body)]
        assert len(sent) == 1
    elif quirk.ends == "no use":
        with pytest.raises(Unparsable, match=quirk.words):
            read_json(answer)
        assert (answer.tool_calls, bool(answer.error)) == ((), kind != "json" or "differ" not in quirk.words)
    else:
        said = read_json(answer) if kind == "json" else answer.text
        assert (answer.error, said) == ("", {"a": 1} if kind == "json" else "hello")
        assert answer.thoughts == quirk.thinks or not quirk.thinks
        assert len(sent) <= (5 if kind == "agent" else 3)
        assert any(quirk.words in said for said in noticed) or not quirk.words
    assert not set(quirk.lacks) & sent[-1].keys()
    assert set(quirk.has) <= sent[-1].keys()


def test_there_are_many_of_many_servers() -> None:
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS) >= 40
    assert len({quirk.server for quirk in QUIRKS}) >= 15


def test_the_page_of_servers_is_that_of_the_quirks() -> None:
    rows = [quirk.row for quirk in QUIRKS]
    assert [row for row in PAGE.read_text().splitlines() if row.startswith("| ")][1:] == rows, "python docs/servers.py"
