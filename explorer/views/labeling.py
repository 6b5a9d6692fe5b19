"""The names on a map, for its picture layer; which of them have room, each browser decides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.labels import told_labels, wanted_labels
from explorer.views.overlaying import Overlaying

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.labels import Labeler
    from explorer.scene import Scene

__all__ = ["Labeling"]

_TOOLS_PX = 44  # at the left of the first map, where its tools are


class Labeling(Overlaying):
    """Keeps the labels of one map."""

    name = "labels"
    work = "label the map"

    def wanted(self, scene: Scene) -> Callable[[], dict[str, Any]] | None:
        """See :meth:`Overlaying.wanted`."""
        make = wanted_labels(scene, self.session.appearance.labels, self.session.clustering.clusters)
        return None if make is None else partial(_told, make)

    def seat(self) -> dict[str, Any]:
        """See :meth:`Overlaying.seat`."""
        return {"left": _TOOLS_PX if self.plane is self.session.planes[0] else 0}


def _told(make: Labeler) -> dict[str, Any]:
    return told_labels(make())
