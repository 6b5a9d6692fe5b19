"""Tables of LanceDB: a folder NAME.lance each, or a database, which is a folder of them; columns are read when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from explorer.data.breakage import reading
from explorer.data.columns import BATCH_ROWS, UNASKED, Asked, Contents, no_columns
from explorer.data.lance_manifests import other_places
from explorer.data.limits import check_size
from explorer.data.own_files import own_files
from explorer.data.stamps import stamp_of
from explorer.data.tables import chosen_table, wanted_tables
from explorer.errors import ExtraMissing, Unreadable

if TYPE_CHECKING:
    from lancedb.table import Table

__all__ = ["ENDING", "VERSIONS", "LanceColumns", "is_lance", "lance_tables", "read_lance", "read_lance_database"]

ENDING = ".lance"
VERSIONS = "_versions"
_HEAD_ROWS = 64
_BATCHES = 4
_WHERE = re.compile(r"^lance error: |LanceError\(\w+\): |,? ?/\S+\.rs:\d+(:\d+)?")


def is_lance(name: str, folders: Sequence[str]) -> bool:
    """Tell by its name and by those of the folders in it whether a folder is a table."""
    return name.lower().endswith(ENDING) and VERSIONS in folders


def lance_tables(folder: Path) -> list[str]:
    """Name the tables in a folder."""
    found = [path for path in folder.iterdir() if path.suffix == ENDING and (path / VERSIONS).is_dir()]
    return sorted(path.stem for path in found)


@dataclass(frozen=True)
class LanceColumns:
    """The columns of a table, as it was when it was opened."""

    table: Table
    source: str
    schema: pa.Schema
    n_rows: int

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""
        if not names:
            return no_columns(self.n_rows)
        return pa.Table.from_batches(self.batches(names), self._picked(names))

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time."""
        yield from self._found(names, n, self.n_rows)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns."""
        if not names:
            return no_columns(min(n, self.n_rows))
        return pa.Table.from_batches(self._found(names, n, n), self._picked(names))

    def _found(self, names: Sequence[str], n: int, most: int) -> Iterator[pa.RecordBatch]:
        """Read the first rows, some batches at a time: within one query the library reads far ahead, up to gigabytes."""
        end = min(most, self.n_rows)
        with _reading(self.source):
            for start in range(0, end, _BATCHES * n):
                left = min(_BATCHES * n, end - start)
                for batch in self.table.search().select(list(names)).offset(start).limit(left).to_batches(n):
                    batch.validate(full=True)  # what a damaged file's offsets lead to is anybody's guess
                    left -= batch.num_rows
                    yield batch.select(list(names))
                if left:
                    raise Unreadable(self.source, f"it has not the {self.n_rows:,} rows that it says: it is damaged.")

    def _picked(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self.schema.field(name) for name in names])


def read_lance(folder: Path, source: str) -> Contents:
    """Open a table.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is damaged, has links in it, or is a clone whose rows are elsewhere.
    """
    real = folder.resolve()
    stamp = stamp_of(own_files(real, source))
    columns = _opened(real.parent, real.name[: -len(ENDING)], source)
    check_size(source, rows=columns.n_rows, columns=len(columns.schema.names))
    return Contents(source, real.name[: -len(ENDING)], columns, streams=True, stamp=stamp)


def read_lance_database(folder: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open a table of a database: the one that was asked for, else the only one that has something to draw.

    Raises
    ------
    ExtraMissing, Unreadable
        See :func:`read_lance`.
    UnknownTable
        If there is no such table, or there are several to choose from.
    """
    tables = lance_tables(folder)
    wanted = wanted_tables(tables, asked, source)
    heads: dict[str, pa.Table] = {}
    for name in wanted if len(wanted) > 1 else []:
        columns = _opened(folder.resolve(), name, f"{source.rstrip('/')}/{name}{ENDING}")
        heads[name] = columns.head(columns.schema.names, _HEAD_ROWS)
    chosen = chosen_table(heads, tables, source) if heads else wanted[0]
    return read_lance(folder / f"{chosen}{ENDING}", f"{source.rstrip('/')}/{chosen}{ENDING}")


def _opened(database: Path, name: str, source: str) -> LanceColumns:
    try:
        import lancedb
    except ImportError:
        raise ExtraMissing("Reading LanceDB", "lancedb") from None

    with _reading(source):
        table = lancedb.connect(str(database)).open_table(name)
        elsewhere = other_places(database / f"{name}{ENDING}" / VERSIONS, int(table.version), source)
        if elsewhere:
            raise Unreadable(source, f"it is a shallow clone, whose rows are in {elsewhere[0]}. Open that one.")
        return LanceColumns(table, source, table.schema, int(table.count_rows()))


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Turn what the library raises into a sentence, without its own names for it and the place in its source."""
    try:
        with reading(source):
            yield
    except Unreadable as error:
        error.args = (error.args[0], _WHERE.sub("", error.args[1]))
        raise
