"""Progress: what is counted, how it reads, who may add to it, and what an interrupted kernel leaves behind."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.records import Attempt, Message, Proposal, Trajectory, Usage, Verdict
from apigen_nb.storage import progress, progress_watch
from apigen_nb.storage.journal import Journal
from apigen_nb.storage.progress import Progress, add_meter, progress_html, progress_line


def verdict(gate: str, passed: bool) -> Verdict:
    return Verdict(gate=gate, passed=passed)


def proposal(accepted: bool) -> Proposal:
    attempts = (
        Attempt(number=0, verdicts=(verdict("format", True), verdict("policy", False))),
        Attempt(number=1, verdicts=(verdict("format", True), verdict("policy", accepted))),
    )
    usage = {"generator": Usage(calls=2, prompt=900, completion=100), "judge": Usage(calls=1, prompt=500)}
    return Proposal(
        id="retail-0", domain="retail", user="u", walk=(), persona="", examples=(), attempts=attempts,
        accepted=accepted, usage=usage,
    )  # fmt: skip


def trajectory(success: bool) -> Trajectory:
    return Trajectory(
        id="retail-0.t1", blueprint="retail-0", attempt=1, messages=(Message(role="user", content="hello"),),
        ended="stop", verdicts=(verdict("state", success),),
    )  # fmt: skip


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_gates_and_tokens_come_from_the_records(tmp_path: Path) -> None:
    shown = Progress(tmp_path, "blueprints", 10)
    shown.count(proposal(True))
    shown.count(proposal(False))
    told = shown.snapshot()
    assert told["gates"] == {"format": [4, 4], "policy": [1, 4]}
    assert (told["done"], told["accepted"], told["tokens"], told["calls"]) == (2, 1, 3000, 6)
    shown = Progress(tmp_path, "trajectories", 10)
    shown.count(trajectory(True))
    assert shown.snapshot() == {
        "title": "trajectories",
        "done": 1,
        "total": 10,
        "accepted": 1,
        "gates": {"state": [1, 1]},
    }


def test_the_time_left_is_guessed_from_what_this_process_did(tmp_path: Path, clock: list[float]) -> None:
    shown = Progress(tmp_path, "blueprints", 100)
    shown.done = 40  # of an earlier run
    shown.count(trajectory(True))
    clock[0] += progress.SURE - 1
    assert "left" not in shown.snapshot()
    clock[0] += 8
    assert shown.snapshot()["left"] == 10 * (100 - 41)
    shown.total = None
    assert "left" not in shown.snapshot()


class Server:
    def __init__(self, in_flight: int, retries: int) -> None:
        self.in_flight, self.retries = in_flight, retries


def read(server: Server) -> dict[str, float]:
    return {"in_flight": server.in_flight, "retries": server.retries, "cost": 0.25 * server.retries}


def test_meters_are_added_up_and_forgotten_with_their_owners(tmp_path: Path) -> None:
    one, other = Server(2, 4), Server(3, 0)
    for server in (one, other):
        add_meter(server, read)
    shown = Progress(tmp_path, "blueprints")
    assert shown.snapshot()["in_flight"] == 5
    assert "retries" not in shown.snapshot(), "those of before do not count"
    one.retries += 2
    assert (shown.snapshot()["retries"], shown.snapshot()["cost"]) == (2, 0.5)
    del one, server
    gc.collect()
    assert shown.snapshot()["in_flight"] == 3
    other.retries += 1
    assert shown.snapshot()["retries"] == 1, "what a forgotten owner had before is not taken off"


def test_the_longest_wait_is_shown_while_there_is_one(tmp_path: Path) -> None:
    waits = {Server(0, 0): 140, Server(0, 0): 20}
    for server in waits:
        add_meter(server, lambda server: {"waiting": waits[server]})
    shown = Progress(tmp_path, "blueprints", 5)
    assert shown.snapshot()["waiting"] == 140, "neither added up nor taken off"
    assert progress_line(shown.snapshot()) == "blueprints: 0 of 5, 0 accepted · waiting 140 s more for the server"
    assert "waiting 140 s more for the server" in progress_html(shown.snapshot())
    waits.update(dict.fromkeys(waits, 0))
    assert "waiting" not in shown.snapshot()


def test_one_line_says_it_all() -> None:
    told = {
        "title": "blueprints", "done": 120, "total": 200, "accepted": 84, "in_flight": 8, "retries": 3,
        "tokens": 1_234_567, "cost": 0.4567, "left": 200, "gates": {"format": [95, 100], "policy": [40, 60]},
    }  # fmt: skip
    assert progress_line(told) == (
        "blueprints: 120 of 200, 84 accepted · 8 in flight · 3 retries · 1.23 M tokens · $0.46 · about 3 min left · "
        "format 95 % · policy 67 %"
    )
    bare: dict[str, Any] = {"title": "rows", "done": 3, "total": None, "accepted": 0}
    assert progress_line(bare) == "rows: 3, 0 accepted"
    assert progress_line(bare | {"calls": 12}) == "rows: 3, 0 accepted · 12 model calls"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_the_bar_escapes_names_and_stays_inside() -> None:
    gates = {"<img src=x onerror=y>": [1, 2]}
    told = {"title": "<script>x</script>", "done": 30, "total": 20, "accepted": 25, "gates": gates}
    shown = progress_html(told)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;img src=x onerror=y&gt; 50 %" in shown
    assert "width:100.0%" in shown


async def test_it_is_told_while_nothing_is_finished(tmp_path: Path) -> None:
    asked = asyncio.Event()
    server = Server(7, 0)
    shown = Progress(tmp_path, "blueprints", 5)

    def look(server: Server) -> dict[str, float]:
        asked.set()
        return {"in_flight": server.in_flight}

    add_meter(server, look)
    await asyncio.wait_for(asked.wait(), 30)
    told = {"title": "blueprints", "done": 0, "total": 5, "accepted": 0, "in_flight": 7}
    assert progress.read_progress(tmp_path) == told
    shown.close()
    assert os.listdir(tmp_path) == []


class Stop:
    """An event that is set after so many waits, each of them as long as it says by the clock."""

    def __init__(self, waits: int, clock: list[float] | None = None) -> None:
        self.waits, self.clock = waits, clock or [0.0]

    def wait(self, seconds: float) -> bool:
        self.waits -= 1
        self.clock[0] += seconds
        return self.waits < 0


def watch(folder: Path, stop: Stop, monkeypatch: pytest.MonkeyPatch, tty: bool) -> str:
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: tty)
    monkeypatch.setattr(progress_watch.sys, "stderr", said)
    progress_watch._watch(folder, "[1/5] 2_blueprints", stop)  # type: ignore[arg-type]
    return said.getvalue()


def test_a_log_is_told_what_is_waited_for_after_growing_pauses(
    tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, shown = Server(3, 0), Progress(tmp_path, "blueprints", 9)
    add_meter(slow, read)
    shown.count(proposal(True))
    hour = round(3600 / progress.EVERY)
    lines = watch(tmp_path, Stop(hour, clock), monkeypatch, tty=False).splitlines()
    head = "[1/5] 2_blueprints: blueprints: 1 of 9"
    assert lines[:4] == [
        f"{head}, 1 accepted · 3 in flight · 1,500 tokens · format 100 % · policy 50 %",
        f"{head}, none finished for 20 s: waiting for 3 replies",
        f"{head}, none finished for 40 s: waiting for 3 replies",
        f"{head}, none finished for 80 s: waiting for 3 replies",
    ]
    assert len(lines) == len(set(lines)) <= 14


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (None, "at work for 10 s"),
        ({"in_flight": 1}, "rows: 3, none finished for 10 s: waiting for 1 reply"),
        ({"retries": 4}, "rows: 3, none finished for 10 s: at work · 4 retries"),
        ({"waiting": 140, "in_flight": 2, "refused": 9},
         "rows: 3, none finished for 10 s: the server wants 2 min more of waiting · 9 refused"),
    ],
)  # fmt: skip
def test_what_is_waited_for(now: dict[str, Any] | None, told: str) -> None:
    known = now and {"title": "rows", "done": 3, "total": None, "accepted": 0, **now}
    log = progress_watch.Log(100.0)
    if known:
        assert log.line(known, 110.0) != ""
        assert log.line(known, 119.9) == ""
    assert log.line(known, 120.0 if known else 110.0).replace("20 s", "10 s") == told


def test_news_are_told_at_once_and_seldom(tmp_path: Path) -> None:
    """An hour in which something is finished every second."""
    log, lines = progress_watch.Log(0.0), []
    for second in range(1, 3601):
        now = {"title": "rows", "done": second, "total": 9000, "accepted": second}
        lines += filter(None, [log.line(now, float(second))])
    assert lines[0] == "rows: 10 of 9000, 10 accepted"
    assert len(lines) < 80
    quiet = progress_watch.Log(0.0)
    assert quiet.line(None, 400.0) == "at work for 7 min"
    assert quiet.line({"title": "rows", "done": 1, "total": 2, "accepted": 1}, 430.0).startswith("rows: 1 of 2")


def test_pages_are_neither_accepted_nor_not(tmp_path: Path) -> None:
    shown = Progress(tmp_path, "pages", 4, judged=False)
    shown.count(object())
    assert progress_line(shown.snapshot()) == "pages: 1 of 4"
    assert "width:25.0%;background:#3a87ad" in progress_html(shown.snapshot())


def test_a_terminal_gets_one_line_with_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Progress(tmp_path, "blueprints", 9).count(proposal(True))
    said = watch(tmp_path, Stop(3), monkeypatch, tty=True)
    assert "\n" not in said
    assert "1/9" in said
    assert "1 accepted · 1,500 tokens · format 100 % · policy 50 %" in said


CELL = """
    from pathlib import Path
    import asyncio
    from apigen_nb.records import Record
    from apigen_nb.storage.journal import Journal
    from apigen_nb.models.jobs import run_jobs

    class Row(Record):
        id: str
        accepted: bool = True

    class Job(Record):
        id: str

    async def work(job):
        if int(job.id) >= stops:
            print("stuck", flush=True)
            await asyncio.Event().wait()
        return Row(id=job.id)

    async def stage():
        journal = Journal(Path("rows.jsonl"), Row)
        await run_jobs(work, [Job(id=str(n)) for n in range(8)], journal, concurrency=2, title="rows")
        return journal.finish([str(n) for n in range(8)])
"""


def test_an_interrupted_kernel_stops_cleanly_and_keeps_what_is_finished(tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    root = str(Path(__file__).parents[2])
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        run = f"import sys; sys.path.insert(0, {root!r})\n{textwrap.dedent(CELL)}"
        assert client.execute_interactive(run, timeout=60, output_hook=lambda _: None)["content"]["status"] == "ok"

        def interrupt(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream" and "stuck" in message["content"]["text"]:
                manager.interrupt_kernel()

        reply = client.execute_interactive("stops = 5; await stage()", timeout=60, output_hook=interrupt)
        assert reply["content"]["status"] == "error"
        assert reply["content"]["ename"] in ("KeyboardInterrupt", "Interrupted")
        part = tmp_path / "rows.jsonl.part"
        assert [line.split('"')[3] for line in part.read_text().splitlines()] == ["0", "1", "2", "3", "4"]
        assert not (tmp_path / progress.FILE).exists()

        shown: list[dict[str, Any]] = []
        reply = client.execute_interactive(
            "stops = 9; len(await stage())", timeout=60, output_hook=lambda message: shown.append(message)
        )
        assert reply["content"]["status"] == "ok"
        results = [m["content"]["data"]["text/plain"] for m in shown if m["msg_type"] == "execute_result"]
        assert results == ["8"]
        updates = [m["content"]["data"] for m in shown if m["msg_type"] == "update_display_data"]
        assert updates[-1] == {"text/plain": ""}, "nothing remains in the cell"
        assert any("6 of 8, 6 accepted" in data.get("text/html", "") for data in updates)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_journal_counts_what_an_earlier_run_finished(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "blueprints.jsonl", Proposal)
    journal.add(proposal(True))
    shown = Journal(tmp_path / "blueprints.jsonl", Proposal).progress("blueprints")
    assert (shown.done, shown.accepted) == (1, 1)
