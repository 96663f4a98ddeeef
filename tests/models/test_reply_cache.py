"""The cache: content in, the same reply out, once, whatever happened in between."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.gates import GATES, Committee
from apigen_nb.blueprints.propose import propose_all
from apigen_nb.models import Answer, Model, NoAnswer, Question, ask, metered
from apigen_nb.models.reply_cache import REPLIES, CachedModel, NotRecorded, ReplyCache, read_replies
from apigen_nb.models.roles import Roles
from apigen_nb.models.scripted import Scripted
from apigen_nb.records import Message, ToolCall, Usage
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain
from tests.fault_server import FaultServer
from tests.players import context_of

USAGE = Usage(calls=1, prompt=10, cached=4, completion=5)


class Counting:
    """A model that says how many questions it has been asked; `fails` are the numbers that get no answer."""

    def __init__(self, *fails: int, pause: float = 0.0) -> None:
        self.asked, self.fails, self.pause, self.retries = 0, fails, pause, 0

    async def __call__(self, question: Question) -> Answer:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(self.pause)
        self.retries += 1
        if number in self.fails:
            raise NoAnswer(f"{question.id}: 503")
        return Answer(text=f"reply {number}", usage=USAGE)


def question(text: str = "hello", **changes: Any) -> Question:
    context = context_of("user", says="b") | {"instruction": text}
    return Question(
        **({"id": "retail-00001.t1/user/0", "role": "user", "prompt": "user", "context": context} | changes)
    )


def recording(folder: Path, model: Model, name: str = "m", voice: int = 0, **sampling: Any) -> CachedModel:
    return CachedModel(ReplyCache(folder), name, lambda: model, sampling, voice)


async def test_a_second_process_asks_nothing(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    told = [await ask(recording(tmp_path, first), question(text)) for text in ("a", "b", "a")]
    assert [answer.text for answer in told] == ["reply 1", "reply 2", "reply 1"]
    again = [await ask(recording(tmp_path, second), question(text)) for text in ("a", "b", "a")]
    assert again == told
    assert (first.asked, second.asked) == (2, 0)  # a cache of its own each time knows what the one before wrote


async def test_replies_from_the_cassette_count_as_they_did(tmp_path: Path) -> None:
    model = Counting()
    for _ in range(2):  # what a record says of its tokens must not depend on how often the run was interrupted
        with metered() as usage:
            await ask(recording(tmp_path, model), question())
        assert usage == {"user": USAGE}
    assert model.asked == 1


@pytest.mark.parametrize(
    "other",
    [
        {"context": context_of("user", says="x")},
        {"sample": 1},
        {"messages": (Message(role="user", content="hi"),)},
        {"tools": ({"type": "function", "function": {"name": "look"}},)},
        {"reply": {"type": "object"}},
    ],
)
def test_all_that_shapes_a_reply_is_in_the_key(tmp_path: Path, other: dict[str, Any]) -> None:
    model = recording(tmp_path, Counting())
    assert model.key(question()) != model.key(question(**other))


def test_host_id_and_order_are_not_in_the_key(tmp_path: Path) -> None:
    one, two = recording(tmp_path, Counting(), temperature=0.5), recording(tmp_path, Counting(), temperature=0.5)
    assert one.key(question()) == two.key(question(id="another"))
    others = [
        recording(tmp_path, Counting(), temperature=0.7),
        recording(tmp_path, Counting(), "n", temperature=0.5),
        recording(tmp_path, Counting(), voice=1, temperature=0.5),
    ]
    assert len({model.key(question()) for model in [one, *others]}) == 4


def test_an_edited_prompt_is_another_request(tmp_path: Path) -> None:
    model, prompt = recording(tmp_path, Counting()), tmp_path / "own.md"
    keys = set()
    for text in ("Be $persona.", "Be very $persona."):
        prompt.write_text(text)
        keys.add(model.key(question(prompt=str(prompt))))
    assert len(keys) == 2


async def test_of_equal_questions_at_once_one_is_asked(tmp_path: Path) -> None:
    model = Counting(pause=0.01)
    cache = ReplyCache(tmp_path)
    roles = [CachedModel(cache, "m", lambda: model, {}) for _ in range(2)]
    answers = await asyncio.gather(*(roles[n % 2](question("ab"[n % 4 // 2])) for n in range(40)))
    assert model.asked == 2
    assert len({answer.text for answer in answers}) == 2
    assert len(list(read_replies(tmp_path))) == 2


async def test_no_answer_is_not_a_reply(tmp_path: Path) -> None:
    model = Counting(1)
    cached = recording(tmp_path, model)
    with pytest.raises(NoAnswer):
        await cached(question())
    assert (await cached(question())).text == "reply 2"
    lines = list(read_replies(tmp_path))
    assert [(line.key == "", line.retries, line.answer is None) for line in lines] == [
        (True, 1, True),
        (False, 1, False),
    ]
    assert (await recording(tmp_path, model)(question())).text == "reply 2"


async def test_a_cancelled_question_leaves_the_next_one_free(tmp_path: Path) -> None:
    cached = recording(tmp_path, Counting(pause=0.01))
    task = asyncio.create_task(cached(question()))
    await asyncio.sleep(0)
    other = asyncio.create_task(cached(question()))
    await asyncio.sleep(0)
    task.cancel()
    assert (await asyncio.wait_for(other, 5)).text == "reply 2"


async def test_offline_is_clear_about_what_is_missing(tmp_path: Path) -> None:
    await recording(tmp_path, Counting())(question("a"))
    before = (tmp_path / REPLIES).read_bytes()
    model = Counting()
    offline = CachedModel(ReplyCache(tmp_path, offline=True), "m", lambda: model, {})
    assert (await offline(question("a"))).text == "reply 1"
    with pytest.raises(NotRecorded, match=r"reply of m to retail-00001\.t1/user/0 is not recorded in .*offline"):
        await offline(question("b"))
    assert model.asked == 0
    assert (tmp_path / REPLIES).read_bytes() == before


@pytest.mark.parametrize("rest", [b"", b"\x00\x00\xff", b'{"key":"', b"whole"])
async def test_a_half_written_last_line_is_dropped(tmp_path: Path, rest: bytes) -> None:
    for text in "ab":
        await recording(tmp_path, Counting())(question(text))
    path = tmp_path / REPLIES
    whole = path.read_bytes()
    path.write_bytes(whole + (whole.splitlines()[0] if rest == b"whole" else rest))
    model = Counting()
    cached = recording(tmp_path, model)
    for text in "abc":
        await cached(question(text))
    assert model.asked == 1
    assert path.read_bytes().startswith(whole)
    assert len(list(read_replies(tmp_path))) == 3


async def test_a_damaged_line_is_paid_for_once_more_and_never_again(tmp_path: Path) -> None:
    for text in "ab":
        await recording(tmp_path, Counting())(question(text))
    path = tmp_path / REPLIES
    damaged = bytearray(path.read_bytes())
    place = damaged.index(b'"answer"') + 20
    damaged[place : place + 20] = bytes(20)
    path.write_bytes(damaged)
    paid = []
    for _ in range(3):
        model = Counting()
        for text in "ab":
            assert (await recording(tmp_path, model)(question(text))).text == "reply 1"
        paid.append(model.asked)
    assert paid == [1, 0, 0]


@settings(max_examples=40, deadline=None)
@given(rounds=st.lists(st.tuples(st.text("abcdef", min_size=1, max_size=6), st.integers(0), st.booleans()), max_size=4))
def test_cut_at_any_byte_it_gives_right_replies_and_asks_for_the_rest(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[tuple[str, int, bool]]
) -> None:
    folder, asked = tmp_path_factory.mktemp("cut"), []

    async def echo(question: Question) -> Answer:
        asked.append(question.context["instruction"])
        return Answer(text=question.context["instruction"])

    async def play(texts: str) -> str:
        model = recording(folder, echo)
        return "".join([(await model(question(text))).text for text in texts])

    for texts, cut, zeros in rounds:
        assert asyncio.run(play(texts)) == texts
        content = (folder / REPLIES).read_bytes()
        kept = content[: cut % (len(content) + 1)]
        (folder / REPLIES).write_bytes(kept + b"\x00" * 100 * zeros)  # file systems fill up with zeros
        whole = [json.loads(line)["answer"]["text"] for line in kept.split(b"\n")[:-1]]
        asked.clear()
        assert asyncio.run(play("abcdef")) == "abcdef"
        assert sorted(asked) == sorted(set("abcdef") - set(whole))


async def test_answers_survive_as_they_are(tmp_path: Path) -> None:
    call = ToolCall(id="x", name="look", arguments={"a": float("nan")}, raw="")
    answer = Answer(text="Zoë \ud800 </script>\u2028", tool_calls=(call,), usage=USAGE, error="cut off")

    async def model(_: Question) -> Answer:
        return answer

    first = await recording(tmp_path, model)(question())
    assert await recording(tmp_path, model)(question()) == first
    assert first.tool_calls[0].arguments is None
    assert first.error == "cut off"


async def test_a_full_disk_is_told_and_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = recording(tmp_path, Counting())
    await cached(question("a"))
    before = (tmp_path / REPLIES).read_bytes()
    write = os.write

    def full(file: int, data: bytes) -> int:
        return write(file, data[:20])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=r"replies\.jsonl cannot be written: .*disk full.*free space"):
        await cached(question("b"))
    monkeypatch.setattr(os, "write", write)
    assert (tmp_path / REPLIES).read_bytes() == before
    assert (await cached(question("b"))).text == "reply 3"


KILLED = """
    import asyncio, sys
    sys.path.insert(0, {root!r})
    from pathlib import Path
    from tests.models.test_reply_cache import Counting, question, recording
    async def main():
        model = recording(Path({folder!r}), Counting())
        for number in range(100_000):
            await model(question(str(number) + "x" * 3000))
    asyncio.run(main())
"""


def test_kill_9_loses_no_reply_that_was_used(tmp_path: Path) -> None:
    code = textwrap.dedent(KILLED).format(root=str(Path(__file__).parents[2]), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code])
    path = tmp_path / REPLIES
    while not (path.exists() and path.stat().st_size > 20_000):
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = path.read_bytes().count(b"\n")
    assert kept > 20
    model = Counting()
    cached = recording(tmp_path, model)

    async def again() -> None:
        for number in range(kept):
            await cached(question(str(number) + "x" * 3000))

    asyncio.run(again())
    assert model.asked == 0


def says(body: dict[str, Any]) -> str:
    return json.dumps({"model": body["model"], "said": body["messages"][-1]["content"]})


async def test_a_cast_without_key_plays_from_the_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retail, roles = Domain.load("retail"), {"judge": [{"model": "a"}, {"model": "b"}, {"model": "a"}]}

    def models(url: str, **more: Any) -> Roles:
        return Roles(retail, "m", url, "A_KEY", roles=roles, folder=tmp_path, best_of=1, **more)

    async def play(models: Roles) -> list[Answer]:
        answers = [await model(question()) for model in (models.user, models.agent, *models.judges(3))]
        await models.aclose()
        return answers

    monkeypatch.setenv("A_KEY", "sk-marked")
    async with FaultServer(says) as server:
        told = await play(models(server.url))
        # user and agent are one model and were asked the same; the two judges "a" are two people
        assert [body["model"] for body in server.requests] == ["m", "a", "b", "a"]
        url = server.url
    monkeypatch.delenv("A_KEY")
    moved: list[Callable[[], Roles]] = [
        lambda: models(url, offline=True),
        lambda: models("https://elsewhere.example/v1", offline=True),
        lambda: models("https://elsewhere.example/v1"),
    ]
    for build in moved:
        assert await play(build()) == told
    with pytest.raises(ValueError, match="A_KEY"):
        await models("https://elsewhere.example/v1").user(question("new"))
    with pytest.raises(NotRecorded):
        await models("https://elsewhere.example/v1", offline=True).user(question("new"))
    assert "sk-marked" not in (tmp_path / REPLIES).read_text()


@pytest.mark.parametrize("apart", ["base_url", "api_key_env"])
async def test_judges_of_one_name_at_two_places_are_two(tmp_path: Path, apart: str) -> None:
    async with FaultServer(lambda _: "host A") as one, FaultServer(lambda _: "host B") as two:
        others = {"base_url": two.url, "api_key_env": "ANOTHER_KEY"}
        roles = {"judge": [{"model": "m"}, {"model": "m", apart: others[apart]}]}
        for _ in range(2):
            models = Roles(Domain.load("retail"), "m", one.url, roles=roles, folder=tmp_path, best_of=1)
            votes = [(await judge(question())).text for judge in models.judges(4)]
            await models.aclose()
            assert votes == (["host A", "host B"] if apart == "base_url" else ["host A", "host A"]) * 2
        assert len(one.requests) + len(two.requests) == 4


async def test_roles_of_one_model_share_its_quota(tmp_path: Path) -> None:
    async with FaultServer(says, latency=0.01) as server:
        roles = {"user": {"temperature": 0.1}, "agent": {"temperature": 0.2}}
        models = Roles(Domain.load("retail"), "m", server.url, roles=roles, folder=tmp_path, concurrency=1, best_of=1)
        await asyncio.gather(*(model(question(text)) for text in "abc" for model in (models.user, models.agent)))
        await models.aclose()
        assert (len(server.requests), server.peak) == (6, 1)
        assert {body["temperature"] for body in server.requests} == {0.1, 0.2}


def test_offline_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="need the run's folder"):
        Roles(Domain.load("retail"), "m", offline=True)


class PowerCut(BaseException):
    """The end of the process, as the code within it sees it."""


class Served:
    """The scripted model in the place of a server; the power fails while it is asked for the `cut`-th time."""

    asked, cut = 0, -1

    def __init__(self, **_: Any) -> None:
        self.scripted = Scripted(Domain.load("retail").phrases, 7)

    async def __call__(self, question: Question) -> Answer:
        Served.asked += 1
        if Served.asked == Served.cut:
            raise PowerCut
        await asyncio.sleep(0)
        return (await self.scripted(question)).model_copy(update={"usage": USAGE})

    async def aclose(self) -> None: ...


def both_phases(folder: Path, concurrency: int, **more: Any) -> tuple[dict[str, bytes], int]:
    """Phase 1 and 2 with a served model: the artefacts and how many requests were made."""
    Served.asked = 0

    async def work() -> None:
        retail, run = Domain.load("retail"), Run.open(folder)
        models = Roles(retail, "m", "http://127.0.0.1:1/v1", folder=folder, concurrency=concurrency, best_of=1, **more)
        gates = [*GATES.values(), Committee(models.judges(3))]
        proposals = await propose_all(
            retail, models, gates, run, count=6, random_seed=3, round_size=3, concurrency=concurrency
        )
        blueprints = [proposal.blueprint for proposal in proposals if proposal.accepted]
        await converse_all(retail, models, run, blueprints, attempts=2, concurrency=concurrency)

    asyncio.run(work())
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != REPLIES}, Served.asked


@pytest.mark.parametrize("concurrency", [1, 4])
def test_interrupted_anywhere_it_asks_for_the_rest_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    monkeypatch.setattr("apigen_nb.models.roles.Endpoint", Served)
    whole, count = both_phases(tmp_path / "whole", concurrency)
    assert count > 40
    assert both_phases(tmp_path / "whole", concurrency) == (whole, 0)
    for cut in range(2, count, count // 5):
        folder = tmp_path / str(cut)
        monkeypatch.setattr(Served, "cut", cut)
        with pytest.raises(PowerCut):
            both_phases(folder, concurrency)
        monkeypatch.setattr(Served, "cut", -1)
        left = sum(reply.answer is not None for reply in read_replies(folder))
        assert left >= cut - 2 * concurrency  # lost are only those that were under way
        found, rest = both_phases(folder, concurrency)
        assert found == whole
        assert rest == count - left
    for name in ("blueprints.jsonl", "trajectories.jsonl"):  # what a colleague makes of the replies alone
        (tmp_path / "whole" / name).unlink()
    assert both_phases(tmp_path / "whole", concurrency, offline=True) == (whole, 0)
