"""A folder that is one dataset: what it is, by the names in it, and which reader takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.parts import part_files, read_parts
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from explorer.data.columns import Contents

__all__ = ["read_folder"]


def read_folder(folder: Path, source: str) -> Contents:
    """Read a folder of Parquet parts.

    Raises
    ------
    Unreadable
        If it is something else, or a part of it is broken.
    """
    if part_files(folder):
        return read_parts(folder, source)
    raise Unreadable(source, "it is a folder without Parquet parts (*.parquet). Name one file in it.")
