"""One picture of a map for one browser: drawn, encoded to fit its way there, and knowing its rows; knows no session and no widget."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer import settings
from explorer.render.encode import JPEG, LOSSLESS, encode_jpeg, encode_lossless, encode_small
from explorer.render.frame import Frame, FrameRequest, render
from explorer.render.pick import nearest_row
from explorer.render.view import View
from explorer.turning import Pose

__all__ = ["COARSEST", "SIDE_MOST", "Drawable", "Picture", "PictureRequest", "draw", "draw_still"]

SIDE_MOST = 4096
"""Pixels of a picture on screen."""
_MOVING_ROWS = 3_000_000  # rows drawn in a picture while something moves; a fair sample of more
_NAME_MOST = 200  # characters of a name in a picture's header, whose length has to fit into two bytes
_PICK_PX = 8  # how far from the pointer a row may be, in CSS pixels

_USUAL_AREA = 900 * 700  # CSS pixels; the limits below are for a map of this size, a larger one may have more in proportion
_MOVING_BYTES = 149_500  # with its header at most 150 kB
_TRAVELING_BYTES = 110_000  # so that the second between two layouts has at most 6 MB
_REST_BYTES = 600_000
_PIECE_TIMES = 2  # on a slow way, a piece of the picture at rest may weigh so many times what one in motion may
_LEAST_BYTES = 4_000
_PIECES_MOST = 64
_SMALLER = 0.8  # of the quick encoding's bytes, what the thorough one needs at most; measured 0.71 to 0.8


class _Detail(NamedTuple):
    """How fine a picture in motion is: pixels a CSS pixel, and JPEG quality; each step down has about two thirds of the bytes."""

    ratio: float
    quality: int


_DETAILS = (
    _Detail(1.0, 85),
    _Detail(1.0, 70),
    _Detail(0.8, 65),
    _Detail(0.62, 60),
    _Detail(0.48, 55),
    _Detail(0.36, 50),
    _Detail(0.26, 45),
    _Detail(0.18, 40),
)
COARSEST = len(_DETAILS) - 1


class PictureRequest(NamedTuple):
    """A picture that a browser asks for.

    ``width`` and ``height`` in CSS pixels, ``ratio`` device pixels each; ``background`` is the color behind the map; ``budget`` bytes are
    what the way to the browser carries quickly, none where nothing is known of it. ``journey`` is the number of the journey that the map
    is on, zero where it is on none, and ``t`` where on it. ``pose`` is how a layout of more than two dimensions is to be seen; none
    where as it stands.
    """

    client: str
    id: int
    view: View
    width: float
    height: float
    ratio: float
    moving: bool
    background: str
    budget: int | None = None
    journey: int = 0
    t: float = 0.0
    pose: Pose | None = None

    @property
    def on_the_way(self) -> bool:
        """Whether this is between two layouts."""
        return self.journey != 0 and 0 < self.t < 1

    @property
    def bytes_most(self) -> int:
        """What one message with a picture, or with a piece of one, may weigh."""
        size = max(1.0, self.width * self.height / _USUAL_AREA)
        quickly = math.inf if self.budget is None or self.budget >= _MOVING_BYTES else max(self.budget, _LEAST_BYTES)
        most = _TRAVELING_BYTES if self.on_the_way else _MOVING_BYTES
        return round(min(most * size, quickly) if self.moving else min(_REST_BYTES * size, _PIECE_TIMES * quickly))


class Drawable(Protocol):
    """What is on a map, frozen at a moment."""

    @property
    def name(self) -> str:
        """What the data is called."""
        ...

    @property
    def title(self) -> str:
        """What the layout is called."""
        ...

    @property
    def in_progress(self) -> bool:
        """Whether the layout is being computed."""
        ...

    @property
    def n_indexed(self) -> int:
        """How many rows a picture reads at most."""
        ...

    @property
    def home(self) -> View:
        """The first view."""
        ...

    @property
    def point_size(self) -> float | None:
        """Diameter of a row in CSS pixels; none for automatic."""
        ...

    @property
    def told(self) -> Mapping[str, Any]:
        """What a browser is told of how the layout is seen, where it can be turned."""
        ...

    def request(self, view: View, width: int, height: int, **how: Any) -> FrameRequest:
        """Say what a picture of a part of this needs; ``how`` is the rest of what a request has."""
        ...


_Scene = TypeVar("_Scene", bound=Drawable)


class Picture(NamedTuple, Generic[_Scene]):
    """A picture for a browser, and what is under its pixels.

    ``pieces`` are image files, each a strip of the whole width, from top to bottom; ``tops`` are their first lines. ``coarseness`` counts
    from 0, the finest a picture in motion can be; ``size`` is width and height in pixels.
    """

    request: PictureRequest
    scene: _Scene
    view: View
    size: tuple[int, int]
    pieces: Sequence[bytes]
    tops: Sequence[int]
    mime: str
    row_ids: NDArray[np.int32] | None
    n_visible: int
    coarseness: int = 0

    def message(self, push: int, piece: int = 0, *, seconds: float = 0.0) -> bytes:
        """Pack a piece: two bytes of header length, the header as JSON, the image file.

        Parameters
        ----------
        push : int
            Counts what was sent, also unasked.
        piece : int
            Which of the pieces.
        seconds : float
            How long the server took: the rest is the way.
        """
        asked, view = self.request, self.view
        title, name = self.scene.title[:_NAME_MOST], self.scene.name[:_NAME_MOST]
        head = {
            "client": asked.client,
            "id": asked.id,
            "push": push,
            "moving": asked.moving,
            "type": self.mime,
            "x0": view.x0,
            "x1": view.x1,
            "y0": view.y0,
            "y1": view.y1,
            "width": self.size[0],
            "height": self.size[1],
            "piece": piece,
            "pieces": len(self.pieces),
            "top": self.tops[piece],
            "ms": round(1000 * seconds, 1),
            "journey": asked.journey,
            "t": asked.t,
            "live": self.scene.in_progress,
            **self.scene.told,
            "visible": self.n_visible,
            "alt": f"{title} map of {name}: {self.n_visible:,} rows in view",
        }
        written = json.dumps(head).encode()
        return len(written).to_bytes(2, "big") + written + self.pieces[piece]

    def row_at(self, x: float, y: float) -> int | None:
        """Find the row nearest to a place in layout units, within a few pixels; None where there is none."""
        if self.row_ids is None:
            return None
        height, width = self.row_ids.shape
        span_x, span_y = self.view.span
        found = nearest_row(
            self.row_ids,
            (x - self.view.x0) / span_x * width,
            (self.view.y1 - y) / span_y * height,
            _PICK_PX * width / max(self.request.width, 1.0),
        )
        return None if found < 0 else found


def draw(scene: _Scene, asked: PictureRequest, *, coarseness: int = 0) -> Picture[_Scene]:
    """Draw and encode one picture: while something moves a JPEG, at rest a lossless one that knows its rows.

    Parameters
    ----------
    scene : Drawable
        What is on the map.
    asked : PictureRequest
        Which part of it, and what the way carries. A picture in motion gets coarser until it fits, one at rest goes in pieces.
    coarseness : int
        Where to begin with a picture in motion: that of the last one which this browser got.
    """
    return _moving(scene, asked, coarseness) if asked.moving else _at_rest(scene, asked)


def draw_still(scene: Drawable, width: int, height: int) -> bytes:
    """Draw the whole map for a page that cannot ask yet: a transparent WebP of at most so many pixels, in the map's own proportions."""
    home = scene.home.sane()
    frame = _render(scene, PictureRequest("", 0, home.fitted(width, height), width, height, 1.0, moving=False, background="#ffffff"), 1.0)
    scale = min(width / home.span[0], height / home.span[1])
    left, top = (round((all_ - side * scale) / 2) for all_, side in zip((width, height), home.span, strict=True))
    return encode_small(replace(frame, rgba=np.ascontiguousarray(frame.rgba[top : height - top, left : width - left])))


def _moving(scene: _Scene, asked: PictureRequest, coarseness: int) -> Picture[_Scene]:
    level, most = min(max(coarseness, 0), COARSEST), asked.bytes_most
    frame, drawn = None, 0.0
    while True:
        detail = _DETAILS[level]
        ratio = min(detail.ratio, asked.ratio)
        if frame is None or ratio != drawn:
            frame, drawn = _render(scene, asked, ratio), ratio
        data = encode_jpeg(frame, quality=detail.quality)
        if len(data) <= most or level == COARSEST:
            break
        level += 1
    if level and len(data) < most / 2:  # the next one may be finer
        level -= 1
    return _picture(scene, asked, frame, [data], [0], JPEG)._replace(coarseness=level)


def _at_rest(scene: _Scene, asked: PictureRequest) -> Picture[_Scene]:
    ratio = min(max(asked.ratio, 1.0), settings.pixel_ratio())
    frame = _render(scene, asked, ratio)
    whole = encode_lossless(frame)
    if len(whole) <= asked.bytes_most:
        return _picture(scene, asked, frame, [whole], [0], LOSSLESS)
    n_pieces = min(math.ceil(_SMALLER * len(whole) / asked.bytes_most), _PIECES_MOST, len(frame.rgba))
    tops = [len(frame.rgba) * piece // n_pieces for piece in range(n_pieces)]
    ends = [*tops[1:], len(frame.rgba)]
    pieces = [encode_lossless(replace(frame, rgba=frame.rgba[top:end]), small=True) for top, end in zip(tops, ends, strict=True)]
    return _picture(scene, asked, frame, pieces, tops, LOSSLESS)


def _render(scene: Drawable, asked: PictureRequest, ratio: float) -> Frame:
    width, height = (min(max(round(side * ratio), 1), SIDE_MOST) for side in (asked.width, asked.height))
    return render(
        scene.request(
            asked.view,
            width,
            height,
            point_px=None if scene.point_size is None else scene.point_size * ratio,
            pixel_ratio=ratio,
            step=max(1, scene.n_indexed // _MOVING_ROWS) if asked.moving else 1,
            row_ids=not asked.moving,
            background=asked.background if asked.moving else None,
        )
    )


def _picture(
    scene: _Scene, asked: PictureRequest, frame: Frame, pieces: Sequence[bytes], tops: Sequence[int], mime: str
) -> Picture[_Scene]:
    height, width = frame.rgba.shape[:2]
    return Picture(asked, scene, frame.view, (width, height), pieces, tops, mime, frame.row_ids, frame.n_visible)
