"""Servers started as a user starts them, and a headless Chromium whose pages keep their own time: what a person sees, and when."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

__all__ = ["Probed", "chromium", "compiled", "give_way", "serving", "window"]

HERE = Path(__file__).resolve().parent
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 120
PATIENCE_MS = 120_000


@contextmanager
def serving(app: Path, *words: str, **environment: str) -> Iterator[str]:
    """Run ``panel serve app``, with the probe of its event loop under /lag; gives the server's address.

    Raises
    ------
    RuntimeError
        If the server ends or does not answer, with what it logged.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "panel", "serve", str(app), "--port", str(port), "--liveness"]
    paths = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as cwd:
        log = Path(cwd) / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--plugins", "loop_lag", *words],
                cwd=cwd,
                env={**os.environ, "BOKEH_RESOURCES": "server", "PYTHONPATH": paths, **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            address = f"http://localhost:{port}"
            _wait_for(f"{address}/liveness", process, log)
            yield address
        finally:
            _end(process)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    message = f"no answer from {url}:\n{log.read_text()}"
    raise RuntimeError(message)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the installed Chromium; a download is never tried.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None)
    if found is None:
        message = "this benchmark needs Chromium: apt-get install chromium"
        raise RuntimeError(message)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGS)
        yield browser
        await browser.close()


async def compiled() -> None:
    """Wait until the servers have compiled what a first computation needs: once a store, in a process that takes the time which is left."""
    while any("explorer.jobs.warmup" in " ".join(_words(process)) for process in psutil.Process().children(recursive=True)):
        await asyncio.sleep(0.5)


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return []


def give_way(priority: int = 10) -> None:
    """Let the browsers have the time that the server leaves: they stand for other people's machines. Linux only.

    By thread and, where the kernel gives each terminal session its share, by session.
    """
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):  # it ended meanwhile, or the kernel has no such shares
            if "chrom" not in process.name():
                continue
            for thread in process.threads():
                os.setpriority(os.PRIO_PROCESS, thread.id, priority)
            Path(f"/proc/{process.pid}/autogroup").write_text(str(priority))


async def window(browser: Browser, *, probe: str = "probe.js", width: int = 1510, height: int = 820) -> BrowserContext:
    """Open a window whose pages have a probe: pages of one window share its cache, and only the last one is quick."""
    made = await browser.new_context(viewport={"width": width, "height": height})
    made.set_default_timeout(PATIENCE_MS)
    await made.add_init_script(path=HERE / probe)
    return made


class Probed:
    """A page that notes when it got an event and when it had painted what came of it; see ``probe.js`` and ``linked_probe.js``."""

    def __init__(self, page: Page, picture: str) -> None:
        self.page = page
        self._picture = picture  # CSS selector of what holds the picture

    @classmethod
    async def open(cls, context: BrowserContext, url: str, *, picture: str, follow: bool = False) -> Probed:
        """Open a page in a window of :func:`window`; ``follow`` the textbook's image, where it is that page."""
        made = cls(await context.new_page(), picture)
        await made.page.goto(url, wait_until="commit")
        if follow:
            await made.ask("follow_image")
        return made

    async def ask(self, question: str, *words: Any) -> Any:
        """Ask the page's probe; waits where the answer is a promise."""
        return await self.page.evaluate(f"words => probe.{question}(...words)", list(words))

    async def box(self) -> Mapping[str, float]:
        """Say where the picture is on the page: x, y, width, height in pixels."""
        found = await self.page.locator(self._picture).first.bounding_box()
        if found is None:
            message = f"nothing on the page is {self._picture}"
            raise RuntimeError(message)
        return {side: float(found[side]) for side in ("x", "y", "width", "height")}

    async def center(self) -> tuple[float, float]:
        """Say where the middle of the picture is on the page."""
        box = await self.box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def fit(self, width: int, height: int) -> None:
        """Resize the page so that the picture has this size."""
        box, size = await self.box(), self.page.viewport_size
        if size is not None:
            wanted = size["width"] + width - box["width"], size["height"] + height - box["height"]
            await self.page.set_viewport_size({"width": round(wanted[0]), "height": round(wanted[1])})
        await self.page.wait_for_timeout(500)  # for the picture of the new size to be asked for
        await self.ask("rest")
