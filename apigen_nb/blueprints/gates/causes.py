"""Why somebody wants something: which of a tool's causes a told one is, is the committee's to judge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...world.values import normalize

_WHY = re.compile(r"\b(?:why|reasons?|causes?)\b")
_CAUSE = re.compile(r"\b(?:because|since|due to|so that|as(?= (?:you|it|they|he|she|i|we)\b))((?:[ '-]+\w+){4,})")
_STORY = re.compile(r"((?:\w+\W+){4,})\b(?:and|so) (?:(?:so|now|therefore|you|i) )*want\b")


def asks_why(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether a parameter is for the cause of a wish, by its name and description."""
    return bool(_WHY.search(normalize(f"{name} {schema.get('description', '')}".replace("_", " "))))


def gives_cause(text: str, tool: str) -> bool:
    """Whether a text gives a cause, in words of its own, for what a tool does: "cancel the charger, because it goes
    with the tablet". That one wants it is none."""
    does = rf"\b{re.escape(tool.partition('_')[0])}"
    about = (part for part in re.split(r"[.;!?]", normalize(text)) if re.search(does, part))
    return any(not re.search(does, found[1]) for part in about for found in _causes(part))


def _causes(sentence: str) -> Iterator[re.Match[str]]:
    return (found for pattern in (_CAUSE, _STORY) for found in pattern.finditer(sentence))
