"""Exact nearest rows by blocked matrix products; proves its candidates complete and measures them again in float64.

Each metric here is turned into squared Euclidean distance between *points*: unit rows for cosine (``1 - cos = |u - v|² / 2``), centered
ones for correlation, the vectors themselves for Euclidean and, of zeros and ones, Hamming distance. A matrix product gives a lower bound
of every squared distance in a block; the few lowest are measured exactly, and the bound of all others must lie above the k-th of them.
Rows where it does not (ties, near ties) are searched again without a cut. So duplicates are at distance 0, ties go by row number, and
neither the block size nor the BLAS library can change the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter

__all__ = [
    "ANGULAR",
    "Exact",
    "Frame",
    "Points",
    "as_points",
    "check_binary",
    "check_varied",
    "exact_neighbors",
    "frame_of",
    "gaps_to_one",
    "gaps_within",
    "nearest_to_one",
    "to_distances",
]

ANGULAR = ("cosine", "correlation")  # metrics that are half the square of a distance between points
SPARE = 8  # candidates beyond k that are measured before the bound is checked
SCRATCH_BYTES = 192_000_000  # a block of products, its bounds and their order
MEASURE_BYTES = 24_000_000  # gathered differences in float64
STREAM_BYTES = 32_000_000  # a block of vectors in float64
COMPILED_FROM = 4_000_000  # numbers from which a pass over the vectors is compiled: no process loads numba for less
TINY, HUGE = 1e-30, 1e34  # squared lengths between are true to a few digits in float32


class Frame(NamedTuple):
    """Where points lie so that products lose little: those of parts of the rows can be compared if they have the frame of all."""

    mean: NDArray[np.float64] | float
    scale: float


class Exact(Protocol):
    """Rows that distances are measured on: an array (n, d) float32, or what gives some of its rows when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and of dimensions."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class Points:
    """Rows made ready for a search.

    Attributes
    ----------
    exact : ndarray of shape (n, d), float32
        What distances are measured on.
    product : ndarray of shape (n, d), float32
        The same, centered and scaled so that products lose little; may be ``exact`` itself.
    squares : ndarray of shape (n,), float32
        Squared lengths of ``product``.
    scale : float
        ``product`` is (``exact`` - mean) times this.
    """

    exact: NDArray[np.float32]
    product: NDArray[np.float32]
    squares: NDArray[np.float32]
    scale: float

    @property
    def slack(self) -> float:
        """How far a squared distance from products may be off, relative to the sum of both squared lengths."""
        return _slack(self.exact.shape[1])

    @staticmethod
    def of(vectors: NDArray[np.float32], metric: str, frame: Frame | None = None) -> Points:
        """Prepare vectors (n, d) for "cosine", "correlation", "euclidean" or "hamming"; in a frame of their own unless one is given.

        Raises
        ------
        BadParameter
            If a vector is constant where the metric is correlation, or not of zeros and ones where it is hamming.
        """
        if metric == "correlation":
            check_varied(vectors)
        if metric == "hamming":
            check_binary(vectors, metric)
        if metric in ANGULAR:
            unit = as_points(vectors, metric)
            return Points(unit, unit, _squares(unit), 1.0)
        exact = np.ascontiguousarray(vectors, dtype=np.float32)
        mean, scale = frame or frame_of(exact, metric)
        product = np.empty(exact.shape, dtype=np.float32)
        for at, block in _blocks(exact):
            product[at : at + len(block)] = (block - mean) * scale
        return Points(exact, product, _squares(product), scale)

    def measure(self, rows: NDArray[np.intp], candidates: NDArray[np.intp]) -> NDArray[np.float64]:
        """Squared distances between rows (b,) and their candidates (b, m), each difference exact to float32, summed in float64."""
        result = np.empty(candidates.shape, dtype=np.float64)
        step = max(1, MEASURE_BYTES // (16 * max(1, candidates.shape[1]) * max(1, self.exact.shape[1])))
        for at in range(0, len(rows), step):
            part = slice(at, at + step)
            gap = self.exact[candidates[part]].astype(np.float64)
            gap -= self.exact[rows[part], None, :]
            np.einsum("bmd,bmd->bm", gap, gap, out=result[part])
        return result


def frame_of(vectors: NDArray[np.float32], metric: str) -> Frame:
    """Find the frame of vectors (n, d); they are read in blocks."""
    if metric in ANGULAR:
        return Frame(0.0, 1.0)  # unit rows are well placed as they are
    mean = vectors.mean(axis=0, dtype=np.float64)
    reach = float(max((np.abs(block - mean).max() for _, block in _blocks(vectors)), default=0.0))
    return Frame(mean, float(2.0 ** -np.clip(np.ceil(np.log2(reach)), -120, 120)) if reach > 0 else 1.0)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows (n, d) to length 1, computed in float64; a row of zeros stays zero."""
    unit = np.empty(vectors.shape, dtype=np.float32)
    for at, block in _blocks(vectors):
        wide = block.astype(np.float64)
        length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        wide /= np.where(length > 0, length, 1.0)[:, None]
        unit[at : at + len(block)] = wide
    return unit


def to_distances(gaps: NDArray[np.float32], metric: str, d: int) -> NDArray[np.float32]:
    """Turn distances between points of d dimensions into distances of the metric."""
    if metric in ANGULAR:
        return (np.square(gaps) / 2).astype(np.float32)
    return (np.square(gaps.astype(np.float64)) / d).astype(np.float32) if metric == "hamming" else gaps


def check_binary(vectors: NDArray[np.float32], metric: str, allowed: NDArray[np.bool_] | None = None) -> None:
    """Refuse vectors (n, d) that do not consist of zeros and ones, but for rows that are not ``allowed`` (n,).

    Raises
    ------
    BadParameter
    """
    for at, block in _blocks(vectors):
        other = (block != 0) & (block != 1)
        if allowed is not None:
            other[~allowed[at : at + len(block)]] = False
        if other.any():
            row, column = np.argwhere(other)[0]
            raise BadParameter("metric", metric, f"it compares zeros and ones, and a vector holds {block[row, column]:g}. Choose another.")


def check_varied(vectors: NDArray[np.float32], allowed: NDArray[np.bool_] | None = None) -> None:
    """Refuse vectors (n, d) of which one is constant, but for rows that are not ``allowed`` (n,).

    Raises
    ------
    BadParameter
    """
    constant = 0
    for at, block in _blocks(vectors):
        same = (block == block[:, :1]).all(axis=1)
        constant += int((same if allowed is None else same & allowed[at : at + len(block)]).sum())
    if constant:
        rows = "one vector has" if constant == 1 else f"{constant:,} vectors have"
        raise BadParameter("metric", "correlation", f"{rows} the same number throughout, which correlates with nothing. Choose another.")


def as_points(vectors: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Turn vectors (n, d) into points whose Euclidean distances go with the metric."""
    if metric == "correlation":
        centered = np.empty(vectors.shape, dtype=np.float32)
        for at, block in _blocks(vectors):
            wide = block.astype(np.float64)
            wide -= wide.mean(axis=1, keepdims=True)
            centered[at : at + len(block)] = wide
        return unit_rows(centered)
    return unit_rows(vectors) if metric == "cosine" else np.asarray(vectors, dtype=np.float32)


def searchable(exact: Exact, k: int) -> NDArray[np.intp]:
    """Rows that can be among somebody's k nearest: of identical rows, the k + 1 with the lowest numbers, since ties go by row number."""
    n, d = exact.shape
    factors = np.random.default_rng(0).integers(1, 2**63, d, dtype=np.uint64) | np.uint64(1)
    keys = np.empty(n, dtype=np.uint64)
    for at, block in _blocks(exact):
        keys[at : at + len(block)] = (block + np.float32(0)).view(np.uint32).astype(np.uint64) @ factors
    _, alike, count = np.unique(keys, return_inverse=True, return_counts=True)
    suspects = np.flatnonzero(count[alike] > k + 1)  # rows that differ may have one key, but not the other way round
    if not len(suspects):
        return np.arange(n)
    as_bytes = (exact[suspects] + np.float32(0)).view(np.dtype((np.void, 4 * d))).ravel()
    _, group, size = np.unique(as_bytes, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    surplus = np.arange(len(suspects)) - np.repeat(np.cumsum(size) - size, size) > k
    return np.delete(np.arange(n), suspects[order[surplus]])


def block_rows(n: int) -> int:
    """How many rows to search at once among n."""
    return int(np.clip(SCRATCH_BYTES // (16 * max(1, n)), 1, 1024))


def exact_neighbors(
    points: Points, rows: NDArray[np.intp], columns: NDArray[np.intp], k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the k nearest of ``columns`` for each of ``rows``, the row itself left out.

    Parameters
    ----------
    points : Points
        All n rows.
    rows, columns : ndarray of shape (b,) and (m,), intp
        Who searches and who can be found; ``columns`` ascending, more than k of them, or k where none of the rows is among them.
    k : int
        Neighbors of a row.

    Returns
    -------
    tuple of ndarray
        Row numbers (b, k) int32 and distances between points (b, k) float32, ascending, ties by row number.
    """
    whole = len(columns) == len(points.exact)
    low = points.product[rows] @ (points.product if whole else points.product[columns]).T
    low *= -2
    low += (1 - points.slack) * (points.squares if whole else points.squares[columns])
    own = np.searchsorted(columns, rows)
    present = np.flatnonzero(columns[np.minimum(own, len(columns) - 1)] == rows)
    low[present, own[present]] = np.inf
    most = len(columns) - bool(len(present))
    m = min(k + SPARE, most)
    near = np.argpartition(low, m - 1, axis=1)[:, :m]
    found, gaps = _ordered(columns[near], points.measure(rows, columns[near]))
    limit = np.square(gaps[:, k - 1].astype(np.float64) * points.scale) * (1 + 1e-6) - (1 - points.slack) * points.squares[rows]
    bound = np.take_along_axis(low, near, axis=1).max(axis=1)
    doubtful = np.flatnonzero(bound <= limit) if m < most else np.empty(0, dtype=np.intp)
    found, gaps = found[:, :k], gaps[:, :k]
    for i in doubtful:
        every = columns[np.flatnonzero(low[i] <= limit[i])][None, :]
        again, apart = _ordered(every, points.measure(rows[i : i + 1], every))
        found[i], gaps[i] = again[0, :k], apart[0, :k]
    return found.astype(np.int32), gaps


def gaps_within(
    points: Points, rows: NDArray[np.intp], reach: NDArray[np.float32], *, until: int | None = None
) -> list[NDArray[np.float32]]:
    """Measure all other rows that are no farther from each of ``rows`` (b,) than ``reach`` (b,): distances between points, ascending.

    Of all rows, or of those before ``until``.
    """
    n = len(points.product) if until is None else until
    low = points.product[rows] @ points.product[:n].T
    low *= -2
    low += (1 - points.slack) * points.squares[:n]
    limit = np.square(reach.astype(np.float64) * points.scale) * (1 + 1e-6) - (1 - points.slack) * points.squares[rows]
    near = low <= limit[:, None].astype(np.float32) + np.float32(1e-6)
    among = np.flatnonzero(rows < n)
    near[among, rows[among]] = False
    every = [np.flatnonzero(each) for each in near]
    return [np.sqrt(np.sort(points.measure(rows[i : i + 1], some[None, :])[0])).astype(np.float32) for i, some in enumerate(every)]


def nearest_to_one(
    vectors: NDArray[np.float32], target: NDArray[np.float32], *, k: int, metric: str, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the k allowed rows nearest to one vector (d,) by reading the vectors once; the result agrees with :func:`exact_neighbors`."""
    goal = _goal(target, metric)
    if metric == "correlation":
        low = np.full(len(vectors), np.inf)
        low[allowed] = _squared_to(vectors, np.flatnonzero(allowed), goal, metric)
    else:
        low = _lower_bounds(vectors, goal, allowed, cosine=metric == "cosine")
    candidates = np.argpartition(low, min(k + SPARE, len(low)) - 1)[: k + SPARE]
    candidates = candidates[np.isfinite(low[candidates])]
    limit = np.sort(_squared_to(vectors, candidates, goal, metric))[k - 1]
    every = np.flatnonzero(low <= limit * (1 + 1e-6))
    rows, gaps = _ordered(every[None, :], _squared_to(vectors, every, goal, metric)[None, :])
    return rows[0, :k].astype(np.int32), gaps[0, :k]


def gaps_to_one(vectors: NDArray[np.float32], rows: NDArray[np.intp], target: NDArray[np.float32], *, metric: str) -> NDArray[np.float32]:
    """Measure how far some rows (m,) are from one vector (d,): distances between points, as :func:`nearest_to_one` finds them."""
    return np.sqrt(_squared_to(vectors, rows, _goal(target, metric), metric)).astype(np.float32)


def _goal(target: NDArray[np.float32], metric: str) -> NDArray[np.float64]:
    return as_points(target[None], metric)[0].astype(np.float64)


def _lower_bounds(
    vectors: NDArray[np.float32], goal: NDArray[np.float64], allowed: NDArray[np.bool_], *, cosine: bool
) -> NDArray[np.float64]:
    """Bound every row's squared distance to the goal from below, inf where the row is not allowed.

    Sums are in float32; rows whose numbers are too large or too small for that are summed again in float64.
    """
    d, near = vectors.shape[1], goal.astype(np.float32)
    slack = float(np.finfo(np.float32).eps) * (8 + 2 * d**0.5 + d / 8)  # of a sum of d products, added up in four or more lanes
    with np.errstate(all="ignore"):  # rows that are not allowed hold anything
        if cosine:
            products, squares = _products_and_squares(vectors, near)
            low = 2 - 2 * products / np.sqrt(squares, dtype=np.float64) - 2 * slack
        else:
            squares = _squared_gaps(vectors, near)
            low = squares.astype(np.float64) * (1 - slack)
        doubtful = np.flatnonzero(allowed & ~((squares > TINY) & (squares < HUGE)))
    step = max(1, MEASURE_BYTES // (16 * d))
    for at in range(0, len(doubtful), step):
        wide = vectors[doubtful[at : at + step]].astype(np.float64)
        if cosine:
            length = np.sqrt(np.einsum("ij,ij->i", wide, wide))
            low[doubtful[at : at + step]] = 2 - 2 * (wide @ goal) / np.where(length > 0, length, 1.0) - 2 * _slack(d)
        else:
            wide -= goal
            low[doubtful[at : at + step]] = np.einsum("ij,ij->i", wide, wide) * (1 - 1e-6)
    low[~allowed] = np.inf
    return low


def _products_and_squares(vectors: NDArray[np.float32], goal: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    products, squares = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.float32)
    if vectors.size >= COMPILED_FROM:
        from explorer.compute import one_to_all

        one_to_all.products_and_squares(_plain(vectors), goal, products, squares)
        return products, squares
    for at, block in _blocks(vectors):
        np.matmul(block, goal, out=products[at : at + len(block)])
        squares[at : at + len(block)] = _squares(block)
    return products, squares


def _squared_gaps(vectors: NDArray[np.float32], goal: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.empty(len(vectors), np.float32)
    if vectors.size >= COMPILED_FROM:
        from explorer.compute import one_to_all

        one_to_all.squared_gaps(_plain(vectors), goal, squares)
        return squares
    for at, block in _blocks(vectors):
        squares[at : at + len(block)] = _squares(block - goal)
    return squares


def _plain(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a read-only, C-ordered view: what the kernels are compiled for."""
    plain = np.ascontiguousarray(vectors).view(np.ndarray)[...]
    plain.flags.writeable = False
    return plain


def _squared_to(vectors: NDArray[np.float32], rows: NDArray[np.intp], goal: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    squared = np.empty(len(rows), dtype=np.float64)
    step = max(1, MEASURE_BYTES // (16 * vectors.shape[1]))
    for at in range(0, len(rows), step):
        gap = as_points(vectors[rows[at : at + step]], metric).astype(np.float64) - goal
        squared[at : at + step] = np.einsum("ij,ij->i", gap, gap)
    return squared


def _ordered(rows: NDArray[np.intp], squared: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    gaps = np.sqrt(squared).astype(np.float32)
    order = np.lexsort((rows, gaps), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(gaps, order, axis=1)


def _slack(d: int) -> float:
    return float(np.finfo(np.float32).eps) * (8 + 2 * d**0.5)


def _squares(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.einsum("ij,ij->i", rows, rows)


def _blocks(rows: Exact, size: int = STREAM_BYTES) -> Iterator[tuple[int, NDArray[np.float32]]]:
    step = max(1, size // (8 * max(1, rows.shape[1])))
    return ((at, rows[at : at + step]) for at in range(0, len(rows), step))
