"""Names of clusters: the two or three words, or categories, that tell each from the others; knows no dataset.

Class-based TF-IDF, with the share of all rows in the place of the document frequency: a word counts for a cluster by the share of its rows
that have it, times the logarithm of how many times more that is than among all rows, and than in the cluster above. So what is everywhere
counts for nothing, and what the cluster above has as well counts half.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from explorer.compute.clusters import ClusterTree

__all__ = ["FILLERS", "Names", "cluster_names", "nameable"]

Names = tuple[tuple[str, ...], ...]
"""A name for each cluster of each layer; "" where nothing tells it from the others."""

_WORDS: Final = 2
_CANDIDATES: Final = 12
_LEAST_ROWS: Final = 2  # of a cluster that have a word
_LEAST_TIMES: Final = 1.5  # more than among all rows
_SECOND: Final = 0.35  # of what the first word is worth
_LONGEST: Final = 30  # characters: in a script without spaces a whole sentence is one word
_STEM: Final = 4  # letters that two forms of a word share
_COMMON: Final = 0.02  # share of all rows from which a word may be grammar
_GRAMMAR_TIMES: Final = 3.0  # more of a cluster's rows than of all have such a word where it means something, or
_GRAMMAR_SHARE: Final = 0.9  # so many of them
# English words that can be far more common in one cluster and still name nothing: "having" in descriptions of plants.
_ENGLISH: Final = """
about above according across after against all along also although always among an and another any are around as at away based be
because been before behind being below between both but by called can certain coming commonly considered consisting containing could
designed did different do does doing done down during each either especially etc even every few first for forming found from full
fully further generally get gets getting give given gives giving go goes going had has have having he her here him his how if in
including instead into is it its itself just kind large largely least less like likely made mainly make makes making many may means
might more most mostly much must my near nearly no nor not now of off often on one ones only onto or other others our out over own
part particular particularly per put quite rather related relating resembling same several shall she should similar since small so
some something such than that the their them then there these they thing things this those though through thus to together too toward
two type typically under unlike until up upon us use used uses using usually various very via was way we well were what when where
whether which while who whom whose will with within without would yet you your
"""
FILLERS: Final = frozenset(_ENGLISH.split())
"""English words, in small letters, that say nothing of what a text is about."""


def nameable(words: Sequence[str]) -> NDArray[np.bool_]:
    """Say which words can be in a name: no numbers, no single Latin letters, no fillers, nothing as long as a sentence; (v,) bool."""
    return np.array(
        [len(word) <= _LONGEST and not word.isdigit() and (len(word) > 1 or not word.isascii()) and word not in FILLERS for word in words],
        np.bool_,
    )


def cluster_names(
    tree: ClusterTree, rows: NDArray[np.integer], codes: NDArray[np.integer], words: Sequence[str], *, grammar: bool = True
) -> Names:
    """Name clusters by what tells them from the others.

    Parameters
    ----------
    tree : ClusterTree
        The clusters.
    rows, codes : ndarray of shape (m,), int
        A row and the place of a word, or category, that it has in ``words``; each pair once.
    words : sequence of str
        What names are made of.
    grammar : bool
        Whether what many rows have may be grammar: not so for categories.

    Returns
    -------
    tuple of tuple of str
        For each layer a name for each cluster, "word, word"; "" where it has nothing of its own. No two of a layer are the same, and none
        is that of the cluster above it. O(m log m) a layer.
    """
    if not len(words):
        return tuple(("",) * len(parents) for parents in tree.parents)
    n_rows = max(1, len(np.unique(rows)))
    everywhere = np.bincount(codes, minlength=len(words)) / n_rows
    enough = np.minimum(_GRAMMAR_TIMES, _GRAMMAR_SHARE / np.maximum(everywhere, 1e-12))
    needed = np.where(grammar & (everywhere >= _COMMON), np.maximum(enough, _LEAST_TIMES), _LEAST_TIMES)
    named: list[tuple[str, ...]] = []
    before: _Shares | None = None
    for layer, parents in zip(tree.layers, tree.parents, strict=True):
        shares, names = _Shares.of(layer, len(parents), rows, codes, len(words)), list[str]()
        for cluster, parent in enumerate(parents.tolist()):
            over = named[-1][parent] if named and parent >= 0 else ""
            known = everywhere if before is None or parent < 0 else before.row(parent)
            best = [(words[code], worth) for code, worth in shares.best(cluster, everywhere, known, needed)]
            names.append(_name(best, over, names))
        named.append(tuple(names))
        before = shares
    return tuple(named)


class _Shares(NamedTuple):
    """Of each cluster the words that it has: from ``starts[cluster]`` on, and which share of its rows has each."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    n_words: int

    @classmethod
    def of(cls, layer: NDArray[np.int32], n: int, rows: NDArray[np.integer], codes: NDArray[np.integer], n_words: int) -> _Shares:
        where = layer[rows]
        inside = where >= 0
        pairs, counts = np.unique(where[inside].astype(np.int64) * n_words + codes[inside], return_counts=True)
        texts = np.unique(rows[inside])
        clusters, words = np.divmod(pairs, n_words)
        return cls(np.searchsorted(clusters, np.arange(n + 1)), words, counts, np.bincount(layer[texts], minlength=n), n_words)

    def row(self, cluster: int) -> NDArray[np.float64]:
        """Give the share of a cluster's rows that has each word, (v,)."""
        full, part = np.zeros(self.n_words), slice(self.starts[cluster], self.starts[cluster + 1])
        full[self.codes[part]] = self.counts[part] / max(1, int(self.sizes[cluster]))
        return full

    def best(
        self, cluster: int, everywhere: NDArray[np.float64], above: NDArray[np.float64], needed: NDArray[np.float64]
    ) -> list[tuple[int, float]]:
        """Find the words that count the most for a cluster, and what they count."""
        part = slice(self.starts[cluster], self.starts[cluster + 1])
        codes, counts = self.codes[part], self.counts[part]
        share = counts / max(1, int(self.sizes[cluster]))
        times = share / everywhere[codes]
        worth = share * (np.log(times) + np.log(share / np.maximum(above[codes], 1e-12))) / 2
        good = np.flatnonzero((counts >= _LEAST_ROWS) & (times >= needed[codes]) & (worth > 0))
        order = good[np.lexsort((codes[good], -worth[good]))][:_CANDIDATES]
        return [(int(codes[at]), float(worth[at])) for at in order]


def _name(best: list[tuple[str, float]], over: str, taken: list[str]) -> str:
    """Join the best words that are not forms of each other; more of them where the name is taken, or is that of the cluster above."""
    different: list[tuple[str, float]] = []
    for word, worth in best:
        if not any(_alike(word, other) for other, _ in different):
            different.append((word, worth))
    if not different:
        return ""
    chosen = [word for at, (word, worth) in enumerate(different) if at < _WORDS and worth >= _SECOND * different[0][1]]
    rest = [word for word, _ in different if word not in chosen]
    above = set(over.split(", "))
    if set(chosen) <= above and rest:  # one word that says more than the cluster above does
        fresh = next((word for word in rest if word not in above), "")
        chosen = [chosen[0], fresh] if fresh else chosen
    while rest and ", ".join(chosen) in taken:
        word = rest.pop(0)
        chosen = [*chosen[:_WORDS], word] if word not in chosen else chosen
    name = ", ".join(chosen)
    return name if name not in taken and name != over else _counted(name, (*taken, over))


def _counted(name: str, taken: Sequence[str]) -> str:
    return next(candidate for n in count(2) if (candidate := f"{name} ({n})") not in taken)


def _alike(word: str, other: str) -> bool:
    """Say whether one is the other with another ending: plant, plants."""
    short, long = sorted((word, other), key=len)
    if len(short) < _STEM:
        return short == long
    stem = short[:-1] if short[-1] in "ey" else short
    return long.startswith(stem) and len(long) - len(short) <= _STEM
