"""Pictures of a turning cloud on the server, beside the textbook way in the same run.

    python benchmarks/rotate.py [--rows 10000000] [--categories 30] [--quick] [--json]

Ours: rows turned, drawn with depth and encoded as a picture in motion is, of every row or, where they are many, of a fair sample as the
page draws it. Textbook: a NumPy product with the camera, ``Canvas.points(by(category))`` and ``tf.shade``, without depth and without any
encoding. One thread, 900x700. Ours is also drawn of more rows, at rest with row ids, and on a grand tour through ten dimensions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
from figures import Figure, compared, goal_of, median, options, told
from numpy.typing import NDArray

from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.color import ByCategory
from explorer.render.encode import encode_jpeg, encode_lossless
from explorer.render.frame import Frame, FrameRequest, render, warm
from explorer.render.normalization import Normalization
from explorer.render.palette import Palette
from explorer.render.tour import Tour
from explorer.render.view import View

WIDTH, HEIGHT = 900, 700
LIGHT = "#ffffff"
PEER = "NumPy product + Canvas.points(by) + tf.shade"
GOALS = {1_000_000: 30.0, 10_000_000: 20.0}  # pictures a second, up to so many rows
MOVING_ROWS = 400_000  # that the page draws while a cloud turns
MORE_ROWS = 3_000_000
TURN = 0.03  # radians from one picture to the next
TOUR_DIMS = 10
TOUR_ROWS = 1_000_000  # at most


@dataclass(frozen=True, eq=False)
class Stage:
    """A cloud with its colors, made ready as a page does."""

    cloud: Cloud
    color: ByCategory
    normalization: Normalization

    @classmethod
    def of(cls, cloud: Cloud, codes: NDArray[np.int32], palette: Palette) -> Stage:
        """Prepare it; brightness is measured once, from the front."""
        index = cloud.at(Camera.facing(cloud.n_dims))
        return cls(cloud, ByCategory.of(index, palette.slots(codes), palette.lut), Normalization.of(index))

    @property
    def view(self) -> View:
        """The whole."""
        return self.cloud.home.fitted(WIDTH, HEIGHT)

    def drawn(self, camera: Camera, *, row_ids: bool = False) -> Frame:
        """Turn and draw."""
        index, depths = self.cloud.seen(camera)
        return render(
            FrameRequest(
                index=index, view=self.view, width=WIDTH, height=HEIGHT, color=self.color, normalization=self.normalization,
                stands_for=self.cloud.stands_for, depth=depths, row_ids=row_ids, background=None if row_ids else LIGHT,
            )
        )  # fmt: skip


def main() -> int:
    """Measure and print."""
    given = options(__doc__ or "").parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    figures = measure(rows, given.categories, 10 if given.quick else 40)
    print(told(figures, heading=f"{rows:,} rows, {WIDTH}x{HEIGHT}, one thread; peer: {PEER}", as_json=given.json))
    return 0


def measure(rows: int, categories: int, repeats: int) -> list[Figure]:
    """Measure everything at so many rows."""
    places, codes, names = clusters_in(3, rows, categories)
    palette = Palette.of(names)
    warm()
    start = time.perf_counter()
    cloud = Cloud.build(places)
    built = (time.perf_counter() - start) * 1e3
    step = max(1, -(-rows // MOVING_ROWS))
    moving, whole = Stage.of(cloud.sample(step), codes, palette), Stage.of(cloud, codes, palette)
    around = (Camera.facing(3).dragged(0.4, 0.2).spun(TURN * turn) for turn in count())
    textbook = Textbook(places, codes, names, palette.colors, cloud)
    few = max(2, repeats // 10)
    took = median(lambda: encode_jpeg(moving.drawn(next(around))), repeats)
    peer = median(lambda: textbook.drawn(next(around)), few)
    figures = [
        compared(Figure("pictures a second while turning", 1e3 / took, "/s", goal_of(GOALS, rows), 1e3 / peer, PEER), at_least=True),
        compared(Figure("  one picture, encoded", took, "ms", peer=peer, peer_name=PEER)),
        Figure("  of it: rows turned", median(lambda: moving.cloud.seen(next(around)), repeats), "ms"),
        Figure("  turned and drawn", median(lambda: moving.drawn(next(around)), repeats), "ms"),
        Figure("  rows drawn of all", len(moving.cloud) / rows, "x"),
        Figure("  JPEG", len(encode_jpeg(moving.drawn(next(around)))) / 1e3, "kB"),
    ]
    if rows > MORE_ROWS:
        more = Stage.of(cloud.sample(rows // MORE_ROWS), codes, palette)
        figures.append(Figure(f"of {len(more.cloud):,} rows", 1e3 / median(lambda: encode_jpeg(more.drawn(next(around))), repeats), "/s"))
    at_rest = median(lambda: encode_lossless(whole.drawn(next(around), row_ids=True)), few)
    figures += [Figure("at rest: every row, row ids, without loss", at_rest, "ms"), Figure("cloud built, once a layout", built, "ms")]
    if rows <= TOUR_ROWS:
        figures.append(touring(rows, categories, repeats))
    for figure in figures:
        figure.rows = rows
    return figures


def touring(rows: int, categories: int, repeats: int) -> Figure:
    """Go on a tour."""
    places, codes, names = clusters_in(TOUR_DIMS, rows, categories)
    stage = Stage.of(Cloud.build(places).sample(max(1, -(-rows // MOVING_ROWS))), codes, Palette.of(names))
    tour, turns = Tour(TOUR_DIMS), count()
    took = median(lambda: encode_jpeg(stage.drawn(tour.at(next(turns) / 30))), repeats)
    return compared(Figure(f"pictures a second on a tour of {TOUR_DIMS} dimensions", 1e3 / took, "/s", goal_of(GOALS, rows)), at_least=True)


class Textbook:
    """The textbook way."""

    def __init__(
        self, places: NDArray[np.float32], codes: NDArray[np.int32], names: list[str], colors: Mapping[str, str], cloud: Cloud
    ) -> None:
        self.places = places - cloud.center.astype(np.float32)
        self.category = pd.Categorical.from_codes(codes, names)
        self.colors = colors
        half = 1.04 * cloud.radius
        x0, x1, y0, y1 = View(-half, half, -half, half).fitted(WIDTH, HEIGHT)
        self.canvas = ds.Canvas(WIDTH, HEIGHT, x_range=(x0, x1), y_range=(y0, y1))

    def drawn(self, camera: Camera) -> object:
        """Turn and draw."""
        seen = self.places @ camera.basis[:2].T.astype(np.float32)
        frame = pd.DataFrame({"x": seen[:, 0], "y": seen[:, 1], "category": self.category})
        return tf.shade(self.canvas.points(frame, "x", "y", ds.by("category", ds.count())), color_key=self.colors, how="log")


def clusters_in(d: int, rows: int, categories: int) -> tuple[NDArray[np.float32], NDArray[np.int32], list[str]]:
    """Make a normal cloud for each category; always the same ones. Places (rows, d), the category of each, the categories' names."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, categories, rows, dtype=np.int32)
    places = rng.standard_normal((rows, d), dtype=np.float32)
    places += (rng.normal(size=(categories, d)) * 8).astype(np.float32)[codes]
    return places, codes, [f"category {i:03d}" for i in range(categories)]


if __name__ == "__main__":
    sys.exit(main())
