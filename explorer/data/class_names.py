"""What Hugging Face's datasets say in a schema of columns that hold numbers of classes: the classes' names take the numbers' place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.data.matrices import storage

__all__ = ["with_class_names"]

_KEY = b"huggingface"
_KIND = "ClassLabel"


def with_class_names(table: pa.Table, metadata: Mapping[bytes, bytes] | None) -> pa.Table:
    """Turn numbers of classes into their names, as categories; a number that has none, such as -1, is missing.

    Parameters
    ----------
    table : pyarrow.Table
    metadata : mapping of bytes to bytes, or None
        That of the schema. What is not understood in it says nothing.
    """
    for name, names in _classes(metadata).items():
        place = table.schema.get_field_index(name)
        if place >= 0 and pa.types.is_integer(table.schema.field(place).type):
            table = table.set_column(place, name, _named(table.column(place), names))
    return table


def _named(column: pa.ChunkedArray, names: list[str]) -> pa.Array:
    codes = storage(column).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    outside = (codes < 0) | (codes >= len(names))
    indices = pa.array(np.where(outside, 0, codes).astype(np.int32), mask=outside)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _classes(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    try:
        features: dict[str, Any] = json.loads((metadata or {})[_KEY])["info"]["features"]
        told = {name: feature["names"] for name, feature in features.items() if feature.get("_type") == _KIND}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {name: names for name, names in told.items() if isinstance(names, list) and all(isinstance(each, str) for each in names)}
