"""Which texts nearly repeat an earlier one: by the Jaccard similarity of their word shingles, found with MinHash and
locality-sensitive hashing as training corpora are cleaned of them (Lee et al. 2022, arXiv:2107.06499). Of a text four
bytes a shingle and its signature are kept; time grows with the number of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .options import THRESHOLD

SHINGLE = 3  # words
# A pair is compared when one of the bands is the same: 99.8 % of those at the threshold are, 28 % of those at 0.5. (The
# library's own choice for 0.8, 9 bands of 13, compares 40 % of those at the threshold.)
BANDS, VALUES = 21, 6
SEED = 1  # of the permutations: the same texts are always found alike

# Thai, Lao, Burmese, Khmer, kana and Chinese characters: written without spaces, so each counts as a word
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
WORD = re.compile(rf"[^\W{_UNSPACED}]+|\w")

Shingles = NDArray[np.uint32]


class Twin(NamedTuple):
    """An earlier text, and the share of shingles of both that both have."""

    id: str
    similarity: float


class Distinct:
    """Texts of which none nearly repeats another. What does is not kept, so that texts that are all alike take no
    longer."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        from datasketch import MinHash, MinHashLSH  # 0.9 s with scipy, and only who looks at this needs it

        self.threshold = threshold
        self._signature = MinHash(num_perm=BANDS * VALUES, seed=SEED, hashfunc=int)
        self._index = MinHashLSH(num_perm=BANDS * VALUES, params=(BANDS, VALUES))
        self._ids: list[str] = []
        self._shingles: list[Shingles] = []

    def twins(self, id: str, shingles: Shingles) -> list[Twin]:
        """The earlier texts that this one nearly repeats, most similar first; it is kept where there are none."""
        hashed = self._signature.copy()
        hashed.update_batch(shingles.tolist())
        near = sorted(
            (
                Twin(self._ids[other], similarity)
                for other in sorted(self._index.query(hashed))
                if (similarity := _similarity(shingles, self._shingles[other])) >= self.threshold
            ),
            key=lambda twin: -twin.similarity,
        )
        if not near:
            self._index.insert(len(self._ids), hashed)
            self._ids.append(id)
            self._shingles.append(shingles)
        return near


def words_of(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return WORD.findall(text.casefold())


def shingles_of(words: Sequence[str]) -> Shingles:
    """The runs of `SHINGLE` words, as sorted hashes of 32 bits."""
    from datasketch.hashfunc import sha1_hash32

    runs = {" ".join(words[n : n + SHINGLE]) for n in range(max(1, len(words) - SHINGLE + 1))}
    return np.unique(np.array([sha1_hash32(run.encode("utf-8", "surrogatepass")) for run in runs], dtype=np.uint32))


def _similarity(one: Shingles, other: Shingles) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return float(both / (len(one) + len(other) - both))
