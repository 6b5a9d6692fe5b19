"""A path into contents: picks the reader by the file's ending and turns whatever breaks into one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.breakage import reading
from explorer.data.columns import UNASKED, Asked
from explorer.data.projector_config import NAMES as PROJECTOR
from explorer.errors import BadParameter, FileMissing, UnknownFormat, Unreadable

if TYPE_CHECKING:
    from explorer.data.columns import Contents

__all__ = ["DATABASES", "ENDINGS", "FROM_ANYBODY", "no_tables", "read_file"]

DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb")


def read_file(path: str, asked: Asked = UNASKED) -> Contents:
    """Read a file, or a folder that is one dataset, of any format Explorer knows.

    Parameters
    ----------
    path : str
        As a person gave it; sentences repeat it like that. ``~`` is expanded.
    asked : Asked
        What somebody wants of it.

    Raises
    ------
    FileMissing, Unreadable, UnknownFormat
    UnknownTable
        If a database has no such table as is asked for, or several to choose from.
    BadParameter
        If a table is asked for of what is no database.
    """
    with reading(path):
        file = Path(path).expanduser()
        if not file.exists():
            raise FileMissing(path)
        has_tables = asked.table is None or _has_tables(file)
    if asked.table is not None and not has_tables:
        raise no_tables(asked.table)
    with reading(path):
        return replace(_read(file, path, asked), folder=file if file.is_dir() else file.parent)


def no_tables(table: str) -> BadParameter:
    """Make the error for a table that is asked for of what has none."""
    return BadParameter(
        "table", table, f"only a database ({', '.join(DATABASES)}, a folder of LanceDB or Chroma) has tables to choose from."
    )


def _has_tables(file: Path) -> bool:
    from explorer.data.folders import has_tables

    return has_tables(file) if file.is_dir() else file.suffix.lower() in DATABASES


def _read(file: Path, source: str, asked: Asked) -> Contents:
    if file.is_dir():
        return _folder(file, source, asked)
    if file.name in PROJECTOR:
        return _projector(file, source, asked)
    if file.suffix.lower() not in _READERS:
        raise UnknownFormat(source, ENDINGS)
    if not file.stat().st_size:
        raise Unreadable(source, "it is empty (0 bytes).")
    return _READERS[file.suffix.lower()](file, source, asked)


def _folder(folder: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.folders import read_folder

    return read_folder(folder, source, asked)


def _projector(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.projector_files import read_projector

    return read_projector(file, source, asked)


def _parquet(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.columnar import read_parquet

    return read_parquet(file, source)


def _arrow(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.columnar import read_arrow

    return read_arrow(file, source)


def _delimited(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.delimited import read_delimited

    return read_delimited(file, source)


def _json_lines(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.json_lines import read_json_lines

    return read_json_lines(file, source)


def _npy(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.numpy_files import read_npy

    return read_npy(file, source)


def _npz(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.numpy_files import read_npz

    return read_npz(file, source, asked)


def _database(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.databases import read_database

    return read_database(file, source, asked)


def _hdf5(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.hdf5_files import read_hdf5

    return read_hdf5(file, source, asked)


def _safetensors(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.safetensors_files import read_safetensors

    return read_safetensors(file, source, asked)


def _anndata(file: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.anndata_files import read_anndata

    return read_anndata(file, source, asked)


def _faiss(file: Path, source: str, _: Asked) -> Contents:
    from explorer.data.faiss_files import read_faiss

    return read_faiss(file, source)


_READERS: dict[str, Callable[[Path, str, Asked], Contents]] = {
    ".parquet": _parquet,
    ".feather": _arrow,
    ".arrow": _arrow,
    ".ipc": _arrow,
    ".csv": _delimited,
    ".tsv": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".h5ad": _anndata,
    **dict.fromkeys(DATABASES, _database),
    ".faiss": _faiss,
    ".index": _faiss,
}

ENDINGS: tuple[str, ...] = tuple(_READERS)
# Their libraries trust files: HDF5's never returns from some damaged ones.
_OWN_ONLY = (".h5", ".hdf5", ".h5ad", ".db", ".duckdb", ".faiss", ".index")
FROM_ANYBODY: tuple[str, ...] = tuple(ending for ending in ENDINGS if ending not in _OWN_ONLY)
