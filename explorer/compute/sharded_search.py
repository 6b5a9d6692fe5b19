"""The search of :mod:`explorer.compute.cell_search` in parts, which may run in different processes or on different machines.

A plan names the cells; each block of rows finds out which cells it visits; in each *shard*, some cells that lie together, the members of a
cell meet each other, then all who visit a cell meet its members, knowing how near a row must be to be of any use to them; at last the lists
of all shards are merged. Every pair that one process would compare is compared here, once,
so the neighbors are the same but where two are as near. No part needs other vectors than those of its rows: they may be more than fit
into memory. Runs in compute processes only, where nothing else is parallel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.cell_search import compare, find_centers, measure_gaps, n_cells, n_probes, nearest_cells, no_neighbors, sampled_rows
from explorer.compute.exact_search import Frame, Points, as_points, block_rows, exact_neighbors, frame_of, gaps_within, searchable
from explorer.compute.neighbors import anchor_rows
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never

__all__ = ["Home", "Met", "Plan", "Visits", "merge_shards", "plan_search", "search_homes", "search_shard", "share_cells", "visit_cells"]

STAGE: Final = "neighbor graph"
GLANCE: Final = 20_000  # rows that say how far the nearest of a block are at most
TURNS: Final = 8  # of the power iteration that finds the direction in which centers differ most


@dataclass(frozen=True, eq=False)
class Plan:
    """What all parts of a search have in common.

    Attributes
    ----------
    metric : str
        A metric of :class:`explorer.compute.exact_search.Points`.
    k : int
        Neighbors of a row.
    frame : Frame
        Of the points.
    centers : ndarray of shape (c, d), float32
        Of the cells.
    left_out : ndarray of shape (m,), int64
        Rows that nobody finds, ascending: too often the same.
    anchors : ndarray of shape (a,), int64
        Rows whose neighbors are searched exactly, to measure recall.
    """

    metric: str
    k: int
    frame: Frame
    centers: NDArray[np.float32]
    left_out: NDArray[np.int64]
    anchors: NDArray[np.int64]


class Visits(NamedTuple):
    """What a block of rows finds out.

    Attributes
    ----------
    probed : ndarray of shape (b, p), int32
        The cells that each row of the block visits, its own first.
    reach : ndarray of shape (a, k), float32
        How far the nearest rows of the block are from each anchor, itself left out: ascending distances between points, inf at the end.
    """

    probed: NDArray[np.int32]
    reach: NDArray[np.float32]


class Home(NamedTuple):
    """Whom the members of a shard's cells have found in their own cells.

    Attributes
    ----------
    rows : ndarray of shape (m,), int64
        The members, ascending.
    indices : ndarray of shape (m, k), int32
        Row numbers, nearest first; -1 at the end where there were fewer.
    gaps : ndarray of shape (m, k), float32
        Halves of squared distances between ``Points.product``; the last one is what another row has to be nearer than.
    """

    rows: NDArray[np.int64]
    indices: NDArray[np.int32]
    gaps: NDArray[np.float32]


class Met(NamedTuple):
    """Whom the rows that visit a shard have found there.

    Attributes
    ----------
    rows : ndarray of shape (m,), int64
        Who found somebody, ascending.
    starts : ndarray of shape (m + 1,), int64
        Where what each has found begins.
    indices : ndarray of shape (f,), int32
        Row numbers, of each row nearest first.
    gaps : ndarray of shape (f,), float32
        Squared distances between ``Points.product``.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    indices: NDArray[np.int32]
    gaps: NDArray[np.float32]


class _Exact:
    """The rows that distances are measured on, made of the vectors where they are asked for."""

    def __init__(self, vectors: NDArray[np.float32], metric: str) -> None:
        self._vectors, self._metric = vectors, metric
        self.shape = vectors.shape

    def __len__(self) -> int:
        return len(self._vectors)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        return as_points(self._vectors[rows], self._metric)


def plan_search(vectors: NDArray[np.float32], *, k: int, metric: str, seed: int = 0, should_stop: ShouldStop = never) -> Plan:
    """Choose the cells. Reads all vectors (n, d) once, in blocks; O(n d).

    Raises
    ------
    Stopped
    """
    n = len(vectors)
    frame, columns = frame_of(vectors, metric), searchable(_Exact(vectors, metric), k)
    if should_stop():
        raise Stopped
    sample = sampled_rows(columns, n, k, seed)
    with _one_thread_each():
        points = Points.of(vectors[sample], metric, frame)
        centers = find_centers(points.product, n_cells(len(columns), n, k), should_stop)
    left_out = np.setdiff1d(np.arange(n), columns, assume_unique=True)
    return Plan(metric, k, frame, centers, left_out, anchor_rows(n, seed))


def visit_cells(
    vectors: NDArray[np.float32], plan: Plan, start: int, end: int, *, report: Report = ignore, should_stop: ShouldStop = never
) -> Visits:
    """Find the cells that rows ``start`` to ``end`` (not included) of all vectors (n, d) visit, and which of the anchors' nearest they are.

    Raises
    ------
    BadParameter
        If the metric cannot compare such vectors.
    Stopped
    """
    block, elsewhere = end - start, plan.anchors[(plan.anchors < start) | (plan.anchors >= end)]
    points = Points.of(np.concatenate([vectors[start:end], vectors[elsewhere]]), plan.metric, plan.frame)
    with _one_thread_each():
        probed = nearest_cells(points.product[:block], plan.centers, n_probes(plan.k), should_stop)
    here = (plan.anchors >= start) & (plan.anchors < end)
    anchors = np.where(here, plan.anchors - start, block + np.cumsum(~here) - 1)
    reach = np.full((len(anchors), plan.k), np.inf, np.float32)
    some = np.unique(np.linspace(0, block - 1, min(block, GLANCE)).astype(np.intp))
    for at in range(0, len(anchors), block_rows(block)):
        if should_stop():
            raise Stopped
        report(STAGE, 0.3 + 0.7 * at / len(anchors))
        rows = anchors[at : at + block_rows(block)]
        limits = np.full(len(rows), np.inf, np.float32)
        if len(some) > plan.k:  # the k nearest of all are no farther than the k nearest of some
            limits = exact_neighbors(points, rows, some, plan.k)[1][:, -1]
        for place, gaps in enumerate(gaps_within(points, rows, limits, until=block), at):
            nearest = gaps[: plan.k]
            reach[place, : len(nearest)] = nearest
    return Visits(probed, reach)


def share_cells(centers: NDArray[np.float32], costs: NDArray[np.floating], shards: int) -> NDArray[np.int32]:
    """Deal cells that lie together to the same shard, so that each shard costs about as much: the number of the shard of each cell (c,).

    Parameters
    ----------
    centers : ndarray of shape (c, d)
    costs : ndarray of shape (c,)
        What each cell costs.
    shards : int
        How many there are. Light enough for the server process.
    """
    of_cell = np.zeros(len(centers), np.int32)
    parts = [(np.arange(len(centers)), 0, shards)]
    while parts:
        cells, first, n = parts.pop()
        of_cell[cells] = first
        if n == 1 or not len(cells):
            continue
        along = np.argsort(_principal(centers[cells]), kind="stable")
        done = np.cumsum(costs[cells[along]] + 1e-9)
        cut = int(np.searchsorted(done, done[-1] * (n // 2) / n))
        parts += [(cells[along[:cut]], first, n // 2), (cells[along[cut:]], first + n // 2, n - n // 2)]
    return of_cell


def search_homes(
    vectors: NDArray[np.float32],
    plan: Plan,
    rows: NDArray[np.int64],
    homes: NDArray[np.int32],
    *,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Home:
    """Have the members of each of a shard's cells meet each other.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        All of them; those of ``rows`` are read.
    plan : Plan
    rows : ndarray of shape (m,), int64
        The members of the shard's cells, ascending.
    homes : ndarray of shape (m,), int32
        The cell that each is a member of.

    Raises
    ------
    Stopped
    """
    points = Points.of(vectors[rows], plan.metric, plan.frame)
    indices, gaps = no_neighbors(len(rows), plan.k)
    with _one_thread_each():
        compare(
            points,
            _columns(rows, plan),
            homes,
            homes[:, None],
            len(plan.centers),
            indices,
            gaps,
            stage=STAGE,
            report=report,
            should_stop=should_stop,
        )
    return Home(rows, _numbers(rows, indices), gaps)


def search_shard(
    vectors: NDArray[np.float32],
    plan: Plan,
    rows: NDArray[np.int64],
    probed: NDArray[np.int32],
    home: Home,
    limits: NDArray[np.float32],
    *,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Met:
    """Have the rows that visit a shard meet the members of its cells.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        All of them; those of ``rows`` are read.
    plan : Plan
    rows : ndarray of shape (m,), int64
        Who visits one of the shard's cells or is a member, ascending.
    probed : ndarray of shape (m, p), int32
        Which cells they visit, the first one as members; -1 for those of other shards.
    home : Home
        Whom the members have found in their own cells.
    limits : ndarray of shape (m,), float32
        What another row has to be nearer to each than: the last of ``gaps`` of its own :class:`Home`.

    Raises
    ------
    Stopped
    """
    points = Points.of(vectors[rows], plan.metric, plan.frame)
    indices, gaps = no_neighbors(len(rows), plan.k)
    gaps[:] = limits[:, None]
    places = np.full(len(vectors) + 1, -1, np.int32)  # of all rows among these; and of none, which is -1
    places[rows] = np.arange(len(rows))
    here = places[home.rows]
    indices[here], gaps[here] = places[home.indices], home.gaps
    homes = probed[:, 0]
    with _one_thread_each():
        compare(
            points,
            _columns(rows, plan),
            homes,
            probed[:, 1:],
            len(plan.centers),
            indices,
            gaps,
            both=True,
            stage=STAGE,
            report=report,
            should_stop=should_stop,
        )
    nearest = np.take_along_axis(probed, np.argmax(probed >= 0, axis=1)[:, None], axis=1)[:, 0]
    measure_gaps(points, nearest, indices, gaps)
    known = indices >= 0
    found = known.sum(axis=1)
    some = found > 0
    return Met(rows[some], np.concatenate([[0], np.cumsum(found[some])]), _numbers(rows, indices[known]), gaps[known])


def merge_shards(n: int, k: int, shards: Sequence[Met]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Merge what was found in all shards; as :func:`explorer.compute.cell_search.search_cells`."""
    from explorer.compute.cell_products import merge

    indices, gaps = no_neighbors(n, k)
    for met in shards:
        merge(*met, indices, gaps)
    return indices, gaps


def _columns(rows: NDArray[np.int64], plan: Plan) -> NDArray[np.intp]:
    """Say which of some rows may be found, by their places among them."""
    return np.flatnonzero(~np.isin(rows, plan.left_out, assume_unique=True))


def _numbers(rows: NDArray[np.int64], places: NDArray[np.int32]) -> NDArray[np.int32]:
    """Turn places among some rows into row numbers; -1 stays."""
    return np.where(places >= 0, rows[places], -1).astype(np.int32)


def _principal(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Place points (m, d) along the line on which they differ most (m,), by a few turns of the power iteration."""
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    direction = centered[np.argmax(np.einsum("ij,ij->i", centered, centered))]
    for _ in range(TURNS):
        direction = centered.T @ (centered @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-300)
    return np.asarray(centered @ direction)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Have BLAS run in one thread: each thread of the kernels multiplies a block of its own, so their number changes nothing."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield
