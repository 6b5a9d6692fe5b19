"""The contours of a picture file: the same lines as on screen, in the picture's pixels, drawn onto its bands; never the map.

``strokes(outlines, view, ...) -> list[Stroke]`` once for a picture, ``trace(band, top, strokes)`` for each of its bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.outlines import Outline
from explorer.render.blending import over
from explorer.render.contrast import readable
from explorer.render.view import View
from explorer.tracing import Tracing

__all__ = ["CONTRAST", "Stroke", "strokes", "trace"]

CONTRAST: Final = 4.5
"""Of a line to the ground, as ``views/contours.js`` has it."""

_HALF = 0.5  # share of the rows up to which a line is thick
_THICK, _THIN = 2.25, 1.25  # CSS pixels
_FAINT = 0.75  # opacity of a thin line: there are many where groups overlap
_HALO = 1.25  # CSS pixels on each side, in the color of the ground
_HALO_OPACITY = 0.6
_SHRINKS = 0.75  # where a picture is smaller than the screen, lines are not thinner than this part of theirs


class Stroke(NamedTuple):
    """Lines that are ready.

    Attributes
    ----------
    lines : tuple of ndarray of shape (p, 2), float64
        Points in pixels from the top left of the picture.
    color : str
        ``"#rrggbb"``.
    width, opacity : float
        Pixels; 0 to 1.
    top, bottom : float
        The lines of the picture between which they are.
    """

    lines: tuple[NDArray[np.float64], ...]
    color: str
    width: float
    opacity: float
    top: float
    bottom: float


def strokes(outlines: Sequence[Outline], view: View, *, width: float, height: float, scale: float, ground: str) -> list[Stroke]:
    """Place outlines in a picture.

    Parameters
    ----------
    outlines : sequence of Outline
        Those of the map.
    view : View
        What the picture shows.
    width, height : float
        Pixels of the map.
    scale : float
        Pixels of the picture for one on screen.
    ground : str
        ``"#rrggbb"`` behind the map.

    Returns
    -------
    list of Stroke
        First what is around every line in the color of the ground, then the lines; without those that are not in the picture.
    """
    scale = max(scale, _SHRINKS)
    steps = np.array([width / view.span[0], -height / view.span[1]])
    halos, found = [], []
    for outline in outlines:
        wide, opacity = (_THICK, 1.0) if outline.share <= _HALF else (_THIN, _FAINT)
        most = (wide + 2 * _HALO) * scale
        placed = tuple((line.astype(np.float64) - (view.x0, view.y1)) * steps for line in outline.lines)
        lines = tuple(line for line in placed if _is_seen(line, width, height, most))
        if lines:
            top, bottom = min(line[:, 1].min() for line in lines) - most, max(line[:, 1].max() for line in lines) + most
            halos.append(Stroke(lines, ground, most, _HALO_OPACITY, float(top), float(bottom)))
            found.append(halos[-1]._replace(color=readable(outline.color, ground, contrast=CONTRAST), width=wide * scale, opacity=opacity))
    return halos + found


def trace(band: NDArray[np.uint8], top: int, placed: Sequence[Stroke]) -> NDArray[np.uint8]:
    """Draw contours onto a band of the picture.

    Parameters
    ----------
    band : ndarray of shape (lines, width, 4), uint8
        Straight alpha; is not changed.
    top : int
        Its first line in the picture.
    placed : sequence of Stroke
        Of the whole picture.
    """
    height, width, _ = band.shape
    here = [stroke for stroke in placed if stroke.top < top + height and stroke.bottom > top]
    if not here:
        return band
    drawn = Tracing(width, height)
    for stroke in here:
        drawn.lines([line - (0, top) for line in stroke.lines], color=stroke.color, width=stroke.width, opacity=stroke.opacity)
    rgba = drawn.rgba
    touched = np.nonzero(rgba[..., 3])  # few of its pixels: the others stay as they are
    traced = band.copy()
    traced[touched] = over(rgba[touched], band[touched])
    return traced


def _is_seen(line: NDArray[np.float64], width: float, height: float, reach: float) -> bool:
    low, high = line.min(axis=0) - reach, line.max(axis=0) + reach
    return bool((high > 0).all() and low[0] < width and low[1] < height)
