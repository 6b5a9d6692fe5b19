"""UMAP of a given neighbor graph: the same fuzzy set as umap-learn, then epochs of our own that can be watched and stopped."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import curve, fuzzy_set
from explorer.compute.neighbors import METRICS, NeighborGraph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Cadence, LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, GraphRequest, Layout, Projection
from explorer.errors import BadParameter

__all__ = ["UMAP", "default_epochs"]

SMALL = 10_000  # rows up to which 500 epochs are the default, as in umap-learn
FEW_EPOCHS = 10  # up to which edges are dropped as if there were the default number, as in umap-learn
NEGATIVES = 5  # rows pushed away for each edge pulled together
PULL = 2.0  # both directions of an edge move its row
START_EXTENT = 10.0
START_NOISE = 1e-4


class UMAP(Projection):
    """UMAP: neighbors are pulled together, others pushed apart. Groups show clearly; distances between groups mean little."""

    method: ClassVar[str] = "umap"
    title: ClassVar[str] = "UMAP"
    version: ClassVar[int] = 1

    metric = param.Selector(  # type: ignore[var-annotated]
        default="cosine",
        objects=list(METRICS),
        doc="How far two rows are apart. Cosine compares directions and suits text and image embeddings; Euclidean compares positions.",
    )
    n_neighbors = param.Integer(
        default=15,
        bounds=(2, 200),
        softbounds=(5, 100),
        doc="How many nearest rows, the row itself among them, should stay near. Few show fine detail, many the overall shape.",
    )
    min_dist = param.Number(
        default=0.1,
        bounds=(0.0, 1.0),
        step=0.01,
        doc="How tightly points may be packed. 0 gives dense clumps, 1 spreads the points out evenly.",
    )
    spread = param.Number(
        default=1.0,
        bounds=(0.1, 5.0),
        softbounds=(0.5, 3.0),
        step=0.1,
        doc="The scale of the map: how far apart groups drift. Must be at least min_dist.",
    )
    n_epochs = param.Integer(
        default=None,
        allow_None=True,
        bounds=(1, 10_000),
        softbounds=(50, 1000),
        doc="Rounds of moving the points. Left empty: 500 for up to 10,000 rows, 200 for more.",
    )
    seed = param.Integer(
        default=0,
        bounds=(0, 2**31 - 1),
        softbounds=(0, 100),
        doc="The same seed always gives the same map; another one shows how much of it is chance.",
    )

    def graph_request(self, n: int) -> GraphRequest:
        """At least the 30 neighbors that all projections share; fewer where there are fewer rows."""
        return {"k": min(max(GRAPH_K, self.n_neighbors - 1), max(1, n - 1)), "metric": self.metric}

    def check(self, n: int, d: int) -> None:
        """Refuse too few rows, and a spread below min_dist; see :meth:`Projection.check`."""
        super().check(n, d)
        if self.min_dist > self.spread:
            raise BadParameter("min_dist", self.min_dist, f"it may be at most spread, which is {self.spread:g}.")

    def start(self, vectors: NDArray[np.float32], *, should_stop: ShouldStop = never) -> Snapshot:
        """Place the rows on the plane of PCA, 10 to each side; see :meth:`Projection.start`."""
        return Snapshot(_start(vectors, self.seed, should_stop), 0, self.n_epochs or default_epochs(len(vectors)))

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None,
        *,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`.

        Equal bit for bit for equal vectors, graph and parameters, whatever the number of threads. Where there are fewer rows than
        ``n_neighbors``, all rows are used; ``stats`` says how many neighbors and epochs it were.
        """
        self.check(*vectors.shape)
        n = len(vectors)
        report("UMAP", 0.0)
        size = min(self.n_neighbors, n)
        given = _wide_enough(graph, size - 1)
        edges = fuzzy_set(given.indices[:, : size - 1], given.distances[:, : size - 1])
        if should_stop():
            raise Stopped
        report("UMAP", 0.05)
        begun = self.start(vectors, should_stop=should_stop) if start is None else start
        epochs = begun.iterations
        coordinates = _optimize(begun.coordinates, edges, self.min_dist, self.spread, epochs, self.seed, report, should_stop)
        return Layout(coordinates, self.method, self.settings(), {"n_neighbors": float(size), "n_epochs": float(epochs)})


def _wide_enough(graph: NeighborGraph | None, k: int) -> NeighborGraph:
    given = 0 if graph is None else graph.k
    if graph is None or given < k:
        raise BadParameter("n_neighbors", k + 1, f"the neighbor graph that was given has {given} neighbors a row.")
    return graph


def default_epochs(n: int) -> int:
    """Say how many epochs n rows have where none are asked for."""
    return 500 if n <= SMALL else 200


def _start(vectors: NDArray[np.float32], seed: int, should_stop: ShouldStop) -> NDArray[np.float32]:
    plane = principal_components(vectors, should_stop=should_stop).coordinates
    reach = float(np.abs(plane).max())
    noise = np.random.default_rng(seed).normal(scale=START_NOISE, size=plane.shape)
    return (plane * (START_EXTENT / reach if reach > 0 else 1.0) + noise).astype(np.float32)


def _optimize(
    start: NDArray[np.floating],
    edges: Any,
    min_dist: float,
    spread: float,
    epochs: int,
    seed: int,
    report: LayoutReport,
    should_stop: ShouldStop,
) -> NDArray[np.float32]:
    from explorer.compute.umap_epochs import coefficient_tables, run_epochs

    strongest = edges.data.max()
    edges.data[edges.data < strongest / (epochs if epochs > FEW_EPOCHS else default_epochs(len(start)))] = 0
    edges.eliminate_zeros()
    every = (strongest / edges.data).astype(np.float32)
    due = every.copy()
    starts, ends = edges.indptr.astype(np.int64), edges.indices.astype(np.int32)
    attraction, repulsion = coefficient_tables(*curve(spread, min_dist))
    buffers = np.stack([start, start]).astype(np.float32, copy=False)
    cadence = Cadence()
    for epoch in range(epochs):
        if should_stop():
            raise Stopped
        run_epochs(buffers, starts, ends, every, due, epoch, epoch + 1, epochs, seed, attraction, repulsion, PULL, NEGATIVES)
        if cadence.due():
            with cadence.timed():
                report("UMAP", 0.1 + 0.9 * (epoch + 1) / epochs, Snapshot(buffers[(epoch + 1) % 2], epoch + 1, epochs))
    result: NDArray[np.float32] = buffers[epochs % 2].copy()
    report("UMAP", 1.0, Snapshot(result, epochs, epochs))
    return result
