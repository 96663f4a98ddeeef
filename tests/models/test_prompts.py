"""Every prompt renders from its context and nothing else; the simulated user sees a conversation and no machinery."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_nb.models import Answer, Question
from apigen_nb.models.chat_format import FOLDER, GREETING, OF_ROLE, check_prompt, own_prompts, prompt_shas, render
from apigen_nb.models.roles import Prompted, Roles
from apigen_nb.records import Action, Message, Role, ToolCall
from apigen_nb.world.domain import Domain

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
TASK = {"instruction": "You are Mia.", "actions": [{"name": "cancel", "arguments": {"id": "7"}}], "outputs": ["12.5"]}
WISHES = {"kind": "plain", "denied": [], "withheld": ["Monday"]}
NOTES = {
    "service": "the desk of a library",
    "instruction": "You are Mia.",
    "profile": ["email: mia@example.org"],
    "part": "Ask for all.",
    "withheld": ["Monday"],
}
PLAYER = NOTES | {"persona": "terse", "behaviour": "impatient"}
CONTEXTS: dict[str, dict[str, Any]] = {
    "generator": {
        "policy": "Cancel only what is pending.",
        "writes": [LOOK],
        "reads": [LOOK],
        "rules": ["Only what is pending is cancelled."],
        "records": {"orders": {"#7": {"total": 12.5, "to": "Zürich"}}},
        "persona": "terse",
        "behaviour": "impatient",
        "kind": "missing tool",
        "difficulty": "hard: three writes",
        "walk": ["look", "cancel"],
        "spare": ["cancel"],
        "user": "mia_7",
        "examples": [TASK],
        "previous": "",
        "feedback": "",
    },
    "recombine": {
        "instructions": ["You are Mia.", "You want a lamp."],
        "actions": TASK["actions"],
        "outputs": TASK["outputs"],
        "persona": "terse",
        "behaviour": "impatient",
        "user": "mia_7",
        "previous": "",
        "feedback": "",
    },
    "judge": TASK
    | WISHES
    | {
        "policy": "Cancel only what is pending.",
        "tools": [LOOK],
        "diff": [{"table": "orders"}],
        "checked": "format, execution",
        "ids": ["7: order: total 12.5"],
        "origins": ["12.5: orders/7 total"],
        "user": "mia_7",
        "records": {"orders": {"7": {"total": 12.5}}},
    },
    "blame": TASK
    | NOTES
    | {"policy": "Cancel only what is pending.", "denied": []}
    | {"dialogue": ["0 user: hi"], "findings": ["state: state differs"]},
    "reading": {
        "kind": "consent",
        "question": "Does the customer say yes?",
        "about": "cancel(id=7)",
        "answers": ["yes", "no", "unclear"],
        "unproven": ["no", "unclear"],
        "speaker": "customer",
        "passage": ["0 customer: Ja, gerne."],
    },
    "feedback": TASK
    | WISHES
    | {
        "policy": "Cancel only what is pending.",
        "user": "mia_7",
        "records": {"orders": {"7": {"total": 12.5}}},
        "failures": [{"gate": "policy", "reason": "not pending"}],
    },
    "user": PLAYER,
    "critic": PLAYER | {"dialogue": ["user: hi"], "candidates": ["Hello.", "Bye."]},
    "agent": {"policy": "Cancel only what is pending."},
}
TALK = (
    Message(role="user", content="hi"),
    Message(role="assistant", content="One moment.", tool_calls=(ToolCall(id="1", name="look", arguments={}),)),
    Message(role="tool", content="SECRET ROW", tool_call_id="1"),
    Message(role="assistant", tool_calls=(ToolCall(id="2", name="look", arguments={}),)),
    Message(role="tool", content="SECRET ROW", tool_call_id="2"),
    Message(role="assistant", content="It is 12.5."),
    Message(role="user", content="thanks"),
    Message(role="assistant", content="Anything else?"),
)


# prompts that are not called by their role
ROLES: dict[str, Role] = {"recombine": "generator", "blame": "judge", "reading": "judge"}


def asked(prompt: str, messages: tuple[Message, ...] = (), **context: Any) -> Question:
    role: Role = ROLES.get(prompt, prompt)  # type: ignore[arg-type]
    known = CONTEXTS[prompt] | context
    return Question(id="q", role=role, prompt=prompt, context=known, messages=messages, tools=(LOOK,))


def test_every_prompt_of_the_package_is_tested() -> None:
    assert set(CONTEXTS) == set(prompt_shas())


@pytest.mark.parametrize("role", CONTEXTS)
def test_every_role_renders(role: str) -> None:
    messages = render(asked(role))
    both = ["system", "user"]
    assert [message["role"] for message in messages] == (["system"] if role == "agent" else both)
    text = "\n".join(message["content"] for message in messages)
    assert "===" not in text
    for value in CONTEXTS[role].values():
        assert not isinstance(value, str) or value in text
    assert "Zürich" in text if role == "generator" else True


@pytest.mark.parametrize("role", CONTEXTS)
def test_a_missing_key_is_named(role: str) -> None:
    for key in CONTEXTS[role]:
        question = asked(role)
        del question.context[key]
        with pytest.raises(ValueError, match=rf"prompt '{role}' uses \${key}, its context has: "):
            render(question)


@given(st.text(alphabet="$={}policyersna \n", max_size=40))
def test_values_are_never_templates(text: str) -> None:
    (message,) = render(asked("agent", policy=text))
    assert message["content"].endswith(text)
    assert text in render(asked("user", persona=text))[0]["content"]


def test_a_wish_may_be_told_by_what_it_is_about_at_every_level() -> None:
    """A hard task names things by what they are, which a prompt must not forbid for what is denied."""
    asked_for, played = (" ".join(render(asked(role))[0]["content"].split()) for role in ("generator", "user"))
    assert "in the instruction with an id" not in asked_for
    assert "words in one sentence that fit one thing and no other" in asked_for
    assert "named by what they are" in played


def test_records_are_rendered_as_compact_json() -> None:
    action = Action(name="cancel", arguments={"id": "7"})
    assert '"name":"cancel"' in render(asked("judge", actions=(action,)))[1]["content"]


def test_the_dialogue_is_turned_round_for_the_user() -> None:
    system, *dialogue = render(asked("user", TALK))
    assert system["role"] == "system"
    assert dialogue == [
        {"role": "user", "content": GREETING},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "One moment.\n\nIt is 12.5."},
        {"role": "assistant", "content": "thanks"},
        {"role": "user", "content": "Anything else?"},
    ]


def test_the_users_first_turn_answers_a_greeting() -> None:
    assert render(asked("user"))[1:] == [{"role": "user", "content": GREETING}]
    welcome = (Message(role="assistant", content="Welcome."),)
    assert render(asked("user", welcome))[1:] == [{"role": "user", "content": "Welcome."}]


MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["user", "assistant", "tool"]),
    content=st.sampled_from(["", " ", "words", "more"]),
    tool_calls=st.sampled_from([(), (ToolCall(id="1", name="SECRET", arguments={}),)]),
    tool_call_id=st.just("SECRET"),
)


@given(st.lists(MESSAGES, max_size=8))
def test_the_user_gets_alternating_text_only(messages: list[Message]) -> None:
    _, *dialogue = render(asked("user", tuple(messages)))
    roles = [message["role"] for message in dialogue]
    assert roles == ["user" if number % 2 == 0 else "assistant" for number in range(len(roles))]
    assert roles[-1] == "user"
    assert all(set(message) == {"role", "content"} and message["content"].strip() for message in dialogue)
    assert "SECRET" not in str(dialogue)


def test_the_agent_gets_the_conversation_as_it_was() -> None:
    messages = render(asked("agent", TALK))
    assert [m["role"] for m in messages] == ["system", *(m.role for m in TALK)]
    assert messages[2]["tool_calls"][0]["function"] == {"name": "look", "arguments": "{}"}
    assert messages[4]["content"] is None
    assert messages[3] == {"role": "tool", "content": "SECRET ROW", "tool_call_id": "1"}


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text("For $$5: $policy", encoding="utf-8")
    question = asked("agent").model_copy(update={"prompt": str(file)})
    assert render(question) == [{"role": "system", "content": "For $5: Cancel only what is pending."}]
    file.write_text("For $5", encoding="utf-8")
    with pytest.raises(ValueError, match=r"Invalid placeholder in string: line 1, col 5; write \$\$ for a dollar sign"):
        render(question)


def test_an_unknown_prompt_is_named() -> None:
    question = asked("agent").model_copy(update={"prompt": "poet"})
    with pytest.raises(ValueError, match=r"no prompt 'poet'; prompts are agent, .*, or a file of yours"):
        render(question)


def test_shas_are_those_of_the_files() -> None:
    shas = prompt_shas()
    assert set(CONTEXTS) <= set(shas)
    assert all(sha == hashlib.sha256((FOLDER / f"{name}.md").read_bytes()).hexdigest() for name, sha in shas.items())


# --- prompts of the user's own


def own(folder: Path, text: str) -> str:
    (folder / "strict.md").write_text(text, encoding="utf-8")
    return str(folder / "strict.md")


def test_a_prompt_of_ones_own_may_use_what_the_roles_prompt_uses(tmp_path: Path) -> None:
    check_prompt(own(tmp_path, "Be strict.\n===\n$instruction and $actions for $$5"), "judge")


@pytest.mark.parametrize(
    ("text", "said"),
    [("$dialogue", r"uses \$dialogue; the judge's question has actions, "), ("it costs $5", "lone dollar sign")],
)
def test_what_cannot_be_filled_in_is_found_before_anything_is_asked(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_prompt(own(tmp_path, text), "judge")
    with pytest.raises(ValueError, match="no prompt"):
        check_prompt(str(tmp_path / "nowhere.md"), "judge")


async def test_a_judge_is_asked_with_its_own_prompt_and_only_as_a_judge(tmp_path: Path) -> None:
    seen: list[Question] = []

    async def model(question: Question) -> Answer:
        seen.append(question)
        return Answer(text="")

    judge = Prompted(model, own_prompts(own(tmp_path, "Be strict."), "judge"))
    await judge(asked("judge"))
    await judge(asked("blame"))
    assert render(seen[0]) == [{"role": "system", "content": "Be strict."}]
    assert seen[1].prompt == "blame"


def test_judges_may_have_prompts_of_their_own(tmp_path: Path) -> None:
    path = own(tmp_path, "Be strict.")
    judges = [{"prompt": path}, {}, {"prompt": path}]
    models = Roles(Domain.load("retail"), model="m", base_url="http://127.0.0.1:9/v1", roles={"judge": judges})
    first, second, third = models.judges(3)
    assert isinstance(first, Prompted)
    assert isinstance(third, Prompted)
    assert not isinstance(second, Prompted)
    assert first.model == third.model == second


def test_every_prompt_of_the_package_may_be_ones_own(tmp_path: Path) -> None:
    for name in CONTEXTS:
        (tmp_path / f"{name}.md").write_text((FOLDER / f"{name}.md").read_text() + "\nBe strict.")
    found: dict[str, str] = {}
    for role in get_args(Role):
        check_prompt(str(tmp_path), role)
        mine = own_prompts(str(tmp_path), role)
        assert set(mine) == set(OF_ROLE.get(role, (role,)))
        found |= mine
    assert found == own_prompts(str(tmp_path))
    assert set(found) == set(CONTEXTS)


async def test_a_folder_of_ones_own_has_what_it_has(tmp_path: Path) -> None:
    seen: list[Question] = []

    async def model(question: Question) -> Answer:
        seen.append(question)
        return Answer(text="")

    (tmp_path / "reading.md").write_text("Read: $question")
    (tmp_path / "notes.md").write_text("$nothing")
    judge = Prompted(model, own_prompts(str(tmp_path), "judge"))
    for name in ("reading", "judge", "blame"):
        await judge(asked(name))
    assert render(seen[0]) == [{"role": "system", "content": "Read: Does the customer say yes?"}]
    assert [question.prompt for question in seen[1:]] == ["judge", "blame"]


def test_a_folder_without_the_roles_prompts_is_named(tmp_path: Path) -> None:
    (tmp_path / "user.md").write_text("$instruction")
    with pytest.raises(ValueError, match=r"expected judge\.md or blame\.md or reading\.md"):
        check_prompt(str(tmp_path), "judge")
