"""The pages that explain a run: pass rates, reflection, the committee, the dataset. Each opens with its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from ..models.ledger import Price
from ..records import METRICS, Proposal, Trajectory
from . import agreement, comparison, listings, passing, pieces, reflection, spread, tables
from .contents import Contents
from .packing import packed
from .panels import columns, numbers, panel, views
from .tables import interval, share

EVERY_GATE = "all gates"


def _head(title: str, answer: str, hint: str = "") -> Markup:
    text = Markup('<h1>{}</h1><p class="lead">{}</p>').format(title, answer)
    return text + (Markup('<p class="quiet hint">{}</p>').format(hint) if hint else "")


def pass_rates(proposals: Sequence[Proposal]) -> str:
    """What each gate let pass: the funnel, and any gate by any facet."""
    frame = passing.judged(proposals)
    gates = passing.gates(frame)
    steps = passing.steps(proposals, frame)
    panels: dict[tuple[str, ...], str] = {}
    for gate in (None, *gates):
        for facet in passing.FACETS:
            counted = passing.by(frame, facet, gate)
            panels[gate or EVERY_GATE, facet] = panel(passing.figure(counted, gate), _numbers(counted, facet, gate))
    choices = {"gate": [EVERY_GATE, *gates], "by": ["failure", *(f for f in passing.FACETS if f != "failure")]}
    links = [{"fell at": gate} for gate in steps["gate"]]
    return Markup("").join(
        [
            _head("What each gate let pass, and what fell there", _pass_answer(proposals, frame), HINT),
            panel(passing.steps_figure(steps), numbers(steps.drop(columns="gate"), links=links)),
            Markup("<h2>One gate, from any side</h2>"),
            Markup(views(choices, panels)),
        ]
    )


HINT = "Click a bar to read the blueprints behind it; the numbers under each figure lead there, too."


def _numbers(counted: pd.DataFrame, facet: passing.Facet, gate: str | None) -> pieces.Piece:
    also = {"fell at": gate} if gate else {}
    if facet == "failure":
        links = [{"failure": name if gate is None else f"{gate}: {name}"} for name in counted["failure"]]
        return numbers(counted, ("accepted later", "never repaired"), links=links)
    name = "fell in" if facet == "attempt" else facet
    return numbers(counted, links=[{**also, name: value} for value in counted[facet]])


def _pass_answer(proposals: Sequence[Proposal], frame: pd.DataFrame) -> str:
    attempts = sum(len(p.attempts) for p in proposals)
    accepted = sum(a.accepted for p in proposals for a in p.attempts)
    answer = f"{attempts:,} attempts were made at {tables.tried(proposals)}; {accepted:,} passed every gate"
    answer += f" ({share(accepted, attempts)} of the attempts {interval(accepted, attempts)})."
    funnel = tables.funnel(frame.astype({"gate": object}))
    if funnel.empty or not funnel["fell"].any():
        return answer
    worst = funnel.loc[funnel["fell"].idxmax()]
    why = passing.by(frame, "failure", worst["gate"]).iloc[0]
    return answer + (
        f" Most fell at “{worst['gate']}”: {worst['fell']:,} of the {worst['attempted']:,} that it judged, most often "
        f"for “{why['failure']}” ({why['attempted']:,} times)."
    )


def reflections(proposals: Sequence[Proposal], prices: Mapping[str, Price] | None = None) -> str:
    """What feedback repaired, what it cost, and every step word by word."""
    gates = passing.gates(passing.judged(proposals))
    rounds, mended = tables.rounds(proposals), reflection.repairs(proposals)
    answered = mended[mended["attempted"] > 0].reset_index(drop=True)
    named = answered.assign(failure=[f"{g}: {f}" for g, f in zip(answered["gate"], answered["failure"], strict=True)])
    counted = named[["failure", "attempted", "passed", "fell", "rate", "low", "high"]]
    links = [{"failure": name} for name in counted["failure"]]
    words = ("gone in the next attempt", "still there, or not reached")
    costs = Markup('<section class="panel"><h2>What it cost</h2>{}</section>').format(
        Markup(pieces.table(reflection.costs(proposals, prices), percent=()))
    )
    flow = panel(reflection.sankey(reflection.flows(proposals), gates), _flow_table(proposals))
    return Markup("").join(
        [
            _head("What reflection repaired, and at what price", reflection.answer(proposals)),
            columns([panel(reflection.yield_figure(rounds), pieces.table(rounds, fold="The numbers")), costs]),
            flow,
            panel(reflection.repairs_figure(mended), numbers(counted, words, links=links)),
            Markup(listings.steps(proposals)),
        ]
    )


def _flow_table(proposals: Sequence[Proposal]) -> pieces.Piece:
    frame = reflection.flows(proposals).assign(attempt=lambda f: [passing.nth(n) for n in f["attempt"]])
    return pieces.table(frame, most=60, fold="The numbers")


def committee(proposals: Sequence[Proposal]) -> str:
    """How the judges voted, how far they agree, and where they did not. "" when no judge ever voted."""
    votes = agreement.votes(proposals)
    if votes.empty:
        return ""
    judges, pairs, fleiss = agreement.judges(votes), agreement.cohen(votes), agreement.fleiss(votes)
    split = agreement.disagreements(proposals)
    split = split.assign(attempt=[passing.nth(n) for n in split["attempt"]])
    ballots = len(votes) // len(METRICS)
    kinds = [
        ("Agreement of all judges", pieces.table(fleiss, percent=("share",))),
        ("Agreement of pairs", pieces.table(pairs, percent=("agree",))),
    ]
    boxes = [Markup('<section class="panel"><h2>{}</h2>{}</section>').format(t, Markup(h)) for t, h in kinds]
    note = (
        "κ is 0 when judges agree as often as chance would have it and 1 when they always do. The committee asks on "
        "only while a result is open, so a vote of all judges means that the first ones differed: there agreement is "
        "lower by construction. The pair that always votes tells more about the judges."
    )
    read = Markup('<h2>Disagreements to read first</h2><div class="panel">{}</div>').format(
        Markup(pieces.table(split, most=200))
    )
    return Markup("").join(
        [
            _head("How the judges voted, and how far they agree", _committee_answer(ballots, split, pairs, votes)),
            columns([panel(agreement.votes_figure(judges)), panel(agreement.kappa_figure(pairs))]),
            columns(boxes),
            Markup('<p class="quiet">{}</p>').format(note),
            read,
        ]
    )


def _committee_answer(ballots: int, split: pd.DataFrame, pairs: pd.DataFrame, votes: pd.DataFrame) -> str:
    judged = len(votes[["proposal", "attempt"]].drop_duplicates())
    answer = (
        f"{ballots:,} votes on {judged:,} attempts. On {len(split):,} of them ({share(len(split), judged)}) the judges "
    )
    answer += "differed in at least one metric."
    known = pairs.dropna(subset=["Cohen's κ"])
    if known.empty:
        return answer
    best = known.loc[known["both voted"].idxmax()]
    kappa = best["Cohen's κ"]
    return answer + (
        f" {best['one']} and {best['other']}, who voted together most often, agree on "
        f"{share(round(best['agree'] * best['both voted']), int(best['both voted']))} of {best['both voted']:,} scores "
        f"(Cohen's κ {kappa:.2f} [{best['low']:.2f}–{best['high']:.2f}])."
    )


def dataset(records: Sequence[Trajectory], proposals: Sequence[Proposal], rows: int | None) -> str:
    """How long conversations are, which tool follows which, what is there twice, and a table of all."""
    frame = spread.rows(records, proposals)
    twice = spread.duplicates(frame)
    verified = int(frame["success"].sum())
    answer = f"{len(frame):,} conversations, {verified:,} verified, {verified - len(twice):,} of these distinct"
    answer += f"; the dataset holds {rows:,} rows." if rows is not None else "; no dataset was exported yet."
    measures = [panel(spread.figure(frame, name)) for name in spread.measures(frame)]
    moves = spread.transitions(records)
    again = Markup('<section class="panel"><h2>Said and done twice: {} verified conversations</h2>{}</section>').format(
        f"{len(twice):,}", Markup(pieces.table(twice, links={"trajectory": "trajectories", "same as": "trajectories"}))
    )
    return Markup("").join(
        [
            _head("What the dataset is made of", answer),
            columns([*measures, panel(spread.mixed(frame)), panel(spread.mixed(frame, "behaviour"))]),
            panel(spread.transitions_figure(moves), pieces.table(moves, most=60, fold="The numbers")),
            again,
            Markup("<h2>Every conversation in a table</h2>"),
            Markup(searchable(frame)),
        ]
    )


def searchable(frame: pd.DataFrame) -> pieces.Piece:
    """Of `spread.rows`: a table to search, sort and page through."""
    shown = frame.drop(columns=["same as"] + ([] if "tokens" in spread.measures(frame) else ["tokens"]))
    shown["success"] = ["verified" if good else "failed" for good in shown["success"]]
    links = ["trajectories" if c == "trajectory" else "blueprints" if c == "blueprint" else "" for c in shown.columns]
    data = {"columns": list(shown.columns), "rows": shown.to_numpy().tolist(), "links": links}
    return pieces.draw("datatable.html.j2", data=packed(data, "rows"))


def compared(runs: Mapping[str, Contents], hrefs: Mapping[str, str]) -> str:
    """Several runs side by side; `hrefs` is run → its report."""

    def table(title: str, frame: pd.DataFrame, most: int = 200) -> Markup:
        drawn = Markup(pieces.table(frame, most=most, percent=(), links={}))
        return Markup('<section class="panel"><h2>{}</h2>{}</section>').format(title, drawn)

    changed, both = comparison.changes(runs), comparison.same_seeds(runs)
    steps, gates = comparison.shares(runs), comparison.by(runs, "gate")
    links = Markup(" · ").join(Markup('<a href="{}">{}</a>').format(href, name) for name, href in hrefs.items())
    figures = [
        panel(comparison.shares_figure(steps, "What came through, run by run"), _counts(steps)),
        panel(
            comparison.shares_figure(gates, "What each gate let pass, of the attempts that it judged"), _counts(gates)
        ),
    ]
    kinds = comparison.by(runs, "kind")
    figures += [panel(comparison.shares_figure(kinds, "Blueprints accepted, by kind"), _counts(kinds))]
    figures += [panel(comparison.lengths_figure(runs, measure)) for measure in ("turns", "calls", "words")]
    return Markup("").join(
        [
            _head("Runs side by side", comparison.sentence(runs)),
            Markup('<p class="quiet">Reports: {}</p>').format(links),
            table("What they gave and cost", comparison.numbers(runs)),
            table(f"What was set differently: {len(changed)} settings", changed),
            columns(figures),
            table("The same seeds in both", both) if len(both) else Markup(""),
            table("Why most fell, gate by gate", comparison.gates_of(runs)),
        ]
    )


def _counts(frame: pd.DataFrame) -> pieces.Piece:
    shown = frame[["step", "run", "attempted", "passed", "rate", "low", "high"]].sort_values("step", kind="stable")
    return pieces.table(shown, most=80, fold="The numbers")
