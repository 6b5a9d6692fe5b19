"""Rows of three or more dimensions, and where a camera sees them; arrays only, no pixel.

``Cloud.build(coordinates (n, d) float32) -> Cloud``, once a layout; ``.at(camera) -> LayoutIndex`` is drawn as any other,
``.seen(camera)`` also says how near each row is, in the same pass; ``.take(column)`` brings a column of the dataset into the cloud's order,
which no turning changes. ``.sample(step)`` is a cloud of every step-th row, for pictures while it turns.

Rows are sorted along a Z-curve through the first three dimensions: what is near in space is near in memory, however it is seen, and every
k-th row is a fair sample. A picture of all rows that is looked at for long is better drawn from ``LayoutIndex.build``.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.errors import BadParameter
from explorer.render.camera import Camera
from explorer.render.gather import gather
from explorer.render.layout_index import BLOCK, SAMPLE, LayoutIndex, Side, frozen, sorted_order
from explorer.render.view import View

__all__ = ["Cloud"]

_SPACE: Final = 3
_FENCE: Final = 3.0  # a row farther out than this many times 95 % of the rows is an outlier
_OUTLIERS: Final = 100  # at most one row in so many may be left out of the first view
_MARGIN: Final = 0.04
_LARGEST: Final = 1e36  # of a coordinate, from the middle: what becomes of it stays finite in float32
_SMALLEST: Final = 1e-30
_CELLS: Final = 1023.0  # of the Z-curve's grid, on each side, less one


@dataclass(frozen=True, eq=False)
class Cloud:
    """The drawable rows of a layout of three or more dimensions; read-only arrays.

    Attributes
    ----------
    places : ndarray of shape (d, m), float32
        Coordinates of the m rows that have finite ones, from the middle, in the cloud's order.
    rows : ndarray of shape (m,), int32
        Row number of each.
    center : ndarray of shape (d,), float64
        The middle, which the cloud turns about.
    radius : float
        Every row is so near to the middle, unless some (at most 1 %) lie extremely far out.
    reach : float
        Every row is so near to the middle.
    n_rows : int
        Rows of the dataset, the left-out ones counted.
    stands_for : int
        Of how many rows each is one, where this is a sample.
    """

    places: NDArray[np.float32]
    rows: NDArray[np.int32]
    center: NDArray[np.float64]
    radius: float
    reach: float
    n_rows: int
    stands_for: int = 1

    @classmethod
    def build(cls, coordinates: NDArray[np.float32]) -> Cloud:
        """Sort a layout's rows along a Z-curve.

        Parameters
        ----------
        coordinates : ndarray of shape (n, d), float32
            Three or more dimensions; NaN or infinite where a row is left out.

        Returns
        -------
        Cloud
            Deterministic. O(n d).

        Raises
        ------
        BadParameter
            If there are less than three dimensions.
        """
        coordinates = np.asarray(coordinates, np.float32)
        n_rows, d = coordinates.shape
        if d < _SPACE:
            raise BadParameter("coordinates", f"{d} dimensions", "a cloud has three or more; a flat layout needs no camera.")
        rows = np.flatnonzero(np.isfinite(coordinates).all(axis=1)).astype(np.int32)
        if not len(rows):
            return cls(frozen(np.empty((d, 0), np.float32)), frozen(rows), frozen(np.zeros(d)), 1.0, 1.0, n_rows)
        whole = len(rows) == n_rows
        sides = [coordinates[:, axis] if whole else coordinates[rows, axis] for axis in range(d)]
        measured = [Side.of(side) for side in sides]
        center = np.array([(max(each.span[0], each.fence[0]) + min(each.span[1], each.fence[1])) / 2 for each in measured])
        grids = [each.grid for each in measured[:_SPACE]]
        cells = [(low, cells * _CELLS / 65_535.0) for low, cells in grids]
        order = sorted_order(_morton(*map(frozen, sides[:_SPACE]), *(end for cell in cells for end in cell)))
        places = np.empty((d, len(rows)), np.float32)
        for side, middle, place in zip(sides, center, places, strict=True):
            _centered(side, order, middle, place)
        radius, reach = _radius(_distances(places))
        return cls(frozen(places), frozen(rows[order]), frozen(center), radius, reach, n_rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_dims(self) -> int:
        """Dimensions of the rows."""
        return len(self.places)

    @property
    def home(self) -> View:
        """The first view: the whole of it, from wherever and in whatever perspective it is seen."""
        return self._around(self.radius)

    def take(self, column: NDArray[Any]) -> NDArray[Any]:
        """Bring a column of the dataset, of shape (n_rows,), into the cloud's order, (m,), read-only."""
        return frozen(gather(np.asarray(column), self.rows))

    def sample(self, step: int) -> Cloud:
        """Take every ``step``-th row, a fair sample, in an order and a size of the same kind; a copy, which is quicker to turn."""
        if step <= 1:
            return self
        return replace(
            self, places=frozen(self.places[:, ::step]), rows=frozen(self.rows[::step]), stands_for=self.stands_for * step
        )  # fmt: skip

    def at(self, camera: Camera, step: int = 1) -> LayoutIndex:
        """Say where a camera sees the rows.

        Parameters
        ----------
        camera : Camera
            Of as many dimensions.
        step : int
            Take every so many rows; where that is done more than a few times, :meth:`sample` is quicker.

        Returns
        -------
        LayoutIndex
            In the cloud's order. ``home`` and ``extent`` are the same from everywhere. A camera that faces the first dimensions without
            perspective sees rows where their first two coordinates are.

        Raises
        ------
        BadParameter
            If the camera is one of other dimensions.
        """
        return self.seen(camera, step)[0]

    def depths(self, camera: Camera, step: int = 1) -> NDArray[np.float32]:
        """Say how near each row is to the camera; see :meth:`seen`."""
        return self.seen(camera, step)[1]

    def seen(self, camera: Camera, step: int = 1) -> tuple[LayoutIndex, NDArray[np.float32]]:
        """Say where a camera sees the rows, and how near they are, in one pass; see :meth:`at`.

        Returns
        -------
        tuple of LayoutIndex and ndarray of shape (m,), float32
            The rows as seen, and in the same order their depths: -1 farthest to 1 nearest, in radii; rows beyond are cut.
        """
        if camera.n_dims != self.n_dims:
            raise BadParameter("camera", f"one of {camera.n_dims} dimensions", f"give one of {self.n_dims}, as the rows have.")
        step = max(int(step), 1)
        rows = self.rows if step == 1 else frozen(self.rows[::step])
        x, y, depths = (np.empty(len(rows), np.float32) for _ in range(3))
        boxes = np.empty((-(-len(rows) // BLOCK), 4), np.float32)
        scales = np.array([[1.0], [1.0], [1.0 / self.radius]])
        basis = (camera.basis * scales).astype(np.float32)
        strength = camera.perspective
        middle_x, middle_y = map(np.float32, self.center[:2])
        outline = math.sqrt(1 - strength**2)
        _turn(self.places, step, basis, middle_x, middle_y, np.float32(strength), np.float32(outline), x, y, depths, boxes)
        farthest = self.reach if self.reach <= self.radius else self.reach * math.sqrt((1 + strength) / (1 - strength))
        index = LayoutIndex(frozen(x), frozen(y), rows, frozen(boxes), self.n_rows, self._around(farthest), self.home)
        return index, frozen(depths)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, for the store."""
        sizes = np.array([self.radius, self.reach], np.float64)
        counts = np.array([self.n_rows, self.stands_for], np.int64)
        return {"places": self.places, "rows": self.rows, "center": self.center, "sizes": sizes, "counts": counts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Cloud:
        """Make the cloud again from :meth:`arrays`; memory-mapped arrays are not read."""
        places, rows, center = (frozen(arrays[name]) for name in ("places", "rows", "center"))
        (radius, reach), (n_rows, stands_for) = arrays["sizes"].tolist(), arrays["counts"].tolist()
        return cls(places, rows, center, radius, reach, n_rows, stands_for)

    def _around(self, half: float) -> View:
        x, y = map(float, self.center[:2])
        return View(x - half, x + half, y - half, y + half).padded(_MARGIN)


def _radius(distances: NDArray[np.float32]) -> tuple[float, float]:
    """Say how far out the rows are, extreme ones left out, and how far the farthest is."""
    sample = distances[:: max(1, len(distances) // SAMPLE)]
    at = round(0.95 * (len(sample) - 1))
    fence, farthest = _FENCE * float(np.partition(sample, at)[at]), float(distances.max())
    if farthest <= _SMALLEST:
        return 1.0, 1.0  # all in one spot: show something around it
    inside = distances <= fence
    n_outside = len(distances) - int(np.count_nonzero(inside))
    near = farthest if not 0 < n_outside <= max(1, len(distances) // _OUTLIERS) else float(distances.max(where=inside, initial=0))
    return near if near > _SMALLEST else farthest, farthest


@njit(nogil=True, cache=True)
def _morton(x, y, z, low_x, scale_x, low_y, scale_y, low_z, scale_z):
    """Interleave the bits of each row's three 10-bit cell numbers."""
    keys = np.empty(x.size, np.uint32)
    for i in range(x.size):
        a = np.uint32(min(max((np.float64(x[i]) - low_x) * scale_x, 0.0), 1023.0))
        b = np.uint32(min(max((np.float64(y[i]) - low_y) * scale_y, 0.0), 1023.0))
        c = np.uint32(min(max((np.float64(z[i]) - low_z) * scale_z, 0.0), 1023.0))
        keys[i] = _spread(a) | (_spread(b) << np.uint32(1)) | (_spread(c) << np.uint32(2))
    return keys


@njit(nogil=True, cache=True)
def _spread(a):
    """Put two zeros between the ten bits of a number."""
    a = (a | (a << np.uint32(16))) & np.uint32(0x030000FF)
    a = (a | (a << np.uint32(8))) & np.uint32(0x0300F00F)
    a = (a | (a << np.uint32(4))) & np.uint32(0x030C30C3)
    return (a | (a << np.uint32(2))) & np.uint32(0x09249249)


@njit(nogil=True, cache=True)
def _centered(side, order, middle, out):
    """Bring one dimension into order, from the middle."""
    for i in range(order.size):
        out[i] = min(max(np.float64(side[order[i]]) - middle, -_LARGEST), _LARGEST)


@njit(nogil=True, cache=True)
def _distances(places):
    """Measure how far each row is from the middle."""
    squares = np.zeros(places.shape[1], np.float64)
    for axis in range(places.shape[0]):
        side = places[axis]
        for i in range(side.size):
            squares[i] += np.float64(side[i]) ** 2
    return np.sqrt(squares).astype(np.float32)


@njit(nogil=True, cache=True, error_model="numpy")
def _turn(places, step, basis, middle_x, middle_y, strength, outline, x, y, depths, boxes):
    """Find where each row is on the screen and how near, and the box of each block; every loop compiles to vector instructions.

    ``basis`` float32 (3, d), its last line for depths in radii. Rows nearer than the middle are larger, by so much that the outline of the
    ball of all rows stays what it is without perspective.
    """
    one, zero = np.float32(1), np.float32(0)
    side, low, high = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for b in range(boxes.shape[0]):
        first, last = b * BLOCK, min(b * BLOCK + BLOCK, x.size)
        at_x, at_y, near = x[first:last], y[first:last], depths[first:last]
        at_x[:], at_y[:], near[:] = zero, zero, zero
        for axis in range(places.shape[0]):
            right, up, toward = basis[0, axis], basis[1, axis], basis[2, axis]
            if right == 0 and up == 0 and toward == 0:
                continue
            if step == 1:
                _add(places[axis, first:last], right, up, toward, at_x, at_y, near)
                continue
            for i in range(last - first):
                side[i] = places[axis, (first + i) * step]
            _add(side[: last - first], right, up, toward, at_x, at_y, near)
        _cut(near)
        for i in range(near.size):
            at_x[i] = at_x[i] * (outline / (one - strength * near[i])) + middle_x
        for i in range(near.size):
            at_y[i] = at_y[i] * (outline / (one - strength * near[i])) + middle_y
        boxes[b, 0], boxes[b, 1] = _ends(at_x, low, high)
        boxes[b, 2], boxes[b, 3] = _ends(at_y, low, high)


@njit(nogil=True, cache=True)
def _add(side, right, up, toward, at_x, at_y, near):
    for i in range(side.size):
        at_x[i] += right * side[i]
        at_y[i] += up * side[i]
        near[i] += toward * side[i]


@njit(nogil=True, cache=True)
def _cut(near):
    """Cut depths to -1 to 1; comparisons like these compile to vector instructions, ``min`` and ``max`` do not."""
    one = np.float32(1)
    for i in range(near.size):
        depth = near[i] if near[i] > -one else -one
        near[i] = depth if depth < one else one


@njit(nogil=True, cache=True)
def _ends(side, low, high):
    """Find the least and the largest, by halves, which is six times as fast as one after another; ``low`` and ``high`` are for its use."""
    half = (side.size + 1) // 2
    _least(side, side[side.size - half :], low, half)
    _largest(side, side[side.size - half :], high, half)
    while half > 1:
        rest = (half + 1) // 2
        _least(low, low[half - rest :], low, rest)
        _largest(high, high[half - rest :], high, rest)
        half = rest
    return low[0], high[0]


@njit(nogil=True, cache=True)
def _least(one, other, out, n):
    for i in range(n):
        out[i] = one[i] if one[i] < other[i] else other[i]


@njit(nogil=True, cache=True)
def _largest(one, other, out, n):
    for i in range(n):
        out[i] = one[i] if one[i] > other[i] else other[i]
