"""What a server complains of, read off the body of an error in whatever shape it has."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

DEPTH = 8  # of objects in objects; routers put what a provider said into what they say
LONGEST = 4000  # characters of it that are looked at
_TEXTS = (
    "message", "detail", "msg", "error", "errors", "raw", "description", "title", "innererror", "details",
    "metadata", "fieldViolations", "error_msg", "error_message",
)  # fmt: skip
_CODES = ("code", "type", "status", "error_type")
_PLACES = ("param", "loc", "field")
_FLAGGED = {"flagged_input", "reasons", "content_filter_result", "content_filter_results"}
_MODERATED = re.compile(
    r"moderat|flagged|content.?(management|policy|policies|filter|violat)|usage (guideline|polic)|safety|"
    r"ResponsibleAI|data.?inspection|inappropriate|prohibited|harmful|blocked by|guardrail|violat",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api.?key|\bkeys?\b|token|credential|authenti|authori[sz]|permission|subscri|billing|account|project|organi[sz]ation|"
    r"denied|access|region|country|terms|agree",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.{0,3}(length|size|window|limit|overflow)|maximum context|prompt is too long|input is too long|"
    r"reduce the length|too many (input )?tokens|must have less than \d+ tokens|`?inputs`? tokens|"
    r"exceeds? (the )?(available|maximum|model).{0,20}(context|tokens|length)|keep the first \d+ tokens|"
    r"request too large",
    re.IGNORECASE,
)
_LOADING = re.compile(r"\bloading\b.{0,30}\bmodel|model.{0,60}\bloading|warming up|starting up", re.IGNORECASE)
# What stands in the same sentence as a parameter that is not taken.
_NOT_TAKEN = re.compile(
    r"unsupported|not (yet )?support|n't support|not (a )?valid|invalid|unrecogni[sz]ed|not recogni[sz]ed|unknown|"
    r"unexpected|not (be )?(permitted|allowed|accept|used|set|specified)|both be|forbidden|deprecated|cannot find|"
    r"not available|unavailable|must be|only\b.{0,40}\b(allowed|supported|permitted|accepted)|extra inputs|no longer",
    re.IGNORECASE,
)
_MISSING = re.compile(r"missing|required|must be (passed|provided|sent)", re.IGNORECASE)


class Complaint(NamedTuple):
    """What the body of an error says: in words, all that it says, its codes and the places in the request that it
    names. What it repeats of the request is no part of it: that is text of a model."""

    said: str
    text: str
    codes: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def moderated(self) -> bool:
        """Whether a question was refused for what it holds."""
        return any(_MODERATED.search(part) for part in (self.text, *self.codes))

    @property
    def too_long(self) -> bool:
        """Whether a question was refused for its length."""
        return any(_TOO_LONG.search(part) for part in (self.text, *self.codes))

    @property
    def about_key(self) -> bool:
        """Whether it is the key that is refused, or who holds it."""
        return bool(_KEY.search(self.text)) and not self.moderated

    @property
    def loading(self) -> bool:
        """Whether the model is being loaded."""
        return bool(_LOADING.search(self.text))

    def names(self, name: str, within: bool = False) -> bool:
        """Whether it says of this parameter, or of this field `within` messages or tools, that it is not taken."""
        for place in self.places:
            path = [_squashed(part) for part in re.split(r"[^\w-]+", place) if part not in ("", "body")]
            if _squashed(name) in (path[1:] if within else path[:1]):
                return True
        return any(_NOT_TAKEN.search(part) and _holds(part, name) for part in self._sentences())

    def misses(self, name: str) -> bool:
        """Whether it says that this field is missing."""
        return any(_MISSING.search(part) and _holds(part, name) for part in self._sentences())

    def _sentences(self) -> list[str]:
        return re.split(r"[.;!?]\s+|\n", self.text)


def complaint(content: bytes) -> Complaint:
    """What an error body says, in whatever shape, be it text."""
    body: Any = content.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(body)
    found = list(_told(body, "", 0))
    texts = list(dict.fromkeys(text for kind, text in found if kind == "text"))
    codes = tuple(dict.fromkeys(text for kind, text in found if kind == "code"))
    places = tuple(dict.fromkeys(text for kind, text in found if kind == "place"))
    fallback = body if isinstance(body, str) else json.dumps(body)
    said = "; ".join(texts) or (fallback if fallback not in ("null", "{}", "[]") else "") or "without a word"
    return Complaint(said, "\n".join(texts)[:LONGEST], codes, places)


def inner_status(content: bytes) -> int | None:
    """The status of an error that came with a status of success, None when it is a completion or anything else."""
    if b'"choices"' in content or b'"error"' not in content:
        return None
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not body.get("error"):
        return None
    holders = [holder for holder in (body["error"], body) if isinstance(holder, dict)]
    for value in (str(holder.get(name)) for holder in holders for name in ("code", "status", "status_code")):
        if re.fullmatch("[45][0-9][0-9]", value):
            return int(value)
    said = complaint(content)
    return 400 if said.moderated or said.too_long else 502


def _told(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Kind and text of everything that is said in an error, the outermost first."""
    if depth > DEPTH or value is None or isinstance(value, bool):
        return
    if isinstance(value, str | int | float):
        yield from _word(str(value)[:LONGEST], name, depth)
    elif name in _PLACES and isinstance(value, list):
        yield "place", ".".join(map(str, value))
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _told(item, name, depth + 1)
    elif isinstance(value, dict):
        if _FLAGGED & value.keys():
            yield "code", "flagged"
        place = value.get("loc")
        prefix = f"{place[-1]}: " if isinstance(place, list) and place else ""
        for part, item in _ordered(value.items()):
            for kind, text in _told(item, part, depth + 1):
                yield kind, prefix + text if kind == "text" else text


def _word(text: str, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if name in _CODES:
        yield "code", text
    elif name in _PLACES:
        yield "place", text
    elif name in _TEXTS or not name:
        with contextlib.suppress(ValueError, RecursionError):
            if text.lstrip()[:1] in ("{", "[") and isinstance(inner := json.loads(text), dict | list):
                yield from _told(inner, "", depth + 1)
                return
        if text.strip():
            yield "text", text.strip()


def _ordered(members: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    # What it repeats of the request (`input`, `flagged_input`, `failed_generation`) is passed over.
    known = (*_TEXTS, *_CODES, *_PLACES)
    return sorted(((name, value) for name, value in members if name in known), key=lambda one: known.index(one[0]))


def _holds(sentence: str, name: str) -> bool:
    return _squashed(name) in (_squashed(word) for word in re.findall(r"[A-Za-z_][\w-]*", sentence))


def _squashed(name: str) -> str:
    return re.sub(r"[_-]", "", name).lower()
