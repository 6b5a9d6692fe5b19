"""The bytes of an image that is in memory or in a file, up to a size."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

__all__ = ["ENDINGS", "Picture", "image_bytes"]

Picture: TypeAlias = bytes | Path
"""An image's file, or what is in it."""

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
_MOST_BYTES = 100_000_000


def image_bytes(image: Picture) -> bytes:
    """Read an image; empty where there is no such file, or more than 100 MB."""
    if isinstance(image, bytes):
        return image if len(image) <= _MOST_BYTES else b""
    try:
        with image.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError:
        return b""
    return data if len(data) <= _MOST_BYTES else b""
