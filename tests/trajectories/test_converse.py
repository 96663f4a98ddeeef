"""Phase 2 with models written by hand: who sees what, what a conversation may hold, and how its end is judged."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apigen_nb.dataset.rows import row_messages
from apigen_nb.models import Answer, Model, NoAnswer, Question
from apigen_nb.records import NO_ANSWER, Action, Blame, Blueprint, Kind, Message, ToolCall, Trajectory, Usage, Verdict
from apigen_nb.storage.journal import Run, forget_unanswered, read_lines
from apigen_nb.trajectories.converse import converse, converse_all
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.trajectories.meaning import Meanings
from apigen_nb.trajectories.reward import all_told, divergence, same_state
from apigen_nb.trajectories.rollout import user_notes
from apigen_nb.world.domain import Domain
from apigen_nb.world.world import ToolBug
from tests.library import EASY, RENEW, RETURN, call, task
from tests.players import STOP, Means, Reader, Role, does


@pytest.fixture
def library(library: Domain) -> Domain:
    """With a policy that asks nothing of how it is done: that is the business of the tests of conduct."""
    return dataclasses.replace(library, conduct=EASY)


async def play(
    domain: Domain,
    agent: Role,
    *,
    user: Role | None = None,
    about: Blueprint | None = None,
    judges: Sequence[Model] | None = None,
    max_steps: int = 30,
) -> Trajectory:
    """Hold a conversation; unless told otherwise the user speaks once, then says thanks and stops, and a judge finds
    nothing to say of the agent's manners."""
    judges = [Reader({})] if judges is None else judges
    about = task(RENEW) if about is None else about
    user = Role("Please help me.", f"Thanks. {STOP}") if user is None else user
    trajectory = await converse(about, domain, agent=agent, user=user, judges=judges, max_steps=max_steps)
    assert Trajectory.model_validate(json.loads(trajectory.line())) == trajectory
    ids = [made.id for made in trajectory.calls]
    assert len(set(ids)) == len(ids)
    answered = [message.tool_call_id for message in trajectory.messages if message.role == "tool"]
    assert set(answered) <= set(ids)
    if trajectory.ended in ("stop", "transfer"):
        assert answered == ids
        assert trajectory.messages[-1].role in ("user", "assistant")
    outcomes = [verdict.outcome for verdict in trajectory.verdicts]
    assert (trajectory.success, trajectory.undecided) == (
        set(outcomes) == {"held"},
        "undecided" in outcomes and "fell" not in outcomes,
    )
    assert ("fell" in outcomes) == (trajectory.divergence is not None), "a failure has a first divergence"
    return trajectory


def outcome(trajectory: Trajectory) -> dict[str, str]:
    return {verdict.gate: verdict.outcome for verdict in trajectory.verdicts}


HELD = {"ended": "held", "state": "held", "outputs": "held", "conduct": "held"}
UNTOLD: Means = {"output told": ("no", "")}


# --- how it goes


async def test_a_conversation_that_does_the_task_succeeds(library: Domain) -> None:
    about = task(RENEW, outputs=("17",))
    trajectory = await play(library, Role(does(call("get_loan", loan_id="L1")), does(RENEW), "It is 17."), about=about)
    assert trajectory.success
    assert trajectory.divergence is None
    assert (trajectory.id, trajectory.blueprint, trajectory.attempt, trajectory.ended) == (
        "library-00000.t1",
        "library-00000",
        1,
        "stop",
    )
    roles = "".join(message.role[0] for message in trajectory.messages)
    assert roles == "uatatau"
    assert json.loads(trajectory.messages[2].content)["title"] == "Salt Roads"
    assert [(change.table, change.id) for change in trajectory.diff] == [("loans", "L1")]


async def test_calls_in_one_message_run_in_order(library: Domain) -> None:
    pay = call("pay_receipt", receipt_id="R-772")
    trajectory = await play(library, Role(does(RETURN, pay, text="One moment."), "Done."), about=task(RETURN, pay))
    assert trajectory.success
    assert [message.tool_call_id for message in trajectory.messages[2:4]] == ["x", "call00002"]
    assert trajectory.messages[1].content == "One moment."
    swapped = await play(library, Role(does(pay, RETURN), "Done."), about=task(RETURN, pay))
    assert [message.error for message in swapped.messages[2:4]] == [True, False]
    assert not swapped.success


async def test_a_call_that_is_no_json_goes_back_as_an_error(library: Domain) -> None:
    broken = ToolCall(id="x", name="renew_loan", arguments=None, raw='{"loan_id": "L1", ')
    agent = Role(does(broken, RENEW), "Done.")
    trajectory = await play(library, agent)
    assert trajectory.success
    assert trajectory.messages[2].error
    assert '{"loan_id": "L1", ' in trajectory.messages[2].content
    assert agent.asked[1].messages[2] == trajectory.messages[2]
    assert not trajectory.messages[3].error


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (call("burn_book"), "no tool 'burn_book'; tools are find_member"),
        (call("renew_loan", loan_id="L9", reason="travel"), "no loan L9"),
        (call("renew_loan", loan_id="L3", reason="travel"), "loan L3 is returned"),
        (call("renew_loan", loan_id="L1", reason="boredom"), "wrong arguments for renew_loan"),
        (call("renew_loan", loan_id=7), "wrong arguments for renew_loan"),
    ],
)
async def test_a_refusal_is_an_error_that_the_agent_reads_and_no_harm(
    library: Domain, action: Action, said: str
) -> None:
    agent = Role(does(action), does(RENEW), "Done.")
    trajectory = await play(library, agent)
    assert trajectory.success
    assert trajectory.messages[2].error
    assert trajectory.messages[2].content.startswith("Error: ")
    assert said in agent.asked[1].messages[2].content


async def test_a_broken_tool_is_loud(library: Domain) -> None:
    with pytest.raises(ToolBug, match="ZeroDivisionError"):
        await play(library, Role(does(call("set_points", member_id="M1", points=13)), "Done."))


@pytest.mark.parametrize(
    ("silent", "ended", "roles"),
    [("user", "user_error", []), ("agent", "agent_error", ["user"]), ("judge", "stop", ["user", "assistant", "user"])],
)
async def test_no_answer_is_a_failed_conversation_with_its_reason(
    library: Domain, silent: str, ended: str, roles: list[str]
) -> None:
    async def busy(question: Question) -> Answer:
        raise NoAnswer(f"{question.id}: 503")

    models = {"user": Role("Hi", STOP), "agent": Role("No."), "judge": Role("{}")} | {silent: busy}
    judges = [models.pop("judge")]
    trajectory = await converse(task(RENEW), library, **models, judges=judges)
    assert (trajectory.ended, [message.role for message in trajectory.messages]) == (ended, roles)
    assert (trajectory.success, trajectory.unanswered) == (False, True)
    assert trajectory.reason.endswith(": 503")
    assert trajectory.blame == Blame(cause="endpoint", turn=max(len(roles) - 1, 0), evidence=trajectory.reason)
    assert (trajectory.verdicts[0].passed, trajectory.verdicts[0].kind, trajectory.verdicts[0].reason) == (
        False,
        NO_ANSWER,
        trajectory.reason,
    )
    assert Trajectory.model_validate_json(trajectory.line()) == trajectory


@pytest.mark.parametrize("turn", ["", " \n", Answer(error="cut off"), Answer(text="half", error="cut off")])
async def test_an_agent_without_an_answer_ends_it(library: Domain, turn: str | Answer) -> None:
    trajectory = await play(library, Role(does(RENEW), turn))
    assert (trajectory.ended, trajectory.success) == ("agent_error", False)
    assert trajectory.reason
    assert outcome(trajectory) == HELD | {"ended": "fell"}


@pytest.mark.parametrize("turn", ["", " \n", Answer(error="cut off"), Answer(text=STOP, error="cut off")])
async def test_a_user_without_an_answer_ends_it(library: Domain, turn: str | Answer) -> None:
    trajectory = await play(library, Role(does(RENEW), "Done."), user=Role("Please renew it.", turn))
    assert (trajectory.ended, trajectory.success) == ("user_error", False)
    assert trajectory.reason


async def test_steps_are_replies_of_the_agent(library: Domain) -> None:
    look = does(call("get_loan", loan_id="L1"), call("get_loan", loan_id="L2"))
    for steps in (1, 3, 30):
        agent = Role(look)
        trajectory = await play(library, agent, max_steps=steps)
        assert (trajectory.ended, len(agent.asked)) == ("max_steps", steps)
        assert len(trajectory.calls) == 2 * steps
    agent, user = Role("What?"), Role("Hm.")
    trajectory = await converse(task(RENEW), library, agent=agent, user=user)
    assert (trajectory.ended, len(agent.asked), len(user.asked)) == ("max_steps", 30, 31)


async def test_the_last_step_may_be_the_one_that_ends_it(library: Domain) -> None:
    assert (await play(library, Role(does(RENEW), "Done."), max_steps=2)).success
    assert (await play(library, Role(does(RENEW), "Done."), max_steps=1)).ended == "max_steps"


async def test_a_user_that_stops_at_once_is_believed(library: Domain) -> None:
    trajectory = await play(library, Role("never asked"), user=Role(STOP))
    assert (trajectory.ended, trajectory.success, len(trajectory.messages)) == ("stop", False, 1)


async def test_handing_over_ends_it_after_one_more_message(library: Domain) -> None:
    give, user = call("hand_over", summary="It is about a loan."), Role("Please help me.", "Are you there?")
    trajectory = await play(library, Role(does(RENEW), does(give), "A person will help you.", "again"), user=user)
    assert (trajectory.ended, trajectory.success) == ("transfer", True)
    assert trajectory.messages[-1].content == "A person will help you."
    assert len(user.asked) == 1


async def test_handing_over_that_is_refused_does_not_end_it(library: Domain) -> None:
    trajectory = await play(library, Role(does(call("hand_over")), does(RENEW), "Done."))
    assert (trajectory.ended, trajectory.success) == ("stop", True)


async def test_nothing_is_called_after_handing_over(library: Domain) -> None:
    trajectory = await play(library, Role(does(call("hand_over", summary="x")), does(RENEW)))
    assert (trajectory.ended, trajectory.success) == ("agent_error", False)
    assert trajectory.diff == ()
    # the call was never carried out, so the write is missing
    assert trajectory.divergence is not None
    assert trajectory.divergence.kind == "missing write"


async def test_handing_over_at_the_last_step_is_not_an_end(library: Domain) -> None:
    trajectory = await play(library, Role(does(call("hand_over", summary="x"))), max_steps=1)
    assert (trajectory.ended, trajectory.success) == ("max_steps", False)


async def test_surrounding_space_goes_and_words_beside_calls_stay(library: Domain) -> None:
    trajectory = await play(library, Role(does(RENEW, text=" \nI look.\n"), " Done. \n"))
    assert [message.content for message in trajectory.messages if message.role == "assistant"] == ["I look.", "Done."]


# --- what every role sees


async def test_nobody_sees_what_only_others_know(library: Domain) -> None:
    """Agent: no instruction, groundtruth, outputs. User: no tools, results, database, groundtruth."""
    about = task(
        call("rename_member", member_id="M1", name="MARKARGUMENT"),
        RENEW,
        outputs=("MARKOUTPUT",),
        says="MARKINSTRUCTION",
    ).model_copy(update={"persona": "MARKPERSONA"})
    agent = Role(
        does(call("get_loan", loan_id="L2"), text="MARKAGENT one"),
        does(call("get_loan", loan_id="L9")),
        "MARKAGENT two",
    )
    user = Role("MARKUSER", f"Thanks. {STOP}")
    await play(library, agent, user=user, about=about)
    assert len(agent.asked) == 3
    assert len(user.asked) == 2
    for question in agent.asked:
        text = question.line()
        for hidden in ("MARKINSTRUCTION", "MARKPERSONA", "MARKARGUMENT", "MARKOUTPUT", "ada@example.com", "Bone Map"):
            assert hidden not in text
        assert "MARKUSER" in text
        assert question.role == "agent"
        assert question.context == {"policy": library.policy}
        assert question.tools == library.schemas
    assert "The Iron Orchard" in agent.asked[1].line()
    for question in user.asked:
        text = question.line()
        for hidden in (
            "MARKARGUMENT",
            "MARKOUTPUT",
            "Iron Orchard",
            "no loan L9",
            "get_loan",
            "call00001",
            library.policy,
        ):
            assert hidden not in text
        assert not any(tool in text for tool in library.tools)
        assert question.role == "user"
        assert question.tools == ()
        notes = {"service", "instruction", "profile", "part", "withheld"}
        assert set(question.context) == notes | {"persona", "behaviour"}
        assert question.context["profile"] == ["name: Ada Moor", "email: ada@example.com"]
        assert "MARKINSTRUCTION" in text
        assert "MARKPERSONA" in text
    said = user.asked[1].messages
    assert [(m.role, m.content) for m in said] == [
        ("user", "MARKUSER"),
        ("assistant", "MARKAGENT one"),
        ("assistant", "MARKAGENT two"),
    ]


async def test_thoughts_stand_beside_what_is_said_and_nobody_else_sees_them(library: Domain) -> None:
    calling = Answer(text="One moment.", thoughts="MARKFIELD", tool_calls=does(RENEW).tool_calls)
    agent = Role(f"<think>MARKAGENT {STOP}</think>Which loan?<|im_end|>\n<|im_start|>user\nL9.", calling, "Done.")
    first = f"<think>MARKUSER, then {STOP}</think>Please renew L1, I travel."
    user = Role(first, "so</think>L1.", f"Thanks. {STOP}</s>")
    reader = Reader({})
    trajectory = await play(library, agent, user=user, judges=[reader])
    said = [(m.role, m.content, m.thoughts) for m in trajectory.messages if m.role != "tool"]
    assert said == [
        ("user", "Please renew L1, I travel.", f"MARKUSER, then {STOP}"),
        ("assistant", "Which loan?", f"MARKAGENT {STOP}"),
        ("user", "L1.", "so"),
        ("assistant", "One moment.", "MARKFIELD"),
        ("assistant", "Done.", ""),
        ("user", f"Thanks. {STOP}", ""),
    ]
    assert trajectory.ended == "stop"
    assert not any(mark in question.line() for question in user.asked for mark in ("MARKAGENT", "MARKFIELD"))
    assert not any("MARKUSER" in question.line() for question in agent.asked)
    assert not any("MARK" in question.line() for question in reader.asked)
    assert not any("MARK" in message.line() for message in row_messages(trajectory.messages))


def test_a_detail_to_withhold_stands_in_no_other_place(library: Domain) -> None:
    about = task(RENEW).model_copy(update={"kind": "missing detail"})
    name, email = "name: Ada Moor", "email: ada@example.com"
    for detail, kept in (("Moor", [email]), ("travel", [name, email]), ("ada@example.com", [name])):
        assert user_notes(about.model_copy(update={"withheld": (detail,)}), library)["profile"] == kept


def test_nobody_tells_the_user_whether_a_wish_will_be_granted(library: Domain) -> None:
    kinds: tuple[Kind, ...] = ("plain", "forbidden", "missing tool", "tool error")
    notes = [user_notes(task(RENEW).model_copy(update={"kind": kind}), library) for kind in kinds]
    assert notes.count(notes[0]) == len(kinds)


async def test_every_question_of_a_conversation_has_its_own_id(library: Domain) -> None:
    agent, user = Role(does(RENEW), "Done.", does(call("get_loan", loan_id="L1")), "So."), Role("a", "b", STOP)
    await play(library, agent, user=user)
    ids = [question.id for question in agent.asked + user.asked]
    assert len(set(ids)) == len(ids) == 7
    assert all(id.startswith("library-00000.t1/") for id in ids)


async def test_tokens_are_counted_per_role(library: Domain) -> None:
    def spent(calls: int) -> Usage:
        return Usage(calls=calls, prompt=10 * calls, completion=calls)

    agent = Role(does(RENEW).model_copy(update={"usage": spent(1)}), Answer(text="Done.", usage=spent(1)))
    user = Role(Answer(text="a", usage=spent(1)), Answer(text=STOP, usage=spent(1)))
    assert (await play(library, agent, user=user, judges=())).usage == {"agent": spent(2), "user": spent(2)}


# --- how the end is judged


async def test_only_the_end_state_counts(library: Domain) -> None:
    rename = call("rename_member", member_id="M1", name="Ada Fen")
    about = task(RENEW, rename)
    reads = does(call("get_member", member_id="M1"))
    assert (await play(library, Role(does(rename), reads, does(RENEW), "Done."), about=about)).success
    # what was put right later is no matter of the state, but of conduct
    there_and_back = does(call("rename_member", member_id="M1", name="Zoe"), rename, RENEW)
    assert outcome(await play(library, Role(there_and_back, "Done."), about=about)) == HELD | {"conduct": "fell"}


async def test_every_output_has_to_be_told_by_the_agent(library: Domain) -> None:
    about = task(RENEW, outputs=("1,250", "Salt Roads"))
    for said, told in (
        ("You have 1250 points for Salt Roads.", True),
        ("You have 1,250 points.", False),
        ("You have 1,250 points. It is Salt Water.", False),
    ):
        found = outcome(await play(library, Role(does(RENEW), said), about=about))
        assert (found["outputs"] == "held") == told
        found = outcome(await play(library, Role(does(RENEW), said), about=about, judges=[Reader(UNTOLD)] * 3))
        assert found == HELD | ({} if told else {"outputs": "fell"})
    over_two = Role(does(RENEW, text="It is Salt Roads."), "You have 1250 points.", "Done.")
    assert (await play(library, over_two, about=about, user=Role("a", "b", STOP))).success
    # what stands in nothing but the announcement of a write may be of something else: the judges say
    for judges, outputs in (
        ((), "undecided"),
        ([Reader({"output told": ("yes", "1,250")})] * 3, "held"),
        ([Reader(UNTOLD)] * 3, "fell"),
    ):
        by_the_way = Role("To be sure: Salt Roads, 1,250 pages. Renew it?", does(RENEW), "Done.")
        trajectory = await play(library, by_the_way, about=about, user=Role("a", "yes", STOP), judges=judges)
        assert outcome(trajectory)["outputs"] == outputs
    # what the user says, or a tool gives back, is not told
    mute = does(call("get_loan", loan_id="L1"), call("get_member", member_id="M1"), RENEW)
    for judges in ((), [Reader({"output told": ("yes", "1250 Salt Roads")})] * 3, [Reader(UNTOLD)] * 3):
        trajectory = await play(
            library, Role(mute, "Done."), about=about, user=Role("1250 Salt Roads", STOP), judges=judges
        )
        assert not trajectory.success
        assert outcome(trajectory)["outputs"] != "held"


@pytest.mark.parametrize("said", ["Es sind siebzehn Tage.", "Quedan diecisiete días.", "还剩十七天。"])
async def test_an_output_may_be_told_in_any_words(library: Domain, said: str) -> None:
    """What is said in no figures is for judges to read: without them nobody says that it was not told."""
    about = task(RENEW, outputs=("17",))
    assert (await play(library, Role(does(RENEW), said), about=about)).undecided
    judges = [Reader({"output told": ("yes", said)}) for _ in range(3)]
    trajectory = await play(library, Role(does(RENEW), said), about=about, judges=judges)
    assert trajectory.success
    (read,) = (reading for reading in trajectory.readings if reading.id.startswith("output"))
    assert [(opinion.answer, opinion.turn, opinion.quotation) for opinion in read.opinions] == [("yes", 3, said)] * 2
    assert [judge.kinds for judge in judges] == [["output told"], ["output told"], []]
    assert trajectory.usage["judge"] == Usage(calls=sum(len(judge.asked) for judge in judges))


async def test_without_judges_nothing_that_was_said_is_verified(library: Domain) -> None:
    """Whether the agent's words are kept is a question of meaning in every conversation."""
    trajectory = await play(library, Role(does(RENEW), "Done."), judges=())
    assert outcome(trajectory) == HELD | {"conduct": "undecided"}
    assert (trajectory.success, trajectory.undecided, trajectory.blame) == (False, True, None)


async def test_what_fell_by_evidence_is_not_asked_about(library: Domain) -> None:
    """Judges cost; a conversation that is lost anyway is not worth them."""
    judge = Reader(UNTOLD)
    about = task(RENEW, outputs=("Salt Roads",))
    trajectory = await converse(
        about, library, agent=Role("No."), user=Role("Please renew L1, I travel.", STOP), judges=[judge] * 3
    )
    assert (outcome(trajectory)["state"], outcome(trajectory)["outputs"]) == ("fell", "not asked")
    assert {finding.outcome for verdict in trajectory.verdicts for finding in verdict.findings} == {"not asked"}
    assert (trajectory.outcome, trajectory.undecided) == ("failed", False)
    assert (judge.asked, trajectory.readings) == ([], ())


OTHER = call("renew_loan", loan_id="L1", reason="illness")
EXTRA = call("rename_member", member_id="M1", name="Zoe")


@pytest.mark.parametrize(
    ("turns", "kind", "turn", "expected", "found"),
    [
        ([does(OTHER), "17"], "different arguments", 1, "travel", "illness"),
        ([does(RENEW), does(EXTRA), "17"], "extra write", 3, "", "rename_member"),
        ([does(call("get_loan", loan_id="L1")), "17"], "missing write", 4, 'renew_loan(loan_id="L1"', ""),
        ([does(RENEW), "Done."], "output not told", 4, "'17'", ""),
        ([does(RENEW), "17", ""], "did not end", 4, "", "the agent said nothing"),
    ],
)
async def test_the_first_divergence(
    library: Domain, turns: list[str | Answer], kind: str, turn: int, expected: str, found: str
) -> None:
    user = Role("a", "b") if kind == "did not end" else None
    judges = [Reader(UNTOLD)] * 3
    trajectory = await play(library, Role(*turns), about=task(RENEW, outputs=("17",)), user=user, judges=judges)
    assert not trajectory.success
    assert trajectory.divergence is not None
    assert (trajectory.divergence.kind, trajectory.divergence.turn) == (kind, turn)
    assert expected in trajectory.divergence.expected
    assert found in trajectory.divergence.found
    assert trajectory.divergence.turn < len(trajectory.messages)


async def test_a_behaviour_that_was_not_shown_is_a_divergence(library: Domain) -> None:
    about = task(RENEW, outputs=("17",)).model_copy(update={"kind": "parallel calls"})
    trajectory = await play(library, Role(does(RENEW), "17"), about=about)
    assert [v.gate for v in trajectory.verdicts if v.outcome == "fell"] == ["behaviour"]
    assert trajectory.divergence is not None
    assert (trajectory.divergence.kind, trajectory.divergence.turn) == ("behaviour not shown", 1)
    assert trajectory.divergence.expected == "A task of the kind parallel calls."
    assert trajectory.divergence.found == "no message made two writes together"


async def test_the_first_of_several_divergences_is_named(library: Domain) -> None:
    trajectory = await play(library, Role(does(EXTRA), does(OTHER), "Done."), about=task(RENEW, outputs=("17",)))
    assert trajectory.divergence is not None
    assert (trajectory.divergence.kind, trajectory.divergence.turn) == ("extra write", 1)


@pytest.mark.parametrize(
    "wrong",
    [call("renew_loan", loan_id="L3", reason="travel"), ToolCall(id="", name="renew_loan", arguments=None)],
    ids=["refused", "no JSON"],
)
async def test_a_refused_call_or_one_that_is_no_json_is_no_divergence(library: Domain, wrong: Action) -> None:
    judges, about = [Reader(UNTOLD)] * 3, task(RENEW, outputs=("17",))
    trajectory = await play(library, Role(does(wrong), does(RENEW), "Done."), about=about, judges=judges)
    assert trajectory.divergence is not None
    assert trajectory.divergence.kind == "output not told"


async def test_trying_until_something_gives_is_a_divergence_of_conduct(library: Domain) -> None:
    tries = [does(call("renew_loan", loan_id=id, reason="travel")) for id in ("L3", "L9")]
    trajectory = await play(library, Role(*tries, does(RENEW), "Done."))
    assert outcome(trajectory) == HELD | {"conduct": "fell"}
    assert trajectory.divergence is not None
    assert (trajectory.divergence.kind, trajectory.divergence.turn) == ("conduct broken", 3)
    assert "L9" in trajectory.divergence.found


async def test_the_same_write_twice_is_one_too_many(library: Domain) -> None:
    trajectory = await play(library, Role(does(RENEW, RENEW), "Done."))
    assert not trajectory.success
    assert trajectory.divergence is not None
    assert trajectory.divergence.kind == "extra write"


async def test_the_right_writes_in_an_order_that_matters_are_a_divergence(library: Domain) -> None:
    one, two = (call("set_points", member_id="M1", points=points) for points in (1, 2))
    trajectory = await play(library, Role(does(two), does(one), "Done."), about=task(one, two))
    assert outcome(trajectory)["state"] == "fell"
    assert trajectory.divergence is not None


async def test_a_detour_is_where_the_conduct_broke_unless_it_changed_nothing(library: Domain) -> None:
    """The end state is right both times."""
    there, back = (call("rename_member", member_id="M1", name=name) for name in ("Zoe", "Ada Moor"))
    about = task(RENEW, outputs=("17",))
    for detour, kind, turn in (((there, back), "conduct broken", 1), ((back,), "output not told", 5)):
        judges = [Reader(UNTOLD)] * 3
        trajectory = await play(library, Role(does(*detour), does(RENEW), "Done."), about=about, judges=judges)
        assert (outcome(trajectory)["ended"], outcome(trajectory)["state"]) == ("held", "held")
        assert trajectory.divergence is not None
        last = len(trajectory.messages) - 1
        assert (trajectory.divergence.kind, trajectory.divergence.turn) == (kind, turn if turn == 1 else last)


def test_same_state_tells_an_integer_from_a_float_and_names_the_rows(library: Domain) -> None:
    def reached(*actions: Action) -> Any:
        world = library.world()
        for action in actions:
            world.call(action)
        return world.delta()

    assert same_state(reached(RENEW), reached(RENEW)).passed
    verdict = same_state(reached(RENEW), reached(EXTRA))
    assert (verdict.kind, verdict.reason) == ("state differs", "2 rows differ: loans/L1, members/M1")
    assert not same_state(reached(), reached(RENEW)).passed
    other = same_state(
        reached(RENEW), reached(RENEW.model_copy(update={"arguments": {**RENEW.arguments, "reason": "illness"}}))
    )
    assert other.reason == "1 rows differ: loans/L1"
    whole, part = (
        (reached(RENEW)[0].model_copy(update={"after": {**reached(RENEW)[0].after, "days_left": days}}),)
        for days in (17, 17.0)
    )
    assert not same_state(whole, part).passed


def test_nothing_expected_is_told_by_silence_and_nothing_diverges(library: Domain) -> None:
    def told(messages: Sequence[Message], *actions: Action, outputs: tuple[str, ...] = ()) -> tuple[Dialogue, Verdict]:
        dialogue = Dialogue(task(*actions, outputs=outputs), messages, library)
        return dialogue, all_told(dialogue, Meanings(messages))

    assert told(())[1].passed
    assert told((), outputs=("x",))[1].outcome == "fell", "where nothing was said nothing is open"
    assert divergence(told(())[0], ()) is None
    done = Message(role="assistant", tool_calls=(ToolCall(id="1", name="renew_loan", arguments=RENEW.arguments),))
    reply = Message(role="tool", content="{}", tool_call_id="1")
    dialogue, verdict = told((done, reply), RENEW)
    assert divergence(dialogue, (verdict,)) is None
    assert told((done, reply), RENEW, outputs=("x",))[1].outcome == "fell", "a call tells nothing"


# --- what a model may send


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "odd",
    [
        does(call("renew_loan", loan_id=nested(300))),
        does(call("renew_loan", loan_id="\ud83d")),
        does(call("renew_loan", **{"\ud83d": 1})),
        does(call("renew_loan", loan_id=json.loads("NaN"))),
        does(call("", x=1)),
        does(call("burn_book" * 10_000)),
        does(
            call("rename_member", member_id="M1", name="Ada\u2028Moor\ud83d"),
            call("rename_member", member_id="M1", name="Ada Moor"),
        ),
        does(*[call("get_loan", loan_id="L1")] * 200),
        Answer(text="</script>\u2028\x00\ud83d" + "w" * 1_000_000),
        does(ToolCall(id="", name="renew_loan", arguments=None, raw="{" * 1_000_000)),
    ],
)
async def test_whatever_an_agent_sends_the_conversation_goes_on_and_is_written(library: Domain, odd: Answer) -> None:
    trajectory = await play(library, Role(odd, does(RENEW), "Done."), user=Role("a", "b", "c", STOP))
    # what was written twice was put right, and that is a matter of conduct
    twice = sum(made.name == "rename_member" for made in odd.tool_calls) > 1
    assert outcome(trajectory) == HELD | ({"conduct": "fell"} if twice else {})


async def test_whatever_a_user_sends_the_conversation_goes_on(library: Domain) -> None:
    called = Answer(
        text="\ud83d</script>", tool_calls=(ToolCall(id="1", name="renew_loan", arguments=RENEW.arguments),)
    )
    trajectory = await play(library, Role(does(RENEW), "Done."), user=Role(called, STOP))
    assert trajectory.success
    assert len(trajectory.calls) == 1


# --- a whole stage


async def stage(domain: Domain, folder: Path, agent: Callable[[Question], Any], **options: Any) -> list[Trajectory]:
    blueprints = [task(RENEW, id=f"library-{number:05d}") for number in range(4)]

    async def user(question: Question) -> Answer:
        return Answer(text=STOP if len(question.messages) > 1 else f"Hello from {question.id}")

    models = SimpleNamespace(agent=agent, user=user, best_of=1, judges=lambda number=3: [Reader({})] * number)
    return await converse_all(domain, models, Run.open(folder), blueprints, **options)


async def renews(question: Question) -> Answer:
    return Answer(text="Done.") if question.messages[-1].role == "tool" else does(RENEW)


async def test_each_blueprint_is_tried_so_many_times_in_the_order_of_ids(library: Domain, tmp_path: Path) -> None:
    for attempts, concurrency in ((1, 1), (3, 1), (3, 7)):
        folder = tmp_path / f"{attempts}-{concurrency}"
        trajectories = await stage(library, folder, renews, attempts=attempts, concurrency=concurrency)
        wanted = [f"library-{b:05d}.t{n}" for b, n in itertools.product(range(4), range(1, attempts + 1))]
        assert [one.id for one in trajectories] == wanted
        assert all(one.success for one in trajectories)
        assert read_lines(folder / "trajectories.jsonl", Trajectory) == trajectories
    one, many = ((tmp_path / name / "trajectories.jsonl").read_bytes() for name in ("3-1", "3-7"))
    assert one == many


async def test_a_conversation_that_got_no_answer_is_held_again_when_that_is_wanted(
    library: Domain, tmp_path: Path
) -> None:
    async def busy(question: Question) -> Answer:
        if question.id.startswith("library-00002.t2/"):
            raise NoAnswer("503")
        return await renews(question)

    for agent in (busy, renews):
        trajectories = list(await stage(library, tmp_path, agent))
        assert [one.id for one in trajectories if one.unanswered] == ["library-00002.t2"]
        assert sum(one.success for one in trajectories) == 11
    forget_unanswered(tmp_path / "trajectories.jsonl", Trajectory)
    again = await stage(library, tmp_path, renews)
    assert sum(one.success for one in again) == 12
    assert [new for old, new in zip(trajectories, again, strict=True) if old.success] == [
        old for old in trajectories if old.success
    ]
