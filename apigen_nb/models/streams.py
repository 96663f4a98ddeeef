"""Bodies that hold a JSON object and more: comment lines that keep a connection alive, or a stream nobody asked for."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable
from typing import Any


def json_body(content: bytes) -> bytes:
    """The JSON text in a body: without a byte order mark, blank and comment lines before it (`: PROCESSING`); the
    chunks of a whole stream of events put together as one completion. What is neither comes back as it is, and a
    stream without its end as what it has of it, which is no completion."""
    if content[:1] in (b"{", b"["):
        return content
    bare = content.removeprefix(codecs.BOM_UTF8).strip()
    while bare[:1] == b":":  # a comment, as server-sent events have them
        bare = bare.partition(b"\n")[2].strip()
    if not bare.startswith((b"data:", b"event:", b"id:", b"retry:")):
        return bare if bare[:1] in (b"{", b"[") else content
    events = [line[5:].strip() for line in bare.splitlines() if line.startswith(b"data:")]
    try:
        return json.dumps(_completion([json.loads(event) for event in events if event != b"[DONE]"])).encode()
    except (ValueError, RecursionError, AttributeError, TypeError):
        return content


def _completion(chunks: Iterable[Any]) -> Any:
    """One completion of the chunks of a stream. ValueError when its end is missing."""
    message: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    ended = None
    for chunk in chunks:
        if "error" in chunk:
            return chunk
        whole |= {name: chunk[name] for name in ("usage",) if chunk.get(name)}
        for choice in chunk.get("choices") or ():
            if choice.get("index") not in (0, None):
                continue
            ended = choice.get("finish_reason") or ended
            _add(message, choice.get("delta") or choice.get("message") or {})
    if ended is None:
        raise ValueError("the stream has no end")
    return whole | {"choices": [{"index": 0, "message": message, "finish_reason": ended}]}


def _add(whole: dict[str, Any], part: dict[str, Any]) -> None:
    """Add a delta: text is appended, lists grow (calls by their index), of what else there is the last counts."""
    for name, value in part.items():
        before = whole.get(name)
        if name == "tool_calls":
            calls = whole.setdefault(name, [])
            for position, call in enumerate(value or ()):
                place = call.get("index")
                place = place if type(place) is int and 0 <= place <= len(calls) else position
                if place >= len(calls):
                    calls.append({})
                _add(calls[place], {key: item for key, item in call.items() if key != "index"})
        elif isinstance(value, dict) and isinstance(before, dict):
            _add(before, value)
        elif isinstance(value, list) and isinstance(before, list):
            before.extend(value)
        elif isinstance(value, str) and isinstance(before, str) and name not in ("role", "id", "type", "name"):
            whole[name] = before + value
        elif value is not None:
            whole[name] = value
