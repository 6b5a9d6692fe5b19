"""Nearly all nearest neighbors by matrix products: rows are dealt into cells, and each is compared with those of the cells nearest to it.

The inverted file of vector search (Jégou, Douze and Schmid, 2011), turned to all rows at once: a pair that is compared counts for both its
rows, so each true neighbor has two chances to be met. Runs in the compute process only, where nothing else is parallel.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.exact_search import Points
from explorer.compute.progress import Report, ShouldStop, Stopped

__all__ = [
    "block_edges",
    "compare",
    "find_centers",
    "measure_gaps",
    "meet",
    "n_cells",
    "n_probes",
    "nearest_cells",
    "no_neighbors",
    "sampled_rows",
    "search_cells",
]

CELLS: Final = 0.6  # of the root of probes times rows: the number of cells that costs least
PROBES: Final = 21  # cells a row is compared with,
FOR_EACH: Final = 7  # and one more for so many neighbors: what keeps the recall the same
ROUNDS: Final = 2  # of k-means
SAMPLE: Final = 20  # rows of a cell that decide on its center
CROWD: Final = 4_096  # rows of one cell a row is compared with at most
BLOCK: Final = 1_000_000  # products of one block
PRODUCTS: Final = 16_000_000  # of the blocks that are made at once


def search_cells(
    points: Points, columns: NDArray[np.intp], k: int, seed: int, *, stage: str, report: Report, should_stop: ShouldStop
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find nearly all of each row's nearest rows. O(n^1.5 d), in about n (8 k + 350) bytes beside the points.

    Parameters
    ----------
    points : Points
        All n rows.
    columns : ndarray of shape (m,), intp
        Rows that may be found, ascending.
    k : int
        Neighbors of a row.
    seed : int
        Decides which rows the centers of cells start from.
    stage : str
        What to call this in reports; the fraction goes from 0.05 to 0.7.
    report, should_stop
        Called and asked every few cells.

    Returns
    -------
    tuple of ndarray
        Row numbers (n, k) int32, without the row itself, and squared distances between ``points.product`` (n, k) float32, ascending: of
        the differences, not from the products. Where fewer were met, -1 and infinity at the end.

    Raises
    ------
    Stopped
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # each thread of the kernels multiplies a block of its own, so their number changes nothing
        return _search(points, columns, k, seed, stage, report, should_stop)


def _search(
    points: Points, columns: NDArray[np.intp], k: int, seed: int, stage: str, report: Report, should_stop: ShouldStop
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    n = len(points.product)
    sample = sampled_rows(columns, n, k, seed)
    centers = find_centers(points.product[sample], n_cells(len(columns), n, k), should_stop)
    report(stage, 0.1)
    probed = nearest_cells(points.product, centers, n_probes(k), should_stop)
    report(stage, 0.2)

    def told(stage: str, fraction: float) -> None:
        report(stage, 0.2 + 0.5 * fraction)

    return meet(points, columns, probed, len(centers), k, stage=stage, report=told, should_stop=should_stop)


def n_probes(k: int) -> int:
    """Say with how many cells a row is compared to find k neighbors."""
    return PROBES + k // FOR_EACH


def n_cells(n_columns: int, n: int, k: int) -> int:
    """Say how many cells cost least, of n rows of which so many may be found."""
    return max(1, min(n_columns // SAMPLE, round(CELLS * (n_probes(k) * n) ** 0.5)))


def sampled_rows(columns: NDArray[np.intp], n: int, k: int, seed: int) -> NDArray[np.intp]:
    """Choose the rows that decide on the centers of cells, those that they start from first."""
    random = np.random.default_rng(seed)
    return random.choice(columns, min(len(columns), SAMPLE * n_cells(len(columns), n, k)), replace=False)


def find_centers(sample: NDArray[np.float32], cells: int, should_stop: ShouldStop) -> NDArray[np.float32]:
    """Find centers of cells (c, d) by k-means on a sample."""
    from scipy.sparse import csr_matrix

    centers = sample[:cells].copy()
    everyone, ones = np.arange(len(sample) + 1), np.ones(len(sample), np.float32)
    for _ in range(ROUNDS):
        nearest = nearest_cells(sample, centers, 1, should_stop)[:, 0]
        sums = csr_matrix((ones, nearest, everyone), shape=(len(sample), cells)).T @ sample
        sizes = np.bincount(nearest, minlength=cells)
        used = sizes > 0
        centers[used] = sums[used] / sizes[used, None]
    return centers


def meet(
    points: Points,
    columns: NDArray[np.intp],
    probed: NDArray[np.int32],
    cells: int,
    k: int,
    *,
    stage: str,
    report: Report,
    should_stop: ShouldStop,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Compare rows with the members of the cells that they visit.

    Parameters
    ----------
    points : Points
        All n rows.
    columns : ndarray of shape (m,), intp
        Rows that may be found, ascending.
    probed : ndarray of shape (n, p), int32
        The cells that each row visits; of the first one it is a member.
    cells : int
        How many there are.
    k : int
        Neighbors of a row.
    stage, report, should_stop
        As in :func:`search_cells`; the fraction goes from 0 to 1.

    Returns
    -------
    tuple of ndarray
        As from :func:`search_cells`.

    Raises
    ------
    Stopped
    """

    def early(stage: str, fraction: float) -> None:
        report(stage, 0.2 * fraction)

    def late(stage: str, fraction: float) -> None:
        report(stage, 0.2 + 0.8 * fraction)

    indices, gaps = no_neighbors(len(probed), k)
    homes = probed[:, 0]
    # one's own cell first: after it few others are near enough to be kept
    compare(points, columns, homes, homes[:, None], cells, indices, gaps, stage=stage, report=early, should_stop=should_stop)
    compare(points, columns, homes, probed[:, 1:], cells, indices, gaps, stage=stage, report=late, should_stop=should_stop, both=True)
    measure_gaps(points, homes, indices, gaps)
    return indices, gaps


def no_neighbors(n: int, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Make the lists of n rows that have met nobody: row numbers (n, k) that are -1, and infinite gaps."""
    return np.full((n, k), -1, np.int32), np.full((n, k), np.inf, np.float32)


def compare(
    points: Points,
    columns: NDArray[np.intp],
    homes: NDArray[np.int32],
    visits: NDArray[np.int32],
    cells: int,
    indices: NDArray[np.int32],
    gaps: NDArray[np.float32],
    *,
    both: bool = False,
    stage: str,
    report: Report,
    should_stop: ShouldStop,
) -> None:
    """Have rows meet the members of cells.

    Parameters
    ----------
    points : Points
        All n rows.
    columns : ndarray of shape (m,), intp
        Rows that may be found, ascending.
    homes : ndarray of shape (n,), int32
        The cell that each row is a member of; -1 for none.
    visits : ndarray of shape (n, p), int32
        The cells whose members it meets; -1 for none.
    cells : int
        How many there are.
    indices, gaps : ndarray of shape (n, k), int32 and float32
        Each row's nearest so far, and halves of their squared distances, ascending; who is nearer takes a place.
    both : bool
        Whether members meet the visitors, too: not where they are the same.
    stage, report, should_stop
        As in :func:`search_cells`; the fraction goes from 0 to 1.

    Raises
    ------
    Stopped
    """
    from numba import get_num_threads

    from explorer.compute.cell_products import multiply, offer

    half = points.squares / np.float32(2)
    limits = half - gaps[:, -1]
    members, bounds = _by_cell(homes[columns, None], cells)
    members = columns[members]
    visitors, ends = _by_cell(visits, cells)
    products = np.empty(PRODUCTS, np.float32)
    shares = np.linspace(0, len(homes), get_num_threads() + 1).astype(np.int64)
    for blocks in _batches(_blocks(ends, bounds)):
        if should_stop():
            raise Stopped
        multiply(points.product, visitors, members, blocks, products)
        offer(products, blocks, visitors, members, half, limits, indices, gaps, shares, both)
        report(stage, blocks[-1, 1] / len(visitors))


def measure_gaps(points: Points, order: NDArray[np.int32], indices: NDArray[np.int32], gaps: NDArray[np.float32]) -> None:
    """Measure what was found again, as squared distances of the differences, in place; ``order`` (n,) says which rows lie together."""
    from explorer.compute.cell_products import measure

    measure(points.product, np.argsort(order, kind="stable"), indices, gaps)
    gaps[indices < 0] = np.inf


def nearest_cells(points: NDArray[np.float32], centers: NDArray[np.float32], most: int, should_stop: ShouldStop) -> NDArray[np.int32]:
    """Find the cells whose centers are nearest to each row (n, most or as many as there are), nearest first."""
    from explorer.compute.cell_products import rank_cells

    most = min(most, len(centers))
    half = np.einsum("ij,ij->i", centers, centers) / np.float32(2)
    nearest = np.empty((len(points), most), np.int32)
    for at in range(0, len(points), CROWD):
        if should_stop():
            raise Stopped
        rank_cells(points[at : at + CROWD], centers, half, nearest[at : at + CROWD])
    return nearest


def block_edges(n: int, blocks: int) -> list[int]:
    """Cut n rows into so many blocks at most, for each of which :func:`nearest_cells` finds what it finds for all, to the last bit."""
    chunks = -(-n // CROWD)
    return [min(CROWD * (chunks * number // blocks), n) for number in range(blocks + 1)]


def _by_cell(probed: NDArray[np.int32], cells: int) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """List the rows that visit each cell (n times p at most,), ascending within a cell, and where those of each cell start (cells + 1,)."""
    from scipy.sparse import csr_matrix

    visited = probed >= 0
    ends = np.concatenate([[0], np.cumsum(visited.sum(axis=1))])
    named = probed.ravel() if visited.all() else probed[visited]
    visits = csr_matrix((np.ones(len(named), np.int8), named, ends), shape=(len(probed), cells)).tocsc()
    return visits.indices, visits.indptr


def _blocks(ends: NDArray[np.integer], bounds: NDArray[np.integer]) -> Iterator[tuple[int, int, int, int]]:
    """Cut the products of each cell's visitors with its members into blocks: where visitors and members start and end.

    A cell of more than a few thousand holds rows too alike to be told apart by centers: each visitor meets some of them.
    """
    for (come, leave), (low, high) in zip(pairwise(ends.tolist()), pairwise(bounds.tolist()), strict=True):
        size = min(high - low, CROWD)
        step = min(CROWD, BLOCK // max(1, size))
        for at in range(come, leave if size else come, step):
            start = low + (high - low - size) * (at - come) // (leave - come)
            yield at, min(at + step, leave), start, start + size


def _batches(blocks: Iterator[tuple[int, int, int, int]]) -> Iterator[NDArray[np.int64]]:
    """Gather blocks that are worth waking the threads for; with each (b, 5) where its products start."""
    batch: list[tuple[int, int, int, int, int]] = []
    filled = 0
    for block in blocks:
        size = (block[1] - block[0]) * (block[3] - block[2])
        if batch and filled + size > PRODUCTS:
            yield np.array(batch)
            batch, filled = [], 0
        batch.append((*block, filled))
        filled += size
    if batch:
        yield np.array(batch)
