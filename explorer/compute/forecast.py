"""How much memory and time a computation will take, before it runs: sums of the arrays that it makes; computes nothing and loads nothing.

Memory is what the compute process holds for itself at its peak. The vectors and stored graphs are not in it: they are mapped files, which
the system drops where it needs the room. Time is that of :data:`REFERENCE`, to be multiplied with how much longer this machine takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, log2, sqrt
from typing import TYPE_CHECKING, Any, Final

from explorer.compute.cell_search import FOR_EACH, PROBES, PRODUCTS
from explorer.compute.direct_search import DIRECT
from explorer.compute.exact_search import block_rows
from explorer.compute.landmark_layout import LANDMARK_SHARE, SAMPLE, from_landmarks, refining
from explorer.compute.part_sizes import BLOCK, SLOT_BYTES, part_count
from explorer.compute.principal_components import BLOCK_BYTES, DENSE_BELOW
from explorer.compute.projection import GRAPH_K, PLANE
from explorer.compute.space import exact_below
from explorer.compute.umap_layout import default_epochs
from explorer.errors import memory_text

if TYPE_CHECKING:
    from explorer.compute.projection import Projection

__all__ = ["REFERENCE", "Forecast", "forecast_clusters", "forecast_graph", "forecast_layout", "forecast_within"]

REFERENCE: Final = "2 cores of an AMD EPYC"
"""The machine of the times."""

_MB: Final = 1_000_000
_PROCESS: Final = 25 * _MB  # Python and NumPy: what a process has before it begins
_SCIPY: Final = 20 * _MB
_COMPILED: Final = 50 * _MB  # numba and kernels that are kept on disk; where they have to be compiled first, it is up to 300 MB more
_START_S: Final = 0.7  # to load what is needed
_START_COMPILED_S: Final = 1.5  # numba as well
_DENSE_EPOCH: Final = 1.6  # an epoch of a map that keeps density, on the average of all
_SPATIAL_EPOCH: Final = 1.1  # an epoch in three dimensions
_SYMMETRIC: Final = 1.6  # edges of a graph in both directions, for each in one: neighbors are often mutual
_MOST_NODES: Final = 4096  # a side of t-SNE's grid
_TREE_BYTES: Final = 90  # a row, of the tree that takes the place of the grid in three dimensions
_EARLY_TURNS: Final = 100  # of t-SNE's first steps, before its rule ends them
_SHARED: Final = ("start", "graph")  # parts that two layouts, one after the other, have once
_FEW_S: Final = 10
_MINUTES_FROM_S: Final = 90
_HOURS_FROM_S: Final = 2 * 3600


@dataclass(frozen=True)
class Forecast:
    """What a computation will take.

    Attributes
    ----------
    times : mapping of str to float
        Seconds of each part: "start", "graph", and the method.
    stages : mapping of str to mapping of str to int
        The arrays of each stage in bytes, by what they hold.
    at_once : int
        Of a layout from landmarks: the bytes that all rows at once would take. 0 otherwise.
    """

    times: Mapping[str, float]
    stages: Mapping[str, Mapping[str, int]]
    at_once: int = 0

    @property
    def seconds(self) -> float:
        """From its start to its end."""
        return sum(self.times.values())

    @property
    def memory(self) -> int:
        """Bytes that the compute process holds at its peak: the stages come one after the other."""
        return max(sum(terms.values()) for terms in self.stages.values())

    def paced(self, paces: Mapping[str, float], usual: float) -> Forecast:
        """Return the same where each part takes so many times longer; ``usual`` for those of which nothing is known."""
        return replace(self, times={part: seconds * paces.get(part, usual) for part, seconds in self.times.items()})

    def after(self, base: Forecast) -> Forecast:
        """Return the same with the layout that it starts from, which needs the same graph."""
        own = {part: seconds + base.times.get(part, 0.0) for part, seconds in self.times.items() if part not in _SHARED}
        return replace(self, times={**self.times, **own})

    def __str__(self) -> str:
        """Say it to people: "about 40 s and 1.2 GB of memory"."""
        takes = f"about {_duration(self.seconds)} and {memory_text(self.memory)} of memory"
        return f"{takes}, from landmarks, as all rows at once need {memory_text(self.at_once)}" if self.at_once else takes


def forecast_graph(n: int, d: int, k: int, metric: str = "cosine") -> Forecast:
    """Forecast :func:`explorer.compute.neighbors.neighbor_graph`, which makes arrays of about the same sizes for every metric.

    Parameters
    ----------
    n, d : int
        Rows and dimensions.
    k : int
        Neighbors of a row that are computed.
    metric : str
        One of :data:`explorer.compute.space.METRICS`.
    """
    if n < exact_below(metric):
        stages = {"sorting of points": _duplicate_terms(n, d), "neighbor graph": _exact_terms(n, d, k)}
        return Forecast({"start": _START_S, "graph": _exact_seconds(n, d)}, stages)
    descent = {"nearest neighbor descent": _descent_terms(n, d, k), "sorting of neighbors": _sorting_terms(n, d, k)}
    if metric in DIRECT:
        return Forecast({"start": _START_COMPILED_S, "graph": _descent_seconds(n, d, k)}, descent)
    # where the cells miss too many neighbors, descent follows: its memory is counted, its time is not
    return Forecast({"start": _START_COMPILED_S, "graph": _cells_seconds(n, d, k)}, {"cells": _cell_terms(n, d, k), **descent})


def forecast_clusters(n: int) -> Forecast:
    """Forecast :func:`explorer.compute.clusters.cluster_tree` of n rows, whose neighbor graph is there."""
    edges = round(n * 15 * _SYMMETRIC)
    joining = {"edges": 12 * edges, "their ends and weights": 41 * edges, "rows": 60 * n}
    return Forecast({"start": _START_COMPILED_S, "clusters": 4.5e-5 * n}, {"joining": joining | {"process": _PROCESS + _SCIPY + _COMPILED}})


def forecast_within(memory: int | None, n: int, d: int, chosen: Projection, *, with_graph: bool, left_out: bool = False) -> Forecast:
    """Forecast a layout in so much memory: from landmarks where it fits in that way only; see :func:`forecast_layout`."""
    at_once = forecast_layout(n, d, chosen, with_graph=with_graph, left_out=left_out)
    if memory is None or at_once.memory <= memory or not from_landmarks(chosen):
        return at_once
    fewer = forecast_layout(n, d, chosen, with_graph=with_graph, left_out=left_out, landmarks=True)
    return fewer if fewer.memory <= memory else at_once


def forecast_layout(n: int, d: int, chosen: Projection, *, with_graph: bool, left_out: bool = False, landmarks: bool = False) -> Forecast:
    """Forecast a layout, with its neighbor graph where that has to be computed first.

    Parameters
    ----------
    n, d : int
        Rows that are drawn, and dimensions.
    chosen : Projection
        Method and parameters.
    with_graph : bool
        Whether its neighbor graph has to be computed.
    left_out : bool
        Whether there are rows that are not drawn: then the graph, which is kept with them, is copied without them.
    landmarks : bool
        Whether it is laid out by :func:`explorer.compute.landmark_layout.landmark_layout`.
    """
    settings: Mapping[str, Any] = chosen.settings()
    request = chosen.graph_request(n)
    stages: dict[str, Mapping[str, int]] = {"PCA": _pca_terms(n, d, chosen.dimensions)}
    times = {"start": _START_COMPILED_S if request is not None else _START_S}
    if request is not None and with_graph:
        graph = forecast_graph(n, d, request["k"], request["metric"])
        stages.update(graph.stages)
        times["graph"] = graph.times["graph"]
    seconds = _pca_seconds(n, d)
    copied = 8 * n * request["k"] if request is not None and left_out else 0
    if landmarks:
        k, d_metric = settings["n_neighbors"] - 1, (d, settings["metric"])
        at_once = forecast_layout(n, d, chosen, with_graph=with_graph, left_out=left_out).memory
        stages.update(_landmark_stages(n, k, held=copied))
        stages.update(_sample_stages(n, k, *d_metric, held=copied))
        seconds += _landmark_seconds(n, k, settings["n_epochs"], *d_metric)
        return Forecast({**times, chosen.method: seconds}, stages, at_once)
    if chosen.method == "umap":
        stages.update(_umap_stages(n, settings["n_neighbors"] - 1, held=copied, dimensions=chosen.dimensions))
        own = _umap_seconds(n, settings["n_neighbors"] - 1, settings["n_epochs"], dense=settings["dens_lambda"] > 0)
        seconds += own * (1.0 if chosen.dimensions == PLANE else _SPATIAL_EPOCH)
    elif chosen.method == "tsne":
        k, of_umap = ceil(3 * settings["perplexity"]), settings["init"] == "umap"
        stages.update(_tsne_stages(n, k, held=copied, of_umap=of_umap, dimensions=chosen.dimensions))
        seconds += _tsne_seconds(n, k, settings["n_iter"], of_umap=of_umap, dimensions=chosen.dimensions)
    return Forecast({**times, chosen.method: seconds}, stages)


# -- memory, each term as the code makes it


def _duplicate_terms(n: int, d: int) -> dict[str, int]:
    """Find identical rows by sorting, which copies them several times."""
    return {"process": _PROCESS, "points": 4 * n * d, "copies of the points, sorted": 16 * n * d, "their order": 32 * n}


def _exact_terms(n: int, d: int, k: int) -> dict[str, int]:
    """Search a block of rows among all."""
    block = block_rows(n) * n
    searching = {"a block of products, and their order": 18 * block}
    return {"process": _PROCESS, "points": 4 * n * d, **searching, "neighbors": 8 * n * k}


def _cell_terms(n: int, d: int, k: int) -> dict[str, int]:
    """Deal rows into cells, and multiply them with those of the cells they visit."""
    visits = n * (PROBES + k // FOR_EACH)
    return {
        "process": _PROCESS + _SCIPY + _COMPILED,
        "points": 4 * n * (d + 1),
        "cells of each row, and rows of each cell": 14 * visits,
        "products": 4 * PRODUCTS,
        "neighbors": 8 * n * k,
    }


def _descent_terms(n: int, d: int, k: int) -> dict[str, int]:
    """Improve a heap of neighbors round by round."""
    kept, width = k + 1, min(60, k + 1)
    proposed = (width**2 + width * (width - 1) // 2) * 16_384
    return {
        "process": _PROCESS + _COMPILED,
        "points": 4 * n * (d + 1),
        "trees and their leaves": 20 * n * _trees(n),
        "heap of neighbors": 9 * n * kept,
        "candidates, new and old": 16 * n * width,
        "who lists whom": 8 * n * kept,
        "proposed neighbors of a block": 7 * proposed,
    }


def _sorting_terms(n: int, d: int, k: int) -> dict[str, int]:
    """Take rows out of their own neighbors, in 64-bit orders of all of them."""
    kept = k + 1
    return {
        "process": _PROCESS + _COMPILED,
        "points": 4 * n * (d + 1),
        "neighbors as found": 8 * n * kept,
        "neighbors in order": 17 * n * kept,
        "orders": 16 * n * kept,
    }


def _pca_terms(n: int, d: int, dimensions: int) -> dict[str, int]:
    products = 40 * min(n, d) ** 2 if min(n, d) <= DENSE_BELOW else 500 * d
    block = min(8 * n * d, BLOCK_BYTES)
    return {"process": _PROCESS + _SCIPY, "blocks": 3 * block, "products": products, "coordinates": 10 * dimensions * n}


def _umap_stages(n: int, k: int, *, held: int, dimensions: int) -> dict[str, dict[str, int]]:
    """Join both directions of the edges, then let epochs run over them; ``held`` bytes are held meanwhile."""
    one_way = n * min(k, n - 1)
    edges = int(one_way * _SYMMETRIC)
    process = {"process": _PROCESS + _SCIPY + _COMPILED, "held meanwhile": held, "layouts": 28 * dimensions * n}
    joining = {"edges one way and back": 16 * one_way, "their sum and product": 14 * one_way}
    return {
        "fuzzy set": {**process, **joining, "edges": 8 * edges, "a block of distances": 32 * min(n, 65_536) * k},
        "UMAP": {**process, "edges": 8 * edges, "dealt into hands": 17 * edges},
    }


def _landmark_stages(n: int, k: int, *, held: int) -> dict[str, dict[str, int]]:
    """Lay landmarks out, place the others, make the edges of one part after the other, which go into a file, then move all."""
    among = int(LANDMARK_SHARE * n)
    process = {"process": _PROCESS + _SCIPY + _COMPILED, "held meanwhile": held, "layouts, and figures of rows": 60 * n}
    blocks = {"blocks of the graph": 16 * k * min(n, BLOCK)}
    return {
        "landmarks": {**process, **blocks, "graph among landmarks": 8 * k * among, "a part's edges": _part_bytes(among, k)},
        "edges in parts": {**process, **blocks, "a part's edges": _part_bytes(n, k)},
    }


def _sample_stages(n: int, k: int, d: int, metric: str, *, held: int) -> dict[str, dict[str, int]]:
    """Compute graph and layout of a sample, beside the layout that there is."""
    some, width = min(n, SAMPLE), max(GRAPH_K, k)
    kept = {
        "loaded": _SCIPY + _COMPILED,
        "left by the layout": _part_bytes(n, k),
        "held meanwhile": held,
        "layouts": 40 * n,
        "sample": 4 * some * d,
        "its graph": 8 * some * width,
    }
    stages = forecast_graph(some, d, width, metric).stages
    return {f"{name} of a sample": {**terms, **kept} for name, terms in stages.items()}


def _part_bytes(n: int, k: int) -> int:
    parts = part_count(n, k)
    return SLOT_BYTES * 2 * n * k // parts + 24 * n // parts


def _tsne_stages(n: int, k: int, *, held: int, of_umap: bool, dimensions: int) -> dict[str, dict[str, int]]:
    """Make affinities of both directions, then descend with a grid over the layout, or a tree; ``held`` bytes are held meanwhile."""
    layouts = 40 * dimensions * n
    edges = int(n * min(k, n - 1) * _SYMMETRIC)
    process = {"process": _PROCESS + _SCIPY + _COMPILED, "held meanwhile": held, "layouts": layouts, "affinities": 8 * edges}
    umap = _umap_stages(n, 14, held=held + layouts + 8 * edges, dimensions=dimensions) if of_umap else {}
    return {
        **umap,
        "affinities": {**process, "affinities as they are made": 33 * edges},
        "t-SNE": {**process, "grid": 180 * _nodes(n) ** 2} if dimensions == PLANE else {**process, "tree": _TREE_BYTES * n},
    }


def _trees(n: int) -> int:
    return max(3, min(12, round(2 * log2(n) / log2(10))))


def _nodes(n: int) -> int:
    """Say how many nodes a side the grid of t-SNE has at the end: layouts grow with the root of their rows, large ones less quickly."""
    return int(min(_MOST_NODES, max(64.0, min(450.0, 6.4 * sqrt(n)), 1.8 * sqrt(n))))


# -- time, in seconds of the reference machine; measured by benchmarks/forecast.py


def _exact_seconds(n: int, d: int) -> float:
    return n * n * (4e-11 * d + 8e-9)


def _cells_seconds(n: int, d: int, k: int) -> float:
    compared = 1_360 + 11.3 * sqrt(n * (PROBES + k / FOR_EACH) / 25)  # other rows, each row of which
    return 0.1 + n * compared * (6e-10 + 2.4e-11 * d) + n * k * 3e-7


def _descent_seconds(n: int, d: int, k: int) -> float:
    return 1.0 + n * log2(n) * (k + 1) * (0.8 + k / 150) * (1.7e-7 + 3.5e-10 * d)


def _pca_seconds(n: int, d: int) -> float:
    return n * d * (2e-8 + 1e-11 * min(n, d)) if min(n, d) <= DENSE_BELOW else n * d * 2e-7


def _umap_seconds(n: int, k: int, epochs: int | None, *, dense: bool = False) -> float:
    each = _DENSE_EPOCH if dense else 1.0
    return n * k * (7e-7 + (epochs or default_epochs(n, dense=dense)) * each * 2.0e-8)


def _landmark_seconds(n: int, k: int, epochs: int | None, d: int, metric: str) -> float:
    few, some = epochs or default_epochs(n), min(n, SAMPLE)
    sample = forecast_graph(some, d, max(GRAPH_K, k), metric).times["graph"] + 2 * _umap_seconds(some, k, few)
    return n * k * (7e-7 + (LANDMARK_SHARE * few + refining(few)) * 2.5e-8) + sample


def _tsne_seconds(n: int, k: int, iterations: int, *, of_umap: bool, dimensions: int) -> float:
    turns = iterations + (0 if of_umap else _EARLY_TURNS)
    each = n * (1.5e-7 + k * 2.3e-9) + _nodes(n) ** 2 * 2.5e-8 if dimensions == PLANE else 7e-7 * n**1.2 + n * k * 3e-9
    return n * k * 1e-6 + turns * each + (_umap_seconds(n, 14, None) if of_umap else 0.0)


def _duration(seconds: float) -> str:
    if seconds < _FEW_S:
        return f"{max(1, round(seconds))} s"
    if seconds < _MINUTES_FROM_S:
        return f"{5 * round(seconds / 5)} s"
    if seconds < _HOURS_FROM_S:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
