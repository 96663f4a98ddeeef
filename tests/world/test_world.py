"""A fork behaves as a full copy of the database would: properties on a tiny domain and on the built-in ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from apigen_nb.records import Action, canonical
from apigen_nb.world.domain import Domain, builtin_domains, copy_json
from apigen_nb.world.world import Database, Refusal, Runnable, ToolBug, World, digest

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Fn:
    """The least that a world asks of a tool."""

    run: Callable[[Any, dict[str, Any]], Any]
    writes: bool = False
    check: Callable[[dict[str, Any]], dict[str, Any]] = copy_json


# --- a tiny domain


def row_of(db: Any, arguments: dict[str, Any], key: str = "id") -> Any:
    rows = db[arguments["table"]]
    if arguments[key] not in rows:
        raise Refusal("no such row")
    return rows[arguments[key]]


def look(db: Any, arguments: dict[str, Any]) -> Any:
    return row_of(db, arguments)


def scan(db: Any, arguments: dict[str, Any]) -> Any:
    rows = db[arguments["table"]]
    assert list(rows) == list(rows.keys()) == [key for key, _ in rows.items()]
    assert len(rows) == len(list(rows.values()))
    return [[key, row, key in rows, rows.get(key)] for key, row in rows.items()]


def put(db: Any, arguments: dict[str, Any]) -> Any:
    db[arguments["table"]][arguments["id"]] = {"n": arguments["n"], "log": [], "in": {"deep": [arguments["n"]]}}
    # Sorted: a dictionary would have moved a row that was deleted before to the end.
    return sorted(db[arguments["table"]])


def bump(db: Any, arguments: dict[str, Any]) -> Any:
    row = row_of(db, arguments)
    row["n"] += arguments["n"]
    row["log"].append(arguments["n"])
    row["in"]["deep"][0] = len(row["log"])
    return row


def unbump(db: Any, arguments: dict[str, Any]) -> Any:
    row = row_of(db, arguments)
    row["in"]["deep"][0] -= 1
    if not row["log"]:
        raise Refusal("nothing to take back")
    row["n"] -= row["log"].pop()
    return row


def drop(db: Any, arguments: dict[str, Any]) -> Any:
    row_of(db, arguments)
    del db[arguments["table"]][arguments["id"]]
    return arguments["id"] in db[arguments["table"]]


def rename(db: Any, arguments: dict[str, Any]) -> Any:
    row = row_of(db, arguments)
    del db[arguments["table"]][arguments["id"]]
    if arguments["other"] in db[arguments["table"]]:
        raise Refusal("taken")
    db[arguments["table"]][arguments["other"]] = row


def move(db: Any, arguments: dict[str, Any]) -> Any:
    source = row_of(db, arguments)
    source["n"] -= arguments["n"]
    target = row_of(db, arguments, "other")
    target["n"] += arguments["n"]
    if source["n"] < 0:
        raise Refusal("not enough")
    return [source, target]


def link(db: Any, arguments: dict[str, Any]) -> Any:
    row, other = row_of(db, arguments), row_of(db, arguments, "other")
    row["in"] = other["in"]
    other["in"]["deep"].append(arguments["n"])
    return row


def touch(db: Any, arguments: dict[str, Any]) -> Any:
    db[arguments["table"]][arguments["id"]] = row_of(db, arguments)
    return scan(db, arguments)


def raise_all(db: Any, arguments: dict[str, Any]) -> Any:
    for key, row in db[arguments["table"]].items():
        row["log"].append(arguments["n"])
        if key == arguments["id"]:
            raise Refusal("stopped at a row")
    return len(db[arguments["table"]])


def raise_values(db: Any, arguments: dict[str, Any]) -> Any:
    for row in db[arguments["table"]].values():
        row["n"] += 1
        if row["n"] == arguments["n"]:
            raise Refusal("stopped at a value")


def clear(db: Any, arguments: dict[str, Any]) -> Any:
    db[arguments["table"]].clear()
    if arguments["n"] != 1:
        raise Refusal("better not")


READS, WRITES = (look, scan), (put, bump, unbump, drop, rename, move, link, touch, raise_all, raise_values, clear)
TINY: dict[str, Runnable] = {f.__name__: Fn(f, writes=f in WRITES) for f in (*READS, *WRITES)}
TINY_BASE: Tables = {
    "cups": {key: {"n": n, "log": [1], "in": {"deep": [n]}} for n, key in enumerate("abc")},
    "jugs": {"a": {"n": 1.0, "log": [], "in": {"deep": [1.0, None, "x"]}}},
    "none": {},
}


def tiny_calls() -> st.SearchStrategy[Action]:
    ids = st.sampled_from("abcd")
    values = {"table": st.sampled_from(list(TINY_BASE)), "id": ids, "other": ids, "n": st.sampled_from([0, 1, 1.0, 2])}
    return st.builds(Action, name=st.sampled_from(list(TINY)), arguments=st.fixed_dictionaries(values))


def call(name: str, table: str = "cups", id: str = "a", other: str = "b", n: Any = 1) -> Action:
    return Action(name=name, arguments={"table": table, "id": id, "other": other, "n": n})


def tiny(**more: Runnable) -> World:
    return World(TINY_BASE, {**TINY, **more}, copy_json, copy_json)


# --- the reference: one full copy of everything for every call


class Tree:
    """Plain dictionaries in the place of `Database`."""

    def __init__(self, tables: Tables) -> None:
        self.__dict__.update(tables)

    def __getitem__(self, table: str) -> Any:
        return self.__dict__[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)


@dataclass
class Full:
    """A world without cleverness: each call works on a full copy, which replaces the database when it succeeds."""

    tables: Tables
    tools: dict[str, Runnable]
    order: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = json.loads(json.dumps(self.tables))
        self.order = self.order or {table: list(rows) for table, rows in self.tables.items()}

    def fork(self) -> Full:
        return Full(self.tables, self.tools, {table: list(keys) for table, keys in self.order.items()})

    def call(self, action: Action) -> Any:
        tool: Any = self.tools[action.name]
        trial = json.loads(json.dumps(self.tables))
        result = json.loads(json.dumps(tool.run(Tree(trial), tool.check(action.arguments))))
        for table, rows in trial.items():
            # A row that is deleted and put back keeps its place, which a dictionary does not do by itself.
            keys = self.order[table]
            keys.extend(key for key in rows if key not in keys)
            self.tables[table] = {key: rows[key] for key in keys if key in rows}
        return result


def outcome(world: World | Full, action: Action) -> str:
    try:
        return canonical(world.call(action))
    except Refusal as refusal:
        return f"refused: {refusal}"


def everything(world: World | Full) -> str:
    if isinstance(world, Full):
        return canonical(world.tables)
    view = world.database()
    return canonical({table: dict(view[table].items()) for table in view})


@dataclass(frozen=True)
class Case:
    """A database to play on, its tools, and calls of them that often succeed."""

    base: Tables
    tools: dict[str, Runnable]
    calls: st.SearchStrategy[Action]

    def world(self) -> World:
        return World(self.base, self.tools, copy_json, copy_json)


def fields(value: Any) -> Iterator[tuple[str, Any]]:
    for key, item in value.items() if isinstance(value, dict) else ():
        yield key, item
        yield from fields(item)
    for item in value if isinstance(value, list) else ():
        yield from fields(item)


def strategy_for(name: str, schema: dict[str, Any], known: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    singular = name.removeprefix("new_").removesuffix("s")
    if schema.get("type") == "array":
        return st.lists(strategy_for(singular, schema.get("items", {}), known), min_size=1, max_size=2)
    if schema.get("type") in ("integer", "number"):
        return st.sampled_from([0, 1, 2, 100, 500])
    values = known.get(name) or known.get(singular) or ["text"]
    return st.sampled_from([value for value in values if isinstance(value, str)] or ["text"])


def domain_case(name: str) -> Case:
    """A few users of a domain with everything that hangs on them, and all rows that belong to nobody."""
    domain = Domain.load(name)
    wanted, tables = set(domain.subjects[:4]), {t: dict(rows) for t, rows in domain.tables.items()}
    base: Tables = {table: {} for table in tables}
    key_names = {key for rows in tables.values() for row in rows.values() for key in row if key.endswith("_id")}
    for _ in range(3):
        for table, rows in tables.items():
            for key, row in rows.items():
                owners = {row[name] for name in key_names & row.keys() if isinstance(row[name], str)}
                if owners & wanted:
                    base[table][key] = row
                    wanted.add(key)
    for table, rows in tables.items():
        base[table] = base[table] or dict(list(rows.items())[:60])
    index = {key: row for rows in base.values() for key, row in rows.items()}
    names = {
        key: {v for _, v in fields(row) if isinstance(v, str) and v in index} - {key} for key, row in index.items()
    }
    bundles = []
    for centre in (key for key, others in names.items() if len(others) > 1):
        # A row, the rows it names and those that name it: arguments from one bundle often make a write succeed.
        known: dict[str, list[Any]] = {}
        for part in (key for key in index if key == centre or key in names[centre] or centre in names[key]):
            for key, value in fields(index[part]):
                if not isinstance(value, dict | list) and value not in known.setdefault(key, []):
                    known[key].append(value)
        bundles.append(known)

    @st.composite
    def calls(draw: st.DrawFn) -> Action:
        tool, known = draw(st.sampled_from(list(domain.tools.values()))), draw(st.sampled_from(bundles))
        schemas = tool.parameters.get("properties", {})
        arguments = {name: draw(strategy_for(name, schema, known)) for name, schema in schemas.items()}
        return Action(name=tool.name, arguments=arguments)

    return Case(copy_json(base), dict(domain.tools), calls())


def cases() -> Iterable[str]:
    return ("tiny", *builtin_domains())


CASES: dict[str, Case] = {}


@pytest.fixture(scope="module", params=cases())
def case(request: pytest.FixtureRequest) -> Case:
    if request.param not in CASES:
        made = Case(TINY_BASE, TINY, tiny_calls()) if request.param == "tiny" else domain_case(request.param)
        CASES[request.param] = made
    return CASES[request.param]


quick = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


# --- properties


@quick
@given(data=st.data())
def test_interleaved_forks_behave_as_full_copies(case: Case, data: st.DataObject) -> None:
    base = canonical(case.base)
    worlds, copies = [case.world()], [Full(case.base, case.tools)]
    for _ in range(data.draw(st.integers(1, 25), label="steps")):
        at = data.draw(st.integers(0, len(worlds) - 1), label="world")
        if len(worlds) < 5 and data.draw(st.integers(0, 4), label="fork") == 0:
            worlds.append(worlds[at].fork())
            copies.append(copies[at].fork())
            continue
        action = data.draw(case.calls)
        before = everything(worlds[at])
        said = outcome(worlds[at], action)
        assert said == outcome(copies[at], action)
        if said.startswith("refused") or not case.tools[action.name].writes:
            assert everything(worlds[at]) == before
        event(f"{'refused' if said.startswith('refused') else 'done'}: {action.name}")
    assert [everything(world) for world in worlds] == [everything(copy) for copy in copies]
    assert canonical(case.base) == base


@quick
@given(data=st.data())
def test_digests_and_deltas_are_equal_exactly_when_whole_databases_are(case: Case, data: st.DataObject) -> None:
    pair = [case.world(), case.world()]
    for world in pair:
        for action in data.draw(st.lists(case.calls, max_size=4)):
            outcome(world, action)
    one, other = pair
    same = everything(one) == everything(other)
    event(f"same: {same}")
    assert (
        canonical([c.model_dump() for c in one.delta()]) == canonical([c.model_dump() for c in other.delta()])
    ) == same
    assert (digest(one.delta()) == digest(other.delta())) == same
    assert (one.delta() == ()) == (everything(one) == canonical(case.base))


@quick
@given(data=st.data())
def test_the_delta_is_the_difference_row_by_row(case: Case, data: st.DataObject) -> None:
    world = case.world()
    for action in data.draw(st.lists(case.calls, max_size=8)):
        outcome(world, action)
    tables = copy_json(case.base)
    for change in world.delta():
        assert canonical(tables[change.table].get(change.id)) == canonical(change.before) != canonical(change.after)
        if change.after is None:
            del tables[change.table][change.id]
        else:
            tables[change.table][change.id] = change.after
    assert canonical(tables) == everything(world)


@quick
@given(first=st.lists(tiny_calls(), max_size=6), table=st.sampled_from(["cups", "jugs"]), n=st.sampled_from([1, 2]))
def test_a_write_and_its_inverse_leave_nothing_behind(first: list[Action], table: str, n: int) -> None:
    world = tiny()
    for action in first:
        outcome(world, action)
    known, key = digest(world.delta()), "a"
    if key in world.database()[table]:
        # The first entry of `deep` counts the log after the first bump, so one is made before the state is kept.
        world.call(call("bump", table, key))
        known = digest(world.delta())
        pairs = [(call("bump", table, key, n=n), call("unbump", table, key, n=n))]
        pairs += [(call("rename", table, key, "z"), call("rename", table, "z", key))]
    else:
        pairs = [(call("put", table, key), call("drop", table, key))]
    for there, back in pairs:
        world.call(there)
        assert digest(world.delta()) != known
        world.call(back)
        assert digest(world.delta()) == known


# --- single facts


def test_a_fresh_world_has_an_empty_delta_and_an_inverse_restores_it() -> None:
    world = tiny()
    assert world.delta() == ()
    for action in (
        call("put", id="z"),
        call("drop", id="z"),
        call("rename", other="q"),
        call("rename", id="q", other="a"),
    ):
        world.call(action)
    assert world.delta() == ()
    world.call(call("touch"))
    assert world.delta() == ()


def test_one_and_one_point_nought_are_different_end_states() -> None:
    whole, decimal = tiny(), tiny()
    whole.call(call("put", id="z", n=1))
    decimal.call(call("put", id="z", n=1.0))
    assert everything(whole) != everything(decimal)
    assert digest(whole.delta()) != digest(decimal.delta())
    # What the docstring of `delta` warns of:
    assert whole.delta() == decimal.delta()


def test_a_number_that_becomes_another_type_is_a_change() -> None:
    world = tiny(retype=Fn(lambda db, _: db.cups["b"].update(n=1.0), writes=True))
    world.call(Action(name="retype"))
    assert [(c.id, c.before["n"], type(c.after["n"])) for c in world.delta()] == [("b", 1, float)]


def test_a_fork_of_a_fork_goes_its_own_way() -> None:
    parent = tiny()
    parent.call(call("bump"))
    child = parent.fork()
    grandchild = child.fork()
    states = [everything(parent)]
    child.call(call("drop"))
    grandchild.call(call("bump", n=2))
    parent.call(call("put", id="z"))
    assert [c.id for c in parent.delta()] == ["a", "z"]
    assert everything(child.fork()) == everything(child)
    assert child.delta()[0].after is None
    assert grandchild.delta()[0].after["log"] == [1, 1, 2]
    assert states[0] not in (everything(parent), everything(child), everything(grandchild))


def test_a_view_of_the_database_does_not_see_later_calls() -> None:
    world = tiny()
    world.call(call("bump", n=1))
    view = world.database()
    world.call(call("bump", n=1))
    world.call(call("put", id="z"))
    assert view["cups"]["a"]["log"] == [1, 1]
    assert "z" not in view["cups"]


def test_an_unknown_tool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refusal, match="no tool 'fly'; tools are look, scan, put") as refusal:
        tiny().call(Action(name="fly"))
    assert refusal.value.kind == "unknown tool"


def test_the_result_of_a_call_is_nobodys_row() -> None:
    world = tiny()
    for action in (call("look"), call("bump")):
        world.call(action)["log"].append("scribble")
    assert "scribble" not in everything(world)
    assert "scribble" not in canonical(TINY_BASE)


def replace_table(db: Any, _: dict[str, Any]) -> None:
    db.cups = {}


@pytest.mark.parametrize(
    "scribble",
    [
        lambda db, _: db.cups.update(z={}),
        lambda db, _: db.cups.pop("a"),
        lambda db, _: db.cups.clear(),
        lambda db, _: db.cups.setdefault("z", {}),
        lambda db, _: db["none"].__setitem__("z", {}),
        lambda db, _: db.cups.__delitem__("missing"),
    ],
)
def test_a_reading_tool_that_assigns_is_a_bug(scribble: Callable[[Database, dict[str, Any]], Any]) -> None:
    world = tiny(scribble=Fn(scribble))
    with pytest.raises(ToolBug, match=r"a reading tool wrote to table '\w+'; declare it with @tool\(writes=True\)"):
        world.call(Action(name="scribble"))
    assert world.delta() == ()


@pytest.mark.parametrize("writes", [False, True])
def test_replacing_a_whole_table_is_a_bug(writes: bool) -> None:
    with pytest.raises(ToolBug, match="a tool replaced table 'cups'"):
        tiny(scribble=Fn(replace_table, writes)).call(Action(name="scribble"))


@pytest.mark.parametrize(("key", "row"), [(1, {}), (("a", "b"), {}), ("z", None)])
def test_what_a_delta_could_not_say_is_a_bug(key: Any, row: Any) -> None:
    world = tiny(scribble=Fn(lambda db, _: db.cups.__setitem__(key, row), writes=True))
    with pytest.raises(ToolBug, match="table 'cups' maps text to rows"):
        world.call(Action(name="scribble"))
    assert world.delta() == ()


def broken(db: Any, arguments: dict[str, Any]) -> Any:
    db.cups["a"]["n"] = 99
    return arguments["missing"]


def test_a_tool_that_breaks_is_a_bug_that_names_the_call_and_changes_nothing() -> None:
    world = tiny(broken=Fn(broken, writes=True))
    with pytest.raises(ToolBug, match=r'broken\(id="a"\) broke: KeyError: \'missing\'') as bug:
        world.call(Action(name="broken", arguments={"id": "a"}))
    assert isinstance(bug.value.__cause__, KeyError)
    assert world.delta() == ()


def test_a_check_that_breaks_is_a_bug_too() -> None:
    def check(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"id": arguments["missing"]}

    with pytest.raises(ToolBug, match="broke: KeyError"):
        tiny(strange=Fn(look, check=check)).call(Action(name="strange"))
