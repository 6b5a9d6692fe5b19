"""What people have uploaded: each user's files in a folder that is theirs alone, up to a quota and for some time. Tells nobody of others'.

``<store>/uploads/<user>/<upload>`` holds ``about.json`` and one file of data. Neither the user's name nor the file's gets into a path. All
servers of a machine share the folder; whoever changes what a user has holds that user's lock.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from explorer import settings
from explorer.data.dataset import open_dataset
from explorer.data.files import ENDINGS, FROM_ANYBODY
from explorer.errors import DataError, QuotaReached, UnknownFormat, Unreadable, Unwritable

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Upload", "Uploads", "open_file", "passing", "sweep", "uploads_folder"]

logger = logging.getLogger(__name__)

_ABOUT: Final = "about.json"
_PASSING: Final = "passing"  # files that are read and forgotten
_HOUR_S: Final = 3600.0
_LEFTOVER_S: Final = 24 * _HOUR_S  # the lock of a file that passed so long ago is nobody's
_ID: Final = re.compile(r"[0-9a-f]{16}")
_USER: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Upload:
    """A file that somebody has uploaded.

    Attributes
    ----------
    id : str
        Sixteen hex digits; no other upload has them.
    title : str
        The file's name, told apart from that user's others.
    path : Path
        Where its data are.
    vectors : str or None
        Which columns are its vectors, where that was said.
    n_bytes : int
        Its size.
    until : float
        When it will be removed, in seconds since 1970.
    """

    id: str
    title: str
    path: Path
    vectors: str | None
    n_bytes: int
    until: float

    @property
    def name(self) -> str:
        """What the catalog calls it, for its user."""
        return f"upload:{self.id}"

    def open(self) -> Dataset:
        """Read it.

        Raises
        ------
        DataError
            If it cannot be explored; the sentence has its title where others have a path.
        """
        return open_file(self.path, self.title, self.vectors)


class Uploads:
    """The uploads of one user; safe to use from several threads and processes at once.

    Parameters
    ----------
    user : str
        The name that somebody has logged in with.
    """

    def __init__(self, user: str) -> None:
        self._user = blake2b(user.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def listed(self) -> tuple[Upload, ...]:
        """List what is there, the newest first; takes milliseconds. Where that fails, the log says why and nothing is listed."""
        try:
            return _listed(uploads_folder() / self._user)
        except OSError as error:
            logger.error("The uploads of a user cannot be listed: %s", error)
            return ()

    def keep(self, name: str, data: bytes, vectors: str | None = None) -> Upload:
        """Write a file to disk; the same name twice makes two of them.

        Raises
        ------
        UnknownFormat, Unreadable
            If no file with this ending can be read, or none that anybody may have made.
        QuotaReached
            If it does not fit beside the others; nothing is written then.
        Unwritable
            If there is no room on the disk, for example.
        """
        ending = _ending(name)
        limit, folder = settings.upload_quota_mb() * 1_000_000, uploads_folder() / self._user
        try:
            with _locked(self._user):
                _tidy(folder)
                others = _listed(folder)
                taken = sum(other.n_bytes for other in others)
                if taken + len(data) > limit:
                    raise QuotaReached(name, len(data), taken, limit)
                return _write(folder, _free(name, [other.title for other in others]), ending, data, vectors)
        except OSError as error:
            raise Unwritable(name, error.strerror or str(error)) from error

    def remove(self, upload: str) -> Upload | None:
        """Delete one of them, by its id or by its name in the catalog; returns what it was, None where it is none of them.

        Raises
        ------
        Unwritable
            If it cannot be deleted.
        """
        found = next((each for each in self.listed() if upload in (each.id, each.name)), None)
        if found is not None:
            try:
                with _locked(self._user):
                    _remove(found.path.parent)
            except OSError as error:
                raise Unwritable(found.title, error.strerror or str(error)) from error
        return found


def uploads_folder() -> Path:
    """Where the uploads of all users are: in the store's folder, which all servers of a machine share."""
    return settings.store_folder() / "uploads"


@contextmanager
def passing(name: str, data: bytes) -> Iterator[Path]:
    """Have a file on disk for as long as it is read; then nothing is left of it.

    Raises
    ------
    UnknownFormat, Unwritable
        See :meth:`Uploads.keep`.
    """
    ending = _ending(name)
    own = uploads_folder() / _PASSING / secrets.token_hex(8)
    lock = _lock(own)
    try:
        _private(own.parent)
        lock.acquire()  # until here it is, and a server that is killed lets go of it
        own.mkdir(mode=0o700)
        path = own / f"data{ending}"
        path.write_bytes(data)
    except OSError as error:
        _forget(own, lock)
        raise Unwritable(name, error.strerror or str(error)) from error
    try:
        yield path
    finally:
        _forget(own, lock)


def open_file(path: Path, name: str, vectors: str | None) -> Dataset:
    """Open an uploaded file under the name that its user knows.

    Raises
    ------
    DataError
        With that name in place of the path, which is not the user's business.
    """
    try:
        return open_dataset(path, name=name, vectors=vectors)
    except DataError as error:
        error.args = tuple(name if part in (path, str(path)) else part for part in error.args)
        raise


def sweep() -> None:
    """Remove what has expired, of all users, and what servers that were killed have left; for a thread. What cannot be is logged."""
    for folder in _folders(uploads_folder()):
        try:
            if folder.name == _PASSING:
                _sweep_passing(folder)
            elif _USER.fullmatch(folder.name):
                with _locked(folder.name, wait=False):
                    _tidy(folder)
                    if not any(folder.iterdir()):
                        folder.rmdir()
        except Timeout:  # somebody changes it now: another time
            continue
        except OSError as error:
            logger.warning("Uploads that have expired cannot be removed: %s", error)


def _sweep_passing(folder: Path) -> None:
    for left in _folders(folder):
        lock = _lock(left)
        try:
            lock.acquire(timeout=0)
        except Timeout:  # it is being read
            continue
        logger.info("Removed an upload that was being read when its server was killed")
        _forget(left, lock)
    for lock_file in folder.glob("*.lock"):
        try:
            if lock_file.stat().st_mtime < time.time() - _LEFTOVER_S:
                lock_file.unlink()
        except FileNotFoundError:
            continue


def _forget(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what has expired and what was never finished; for who holds the lock."""
    whole = {upload.id for upload in _listed(folder)}
    for found in _folders(folder):
        if found.name not in whole:
            _remove(found)


def _write(folder: Path, title: str, ending: str, data: bytes, vectors: str | None) -> Upload:
    own = secrets.token_hex(8)
    draft = folder / f"{own}.draft"
    _private(folder)
    draft.mkdir(mode=0o700)
    try:
        (draft / f"data{ending}").write_bytes(data)
        about = {"title": title, "file": f"data{ending}", "vectors": vectors, "bytes": len(data), "uploaded": time.time()}
        (draft / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        draft.rename(folder / own)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return _read(folder / own)


def _read(folder: Path) -> Upload:
    about: dict[str, Any] = json.loads((folder / _ABOUT).read_bytes())
    file, vectors = str(about["file"]), about["vectors"]
    if file not in {f"data{ending}" for ending in FROM_ANYBODY}:
        raise ValueError(file)
    until = float(about["uploaded"]) + settings.upload_hours() * _HOUR_S
    return Upload(folder.name, str(about["title"]), folder / file, None if vectors is None else str(vectors), int(about["bytes"]), until)


def _listed(folder: Path) -> tuple[Upload, ...]:
    found = []
    for each in _folders(folder):
        if _ID.fullmatch(each.name):
            try:
                upload = _read(each)
            except (OSError, ValueError, KeyError, TypeError) as error:  # removed at this moment, or not ours
                logger.debug("Skipped %s: %s", each, error)
                continue
            if upload.until > time.time():
                found.append(upload)
    return tuple(sorted(found, key=lambda upload: (-upload.until, upload.id)))


def _remove(folder: Path) -> None:
    """Take an upload away: out of sight in one step, then piece by piece."""
    grave = folder.with_name(f"{folder.name.partition('.')[0]}.gone")
    if folder != grave and folder.exists():
        folder.rename(grave)
    shutil.rmtree(grave, ignore_errors=True)


def _folders(folder: Path) -> list[Path]:
    try:
        return [found for found in folder.iterdir() if found.is_dir() and not found.is_symlink()]
    except (FileNotFoundError, NotADirectoryError):
        return []


@contextmanager
def _locked(user: str, *, wait: bool = True) -> Iterator[None]:
    folder = uploads_folder()
    _private(folder)
    with _lock(folder / user).acquire(timeout=-1 if wait else 0):
        yield


def _private(folder: Path) -> None:
    """Make a folder in the store that no other user of the machine may look into."""
    settings.store_folder().mkdir(parents=True, exist_ok=True)
    for each in (uploads_folder(), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(f"{path.name}.lock"), thread_local=False)


def _ending(name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending in ENDINGS and ending not in FROM_ANYBODY:
        reason = (
            "a damaged file of this kind could stop the server, so it is not taken as an upload. Have it put into a folder of the server."
        )
        raise Unreadable(name, reason)
    if ending not in FROM_ANYBODY:
        raise UnknownFormat(name, FROM_ANYBODY)
    return ending


def _free(name: str, taken: list[str]) -> str:
    return next(candidate for candidate in (name, *(f"{name} ({n})" for n in range(2, len(taken) + 3))) if candidate not in taken)
