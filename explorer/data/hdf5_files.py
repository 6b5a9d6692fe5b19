"""HDF5 files: their arrays, read block by block. Never follows a link, and never reads what an array says is kept in another file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from explorer.data.breakage import reading, what_it_is
from explorer.data.columns import UNASKED, Asked, Contents, LazyMatrix
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.named_arrays import named_arrays
from explorer.data.stamps import stamp_of
from explorer.errors import ExtraMissing, Unreadable

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

__all__ = ["inside", "is_hdf5", "lazy_array", "open_hdf5", "read_hdf5"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST_NODES = 100_000  # a file may say that it holds more than anybody can list


def read_hdf5(file: Path, source: str, asked: Asked = UNASKED) -> Contents:
    """Open a file of arrays; one in a group has a name such as "train/vectors". See :func:`explorer.data.named_arrays.named_arrays`.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is broken, or an array in it is kept in other files.
    NoVectors, UnknownColumn
        If no array has two dimensions, or there is none such as was asked for.
    """
    with open_hdf5(file, source) as opened:
        arrays = {each.name.lstrip("/"): lazy_array(each, file, source) for each in _arrays(opened, source)}
    return named_arrays(arrays, source, file.stem, wanted=asked.vectors, stamp=stamp_of([file]))


def is_hdf5(file: Path) -> bool:
    """Tell by its first bytes whether a file is one of HDF5; what others put in front of it takes a power of two, from 512 bytes on."""
    size, start = file.stat().st_size, 0
    with file.open("rb") as stream:
        while start < size:
            stream.seek(start)
            if stream.read(len(_MAGIC)) == _MAGIC:
                return True
            start = 2 * start or 512
    return False


@contextmanager
def open_hdf5(file: Path, source: str, *, mode: Literal["r", "r+"] = "r") -> Iterator[h5py.File]:
    """Have a file open, for reading or to change it; whatever breaks while it is becomes a sentence.

    Raises
    ------
    ExtraMissing, Unreadable
    """
    try:
        import h5py
    except ImportError:
        raise ExtraMissing("Reading HDF5", "hdf5") from None

    with reading(source):
        if not is_hdf5(file):
            raise Unreadable(source, f"it is not an HDF5 file but {what_it_is(file)}.")
        try:
            with h5py.File(file, mode) as opened:
                yield opened
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(source, f"its contents cannot be understood ({_told(error)}).") from error


def inside(group: h5py.Dataset | h5py.Group, path: str) -> h5py.Dataset | h5py.Group | None:
    """Return what has this path below a group; None where there is nothing, or where a link leads to somewhere else."""
    import h5py

    node = group
    for name in path.strip("/").split("/"):
        if not isinstance(node, h5py.Group) or not isinstance(node.get(name, getlink=True), h5py.HardLink):
            return None
        node = node[name]
    return node


def lazy_array(dataset: h5py.Dataset, file: Path, source: str) -> LazyMatrix:
    """Turn an array into one that opens the file whenever some of its rows are asked for; texts become ``str``.

    Raises
    ------
    Unreadable
        If it is kept in other files, or its pieces are larger than memory.
    """
    _check(dataset, source)
    dtype = np.dtypes.StringDType() if _is_text(dataset) else dataset.dtype
    return LazyMatrix(dataset.shape, dtype, partial(_read, file, dataset.name, source), dataset.chunks[0] if dataset.chunks else 1)


def _arrays(opened: h5py.File, source: str) -> list[h5py.Dataset]:
    """List what has dimensions, in the order of its name; links are not followed."""
    import h5py

    found: list[h5py.Dataset] = []
    seen = 0

    def visit(_: str, node: h5py.Dataset | h5py.Group) -> bool | None:
        nonlocal seen
        seen += 1
        if isinstance(node, h5py.Dataset) and node.shape and _has_type(node):
            found.append(node)
        return True if seen == _MOST_NODES else None

    opened.visititems(visit)
    if seen == _MOST_NODES:
        raise Unreadable(source, f"it holds more than {_MOST_NODES:,} arrays and groups.")
    check_size(source, columns=len(found))
    return found


def _read(file: Path, name: str, source: str, rows: slice) -> NDArray[Any]:
    with open_hdf5(file, source) as opened:
        dataset = inside(opened, name)
        if dataset is None:
            raise Unreadable(source, f"its array {name} is not there any more: the file has changed.")
        _check(dataset, source)
        return np.asarray((dataset.asstr(errors="replace") if _is_text(dataset) else dataset)[rows])


def _has_type(dataset: h5py.Dataset) -> bool:
    """Tell whether NumPy has the type of an array's values."""
    try:
        return dataset.dtype is not None
    except TypeError:
        return False


def _is_text(dataset: h5py.Dataset) -> bool:
    import h5py

    return dataset.dtype.kind == "O" and h5py.check_string_dtype(dataset.dtype) is not None


def _check(dataset: h5py.Dataset, source: str) -> None:
    if dataset.is_virtual or dataset.external:
        raise Unreadable(source, f"its array {dataset.name} is kept in other files, which are not opened. Write it into this one.")
    if dataset.chunks:
        check_memory(math.prod(dataset.chunks) * dataset.dtype.itemsize, source)


def _told(error: Exception) -> str:
    """KeyError shows its text in quotes."""
    return str(error.args[0]) if error.args else type(error).__name__
