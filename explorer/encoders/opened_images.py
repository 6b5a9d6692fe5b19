"""Pictures out of bytes that anybody may have made: a few formats, within bounds, upright, in RGB."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

from PIL import Image
from PIL.Image import Transpose

__all__ = ["OpenedImage", "opened"]

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_MOST_PIXELS = 89_000_000  # beyond, Pillow itself warns
_ORIENTATION = 0x0112  # as EXIF has it
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_LYING = (Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90)
# as Pillow says that a file is broken
_BROKEN = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ZeroDivisionError,
    struct.error,
)
_SHORT_SIDE = 640  # pixels: models look at 224 to 448


class OpenedImage(NamedTuple):
    """A picture, no larger than it is needed, and how large it is in its file, upright."""

    image: Image.Image
    width: int
    height: int


def opened(data: bytes) -> OpenedImage | None:
    """Open a picture, no larger than a model needs it; on white where it is transparent, and of one that moves the first frame.

    Returns
    -------
    OpenedImage or None
        Its shorter side has at most 640 pixels. None where it is damaged, of another format, or has more than 89 million pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as found:
            if found.width * found.height > _MOST_PIXELS:
                return None
            size = found.size
            if found.mode in ("RGB", "RGBA", "L"):
                _shrink(found)  # while it is read: of a large JPEG only a part of the work is done
            turn = _UPRIGHT.get(_orientation(found))
            picture = _on_white(found if turn is None else found.transpose(turn))
            _shrink(picture)
            return OpenedImage(picture, *(size[::-1] if turn in _LYING else size))
    except _BROKEN:
        return None


def _shrink(picture: Image.Image) -> None:
    less = _SHORT_SIDE / min(picture.size)
    if less < 1:
        picture.thumbnail((max(1, round(picture.width * less)), max(1, round(picture.height * less))))


def _orientation(picture: Image.Image) -> Any:
    try:
        return picture.getexif().get(_ORIENTATION)
    except _BROKEN:  # what cameras note is damaged; the picture may well not be
        return None


def _on_white(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    ground = Image.new("RGBA", clear.size, "white")
    ground.alpha_composite(clear)
    return ground.convert("RGB")
