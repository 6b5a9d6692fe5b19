"""What tells a file from another one and from what it was before it changed, without reading it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from explorer import settings

__all__ = ["stamp_of"]


def stamp_of(files: Iterable[Path]) -> str:
    """Hash the places, sizes and modification times of files: 32 hexadecimal digits; "" where nothing of them may be kept.

    Raises
    ------
    OSError
        If one of them is gone.
    """
    made = blake2b(digest_size=16)
    store = settings.store_folder().resolve()
    for file in files:
        real = file.resolve()
        if real.is_relative_to(store):  # an upload: nothing of it outlasts it by the name of its file
            return ""
        found = real.stat()
        made.update(repr((str(real), found.st_size, found.st_mtime_ns)).encode())
    return made.hexdigest()
