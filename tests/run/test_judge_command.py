"""The command `judge`: a line for each case, whatever the other lines are like; nothing is asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.__main__ import main
from apigen_nb.models import Answer, Question
from apigen_nb.models.reply_cache import read_replies
from apigen_nb.records import Opinion, Usage
from apigen_nb.trajectories.cases import CHECKS, Case, RecordedReading, said_in
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.trajectories.replay import ending, replay
from apigen_nb.trajectories.reward import check_all
from apigen_nb.world.domain import Domain

CASES = Path(__file__).parent.parent / "trajectories" / "cases"
OURS = {case["id"]: case for case in map(json.loads, (CASES / "language.jsonl").read_text().splitlines())}
DECLINED, TOLD = OURS["declined-00"], OURS["told-14"]
SAID = "I can't swap the soundbar any more"
asked: list[str] = []


class Judge:
    """An endpoint whose model finds that the wish was declined, and of all else nothing."""

    retries = 0

    def __init__(self, **settings: Any) -> None: ...

    async def __call__(self, question: Question) -> Answer:
        asked.append(question.id)
        reply: dict[str, Any] = {"answer": question.context["answers"][-2]}
        for line in question.context["passage"]:
            if question.context["kind"] == "wish answered" and SAID in line:
                reply = {"answer": "declined", "turn": int(line.split()[0]), "quotation": SAID}
        return Answer(text=json.dumps(reply), usage=Usage(calls=1, prompt=100, completion=10))

    async def aclose(self) -> None: ...


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("apigen_nb.models.roles.Endpoint", Judge)
    monkeypatch.setenv("OPENAI_API_KEY", "of the test")
    asked.clear()
    yield
    asked.clear()


def written(path: Path, *lines: Any) -> str:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return str(path)


def varied(case: dict[str, Any], **blueprint: Any) -> dict[str, Any]:
    return case | {"blueprint": case["blueprint"] | blueprint}


def judged(capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, Any]], list[str]]:
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err.splitlines()


def test_without_judges_what_evidence_proves_is_told_and_the_rest_is_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = varied(TOLD, outputs=["2266.3"])
    assert main(["judge", written(tmp_path / "cases.jsonl", TOLD, wrong, DECLINED)]) == 0
    (told, other, declined), err = judged(capsys)
    assert err == []
    assert list(told) == ["id", *CHECKS, "reasons"]
    assert (told["id"], told["state"], told["outputs"], told["behaviour"]) == ("told-14", "held", "held", "held")
    assert "outputs" not in told["reasons"]
    assert other["outputs"] in ("fell", "undecided")
    assert "2266.3" in other["reasons"]["outputs"]
    assert declined["behaviour"] == "undecided"
    assert declined["reasons"]["behaviour"]
    assert [path.name for path in tmp_path.iterdir()] == ["cases.jsonl"]


def test_what_is_expected_decides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = {name: TOLD[name] for name in ("id", "domain", "blueprint", "turns")}
    contrary = TOLD | {"expect": {"outputs": "fell", "state": False}, "why": "a lie", "note": "more"}
    assert main(["judge", written(tmp_path / "cases.jsonl", TOLD, bare, contrary)]) == 0
    lines, _ = judged(capsys)
    assert lines[0] == lines[1] == lines[2]


def test_bad_lines_are_named_one_by_one_and_the_others_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = {"name": "swap_everything", "arguments": {}}
    user_calls = TOLD | {"turns": [{"role": "user", "content": "Hi", "calls": [unknown]}]}
    lines = (
        '{"id": "half',
        {"id": "bare"},
        TOLD | {"domain": "nowhere"},
        varied(TOLD, actions=[unknown]),
        varied(TOLD, user="C0"),
        varied(TOLD, kind="odd"),
        TOLD | {"turns": [{"role": "tool", "content": "{}"}]},
        user_calls,
        varied(TOLD, actions=DECLINED["blueprint"]["denied"]),
        "",
        DECLINED,
    )
    assert main(["judge", written(tmp_path / "cases.jsonl", *lines)]) == 2
    (found,), err = judged(capsys)
    assert found["id"] == "declined-00"
    assert [line.partition(": ")[2].partition(", line ")[2].partition(":")[0] for line in err] == [*"123456789"]
    parts = (
        ("expected a Case", "found {"),
        ("expected a Case, domain: Field required",),
        ("no domain 'nowhere'; built in are",),
        ("found the tool 'swap_everything', expected one of retail's: ",),
        ("found 'C0', expected an id of the table customers",),
        ("blueprint.kind: ", "'plain'", 'found "odd"'),
        ("turns.0.role: ", "'user' or 'assistant'", 'found "tool"'),
        ("a user calls no tools",),
        ("expected calls that can be made, number 1, swap_items(",),
    )
    for line, expected in zip(err, parts, strict=True):
        assert [part for part in expected if part not in line] == []


def test_a_tool_that_the_agent_makes_up_is_refused_to_it_as_in_any_conversation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = {"role": "assistant", "calls": [{"name": "look_around", "arguments": {}}]}
    raw = {"role": "assistant", "calls": [{"name": "get_order", "arguments": None, "raw": '{"order'}]}
    odd = TOLD | {"turns": [TOLD["turns"][0], call, raw, *TOLD["turns"][1:]]}
    assert main(["judge", written(tmp_path / "cases.jsonl", odd)]) == 0
    (found,), _ = judged(capsys)
    assert found["state"] == found["outputs"] == "held"
    case = Case.model_validate_json(json.dumps(odd))
    _, messages = replay(case.blueprint, Domain.load("retail"), said_in(case))
    assert [m.content[:18] for m in messages if m.error] == ["Error: no tool 'lo", "Error: the argumen"]


def test_who_does_not_end_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", written(tmp_path / "cases.jsonl", TOLD | {"turns": TOLD["turns"][:-1]})]) == 0
    (found,), _ = judged(capsys)
    assert "the user did not end it" in found["reasons"]["ended"]


@pytest.mark.usefixtures("served")
def test_judges_read_what_is_open_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = written(tmp_path / "params.yaml", "model: gpt-4o")
    command = ["judge", written(tmp_path / "cases.jsonl", DECLINED, '{"id"', TOLD), "--params", params]
    assert main(command) == 2
    lines, err = judged(capsys)
    assert [line["id"] for line in lines] == ["declined-00", "told-14"]
    assert lines[0]["behaviour"] == "held"
    assert "line 2: expected a Case" in err[0]
    folder, count = tmp_path / "cases-judged", len(asked)
    assert 0 < count == len(list(read_replies(folder)))
    assert {reply.stage for reply in read_replies(folder)} == {"judge"}
    ledger = json.loads((folder / "ledger.json").read_text())
    assert ledger["stages"]["judge"]["requests"] == count
    assert f"{count} requests, {110 * count:,} tokens" in err[-1]
    assert main([*command, "-p", "offline=true"]) == 2
    assert judged(capsys)[0] == lines
    assert len(asked) == count


def test_the_stand_in_is_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = written(tmp_path / "params.yaml", "model: scripted")
    assert main(["judge", written(tmp_path / "cases.jsonl", TOLD), "--params", params]) == 0
    lines, err = judged(capsys)
    assert lines[0]["state"] == "held"
    assert "judges: scripted model" in err[0]


def test_recorded_readings_stand_in_for_judges_and_must_quote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = written(tmp_path / "cases.jsonl", DECLINED)
    question, turn = open_question(DECLINED)
    outcomes = []
    for quotation in (SAID, "I will not do it"):
        opinion = Opinion(judge="a reader", answer="declined", turn=turn, quotation=quotation)
        reading = RecordedReading(id="wish answered/0", question=question, opinions=(opinion,), majority=1)
        line = {"case": "declined-00", "reading": reading.model_dump()}
        assert main(["judge", cases, "--readings", written(tmp_path / "readings.jsonl", line)]) == 0
        outcomes.append(judged(capsys)[0][0]["behaviour"])
    assert outcomes == ["held", "undecided"]
    assert main(["judge", cases, "--readings", written(tmp_path / "readings.jsonl", {"case": "declined-00"})]) == 2
    assert "line 1: expected a ReadingLine, reading: Field required" in judged(capsys)[1][0]


def open_question(case: dict[str, Any]) -> tuple[str, int]:
    """What is asked about the wish of a case, and the message that answers it."""
    read, domain = Case.model_validate_json(json.dumps(case)), Domain.load("retail")
    world, messages = replay(read.blueprint, domain, said_in(read))
    meanings, dialogue = Meanings(messages), Dialogue(read.blueprint, messages, domain)
    check_all(dialogue, world.delta(), ending(dialogue), meanings)
    turn = next(n for n, message in enumerate(messages) if SAID in message.content)
    return meanings.open["wish answered/0"].question, turn


def test_readings_and_judges_are_not_asked_for_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = written(tmp_path / "cases.jsonl", TOLD)
    assert main(["judge", cases, "--readings", cases, "-p", "model=scripted"]) == 2
    assert "give one of the two" in judged(capsys)[1][0]
    assert main(["judge", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl: cannot be read" in judged(capsys)[1][0]
