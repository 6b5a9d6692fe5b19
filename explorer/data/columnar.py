"""Parquet and Arrow files, column by column and batch by batch; the whole file is never in memory at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from explorer.data.breakage import TRUNCATED, reading, what_it_is
from explorer.data.columns import BATCH_ROWS, Contents, no_columns
from explorer.data.stamps import stamp_of
from explorer.errors import Unreadable

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["ArrowColumns", "ParquetColumns", "read_arrow", "read_parquet"]

_PARQUET = b"PAR1"
_ARROW = b"ARROW1"
_STREAM = b"\xff\xff\xff\xff"
_BUFFER_BYTES = 1 << 18
_BUFFERS_BYTES = 1 << 22  # of all columns that are read at once
_LEAST_BUFFER_BYTES = 1 << 14


@dataclass(frozen=True)
class ParquetColumns:
    """The columns of a Parquet file."""

    file: Path
    source: str
    schema: pa.Schema
    n_rows: int

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""
        with reading(self.source), self._open() as parquet:
            # Parquet knows a column "a.b" and a field b of a column a by the same name: it may return more than was asked for.
            return parquet.read(columns=list(names)).select(list(names))

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time."""
        with reading(self.source), self._open(at_once=len(names)) as parquet:
            for batch in parquet.iter_batches(batch_size=n, columns=list(names)):
                yield batch.select(list(names))

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns."""
        with reading(self.source), self._open(at_once=len(names)) as parquet:
            first = next(parquet.iter_batches(batch_size=n, columns=list(names)), None)
            if first is None:
                return self.read(names)
            return pa.Table.from_batches([first.select(list(names))])

    def _open(self, *, at_once: int = 0) -> pq.ParquetFile:
        """Open the file, to go through so many columns at once, or to read columns whole."""
        import pyarrow.parquet as pq

        if at_once:  # without a buffer, Arrow reads a whole row group's column at once, and a file may be one row group
            return pq.ParquetFile(
                self.file, pre_buffer=False, buffer_size=min(_BUFFER_BYTES, max(_LEAST_BUFFER_BYTES, _BUFFERS_BYTES // at_once))
            )
        return pq.ParquetFile(self.file)


def read_parquet(file: Path, source: str) -> Contents:
    """Open a Parquet file; columns are read later."""
    import pyarrow.parquet as pq

    with file.open("rb") as stream:
        start = stream.read(len(_PARQUET))
        stream.seek(-min(len(_PARQUET), file.stat().st_size), 2)
        end = stream.read()
    if start != _PARQUET:
        raise Unreadable(source, f"it is not a Parquet file but {what_it_is(file)}.")
    if end != _PARQUET:
        raise Unreadable(source, TRUNCATED)
    with pq.ParquetFile(file) as parquet:
        columns = ParquetColumns(file, source, parquet.schema_arrow, parquet.metadata.num_rows)
    return Contents(source, file.stem, columns, streams=True, stamp=stamp_of([file]))


@dataclass(frozen=True)
class ArrowColumns:
    """The columns of an Arrow file (Feather), or of an Arrow stream in a file."""

    file: Path
    source: str
    schema: pa.Schema
    n_rows: int

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read these columns whole."""
        if not names:
            return no_columns(self.n_rows)
        with reading(self.source), _arrow_batches(self.file, self.schema, names) as batches:
            table = pa.Table.from_batches(batches, self._picked(names)).select(list(names))
            table.validate(full=True)  # Arrow trusts a file's offsets; a damaged one would make it read anywhere
            return _copied(table)

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Read these columns at most n rows at a time."""
        with reading(self.source), _arrow_batches(self.file, self.schema, names) as batches:
            for batch in batches:
                batch.validate(full=True)
                for start in range(0, batch.num_rows, n):
                    yield batch.slice(start, n).select(list(names))

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        """Read the first n rows of these columns."""
        first = next(self.batches(names), None)
        return self.read(names) if first is None else pa.Table.from_batches([first]).slice(0, n)

    def _picked(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self.schema.field(i) for i in _positions(self.schema, names)])


def read_arrow(file: Path, source: str) -> Contents:
    """Open an Arrow file or stream; columns are read later."""
    with file.open("rb") as stream:
        start = stream.read(len(_ARROW))
        stream.seek(-min(len(_ARROW), file.stat().st_size), 2)
        end = stream.read()
    if start != _ARROW and not start.startswith(_STREAM):
        raise Unreadable(source, f"it is not an Arrow file but {what_it_is(file)}.")
    if start == _ARROW and end != _ARROW:
        raise Unreadable(source, TRUNCATED)
    with pa.memory_map(str(file)) as mapped:
        reader = pa.ipc.open_file(mapped) if start == _ARROW else pa.ipc.open_stream(mapped)
        schema = reader.schema
    with _arrow_batches(file, schema, schema.names[:1]) as batches:
        n_rows = sum(batch.num_rows for batch in batches)
    return Contents(source, file.stem, ArrowColumns(file, source, schema, n_rows), streams=True, stamp=stamp_of([file]))


@contextmanager
def _arrow_batches(file: Path, schema: pa.Schema, names: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
    options = pa.ipc.IpcReadOptions(included_fields=_positions(schema, names))
    with pa.memory_map(str(file)) as mapped:
        if mapped.read(len(_ARROW)) == _ARROW:
            reader = pa.ipc.open_file(mapped, options=options)
            yield (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            mapped.seek(0)
            yield iter(pa.ipc.open_stream(mapped, options=options))


def _positions(schema: pa.Schema, names: Sequence[str]) -> list[int]:
    return sorted(schema.names.index(name) for name in names)


def _copied(table: pa.Table) -> pa.Table:
    """Copy a table out of the mapped file: whoever overwrites the file later must not be able to crash this process."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return pa.ipc.open_stream(sink.getvalue()).read_all()
