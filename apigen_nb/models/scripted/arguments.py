"""How the scripted generator fills a tool's arguments from the records it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...world.values import Fact, facts, fits
from .grammar import Schema, by_name, means_user, properties, required, words
from .user import Slips

STREETS = ("Maple Street", "Harbour Road", "Mill Lane", "Station Avenue", "Orchard Way")
NOTES = ("please handle this soon", "as discussed before", "nothing special")
Row = tuple[str, str]


class Found(NamedTuple):
    """A fact of the records and the row it stands in."""

    fact: Fact
    row: Row


@dataclass
class _Call:
    """A call that is being filled: what it has by now, and the rows that this came from."""

    schema: Schema
    arguments: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def values(actions: list[dict[str, Any]]) -> set[str]:
    """All values of the arguments of some calls, as text."""
    return {str(value) for action in actions for value in action["arguments"].values()}


class Filler:
    """The records of one question and the calls that can be made of them. `context` is the generator's."""

    def __init__(self, context: dict[str, Any], dice: Slips) -> None:
        self.context, self.dice = context, dice
        self.rng = dice.draw("write")
        self.schemas = by_name([*context["writes"], *context["reads"]])
        self.feedback, self.user = str(context["feedback"]), str(context["user"])
        self.contrary = False  # whether rows are wanted that a tool is not for
        self.found = [
            Found(fact, (table, key))
            for table, rows in context["records"].items()
            for key, row in rows.items()
            for fact in facts({table: {key: row}})
        ]

    def fill(self, name: str, used: set[str]) -> list[dict[str, Any]]:
        """One call of a tool with arguments from the records, or none when the records hold nothing that fits."""
        call = _Call(self.schemas[name])
        specs = properties(call.schema)
        together = self._together(list(specs))
        for parameter in required(call.schema):
            known = together.get(parameter, self.user if means_user(parameter) else None)
            value = self._value(parameter, specs[parameter], call, used) if known is None else known
            if value is None:
                return []
            call.arguments[parameter] = value
        return [{"name": name, "arguments": call.arguments}]

    def fitting(self, parameter: str) -> list[Found]:
        """The facts that fit a parameter by name."""
        return [found for found in self.found if fits(parameter, found.fact.key)]

    def _together(self, parameters: list[str]) -> dict[str, Any]:
        """Arguments that belong to one object, such as an address: a new one, near an address in the records."""
        holders = [f.fact.holder for f in self.found if len(set(parameters) & set(f.fact.holder)) >= 3]
        holders = [holder for holder in holders if not any(isinstance(v, dict | list) for v in holder.values())]
        if not holders:
            return {}
        holder = self.rng.choice(holders)
        chosen = {name: holder[name] for name in parameters if holder.get(name) is not None}
        for name in [name for name in chosen if name in ("street", "address1", "address_line", "line1")]:
            chosen[name] = f"{self.rng.randint(2, 980)} {self.rng.choice(STREETS)}"
        return chosen

    def _value(self, parameter: str, spec: dict[str, Any], call: _Call, used: set[str]) -> Any:
        kind = spec.get("type")
        if options := spec.get("enum") or _either(str(spec.get("description", ""))):
            return self.rng.choice(options)
        if kind == "boolean":
            return self.rng.random() < 0.5
        if kind == "array":
            return self._list(parameter, spec, call)
        if parameter == "email":
            return f"{self.user.lower().strip('#')}.{self.rng.randint(10, 99)}@example.org"
        if "phone" in parameter:
            return f"{self.rng.randint(200, 989)}-555-{self.rng.randint(1000, 9999)}"
        choices = [f for f in self.fitting(parameter) if _is(f.fact.value, spec)]
        if parameter.startswith("new_") and call.arguments:
            choices = self._instead(choices, [str(value) for value in call.arguments.values()])
        if choices := self._suited(choices, call, used):
            chosen = self.rng.choice(choices)
            call.rows.append(chosen.row)
            amount = _amount(chosen.fact.value, self.rng)
            return amount * 100 if self.contrary and not isinstance(amount, str) else amount
        if kind in ("integer", "number"):
            return self.rng.randint(1, 3)
        return None if parameter.endswith("_id") else self.rng.choice(NOTES)

    def _list(self, parameter: str, spec: dict[str, Any], call: _Call) -> Any:
        if spec.get("items", {}).get("type") != "string":
            own = (f.fact.holder.get(parameter) for f in self.found if f.row in call.rows)
            return next((value for value in own if isinstance(value, list)), None)
        choices = [f for f in self.fitting(parameter) if isinstance(f.fact.value, str)]
        old = [value for value in call.arguments.values() if isinstance(value, list)]
        if parameter.startswith("new_") and old:
            chosen = []
            for item in old[-1]:
                if not (instead := self._instead(choices, [str(item)])):
                    return None
                chosen.append(self.rng.choice(instead).fact.value)
            return chosen
        names = list(dict.fromkeys(f.fact.value for f in self._suited(choices, call, set())))
        if not names:
            return None
        many = 1 if self.rng.random() < 0.7 and "payment" not in parameter else 2
        return self.rng.sample(names, min(len(names), many))

    def _suited(self, choices: list[Found], call: _Call, used: set[str]) -> list[Found]:
        """The choices that belong with what was chosen before, and else those that were not used yet and whose status
        or kind the tool's text names, unless the generator does not read it. After feedback it reads: then none may be
        left."""
        if beside := [f for f in choices if f.row in call.rows]:
            choices = beside
        else:
            fresh = [f for f in choices if str(f.fact.value) not in used]
            choices = fresh if self.feedback else fresh or choices
        named = [f for f in choices if self.is_named(f, call.schema)]
        if self.contrary:  # in a state that the tool's text does not name, where it names states at all
            other = [f for f in choices if self._states(f) and not self.is_named(f, call.schema)]
            return other if other and self.has_states(call.schema, properties(call.schema)) else choices
        tool = call.schema["function"]["name"]
        if not self.feedback and self.dice.slips("generator picks a row without reading its status", tool):
            return choices
        reads_now = self.feedback and not call.rows and any(f.fact.value == f.row[1] for f in choices)
        return named if reads_now else named or choices

    def has_states(self, schema: Schema, parameters: Iterable[str]) -> bool:
        """Whether the text of a tool names the state of anything that fits one of these parameters."""
        return any(self.is_named(f, schema) for f in self.found if any(fits(p, f.fact.key) for p in parameters))

    def is_named(self, found: Found, schema: Schema) -> bool:
        """Whether the text of a tool names the state or kind that a thing is in."""
        text = f"{words(schema['function']['name'])} {schema['function']['description']}".lower()
        return any(re.search(rf"\b{re.escape(state)}s?\b", text) for state in self._states(found))

    def _states(self, found: Found) -> list[str]:
        """The words for what state or kind a thing is in."""
        (table, key), fact = found.row, found.fact
        holder = fact.holder if fact.value != key else self.context["records"][table][key]
        kinds = ("type", "source", "kind")
        return [words(v).lower() for k, v in holder.items() if isinstance(v, str) and ("status" in k or k in kinds)]

    def _instead(self, choices: list[Found], chosen: list[str]) -> list[Found]:
        """Choices that can stand in for a chosen thing: of a row that the thing names, and not the thing itself."""
        holders = [f.fact.holder for f in self.found if str(f.fact.value) in chosen and f.fact.holder]
        named = {value for holder in holders for value in holder.values() if isinstance(value, str)}
        other = [f for f in choices if f.row[1] in named and f.fact.value not in named]
        return [f for f in other if False not in f.fact.holder.values()] or other


def _either(description: str) -> list[str]:
    """Values that a docstring offers in quotes: "either 'a' or 'b'" """
    return re.findall(r"'([^']+)'", description) if "either" in description else []


def _is(value: Any, spec: dict[str, Any]) -> bool:
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float)}
    return not isinstance(value, bool) and isinstance(value, kinds.get(str(spec.get("type", "string")), (str,)))


def _amount(value: Any, rng: Any) -> Any:
    """Part of a quantity in the records: round hundreds of points, or the value itself."""
    return rng.randrange(100, value + 1, 100) if isinstance(value, int) and value >= 200 else value
