"""A folder that is one dataset: what it is, by the names in it, and which reader takes it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.columns import UNASKED, Asked
from explorer.data.parts import ENDING as PARQUET
from explorer.data.parts import are_parts, part_files, read_parts
from explorer.data.projector_config import NAMES as PROJECTOR
from explorer.data.saved_datasets import are_saved, is_saved, read_saved, saved_files
from explorer.data.zarr_folders import ENDING as ZARR
from explorer.data.zarr_folders import MARKS, is_zarr, read_zarr
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from explorer.data.columns import Contents

__all__ = ["ENDINGS", "is_dataset", "read_folder", "state_of"]

ENDINGS = (PARQUET, ZARR)  # of folders that are datasets; they need none


def is_dataset(folder: str, files: Sequence[str]) -> bool:
    """Tell by its name and by those of the files in it whether a folder is one dataset; see :func:`explorer.data.parts.are_parts`."""
    return any(mark in files for mark in (*MARKS, *PROJECTOR)) or is_saved(files) or are_parts(folder, files) or is_llama_index(files)


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
    found = [(each, each.stat()) for each in looked_at]
    return tuple((str(each), stat.st_mtime_ns, stat.st_size) for each, stat in found)


def _projector_files(folder: Path) -> list[Path]:
    if not any((folder / name).is_file() for name in PROJECTOR):
        return []
    return sorted(file for file in folder.iterdir() if file.is_file())


def read_folder(folder: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Read a folder that is one dataset: Parquet parts, Zarr, of the Projector, saved by datasets, an index of LlamaIndex, or images.

    Raises
    ------
    Unreadable
        If it is something else, or a part of it is broken.
    ExtraMissing
        If the library that reads it is not installed.
    """
    if is_zarr(folder):
        return read_zarr(folder, source, asked)
    if any((folder / name).is_file() for name in PROJECTOR):
        from explorer.data.projector_files import read_projector

        return read_projector(folder, source, asked)
    names = [file.name for file in folder.iterdir()]
    if is_saved(names) or are_saved(names):
        return read_saved(folder, source)
    if part_files(folder):
        return read_parts(folder, source)
    if llama_index_files(folder):
        from explorer.data.llama_index import read_llama_index

        return read_llama_index(folder, source)
    from explorer.data.image_folders import is_image_folder, read_images

    if is_image_folder(folder):
        return read_images(folder, source)
    what = f"neither Parquet parts (*.parquet) nor a Zarr array ({', '.join(MARKS)}) nor a {PROJECTOR[0]} nor images"
    raise Unreadable(source, f"it is a folder that holds {what}. Name one file in it.")
