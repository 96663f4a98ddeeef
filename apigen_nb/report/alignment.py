"""A trajectory beside its groundtruth: actions against calls, expected against reached rows, outputs against what was
said. Plain values without any markup; `pieces` draws them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ..records import Action, Change, Message, ToolCall, Trajectory, canonical
from ..storage.safe_text import LONGEST
from ..world.aligned_lists import Item, align_items
from ..world.values import mentions

ABSENT = object()  # a field that is not there, which is not the same as null

Sides = tuple[Any, ...]  # a value before, as expected and as reached
Status = Literal["as expected", "different argument", "missing", "extra", "refused"]


@dataclass(frozen=True)
class CallMade:
    """A tool call of a trajectory: the index of its message, what came back, whether the tool refused it, and the index
    of the message that says so (-1 when none does)."""

    turn: int
    call: ToolCall
    result: str
    refused: bool
    answer: int = -1


@dataclass(frozen=True)
class Argument:
    """An argument of an action beside that of the call; ABSENT where one side does not have it."""

    name: str
    expected: Any
    made: Any

    @property
    def same(self) -> bool:
        return same(self.expected, self.made)


@dataclass(frozen=True)
class Pair:
    """A groundtruth action beside the call that answers it; one of them is None when it is missing or extra."""

    status: Status
    action: Action | None
    made: CallMade | None
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Field:
    """One field of one row at the end: before, as expected, as reached."""

    row: str
    path: str
    before: Any
    expected: Any
    reached: Any

    @property
    def same(self) -> bool:
        return same(self.expected, self.reached)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal JSON; ABSENT only equals itself."""
    if one is other:
        return True
    if one is ABSENT or other is ABSENT:
        return False
    return canonical(one) == canonical(other)


def calls_made(messages: Sequence[Message]) -> list[CallMade]:
    """All tool calls in order, each with its result ('' when none came back)."""
    found: list[tuple[int, ToolCall]] = []
    results: dict[int, int] = {}
    open_calls: dict[str, list[int]] = {}
    for turn, message in enumerate(messages):
        for call in message.tool_calls:
            open_calls.setdefault(call.id, []).append(len(found))
            found.append((turn, call))
        if message.role == "tool" and open_calls.get(message.tool_call_id):
            # Weak models reuse ids: the oldest unanswered call of that id gets the result.
            results[open_calls[message.tool_call_id].pop(0)] = turn
    made = []
    for number, (turn, call) in enumerate(found):
        answer = results.get(number, -1)
        result = messages[answer] if answer >= 0 else None
        made.append(CallMade(turn, call, result.content if result else "", bool(result and result.error), answer))
    return made


def _arguments(action: Action | None, made: CallMade | None) -> tuple[Argument, ...]:
    expected = action.arguments if action else {}
    given = (made.call.arguments or {}) if made else {}
    return tuple(Argument(n, expected.get(n, ABSENT), given.get(n, ABSENT)) for n in dict.fromkeys([*expected, *given]))


def align_calls(
    actions: Iterable[Action], calls: Iterable[CallMade], writes: Collection[str] = ()
) -> tuple[list[Pair], list[CallMade]]:
    """The groundtruth aligned with the calls made, and the calls that do not count (reads, transfers).

    An exact match comes first, then the call of the same tool with the most equal arguments. A call counts when its
    tool is in `writes` or in the groundtruth; one that was refused changed nothing, so it answers no action."""
    wanted = list(actions)
    counted = {action.name for action in wanted} | set(writes)
    writing = [made for made in calls if made.call.name in counted]
    free = [made for made in writing if not made.refused]
    answers: dict[int, CallMade] = {}
    for exact in (True, False):
        for number, action in enumerate(wanted):
            near = [m for m in free if m.call.name == action.name] if number not in answers else []
            if exact:
                near = [m for m in near if same(m.call.arguments, action.arguments)]
            if near:
                answers[number] = max(near, key=lambda m: sum(a.same for a in _arguments(action, m)))
                free = [m for m in free if m is not answers[number]]
    pairs = []
    for number, action in enumerate(wanted):
        made = answers.get(number)
        arguments = _arguments(action, made)
        status: Status = (
            "missing" if made is None else "as expected" if all(a.same for a in arguments) else "different argument"
        )
        pairs.append(Pair(status, action, made, arguments))
    for made in writing:
        if made.refused or any(made is m for m in free):
            pairs.append(Pair("refused" if made.refused else "extra", None, made, _arguments(None, made)))
    return pairs, [made for made in calls if made.call.name not in counted]


def changed_fields(expected: Iterable[Change], reached: Iterable[Change]) -> list[Field]:
    """Every field that was to change or did change, row by row, rows that went wrong first. A row in one delta only is
    as before in the other; what is new as a whole, such as an item of an order, is one field; so is another order of a
    list."""
    wanted, got = ({(c.table, c.id): c for c in changes} for changes in (expected, reached))
    found: list[Field] = []
    for key in dict.fromkeys([*wanted, *got]):
        before = (wanted.get(key) or got[key]).before
        want = wanted[key].after if key in wanted else before
        have = got[key].after if key in got else before
        sides = tuple(ABSENT if side is None else side for side in (before, want, have))
        found += [Field(f"{key[0]}/{key[1]}", path, *leaf) for path, leaf in _differing("", sides)]
    wrong = {field.row for field in found if not field.same}
    return sorted(found, key=lambda f: (f.row not in wrong, f.row, f.same))


def _differing(path: str, sides: Sides) -> Iterator[tuple[str, Sides]]:
    """The paths at which before, expected and reached are not all equal, as deep as they can be compared."""
    before, want, have = sides
    if same(before, want) and same(before, have):
        return
    present = [side for side in sides if side is not ABSENT]
    # Of what came or went as a whole the parts say less than the whole; a row is always taken apart.
    whole = bool(path) and len(present) < 3 and same(present[0], present[-1])
    if whole or len(kinds := {*map(type, present)}) > 1 or not kinds <= {dict, list}:
        yield path, sides
        return
    there = [n for n, side in enumerate(sides) if side is not ABSENT]
    parts, order = align_items(*present) if list in kinds else (_by_key(present), None)
    for name, part in parts:
        split = [ABSENT] * len(sides)
        for n, value in part.items():
            split[there[n]] = value
        yield from _differing(f"{path}.{name}" if path else name, tuple(split))
    if order:
        orders = dict(zip(there, order, strict=True))
        yield f"{path} (order)", tuple(orders.get(n, ABSENT) for n in range(len(sides)))


def _by_key(objects: list[dict[str, Any]]) -> list[Item]:
    keys = dict.fromkeys(key for one in objects for key in one)
    return [Item(str(key), {n: one[key] for n, one in enumerate(objects) if key in one}) for key in keys]


def message_telling(trajectory: Trajectory, output: str) -> int | None:
    """The first message of the agent that holds an expected output, as far as it is shown; None when none does."""
    said = tuple((n, m.content[:LONGEST]) for n, m in enumerate(trajectory.messages) if m.role == "assistant")
    return _first_telling(said, output[:LONGEST])


@lru_cache(maxsize=64)  # who shows a conversation asks for the same ones twice
def _first_telling(said: tuple[tuple[int, str], ...], output: str) -> int | None:
    return next((n for n, content in said if mentions(content, output)), None)
