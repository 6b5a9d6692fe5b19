"""New rows among those that are there: their nearest rows, their places on layouts, and whether the data knows anything like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.compute.direct_search import Direct
from explorer.compute.neighbors import nearest_among, nearest_rows
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.compute.projection import Layout
from explorer.compute.space import space_of
from explorer.errors import BadParameter

__all__ = ["EDGE", "INSIDE", "NEIGHBORS", "Familiarity", "Placed", "check_new", "familiarity", "nearest", "own_reach", "place"]

NEIGHBORS: Final = 15  # that are shown, and that confidence and preservation look at
INSIDE: Final = 0.05
EDGE: Final = 0.01
SAMPLE: Final = 2_000  # rows whose own neighbors say what is usual
_FEW: Final = 32  # new rows up to which one pass over the data for each is cheaper than a copy of the data
_LINEAR: Final = 1e-3  # what a linear layout may be off by, as a share of its spread: float32 and a few digits of a file
_BLOCK: Final = 65_536
_STAGE: Final = "nearest rows"

How = Literal["linear", "umap", "tsne", "neighbors"]
Word = Literal["inside", "at the edge", "outside"]


@dataclass(frozen=True, eq=False)
class Placed:
    """Where new rows are on a layout.

    Attributes
    ----------
    coordinates : ndarray of shape (m, c), float32
    how : {"linear", "umap", "tsne", "neighbors"}
        By the matrix of a linear layout, as UMAP or t-SNE place new rows, or in the weighted middle of the nearest rows.
    kept : ndarray of shape (m,), float32
        The share of the 15 truly nearest rows that are among the 15 nearest on the layout, too.
    """

    coordinates: NDArray[np.float32]
    how: How
    kept: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Whether the data knows anything like new rows.

    Attributes
    ----------
    confidence : ndarray of shape (m,), float32
        The share of the data's own rows that are at least as far from their 15th nearest row as the new one is from its own.
    """

    confidence: NDArray[np.float32]

    @property
    def words(self) -> list[Word]:
        """Say it: the data's own rows would be "inside" in 95 of 100 cases, and "outside" in fewer than one."""
        return ["inside" if each >= INSIDE else "at the edge" if each >= EDGE else "outside" for each in self.confidence]


def check_new(new: NDArray[Any], d: int, metric: str) -> NDArray[np.float32]:
    """Return new vectors as (m, d) float32.

    Raises
    ------
    BadParameter
        If there are none, they have other dimensions, or one is not finite or, where the metric compares directions, has none.
    """
    made = np.asarray(new, np.float32)
    made = made[None] if made.ndim == 1 else made
    if made.ndim != 2 or made.shape[1] != d or not len(made):  # noqa: PLR2004 - rows and dimensions
        raise BadParameter("vectors", f"an array of shape {np.shape(new)}", f"give at least one vector of {d:,} numbers, as the data has.")
    usable = np.isfinite(made).all(axis=1)
    if not usable.all():
        raise BadParameter("vectors", f"vector {int(np.argmin(usable))}", "it holds a number that is missing, infinite or too large.")
    directed = made.any(axis=1) if metric == "cosine" else (made != made[:, :1]).any(axis=1) if metric == "correlation" else usable
    if not directed.all():
        row = int(np.argmin(directed))
        raise BadParameter("vectors", f"vector {row}", f"all its numbers are the same, so {metric} distance cannot compare it.")
    return np.ascontiguousarray(made)


def nearest(
    vectors: NDArray[np.float32], new: NDArray[np.float32], *, k: int, metric: str, should_stop: ShouldStop = never
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the rows nearest to new vectors (m, d), exactly: rows and distances (m, k), k at most n.

    Raises
    ------
    BadParameter, UnknownChoice, Stopped
    """
    k = min(k, len(vectors))
    if len(new) > _FEW or metric == "dot":  # whose distances have to count from the longest vector, be it a new one
        if should_stop():
            raise Stopped
        return nearest_among(vectors, new, k=k, metric=metric)
    rows, distances = np.empty((len(new), k), np.int32), np.empty((len(new), k), np.float32)
    for i, vector in enumerate(new):
        if should_stop():
            raise Stopped
        rows[i], distances[i] = nearest_rows(vectors, vector, k=k, metric=metric)
    return rows, distances


def own_reach(vectors: NDArray[np.float32], *, k: int, metric: str, should_stop: ShouldStop = never) -> NDArray[np.float32]:
    """Measure how far rows of the data are from their k-th nearest: of up to 2,000 rows, (s,), ascending."""
    from explorer.compute.layout_rows import some_of  # numba, which who only asks for places has no need of

    k = min(k, len(vectors) - 1)
    if k < 1:
        return np.empty(0, np.float32)
    space, rows = space_of(vectors, metric, k), some_of(np.arange(len(vectors), dtype=np.int32), SAMPLE).astype(np.intp)
    found = []
    for at in range(0, len(rows), space.block):
        if should_stop():
            raise Stopped
        found.append(space.distances(space.nearest(rows[at : at + space.block])[1])[:, k - 1])
    return np.sort(np.concatenate(found))


def familiarity(
    vectors: NDArray[np.float32], new: NDArray[np.float32], distances: NDArray[np.float32], reach: NDArray[np.float32], *, metric: str
) -> Familiarity:
    """Compare how far new rows are from their k-th nearest with how far the data's rows are.

    Parameters
    ----------
    vectors, new : ndarray of shape (n, d) and (m, d), float32
    distances : ndarray of shape (m, k), float32
        As :func:`nearest` found them.
    reach : ndarray of shape (s,), float32
        Of :func:`own_reach` with the same k, ascending; where it is empty, nothing is known and confidence is 0.
    metric : str
        Of both.
    """
    k = min(distances.shape[1], len(vectors) - 1)
    if not len(reach):
        return Familiarity(np.zeros(len(new), np.float32))
    far = distances[:, k - 1].astype(np.float64)
    if metric == "dot":  # those count from the longest of all vectors, new ones too
        own = Direct.of(vectors, metric).largest
        far -= max(0.0, float(np.square(new, dtype=np.float64).sum(axis=1).max()) - own)
    near_enough = far * (1 - 1e-6)  # two searches may differ in the last digit
    return Familiarity((1 - np.searchsorted(reach, near_enough, side="left") / len(reach)).astype(np.float32))


def place(
    vectors: NDArray[np.float32],
    layout: Layout,
    new: NDArray[np.float32],
    *,
    metric: str = "cosine",
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Placed:
    """Place new rows on a layout, whose own rows stay where they are.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
        Of the rows of the layout.
    layout : Layout
        Rows without a place count as not there.
    new : ndarray of shape (m, d), float32
        As :func:`check_new` returns them.
    metric : str
        Of the neighbors, where the layout does not name one.
    report, should_stop : callable, optional
        Called and asked between the steps.

    Returns
    -------
    Placed
        Rows of the data are placed by a linear layout where they are already. Nothing here is random but UMAP's seed.

    Raises
    ------
    BadParameter
        If no row has a place on the layout, or the vectors do not fit.
    Stopped
    """
    there = np.isfinite(layout.coordinates).all(axis=1)
    if not there.any():
        raise BadParameter("layout", layout.method, "no row has a place on it.")
    coordinates = layout.coordinates if there.all() else layout.coordinates[there]
    vectors = vectors if there.all() else vectors[there]
    metric = str(layout.params.get("metric", metric))
    new = check_new(new, vectors.shape[1], metric)
    k = max(NEIGHBORS, int(_number(layout.params, "n_neighbors", 0)) - 1)
    report(_STAGE, 0.0)
    rows, distances = nearest(vectors, new, k=k, metric=metric, should_stop=should_stop)
    how, placed = _placed(vectors, layout, coordinates, new, rows, distances, report, should_stop)
    return Placed(placed, how, _kept(coordinates, placed, rows[:, :NEIGHBORS]))


def _placed(
    vectors: NDArray[np.float32],
    layout: Layout,
    coordinates: NDArray[np.float32],
    new: NDArray[np.float32],
    rows: NDArray[np.int32],
    distances: NDArray[np.float32],
    report: Report,
    should_stop: ShouldStop,
) -> tuple[How, NDArray[np.float32]]:
    from explorer.compute.fuzzy_set import memberships
    from explorer.compute.tsne_transform import EXAGGERATION
    from explorer.compute.tsne_transform import transform as transform_tsne
    from explorer.compute.umap_transform import transform as transform_umap

    params = layout.params
    if layout.method in ("pca", "axes"):
        matrix = _matrix(vectors, coordinates, should_stop)
        if matrix is not None:
            return "linear", matrix(new)
    if layout.method == "umap":
        k = max(1, min(rows.shape[1], int(_number(params, "n_neighbors", 15)) - 1))
        shape = {name: _number(params, name, usual) for name, usual in (("min_dist", 0.1), ("spread", 1.0))}
        seed = int(_number(params, "seed", 0))
        made = transform_umap(coordinates, rows[:, :k], distances[:, :k], **shape, seed=seed, report=report, should_stop=should_stop)
        return "umap", made
    if layout.method == "tsne":
        pull = max(EXAGGERATION, _number(params, "exaggeration", 1.0))
        return "tsne", transform_tsne(coordinates, rows, distances, exaggeration=pull, report=report, should_stop=should_stop)
    weights = memberships(distances[:, :NEIGHBORS])
    weights = weights / weights.sum(axis=1, keepdims=True)
    middle = np.einsum("mk,mkc->mc", weights, coordinates[rows[:, :NEIGHBORS]].astype(np.float64))
    return "neighbors", middle.astype(np.float32)


def _number(params: Mapping[str, object], name: str, usual: float) -> float:
    value = params.get(name, usual)
    return float(value) if isinstance(value, int | float) else usual


def _matrix(
    vectors: NDArray[np.float32], coordinates: NDArray[np.float32], should_stop: ShouldStop
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]] | None:
    """Find the affine map from vectors to coordinates, the shortest there is; None where these do not depend on them so."""
    n, d = vectors.shape
    mean, middle = vectors.mean(axis=0, dtype=np.float64), coordinates.mean(axis=0, dtype=np.float64)
    goal = coordinates - middle
    if n <= d:
        centered = vectors - mean
        directions = centered.T @ (_inverse(centered @ centered.T) @ goal)
    else:
        squared, product = np.zeros((d, d)), np.zeros((d, coordinates.shape[1]))
        for at in range(0, n, _BLOCK):
            if should_stop():
                raise Stopped
            block = vectors[at : at + _BLOCK] - mean
            squared += block.T @ block
            product += block.T @ goal[at : at + _BLOCK]
        directions = _inverse(squared) @ product

    def mapped(some: NDArray[np.float32]) -> NDArray[np.float32]:
        made: NDArray[np.float32] = ((some - mean) @ directions + middle).astype(np.float32)
        return made

    off = max(float(np.abs(mapped(vectors[at : at + _BLOCK]) - coordinates[at : at + _BLOCK]).max()) for at in range(0, n, _BLOCK))
    return mapped if off <= _LINEAR * float(np.abs(goal).max()) else None


def _inverse(symmetric: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.pinv(symmetric, rcond=1e-11, hermitian=True), np.float64)


def _kept(coordinates: NDArray[np.float32], placed: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
    """Say which share of the truly nearest rows (m, k) are among the k nearest to a place."""
    k = rows.shape[1]
    kept = np.empty(len(placed), np.float32)
    for i, spot in enumerate(placed):
        squared = np.square(coordinates - spot).sum(axis=1)
        kept[i] = (squared[rows[i]] <= np.partition(squared, k - 1)[k - 1]).mean()
    return kept
