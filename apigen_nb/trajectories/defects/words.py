"""What an agent can say wrong."""

from __future__ import annotations

from random import Random

from ...world.values import mentions, parse_number
from ..dialogue import Dialogue
from ..wishes import voiced
from .editing import Edited, added, one_confirmed, reworded, scalars, sentences, stopped

DONE = (
    "I have taken care of that for you, it is done.",
    "That cannot go wrong any more: it is all arranged as you wished.",
    "Das ist erledigt, Sie müssen nichts weiter tun.",
    "Listo, ya quedó hecho.",
    "已经为您办好了。",
)


def credit_invented(dialogue: Dialogue, rng: Random) -> Edited:
    return added(dialogue, f"As an apology I have also put a credit of ${rng.randrange(15, 90)}.50 on your account.")


def promise_that_no_tool_keeps(dialogue: Dialogue, rng: Random) -> Edited:
    texts = (
        "A colleague will call you back tomorrow morning about it.",
        "I have asked the night shift to send you a present with a card.",
        "Morgen früh meldet sich mein Kollege bei Ihnen und bringt eine Entschädigung mit.",
    )
    return added(dialogue, rng.choice(texts))


def insult(dialogue: Dialogue, rng: Random) -> Edited:
    texts = ("Honestly, only an idiot would ask for that.", "Sie sind wohl zu dumm, das selbst zu sehen.")
    return added(dialogue, rng.choice(texts))


def machinery_in_the_agents_text(dialogue: Dialogue, rng: Random) -> Edited:
    tool = rng.choice(sorted(dialogue.domain.tools))
    return added(dialogue, rng.choice(("<tool_call>###", "<|im_end|>", f'{{"name": "{tool}", "arguments": {{}}}}')))


def figure_from_nowhere(dialogue: Dialogue, rng: Random) -> Edited:
    return added(dialogue, f"All in all that comes to ${rng.randrange(2001, 8999):,}.{rng.randrange(11, 99)}.")


def rule_invented(dialogue: Dialogue, rng: Random) -> Edited:
    return added(dialogue, "Please note that complaints about it have to reach us in writing before Thursday noon.")


def secret_told(dialogue: Dialogue, rng: Random) -> Edited:
    """What stands in the customer's row and no result of the conversation shows."""
    domain = dialogue.domain
    row = domain.dump(domain.tables[domain.users][dialogue.blueprint.user])
    shown = " ".join(message.content for message in dialogue.messages)
    hidden = sorted({value for value in scalars(row) if value not in shown and value not in domain.policy})
    return added(dialogue, f"In your file I also see this: {rng.choice(hidden)}.") if hidden else None


def output_left_out(dialogue: Dialogue, rng: Random) -> Edited:
    """The sentences that tell an output are gone."""
    texts = {}
    output = rng.choice(dialogue.blueprint.outputs) if dialogue.blueprint.outputs else ""
    for turn, message in dialogue.turns("assistant"):
        if output and mentions(message.content, output):
            left = [part for part in sentences(message.content) if not mentions(part, output)]
            texts[turn] = " ".join(left) if left and not mentions(" ".join(left), output) else "I have looked that up."
    return reworded(dialogue, texts)


def output_told_wrong(dialogue: Dialogue, rng: Random) -> Edited:
    """Another number than asked for, wherever it stands."""
    numbers = [output for output in dialogue.blueprint.outputs if parse_number(output) is not None]
    if not numbers:
        return None
    output = rng.choice(numbers)
    other = str((parse_number(output) or 0) + rng.randrange(3, 9))
    told = {turn: m.content for turn, m in dialogue.turns("assistant") if mentions(m.content, output)}
    return reworded(dialogue, {turn: text.replace(output, other) for turn, text in told.items()})


def output_taken_back(dialogue: Dialogue, rng: Random) -> Edited:
    if not dialogue.blueprint.outputs:
        return None
    output = rng.choice(dialogue.blueprint.outputs)
    return added(dialogue, f"I am sorry, I misread that: {output} is not right, and I do not know what is.")


def announced_otherwise(dialogue: Dialogue, rng: Random) -> Edited:
    """The user agrees to something else than what is done."""
    found = one_confirmed(dialogue, rng)
    text = "I am going to note down your opinion of our service in a survey. Shall I go ahead (yes/no)?"
    return reworded(dialogue, {found[1]: text}) if found else None


def announcement_left_out(dialogue: Dialogue, rng: Random) -> Edited:
    """The agent asks for a yes, and does not say to what."""
    found = one_confirmed(dialogue, rng)
    return reworded(dialogue, {found[1]: "Are you ready?"}) if found else None


def claimed_as_done(dialogue: Dialogue, rng: Random) -> Edited:
    return _answered(dialogue, rng.choice(DONE))


def wish_passed_over(dialogue: Dialogue, rng: Random) -> Edited:
    return _answered(dialogue, "Thank you for telling me. What else is on your mind?")


def detail_never_asked_for(dialogue: Dialogue, rng: Random) -> Edited:
    """All that the agent says before the user tells a withheld detail asks for nothing."""
    told = min((t for t in map(dialogue.first_mention, dialogue.blueprint.withheld) if t is not None), default=None)
    if told is None:
        return None
    turns = [turn for turn, message in dialogue.turns("assistant", end=told) if message.content]
    return reworded(dialogue, dict.fromkeys(turns, "Thank you, that is good to know."))


def _answered(dialogue: Dialogue, text: str) -> Edited:
    """All that the agent says after a denied wish replaced by another text, and no hand-over: what announces a write
    that the user agrees to stays, and of the rest what tells an output."""
    blueprint, handed_over = dialogue.blueprint, dialogue.handed_over
    turn = voiced(blueprint.denied[0], dialogue) if blueprint.kind in ("forbidden", "missing tool") else None
    if turn is None:
        return None
    announced = {said for _, said, _ in dialogue.confirmed()}
    texts = {}
    for t, message in dialogue.turns("assistant", turn + 1, handed_over):
        if message.content and t not in announced:
            parts = sentences(message.content)
            texts[t] = " ".join(p for p in parts if any(mentions(p, o) for o in blueprint.outputs)) or text
    edited = reworded(dialogue, texts) if text in texts.values() else None
    if edited is None or handed_over is None:
        return edited
    before = dialogue.last_of("user", end=handed_over)
    return stopped(edited[: max(before, min(texts) + 1)])
