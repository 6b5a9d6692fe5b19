"""UMAP where its edges do not fit in memory: landmark rows are laid out first, the others placed among them, then all are refined in parts.

What this costs in preservation is measured: a sample of the rows is laid out in this way and all at once, and both are compared.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import curve
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.progress import Cadence, LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, PLANE, Layout, Projection
from explorer.compute.umap_layout import NEGATIVES, UMAP, default_epochs
from explorer.errors import BadParameter

__all__ = ["LANDMARK_SHARE", "SAMPLE", "from_landmarks", "landmark_layout", "refining"]

LANDMARK_SHARE: Final = 0.16  # of the rows: a landmark for about each sixth, by 14 neighbors a row
SAMPLE: Final = 3_000  # rows on which the loss is measured: their graph is exact, in a second and 60 MB
KEPT_K: Final = 15
REFINED: Final = 0.75  # of the epochs: all rows are moved for so many; on WordNet it keeps what UMAP keeps, 0.5 keeps 0.92 of that
_PLACED, _SAMPLED = 0.2, 0.9  # of the progress: up to the end of the landmarks' epochs, up to the sample


def from_landmarks(chosen: Projection) -> bool:
    """Whether a layout with these parameters can be made from landmarks: UMAP in two dimensions, without density and target."""
    return isinstance(chosen, UMAP) and chosen.dimensions == PLANE and chosen.dens_lambda == 0 and not chosen.target


def refining(epochs: int) -> int:
    """Say for how many epochs all rows are moved, where a layout has so many."""
    return max(1, round(REFINED * epochs))


def landmark_layout(
    chosen: UMAP,
    vectors: NDArray[np.float32],
    graph: NeighborGraph,
    *,
    folder: Path,
    start: Snapshot | None = None,
    report: LayoutReport = ignore,
    should_stop: ShouldStop = never,
) -> Layout:
    """Lay rows out from landmarks; see :meth:`explorer.compute.projection.Projection.fit`.

    Parameters
    ----------
    chosen : UMAP
        Its parameters. Neither ``dens_lambda`` nor ``target`` may be set, and it has two dimensions.
    vectors : ndarray of shape (n, d), float32
        Those of a sample are looked at. Not changed.
    graph : NeighborGraph
        At least ``n_neighbors - 1`` neighbors. Its arrays may be mapped files.
    folder : path
        Where the edges are kept in a file meanwhile: about 180 bytes a row, with 14 neighbors.
    start, report, should_stop
        As of ``fit``.

    Returns
    -------
    Layout
        Equal bit for bit for equal vectors, graph and parameters, whatever the number of threads. ``stats`` has ``n_neighbors``,
        ``n_epochs``, how many ``landmarks`` there were, and of the sample ``sample_rows``, and which share of their 15 nearest
        neighbors such a layout keeps, ``sample_kept``, and one of all at once, ``sample_kept_at_once``.

    Raises
    ------
    ParameterError, Stopped
    OSError
        If the file cannot be written.
    """
    chosen.check(*vectors.shape)
    if chosen.dimensions != PLANE:
        raise BadParameter("n_components", chosen.dimensions, f"a layout from landmarks has {PLANE} dimensions.")
    n = len(vectors)
    begun = chosen.start(vectors, should_stop=should_stop) if start is None else start
    size = min(chosen.n_neighbors, n)

    def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        report(stage, _SAMPLED * fraction, layout)

    coordinates, landmarks = _laid_out(chosen, graph, begun, size, folder, told, should_stop)
    stats = {"n_neighbors": float(size), "n_epochs": float(begun.iterations), "landmarks": float(landmarks)}
    stats |= _loss(chosen, vectors, folder, report, should_stop)
    report(chosen.title, 1.0, None)
    return Layout(coordinates, chosen.method, chosen.settings(), stats)


def _laid_out(
    chosen: UMAP, graph: NeighborGraph, begun: Snapshot, size: int, folder: Path, report: LayoutReport, should_stop: ShouldStop
) -> tuple[NDArray[np.float32], int]:
    """Lay out from landmarks: coordinates (n, 2), and how many landmarks there were."""
    from explorer.compute.landmarks import choose_landmarks, landmark_neighbors, place_others
    from explorer.compute.umap_epochs import coefficient_tables
    from explorer.compute.umap_parts import Parts, scales_of

    title, k, cadence = chosen.title, size - 1, Cadence()
    near, far = graph.indices[:, :k], graph.distances[:, :k]
    tables = coefficient_tables(*curve(chosen.spread, chosen.min_dist))
    few, many = begun.iterations, refining(begun.iterations)
    report(title, 0.0)
    scales = scales_of(near, far, should_stop)
    rows = np.flatnonzero(choose_landmarks(near, far, should_stop)).astype(np.int32)
    numbers = np.full(len(near), -1, np.int32)
    numbers[rows] = np.arange(len(rows), dtype=np.int32)
    among = landmark_neighbors(graph.indices, graph.distances, rows, numbers, k=max(1, min(k, len(rows) - 1)), should_stop=should_stop)
    placed = partial(place_others, near, far, scales, numbers, should_stop=should_stop)
    parts = Parts(*among, begun.coordinates[rows], epochs=few, folder=folder, should_stop=should_stop)
    del among
    for epoch in range(few):
        parts.run(epoch, chosen.seed, NEGATIVES, *tables)
        if cadence.due():
            with cadence.timed():
                shown = Snapshot(placed(parts.coordinates), epoch + 1, few + many)
                report(title, _PLACED * (epoch + 1) / few, shown)
    coordinates = placed(parts.coordinates)
    del parts
    parts = Parts(near, far, coordinates, epochs=many, folder=folder, scales=scales, should_stop=should_stop)
    del coordinates, numbers, scales
    for epoch in range(many):
        parts.run(epoch, chosen.seed, NEGATIVES, *tables)
        if cadence.due():
            with cadence.timed():
                report(title, _PLACED + (1 - _PLACED) * (epoch + 1) / many, Snapshot(parts.coordinates, few + epoch + 1, few + many))
    result = parts.coordinates
    report(title, 1.0, Snapshot(result, few + many, few + many))
    return result, len(rows)


def _loss(chosen: UMAP, vectors: NDArray[np.float32], folder: Path, report: LayoutReport, should_stop: ShouldStop) -> dict[str, float]:
    """Lay out a sample in both ways, and say what each keeps."""
    from explorer.compute.preservation import preservation

    random = np.random.default_rng(chosen.seed)
    rows = np.sort(random.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))
    some = np.ascontiguousarray(vectors[rows])

    def told(begin: float, end: float) -> LayoutReport:
        def tell(stage: str, fraction: float, layout: Snapshot | None = None) -> None:  # not the layout of all rows
            report("measuring the loss", _SAMPLED + (1 - _SAMPLED) * (begin + (end - begin) * fraction))

        return tell

    k = min(max(GRAPH_K, chosen.n_neighbors - 1), len(rows) - 1)
    graph = neighbor_graph(some, k=k, metric=chosen.metric, report=told(0.0, 0.4), should_stop=should_stop)
    # as many epochs as all rows have
    like = UMAP(**{**chosen.settings(), "n_epochs": chosen.n_epochs or default_epochs(len(vectors))})
    start, size = like.start(some, should_stop=should_stop), min(like.n_neighbors, len(rows))
    at_once = like.fit(some, graph, start=start, report=told(0.4, 0.7), should_stop=should_stop).coordinates
    by_parts, _ = _laid_out(like, graph, start, size, folder, told(0.7, 1.0), should_stop)
    if should_stop():
        raise Stopped
    kept = [preservation(graph.indices, layout).kept for layout in (by_parts, at_once)]
    of = KEPT_K if KEPT_K in kept[0] else max(kept[0])
    figures = [float(np.nanmean(each[of])) for each in kept]
    return {"sample_rows": float(len(rows)), "sample_kept": figures[0], "sample_kept_at_once": figures[1]}
