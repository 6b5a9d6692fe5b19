"""UMAP's epochs over rows whose edges do not fit in memory: they are made for a part of the rows at a time, and kept in a mapped file.

Rows are dealt into parts as :mod:`explorer.compute.umap_epochs` deals them into hands, and the parts take turns in each epoch as hands do.
What stays in memory is where the rows are, and while edges are made a few figures a row and one part's edges: memberships follow from two
figures of a row, so both directions of an edge are made without the edges of all others. With turns of several epochs no file would be
needed, but neighbors would be seen epochs late: of WordNet's, 0.147 are kept with five, 0.166 with one. Equal bit for bit whatever the
number of threads.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import LEAST_SCALE, ROUNDS, TOLERANCE
from explorer.compute.part_sizes import BLOCK, part_count
from explorer.compute.progress import ShouldStop, Stopped, never
from explorer.compute.umap_epochs import attract, pulls

__all__ = ["Parts", "Scales", "blocks_of", "membership", "scales_of"]

_WIDEST: Final = 1e30


class _Edges(NamedTuple):
    """Of a part's rows in CSR order, those of a row by membership, the weakest first: starts int64, ends int32, and the epochs between
    two visits, float32.
    """  # noqa: D205

    starts: NDArray[np.int64]
    ends: NDArray[np.int32]
    every: NDArray[np.float32]


class Scales(NamedTuple):
    """What makes memberships of distances: of each row (n,) float32 the distance to its nearest, and the bandwidth beyond."""

    nearest: NDArray[np.float32]
    bandwidth: NDArray[np.float32]


def blocks_of(
    indices: NDArray[np.int32], distances: NDArray[np.float32], should_stop: ShouldStop = never
) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.float32]]]:
    """Read a graph (n, k) that may be a mapped file: the first row of each block, and copies of its rows.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    for at in range(0, len(indices), BLOCK):
        if should_stop():
            raise Stopped
        yield at, np.array(indices[at : at + BLOCK], np.int32, order="C"), np.array(distances[at : at + BLOCK], np.float32, order="C")


def scales_of(indices: NDArray[np.int32], distances: NDArray[np.float32], should_stop: ShouldStop = never) -> Scales:
    """Find the scales of memberships as :func:`explorer.compute.fuzzy_set.memberships` does, block by block.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, k), int32 and float32
        Neighbors, nearest first, without the row itself; -1 from where on there are none.
    """
    n, k = indices.shape
    scales = Scales(np.zeros(n, np.float32), np.ones(n, np.float32))
    total, count = 0.0, 0
    for _, near, far in blocks_of(indices, distances, should_stop):
        total, count = total + float(far.sum(where=near >= 0, dtype=np.float64)), count + len(near) + int(np.count_nonzero(near >= 0))
    overall = total / max(1, count)
    for at, near, far in blocks_of(indices, distances, should_stop):
        rows = slice(at, at + len(near))
        _scales(near, far, np.log2(k + 1), overall, scales.nearest[rows], scales.bandwidth[rows])
    return scales


class Parts:
    """Where the rows are, their edges in a file without a name, and the epochs that move the rows.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, k), int32 and float32
        As of :func:`scales_of`. May be mapped files: read once for each part, not changed.
    coordinates : ndarray of shape (n, 2)
        Where the rows start. Not changed.
    epochs : int
        How many there will be, which decides what edges are too weak to be visited.
    folder : path
        Of the file: about 180 bytes a row, where there are 14 neighbors. It is gone with this object.
    scales : Scales, optional
        Of the same graph; found where left out.
    told : callable, optional
        Called after each part with the share of the edges that are made.
    should_stop : callable, optional
        Asked for every 65,536 rows of the graph that are read, and before each part's epochs.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    OSError
        If the file cannot be written.
    """

    def __init__(
        self,
        indices: NDArray[np.int32],
        distances: NDArray[np.float32],
        coordinates: NDArray[np.floating],
        *,
        epochs: int,
        folder: Path,
        scales: Scales | None = None,
        told: Callable[[float], None] = lambda _: None,
        should_stop: ShouldStop = never,
    ) -> None:
        n, k = indices.shape
        self._epochs, self._should_stop = epochs, should_stop
        self._count = part_count(n, k)
        self._bounds = np.array([0, *accumulate(len(range(part, n, self._count)) for part in range(self._count))], np.int64)
        self._places = np.empty((n, 2), np.float32)
        for part in range(self._count):
            self._places[self._bounds[part] : self._bounds[part + 1]] = coordinates[part :: self._count]
        making = _Making(indices, distances, scales or scales_of(indices, distances, should_stop), self._bounds, should_stop)
        with TemporaryFile(dir=folder) as file:
            lengths = []
            for part in range(self._count):
                made = making.edges(part, epochs)
                lengths.append([len(each) for each in made])
                for each in made:
                    file.write(memoryview(each))  # type: ignore[arg-type]  # any buffer will do
                told((part + 1) / self._count)
            file.flush()
            self._edges = [*_mapped(file, lengths)]
        self._due = np.empty(max(edges for _, edges, _ in lengths), np.float32)
        self._moved = np.empty((-(-n // self._count), 2), np.float32)

    @property
    def coordinates(self) -> NDArray[np.float32]:
        """Where the rows are, (n, 2), in their own order; a copy."""
        rows = np.empty_like(self._places)
        for part in range(self._count):
            rows[part :: self._count] = self._places[self._bounds[part] : self._bounds[part + 1]]
        return rows

    def run(self, epoch: int, seed: int, negatives: int, attraction: NDArray[np.float32], repulsion: NDArray[np.float32]) -> None:
        """Run one epoch, one part after the other.

        Parameters
        ----------
        epoch : int
            Which of all.
        seed, negatives : int
            Decides the rows that are pushed away, and how many there are a visit.
        attraction, repulsion : ndarray, float32
            See :func:`explorer.compute.umap_epochs.coefficient_tables`.

        Raises
        ------
        Stopped
        """
        left = 1 - epoch / self._epochs
        pulled = pulls(attraction, 2 * left)
        for part, (starts, ends, every) in enumerate(self._edges):
            if self._should_stop():
                raise Stopped
            first, last = int(self._bounds[part]), int(self._bounds[part + 1])
            moved, due = self._moved[: last - first], self._due[: len(every)]
            _see_due(every, due, epoch)
            attract(self._places, moved, first, last, starts, ends, every, due, epoch, np.float32(left), seed, negatives, pulled, repulsion)
            self._places[first:last] = moved


class _Making:
    """Makes the edges of one part after the other."""

    def __init__(
        self,
        indices: NDArray[np.int32],
        distances: NDArray[np.float32],
        scales: Scales,
        bounds: NDArray[np.int64],
        should_stop: ShouldStop,
    ) -> None:
        self._indices, self._distances, self._scales, self._bounds, self._should_stop = indices, distances, scales, bounds, should_stop
        self._listed = np.zeros(len(indices), np.int32)  # how many rows have it among their neighbors
        for _, near, _ in blocks_of(indices, distances, should_stop):
            _count_listed(near, self._listed)

    def edges(self, part: int, epochs: int) -> _Edges:
        """Join the edges of a part's rows in both directions."""
        count, k = len(self._bounds) - 1, self._indices.shape[1]
        listed = self._listed[part::count]
        slots = np.zeros(len(listed) + 1, np.int64)
        np.cumsum(listed + np.int64(k), out=slots[1:])
        filled = slots[:-1].copy()
        ends, every = np.empty(slots[-1], np.int32), np.empty(slots[-1], np.float32)
        for at, near, far in blocks_of(self._indices, self._distances, self._should_stop):
            _collect(near, far, at, part, count, filled, ends, every)
        starts = np.zeros_like(slots)
        for at in range(0, len(listed), BLOCK):
            rows = slice(at * count + part, (at + BLOCK) * count, count)
            near, far = np.array(self._indices[rows], np.int32, order="C"), np.array(self._distances[rows], np.float32, order="C")
            _join(near, far, at, part, count, *self._scales, slots, filled, ends, every, self._bounds, epochs, starts)
        np.cumsum(starts, out=starts)
        kept = _Edges(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
        _pack(slots, ends, every, *kept)
        return kept


def _mapped(file: BinaryIO, lengths: list[list[int]]) -> Iterator[_Edges]:
    """Map what was written; the file may be closed."""
    at = 0
    for each in lengths:
        arrays = []
        for length, dtype in zip(each, (np.int64, np.int32, np.float32), strict=True):
            # for writing, too, though nobody does: the kernels are compiled for such arrays already
            arrays.append(np.asarray(np.memmap(file, dtype, "r+", at, (length,))) if length else np.empty(0, dtype))
            at += length * np.dtype(dtype).itemsize
        yield _Edges(*arrays)


@numba.njit(nogil=True, cache=True, inline="always")
def membership(distance, nearest, bandwidth):
    """Say how surely a neighbor is one."""
    return np.float32(np.exp(-max(np.float64(distance) - nearest, 0.0) / bandwidth))


@numba.njit(parallel=True, nogil=True, cache=True)
def _scales(near, far, target, overall, nearest, bandwidth):
    """Find each row's distance to its nearest, and the bandwidth at which its memberships sum to ``target``."""
    for i in numba.prange(len(near)):
        lowest, total, count = 0.0, 0.0, 0
        for c in range(near.shape[1]):
            if near[i, c] < 0:
                break
            distance = np.float64(far[i, c])
            if distance > 0 and (lowest == 0 or distance < lowest):
                lowest = distance
            total += distance
            count += 1
        low, high, middle = 0.0, _WIDEST, 1.0
        for _ in range(ROUNDS):
            found = 0.0
            for c in range(count):
                found += np.exp(-max(np.float64(far[i, c]) - lowest, 0.0) / middle)
            if abs(found - target) < TOLERANCE:
                break
            if found > target:
                high = middle
                middle = (low + high) / 2
            else:
                low = middle
                middle = 2 * middle if high == _WIDEST else (low + high) / 2
        mean = total / (count + 1) if lowest > 0 else overall
        widest = max(middle, LEAST_SCALE * mean)
        nearest[i] = lowest
        bandwidth[i] = widest if np.float32(widest) > 0 else 1.0


@numba.njit(nogil=True, cache=True)
def _count_listed(near, listed):
    for i in range(near.shape[0]):
        for c in range(near.shape[1]):
            if near[i, c] < 0:
                break
            listed[near[i, c]] += 1


@numba.njit(nogil=True, cache=True)
def _collect(near, far, first, part, count, filled, ends, every):
    """Take the edges that lead from a block of rows to those of a part: where they come from, and how far."""
    mask, shift = count - 1, 0
    while 1 << shift < count:
        shift += 1
    for i in range(near.shape[0]):
        for c in range(near.shape[1]):
            j = near[i, c]
            if j < 0:
                break
            if j & mask == part:
                at = filled[j >> shift]
                ends[at], every[at] = first + i, far[i, c]
                filled[j >> shift] = at + 1


@numba.njit(parallel=True, nogil=True, cache=True)
def _join(near, far, first, part, count, nearest, bandwidth, slots, filled, ends, every, bounds, epochs, kept):
    """Join both directions of a block's edges as the fuzzy set does, weakest first; ``kept[row + 1]`` is how many are ever visited."""
    for r in numba.prange(near.shape[0]):
        row = first + r
        i = row * count + part
        start, met, end = slots[row], filled[row], slots[row + 1]
        for edge in range(start, met):
            every[edge] = membership(every[edge], nearest[ends[edge]], bandwidth[ends[edge]])
        at = met
        for c in range(near.shape[1]):
            j = near[r, c]
            if j < 0:
                break
            own = membership(far[r, c], nearest[i], bandwidth[i])
            both = False
            for edge in range(start, met):
                if ends[edge] == j:
                    every[edge] = own + every[edge] - own * every[edge]
                    both = True
                    break
            if not both:
                ends[at], every[at] = j, own
                at += 1
        ends[at:end], every[at:end] = 0, np.float32(0)
        order = np.argsort(every[start:end], kind="mergesort")
        ends[start:end], every[start:end] = ends[start:end][order], every[start:end][order]
        for edge in range(start, end):
            j = ends[edge]
            ends[edge] = bounds[j % count] + j // count
            # each row is as sure as can be of its nearest, so the strongest edge is 1
            if every[edge] * epochs >= 1:
                every[edge] = np.float32(1) / every[edge]
                kept[row + 1] += 1


@numba.njit(parallel=True, nogil=True, cache=True)
def _pack(slots, ends, every, starts, kept_ends, kept_every):
    """Leave out the edges that are never visited: the first ones of each row."""
    for row in numba.prange(len(slots) - 1):
        start, end = starts[row], starts[row + 1]
        last = slots[row + 1]
        kept_ends[start:end] = ends[last - (end - start) : last]
        kept_every[start:end] = every[last - (end - start) : last]


@numba.njit(parallel=True, nogil=True, cache=True)
def _see_due(every, due, epoch):
    """Say which edges are visited in an epoch: those for which a multiple of their interval has come since the last one."""
    for edge in numba.prange(len(every)):
        now = np.floor(np.float32(epoch) / every[edge]) > np.floor(np.float32(epoch - 1) / every[edge])
        due[edge] = np.float32(epoch) if now and epoch > 0 else np.float32(epoch + 1)
