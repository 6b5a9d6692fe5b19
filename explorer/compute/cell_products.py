"""Products of rows with the rows of cells, and what is kept of them, as numba kernels: each thread multiplies blocks of its own.

No two threads write one row's neighbors, and the number of threads changes nothing. BLAS has to run in one thread meanwhile. They run in
the compute process only, where nothing else is parallel.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final

import numba
import numpy as np

__all__ = ["measure", "merge", "multiply", "offer", "rank_cells"]

_STRIP: Final = 192  # rows that are multiplied at once: with those of a cell they stay in the processor's cache
_TILE: Final = 64  # products that are looked at together: most hold nothing near


@numba.njit(parallel=True, nogil=True, cache=True)
def rank_cells(points, centers, half, nearest):
    """Put the nearest cells of each row into ``nearest`` (b, most): those of the largest products less half of the center's square."""
    for strip in numba.prange((len(points) + _STRIP - 1) // _STRIP):
        start, end = strip * _STRIP, min((strip + 1) * _STRIP, len(points))
        products = np.dot(points[start:end], centers.T)
        for i in range(start, end):
            _largest(products[i - start], half, nearest[i])


@numba.njit(nogil=True, cache=True)
def _largest(products, half, nearest):
    best = np.full(len(nearest), -np.inf, np.float32)
    for j in range(len(half)):
        value = products[j] - half[j]
        if value > best[-1]:
            place = len(best) - 1
            while place > 0 and best[place - 1] < value:
                best[place], nearest[place] = best[place - 1], nearest[place - 1]
                place -= 1
            best[place], nearest[place] = value, j


@numba.njit(nogil=True, cache=True)
def _keep(gap, j, indices, gaps):
    """Put a row that is nearer than the last into one row's ascending list, unless it is there."""
    place, met = len(gaps) - 1, 0
    for other in range(len(indices)):
        met += indices[other] == j
    if met:
        return
    while place > 0 and gaps[place - 1] > gap:
        gaps[place], indices[place] = gaps[place - 1], indices[place - 1]
        place -= 1
    gaps[place], indices[place] = gap, j


@numba.njit(parallel=True, nogil=True, cache=True)
def multiply(points, visitors, members, blocks, products):
    """Multiply the visitors of each block with its members, few enough at once for them to stay in the processor's cache."""
    for number in numba.prange(len(blocks)):
        come, leave, low, high, at = blocks[number]
        width, d = high - low, points.shape[1]
        columns, rows = np.empty((width, d), np.float32), np.empty((_STRIP, d), np.float32)
        for b in range(width):
            columns[b] = points[members[low + b]]
        for start in range(come, leave, _STRIP):
            height = min(_STRIP, leave - start)
            for a in range(height):
                rows[a] = points[visitors[start + a]]
            begin = at + (start - come) * width
            np.dot(rows[:height], columns.T, products[begin : begin + height * width].reshape((height, width)))


@numba.njit(parallel=True, nogil=True, cache=True)
def offer(products, blocks, visitors, members, half, limits, indices, gaps, shares, both):
    """Offer members to visitors and, if ``both``, visitors to members; each thread serves a share of the rows, from number to number."""
    for share in numba.prange(len(shares) - 1):
        for number in range(len(blocks)):
            come, leave, low, high, at = blocks[number]
            there, here = members[low:high], visitors[come:leave]
            found = products[at : at + len(here) * len(there)].reshape((len(here), len(there)))
            start, end = np.searchsorted(here, shares[share]), np.searchsorted(here, shares[share + 1])
            _offer_columns(found[start:end], here[start:end], there, half, limits, indices, gaps)
            if both:
                start, end = np.searchsorted(there, shares[share]), np.searchsorted(there, shares[share + 1])
                _offer_rows(found[:, start:end], here, there[start:end], half, limits, indices, gaps)


@numba.njit(nogil=True, cache=True)
def _offer_columns(products, rows, columns, half, limits, indices, gaps):
    """Offer the columns to the rows of a block: halves of squared gaps are half_i + half_j - product."""
    halves = half[columns]
    for a in range(len(rows)):
        i = rows[a]
        for low in range(0, len(columns), _TILE):
            high, near, limit = min(low + _TILE, len(columns)), 0, limits[i]
            for b in range(low, high):
                near += products[a, b] - halves[b] > limit
            if near:
                for b in range(low, high):
                    if products[a, b] - halves[b] > limits[i] and columns[b] != i:
                        _keep(half[i] + halves[b] - products[a, b], columns[b], indices[i], gaps[i])
                        limits[i] = half[i] - gaps[i, -1]


@numba.njit(nogil=True, cache=True)
def _offer_rows(products, rows, columns, half, limits, indices, gaps):
    """Offer the rows to the columns of a block, which has none of the columns among its rows."""
    halves, reach = half[rows], limits[columns]
    for a in range(len(rows)):
        near = 0
        for b in range(len(columns)):
            near += products[a, b] - halves[a] > reach[b]
        if near:
            for b in range(len(columns)):
                if products[a, b] - halves[a] > reach[b]:
                    j = columns[b]
                    _keep(half[j] + halves[a] - products[a, b], rows[a], indices[j], gaps[j])
                    reach[b] = limits[j] = half[j] - gaps[j, -1]


@numba.njit(parallel=True, nogil=True, cache=True, fastmath=True)
def measure(points, rows, indices, gaps):
    """Put the squared distances of all pairs into ``gaps``, and both into ascending order, which they nearly are in."""
    for a in numba.prange(len(rows)):
        i = rows[a]
        for end in range(indices.shape[1]):
            j = indices[i, end]
            if j < 0:
                break
            gap = np.float32(0)
            for axis in range(points.shape[1]):
                apart = points[i, axis] - points[j, axis]
                gap += apart * apart
            place = end
            while place > 0 and gaps[i, place - 1] > gap:
                gaps[i, place], indices[i, place] = gaps[i, place - 1], indices[i, place - 1]
                place -= 1
            gaps[i, place], indices[i, place] = gap, j


@numba.njit(parallel=True, nogil=True, cache=True)
def merge(rows, starts, found, apart, indices, gaps):
    """Offer what some rows, each named once, have found to those rows' lists; ``starts`` says where that of each begins."""
    for a in numba.prange(len(rows)):
        i = rows[a]
        for b in range(starts[a], starts[a + 1]):
            if apart[b] < gaps[i, -1]:
                _keep(apart[b], found[b], indices[i], gaps[i])
