"""From a wheel tick to the new picture on the screen, in a real browser, beside the textbook way in the same run.

    python benchmarks/zoom.py [--rows 10000000] [--categories 30] [--quick] [--json] [--keep FOLDER]

Ours: ``panel serve explorer``. Textbook: ``panel serve textbook_app.py``, HoloViews' ``datashade`` by category. Each gets the same wheel
ticks from a headless Chromium on this machine, 900x700; the page's own clock says when an event came and when the picture that answers it
was painted. A tick comes 60 to 400 ms after the picture that answered the one before.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from math import cos, sin
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from browser import Probed, chromium, serving, window
from clusters import clusters_file
from figures import Figure, compared, goal_of, options, told

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 900, 700
PEER = "datashade(by(category))"
GOALS: dict[str, dict[int, float]] = {  # up to so many rows
    "wheel -> picture painted, p50": {1_000_000: 70, 10_000_000: 100},
    "wheel -> picture painted, p95": {1_000_000: 200, 10_000_000: 250},
    "wheel -> picture painted, p50: times the textbook": {1_000_000: 0.07, 10_000_000: 0.075},
    "pictures painted a second while dragging": {1_000_000: 20, 10_000_000: 15},
    "hover: pointer -> row": {10_000_000: 30},
    "first picture of a page": {1_000_000: 1_500, 10_000_000: 2_000},
    "event loop lag while four sessions zoom, p99": {10_000_000: 30},
    "a picture in motion": {10_000_000: 150},
    "a picture at rest": {10_000_000: 600},
}
IN = 10  # ticks into the map, and as many out again: down to a hundredth of its area
TICK = 120
PAUSE_MS = (60, 400)
CROWD = 4  # sessions that zoom at the same time
CROWD_PAUSE_MS = 50  # between the ticks that all of them get in turn
MOVES_A_SECOND = 60


@dataclass
class Effort:
    """How much is measured."""

    ticks: int
    peer_ticks: int
    hovers: int
    loads: int
    drag_s: float
    crowd_s: float
    peer_too: bool  # also drags and crowds the textbook


QUICK = Effort(ticks=20, peer_ticks=4, hovers=8, loads=2, drag_s=2, crowd_s=4, peer_too=False)
FULL = Effort(ticks=100, peer_ticks=20, hovers=40, loads=5, drag_s=3, crowd_s=10, peer_too=True)


@dataclass
class Seen:
    """What was measured with one app: times in milliseconds, sizes in bytes."""

    opened: float = 0.0
    ticks: list[dict[str, float]] = field(default_factory=list)
    drag: dict[str, float] = field(default_factory=dict)
    hovers: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    moving: list[int] = field(default_factory=list)
    rest: list[int] = field(default_factory=list)
    lag: dict[str, float] = field(default_factory=dict)
    crowd: float = 0.0


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the data is made, and found again by the next run")
    given = parser.parse_args()
    rows = min(given.rows, 200_000) if given.quick else given.rows
    effort = QUICK if given.quick else FULL
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        file = clusters_file(folder, rows, given.categories)
        with chromium() as browser:
            ours = explorer_app(browser, file, Path(scratch) / "store", effort)
            peer = textbook_app(browser, file, effort)
        figures = compare(ours, peer, rows)
    heading = f"{rows:,} rows, {given.categories} categories, {WIDTH}x{HEIGHT}, headless Chromium; peer: {PEER}"
    print(told(figures, heading=heading, as_json=given.json))
    return 0


def explorer_app(browser: Browser, file: Path, store: Path, effort: Effort) -> Seen:
    """Measure Explorer as ``panel serve`` runs it; the file is one of its catalog."""
    seen = Seen()
    environment = {"EXPLORER_STORE": str(store), "EXPLORER_DATA": str(file.parent)}
    with serving(HERE.parent / "explorer", **environment) as address:
        url = f"{address}/explorer?dataset={file.stem}"
        with opened(browser, url, picture=".map") as page:
            seen.opened = page.ask("first")
            page.fit(WIDTH, HEIGHT)
            seen.ticks = zoomed(page, effort.ticks)
            seen.moving, seen.rest = sizes(page)
            seen.drag = dragged(page, effort.drag_s)
            seen.hovers = hovered(page, effort.hovers)
            for _ in range(effort.loads):  # in the same window: the browser knows the scripts, the server has the file open
                again = Probed(page.page.context, url, picture=".map")
                seen.loads.append(again.ask("first"))
                again.close()
        seen.lag, seen.crowd = crowded(browser, address, url, effort.crowd_s, picture=".map")
    return seen


def sizes(page: Probed) -> tuple[list[int], list[int]]:
    """Say how many bytes the pictures of Explorer had since the last question: in motion, and at rest, which may come in pieces."""
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for came in page.ask("bytes"):
        if came["moving"] is not None:
            kind = found[0 if came["moving"] else 1]
            kind[came["push"]] = kind.get(came["push"], 0) + came["size"]
    return [*found[0].values()], [*found[1].values()]


def textbook_app(browser: Browser, file: Path, effort: Effort) -> Seen:
    """Measure the textbook way."""
    seen = Seen()
    with serving(HERE / "textbook_app.py", "--args", str(file)) as address:
        url = f"{address}/textbook_app"
        with opened(browser, url, picture=".bk-Canvas", follow=True) as page:
            seen.opened = page.ask("first")
            page.page.wait_for_timeout(2_000)  # its second first picture
            page.ask("bytes")
            seen.ticks = zoomed(page, effort.peer_ticks)
            seen.moving = [size["size"] for size in page.ask("bytes") if size["size"] > WIDTH * HEIGHT]
            if effort.peer_too:
                seen.drag = dragged(page, effort.drag_s)
            for _ in range(effort.loads):
                again = Probed(page.page.context, url, picture=".bk-Canvas")
                again.ask("follow_image")
                seen.loads.append(again.ask("first"))
                again.close()
        if effort.peer_too:
            seen.lag, seen.crowd = crowded(browser, address, url, effort.crowd_s, picture=".bk-Canvas", follow=True)
    return seen


@contextmanager
def opened(browser: Browser, url: str, *, picture: str, follow: bool = False) -> Iterator[Probed]:
    """Open a page in a window of its own; ``follow`` is for the textbook's page."""
    context = window(browser)
    page = Probed(context, url, picture=picture)
    if follow:
        page.ask("follow_image")
    yield page
    context.close()


def wheel_ticks(turns: int) -> Iterator[int]:
    """Give ticks of the wheel: so many into the map, as many out again, and so on."""
    return cycle([-TICK] * turns + [TICK] * turns)


def zoomed(page: Probed, ticks: int) -> list[dict[str, float]]:
    """Turn the wheel, a tick each time that the picture is there; what came when, in the page's milliseconds."""
    page.page.mouse.move(*page.center())
    page.page.wait_for_timeout(500)
    chance = random.Random(0)
    found = []
    for tick in islice(wheel_ticks(min(IN, ticks // 2)), ticks):
        page.page.mouse.wheel(0, tick)
        found.append(page.ask("answer"))
        page.page.wait_for_timeout(chance.uniform(*PAUSE_MS))
    return found


def dragged(page: Probed, seconds: float) -> dict[str, float]:
    """Drag the map in a circle, with small moves; pictures, moves and seconds by the page's clock."""
    mouse, (x, y), radius = page.page.mouse, page.center(), 120.0
    page.page.wait_for_timeout(1_000)
    mouse.move(x + radius, y)
    mouse.down()
    start = time.perf_counter()
    while (now := time.perf_counter() - start) < seconds:
        mouse.move(x + radius * cos(2 * now), y + radius * sin(2 * now))
        rest = 1 / MOVES_A_SECOND - (time.perf_counter() - start - now)
        if rest > 0:
            time.sleep(rest)
    mouse.up()
    page.page.wait_for_timeout(1_000)
    return dict(page.ask("drag"))


def hovered(page: Probed, places: int) -> list[float]:
    """Move the pointer to places with rows, one at a time; milliseconds until the card of the row was painted."""
    page.ask("rest")
    chance, (x, y) = random.Random(0), page.center()
    found = []
    for _ in range(places):
        page.page.mouse.move(x + chance.uniform(-200, 200), y + chance.uniform(-200, 200))
        found.append(page.ask("hover"))
        page.page.wait_for_timeout(chance.uniform(*PAUSE_MS))
    return [time for time in found if time]  # zero: no row there


def crowded(
    browser: Browser, address: str, url: str, seconds: float, *, picture: str, follow: bool = False
) -> tuple[dict[str, float], float]:
    """Let several people zoom at once; how late the server's event loop came meanwhile, and pictures painted a second on each page."""
    contexts = [window(browser) for _ in range(CROWD)]
    pages = [Probed(context, url, picture=picture) for context in contexts]
    for page in pages:
        if follow:
            page.ask("follow_image")
        page.ask("first")
        page.page.mouse.move(*page.center())
    lag(address)  # it begins to look
    pages[0].page.wait_for_timeout(2_000)
    lag(address)
    before, start = [page.ask("count") for page in pages], time.perf_counter()
    for tick in wheel_ticks(IN):
        if time.perf_counter() - start > seconds:
            break
        for page in pages:
            page.page.mouse.wheel(0, tick)
            page.page.wait_for_timeout(CROWD_PAUSE_MS)
    late, took = lag(address), time.perf_counter() - start
    painted = [page.ask("count") - count for page, count in zip(pages, before, strict=True)]
    for context in contexts:
        context.close()
    return late, sum(painted) / len(painted) / took


def lag(address: str) -> dict[str, float]:
    """Ask a server how late its event loop came since the last question."""
    with urllib.request.urlopen(f"{address}/lag", timeout=60) as answer:
        return dict(json.load(answer))


def compare(ours: Seen, peer: Seen, rows: int) -> list[Figure]:
    """Put both side by side, with the goals."""
    figures: list[Figure] = []

    def add(name: str, value: float, unit: str, other: float | None = None, *, at_least: bool = False) -> None:
        goal = goal_of(GOALS.get(name, {}), rows)
        figures.append(compared(Figure(name, value, unit, goal, other, None if other is None else PEER, rows=rows), at_least=at_least))

    took, theirs = ([tick["painted"] - tick["wheel"] for tick in seen.ticks] for seen in (ours, peer))
    for share in (50, 95):
        add(f"wheel -> picture painted, p{share}", percentile(took, share), "ms", percentile(theirs, share))
    add("wheel -> picture painted, p50: times the textbook", percentile(took, 50) / percentile(theirs, 50), "x")
    for name, start, end in (
        ("asked for", "wheel", "asked"),
        ("on the server and the socket", "asked", "came"),
        ("decoded, painted", "came", "painted"),
    ):
        parts = [tick[end] - tick[start] for tick in ours.ticks if tick[start] is not None and tick[end] is not None]
        if parts:
            add(f"  of that: {name}, p50", percentile(parts, 50), "ms")
    dragging, theirs_dragging = (seen.drag["pictures"] / seen.drag["seconds"] if seen.drag else None for seen in (ours, peer))
    add("pictures painted a second while dragging", dragging or 0.0, "/s", theirs_dragging, at_least=True)
    add("  moves a second that the page got", ours.drag["moves"] / ours.drag["seconds"], "/s")
    add("hover: pointer -> row", percentile(ours.hovers, 50), "ms")
    add("first picture of a page", percentile(ours.loads, 50), "ms", percentile(peer.loads, 50))
    add("first picture of the first page, nothing open, nothing in the browser's cache", ours.opened, "ms", peer.opened)
    add("a picture in motion", percentile(ours.moving, 50) / 1e3, "kB", percentile(peer.moving, 50) / 1e3)
    add("a picture in motion, largest", max(ours.moving) / 1e3, "kB")
    add("a picture at rest", percentile(ours.rest, 50) / 1e3, "kB")
    for name in ("p50", "p99"):
        add(f"event loop lag while four sessions zoom, {name}", ours.lag[name], "ms", peer.lag.get(name))
    add("pictures painted a second on each of four pages", ours.crowd, "/s", peer.crowd if peer.lag else None)
    return figures


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; not a number where nothing was measured."""
    return float(np.percentile(values, share)) if values else float("nan")


if __name__ == "__main__":
    sys.exit(main())
