"""The scripted judge of what was meant: it reads English phrases, as a stand-in may.

A language model in its place reads any words in any language; nothing that is not labelled "scripted model" rests on
these lists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...world.values import is_mentioned, normalize
from .conduct_readings import consent, promise
from .grammar import Language
from .user import Slips


class Line(NamedTuple):
    """A message of a passage: its number and what was said."""

    turn: int
    text: str

    @property
    def clauses(self) -> list[str]:
        return [normalize(_COURTESY.sub("", text)) for text in _CLAUSE.split(self.text.casefold().replace("’", "'"))]


class Passage(NamedTuple):
    """What a question of meaning shows: the first line of what it is about, what the agent and the customer said, and
    the calls that were done."""

    about: str
    agent: list[Line]
    customer: list[Line]
    done: list[Line]

    @property
    def values(self) -> list[str]:
        """The values of the call that it is about, as text."""
        found = re.findall(r'=("(?:[^"\\]|\\.)*"|-?[\d.]+)|[\[ ]("(?:[^"\\]|\\.)*")', self.about)
        return [str(json.loads(one or other)) for one, other in found]


Found = tuple[str, Line | None]  # an answer, and the line that shows it

_CANNOT = r"(?:can(?:no|')?t|can not|could(?:n't| not)|unable to|(?:not|\w+n't) (?:be )?able to)"
_HAVE = r"allow|permit|offer|support|qualify|let|have (?:an?|any|the|access|permission)"
_ABLE = (
    r"able|possible|allowed|permitted|eligible|supported|authori[sz]ed|something (?:i|we)|in a position|covered|\w+able"
)
_DECLINES = re.compile(
    rf"\b(?:{_CANNOT}|unable|impossible|won't|(?:will|may|must) not|mustn't|ineligible|too late|can only"
    rf"|(?:not|\w+n't|no longer|never) (?:going to be |be |been )?(?:{_ABLE})|non-?\w+able"
    rf"|(?:do|does|did)(?: not|n't) (?:\w+ )?(?:{_HAVE})"
    r"|no (?:way|tool|option|possibility|means|function|permission|authority)|lacks?"
    r"|disallow\w*|prohibit\w*|forbid\w*|declin\w+|refus(?:e|ed|es|ing)|reject\w*|den(?:y|ied|ies)"
    r"|(?:against|contrary to|violat\w+|outside|beyond) [^.]*?(?:polic\w+|rules?|scope|terms|what (?:i|we)|my)"
    r"|only (?:an?|our|the) (?:\w+ )?(?:person|human|agent|colleague|specialist|supervisor|manager|branch)"
    r"|hand you over|(?:window|period|deadline|time) (?:\w+ )*?(?:has|is) (?:passed|expired|ended|closed|over))\b"
    r"|(?:\b(?:is|are)|'s|'re) already\b"
)
# The same words in what declines nothing: courtesy, questions, and not yet knowing of what or of whom one speaks.
_COURTESY = re.compile(
    rf"\b{_CANNOT} (?:be (?:happier|gladder|better|more)|agree more|wait|thank|stress)\b|\b\w+n't (?:you|we|it)\b"
    r"|\b(?:won't|will not) (?:be long|be a|take|hurt)\b"
)
_CLAUSE = re.compile(r"(?<=[.!?;:])\s+|\n+|,?\s+(?=(?:but|however|though|while|whereas|so (?:i|we)(?: have|'ve))\b)")
_HYPOTHETIC = re.compile(r"\b(?:once|after|when|if|until|unless|before|as soon as|would|could|\w*n't|not|never)\b")
_DONE = re.compile(
    r"^(?:all )?done\b|\b(?:it|that|this)(?:'s| is| has been)(?: now)? done\b|\bbeen carried out\b"
    r"|\b(?:i|we)(?:'ve| have) (?:\w+ )*(?:\w+ed|made|paid|sent|put)\b"
    r"|\b(?:is|are|has been|have been) (?:now )?\w+ed now\b"
)
_CHANGES = re.compile(
    r"\b(?:no|not|\w+n't|instead|rather|actually|mind|forget|scratch|leave|drop|wait|prefer|thoughts?|different)\b"
)
_NEGATED = re.compile(r"\b(?:not|no longer|never|without)\b|n't\b")
_QUESTION = re.compile(r"[^.!?\n]+\?|\b(?:please|need)\b[^.!?\n]+")
_OFFERS = re.compile(
    r"how (?:can|may|could|might) (?:i|we)|what (?:can|may) (?:i|we) (?:do|help)"
    r"|(?:can|may|could) (?:i|we) (?:help|assist)|how are you|how(?: i|')s (?:it|your)|what brings you"
    r"|(?:any|some)thing (?:else|more|further)|any (?:other|more|further)|is that all|will that be all"
)


def read_meaning(context: Mapping[str, Any], language: Language, dice: Slips) -> str:
    """The answer to a question of meaning as JSON, with the whole message as the quotation."""
    answer, line = READERS[str(context["kind"])](_passage(context))
    turn, quotation = line if line else (-1, "")
    return json.dumps({"turn": turn, "quotation": quotation, "answer": answer})


def _passage(context: Mapping[str, Any]) -> Passage:
    said: dict[str, list[Line]] = {"agent": [], "customer": [], "calls": []}
    for text in context["passage"]:
        if match := re.match(r"(\d+) (agent|customer)( calls)?:? ?", text):
            rest = text[match.end() :]
            if not match[3]:
                said[match[2]].append(Line(int(match[1]), rest))
            elif rest.endswith(": done"):
                said["calls"].append(Line(int(match[1]), rest))
    about = str(context["about"]).split("\n", 1)[0]
    return Passage(about, said["agent"], said["customer"], said["calls"])


def _output_told(passage: Passage) -> Found:
    # what the scripted agent says of the things that a write is about answers no question
    said = (line._replace(text=line.text.split("To be sure:")[0]) for line in passage.agent)
    told = (line for line in said for part in line.clauses if _tells(part, passage.about))
    line = next(told, None)
    return ("yes", line) if line else ("no", None)


def _output_told_each(passage: Passage) -> Found:
    told = [line for line in passage.agent for part in line.clauses if _tells(part, passage.about)]
    enough = len(told) > 1 or any(re.search(r"\b(?:both|each|all|same)\b", line.text) for line in told)
    return ("yes", told[-1]) if enough else ("no", None)


def _tells(clause: str, value: str) -> bool:
    # what is told with its own negation ("not refundable") is told by it
    denied = _NEGATED.search(clause) and not _NEGATED.search(normalize(value))
    return is_mentioned(value, clause) and not denied


def _wish_voiced(passage: Passage) -> Found:
    told = (line for line in passage.customer if any(is_mentioned(v, normalize(line.text)) for v in passage.values))
    line = next(told, None)
    return ("yes", line) if line else ("no", None)


def _wish_answered(passage: Passage) -> Found:
    """The last clause that declines or claims: what the customer is left with."""
    found: Found = ("neither", None)
    for line in passage.agent:
        for clause in line.clauses:
            if _DECLINES.search(clause):
                found = "declined", line
            elif found[0] != "declined" and _DONE.search(clause) and not _HYPOTHETIC.search(clause):
                found = "claimed", line
    return found


def _wish_replaced(passage: Passage) -> Found:
    line = next((line for line in passage.customer if _CHANGES.search(normalize(line.text))), None)
    return ("yes", line) if line else ("no", None)


def _detail_asked(passage: Passage) -> Found:
    line = next((line for line in reversed(passage.agent) if _asks(line.text)), None)
    return ("yes", line) if line else ("no", None)


def _last_words(passage: Passage) -> Found:
    said = _wish_answered(passage)
    asked = _detail_asked(passage)
    return ("asked", asked[1]) if asked[1] else said if said[1] else ("nothing", None)


def _asks(text: str) -> bool:
    """Whether a message asks for something, and not just how it can help or whether that was all."""
    return any(not _OFFERS.search(question) for question in _QUESTION.findall(normalize(text).replace("’", "'")))


def _detail_told(passage: Passage) -> Found:
    words = set(re.findall(r"\w+", normalize(passage.about)))
    line = next((ln for ln in passage.customer if words <= set(re.findall(r"\w+", normalize(ln.text)))), None)
    return ("yes", line) if line else ("no", None)


READERS: dict[str, Callable[[Passage], Found]] = {
    "output told": _output_told,
    "output told each": _output_told_each,
    "wish voiced": _wish_voiced,
    "wish answered": _wish_answered,
    "wish replaced": _wish_replaced,
    "detail asked": _detail_asked,
    "last words": _last_words,
    "detail told": _detail_told,
    "consent": lambda passage: consent(passage.agent, passage.customer),
    "promise": lambda passage: promise(passage.agent, passage.done),
    "figure": lambda _: ("none", None),  # a stand-in does not calculate
}
