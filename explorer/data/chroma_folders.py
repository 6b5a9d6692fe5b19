"""Folders that Chroma has written: a collection's records, read by its own library out of a copy, since opening a folder changes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import numpy as np

from explorer.data.breakage import reading
from explorer.data.columns import UNASKED, Asked, Contents, TableColumns
from explorer.data.key_columns import with_keys
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.own_files import own_files
from explorer.data.tables import only_table, wanted_tables
from explorer.errors import EmptyDataset, ExplorerError, ExtraMissing, Unreadable, memory_text

if TYPE_CHECKING:
    import pyarrow as pa
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

__all__ = ["CHROMA", "chroma_files", "read_chroma"]

CHROMA = "chroma.sqlite3"
_PAGE = 5_000
_COPIES = 3  # of the vectors in memory while they are read: the library's index, a page, and what is made of them
# Chroma has an older part in Python, which unpickles; this one never does.
_RUST = "chromadb.api.rust.RustBindingsAPI"


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
    try:
        import chromadb  # noqa: F401
    except ImportError:
        raise ExtraMissing("Reading Chroma", "chroma") from None

    with _reading(source), _copied(folder, source) as copy, closing(_client(copy)) as client:
        names = sorted(collection.name for collection in client.list_collections())
        wanted = wanted_tables(names, asked, source)
        found = {name: client.get_collection(name, embedding_function=None) for name in wanted}
        chosen = wanted[0] if len(wanted) == 1 else only_table([name for name in wanted if found[name].count()], names, source)
        table, vectors = _records(found[chosen], source)
    title = chosen if len(names) > 1 else folder.resolve().name
    return Contents(source, title, TableColumns(table), vectors=vectors, vectors_name="its vectors")


def _client(folder: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    options: dict[str, Any] = {"_env_file": None, "anonymized_telemetry": False, "chroma_api_impl": _RUST, "migrations": "apply"}
    return cast("Client", chromadb.PersistentClient(str(folder), Settings(**options)))


def _records(collection: Collection, source: str) -> tuple[pa.Table, NDArray[np.float32]]:
    n = collection.count()
    if not n:
        raise EmptyDataset(source, 0)
    d = np.shape(_page(collection, 0, 1)["embeddings"])[1]
    check_size(source, rows=n, columns=d)
    check_memory(_COPIES * 4 * n * d, source)
    vectors = np.empty((n, d), np.float32)
    columns: dict[str, list[Any]] = {"id": [], "document": [], "uri": []}
    records: list[Mapping[str, Any]] = []
    for start in range(0, n, _PAGE):
        page = _page(collection, start, min(_PAGE, n - start))
        if len(page["ids"]) != min(_PAGE, n - start):
            raise Unreadable(source, f"it holds fewer records than the {n:,} that it says: it is damaged.")
        vectors[start : start + _PAGE] = page["embeddings"]
        for name, key in (("id", "ids"), ("document", "documents"), ("uri", "uris")):
            columns[name] += page[key]
        records += [dict(sorted((record or {}).items())) for record in page["metadatas"]]  # they come in any order
    return with_keys({name: values for name, values in columns.items() if any(value is not None for value in values)}, records), vectors


def _page(collection: Collection, start: int, n: int) -> Mapping[str, Any]:
    return collection.get(limit=n, offset=start, include=["embeddings", "documents", "metadatas", "uris"])


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


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Turn whatever Chroma makes of a folder that it does not understand into a sentence."""
    try:
        with reading(source):
            yield
    except ExplorerError:
        raise
    except Exception as error:
        reason = f"the installed Chroma does not read it ({type(error).__name__}: {str(error)[:200]}). Was a later version used?"
        raise Unreadable(source, reason) from error


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
