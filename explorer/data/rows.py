"""Columns and arrays into a float32 matrix that goes by block by block; who takes the blocks decides whether all of it is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from explorer.data.columns import LazyMatrix
from explorer.data.matrices import as_floats, blocks_of, list_lengths, parse_lists, parse_number, storage
from explorer.data.memory import check_memory
from explorer.errors import BadVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.columns import Columns

__all__ = ["Rows", "array_rows", "as_matrix", "column_rows", "in_memory", "read_matrix"]

_BATCH_BYTES = 1 << 22  # of vectors in columns: Arrow takes several times that, and more gains no time
_BATCH_ROWS = 8_192
_FIRST_ROWS = 1_024
_LEAST_DIMS = 2


class Rows(NamedTuple):
    """A float32 matrix of shape (n, d) that goes by in blocks of consecutive rows, of a few MB each.

    ``whole`` is the matrix where it lies in memory already. Iterating over ``blocks()`` reads, and raises what reading raises.
    """

    shape: tuple[int, int]
    blocks: Callable[[], Iterator[NDArray[np.float32]]]
    whole: NDArray[np.float32] | None = None


def column_rows(columns: Columns, names: Sequence[str], source: str) -> Rows:
    """Read a column of lists, or several columns of numbers, as float32.

    A row without a list becomes NaN; a missing number becomes NaN.

    Parameters
    ----------
    columns : Columns
    names : sequence of str
        One column of lists (or of text that holds lists), or several columns of numbers.
    source : str
        What sentences call the table.

    Raises
    ------
    BadVectors
        If every list is missing. While the rows go by: if lists differ in length, or a value is no number, with the first such row.
    """
    return _list_rows(columns, names[0], source) if len(names) == 1 else _number_rows(columns, names, source)


def array_rows(array: NDArray[Any] | LazyMatrix, source: str, name: str) -> Rows:
    """Read an array as float32; one in memory that is float32 in C order already is its own whole.

    Raises
    ------
    BadVectors
        If it has no two dimensions, fewer than two numbers a row, or values that are no numbers.
    """
    if array.ndim != 2:  # noqa: PLR2004
        raise BadVectors(source, name, None, f"an array of shape {array.shape}; vectors have two dimensions, (rows, numbers).")
    if array.dtype.kind not in "fiub":
        raise BadVectors(source, name, None, f"{array.dtype} values are not numbers.")
    n, d = array.shape
    _check_width(d, source, name)
    together = array.chunk_rows if isinstance(array, LazyMatrix) else 1

    def blocks() -> Iterator[NDArray[np.float32]]:
        for rows in blocks_of(n, d, together):
            with np.errstate(over="ignore"):  # too big for float32 becomes inf, and that row is counted as not drawable
                block = np.asarray(array[rows]).astype(np.float32, order="C", copy=False)
            yield block

    return Rows((n, d), blocks, _as_it_is(array))


def in_memory(rows: Rows, source: str) -> NDArray[np.float32]:
    """Have all rows in memory, read-only; it grows by the matrix and one block."""
    if rows.whole is not None:
        return rows.whole
    check_memory(4 * rows.shape[0] * rows.shape[1], source)
    matrix = np.empty(rows.shape, np.float32)
    start = 0
    for block in rows.blocks():
        matrix[start : start + len(block)] = block
        start += len(block)
    matrix.flags.writeable = False
    return matrix


def read_matrix(columns: Columns, names: Sequence[str], source: str) -> NDArray[np.float32]:
    """Read columns into memory; see :func:`column_rows`."""
    return in_memory(column_rows(columns, names, source), source)


def as_matrix(array: NDArray[Any], source: str, name: str) -> NDArray[np.float32]:
    """Turn an array into float32 in C order, read-only; see :func:`array_rows`."""
    return in_memory(array_rows(array, source, name), source)


def _as_it_is(array: NDArray[Any] | LazyMatrix) -> NDArray[np.float32] | None:
    """Return an array in memory that is what we need already; None for any other."""
    if not isinstance(array, np.ndarray) or isinstance(array, np.memmap) or array.dtype != np.float32 or not array.dtype.isnative:
        return None
    if not array.flags.c_contiguous:
        return None
    whole = array.view(np.ndarray)
    whole.flags.writeable = False
    return whole


def _list_rows(columns: Columns, name: str, source: str) -> Rows:
    first, width = _first_list(columns, name, source)
    _check_width(width, source, name)

    def blocks() -> Iterator[NDArray[np.float32]]:
        start = 0
        for batch in columns.batches([name], _batch_rows(width)):
            lists = _lists_from(storage(batch.column(0)), source, name, start)
            lengths = list_lengths(lists)
            _check_lengths(lengths, width, first, start, source, name)
            yield _filled(as_floats(lists.flatten()).reshape(-1, width), lengths > 0)
            start += len(lists)

    return Rows((columns.n_rows, width), blocks)


def _first_list(columns: Columns, name: str, source: str) -> tuple[int, int]:
    """Find the first row that has a vector, and how many numbers that has."""
    start = 0
    for batch in columns.batches([name], _FIRST_ROWS):
        lengths = list_lengths(_lists_from(storage(batch.column(0)), source, name, start))
        if lengths.any():
            place = int((lengths > 0).argmax())
            return start + place, int(lengths[place])
        start += batch.num_rows
    raise BadVectors(source, name, None, "every list is missing or empty.")


def _batch_rows(width: int) -> int:
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // (4 * width)))


def _lists_from(values: pa.Array, source: str, name: str, start: int) -> pa.Array:
    if pa.types.is_nested(values.type):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return parse_lists(values, source, name, start)
    if pa.types.is_null(values.type):
        return pa.array([None] * len(values), pa.list_(pa.float32()))
    raise BadVectors(source, name, None, f"it holds {values.type} values, one a row; name a column of lists, or several number columns.")


def _filled(values: NDArray[Any], filled: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give each row that has one its vector, and NaN to the others."""
    with np.errstate(over="ignore"):
        if filled.all():
            return values.astype(np.float32, order="C", copy=False)
        block = np.full((len(filled), values.shape[1]), np.nan, np.float32)
        block[filled] = values
    return block


def _check_lengths(lengths: NDArray[np.int64], width: int, first: int, start: int, source: str, name: str) -> None:
    odd = np.flatnonzero((lengths != width) & (lengths > 0))
    if odd.size:
        row = int(odd[0])
        raise BadVectors(source, name, start + row, f"its vector has {lengths[row]:,} numbers, that of row {first} has {width:,}.")


def _number_rows(columns: Columns, names: Sequence[str], source: str) -> Rows:
    def blocks() -> Iterator[NDArray[np.float32]]:
        start = 0
        for batch in columns.batches(names, _batch_rows(len(names))):
            block = np.empty((batch.num_rows, len(names)), np.float32)
            for j, name in enumerate(names):
                with np.errstate(over="ignore"):
                    block[:, j] = _numbers(storage(batch.column(j)), source, name, start)
            yield block
            start += batch.num_rows

    return Rows((columns.n_rows, len(names)), blocks)


def _numbers(values: pa.Array, source: str, name: str, start: int) -> NDArray[Any]:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        return as_floats(values)
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return np.array([parse_number(text, source, name, start + i) for i, text in enumerate(values.to_pylist())])
    raise BadVectors(source, name, None, f"it holds {kind} values, not numbers.")


def _check_width(width: int, source: str, name: str) -> None:
    if width < _LEAST_DIMS:
        raise BadVectors(source, name, None, "its vectors have fewer than two numbers.")
