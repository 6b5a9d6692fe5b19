"""New rows on a UMAP map that is there: umap-learn's ``transform``, with the epochs of our own. The rows of the map stay where they are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.fuzzy_set import curve, memberships
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never

__all__ = ["transform"]

SMALL: Final = 10_000  # rows of the map up to which more epochs are run, as in umap-learn
EPOCHS_SMALL: Final = 100
EPOCHS: Final = 30
NEGATIVES: Final = 5
SLOWER: Final = 4  # a step is that much shorter than a map's first one


def transform(
    coordinates: NDArray[np.float32],
    indices: NDArray[np.int32],
    distances: NDArray[np.float32],
    *,
    min_dist: float = 0.1,
    spread: float = 1.0,
    seed: int = 0,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> NDArray[np.float32]:
    """Place new rows near their nearest rows of a map.

    Parameters
    ----------
    coordinates : ndarray of shape (n, c), float32
        The map. Not changed.
    indices, distances : ndarray of shape (m, k), int32 and float32
        Of each new row, the nearest rows of the map and how far they are in the original space, ascending.
    min_dist, spread : float
        As the map was made with.
    seed : int
        Decides which rows push new ones away.
    report : callable(stage, fraction), optional
        Called once an epoch.
    should_stop : callable, optional
        Asked once an epoch.

    Returns
    -------
    ndarray of shape (m, c), float32
        A new row starts in the middle of its neighbors, weighted by membership, and is then moved for 30 epochs (100 on maps of up to
        10,000 rows). Equal bit for bit for equal arguments, whatever the number of threads; rows that are placed at once do not attract
        each other.

    Raises
    ------
    Stopped
        If ``should_stop()`` said so.
    """
    from explorer.compute.umap_epochs import coefficient_tables, pulls
    from explorer.compute.umap_layout import kernels

    attract, _ = kernels(coordinates.shape[1])

    n, m = len(coordinates), len(indices)
    near = memberships(distances)
    weights = near / near.sum(axis=1, keepdims=True)
    begun = np.einsum("mk,mkc->mc", weights, coordinates[indices].astype(np.float64)).astype(np.float32)
    epochs = EPOCHS_SMALL if n <= SMALL else EPOCHS
    strongest = float(near.max(initial=0.0))
    kept = near >= strongest / epochs
    every = (strongest / near[kept]).astype(np.float32)
    due = every.copy()
    starts = np.zeros(m + 1, np.int64)
    starts[1:] = np.cumsum(kept.sum(axis=1))
    ends = indices[kept].astype(np.int32)
    places = np.concatenate([coordinates, begun]).astype(np.float32, copy=False)
    moved = np.empty_like(begun)
    attraction, repulsion = coefficient_tables(*curve(spread, min_dist))
    for epoch in range(epochs):
        if should_stop():
            raise Stopped
        alpha = np.float32((1 - epoch / epochs) / SLOWER)
        tables = pulls(attraction, float(alpha)), repulsion
        attract(places, moved, n, n + m, starts, ends, every, due, epoch, alpha, seed, NEGATIVES, *tables)
        places[n:] = moved
        report("UMAP", (epoch + 1) / epochs)
    return places[n:].copy()
