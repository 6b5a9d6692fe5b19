"""How some rows differ from all others: effect sizes with intervals that are honest for small counts; knows no dataset."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogOdds", "MeanDifference", "log_odds_ratios", "mean_difference", "weighted_log_odds", "z_of"]

_PIECE = 1 << 20  # rows at once: some of NumPy's calls keep the interpreter to themselves
_LEVEL = 0.95


class LogOdds(NamedTuple):
    """Log odds ratios with the ends of their intervals, each of shape (c,), float64."""

    effect: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class MeanDifference(NamedTuple):
    """Two groups' means, how many values each has, and their difference in standard deviations with its interval."""

    inside: float
    outside: float
    n_inside: int
    n_outside: int
    effect: float
    low: float
    high: float


def z_of(n_asked: int = 1) -> float:
    """Say how many standard errors wide half an interval is, so that 95 % of this many intervals together hold the truth (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - _LEVEL) / 2 / max(1, n_asked))


def log_odds_ratios(
    inside: NDArray[np.integer], outside: NDArray[np.integer], n_inside: int, n_outside: int, *, n_asked: int = 1
) -> LogOdds:
    """Compare how often things happen among some rows and among the others.

    Half a row is added to each cell (Haldane and Anscombe), so that nothing is infinite. The interval is made of those of the two shares
    (MOVER, Zou and Donner 2008), which are quantiles of their posteriors under the prior of Jeffreys: by standard errors, two rows of a
    rare kind would often count as something special where thousands of kinds are looked at.

    Parameters
    ----------
    inside, outside : ndarray of shape (c,), int
        Among how many rows each of c things happens.
    n_inside, n_outside : int
        How many rows there are.
    n_asked : int
        Of so many intervals together all shall hold the truth 95 % of the time (Bonferroni).
    """
    from scipy.special import betaincinv

    tail = (1 - _LEVEL) / 2 / max(1, n_asked)

    def of_shares(counts: NDArray[np.integer], n: int) -> LogOdds:
        yes, no = np.asarray(counts, np.float64) + 0.5, n - np.asarray(counts, np.float64) + 0.5
        with np.errstate(divide="ignore"):  # a share below the smallest number
            ends = [np.log(share) - np.log1p(-share) for share in (betaincinv(yes, no, tail), 1 - betaincinv(no, yes, tail))]
        return LogOdds(np.log(yes) - np.log(no), *ends)

    one, other = of_shares(inside, n_inside), of_shares(outside, n_outside)
    effect = one.effect - other.effect
    below = np.hypot(one.effect - one.low, other.high - other.effect)
    above = np.hypot(one.high - one.effect, other.effect - other.low)
    return LogOdds(effect, effect - below, effect + above)


def mean_difference(values: NDArray[np.floating], mask: NDArray[np.bool_], *, z: float) -> MeanDifference | None:
    """Compare the means of some rows and of the others: Cohen's d with the pooled standard deviation, corrected as by Hedges.

    Parameters
    ----------
    values : ndarray of shape (n,), float
        Values that are not finite are left out.
    mask : ndarray of shape (n,), bool
        The rows that are compared with the others.
    z : float
        Half the interval's width in standard errors.

    Returns
    -------
    MeanDifference or None
        None where a group has fewer than two values, or all values are the same. Infinite where only the groups' means differ.
    """
    counts, sums, squares = np.zeros(2, np.int64), np.zeros(2), np.zeros(2)
    for group, found in _finite_by_group(values, mask):
        counts[group] += len(found)
        sums[group] += found.sum()
    if counts.min() < 2:  # noqa: PLR2004 - one value has no spread
        return None
    means = sums / counts
    for group, found in _finite_by_group(values, mask):
        squares[group] += np.square(found - means[group]).sum()
    n_in, n_out = int(counts[1]), int(counts[0])
    freedom = n_in + n_out - 2
    spread = float(np.sqrt(squares.sum() / freedom))
    gap = float(means[1] - means[0])
    noise = 1e-12 * float(np.abs(means).max())  # what sums of equal numbers may differ by
    if spread <= noise:
        if abs(gap) <= noise:
            return None
        effect = float(np.copysign(np.inf, gap))
        return MeanDifference(float(means[1]), float(means[0]), n_in, n_out, effect, effect, effect)
    effect = gap / spread * (1 - 3 / (4 * freedom - 1))
    error = float(np.sqrt((n_in + n_out) / (n_in * n_out) + effect**2 / (2 * (n_in + n_out))))
    return MeanDifference(float(means[1]), float(means[0]), n_in, n_out, effect, effect - z * error, effect + z * error)


def weighted_log_odds(
    inside: NDArray[np.integer], outside: NDArray[np.integer], *, prior_size: float = 500.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare word counts of two corpora: log odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008).

    Parameters
    ----------
    inside, outside : ndarray of shape (v,), int
        How often each of v words occurs; every word at least once in one of them.
    prior_size : float
        Words that the prior counts as much as: each word's share of both together is expected on each side.

    Returns
    -------
    effect, z : ndarray of shape (v,), float64
        The log odds ratio, and the same in standard errors, by which words are ranked.
    """
    mine, others = np.asarray(inside, np.float64), np.asarray(outside, np.float64)
    both = mine + others
    prior = prior_size * both / max(1.0, float(both.sum()))

    def log_odds(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = np.log(counts + prior) - np.log(np.maximum(counts.sum() + prior_size - counts - prior, 1e-9))
        return shares

    effect = log_odds(mine) - log_odds(others)
    return effect, effect / np.sqrt(1 / (mine + prior) + 1 / (others + prior))


def _finite_by_group(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for at in range(0, len(values), _PIECE):
        piece = values[at : at + _PIECE].astype(np.float64)
        finite, chosen = np.isfinite(piece), mask[at : at + _PIECE]
        yield 0, piece[finite & ~chosen]
        yield 1, piece[finite & chosen]
