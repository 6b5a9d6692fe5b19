"""The middle of some vectors: the rows nearest to it, and how far apart they are on average; by sums, never pair by pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.exact_search import ANGULAR, unit_rows

__all__ = ["Center", "center"]


class Center(NamedTuple):
    """What is in the middle.

    Attributes
    ----------
    medoids : ndarray of shape (m,), intp
        Places of the vectors that are the least far from all others, that one first: by mean cosine distance, or by root mean square
        Euclidean distance.
    distances : ndarray of shape (m,), float64
        How far that is.
    mean_distance : float
        The mean cosine distance of two different vectors, or their root mean square Euclidean distance; NaN for fewer than two.
    """

    medoids: NDArray[np.intp]
    distances: NDArray[np.float64]
    mean_distance: float


def center(vectors: NDArray[np.float32], *, metric: str, n_medoids: int) -> Center:
    """Find the middle of vectors (n, d), exactly, in O(n d); finite ones, not all zero where the metric is cosine.

    By cosine distance where the metric is that or correlation, by Euclidean distance where it is any other: sums say nothing of the rest.

    The sum S of n unit vectors has the mean cosine distance of all pairs in it, ``1 - (|S|² - n) / (n (n - 1))``, and the vector u with the
    largest ``u · S`` has the smallest mean distance from all others. Squared Euclidean distances have theirs in the mean and the spread
    around it.
    """
    n = len(vectors)
    wide = (unit_rows(vectors) if metric in ANGULAR else vectors).astype(np.float64)
    others = max(1, n - 1)
    if metric in ANGULAR:
        total = wide.sum(axis=0)
        squares = np.einsum("ij,ij->i", wide, wide)
        apart = 1 - (wide @ total - squares) / others
        mean = 1 - (float(total @ total) - float(squares.sum())) / (n * others)
    else:
        wide -= wide.mean(axis=0) if n else 0
        squares = np.einsum("ij,ij->i", wide, wide)
        apart = np.sqrt((n * squares + squares.sum()) / others)
        mean = float(np.sqrt(2 * squares.sum() / others))
    order = np.lexsort((np.arange(n), apart))[:n_medoids]
    return Center(order, np.maximum(apart[order], 0), max(mean, 0.0) if n > 1 else float("nan"))
