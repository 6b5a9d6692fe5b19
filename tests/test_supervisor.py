"""Several servers as one, with real processes: what ends is started again, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest
from bokeh.util.token import generate_jwt_token, generate_session_id
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from explorer import cli

WAIT_S = 200.0


def free_ports() -> int:
    """The first of two ports that are free."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def until(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/liveness", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended at this very moment
        return []


class Served(NamedTuple):
    """A supervisor with two servers."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def family(self) -> list[psutil.Process]:
        """All that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def one(self, word: str) -> psutil.Process | None:
        """The child that was started with this word."""
        return next((child for child in psutil.Process(self.process.pid).children() if word in words_of(child)), None)


class OpenPage:
    """What a browser has open: the connection over which a page lives."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(self._connect(port))

    @staticmethod
    async def _connect(port: int) -> WebSocketClientConnection:
        token = generate_jwt_token(generate_session_id())
        asked = HTTPRequest(f"ws://127.0.0.1:{port}/explorer/ws", headers={"Origin": f"http://127.0.0.1:{port}"}, request_timeout=WAIT_S)
        connection = await websocket_connect(asked, subprotocols=["bokeh", token])
        assert await connection.read_message() is not None
        return connection

    def close(self) -> None:
        """Leave the page, which ends at once."""

        async def leave() -> None:
            self._connection.close()
            while await self._connection.read_message() is not None:
                continue

        self._loop.run_until_complete(leave())
        self._loop.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serve a small file with two servers: ``serve(EXPLORER_DRAIN_S="1")``; returns when both are there."""
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    started: list[Served] = []

    def start(**environment: str) -> Served:
        port, log = free_ports(), tmp_path / "log"
        words = [sys.executable, "-m", "explorer", "serve", "noise.npy", "--processes", "2", "--port", str(port), "--address", "127.0.0.1"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                words, cwd=tmp_path, env={**os.environ, **environment}, stdout=out, stderr=out, start_new_session=True
            )
        served = Served(process, port, log)
        started.append(served)
        until(lambda: "2 servers" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.terminate()
            served.process.terminate()
            served.process.wait(WAIT_S)


@pytest.mark.timeout(900)
def test_a_server_or_a_hub_that_is_killed_comes_back(serve: Callable[..., Served]) -> None:
    served = serve()
    assert answers(served.port)
    assert answers(served.port + 1)
    assert re.search(
        rf"2 servers that share their computing: http://127\.0\.0\.1:{served.port}, .*:{served.port + 1}\.", served.log.read_text()
    )
    for word in (str(served.port + 1), "explorer.jobs.hub"):
        killed = served.one(word)
        assert killed is not None
        killed.kill()
        until(lambda word=word, killed=killed: (now := served.one(word)) is not None and now.pid != killed.pid)
        assert answers(served.port), "the others go on"
    until(lambda: answers(served.port + 1))
    assert re.search(
        rf"The server on port {served.port + 1} ended with exit code -9 after \d+ s\. It is started again now\.", served.log.read_text()
    )
    until(lambda: "The compute hub is there again" in served.log.read_text())
    family = served.family()
    served.process.terminate()
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()
    assert not any(alive(child) for child in family)
    assert "Traceback" not in served.log.read_text()


@pytest.mark.timeout(900)
def test_open_pages_have_their_time_and_nobody_new_comes(serve: Callable[..., Served]) -> None:
    served = serve(EXPLORER_DRAIN_S="200")
    page = OpenPage(served.port)
    family, other = served.family(), served.one(str(served.port + 1))
    os.killpg(served.process.pid, signal.SIGTERM)  # as a process manager does: to all of them
    assert other is not None
    until(lambda: not alive(other))
    assert not answers(served.port)
    time.sleep(2)
    assert served.process.poll() is None
    page.close()
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()
    assert not any(alive(child) for child in family)
    assert "No new page is served any more; those that are open (1) have 200 s" in served.log.read_text()


@pytest.mark.timeout(900)
def test_open_pages_are_closed_when_their_time_is_over(serve: Callable[..., Served]) -> None:
    served = serve(EXPLORER_DRAIN_S="1")
    page = OpenPage(served.port)
    family = served.family()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(WAIT_S) == 0, served.log.read_text()
    assert not any(alive(child) for child in family)
    page.close()


@pytest.mark.timeout(900)
def test_a_killed_supervisor_leaves_neither_process_nor_socket(serve: Callable[..., Served]) -> None:
    with tempfile.TemporaryDirectory() as private:  # a short name, as that of a socket has to be
        served = serve(TMPDIR=private)
        family = served.family()
        assert len(family) >= 3
        assert list(Path(private).rglob("hub"))
        served.process.kill()
        served.process.wait()
        until(lambda: not any(alive(child) for child in family))
        assert not list(Path(private).rglob("hub"))


def test_what_cannot_start_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--processes", "2", "--address", "127.0.0.1", "--port", str(port)]) == 2
        assert f"--port={port} is not allowed: 127.0.0.1 cannot be listened on there" in capsys.readouterr().err
    assert cli.main(["serve", "--processes", "0"]) == 2
    assert "--processes=0 is not allowed: give 1 or more." in capsys.readouterr().err


@pytest.mark.timeout(300)
def test_a_file_that_cannot_be_opened_ends_all_of_it(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "explorer", "serve", "gone.npy", "--processes", "2", "--port", str(free_ports())]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ, text=True, capture_output=True, timeout=WAIT_S, check=False)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == "explorer: There is no file gone.npy. Check the path."
    ended = r"explorer: The server on port \d+ ended with exit code 2 after \d+ s, before it was ready once\."
    assert re.fullmatch(rf"{ended} What it wrote last says why\.", second)
