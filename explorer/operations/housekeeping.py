"""What a server tidies up by itself, when it starts and now and then, in a thread."""

from __future__ import annotations

import logging
import threading
from typing import Final

from explorer.data.uploads import sweep

__all__ = ["keep_house"]

logger = logging.getLogger(__name__)

_EVERY_S: Final = 600.0
_begun = threading.Lock()  # by the one thread of this process, for good


def keep_house() -> None:
    """Begin to remove uploads that have expired, and what servers that were killed have left; returns at once."""
    if _begun.acquire(blocking=False):
        threading.Thread(target=_run, name="explorer-house", daemon=True).start()


def _run() -> None:
    never = threading.Event()
    while True:
        try:
            sweep()
        except Exception:  # a border: another time it may go well
            logger.exception("Tidying up failed")
        never.wait(_EVERY_S)
