"""The files of a folder that is one dataset, however deep; a link among them could lead anywhere, and is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import Unreadable

__all__ = ["own_files"]


def own_files(folder: Path, source: str) -> Iterator[Path]:
    """List them in order.

    Raises
    ------
    Unreadable
        With the first link: what writes such folders never leaves one there.
    """
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(place) / name
            if path.is_symlink():
                raise Unreadable(source, f"{path.relative_to(folder)} in it is a link. Put the file itself there.")
            if name in files:
                yield path
