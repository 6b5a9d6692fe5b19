"""A dataset in parts: a folder of Parquet files of one schema, as Spark, Dask or a training run writes it, read one after the other."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.data.breakage import reading
from explorer.data.columnar import ArrowColumns, ParquetColumns, read_parquet
from explorer.data.columns import BATCH_ROWS, Contents, no_columns
from explorer.data.stamps import stamp_of
from explorer.errors import Unreadable

__all__ = ["ENDING", "Part", "PartsColumns", "are_parts", "part_files", "read_parts", "stacked"]

ENDING = ".parquet"
_MARKS = ("_SUCCESS", "_metadata", "_common_metadata")  # what Spark and Dask put beside the parts
_PART = re.compile(r"((?:part|data|chunk|shard|batch|train|test|validation)[-_.]?(?:[rm]-)?)\d[\w.-]*|[\d_.-]*\d[\d_.-]*")


Part = ParquetColumns | ArrowColumns


@dataclass(frozen=True)
class PartsColumns:
    """The columns of several files, one below the other."""

    parts: tuple[Part, ...]
    schema: pa.Schema

    @property
    def n_rows(self) -> int:
        """How many rows each column has."""
        return sum(part.n_rows for part in self.parts)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""
        if not names:
            return no_columns(self.n_rows)
        wanted = pa.schema([self.schema.field(name) for name in names])
        return pa.concat_tables(self._cast(part, part.read(names), wanted) for part in self.parts)

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time; each batch has the types of its part."""
        for part in self.parts:
            yield from part.batches(names, n)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns."""
        wanted = pa.schema([self.schema.field(name) for name in names])
        heads: list[pa.Table] = []
        for part in self.parts:
            left = n - sum(head.num_rows for head in heads)
            if left <= 0:
                break
            heads.append(self._cast(part, part.head(names, left), wanted))
        return pa.concat_tables(heads)

    def place(self, row: int) -> tuple[str, int]:
        """Say in which part a row is, and which row it is there."""
        starts = list(accumulate((part.n_rows for part in self.parts), initial=0))
        i = bisect_right(starts, row) - 1
        return self.parts[i].source, row - starts[i]

    def _cast(self, part: Part, table: pa.Table, wanted: pa.Schema) -> pa.Table:
        with reading(part.source):
            return table.cast(wanted)


def part_files(folder: Path) -> list[Path]:
    """List the parts in a folder, ``part.2`` before ``part.10``; hidden files and those that begin with ``_`` are none."""
    found = [file for file in folder.iterdir() if file.suffix.lower() == ENDING and file.name[0] not in "._" and file.is_file()]
    return sorted(found, key=lambda file: _in_order(file.name))


def are_parts(folder: str, files: Sequence[str]) -> bool:
    """Tell by their names alone whether the Parquet files in a folder are parts of one dataset, and not a dataset each.

    They are where Spark or Dask has left its mark, where the folder itself is called like a Parquet file, and where two or more files
    are numbered as parts are: ``part-0000``, ``part.0``, ``train-00000-of-00008``, ``data_0``, ``0001``.
    """
    named = [name for name in files if name.lower().endswith(ENDING) and name[0] not in "._"]
    if not named:
        return False
    if folder.lower().endswith(ENDING) or any(mark in files for mark in _MARKS):
        return True
    found = [_PART.fullmatch(name[: -len(ENDING)].lower()) for name in named]
    return len(named) > 1 and None not in found and len({match[1] for match in found if match}) == 1


def read_parts(folder: Path, source: str) -> Contents:
    """Open all parts; columns are read later.

    Raises
    ------
    Unreadable
        With the first part that is damaged, or whose columns are not those of the first part.
    """
    files = part_files(folder)
    parts = [_opened(file, f"{source.rstrip('/')}/{file.name}") for file in files]
    columns = stacked(parts)
    title = folder.resolve().name
    title = title[: -len(ENDING)] if title.lower().endswith(ENDING) else title
    return Contents(source, title, columns, streams=True, stamp=stamp_of(files), place=columns.place)


def stacked(parts: Sequence[Part]) -> PartsColumns:
    """Put the columns of files one below the other.

    Raises
    ------
    Unreadable
        With the first part whose columns are not those of the first.
    """
    return PartsColumns(tuple(parts), _schema(parts))


def _opened(file: Path, source: str) -> ParquetColumns:
    with reading(source):
        if not file.stat().st_size:
            raise Unreadable(source, "it is empty (0 bytes).")
        columns = read_parquet(file, source).columns
    assert isinstance(columns, ParquetColumns)
    return columns


def _schema(parts: Sequence[Part]) -> pa.Schema:
    """Find the schema that holds every part; a column that is empty in one of them, or has smaller numbers, takes the others' type."""
    first = parts[0]
    with reading(first.source):
        schema = first.schema
        names = set(schema.names)
    if len(names) < len(schema.names):
        return schema  # two columns of one name are told where all sources are checked
    for part in parts[1:]:
        with reading(part.source):
            found = part.schema
            other = set(found.names)
        if other != names or len(found.names) != len(other):
            odd = sorted(names ^ other)
            has = "it has no column" if odd and odd[0] in names else "it has a column"
            what = f"{has} {odd[0]}" if odd else "it has two columns of one name"
            raise Unreadable(part.source, f"{what}, unlike {first.source}. The parts of one dataset have the same columns.")
        if not found.equals(schema):
            schema = _unified(schema, found, part.source, first.source)
    return schema


def _unified(schema: pa.Schema, found: pa.Schema, source: str, first: str) -> pa.Schema:
    fields = []
    for field in schema:
        other = found.field(field.name)
        try:
            fields.append(_wider(field, other))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            reason = f"its column {field.name} holds {other.type} values, and that of {first} {field.type} values."
            raise Unreadable(source, f"{reason} The parts of one dataset have the same types.") from None
    return pa.schema(fields, schema.metadata)


def _wider(one: pa.Field, other: pa.Field) -> pa.Field:
    """Return a field that holds the values of both."""
    if one.type.equals(other.type):
        return one
    merged = pa.unify_schemas([pa.schema([one.remove_metadata()]), pa.schema([other.remove_metadata()])], promote_options="permissive")
    return merged.field(0)


def _in_order(name: str) -> list[Any]:
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", name)]
