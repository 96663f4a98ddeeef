"""The embedded model: it sees only questions, works on any domain, and every mistake it is said to make it makes."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apigen_nb.blueprints.difficulty import difficulty
from apigen_nb.blueprints.gates import GATES, Committee, choose_gates
from apigen_nb.blueprints.gates.execution import execute
from apigen_nb.blueprints.propose import propose, propose_all
from apigen_nb.blueprints.reflection import Draft
from apigen_nb.blueprints.sampling import Sampling, sample_seed
from apigen_nb.models import Answer, Question, Unparsable, read_json, read_reply, scripted
from apigen_nb.models.roles import Roles
from apigen_nb.models.scripted import LABEL, MISTAKES, Scripted, agent
from apigen_nb.models.scripted.grammar import Language, properties
from apigen_nb.models.scripted.references import Notes, resolve
from apigen_nb.records import KINDS, LEVELS, METRICS, Message, Proposal, ToolCall, Trajectory, Verdict
from apigen_nb.storage.journal import Run
from apigen_nb.trajectories.converse import converse, converse_all
from apigen_nb.world.domain import Domain, DomainError
from apigen_nb.world.identification import identifying_tools
from apigen_nb.world.values import facts
from tests.library import RENEW, call, task

retail = Domain.load("retail")
PLAIN = Sampling(kinds={"plain": 1.0})


class CachedModel:
    """The scripted model, with everything it was asked and said."""

    def __init__(self, domain: Domain, seed: int = 3) -> None:
        self.model = Scripted(domain.phrases, seed)
        self.log: list[tuple[Question, Answer]] = []

    async def __call__(self, question: Question) -> Answer:
        answer = await self.model(question)
        self.log.append((question, answer))
        return answer

    def said(self, role: str) -> list[Answer]:
        return [answer for question, answer in self.log if question.role == role]


Work = tuple[Sequence[Proposal], Sequence[Trajectory], CachedModel]


async def work(domain: Domain, folder: Path, seeds: int = 16, attempts: int = 1, sampling: Sampling = PLAIN) -> Work:
    """Both phases with the scripted model in all roles."""
    model, run = CachedModel(domain), Run.open(folder)
    models = SimpleNamespace(
        generator=model, feedback=model, user=model, agent=model, judges=lambda number=3: [model] * number, best_of=1
    )
    gates = choose_gates([*GATES, "committee"], Committee([model] * 3))
    proposals = await propose_all(
        domain,
        models,  # type: ignore[arg-type]
        gates,
        run,
        count=seeds,
        random_seed=3,
        round_size=8,
        sampling=sampling,
    )
    accepted = [proposal.blueprint for proposal in proposals if proposal.accepted]
    return proposals, await converse_all(domain, models, run, accepted, attempts=attempts), model  # type: ignore[arg-type]


def rates(**changes: float) -> Mapping[str, float]:
    return dict.fromkeys(MISTAKES, 0.0) | changes


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Work:
    return asyncio.run(work(retail, tmp_path_factory.mktemp("usual"), attempts=2))


@pytest.fixture(scope="module")
def flawless(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """The same work without any mistake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripted, "MISTAKES", rates())
        return asyncio.run(work(retail, tmp_path_factory.mktemp("flawless"), seeds=30))


# --- it works


def share(trajectories: Sequence[Trajectory]) -> float:
    return sum(trajectory.success for trajectory in trajectories) / max(len(trajectories), 1)


def test_on_retail_it_makes_blueprints_and_conversations_good_and_bad(usual: Work) -> None:
    proposals, trajectories, _ = usual
    assert sum(proposal.accepted for proposal in proposals) >= 8
    assert {attempt.accepted for proposal in proposals for attempt in proposal.attempts} == {True, False}
    assert {trajectory.success for trajectory in trajectories} == {True, False}


def test_without_mistakes_nearly_all_conversations_succeed(flawless: Work) -> None:
    proposals, trajectories, _ = flawless
    assert sum(proposal.accepted for proposal in proposals) >= 15
    assert share(trajectories) >= 0.8, [t.divergence for t in trajectories if not t.success]


async def test_on_a_domain_without_phrases(library: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.phrases == {}
    proposals, trajectories, _ = await work(library, tmp_path / "usual", seeds=24)
    assert sum(proposal.accepted for proposal in proposals) >= 8
    assert any(trajectory.success for trajectory in trajectories)
    monkeypatch.setattr(scripted, "MISTAKES", rates())
    _, trajectories, _ = await work(library, tmp_path / "flawless", seeds=24)
    assert share(trajectories) >= 0.8, [t.divergence for t in trajectories if not t.success]


async def test_on_the_public_retail_of_tau2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        tau2 = Domain.load("tau2:retail")
    except DomainError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(scripted, "MISTAKES", rates())
    proposals, trajectories, _ = await work(tau2, tmp_path, seeds=12)
    assert sum(proposal.accepted for proposal in proposals) >= 4
    assert share(trajectories) >= 0.6, [t.divergence for t in trajectories if not t.success]


def test_what_it_made_is_labelled() -> None:
    assert LABEL == "scripted model"
    assert set(Roles(retail).names.values()) == {LABEL}


# --- hard behaviours

HARD = [kind for kind in KINDS if kind != "plain"]


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Hard kinds only, without any mistake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripted, "MISTAKES", rates())
        sampling = Sampling(kinds=dict.fromkeys(HARD, 1.0))
        return asyncio.run(work(retail, tmp_path_factory.mktemp("hard"), seeds=84, sampling=sampling))


@pytest.mark.parametrize("kind", HARD)
def test_every_hard_kind_is_proposed_and_played(hard: Work, kind: str) -> None:
    proposals, trajectories, _ = hard
    accepted = [proposal.id for proposal in proposals if proposal.kind == kind and proposal.accepted]
    assert len(accepted) >= 3
    played = [trajectory for trajectory in trajectories if trajectory.blueprint in accepted]
    assert share(played) >= 0.6, [v for t in played for v in t.verdicts if not v.passed]


def test_half_of_what_is_forbidden_comes_alone(hard: Work) -> None:
    """Nothing at all may change then, and the question makes that checkable."""
    accepted = [p.blueprint for p in hard[0] if p.accepted and p.kind == "forbidden"]
    alone = [blueprint for blueprint in accepted if not blueprint.actions]
    assert len(accepted) > len(alone) >= 2
    assert all(blueprint.outputs and blueprint.denied for blueprint in alone)
    held = [t for t in hard[1] if t.blueprint in {blueprint.id for blueprint in alone}]
    assert any(t.success for t in held)
    assert all(t.diff == () for t in held if t.success)


def test_what_is_forbidden_is_declined_without_the_call_or_refused_by_the_tool(hard: Work) -> None:
    denied = {p.id: {a.name for a in p.blueprint.denied} for p in hard[0] if p.accepted and p.kind == "forbidden"}
    held = [t for t in hard[1] if t.success and t.blueprint in denied]
    called = [any(call.name in denied[t.blueprint] for call in t.calls) for t in held]
    assert set(called) == {True, False}


def test_nothing_comes_before_the_user_is_found(hard: Work) -> None:
    """Neither a call nor an answer, whatever the user wants and tells first."""
    identifying = identifying_tools(retail)
    for t in hard[1]:
        found = next((n for n, m in enumerate(t.messages) if m.tool_calls), len(t.messages))
        assert t.messages[found].tool_calls[0].name in identifying
        assert all(m.content.endswith("?") for m in t.messages[:found] if m.role == "assistant")


@pytest.mark.parametrize("told", ["", "Your email is nobody@example.com. "])
async def test_who_does_not_say_who_they_are_is_served_nothing_and_nothing_hangs(library: Domain, told: str) -> None:
    says = f"You are calm. {told}You want to take back a loan: loan id L1. You want to know the fee of L2."
    about = task(RENEW, outputs=("2.25",)).model_copy(update={"instruction": says})
    held = await converse(about, library, agent=Scripted({}, 1), user=Scripted({}, 1))
    assert held.ended == "stop"
    assert not held.success
    assert {call.name for call in held.calls} <= {"find_member"}
    assert any("without knowing who you are" in m.content for m in held.messages)


async def test_without_a_tool_that_identifies_the_user_is_asked_for_the_id(library: Domain) -> None:
    tools = {name: tool for name, tool in library.tools.items() if name != "find_member"}
    domain = dataclasses.replace(library, tools=tools)
    says = "You are calm. Your id is M1. You want to take back a loan: loan id L1."
    about = task(call("return_loan", loan_id="L1")).model_copy(update={"instruction": says, "behaviour": "terse"})
    held = await converse(about, domain, agent=Scripted({}, 4), user=Scripted({}, 4))
    assert held.messages[1].content == "To find your account, could you tell me your id?"
    assert held.calls[0].arguments == {"member_id": "M1"}


def test_some_wishes_are_handed_over_and_that_is_verified(hard: Work) -> None:
    kinds = {p.id: p.kind for p in hard[0]}
    ended = [t for t in hard[1] if t.ended == "transfer"]
    assert {kinds[t.blueprint] for t in ended} == {
        "missing tool"
    }  # what is forbidden is declined here, says the policy
    assert any(t.success for t in ended)
    assert any(t.success and t.ended == "stop" for t in hard[1] if kinds[t.blueprint] == "missing tool")
    assert all(t.messages[-1].role == "assistant" for t in ended)


@pytest.mark.parametrize(
    ("policy", "ends", "last"),
    [
        ("Transfer when no tool can do what is allowed.", {"stop", "transfer"}, "A person takes over"),
        (
            "What cannot be handled within your scope goes to a person: send the message 'HOLD ON.'",
            {"transfer"},
            "HOLD ON.",
        ),
        ("Members renew and return their own loans.", {"stop"}, ""),
    ],
)
async def test_it_hands_over_where_the_policy_says_so(
    library: Domain, monkeypatch: pytest.MonkeyPatch, policy: str, ends: set[str], last: str
) -> None:
    only(monkeypatch)
    monkeypatch.setattr(agent, "HANDS_OVER", 1.0 if ends == {"transfer"} else 0.5)
    domain, model = dataclasses.replace(library, policy=policy), Scripted({}, 1)
    wish = call("return_loan", loan_id="L1")
    says = "You want to take back a loan: loan id L1. You want to know the fee of L2."
    about = task(outputs=("2.25",), says=says).model_copy(update={"kind": "missing tool", "denied": (wish,)})
    rollouts = [about.model_copy(update={"id": f"library-{n:05d}"}) for n in range(12)]
    held = [await converse(one, domain, agent=model, user=model, judges=[model] * 3) for one in rollouts]
    assert {t.ended for t in held} == ends
    assert all(t.success for t in held), [v for t in held for v in t.verdicts if not v.passed]
    for t in held:
        if t.ended == "transfer":
            assert t.calls[-1].arguments == {"summary": "The customer wants to take back a loan: loan id L1."}
            assert t.messages[-1].content.startswith(last)


async def hard_again(monkeypatch: pytest.MonkeyPatch, hard: Work, kind: str, mistake: str) -> list[Verdict]:
    """The verdicts on the behaviour in conversations of one kind, held again with one mistake, that now fail."""
    only(monkeypatch, mistake)
    model = Scripted(retail.phrases, 3)
    before = {t.blueprint: t.success for t in hard[1]}
    about = [p.blueprint for p in hard[0] if p.accepted and p.kind == kind and before[p.id]]
    held = [await converse(one, retail, agent=model, user=model, judges=[model] * 3) for one in about]
    return [v for t in held for v in t.verdicts if v.gate == "behaviour" and not v.passed]


@pytest.mark.parametrize(
    ("kind", "mistake", "found"),
    [
        ("tool error", "agent gives up after an error", "not tried again"),
        ("no tool", "agent looks up what it need not", "tool called"),
        ("parallel calls", "agent makes one call at a time", "one call at a time"),
        ("forbidden", "agent leaves it to the tool what is forbidden", "denied wish granted"),
        ("missing detail", "user tells what it should hold back", "told unasked"),
        ("change of mind", "user does not say that it changed its mind", "denied wish granted"),
    ],
)
async def test_a_mistake_in_a_hard_behaviour_is_found(
    monkeypatch: pytest.MonkeyPatch, hard: Work, kind: str, mistake: str, found: str
) -> None:
    failed = await hard_again(monkeypatch, hard, kind, mistake)
    assert failed
    assert {verdict.kind for verdict in failed} == {found}


async def test_a_user_speaks_as_its_behaviour_says() -> None:
    model = Scripted(retail.phrases, 1)
    wish = "You want to cancel order #R1 because it is too late."

    async def first(behaviour: str, number: int) -> str:
        context = {"instruction": wish, "persona": "calm", "behaviour": behaviour, "withheld": []}
        return (await model(Question(id=f"x{number}.t1/user/0", role="user", prompt="user", context=context))).text

    lengths = {b: sum([len(await first(b, n)) for n in range(40)]) for b in ("terse", "cooperative", "rambling")}
    assert lengths["terse"] < lengths["cooperative"] < lengths["rambling"]


def test_levels_are_obeyed(flawless: Work) -> None:
    accepted = [proposal for proposal in flawless[0] if proposal.accepted]
    scores = {
        level: [
            max(d.writes, 1) * d.lookups
            for p in accepted
            if p.level == level
            for d in [difficulty(p.blueprint, retail)]
        ]
        for level in LEVELS
    }
    means = [sum(scores[level]) / len(scores[level]) for level in LEVELS]
    assert means == sorted(means)
    assert means[0] < means[-1] / 2


# --- it sees only questions


def test_its_modules_know_no_domain_and_no_world() -> None:
    package = Path(scripted.__file__).parent
    imported = set()
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 3:
                imported.add(node.module)
            assert not (isinstance(node, ast.ImportFrom | ast.Import) and "apigen_nb" in ast.dump(node))
    assert imported <= {"world.values", "records"}


async def test_an_answer_is_a_function_of_the_question_alone(usual: Work) -> None:
    """A fresh model gives the same answers to the questions as they were written down, in another order."""
    _, _, model = usual
    fresh = Scripted(retail.phrases, 3)
    log = list({question.line(): answer for question, answer in model.log}.items())
    Random(0).shuffle(log)
    for line, answer in log[:400]:
        assert await fresh(Question.model_validate_json(line)) == answer


async def test_another_seed_gives_other_answers(usual: Work) -> None:
    _, _, model = usual
    other = Scripted(retail.phrases, 4)
    drafts = [(question, answer) for question, answer in model.log if question.role == "generator"]
    assert any([await other(question) != answer for question, answer in drafts])


def test_all_roles_were_asked_and_each_answer_is_one_call(usual: Work) -> None:
    _, _, model = usual
    assert {question.role for question, _ in model.log} == {"generator", "judge", "feedback", "user", "agent"}
    assert all(answer.usage.calls == 1 for _, answer in model.log)


def test_user_and_agent_are_not_told_what_they_must_not_know(usual: Work) -> None:
    proposals, _, model = usual
    outputs = {o for p in proposals if p.accepted for o in p.blueprint.outputs}
    assert outputs
    for question, _ in model.log:
        if question.role == "user":
            notes = {"service", "instruction", "profile", "part", "withheld"}
            assert set(question.context) == notes | {"persona", "behaviour"}
            assert not question.tools
            assert not any(m.tool_calls or m.role == "tool" for m in question.messages)
        if question.role == "agent":
            assert set(question.context) == {"policy"}


# --- every mistake happens


async def drafts(seeds: range = range(25)) -> list[Any]:
    """First drafts of some seeds: (instruction, actions, outputs), or None where there is no JSON."""
    model, made = Scripted(retail.phrases, 3), []

    async def only_first(question: Question) -> Answer:
        answer = await model(question)
        try:
            draft = read_reply(answer, Draft)
            made.append((draft.instruction, draft.actions, draft.outputs))
        except Unparsable:
            made.append(None)
        return answer

    for number in seeds:
        await propose(
            sample_seed(retail, 3, number, sampling=PLAIN),
            retail,
            generator=only_first,
            feedback=model,
            gates=[],
            reflections=0,
        )
    return made


def wishes(draft: Any) -> str:
    """What a draft's instruction asks for, without who the user is."""
    return str(draft[0][draft[0].index("You want to") :])


def only(monkeypatch: pytest.MonkeyPatch, mistake: str = "") -> None:
    """This mistake is made whenever it can be made, no other is."""
    assert not mistake or mistake in MISTAKES
    monkeypatch.setattr(scripted, "MISTAKES", rates(**({mistake: 1.0} if mistake else {})))


@pytest.fixture(scope="module")
def clean_drafts() -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripted, "MISTAKES", rates())
        return asyncio.run(drafts())


def test_mistakes_are_probabilities_and_all_of_them_are_tested_below() -> None:
    assert all(0 < rate < 1 for rate in MISTAKES.values())
    source = Path(__file__).read_text()
    assert [mistake for mistake in MISTAKES if source.count(f'"{mistake}"') == 0] == []


async def test_the_generator_does_not_read_a_status(monkeypatch: pytest.MonkeyPatch, clean_drafts: list[Any]) -> None:
    only(monkeypatch, "generator picks a row without reading its status")
    made = await drafts()

    def refused(all_drafts: list[Any]) -> int:
        blueprints = (task(*actions).model_copy(update={"domain": "retail"}) for _, actions, _ in all_drafts)
        return sum(execute(blueprint, retail).refused is not None for blueprint in blueprints)

    assert any(one[1] != other[1] for one, other in zip(made, clean_drafts, strict=True))
    assert refused(made) > refused(clean_drafts)


async def test_the_generator_leaves_a_detail_out(monkeypatch: pytest.MonkeyPatch, clean_drafts: list[Any]) -> None:
    only(monkeypatch, "generator leaves a detail out of the instruction")
    pairs = list(zip(await drafts(), clean_drafts, strict=True))
    shorter = [(one, other) for one, other in pairs if wishes(one) != wishes(other)]
    assert shorter
    assert all(len(wishes(one)) < len(wishes(other)) for one, other in shorter)
    assert all(one[1:] == other[1:] for one, other in pairs)


async def test_the_generator_miscalculates(monkeypatch: pytest.MonkeyPatch, clean_drafts: list[Any]) -> None:
    only(monkeypatch, "generator miscalculates an output")
    pairs = list(zip(await drafts(), clean_drafts, strict=True))
    wrong = [(one, other) for one, other in pairs if one[2] != other[2]]
    assert wrong
    assert all((wishes(one), one[1]) == (wishes(other), other[1]) for one, other in pairs)
    assert all(0 < float(one[2][0]) - float(other[2][0]) <= 20 for one, other in wrong)


async def test_the_generator_answers_without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "generator answers without JSON")
    assert set(await drafts(range(3))) == {None}


async def test_the_generator_drops_a_wish_when_it_recombines(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["You are Ada. Your email is a@example.org. You want to cancel order #R1.", "You are Ada. You want to sit."]
    context = {"instructions": said, "feedback": ""}
    question = Question(id="x/a0/generator", role="generator", prompt="recombine", context=context)
    only(monkeypatch)
    whole = (await Scripted({}, 1)(question)).text
    only(monkeypatch, "generator drops a wish when it recombines")
    shorter = (await Scripted({}, 1)(question)).text
    assert "cancel order #R1" in whole
    assert "want to sit" in whole
    assert whole.count("You are Ada") == 1
    assert "want to sit" not in shorter
    again = question.model_copy(update={"context": context | {"feedback": "- committee: something is missing"}})
    assert (await Scripted({}, 1)(again)).text == whole


async def test_feedback_that_names_a_mistake_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mistakes = [m for m in MISTAKES if m.startswith("generator") and "JSON" not in m]
    monkeypatch.setattr(scripted, "MISTAKES", rates(**dict.fromkeys(mistakes, 1.0)))
    model = Scripted(retail.phrases, 3)
    gates = choose_gates([*GATES, "committee"], Committee([model] * 3))
    made = [
        await propose(sample_seed(retail, 3, n, sampling=PLAIN), retail, generator=model, feedback=model, gates=gates)
        for n in range(16)
    ]
    assert sum(proposal.accepted for proposal in made) >= sum(proposal.attempts[0].accepted for proposal in made) + 3


def judged(answer: Answer) -> tuple[int, ...] | None:
    try:
        return tuple(read_json(answer)["scores"][metric] for metric in METRICS)
    except Unparsable:
        return None


async def judgements(flaw: bool) -> list[tuple[int, ...] | None]:
    """What a judge says of good blueprints, or of the same with wishes that no action fulfils."""
    model, made = CachedModel(retail), []
    for number in range(8):
        seed = sample_seed(retail, 3, number, sampling=PLAIN)
        proposal = await propose(seed, retail, generator=model, feedback=model, gates=[], reflections=0)
        blueprint = proposal.attempts[0].blueprint
        assert blueprint is not None
        actions = blueprint.actions[:-1] if flaw else blueprint.actions
        await Committee([model])(blueprint.model_copy(update={"actions": actions}), retail)
        made.append(judged(model.log[-1][1]))
    return made


async def test_the_judge_overlooks_a_flaw(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    strict = await judgements(flaw=True)
    only(monkeypatch, "judge overlooks a flaw")
    assert all(0 in scores for scores in strict if scores is not None)
    assert set(await judgements(flaw=True)) == {(1, 1, 1, 1)}


async def test_the_judge_sees_a_flaw_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    fair = await judgements(flaw=False)
    only(monkeypatch, "judge sees a flaw that is not there")
    assert (1, 1, 1, 1) in fair
    assert set(await judgements(flaw=False)) == {(0, 0, 0, 0)}


async def test_the_judge_answers_without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "judge answers without JSON")
    assert set(await judgements(flaw=False)) == {None}


async def test_the_feedback_drops_a_failure_but_never_all(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [{"gate": f"gate {n}", "reason": f"reason {n}"} for n in range(6)]

    async def plans(count: int) -> list[int]:
        model = Scripted(retail.phrases, 3)
        asked = (
            Question(id=f"x{n}/feedback", role="feedback", prompt="feedback", context={"failures": failures[:count]})
            for n in range(40)
        )
        said = [(await model(question)).text for question in asked]
        return [sum(failure["reason"] in text for failure in failures) for text in said]

    assert set(await plans(1)) == {1}
    assert 3 in await plans(3)
    assert min(await plans(3)) < 3
    only(monkeypatch)
    assert set(await plans(6)) == {6}
    only(monkeypatch, "feedback drops a failure")
    assert 0 not in await plans(6)


async def replays(flawless: Work) -> list[Trajectory]:
    """The conversations of the flawless blueprints, held again with the mistakes of now."""
    model = Scripted(retail.phrases, 3)
    accepted = [proposal.blueprint for proposal in flawless[0] if proposal.accepted]
    return [await converse(one, retail, agent=model, user=model, judges=[model] * 3) for one in accepted]


async def test_the_user_holds_a_detail_back(monkeypatch: pytest.MonkeyPatch, flawless: Work) -> None:
    only(monkeypatch, "user holds a detail back")
    held = await replays(flawless)
    mute = [t for t in held if any("I do not know that" in m.content for m in t.messages if m.role == "user")]
    assert mute
    assert not any("I do not know that" in m.content for t in flawless[1] for m in t.messages)
    assert not all(trajectory.success for trajectory in mute)


async def test_the_user_stops_before_the_last_wish(monkeypatch: pytest.MonkeyPatch, flawless: Work) -> None:
    only(monkeypatch, "user stops before the last wish")
    held = await replays(flawless)

    def voiced(trajectory: Trajectory) -> int:
        return sum(message.content.count("I want to ") for message in trajectory.messages if message.role == "user")

    fewer = [one for one, other in zip(held, flawless[1], strict=True) if voiced(one) < voiced(other)]
    assert fewer
    assert all(trajectory.ended == "stop" for trajectory in held)
    kinds = {t.divergence.kind for t in fewer if t.divergence}
    assert not any(trajectory.success for trajectory in fewer)
    assert kinds <= {"missing write", "output not told"}


async def test_the_agent_picks_the_wrong_one(monkeypatch: pytest.MonkeyPatch, flawless: Work) -> None:
    only(monkeypatch, "agent picks the wrong one")
    held = await replays(flawless)
    assert share(held) < share(flawless[1])
    assert "different arguments" in {t.divergence.kind for t in held if t.divergence}


async def test_the_agent_sends_what_is_no_json_and_then_what_is(
    monkeypatch: pytest.MonkeyPatch, flawless: Work
) -> None:
    only(monkeypatch, "agent sends arguments that are not JSON")
    held = await replays(flawless)
    broken = [call for trajectory in held for call in trajectory.calls if call.arguments is None]
    assert broken
    for made in broken:
        with pytest.raises(json.JSONDecodeError):
            json.loads(made.raw)
    assert not any(call.arguments is None for trajectory in flawless[1] for call in trajectory.calls)
    for trajectory, before in zip(held, flawless[1], strict=True):
        # one such call is forgiven, a second one is found by the check of conduct
        again = sum(call.arguments is None for call in trajectory.calls) > 1
        failed = {(v.gate, v.kind) for v in trajectory.verdicts if not v.passed}
        assert trajectory.success == (before.success and not again)
        assert not (again and before.success) or failed == {("conduct", "refused write")}


# --- the language

WRITING = [tool for tool in retail.tools.values() if tool.writes]
SCHEMAS = [tool.schema for tool in WRITING]


def _values() -> dict[str, list[str]]:
    """Field → values as they stand in the data, and what the tools' choices are."""
    found: dict[str, dict[str, None]] = {}
    for table in retail.tables.values():
        for row in itertools.islice(table.values(), 120):
            for fact in facts(row):
                if isinstance(fact.value, str) and fact.value:
                    found.setdefault(fact.key, {})[fact.value] = None
    return {key: list(values) for key, values in found.items()}


VALUES = _values()


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, dict[str, str]]:
    """A writing tool and a way to say each of its arguments, from the data."""
    tool = draw(st.sampled_from(WRITING))
    said = {}
    for name, spec in properties(tool.schema).items():
        if name == "customer_id":
            continue
        singles = VALUES.get(name.removeprefix("new_").removesuffix("s"), []) or VALUES.get(name, [])
        if name.removeprefix("new_") in ("item_ids", "item_id"):
            singles = VALUES["name"] + VALUES["item_id"]
        options = spec.get("enum") or singles or ["12", "400"]
        many = 2 if spec.get("type") == "array" else 1
        said[name] = " and ".join(draw(st.lists(st.sampled_from(options), min_size=1, max_size=many, unique=True)))
    return tool, said


@given(calls(), st.data())
@settings(max_examples=300, deadline=None)
def test_what_is_said_is_understood(made: tuple[Any, dict[str, str]], data: st.DataObject) -> None:
    tool, said = made
    language = Language(retail.phrases)
    wish = language.understand(language.clause(tool.schema, said), SCHEMAS)
    assert wish is not None
    assert (wish.tool, wish.said) == (tool.name, said)
    optional = language.optional(tool.schema, said)
    left_out = data.draw(st.lists(st.sampled_from(optional), unique=True)) if optional else []
    told = {name: mention for name, mention in said.items() if name not in left_out}
    wish = language.understand(language.clause(tool.schema, told), SCHEMAS)
    assert wish is not None
    assert wish.tool == tool.name
    assert wish.said.items() <= said.items()
    assert not set(wish.said) & set(left_out)


@given(calls())
@settings(max_examples=200, deadline=None)
def test_without_phrases_too(made: tuple[Any, dict[str, str]]) -> None:
    tool, said = made
    language = Language({})
    wish = language.understand(language.clause(tool.schema, said), SCHEMAS)
    assert wish is not None
    assert (wish.tool, wish.said) == (tool.name, said)


def test_every_writing_tool_has_a_phrase_of_its_own() -> None:
    assert set(retail.phrases) == {tool.name for tool in WRITING}
    heads = [phrase.partition("|")[0].strip() for phrase in retail.phrases.values()]
    assert len(set(heads)) == len(heads)


# --- whatever other models say to it

odd = st.text() | st.sampled_from(
    [
        "You want to cancel order #R1.",
        "I want to cancel order.",
        "You want to know the total of #R1.",
        "The reason is x.",
        "Your email is .",
        "[" * 50_000,
        '{"a": ',
        "I want to : ; ",
        "Could you tell me the order id?",
        "(yes/no)",
        "{x}",
    ]
)


@given(odd, st.lists(odd, min_size=1, max_size=4))
@settings(max_examples=80, deadline=None)
@example("You want to 0", ["I want to ", "", "I want to ", ""])  # more wishes said than there are
@example("You want to cancel order [1.", ["I want to return [[[[ from order {}."])
async def test_user_and_agent_answer_whatever_is_said(instruction: str, said: list[str]) -> None:
    model = Scripted(retail.phrases, 0)
    dialogue = tuple(
        Message(role=role, content=text)
        for role, text in zip(itertools.cycle(("user", "assistant")), said, strict=False)
    )
    context = {"instruction": instruction, "persona": "calm", "behaviour": "terse", "withheld": []}
    asked = dialogue if len(dialogue) % 2 == 0 else dialogue[:-1]
    answer = await model(Question(id="x.t1/user/1", role="user", prompt="user", context=context, messages=asked))
    assert answer.text.strip()
    heard = dialogue if len(dialogue) % 2 else dialogue[:-1]
    policy = {"policy": retail.policy}
    question = Question(
        id="x.t1/agent/1", role="agent", prompt="agent", context=policy, messages=heard, tools=retail.schemas
    )
    answer = await model(question)
    assert answer.text.strip() or answer.tool_calls


@given(odd, st.lists(odd, max_size=2))
@settings(max_examples=40, deadline=None)
async def test_judge_and_feedback_answer_whatever_was_drafted(instruction: str, outputs: list[str]) -> None:
    model = Scripted(retail.phrases, 0)
    blueprint = task(outputs=tuple(outputs)).model_copy(update={"instruction": instruction, "domain": "retail"})
    verdict = await Committee([model])(blueprint, retail)
    assert verdict.votes
    failures = [{"gate": "committee", "reason": instruction}] * 2
    context = {"instruction": instruction, "actions": [], "outputs": outputs, "failures": failures}
    assert (await model(Question(id="x/f", role="feedback", prompt="feedback", context=context))).text


@pytest.mark.parametrize("mention", ["[" * 50_000, "[1, 2", '{"a": ', "9" * 5_000, "NaN", ""])
def test_no_mention_breaks_the_agent(mention: str) -> None:
    notes = Notes()
    notes.add(ToolCall(id="1", name="get_order", arguments={"order_id": "#R1"}), '{"order_id": "#R1"}', "")
    for kind in ("integer", "number", "array", "object", "boolean", "string"):
        resolve("points", {"type": kind}, mention, notes, {})


async def test_rejected_or_strange_previous_drafts_do_not_break_the_generator() -> None:
    """After another model's draft the scripted one may be asked to mend it (a run with roles of their own)."""
    model, seen = Scripted(retail.phrases, 0), CachedModel(retail)
    await propose(
        sample_seed(retail, 3, 0, sampling=PLAIN), retail, generator=seen, feedback=model, gates=[], reflections=0
    )
    first = seen.log[0][0]
    for previous in (
        {"instruction": "", "actions": [], "outputs": []},
        {"instruction": "x", "actions": [{"name": "burn_book", "arguments": {}}], "outputs": ["1"]},
        {
            "instruction": "x",
            "actions": [{"name": "cancel_order", "arguments": {"order_id": [None, {"a": 1}]}}],
            "outputs": [],
        },
        {
            "instruction": "x",
            "actions": [{"name": "get_order", "arguments": {"order_id": "#R1"}}],
            "outputs": ["1", "2"],
        },
    ):
        context = {**first.context, "previous": previous, "feedback": "- format: action 1 is wrong"}
        answer = await model(first.model_copy(update={"context": context}))
        assert answer.text
