"""Reads tables of LanceDB by its own library, in a process of its own: see ``reader_worker``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lancedb
import pyarrow as pa

if TYPE_CHECKING:
    from lancedb.table import Table

    from explorer.data.reader_worker import Answer

__all__ = ["LanceReader"]


class LanceReader:
    """A database. Of the table NAME ``table`` says the number of rows and its version, ``schema`` is it without rows, ``rows`` are some."""

    def __init__(self, folder: Path) -> None:
        self._database = lancedb.connect(str(folder))
        self._opened: dict[str, Table] = {}

    def answer(self, what: str, how: dict[str, Any]) -> Answer:
        """Answer a question."""
        name, version = how.pop("name"), how.pop("version", None)
        table = self._opened[name] = self._opened.get(name) or self._database.open_table(name)
        if what == "table":
            return {"rows": int(table.count_rows()), "version": int(table.version)}
        if version != table.version:
            table.checkout(version)  # as it was when it was opened
        return pa.RecordBatchReader.from_batches(table.schema, []) if what == "schema" else _rows(table, **how)


def _rows(table: Table, columns: list[str], start: int, n: int, batch: int) -> pa.RecordBatchReader:
    found = table.search().select(columns).offset(start).limit(n).to_batches(batch)
    schema = pa.schema([table.schema.field(name) for name in columns])
    return pa.RecordBatchReader.from_batches(schema, (each.select(columns) for each in found))
