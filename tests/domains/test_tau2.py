"""tau2's domains behave in our world as in tau2's own environment: every gold task, every action, every end state."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from apigen_nb.domains.tau2 import adapter as tau2
from apigen_nb.records import Action
from apigen_nb.world.domain import Domain, DomainError, builtin_domains
from apigen_nb.world.world import Refusal, ToolBug, World, digest

try:
    tau2.gold_tasks("retail")
except DomainError as error:
    pytest.skip(str(error), allow_module_level=True)

from tau2.data_model.message import ToolCall
from tau2.environment.environment import Environment


@dataclass(frozen=True)
class Replay:
    """What came of every task: the outcome of each action as (is an error, text for the agent), and the end state."""

    outcomes: dict[str, list[tuple[bool, str]]]
    states: dict[str, str]


def environments(name: str) -> Any:
    """A function that makes tau2's own environment on a database of its own, parsed from the same values."""
    module = tau2._module(name)
    database = module.get_environment().tools.db
    values = database.model_dump()
    return lambda: module.get_environment(db=type(database).model_validate(values))


def in_tau2(environment: Environment, actions: tuple[Action, ...]) -> list[tuple[bool, str]]:
    calls = [ToolCall(id="", name=a.name, arguments=a.arguments, requestor="assistant") for a in actions]
    answers = [environment.get_response(call) for call in calls]
    return [(answer.error, answer.content) for answer in answers]


def in_world(world: World, actions: tuple[Action, ...]) -> list[tuple[bool, str]]:
    outcomes = []
    for action in actions:
        try:
            result = world.call(action)
            outcomes.append((False, result if isinstance(result, str) else json.dumps(result)))
        except Refusal as refusal:
            outcomes.append((True, f"Error: {refusal}"))
    return outcomes


@pytest.fixture(scope="module", params=tau2.NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def domain(name: str) -> Domain:
    return Domain.load(f"tau2:{name}")


@pytest.fixture(scope="module")
def theirs(name: str) -> Replay:
    fresh, replay = environments(name), Replay({}, {})
    for task, actions, *_ in tau2.gold_tasks(name):
        environment = fresh()
        replay.outcomes[task] = in_tau2(environment, actions)
        replay.states[task] = environment.get_db_hash()
    return replay


@pytest.fixture(scope="module")
def ours(name: str, domain: Domain) -> Replay:
    replay = Replay({}, {})
    for task, actions, *_ in tau2.gold_tasks(name):
        world = domain.world()
        replay.outcomes[task] = in_world(world, actions)
        replay.states[task] = digest(world.delta())
    return replay


def test_there_are_all_gold_tasks(name: str) -> None:
    assert len(tau2.gold_tasks(name)) == {"retail": 114, "airline": 50}[name]


def test_every_action_of_every_gold_task_gives_what_it_gives_in_tau2(theirs: Replay, ours: Replay) -> None:
    assert ours.outcomes == theirs.outcomes


def test_tasks_fail_where_they_fail_in_tau2(name: str, ours: Replay) -> None:
    without_error = sum(not any(failed for failed, _ in outcomes) for outcomes in ours.outcomes.values())
    assert without_error == {"retail": 96, "airline": 50}[name]


def test_every_pair_of_end_states_gets_the_verdict_of_tau2s_full_hash(theirs: Replay, ours: Replay) -> None:
    pairs = list(itertools.product(theirs.states, repeat=2))
    assert len(pairs) in (114**2, 50**2)
    differing = [
        (a, b) for a, b in pairs if (theirs.states[a] == theirs.states[b]) != (ours.states[a] == ours.states[b])
    ]
    assert not differing


def test_all_gold_tasks_in_one_world_leave_the_database_of_one_environment(name: str, domain: Domain) -> None:
    # Tasks act on what earlier ones left: more refusals and more rows touched twice than in any one task.
    actions = tuple(itertools.chain.from_iterable(actions for _, actions, *_ in tau2.gold_tasks(name)))
    environment, world = environments(name)(), domain.world()
    assert in_world(world, actions) == in_tau2(environment, actions)
    view = world.database()
    rows = {table: {key: domain.dump(row) for key, row in view[table].items()} for table in view}
    assert type(environment.tools.db).model_validate(rows).get_hash() == environment.get_db_hash()


def test_calls_write_nothing_to_the_base_and_reading_ones_nothing_at_all(name: str, domain: Domain) -> None:
    before = domain.fingerprint
    for _, actions, *_ in tau2.gold_tasks(name):
        world = domain.world()
        for action in actions:
            known = digest(world.delta())
            in_world(world, (action,))
            assert domain.tools[action.name].writes or digest(world.delta()) == known
    assert domain.fingerprint == before


def test_copies_of_rows_are_equal_and_share_nothing_that_can_change(domain: Domain) -> None:
    def parts(value: Any) -> set[int]:
        if isinstance(value, str | int | float | None):
            return set()
        inner = value if isinstance(value, list) else (value if isinstance(value, dict) else vars(value)).values()
        return {id(value)}.union(*(parts(item) for item in inner))

    for rows in domain.tables.values():
        for row in itertools.islice(rows.values(), 50):
            twin = domain.copy(row)
            assert twin == row
            assert domain.dump(twin) == domain.dump(row)
            assert not parts(twin) & parts(row)


def test_schemas_are_valid_compact_and_describe_every_gold_call(name: str, domain: Domain) -> None:
    text = json.dumps(domain.schemas)
    assert "$ref" not in text
    assert '"title"' not in text
    for tool in domain.tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
    for action in itertools.chain.from_iterable(actions for _, actions, *_ in tau2.gold_tasks(name)):
        jsonschema.validate(action.arguments, domain.tools[action.name].parameters)


def test_subjects_are_users_of_train_tasks_whom_no_test_task_knows(name: str, domain: Domain) -> None:
    module = tau2._module(name)
    tested = tau2._users(module.get_tasks("test"), domain.tables)
    assert len(domain.subjects) == {"retail": 22, "airline": 17}[name]
    assert not set(domain.subjects) & tested
    assert set(domain.subjects) < set(domain.tables[domain.users])
    assert all(tau2._users([task], domain.tables) for split in ("train", "test") for task in module.get_tasks(split))


def test_rules_bind_writing_tools_each_under_a_name_of_its_own(domain: Domain) -> None:
    assert domain.rules
    assert len({rule.name for rule in domain.rules}) == len(domain.rules)
    assert {tool for rule in domain.rules for tool in rule.tools} == {t.name for t in domain.tools.values() if t.writes}
    assert not [name for name in builtin_domains() if "tau2" in name]


def test_only_the_transfer_ends_a_conversation(domain: Domain) -> None:
    assert [tool.name for tool in domain.tools.values() if tool.ends] == ["transfer_to_human_agents"]
    assert domain.tools["calculate"].kind == domain.tools["transfer_to_human_agents"].kind == "other"


def test_a_refused_call_changes_nothing_where_tau2_keeps_half_of_it() -> None:
    domain, environment = Domain.load("tau2:airline"), environments("airline")()
    user, certificate, amount = next(
        (user, method.id, int(method.amount))
        for user in domain.tables["users"].values()
        for method in user.payment_methods.values()
        if method.source == "certificate" and method.amount >= 10
    )
    # Paying twice with one certificate passes tau2's checks, then breaks after the certificate was taken.
    booking = Action(
        name="book_reservation",
        arguments={
            "user_id": user.user_id,
            "origin": "SFO",
            "destination": "JFK",
            "flight_type": "one_way",
            "cabin": "economy",
            "flights": [],
            "passengers": [],
            "payment_methods": [{"payment_id": certificate, "amount": 50}, {"payment_id": certificate, "amount": 50}],
            "total_baggages": 2,
            "nonfree_baggages": 2,
            "insurance": "no",
        },
    )
    assert amount >= 50
    untouched = environment.get_db_hash()
    assert in_tau2(environment, (booking,))[0][0]
    assert environment.get_db_hash() != untouched
    world = domain.world()
    with pytest.raises(Refusal) as refusal:
        world.call(booking)
    assert refusal.value.kind == "KeyError: '…'"
    assert world.delta() == ()
    assert certificate in world.database()["users"][user.user_id].payment_methods


@pytest.mark.parametrize(
    "arguments", [{}, {"order_id": "#W1", "x": 1}, {"order_id": None}, {"order_id": ["#W1"]}, {"id": "#W1"}]
)
def test_wrong_arguments_are_refused_as_in_tau2(arguments: dict[str, Any]) -> None:
    action = Action(name="get_order_details", arguments=arguments)
    with pytest.raises(Refusal, match="wrong arguments for get_order_details") as refusal:
        Domain.load("tau2:retail").world().call(action)
    assert refusal.value.kind == "wrong arguments"
    assert in_tau2(environments("retail")(), (action,))[0][0]


def test_refusals_of_one_sort_are_of_one_kind() -> None:
    world, kinds = Domain.load("tau2:airline").world(), set()
    for flight in ("HAT000", "HAT999"):
        with pytest.raises(Refusal) as refusal:
            world.call(Action(name="get_flight_status", arguments={"flight_number": flight, "date": "2024-05-01"}))
        kinds.add(refusal.value.kind)
    assert kinds == {"Flight … not found"}


EXPRESSIONS = (
    "1+1|2 * (3 + 4)|10/4|7//2|-3.5 + 2|.5*3|1.005*1000|((1))|--2|1/3|200 - 54.04 - 41.79|  3|0.1+0.2|9|3/-2|"
    "9999999999*9999999999|1e3|1/0|()|1 2|01+1|+|2+|1,2|__import__('os')|1..||1 + (2|(1.5)(2)"
)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # what eval says of "(1.5)(2)"
@pytest.mark.parametrize("expression", EXPRESSIONS.split("|"))
def test_calculate_gives_what_tau2_gives(name: str, expression: str) -> None:
    toolkit = type(tau2._module(name).get_environment(db=Domain.load(f"tau2:{name}").tables).tools)
    try:
        expected = (False, toolkit(None).calculate(expression))
    except Exception:
        expected = (True, "")
    call = Action(name="calculate", arguments={"expression": expression})
    [(failed, text)] = in_world(Domain.load(f"tau2:{name}").world(), (call,))
    assert (failed, "" if failed else text) == expected


@pytest.mark.parametrize("expression", ["9**9**9", "2 ** 3", "9" * 2000, "(" * 900 + "1" + ")" * 900, "-" * 990 + "1"])
def test_calculate_refuses_what_would_hang_or_crash(expression: str) -> None:
    action = Action(name="calculate", arguments={"expression": expression})
    with pytest.raises(Refusal):
        Domain.load("tau2:retail").world().call(action)


def test_a_tau2_tool_declared_as_reading_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = Domain.load("tau2:airline")
    toolkit = type(tau2._module("airline").get_environment(db=domain.tables).tools)
    monkeypatch.setattr(toolkit, "get_user_details", lambda self, user_id: self.db.users.pop(user_id))
    with pytest.raises(ToolBug, match="a reading tool wrote to table 'users'"):
        domain.world().call(Action(name="get_user_details", arguments={"user_id": domain.subjects[0]}))


def test_an_unknown_tau2_domain_is_named_with_the_known_ones() -> None:
    with pytest.raises(DomainError, match="no domain 'tau2:telecom'; there are tau2:retail, tau2:airline"):
        Domain.load("tau2:telecom")


def test_without_tau2_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tau2.domains.retail.environment", None)
    with pytest.raises(DomainError, match="tau2:retail needs the tau2 extra: make tau2"):
        tau2.load("retail")


def test_loading_and_calling_is_quiet(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    domain = tau2.load(name)
    for _, actions, *_ in tau2.gold_tasks(name):
        in_world(domain.world(), actions)
    captured = capfd.readouterr()
    assert not captured.out
    assert not captured.err
