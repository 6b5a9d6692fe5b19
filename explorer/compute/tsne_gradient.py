"""The gradient of t-SNE in single precision with every core: attraction along the edges, repulsion by Fourier transforms.

The rows' repulsion is half the slope of a potential, the convolution of all rows with 1 / (1 + d²), which is computed on a grid (as in
FIt-SNE: Linderman et al., Nature Methods 2019). Rows are spread onto the grid by quintic B-splines, whose slope gives that of the
potential, as in smooth particle mesh Ewald (Essmann et al., J. Chem. Phys. 1995). So two transforms take the place of FIt-SNE's eight.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from math import ceil, floor, log2
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["Attraction", "Repulsion", "attract", "descend"]

SPACING: Final = 0.35  # of the grid's nodes, where the layout is large; the kernel is one wide
FEWEST: Final = 64  # nodes along the longer side of a small layout
MOST: Final = 4096  # nodes along the longer side: 700 MB of numbers
_PARTS: Final = 4  # that rows are spread in side by side; fixed, so that sums do not depend on the number of cores
_STEP: Final = 16  # nodes by which the grid grows, so that most steps find the kernel transformed
_BATCHES: Final = 256  # of rows whose forces are read
_NODES: Final = 6  # a side, that a row is spread onto: quintic splines
_BEFORE: Final = 2  # of them, before the row
_EULER: Final = np.array([15_724_248, 2 * 9_738_114, 2 * 2_203_488, 2 * 152_637, 2 * 2_036, 2])  # splines of twice the order, at nodes


class Attraction(NamedTuple):
    """The affinities P in CSR form, as the kernels want them: they sum to 1.

    Attributes
    ----------
    starts, ends, weights : ndarray of shape (n + 1,), (m,), (m,); int64, int32, float32
    entropy : float
        The sum of p log p.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int32]
    weights: NDArray[np.float32]
    entropy: float

    @classmethod
    def of(cls, affinities: Any) -> Attraction:
        """Take a SciPy CSR matrix."""
        data = affinities.data
        some = data[data > 0].astype(np.float64)
        starts, ends = affinities.indptr, affinities.indices
        return cls(starts.astype(np.int64), ends.astype(np.int32), data.astype(np.float32), float((some * np.log(some)).sum()))


class Repulsion:
    """Computes repulsion; keeps the transformed kernel for as long as the grid stays.

    Parameters
    ----------
    threads : int
        That transform; the kernels run with numba's.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._grid: tuple[int, int, float] | None = None
        self._kernel = np.empty((0, 0), np.float32)  # transformed, with what the splines blur taken out
        self._near = np.empty((0, 0), np.float32)  # the same as it acts on the grid, around its middle: how a row acts on itself

    def of(self, layout: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Compute it for every row.

        Parameters
        ----------
        layout : ndarray of shape (n, 2), float32, C order
            Finite.

        Returns
        -------
        forces : ndarray of shape (n, 2), float32
            The sum over j of (y_i - y_j) / (1 + d_ij²)².
        total : float
            The sum over all i and j, i not j, of 1 / (1 + d_ij²).
        """
        from scipy.fft import next_fast_len

        columns = layout[:, 0], layout[:, 1]  # one by one: twenty times as fast as along an axis
        low, high = np.array([float(each.min()) for each in columns]), np.array([float(each.max()) for each in columns])
        spacing = _spacing(float((high - low).max()))
        nodes = [_STEP * ceil((span / spacing + _NODES + 1) / _STEP) for span in high - low]
        origin, per_unit = (low - _BEFORE * spacing).astype(np.float32), np.float32(1 / spacing)
        small = spacing < SPACING / FEWEST  # then all potentials are nearly the same, and what differs would be lost
        self._transform_kernel((next_fast_len(2 * nodes[0]), next_fast_len(2 * nodes[1], real=True)), spacing, less=small)
        charges = np.empty(nodes, np.float32)
        _spread(layout, origin, per_unit, np.zeros((_PARTS, *nodes), np.float32), charges)
        potential = self._convolved(charges)
        forces, sums = np.empty_like(layout), np.empty(len(layout), np.float32)
        _gather(layout, origin, per_unit, potential, self._near, forces, sums)
        total = float(sums.sum(dtype=np.float64)) + (len(layout) * (len(layout) - 1) if small else 0)
        return forces, max(total, np.finfo(np.float64).tiny)

    def _convolved(self, charges: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convolve with the kernel; transforms that would be of zeros, or thrown away, are left out."""
        from scipy.fft import fft, ifft, irfft, rfft

        assert self._grid is not None
        rows, columns, _ = self._grid
        waves = fft(rfft(charges, n=columns, axis=1, workers=self._threads), n=rows, axis=0, workers=self._threads, overwrite_x=True)
        waves *= self._kernel
        waves = ifft(waves, axis=0, workers=self._threads, overwrite_x=True)[: len(charges)]
        found: NDArray[np.float32] = irfft(waves, n=columns, axis=1, workers=self._threads)[:, : charges.shape[1]]
        return np.ascontiguousarray(found)

    def _transform_kernel(self, shape: tuple[int, int], spacing: float, *, less: bool) -> None:
        """Transform 1 / (1 + d²), or, for a small layout, one less."""
        from scipy.fft import irfft2, rfft2

        grid = (*shape, spacing)
        if self._grid == grid:
            return
        lengths = [np.minimum(np.arange(size), size - np.arange(size)) * spacing for size in shape]
        squared = np.square(lengths[0])[:, None] + np.square(lengths[1])[None, :]
        kernel = rfft2((-squared if less else 1.0) / (1 + squared), workers=self._threads).real
        kernel *= _sharpening(shape[0], shape[0])[:, None] * _sharpening(shape[1], shape[1] // 2 + 1)[None, :]
        acting = irfft2(kernel, s=shape, workers=self._threads)
        around = np.arange(1 - _NODES, _NODES)
        self._grid, self._kernel = grid, kernel.astype(np.float32)
        self._near = acting[np.ix_(around, around)].astype(np.float32)


def _spacing(span: float) -> float:
    """Halve the spacing until there are enough nodes; where a layout is so wide that there would be too many, take a wider one."""
    if span <= 0:
        return SPACING
    if span > MOST * SPACING:
        return span / MOST
    return SPACING * 2.0 ** min(0, floor(log2(max(span, 1e-30) / (FEWEST * SPACING))))


def _sharpening(size: int, waves: int) -> NDArray[np.float64]:
    """Say how many times stronger each wave of the kernel must be for what two splines blur: the least squares of Hockney & Eastwood."""
    turn = 2 * np.pi * np.arange(waves) / size
    turn = np.where(turn > np.pi, 2 * np.pi - turn, turn)
    blurred = np.sinc(turn / (2 * np.pi)) ** (2 * _NODES)
    aliased = np.cos(turn[:, None] * np.arange(_NODES)) @ _EULER / _EULER.sum()
    return np.asarray(blurred / aliased**2)


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def _spread(layout, origin, per_unit, parts, charges):
    """Spread every row onto the grid, (nx, ny)."""
    n = len(layout)
    for part in numba.prange(len(parts)):
        grid = parts[part]
        wx, wy = np.empty(_NODES, np.float32), np.empty(_NODES, np.float32)
        for i in range(part * n // len(parts), (part + 1) * n // len(parts)):
            ix = _weigh((layout[i, 0] - origin[0]) * per_unit, wx)
            iy = _weigh((layout[i, 1] - origin[1]) * per_unit, wy)
            for a in range(_NODES):
                for b in range(_NODES):
                    grid[ix + a, iy + b] += wx[a] * wy[b]
    for a in numba.prange(parts.shape[1]):
        for b in range(parts.shape[2]):
            total = np.float32(0)
            for part in range(len(parts)):
                total += parts[part, a, b]
            charges[a, b] = total


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def _gather(layout, origin, per_unit, potential, near, forces, sums):
    """Read forces and the sum over 1 / (1 + d²) from the potential (nx, ny), less what each row does to itself."""
    half = np.float32(-0.5) * per_unit
    n, parts = len(layout), min(_BATCHES, len(layout))
    for part in numba.prange(parts):  # in batches, whose scratch is made once
        wx, wy, sx, sy = _four(_NODES)
        own_x, own_y, turn_x, turn_y = _four(2 * _NODES - 1)
        for i in range(part * n // parts, (part + 1) * n // parts):
            x, y = (layout[i, 0] - origin[0]) * per_unit, (layout[i, 1] - origin[1]) * per_unit
            ix, iy = _weigh(x, wx), _weigh(y, wy)
            _slopes(x, sx)
            _slopes(y, sy)
            value, to_x, to_y = np.float32(0), np.float32(0), np.float32(0)
            for a in range(_NODES):
                across, turned = np.float32(0), np.float32(0)
                for b in range(_NODES):
                    across += wy[b] * potential[ix + a, iy + b]
                    turned += sy[b] * potential[ix + a, iy + b]
                value += wx[a] * across
                to_x += sx[a] * across
                to_y += wx[a] * turned
            _overlap(wx, wx, own_x)
            _overlap(wy, wy, own_y)
            _overlap(sx, wx, turn_x)
            _overlap(sy, wy, turn_y)
            for a in range(2 * _NODES - 1):
                across, turned = np.float32(0), np.float32(0)
                for b in range(2 * _NODES - 1):
                    across += own_y[b] * near[a, b]
                    turned += turn_y[b] * near[a, b]
                value -= own_x[a] * across
                to_x -= turn_x[a] * across
                to_y -= own_x[a] * turned
            forces[i, 0], forces[i, 1] = half * to_x, half * to_y
            sums[i] = value


@numba.njit(fastmath=True, nogil=True, inline="always")
def _four(size):
    return np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)


@numba.njit(fastmath=True, nogil=True, inline="always")
def _overlap(one, other, found):
    """Sum the products of two rows of weights for each distance between their nodes."""
    for at in range(2 * _NODES - 1):
        found[at] = 0
    for a in range(_NODES):
        for b in range(_NODES):
            found[a - b + _NODES - 1] += one[a] * other[b]


@numba.njit(fastmath=True, nogil=True, inline="always")
def _weigh(place, weights):
    """Write the weights of the six nodes around a place on the grid; return the first one's number."""
    node = np.int64(place)
    f = np.float64(place) - node
    g = 1 - f
    weights[0] = g**5 / 120
    weights[1] = (26 + f * (-50 + f * (20 + f * (20 + f * (-20 + 5 * f))))) / 120
    weights[2] = (66 + f * f * (-60 + f * f * (30 - 10 * f))) / 120
    weights[3] = (66 + g * g * (-60 + g * g * (30 - 10 * g))) / 120
    weights[4] = (26 + g * (-50 + g * (20 + g * (20 + g * (-20 + 5 * g))))) / 120
    weights[5] = f**5 / 120
    return node - _BEFORE


@numba.njit(fastmath=True, nogil=True, inline="always")
def _slopes(place, slopes):
    """Write how the same weights change with the place."""
    f = np.float64(place) - np.int64(place)
    g = 1 - f
    slopes[0] = -(g**4) / 24
    slopes[1] = (-10 + f * (8 + f * (12 + f * (-16 + 5 * f)))) / 24
    slopes[2] = f * (-24 + f * f * (24 - 10 * f)) / 24
    slopes[3] = -g * (-24 + g * g * (24 - 10 * g)) / 24
    slopes[4] = -(-10 + g * (8 + g * (12 + g * (-16 + 5 * g)))) / 24
    slopes[5] = f**4 / 24


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def attract(layout, starts, ends, weights, out, losses, wanted):
    """Sum the attraction of every row along its edges, p (y_i - y_j) / (1 + d²); where wanted, also p log(1 + d²)."""
    for i in numba.prange(len(layout)):
        x, y = layout[i, 0], layout[i, 1]
        fx, fy, loss = np.float32(0), np.float32(0), np.float32(0)
        for edge in range(starts[i], starts[i + 1]):
            j = ends[edge]
            dx, dy = x - layout[j, 0], y - layout[j, 1]
            apart = np.float32(1) + dx * dx + dy * dy
            pull = weights[edge] / apart
            fx += pull * dx
            fy += pull * dy
            if wanted:
                loss += weights[edge] * np.log(apart)
        out[i, 0], out[i, 1] = fx, fy
        losses[i] = loss


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def descend(layout, attraction, repulsion, pull, push, update, gains, rate, momentum, least_gain, longest):
    """Step down ``pull * attraction - push * repulsion``, with momentum and gains, as openTSNE does; all (n, 2) but the numbers."""
    for i in numba.prange(len(layout)):
        length = np.float32(0)
        for axis in range(2):
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
        for axis in range(2):
            if length > longest:
                update[i, axis] *= longest / length
            layout[i, axis] += update[i, axis]
