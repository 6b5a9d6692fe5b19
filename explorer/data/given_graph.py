"""A neighbor graph that came with the data: checked before anything trusts it, its distances recomputed from the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from explorer.data.dataset import GivenGraph
from explorer.data.matrices import as_floats, list_lengths, storage
from explorer.data.vectors import is_list
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.annotations import NotedGraph
    from explorer.data.columns import Columns

__all__ = ["METRICS", "FoundGraph", "graph_of", "read_graph"]

METRICS = ("cosine", "euclidean")  # whose distances can be recomputed here; a graph of another metric needs them in a column

_BLOCK_VALUES = 1 << 22
_COMPARED_ROWS = 10_000
_TOLERANCE = 1e-3


class FoundGraph(NamedTuple):
    """Neighbors that came beside vectors, perhaps of others: row numbers and distances of shape (n_rows, k), in any order."""

    indices: NDArray[np.int64]
    distances: NDArray[np.float32]
    metric: str


def graph_of(found: FoundGraph, vectors: NDArray[np.float32], drawable: NDArray[np.bool_], source: str) -> GivenGraph | None:
    """Take a graph if it is one of these vectors: if the distances are theirs, which is looked at for some thousand rows.

    Parameters
    ----------
    found : FoundGraph
    vectors : ndarray of shape (n_rows, d), float32
    drawable : ndarray of shape (n_rows,), bool
    source : str
        What sentences call the file.

    Returns
    -------
    GivenGraph or None
        None where it is of other vectors or another metric, or breaks a rule of :func:`read_graph`.
    """
    if found.metric not in METRICS:
        return None
    try:
        _check(found.indices, drawable, "neighbors", source)
    except Unreadable:
        return None
    rows = np.flatnonzero(drawable)
    some = rows[:: max(1, len(rows) // _COMPARED_ROWS)]
    theirs = _distances(vectors, found.indices, found.metric, some)
    if not np.allclose(found.distances[some], theirs, rtol=_TOLERANCE, atol=_TOLERANCE * float(np.median(theirs))):
        return None
    return _in_order(np.where(drawable[:, None], found.indices, -1), found.distances.copy(), found.metric, drawable)


def read_graph(columns: Columns, noted: NotedGraph, vectors: NDArray[np.float32], drawable: NDArray[np.bool_], source: str) -> GivenGraph:
    """Read a graph and check it.

    Parameters
    ----------
    columns : Columns
    noted : NotedGraph
        What the file's own metadata says of the graph.
    vectors : ndarray of shape (n_rows, d), float32
    drawable : ndarray of shape (n_rows,), bool
    source : str
        What sentences call the file.

    Returns
    -------
    GivenGraph
        Distances as the file has them, or else recomputed: n_rows * k * d multiplications, in blocks.

    Raises
    ------
    Unreadable
        If a column is missing, lists differ in length, or a row's neighbors are out of bounds, itself, repeated, or without usable vectors.
    """
    for name in filter(None, (noted.indices, noted.distances)):
        if name not in columns.schema.names or not is_list(columns.schema.field(name).type):
            raise Unreadable(
                source, f"its explorer metadata says that neighbors are in column {name}, which is no column of lists of numbers."
            )
    k = _width(columns, noted.indices, source)
    listed = _matrix(columns, noted.indices, k, drawable, source)
    indices = np.where(np.isfinite(listed), listed, -1).astype(np.int64)
    _check(indices, drawable, noted.indices, source)
    if noted.distances is not None:
        distances = _matrix(columns, noted.distances, k, drawable, source).astype(np.float32)
        if not np.isfinite(distances[drawable]).all():
            row = int(np.flatnonzero(drawable & ~np.isfinite(distances).all(axis=1))[0])
            raise Unreadable(source, f"row {row} has a distance in column {noted.distances} that is not finite.")
    elif noted.metric in METRICS:
        distances = _distances(vectors, indices, noted.metric, np.arange(len(vectors)))
    else:
        raise Unreadable(source, f"its neighbors are {noted.metric} ones, whose distances it must hold in a column too.")
    return _in_order(indices, distances, noted.metric, drawable)


def _in_order(indices: NDArray[np.int64], distances: NDArray[np.float32], metric: str, drawable: NDArray[np.bool_]) -> GivenGraph:
    """Sort each row's neighbors by distance."""
    distances[~drawable] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")
    return GivenGraph(np.take_along_axis(indices, order, axis=1).astype(np.int32), np.take_along_axis(distances, order, axis=1), metric)


def _width(columns: Columns, name: str, source: str) -> int:
    kind = columns.schema.field(name).type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    longest = max((int(list_lengths(storage(batch.column(0))).max(initial=0)) for batch in columns.batches([name])), default=0)
    if not longest:
        raise Unreadable(source, f"no row has neighbors in column {name}.")
    return longest


def _matrix(columns: Columns, name: str, k: int, drawable: NDArray[np.bool_], source: str) -> NDArray[np.float64]:
    """Read lists of k numbers; a row that cannot be drawn needs none."""
    matrix = np.full((columns.n_rows, k), -1.0)
    start = 0
    for batch in columns.batches([name]):
        lists = storage(batch.column(0))
        lengths = list_lengths(lists)
        odd = np.flatnonzero((lengths != k) & ((lengths > 0) | drawable[start : start + len(lists)]))
        if odd.size:
            raise Unreadable(source, f"row {start + int(odd[0])} has {lengths[odd[0]]} values in column {name}, other rows have {k}.")
        values: NDArray[Any] = as_floats(lists.flatten()).reshape(-1, k)
        matrix[start : start + len(lists)][lengths > 0] = values
        start += len(lists)
    matrix[~drawable] = -1
    return matrix


def _check(indices: NDArray[np.int64], drawable: NDArray[np.bool_], name: str, source: str) -> None:
    n = len(drawable)
    rows = np.flatnonzero(drawable)
    listed = indices[rows]
    outside = ((listed < 0) | (listed >= n)).any(axis=1)
    if outside.any():
        raise Unreadable(source, f"row {rows[outside.argmax()]} lists a neighbor in column {name} that is not one of its {n:,} rows.")
    itself = (listed == rows[:, None]).any(axis=1)
    if itself.any():
        raise Unreadable(source, f"row {rows[itself.argmax()]} lists itself as a neighbor in column {name}.")
    in_order = np.sort(listed, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]).any(axis=1)
    if twice.any():
        raise Unreadable(source, f"row {rows[twice.argmax()]} lists a neighbor in column {name} twice.")
    lost = ~drawable[listed].all(axis=1)
    if lost.any():
        raise Unreadable(source, f"row {rows[lost.argmax()]} lists a neighbor in column {name} that has no usable vector.")


def _distances(vectors: NDArray[np.float32], indices: NDArray[np.int64], metric: str, wanted: NDArray[np.integer]) -> NDArray[np.float32]:
    """Compute the distances between the wanted rows and their neighbors: shape (len(wanted), k)."""
    k = indices.shape[1]
    distances = np.empty((len(wanted), k), np.float32)
    step = max(1, _BLOCK_VALUES // (k * vectors.shape[1]))
    with np.errstate(all="ignore"):  # rows that are not drawable are NaN or zero; the caller gives them inf
        for start in range(0, len(wanted), step):
            rows = wanted[start : start + step]
            theirs = vectors[indices[rows]]
            own = vectors[rows]
            if metric == "cosine":
                dots = np.matmul(theirs, own[:, :, None])[:, :, 0]
                norms = np.sqrt(np.einsum("ij,ij->i", own, own)[:, None] * np.einsum("ikj,ikj->ik", theirs, theirs))
                distances[start : start + step] = np.maximum(0, 1 - dots / norms)
            else:
                difference = theirs - own[:, None, :]
                distances[start : start + step] = np.sqrt(np.einsum("ikj,ikj->ik", difference, difference))
    return distances
