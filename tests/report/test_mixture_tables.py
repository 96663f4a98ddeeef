"""Frames on the mix of a run, and the pieces that show kinds, denied wishes, candidates and blame."""

from __future__ import annotations

from typing import Any

import pandas as pd

from apigen_nb.blueprints.difficulty import difficulty
from apigen_nb.records import LEVELS, Blame, Candidate, Choice, Proposal, Trajectory, Usage, Verdict
from apigen_nb.report import charts, mixture_tables, pieces
from apigen_nb.world.domain import Domain
from tests.report_records import HOSTILE, RETURN, proposals, trajectories

RECORDS = [
    p.model_copy(update={"kind": kind, "behaviour": "terse" if n % 2 else "cooperative"})
    for n, (p, kind) in enumerate(zip(proposals(24), ["no tool", "plain", "forbidden"] * 8, strict=True))
]
TALKS = trajectories(RECORDS)


def counts(frame: pd.DataFrame, name: str) -> dict[str, tuple[int, int]]:
    return {row[name]: (row["passed"], row["attempted"]) for _, row in frame.iterrows()}


def test_yields_are_counted_by_kind_in_the_order_of_kinds() -> None:
    frame = mixture_tables.yields(RECORDS, "kind")
    assert frame["kind"].tolist() == ["plain", "forbidden", "no tool"]
    expected = {kind: [p.accepted for p in RECORDS if p.kind == kind] for kind in frame["kind"]}
    assert counts(frame, "kind") == {kind: (sum(found), len(found)) for kind, found in expected.items()}
    assert (frame["fell"] == frame["attempted"] - frame["passed"]).all()


def test_successes_are_those_of_the_blueprints_behaviour() -> None:
    frame = mixture_tables.successes(RECORDS, TALKS, "behaviour")
    of = {p.id: p.behaviour for p in RECORDS}
    assert frame["attempted"].sum() == len(TALKS)
    for name, (passed, attempted) in counts(frame, "behaviour").items():
        found = [t.success for t in TALKS if of[t.blueprint] == name]
        assert (passed, attempted) == (sum(found), len(found))


def test_a_conversation_without_its_blueprint_is_not_lost() -> None:
    assert counts(mixture_tables.successes([], TALKS, "kind"), "kind") == {
        "unknown": (sum(t.success for t in TALKS), len(TALKS))
    }


def test_blame_is_counted_by_cause() -> None:
    blamed = [
        TALKS[n].model_copy(update={"blame": Blame(cause=cause, turn=1, evidence="x", judged=judged)})
        for n, (cause, judged) in enumerate([("user", False), ("agent", False), ("agent", True)])
    ]
    frame = mixture_tables.blames([*blamed, *TALKS[3:6]])
    assert frame[["cause", "attempted", "judged"]].to_numpy().tolist() == [["agent", 2, 1], ["user", 1, 0]]
    figure = charts.blames(frame)
    assert figure.layout.meta["page"] == "trajectories"
    assert figure.layout.meta["leads"][1][0] == {"cause": "agent", "outcome": "failed"}


def test_levels_that_were_asked_for_and_came_out() -> None:
    retail = Domain.load("retail")
    frame = mixture_tables.levels(RECORDS, retail).set_index("level")
    assert frame.index.tolist() == list(LEVELS)
    accepted = [p for p in RECORDS if p.accepted]
    asked = frame[[f"asked {level}" for level in LEVELS]]
    assert asked.to_numpy().sum() == len(accepted)
    for level in LEVELS:
        out = sum(difficulty(p.blueprint, retail).level == level for p in accepted)
        assert frame.loc[level, "accepted came out so"].startswith(f"{out:,} · ")
        assert asked[f"asked {level}"].sum() == sum(p.level == level for p in accepted)
        assert frame.loc[level, "seeds asked for it"].startswith(f"{sum(p.level == level for p in RECORDS):,} · ")


def test_recombined_blueprints_stand_apart() -> None:
    records = [*RECORDS, RECORDS[0].model_copy(update={"id": "retail-r0000", "parts": ("a", "b")})]
    frame = mixture_tables.recombined(records, TALKS).set_index("made of")
    assert frame.loc["one seed", "tried"] == 24
    assert frame.loc["2 parts", "tried"] == 1
    assert frame["conversations"].sum() == len(TALKS)


def test_what_early_stopping_saved() -> None:
    votes = RECORDS[0].attempts[-1].verdicts[-1].votes
    short = [v.model_copy(update={"votes": votes[:2]}) for v in RECORDS[0].attempts[-1].verdicts[-1:]]
    attempt = RECORDS[0].attempts[-1].model_copy(update={"verdicts": tuple(short)})
    one = RECORDS[0].model_copy(
        update={"attempts": (attempt,), "usage": {"judge": Usage(calls=2, prompt=900, completion=100)}}
    )
    rows = dict(mixture_tables.early_stop([one], judges=3).to_numpy().tolist())
    assert rows == {
        "blueprints judged": "1",
        "votes asked for": "2 of 3",
        "votes saved": "1 · 33.3 %",
        "tokens saved, about": "500 beside 1,000 spent",
    }
    free = one.model_copy(update={"usage": {}})  # the scripted model counts no tokens
    assert "tokens saved, about" not in dict(mixture_tables.early_stop([free], judges=3).to_numpy().tolist())


def with_task(record: Proposal, **parts: Any) -> Proposal:
    last = record.attempts[-1]
    assert last.blueprint is not None
    changed = last.model_copy(update={"blueprint": last.blueprint.model_copy(update=parts)})
    return record.model_copy(update={"attempts": (*record.attempts[:-1], changed), **{k: parts[k] for k in ("kind",)}})


def test_a_blueprint_shows_what_must_come_to_nothing_and_what_is_withheld() -> None:
    shown = pieces.proposal(with_task(RECORDS[0], kind="forbidden", denied=(RETURN,), withheld=(HOSTILE,)))
    assert "Asked for, but must not be carried out (forbidden)" in shown
    assert "Told only when asked" in shown
    assert "<script>" not in shown


def test_a_trajectory_shows_candidates_blame_and_missing_behaviour() -> None:
    verdict = Verdict(gate="behaviour", passed=False, kind="not declined", reason=f"never said so {HOSTILE}")
    candidates = (Candidate(text="Hello", score=7, reason="fine"), Candidate(text=HOSTILE, flaws=("repetition",)))
    talk: Trajectory = TALKS[0].model_copy(
        update={
            "verdicts": (verdict,),
            "choices": (Choice(turn=0, chosen=0, candidates=candidates),),
            "blame": Blame(cause="agent", turn=2, evidence=f"did not decline {HOSTILE}", judged=True),
        }
    )
    task = with_task(RECORDS[0], kind="missing tool", denied=(RETURN,), behaviour="rambling").attempts[-1].blueprint
    shown = pieces.compare(talk, task)
    for text in ("Caused by the agent, as a judge finds", "behaviour not shown: not declined", "repetition",
                 "What else the user could have said", "rambling user", "missing tool"):  # fmt: skip
        assert text in shown
    assert "<script>" not in shown
