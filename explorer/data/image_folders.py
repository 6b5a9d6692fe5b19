"""A folder of images: a row for each, with a small picture; the files themselves are left to who encodes them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.data.columns import BATCH_ROWS, Contents
from explorer.data.limits import check_size
from explorer.encoders.image_bytes import ENDINGS, image_bytes
from explorer.encoders.opened_images import opened
from explorer.errors import Unreadable

__all__ = ["PICTURES", "is_image_folder", "read_images"]

PICTURES = "image"
"""The column of small pictures."""

_SIDE = 96  # pixels
_QUALITY = 80
_MOST = 100_000  # images: their small pictures are in memory
_DEEPEST = 8
_THREADS = 4
_LOOKED = 1_000  # folders in which the first image is looked for
_FILE, _FOLDER, _WIDTH, _HEIGHT = "file", "folder", "width", "height"


def is_image_folder(folder: Path) -> bool:
    """Tell whether a folder is to be opened as images: some are in it or below, and in itself nothing else that can be opened."""
    from explorer.data.files import ENDINGS as DATA
    from explorer.data.folders import is_dataset

    _, folders, names = next(os.walk(folder), ("", [], []))  # nothing of what is no folder, or may not be read
    other = is_dataset(folder.name, names, folders) or any(Path(name).suffix.lower() in DATA for name in names)
    return not other and next(_files(folder, most_folders=_LOOKED), None) is not None


def read_images(folder: Path, source: str) -> Contents:
    """List the images in a folder and below; they are opened when their columns are asked for.

    Raises
    ------
    Unreadable, TooLarge
        If there are too many.
    """
    files: list[Path] = []
    for file in _files(folder):
        if len(files) == _MOST:
            raise Unreadable(source, f"it holds more than {_MOST:,} images. Open a folder within it.")
        files.append(file)
    check_size(source, rows=len(files))
    columns = _ImageColumns(folder, tuple(files))
    return Contents(source, folder.resolve().name, columns, images=tuple(folder / file for file in files), label=_FILE)


@dataclass(frozen=True)
class _ImageColumns:
    folder: Path
    files: tuple[Path, ...]  # below the folder

    @property
    def schema(self) -> pa.Schema:
        folders = [(_FOLDER, pa.string())] if any(len(file.parts) > 1 for file in self.files) else []
        return pa.schema([(_FILE, pa.string()), *folders, (PICTURES, pa.large_binary()), (_WIDTH, pa.int32()), (_HEIGHT, pa.int32())])

    @property
    def n_rows(self) -> int:
        return len(self.files)

    def read(self, names: Sequence[str]) -> pa.Table:
        looked = self._looked_into if {PICTURES, _WIDTH, _HEIGHT} & set(names) else {}
        texts = {
            _FILE: [_shown(file) for file in self.files],
            _FOLDER: [_shown(file.parent) if len(file.parts) > 1 else None for file in self.files],
        }
        fields = [self.schema.field(name) for name in names]
        return pa.table([pa.array((texts | looked)[field.name], field.type) for field in fields], pa.schema(fields))

    def batches(self, names: Sequence[str], n: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        yield from self.read(names).to_batches(max_chunksize=n)

    def head(self, names: Sequence[str], n: int) -> pa.Table:
        return self.read(names).slice(0, n)

    @cached_property
    def _looked_into(self) -> dict[str, list[Any]]:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="explorer-images") as pool:
            found = list(pool.map(lambda file: _looked_into(self.folder / file), self.files))
        return {name: [each[at] for each in found] for at, name in enumerate((PICTURES, _WIDTH, _HEIGHT))}


def _looked_into(file: Path) -> tuple[bytes | None, int | None, int | None]:
    """Make the small picture, and say how large the image is, upright."""
    found = opened(image_bytes(file))
    if found is None:
        return None, None, None
    small, written = found.image, io.BytesIO()
    small.thumbnail((_SIDE, _SIDE))
    small.save(written, "WEBP", quality=_QUALITY)
    return written.getvalue(), found.width, found.height


def _files(folder: Path, *, most_folders: int | None = None) -> Iterator[Path]:
    """Go through the images below a folder, by name; hidden ones, and links that lead out of it, are left alone."""
    root = folder.resolve()
    for place, folders, files in islice(os.walk(folder), most_folders):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(ENDINGS) and (here / name).resolve().is_relative_to(root):
                yield (here / name).relative_to(folder)


def _shown(path: Path) -> str:
    """Write a path, which may hold bytes that are no text, for people."""
    return path.as_posix().encode("utf-8", "replace").decode()
