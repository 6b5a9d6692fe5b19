"""Projections, neighbor graphs and clusters, and forecasts, without a page: what ``explorer.project`` and the command line share.

Everything runs in the compute process and is kept in the store, so the page shows at once what was computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from explorer.terminal import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.compute.clusters import ClusterTree
    from explorer.compute.forecast import Forecast
    from explorer.compute.neighbors import NeighborGraph
    from explorer.compute.projections import Layout
    from explorer.jobs.job import Job

__all__ = ["FoundClusters", "find_clusters", "finished", "forecast", "neighbor_graph", "project"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class FoundClusters:
    """Clusters of the rows of a dataset in layers, the coarsest first, each inside one of the layer before.

    Attributes
    ----------
    titles : tuple of str
        What the layers are called: "clusters (coarse)" to "clusters (finest)".
    names : tuple of tuple of str
        For each layer what its clusters are called, by falling size; no two of a layer are called the same.
    memberships : tuple of ndarray of shape (n_rows,), int32
        For each layer each row's cluster, a place in its names; -1 where the row is in none. Memory-mapped, not to be changed.
    parents : tuple of ndarray of shape (n_clusters,), int32
        For each layer the cluster of the layer before that holds each cluster; -1 where none does, as in the first.
    """

    titles: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    memberships: tuple[NDArray[np.int32], ...]
    parents: tuple[NDArray[np.int32], ...]

    @property
    def tree(self) -> ClusterTree:
        """The same without names."""
        from explorer.compute.clusters import ClusterTree

        return ClusterTree(self.memberships, self.parents)

    def sizes(self, layer: int) -> NDArray[np.int64]:
        """Count the rows of each cluster of a layer: shape (n_clusters,)."""
        return self.tree.sizes(layer)


def project(source: object, method: str = "umap", *, progress: bool | None = None, **params: object) -> Layout:
    """Lay out every row of a dataset, in two dimensions or more.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens.
    method : {"umap", "tsne", "pca", "axes"}
        How.
    progress : bool, optional
        Whether to draw a progress bar on stderr; by default when that is a terminal.
    **params
        The method's parameters, such as ``n_neighbors=30``, ``n_components=3`` or ``seed=7``; :class:`explorer.UMAP`,
        :class:`explorer.TSNE` and :class:`explorer.PCA` list them.

    Returns
    -------
    Layout
        ``coordinates`` (n, n_components) float32, one row for each row of the dataset, NaN where a row has no usable vector.

    Raises
    ------
    DataError
        If the source cannot be opened or has no vectors.
    ParameterError
        If a parameter is unknown, out of its bounds or does not fit the data.
    JobError
        If the computation fails.
    """
    from explorer.compute.projections import projection
    from explorer.data.dataset import open_dataset
    from explorer.jobs.runner import runner

    chosen = projection(method, **params)
    return finished(runner().submit_layout(open_dataset(source), chosen), progress=progress)


def forecast(source: object, method: str = "umap", **params: object) -> Forecast | None:
    """Say what :func:`project` will take, before it runs.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens.
    method : {"umap", "tsne", "pca", "axes"}
        How.
    **params
        The method's parameters, see :func:`project`.

    Returns
    -------
    Forecast or None
        ``seconds``, and ``memory`` in bytes at the peak; its text is "about 40 s and 1.2 GB of memory". None where the layout is there.

    Raises
    ------
    DataError
        If the source cannot be opened or has no vectors.
    ParameterError
        If a parameter is unknown, out of its bounds or does not fit the data, or if there is not enough memory: then with what would fit.
    """
    from explorer.compute.projections import projection
    from explorer.data.dataset import open_dataset
    from explorer.jobs.runner import runner

    chosen = projection(method, **params)
    return runner().forecast_layout(open_dataset(source), chosen)


def neighbor_graph(source: object, *, k: int = 30, metric: str = "cosine", progress: bool | None = None) -> NeighborGraph:
    """Find the nearest rows of every row of a dataset, in the space of its vectors.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens.
    k : int
        Neighbors of a row, the row itself not counted.
    metric : str
        How distance is measured: "cosine", "euclidean", …
    progress : bool, optional
        Whether to draw a progress bar on stderr; by default when that is a terminal.

    Returns
    -------
    NeighborGraph
        ``indices`` (n, k) int32 and ``distances`` (n, k) float32, ascending; -1 and inf where a row has no usable vector.

    Raises
    ------
    DataError
        If the source cannot be opened or has no vectors.
    ParameterError
        If the metric is unknown or there are too few rows for k.
    JobError
        If the computation fails.
    """
    from explorer.data.dataset import open_dataset
    from explorer.jobs.runner import runner

    return finished(runner().submit_graph(open_dataset(source), metric=metric, k=k), progress=progress)


def find_clusters(source: object, *, metric: str = "cosine", coarsest: int = 12, progress: bool | None = None) -> FoundClusters:
    """Find clusters of the rows of a dataset in one to four layers, in the space of its vectors, and name them.

    They are those of the page's panel *Clusters*: groups of rows that are each other's neighbors. Nothing is random.

    Parameters
    ----------
    source : Dataset, path, name in the catalog, data frame or ndarray of shape (n, d)
        Whatever :func:`explorer.open_dataset` opens. Its texts, else its categories, give the names.
    metric : str
        How distance is measured: "cosine", "euclidean", …
    coarsest : int
        About how many clusters the first layer is to have, 2 or more; each further layer has about four times as many, down to 30 rows a
        cluster.
    progress : bool, optional
        Whether to draw a progress bar on stderr; by default when that is a terminal.

    Returns
    -------
    FoundClusters
        ``names`` and ``memberships``, (n_rows,) int32, of each layer; no layer where there are no clusters.

    Raises
    ------
    DataError
        If the source cannot be opened or has no vectors.
    ParameterError
        If the metric is unknown, or ``coarsest`` is less than 2.
    JobError
        If the computation fails.
    """
    from explorer.cluster_words import layer_titles, names_of
    from explorer.data.dataset import open_dataset
    from explorer.jobs.runner import runner

    dataset = open_dataset(source)
    tree = finished(runner().submit_clusters(dataset, metric=metric, coarsest=coarsest), progress=progress)
    names = names_of(dataset, tree)
    return FoundClusters(layer_titles(len(names)), names, tree.layers, tree.parents)


def finished(job: Job[_Result], *, progress: bool | None = None) -> _Result:
    """Wait for a job with a progress bar, and return its result; an interrupt (Ctrl-C) cancels the job."""
    try:
        with progress_bar(job, shown=progress):
            return job.result()
    except KeyboardInterrupt:
        job.cancel()
        raise
