"""Rows of layouts: which of them two layouts share, a fair few of many, where a layout's middle is, and a walk through near rows.

The kernels are sequential and run without the GIL; nothing here is random.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.compute.projection import PLANE
from explorer.errors import BadParameter

__all__ = [
    "GRAPH_NEIGHBORS",
    "Middle",
    "check_rows",
    "flat",
    "middle_of",
    "neighbors_of",
    "pair_of",
    "plain",
    "shared_rows",
    "some_of",
    "z_order",
]

GRAPH_NEIGHBORS: Final = 15
"""How many true neighbors of a row are looked at: the nearest ones are its neighborhood, and more of them cost more."""

_SAMPLE = 50_000
_NEAREST = 0.85  # the share of the rows that says how large a layout is: fewer than 15 % may lie anywhere
_REACH = 4.0  # spreads around the middle that the Z-curve runs through; rows beyond go to its edge cells
_CELLS = 65_535.0
_EPSILON = float(np.finfo(np.float32).eps)


class Middle(NamedTuple):
    """A layout's robust center, and its spread: how far its rows are from there, 0 where all lie in one place."""

    x: float
    y: float
    spread: float


def flat(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first two columns of coordinates (n, c), as a layout of more is seen along the others; no copy of one that is flat."""
    return coordinates if coordinates.shape[1] == PLANE else np.ascontiguousarray(coordinates[:, :PLANE])


def plain(coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a read-only, C-ordered view of float32 coordinates (n, 2): what the kernels are compiled for. Memory maps are not read."""
    if coordinates.ndim != 2 or coordinates.shape[1] != PLANE:  # noqa: PLR2004 - rows and columns
        raise BadParameter("layout", f"an array of shape {coordinates.shape}", "here a layout has two columns, x and y.")
    made = np.ascontiguousarray(coordinates, np.float32).view(np.ndarray)[...]
    made.flags.writeable = False
    return made


def pair_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both layouts :func:`plain`.

    Raises
    ------
    BadParameter
        If they do not have the same number of rows, or one has not two columns.
    """
    check_rows(one, other)
    return plain(one), plain(other)


def check_rows(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    """Refuse layouts that do not have the same number of rows.

    Raises
    ------
    BadParameter
    """
    if len(one) != len(other):
        raise BadParameter("rows", f"{len(one):,} and {len(other):,}", "two layouts can be compared if they are of the same rows.")


def neighbors_of(neighbors: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """Return neighbors (n, k) read-only and C-ordered, or raise BadParameter if they are not of n rows."""
    if neighbors.ndim != 2 or len(neighbors) != n:  # noqa: PLR2004 - rows and their neighbors
        raise BadParameter("neighbors", f"an array of shape {neighbors.shape}", f"give some for each of the {n:,} rows.")
    made = np.ascontiguousarray(neighbors, np.int32).view(np.ndarray)[...]
    made.flags.writeable = False
    return made


def shared_rows(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the numbers of the rows that are finite in both layouts, ascending; both as :func:`pair_of` makes them."""
    return _shared_rows(one, other)


def some_of(rows: NDArray[np.int32], most: int = _SAMPLE) -> NDArray[np.int32]:
    """Return at most so many rows: one of each of as many equal pieces, at a place that differs from piece to piece.

    The places follow the golden ratio, so a period in the order of the rows (every tenth of one class) does not show, as it would with
    every k-th row.
    """
    if len(rows) <= most:
        return rows
    pieces = np.arange(most + 1, dtype=np.uint64) * np.uint64(len(rows)) // np.uint64(most)
    turns = np.arange(most, dtype=np.uint64) * np.uint64(2_654_435_769) & np.uint64(0xFFFFFFFF)
    return rows[pieces[:-1] + (turns * np.diff(pieces) >> np.uint64(32))]


def middle_of(coordinates: NDArray[np.float32]) -> Middle:
    """Find the middle of finite coordinates (m, 2), with fewer than 15 % of them anywhere, however far.

    The center is the median of each axis. The spread is the mean distance from it of the 85 % of the rows that are nearest to it, about two
    thirds of the radius of an evenly filled disk. (The median distance is nearly nothing where a little more than half of the rows are one
    tight cluster.) Where those are all in one place, it is the mean distance of all.
    """
    m = len(coordinates)
    if not m:
        return Middle(0.0, 0.0, 0.0)
    x, y = (_median(coordinates[:, axis]) for axis in (0, 1))
    distances = np.hypot(coordinates[:, 0].astype(np.float64) - x, coordinates[:, 1].astype(np.float64) - y)
    kept = math.ceil(_NEAREST * m)
    spread = float(np.partition(distances, kept - 1)[:kept].mean()) or float(distances.mean())
    return Middle(x, y, spread if spread > _EPSILON * max(abs(x), abs(y)) else 0.0)


def z_order(coordinates: NDArray[np.float32], middle: Middle) -> NDArray[np.int32]:
    """Return the order (m,) in which finite coordinates (m, 2) lie along a Z-curve (Morton), ties by row number. O(m log m)."""
    scale = _CELLS / (2 * _REACH * middle.spread) if middle.spread else 0.0
    reach = _REACH * middle.spread
    keys = _z_keys(coordinates, middle.x - reach, middle.y - reach, scale)
    keys.sort()
    return keys.astype(np.uint32).view(np.int32)  # the lower half of a key is its row


def _median(values: NDArray[np.float32]) -> float:
    below, above = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (below, above))
    return (float(parted[below]) + float(parted[above])) / 2


@njit(nogil=True, cache=True)
def _shared_rows(one, other):
    rows = np.empty(len(one), np.int32)
    m = 0
    for i in range(len(one)):
        if np.isfinite(one[i, 0]) and np.isfinite(one[i, 1]) and np.isfinite(other[i, 0]) and np.isfinite(other[i, 1]):
            rows[m] = i
            m += 1
    return rows[:m]


@njit(nogil=True, cache=True)
def _z_keys(coordinates, low_x, low_y, scale):
    """Interleave the bits of each row's two 16-bit cell numbers, and put the row number behind them."""
    keys = np.empty(len(coordinates), np.uint64)
    for i in range(len(coordinates)):
        a = np.uint64(min(max((np.float64(coordinates[i, 0]) - low_x) * scale, 0.0), 65535.0))
        b = np.uint64(min(max((np.float64(coordinates[i, 1]) - low_y) * scale, 0.0), 65535.0))
        bits = a | (b << np.uint64(32))
        bits = (bits | (bits << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
        bits = (bits | (bits << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
        bits = (bits | (bits << np.uint64(2))) & np.uint64(0x3333333333333333)
        bits = (bits | (bits << np.uint64(1))) & np.uint64(0x5555555555555555)
        keys[i] = (((bits >> np.uint64(31)) | bits) << np.uint64(32)) | np.uint64(i)
    return keys
