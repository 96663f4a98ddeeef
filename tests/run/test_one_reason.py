"""A stage whose items all end without a usable reply, for one reason, has failed and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer
from apigen_nb.models.ledger import Reply
from apigen_nb.models.reply_cache import REPLIES, forget_errors, read_replies
from apigen_nb.records import NO_ANSWER, Attempt, Blueprint, Proposal, Trajectory, Verdict
from apigen_nb.run import StageFailed, runner
from apigen_nb.run.one_reason import HANDFUL, check_reasons, one_reason
from apigen_nb.run.params import Params
from apigen_nb.storage.jsonl import write_whole
from apigen_nb.storage.run_folder import Run

REFUSED = "the server refused the question (400): conversation roles must alternate, request {}"


def talked(number: int, reason: str = REFUSED, ended: str = "agent_error", kind: str = "") -> Trajectory:
    id = f"retail-{number:05}.t1"
    told = reason.replace("{}", f"req_{number}f{number}").replace("ID", id)
    verdicts = (Verdict(gate="ended", passed=not reason, kind=kind or ended, reason=told),)
    fields = {"id": id, "blueprint": id[:-3], "attempt": 1, "messages": (), "ended": ended, "reason": told}
    return Trajectory.model_validate({**fields, "verdicts": verdicts})


def drafted(
    number: int, reason: str = "the reply is no blueprint: cut off", blueprint: Blueprint | None = None
) -> Proposal:
    verdict = Verdict(gate="format", passed=False, kind="reply unreadable", reason=reason)
    attempts = (Attempt(number=0, blueprint=blueprint, verdicts=(verdict,)),)
    fields = {"id": f"retail-{number:05}", "domain": "retail", "user": "C1", "walk": (), "persona": "", "examples": ()}
    return Proposal.model_validate({**fields, "attempts": attempts, "accepted": False})


@given(st.integers(0, 12), st.sampled_from([talked, drafted]))
def test_a_handful_that_ends_alike_is_told(count: int, made: type) -> None:
    found = one_reason(made(number) for number in range(count))
    assert (found is not None) == (count >= HANDFUL)
    assert found is None or found[0] == count


def test_ids_and_numbers_make_no_other_reason() -> None:
    told = "ID/agent/{}: no answer from the-agent at http://127.0.0.1:1/v1 in 5 tries; the last: 500 try {}"
    lost = [talked(number, told, kind=NO_ANSWER) for number in range(6)]
    with pytest.raises(StageFailed, match=r"3_trajectories: all 6 items ended .* 500 try .*--retry-failed") as failed:
        check_reasons("3_trajectories", lost)
    assert failed.value.code == 1


@pytest.mark.parametrize(
    "other", [talked(9, "", "stop"), talked(9, "the agent said nothing"), talked(9, "x", "max_steps")]
)
@pytest.mark.parametrize("place", [0, 3, 9])
def test_one_that_ended_otherwise_is_enough(other: Trajectory, place: int) -> None:
    records = [talked(number) for number in range(9)]
    records.insert(place, other)
    assert one_reason(records) is None
    check_reasons("3_trajectories", records)


def test_a_draft_that_could_be_read_is_one() -> None:
    empty = Blueprint(id="a", domain="d", user="u", persona="", instruction="", actions=(), outputs=())
    assert one_reason([*map(drafted, range(9)), drafted(9, blueprint=empty)]) is None


def test_the_replies_that_say_why_are_asked_for_again_and_stay_in_the_ledger(tmp_path: Path) -> None:
    said = [Answer(text="Yes."), Answer(error="refused"), None]
    replies = [
        Reply(key=f"{n:032}" if answer else "", model="m", role="agent", id="q", answer=answer)
        for n, answer in enumerate(said)
    ]
    write_whole(tmp_path / REPLIES, [reply.line() for reply in replies])
    forget_errors(tmp_path)
    left = list(read_replies(tmp_path))
    assert [reply.key for reply in left] == [f"{0:032}", "", ""]
    assert [reply.answer for reply in left] == said


def test_a_run_ends_there_and_tries_all_again_when_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, made = tmp_path / "x", [drafted(number) for number in range(5)]

    def execute(*_: object) -> None:
        if not (out / "blueprints.jsonl").exists():
            write_whole(out / "blueprints.jsonl", [proposal.line() for proposal in made])

    monkeypatch.setattr(runner, "execute", execute)
    for _ in range(2):
        with pytest.raises(StageFailed, match="2_blueprints: all 5 items ended without a usable reply"):
            runner.run_stages(Params(count=5), out, ["2_blueprints"])
        assert "2_blueprints" not in Run(out).read_manifest()["stages"]
    made[3] = drafted(3, "another reason")
    runner.run_stages(Params(count=5), out, ["2_blueprints"], retry_failed=True)
    assert Run(out).read_manifest()["stages"]["2_blueprints"]["seeds"] == 5
