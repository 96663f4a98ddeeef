"""The scripted generator: fills the sampled tools' arguments from the records shown and words an instruction.

It reads docstrings and rows like somebody in a hurry: it prefers rows whose status a tool's text names, but knows
nothing of dates, limits and other rules; those it learns from the feedback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...facts import facts, fits, singular
from .filling import Filler
from .language import Language, describe, identifies, means_user, required, say, words
from .user import Slips


def draft(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """The reply to a generator's question: JSON text with thought, instruction, actions and outputs."""
    if dice.slips("generator answers without JSON"):
        return "I would let the user ask for a change to the last order."
    writer = _Writer(context, language, dice)
    actions = writer.actions()
    questions = writer.questions(actions)
    reply = {
        "thought": f"The user could want {' and '.join(words(a['name']) for a in actions) or 'to know something'}.",
        "instruction": writer.instruction(actions, questions),
        "actions": actions,
        "outputs": [output for _, output in questions],
    }
    return json.dumps(reply, ensure_ascii=False)


class _Writer(Filler):
    """Chooses the actions, asks a question, and words the instruction."""

    def __init__(self, context: dict[str, Any], language: Language, dice: Slips) -> None:
        super().__init__(context, dice)
        self.language = language

    # -- actions

    def actions(self) -> list[dict[str, Any]]:
        """New actions for the tools of the walk; after feedback, the earlier ones with those replaced that it names."""
        previous = self.context["previous"]
        if not previous:
            made: list[dict[str, Any]] = []
            for name in [name for name in self.context["walk"] if name in self.context["writing"]]:
                made += self.fill(name, used={str(v) for action in made for v in action["arguments"].values()})
            return made
        kept = []
        for number, action in enumerate(previous["actions"], 1):
            if action["name"] not in self.schemas:
                continue
            if f"action {number}" not in self.feedback and f"of {action['name']}" not in self.feedback:
                kept.append(action)
                continue
            used = {str(v) for other in previous["actions"] for v in other["arguments"].values()}
            instead = self.fill(action["name"], used)
            kept += instead if instead and instead[0] != action else self._replace(action["name"], used)
        return kept or self._replace("", set())

    def _replace(self, name: str, used: set[str]) -> list[dict[str, Any]]:
        """A call of another writing tool, where the records allow none of this one."""
        others = [other for other in self.context["writing"] if other != name]
        self.rng.shuffle(others)
        return next(filter(None, (self.fill(other, used) for other in others)), [])

    # -- questions

    def questions(self, actions: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """At most one question with its answer, from a row that no action touches."""
        previous = self.context["previous"]
        if previous and not previous["outputs"]:
            return []
        if not previous and self.rng.random() < 0.5 and actions:
            return []
        touched = {str(v) for action in actions for v in action["arguments"].values()}
        if self.user in touched:
            touched.add("my account")
        things = [thing for thing in self._things() if thing[0] not in touched]
        if not things:
            return []
        name, key, value = self.rng.choice(things)
        if (
            isinstance(value, int | float)
            and "output" not in self.feedback
            and self.dice.slips("generator miscalculates an output")
        ):
            value = round(value + self.rng.choice((5, 10, 20)), 2)
        return [(f"You want to know the {words(key)} of {name}.", str(value))]

    def _things(self) -> Iterator[tuple[str, str, Any]]:
        for table, rows in self.context["records"].items():
            for row_id, row in rows.items():
                if len(rows) > 1 and any(
                    row_id in str(other) for other in self.context["records"].values() if other is not rows
                ):
                    yield from ((row_id, k, v) for k, v in row.items() if _tellable(k, v))
                elif row_id == self.user:
                    yield from (
                        ("my account", k, v) for k, v in row.items() if _tellable(k, v) and singular(table) != k
                    )

    # -- wording

    def instruction(self, actions: list[dict[str, Any]], questions: list[tuple[str, str]]) -> str:
        """The instruction: who the user is, one sentence a wish, one a question."""
        wishes = []
        again = "instruction" in self.feedback
        for number, action in enumerate(actions):
            schema = self.schemas[action["name"]]
            mentions = self._mentions(action["arguments"])
            optional = self.language.optional(schema, mentions)
            forgets = (
                optional
                and not again
                and self.dice.slips("generator leaves a detail out of the instruction", str(number))
            )
            left_out = [self.rng.choice(optional)] if forgets else []
            wishes.append(f"You want to {self.language.clause(schema, mentions, left_out)}.")
        return " ".join(
            [f"You are {self.context['persona']}.", self._identity(), *wishes, *(text for text, _ in questions)]
        )

    def _identity(self) -> str:
        tables: dict[str, dict[str, Any]] = self.context["records"]
        row: dict[str, Any] = next((rows[self.user] for rows in tables.values() if self.user in rows), {})
        known: dict[str, Any] = {}
        for fact in facts(row):
            known.setdefault(fact.key, fact.value)
        ways = [required(s) for s in self.schemas.values() if identifies(s) and all(p in known for p in required(s))]
        if not ways:
            return f"Your id is {self.user}."
        return f"Your {', your '.join(f'{words(p)} is {known[p]}' for p in self.rng.choice(ways))}."

    def _mentions(self, arguments: dict[str, Any]) -> dict[str, str]:
        """How each argument is said: things that have a name by their name, where it is unmistakable."""
        rows = {f.row for f in self.found for v in arguments.values() if isinstance(v, str) and f.row[1] == v}
        said = {}
        for parameter, value in arguments.items():
            if means_user(parameter):
                continue
            values = value if isinstance(value, list) and all(isinstance(v, str) for v in value) else [value]
            said[parameter] = " and ".join(self._mention(parameter, item, rows) for item in values)
        return said

    def _mention(self, parameter: str, value: Any, rows: set[tuple[str, str]]) -> str:
        if not parameter.endswith(("_id", "_ids")):
            return say(value)
        same = [f for f in self.found if fits(parameter, f.fact.key)]
        own = [f for f in same if f.fact.value == value and f.row[1] != value and describe(f.fact.holder)]
        if not own:
            return say(value)
        name = describe(own[0].fact.holder)
        rivals = [f for f in same if f.row in rows] if own[0].row in rows else [f for f in same if f.row == own[0].row]
        taken = {f.fact.value for f in rivals if describe(f.fact.holder) == name}
        return name if taken <= {value} and not re.search(r"[;:|]", name) else say(value)


def _tellable(key: str, value: Any) -> bool:
    if isinstance(value, bool) or key.endswith("id") or value in (None, ""):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 30 and "status" in key)
