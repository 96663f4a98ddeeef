"""A note on the conversation that is shown: keep it, drop it, why; kept in the run's `notes.jsonl`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import ipywidgets as W
from markupsafe import Markup

from ...dataset.notes import MOST_WHO, MOST_WHY, take_note
from ...storage.run_folder import InUse, Run
from ...storage.safe_text import clean_name
from ..people_notes import SAID, shown
from ..run_contents import RunContents
from .layout import choice, line, put, show, stack
from .report_pages import ReportPages

CONVERSATIONS = "trajectories.html"
NOTHING = "Choose a conversation to leave a note on it."


class NoteForm:
    """What a person says of the conversation that these pages show. Who they are is theirs to say, and is kept for the
    next note; nothing is filled in for them."""

    def __init__(self, run: RunContents, pages: ReportPages) -> None:
        self.run, self.pages, self.id = run, pages, ""
        self.verdict = choice("note", [("no verdict", ""), ("keep it", "keep"), ("drop it", "drop")], width="170px")
        self.why = _text("why", f"at most {MOST_WHY:,} characters", "330px")
        self.who = _text("who", f"if you like; at most {MOST_WHO}", "220px")
        self.save = W.Button(description="Save note", button_style="primary", tooltip="add it to notes.jsonl")
        self.about, self.told, self.old = show(), show(), show()
        self.save.on_click(lambda _: self.take())
        self.about.layout.width = self.told.layout.width = "auto"
        self.box = stack(self.old, line(self.about, self.verdict, self.why, self.who, self.save, self.told))
        self.box.add_class("apigen-note")
        pages.observe(self._follow, "address")
        self._follow()

    def take(self) -> None:
        """Keep what stands in the form, and say so, or say why not."""
        trajectory = self.run.conversation(self.id)
        if trajectory is None:
            return put(self.told, NOTHING)
        try:
            note = take_note(Run(self.run.folder), trajectory, self.verdict.value, self.why.value, self.who.value)
        except (ValueError, InUse, OSError) as problem:
            return put(self.told, str(problem))
        self.run.hear(note)
        put(self.told, f"Saved: {SAID[note.verdict]}. The dataset heeds it when it is made the next time.")
        self._show()

    def _follow(self, _: Any = None) -> None:
        """Another conversation has another note."""
        page, _, fragment = self.pages.address.partition("#")
        id = unquote(fragment.partition("?")[0])
        if page != CONVERSATIONS or id == self.id:
            return
        self.id = id
        note = self.run.said.get(id)
        self.verdict.value, self.why.value = (note.verdict, note.why) if note else ("", "")
        put(self.told, "")
        self._show()

    def _show(self) -> None:
        trajectory, note = self.run.conversation(self.id), self.run.said.get(self.id)
        put(self.old, shown(note, trajectory) if note and trajectory and note.stale(trajectory) else "")
        put(self.about, Markup("<b>Note on {}</b>").format(clean_name(self.id)))
        self.save.disabled = trajectory is None


def _text(name: str, placeholder: str, width: str) -> W.Text:
    layout = W.Layout(width=width, max_width="100%")
    return W.Text(description=name, placeholder=placeholder, style={"description_width": "initial"}, layout=layout)
