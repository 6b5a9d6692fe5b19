"""How a layout of several dimensions is turned to lie like another one: Procrustes in any number of them, reweighted.

Of a flat layout beside it, it is the view in which the one shows most of what the other shows. In the plane, where every map is laid over
others, :mod:`explorer.compute.alignment` does the same with more care for rows that went elsewhere. Nothing here is random.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.layout_rows import check_rows, some_of
from explorer.errors import BadParameter

__all__ = ["Orientation", "orientation", "spread_of"]

_ROUNDS: Final = 100
_SETTLED: Final = 1e-7
_NEAREST: Final = 0.85  # the share of the rows that says how large a layout is
_BIWEIGHT: Final = 4.685 * 1.4826  # median distances beyond which a row does not count
_LEAST_CUTOFF: Final = 0.05  # spreads: what nobody sees is not noise to be left out
_ABSOLUTE: Final = 20  # rounds in which a row counts by the inverse of how far off it is, before those that are far off count nothing
_LEAST_ROWS: Final = 2


class Orientation(NamedTuple):
    """``y = scale * basis @ (x - center) + goal``: a rotation or reflection of the moving layout, its scale and where it goes.

    Attributes
    ----------
    basis : ndarray of shape (d, d), float64
        Orthonormal rows: the axes of the other layout in the moving one's, then the axes that it does not have, right-handed with them.
    scale : float
        How many times larger it becomes.
    center : ndarray of shape (d,), float64
        What of the moving layout goes to ``goal``.
    goal : ndarray of shape (d,), float64
        Where that is; 0 along the axes that the other layout does not have.
    """

    basis: NDArray[np.float64]
    scale: float
    center: NDArray[np.float64]
    goal: NDArray[np.float64]

    def apply(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where coordinates (n, d) go, as a new float32 array; rows that are not finite become NaN."""
        moved = (coordinates.astype(np.float64) - self.center) @ (self.scale * self.basis).T + self.goal
        moved[~np.isfinite(moved).all(axis=1)] = np.nan
        return np.asarray(moved, np.float32)


def orientation(moving: NDArray[np.float32], fixed: NDArray[np.float32]) -> Orientation:
    """Find how a layout has to be turned to lie like another one.

    A tenth of the rows may be anywhere in either. The scale is the ratio of the two layouts' spreads, as they are seen together, so that
    a layout does not shrink the more the two differ. At most 50,000 of the rows are looked at.

    Parameters
    ----------
    moving : ndarray of shape (n, d), float32
        Rows that are not finite in both are left out. Not changed.
    fixed : ndarray of shape (n, c), float32
        Not more dimensions: c is at most d.

    Returns
    -------
    Orientation
        The axes as they are where fewer than two rows are in both, or one of the layouts is in one place.

    Raises
    ------
    BadParameter
        If the layouts do not have the same number of rows, or the moving one has fewer dimensions.
    """
    d, c = moving.shape[1], fixed.shape[1]
    check_rows(moving, fixed)
    if c > d:
        raise BadParameter("layout", f"{d} dimensions", f"the layout that it is to lie like has {c}, and it needs as many.")
    rows = some_of(np.flatnonzero(np.isfinite(moving).all(axis=1) & np.isfinite(fixed).all(axis=1)).astype(np.int32))
    if len(rows) < _LEAST_ROWS:
        return Orientation(np.eye(d), 1.0, np.zeros(d), np.zeros(d))
    ways, goals = (each.take(rows, axis=0).astype(np.float64) for each in (moving, fixed))
    (center, own), (goal, theirs) = _middle(ways), _middle(goals)
    padded = np.concatenate([goal, np.zeros(d - c)])
    if not (own and theirs):
        return Orientation(np.eye(d), 1.0, center, padded)
    basis, scale, shift = _fitted((ways - center) / own, (goals - goal) / theirs)
    # shift is in spreads of the other layout
    return Orientation(basis, scale * theirs / own, center, padded + np.concatenate([shift * theirs, np.zeros(d - c)]))


def spread_of(places: NDArray[np.float32]) -> float:
    """Say how far finite places (m, d) are from their middle: those of the 85 % of them that are nearest to it, on average."""
    return _middle(places.astype(np.float64))[1]


def _fitted(moving: NDArray[np.float64], fixed: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Fit layouts of middle 0 and spread 1: a rotation or reflection (d, d), a scale and a shift (c,).

    Along the axes that the fixed layout does not have rows are where they should be (Park, Psychometrika 1991).
    """
    c, d = fixed.shape[1], moving.shape[1]
    weights = np.ones(len(moving))
    turn, scale, shift = np.eye(d), 1.0, np.zeros(c)
    for number in range(_ROUNDS):
        before = turn
        total = weights.sum()
        mean, goal = weights @ moving / total, weights @ fixed / total
        ways, goals = moving - mean, fixed - goal
        wanted = np.concatenate([goals, scale * ways @ turn[c:].T if number else np.zeros((len(ways), d - c))], axis=1)
        left, strengths, right = np.linalg.svd((wanted * weights[:, None]).T @ ways)
        if strengths[0] <= _SETTLED * total:
            break
        turn = left @ right
        seen = ways @ turn[:c].T
        scale = float(np.sqrt((weights @ np.square(goals)).sum() / max((weights @ np.square(seen)).sum(), 1e-300)))
        shift = goal - scale * turn[:c] @ mean
        off = np.linalg.norm(goals - scale * seen, axis=1)
        cutoff = max(_BIWEIGHT * float(np.median(off)), _LEAST_CUTOFF)
        if number < _ABSOLUTE:
            weights = 1 / np.maximum(off, 0.01 * cutoff)
        else:
            weights = np.square(np.maximum(0.0, 1 - np.square(off / cutoff)))
            if np.abs(turn - before).max() < _SETTLED:
                break
    if c < d and np.linalg.det(turn) < 0:  # seen from behind, what is flat is the same
        turn[-1] *= -1
    return turn, scale, shift


def _middle(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Find the median of each axis, and the mean distance from there of the rows that are nearest to it."""
    middle = np.median(places, axis=0)
    apart = np.linalg.norm(places - middle, axis=1)
    most = int(np.ceil(_NEAREST * len(places)))
    return middle, float(np.partition(apart, most - 1)[:most].mean()) or float(apart.mean())
