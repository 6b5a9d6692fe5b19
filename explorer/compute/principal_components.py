"""PCA in blocks: one pass for the mean, one for the covariance, one to project; never holds a second copy of the vectors."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import param
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.progress import LayoutReport, Report, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import NO_INPUTS, PLANE, GraphRequest, Inputs, Layout, Projection
from explorer.errors import BadParameter

__all__ = ["PCA", "PrincipalComponents", "principal_components"]

BLOCK_BYTES = 16_000_000
DENSE_BELOW = 2048  # rows or dimensions up to which the covariance is solved directly
OVERSAMPLED = 10  # directions of the iteration beyond those that are kept
ITERATIONS = 8
MOST_COMPONENTS = 100
MOST_AT_ONCE = 50
NOTHING = 1e-12  # a share of the variance that is rounding


class PrincipalComponents(NamedTuple):
    """The directions along which the rows vary most, and where the rows lie on them."""

    coordinates: NDArray[np.float32]  # (n, c)
    explained: NDArray[np.float64]  # (c,) shares of the whole variance


class PCA(Projection):
    """Principal components: the view along the directions in which the vectors vary most: the first two, two of the next, or many."""

    method: ClassVar[str] = "pca"
    title: ClassVar[str] = "PCA"
    version: ClassVar[int] = 2
    added: ClassVar[frozenset[str]] = frozenset({"x", "y"})

    x = param.Integer(
        default=1,
        bounds=(1, MOST_COMPONENTS),
        softbounds=(1, 10),
        doc="Which component runs from left to right; the first shows most of the variance, each of the next ones less.",
    )
    y = param.Integer(
        default=2,
        bounds=(1, MOST_COMPONENTS),
        softbounds=(1, 10),
        doc="Which component runs from bottom to top.",
    )
    n_components = param.Integer(
        default=PLANE,
        bounds=(PLANE, MOST_AT_ONCE),
        softbounds=(PLANE, 10),
        doc="How many components the map has. Beyond 2 it has the first ones, and lies in space; beyond 3 it is toured.",
    )

    def graph_request(self, n: int) -> GraphRequest | None:
        """No graph: PCA looks at the vectors alone."""
        return None

    def check(self, n: int, d: int) -> None:
        """Refuse components that there are not; see :meth:`Projection.check`."""
        super().check(n, d)
        if self.n_components > PLANE:
            if (self.x, self.y) != (1, 2):
                name = "x" if self.x != 1 else "y"
                raise BadParameter(name, getattr(self, name), f"with n_components={self.n_components} leave x at 1 and y at 2.")
            if self.n_components > min(n, d):
                raise BadParameter("n_components", self.n_components, f"{n:,} rows of {d:,} dimensions have {min(n, d):,} components.")
        if self.x == self.y:
            raise BadParameter("y", self.y, "that is the component of the other axis; choose two that differ.")
        for name in ("x", "y"):
            wanted = getattr(self, name)
            if wanted > max(2, min(n, d)):
                raise BadParameter(name, wanted, f"{n:,} rows of {d:,} dimensions have {min(n, d):,} components.")

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None = None,
        *,
        inputs: Inputs = NO_INPUTS,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`.

        ``stats`` holds the shares of the variance that the components up to the last one shown explain, ``explained_variance_1`` and so on.
        """
        self.check(*vectors.shape)
        several = self.n_components > PLANE
        found = principal_components(vectors, self.n_components if several else max(self.x, self.y), report=report, should_stop=should_stop)
        stats = {f"explained_variance_{at}": float(share) for at, share in enumerate(found.explained, 1)}
        shown = found.coordinates if several else np.ascontiguousarray(found.coordinates[:, [self.x - 1, self.y - 1]])
        return Layout(shown, self.method, self.settings(), stats)


def principal_components(
    vectors: NDArray[np.float32], count: int = 2, *, sample: int | None = None, report: Report = ignore, should_stop: ShouldStop = never
) -> PrincipalComponents:
    """Project rows on their principal components.

    The largest loading of a component is positive, so that the same vectors always give the same picture. O(n d²) up to 2,048 dimensions or
    rows, else O(n d) for each of a few passes.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Finite; not changed.
    count : int
        How many components.
    sample : int, optional
        About how many rows, evenly spaced, decide on the directions; all of them by default.
    report : callable(stage, fraction), optional
        Called from this thread, once a block.
    should_stop : callable, optional
        Asked once a block.

    Returns
    -------
    PrincipalComponents
        ``coordinates`` (n, count) float32, of all rows; a column is zero where there is no such direction. Beyond 2,048 rows and dimensions
        found by subspace iteration, where directions that show nearly the same variance may be mixed.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    n, d = vectors.shape
    decisive = vectors[:: max(1, n // sample)] if sample else vectors
    passes = _Passes(decisive, report, should_stop)
    if min(decisive.shape) <= max(DENSE_BELOW, count + OVERSAMPLED):
        values, directions = passes.solve_rows(count) if len(decisive) < d else passes.solve_dims(count)
    else:
        values, directions = passes.iterate(count)
    directions[:, values <= NOTHING * passes.total] = 0
    directions *= np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])] + 1e-300)
    coordinates = np.zeros((n, count), dtype=np.float32)
    for at, block in passes.blocks(0.7, 1.0, vectors):
        coordinates[at : at + len(block), : directions.shape[1]] = block @ directions
    explained = np.zeros(count)
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

    def blocks(self, begin: float, end: float, vectors: NDArray[np.float32] | None = None):  # type: ignore[no-untyped-def]
        """Go through these rows, or those that decide."""
        rows = self._vectors if vectors is None else vectors
        n = len(rows)
        for at in range(0, n, self._step):
            if self._should_stop():
                raise Stopped
            yield at, rows[at : at + self._step].astype(np.float64) - self._mean
            self._report("PCA", begin + (end - begin) * min(1.0, (at + self._step) / n))

    def solve_dims(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the leading eigenvalues and directions, at most (d, count), of the (d, d) covariance."""
        d = self._vectors.shape[1]
        covariance = np.zeros((d, d))
        for _, block in self.blocks(0.2, 0.6):
            covariance += block.T @ block
        self.total = float(np.trace(covariance))
        return _leading(covariance, count)

    def solve_rows(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
        values, weights = _leading(products, count)
        directions = sum(
            (block.T @ weights[at : at + len(block)] for at, block in self.blocks(0.4, 0.6)),
            start=np.zeros((len(self._mean), weights.shape[1])),
        )
        length = np.sqrt(np.einsum("ij,ij->j", directions, directions))
        return values, directions / np.where(length > 0, length, 1.0)

    def iterate(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the same by subspace iteration from a fixed random start, where both n and d are large."""
        basis = np.linalg.qr(np.random.default_rng(0).standard_normal((len(self._mean), count + OVERSAMPLED)))[0]
        for turn in range(ITERATIONS):
            image, self.total = np.zeros_like(basis), 0.0
            for _, block in self.blocks(0.2 + 0.5 * turn / ITERATIONS, 0.2 + 0.5 * (turn + 1) / ITERATIONS):
                image += block.T @ (block @ basis)
                self.total += float(np.einsum("ij,ij->", block, block))
            values, turned = _leading(basis.T @ image, count)
            basis, last = np.linalg.qr(image)[0], basis @ turned
        return values, last


def _leading(symmetric: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.linalg import eigh

    size = len(symmetric)
    values, directions = eigh(symmetric, subset_by_index=[max(0, size - count), size - 1])
    return values[::-1], directions[:, ::-1].copy()
