"""The pages that explain a run: pass rates, reflection, the committee, the dataset. Each opens with its answer."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from ..models.ledger import run_prices
from ..records import METRICS, Proposal
from . import (
    charts,
    compared_conversations,
    dataset_tables,
    diversity,
    judge_agreement,
    listings,
    loss,
    near_duplicates,
    pass_rates,
    pieces,
    reflection,
    row_quality,
    run_comparison,
    tables,
)
from .data_table import data_table
from .overview import copied
from .panels import Body, PanelChooser, columns, counts_table, panel
from .run_contents import RunContents
from .tables import interval, share

EVERY_GATE = "all gates"
KAPPAS = dict.fromkeys(("Fleiss' κ", "Cohen's κ", "κ from", "κ to"), 2)  # digits
KAPPA = (
    "κ is 0 when judges agree as often as chance would have it and 1 when they always do. The committee asks on "
    "only while a result is open, so a vote of all judges means that the first ones differed: there agreement is "
    "lower by construction. The pair that always votes tells more about the judges. A judge may be called more "
    "often than it votes: one whose reply cannot be read is asked once more, and then has no vote."
)


def _head(title: str, answer: str, hint: str = "") -> Markup:
    text = Markup('<h1>{}</h1><p class="lead">{}</p>').format(title, answer)
    return text + (Markup('<p class="quiet hint">{}</p>').format(hint) if hint else "")


def pass_rates_page(run: RunContents) -> Body:
    """What each gate let pass: the funnel, and any gate by any facet."""
    judged = functools.cache(lambda: pass_rates.judged(run.proposals))
    facets = {pass_rates.CALLED.get(facet, facet): facet for facet in ("failure", *pass_rates.FACETS)}

    def one(gate: str, name: str) -> str:
        at = None if gate == EVERY_GATE else gate
        counted = pass_rates.count_by(judged(), facets[name], at)
        words = ("accepted later", "never repaired") if name == "failure" else ("passed", "fell")
        told = counts_table(counted, words, leads=pass_rates.leads(counted, at), first=name)
        return panel(pass_rates.figure(counted, at), told)

    def menus() -> dict[str, list[str]]:
        return {"gate": [EVERY_GATE, *pass_rates.gates(judged())], "by": list(facets)}

    return [
        lambda: _funnel(run.proposals, judged()),
        Markup("<h2>One gate, from any side</h2>"),
        PanelChooser(menus, one, "panels of pass rates", run.kept),
    ]


def _funnel(proposals: Sequence[Proposal], frame: pd.DataFrame) -> Markup:
    steps = pass_rates.funnel_steps(proposals, frame)
    counted = counts_table(steps, leads=pass_rates.step_leads(steps))
    told = Markup('<p class="quiet">{}</p>').format(GATES) + Markup(counted)
    head = _head("What each gate let pass, and what fell there", pass_rates_answer(proposals, frame), HINT)
    return head + panel(pass_rates.steps_figure(steps), told)


HINT = (
    "Click a bar to read the blueprints behind it, those that passed or those that fell; the numbers under each figure "
    "lead there, too. In square brackets: the 95 % interval of a share, in per cent."
)
GATES = (
    "A reply that holds no blueprint stops at format, actions that cannot be executed stop at execution. What executes "
    "is judged by every other plain gate, also when one of them has failed it already; the committee is asked only "
    "about what none of them failed. Its metrics are counted of what it judged. It accepts when correctness and "
    "completeness are voted 1 and the mean of all four metrics reaches its threshold, so that one of the others may "
    "often be missed. It stops asking when the result is settled; a metric that was still open then is not counted. "
    "Recombination judges recombined tasks only: no part may undo another."
)


def pass_rates_answer(proposals: Sequence[Proposal], frame: pd.DataFrame) -> str:
    attempts = sum(len(p.attempts) for p in proposals)
    accepted = sum(a.accepted for p in proposals for a in p.attempts)
    answer = f"{attempts:,} attempts were made at {tables.tasks_in_words(proposals)}; {accepted:,} passed every gate"
    answer += f" ({share(accepted, attempts)} {interval(accepted, attempts)} of the attempts)."
    funnel = tables.funnel(frame.astype({"gate": object}))
    if funnel.empty or not funnel["fell"].any():
        return answer
    worst = funnel.loc[funnel["fell"].idxmax()]
    why = pass_rates.count_by(frame, "failure", worst["gate"]).iloc[0]
    return answer + (
        f" Most fell at “{worst['gate']}”: {worst['fell']:,} of the {worst['attempted']:,} that it judged, most often "
        f"for “{why['failure']}” ({why['attempted']:,} times)."
    )


def reflection_page(run: RunContents) -> Body:
    """What feedback repaired, what it cost, and every step word by word."""
    return [lambda: _repaired(run), listings.reflections(run)]


def _repaired(run: RunContents) -> Markup:
    proposals = run.proposals
    gates = tables.gates_of(proposals)
    rounds, mended, flows = tables.rounds(proposals), reflection.repairs(proposals), reflection.flows(proposals)
    answered = mended[mended["attempted"] > 0].reset_index(drop=True)
    named = answered.assign(failure=[f"{g}: {f}" for g, f in zip(answered["gate"], answered["failure"], strict=True)])
    counted = named[["failure", "attempted", "passed", "fell", "rate", "low", "high"]]
    told = counts_table(counted, reflection.MENDED, "reflection", reflection.mended_leads(answered))
    costs = Markup('<section class="panel"><h2>What it cost</h2>{}{}</section>').format(
        Markup(pieces.table(reflection.costs(proposals, run_prices(run.manifest)), percent=())), _spent(run)
    )
    yields = pieces.table(rounds.rename(columns={"round": "reflections", "proposals": "of"}), fold="The numbers")
    parts = (
        _head("What reflection repaired, and at what price", reflection.headline(proposals)),
        columns([panel(charts.rounds(rounds), yields), costs]),
        panel(reflection.sankey(flows, gates), _flow_table(flows)),
        panel(reflection.repairs_figure(mended), told),
    )
    return Markup("").join(parts)


def _spent(run: RunContents) -> Markup:
    if run.ledger is None:
        return Markup("")
    total = run.ledger.total
    cost = "at no known price" if total.cost is None else f"${total.cost:,.2f}"
    text = f"All stages together: {total.requests:,} requests, {total.prompt + total.completion:,} tokens, {cost} "
    linked = '<p class="quiet">{}(<a href="files/ledger.json">ledger.json</a>).</p>'
    named = '<p class="quiet">{}(ledger.json of the run).</p>'
    return Markup(linked if "ledger.json" in copied(run.folder) else named).format(text)


def _flow_table(flows: pd.DataFrame) -> pieces.Piece:
    named = flows.assign(attempt=lambda f: [pass_rates.attempt_name(n) for n in f["attempt"]])
    named.columns = pd.Index(["at", "from", "to", "blueprints"])
    return pieces.table(named, most=200, fold="The numbers", hrefs={"blueprints": reflection.flow_leads(flows)})


def voted(proposals: Iterable[Proposal]) -> bool:
    """Whether any judge ever voted."""
    return any(vote.scores for p in proposals for a in p.attempts for v in a.verdicts for vote in v.votes)


def committee_page(run: RunContents) -> Body:
    """How the judges voted, how far they agree, and where they did not."""
    return [lambda: _committee(run)]


def _committee(run: RunContents) -> Markup:
    votes = judge_agreement.votes(run.proposals)
    judges, pairs, fleiss = judge_agreement.judges(votes), judge_agreement.cohen(votes), judge_agreement.fleiss(votes)
    split = judge_agreement.disagreements(run.proposals)
    numbers_of = split["attempt"].tolist()
    named = {"proposal": "blueprint", "yes:no": "votes 1 : 0", "a judge against": "what a judge who voted 0 said"}
    listed = split.assign(attempt=[pass_rates.attempt_name(n) for n in numbers_of]).rename(columns=named)
    shown_pairs = pairs.rename(columns={"low": "κ from", "high": "κ to"}).round(KAPPAS)
    kinds = {
        "Agreement of all judges": pieces.table(fleiss.round(KAPPAS), percent=("share",)),
        "Agreement of pairs": pieces.table(shown_pairs, percent=("agree",)),
    }
    boxes = [Markup('<section class="panel"><h2>{}</h2>{}</section>').format(t, Markup(h)) for t, h in kinds.items()]
    order = (
        "Those that fell come first, then those on which the judges differ in most metrics; each leads to the attempt "
        "in question."
    )
    read = Markup('<h2>Disagreements to read first</h2><p class="quiet">{}</p>{}').format(
        order, Markup(data_table(listed, "disagreements", parts=numbers_of))
    )
    parts = (
        _head("How the judges voted, and how far they agree", committee_answer(split, pairs, votes)),
        columns([panel(judge_agreement.votes_figure(judges)), panel(judge_agreement.kappa_figure(pairs))]),
        columns(boxes),
        Markup('<p class="quiet">{}</p>').format(KAPPA),
        read,
    )
    return Markup("").join(parts)


def committee_answer(split: pd.DataFrame, pairs: pd.DataFrame, votes: pd.DataFrame) -> str:
    ballots, judged = len(votes) // len(METRICS), len(votes[["proposal", "attempt"]].drop_duplicates())
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


def dataset_page(run: RunContents) -> Body:
    """How long conversations are, which tool follows which, what is there twice or nearly so, and a table of all."""
    return [lambda: _dataset(run)]


def _dataset(run: RunContents) -> Markup:
    frame, moves = run.conversations
    twice = diversity.duplicates(frame).rename(columns={"turns": "user messages"})
    measures = [panel(charts.histogram(frame, name)) for name in diversity.measures(frame)]
    gone = dataset_tables.reason_of(run.folder / "dataset")
    measures += [panel(diversity.composition_figure(frame, by, gone)) for by in ("kind", "behaviour")]
    again = Markup('<section class="panel"><h2>Said and done twice: {} verified conversations</h2>{}</section>').format(
        f"{len(twice):,}", Markup(pieces.table(twice, links={"trajectory": "trajectories", "same as": "trajectories"}))
    )
    alike = Markup('<section class="panel"><h2>Instructions nearly alike</h2>{}</section>').format(
        Markup(near_duplicates.shown(run.told, run.scripted))
    )
    pairs = Markup('<section class="panel"><h2>Preference pairs, chosen and rejected</h2>{}</section>')
    parts = (
        _head("What the dataset is made of", diversity.headline(frame, run.rows)),
        columns(measures),
        panel(diversity.transitions_figure(moves), pieces.table(moves, most=60, fold="The numbers")),
        Markup(dataset_tables.section(run.folder / "dataset")),
        Markup(row_quality.section(run)),
        again,
        alike,
        pairs.format(Markup(compared_conversations.chosen_and_rejected(run))),
        loss.section(run),
        Markup("<h2>Every conversation in a table</h2>"),
        searchable(frame),
    )
    return Markup("").join(parts)


def searchable(frame: pd.DataFrame) -> pieces.Piece:
    """Of `diversity.rows`: every conversation in a table."""
    unused = [] if "tokens" in diversity.measures(frame) else ["tokens"]
    unused += [] if frame["noted"].any() else ["noted"]
    shown = frame.drop(columns=["success", "same as", *unused]).rename(columns={"turns": "user messages"})
    return data_table(shown, "conversations")


def comparison_page(runs: Mapping[str, RunContents], hrefs: Mapping[str, str]) -> Body:
    """Several runs side by side; `hrefs` is run → its report."""

    def table(title: str, frame: pd.DataFrame, most: int = 200) -> Markup:
        drawn = Markup(pieces.table(frame, most=most, percent=(), links={}))
        return Markup('<section class="panel"><h2>{}</h2>{}</section>').format(title, drawn)

    reports = Markup('<p class="quiet">Reports of these runs, where their folders lie beside this one: {}</p>')
    changed, both = run_comparison.changes(runs), run_comparison.same_seeds(runs)
    steps, gates = run_comparison.shares(runs), run_comparison.shares_by(runs, "gate")
    links = Markup(" · ").join(Markup('<a href="{}">{}</a>').format(href, name) for name, href in hrefs.items())
    figures = [
        panel(run_comparison.shares_figure(steps, "What came through, run by run"), _counts(steps)),
        panel(
            run_comparison.shares_figure(gates, "What each gate let pass, of the attempts that it judged"),
            _counts(gates),
        ),
    ]
    kinds = run_comparison.shares_by(runs, "kind")
    figures += [panel(run_comparison.shares_figure(kinds, "Blueprints accepted, by kind"), _counts(kinds))]
    figures += [panel(run_comparison.lengths_figure(runs, measure)) for measure in ("turns", "calls", "words")]
    return [
        _head("Runs side by side", run_comparison.sentence(runs)),
        reports.format(links) if hrefs else "",
        table("What they gave and cost", run_comparison.numbers(runs)),
        table(f"What was set differently: {len(changed)} settings", changed),
        columns(figures),
        table("The same seeds in both", both) if len(both) else "",
        table("Why most fell, gate by gate", run_comparison.failures_by_gate(runs)),
        *_conversations(runs, hrefs),
    ]


def _conversations(runs: Mapping[str, RunContents], hrefs: Mapping[str, str]) -> Body:
    """Which conversations came out otherwise, and all of them, any two to be compared."""
    turned = Markup(compared_conversations.turned(runs))
    title = "Conversations that came out otherwise"
    return [
        Markup('<section class="panel"><h2>{}</h2>{}</section>').format(title, turned),
        compared_conversations.of_runs(runs, hrefs),
    ]


def _counts(frame: pd.DataFrame) -> pieces.Piece:
    shown = frame[["step", "run", "attempted", "passed", "rate", "low", "high"]].sort_values("step", kind="stable")
    return pieces.table(shown, most=80, fold="The numbers")
