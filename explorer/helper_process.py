"""A process of our own that does one thing for this one: questions are lines of JSON, and so are answers, with bytes behind them.

What is large, slow to load, or trusts files that may be damaged runs there: when it ends, this process only hears of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from threading import Timer
from typing import IO, Any, BinaryIO

from explorer.lifetime import leave_with_parent
from explorer.module_path import module_path

__all__ = ["HelperEnded", "HelperProcess", "begin_helping", "next_question"]

_LAST_BYTES = 4_000  # of what it wrote before it died
_NICER = 10  # the server goes first on a machine with few cores


class HelperEnded(Exception):
    """It ended before it had answered: ``HelperEnded(code, said)``, its exit code and the last line it wrote."""

    def __str__(self) -> str:
        code, said = self.args
        return f"with exit code {code}{f': {said}' if said else ''}"


class HelperProcess:
    """The side of who asks: one thread at a time. The process is started when it is first needed, and again when it has ended.

    Parameters
    ----------
    words : sequence of str
        What Python runs.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._command = [sys.executable, "-P", *words]
        self._running: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    @property
    def answers(self) -> IO[bytes]:
        """What comes behind a line of an answer; who reads too little of it, or finds its end, calls :meth:`failed` or :meth:`stop`."""
        assert self._running is not None
        assert self._running[0].stdout is not None
        return self._running[0].stdout

    def ask(self, question: Mapping[str, Any], data: bytes = b"") -> dict[str, Any]:
        """Ask, with bytes behind the question, and return the line of the answer.

        Raises
        ------
        HelperEnded
        """
        try:
            return self._asked(question, data)
        except HelperEnded as error:
            if error.args[0]:
                raise
        return self._asked(question, data)  # it had ended by itself, a moment ago: nobody had asked for long

    def read(self, n: int) -> bytes:
        """Read the bytes behind the answer.

        Raises
        ------
        HelperEnded
            If there are fewer.
        """
        data = self.answers.read(n)
        if len(data) < n:
            raise self.failed()
        return data

    def failed(self) -> HelperEnded:
        """End it, and make the error that says how it went."""
        assert self._running is not None
        process, errors = self._running
        process.stdout.close()  # type: ignore[union-attr]  # what writes there may wait for somebody to read
        try:
            code: int | str = process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = "none"
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_BYTES))
        said = errors.read().decode(errors="replace").strip().splitlines()
        self.stop()
        return HelperEnded(code, said[-1] if said else "")

    def stop(self) -> None:
        """End it."""
        if self._end is not None:
            self._end()
        self._running = self._end = None

    def _asked(self, question: Mapping[str, Any], data: bytes) -> dict[str, Any]:
        process, _ = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n" + data)  # escapes what is no character, too
            process.stdin.flush()
            said = self.answers.readline()
        except OSError:
            raise self.failed() from None
        if not said.endswith(b"\n"):
            raise self.failed()
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _started(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        if self._running is not None and self._running[0].poll() is not None:  # it ends by itself when nobody asks for long
            self.stop()
        if self._running is None:
            errors = tempfile.TemporaryFile()  # noqa: SIM115  # its process writes there for as long as it lives
            environment = {**os.environ, "PYTHONPATH": module_path(os.environ)}
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment)
            self._running = process, errors
            self._end = weakref.finalize(self, _end, process, errors)
        return self._running


def begin_helping() -> BinaryIO:
    """Become a helper of the process that started this one, and return where answers go; what libraries print does not get between."""
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    if hasattr(os, "nice"):
        os.nice(_NICER)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def next_question(questions: BinaryIO, *, idle_s: float) -> bytes:
    """Wait for the next question; none where there are no more. This process ends when nobody asks for so many seconds."""
    idle = Timer(idle_s, os._exit, (0,))
    idle.daemon = True
    idle.start()
    try:
        return questions.readline()
    finally:
        idle.cancel()


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, errors):
        try:
            if stream is not None:
                stream.close()
        except OSError:  # what it was to read has nobody any more
            continue
