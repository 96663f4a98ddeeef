"""What stands in the texts themselves: nothing of the machinery, which is in no language."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator

from ...models.spoken import MACHINERY
from ...records import STOP, Finding
from ...world.domain import Domain
from ..dialogue import Dialogue
from ..meaning import Meanings

CLEAN = "No text holds what is made for machines: tokens of a chat template, tags, a call written out"
_CALL = {"arguments", "parameters", "args", "input"}


def shows_no_machinery(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """No message of user or agent shows tokens, tags or a call in writing; the sign that ends a conversation is the
    user's alone."""
    for turn, message in enumerate(dialogue.messages):
        text = "" if message.role == "tool" else message.content
        if found := next(_machinery(text, message.role == "assistant", dialogue.domain), ""):
            yield Finding(turn=turn, rule="no machinery", text=CLEAN, found=f"found {found[:80]!r}")


def _machinery(text: str, agents: bool, domain: Domain) -> Iterator[str]:
    if "<" in text or "[" in text or "◁" in text:
        yield from (match.group() for match in MACHINERY.finditer(text))
    if agents and STOP in text:
        yield STOP
    if "(" in text:
        yield from (match.group() for match in _calls_of(domain).finditer(text))
    yield from (json.dumps(value, ensure_ascii=False) for value in _objects(text) if _is_call(value, domain))


@functools.lru_cache(maxsize=8)
def _calls_of(domain: Domain) -> re.Pattern[str]:
    """What the call of a tool looks like in code."""
    names = "|".join(map(re.escape, domain.tools))
    return re.compile(rf"\b(?:{names})\((?=[\s{{)]|\w+ ?=|[\"'])")


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in a text, those inside of others too."""
    for match in re.finditer(r"\{", text):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _is_call(value: dict[str, object], domain: Domain) -> bool:
    named = any(isinstance(name, str) and name in domain.tools for name in value.values())
    return named and bool(_CALL & value.keys())
