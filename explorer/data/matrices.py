"""Columns and arrays into one float32 matrix, block by block; which of its rows can be drawn; its fingerprint.

A matrix goes by as :class:`Rows`, a block at a time; whoever takes the blocks decides whether it lies in memory as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.columns import LazyMatrix
from explorer.data.memory import check_memory
from explorer.errors import BadVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.columns import Columns

__all__ = [
    "Gist",
    "Rows",
    "array_rows",
    "as_floats",
    "as_matrix",
    "column_rows",
    "fingerprint",
    "in_memory",
    "list_lengths",
    "parse_lists",
    "read_matrix",
    "storage",
    "storage_type",
    "usable_rows",
]

_BLOCK_BYTES = 1 << 24
_BATCH_BYTES = 1 << 22  # of vectors in columns: Arrow takes several times that, and more gains no time
_CHUNKS_BYTES = 1 << 26  # up to here a block is what is stored together, however large that is
_BATCH_ROWS = 8_192
_FIRST_ROWS = 1_024
_LEAST_DIMS = 2
_SHOWN = 40


class Rows(NamedTuple):
    """A float32 matrix of shape (n, d) that goes by in blocks of consecutive rows, of a few MB each.

    ``whole`` is the matrix where it lies in memory already. Iterating over ``blocks()`` reads, and raises what reading raises.
    """

    shape: tuple[int, int]
    blocks: Callable[[], Iterator[NDArray[np.float32]]]
    whole: NDArray[np.float32] | None = None


class Gist:
    """The fingerprint of a matrix, and which of its rows can be drawn, found while it goes by.

    Attributes
    ----------
    usable : ndarray of shape (n,), bool
        As :func:`usable_rows` says it.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.usable = np.empty(shape[0], np.bool_)
        self._digest = hashlib.blake2b(_heading(shape, np.dtype(np.float32)), digest_size=16)
        self._seen = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Look at the next rows."""
        self._digest.update(np.ascontiguousarray(block).data.cast("B"))
        self.usable[self._seen : self._seen + len(block)] = usable_rows(block)
        self._seen += len(block)

    @property
    def fingerprint(self) -> str:
        """What :func:`fingerprint` says of the whole matrix."""
        return self._digest.hexdigest()


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
        for rows in _blocks(n, d, together):
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
        digest.update(_heading(array.shape, array.dtype))
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


def _heading(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    return repr((tuple(shape), dtype.str)).encode()


def _blocks(n: int, d: int, together: int = 1) -> Iterable[slice]:
    """Cut rows into blocks, of what is stored together where that is not too much."""
    step = max(1, _BLOCK_BYTES // max(1, 4 * d))
    if together > 1 and 4 * d * together <= _CHUNKS_BYTES:
        step = max(1, step // together) * together
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
