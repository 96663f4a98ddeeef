"""The non-LLM verifier, after MAG-V (arXiv 2412.04494): a small classifier that guesses from what was said and called
whether a conversation reached the right state. It sees neither groundtruth nor database. Features are what differs
between the conversations about one blueprint, and the words and calls of each one (TF-IDF); its labels are our own
state verdicts, which cost nothing; every guess is made by a classifier that saw no conversation of the same group."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from ..records import Trajectory, canonical
from ..world.typed_values import find_values

MOST = 4_000  # conversations that are looked at; of more, whole blueprints evenly spaced
LEAST = 10  # conversations of either class, and half as many groups, below which no figure is given
FOLDS, RESAMPLES, SEED = 5, 400, 0
BETWEEN = ("same calls", "order of tools", "tools", "arguments", "values told", "length", "calls", "refused")
FEATURES = {"between conversations": BETWEEN, "words and calls (TF-IDF)": ("text",), "both": (*BETWEEN, "text")}
WORD = re.compile(r"\w+")


class Seen(NamedTuple):
    """A conversation as the verifier sees it, and what it is held against: whether it reached the right `state`, and
    what the judges decided (`judged`), None where they did not."""

    id: str
    group: str
    state: bool
    judged: bool | None
    features: Mapping[str, Any]


class Figure(NamedTuple):
    """An area under the ROC curve with its 95 % interval, of the guesses from some `features` against some `labels`:
    0.5 is chance. `held` and `fell` are the conversations of either class."""

    features: str
    labels: str
    held: int
    fell: int
    auroc: float
    low: float
    high: float


@dataclass
class Study:
    """What the verifier comes to: its `figures`; id → how likely it finds the right state from all features (`guesses`)
    and whether that was reached (`states`); the reasons why there are fewer figures, or none (`lacking`)."""

    figures: list[Figure] = field(default_factory=list)
    guesses: dict[str, float] = field(default_factory=dict)
    states: dict[str, bool] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    @property
    def disagreements(self) -> list[str]:
        """The ids of conversations of which the verifier believes the contrary of what the check says, those first of
        which it is surest."""
        off = {id: abs(guess - self.states[id]) for id, guess in self.guesses.items()}
        return sorted((id for id in off if off[id] > 0.5), key=lambda id: (-off[id], id))


def see(held: Sequence[Trajectory], group: str) -> Iterator[Seen]:
    """The conversations about one blueprint, of the same `group`, as the verifier sees them; those are left out whose
    state nobody checked."""
    told = [_Told(trajectory) for trajectory in held]
    for one in told:
        state = next((verdict for verdict in one.trajectory.verdicts if verdict.gate == "state"), None)
        if state is None or one.trajectory.unanswered:
            continue
        decided = one.trajectory.readings and not one.trajectory.undecided
        features = _between(one, [other for other in told if other is not one]) | {"text": one.text}
        yield Seen(one.trajectory.id, group, state.passed, one.trajectory.success if decided else None, features)


class _Told:
    """What of a conversation is compared."""

    def __init__(self, trajectory: Trajectory) -> None:
        self.trajectory, calls = trajectory, trajectory.calls
        self.names = [call.name for call in calls]
        self.calls = [canonical([call.name, call.arguments]) for call in calls]
        given = ((call.name, name, canonical(v)) for call in calls for name, v in (call.arguments or {}).items())
        self.arguments = frozenset(given)
        said = (m.content for m in trajectory.messages if m.role == "assistant")
        self.values = frozenset((v.type, str(v.value)) for text in said for v in find_values(text))
        self.refused = sum(m.error for m in trajectory.messages) / max(1, len(calls))

    @property
    def text(self) -> str:
        """Words as they were said, calls by their tools and arguments' names, in order."""
        parts = list[str]()
        for message in self.trajectory.messages:
            if message.role != "tool":
                parts += WORD.findall(message.content.casefold())
            for call in message.tool_calls:
                parts += [f"{call.name}()", *(f"{call.name}({name})" for name in call.arguments or {})]
            parts += ["refused()"] if message.error else []
        return " ".join(parts)


def _between(one: _Told, others: Sequence[_Told]) -> dict[str, float]:
    """How alike a conversation is to the others about its blueprint, on average; 1 where there is no other."""

    def mean(likeness: Iterable[float]) -> float:
        return fmean(found) if (found := list(likeness)) else 1.0

    sizes = [len(told.trajectory.messages) for told in (one, *others)]
    return {
        "same calls": mean(one.calls == other.calls for other in others),
        "order of tools": mean(difflib.SequenceMatcher(None, one.names, o.names, False).ratio() for o in others),
        "tools": mean(_jaccard(frozenset(one.names), frozenset(other.names)) for other in others),
        "arguments": mean(_jaccard(one.arguments, other.arguments) for other in others),
        "values told": mean(_jaccard(one.values, other.values) for other in others),
        "length": mean(min(sizes[0], size) / max(sizes[0], size, 1) for size in sizes[1:]),
        "calls": float(len(one.calls)),
        "refused": one.refused,
    }


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def study(seen: Sequence[Seen]) -> Study:
    """What the verifier comes to on these. Without `LEAST` conversations of either class, in half as many groups, there
    is nothing to be learned: then there is no figure, and a reason."""
    if lacking := _lacks([(one.group, one.state) for one in seen], "state held", "state fell"):
        return Study(lacking=[f"The verifier has no figure: {lacking}."])
    from threadpoolctl import threadpool_limits  # scikit-learn brings it

    with threadpool_limits(1):  # the problems are small: threads would only wait for each other
        return _studied(seen)


def _studied(seen: Sequence[Seen]) -> Study:
    found = Study(states={one.id: one.state for one in seen})
    judged = [place for place, one in enumerate(seen) if one.judged is not None]
    few = _lacks([(seen[place].group, bool(seen[place].judged)) for place in judged], "held by judges", "fell by them")
    if few:
        found.lacking.append(f"There is no figure against the verdicts of judges: {few}.")
    for name, columns in FEATURES.items():
        guesses = _guesses(seen, columns)
        found.figures.append(_figure(name, "the state check", seen, guesses, [one.state for one in seen]))
        if not few:
            labels = [bool(seen[place].judged) for place in judged]
            some = [seen[place] for place in judged]
            found.figures.append(_figure(name, "judges", some, [guesses[place] for place in judged], labels))
        found.guesses = {one.id: guess for one, guess in zip(seen, guesses, strict=True)}  # the last uses all features
    return found


def _lacks(labels: Iterable[tuple[str, bool]], held: str, fell: str) -> str:
    """What is missing for a figure, in words; "" where nothing is. `labels` are groups, each with a label."""
    known = list(labels)
    for name, wanted in ((held, True), (fell, False)):
        some = [group for group, label in known if label is wanted]
        if len(some) < LEAST or len(set(some)) < LEAST // 2:
            return (
                f"of {len(known)} conversations {len(some)}, in {len(set(some))} groups, are “{name}”; "
                f"it takes {LEAST} in {LEAST // 2}"
            )
    return ""


def _guesses(seen: Sequence[Seen], columns: Sequence[str]) -> list[float]:
    """For each conversation how likely a classifier that saw none of its group finds its state right."""
    import pandas as pd  # scikit-learn takes 1 s, and only who asks for this needs it
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    words = TfidfVectorizer(lowercase=False, token_pattern=r"\S+", min_df=2, max_features=20_000, sublinear_tf=True)
    numbers = [name for name in columns if name != "text"]
    parts = [*([(StandardScaler(), numbers)] if numbers else []), *([(words, "text")] if "text" in columns else [])]
    model = make_pipeline(
        make_column_transformer(*parts), LogisticRegression(class_weight="balanced", max_iter=1_000, random_state=SEED)
    )
    given = pd.DataFrame([one.features for one in seen])
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    labels, groups = [one.state for one in seen], [one.group for one in seen]
    found = cross_val_predict(model, given, labels, groups=groups, cv=folds, method="predict_proba")
    return [float(one) for one in found[:, 1]]


def _figure(
    features: str, labels: str, seen: Sequence[Seen], guesses: Sequence[float], wanted: Sequence[bool]
) -> Figure:
    """The area under the curve; its interval by resampling whole groups, whose conversations resemble each other."""
    import numpy as np
    from scipy.stats import bootstrap
    from sklearn.metrics import roc_auc_score

    truth, guessed = np.array(wanted), np.array(guesses)
    names = {group: number for number, group in enumerate(dict.fromkeys(one.group for one in seen))}
    group_of = np.array([names[one.group] for one in seen])
    held, fell = guessed[truth][:, None], guessed[~truth][None, :]
    ordered = (held > fell) + (held == fell) / 2  # the area is the share of pairs that stand in the right order

    def areas(chosen: Any, axis: int = -1) -> Any:
        drawn = np.stack([np.bincount(some, minlength=len(names)) for some in chosen.reshape(-1, len(names))])
        above, below = (drawn[:, group_of[which]] for which in (truth, ~truth))
        with np.errstate(invalid="ignore"):  # nothing of one class was drawn
            found = ((above @ ordered) * below).sum(axis=1) / (above.sum(axis=1) * below.sum(axis=1))
        return found.reshape(chosen.shape[:-1])

    resampled = bootstrap(
        (np.arange(len(names)),), areas, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(SEED)
    )
    low, high = np.nanquantile(resampled.bootstrap_distribution, [0.025, 0.975])
    counts = int(truth.sum()), int((~truth).sum())
    return Figure(features, labels, *counts, float(roc_auc_score(truth, guessed)), float(low), float(high))


def looked_at(blueprints: Sequence[str], conversations: int) -> Sequence[str]:
    """The blueprints whose conversations are looked at: of more than `MOST` conversations every n-th one's."""
    return blueprints[:: max(1, -(-conversations // MOST))]
