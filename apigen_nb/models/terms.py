"""How one model at one server is asked: the body of a request, less what the server has refused of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..records import sha
from . import Question
from .chat_format import render
from .complaints import Complaint
from .opaque import FIELDS, THOUGHTS, give_back
from .reply_schema import is_closed

NEWER = {"max_tokens": "max_completion_tokens"}  # a name → what takes its place where a server asks for that
KEPT = ("model", "messages", "tools", "response_format")  # never left out by their name alone
_FORMAT = re.compile(
    r"response.?format|json.?schema|structured|guided|grammar|vocabulary required for format|schema.{0,20}\bformat\b",
    re.IGNORECASE,
)


class Terms:
    """What a model is asked with beside the question: `options` by name, a reply's schema, and what the `origin`, a
    hash of server and model, wants back. Whatever of it is optional and refused is left out from then on; a schema
    that is refused is left out for the questions with this schema."""

    def __init__(self, model: str, options: Mapping[str, Any], origin: str) -> None:
        self.model, self.origin = model, origin
        self.options = {name: value for name, value in options.items() if value is not None}
        self._without: set[str] = set()  # fields of messages and tools
        self._owed: set[str] = set()  # fields that the server misses where there are none
        self._loose: set[str] = set()  # hashes of schemas that are not sent as strict ones
        self._unshaped: set[str] = set()  # hashes of schemas that are not sent

    def body(self, question: Question) -> dict[str, Any]:
        """The body of a request."""
        messages = render(question)
        if question.role == "agent":
            give_back(messages, question.messages, self.origin, self._without, self._owed - self._without)
        body: dict[str, Any] = {"model": self.model, "messages": messages, **self.options}
        if question.tools:
            bare = "strict" in self._without
            body["tools"] = [_unstrict(tool) for tool in question.tools] if bare else list(question.tools)
        if question.reply is not None and (schema := sha(question.reply)) not in self._unshaped:
            shape: dict[str, Any] = {"name": question.role, "schema": question.reply}
            if schema not in self._loose and "strict" not in self._without and is_closed(question.reply):
                shape["strict"] = True
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        return body

    def without(self, body: Mapping[str, Any], said: Complaint, reply: Mapping[str, Any] | None) -> str | None:
        """Leave out, or name otherwise, what a complaint about this body names, and say so; "" when that is done
        already, None when it names nothing that can be left out. `reply` is the schema of the question's answer."""
        own = [message for message in body["messages"] if message["role"] == "assistant"]
        for name in THOUGHTS:
            if name not in self._without and said.misses(name) and any(name not in message for message in own):
                new = name not in self._owed
                self._owed.add(name)
                return f"is sent {name} with all of its messages, which it misses" if new else ""
        named = [name for name in body if name not in KEPT and said.names(name)]
        if len(named) > 1 and re.search(r"\bboth\b|only one", said.text):
            named = named[-1:]
        done = [self._leave_out(name, said) for name in named]
        sent = set(_fields(body))
        done += [self._forget(name) for name in sorted(sent) if said.names(name, within=True)]
        about_format = any(map(_FORMAT.search, (said.text, *said.codes, *said.places)))
        if about_format and not done and "response_format" in body and reply is not None:
            done.append(self._unshape(body, sha(reply)))
        return "; ".join(filter(None, done)) if done else None

    def _leave_out(self, name: str, said: Complaint) -> str:
        value = self.options.pop(name, None)
        if value is None:
            return ""
        newer = NEWER.get(name, "")
        if newer and newer in said.text and newer not in self.options:
            self.options[newer] = value
            return f"is asked with {newer} instead of {name}"
        return f"is asked without {name}"

    def _forget(self, name: str) -> str:
        if name in self._without:
            return ""
        self._without.add(name)
        return f"is asked without {name} in messages and tools"

    def _unshape(self, body: Mapping[str, Any], schema: str) -> str:
        shape = body["response_format"]["json_schema"]
        refused = self._loose if "strict" in shape else self._unshaped
        if schema in refused:
            return ""
        refused.add(schema)
        what = "a strict schema" if refused is self._loose else "a schema"
        return f"is asked without {what} for replies of the {shape['name']}"


def _unstrict(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {**tool, "function": {name: value for name, value in function.items() if name != "strict"}}


def _fields(body: Mapping[str, Any]) -> Iterator[str]:
    """The optional fields within messages, calls, tools and the reply's schema of a body."""
    for message in body["messages"]:
        yield from (name for name in FIELDS if name in message)
        for call in message.get("tool_calls", ()):
            yield from (name for name in FIELDS if name in call)
    if any("strict" in tool["function"] for tool in body.get("tools", ())):
        yield "strict"
    if "strict" in body.get("response_format", {}).get("json_schema", {}):
        yield "strict"
