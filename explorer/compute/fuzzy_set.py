"""The fuzzy set of a neighbor graph and the curve of min_dist, as umap-learn computes them, in NumPy.

umap-learn's own functions give the same (the tests compare), but importing it compiles for 15 to 20 seconds on a fresh machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["curve", "fuzzy_set", "memberships"]

ROUNDS = 64
TOLERANCE = 1e-5
LEAST_SCALE = 1e-3  # a bandwidth is at least this share of the mean distance
BLOCK = 65_536  # rows


def fuzzy_set(indices: NDArray[np.int32], distances: NDArray[np.float32]) -> Any:
    """Turn distances to neighbors into memberships between 0 and 1 and join both directions: ``a + b - a b``.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, k), int32 and float32
        Neighbors of each row, ascending, without the row itself.

    Returns
    -------
    scipy.sparse.csr_matrix of shape (n, n), float32
        Symmetric, columns sorted within a row, no zeros stored.
    """
    from scipy.sparse import csr_matrix

    n, k = indices.shape
    columns = np.array(indices).ravel()  # a copy: it is sorted in place
    directed = csr_matrix((memberships(distances).ravel(), columns, np.arange(0, n * k + 1, k)), shape=(n, n))
    reverse = directed.T.tocsr()
    directed.sort_indices()
    joined = (directed + reverse - directed.multiply(reverse)).tocsr()
    joined.eliminate_zeros()
    joined.sort_indices()
    return joined


def memberships(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say how surely each neighbor of a row is one: distances (n, k) float32, ascending, to memberships (n, k) float32 from 0 to 1."""
    n, k = distances.shape
    found = np.empty((n, k), dtype=np.float32)
    overall = float(distances.sum(dtype=np.float64)) / max(1, n * (k + 1))
    for at in range(0, n, BLOCK):
        found[at : at + BLOCK] = _memberships(distances[at : at + BLOCK].astype(np.float64), overall)
    return found


def curve(spread: float, min_dist: float) -> tuple[float, float]:
    """Fit a and b so that ``1 / (1 + a x^(2b))`` follows 1 up to min_dist and ``exp(-(x - min_dist) / spread)`` beyond."""
    from scipy.optimize import curve_fit

    x = np.linspace(0, 3 * spread, 300)
    y = np.where(x < min_dist, 1.0, np.exp(-(x - min_dist) / spread))
    (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), x, y)
    return float(a), float(b)


def _memberships(distances: NDArray[np.float64], overall: float) -> NDArray[np.float64]:
    """``exp(-(distance - nearest) / bandwidth)``, with the bandwidth at which a row's memberships sum to log2(k + 1)."""
    k = distances.shape[1]
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest[np.isinf(nearest)] = 0.0
    beyond = np.maximum(distances - nearest[:, None], 0.0)
    bandwidth = _bandwidths(beyond, np.log2(k + 1))
    mean = np.where(nearest > 0, distances.sum(axis=1) / (k + 1), overall)  # the row itself, at distance 0, counts in the mean
    bandwidth = np.maximum(bandwidth, LEAST_SCALE * mean)
    return np.exp(-beyond / np.where(bandwidth > 0, bandwidth, 1.0)[:, None])


def _bandwidths(beyond: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    n = len(beyond)
    low, high, middle = np.zeros(n), np.full(n, np.inf), np.ones(n)
    open_rows = np.arange(n)
    for _ in range(ROUNDS):
        total = np.exp(-beyond[open_rows] / middle[open_rows, None]).sum(axis=1)
        open_rows, total = open_rows[np.abs(total - target) >= TOLERANCE], total[np.abs(total - target) >= TOLERANCE]
        if not len(open_rows):
            break
        over = total > target
        high[open_rows[over]] = middle[open_rows[over]]
        low[open_rows[~over]] = middle[open_rows[~over]]
        here = high[open_rows]
        middle[open_rows] = np.where(np.isinf(here), 2 * middle[open_rows], (low[open_rows] + np.where(np.isinf(here), 0, here)) / 2)
    return middle
