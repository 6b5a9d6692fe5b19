"""JSON lines between processes of one machine over a Unix socket, with an open file beside a line where it needs one; never pickle."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from explorer.jobs.protocol import Message, decode, encode

__all__ = ["Wire"]

_CHUNK: Final = 1 << 16
_FILES: Final = 4  # the kernel never delivers those of two messages at once
_HAS_FILE: Final = "file"


class Wire:
    """One end of a connection. One thread may send while another one receives.

    Parameters
    ----------
    connected : socket
        A stream; closed with this object.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    @classmethod
    def to(cls, path: str) -> Wire:
        """Connect to who listens there.

        Raises
        ------
        OSError
            If nobody does.
        """
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.connect(path)
        except OSError:
            connected.close()
            raise
        return cls(connected)

    def send(self, message: Message, descriptor: int | None = None) -> None:
        """Send a line, and an open file with it, of which the other end gets a descriptor of its own.

        Raises
        ------
        OSError
            If the other end is gone.
        """
        if descriptor is None:
            self._socket.sendall(encode(message))
            return
        line = encode({**message, _HAS_FILE: True})
        sent = socket.send_fds(self._socket, [line], [descriptor])
        self._socket.sendall(line[sent:])

    def messages(self) -> Iterator[tuple[Message, int | None]]:
        """Iterate over what comes, each with the descriptor that came along, which is then the caller's, until the other end is gone.

        Raises
        ------
        ValueError
            If it is no JSON.
        """
        began = b""
        descriptors: deque[int] = deque()
        try:
            while True:
                try:
                    data, came, _, _ = socket.recv_fds(self._socket, _CHUNK, _FILES)
                except OSError:  # reset, or closed by ourselves
                    return
                for descriptor in came:
                    os.set_inheritable(descriptor, False)  # noqa: FBT003  # takes no names
                    descriptors.append(descriptor)
                if not data:
                    return
                *lines, began = (began + data).split(b"\n")
                for line in lines:
                    message = decode(line)
                    has_file = message.pop(_HAS_FILE, None) is not None
                    yield message, descriptors.popleft() if has_file else None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """End the connection; who waits for messages gets no more."""
        with suppress(OSError):  # the other end was quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
