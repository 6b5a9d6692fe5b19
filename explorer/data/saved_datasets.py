"""A folder that Hugging Face's datasets have saved to disk: Arrow files that a small file of JSON lists, read one after the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.data.breakage import reading
from explorer.data.columnar import ArrowColumns, read_arrow
from explorer.data.columns import Contents
from explorer.data.parts import stacked
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, Unreadable

__all__ = ["SPLITS", "are_saved", "is_saved", "read_saved", "saved_files"]

_STATE = "state.json"
_ABOUT = "dataset_info.json"
SPLITS = "dataset_dict.json"


def is_saved(files: Sequence[str]) -> bool:
    """Tell by the names of its files whether a folder is one dataset that was saved."""
    return _STATE in files and _ABOUT in files


def are_saved(files: Sequence[str]) -> bool:
    """Tell whether it holds several, a folder each."""
    return SPLITS in files


def saved_files(folder: Path) -> list[Path]:
    """List what a folder's state depends on."""
    return [*(folder / name for name in (_STATE, _ABOUT, SPLITS) if (folder / name).is_file()), *sorted(folder.glob("*.arrow"))]


def read_saved(folder: Path, source: str) -> Contents:
    """Open a saved dataset; columns are read later.

    Raises
    ------
    Unreadable
        If it is several datasets, or a file of it is missing, damaged or elsewhere.
    """
    with reading(source):
        if (folder / SPLITS).is_file():
            raise Unreadable(source, _several(folder, source))
        files = [_part(folder, name, source) for name in _names(folder, source)]
    if not files:
        raise EmptyDataset(source, 0)
    parts = [_opened(file, f"{source.rstrip('/')}/{file.name}") for file in files]
    columns = stacked(parts)
    real = folder.resolve()
    title = f"{real.parent.name}/{real.name}" if (real.parent / SPLITS).is_file() else real.name
    return Contents(source, title, columns, streams=True, stamp=stamp_of([folder / _STATE, *files]), place=columns.place)


def _several(folder: Path, source: str) -> str:
    splits = _json(folder / SPLITS, source).get("splits")
    names = [str(name) for name in splits] if isinstance(splits, list) and splits else ["train"]
    return f"it holds several datasets: {', '.join(names)}. Open one of them, such as {source.rstrip('/')}/{names[0]}."


def _names(folder: Path, source: str) -> list[str]:
    state = _json(folder / _STATE, source)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise Unreadable(source, "it is a choice of rows out of its files, as an old version saved it. Save it again with a later one.")
    try:
        return [str(each["filename"]) for each in state["_data_files"]]
    except (KeyError, TypeError):
        raise Unreadable(source, f"its {_STATE} does not list its files.") from None


def _json(file: Path, source: str) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unreadable(source, f"its {file.name} cannot be understood.")
    return told


def _part(folder: Path, name: str, source: str) -> Path:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise Unreadable(source, f"its {_STATE} names {name}, which is outside of the folder.")
    if not file.is_file():
        raise Unreadable(source, f"its {_STATE} names {name}, and there is no such file in it.")
    return file


def _opened(file: Path, source: str) -> ArrowColumns:
    with reading(source):
        if not file.stat().st_size:
            raise Unreadable(source, "it is empty (0 bytes).")
        columns = read_arrow(file, source).columns
    assert isinstance(columns, ArrowColumns)
    return columns
