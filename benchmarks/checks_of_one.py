"""CPU milliseconds that the checks of one version take for each conversation of a file: without conduct, and conduct.

    PYTHONPATH=CHECKOUT python benchmarks/checks_of_one.py CONVERSATIONS.jsonl DOMAIN

For `checks.py --before`, which runs it with the package of either version, and each time in a process of its own: so
every text is new to it. Fields that a version's records do not have are left out.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apigen_nb import records
from apigen_nb.records import Blueprint, Change, Message, Verdict
from apigen_nb.trajectories import reward
from apigen_nb.trajectories.dialogue import Dialogue
from apigen_nb.world.domain import Domain

WARM = 5  # every so manieth conversation is checked before the clock starts: what is made once a domain is there
ENDED = Verdict(gate="ended", passed=True)
HAS_CONDUCT = importlib.util.find_spec("apigen_nb.trajectories.conduct") is not None


def _read(record: Any, fields: dict[str, Any]) -> Any:
    known = {name: value for name, value in fields.items() if name in record.model_fields}
    return record.model_validate_json(json.dumps(known))


def _case(line: str, domain: Domain) -> tuple[Dialogue, tuple[Change, ...], Any]:
    found = json.loads(line)
    dialogue = Dialogue(_read(Blueprint, found["task"]), [_read(Message, m) for m in found["messages"]], domain)
    readings = [_read(records.Reading, one) for one in found["readings"]] if HAS_CONDUCT else []
    return dialogue, tuple(_read(Change, change) for change in found["diff"]), readings


def _outcome_and_conduct(case: tuple[Dialogue, tuple[Change, ...], Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """State, outputs and behaviour, and what came after them."""
    dialogue, reached, readings = case
    if not HAS_CONDUCT:
        return lambda: reward.check_all(dialogue, reached, ENDED), lambda: None  # type: ignore[call-arg]  # of old
    meanings = importlib.import_module("apigen_nb.trajectories.meaning").Meanings(dialogue.messages, readings)
    conduct = importlib.import_module("apigen_nb.trajectories.conduct").keeps_conduct
    behaviour = importlib.import_module("apigen_nb.trajectories.behaviour").shows_behaviour

    def outcome() -> None:
        reward.same_state(dialogue.groundtruth.diff, reached)
        reward.all_told(dialogue, meanings)
        behaviour(dialogue, meanings)

    return outcome, lambda: conduct(dialogue, meanings)


def main() -> int:
    file, name = sys.argv[1:]
    domain, lines = Domain.load(name), Path(file).read_text(encoding="utf-8").splitlines()
    found: list[list[float]] = []
    for number, line in enumerate([*lines[::WARM], *lines]):
        if number == len(lines[::WARM]):
            gc.collect()
            gc.freeze()  # to look through a whole domain for garbage takes as long as a hundred conversations
        spent = []
        for check in _outcome_and_conduct(_case(line, domain)):
            begin = time.process_time()
            check()
            spent.append(1000 * (time.process_time() - begin))
        found += [spent] if number >= len(lines[::WARM]) else []
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
