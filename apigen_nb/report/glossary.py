"""The words of notebooks and report: what each means, where it stands, without a network.

They are those of docs/glossary.md, of which `assets/glossary.md` is a copy, so that an installed package has it."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from ..storage.safe_text import clean, truncate_with_note

_FILE = Path(__file__).parent / "assets" / "glossary.md"
_NAME = re.compile(r"\*\*(.+?)\*\*")
_MARKED = re.compile(r"(\*[^*]+\*|`[^`]+`)")
_TAG = re.compile(r"<(?:style|template).*?</(?:style|template)>|<script[^>]*gzip.*?</script>|<[^>]*>", re.DOTALL)
LONGEST_NAME = 200  # characters of a text in which words are looked for
LEAD = (
    "What the words of these pages mean. One word names one thing, here, in the notebooks, on the command line and in "
    "the code; where the field has a word, it is the field's."
)


@dataclass(frozen=True)
class Word:
    """A line of the glossary: one thing, by all its names; `meaning` is a line of Markdown."""

    names: tuple[str, ...]
    meaning: str
    source: str

    @property
    def slug(self) -> str:
        """The id of the word, "missing-tool"."""
        return re.sub(r"\W+", "-", self.names[0].lower())

    @property
    def plain(self) -> str:
        """The meaning as a text without marks."""
        return re.sub(r"[*`]", "", self.meaning)

    @property
    def html(self) -> Markup:
        """The meaning with its marks."""
        return Markup("").join(map(_drawn, _MARKED.split(self.meaning)))


def _drawn(part: str) -> Markup:
    if not _MARKED.fullmatch(part):
        return escape(part)
    return Markup("<i>{}</i>" if part[0] == "*" else "<code>{}</code>").format(part[1:-1])


@functools.cache
def words() -> tuple[Word, ...]:
    """All words in the order of the alphabet."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| **")]
    return tuple(Word(tuple(_NAME.findall(row[0])), row[1], row[2]) for row in rows)


@functools.cache
def _by_name() -> dict[str, Word]:
    return {name.lower(): word for word in words() for name in word.names}


def find(name: str) -> Word | None:
    """The word of a name, "Blueprints" that of "blueprint"; None where there is none."""
    known, lower = _by_name(), name.lower().strip()
    return known.get(lower) or known.get(lower.removesuffix("s")) or known.get(re.sub("ies$", "y", lower))


def meanings(names: Sequence[str], what: str = "") -> list[str]:
    """What each name means, as a text; "" where nothing is known of it. `what` the names are ("gate", "check") comes
    before the word alone: a policy is one thing, the policy gate another."""
    found = (find(f"{name} {what}") or find(name) for name in names)
    return [word.plain if word else "" for word in found]


def term(text: str, name: str = "") -> Markup:
    """A text that explains itself where it stands, by its word: a button that opens what it means, by hover, tap and
    keys. A text of which nothing is known stays a text."""
    word, text = find((name or text)[:LONGEST_NAME]), clean(truncate_with_note(text))
    if word is None:
        return escape(text)
    button = '<button type="button" class="term" popovertarget="word-{}" title="{}">{}</button>'
    return Markup(button).format(word.slug, word.plain, text)


@functools.cache
def _any_name() -> re.Pattern[str]:
    names = sorted(_by_name(), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, names))})(?:s|es)?\b", re.IGNORECASE)


def explained(text: str) -> Markup:
    """A short text of ours, such as the name of a figure, of which the first word that the glossary knows explains
    itself."""
    text = clean(truncate_with_note(text))
    found = _any_name().search(text[:LONGEST_NAME])
    if not found:
        return escape(text)
    return Markup("{}{}{}").format(text[: found.start()], term(found[0], found[1]), text[found.end() :])


def on_page(html: str) -> list[Word]:
    """The words that stand on a page, in the order of the alphabet."""
    found = {_by_name()[name.lower()] for name in _any_name().findall(_TAG.sub(" ", html))}
    return [word for word in words() if word in found]


def popovers() -> Markup:
    """What the terms of a document open: once in each document."""
    box = Markup('<div class="word" id="word-{}" popover><b>{}</b> {} <a href="glossary.html#{}">Glossary</a></div>')
    return Markup("").join(box.format(w.slug, ", ".join(w.names), w.html, w.slug) for w in words())


def fold(html: str) -> Markup:
    """The words of a page with what they mean, below it."""
    found = on_page(html)
    if not found:
        return Markup("")
    box = '<details class="fold words-here"><summary>What the words on this page mean</summary>{}{}</details>'
    all_of_them = Markup('<p><a href="glossary.html">All words</a></p>')
    return Markup(box).format(_listed(found), all_of_them)


def page() -> list[str]:
    """The body of the page with all words."""
    head = Markup('<h1>Glossary</h1><p class="lead">{}</p><div class="panel">{}</div>')
    return [head.format(LEAD, _listed(words(), ids=True))]


def _listed(found: Sequence[Word], ids: bool = False) -> Markup:
    row = Markup("<dt{}>{}</dt><dd>{}{}</dd>")
    lines = [
        row.format(
            Markup(' id="{}"').format(word.slug) if ids else "", ", ".join(word.names), word.html,
            Markup(' <span class="quiet">as in {}</span>').format(word.source) if word.source else "",
        )
        for word in found
    ]  # fmt: skip
    return Markup('<dl class="glossary">{}</dl>').format(Markup("").join(lines))
