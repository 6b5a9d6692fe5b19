"""The neighbor graph as a task, alone and as a part of others: runs inside the compute process."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from explorer.compute.forecast import forecast_graph
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.progress import LayoutReport, ShouldStop
from explorer.compute.projection import GRAPH_K
from explorer.compute.space import METRICS
from explorer.errors import BadParameter, NotEnoughRows, StoreUnwritable, UnknownChoice
from explorer.jobs.artifacts import GRAPH, find_graph, graph_key, keep_graph
from explorer.jobs.pace import pace_of
from explorer.jobs.task_steps import StoreTask, all_rows, drawable_rows, kept_vectors, part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.store.store import Artifact, Store

__all__ = ["GraphTask", "graph_of"]


@dataclass(frozen=True)
class GraphTask(StoreTask):
    """A neighbor graph to compute.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    metric : str
        One of :data:`explorer.compute.space.METRICS`.
    k : int
        Neighbors that are needed. At least 30 are kept where there are rows enough, so that one graph serves everything.
    """

    kind: ClassVar[str] = GRAPH
    fingerprint: str
    dataset: str
    n: int
    metric: str
    k: int

    @property
    def kept_k(self) -> int:
        """Neighbors that are computed and kept."""
        return max(self.k, min(GRAPH_K, self.n - 1))

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Neighbor graph"

    def describe(self) -> str:
        """Say it to people."""
        return f"Neighbor graph of {self.dataset}"

    def check(self) -> None:
        """Refuse what cannot be computed.

        Raises
        ------
        ParameterError
            With the sentence that says why.
        """
        if self.metric not in METRICS:
            raise UnknownChoice("metric", self.metric, METRICS)
        if self.k < 1:
            raise BadParameter("k", self.k, "give 1 or more.")
        if self.n <= self.k:
            raise NotEnoughRows("k", self.k, self.n)

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return graph_key(store, self.fingerprint, self.metric, self.kept_k)

    def graph(self) -> GraphTask:
        """Return itself."""
        return self

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Compute it in drawable rows, and keep it in all."""
        vectors, drawable = kept_vectors(store, self.fingerprint)
        began, (n, d) = monotonic(), vectors.shape
        graph = neighbor_graph(vectors, k=self.kept_k, metric=self.metric, report=report, should_stop=should_stop)
        told = pace_of(monotonic() - began, forecast_graph(n, d, self.kept_k, self.metric).times["graph"])
        return keep_graph(store, self.fingerprint, all_rows(graph, drawable), told=told)


def graph_of(
    store: Store,
    task: GraphTask,
    drawable: NDArray[np.bool_],
    share: float,
    report: LayoutReport,
    should_stop: ShouldStop,
) -> tuple[NeighborGraph, float]:
    """Find or compute a graph, in drawable rows; and how much of the whole work that was, ``share`` where it had to be computed."""
    graph, done = find_graph(store, task.fingerprint, task.metric, task.k), 0.0
    if graph is None:
        done = share
        task.run(store, part(report, 0.0, share), should_stop)
        graph = find_graph(store, task.fingerprint, task.metric, task.k)
    if graph is None:
        raise StoreUnwritable(str(store.folder), "the neighbor graph was deleted as soon as it was written")
    return drawable_rows(graph, drawable), done
