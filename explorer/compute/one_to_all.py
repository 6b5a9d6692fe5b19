"""One vector against all rows, in one pass through memory: compiled, because that is three times as fast as NumPy. Never decides anything.

Sums are in float32, in lanes: :mod:`explorer.compute.exact_search` knows by how much they may be off. Sequential and without the GIL.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["city_blocks", "products_and_squares", "squared_gaps"]

_REORDERED = {"reassoc", "contract", "nsz"}  # what vector instructions need; NaN and infinity stay what they are


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def products_and_squares(vectors, goal, products, squares):
    """Fill in each row's product with the goal, and its squared length: ``vectors`` float32 (n, d), ``goal`` (d,), the others (n,)."""
    for i in range(vectors.shape[0]):
        product, square = np.float32(0), np.float32(0)
        for j in range(vectors.shape[1]):
            value = vectors[i, j]
            product += value * goal[j]
            square += value * value
        products[i], squares[i] = product, square


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def squared_gaps(vectors, goal, squares):
    """Fill in each row's squared distance to the goal; shapes as above."""
    for i in range(vectors.shape[0]):
        square = np.float32(0)
        for j in range(vectors.shape[1]):
            gap = vectors[i, j] - goal[j]
            square += gap * gap
        squares[i] = square


@njit(nogil=True, cache=True, fastmath=_REORDERED)
def city_blocks(vectors, rows, distances):
    """Fill in the sums of absolute differences of all vectors (n, d) from some of them: ``rows`` (b,), ``distances`` (b, n)."""
    for b in range(rows.shape[0]):
        goal = vectors[rows[b]].astype(np.float64)
        for i in range(vectors.shape[0]):
            total = 0.0
            for j in range(vectors.shape[1]):
                total += abs(np.float64(vectors[i, j]) - goal[j])
            distances[b, i] = total
