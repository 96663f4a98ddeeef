"""The scripted generator: fills the sampled tools' arguments from the records shown and words an instruction.

It reads docstrings and rows like somebody in a hurry: it prefers rows whose status a tool's text names, but knows
nothing of dates, limits and other rules; those it learns from the feedback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...world.values import facts, singular
from . import grammar
from .arguments import Filler, Row, values
from .grammar import Language, by_name, describe, identifies, means_user, required, say, words
from .policy_reading import forbids
from .user import Slips

DENYING = ("forbidden", "missing tool", "change of mind")
TRIES = 6
Calls = list[dict[str, Any]]
NOTHING_ELSE = 0.5  # of the forbidden tasks, how many have no other wish, so that nothing at all may change


def draft(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """The reply to a generator's question: JSON text with thought, instruction, actions and outputs, and what the kind
    of the task asks for."""
    if dice.slips("generator answers without JSON"):
        return "I would let the user ask for a change to the last order."
    writer = _Writer(context, language, dice)
    task = writer.about_the_policy() if writer.kind == "no tool" else writer.task()
    return json.dumps(task, ensure_ascii=False)


def merge(context: dict[str, Any], language: Language, dice: Slips) -> str:
    """The reply to a question for one instruction of several: who the user is once, then all that is wanted."""
    if dice.slips("generator answers without JSON"):
        return "I would put the three visits into one."
    said = [grammar.sentences(str(instruction)) for instruction in context["instructions"]]
    who = [sentence for sentence in said[0] if not grammar.asks(sentence)]
    wishes = list(dict.fromkeys(sentence for one in said for sentence in one if grammar.asks(sentence)))
    if not context["feedback"] and dice.slips("generator drops a wish when it recombines"):
        wishes = wishes[:-1]
    return json.dumps({"thought": "All of it in one visit.", "instruction": " ".join([*who, *wishes])})


class _Writer(Filler):
    """Chooses the actions, asks a question, and words the instruction."""

    def __init__(self, context: dict[str, Any], language: Language, dice: Slips) -> None:
        super().__init__(context, dice)
        self.language, self.kind = language, str(context["kind"]).partition(":")[0]
        self.level = str(context["difficulty"]).partition(":")[0]
        self.previous: dict[str, Any] = context["previous"] or {}
        walk = [name for name in context["walk"] if name in by_name(context["writes"])]
        self.writing = [*walk, *context["spare"]]
        # where one wish comes to nothing, the walk has one tool more than there are actions
        self.wishes, self.refused = (walk[:-1], walk[-1:]) if self.kind in DENYING else (walk, [])

    def task(self) -> dict[str, Any]:
        """A task with tools."""
        denied = self.denied()
        if denied and self._asks_only() and (questions := self.questions([], denied)):
            return self._task([], denied, questions, [])
        actions = self.actions(denied)
        if self.kind == "missing tool" and denied:
            actions = [action for action in actions if action["name"] != denied[0]["name"]]
        withheld = self.withheld(actions) if self.kind == "missing detail" else []
        return self._task(actions, denied, self.questions(actions, denied), withheld)

    def _asks_only(self) -> bool:
        """Whether the user of a forbidden task only asks something besides; the plan for another attempt keeps it."""
        if self.kind != "forbidden":
            return False
        return not self.previous["actions"] if self.previous else self.dice.draw("asks only").random() < NOTHING_ELSE

    def _task(self, actions: Calls, denied: Calls, questions: dict[str, str], withheld: list[str]) -> dict[str, Any]:
        return {
            "thought": f"The user could want {' and '.join(words(a['name']) for a in actions) or 'to know something'}.",
            "instruction": self.instruction(actions, denied, list(questions), withheld),
            "actions": actions,
            "outputs": list(questions.values()),
            "denied": denied,
            "withheld": withheld,
        }

    def actions(self, denied: Calls) -> Calls:
        """New actions for the tools of the walk; after feedback, the earlier ones with those replaced that it names."""
        taken = values(denied)
        if not self.previous:
            made: Calls = []
            for name in self.wishes:
                made += self.fill(name, taken | values(made))
            return made or (self._replace("", taken) if self.kind in ("tool error", "change of mind") else [])
        kept, used = [], taken | values(self.previous["actions"])
        for number, action in enumerate(self.previous["actions"], 1):
            if action["name"] not in self.schemas:
                continue
            named = f"action {number}" in self.feedback or f"of {action['name']}" in self.feedback
            if not named and "depend on their order" not in self.feedback:
                kept.append(action)
                continue
            # what was refused may be refused again: as often as not it is another wish that is tried
            instead = self.fill(action["name"], used) if self.rng.random() < 0.5 else []
            kept += instead if instead and instead[0] != action else self._replace(action["name"], used, kept)
        if self.kind == "parallel calls" and len(kept) < 2:
            kept += self._replace(kept[0]["name"] if kept else "", used, kept)
        return kept or self._replace("", taken)

    def _replace(self, name: str, used: set[str], beside: Sequence[dict[str, Any]] = ()) -> Calls:
        """A call of another writing tool, where the records allow none of this one; none that changes again what one
        beside it changes."""
        others = [other for other in self.writing if other != name]
        self.rng.shuffle(others)
        made = (call for other in others for call in self.fill(other, used))
        return next(([call] for call in made if not any(_same_thing(call, known) for known in beside)), [])

    def denied(self) -> Calls:
        """The wish that must come to nothing: what a tool is not for where it is forbidden, else any call."""
        if self.kind not in DENYING:
            return []
        earlier: Calls = self.previous.get("denied", [])
        if earlier and not any(_is_named_in(self.feedback, action) for action in earlier):
            return list(earlier)
        others = [name for name in self.writing if name not in (*self.wishes, *self.refused)]
        names = [*self.refused, *others, *self.wishes]
        if earlier:
            self.rng.shuffle(names)
        if "only a rule" in str(self.context["kind"]) and (call := self._against_a_rule(names, earlier)):
            return [call]
        self.contrary = self.kind == "forbidden"
        found = [call for name in names for call in self.fill(name, values(earlier)) if call not in earlier]
        if self.contrary:  # a tool with rows that it is not for first: what else should refuse the wish?
            schemas = self.schemas
            found.sort(key=lambda call: not self.has_states(schemas[call["name"]], required(schemas[call["name"]])))
        self.contrary = False
        return found[:1]

    def _against_a_rule(self, names: list[str], earlier: Calls) -> dict[str, Any] | None:
        """A call that the rules shown forbid, of a tool that may well carry it out; None where none is found."""
        policy = self._policy()
        tried = (call for name in names * TRIES for call in self.fill(name, values(earlier)) if call not in earlier)
        for call in tried:
            said = [fact.value for fact in facts(call["arguments"])]
            rows = [f.fact.holder for f in self.found if f.fact.value in said and f.fact.value in f.row]
            if forbids(policy, self.schemas[call["name"]], call["arguments"], rows):
                return call
        return None

    def _policy(self) -> str:
        return "\n\n".join(map(str, self.context["rules"])) or str(self.context["policy"])

    def withheld(self, actions: Calls) -> list[str]:
        """A detail of an action that the records do not hold; where no action has one, another action is added."""
        earlier = self.previous.get("withheld", [])
        details = self._details(actions)
        if earlier and set(earlier) <= set(details) and "withheld" not in self.feedback:
            return list(earlier)
        details = [detail for detail in details if detail not in earlier]
        for _ in range(TRIES):
            if details:
                break
            more = self._replace("", values(actions), actions)
            if details := [detail for detail in self._details(more) if detail not in earlier]:
                actions[:] = [*actions[:1], *more] if actions and actions[0] != more[0] else more
        return [self.rng.choice(details)] if details else []

    def _details(self, actions: Calls) -> list[str]:
        known = {str(f.fact.value) for f in self.found}
        found = []
        for action in actions:
            schema, mentions = self.schemas[action["name"]], self._mentions(action["arguments"])
            for name in self.language.optional(schema, mentions):
                is_id = name.endswith(("_id", "_ids"))
                if not is_id and name in required(schema) and str(action["arguments"][name]) not in known:
                    found.append(mentions[name])
        return [mention for mention in found if len(mention) > 2]

    def about_the_policy(self) -> dict[str, Any]:
        """A task that needs no tool: what the policy itself answers."""
        found = grammar.passages(self._policy())
        asked = {
            name: figures[0].strip()
            for name, text in found.items()
            if (figures := re.findall(r"(?<![\w.-])\$?\d[\d,.]*\d?(?: [a-z]+)?|'[a-z ]+'", text)) and len(text) < 400
        }
        chosen = self.rng.sample(sorted(asked), min(len(asked), 1 if self.level == "easy" else 2))
        questions = [f"You want to know the rule on {name}." for name in chosen]
        return {
            "thought": "The policy itself answers this.",
            "instruction": " ".join([*self._who(), grammar.CHAT, *questions]),
            "actions": [],
            "outputs": [asked[name].strip("'") for name in chosen],
        }

    def questions(self, actions: Calls, denied: Calls) -> dict[str, str]:
        """At most one question with its answer, from a row that no action touches."""
        if actions and self.previous and not self.previous["outputs"]:
            return {}
        rare = {"easy": 0.15, "hard": 0.7}.get(self.level, 0.5)
        if actions and not self.previous and self.dice.draw("asks").random() > rare:
            return {}
        touched = values([*actions, *denied])
        touched |= {"my account"} if self.user in touched else set()
        things = [thing for thing in self._things() if thing[0] not in touched]
        if not things:
            return {}
        name, key, value = self.rng.choice(things)
        wrong = isinstance(value, int | float) and "output" not in self.feedback
        if wrong and self.dice.slips("generator miscalculates an output"):
            value = round(value + self.rng.choice((5, 10, 20)), 2)
        return {f"You want to know the {words(key)} of {name}.": str(value)}

    def _things(self) -> Iterator[tuple[str, str, Any]]:
        """What can be asked for: fields of rows that others name, and of the user's own."""
        records = self.context["records"]
        for table, rows in records.items():
            for row_id, row in rows.items():
                told = [(key, value) for key, value in row.items() if _tellable(key, value)]
                if len(rows) > 1 and any(row_id in str(other) for other in records.values() if other is not rows):
                    yield from ((row_id, key, value) for key, value in told)
                elif row_id == self.user:
                    yield from (("my account", key, value) for key, value in told if singular(table) != key)

    def instruction(self, actions: Calls, denied: Calls, questions: list[str], withheld: list[str]) -> str:
        """The instruction: who the user is, one sentence a wish, one a question, and how to go about it."""
        wishes = [f"You want to {self._clause(action, n, withheld)}." for n, action in enumerate(actions)]
        # a wish that comes to nothing is told by ids, so that it can be recognised in the conversation
        refused = [self.language.exactly(self.schemas[call["name"]], call["arguments"]) for call in denied]
        if self.kind == "change of mind":
            wishes = [*(f"You first want to {clause}." for clause in refused), grammar.CHANGE, *wishes]
        else:
            place = self.rng.randint(0, len(wishes))
            wishes[place:place] = [f"You want to {clause}." for clause in refused]
        manner = {"parallel calls": [grammar.TOGETHER], "missing detail": [grammar.HOLD_BACK]}.get(self.kind, [])
        return " ".join([*self._who(), *manner, *wishes, *questions])

    def _clause(self, action: dict[str, Any], number: int, withheld: list[str]) -> str:
        schema, mentions = self.schemas[action["name"]], self._mentions(action["arguments"])
        optional = [name for name in self.language.optional(schema, mentions) if mentions[name] not in withheld]
        forgets = "generator leaves a detail out of the instruction"
        if optional and "instruction" not in self.feedback and self.dice.slips(forgets, str(number)):
            del mentions[self.rng.choice(optional)]
        return self.language.clause(schema, mentions)

    def _who(self) -> list[str]:
        """Who the user is, and what the tools that identify people ask for."""
        tables: dict[str, dict[str, Any]] = self.context["records"]
        row: dict[str, Any] = next((rows[self.user] for rows in tables.values() if self.user in rows), {})
        known: dict[str, Any] = {}
        for fact in facts(row):
            known.setdefault(fact.key, fact.value)
        ways = [required(s) for s in self.schemas.values() if identifies(s) and all(p in known for p in required(s))]
        told = {words(p): known[p] for p in self.dice.draw("identity").choice(ways)} if ways else {"id": self.user}
        identity = ", your ".join(f"{name} is {value}" for name, value in told.items())
        return [f"You are {self.context['persona']}.", f"Your {identity}."]

    def _mentions(self, arguments: dict[str, Any]) -> dict[str, str]:
        """How each argument is said: things that have a name by their name, where it is unmistakable; by their ids
        where the task is to be easy."""
        rows = {f.row for f in self.found for v in arguments.values() if isinstance(v, str) and f.row[1] == v}
        said = {}
        for parameter, value in arguments.items():
            if not means_user(parameter):
                items = value if isinstance(value, list) and all(isinstance(v, str) for v in value) else [value]
                said[parameter] = " and ".join(self._mention(parameter, item, rows) for item in items)
        return said

    def _mention(self, parameter: str, value: Any, rows: set[Row]) -> str:
        named = {"easy": 0.1, "medium": 0.6}.get(self.level, 1.0)
        is_id = parameter.endswith(("_id", "_ids"))
        if not is_id or self.dice.draw(f"name/{parameter}/{value}").random() > named:
            return say(value)
        same = self.fitting(parameter)
        own = [f for f in same if f.fact.value == value and f.row[1] != value and describe(f.fact.holder)]
        if not own:
            return say(value)
        name, near = describe(own[0].fact.holder), rows if own[0].row in rows else {own[0].row}
        taken = {f.fact.value for f in same if f.row in near and describe(f.fact.holder) == name}
        return name if taken <= {value} and not re.search(r"[;:|]", name) else say(value)


def _is_named_in(text: str, action: dict[str, Any]) -> bool:
    """Whether feedback names a call."""
    told = (json.dumps(value, ensure_ascii=False) for value in action["arguments"].values())
    return f"{action['name']}(" in text and all(value in text for value in told)


def _same_thing(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two calls of one tool are about the same things."""
    ids = [{k: v for k, v in call["arguments"].items() if k.endswith(("_id", "_ids"))} for call in (one, other)]
    return bool(one["name"] == other["name"] and ids[0] == ids[1])


def _tellable(key: str, value: Any) -> bool:
    if isinstance(value, bool) or key.endswith("id") or value in (None, ""):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 30 and "status" in key)
