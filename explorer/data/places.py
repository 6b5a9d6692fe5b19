"""Which places files may be opened from: nothing outside the folders that somebody named gets into the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.data.folders import is_dataset
from explorer.data.saved_datasets import SPLITS

__all__ = ["data_sources", "inside"]

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


def data_sources(folder: Path, endings: Sequence[str], *, most: int) -> Iterator[Path]:
    """Go through what can be opened below a folder, in order of name; gives at most ``most``.

    That is files which have one of these endings, and folders that are one dataset, in which nothing is listed by itself. Hidden files and
    folders are skipped; links to folders are not followed. Reads folders only, no file.
    """
    found = 0
    for place, folders, files in os.walk(folder):
        here = Path(place)
        depth = len(here.relative_to(folder).parts)
        whole = is_dataset(here.name, files)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST and not whole else []
        data = [name for name in sorted(files) if not name.startswith(".") and name != SPLITS]
        listed = [name for name in data if Path(name).suffix.lower() in endings]
        for path in [here] if whole else [here / name for name in listed]:
            if found == most:
                return
            found += 1
            yield path
