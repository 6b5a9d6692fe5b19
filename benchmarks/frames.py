"""Time of one picture on the server, beside the textbook way in the same run.

    python benchmarks/frames.py [--rows 10000000] [--categories 30] [--quick] [--json]

Ours: rows in Z-order, one fused kernel, a JPEG. Textbook: ``Canvas.points(by(category))`` and ``tf.shade``, what HoloViews' ``datashade``
runs for each zoom, without any encoding. One thread, 900x700. Ours also draws with a mask, with row ids, every tenth row, and without loss.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
from clusters import clusters
from figures import Figure, compared, goal_of, options, told

from explorer.render.color import ByCategory, RowMask
from explorer.render.encode import encode_jpeg, encode_lossless
from explorer.render.frame import Frame, FrameRequest, render, warm
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization
from explorer.render.palette import Palette
from explorer.render.view import View

WIDTH, HEIGHT = 900, 700
LIGHT = "#ffffff"
PEER = "Canvas.points(by) + tf.shade"
GOALS = {  # milliseconds, up to so many rows
    "whole map, encoded": {1_000_000: 12.0, 10_000_000: 40.0},
    "4 % of the map, encoded": {1_000_000: 5.0, 10_000_000: 15.0},
}
SELECTED = 0.3  # share of the rows that the mask selects
MASKED_GOAL = 1.3  # times the picture without a mask


def main() -> int:
    """Measure and print."""
    given = options(__doc__ or "").parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    figures = measure(rows, given.categories, 7 if given.quick else 25)
    print(told(figures, heading=f"{rows:,} rows, {WIDTH}x{HEIGHT}, one thread; peer: {PEER}", as_json=given.json))
    return 0


def measure(rows: int, categories: int, repeats: int) -> list[Figure]:
    """Measure everything at so many rows."""
    xy, codes, names, centers = clusters(rows, categories)
    palette = Palette.of(names)
    start = time.perf_counter()
    warm()
    figures = [Figure("warm up, kernels compiled or loaded", (time.perf_counter() - start) * 1e3, "ms")]
    start = time.perf_counter()
    index = LayoutIndex.build(xy)
    figures.append(Figure("layout index built", (time.perf_counter() - start) * 1e3, "ms"))
    request = partial(
        FrameRequest, index=index, width=WIDTH, height=HEIGHT, color=ByCategory.of(index, palette.slots(codes), palette.lut),
        normalization=Normalization.of(index),
    )  # fmt: skip
    home, mask = index.home.fitted(WIDTH, HEIGHT), RowMask.of(index, np.random.default_rng(1).random(rows) < SELECTED)
    zoom = around(home, *centers[0], share=0.04)
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "category": pd.Categorical.from_codes(codes, names)})
    textbook = partial(datashaded, frame, palette.colors)

    whole = paired(lambda: jpeg(render(request(view=home))), lambda: jpeg(render(request(view=home, selected=mask))), repeats)
    near = paired(lambda: jpeg(render(request(view=zoom))), lambda: jpeg(render(request(view=zoom, selected=mask))), repeats)
    few = max(2, repeats // 5)
    for name, (ours, masked), view in (("whole map, encoded", whole, home), ("4 % of the map, encoded", near, zoom)):
        figures.append(compared(Figure(name, ours, "ms", goal_of(GOALS[name], rows), median(partial(textbook, view), few), PEER)))
        place = name.removesuffix(", encoded")
        figures.append(compared(Figure(f"{place}, a mask of {SELECTED:.0%}: times the one without", masked / ours, "x", MASKED_GOAL)))
    for name, draw in (
        ("whole map, drawn only", lambda: render(request(view=home))),
        ("whole map, drawn with row ids", lambda: render(request(view=home, row_ids=True))),
        ("whole map, every 10th row, encoded", lambda: jpeg(render(request(view=home, step=10)))),
        ("whole map, without loss, row ids", lambda: encode_lossless(render(request(view=home, row_ids=True)))),
    ):
        figures.append(Figure(name, median(draw, repeats), "ms"))
    at_home = render(request(view=home))
    figures += [Figure("JPEG", len(jpeg(at_home)) / 1e3, "kB"), Figure("without loss", len(encode_lossless(at_home)) / 1e3, "kB")]
    for figure in figures:
        figure.rows = rows
    return figures


def jpeg(frame: Frame) -> bytes:
    """Encode as the picture in motion is."""
    return encode_jpeg(frame)


def datashaded(frame: pd.DataFrame, colors: Mapping[str, str], view: View) -> object:
    """Draw the textbook way."""
    canvas = ds.Canvas(WIDTH, HEIGHT, x_range=view[:2], y_range=view[2:])
    return tf.shade(canvas.points(frame, "x", "y", ds.by("category", ds.count())), color_key=colors, how="log")


def around(home: View, x: float, y: float, *, share: float) -> View:
    """Return the view of so much of the map's area around a place."""
    half_x, half_y = (side * share**0.5 / 2 for side in home.span)
    return View(x - half_x, x + half_x, y - half_y, y + half_y)


def median(run: Callable[[], object], repeats: int) -> float:
    """Time a function, in milliseconds, after one run that does not count."""
    return paired(run, lambda: None, repeats)[0]


def paired(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Time two functions in turns, so that a noisy machine is as noisy to both."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for run, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            run()
            if turn:
                kept.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times[0])), float(np.median(times[1]))


if __name__ == "__main__":
    sys.exit(main())
