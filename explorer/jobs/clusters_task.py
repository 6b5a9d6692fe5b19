"""Clusters of the rows as a task, after the neighbor graph where there is none, and how they are kept: runs inside the compute process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from explorer.compute.clusters import VERSION, ClusterTree
from explorer.compute.progress import LayoutReport, ShouldStop
from explorer.compute.projection import GRAPH_K
from explorer.jobs.graph_task import GraphTask, graph_of
from explorer.jobs.task_steps import StoreTask, kept_vectors, part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.store.store import Artifact, Store

__all__ = ["ClustersTask", "to_clusters"]

_GRAPH_SHARE: Final = 0.8  # of the whole time, where the graph has to be made first


@dataclass(frozen=True)
class ClustersTask(StoreTask):
    """Clusters to find.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    metric : str
        Of the neighbor graph.
    coarsest : int
        About how many clusters the first layer is to have.
    """

    kind: ClassVar[str] = "clusters"
    fingerprint: str
    dataset: str
    n: int
    metric: str
    coarsest: int

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Clusters"

    def describe(self) -> str:
        """Say it to people."""
        return f"Clusters of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return store.key(self.kind, self.fingerprint, {"metric": self.metric, "coarsest": self.coarsest}, VERSION)

    def graph(self) -> GraphTask:
        """Return the neighbor graph that it needs."""
        return GraphTask(self.fingerprint, self.dataset, self.n, self.metric, min(GRAPH_K, self.n - 1))

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Find them in drawable rows, and keep them in all."""
        from explorer.compute.clusters import cluster_tree

        _, drawable = kept_vectors(store, self.fingerprint)
        graph, begun = graph_of(store, self.graph(), drawable, _GRAPH_SHARE, report, should_stop)
        found = cluster_tree(graph, coarsest=self.coarsest, report=part(report, begun, 1.0), should_stop=should_stop)
        arrays: dict[str, NDArray[np.int32]] = {}
        for at, (layer, parents) in enumerate(zip(found.layers, found.parents, strict=True)):
            everywhere = np.full(len(drawable), -1, np.int32)
            everywhere[drawable] = layer
            arrays |= {f"layer {at}": everywhere, f"parents {at}": parents}
        return store.put(self.kind, self.key(store), arrays, {"fingerprint": self.fingerprint, "layers": len(found.layers)})


def to_clusters(artifact: Artifact) -> ClusterTree:
    """Read kept clusters; the arrays are memory-mapped."""
    arrays, n = artifact.arrays, artifact.meta["layers"]
    return ClusterTree(tuple(arrays[f"layer {at}"] for at in range(n)), tuple(arrays[f"parents {at}"] for at in range(n)))
