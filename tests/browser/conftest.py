"""The real server and a real Chromium for the browser tests."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Playwright, sync_playwright

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
PATIENCE_MS = 60_000  # for what a machine without load does in one second or two
FIGURE = "[...Bokeh.documents[0]._all_models.values()].find(model => model.type === 'Figure')"


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
            with urllib.request.urlopen(url, timeout=2) as answer:
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


class Server(NamedTuple):
    """A running server: the page's address, and the file it logs to."""

    url: str
    log: Path


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ``EXPLORER_DATA``: files put here join the catalog."""
    return tmp_path_factory.mktemp("data")


def serve(
    words: Sequence[str], settings: Mapping[str, str], data_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Server, subprocess.Popen[bytes]]:
    port = free_port()
    log = tmp_path_factory.mktemp("log") / "server.log"
    store = tmp_path_factory.mktemp("store")
    env = {**os.environ, "EXPLORER_STORE": str(store), "EXPLORER_DATA": str(data_root), "BOKEH_RESOURCES": "server", **settings}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *(word.format(port=port) for word in words)],
            cwd=tmp_path_factory.mktemp("cwd"),
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(f"http://localhost:{port}/explorer", log), process


@pytest.fixture(scope="module")
def serving(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers: ``serving("-m", "panel", ..., "{port}", EXPLORER_LOG="json")`` runs Python with these words and settings.

    Each has a store of its own; all of them end with the module's tests, for even a server that nobody asks anything warms up.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **settings: str) -> Server:
        server, process = serve(words, settings, data_root, tmp_path_factory)
        started.append(process)
        wait_for_url(server.url.replace("/explorer", "/liveness"), process, server.log)
        return server

    yield start
    for process in started:
        end_group(process)


@pytest.fixture
def own_server(serving: Callable[..., Server]) -> Server:
    """A server on which no other test has computed layouts of the sample, or measured columns, which every page there would list."""
    return serving("-m", "panel", "serve", str(Path(explorer.__file__).resolve().parent), "--port", "{port}", "--liveness")


@pytest.fixture(scope="session")
def served(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``panel serve explorer``, as the README starts it."""
    folder = Path(explorer.__file__).resolve().parent
    words = ("-m", "panel", "serve", str(folder), "--port", "{port}", "--num-threads", "4", "--liveness")
    server, process = serve(words, {}, data_root, tmp_path_factory)
    try:
        wait_for_url(server.url.replace("/explorer", "/liveness"), process, server.log)
        yield server
    finally:
        end_group(process)


@pytest.fixture
def server(served: Server) -> Iterator[str]:
    """Give the page's address; what the server logs as an error fails the test."""
    before = len(served.log.read_text())
    yield served.url
    records = re.split(r"^(?=\d{4}-\d\d-\d\d )", served.log.read_text()[before:], flags=re.MULTILINE)
    # That somebody closed a page while something was being written to it is no error, but Tornado logs one.
    errors = [record for record in records if "Traceback" in record and "WebSocketClosedError" not in record]
    assert not errors, f"the server logged errors:\n{''.join(errors)}"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    made = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
    yield made
    made.close()


def new_window(browser: Browser, **how: Any) -> BrowserContext:
    """Give a browser profile of its own, in which somebody has been here before: no card of welcome lies over what tests click."""
    made = browser.new_context(**how)
    made.add_init_script("try { localStorage.setItem('explorer-welcome', 'read') } catch { /* a page without an address */ }")
    made.set_default_timeout(PATIENCE_MS)
    return made


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile for all pages, so that only the first one loads the scripts."""
    made = new_window(browser)
    yield made
    made.close()


class Picture(NamedTuple):
    """A picture that came over the websocket."""

    size: int  # bytes on the wire
    moving: bool
    id: int
    t: float | None = None  # where on the way to another layout; none where the map is on no journey
    live: bool = False  # of a layout that is being computed
    camera: tuple[float, ...] = ()  # how a layout of three dimensions is seen


class Asked(NamedTuple):
    """A message by which the page asked for pictures: their numbers and, of a layout of three dimensions, how each is to be seen."""

    ids: list[int]
    cameras: list[tuple[float, ...]]


class Watched:
    """A page, with what its console said and which pictures came over its websocket."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.pictures: list[Picture] = []
        self.asked: list[Asked] = []  # by message
        self.asked: list[tuple[int, ...]] = []  # numbers of the pictures that the page asked for, by message
        self.received = 0  # bytes of everything that came over the websocket
        page.on("console", self._on_console)
        page.on("request", lambda asked: self._on_request(asked.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda opened: (opened.on("framereceived", self._on_frame), opened.on("framesent", self._on_sent)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _on_request(self, url: str) -> None:
        if not url.startswith(("http://localhost:", "http://127.0.0.1:", "ws://localhost:", "ws://127.0.0.1:", "data:", "blob:")):
            self.errors.append(f"something was fetched from outside: {url}")

    def _on_frame(self, payload: str | bytes) -> None:
        self.received += len(payload)
        if isinstance(payload, bytes) and len(payload) > 2:
            head = payload[2 : 2 + int.from_bytes(payload[:2], "big")]
            if head.startswith(b'{"client"'):
                told = json.loads(head)
                t = told["t"] if told["journey"] else None
                self.pictures.append(Picture(len(payload), told["moving"], told["id"], t, told["live"], tuple(told.get("camera", ()))))

    def _on_sent(self, payload: str | bytes) -> None:
        if isinstance(payload, str) and '"attr":"options"' in payload:  # which nobody can set in a browser
            self.errors.append(f"a widget sent an old value back: {payload[:400]}")
        if isinstance(payload, str) and '["type","draw"]' in payload:
            cameras = (map(float, numbers.split(",")) for numbers in re.findall(r'\["camera",\[([^\]]+)\]', payload))
            self.asked.append(Asked([int(number) for number in re.findall(r'\["id",(\d+)\]', payload)], [*map(tuple, cameras)]))

    # -- the map, as a person sees it; where there are several, the first one

    def wait_for_picture(self, *, timeout: float = PATIENCE_MS) -> str:
        """Wait for the sharp picture on the canvas; returns its number."""
        self.page.locator('.map[data-rest="true"]').first.wait_for(timeout=timeout)
        return str(self.page.locator(".map").first.get_attribute("data-picture"))

    def wait_for_new_picture(self, before: str, *, timeout: float = PATIENCE_MS) -> str:
        """Wait until another sharp picture than this one is on the canvas."""
        self.page.locator(f'.map[data-rest="true"]:not([data-picture="{before}"])').first.wait_for(timeout=timeout)
        return self.wait_for_picture()

    def settle(self) -> str:
        """Wait until no more pictures come."""
        last = self.wait_for_picture()
        while True:
            self.page.wait_for_timeout(400)
            now = self.wait_for_picture()
            if now == last:
                return now
            last = now

    def pixels(self, canvas: str = "picture") -> NDArray[np.uint8]:
        """Read a canvas of the map ("picture" or "marks"): (h, w, 4) uint8."""
        data = self.page.locator(f"canvas.{canvas}").first.evaluate("canvas => canvas.toDataURL('image/png')")
        image = Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2])))
        return np.asarray(image.convert("RGBA"))

    def n_colored(self) -> int:
        """Count the picture's pixels that show a row, in a color that is no gray."""
        pixels = self.pixels().astype(int)
        spread = pixels[..., :3].max(axis=-1) - pixels[..., :3].min(axis=-1)
        return int(((pixels[..., 3] > 60) & (spread > 40)).sum())

    def view(self) -> tuple[float, float, float, float]:
        """Read x0, x1, y0, y1 from the figure's ranges."""
        code = f"() => {{ const f = {FIGURE}; return [f.x_range.start, f.x_range.end, f.y_range.start, f.y_range.end]; }}"
        x0, x1, y0, y1 = self.page.evaluate(code)
        return x0, x1, y0, y1

    def units_per_pixel(self) -> tuple[float, float]:
        """Say how much of the layout one pixel covers, in x and in y."""
        x0, x1, y0, y1 = self.view()
        width, height = self.page.evaluate(f"() => {{ const f = {FIGURE}; return [f.inner_width, f.inner_height]; }}")
        return (x1 - x0) / width, (y1 - y0) / height

    def box(self) -> dict[str, float]:
        """Where the map is on the page: x, y, width, height in pixels."""
        found = self.page.locator(".map").first.bounding_box()
        assert found
        return {**found}

    def center(self) -> tuple[float, float]:
        """Where the middle of the map is on the page."""
        box = self.box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def place_of(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the layout is on the page, in pixels."""
        x0, x1, y0, y1 = self.view()
        box = self.box()
        return box["x"] + (x - x0) / (x1 - x0) * box["width"], box["y"] + (y1 - y) / (y1 - y0) * box["height"]

    def zoom(self, ticks: int = 3, *, at: tuple[float, float] | None = None) -> None:
        """Turn the wheel over a place of the page; more ticks show less of the map."""
        self.page.mouse.move(*(at or self.center()))
        for _ in range(abs(ticks)):
            self.page.mouse.wheel(0, -120 if ticks > 0 else 120)
            self.page.wait_for_timeout(40)

    def place_of_some_row(self) -> tuple[float, float]:
        """Where on the page a row is, near the middle of the map, once nothing moves on it anymore."""
        self.settle()
        shown = self.pixels()[..., 3] > 200
        rows, columns = np.nonzero(shown)
        height, width = shown.shape
        at = int(np.argmin(np.hypot(rows - height / 2, columns - width / 2)))
        box = self.box()
        return box["x"] + (columns[at] + 0.5) / width * box["width"], box["y"] + (rows[at] + 0.5) / height * box["height"]

    # -- the panels

    def choose(self, label: str, option: str) -> None:
        """Choose from a list by its label."""
        self.select(label).click()
        self.page.locator(".MuiMenu-list").get_by_text(option, exact=True).click()
        self.page.locator(".MuiMenu-list").wait_for(state="detached")

    def options(self, label: str) -> list[str]:
        """What a list offers."""
        self.select(label).click()
        found = self.page.locator(".MuiMenu-list").inner_text().split("\n")
        self.page.keyboard.press("Escape")
        self.page.locator(".MuiMenu-list").wait_for(state="detached")
        return [option for option in found if option.strip()]

    def layouts(self) -> list[str]:
        """What can be put on the first map."""
        group = self.page.get_by_role("group", name="Layout on this map").first
        group.wait_for()
        return group.locator("button, option:not([value=''])").all_inner_texts()

    def show_layout(self, title: str) -> None:
        """Put a layout on the first map, whether there are so few that each has a button, or a list of them."""
        group = self.page.get_by_role("group", name="Layout on this map").first
        group.locator("button, option").filter(has_text=re.compile(f"^{re.escape(title)}$")).first.wait_for(state="attached")
        button = group.get_by_role("button", name=title, exact=True)
        if button.count():
            button.click()
        else:
            group.locator("select").select_option(title)

    def select(self, label: str) -> Locator:
        """Find a list by its label."""
        control = self.page.locator(".MuiFormControl-root:visible").filter(has=self.page.locator("label").get_by_text(label, exact=True))
        return control.get_by_role("combobox")

    def button(self, name: str) -> Locator:
        """Find a button by its name."""
        return self.page.get_by_role("button", name=name)

    def status(self) -> Locator:
        """Find the line that says how many rows are on the map."""
        return self.page.locator(".message.status:visible").filter(has_text=" rows")

    def progress(self) -> Locator:
        """Find the line that says how far the computation is."""
        return self.page.locator(".message.status:visible").filter(has_text="%", has_not_text=" rows")

    def error(self) -> Locator:
        """Find the error that is on screen."""
        return self.page.locator(".message.error:visible")

    def legend(self) -> dict[str, int]:
        """Each category with the count of all its rows, the last number of its line."""
        read = "lines => lines.map(line => [line.querySelector('span').textContent, line.querySelector('b').textContent])"
        lines = self.page.locator(".legend li").evaluate_all(read)  # not what is rendered: while panels are laid out, that may be nothing
        return {name: int(count.rpartition(" ")[2].replace(",", "")) for name, count in lines}

    def neighbors(self) -> list[int]:
        """Row numbers in the inspector's list."""
        found = self.page.locator(".inspector ol li button[data-row]")
        return [int(row) for row in found.evaluate_all("buttons => buttons.map(button => button.dataset.row)")]

    def upload(self, name: str, content: bytes) -> None:
        """Open a file of one's own."""
        self.page.locator("input[type=file]").first.set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )

    def wait_until(self, true: Callable[[], Any], what: str, *, seconds: float = PATIENCE_MS / 1000) -> float:
        """Wait until this is true; returns after how many seconds it was."""
        start = time.monotonic()
        while not true():
            assert time.monotonic() - start < seconds, f"waited {seconds} s in vain: {what}"
            self.page.wait_for_timeout(50)
        return time.monotonic() - start


def new_page(context: BrowserContext, url: str, *, width: int, height: int, scheme: Literal["dark", "light"] = "light") -> Watched:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    watched = Watched(page)
    page.goto(url)
    return watched


@pytest.fixture
def open_page(browser: Browser, context: BrowserContext) -> Iterator[Callable[..., Watched]]:
    """Open pages: ``open_page(url, dark=False, width=1400, height=900)``; every error in a console fails the test at its end.

    Pages share a browser window, in which only the last one answers quickly: ``own_window=True`` for people at the same time.
    """
    opened: list[Watched] = []
    windows: list[BrowserContext] = []

    def open_(url: str, *, dark: bool = False, width: int = 1400, height: int = 900, own_window: bool = False) -> Watched:
        window = context
        if own_window:
            window = new_window(browser)
            windows.append(window)
        opened.append(new_page(window, url, width=width, height=height, scheme="dark" if dark else "light"))
        return opened[-1]

    yield open_
    errors = [error for watched in opened for error in watched.errors]
    for watched in opened:
        watched.page.close()
    for window in windows:
        window.close()
    assert not errors, "the browser's console has errors:\n" + "\n".join(errors)


@pytest.fixture(scope="session")
def _kept() -> list[Watched]:
    return []


@pytest.fixture
def sample_page(context: BrowserContext, server: str, _kept: list[Watched], request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Give a page on the sample that tests share, because opening one takes seconds: 1510 x 820, the whole map, nothing clicked."""
    if not _kept:
        _kept.append(new_page(context, server, width=1510, height=820))
    page, failed = _kept[0], request.session.testsfailed
    page.page.bring_to_front()  # a page behind another one gets a frame a second: a lasso would take a minute
    page.wait_for_picture()
    page.button("Show the whole map").click()
    corner = page.box()
    page.page.mouse.click(corner["x"] + 4, corner["y"] + 4)
    page.settle()
    yield page
    if page.errors or request.session.testsfailed > failed:
        _kept.clear()
        page.page.close()
    assert not page.errors, "the browser's console has errors:\n" + "\n".join(page.errors)
