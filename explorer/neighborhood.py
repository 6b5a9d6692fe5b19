"""One row's true nearest rows, found in the quickest way that is true; never from where rows lie on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import nearest_rows
from explorer.errors import UnknownRow
from explorer.jobs.runner import Runner

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["EXACT_PRODUCTS", "Neighbors", "find_neighbors"]

EXACT_PRODUCTS = 200_000_000  # n * d up to which one row's neighbors are searched exactly: about 0.1 s a hundred million on one core


class Neighbors(NamedTuple):
    """A row's nearest rows in the original space, nearest first, without the row itself."""

    row: int
    rows: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str
    found_by: Literal["graph", "exact search"]
    recall: float


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
    metric : {"cosine", "euclidean"}
        Distance in the original space.
    jobs : Runner
        Knows the stored graphs.

    Raises
    ------
    UnknownRow
        If the dataset has no such row.
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
