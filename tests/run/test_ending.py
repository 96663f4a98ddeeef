"""Whoever ends a run, at whatever moment, gets one line and exit code 130, and the folder is free for the next."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.run.test_end_to_end import ENV, of_run

SMALL = {"count": 6, "random_seed": 7, "attempts": 1, "recombined": 0.0}
Moment = Callable[[subprocess.Popen[str]], None]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    subprocess.run(of_run(out, "2_blueprints", "3_trajectories", "4_dataset", "7_report", **SMALL), check=True, env=ENV)
    return out


def line(start: str) -> Moment:
    """When the command has written a line that begins so."""

    def wait(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert any(text.startswith(start) for text in iter(process.stdout.readline, "")), "it ended before"

    return wait


def kernel(later: float) -> Moment:
    """So many seconds after a kernel was started."""

    def wait(process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 60
        while not psutil.Process(process.pid).children():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.003)
        time.sleep(later)

    return wait


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        pytest.param(signal.SIGINT, kernel(0), id="a kernel was asked for"),
        pytest.param(signal.SIGTERM, kernel(0.1), id="a kernel is starting"),
        pytest.param(signal.SIGHUP, kernel(0.6), id="a kernel has nearly started"),
        pytest.param(signal.SIGINT, line("[1/5] 1_domain"), id="between two stages"),
        pytest.param(signal.SIGTERM, line("[1/1] 7_report"), id="the report is being written"),
        pytest.param(signal.SIGTERM, line("[1/5] 1_domain"), id="between two stages, in the background of a script"),
    ],
)
def test_a_run(
    tmp_path: Path, finished: Path, number: signal.Signals, moment: Moment, request: pytest.FixtureRequest
) -> None:
    stages = ["7_report"] if "report" in request.node.name else []
    out = shutil.copytree(finished, tmp_path / "run") if stages else tmp_path / "run"
    begun, both = of_run(out, *stages, **SMALL), subprocess.PIPE
    # a shell without job control starts what is in its background with SIGINT ignored, and so perhaps these tests
    ctrl_c = signal.SIG_IGN if "background" in request.node.name else signal.SIG_DFL
    with subprocess.Popen(
        begun, start_new_session=True, stdout=both, stderr=subprocess.STDOUT, text=True, env=ENV,
        preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c) and None,
    ) as it:  # fmt: skip
        moment(it)
        kernels = psutil.Process(it.pid).children(recursive=True)
        os.kill(it.pid, number)
        assert it.stdout is not None
        told = it.stdout.read()
    assert it.returncode == 130, told
    assert told.splitlines()[-1].startswith("apigen-nb: interrupted; ")
    assert told.endswith("the same command continues\n")
    assert "Traceback" not in told
    assert "never retrieved" not in told
    assert psutil.wait_procs(kernels, timeout=10)[1] == []
    done = subprocess.run(of_run(out, "1_domain", **SMALL), capture_output=True, text=True, env=ENV, check=False)
    assert done.returncode == 0, done.stderr


def test_nohup_is_respected_and_signals_are_given_back(tmp_path: Path) -> None:
    code = (
        "import signal; from apigen_nb.__main__ import main; "
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); before = [signal.getsignal(n) for n in (1, 2, 15)]; "
        f"assert main(['run', 'params/demo.yaml', '--stage', '1_domain', '--out', {str(tmp_path / 'run')!r}]) == 0; "
        "assert before == [signal.getsignal(n) for n in (1, 2, 15)], 'a library must not keep them'"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, env=ENV, check=False)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_leaves_the_report_that_there_was(tmp_path: Path, finished: Path) -> None:
    """No file may grow beyond a megabyte: to what writes plotly's script, that is a disk without space."""
    out = shutil.copytree(finished, tmp_path / "run")
    before = files_of(out / "report")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))

    report = [sys.executable, "-m", "apigen_nb", "report", str(out)]
    for command in (of_run(out, "7_report", **SMALL), report):
        done = subprocess.run(command, capture_output=True, text=True, env=ENV, check=False, preexec_fn=limited)
        assert done.returncode == 1
        assert "plotly.min.js" in done.stderr
        assert "Traceback" not in done.stderr
        assert files_of(out / "report") == before


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
