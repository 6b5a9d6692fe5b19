"""Everything one picture of a map depends on, frozen at a moment; draws in any thread and knows no session and no widget."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring
from explorer.compute.projections import Layout
from explorer.render.color import ByCategory, ByNumber, Color, RowMask
from explorer.render.encode import JPEG, LOSSLESS, encode_jpeg, encode_lossless
from explorer.render.frame import FrameRequest, render
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization
from explorer.render.pick import nearest_row
from explorer.render.view import View

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Picture", "PictureRequest", "Run", "Scene", "Shown", "draw", "stage"]

_RATIO_MOST = 2.0  # device pixels a CSS pixel; a finer picture costs more than it shows
_SIDE_MOST = 4096  # pixels
_MOVING_ROWS = 3_000_000  # rows drawn in a picture while something moves; a fair sample of more
_NAME_MOST = 200  # characters of a name in a picture's header, whose length has to fit into two bytes
_PICK_PX = 8  # how far from the pointer a row may be, in CSS pixels


class Run(NamedTuple):
    """A layout that can be shown at once: it came with the data, or is in the store."""

    title: str
    method: str | None
    settings: Mapping[str, Any]
    given: int | None  # position in ``dataset.layouts``; None for a layout of the store


@dataclass(frozen=True, eq=False)
class Shown:
    """The layout on the map, with its index for drawing."""

    run: Run
    layout: Layout
    index: LayoutIndex


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on a map: rows, colors, opacity, selection; immutable."""

    dataset: Dataset
    shown: Shown
    coloring: Coloring
    color: Color
    normalization: Normalization
    selected: RowMask | None
    selection_mask: NDArray[np.bool_] | None
    point_size: float | None


class PictureRequest(NamedTuple):
    """A picture that a browser asks for: a view, a size in CSS pixels, and the color behind it."""

    client: str
    id: int
    view: View
    width: float
    height: float
    ratio: float
    moving: bool
    background: str


class Picture(NamedTuple):
    """A picture for a browser, and what is under its pixels."""

    request: PictureRequest
    scene: Scene
    view: View
    data: bytes
    mime: str
    row_ids: NDArray[np.int32] | None
    n_visible: int

    def message(self, push: int) -> bytes:
        """Pack the picture: two bytes of header length, the header as JSON, the image file; ``push`` counts what was sent unasked."""
        asked, view = self.request, self.view
        title, name = self.scene.shown.run.title[:_NAME_MOST], self.scene.dataset.name[:_NAME_MOST]
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
            "alt": f"{title} map of {name}: {self.n_visible:,} rows in view",
        }
        written = json.dumps(head).encode()
        return len(written).to_bytes(2, "big") + written + self.data

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


def stage(
    dataset: Dataset,
    shown: Shown,
    coloring: Coloring,
    *,
    density: Literal["log", "equalized", "linear"],
    point_size: float | None,
    mask: NDArray[np.bool_] | None,
    before: Scene | None = None,
) -> Scene:
    """Prepare a scene; what an earlier scene already prepared is used again.

    Parameters
    ----------
    dataset, shown, coloring
        What is drawn.
    density : {"log", "equalized", "linear"}
        How the number of rows in a pixel becomes opacity.
    point_size : float or None
        Diameter of a row in pixels; None for automatic.
    mask : ndarray of shape (n_rows,), bool, or None
        The selected rows; None where nothing is selected.
    before : Scene, optional
        The scene on screen.
    """
    index = shown.index
    known = before if before is not None and before.shown is shown else None
    if known is not None and known.coloring is coloring:
        color = known.color
    elif coloring.kind == "number":
        color = ByNumber.of(index, coloring.values, low=coloring.low, high=coloring.high, lut=coloring.lut)
    else:
        color = ByCategory.of(index, coloring.slots, coloring.lut)
    same_density = known is not None and known.normalization.how == density
    normalization = known.normalization if known is not None and same_density else Normalization.of(index, density)
    if mask is None:
        selected = None
    elif known is not None and known.selection_mask is mask:
        selected = known.selected
    else:
        selected = RowMask.of(index, mask)
    return Scene(dataset, shown, coloring, color, normalization, selected, mask, point_size)


def draw(scene: Scene, asked: PictureRequest) -> Picture:
    """Draw and encode one picture: while something moves a JPEG, at rest a lossless one that knows its rows."""
    ratio = min(max(asked.ratio, 1.0), _RATIO_MOST) if not asked.moving else 1.0
    width, height = (min(max(round(side * ratio), 1), _SIDE_MOST) for side in (asked.width, asked.height))
    frame = render(
        FrameRequest(
            index=scene.shown.index,
            view=asked.view,
            width=width,
            height=height,
            color=scene.color,
            normalization=scene.normalization,
            selected=scene.selected,
            point_px=None if scene.point_size is None else scene.point_size * ratio,
            pixel_ratio=ratio,
            step=max(1, len(scene.shown.index) // _MOVING_ROWS) if asked.moving else 1,
            row_ids=not asked.moving,
        )
    )
    if asked.moving:
        data, mime = encode_jpeg(frame, background=asked.background), JPEG
    else:
        data, mime = encode_lossless(frame), LOSSLESS
    return Picture(asked, scene, frame.view, data, mime, frame.row_ids, frame.n_visible)
