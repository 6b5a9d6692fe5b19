"""Tables in files of SQLite and DuckDB, read whole. No view is read, whose query could be anything, and nobody's own query is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.breakage import what_it_is
from explorer.data.columns import UNASKED, Asked, Contents, TableColumns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.names import is_vector_name
from explorer.data.tables import chosen_table, is_bytes, wanted_tables
from explorer.errors import ExtraMissing, Unreadable

if TYPE_CHECKING:
    import sqlite3

    import duckdb
    from numpy.typing import NDArray

__all__ = ["read_database"]

_SQLITE = b"SQLite format 3\0"
_DUCKDB = b"DUCK"
_DUCKDB_AT = 8
_DUCKDB_ENDINGS = (".duckdb", ".db")  # others may be anybody's uploads
_HEAD_ROWS = 64
_BATCH_ROWS = 8_192
_ROOM = 1 << 26
_DEFAULTS = 16
_LIKELY = 1e4  # the numbers of vectors are below; those of other bytes, taken for numbers, are not
_PRIVATE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def read_database(file: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Read a table: the one that was asked for, else the only one that has something to draw.

    Bytes in a column that is named like vectors are taken for numbers of 4 bytes, or 8 where that makes no sense.

    Raises
    ------
    ExtraMissing
        If the library that reads DuckDB is not installed.
    UnknownTable
        If there is no such table, or there are several to choose from.
    Unreadable
        If the file is damaged, or neither of the two.
    """
    with file.open("rb") as stream:
        start = stream.read(len(_SQLITE))
    check_memory(2 * _size(file), source)
    if start == _SQLITE:
        found, table = _sqlite(file, source, asked)
    elif start[_DUCKDB_AT : _DUCKDB_AT + len(_DUCKDB)] == _DUCKDB and file.suffix.lower() not in _DUCKDB_ENDINGS:
        raise Unreadable(source, f"it is a database of DuckDB, whose names end with {' or '.join(_DUCKDB_ENDINGS)}.")
    elif start[_DUCKDB_AT : _DUCKDB_AT + len(_DUCKDB)] == _DUCKDB:
        found, table = _duckdb(file, source, asked)
    else:
        raise Unreadable(source, f"it is a database neither of SQLite nor of DuckDB but {what_it_is(file)}.")
    check_size(source, rows=table.num_rows, columns=table.num_columns)
    names = [name for name, column in zip(table.column_names, table.columns, strict=True) if is_bytes(column.type)]
    for name in names:
        vectors = _vectors(table.column(name)) if is_vector_name(name) else None
        if vectors is not None:
            table = table.set_column(table.column_names.index(name), name, vectors)
    return Contents(source, found or file.stem, TableColumns(table))


def _sqlite(file: Path, source: str, asked: Asked) -> tuple[str, pa.Table]:
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            opened.text_factory = lambda text: text.decode("utf-8", errors="replace")
            opened.execute("PRAGMA trusted_schema = OFF")
            opened.execute("PRAGMA cell_size_check = ON")
            listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            tables = [str(name) for (name,) in opened.execute(f"{listed} AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")]
            heads = {name: _rows(opened, name, source, _size(file), most=_HEAD_ROWS) for name in wanted_tables(tables, asked, source)}
            chosen = chosen_table(heads, tables, source)
            return (chosen if len(tables) > 1 else ""), _rows(opened, chosen, source, _size(file))
    except sqlite3.Error as error:
        raise Unreadable(source, f"{error}.") from error


def _size(file: Path) -> int:
    """Count the bytes of a database, with those that SQLite has written beside it and not yet into it."""
    beside = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (beside.stat().st_size if beside.is_file() else 0)


def _rows(opened: sqlite3.Connection, table: str, source: str, size: int, *, most: int | None = None) -> pa.Table:
    """Read a table, but for columns that are computed: how, the file says.

    A damaged file can list the same rows again and again, without end. In a sound one they take room, but for defaults of columns.
    """
    described = opened.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
    names = [str(name) for (name,) in described]
    check_size(source, columns=len(names))
    columns: list[list[Any]] = [[] for _ in names]
    cursor = opened.execute(f"SELECT {', '.join(map(_quoted, names))} FROM {_quoted(table)} LIMIT ?", (-1 if most is None else most,))
    taken = 0
    while rows := cursor.fetchmany(_BATCH_ROWS):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
            taken += sum(len(value) for value in values if isinstance(value, bytes | str))
        if len(columns[0]) > size or taken > _ROOM + _DEFAULTS * size:
            raise Unreadable(source, "its table holds more than the file: it is damaged.")
        check_size(source, rows=len(columns[0]))
    return pa.table({name: _column(values) for name, values in zip(names, columns, strict=True)})


def _column(values: list[Any]) -> pa.Array:
    """Give what SQLite holds one type: numbers, bytes, or text where there are several."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pa.array(values, pa.float64() if float in kinds or not _fits(values) else pa.int64()) if kinds else pa.nulls(len(values))
    if kinds == {bytes}:
        return pa.array(values, pa.binary()) if sum(map(len, filter(None, values))) < 1 << 31 else pa.array(values, pa.large_binary())
    return pa.array([value if value is None or isinstance(value, str) else _as_text(value) for value in values], pa.large_string())


def _fits(values: list[Any]) -> bool:
    return all(-(2**63) <= value < 2**63 for value in values if isinstance(value, int))


def _as_text(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _duckdb(file: Path, source: str, asked: Asked) -> tuple[str, pa.Table]:
    try:
        import duckdb
    except ImportError:
        raise ExtraMissing("Reading DuckDB", "duckdb") from None

    try:
        with closing(duckdb.connect(str(file), read_only=True, config=_PRIVATE)) as opened:
            places = _duckdb_tables(opened)
            tables = [*places]
            heads = {
                name: opened.sql(f"SELECT * FROM {places[name]} LIMIT {_HEAD_ROWS}").to_arrow_table()
                for name in wanted_tables(tables, asked, source)
            }
            chosen = chosen_table(heads, tables, source)
            return (chosen if len(tables) > 1 else ""), opened.sql(f"SELECT * FROM {places[chosen]}").to_arrow_table()
    except duckdb.Error as error:
        raise Unreadable(source, f"{str(error).splitlines()[0].rstrip('.')}.") from error


def _duckdb_tables(opened: duckdb.DuckDBPyConnection) -> Mapping[str, str]:
    """Say for each table how a query names it; one that is not in the main schema has that in front of its name."""
    rows = opened.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL").fetchall()
    named = [(str(schema), str(table)) for schema, table in rows]
    return {table if schema == "main" else f"{schema}.{table}": f"{_quoted(schema)}.{_quoted(table)}" for schema, table in named}


def _vectors(column: pa.ChunkedArray) -> pa.Array | None:
    """Turn bytes into lists of numbers; None where they are none, or of unequal length."""
    there = [value for value in column.to_pylist() if value]
    lengths = {len(value) for value in there}
    if len(lengths) != 1:
        return None
    joined = b"".join(there)
    for dtype in _numbers(lengths.pop()):
        numbers = np.frombuffer(joined, dtype).reshape(len(there), -1)
        some = numbers[:_HEAD_ROWS]
        if np.isfinite(some).all() and np.abs(some).max(initial=0) < _LIKELY:
            return _lists(numbers, column)
    return None


def _lists(numbers: NDArray[Any], column: pa.ChunkedArray) -> pa.Array:
    """Give each row that has bytes its numbers."""
    filled = np.fromiter((bool(value) for value in column.to_pylist()), np.bool_, len(column))
    ends = np.concatenate([[0], np.cumsum(np.where(filled, numbers.shape[1], 0))])
    offsets = pa.array(ends, pa.int64(), mask=np.append(~filled, False))
    return pa.LargeListArray.from_arrays(offsets, pa.array(numbers.reshape(-1)))


def _numbers(length: int) -> Iterator[np.dtype[Any]]:
    for dtype in (np.dtype("<f4"), np.dtype("<f8")):
        if length % dtype.itemsize == 0:
            yield dtype


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
