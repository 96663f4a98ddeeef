"""What people say of conversations: `notes.jsonl` of a run, a line a note, of which the last about a conversation
counts. It is no artefact of a stage: no stage writes it, and it stays when conversations are made anew. A note holds
the hash of what the person read; about a conversation that says something else now it is stale and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from ..records import Record, Trajectory
from ..storage.jsonl import Damaged, append_line, parse_line
from ..storage.run_folder import Run

MOST_WHY, MOST_WHO = 2_000, 80  # characters
Judgement = Literal["keep", "drop", ""]


class Note(Record):
    """What a person says of the conversation `id`, whose `content` was this: to keep it, to drop it, or neither, which
    takes an earlier word back; why; and, where they say so, who they are."""

    id: str
    content: str
    verdict: Judgement
    why: Annotated[str, Field(max_length=MOST_WHY)] = ""
    who: Annotated[str, Field(max_length=MOST_WHO)] = ""

    def stale(self, trajectory: Trajectory | None) -> bool:
        """Whether the conversation is another one now, or gone."""
        return trajectory is None or trajectory.content != self.content


def take_note(run: Run, trajectory: Trajectory, verdict: Judgement, why: str = "", who: str = "") -> Note:
    """Add a person's word about a conversation to the run's notes, whole or not at all. ValueError, in words for that
    person, where it is too long; InUse while another process writes the run's folder; OSError where nobody can."""
    for name, text, most in (("why", why, MOST_WHY), ("who", who, MOST_WHO)):
        if len(text) > most:
            raise ValueError(f"{name}: expected at most {most:,} characters, found {len(text):,}; say it shorter")
    why, who = (text.encode("utf-8", "replace").decode().strip() for text in (why, who))  # no file holds half a sign
    note = Note(id=trajectory.id, content=trajectory.content, verdict=verdict, why=why, who=who)
    with run.writing():
        append_line(run.notes, note.line())
    return note


def read_notes(path: Path) -> list[Note]:
    """All notes in the order in which they were taken; none where there is no file. Damaged, with its number, where a
    line is no note: what people wrote is not dropped in silence."""
    return list(_read(path)) if path.is_file() else []


def _read(path: Path) -> Iterator[Note]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield parse_line(line, Note)
            except ValidationError as error:
                problem = error.errors(include_url=False)[0]
                where = ".".join(map(str, problem["loc"])) or "the line"
                raise Damaged(
                    f"{path}, line {number}: expected a note, found {where}: {problem['msg']}; mend or delete the line"
                ) from None


def latest(notes: Iterable[Note]) -> dict[str, Note]:
    """Conversation → what was said of it last."""
    return {note.id: note for note in notes}
