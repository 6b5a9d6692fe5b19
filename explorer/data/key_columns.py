"""What a store says of each of its records, under keys of its own, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

__all__ = ["with_keys"]


def with_keys(columns: Mapping[str, list[Any]], records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Put a column for each key beside others; a key that one of them is called gets another name, values of several kinds are text."""
    found = dict(columns)
    for key in dict.fromkeys(key for record in records for key in record):
        name = next(name for name in (key, f"{key} (metadata)", f"{key} (metadata 2)") if name not in found)
        found[name] = [record.get(key) for record in records]
    return pa.table({name: _column(values) for name, values in found.items()})


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError):  # of several kinds
        return pa.array([None if value is None else str(value) for value in values], pa.large_string())
