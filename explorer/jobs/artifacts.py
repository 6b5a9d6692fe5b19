"""What the store keeps of a dataset, by name: vectors to draw, neighbor graphs, layouts; how each is written and found again.

Graphs and layouts count all rows of the dataset; rows that are left out hold -1 and inf, or NaN.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.projection import Layout
from explorer.data.streaming import VECTORS, vectors_key
from explorer.store.arrays import Blocks

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset, GivenGraph
    from explorer.store.store import Artifact, Store

__all__ = [
    "GRAPH",
    "LANDMARKS",
    "LANDMARKS_VERSION",
    "LAYOUT",
    "STOPPED_AT",
    "find_graph",
    "find_layout",
    "graph_key",
    "keep_given_graph",
    "keep_graph",
    "keep_layout",
    "keep_vectors",
    "layout_key",
    "layouts_of",
    "to_graph",
    "to_layout",
]

logger = logging.getLogger(__name__)

GRAPH: Final = "graph"
LAYOUT: Final = "layout"
LANDMARKS: Final = "landmarks"  # beside the settings of a layout that was made from landmarks: the version of how
LANDMARKS_VERSION: Final = 1
STOPPED_AT: Final = "stopped_at"  # beside the settings of a layout that was stopped: its iteration
_GRAPH_VERSION: Final = 1  # raise it when neighbor_graph() gives another result for the same vectors
_BLOCK_BYTES: Final = 16_000_000


def keep_vectors(store: Store, dataset: Dataset, vectors: NDArray[np.float32]) -> None:
    """Keep the drawable rows' vectors for the compute process, unless they are there; written in blocks, never copied as a whole.

    Raises
    ------
    StoreUnwritable
        If they cannot be kept.
    """
    key = vectors_key(store, dataset.fingerprint)
    if store.get(VECTORS, key) is not None:
        return
    drawable = dataset.drawable
    step = max(1, _BLOCK_BYTES // max(1, 4 * vectors.shape[1]))

    def blocks() -> Iterable[NDArray[np.float32]]:
        for at in range(0, len(vectors), step):
            part = slice(at, at + step)
            yield vectors[part][drawable[part]]

    with store.lock(VECTORS, key):
        if store.get(VECTORS, key) is None:
            shape = (int(np.count_nonzero(drawable)), vectors.shape[1])
            drawn = Blocks(shape, np.dtype(np.float32), blocks)
            store.put(VECTORS, key, {"vectors": drawn, "drawable": drawable}, {"fingerprint": dataset.fingerprint, "dataset": dataset.name})


def graph_key(store: Store, fingerprint: str, metric: str, k: int) -> str:
    """Return where a neighbor graph is kept."""
    return store.key(GRAPH, fingerprint, {"metric": metric, "k": k}, _GRAPH_VERSION)


def keep_graph(store: Store, fingerprint: str, graph: NeighborGraph, *, told: Mapping[str, float] = MappingProxyType({})) -> Artifact:
    """Keep a neighbor graph that counts all rows, and what was told of how it was computed."""
    recall = graph.recall if math.isfinite(graph.recall) else None
    meta = {"fingerprint": fingerprint, "version": _GRAPH_VERSION, "metric": graph.metric, "k": graph.k, "recall": recall, **told}
    arrays = {"indices": graph.indices, "distances": graph.distances}
    return store.put(GRAPH, graph_key(store, fingerprint, graph.metric, graph.k), arrays, meta)


def keep_given_graph(store: Store, dataset: Dataset, metric: str, k: int) -> None:
    """Keep the graph that came with a dataset, where it answers for k neighbors in this metric and is whole."""
    given = dataset.graph
    if given is None or given.metric != metric or given.indices.shape[1] < k or find_graph(store, dataset.fingerprint, metric, k):
        return
    if not _whole(given, dataset.drawable):
        logger.warning("The neighbor graph that came with %s is not used: it has gaps, or rows that are not drawn.", dataset.name)
        return
    keep_graph(store, dataset.fingerprint, NeighborGraph(given.indices, given.distances, given.metric, math.nan))


def find_graph(store: Store, fingerprint: str, metric: str, k: int) -> NeighborGraph | None:
    """Return the smallest kept graph with at least k neighbors, cut to k; None where there is none."""
    wanted = (fingerprint, metric, _GRAPH_VERSION)
    found = [
        (entry.meta["k"], entry.key)
        for entry in store.entries(GRAPH)
        if (entry.meta.get("fingerprint"), entry.meta.get("metric"), entry.meta.get("version")) == wanted and entry.meta["k"] >= k
    ]
    for _, key in sorted(found):
        artifact = store.get(GRAPH, key)
        if artifact is not None:
            return to_graph(artifact, k)
    return None


def to_graph(artifact: Artifact, k: int) -> NeighborGraph:
    """Read a kept graph, cut to k neighbors."""
    recall = artifact.meta["recall"]
    indices, distances = artifact.arrays["indices"][:, :k], artifact.arrays["distances"][:, :k]
    return NeighborGraph(indices, distances, artifact.meta["metric"], math.nan if recall is None else recall)


def layout_key(store: Store, fingerprint: str, method: str, settings: Mapping[str, Any], version: int) -> str:
    """Return where a layout is kept."""
    return store.key(LAYOUT, fingerprint, {"method": method, "settings": settings}, version)


def keep_layout(
    store: Store,
    fingerprint: str,
    layout: Layout,
    *,
    settings: Mapping[str, Any],
    version: int,
    seconds: float,
    told: Mapping[str, float] = MappingProxyType({}),
) -> Artifact:
    """Keep a layout that counts all rows, under the settings it was asked for with, and what was told of how it was computed."""
    meta = {
        "fingerprint": fingerprint,
        "method": layout.method,
        "settings": dict(settings),
        "version": version,
        "stats": {name: value if math.isfinite(value) else None for name, value in layout.stats.items()},
        "seconds": round(seconds, 3),
        **told,
    }
    key = layout_key(store, fingerprint, layout.method, settings, version)
    return store.put(LAYOUT, key, {"coordinates": layout.coordinates}, meta)


def find_layout(store: Store, fingerprint: str, method: str, settings: Mapping[str, Any], version: int) -> Layout | None:
    """Return a kept layout, or None."""
    artifact = store.get(LAYOUT, layout_key(store, fingerprint, method, settings, version))
    return None if artifact is None else to_layout(artifact)


def to_layout(artifact: Artifact) -> Layout:
    """Read a kept layout."""
    meta = artifact.meta
    stats = {name: math.nan if value is None else value for name, value in meta["stats"].items()}
    return Layout(artifact.arrays["coordinates"], meta["method"], meta["settings"], stats)


def layouts_of(store: Store, fingerprint: str) -> list[tuple[str, dict[str, Any], int]]:
    """List method, settings and version of every kept layout of a dataset, newest first; reads no array."""
    kept = [entry for entry in store.entries(LAYOUT) if entry.meta.get("fingerprint") == fingerprint]
    kept.sort(key=lambda entry: entry.created, reverse=True)
    return [(entry.meta["method"], entry.meta["settings"], entry.meta["version"]) for entry in kept]


def _whole(graph: GivenGraph, drawable: NDArray[np.bool_]) -> bool:
    """Whether every drawn row has drawn neighbors only, with distances that ascend: what the kernels rely on."""
    n = len(drawable)
    indices, distances = graph.indices[drawable], graph.distances[drawable]
    if len(graph.indices) != n or indices.size == 0 or indices.min() < 0 or indices.max() >= n or not drawable[indices].all():
        return False
    return bool(np.isfinite(distances).all() and (np.diff(distances, axis=1) >= 0).all())
