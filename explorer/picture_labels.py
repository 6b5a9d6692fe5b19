"""The labels of a picture file: the same names as on screen, placed for the picture's size and written onto its bands; never the map.

``label_stamps(labels, view, ...) -> list[Stamp]`` once for a picture, ``press(band, top, stamps)`` for each of its bands. Where they stay
text, ``label_spots(labels, view, ...)`` says where they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.labels import Label
from explorer.lettering import Lettering, one_line, text_width
from explorer.render.blending import over
from explorer.render.color import rgb
from explorer.render.contrast import readable
from explorer.render.label_places import Box, place_labels
from explorer.render.view import View

__all__ = ["HALO", "HALO_OPACITY", "HEIGHT", "SHRINKS", "Spot", "Stamp", "label_spots", "label_stamp", "label_stamps", "press"]

HALO: Final = 1.8
"""CSS pixels around each letter, in the color of the ground."""
HALO_OPACITY: Final = 0.88
HEIGHT: Final = 1.25
"""Of a label, in the size of its letters."""
SHRINKS: Final = 0.75
"""Where a picture is smaller than the screen, letters are not smaller than this part of theirs."""

_CONTRAST: Final = 7.0  # to the ground: a name stands out from points in its color


class Stamp(NamedTuple):
    """A label that is ready: its first line and column in the picture, and its pixels, uint8 (h, w, 4) with straight alpha."""

    text: str
    top: int
    left: int
    rgba: NDArray[np.uint8]


class Spot(NamedTuple):
    """A label that has room: its middle and its width, in CSS pixels from the top left of the map, and its color on the ground."""

    label: Label
    x: float
    y: float
    width: float
    color: str


def label_spots(labels: Sequence[Label], view: View, *, width: float, height: float, ground: str) -> list[Spot]:
    """Choose the labels that have room on a map of so many CSS pixels; see :func:`label_stamps`."""
    unit = view.span[0] / width
    known = [
        label for label in labels if label.goes <= unit <= label.comes and view.x0 <= label.x <= view.x1 and view.y0 <= label.y <= view.y1
    ]
    boxes = [
        Box(
            (label.x - view.x0) / view.span[0] * width,
            (view.y1 - label.y) / view.span[1] * height,
            text_width(one_line(label.text), label.size, bold=True),
            HEIGHT * label.size,
            (label.level, label.group),
        )
        for label in known
    ]
    return [
        Spot(known[at], x, y, boxes[at].width, readable(known[at].color, ground, contrast=_CONTRAST))
        for at, x, y in place_labels(boxes, width, height)
    ]


def label_stamps(labels: Sequence[Label], view: View, *, width: int, height: int, scale: float, ground: str) -> list[Stamp]:
    """Choose the labels that have room in a picture, and write them.

    Parameters
    ----------
    labels : sequence of Label
        The most important first.
    view : View
        What the picture shows, with an equal scale on both axes.
    width, height : int
        Pixels of the map.
    scale : float
        Pixels of the picture for one on screen.
    ground : str
        ``"#rrggbb"`` behind the map.
    """
    scale = max(scale, SHRINKS)
    spots = label_spots(labels, view, width=width / scale, height=height / scale, ground=ground)
    return [label_stamp(spot, scale, ground) for spot in spots]


def press(band: NDArray[np.uint8], top: int, stamps: Sequence[Stamp]) -> NDArray[np.uint8]:
    """Write labels onto a band of the picture.

    Parameters
    ----------
    band : ndarray of shape (lines, width, 4), uint8
        Straight alpha; is not changed.
    top : int
        Its first line in the picture.
    stamps : sequence of Stamp
        Of the whole picture.
    """
    lines, width, _ = band.shape
    written = band
    for stamp in stamps:
        high, wide, _ = stamp.rgba.shape
        first, last = max(stamp.top, top), min(stamp.top + high, top + lines)
        left, right = max(stamp.left, 0), min(stamp.left + wide, width)
        if first >= last or left >= right:
            continue
        if written is band:
            written = band.copy()
        upper = stamp.rgba[first - stamp.top : last - stamp.top, left - stamp.left : right - stamp.left]
        under = written[first - top : last - top, left:right]
        under[...] = over(upper, under)
    return written


def label_stamp(spot: Spot, scale: float, ground: str) -> Stamp:
    """Write a label in the middle of a small picture, with a halo around its letters; ``scale`` and ``ground`` as :func:`label_stamps`."""
    radius = max(1, round(HALO * scale))
    size, text = spot.label.size * scale, spot.label.text
    across = text_width(one_line(text), size, bold=True)  # small letters are not as narrow as they should be
    wide, high = math.ceil(across) + 2 * radius + 2, math.ceil(1.3 * size) + 2 * radius + 2
    letters = Lettering(wide, high, ink=spot.color)
    letters.text(radius + 1, high / 2 + 0.35 * size, text, size=size, bold=True)
    ink = letters.rgba
    halo = np.empty_like(ink)
    halo[..., :3] = rgb(ground)
    halo[..., 3] = np.round(_grown(ink[..., 3], radius) * HALO_OPACITY)
    return Stamp(text, round(spot.y * scale - high / 2), round(spot.x * scale - wide / 2), over(ink, halo))


def _grown(alpha: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    wide = np.pad(alpha, radius)
    grown = alpha.copy()
    for down in range(-radius, radius + 1):
        reach = math.floor(math.sqrt(radius**2 - down**2))
        for right in range(-reach, reach + 1):
            part = wide[radius + down : radius + down + alpha.shape[0], radius + right : radius + right + alpha.shape[1]]
            np.maximum(grown, part, out=grown)
    return grown
