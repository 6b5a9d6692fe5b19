"""Clusters of the rows in several layers, coarse to fine, from the neighbor graph alone; never sees a vector or a layout.

The finest layer is found first, among the rows; each coarser one joins clusters of the layer below, so they make a tree. How many clusters
a layer has is left to the data within limits: as the resolution falls, a number that stays for long is preferred.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import fuzzy_set
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never

if TYPE_CHECKING:
    from explorer.compute.neighbors import NeighborGraph

__all__ = ["COARSEST", "LEAST_ROWS", "VERSION", "ClusterTree", "cluster_tree"]

VERSION: Final = 1
"""Raise it when the same graph gives other clusters."""

COARSEST: Final = 12
LEAST_ROWS: Final = 5
"""A smaller group is no cluster."""

STAGE: Final = "clusters"
_NEIGHBORS: Final = 15  # as many as UMAP uses
_FINER: Final = 4  # times as many clusters in the next layer
_ROWS_EACH: Final = 30  # a layer has no more clusters than one for so many rows
_MOST_LAYERS: Final = 4
_ATOMS: Final = 2  # resolution at which to begin, times the clusters of the finest layer
_FALL: Final = 1.1  # of the resolution, step by step
_LEAST_RESOLUTION: Final = 1e-3
_FEWER: Final = 0.5  # clusters than a layer should have, where the search for them ends
_NEAR: Final = 0.7  # of two numbers of clusters, the logarithm of their ratio
_STAYING: Final = 0.05  # what each step at which a number stays is worth, as such a logarithm
_FEW_NODES: Final = 5_000


@dataclass(frozen=True, eq=False)
class ClusterTree:
    """Clusters in layers.

    Attributes
    ----------
    layers : tuple of ndarray of shape (n_rows,), int32
        The coarsest first. Each holds the number of each row's cluster, 0 to n_l - 1 by falling size; -1 where the row is in none.
    parents : tuple of ndarray of shape (n_l,), int32
        For each layer the number of the cluster of the layer before that holds most of each cluster; -1 where none does, as in the first.
    """

    layers: tuple[NDArray[np.int32], ...]
    parents: tuple[NDArray[np.int32], ...]

    def sizes(self, layer: int) -> NDArray[np.int64]:
        """Count the rows of each cluster of a layer: shape (n_l,)."""
        rows = self.layers[layer]
        return np.bincount(rows[rows >= 0], minlength=len(self.parents[layer]))


def cluster_tree(
    graph: NeighborGraph, *, coarsest: int = COARSEST, report: Report = ignore, should_stop: ShouldStop = never
) -> ClusterTree:
    """Find clusters in one to four layers.

    The first layer has about ``coarsest`` clusters, each further one about four times as many, down to 30 rows a cluster. Nothing is
    random: the same graph gives the same tree. O(n k); groups of fewer than five rows are no clusters.

    Parameters
    ----------
    graph : NeighborGraph
        Each row has all of its neighbors; up to 15 of them are used.
    coarsest : int
        About how many clusters the first layer is to have, 2 or more. What the graph does not connect is never one cluster.
    report : callable(stage, fraction), optional
        Called from this thread.
    should_stop : callable, optional
        Asked several times a second.

    Returns
    -------
    ClusterTree
        No layer where there are no clusters.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    n, targets = len(graph.indices), [coarsest]
    while len(targets) < _MOST_LAYERS and targets[-1] * _FINER * _ROWS_EACH <= n:
        targets.append(targets[-1] * _FINER)
    report(STAGE, 0.0)
    if should_stop():
        raise Stopped
    if n < LEAST_ROWS or not graph.k:
        report(STAGE, 1.0)
        return ClusterTree((), ())
    rows = _Level.of(fuzzy_set(graph.indices[:, :_NEIGHBORS], graph.distances[:, :_NEIGHBORS]))
    report(STAGE, 0.3)
    start = _settled(rows, _ATOMS * float(targets[-1]), should_stop)
    report(STAGE, 0.6)
    found: list[NDArray[np.int32]] = []
    level, of_rows = rows, np.arange(n, dtype=np.int32)
    for target in reversed(targets):
        chosen = _chosen(list(_falling(level, start, target, should_stop)), target)
        better = _better(level, chosen, should_stop)
        level, of_rows = level.joined(better), better[of_rows]
        start = _Step(chosen.resolution, np.arange(level.n, dtype=np.int32), level.n)
        found.append(of_rows)
        report(STAGE, 0.6 + 0.4 * len(found) / len(targets))
    return _tree(found[::-1])


class _Step(NamedTuple):
    """Communities of the nodes of a level at a resolution, and how many of them are clusters."""

    resolution: float
    labels: NDArray[np.int32]
    n_clusters: int


class _Level(NamedTuple):
    """A graph, what each of its nodes weighs, and how many rows each is."""

    graph: Any
    mass: NDArray[np.float64]
    n_rows: NDArray[np.int64]

    @classmethod
    def of(cls, graph: Any) -> _Level:
        graph = graph.astype(np.float64)
        return cls(graph, np.asarray(graph.sum(axis=1)).ravel(), np.ones(graph.shape[0], np.int64))

    @property
    def n(self) -> int:
        return len(self.mass)

    def joined(self, labels: NDArray[np.int32]) -> _Level:
        from explorer.compute.communities import aggregated

        c = int(labels.max(initial=-1)) + 1
        n_rows = np.zeros(c, np.int64)
        np.add.at(n_rows, labels, self.n_rows)
        return _Level(aggregated(self.graph, labels), np.bincount(labels, self.mass, c).astype(np.float64), n_rows)

    def n_clusters(self) -> int:
        return int(np.count_nonzero(self.n_rows >= LEAST_ROWS))


def _settled(level: _Level, resolution: float, should_stop: ShouldStop, labels: NDArray[np.int32] | None = None) -> _Step:
    """Join nodes, then what came of them, until nothing gains from being joined."""
    from explorer.compute.communities import moved

    labels = np.arange(level.n, dtype=np.int32) if labels is None else labels
    joined = level.joined(labels)
    while True:
        step = moved(joined.graph, joined.mass, resolution, should_stop=should_stop)
        if int(step.max(initial=-1)) + 1 == joined.n:
            return _Step(resolution, labels, joined.n_clusters())
        joined, labels = joined.joined(step), step[labels]


def _falling(level: _Level, start: _Step, target: int, should_stop: ShouldStop) -> Iterator[_Step]:
    """Let the resolution fall until there are too few clusters for a layer."""
    joined, resolution, of_nodes = level.joined(start.labels), start.resolution, start.labels
    yield start
    while resolution > _LEAST_RESOLUTION and joined.n > _FEWER * target:  # groups that are no clusters yet count
        resolution /= _FALL
        step = _settled(joined, resolution, should_stop)
        joined, of_nodes = joined.joined(step.labels), step.labels[of_nodes]
        yield _Step(resolution, of_nodes, step.n_clusters)


def _chosen(steps: list[_Step], target: int) -> _Step:
    """Take a number of clusters that is near what a layer should have, and stays for long."""

    def far(run: list[_Step]) -> float:
        off = abs(float(np.log(max(1, run[0].n_clusters) / target)))
        return off - _STAYING * len(run) if off <= _NEAR else off

    best = min((list(run) for _, run in groupby(steps, key=lambda step: step.n_clusters)), key=far)
    return best[len(best) // 2]


def _better(level: _Level, chosen: _Step, should_stop: ShouldStop) -> NDArray[np.int32]:
    """Let single nodes change clusters once more; among few nodes, beginning anew at the same resolution may be better still."""
    from explorer.compute.communities import moved

    starts = [chosen.labels]
    if level.n <= _FEW_NODES:
        starts.append(_settled(level, chosen.resolution, should_stop).labels)
    found = [moved(level.graph, level.mass, chosen.resolution, labels, should_stop=should_stop) for labels in starts]
    return max(found, key=lambda labels: _worth(level.joined(labels), chosen.resolution))


def _worth(joined: _Level, resolution: float) -> float:
    """Modularity of communities, but for a factor and a constant."""
    expected = float((joined.mass**2).sum()) / max(float(joined.mass.sum()), 1e-300)
    return -float(joined.graph.sum()) - resolution * expected


def _tree(found: list[NDArray[np.int32]]) -> ClusterTree:
    """Give clusters numbers by their size, leave out groups that are none and layers that say nothing new, and link the layers."""
    layers: list[NDArray[np.int32]] = []
    for labels in found:
        layer = _by_size(labels)
        n = int(layer.max(initial=-1)) + 1
        if n > (int(layers[-1].max()) + 1 if layers else min(1, len(found) - 1)):
            layers.append(layer)
    if not layers and found and found[-1].size:
        last = _by_size(found[-1])
        layers = [last] if last.max() >= 0 else []
    parents = [_parents(layer, layers[at - 1] if at else np.full_like(layer, -1)) for at, layer in enumerate(layers)]
    return ClusterTree(tuple(layers), tuple(parents))


def _by_size(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    sizes = np.bincount(labels)
    order = np.argsort(-sizes, kind="stable")
    number = np.full(len(sizes), -1, np.int32)
    large = order[sizes[order] >= LEAST_ROWS]
    number[large] = np.arange(len(large), dtype=np.int32)
    return number[labels]


def _parents(layer: NDArray[np.int32], above: NDArray[np.int32]) -> NDArray[np.int32]:
    """Find for each cluster the one above that holds most of it."""
    n, n_above = int(layer.max(initial=-1)) + 1, int(above.max(initial=-1)) + 1
    both = (layer >= 0) & (above >= 0)
    parents = np.full(n, -1, np.int32)
    pairs, counts = np.unique(layer[both].astype(np.int64) * max(1, n_above) + above[both], return_counts=True)
    order = np.argsort(counts, kind="stable")  # the largest is written last
    parents[pairs[order] // max(1, n_above)] = (pairs[order] % max(1, n_above)).astype(np.int32)
    return parents
