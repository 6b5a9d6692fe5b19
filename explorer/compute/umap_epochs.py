"""UMAP's epochs as one numba kernel: a few at a time, without the GIL, bit-identical whatever the number of threads.

The kernel runs in the compute process only, where nothing else is parallel.

Each epoch reads one copy of the layout and writes another, and a row writes only its own place, so no update races. umap-learn moves
both ends of every directed edge; here an edge is visited from both of its ends (the graph is symmetric, weights and schedules of the two
directions are equal) and each end moves itself twice as far. Negative samples come from a counter of seed, epoch and row. The two gradient
coefficients come from tables over the exponent and first eight mantissa bits of the squared distance instead of ``pow``.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["TABLE_START", "coefficient_tables", "run_epochs"]

TABLE_START = int(np.float32(2.0**-24).view(np.int32)) >> 15
_TABLE_END = int(np.float32(2.0**24).view(np.int32)) >> 15


def coefficient_tables(a: float, b: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tabulate attraction and repulsion over the squared distance, 256 steps an octave from 2^-24 to 2^24.

    Parameters
    ----------
    a, b : float
        The curve 1 / (1 + a x^(2b)) that stands for min_dist and spread.
    """
    steps = np.arange(TABLE_START, _TABLE_END + 1, dtype=np.int64)
    squared = ((steps << 15) + (1 << 14)).astype(np.int32).view(np.float32).astype(np.float64)
    attraction = -2 * a * b * squared ** (b - 1) / (a * squared**b + 1)
    repulsion = 2 * b / ((0.001 + squared) * (a * squared**b + 1))
    return attraction.astype(np.float32), repulsion.astype(np.float32)


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def run_epochs(buffers, starts, ends, every, due, first, last, total, seed, attraction, repulsion, pull, negatives):  # type: ignore[no-untyped-def]
    """Move all rows for epochs ``first`` to ``last`` of ``total``, in place.

    Parameters
    ----------
    buffers : ndarray of shape (2, n, 2), float32
        Two copies of the layout; epoch e reads ``buffers[e % 2]`` and writes the other, which the next epoch reads.
    starts, ends : ndarray of shape (n + 1,) int64 and (m,) int32
        The symmetric edges in CSR order.
    every, due : ndarray of shape (m,), float32
        Epochs between two visits of an edge, and the epoch of its next visit; ``due`` is moved on.
    seed : int
        Decides the negative samples.
    attraction, repulsion : ndarray, float32
        See :func:`coefficient_tables`.
    pull : float
        How many times the attraction of one visit is applied.
    negatives : int
        Rows pushed away a visit.
    """
    n = buffers.shape[1]
    four = np.float32(4)
    for epoch in range(first, last):
        before = buffers[epoch % 2]
        after = buffers[(epoch + 1) % 2]
        alpha = np.float32(1) - np.float32(epoch) / np.float32(total)
        strong = alpha * np.float32(pull)
        for i in numba.prange(n):
            state = (
                np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
                + np.uint64(epoch) * np.uint64(0xD1B54A32D192ED03)
                + np.uint64(i) * np.uint64(0xABC98388FB8FAC03)
            )
            state ^= state >> np.uint64(32)
            state *= np.uint64(0xD6E8FEB86659FD93)
            state ^= state >> np.uint64(32)
            state |= np.uint64(1)
            x, y = before[i, 0], before[i, 1]
            for edge in range(starts[i], starts[i + 1]):
                if due[edge] > epoch:
                    continue
                due[edge] += every[edge]
                j = ends[edge]
                dx, dy = x - before[j, 0], y - before[j, 1]
                squared = dx * dx + dy * dy
                if squared > 0:
                    at = min(max((np.int64(np.float32(squared).view(np.int32)) >> 15) - TABLE_START, 0), attraction.size - 1)
                    x += strong * min(max(attraction[at] * dx, -four), four)
                    y += strong * min(max(attraction[at] * dy, -four), four)
                for _ in range(negatives):
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    m = np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                    dx, dy = x - before[m, 0], y - before[m, 1]
                    squared = dx * dx + dy * dy
                    if squared > 0 and m != i:
                        at = min(max((np.int64(np.float32(squared).view(np.int32)) >> 15) - TABLE_START, 0), repulsion.size - 1)
                        x += alpha * min(max(repulsion[at] * dx, -four), four)
                        y += alpha * min(max(repulsion[at] * dy, -four), four)
            after[i, 0], after[i, 1] = x, y
