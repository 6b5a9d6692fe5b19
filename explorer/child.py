"""A process that is started, watched, started again when it ends, and ended; the supervisor says when."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final

from explorer.errors import NotStarted
from explorer.module_path import module_path

__all__ = ["Child"]

logger = logging.getLogger(__name__)

_STEADY_S: Final = 60.0  # who has run for so long is not said to end again and again
_LONGEST_PAUSE_S: Final = 60.0


class Child:
    """A child process, as often as it is started.

    Parameters
    ----------
    name : str
        For people: "The server on port 5006".
    words : sequence of str
        What Python runs.
    environment : mapping
        In addition to ours.
    ready : callable
        Whether it does what it is there for.
    """

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> None:
        self.name = name
        self._command = [sys.executable, "-P", *words]
        self._environment = environment
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._was_ready = False  # at any time
        self._quick_ends = 0
        self._started = 0.0
        self._start_at = 0.0
        self.is_ready = False

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def look(self) -> None:
        """Start it where it does not run, at once or after a pause; see whether it has ended and whether it is ready.

        Raises
        ------
        NotStarted
            If it ended without having been ready once: it would do so again.
        """
        if self._process is None:
            if monotonic() >= self._start_at:
                self._start()
            return
        code = self._process.poll()
        if code is not None:
            self._ended(code)
        elif not self.is_ready and self._ready():
            self.is_ready = self._was_ready = True
            if self._quick_ends:
                logger.warning("%s is there again", self.name)

    def terminate(self) -> None:
        """Ask it to end; a child that reads its standard input sees the end of that."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self.running:
                self._process.terminate()

    def kill(self) -> None:
        """End it at once, and wait until it has."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._started, self.is_ready = monotonic(), False
        environment = {**os.environ, "PYTHONPATH": module_path(os.environ), **self._environment}
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=environment)
        except OSError as error:
            self._again(f"cannot be started ({error.strerror or error})")

    def _ended(self, code: int) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._again(f"ended with exit code {code} after {monotonic() - self._started:.0f} s")

    def _again(self, why: str) -> None:
        """Say when it is started again: now, and later and later where it never lasts."""
        if not self._was_ready:
            raise NotStarted(self.name, why)
        self._quick_ends = 1 if monotonic() - self._started >= _STEADY_S else self._quick_ends + 1
        pause = 0.0 if self._quick_ends == 1 else min(_LONGEST_PAUSE_S, 2.0 ** (self._quick_ends - 2))
        logger.error("%s %s. It is started again %s.", self.name, why, f"in {pause:g} s" if pause else "now")
        self._process, self.is_ready, self._start_at = None, False, monotonic() + pause
