"""Frames to bytes for a browser; Pillow encodes without the GIL.

``encode_jpeg(frame, background="#ffffff", quality=85, full_color=False) -> bytes`` for pictures in motion,
``encode_lossless(frame, small=False) -> bytes`` (WebP with alpha) for the one at rest.
"""

from __future__ import annotations

import io
import re
from typing import Final

import numpy as np
from PIL import Image

from explorer.errors import BadParameter
from explorer.render.frame import Frame
from explorer.render.shade import blend

__all__ = ["JPEG", "LOSSLESS", "encode_jpeg", "encode_lossless"]

JPEG: Final = "image/jpeg"
LOSSLESS: Final = "image/webp"


def encode_jpeg(frame: Frame, *, background: str, quality: int = 85, full_color: bool = False) -> bytes:
    """Encode a frame as JPEG, which has no transparency: blended with a background.

    Parameters
    ----------
    frame : Frame
        The picture.
    background : str
        ``"#rrggbb"``, the theme's color behind the map.
    quality : int
        1 to 95.
    full_color : bool
        Keep color at full resolution (4:4:4): single rows keep their color; about a third more bytes and time.

    Returns
    -------
    bytes
        A JPEG file.

    Raises
    ------
    BadParameter
        If ``background`` is not ``"#rrggbb"``.
    """
    height, width = frame.rgba.shape[:2]
    opaque = np.empty((height * width, 4), np.uint8)
    red, green, blue = map(np.uint32, _rgb(background))
    blend(frame.rgba.reshape(-1, 4), red, green, blue, opaque)
    picture = Image.frombuffer("RGBX", (width, height), opaque, "raw", "RGBX", 0, 1)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=0 if full_color else 2)
    return file.getvalue()


def encode_lossless(frame: Frame, *, small: bool = False) -> bytes:
    """Encode a frame without loss, with its alpha, as WebP; ``small`` takes twice the time for about two thirds of the bytes."""
    height, width = frame.rgba.shape[:2]
    file = io.BytesIO()
    picture = Image.frombuffer("RGBA", (width, height), frame.rgba, "raw", "RGBA", 0, 1)
    picture.save(file, "WEBP", lossless=True, quality=0, method=int(small), exact=False)
    return file.getvalue()


def _rgb(color: str) -> tuple[int, int, int]:
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        raise BadParameter("background", color, 'give a color as "#rrggbb".')
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
