import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apigen_nb.models import BudgetSpent, EndpointDown, NoAnswer, current_job
from apigen_nb.models import Job as ModelJob
from apigen_nb.models.jobs import run_jobs
from apigen_nb.records import Record
from apigen_nb.storage import jsonl, progress, run_folder
from apigen_nb.storage.journal import Damaged, Incomplete, Journal, failures, forget_unanswered, read_lines
from apigen_nb.storage.run_folder import InUse, ParametersChanged, Run


class Row(Record):
    id: str
    text: str = ""
    accepted: bool = True


class Job(Record):
    id: str


def jobs(count: int) -> list[Job]:
    return [Job(id=f"r-{number:03}") for number in range(count)]


async def plain(job: Job) -> Row:
    await asyncio.sleep(0)
    return Row(id=job.id, text="Zoë \ud800 </script>")


def ids(count: int) -> list[str]:
    return [job.id for job in jobs(count)]


async def test_artefact_is_in_id_order_whatever_order_the_work_ends_in(tmp_path: Path) -> None:
    async def late(job: Job) -> Row:
        await asyncio.sleep(0.02 * (5 - int(job.id[2:])))
        return Row(id=job.id)

    journal = Journal(tmp_path / "rows.jsonl", Row)
    rows = await run_jobs(late, jobs(5), journal, concurrency=5)
    assert [json.loads(line)["id"] for line in journal.part.read_text().splitlines()] == ids(5)[::-1]
    journal.finish(ids(5))
    assert [row.id for row in rows] == [row.id for row in read_lines(journal.path, Row)] == ids(5)
    assert not journal.part.exists()


async def test_concurrency_never_changes_the_bytes(tmp_path: Path) -> None:
    for number in (1, 7):
        journal = Journal(tmp_path / f"{number}" / "rows.jsonl", Row)
        await run_jobs(plain, jobs(20), journal, concurrency=number)
        journal.finish(ids(20))
    assert (tmp_path / "1" / "rows.jsonl").read_bytes() == (tmp_path / "7" / "rows.jsonl").read_bytes()


async def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    path, seen = tmp_path / "rows.jsonl", []

    async def work(job: Job) -> Row:
        seen.append(job.id)
        return Row(id=job.id, text=str(len(seen)))

    await run_jobs(work, jobs(3), Journal(path, Row))
    await run_jobs(work, jobs(5), journal := Journal(path, Row))
    assert seen == ids(5)
    journal.finish(ids(5))
    before = path.read_bytes(), path.stat().st_mtime_ns
    again = Journal(path, Row)
    await run_jobs(work, jobs(5), again)
    again.finish(ids(5))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert seen == ids(5)


@pytest.mark.parametrize("rest", [b'{"id":"r-0', b'{"id":"r-009"}', b"\x00\x00\xff", b"x" * 200_000])
async def test_half_written_last_line_of_a_journal_is_dropped(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    await run_jobs(plain, jobs(2), Journal(path, Row))
    part = path.with_name("rows.jsonl.part")
    whole = part.read_bytes()
    part.write_bytes(whole + rest)
    journal = Journal(path, Row)
    assert list(journal) == ids(2)
    assert part.read_bytes() == whole
    await run_jobs(plain, jobs(3), journal)
    assert list(Journal(path, Row)) == ids(3)


@pytest.mark.parametrize(
    ("text", "line"), [('{"id":"a"}\nnonsense\n{"id":"b"}\n', 2), ('{"id":"a"}\n{"id":"b', 2), ("[]\n", 1)]
)
def test_damaged_artefact_names_file_and_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(Damaged, match=rf"rows\.jsonl, line {line}: expected a Row"):
        read_lines(path, Row)
    with pytest.raises(Damaged):
        Journal(path, Row)


async def test_what_damage_within_a_journal_has_cost_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    await run_jobs(plain, jobs(400), journal := Journal(path, Row), concurrency=1)
    whole = journal.part.read_bytes()
    journal.part.write_bytes(whole[:2000] + bytes(4096) + whole[6096:])  # a page that a power cut left empty
    journal = Journal(path, Row)
    assert 300 < len(journal) < 400
    assert "rows.jsonl.part: damaged lines dropped: 1;" in capsys.readouterr().err
    assert journal.part.read_bytes().count(b"\n") == len(journal)  # explorers read the journal, too
    await run_jobs(plain, jobs(400), journal)
    journal.finish(ids(400))
    assert capsys.readouterr().err == ""
    await run_jobs(plain, jobs(400), other := Journal(tmp_path / "other" / "rows.jsonl", Row))
    other.finish(ids(400))
    assert path.read_bytes() == other.path.read_bytes()


def test_a_damaged_artefact_stays_as_it_is_and_the_way_out_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id":"a"}\nnonsense\n')
    (tmp_path / "rows.jsonl.part").write_text('nonsense\n{"id":"b"}\n')
    with pytest.raises(Damaged, match=r"line 2: .*; delete rows\.jsonl to have it made again, from kept replies"):
        Journal(path, Row)
    assert path.read_text() == '{"id":"a"}\nnonsense\n'
    path.unlink()
    assert list(Journal(path, Row)) == ["b"]


def test_first_of_two_lines_with_one_id_counts(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl.part").write_text('{"id":"a","text":"1"}\n{"id":"a","text":"2"}\n')
    assert Journal(tmp_path / "rows.jsonl", Row)["a"].text == "1"


def test_an_id_is_added_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", Row)
    journal.add(Row(id="a"))
    with pytest.raises(ValueError, match="a is already in"):
        journal.add(Row(id="a"))


def test_incomplete_writes_nothing_and_names_what_is_missing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", Row)
    journal.add(Row(id="a"))
    with pytest.raises(Incomplete, match=r"2 of 3 rows are missing: b, c; .*errors\.jsonl") as caught:
        journal.finish(["a", "b", "c"])
    assert caught.value.missing == ("b", "c")
    assert not journal.path.exists()
    assert journal.part.exists()


async def test_killed_between_artefact_and_clean_up(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    await run_jobs(plain, jobs(3), journal := Journal(path, Row))
    part = journal.part.read_bytes()
    journal.finish(ids(3))
    journal.part.write_bytes(part)
    before = path.read_bytes()
    Journal(path, Row).finish(ids(3))
    assert path.read_bytes() == before
    assert not journal.part.exists()


async def test_more_ids_than_before_extend_the_artefact(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for count in (2, 4):
        await run_jobs(plain, jobs(count), journal := Journal(path, Row))
        journal.finish(ids(count))
    assert [row.id for row in read_lines(path, Row)] == ids(4)


async def test_no_answer_is_data_and_the_others_go_on(tmp_path: Path) -> None:
    down = {"r-001", "r-003"}

    async def work(job: Job) -> Row:
        if job.id in down:
            raise NoAnswer("503 after 4 tries")
        return Row(id=job.id)

    path = tmp_path / "rows.jsonl"
    for _ in range(2):  # a job that fails again is told once
        journal = Journal(path, Row)
        rows = await run_jobs(work, jobs(5), journal)
        assert [row.id for row in rows] == ["r-000", "r-002", "r-004"]
        assert [(f.stage, f.id, f.reason) for f in failures(tmp_path)] == [
            ("rows", "r-001", "503 after 4 tries"),
            ("rows", "r-003", "503 after 4 tries"),
        ]
        with pytest.raises(Incomplete):
            journal.finish(ids(5))
    other = Journal(tmp_path / "others.jsonl", Row)
    other.note("r-001", "another stage")
    down.clear()
    await run_jobs(work, jobs(5), journal := Journal(path, Row))
    journal.finish(ids(5))
    assert [f.stage for f in failures(tmp_path)] == ["others"]


class Lost(Row):
    unanswered: bool = False


@pytest.mark.parametrize("end", [None, EndpointDown("nobody listens"), BudgetSpent("used up")])
async def test_what_is_unanswered_becomes_a_record_when_the_others_are_done(
    tmp_path: Path, end: Exception | None
) -> None:
    async def work(job: Job) -> Lost:
        if job.id == "r-000":
            return Lost(id=job.id, unanswered=True)
        if end and job.id == "r-008":
            raise end
        return Lost(id=job.id)

    journal = Journal(tmp_path / "rows.jsonl", Lost)
    if end:
        with pytest.raises(type(end)):
            await run_jobs(work, jobs(9), journal, concurrency=1)
        assert list(journal) == ids(8)[1:]  # what has stopped all may be why this one got no answer
        return
    assert len(await run_jobs(work, jobs(9), journal, concurrency=1)) == 9
    assert list(journal) == [*ids(9)[1:], "r-000"]
    journal.finish(ids(9))
    forget_unanswered(journal.path, Lost)
    assert not journal.path.exists()
    again = Journal(journal.path, Lost)
    assert list(again) == ids(9)[1:]
    whole = again.part.read_bytes()
    again.close()
    forget_unanswered(journal.path, Lost)
    assert again.part.read_bytes() == whole


@pytest.mark.parametrize("error", [EndpointDown("nobody listens"), KeyError("a bug")])
async def test_anything_else_stops_the_others_and_keeps_the_finished(tmp_path: Path, error: Exception) -> None:
    started = []

    async def work(job: Job) -> Row:
        started.append(job.id)
        if job.id == "r-004":
            raise error
        await asyncio.sleep(0 if job.id < "r-004" else 60)
        return Row(id=job.id)

    journal = Journal(tmp_path / "rows.jsonl", Row)
    with pytest.raises(type(error)):
        await asyncio.wait_for(run_jobs(work, jobs(1000), journal, concurrency=2), 5)
    assert len(started) < 10
    assert list(Journal(journal.path, Row)) == ids(4)
    assert not failures(tmp_path)


async def test_a_spent_budget_begins_nothing_and_finishes_what_is_under_way(tmp_path: Path) -> None:
    started, ended = [], []

    async def work(job: Job) -> Row:
        started.append(job.id)
        if job.id == "r-002":
            raise BudgetSpent("the max_cost of $1 is used up")
        for _ in range(10 if job.id < "r-002" else 0):
            await asyncio.sleep(0)
        ended.append(job.id)
        return Row(id=job.id)

    journal = Journal(tmp_path / "rows.jsonl", Row)
    with pytest.raises(BudgetSpent, match="used up"):
        await run_jobs(work, jobs(1000), journal, concurrency=3)
    assert started == ids(3)
    assert ended == list(Journal(journal.path, Row)) == ids(2)
    assert not failures(tmp_path)
    assert len(await run_jobs(plain, jobs(9), Journal(journal.path, Row))) == 9


async def test_every_job_says_for_which_stage_it_asks(tmp_path: Path) -> None:
    found: list[ModelJob] = []

    async def work(item: Job) -> Row:
        found.append(current_job.get())
        await asyncio.sleep(0)
        current_job.get().paid = True
        return Row(id=item.id)

    await run_jobs(work, jobs(4), Journal(tmp_path / "rows.jsonl", Row), concurrency=2)
    assert [one.stage for one in found] == ["rows"] * 4
    assert len({id(one) for one in found}) == 4  # what one job has paid for is nothing to the next
    with pytest.raises(LookupError):
        current_job.get()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
async def test_what_cannot_be_written_stops_the_work_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write = os.write

    def full(file: int, data: bytes) -> int:
        if b"r-003" in data:
            raise OSError(number, os.strerror(number))
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    journal = Journal(tmp_path / "rows.jsonl", Row)
    said = rf"rows\.jsonl\.part cannot be written: {os.strerror(number)}; what is there is kept"
    with pytest.raises(OSError, match=said):
        await run_jobs(plain, jobs(9), journal, concurrency=1)
    assert "r-003" not in journal
    monkeypatch.setattr(os, "write", write)
    again = Journal(journal.path, Row)
    assert list(again) == ids(3)
    await run_jobs(plain, jobs(9), again)
    assert [row.id for row in again.finish(ids(9))] == ids(9)


async def test_cancellation_keeps_the_finished(tmp_path: Path) -> None:
    async def work(job: Job) -> Row:
        await asyncio.sleep(0 if job.id < "r-003" else 60)
        return Row(id=job.id)

    journal = Journal(tmp_path / "rows.jsonl", Row)
    task = asyncio.create_task(run_jobs(work, jobs(9), journal, concurrency=2))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError, match=r"3 of 9 kept; run the cell again"):
        await task
    assert list(Journal(journal.path, Row)) == ids(3)
    assert len(asyncio.all_tasks()) == 1


async def test_at_most_concurrency_at_a_time_and_items_are_drawn_as_needed(tmp_path: Path) -> None:
    drawn = running = most = 0

    def items():  # type: ignore[no-untyped-def]
        nonlocal drawn
        for job in jobs(50):
            drawn += 1
            yield job

    async def work(job: Job) -> Row:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        assert drawn <= int(job.id[2:]) + 4
        await asyncio.sleep(0)
        running -= 1
        return Row(id=job.id)

    assert len(await run_jobs(work, items(), Journal(tmp_path / "rows.jsonl", Row), concurrency=4)) == 50
    assert most == 4


async def test_wrong_use_is_loud(tmp_path: Path) -> None:
    async def other(job: Job) -> Row:
        return Row(id="other")

    with pytest.raises(ValueError, match="the work on r-000 gave a record with the id other"):
        await run_jobs(other, jobs(1), Journal(tmp_path / "a.jsonl", Row))
    for concurrency in (1, 2):
        with pytest.raises(ValueError, match="two items have the id r-000"):
            await run_jobs(
                plain, jobs(1) * 2, Journal(tmp_path / f"b{concurrency}.jsonl", Row), concurrency=concurrency
            )
    journal = Journal(tmp_path / "d.jsonl", Row)
    await run_jobs(plain, jobs(2), journal)
    with pytest.raises(ValueError, match=r"d.jsonl: r-000 is asked for twice"):
        journal.finish(["r-000", "r-001", "r-000"])
    assert not journal.path.exists()
    with pytest.raises(ValueError, match="at least 1"):
        await run_jobs(plain, jobs(1), Journal(tmp_path / "c.jsonl", Row), concurrency=0)


async def test_progress_counts_all_rounds_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    told = []

    async def work(job: Job) -> Row:
        told.append(progress.read_progress(tmp_path))
        return Row(id=job.id, accepted=job.id != "r-000")

    journal = Journal(tmp_path / "rows.jsonl", Row)
    await run_jobs(work, jobs(2), journal, title="things", total=4)
    await run_jobs(work, jobs(4), journal, title="things", total=4)
    assert told[-1] == {"title": "things", "done": 3, "total": 4, "accepted": 2}
    assert sorted(os.listdir(tmp_path)) == [".writing", "rows.jsonl.part"]


KILLED = """
    import asyncio, sys
    sys.path.insert(0, {tests!r})
    from test_journal import Job, Journal, Row, jobs, run_jobs
    async def work(job):
        await asyncio.sleep(0.002)
        return Row(id=job.id, text="x" * 5000)
    asyncio.run(run_jobs(work, jobs(10_000), Journal({path!r}, Row), concurrency=4))
"""


def test_kill_9_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    code = textwrap.dedent(KILLED).format(tests=str(Path(__file__).parent), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code])
    part = path.with_name("rows.jsonl.part")
    while not (part.exists() and part.stat().st_size > 100_000):
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(Journal(path, Row)) >= 19


def test_a_run_is_locked_and_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = f"""import time; from apigen_nb.storage.run_folder import Run
with Run.open({str(tmp_path)!r}).locked(): print(1, flush=True); time.sleep(60)"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(InUse, match="in use by another run"), Run.open(tmp_path).locked():
        pass
    process.kill()
    process.communicate()
    with Run.open(tmp_path).locked():
        pass


WRITER = """
    import asyncio, sys, time
    sys.path.insert(0, {tests!r})
    from test_journal import Journal, Row
    journal = Journal({path!r}, Row)
    print(1, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the folder's journal open, as a kernel of JupyterLab has."""
    code = textwrap.dedent(WRITER).format(tests=str(Path(__file__).parent), path=str(tmp_path / "rows.jsonl"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_one_process_writes_and_all_may_read(
    tmp_path: Path, writer: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "ORPHANED", 0.1)
    (tmp_path / "rows.jsonl").write_text('{"id":"a"}\n')
    said = rf"{tmp_path} is being written by another process \(pid {writer.pid}, .*shut that kernel down.*--out"
    for _ in range(2):
        with pytest.raises(InUse, match=said):
            Journal(tmp_path / "rows.jsonl", Row)
        with pytest.raises(InUse, match=said), Run.open(tmp_path).locked():
            pass
    assert [row.id for row in read_lines(tmp_path / "rows.jsonl", Row)] == ["a"]
    writer.kill()
    writer.wait()
    with Run.open(tmp_path).locked():
        Journal(tmp_path / "rows.jsonl", Row).add(Row(id="b"))


def test_whoever_writes_next_waits_for_an_orphan(tmp_path: Path, writer: subprocess.Popen[bytes]) -> None:
    threading.Timer(0.5, writer.kill).start()
    Journal(tmp_path / "rows.jsonl", Row).add(Row(id="a"))


async def test_a_process_shares_its_lock_and_lets_go_of_it(tmp_path: Path) -> None:
    async def fails(job: Job) -> Row:
        raise EndpointDown("nobody listens")

    def free() -> bool:
        code = f"""import apigen_nb.storage.run_folder as m; m.ORPHANED = 0
with m.Run.open({str(tmp_path)!r}).locked(): pass"""
        return not subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode

    journal, other = Journal(tmp_path / "rows.jsonl", Row), Journal(tmp_path / "others.jsonl", Row)
    await run_jobs(plain, jobs(2), journal)
    journal.finish(ids(2))
    assert not free()
    with pytest.raises(EndpointDown):
        await run_jobs(fails, jobs(2), other)
    assert free()


def test_a_folder_that_cannot_be_written_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(tmp_path / "rows.jsonl", Row).add(Row(id="a"))
    Journal(tmp_path / "rows.jsonl", Row).finish(["a"])

    def refused(self: object, **_: object) -> None:
        raise PermissionError(13, "Permission denied", ".writing")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    assert [row.id for row in Journal(tmp_path / "rows.jsonl", Row).finish(["a"])] == ["a"]


@pytest.mark.parametrize(
    "write", [lambda path: jsonl.append_line(path, "a"), lambda path: jsonl.write_whole(path, ["a"])]
)
def test_what_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/rows\.jsonl'"):
        write(tmp_path / "rows.jsonl")
    assert os.listdir(tmp_path) in ([], ["rows.jsonl"])


def test_a_folder_keeps_the_parameters_it_was_begun_with(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run").claim(count=200, domain="retail", roles={"agent": {"base_url": "http://a"}})
    run.claim(count=200, attempts=3, concurrency=4)
    run.claim(concurrency=8, timeout=5.0)
    assert run.read_manifest()["parameters"]["concurrency"] == 8
    with pytest.raises(ParametersChanged, match=r"count: 200 before, 300 now.*--out"):
        run.claim(count=300)
    with pytest.raises(ParametersChanged, match="roles"):
        run.claim(roles={"agent": {"base_url": "http://b"}})
    run.claim(resume=True, roles={"agent": {"base_url": "http://b"}})
    assert run.read_manifest()["parameters"]["roles"]["agent"]["base_url"] == "http://b"


def test_a_domain_folder_is_named_from_the_run(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    run = Run.open(tmp_path / "outputs" / "x").claim(domain=str(tmp_path / "shop"))
    assert run.read_manifest()["parameters"]["domain"] == "../../shop"
    assert Path(run.domain()).resolve() == (tmp_path / "shop").resolve()
