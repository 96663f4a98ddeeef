"""How diverse a dataset is: words, likeness of its rows to each other, what of tools, API graph and rules they use, how
long they are. What compares rows or words is taken of a sample of at most `SAMPLE` rows, those with the smallest hashes
of their ids, so that time and memory stay linear in the rows and numbers of datasets of any size can be compared."""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..records import Record, sha
from ..world.api_graph import Graph
from ..world.domain import Domain
from .masked import masked_conversation
from .minhash import words_of
from .proof import Proof
from .rows import Row

SAMPLE = 1000
DIGITS = 4  # significant ones that are kept: the last of sums over many numbers differ from machine to machine
# Means of APIGen-MT-5k: those that the paper reports, and those that an audit of the released rows finds.
PUBLISHED = {"user turns": (6.0, 4.85), "calls": (7.0, 4.39)}


class Spread(Record):
    """How many of something a row has."""

    mean: float
    median: float
    most_of_95: float  # 95 % of the rows have no more


class Used(Record):
    """How many of the things of a domain some row uses, and how many there are."""

    used: int
    of: int


class Diversity(Record):
    """Of all `rows`: domain → tools that are called, edges of the API graph whose two tools are called in this order in
    one row, rules that bind a call; kind → rows; how long they are. Of a `sample`: the share of the runs of 1, 2 and 3
    words that are `distinct`; `self_similarity`, the mean cosine of a row to the row that is most like it; `vendi`, the
    effective number of different rows (Friedman & Dieng 2023, arXiv:2210.02410). Both by TF-IDF of words and pairs of
    words once values are masked; None of fewer than two rows."""

    rows: int
    sample: int
    distinct: dict[str, float]
    self_similarity: float | None
    vendi: float | None
    tools: dict[str, Used]
    edges: dict[str, Used]
    rules: dict[str, Used]
    kinds: dict[str, int]
    lengths: dict[str, Spread]


class _Sampled(NamedTuple):
    rank: int  # the smaller the hash, the greater: the heap gives away the smallest
    id: str
    words: tuple[str, ...]
    masked: tuple[str, ...]


class DiversityCounter:
    """Sees every row of a dataset, one after the other."""

    def __init__(self) -> None:
        self._sample = list[_Sampled]()
        self._domains = dict[str, Domain]()
        self._called, self._followed = dict[str, set[str]](), dict[str, set[tuple[str, str]]]()
        self._kinds = Counter[str]()
        self._lengths = {name: array("l") for name in (*PUBLISHED, "messages", "tokens")}

    def add(self, proof: Proof, row: Row, domain: Domain) -> None:
        """Count a row in."""
        calls = [call.name for message in row.messages for call in message.tool_calls]
        self._domains[domain.name] = domain
        self._called.setdefault(domain.name, set()).update(calls)
        self._followed.setdefault(domain.name, set()).update(itertools.combinations(dict.fromkeys(calls), 2))
        self._kinds[row.kind] += 1
        users = sum(message.role == "user" for message in row.messages)
        counted = (users, len(calls), len(row.messages) - 1, row.tokens.conversation)
        for held, number in zip(self._lengths.values(), counted, strict=True):
            held.append(number)
        rank = -int(sha(row.id), 16)
        if len(self._sample) < SAMPLE or rank > self._sample[0].rank:
            words = tuple(word for m in row.messages if m.role in ("user", "assistant") for word in words_of(m.content))
            one = _Sampled(rank, row.id, words, tuple(masked_conversation(proof.messages, proof.task)))
            (heapq.heappush if len(self._sample) < SAMPLE else heapq.heapreplace)(self._sample, one)

    @functools.cached_property
    def found(self) -> Diversity:
        """What was counted; to be asked for when all rows are in."""
        sample = sorted(self._sample, reverse=True)
        likeness = _likeness([one.masked for one in sample])
        return Diversity(
            rows=self._kinds.total(),
            sample=len(sample),
            distinct={str(size): _distinct([one.words for one in sample], size) for size in (1, 2, 3)},
            self_similarity=None if likeness is None else _self_similarity(likeness),
            vendi=None if likeness is None else _vendi(likeness),
            tools={name: self._tools(domain) for name, domain in self._domains.items()},
            edges={name: self._edges(domain) for name, domain in self._domains.items()},
            rules={name: self._rules(domain) for name, domain in self._domains.items()},
            kinds=dict(sorted(self._kinds.items())),
            lengths={name: _spread(held) for name, held in self._lengths.items() if held},
        )

    def _tools(self, domain: Domain) -> Used:
        return Used(used=len(self._called[domain.name] & domain.tools.keys()), of=len(domain.tools))

    def _edges(self, domain: Domain) -> Used:
        pairs = {(edge.producer, edge.consumer) for edge in Graph.of(domain).edges if edge.producer != edge.consumer}
        return Used(used=len(pairs & self._followed[domain.name]), of=len(pairs))

    def _rules(self, domain: Domain) -> Used:
        bound = [rule for rule in domain.rules if self._called[domain.name].intersection(rule.tools)]
        return Used(used=len(bound), of=len(domain.rules))


def _runs(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(size)), strict=False)


def _distinct(texts: Sequence[Sequence[str]], size: int) -> float:
    """Distinct runs of so many words among all of them (Li et al. 2016, arXiv:1510.03055)."""
    runs = Counter(run for words in texts for run in _runs(words, size))
    return _short(len(runs) / max(1, runs.total()))


def _likeness(texts: Sequence[Sequence[str]]) -> np.ndarray | None:
    """The cosine of each text with each, by TF-IDF of words and pairs of words; None of fewer than two texts."""
    from scipy.sparse import csr_matrix

    if len(texts) < 2:
        return None
    counts = [Counter(run for size in (1, 2) for run in _runs(words, size)) for words in texts]
    held = Counter(run for counted in counts for run in counted)
    column = {run: number for number, run in enumerate(sorted(held))}
    weights = [[n * (1 + math.log(len(texts) / held[run])) for run, n in sorted(one.items())] for one in counts]
    norms = (math.hypot(*some) or 1.0 for some in weights)
    data = [weight / norm for some, norm in zip(weights, norms, strict=True) for weight in some]
    columns = [column[run] for counted in counts for run in sorted(counted)]
    ends = [0, *itertools.accumulate(map(len, counts))]
    matrix = csr_matrix((data, columns, ends), shape=(len(texts), max(1, len(column))))
    return np.asarray((matrix @ matrix.T).toarray())


def _self_similarity(likeness: np.ndarray) -> float:
    others = likeness - 2 * np.eye(len(likeness))
    return _short(float(others.max(axis=1).mean()))


def _vendi(likeness: np.ndarray) -> float:
    parts = np.linalg.eigvalsh(likeness / len(likeness))
    parts = parts[parts > 1e-12]
    return _short(float(np.exp(-(parts * np.log(parts)).sum())))


def _spread(held: array[int]) -> Spread:
    ordered = sorted(held)
    at = [ordered[max(0, math.ceil(share * len(ordered)) - 1)] for share in (0.5, 0.95)]
    return Spread(mean=_short(sum(ordered) / len(ordered)), median=at[0], most_of_95=at[1])


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def lines(found: Diversity) -> Iterator[tuple[str, str]]:
    """What the card says of it: measure and value."""
    of = f"of {found.sample} rows"
    yield f"distinct runs of 1, 2, 3 words, {of}", ", ".join(f"{share:.3f}" for share in found.distinct.values())
    if found.vendi is not None and found.self_similarity is not None:
        yield f"Vendi score, {of}, values masked", f"{found.vendi:.1f}"
        yield f"cosine to the row most like it, {of}, values masked", f"{found.self_similarity:.3f}"
    for what, used in (("tools called", found.tools), ("edges of the API graph", found.edges), ("rules", found.rules)):
        for domain, one in used.items():
            yield f"{what}, {domain}", f"{one.used} of {one.of}"
    yield "kinds", ", ".join(f"{kind} {count}" for kind, count in found.kinds.items())
    for name, spread in found.lengths.items():
        yield (
            f"{name} a row",
            f"mean {spread.mean:g}, median {spread.median:g}, 95 % at most {spread.most_of_95:g}"
            + (
                "; APIGen-MT-5k: mean {:g} by its paper, {:g} by an audit of the released rows".format(*PUBLISHED[name])
                if name in PUBLISHED
                else ""
            ),
        )
