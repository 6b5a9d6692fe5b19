"""Results into a copy of AnnData's .h5ad: layouts into obsm, new columns into obs, neighbors into obsp; all else stays as it was."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from explorer.data.hdf5_files import inside, open_hdf5
from explorer.data.vectors import is_number
from explorer.errors import DataError, Unwritable

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

    from explorer.data.dataset import Dataset

__all__ = ["check_origin", "write_copy"]

_OURS = "explorer"
_ARRAY = ("array", "0.2.0")
_DICT = ("dict", "0.1.0")
_TEXT = ("string", "0.2.0")
_TEXTS = ("string-array", "0.2.0")
_NUMBER = ("numeric-scalar", "0.2.0")
_CATEGORY = ("categorical", "0.2.0")
_SPARSE = ("csr_matrix", "0.1.0")


class _Graph(Protocol):
    @property
    def indices(self) -> NDArray[np.int32]: ...
    @property
    def distances(self) -> NDArray[np.float32]: ...
    @property
    def metric(self) -> str: ...


def check_origin(path: str, dataset: Dataset) -> Path:
    """Return the file that a dataset was read from.

    Raises
    ------
    Unwritable
        If that was none of AnnData.
    """
    if dataset.origin is None:
        reason = f"an .h5ad file is written as a copy of the one that was read, and {dataset.name} was read from none. Write .parquet."
        raise Unwritable(path, reason)
    return dataset.origin


def write_copy(
    target: Path, path: str, dataset: Dataset, *, layouts: Sequence[tuple[str, NDArray[np.float32]]] = (), graph: _Graph | None = None
) -> None:
    """Copy the file that a dataset was read from, and add what was computed of it.

    A layout replaces one of its name ("X_umap") in obsm; where that has more than two columns, as X_pca does, it is called "X_pca_2d".
    Columns that obs lacks are added to it. A graph becomes ``obsp["explorer_distances"]``, of which ``uns["explorer"]`` tells.

    Parameters
    ----------
    target : Path
        What is written.
    path : str
        What sentences call it.
    dataset : Dataset
    layouts : sequence of (str, ndarray of shape (n_rows, 2))
        By name.
    graph : ComputedGraph, optional
        See :class:`explorer.data.export.ComputedGraph`.

    Raises
    ------
    Unwritable
        If the file has changed since it was read, or breaks.
    """
    shutil.copyfile(check_origin(path, dataset), target)
    try:
        with open_hdf5(target, path, mode="r+") as opened:
            _add_columns(opened, dataset, path)
            for name, coordinates in layouts:
                _add_layout(_group(opened, "obsm", path), name, coordinates)
            if graph is not None:
                _add_graph(opened, graph, path)
    except DataError as error:
        raise Unwritable(path, str(error.args[-1])) from error


def _add_layout(obsm: h5py.Group, name: str, coordinates: NDArray[np.float32]) -> None:
    key = f"X_{name.replace(' ', '_')}"
    there = inside(obsm, key)
    if there is not None and getattr(there, "shape", (0, 0))[1:] != coordinates.shape[1:]:
        key = f"{key}_{coordinates.shape[1]}d"
    _put(obsm, key, coordinates, _ARRAY)


def _add_columns(opened: h5py.File, dataset: Dataset, path: str) -> None:
    frame = _group(opened, "obs", path)
    index = frame.attrs["_index"]
    rows = inside(frame, index)
    values = rows if hasattr(rows, "shape") else inside(frame, f"{index}/values")
    if values is None or values.shape != (dataset.n_rows,):
        raise Unwritable(path, f"{dataset.origin} has changed since it was read. Open it again.")
    names = [str(name) for name in frame.attrs["column-order"]]
    new = [name for name in dataset.table.column_names if name not in (*names, index, "index") and name not in frame]
    for name in new:
        _add_column(frame, name, dataset.table.column(name))
    if new:
        frame.attrs["column-order"] = np.array([*names, *new], dtype=object)


def _add_column(frame: h5py.Group, name: str, column: pa.ChunkedArray) -> None:
    if is_number(column.type) or (pa.types.is_boolean(column.type) and not column.null_count):
        _put(frame, name, column.to_numpy(), _ARRAY)
        return
    texts = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
    group = _marked(frame.create_group(name), _CATEGORY)
    group.attrs["ordered"] = False
    _put(group, "categories", np.array(texts.dictionary.to_pylist(), dtype=object), _TEXTS)
    _put(group, "codes", texts.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32), _ARRAY)


def _add_graph(opened: h5py.File, graph: _Graph, path: str) -> None:
    n, k = graph.indices.shape
    there = graph.indices[:, 0] >= 0  # a row without a usable vector has no neighbors
    key = f"{_OURS}_distances"
    obsp, uns = _group(opened, "obsp", path), _group(opened, "uns", path)
    for group, name in ((obsp, key), (uns, _OURS)):
        if name in group:
            del group[name]
    sparse = _marked(obsp.create_group(key), _SPARSE)
    sparse.attrs["shape"] = np.array([n, n], np.int64)
    order = np.argsort(graph.indices[there], axis=1)  # as SciPy likes a row: its columns in order
    sparse["data"] = np.take_along_axis(graph.distances[there], order, axis=1).astype(np.float32).reshape(-1)
    sparse["indices"] = np.take_along_axis(graph.indices[there], order, axis=1).reshape(-1)
    sparse["indptr"] = np.concatenate([[0], np.cumsum(np.where(there, k, 0))]).astype(np.int64)
    noted = _marked(uns.create_group(_OURS), _DICT)
    _put(noted, "distances_key", key, _TEXT)
    params = _marked(noted.create_group("params"), _DICT)
    _put(params, "metric", graph.metric, _TEXT)
    _put(params, "n_neighbors", k, _NUMBER)


def _group(opened: h5py.File, name: str, path: str) -> h5py.Group:
    """Return a group, made where there is none; a link to another file is not followed, least of all to write."""
    if name not in opened and opened.get(name, getlink=True) is None:
        _marked(opened.create_group(name), _DICT)
    found = inside(opened, name)
    if found is None or hasattr(found, "dtype"):
        raise Unwritable(path, f"its {name} is no group of its own.")
    return found


def _put(group: h5py.Group, name: str, value: Any, encoding: tuple[str, str]) -> None:
    if name in group:
        del group[name]
    group[name] = value
    _marked(group[name], encoding)


def _marked(node: Any, encoding: tuple[str, str]) -> Any:
    node.attrs["encoding-type"], node.attrs["encoding-version"] = encoding
    return node
