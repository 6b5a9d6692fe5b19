"""What a search for neighbors needs of a metric: one class for those that are Euclidean distances of points, one for all others."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.compute.direct_search import DIRECT, Direct
from explorer.compute.exact_search import Points, block_rows, exact_neighbors, gaps_within, searchable, to_distances
from explorer.compute.progress import Report, ShouldStop

__all__ = ["METRICS", "Space", "exact_below", "space_of"]

METRICS: Final = ("cosine", "euclidean", "correlation", "dot", "manhattan", "hamming", "jaccard")


def exact_below(metric: str) -> int:
    """Rows up to which comparing all pairs is worth the time: about 6 s with d = 384 on two cores."""
    return 10_000 if metric == "manhattan" else 25_000  # no matrix product helps with that one


class Space(Protocol):
    """Rows that can be searched; *gaps* go with the distances of the metric, and may be other numbers."""

    block: int
    """How many rows to search at once."""
    comparison: str
    """The function of pynndescent by which nearest neighbor descent compares."""

    @property
    def compared(self) -> NDArray[np.float32]:
        """What it compares, (n, d) in C order."""

    def nearest(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find the k nearest of all rows for each of some, exactly, itself left out: numbers and gaps (b, k), ascending."""

    def within(self, rows: NDArray[np.intp], reach: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """List the gaps of all other rows that are no larger than ``reach`` (b,), ascending."""

    def start(
        self, seed: int, *, stage: str, report: Report, should_stop: ShouldStop
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        """Find most of each row's k nearest (n, k), with the numbers descent compares; None where nothing is quicker than descent."""

    def gaps(self, found: NDArray[np.int32], compared: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn what descent found (n, m), with its own numbers, into gaps."""

    def distances(self, gaps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn gaps into distances of the metric."""


class _Euclidean:
    def __init__(self, vectors: NDArray[np.float32], metric: str, k: int) -> None:
        self._points, self._metric, self._k = Points.of(vectors, metric), metric, k
        self.block = block_rows(len(vectors))
        self.comparison = "squared_euclidean"

    @property
    def compared(self) -> NDArray[np.float32]:
        return self._points.product

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        return searchable(self._points.exact, self._k)

    def nearest(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        return exact_neighbors(self._points, rows, self._columns, self._k)

    def within(self, rows: NDArray[np.intp], reach: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return gaps_within(self._points, rows, reach)

    def start(
        self, seed: int, *, stage: str, report: Report, should_stop: ShouldStop
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        from explorer.compute.cell_search import search_cells

        return search_cells(self._points, self._columns, self._k, seed, stage=stage, report=report, should_stop=should_stop)

    def gaps(self, found: NDArray[np.int32], compared: NDArray[np.float32]) -> NDArray[np.float32]:
        return (np.sqrt(compared) / self._points.scale).astype(np.float32)

    def distances(self, gaps: NDArray[np.float32]) -> NDArray[np.float32]:
        return to_distances(gaps, self._metric, self.compared.shape[1])


class _Other:
    def __init__(self, vectors: NDArray[np.float32], metric: str, k: int) -> None:
        self._direct, self._k = Direct.of(np.ascontiguousarray(vectors, dtype=np.float32), metric), k
        self.block = self._direct.block_rows()
        self.comparison = DIRECT[metric]

    @property
    def compared(self) -> NDArray[np.float32]:
        return self._direct.rows

    def nearest(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        return self._direct.nearest(rows, self._k)

    def within(self, rows: NDArray[np.intp], reach: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return self._direct.within(rows, reach)

    def start(
        self, seed: int, *, stage: str, report: Report, should_stop: ShouldStop
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        return None

    def gaps(self, found: NDArray[np.int32], compared: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._direct.measure(np.arange(len(found)), found)

    def distances(self, gaps: NDArray[np.float32]) -> NDArray[np.float32]:
        return gaps


def space_of(vectors: NDArray[np.float32], metric: str, k: int) -> Space:
    """Prepare vectors (n, d) for finding the k nearest rows by one of :data:`METRICS`.

    Raises
    ------
    BadParameter
        If the metric cannot compare such vectors: constant ones by correlation, others than zeros and ones by Hamming or Jaccard distance.
    """
    return _Other(vectors, metric, k) if metric in DIRECT else _Euclidean(vectors, metric, k)
