"""How one layout is laid over another, so that only real change moves: robustly, and weighted by local agreement.

A stored layout is never moved: what is found is a :class:`Similarity`, to be kept beside it. The kernels are sequential and run without the
GIL; nothing is random.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.compute.layout_rows import GRAPH_NEIGHBORS, Middle, middle_of, neighbors_of, pair_of, shared_rows, some_of, z_order
from explorer.compute.procrustes import fitted
from explorer.compute.similarity import IDENTITY, Similarity
from explorer.errors import BadParameter

__all__ = ["IDENTITY", "Similarity", "align", "local_agreement", "warm"]

_NEAR = 0.1  # spreads: at this distance two rows are half near each other
_AHEAD = 5  # rows ahead along a Z-curve that a row is compared with; as many before it have compared themselves with it


def align(moving: NDArray[np.float32], fixed: NDArray[np.float32], *, weights: NDArray[np.floating] | None = None) -> Similarity:
    """Find the similarity that lays one layout over another.

    A tenth of the rows may be anywhere, however far, in either layout: see :mod:`explorer.compute.procrustes`.

    The scale is the ratio of the two layouts' spreads (root mean squares) over the rows that agree, each with its weight. It is not that of
    least squares, which is the ratio times the correlation: a layout would shrink the more the two differ, to a dot where they share
    nothing. With the ratio, the other way around is nearly the inverse. It stays within a factor of two of what makes both layouts the same
    size, so that one cluster that kept its shape does not blow up the rest.

    All rows are read, to see which are finite in both; 50,000 of them, spread evenly, are fitted. Angle, scale and shift of so many are off
    by about 1/220 of how far single rows are off: half a pixel where those are 100 pixels away from where they should be.

    Parameters
    ----------
    moving, fixed : ndarray of shape (n, 2), float32
        Rows that are not finite in both are left out. May be read-only memory maps.
    weights : ndarray of shape (n,), float, optional
        How much each row counts, in any unit; those that are negative or not finite count nothing. By default, the
        :func:`local_agreement` of the rows that are fitted.

    Returns
    -------
    Similarity
        From the units of ``moving`` to those of ``fixed``. Where fewer than two rows can be used, or one of the layouts is in one place,
        only the translation of the medians.

    Raises
    ------
    BadParameter
        If the layouts do not have the same number of rows, or the weights another.
    """
    moving, fixed = pair_of(moving, fixed)
    if weights is not None and weights.shape != moving.shape[:1]:
        raise BadParameter("weights", f"an array of shape {weights.shape}", f"give one for each of the {len(moving):,} rows.")
    rows = shared_rows(moving, fixed)
    if weights is not None:
        counting = rows[np.isfinite(weights[rows]) & (weights[rows] > 0)]
        rows = counting if len(counting) else rows
    rows = some_of(rows)
    if not len(rows):
        return IDENTITY
    some, others = moving.take(rows, axis=0), fixed.take(rows, axis=0)
    middle, goal = middle_of(some), middle_of(others)
    if not (middle.spread and goal.spread):
        return Similarity(IDENTITY.matrix, (goal.x - middle.x, goal.y - middle.y))
    trust = _agreement(some, others, middle, goal) if weights is None else weights[rows].astype(np.float64)
    most = float(trust.max())
    trust = trust / most if most > 0 else np.ones(len(rows))
    found = fitted(_centered(some, middle), _centered(others, goal), trust)
    return _from_unit(goal).after(found).after(_from_unit(middle).inverse())


def local_agreement(
    one: NDArray[np.float32], other: NDArray[np.float32], *, neighbors: NDArray[np.int32] | None = None
) -> NDArray[np.float32]:
    """Say of each row how much its neighborhood is the same in two layouts, wherever it is and however it is turned.

    How near two rows are in a layout is ``1 / (1 + (distance / 0.1 spread)²)``. A row's agreement is the sum over its pairs with other rows
    of the lesser of the two layouts' nearness, divided by the sum of the greater: Jaccard's index of the two neighborhoods, for
    memberships between 0 and 1 (Ruzicka).

    Parameters
    ----------
    one, other : ndarray of shape (n, 2), float32
        Not finite where a row is left out.
    neighbors : ndarray of shape (n, k), int32, optional
        Each row's true neighbors, nearest first, -1 for none; the first 15 are its pairs. Without them, its pairs are those with the five
        rows before and after it along a Z-curve through the one layout, and along one through the other.

    Returns
    -------
    ndarray of shape (n,), float32
        From 0 to 1; 0 for rows that are not in both layouts or have no pair.

    Raises
    ------
    BadParameter
        If the layouts do not have the same number of rows, or the neighbors another.
    """
    one, other = pair_of(one, other)
    pairs = None if neighbors is None else neighbors_of(neighbors, len(one))
    rows = shared_rows(one, other)
    few = some_of(rows)
    middles = middle_of(one.take(few, axis=0)), middle_of(other.take(few, axis=0))
    agreement = np.zeros(len(one), np.float32)
    if pairs is None:
        agreement[rows] = _agreement(one.take(rows, axis=0), other.take(rows, axis=0), *middles)
    else:
        _graph_agreement(one, other, pairs, GRAPH_NEIGHBORS, _per_square(middles[0]), _per_square(middles[1]), agreement)
    return agreement


def warm() -> None:
    """Compile the kernels, so that nobody waits for it."""
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    align(square, square).apply(square)
    local_agreement(square, square, neighbors=np.array([[1], [2], [3], [0]], np.int32))


def _agreement(one: NDArray[np.float32], other: NDArray[np.float32], middle: Middle, goal: Middle) -> NDArray[np.float64]:
    """Compare rows that lie together in one of the layouts; both finite."""
    sums = np.zeros((len(one), 2))
    for order in (z_order(one, middle), z_order(other, goal)):
        _add_agreement(one, other, order, _AHEAD, _per_square(middle), _per_square(goal), sums)
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(one)), where=sums[:, 1] > 0)


def _per_square(middle: Middle) -> float:
    """Return what a squared distance is multiplied by, to be 1 where two rows are half near each other."""
    return (_NEAR * middle.spread) ** -2 if middle.spread else 0.0


def _centered(coordinates: NDArray[np.float32], middle: Middle) -> NDArray[np.float64]:
    return (coordinates.astype(np.float64) - middle[:2]) / middle.spread


def _from_unit(middle: Middle) -> Similarity:
    return Similarity.of(scale=middle.spread, shift=(middle.x, middle.y))


@njit(nogil=True, cache=True)
def _nearness(places, i, j, per_square):
    gap_x = np.float64(places[i, 0]) - np.float64(places[j, 0])
    gap_y = np.float64(places[i, 1]) - np.float64(places[j, 1])
    return 1.0 / (1.0 + per_square * (gap_x * gap_x + gap_y * gap_y))


@njit(nogil=True, cache=True)
def _add_agreement(one, other, order, ahead, per_square, other_per_square, sums):
    """Add the lesser and the greater nearness of each row to the rows around it in the order."""
    for at in range(len(order)):
        i = order[at]
        for j in order[at + 1 : at + 1 + ahead]:
            near, other_near = _nearness(one, i, j, per_square), _nearness(other, i, j, other_per_square)
            less, more = min(near, other_near), max(near, other_near)
            sums[i, 0] += less
            sums[i, 1] += more
            sums[j, 0] += less
            sums[j, 1] += more


@njit(nogil=True, cache=True)
def _graph_agreement(one, other, neighbors, most, per_square, other_per_square, agreement):
    """Fill in the agreement of each row with its neighbors, left at 0 where none of them can be compared."""
    for i in range(len(neighbors)):
        less, more = 0.0, 0.0
        for at in range(min(most, neighbors.shape[1])):
            j = neighbors[i, at]
            if 0 <= j < len(neighbors):
                near, other_near = _nearness(one, i, j, per_square), _nearness(other, i, j, other_per_square)
                if near >= 0.0 and other_near >= 0.0:  # False where a place is not finite
                    less += min(near, other_near)
                    more += max(near, other_near)
        if more > 0.0:
            agreement[i] = less / more
