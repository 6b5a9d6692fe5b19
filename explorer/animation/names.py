"""The names of groups on the way between two layouts: each travels with the rows around it, and none lies over another; draws no map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.labels import Label
from explorer.picture_labels import HEIGHT, SHRINKS, Spot, Stamp, label_spots, label_stamp
from explorer.render.course import Course, moved, smooth
from explorer.render.label_places import GAP
from explorer.render.view import View

__all__ = ["MovingNames"]

_LOOKED_AT: Final = 61  # times of the way at which it is seen which names have room
_FADES: Final = 0.07  # of the way, that a name takes to come or to go

_Key = tuple[int, int]


class _Traveler(NamedTuple):
    """A name on its way: its picture, its way in layout units, how far it is written from there at both ends in pixels of the screen."""

    stamp: Stamp
    way: NDArray[np.float64]  # (1, 6)
    aside: NDArray[np.float64]  # (2, 2)
    size: tuple[float, float]


class MovingNames:
    """The names that both ends have room for, and those of one end alone, which come or go on the way.

    Parameters
    ----------
    start, goal : sequence of Label
        What is named at both ends, the most important first.
    course : Course
        How rows travel: a name goes as a row would that is where it is written.
    look : callable
        Says what the picture shows at a time, 0 to 1.
    width, height : int
        Pixels of the map.
    scale : float
        Pixels for one on screen.
    ground : str
        ``"#rrggbb"`` behind the map.
    """

    def __init__(
        self,
        start: Sequence[Label],
        goal: Sequence[Label],
        *,
        course: Course,
        look: Callable[[float], View],
        width: int,
        height: int,
        scale: float,
        ground: str,
    ) -> None:
        scale = max(scale, SHRINKS)
        self._look, self._size, self._scale = look, (width / scale, height / scale), scale
        ends = (start, goal)
        spots = [self._spots(labels, t, ground) for t, labels in enumerate(ends)]
        first = [_first_of(labels) for labels in ends]
        keys = [key for key in dict.fromkeys([*spots[0], *spots[1]]) if all(key in known for known in first)]
        self._travelers = [self._traveler([each.get(key) for each in spots], [each[key] for each in first], course, ground) for key in keys]
        self._opacity = self._seen(np.array([[key in each for each in spots] for key in keys], bool).reshape(-1, 2))

    def stamps(self, t: float) -> list[Stamp]:
        """Give the names at a time, where they are on the map and as opaque as they are then; the least important first."""
        step = t * (_LOOKED_AT - 1)
        before = min(int(step), _LOOKED_AT - 2)
        opacity = self._opacity[:, before] + (step - before) * (self._opacity[:, before + 1] - self._opacity[:, before])
        found = []
        for traveler, share in reversed(list(zip(self._travelers, opacity.tolist(), strict=True))):
            if share <= 0:
                continue
            (x, y), rgba = self._place(traveler, t) * self._scale, traveler.stamp.rgba
            if share < 1:
                rgba = rgba.copy()
                rgba[..., 3] = np.rint(rgba[..., 3] * share)
            high, wide, _ = rgba.shape
            found.append(Stamp(traveler.stamp.text, round(y - high / 2), round(x - wide / 2), rgba))
        return found

    def _spots(self, labels: Sequence[Label], t: float, ground: str) -> dict[_Key, Spot]:
        """Choose what has room at an end, one of each group: the most important."""
        width, height = self._size
        found: dict[_Key, Spot] = {}
        for spot in label_spots(labels, self._look(t), width=width, height=height, ground=ground):
            found.setdefault(_key(spot.label), spot)
        return found

    def _traveler(self, spots: Sequence[Spot | None], first: Sequence[Label], course: Course, ground: str) -> _Traveler:
        """Prepare a name; where it has no room at an end it travels to where it would be, or comes from there."""
        labels = [given if spot is None else spot.label for spot, given in zip(spots, first, strict=True)]
        places = np.array([(label.x, label.y) for label in labels])
        aside = np.zeros((2, 2))
        for t, spot in enumerate(spots):
            if spot is not None:
                aside[t] = np.array([spot.x, spot.y]) - self._on_screen(places[t], t)
        written = next(spot for spot in spots if spot is not None)
        size = written.width, HEIGHT * written.label.size
        return _Traveler(label_stamp(written, self._scale, ground), course.ways(places[:1], places[1:]), aside, size)

    def _on_screen(self, place: NDArray[np.float64], t: float) -> NDArray[np.float64]:
        view, (width, height) = self._look(t), self._size
        return np.array([(place[0] - view.x0) / view.span[0] * width, (view.y1 - place[1]) / view.span[1] * height])

    def _place(self, traveler: _Traveler, t: float) -> NDArray[np.float64]:
        """Say where a name is, in pixels of the screen."""
        come = smooth(t)
        return self._on_screen(moved(traveler.way, t)[0], t) + (1 - come) * traveler.aside[0] + come * traveler.aside[1]

    def _seen(self, at_ends: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Say how opaque each name is at each of the times, (n, times): it is gone while a more important one has its place."""
        times = np.linspace(0, 1, _LOOKED_AT)
        wanted = np.where(times < 0.5, at_ends[:, :1], at_ends[:, 1:])  # noqa: PLR2004
        hidden = ~wanted
        for at, t in enumerate(times):
            taken: list[tuple[float, float, float, float]] = []
            for n, traveler in enumerate(self._travelers):
                if hidden[n, at]:
                    continue
                (x, y), (wide, high) = self._place(traveler, t), traveler.size
                box = x - wide / 2 - GAP[0], x + wide / 2 + GAP[0], y - high / 2 - GAP[1], y + high / 2 + GAP[1]
                hidden[n, at] = any(box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3] for other in taken)
                if not hidden[n, at]:
                    taken.append(box)
        away = np.abs(times[:, None] - times)  # from each time to each other
        far = np.where(hidden[:, None, :], away, np.inf).min(axis=2)
        ends = np.where(at_ends[:, :1], 1 - times / _FADES, 0), np.where(at_ends[:, 1:], 1 - (1 - times) / _FADES, 0)
        opacity: NDArray[np.float64] = np.clip(np.maximum.reduce([far / _FADES, *ends]), 0, 1)
        return opacity


def _key(label: Label) -> _Key:
    return label.level, label.group


def _first_of(labels: Sequence[Label]) -> dict[_Key, Label]:
    """Take the most important label of each group."""
    found: dict[_Key, Label] = {}
    for label in labels:
        found.setdefault(_key(label), label)
    return found
