"""What a neighbor graph says of each row by itself: outliers, hubs, local dimension, near-duplicates, pieces, other neighbors."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.exact_search import ANGULAR
from explorer.compute.neighbors import NeighborGraph
from explorer.errors import BadParameter

__all__ = ["components", "graph_columns", "in_degree", "kth_distance", "label_disagreement", "local_dimension", "near_duplicates"]

DUPLICATE_SHARE: Final = 0.1  # of the usual gap to the k-th neighbor
_BLOCK: Final = 65_536  # rows
_FEWEST: Final = 3  # neighbors from which a dimension can be told


def graph_columns(graph: NeighborGraph) -> dict[str, NDArray[np.float32]]:
    """Give all of these at once, (n,) float32 each: ``distance``, ``in_degree``, ``dimension``, ``duplicates``, ``component``."""
    return {
        "distance": kth_distance(graph),
        "in_degree": in_degree(graph),
        "dimension": local_dimension(graph),
        "duplicates": near_duplicates(graph),
        "component": components(graph),
    }


def kth_distance(graph: NeighborGraph) -> NDArray[np.float32]:
    """Say how far each row's last neighbor is, (n,) float32 in units of the metric: outliers have far ones. NaN where a row has none."""
    last = graph.distances[:, -1] if graph.k else np.full(len(graph.indices), np.inf, np.float32)
    return np.where(np.isfinite(last), last, np.nan).astype(np.float32)


def in_degree(graph: NeighborGraph) -> NDArray[np.float32]:
    """Count whose neighbor each row is, (n,) float32: k on average; hubs have many times as many, outliers none. NaN as above."""
    counts = np.bincount(graph.indices[graph.indices >= 0], minlength=len(graph.indices)).astype(np.float32)
    return np.where(_there(graph), counts, np.nan).astype(np.float32)


def local_dimension(graph: NeighborGraph) -> NDArray[np.float32]:
    """Estimate the dimension of the data around each row from how quickly its neighbors become more with the distance.

    Maximum likelihood (Levina & Bickel, NIPS 2004), without bias for the number of neighbors. Neighbors at distance 0 tell nothing and are
    left out.

    Returns
    -------
    ndarray of shape (n,), float32
        NaN where fewer than three neighbors are left, or all of them are at one distance.
    """
    return np.concatenate([_dimension(_gaps(graph, rows)) for rows in _blocks(graph)] or [np.empty(0, np.float32)])


def near_duplicates(graph: NeighborGraph, *, within: float | None = None) -> NDArray[np.float32]:
    """Find groups of rows that are nearly the same, each row nearly the same as another of its group.

    Parameters
    ----------
    graph : NeighborGraph
    within : float, optional
        Distance up to which two rows are nearly the same. By default a tenth of the usual gap to the k-th neighbor, as a distance of the
        metric; equal rows always are.

    Returns
    -------
    ndarray of shape (n,), float32
        1 for the largest group, and so on, of equally large ones that with the lowest row number first; NaN for rows like no other.
    """
    if within is None:
        last = kth_distance(graph)
        usual = float(np.nanmedian(last)) if np.isfinite(last).any() else 0.0
        within = usual * (DUPLICATE_SHARE**2 if graph.metric in ANGULAR else DUPLICATE_SHARE)  # cosine distance goes with the square
    labels, sizes = _pieces(graph, (graph.distances <= within) & (graph.indices >= 0))
    rank = np.full(len(sizes), np.nan)
    several = np.flatnonzero(sizes > 1)
    rank[several[np.argsort(-sizes[several], kind="stable")]] = np.arange(1, len(several) + 1)
    return rank[labels].astype(np.float32)


def components(graph: NeighborGraph) -> NDArray[np.float32]:
    """Find the pieces of the graph that no edge connects, (n,) float32: 1 for the largest, and so on; NaN where a row has none."""
    there = _there(graph)
    labels, sizes = _pieces(graph, graph.indices >= 0)
    sizes[np.setdiff1d(labels[~there], labels[there])] = 0
    rank = np.empty(len(sizes))
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    return np.where(there, rank[labels], np.nan).astype(np.float32)


def label_disagreement(graph: NeighborGraph, codes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Say which share of each row's neighbors is of another category.

    Parameters
    ----------
    graph : NeighborGraph
    codes : ndarray of shape (n,), integer
        Each row's category; negative where it has none: such rows and neighbors do not count.

    Returns
    -------
    ndarray of shape (n,), float32
        From 0 to 1; NaN where a row has no category, or no neighbor with one.

    Raises
    ------
    BadParameter
        If there is not one code for each row.
    """
    if codes.shape != (len(graph.indices),):
        raise BadParameter("codes", f"an array of shape {codes.shape}", f"give one for each of the {len(graph.indices):,} rows.")
    return np.concatenate([_disagreement(graph.indices[rows], codes, codes[rows]) for rows in _blocks(graph)] or [np.empty(0, np.float32)])


def _dimension(gaps: NDArray[np.float64]) -> NDArray[np.float32]:
    known = np.isfinite(gaps) & (gaps > 0)
    farthest = np.where(known, gaps, 0).max(axis=1, initial=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(known, np.log(farthest[:, None] / gaps), 0).sum(axis=1)
        dimension = (known.sum(axis=1) - 2) / ratios
    return np.where((known.sum(axis=1) >= _FEWEST) & (ratios > 0), dimension, np.nan).astype(np.float32)


def _disagreement(indices: NDArray[np.int32], codes: NDArray[np.integer], own: NDArray[np.integer]) -> NDArray[np.float32]:
    theirs = np.where(indices >= 0, codes[indices], -1)
    known = theirs >= 0
    other = (known & (theirs != own[:, None])).sum(axis=1)
    of = known.sum(axis=1)
    return np.where((own >= 0) & (of > 0), other / np.maximum(of, 1), np.nan).astype(np.float32)


def _blocks(graph: NeighborGraph) -> list[slice]:
    return [slice(at, at + _BLOCK) for at in range(0, len(graph.indices), _BLOCK)]


def _gaps(graph: NeighborGraph, rows: slice) -> NDArray[np.float64]:
    """Distances as lengths: cosine distance is half the square of one."""
    wide = graph.distances[rows].astype(np.float64)
    return np.sqrt(2 * np.maximum(wide, 0)) if graph.metric in ANGULAR else wide


def _there(graph: NeighborGraph) -> NDArray[np.bool_]:
    return np.asarray((graph.indices >= 0).any(axis=1))


def _pieces(graph: NeighborGraph, edges_of: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find the pieces that some of the edges connect: each row's label (n,), and how many rows have it; labels go by the lowest row."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    ends = graph.indices[edges_of]
    starts = np.concatenate([[0], np.cumsum(edges_of.sum(axis=1))])
    edges = csr_array((np.ones(len(ends), np.int8), ends, starts), shape=(len(graph.indices),) * 2)
    _, labels = connected_components(edges, directed=False)
    return labels, np.bincount(labels)
