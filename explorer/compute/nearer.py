"""How many rows are nearer than some limits: counted without sorting. Runs in the compute process only, where nothing else is parallel."""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numba

__all__ = ["count_nearer"]


@numba.njit(parallel=True, nogil=True, cache=True)
def count_nearer(distances, limits, own, counts):
    """Count in each line the distances below each limit, but for its own place.

    Parameters
    ----------
    distances : ndarray of shape (b, m), float32
    limits : ndarray of shape (b, k), float32
    own : ndarray of shape (b,), int64
        The column that does not count; -1 for none.
    counts : ndarray of shape (b, k), int64
        Filled in.
    """
    for i in numba.prange(distances.shape[0]):
        for j in range(limits.shape[1]):
            limit, found = limits[i, j], 0
            for column in range(distances.shape[1]):
                found += distances[i, column] < limit
            if own[i] >= 0 and distances[i, own[i]] < limit:
                found -= 1
            counts[i, j] = found
