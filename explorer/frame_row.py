"""One row of a Dask DataFrame by its number: read where its partition is, and nothing else of it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.render.dask_rows import computing
from explorer.render.dask_survey import Columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FoundRow", "find_row"]


class FoundRow(NamedTuple):
    """A row: its number, its place on the map, what names it (None where nothing does), and some of its values."""

    row: int
    x: float
    y: float
    label: object
    fields: Mapping[str, Any]


def find_row(frame: Any, starts: NDArray[np.int64], row: int, columns: Columns, label: Any, *, fields: int) -> FoundRow:
    """Read a row; for a thread, it takes as long as reading these columns of its partition.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    starts : ndarray of shape (p + 1,), int64
        With which row number each partition begins.
    row : int
    columns : Columns
        What is drawn.
    label : column name or None
        What names a row.
    fields : int
        So many columns are read beside these, the color first.

    Raises
    ------
    Unreadable
        If its partition cannot be computed.
    """
    part = int(np.searchsorted(starts, row, side="right")) - 1
    drawn = [columns.x, columns.y, label]
    others = [name for name in frame.columns if name not in drawn and name != columns.color]
    shown = ([] if columns.color is None or columns.color == label else [columns.color]) + others
    wanted = list(dict.fromkeys(name for name in (*drawn, *shown[:fields]) if name is not None))
    bare = frame[wanted]
    with computing():
        found = bare.partitions[[part]].map_partitions(_only, row - int(starts[part]), meta=bare._meta, enforce_metadata=False).compute()
    values = found.iloc[0]
    return FoundRow(
        row,
        float(values[columns.x]),
        float(values[columns.y]),
        None if label is None else _plain(values[label]),
        {str(name): _plain(values[name]) for name in shown[:fields]},
    )


def _only(part: pd.DataFrame, i: int) -> pd.DataFrame:
    return part.iloc[i : i + 1]


def _plain(value: Any) -> Any:
    """Turn a value into Python's own, missing ones into None."""
    import pandas as pd

    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
