"""What a run will cost, measured by hand, by simulation and on the real stages."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.models import Answer, Question
from apigen_nb.models.reply_cache import REPLIES, Reply, ReplyCache, read_replies
from apigen_nb.models.scripted import Scripted
from apigen_nb.records import Attempt, Blueprint, Proposal, Trajectory, Usage, Verdict
from apigen_nb.run import UsageError
from apigen_nb.run.estimate import COUNTS, YIELDS, Estimate, estimate_by_trial, estimate_from_run, predict, trial_seeds
from apigen_nb.run.params import Params
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.world.domain import Domain

PASSED = (Verdict(gate="format", passed=True),)
FAILED = (Verdict(gate="format", passed=False),)


def params(**values: Any) -> Params:
    return Params.model_validate({"model": "gpt-4o", "recombined": 0.0, "attempts": 2} | values)


def proposal(number: int, accepted: bool = True) -> Proposal:
    task = {"id": f"retail-{number:05}", "domain": "retail", "user": "u", "persona": "p"}
    blueprint = Blueprint(**task, instruction="i", actions=(), outputs=("o",))
    attempt = Attempt(number=0, blueprint=blueprint, verdicts=PASSED if accepted else FAILED)
    return Proposal(**task, walk=(), examples=(), attempts=(attempt,), accepted=accepted)


def trajectory(number: int, attempt: int, success: bool = True) -> Trajectory:
    name, verdicts = f"retail-{number:05}", PASSED if success else FAILED
    told = {"messages": (), "ended": "stop", "verdicts": verdicts}
    return Trajectory(id=f"{name}.t{attempt}", blueprint=name, attempt=attempt, **told)


def spend(folder: Path, id: str, prompt: int, seconds: float = 1.0, model: str = "gpt-4o") -> None:
    answer = Answer(usage=Usage(calls=1, prompt=prompt, cached=prompt // 2, completion=prompt // 10))
    told = {"key": "", "model": model, "role": "agent", "seconds": seconds}
    ReplyCache(folder).add(Reply(id=f"{id}/agent/0", answer=answer, **told))


def expected(found: Estimate) -> dict[str, float]:
    return {name: value.expected for name, value in found.ranges.items()}


def test_by_hand(tmp_path: Path) -> None:
    proposals = [proposal(0), proposal(1, accepted=False)]
    played = [trajectory(0, 1), trajectory(0, 2, success=False)]
    for id in ("retail-00000", "retail-00001", "retail-00000.t1", "retail-00000.t2"):
        spend(tmp_path, id, 1000)
    found = predict(params(count=20), proposals, played, tmp_path)
    dollars = 40 * (500 * 2.5 + 500 * 1.25 + 100 * 10) / 1e6
    assert expected(found) == pytest.approx(
        {"requests": 40, "prompt tokens": 40_000, "cached tokens": 20_000, "completion tokens": 4_000}
        | {"dollars": dollars, "accepted blueprints": 10, "verified trajectories": 10}
        # 20 s of phase 1 by 20 at once, 20 s of phase 2 by 20 conversations
        | {"minutes": 2 / 60}
    )
    assert (found.tasks, found.measured, found.unpriced) == (20, 2, ())


def test_other_attempts_and_recombined_tasks_are_scaled(tmp_path: Path) -> None:
    proposals = [proposal(0), proposal(1)]
    for number in range(2):
        spend(tmp_path, f"retail-{number:05}", 1000)
        spend(tmp_path, f"retail-{number:05}.t1", 500)
    played = [trajectory(0, 1), trajectory(1, 1)]
    found = predict(params(count=10, attempts=4, recombined=0.2), proposals, played, tmp_path)
    assert found.tasks == 12
    # none of the two recombined ones was measured: each counts as two
    assert found.ranges["requests"].expected == (10 + 2 * 2) * (1 + 4)
    assert found.ranges["prompt tokens"].expected == (10 + 2 * 2) * (1000 + 4 * 500)
    assert found.ranges["verified trajectories"].expected == 48
    # all tasks are alike, so nothing is uncertain
    assert found.ranges["prompt tokens"].low == pytest.approx(found.ranges["prompt tokens"].high)


def test_a_model_without_a_price_has_tokens_only(tmp_path: Path) -> None:
    spend(tmp_path, "retail-00000", 1000)
    spend(tmp_path, "retail-00001", 1000, model="own-7b")
    found = predict(params(), [proposal(0), proposal(1)], [], tmp_path)
    assert "dollars" not in found.ranges
    assert found.unpriced == ("own-7b",)
    assert "dollars" in found.lines()[-1]
    assert "no price for own-7b" in found.lines()[-1]
    priced = params(prices={"own-7b": {"prompt": 1, "completion": 1}})
    assert "dollars" in predict(priced, [proposal(0), proposal(1)], [], tmp_path).ranges


@pytest.mark.parametrize(("limits", "least"), [({"requests_per_minute": 1}, 40), ({"tokens_per_minute": 1100}, 40)])
def test_limits_take_their_time(tmp_path: Path, limits: dict[str, int], least: float) -> None:
    for number in range(2):
        spend(tmp_path, f"retail-{number:05}", 1000)
    found = predict(params(count=40, **limits), [proposal(0), proposal(1)], [], tmp_path)
    assert found.ranges["minutes"].expected == pytest.approx(least)


def test_the_interval_holds_what_it_says(tmp_path: Path) -> None:
    """Runs of 40 tasks with skewed costs, each estimated from 8: about 9 of 10 totals are within."""
    rng, within, trials = Random(5), 0, 120
    tasks = [proposal(number) for number in range(8)]
    for trial in range(trials):
        folder = tmp_path / str(trial)
        folder.mkdir()
        rows = []
        for task in tasks:
            answer = Answer(usage=Usage(calls=1, prompt=int(rng.lognormvariate(7, 0.6)), completion=1))
            told = {"key": "", "model": "gpt-4o", "role": "generator"}
            rows.append(Reply(id=f"{task.id}/a0/generator", answer=answer, **told).line())
        write_whole(folder / REPLIES, rows)
        found = predict(params(count=40, random_seed=trial), tasks, [], folder).ranges["prompt tokens"]
        within += found.low <= sum(int(rng.lognormvariate(7, 0.6)) for _ in range(40)) <= found.high
    assert 0.82 <= within / trials <= 0.97


def test_all_of_a_few_is_not_all_of_many(tmp_path: Path) -> None:
    every = predict(params(count=100), [proposal(n) for n in range(8)], [], tmp_path).ranges["accepted blueprints"]
    assert every.expected == every.high == 100
    assert 50 < every.low < 90
    none = predict(params(count=100), [proposal(n, False) for n in range(8)], [], tmp_path).ranges[
        "accepted blueprints"
    ]
    assert none.low == none.expected == 0
    assert 10 < none.high < 100


def test_the_same_measurements_give_the_same_estimate(tmp_path: Path) -> None:
    for number in range(4):
        spend(tmp_path, f"retail-{number:05}", 100 * (number + 1))
    one, two = (predict(params(), [proposal(n) for n in range(4)], [], tmp_path) for _ in range(2))
    assert one == two
    for found in one.ranges.values():
        assert 0 <= found.low <= found.expected <= found.high


class Served:
    """The scripted model in the place of a server: counts what is asked and says what it took."""

    def __init__(self, **settings: Any) -> None:
        self.scripted, self.retries = Scripted(Domain.load("retail").phrases, 7), 0

    async def __call__(self, question: Question) -> Answer:
        asked.append(question.id)
        answer = await self.scripted(question)
        return answer.model_copy(update={"usage": Usage(calls=1, prompt=100, completion=10)})

    async def aclose(self) -> None: ...


asked: list[str] = []


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("apigen_nb.models.roles.Endpoint", Served)
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    asked.clear()
    yield
    asked.clear()


@pytest.mark.usefixtures("served")
async def test_what_a_trial_pays_for_is_not_paid_again(tmp_path: Path) -> None:
    few = params(count=40, best_of=1)
    first = await estimate_by_trial(few, tmp_path, 6)
    count = len(asked)
    assert count > 6
    assert first.measured == 6
    once = [id for id in asked if ".t" not in id]
    twice = [id for id in asked if ".t1/" in id]
    assert len(once) + len(twice) == count  # one of the two conversations about a blueprint
    assert first.ranges["requests"].expected == pytest.approx((len(once) + 2 * len(twice)) * 40 / 6)
    assert first.trial is not None
    assert (first.trial.seeds, first.trial.requests, first.trial.new) == (6, count, count)
    assert first.trial.cost == pytest.approx(count * (100 * 2.5 + 10 * 10) / 1e6)
    assert first.share == pytest.approx(count / first.ranges["requests"].expected)
    assert first.share < 0.15
    assert os.listdir(tmp_path) == [REPLIES]
    again = await estimate_by_trial(few, tmp_path, 6)
    assert again.trial == first.trial.model_copy(update={"new": 0})
    assert again.ranges == first.ranges
    assert len(asked) == count
    await estimate_by_trial(few, tmp_path, 8)
    assert not {id for id in asked[count:] if int(id.partition("/")[0].split("-")[1].split(".")[0]) < 6}
    assert len(list(read_replies(tmp_path))) == len(asked)


@pytest.mark.usefixtures("served")
def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text("model: gpt-4o\nseeds: 30\nattempts: 1\nbest_of: 1\n")
    assert main(["estimate", "x.yaml", "--seeds", "3"]) == 0
    told = capsys.readouterr().out
    for name in (*COUNTS, *YIELDS, "minutes"):
        assert f"\n{name} " in told
    assert "3 tried out; the replies are kept in outputs/x" in told
    assert re.search(r"played for this: [0-9]+ requests for \$0.0[0-9], [0-9]+ of them new; that is [0-9.]+% of", told)
    assert main(["estimate", "x.yaml", "-p", "max_total_tokens=1", "--seeds", "5"]) == 4
    assert "max_total_tokens of 1 is used up" in capsys.readouterr().err
    assert main(["estimate", "x.yaml", "-p", "offline=true", "--seeds", "6"]) == 3
    assert "is not recorded" in capsys.readouterr().err
    assert main(["estimate", "x.yaml", "--seeds", "1"]) == 2
    assert main(["estimate", "x.yaml", "--from", "nowhere"]) == 2
    assert "has not both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seeds", "wanted", "played"),
    [(4, 8, 2), (7, 8, 2), (12, 8, 3), (32, 8, 8), (400, 8, 8), (400, 150, 100), (40, 2, 2)],
)
def test_never_more_than_a_stated_share_is_played(seeds: int, wanted: int, played: int) -> None:
    assert trial_seeds(params(count=seeds), wanted) == played


@pytest.mark.parametrize(("seeds", "wanted"), [(1, 8), (3, 8), (40, 1), (40, 0)])
def test_what_would_be_most_of_a_run_is_not_played(seeds: int, wanted: int) -> None:
    with pytest.raises(UsageError, match=f"found {wanted} of a run of {seeds}"):
        trial_seeds(params(count=seeds), wanted)


def test_an_earlier_run_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has not both"):
        estimate_from_run(params(), tmp_path)
    write_whole(tmp_path / "blueprints.jsonl", [proposal(0).line()])
    write_whole(tmp_path / "trajectories.jsonl", [trajectory(0, 1).line()])
    with pytest.raises(ValueError, match="has 1 blueprints"):
        estimate_from_run(params(), tmp_path)
    write_whole(tmp_path / "blueprints.jsonl", [proposal(n).line() for n in range(3)])
    spend(tmp_path, "retail-00000.t1", 900)
    before = (tmp_path / REPLIES).read_bytes()
    found = estimate_from_run(params(count=30), tmp_path)
    assert found.ranges["prompt tokens"].expected == pytest.approx(30 * 2 * 900 / 3)
    assert (tmp_path / REPLIES).read_bytes() == before
