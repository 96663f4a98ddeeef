"""Frames on the conversation bench: what the checks find of what was planted, and what they fell of what is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from ..storage.safe_text import clean, truncate
from ..trajectories.conversation_bench import INTACT, Trial
from ..trajectories.defects import DEFECTS, PARAPHRASES
from .tables import interval, share

NOWHERE = "nowhere: no verified conversation has a place for it"
RIGHT = "–"


def bench(trials: Iterable[Trial]) -> pd.DataFrame:
    """Per group of judges and kind: how many conversations had it (0 where none has a place for it), how many its check
    caught, left open or missed, and how many any check felled. Of right ones what was felled are false alarms."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for trial in trials:
        count = counts.setdefault((trial.judge, trial.defect), Counter())
        count.update(["planted", trial.outcome, *["any"] * bool(trial.felled_by)])
    kinds = [(d.name, d.check or RIGHT, d.decidable and bool(d.check)) for d in (*PARAPHRASES, *DEFECTS)]
    rows = [
        {"judge": judge, "defect": name, "check": check, "decidable": decidable}
        | {what: counts.get((judge, name), Counter())[key] for what, key in COLUMNS.items()}
        for judge in dict.fromkeys(judge for judge, _ in counts)
        for name, check, decidable in [(INTACT, RIGHT, False), *kinds]
    ]
    return pd.DataFrame(rows, columns=["judge", "defect", "check", "decidable", *COLUMNS])


COLUMNS = {"planted": "planted", "caught": "fell", "undecided": "undecided", "missed": "held", "any check": "any"}


def recall(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `bench`: what was planted, with intervals, for people."""
    planted = frame[frame["check"] != RIGHT]
    shown = planted[["judge", "check", "defect"]].copy()
    shown["can be decided by"] = ["code" if d else "a reader" for d in planted["decidable"]]
    shown["planted"] = [f"{n:,}" if n else NOWHERE for n in planted["planted"]]
    for column in ("caught", "undecided"):
        shown[column] = _shares(planted, column)
    return shown


def alarms(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `bench`: right conversations, as they were and in other words; what was felled of them are false alarms."""
    right = frame[(frame["check"] == RIGHT) & (frame["planted"] > 0)]
    shown = right[["judge", "defect"]].rename(columns={"defect": "said otherwise"})
    shown["conversations"] = [f"{n:,}" for n in right["planted"]]
    for column, title in (("caught", "false alarms"), ("undecided", "undecided")):
        shown[title] = _shares(right, column)
    return shown


def by_check(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `bench`: the figures per group of judges and check, what code decides and what takes a reader apart; the last
    row of each group has the false alarms of all right conversations."""
    counted = ["planted", "caught", "undecided"]
    shown = frame.groupby(["judge", "check", "decidable"], sort=False, as_index=False)[counted].sum()
    shown = shown.sort_values(["judge", "check"], key=lambda column: column == RIGHT, kind="stable")
    texts = shown[["judge", "check"]].replace({"check": {RIGHT: "right conversations: false alarms"}})
    texts["can be decided by"] = ["code" if d else "a reader" for d in shown["decidable"]]
    texts.loc[shown["check"] == RIGHT, "can be decided by"] = RIGHT
    texts["planted"] = [f"{n:,}" for n in shown["planted"]]
    for column in ("caught", "undecided"):
        texts[column] = _shares(shown, column)
    return texts


def missed(trials: Iterable[Trial]) -> pd.DataFrame:
    """What its check did not find, and false alarms, each with what was said of it: to read, or to mend a check."""
    rows = []
    for trial in trials:
        wrong = trial.outcome == "fell" if not trial.check else trial.outcome == "held"
        if wrong:
            told = "; ".join(f"{v.gate}: {v.reason}" for v in trial.verdicts if v.outcome != "held")
            what = "missed" if trial.check else "false alarm"
            rows.append((trial.judge, what, trial.defect, trial.check, trial.id, clean(truncate(told, 200))))
    return pd.DataFrame(rows, columns=["judge", "what", "defect", "check", "conversation", "what the checks said"])


def _shares(frame: pd.DataFrame, column: str) -> list[str]:
    pairs = zip(frame[column], frame["planted"], strict=True)
    return [f"{share(count, n)} {interval(count, n)}" if n else "–" for count, n in pairs]
