"""A map between two layouts: what is drawn while rows travel from one to the other, and where each row is; knows no browser.

``Journey(start, goal)``: ``.scene_at(t, like)`` is a sample of the rows for pictures in motion, ``.standing(t)`` are all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from explorer.compute.projections import Layout
from explorer.render.course import Course, moved, smooth
from explorer.render.gather import gather
from explorer.render.layout_index import frozen
from explorer.render.normalization import Normalization
from explorer.scene import Placed, Run, Scene, Shown, stage
from explorer.turning import Turned

__all__ = ["Journey", "OnTheWay"]

_PLAIN = np.float32(0.5)
_MOVING_ROWS = 400_000  # drawn in a picture in motion, a fair sample of more

_numbers = count(1)


@dataclass(frozen=True, eq=False)
class OnTheWay(Shown):
    """Rows between two layouts: ``layout`` and ``frame`` are those where they come from, ``goal`` where they go."""

    start: Shown
    goal: Placed
    course: Course
    t: float
    depths: NDArray[np.float32] | None = field(default=None, kw_only=True)

    @property
    def nearness(self) -> NDArray[np.float32] | None:
        """How near each row of the index is, where one of the layouts has more than two dimensions; else none."""
        return self.depths

    def places(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Say where rows are at this time; see :meth:`explorer.scene.Placed.places`."""
        return moved(self.course.ways(self.start.places(rows), self.goal.places(rows)), self.t).astype(np.float32)

    @property
    def written(self) -> Layout:
        """As a file has it: there is no layout of which this is a turned one, so rows are where they are on the map."""
        return replace(self.layout, coordinates=self.places(np.arange(self.index.n_rows)))

    def whole(self) -> OnTheWay:
        """Place all rows at this time, where this is a sample of them."""
        start = self.start.whole() if isinstance(self.start, OnTheWay) else self.start
        if start is self.start and self.course.stands_for == 1:
            return self
        course = Course.between(start.index, self.goal.places, like=self.course)
        return replace(self, index=course.at(self.t), depths=_mixed(*_depths(course, start, self.goal), self.t))

    def left(self) -> OnTheWay:
        """Let go of what only this journey's pictures need: what another journey begins with is kept as long as that one, and so on."""
        start = replace(self.start, index=self.start.index.emptied()) if isinstance(self.start, OnTheWay) else self.start
        return replace(self, start=start, course=self.course.emptied())


class Journey:
    """The way from one layout to another.

    Parameters
    ----------
    start : Shown
        Where rows are; may itself be on the way somewhere.
    goal : Placed
        Where they go.
    normalization : Normalization
        How dark they are at the start.
    stands_for : int
        Of how many rows each of the start's index is one.
    most : int, optional
        How many rows :meth:`scene_at` has, a fair sample of more; None for all of them.
    """

    def __init__(
        self, start: Shown, goal: Placed, normalization: Normalization, *, stands_for: int = 1, most: int | None = _MOVING_ROWS
    ) -> None:
        self.number = next(_numbers)
        self.start = start.left() if isinstance(start, OnTheWay) else start
        self.goal = goal
        home = goal.index.home if isinstance(goal, Turned) else None  # it is known, and the same from everywhere
        self.course = Course.between(start.index, goal.places, most=most, end_home=home)
        self.goal_normalization: Normalization | None = None  # known once the goal was prepared for drawing
        self._normalization = normalization
        self._stands_for = stands_for * self.course.stands_for
        self._lock = Lock()
        self._dressed: tuple[Scene, Scene] | None = None  # like which scene, and how
        self._depths = _depths(self.course, start, goal)

    @property
    def title(self) -> str:
        """Where from and where to, for people."""
        start = "…" if isinstance(self.start, OnTheWay) else self.start.run.title
        return f"{start} → {self.goal.run.title}"

    def scene_at(self, t: float, like: Scene) -> Scene:
        """Prepare a sample of the rows at a time, with the colors, the selection and the filters of another scene of the same rows.

        Takes a millisecond or two, but for the first time with other colors.
        """
        shown = self._shown(t)
        return replace(self._dress(shown, like), shown=shown, normalization=self._normalization_at(t, like.normalization))

    def standing(self, t: float) -> OnTheWay:
        """Place all rows at a time: for a picture at rest."""
        return self._shown(t).whole()

    def ways(self, rows: Sequence[int] | NDArray[np.integer]) -> NDArray[np.float64]:
        """Say how rows travel; see :meth:`explorer.render.course.Course.ways`."""
        which = np.asarray(rows, np.int64)
        return self.course.ways(self.start.places(which), self.goal.places(which))

    def _shown(self, t: float) -> OnTheWay:
        run = Run(f"{self.title}, {t:.0%}", None, {}, None)
        layout, frame = self.start.layout, self.start.frame
        depths = _mixed(*self._depths, t)
        return OnTheWay(run, layout, self.course.at(t), self.start, self.goal, self.course, t, frame=frame, depths=depths)

    def _dress(self, shown: OnTheWay, like: Scene) -> Scene:
        with self._lock:
            if self._dressed is None or not _looks_like(self._dressed[0], like):
                scene = stage(
                    like.dataset,
                    shown,
                    like.coloring,
                    density=self._normalization.how,
                    point_size=like.point_size,
                    mask=like.selection_mask,
                    passing=like.passing,
                    hidden=like.hidden,
                    depth_cue=like.depth_cue,
                    before=like,
                )
                self._dressed = like, replace(scene, stands_for=self._stands_for)
            return self._dressed[1]

    def _normalization_at(self, t: float, now: Normalization) -> Normalization:
        """Mix how dark rows are at both ends, so that nothing flickers; where a person wants it otherwise ``now``, that is it."""
        first, last = self._normalization, self.goal_normalization
        if first.how != now.how:
            return now
        if last is None or last.how != first.how:
            return first
        n = max(len(first.table), len(last.table))
        tables = [np.pad(each.table, (0, n - len(each.table)), mode="edge") for each in (first, last)]
        return Normalization(first.how, frozen(((1 - t) * tables[0] + t * tables[1]).astype(np.float32)))


_Depths = NDArray[np.float32] | None


def _depths(course: Course, start: Shown, goal: Placed) -> tuple[_Depths, _Depths]:
    """Say how near rows are at both ends; none at one that is flat."""
    first = start.nearness
    return (
        None if first is None else course.take(first),
        goal.solid.nearness(gather(goal.layout.coordinates, course.rows), goal.camera) if isinstance(goal, Turned) else None,
    )


def _mixed(first: _Depths, last: _Depths, t: float) -> _Depths:
    """Go from the one to the other; rows of a flat layout are all so near that none is paler."""
    if first is None and last is None:
        return None
    come = np.float32(smooth(t))
    one, other = (np.asarray(_PLAIN if depths is None else depths) for depths in (first, last))
    return frozen(np.asarray((1 - come) * one + come * other, np.float32))


def _looks_like(one: Scene, other: Scene) -> bool:
    """Whether two scenes of the same rows have the same colors, selection and filters."""
    same = one.coloring is other.coloring and one.selection_mask is other.selection_mask and one.passing is other.passing
    return same and one.hidden == other.hidden and one.point_size == other.point_size and one.depth_cue == other.depth_cue
