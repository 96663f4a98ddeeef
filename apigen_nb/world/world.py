"""The copy-on-write database of one conversation.

All worlds of a domain share its base rows. A reading tool sees them as they are. A writing tool works on private copies
of the rows it touches, which replace the old ones when the call succeeds and are dropped when it is refused: a refused
call changes nothing. Rows of a world are never changed in place after that, so a fork is a copy of a small dictionary
(microseconds), and the end state of a conversation *is* its delta.
"""

from __future__ import annotations

import json
from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any, Protocol

from ..records import Action, Change, Message, ToolCall, canonical, sha

Rows = Mapping[str, Any]


class Refusal(Exception):
    """A tool says no, for a reason the agent is told. `kind` groups refusals of one sort."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind or reason


class ToolBug(Exception):
    """A tool broke in a way that is not a refusal: the domain's code is wrong, so the run stops."""


class Runnable(Protocol):
    """What a world needs to know of a tool (see `tool.Tool`)."""

    @property
    def writes(self) -> bool: ...
    def check(self, arguments: dict[str, Any]) -> dict[str, Any]: ...
    def run(self, db: Database, arguments: dict[str, Any]) -> Any: ...


UNAVAILABLE = "the service is not available at the moment; nothing was changed, try again"
_GONE: Any = object()
_MISSING: Any = object()


class Table(MutableMapping[str, Any]):
    """One table as a tool sees it: id → row, the base's rows first. In a reading call it cannot be assigned to.

    A row that is deleted and put back keeps its place; new rows come last, in the order they were added."""

    __slots__ = ("_base", "_copy", "_name", "_overlay", "_staged")

    def __init__(
        self, name: str, base: Rows, overlay: Rows, staged: dict[str, Any] | None, copy: Callable[[Any], Any]
    ) -> None:
        self._name, self._base, self._overlay, self._staged, self._copy = name, base, overlay, staged, copy

    def _rows(self) -> Rows:
        # Tools scan whole tables: untouched ones are given as they are, touched ones are merged at the speed of C.
        if not self._overlay and not self._staged:
            return self._base
        rows = {**self._base, **self._overlay, **(self._staged or {})}
        return {key: row for key, row in rows.items() if row is not _GONE}

    def __getitem__(self, key: str) -> Any:
        staged = self._staged
        row = _MISSING if staged is None else staged.get(key, _MISSING)
        if row is _MISSING:
            row = self._overlay.get(key, _MISSING)
            row = self._base[key] if row is _MISSING else row
            if staged is not None and row is not _GONE:
                row = staged[key] = self._copy(row)
        if row is _GONE:
            raise KeyError(key)
        return row

    def _writable(self) -> dict[str, Any]:
        if self._staged is None:
            raise ToolBug(f"a reading tool wrote to table {self._name!r}; declare it with @tool(writes=True)")
        return self._staged

    def __setitem__(self, key: str, row: Any) -> None:
        staged = self._writable()
        if not isinstance(key, str) or row is None:
            raise ToolBug(f"table {self._name!r} maps text to rows, found {key!r} → {type(row).__name__}")
        staged[key] = row

    def __delitem__(self, key: str) -> None:
        staged = self._writable()
        if key not in self:
            raise KeyError(key)
        staged[key] = _GONE

    def __contains__(self, key: object) -> bool:
        for rows in (self._staged, self._overlay, self._base):
            if rows and key in rows:
                return rows[key] is not _GONE  # type: ignore[index]  # key was just found in it
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    # In a writing call every row that is handed out must be a private copy, so only reading calls take the fast way.
    def items(self) -> ItemsView[str, Any]:
        return ItemsView(self) if self._staged is not None else self._rows().items()

    def values(self) -> ValuesView[Any]:
        return ValuesView(self) if self._staged is not None else self._rows().values()


class Database:
    """What a tool gets as its first argument: the tables as attributes, `db.orders["#W1"]`."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self.__dict__.update(tables)

    def __setattr__(self, name: str, value: Any) -> None:
        raise ToolBug(f"a tool replaced table {name!r}; change its rows instead, the assignment would be lost")

    def __getitem__(self, table: str) -> Table:
        found: Table = self.__dict__[table]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)


class World:
    """One conversation's database: `call` a tool, `fork` it, ask for its delta.

    `base` is table → id → row and is never changed. `copy` makes a private copy of a row, `dump` turns a row or a
    tool's result into plain JSON values. The first call of each tool in `failing` is refused as `UNAVAILABLE`."""

    __slots__ = ("_base", "_copy", "_dump", "_failing", "_overlay", "_tools")

    def __init__(
        self,
        base: Mapping[str, Rows],
        tools: Mapping[str, Runnable],
        copy: Callable[[Any], Any],
        dump: Callable[[Any], Any],
        failing: frozenset[str] = frozenset(),
    ) -> None:
        self._base, self._tools, self._copy, self._dump, self._failing = base, tools, copy, dump, failing
        self._overlay: dict[str, Rows] = {}

    def fork(self) -> World:
        """A world in the same state that goes its own way from here."""
        other = World(self._base, self._tools, self._copy, self._dump, self._failing)
        other._overlay = dict(self._overlay)
        return other

    def database(self) -> Database:
        """The current rows, to look at; calls made later do not show in it."""
        return self._view(None)

    def _view(self, staged: dict[str, dict[str, Any]] | None) -> Database:
        nothing: dict[str, Any] = {}
        return Database(
            {
                name: Table(
                    name,
                    rows,
                    self._overlay.get(name, nothing),
                    None if staged is None else staged.setdefault(name, {}),
                    self._copy,
                )
                for name, rows in self._base.items()
            }
        )

    def call(self, action: Action) -> Any:
        """Run a tool and give back its result as plain JSON values. Refusal when the tool does not exist, does not
        take these arguments or says no; ToolBug when it breaks."""
        tool = self._tools.get(action.name)
        if tool is None:
            raise Refusal(f"no tool {action.name!r}; tools are {', '.join(self._tools)}", kind="unknown tool")
        if action.name in self._failing:
            self._failing -= {action.name}
            raise Refusal(UNAVAILABLE, kind="tool error")
        staged: dict[str, dict[str, Any]] | None = {} if tool.writes else None
        try:
            result = self._dump(tool.run(self._view(staged), tool.check(action.arguments)))
        except (Refusal, ToolBug):
            raise
        except Exception as error:
            raise ToolBug(f"{action} broke: {type(error).__name__}: {error}") from error
        for name, rows in (staged or {}).items():
            if rows:
                # A new dictionary: forks and earlier views of the database share the old one.
                self._overlay[name] = {**self._overlay.get(name, {}), **rows}
        return result

    def delta(self) -> tuple[Change, ...]:
        """The rows that differ from the base, by table and id: the end state of a conversation.

        Two worlds of a domain have deltas of the same `digest` exactly when their whole databases are equal as
        `canonical` JSON. Compare digests: Python's `==` takes 1, 1.0 and True for the same."""
        changes = []
        for table in sorted(self._overlay):
            base = self._base[table]
            for key in sorted(self._overlay[table]):
                row = self._overlay[table][key]
                before = self._dump(base[key]) if key in base else None
                after = None if row is _GONE else self._dump(row)
                # equal by `repr` is equal as JSON, and cheap to see: tools scan tables, and most rows stay as they were
                if repr(before) != repr(after) and canonical(before) != canonical(after):
                    changes.append(Change(table=table, id=key, before=before, after=after))
        return tuple(changes)


def digest(delta: tuple[Change, ...]) -> str:
    """A SHA-256 of an end state: equal for two deltas over one base exactly when the end states are equal."""
    return sha([[c.table, c.id, c.after] for c in delta], length=64)


def run_tool_call(world: World, call: ToolCall) -> Message:
    """Run one tool call of an agent and give back the tool's message. A call that is not JSON, or that is refused, is
    an error message to the agent; a broken tool (ToolBug) is loud."""
    if call.arguments is None:
        text = f"Error: the arguments of {call.name} are not a JSON object: {call.raw[:200]}"
        return Message(role="tool", content=text, tool_call_id=call.id, error=True)
    try:
        result = world.call(Action(name=call.name, arguments=call.arguments))
    except Refusal as refusal:
        return Message(role="tool", content=f"Error: {refusal}", tool_call_id=call.id, error=True)
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return Message(role="tool", content=text, tool_call_id=call.id)
