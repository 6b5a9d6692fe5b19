"""From a wheel tick to the new picture on the screen, in a real browser, beside the textbook way in the same run.

    python benchmarks/zoom.py [--rows 10000000] [--categories 30] [--quick] [--json] [--keep FOLDER]

Ours: ``panel serve explorer``. Textbook: ``panel serve textbook_app.py``, HoloViews' ``datashade`` by category. Each gets the same wheel
ticks from a headless Chromium on this machine, 900x700; the page's own clock says when an event came and when the picture that answers it
was painted. A tick comes 60 to 400 ms after the picture that answered the one before.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from math import cos, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from browser import Probed, chromium, give_way, serving, window
from clusters import clusters_file
from figures import Figure, compared, goal_of, options, told

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

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
PAUSE_S = (0.06, 0.4)
CROWD = 4  # sessions that zoom at the same time
CROWD_PAUSE_S = 0.06  # between the ticks that all of them get in turn
MOVES_A_SECOND = 60
INKED = """canvas => {  // where the picture shows rows, as shares of its width and height
  const {width, height} = canvas, alpha = canvas.getContext("2d").getImageData(0, 0, width, height).data, found = [];
  for (let i = 0; i < width * height; i += 97) if (alpha[4 * i + 3] > 60) found.push([(i % width) / width, Math.floor(i / width) / height]);
  return found;
}"""


@dataclass
class Effort:
    """How much is measured."""

    ticks: int
    peer_ticks: int
    hovers: int
    loads: int
    drag_s: float
    crowd_s: float  # zero: no crowd
    peer_too: bool  # also drags and crowds the textbook


QUICK = Effort(ticks=12, peer_ticks=3, hovers=8, loads=1, drag_s=2, crowd_s=0, peer_too=False)
FULL = Effort(ticks=100, peer_ticks=20, hovers=40, loads=5, drag_s=3, crowd_s=10, peer_too=True)


class Crowd(NamedTuple):
    """What several people at once led to: 99th percentiles of the event loop's lag, and pictures painted a second on each page.

    ``pressed`` is with browsers that compete with the server for this machine.
    """

    lag: float
    pressed: float
    painted: float


@dataclass
class Seen:
    """What was measured with one app: times in milliseconds, sizes in bytes."""

    opened: float = 0.0
    ticks: list[dict[str, float]] = field(default_factory=list)
    drag: dict[str, float] = field(default_factory=dict)
    hovers: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    moving: list[int] = field(default_factory=list)
    rest: list[int] = field(default_factory=list)
    crowd: Crowd | None = None


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
        ours, peer = asyncio.run(both(file, Path(scratch) / "store", effort))
        figures = compare(ours, peer, rows)
    heading = f"{rows:,} rows, {given.categories} categories, {WIDTH}x{HEIGHT}, headless Chromium; peer: {PEER}"
    print(told(figures, heading=heading, as_json=given.json))
    return 0


async def both(file: Path, store: Path, effort: Effort) -> tuple[Seen, Seen]:
    """Measure both apps with one browser."""
    async with chromium() as browser:
        return await explorer_app(browser, file, store, effort), await textbook_app(browser, file, effort)


async def explorer_app(browser: Browser, file: Path, store: Path, effort: Effort) -> Seen:
    """Measure Explorer as ``panel serve`` runs it; the file is one of its catalog."""
    seen = Seen()
    with serving(HERE.parent / "explorer", EXPLORER_STORE=str(store), EXPLORER_DATA=str(file.parent)) as address:
        app = App(browser, address, f"/explorer?dataset={file.stem}", picture=".map")
        async with app.opened() as page:
            seen.opened = await page.ask("first")
            await page.fit(WIDTH, HEIGHT)
            await page.ask("bytes")
            seen.ticks = await zoomed(page, effort.ticks)
            seen.moving, seen.rest = sizes(await page.ask("bytes"))
            seen.drag = await dragged(page, effort.drag_s)
            seen.hovers = await hovered(page, effort.hovers)
            await app.loaded(page)  # the server has the file open, and draws the picture that a page comes with
            seen.loads, seen.ready = map(list, zip(*[await app.loaded(page) for _ in range(effort.loads)], strict=True))
        if effort.crowd_s:
            seen.crowd = await app.crowded(effort.crowd_s)
    return seen


async def textbook_app(browser: Browser, file: Path, effort: Effort) -> Seen:
    """Measure the textbook way."""
    seen = Seen()
    with serving(HERE / "textbook_app.py", "--args", str(file)) as address:
        app = App(browser, address, "/textbook_app", picture=".bk-Canvas", follow=True)
        async with app.opened() as page:
            seen.opened = await page.ask("first")
            await page.page.wait_for_timeout(2_000)  # its second first picture
            await page.ask("bytes")
            seen.ticks = await zoomed(page, effort.peer_ticks)
            seen.moving = [came["size"] for came in await page.ask("bytes") if came["size"] > WIDTH * HEIGHT]
            if effort.peer_too:
                seen.drag = await dragged(page, effort.drag_s)
            seen.loads, seen.ready = map(list, zip(*[await app.loaded(page) for _ in range(effort.loads)], strict=True))
        if effort.peer_too:
            seen.crowd = await app.crowded(effort.crowd_s)
    return seen


@dataclass
class App:
    """A served app, in a browser."""

    browser: Browser
    address: str
    path: str
    picture: str
    follow: bool = False

    async def page(self, context: BrowserContext) -> Probed:
        """Open the app in a window."""
        return await Probed.open(context, self.address + self.path, picture=self.picture, follow=self.follow)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Probed]:
        """Open the app in a window of its own."""
        context = await window(self.browser)
        yield await self.page(context)
        await context.close()

    async def loaded(self, beside: Probed) -> tuple[float, float]:
        """Open the app again, in the same window, which has its scripts; milliseconds until the map is seen, and until it answers."""
        again = await self.page(beside.page.context)
        took = await again.ask("seen"), await again.ask("first")
        await again.page.close()
        return took

    async def crowded(self, seconds: float) -> Crowd:
        """Let several people zoom at once: with browsers that take what they can get, then with ones that leave the server its time."""
        async with chromium() as browser:
            contexts = [await window(browser) for _ in range(CROWD)]
            pages = [await self.page(context) for context in contexts]
            for page in pages:
                await page.ask("first")
                await page.page.mouse.move(*await page.center())
            self.lag()  # it begins to look
            await asyncio.sleep(2)
            pressed, _ = await self.turned(pages, seconds)
            give_way()
            late, painted = await self.turned(pages, seconds)
        return Crowd(late["p99"], pressed["p99"], painted)

    async def turned(self, pages: list[Probed], seconds: float) -> tuple[dict[str, float], float]:
        """Turn the wheel on all pages; how late the event loop came meanwhile, and pictures painted a second on each page."""
        self.lag()
        before, start, turning = [await page.ask("count") for page in pages], time.perf_counter(), []
        for turn, (tick, page) in enumerate((tick, page) for tick in wheel_ticks(IN) for page in pages):
            turning.append(asyncio.create_task(page.page.mouse.wheel(0, tick)))
            await asyncio.sleep(max(0.0, turn * CROWD_PAUSE_S + start - time.perf_counter()))
            if time.perf_counter() - start > seconds:
                break
        late, took = self.lag(), time.perf_counter() - start
        await asyncio.gather(*turning)
        painted = [await page.ask("count") - count for page, count in zip(pages, before, strict=True)]
        return late, sum(painted) / CROWD / took

    def lag(self) -> dict[str, float]:
        """Ask the server how late its event loop came since the last question."""
        with urllib.request.urlopen(f"{self.address}/lag", timeout=60) as answer:
            return dict(json.load(answer))


def sizes(came: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """Say how many bytes the pictures of Explorer had: in motion, and at rest, which may come in pieces."""
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for each in came:
        if each["moving"] is not None:
            kind = found[0 if each["moving"] else 1]
            kind[each["push"]] = kind.get(each["push"], 0) + each["size"]
    return [*found[0].values()], [*found[1].values()]


def wheel_ticks(turns: int) -> Iterator[int]:
    """Give ticks of the wheel: so many into the map, as many out again, and so on."""
    return cycle([-TICK] * turns + [TICK] * turns)


async def zoomed(page: Probed, ticks: int) -> list[dict[str, float]]:
    """Turn the wheel, a tick each time that the picture is there; what came when, in the page's milliseconds."""
    await page.page.mouse.move(*await page.center())
    await asyncio.sleep(0.5)
    chance = random.Random(0)
    found = []
    for tick in islice(wheel_ticks(min(IN, ticks // 2)), ticks):
        await page.page.mouse.wheel(0, tick)
        found.append(await page.ask("answer"))
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    return found


async def dragged(page: Probed, seconds: float) -> dict[str, float]:
    """Drag the map in a circle, with small moves that wait for nothing, as a hand's; pictures, moves and seconds by the page's clock."""
    mouse, (x, y), radius = page.page.mouse, await page.center(), 120.0
    await asyncio.sleep(1)
    await mouse.move(x + radius, y)
    await mouse.down()
    start, moving = time.perf_counter(), []
    for move in range(round(seconds * MOVES_A_SECOND)):
        angle = 2 * move / MOVES_A_SECOND
        moving.append(asyncio.create_task(mouse.move(x + radius * cos(angle), y + radius * sin(angle))))
        await asyncio.sleep(max(0.0, move / MOVES_A_SECOND + start - time.perf_counter()))
    await asyncio.gather(*moving)
    await mouse.up()
    await asyncio.sleep(1)
    return dict(await page.ask("drag"))


async def hovered(page: Probed, places: int) -> list[float]:
    """Move the pointer to places with rows, one at a time; milliseconds until the card of the row was painted."""
    await page.ask("rest")
    chance, box = random.Random(0), await page.box()
    inked = await page.page.locator("canvas.picture").evaluate(INKED)
    found = []
    for x, y in chance.sample(inked, places):
        await page.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        found.append(await page.ask("hover"))
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    return [took for took in found if took]  # zero: the same row again


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
    add("  until its map answers", percentile(ours.ready, 50), "ms", percentile(peer.ready, 50))
    add("  the first page: file not open, browser without scripts", ours.opened, "ms", peer.opened)
    add("a picture in motion", percentile(ours.moving, 50) / 1e3, "kB", percentile(peer.moving, 50) / 1e3)
    add("a picture in motion, largest", max(ours.moving) / 1e3, "kB")
    add("a picture at rest", percentile(ours.rest, 50) / 1e3, "kB")
    if ours.crowd is not None:
        other = peer.crowd
        add("event loop lag while four sessions zoom, p99", ours.crowd.lag, "ms", other and other.lag)
        add("  the same, the browsers compete with the server", ours.crowd.pressed, "ms", other and other.pressed)
        add("  pictures painted a second on each of the four pages", ours.crowd.painted, "/s", other and other.painted)
    return figures


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; not a number where nothing was measured."""
    return float(np.percentile(values, share)) if values else float("nan")


if __name__ == "__main__":
    sys.exit(main())
