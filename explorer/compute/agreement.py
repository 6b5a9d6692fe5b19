"""How well layouts agree with the original space as a whole, by anchors: some rows that are compared with all others.

Trustworthiness and continuity (Venna & Kaski, ICANN 2001), the share of random triplets whose order is kept (Wang et al., JMLR 2021), and
the rank correlation of distances (Shepard's diagram). The distances in the original space are computed once for all layouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.direct_search import DIRECT, Direct
from explorer.compute.exact_search import ANGULAR, Points, to_distances
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.errors import BadParameter, NotEnoughRows

__all__ = ["ANCHORS", "Agreement", "Tally", "agreement"]

ANCHORS: Final = 1_000
STAGE: Final = "quality"
_PRECISE_ROWS: Final = 5_000  # up to which distances are computed in float64
_SCRATCH_BYTES: Final = 96_000_000  # a block of distances
_PAIRS: Final = 100  # of an anchor, for triplets and for Shepard's diagram


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well one layout agrees with the original space.

    Attributes
    ----------
    trustworthiness : float
        1 less a penalty for rows that are near each other in the layout and far apart in the original space; equal to
        :func:`sklearn.manifold.trustworthiness` where all rows are anchors (which orders equal distances by row number: here none of
        them is nearer).
    continuity : float
        1 less a penalty for true neighbors that are far apart in the layout: the same with the two spaces exchanged.
    triplets : float
        The share of random triplets of which the layout keeps which of two rows is nearer to the third; chance gives 0.5.
    correlation : float
        Spearman's rank correlation of distances, from -1 to 1; chance gives 0.
    distances : ndarray of shape (m, 2), float32
        Random pairs of rows, how far apart in the original space and in the layout: the points of Shepard's diagram.
    """

    trustworthiness: float
    continuity: float
    triplets: float
    correlation: float
    distances: NDArray[np.float32]


def agreement(
    vectors: NDArray[np.float32],
    layouts: Sequence[NDArray[np.float32]],
    *,
    k: int = 15,
    metric: str = "cosine",
    anchors: int = ANCHORS,
    seed: int = 0,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> list[Agreement]:
    """Compare layouts with the original space.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; no all-zero row where the metric is cosine.
    layouts : sequence of ndarray of shape (n, c), float32
        Finite.
    k : int
        Neighbors that trustworthiness and continuity look at; fewer than half of n.
    metric : str
        One of :data:`explorer.compute.space.METRICS`.
    anchors : int
        Rows that are compared with all others, chosen at random; n or more for all. A thousand give trustworthiness and continuity to
        about 0.005, triplets to 0.005.
    seed : int
        Decides which they are.
    report : callable(stage, fraction), optional
        Called after each block of anchors.
    should_stop : callable, optional
        Asked before each block.

    Returns
    -------
    list of Agreement
        One a layout. O(anchors n d).

    Raises
    ------
    NotEnoughRows
        If n <= 2 k.
    BadParameter
        If a layout has another number of rows.
    Stopped
        If ``should_stop()`` said so.
    """
    n = len(vectors)
    if n <= 2 * k:
        raise NotEnoughRows("k", k, n)
    for layout in layouts:
        if len(layout) != n:
            raise BadParameter("layout", f"{len(layout):,} rows", f"the vectors have {n:,}.")
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(n, min(n, max(1, anchors)), replace=False))
    space, scale = _space(vectors, metric)
    planes = [_Space(layout.astype(space.dtype)) for layout in layouts]
    tallies = [Tally() for _ in layouts]
    step = max(1, _SCRATCH_BYTES // (8 * n))
    for at in range(0, len(chosen), step):
        if should_stop():
            raise Stopped
        some = chosen[at : at + step]
        far = space.squared_from(some)
        ranked = _Ranked(far, k)
        pairs = random.integers(0, n - 1, (len(some), _PAIRS, 2))
        pairs += pairs >= some[:, None, None]  # never the anchor itself
        true = np.take_along_axis(far, pairs.reshape(len(some), -1), axis=1).reshape(pairs.shape)
        for plane, tally in zip(planes, tallies, strict=True):
            _compare(ranked, _Ranked(plane.squared_from(some), k), pairs, true, tally)
        report(STAGE, min(1.0, (at + step) / len(chosen)))
    for tally in tallies:
        tally.to_metric(1 / scale, metric, vectors.shape[1])
    return [tally.agreement(len(chosen), n, k) for tally in tallies]


def _space(vectors: NDArray[np.float32], metric: str) -> tuple[_Space | _OtherSpace, float]:
    """Rows whose squared distances go with the metric, and how many times as far apart they are."""
    if metric in DIRECT:
        return _OtherSpace(Direct.of(vectors, metric)), 1.0
    if len(vectors) > _PRECISE_ROWS:
        points = Points.of(vectors, metric)
        return _Space(points.product), points.scale
    rows = vectors.astype(np.float64)
    if metric == "correlation":
        rows -= rows.mean(axis=1, keepdims=True)
    if metric in ANGULAR:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return _Space(rows), 1.0


class _OtherSpace:
    """Rows whose distances are no Euclidean ones."""

    dtype: Final = np.dtype(np.float64)

    def __init__(self, direct: Direct) -> None:
        self._direct = direct

    def squared_from(self, some: NDArray[np.integer]) -> NDArray[np.floating]:
        """Squares (b, n) of the distances from some rows to all; infinite to themselves."""
        return np.square(self._direct.others(some).astype(np.float64))


class _Space:
    """Rows, and squared distances between them by products."""

    def __init__(self, rows: NDArray[np.floating]) -> None:
        self.dtype = rows.dtype
        self._rows = rows - rows.mean(axis=0)  # products of large numbers would lose what is small
        self._squares = np.einsum("ij,ij->i", self._rows, self._rows)

    def squared_from(self, some: NDArray[np.integer]) -> NDArray[np.floating]:
        """Squared distances (b, n) from some rows to all; infinite to themselves."""
        found = self._rows[some] @ self._rows.T
        found *= -2
        found += self._squares
        found += self._squares[some, None]
        np.maximum(found, 0, out=found)
        found[np.arange(len(some)), some] = np.inf
        return found


class _Ranked:
    """Distances from some rows to all, each row's k nearest, and how many are nearer than others."""

    def __init__(self, squared: NDArray[np.floating], k: int) -> None:
        self.squared, self.k = squared, k
        near = np.argpartition(squared, k - 1, axis=1)[:, :k]
        self.near = near
        self._sorted: NDArray[np.floating] | None = None

    def penalty(self, others: NDArray[np.integer]) -> int:
        """Sum how far rows (b, k) are beyond the k nearest, in ranks."""
        if self._sorted is None:
            self._sorted = np.sort(self.squared, axis=1)
        apart = np.take_along_axis(self.squared, others, axis=1)
        ranks = np.array([np.searchsorted(line, value) for line, value in zip(self._sorted, apart, strict=True)]) + 1
        return int(np.maximum(ranks - self.k, 0).sum())


class Tally:
    """What has been counted of one layout.

    Attributes
    ----------
    false, missing : float
        How far, in ranks, neighbors on the map are beyond the k nearest in the original space, and the other way round.
    """

    def __init__(self) -> None:
        self.false = self.missing = self.kept = self.triplets = 0.0
        self.pairs: list[NDArray[np.float32]] = []

    def pair(self, apart: NDArray[np.floating], seen: NDArray[np.floating]) -> None:
        """Count triplets, and keep pairs: squared distances (b, p, 2) of anchors from p pairs of rows, in the original space and seen."""
        order, order_seen = np.sign(apart[..., 0] - apart[..., 1]), np.sign(seen[..., 0] - seen[..., 1])
        decided = order != 0
        self.triplets += float(decided.sum())
        self.kept += float(((order * order_seen + 1) / 2)[decided].sum())  # rows at the same distance keep half
        self.pairs.append(np.sqrt(np.stack([apart[..., 0], seen[..., 0]], axis=-1)).reshape(-1, 2).astype(np.float32))

    def to_metric(self, scale: float, metric: str, d: int) -> None:
        """Turn the pairs' distances into those of the metric."""
        for each in self.pairs:
            each[:, 0] = to_distances(each[:, 0] * np.float32(scale), metric, d)

    def agreement(self, anchors: int, n: int, k: int) -> Agreement:
        """Say what all that makes, of so many anchors among n rows."""
        from scipy.stats import spearmanr

        per_rank = 2.0 / (anchors * k * (2.0 * n - 3.0 * k - 1.0))
        distances = np.concatenate(self.pairs)
        varied = (np.ptp(distances, axis=0) > 0).all()
        correlation = float(spearmanr(distances[:, 0], distances[:, 1]).statistic) if varied else 0.0
        return Agreement(
            1.0 - per_rank * self.false,
            1.0 - per_rank * self.missing,
            self.kept / max(self.triplets, 1.0),
            correlation,
            distances,
        )


def _compare(true: _Ranked, plane: _Ranked, pairs: NDArray[np.integer], apart: NDArray[np.floating], tally: Tally) -> None:
    tally.false += true.penalty(plane.near)
    tally.missing += plane.penalty(true.near)
    seen = np.take_along_axis(plane.squared, pairs.reshape(len(pairs), -1), axis=1).reshape(pairs.shape)
    tally.pair(apart, seen)
