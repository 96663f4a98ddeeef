"""How alike a run's instructions are: near duplicates by the Jaccard similarity of their word shingles, found with
MinHash and locality-sensitive hashing as training corpora are cleaned of them (Lee et al. 2022, arXiv:2107.06499).
1,000 instructions take half a second."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd
from markupsafe import Markup

from ..records import Proposal
from ..storage.safe_text import clean, truncate
from . import pieces
from .shares import interval, share

THRESHOLD = 0.8  # Jaccard similarity from which two are near duplicates
SHINGLE = 3  # words
# A pair is compared when one of the bands is the same: 99.8 % of those at the threshold are, 28 % of those at 0.5. (The
# library's own choice for 0.8, 9 bands of 13, compares 40 % of those at the threshold.)
BANDS, VALUES = 21, 6
SEED = 1  # of the permutations: the same instructions are always found alike
MOST = 10  # pairs to read
COLUMNS = ["blueprint", "repeats", "similarity", "instruction", "the earlier one"]
SCRIPTED = " The scripted model words tasks by templates, so its instructions are alike by construction."

# Thai, Lao, Burmese, Khmer, kana and Chinese characters: written without spaces, so each counts as a word
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[^\W{_UNSPACED}]+|\w")


def near_duplicates(proposals: Iterable[Proposal]) -> tuple[pd.DataFrame, int]:
    """The accepted blueprints whose instruction nearly repeats an earlier one (`repeats`: the most similar), most alike
    first, and how many were accepted. What repeats another is not compared with later ones, so that a run whose
    instructions are all alike takes no longer."""
    from datasketch import MinHash, MinHashLSH  # 0.9 s with scipy, and only who looks at this needs it

    told = [(p.id, p.blueprint.instruction) for p in proposals if p.accepted]
    sets = [_shingles(text) for _, text in told]
    index = MinHashLSH(num_perm=BANDS * VALUES, params=(BANDS, VALUES))
    found = []
    for number, hashed in enumerate(MinHash.generator(sets, num_perm=BANDS * VALUES, seed=SEED)):
        near = ((_similarity(sets[number], sets[other]), other) for other in sorted(index.query(hashed)))
        alike, other = max(near, key=lambda pair: pair[0], default=(0.0, 0))
        if alike < THRESHOLD:
            index.insert(number, hashed)
        else:
            (id, text), (earlier, before) = told[number], told[other]
            found.append((id, earlier, alike, _shown(text), _shown(before)))
    found.sort(key=lambda row: -row[2])
    return pd.DataFrame(found, columns=COLUMNS).astype({"similarity": float}), len(told)


def shown(proposals: Iterable[Proposal], scripted: bool = False) -> pieces.Piece:
    """`near_duplicates` for people: their share with its 95 % interval in a sentence, and the most alike pairs."""
    frame, accepted = near_duplicates(proposals)
    links = dict.fromkeys(COLUMNS[:2], "blueprints")
    pairs = pieces.table(frame, MOST, percent=("similarity",), links=links) if len(frame) else ""
    text = headline(len(frame), accepted) + (SCRIPTED if scripted else "")
    return pieces.Piece(Markup('<div class="apigen"><p>{}</p></div>{}').format(text, Markup(pairs)))


def headline(repeated: int, accepted: int) -> str:
    """How many of the accepted instructions nearly repeat an earlier one."""
    counted = f"{repeated:,} of {accepted:,} accepted instructions ({share(repeated, accepted)}"
    counted += f" {interval(repeated, accepted)})" if accepted else ")"
    return (
        f"{counted} nearly repeat an earlier one: they share at least {THRESHOLD:.0%} of their runs of {SHINGLE} words."
    )


def _shingles(text: str) -> frozenset[bytes]:
    words = _WORD.findall(text.casefold())
    runs = (" ".join(words[n : n + SHINGLE]) for n in range(max(1, len(words) - SHINGLE + 1)))
    return frozenset(run.encode("utf-8", "surrogatepass") for run in runs)


def _similarity(one: frozenset[bytes], other: frozenset[bytes]) -> float:
    return len(one & other) / len(one | other)


def _shown(text: str) -> str:
    return truncate(clean(text), 400)
