"""The scripted judge, critic and feedback model, and the judge of who is to blame."""

from __future__ import annotations

import json
from typing import Any

from ...records import METRICS, STOP
from .grammar import Language, is_dropped, means_user, query, required, sentences, topic, wanted, words
from .user import Slips


def review(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """Read the instruction as an agent would and compare it with actions, outputs and diff."""
    if dice.slips("judge answers without JSON"):
        return "Looks fine to me."
    flaws = _flaws(context, language)
    for metric in METRICS:
        if metric in flaws and dice.slips("judge overlooks a flaw", metric):
            del flaws[metric]
        elif metric not in flaws and dice.slips("judge sees a flaw that is not there", metric):
            flaws[metric] = "This could be better."
    scores = {metric: 0 if metric in flaws else 1 for metric in METRICS}
    return json.dumps(
        {"scores": scores, "reflection": " ".join(flaws.values()) or "All of it holds.", "correction": ""}
    )


def _flaws(context: dict[str, Any], language: Language) -> dict[str, str]:
    said = sentences(str(context["instruction"]))
    schemas = {schema["function"]["name"]: schema for schema in context["tools"]}
    wishes = [language.understand(clause, list(schemas.values())) for clause in map(wanted, said) if clause]
    calls = [*context["actions"], *context["denied"]]
    flaws: dict[str, str] = {}
    for action in calls:
        wish = next((wish for wish in wishes if wish and wish.tool == action["name"]), None)
        if wish is None:
            flaws["completeness"] = f"The instruction does not ask for {action['name']}."
            continue
        wishes.remove(wish)
        unsaid = [name for name in required(schemas[wish.tool]) if name not in wish.said and not means_user(name)]
        if unsaid:
            flaws["completeness"] = f"The instruction leaves out {', '.join(unsaid)} of {wish.tool}."
    if wishes:
        flaws["correctness"] = "The instruction asks for something that no action does."
    if any(map(is_dropped, said)) != (context["kind"] == "change of mind"):
        flaws["correctness"] = "The instruction drops a wish, and the kind of the task does not say so."
    if len([sentence for sentence in said if query(sentence) or topic(sentence)]) != len(context["outputs"]):
        flaws["completeness"] = "Questions in the instruction and outputs do not match."
    for (field, thing), output in zip(filter(None, map(query, said)), context["outputs"], strict=False):
        if (known := _value(field, thing, context)) is not None and known != output:
            flaws["correctness"] = f"The {field} of {thing} is {known}, not {output}."
    if not context["diff"] and not context["outputs"]:
        flaws["satisfaction"] = "In the end nothing has changed and nothing was told."
    if len(calls) + len(context["outputs"]) < 2:
        flaws["creativity"] = "A single request is little to ask."
    return flaws


def _value(field: str, thing: str, context: dict[str, Any]) -> str | None:
    """The value of a field of a thing in the records shown, as text; None where they do not show it."""
    key = context["user"] if thing == "my account" else thing
    row: dict[str, Any] = next((rows[key] for rows in context["records"].values() if key in rows), {})
    return next((str(value) for name, value in row.items() if words(name) == field), None)


def summarise(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """All failures as a plan, one line each."""
    failures = context["failures"]
    kept = [
        f for n, f in enumerate(failures) if len(failures) == 1 or not dice.slips("feedback drops a failure", str(n))
    ]
    lines = [f"- {failure['gate']}: {failure['reason']}" for failure in kept or failures]
    return "\n".join(["Mend this, and keep what was right:", *lines])


def criticise(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """A score for each candidate: shorter is better, a stop while somebody waits for an answer is bad."""
    scores = []
    waits = str(context["dialogue"][-1]).rstrip().endswith("?") if context["dialogue"] else True
    for number, text in enumerate(map(str, context["candidates"]), 1):
        score = max(9 - len(text) // 60, 3) - (5 if STOP in text and waits else 0)
        scores.append({"candidate": number, "score": max(score, 0), "reason": "It is as long as it need be."})
    return json.dumps({"scores": scores})


def accuse(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """Who is to blame: a user who kept a question of its notes to itself, else the agent where it first refused, or its
    last word."""
    dialogue = list(enumerate(map(str, context["dialogue"])))
    asked = [text for _, text in dialogue if " user: " in text[:12]]
    notes = [s.replace("You want", "I want", 1) for s in sentences(str(context["instruction"])) if query(s)]
    silent = [note for note in notes if not any(note in text for text in asked)]
    if silent:
        return json.dumps({"cause": "user", "turn": len(dialogue) - 1, "evidence": f"It never said: {silent[0]}"})
    said = [(turn, text) for turn, text in dialogue if " assistant: " in text[:17]] or [(0, "nothing")]
    sorry = [(turn, text) for turn, text in said if "assistant: I am sorry" in text or "I could not find" in text]
    turn, text = (sorry or said[-1:])[0]
    return json.dumps({"cause": "agent", "turn": turn, "evidence": text[:200]})
