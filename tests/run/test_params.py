import re
from pathlib import Path

import pytest

from apigen_nb.__main__ import main
from apigen_nb.blueprints.sampling import Sampling
from apigen_nb.dataset.options import DatasetOptions
from apigen_nb.run.parameter_list import params_table
from apigen_nb.run.params import Params, ParamsError, RoleParams
from apigen_nb.run.params_file import load_params
from apigen_nb.world.domain import Domain, builtin_domains


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a module of own gates and a broken domain."""
    (tmp_path / "own_gates.py").write_text("def short(blueprint, domain): ...\nnumber = 3\n")
    (tmp_path / "broken_gates.py").write_text("import nothing_like_this\n")
    (tmp_path / "crashing_gates.py").write_text("1 / 0\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tools.py").write_text("x = 1\n")
    (tmp_path / "bad.jsonl").write_text('"a baker"\na nurse\n')
    monkeypatch.chdir(tmp_path)


def load(text: str, *overrides: str) -> Params:
    Path("p.yaml").write_text(text)
    return load_params("p.yaml", overrides)


def test_defaults_are_tiny_and_need_no_key() -> None:
    params = load_params(None)
    assert (params.domain, params.count, params.model, params.base_url) == ("retail", 10, "scripted", None)
    assert load("") == params
    assert "retail" in builtin_domains()


def test_every_parameter_says_what_it_is() -> None:
    for model in (Params, RoleParams):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_all_are_listed_as_a_file_that_is_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params"]) == 0
    assert load(told := capsys.readouterr().out) == Params()
    rows = {row.name: row for row in params_table()}
    nested = [f"dataset.{name}" for name in DatasetOptions.model_fields]
    assert list(rows) == [*Params.model_fields, *nested, *(f"roles.ROLE.{name}" for name in RoleParams.model_fields)]
    assert all(f"{row.name}: {row.default}\n" in told and row.meaning in told for row in rows.values())
    assert rows["count"].takes == "whole number ≥ 1"
    assert rows["threshold"].takes == "number ≥ 0 ≤ 1"
    assert rows["difficulty"].takes == "easy, medium, hard → number"
    assert rows["prices"].takes == "text → {prompt, cached, completion}"


def test_overrides_win_and_are_read_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    params = load(
        "count: 3\nmodel: a\ntemperature: 0.5\n",
        *("count=5", "model=007", "temperature=null", "gates=[format, own_gates:short]", "timeout=5", "base_url="),
        *("roles={judge: [{model: a}, {model: b}], agent: {model: c, base_url: 'http://localhost:1/v1'}}",),
    )
    assert (params.count, params.model, params.temperature, params.timeout, params.base_url) == (
        5,
        "007",
        None,
        5.0,
        None,
    )
    assert params.gates == ["format", "own_gates:short"]
    assert params.plain()["roles"] == {
        "judge": [{"model": "a"}, {"model": "b"}],
        "agent": {"model": "c", "base_url": "http://localhost:1/v1"},
    }
    assert Params.model_validate(params.plain()) == params


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("sedes: 3", (), "p.yaml: unknown parameter 'sedes'; did you mean count, which was seeds?"),
        ("", ("sedes=3",), "-p unknown parameter 'sedes'; did you mean count, which was seeds?"),
        ("", ("cuont=3",), "-p unknown parameter 'cuont'; did you mean count?"),
        ("seeds: 3\ncount: 3", (), "p.yaml: seeds is now called count, and both are given; keep count"),
        ("seed: 0.5", (), "p.yaml: random_seed: Input should be a valid integer, found 0.5"),
        ("", ("count",), "-p count: expected name=value"),
        ("count: many", (), 'p.yaml: count: Input should be a valid integer, found "many"'),
        ("count: true", (), "count: Input should be a valid integer, found true"),
        ("count: 1.5", (), "count: Input should be a valid integer, found 1.5"),
        ("count: 0", (), "count: Input should be greater than or equal to 1, found 0"),
        ("model: 007", (), "model: Input should be a valid string, found 7"),
        ("threshold: 1.5", (), "threshold: "),
        ("threshold: .nan", (), "threshold: "),
        ("judges: 2", (), "judges: expected an odd number"),
        ("gates: []", (), "gates: "),
        ("gates: [format, polcy]", (), "gates: no gate 'polcy'; gates are format, execution, policy"),
        ("gates: ['nowhere:f']", (), "gates: gate 'nowhere:f' cannot be imported: No module named"),
        ("gates: ['broken_gates:f']", (), "gates: gate 'broken_gates:f' cannot be imported: No module named"),
        ("gates: ['crashing_gates:f']", (), "gate 'crashing_gates:f' cannot be imported: division by zero"),
        ("gates: ['own_gates:f']", (), "gates: gate 'own_gates:f' cannot be imported: module 'own_gates' has no"),
        ("gates: ['own_gates:number']", (), "gates: gate 'own_gates:number' cannot be imported: it is no function"),
        ("domain: retial", (), "domain: no domain 'retial'; built in are"),
        ("domain: ./broken", (), "domain: broken/tools.py has no function marked @tool"),
        ("base_url: localhost", (), "base_url: expected a URL like"),
        ("roles: {agnet: {model: a}}", (), "roles: there is no 'agnet'; did you mean agent?"),
        ("roles: {agent: {modl: a}}", (), "roles.agent: there is no 'modl'; did you mean model?"),
        ("roles: {agent: [{model: a}]}", (), "roles: only judge takes a list"),
        ("roles: {judge: []}", (), "roles: only judge takes a list"),
        ("kinds: {forbiden: 1}", (), "p.yaml: kinds: there is no 'forbiden'; did you mean forbidden?"),
        ("kinds: {xyz: 1}", (), "kinds: there is no 'xyz'; there are plain, missing detail, forbidden"),
        ("kinds: {plain: 0}", (), "kinds: expected shares of 0 or more, at least one of them positive"),
        ("kinds: {}", (), "kinds: expected shares of 0 or more"),
        ("kinds: [plain]", (), "kinds: Input should be a valid dictionary"),
        ("kinds: {plain: .nan}", (), "kinds.plain: Input should be a finite number"),
        ("kinds: {plain: many}", (), "kinds.plain: Input should be a valid number"),
        ("behaviours: {plain: 1}", (), "behaviours: there is no 'plain'; there are cooperative"),
        ("behaviours: {terse: 2, rambling: -1}", (), "behaviours: expected shares of 0 or more"),
        ("difficulty: {esay: 1}", (), "difficulty: there is no 'esay'; did you mean easy?"),
        ("", ("difficulty={1: 1}",), "difficulty: there is no '1'; there are easy, medium, hard"),
        ("walk_length: 1", (), "walk_length: Input should be greater than or equal to 2, found 1"),
        ("tool_weights: {cancel_oder: 2}", (), "tool_weights: there is no 'cancel_oder'; did you mean cancel_order?"),
        ("tool_weights: {get_order: 2}", (), "tool_weights: there is no 'get_order'"),
        (
            "tool_weights: {cancel_order: -1}",
            (),
            "tool_weights.cancel_order: Input should be greater",
        ),
        ("personas: nowhere.jsonl", (), "p.yaml: personas: nowhere.jsonl: no such file"),
        ("personas: bad.jsonl", (), "personas: bad.jsonl, line 2: not JSON: 'a nurse'; expected"),
        ("personas: 3", (), "personas: Input should be a valid string, found 3"),
        ("max_cost: 0", (), "max_cost: Input should be greater than 0, found 0"),
        ("requests_per_minute: 0.5", (), "requests_per_minute: Input should be a valid integer"),
        (
            "prices: {m: {prompt: 1, completion: 1, promt: 1}}",
            (),
            "prices.m: there is no 'promt'; did you mean",
        ),
        ("prices: {m: {prompt: 1}}", (), "prices.m.completion: Field required"),
        ("prices: {m: {prompt: -1, completion: 1}}", (), "prices.m.prompt: Input should be greater than or equal to 0"),
        ("dataset: {splts: {train: 1}}", (), "p.yaml: dataset: there is no 'splts'; did you mean splits?"),
        ("dataset: {splits: {dev: 1}}", (), "dataset.splits: there is no 'dev'; there are train, validation, test"),
        ("dataset: {splits: {valid: 1}}", (), "dataset.splits: there is no 'valid'; did you mean validation?"),
        ("dataset: {splits: {train: 0.8, test: 0.1}}", (), "dataset.splits: expected shares that sum to 1, these sum"),
        ("dataset: {splits: {test: 1}}", (), "dataset.splits: expected a share of train above 0"),
        ("dataset: {held_out_users: 1}", (), "dataset.held_out_users: Input should be less than 1, found 1"),
        (
            "",
            ("dataset={held_out_tools: [cancel_oder]}",),
            "dataset.held_out_tools: there is no tool 'cancel_oder'; did",
        ),
        ("dataset: {kinds: [plane]}", (), "dataset.kinds: there is no 'plane'; did you mean plain?"),
        ("dataset: {pass_rate: [0.8, 0.2]}", (), "dataset.pass_rate: expected the least and the most, such as [0.2, 0"),
        ("dataset: {pass_rate: 0.5}", (), "dataset.pass_rate: Input should be a valid list, found 0.5"),
        ("dataset: {min_score: 80}", (), "dataset.min_score: Input should be less than or equal to 1, found 80"),
        ("dataset: {contaminated: drop}", (), "dataset.contaminated: there is no 'drop'; there are keep, leave_out"),
        ("dataset: {kinds: [plain, forbiden]}", (), "dataset.kinds: there is no 'forbiden'; did you mean forbidden?"),
        ("dataset: {near_duplicates: 0}", (), "dataset.near_duplicates: Input should be greater than 0, found 0"),
        ("dataset: 0.8", (), "dataset: Input should be a valid dictionary"),
        ("a: [1", (), "p.yaml, line 1: broken YAML"),
        ("count: 1\ncount: 2", (), "count is given twice"),
        ("- seeds", (), "p.yaml: expected lines of name: value, found a list"),
        ("\tx: 1", (), "p.yaml, line 1: broken YAML"),
        ("x: !!python/object/apply:os.getcwd []", (), "p.yaml, line 1: broken YAML"),
    ],
)
def test_bad_input_is_one_line(text: str, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)) as caught:
        load(text, *overrides)
    assert "\n" not in str(caught.value)


def test_old_names_are_taken_and_said_to_be_old(capsys: pytest.CaptureFixture[str]) -> None:
    """`-p seed=50` started as many conversations as before: it was meant as the number of them."""
    params = load("seeds: 4\nseed: 9\n", "seed=50")
    assert (params.count, params.random_seed) == (4, 50)
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in told if "seed is" in line] == [
        "apigen-nb: seed is now called random_seed"
    ] * 2
    assert [line for line in told if line.startswith("apigen-nb: seeds is now called count (How many seeds are drawn")]
    assert load("count: 4\nrandom_seed: 50\n") == params
    assert capsys.readouterr().err == ""


def test_what_is_asked_of_seeds_is_read_as_it_is_written() -> None:
    Path("own.jsonl").write_text('"a baker"\n{"persona": "a nurse"}\n')
    params = load(
        "kinds: {plain: 3, no tool: 1}\ndifficulty: {hard: 1}\nwalk_length: 6\npersonas: own.jsonl\n",
        "tool_weights={cancel_order: 2.5, return_items: 0}",
    )
    assert params.kinds == {"plain": 3, "no tool": 1}  # shares are made to sum to 1 where seeds are drawn
    assert (params.difficulty, params.walk_length, params.personas) == ({"hard": 1}, 6, "own.jsonl")
    assert params.tool_weights == {"cancel_order": 2.5, "return_items": 0}
    assert Params.model_validate(params.plain()) == params


def test_one_writing_tool_at_least_can_be_drawn() -> None:
    writing = [name for name, tool in Domain.load("retail").tools.items() if tool.writes]
    none = ", ".join(f"{name}: 0" for name in writing)
    with pytest.raises(ParamsError, match="tool_weights: every writing tool has weight 0; expected one above 0"):
        load(f"tool_weights: {{{none}}}\n")
    load(f"tool_weights: {{{none.removesuffix('0')}1}}\n")


def test_seeds_are_drawn_by_the_same_defaults() -> None:
    params, sampling = Params(), Sampling()
    names = ("kinds", "behaviours", "difficulty", "walk_length", "tool_weights")
    assert {name: getattr(params, name) for name in names} == {name: getattr(sampling, name) for name in names}


def test_a_budget_in_dollars_needs_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    with pytest.raises(ParamsError, match=r"p\.yaml: max_cost needs a price for own-7b: prices=\{own-7b: "):
        load("model: gpt-4o\nroles: {agent: {model: own-7b}}\nmax_cost: 5\n")
    params = load("model: own-7b\nmax_cost: 5\nprices: {own-7b: {prompt: 1, completion: 2.5}}\n")
    assert params.prices["own-7b"].completion == 2.5
    assert Params.model_validate(params.plain()) == params
    assert load("model: own-7b\nmax_total_tokens: 5000\n").max_cost is None


def test_without_requests_no_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ParamsError, match=r"OPENAI_API_KEY.*not set.*--offline"):
        load("model: gpt-4o\n")
    assert load("model: gpt-4o\n", "offline=true").offline


def test_missing_and_unreadable_files() -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: no such file"):
        load_params("nowhere.yaml")
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params("broken")
    Path("p.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params("p.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("api_key: sk-secret", "keys come from the environment"),
        ("api_key_env: sk-secret", "looks like a key"),
        ("model: sk-secret", "looks like a key"),
        ("roles: {agent: {api_key_env: sk-secret}}", "roles.agent.api_key_env looks like a key"),
        ("roles: {judge: [{api_key_env: hf_secret}]}", "roles.judge.0.api_key_env looks like a key"),
        ("base_url: https://me:secret@host/v1", "looks like a URL with a password"),
        ("base_url: https://host/v1?key=secret", "base_url has a user name or a query, which may hold a key"),
        ("base_url: https://host/v1#secret", "base_url has a user name or a query"),
        ("base_url: me:secret@host/v1", "base_url has a user name or a query"),
        ("roles: {agent: {base_url: 'https://h/v1?secret'}}", "roles.agent.base_url has a user name or a query"),
        ("roles: {judge: [{base_url: 'https://h/v1?secret'}]}", "roles.judge.0.base_url has a user name or a query"),
    ],
)
def test_keys_are_refused_and_not_repeated(text: str, said: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)) as caught:
        load(text)
    assert "secret" not in str(caught.value)


def test_parameters_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Params().count = 3  # type: ignore[misc]


def test_a_key_that_is_not_set_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    said = "judge: environment variable MY_KEY, named by api_key_env, is not set"
    with pytest.raises(ParamsError, match=said) as told:
        load("roles: {judge: [{model: scripted}, {model: m, api_key_env: MY_KEY}]}\n")
    assert "\n" not in str(told.value)
    monkeypatch.setenv("MY_KEY", "set")
    load("roles: {judge: [{model: scripted}, {model: m, api_key_env: MY_KEY}]}\n")
    monkeypatch.delenv("MY_KEY")
    load("{model: m, api_key_env: MY_KEY, base_url: 'http://127.0.0.1:1/v1'}\n")  # a local server may need none
