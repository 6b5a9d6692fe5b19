"""How much of each row's true neighborhood a layout keeps, and what it makes up: a figure for every row.

With k true neighbors and k neighbors in the layout, what is missing and what is false come to the same number. So both are counted with
some patience: a true neighbor is missing where it is not even among twice as many in the layout, a neighbor in the layout is false where
it is not even among twice as many true ones. The pair of the two is that of CheckViz (Lespinats & Aupetit, Computer Graphics Forum 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.progress import ShouldStop, Stopped, never
from explorer.errors import BadParameter

__all__ = ["PATIENT_K", "PRESERVED_K", "Preservation", "layout_neighbors", "nearest_places", "places_tree", "preservation"]

PRESERVED_K: Final = (5, 15, 30)
PATIENT_K: Final = 15  # of false and missing neighbors, looked for among twice as many
BLOCK: Final = 65_536  # rows
JITTER: Final = 1e-9  # of the layout's extent: rows at the same place come in an order that is fair, and cost no more than others


@dataclass(frozen=True, eq=False)
class Preservation:
    """What a layout keeps of each row's neighborhood; shares from 0 to 1, NaN where a row has no neighbors.

    Attributes
    ----------
    kept : mapping of int to ndarray of shape (n,), float32
        By k: the share of a row's k true neighbors that are among its k nearest in the layout. 1 is perfect; chance gives k / (n - 1).
    false : ndarray of shape (n,), float32
        The share of its nearest 15 in the layout that are not among its 30 true neighbors.
    missing : ndarray of shape (n,), float32
        The share of its 15 true neighbors that are not among its nearest 30 in the layout.
    """

    kept: dict[int, NDArray[np.float32]]
    false: NDArray[np.float32]
    missing: NDArray[np.float32]


def preservation(
    indices: NDArray[np.int32], layout: NDArray[np.float32], *, threads: int = 1, should_stop: ShouldStop = never
) -> Preservation:
    """Count for every row which of its true neighbors a layout keeps.

    Parameters
    ----------
    indices : ndarray of shape (n, k), int32
        Each row's true neighbors, nearest first, without the row itself; -1 for none. Not changed.
    layout : ndarray of shape (n, d), float32
        Finite where a row has neighbors.
    threads : int
        That look for neighbors in the layout.
    should_stop : callable, optional
        Asked every 65,536 rows.

    Returns
    -------
    Preservation
        ``kept`` for those of 5, 15 and 30 that there are neighbors for, or for all there are; ``false`` and ``missing`` with fewer than 15
        and 30 where there are not so many. O(n log n), exact.

    Raises
    ------
    BadParameter
        If they do not have the same number of rows.
    Stopped
        If ``should_stop()`` said so.
    """
    if len(indices) != len(layout):
        raise BadParameter("layout", f"{len(layout):,} rows", f"the neighbor graph has {len(indices):,}.")
    from explorer.compute.neighbor_overlap import NOBODY, NOWHERE, overlaps  # loads numba

    n, k = indices.shape
    rows = np.flatnonzero((indices[:, 0] >= 0) & np.isfinite(layout).all(axis=1)) if k else np.empty(0, np.intp)
    k = min(k, max(len(rows) - 1, 0), max(PRESERVED_K))
    sizes = np.array([size for size in PRESERVED_K if size <= k] or [max(k, 1)], np.int64)
    patient = max(1, min(PATIENT_K, k // 2))
    counts = np.full((len(sizes) + 2, n), np.nan, np.float32)
    if k:
        place = np.full(n, NOWHERE, np.int32)  # a true neighbor that the layout leaves out is not kept
        place[rows] = np.arange(len(rows), dtype=np.int32)
        tree = places_tree(layout[rows])
        for at in range(0, len(rows), BLOCK):
            if should_stop():
                raise Stopped
            some = np.arange(at, min(at + BLOCK, len(rows)))
            true = indices[rows[some], :k]
            near = nearest_places(tree, some, k, threads)
            found = np.empty((len(counts), len(some)), np.float32)
            overlaps(np.where(true >= 0, place[true], NOBODY).astype(np.int32), near, sizes, patient, found)
            counts[:, rows[some]] = found
    kept = {int(size): counts[at] for at, size in enumerate(sizes)}
    return Preservation(kept, counts[-2], counts[-1])


def layout_neighbors(layout: NDArray[np.float32], k: int, *, threads: int = 1) -> NDArray[np.int32]:
    """Find the k nearest rows of each row in a layout (n, d) of finite values: row numbers (n, k) int32, nearest first, never itself."""
    return nearest_places(places_tree(layout), np.arange(len(layout)), k, threads)


def places_tree(layout: NDArray[np.float32]) -> Any:
    """Make a tree of the places of rows (n, d), finite, for :func:`nearest_places`."""
    from scipy.spatial import cKDTree

    places = layout.astype(np.float64)
    extent = float(np.ptp(places, axis=0).max()) or 1.0
    places += np.random.default_rng(0).uniform(-JITTER * extent, JITTER * extent, places.shape)
    return cKDTree(places, balanced_tree=False, compact_nodes=False)


def nearest_places(tree: Any, rows: NDArray[np.integer], k: int, threads: int) -> NDArray[np.int32]:
    """Find the k nearest rows of some rows (b,) in a tree: (b, k) int32, nearest first, never itself."""
    _, near = tree.query(tree.data[rows], k=k + 1, workers=threads)
    near = np.atleast_2d(near).astype(np.int32)
    own = near == rows[:, None]
    own[:, -1] |= ~own.any(axis=1)  # crowded out by others at the same place
    return near[~own].reshape(len(rows), k)
