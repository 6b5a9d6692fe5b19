"""t-SNE of a given neighbor graph, in openTSNE's steps: a loop that can be watched and stopped at every one of them."""

from __future__ import annotations

from math import ceil
from typing import ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, NO_INPUTS, PLANE, SPACE, GraphRequest, Inputs, Layout, Projection
from explorer.compute.space import METRICS
from explorer.compute.umap_layout import UMAP
from explorer.errors import BadParameter

__all__ = ["TSNE"]

FEWEST_ROWS = 4
EARLY_EXAGGERATION = 12.0
EARLY_ITERATIONS = 250
WARM_ITERATIONS = 250  # from a map with a little less exaggeration
USUAL_ITERATIONS = 500  # of more, that somebody asks for, none is left out
STOPS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)  # exaggerations that others start from
UMAP_STD = 3.0  # of a start from UMAP
UMAP_SHARE = 0.05  # of what is reported
START_STD = 1e-4
START_NOISE = 1e-8  # keeps identical rows from starting at one point
ANOTHER_NOISE = 1.0  # of the start's own extent, for another run: see TSNE.another_start


class TSNE(Projection):
    """t-SNE: keeps each row's nearest rows near. The best picture of small neighborhoods; sizes and distances of groups mean nothing."""

    method: ClassVar[str] = "tsne"
    title: ClassVar[str] = "t-SNE"
    version: ClassVar[int] = 2
    added: ClassVar[frozenset[str]] = frozenset({"init"})
    has_chance: ClassVar[bool] = True

    metric = param.Selector(  # type: ignore[var-annotated]
        default="cosine",
        objects=list(METRICS),
        doc=(
            "How far two rows are apart. Cosine compares directions and suits text and image embeddings; Euclidean compares positions; "
            "correlation compares shapes; dot is for models made for it; Hamming and Jaccard compare zeros and ones."
        ),
    )
    perplexity = param.Number(
        default=10.0,
        bounds=(2.0, 100.0),
        softbounds=(5.0, 50.0),
        step=1.0,
        doc=(
            "Roughly how many neighbors each row listens to. Up to 10, the neighbor graph that UMAP uses serves as it is, which is much "
            "faster and keeps neighbors better than the customary 30; more needs a larger graph (three times as many neighbors)."
        ),
    )
    exaggeration = param.Number(
        default=1.0,
        bounds=(1.0, 32.0),
        softbounds=(1.0, 12.0),
        step=0.5,
        doc="Pulls neighbors together harder. 1 is plain t-SNE; about 4 gives compact groups like UMAP's.",
    )
    n_iter = param.Integer(
        default=USUAL_ITERATIONS,
        bounds=(0, 10_000),
        softbounds=(250, 2000),
        step=50,
        doc="Steps after the first 250, which only sort the groups. More let large maps unfold further.",
    )
    init = param.Selector(  # type: ignore[var-annotated]
        default="pca",
        objects=["pca", "umap", "tsne"],
        doc=(
            "Where rows start. On UMAP's map, made first, groups are sorted already and both maps lie alike; the loss ends higher. "
            "With an exaggeration above 1, tsne starts on the map with less of it: a slide from t-SNE to a map like UMAP's, step by step."
        ),
    )
    learning_rate = param.Number(
        default=None,
        allow_None=True,
        bounds=(1.0, 1e7),
        softbounds=(10.0, 10_000.0),
        doc="The length of a step. Left empty: the number of rows divided by the exaggeration, which suits nearly all data.",
    )
    n_components = param.Integer(
        default=PLANE,
        bounds=(PLANE, SPACE),
        doc="Dimensions of the map: 2 is flat; 3 keeps more neighbors, takes longer, and is turned to be seen.",
    )
    seed = param.Integer(
        default=0,
        bounds=(0, 2**31 - 1),
        softbounds=(0, 100),
        doc="Decides how identical rows are moved apart at the start; all else is determined by the data.",
    )

    def graph_request(self, n: int) -> GraphRequest:
        """Three times the perplexity, and at least the 30 neighbors that all projections share; fewer where there are fewer rows."""
        return {"k": min(max(GRAPH_K, ceil(3 * self.perplexity)), max(1, n - 1)), "metric": self.metric}

    def check(self, n: int, d: int) -> None:
        """Refuse fewer than four rows, which leave t-SNE nothing to decide; see :meth:`Projection.check`."""
        super().check(n, d)
        if n < FEWEST_ROWS:
            raise BadParameter("rows", n, f"t-SNE needs at least {FEWEST_ROWS}; PCA and UMAP show fewer.")

    @property
    def _warm(self) -> bool:
        return self.init == "tsne" and self.exaggeration > 1

    def builds_on(self) -> TSNE | None:
        """Start from the map with the next lower exaggeration of 1, 1.5, 2, 3, 4, 6, 8, 12, 16 and 24, where ``init`` is "tsne"."""
        if not self._warm:
            return None
        return TSNE(**{**self.settings(), "exaggeration": max(stop for stop in STOPS if stop < self.exaggeration)})

    def start(self, vectors: NDArray[np.float32], *, base: NDArray[np.float32] | None = None, should_stop: ShouldStop = never) -> Snapshot:
        """Place the rows by PCA, very near each other, or on the base; see :meth:`Projection.start`."""
        if base is not None:
            return Snapshot(base, 0, min(self.n_iter, WARM_ITERATIONS))
        early = 0 if self.init == "umap" else EARLY_ITERATIONS
        return Snapshot(_start(vectors, self.n_components, self.seed, should_stop), 0, early + self.n_iter)

    def another_start(self, start: Snapshot) -> Snapshot:
        """Shake PCA's places by the seed, as far as it is wide; see :meth:`Projection.another_start`.

        The divergence reached is the same within 0.4 % (digits, WordNet), so it is another map as good; it is higher from chance alone.
        """
        if self.init == "umap":  # whose own runs differ
            return start
        noise = np.random.default_rng((self.seed, 1)).normal(scale=ANOTHER_NOISE * START_STD, size=start.coordinates.shape)
        return start._replace(coordinates=start.coordinates + noise)

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

        Where there are too few rows for the perplexity, a third of the rows is used; ``stats`` holds the ``perplexity`` that was used and
        the ``kl_divergence`` reached.
        """
        from explorer.compute.affinities import affinities
        from explorer.compute.tsne_descent import Descent, settled, sorted_groups
        from explorer.compute.tsne_gradient import Attraction

        self.check(*vectors.shape)
        report("t-SNE", 0.0)
        k = min(ceil(3 * self.perplexity), len(vectors) - 1)
        if graph is None or graph.k < k:
            raise BadParameter("perplexity", self.perplexity, f"it needs a neighbor graph with {k} neighbors a row.")
        perplexity = min(self.perplexity, max(1.0, k / 3))
        attraction = Attraction.of(affinities(graph.indices[:, :k], graph.distances[:, :k], perplexity))
        if should_stop():
            raise Stopped
        base = self.builds_on()
        if start is None:
            below = None if base is None else base.fit(vectors, graph, should_stop=should_stop).coordinates
            start = self.start(vectors, base=below, should_stop=should_stop)
        sorted_before = self.init == "umap" or base is not None
        from_umap = self.init == "umap"
        layout = self._umap(vectors, graph, report, should_stop) if from_umap else np.array(start.coordinates, np.float32, order="C")
        descent = Descent(layout, attraction, self.learning_rate, start.iterations, report, should_stop)
        if not sorted_before:
            descent.run(EARLY_ITERATIONS, EARLY_EXAGGERATION, sorted_groups)
        descent.run(
            self.n_iter if base is None else min(self.n_iter, WARM_ITERATIONS),
            self.exaggeration,
            settled if self.n_iter <= USUAL_ITERATIONS else None,
        )
        kl = descent.divergence()
        report("t-SNE", 1.0, Snapshot(layout, descent.done, descent.done, kl))
        stats = {"perplexity": float(perplexity), "kl_divergence": kl, "iterations": descent.done}
        return Layout(layout, self.method, self.settings(), stats)

    def _umap(
        self, vectors: NDArray[np.float32], graph: NeighborGraph, report: LayoutReport, should_stop: ShouldStop
    ) -> NDArray[np.float32]:
        """Compute UMAP's map of the same graph, in a size from which t-SNE unfolds."""

        def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
            report(stage, UMAP_SHARE * fraction)

        below = UMAP(metric=self.metric, seed=self.seed, n_components=self.n_components)
        made = below.fit(vectors, graph, report=told, should_stop=should_stop).coordinates
        made = made - made.mean(axis=0, dtype=np.float64)
        return np.ascontiguousarray(made * (UMAP_STD / max(float(made.std()), 1e-12)), np.float32)


def _start(vectors: NDArray[np.float32], dimensions: int, seed: int, should_stop: ShouldStop) -> NDArray[np.float64]:
    plane = principal_components(vectors, dimensions, should_stop=should_stop).coordinates.astype(np.float64)
    width = plane[:, 0].std()
    noise = np.random.default_rng(seed).normal(scale=START_NOISE, size=plane.shape)
    return np.ascontiguousarray(plane * (START_STD / width if width > 0 else 0.0) + noise)
