"""One layout laid over another, and how far each row moved: time, and how right it is where a tenth of the rows are anywhere.

    python benchmarks/alignment.py [--rows 1000000] [--categories 30] [--layouts ONE.npy OTHER.npy] [--quick] [--json]

Clusters, and the same ones turned over, rotated and scaled, each row with some noise, a tenth of the rows scattered over the map; both are
memory-mapped files. The peer is ``scipy.spatial.procrustes``. One thread. With ``--layouts``, two files of coordinates (n, 2) are measured
too: the mean distance between where rows are in both, after the alignment and before. Before is with both centered and of the same root
mean square radius, because their units are not the same; orientations are as they are, which may be right or wrong by chance, so the mean
of all orientations is given as well, and the least that any orientation leaves.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from clusters import clusters
from figures import Figure, compared, goal_of, options, told
from numpy.typing import NDArray
from scipy.spatial import procrustes

from explorer.compute import alignment, displacement
from explorer.compute.alignment import Similarity, align, local_agreement
from explorer.compute.layout_rows import middle_of, z_order

TRUE = Similarity.of(angle=2.5, scale=3, reflected=True, shift=(40, -7))
NOISE = 0.5  # of a cluster's standard deviation
K = 15
GOALS = {
    "align two layouts": {117_659: 50.0, 1_000_000: 300.0, 10_000_000: 3_000.0},
    "displacement, neighbors known": {1_000_000: 1_000.0, 10_000_000: 15_000.0},
    "displacement, along a Z-curve": {1_000_000: 1_000.0, 10_000_000: 15_000.0},
    "mean distance after / before": {10_000_000: 0.5},
}

Places = NDArray[np.float32]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--layouts", nargs=2, type=Path, metavar=("ONE.npy", "OTHER.npy"), help="two layouts of the same rows")
    given = parser.parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    repeats = 3 if given.quick else 7
    alignment.warm()
    displacement.warm()
    moving, fixed, astray = made(rows, given.categories)
    with tempfile.TemporaryDirectory() as folder:
        files = [mapped(Path(folder) / f"{i}.npy", layout) for i, layout in enumerate((moving, fixed))]
        figures = aligned(*files, repeats) + rightness(moving, fixed, astray) + moved(moving, fixed, repeats)
    for figure in figures:
        figure.rows = rows
    if given.layouts:
        figures += [*distances(*(np.load(path, mmap_mode="r") for path in given.layouts))]
    for figure in figures:
        figure.goal = goal_of(GOALS.get(figure.figure, {}), figure.rows)
        compared(figure)
    print(told(figures, heading=f"{rows:,} rows", as_json=given.json))
    return 0


def made(rows: int, categories: int) -> tuple[Places, Places, NDArray[np.intp]]:
    """Clusters, the same ones elsewhere, and which rows are scattered there."""
    moving = clusters(rows, categories).xy
    rng = np.random.default_rng(1)
    fixed = TRUE.apply(moving + np.float32(NOISE) * rng.standard_normal(moving.shape, np.float32))
    astray = rng.choice(rows, rows // 10, replace=False)
    fixed[astray] = rng.uniform(fixed.min(axis=0), fixed.max(axis=0), (len(astray), 2))
    return moving, fixed, astray


def mapped(path: Path, layout: Places) -> Places:
    """Write a layout and map it into memory."""
    np.save(path, layout)
    return np.load(path, mmap_mode="r")


def aligned(moving: Places, fixed: Places, repeats: int) -> list[Figure]:
    """Time what a switch of projections needs."""
    (a, b), (c, d) = TRUE.matrix
    matrix, shift = np.array([[a, c], [b, d]], np.float32), np.array(TRUE.shift, np.float32)
    return [
        Figure(
            "align two layouts",
            timed(lambda: align(moving, fixed), repeats),
            "ms",
            peer=timed(lambda: procrustes(fixed, moving), 3),
            peer_name="scipy.spatial.procrustes",
        ),
        Figure(
            "move a layout",
            timed(lambda: TRUE.apply(moving), repeats),
            "ms",
            peer=timed(lambda: moving @ matrix + shift, 3),
            peer_name="NumPy",
        ),
    ]


def rightness(moving: Places, fixed: Places, astray: NDArray[np.intp]) -> list[Figure]:
    """How far the rows that are not scattered are from where they should be, noise left out, in hundredths of the map's radius."""
    clean = np.ones(len(moving), np.bool_)
    clean[astray] = False
    goals = TRUE.apply(moving).astype(np.float64)
    radius = spread_of(goals)
    _, theirs, _ = procrustes(fixed, moving)
    wide = fixed.astype(np.float64)
    theirs = theirs * np.linalg.norm(wide - wide.mean(axis=0)) + wide.mean(axis=0)
    ours, peer = (
        float(np.hypot(*(places - goals)[clean].T).mean() / radius * 100) for places in (align(moving, fixed).apply(moving), theirs)
    )
    return [Figure("mean error, a tenth of the rows scattered", ours, "%", peer=peer, peer_name="scipy.spatial.procrustes")]


def moved(moving: Places, fixed: Places, repeats: int) -> list[Figure]:
    """Time what is said of single rows: with neighbors far apart in memory, as those of a graph are."""
    after = align(moving, fixed).apply(moving)
    order = z_order(moving, middle_of(moving))
    neighbors = np.empty((len(moving), K), np.int32)
    for place in range(K):
        neighbors[order, place] = np.roll(order, place + 1)
    few = min(repeats, 3)
    return [
        Figure("local agreement, neighbors known", timed(lambda: local_agreement(moving, fixed, neighbors=neighbors), few), "ms"),
        Figure("local agreement, along Z-curves", timed(lambda: local_agreement(moving, fixed), few), "ms"),
        Figure("displacement, neighbors known", timed(lambda: displacement.displacement(after, fixed, neighbors=neighbors), few), "ms"),
        Figure("displacement, along a Z-curve", timed(lambda: displacement.displacement(after, fixed), few), "ms"),
    ]


def distances(one: Places, other: Places) -> list[Figure]:
    """How far rows are from where they are in the other layout, as shares of what they are before."""
    goals = other.astype(np.float64)
    radius = spread_of(goals)
    after = float(np.hypot(*(align(one, other).apply(one) - goals).T).mean() / radius)
    places, goal_places = ((layout - layout.mean(axis=0)) / spread_of(layout) for layout in (one.astype(np.float64), goals))
    before = float(np.hypot(*(places - goal_places).T).mean())
    turned = []
    for mirror in (1, -1):
        turns = np.exp(2j * np.pi * np.arange(120) / 120)
        turned += [float(np.abs((places @ [1, mirror * 1j]) * turn - goal_places @ [1, 1j]).mean()) for turn in turns]
    said = (
        ("mean distance before, in radii", before),
        ("mean distance after, in radii", after),
        ("mean distance after / before", after / before),
        ("mean distance after / mean of all orientations", after / float(np.mean(turned))),
        ("mean distance, best orientation / before", min(turned) / before),
    )
    return [Figure(name, value, "x", rows=len(one)) for name, value in said]


def spread_of(layout: NDArray[np.floating]) -> float:
    """Root mean square distance from the mean."""
    return float(np.sqrt(((layout - layout.mean(axis=0)) ** 2).sum(axis=1).mean()))


def timed(run: Callable[[], object], repeats: int) -> float:
    """Milliseconds of the median run."""
    run()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return float(np.median(took)) * 1e3


if __name__ == "__main__":
    sys.exit(main())
