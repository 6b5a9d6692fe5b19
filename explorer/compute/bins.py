"""Bins of numbers and times with edges that people would choose, each row's bin, and counts under masks; arrays only, no columns.

A row's bin is one byte, so that ten million rows are counted in milliseconds. The kernels are sequential and run without the GIL.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "MOST_BINS",
    "Spread",
    "bin_codes",
    "count_codes",
    "nice_edges",
    "robust_ends",
    "rounded_to",
    "time_edges",
    "wanted_bins",
    "warm",
]

MOST_BINS: Final = 60
_LEAST_BINS = 16
_FARTHEST = 1e300
_NARROWEST = 1e-300
_MANTISSAS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_TIME_STEPS: tuple[tuple[str, int, int], ...] = (  # unit, how many, microseconds of it at least
    *(("us", n, n) for k in range(6) for n in (10**k, 2 * 10**k, 5 * 10**k)),
    *(("s", n, n * _SECOND) for n in (1, 2, 5, 10, 15, 30)),
    *(("m", n, n * 60 * _SECOND) for n in (1, 2, 5, 10, 15, 30)),
    *(("h", n, n * 3_600 * _SECOND) for n in (1, 2, 3, 6, 12)),
    *(("D", n, n * _DAY) for n in (1, 2, 7)),
    *(("M", n, n * 28 * _DAY) for n in (1, 3, 6)),
    *(("Y", n * 10**k, n * 10**k * 365 * _DAY) for k in range(6) for n in (1, 2, 5)),
)


class Spread(NamedTuple):
    """What bins are chosen by: the least and the greatest value, and the quantiles of a sample.

    ``least`` and ``greatest`` may be infinite; the others are finite. ``n`` is how many values there are.
    """

    n: int
    least: float
    greatest: float
    low: float  # 1st percentile
    quarter: float
    three_quarters: float
    high: float  # 99th percentile


def robust_ends(spread: Spread) -> tuple[float, float]:
    """Say from where to where bins reach: everything, or the bulk where a few values lie far outside of it."""
    spread = Spread(spread.n, *(max(-_FARTHEST, min(value, _FARTHEST)) if math.isfinite(value) else value for value in spread[1:]))
    width = spread.high - spread.low
    if width <= 0:  # nearly all are one value
        low, high = spread.low - abs(spread.low), spread.high + abs(spread.high)
        return (
            spread.least if math.isfinite(spread.least) else min(low, spread.low - 1),
            spread.greatest if math.isfinite(spread.greatest) else max(high, spread.high + 1),
        )
    low = spread.least if spread.least >= spread.low - width else spread.low - width / 2
    high = spread.greatest if spread.greatest <= spread.high + width else spread.high + width / 2
    return low, high


def wanted_bins(spread: Spread, low: float, high: float) -> int:
    """Say how many bins the rule of Freedman and Diaconis wants between two values, within what can be drawn."""
    width = 2 * (spread.three_quarters - spread.quarter) / max(1, spread.n) ** (1 / 3)
    if width <= 0:
        return MOST_BINS // 2
    return int(min(max((high - low) / width, _LEAST_BINS), MOST_BINS))


def _nice_step(width: float) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that is not below a width."""
    power = 10.0 ** math.floor(math.log10(width))
    return next((m * power for m in _MANTISSAS if m * power >= width * (1 - 1e-9)), 10 * power)


def nice_edges(low: float, high: float, bins: int, *, whole: bool = False) -> tuple[NDArray[np.float64], float]:
    """Return edges at multiples of a nice step, the first not above ``low``, the last not below ``high``, and the step.

    Parameters
    ----------
    low, high : float
        Finite, ``low < high``.
    bins : int
        About how many; at most as many are made, beside one at each end.
    whole : bool
        The values are whole numbers: so is the step, and ``high`` gets a bin in which it is not the upper edge.
    """
    width = max((high - low) / max(1, bins), _NARROWEST, 8 * float(np.spacing(max(abs(low), abs(high)))))  # edges stay apart
    while True:
        step = _nice_step(max(width, 1.0) if whole else width)
        if whole:
            step = float(math.ceil(step))
        first = math.floor(low / step)
        last = math.floor(high / step) + 1 if whole else math.ceil(high / step)
        if last - first <= MOST_BINS:
            break
        width = step * 1.01
    return _multiples(first, max(last, first + 1), step), step


def _multiples(first: int, last: int, step: float) -> NDArray[np.float64]:
    """Return the multiples as they are written: 0.3, not 0.30000000000000004."""
    decimals = max(0, 1 - math.floor(math.log10(step)))
    numbers: NDArray[np.float64] = (np.arange(first, last + 1) * step).astype(np.float64)
    return np.round(numbers, decimals).astype(np.float64) if decimals <= 15 else numbers  # noqa: PLR2004 - beyond, rounding would overflow


def time_edges(low: float, high: float, bins: int) -> tuple[NDArray[np.float64], str, int]:
    """Return edges where a calendar has them, in microseconds since 1970, and the step.

    Parameters
    ----------
    low, high : float
        Microseconds since 1970, ``low < high``.
    bins : int
        At most how many, beside one at each end.

    Returns
    -------
    edges : ndarray of shape (bins + 1,), float64
        The first not above ``low``, the last above ``high``.
    unit : {"us", "s", "m", "h", "D", "M", "Y"}
        As NumPy names it.
    many : int
        How many of the unit are a step.
    """
    width = (high - low) / max(1, bins)
    unit, many, _ = next((step for step in _TIME_STEPS if step[2] >= width), _TIME_STEPS[-1])
    first = int(np.int64(math.floor(low)).astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64))
    last = int(np.int64(math.floor(high)).astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64))
    shift = 1970 if unit == "Y" else 3 if unit == "D" and many == 7 else 0  # noqa: PLR2004 - decades begin in year 0, weeks on Monday
    start = (first + shift) // many * many - shift
    places = np.arange(start, last + many + 1, many, dtype=np.int64)
    edges = places.astype(f"datetime64[{unit}]").astype("datetime64[us]").astype(np.int64).astype(np.float64)
    return edges, unit, many


def rounded_to(value: float, step: float) -> float:
    """Round to the nearest multiple of a step, as it is written."""
    at = round(value / step)
    return float(_multiples(at, at, step)[0])


def bin_codes(values: NDArray[np.float64], edges: NDArray[np.float64], codes: NDArray[np.uint8], *, under: bool, over: bool) -> None:
    """Write each value's bar into ``codes``.

    Bars are: values below the first edge where ``under``, the bins ``[edge, next edge)``, values from the last edge on where ``over``, and
    NaN. Without ``under`` and ``over`` the first and the last bin take those too: they hold the last edge itself, as NumPy's do.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
    edges : ndarray of shape (bins + 1,), float64
        Ascending, at most 61.
    codes : ndarray of shape (n,), uint8
        Filled.
    """
    _bin_codes(values, edges, codes, int(under), int(over))


def warm() -> None:
    """Compile the kernels, so that nobody waits for it."""
    codes = np.zeros(1, np.uint8)
    bin_codes(np.zeros(1), np.array([0.0, 1.0]), codes, under=False, over=False)
    count_codes(codes, 1, None, None)


@njit(nogil=True, cache=True)
def _bin_codes(values, edges, codes, under, over):
    bins = len(edges) - 1
    missing = under + bins + over
    for i in range(len(values)):
        value = values[i]
        if np.isnan(value):
            codes[i] = missing
            continue
        low, high = 0, bins + 1  # how many edges are not above the value
        while low < high:
            middle = (low + high) >> 1
            if edges[middle] <= value:
                low = middle + 1
            else:
                high = middle
        place = low - 1 + under
        codes[i] = min(max(place, 0), missing - 1)


def count_codes(
    codes: NDArray[np.uint8], bars: int, shown: NDArray[np.bool_] | None, selected: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Count the rows of each bar, in one pass.

    Parameters
    ----------
    codes : ndarray of shape (n,), uint8
        Each below ``bars``.
    bars : int
    shown, selected : ndarray of shape (n,), bool, or None
        None where every row is shown, where none is selected.

    Returns
    -------
    ndarray of shape (2, bars), int64
        The shown rows, and those of them that are selected.
    """
    nothing = np.zeros(1, np.uint8)
    of_four = np.zeros((4, 256), np.int64)  # neighbors in memory often have one bar: counting them in turn waits for nothing
    _count_codes(
        codes,
        nothing if shown is None else shown.view(np.uint8),
        nothing if selected is None else selected.view(np.uint8),
        shown is not None,
        selected is not None,
        of_four,
    )
    shown_selected, shown_only = of_four[3], of_four[2]
    if shown is None:
        shown_selected, shown_only = of_four[1], of_four[0]
    return np.stack([shown_only + shown_selected, shown_selected])[:, :bars]


@njit(nogil=True, cache=True)
def _count_codes(codes, shown, selected, is_filtered, is_selected, counts):
    if is_filtered and is_selected:
        for i in range(len(codes)):
            counts[(shown[i] << 1) | selected[i], codes[i]] += 1
    elif is_filtered:
        for i in range(len(codes)):
            counts[shown[i] << 1, codes[i]] += 1
    elif is_selected:
        for i in range(len(codes)):
            counts[selected[i], codes[i]] += 1
    else:
        for i in range(len(codes)):
            counts[0, codes[i]] += 1
