"""How far the judges of a committee agree: votes, Cohen's and Fleiss' kappa, and the disagreements to read first.

Kappas are those of statsmodels. The committee stops asking when a result is settled, so not every judge votes on every
blueprint: each number says on how many it stands."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..records import METRICS, Proposal
from ..storage.safe_text import clean, clean_name, truncate_with_note
from .figure_notes import NO_VOTES
from .figure_style import FELL_BAR, HELD, HELD_BAR, canvas, empty, in_rows, interval_bars, label, legend, subtitle
from .tables import interval, share

VOTES = ["proposal", "attempt", "judge", "metric", "score"]
ALL = "all metrics"


def votes(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """One row for each committee vote × metric; votes that could not be read have no row."""
    rows = [
        (p.id, number, clean_name(vote.judge), metric, score)
        for p in proposals
        for number, attempt in enumerate(p.attempts)
        for v in attempt.verdicts
        for vote in v.votes
        for metric, score in (vote.scores or {}).items()
    ]
    frame = pd.DataFrame(rows, columns=VOTES)
    return frame.astype({"judge": "category", "metric": pd.CategoricalDtype(METRICS), "score": "int8"})


def judges(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `votes`: per judge and metric the votes and how many found it met (attempted, passed)."""
    counts = frame.groupby(["judge", "metric"], observed=True)["score"].agg(["size", "sum"]).reset_index()
    counts.columns = ["judge", "metric", "attempted", "passed"]
    return counts.astype({"attempted": int, "passed": int, "judge": str, "metric": str})


def _ballots(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a blueprint and metric, a column a judge, the score or NaN."""
    keys = ["proposal", "attempt", "metric"]
    return frame.drop_duplicates([*keys, "judge"]).set_index([*keys, "judge"])["score"].unstack("judge")


def fleiss(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `votes`: per metric, and over all, Fleiss' kappa of those votes in which every judge took part, with their
    number and how often all agreed. Without variation (all scores equal) there is no kappa: NaN."""
    # 1.5 s, and only this page needs it
    from statsmodels.stats.inter_rater import fleiss_kappa  # type: ignore[import-untyped]

    rows = []
    whole = _ballots(frame).dropna() if len(frame) else pd.DataFrame()
    named = [(m, whole.xs(m, level="metric")) for m in METRICS if len(whole) and m in whole.index.unique("metric")]
    for name, ballots in [*named, *([(ALL, whole)] if named else [])]:
        yes = ballots.sum(axis=1).to_numpy()
        seats = ballots.shape[1]
        agreed = int(((yes == 0) | (yes == seats)).sum())
        table = np.column_stack([seats - yes, yes])
        varied = seats > 1 and 0 < yes.sum() < seats * len(yes)
        kappa = float(fleiss_kappa(table)) if varied else float("nan")
        rows.append((name, len(ballots), seats, agreed, agreed / len(ballots), kappa))
    return pd.DataFrame(rows, columns=["metric", "votes of all", "judges", "unanimous", "share", "Fleiss' κ"])


def cohen(frame: pd.DataFrame) -> pd.DataFrame:
    """Of `votes`: per pair of judges, over all metrics that both voted on: how many, the share on which they agree, and
    Cohen's kappa with its 95 % interval (NaN without variation)."""
    from statsmodels.stats.inter_rater import cohens_kappa

    rows = []
    ballots = _ballots(frame) if len(frame) else pd.DataFrame()
    for one, other in itertools.combinations(list(ballots.columns), 2):
        both = ballots[[one, other]].dropna().astype(int)
        if both.empty:
            rows.append((one, other, 0, float("nan"), float("nan"), float("nan"), float("nan")))
            continue
        table = np.zeros((2, 2))
        np.add.at(table, (both[one].to_numpy(), both[other].to_numpy()), 1)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # 0/0 where nobody varies; shown as "–"
            found = cohens_kappa(table)
        low, high = max(-1.0, float(found.kappa_low)), min(1.0, float(found.kappa_upp))  # it is nowhere beyond
        numbers = (float(found.kappa), low, high) if found.kappa == found.kappa else (float("nan"),) * 3
        rows.append((one, other, len(both), float(np.trace(table) / len(both)), *numbers))
    return pd.DataFrame(rows, columns=["one", "other", "both voted", "agree", "Cohen's κ", "low", "high"])


def disagreements(proposals: Iterable[Proposal]) -> pd.DataFrame:
    """Committee verdicts with split votes, those to read first on top: where a single vote decided the result, then by
    the number of metrics on which judges differ."""
    rows = []
    for p in proposals:
        for number, attempt in enumerate(p.attempts):
            for v in attempt.verdicts:
                scores = [vote.scores for vote in v.votes if vote.scores]
                split = [m for m in METRICS if len({given[m] for given in scores if m in given}) > 1]
                if not split:
                    continue
                tallies = [f"{m} {sum(s[m] for s in scores)}:{sum(1 - s[m] for s in scores)}" for m in split]
                against = [vote.reflection for vote in v.votes if vote.scores and 0 in vote.scores.values()]
                first = next(filter(None, against), "")
                result = "passed" if v.passed else "fell"
                rows.append(
                    (p.id, number, result, len(split), ", ".join(tallies), clean(truncate_with_note(first, 300)))
                )
    rows.sort(key=lambda row: (row[2] == "passed", -row[3], row[0], row[1]))
    return pd.DataFrame(rows, columns=["proposal", "attempt", "result", "metrics split", "yes:no", "a judge against"])


def votes_figure(frame: pd.DataFrame) -> go.Figure:
    """Of `judges`: what each judge found met, metric by metric."""
    title = "Votes, metric by metric and judge by judge"
    if frame.empty:
        return empty(title, "votes", NO_VOTES)
    names = list(dict.fromkeys(frame["judge"]))
    drawn = canvas(title, 300, margin_t=70, margin_b=66, bargap=0.25)
    y_told = [
        f"<b>{label(row['judge'])}</b> on {row['metric']}<br>{row['passed']:,} of {row['attempted']:,} met · "
        f"{share(row['passed'], row['attempted'])} {interval(row['passed'], row['attempted'])}"
        for row in frame.to_dict("records")
    ]
    places = [frame["metric"].tolist(), [label(name, 14) for name in frame["judge"]]]
    for word, heights, marker in (
        ("met", frame["passed"], HELD_BAR),
        ("not met", frame["attempted"] - frame["passed"], FELL_BAR),
    ):
        drawn.add_bar(x=places, y=heights.tolist(), name=word, marker=marker, hovertext=y_told, hoverinfo="text")
    drawn.update_yaxes(title_text="votes", nticks=5).update_xaxes(showgrid=False, tickfont={"size": 11})
    told = f"{legend('met', 'not met')}   {len(names)} judges; fewer votes where a result was settled early"
    return drawn.update_layout(title_subtitle=subtitle(told))


def kappa_figure(frame: pd.DataFrame) -> go.Figure:
    """Of `cohen`: agreement of each pair of judges beyond chance, with its 95 % interval."""
    title = "Cohen's κ, pair by pair"
    known = frame.dropna(subset=["Cohen's κ"]) if len(frame) else frame
    if known.empty:
        return empty(title, "pair of judges whose votes vary", "where all vote alike, κ has no meaning")
    names = [f"{clean_name(a)[:18]} – {clean_name(b)[:18]}" for a, b in zip(known["one"], known["other"], strict=True)]
    kappas, low, high = (known[name] for name in ("Cohen's κ", "low", "high"))
    told = [
        f"<b>{label(name)}</b><br>κ {k:.2f} [{a:.2f}–{b:.2f}]<br>agree on {share(round(s * n), n)} of {n:,}"
        for name, k, a, b, s, n in zip(names, kappas, low, high, known["agree"], known["both voted"], strict=True)
    ]
    drawn = canvas(title, 130 + 34 * len(names), margin={"t": 70, "b": 44})
    spread = interval_bars(kappas, low, high, color=HELD, thickness=1.6, width=6)
    drawn.add_scatter(
        x=kappas.tolist(), y=list(range(len(names))), mode="markers", marker={"size": 10, "color": HELD},
        error_x=spread, hovertext=told, hoverinfo="text",
    )  # fmt: skip
    columns = (kappas, low, high, known["both voted"])
    beside = [f"{k:.2f} [{a:.2f}–{b:.2f}] · n = {n:,}" for k, a, b, n in zip(*columns, strict=True)]
    floor = min(-0.2, float(low.min()) - 0.05)
    drawn.update_xaxes(range=[floor, 1.02], title_text="κ: 0 as by chance, 1 always the same", nticks=7)
    drawn.update_layout(title_subtitle=subtitle("● κ with its 95 % interval; n: scores that both gave"))
    return in_rows(drawn, names, beside)
