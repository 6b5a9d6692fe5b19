"""The similarity that brings most rows of one layout to where they are in another: Procrustes, reweighted; layouts of middle 0, spread 1.

Places are complex numbers, so that a rotation and a scale are one factor, and a reflection is the same for the conjugates. Each round is
the solution of Kabsch (1976) and Umeyama (1991) in the plane. Between rounds each row's weight becomes Tukey's biweight (Beaton and Tukey
1974) of how far it is from where it should be: rows that went elsewhere do not count at all.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.compute.layout_rows import some_of
from explorer.compute.similarity import Similarity

__all__ = ["LARGEST_SCALE", "fitted"]

LARGEST_SCALE: Final = 2.0
"""How many times larger or smaller a layout may become than its spread says."""

_ROUNDS = 30
_FEW = 5_000  # rows that decide between rotation and reflection, and from where all rows go on
_SETTLED = 1e-6
_PAIRS = 300  # starts that are tried: half of them are right where three in ten rows are elsewhere
_PROBES = 400  # rows on which they are tried
_ELSEWHERE = 1.0  # spreads: a row that is farther off counts as much as one that is just so far off
_BIWEIGHT = 4.685 * 1.4826  # median distances beyond which a row does not count: 95 % efficient where the noise is normal
_LEAST_CUTOFF = 0.05  # spreads: what nobody sees is not noise to be left out
_CODES = 1 << 13  # of the upper 14 bits of a positive float32: 32 steps an octave
_GOLDEN = (5**0.5 - 1) / 2

_SQUARES = ((np.arange(_CODES, dtype=np.uint32) << np.uint32(18)) + np.uint32(1 << 17)).view(np.float32)
_COUNTED = np.sqrt(np.fmin(_SQUARES, _ELSEWHERE**2))  # the last codes are infinite and NaN


class _Fit(NamedTuple):
    """A place z goes to ``turn * z + shift``; ``off`` is how far from where they should be rows are then, on average."""

    turn: complex
    shift: complex
    off: float


def fitted(moving: NDArray[np.float64], fixed: NDArray[np.float64], trust: NDArray[np.float64]) -> Similarity:
    """Find the similarity that brings most of the moving rows to the fixed ones.

    The rotation and the reflection are sought each by itself. The one that leaves the lesser mean distance is taken, where a row that is
    more than a spread off counts as one spread; the rotation where both are equally good.

    Parameters
    ----------
    moving, fixed : ndarray of shape (m, 2), float64
        Finite; both with middle 0 and spread 1.
    trust : ndarray of shape (m,), float64
        Each row's weight, not negative, not all 0.
    """
    ways, goals = (np.ascontiguousarray(places).view(np.complex128)[:, 0] for places in (moving, fixed))
    few = some_of(np.flatnonzero(trust).astype(np.int32), _FEW)
    rotation, reflection = (_of_few(places[few], goals[few], trust[few]) for places in (ways, ways.conj()))
    mirrored = reflection.off < rotation.off * (1 - 1e-6)
    turn, shift, _ = _refined(ways.conj(), goals, trust, reflection) if mirrored else _refined(ways, goals, trust, rotation)
    a, b = turn.real, turn.imag
    return Similarity(((a, b), (b, -a)) if mirrored else ((a, -b), (b, a)), (shift.real, shift.imag))


def _of_few(moving: NDArray[np.complex128], goals: NDArray[np.complex128], trust: NDArray[np.float64]) -> _Fit:
    return _refined(moving, goals, trust, _start(moving, goals, trust))


def _start(moving: NDArray[np.complex128], goals: NDArray[np.complex128], trust: NDArray[np.float64]) -> _Fit:
    """Find the best of what pairs of rows say, tried on some rows: it bears rows that are anywhere (RANSAC, Fischler and Bolles 1981).

    All are drawn by their weight, the same ones every time.
    """
    sums = np.cumsum(trust)
    turns = np.arange(1, max(_PAIRS, _PROBES) + 1) * _GOLDEN

    def drawn(places: NDArray[np.floating]) -> NDArray[np.intp]:
        return np.searchsorted(sums, places % 1 * sums[-1], side="right").clip(max=len(sums) - 1)

    one, other = drawn(turns[:_PAIRS]), drawn(np.arange(_PAIRS) / _PAIRS)
    probes = drawn(turns[:_PROBES] + 0.5)
    apart = moving[other] - moving[one]
    turn = np.divide(goals[other] - goals[one], apart, out=np.ones(_PAIRS, np.complex128), where=np.abs(apart) > _SETTLED)
    size = np.abs(turn)
    turn = np.where(size > 0, turn / np.maximum(size, _SETTLED) * size.clip(1 / LARGEST_SCALE, LARGEST_SCALE), 1)
    shift = (goals[one] + goals[other] - turn * (moving[one] + moving[other])) / 2
    off = np.abs(goals[probes] - (turn[:, None] * moving[probes] + shift[:, None]))
    best = int(np.minimum(off, _ELSEWHERE).mean(axis=1).argmin())
    return _Fit(complex(turn[best]), complex(shift[best]), np.inf)


def _refined(moving: NDArray[np.complex128], goals: NDArray[np.complex128], trust: NDArray[np.float64], start: _Fit) -> _Fit:
    """Reweight until nothing moves."""
    turn, shift, _ = start
    for _ in range(_ROUNDS):
        sums = np.cumsum(_gap_counts(moving, goals, trust, turn, shift, _CODES))
        median_square = float(_SQUARES[np.searchsorted(sums, sums[-1] / 2)])
        cutoff = max(_BIWEIGHT**2 * median_square, _LEAST_CUTOFF**2)
        total, mean, goal_mean, square, goal_square, product = _moments(moving, goals, trust, turn, shift, cutoff)
        if min(square, goal_square) <= _SETTLED * total:  # what agrees is all in one place and cannot say more
            break
        scale = min(max((goal_square / square) ** 0.5, 1 / LARGEST_SCALE), LARGEST_SCALE)
        before = turn, shift
        turn = scale * product / abs(product) if product else scale * turn / abs(turn)
        shift = goal_mean - turn * mean
        if abs(turn - before[0]) + abs(shift - before[1]) < _SETTLED:
            break
    counts = _gap_counts(moving, goals, trust, turn, shift, _CODES)
    return _Fit(turn, shift, float(counts @ _COUNTED / counts.sum()))


@njit(nogil=True, cache=True)
def _gap_counts(moving, goals, trust, turn, shift, codes):
    """Add up the trust of the rows by the code of the square of how far each is from where it should be."""
    counts = np.zeros(codes)
    square = np.empty(1, np.float32)
    for i in range(len(moving)):
        gap = goals[i] - (turn * moving[i] + shift)
        square[0] = gap.real * gap.real + gap.imag * gap.imag
        counts[square.view(np.int32)[0] >> 18] += trust[i]
    return counts


@njit(nogil=True, cache=True)
def _moments(moving, goals, trust, turn, shift, cutoff):
    """Return the total weight, both weighted means, both mean squares and the mean product around them."""
    total, mean, goal_mean, square, goal_square, product = 0.0, 0j, 0j, 0.0, 0.0, 0j
    for i in range(len(moving)):
        z, goal = moving[i], goals[i]
        gap = goal - (turn * z + shift)
        part = 1.0 - (gap.real * gap.real + gap.imag * gap.imag) / cutoff
        if part > 0.0:
            weight = trust[i] * part * part
            total += weight
            mean += weight * z
            goal_mean += weight * goal
            square += weight * (z.real * z.real + z.imag * z.imag)
            goal_square += weight * (goal.real * goal.real + goal.imag * goal.imag)
            product += weight * (z.conjugate() * goal)
    if total > 0.0:
        mean, goal_mean = mean / total, goal_mean / total
        square = square / total - (mean.real * mean.real + mean.imag * mean.imag)
        goal_square = goal_square / total - (goal_mean.real * goal_mean.real + goal_mean.imag * goal_mean.imag)
        product = product / total - mean.conjugate() * goal_mean
    return total, mean, goal_mean, square, goal_square, product
