"""The compute hub: the one process of a machine that shares out computing where several servers ask for it. Knows no data.

Started by the supervisor as ``python -m explorer.jobs.hub SOCKET STORE LIMIT_MB WORKERS``; it ends when its standard input does, which is
when the supervisor closes it or is gone, and the compute processes with it.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

from explorer.jobs.board import Board, Computing
from explorer.jobs.dispatch import Dispatcher
from explorer.jobs.hub_connection import HubConnection, TaskKey
from explorer.jobs.wire import Wire
from explorer.store.store import Store

__all__ = ["Hub", "main"]

logger = logging.getLogger(__name__)


class Hub:
    """Hears servers, and computes for them with one dispatcher.

    Parameters
    ----------
    path : path
        Of the socket; what is there is replaced. Its folder should be nobody else's.
    store : Store
        Shared with the servers and the compute processes.
    workers : int
        How many compute processes there may be.
    """

    def __init__(self, path: Path, store: Store, workers: int) -> None:
        self._store = store
        self._board = Board(self._computing)
        self._dispatcher = Dispatcher(store, workers, self._board.stir)
        self._lock = threading.Lock()
        self._connections: set[HubConnection] = set()
        self._active: Counter[TaskKey] = Counter()
        self._board.tell(self._tell_computing)
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, name="explorer-hub", daemon=True).start()

    def close(self) -> None:
        """End the compute processes and the connections."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next one
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()
        self._dispatcher.close()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:  # closed
                return
            number += 1
            connection = HubConnection(str(number), Wire(connected), self._dispatcher, self._store, self._note)
            with self._lock:
                self._connections.add(connection)
                for key in self._active:
                    connection.tell_active(key, active=True)
            self._board.stir()
            threading.Thread(target=self._serve, args=(connection,), name=f"explorer-server-{number}", daemon=True).start()

    def _serve(self, connection: HubConnection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _computing(self) -> tuple[Computing, ...]:
        return self._dispatcher.computing()

    def _tell_computing(self, listed: tuple[Computing, ...]) -> None:
        """Tell every server what is computed, whoever asked for it."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.tell_computing(listed)

    def _note(self, key: TaskKey, change: int) -> None:
        """Tell every server what is asked for by any of them."""
        with self._lock:
            before = self._active[key]
            self._active[key] += change
            if not self._active[key]:
                del self._active[key]
            if not before or key not in self._active:
                for connection in self._connections:
                    connection.tell_active(key, active=change > 0)


def main() -> None:
    """Take over this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # both are the supervisor's: computing goes on while the servers drain
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    path, folder, limit_mb, workers = sys.argv[1:]
    hub = Hub(Path(path), Store(Path(folder), int(limit_mb)), int(workers))
    while sys.stdin.buffer.read(1):
        continue
    hub.close()
    with suppress(OSError):  # the supervisor may be gone, and with it who cleans up; where it is not, it does the same
        Path(path).unlink()
        Path(path).parent.rmdir()


if __name__ == "__main__":
    main()
