"""The scripted generator: fills the sampled tools' arguments from the records shown and words an instruction.

It reads docstrings and rows like somebody in a hurry: it prefers rows whose status a tool's text names, but knows
nothing of dates, limits and other rules; those it learns from the feedback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...facts import Fact, facts, fits, singular
from .language import Language, Schema, describe, identifies, means_user, properties, required, say, words
from .user import Slips

STREETS = ("Maple Street", "Harbour Road", "Mill Lane", "Station Avenue", "Orchard Way")
NOTES = ("please handle this soon", "as discussed before", "nothing special")


class Found(NamedTuple):
    """A fact of the records and the row it stands in."""

    fact: Fact
    row: tuple[str, str]


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


class _Writer:
    def __init__(self, context: dict[str, Any], language: Language, dice: Slips) -> None:
        self.context, self.language, self.dice = context, language, dice
        self.rng = dice.draw("write")
        self.schemas: dict[str, Schema] = {schema["function"]["name"]: schema for schema in context["tools"]}
        self.feedback = str(context["feedback"])
        self.user = str(context["user"])
        self.found = [
            Found(fact, (table, key))
            for table, rows in context["records"].items()
            for key, row in rows.items()
            for fact in facts({table: {key: row}})
        ]

    # -- actions

    def actions(self) -> list[dict[str, Any]]:
        """New actions for the tools of the walk; after feedback, the earlier ones with those replaced that it names."""
        previous = self.context["previous"]
        if not previous:
            made: list[dict[str, Any]] = []
            for name in [name for name in self.context["walk"] if name in self.context["writing"]]:
                made += self._fill(name, used={str(v) for action in made for v in action["arguments"].values()})
            return made
        kept = []
        for number, action in enumerate(previous["actions"], 1):
            if action["name"] not in self.schemas:
                continue
            if f"action {number}" not in self.feedback and f"of {action['name']}" not in self.feedback:
                kept.append(action)
                continue
            used = {str(v) for other in previous["actions"] for v in other["arguments"].values()}
            instead = self._fill(action["name"], used)
            kept += instead if instead and instead[0] != action else self._replace(action["name"], used)
        return kept or self._replace("", set())

    def _replace(self, name: str, used: set[str]) -> list[dict[str, Any]]:
        """A call of another writing tool, where the records allow none of this one."""
        others = [other for other in self.context["writing"] if other != name]
        self.rng.shuffle(others)
        return next(filter(None, (self._fill(other, used) for other in others)), [])

    def _fill(self, name: str, used: set[str]) -> list[dict[str, Any]]:
        """One call of a tool with arguments from the records, or none when the records hold nothing that fits."""
        schema = self.schemas[name]
        arguments: dict[str, Any] = {}
        specs = properties(schema)
        together = self._together(list(specs))
        rows: list[tuple[str, str]] = []
        for parameter in required(schema):
            spec = specs[parameter]
            if parameter in together:
                value = together[parameter]
            elif means_user(parameter):
                value = self.user
            else:
                value = self._value(parameter, spec, schema, arguments, rows, used)
            if value is None:
                return []
            arguments[parameter] = value
        return [{"name": name, "arguments": arguments}]

    def _together(self, parameters: list[str]) -> dict[str, Any]:
        """Arguments that belong to one object, such as an address: a new one, near an address in the records."""
        holders = [f.fact.holder for f in self.found if len(set(parameters) & set(f.fact.holder)) >= 3]
        holders = [holder for holder in holders if not any(isinstance(v, dict | list) for v in holder.values())]
        if not holders:
            return {}
        holder = self.rng.choice(holders)
        chosen = {name: holder[name] for name in parameters if name in holder and holder[name] is not None}
        for name in chosen:
            if name in ("street", "address1", "address_line", "line1"):
                chosen[name] = f"{self.rng.randint(2, 980)} {self.rng.choice(STREETS)}"
        return chosen

    def _value(
        self,
        parameter: str,
        spec: dict[str, Any],
        schema: Schema,
        arguments: dict[str, Any],
        rows: list[tuple[str, str]],
        used: set[str],
    ) -> Any:
        options = spec.get("enum") or _either(str(spec.get("description", "")))
        if options:
            return self.rng.choice(options)
        if spec.get("type") == "boolean":
            return self.rng.random() < 0.5
        if spec.get("type") == "array":
            return self._list(parameter, spec, schema, arguments, rows)
        if parameter == "email":
            return f"{self.user.lower().strip('#')}.{self.rng.randint(10, 99)}@example.org"
        if "phone" in parameter:
            return f"{self.rng.randint(200, 989)}-555-{self.rng.randint(1000, 9999)}"
        choices = [f for f in self.found if fits(parameter, f.fact.key) and _is(f.fact.value, spec)]
        if parameter.startswith("new_") and arguments:
            choices = self._instead(choices, arguments)
        choices = self._suited(choices, schema, rows, used)
        if choices:
            chosen = self.rng.choice(choices)
            if chosen.row not in rows:
                rows.append(chosen.row)
            return _amount(chosen.fact.value, self.rng)
        if spec.get("type") in ("integer", "number"):
            return self.rng.randint(1, 3)
        return None if parameter.endswith("_id") else self.rng.choice(NOTES)

    def _suited(self, choices: list[Found], schema: Schema, rows: list[tuple[str, str]], used: set[str]) -> list[Found]:
        """The choices that belong with what was chosen before, and else those that were not used yet and whose status
        or kind the tool's text names, unless the generator does not read it. After feedback it reads: then none may be
        left."""
        if rows and any(f.row in rows for f in choices):
            choices = [f for f in choices if f.row in rows]
        else:
            fresh = [f for f in choices if str(f.fact.value) not in used]
            choices = fresh if self.feedback else fresh or choices
        if not self.feedback and self.dice.slips(
            "generator picks a row without reading its status", schema["function"]["name"]
        ):
            return choices
        text = f"{words(schema['function']['name'])} {schema['function']['description']}".lower()
        named = [f for f in choices if any(re.search(rf"\b{re.escape(state)}s?\b", text) for state in self._states(f))]
        reads_now = bool(self.feedback) and not rows and any(f.fact.value == f.row[1] for f in choices)
        return named if reads_now else named or choices

    def _states(self, found: Found) -> list[str]:
        """The words for what state or kind a thing is in."""
        row = self.context["records"][found.row[0]][found.row[1]]
        holders = [found.fact.holder] if found.fact.value != found.row[1] else [row]
        texts = [
            v
            for h in holders
            for k, v in h.items()
            if isinstance(v, str) and ("status" in k or k in ("type", "source", "kind"))
        ]
        return [words(text).lower() for text in texts]

    def _list(
        self,
        parameter: str,
        spec: dict[str, Any],
        schema: Schema,
        arguments: dict[str, Any],
        rows: list[tuple[str, str]],
    ) -> Any:
        if spec.get("items", {}).get("type") != "string":
            whole = [
                f.fact.holder[parameter]
                for f in self.found
                if f.row in rows and isinstance(f.fact.holder.get(parameter), list)
            ]
            return whole[0] if whole else None
        choices = [f for f in self.found if fits(parameter, f.fact.key) and isinstance(f.fact.value, str)]
        old = [v for v in arguments.values() if isinstance(v, list)]
        if parameter.startswith("new_") and old:
            chosen = []
            for item in old[-1]:
                instead = self._instead(choices, {"item": item})
                if not instead:
                    return None
                chosen.append(self.rng.choice(instead).fact.value)
            return chosen
        choices = self._suited(choices, schema, rows, set())
        values = list(dict.fromkeys(f.fact.value for f in choices))
        if not values:
            return None
        most = min(len(values), 1 if self.rng.random() < 0.7 else 2)
        if "payment" in parameter:
            most = min(len(values), 2)
        return self.rng.sample(values, most)

    def _instead(self, choices: list[Found], arguments: dict[str, Any]) -> list[Found]:
        """Choices that can stand in for a chosen thing: of a row that the thing names, and not the thing itself."""
        chosen = {str(v) for v in arguments.values()}
        holders = [f.fact.holder for f in self.found if str(f.fact.value) in chosen and f.fact.holder]
        named = {str(v) for holder in holders for v in holder.values() if isinstance(v, str)}
        other = [f for f in choices if f.row[1] in named and f.fact.value not in named]
        return [f for f in other if False not in f.fact.holder.values()] or other

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


def _either(description: str) -> list[str]:
    """Values that a docstring offers in quotes: "either 'a' or 'b'" """
    return re.findall(r"'([^']+)'", description) if "either" in description else []


def _is(value: Any, spec: dict[str, Any]) -> bool:
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float)}
    return not isinstance(value, bool) and isinstance(value, kinds.get(str(spec.get("type", "string")), (str,)))


def _amount(value: Any, rng: Any) -> Any:
    """Part of a quantity in the records: round hundreds of points, or the value itself."""
    if isinstance(value, int) and value >= 200:
        return rng.randrange(100, value + 1, 100)
    return value


def _tellable(key: str, value: Any) -> bool:
    if isinstance(value, bool) or key.endswith("id") or value in (None, ""):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 30 and "status" in key)
