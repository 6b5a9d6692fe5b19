"""One function a format: a table into a file. Text that a spreadsheet would run as a formula is made harmless in CSV and TSV."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.vectors import is_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WRITERS", "Writer", "clipboard_text", "one_line"]

_JSON_ROWS = 4_096
_CELL_ROWS = 1 << 16
_FORMULA = r"^[=+\-@\t\r]"


class Writer(NamedTuple):
    """How a format is written, whether it holds vectors without blowing up, and whether a cell of it may hold a list.

    ``extra`` is the library that writes it, and what is installed to have that, where it may be missing.
    """

    write: Callable[[pa.Table, Path], None]
    keeps_vectors: bool
    keeps_lists: bool
    extra: str = ""


def _parquet(table: pa.Table, file: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd", row_group_size=1 << 17)


def _arrow(table: pa.Table, file: Path) -> None:
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=1 << 16)


def _json_lines(table: pa.Table, file: Path) -> None:
    with file.open("w", encoding="utf-8") as stream:
        for batch in table.to_batches(max_chunksize=_JSON_ROWS):
            for row in batch.to_pylist():
                stream.write(json.dumps({name: _json_value(value) for name, value in row.items()}, ensure_ascii=False, default=str))
                stream.write("\n")


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _data_uri(value) if isinstance(value, bytes) else value


def _csv(table: pa.Table, file: Path) -> None:
    _delimited(table, file, ",")


def _tsv(table: pa.Table, file: Path) -> None:
    _delimited(table, file, "\t")


def _delimited(table: pa.Table, file: Path, delimiter: str) -> None:
    from pyarrow import csv

    schema = pa.schema([pa.field(name, _cells(table.column(i)[:0]).type) for i, name in enumerate(_names(table))])
    with csv.CSVWriter(file, schema, write_options=csv.WriteOptions(delimiter=delimiter)) as writer:
        for start in range(0, table.num_rows, _CELL_ROWS):  # in parts: a long table's repeated texts are written out only here
            part = table.slice(start, _CELL_ROWS)
            writer.write_table(pa.table([_cells(column) for column in part.columns], schema=schema))


def clipboard_text(table: pa.Table) -> str:
    """Write a short table for a clipboard: cells between tabs, nothing quoted; a tab or a line break inside of a text becomes a space."""
    columns = [map(one_line, _cells(column).cast(pa.large_string()).to_pylist()) for column in table.columns]
    return "\n".join("\t".join(cells) for cells in [[*map(one_line, _names(table))], *zip(*columns, strict=True)])


def one_line(cell: str | None) -> str:
    """Let nothing in a text end a cell or a line."""
    return " ".join((cell or "").split())


def _names(table: pa.Table) -> list[str]:
    return [f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name for name in table.column_names]


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_large_binary(kind):
        texts = [None if value is None else _data_uri(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.large_string())])
    if pa.types.is_nested(kind):
        texts = [None if value is None else json.dumps(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.large_string())])
    if not is_text(kind):
        return column
    dangerous = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(
        pc.fill_null(dangerous, pa.scalar(value=False)),
        pc.binary_join_element_wise(pa.scalar("'", kind), column, pa.scalar("", kind)),
        column,
    )


def _data_uri(value: bytes) -> str:
    kinds = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))
    kind = next((kind for start, kind in kinds if value.startswith(start)), "png")
    return f"data:image/{kind};base64,{base64.b64encode(value).decode()}"


def _npz(table: pa.Table, file: Path) -> None:
    from explorer.data.array_writers import write_npz

    write_npz(table, file)


def _zarr(table: pa.Table, folder: Path) -> None:
    from explorer.data.array_writers import write_zarr

    write_zarr(table, folder)


WRITERS: dict[str, Writer] = {
    ".parquet": Writer(_parquet, keeps_vectors=True, keeps_lists=True),
    ".feather": Writer(_arrow, keeps_vectors=True, keeps_lists=True),
    ".arrow": Writer(_arrow, keeps_vectors=True, keeps_lists=True),
    ".ipc": Writer(_arrow, keeps_vectors=True, keeps_lists=True),
    ".jsonl": Writer(_json_lines, keeps_vectors=False, keeps_lists=True),
    ".ndjson": Writer(_json_lines, keeps_vectors=False, keeps_lists=True),
    ".npz": Writer(_npz, keeps_vectors=True, keeps_lists=True),
    ".zarr": Writer(_zarr, keeps_vectors=True, keeps_lists=True, extra="zarr"),
    ".csv": Writer(_csv, keeps_vectors=False, keeps_lists=False),
    ".tsv": Writer(_tsv, keeps_vectors=False, keeps_lists=False),
}
