"""How well layouts agree with the original space, where comparing anchors with all other rows takes long: ranks are estimated by some rows.

What decides how exact trustworthiness is, is the number of anchors; how many rows are nearer than a neighbor can be counted among a
sample of the rows. Ranks up to the size of the neighbor graph are not estimated but known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.agreement import Agreement, Tally
from explorer.compute.exact_search import as_points
from explorer.compute.preservation import nearest_places, places_tree
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.errors import BadParameter

__all__ = ["SAMPLED_FROM", "sampled_agreement"]

SAMPLED_FROM: Final = 20_000  # rows
ANCHORS: Final = 6_000
REFERENCES: Final = 10_000
STAGE: Final = "quality"
SLACK: Final = 1e-4  # of a squared distance: products and differences do not give the very same, and no row is nearer than itself
_PAIRS: Final = 20  # of an anchor, for triplets and for Shepard's diagram
_BLOCK: Final = 1_000  # anchors


def sampled_agreement(
    vectors: NDArray[np.float32],
    indices: NDArray[np.int32],
    layouts: Sequence[NDArray[np.float32]],
    *,
    k: int = 15,
    metric: str = "cosine",
    anchors: int = ANCHORS,
    references: int = REFERENCES,
    threads: int = 1,
    seed: int = 0,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> list[Agreement]:
    """Compare layouts with the original space; see :func:`explorer.compute.agreement.agreement`, whose figures these are.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; no all-zero row where the metric is cosine.
    indices : ndarray of shape (n, K), int32
        Each row's true neighbors, nearest first, without the row itself; K at least k.
    layouts : sequence of ndarray of shape (n, c), float32
        Finite.
    k : int
        Neighbors that trustworthiness and continuity look at.
    metric : str
        One that goes with a Euclidean distance: "cosine", "correlation", "euclidean" or "hamming".
    anchors : int
        Rows whose neighbors are looked at. 6,000 give trustworthiness and continuity to about 0.005.
    references : int
        Rows among which it is counted how many are nearer.
    threads : int
        That look for neighbors in the layouts.
    seed : int
        Decides which they are.
    report : callable(stage, fraction), optional
        Called after each 1,000 anchors.
    should_stop : callable, optional
        Asked before each 1,000 anchors.

    Returns
    -------
    list of Agreement
        One a layout. O(anchors references d + n log n).

    Raises
    ------
    BadParameter
        If a layout has another number of rows, or there are fewer neighbors than k.
    Stopped
        If ``should_stop()`` said so.
    """
    n, known = len(vectors), indices.shape[1]
    if known < k:
        raise BadParameter("k", k, f"the neighbor graph has {known} neighbors a row.")
    for layout in layouts:
        if len(layout) != n:
            raise BadParameter("layout", f"{len(layout):,} rows", f"the vectors have {n:,}.")
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(n, min(n, anchors), replace=False))
    among = np.sort(random.choice(n, min(n, references), replace=False))
    column = np.full(n, -1, np.int64)
    column[among] = np.arange(len(among))
    middle = as_points(vectors[among], metric).mean(axis=0, dtype=np.float64).astype(np.float32)

    def points(rows: NDArray[np.integer]) -> NDArray[np.float32]:
        return as_points(vectors[rows], metric) - middle  # products of large numbers would lose what is small

    space = points(among)
    planes = [(layout - layout.mean(axis=0, dtype=np.float64)).astype(np.float32) for layout in layouts]
    trees: list[Any] = [places_tree(plane) for plane in planes]
    tallies = [Tally() for _ in layouts]
    for at in range(0, len(chosen), _BLOCK):
        if should_stop():
            raise Stopped
        some = chosen[at : at + _BLOCK]
        own, mine, true = column[some], points(some), indices[some]
        far = _squared(mine, space)
        pairs = random.integers(0, len(among) - 1, (len(some), _PAIRS, 2))
        pairs += (own >= 0)[:, None, None] & (pairs >= own[:, None, None])  # never the anchor itself
        apart = _taken(far, pairs)
        for plane, tree, tally in zip(planes, trees, tallies, strict=True):
            near = nearest_places(tree, some, known, threads)
            there = _squared(plane[some], plane[among])
            gaps = _squared_to(mine, points(near[:, :k].ravel()))
            tally.false += _penalty(true, near[:, :k], gaps, far, own, n, k)
            seen = _squared_to(plane[some], plane[true[:, :k].ravel()])
            tally.missing += _penalty(near, true[:, :k], seen, there, own, n, k)
            tally.pair(apart, _taken(there, pairs))
        report(STAGE, min(1.0, (at + _BLOCK) / len(chosen)))
    for tally in tallies:
        tally.to_metric(1.0, metric, vectors.shape[1])
    return [tally.agreement(len(chosen), n, k) for tally in tallies]


def _squared(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (b, m) between rows (b, d) and others (m, d)."""
    found = rows @ others.T
    found *= -2
    found += np.einsum("ij,ij->i", others, others)
    found += np.einsum("ij,ij->i", rows, rows)[:, None]
    return np.maximum(found, 0, out=found)


def _squared_to(rows: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (b, k) between rows (b, d) and k others of each (b k, d)."""
    gap = theirs.reshape(len(rows), -1, rows.shape[1]) - rows[:, None, :]
    return np.einsum("bkd,bkd->bk", gap, gap)


def _taken(values: NDArray[np.float32], pairs: NDArray[np.integer]) -> NDArray[np.float32]:
    return np.take_along_axis(values, pairs.reshape(len(pairs), -1), axis=1).reshape(pairs.shape)


def _penalty(
    nearest: NDArray[np.int32],
    others: NDArray[np.int32],
    gaps: NDArray[np.float32],
    among: NDArray[np.float32],
    own: NDArray[np.int64],
    n: int,
    k: int,
) -> float:
    """Sum how far rows are beyond the k nearest in a space, in ranks: (b, k) ``others`` at the squared distances ``gaps``.

    ``nearest`` (b, K) are the nearest rows there, whose ranks are known; ``among`` (b, m) the distances to the references.
    """
    from explorer.compute.nearer import count_nearer

    counts = np.empty(gaps.shape, np.int64)
    count_nearer(among, gaps * np.float32(1 - SLACK), own, counts)
    usable = among.shape[1] - (own >= 0)
    ranks = np.maximum(1 + counts * ((n - 1) / usable)[:, None], nearest.shape[1] + 1)
    same = others[:, :, None] == nearest[:, None, :]
    ranks = np.where(same.any(axis=2), same.argmax(axis=2) + 1, ranks)
    return float(np.maximum(ranks - k, 0).sum())
