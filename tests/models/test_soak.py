"""Conversations with a server that does everything wrong at once: nothing is lost, and the end is that of a good day.

`SOAK=10000` holds ten thousand conversations instead of the few of every test run, and watches the memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import resource
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from apigen_nb.models import EndpointDown
from apigen_nb.models.roles import Roles
from apigen_nb.records import STOP, Trajectory
from apigen_nb.storage.journal import Run, forget_unanswered, read_lines
from apigen_nb.trajectories.converse import converse_all
from apigen_nb.world.domain import Domain
from tests.fault_server import FAULTS, FaultServer
from tests.library import RENEW, task

TIMES = int(os.environ.get("SOAK", "40"))

# What a model says wrongly is a matter of the question: asked again it says the same.
SAID = ("length", "content-filter", "refusal", "huge", "bad-arguments", "unknown-tool", "same-ids", "tool-in-text")
SAID += ("400", "403-flagged")
POISON = ("500", "malformed")
STOPS = ("307", "401", "403", "404", "no-tools", "no-max-tokens", "429-hour")
PASSING = tuple(fault for fault in FAULTS if fault not in (*SAID, *STOPS))
SLOW = ("stall", "half-open", "429-date")  # each costs a time-out


def plays(body: dict[str, Any]) -> str | dict[str, Any]:
    """A customer who asks or goes, an agent that looks something up or answers; a function of the body."""
    messages = body["messages"]
    dice = random.Random(hashlib.sha256(json.dumps(messages).encode()).digest())
    number = dice.randrange(1000)
    if "tools" not in body:
        return STOP if len(messages) > 4 and dice.random() < 0.6 else f"I need help with L1, it is about {number}."
    if messages[-1]["role"] == "tool" or dice.random() < 0.4:
        return f"That is number {number}."
    name = dice.choice(["get_loan", "renew_loan", "get_member", "find_member"])
    arguments = dice.choice([{"loan_id": "L1", "reason": "travel"}, {"loan_id": "L1"}, {"member_id": "none"}, {}])
    call = {"id": "call", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"content": None, "tool_calls": [call] * dice.choice([1, 1, 2])}


class Held(NamedTuple):
    """Why those failed that got no answer, by id; which faults were met, how often."""

    missing: dict[str, str]
    met: Counter[str]


def hold(
    domain: Domain, folder: Path, rates: dict[str, float], sticky: dict[str, float], queue: Sequence[str] = ()
) -> Held:
    """Hold all conversations, or go on with them."""
    blueprints = [
        task(RENEW).model_copy(update={"id": f"library-{number:05}", "instruction": f"You are guest {number}."})
        for number in range(TIMES)
    ]

    async def work() -> Held:
        async with FaultServer(plays, rates=rates, sticky=sticky, seed=1, retry_after=0.02, keep=False) as server:
            server.next(*queue)
            models = Roles(domain, model="tiny", base_url=server.url, timeout=1.5, concurrency=32, folder=folder)
            try:
                held = await converse_all(domain, models, Run.open(folder), blueprints, attempts=1)
            finally:
                await models.aclose()
            return Held({one.id: one.reason for one in held if one.unanswered}, server.met)

    return asyncio.run(work())


def test_a_bad_day_ends_like_a_good_one(library: Domain, tmp_path: Path) -> None:
    said, poison = dict.fromkeys(SAID, 0.03), dict.fromkeys(POISON, 0.04)
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    good = hold(library, calm, {}, said)
    assert not good.missing
    assert set(good.met) == {*SAID, ""}
    whole = {held.id: held for held in read_lines(calm / "trajectories.jsonl", Trajectory)}
    assert len(whole) == TIMES
    assert {held.ended for held in whole.values()} >= {"stop", "agent_error"}

    rates = {fault: 0.001 if fault in SLOW else 0.007 for fault in PASSING}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bad = hold(library, rough, rates, said | poison, queue=PASSING)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000, "kB; 10,000 conversations need no more memory than 40"
    assert {*PASSING} <= set(bad.met) <= {*FAULTS, ""} - {*STOPS}
    assert 0 < len(bad.missing) < TIMES / 2
    assert all("no answer from tiny at" in reason and "the last: " in reason for reason in bad.missing.values())
    assert all(any(said in reason for reason in bad.missing.values()) for said in ("internal", "not a chat completion"))
    assert as_whole(rough, whole) == set(bad.missing)

    again = hold(library, rough, rates, said | poison)
    assert (again.missing, again.met) == (bad.missing, {}), "what has failed is not asked for again by itself"
    forget_unanswered(rough / "trajectories.jsonl", Trajectory)
    poisoned = hold(library, rough, {}, said | poison)
    assert 0 < len(poisoned.missing) <= len(bad.missing), "poison stays poison, bad luck does not"
    assert as_whole(rough, whole) == set(poisoned.missing) <= set(bad.missing)
    forget_unanswered(rough / "trajectories.jsonl", Trajectory)
    assert not hold(library, rough, rates, said).missing
    assert (rough / "trajectories.jsonl").read_bytes() == (calm / "trajectories.jsonl").read_bytes()
    assert not (rough / "trajectories.jsonl.part").exists()


def as_whole(folder: Path, whole: dict[str, Trajectory]) -> set[str]:
    """The ids of the conversations that got no answer; all others are as they are on a good day."""
    kept = {held.id: held for held in read_lines(folder / "trajectories.jsonl", Trajectory)}
    assert list(kept) == list(whole)
    assert all(held == whole[id] for id, held in kept.items() if not held.unanswered)
    return {id for id, held in kept.items() if held.unanswered}


@pytest.mark.parametrize("fault", ["401", "404"])
def test_an_end_keeps_what_was_done(library: Domain, tmp_path: Path, fault: str) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    assert not hold(library, calm, {}, {}).missing
    good = replies(calm) * 3 // 4
    with pytest.raises(EndpointDown, match=f"tiny at http.* answers {fault}"):
        hold(library, rough, {}, {}, queue=[*[""] * good, *[fault] * 99])
    assert good - 40 <= replies(rough) <= good
    assert 0 < len(read_lines(rough / "trajectories.jsonl.part", Trajectory)) < TIMES
    assert not hold(library, rough, {}, {}).missing
    assert replies(rough) == replies(calm)
    assert (rough / "trajectories.jsonl").read_bytes() == (calm / "trajectories.jsonl").read_bytes()


def replies(folder: Path) -> int:
    return (folder / "replies.jsonl").read_bytes().count(b"\n")
