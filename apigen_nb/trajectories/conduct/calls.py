"""How the agent calls: whom it serves first, one call at a time, none after a transfer, none twice."""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from ...records import Finding, canonical
from ...world.domain import Domain
from ...world.identification import identifying_tools
from ...world.values import facts_of_result, is_mentioned, normalize
from ..dialogue import Call, Dialogue
from ..meaning import Meanings

FIRST = "Whom it serves is found out before anything else"
SINGLE = "One call at a time"
SILENT = "While it calls a tool, the agent does not write to the customer"
LAST = "After a transfer nothing more is called"
USEFUL = "What is read is needed, and read once"
NEEDLESS = "needless read"  # the rule that notes it


def identifies_first(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """Before the first other call that touches data a tool has given who the user is, or, where that is enough, the
    user has told its id. A conversation without such a call needs none."""
    domain, asked = dialogue.domain, dialogue.domain.conduct
    finders = identifying_tools(domain)
    if not asked.identify_first or not (finders or asked.by_told_id):
        return
    known = (*_found(dialogue, finders), *(_told(dialogue) if asked.by_told_id else ()))
    since = min(known, default=len(dialogue.messages))
    early = (c for c in dialogue.calls if c.turn <= since and c.action.name not in finders and _touches_data(c, domain))
    if call := next(early, None):
        yield Finding(turn=call.turn, rule="identified", text=FIRST, found=f"{call.action} came before")


def _found(dialogue: Dialogue, finders: frozenset[str]) -> Iterator[int]:
    found = (call for call in dialogue.calls if call.action.name in finders and call.done and call.result)
    return (c.turn for c in found if c.result and is_mentioned(dialogue.blueprint.user, normalize(c.result.content)))


def _told(dialogue: Dialogue) -> Iterator[int]:
    """The turns in which the user tells its id, letter by letter."""
    users = dialogue.turns("user")
    return (turn for turn, m in users if is_mentioned(dialogue.blueprint.user, normalize(m.content)))


def _touches_data(call: Call, domain: Domain) -> bool:
    return call.action.name in domain.tools and domain.tools[call.action.name].kind != "other"


def calls_singly(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """One call a message, but where the policy was amended, and no text beside a call."""
    asked, together = dialogue.domain.conduct, dialogue.blueprint.kind == "parallel calls"
    for turn, message in dialogue.turns("assistant"):
        calls = message.tool_calls
        if asked.one_call_at_a_time and not together and len(calls) > 1:
            yield Finding(turn=turn, rule="one call", text=SINGLE, found=", ".join(call.name for call in calls))
        if asked.no_text_beside_calls and calls and message.content.strip():
            yield Finding(turn=turn, rule="no text beside calls", text=SILENT, found=f"said {message.content[:80]!r}")


def stays_silent_after_transfer(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """After a transfer no call is made, in the same message neither."""
    tools = dialogue.domain.tools
    calls = iter(dialogue.calls)
    if any(c.done and c.action.name in tools and tools[c.action.name].ends for c in calls):
        for call in calls:  # those behind it
            yield Finding(turn=call.turn, rule="transfer is the end", text=LAST, found=str(call.action))


def does_not_repeat(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """Notes reads that were made again with the same result and no write between, and reads of which nothing was used;
    that costs, and breaks nothing."""
    writes, spoken = [call.answered for call in dialogue.writes], _spoken(dialogue)
    seen: dict[str, int] = {}
    count = defaultdict[str, int](lambda: 1)
    for call in dialogue.calls:
        if not call.done or call.result is None or not is_read(call, dialogue.domain):
            continue
        same = canonical([call.action.name, call.action.arguments, call.result.content])
        if same in seen and not any(seen[same] < write < call.turn for write in writes):
            count[same] += 1
            yield _noted(call, f"{call.action} for the {count[same]}. time")
        elif call.action.name not in identifying_tools(dialogue.domain) and not _used(call, spoken, dialogue):
            yield _noted(call, f"nothing of {call.action} was used")
        seen[same] = call.answered


def _noted(call: Call, found: str) -> Finding:
    return Finding(turn=call.turn, rule=NEEDLESS, text=USEFUL, found=found, outcome="noted")


def is_read(call: Call, domain: Domain) -> bool:
    """Whether a call only looks something up."""
    return call.action.name in domain.tools and domain.tools[call.action.name].kind == "read"


class _Spoken(NamedTuple):
    """Word → the first turn that has it, in its text or in its calls; the last of the agent's that has; and the first
    that has it in its text and is no result."""

    first: dict[str, int]
    last: dict[str, int]
    said: dict[str, int]


def _used(call: Call, spoken: _Spoken, dialogue: Dialogue) -> bool:
    """Whether a word of the result that was not known before stands in a later message of the agent or in its calls, or
    one that nobody has said in the text with which the agent goes on."""
    words, since, never = _words_of_result(call.result.content if call.result else ""), call.answered, math.inf
    new = [word for word in words if spoken.first.get(word, never) >= since]
    if not new or any(spoken.last.get(word, -1) >= since for word in new):
        return True
    goes_on = next((m for _, m in dialogue.turns("assistant", since)), None)
    if goes_on is None or goes_on.tool_calls:
        return False
    return any(word in words and spoken.said[word] >= since for word in _words(goes_on.content))


def _spoken(dialogue: Dialogue) -> _Spoken:
    spoken = _Spoken({}, {}, {})
    for turn, message in enumerate(dialogue.messages):
        text = _words(message.content)
        words = text.union(*(_words(canonical(call.arguments)) for call in message.tool_calls))
        for word in words:
            spoken.first.setdefault(word, turn)
        if message.role == "assistant":
            spoken.last.update(dict.fromkeys(words, turn))
        if message.role != "tool":
            for word in text:
                spoken.said.setdefault(word, turn)
    return spoken


@functools.lru_cache(maxsize=2048)
def _words_of_result(result: str) -> frozenset[str]:
    return _words(" ".join(str(fact.value) for fact in facts_of_result(result)) or result)


@functools.lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", normalize(text)))
