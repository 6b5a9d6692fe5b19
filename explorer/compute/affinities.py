"""How strongly each row listens to its neighbors in t-SNE: a Gaussian whose width gives every row the same perplexity."""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from math import log
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["affinities", "one_way"]

TOLERANCE: Final = 1e-6  # of the entropy
ROUNDS: Final = 100


def affinities(indices: NDArray[np.int32], distances: NDArray[np.float32], perplexity: float) -> Any:
    """Compute the affinities of t-SNE (van der Maaten & Hinton, JMLR 2008) between each row and its nearest rows.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, k), int32 and float32
        Neighbors of each row, without the row itself.
    perplexity : float
        How many neighbors a row listens to; at most k.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n), float32
        Symmetric; sums to 1.
    """
    from scipy.sparse import csr_array

    n, k = indices.shape
    weights = np.empty((n, k), np.float32)
    _weigh(np.ascontiguousarray(distances), log(perplexity), weights)
    ends, starts = np.ascontiguousarray(indices).ravel(), np.arange(0, n * k + 1, k, dtype=np.int64)
    one_way = csr_array((weights.ravel(), ends, starts), shape=(n, n))
    both = (one_way + one_way.T).tocsr()
    both.data /= both.data.sum(dtype=np.float64)
    return both


def one_way(distances: NDArray[np.float32], perplexity: float) -> NDArray[np.float32]:
    """Say how strongly rows listen to their nearest rows, where those do not listen back.

    Parameters
    ----------
    distances : ndarray of shape (m, k), float32
        Ascending.
    perplexity : float
        At most k.

    Returns
    -------
    ndarray of shape (m, k), float32
        Each row sums to 1.
    """
    weights = np.empty(distances.shape, np.float32)
    _weigh(np.ascontiguousarray(distances), log(perplexity), weights)
    return weights


@numba.njit(parallel=True, nogil=True, cache=True)
def _weigh(distances, wanted, weights):
    """Find for each row the width at which the entropy is the wanted one; write the weights, which sum to 1."""
    n, k = distances.shape
    for i in numba.prange(n):
        nearest = np.float64(distances[i, 0]) ** 2
        sharpness, low, high = 1.0, 0.0, np.inf
        for _ in range(ROUNDS):
            total, mean = 0.0, 0.0
            for j in range(k):
                beyond = np.float64(distances[i, j]) ** 2 - nearest
                weight = np.exp(-sharpness * beyond)
                total += weight
                mean += weight * beyond
            gap = np.log(total) + sharpness * mean / total - wanted  # of the entropy
            if abs(gap) < TOLERANCE:
                break
            if gap > 0:  # too many neighbors are heard
                low = sharpness
                sharpness = sharpness * 2 if high == np.inf else (low + high) / 2
            else:
                high = sharpness
                sharpness = (low + high) / 2
        for j in range(k):
            weights[i, j] = np.exp(-sharpness * (np.float64(distances[i, j]) ** 2 - nearest)) / total
