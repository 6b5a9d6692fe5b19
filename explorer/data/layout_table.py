"""Layouts that somebody has in memory, with what is known of their rows, as a dataset; no vectors, and nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.coordinates import given_layout
from explorer.data.dataset import Dataset, GivenLayout
from explorer.data.frames import column_name, read_object
from explorer.data.matrices import fingerprint
from explorer.data.metadata import long_lists, showable
from explorer.data.roles import infer_roles
from explorer.errors import BadParameter, UnknownColumn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["layout_dataset", "pair_of_columns"]

_MATRIX = 2  # dimensions of an array of rows and columns
_WIDTHS = (2, 3)  # columns of coordinates
_LEAST_ROWS = 2


def layout_dataset(
    layouts: Sequence[tuple[str, Any]],
    *,
    data: object = None,
    color: object = None,
    label: object = None,
    name: str = "Map",
) -> Dataset:
    """Make a dataset of layouts of the same rows.

    Parameters
    ----------
    layouts : sequence of (str, array_like of shape (n, 2) or (n, 3), or Layout)
        By name; of a Layout that is named "", its method and parameters say what it is called. Rows that are not finite are not drawn.
    data : Dataset, data frame or Arrow table of n rows, optional
        What is known of the rows. Columns of vectors are left out.
    color, label : str or sequence of n values, optional
        What colors and what names the rows: a column of ``data``, or the values themselves.
    name : str
        The title.

    Raises
    ------
    BadParameter
        If a layout is none, or there is not one row, or value, of everything for each of its rows.
    UnknownColumn
        If ``data`` has no such column.
    """
    given = tuple(_given(title, layout, at) for at, (title, layout) in enumerate(layouts))
    n = len(given[0].coordinates)
    for layout in given[1:]:
        if len(layout.coordinates) != n:
            raise BadParameter("layout", f"{len(layout.coordinates):,} rows", f"the other layout has {n:,}; give layouts of the same rows.")
    drawable = np.any([np.isfinite(layout.coordinates[:, 0]) for layout in given], axis=0)
    if np.count_nonzero(drawable) < _LEAST_ROWS:
        raise BadParameter("layout", f"{np.count_nonzero(drawable)} finite rows", f"a map needs at least {_LEAST_ROWS}.")
    drawable.flags.writeable = False
    table, notes, known = _table(data, n)
    table, color = _with_values(table, "color", color, n)
    table, label = _with_values(table, "label", label, n)
    roles = infer_roles(table, label=label or (known.label if known else None), color=color)
    return Dataset(
        name=name if known is None else known.name,
        vectors=None,
        table=table,
        roles=roles.roles,
        label=roles.label,
        color=color,
        layouts=given,
        graph=None,
        drawable=drawable,
        fingerprint=fingerprint(layout.coordinates for layout in given),
        notes=notes,
        meanings={} if known is None else known.meanings,
    )


def pair_of_columns(data: Any, x: str, y: str) -> tuple[NDArray[np.float32], Any]:
    """Take two columns of coordinates out of a data frame or an Arrow table: (n, 2), and the rest of it.

    Raises
    ------
    UnknownColumn, BadParameter
        If they are not there, or no numbers.
    """
    contents = read_object(data)
    names = contents.columns.schema.names
    for name in (x, y):
        if name not in names:
            raise UnknownColumn(contents.source, name, names)
    try:
        columns = [np.asarray(contents.columns.read([name]).column(0).cast(pa.float64()).to_numpy()) for name in (x, y)]
    except (pa.ArrowException, ValueError) as error:
        raise BadParameter("x, y", f"{x}, {y}", f"name columns of numbers ({str(error).splitlines()[0]}).") from None
    return np.column_stack(columns).astype(np.float32), contents.columns.read([name for name in names if name not in (x, y)])


def _given(title: str, layout: Any, at: int) -> GivenLayout:
    method, params = getattr(layout, "method", None), getattr(layout, "params", {})
    coordinates = np.asarray(getattr(layout, "coordinates", layout))
    matrix = coordinates.ndim == _MATRIX and coordinates.dtype.kind in "iufb"
    if not matrix or not (coordinates.shape[1] in _WIDTHS or (method is not None and coordinates.shape[1] >= min(_WIDTHS))):
        what = f"an array of {coordinates.dtype} of shape {coordinates.shape}"
        raise BadParameter("layout", what, "give an array of numbers of shape (n, 2) or (n, 3), or a Layout.")
    if title or method is None:
        return given_layout(title or f"layout {at + 1}", coordinates)
    return given_layout(str(method), coordinates, method=method, params=params)


def _table(data: object, n: int) -> tuple[pa.Table, tuple[str, ...], Dataset | None]:
    """Read what is known of the rows."""
    if data is None:
        return pa.table({}), (), None
    if isinstance(data, Dataset):
        table, notes, rows = data.table, data.notes, data.n_rows
    else:
        columns = read_object(data).columns
        left_out = long_lists(columns, columns.schema.names)
        shown = showable(columns.read([name for name in columns.schema.names if name not in left_out]))
        table, notes, rows = shown.table, (*left_out.values(), *shown.notes), columns.n_rows
    if rows != n:
        raise BadParameter("data", f"{rows:,} rows", f"the layout has {n:,}; give as many rows, in the same order.")
    return table, notes, data if isinstance(data, Dataset) else None


def _with_values(table: pa.Table, what: str, values: object, n: int) -> tuple[pa.Table, str | None]:
    """Add a column of values that were given as they are, and say what it is called; a name is a column that is there."""
    if values is None:
        return table, None
    if isinstance(values, str):
        if values not in table.column_names:
            raise UnknownColumn("The data of the map", values, table.column_names)
        return table, values
    column = pa.array(_listed(values), from_pandas=True)
    if len(column) != n:
        raise BadParameter(what, f"{len(column):,} values", f"give one for each of the {n:,} rows, or the name of a column of data.")
    named = getattr(values, "name", None)
    name = what if named is None else column_name(named)
    while name in table.column_names:
        name += " (given)"
    shown = showable(pa.table({name: column}))
    if not shown.table.num_columns:
        raise BadParameter(what, "these values", shown.notes[0])
    return (table.append_column(name, shown.table.column(0)) if table.num_columns else shown.table), name


def _listed(values: Any) -> Any:
    """Give what Arrow makes an array of."""
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__") or type(values).__module__.split(".")[0] == "pandas":
        return values
    if isinstance(values, Mapping) or not hasattr(values, "__len__"):
        raise BadParameter("color or label", f"a {type(values).__name__}", "give the name of a column, or one value for each row.")
    return np.asarray(values) if not isinstance(values, list | tuple) else list(values)
