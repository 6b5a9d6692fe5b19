"""Which table of a database is read: the one that is asked for, else the only one that has something to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from explorer.data.columns import Asked, TableColumns
from explorer.data.limits import check_size
from explorer.data.names import coordinate_columns, is_vector_name
from explorer.data.vectors import find_vectors, is_number
from explorer.errors import DataError, UnknownTable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["can_be_drawn", "chosen_table", "is_bytes", "only_table", "wanted_tables"]


def wanted_tables(tables: list[str], asked: Asked, source: str) -> list[str]:
    """List the tables to look at.

    Raises
    ------
    UnknownTable
        If there is no such table as was asked for.
    TooLarge
        If there are more of them than columns are allowed.
    """
    if asked.table is None:
        check_size(source, columns=len(tables))
        return tables
    if asked.table not in tables:
        raise UnknownTable(source, asked.table, tables)
    return [asked.table]


def chosen_table(heads: Mapping[str, pa.Table], tables: list[str], source: str) -> str:
    """Choose the only table, or the only one in which there is something to draw, by their first rows.

    Raises
    ------
    UnknownTable
        If there are several to choose from, or none.
    """
    return only_table([*heads] if len(heads) == 1 else [name for name, head in heads.items() if can_be_drawn(head)], tables, source)


def only_table(drawn: Sequence[str], tables: list[str], source: str) -> str:
    """Take the only one of those that can be drawn.

    Raises
    ------
    UnknownTable
        With what there is to choose from.
    """
    if len(drawn) != 1:
        raise UnknownTable(source, None, list(drawn) or tables)
    return drawn[0]


def can_be_drawn(head: pa.Table) -> bool:
    """Tell by its first rows whether a table has vectors or coordinates."""
    columns = TableColumns(head)
    kinds = {field.name: field.type for field in head.schema}
    bytes_too = any(is_vector_name(name) and is_bytes(kind) for name, kind in kinds.items())
    try:
        return bytes_too or bool(
            find_vectors(columns, has_layouts=False) or coordinate_columns([name for name in kinds if is_number(kinds[name])])
        )
    except DataError:
        return True  # what is wrong with it is told when it is read


def is_bytes(kind: pa.DataType) -> bool:
    """Tell whether a column holds bytes."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
