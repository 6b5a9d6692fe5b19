"""UMAP of a given neighbor graph: the same fuzzy set as umap-learn, then epochs of our own that can be watched and stopped."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import curve, fuzzy_set
from explorer.compute.neighbors import NeighborGraph, nearest_among
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Cadence, LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, NO_INPUTS, PLANE, SPACE, CategoryColumn, GraphRequest, Inputs, Layout, Projection
from explorer.compute.space import METRICS
from explorer.compute.supervision import supervised
from explorer.errors import BadParameter

__all__ = ["UMAP", "default_epochs", "kernels"]

EXTRA_EPOCHS = 200  # of a map that keeps density, as in umap-learn
SMALL = 10_000  # rows up to which 500 epochs are the default, as in umap-learn
FEW_EPOCHS = 10  # up to which edges are dropped as if there were the default number, as in umap-learn
NEGATIVES = 5  # rows pushed away for each edge pulled together
START_EXTENT = 10.0
START_ROWS = 20_000  # about as many decide on the plane of the start
START_NOISE = 1e-4


class UMAP(Projection):
    """UMAP: neighbors are pulled together, others pushed apart. Groups show clearly; distances between groups mean little."""

    method: ClassVar[str] = "umap"
    title: ClassVar[str] = "UMAP"
    version: ClassVar[int] = 3
    added: ClassVar[frozenset[str]] = frozenset({"dens_lambda", "target", "target_weight"})
    has_chance: ClassVar[bool] = True

    metric = param.Selector(  # type: ignore[var-annotated]
        default="cosine",
        objects=list(METRICS),
        doc=(
            "How far two rows are apart. Cosine compares directions and suits text and image embeddings; Euclidean compares positions; "
            "correlation compares shapes; dot is for models made for it; Hamming and Jaccard compare zeros and ones."
        ),
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
    dens_lambda = param.Number(
        default=0.0,
        bounds=(0.0, 10.0),
        softbounds=(0.0, 5.0),
        step=0.5,
        doc="How much the map should show where rows are dense and where sparse. 0 is plain UMAP, 2 is densMAP's; takes 200 epochs more.",
    )
    target = CategoryColumn(
        default="",
        doc="A category column whose groups should be kept together: supervised UMAP. The map then shows what you told it, too.",
    )
    target_weight = param.Number(
        default=0.5,
        bounds=(0.0, 1.0),
        step=0.05,
        doc="How much the target counts: 0 a little, 1 so much that only rows of one category attract each other.",
    )
    n_components = param.Integer(
        default=PLANE,
        bounds=(PLANE, SPACE),
        doc="Dimensions of the map: 2 is flat; 3 keeps more neighbors, and is turned to be seen.",
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

    def start(self, vectors: NDArray[np.float32], *, base: NDArray[np.float32] | None = None, should_stop: ShouldStop = never) -> Snapshot:
        """Place the rows by the PCA of at most about 40,000 of them, 10 to each side; see :meth:`Projection.start`."""
        epochs = self.n_epochs or default_epochs(len(vectors), dense=self.dens_lambda > 0)
        return Snapshot(_start(vectors, self.n_components, self.seed, should_stop), 0, epochs)

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None,
        *,
        inputs: Inputs = NO_INPUTS,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`.

        Equal bit for bit for equal vectors, graph and parameters, whatever the number of threads. Where there are fewer rows than
        ``n_neighbors``, all rows are used; ``stats`` says how many neighbors and epochs it were, and with ``dens_lambda`` the
        ``density_correlation``, that of the logarithms of rows' radii in the original space and on the map.

        ``inputs`` holds ``target`` where that parameter is set: each row's category, (n,) integer, negative where it has none.
        """
        self.check(*vectors.shape)
        self.check_inputs(inputs)
        n = len(vectors)
        report("UMAP", 0.0)
        size = min(self.n_neighbors, n)
        given = _wide_enough(graph, size - 1)
        indices, distances = given.indices[:, : size - 1], given.distances[:, : size - 1]
        edges = fuzzy_set(indices, distances)
        if self.target:
            edges = supervised(edges, inputs["target"], self.target_weight)
        if should_stop():
            raise Stopped
        report("UMAP", 0.05)
        begun = self.start(vectors, should_stop=should_stop) if start is None else start
        stats = {"n_neighbors": float(size), "n_epochs": float(begun.iterations)}
        coordinates = self._optimize(begun, edges, indices, distances, stats, report, should_stop)
        return Layout(coordinates, self.method, self.settings(), stats)

    def transform(
        self,
        new: NDArray[np.float32],
        vectors: NDArray[np.float32],
        coordinates: NDArray[np.float32],
        *,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> NDArray[np.float32]:
        """Place new rows on a map that was made with these parameters; see :func:`explorer.compute.umap_transform.transform`.

        Parameters
        ----------
        new : ndarray of shape (m, d), float32
            Finite.
        vectors : ndarray of shape (n, d), float32
            Those of the map.
        coordinates : ndarray of shape (n, n_components), float32
            The map. Not changed.
        report, should_stop : callable, optional
            Called and asked once an epoch.

        Returns
        -------
        ndarray of shape (m, n_components), float32

        Raises
        ------
        BadParameter
            If the dimensions differ.
        Stopped
            If ``should_stop()`` said so.
        """
        from explorer.compute.umap_transform import transform

        rows, distances = nearest_among(vectors, new, k=min(self.n_neighbors, len(vectors)), metric=self.metric)
        return transform(
            coordinates,
            rows,
            distances,
            min_dist=self.min_dist,
            spread=self.spread,
            seed=self.seed,
            report=report,
            should_stop=should_stop,
        )

    def _optimize(
        self,
        begun: Snapshot,
        edges: Any,
        indices: NDArray[np.int32],
        distances: NDArray[np.float32],
        stats: dict[str, float],
        report: LayoutReport,
        should_stop: ShouldStop,
    ) -> NDArray[np.float32]:
        """Run the epochs; ``stats`` is told what comes of density."""
        from explorer.compute.umap_density import SHARE, Density, log_radii
        from explorer.compute.umap_epochs import Hands, coefficient_tables, pulls

        attract, attract_densely = kernels(self.n_components)

        epochs, strongest = begun.iterations, edges.data.max()
        fewest = epochs if epochs > FEW_EPOCHS else default_epochs(edges.shape[0], dense=self.dens_lambda > 0)
        edges.data[edges.data < strongest / fewest] = 0
        edges.eliminate_zeros()
        hands = Hands(edges, begun.coordinates)
        a, b = curve(self.spread, self.min_dist)
        attraction, repulsion = coefficient_tables(a, b)
        dense = None
        if self.dens_lambda > 0:
            radii = hands.dealt(log_radii(edges, indices, distances))
            dense = Density(radii, hands, a=a, b=b, strength=self.dens_lambda)
        cadence = Cadence()
        for epoch in range(epochs):
            if should_stop():
                raise Stopped
            if dense is not None and epoch >= (1 - SHARE) * epochs:
                hands.run(epoch, epochs, self.seed, NEGATIVES, attract_densely, repulsion, *dense.look())
            else:
                pulled = pulls(attraction, 2 * (1 - epoch / epochs))
                hands.run(epoch, epochs, self.seed, NEGATIVES, attract, pulled, repulsion)
            if cadence.due():
                with cadence.timed():
                    report("UMAP", 0.1 + 0.9 * (epoch + 1) / epochs, Snapshot(hands.coordinates, epoch + 1, epochs))
        result = hands.coordinates
        if dense is not None:
            dense.look()
            stats["density_correlation"] = dense.correlation
        report("UMAP", 1.0, Snapshot(result, epochs, epochs))
        return result


def _wide_enough(graph: NeighborGraph | None, k: int) -> NeighborGraph:
    given = 0 if graph is None else graph.k
    if graph is None or given < k:
        raise BadParameter("n_neighbors", k + 1, f"the neighbor graph that was given has {given} neighbors a row.")
    return graph


def default_epochs(n: int, *, dense: bool = False) -> int:
    """Say how many epochs n rows have where none are asked for; ``dense`` where the map keeps density."""
    return (500 if n <= SMALL else 200) + (EXTRA_EPOCHS if dense else 0)


def kernels(dimensions: int) -> tuple[Any, Any]:
    """Give the kernels of the epochs in two dimensions or three: without density, and with it."""
    if dimensions == PLANE:
        from explorer.compute.umap_density import attract_densely
        from explorer.compute.umap_epochs import attract

        return attract, attract_densely
    from explorer.compute import umap_epochs_3d

    return umap_epochs_3d.attract, umap_epochs_3d.attract_densely


def _start(vectors: NDArray[np.float32], dimensions: int, seed: int, should_stop: ShouldStop) -> NDArray[np.float32]:
    plane = principal_components(vectors, dimensions, sample=START_ROWS, should_stop=should_stop).coordinates
    reach = float(np.abs(plane).max())
    noise = np.random.default_rng(seed).normal(scale=START_NOISE, size=plane.shape)
    return (plane * (START_EXTENT / reach if reach > 0 else 1.0) + noise).astype(np.float32)
