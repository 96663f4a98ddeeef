"""The one sentence grammar that all scripted roles speak and understand.

An instruction is a row of sentences: "You are …." "Your email is ….", "You want to <clause>.", "You want to know the
<field> of <thing>.", "You want to know the rule on <topic>.", "You first want to <clause>." for a wish that is
dropped, and the constants below. A clause is a domain's phrase for a tool, e.g. "cancel order {order_id} | because
{reason}" (parts after a bar may be left unsaid), or else the tool's docstring: "cancel a pending order: order id #W1;
reason too late".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Schema = dict[str, Any]

CHANGE = "You then change your mind."
CHANGED = "I have changed my mind about that."
TOGETHER = "You say all that you want to have done in one message."
HOLD_BACK = "You tell a detail only when you are asked for it."
CHAT = "You like to chat a little before you come to the point."
HAND_OVER = "before I hand you over to a person"
THAT_IS_ALL = "No, that is all. Please hand me over."


# What the names of tools and fields tell, as they would a language model.
_READS = re.compile(r"(get|find|list|search|look|lookup|show|check|calculate|read|identify|verify|count)(_|$)")
_IDENTIFIES = re.compile(r"(find|identify|verify|authenticate|lookup|look)_.*(user|customer|member|account|patient)")
_HANDS_OVER = re.compile(r"transfer_to_(human|person|agent)|hand_over|escalate")
_TECHNICAL = re.compile(r"id$|status|kind|number|date|_on|_at|time|transaction|phone")


class Wish(NamedTuple):
    """A tool call that somebody wants, in a clause, with how each argument was said."""

    tool: str
    clause: str
    said: dict[str, str]


class Query(NamedTuple):
    """A question for one field of one thing."""

    field: str
    thing: str


class Topic(NamedTuple):
    """A question that the policy answers."""

    name: str


class Unknown(NamedTuple):
    """A wish that none of the tools at hand can grant."""

    clause: str


def words(name: str) -> str:
    return name.replace("_", " ")


def describe(holder: Mapping[str, Any]) -> str:
    """How people call a thing that has an id: its name or kind, and its options in brackets; '' if there is no way."""
    texts = [(key, value) for key, value in holder.items() if isinstance(value, str) and 0 < len(value) <= 40]
    plain = [words(v) for k, v in texts if not _TECHNICAL.search(k) and not re.match(r"\d{4}-\d\d", v)]
    inner = [pair for item in holder.values() if isinstance(item, dict) for pair in item.items()]
    options = [f"{words(key)} {value}" for key, value in inner if isinstance(value, str)]
    text = " ".join(plain[:3])
    return f"{text} ({', '.join(options)})".strip() if options and len(options) <= 6 else text


def say(value: Any) -> str:
    """A plain value as people write it."""
    if isinstance(value, str):
        return words(value) if re.fullmatch(r"[a-z]+(_[a-z]+)+", value) else value or "none"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " and ".join(map(say, value))
    return json.dumps(value, ensure_ascii=False)


def by_name(tools: Iterable[Schema]) -> dict[str, Schema]:
    """Tools by their names."""
    return {schema["function"]["name"]: schema for schema in tools}


def properties(schema: Schema) -> dict[str, Any]:
    return dict(schema["function"]["parameters"].get("properties", {}))


def required(schema: Schema) -> list[str]:
    return list(schema["function"]["parameters"].get("required", []))


def verb_phrase(schema: Schema) -> str:
    """The first sentence of a docstring as a clause: "Cancel a pending order." → "cancel a pending order"."""
    first = re.split(r"(?<=[a-z)])[.;:](?:\s|$)", schema["function"]["description"].strip(), maxsplit=1)[0]
    first = " ".join(first.split()).rstrip(".").replace(":", ",").replace(";", ",")
    return first[:1].lower() + first[1:]


def is_reading(schema: Schema) -> bool:
    """Whether a tool only looks, judged by its name."""
    return bool(_READS.match(schema["function"]["name"]))


def identifies(schema: Schema) -> bool:
    """Whether a tool finds out who somebody is, judged by its name."""
    return bool(_IDENTIFIES.match(schema["function"]["name"]))


def hands_over(tool: str) -> bool:
    """Whether a tool passes the conversation on to a person, judged by its name."""
    return bool(_HANDS_OVER.match(tool))


def means_user(parameter: str) -> bool:
    """Whether a parameter is the id of the person served."""
    return parameter in ("user_id", "customer_id", "member_id", "account_holder_id", "patient_id")


class Language:
    """Wording and understanding of tool calls. `phrases` is tool → phrase; tools without one speak by docstring."""

    def __init__(self, phrases: Mapping[str, str]) -> None:
        self._phrases = {tool: [part.strip() for part in phrase.split("|")] for tool, phrase in phrases.items()}
        self._patterns = {tool: _pattern(parts) for tool, parts in self._phrases.items()}

    def exactly(self, schema: Schema, arguments: Mapping[str, Any]) -> str:
        """A call as a clause in which everything is said as it is."""
        return self.clause(schema, {name: say(value) for name, value in arguments.items() if not means_user(name)})

    def clause(self, schema: Schema, mentions: Mapping[str, str]) -> str:
        """A call as a clause, with what of it is said."""
        name = schema["function"]["name"]
        if name not in self._phrases:
            said = "; ".join(f"{words(k)} {v}" for k, v in mentions.items())
            return verb_phrase(schema) + (f": {said}" if said else "")
        spoken = [part for part in self._phrases[name] if all(slot in mentions for slot in _slots(part))]
        return " ".join(part.format_map(mentions) for part in spoken)

    def optional(self, schema: Schema, mentions: Mapping[str, str]) -> list[str]:
        """The arguments that a clause can leave unsaid."""
        parts = self._phrases.get(schema["function"]["name"])
        bound = set(_slots(parts[0])) if parts else set()
        return [name for name in mentions if name not in bound]

    def understand(self, clause: str, schemas: Sequence[Schema]) -> Wish | None:
        """The call that a clause wants, of one of these tools; None when it is none of theirs."""
        for schema in schemas:
            name = schema["function"]["name"]
            head, _, rest = clause.partition(": ")
            if name in self._patterns:
                if match := self._patterns[name].fullmatch(clause):
                    return Wish(name, clause, {k: v for k, v in match.groupdict().items() if v})
            elif head == verb_phrase(schema):
                slots = {words(p): p for p in sorted(properties(schema), key=len, reverse=True)}
                said = {}
                for part in rest.split("; "):
                    if slot := next((slot for slot in slots if part.startswith(f"{slot} ")), None):
                        said[slots[slot]] = part[len(slot) + 1 :]
                return Wish(name, head, said)
        return None

    def parts(self, clause: str) -> tuple[str, list[tuple[str, str, str]]]:
        """A clause as its speaker knows it, without tools: what must be said first, and (slot words, mention, text) of
        each further part."""
        for name, pattern in self._patterns.items():
            match = pattern.fullmatch(clause)
            if match:
                said = {k: v for k, v in match.groupdict().items() if v}
                start, *rest = self._phrases[name]
                spoken = [(slots[0], part) for part in rest if (slots := _slots(part)) and slots[0] in said]
                return start.format_map(said), [(words(s), said[s], " " + p.format_map(said)) for s, p in spoken]
        head, _, details = clause.partition(": ")
        return head, [_slot_and_mention(part) for part in filter(None, details.split("; "))]


def _slot_and_mention(part: str) -> tuple[str, str, str]:
    # Without tools the border between slot and mention is not known; the whole part answers any question about it.
    return part, part, f"; {part}"


def _slots(part: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", part)


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    def group(part: str) -> str:
        return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(part))

    return re.compile(group(parts[0]) + "".join(f"(?: {group(part)})?" for part in parts[1:]))


_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=(?:I|You|My|Your|The|Hello|Hi|Thank|Yes|No|Please|Also)\b)")


def sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.split(" ".join(text.split())) if sentence.strip()]


def identity(sentence: str) -> dict[str, str]:
    """ "Your first name is Ada, your zip is 12345." → {"first name": "Ada", "zip": "12345"}; {} for other sentences."""
    if not re.match(r"(Your|My) [a-z ]+? is ", sentence):
        return {}
    found = re.findall(
        r"(?:^|, (?:and )?)(?:[Yy]our|[Mm]y) ([a-z0-9 ]+?) is (.+?)(?=, (?:and )?(?:your|my) |\.?$)", sentence
    )
    return dict(found)


def wanted(sentence: str) -> str | None:
    """The clause of "You want to …." or "I want to ….", or None."""
    match = re.fullmatch(r"(?:You|I) (?:first )?want to (?!know the )(.+?)\.?", sentence)
    return match.group(1) if match else None


def is_dropped(sentence: str) -> bool:
    """Whether this is a wish that the user gives up for another."""
    return sentence.startswith("You first want to ")


def query(sentence: str) -> Query | None:
    """The question of "You want to know the <field> of <thing>.", or None."""
    match = re.fullmatch(r"(?:You|I) want to know the (?!rule on )(.+?) of (.+?)\.?", sentence)
    return Query(match.group(1), match.group(2)) if match else None


def asks(sentence: str) -> bool:
    """Whether a sentence asks for something to be done or told."""
    return bool(wanted(sentence) or query(sentence) or topic(sentence))


def topic(sentence: str) -> Topic | None:
    """The question of "You want to know the rule on <topic>.", or None."""
    match = re.fullmatch(r"(?:You|I) want to know the rule on (.+?)\.?", sentence)
    return Topic(match.group(1)) if match else None


def passages(policy: str) -> dict[str, str]:
    """Topic → passage of a policy: a paragraph or item goes by its words in bold, any other sentence by its first
    words. What stands there twice is left out, because a question about it would have two answers."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*#]|\d+\.)\s)", policy):
        text = re.sub(r"^(?:[-*#]+|\d+\.)\s+", "", " ".join(block.split()))
        plain = text.replace("**", "").replace("`", "")
        bold = re.match(r"(?:\*\*)?([^*]{3,40}?)[.:,]?\*\*", text) if "**" in text else None
        for passage in [plain] if bold else re.split(r"(?<=[a-z).])\. (?=[A-Z])", plain):
            name = bold[1] if bold else " ".join(passage.split()[:5])
            name = re.sub(r"[^\w\s'-]", "", name).strip().lower()
            if len(name) > 3:
                found.setdefault(name, []).append(passage.rstrip("."))
    return {name: texts[0] for name, texts in found.items() if len(texts) == 1}
