"""What a reader hands over: columns that are read when they are asked for, and the arrays that a format sets apart by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.given_graph import FoundGraph

__all__ = ["BATCH_ROWS", "UNASKED", "Asked", "Columns", "Contents", "LazyMatrix", "TableColumns", "no_columns"]

BATCH_ROWS = 8_192


class Asked(NamedTuple):
    """Which of several things in a file somebody wants; None where that is left to the reader.

    Attributes
    ----------
    vectors : str or None
        What the vectors are called: an array, in a file that holds several.
    table : str or None
        The table, in a database.
    """

    vectors: str | None = None
    table: str | None = None


UNASKED: Final = Asked()


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

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time."""

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

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Go through these columns at most n rows at a time."""
        yield from self.read(names).to_batches(max_chunksize=n)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Pick the first n rows of these columns."""
        return self.read(names).slice(0, n)


def no_columns(n_rows: int) -> pa.Table:
    """Return a table of rows without columns; takes no memory, however many rows a file claims."""
    nothing = pa.Array.from_buffers(pa.null(), n_rows, [None])
    return pa.table({"": nothing}).select([])


@dataclass(frozen=True, eq=False)
class LazyMatrix:
    """A matrix whose rows are read when they are asked for.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    read : callable
        Reads some consecutive rows.
    chunk_rows : int
        How many rows are stored together: a multiple of them is read at no more cost than one.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[slice], NDArray[Any]]
    chunk_rows: int = 1

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        return self.read(rows)


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
    vectors : ndarray or LazyMatrix of shape (n, d), or None
        The vectors, where the format sets them apart.
    vectors_name : str
        What sentences call those.
    layouts : mapping of str to ndarray of shape (n, 2)
        Coordinates, where the format sets them apart.
    streams : bool
        Whether vectors are read bit by bit, so that they need not lie in memory as a whole.
    stamp : str
        What tells this source from others and from what it was before it changed; empty where nothing does.
    place : callable or None
        Says for a row in which part of the source it is, and which row it is there; None where there are no parts.
    graphs : tuple of FoundGraph
        Neighbors, where the format sets them apart; whether they are those of the vectors is still to be seen.
    notes : tuple of str
        What the reader left out, a sentence each.
    origin : Path or None
        The file, where results are written into a copy of it.
    folder : Path or None
        Where files that a column names are.
    images : tuple of Path
        Of a folder of images: the file of each row.
    label : str or None
        The column that names a row, where the format knows it.
    """

    source: str
    title: str
    columns: Columns
    vectors: NDArray[Any] | LazyMatrix | None = None
    vectors_name: str = "vectors"
    layouts: dict[str, NDArray[Any]] = field(default_factory=dict)
    streams: bool = False
    stamp: str = ""
    place: Callable[[int], tuple[str, int]] | None = None
    graphs: tuple[FoundGraph, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Path | None = None
    folder: Path | None = None
    images: tuple[Path, ...] = ()
    label: str | None = None
