"""Where most rows of a group are: lines around the smallest regions of a map that hold given shares of them; knows no names and no colors.

``contours(x, y, codes, groups) -> list[Region]``: for each group and share the highest-density region, with the density of a smoothed
histogram of its rows. A group in several pieces has a line around each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

__all__ = ["SHARES", "Region", "contours"]

SHARES: Final = (0.5, 0.9)
"""Of a group's rows that regions hold, by default."""

_LEAST_ROWS = 5  # of a group: fewer are no region
_FARTHEST = 0.0025  # of a group's rows, on each end of each axis, count as outside of every region
_WIDTH = 0.09  # how wide to smooth, relative to the side of a square as large as what the group covers, where it has one row
_POWER = -1 / 6  # by which it gets narrower with more rows, as Scott has it in two dimensions
_THINNEST = 0.1  # a group that is flat counts as so high relative to its width
_SMALLEST = 1e-3  # of all groups' width: what a group covers, at least
_COARSEST, _FINEST = 4, 64  # cells on each side of the grid by which it is told what a group covers
_CELLS = 2.0  # of the grid of densities in the width of the smoothing
_MOST_CELLS = 400  # on each side of it
_REACH = 4  # times the width: beyond, smoothing adds nothing
_HIGHEST = 0.95  # of the highest density: regions end there at the latest, so that rows in one place have lines around them
_STRAIGHT = 0.06  # of a cell: corners that are nearer to the line between those beside them are left out
_ROUNDS = 3
_FEW = 12  # corners on every second place: a line of fewer stays as it is, small rings would get edges


class Region(NamedTuple):
    """The smallest region of a map that holds a share of a group's rows.

    Attributes
    ----------
    group : int
        The group.
    share : float
        How many of its rows are inside, about: 0.5 is half.
    lines : tuple of ndarray of shape (p, 2), float32
        Closed lines, the first point again at the end; what is inside an even number of them is not in the region.
    """

    group: int
    share: float
    lines: tuple[NDArray[np.float32], ...]


def contours(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    codes: NDArray[np.integer],
    groups: Sequence[int],
    *,
    shares: Sequence[float] = SHARES,
) -> list[Region]:
    """Find the regions that hold most of each group's rows.

    A region ends where the density is such that the share of the rows is at places of a higher one (Hyndman 1996). Density is a histogram
    with a bell over each row; how wide that is depends on what the group covers rather than on how far its pieces are apart.

    Parameters
    ----------
    x, y : ndarray of shape (n,), float32
        Finite coordinates.
    codes : ndarray of shape (n,), int
        Each row's group.
    groups : sequence of int
        Those whose regions are asked for.
    shares : sequence of float
        Above 0, at most 0.95.

    Returns
    -------
    list of Region
        In the order of groups and shares; a group of fewer than five rows has none. Regions of smaller shares are inside those of larger
        ones. Deterministic. O(n log n + groups): 117,659 rows of 45 groups take about 0.13 s of a core.
    """
    order = np.argsort(codes, kind="stable")
    sorted_codes = codes[order]
    starts, ends = (np.searchsorted(sorted_codes, list(groups), side) for side in ("left", "right"))
    whole = max((_span(side) for side in (x, y)), default=0.0) or 1.0
    regions = []
    for group, start, end in zip(groups, starts.tolist(), ends.tolist(), strict=True):
        rows = order[start:end]
        if len(rows) >= _LEAST_ROWS:
            lines = _lines(x[rows].astype(np.float64), y[rows].astype(np.float64), shares, least=_SMALLEST * whole)
            regions += [Region(int(group), float(share), found) for share, found in zip(shares, lines, strict=True)]
    return regions


def _span(side: NDArray[np.floating]) -> float:
    if not len(side):
        return 0.0
    low, high = _ends(side)
    return high - low


def _ends(side: NDArray[np.floating]) -> tuple[float, float]:
    """Say where rows begin and end along an axis, the farthest left out."""
    return float(np.quantile(side, _FARTHEST, method="lower")), float(np.quantile(side, 1 - _FARTHEST, method="higher"))


def _lines(
    x: NDArray[np.float64], y: NDArray[np.float64], shares: Sequence[float], *, least: float
) -> list[tuple[NDArray[np.float32], ...]]:
    """Find the lines around a group's regions."""
    (x0, x1), (y0, y1) = _ends(x), _ends(y)
    is_inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    width = _smoothing(x[is_inside], y[is_inside], (x0, x1, y0, y1), least)
    cell = max(width / _CELLS, max(x1 - x0, y1 - y0) / _MOST_CELLS)
    width = max(width, cell)
    margin = int(np.ceil(_REACH * width / cell)) + 2
    n_columns, n_lines = (int(np.ceil(side / cell)) + 2 * margin + 1 for side in (x1 - x0, y1 - y0))
    left, low = x0 - margin * cell, y0 - margin * cell
    across, up = (x - left) / cell, (y - low) / cell  # in cells, whose middles are whole numbers
    places = np.rint(up[is_inside]).astype(np.int64) * n_columns + np.rint(across[is_inside]).astype(np.int64)
    tally = np.bincount(places, minlength=n_lines * n_columns).reshape(n_lines, n_columns).astype(np.float32)
    density = gaussian_filter(tally, width / cell, mode="constant", truncate=_REACH)
    at_rows = np.zeros(len(x), np.float32)
    at_rows[is_inside] = map_coordinates(density, [up[is_inside], across[is_inside]], order=1)
    levels = np.minimum(np.quantile(at_rows, [1 - share for share in shares]), _HIGHEST * density.max())
    generator = contour_generator(z=density, line_type=LineType.Separate)
    return [
        tuple(
            (np.array([left, low]) + cell * _straightened(np.asarray(line, np.float64))).astype(np.float32)
            for line in generator.lines(float(level))
        )
        for level in levels
    ]


def _smoothing(x: NDArray[np.float64], y: NDArray[np.float64], bounds: tuple[float, float, float, float], least: float) -> float:
    """Say how wide to smooth: the standard deviation of the bell, in units of the map."""
    x0, x1, y0, y1 = bounds
    n, sides = len(x), np.array([x1 - x0, y1 - y0])
    sides = np.maximum(sides, max(_THINNEST * sides.max(), least))
    n_cells = int(np.clip(np.sqrt(n), _COARSEST, _FINEST))
    corner = np.array([x0, y0])
    column, line = np.minimum((np.stack([x, y], axis=1) - corner) / sides * n_cells, n_cells - 1).astype(int).T
    covered = len(np.unique(line * n_cells + column)) / n_cells**2
    return float(_WIDTH * np.sqrt(covered * sides.prod()) * n**_POWER)


def _straightened(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out corners that hardly are some, every second one at most in each round."""
    for _ in range(_ROUNDS):
        before, at, after = line[:-2:2], line[1:-1:2], line[2::2]
        n = min(len(before), len(at), len(after))
        if n < _FEW:
            break
        before, at, after = before[:n], at[:n], after[:n]
        along, away = after - before, at - before
        length = np.maximum(np.hypot(*along.T), 1e-12)
        is_kept = np.ones(len(line), bool)
        is_kept[1 : 2 * n : 2] = np.abs(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]) / length > _STRAIGHT
        line = line[is_kept]
    return line
