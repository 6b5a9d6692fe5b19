"""One row's true nearest rows, found in the quickest way that is true, and what a map made of them; what is like several rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.exact_search import unit_rows
from explorer.compute.neighbors import distances_to, nearest_rows
from explorer.compute.projection import PLANE
from explorer.errors import BadParameter, UnknownRow, VectorsNeeded
from explorer.jobs.runner import Runner
from explorer.render.map_neighbors import map_ranks, nearest_on_map

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.scene import Shown

__all__ = ["EXACT_PRODUCTS", "MapNeighbors", "Neighbors", "alike", "find_neighbors", "map_neighbors", "two_steps_away", "warm"]

_SAME = 1e-6  # what may be left of a difference of two directions that are the same
EXACT_PRODUCTS = 200_000_000  # n * d up to which one row's neighbors are searched exactly: about 0.1 s on one core


class Neighbors(NamedTuple):
    """A row's nearest rows in the original space, nearest first, without the row itself."""

    row: int
    rows: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str
    found_by: Literal["graph", "exact search"]
    recall: float


class MapNeighbors(NamedTuple):
    """What a map made of a row's true nearest rows.

    Attributes
    ----------
    of : Neighbors
        The k true nearest rows.
    kept : ndarray of shape (k,), bool
        Which of them are among the row's k nearest on the map, too. The others are lost.
    ranks : ndarray of shape (k,), int64
        How near each of them is on the map: 1 for the nearest row; rows of one distance share a rank.
    false : ndarray of shape (m,), int32
        Rows that are among the k nearest on the map and not among the true ones, nearest first.
    false_distances : ndarray of shape (m,), float32
        How far those are in the original space.
    """

    of: Neighbors
    kept: NDArray[np.bool_]
    ranks: NDArray[np.int64]
    false: NDArray[np.int32]
    false_distances: NDArray[np.float32]

    @property
    def n_kept(self) -> int:
        """How many the map kept."""
        return int(np.count_nonzero(self.kept))

    @property
    def n_lost(self) -> int:
        """How many it lost."""
        return len(self.kept) - self.n_kept


def find_neighbors(dataset: Dataset, row: int, *, k: int, metric: str, jobs: Runner) -> Neighbors | None:
    """Find a row's true nearest rows: from an exact graph, else by exact search, else (millions of rows) from the stored graph.

    Parameters
    ----------
    dataset : Dataset
        With vectors; None is returned where it has none, or where the row was left out.
    row : int
        Row number.
    k : int
        Neighbors wanted; fewer come back from a dataset of k rows or less.
    metric : str
        Distance in the original space: one of :data:`explorer.compute.space.METRICS`.
    jobs : Runner
        Knows the stored graphs.

    Raises
    ------
    UnknownRow
        If the dataset has no such row.
    BadParameter
        If the metric cannot compare such vectors.
    """
    if not 0 <= row < dataset.n_rows:
        raise UnknownRow(row, dataset.n_rows)
    if dataset.vectors is None or not dataset.drawable[row]:
        return None
    k = min(k, dataset.n_drawable - 1)
    graph = jobs.stored_graph(dataset, metric, k)
    cheap = dataset.n_rows * dataset.n_dims <= EXACT_PRODUCTS
    if graph is not None and (graph.recall >= 1.0 or not cheap):
        return Neighbors(row, np.array(graph.indices[row, :k]), np.array(graph.distances[row, :k]), metric, "graph", graph.recall)
    rows, distances = nearest_rows(dataset.vectors, row, k=k, metric=metric, drawable=dataset.drawable)
    return Neighbors(row, rows, distances, metric, "exact search", 1.0)


def map_neighbors(dataset: Dataset, shown: Shown, found: Neighbors) -> MapNeighbors | None:
    """Find out which of a row's true nearest rows a map kept and lost, and which rows lie near it that are none.

    Parameters
    ----------
    dataset : Dataset
        Whose rows these are.
    shown : Shown
        The layout on the map, with its index: of all rows, hidden ones too.
    found : Neighbors
        The row's true nearest rows.

    Returns
    -------
    MapNeighbors or None
        None where the row is not on this map. Of a layout of more than two dimensions in all of them, however it is turned. Ranks cost up
        to 15 milliseconds a million rows, in more than two dimensions about ten times as much; the rest is below a millisecond.
    """
    place = shown.places(np.array([found.row]))[0]
    if not np.isfinite(place).all():
        return None
    if shown.written is shown.layout and shown.layout.coordinates.shape[1] > PLANE:
        near, ranks = _in_space(shown.layout.coordinates, found)
    else:
        near = nearest_on_map(shown.index, place, k=len(found.rows), but=found.row)
        ranks = map_ranks(shown.index, place, shown.places(found.rows))
    kept, ranks = np.isin(found.rows, near), np.maximum(ranks, 1)
    false = near[np.isin(near, found.rows, invert=True)]
    if dataset.vectors is None:
        apart = np.full(len(false), np.nan, np.float32)
    else:
        apart = distances_to(dataset.vectors, found.row, false, metric=found.metric, drawable=dataset.drawable)
    return MapNeighbors(found, kept, ranks, false, apart)


def _in_space(coordinates: NDArray[np.float32], found: Neighbors) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Find the rows nearest to one in a layout (n, c), and the ranks of its true neighbors there; -1 where one is not in it. O(n c)."""
    squares = np.zeros(len(coordinates))
    for column in coordinates.T:  # one by one: no second layout in float64
        squares += np.square(column.astype(np.float64) - float(column[found.row]))
    squares[~np.isfinite(squares)] = np.inf
    theirs = squares[found.rows]
    squares[found.row] = np.inf
    k = min(len(found.rows), int(np.isfinite(squares).sum()))
    some = np.flatnonzero(squares <= np.partition(squares, k - 1)[k - 1]) if k else np.empty(0, np.intp)
    near = some[np.lexsort((some, squares[some]))][:k].astype(np.int32)
    steps = np.unique(theirs[np.isfinite(theirs)])
    nearer = np.cumsum(np.bincount(np.searchsorted(steps, squares, side="right"), minlength=len(steps) + 1))
    ranks = np.full(len(theirs), -1, np.int64)
    known = np.isfinite(theirs)
    ranks[known] = nearer[np.searchsorted(steps, theirs[known])] + 1
    return near, ranks


def two_steps_away(
    dataset: Dataset, found: Neighbors, *, jobs: Runner, should_stop: Callable[[], bool] = lambda: False
) -> NDArray[np.int64]:
    """Find a row's nearest rows and theirs, as many of each: the row, its neighbors and the neighbors' neighbors, ascending."""
    every = [np.array([found.row]), found.rows]
    for row in found.rows.tolist():
        if should_stop():
            break
        further = find_neighbors(dataset, row, k=len(found.rows), metric=found.metric, jobs=jobs)
        every += [] if further is None else [further.rows]
    return np.unique(np.concatenate(every)).astype(np.int64)


def alike(dataset: Dataset, liked: Sequence[int], disliked: Sequence[int], *, k: int) -> Neighbors:
    """Find the rows that are like some rows and unlike others: those nearest to the mean direction of the former minus that of the latter.

    Parameters
    ----------
    dataset : Dataset
        With vectors.
    liked, disliked : sequence of int
        Row numbers, not both empty; these rows are not found themselves.
    k : int
        How many rows; fewer come back from a small dataset.

    Returns
    -------
    Neighbors
        ``row`` is -1; distances are cosine; none where these are all rows.

    Raises
    ------
    VectorsNeeded
        If the dataset has no vectors.
    UnknownRow, BadParameter
        If a row is not there or has no usable vector, or the directions cancel each other out.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("Finding rows like these", dataset.name)
    given = [*liked, *disliked]
    for row in given:
        if not 0 <= row < dataset.n_rows:
            raise UnknownRow(row, dataset.n_rows)
        if not dataset.drawable[row]:
            raise BadParameter("row", row, "its vector is all zero or not finite, so it has no direction.")
    if not given:
        raise BadParameter("rows", "none", "give at least one row.")
    means = [
        unit_rows(dataset.vectors[np.array(rows)]).mean(axis=0, dtype=np.float64) if rows else np.zeros(dataset.n_dims)
        for rows in (list(liked), list(disliked))
    ]
    direction = means[0] - means[1]
    if float(np.abs(direction).max()) <= _SAME:
        raise BadParameter("rows", given, "the rows to be like and those to be unlike point in the same direction; take one away.")
    allowed = np.array(dataset.drawable)
    allowed[given] = False
    k = min(k, int(np.count_nonzero(allowed)))
    if k < 1:  # these are all rows
        return Neighbors(-1, np.empty(0, np.int32), np.empty(0, np.float32), "cosine", "exact search", 1.0)
    rows, distances = nearest_rows(dataset.vectors, direction.astype(np.float32), k=k, metric="cosine", drawable=allowed)
    return Neighbors(-1, rows, distances, "cosine", "exact search", 1.0)


def warm() -> None:
    """Compile every kernel, or load it from numba's cache; for the start of a server."""
    from explorer.compute.one_to_all import products_and_squares, squared_gaps
    from explorer.render.layout_index import LayoutIndex, frozen

    places = np.array([[0, 0], [1, 1], [2, 1]], np.float32)
    index = LayoutIndex.build(places)
    nearest_on_map(index, places[0], k=1, but=0)
    map_ranks(index, places[0], places[1:])
    sums = np.empty(3, np.float32)
    products_and_squares(frozen(places), places[0], sums, sums.copy())
    squared_gaps(frozen(places), places[0], sums)
