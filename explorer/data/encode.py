"""Columns into the numbers that drawing needs: category codes and float32; never looks at names or roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_numbers", "category_codes"]

_MICROSECONDS = 1e-6
_PIECE = 1 << 20  # rows taken in one call
_NAMES = 1 << 14  # names taken in one call: others get their turn in between


def category_codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """Give a number to each of the distinct values of a column; see :meth:`explorer.data.dataset.Dataset.codes`."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)  # chunks may have dictionaries of their own, with values that no row has
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.dictionary(pa.int32(), column.type))
    values = encoded.dictionary
    order = pc.sort_indices(values) if len(values) else pa.array([], pa.uint64())
    position = np.empty(len(values) + 1, np.int32)
    position[order.to_numpy()] = np.arange(len(values), dtype=np.int32)
    position[-1] = -1
    codes = np.empty(len(encoded), np.int32)
    for start in range(0, len(codes), _PIECE):  # NumPy turns positions into 8 bytes each
        piece = slice(start, start + _PIECE)
        places = pc.fill_null(encoded.indices[piece], len(values)).to_numpy(zero_copy_only=False)
        np.take(position, places, out=codes[piece], mode="clip")
    return codes, _names(values.take(order))


def as_numbers(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Turn a column into float32; see :meth:`explorer.data.dataset.Dataset.numbers`."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_temporal(kind):
        stamps = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return np.asarray(_floats(stamps) * _MICROSECONDS, dtype=np.float32)
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array([_number(value) for value in column.to_pylist()], dtype=np.float32)
    with np.errstate(over="ignore"):
        return _floats(column).astype(np.float32)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
    return values


def _number(value: str | None) -> float:
    try:
        return float(value) if value is not None else np.nan
    except ValueError:
        return np.nan


def _names(values: pa.Array) -> list[str]:
    """Return the distinct values as text, each another."""
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        names: list[str] = []
        for start in range(0, len(values), _NAMES):
            names += values[start : start + _NAMES].to_numpy(zero_copy_only=False).tolist()
        return names
    plain = [value.as_py() for value in values]
    short = [f"{value:g}" if isinstance(value, float) else str(value) for value in plain]
    return short if len(set(short)) == len(short) else [str(value) for value in plain]
