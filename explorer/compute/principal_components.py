"""PCA in blocks: one pass for the mean, one for the covariance, one to project; never holds a second copy of the vectors."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.progress import LayoutReport, Report, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GraphRequest, Layout, Projection

__all__ = ["PCA", "PrincipalComponents", "principal_components"]

BLOCK_BYTES = 16_000_000
DENSE_BELOW = 2048  # rows or dimensions up to which the covariance is solved directly
OVERSAMPLED = 12  # directions of the iteration beyond that, of which two are kept
ITERATIONS = 8
NOTHING = 1e-12  # a share of the variance that is rounding


class PrincipalComponents(NamedTuple):
    """The two directions along which the rows vary most, and where the rows lie on them."""

    coordinates: NDArray[np.float32]  # (n, 2)
    explained: NDArray[np.float64]  # (2,) shares of the whole variance


class PCA(Projection):
    """Principal components: the flat view along the two directions in which the vectors vary most."""

    method: ClassVar[str] = "pca"
    title: ClassVar[str] = "PCA"
    version: ClassVar[int] = 1

    def graph_request(self, n: int) -> GraphRequest | None:
        """No graph: PCA looks at the vectors alone."""
        return None

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None = None,
        *,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`. ``stats`` holds the shares of variance that both axes explain."""
        self.check(*vectors.shape)
        found = principal_components(vectors, report=report, should_stop=should_stop)
        stats = {"explained_variance_1": float(found.explained[0]), "explained_variance_2": float(found.explained[1])}
        return Layout(found.coordinates, self.method, self.settings(), stats)


def principal_components(vectors: NDArray[np.float32], *, report: Report = ignore, should_stop: ShouldStop = never) -> PrincipalComponents:
    """Project rows on their two principal components.

    The largest loading of a component is positive, so that the same vectors always give the same picture. O(n d²) up to 2,048 dimensions or
    rows, else O(n d) for each of a few passes.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; not changed.
    report : callable(stage, fraction), optional
        Called from this thread, once a block.
    should_stop : callable, optional
        Asked once a block.

    Returns
    -------
    PrincipalComponents
        ``coordinates`` (n, 2) float32; the second column is zero where there is no second direction.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    passes = _Passes(vectors, report, should_stop)
    n, d = vectors.shape
    if min(n, d) <= DENSE_BELOW:
        values, directions = passes.solve_rows() if n < d else passes.solve_dims()
    else:
        values, directions = passes.iterate()
    directions[:, values <= NOTHING * passes.total] = 0
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])] + 1e-300)
    coordinates = np.zeros((n, 2), dtype=np.float32)
    for at, block in passes.blocks(0.7, 1.0):
        coordinates[at : at + len(block), : directions.shape[1]] = block @ directions
    explained = np.zeros(2)
    explained[: len(values)] = np.maximum(values, 0) / passes.total if passes.total > 0 else 0.0
    return PrincipalComponents(coordinates, explained)


class _Passes:
    """Passes over the centered rows in blocks of float64."""

    def __init__(self, vectors: NDArray[np.float32], report: Report, should_stop: ShouldStop) -> None:
        self._vectors, self._report, self._should_stop = vectors, report, should_stop
        self._step = max(1, BLOCK_BYTES // (8 * vectors.shape[1]))
        self._mean = np.zeros(vectors.shape[1])
        self._mean = sum((block.sum(axis=0) for _, block in self.blocks(0.0, 0.2)), start=self._mean) / len(vectors)
        self.total = 0.0  # the sum of all squares of the centered rows

    def blocks(self, begin: float, end: float):  # type: ignore[no-untyped-def]
        n = len(self._vectors)
        for at in range(0, n, self._step):
            if self._should_stop():
                raise Stopped
            yield at, self._vectors[at : at + self._step].astype(np.float64) - self._mean
            self._report("PCA", begin + (end - begin) * min(1.0, (at + self._step) / n))

    def solve_dims(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the leading eigenvalues and directions (d, 1 or 2) of the (d, d) covariance."""
        d = self._vectors.shape[1]
        covariance = np.zeros((d, d))
        for _, block in self.blocks(0.2, 0.6):
            covariance += block.T @ block
        self.total = float(np.trace(covariance))
        return _leading(covariance)

    def solve_rows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the same from the (n, n) products of all rows, where there are fewer rows than dimensions."""
        n = len(self._vectors)
        products = np.zeros((n, n))
        step = max(1, BLOCK_BYTES // (8 * n))
        for at in range(0, self._vectors.shape[1], step):
            if self._should_stop():
                raise Stopped
            columns = self._vectors[:, at : at + step].astype(np.float64) - self._mean[at : at + step]
            products += columns @ columns.T
        self.total = float(np.trace(products))
        values, weights = _leading(products)
        directions = sum(
            (block.T @ weights[at : at + len(block)] for at, block in self.blocks(0.4, 0.6)),
            start=np.zeros((len(self._mean), weights.shape[1])),
        )
        length = np.sqrt(np.einsum("ij,ij->j", directions, directions))
        return values, directions / np.where(length > 0, length, 1.0)

    def iterate(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the same by subspace iteration from a fixed random start, where both n and d are large."""
        basis = np.linalg.qr(np.random.default_rng(0).standard_normal((len(self._mean), OVERSAMPLED)))[0]
        for turn in range(ITERATIONS):
            image, self.total = np.zeros_like(basis), 0.0
            for _, block in self.blocks(0.2 + 0.5 * turn / ITERATIONS, 0.2 + 0.5 * (turn + 1) / ITERATIONS):
                image += block.T @ (block @ basis)
                self.total += float(np.einsum("ij,ij->", block, block))
            values, turned = _leading(basis.T @ image)
            basis, last = np.linalg.qr(image)[0], basis @ turned
        return values, last


def _leading(symmetric: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.linalg import eigh

    size = len(symmetric)
    values, directions = eigh(symmetric, subset_by_index=[max(0, size - 2), size - 1])
    return values[::-1], directions[:, ::-1].copy()
