"""Tables of LanceDB: a folder NAME.lance each, or a database, which is a folder of them; columns are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa

from explorer.data.columns import BATCH_ROWS, UNASKED, Asked, Contents, no_columns
from explorer.data.lance_manifests import other_places
from explorer.data.limits import check_size
from explorer.data.own_files import own_files
from explorer.data.reader_process import ReaderProcess
from explorer.data.stamps import stamp_of
from explorer.data.tables import chosen_table, wanted_tables
from explorer.errors import ExtraMissing, Unreadable

__all__ = ["ENDING", "VERSIONS", "LanceColumns", "is_lance", "lance_tables", "read_lance", "read_lance_database"]

ENDING = ".lance"
VERSIONS = "_versions"
_HEAD_ROWS = 64
_BATCHES = 4


def is_lance(name: str, folders: Sequence[str]) -> bool:
    """Tell by its name and by those of the folders in it whether a folder is a table."""
    return name.lower().endswith(ENDING) and VERSIONS in folders


def lance_tables(folder: Path) -> list[str]:
    """Name the tables in a folder."""
    found = [path for path in folder.iterdir() if path.suffix == ENDING and (path / VERSIONS).is_dir()]
    return sorted(path.stem for path in found)


@dataclass(frozen=True)
class LanceColumns:
    """The columns of a table, as it was when it was opened: ``version`` says when, ``source`` what sentences call it."""

    reader: ReaderProcess
    source: str
    name: str
    version: int
    schema: pa.Schema
    n_rows: int

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""
        if not names:
            return no_columns(self.n_rows)
        return pa.concat_tables(self._found(names, BATCH_ROWS, self.n_rows)) if self.n_rows else self._none(names)

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time."""
        for some in self._found(names, n, self.n_rows):
            yield from some.to_batches(n)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns."""
        end = min(n, self.n_rows)
        if not names:
            return no_columns(end)
        return pa.concat_tables(self._found(names, n, end)) if end else self._none(names)

    def _found(self, names: Sequence[str], n: int, end: int) -> Iterator[pa.Table]:
        """Read the first rows, some batches at a time: within one query the library reads far ahead, up to gigabytes."""
        for start in range(0, end, _BATCHES * n):
            rows = min(_BATCHES * n, end - start)
            some = self.reader.table(
                self.source, "rows", name=self.name, version=self.version, columns=list(names), start=start, n=rows, batch=n
            )
            if len(some) != rows:
                raise Unreadable(self.source, f"it has not the {self.n_rows:,} rows that it says: it is damaged.")
            yield some

    def _none(self, names: Sequence[str]) -> pa.Table:
        return pa.schema([self.schema.field(name) for name in names]).empty_table()


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
    return _contents(_opened(_reader(real.parent), real, source), stamp)


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
    real = folder.resolve()
    reader = _reader(real)
    for name in wanted if len(wanted) > 1 else []:
        columns = _opened(reader, real / f"{name}{ENDING}", f"{source.rstrip('/')}/{name}{ENDING}")
        heads[name] = columns.head(columns.schema.names, _HEAD_ROWS)
    chosen = real / f"{chosen_table(heads, tables, source) if heads else wanted[0]}{ENDING}"
    source = f"{source.rstrip('/')}/{chosen.name}"
    stamp = stamp_of(own_files(chosen, source))
    return _contents(_opened(reader, chosen, source), stamp)


def _reader(database: Path) -> ReaderProcess:
    if find_spec("lancedb") is None:
        raise ExtraMissing("Reading LanceDB", "lancedb")
    return ReaderProcess("lance", database)


def _opened(reader: ReaderProcess, folder: Path, source: str) -> LanceColumns:
    name = folder.name[: -len(ENDING)]
    said = reader.ask(source, "table", name=name)
    elsewhere = other_places(folder / VERSIONS, said["version"], source)
    if elsewhere:
        raise Unreadable(source, f"it is a shallow clone, whose rows are in {elsewhere[0]}. Open that one.")
    schema = reader.table(source, "schema", name=name, version=said["version"]).schema
    return LanceColumns(reader, source, name, said["version"], schema, said["rows"])


def _contents(columns: LanceColumns, stamp: str) -> Contents:
    check_size(columns.source, rows=columns.n_rows, columns=len(columns.schema.names))
    return Contents(columns.source, columns.name, columns, streams=True, stamp=stamp)
