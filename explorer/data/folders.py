"""A folder that is one dataset: what it is, by the names in it, and which reader takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.parts import part_files, read_parts
from explorer.data.zarr_folders import MARKS, is_zarr, read_zarr
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from explorer.data.columns import Contents

__all__ = ["read_folder"]


def read_folder(folder: Path, source: str) -> Contents:
    """Read a folder of Parquet parts, or a Zarr array or group.

    Raises
    ------
    Unreadable
        If it is something else, or a part of it is broken.
    ExtraMissing
        If the library that reads it is not installed.
    """
    if is_zarr(folder):
        return read_zarr(folder, source)
    if part_files(folder):
        return read_parts(folder, source)
    what = f"neither Parquet parts (*.parquet) nor a Zarr array ({', '.join(MARKS)})"
    raise Unreadable(source, f"it is a folder that holds {what}. Name one file in it.")
