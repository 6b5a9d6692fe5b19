"""A folder of the TensorFlow Projector: numbers, metadata, and pictures out of a sprite, as its configuration names them."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.breakage import reading
from explorer.data.columns import UNASKED, Asked, Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.delimited import read_numbers, read_projector_metadata
from explorer.data.limits import check_size
from explorer.data.names import layout_name
from explorer.data.places import inside
from explorer.data.projector_config import NAMES, Embedding, read_config
from explorer.data.rows import read_matrix
from explorer.data.stamps import stamp_of
from explorer.errors import UnknownColumn, Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["read_projector"]

_PAIR = 2
_BYTES = 4
_MOST_PIXELS = 1 << 27  # the Projector itself allows 8,192 x 8,192
_PICTURES = "image"


def read_projector(place: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open a folder by its configuration: its first embedding, or the one that was asked for.

    Others of as many rows and two columns that are named like a projection are layouts. Only files in the folder are opened.

    Raises
    ------
    Unreadable
        If a file is missing, damaged or outside of the folder, or numbers and metadata do not fit each other.
    UnknownColumn
        If there is no such embedding as was asked for.
    """
    config = place if place.is_file() else next(place / name for name in NAMES if (place / name).is_file())
    folder = config.parent.resolve()
    embeddings = {each.name: each for each in read_config(config, source)}
    wanted = next(iter(embeddings)) if asked.vectors is None else asked.vectors
    if wanted not in embeddings:
        raise UnknownColumn(source, wanted, [*embeddings])
    chosen = embeddings[wanted]
    vectors = _tensor(chosen, folder, source)
    n = len(vectors)
    check_size(source, rows=n)
    table, files = no_columns(n), [config, _file(chosen.tensor, folder, source)]
    if chosen.metadata:
        metadata = _file(chosen.metadata, folder, source)
        table, files = read_projector_metadata(metadata, n, source), [*files, metadata]
        if table.num_rows != n:
            raise Unreadable(source, f"{chosen.tensor} has {n:,} rows, but {chosen.metadata} describes {table.num_rows:,}.")
    pictures, notes = _pictures(chosen, n, folder, source)
    if pictures is not None:
        name = next(name for name in (_PICTURES, "sprite", f"{_PICTURES} (2)") if name not in table.column_names)
        table = table.append_column(name, pictures) if table.num_columns else pa.table({name: pictures})
    others = [each for each in embeddings.values() if each is not chosen and layout_name(each.name) and each.shape in ((n, 2), (n, 3))]
    return Contents(
        source,
        folder.name,
        TableColumns(table),
        vectors=vectors,
        vectors_name=chosen.name,
        layouts={layout_name(each.name) or each.name: np.asarray(_tensor(each, folder, source)[:]) for each in others},
        streams=isinstance(vectors, LazyMatrix),
        stamp=stamp_of(files),
        notes=notes,
    )


def _file(name: str, folder: Path, source: str) -> Path:
    if name.startswith(("http://", "https://")):
        raise Unreadable(source, f"{name} is on the web, and nothing is fetched from there. Put the file beside the configuration.")
    file = folder / name
    if inside(file, [folder]) is None:
        raise Unreadable(source, f"{name} is outside of its folder. Put the file beside the configuration.")
    if not file.is_file():
        raise Unreadable(source, f"it names {name}, and there is no such file beside it.")
    return file


def _tensor(embedding: Embedding, folder: Path, source: str) -> LazyMatrix | NDArray[Any]:
    if not embedding.tensor:
        reason = f"the vectors of {embedding.name} are in a checkpoint of TensorFlow, which is not read here. Save them as .tsv or .bytes."
        raise Unreadable(source, reason)
    file = _file(embedding.tensor, folder, source)
    shape = embedding.shape
    if file.suffix.lower() in (".tsv", ".txt"):
        table = read_numbers(file, source)
        numbers = read_matrix(TableColumns(table), table.column_names, source)
        if shape and shape != numbers.shape:
            raise Unreadable(source, _misfit(embedding, f"{numbers.shape[0]:,} x {numbers.shape[1]:,} numbers"))
        return numbers
    if len(shape) != _PAIR or min(shape) < 1:
        raise Unreadable(source, f"it does not say how many rows and columns {embedding.tensor} has (tensorShape).")
    if file.stat().st_size != shape[0] * shape[1] * _BYTES:
        raise Unreadable(source, _misfit(embedding, f"{file.stat().st_size:,} bytes"))
    return LazyMatrix(shape, np.dtype("<f4"), partial(_read, file, shape[1], shape[0], source))


def _misfit(embedding: Embedding, has: str) -> str:
    n, d = embedding.shape[0], embedding.shape[-1]
    return f"it says that {embedding.tensor} has {n:,} x {d:,} numbers (of {_BYTES} bytes), and the file has {has}."


def _read(file: Path, d: int, n: int, source: str, rows: slice) -> NDArray[Any]:
    first, last, _ = rows.indices(n)
    with reading(source):
        return np.fromfile(file, "<f4", (last - first) * d, offset=first * d * _BYTES).reshape(last - first, d)


def _pictures(embedding: Embedding, n: int, folder: Path, source: str) -> tuple[pa.Array | None, tuple[str, ...]]:
    """Cut the sprite into the rows' pictures; without it the rest is worth showing all the same."""
    if not embedding.sprite:
        return None, ()
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(_file(embedding.sprite, folder, source), formats=("PNG", "JPEG", "WEBP", "GIF", "BMP")) as sprite:
            return _cut(sprite, embedding.sprite_dim, n), ()
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        why = str(error.args[-1] if isinstance(error, Unreadable) else error).rstrip(".")
        return None, (f"The pictures of the rows are left out: {embedding.sprite}: {why}.",)


def _cut(sprite: Image, size: tuple[int, ...], n: int) -> pa.Array:
    if len(size) != _PAIR or min(size) < 1:
        message = "nothing says how large one picture is (singleImageDim)"
        raise ValueError(message)
    width, height = size
    across = sprite.width // width
    if across * (sprite.height // height) < n:
        message = f"it has no room for {n:,} pictures of {width} x {height}"
        raise ValueError(message)
    if sprite.width * sprite.height > _MOST_PIXELS:
        message = f"it has {sprite.width:,} x {sprite.height:,} pixels, more than are read"
        raise ValueError(message)
    whole = sprite.convert("RGBA")
    pictures = []
    for i in range(n):
        left, top = i % across * width, i // across * height
        file = io.BytesIO()
        whole.crop((left, top, left + width, top + height)).save(file, "PNG", compress_level=1)
        pictures.append(file.getvalue())
    return pa.array(pictures, pa.large_binary())
