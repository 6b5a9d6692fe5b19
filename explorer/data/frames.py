"""Data frames, Arrow tables and arrays into contents; a column that Arrow cannot hold becomes text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.columns import Contents, TableColumns, no_columns
from explorer.errors import BadVectors, DuplicateColumns, UnknownSource

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["column_name", "from_pandas", "read_object"]

_WHAT = "give a path, a pandas, Polars or Arrow table, or a 2-D array of numbers."


def read_object(source: Any) -> Contents:
    """Read a frame, an Arrow table or an array; a Dask frame is read later, partition by partition.

    Raises
    ------
    UnknownSource
        If it is none of these.
    BadVectors
        If a list of lists is ragged.
    """
    kind = type(source)
    if kind.__module__.split(".")[0] in ("dask", "dask_expr") and kind.__name__ == "DataFrame":
        from explorer.data.dask_frames import read_dask

        return read_dask(source)
    table = _table(source, kind)
    if table is not None:
        return Contents(f"The {kind.__name__}", kind.__name__, TableColumns(table))
    if hasattr(source, "collect") and not hasattr(source, "__array__"):
        raise UnknownSource(kind.__name__, "call its collect() first.")
    if hasattr(source, "__array__") or (isinstance(source, Sequence) and not isinstance(source, (str, bytes))):
        array = _array(source)
        return Contents(
            "The array", "Array", TableColumns(no_columns(len(array) if array.ndim else 0)), vectors=array, vectors_name="the array"
        )
    raise UnknownSource(kind.__name__, _WHAT)


def column_name(name: object) -> str:
    """Say what a pandas column is called here."""
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def from_pandas(frame: pd.DataFrame) -> pa.Table:
    """Turn a pandas frame into a table, with its index as a column where that says something.

    Raises
    ------
    DuplicateColumns
    """
    names = [column_name(name) for name in frame.columns]
    columns = {}
    if frame.index.name is not None or frame.index.dtype.kind not in "iu":
        index = frame.index.to_frame(index=False).iloc[:, 0] if frame.index.nlevels == 1 else frame.index.map(str).to_series()
        columns["index" if frame.index.name is None else str(frame.index.name)] = _column(index)
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise DuplicateColumns("The DataFrame", repeated)
    for i, name in enumerate(names):
        columns[name] = _column(frame.iloc[:, i])
    return pa.table(columns) if columns else no_columns(len(frame))


def _table(source: Any, kind: type) -> pa.Table | None:
    """Turn what is a table in one way or another into one of Arrow's; None where it is none."""
    if kind.__module__.split(".")[0] == "pandas" and kind.__name__ == "DataFrame":
        return from_pandas(source)
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if hasattr(source, "__arrow_c_stream__"):
        return pa.table(source)
    if hasattr(source, "to_arrow"):
        return pa.table(source.to_arrow())
    if isinstance(source, Sequence) and not isinstance(source, (str, bytes)) and source and all(isinstance(row, dict) for row in source):
        return pa.Table.from_pylist(list(source))
    return None


def _array(source: Any) -> NDArray[Any]:
    try:
        return np.asarray(source)
    except ValueError:  # NumPy does not say which row is odd
        width = len(source[0])
        row = next((i for i, values in enumerate(source) if len(values) != width), None)
        reason = f"its vector has {len(source[row])} numbers, that of row 0 has {width}." if row is not None else "its rows are no vectors."
        raise BadVectors("The array", "the array", row, reason) from None


def _column(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError):
        missing = series.isna().to_numpy()
        return pa.array([None if gone else str(value) for value, gone in zip(series, missing, strict=True)], pa.large_string())
