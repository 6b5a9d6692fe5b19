"""Threads that give way to others, where cores are few."""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["give_way"]


def give_way(nicer: int) -> None:
    """Lower this thread's priority below its process's; Linux alone has priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(os.getpriority(os.PRIO_PROCESS, thread) + nicer, 19))
