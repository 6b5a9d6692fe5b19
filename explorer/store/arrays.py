"""Arrays as files that prove they are whole: written with a receipt, memory-mapped read-only once the receipt is checked.

Knows nothing of folders, keys or what the arrays mean.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "NotWhole", "Receipt", "read_array", "write_array"]

_PAGE = 4096
_PAGES_CHECKED = 64  # evenly spaced, first and last included: what is checked of a file at each reading
_WHOLE_MOST = 512_000_000  # bytes of a file that is checked in full by each process when it reads it first; 2 GB take a second
_CHUNK = 1 << 22

_File = tuple[int, int, int, int]  # what a file was when it was checked: device, inode, size, time of its last change in ns
_checked: set[_File] = set()


class NotWhole(Exception):
    """A file is not what its receipt says: truncated, changed or another one's. Seen only by the store."""


@dataclass(frozen=True)
class Blocks:
    """An array that is written piece by piece, for what should not be in memory as a whole.

    Parameters
    ----------
    shape : tuple of int
        Of the whole.
    dtype : numpy.dtype
        Of every block.
    blocks : callable
        Iterates over consecutive blocks of rows that have ``shape`` together. Called once more when writing has to start again.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterable[NDArray[Any]]]


@dataclass(frozen=True)
class Receipt:
    """What a file must look like: dtype, shape, size in bytes, and the checksums of some of its pages and of all its bytes.

    The last is none where the file is too large to be read in full before it is used.
    """

    dtype: str
    shape: tuple[int, ...]
    size: int
    checksum: int
    whole: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"dtype": self.dtype, "shape": list(self.shape), "size": self.size, "checksum": self.checksum, "whole": self.whole}

    @classmethod
    def from_json(cls, receipt: dict[str, Any]) -> Receipt:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        whole = receipt.get("whole")
        shape = tuple(int(n) for n in receipt["shape"])
        return cls(str(receipt["dtype"]), shape, int(receipt["size"]), int(receipt["checksum"]), None if whole is None else int(whole))


def write_array(path: Path, array: NDArray[Any] | Blocks) -> Receipt:
    """Write one array as an ``.npy`` file.

    Parameters
    ----------
    path : Path
        A file that is not there yet.
    array : ndarray or Blocks
        Anything but objects; written in C order.

    Returns
    -------
    Receipt
        What :func:`read_array` checks.

    Raises
    ------
    ValueError
        If the array holds Python objects, or blocks do not add up to their shape.
    OSError
        If it cannot be written.
    """
    blocks = array if isinstance(array, Blocks) else Blocks(array.shape, array.dtype, lambda: (array,))
    if blocks.dtype.hasobject:
        raise ValueError(path.name, blocks.dtype, "arrays of Python objects are never stored")
    header = {"descr": np.lib.format.dtype_to_descr(blocks.dtype), "fortran_order": False, "shape": blocks.shape}
    written = 0
    with path.open("wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        for block in blocks.blocks():
            # Not tofile(): of a full disk it says no more than how many values were not written.
            file.write(np.ascontiguousarray(block, blocks.dtype).reshape(-1).view(np.uint8).data)
            written += block.size
    if written != math.prod(blocks.shape):
        raise ValueError(path.name, blocks.shape, f"the blocks hold {written} values")
    size = path.stat().st_size
    return Receipt(blocks.dtype.str, tuple(blocks.shape), size, _checksum(path), _whole(path) if size <= _WHOLE_MOST else None)


def read_array(path: Path, receipt: Receipt) -> NDArray[Any]:
    """Map one array into memory, read-only.

    Raises
    ------
    NotWhole
        If the file is not what the receipt says.
    OSError
        If it cannot be opened.
    """
    found = path.stat()
    if found.st_size != receipt.size:
        raise NotWhole(path.name, f"{found.st_size} bytes instead of {receipt.size}")
    as_it_is: _File = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if _checksum(path) != receipt.checksum or (receipt.whole is not None and as_it_is not in _checked and _whole(path) != receipt.whole):
        raise NotWhole(path.name, "its bytes have changed")
    if receipt.whole is not None:
        _checked.add(as_it_is)
    try:
        array = np.load(path, mmap_mode="r" if math.prod(receipt.shape) else None, allow_pickle=False)
    except ValueError as error:
        raise NotWhole(path.name, str(error)) from error
    if array.dtype.str != receipt.dtype or array.shape != receipt.shape:
        raise NotWhole(path.name, f"{array.dtype.str} {array.shape} instead of {receipt.dtype} {receipt.shape}")
    plain = np.asarray(array)  # a plain ndarray over the mapped file: numpy.memmap makes every slice and every reduction dearer
    plain.flags.writeable = False
    return plain


def _checksum(path: Path) -> int:
    """CRC-32 of up to ``_PAGES_CHECKED`` pages."""
    with path.open("rb") as file:
        pages = -(-os.fstat(file.fileno()).st_size // _PAGE)
        checked = range(pages) if pages <= _PAGES_CHECKED else np.linspace(0, pages - 1, _PAGES_CHECKED).astype(np.int64)
        crc = 0
        for page in checked:
            file.seek(int(page) * _PAGE)
            crc = zlib.crc32(file.read(_PAGE), crc)
    return crc


def _whole(path: Path) -> int:
    """CRC-32 of all bytes; lets other threads run meanwhile."""
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
