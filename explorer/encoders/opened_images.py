"""Pictures out of bytes that anybody may have made: a few formats, within bounds, upright, in RGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["OpenedImage", "opened"]

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_MOST_PIXELS = 89_000_000  # beyond, Pillow itself warns
_ORIENTATION, _LYING = 0x0112, (5, 6, 7, 8)  # as EXIF has it
_SHORT_SIDE = 640  # pixels: models look at 224 to 448


class OpenedImage(NamedTuple):
    """A picture, no larger than it is needed, and how large it is in its file, upright."""

    image: Image
    width: int
    height: int


def opened(data: bytes) -> OpenedImage | None:
    """Open a picture, no larger than a model needs it; on white where it is transparent, and of one that moves the first frame.

    Returns
    -------
    OpenedImage or None
        Its shorter side has at most 640 pixels. None where it is damaged, of another format, or has more than 89 million pixels.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as found:
            if found.width * found.height > _MOST_PIXELS:
                return None
            size = found.size
            if found.mode == "RGB":
                _shrink(found)  # while it is read: of a large JPEG only a part of the work is done
            lies = found.getexif().get(_ORIENTATION, 1) in _LYING
            picture = _on_white(ImageOps.exif_transpose(found))
            _shrink(picture)
            return OpenedImage(picture, *(size[::-1] if lies else size))
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        ZeroDivisionError,
    ):  # as Pillow says that a file is broken
        return None


def _shrink(picture: Image) -> None:
    less = _SHORT_SIDE / min(picture.size)
    if less < 1:
        picture.thumbnail((max(1, round(picture.width * less)), max(1, round(picture.height * less))))


def _on_white(picture: Image) -> Image:
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    ground = Image.new("RGBA", clear.size, "white")
    ground.alpha_composite(clear)
    return ground.convert("RGB")
