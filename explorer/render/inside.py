"""Which rows lie in a polygon that was drawn on a map; reads the blocks that it touches and no others."""

# numba infers the kernel's types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from explorer.errors import BadParameter
from explorer.render.layout_index import BLOCK, LayoutIndex

__all__ = ["bounds_of", "rows_inside"]

_BANDS = 1024  # of the polygon's height; a row is compared with the edges in its band alone
_CORNERS = 3
_ROUNDING = 1e-9  # of a polygon's size: more than any error of the place where an edge crosses a level line
_MARGIN, _LEAST = 0.08, 0.01  # of a view around some rows: of their extent, and of the whole map's


def rows_inside(index: LayoutIndex, x: ArrayLike, y: ArrayLike, *, shown: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Find the rows inside a polygon.

    By the even-odd rule: what a line that crosses itself encloses twice is outside. Rows on an edge belong to one side of it, such that of
    two polygons with an edge in common each row has one.

    Parameters
    ----------
    index : LayoutIndex
        The layout on the map.
    x, y : array_like of shape (k,)
        The corners in layout units; the last is joined to the first.
    shown : ndarray of shape (n_rows,), bool, optional
        The rows that may be inside: the others are not on the map.

    Returns
    -------
    ndarray of shape (n_rows,), bool

    Raises
    ------
    BadParameter
        If there are fewer than three corners, or one is not finite.
    """
    xs, ys = (np.asarray(ends, dtype=np.float64).reshape(-1) for ends in (x, y))
    if len(xs) != len(ys) or len(xs) < _CORNERS:
        raise BadParameter("lasso", f"{min(len(xs), len(ys))} corners", "draw around the rows: an outline has three corners or more.")
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        raise BadParameter("lasso", "corners that are not finite", "give finite numbers.")
    mask = np.zeros(index.n_rows, dtype=bool)
    if len(index) and ys.min() < ys.max():
        edges, starts, members = _banded(xs, ys)
        bounds = (xs.min(), xs.max(), ys.min(), ys.max())
        _mark(index.x, index.y, index.rows, index.boxes, bounds, edges, starts, members, mask)
        if shown is not None:
            np.logical_and(mask, shown, out=mask)
    return mask


def bounds_of(
    index: LayoutIndex, flags: NDArray[np.bool_], shown: NDArray[np.bool_] | None = None
) -> tuple[float, float, float, float] | None:
    """Find the smallest view that shows some rows, with a margin.

    Parameters
    ----------
    index : LayoutIndex
        The layout on the map.
    flags, shown : ndarray of shape (m,), bool
        In index order: the rows, and which of them are shown.

    Returns
    -------
    tuple of float or None
        x0, x1, y0, y1 in layout units, at least a hundredth of the whole map wide and high; None where there is no such row.
    """
    chosen = np.flatnonzero(flags if shown is None else flags & shown)
    if not len(chosen):
        return None
    ends = []
    for column, span in zip((index.x, index.y), index.extent.span, strict=True):
        places = column[chosen]
        low, high = float(places.min()), float(places.max())
        margin = max(_MARGIN * (high - low), (_LEAST * span - (high - low)) / 2)
        ends += [low - margin, high + margin]
    return ends[0], ends[1], ends[2], ends[3]


def _banded(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Sort the edges into bands: edges (m, 4) as x0, y0, x1, y1; members[starts[b] : starts[b + 1]] cross band b."""
    edges = np.stack([xs, ys, np.roll(xs, -1), np.roll(ys, -1)], axis=1)
    low, high = _band(edges[:, [1, 3]].min(axis=1), ys.min(), ys.max()), _band(edges[:, [1, 3]].max(axis=1), ys.min(), ys.max())
    lengths = high - low + 1
    member = np.repeat(np.arange(len(edges)), lengths)
    band = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(low, lengths)
    order = np.argsort(band, kind="stable")
    return edges, np.searchsorted(band[order], np.arange(_BANDS + 1)), member[order]


def _band(y: NDArray[np.float64], y0: float, y1: float) -> NDArray[np.int64]:
    bands: NDArray[np.int64] = np.clip(((y - y0) * (_BANDS / (y1 - y0))).astype(np.int64), 0, _BANDS - 1)
    return bands


@njit(nogil=True, cache=True)
def _mark(x, y, rows, boxes, bounds, edges, starts, members, mask):
    x0, x1, y0, y1 = bounds
    scale = (starts.size - 1) / (y1 - y0)
    for b in range(len(boxes)):
        box = boxes[b]
        if box[0] > x1 or box[1] < x0 or box[2] > y1 or box[3] < y0:
            continue
        first, last = b * BLOCK, min(b * BLOCK + BLOCK, x.size)
        free = _is_free(box, bounds, scale, edges, starts, members)  # then all of its rows are on the side of the first
        for i in range(first, first + 1 if free else last):
            px, py = np.float64(x[i]), np.float64(y[i])
            inside = False
            if x0 <= px <= x1 and y0 <= py <= y1:
                band = min(max(int((py - y0) * scale), 0), starts.size - 2)
                for m in range(starts[band], starts[band + 1]):
                    ax, ay, bx, by = edges[members[m]]
                    if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
                        inside = not inside
            mask[rows[i]] = inside
        if free and mask[rows[first]]:
            for i in range(first, last):
                mask[rows[i]] = True


@njit(nogil=True, cache=True)
def _is_free(box, bounds, scale, edges, starts, members):
    """Whether a box lies apart from every edge, told by the rectangle around the edge, which is somewhat too large."""
    x0, x1, y0, _ = bounds
    margin = _ROUNDING * (abs(x0) + abs(x1) + x1 - x0)
    low = min(max(int((box[2] - y0) * scale) - 1, 0), starts.size - 2)
    high = min(max(int((box[3] - y0) * scale) + 1, 0), starts.size - 2)
    for m in range(starts[low], starts[high + 1]):
        ax, _, bx, _ = edges[members[m]]
        if min(ax, bx) - margin <= box[1] and max(ax, bx) + margin >= box[0]:
            return False
    return True
