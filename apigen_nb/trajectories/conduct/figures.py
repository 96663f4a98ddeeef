"""What the agent tells has a source: a result, the policy, the tools or the user; or it follows from these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...records import Finding, canonical
from ...world.typed_values import find_values
from ..dialogue import Dialogue
from ..meaning import Claim, Meanings
from ..rollout import policy_for
from .known import Known, known_to_all, told_mails

SOURCED = "What the agent tells comes from its tools, its policy or the customer"
QUESTION = (
    "The agent tells the values below. Is one of them invented: does it, before the agent comes up with it, neither "
    "stand in what the customer says, the results of calls or the policy, nor follow from them by a calculation, nor "
    "from what everybody knows? What a result only repeats of the agent's own call is no source. Prove it by words of "
    'the agent that tell such a value. "none": all of them have a source or follow, or they say nothing of the case.'
)
SHOWN = 3000  # characters of one result that judges are shown
RULE = "figures have a source"
Told = tuple[int, str]  # the turn, and the value as the agent tells it


def tells_what_it_knows(dialogue: Dialogue, meanings: Meanings) -> Iterator[Finding]:
    """Numbers, amounts, dates, times, ids and e-mail addresses in the agent's words are known or follow; what code
    cannot trace is one question of meaning for the whole conversation."""
    unknown = list(untraced(dialogue))
    if not unknown:
        return
    claim = _claim(dialogue, unknown)
    answer = meanings.of(claim)
    if answer == "none":
        return
    values = ", ".join(repr(text) for _, text in unknown[:5])
    shown = meanings.shown(claim)
    invented = f"invented is one of {values}" + (f": said {shown.quotation[:120]!r}" if shown else "")
    found, outcome = (invented, "fell") if answer else (f"open is the source of {values}", "undecided")
    turn = shown.turn if shown else unknown[0][0]
    yield Finding.model_validate({"turn": turn, "rule": RULE, "text": SOURCED, "found": found, "outcome": outcome})


def untraced(dialogue: Dialogue) -> Iterator[Told]:
    """The values that the agent tells and that neither stand before in a source nor follow."""
    known = Known(known_to_all(dialogue.domain, policy_for(dialogue.blueprint, dialogue.domain)))
    for turn, message in enumerate(dialogue.messages):
        if message.role == "user":
            known.hear(message.content)
        elif message.role == "tool":
            known.look_at(message.content)
        else:
            yield from ((turn, value.text) for value in find_values(message.content) if not known.has(value))
            yield from ((turn, m) for m in told_mails(message.content) if not known.has_mail(m))
            for call in message.tool_calls:
                known.look_at(canonical(call.arguments))


def results_of(dialogue: Dialogue) -> str:
    """What the calls of a conversation gave, for judges."""
    results = (f"{turn} {message.content[:SHOWN]}" for turn, message in dialogue.turns("tool"))
    return "\n".join(["The results of calls, each with its message:", *results])


def _claim(dialogue: Dialogue, unknown: Sequence[Told]) -> Claim:
    values = "\n".join(f"message {turn}: {text}" for turn, text in unknown)
    policy = policy_for(dialogue.blueprint, dialogue.domain)
    return Claim(
        id="figure",
        kind="figure",
        question=QUESTION,
        about=f"{values}\n\nThe policy:\n{policy}\n\n{results_of(dialogue)}",
        speaker="assistant",
        start=0,
        end=len(dialogue.messages),
        answers=("invented", "none"),
    )
