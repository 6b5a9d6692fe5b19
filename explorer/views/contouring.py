"""The contours on a map, for its picture layer."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.outlines import Outline, Outliner, wanted_outlines
from explorer.views.overlaying import Overlaying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.scene import Scene

__all__ = ["Contouring", "contours_message"]


class Contouring(Overlaying):
    """Keeps the contours of one map."""

    name = "contours"
    work = "find contours"

    def wanted(self, scene: Scene) -> Callable[[], dict[str, Any]] | None:
        """See :meth:`Overlaying.wanted`."""
        find = wanted_outlines(scene, self.session.appearance.contours, self.session.clustering.clusters)
        return None if find is None else partial(_told, find)


def _told(find: Outliner) -> dict[str, Any]:
    return contours_message(find())


def contours_message(outlines: Sequence[Outline]) -> dict[str, Any]:
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
    return {"outlines": told, "origin": middle.tolist()}
