"""The questions of meaning that the cases leave open and no recorded reading answers, each with its passage."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from apigen_nb.trajectories.cases import Case, RecordedReading, open_claims, said_in
from apigen_nb.trajectories.meaning import Claim, passage
from apigen_nb.trajectories.replay import replay
from apigen_nb.world.domain import Domain

FOLDER = Path(__file__).parent / "cases"
READINGS = FOLDER / "readings_by_a_language_model.jsonl"
FILES = sorted(path for path in FOLDER.glob("*.jsonl") if path != READINGS)


def readings() -> dict[str, list[RecordedReading]]:
    """Case → its recorded readings."""
    found = defaultdict[str, list[RecordedReading]](list)
    for line in map(json.loads, READINGS.read_text().splitlines()):
        found[line["case"]].append(RecordedReading.model_validate_json(json.dumps(line["reading"])))
    return found


def cases(path: Path) -> list[Case]:
    """The cases of a file."""
    return [Case.model_validate_json(line) for line in path.read_text().splitlines()]


def unread() -> Iterator[tuple[Case, Claim]]:
    """Each case with a question about it that nobody has read."""
    known = readings()
    for case in (case for path in FILES for case in cases(path)):
        for claim in open_claims(case, Domain.load(case.domain), known[case.id]):
            yield case, claim


def show(case: Case, claim: Claim) -> str:
    """A question with its passage, and the line to fill in."""
    _, messages = replay(case.blueprint, Domain.load(case.domain), said_in(case))
    lines = passage(messages, claim.start, claim.end)
    opinion = {"judge": "?", "answer": "|".join(claim.answers), "turn": -1, "quotation": ""}
    reading = {"id": claim.id, "question": claim.question, "opinions": [opinion], "majority": 1}
    line = json.dumps({"case": case.id, "reading": reading}, ensure_ascii=False)
    return "\n".join(
        [*lines, f"-- {claim.question}", f"-- {claim.about}", f"-- words of the {claim.speaker}", line, ""]
    )


if __name__ == "__main__":
    for pair in unread():
        print(show(*pair))
