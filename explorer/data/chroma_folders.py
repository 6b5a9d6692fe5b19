"""Folders that Chroma has written: a collection's records, read by its own library out of a copy, since opening a folder changes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import UUID

from explorer.data.breakage import reading
from explorer.data.columns import UNASKED, Asked, Contents, TableColumns
from explorer.data.key_columns import with_keys
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.own_files import own_files
from explorer.data.reader_process import ReaderProcess
from explorer.data.tables import only_table, wanted_tables
from explorer.errors import EmptyDataset, ExtraMissing, Unreadable, memory_text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["CHROMA", "chroma_files", "read_chroma"]

CHROMA = "chroma.sqlite3"
_COPIES = 3  # of the vectors in memory while they are read: the library's index, and what comes of it, twice


def chroma_files(folder: Path) -> list[Path]:
    """List what Chroma keeps its records in: the database, what SQLite has beside it, and a folder for each index."""
    return sorted(path for path in folder.iterdir() if path.name.startswith(CHROMA) or _is_uuid(path.name))


def read_chroma(folder: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Read a collection: the one that was asked for, else the only one that holds anything.

    Nothing that is named in the folder is run or fetched, such as the model that has made its vectors.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    UnknownTable
        If there is no such collection, or there are several to choose from.
    Unreadable
        If it is damaged, has links in it, or there is no room for a copy.
    """
    if find_spec("chromadb") is None:
        raise ExtraMissing("Reading Chroma", "chroma")
    with reading(source), _copied(folder, source) as copy:
        reader = ReaderProcess("chroma", copy)
        try:
            chosen, names, records = _chosen(reader, source, asked)
        finally:
            reader.stop()
    vectors = records.column("vector").combine_chunks()
    table = _with_metadata(records.drop_columns(["vector"]))
    title = chosen if len(names) > 1 else folder.resolve().name
    return Contents(source, title, TableColumns(table), vectors=_matrix(vectors), vectors_name="its vectors")


def _chosen(reader: ReaderProcess, source: str, asked: Asked) -> tuple[str, list[str], pa.Table]:
    """Read the collection that is wanted, and say how it and all are called."""
    n_records = reader.ask(source, "collections")["records"]
    names = sorted(n_records)
    wanted = wanted_tables(names, asked, source)
    chosen = wanted[0] if len(wanted) == 1 else only_table([name for name in wanted if n_records[name]], names, source)
    n = n_records[chosen]
    if not n:
        raise EmptyDataset(source, 0)
    d = reader.ask(source, "width", name=chosen)["width"]
    check_size(source, rows=n, columns=d)
    check_memory(_COPIES * 4 * n * d, source)
    records = reader.table(source, "records", name=chosen, n=n)
    if len(records) != n:
        raise Unreadable(source, f"it holds fewer records than the {n:,} that it says: it is damaged.")
    return chosen, names, records


def _matrix(lists: pa.FixedSizeListArray) -> NDArray[np.float32]:
    found: NDArray[np.float32] = lists.flatten().to_numpy().reshape(len(lists), -1)
    return found


def _with_metadata(records: pa.Table) -> pa.Table:
    """Put a column for each key of the metadata beside those that say something."""
    told = {name: records.column(name).to_pylist() for name in records.column_names if records.column(name).null_count < len(records)}
    return with_keys(told, [json.loads(record) for record in told.pop("metadata")])


@contextmanager
def _copied(folder: Path, source: str) -> Iterator[Path]:
    """Copy what Chroma needs to where it may change it: it brings the database up to date, and writes its indexes anew."""
    files = [file for path in chroma_files(folder) for file in (own_files(path, source) if path.is_dir() else [path])]
    link = next((path for path in chroma_files(folder) if path.is_symlink()), None)
    if link is not None:
        raise Unreadable(source, f"{link.name} in it is a link. Put the file itself there.")
    with TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True) as made:
        needed, free = sum(file.stat().st_size for file in files), shutil.disk_usage(made).free
        if needed > free:
            reason = f"it is read from a copy, which needs {memory_text(needed)}, and {memory_text(free)} are free in {Path(made).parent}."
            raise Unreadable(source, reason)
        for file in files:
            copy = Path(made) / file.relative_to(folder)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
        yield Path(made)


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
