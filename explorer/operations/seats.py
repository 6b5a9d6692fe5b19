"""How many pages one person has open, on all servers of this machine: each page takes one of so many seats, as long as it is there.

A seat is a locked file in the store's folder. Whoever ends lets go of it, even a server that is killed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from explorer import settings
from explorer.errors import StoreUnwritable, TooManyPages

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.records.visitor import Visitor

__all__ = ["Seat", "take_seat"]

_COMING_S: Final = 10.0  # that a browser may take to connect to its page


class Seat:
    """One page's seat; only the event loop knows it.

    Parameters
    ----------
    folder : Path
        Its person's.
    lock : FileLock
        Holds it.
    connected : callable
        Whether a browser is connected to the page now.
    """

    def __init__(self, folder: Path, lock: FileLock, connected: Callable[[], bool]) -> None:
        self._folder = folder
        self._lock = lock
        self._connected = connected
        self._since = monotonic()
        self._came = False
        _seats[folder].append(self)

    def arrive(self) -> None:
        """Note that a browser is connected."""
        self._came = True

    def is_empty(self) -> bool:
        """Whether the browser is gone, although the session is still there: its page was closed, or loaded again."""
        return not self._connected() and (self._came or monotonic() - self._since > _COMING_S)

    def leave(self) -> None:
        """Give it back; it may be given back already."""
        self._lock.release(force=True)
        seats = _seats[self._folder]
        if self in seats:
            seats.remove(self)
        if not seats:
            del _seats[self._folder]


_seats: defaultdict[Path, list[Seat]] = defaultdict(list)  # of this process, by person


def take_seat(visitor: Visitor, connected: Callable[[], bool]) -> Seat | None:
    """Take one of the seats of whoever opens a page: a user who has logged in, else whoever comes from an address.

    Parameters
    ----------
    visitor : Visitor
        Who it is.
    connected : callable
        Whether a browser is connected to the page, whenever asked.

    Returns
    -------
    Seat or None
        None where a person may have any number of pages.

    Raises
    ------
    TooManyPages
        If none is free.
    StoreUnwritable
        If the store's folder cannot be written.
    """
    limit = settings.pages_per_user()
    if limit is None:
        return None
    who = f"user {visitor.login}" if visitor.login is not None else f"address {visitor.address}"
    folder = settings.store_folder() / "pages" / blake2b(who.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _free(folder, limit)
        if lock is None:
            for seat in list(_seats[folder]):
                if seat.is_empty():
                    seat.leave()
            lock = _free(folder, limit)
    except OSError as error:
        raise StoreUnwritable(str(settings.store_folder()), error.strerror or str(error)) from error
    if lock is None:
        raise TooManyPages(limit)
    return Seat(folder, lock, connected)


def _free(folder: Path, limit: int) -> FileLock | None:
    for number in range(limit):
        lock = FileLock(folder / f"{number}.lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return lock
    return None
