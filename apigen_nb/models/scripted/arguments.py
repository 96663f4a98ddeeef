"""How the scripted generator fills a tool's arguments from the records it is shown."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ...world.values import Fact, facts, fits
from .grammar import Schema, means_user, properties, required, words
from .user import Slips

STREETS = ("Maple Street", "Harbour Road", "Mill Lane", "Station Avenue", "Orchard Way")
NOTES = ("please handle this soon", "as discussed before", "nothing special")


class Found(NamedTuple):
    """A fact of the records and the row it stands in."""

    fact: Fact
    row: tuple[str, str]


class Filler:
    """The records of one question and the calls that can be made of them. `context` is the generator's."""

    def __init__(self, context: dict[str, Any], dice: Slips) -> None:
        self.context, self.dice = context, dice
        self.rng = dice.draw("write")
        self.schemas: dict[str, Schema] = {schema["function"]["name"]: schema for schema in context["tools"]}
        self.feedback = str(context["feedback"])
        self.user = str(context["user"])
        self.contrary = False  # whether rows are wanted that a tool is not for
        self.found = [
            Found(fact, (table, key))
            for table, rows in context["records"].items()
            for key, row in rows.items()
            for fact in facts({table: {key: row}})
        ]

    def fill(self, name: str, used: set[str]) -> list[dict[str, Any]]:
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
            amount = _amount(chosen.fact.value, self.rng)
            return amount * 100 if self.contrary and not isinstance(amount, str) else amount
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
        if self.contrary:
            return self._unsuited(choices, schema)
        if not self.feedback and self.dice.slips(
            "generator picks a row without reading its status", schema["function"]["name"]
        ):
            return choices
        named = [f for f in choices if self._is_named(f, schema)]
        reads_now = bool(self.feedback) and not rows and any(f.fact.value == f.row[1] for f in choices)
        return named if reads_now else named or choices

    def _is_named(self, found: Found, schema: Schema) -> bool:
        text = f"{words(schema['function']['name'])} {schema['function']['description']}".lower()
        return any(re.search(rf"\b{re.escape(state)}s?\b", text) for state in self._states(found))

    def _unsuited(self, choices: list[Found], schema: Schema) -> list[Found]:
        """The choices in a state that the tool's text does not name, where it names states at all."""
        named = [f for f in self.found if fits_any(f, schema) and self._is_named(f, schema)]
        other = [f for f in choices if self._states(f) and not self._is_named(f, schema)]
        return other if named and other else choices

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


def fits_any(found: Found, schema: Schema) -> bool:
    """Whether a fact fits any parameter of a tool."""
    return any(fits(parameter, found.fact.key) for parameter in properties(schema))


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
