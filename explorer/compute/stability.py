"""How much of a layout is chance: where each row lies in further runs of the same method, and which neighbors it has there.

Neither figure says whether a place is right, only whether it would be another one if the dice had fallen otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.preservation import layout_neighbors, preservation
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.compute.projection import PLANE
from explorer.errors import BadParameter

__all__ = ["KEPT_K", "RUNS", "Stability", "stability"]

RUNS: Final = 4
"""Further runs by default: with the map itself, five places of each row. More change a figure little and take longer."""

KEPT_K: Final = 15
"""Neighbors on the map that are looked for in the other runs, where there are so many rows."""

STAGE: Final = "comparing runs"
LEAST_ROWS: Final = 2
_NEAREST: Final = 0.85  # the share of the rows that says how large a layout is
_WIDTH: Final = 3.25  # spreads: as wide is an evenly filled disk of that spread


@dataclass(frozen=True, eq=False)
class Stability:
    """How much of a layout is chance.

    Attributes
    ----------
    runs : int
        Further runs that the layout was compared with.
    wobble : ndarray of shape (n,), float32
        How far a row is from its mean place over all runs (root mean square), the layout itself among them, when the runs are laid over the
        layout. The unit is the width of the layout: of an evenly filled disk whose rows are as far from their middle as the nearest 85 % of
        the layout's are; of a ball in three dimensions. NaN where a row is not in all runs.
    kept : ndarray of shape (n,), float32
        Which share of its 15 nearest rows in the layout are among its 15 nearest in another run, on average; however the runs lie. NaN as
        above.
    typical, control : float
        The median wobble; and that of the same runs with the rows of each further one exchanged at random: no row has a place of its own.
    """

    runs: int
    wobble: NDArray[np.float32]
    kept: NDArray[np.float32]
    typical: float
    control: float


def stability(
    layout: NDArray[np.float32],
    runs: Sequence[NDArray[np.float32]],
    *,
    threads: int = 1,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> Stability:
    """Compare a layout with further runs of the same method.

    Each run is laid over the layout by a rotation or reflection, a scale and a shift, robustly: see
    :func:`explorer.compute.alignment.align`, in more dimensions :func:`explorer.compute.orientation.orientation`. So a group that lies
    elsewhere in every run wobbles as a whole, the others do not wobble for its sake, and all of its rows may keep their neighbors.
    O(n log n) a run.

    Parameters
    ----------
    layout : ndarray of shape (n, c), float32
        Not finite where a row is left out. Not changed.
    runs : sequence of ndarray of shape (n, c), float32
        At least one. Not changed.
    threads : int
        That look for neighbors in a run.
    report, should_stop : callable, optional
        Told and asked as it proceeds.

    Returns
    -------
    Stability

    Raises
    ------
    BadParameter
        If there is no run, if one has another number of rows or columns, or if fewer than two rows are in all of them.
    Stopped
        If ``should_stop()`` said so.
    """
    from explorer.compute.alignment import align  # loads numba
    from explorer.compute.layout_rows import check_rows, middle_of
    from explorer.compute.orientation import orientation, spread_of

    if not runs:
        raise BadParameter("runs", 0, "a layout is compared with at least one other run.")
    report(STAGE, 0.0)
    for run in runs:
        check_rows(layout, run)
        if run.shape != layout.shape:
            raise BadParameter("run", f"an array of shape {run.shape}", f"the layout is one of shape {layout.shape}.")
    rows = np.flatnonzero(np.all([np.isfinite(each).all(axis=1) for each in (layout, *runs)], axis=0))
    if len(rows) < LEAST_ROWS:
        raise BadParameter("rows", len(rows), f"a layout can be compared with others by {LEAST_ROWS} rows or more.")
    places, flat = layout[rows], layout.shape[1] == PLANE
    k = min(KEPT_K, len(rows) - 1)
    near = layout_neighbors(places, k, threads=threads)
    aligned, kept = [places], np.zeros(len(rows))
    for number, run in enumerate(runs):
        if should_stop():
            raise Stopped
        report(STAGE, (number + 0.5) / (len(runs) + 1))
        other = run[rows]
        aligned.append((align if flat else orientation)(other, places).apply(other))
        kept += preservation(near, other, threads=threads, should_stop=should_stop).kept[k]
    width = _WIDTH * middle_of(places).spread if flat else 2 * spread_of(places) / _inner(places.shape[1])
    wobble = _wobble(aligned, width)
    random = np.random.default_rng(0)
    exchanged = [places, *(run[random.permutation(len(rows))] for run in aligned[1:])]
    found = Stability(
        len(runs),
        _of_all(wobble, rows, len(layout)),
        _of_all(kept / len(runs), rows, len(layout)),
        float(np.median(wobble)),
        float(np.median(_wobble(exchanged, width))),
    )
    report(STAGE, 1.0)
    return found


def _inner(dimensions: int) -> float:
    """Say how far, of its radius, the innermost 85 % of an evenly filled ball are from its middle, on average."""
    return dimensions / (dimensions + 1) * _NEAREST ** (1 / dimensions)


def _wobble(runs: Sequence[NDArray[np.float32]], width: float) -> NDArray[np.float64]:
    """Return how far each row is from its mean place, as a share of a width; 0 where there is none."""
    mean: NDArray[np.float64] = np.mean(runs, axis=0, dtype=np.float64)
    squares = np.zeros(len(mean))
    for run in runs:
        squares += np.square(run - mean).sum(axis=1)
    return np.sqrt(squares / len(runs)) * (1 / width if width else 0.0)


def _of_all(values: NDArray[np.float64], rows: NDArray[np.intp], n: int) -> NDArray[np.float32]:
    everywhere = np.full(n, np.nan, np.float32)
    everywhere[rows] = values
    return everywhere
