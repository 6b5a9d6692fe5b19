"""AnnData's .h5ad: vectors out of obsm or X, the table obs, 2-D and 3-D embeddings as layouts, and the neighbor graph if there is one.

It is read with h5py alone, block by block: a matrix of all genes need not fit into memory, and nothing outside of the file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.columns import UNASKED, Asked, Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.given_graph import FoundGraph
from explorer.data.hdf5_files import inside, lazy_array, open_hdf5
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.named_arrays import as_column, holds_places, whole
from explorer.data.names import layout_name
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, NoVectors, UnknownColumn, Unreadable

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

__all__ = ["ENDING", "read_anndata"]

ENDING = ".h5ad"
_FIRST_CHOICE = "X_pca"
_COUNTS = "X"
_GRAPHS = ("explorer", "neighbors")  # where uns tells of one: ours, scanpy's
_MATRIX = 2
_PAIR = 2
_NUMBERS = "fiub"
_SPARSE_BYTES = 40  # what a value takes while columns become rows


class _Sparse(NamedTuple):
    """Rows of a sparse matrix: the values, their columns, and where each row begins."""

    shape: tuple[int, int]
    values: LazyMatrix | NDArray[Any]
    columns: LazyMatrix | NDArray[Any]
    starts: NDArray[np.int64]


def read_anndata(file: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open a file of AnnData, of version 0.7 or later.

    The vectors are what was asked for: the name of a matrix in obsm, "X", or "layers/NAME"; else X_pca; else the widest of obsm; else X.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is broken, or no file of AnnData.
    UnknownColumn
        If there is no such matrix as was asked for.
    """
    with open_hdf5(file, source) as opened:
        frame = inside(opened, "obs")
        if not _is_group(frame):
            reason = "it has no table obs. Files of AnnData before version 0.7 are read and written again with a later one first."
            raise Unreadable(source, reason if "X" in opened else "it is an HDF5 file, but not one of AnnData: it has no table obs.")
        table, notes = _table(frame, file, source)
        n = table.num_rows
        if not n:
            raise EmptyDataset(source, 0)
        check_size(source, rows=n, columns=table.num_columns)
        matrices = _matrices(opened, n, file, source)
        graphs = tuple(_graphs(opened, n, file, source))
    found = {name: each for name, each in matrices.items() if name not in (_COUNTS, asked.vectors) and _holds_places(name, each.shape[1])}
    chosen = _chosen({name: each for name, each in matrices.items() if name not in found}, asked, source)
    if chosen is None and not found:
        raise NoVectors(source, table.column_names)
    return Contents(
        source,
        file.stem,
        TableColumns(table),
        vectors=None if chosen is None else matrices[chosen],
        vectors_name=chosen or "vectors",
        layouts={layout_name(name) or name: whole(each, source) for name, each in found.items() if "/" not in name},
        streams=chosen is not None,
        stamp=stamp_of([file]),
        graphs=graphs,
        notes=notes,
        origin=file,
    )


def _holds_places(name: str, width: int) -> bool:
    """Any two columns are coordinates here, such as those of a tissue."""
    return width == _PAIR or holds_places(name, width)


def _chosen(matrices: Mapping[str, LazyMatrix], asked: Asked, source: str) -> str | None:
    if asked.vectors is not None and not asked.vectors.endswith("*"):
        if asked.vectors not in matrices:
            raise UnknownColumn(source, asked.vectors, [*matrices])
        return asked.vectors
    if _FIRST_CHOICE in matrices:
        return _FIRST_CHOICE
    embeddings = [name for name in matrices if name != _COUNTS and "/" not in name and layout_name(name) in (None, "pca")]
    return max(embeddings, key=lambda name: matrices[name].shape[1], default=_COUNTS if _COUNTS in matrices else None)


def _matrices(opened: h5py.File, n: int, file: Path, source: str) -> dict[str, LazyMatrix]:
    """List the matrices of n rows: those of obsm by their names, X, and the layers."""
    places = {name: f"obsm/{name}" for name in _names(inside(opened, "obsm"))}
    places[_COUNTS] = _COUNTS
    places.update({f"layers/{name}": f"layers/{name}" for name in _names(inside(opened, "layers"))})
    check_size(source, columns=len(places))
    found = {name: _matrix(inside(opened, place), file, source) for name, place in places.items()}
    return {name: matrix for name, matrix in found.items() if matrix is not None and matrix.shape[0] == n}


def _matrix(node: h5py.Dataset | h5py.Group | None, file: Path, source: str) -> LazyMatrix | None:
    if not _is_group(node):
        dense = node is not None and len(node.shape or ()) == _MATRIX and node.dtype.kind in _NUMBERS
        return lazy_array(node, file, source) if dense else None
    kind = _encoding(node)
    if kind not in ("csr_matrix", "csc_matrix"):
        return None  # a table, or something that is newer than this
    sparse = _sparse(node, file, source)
    if kind == "csc_matrix":
        sparse = _turned(sparse, source)
    n, d = sparse.shape
    return LazyMatrix((n, d), np.dtype(sparse.values.dtype), partial(_dense, sparse, source))


def _sparse(group: h5py.Group, file: Path, source: str) -> _Sparse:
    """Open a sparse matrix; one of columns comes as the rows of its transpose."""
    parts = [inside(group, name) for name in ("data", "indices", "indptr")]
    shape = group.attrs.get("shape", group.attrs.get("h5sparse_shape"))
    if any(part is None or _is_group(part) or len(part.shape or ()) != 1 for part in parts) or shape is None or len(shape) != _MATRIX:
        raise Unreadable(source, f"its sparse matrix {group.name} lacks a part.")
    n, d = (int(length) for length in (shape[::-1] if _encoding(group) == "csc_matrix" else shape))
    values, columns, ends = (lazy_array(part, file, source) for part in parts)
    starts = whole(ends, source).astype(np.int64)
    if len(starts) != n + 1 or starts[0] != 0 or starts[-1] > min(len(values), len(columns)) or (np.diff(starts) < 0).any():
        raise Unreadable(source, f"its sparse matrix {group.name} is damaged: its parts do not fit each other.")
    return _Sparse((n, d), values, columns, starts)


def _turned(sparse: _Sparse, source: str) -> _Sparse:
    """Turn rows into columns, in memory."""
    d, n = sparse.shape
    check_memory(_SPARSE_BYTES * int(sparse.starts[-1]), source)
    rows = np.asarray(sparse.columns[slice(0, int(sparse.starts[-1]))])
    _check_columns(rows, n, source)
    order = np.argsort(rows, kind="stable")
    columns = np.repeat(np.arange(d, dtype=np.int32), np.diff(sparse.starts))[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
    return _Sparse((n, d), np.asarray(sparse.values[slice(0, len(rows))])[order], columns, starts)


def _dense(sparse: _Sparse, source: str, rows: slice) -> NDArray[Any]:
    n, d = sparse.shape
    first, last, _ = rows.indices(n)
    starts = sparse.starts[first : last + 1]
    held = slice(int(starts[0]), int(starts[-1]))
    columns = sparse.columns[held]
    _check_columns(columns, d, source)
    block = np.zeros((last - first, d), sparse.values.dtype)
    block[np.repeat(np.arange(last - first), np.diff(starts)), columns] = sparse.values[held]
    return block


def _check_columns(columns: NDArray[Any], d: int, source: str) -> None:
    if columns.dtype.kind not in "iu" or (columns.size and not 0 <= int(columns.min()) <= int(columns.max()) < d):
        raise Unreadable(source, "a sparse matrix in it is damaged: it has values outside of its shape.")


def _table(frame: h5py.Group, file: Path, source: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Read obs: its index first, then its columns in their order."""
    index = _text(frame.attrs.get("_index", "_index"))
    names = [_text(name) for name in frame.attrs.get("column-order", ())]
    check_size(source, columns=len(names))
    rows = _column(frame, index, file, source)
    if rows is None:
        raise Unreadable(source, f"its table obs has no index {index}.")
    columns = {"index" if index == "_index" and "index" not in names else index: rows}
    notes = []
    for name in names:
        column = _column(frame, name, file, source)
        if column is None:
            notes.append(f"Column {name} is left out: how it is written is not understood here.")
        elif len(column) != len(rows):
            raise Unreadable(source, f"column {name} of obs has {len(column):,} values for {len(rows):,} rows.")
        else:
            columns[name] = column
    return pa.table(columns) if len(rows) else no_columns(0), tuple(notes)


def _column(frame: h5py.Group, name: str, file: Path, source: str) -> pa.Array | None:
    node = inside(frame, name)
    if node is None:
        return None
    if not _is_group(node):
        old = inside(frame, f"__categories/{name}")  # as AnnData 0.7 has categories
        values = _values(node, file, source)
        return values if old is None else _category(values, _values(old, file, source))
    parts = {part: _values(inside(node, part), file, source) for part in _names(node)}
    if _encoding(node) == "categorical" and {"codes", "categories"} <= parts.keys():
        return _category(parts["codes"], parts["categories"])
    if _encoding(node).startswith("nullable-") and {"values", "mask"} <= parts.keys():
        return pc.if_else(parts["mask"], pa.scalar(None, parts["values"].type), parts["values"])
    return None


def _values(node: h5py.Dataset | h5py.Group | None, file: Path, source: str) -> pa.Array:
    if node is None or _is_group(node):  # categories may be such that may be missing
        values = None if node is None else inside(node, "values")
        return pa.nulls(0) if values is None or _is_group(values) else _values(values, file, source)
    if len(node.shape or ()) != 1:
        return pa.nulls(0)
    return as_column(whole(lazy_array(node, file, source), source))


def _category(codes: pa.Array, categories: pa.Array) -> pa.Array:
    there = pc.if_else(pc.less(codes, 0), pa.scalar(None, codes.type), codes)  # -1 is what is missing
    return pa.DictionaryArray.from_arrays(there, categories)


def _graphs(opened: h5py.File, n: int, file: Path, source: str) -> Iterator[FoundGraph]:
    """Find the neighbors that uns tells of: as many for each row, with distances."""
    for name in _GRAPHS:
        noted = inside(opened, f"uns/{name}")
        metric, key = (_scalar(inside(noted, part)) if _is_group(noted) else None for part in ("params/metric", "distances_key"))
        kept = inside(opened, f"obsp/{key or 'distances'}") if metric else None
        if metric and _is_group(kept) and _encoding(kept) == "csr_matrix":
            sparse = _sparse(kept, file, source)
            found = _neighbors(sparse, metric, source) if sparse.shape == (n, n) else None
            if found is not None:
                yield found


def _neighbors(sparse: _Sparse, metric: str, source: str) -> FoundGraph | None:
    n = sparse.shape[0]
    check_memory(_SPARSE_BYTES * int(sparse.starts[-1]), source)
    held = slice(0, int(sparse.starts[-1]))
    columns, distances = np.asarray(sparse.columns[held]), np.asarray(sparse.values[held])
    rows = np.repeat(np.arange(n), np.diff(sparse.starts))
    others = columns != rows  # some list each row as its own first neighbor
    counts = np.bincount(rows[others], minlength=n)
    k = int(counts.max(initial=0))
    if not k or not (counts == k).all():
        return None
    return FoundGraph(columns[others].reshape(n, k).astype(np.int64), distances[others].reshape(n, k).astype(np.float32), metric)


def _is_group(node: h5py.Dataset | h5py.Group | None) -> bool:
    return node is not None and not hasattr(node, "dtype")


def _names(group: h5py.Dataset | h5py.Group | None) -> list[str]:
    return sorted(group) if group is not None and _is_group(group) else []


def _encoding(group: h5py.Group) -> str:
    old = group.attrs.get("h5sparse_format")
    return f"{_text(old)}_matrix" if old is not None else _text(group.attrs.get("encoding-type", ""))


def _scalar(node: h5py.Dataset | h5py.Group | None) -> str | None:
    return None if node is None or _is_group(node) or node.shape != () else _text(node[()])


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
