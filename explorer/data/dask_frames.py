"""A Dask DataFrame, partition by partition: only the columns that are asked for, and never more than one partition in memory.

Whoever has one has Dask loaded; nothing here imports it. It computes where it was set up to: in threads, or on a cluster.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.data.breakage import reading
from explorer.data.columns import BATCH_ROWS, Contents, no_columns
from explorer.data.frames import column_name, from_pandas
from explorer.errors import EmptyDataset, Unreadable

__all__ = ["DaskColumns", "read_dask"]

_SOURCE = "The Dask DataFrame"
_HEAD_ROWS = 100  # as many as anybody looks at to guess what a column is


@dataclass(frozen=True, eq=False)
class DaskColumns:
    """The columns of a Dask DataFrame.

    Attributes
    ----------
    frame : dask.dataframe.DataFrame
    lengths : tuple of int
        How many rows each partition has.
    first : pyarrow.Table
        The first rows of all columns.
    """

    frame: Any
    lengths: tuple[int, ...]
    first: pa.Table

    @property
    def schema(self) -> pa.Schema:
        """Names and types, as the first rows have them."""
        return self.first.schema

    @property
    def n_rows(self) -> int:
        """How many rows each column has."""
        return sum(self.lengths)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Compute these columns whole."""
        if not names:
            return no_columns(self.n_rows)
        tables = [table for table in self._tables(names) if table.num_rows]
        with reading(_SOURCE):
            return pa.concat_tables(tables, promote_options="permissive")

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Compute these columns, and give at most n rows at a time; each batch has the types of its partition."""
        for table in self._tables(names):
            yield from table.to_batches(max_chunksize=n)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Pick the first n rows of these columns, or the first hundred."""
        return self.first.select(list(names)).slice(0, n)

    def place(self, row: int) -> tuple[str, int]:
        """Say in which partition a row is, and which row it is there."""
        starts = list(accumulate(self.lengths, initial=0))
        i = bisect_right(starts, row) - 1
        return _partition(i), row - starts[i]

    def _tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        wanted = self.frame[[name for name in self.frame.columns if column_name(name) in names]]
        for i, length in enumerate(self.lengths):
            table = _computed(wanted, i).select(list(names))
            if table.num_rows != length:
                raise Unreadable(_partition(i), f"it has {table.num_rows:,} rows, and had {length:,} when it was computed before.")
            yield table


def read_dask(frame: Any) -> Contents:
    """Open a Dask DataFrame; computes its first rows and the lengths of its partitions, all else later.

    Raises
    ------
    Unreadable
        With the partition that cannot be computed.
    """
    first = _first(frame)
    with reading(_SOURCE):
        lengths = tuple(int(length) for length in _lightest(frame).map_partitions(len, meta=(None, "int64")).compute())
    columns = DaskColumns(frame, lengths, first)
    return Contents(_SOURCE, "DataFrame", columns, streams=True, place=columns.place)


def _first(frame: Any) -> pa.Table:
    """Compute partitions until there are enough rows to see what the columns hold."""
    tables: list[pa.Table] = []
    for i in range(frame.npartitions):
        table = _computed(frame, i)
        tables.append(table.take(np.arange(min(_HEAD_ROWS, table.num_rows))))  # a slice would keep all of the partition in memory
        if sum(each.num_rows for each in tables) >= _HEAD_ROWS:
            break
    filled = [table for table in tables if table.num_rows]
    if not filled:
        raise EmptyDataset(_SOURCE, 0)
    with reading(_SOURCE):
        return pa.concat_tables(filled, promote_options="permissive").slice(0, _HEAD_ROWS)


def _lightest(frame: Any) -> Any:
    """Keep one column, of numbers where there is one: it is computed to be counted only."""
    numbers = [name for name, kind in zip(frame.columns, frame.dtypes, strict=True) if getattr(kind, "kind", "O") in "biufM"]
    return frame[[*numbers, *frame.columns][:1]]


def _computed(frame: Any, i: int) -> pa.Table:
    with reading(_partition(i)):
        return from_pandas(frame.partitions[i].compute())


def _partition(i: int) -> str:
    return f"{_SOURCE}, partition {i}"
