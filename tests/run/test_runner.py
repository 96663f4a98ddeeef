"""The runner over tiny notebooks of its own: what counts is its status, not what the stages do."""

import ast
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from apigen_nb.__main__ import main
from apigen_nb.report.run_contents import RunContents
from apigen_nb.run import STAGES, StageFailed, UsageError, runner
from apigen_nb.run.notebook_execution import check_parameters, declared, execute
from apigen_nb.run.params import Params
from apigen_nb.run.stage import open_stage
from apigen_nb.storage.run_folder import InUse, ParametersChanged, Run

PARAMETERS = "\n".join([f"{name} = {value!r}" for name, value in Params().plain().items()] + ['out = "outputs/lab"'])
CELLS = {
    "1_domain": "print(domain)",
    "2_blueprints": """
        import asyncio
        from apigen_nb.records import NO_ANSWER, Attempt, Blueprint, Proposal, Verdict
        from apigen_nb.storage.journal import Journal, Run
        from apigen_nb.models.jobs import run_jobs
        from apigen_nb.models import BudgetSpent, EndpointDown
        from apigen_nb.models.reply_cache import ReplyCache, NotRecorded, Reply
        from apigen_nb.models import Answer
        from apigen_nb.records import Usage

        run = Run.open("../" + out).claim(count=count, domain=domain)

        async def work(item):
            if model == "down":
                raise EndpointDown("nobody listens at http://localhost:1/v1")
            if offline:
                raise NotRecorded("the reply of m is not recorded")
            if max_cost is not None and item.id.endswith("1"):
                raise BudgetSpent("the max_cost of $1 is used up")
            if model == "gpt-4o":
                answer = Answer(usage=Usage(calls=1, prompt=100_000, completion=10_000))
                row = Reply(key="", model=model, role="generator", id=item.id, stage="blueprints", answer=answer)
                ReplyCache(run.folder).add(row)
            await asyncio.sleep(0.02 if model == "slow" else 0)
            task = dict(domain=domain, user="u", persona="p")
            print = Blueprint(id=item.id, instruction="i", actions=(), outputs=("o",), **task)
            lost = dict(kind=NO_ANSWER, reason="503") if item.id in model.split() else {}
            verdict = Verdict(gate="format", passed=not lost, **lost)
            attempt = Attempt(number=0, blueprint=None if lost else print, verdicts=(verdict,))
            return Proposal(id=item.id, walk=(), examples=(), attempts=(attempt,), accepted=not lost, **task)

        class Item:
            def __init__(self, number):
                self.id = f"{domain}-{number:05}"

        items = [Item(number) for number in range(count)]
        journal = Journal(run.blueprints, Proposal)
        proposals = await run_jobs(work, items, journal, concurrency=concurrency, title="blueprints")
        journal.finish([item.id for item in items])
        """,
    "3_trajectories": """
        from apigen_nb.records import Proposal, Trajectory, Verdict
        from apigen_nb.storage.journal import Journal, Run, read_lines

        run = Run.open("../" + out)
        journal = Journal(run.trajectories, Trajectory)
        told = dict(messages=(), ended="stop", verdicts=(Verdict(gate="state", passed=True),))
        found = [
            Trajectory(id=f"{p.id}.t{n}", blueprint=p.id, attempt=n, **told)
            for p in read_lines(run.blueprints, Proposal)
            if p.accepted
            for n in range(1, attempts + 1)
        ]
        [journal.add(trajectory) for trajectory in found if trajectory.id not in journal]
        journal.finish([trajectory.id for trajectory in found])
        """,
    "4_dataset": """
        from apigen_nb.storage.journal import Run

        run = Run.open("../" + out)
        run.dataset.mkdir(exist_ok=True)
        (run.dataset / "proofs.jsonl").touch()
        """,
    "7_report": "1 + 1",
}


def write(folder: Path, stage: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    sources = [textwrap.dedent(cell).strip() for cell in cells]
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[new_markdown_cell("# A stage"), first, *map(new_code_cell, sources)])
    path = folder / f"{stage}.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with stage notebooks, a parameter file and a report of one line."""
    (tmp_path / "notebooks").mkdir()
    for stage, cell in CELLS.items():
        write(tmp_path / "notebooks", stage, cell)
    (tmp_path / "tiny.yaml").write_text("count: 3\nattempts: 1\n")
    # Stands in front of the package in every process that these tests start: other notebooks, a report without a look.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types, pathlib\n"
        "import apigen_nb.run.runner as runner\n"
        f"runner.notebooks_folder = lambda: pathlib.Path({str(tmp_path / 'notebooks')!r})\n"
        "html = types.ModuleType('apigen_nb.report.write')\n"
        "def write_report(folder, others=()):\n"
        "    (folder / 'report').mkdir(exist_ok=True)\n"
        "    (folder / 'report' / 'index.html').write_text('report')\n"
        "    return folder / 'report' / 'index.html'\n"
        "html.write_report = write_report\n"
        "sys.modules['apigen_nb.report.write'] = html\n"
    )
    checkout = str(Path(__file__).parents[2])
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")  # some tests put their wish into the model's name
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), checkout]))
    monkeypatch.setattr(runner, "notebooks_folder", lambda: tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "apigen_nb", *arguments]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def last(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_a_whole_run(home: Path) -> None:
    done = call("run", "tiny.yaml", "-p", "random_seed=11")
    assert (done.returncode, last(done.stdout)) == (0, "report: outputs/tiny/report/index.html"), done.stderr
    assert [line.split()[1] for line in done.stderr.splitlines()] == [f"{stage}:" for stage in STAGES], done.stderr
    assert "transport" not in done.stderr
    run = Run(home / "outputs" / "tiny")
    assert sorted(path.stem for path in run.notebooks.iterdir()) == list(STAGES)
    manifest = run.read_manifest()
    assert list(manifest)[-1] == "finished"
    assert manifest["started"] <= manifest["finished"]
    assert (manifest["parameters"]["count"], manifest["random_seed"]) == (3, 11)
    assert manifest["stages"]["2_blueprints"] == {"seeds": 3, "accepted": 3, "recombined": 0}
    assert manifest["stages"]["3_trajectories"] == {"trajectories": 3, "successful": 3}
    assert manifest["models"]["judge"] == "scripted"
    assert manifest["versions"]["python"]
    assert manifest["prompts"]
    for path in (run.folder / "run.json", *run.notebooks.iterdir()):
        assert str(home) not in path.read_text()
        assert "papermill" not in path.read_text() or path.name == "run.json"
    names = {path.name for path in run.folder.iterdir()}
    assert names - {".lock", ".writing"} == {
        "blueprints.jsonl",
        "trajectories.jsonl",
        "dataset",
        "notebooks",
        "report",
        "run.json",
    }

    before = run.blueprints.stat().st_mtime_ns
    assert call("run", "tiny.yaml", "-p", "random_seed=11", "-p", "concurrency=2").returncode == 0
    assert run.blueprints.stat().st_mtime_ns == before
    again = call("run", "--out", "outputs/tiny", "--stage", "7_report")  # without a file: as the folder was begun
    assert again.returncode == 0, again.stderr
    other = call("run", "tiny.yaml")
    assert other.returncode == 2
    assert "random_seed: 11 before, 1 now" in other.stderr
    assert "--out" in last(other.stderr)


def test_a_folder_of_old_names_opens_and_goes_on(home: Path) -> None:
    """What was begun when the parameters were called seeds and seed is that run, by either names."""
    run, made = Run(home / "outputs" / "tiny"), ("--stage", "2_blueprints")
    assert call("run", "tiny.yaml", "-p", "random_seed=11", *made).returncode == 0
    manifest, before = json.loads((run.folder / "run.json").read_text()), run.blueprints.stat().st_mtime_ns
    given = manifest["parameters"]
    given["seeds"], given["seed"], manifest["seed"] = given.pop("count"), given.pop("random_seed"), 11
    del manifest["random_seed"]
    (run.folder / "run.json").write_text(json.dumps(manifest))
    assert RunContents(run).manifest == run.read_manifest()
    assert call("run", "--out", "outputs/tiny", *made).stderr.count("now called") == 0
    (run.folder / "run.json").write_text(json.dumps(manifest))
    (home / "tiny.yaml").write_text("seeds: 3\nattempts: 1\nseed: 11\n")
    done = call("run", "tiny.yaml", *made)
    assert (done.returncode, done.stderr.count("is now called")) == (0, 2), done.stderr
    assert run.blueprints.stat().st_mtime_ns == before
    now = json.loads((run.folder / "run.json").read_text())
    assert (now["parameters"]["count"], now["random_seed"]) == (3, 11)
    assert not {"seed", "seeds"} & (now.keys() | now["parameters"].keys())
    other = call("run", "tiny.yaml", "-p", "seed=12", *made)
    assert (other.returncode, "random_seed: 11 before, 12 now" in other.stderr) == (2, True), other.stderr


def test_killed_and_started_again_it_ends_with_the_same_artefacts(home: Path) -> None:
    made = ("--stage", "2_blueprints", "3_trajectories")
    slow = ("run", "tiny.yaml", "-p", "count=150", "-p", "model=slow", "-p", "concurrency=2", *made)
    process = subprocess.Popen(command(*slow, "--out", "killed"), stderr=subprocess.DEVNULL)
    part = home / "killed" / "blueprints.jsonl.part"
    end = time.monotonic() + 60
    while not (part.exists() and len(part.read_bytes().splitlines()) > 20):
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (home / "killed" / "blueprints.jsonl").exists()
    kept = len(part.read_bytes().splitlines())
    assert call(*slow, "--out", "killed").returncode == 0
    assert call(*slow, "--out", "whole").returncode == 0
    assert 20 < kept < 150
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        assert (home / "killed" / name).read_bytes() == (home / "whole" / name).read_bytes()


def test_what_got_no_answer_is_told_at_the_end_and_tried_again_when_that_is_wanted(home: Path) -> None:
    done = call("run", "tiny.yaml", "-p", "model=retail-00001", "--out", "x")
    assert (done.returncode, last(done.stdout)) == (1, "report: x/report/index.html")
    assert "[2/5] 2_blueprints: 3 seeds, 0 recombined, 2 accepted, 1 without an answer," in done.stderr
    assert [line for line in done.stderr.splitlines() if "got no answer" in line] == [
        "apigen-nb: 1 items got no answer and count as failed: retail-00001; reasons are in the report and in "
        "x/blueprints.jsonl and trajectories.jsonl; `apigen-nb run --out x --retry-failed` tries them again"
    ]
    run = Run(home / "x")
    assert run.read_manifest()["finished"]
    assert len(run.trajectories.read_text().splitlines()) == 2
    source = home / "notebooks" / "2_blueprints.ipynb"
    source.write_text(source.read_text().replace("in model.split()", "in ''"))
    only = call("run", "--out", "x", "--stage", "7_report")
    assert (only.returncode, last(only.stderr)) == (1, last(done.stderr))
    partly = call("run", "--out", "x", "--retry-failed", "--stage", "2_blueprints")
    assert partly.returncode == 0, partly.stderr
    short = call("run", "--out", "x", "--stage", "4_dataset")
    assert short.returncode == 1
    assert "run.json promises 3 rows of trajectories.jsonl, there are 2; --stage 3_trajectories" in last(short.stderr)
    assert call("run", "--out", "x", "--retry-failed", "--stage", "2_blueprints", "3_trajectories").returncode == 0
    assert len(run.trajectories.read_text().splitlines()) == 3


def test_rows_that_are_gone_from_an_earlier_stage_stop_a_later_one(home: Path) -> None:
    run, params = Run(home / "x"), Params(count=4, attempts=2)
    runner.run_stages(params, run.folder, list(STAGES)[1:4])
    proofs = run.dataset / "proofs.jsonl"
    kept = {path: path.read_bytes() for path in (run.folder / "run.json", run.blueprints, run.trajectories, proofs)}
    for path, stages, earlier in (
        (run.trajectories, ["4_dataset", "7_report"], "3_trajectories"),
        (run.blueprints, ["3_trajectories"], "2_blueprints"),
        (run.blueprints, ["7_report"], "2_blueprints"),
        (proofs, ["7_report"], "4_dataset"),
    ):
        whole = kept[path]
        path.write_bytes(whole[: whole.rfind(b"\n", 0, -1) + 1] if whole else b"a row too many\n")
        with pytest.raises(StageFailed, match=rf"rows are missing: run\.json promises .*; --stage {earlier}") as caught:
            runner.run_stages(params, run.folder, stages)
        assert caught.value.code == 1
        assert run.trajectories.exists()
        for file, data in kept.items():
            file.write_bytes(data)
    run.trajectories.write_bytes(kept[run.trajectories][:-1].rpartition(b"\n")[0] + b"\n")
    runner.run_stages(params, run.folder, ["3_trajectories", "4_dataset"])
    assert run.trajectories.read_bytes() == kept[run.trajectories]


def test_a_kernel_beside_a_run_is_kept_out(home: Path) -> None:
    """One that goes on in JupyterLab, or one whose runner was killed."""
    slow = ("run", "tiny.yaml", "-p", "count=300", "-p", "model=slow", "-p", "concurrency=2", "--stage", "2_blueprints")
    process = subprocess.Popen(command(*slow, "--out", "x"), stderr=subprocess.DEVNULL)
    part = home / "x" / "blueprints.jsonl.part"
    end = time.monotonic() + 60
    while not part.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    beside = "import apigen_nb.storage.run_folder as m; m.ORPHANED = 0.2\nfrom apigen_nb.storage.journal import Journal"
    beside += "\nfrom apigen_nb.records import Proposal; Journal('x/blueprints.jsonl', Proposal)"
    done = subprocess.run([sys.executable, "-c", beside], capture_output=True, text=True, check=False)
    assert "InUse: x is being written by another process" in last(done.stderr)
    process.kill()
    process.wait()
    again = call(*slow, "--out", "x")  # at once: the kernel has not yet noticed that it is an orphan
    assert again.returncode == 0, again.stderr
    lines = (home / "x" / "blueprints.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"retail-{number:05}" for number in range(300)]


def test_a_stage_that_finds_another_writer_is_exit_2(home: Path) -> None:
    write(home / "notebooks", "2_blueprints", "from apigen_nb.storage.run_folder import InUse", "raise InUse('in use')")
    with pytest.raises(StageFailed) as caught:
        runner.run_stages(Params(), home / "x", ["2_blueprints"])
    assert caught.value.code == 2


def test_endpoint_down_is_exit_3_and_one_last_line(home: Path) -> None:
    done = call("run", "tiny.yaml", "-p", "model=down")
    assert done.returncode == 3
    assert last(done.stderr).endswith("EndpointDown: nobody listens at http://localhost:1/v1")
    assert len(done.stderr.splitlines()) == 2
    copy = nbformat.read(home / "outputs" / "tiny" / "notebooks" / "2_blueprints.ipynb", 4)
    assert copy.cells[-1].outputs[-1].ename == "EndpointDown"


def test_offline_and_a_spent_budget_have_exit_codes_of_their_own(home: Path) -> None:
    done = call("run", "tiny.yaml", "--offline", "--stage", "2_blueprints")
    assert (done.returncode, last(done.stderr).split(": ", 2)[2]) == (3, "NotRecorded: the reply of m is not recorded")
    assert "offline" not in Run(home / "outputs" / "tiny").read_manifest()["parameters"]
    done = call("run", "tiny.yaml", "-p", "max_cost=1", "-p", "concurrency=1", "--stage", "2_blueprints")
    assert (done.returncode, last(done.stderr).split(": ", 2)[2]) == (4, "BudgetSpent: the max_cost of $1 is used up")
    part = home / "outputs" / "tiny" / "blueprints.jsonl.part"
    assert [json.loads(line)["id"] for line in part.read_text().splitlines()] == ["retail-00000"]
    assert call("run", "tiny.yaml", "--stage", "2_blueprints").returncode == 0  # a budget is no other run


def test_what_a_run_has_cost_is_told_and_written(home: Path) -> None:
    done = call("run", "tiny.yaml", "-p", "model=gpt-4o", "--stage", "2_blueprints")
    assert done.returncode == 0, done.stderr
    assert "3 seeds, 0 recombined, 3 accepted, 3 new requests, 330,000 tokens, $1.05 in all," in last(done.stderr)
    ledger = json.loads((home / "outputs" / "tiny" / "ledger.json").read_text())
    again = call("run", "tiny.yaml", "-p", "model=gpt-4o", "--stage", "2_blueprints")
    assert "0 new requests, 330,000 tokens, $1.05 in all," in last(again.stderr)
    assert ledger["per_accepted_blueprint"] == {"requests": 1.0, "tokens": 110_000.0, "cost": 0.35}
    source = home / "notebooks" / "2_blueprints.ipynb"
    source.write_text(source.read_text().replace("if offline", "if item.id.endswith('2')"))
    failed = call("run", "tiny.yaml", "-p", "model=gpt-4o", "--out", "failed", "--stage", "2_blueprints")
    assert failed.returncode == 3
    assert json.loads((home / "failed" / "ledger.json").read_text())["total"]["requests"] == 2  # paid for all the same


def test_a_folder_that_cannot_be_written_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").touch()
    done = call("run", "tiny.yaml", "--out", "file/x")
    assert done.returncode == 1
    assert last(done.stderr).startswith("apigen-nb: cannot read or write: [Errno 20]")
    assert len(done.stderr.splitlines()) == 1

    def refused(self: object) -> None:
        raise PermissionError(13, "Permission denied", ".lock")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    with pytest.raises(OSError, match=r"x cannot be written: Permission denied; choose another folder: --out"):
        runner.run_stages(Params(), home / "x", ["1_domain"])


def test_a_full_disk_is_told_and_nothing_is_lost(home: Path) -> None:
    many = ("run", "tiny.yaml", "-p", "count=60", "--stage", "2_blueprints")
    # No file of the kernel may grow beyond 8 kB: to its writes that is a disk without space.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
    source = home / "notebooks" / "2_blueprints.ipynb"
    whole = source.read_text()
    source.write_text(whole.replace("import asyncio\\n", json.dumps(limit)[1:-1] + "import asyncio\\n"))
    done = call(*many)
    assert done.returncode == 1
    assert "OSError: ../outputs/tiny/blueprints.jsonl.part cannot be written" in last(done.stderr)
    part = home / "outputs" / "tiny" / "blueprints.jsonl.part"
    kept = part.read_bytes()
    assert kept.endswith(b"\n")
    assert kept.count(b"\n") > 5
    source.write_text(whole)
    assert call(*many).returncode == 0
    assert (home / "outputs" / "tiny" / "blueprints.jsonl").read_bytes().startswith(kept[: kept.index(b"\n")])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed_s": 1}, "declares no parameter 'seed_s'"),
        ({"count\nimport os": 1}, "declares no parameter"),
        ({"class": 1}, "declares no parameter 'class'"),
        ({"model": object()}, "model holds what cannot be written into a notebook"),
        ({"temperature": float("inf")}, "temperature holds what cannot be written"),
        ({"roles": {"judge": {1, 2}}}, "roles holds what cannot be written"),
    ],
)
def test_only_declared_names_and_literals_reach_a_notebook(
    tmp_path: Path, values: dict[str, object], said: str
) -> None:
    path = write(tmp_path, "x", "print(1)", parameters=PARAMETERS + "\n")
    with pytest.raises(UsageError, match=said):
        execute(path, values, tmp_path / "y.ipynb")
    assert not (tmp_path / "y.ipynb").exists()


evil = st.text() | st.sampled_from(
    ['"', "\\", "\n", '"""', "{x}", "%s", '\\"); import os #', "__import__('os')", "\u2028"]
)
trees = st.recursive(
    evil | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(evil, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(value=trees)
def test_no_value_becomes_code(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.getbasetemp() / "literals"
    folder.mkdir(exist_ok=True)
    check_parameters(write(folder, "x"), {"roles": value})
    node = load_notebook_node(str(folder / "x.ipynb"))
    code = parameterize_notebook(node, {"roles": value}, kernel_name="python3", language="python")
    cell = next(c for c in code.cells if "injected-parameters" in c.metadata.get("tags", []))
    tree = ast.parse(cell.source)
    assert len(tree.body) == 1
    assert ast.literal_eval(tree.body[0].value) == value  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("import os; os.kill(os.getpid(), 9)", "the kernel died"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
def test_a_stage_that_does_not_end_well_has_failed(tmp_path: Path, cell: str, said: str) -> None:
    path = write(tmp_path, "2_blueprints", "print('so far')", cell, "print('never')")
    with pytest.raises(StageFailed, match=said):
        execute(path, {"count": 3}, tmp_path / "copies" / "2_blueprints.ipynb")
    copy = nbformat.read(tmp_path / "copies" / "2_blueprints.ipynb", 4)
    assert [cell.execution_count for cell in copy.cells if cell.cell_type == "code"][-1] is None
    assert copy.cells[3].outputs[0].text == "so far\n"


def test_parameters_arrive_as_they_are(tmp_path: Path) -> None:
    values = {"model": 'a "b" \\ \n007', "roles": {"judge": [{"model": "x"}]}, "temperature": None, "timeout": 1.5}
    path = write(tmp_path, "x", "print(repr([model, roles, temperature, timeout, count]))")
    execute(path, values, tmp_path / "y.ipynb")
    printed = nbformat.read(tmp_path / "y.ipynb", 4).cells[-1].outputs[0].text
    assert eval(printed) == [*values.values(), 10]


def test_names_are_read_from_the_parameters_cell(tmp_path: Path) -> None:
    text = "count: int = 3  # a = b\nmodel = 'x=y'\ntemperature: float | None = None\nrun = other = 1\n"
    assert list(declared(write(tmp_path, "a", parameters=text))) == ["count", "model", "temperature", "run", "other"]


def test_every_parameter_is_read_by_a_stage() -> None:
    folder = Path(__file__).parents[2] / "notebooks"
    assert set(Params.model_fields) <= {name for stage in STAGES for name in declared(folder / f"{stage}.ipynb")}


def refusals() -> list[tuple[Callable[[Path], object], type[Exception], str]]:
    def undeclared(home: Path) -> None:
        less = PARAMETERS.replace("count = 10\n", "")
        for stage in STAGES:
            write(home / "notebooks", stage, parameters=less)

    return [
        (lambda home: (home / "notebooks" / "4_dataset.ipynb").unlink(), UsageError, "no notebook 4_dataset.ipynb"),
        (undeclared, UsageError, "no notebook declares the parameter count"),
        (lambda home: Run.open(home / "x").claim(count=4), ParametersChanged, "count: 4 before, 3 now"),
    ]


@pytest.mark.parametrize(("spoil", "kind", "said"), refusals())
def test_what_cannot_start_is_refused(
    home: Path, spoil: Callable[[Path], object], kind: type[Exception], said: str
) -> None:
    spoil(home)
    with pytest.raises(kind, match=said):
        runner.run_stages(Params(count=3), home / "x")
    assert not (home / "x" / "notebooks").exists()


def test_a_stage_alone_says_what_it_lacks(home: Path) -> None:
    with pytest.raises(UsageError, match=r"3_trajectories needs blueprints\.jsonl, .*add --stage 2_blueprints"):
        runner.run_stages(Params(), home / "x", ["3_trajectories"])


def test_two_runs_in_one_folder(home: Path) -> None:
    with Run.open(home / "x").locked(), pytest.raises(InUse, match="in use by another run"):
        runner.run_stages(Params(), home / "x", ["1_domain"])


def test_a_stage_without_its_artefact_has_failed(home: Path) -> None:
    write(home / "notebooks", "2_blueprints", "pass")
    with pytest.raises(StageFailed, match=r"2_blueprints ended without blueprints\.jsonl"):
        runner.run_stages(Params(), home / "x", ["2_blueprints"])


def test_edited_prompts_need_resume(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.run_stages(Params(count=2), home / "x", ["2_blueprints"])
    monkeypatch.setattr("apigen_nb.models.chat_format.prompt_shas", lambda: {"judge": "another"})
    with pytest.raises(ParametersChanged, match=r"other prompts \(judge edited since\).*--resume"):
        runner.run_stages(Params(count=2), home / "x", ["2_blueprints"])
    moved = Params(count=2, base_url="http://localhost:2/v1")
    with pytest.raises(ParametersChanged, match="prompts"):
        runner.run_stages(moved, home / "x", ["2_blueprints"])
    runner.run_stages(moved, home / "x", ["2_blueprints"], resume=True)
    changes = Run(home / "x").read_manifest()["changes"]
    assert changes == ["prompt judge edited", "base_url: None before, http://localhost:2/v1 now"]


def test_need_runs_what_is_missing_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.open(home / "lab").claim(count=2)
    stage = open_stage({"out": str(run.folder), "count": 2})
    stage.need("trajectories.jsonl")
    assert "running 2_blueprints and 3_trajectories first" in capsys.readouterr().out
    assert len(run.blueprints.read_text().splitlines()) == 2
    stage.need("trajectories.jsonl")
    assert capsys.readouterr().out == ""
    write(home / "notebooks", "2_blueprints", "1 / 0")
    with pytest.raises(StageFailed, match="ZeroDivisionError"):
        open_stage({"out": str(home / "lab2")}).need("blueprints.jsonl")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "which run?"),
        (["run", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["run", "tiny.yaml", "-p", "sedes=3"], "did you mean count, which was seeds?"),
        (["verify", "nowhere"], '"nowhere" does not exist'),
        (["report", ".", "nowhere"], '"nowhere" does not exist'),
        (["run", "--stage", "2_blueprint"], 'Invalid value "2_blueprint" for --stage. Choose from: "1_domain"'),
        (["run", "tiny.yaml", "--ofline"], "Unknown option: --ofline"),
        (["runn"], 'Unknown command "runn". Did you mean "run"'),
        (["verify"], "requires an argument"),
    ],
)
def test_bad_input_is_exit_2(home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(arguments) == 2
    assert said in last(capsys.readouterr().err)
    assert not (home / "outputs").exists()


def test_importing_is_cheap() -> None:
    code = "import sys, apigen_nb.__main__; print([m for m in ('pydantic', 'papermill', 'pandas') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
