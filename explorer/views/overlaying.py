"""What is drawn over the picture of a map, told once for a layout and a grouping: each browser draws it as near as one looks.

It is found and written in a thread. The event loop only hands it to the browser.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from explorer.journey import OnTheWay

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.plane import Plane
    from explorer.scene import Scene
    from explorer.session import Session
    from explorer.views.picture_layer import PictureLayer

__all__ = ["Overlaying"]


class Overlaying(ABC):
    """Keeps what is drawn over one map as what that shows, and as a person wants it.

    Parameters
    ----------
    session : Session
    plane : Plane
        The map.
    layer : PictureLayer
        What shows it.
    """

    name: ClassVar[str]
    """The param of the appearance that says what is wanted, and of the layer that is told."""

    work: ClassVar[str]
    """What finding it is called."""

    def __init__(self, session: Session, plane: Plane, layer: PictureLayer) -> None:
        self.session, self.plane, self._layer = session, plane, layer
        self._asked = 0  # counts: a late answer to an old question is dropped
        self._scene: Scene | None = None  # of which it was told
        session.appearance.param.watch(self._update, [self.name])
        session.clustering.param.watch(self._update, ["tree", "names"])
        plane.param.watch(self._update, ["scene", "journey"])
        self._update()

    @abstractmethod
    def wanted(self, scene: Scene) -> Callable[[], dict[str, Any]] | None:
        """Say what finds what the browser is told of a scene, for a thread; None where nothing is wanted."""

    def seat(self) -> dict[str, Any]:
        """Say what else the browser has to know."""
        return {}

    def _update(self, *_: object) -> None:
        scene, before = self.plane.scene, self._scene
        self._asked += 1
        make = None if scene is None else self.wanted(scene)
        if scene is None or make is None:
            self._take({}, self._asked, None)
            return
        if before is not None and (before.shown is not scene.shown or before.dataset is not scene.dataset):
            self._take({}, self._asked, None)  # it is of another layout
        self.session.in_thread(self.work, self._asked, lambda: self._asked, make, partial(self._take, scene=scene), self._fail)

    def _take(self, told: dict[str, Any], number: int, scene: Scene | None) -> None:
        if number != self._asked:
            return
        self._scene = scene
        if told:
            journey, t = _time_on(self.plane, scene)
            told = {**told, "journey": journey, "t": t, **self.seat()}
        if told != getattr(self._layer, self.name):
            setattr(self._layer, self.name, told)

    def _fail(self, sentence: str, _: int) -> None:
        self.session.error = sentence


def _time_on(plane: Plane, scene: Scene | None) -> tuple[int, float]:
    """Say on which journey a map is, and where on it a scene is."""
    journey = plane.journey
    if journey is None or scene is None:
        return 0, 0.0
    shown = scene.shown
    if isinstance(shown, OnTheWay) and shown.course is journey.course:
        return journey.number, shown.t
    return journey.number, 0.0 if shown is journey.start else 1.0
