"""The index of runs: what it tells of each, of folders that are none, and how it looks in a terminal and a notebook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from apigen_nb.__main__ import main
from apigen_nb.models.ledger import Ledger, Sum
from apigen_nb.records import Trajectory
from apigen_nb.report.past_runs import PastRun, lines, read_runs
from apigen_nb.report.past_runs_page import runs, runs_table, write_index, yields_figure
from apigen_nb.storage.jsonl import read_lines
from tests.report_records import assert_harmless, make_run
from tests.run.test_end_to_end import ENV

DONE = {
    "2_blueprints": {"seeds": 50, "recombined": 5, "accepted": 44},
    "3_trajectories": {"trajectories": 132, "successful": 99},
}
DONE |= {"4_dataset": {"rows": 80}, "7_report": {}}
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e$x$"


def begin(outputs: Path, name: str, day: int, domain: str = "retail", **told: Any) -> Path:
    """A run as its manifest tells of it."""
    folder = outputs / name
    folder.mkdir(parents=True)
    parameters = {"domain": domain, "count": 50, "model": "gpt-4o", "kinds": {"plain": 1.0}, "concurrency": day}
    manifest = {
        "parameters": parameters | told.pop("parameters", {}),
        "domain": {"name": domain, "fingerprint": "f" * 64},
        "models": {"agent": "gpt-4o", "judge": ["gpt-4o", "o3"]},
        "prompts": {"judge": "a" * 64},
        "stages": DONE,
        "started": f"2026-11-{day:02}T08:00:00+00:00",
        "finished": f"2026-11-{day:02}T09:00:00+00:00",
    }
    (folder / "run.json").write_text(json.dumps(manifest | told))
    return folder


def pay(folder: Path, cost: float) -> None:
    total = Sum(requests=9, cost=cost)
    (folder / "ledger.json").write_text(Ledger(total=total, roles={}, stages={}, models={}).model_dump_json())


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Runs of two domains in every state, and what is none."""
    home = tmp_path / "outputs"
    pay(begin(home, "second", 2, parameters={"count": 90, "kinds": {"plain": 0.5, "forbidden": 0.5}}), 1.5)
    begin(home, "first", 1)
    begin(home, "banking", 3, "banking", prompts={"judge": "b" * 64})
    failed = {"stage": "3_trajectories", "reason": "EndpointDown: nobody listens"}
    begin(home, "failed", 4, stages={"2_blueprints": DONE["2_blueprints"]}, finished=None, failed=failed)
    begin(home, "stopped", 5, stages={"1_domain": {}}, finished=None)
    begin(home, "working", 6, stages={}, finished=None)
    ranges = {"dollars": {"low": 1.0, "expected": 2.0, "high": 4.5}}
    (home / "planned").mkdir()
    told = {"domain": {"name": "retail"}, "models": {"agent": "o3"}, "started": "2026-11-07T08:00:00+00:00"}
    (home / "planned" / "estimate.json").write_text(json.dumps(told | {"ranges": ranges}))
    (home / "thesis").mkdir()
    for name, text in {"broken": "{", "list": "[1]", "odd": '{"stages": {"2_blueprints": {"seeds": "many"}}}'}.items():
        (home / name).mkdir()
        (home / name / "run.json").write_text(text)
    (home / "more").mkdir()
    (home / "more" / "run.json").write_text('{"stages": {"2_blueprints": {"seeds": 2, "accepted": 3}}}')
    (home / "notes.txt").touch()
    (home / ".cache").mkdir()
    return home


def by_name(outputs: Path) -> dict[str, PastRun]:
    return {run.name: run for run in read_runs(outputs)}


def test_in_the_order_in_which_they_were_begun_and_what_is_none_last(outputs: Path) -> None:
    names = [run.name for run in read_runs(outputs)]
    assert names[:7] == ["first", "second", "banking", "failed", "stopped", "working", "planned"]
    assert sorted(names[7:]) == ["broken", "list", "more", "odd", "thesis"]


def test_each_state_and_what_stands_behind_it(outputs: Path) -> None:
    (outputs / "working" / "progress.json").write_text('{"title": "blueprints", "done": 3, "total": 9, "accepted": 1}')
    with FileLock(outputs / "working" / ".lock"):
        found = by_name(outputs)
    told = {name: (run.state, run.about) for name, run in found.items()}
    assert told["first"] == ("finished", "")
    assert told["failed"] == ("failed", "3_trajectories: EndpointDown: nobody listens")
    assert told["stopped"] == ("stopped", "after 1_domain")
    assert told["working"] == ("in work", "blueprints: 3 of 9")
    assert told["planned"] == ("estimated", "")
    assert told["thesis"] == ("no run", "no run.json and no records")
    assert {told[name][0] for name in ("broken", "list", "odd", "more")} == {"damaged"}
    assert told["broken"][1].startswith("run.json cannot be read: Expecting property name")
    assert told["odd"][1].startswith("run.json: stages.2_blueprints.seeds: Input should be a valid integer")
    assert told["more"][1] == "run.json cannot be read: it counts 3 of 2"
    assert by_name(outputs)["working"].state == "stopped", "nobody is at work there any more"
    assert not (outputs / "stopped" / ".lock").exists(), "looking leaves nothing behind"


def test_what_was_set_otherwise_is_told_against_the_run_of_that_domain_before(outputs: Path) -> None:
    found = by_name(outputs)
    assert (found["first"].before, found["first"].differs) == ("", ())
    second = found["second"]
    assert second.before == "first"
    assert second.differs == (("count", "50", "90"), ("kinds.plain", "1.0", "0.5"), ("kinds.forbidden", "–", "0.5"))
    assert found["banking"].before == "", "another domain is no comparison"
    assert found["failed"].before == "second"
    assert (found["stopped"].before, found["stopped"].changes) == ("failed", [])


def test_yields_rows_and_costs(outputs: Path) -> None:
    found = by_name(outputs)
    assert (found["second"].blueprints, found["second"].conversations) == ((44, 55), (99, 132))
    assert (found["second"].rows, found["second"].cost, found["first"].cost) == (80, 1.5, None)
    assert (found["failed"].conversations, found["failed"].rows) == (None, None)
    assert found["planned"].estimate == (1.0, 2.0, 4.5)
    assert found["planned"].costs == ["estimated $2.00 [1.00–4.50]"]
    (outputs / "second" / "ledger.json").write_text("{")
    assert "ledger.json: expected a ledger" in by_name(outputs)["second"].about


def test_a_run_that_no_stage_has_counted_is_counted_from_its_records(tmp_path: Path) -> None:
    made = make_run(tmp_path / "outputs" / "by hand", count=24)
    held = read_lines(made / "trajectories.jsonl", Trajectory)
    verified = sum(one.success for one in held)
    assert 0 < verified < len(held)
    [run] = read_runs(tmp_path / "outputs")
    assert (run.state, run.blueprints, run.conversations) == ("stopped", (20, 24), (verified, len(held)))
    (tmp_path / "outputs" / "by hand" / "blueprints.jsonl").write_text("no record\n")
    [run] = read_runs(tmp_path / "outputs")
    assert run.state == "damaged"
    assert "blueprints.jsonl" in run.about


def test_a_terminal_gets_a_table(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(outputs)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split("  ")[0] == "run"
    at = next(number for number, line in enumerate(told) if line.startswith("second "))
    assert "2026-11-02 08:00  finished  " in told[at]
    assert "44 of 55 · 80.0 % [67.6–88.4]" in told[at]
    assert "99 of 132 · 75.0 % [67.0–81.6]" in told[at]
    assert told[at].endswith("$1.50")
    assert told[at + 2] == "    against first: count 50 → 90; kinds.plain 1.0 → 0.5; kinds.forbidden – → 0.5"
    assert "    no run.json and no records" in told
    assert not (outputs / "index.html").exists()


def test_a_run_is_no_folder_of_runs_and_an_empty_one_says_so(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(outputs / "first")]) == 2
    assert f"give the folder that holds runs, such as {outputs}" in capsys.readouterr().err
    assert main(["runs", str(outputs / "thesis"), "--html"]) == 0
    assert "no runs in" in capsys.readouterr().out
    assert "There is no run here yet" in (outputs / "thesis" / "index.html").read_text()
    assert main(["runs", str(outputs / "nowhere")]) == 2


def test_names_and_texts_of_others_steer_neither_terminal_nor_page(tmp_path: Path) -> None:
    home = tmp_path / "outputs"
    failed = {"stage": HOSTILE, "reason": HOSTILE}
    begin(home, "a <b> & 'c' #1", 1, HOSTILE, models={HOSTILE: HOSTILE}, finished=None, failed=failed)
    begin(home, "b", 2, HOSTILE, parameters={HOSTILE: HOSTILE})
    found = read_runs(home)
    assert "\x1b" not in "\n".join(lines(found))
    page = write_index(home, found).read_text()
    assert_harmless(runs_table(found, "outputs"))
    assert "<img src=x" not in page
    (home / "a <b> & 'c' #1" / "report").mkdir()
    (home / "a <b> & 'c' #1" / "report" / "index.html").touch()
    assert 'href="a%20%3Cb%3E%20%26%20%27c%27%20%231/report/index.html"' in runs_table(read_runs(home), "outputs")
    assert yields_figure(found, found[0].domain).data


def test_the_figure_has_a_point_and_an_interval_a_run(outputs: Path) -> None:
    drawn = yields_figure(read_runs(outputs), "retail")
    blueprints, conversations = drawn.data
    assert len(blueprints.y) == 3
    assert blueprints.y[1] == pytest.approx(80.0)
    assert blueprints.error_y.array[1] == pytest.approx(8.4, abs=0.1)
    assert blueprints.error_y.arrayminus[1] == pytest.approx(12.4, abs=0.1)
    assert len(conversations.y) == 2
    assert "count 50 → 90" in blueprints.hovertext[1]
    assert "nothing to show" in yields_figure(read_runs(outputs), "airline").layout.annotations[0].text


def test_in_a_notebook_it_is_a_table_without_links(outputs: Path) -> None:
    shown = runs(outputs)._repr_html_()
    assert "80.0 % [67.6–88.4]" in shown
    assert "<a " not in shown
    assert "checkbox" not in shown


def test_five_hundred_runs_need_no_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stage has counted is not counted again: nothing but small files is read."""
    for number in range(500):
        folder = begin(tmp_path, f"run-{number:03}", 1 + number % 28)
        (folder / "blueprints.jsonl").write_text("never read\n")
        (folder / "trajectories.jsonl").write_text("never read\n")
    assert len(read_runs(tmp_path)) == 500
    assert write_index(tmp_path, read_runs(tmp_path)).stat().st_size < 8_000_000


def test_what_fails_in_a_real_run_is_in_the_index_until_it_is_mended(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "count: 2\nattempts: 1\nrecombined: 0.0\nmodel: tiny\nbase_url: http://127.0.0.1:9/v1\n"
    )
    command = [sys.executable, "-m", "apigen_nb", "run", "x.yaml"]

    def run(*more: str) -> int:
        return subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, check=False, env=ENV).returncode

    assert run("--stage", "2_blueprints") == 3
    [failed] = read_runs(tmp_path / "outputs")
    assert failed.state == "failed"
    assert failed.about.startswith("2_blueprints: ")
    assert "cannot reach tiny" in failed.about
    assert run("--stage", "1_domain") == 0
    [mended] = read_runs(tmp_path / "outputs")
    assert (mended.state, mended.about) == ("stopped", "after 1_domain")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(outputs: Path) -> None:
    (outputs / "first" / "run.json").chmod(0)
    assert by_name(outputs)["first"].state == "damaged"
    shutil.rmtree(outputs)
