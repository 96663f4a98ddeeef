"""What of a model's text is said to somebody: without its thoughts, without marks of a chat template, and without what
it wrote in the name of others after its own turn.

The marks of all model families have one grammar: a name in `<…>`, `<|…|>`, `<｜…｜>` or `[…]`. What they say is read
off the name, so that a family nobody has listed is read as its relatives are. A single mark in back-ticks (`<think>`)
is spoken about and stays; whoever checks a conversation finds it with `MACHINERY` all the same."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_THOUGHT = (
    r"(?:[a-z]{1,12}[:_-]){0,2}(?:think(?:ing)?|thoughts?|reasoning|reflection|scratch_?pad|rationale|monologue|analysis"
    r"|deliberation|cot)(?:_(?:process|content|trace|steps?|block|text))?"
)
_OPENS = (
    rf"<{_THOUGHT}(?:[ \t][^<>\n]*)?(?<!/)>|<[|｜](?:(?:start|begin)_(?:of_)?)?{_THOUGHT}(?:_(?:start|begin))?[|｜]>"
    r"|\[(?-i:THINK(?:ING)?|THOUGHTS?|REASONING)\]|◁think(?:ing)?▷|<\|inner_prefix\|>|<\|channel>\w*|<unused94>"
)
_CLOSES = (
    rf"</{_THOUGHT}[ \t]*>|<[|｜](?:/|end_(?:of_)?){_THOUGHT}[|｜]>|<[|｜]{_THOUGHT}_end[|｜]>"
    r"|\[/(?-i:THINK(?:ING)?|THOUGHTS?|REASONING)\]|◁/think(?:ing)?▷|<\|inner_suffix\|>|<channel\|>|<unused95>"
)
# A call in writing; who reads those is `written_calls`. The name of a result is a turn of its own.
_CALLS = (
    r"</?(?:\w+[:_]|[|｜]\w+[|｜])?(?:tool_?calls?|function_?calls?|functions?|invoke|parameter"
    r"|arg_key|arg_value)(?:[ =][^<>\n]*)?/?>"
    r"|<[|｜](?!(?:tool|function)[|｜]|[^|｜<>\n]*(?:result|response|output))/?"
    r"(?:[a-z_▁]*(?:tool|function|action|plugin)[^|｜<>\n]*|python_tag)[|｜]?>"
    r"|<(?:tool_call|end_?_function_call)\|>|\[/?(?-i:TOOL_CALLS|ARGS|CALL_ID)\]"
)
_ROLE = r"(?:assistant|model|bot|ai|chatbot|user|human|system|developer|tool|ipython|function|environment|observation)"
_TURNS = (
    rf"(?:<[|｜](?:im_start|start_header_id|start_of_role|start|turn)[|｜]?>|<(?:start_of_turn|im_start)>|\]~b\]|<\|role\|>)"
    rf"[ \t]*(?P<head>{_ROLE})\b(?:<[|｜][^|｜<>\n]{{1,40}}[|｜]>|[ \t]*\n)?"
    rf"|<[|｜](?:im_)?(?P<role>{_ROLE})(?:_token)?[|｜]>|\[(?-i:INST|TOOL_RESULTS|TOOL_CONTENT)\]"
    r"|<[|｜]?tool[_▁]?(?:result|response|output)[^|｜<>\n]*[|｜]?>"
)
_ENDS = (
    r"<\|[^|<>\n]{1,40}\|?>|<[^|<>\n]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>"
    r"|</?(?:s|bos|eos|pad|unk|eo[dtmp]|end|(?:start|begin|end)_?of_?[a-z]{2,20}|im_start|im_end|im_sep"
    r"|extra_id_\d+|special_\d+|unused\d+|assistant|endoftext)(?:[ =][^<>\n]*)?/?>"
    rf"|<{_THOUGHT}[ \t]*/>|\[/?(?-i:INST|BOS|EOS|EOT|PAD|TOOL_RESULTS|AVAILABLE_TOOLS)\]|<</?SYS>>"
    r"|\[e~\[|\]~!?b\["
)
_MARK = re.compile(
    f"(?P<call>{_CALLS})|(?P<close>{_CLOSES})|(?P<open>{_OPENS})|(?P<turn>{_TURNS})|(?P<end>{_ENDS})", re.I
)
_CLOSE = re.compile(_CLOSES, re.I)
_BEGINS = re.compile(r"<|\[(?=[/A-Ze])|◁|\]~")  # what every mark begins with; found many times faster than a mark
_BRACKET = re.compile(r"\[[/A-Ze]")
_OURS = {"assistant", "model", "bot", "ai", "chatbot"}
MACHINERY = _MARK
CALL_MARK = re.compile(_CALLS, re.I)

_CHANNEL = re.compile(r"<\|channel\|>([^<]{0,200})(?:<\|constrain\|>[^<]{0,40})?<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_FIRST_CHANNEL = "analysis"
_UNMARKED = re.compile(rf"{_FIRST_CHANNEL}(.*?)assistant(?:commentary)?final(.*)", re.DOTALL)
_WRAPPED = re.compile(r"<(answer|response|final_?answer|output)>(.*)</\1>", re.DOTALL | re.I)
_TRIES = 20  # marks that are looked for inside of JSON; a reply that needs more is none


class Spoken(NamedTuple):
    """What was said, what was thought, and whether the text ends inside of a thought (`cut`): then nothing is said."""

    said: str
    thoughts: str
    cut: bool


def spoken(text: str, asked_for_json: bool = False) -> Spoken:
    """What of a text is said. All before a mark that only closes is thought. After the first mark that ends the turn or
    begins another's nothing counts, once something was said. Inside of JSON that was asked for, marks are words."""
    if not may_hold_marks(text):
        return Spoken(*_unmarked(text), False) if text.startswith(_FIRST_CHANNEL) else Spoken(text, "", False)
    reader = _Reader()
    if "<|channel|>" in text:
        text = reader.channels(text)
    if reader.thoughts or find_mark(_MARK, text) is not None:
        reader.read(text, asked_for_json)
        text = "\n".join(reader.said)
    if reader.thoughts and (wrapped := _WRAPPED.fullmatch(text)) is not None:
        text = wrapped[2].strip()
    said, unmarked = _unmarked(text)
    thoughts = "\n\n".join(filter(None, [*reader.thoughts, unmarked]))
    return Spoken("" if reader.cut else said, thoughts, reader.cut)


def _unmarked(said: str) -> tuple[str, str]:
    """What is said and what is thought where a server has taken gpt-oss's marks out and left the names of its channels;
    other marks, such as the turn's end, may have stood behind them."""
    thoughts = list[str]()
    while said.startswith(_FIRST_CHANNEL) and (found := _UNMARKED.fullmatch(said)) is not None:
        thoughts += [found[1].strip()] if found[1].strip() else []
        said = found[2].strip()
    return said, "\n\n".join(thoughts)


def may_hold_marks(text: str) -> bool:
    """Whether anything in a text begins as a mark does. Most replies hold nothing of the kind, and to see that takes a
    tenth of the time of looking for a place."""
    return (
        "<" in text
        or ("[" in text and _BRACKET.search(text) is not None)
        or (not text.isascii() and "◁" in text)
        or ("~" in text and "]~" in text)
    )


def find_mark(kind: re.Pattern[str], text: str, place: int = 0) -> re.Match[str] | None:
    """The first mark of a kind (`MACHINERY`, `CALL_MARK`) from a place on."""
    while (begins := _BEGINS.search(text, place)) is not None:
        if (mark := kind.match(text, begins.start())) is not None:
            return mark
        place = begins.start() + 1
    return None


class _Reader:
    """The pieces of one text so far. Said ones are joined by line breaks: two halves never make another mark."""

    def __init__(self) -> None:
        self.said, self.thoughts, self.cut = list[str](), list[str](), False

    def say(self, text: str) -> None:
        self.said += [text.strip()] if text.strip() else []

    def think(self, text: str) -> None:
        self.thoughts += [text.strip()] if text.strip() else []

    def read(self, text: str, json_too: bool) -> None:
        """Take a text apart, from mark to mark."""
        begin = place = tries = 0  # `begin` of what is being said
        while (mark := find_mark(_MARK, text, place)) is not None:
            place = mark.end()
            if mark["call"] or text[mark.start() - 1 : mark.start()] == text[place : place + 1] == "`":
                continue
            if json_too and tries < _TRIES and (end := _object_around(text, begin, mark)):
                place, tries = end, tries + 1
                continue
            self.say(text[begin : mark.start()])
            if mark["close"]:
                self.think("\n".join(self.said))
                self.said.clear()
            elif mark["open"]:
                if (place := self._thought(text, place)) < 0:
                    return
            elif self.said or (mark["turn"] and not _is_ours(mark)):
                return
            begin = place
        self.say(text[begin:])

    def _thought(self, text: str, begin: int) -> int:
        """The end of the thought that begins here; -1 when it has none."""
        place = begin
        while (close := _CLOSE.search(text, place)) is not None:
            place = close.end()
            if not text[close.start() - 1 : close.start()] == text[place : place + 1] == "`":
                self.think(text[begin : close.start()])
                return place
        self.think(text[begin:])
        self.cut = True
        return -1

    def channels(self, text: str) -> str:
        """Take apart what gpt-oss writes, and give what is said and called of it (`<|channel|>final<|message|>…`)."""
        heads = list(_CHANNEL.finditer(text))
        before = text[: heads[0].start() if heads else 0]
        parts = [before] if "<|" not in before and "to=" not in before else []
        self.cut = not heads
        for head in heads:
            end = _CHANNEL_END.search(text, head.end())
            body = text[head.end() : end.start() if end else len(text)]
            to = re.search(r"to=(\S+)", f"{before.rpartition('<|start|>')[2]} {head[1]}")
            channel = head[1].split()[:1]
            if to is not None:
                name = to[1].removeprefix("functions.")
                parts.append(
                    f'<tool_call>{{"name": {json.dumps(name)}, "arguments": {body.strip() or "{}"}}}</tool_call>'
                )
            elif channel in (["final"], ["commentary"]):
                parts.append(body)
            else:
                self.think(body)
                self.cut = end is None
            before = text[end.start() : end.start() + 200] if end else ""
            if re.match(r"<\|return\|>|(?:<\|end\|>|<\|call\|>)?\s*<\|start\|>(?!assistant)", before):
                break
        return "\n".join(part.strip() for part in parts if part.strip())


def _is_ours(mark: re.Match[str]) -> bool:
    return (mark["head"] or mark["role"] or "").lower() in _OURS


def _object_around(text: str, begin: int, mark: re.Match[str]) -> int:
    """The end of the JSON object that begins after `begin` and has this mark inside of it, 0 for none."""
    start = text.find("{", begin, mark.start())
    try:
        end = json.JSONDecoder().raw_decode(text, start)[1] if start >= 0 else 0
    except (ValueError, RecursionError):
        return 0
    return end if end > mark.start() else 0
