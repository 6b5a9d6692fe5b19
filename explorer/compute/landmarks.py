"""Landmarks of a neighbor graph: few rows, of which every row has one near it; the graph among them, and the places of the others."""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.compute.progress import ShouldStop, Stopped, never
from explorer.compute.umap_parts import Scales, blocks_of, membership

__all__ = ["choose_landmarks", "landmark_neighbors", "place_others"]

_LANDMARK_BLOCK: Final = 65_536


def choose_landmarks(indices: NDArray[np.int32], distances: NDArray[np.float32], should_stop: ShouldStop = never) -> NDArray[np.bool_]:
    """Choose rows so that every row is one of them or has one among its neighbors: many where rows are dense, few where they are sparse.

    One sweep over the graph, which may be a mapped file: a row becomes a landmark where none of its neighbors is one yet.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, k), int32 and float32
        Neighbors, nearest first, without the row itself; -1 from where on there are none.

    Returns
    -------
    ndarray of shape (n,), bool
    """
    chosen = np.zeros(len(indices), np.bool_)
    for at, near, _ in blocks_of(indices, distances, should_stop):
        _choose(near, at, chosen)
    return chosen


def landmark_neighbors(
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    rows: NDArray[np.int32],
    numbers: NDArray[np.int32],
    *,
    k: int,
    should_stop: ShouldStop = never,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find each landmark's nearest other ones by two steps along the graph, which is where they meet: over rows that both are near.

    Parameters
    ----------
    indices, distances : ndarray of shape (n, K), int32 and float32
        As of :func:`choose_landmarks`.
    rows : ndarray of shape (m,), int32
        The landmarks.
    numbers : ndarray of shape (n,), int32
        Which of them a row is; -1 for none.
    k : int
        Neighbors of a landmark, at most.

    Returns
    -------
    ndarray of shape (m, k), int32; ndarray of shape (m, k), float32
        Numbers of landmarks, nearest first, and the lengths of the ways; -1 and inf from where on fewer were met.
    """
    near, far = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.inf, np.float32)
    indices, distances = np.asarray(indices), np.asarray(distances)
    for at in range(0, len(rows), _LANDMARK_BLOCK):
        if should_stop():
            raise Stopped
        some = slice(at, at + _LANDMARK_BLOCK)
        _two_steps(indices, distances, rows[some], numbers, near[some], far[some])
    return near, far


def place_others(
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    scales: Scales,
    numbers: NDArray[np.int32],
    places: NDArray[np.float32],
    should_stop: ShouldStop = never,
) -> NDArray[np.float32]:
    """Place every row at the mean of the landmarks among its neighbors, by membership; landmarks where they are.

    Parameters
    ----------
    indices, distances, numbers
        As of :func:`landmark_neighbors`.
    scales : Scales
        Of the graph.
    places : ndarray of shape (m, 2), float32
        Of the landmarks.

    Returns
    -------
    ndarray of shape (n, 2), float32
    """
    found = np.empty((len(indices), 2), np.float32)
    for at, near, far in blocks_of(indices, distances, should_stop):
        rows = slice(at, at + len(near))
        _place(near, far, scales.nearest[rows], scales.bandwidth[rows], numbers[rows], numbers, places, found[rows])
    return found


@numba.njit(nogil=True, cache=True)
def _choose(near, first, chosen):
    for i in range(near.shape[0]):
        covered = False
        for c in range(near.shape[1]):
            if covered or near[i, c] < 0:
                break
            covered = chosen[near[i, c]]
        if not covered:
            chosen[first + i] = True


@numba.njit(parallel=True, nogil=True, cache=True)
def _two_steps(indices, distances, rows, numbers, near, far):
    for at in numba.prange(len(rows)):
        own = numbers[rows[at]]
        for first in range(-1, indices.shape[1]):
            # the first step may be none
            over, way = rows[at], np.float32(0)
            if first >= 0:
                over, way = indices[rows[at], first], distances[rows[at], first]
                if over < 0:
                    break
            for second in range(indices.shape[1]):
                j = indices[over, second]
                if j < 0:
                    break
                if numbers[j] >= 0 and numbers[j] != own:
                    _keep_nearest(near[at], far[at], numbers[j], way + distances[over, second])


@numba.njit(nogil=True, cache=True)
def _keep_nearest(near, far, number, way):
    """Put a landmark into an ascending list, unless it is there with a shorter way; the last one falls out."""
    if way >= far[-1]:
        return
    last = len(near) - 1
    for c in range(len(near)):
        if near[c] == number:
            if far[c] <= way:
                return
            last = c
            break
        if near[c] < 0:
            last = c
            break
    while last > 0 and far[last - 1] > way:
        near[last], far[last] = near[last - 1], far[last - 1]
        last -= 1
    near[last], far[last] = number, way


@numba.njit(parallel=True, nogil=True, cache=True)
def _place(near, far, nearest, bandwidth, own, numbers, places, found):
    for i in numba.prange(len(near)):
        if own[i] >= 0:
            found[i, 0], found[i, 1] = places[own[i], 0], places[own[i], 1]
            continue
        x, y, total = 0.0, 0.0, 0.0
        for c in range(near.shape[1]):
            j = near[i, c]
            if j < 0:
                break
            if numbers[j] >= 0:
                weight = 1e-6 + membership(far[i, c], nearest[i], bandwidth[i])
                x += weight * places[numbers[j], 0]
                y += weight * places[numbers[j], 1]
                total += weight
        found[i, 0], found[i, 1] = x / max(total, 1e-6), y / max(total, 1e-6)
