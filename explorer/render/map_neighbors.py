"""Which rows lie nearest to a place of a map, and how many lie nearer than others: exact, reading only the blocks that can matter.

Distances are squared, in float64, from the layout's float32 coordinates; ties go by row number. Kernels are sequential, without the GIL.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.render.layout_index import BLOCK, LayoutIndex

__all__ = ["map_ranks", "nearest_on_map"]


def nearest_on_map(index: LayoutIndex, place: NDArray[np.float32], *, k: int, but: int = -1) -> NDArray[np.int32]:
    """Find the rows that lie nearest to a place.

    Parameters
    ----------
    index : LayoutIndex
        The layout; rows that are left out of it are never found.
    place : ndarray of shape (2,), float32
        Finite; usually that of a row.
    k : int
        How many rows; fewer come back where there are fewer.
    but : int
        A row that is not found: the one whose place it is.

    Returns
    -------
    ndarray of shape (k,), int32
        Row numbers, nearest first, ties by row number. O(blocks log blocks + k rows of the blocks around the place).
    """
    k = max(0, min(k, len(index)))
    rows, squares = np.full(k, -1, np.int32), np.full(k, np.inf)
    if k:
        gaps = _block_gaps(index.boxes, place)
        n = _nearest(index.x, index.y, index.rows, np.float64(place[0]), np.float64(place[1]), gaps, np.argsort(gaps), but, rows, squares)
        rows = rows[:n]
    return rows


def map_ranks(index: LayoutIndex, place: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count for each of some other places the rows that lie nearer to a place than it.

    Parameters
    ----------
    index : LayoutIndex
        The layout.
    place : ndarray of shape (2,), float32
        Finite; where it is a row's own, that row is counted too: the nearest other row then has rank 1.
    others : ndarray of shape (m, 2), float32
        Places of rows of the layout; not finite where a row is not in it.

    Returns
    -------
    ndarray of shape (m,), int64
        Rows that are strictly nearer; -1 where the other place is not finite. O(n), a few milliseconds a million rows at the most.
    """
    wide = np.asarray(others, np.float64).reshape(-1, 2)
    known = np.isfinite(wide).all(axis=1)
    px, py = np.float64(place[0]), np.float64(place[1])
    squares = (wide[known, 0] - px) ** 2 + (wide[known, 1] - py) ** 2
    ranks = np.full(len(wide), -1, np.int64)
    if len(squares):
        steps = np.unique(squares)
        counts = np.zeros(len(steps) + 1, np.int64)
        _count(index.x, index.y, px, py, _block_gaps(index.boxes, place), steps, counts)
        nearer = np.cumsum(counts)  # of rows whose square is below steps[i]
        ranks[known] = nearer[np.searchsorted(steps, squares)]
    return ranks


def _block_gaps(boxes: NDArray[np.float32], place: NDArray[np.float32]) -> NDArray[np.float64]:
    """Square the distance from a place to each block's box: never more than to a row in it, as rounding keeps the order."""
    x0, x1, y0, y1 = boxes.T.astype(np.float64)
    px, py = np.float64(place[0]), np.float64(place[1])
    dx = np.maximum(np.maximum(x0 - px, px - x1), 0)
    dy = np.maximum(np.maximum(y0 - py, py - y1), 0)
    return dx * dx + dy * dy


@njit(nogil=True, cache=True)
def _nearest(x, y, rows, px, py, gaps, order, but, found, squares):
    """Keep the nearest rows sorted in ``found`` and ``squares`` while blocks come, nearest first; return how many there are."""
    n, last = 0, found.size - 1
    for b in order:
        if gaps[b] > squares[last]:
            break
        for i in range(b * BLOCK, min(b * BLOCK + BLOCK, x.size)):
            dx, dy = np.float64(x[i]) - px, np.float64(y[i]) - py
            square, row = dx * dx + dy * dy, rows[i]
            if square > squares[last] or row == but or (square == squares[last] and n > last and row > found[last]):
                continue
            at = min(n, last)
            while at > 0 and (squares[at - 1] > square or (squares[at - 1] == square and found[at - 1] > row)):
                found[at], squares[at] = found[at - 1], squares[at - 1]
                at -= 1
            found[at], squares[at] = row, square
            n = min(n + 1, found.size)
    return n


@njit(nogil=True, cache=True)
def _count(x, y, px, py, gaps, steps, counts):
    """Count rows into ``counts``: ``counts[i]`` gets those whose square is at least ``steps[i - 1]`` and below ``steps[i]``."""
    most = steps[steps.size - 1]
    for b in range(gaps.size):
        if gaps[b] >= most:
            continue
        for i in range(b * BLOCK, min(b * BLOCK + BLOCK, x.size)):
            dx, dy = np.float64(x[i]) - px, np.float64(y[i]) - py
            square = dx * dx + dy * dy
            if square < most:
                counts[np.searchsorted(steps, square, side="right")] += 1
