"""Phase 1 with plain functions for models: draft, judge, reflect, and what is kept of every attempt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from apigen_nb.blueprints.gates import GATES, Gate, choose_gates, run_gates
from apigen_nb.blueprints.gates.committee import Committee
from apigen_nb.blueprints.propose import propose, propose_all
from apigen_nb.blueprints.sampling import Seed
from apigen_nb.models import Answer, Model, NoAnswer, Question
from apigen_nb.models.roles import Roles
from apigen_nb.records import NO_ANSWER, Action, Attempt, Blueprint, Proposal, Usage, Verdict
from apigen_nb.storage.journal import Run, forget_unanswered, read_lines
from apigen_nb.world.domain import Domain
from apigen_nb.world.user_records import user_records
from tests.library import RENEW, RETURN, call, task
from tests.players import Role

PLAIN = list(GATES.values())
TELLS = "Your email is ada@example.com. You want to renew Salt Roads, as you travel."
NOTHING_ELSE: dict[str, list[str]] = {"outputs": [], "denied": [], "withheld": []}


def seed(domain: Domain, number: int = 0) -> Seed:
    return Seed(
        id=f"library-{number:05d}",
        number=number,
        domain="library",
        user="M1",
        walk=("find_member", "get_member", "get_loan", "renew_loan"),
        spare=("return_loan", "rename_member"),
        policy=("An overdue loan is not renewed.",),
        records=user_records(domain, "M1"),
        persona="calm",
    )


def reply(*actions: Action, instruction: str = TELLS, outputs: Sequence[str] = ()) -> str:
    """What a generator answers."""
    made = [action.model_dump() for action in actions]
    return json.dumps({"thought": "hm", "instruction": instruction, "actions": made, "outputs": list(outputs)})


async def nobody(question: Question) -> Answer:
    raise AssertionError(f"nobody should be asked, but {question.id} was")


async def run(
    domain: Domain, generator: Model, feedback: Model = nobody, gates: Sequence[Gate] = PLAIN, reflections: int = 3
) -> Proposal:
    made = await propose(
        seed(domain), domain, generator=generator, feedback=feedback, gates=gates, reflections=reflections
    )
    assert Proposal.model_validate(json.loads(made.line())) == made, "what is written must be what was judged"
    return made


# --- accepted, repaired, rejected


async def test_a_good_draft_is_accepted_at_once(library: Domain) -> None:
    generator = Role(reply(RENEW, outputs=["17"]))
    made = await run(library, generator)
    assert made.accepted
    assert len(made.attempts) == len(generator.asked) == 1
    attempt = made.attempts[0]
    assert [verdict.gate for verdict in attempt.verdicts] == ["format", "execution", "policy", "grounding", "kind"]
    assert (attempt.number, attempt.feedback, attempt.thought) == (0, "", "hm")
    assert [(change.table, change.id) for change in attempt.diff] == [("loans", "L1")]
    assert made.blueprint == Blueprint(
        id="library-00000",
        domain="library",
        user="M1",
        persona="calm",
        instruction=TELLS,
        actions=(RENEW,),
        outputs=("17",),
    )


async def test_the_generator_sees_the_seed(library: Domain) -> None:
    generator = Role(reply(RENEW))
    await run(library, generator)
    context = generator.asked[0].context
    sampled = seed(library)
    assert context["records"] == sampled.records
    assert context["walk"] == list(sampled.walk)
    assert (context["policy"], context["rules"]) == (library.policy, list(sampled.policy))
    assert (context["user"], context["persona"], context["examples"]) == ("M1", "calm", [])
    tools = {name: [tool["function"]["name"] for tool in context[name]] for name in ("writes", "reads")}
    assert tools["writes"] == [name for name, tool in library.tools.items() if tool.writes]
    assert sorted(tools["writes"] + tools["reads"]) == sorted(library.tools)
    assert context["spare"] == ["return_loan", "rename_member"]
    assert (context["previous"], context["feedback"]) == ("", "")


async def test_a_rejected_draft_is_repaired_with_feedback(library: Domain) -> None:
    overdue = call("renew_loan", loan_id="L2", reason="travel")
    generator, feedback = Role(reply(overdue), reply(RENEW)), Role("Take a loan that is not overdue.")
    made = await run(library, generator, feedback)
    assert [attempt.accepted for attempt in made.attempts] == [False, True]
    assert made.accepted
    assert made.attempts[1].feedback == "Take a loan that is not overdue."
    second = generator.asked[1].context
    assert second["feedback"] == "Take a loan that is not overdue."
    assert second["previous"] == {"instruction": TELLS, "actions": [overdue.model_dump()], **NOTHING_ELSE}
    # the feedback model is told every failure of the last attempt and what it was about
    told = feedback.asked[0].context
    assert told["actions"] == [overdue.model_dump()]
    assert [failure["gate"] for failure in told["failures"]] == ["policy"]
    assert "An overdue loan is not renewed." in told["failures"][0]["reason"]
    # and the policy that the rule is from, and the rows that the task names
    assert told["policy"] == library.policy
    assert "L2" in told["records"]["loans"]
    # the rejected attempt keeps its verdicts and what it did to the database
    first = made.attempts[0]
    assert [verdict.passed for verdict in first.verdicts] == [True, True, False, True, True]
    assert [change.id for change in first.diff] == ["L2"]


async def test_all_failures_reach_the_feedback_model(library: Domain) -> None:
    bad = reply(call("return_loan", loan_id="L4"), outputs=["Moby Dick"])
    feedback = Role("plan")
    await run(library, Role(bad), feedback, reflections=1)
    assert [failure["gate"] for failure in feedback.asked[0].context["failures"]] == ["policy", "grounding"]


async def test_a_silent_feedback_model_leaves_the_failures_as_the_plan(library: Domain) -> None:
    for silent in ("", " \n", Answer(error="cut off")):
        generator = Role(reply(RETURN, RETURN), reply(RENEW))
        made = await run(library, generator, Role(silent))
        assert made.attempts[1].feedback.startswith("execution: action 2, return_loan")


async def test_half_a_plan_is_not_a_plan(library: Domain) -> None:
    generator, feedback = Role(reply(RETURN, RETURN), reply(RENEW)), Role(Answer(text="You shou", error="cut off"))
    assert (await run(library, generator, feedback)).attempts[1].feedback.startswith("execution: ")


@pytest.mark.parametrize("reflections", [0, 1, 3])
async def test_a_blueprint_is_rejected_after_so_many_reflections(library: Domain, reflections: int) -> None:
    generator, feedback = Role(reply(call("burn_book"))), Role("plan")
    made = await run(library, generator, feedback, reflections=reflections)
    assert not made.accepted
    assert [attempt.number for attempt in made.attempts] == list(range(reflections + 1))
    assert (len(generator.asked), len(feedback.asked)) == (reflections + 1, reflections)
    assert len({question.id for question in generator.asked + feedback.asked}) == 2 * reflections + 1
    with pytest.raises(ValueError, match="library-00000 was rejected"):
        _ = made.blueprint


async def test_tokens_are_counted_per_role(library: Domain) -> None:
    one = Usage(calls=1, prompt=10, completion=2)
    generator = Role(Answer(text=reply(call("burn_book")), usage=one), Answer(text=reply(RENEW), usage=one))
    made = await run(library, generator, Role(Answer(text="plan", usage=one)))
    assert made.usage == {"generator": one + one, "feedback": one}


# --- replies that are no blueprint


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


GOOD = json.loads(reply(RENEW))
UNREADABLE: dict[str, str | Answer] = {
    "empty": "",
    "HTML": "<!doctype html><html><body><h1>502</h1></body></html>",
    "truncated": reply(RENEW)[:-20],
    "1 MB of words": "blah " * 200_000,
    "1 MB of brackets": '{"a":[' * 170_000,
    "a list": "[1, 2, 3]",
    "a string": '"renew"',
    "null": "null",
    "an error": Answer(text=reply(RENEW), error="cut off at the token limit"),
    "no instruction": json.dumps({k: v for k, v in GOOD.items() if k != "instruction"}),
    "no actions": json.dumps({k: v for k, v in GOOD.items() if k != "actions"}),
    "no outputs": json.dumps({k: v for k, v in GOOD.items() if k != "outputs"}),
    "instruction is a number": json.dumps({**GOOD, "instruction": 5}),
    "instruction is null": json.dumps({**GOOD, "instruction": None}),
    "thought is an object": json.dumps({**GOOD, "thought": {}}),
    "actions is an object": json.dumps({**GOOD, "actions": {"name": "renew_loan"}}),
    "actions are names": json.dumps({**GOOD, "actions": ["renew_loan"]}),
    "an action without name": json.dumps({**GOOD, "actions": [{"arguments": {}}]}),
    "arguments are a string": json.dumps(
        {**GOOD, "actions": [{"name": "renew_loan", "arguments": '{"loan_id": "L1"}'}]}
    ),
    "outputs is a string": json.dumps({**GOOD, "outputs": "17"}),
    "outputs are numbers": json.dumps({**GOOD, "outputs": [17]}),
}


@pytest.mark.parametrize("said", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_reply_that_is_no_blueprint_becomes_a_verdict_with_a_reason(library: Domain, said: Any) -> None:
    generator, feedback = Role(said, reply(RENEW)), Role("Answer with JSON.")
    made = await run(library, generator, feedback)
    assert [attempt.accepted for attempt in made.attempts] == [False, True]
    first = made.attempts[0]
    assert first.blueprint is None
    assert [(verdict.gate, verdict.kind) for verdict in first.verdicts] == [("format", "reply unreadable")]
    assert 30 < len(first.verdicts[0].reason) < 3_000
    assert generator.asked[1].context["previous"] == ""
    assert generator.asked[1].context["feedback"] == "Answer with JSON."
    assert feedback.asked[0].context["failures"] == [{"gate": "format", "reason": first.verdicts[0].reason}]


ODD: dict[str, Any] = {
    "arguments nested without end": {
        **GOOD,
        "actions": [{"name": "renew_loan", "arguments": {"loan_id": nested(300)}}],
    },
    "arguments nested in an unknown tool": {**GOOD, "actions": [{"name": "burn", "arguments": {"a": nested(300)}}]},
    "a lone surrogate": {**GOOD, "instruction": "\ud83d", "outputs": ["\udc00"]},
    "a lone surrogate in arguments": {**GOOD, "actions": [{"name": "renew_loan", "arguments": {"loan_id": "\ud83d"}}]},
    "a lone surrogate as a name": {**GOOD, "actions": [{"name": "renew_loan", "arguments": {"\ud83d": "L1"}}]},
    "not a number": {**GOOD, "actions": [{"name": "renew_loan", "arguments": {"loan_id": float("nan")}}]},
    "infinity": {**GOOD, "actions": [{"name": "set_points", "arguments": {"member_id": "M1", "points": float("inf")}}]},
    "a signalling NaN": {**GOOD, "actions": [], "outputs": ["sNaN"]},
    "a huge exponent": {
        **GOOD,
        "actions": [{"name": "rename_member", "arguments": {"member_id": "M1", "name": "9e9999999"}}],
    },
    "brackets in a string": {**GOOD, "actions": [{"name": "return_loan", "arguments": {"loan_id": "[" * 100_000}}]},
    "brackets as a name": {
        **GOOD,
        "actions": [{"name": "rename_member", "arguments": {"member_id": "M1", "name": "[" * 100_000}}],
    },
    "fields of its own": {**GOOD, "outputs": [], "actions": [], "difficulty": 5},
    "1 MB of thought": {**GOOD, "thought": "hm " * 350_000, "actions": []},
    "markup": {**GOOD, "instruction": "</script>[x](javascript:alert(1))", "outputs": ["</script>"]},
}


@pytest.mark.parametrize("said", ODD.values(), ids=ODD)
async def test_whatever_a_reply_holds_it_is_judged_and_written(library: Domain, said: dict[str, Any]) -> None:
    made = await run(library, Role(json.dumps(said)), Role("plan"), reflections=1)
    assert not made.accepted
    assert len(made.attempts) == 2
    assert all(attempt.failures and all(v.reason for v in attempt.failures) for attempt in made.attempts)


# --- gates


def passes(blueprint: Blueprint, domain: Domain) -> Verdict:
    return Verdict(gate="passes", passed=True)


def fails(blueprint: Blueprint, domain: Domain) -> Verdict:
    return Verdict(gate="fails", passed=False, kind="no", reason="no")


def silent(blueprint: Blueprint, domain: Domain) -> None:
    return None


async def waits(blueprint: Blueprint, domain: Domain) -> Verdict:
    return Verdict(gate="waits", passed=True)


class Panel:
    async def __call__(self, blueprint: Blueprint, domain: Domain) -> Verdict:
        return Verdict(gate="panel", passed=True)


@pytest.mark.parametrize(
    ("gates", "spoken"),
    [
        ([passes, waits, Panel()], ["passes", "waits", "panel"]),
        ([fails, passes, fails], ["fails", "passes", "fails"]),
        ([fails, waits, Panel()], ["fails"]),
        ([fails, waits, passes], ["fails", "passes"]),
        ([silent, passes], ["passes"]),
        ([], ["none"]),
        ([silent], ["none"]),
    ],
)
async def test_plain_gates_all_speak_and_costly_ones_only_while_nothing_failed(
    library: Domain, gates: list[Gate], spoken: list[str]
) -> None:
    verdicts = await run_gates(task(RENEW), library, gates)
    assert [verdict.gate for verdict in verdicts] == spoken


@pytest.mark.parametrize("gates", [[], [silent], [silent, silent]])
async def test_nothing_passes_unjudged(library: Domain, gates: list[Gate]) -> None:
    made = await run(library, Role(reply(RENEW)), Role("plan"), gates, reflections=1)
    assert not made.accepted
    assert made.attempts[0].verdicts[0].kind == "not judged"


async def test_the_committee_is_asked_only_about_what_passed_the_gates_before(library: Domain) -> None:
    review = json.dumps({"scores": dict.fromkeys(("correctness", "completeness", "satisfaction", "creativity"), 1)})
    judges = [Role(review) for _ in range(3)]
    generator = Role(reply(RETURN, RETURN), reply(RENEW))
    made = await run(library, generator, Role("plan"), [*PLAIN, Committee(judges)])
    assert made.accepted
    assert [len(one.asked) for one in judges] == [1, 1, 0]
    assert [verdict.gate for verdict in made.attempts[0].verdicts] == ["format", "execution"]


def test_an_attempt_without_verdicts_is_not_accepted() -> None:
    assert not Attempt(number=0).accepted


# --- a whole stage


def scripted(domain: Domain, seed: int = 5, shaken: int | None = None) -> Any:
    """The embedded model for all roles; with `shaken`, answers come after random pauses."""
    models = Roles(domain, random_seed=seed)
    if shaken is None:
        return models
    rng = Random(shaken)

    def late(model: Model) -> Model:
        async def answer(question: Question) -> Answer:
            await asyncio.sleep(rng.random() / 500)
            return await model(question)

        return answer

    return SimpleNamespace(
        generator=late(models.generator),
        feedback=late(models.feedback),
        judges=lambda: [late(one) for one in models.judges()],
    )


async def stage(domain: Domain, models: Any, folder: Path, **options: Any) -> bytes:
    gates = choose_gates([*GATES, "committee"], Committee(models.judges()))
    run = Run.open(folder)
    await propose_all(domain, models, gates, run, **{"count": 24, "random_seed": 5, "round_size": 8, **options})
    return run.blueprints.read_bytes()


@pytest.fixture(scope="module")
def retail() -> Domain:
    return Domain.load("retail")


@pytest.fixture(scope="module")
def once(retail: Domain, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """`blueprints.jsonl` of 24 seeds, one job at a time."""
    return asyncio.run(stage(retail, scripted(retail), tmp_path_factory.mktemp("once"), concurrency=1))


async def test_neither_concurrency_nor_pauses_change_the_bytes(retail: Domain, once: bytes, tmp_path: Path) -> None:
    assert await stage(retail, scripted(retail, shaken=1), tmp_path / "16", concurrency=16) == once


async def test_another_seed_gives_other_bytes(retail: Domain, once: bytes, tmp_path: Path) -> None:
    assert await stage(retail, scripted(retail), tmp_path, count=2, random_seed=4) != once[: once.index(b"\n") + 1]


def test_the_ids_are_in_order_and_some_are_accepted_and_some_repaired(retail: Domain, once: bytes) -> None:
    made = [Proposal.model_validate_json(line) for line in once.splitlines()]
    assert [proposal.id for proposal in made if not proposal.parts] == [f"retail-{number:05d}" for number in range(24)]
    assert [proposal.id for proposal in made[24:]] == ["retail-r00000", "retail-r00001"]
    assert any(proposal.accepted and len(proposal.attempts) > 1 for proposal in made)


async def test_a_stage_that_was_killed_continues_to_the_same_bytes(retail: Domain, once: bytes, tmp_path: Path) -> None:
    asked = 0
    models = scripted(retail)

    async def dies(question: Question) -> Answer:
        nonlocal asked
        asked += 1
        if asked == 9:
            raise KeyError("power cut")
        return await models.generator(question)

    dying = SimpleNamespace(generator=dies, feedback=models.feedback, judges=models.judges)
    with pytest.raises(KeyError, match="power cut"):
        await stage(retail, dying, tmp_path, concurrency=3)
    assert await stage(retail, scripted(retail), tmp_path, concurrency=5) == once


def busy(domain: Domain, about: str) -> Any:
    """The embedded model, which gives no answer to the generator's questions about one seed."""
    models = scripted(domain)

    async def generator(question: Question) -> Answer:
        if question.id.startswith(about):
            raise NoAnswer("503")
        return await models.generator(question)

    return SimpleNamespace(generator=generator, feedback=models.feedback, judges=models.judges)


def proposals(lines: bytes) -> dict[str, Proposal]:
    return {made.id: made for made in map(Proposal.model_validate_json, lines.splitlines())}


@pytest.mark.parametrize("about", ["retail-00001", "retail-r00000"])
async def test_what_gets_no_answer_is_rejected_for_it_and_the_stage_goes_on(
    retail: Domain, once: bytes, tmp_path: Path, about: str
) -> None:
    made = proposals(await stage(retail, busy(retail, about), tmp_path))
    assert [id for id, one in made.items() if one.unanswered] == [about]
    assert list(made) == list(proposals(once))
    lost, other = made[about], proposals(once)[about]
    assert not lost.accepted
    assert [(v.passed, v.kind, v.reason) for v in lost.attempts[0].verdicts] == [(False, NO_ANSWER, "503")]
    same = {"user", "persona", "examples", "kind", "behaviour", "level", "parts"}
    assert lost.model_dump(include=same) == other.model_dump(include=same)


async def test_what_got_no_answer_is_tried_again_when_that_is_wanted(
    retail: Domain, once: bytes, tmp_path: Path
) -> None:
    example = next(id for proposal in proposals(once).values() for id in proposal.examples)
    first = proposals(await stage(retail, busy(retail, example), tmp_path))
    assert proposals(await stage(retail, scripted(retail), tmp_path)) == first
    forget_unanswered(tmp_path / "blueprints.jsonl", Proposal)
    again = proposals(await stage(retail, scripted(retail), tmp_path))
    assert again[example] == proposals(once)[example]
    assert {id: one for id, one in again.items() if id in first and id != example} == {
        id: one for id, one in first.items() if id != example
    }, "what was made without it stays"


async def test_examples_come_from_earlier_rounds_only(library: Domain, tmp_path: Path) -> None:
    asked: list[Question] = []

    async def generator(question: Question) -> Answer:
        asked.append(question)
        return Answer(text=reply(RENEW, RETURN, call("set_points", member_id="M1", points=100 + len(asked))))

    run, models = Run.open(tmp_path), SimpleNamespace(generator=generator, feedback=nobody)
    made = await propose_all(
        library, models, [passes], run, count=40, random_seed=1, round_size=8, concurrency=7, recombined=0
    )
    assert read_lines(run.blueprints, Proposal) == made
    for number, proposal in enumerate(made):
        assert all(int(example[-5:]) < number // 8 * 8 for example in proposal.examples)
        assert proposal.id not in proposal.examples
    assert sum(bool(proposal.examples) for proposal in made) >= 5
    assert any(int(example[-5:]) >= 8 for proposal in made for example in proposal.examples)
    # what the generator is shown of an example is the task alone
    shown = [example for question in asked for example in question.context["examples"]]
    assert shown
    assert all(set(example) == {"instruction", "actions", "outputs", "denied", "withheld"} for example in shown)


async def test_rejected_blueprints_are_never_examples(library: Domain, tmp_path: Path) -> None:
    models = SimpleNamespace(generator=Role(reply(RENEW)), feedback=Role("plan"))
    made = await propose_all(
        library, models, [fails], Run.open(tmp_path), count=12, random_seed=1, round_size=4, reflections=0
    )
    assert not any(proposal.accepted or proposal.examples for proposal in made)
