"""A child process that ends with its parent, also where another process holds the other end of a pipe, as one that was forked does."""

from __future__ import annotations

import os
import threading

__all__ = ["leave_with_parent"]

_EVERY_S = 1.0


def leave_with_parent(parent: int | None = None) -> None:
    """End this process as soon as the one that started it is gone, whatever runs; looks from a thread of its own.

    Parameters
    ----------
    parent : int, optional
        That one's process id, where it may be gone already; by default who is the parent now.
    """
    threading.Thread(target=_watch, args=(os.getppid() if parent is None else parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_EVERY_S)
    os._exit(0)
