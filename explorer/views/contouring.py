"""The contours of a map, for its picture layer: told once for a layout and a grouping; each browser draws them as near as one looks."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.outlines import Outline, wanted_outlines
from explorer.views.labeling import time_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.plane import Plane
    from explorer.scene import Scene
    from explorer.session import Session
    from explorer.views.picture_layer import PictureLayer

__all__ = ["Contouring", "contours_message"]


class Contouring:
    """Keeps the contours of one map as what it shows, and as a person wants them."""

    def __init__(self, session: Session, plane: Plane, layer: PictureLayer) -> None:
        self._session, self._plane, self._layer = session, plane, layer
        self._asked = 0  # counts: a late answer to an old question is dropped
        self._scene: Scene | None = None  # whose contours were told
        session.appearance.param.watch(self._update, ["contours"])
        session.clustering.param.watch(self._update, ["tree", "names"])
        plane.param.watch(self._update, ["scene", "journey"])
        self._update()

    def _update(self, *_: object) -> None:
        scene, before = self._plane.scene, self._scene
        self._asked += 1
        session = self._session
        find = None if scene is None else wanted_outlines(scene, session.appearance.contours, session.clustering.clusters)
        if scene is None or find is None:
            self._take({}, self._asked, None)
            return
        if before is not None and (before.shown is not scene.shown or before.dataset is not scene.dataset):
            self._take({}, self._asked, None)  # they are of another layout
        journey, t = time_on(self._plane, scene)

        def make() -> dict[str, Any]:
            return contours_message(find(), journey, t)

        session.in_thread("find contours", self._asked, lambda: self._asked, make, partial(self._take, scene=scene), self._fail)

    def _take(self, told: dict[str, Any], number: int, scene: Scene | None) -> None:
        if number != self._asked:
            return
        self._scene = scene
        if told != self._layer.contours:
            self._layer.contours = told

    def _fail(self, sentence: str, _: int) -> None:
        self._session.error = sentence


def contours_message(outlines: Sequence[Outline], journey: int = 0, t: float = 0.0) -> dict[str, Any]:
    """Tell a browser which lines to draw on its map; nothing where there are none.

    Points are told from a place in their midst, so that single precision is enough however far the map is from zero.
    """
    if not outlines:
        return {}
    middle = outlines[0].lines[0][0].astype(np.float64)
    told = []
    for outline in outlines:
        points = (np.concatenate(outline.lines) - middle).astype("<f4")
        data = base64.b64encode(points.tobytes()).decode("ascii")
        told.append([outline.name, outline.color, outline.share, [len(line) for line in outline.lines], data])
    return {"outlines": told, "journey": journey, "t": t, "origin": middle.tolist()}
