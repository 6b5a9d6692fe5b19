"""What is computed on this machine, told to whoever shows it: from a thread, twice a second at most, and only while there is something."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import sleep
from typing import Final, Literal, NamedTuple
from weakref import WeakMethod

__all__ = ["Board", "Computing"]

logger = logging.getLogger(__name__)

_EVERY_S: Final = 0.5  # and so long nothing is said of what begins: much is over by then


class Computing(NamedTuple):
    """One computation, whoever asked for it; plain JSON as a list.

    ``kind`` and ``key`` are those of its task. ``sort`` says what kind of thing it is and holds no name; ``dataset`` is the name of whoever
    asked first, which is not everybody's to know. ``place`` counts from 1 in the queue and is 0 for what runs; ``n_owners`` wait for it.
    """

    kind: str
    key: str
    sort: str
    dataset: str
    fingerprint: str
    state: Literal["queued", "running"]
    fraction: float = 0.0
    seconds_left: float | None = None
    place: int = 0
    n_owners: int = 1


Listener = Callable[[tuple[Computing, ...]], None]


class Board:
    """Looks what is computed while anybody wants to know, and tells them; safe to use from several threads.

    Parameters
    ----------
    look : callable
        Lists what is computed: what runs first, then the queue in its order.
    """

    def __init__(self, look: Callable[[], tuple[Computing, ...]]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._listeners: list[WeakMethod[Listener]] = []
        self._stirred = False
        self._looking = False

    def tell(self, listener: Listener) -> None:
        """Tell an object's method for as long as the object lives; called from a thread, for the last time with nothing."""
        with self._lock:
            self._listeners.append(WeakMethod(listener))
        self.stir()

    def forget(self, listener: Listener) -> None:
        """Tell a method no longer."""
        with self._lock:
            self._listeners = [known for known in self._listeners if known() not in (None, listener)]

    def stir(self) -> None:
        """Say that something has begun, moved up in the queue or ended; takes microseconds."""
        with self._lock:
            self._stirred = True
            if self._looking or not self._listeners:
                return
            self._looking = True
        threading.Thread(target=self._run, name="explorer-board", daemon=True).start()

    def _run(self) -> None:
        while True:
            sleep(_EVERY_S)
            goes_on = self._tell_all()
            with self._lock:
                if not goes_on and not self._stirred:
                    self._looking = False
                    return

    def _tell_all(self) -> bool:
        """Tell everybody, and say whether there may be more to tell."""
        with self._lock:
            self._stirred = False
            self._listeners = [known for known in self._listeners if known() is not None]
            listeners = [found for known in self._listeners if (found := known()) is not None]
        listed = self._look()
        for listener in listeners:
            try:
                listener(listed)
            except Exception:  # a border: the others are told, too
                logger.exception("somebody could not be told what is computed")
        return bool(listed and listeners)
