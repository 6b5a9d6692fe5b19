"""What was computed, kept on disk: written at once or not at all, checked when read, shared by every process of the machine.

An artifact is a folder ``<store>/<kind>/<key[:2]>/<key>`` with ``meta.json`` and one ``.npy`` file an array. Deleting any of it, or the
whole store, is always safe: what is missing is computed again. Knows nothing of what the arrays mean.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from filelock import FileLock
from numpy.typing import NDArray

from explorer import settings
from explorer.errors import ExplorerError, StoreUnwritable
from explorer.store.arrays import Blocks, NotWhole, Receipt, read_array, write_array

__all__ = ["Artifact", "Draft", "Store", "canonical"]

logger = logging.getLogger(__name__)

_FORMAT = 1
_META = "meta.json"
_NOT_KINDS = frozenset({"encoded", "locks", "numba", "pages", "tmp", "uploads"})  # folders of the store that hold no artifacts
_LEFTOVER_S = 24 * 3600.0  # a half-written folder this old belongs to a process that is gone
_CLOCKS_DIFFER_S = 60.0  # by so much may those of two machines that share a folder
_KEY = re.compile(r"[0-9a-f]{32}")
_BROKEN = (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, KeyError, TypeError, AttributeError)  # not our files


@dataclass(frozen=True, eq=False)
class Artifact:
    """One result: arrays, memory-mapped read-only, and what is known about them."""

    kind: str
    key: str
    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Any]
    created: float  # seconds since 1970


class Store:
    """Artifacts on disk under a key of content and settings.

    Safe to use from several threads and processes at once.

    Parameters
    ----------
    folder : path, optional
        Where to keep them; made when first needed. :func:`explorer.settings.store_folder` by default.
    limit_mb : int, optional
        Beyond this many MB (10**6 bytes) what was not used for the longest time goes. :func:`explorer.settings.store_limit_mb` by default.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, limit_mb: int | None = None) -> None:
        self.folder = settings.store_folder() if folder is None else Path(folder).absolute()
        self.limit_mb = settings.store_limit_mb() if limit_mb is None else limit_mb
        self._known: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}  # metas read before, by kind and key, with their inode

    def key(self, kind: str, fingerprint: str, settings: Mapping[str, Any], version: int = 1) -> str:
        """Return the key of an artifact: 32 hex digits over everything it depends on.

        Parameters
        ----------
        kind : str
            What it is: "vectors", "graph", "layout".
        fingerprint : str
            Of the dataset it is made from.
        settings : mapping
            Every parameter, plain JSON. ``1`` and ``1.0`` are the same, and so are tuples and lists.
        version : int
            Of the algorithm: raise it when the same settings give another result.
        """
        text = json.dumps([kind, fingerprint, canonical(settings), version], sort_keys=True, allow_nan=False, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def get(self, kind: str, key: str) -> Artifact | None:
        """Return an artifact, marked as just used; None when it is missing or not whole (what is not whole is logged and removed)."""
        folder = self._path(kind, key)
        try:
            meta = _read_meta(folder, kind, key)
            arrays = {name: read_array(folder / f"{name}.npy", Receipt.from_json(receipt)) for name, receipt in meta["arrays"].items()}
            artifact = Artifact(kind, key, arrays, meta["meta"], float(meta["created"]))
        except (*_BROKEN, NotWhole) as error:
            if folder.exists():
                logger.warning("Removed %s %s from the store: %s. It will be computed again when needed.", kind, key, error)
                self._remove(folder)
            return None
        except OSError as error:  # no permission, too many open files, …: nothing is wrong with the artifact
            logger.warning("Could not read %s %s from the store: %s", kind, key, error)
            return None
        _touch(folder / _META)
        return artifact

    def has(self, kind: str, key: str) -> bool:
        """Whether an artifact is there; its arrays are not checked."""
        return (self._path(kind, key) / _META).is_file()

    def put(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any] | Blocks], meta: Mapping[str, Any]) -> Artifact:
        """Keep an artifact; where one of this key is there already, that one stays.

        Parameters
        ----------
        kind, key : str
            As in :meth:`key`.
        arrays : mapping of ndarray or Blocks
            By name; names become file names.
        meta : mapping
            Plain JSON (no NaN), returned as it is by :meth:`get`.

        Returns
        -------
        Artifact
            As read back from disk.

        Raises
        ------
        StoreUnwritable
            If the folder cannot be written, or the disk is full.
        """
        try:
            try:
                artifact = self._write(kind, key, arrays, meta)
            except FileNotFoundError:  # somebody deleted the store while we wrote
                artifact = self._write(kind, key, arrays, meta)
        except OSError as error:
            raise StoreUnwritable(str(self.folder), error.strerror or str(error)) from error
        self._evict(keep=self._path(kind, key))
        return artifact

    def remove(self, kind: str, key: str) -> None:
        """Remove an artifact that is not needed any more; who has it open keeps what they have."""
        self._remove(self._path(kind, key))

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Write arrays before it is known under which key they will be kept; what is not kept when the block ends is removed.

        Raises
        ------
        StoreUnwritable
            If the folder cannot be written, or the disk is full.
        """
        try:
            with self._draft() as draft:
                yield draft
        except ExplorerError:
            raise
        except OSError as error:
            raise StoreUnwritable(str(self.folder), error.strerror or str(error)) from error

    def lock(self, kind: str, key: str) -> FileLock:
        """Return the lock under which one process at a time makes this artifact; not acquired yet.

        Raises
        ------
        StoreUnwritable
            If the folder cannot be written.
        """
        folder = self.folder / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnwritable(str(self.folder), error.strerror or str(error)) from error
        return FileLock(folder / f"{kind}-{key}.lock")

    def entries(self, kind: str) -> Iterator[Artifact]:
        """Iterate over all artifacts of a kind without their arrays; costs one directory listing once their metas are known."""
        for folder in self._folders(kind):
            key = folder.name
            try:
                inode = folder.stat().st_ino
                known = self._known.get((kind, key))
                if known is None or known[0] != inode:
                    known = (inode, _read_meta(folder, kind, key))
                    self._known[kind, key] = known
                yield Artifact(kind, key, {}, known[1]["meta"], float(known[1]["created"]))
            except (OSError, NotWhole, ValueError, KeyError, TypeError) as error:
                logger.debug("Skipped %s %s: %s", kind, key, error)  # gone meanwhile, or broken: get() removes it when it is asked for

    def of(self, fingerprint: str) -> Iterator[Artifact]:
        """Iterate over all artifacts of a dataset without their arrays."""
        for kind in self._kinds():
            yield from (entry for entry in self.entries(kind) if entry.meta.get("fingerprint") == fingerprint)

    def size_mb(self) -> float:
        """Return the size of all artifacts in MB (10**6 bytes)."""
        return sum(_size(folder) for kind in self._kinds() for folder in self._folders(kind)) / 1e6

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    def _kinds(self) -> list[str]:
        return [entry.name for entry in _listing(self.folder) if entry.is_dir() and entry.name not in _NOT_KINDS]

    def _folders(self, kind: str) -> Iterator[Path]:
        for prefix in _listing(self.folder / kind):
            for folder in _listing(Path(prefix.path)):
                if _KEY.fullmatch(folder.name):
                    yield Path(folder.path)

    def _write(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any] | Blocks], meta: Mapping[str, Any]) -> Artifact:
        with self._draft() as draft:
            for name, array in arrays.items():
                draft.write(name, array)
            return draft.publish(kind, key, meta)

    @contextmanager
    def _draft(self) -> Iterator[Draft]:
        folder = self.folder / "tmp" / uuid.uuid4().hex
        try:
            folder.mkdir(parents=True)
            yield Draft(self, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _publish(self, draft: Path, kind: str, key: str) -> Artifact:
        """Move a finished draft to its place in one step; where another one came first, keep that if it is whole."""
        folder = self._path(kind, key)
        for _ in range(3):
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
            artifact = self.get(kind, key)  # removes what is not whole, so that the next turn finds the place free
            if artifact is not None:
                return artifact
            if not draft.exists():
                break
        raise FileNotFoundError(errno.ENOENT, "it was deleted while it was written", str(folder))

    def _remove(self, folder: Path) -> bool:
        """Take an artifact away: out of sight in one step, then piece by piece. False where another program holds it open."""
        grave = self.folder / "tmp" / uuid.uuid4().hex
        try:
            grave.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(grave)
        except OSError as error:
            logger.debug("Could not remove %s: %s", folder, error)
            return not folder.exists()
        shutil.rmtree(grave, ignore_errors=True)
        return True

    def _evict(self, keep: Path) -> None:
        """Remove what was not used for the longest time until the store is within its limit, and what dead processes left behind."""
        now = time.time()
        for left in _listing(self.folder / "tmp"):
            if _modified(Path(left.path)) < now - _LEFTOVER_S:
                shutil.rmtree(left.path, ignore_errors=True)
        sizes = {folder: _size(folder) for kind in self._kinds() for folder in self._folders(kind)}
        total = sum(sizes.values())
        for folder in sizes:
            if _modified(folder / _META) > now + _CLOCKS_DIFFER_S:  # the clock was set back: as the newest of all it would stay for ever
                _touch(folder / _META)
        for folder in sorted(sizes, key=lambda folder: _modified(folder / _META)):
            if total <= self.limit_mb * 1_000_000:
                return
            if folder != keep and self._remove(folder):
                total -= sizes[folder]
                logger.info("Made room in the store: %s %s (%.1f MB)", folder.parent.parent.name, folder.name, sizes[folder] / 1e6)


class Draft:
    """An artifact that is being written, in a folder that nobody else looks into; made by :meth:`Store.draft`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._receipts: dict[str, dict[str, Any]] = {}

    def write(self, name: str, array: NDArray[Any] | Blocks) -> None:
        """Write one of its arrays; blocks are asked for once."""
        self._receipts[name] = write_array(self._folder / f"{name}.npy", array).to_json()

    def keep(self, kind: str, key: str, meta: Mapping[str, Any]) -> Artifact:
        """Keep what was written, as :meth:`Store.put` does; nothing more can be written to it then."""
        artifact = self.publish(kind, key, meta)
        self._store._evict(keep=self._store._path(kind, key))
        return artifact

    def publish(self, kind: str, key: str, meta: Mapping[str, Any]) -> Artifact:
        """Keep what was written, and let the store grow beyond its limit for now."""
        content = {"format": _FORMAT, "kind": kind, "key": key, "created": time.time(), "arrays": self._receipts, "meta": dict(meta)}
        (self._folder / _META).write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
        return self._store._publish(self._folder, kind, key)


def _read_meta(folder: Path, kind: str, key: str) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads((folder / _META).read_bytes())
    if not isinstance(meta, dict) or (meta["format"], meta["kind"], meta["key"]) != (_FORMAT, kind, key):
        raise NotWhole(_META, "it belongs to another artifact")
    return meta


def canonical(value: Any) -> Any:
    """Return JSON that is the same for what means the same: whole floats as int, tuples as lists, NumPy scalars as Python's."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): canonical(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(part) for part in value]
    return value


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(folder: Path) -> int:
    total = 0
    for entry in _listing(folder):
        try:
            total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # removed meanwhile
            continue
    return total


def _touch(path: Path) -> None:
    try:
        os.utime(path)
    except OSError as error:  # a store that may only be read: fine, its order of use then stays as it is
        logger.debug("Could not mark %s as used: %s", path, error)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
