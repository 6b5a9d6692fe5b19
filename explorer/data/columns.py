"""What a reader hands over: columns that are read when they are asked for, and the arrays that a format sets apart by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BATCH_ROWS", "Columns", "Contents", "TableColumns", "no_columns"]

BATCH_ROWS = 8_192


class Columns(Protocol):
    """Columns of one length; nothing is read before it is asked for, so that vectors never lie in memory twice."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types, and the metadata of the file."""

    @property
    def n_rows(self) -> int:
        """How many rows each column has."""

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read these columns a few thousand rows at a time."""

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns, or all where there are fewer."""


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table in memory."""

    table: pa.Table

    @property
    def schema(self) -> pa.Schema:
        """Names and types, and the metadata of the table."""
        return self.table.schema

    @property
    def n_rows(self) -> int:
        """How many rows each column has."""
        return int(self.table.num_rows)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Pick these columns."""
        return self.table.select(list(names))

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Go through these columns a few thousand rows at a time."""
        yield from self.read(names).to_batches(max_chunksize=BATCH_ROWS)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Pick the first n rows of these columns."""
        return self.read(names).slice(0, n)


def no_columns(n_rows: int) -> pa.Table:
    """Return a table of rows without columns."""
    return pa.table({"": pa.nulls(n_rows)}).select([])


@dataclass(frozen=True, eq=False)
class Contents:
    """What was found in a file, a frame or an array.

    Attributes
    ----------
    source : str
        What sentences call it: the path as given, "The DataFrame".
    title : str
        What people see when nobody says better.
    columns : Columns
        Every column, metadata and vectors alike.
    vectors : ndarray of shape (n, d) or None
        The vectors, where the format sets them apart.
    vectors_name : str
        What sentences call those.
    layouts : mapping of str to ndarray of shape (n, 2)
        Coordinates, where the format sets them apart.
    """

    source: str
    title: str
    columns: Columns
    vectors: NDArray[Any] | None = None
    vectors_name: str = "vectors"
    layouts: dict[str, NDArray[Any]] = field(default_factory=dict)
