"""Which datasets of the catalog were opened last, by name: what a server that starts on this store gets ready first.

A small file in the store's folder, shared by all servers that have it. Losing it loses nothing but seconds: whatever is wrong with it is
logged, and it counts as empty. Never what somebody has uploaded.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from explorer import settings

__all__ = ["MOST", "note_opened", "recently_opened"]

logger = logging.getLogger(__name__)

MOST: Final = 4
"""So many names are kept: most often one is that of the dataset which a page shows first."""

_MOST_BYTES: Final = 100_000
_lock = Lock()
_noted: dict[Path, str] = {}  # by file, what was noted last: most pages open what the one before has opened


def note_opened(name: str) -> None:
    """Note that a dataset of everybody's catalog was opened; writes a small file where it is another one than the time before."""
    with _lock:
        path = _path()
        if _noted.get(path) == name:
            return
        names = [name, *(other for other in _read(path) if other != name)][:MOST]
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(names), encoding="utf-8")
            part.replace(path)
        except OSError as error:
            logger.warning("What was opened last is not noted in %s: %s", path, error.strerror or error)
            with suppress(OSError):
                part.unlink()
        _noted[path] = name  # also where that failed: once is enough for the log


def recently_opened() -> list[str]:
    """Name the datasets that were opened last, the last one first; some may be gone from the catalog."""
    return _read(_path())


def _path() -> Path:
    return settings.store_folder() / "recent.json"


def _read(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too long")
        names = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("it is no list of names")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        logger.warning("What was opened last is not known, %s cannot be used: %s", path, error)
        return []
    return list(dict.fromkeys(names))[:MOST]
