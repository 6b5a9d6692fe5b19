"""Folders of Qdrant's local mode: recognized, and never read, since what they hold are pickles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.errors import Unreadable

__all__ = ["is_qdrant", "refused", "within_qdrant"]

_ABOUT = "meta.json"
_COLLECTIONS = "collection"
_POINTS = "storage.sqlite"
_WHY = (
    "it is a folder of Qdrant's local mode, which keeps each point as a Python pickle; those are never loaded here, for they may run"
    " any code. Write its points to Parquet where you trust it:"
)
_INSTEAD = (
    'points, _ = client.scroll("NAME", limit=1_000_000, with_vectors=True)',
    'pandas.DataFrame([{"id": p.id, "vector": p.vector, **p.payload} for p in points]).to_parquet("points.parquet")',
)


def is_qdrant(files: Sequence[str], folders: Sequence[str]) -> bool:
    """Tell by the names in a folder whether Qdrant's local mode has written there."""
    return _ABOUT in files and _COLLECTIONS in folders


def within_qdrant(folder: Path) -> bool:
    """Tell whether a folder is such a one, or that of one of its collections."""
    return (folder / _POINTS).is_file() or ((folder / _ABOUT).is_file() and (folder / _COLLECTIONS).is_dir())


def refused(source: str) -> Unreadable:
    """Make the error that says why, and what to do instead."""
    return Unreadable(source, f"{_WHY} {'; '.join(_INSTEAD)}")
