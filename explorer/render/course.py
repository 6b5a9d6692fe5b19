"""How rows travel from one layout to another, and where they are on the way; arrays only, no scene and no picture.

``Course.between(index, places) -> Course``; ``.at(t) -> LayoutIndex`` is drawn as any other; ``.take(column)`` brings what is in the order
of the first layout's index into its order; ``.ways(rows)`` and :func:`moved` are for single rows, such as those that are marked.

All rows move at once, slowly at first and at last. What neighbors have in common comes first: each place of the first layout has a drift,
the mean move of the rows around it, and a row has made its drift before it leaves its neighbors. Staggered starts do not help people to
follow (Chevalier, Dragicevic and Franconeri 2014, "The Not-so-Staggering Effect of Staggered Animations on Visual Tracking").
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.render.gather import gather
from explorer.render.layout_index import BLOCK, LayoutIndex, frozen
from explorer.render.view import View

__all__ = ["Course", "moved", "progress", "smooth"]

_CELLS: Final = 40  # of the drift's grid, on each side
_NEAR: Final = 1.2  # cells over which moves are averaged, and where there are hardly any rows
_FAR: Final = 8.0
_TOGETHER: Final = 0.65  # of the time, in which neighbors move together
_APART: Final = 0.35  # of the time, after which they begin to part
_SAMPLE: Final = 20_000  # rows that say where a view's rows go
_HOME_ROWS: Final = 50_000  # rows that say what the whole of the second layout is
_DRIFT_ROWS: Final = 500_000  # rows that the drift is averaged over


def progress(t: float) -> tuple[float, float]:
    """Say how much of the drift and how much of the rest is done at a time.

    Parameters
    ----------
    t : float
        0 at the first layout, 1 at the second; any other number is cut.

    Returns
    -------
    tuple of float
        Both from 0 to 1, rising, without a jump of speed.
    """
    t = min(max(float(t), 0.0), 1.0)
    return smooth(t / _TOGETHER), smooth((t - _APART) / (1 - _APART))


def moved(ways: NDArray[np.float64], t: float) -> NDArray[np.float64]:
    """Place rows on their ways, of shape (k, 6) as :meth:`Course.ways` gives them; shape (k, 2)."""
    together, apart = progress(t)
    start, end, drift = ways[:, :2], ways[:, 2:4], ways[:, 4:]
    return start + together * drift + apart * (end - start - drift)


def smooth(u: float) -> float:
    """Go from 0 to 1, slowly at first and at last."""
    u = min(max(u, 0.0), 1.0)
    return u * u * (3 - 2 * u)


@dataclass(frozen=True, eq=False)
class Course:
    """The ways of rows that are in both layouts, in the order of the first one's index.

    Attributes
    ----------
    start : LayoutIndex
        The first layout.
    places : ndarray of shape (m,), int64, or None
        Which of the first index's rows these are; None for all of them.
    rows : ndarray of shape (m,), int32
        Their row numbers.
    x, y : ndarray of shape (m,), float32
        Where each is at first.
    lead_x, lead_y, rest_x, rest_y : ndarray of shape (m,), float32
        How far each drifts with the rows around it, and how far it has to go from there.
    drift : ndarray of shape (cells, cells, 2), float32
        The mean move around each place of ``start.home``, smoothed; ``drift[line, column]``, line 0 at the bottom.
    stands_for : int
        Of how many rows each is one.
    end_home : View
        The whole of the second layout, as far as these rows tell.
    """

    start: LayoutIndex
    places: NDArray[np.int64] | None
    rows: NDArray[np.int32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    lead_x: NDArray[np.float32]
    lead_y: NDArray[np.float32]
    rest_x: NDArray[np.float32]
    rest_y: NDArray[np.float32]
    drift: NDArray[np.float32]
    stands_for: int
    end_home: View

    @classmethod
    def between(
        cls,
        start: LayoutIndex,
        end: Callable[[NDArray[np.int32]], NDArray[np.float32]],
        *,
        most: int | None = None,
        like: Course | None = None,
        end_home: View | None = None,
    ) -> Course:
        """Find the ways from an indexed layout to another.

        Parameters
        ----------
        start : LayoutIndex
            Where rows are.
        end : callable
            Says where rows go, (m, 2) float32, given their numbers, (m,) int32; not finite where a row is not in that layout. Rows that are
            not in both do not travel.
        most : int, optional
            Take at most so many rows, a spatially fair sample; all by default.
        like : Course, optional
            One of other rows between the same layouts, so that all of them travel alike.
        end_home : View, optional
            The whole of the second layout; as far as these rows tell by default.

        Returns
        -------
        Course
            Of all rows of 10 million, about 0.5 s; of half a million, a few hundredths.
        """
        step = 1 if most is None else max(1, -(-len(start) // max(most, 1)))
        rows, x, y = start.rows[::step], start.x[::step], start.y[::step]
        goal = end(rows)
        finite = np.isfinite(goal).all(axis=1)
        places = None if step == 1 else np.arange(0, len(start), step)
        if not finite.all():
            places = np.flatnonzero(finite) * step
            rows, x, y, goal = rows[finite], x[finite], y[finite], goal[finite]
        x, y = frozen(x), frozen(y)
        drift = _drift(x, y, goal, start.home) if like is None else like.drift
        lead, rest = np.empty((2, len(x)), np.float32), np.empty((2, len(x)), np.float32)
        _part(x, y, goal, drift, *_grid(start.home), lead, rest)
        if like is not None:
            end_home = like.end_home
        elif end_home is None:
            end_home = LayoutIndex.build(goal[:: max(1, len(goal) // _HOME_ROWS)]).home
        lead_x, lead_y, rest_x, rest_y = (frozen(side) for side in (*lead, *rest))
        return cls(start, places, frozen(rows), x, y, lead_x, lead_y, rest_x, rest_y, drift, step, end_home)

    def emptied(self) -> Course:
        """Return it without its rows: enough for the ways of single rows, and for others to travel like these."""
        start, none = self.start.emptied(), frozen(np.empty(0, np.float32))
        return Course(start, None, start.rows, none, none, none, none, none, none, self.drift, self.stands_for, self.end_home)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, t: float) -> LayoutIndex:
        """Place the rows at a time, 0 to 1; an index of as many rows, which keeps the order."""
        x, y = np.empty_like(self.x), np.empty_like(self.y)
        boxes = np.empty((-(-len(x) // BLOCK), 4), np.float32)
        together, apart = progress(t)
        ways = self.x, self.y, self.lead_x, self.lead_y, self.rest_x, self.rest_y
        _place(*ways, np.float32(together), np.float32(apart), x, y, boxes)
        come = smooth(t)  # as views come along
        home = View(*(first + (last - first) * come for first, last in zip(self.start.home, self.end_home, strict=True)))
        return LayoutIndex(frozen(x), frozen(y), self.rows, frozen(boxes), self.start.n_rows, home, home)

    def take(self, column: NDArray[Any]) -> NDArray[Any]:
        """Bring a column that is in the order of the first layout's index into this order; without a copy where that is the same."""
        return column if self.places is None else frozen(gather(column, self.places))

    def ways(self, starts: NDArray[np.floating], ends: NDArray[np.floating]) -> NDArray[np.float64]:
        """Say how single rows travel.

        Parameters
        ----------
        starts, ends : ndarray of shape (k, 2)
            Their places in both layouts.

        Returns
        -------
        ndarray of shape (k, 6), float64
            Start, end and drift of each, for :func:`moved`; rows that are not in both layouts are not finite.
        """
        starts, ends = np.asarray(starts, np.float32).reshape(-1, 2), np.asarray(ends, np.float32).reshape(-1, 2)
        lead = np.full((2, len(starts)), np.nan, np.float32)
        known = np.flatnonzero(np.isfinite(starts).all(axis=1))
        found, left = np.empty((2, len(known)), np.float32), np.empty((2, len(known)), np.float32)
        _part(frozen(starts[known, 0]), frozen(starts[known, 1]), ends[known], self.drift, *_grid(self.start.home), found, left)
        lead[:, known] = found
        return np.concatenate([starts, ends, lead.T], axis=1, dtype=np.float64)

    def home_at(self, t: float) -> View:
        """Say where the whole map is at a time: on the straight way from one home to the other."""
        part = smooth(t)
        return View(*(first + part * (last - first) for first, last in zip(self.start.home, self.end_home, strict=True)))

    def times_whole(self, view: View) -> float:
        """Say how many times the whole of the first layout a view shows, 1 where that is nearly in view; 0 where it is not."""
        view, home = view.sane(), self.start.home
        width, height = (min(view[1 + at], home[1 + at]) - max(view[at], home[at]) for at in (0, 2))
        if width <= 0 or height <= 0 or width * height < 0.9 * home.span[0] * home.span[1]:
            return 0.0
        return max(1.0, min(view.span[0] / home.span[0], view.span[1] / home.span[1]))

    def view_after(self, view: View) -> View:
        """Say where to look at last for what a view shows at first: at the same rows, from as near as they have room.

        The whole map stays the whole map; a view without rows stays where it is.
        """
        view, times = view.sane(), self.times_whole(view)
        if times:
            return self.end_home.padded((times - 1) / 2)
        x0, x1, y0, y1 = np.array(view, np.float64)  # of float64, or NumPy would compare in float32, which a view may be too large for
        inside = (self.x >= x0) & (self.x <= x1) & (self.y >= y0) & (self.y <= y1)
        if not inside.any():
            return view
        at = np.flatnonzero(inside)
        at = at[:: max(1, len(at) // _SAMPLE)]
        starts = self.x[at], self.y[at]
        ends = starts[0] + self.lead_x[at] + self.rest_x[at], starts[1] + self.lead_y[at] + self.rest_y[at]
        centers, spreads = zip(*(_spread(side) for side in (*starts, *ends)), strict=True)
        before, after = max(spreads[:2]), max(spreads[2:])
        grown = min(max(after / before, 1.0), 4.0) if before > 0 and after > 0 else 1.0
        shift_x, shift_y = centers[2] - centers[0], centers[3] - centers[1]
        (x, y), (width, height) = view.center, view.span
        x, y = x + shift_x, y + shift_y
        return View(x - grown * width / 2, x + grown * width / 2, y - grown * height / 2, y + grown * height / 2)


def _spread(values: NDArray[np.float32]) -> tuple[float, float]:
    low, middle, high = np.percentile(values, [15, 50, 85])
    return float(middle), float(high - low)


def _grid(home: View) -> tuple[float, float, float, float]:
    """Low ends, and cells a unit, of the drift's grid."""
    width, height = home.sane().span
    return home.x0, home.y0, _CELLS / width, _CELLS / height


def _drift(x: NDArray[np.float32], y: NDArray[np.float32], goal: NDArray[np.float32], home: View) -> NDArray[np.float32]:
    """Average the moves around each cell of a grid; cells without rows have those of the cells around them."""
    from scipy.ndimage import gaussian_filter

    sums = np.zeros((_CELLS, _CELLS, 3))
    step = max(1, len(x) // _DRIFT_ROWS)
    _sum_moves(x[::step], y[::step], goal[::step], *_grid(home), sums)
    near, far = (gaussian_filter(sums, (cells, cells, 0), mode="nearest") for cells in (_NEAR, _FAR))
    sums = near + 1e-3 * far + 1e-6 * sums.mean(axis=(0, 1))
    return frozen((sums[..., :2] / np.maximum(sums[..., 2:], 1e-30)).astype(np.float32))


@njit(nogil=True, cache=True)
def _sum_moves(x, y, goal, low_x, low_y, scale_x, scale_y, sums):
    last = sums.shape[0] - 1
    for i in range(x.size):
        column = np.int64(min(max((x[i] - low_x) * scale_x, 0.0), float(last)))
        line = np.int64(min(max((y[i] - low_y) * scale_y, 0.0), float(last)))
        sums[line, column, 0] += goal[i, 0] - x[i]
        sums[line, column, 1] += goal[i, 1] - y[i]
        sums[line, column, 2] += 1


@njit(nogil=True, cache=True)
def _part(x, y, goal, drift, low_x, low_y, scale_x, scale_y, lead, rest):
    """Part each row's move into its drift, linear between the middles of cells, and the rest."""
    last = float(drift.shape[0] - 1)
    for i in range(x.size):
        at_x = min(max((x[i] - low_x) * scale_x - 0.5, 0.0), last)
        at_y = min(max((y[i] - low_y) * scale_y - 0.5, 0.0), last)
        column, line = min(np.int64(at_x), drift.shape[1] - 2), min(np.int64(at_y), drift.shape[0] - 2)
        right, up = at_x - column, at_y - line
        for side in range(2):
            below = drift[line, column, side] * (1 - right) + drift[line, column + 1, side] * right
            above = drift[line + 1, column, side] * (1 - right) + drift[line + 1, column + 1, side] * right
            lead[side, i] = below * (1 - up) + above * up
        rest[0, i] = goal[i, 0] - x[i] - lead[0, i]
        rest[1, i] = goal[i, 1] - y[i] - lead[1, i]


@njit(nogil=True, cache=True)
def _place(x, y, lead_x, lead_y, rest_x, rest_y, together, apart, out_x, out_y, boxes):
    """Place each row, and note the box of each block."""
    for i in range(x.size):
        out_x[i] = x[i] + together * lead_x[i] + apart * rest_x[i]
    for i in range(x.size):
        out_y[i] = y[i] + together * lead_y[i] + apart * rest_y[i]
    for b in range(boxes.shape[0]):
        first, last = b * BLOCK, min(b * BLOCK + BLOCK, x.size)
        boxes[b, 0], boxes[b, 1] = out_x[first:last].min(), out_x[first:last].max()
        boxes[b, 2], boxes[b, 3] = out_y[first:last].min(), out_y[first:last].max()
