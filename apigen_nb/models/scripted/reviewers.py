"""The scripted judge, critic and feedback model."""

from __future__ import annotations

import json
from typing import Any

from ...records import METRICS
from .language import Language, is_dropped, means_user, query, required, sentences, topic, wanted
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
    if not context["diff"] and not context["outputs"]:
        flaws["satisfaction"] = "In the end nothing has changed and nothing was told."
    if len(calls) + len(context["outputs"]) < 2:
        flaws["creativity"] = "A single request is little to ask."
    return flaws


def summarise(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """All failures as a plan, one line each."""
    failures = context["failures"]
    kept = [
        f for n, f in enumerate(failures) if len(failures) == 1 or not dice.slips("feedback drops a failure", str(n))
    ]
    lines = [f"- {failure['gate']}: {failure['reason']}" for failure in kept or failures]
    return "\n".join(["Mend this, and keep what was right:", *lines])
