"""A server that repeats the key, in whatever spelling of JSON, gets it into nothing that is kept or shown."""

from __future__ import annotations

import base64
import html
import json
import time
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from apigen_nb.models import Answer, EndpointDown, NoAnswer, Question, read_json
from apigen_nb.models.api_keys import key_pattern, url_and_key
from apigen_nb.models.endpoint import Endpoint
from tests.fault_server import FaultServer

KEY = "sk-MARKED/01+a&b\\c"
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
PLAIN = json.dumps(KEY)[1:-1]
BASIC = [base64.b64encode(text.encode()).decode() for text in (KEY, f":{KEY}")]
SPELLINGS = {
    "url": quote(KEY, safe=""),
    "url in small letters": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%5C", "%5c"),
    "html": html.escape(KEY).replace("\\", "\\\\"),
    "base64": BASIC[0].rstrip("="),
    "basic authentication": BASIC[1].rstrip("="),
    "plain": PLAIN,
    "slash": PLAIN.replace("/", "\\/"),
    "unicode": "".join(f"\\u{ord(one):04x}" for one in KEY),
    "capitals": "".join(f"\\u{ord(one):04X}" for one in KEY),
    "twice": json.dumps("".join(f"\\u{ord(one):04x}" for one in KEY))[1:-1],
}


class Repeating(FaultServer):
    """Answers with one and the same body."""

    def __init__(self, body: str, status: int = 200) -> None:
        super().__init__()
        self.body, self.status = body, status

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=self.body, status=self.status, content_type="application/json")


async def told(body: str, status: int = 200, **fields: Any) -> Answer:
    async with Repeating(body, status) as server:
        endpoint = Endpoint("tiny", server.url, "MARKED_KEY", tries=1)
        try:
            return await endpoint(Question(id="q", role="agent", prompt="agent", context={"policy": "p"}, **fields))
        finally:
            await endpoint.aclose()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED_KEY", KEY)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_in_texts_and_tool_calls(spelling: str) -> None:
    written = SPELLINGS[spelling]
    answer = await told(f'{{"choices":[{{"message":{{"content":"your key is {written}\\n"}}}}]}}')
    assert answer.text == "your key is ***\n"
    inner = json.dumps(f'{{"k": "{written}", "{written}": 1}}')
    call = f'{{"id":"{written}","function":{{"name":"{written}","arguments":{inner}}}}}'
    answer = await told(f'{{"choices":[{{"message":{{"tool_calls":[{call}]}}}}]}}', tools=(LOOK,))
    assert [(one.id, one.name, one.arguments) for one in answer.tool_calls] == [("***", "***", {"k": "***", "***": 1})]
    answer = await told(f'{{"choices":[{{"message":{{"refusal":"not with {written}"}}}}]}}')
    assert answer.error == "the model refused: not with ***"
    answer = await told(f'{{"choices":[{{"message":{{"content":{inner}}}}}]}}')
    assert read_json(answer) == {"k": "***", "***": 1}, "what a stage reads out of a text is clean, too"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_in_errors_wherever_they_are_cut(spelling: str, status: int) -> None:
    for before in (0, 190, 290):
        body = f'{{"error":{{"message":"{"x" * before} {SPELLINGS[spelling]}"}}}}'
        try:
            said = (await told(body, status)).error
        except (NoAnswer, EndpointDown) as error:
            said = "".join(traceback.format_exception(error))
        assert KEY[:9] not in said
        assert not any(basic[3:12] in said for basic in BASIC)
        assert SPELLINGS[spelling][:9] not in said


@pytest.mark.parametrize("short", ["none", "test", "1", "EMPTY", "null", "t"])
async def test_a_placeholder_is_no_secret(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED_KEY", short)
    text = "none of the items is EMPTY, test 1: null"
    assert (await told(json.dumps({"choices": [{"message": {"content": text}}]}))).text == text


@pytest.mark.parametrize("wrong", ["sk-MÄRKED-0123", "“sk-MARKED-0123”", "sk-MARKED\n-0123", "sk-\x7fMARKED"])
def test_a_key_that_no_header_can_hold_is_told_and_not_shown(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED_KEY", wrong)
    with pytest.raises(ValueError, match=r"variable MARKED_KEY, named by api_key_env, holds no key: .*ASCII") as told:
        url_and_key("https://models.example/v1", "MARKED_KEY")
    assert "0123" not in str(told.value)
    assert "MARKED" not in str(told.value).replace("MARKED_KEY", "")


@pytest.mark.parametrize("url", ["me:secret@models.example/v1", "ftp://me:secret@models.example/v1?key=secret#secret"])
def test_a_wrong_base_url_is_told_without_its_secrets(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ValueError, match=r"base_url is .*models\.example/v1'; expected") as told:
        url_and_key(None, "MARKED_KEY")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("text", [b"\\" * 200_000, b"s\\" * 100_000, b"sk-MARKED" + b"\\" * 200_000])
def test_no_reply_takes_long(text: bytes) -> None:
    begin = time.process_time()
    assert key_pattern(KEY).sub(b"***", text) == text
    assert time.process_time() - begin < 2
