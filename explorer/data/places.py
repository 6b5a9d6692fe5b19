"""Which places files may be opened from: nothing outside the folders that somebody named gets into the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.data.folders import is_dataset
from explorer.data.saved_datasets import SPLITS
from explorer.encoders.image_bytes import ENDINGS as IMAGES

__all__ = ["data_sources", "inside"]

_DEEPEST = 8
_FEW = 2  # images make a map, folders a choice


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

    That is files which have one of these endings, and folders that are one dataset, in which nothing is listed by itself; images, too,
    make a folder one. Hidden files and folders are skipped; links to folders are not followed. Reads folders only, no file.
    """
    found = 0
    for place, folders, files in os.walk(folder):
        here = Path(place)
        depth = len(here.relative_to(folder).parts)
        whole = is_dataset(here.name, files, folders) or _holds_images(here, folders, files, endings, root=here == folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST and not whole else []
        data = [name for name in sorted(files) if not name.startswith(".") and name != SPLITS]
        listed = [name for name in data if Path(name).suffix.lower() in endings]
        for path in [here] if whole else [here / name for name in listed]:
            if found == most:
                return
            found += 1
            yield path


def _holds_images(folder: Path, folders: Sequence[str], files: Sequence[str], endings: Sequence[str], *, root: bool) -> bool:
    """Tell whether a folder is one of images: they are in it, or in all folders in it, and nothing is there that is listed by itself.

    A root in which there are none may be of several such.
    """
    within = [folder / name for name in folders if not name.startswith(".")]
    if _n_images(files, endings) < (0 if len(within) >= _FEW and not root else _FEW):
        return False
    try:
        return all(not place.is_symlink() and _n_images(os.listdir(place), endings) > 0 for place in within)  # noqa: PTH208  # names are enough
    except OSError:
        return False


def _n_images(files: Sequence[str], endings: Sequence[str]) -> int:
    """Count the images among files; -1 where others can be opened."""
    found = [Path(name).suffix.lower() for name in files if not name.startswith(".")]
    return -1 if any(ending in endings for ending in found) else sum(ending in IMAGES for ending in found)
