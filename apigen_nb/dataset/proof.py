"""Proofs: beside the rows stands what it takes to prove each of them again, and to make it anew for every config."""

from __future__ import annotations

from collections.abc import Mapping

from ..blueprints.gates.execution import execute
from ..models import Question
from ..models.chat_format import render
from ..records import Blueprint, Change, Message, Reading, Record, Trajectory
from ..trajectories.rollout import offered_tools, policy_for
from ..world.domain import Domain
from ..world.world import digest
from .rows import About, Row, RowMessage, marked_turns, row_messages


class Proof(Record):
    """What it takes to prove one row: what is known of it, the task, its groundtruth's end state on this version of the
    domain, the whole conversation, the turns that its check of conduct `marked`, and what judges read in it."""

    about: About
    task: Blueprint
    domain_fingerprint: str
    delta: tuple[Change, ...]
    state: str
    messages: tuple[Message, ...]
    marked: tuple[int, ...] = ()
    readings: tuple[Reading, ...] = ()

    @property
    def id(self) -> str:
        return self.about.id

    @property
    def fell(self) -> str:
        """The check that a failed conversation fell by; "" of a verified one."""
        return self.about.cause.partition(":")[0]


def prove(trajectory: Trajectory, about: About, blueprint: Blueprint, domain: Domain) -> Proof:
    """The proof of one row, with the groundtruth executed again. What a model thought stays in the run's file."""
    delta = execute(blueprint, domain).diff
    bare: Mapping[str, object] = {"thoughts": "", "opaque": None}
    return Proof(
        about=about,
        task=blueprint,
        domain_fingerprint=domain.fingerprint,
        delta=delta,
        state=digest(delta),
        messages=tuple(message.model_copy(update=bare) for message in trajectory.messages),
        marked=marked_turns(trajectory),
        readings=trajectory.readings,
    )


def row_of(proof: Proof, domain: Domain) -> Row:
    """The row that a proof stands for: its messages below the system prompt, the tools that were offered."""
    system = RowMessage(role="system", content=system_prompt(proof.task, domain))
    return Row.model_construct(  # what is in a proof has been validated, and tools are shared by all rows
        **dict(proof.about),
        messages=(system, *row_messages(proof.messages, frozenset(proof.marked))),
        tools=offered_tools(proof.task, domain),
        task=proof.task,
        delta=proof.delta,
        version=proof.domain_fingerprint,
    )


def system_prompt(blueprint: Blueprint, domain: Domain) -> str:
    """The system prompt that the agent had."""
    context = {"policy": policy_for(blueprint, domain)}
    question = Question(id="system", role="agent", prompt="agent", context=context)
    return str(render(question)[0]["content"])
