"""Look at embeddings: projections of all rows, drawn on the server, linked, with true neighbors.

``import explorer`` loads nothing heavy: every public name is imported when it is first used. ``panel serve explorer`` runs this file
a second time under another module name, so nothing here has a side effect and every import is absolute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.animation.file import animate
    from explorer.app import Explorer
    from explorer.compute.neighbors import NeighborGraph
    from explorer.compute.projections import PCA, TSNE, UMAP, Axes, Layout
    from explorer.data.catalog import catalog
    from explorer.data.dataset import Dataset, open_dataset
    from explorer.data.llama_index import from_llama_index
    from explorer.encoders.encoder import encoder_for
    from explorer.errors import DataError, ExplorerError, JobCanceled, JobError, ParameterError
    from explorer.headless import FoundClusters, find_clusters, forecast, neighbor_graph, project
    from explorer.map_file import export_map
    from explorer.retrieval import coverage, retrieve
    from explorer.standalone import Map, transition

__all__ = [
    "PCA",
    "TSNE",
    "UMAP",
    "Axes",
    "DataError",
    "Dataset",
    "Explorer",
    "ExplorerError",
    "FoundClusters",
    "JobCanceled",
    "JobError",
    "Layout",
    "Map",
    "NeighborGraph",
    "ParameterError",
    "__version__",
    "animate",
    "catalog",
    "coverage",
    "encoder_for",
    "export_map",
    "find_clusters",
    "forecast",
    "from_llama_index",
    "neighbor_graph",
    "open_dataset",
    "project",
    "retrieve",
    "transition",
]

_HOMES = {
    "DataError": "explorer.errors",
    "Dataset": "explorer.data.dataset",
    "Explorer": "explorer.app",
    "ExplorerError": "explorer.errors",
    "FoundClusters": "explorer.headless",
    "JobCanceled": "explorer.errors",
    "JobError": "explorer.errors",
    "Layout": "explorer.compute.projections",
    "Map": "explorer.standalone",
    "NeighborGraph": "explorer.compute.neighbors",
    "Axes": "explorer.compute.projections",
    "PCA": "explorer.compute.projections",
    "ParameterError": "explorer.errors",
    "TSNE": "explorer.compute.projections",
    "UMAP": "explorer.compute.projections",
    "animate": "explorer.animation.file",
    "catalog": "explorer.data.catalog",
    "coverage": "explorer.retrieval",
    "encoder_for": "explorer.encoders.encoder",
    "export_map": "explorer.map_file",
    "find_clusters": "explorer.headless",
    "forecast": "explorer.headless",
    "from_llama_index": "explorer.data.llama_index",
    "neighbor_graph": "explorer.headless",
    "open_dataset": "explorer.data.dataset",
    "project": "explorer.headless",
    "retrieve": "explorer.retrieval",
    "transition": "explorer.standalone",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from explorer.records.version import own_version

        return own_version()
    if name not in _HOMES:
        message = f"module 'explorer' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next look-up finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
