"""New rows on a t-SNE map that is there: openTSNE's ``transform``, with a kernel of our own. The rows of the map stay where they are."""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.compute.affinities import one_way
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.compute.projection import PLANE

__all__ = ["NEIGHBORS", "transform"]

PERPLEXITY: Final = 5.0
NEIGHBORS: Final = 15  # three times as many
EXAGGERATION: Final = 1.5
ITERATIONS: Final = 250
RATE: Final = 0.1
MOMENTUM: Final = 0.8
LONGEST: Final = 0.25  # of a gradient
_PAIRS: Final = 1_000_000_000  # of a new row and one of the map between two looks at whether to stop: one to two seconds on two cores


def transform(
    coordinates: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    *,
    exaggeration: float = EXAGGERATION,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> NDArray[np.float32]:
    """Place new rows near their nearest rows of a map.

    Each starts at the median of its neighbors and moves for 250 steps, drawn by them and pushed by every row of the map, as in openTSNE
    (Poličar, Stražar & Zupan, Machine Learning 2023). O(m n) a step: ten new rows on a map of a million take 3.5 s on two cores.

    Parameters
    ----------
    coordinates : ndarray of shape (n, c), float32
        The map. Not changed.
    indices, distances : ndarray of shape (m, k), int32 and float32
        Of each new row, the nearest rows of the map and how far they are in the original space, ascending; 15 are looked at.
    exaggeration : float
        Pulls harder.
    report : callable(stage, fraction), optional
        Called as rows are placed.
    should_stop : callable, optional
        Asked about once a second.

    Returns
    -------
    ndarray of shape (m, c), float32
        New rows do not see each other: what comes of one does not depend on the others.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    near = np.ascontiguousarray(indices[:, :NEIGHBORS])
    weights = one_way(distances[:, :NEIGHBORS], min(PERPLEXITY, max(1.0, near.shape[1] / 3)))
    settle: Any = _settle if coordinates.shape[1] == PLANE else _settle_in_space
    columns = [np.ascontiguousarray(coordinates[:, axis], np.float32) for axis in range(coordinates.shape[1])]
    placed = np.median(coordinates[near], axis=1).astype(np.float32)
    step = max(1, _PAIRS // (ITERATIONS * len(coordinates)))
    for at in range(0, len(placed), step):
        if should_stop():
            raise Stopped
        part = slice(at, at + step)
        settle(*columns, near[part], weights[part], placed[part], np.float32(exaggeration), ITERATIONS)
        report("t-SNE", min(1.0, (at + step) / len(placed)))
    return placed


@numba.njit(parallel=True, nogil=True, cache=True)
def _settle(x, y, indices, weights, placed, exaggeration, iterations):
    """Move each of ``placed`` (m, 2) by openTSNE's gradient descent with gains; the map's ``x``, ``y`` (n,) are fixed."""
    for i in numba.prange(len(placed)):
        moved, gains = np.zeros(2, np.float64), np.ones(2, np.float64)
        slope = np.empty(2, np.float64)
        for _ in range(iterations):
            push_x, push_y, total = _pushed(x, y, placed[i, 0], placed[i, 1])
            slope[0], slope[1] = -push_x / total, -push_y / total
            for j in range(indices.shape[1]):
                dx, dy = placed[i, 0] - x[indices[i, j]], placed[i, 1] - y[indices[i, j]]
                pull = exaggeration * weights[i, j] / (1 + dx * dx + dy * dy)
                slope[0] += pull * dx
                slope[1] += pull * dy
            length = np.sqrt(slope[0] ** 2 + slope[1] ** 2)
            for axis in range(2):
                if length > LONGEST:
                    slope[axis] *= LONGEST / length
                gains[axis] = max(0.01, gains[axis] + 0.2 if moved[axis] * slope[axis] < 0 else gains[axis] * 0.8 + 0.01)
                moved[axis] = MOMENTUM * moved[axis] - RATE * gains[axis] * slope[axis]
                placed[i, axis] += moved[axis]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _pushed(x, y, at_x, at_y):
    """Sum the repulsion of all rows, and 1 / (1 + d²)."""
    push_x, push_y, total = np.float32(0), np.float32(0), np.float32(1e-30)
    for j in range(len(x)):
        dx, dy = at_x - x[j], at_y - y[j]
        near = np.float32(1) / (np.float32(1) + dx * dx + dy * dy)
        total += near
        near *= near
        push_x += near * dx
        push_y += near * dy
    return push_x, push_y, total


@numba.njit(parallel=True, nogil=True, cache=True)
def _settle_in_space(x, y, z, indices, weights, placed, exaggeration, iterations):
    """Do the same in three dimensions, with their kernel: ``placed`` (m, 3) among ``x``, ``y``, ``z`` (n,)."""
    for i in numba.prange(len(placed)):
        moved, gains = np.zeros(3, np.float64), np.ones(3, np.float64)
        slope = np.empty(3, np.float64)
        for _ in range(iterations):
            push_x, push_y, push_z, total = _pushed_in_space(x, y, z, placed[i, 0], placed[i, 1], placed[i, 2])
            slope[0], slope[1], slope[2] = -push_x / total, -push_y / total, -push_z / total
            for j in range(indices.shape[1]):
                other = indices[i, j]
                dx, dy, dz = placed[i, 0] - x[other], placed[i, 1] - y[other], placed[i, 2] - z[other]
                pull = exaggeration * weights[i, j] / (1 + (dx * dx + dy * dy + dz * dz) / 2)
                slope[0] += pull * dx
                slope[1] += pull * dy
                slope[2] += pull * dz
            length = np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)
            for axis in range(3):
                if length > LONGEST:
                    slope[axis] *= LONGEST / length
                gains[axis] = max(0.01, gains[axis] + 0.2 if moved[axis] * slope[axis] < 0 else gains[axis] * 0.8 + 0.01)
                moved[axis] = MOMENTUM * moved[axis] - RATE * gains[axis] * slope[axis]
                placed[i, axis] += moved[axis]


@numba.njit(nogil=True, cache=True, fastmath=True)
def _pushed_in_space(x, y, z, at_x, at_y, at_z):
    """Sum the repulsion of all rows in three dimensions, and their kernel: see :mod:`explorer.compute.tsne_gradient_3d`."""
    push_x, push_y, push_z, total = np.float32(0), np.float32(0), np.float32(0), np.float32(1e-30)
    for j in range(len(x)):
        dx, dy, dz = at_x - x[j], at_y - y[j], at_z - z[j]
        near = np.float32(1) / (np.float32(1) + np.float32(0.5) * (dx * dx + dy * dy + dz * dz))
        kernel = near * np.sqrt(near)
        total += kernel
        kernel *= near
        push_x += kernel * dx
        push_y += kernel * dy
        push_z += kernel * dz
    return push_x, push_y, push_z, total
