"""The committee: how far its judges agree, and the verdicts on which they do not, those to read first on top."""

from __future__ import annotations

import functools
import importlib
import threading
from typing import Any

import ipywidgets as W
import pandas as pd

from ...records import METRICS
from .. import judge_agreement as agreement
from .. import pages, pieces
from .. import pass_rates as passing
from .browser import Browser, explorer, put, show, stack, switch, words
from .figure import Figure
from .record_index import Shelf

VOTES, PAIRS, ALL = "votes", "pair by pair", "all judges together"
SPLIT, JUDGED = "disagreements first", "everything that was judged"
NAMES = {"id": "blueprint · attempt"}


class Panel:
    """The explorer as parts; `box` is what to show."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.votes = agreement.votes(shelf.proposals.records)
        # The kappas' library takes a second and a half to import: meanwhile there is something to read.
        threading.Thread(target=importlib.import_module, args=("statsmodels.stats.inter_rater",), daemon=True).start()
        self.view, self.which = switch("", [VOTES, PAIRS, ALL]), switch("", [SPLIT, JUDGED])
        self.figure, self.table = Figure(), show()
        self.place = stack(self.figure)
        self.list = Browser("verdicts", self._item, self._search, NAMES)
        self.view.observe(lambda _: self._draw(), "value")
        self.which.observe(lambda _: self._list(), "value")
        self._draw()
        self._list()
        self.box = explorer(
            "Committee", self._answer(), self.view, self.place, show(words(pages.KAPPA)), self.which, self.list.box,
            scripted=shelf.scripted,
        )  # fmt: skip

    def _answer(self) -> str:
        if self.votes.empty:
            return "No judge has voted in this run."
        ballots, split = len(self.votes) // len(METRICS), agreement.disagreements(self.shelf.proposals.records)
        return pages.committee_answer(ballots, split, self.pairs, self.votes)

    @functools.cached_property
    def pairs(self) -> pd.DataFrame:
        """`report.agreement.cohen` of the votes."""
        return agreement.cohen(self.votes)

    def _draw(self) -> None:
        if self.view.value == VOTES:
            self.figure.show(agreement.votes_figure(agreement.judges(self.votes)))
        elif self.view.value == PAIRS:
            self.figure.show(agreement.kappa_figure(self.pairs))
        else:
            put(self.table, pieces.table(agreement.fleiss(self.votes), percent=("share",)))
        self.place.children = [self.table if self.view.value == ALL else self.figure]

    def _list(self) -> None:
        records = self.shelf.proposals.records
        if self.which.value == SPLIT:
            frame = agreement.disagreements(records).drop(columns="a judge against")
        else:
            rows = [
                (p.id, n, "passed" if v.passed else "fell", sum(1 for vote in v.votes if vote.scores))
                for p in records
                for n, attempt in enumerate(p.attempts)
                for v in attempt.verdicts
                if v.votes
            ]
            frame = pd.DataFrame(rows, columns=["proposal", "attempt", "result", "votes"])
        ids = [f"{p}{SEPARATOR}{passing.nth(n)}" for p, n in zip(frame["proposal"], frame["attempt"], strict=True)]
        shown = frame.drop(columns=["proposal", "attempt"])
        shown.insert(0, "id", ids)
        self.list.put(shown, "Verdicts with split votes" if self.which.value == SPLIT else "Verdicts")

    def _search(self, text: str) -> set[str]:
        found = self.shelf.proposals.search(text)
        return {id for id in self.list.frame["id"] if id.split(SEPARATOR)[0] in found}

    def _item(self, id: str) -> pieces.Piece:
        return pieces.proposal(self.shelf.proposals.whole(id.split(SEPARATOR)[0]))


SEPARATOR = " · "  # between a proposal's id and its attempt


def committee(run: Any) -> W.VBox:
    """The explorer of the committee's votes in a run (a `Run` or its folder)."""
    return Panel(run if isinstance(run, Shelf) else Shelf(run)).box
