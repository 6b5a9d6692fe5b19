"""A map as a picture file: any width up to 8,000 pixels, with a title and a legend; runs in any thread and knows no session and no widget.

``write_picture(file, scene, window, ...)`` draws what a browser's window shows, only sharper: a row is as large relative to the picture as
it is on screen. Title above, legend below; the map is as wide as the picture. It is drawn and written in bands from top to bottom, so the
memory is that of one band: about 0.2 GB at 8,000 pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.data.export import check_target, unfinished
from explorer.errors import BadParameter, UnknownChoice
from explorer.labels import Label, Labeler
from explorer.outlines import Outline, Outliner
from explorer.picture import SIDE_MOST
from explorer.picture_labels import label_stamps, press
from explorer.picture_outlines import strokes, trace
from explorer.picture_words import Words, legend_strip, title_strip
from explorer.render.color import rgb
from explorer.render.frame import Frame, render
from explorer.render.png import write_png
from explorer.render.shade import blend
from explorer.render.view import View
from explorer.scene import Scene
from explorer.view_rows import rows_in_view

__all__ = ["BACKGROUNDS", "WIDEST", "Background", "Window", "ink_on", "on_ground", "save_picture", "usual_point", "write_picture"]

WIDEST: Final = 8_000
"""Pixels."""
BACKGROUNDS: Final = ("page", "white", "transparent")
Background = Literal["page", "white", "transparent"]

_HIGHEST = 20_000  # pixels of the map
_USUAL = 900.0, 700.0  # CSS pixels of a map that no browser shows
_WIDER = 2  # times the width on screen, by default
_BAND_PIXELS = 4_000_000
_BAND_ROWS = 500_000
_FLATTEST = 1e-6  # of a view relative to its place: flatter ones are not cut, their bands would be too flat to be drawn


class Window(NamedTuple):
    """What a browser shows of a map, and how large.

    ``width`` and ``height`` in CSS pixels, ``ratio`` device pixels each; ``background`` is ``"#rrggbb"`` of the page behind the map.
    """

    view: View
    width: float = _USUAL[0]
    height: float = _USUAL[1]
    ratio: float = 1.0
    background: str = "#ffffff"


def write_picture(
    file: BinaryIO,
    scene: Scene,
    window: Window,
    *,
    width: int | None = None,
    background: Background = "page",
    title: str | None = None,
    legend: bool = True,
    labels: Labeler | None = None,
    contours: Outliner | None = None,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> None:
    """Write a PNG file of what a window shows.

    Parameters
    ----------
    file : binary file
        Open for writing.
    scene : Scene
        What is on the map: colors, selection and hidden categories are as on screen. The rings around a clicked row are not drawn.
    window : Window
        What is on screen. The map keeps its proportions, to the pixel, and an equal scale on both axes.
    width : int, optional
        Pixels, from 1 to 8,000; twice the width on screen by default.
    background : {"page", "white", "transparent"}
        What is behind the rows; "page" is the color on screen.
    title : str, optional
        The first line; the dataset's name by default, no lines at all when empty. A second line says which layout this is, what colors it
        and how many rows it shows.
    legend : bool
        Whether the colors are explained. A picture narrower than 120 pixels has no room for words.
    labels : callable, optional
        Gives what is named on the map, as far as it has room; see :func:`explorer.labels.wanted_labels`.
    contours : callable, optional
        Gives what has lines around it; see :func:`explorer.outlines.wanted_outlines`.
    report, should_stop
        Called at each band.

    Raises
    ------
    BadParameter
        If there can be no picture of this width.
    UnknownChoice
        If there is no such background.
    """
    if background not in BACKGROUNDS:
        raise UnknownChoice("background", background, BACKGROUNDS)
    window = _sane(window)
    width, height = _size(window, width)
    scale = width / window.width
    ground = {"page": window.background, "white": "#ffffff", "transparent": None}[background]
    words = Words(width, scale, ink=ink_on(ground or window.background))
    rows = rows_in_view(scene, window.view)
    name = scene.dataset.name if title is None else title
    above = title_strip(words, scene, rows, name) if name else None
    below = legend_strip(words, scene, most_height=height // 3) if legend else None
    named = [] if labels is None else labels()
    outlined = [] if contours is None else contours()
    behind = ground or window.background
    strips = [strip for strip in (above, below) if strip is not None]

    def bands() -> Iterator[NDArray[np.uint8]]:
        if above is not None:
            yield on_ground(above, ground)
        for done, band in _map_bands(scene, window, width, height, n_rows=len(rows), labels=named, outlines=outlined, ground=behind):
            if should_stop():
                raise Stopped
            yield on_ground(band, ground)
            report("picture", done)
        if below is not None:
            yield on_ground(below, ground)

    write_png(
        file,
        bands(),
        width=width,
        height=height + sum(len(strip) for strip in strips),
        channels=4 if ground is None else 3,
        texts={"Title": name or scene.dataset.name, "Software": "Explorer"},
    )


def save_picture(path: str | os.PathLike[str], scene: Scene, window: Window, **options: Any) -> None:
    """Write a PNG file, see :func:`write_picture`; it appears complete or not at all.

    Raises
    ------
    BadParameter, UnknownChoice
        If there can be no such picture.
    UnknownFormat
        If the path does not end with .png.
    Unwritable
        If there is no such folder, or it takes no file.
    """
    check_target(path, endings=(".png",))
    with unfinished(path) as file, file.open("wb") as out:
        write_picture(out, scene, window, **options)


def usual_point(scene: Scene, window: Window) -> float:
    """Find how large a row is on screen, in CSS pixels."""
    ratio = min(max(window.ratio, 1.0), settings.pixel_ratio())
    width, height = (min(max(round(side * ratio), 1), SIDE_MOST) for side in (window.width, window.height))
    asked = None if scene.point_size is None else scene.point_size * ratio
    frame = _frame(scene, window.view, width, height, point_px=asked, pixel_ratio=ratio, always_discs=False)
    return frame.point_px / ratio


def on_ground(strip: NDArray[np.uint8], ground: str | None) -> NDArray[np.uint8]:
    """Blend with an opaque color, to (lines, width, 3); leave as it is on none."""
    if ground is None:
        return strip
    opaque = np.empty((strip.shape[0] * strip.shape[1], 4), np.uint8)
    red, green, blue = map(np.uint32, rgb(ground))
    blend(strip.reshape(-1, 4), red, green, blue, opaque)
    return opaque.reshape(strip.shape)[..., :3]


def ink_on(color: str) -> str:
    """Choose the color of text on a ground."""
    red, green, blue = rgb(color)
    return "#f5f5f5" if 0.299 * red + 0.587 * green + 0.114 * blue < 128 else "#1a1a1a"  # noqa: PLR2004


def _sane(window: Window) -> Window:
    width, height = (max(side, 1.0) for side in (window.width, window.height))
    return window._replace(view=window.view.sane(), width=width, height=height)


def _size(window: Window, width: int | None) -> tuple[int, int]:
    """Give width and height of the map in pixels."""
    most = min(WIDEST, math.floor(_HIGHEST * window.width / window.height)) or 1
    if width is None:
        width = min(max(round(_WIDER * window.width), 1), most)
    if isinstance(width, bool) or not 1 <= width <= WIDEST or int(width) != width:
        raise BadParameter("width", width, f"give a whole number of pixels from 1 to {WIDEST:,}.")
    if width > most:
        raise BadParameter("width", width, f"the map is so much higher than wide that the picture may be {most:,} pixels wide at most.")
    return int(width), max(round(width * window.height / window.width), 1)


def _map_bands(
    scene: Scene,
    window: Window,
    width: int,
    height: int,
    *,
    n_rows: int,
    labels: Sequence[Label],
    outlines: Sequence[Outline],
    ground: str,
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Draw the map from top to bottom: how much is done, and a band of it, uint8 (lines, width, 4)."""
    scale = width / window.width
    view = window.view.fitted(width, height)
    point_px = usual_point(scene, window) * scale
    n_bands = max(math.ceil(width * height / _BAND_PIXELS), math.ceil(n_rows / _BAND_ROWS) if point_px > 1 else 1)
    _, unit = view.span
    if unit < _FLATTEST * max(abs(view.y0), abs(view.y1)):
        n_bands = 1
    n_bands = min(n_bands, height)
    stamps = label_stamps(labels, view, width=width, height=height, scale=scale, ground=ground)
    lines = strokes(outlines, view, width=width, height=height, scale=scale, ground=ground)
    ends = [height * band // n_bands for band in range(n_bands + 1)]
    for top, bottom in pairwise(ends):
        part = View(view.x0, view.x1, view.y1 - unit * bottom / height, view.y1 - unit * top / height) if n_bands > 1 else view
        drawn = _frame(scene, part, width, bottom - top, point_px=max(point_px, 1.0), pixel_ratio=scale).rgba
        yield bottom / height, press(trace(drawn, top, lines), top, stamps)


def _frame(
    scene: Scene, view: View, width: int, height: int, *, point_px: float | None, pixel_ratio: float, always_discs: bool = True
) -> Frame:
    request = scene.request(view, width, height, point_px=point_px, always_discs=always_discs, pixel_ratio=pixel_ratio)
    return render(request)
