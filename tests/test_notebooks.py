"""Every notebook reads like the others, is stripped, and runs top to bottom on its own defaults."""

import ast
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.run import STAGES
from apigen_nb.run.notebook_execution import declared
from apigen_nb.run.params import Params
from tests.library import write_library

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("[!.]*.ipynb"))
STUDIES = FOLDER / "studies"  # larger than a tour, each with parameters and a folder of its own
HEADINGS = ["Parameters", "Load", "Run", "Look", "Next"]
NOT_HERE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.For, ast.AsyncFor, ast.While)

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(path.read_text())["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found if cell["cell_type"] == kind]


def test_all_stages_have_one() -> None:
    assert {*STAGES, "0_tour"} <= {path.stem for path in NOTEBOOKS}


@every
def test_stripped(path: Path) -> None:
    code = cells(path, "code")
    assert [cell["source"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert set(json.loads(path.read_text())["metadata"]) <= {"kernelspec", "language_info"}


@every
def test_same_headings(path: Path) -> None:
    text = "\n".join(cell["source"] for cell in cells(path, "markdown"))
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


@every
def test_only_wiring(path: Path) -> None:
    code = [cell for cell in cells(path, "code") if "parameters" not in cell["metadata"].get("tags", [])]
    assert len(code) <= 15
    for cell in code:
        assert cell["source"].count("\n") < 12
        tree = compile(cell["source"], path.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert [type(node).__name__ for node in ast.walk(tree) if isinstance(node, NOT_HERE)] == []
        ours = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "apigen_nb" in str(node.module)]
        names = [name for node in ours for name in node.names]
        assert [name.name for name in names if name.name.startswith("_") or name.asname] == []


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem in STAGES], ids=lambda path: path.stem)
def test_one_call_and_few_imports_stand_before_the_work(path: Path) -> None:
    source = "\n".join(cell["source"] for cell in cells(path, "code"))
    assert source.count("open_stage(vars())") == 1
    assert len(re.findall(r"^(?:from|import) ", source, re.MULTILINE)) <= 4


def test_the_tutorial_is_short() -> None:
    assert len(cells(FOLDER / "tutorial_domain.ipynb", "code")) < 15


@every
def test_defaults_are_those_of_params(path: Path) -> None:
    defaults = {name: ast.literal_eval(value) for name, value in declared(path).items()}
    assert defaults
    out = defaults.pop("out", "")
    plain = Params().plain()
    if path.parent == STUDIES:
        assert out in ("", f"outputs/study-{path.stem}")
        defaults = {name: value for name, value in defaults.items() if name in plain.keys() - {"domain", "count"}}
    elif path.stem in STAGES or path.stem == "0_tour":
        assert out in ("", "outputs/tour")
        assert defaults.keys() <= plain.keys()
    assert {name: value for name, value in defaults.items() if name in plain} == {
        name: plain[name] for name in defaults if name in plain
    }


@every
def test_what_runs_is_what_the_stage_says(path: Path) -> None:
    """A stage takes what its run was begun with where nothing was asked for: no cell goes by the variables instead."""
    code = [cell["source"] for cell in cells(path, "code") if "parameters" not in cell["metadata"].get("tags", [])]
    trees = [compile(source, path.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT) for source in code]
    names = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert {node.id for node in names} & Params.model_fields.keys() - made == set()


@every
def test_parameters_say_what_they_are(path: Path) -> None:
    """`papermill --help-notebook` shows these words; they are those of Params."""
    source = next(c["source"] for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", []))
    known = {name: Params.model_fields[name].description for name in declared(path) if name in Params.model_fields}
    assert [name for name, text in known.items() if f"# {text}\n" not in f"{source}\n"] == []


def shorten(notebook: Path) -> None:
    """Let a study, which is larger than a tour, do a third of its work."""
    text = notebook.read_text()
    for many, few in (("count = 60", "count = 20"), ("most = 20", "most = 6")):
        text = re.sub(rf'"{many}\b', f'"{few}', text)
    notebook.write_text(text)


# jsonschema without its slowest check, see `apigen_nb`
NBVAL = "import sys, apigen_nb, pytest; sys.exit(pytest.main(sys.argv[1:]))"


def nbval(folder: Path, *notebooks: str) -> dict[str, list[str]]:
    """What nbval says of these notebooks' cells, "" of one that ran to its end; in one process, since starting another
    takes as long as many a notebook."""
    options = ["-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-cell-timeout=120", "--junitxml=said.xml"]
    command = [sys.executable, "-c", NBVAL, *options, *notebooks]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout[-4000:] + done.stderr[-2000:]
    said: dict[str, list[str]] = {}
    for case in ElementTree.parse(folder / "said.xml").iter("testcase"):
        trouble = [f"{case.attrib['name']}: {part.text}" for part in case]
        name = case.attrib["classname"].removesuffix(".ipynb").rpartition(".")[2]
        said.setdefault(f"{name}.ipynb", []).append("\n".join(trouble))
    return said


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    # Copies, because a notebook's folder decides where its outputs go, and old ones would be continued.
    folder = Path(shutil.copytree(FOLDER, tmp_path_factory.mktemp("all") / "notebooks"))
    for study in (folder / STUDIES.name).glob("*.ipynb"):
        shorten(study)
    return nbval(folder, *(path.relative_to(FOLDER).as_posix() for path in NOTEBOOKS))


@every
def test_runs_top_to_bottom(path: Path, said: dict[str, list[str]]) -> None:
    of_cells = said[path.name]
    assert [trouble for trouble in of_cells if trouble] == []
    assert len(of_cells) == len([cell for cell in cells(path, "code") if cell["source"].strip()])


def test_runs_alone(tmp_path: Path) -> None:
    """A late notebook that is opened first makes what it needs; of a small domain, which takes a tenth of the time."""
    notebook = Path(shutil.copytree(FOLDER, tmp_path / "notebooks")) / "4_dataset.ipynb"
    small = write_library(tmp_path / "library").as_posix()
    given = notebook.read_text()
    notebook.write_text(given.replace('domain = \\"retail\\"', f'domain = \\"{small}\\"'))
    assert notebook.read_text() != given
    assert not any(nbval(notebook.parent, notebook.name)[notebook.name])
    assert (tmp_path / "outputs" / "tour" / "trajectories.jsonl").stat().st_size
    assert json.loads((tmp_path / "outputs" / "tour" / "run.json").read_text())["domain"]["name"] == "library"
