"""The command line as its users meet it: processes of their own, exit codes as README lists them, help, completion."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from apigen_nb import __version__
from apigen_nb.__main__ import main
from apigen_nb.models import Question
from apigen_nb.models.reply_cache import read_replies
from apigen_nb.run.params_file import load_params
from apigen_nb.run.rough_estimate import StandIns
from apigen_nb.world.domain import Domain
from apigen_nb.world.scaffold import new_domain
from tests.report_records import make_run
from tests.run.test_end_to_end import ENV, serving

VERBS = ("check-domain", "estimate", "judge", "new-domain", "params", "report", "run", "runs", "verify")
CASES = Path(__file__).parent.parent / "trajectories" / "cases" / "language.jsonl"
NOBODY = "model: tiny\nbase_url: http://127.0.0.1:9/v1\n"
SLOW = "import time\nprint('here', flush=True)\ntime.sleep(60)\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory: parameter files, domains of which one is broken and one takes a minute, folders."""
    home = tmp_path_factory.mktemp("here")
    before = os.getcwd()
    os.chdir(home)
    try:
        for name in ("library", "broken", "slow"):
            new_domain(name)
    finally:
        os.chdir(before)
    (home / "broken" / "policy.md").write_text("Be kind.")
    (home / "slow" / "tools.py").write_text(SLOW)
    (home / "nobody.yaml").write_text(NOBODY)
    (home / "keyless.yaml").write_text("model: gpt-4.1-mini\ncount: 8\nkinds: {plain: 1.0}\n")
    (home / "slow.yaml").write_text("domain: ./slow\n")
    (home / "bad.yaml").write_text("sedes: 4\n")
    (home / "empty").mkdir()
    make_run(home / "begun", count=2)
    (home / "begun" / "run.json").write_text(json.dumps({"parameters": {"domain": "../slow"}}))
    case = json.loads(CASES.read_text().splitlines()[0])
    (home / "cases.jsonl").write_text(json.dumps(case) + "\n")
    (home / "broken.jsonl").write_text("{\n")
    (home / "lost.jsonl").write_text(json.dumps(case | {"domain": "nowhere"}) + "\n")
    return home


FORK = """
import gc, json, os, runpy, sys, tempfile
import apigen_nb.dataset.verify, apigen_nb.report.write, apigen_nb.run.judging, apigen_nb.run.rough_estimate
import apigen_nb.run.runner, apigen_nb.world.contract, apigen_nb.world.scaffold
done = []
gc.freeze()
for line in json.loads(sys.argv[1]):
    told = [tempfile.TemporaryFile("w+") for _ in range(2)]
    if not (child := os.fork()):
        [os.dup2(file.fileno(), number) for number, file in enumerate(told, 1)]
        sys.argv = ["apigen-nb", *line.split()]
        runpy.run_module("apigen_nb", run_name="__main__", alter_sys=True)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    done.append([code, *(os.pread(file.fileno(), 10**6, 0).decode() for file in told)])
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def done(here: Path) -> dict[str, tuple[int, str, str]]:
    """Every line of the table, each in a process of its own that is forked once all imports are made: code, stdout and
    stderr."""
    command = [sys.executable, "-c", FORK, json.dumps(list(TABLE))]
    found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True, env=ENV).stdout
    return dict(zip(TABLE, map(tuple, json.loads(found)), strict=True))


def call(here: Path, line: str, env: Mapping[str, str] = ENV) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "apigen_nb", *line.split()]
    return subprocess.run(command, cwd=here, capture_output=True, text=True, check=False, env=dict(env))


# What a run does once its stages have begun (1, 3, 4, 130) is in test_runner.py, test_ending.py and test_end_to_end.py.
TABLE = {
    "": 0,
    "--help": 0,
    "--version": 0,
    "check-domain library": 0,
    "estimate keyless.yaml": 0,
    "judge cases.jsonl": 0,
    "params": 0,
    "new-domain another": 0,
    "check-domain broken": 1,
    "verify begun": 1,
    "nope": 2,
    "--nope": 2,
    **{f"{verb} --nope": 2 for verb in VERBS},
    "run": 2,
    "run nowhere.yaml": 2,
    "run bad.yaml": 2,
    "run keyless.yaml": 2,
    "run keyless.yaml --stage 9_nope": 2,
    "run -p domain=nope --out x": 2,
    "estimate nowhere.yaml": 2,
    "estimate bad.yaml": 2,
    "estimate keyless.yaml --from empty": 2,
    "estimate keyless.yaml -p count=3": 2,
    "verify": 2,
    "verify nowhere": 2,
    "verify empty": 2,
    "judge nowhere.jsonl": 2,
    "judge broken.jsonl": 2,
    "judge lost.jsonl": 2,
    "judge cases.jsonl --readings nowhere.jsonl": 2,
    "report nowhere": 2,
    "report empty": 2,
    "report begun empty": 2,
    "new-domain no/name": 2,
    "new-domain retail": 2,
    "new-domain library": 2,
    "check-domain nope": 2,
    "check-domain empty": 2,
    "check-domain tau2:nope": 2,
    "runs .": 0,
    "runs nowhere": 2,
    "runs begun": 2,
    "estimate nobody.yaml": 3,
}


@pytest.mark.parametrize(("line", "code"), TABLE.items(), ids=lambda value: str(value) or "nothing")
def test_exit_codes(here: Path, done: dict[str, tuple[int, str, str]], line: str, code: int) -> None:
    found, out, err = done[line]
    assert found == code, out + err
    assert "Traceback" not in err
    told = [text for text in err.splitlines() if not text.startswith("estimate: ")]
    if code >= 2:
        assert (out, len(told)) == ("", 1), "one line says what was found and what to do"
        assert told[0].startswith("apigen-nb: ")
    assert not (here / "x").exists()
    assert os.listdir(here / "empty") == [], "nothing half-written"


def test_a_spent_budget_is_4_to_an_estimate_too(here: Path) -> None:
    with serving(str) as server:
        (here / "served.yaml").write_text(f"model: tiny\nbase_url: {server.url}\nmax_total_tokens: 1\nconcurrency: 1\n")
        done = call(here, "estimate served.yaml --out estimated")
    assert done.returncode == 4, done.stderr
    assert "max_total_tokens of 1 is used up" in done.stderr


def test_the_exit_code_is_that_of_the_process(here: Path) -> None:
    """The same, without a fork."""
    for line in ("--version", "verify begun", "verify empty"):
        assert call(here, line).returncode == TABLE[line]


@pytest.mark.parametrize("line", ["run slow.yaml", "check-domain slow", "report begun"])
def test_ctrl_c_is_130(here: Path, line: str) -> None:
    """Whatever a command was about: here it reads a domain that takes a minute."""
    command = [sys.executable, "-m", "apigen_nb", *line.split()]
    pipe = subprocess.PIPE
    # what a shell without job control starts in its background, such as these tests, has SIGINT ignored
    with subprocess.Popen(
        command, cwd=here, stdout=pipe, stderr=pipe, text=True, env=ENV,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    last = told.splitlines()[-1:]  # a slow machine is told before how far it is
    assert (process.returncode, told.count("apigen-nb: interrupted; ")) == (130, 1), told
    assert last[0].startswith("apigen-nb: interrupted; ")
    assert "Traceback" not in told


def test_without_arguments_it_is_help_and_every_verb_is_in_it(done: dict[str, tuple[int, str, str]]) -> None:
    assert done[""] == done["--help"]
    for verb in VERBS:
        assert f"\n│ {verb} " in done[""][1]
    assert done["--version"][1] == f"{__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: apigen-nb {verb}")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_bash_completes_verbs_options_and_stages(here: Path, tmp_path: Path) -> None:
    env = {**ENV, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    assert call(here, "--install-completion", env).returncode == 0
    [script] = tmp_path.glob(".local/share/bash-completion/completions/apigen-nb")
    ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _apigen_nb; echo "${COMPREPLY[@]}"'
    for line, wanted in (("ver", "verify"), ("run --retr", "--retry-failed"), ("run --stage 2", "2_blueprints")):
        shell = ["bash", "--norc", "-c", ask, "bash", str(script), "apigen-nb", *line.split()]
        done = subprocess.run(shell, capture_output=True, text=True, check=False, env=env)
        assert done.stdout.split() == [wanted], done.stderr


def test_without_a_key_an_estimate_is_a_rough_one_from_the_price_table(
    here: Path, done: dict[str, tuple[int, str, str]]
) -> None:
    head, columns, *rows = done["estimate keyless.yaml"][1].splitlines()
    assert "2 played by the scripted model: keyless.yaml: generator: environment variable OPENAI_API_KEY" in head
    assert columns.split() == ["roughly"]
    found = {row[:22].strip(): float(row[22:].replace(",", "")) for row in rows[:-1]}
    expected = found["prompt tokens"] * 0.4 / 1e6 + found["completion tokens"] * 1.6 / 1e6  # prices.yaml
    assert found["dollars"] == pytest.approx(expected, rel=0.12)  # each is told with two digits
    assert found.keys() == {
        "requests", "prompt tokens", "completion tokens", "dollars", "accepted blueprints", "verified trajectories",
    }  # fmt: skip
    assert rows[-1].startswith("rough: no model was asked")


async def test_a_stand_in_answers_for_the_models_of_the_run(here: Path, tmp_path: Path) -> None:
    """Nobody is asked, and prompts of the user's own are counted as they are."""
    (tmp_path / "feedback.md").write_text("Advise! " * 4000)
    roles = {"feedback": {"model": "dear", "prompt": str(tmp_path / "feedback.md")}}
    models = StandIns(Domain.load("retail"), "cheap", roles=roles, folder=tmp_path)
    context = {"failures": [], "attempt": {}, "instruction": "", "actions": [], "outputs": []}
    answer = await models.feedback(Question(id="x", role="feedback", prompt="feedback", context=context))
    assert answer.text
    assert 7990 < answer.usage.prompt < 8100
    assert 0 < answer.usage.completion < 1000
    [reply] = read_replies(tmp_path)
    assert (reply.model, reply.answer and reply.answer.usage) == ("dear", answer.usage)


def test_a_bad_key_is_no_missing_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "“curly”")
    monkeypatch.chdir(here)
    assert main(["estimate", "keyless.yaml"]) == 2
    with pytest.raises(ValueError, match="holds no key"):
        load_params(here / "keyless.yaml")
