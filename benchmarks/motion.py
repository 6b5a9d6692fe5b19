"""From one layout to another, in a real browser: pictures painted a second, how soon the first one moves, the scrubber, bytes, alignment.

    python benchmarks/motion.py [--rows 1000000] [--categories 30] [--quick] [--json] [--keep FOLDER]

``panel serve explorer`` on clusters with two layouts, a headless Chromium on this machine, 900x700; times are the page's own. A toggle is
the key for the next layout; the first ones are not counted, as both layouts are opened and aligned then. Peers in the same run: of the
toggle, the textbook way to show another layout, HoloViews' ``datashade`` of new points, whose one new picture is not a motion at all, so
that its time stands beside that of our first moved picture; of the alignment, ``scipy.spatial.procrustes``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from browser import Probed, chromium, compiled, serving, window
from figures import Figure, compared, goal_of, options, told
from linked_rows import PAIRS, paired_file

from explorer.compute.alignment import align, warm

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 900, 700
WORDNET, SMALL, LARGE = 117_659, 1_000_000, 10_000_000
GOALS: dict[str, dict[int, float]] = {  # up to so many rows
    "pictures painted a second during a toggle": {SMALL: 45, LARGE: 30},
    "control pressed -> first moved picture": {WORDNET: 120, SMALL: 150, LARGE: 250},
    "scrubber moved -> picture": {WORDNET: 80, SMALL: 100, LARGE: 200},
    "alignment of two layouts": {WORDNET: 50, SMALL: 300, LARGE: 3_000},
    "sent to the browser for one toggle": {LARGE: 6.0},
}
SETTLE_MS = 1_500  # after a toggle, until the next one
STEPS = 40  # of the scrubber, from one end to the other
STEP_MS = 80


@dataclass
class Seen:
    """What was measured: pictures a second, milliseconds, megabytes; one value a toggle or move of the scrubber."""

    rates: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    longest: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    scrubs: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the data is made, and found again by the next run")
    given = parser.parse_args()
    rows = min(given.rows, 200_000) if given.quick else given.rows
    toggles = 4 if given.quick else 12
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        file = paired_file(folder, rows, given.categories)
        figures = [alignment(file)]
        figures += told_of(asyncio.run(measured(file, Path(scratch) / "store", toggles)))
    for figure in figures:
        figure.rows = rows
        figure.goal = goal_of(GOALS.get(figure.figure, {}), rows)
        compared(figure, at_least=figure.unit == "/s")
    print(told(figures, heading=f"{rows:,} rows, {given.categories} categories, {WIDTH}x{HEIGHT}, headless Chromium", as_json=given.json))
    return 0


def alignment(file: Path) -> Figure:
    """Align the file's two layouts."""
    from scipy.spatial import procrustes

    columns = pq.read_table(file, columns=[name for pair in PAIRS for name in pair])
    first, second = (np.stack([columns.column(name).to_numpy() for name in pair], axis=1) for pair in PAIRS)
    warm()
    return Figure(
        "alignment of two layouts",
        milliseconds(lambda: align(second, first)),
        "ms",
        peer=milliseconds(lambda: procrustes(first, second)),
        peer_name="scipy.spatial.procrustes",
    )


def milliseconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Time it; the median."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - start))
    return float(np.median(took))


async def measured(file: Path, store: Path, toggles: int) -> Seen:
    """Toggle between the two layouts, then move the scrubber."""
    seen = Seen()
    async with chromium() as browser:
        with serving(HERE.parent / "explorer", EXPLORER_STORE=str(store), EXPLORER_DATA=str(file.parent)) as address:
            await look(browser, f"{address}/explorer?dataset={file.stem}", seen, toggles)
    return seen


async def look(browser: Browser, url: str, seen: Seen, toggles: int) -> None:
    """Do it on one page."""
    context = await window(browser)
    page = await Probed.open(context, url, picture=".map", follow=False)
    await page.ask("first")
    await page.fit(WIDTH, HEIGHT)
    await page.page.mouse.move(*await page.center())
    await compiled()
    for turn in range(toggles + 2):
        await page.ask("bytes")
        await page.page.keyboard.press("n")
        await page.page.wait_for_timeout(SETTLE_MS + (6_000 if turn < 2 else 0))  # noqa: PLR2004  # both were shown once
        await page.ask("rest")
        if turn > 1:
            note(seen, await page.ask("traveled"), await page.ask("bytes"))
    slider = page.page.locator("input.slider").first
    box = await slider.bounding_box()
    if box is None:
        message = "there is no scrubber on the page"
        raise RuntimeError(message)
    y, margin = box["y"] + box["height"] / 2, 8  # half of the knob
    ends = box["x"] + margin, box["x"] + box["width"] - margin
    await page.page.mouse.move(ends[1], y)
    await page.page.mouse.down()
    for step in range(STEPS):
        await page.page.mouse.move(ends[1] - (ends[1] - ends[0]) * step / STEPS, y)
        await page.page.wait_for_timeout(STEP_MS)
    await page.page.mouse.up()
    await page.page.wait_for_timeout(SETTLE_MS)
    seen.scrubs += [took for took in await page.ask("scrubbed") if took is not None]
    await context.close()


def note(seen: Seen, traveled: dict, came: list[dict]) -> None:
    """Note one toggle."""
    moving = [painted["at"] for painted in traveled["pictures"] if painted["t"] not in ("", "0") and painted["rest"] == "false"]
    if len(moving) < 2:  # noqa: PLR2004
        message = "a toggle showed no pictures in motion"
        raise RuntimeError(message)
    seconds = (moving[-1] - moving[0]) / 1e3
    seen.rates.append((len(moving) - 1) / seconds)
    seen.firsts.append(moving[0] - traveled["key"])
    seen.longest.append(max(later - earlier for earlier, later in pairwise(moving)))
    seen.seconds.append(seconds)
    seen.sent.append(sum(each["size"] for each in came) / 1e6)


def told_of(seen: Seen) -> list[Figure]:
    """Sum up; medians, but for what is said."""
    return [
        Figure("pictures painted a second during a toggle", float(np.median(seen.rates)), "/s"),
        Figure("  the slowest toggle", min(seen.rates), "/s"),
        Figure("  the longest time without a new picture", float(np.median(seen.longest)), "ms"),
        Figure("  seconds in motion", float(np.median(seen.seconds)), "s"),
        Figure("control pressed -> first moved picture", float(np.median(seen.firsts)), "ms"),
        Figure("  the slowest", max(seen.firsts), "ms"),
        Figure("scrubber moved -> picture", float(np.median(seen.scrubs)), "ms"),
        Figure("  95th percentile", float(np.percentile(seen.scrubs, 95)), "ms"),
        Figure("sent to the browser for one toggle", float(np.median(seen.sent)), "MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
