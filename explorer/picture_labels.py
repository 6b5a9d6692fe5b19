"""The labels of a picture file: the same names as on screen, placed for the picture's size and written onto its bands; never the map.

``label_stamps(labels, view, ...) -> list[Stamp]`` once for a picture, ``press(band, top, stamps)`` for each of its bands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.labels import Label
from explorer.lettering import Lettering, one_line, text_width
from explorer.render.color import rgb
from explorer.render.label_places import Box, place_labels
from explorer.render.view import View

__all__ = ["Stamp", "label_stamps", "press", "readable"]

_HALO = 1.8  # CSS pixels around each letter, in the color of the ground
_HALO_OPACITY = 0.88
_CONTRAST: Final = 7.0  # to the ground: a name stands out from points in its color
_DARK = 0.2  # luminance of a ground on which names are light
_STEPS = 11
_SHRINKS = 0.75  # where a picture is smaller than the screen, letters are not smaller than this part of theirs


class Stamp(NamedTuple):
    """A label that is ready: its first line and column in the picture, and its pixels, uint8 (h, w, 4) with straight alpha."""

    text: str
    top: int
    left: int
    rgba: NDArray[np.uint8]


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
    scale = max(scale, _SHRINKS)
    wide, high = width / scale, height / scale  # CSS pixels
    unit = view.span[0] / wide
    known = [
        label for label in labels if label.goes <= unit <= label.comes and view.x0 <= label.x <= view.x1 and view.y0 <= label.y <= view.y1
    ]
    boxes = [
        Box(
            (label.x - view.x0) / view.span[0] * wide,
            (view.y1 - label.y) / view.span[1] * high,
            text_width(one_line(label.text), label.size, bold=True),
            1.25 * label.size,
            (label.level, label.group),
        )
        for label in known
    ]
    return [_stamp(known[at], x * scale, y * scale, boxes[at].width * scale, scale, ground) for at, x, y in place_labels(boxes, wide, high)]


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
        over = stamp.rgba[first - stamp.top : last - stamp.top, left - stamp.left : right - stamp.left]
        under = written[first - top : last - top, left:right]
        under[...] = _over(over, under)
    return written


def readable(color: str, ground: str) -> str:
    """Take a color as much nearer to black or white as it takes to be read on a ground; black or white where there is no color."""
    behind = np.array(rgb(ground), float)
    end = 255.0 if _luminance(behind) < _DARK else 0.0
    own = np.array(rgb(color), float) if color else np.full(3, end)
    for share in np.linspace(0, 1, _STEPS):
        mixed = np.round(own + (end - own) * share)
        low, high = sorted((_luminance(mixed), _luminance(behind)))
        if (high + 0.05) / (low + 0.05) >= _CONTRAST:
            break
    return "#{:02x}{:02x}{:02x}".format(*mixed.astype(int))


def _luminance(color: NDArray[np.floating]) -> float:
    share = color / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004  # as sRGB is defined
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _stamp(label: Label, x: float, y: float, width: float, scale: float, ground: str) -> Stamp:
    """Write a label in the middle of a small picture, with a halo around its letters."""
    radius = max(1, round(_HALO * scale))
    size = label.size * scale
    wide, high = math.ceil(width) + 2 * radius + 2, math.ceil(1.3 * size) + 2 * radius + 2
    letters = Lettering(wide, high, ink=readable(label.color, ground))
    letters.text(radius + 1, high / 2 + 0.35 * size, label.text, size=size, bold=True)
    ink = letters.rgba
    halo = np.empty_like(ink)
    halo[..., :3] = rgb(ground)
    halo[..., 3] = np.round(_grown(ink[..., 3], radius) * _HALO_OPACITY)
    return Stamp(label.text, round(y - high / 2), round(x - wide / 2), _over(ink, halo))


def _grown(alpha: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    wide = np.pad(alpha, radius)
    grown = alpha.copy()
    for down in range(-radius, radius + 1):
        reach = math.floor(math.sqrt(radius**2 - down**2))
        for right in range(-reach, reach + 1):
            part = wide[radius + down : radius + down + alpha.shape[0], radius + right : radius + right + alpha.shape[1]]
            np.maximum(grown, part, out=grown)
    return grown


def _over(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay one picture over another, both with straight alpha."""
    above, below = upper[..., 3:] / 255.0, lower[..., 3:] / 255.0
    alpha = above + below * (1 - above)
    color = upper[..., :3] * above + lower[..., :3] * below * (1 - above)
    with np.errstate(invalid="ignore", divide="ignore"):
        mixed = np.where(alpha > 0, color / alpha, 0)
    return np.round(np.concatenate([mixed, 255 * alpha], axis=-1)).astype(np.uint8)
