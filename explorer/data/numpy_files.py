"""NumPy's .npy and .npz; never unpickles, and never believes a header that claims more than the file holds."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from explorer.data.breakage import TRUNCATED, what_it_is
from explorer.data.columns import Contents, TableColumns, no_columns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.names import is_vector_name, layout_name
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, NoVectors, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["as_column", "read_npy", "read_npz"]

_MAGIC = b"\x93NUMPY"
_MATRIX = 2
_PAIR = 2


class _Header(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    length: int


def read_npy(file: Path, source: str) -> Contents:
    """Read one 2-D array: its rows are the vectors.

    Raises
    ------
    Unreadable
        If it is truncated, holds Python objects, or is no array of numbers with two dimensions.
    """
    with file.open("rb") as stream:
        header = _header(stream, "it", source, file)
    _check(header, "it", file.stat().st_size, source)
    if len(header.shape) != _MATRIX:
        raise Unreadable(source, f"it holds an array of shape {header.shape}; vectors have two dimensions, (rows, numbers).")
    if header.dtype.kind not in "fiub":
        raise Unreadable(source, f"it holds {header.dtype} values, not numbers.")
    if not header.shape[0]:
        raise EmptyDataset(source, 0)
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    columns = TableColumns(no_columns(header.shape[0]))
    return Contents(source, file.stem, columns, vectors=array, vectors_name="the array", streams=True, stamp=stamp_of([file]))


def read_npz(file: Path, source: str) -> Contents:
    """Read an archive of arrays.

    A 2-D array holds the vectors, 1-D ones of as many values are metadata, 2-D ones of two columns named like a projection are layouts.

    Raises
    ------
    Unreadable
        If it is no archive, or an array in it is truncated or holds Python objects.
    NoVectors
        If no array has two dimensions.
    """
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            is_zip = stream.read(4) == b"PK\x03\x04"
        raise Unreadable(source, TRUNCATED if is_zip else f"it is not an .npz archive but {what_it_is(file)}.")
    arrays = _arrays(file, source)
    matrices = {name: array for name, array in arrays.items() if array.ndim == _MATRIX and array.dtype.kind in "fiub"}
    layouts = {name: array for name, array in matrices.items() if array.shape[1] == _PAIR and layout_name(name)}
    candidates = {name: array for name, array in matrices.items() if name not in layouts}
    if not candidates and not layouts:
        raise NoVectors(source, [f"{name} {array.shape}" for name, array in arrays.items()])
    chosen = max(candidates, key=lambda name: (is_vector_name(name), candidates[name].shape[1]), default=None)
    n_rows = len(candidates[chosen] if chosen is not None else next(iter(layouts.values())))
    return Contents(
        source,
        file.stem,
        TableColumns(_metadata(arrays, n_rows)),
        vectors=None if chosen is None else candidates[chosen],
        vectors_name=chosen or "vectors",
        layouts={layout_name(name) or name: array for name, array in layouts.items() if len(array) == n_rows},
    )


def as_column(array: NDArray[Any]) -> pa.Array:
    """Turn a 1-D array into a column: numbers and times as they are, all else as text."""
    if array.dtype.kind == "S":
        return pa.array([value.decode("utf-8", errors="replace") for value in array.tolist()], pa.string())
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string())
    if array.dtype.kind in "biufM":
        return pa.array(array.astype(array.dtype.newbyteorder("=")))
    return pa.array([str(value) for value in array.tolist()], pa.string())


def _arrays(file: Path, source: str) -> dict[str, NDArray[Any]]:
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
        check_memory(sum(member.file_size for member in members), source)
        check_size(source, columns=len(members))
        for member in members:
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as stream:
                header = _header(stream, f"array {name}", source, file)
            _check(header, f"array {name}", member.file_size, source)
            check_size(source, rows=header.shape[0] if header.shape else 0, columns=header.shape[1] if len(header.shape) == _MATRIX else 0)
            with archive.open(member) as stream:
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _header(stream: IO[bytes], what: str, source: str, file: Path) -> _Header:
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise Unreadable(source, f"{what} is not a NumPy array but {what_it_is(file)}.")
    version = tuple(stream.read(2))
    size = 2 if version == (1, 0) else 4
    length = int.from_bytes(stream.read(size), "little")
    start = len(_MAGIC) + 2 + size
    text = stream.read(length)
    if len(text) < length:
        raise Unreadable(source, TRUNCATED)
    prefix = _MAGIC + bytes(version) + length.to_bytes(size, "little")
    shape, _, dtype = _parse_header(prefix + text, version, what, source)
    return _Header(shape, dtype, start + length)


def _parse_header(data: bytes, version: tuple[int, ...], what: str, source: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    import io

    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        return read(stream)
    except ValueError:
        raise Unreadable(source, f"{what} has a header that makes no sense.") from None


def _check(header: _Header, what: str, size: int, source: str) -> None:
    if header.dtype.hasobject:
        why = "they could run code. Save it as plain numbers or text (astype)."
        reason = f"{what} holds pickled Python objects, which Explorer never unpickles: {why}"
        raise Unreadable(source, reason)
    if header.length + math.prod(header.shape) * header.dtype.itemsize > size:
        raise Unreadable(source, f"{what} claims the shape {header.shape}, more than the file holds: the file is truncated or broken.")


def _metadata(arrays: Mapping[str, NDArray[Any]], n_rows: int) -> pa.Table:
    columns = {name: as_column(array) for name, array in arrays.items() if array.shape == (n_rows,)}
    return pa.table(columns) if columns else no_columns(n_rows)
