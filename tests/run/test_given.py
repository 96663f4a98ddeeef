"""What of a notebook's variables was asked for, and where its run lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.run import project
from apigen_nb.run.given import read_given
from apigen_nb.run.params import Params, ParamsError
from apigen_nb.run.project import run_folder
from apigen_nb.run.stage import open_stage
from apigen_nb.storage.run_folder import ParametersChanged, Run

CELL = "count = 10\nrandom_seed = 1\nattempts = 3\n"


def variables(*cells: str) -> dict[str, Any]:
    """What a kernel holds when these cells have run."""
    held: dict[str, Any] = {}
    for cell in cells:
        exec(cell, held)
    return {**held, "In": ["", *cells, "stage = open_stage(vars())"]}


@pytest.mark.parametrize(
    ("cells", "asked"),
    [
        ([CELL], set()),
        ([CELL, "# Parameters\nattempts = 3\n"], {"attempts"}),
        ([CELL, "# Parameters\nattempts = 4\n"], {"attempts"}),
        ([CELL.replace("10", "5")], {"count"}),
        ([CELL.replace("10", "5"), CELL], {"count"}),  # edited and put back: a default no longer
        ([CELL, CELL], set()),
        ([CELL, "import os\nattempts = len('four')"], {"attempts"}),
        (["count: int = 10\n", "# Parameters\ncount = 10"], {"count"}),
        ([CELL, "# Parameters\nseed = 1\n"], {"random_seed"}),
    ],
)
def test_what_was_asked_for(cells: list[str], asked: set[str]) -> None:
    assert read_given(variables(*cells))[1] == asked


def test_cells_that_are_no_python_are_passed_over() -> None:
    held = variables(CELL)
    assert read_given(held | {"In": ["", CELL, "%%bash\nls", "a = = 3"]}) == read_given(held)


def test_a_script_asks_for_all_that_it_gives() -> None:
    assert read_given({"count": 10, "attempts": 3}) == ({"count": 10, "attempts": 3}, {"count", "attempts"})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(Params.model_fields)), st.integers(2, 9), max_size=4))
def test_what_is_injected_is_asked_for_as_it_is(values: dict[str, int]) -> None:
    cell = "# Parameters\n" + "\n".join(f"{name} = {value}" for name, value in values.items())
    found, asked = read_given(variables(CELL, cell))
    assert asked == values.keys()
    assert {name: found[name] for name in values} == values


def test_names_that_are_not_there() -> None:
    with pytest.raises(ParamsError, match="'_count'; did you mean count"):
        read_given(variables(CELL, "# Parameters\n_count = 3"))
    assert read_given(variables(CELL, "_count = 3\nN = 4"))[1] == set()
    with pytest.raises(ParamsError, match="'mosst'; did you mean most"):
        read_given(variables(CELL, "mosst = 3"), ["most"])
    with pytest.raises(ParamsError, match="'cuont'; did you mean count"):
        read_given(variables(CELL, "# Parameters\ncuont = 3"), first=False)
    with pytest.raises(ParamsError, match="'Count'; did you mean count"):
        read_given(variables(CELL, "# Parameters\nCount = 3"))
    with pytest.raises(ParamsError, match="'ofline'; did you mean offline"):
        read_given(variables(CELL, "# Parameters\nofline = True"))
    with pytest.raises(ParamsError, match="'ouut'; did you mean out"):
        read_given(variables(CELL, "# Parameters\nouut = 'x'"))
    with pytest.raises(ParamsError, match="seed is now called random_seed, and both are given"):
        read_given(variables(CELL, "# Parameters\nseed = 50\nrandom_seed = 3"))
    read_given(variables(CELL, "cuont = 3"), first=False)  # later there are results beside the parameters


def test_a_folder_gives_what_was_not_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = {"count": 4, "random_seed": 9, "api_key_env": "MINE", "max_cost": 2.5, "concurrency": 3}
    open_stage({**held, "out": str(tmp_path / "run")})
    assert capsys.readouterr().out == ""
    stage = open_stage(variables(f"out = {str(tmp_path / 'run')!r}\n{CELL}api_key_env = 'OPENAI_API_KEY'\n"))
    # Not the key of OpenAI to whom the run was begun with, and no run without its limit.
    assert held.items() <= stage.params.plain().items()
    assert capsys.readouterr().out == (
        f'{stage.folder} goes on with what it was begun with: count 4, random_seed 9, api_key_env "MINE"\n'
    )
    with pytest.raises(ParametersChanged, match="count: 4 before, 10 now"):
        open_stage(variables(f"out = {str(tmp_path / 'run')!r}\n{CELL}", "# Parameters\ncount = 10"))
    assert Run(tmp_path / "run").parameters() == held | {"attempts": 3}


# --- where it lies


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and a package that is installed elsewhere."""
    root = tmp_path / "mine"
    for folder in (root / "notebooks", root / "notebooks" / "studies", root / "outputs" / "demo" / "notebooks"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "2_blueprints.ipynb").touch()
    (root / "outputs" / "demo" / "run.json").write_text("{}")
    monkeypatch.setattr(
        project, "__file__", str(tmp_path / "lib" / "site-packages" / "apigen_nb" / "run" / "project.py")
    )
    return root


@pytest.mark.parametrize("where", ["", "notebooks", "notebooks/studies", "outputs", "outputs/demo/notebooks"])
def test_seen_from_the_project(where: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / where)
    folder = run_folder("outputs/x")
    assert not folder.is_absolute()
    assert folder.resolve() == root / "outputs" / "x"
    assert run_folder(str(root / "y")) == root / "y"


def test_from_elsewhere_it_is_the_package_s(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ParamsError, match=re.escape(f"neither {tmp_path} nor a folder above it has notebooks/2_blueprints")
    ):
        run_folder("outputs/x")
    monkeypatch.setattr(project, "__file__", str(root / "apigen_nb" / "run" / "project.py"))
    assert run_folder("outputs/x") == Path("mine/outputs/x")


def test_out_of_the_project_nothing_is_made_by_the_way(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    with pytest.raises(ParamsError, match=r"leads out of it to .*, which is not there; give a folder within"):
        run_folder("../outputs/x")
    (root.parent / "there").mkdir()
    assert run_folder("../there") == Path("../there")  # as the runner, which has made it, says it to a kernel
    for wrong in (3, "", None):
        with pytest.raises(ParamsError, match="out: expected the name of a folder"):
            run_folder(wrong)
