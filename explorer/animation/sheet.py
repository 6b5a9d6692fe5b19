"""What is around the map in every picture of an animation: title, the two layouts' names, notes, legend; never the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.lettering import Lettering, shortened, text_width
from explorer.picture_file import ink_on, on_ground
from explorer.picture_words import FAINT, LINE, MARGIN, TEXT, TITLE, Words, legend_strip, wrapped
from explorer.render.color import rgb
from explorer.scene import Scene

__all__ = ["Box", "Sheet"]

_USUAL_AREA = 900 * 700  # of a map on screen: a picture of this area has words of their size on screen
_NAMES: Final = 14.0  # size of the layouts' names, between title and text
_TRACK = 2.5  # how thick the line is that says how far the way is
_AWAY: Final = 0.35  # opacity of the name of a layout that the map is not at
_ARROW = "→"
_BESIDE, _BELOW = 0.22, 0.25  # the most of the picture that a legend takes, of its width or of its height
_NARROWEST = 120  # pixels of a legend
_HEAD_AND_NOTES = 6  # the most lines that a legend has beside its entries


class Box(NamedTuple):
    """A rectangle of a picture, in pixels from the top left."""

    left: int
    top: int
    width: int
    height: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """The lines and columns of it."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


class Sheet:
    """The words around a map, drawn once.

    Parameters
    ----------
    scene : Scene
        Whose colors the legend explains.
    title : str
        The first line; none when empty.
    names : tuple of str
        What the layouts at both ends are called.
    notes : sequence of str
        What else is said of the map.
    width, height : int
        Pixels of the picture.
    ground : str
        ``"#rrggbb"`` behind everything.

    Attributes
    ----------
    map : Box
        Where the map belongs.
    scale : float
        How many pixels make one of the screen.
    legend : ndarray of shape (lines, columns, 4), uint8, or None
        The legend, with straight alpha; none where all rows have one color.
    """

    def __init__(
        self, scene: Scene, *, title: str, names: tuple[str, str], notes: Sequence[str], width: int, height: int, ground: str
    ) -> None:
        self.scale = math.sqrt(width * height / _USUAL_AREA)
        self._words = Words(width, self.scale, ink=ink_on(ground))
        self._fixed = np.empty((height, width, 3), np.uint8)
        self._fixed[:] = rgb(ground)
        top = self._write_head(title, names, notes)
        beside = width >= height and _BESIDE * width >= _NARROWEST
        self.legend = self._legend(scene, top, beside=beside)
        across, down = (0, 0) if self.legend is None else (self.legend.shape[1], 0) if beside else (0, self.legend.shape[0])
        self.map = Box(0, top, width - across, max(height - top - down, 1))
        if self.legend is not None:
            place = (top, self.map.width) if beside else (height - down, 0)
            self._paste(self.legend, *place)

    def at(self, t: float) -> NDArray[np.uint8]:
        """Draw the words at a time, 0 at the first layout, 1 at the second; uint8 (height, width, 3), a new one, the map's place empty."""
        drawn = self._fixed.copy()
        here = drawn[self._names_box.inside]
        inks = self._first * (1 - (1 - _AWAY) * t) + self._arrow * FAINT + self._second * (_AWAY + (1 - _AWAY) * t)
        _, columns = inks.shape
        passed = np.clip(t * columns - np.arange(columns), 0, 1)
        inks[-self._track :] = _AWAY / 2 + (FAINT - _AWAY / 2) * passed
        ink = np.array(rgb(self._words.ink), np.float32)
        here[:] = np.rint(here + (ink - here) * inks[..., None]).astype(np.uint8)
        return drawn

    def _write_head(self, title: str, names: tuple[str, str], notes: Sequence[str]) -> int:
        """Write title and notes, and get the names ready, whose opacity changes; returns where the map begins."""
        words = self._words
        margin, line, size, names_size = (words.px(length) for length in (MARGIN, LINE, TEXT, _NAMES))
        first, second = (shortened(name, words.room / 3, names_size) for name in names)
        parts = first, _ARROW, second
        widths = [text_width(text, names_size) for text in parts]
        lefts = [0.0, widths[0] + margin / 2, widths[0] + widths[1] + margin]
        across = lefts[2] + widths[2]
        baseline = margin + (words.px(TITLE) * 0.85 + 1.25 * line if title else words.px(_NAMES) * 0.85)
        left = margin + across + 1.5 * margin
        lines = wrapped(notes, words.room, size)
        aside = len(lines) == 1 and left + text_width(lines[0], size) <= margin + words.room  # behind the names, or under them
        self._track = max(round(words.px(_TRACK)), 1)
        bottom = baseline + 0.35 * line + self._track
        end = bottom + (0 if aside else line * len(lines)) + 0.6 * margin
        head = words.strip(end)
        if title:
            head.text(margin, margin + words.px(TITLE) * 0.85, shortened(title, words.room, words.px(TITLE)), size=words.px(TITLE))
        for place, text in enumerate(lines):
            below = bottom + 0.75 * line + place * line
            head.text(left if aside else margin, baseline if aside else below, text, size=size, opacity=FAINT)
        top = min(math.ceil(end), len(self._fixed) - 1)
        self._paste(head.rgba[:top], 0, 0)
        box_top = math.floor(baseline - line)
        width = min(math.ceil(across), words.width - round(margin))
        self._names_box = Box(round(margin), box_top, width, min(math.ceil(bottom), top) - box_top)
        self._first, self._arrow, self._second = (
            self._mask(text, at, baseline - box_top, names_size) for text, at in zip(parts, lefts, strict=True)
        )
        return top

    def _mask(self, text: str, left: float, baseline: float, size: float) -> NDArray[np.float32]:
        strip = Lettering(self._names_box.width, self._names_box.height, ink=self._words.ink)
        strip.text(left, baseline, text, size=size)
        return strip.rgba[..., 3].astype(np.float32) / np.float32(255)

    def _legend(self, scene: Scene, top: int, *, beside: bool) -> NDArray[np.uint8] | None:
        """Draw the legend as large as it needs to be."""
        height, width = self._fixed.shape[:2]
        if not beside:
            drawn = legend_strip(self._words, scene, most_height=_BELOW * height)
            return None if drawn is None else drawn[: (height - top) // 2]
        words, room = self._words._replace(width=math.floor(_BESIDE * width)), height - top
        drawn = None
        for spare in range(1, _HEAD_AND_NOTES):  # as many entries as fit
            drawn = legend_strip(words, scene, most_height=room - words.px(MARGIN) - spare * words.px(LINE))
            if drawn is None or len(drawn) <= room:
                break
        if drawn is None:
            return None
        used = np.flatnonzero(drawn[..., 3].any(axis=0))
        return drawn[:room, : used[-1] + 1 + math.ceil(words.px(MARGIN))]

    def _paste(self, strip: NDArray[np.uint8], top: int, left: int) -> None:
        lines, columns = strip.shape[:2]
        red, green, blue = self._fixed[-1, -1]
        self._fixed[top : top + lines, left : left + columns] = on_ground(np.ascontiguousarray(strip), f"#{red:02x}{green:02x}{blue:02x}")
