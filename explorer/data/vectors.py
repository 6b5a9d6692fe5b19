"""Where the vectors are in a table: finds their columns by type, then by name; reads as little as that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.matrices import list_lengths, parse_lists, storage, storage_type
from explorer.data.names import is_neighbors_name, is_vector_name, numbered_series
from explorer.errors import BadVectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.data.columns import Columns

__all__ = ["find_vectors", "further_vectors", "is_list", "is_number", "is_text"]

_HEAD_ROWS = 64
_LEAST_WIDTH = 3
_WIDE_SERIES = 8


class _ListColumn(NamedTuple):
    """Sorts by how much a column looks like vectors."""

    named: bool
    even: bool
    width: int
    earlier: int
    column: str


def find_vectors(columns: Columns, *, has_layouts: bool, ignore: Sequence[str] = ()) -> tuple[str, ...]:
    """Find the columns that hold the vectors.

    The order of preference: a column of lists of numbers (one that is named like vectors first, then the widest), a column of text that
    holds lists, number columns with a common name and a number ("embedding_1" … "embedding_n", three or more; eight or more where the name
    says nothing, or three where there is nothing else to draw).

    Parameters
    ----------
    columns : Columns
        The table. At most a few rows of it are read.
    has_layouts : bool
        Whether the table has coordinates to draw.
    ignore : sequence of str
        Columns that hold something else.

    Returns
    -------
    tuple of str
        One column of lists, or several of numbers; empty where nothing looks like vectors.
    """
    fields = [field for field in columns.schema if field.name not in ignore]
    lists = [field.name for field in fields if is_list(field.type)]
    found = [column for column in _list_columns(columns, lists) if not is_neighbors_name(column.column)]
    clear = [column for column in found if column.named or (column.even and column.width >= _LEAST_WIDTH)]
    if clear:
        return (max(clear).column,)
    texts = _text_columns(columns, [field.name for field in fields if is_text(field.type)])
    if texts:
        return (max(texts).column,)
    series = _number_columns(fields, has_layouts=has_layouts)
    if series or has_layouts:
        return series
    # Nothing else to draw: lists of unequal length are worth the sentence that names the first odd row.
    floats = [column for column in found if not column.even and pa.types.is_floating(_list_value(columns.schema.field(column.column).type))]
    return (max(floats).column,) if floats else ()


def further_vectors(columns: Columns, *, ignore: Sequence[str] = ()) -> tuple[str, ...]:
    """List the columns of lists that look like vectors, but for some."""
    names = [field.name for field in columns.schema if field.name not in ignore and is_list(field.type)]
    found = [column for column in _list_columns(columns, names) if column.even and column.width >= _LEAST_WIDTH]
    return tuple(column.column for column in found if not is_neighbors_name(column.column))


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a column's values are lists of numbers (or lists of nothing)."""
    value = _list_value(kind)
    return value is not None and (is_number(value) or pa.types.is_null(value))


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a type is a number; bool is none."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _list_value(kind: pa.DataType) -> pa.DataType | None:
    kind = storage_type(kind)
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view, pa.types.is_large_list_view)
    return kind.value_type if any(test(kind) for test in tests) else None


def _list_columns(columns: Columns, names: list[str]) -> list[_ListColumn]:
    found = []
    for i, name in enumerate(names):
        kind = storage_type(columns.schema.field(name).type)
        if pa.types.is_fixed_size_list(kind):
            lengths = np.array([kind.list_size])
        else:
            lengths = list_lengths(storage(columns.head([name], _HEAD_ROWS).column(0)))
        lengths = lengths[lengths > 0]
        width = int(lengths.max()) if lengths.size else 0
        found.append(_ListColumn(is_vector_name(name), bool((lengths == width).all()), width, -i, name))
    return found


def _text_columns(columns: Columns, names: list[str]) -> list[_ListColumn]:
    if not names:
        return []
    head = columns.head(names, _HEAD_ROWS)
    found = []
    for i, name in enumerate(names):
        values = pc.drop_null(head.column(name)).combine_chunks()
        listed = pc.match_substring_regex(values, r"^\s*[\[({]\s*[-+.\d]")
        if not len(values) or not pc.all(listed).as_py():
            continue
        try:
            parsed = parse_lists(values[:1], "", name, 0)
        except BadVectors:  # the first one is no list of numbers; a named column is read, to say which row is wrong
            width = 0
        else:
            width = int(list_lengths(parsed)[0])
        if width >= _LEAST_WIDTH or is_vector_name(name):
            found.append(_ListColumn(named=is_vector_name(name), even=True, width=width, earlier=-i, column=name))
    return found


def _number_columns(fields: list[pa.Field], *, has_layouts: bool) -> tuple[str, ...]:
    kinds = {field.name: storage_type(field.type) for field in fields if is_number(storage_type(field.type)) or is_text(field.type)}
    numbers = {name for name, kind in kinds.items() if is_number(kind)}
    least = _WIDE_SERIES if has_layouts else _LEAST_WIDTH
    # A text among vectors is refused when it is read, with its row; beside coordinates such columns may well be something else.
    most_texts = 0 if has_layouts else 0.5
    known = [
        series.columns
        for series in numbered_series(kinds)
        if series.known and sum(name not in numbers for name in series.columns) <= most_texts * len(series.columns)
    ]
    unknown = [series.columns for series in numbered_series(numbers) if not series.known and len(series.columns) >= least]
    return max(known or unknown, key=len, default=())
