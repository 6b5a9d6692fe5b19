"""Where on a map each group of rows is densest: a histogram of each group on one grid, smoothed, and its highest places.

``peaks(x, y, codes, n_groups) -> Peaks``: a group in several pieces has a peak in each of them. Arrays only; knows no names and no colors.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PEAKS", "Peaks", "peaks"]

MOST_PEAKS: Final = 6
"""Of one group."""

_SIDE = 128  # cells of the grid on each side
_MANY = 100  # groups; of more, each is smaller, and a grid of half as many cells on each side does
_AT_ONCE = 500_000  # cells that are smoothed together: 2 MB
_PASSES = 3  # running means one after another come near to a bell
_WIDEST = 6  # cells on each side of a running mean
_LEAST_HEIGHT = 0.2  # of a group's highest: lower ones are no place to name it
_FARTHEST_ROWS = 0.005  # on each side of each axis may lie outside of the grid


class Peaks(NamedTuple):
    """Where groups are densest.

    Attributes
    ----------
    groups : ndarray of shape (p,), int32
        The group of each peak, ascending; a group's highest peak comes first. Groups without rows have none, all others have one at least.
    places : ndarray of shape (p, 2), float32
        In the middle of those of the group's rows that are around the peak.
    heights : ndarray of shape (p,), float32
        Density relative to that of the group's highest peak, above 0, at most 1.
    counts : ndarray of shape (g,), int64
        Rows of each group.
    bounds : ndarray of shape (g, 4), float32
        ``x0, x1, y0, y1`` of each group's rows; NaN where it has none.
    spans : ndarray of shape (g,), float32
        The side of a square that is as large as the cells in which the group has rows.
    """

    groups: NDArray[np.int32]
    places: NDArray[np.float32]
    heights: NDArray[np.float32]
    counts: NDArray[np.int64]
    bounds: NDArray[np.float32]
    spans: NDArray[np.float32]


def peaks(x: NDArray[np.float32], y: NDArray[np.float32], codes: NDArray[np.integer], n_groups: int) -> Peaks:
    """Find each group's peaks.

    Parameters
    ----------
    x, y : ndarray of shape (n,), float32
        Finite coordinates.
    codes : ndarray of shape (n,), int
        Each row's group; those outside of 0 … ``n_groups`` - 1 are in none.
    n_groups : int
        How many there are.

    Returns
    -------
    Peaks
        Deterministic. O(n log n + groups): a million rows in a thousand groups take about half a second.
    """
    known = np.flatnonzero((codes >= 0) & (codes < n_groups))
    small = np.uint16 if n_groups < 1 << 16 else np.int32
    of = codes[known].astype(small)
    order = np.argsort(of, kind="stable")  # a radix sort where codes are short
    of, rows = of[order], known[order]
    x, y = x[rows], y[rows]
    counts = np.bincount(of, minlength=n_groups).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    n_cells = _SIDE if n_groups <= _MANY else _SIDE // 2
    low, cell = _grid(x, y, n_cells)
    column, line = (np.clip((side - low[at]) / cell, 0, n_cells - 1).astype(np.int32) for at, side in enumerate((x, y)))
    cells = line * n_cells + column

    groups, places, heights = [], [], []
    spans = np.zeros(n_groups, np.float32)
    used = np.flatnonzero(counts)
    at_once = _AT_ONCE // n_cells**2
    for first in range(0, len(used), at_once):
        some = used[first : first + at_once]
        span = slice(starts[some[0]], starts[some[-1] + 1])
        local = np.repeat(np.arange(len(some)), counts[some])
        density, radii = _histograms(local, cells[span], len(some), n_cells)
        spans[some] = cell * np.sqrt(np.count_nonzero(density, axis=(1, 2)))
        found, where, height = _highest(_smoothed(density, radii))
        groups.append(some[found])
        places.append(_middles(x[span], y[span], local, cells[span], found, where, low, cell, n_cells))
        heights.append(height)
    bounds = np.full((n_groups, 4), np.nan, np.float32)
    for at, (side, end) in enumerate((each, how) for each in (x, y) for how in (np.minimum, np.maximum)):
        if len(used):
            bounds[used, at] = end.reduceat(side, starts[used])
    return Peaks(
        np.concatenate([np.zeros(0, np.int32), *groups]).astype(np.int32),
        np.concatenate([np.zeros((0, 2), np.float32), *places]).astype(np.float32),
        np.concatenate([np.zeros(0, np.float32), *heights]).astype(np.float32),
        counts,
        bounds,
        spans,
    )


def _grid(x: NDArray[np.float32], y: NDArray[np.float32], n_cells: int) -> tuple[tuple[float, float], float]:
    """Say where the grid begins, and how large a cell is: as wide as high, around all but the farthest rows."""
    if not len(x):
        return (0.0, 0.0), 1.0
    step = max(1, len(x) // 100_000)
    ends = [np.quantile(side[::step].astype(np.float64), (_FARTHEST_ROWS, 1 - _FARTHEST_ROWS)) for side in (x, y)]
    middles, widths = [(low + high) / 2 for low, high in ends], [high - low for low, high in ends]
    cell = max(widths) * 1.04 / n_cells or 1.0
    return (middles[0] - cell * n_cells / 2, middles[1] - cell * n_cells / 2), float(cell)


def _histograms(local: NDArray[np.integer], cells: NDArray[np.int32], n: int, side: int) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    """Count each group's rows in each cell, and say how wide to smooth: the wider, the fewer rows there are for the cells they are in."""
    tally = np.bincount(local * (side * side) + cells, minlength=n * side * side)
    density = tally.reshape(n, side, side).astype(np.float32)
    taken = np.count_nonzero(density, axis=(1, 2))
    rows = np.bincount(local, minlength=n)
    return density, np.clip(np.round(0.6 * np.sqrt(taken) * np.maximum(rows, 1) ** (-1 / 6)), 1, _WIDEST).astype(int)


def _smoothed(density: NDArray[np.float32], radii: NDArray[np.integer]) -> NDArray[np.float32]:
    smooth = np.empty_like(density)
    for radius in np.unique(radii):
        some = density[radii == radius]
        for _ in range(_PASSES):
            some = _mean(_mean(some, int(radius), 1), int(radius), 2)
        smooth[radii == radius] = some
    return smooth


def _mean(density: NDArray[np.float32], radius: int, axis: int) -> NDArray[np.float32]:
    """Take the running mean along an axis; beyond the grid there is nothing."""
    wide = [(0, 0)] * 3
    wide[axis] = (radius + 1, radius)
    sums = np.cumsum(np.pad(density, wide), axis=axis)
    n = density.shape[axis]
    width = 2 * radius + 1
    lines = (slice(None),) * axis
    return np.asarray((sums[*lines, width : width + n] - sums[*lines, :n]) / width, np.float32)


def _highest(smooth: NDArray[np.float32]) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.float32]]:
    """Find the cells that are higher than all around them: group, cell, and how high each is relative to the group's highest."""
    n, side, _ = smooth.shape
    flat = smooth.reshape(n, -1)
    top = flat.max(axis=1)
    around = np.pad(smooth, ((0, 0), (1, 1), (1, 1)))
    is_peak = smooth >= _LEAST_HEIGHT * top[:, None, None]
    for down in range(3):
        for right in range(3):
            if (down, right) != (1, 1):
                is_peak &= smooth >= around[:, down : down + side, right : right + side]
    first = flat.argmax(axis=1)
    is_peak.reshape(n, -1)[np.arange(n), first] = True
    found, where = np.nonzero(is_peak.reshape(n, -1))
    height = flat[found, where] / top[found]
    order = np.lexsort((where != first[found], -height, found))
    found, where, height = found[order], where[order], height[order]
    place = np.arange(len(found)) - np.searchsorted(found, found)  # among the peaks of its group
    kept = place < MOST_PEAKS
    return found[kept], where[kept], height[kept]


def _middles(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    local: NDArray[np.integer],
    cells: NDArray[np.int32],
    found: NDArray[np.integer],
    where: NDArray[np.integer],
    low: tuple[float, float],
    cell: float,
    side: int,
) -> NDArray[np.float64]:
    """Average each group's rows in a peak's cell and those beside it; where there are none, it is the middle of the cell."""
    line, column = np.divmod(where, side)
    keys = local * (side * side) + cells
    n = (int(local[-1]) + 1) * side * side
    sums = np.stack([np.bincount(keys, weights=weights, minlength=n) for weights in (None, x, y)], axis=1)
    total = np.zeros((len(found), 3))
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (line + down >= 0) & (line + down < side) & (column + right >= 0) & (column + right < side)
            total[inside] += sums[(found * (side * side) + (line + down) * side + column + right)[inside]]
    middle = np.stack([low[0] + (column + 0.5) * cell, low[1] + (line + 0.5) * cell], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[:, :1] > 0, total[:, 1:] / total[:, :1], middle)
