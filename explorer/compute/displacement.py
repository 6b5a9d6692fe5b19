"""How far each row moved between two layouts, relative to its neighbors: what one layout tore apart, or put together, of the other.

Of two aligned layouts; see :mod:`explorer.compute.alignment`. The kernels are sequential and run without the GIL; nothing is random.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.compute.layout_rows import GRAPH_NEIGHBORS, middle_of, neighbors_of, pair_of, shared_rows, some_of, z_order

__all__ = ["displacement", "warm"]

_NEAREST = 10  # rows of the window that are a row's neighbors, where there is no graph
_WINDOW = 16  # rows before and after along the Z-curve, among which those are


def displacement(
    before: NDArray[np.float32], after: NDArray[np.float32], *, neighbors: NDArray[np.int32] | None = None
) -> NDArray[np.float32]:
    """Measure how far each row moved relative to its neighbors.

    That is the length of the difference between a row's own move and the mean move of its neighbors, divided by the mean of the two
    layouts' spreads (:func:`explorer.compute.layout_rows.middle_of`). 0: it moved with its neighborhood, also where that was shifted, or
    grew, shrank or turned around it. 1: it went about half a map away from them. Where a share f of a row's neighbors went one way and all
    others went with the row, it is f times how far those went: a neighborhood that was torn in two halves has half their distance
    throughout, and a single row that left has all of it, while its former neighbors have little more than nothing.

    Parameters
    ----------
    before, after : ndarray of shape (n, 2), float32
        Aligned layouts; not finite where a row is left out. Not changed.
    neighbors : ndarray of shape (n, k), int32, optional
        Each row's true neighbors, nearest first, -1 for none; the first 15 are used, those that are not in both layouts are passed over.
        Without them, the ten rows that are nearest in ``before`` of the 32 around a row along a Z-curve through it.

    Returns
    -------
    ndarray of shape (n,), float32
        NaN where a row is not in both layouts. The length of its own move where a row has no neighbor to compare it with.

        O(n), beside sorting the rows where there are no neighbors.

    Raises
    ------
    BadParameter
        If the layouts do not have the same number of rows, or the neighbors another.
    """
    before, after = pair_of(before, after)
    pairs = None if neighbors is None else neighbors_of(neighbors, len(before))
    rows = shared_rows(before, after)
    few = some_of(rows)
    middles = middle_of(before.take(few, axis=0)), middle_of(after.take(few, axis=0))
    spread = (middles[0].spread + middles[1].spread) / 2
    per_unit = 1 / spread if spread else 0.0
    if pairs is not None:
        return _of_graph(_moves(before, after), pairs, GRAPH_NEIGHBORS, per_unit)
    order = rows.take(z_order(before.take(rows, axis=0), middles[0]))
    places = before.take(order, axis=0)
    moved = np.full(len(before), np.nan, np.float32)
    moved[order] = _of_window(places, _moves(places, after.take(order, axis=0)), _WINDOW, _NEAREST, per_unit)
    return moved


def warm() -> None:
    """Compile the kernels, so that nobody waits for it."""
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    for neighbors in (None, np.array([[1], [2], [3], [0]], np.int32)):
        displacement(square, square, neighbors=neighbors)


def _moves(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(invalid="ignore", over="ignore"):
        return after - before


@njit(nogil=True, cache=True)
def _of_graph(moves, neighbors, most, per_unit):
    lengths = np.full(len(moves), np.nan, np.float32)
    for i in range(len(moves)):
        if not (np.isfinite(moves[i, 0]) and np.isfinite(moves[i, 1])):
            continue
        x, y, count = 0.0, 0.0, 0
        for at in range(min(most, neighbors.shape[1])):
            j = neighbors[i, at]
            if 0 <= j < len(moves) and np.isfinite(moves[j, 0]) and np.isfinite(moves[j, 1]):
                x, y, count = x + moves[j, 0], y + moves[j, 1], count + 1
        lengths[i] = _length(moves[i, 0], moves[i, 1], x, y, count, per_unit)
    return lengths


@njit(nogil=True, cache=True)
def _of_window(places, moves, window, nearest, per_unit):
    lengths = np.empty(len(places), np.float32)
    found, squares = np.empty(nearest, np.int64), np.empty(nearest)
    for i in range(len(places)):
        count = _nearest_around(places, i, window, found, squares)
        x, y = 0.0, 0.0
        for j in found[:count]:
            x, y = x + moves[j, 0], y + moves[j, 1]
        lengths[i] = _length(moves[i, 0], moves[i, 1], x, y, count, per_unit)
    return lengths


@njit(nogil=True, cache=True)
def _length(x, y, sum_x, sum_y, count, per_unit):
    """Return how long a move is, less the mean of so many others."""
    if count:
        x, y = x - sum_x / count, y - sum_y / count
    return np.hypot(x, y) * per_unit


@njit(nogil=True, cache=True)
def _nearest_around(places, i, window, found, squares):
    """Fill in which rows of the window are nearest to row i, nearest first; return how many there are."""
    count = 0
    for step in range(2, 2 * window + 2):  # from row i outwards: nearly in order of distance
        j = i + step // 2 if step % 2 else i - step // 2
        if j < 0 or j >= len(places):
            continue
        gap_x, gap_y = np.float64(places[j, 0]) - places[i, 0], np.float64(places[j, 1]) - places[i, 1]
        square = gap_x * gap_x + gap_y * gap_y
        if count == len(found) and square >= squares[count - 1]:
            continue
        at = min(count, len(found) - 1)
        while at and squares[at - 1] > square:
            squares[at], found[at] = squares[at - 1], found[at - 1]
            at -= 1
        squares[at], found[at] = square, j
        count = min(count + 1, len(found))
    return count
