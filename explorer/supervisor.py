"""Several servers as one: starts them and the compute hub that they share, again where they end, and ends all of it. Serves nothing."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from explorer import settings
from explorer.child import Child
from explorer.errors import BadParameter
from explorer.ports import FIRST_PORT, answers, check_port

__all__ = ["supervise"]

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.2
_GRACE_S: Final = 10.0  # what a server that has drained may take to end
_HUB_S: Final = 5.0
_PATH_BYTES: Final = 90  # of the folder of a socket, whose path may have 104 to 108


def supervise(words: Sequence[str], *, processes: int, address: str, port: int | None, say: Callable[[str], None]) -> None:
    """Run servers on as many ports, one after the other, until SIGTERM or Ctrl-C; a second one ends them at once.

    Parameters
    ----------
    words : sequence of str
        What followed ``explorer serve``; each server is started with the same.
    processes : int
        How many servers.
    address : str
        Where they listen.
    port : int, optional
        The first port; 5006 by default.
    say : callable
        Told, as a sentence, where they are.

    Raises
    ------
    BadParameter
        If a port or the address cannot be listened on, or this system cannot do it.
    NotStarted
        If a server or the hub ends before it was ready.
    """
    first = FIRST_PORT if port is None else port
    ports = range(first, first + processes)
    if not hasattr(socket, "send_fds") or os.name == "nt":
        raise BadParameter("--processes", processes, "this system cannot share computing between servers; start one.")
    for each in ports:
        check_port(address, each)
    asked = _Asked()
    with _Private() as folder:
        hub = _hub(folder / "hub")
        servers = [_server(words, address, each, folder / "hub") for each in ports]
        try:
            _watch(hub, servers, asked, say=partial(say, _where(address, ports)))
            _drain(servers, asked, say)
        finally:
            for server in servers:
                server.kill()
            _end(hub)


class _Private:
    """A folder of our own for the hub's socket, gone with us."""

    def __enter__(self) -> Path:
        self._folder = Path(tempfile.mkdtemp(prefix="explorer-"))  # for this user only
        if len(os.fsencode(self._folder)) > _PATH_BYTES:
            self._folder.rmdir()
            self._folder = Path(tempfile.mkdtemp(prefix="explorer-", dir="/tmp"))
        return self._folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class _Asked:
    """How often we were asked to end: by SIGTERM or Ctrl-C, from now on."""

    def __init__(self) -> None:
        self.times = 0
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._count)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until somebody asks for the first time."""
        self._event.wait(seconds)

    def forget(self) -> None:
        """Let :meth:`wait` wait again."""
        self._event.clear()

    def _count(self, *_: object) -> None:
        self.times += 1
        self._event.set()


def _watch(hub: Child, servers: Sequence[Child], asked: _Asked, *, say: Callable[[], None]) -> None:
    """Keep all of them running until somebody asks to end. The first server starts before the others, which find compiled what it did."""
    told = False
    while not asked.times:
        hub.look()
        if hub.is_ready or told:
            servers[0].look()
        if servers[0].is_ready or told:
            for server in servers[1:]:
                server.look()
        if not told and all(server.is_ready for server in servers):
            say()
            told = True
        asked.wait(_LOOK_S)


def _drain(servers: Sequence[Child], asked: _Asked, say: Callable[[str], None]) -> None:
    seconds = settings.drain_s()
    say(f"ending; pages that are open have {seconds} s. Press Ctrl-C again to end at once.")
    for server in servers:
        server.terminate()
    end = monotonic() + seconds + _GRACE_S
    asked.forget()
    while any(server.running for server in servers) and monotonic() < end and asked.times == 1:
        asked.wait(_LOOK_S)


def _end(hub: Child) -> None:
    hub.terminate()
    end, pause = monotonic() + _HUB_S, threading.Event()
    while hub.running and monotonic() < end:
        pause.wait(_LOOK_S / 4)
    hub.kill()


def _hub(path: Path) -> Child:
    words = ["-m", "explorer.jobs.hub", str(path), str(settings.store_folder()), str(settings.store_limit_mb()), str(settings.workers())]
    return Child("The compute hub", words, {}, lambda: _listens(path))


def _server(words: Sequence[str], address: str, port: int, hub: Path) -> Child:
    own = ["--processes", "1", "--port", str(port), "--no-show", "--supervisor", str(os.getpid())]
    at = list(words).index("--") if "--" in words else len(words)  # what follows "--" are files
    command = ["-m", "explorer", "serve", *words[:at], *own, *words[at:]]
    return Child(f"The server on port {port}", command, {"EXPLORER_HUB": str(hub)}, lambda: answers(address, port))


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _where(address: str, ports: Sequence[int]) -> str:
    at = ", ".join(f"http://{address}:{port}" for port in ports)
    return (
        f"{len(ports)} servers that share their computing: {at}. Put a proxy in front of them that sends each browser to the same one "
        "every time, such as nginx with the file nginx.conf of the documentation."
    )
