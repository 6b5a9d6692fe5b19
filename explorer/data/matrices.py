"""Columns and arrays into one float32 matrix, block by block; which of its rows can be drawn; its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.memory import check_memory
from explorer.errors import BadVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.columns import Columns

__all__ = ["as_floats", "as_matrix", "fingerprint", "list_lengths", "parse_lists", "read_matrix", "storage", "storage_type", "usable_rows"]

_BLOCK_BYTES = 1 << 24
_LEAST_DIMS = 2
_SHOWN = 40


def read_matrix(columns: Columns, names: Sequence[str], source: str) -> NDArray[np.float32]:
    """Read a column of lists, or several columns of numbers, as float32.

    Memory grows by the result and one batch. A row without a list becomes NaN; a missing number becomes NaN.

    Parameters
    ----------
    columns : Columns
    names : sequence of str
        One column of lists (or of text that holds lists), or several columns of numbers.
    source : str
        What sentences call the table.

    Returns
    -------
    ndarray of shape (n_rows, d), float32
        C order, read-only.

    Raises
    ------
    BadVectors
        If lists differ in length, or a value is no number: with the first such row.
    """
    matrix = _read_lists(columns, names[0], source) if len(names) == 1 else _read_numbers(columns, names, source)
    matrix.flags.writeable = False
    return matrix


def as_matrix(array: NDArray[Any], source: str, name: str) -> NDArray[np.float32]:
    """Turn an array into float32 in C order; not copied where it is that already.

    Raises
    ------
    BadVectors
        If it has no two dimensions, fewer than two numbers a row, or values that are no numbers.
    """
    if array.ndim != 2:  # noqa: PLR2004
        raise BadVectors(source, name, None, f"an array of shape {array.shape}; vectors have two dimensions, (rows, numbers).")
    if array.dtype.kind not in "fiub":
        raise BadVectors(source, name, None, f"{array.dtype} values are not numbers.")
    _check_width(array.shape[1], source, name)
    if array.dtype == np.float32 and array.dtype.isnative and array.flags.c_contiguous and not isinstance(array, np.memmap):
        matrix = array.view(np.ndarray)
    else:
        matrix = _new_matrix(len(array), array.shape[1], source)
        for rows in _blocks(*array.shape):
            with np.errstate(over="ignore"):  # too big for float32 becomes inf, and that row is counted as not drawable
                matrix[rows] = array[rows]
    matrix.flags.writeable = False
    return matrix


def usable_rows(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows are finite and not all zero: bool of shape (n,)."""
    usable = np.empty(len(vectors), np.bool_)
    for rows in _blocks(*vectors.shape):
        block = vectors[rows]
        with np.errstate(all="ignore"):
            squares = np.einsum("ij,ij->i", block, block)
        usable[rows] = np.isfinite(squares) & (squares > 0)
        odd = np.flatnonzero(~usable[rows])  # the square of a usable value may overflow or vanish: look at the values themselves
        if odd.size:
            usable[rows.start + odd] = np.isfinite(block[odd]).all(axis=1) & block[odd].any(axis=1)
    return usable


def fingerprint(arrays: Iterable[NDArray[Any]]) -> str:
    """Hash shapes and bytes: 32 hexadecimal digits. Goes block by block, so other threads run meanwhile."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        for rows in _blocks(*array.shape):
            digest.update(np.ascontiguousarray(array[rows]).data.cast("B"))
    return digest.hexdigest()


def as_floats(values: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return numbers or bools as a NumPy array of some float or integer type, NaN where a value is missing."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    if isinstance(values, pa.ChunkedArray):
        return np.asarray(values.to_numpy())
    return np.asarray(values.to_numpy(zero_copy_only=False))


def storage(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return one array without extension type or chunks."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values.storage if isinstance(values.type, pa.BaseExtensionType) else values


def storage_type(kind: pa.DataType) -> pa.DataType:
    """Return the type below an extension type."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def list_lengths(lists: pa.Array) -> NDArray[np.int64]:
    """Return how many values each list has; 0 for one that is missing."""
    lengths: NDArray[np.int64] = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return lengths


def parse_lists(texts: pa.Array, source: str, column: str, start: int) -> pa.Array:
    """Read texts like "[0.1, 0.2]" or "[0.1 0.2]" as lists of float64.

    Raises
    ------
    BadVectors
        With the first row (counted from ``start``) that holds something else.
    """
    trimmed = pc.utf8_trim(pc.cast(texts, pa.large_string()), "[](){}<> \t\r\n,;")
    trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)
    if pc.all(pc.match_substring(trimmed, ",")).as_py():
        parts = pc.split_pattern(trimmed, ",")  # several times as fast as the expression
    else:
        parts = pc.split_pattern_regex(trimmed, r"[\s,;]+")
    try:
        numbers = pc.cast(pc.ascii_trim_whitespace(parts.flatten()), pa.float64())
    except pa.ArrowInvalid:
        for i, words in enumerate(parts.to_pylist()):
            for word in words or ():
                _number(word, source, column, start + i)
        raise
    lengths = list_lengths(parts)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), numbers)


def _read_lists(columns: Columns, name: str, source: str) -> NDArray[np.float32]:
    matrix: NDArray[np.float32] | None = None
    first = start = 0
    for batch in columns.batches([name]):
        lists = storage(batch.column(0))
        if not pa.types.is_nested(lists.type):
            lists = _lists_from(lists, source, name, start)
        lengths = list_lengths(lists)
        filled = lengths > 0
        if matrix is None and filled.any():
            first = start + int(filled.argmax())
            width = int(lengths[filled.argmax()])
            _check_width(width, source, name)
            matrix = _new_matrix(columns.n_rows, width, source)
            matrix[:start] = np.nan
        if matrix is not None:
            _check_lengths(lengths, matrix.shape[1], first, start, source, name)
            values = as_floats(lists.flatten()).reshape(-1, matrix.shape[1])
            _fill(matrix[start : start + len(lists)], filled, values)
        start += len(lists)
    if matrix is None:
        raise BadVectors(source, name, None, "every list is missing or empty.")
    return matrix


def _new_matrix(n: int, d: int, source: str) -> NDArray[np.float32]:
    check_memory(4 * n * d, source)
    return np.empty((n, d), np.float32)


def _lists_from(values: pa.Array, source: str, name: str, start: int) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return parse_lists(values, source, name, start)
    if pa.types.is_null(values.type):
        return pa.array([None] * len(values), pa.list_(pa.float32()))
    raise BadVectors(source, name, None, f"it holds {values.type} values, one a row; name a column of lists, or several number columns.")


def _fill(block: NDArray[np.float32], filled: NDArray[np.bool_], values: NDArray[Any]) -> None:
    with np.errstate(over="ignore"):
        if filled.all():
            block[:] = values
        else:
            block[filled] = values
            block[~filled] = np.nan


def _check_lengths(lengths: NDArray[np.int64], width: int, first: int, start: int, source: str, name: str) -> None:
    odd = np.flatnonzero((lengths != width) & (lengths > 0))
    if odd.size:
        row = int(odd[0])
        raise BadVectors(source, name, start + row, f"its vector has {lengths[row]:,} numbers, that of row {first} has {width:,}.")


def _read_numbers(columns: Columns, names: Sequence[str], source: str) -> NDArray[np.float32]:
    matrix = _new_matrix(columns.n_rows, len(names), source)
    start = 0
    for batch in columns.batches(names):
        for j, name in enumerate(names):
            with np.errstate(over="ignore"):
                matrix[start : start + batch.num_rows, j] = _numbers(storage(batch.column(j)), source, name, start)
        start += batch.num_rows
    return matrix


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
        return np.array([_number(text, source, name, start + i) for i, text in enumerate(values.to_pylist())])
    raise BadVectors(source, name, None, f"it holds {kind} values, not numbers.")


def _number(text: str | None, source: str, name: str, row: int) -> float:
    if text is None:
        return np.nan
    try:
        return float(text)
    except ValueError:
        word = text.strip()
        shown = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…"
        hint = " NumPy cut the list short when it was printed; save the numbers themselves." if word == "..." else ""
        raise BadVectors(source, name, row, f"{shown!r} is not a number.{hint}") from None


def _check_width(width: int, source: str, name: str) -> None:
    if width < _LEAST_DIMS:
        raise BadVectors(source, name, None, "its vectors have fewer than two numbers.")


def _blocks(n: int, d: int) -> Iterable[slice]:
    step = max(1, _BLOCK_BYTES // max(1, 4 * d))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
