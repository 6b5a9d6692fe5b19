"""A folder that is one dataset: what it is, by the names in it, and which reader takes it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.chroma_folders import CHROMA, chroma_files, read_chroma
from explorer.data.columns import UNASKED, Asked
from explorer.data.lance_tables import ENDING as LANCE
from explorer.data.lance_tables import VERSIONS, is_lance, lance_tables, read_lance, read_lance_database
from explorer.data.parts import ENDING as PARQUET
from explorer.data.parts import are_parts, part_files, read_parts
from explorer.data.projector_config import NAMES as PROJECTOR
from explorer.data.qdrant_folders import is_qdrant, refused, within_qdrant
from explorer.data.saved_datasets import are_saved, is_saved, read_saved, saved_files
from explorer.data.zarr_folders import ENDING as ZARR
from explorer.data.zarr_folders import MARKS, is_zarr, read_zarr
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from explorer.data.columns import Contents

__all__ = ["ENDINGS", "has_tables", "is_dataset", "read_folder", "state_of"]

ENDINGS = (PARQUET, ZARR, LANCE)  # of folders that are datasets; they need none


def is_dataset(folder: str, files: Sequence[str], folders: Sequence[str]) -> bool:
    """Tell by its name and by those in it whether a folder is one dataset; see :func:`explorer.data.parts.are_parts`.

    A folder of Qdrant is one that cannot be read; why, it says when it is opened.
    """
    marked = any(mark in files for mark in (*MARKS, *PROJECTOR, CHROMA)) or is_lance(folder, folders) or is_qdrant(files, folders)
    return marked or is_saved(files) or are_parts(folder, files) or is_llama_index(files)


def has_tables(folder: Path) -> bool:
    """Tell whether a folder is a database, of whose tables one is chosen."""
    return (folder / CHROMA).is_file() or bool(lance_tables(folder))


def is_llama_index(files: Sequence[str]) -> bool:
    """Tell by the names in a folder whether LlamaIndex has written an index there."""
    return "docstore.json" in files and any(name.endswith("vector_store.json") for name in files)


def llama_index_files(folder: Path) -> list[str]:
    """Name the files of an index that LlamaIndex has written to a folder; none where there is none."""
    names = sorted(file.name for file in folder.iterdir() if file.is_file() and file.suffix == ".json")
    return names if is_llama_index(names) else []


def state_of(path: Path) -> Hashable:
    """Say what a file, or a folder's parts, look like now: something else once they have changed; takes milliseconds.

    Of a Zarr folder only its metadata are looked at: it may have more chunks than can be.

    Raises
    ------
    OSError
        If it is gone.
    """
    looked_at = [path]
    if path.is_dir():
        looked_at += [
            *part_files(path),
            *_projector_files(path),
            *saved_files(path),
            *(path / mark for mark in MARKS if (path / mark).is_file()),
        ]
        looked_at += [path / name for name in llama_index_files(path)]
        looked_at += [path / VERSIONS] if (path / VERSIONS).is_dir() else []
        looked_at += chroma_files(path) if (path / CHROMA).is_file() else []
    found = [(each, each.stat()) for each in looked_at]
    return tuple((str(each), stat.st_mtime_ns, stat.st_size) for each, stat in found)


def _projector_files(folder: Path) -> list[Path]:
    if not _is_projector(folder):
        return []
    return sorted(file for file in folder.iterdir() if file.is_file())


def read_folder(folder: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Read a folder that is one dataset, or a database of which one table is taken.

    Raises
    ------
    Unreadable
        If it is something else, or a part of it is broken.
    UnknownTable
        If it is a database, and it is not clear which table is meant.
    ExtraMissing
        If the library that reads it is not installed.
    """
    read = next((read for is_one, read in _READERS if is_one(folder)), None)
    if read is None:
        tables = f"a {PROJECTOR[0]} nor tables of LanceDB (*.lance)"
        what = f"neither Parquet parts (*.parquet) nor a Zarr array ({', '.join(MARKS)}) nor {tables} nor images"
        raise Unreadable(source, f"it is a folder that holds {what}. Name one file in it.")
    return read(folder, source, asked)


def _is_projector(folder: Path) -> bool:
    return any((folder / name).is_file() for name in PROJECTOR)


def _projector(folder: Path, source: str, asked: Asked) -> Contents:
    from explorer.data.projector_files import read_projector

    return read_projector(folder, source, asked)


def _is_saved(folder: Path) -> bool:
    names = [file.name for file in folder.iterdir()]
    return is_saved(names) or are_saved(names)


def _llama_index(folder: Path, source: str, _: Asked) -> Contents:
    from explorer.data.llama_index import read_llama_index

    return read_llama_index(folder, source)


def _is_images(folder: Path) -> bool:
    from explorer.data.image_folders import is_image_folder

    return is_image_folder(folder)


def _images(folder: Path, source: str, _: Asked) -> Contents:
    from explorer.data.image_folders import read_images

    return read_images(folder, source)


def _qdrant(_: Path, source: str, __: Asked) -> Contents:
    raise refused(source)


_READERS: tuple[tuple[Callable[[Path], object], Callable[[Path, str, Asked], Contents]], ...] = (
    (is_zarr, read_zarr),
    (_is_projector, _projector),
    (_is_saved, lambda folder, source, _: read_saved(folder, source)),
    (part_files, lambda folder, source, _: read_parts(folder, source)),
    (llama_index_files, _llama_index),
    (lambda folder: (folder / CHROMA).is_file(), read_chroma),
    (lambda folder: (folder / VERSIONS).is_dir(), lambda folder, source, _: read_lance(folder, source)),
    (lance_tables, read_lance_database),
    (within_qdrant, _qdrant),
    (_is_images, _images),
)
