"""Zarr folders, of format 2 and 3: an array of vectors, or a group with one; read chunk by chunk, and never unpickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.data.breakage import reading
from explorer.data.columns import UNASKED, Asked, Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.named_arrays import named_arrays
from explorer.data.own_files import own_files
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, ExtraMissing, Unreadable

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

__all__ = ["ENDING", "MARKS", "is_zarr", "read_zarr"]

MARKS = ("zarr.json", ".zarray", ".zgroup")
ENDING = ".zarr"
_MATRIX = 2
# what turns bytes into other bytes or numbers, and nothing else: one of numcodecs' codecs unpickles
_CODECS = {
    *("adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32", "gzip"),
    *("jenkins_lookup3", "lz4", "lzma", "packbits", "pcodec", "quantize", "sharding_indexed", "shuffle", "transpose", "vlen-utf8"),
    *("zfpy", "zlib", "zstd"),
}


def is_zarr(folder: Path) -> bool:
    """Tell whether a folder is a Zarr array or group, by the names in it."""
    return any((folder / mark).is_file() for mark in MARKS)


def read_zarr(folder: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open an array of shape (n, d), or a group of arrays; see :func:`explorer.data.named_arrays.named_arrays`.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is broken, has links in it, or needs a codec that is not known to be harmless.
    NoVectors, UnknownColumn
        If no array of a group has two dimensions, or there is none such as was asked for.
    """
    try:
        import zarr
    except ImportError:
        raise ExtraMissing("Reading Zarr", "zarr") from None

    stamp = stamp_of(own_files(folder, source))
    title = folder.resolve().name
    title = title[: -len(ENDING)] if title.lower().endswith(ENDING) else title
    with reading(source):
        try:
            opened = zarr.open(zarr.storage.LocalStore(folder, read_only=True), mode="r", use_consolidated=False)
            arrays = dict(opened.arrays()) if isinstance(opened, zarr.Group) else {}
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(source, f"its metadata cannot be understood ({error or type(error).__name__}).") from error
        if isinstance(opened, zarr.Group):
            lazy = {name: _lazy(array, f"{source}/{name}") for name, array in sorted(arrays.items())}
            return named_arrays(lazy, source, title, wanted=asked.vectors, stamp=stamp)
        if opened.ndim != _MATRIX:
            raise Unreadable(source, f"it holds an array of shape {opened.shape}; vectors have two dimensions, (rows, numbers).")
        if not opened.shape[0]:
            raise EmptyDataset(source, 0)
        vectors = _lazy(opened, source)
        columns = TableColumns(no_columns(len(vectors)))
        return Contents(source, title, columns, vectors=vectors, vectors_name="the array", streams=True, stamp=stamp)


def _lazy(array: zarr.Array[Any], source: str) -> LazyMatrix:
    return LazyMatrix(tuple(array.shape), np.dtype(array.dtype), partial(_read, array, source), array.chunks[0] if array.chunks else 1)


def _read(array: zarr.Array[Any], source: str, rows: slice) -> NDArray[Any]:
    unknown = sorted(set(_codecs(array)) - _CODECS)
    if unknown:
        raise Unreadable(source, f"it is written with the codec {unknown[0]}, which is not read here. Write it again with another one.")
    with reading(source):
        return np.asarray(array[rows])


def _codecs(array: zarr.Array[Any]) -> Iterator[str]:
    """List the names of an array's codecs, those within shards among them."""
    metadata = array.metadata
    if metadata.zarr_format == 2:  # noqa: PLR2004
        for codec in (*(metadata.filters or ()), metadata.compressor):
            if codec is not None:
                yield str(codec.codec_id)
        return
    told: list[Any] = [codec.to_dict() for codec in metadata.codecs]
    while told:
        codec = told.pop()
        if isinstance(codec, Mapping):
            yield str(codec["name"]).removeprefix("numcodecs.")
            within = codec.get("configuration") or {}
            told += [*within.get("codecs", ()), *within.get("index_codecs", ())]
        else:
            yield str(codec)
