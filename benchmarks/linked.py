"""From a lasso, a brush or a word to everything that it changes on the page, in a real browser, beside ``link_selections`` in the same run.

    python benchmarks/linked.py [--rows 10000000] [--categories 30] [--quick] [--json] [--keep FOLDER]

Ours: ``panel serve explorer`` on a file with two layouts, two maps, the table open below them. Textbook: ``panel serve
linked_textbook.py``, ``link_selections`` on two rasterized ``hv.Points`` of the same rows and the same size, which shows no counts and no
table. Each gets lassos of many sizes and places from a headless Chromium on this machine; without spatialpandas, the textbook
gets boxes, with which it is quicker. The page's own clock says when the button was let go and when all of it was on the screen: whole
pictures, without loss. Of a brush that is let go in motion, the last picture counts. Neighbors are those of rows with a stored graph.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from browser import Probed, chromium, compiled, serving, window
from figures import Figure, compared, goal_of, options, told
from linked_rows import paired_file, vector_file, vocabulary

from explorer import open_dataset
from explorer.jobs.runner import Runner
from explorer.neighborhood import find_neighbors
from explorer.store.store import Store

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1600, 1000  # of the page
LASSO = find_spec("spatialpandas") is not None
PEER = f"link_selections(rasterize), {'lasso' if LASSO else 'box'}"
GOALS: dict[str, dict[int, float]] = {  # up to so many rows
    "lasso -> both maps, status line and table, p95": {1_000_000: 300, 10_000_000: 900},
    "lasso -> …, p50: times the textbook": {1_000_000: 0.15, 10_000_000: 0.1},
    "brush that selects -> both maps, p95": {1_000_000: 250, 10_000_000: 700},
    "brush that filters -> both maps, p95": {1_000_000: 250, 10_000_000: 700},
    "text typed -> counted, p95": {1_000_000: 300, 10_000_000: 2_000},
    "neighbors of a row, stored graph, on the server, p95": {10_000_000: 30},
}
MAPS, IMAGES = ("map 0", "map 1"), ("image 0", "image 1")
UPDATED = (*MAPS, "status", "table")
PAUSE_S = (0.2, 0.6)
QUIET_MS, BRUSH_QUIET_MS, PEER_QUIET_MS = 300, 1_000, 1_000  # after which nothing more is expected
PATIENCE_MS = 120_000
SETTLED_S = 2  # after a page is arranged
VECTOR_ROWS, DIMS, K = 20_000, 64, 30  # so few that their graph is exact
LOOKED_UP = 200  # rows
WORST = 95  # percentile
AXES = 60  # pixels around the textbook's picture
INKED = """canvas => {  // where the picture shows rows, as shares of its width and height
  const {width, height} = canvas, alpha = canvas.getContext("2d").getImageData(0, 0, width, height).data, found = [];
  for (let i = 0; i < width * height; i += 97) if (alpha[4 * i + 3] > 60) found.push([(i % width) / width, Math.floor(i / width) / height]);
  return found;
}"""

Answer = Mapping[str, Mapping[str, Any]]  # what changed -> when it was seen, done, done for the last time
Place = tuple[float, float]


@dataclass
class Effort:
    """How much is measured."""

    lassos: int
    peer_lassos: int
    brushes: int  # of each kind
    acts: tuple[str, ...]  # these kinds
    words: int
    taps: int  # zero: no page of rows with vectors


QUICK = Effort(lassos=4, peer_lassos=2, brushes=2, acts=("select",), words=3, taps=0)
FULL = Effort(lassos=40, peer_lassos=12, brushes=30, acts=("select", "filter"), words=30, taps=30)
PATIENT = Effort(lassos=40, peer_lassos=5, brushes=30, acts=("select", "filter"), words=20, taps=30)  # where the textbook takes long
MANY = 3_000_000
LEAST = 1_000_000  # rows from which the textbook is expected to be so much slower


@dataclass
class Seen:
    """What was measured: answers of the page, and milliseconds on the server."""

    lassos: list[Answer] = field(default_factory=list)
    peer: list[Answer] = field(default_factory=list)
    brushes: dict[str, list[Answer]] = field(default_factory=dict)
    words: list[Answer] = field(default_factory=list)
    taps: list[Answer] = field(default_factory=list)
    looked_up: list[float] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)  # of a map


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the data is made, and found again by the next run")
    given = parser.parse_args()
    rows = min(given.rows, 200_000) if given.quick else given.rows
    effort = QUICK if given.quick else PATIENT if rows > MANY else FULL
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch) / "data"
        folder.mkdir(parents=True, exist_ok=True)
        seen = asyncio.run(measure(given, rows, folder, Path(scratch) / "store", effort))
    figures = compare(seen, rows)
    size = "x".join(map(str, seen.size))
    print(told(figures, heading=f"{rows:,} rows, two maps of {size}, a table, headless Chromium; peer: {PEER}", as_json=given.json))
    return 0


async def measure(given: argparse.Namespace, rows: int, folder: Path, store: Path, effort: Effort) -> Seen:
    """Measure all of it with one browser."""
    seen = Seen()
    file, vectors = paired_file(folder, rows, given.categories), vector_file(folder, VECTOR_ROWS, DIMS)
    storing = asyncio.create_task(asyncio.to_thread(store_graph, vectors, store))
    async with chromium() as browser:
        context = await window(browser, probe="linked_probe.js", width=WIDTH, height=HEIGHT)
        with serving(HERE.parent / "explorer", EXPLORER_STORE=str(store), EXPLORER_DATA=str(folder)) as address:
            await storing
            await linked_maps(context, f"{address}/explorer?dataset={file.stem}", effort, seen)
            if effort.taps:
                await clicked_rows(context, f"{address}/explorer?dataset={vectors.stem}", effort, seen)
        seen.looked_up = looked_up(vectors, store)
        with serving(HERE / "linked_textbook.py", "--args", str(file), *map(str, seen.size)) as address:
            await textbook(context, f"{address}/linked_textbook", effort, seen)
    return seen


def store_graph(file: Path, store: Path) -> None:
    """Store the neighbor graph of a file's rows."""
    jobs = Runner(Store(store))
    jobs.submit_graph(open_dataset(file), k=K, metric="cosine").result()
    jobs.close()


def looked_up(file: Path, store: Path) -> list[float]:
    """Find the neighbors of some rows as a click does: milliseconds."""
    dataset, jobs, took = open_dataset(file), Runner(Store(store)), []
    for row in random.Random(0).sample(range(dataset.n_rows), LOOKED_UP):
        start = time.perf_counter()
        found = find_neighbors(dataset, row, k=K, metric="cosine", jobs=jobs)
        took.append((time.perf_counter() - start) * 1e3)
        assert found is not None
        assert found.found_by == "graph"
    jobs.close()
    return took


async def linked_maps(context: BrowserContext, url: str, effort: Effort, seen: Seen) -> None:
    """Draw lassos, brush and search on Explorer's page."""
    page = await Probed.open(context, url, picture=".map")
    await arranged(page)
    await compiled()
    box = await page.box()
    seen.size = round(box["width"]), round(box["height"])
    inked = [await page.page.locator("canvas.picture").nth(at).evaluate(INKED) for at in range(len(MAPS))]
    chance = random.Random(0)
    await page.page.keyboard.press("v")
    await page.page.locator('.map[data-tool="lasso"]').nth(1).wait_for()
    for turn in range(effort.lassos + 2):
        at = turn % len(MAPS)
        await drag(page, ring(chance, await box_of(page, at), inked[at]))
        answer = await page.ask("since", "pointerup", UPDATED, QUIET_MS, PATIENCE_MS)
        seen.lassos += [answer] if turn > 1 else []  # the first ones compile
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    for act in effort.acts:
        seen.brushes[act] = await brushed(page, act, effort.brushes, chance)
    await page.page.locator(".histogram button[aria-label^=Remove]:visible").click()
    await asyncio.sleep(SETTLED_S)
    seen.words = await searched(page, chance.sample(vocabulary(), effort.words + 1), chance)
    await page.page.close()


async def arranged(page: Probed) -> None:
    """Show two maps and the table."""
    whole = page.page.locator('.map[data-rest="true"]')
    await whole.first.wait_for()
    await page.page.locator("g.bar").first.wait_for()
    await page.page.keyboard.press("2")
    await whole.nth(1).wait_for()
    await page.page.keyboard.press("t")
    await page.page.locator('.table[data-ready="true"]').wait_for()
    await asyncio.sleep(SETTLED_S)
    await whole.nth(1).wait_for()


async def box_of(page: Probed, at: int, selector: str = ".map") -> Mapping[str, float]:
    """Say where a map is on the page: x, y, width, height in pixels."""
    found = await page.page.locator(selector).nth(at).bounding_box()
    assert found is not None
    return {**found}


def ring(chance: random.Random, box: Mapping[str, float], inked: Sequence[Place]) -> list[Place]:
    """Draw a wobbly ring around rows of a map, from the point that is nearest to its middle, where no tool lies above it."""
    width, height = box["width"], box["height"]
    x, y = chance.choice([(x, y) for x, y in inked if 0.15 < x < 0.85 and 0.2 < y < 0.8])  # noqa: PLR2004 - its middle
    radius, wobble, phase = chance.uniform(0.05, 0.45) * min(width, height), chance.uniform(0, 0.4), chance.uniform(0, 2 * pi)
    points = []
    for step in range(48):
        angle = 2 * pi * step / 48
        r = radius * (1 + wobble * sin(3 * angle + phase))
        px, py = x * width + r * cos(angle), y * height + r * sin(angle)
        points.append((box["x"] + min(max(px, 3), width - 3), box["y"] + min(max(py, 3), height - 3)))
    middle = box["x"] + width / 2, box["y"] + height / 2
    first = min(range(48), key=lambda at: abs(points[at][0] - middle[0]) + abs(points[at][1] - middle[1]))
    return points[first:] + points[: first + 1]


async def drag(page: Probed, points: Sequence[Place], *, pause_s: float = 0) -> None:
    """Press, move along points, let go."""
    mouse = page.page.mouse
    await mouse.move(*points[0])
    await mouse.down()
    for point in points[1:]:
        await mouse.move(*point)
        await asyncio.sleep(pause_s)
    await mouse.up()


async def brushed(page: Probed, act: str, times: int, chance: random.Random) -> list[Answer]:
    """Brush the histogram of the numbers at other places."""
    await page.page.locator(f".histograms .acts button[data-act={act}]").click()
    await page.page.locator(f".histograms .acts button[data-act={act}][aria-pressed=true]").wait_for()
    histogram = page.page.locator(".histogram").filter(has=page.page.get_by_text("number", exact=True)).locator("svg")
    await histogram.scroll_into_view_if_needed()
    found = []
    for turn in range(times + 1):
        box = await histogram.bounding_box()
        assert box is not None
        start, width = chance.uniform(0.05, 0.5), chance.uniform(0.15, 0.4)
        y = box["y"] + box["height"] / 2
        await drag(page, [(box["x"] + box["width"] * (start + width * step / 16), y) for step in range(17)], pause_s=0.016)
        answer = await page.ask("since", "pointerup", MAPS, BRUSH_QUIET_MS, PATIENCE_MS)
        found += [answer] if turn else []
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    return found


async def searched(page: Probed, words: Sequence[str], chance: random.Random) -> list[Answer]:
    """Type words into the search, in the column of text."""
    field_of_text = page.page.get_by_label("Search text", exact=True)
    await page.page.get_by_label("Search in column").select_option("text")
    found = []
    for turn, word in enumerate(words):
        await field_of_text.fill("")
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        await page.page.keyboard.type(word, delay=40)
        answer = await page.ask("since", "input", ["found"], QUIET_MS, PATIENCE_MS)
        found += [answer] if turn else []
    return found


async def clicked_rows(context: BrowserContext, url: str, effort: Effort, seen: Seen) -> None:
    """Click rows; until their neighbors are listed."""
    page = await Probed.open(context, url, picture=".map")
    await page.page.locator('.map[data-rest="true"]').nth(1).wait_for()  # the browser remembers how the page was arranged
    await page.page.locator('.table[data-ready="true"]').wait_for()
    await asyncio.sleep(SETTLED_S)
    chance, box = random.Random(0), await page.box()
    inked = [(x, y) for x, y in await page.page.locator("canvas.picture").first.evaluate(INKED) if y > 0.2]  # noqa: PLR2004 - below the tools
    for turn, (x, y) in enumerate(chance.sample(inked, effort.taps + 1)):
        await page.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        answer = await page.ask("since", "pointerup", ["neighbors"], QUIET_MS, PATIENCE_MS)
        seen.taps += [answer] if turn else []
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    await page.page.close()


async def textbook(context: BrowserContext, url: str, effort: Effort, seen: Seen) -> None:
    """Draw such lassos, or boxes, on the textbook's page; until both images changed."""
    page = await Probed.open(context, url, picture=".bk-Canvas")
    await page.page.wait_for_function("() => probe.follow_images()", timeout=PATIENCE_MS)
    await asyncio.sleep(SETTLED_S)  # its second first picture
    chance, everywhere = random.Random(0), [(0.3 + 0.01 * step, 0.4 + 0.005 * step) for step in range(40)]
    for turn in range(effort.peer_lassos + 1):
        box = await box_of(page, turn % len(IMAGES), ".bk-Canvas")
        frame = {"x": box["x"] + AXES, "y": box["y"] + AXES, "width": box["width"] - 2 * AXES, "height": box["height"] - 2 * AXES}
        points = ring(chance, frame, everywhere)
        await drag(page, points if LASSO else [points[0], points[len(points) // 2]])
        answer = await page.ask("since", "pointerup", IMAGES, PEER_QUIET_MS, PATIENCE_MS)
        seen.peer += [answer] if turn else []
        await asyncio.sleep(chance.uniform(*PAUSE_S))
    await page.page.close()


def compare(seen: Seen, rows: int) -> list[Figure]:
    """Put both side by side, with the goals."""
    figures: list[Figure] = []

    def add(name: str, value: float, unit: str = "ms", peer: float | None = None, *, n: int = rows) -> None:
        goal = goal_of(GOALS.get(name, {}), rows) if unit == "ms" or rows >= LEAST else None
        figures.append(compared(Figure(name, value, unit, goal, peer, None if peer is None else PEER, rows=n)))

    lassos, theirs = latest(seen.lassos, UPDATED), latest(seen.peer, IMAGES)
    for share in (50, WORST):
        add(f"lasso -> both maps, status line and table, p{share}", percentile(lassos, share), peer=percentile(theirs, share))
    add("lasso -> …, p50: times the textbook", percentile(lassos, 50) / percentile(theirs, 50), "x")
    for name, parts, moment in (
        ("something of both pictures", MAPS, "seen"),
        ("both maps", MAPS, "done"),
        ("the status line", ("status",), "done"),
        ("the table", ("table",), "done"),
    ):
        add(f"  of that: {name}, p50", percentile(latest(seen.lassos, parts, moment), 50))
    for act, answers in seen.brushes.items():
        for share in (50, WORST):
            add(f"brush that {act}s -> both maps, p{share}", percentile(latest(answers, MAPS, "last"), share))
    for share in (50, WORST):
        add(f"text typed -> counted, p{share}", percentile(latest(seen.words, ("found",), "last"), share))
    for share in (50, WORST):
        add(f"neighbors of a row, stored graph, on the server, p{share}", percentile(seen.looked_up, share), n=VECTOR_ROWS)
        if seen.taps:
            add(f"row clicked -> its neighbors listed, p{share}", percentile(latest(seen.taps, ("neighbors",)), share), n=VECTOR_ROWS)
    return figures


def latest(answers: Sequence[Answer], parts: Sequence[str], moment: str = "done") -> list[float]:
    """Say when the last of some parts of the page changed, in milliseconds, for each answer."""
    return [max(float(answer[part][moment]) for part in parts) for answer in answers]


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile; not a number where nothing was measured."""
    return float(np.percentile(values, share)) if values else float("nan")


if __name__ == "__main__":
    sys.exit(main())
