"""The same conversation in other words and formats, made by code: it stays as right as it was."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from random import Random

from ...records import STOP, Action
from ...world.identification import identifying_tools
from ...world.values import mentions
from ..dialogue import Dialogue
from .editing import Edited, calling, closing, inserted, reworded, sentences

YES = (
    "Sounds good to me.",
    "Yes, that is what I want.",
    "Please do.",
    "Ja, bitte machen Sie das so.",
    "Passt.",
    "Sí, adelante.",
    "De acuerdo.",
    "好的，请办理。",
    "可以。",
)
COURTESIES = ("Thank you for your patience.", "I am glad to help.", "Of course!", "Gern geschehen.", "Con mucho gusto.")
SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip


def consent_in_other_words(dialogue: Dialogue, rng: Random) -> Edited:
    """Consents that are nothing but that, in several languages."""
    texts = {
        consent: rng.choice(YES)
        for _, _, consent in dialogue.confirmed()
        if re.fullmatch(r"yes\b[^.]*\.", dialogue.messages[consent].content.casefold())
    }
    return reworded(dialogue, texts)


def courtesy_added(dialogue: Dialogue, rng: Random) -> Edited:
    texts = {t: f"{rng.choice(COURTESIES)} {m.content}" for t, m in dialogue.turns("assistant") if m.content}
    return reworded(dialogue, texts)


def question_before_the_announcement(dialogue: Dialogue, rng: Random) -> Edited:
    """What the agent says last in an announcement comes first."""
    texts = {}
    for _, announced, _ in dialogue.confirmed():
        parts = sentences(dialogue.messages[announced].content)
        texts[announced] = " ".join([*parts[-1:], *parts[:-1]])
    return reworded(dialogue, texts)


def ids_without_their_mark(dialogue: Dialogue, rng: Random) -> Edited:
    """#R12030 is R12030."""
    marked = re.compile(r"(?<![\w&])#(?=[A-Za-z]?\d{3,})")
    return reworded(dialogue, _changed(dialogue, lambda text: marked.sub("", text), ("user", "assistant")))


def dates_in_words(dialogue: Dialogue, rng: Random) -> Edited:
    return reworded(dialogue, _changed(dialogue, lambda text: re.sub(r"\b\d{4}-\d\d-\d\d\b(?!T)", _date, text)))


def amounts_with_two_decimals(dialogue: Dialogue, rng: Random) -> Edited:
    """266.3 is $266.30 where it is told as an output."""
    numbers = [output for output in dialogue.blueprint.outputs if re.fullmatch(r"\d+\.\d", output)]
    return reworded(dialogue, _changed(dialogue, lambda text: _each(text, numbers, lambda number: f"${number}0")))


def thousands_separated(dialogue: Dialogue, rng: Random) -> Edited:
    """1250.5 is 1,250.5 where it is told as an output."""
    numbers = [output for output in dialogue.blueprint.outputs if re.fullmatch(r"\d{4,}(\.\d+)?", output)]
    return reworded(dialogue, _changed(dialogue, lambda text: _each(text, numbers, lambda n: f"{float(n):,.10g}")))


def counts_in_words(dialogue: Dialogue, rng: Random) -> Edited:
    """3 is three where it is told as an output."""
    numbers = [output for output in dialogue.blueprint.outputs if output.isdecimal() and int(output) < len(SMALL)]
    return reworded(dialogue, _changed(dialogue, lambda text: _each(text, numbers, lambda n: SMALL[int(n)])))


def told_as_a_list(dialogue: Dialogue, rng: Random) -> Edited:
    turn = closing(dialogue)
    parts = sentences(dialogue.messages[turn].content) if turn is not None else []
    return reworded(dialogue, {turn: "\n".join(f"- {part}" for part in parts)}) if turn is not None else None


def thanks_and_goodbye(dialogue: Dialogue, rng: Random) -> Edited:
    last = dialogue.last
    if STOP not in dialogue.messages[last].content:
        return None
    return reworded(dialogue, {last: f"Thanks a lot, you have been very kind. Goodbye! {STOP}"})


def user_greets(dialogue: Dialogue, rng: Random) -> Edited:
    greetings = ("Good morning!", "Hello, I hope you are well.", "Grüß Gott!", "¡Buenas tardes!", "您好！")
    return reworded(dialogue, {0: f"{rng.choice(greetings)} {dialogue.messages[0].content}"})


def done_in_another_language(dialogue: Dialogue, rng: Random) -> Edited:
    """What the agent says right after a write, and tells no output with."""
    texts = ("Erledigt. Kann ich noch etwas für Sie tun?", "Listo. ¿Algo más?", "已办理。还有什么可以帮您？")
    found = {}
    for call in dialogue.writes:
        turn = next((t for t, m in dialogue.turns("assistant", call.answered + 1) if m.content), None)
        outputs = dialogue.blueprint.outputs
        if turn == call.answered + 1 and not any(mentions(dialogue.messages[turn].content, o) for o in outputs):
            found[turn] = rng.choice(texts)
    return reworded(dialogue, found)


def lookup_after_a_slip(dialogue: Dialogue, rng: Random) -> Edited:
    """The agent mistypes what identifies the customer, is told so, and tries again."""
    names = identifying_tools(dialogue.domain)
    call = next((c for c in dialogue.calls if c.done and c.action.name in names), None)
    if call is None or dialogue.blueprint.kind == "tool error":
        return None
    slip = {n: f"{v}x" if isinstance(v, str) else v for n, v in call.action.arguments.items()}
    return inserted(dialogue, call.turn, calling(Action(name=call.action.name, arguments=slip)))


def _changed(dialogue: Dialogue, change: Callable[[str], str], roles: Sequence[str] = ("assistant",)) -> dict[int, str]:
    told = {turn: message.content for role in roles for turn, message in dialogue.turns(role)}
    return {turn: change(text) for turn, text in told.items() if change(text) != text}


def _each(text: str, numbers: Iterable[str], form: Callable[[str], str]) -> str:
    """The text with numbers in another form, where they stand alone."""
    for number in numbers:
        text = re.sub(rf"(?<![\w.,$-]){re.escape(number)}(?![\w-]|[.,]\d)", form(number), text)
    return text


def _date(match: re.Match[str]) -> str:
    try:
        day = datetime.date.fromisoformat(match[0])
    except ValueError:
        return match[0]
    return f"{day:%B} {day.day}, {day.year}"
