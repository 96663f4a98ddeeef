"""Whether a conversation shows the hard behaviour of its blueprint (ours): read off its messages, never an opinion.

The end state is the state check's business; this is about how it was reached. `kind` of a failed verdict says what is
missing, and with that who is to blame: the user did not play its part, or the agent did not do its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..blueprints.gates.derivation import argument_values
from ..blueprints.gates.grounding import is_mentioned
from ..blueprints.gates.kind import identifying_values, same_call
from ..models.best_of_n import asks
from ..records import Action, Blueprint, Message, Verdict
from ..world.domain import Domain
from ..world.values import normalize
from ..world.world import UNAVAILABLE
from .reward import made

_CANNOT = r"(?:can(?:no|')?t|can not|could(?:n't| not)|unable to|(?:not|\w+n't) (?:be )?able to)"
_HAVE = r"allow|permit|offer|support|qualify|let|have (?:an?|any|the|access|permission)"
_ABLE = (
    r"able|possible|allowed|permitted|eligible|supported|authori[sz]ed|something (?:i|we)|in a position|covered|\w+able"
)
DECLINES = re.compile(
    rf"\b(?:{_CANNOT}|unable|impossible|won't|(?:will|may|must) not|mustn't|ineligible|too late|can only"
    rf"|(?:not|\w+n't|no longer|never) (?:going to be |be |been )?(?:{_ABLE})|non-?\w+able"
    rf"|(?:do|does|did)(?: not|n't) (?:\w+ )?(?:{_HAVE})"
    r"|no (?:way|tool|option|possibility|means|function|permission|authority)|lacks?"
    r"|disallow\w*|prohibit\w*|forbid\w*|declin\w+|refus(?:e|ed|es|ing)|reject\w*|den(?:y|ied|ies)"
    r"|(?:against|contrary to|violat\w+|outside|beyond) [^.]*?(?:polic\w+|rules?|scope|terms|what (?:i|we)|my)"
    r"|only (?:an?|our|the) (?:\w+ )?(?:person|human|agent|colleague|specialist|supervisor|manager|branch)"
    r"|(?:window|period|deadline|time) (?:\w+ )*?(?:has|is) (?:passed|expired|ended|closed|over))\b"
    r"|(?:\b(?:is|are)|'s|'re) already\b"
)
# The same words in what declines nothing: courtesy, questions, and not yet knowing of what or of whom one speaks.
_COURTESY = re.compile(
    rf"\b{_CANNOT} (?:be (?:happier|gladder|better|more)|agree more|wait|thank|stress)\b|\b\w+n't (?:you|we|it)\b"
    r"|\b(?:won't|will not) (?:be long|be a|take|hurt)\b"
)
_UNKNOWING = re.compile(
    rf"\b{_CANNOT} (?:\w+ly |yet )?(?:find|see|locate|tell|say|identify|verify|hear|understand|recogni[sz]e|know)\b"
    r"(?! (?:a|any) (?:way|tool))"
    rf"|\b{_CANNOT}\b.*\b(?:until|before|unless|without)\b.*\b(?:verif\w+|identi\w+|confirm\w*|e-?mail|who you)"
)
_CLAUSE = re.compile(r"(?<=[.!?;:])\s+|\n+|,?\s+(?=(?:but|however|though|while|whereas|so (?:i|we)(?: have|'ve))\b)")
_HYPOTHETIC = re.compile(r"\b(?:once|after|when|if|until|unless|before|as soon as|would|could|\w*n't|not|never)\b")
_DONE = re.compile(r"^(?:all )?done\b|\b(?:it|that|this)(?:'s| is| has been)(?: now)? done\b|\bbeen carried out\b")
_CHANGES = re.compile(
    r"\b(?:no|not|\w+n't|instead|rather|actually|mind|forget|scratch|leave|drop|wait|prefer|thoughts?|different)\b"
)
_IRREGULAR = {"buy": "bought", "choose": "chosen", "make": "made", "pay": "paid", "send": "sent", "undo": "undone"}
_COMMON = ("add", "change", "get", "make", "modify", "request", "set", "update")  # verbs said of nearly anything
USERS_PART = ("told unasked", "wish not voiced", "change not voiced")  # failures that are the simulated user's
WORLDS_PART = ("error not met",)  # what neither of them could help


def shows_behaviour(blueprint: Blueprint, messages: Sequence[Message], domain: Domain) -> Verdict | None:
    """The verdict on the behaviour that the blueprint's kind names; None for a plain one."""
    if blueprint.kind == "plain":
        return None
    writes = _writing(domain)
    kind, reason = {
        "missing detail": _asks,
        "forbidden": _declines,
        "missing tool": _declines,
        "change of mind": _follows,
        "tool error": _recovers,
        "no tool": _calls_nothing,
        "parallel calls": _calls_together,
    }[blueprint.kind](blueprint, messages, domain, writes)
    return Verdict(gate="behaviour", passed=not kind, kind=kind, reason=reason)


def _writing(domain: Domain) -> frozenset[str]:
    return frozenset(name for name, tool in domain.tools.items() if tool.writes)


Told = tuple[str, str]
HOLDS: Told = ("", "")


def _asks(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """Each withheld detail is told by the user only after the agent, having heard the wish, asked for something."""
    for detail in blueprint.withheld:
        told = first(messages, "user", detail)
        if told is None:
            return "not asked", f"the user was never brought to tell {detail!r}"
        heard = next((n for n in range(told) if _about_the_task(messages[n], blueprint, detail)), told)
        if not any(asks(m.content) for m in messages[heard:told] if m.role == "assistant"):
            return "told unasked", f"the user told {detail!r} in message {told} before being asked"
    return HOLDS


def _about_the_task(message: Message, blueprint: Blueprint, detail: str) -> bool:
    """Whether the user says something of what it came for: a value of an action, or a word of its instruction."""
    if message.role != "user":
        return False
    text, rest = normalize(message.content), normalize(blueprint.instruction).replace(normalize(detail), " ")
    known = {
        str(v) for action in blueprint.actions for _, v in argument_values(action.arguments) if is_mentioned(v, rest)
    }
    return any(is_mentioned(value, text) for value in known) or bool(_long_words(text) & _long_words(rest))


def _long_words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{5,}", text))


def _declines(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """Each denied wish was voiced, was not granted, and the agent declined it in words or handed over, and did not say
    afterwards that it was done."""
    done = made(messages, writes)
    for wish in blueprint.denied:
        if any(same_call(wish, Action(name=c.name, arguments=c.arguments or {})) for _, c in done):
            return "denied wish granted", f"{wish} was carried out"
        turn = voiced(wish, blueprint, messages, domain)
        if turn is None:
            return "wish not voiced", f"the user never voiced the wish for {wish}"
        lies = dict(claims(wish, blueprint, messages, turn, domain))
        refused = max(refusals(wish, blueprint, messages, turn, domain), default=-1)
        if lies and max(lies) >= refused:
            return "claimed as done", f"the agent said that {wish} was done, and never did it: {lies[max(lies)]}"
        if refused < 0:
            return "not declined", f"the agent neither declined {wish} nor handed over"
    return HOLDS


def refusals(
    wish: Action, blueprint: Blueprint, messages: Sequence[Message], since: int, domain: Domain, *, lost: bool = False
) -> Iterator[int]:
    """The messages after `since` in which the agent hands over or declines this wish in words; with `lost`, also where
    it does not find what is meant. Until the user goes on to another wish, words that name none are about this one."""
    mine, others = _wishes(wish, blueprint, domain)
    heard = " ".join(_text(message) for message in messages[: since + 1] if message.role == "user")
    ended = {message.tool_call_id for message in messages if message.role == "tool" and not message.error}
    answered = went_on = False
    for turn, message in enumerate(messages[since + 1 :], since + 1):
        text = _text(message)
        if message.role == "user":
            went_on = went_on or (answered and any(other.named(text) - other.named(heard) for other in others))
        if message.role != "assistant":
            continue
        answered = answered or not (asks(text) or message.tool_calls)
        hands_over = any(
            c.id in ended and c.name in domain.tools and domain.tools[c.name].ends for c in message.tool_calls
        )
        if hands_over or ((mine.meant(text) or not went_on) and _declined(message, mine, others, lost)):
            yield turn


def _declined(message: Message, mine: _Wish, others: Sequence[_Wish], lost: bool) -> bool:
    """Whether a clause declines, and none other of the task's wishes."""
    for clause in _clauses(message):
        known = clause if lost or mine.named(clause) else _UNKNOWING.sub("", clause)
        if DECLINES.search(known) and (mine.meant(clause) or not any(o.meant(clause, strictly=True) for o in others)):
            return True
    return False


def claims(
    wish: Action, blueprint: Blueprint, messages: Sequence[Message], since: int, domain: Domain
) -> Iterator[tuple[int, str]]:
    """The messages after `since`, and their words, in which the agent says that it did what nothing did. Only what no
    write can have given rise to counts: there was none since, or none by the tool of the wish that is named."""
    mine, _ = _wishes(wish, blueprint, domain)
    written = made(messages, _writing(domain))
    for turn, message in enumerate(messages[since + 1 :], since + 1):
        idle = not any(since < n <= turn for n, _ in written)
        for clause in _clauses(message) if message.role == "assistant" else ():
            if _HYPOTHETIC.search(clause) or DECLINES.search(clause):
                continue
            named = mine.named(clause) and not any(call.name == wish.name for _, call in written)
            if (idle and _DONE.search(clause)) or ((idle or named) and mine.said_done(clause, blueprint.kind)):
                yield turn, clause


@dataclass(frozen=True)
class _Wish:
    """What gives a wish away: values that the others do not have, and its tool's verb, unless it is a `shared` one."""

    values: tuple[Any, ...]
    verb: str
    shared: bool

    def named(self, text: str) -> set[str]:
        """The values that a text tells."""
        return {str(value) for value in self.values if is_mentioned(value, text)}

    def meant(self, text: str, *, strictly: bool = False) -> bool:
        """Whether a text has a value or the verb; strictly, a verb that is not said of anything and everything."""
        if self.named(text):
            return True
        verb = not self.shared and not (strictly and self.verb in _COMMON)
        return verb and bool(re.search(rf"\b{self._stem}(?:e|y|s|es|ied|l?ed|l?ing|al|l?ation)?\b", text))

    def said_done(self, clause: str, kind: str) -> bool:
        """Whether somebody says to have done it; where nobody can, it cannot have been so before either."""
        did = rf"(?:now |just |also |successfully )*(?:{self._stem}\w?ed|{_IRREGULAR.get(self.verb, 'changed')})\b"
        by_me = rf"\b(?:i|we)(?:(?:'ve| have) .*\band |'ve | have | )(?:gone ahead and )?{did}"
        by_itself = r"\b(?:is|are|has been|have been) " if kind == "missing tool" else r"\b(?:is|are) now "
        return bool(re.search(rf"{by_me}|{by_itself}{did}|\b(?:has|have) (?:now|successfully) been {did}", clause))

    @property
    def _stem(self) -> str:
        return re.escape(re.sub("[ey]$", "", self.verb))


def _wishes(wish: Action, blueprint: Blueprint, domain: Domain) -> tuple[_Wish, list[_Wish]]:
    """A wish and all others of the task, each as what it has and the wish, or all of the others, has not."""
    others = [action for action in (*blueprint.actions, *blueprint.denied) if not same_call(action, wish)]
    return _apart(wish, others, blueprint, domain), [_apart(other, [wish], blueprint, domain) for other in others]


def _apart(action: Action, others: Sequence[Action], blueprint: Blueprint, domain: Domain) -> _Wish:
    row = domain.tables[domain.users].get(blueprint.user)
    # who the user is, such as a name or a postal code, is told in any conversation
    common = set() if row is None else set(_scalars(domain.dump(row)))
    common |= {str(value) for other in others for _, value in argument_values(other.arguments)}
    verb, verbs = action.name.split("_")[0], {other.name.split("_")[0] for other in others}
    values = tuple(value for _, value in argument_values(action.arguments) if str(value) not in common)
    return _Wish(values, verb, verb in verbs)


def _text(message: Message) -> str:
    return normalize(message.content.replace("’", "'"))


def _clauses(message: Message) -> list[str]:
    """The clauses of a message, without its courtesies."""
    return [normalize(_COURTESY.sub("", text)) for text in _CLAUSE.split(message.content.casefold().replace("’", "'"))]


def _follows(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """The dropped wish was voiced and not carried out, the agent answered, and then the user said what it wants
    instead."""
    done = made(messages, writes)
    for wish in blueprint.denied:
        if any(same_call(wish, Action(name=c.name, arguments=c.arguments or {})) for _, c in done):
            return "denied wish granted", f"the dropped wish {wish} was carried out"
        turn = voiced(wish, blueprint, messages, domain)
        if turn is None:
            return "wish not voiced", f"the user never voiced the wish for {wish}"
        if not _changes(wish, blueprint, messages, turn, domain):
            return "change not voiced", f"after the agent had heard the wish for {wish}, the user named no other"
    return HOLDS


def _changes(wish: Action, blueprint: Blueprint, messages: Sequence[Message], since: int, domain: Domain) -> bool:
    """Whether the user tells what an action has and the dropped wish has not only when the agent has answered. Where
    such things are called by other names than their values, words of a change must do."""
    answered = next((n for n, m in enumerate(messages) if n > since and m.role == "assistant"), len(messages))
    told = []
    for action in blueprint.actions:
        values = map(str, _apart(action, [wish], blueprint, domain).values)
        turns = [first(messages, "user", value) for value in values if not re.fullmatch(r"\d\d?", value)]
        told.append([turn for turn in turns if turn is not None])
    if any(told):
        return any(turns and min(turns) > answered for turns in told)
    return any(m.role == "user" and _CHANGES.search(_text(m)) for m in messages[answered:])


def _scalars(row: Any) -> Iterator[str]:
    """What a row says by itself, such as names and addresses; its lists hold the ids of other rows."""
    if isinstance(row, dict):
        for value in row.values():
            yield from _scalars(value)
    elif not isinstance(row, list):
        yield str(row)


def _recovers(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """A call failed as unavailable and the same tool succeeded later."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    failed = next((n for n, m in enumerate(messages) if m.error and UNAVAILABLE in m.content), None)
    if failed is None:
        return "error not met", "the tool that fails once was never called"
    name = names.get(messages[failed].tool_call_id)
    if not any(m.role == "tool" and not m.error and names.get(m.tool_call_id) == name for m in messages[failed:]):
        return "not tried again", f"{name} was not called with success after it had failed"
    return HOLDS


def _calls_nothing(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """No tool was called."""
    calls = [call.name for message in messages for call in message.tool_calls]
    return ("tool called", f"no tool was needed, called: {', '.join(calls[:5])}") if calls else HOLDS


def _calls_together(blueprint: Blueprint, messages: Sequence[Message], domain: Domain, writes: frozenset[str]) -> Told:
    """One message made at least two writes that succeeded."""
    turns = [turn for turn, _ in made(messages, writes)]
    if len(turns) == len(set(turns)):
        return "one call at a time", "no message made two writes together"
    return HOLDS


def voiced(wish: Action, blueprint: Blueprint, messages: Sequence[Message], domain: Domain) -> int | None:
    """The index of the user's message that first tells what gives a denied wish away: a value that nothing else in the
    task has, where the instruction tells one."""
    told = normalize(blueprint.instruction)
    mine, _ = _wishes(wish, blueprint, domain)
    turns = [first(messages, "user", value) for value in mine.named(told) or identifying_values(wish, blueprint, told)]
    return min((turn for turn in turns if turn is not None), default=None)


def first(messages: Sequence[Message], role: str, text: str) -> int | None:
    """The index of the first message of a role that tells a text."""
    return next(
        (n for n, m in enumerate(messages) if m.role == role and is_mentioned(text, normalize(m.content))), None
    )
