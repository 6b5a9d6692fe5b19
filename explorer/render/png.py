"""A PNG file written band by band, so that a picture of any size needs the memory of one band; knows nothing of maps."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["PNG", "write_png"]

PNG: Final = "image/png"

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUECOLOR = {3: 2, 4: 6}  # color type by channels
_UP = 2  # the filter: each byte minus the one above, which makes of a plain ground and of vertical edges zeros
_LEVEL = 5  # of zlib


def write_png(
    file: BinaryIO, bands: Iterable[NDArray[np.uint8]], *, width: int, height: int, channels: int, texts: Mapping[str, str]
) -> None:
    """Write a picture from top to bottom.

    Parameters
    ----------
    file : binary file
        Open for writing.
    bands : iterable of ndarray of shape (lines, width, channels), uint8
        RGB or RGBA with straight alpha; together ``height`` lines.
    width, height : int
        Pixels.
    channels : {3, 4}
        RGB or RGBA.
    texts : mapping of str to str
        What the file says about itself, by keyword ("Title", "Software").
    """
    file.write(_SIGNATURE)
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    _write_chunk(file, b"IHDR", size + bytes([8, _TRUECOLOR[channels], 0, 0, 0]))
    for keyword, text in texts.items():
        _write_chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())
    packer = zlib.compressobj(_LEVEL)
    above = np.zeros((1, width * channels), np.uint8)
    for band in bands:
        lines = band.reshape(len(band), width * channels)
        filtered = np.empty((len(lines), 1 + width * channels), np.uint8)
        filtered[:, 0] = _UP
        np.subtract(lines[:1], above, out=filtered[:1, 1:])
        np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
        above = lines[-1:].copy()
        packed = packer.compress(filtered.data)
        if packed:
            _write_chunk(file, b"IDAT", packed)
    _write_chunk(file, b"IDAT", packer.flush())
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(len(data).to_bytes(4, "big") + kind)
    file.write(data)
    file.write(zlib.crc32(data, zlib.crc32(kind)).to_bytes(4, "big"))
