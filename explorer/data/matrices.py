"""What a matrix of vectors says, block by block: which rows can be drawn, its fingerprint; and lists and numbers out of Arrow columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import BadVectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Gist",
    "as_floats",
    "blocks_of",
    "fingerprint",
    "list_lengths",
    "parse_lists",
    "parse_number",
    "storage",
    "storage_type",
    "usable_rows",
]

_BLOCK_BYTES = 1 << 24
_CHUNKS_BYTES = 1 << 26  # up to here a block is what is stored together, however large that is
_SHOWN = 40


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


def usable_rows(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows are finite and not all zero: bool of shape (n,)."""
    usable = np.empty(len(vectors), np.bool_)
    for rows in blocks_of(*vectors.shape):
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
        for rows in blocks_of(*array.shape):
            digest.update(np.ascontiguousarray(array[rows]).data.cast("B"))
    return digest.hexdigest()


def blocks_of(n: int, d: int, together: int = 1) -> Iterable[slice]:
    """Cut n rows of d numbers into blocks of some 16 MB, whose rows are stored together where that is not too much."""
    step = max(1, _BLOCK_BYTES // max(1, 4 * d))
    if together > 1 and 4 * d * together <= _CHUNKS_BYTES:
        step = max(1, step // together) * together
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


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
                parse_number(word, source, column, start + i)
        raise
    lengths = list_lengths(parts)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), numbers)


def parse_number(text: str | None, source: str, name: str, row: int) -> float:
    """Read a text as a number; a missing one is NaN.

    Raises
    ------
    BadVectors
        With the row, if it is none.
    """
    if text is None:
        return np.nan
    try:
        return float(text)
    except ValueError:
        word = text.strip()
        shown = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…"
        hint = " NumPy cut the list short when it was printed; save the numbers themselves." if word == "..." else ""
        raise BadVectors(source, name, row, f"{shown!r} is not a number.{hint}") from None


def _heading(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    return repr((tuple(shape), dtype.str)).encode()
