"""Each row's nearest rows in the original space: exact where that is cheap, nearly all beyond. Never draws, never touches a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.direct_search import DIRECT, Direct
from explorer.compute.exact_search import (
    Points,
    block_rows,
    check_binary,
    check_varied,
    exact_neighbors,
    gaps_to_one,
    nearest_to_one,
    to_distances,
)
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.compute.space import METRICS, Space, exact_below, space_of
from explorer.errors import BadParameter, NotEnoughRows, UnknownChoice

__all__ = ["NeighborGraph", "anchor_rows", "distances_to", "graph_from", "nearest_among", "nearest_rows", "neighbor_graph"]

ANCHORS: Final = 1_000  # rows whose neighbors are searched exactly to measure recall
ENOUGH: Final = 0.95  # the recall at which a search is left at that
STAGE = "neighbor graph"


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """Each row's k nearest rows.

    Attributes
    ----------
    indices : ndarray of shape (n, k), int32
        Row numbers, nearest first; never the row itself, never twice the same.
    distances : ndarray of shape (n, k), float32
        Ascending. Cosine distance is ``1 - cos``, from 0 to 2; correlation is the same of vectors less their mean. Of the others see
        :class:`explorer.compute.direct_search.Direct`; Hamming distance is the share of places that differ.
    metric : str
        One of :data:`METRICS`.
    recall : float
        The share of true neighbors that was found: 1.0 for an exact graph, else measured on 1,000 rows.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str
    recall: float

    @property
    def k(self) -> int:
        """Neighbors of a row."""
        return self.indices.shape[1]


def neighbor_graph(
    vectors: NDArray[np.float32],
    *,
    k: int = 30,
    metric: str = "cosine",
    seed: int = 0,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> NeighborGraph:
    """Find each row's nearest rows.

    Below 25,000 rows (Manhattan distance: 10,000) the graph is exact: O(n² d) in blocks, at most about 256 MB beside the vectors and one
    copy of them. From there on each row is compared with the cells of rows nearest to it, in O(n^1.5 d); where that finds less than 95 % of
    the true neighbors, and for dot product, Manhattan and Jaccard distance, pynndescent finds nearly all in about O(n log n d).

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite values, no all-zero row where the metric is cosine. Not changed.
    k : int
        Neighbors of a row, the row itself not counted.
    metric : str
        How far two rows are apart: one of :data:`METRICS`.
    seed : int
        Decides the centers of the cells and pynndescent's random choices; an exact graph has none.
    report : callable(stage, fraction), optional
        Called from this thread as the search proceeds.
    should_stop : callable, optional
        Asked before each block of rows, some cells, or each round of pynndescent.

    Returns
    -------
    NeighborGraph
        ``indices`` (n, k) int32, ``distances`` (n, k) float32, ascending, no self column; ties of an exact graph go by row number.

    Raises
    ------
    UnknownChoice
        If the metric is not one of :data:`METRICS`.
    BadParameter
        If k is less than 1, or the metric cannot compare such vectors.
    NotEnoughRows
        If n <= k.
    Stopped
        If ``should_stop()`` said so.
    """
    _check(len(vectors), k, metric)
    report(STAGE, 0.0)
    n, space = len(vectors), space_of(vectors, metric, k)
    if n >= exact_below(metric):
        return _approximate_graph(space, n, k, metric, seed, report, should_stop)
    indices, gaps = _exact_rows(space, np.arange(n), k, report, should_stop)
    return NeighborGraph(indices, space.distances(gaps), metric, 1.0)


def nearest_rows(
    vectors: NDArray[np.float32],
    row: int | NDArray[np.float32],
    *,
    k: int,
    metric: str = "cosine",
    drawable: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the rows nearest to one row or vector, exactly, without a graph. O(n d); light enough for the server process.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        May be a read-only memory map, and may hold rows that are not finite where ``drawable`` is False.
    row : int or ndarray of shape (d,)
        A row number (that row is left out of the result) or a vector.
    k : int
        How many rows to find.
    metric : str
        How far two rows are apart: one of :data:`METRICS`.
    drawable : ndarray of shape (n,), bool, optional
        Rows that may be found; all by default.

    Returns
    -------
    rows, distances : ndarray of shape (k,), int32 and float32
        Nearest first, ties by row number; the same as :func:`neighbor_graph` finds exactly.

    Raises
    ------
    UnknownChoice
        If the metric is not one of :data:`METRICS`.
    BadParameter
        If k is less than 1, or the row is not one of the vectors, or not drawable.
    NotEnoughRows
        If fewer than k other rows may be found.
    """
    n = len(vectors)
    allowed = np.ones(n, dtype=np.bool_) if drawable is None else np.array(drawable, dtype=np.bool_)
    if isinstance(row, np.ndarray):
        target = row
        _check(int(allowed.sum()) + 1, k, metric)
    else:
        _check(int(allowed.sum()), k, metric)
        if not 0 <= row < n or not allowed[row]:
            raise BadParameter("row", row, f"give the number of a row with a usable vector, from 0 to {n - 1}.")
        target = vectors[row]
        allowed[row] = False
    if metric in DIRECT:
        usable = np.ones(n, np.bool_) if drawable is None else drawable
        apart = np.where(allowed, Direct.of(vectors, metric, usable).to_one(target), np.inf)
        limit = np.partition(apart, k - 1)[k - 1]
        every = np.flatnonzero(apart <= limit)
        found = every[np.argsort(apart[every], kind="stable")[:k]]
        return found.astype(np.int32), apart[found].astype(np.float32)
    if metric == "hamming":
        check_binary(vectors, metric, drawable)
    if metric == "correlation":
        check_varied(vectors, drawable)
    rows, gaps = nearest_to_one(vectors, target, k=k, metric=metric, allowed=allowed)
    return rows, to_distances(gaps, metric, vectors.shape[1])


def nearest_among(
    vectors: NDArray[np.float32], targets: NDArray[np.float32], *, k: int, metric: str = "cosine"
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the rows nearest to many vectors, exactly. O(m n d) in blocks; for the compute process.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; no all-zero row where the metric is cosine. Not changed.
    targets : ndarray of shape (m, d), float32
        The same.
    k : int
        How many rows to find for each.
    metric : str
        How far two rows are apart: one of :data:`METRICS`.

    Returns
    -------
    rows, distances : ndarray of shape (m, k), int32 and float32
        Nearest first, ties by row number. Where the metric is dot, distances count from the longest of all these vectors.

    Raises
    ------
    UnknownChoice, BadParameter, NotEnoughRows
        As :func:`neighbor_graph`; of dimensions that differ, too.
    """
    n, m = len(vectors), len(targets)
    if targets.ndim != vectors.ndim or targets.shape[1] != vectors.shape[1]:
        raise BadParameter("vectors", f"an array of shape {targets.shape}", f"they need {vectors.shape[1]:,} dimensions, as the others.")
    _check(n + 1, k, metric)
    together = np.concatenate([vectors, targets]).astype(np.float32, copy=False)
    rows, distances = np.empty((m, k), np.int32), np.empty((m, k), np.float32)
    columns = np.arange(n)
    if metric in DIRECT:
        direct = Direct.of(together, metric)
        for at in range(0, m, direct.block_rows()):
            part = slice(at, at + direct.block_rows())
            rows[part], distances[part] = direct.nearest(n + np.arange(m)[part], k, among=n)
        return rows, distances
    points = Points.of(together, metric)
    for at in range(0, m, block_rows(n)):
        part = slice(at, at + block_rows(n))
        rows[part], gaps = exact_neighbors(points, n + np.arange(m)[part], columns, k)
        distances[part] = to_distances(gaps, metric, vectors.shape[1])
    return rows, distances


def distances_to(
    vectors: NDArray[np.float32], row: int, others: NDArray[np.integer], *, metric: str, drawable: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Measure how far other rows (m,) are from one row, all of them with usable vectors; the same as :func:`nearest_rows` says."""
    _check(len(vectors), 1, metric)
    places = np.asarray(others, np.intp)
    if metric in DIRECT:
        return Direct.of(vectors, metric, drawable).measure(np.array([row]), places[None])[0]
    return to_distances(gaps_to_one(vectors, places, vectors[row], metric=metric), metric, vectors.shape[1])


def _check(n: int, k: int, metric: str) -> None:
    if metric not in METRICS:
        raise UnknownChoice("metric", metric, METRICS)
    if k < 1:
        raise BadParameter("k", k, "give 1 or more.")
    if n <= k:
        raise NotEnoughRows("k", k, n)


def _exact_rows(
    space: Space, rows: NDArray[np.intp], k: int, report: Report, should_stop: ShouldStop
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    indices = np.empty((len(rows), k), dtype=np.int32)
    gaps = np.empty((len(rows), k), dtype=np.float32)
    for at in range(0, len(rows), space.block):
        if should_stop():
            raise Stopped
        part = slice(at, at + space.block)
        indices[part], gaps[part] = space.nearest(rows[part])
        report(STAGE, min(1.0, (at + space.block) / len(rows)))
    return indices, gaps


def anchor_rows(n: int, seed: int) -> NDArray[np.int64]:
    """Choose the rows of n whose neighbors are searched exactly to measure recall, ascending."""
    return np.sort(np.random.default_rng(seed).choice(n, min(ANCHORS, n), replace=False))


def graph_from(
    vectors: NDArray[np.float32],
    start: tuple[NDArray[np.int32], NDArray[np.float32]],
    scale: float,
    reach: NDArray[np.float32],
    *,
    metric: str,
    seed: int = 0,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> NeighborGraph:
    """Make the graph of what the parts of a search have found: as :func:`neighbor_graph` goes on after its cells.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Read only where something is missing.
    start : tuple of ndarray
        Row numbers (n, k) and squared distances between ``Points.product``.
    scale : float
        Of the points.
    reach : ndarray of shape (a,), float32
        How far the k-th nearest of the :func:`anchor_rows` truly are: distances between points.
    metric, seed, report, should_stop
        As in :func:`neighbor_graph`.

    Raises
    ------
    Stopped
    """
    indices, compared = start
    k, anchors = indices.shape[1], anchor_rows(len(indices), seed)
    gaps = (np.sqrt(compared) / np.float32(scale)).astype(np.float32)
    if (indices[:, -1] >= 0).all() and _recall(gaps[anchors], reach) >= ENOUGH:
        return NeighborGraph(indices, to_distances(gaps, metric, vectors.shape[1]), metric, _recall(gaps[anchors], reach))
    space = space_of(vectors, metric, k)
    indices, gaps = _completed(space, indices, gaps, should_stop)
    return _settled(space, start, (indices, gaps), reach, metric, seed, report, should_stop)


def _approximate_graph(space: Space, n: int, k: int, metric: str, seed: int, report: Report, should_stop: ShouldStop) -> NeighborGraph:
    """Compare each row with the cells nearest to it; descend where there are no such cells, or where too many neighbors are missing."""
    if should_stop():
        raise Stopped
    report(STAGE, 0.05)
    anchors = anchor_rows(n, seed)
    start = space.start(seed, stage=STAGE, report=report, should_stop=should_stop)
    found = _descended(space, k, seed, report, should_stop) if start is None else (start[0], space.gaps(*start))
    indices, gaps = _completed(space, *found, should_stop)
    reach = _true_reach(space, anchors, gaps[anchors], should_stop)
    return _settled(space, start, (indices, gaps), reach, metric, seed, report, should_stop)


def _settled(
    space: Space,
    start: tuple[NDArray[np.int32], NDArray[np.float32]] | None,
    found: tuple[NDArray[np.int32], NDArray[np.float32]],
    reach: NDArray[np.float32],
    metric: str,
    seed: int,
    report: Report,
    should_stop: ShouldStop,
) -> NeighborGraph:
    """Leave it at what was found, or descend from a start that missed too many of the anchors' neighbors."""
    (indices, gaps), k = found, found[0].shape[1]
    anchors = anchor_rows(len(indices), seed)
    if start is not None and _recall(gaps[anchors], reach) < ENOUGH:

        def enough(rows: NDArray[np.int32], compared: NDArray[np.float32]) -> bool:
            some = rows[anchors]
            return _recall(_without_self(some, space.gaps(some, compared[anchors]), anchors, k)[1], reach) >= ENOUGH

        again = _descended(space, k, seed, report, should_stop, start=start, enough=enough)
        indices, gaps = _completed(space, *again, should_stop)
    report(STAGE, 1.0)
    return NeighborGraph(indices, space.distances(gaps), metric, _recall(gaps[anchors], reach))


def _descended(
    space: Space, k: int, seed: int, report: Report, should_stop: ShouldStop, **start: Any
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    from explorer.compute.descent import descend

    found, compared = descend(
        space.compared, k, seed, distance=space.comparison, stage=STAGE, report=report, should_stop=should_stop, **start
    )
    return _without_self(found, space.gaps(found, compared), np.arange(len(found)), k)


def _completed(
    space: Space, indices: NDArray[np.int32], gaps: NDArray[np.float32], should_stop: ShouldStop
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Search the rows again, exactly, that found too few."""
    broken = np.flatnonzero((indices < 0).any(axis=1))
    if not len(broken):
        return indices, gaps
    whole, apart = indices.copy(), gaps.copy()
    whole[broken], apart[broken] = _exact_rows(space, broken, indices.shape[1], ignore, should_stop)
    return whole, apart


def _true_reach(space: Space, anchors: NDArray[np.intp], gaps: NDArray[np.float32], should_stop: ShouldStop) -> NDArray[np.float32]:
    """Say how far the k-th nearest of some rows truly is (m,), of whom gaps (m, k) were found."""
    reach = np.empty(len(anchors), np.float32)
    for at in range(0, len(anchors), space.block):
        if should_stop():
            raise Stopped
        part = slice(at, at + space.block)
        reach[part] = [true[gaps.shape[1] - 1] for true in space.within(anchors[part], gaps[part, -1])]
    return reach


def _recall(gaps: NDArray[np.float32], reach: NDArray[np.float32]) -> float:
    """Say which share of the true neighbors was found, of rows whose k-th truly is as far as ``reach`` (m,): gaps (m, k)."""
    return float((gaps <= reach[:, None] * (1 + 1e-5)).mean())


def _without_self(
    found: NDArray[np.int32], gaps: NDArray[np.float32], rows: NDArray[np.intp], k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Take out the row itself and repeated rows, sort by distance, then row number, and keep k; what is missing is -1 at the end."""
    by_row = np.argsort(found, axis=1, kind="stable")
    found, gaps = np.take_along_axis(found, by_row, axis=1), np.take_along_axis(gaps, by_row, axis=1)
    wrong = (found < 0) | (found == rows[:, None])
    wrong[:, 1:] |= found[:, 1:] == found[:, :-1]
    found, gaps = np.where(wrong, -1, found), np.where(wrong, np.inf, gaps)
    order = np.argsort(gaps, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(gaps, order, axis=1)
