"""Where the values of a number column lie on a color bar: as they are, by their logarithm, or by their rank."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.render.palette import limits

__all__ = ["SCALES", "ScaleName", "Scaled", "scaled"]

ScaleName: TypeAlias = Literal["linear", "log", "rank"]

SCALES: Final = get_args(ScaleName)
"""What can be asked for, the usual one first."""

_SAMPLE: Final = 1_000_000  # rows that quantiles are taken from: every k-th
_QUANTILES: Final = 4_096  # of a rank, enough for 256 colors
_BLOCK: Final = 1 << 18  # rows placed in one call, which keeps memory small and the interpreter free


class Scaled(NamedTuple):
    """A column on a color bar.

    Attributes
    ----------
    values : ndarray of shape (n,), float32
        Each row's place, in units of ``low`` and ``high``; NaN where it has no value.
    low, high : float
        The ends of the bar.
    ends : tuple of float
        The column's values at the low end, in the middle and at the high end of the bar.
    """

    values: NDArray[np.float32]
    low: float
    high: float
    ends: tuple[float, float, float]


def scaled(values: NDArray[np.float32], scale: ScaleName) -> Scaled:
    """Place a number column on a color bar.

    Parameters
    ----------
    values : ndarray of shape (n,), float32
        NaN and infinities have no place.
    scale : {"linear", "log", "rank"}
        As values are, between robust ends; by their logarithm, where all that are not above 0 lie at the low end; by the share of rows
        that are lower, equal ones in the middle of their shares.
    """
    if scale == "log":
        return _log(values)
    if scale == "rank":
        return _rank(values)
    low, high = limits(values)
    return Scaled(values, low, high, (low, (low + high) / 2, high))


def _log(values: NDArray[np.float32]) -> Scaled:
    finite = np.isfinite(values)
    above = finite & (values > 0)
    logarithms = np.full(len(values), np.nan, np.float32)
    np.log10(values, out=logarithms, where=above)
    low, high = limits(logarithms)
    logarithms[finite & ~above] = min(low, float(logarithms[above].min())) if above.any() else low
    first, middle, last = (float(10.0**place) for place in (low, (low + high) / 2, high))
    return Scaled(logarithms, low, high, (first, middle, last))


def _rank(values: NDArray[np.float32]) -> Scaled:
    sample = values[:: max(1, len(values) // _SAMPLE)]
    sample = np.sort(sample[np.isfinite(sample)])
    if not sample.size:
        return Scaled(np.full(len(values), np.nan, np.float32), 0.0, 1.0, (0.0, 0.0, 0.0))
    n = min(len(sample), _QUANTILES)
    steps = sample[np.linspace(0, len(sample) - 1, n).round().astype(np.int64)]
    shares = np.full(len(values), np.nan, np.float32)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        lower, higher = (np.searchsorted(steps, block, side=side) for side in ("left", "right"))
        shares[start : start + _BLOCK] = np.where(np.isfinite(block), (lower + higher) / (2 * n), np.nan)
    return Scaled(shares, 0.0, 1.0, (float(sample[0]), float(np.median(sample)), float(sample[-1])))
