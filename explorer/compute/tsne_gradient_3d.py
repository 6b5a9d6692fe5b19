"""The gradient of t-SNE in three dimensions: attraction along the edges, repulsion by a tree (Barnes & Hut, Nature 1986).

The flat map's grid would be a cube here, of a hundred million nodes for a hundred thousand rows; a tree takes the work of its rows, not
of the room between them. Rows that lie together go through the tree together (Barnes, J. Comput. Phys. 1990): what they meet is listed
once for all of them, and each then sums up a list of numbers. A box counts as one point where it is small beside its distance *or beside
the kernel*, which is one wide: of a map that has only begun, a few boxes are all there is. How its rows lie around that point counts by
their covariance, without which the forces would be four times as far off. Equal bit for bit whatever the number of threads.

The kernel is Student's with two degrees of freedom, (1 + d²/2) to the power of -3/2, one fewer than there are dimensions (van der Maaten,
AISTATS 2009), as in scikit-learn: of the digits' neighbors it keeps 0.63, that of flat maps 0.59 in space.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["Repulsion", "attract", "descend"]

OPENING: Final = 0.4  # the side of a box that counts as one point, beside the root of 2 + d²
_LEAF: Final = 8  # rows of a box that is not parted
_GROUP: Final = 64  # rows that go through the tree together
_LISTED: Final = 2_048  # points that are met before they are summed up: they stay in the nearest cache
_BATCHES: Final = 64  # of groups, each with a list of its own
_CELLS: Final = 2**21  # along a side: three times 21 bits fill a key


class _Tree(NamedTuple):
    """Boxes of rows in the order in which a walk meets them: each before those within it.

    Attributes
    ----------
    first, last : ndarray of shape (b,), int32
        Its rows, in the order of the keys.
    ends : ndarray of shape (b,), int32
        The box after the last one within it; the next one where it is not parted.
    centers : ndarray of shape (b, 3), float32
        The mean of its rows.
    spreads : ndarray of shape (b, 6), float32
        Their covariance: xx, xy, xz, yy, yz, zz.
    lows, highs : ndarray of shape (b, 3), float32
        What it spans.
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]
    ends: NDArray[np.int32]
    centers: NDArray[np.float32]
    spreads: NDArray[np.float32]
    lows: NDArray[np.float32]
    highs: NDArray[np.float32]


class Repulsion:
    """Computes repulsion; what :class:`explorer.compute.tsne_gradient.Repulsion` is of a flat map.

    Parameters
    ----------
    threads : int
        Not used: the kernels run with numba's.
    opening : float
        How large a box may be that counts as one point; 0 for none.
    """

    def __init__(self, threads: int = 1, opening: float = OPENING) -> None:
        self._opening = np.float32(opening * opening)

    def of(self, layout: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Compute it for every row. O(n log n).

        Parameters
        ----------
        layout : ndarray of shape (n, 3), float32, C order
            Finite.

        Returns
        -------
        forces : ndarray of shape (n, 3), float32
            The sum over j of (y_i - y_j) (1 + d_ij²/2)^(-5/2): two thirds of the slope of what ``total`` sums up.
        total : float
            The sum over all i and j, i not j, of (1 + d_ij²/2)^(-3/2).
        """
        low = layout.min(axis=0)
        span = float((layout.max(axis=0) - low).max())
        keys = np.empty(len(layout), np.uint64)
        _key(layout, low, np.float64((_CELLS - 1) / span if span > 0 else 0.0), keys)
        order = np.argsort(keys, kind="stable")
        places, keys = layout[order], keys[order]
        tree, groups = _tree(places, keys)
        forces, sums = np.empty_like(layout), np.empty(len(layout), np.float32)
        _repel(places, order, groups, *tree, self._opening, forces, sums)
        return forces, max(float(sums.sum(dtype=np.float64)), np.finfo(np.float64).tiny)


def _tree(places: NDArray[np.float32], keys: NDArray[np.uint64]) -> tuple[_Tree, NDArray[np.int32]]:
    """Make boxes of rows that are in the order of their keys, and say which of them go through the tree together."""
    most = 2 * len(keys)
    first, last, ends, above = (np.empty(most, np.int32) for _ in range(4))
    count = _part(keys, first, last, above)
    first, last, ends, above = (each[:count] for each in (first, last, ends, above))
    centers, lows, highs = (np.empty((count, 3), np.float32) for _ in range(3))
    spreads = np.empty((count, 6), np.float32)
    _sum_up(places, first, last, above, ends, centers, spreads, lows, highs)
    few, alone = last - first <= _GROUP, ends == np.arange(1, count + 1)
    chosen = few & ~few[above] | ~few & alone
    chosen[0] |= few[0]
    return _Tree(first, last, ends, centers, spreads, lows, highs), np.flatnonzero(chosen).astype(np.int32)


@numba.njit(parallel=True, nogil=True, cache=True)
def _key(layout, low, per_unit, keys):
    """Interleave the numbers of each row's cell: rows whose keys are near lie near."""
    for i in numba.prange(len(layout)):
        key = np.uint64(0)
        for axis in range(3):
            bits = np.uint64(max(0.0, (np.float64(layout[i, axis]) - np.float64(low[axis])) * per_unit))
            bits = (bits | (bits << np.uint64(32))) & np.uint64(0x1F00000000FFFF)
            bits = (bits | (bits << np.uint64(16))) & np.uint64(0x1F0000FF0000FF)
            bits = (bits | (bits << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
            bits = (bits | (bits << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
            bits = (bits | (bits << np.uint64(2))) & np.uint64(0x1249249249249249)
            key |= bits << np.uint64(axis)
        keys[i] = key


@numba.njit(nogil=True, cache=True)
def _part(keys, first, last, above):
    """Part boxes by the highest digit in which their keys differ; returns how many there are."""
    waiting = np.empty((512, 3), np.int64)
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, len(keys), 0
    left, count = 1, 0
    while left:
        left -= 1
        low, high = waiting[left, 0], waiting[left, 1]
        first[count], last[count], above[count] = low, high, waiting[left, 2]
        differ = keys[low] ^ keys[high - 1]
        if high - low > _LEAF and differ:
            shift = np.uint64(0)
            while differ >> (shift + np.uint64(3)):
                shift += np.uint64(3)
            end = high
            while end > low:  # the last one first, so that the first one is met next
                digit = keys[end - 1] >> shift
                start, beyond = low, end - 1
                while start < beyond:
                    middle = (start + beyond) // 2
                    if keys[middle] >> shift < digit:
                        start = middle + 1
                    else:
                        beyond = middle
                waiting[left, 0], waiting[left, 1], waiting[left, 2] = start, end, count
                left += 1
                end = start
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _sum_up(places, first, last, above, ends, centers, spreads, lows, highs):
    """Find middle, covariance and extent of each box, from the innermost ones outward."""
    count = len(first)
    sums, squares = np.zeros((count, 3)), np.zeros((count, 6))
    for box in range(count):
        ends[box] = box + 1
        lows[box], highs[box] = np.inf, -np.inf
    for box in range(count - 1, -1, -1):
        if ends[box] == box + 1:
            for i in range(first[box], last[box]):
                at = 0
                for axis in range(3):
                    lows[box, axis] = min(lows[box, axis], places[i, axis])
                    highs[box, axis] = max(highs[box, axis], places[i, axis])
                    sums[box, axis] += places[i, axis]
                    for other in range(axis, 3):
                        squares[box, at] += np.float64(places[i, axis]) * places[i, other]
                        at += 1
        rows, at = last[box] - first[box], 0
        for axis in range(3):
            centers[box, axis] = sums[box, axis] / rows
            for other in range(axis, 3):
                spreads[box, at] = squares[box, at] / rows - sums[box, axis] / rows * (sums[box, other] / rows)
                at += 1
        if box:
            outer = above[box]
            ends[outer] = max(ends[outer], ends[box])
            squares[outer] += squares[box]
            for axis in range(3):
                sums[outer, axis] += sums[box, axis]
                lows[outer, axis] = min(lows[outer, axis], lows[box, axis])
                highs[outer, axis] = max(highs[outer, axis], highs[box, axis])


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def _repel(places, order, groups, first, last, ends, centers, spreads, lows, highs, opening, forces, sums):
    """Sum repulsion, and the kernel, for the rows of every group; written in the order of the layout."""
    for batch in numba.prange(_BATCHES):
        boxes, rows = np.empty((10, _LISTED), np.float32), np.empty((3, _LISTED), np.float32)
        for at in range(batch, len(groups), _BATCHES):  # groups that lie together are not all in one batch: they may be dense
            group = groups[at]
            start, end = first[group], last[group]
            for i in range(start, end):
                row = order[i]
                forces[row, 0], forces[row, 1], forces[row, 2], sums[row] = 0, 0, 0, np.float32(-1)  # it meets itself
            box, n_boxes, n_rows = 0, 0, 0
            while box < len(first):
                side, apart = np.float32(0), np.float32(2)
                for axis in range(3):
                    side = max(side, highs[box, axis] - lows[box, axis])
                    beyond = max(lows[group, axis] - centers[box, axis], centers[box, axis] - highs[group, axis], np.float32(0))
                    apart += beyond * beyond
                if side * side <= opening * apart and last[box] > first[box] + 1:
                    boxes[:3, n_boxes], boxes[3:9, n_boxes], boxes[9, n_boxes] = centers[box], spreads[box], last[box] - first[box]
                    n_boxes += 1
                    box = ends[box]
                else:
                    if ends[box] == box + 1:
                        for j in range(first[box], last[box]):
                            rows[0, n_rows], rows[1, n_rows], rows[2, n_rows] = places[j, 0], places[j, 1], places[j, 2]
                            n_rows += 1
                            if n_rows == _LISTED:
                                _sum_rows(places, order, start, end, rows, n_rows, forces, sums)
                                n_rows = 0
                    box += 1
                if n_boxes == _LISTED:
                    _sum_boxes(places, order, start, end, boxes, n_boxes, forces, sums)
                    n_boxes = 0
            _sum_rows(places, order, start, end, rows, n_rows, forces, sums)
            _sum_boxes(places, order, start, end, boxes, n_boxes, forces, sums)


@numba.njit(fastmath=True, nogil=True, cache=True)
def _sum_rows(places, order, start, end, rows, count, forces, sums):
    """Add what listed rows do to each of some rows."""
    one, half = np.float32(1), np.float32(0.5)
    for i in range(start, end):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        fx, fy, fz, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for j in range(count):
            dx, dy, dz = x - rows[0, j], y - rows[1, j], z - rows[2, j]
            near = one / (one + half * (dx * dx + dy * dy + dz * dz))
            kernel = near * np.sqrt(near)
            total += kernel
            kernel *= near
            fx += kernel * dx
            fy += kernel * dy
            fz += kernel * dz
        row = order[i]
        forces[row, 0] += fx
        forces[row, 1] += fy
        forces[row, 2] += fz
        sums[row] += total


@numba.njit(fastmath=True, nogil=True, cache=True)
def _sum_boxes(places, order, start, end, boxes, count, forces, sums):
    """Add what listed boxes do to each of some rows: the series of the kernel around their centers, up to its second derivatives."""
    one, half = np.float32(1), np.float32(0.5)
    a, b, c, d, e = np.float32(15 / 8), np.float32(3 / 4), np.float32(35 / 8), np.float32(5 / 4), np.float32(5 / 2)
    for i in range(start, end):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        fx, fy, fz, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for j in range(count):
            dx, dy, dz = x - boxes[0, j], y - boxes[1, j], z - boxes[2, j]
            xx, xy, xz, yy, yz, zz = boxes[3, j], boxes[4, j], boxes[5, j], boxes[6, j], boxes[7, j], boxes[8, j]
            sx, sy, sz = xx * dx + xy * dy + xz * dz, xy * dx + yy * dy + yz * dz, xz * dx + yz * dy + zz * dz
            along, whole = sx * dx + sy * dy + sz * dz, xx + yy + zz
            near = one / (one + half * (dx * dx + dy * dy + dz * dz))
            mass, square = boxes[9, j] * near * np.sqrt(near), near * near
            total += mass * (one + a * square * along - b * near * whole)
            mass *= near
            out, turned = mass * (one + c * square * along - d * near * whole), e * mass * near
            fx += out * dx - turned * sx
            fy += out * dy - turned * sy
            fz += out * dz - turned * sz
        row = order[i]
        forces[row, 0] += fx
        forces[row, 1] += fy
        forces[row, 2] += fz
        sums[row] += total


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def attract(layout, starts, ends, weights, out, losses, wanted):
    """Sum the attraction of every row along its edges, p (y_i - y_j) / (1 + d²/2); where wanted, also 3/2 p log(1 + d²/2)."""
    one, half = np.float32(1), np.float32(0.5)
    for i in numba.prange(len(layout)):
        x, y, z = layout[i, 0], layout[i, 1], layout[i, 2]
        fx, fy, fz, loss = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for edge in range(starts[i], starts[i + 1]):
            j = ends[edge]
            dx, dy, dz = x - layout[j, 0], y - layout[j, 1], z - layout[j, 2]
            apart = one + half * (dx * dx + dy * dy + dz * dz)
            pull = weights[edge] / apart
            fx += pull * dx
            fy += pull * dy
            fz += pull * dz
            if wanted:
                loss += np.float32(1.5) * weights[edge] * np.log(apart)
        out[i, 0], out[i, 1], out[i, 2] = fx, fy, fz
        losses[i] = loss


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def descend(layout, attraction, repulsion, pull, push, update, gains, rate, momentum, least_gain, longest):
    """Do what :func:`explorer.compute.tsne_gradient.descend` does; all (n, 3) but the numbers."""
    for i in numba.prange(len(layout)):
        length = np.float32(0)
        for axis in range(3):
            slope = pull * attraction[i, axis] - push * repulsion[i, axis]
            moved, gain = update[i, axis], gains[i, axis]
            if np.sign(moved) != np.sign(slope):
                gain += np.float32(0.2)
            else:
                gain = gain * np.float32(0.8) + least_gain
            moved = momentum * moved - rate * gain * slope
            gains[i, axis], update[i, axis] = gain, moved
            length += moved * moved
        length = np.sqrt(length)
        for axis in range(3):
            if length > longest:
                update[i, axis] *= longest / length
            layout[i, axis] += update[i, axis]
