"""Nearest neighbor descent made of pynndescent's own parts, so that each round can be watched, stopped and kept compiled on disk.

``NNDescent(...)`` runs all rounds in one compiled function that numba cannot keep on disk: every process would compile for ten seconds, and
nothing could be reported. The stages, parameters and results are those of ``NNDescent(points, n_neighbors=k + 1)`` in pynndescent 0.7.
Runs in the compute process only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.compute.compilation import keep_compiled
from explorer.compute.progress import Report, ShouldStop, Stopped

__all__ = ["descend"]

DELTA = 0.001  # the share of neighbors still changing at which the rounds end
BLOCK = 16_384  # rows whose updates are gathered at once
MOST_CANDIDATES = 60
SEEDS = np.iinfo(np.int32).max - 1


def descend(
    points: NDArray[np.float32],
    k: int,
    seed: int,
    *,
    distance: str = "squared_euclidean",
    start: tuple[NDArray[np.int32], NDArray[np.float32]] | None = None,
    enough: Callable[[NDArray[np.int32], NDArray[np.float32]], bool] = lambda *_: False,
    stage: str,
    report: Report,
    should_stop: ShouldStop,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find nearly all nearest neighbors.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32, C order
        What is compared.
    k : int
        Neighbors of a row.
    seed : int
        Decides trees and random starts.
    distance : str
        One of ``pynndescent.distances``.
    start : tuple of ndarray, optional
        Neighbors (n, k) int32 without the row itself, and their distances float32, to start from instead of trees.
    enough : callable(rows, distances), optional
        Asked after each round, with row numbers and distances (n, k + 1) in no order, whether to leave it at that.
    stage : str
        What to call this in reports; the fraction goes from 0.05 to 0.9, from 0.7 where there is a start.
    report, should_stop
        Called and asked once a round.

    Returns
    -------
    tuple of ndarray
        Row numbers (n, k + 1) int32 and distances float32, ascending. A row may list itself, and -1 where nothing was found.
    """
    from pynndescent import distances
    from pynndescent.hybrid_forest import make_hybrid_leaf_array
    from pynndescent.pynndescent_ import init_random, init_rp_tree
    from pynndescent.utils import deheap_sort, make_heap

    compared = getattr(distances, distance)
    keep_compiled("pynndescent", arguments=[compared])
    n, kept = len(points), k + 1
    random = np.random.RandomState(seed)
    state = random.randint(-SEEDS, SEEDS, 3).astype(np.int64)
    if start is None:
        n_trees = max(3, min(12, round(2 * np.log10(n))))
        leaves = make_hybrid_leaf_array(points, n_trees, max(60, min(256, 5 * kept)), int(random.randint(0, 2**62, dtype=np.int64)))
        _proceed(stage, 0.2, report, should_stop)
        heap = make_heap(n, kept)
        init_rp_tree(points, compared, heap, leaves, n_threads=_threads())
        init_random(kept, points, heap, compared, state)
    else:
        heap = _heap(*start)
    begun = 0.35 if start is None else 0.7
    _proceed(stage, begun, report, should_stop)
    rounds = max(5, round(np.log2(n)))
    first = None
    for changed in _rounds(points, compared, heap, state, rounds):
        first = first or changed
        # changes fall by a roughly constant factor a round, so their logarithm tells how far it is
        left = np.log(max(changed, 1) / (DELTA * kept * n)) / max(np.log(max(first, 1) / (DELTA * kept * n)), 1e-9)
        _proceed(stage, 0.9 - (0.9 - begun) * float(np.clip(left, 0, 1)), report, should_stop)
        if changed <= DELTA * kept * n or enough(heap[0], heap[1]):
            break
    indices, apart = deheap_sort(heap[0], heap[1])
    return indices, apart


def _heap(found: NDArray[np.int32], apart: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """Make pynndescent's heap of neighbors: each row and itself, the farthest first, all of them new."""
    itself = np.arange(len(found), dtype=np.int32)[:, None]
    rows = np.ascontiguousarray(np.concatenate([itself, found], axis=1)[:, ::-1])
    gaps = np.ascontiguousarray(np.concatenate([np.zeros_like(apart[:, :1]), apart], axis=1)[:, ::-1])
    return rows, gaps, np.ones(rows.shape, dtype=np.uint8)


def _rounds(points: NDArray[np.float32], compared: Any, heap: Any, state: NDArray[np.int64], rounds: int) -> Iterator[int]:
    """Improve the heap in place, round by round; yields how many neighbors changed."""
    from pynndescent.kernels import select_kernel
    from pynndescent.pynndescent_ import process_candidates
    from pynndescent.utils import build_candidates_owner

    n, kept = heap[0].shape
    threads, width = _threads(), min(MOST_CANDIDATES, kept)
    most = int((width**2 + width * (width - 1) / 2) * BLOCK / threads) + 1024
    updates, counts = np.empty((threads, most, 3), dtype=np.float32), np.zeros(threads, dtype=np.int32)
    in_order = np.empty((threads, 2 * most, 3) if threads > 1 else (1, 1, 3), dtype=np.float32)
    new = np.full((n, width), -1, dtype=np.int32), np.full((n, width), np.inf, dtype=np.float32)
    old = np.full((n, width), -1, dtype=np.int32), np.full((n, width), np.inf, dtype=np.float32)
    active = np.ones(n, dtype=np.uint8)
    reverse = np.empty(n * kept, dtype=np.int32), np.empty(n * kept, dtype=np.int32)
    buckets, offsets = (np.zeros((threads, threads + 1), dtype=np.int64) for _ in range(2))
    kernel = select_kernel(compared, points)
    for _ in range(rounds):
        fresh, stale = build_candidates_owner(heap, width, state, threads, *new, *old, active, *reverse, buckets)
        yield process_candidates(
            points, compared, heap, fresh, stale, n // BLOCK, BLOCK, threads, updates, counts, in_order, offsets, kernel
        )


def _threads() -> int:
    import numba

    return int(numba.get_num_threads())


def _proceed(stage: str, fraction: float, report: Report, should_stop: ShouldStop) -> None:
    if should_stop():
        raise Stopped
    report(stage, fraction)
