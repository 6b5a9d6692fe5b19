"""A cloud of three dimensions that turns, in a real browser: pictures painted a second while it turns by itself and under the pointer.

    python benchmarks/turning.py [--rows 1000000] [--categories 30] [--quick] [--json] [--keep FOLDER]

``panel serve explorer`` on clusters in space, a headless Chromium on this machine, 900x700; times are the page's own. The peer is the
textbook picture of ``rotate.py``, on the server alone and in the same run: no page can show more of them a second than are made.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from browser import Probed, chromium, compiled, serving, window
from figures import Figure, compared, goal_of, median, options, told
from rotate import GOALS, PEER, Textbook, clusters_in

from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.palette import Palette

if TYPE_CHECKING:
    from playwright.async_api import Page

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 900, 700
SECONDS = 6
SETTLE_MS = 2_000
STEP_MS = 16  # between two moves of the pointer


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the data is made, and found again by the next run")
    given = parser.parse_args()
    rows = min(given.rows, 200_000) if given.quick else given.rows
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        file = space_file(folder, rows, given.categories)
        figures = asyncio.run(measured(file, Path(scratch) / "store", 1 if given.quick else 3))
    peer = 1e3 / textbook(rows, given.categories)
    for figure in figures:
        figure.rows = rows
        if figure.unit == "/s":
            figure.goal, figure.peer, figure.peer_name = goal_of(GOALS, rows), peer, PEER
            compared(figure, at_least=True)
    print(told(figures, heading=f"{rows:,} rows, {given.categories} categories, {WIDTH}x{HEIGHT}, headless Chromium", as_json=given.json))
    return 0


def space_file(folder: Path, rows: int, categories: int) -> Path:
    """Write clusters in space as Parquet, unless the file is there from before."""
    path = folder / f"space-{rows}-{categories}.parquet"
    if not path.exists():
        places, codes, names = clusters_in(3, rows, categories)
        category = pa.DictionaryArray.from_arrays(pa.array(codes), names)
        pq.write_table(pa.table({**dict(zip("xyz", places.T, strict=True)), "category": category}), path)
    return path


def textbook(rows: int, categories: int) -> float:
    """Time the textbook's picture, in milliseconds."""
    places, codes, names = clusters_in(3, rows, categories)
    drawn = Textbook(places, codes, names, Palette.of(names).colors, Cloud.build(places))
    around = (Camera.facing(3).spun(0.03 * turn) for turn in count())
    return median(lambda: drawn.drawn(next(around)), 3)


async def measured(file: Path, store: Path, repeats: int) -> list[Figure]:
    """Let it turn by itself, then by hand."""
    async with chromium() as browser:
        with serving(HERE.parent / "explorer", EXPLORER_STORE=str(store), EXPLORER_DATA=str(file.parent)) as address:
            probed = await Probed.open(await window(browser), f"{address}/explorer?dataset={file.stem}", picture=".map")
            await probed.ask("first")
            await probed.fit(WIDTH, HEIGHT)
            page = probed.page
            await page.mouse.move(*await probed.center())
            await compiled()
            spun, dragged = [], []
            for turn in range(repeats + 1):
                one, other = await spin(page), await drag(page, *await probed.center())
                if turn:  # the first ones load what the next ones have
                    spun.append(one)
                    dragged.append(other)
    return [*said("turning by itself", spun), *said("turned by hand", dragged)]


async def spin(page: Page) -> list[float]:
    """Have it turn by itself; the times at which pictures were painted."""
    await page.keyboard.press("r")
    await page.wait_for_timeout(1e3 * SECONDS)
    found = await moved(page)
    await page.keyboard.press("r")
    await page.wait_for_timeout(SETTLE_MS)
    return found


async def drag(page: Page, x: float, y: float) -> list[float]:
    """Turn it by hand; the times at which pictures were painted."""
    await page.keyboard.press("Control")  # what is painted from here on counts
    await page.mouse.move(x, y)
    await page.mouse.down()
    await asyncio.gather(*await waved(page, x, y))
    found = await moved(page)
    await page.mouse.up()
    await page.wait_for_timeout(SETTLE_MS)
    return found


async def waved(page: Page, x: float, y: float) -> list[asyncio.Task[Any]]:
    """Move the pointer as often as a mouse says where it is, whether or not the page has time: awaited, half as many moves come."""
    devtools = await page.context.new_cdp_session(page)
    begun, said = time.perf_counter(), []
    for ms in range(0, 1000 * SECONDS, STEP_MS):
        await asyncio.sleep(max(0.0, begun + ms / 1e3 - time.perf_counter()))
        place = {"x": x + 200 * np.sin(ms / 1280), "y": y + 60 * np.sin(ms / 736)}
        event = {"type": "mouseMoved", "button": "left", "buttons": 1, **place}
        said.append(asyncio.create_task(devtools.send("Input.dispatchMouseEvent", event)))
    return said


async def moved(page: Page) -> list[float]:
    """Say when pictures in motion were painted since the last key."""
    seen = await page.evaluate("() => probe.traveled().pictures")
    found = [float(painted["at"]) for painted in seen if painted["rest"] == "false"]
    if len(found) < 2:  # noqa: PLR2004
        message = "nothing turned"
        raise RuntimeError(message)
    return found


def said(what: str, runs: list[list[float]]) -> list[Figure]:
    """Sum up; medians."""
    rates = [(len(at) - 1) / (at[-1] - at[0]) * 1e3 for at in runs]
    longest = [max(later - earlier for earlier, later in pairwise(at)) for at in runs]
    return [
        Figure(f"pictures painted a second, {what}", float(np.median(rates)), "/s"),
        Figure("  the longest time without a new one", float(np.median(longest)), "ms"),
    ]


if __name__ == "__main__":
    sys.exit(main())
