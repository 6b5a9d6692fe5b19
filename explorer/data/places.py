"""Which places files may be opened from: nothing outside the folders that somebody named gets into the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["data_files", "inside"]

_DEEPEST = 8


def inside(path: Path, roots: Sequence[Path]) -> Path | None:
    """Return the real path of a file when it lies in one of these folders, symbolic links followed; else None.

    A path with ``..`` in it is refused, wherever it leads.
    """
    if ".." in path.parts:
        return None
    try:
        real = path.resolve()
        return real if any(real.is_relative_to(root.resolve()) for root in roots) else None
    except (OSError, RuntimeError):  # a loop of links
        return None


def data_files(folder: Path, endings: Sequence[str], *, most: int) -> Iterator[Path]:
    """Go through the files below a folder that have one of these endings, in order of name; at most ``most`` of them.

    Hidden files and folders are skipped; links to folders are not followed. Reads folders only, no file.
    """
    found = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST else []
        for name in sorted(files):
            if name.startswith(".") or Path(name).suffix.lower() not in endings:
                continue
            if found == most:
                return
            found += 1
            yield Path(place) / name
