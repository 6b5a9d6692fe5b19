"""A dataset and its layouts into a folder that the TensorFlow Projector opens, its page as well as TensorBoard."""

from __future__ import annotations

import base64
import io
import math
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from explorer.data.matrices import blocks_of
from explorer.data.projector_config import NAMES, Embedding, as_json, as_text
from explorer.data.writers import one_line
from explorer.errors import Unwritable, VectorsNeeded

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from explorer.data.dataset import Dataset

__all__ = ["is_projector_target", "write_projector"]

_METADATA = "metadata.tsv"
_SPRITE = "sprite.png"
_VECTORS = "vectors"
_ROW = "row"
_WIDEST = 8_192  # what the Projector takes, in pixels
_PICTURE = 64
_LEAST_PICTURE = 8
_MOST_PIXELS = 1 << 24  # of one row's picture
_ROWS = 1 << 14
_FEW = 256  # pictures in memory at once


def is_projector_target(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path that is to be written is a configuration of the Projector, and so a folder."""
    return Path(path).name in NAMES


def write_projector(path: str | os.PathLike[str], dataset: Dataset, layouts: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
    """Write the files beside a configuration, and then both of its forms.

    That is "vectors.bytes" and one such file for each layout, in which rows without a usable vector are missing; "metadata.tsv", whose
    first column is the row's number; and, where the dataset has a column of pictures, "sprite.png". Files of these names are replaced.

    Parameters
    ----------
    path : str or PathLike
        One of the names in :data:`explorer.data.projector_config.NAMES`, in the folder to write to; that is made where there is none.
    dataset : Dataset
        With vectors.
    layouts : sequence of (str, ndarray of shape (n_rows, 2))
        By name.

    Raises
    ------
    Unwritable
    VectorsNeeded
        If the dataset has none.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("The Projector", dataset.name)
    folder, rows = Path(path).parent, np.flatnonzero(dataset.drawable)
    try:
        folder.mkdir(exist_ok=True)
        sprite = _write_sprite(folder, dataset, rows)
        _write_metadata(folder, dataset, rows)
        embeddings = []
        for name, matrix in ((_VECTORS, dataset.vectors), *layouts):
            file = f"{name.replace(' ', '_').replace(os.sep, '_')}.bytes"
            _write_tensor(folder / file, matrix, rows)
            size = (sprite, sprite) if sprite else ()
            embeddings.append(Embedding(name, file, (len(rows), matrix.shape[1]), _METADATA, _SPRITE if sprite else "", size))
        for name, text in zip(NAMES, (as_json(embeddings), as_text(embeddings)), strict=True):
            _replace(folder / name, text.encode())
    except OSError as error:
        raise Unwritable(str(path), f"{error.strerror or error}.") from error


def _write_tensor(file: Path, matrix: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            for block in blocks_of(len(rows), matrix.shape[1]):
                stream.write(matrix[rows[block]].astype("<f4").tobytes())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _write_metadata(folder: Path, dataset: Dataset, rows: NDArray[np.int64]) -> None:
    """Write a line for each row; by the Projector's rule a single column has no header. The number keeps every line from being empty."""
    table = dataset.table.select([name for name in dataset.table.column_names if dataset.roles[name] != "image"])
    lines = []
    if table.num_columns:
        lines.append("\t".join([_ROW, *map(one_line, table.column_names)]))
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        columns = [column.take(pa.array(some)).to_pylist() for column in table.columns]
        lines += ["\t".join([str(row), *map(_cell, cells)]) for row, *cells in zip(some, *columns, strict=True)]
    _replace(folder / _METADATA, "\n".join([*lines, ""]).encode())


def _cell(value: object) -> str:
    return "" if value is None or value != value else one_line(str(value))  # noqa: PLR0124 - NaN


def _write_sprite(folder: Path, dataset: Dataset, rows: NDArray[np.int64]) -> int:
    """Write all pictures as one, in rows of equal squares; returns how wide a square is, 0 where there are no pictures."""
    from PIL import Image

    column = next((name for name, role in dataset.roles.items() if role == "image"), None)
    first = None if column is None else next(filter(None, (_picture(data, _PICTURE) for data in _pictures(dataset, column, rows))), None)
    if column is None or first is None:
        return 0
    across = math.ceil(math.sqrt(len(rows)))
    size = min(max(first.size), _WIDEST // across)
    if size < _LEAST_PICTURE:
        return 0
    sprite = Image.new("RGBA", (across * size, math.ceil(len(rows) / across) * size))
    for i, data in enumerate(_pictures(dataset, column, rows)):
        picture = _picture(data, size)
        if picture is not None:
            sprite.paste(picture, (i % across * size + (size - picture.width) // 2, i // across * size + (size - picture.height) // 2))
    file = io.BytesIO()
    sprite.save(file, "PNG")
    _replace(folder / _SPRITE, file.getvalue())
    return size


def _pictures(dataset: Dataset, column: str, rows: NDArray[np.int64]) -> Iterator[object]:
    """Give the rows' pictures, a few at a time."""
    for start in range(0, len(rows), _FEW):
        yield from dataset.table.column(column).take(pa.array(rows[start : start + _FEW])).to_pylist()


def _picture(value: object, size: int) -> Image | None:
    """Read a picture, as bytes or in a data URI, no larger than a square; None where it is none, or far too large."""
    from PIL import Image

    data = value
    try:
        if isinstance(value, str):
            data = base64.b64decode(value.partition(",")[2]) if value.startswith("data:image/") else b""
        if not isinstance(data, bytes) or not data:
            return None
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP", "BMP")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            picture.draft("RGB", (2 * size, 2 * size))
            small = picture.convert("RGBA")
            small.thumbnail((size, size))
            return small
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _replace(file: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
