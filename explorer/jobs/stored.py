"""What there is of a dataset already: in the store, or come with the data. Reads, and computes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from explorer.compute.clusters import COARSEST
from explorer.compute.neighbors import NeighborGraph
from explorer.compute.projection import GraphRequest, Layout, Projection
from explorer.compute.projections import PROJECTIONS, completed
from explorer.compute.stability import RUNS
from explorer.jobs.artifacts import find_graph, find_layout, layouts_of
from explorer.jobs.clusters_task import ClustersTask, to_clusters
from explorer.jobs.inputs import Named, named_by, parameters_of, settings_of
from explorer.jobs.measuring_tasks import GraphColumnsTask, QualityTask
from explorer.jobs.quality_artifacts import GRAPH_COLUMNS, QUALITY, content_of, to_quality
from explorer.jobs.stability_artifacts import STABILITY, to_stability
from explorer.jobs.stability_task import StabilityTask
from explorer.store.store import Store, canonical

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.compute.clusters import ClusterTree
    from explorer.compute.quality import Quality
    from explorer.compute.stability import Stability
    from explorer.data.dataset import Dataset

__all__ = ["Stored", "clusters_task", "quality_task", "stability_task"]


class Stored:
    """Reads what is kept of datasets.

    Parameters
    ----------
    store : Store
        Where it is kept.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def stored_quality(self, dataset: Dataset, layout: Layout, metric: str) -> Quality | None:
        """Return how good a layout is by the neighbors in a metric; None where nobody has measured it."""
        return self.find_quality(quality_task(dataset, content_of(layout.coordinates), "a layout", metric))

    def stored_stability(self, dataset: Dataset, layout: Layout, *, runs: int = RUNS) -> Stability | None:
        """Return how much of a layout is chance; None where nobody has measured it."""
        return self.find_stability(stability_task(dataset, layout, runs, "a layout"))

    def stored_clusters(self, dataset: Dataset, metric: str = "cosine", *, coarsest: int = COARSEST) -> ClusterTree | None:
        """Return the clusters of a dataset; None where nobody has looked for them."""
        return self.find_clusters(clusters_task(dataset, metric, coarsest))

    def stored_layout(self, dataset: Dataset, projection: Projection, named: Named | None = None) -> Layout | None:
        """Return the layout that is stored or came with the data, for exactly these parameters; None if it has to be computed.

        A layout that was stopped before it was complete is another one: see :meth:`kept_layout`.
        """
        settings = settings_of(projection, named_by(dataset, projection) if named is None else named)
        return self.find_layout(dataset, projection.method, settings, projection.version)

    def stored_graph(self, dataset: Dataset, metric: str, k: int) -> NeighborGraph | None:
        """Return the neighbor graph that is stored or came with the data, cut to k neighbors; None if it has to be computed."""
        if k < 1:
            return None  # no graph is that small: whoever asks for it is told so
        given = dataset.graph
        if given is not None and given.metric == metric and k <= given.indices.shape[1]:
            return NeighborGraph(given.indices[:, :k], given.distances[:, :k], metric, math.nan)
        return find_graph(self.store, dataset.fingerprint, metric, k)

    def kept(self, dataset: Dataset) -> list[tuple[str, dict[str, Any]]]:
        """List method and settings of every layout there is of a dataset, newest first, those that came with the data last.

        One that was stopped has ``stopped_at``, its iteration, among its settings.
        """
        stored = [
            (method, settings)
            for method, settings, version in layouts_of(self.store, dataset.fingerprint)
            if _known_settings(method, settings) == settings and PROJECTIONS[method].version == version
        ]
        named = [(str(layout.method), _known_settings(layout.method, layout.params)) for layout in dataset.layouts]
        given = [(method, settings) for method, settings in named if settings is not None]
        known = [(method, canonical(settings)) for method, settings in stored]
        return stored + [(method, params) for method, params in given if (method, canonical(params)) not in known]

    def kept_layout(self, dataset: Dataset, method: str, settings: Mapping[str, Any]) -> Layout | None:
        """Return a layout that :meth:`kept` lists, complete or stopped; None where it is gone."""
        return self.find_layout(dataset, method, settings, PROJECTIONS[method].version)

    def missing(self, dataset: Dataset, request: GraphRequest) -> bool:
        """Whether a neighbor graph has to be computed."""
        return self.stored_graph(dataset, request["metric"], request["k"]) is None

    def find_layout(self, dataset: Dataset, method: str, settings: Mapping[str, Any], version: int) -> Layout | None:
        """Read a layout with exactly these settings."""
        wanted = canonical(settings)
        for given in dataset.layouts:
            if given.method == method and canonical(_known_settings(method, given.params) or given.params) == wanted:
                return Layout(given.coordinates, method, dict(settings))
        return find_layout(self.store, dataset.fingerprint, method, settings, version)

    def find_quality(self, task: QualityTask) -> Quality | None:
        """Read what a task would measure."""
        kept = self.store.get(QUALITY, task.key(self.store))
        return None if kept is None else to_quality(kept)

    def find_stability(self, task: StabilityTask) -> Stability | None:
        """Read what a task would measure."""
        kept = self.store.get(STABILITY, task.key(self.store))
        return None if kept is None else to_stability(kept)

    def find_clusters(self, task: ClustersTask) -> ClusterTree | None:
        """Read what a task would find."""
        kept = self.store.get(task.kind, task.key(self.store))
        return None if kept is None else to_clusters(kept)

    def find_graph_columns(self, task: GraphColumnsTask) -> dict[str, NDArray[np.float32]] | None:
        """Read what a task would measure."""
        kept = self.store.get(GRAPH_COLUMNS, task.key(self.store))
        return None if kept is None else dict(kept.arrays)


def quality_task(dataset: Dataset, content: str, title: str, metric: str) -> QualityTask:
    """Make the task that measures a layout by its content."""
    return QualityTask(dataset.fingerprint, dataset.name, dataset.n_drawable, content, title, metric)


def clusters_task(dataset: Dataset, metric: str, coarsest: int) -> ClustersTask:
    """Make the task that finds clusters."""
    return ClustersTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric, coarsest)


def stability_task(dataset: Dataset, layout: Layout, runs: int, title: str) -> StabilityTask:
    """Make the task that runs a layout again."""
    kind, settings = PROJECTIONS.get(layout.method), _known_settings(layout.method, layout.params) or dict(layout.params)
    version, content = 0 if kind is None else kind.version, content_of(layout.coordinates)
    return StabilityTask(dataset.fingerprint, dataset.name, dataset.n_drawable, content, title, layout.method, settings, version, runs)


def _known_settings(method: str | None, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all parameters of a projection, with the iteration it was stopped at if it was; None where they are not all known."""
    settings = completed(method, parameters_of(params))
    return None if settings is None else {**params, **settings}
