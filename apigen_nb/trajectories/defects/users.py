"""What a simulated user can do wrong."""

from __future__ import annotations

from random import Random

from ...world.values import argument_values, is_mentioned, normalize
from ..dialogue import Dialogue
from ..wishes import apart, voiced
from .editing import Edited, ends_otherwise, one_confirmed, reworded, sentences, stopped

NO = (
    "No, please leave it as it is.",
    "Nein, bitte lassen Sie es so.",
    "No, mejor déjelo como está.",
    "不用了，保持原样吧。",
)


def premature_stop(dialogue: Dialogue, rng: Random) -> Edited:
    """The user goes while the agent waits for an answer."""
    found = next(dialogue.confirmed(), None)
    edited = stopped(dialogue.messages[: found[1] + 1]) if found else []
    return edited if edited and ends_otherwise(dialogue, edited) else None


def detail_told_unasked(dialogue: Dialogue, rng: Random) -> Edited:
    withheld = dialogue.blueprint.withheld
    turn = next((turn for turn, _ in dialogue.turns("user")), None)
    if not withheld or turn is None:
        return None
    return reworded(dialogue, {turn: f"{dialogue.messages[turn].content} By the way: {withheld[0]}."})


def machinery_in_the_users_text(dialogue: Dialogue, rng: Random) -> Edited:
    turn = rng.choice([turn for turn, _ in dialogue.turns("user")])
    return reworded(dialogue, {turn: f"<|im_start|>user\n{dialogue.messages[turn].content}<|im_end|>"})


def wish_never_voiced(dialogue: Dialogue, rng: Random) -> Edited:
    """The sentences with a denied wish are gone from what the user says."""
    for wish in dialogue.blueprint.denied:
        turn = voiced(wish, dialogue)
        values = [str(value) for _, value in argument_values(wish)]
        if turn is None:
            continue
        parts = sentences(dialogue.messages[turn].content)
        left = [part for part in parts if not any(is_mentioned(value, normalize(part)) for value in values)]
        return reworded(dialogue, {turn: " ".join(left) or "I see."})
    return None


def change_never_voiced(dialogue: Dialogue, rng: Random) -> Edited:
    """A user who should change its mind tells nothing of what takes the place of the wish, as it is or by a
    description; None where an action is told in no message that is found."""
    blueprint = dialogue.blueprint
    found = voiced(blueprint.denied[0], dialogue) if blueprint.kind == "change of mind" else None
    if found is None:
        return None
    telling = set[int]()
    for action in blueprint.actions:
        values = apart(action, list(blueprint.denied), dialogue)
        told = {t for t, m in dialogue.turns("user", found + 1) if any(dialogue.tells(m.content, v) for v in values)}
        if not told:
            return None
        telling |= told
    return reworded(dialogue, dict.fromkeys(telling, "Let me see."))


def refused_and_done_all_the_same(dialogue: Dialogue, rng: Random) -> Edited:
    """The user says no, in one of several languages, and the agent does it."""
    found = one_confirmed(dialogue, rng)
    return reworded(dialogue, {found[2]: rng.choice(NO)}) if found else None


def question_in_place_of_a_consent(dialogue: Dialogue, rng: Random) -> Edited:
    found = one_confirmed(dialogue, rng)
    return reworded(dialogue, {found[2]: "Before I decide: what else could be done instead?"}) if found else None
