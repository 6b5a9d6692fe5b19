"""Zarr folders, of format 2 and 3: an array of vectors, or a group with one; read chunk by chunk, and never unpickled."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.breakage import reading
from explorer.data.columns import Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.names import is_vector_name, layout_name
from explorer.data.numpy_files import as_column
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, ExtraMissing, NoVectors, Unreadable

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

__all__ = ["ENDING", "MARKS", "is_zarr", "read_zarr"]

MARKS = ("zarr.json", ".zarray", ".zgroup")
ENDING = ".zarr"
_MATRIX = 2
_PAIR = 2
_NUMBERS = "fiub"
_SHOWN = "fiubMUST"
# what turns bytes into other bytes or numbers, and nothing else: one of numcodecs' codecs unpickles
_CODECS = {
    *("adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset", "fletcher32", "gzip"),
    *("jenkins_lookup3", "lz4", "lzma", "packbits", "pcodec", "quantize", "sharding_indexed", "shuffle", "transpose", "vlen-utf8"),
    *("zfpy", "zlib", "zstd"),
}


def is_zarr(folder: Path) -> bool:
    """Tell whether a folder is a Zarr array or group, by the names in it."""
    return any((folder / mark).is_file() for mark in MARKS)


def read_zarr(folder: Path, source: str) -> Contents:
    """Open an array of shape (n, d), or a group: its 2-D array that looks most like vectors, 1-D ones of as many values as metadata.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is broken, has links in it, or needs a codec that is not known to be harmless.
    NoVectors
        If no array of a group has two dimensions.
    """
    try:
        import zarr
    except ImportError:
        raise ExtraMissing("Reading Zarr", "zarr") from None

    stamp = stamp_of(_files(folder, source))
    title = folder.resolve().name
    title = title[: -len(ENDING)] if title.lower().endswith(ENDING) else title
    with reading(source):
        try:
            opened = zarr.open(zarr.storage.LocalStore(folder, read_only=True), mode="r", use_consolidated=False)
            arrays = dict(opened.arrays()) if isinstance(opened, zarr.Group) else {}
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(source, f"its metadata cannot be understood ({error or type(error).__name__}).") from error
        if isinstance(opened, zarr.Group):
            return _group(arrays, source, title, stamp)
        if opened.ndim != _MATRIX:
            raise Unreadable(source, f"it holds an array of shape {opened.shape}; vectors have two dimensions, (rows, numbers).")
        if not opened.shape[0]:
            raise EmptyDataset(source, 0)
        vectors = _lazy(opened, source)
        columns = TableColumns(no_columns(len(vectors)))
        return Contents(source, title, columns, vectors=vectors, vectors_name="the array", streams=True, stamp=stamp)


def _group(arrays: Mapping[str, zarr.Array[Any]], source: str, title: str, stamp: str) -> Contents:
    check_size(source, columns=len(arrays))
    matrices = {name: array for name, array in arrays.items() if array.ndim == _MATRIX and array.dtype.kind in _NUMBERS}
    layouts = {name: array for name, array in matrices.items() if array.shape[1] == _PAIR and layout_name(name)}
    candidates = {name: array for name, array in matrices.items() if name not in layouts}
    if not candidates and not layouts:
        raise NoVectors(source, [f"{name} {array.shape}" for name, array in sorted(arrays.items())])
    chosen = max(sorted(candidates), key=lambda name: (is_vector_name(name), candidates[name].shape[1]), default=None)
    n_rows = (candidates[chosen] if chosen is not None else next(iter(layouts.values()))).shape[0]
    check_size(source, rows=n_rows)
    lazy = {name: _lazy(array, f"{source}/{name}") for name, array in sorted(arrays.items()) if array.shape[:1] == (n_rows,)}
    columns = {name: as_column(array[slice(None)]) for name, array in lazy.items() if array.ndim == 1 and array.dtype.kind in _SHOWN}
    return Contents(
        source,
        title,
        TableColumns(pa.table(columns) if columns else no_columns(n_rows)),
        vectors=None if chosen is None else lazy[chosen],
        vectors_name=chosen or "vectors",
        layouts={layout_name(name) or name: _whole(array, source) for name, array in lazy.items() if name in layouts},
        streams=True,
        stamp=stamp,
    )


def _lazy(array: zarr.Array[Any], source: str) -> LazyMatrix:
    unknown = sorted(set(_codecs(array)) - _CODECS)
    if unknown:
        raise Unreadable(source, f"it is written with the codec {unknown[0]}, which is not read here. Write it again with another one.")
    return LazyMatrix(tuple(array.shape), np.dtype(array.dtype), partial(_read, array, source), array.chunks[0] if array.chunks else 1)


def _read(array: zarr.Array[Any], source: str, rows: slice) -> NDArray[Any]:
    with reading(source):
        return np.asarray(array[rows])


def _whole(array: LazyMatrix, source: str) -> NDArray[Any]:
    check_memory(math.prod(array.shape) * array.dtype.itemsize, source)  # what was never written takes no room in a file
    return array[slice(None)]


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


def _files(folder: Path, source: str) -> Iterator[Path]:
    """List the files of a Zarr folder; a link among them could lead anywhere, and none is ever written there."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(place) / name
            if path.is_symlink():
                raise Unreadable(source, f"{path.relative_to(folder)} in it is a link. Put the file itself there.")
            if name in files:
                yield path
