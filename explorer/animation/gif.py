"""Pictures into a GIF file, one at a time: one palette for all of them, and of each picture only what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.GifImagePlugin import getdata

from explorer.render.color import rgb

__all__ = ["Palette", "write_gif"]

_COLORS: Final = 254  # beside the ground, and what stands for unchanged pixels
_GROUND: Final = 254
_UNCHANGED: Final = 255
_SAMPLED = 60_000  # pixels that the palette is made from; more take longer and make no better one
_BITS: Final = 6  # of each of red, green and blue, by which a pixel finds its color
_HUNDREDTHS = 100  # a GIF's times are hundredths of a second
_KEEP = 1  # the next picture is drawn over this one


class Palette:
    """The colors of a whole animation.

    Without dithering: on flat grounds its noise would be seen, and it would flicker and take room.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (height, width, 3), uint8
        Some of those that will be drawn.
    ground : str
        ``"#rrggbb"``, which is kept exactly.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], ground: str) -> None:
        behind = np.array(rgb(ground), np.uint8)
        pixels = np.concatenate([picture[(picture != behind).any(axis=2)] for picture in pictures])
        pixels = pixels[:: max(1, len(pixels) // _SAMPLED)] if len(pixels) else behind[None]
        found = Image.fromarray(pixels[None]).quantize(_COLORS, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
        colors = np.array(found.getpalette(), np.uint8).reshape(-1, 3)[:_COLORS]
        self.colors = np.zeros((_UNCHANGED + 1, 3), np.uint8)
        self.colors[: len(colors)], self.colors[len(colors) : _GROUND + 1] = colors, behind
        self._places = self._nearest()
        self._places[_cell(behind)] = _GROUND

    def places(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Find the nearest color of each pixel; uint8 (height, width)."""
        return self._places[_cell(picture)]

    def _nearest(self) -> NDArray[np.uint8]:
        from scipy.spatial import KDTree

        side = np.arange(1 << _BITS) * (1 << 8 - _BITS) + (1 << 7 - _BITS)
        cells = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
        return KDTree(self.colors[: _GROUND + 1]).query(cells)[1].astype(np.uint8)


def write_gif(
    path: Path, pictures: Iterable[tuple[NDArray[np.uint8], int]], *, palette: Palette, width: int, height: int, fps: int
) -> None:
    """Encode pictures, to be repeated for ever.

    Parameters
    ----------
    path : Path
        Where to.
    pictures : iterable of (ndarray of shape (height, width, 3), int)
        Each with how many times it is shown.
    palette : Palette
        Made for them.
    width, height : int
        Pixels.
    fps : int
        Pictures a second.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with path.open("wb") as file:
        file.write(b"GIF89a" + _two(width) + _two(height) + b"\xf7\x00\x00")  # a palette of 256 colors
        file.write(palette.colors.tobytes())
        file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # repeat for ever
        before: NDArray[np.uint8] | None = None
        at = 0
        for picture, n in pictures:
            now = palette.places(picture)
            start, end = (round(_HUNDREDTHS * place / fps) for place in (at, at + n))
            _write_change(file, before, now, hundredths=end - start)
            before, at = now, at + n
        file.write(b";")


def _write_change(file: BinaryIO, before: NDArray[np.uint8] | None, now: NDArray[np.uint8], *, hundredths: int) -> None:
    """Write the rectangle that changed, the unchanged pixels in it left out; one pixel where nothing did."""
    left = top = 0
    drawn = now
    if before is not None:
        changed = now != before
        lines, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
        (top, bottom), (left, right) = ((int(at[0]), int(at[-1]) + 1) if len(at) else (0, 1) for at in (lines, columns))
        part = slice(top, bottom), slice(left, right)
        drawn = np.where(changed[part], now[part], np.uint8(_UNCHANGED))
    blocks = getdata(
        Image.fromarray(np.ascontiguousarray(drawn)),
        (left, top),
        duration=10 * hundredths,
        transparency=_UNCHANGED,
        disposal=_KEEP,
    )
    file.writelines(blocks)


def _cell(colors: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Give the cell of a color in the table of nearest ones."""
    red, green, blue = (colors[..., channel].astype(np.uint32) >> (8 - _BITS) for channel in range(3))
    return (red << 2 * _BITS) | (green << _BITS) | blue


def _two(number: int) -> bytes:
    return number.to_bytes(2, "little")
