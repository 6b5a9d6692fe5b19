"""The labels of a map, for its picture layer: told once for a layout and a grouping; which of them have room, each browser decides.

They are found and written in a thread. The event loop hands two texts to the browser.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.journey import OnTheWay
from explorer.labels import told_labels, wanted_labels

if TYPE_CHECKING:
    from explorer.labels import Labeler
    from explorer.plane import Plane
    from explorer.scene import Scene
    from explorer.session import Session
    from explorer.views.picture_layer import PictureLayer

__all__ = ["Labeling", "time_on"]

_TOOLS_PX = 44  # at the left of the first map, where its tools are


class Labeling:
    """Keeps the labels of one map as what it shows, and as a person wants them."""

    def __init__(self, session: Session, plane: Plane, layer: PictureLayer) -> None:
        self._session, self._plane, self._layer = session, plane, layer
        self._asked = 0  # counts: a late answer to an old question is dropped
        self._scene: Scene | None = None  # whose labels were told
        session.appearance.param.watch(self._update, ["labels"])
        session.clustering.param.watch(self._update, ["names"])
        plane.param.watch(self._update, ["scene", "journey"])
        self._update()

    def _update(self, *_: object) -> None:
        scene, before = self._plane.scene, self._scene
        self._asked += 1
        session = self._session
        make = None if scene is None else wanted_labels(scene, session.appearance.labels, session.clustering.clusters)
        if scene is None or make is None:
            self._take({}, self._asked, None)
            return
        if before is not None and (before.shown is not scene.shown or before.dataset is not scene.dataset):
            self._take({}, self._asked, None)  # they are of another layout
        write, take = partial(_told, make), partial(self._take, scene=scene)
        session.in_thread("label the map", self._asked, lambda: self._asked, write, take, self._fail)

    def _take(self, told: dict[str, Any], number: int, scene: Scene | None) -> None:
        if number != self._asked:
            return
        self._scene = scene
        if told:
            journey, t = time_on(self._plane, scene)
            told = {**told, "journey": journey, "t": t, "left": _TOOLS_PX if self._plane is self._session.planes[0] else 0}
        if told != self._layer.labels:
            self._layer.labels = told

    def _fail(self, sentence: str, _: int) -> None:
        self._session.error = sentence


def _told(make: Labeler) -> dict[str, Any]:
    return told_labels(make())


def time_on(plane: Plane, scene: Scene | None) -> tuple[int, float]:
    """Say on which journey a map is, and where on it a scene is."""
    journey = plane.journey
    if journey is None or scene is None:
        return 0, 0.0
    shown = scene.shown
    if isinstance(shown, OnTheWay) and shown.course is journey.course:
        return journey.number, shown.t
    return journey.number, 0.0 if shown is journey.start else 1.0
