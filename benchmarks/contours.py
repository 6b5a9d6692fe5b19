"""Contours of the categories of a map: time until all lines are there, and how many rows are inside.

    python benchmarks/contours.py [--rows 117659] [--categories 26] [--layout FILE.npy CODES.npy] [--quick] [--json]

Clusters of rows, each a category; or with ``--layout`` a layout (n, 2) and each row's category (n,). The peer is the textbook:
``scipy.stats.gaussian_kde`` of each category's rows on a grid of 100 x 100, which has fewer cells than ours, and the levels above which
half and nine of ten of its mass lie; it draws no lines. One thread each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from clusters import clusters
from figures import Figure, compared, median, options, told
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

from explorer.compute.contours import SHARES, Region, contours

GOAL_MS = 1_000.0
GOAL_OFF = 0.02  # of the share of the rows
CELLS = 100  # on each side of the peer's grid
QUICK_ROWS = 20_000


class Made(NamedTuple):
    """A layout (n, 2), each row's category (n,), and the categories."""

    places: NDArray[np.float32]
    codes: NDArray[np.int64]
    groups: list[int]


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.set_defaults(rows=117_659, categories=26)
    parser.add_argument("--layout", nargs=2, type=Path, metavar=("FILE.npy", "CODES.npy"), help="a layout, and each row's category")
    given = parser.parse_args()
    made = read(*given.layout) if given.layout else simulated(min(given.rows, QUICK_ROWS) if given.quick else given.rows, given.categories)
    x, y = np.ascontiguousarray(made.places.T)
    found = contours(x, y, made.codes, made.groups)
    ours = median(lambda: contours(x, y, made.codes, made.groups), 3 if given.quick else 7)
    theirs = median(lambda: textbook(made), 1)
    off = max(abs(held(region, made) - region.share) for region in found)
    figures = [
        Figure("contours of all categories", ours, "ms", goal=GOAL_MS, peer=theirs, peer_name="scipy.stats.gaussian_kde, levels only"),
        Figure("rows inside, off by at most", off, "", goal=GOAL_OFF),
        Figure("points of all lines", sum(len(line) for region in found for line in region.lines), ""),
    ]
    for figure in figures:
        figure.rows = len(made.places)
    heading = f"Contours of {len(made.groups)} categories of {len(made.places):,} rows"
    sys.stdout.write(told([compared(figure) for figure in figures], heading=heading, as_json=given.json) + "\n")
    return 0


def simulated(n: int, n_categories: int) -> Made:
    """Make clusters."""
    made = clusters(n, n_categories)
    return of_rows(made.xy, made.codes)


def read(layout: Path, codes: Path) -> Made:
    """Read what was saved; rows that have no place or no category are left out."""
    places, which = np.load(layout).astype(np.float32), np.load(codes)
    known = np.isfinite(places).all(axis=1) & (which >= 0)
    return of_rows(places[known], which[known])


def of_rows(places: NDArray[np.float32], codes: NDArray[np.integer]) -> Made:
    """Leave out categories of a handful of rows, of which the peer makes nothing."""
    counts = np.bincount(codes)
    return Made(places, codes.astype(np.int64), np.flatnonzero(counts >= 10).tolist())  # noqa: PLR2004


def textbook(made: Made) -> list[tuple[float, ...]]:
    """Estimate each category's density on a grid, and give the levels of its regions."""
    levels = []
    for group in made.groups:
        rows = made.places[made.codes == group].T.astype(np.float64)
        low, high = rows.min(axis=1), rows.max(axis=1)
        grid = np.meshgrid(*(np.linspace(first, last, CELLS) for first, last in zip(low, high, strict=True)))
        density = np.sort(gaussian_kde(rows)(np.stack([side.ravel() for side in grid])))[::-1]
        mass = np.cumsum(density) / density.sum()
        levels.append(tuple(float(density[np.searchsorted(mass, share)]) for share in SHARES))
    return levels


def held(region: Region, made: Made) -> float:
    """Say which share of a category's rows is inside of a region."""
    from matplotlib.path import Path as Outline

    rows = made.places[made.codes == region.group]
    inside = np.zeros(len(rows), bool)
    for line in region.lines:
        inside ^= Outline(line).contains_points(rows)
    return float(inside.mean())


if __name__ == "__main__":
    sys.exit(main())
