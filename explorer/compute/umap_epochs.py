"""UMAP's epochs as numba kernels: without the GIL, bit-identical whatever the number of threads, with umap-learn's results.

umap-learn visits each directed edge and moves both of its ends in place, one edge after the other. An edge and the one that leads back are
visited in the same epochs, so each visit here moves its own row alone, twice as far: the distance of the two changes as much. The step is
an implicit one, half of the way at most: with umap-learn's explicit one, which leaps over the neighbor where they are near, pairs that are
tied to little else would drift away. A row visits its weakest edges first, so the strongest ones have the last word. Rows are dealt into
four hands that take turns: in its turn each row of a hand reads the others' places as they were when the turn began. No two threads write
one place. Negative samples come from a counter of seed, epoch and row. The gradients' coefficients come from tables over the exponent and
first eight mantissa bits of the squared distance instead of ``pow``.

The kernels run in the compute process only, where nothing else is parallel.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["HANDS", "Hands", "attract", "coefficient_tables", "place_in_table", "pulls", "pushed", "random_state"]

HANDS: Final = 4  # with one, neighbors are seen an epoch late, and the map keeps a tenth fewer of them; more than four change nothing
_TABLE_START: Final = int(np.float32(2.0**-24).view(np.int32)) >> 15
_TABLE_END: Final = int(np.float32(2.0**24).view(np.int32)) >> 15


class Hands:
    """Edges and places, dealt into hands: row i of n is in hand ``i % HANDS``, and rows of one hand are next to each other.

    Parameters
    ----------
    edges : scipy.sparse.csr_matrix of shape (n, n), float32
        Symmetric, its columns sorted.
    coordinates : ndarray of shape (n, c)
        Where the rows start, in two dimensions or three.

    Attributes
    ----------
    places : ndarray of shape (n, c), float32
        Where they are, hand by hand.
    starts, ends, memberships : ndarray of shape (n + 1,) int64, (m,) int32 and (m,) float32
        The edges, in the same order; those of a row by membership, the weakest first.
    """

    def __init__(self, edges: Any, coordinates: NDArray[np.floating]) -> None:
        n = edges.shape[0]
        self._order = np.concatenate([np.arange(hand, n, HANDS) for hand in range(HANDS)])
        dealt = edges[self._order][:, self._order]
        dealt.sort_indices()
        self.starts, self.ends = dealt.indptr.astype(np.int64), dealt.indices.astype(np.int32, copy=False)
        self.memberships = dealt.data.astype(np.float32, copy=False)
        _weakest_first(self.starts, self.ends, self.memberships)
        self.places = np.ascontiguousarray(coordinates[self._order], np.float32)
        self.bounds = list(accumulate((len(range(hand, n, HANDS)) for hand in range(HANDS)), initial=0))
        self._every = (self.memberships.max(initial=0.0) / self.memberships).astype(np.float32)
        self._due = self._every.copy()
        self._moved = np.empty((-(-n // HANDS), self.places.shape[1]), np.float32)

    @property
    def coordinates(self) -> NDArray[np.float32]:
        """Where the rows are, (n, c), in their own order; a copy."""
        rows = np.empty_like(self.places)
        rows[self._order] = self.places
        return rows

    def dealt(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring one value a row (n,) into the order of the hands."""
        return np.ascontiguousarray(values[self._order])

    def run(self, epoch: int, total: int, seed: int, negatives: int, move: Any, *figures: Any) -> None:
        """Run one epoch.

        Parameters
        ----------
        epoch, total : int
            Which of how many.
        seed : int
            Decides the negative samples.
        negatives : int
            Rows pushed away a visit.
        move : numba function
            :func:`attract`, or one with its first arguments; of :mod:`explorer.compute.umap_epochs_3d` for three dimensions.
        *figures
            Its last arguments.
        """
        alpha = np.float32(1 - epoch / total)
        for first, last in pairwise(self.bounds):
            schedule = (self.starts[first : last + 1], self.ends, self._every, self._due, epoch)
            moved = self._moved[: last - first]
            move(self.places, moved, first, last, *schedule, alpha, seed, negatives, *figures)
            self.places[first:last] = moved


def coefficient_tables(a: float, b: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Tabulate attraction and repulsion over the squared distance, 256 steps an octave from 2^-24 to 2^24.

    Parameters
    ----------
    a, b : float
        The curve 1 / (1 + a x^(2b)) that stands for min_dist and spread.
    """
    steps = np.arange(_TABLE_START, _TABLE_END + 1, dtype=np.int64)
    squared = ((steps << 15) + (1 << 14)).astype(np.int32).view(np.float32).astype(np.float64)
    attraction = -2 * a * b * squared ** (b - 1) / (a * squared**b + 1)
    repulsion = 2 * b / ((0.001 + squared) * (a * squared**b + 1))
    return attraction.astype(np.float32), repulsion.astype(np.float32)


def pulls(attraction: NDArray[np.float32], step: float) -> NDArray[np.float32]:
    """Tabulate which share of the way to its neighbor a visit moves a row, up to a half: the implicit Euler step of two that move alike.

    Parameters
    ----------
    attraction : ndarray, float32
        See :func:`coefficient_tables`.
    step : float
        The length of the step; twice that where the neighbor moves at its own visits, too.
    """
    pull = np.float32(-step) * attraction
    return pull / (1 + 2 * pull)


@numba.njit(nogil=True, cache=True, inline="always")
def random_state(seed, epoch, row):
    """Start the random numbers of a row in an epoch: never 0."""
    state = (
        np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(epoch) * np.uint64(0xD1B54A32D192ED03)
        + np.uint64(row) * np.uint64(0xABC98388FB8FAC03)
    )
    state ^= state >> np.uint64(32)
    state *= np.uint64(0xD6E8FEB86659FD93)
    state ^= state >> np.uint64(32)
    return state | np.uint64(1)


@numba.njit(fastmath=True, nogil=True, cache=True, inline="always")
def place_in_table(squared, size):
    """Say which entry of a table of so many stands for a squared distance."""
    return min(max((np.int64(np.float32(squared).view(np.int32)) >> 15) - _TABLE_START, 0), size - 1)


@numba.njit(fastmath=True, nogil=True, cache=True, inline="always")
def pushed(places, row, x, y, state, alpha, repulsion, negatives):
    """Push a row at (x, y) away from random other ones: by how much, and the next random state."""
    n = np.uint64(places.shape[0])
    four = np.float32(4)
    px, py = np.float32(0), np.float32(0)
    for _ in range(negatives):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        other = np.int64(((state >> np.uint64(32)) * n) >> np.uint64(32))
        dx, dy = x - places[other, 0], y - places[other, 1]
        squared = dx * dx + dy * dy
        if squared > 0 and other != row:
            at = min(max((np.int64(np.float32(squared).view(np.int32)) >> 15) - _TABLE_START, 0), repulsion.size - 1)
            push = repulsion[at]
            if push * push * squared > four * four:  # few are so near that they have to be held back
                px += min(max(push * dx, -four), four)
                py += min(max(push * dy, -four), four)
            else:
                px += push * dx
                py += push * dy
    return alpha * px, alpha * py, state


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def attract(places, moved, first, last, starts, ends, every, due, epoch, alpha, seed, negatives, pulled, repulsion):
    """Pull the rows ``first`` to ``last`` to their neighbors and push them away from others; all others stay.

    Parameters
    ----------
    places : ndarray of shape (n, 2), float32
        Where all rows are, which is read.
    moved : ndarray of shape (last - first, 2), float32
        Where these rows go, which is written.
    starts, ends : ndarray of shape (last - first + 1,) int64 and (m,) int32
        The edges of these rows in CSR order.
    every, due : ndarray of shape (m,), float32
        Epochs between two visits of an edge, and the epoch of its next visit; ``due`` is moved on.
    epoch : int
    alpha : float32
        The length of a step.
    seed, negatives : int
        Decides the negative samples, and how many there are a visit.
    pulled, repulsion : ndarray, float32
        See :func:`pulls` and :func:`coefficient_tables`.
    """
    for i in numba.prange(first, last):
        state = random_state(seed, epoch, i)
        x, y = places[i, 0], places[i, 1]
        for edge in range(starts[i - first], starts[i - first + 1]):
            if due[edge] > epoch:
                continue
            due[edge] += every[edge]
            j = ends[edge]
            dx, dy = x - places[j, 0], y - places[j, 1]
            squared = dx * dx + dy * dy
            at = min(max((np.int64(np.float32(squared).view(np.int32)) >> 15) - _TABLE_START, 0), pulled.size - 1)
            px, py, state = pushed(places, i, x, y, state, alpha, repulsion, negatives)
            x, y = x - pulled[at] * dx + px, y - pulled[at] * dy + py
        moved[i - first, 0], moved[i - first, 1] = x, y


@numba.njit(parallel=True, nogil=True, cache=True)
def _weakest_first(starts, ends, memberships):
    """Sort each row's edges by membership; those that are alike stay in order."""
    for i in numba.prange(len(starts) - 1):
        start, end = starts[i], starts[i + 1]
        order = np.argsort(memberships[start:end], kind="mergesort")
        ends[start:end], memberships[start:end] = ends[start:end][order], memberships[start:end][order]
