"""Tool calls that a model wrote into its text, since the server that runs it has no parser for them or is not told to
use it. Read is what can mean one thing only: every name is a known tool, every argument has a name and a value. Nothing
is evaluated, nothing repaired."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..records import ToolCall
from .reply_json import Unparsable, load_json, objects_in
from .spoken import CALL_MARK, find_mark, may_hold_marks

MOST, LONGEST = 64, 20_000  # calls in one message; characters of calls in Python's form, whose parser is not linear
_NAMES = ("name", "tool_name", "function", "tool")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input")
_INNER = ("tool_calls", "tool_call", "function_call", "function")
_IS = r"(?:=|[ \t]+name[ \t]*=[ \t]*)[\"']?([\w.:-]+)[\"']?[^<>\n]*>"
_FUNCTION = re.compile(r"<((?:\w+:|[|｜]\w+[|｜])?(?:function|invoke))" + _IS)
_PARAMETER = re.compile(r"<((?:\w+:|[|｜]\w+[|｜])?param(?:eter)?)" + _IS)
_PAIR = re.compile(r"\s*<arg_key>([^<]*)</arg_key>\s*<arg_value>")
_NAMED = re.compile(r"(?:function\s+)?(?:functions[.:])?([\w.-]+?)(?::\d+)?\s*(?=\{)")
_FENCE, _OPENING = re.compile(r"```\w*"), re.compile(r"(?:```\w*|\[)\s*\Z")
_OBJECT = re.compile(r"(?:\[\s*)?\{\s*\"")
_CALL_ID = re.compile(r"\[CALL_ID\]\s*[\w-]*")
_STRICT = json.JSONEncoder(allow_nan=False)  # made once: that takes longer than most arguments do
_BETWEEN = " \t\r\n,;"  # what stands between calls

Calls = list[tuple[str, dict[str, Any]]]


class WrittenCall(ValueError):
    """A text holds a tool call that cannot be read for certain."""


def read_calls(
    text: str, tools: Sequence[Mapping[str, Any]], known: tuple[ToolCall, ...] = ()
) -> tuple[str, tuple[ToolCall, ...]]:
    """What a text says before its calls of these tools (in the OpenAI function format), and the calls, without ids. No
    calls where it only speaks about tools; those `known` where its server has read them, which may leave marks or a
    copy of them in the text. WrittenCall where it calls one in a way that cannot be read for certain, or another."""
    mark = find_mark(CALL_MARK, text) if may_hold_marks(text) else None
    if mark is None and (known or not _may_call(text, tools)):
        return text, known
    schemas = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}
    start = mark.start() if mark is not None else _call_begins(text, schemas)
    if start is None:
        return text, ()
    bare = known and not CALL_MARK.sub("", text[start:]).strip()
    calls = [] if bare else _calls_in(text[start:], schemas)
    if calls is None or len(calls) > MOST or (known and any(call not in map(_pair, known) for call in calls)):
        raise WrittenCall
    lead = _OPENING.sub("", text[:start][-200:])
    said = text[: max(start - 200, 0)] + lead
    return said.strip(), known or tuple(ToolCall(id="", name=name, arguments=given) for name, given in calls)


def _may_call(text: str, tools: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a text without marks holds what begins as an object with a call does, or as a call in Python's form."""
    if "{" in text and _OBJECT.search(text) is not None:
        return True
    if text.count("(") == text.count(" ("):  # as sentences have them; a call's stands behind its name
        return False
    return any(f"{tool['function']['name']}(" in text for tool in tools)


def _pair(call: ToolCall) -> tuple[str, dict[str, Any] | None]:
    return call.name, call.arguments


def _calls_in(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """The calls of a text that begins with one; None when any of it cannot be read."""
    if _FUNCTION.search(text) is not None:
        return _tagged(text, schemas)
    if "<arg_key>" in text or ("<tool_call>" in text and "{" not in text and "(" not in text):
        return _paired(text, schemas)
    bare = _FENCE.sub("\n", CALL_MARK.sub("\n", _CALL_ID.sub("", text))).strip()
    return _all_json(bare, schemas) or _python(bare, schemas) or _named(bare, schemas)


def _call_begins(text: str, schemas: Mapping[str, Any]) -> int | None:
    """Where something begins that has the shape of a call without a mark: an object with a name and arguments, a list
    of such, or Python's on a line of its own."""
    names = "|".join(map(re.escape, schemas))
    line = rf"(?:^|\n)[ \t]*(?:```\w*\s*)?((?:\[\s*)?(?:{names})\((?=\s*(?:[)\"'\[{{]|\*\*|\w+\s*=)))"
    if "(" in text and (python := re.search(line, text)) is not None:
        to_the_end = text.rstrip().endswith((")", "]"))
        if to_the_end or _calls_in(text[python.start(1) :], schemas):
            return python.start(1)
    place = 0
    while (brace := _OBJECT.search(text, place)) is not None:
        try:
            value, place = json.JSONDecoder().raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            called = re.compile(rf"[\[{{\s]*\"(?:{'|'.join(_NAMES)})\"\s*:\s*\"(?:{names})\"")
            return brace.start() if called.match(text, brace.start()) else None
        if any(name for name, _ in _calls_of(value)):
            return brace.start()
    return None


def _calls_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Name and arguments of each call in a JSON value; "" as the name of what is no call."""
    if isinstance(value, list):
        for item in value:
            yield from _calls_of(item)
        return
    inner = (
        [value[name] for name in _INNER if isinstance(value.get(name), dict | list)] if isinstance(value, dict) else []
    )
    if len(inner) == 1:
        yield from _calls_of(inner[0])
        return
    names = [value[name] for name in _NAMES if isinstance(value.get(name), str)] if isinstance(value, dict) else []
    given = [value[name] for name in _ARGUMENTS if name in value] if names else []
    yield (names[0] if given else "", given[0] if len(names) == len(given) == 1 else "no arguments")


def _all_json(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """The calls of a text that is nothing but JSON: values one after another, separated by white space, `,` or `;`."""
    values = list[Any]()
    try:
        values.append(load_json(text))
    except ValueError:
        end = 0
        try:
            for start, after, value in objects_in(text):
                if text[end:start].strip(_BETWEEN) or len(values) > MOST:
                    return None
                values.append(value)
                end = after
        except Unparsable:
            return None
        if text[end:].strip(_BETWEEN):
            return None
    return _checked([call for value in values for call in _calls_of(value)], schemas)


def _checked(calls: Sequence[tuple[Any, Any]], schemas: Mapping[str, Any]) -> Calls | None:
    """The calls with their arguments read; None when there are none, a name is no tool or arguments are no object."""
    read = [(name, decoded(given)) for name, given in calls]
    known = [(name, given) for name, given in read if given is not None and name in schemas]
    return known if known and len(known) == len(read) else None


def decoded(given: Any) -> dict[str, Any] | None:
    """Arguments as an object: as one, as JSON text, or as JSON text of that text. None when they are no JSON object."""
    for _ in range(3):
        if not isinstance(given, str):
            break
        try:
            given = load_json(given) if given.strip() else {}
        except ValueError:
            return None
    if isinstance(given, dict) and all(value is None or type(value) in (str, bool) for value in given.values()):
        return given
    try:
        _STRICT.encode(given)  # NaN and infinities are no JSON and would not survive our own files
    except (ValueError, RecursionError, TypeError):
        return None
    return given if isinstance(given, dict) else {} if given is None else None


def _named(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """Calls as a name and an object: `look[ARGS]{…}`, `functions.look:0 {…}`, the marks between them gone by now."""
    calls = list[tuple[Any, Any]]()
    while (text := text.lstrip(_BETWEEN)) and len(calls) <= MOST:
        if (name := _NAMED.match(text)) is None:
            return None
        try:
            _, end = json.JSONDecoder().raw_decode(text, name.end())
        except (ValueError, RecursionError):
            return None
        calls.append((name[1], text[name.end() : end]))
        text = text[end:]
    return _checked(calls, schemas)


def _tagged(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """Calls as tags: `<function=look><parameter=id>7</parameter></function>`, or with JSON between them."""
    place, calls = 0, list[tuple[Any, Any]]()
    while (head := _FUNCTION.search(text, place)) is not None:
        end = text.find(f"</{head[1]}>", head.end())
        if end < 0 or CALL_MARK.sub("", text[place : head.start()]).strip() or len(calls) >= MOST:
            return None
        body, place = text[head.end() : end], end + len(head[1]) + 3
        tagged = _PARAMETER.search(body) is not None
        given = _values(body, schemas.get(head[2], {})) if tagged else _FENCE.sub("\n", body).strip()
        if given is None:
            return None
        calls.append((head[2], given))
    return None if CALL_MARK.sub("", text[place:]).strip() else _checked(calls, schemas)


def _values(body: str, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    place, given = 0, dict[str, Any]()
    while (head := _PARAMETER.search(body, place)) is not None:
        end = body.find(f"</{head[1]}>", head.end())
        if end < 0 or body[place : head.start()].strip() or head[2] in given or len(given) > MOST:
            return None
        try:
            given[head[2]] = _typed(body[head.end() : end], head[2], schema)
        except ValueError:
            return None
        place = end + len(head[1]) + 3
    return None if body[place:].strip() else given


def _paired(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """Calls as GLM writes them: the name, then `<arg_key>id</arg_key><arg_value>7</arg_value>` for each argument."""
    calls = list[tuple[Any, Any]]()
    first, *parts = text.split("<tool_call>", MOST + 1)
    for part in parts:
        body, _, after = part.partition("</tool_call>")
        name, opened, rest = body.partition("<arg_key>")
        given, rest = dict[str, Any](), opened + rest
        while (key := _PAIR.match(rest)) is not None:
            value, closed, rest = rest[key.end() :].partition("</arg_value>")
            try:
                given[key[1].strip()] = _typed(value, key[1].strip(), schemas.get(name.strip(), {}))
            except ValueError:
                return None
            if not closed or len(given) > MOST:
                return None
        if rest.strip() or CALL_MARK.sub("", first + after).strip():
            return None
        calls.append((name.strip(), given))
    return _checked(calls, schemas)


def _typed(text: str, name: str, schema: Mapping[str, Any]) -> Any:
    """An argument that came as bare text, by its type in the tool's schema. ValueError when it is not of it."""
    text = text.removeprefix("\n").removesuffix("\n")
    part = (schema.get("properties") or {}).get(name) or {}
    kinds = [kind.get("type") for kind in part.get("anyOf") or part.get("oneOf") or [part]]
    kinds = [one for kind in kinds for one in (kind if isinstance(kind, list) else [kind])]
    if "null" in kinds and text.strip() in ("null", "None"):
        return None
    if "string" in kinds or (kinds == [None] and "$ref" not in part):
        return text
    if "boolean" in kinds and text.strip() in ("True", "False"):
        return text.strip() == "True"
    return load_json(text)


def _python(text: str, schemas: Mapping[str, Any]) -> Calls | None:
    """Calls in Python's form, `[look(id="7")]`: parsed, and literals alone are read of it."""
    if len(text) > LONGEST or not re.match(r"\[?\s*[\w.]+\(", text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a stranger's back-slashes
            body = ast.parse(text, mode="eval").body
            nodes = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
            calls = [_python_call(node) for node in nodes]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return _checked(calls, schemas)


def _python_call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    if not isinstance(node, ast.Call) or node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("no call with named arguments")
    function = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "call" else node.func
    if not isinstance(function, ast.Name):
        raise ValueError("no plain name")
    given = {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    return function.id, given


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in ("true", "false", "null"):
        return load_json(node.id)
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {_key(key): _literal(value) for key, value in zip(node.keys, node.values, strict=True)}
    value = ast.literal_eval(node)
    if not isinstance(value, str | int | float | None):
        raise ValueError("no JSON")
    return value


def _key(node: ast.expr | None) -> str:
    key = ast.literal_eval(node) if node is not None else None
    if not isinstance(key, str):
        raise ValueError("no JSON")
    return key
