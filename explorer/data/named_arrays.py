"""Arrays that have names, as archives and groups hold them: which are the vectors, which are coordinates, which describe the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.columns import Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.names import is_neighbors_name, is_vector_name, layout_name
from explorer.errors import NoVectors, UnknownColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_column", "holds_places", "named_arrays", "whole"]

_MATRIX = 2
_PLACES = (2, 3)  # columns of coordinates
_NUMBERS = "fiub"
_SHOWN = "fiubMUST"


def named_arrays(
    arrays: Mapping[str, NDArray[Any] | LazyMatrix], source: str, title: str, *, wanted: str | None = None, stamp: str = ""
) -> Contents:
    """Make contents of arrays.

    The vectors are the 2-D array that was asked for, else the one that looks most like vectors: by its name, then by its width. 1-D ones of
    as many values are metadata, 2-D ones of two or three columns named like a projection are layouts.

    Parameters
    ----------
    arrays : mapping of str to ndarray or LazyMatrix
    source, title : str
        What sentences and people call where they are from.
    wanted : str, optional
        The array that somebody asked for.
    stamp : str
        See :class:`explorer.data.columns.Contents`.

    Raises
    ------
    NoVectors
        If no array has two dimensions.
    UnknownColumn
        If there is no such array as was asked for.
    """
    check_size(source, columns=len(arrays))
    matrices = {name: array for name, array in arrays.items() if array.ndim == _MATRIX and array.dtype.kind in _NUMBERS}
    layouts = {name for name, array in matrices.items() if holds_places(_own_name(name), array.shape[1]) and name != wanted}
    candidates = {name: array for name, array in matrices.items() if name not in layouts}
    if wanted is not None and wanted not in arrays and not wanted.endswith("*"):
        raise UnknownColumn(source, wanted, [*candidates])
    if not matrices:
        raise NoVectors(source, [f"{name} {array.shape}" for name, array in arrays.items()])
    chosen = wanted if wanted in candidates else max(candidates, key=lambda name: _likeness(name, candidates[name]), default=None)
    n = len(matrices[chosen if chosen is not None else next(iter(layouts))])
    check_size(source, rows=n)
    rest = {name: array for name, array in arrays.items() if array.shape[:1] == (n,)}
    columns = {name: as_column(whole(array, source)) for name, array in rest.items() if array.ndim == 1 and array.dtype.kind in _SHOWN}
    return Contents(
        source,
        title,
        TableColumns(pa.table(columns) if columns else no_columns(n)),
        vectors=None if chosen is None else candidates[chosen],
        vectors_name=chosen or "vectors",
        layouts={layout_name(_own_name(name)) or name: whole(array, source) for name, array in rest.items() if name in layouts},
        streams=isinstance(matrices.get(chosen or ""), LazyMatrix),
        stamp=stamp,
    )


def holds_places(name: str, width: int) -> bool:
    """Tell whether an array of this name and so many columns holds coordinates; three principal components may be vectors."""
    called = layout_name(name)
    return called is not None and (width == min(_PLACES) or (width == max(_PLACES) and called != "pca"))


def as_column(array: NDArray[Any]) -> pa.Array:
    """Turn a 1-D array into a column: numbers and times as they are, all else as text."""
    if array.dtype.kind == "S":
        return pa.array([value.decode("utf-8", errors="replace") for value in array.tolist()], pa.string())
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string())
    if array.dtype.kind in "biufM":
        return pa.array(array.astype(array.dtype.newbyteorder("=")))
    return pa.array([str(value) for value in array.tolist()], pa.string())


def whole(array: NDArray[Any] | LazyMatrix, source: str) -> NDArray[Any]:
    """Read all of an array.

    Raises
    ------
    Unreadable
        If it does not fit into memory: what was never written takes no room in a file.
    """
    if isinstance(array, LazyMatrix):
        check_memory(math.prod(array.shape) * array.dtype.itemsize, source)
    return np.asarray(array[slice(None)])


def _likeness(name: str, array: NDArray[Any] | LazyMatrix) -> tuple[bool, bool, int, int]:
    """Say how much an array looks like vectors; the highest is chosen."""
    own = _own_name(name)
    return not is_neighbors_name(own), is_vector_name(own), array.shape[1], array.shape[0]


def _own_name(name: str) -> str:
    """Take the groups that an array is in off its name."""
    return name.rpartition("/")[2]
