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

_LETTERS = 7  # bytes of a text that are read at a time
_ROUNDS = 64  # so often at the most
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
    if pa.types.is_floating(column.type):
        floats = column.to_numpy()
        nan = np.isnan(floats)
        values, missing = _of_floats(floats), nan if nan.any() else None
    else:
        values, missing = _of_others(column), pc.is_null(column).to_numpy() if column.null_count else None
    if missing is not None:
        values[missing] = 0  # equal, so that they keep their order
    return SortKeys(values, missing)


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


def _of_others(column: pa.ChunkedArray) -> NDArray[Any]:
    kind = column.type
    if pa.types.is_boolean(kind):
        return pc.fill_null(column, False).cast(pa.uint8()).to_numpy().astype(np.uint32)  # noqa: FBT003 - Arrow's
    if pa.types.is_temporal(kind):
        column = column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
    if pa.types.is_integer(column.type):
        return _of_integers(pc.fill_null(column, _least(column)).to_numpy())
    return _of_texts(column)


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
    """Make numbers of the floats' order; where float32 holds all of them, narrow ones."""
    if values.dtype == np.float64 and not _is_narrow(values):
        wide = np.empty(len(values), np.uint64)
        _order_wide(np.ascontiguousarray(values).view(np.uint64), wide)
        return wide
    narrow = np.empty(len(values), np.uint32)
    _order_narrow(np.ascontiguousarray(values, np.float32).view(np.uint32), narrow)
    return narrow


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
    """Give each text the number of texts before it, equal ones the same; by seven bytes at a time, as long as some are equal."""
    n = len(texts)
    places, tied = np.zeros(n, np.uint32), np.arange(n, dtype=np.uint32)
    if not n:
        return places
    whole = texts.cast(pa.large_string()).combine_chunks()
    _, offset_bytes, text_bytes = whole.buffers()
    offsets = np.frombuffer(offset_bytes, np.int64)[whole.offset : whole.offset + n + 1]
    letters = np.zeros(1, np.uint8) if text_bytes is None or not text_bytes.size else np.frombuffer(text_bytes, np.uint8)
    depth = _in_common(texts)
    for _ in range(_ROUNDS):
        if not len(tied):
            return places
        words = np.empty(len(tied), np.uint64)
        _read(letters, offsets, tied, depth, words)
        tied = _split(words, tied, places)
        depth += _LETTERS
    if len(tied):  # long and the same for long: few rows, or a text that nobody sorts by
        ranks = pc.rank(whole.take(pa.array(tied)), sort_keys="ascending", tiebreaker="dense")
        _split(ranks.to_numpy().astype(np.uint64) << np.uint64(8), tied, places)
    return places


def _in_common(texts: pa.ChunkedArray) -> int:
    """Count the bytes with which all texts begin: of addresses, more than a few."""
    ends = pc.min_max(texts).as_py()
    low, high = ((ends[name] or "").encode() for name in ("min", "max"))
    return next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))


def _split(words: NDArray[np.uint64], tied: NDArray[np.uint32], places: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Tell texts apart that had one place by their next bytes; returns those that are still equal and go on."""
    order = np.arange(len(tied), dtype=np.uint32)
    for half in (_half(words, high=False, descending=False), _half(words, high=True, descending=False), places[tied]):
        order = _sorted_by(half, order)
    after = np.empty(len(tied), np.uint32)
    return after[: _place(words[order], tied[order], places, after)]


@njit(nogil=True, cache=True)
def _read(letters, offsets, tied, depth, words):
    """Pack the next seven bytes of each text, and in the last byte how many there are: a text sorts before what begins with it."""
    for at in range(tied.size):
        start = offsets[tied[at]] + depth
        left = max(0, min(offsets[tied[at] + 1] - start, _LETTERS))
        word = np.uint64(0)
        for letter in range(_LETTERS):
            word = word << np.uint64(8)
            if letter < left:
                word |= np.uint64(letters[start + letter])
        words[at] = (word << np.uint64(8)) | np.uint64(left)


@njit(nogil=True, cache=True)
def _place(words, tied, places, after):
    """Give each run of equal words within one place a place of its own; collect the runs that go on."""
    n, start = 0, 0
    while start < tied.size:
        place, stop = places[tied[start]], start
        while stop < tied.size and places[tied[stop]] == place:
            stop += 1
        run = start
        while run < stop:
            end = run + 1
            while end < stop and words[end] == words[run]:
                end += 1
            goes_on = end - run > 1 and words[run] & np.uint64(0xFF) == _LETTERS
            for at in range(run, end):
                places[tied[at]] = place + np.uint32(run - start)
                if goes_on:
                    after[n] = tied[at]
                    n += 1
            run = end
        start = stop
    return n


@njit(nogil=True, cache=True)
def _is_narrow(values):
    for value in values:  # noqa: SIM110 - compiled
        if np.float64(np.float32(value)) != value and not np.isnan(value):
            return False
    return True


@njit(nogil=True, cache=True)
def _order_wide(bits, ordered):
    sign = np.uint64(1) << np.uint64(63)
    for at in range(bits.size):
        value = np.uint64(0) if bits[at] == sign else bits[at]  # -0 is 0
        ordered[at] = ~value if value & sign else value | sign


@njit(nogil=True, cache=True)
def _order_narrow(bits, ordered):
    sign = np.uint32(1) << np.uint32(31)
    for at in range(bits.size):
        value = np.uint32(0) if bits[at] == sign else bits[at]
        ordered[at] = ~value if value & sign else value | sign


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
