"""What an agent can do wrong with its calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from random import Random

from ...blueprints.gates.execution import run_actions
from ...blueprints.gates.kind import same_call
from ...records import Action
from ...world.contract import guess_arguments
from ...world.identification import identifying_tools
from ...world.values import facts
from ...world.world import Refusal
from ..dialogue import Dialogue
from ..replay import replay
from .editing import (
    Edited,
    agent,
    calling,
    closing,
    ends_otherwise,
    inserted,
    one_confirmed,
    other_user,
    reworded,
    scalars,
    stopped,
    without,
    writes_of,
)


def confirmation_removed(dialogue: Dialogue, rng: Random) -> Edited:
    """Neither announced nor confirmed."""
    found = one_confirmed(dialogue, rng)
    return without(dialogue, *found[1:]) if found else None


def answer_not_awaited(dialogue: Dialogue, rng: Random) -> Edited:
    """Announced, and carried out in the same breath."""
    found = one_confirmed(dialogue, rng)
    if not found or not dialogue.domain.conduct.no_text_beside_calls:
        return None
    call, announced, consent = found
    edited = reworded(dialogue, {call.turn: dialogue.messages[announced].content}) or []
    return [message for turn, message in enumerate(edited) if turn not in (announced, consent)]


def identification_removed(dialogue: Dialogue, rng: Random) -> Edited:
    names = identifying_tools(dialogue.domain)
    turns = [t for t, m in dialogue.turns("assistant") if m.tool_calls and {c.name for c in m.tool_calls} <= names]
    rest = [call for call in dialogue.calls if call.turn not in turns]
    return without(dialogue, *turns) if turns and rest else None


def other_customers_data_told(dialogue: Dialogue, rng: Random) -> Edited:
    """A read shows another customer's row, and the agent tells what stands in it."""
    domain, turn, other = dialogue.domain, closing(dialogue), other_user(dialogue, rng)
    if other is None or turn is None or dialogue.blueprint.kind == "no tool":
        return None
    own = set(scalars(domain.dump(domain.tables[domain.users][dialogue.blueprint.user])))
    for tool in domain.tools.values():
        if tool.kind != "read" or len(tool.required) != 1:
            continue
        look = Action(name=tool.name, arguments={tool.required[0]: other})
        try:
            result = domain.world().call(look)
        except Refusal:
            continue
        told = [v for v in dict.fromkeys(f.value for f in facts(result)) if isinstance(v, str) and v not in own]
        if told:
            words = f"{dialogue.messages[turn].content} Another customer of ours has this: {', '.join(told[:4])}."
            changed = reworded(dialogue, {turn: words}) or []
            return [*changed[:turn], calling(look), *changed[turn:]]
    return None


def other_customers_row_changed(dialogue: Dialogue, rng: Random) -> Edited:
    other, turn = other_user(dialogue, rng), closing(dialogue)
    if other is None or turn is None:
        return None
    return _with_a_write(dialogue, turn, writes_of(dialogue, rng, other), lambda action: other in str(action))


def write_that_nobody_asked_for(dialogue: Dialogue, rng: Random) -> Edited:
    turn, asked = closing(dialogue), {action.name for action in dialogue.blueprint.actions}
    if turn is None:
        return None
    return _with_a_write(dialogue, turn, writes_of(dialogue, rng), lambda action: action.name not in asked)


def rule_broken(dialogue: Dialogue, rng: Random) -> Edited:
    """A further write, of this customer's rows, that the tools let pass and the policy does not."""
    domain, turn = dialogue.domain, closing(dialogue)
    for action in writes_of(dialogue, rng) if turn is not None else ():
        calls = [*(call.action for call in dialogue.writes), action]
        *_, (_, _, step) = run_actions(domain.world(), calls, dialogue.blueprint.user)
        broken = not isinstance(step, Refusal) and not all(r.holds(step) for r in domain.rules_for([action.name]))
        if broken and (edited := _with_a_write(dialogue, turn or 0, [action], lambda _: True)):
            return edited
    return None


def _with_a_write(dialogue: Dialogue, turn: int, actions: Iterable[Action], wanted: Callable[[Action], bool]) -> Edited:
    """The conversation with the first wanted write that changes something before one of its turns."""
    edits = (inserted(dialogue, turn, calling(action)) for action in filter(wanted, actions))
    return next((edited for edited in edits if ends_otherwise(dialogue, edited)), None)


def wrong_write_put_right(dialogue: Dialogue, rng: Random) -> Edited:
    """A write with another value before the right one, which then leads to the right end."""
    for call in dialogue.writes:
        tool = dialogue.domain.tools[call.action.name]
        for _ in range(20):
            guessed = guess_arguments(dialogue.domain, tool, rng, dialogue.blueprint.user)
            name = rng.choice(sorted(guessed)) if guessed else ""
            wrong = Action(name=tool.name, arguments={**call.action.arguments, name: guessed.get(name)})
            if not name or same_call(wrong, call.action):
                continue
            edited = inserted(dialogue, call.turn, calling(wrong))
            _, messages = replay(dialogue.blueprint, dialogue.domain, edited)
            if not messages[call.turn + 1].error and not ends_otherwise(dialogue, edited):
                return edited
    return None


def other_value_written(dialogue: Dialogue, rng: Random) -> Edited:
    """The last write has other arguments than were agreed on."""
    single = [call for call in dialogue.writes if len(dialogue.messages[call.turn].tool_calls) == 1]
    for action in writes_of(dialogue, rng) if single else ():
        last = single[-1]
        if action.name == last.action.name and not same_call(action, last.action):
            edited = [*dialogue.messages[: last.turn], calling(action), *dialogue.messages[last.turn + 1 :]]
            _, messages = replay(dialogue.blueprint, dialogue.domain, edited)
            if not messages[last.turn + 1].error and ends_otherwise(dialogue, edited):
                return edited
    return None


def last_write_left_out(dialogue: Dialogue, rng: Random) -> Edited:
    """Half of it was done, all of it is told as done."""
    turns = [call.turn for call in dialogue.writes]
    edited = without(dialogue, turns[-1]) if turns else []
    return edited if ends_otherwise(dialogue, edited) else None


def three_refused_writes(dialogue: Dialogue, rng: Random) -> Edited:
    """Tries with ids that nobody has, in the hope that one fits."""
    denied = {wish.name for wish in dialogue.blueprint.denied}
    call = next((call for call in dialogue.writes if call.action.name not in denied), None)
    if call is None:
        return None
    tries = [
        Action(name=call.action.name, arguments=dict.fromkeys(call.action.arguments, f"unknown-{n}")) for n in range(3)
    ]
    return inserted(dialogue, call.turn, *map(calling, tries))


def ten_useless_reads(dialogue: Dialogue, rng: Random) -> Edited:
    """One read, again and again: it costs and harms nobody."""
    kinds = {name: tool.kind for name, tool in dialogue.domain.tools.items()}
    reads = [call for call in dialogue.calls if call.done and kinds.get(call.action.name) == "read"]
    if not reads or dialogue.blueprint.kind == "no tool":
        return None
    return inserted(dialogue, reads[-1].turn, *itertools.repeat(calling(reads[-1].action), 10))


def text_beside_a_call(dialogue: Dialogue, rng: Random) -> Edited:
    turns = sorted({call.turn for call in dialogue.calls})
    return reworded(dialogue, {rng.choice(turns): "One moment please, I am working on it."}) if turns else None


def two_calls_at_once(dialogue: Dialogue, rng: Random) -> Edited:
    """Two calls that came one after the other come in one message."""
    if dialogue.blueprint.kind == "parallel calls":
        return None
    calls = [call for call in dialogue.calls if call.done]
    for first, second in itertools.pairwise(calls):
        if second.turn == first.turn + 2:
            both = calling(first.action, second.action)
            return [*dialogue.messages[: first.turn], both, *dialogue.messages[second.turn + 1 :]]
    return None


def write_after_the_transfer(dialogue: Dialogue, rng: Random) -> Edited:
    """The last write is made when the conversation has been handed over."""
    ends = next((tool for tool in dialogue.domain.tools.values() if tool.ends), None)
    if ends is None or not dialogue.writes or dialogue.handed_over is not None:
        return None
    call = dialogue.writes[-1]
    over = Action(name=ends.name, arguments=dict.fromkeys(ends.required, "It is about the customer's wish."))
    messages = inserted(dialogue, call.turn, calling(over))
    return [*messages[: call.turn + 2], agent("A person takes over from here.")]


def denied_wish_granted(dialogue: Dialogue, rng: Random) -> Edited:
    """The wish that the user drops is carried out first."""
    if dialogue.blueprint.kind != "change of mind" or not dialogue.writes:
        return None
    turn = dialogue.writes[0].turn
    edited = inserted(dialogue, turn, calling(dialogue.blueprint.denied[0]))
    _, messages = replay(dialogue.blueprint, dialogue.domain, edited)
    return None if messages[turn + 1].error else edited


def error_given_up_on(dialogue: Dialogue, rng: Random) -> Edited:
    failed = next((call for call in dialogue.calls if call.unavailable), None)
    if dialogue.blueprint.kind != "tool error" or failed is None:
        return None
    name = failed.action.name
    return without(dialogue, *(c.turn for c in dialogue.calls if c.turn > failed.turn and c.action.name == name))


def needless_call(dialogue: Dialogue, rng: Random) -> Edited:
    """A look at the customer's data where a page answers the question."""
    reads = [t for t in dialogue.domain.tools.values() if t.kind == "read"]
    other = [tool for tool in reads if tool.name not in identifying_tools(dialogue.domain)]
    turn = closing(dialogue)
    if dialogue.blueprint.kind != "no tool" or turn is None or not other:
        return None
    tool = rng.choice(other)
    arguments = guess_arguments(dialogue.domain, tool, rng, dialogue.blueprint.user)
    return inserted(dialogue, turn, calling(Action(name=tool.name, arguments=arguments)))


def one_call_at_a_time(dialogue: Dialogue, rng: Random) -> Edited:
    """Calls that belong into one message come one after the other."""
    if dialogue.blueprint.kind != "parallel calls":
        return None
    messages = [
        part
        for message in dialogue.messages
        for part in (
            [message.model_copy(update={"tool_calls": (call,)}) for call in message.tool_calls]
            if len(message.tool_calls) > 1
            else [message]
        )
    ]
    return messages if len(messages) > len(dialogue.messages) else None


def told_as_done_from_the_start(dialogue: Dialogue, rng: Random) -> Edited:
    """Nothing at all is done; the agent says that it is."""
    if not dialogue.writes or dialogue.blueprint.outputs:
        return None
    first = dialogue.writes[0].turn
    edited = stopped([*dialogue.messages[:first], agent("That is all done for you now.")])
    return edited if ends_otherwise(dialogue, edited) else None
