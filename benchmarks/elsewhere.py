"""Time of one picture of rows that stay in Parquet parts, added up by Datashader in Dask's threads, beside the index in memory.

    python benchmarks/elsewhere.py [--rows 10000000] [--categories 30] [--part-rows 500000] [--quick] [--json]

900x700 at rest, row numbers noted, drawn only; the peer is the same picture of the memory-mapped index, which it equals pixel for pixel.
Looking a frame over comes first; its peer is building the index. Memory is this process's own, beyond what it had before.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd
import psutil
from clusters import clusters
from figures import Figure, compared, median, options, told

from explorer.frame_scene import Look, surveyed
from explorer.picture import PictureRequest, draw
from explorer.render.color import ByCategory, ByNumber, Color
from explorer.render.dask_survey import columns_of
from explorer.render.frame import FrameRequest, render, warm
from explorer.render.layout_index import LayoutIndex
from explorer.render.view import View

WIDTH, HEIGHT = 900, 700
PEER = "index in memory"
KINDS = {None: "density", "category": "category", "number": "mean of a number"}


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--part-rows", type=int, default=500_000)
    given = parser.parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    warm()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), rows, given.categories, given.part_rows, 3 if given.quick else 5)
    heading = f"{rows:,} rows in parts of {given.part_rows:,}, {WIDTH}x{HEIGHT}, Dask's threads; peer: {PEER}"
    print(told(figures, heading=heading, as_json=given.json))
    return 0


def measure(folder: Path, rows: int, categories: int, part_rows: int, repeats: int) -> list[Figure]:
    """Measure everything at so many rows."""
    xy, codes, names, centers = clusters(rows, categories)
    number = (xy[:, 0] + np.random.default_rng(1).standard_normal(rows, dtype=np.float32)).round(2)
    for i, start in enumerate(range(0, rows, part_rows)):
        part = slice(start, start + part_rows)
        text = np.array(names, object)[codes[part]]
        frame = pd.DataFrame({"x": xy[part, 0], "y": xy[part, 1], "category": text, "number": number[part], "text": text})
        frame.to_parquet(folder / f"part.{i}.parquet")
    figures = []
    began = time.perf_counter()
    index = LayoutIndex.build(xy)
    built = time.perf_counter() - began
    for column, kind in KINDS.items():
        lazy = dd.read_parquet(folder)
        looked: list[float] = []

        def look(lazy: dd.DataFrame = lazy, column: str | None = column, looked: list[float] = looked) -> object:
            start = time.perf_counter()
            made = surveyed(lazy, columns_of(lazy, "x", "y", column), Look())
            looked.append(time.perf_counter() - start)
            return made

        most, made = peak_of(look)
        figures += [
            Figure(f"{kind}: looked over once", looked[0] * 1e3, "ms", None, built * 1e3, PEER),
            Figure("  memory", most / 1e6, "MB"),
        ]
        home = made.every_row.home.fitted(WIDTH, HEIGHT)
        color = made.every_row.color
        here: Color = color
        if isinstance(color, ByCategory):
            here = ByCategory.of(index, np.asarray(made.found.names).searchsorted(np.array(names))[codes].astype(np.uint8), color.lut)
        elif isinstance(color, ByNumber):
            here = ByNumber.of(index, number, low=color.low, high=color.high, lut=color.lut)
        for place, view in (
            ("whole map", home),
            ("4 % of the map", around(home, *centers[0], share=0.04)),
            ("few rows", near(home, xy[0])),
        ):
            request = made.every_row.request(view, WIDTH, HEIGHT, row_ids=True)
            same = FrameRequest(
                index=index, view=view, width=WIDTH, height=HEIGHT, color=here, normalization=request.normalization, row_ids=True
            )  # fmt: skip
            most, ours = peak_of(lambda request=request: render(request))
            assert kind == "mean of a number" or np.array_equal(ours.rgba, render(same).rgba), "the pictures differ"
            figures.append(
                compared(
                    Figure(
                        f"  {place}",
                        median(lambda r=request: render(r), repeats),
                        "ms",
                        None,
                        median(lambda r=same: render(r), repeats),
                        PEER,
                    )
                )
            )
            if place == "whole map":
                figures.append(Figure("  whole map, memory", most / 1e6, "MB"))
        asked = PictureRequest("", 1, home, WIDTH, HEIGHT, 1.0, moving=True, background="#ffffff")
        figures.append(
            Figure("  whole map in motion: the sample, encoded", median(lambda m=made, a=asked: draw(m.sample, a), repeats), "ms")
        )
    for figure in figures:
        figure.rows = rows
    return figures


def around(home: View, x: float, y: float, *, share: float) -> View:
    """Return the view of so much of the map's area around a place."""
    half_x, half_y = (side * share**0.5 / 2 for side in home.span)
    return View(x - half_x, x + half_x, y - half_y, y + half_y)


def near(home: View, place: np.ndarray) -> View:
    """Return a view so small that rows are discs."""
    return around(home, float(place[0]), float(place[1]), share=2e-5)


def peak_of(run: Callable[[], object]) -> tuple[float, object]:
    """Run a function; return the most bytes that it added to this process's own memory, sampled every 5 ms, and what it gave."""
    process, done, seen = psutil.Process(), threading.Event(), []
    before = process.memory_full_info().uss

    def watch() -> None:
        while not done.wait(0.005):
            seen.append(process.memory_full_info().uss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        made = run()
    finally:
        done.set()
        watcher.join()
    return max([*seen, before]) - before, made


if __name__ == "__main__":
    sys.exit(main())
