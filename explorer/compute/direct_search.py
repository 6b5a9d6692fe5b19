"""Exact nearest rows where distance is no Euclidean distance of points: dot product, Manhattan, Jaccard. Every pair is measured.

Distances are computed in float64 and rounded to float32; ties go by row number, as in :mod:`explorer.compute.exact_search`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.exact_search import MEASURE_BYTES, SPARE, check_binary

__all__ = ["DIRECT", "Direct"]

DIRECT: Final = {"dot": "alternative_dot", "manhattan": "manhattan", "jaccard": "alternative_jaccard"}  # as pynndescent has their order
_SCRATCH_BYTES: Final = 192_000_000  # a block of distances and their order


@dataclass(frozen=True, eq=False)
class Direct:
    """Rows, and how they are compared.

    Attributes
    ----------
    rows : ndarray of shape (n, d), float32
        Where they are not finite, so are their distances.
    metric : str
        "dot": the largest squared length of a row less the dot product, so that the highest product is nearest and nothing is below 0.
        "manhattan": the sum of the absolute differences. "jaccard": of the places where either row has a one, the share where not both
        have it.
    largest : float
        That squared length.
    """

    rows: NDArray[np.float32]
    metric: str
    largest: float

    @staticmethod
    def of(vectors: NDArray[np.float32], metric: str, allowed: NDArray[np.bool_] | None = None) -> Direct:
        """Prepare vectors (n, d); those that are not ``allowed`` (n,) may hold anything.

        Raises
        ------
        BadParameter
            If the metric is "jaccard", and a vector does not consist of zeros and ones.
        """
        if metric == "jaccard":
            check_binary(vectors, metric, allowed)
        largest = 0.0
        if metric == "dot":
            for at, block in _blocks(vectors):
                squares = np.einsum("ij,ij->i", block, block)
                if allowed is not None:
                    squares = squares[allowed[at : at + len(block)]]
                largest = max(largest, float(squares.max(initial=0.0)))
        return Direct(vectors, metric, largest)

    def block_rows(self) -> int:
        """How many rows to search at once."""
        return int(np.clip(_SCRATCH_BYTES // (24 * max(1, len(self.rows))), 1, 512))

    def nearest(self, rows: NDArray[np.intp], k: int, *, among: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find the k nearest of all rows, or of the first ones, for each of ``rows`` (b,), never itself: numbers, distances (b, k)."""
        values = self.others(rows)[:, :among]
        m = min(k + SPARE, values.shape[1])
        near = np.argpartition(values, m - 1, axis=1)[:, :m]
        apart = np.take_along_axis(values, near, axis=1)
        order = np.lexsort((near, apart), axis=1)
        found, gaps = np.take_along_axis(near, order, axis=1), np.take_along_axis(apart, order, axis=1)
        tied = np.flatnonzero(gaps[:, -1] <= gaps[:, k - 1])  # further rows may be as near as the k-th
        nearest, gaps = found[:, :k].astype(np.int32), gaps[:, :k]
        for i in tied:
            every = np.flatnonzero(values[i] <= gaps[i, k - 1])
            first = every[np.argsort(values[i, every], kind="stable")[:k]]
            nearest[i], gaps[i] = first, values[i, first]
        return nearest, gaps

    def within(self, rows: NDArray[np.intp], reach: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """List, ascending, the distances of all others that are no farther from each of ``rows`` (b,) than ``reach`` (b,)."""
        values = self.others(rows)
        limit = reach.astype(np.float64) * (1 + 1e-6) + 1e-30
        return [np.sort(line[line <= most]) for line, most in zip(values, limit, strict=True)]

    def measure(self, rows: NDArray[np.intp], candidates: NDArray[np.integer]) -> NDArray[np.float32]:
        """Distances (b, m) between rows (b,) and their candidates (b, m)."""
        result = np.empty(candidates.shape, np.float32)
        step = max(1, MEASURE_BYTES // (24 * max(1, candidates.shape[1]) * max(1, self.rows.shape[1])))
        for at in range(0, len(rows), step):
            part = slice(at, at + step)
            own, theirs = self.rows[rows[part], None, :].astype(np.float64), self.rows[candidates[part]].astype(np.float64)
            if self.metric == "manhattan":
                theirs -= own
                result[part] = np.abs(theirs, out=theirs).sum(axis=2)
            else:
                products = np.einsum("bmd,bod->bm", theirs, own)
                result[part] = self._of_products(products, theirs.sum(axis=2), own.sum(axis=2))
        return result

    def to_one(self, target: NDArray[np.float32]) -> NDArray[np.float32]:
        """Distances (n,) of all rows from one vector (d,)."""
        result, goal = np.empty(len(self.rows), np.float32), target.astype(np.float64)
        with np.errstate(all="ignore"):  # rows that are not allowed hold anything
            for at, block in _blocks(self.rows):
                if self.metric == "manhattan":
                    found = np.abs(block - goal).sum(axis=1)
                else:
                    found = self._of_products(block @ goal, block.sum(axis=1), goal.sum())
                result[at : at + len(block)] = found
        return result

    def others(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Distances (b, n) of all rows from some of them; infinite from themselves."""
        values = np.empty((len(rows), len(self.rows)), np.float32)
        if self.metric == "manhattan":
            self._city_blocks(rows, values)
        else:
            own = self.rows[rows].astype(np.float64)
            sums = own.sum(axis=1)[:, None]
            for at, block in _blocks(self.rows):
                values[:, at : at + len(block)] = self._of_products(own @ block.T, block.sum(axis=1), sums)
        values[np.arange(len(rows)), rows] = np.inf
        return values

    def _city_blocks(self, rows: NDArray[np.integer], values: NDArray[np.float32]) -> None:
        from explorer.compute.one_to_all import city_blocks

        cores = settings.compute_threads()
        plain = np.ascontiguousarray(self.rows).view(np.ndarray)[...]
        plain.flags.writeable = False
        with ThreadPoolExecutor(cores) as pool:
            for done in [pool.submit(city_blocks, plain, rows[at::cores].astype(np.int64), values[at::cores]) for at in range(cores)]:
                done.result()

    def _of_products(
        self, products: NDArray[np.float64], sums: NDArray[np.float64], own: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        if self.metric == "dot":
            return np.maximum(self.largest - products, 0.0)
        either = sums + own - products
        return np.where(either > 0, 1.0 - products / np.where(either > 0, either, 1.0), 0.0)  # two rows without a one are equal


def _blocks(rows: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    step = max(1, MEASURE_BYTES // (8 * max(1, rows.shape[1])))
    for at in range(0, len(rows), step):
        yield at, rows[at : at + step].astype(np.float64)
