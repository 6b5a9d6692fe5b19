"""Rows in the order of columns: stable, missing values last, for millions of rows; knows columns and masks, and keeps nothing."""

# numba infers the kernels' types
# mypy: disallow_untyped_defs=False, disallow_incomplete_defs=False

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

__all__ = ["SortKeys", "pick", "sort_keys", "sorted_rows"]

_PIECE = 1 << 20  # rows taken in one call
_SAMPLED = 1 << 16  # rows looked at to tell whether texts repeat
_REPEATING = 0.5  # a text that repeats has at most half as many values as the sample has rows
_BITS = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class SortKeys(NamedTuple):
    """A column as numbers of the same order.

    ``values`` is uint32 or uint64 of shape (n,), smaller is earlier; ``missing`` is bool of shape (n,), or None where nothing is missing.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_] | None


def sort_keys(column: pa.ChunkedArray) -> SortKeys:
    """Turn a column of the metadata into numbers that sort as it does: numbers and times by size, text by its code points.

    Costs a pass over numbers, and about a sort of its distinct values over text: keep the result of a long column.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n values
        Of a type that :func:`explorer.data.metadata.showable` leaves; not a number counts as missing.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    missing = pc.is_null(column).to_numpy() if column.null_count else None
    if pa.types.is_boolean(kind):
        return SortKeys(pc.fill_null(column, False).cast(pa.uint8()).to_numpy().astype(np.uint32), missing)  # noqa: FBT003 - Arrow's
    if pa.types.is_temporal(kind):
        column = column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    if pa.types.is_integer(column.type):
        return SortKeys(_of_integers(pc.fill_null(column, _least(column)).to_numpy()), missing)
    if pa.types.is_floating(kind):
        return SortKeys(_of_floats(pc.fill_null(column, 0.0).to_numpy()), missing)
    return SortKeys(_of_texts(column), missing)


def sorted_rows(keys: Iterable[tuple[SortKeys, bool]], n: int) -> NDArray[np.int32]:
    """List rows in the order of one or several columns.

    Parameters
    ----------
    keys : iterable of (SortKeys, bool)
        The most significant column first; whether it is descending.
    n : int
        How many rows there are.

    Returns
    -------
    ndarray of shape (n,), int32
        Rows that are equal keep their order; rows without a value come after all others, in both directions.
    """
    order = np.arange(n, dtype=np.uint32)
    for (values, missing), descending in reversed(list(keys)):
        if values.dtype == np.uint64:
            order = _sorted_by(_half(values, high=False, descending=descending), order)
            order = _sorted_by(_half(values, high=True, descending=descending), order)
        else:
            order = _sorted_by(~values if descending else values, order)
        if missing is not None:
            last = missing[order]
            order = np.concatenate([order[~last], order[last]])
    return order.view(np.int32)


def pick(order: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the rows of an order that a mask has, in this order: ``order[mask[order]]``, several times as fast."""
    picked = np.empty(int(np.count_nonzero(mask)) + 1, np.int32)  # one more: each row is written, and only kept by the next one
    _pick(order, np.packbits(mask, bitorder="little"), picked)
    return picked[:-1]


def _sorted_by(values: NDArray[np.uint32], order: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Sort an order stably: value and place in one number are all different, so the quickest of sorts is a stable one."""
    packed = np.empty(len(order), np.uint64)
    _pack(values, order, packed)
    packed.sort()
    after = np.empty_like(order)
    _unpack(packed, order, after)
    return after


def _half(values: NDArray[np.uint64], *, high: bool, descending: bool) -> NDArray[np.uint32]:
    half = (values >> _BITS if high else values & _LOW).astype(np.uint32)
    return ~half if descending else half


def _least(column: pa.ChunkedArray) -> pa.Scalar:
    """Return the smallest value, so that what is missing widens no range."""
    least = pc.min(column)
    return least if least.is_valid else pa.scalar(0, column.type)


def _of_integers(values: NDArray[np.integer]) -> NDArray[Any]:
    if not len(values):
        return np.empty(0, np.uint32)
    low, high = int(values.min()), int(values.max())
    if high - low <= int(_LOW):
        narrow = values.astype(np.uint32)
        narrow -= np.uint32(low & int(_LOW))  # modulo 2 ** 32, as the cast
        return narrow
    wide = values.astype(np.uint64)
    return wide if low >= 0 else wide ^ np.uint64(1 << 63)


def _of_floats(values: NDArray[np.floating]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    if values.dtype == np.float32 or np.array_equal(narrow, values):
        bits = (narrow + np.float32(0.0)).view(np.uint32)  # -0 becomes 0
        return np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31))
    wide = (values + 0.0).view(np.uint64)
    return np.where(wide >> np.uint64(63), ~wide, wide | np.uint64(1 << 63))


def _of_texts(column: pa.ChunkedArray) -> NDArray[np.uint32]:
    """Give each text its place among the distinct ones; what is missing gets any."""
    if not pa.types.is_dictionary(column.type):
        sample = column.slice(0, _SAMPLED)
        if pc.count_distinct(sample).as_py() > _REPEATING * len(sample):
            return _places(column)
        column = pc.dictionary_encode(column)
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return np.empty(0, np.uint32)
    places = _places(pa.chunked_array([column.chunk(0).dictionary]))
    if not len(places):
        return np.zeros(len(column), np.uint32)
    codes = [pc.fill_null(chunk.indices, 0).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate([np.take(places, part) for part in codes])


def _places(texts: pa.ChunkedArray) -> NDArray[np.uint32]:
    """Give each text the number of distinct texts before it."""
    n = len(texts)
    order = pc.sort_indices(texts).to_numpy()
    places = np.empty(n, np.uint32)
    place = 0
    for start in range(0, n, _PIECE):
        piece = order[max(start - 1, 0) : start + _PIECE]  # with the last one of the piece before, to compare
        values = texts.take(pa.array(piece))
        differs = pc.fill_null(pc.not_equal(values[1:], values[:-1]), False).to_numpy().astype(np.uint32)  # noqa: FBT003 - Arrow's
        if not start:
            differs = np.concatenate([np.zeros(1, np.uint32), differs])
        counted = np.cumsum(differs, dtype=np.uint32)
        counted += np.uint32(place)
        places[order[start : start + _PIECE]] = counted
        place = int(counted[-1])
    return places


@njit(nogil=True, cache=True)
def _pack(values, order, packed):
    for at in range(order.size):
        packed[at] = (np.uint64(values[order[at]]) << np.uint64(32)) | np.uint64(at)


@njit(nogil=True, cache=True)
def _unpack(packed, order, after):
    for at in range(packed.size):
        after[at] = order[packed[at] & np.uint64(0xFFFFFFFF)]


@njit(nogil=True, cache=True)
def _pick(order, bits, picked):
    n = 0
    for at in range(order.size):
        row = order[at]
        picked[n] = row
        n += (bits[row >> 3] >> (row & 7)) & 1
