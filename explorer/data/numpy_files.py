"""NumPy's .npy and .npz; never unpickles, and never believes a header that claims more than the file holds."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.data.breakage import TRUNCATED, what_it_is
from explorer.data.columns import UNASKED, Asked, Contents, TableColumns, no_columns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.named_arrays import named_arrays
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_npy", "read_npz"]

_MAGIC = b"\x93NUMPY"
_MATRIX = 2


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


def read_npz(file: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Read an archive of arrays; see :func:`explorer.data.named_arrays.named_arrays`.

    Raises
    ------
    Unreadable
        If it is no archive, or an array in it is truncated or holds Python objects.
    NoVectors, UnknownColumn
        If no array has two dimensions, or there is none such as was asked for.
    """
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            is_zip = stream.read(4) == b"PK\x03\x04"
        raise Unreadable(source, TRUNCATED if is_zip else f"it is not an .npz archive but {what_it_is(file)}.")
    return named_arrays(_arrays(file, source), source, file.stem, wanted=asked.vectors)


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
