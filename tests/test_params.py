import re
from pathlib import Path

import pytest

from apigen_nb.domain import builtin
from apigen_nb.params import Params, ParamsError, RoleParams, load_params


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a module of own gates and a broken domain."""
    (tmp_path / "own_gates.py").write_text("def short(blueprint, domain): ...\nnumber = 3\n")
    (tmp_path / "broken_gates.py").write_text("import nothing_like_this\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tools.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)


def load(text: str, *overrides: str) -> Params:
    Path("p.yaml").write_text(text)
    return load_params("p.yaml", overrides)


def test_defaults_are_tiny_and_need_no_key() -> None:
    params = load_params(None)
    assert (params.domain, params.seeds, params.model, params.base_url) == ("retail", 10, "scripted", None)
    assert load("") == params
    assert "retail" in builtin()


def test_every_parameter_says_what_it_is() -> None:
    for model in (Params, RoleParams):
        assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_overrides_win_and_are_read_by_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    params = load(
        "seeds: 3\nmodel: a\ntemperature: 0.5\n",
        *("seeds=5", "model=007", "temperature=null", "gates=[format, own_gates:short]", "timeout=5", "base_url="),
        *("roles={judge: [{model: a}, {model: b}], agent: {model: c, base_url: 'http://localhost:1/v1'}}",),
    )
    assert (params.seeds, params.model, params.temperature, params.timeout, params.base_url) == (
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
        ("sedes: 3", (), "p.yaml: unknown parameter 'sedes'; did you mean seeds?"),
        ("", ("sedes=3",), "-p unknown parameter 'sedes'; did you mean seeds?"),
        ("", ("seeds",), "-p seeds: expected name=value"),
        ("seeds: many", (), 'p.yaml: seeds: Input should be a valid integer, found "many"'),
        ("seeds: true", (), "seeds: Input should be a valid integer, found true"),
        ("seeds: 1.5", (), "seeds: Input should be a valid integer, found 1.5"),
        ("seeds: 0", (), "seeds: Input should be greater than or equal to 1, found 0"),
        ("model: 007", (), "model: Input should be a valid string, found 7"),
        ("threshold: 1.5", (), "threshold: "),
        ("threshold: .nan", (), "threshold: "),
        ("judges: 2", (), "judges: expected an odd number"),
        ("gates: []", (), "gates: "),
        ("gates: [format, polcy]", (), "gates: no gate 'polcy'; there are format, execution, policy"),
        ("gates: ['nowhere:f']", (), "gates: nowhere:f cannot be imported: ModuleNotFoundError"),
        ("gates: ['broken_gates:f']", (), "gates: broken_gates:f cannot be imported: ModuleNotFoundError"),
        ("gates: ['own_gates:f']", (), "gates: own_gates has no function 'f'"),
        ("gates: ['own_gates:number']", (), "gates: own_gates has no function 'number'"),
        ("domain: retial", (), "domain: no domain 'retial'; built in are"),
        ("domain: ./shop", (), "domain: shop/tools.py has no function marked @tool"),
        ("base_url: localhost", (), "base_url: expected a URL like"),
        ("roles: {agnet: {model: a}}", (), "roles.agnet: "),
        ("roles: {agent: {modl: a}}", (), "roles.agent.modl: "),
        ("roles: {agent: [{model: a}]}", (), "roles: only judge takes a list"),
        ("roles: {judge: []}", (), "roles: only judge takes a list"),
        ("a: [1", (), "p.yaml, line 1: broken YAML"),
        ("seeds: 1\nseeds: 2", (), "seeds is given twice"),
        ("- seeds", (), "p.yaml: expected lines of name: value, found a list"),
        ("\tx: 1", (), "p.yaml, line 1: broken YAML"),
        ("x: !!python/object/apply:os.getcwd []", (), "p.yaml, line 1: broken YAML"),
    ],
)
def test_bad_input_is_one_line(text: str, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)) as caught:
        load(text, *overrides)
    assert "\n" not in str(caught.value)


def test_missing_and_unreadable_files() -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: no such file"):
        load_params("nowhere.yaml")
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params("shop")
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
    ],
)
def test_keys_are_refused_and_not_repeated(text: str, said: str) -> None:
    with pytest.raises(ParamsError, match=re.escape(said)) as caught:
        load(text)
    assert "secret" not in str(caught.value)


def test_parameters_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Params().seeds = 3  # type: ignore[misc]


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
