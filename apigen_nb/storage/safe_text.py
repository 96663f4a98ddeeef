"""Texts that models wrote, made safe to look at: what is invisible becomes visible, what is endless is cut."""

from __future__ import annotations

import functools
import re

LONGEST = 5_000  # characters of one text on a page; records in the JSONL files stay whole
NAME = 160  # characters of a name: it stands in menus, addresses and frames of thousands of rows

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"⟨U+{code:04X}⟩" if code < 0xD800 else "\ufffd"


def clean(text: str) -> str:
    """The text with control characters, marks of direction, separators of lines and lone surrogates replaced by visible
    signs: a terminal escape or a right-to-left override must not change how its neighbours look."""
    return _CONTROL.sub(_visible, text.replace("\r\n", "\n"))


def truncate(text: str, length: int) -> str:
    """At most `length` characters, the last one "…" when something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


@functools.lru_cache(maxsize=4096)  # the same few, a hundred thousand times
def clean_name(text: str) -> str:
    """A name that a model gave (a tool, a kind of failure, a judge): one clean line of at most `NAME` characters."""
    return clean(truncate(text, NAME)).replace("\n", " ")


def truncate_with_note(text: str, length: int = LONGEST) -> str:
    """At most `length` characters and a note that says how many more there are."""
    return text if len(text) <= length else f"{text[:length]} … ({len(text) - length:,} more characters in the record)"
