"""The compute process as the server process holds it: started, spoken to, listened to, ended. Decides nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer import settings
from explorer.jobs.live import LiveMemory
from explorer.jobs.protocol import Message, decode, encode
from explorer.module_path import module_path

if TYPE_CHECKING:
    from explorer.store.store import Store

__all__ = ["WorkerProcess"]

logger = logging.getLogger(__name__)

_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_QUIT_S = 1.0
_LAST_LINES = 20


class WorkerProcess:
    """A compute process.

    Parameters
    ----------
    store : Store
        Shared with it.
    on_message : callable
        Called with this object and each message, from a thread of its own.
    on_exit : callable
        Called with this object and the exit code, from the same thread, after the last message.

    Attributes
    ----------
    live : LiveMemory or None
        Where it shows layouts that it computes; None on a system that cannot share it.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_message: Callable[[WorkerProcess, Message], None],
        on_exit: Callable[[WorkerProcess, int], None],
    ) -> None:
        self._on_message = on_message
        self._on_exit = on_exit
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self.live = LiveMemory.make()
        shared = () if self.live is None else (self.live.descriptor,)
        command = [sys.executable, "-P", "-m", "explorer.jobs.worker", str(store.folder), str(store.limit_mb), *map(str, shared)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(store),
            pass_fds=shared,
        )
        self._errors = threading.Thread(target=self._drain, name="explorer-worker-stderr", daemon=True)
        self._errors.start()
        self._reader = threading.Thread(target=self._listen, name="explorer-worker-stdout", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr, where an abort says why; "" if none."""
        return next((line for line in reversed(self._last_lines) if line), "")

    def send(self, message: Message) -> None:
        """Say something to it; that it has died is for ``on_exit`` to say."""
        stdin = self._process.stdin
        try:
            if stdin is not None and not stdin.closed:
                stdin.write(encode(message))
                stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: closed at this very moment
            logger.debug("The compute process %s hears nothing any more: %s", self.pid, error)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """Ask it to end, wait a moment, then make it end; returns when it has."""
        self.send({"quit": True})
        try:
            self._process.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_QUIT_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                try:
                    message = decode(line)
                except ValueError:  # cut off when it was killed
                    logger.debug("The compute process %s said %r", self.pid, line)
                    continue
                self._on_message(self, message)
        code = self._process.wait()
        self._errors.join(_QUIT_S)
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError as error:
                logger.debug("The compute process %s left something unread: %s", self.pid, error)
        self._on_exit(self, code)

    def _drain(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as errors:
            for line in errors:
                text = line.decode(errors="replace").rstrip()
                self._last_lines.append(text)
                logger.debug("%s: %s", self.pid, text)


def _environment(store: Store) -> dict[str, str]:
    """Return the environment of the compute process: threads, caches, and where the package is when it is not installed."""
    environment = dict(os.environ)
    environment.update(dict.fromkeys(_THREADS, str(settings.compute_threads())))
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin at a barrier make t-SNE 10 times slower on a busy machine
    environment.setdefault("NUMBA_CACHE_DIR", str(store.folder / "numba"))
    environment["PYTHONPATH"] = module_path(environment)
    return environment
