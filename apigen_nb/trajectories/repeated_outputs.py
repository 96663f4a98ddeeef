"""Several questions with one answer: the shipping of two orders, both 0.00. To tell it of one thing answers one.

Evidence decides where as many things of the customer's hold the value as there are questions, the customer's notes name
each of them, and so does a sentence that asserts the value. Where one sentence does it for two, it must tell the value
as often as it names things, and no other. All else, such as "both ship for free", is for judges to read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..blueprints.gates.origins import rows_with
from ..world.expected_values import NUMBERS, expected
from ..world.telling import clear_sentences, tells_another
from ..world.typed_values import Value
from ..world.values import is_mentioned
from .dialogue import Dialogue
from .meaning import Claim


def same_outputs(outputs: Sequence[str]) -> list[list[int]]:
    """The numbers of the outputs that are one value, however it is written, in order of the first of each."""
    groups: dict[tuple[tuple[str, object], ...], list[int]] = defaultdict(list)
    for number, output in enumerate(outputs):
        groups[tuple(map(_key, expected(output))) or (("", output),)].append(number)
    return list(groups.values())


def _key(value: Value) -> tuple[str, object]:
    """A value as it is grouped: money as its amount, which may be told without its currency."""
    amount = value.value[0] if value.type == "money" else value.value
    return "number" if value.type in ("money", *NUMBERS) else value.type, amount


def each_is_told(texts: Sequence[str], output: str, type: str, count: int, dialogue: Dialogue) -> bool:
    """Whether texts of the agent prove that an output is told of each of `count` things."""
    blueprint = dialogue.blueprint
    rows = rows_with(output, dialogue.domain, blueprint.user)
    things = [row for row in rows if is_mentioned(row, blueprint.instruction)]
    if len(things) != count:
        return False
    told: dict[str, None] = {}
    for text in texts:
        sentences = [*clear_sentences(text, output, type)]
        for sentence in sentences:
            named = [thing for thing in things if is_mentioned(thing, sentence)]
            if sentences.count(sentence) >= len(named) and not tells_another(sentence, expected(output, type)):
                told |= dict.fromkeys(named)
    return len(told) == count


def telling_each(number: int, output: str, count: int, dialogue: Dialogue) -> Claim:
    """Whether an output is told as the answer to each of `count` questions, of which the first has this number."""
    question = (
        f"The value named below is the answer to {count} things that the customer wants to know. Does the agent tell "
        "it as the answer to each of them, in whatever words, language or format, as something that is so and that "
        "still stands at the end? One sentence may answer several. If one of them got no answer or another, it is a no."
    )
    about = f"{output}\nThe customer's notes, which say what it is about: {dialogue.blueprint.instruction}"
    id, last = f"output told each/{number}", len(dialogue.messages)
    return Claim(id, "output told each", question, about, "assistant", 0, last)
