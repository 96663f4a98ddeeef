"""What was meant is proven by what judges read: their answers stand in the proof, their quotations in the row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apigen_nb.dataset.verify import verify_dataset
from apigen_nb.models import Answer
from apigen_nb.world.domain import Domain
from tests.dataset_runs import does, export
from tests.library import RENEW, task
from tests.players import Means

ROADS = task(RENEW, outputs=("Salt Roads",))
SAID: Means = {"output told": ("yes", "jenes Buch über Salz")}
READ = (does(RENEW), Answer(text="Es geht um jenes Buch über Salz und Straßen."))


@pytest.fixture
def read(here: Domain, tmp_path: Path) -> Path:
    """The dataset of one conversation that only readings prove; no other file of the run is beside it."""
    made = asyncio.run(export(here, tmp_path / "run", *READ, about=ROADS, means=SAID))
    return (made / "dataset").rename(tmp_path / "dataset")


def proof_of(dataset: Path) -> dict[str, Any]:
    (line,) = (dataset / "proofs.jsonl").read_text("utf-8").splitlines()
    return dict(json.loads(line))


def forge(dataset: Path, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What verify says of the row once the proof was changed; that files say something else then is told beside it."""
    proof = proof_of(dataset)
    change(proof)
    (dataset / "proofs.jsonl").write_text(json.dumps(proof, ensure_ascii=False) + "\n", "utf-8")
    told = [reason for _, reason in verify_dataset(dataset).failures]
    return [reason for reason in told if "is not the one that was proven" not in reason]


def test_a_row_is_proven_with_the_readings_in_its_proof(read: Path) -> None:
    readings = proof_of(read)["readings"]
    assert {reading["id"].partition("/")[0] for reading in readings} == {"output told", "promise"}
    report = verify_dataset(read)
    assert (report.rows, report.failures) == (1, [])


def test_a_row_without_its_readings_is_undecided(read: Path) -> None:
    found = forge(read, lambda proof: proof.update(readings=[]))
    assert len(found) == 2
    assert all("check is undecided" in reason for reason in found)
    assert found[0].startswith("outputs")


def readings_of(kind: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change the readings of a kind, or with `opinion` what each judge said in them."""

    def change(proof: dict[str, Any]) -> None:
        for reading in (one for one in proof["readings"] if one["id"].startswith(kind)):
            opinion = changes.get("opinion", {})
            reading.update({key: value for key, value in changes.items() if key != "opinion"})
            reading["opinions"] = [said | opinion for said in reading["opinions"]]

    return change


def of_another_output(proof: dict[str, Any]) -> None:
    """The answer to one question put before another one of the same words."""
    proof["task"]["outputs"] = ["The Iron Orchard"]


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "a quotation that nobody said": readings_of("output", opinion={"quotation": "It is Salt Roads."}),
    "no quotation": readings_of("output", opinion={"quotation": ""}),
    "a quotation from another message": readings_of("output", opinion={"turn": 1}),
    "the user's words": readings_of("output", opinion={"turn": 0, "quotation": "Please renew Salt Roads"}),
    "a message that is not there": readings_of("output", opinion={"turn": 99}),
    "an answer that is none": readings_of("output", opinion={"answer": "surely"}),
    "another question": readings_of("output", claim="0" * 16),
    "another output": of_another_output,
    "no majority": readings_of("output", majority=0),
    "more judges than there were": readings_of("output", majority=3),
    "no opinions": readings_of("output", opinions=[]),
    "a reading under another name": readings_of("output", id="output told/7"),
    "abstentions": readings_of("promise", opinion={"answer": "", "error": "nonsense"}),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_reading_proves_nothing(read: Path, change: Callable[[dict[str, Any]], None]) -> None:
    found = forge(read, change)
    assert found
    assert all("check is undecided" in reason for reason in found)


def test_a_reading_that_says_no_is_no_proof(read: Path) -> None:
    (found,) = forge(read, readings_of("output", opinion={"answer": "no"}))
    assert found.startswith("outputs check: ")
    (found,) = forge(read, readings_of("output", opinion={"answer": "yes"})) or [""]
    assert found == "", "with the right answer it holds again"


def test_words_that_were_read_cannot_be_changed_afterwards(read: Path) -> None:
    """Even where all files agree about them."""
    for path in read.glob("*/*.jsonl"):
        path.write_text(path.read_text("utf-8").replace("jenes Buch", "dieses Buch"), "utf-8")

    def reworded(proof: dict[str, Any]) -> None:
        for message in proof["messages"]:
            message["content"] = message["content"].replace("jenes Buch", "dieses Buch")

    found = forge(read, reworded)
    assert [reason.partition(":")[0] for reason in found] == ["outputs check is undecided"]
