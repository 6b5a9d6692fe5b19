"""Coordinates that are already in a table: found by name, read as layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from explorer.data.dataset import GivenLayout
from explorer.data.matrices import as_floats, list_lengths, storage, storage_type
from explorer.data.names import coordinate_columns, layout_name
from explorer.data.vectors import is_list, is_number
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from explorer.data.annotations import Annotations
    from explorer.data.columns import Columns

__all__ = ["FoundLayout", "find_layouts", "given_layout", "read_layout"]

_WIDTHS = (2, 3)  # of lists of coordinates


class FoundLayout(NamedTuple):
    """A layout in a table: its name, its columns of numbers or its one column of lists, and how it was made if the file says so."""

    name: str
    columns: tuple[str, ...]
    method: str | None
    params: Mapping[str, object]


def find_layouts(columns: Columns, annotations: Annotations, source: str) -> list[FoundLayout]:
    """Find the layouts of a table: those its own metadata names, then those that column names give away.

    Raises
    ------
    Unreadable
        If the file's own metadata names columns that are not there or are no numbers.
    """
    kinds = {field.name: storage_type(field.type) for field in columns.schema}
    found = []
    for layout in annotations.layouts:
        odd = [name for name in layout.columns if name not in kinds or not is_number(kinds[name])]
        if odd:
            raise Unreadable(
                source, f"its explorer metadata says that layout {layout.name} is in column {odd[0]}, which is no column of numbers."
            )
        found.append(FoundLayout(*layout))
    taken = {name for layout in found for name in layout.columns}
    numbers = [name for name, kind in kinds.items() if is_number(kind) and name not in taken]
    candidates: list[tuple[str, tuple[str, ...]]] = [*coordinate_columns(numbers)]
    candidates += [
        (layout_name(name) or name, (name,)) for name, kind in kinds.items() if layout_name(name) and _width(columns, name, kind)
    ]
    for name, names in candidates:
        used = {layout.name for layout in found}
        found.append(FoundLayout(name if name not in used else ", ".join(names), names, None, {}))
    return found


def read_layout(columns: Columns, layout: FoundLayout) -> GivenLayout:
    """Read a layout's coordinates; a missing or infinite one makes all of its row NaN."""
    table = columns.read(layout.columns)
    if len(layout.columns) == 1:
        lists = storage(table.column(0))
        lengths = list_lengths(lists)
        width = max(int(lengths.max(initial=0)), min(_WIDTHS))
        values = np.full((len(lists), width), np.nan, np.float64)
        values[lengths > 0] = as_floats(lists.flatten()).reshape(-1, width)
    else:
        values = np.column_stack([as_floats(storage(table.column(name))) for name in layout.columns])
    return given_layout(layout.name, values, method=layout.method, params=layout.params)


def given_layout(name: str, values: NDArray[Any], *, method: str | None = None, params: Mapping[str, object] | None = None) -> GivenLayout:
    """Make a layout of an array of shape (n_rows, c): two columns or more."""
    coordinates = np.empty(values.shape, np.float32)
    with np.errstate(over="ignore"):
        coordinates[:] = values
    coordinates[~np.isfinite(coordinates).all(axis=1)] = np.nan
    return GivenLayout(name, coordinates, method, dict(params or {}))


def _width(columns: Columns, name: str, kind: pa.DataType) -> int:
    """Say how many coordinates the lists of a column hold; 0 where they are none."""
    if not is_list(kind):
        return 0
    if pa.types.is_fixed_size_list(kind):
        return kind.list_size if kind.list_size in _WIDTHS else 0
    lengths = list_lengths(storage(columns.read([name]).column(0)))
    return next((width for width in _WIDTHS if np.isin(lengths, (0, width)).all()), 0)
