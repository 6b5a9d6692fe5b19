"""What one process has to say to another that may be slow to listen: the newest of each thing, so that it never grows, from a thread."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Hashable

from explorer.jobs.live import LiveMemory
from explorer.jobs.protocol import Message
from explorer.jobs.wire import Wire

__all__ = ["Outbox"]

logger = logging.getLogger(__name__)


class Outbox:
    """Sends messages in the order in which they were put; one that was not sent yet gives its place to a newer one about the same.

    Parameters
    ----------
    wire : Wire
        Where they go. It is closed when it carries no more.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, tuple[Message, LiveMemory | None]] = OrderedDict()
        self._open = True
        self._shown: dict[Hashable, LiveMemory] = {}  # memory that the other end has, by what it is about
        self._thread = threading.Thread(target=self._run, name="explorer-outbox", daemon=True)
        self._thread.start()

    def put(self, about: Hashable, message: Message, memory: LiveMemory | None = None) -> None:
        """Have a message sent; returns at once.

        Parameters
        ----------
        about : hashable
            What it is about: it replaces an older one that still waits.
        message : Message
            What to say.
        memory : LiveMemory, optional
            What the other end needs to read what the message tells of; it is sent along where it has not been.
        """
        with self._changed:
            self._waiting[about] = (message, memory)
            self._changed.notify()

    def forget(self, about: Hashable) -> None:
        """Say nothing of this any more, once what waits has been said."""
        with self._changed:
            self._waiting[about, "forget"] = ({}, None)
            self._changed.notify()

    def close(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._open = False
            self._waiting.clear()
            self._shown.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._open)
                if not self._open:
                    return
                about, (message, memory) = self._waiting.popitem(last=False)
                if not message:
                    assert isinstance(about, tuple)
                    self._shown.pop(about[0], None)
                    continue
                new = memory is not None and self._shown.get(about) is not memory
                if memory is not None:
                    self._shown[about] = memory
            try:
                self._wire.send(message, memory.descriptor if memory is not None and new else None)
            except OSError as error:
                logger.debug("Nobody hears %s: %s", message, error)
                self._wire.close()
                return
