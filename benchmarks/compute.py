"""What is computed of vectors, from the neighbor graph to the quality of every row: time and how good it is, beside the peers.

    python benchmarks/compute.py [--data FILE] [--rows 20000] [--parts graph umap landmarks tsne quality] [--quick] [--json]

Everything is compiled before (on 3,000 rows; the peers too), so this is the second run in a process, with every core. Peers, each with its
own defaults: umap-learn's search and its UMAP (``metric="cosine"``), openTSNE's TSNE with ``n_jobs`` of all cores, scikit-learn's
trustworthiness on 5,000 rows, the most that it has memory for on ordinary machines. Without ``--data``, clusters in 64 dimensions.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from figures import Figure, compared, goal_of, options, told
from numpy.typing import NDArray

from explorer import open_dataset
from explorer.compute import graph_columns
from explorer.compute.agreement import agreement
from explorer.compute.fuzzy_set import fuzzy_set
from explorer.compute.landmark_layout import landmark_layout
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.preservation import preservation
from explorer.compute.projections import TSNE, UMAP
from explorer.compute.sampled_agreement import sampled_agreement

T = TypeVar("T")

PARTS: Final = ("graph", "umap", "landmarks", "tsne", "quality")
WARM_ROWS: Final = 3_000
PEER_ROWS: Final = 5_000  # of trustworthiness
K: Final = 30
GOALS: Final[dict[str, dict[int, float]]] = {
    "preservation@5, 15, 30 of every row, two layouts": {117_659: 4.0, 1_000_000: 30.0},
    "trustworthiness and the other figures of one layout, 6,000 anchors": {117_659: 4.0},
}
RATIOS: Final = {
    "neighbor graph, k = 30": 0.5,
    "UMAP, graph included": 0.35,
    "UMAP, graph included, seeded": 0.2,
    "UMAP, from a given graph": 0.2,
    "t-SNE, graph included": 0.35,
}


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.set_defaults(rows=20_000)
    parser.add_argument("--data", type=Path, metavar="FILE", help="vectors to compute with, in any format that Explorer opens")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")  # of the peers
    vectors = np.ascontiguousarray(open_dataset(given.data).vectors) if given.data else clustered(given.rows)
    if given.quick:
        vectors = vectors[:8_000]
    figures = Measured(vectors, given.parts).figures()
    for figure in figures:
        figure.rows = len(vectors)
        figure.goal = goal_of(GOALS.get(figure.figure, {}), len(vectors))
        compared(figure)
        if figure.ratio is not None and figure.figure in RATIOS:
            figure.met = figure.ratio <= RATIOS[figure.figure]
    print(told(figures, heading=f"{len(vectors):,} x {vectors.shape[1]}, {os.cpu_count()} cores", as_json=given.json))
    return 0


def clustered(rows: int) -> NDArray[np.float32]:
    """Make a hundred clusters in 64 dimensions."""
    random = np.random.default_rng(0)
    centers = random.normal(scale=3, size=(100, 64))
    return (centers[random.integers(100, size=rows)] + random.normal(size=(rows, 64))).astype(np.float32)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Run it once; seconds, and what came of it."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


class Measured:
    """The figures of one set of vectors."""

    def __init__(self, vectors: NDArray[np.float32], parts: tuple[str, ...]) -> None:
        self._vectors, self._parts = vectors, parts
        self._warm = vectors[:WARM_ROWS]

    def figures(self) -> list[Figure]:
        """Measure all parts."""
        neighbor_graph(self._warm, k=K)
        self._compile_descent()
        seconds, graph = timed(lambda: neighbor_graph(self._vectors, k=K))
        made = [Figure("neighbor graph, k = 30", seconds, "s"), Figure("  recall", graph.recall, "")]
        if "graph" in self._parts:
            self._against_umaps_search(made, graph)
        layouts: list[NDArray[np.float32]] = []
        if {"umap", "quality"} & {*self._parts}:
            layouts.append(self._umap(made, graph, seconds))
        if "landmarks" in self._parts:
            self._from_landmarks(made, graph)
        if "tsne" in self._parts:
            layouts.append(self._tsne(made, graph, seconds))
        if "quality" in self._parts:
            self._quality(made, graph, (layouts * 2)[:2])
        return made

    def _compile_descent(self) -> None:
        from explorer.compute.descent import descend
        from explorer.compute.progress import ignore, never

        descend(self._warm, K, 0, stage="", report=ignore, should_stop=never)

    def _against_umaps_search(self, made: list[Figure], graph: NeighborGraph) -> None:
        from umap.umap_ import nearest_neighbors

        def search(vectors: NDArray[np.float32]) -> Any:
            return nearest_neighbors(vectors, K + 1, "cosine", {}, angular=True, random_state=np.random.RandomState(0))

        search(np.tile(self._warm, (2, 1)))  # of 4,096 rows and more it is not exact
        seconds, (indices, *_) = timed(lambda: search(self._vectors))
        made[0].peer, made[0].peer_name = seconds, "umap-learn's own search"
        both = [len({*ours} & {*theirs}) for ours, theirs in zip(graph.indices[::97, :K], indices[::97, 1 : K + 1], strict=True)]
        made.append(Figure("  share of neighbors that both found", float(np.mean(both)) / K, ""))

    def _umap(self, made: list[Figure], graph: NeighborGraph, graph_s: float) -> NDArray[np.float32]:
        UMAP(n_epochs=10).fit(self._warm, neighbor_graph(self._warm, k=K))
        seconds, layout = timed(lambda: UMAP().fit(self._vectors, graph))
        figure = Figure("UMAP, graph included", graph_s + seconds, "s")
        alone = Figure("UMAP, from a given graph", seconds, "s")
        seeded = Figure("UMAP, graph included, seeded", graph_s + seconds, "s")  # as every one is
        made += [figure, seeded, alone, self._kept("  preservation@15", graph, layout.coordinates)]
        if "umap" in self._parts:
            import umap

            umap.UMAP(metric="cosine", n_epochs=10).fit(np.tile(self._warm, (2, 1)))
            figure.peer, theirs = timed(lambda: umap.UMAP(metric="cosine").fit_transform(self._vectors))
            figure.peer_name = "umap-learn"
            made.append(self._kept("  preservation@15 of umap-learn", graph, theirs))
            seeded.peer, _ = timed(lambda: umap.UMAP(metric="cosine", random_state=0).fit_transform(self._vectors))
            seeded.peer_name = "umap-learn with random_state"
            self._embedded_by_umap(graph, epochs=10)
            alone.peer, _ = timed(lambda: self._embedded_by_umap(graph, epochs=None))
            alone.peer_name = "simplicial_set_embedding, unseeded, spectral start"
        return layout.coordinates

    def _from_landmarks(self, made: list[Figure], graph: NeighborGraph) -> None:
        with tempfile.TemporaryDirectory() as folder:
            landmark_layout(UMAP(n_epochs=10), self._warm, neighbor_graph(self._warm, k=K), folder=Path(folder))
            figure = Figure("UMAP from landmarks, from a given graph", 0.0, "s", peer_name="all rows at once")
            figure.value, layout = timed(lambda: landmark_layout(UMAP(), self._vectors, graph, folder=Path(folder)))
        figure.peer, at_once = timed(lambda: UMAP().fit(self._vectors, graph))
        kept = self._kept("  preservation@15", graph, layout.coordinates)
        kept.peer, kept.peer_name = self._kept("", graph, at_once.coordinates).value, "all rows at once"
        told = Figure("  preservation@15 of the sample by which the loss is told", layout.stats["sample_kept"], "")
        told.peer, told.peer_name = layout.stats["sample_kept_at_once"], "all rows at once"
        made += [figure, kept, told]

    def _embedded_by_umap(self, graph: NeighborGraph, *, epochs: int | None) -> Any:
        from umap.umap_ import find_ab_params, simplicial_set_embedding

        edges = fuzzy_set(graph.indices[:, :14], graph.distances[:, :14])
        a, b = find_ab_params(1.0, 0.1)
        start = "spectral" if epochs is None else np.zeros((len(graph.indices), 2), np.float32)
        return simplicial_set_embedding(
            self._vectors,
            edges,
            n_components=2,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=epochs,
            init=start,
            random_state=np.random.RandomState(0),
            metric="cosine",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
            parallel=True,
        )

    def _tsne(self, made: list[Figure], graph: NeighborGraph, graph_s: float) -> NDArray[np.float32]:
        import openTSNE

        seconds, layout = timed(lambda: TSNE().fit(self._vectors, graph))
        figure = Figure("t-SNE, graph included", graph_s + seconds, "s", peer_name="openTSNE")
        figure.peer, theirs = timed(lambda: openTSNE.TSNE(metric="cosine", n_jobs=os.cpu_count()).fit(self._vectors))
        made += [
            figure,
            Figure("  of that, the layout", seconds, "s"),
            Figure("  KL divergence", layout.stats["kl_divergence"], ""),
            self._kept("  preservation@15", graph, layout.coordinates),
            self._kept("  preservation@15 of openTSNE", graph, np.asarray(theirs, np.float32)),
        ]
        return layout.coordinates

    def _quality(self, made: list[Figure], graph: NeighborGraph, layouts: list[NDArray[np.float32]]) -> None:
        from sklearn.manifold import trustworthiness

        cores = os.cpu_count() or 1
        preservation(neighbor_graph(self._warm, k=K).indices, layouts[0][:WARM_ROWS])
        seconds, _ = timed(lambda: [preservation(graph.indices, layout, threads=cores) for layout in layouts])
        made.append(Figure("preservation@5, 15, 30 of every row, two layouts", seconds, "s"))
        sampled_agreement(self._warm, neighbor_graph(self._warm, k=K).indices, [layouts[0][:WARM_ROWS]])
        measure = partial(sampled_agreement, self._vectors, graph.indices, layouts[:1], threads=cores)
        seconds, (found,) = timed(measure)
        made.append(Figure("trustworthiness and the other figures of one layout, 6,000 anchors", seconds, "s"))
        spread = [measure(seed=seed)[0].trustworthiness for seed in range(1, 5)]
        made += [
            Figure("  trustworthiness", found.trustworthiness, ""),
            Figure("  most that other anchors differ", max(abs(each - found.trustworthiness) for each in spread), ""),
        ]
        few, flat = self._vectors[:PEER_ROWS].astype(float), layouts[0][:PEER_ROWS].astype(float)
        seconds, (ours,) = timed(lambda: agreement(self._vectors[:PEER_ROWS], [layouts[0][:PEER_ROWS]], anchors=PEER_ROWS))
        theirs_s, theirs = timed(lambda: trustworthiness(few, flat, n_neighbors=15, metric="cosine"))
        made += [
            Figure(
                f"all figures of {PEER_ROWS:,} rows, every row an anchor", seconds, "s", peer=theirs_s, peer_name="scikit-learn, one figure"
            ),
            Figure("  difference of the trustworthiness", abs(ours.trustworthiness - theirs), ""),
        ]
        columns = (graph_columns.kth_distance, graph_columns.in_degree, graph_columns.local_dimension, graph_columns.near_duplicates)
        seconds, _ = timed(lambda: [column(graph) for column in (*columns, graph_columns.components)])
        made.append(Figure("five columns of the graph", seconds, "s"))

    @staticmethod
    def _kept(name: str, graph: NeighborGraph, layout: NDArray[np.float32]) -> Figure:
        kept = preservation(graph.indices, layout, threads=os.cpu_count() or 1).kept
        return Figure(name, float(np.nanmean(kept[15])), "")


if __name__ == "__main__":
    sys.exit(main())
