"""The command line, the real notebooks, a real HTTP server: what comes out whatever the server or a power cut does."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from apigen_nb.blueprints.gates import Committee, choose_gates
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.blueprints.sampling import Sampling, sample_seed
from apigen_nb.dataset.export import build_dataset
from apigen_nb.models.chat_format import FOLDER
from apigen_nb.models.roles import Roles
from apigen_nb.records import METRICS, STOP, Blueprint, Proposal, Trajectory
from apigen_nb.run.params import Params
from apigen_nb.storage.journal import Run, read_lines
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain
from tests.fault_server import FaultServer, Reply
from tests.report_records import assert_harmless

Body = dict[str, Any]
KEY = "sk-MARKED-KEY-123"
ENV = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
ENV |= {"PYTHONPATH": str(Path(__file__).parents[2]), "E2E_KEY": KEY, "PYTHONHASHSEED": "1"}
JUDGES = [("judge", f"judge-{number}") for number in (1, 2, 3)]
OTHERS = [(role, f"the-{role}") for role in ("generator", "feedback", "user", "agent")]
ROLES = {role: {"model": name} for role, name in OTHERS} | {"judge": [{"model": name} for _, name in JUDGES]}
STARTS = {role: (FOLDER / f"{role}.md").read_text()[:60] for role in (*ROLES, "blame", "reading")}
SCRIPTED = {"count": 40, "random_seed": 19, "round_size": 15}
SERVED = {"count": 6, "random_seed": 19, "round_size": 5, "attempts": 2, "model": "tiny", "api_key_env": "E2E_KEY"}
SERVED |= {"kinds": {"plain": 1.0}, "recombined": 0.0, "best_of": 1}  # the player knows plain tasks only
MAKING = ("2_blueprints", "3_trajectories", "4_dataset")
PLAN = "Write the task as JSON, nothing around it."
FAULTS = "429 500 503 malformed html empty-choices length content-filter refusal huge bad-arguments tool-in-text reset"
RATES = dict.fromkeys([*FAULTS.split(), "truncated"], 0.03)
GARBAGE = (
    "<html><body><h1>502 Bad Gateway</h1></body></html>",
    '{"thought": "a customer", "instruction": "You are',
    "</script><img src=x onerror=alert(1)><script>alert(1)</script>",
    "[x](javascript:alert(1)) ![](http://evil.example/x.png) <a href='http://evil.example'>y</a>",
    "",
    "x<b>" * 250_000,
)


def role_of(body: Body) -> str:
    return next(role for role, start in STARTS.items() if body["messages"][0]["content"].startswith(start))


class Player:
    """Plays all five roles by what a request says: a generator that knows some customers' tasks (every other time it
    talks until it is told how), judges of two minds who see no harm in words, a user who says all at once and agrees,
    an agent that looks up whom it serves, asks, and does what is wanted call by call."""

    def __init__(self, tasks: list[Blueprint]) -> None:
        self.tasks = {task.user: task for task in tasks}
        self.wishes = {task.instruction.strip(): task for task in tasks}

    def __call__(self, body: Body) -> str | Body:
        role, messages = role_of(body), body["messages"]
        if role == "judge":
            return json.dumps({"scores": dict.fromkeys(METRICS, 1) | {"correctness": int(body["model"] != "judge-2")}})
        if role == "reading":
            return self.read(messages[1]["content"])
        if role == "user":
            if any(message["role"] == "assistant" for message in messages):
                return "Yes." if "(yes/no)" in messages[-1]["content"] else STOP
            return next(wish for wish in self.wishes if wish in messages[0]["content"])
        if role == "feedback":
            return PLAN
        if role == "blame":
            return "It was nobody."
        return self.draft(messages[1]["content"]) if role == "generator" else self.act(messages)

    @staticmethod
    def read(question: str) -> str:
        """Nothing was invented, and what was asked for was said: by the last words of whom it is about."""
        answers = re.findall(r"^- (.+)$", question.rpartition("Answers:")[2], re.MULTILINE)
        if answers[0] != "yes":
            return json.dumps({"answer": answers[-2]})
        who = "customer" if "(consent)" in question else "agent"
        turn, said = re.findall(rf"^- (\d+) {who}: (.+)$", question.partition("Question (")[0], re.MULTILINE)[-1]
        return json.dumps({"answer": "yes", "turn": int(turn), "quotation": said})

    def draft(self, asked: str) -> str:
        found = re.search(r"Records of the customer (\S+)", asked)
        task = self.tasks.get(found[1]) if found else None
        if task is None or (len(asked) % 2 and PLAN not in asked):
            return "I would write a task about a broken lamp."
        return f"Here it is.\n```json\n{task.model_dump_json(include={'instruction', 'actions', 'outputs'})}\n```"

    def act(self, messages: list[Body]) -> str | Body:
        task = next((self.wishes[m["content"]] for m in messages if m["content"] in self.wishes), None)
        if task is None:
            return "I do not understand."
        made = [call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()]
        if not made:
            email = Domain.load(task.domain).tables["customers"][task.user]["email"]
            return self.call("find_customer_by_email", {"email": email})
        left = task.actions[len(made) - 1 :]
        if left and not any("(yes/no)" in (message["content"] or "") for message in messages):
            told = "; ".join(f"{a.name.replace('_', ' ')} {list(a.arguments.values())}" for a in left)
            return f"I am going to do this: {told}. Shall I (yes/no)?"
        return self.call(left[0].name, left[0].arguments) if left else f"All done. {'; '.join(task.outputs)}"

    @staticmethod
    def call(name: str, arguments: dict[str, Any]) -> Body:
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"content": None, "tool_calls": [{"id": "c", "type": "function", "function": function}]}


@contextlib.contextmanager
def serving(reply: Reply, **options: Any) -> Iterator[FaultServer]:
    server, loop = FaultServer(reply, **options), asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)


def straight(out: Path, **values: Any) -> None:
    """What the notebooks do, as a plain program: no papermill, no kernels, one job at a time."""
    p, run = Params(**values), Run.open(out)
    domain = Domain.load(p.domain)
    roles = p.plain()["roles"]
    models = Roles(
        domain, p.model, p.base_url, p.api_key_env, random_seed=p.random_seed, roles=roles, best_of=p.best_of
    )
    gates = choose_gates(p.gates, Committee(models.judges(p.judges), p.threshold))

    async def work() -> None:
        drawn = {"count": p.count, "random_seed": p.random_seed, "round_size": p.round_size, "concurrency": 1}
        drawn |= {"sampling": Sampling(kinds=p.kinds), "recombined": p.recombined}
        proposals = await propose_all(domain, models, gates, run, **drawn)
        accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
        await converse_all(domain, models, run, accepted, attempts=p.attempts, concurrency=1)
        await models.aclose()

    asyncio.run(work())
    build_dataset(run, domain, models.names, options=p.dataset)


def command(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "apigen_nb", name, *map(str, arguments)]


def of_run(out: Path, *stages: str, **values: Any) -> list[str]:
    file = out.with_suffix(".yaml")
    file.write_text(json.dumps(values))  # JSON is YAML
    return command("run", file, "--out", out, *(["--stage", *stages] if stages else []))


def call(command: list[str], out: Path) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own. Whatever comes of it, the key stands nowhere."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENV)
    assert KEY not in done.stdout + done.stderr
    assert [path for path in out.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    assert "Traceback" not in done.stdout + done.stderr
    return done


def run(out: Path, *stages: str, **values: Any) -> subprocess.CompletedProcess[str]:
    return call(of_run(out, *stages, **values), out)


def verify(out: Path) -> tuple[int, str]:
    done = call(command("verify", out), out)
    return done.returncode, re.sub(r"[0-9]+ calls", "… calls", done.stdout.strip())


def read(folder: Path) -> tuple[list[Proposal], list[Trajectory]]:
    return read_lines(folder / "blueprints.jsonl", Proposal), read_lines(folder / "trajectories.jsonl", Trajectory)


def artefacts(folder: Path) -> dict[str, bytes]:
    exported = (path for path in sorted((folder / "dataset").rglob("*")) if path.is_file())
    files = (folder / "blueprints.jsonl", folder / "trajectories.jsonl", *exported)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_reasons(proposals: list[Proposal], trajectories: list[Trajectory]) -> None:
    refused = [a for p in proposals for a in p.attempts if not a.accepted] + [t for t in trajectories if not t.success]
    assert refused
    for verdicts in ([verdict for verdict in one.verdicts if not verdict.passed] for one in refused):
        assert verdicts
        assert all(verdict.kind and verdict.reason for verdict in verdicts), verdicts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("end_to_end")


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> Path:
    straight(home / "undisturbed", **SCRIPTED)
    return home / "undisturbed"


@pytest.fixture(scope="module")
def player(undisturbed: Path) -> Player:
    accepted = [proposal.blueprint for proposal in read(undisturbed)[0] if proposal.accepted]
    stranger = sample_seed(Domain.load("retail"), SERVED["random_seed"], 11).user  # of whom it knows no task
    plain = [blueprint for blueprint in accepted if blueprint.kind == "plain" and not blueprint.parts]
    return Player([blueprint for blueprint in plain if blueprint.user != stranger])


def test_every_role_by_its_own_model(home: Path, player: Player) -> None:
    out = home / "http"
    with serving(player, latency=0.01, jitter=0.01) as server:
        everything = {"near_duplicates": None}
        values = SERVED | {"count": 12, "roles": ROLES, "base_url": server.url, "dataset": everything}
        done = run(out, **values, concurrency=8)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"report: {out / 'report' / 'index.html'}"
    asked = {(role_of(body), body["model"]) for body in server.requests}
    assert asked == {*JUDGES, *OTHERS, ("reading", "judge-1"), ("reading", "judge-2")}
    assert set(server.keys) == {KEY}
    proposals, trajectories = read(out)
    accepted = [proposal for proposal in proposals if proposal.accepted]
    assert {len(proposal.attempts) for proposal in accepted} == {1, 2}
    assert {len(proposal.attempts) for proposal in proposals if not proposal.accepted} == {4}
    assert all(trajectory.success for trajectory in trajectories)
    assert len(trajectories) == 2 * len(accepted) >= 10
    spent = Counter[str]()
    for role, usage in (item for record in (*proposals, *trajectories) for item in record.usage.items()):
        spent[role] += usage.calls
        assert (usage.prompt, usage.cached, usage.completion) == (10 * usage.calls, 4 * usage.calls, 5 * usage.calls)
    # the same question, such as feedback on the same failure, is paid for once
    asked = Counter(role_of(body).replace("reading", "judge") for body in server.requests)
    assert set(asked) == set(spent)
    assert all(asked[role] <= calls for role, calls in spent.items())
    assert asked["user"] == spent["user"]
    ledger = json.loads((out / "ledger.json").read_text())
    assert ledger["total"]["requests"] == len(server.requests)
    manifest = Run(out).read_manifest()
    assert manifest["finished"]
    assert manifest["models"]["judge"] == [name for _, name in JUDGES]
    assert manifest["stages"]["2_blueprints"] == {"seeds": 12, "accepted": len(accepted), "recombined": 0}
    rows = len(accepted)  # both attempts at a task say the same here: one row of the two
    assert verify(out) == (0, f"{rows} rows, … calls replayed: {rows} hold, 0 do not")

    with serving(player) as other:
        straight(home / "one", **values | {"base_url": other.url})
    assert artefacts(home / "one") == artefacts(out)


def test_an_estimate_plays_a_share_that_the_run_does_not_play_again(home: Path, player: Player) -> None:
    out, alone = home / "estimated", home / "alone"
    values = SERVED | {"count": 8, "attempts": 3}
    with serving(player) as server:
        run(alone, *MAKING[:2], **values, base_url=server.url)
    with serving(player) as other:
        begun = of_run(out, *MAKING[:2], **values, base_url=other.url)
        estimated = call(command("estimate", out.with_suffix(".yaml"), "--out", out), out)
        played = len(other.requests)
        done = call(begun, out)
    assert (estimated.returncode, done.returncode) == (0, 0), estimated.stderr + done.stderr
    assert len(other.requests) == len(server.requests)
    assert 0 < played < len(server.requests) / 4
    assert f"played for this: {played} requests, {played} of them new" in estimated.stdout
    # tokens without a price come to no dollars, and are counted all the same
    assert "no price for tiny" in estimated.stdout
    for name in ("blueprints.jsonl", "trajectories.jsonl"):
        assert (out / name).read_bytes() == (alone / name).read_bytes()


def unpacked(page: str) -> str:
    """The markup of the items that a page carries in packed chunks."""
    chunks = re.findall(r'<script type="application/gzip" data-name="chunk">(.*?)</script>', page, re.DOTALL)
    return "".join(item for chunk in chunks for item in json.loads(gzip.decompress(base64.b64decode(chunk))))


def assert_only_text(folder: Path, page: str) -> None:
    """In report pages, the items inside them and what executed notebooks show, garbage is text and nothing else."""
    shown = unpacked((folder / "report" / page).read_text())
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "![](http://evil.example/x.png) &lt;a href" in shown
    for path in (folder / "report").glob("*.html"):
        assert_harmless(path.read_text())
        assert_harmless(unpacked(path.read_text()))
    for copy in (folder / "notebooks").iterdir():
        outputs = [output for cell in json.loads(copy.read_text())["cells"] for output in cell.get("outputs", ())]
        assert {output["output_type"] for output in outputs} <= {"execute_result", "display_data", "stream"}
        for data in (output.get("data", {}) for output in outputs):
            known = {"text/html", "text/plain", "application/vnd.plotly.v1+json", "image/svg+xml"}
            assert set(data) <= known, copy
            svg = "".join(data.get("image/svg+xml", ""))
            assert set(re.findall(r"<(\w+)", svg)) <= {"svg", "title", "image"}
            assert set(re.findall(r'href="(data:image/png;base64,)?', svg)) <= {"data:image/png;base64,"}
            assert_harmless("".join(data.get("text/html", "")))
            assert not re.search(r"<(img|script|a|h1)\b", json.dumps(data.get("application/vnd.plotly.v1+json", "")))


@pytest.mark.parametrize("what", ["blueprints", "trajectories"])
def test_garbage(home: Path, what: str) -> None:
    """To all roles; then to user and agent alone, so that there are conversations."""
    out, replies, played = home / f"garbage-{what}", itertools.cycle(GARBAGE), what == "trajectories"
    roles = {role: {"model": "scripted"} for role in ("generator", "judge", "feedback")} if played else {}
    with serving(lambda body: next(replies)) as server:
        values = SERVED | {"base_url": server.url, "roles": roles}
        if played:
            straight(out, **values)
        done = run(out, *([MAKING[1]] if played else MAKING), **values)
    assert done.returncode == 0, done.stderr
    proposals, trajectories = read(out)
    accepted = sum(proposal.accepted for proposal in proposals)
    assert (len(proposals), len(trajectories), accepted > 0) == (6, 2 * accepted, played)
    assert not any(trajectory.success for trajectory in trajectories)
    assert_reasons(proposals, trajectories)
    assert call(command("report", out), out).returncode == 0
    told = "gave 0 verified trajectories" if played else "6 seeds gave 0 accepted blueprints"
    assert told in (out / "report" / "index.html").read_text()
    assert_only_text(out, f"{what}.html")
    assert verify(out) == (0, "0 rows, … calls replayed: 0 hold, 0 do not")


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a command told on stderr, without how far it is, which comes every 10 s."""
    return [line for line in done.stderr.splitlines() if not line.startswith("[1/1]")]


def test_nobody_answers_or_no_key(home: Path) -> None:
    started = time.monotonic()
    done = run(home / "nobody", "2_blueprints", **SERVED, base_url="http://127.0.0.1:9/v1")
    assert (done.returncode, len(said(done))) == (3, 1)
    assert re.search(r"EndpointDown: cannot reach tiny at http://127.0.0.1:9/v1 .*is the server running", done.stderr)
    nobody = time.monotonic() - started

    started = time.monotonic()
    with serving(str, rates={"401": 1.0}) as server:
        done = run(home / "refused", "2_blueprints", **SERVED, base_url=server.url)
    assert (done.returncode, len(said(done))) == (3, 1)
    # Beyond what such a stage takes in any case, which depends on how busy the machine is.
    assert nobody < time.monotonic() - started + 15
    assert "answers 401: incorrect API key provided: ***; check the key" in done.stderr
    assert set(server.keys) == {KEY}

    done = run(home / "unset", **SERVED | {"base_url": "https://models.example/v1", "api_key_env": "E2E_UNSET"})
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "E2E_UNSET" in done.stderr
    assert not (home / "unset").exists()


def test_who_ends_a_run_pays_for_no_reply_twice(home: Path, player: Player) -> None:
    """Ctrl-C and SIGTERM interrupt the kernel, which keeps what the server is working on."""
    out = home / "ended"
    with serving(player, latency=0.4) as server:
        values = SERVED | {"base_url": server.url, "concurrency": 4}
        for number in (signal.SIGINT, signal.SIGTERM):
            enough, end = len(server.requests) + 6, time.monotonic() + 60
            begun = of_run(out, *MAKING, **values)
            with subprocess.Popen(begun, start_new_session=True, stderr=subprocess.PIPE, text=True, env=ENV) as process:
                while len(server.requests) < enough or not server.open:
                    assert process.poll() is None, "it ended before the moment came"
                    assert time.monotonic() < end
                    time.sleep(0.003)
                process.send_signal(number)
                told = process.stderr.read() if process.stderr else ""
            assert process.returncode == 130, told
            assert re.search(r"interrupted; [0-9]+ of [0-9]+ kept, the same command continues", told), told
            assert "Traceback" not in told
            assert len((out / "replies.jsonl").read_text().splitlines()) == len(server.requests)
        done = run(out, *MAKING, **values)
        assert done.returncode == 0, done.stderr
        assert len((out / "replies.jsonl").read_text().splitlines()) == len(server.requests)
    with serving(player) as other:
        straight(home / "never ended", **values | {"base_url": other.url})
    assert artefacts(home / "never ended") == artefacts(out)


def kill(begun: list[str], moment: Callable[[], bool], kernels_too: bool = True) -> None:
    """Start a command and kill its process group when the moment has come. Kernels have groups of their own; those
    that are left must notice and end."""
    with subprocess.Popen(begun, start_new_session=True, stderr=subprocess.DEVNULL, env=ENV) as process:
        end = time.monotonic() + 60
        while not moment():
            assert process.poll() is None, "it ended before the moment came"
            assert time.monotonic() < end
            time.sleep(0.003)
        kernels = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        for kernel in kernels if kernels_too else ():
            kernel.kill()
    assert kernels
    assert psutil.wait_procs(kernels, timeout=10)[1] == []


def kill_and_go_on(home: Path) -> Path:
    out = home / "killed"
    begun = of_run(out, *MAKING, **SCRIPTED)

    def lines(name: str) -> int:
        part = out / f"{name}.jsonl.part"
        return part.read_bytes().count(b"\n") if part.exists() else 0

    kill(begun, lambda: lines("blueprints") > 3)
    assert 3 < lines("blueprints") < 40
    kill(begun, lambda: lines("trajectories") > 3)
    assert 3 < lines("trajectories") < 3 * sum(p.accepted for p in read_lines(out / "blueprints.jsonl", Proposal))
    kill(of_run(out, *MAKING[1:], **SCRIPTED), (out / "dataset").exists, kernels_too=False)
    assert list(Run(out).read_manifest()["stages"]) == [*MAKING[:2]]
    done = run(out, MAKING[2], **SCRIPTED)
    assert done.returncode == 0, done.stderr
    return out


def meet_every_fault(home: Path, player: Player) -> None:
    out, doomed = home / "faults", [sample_seed(Domain.load("retail"), SERVED["random_seed"], 2).user]

    def reply(body: Body) -> str | Body:
        assert not any(customer in str(body["messages"]) for customer in doomed)  # else the server says 500
        return player(body)

    with serving(reply, rates=RATES, seed=3) as server:
        values = SERVED | {"roles": ROLES, "base_url": server.url, "timeout": 5.0}
        server.next(*RATES)
        done = run(out, "2_blueprints", **values)
        assert done.returncode == 1
        missing = r"\d items got no answer and count as failed: .*retail-00002.*; reasons are in .*--retry-failed"
        assert re.search(missing, done.stderr.splitlines()[-1])
        left = {
            p.id: p.attempts[0].verdicts[0].reason
            for p in read_lines(out / "blueprints.jsonl", Proposal)
            if p.unanswered
        }
        assert re.search(r"no answer from the-generator at .* in \d tries; the last: .", left["retail-00002"])
        doomed.clear()
        again = [*of_run(out, *MAKING[:2], **values), "--retry-failed"]
        done = call(again, out)
        if done.returncode:  # four faults in a row have hit somebody; the next run has a healthy server
            assert (done.returncode, "got no answer" in done.stderr) == (1, True)
            server.rates = {}
            done = call(again, out)
        assert done.returncode == 0, done.stderr
    assert set(RATES) <= set(server.met)
    proposals, trajectories = read(out)
    accepted = [proposal.id for proposal in proposals if proposal.accepted]
    assert [proposal.id for proposal in proposals] == [f"retail-{number:05}" for number in range(6)]
    assert [t.id for t in trajectories] == [f"{id}.t{number}" for id in accepted for number in (1, 2)]
    stages, successful = Run(out).read_manifest()["stages"], sum(trajectory.success for trajectory in trajectories)
    assert stages["2_blueprints"] == {"seeds": 6, "accepted": len(accepted), "recombined": 0}
    assert stages["3_trajectories"] == {"trajectories": 2 * len(accepted), "successful": successful}
    assert_reasons(proposals, trajectories)


@pytest.fixture(scope="module", autouse=True)
def beside(home: Path, undisturbed: Path, player: Player) -> Iterator[tuple[Future[Path], Future[None]]]:
    """What goes on beside the other tests, which mostly wait."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(kill_and_go_on, home), pool.submit(meet_every_fault, home, player)


def test_killed_at_any_moment_it_ends_with_the_same_bytes(beside: tuple[Future[Path], ...], undisturbed: Path) -> None:
    out = beside[0].result()
    assert artefacts(out) == artefacts(undisturbed)
    assert [path for path in out.rglob("*") if path.suffix in (".part", ".tmp")] == []
    assert verify(out)[0] == 0


def test_every_fault_at_once(beside: tuple[Future[Path], Future[None]]) -> None:
    beside[1].result()
