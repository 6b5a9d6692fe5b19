"""A map on its way from one layout to another and back, picture by picture, all rows in each; draws, and never writes a file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer import settings
from explorer.animation.names import MovingNames
from explorer.animation.sheet import Sheet
from explorer.journey import Journey
from explorer.labels import Labeler
from explorer.picture_file import Window, usual_point
from explorer.picture_labels import press
from explorer.render.course import smooth
from explorer.render.frame import render
from explorer.render.view import View
from explorer.scene import Scene

__all__ = ["DARK", "LIGHT", "PAUSE_S", "Film", "Shot", "ahead", "shots"]

LIGHT: Final = "#ffffff"
DARK: Final = "#121212"
"""The grounds of the page's two themes."""
PAUSE_S: Final = 1.0
"""How long the map stands at both ends."""

_FINER = 2  # rows that are single pixels are drawn so many times finer and averaged: they would flicker as they move

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class Shot(NamedTuple):
    """The map at a time of its way, for so many pictures."""

    t: float
    n: int


def shots(*, seconds: float, fps: int, loop: bool) -> list[Shot]:
    """Say which pictures make an animation: the first layout standing, the way, the second one standing, where ``loop`` the way back."""
    n_steps, pause = max(round(seconds * fps), 1), max(round(PAUSE_S * fps), 1)
    way = [Shot(step / n_steps, 1) for step in range(1, n_steps)]
    return [Shot(0.0, pause + loop), *way, Shot(1.0, pause + 1), *(way[::-1] if loop else [])]  # a step's time belongs to where it ends


def ahead(make: Callable[[_Item], _Made], items: Iterable[_Item]) -> Generator[_Made]:
    """Make things one after another in threads, a few before they are asked for; close it to make no more."""
    threads = settings.render_threads()
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="explorer-film") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(make, item))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class Film:
    """The pictures of the way between two scenes of one dataset.

    Parameters
    ----------
    start, goal : Scene
        The map at both ends, in the same colors, the second layout turned to lie like the first.
    title : str
        The first line.
    width, height : int
        Pixels.
    dark : bool
        Whether the ground is dark.
    labels : tuple of callable, optional
        Give what is named on the map at both ends; see :func:`explorer.labels.wanted_labels`. No names by default.

    Attributes
    ----------
    names : tuple of str
        The layouts' titles.
    column : str or None
        What colors the map.
    n_rows : int
        Rows that travel: those that both layouts have.
    """

    def __init__(
        self,
        start: Scene,
        goal: Scene,
        *,
        title: str,
        width: int,
        height: int,
        dark: bool,
        labels: tuple[Labeler | None, Labeler | None] = (None, None),
    ) -> None:
        self._start = start
        self._journey = Journey(start.shown, goal.shown, start.normalization, most=None)
        self._journey.goal_normalization = goal.normalization
        self.title, self.width, self.height = title, width, height
        self.ground = DARK if dark else LIGHT
        self.names = start.shown.run.title, goal.shown.run.title
        self.n_rows = len(self._journey.course)
        self.column, total = start.coloring.column, start.dataset.n_rows
        rows = f"{total:,} rows" if self.n_rows == total else f"{self.n_rows:,} of {total:,} rows"
        self.notes = [*([f"colored by {self.column}"] if self.column else []), rows]
        self.sheet = Sheet(start, title=title, names=self.names, notes=self.notes, width=width, height=height, ground=self.ground)
        size = self.sheet.map.width, self.sheet.map.height
        self._looks = start.shown.index.home.fitted(*size), goal.shown.index.home.fitted(*size)
        self._labels = labels

    def picture(self, t: float) -> NDArray[np.uint8]:
        """Draw a whole picture at a time, 0 to 1; uint8 (height, width, 3)."""
        drawn = self.sheet.at(smooth(t))
        drawn[self.sheet.map.inside] = self.map(t)
        return drawn

    def map(self, t: float) -> NDArray[np.uint8]:
        """Draw the map alone, as large as its place on the sheet; uint8 (lines, columns, 3)."""
        scene = self._journey.scene_at(t, self._start)
        _, _, width, height = self.sheet.map
        finer = 1 if self._point_px > 1 else _FINER
        request = scene.request(
            self._look(t),
            finer * width,
            finer * height,
            point_px=max(self._point_px, 1.0),
            always_discs=True,
            pixel_ratio=finer * self.sheet.scale,
            background=self.ground,
        )
        drawn = render(request).rgba
        return press(_averaged(drawn) if finer > 1 else drawn, 0, self._names.stamps(t))[..., :3]

    @cached_property
    def _names(self) -> MovingNames:
        """What is named, once for all pictures."""
        _, _, width, height = self.sheet.map
        first, last = ([] if labeler is None else labeler() for labeler in self._labels)
        course, scale = self._journey.course, self.sheet.scale
        return MovingNames(first, last, course=course, look=self._look, width=width, height=height, scale=scale, ground=self.ground)

    @cached_property
    def _point_px(self) -> float:
        """How large a row is; the same all the way."""
        _, _, width, height = self.sheet.map
        window = Window(self._looks[0], width / self.sheet.scale, height / self.sheet.scale)
        return usual_point(self._start, window) * self.sheet.scale

    def _look(self, t: float) -> View:
        return View(*(first + (last - first) * smooth(t) for first, last in zip(*self._looks, strict=True)))


def _averaged(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve a picture; each pixel is the mean of four."""
    lines = drawn[0::2].astype(np.uint16) + drawn[1::2]
    return ((lines[:, 0::2] + lines[:, 1::2] + 2) // 4).astype(np.uint8)
