"""The real server and a real Chromium for the browser tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

import explorer

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Find an installed Chromium; a download is never tried."""
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None)
    assert found, "The browser tests need Chromium: apt-get install chromium"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_url(url: str, process: subprocess.Popen[bytes], log: Path, *, seconds: float = 120) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (a server of our own)
                answer.read(1)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}:\n{log.read_text()}")


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a server and everything it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of the server: files put here join the catalog."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def server(store: Path, uploads: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``panel serve explorer``, as the README starts it; gives the page's address."""
    port = free_port()
    log = tmp_path_factory.mktemp("log") / "server.log"
    env = {**os.environ, "EXPLORER_STORE": str(store), "EXPLORER_DATA": str(uploads), "BOKEH_RESOURCES": "server"}
    folder = Path(explorer.__file__).resolve().parent
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "panel", "serve", str(folder), "--port", str(port), "--num-threads", "4", "--liveness"],
            cwd=tmp_path_factory.mktemp("cwd"),
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_url(f"http://127.0.0.1:{port}/liveness", process, log)
        yield f"http://localhost:{port}/explorer"
    finally:
        end_group(process)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    made = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
    yield made
    made.close()


class Watched:
    """A page, with what its console said and what came over its websocket."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.frames: list[int] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda socket: socket.on("framereceived", self._on_frame))

    def _on_console(self, message: object) -> None:
        if message.type == "error":  # type: ignore[attr-defined]
            self.errors.append(message.text)  # type: ignore[attr-defined]

    def _on_frame(self, payload: str | bytes) -> None:
        self.frames.append(len(payload))

    def pictures(self, at_least: int = 5_000) -> list[int]:
        """Sizes of what came that is large enough to be a picture."""
        return [size for size in self.frames if size >= at_least]

    # -- the map, as a person sees it

    def wait_for_picture(self, *, rest: bool = True, timeout: float = 30_000) -> str:
        """Wait for a picture on the canvas; returns its number."""
        box = self.page.locator(".map[data-picture]")
        box.wait_for(timeout=timeout)
        if rest:
            self.page.locator('.map[data-rest="true"]').wait_for(timeout=timeout)
        return str(box.get_attribute("data-picture"))

    def wait_for_new_picture(self, before: str, *, timeout: float = 30_000) -> str:
        """Wait until another picture than this one is on the canvas, at rest."""
        self.page.locator(f'.map[data-rest="true"]:not([data-picture="{before}"])').wait_for(timeout=timeout)
        return self.wait_for_picture()

    def canvas(self) -> bytes:
        """The pixels of the picture."""
        data = self.page.locator("canvas.picture").evaluate("canvas => canvas.toDataURL('image/png')")
        return data.encode()

    def box(self) -> dict[str, float]:
        found = self.page.locator(".map").bounding_box()
        assert found
        return found


@pytest.fixture
def open_page(browser: Browser) -> Iterator[object]:
    """Open pages: ``open_page(url, dark=False, width=1400, height=900)``; every console error fails the test at its end."""
    opened: list[Watched] = []
    contexts = []

    def open_(url: str, *, dark: bool = False, width: int = 1400, height: int = 900) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        contexts.append(context)
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.page.goto(url)
        return watched

    yield open_
    errors = [error for watched in opened for error in watched.errors]
    for context in contexts:
        context.close()
    assert not errors, "the browser's console has errors:\n" + "\n".join(errors)
