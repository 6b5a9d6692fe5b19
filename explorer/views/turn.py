"""What a browser is told of a layout that can be turned: how it is seen, and what it is in other dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.compute.projection import PLANE
from explorer.dimensions import counterpart
from explorer.render.camera import PERSPECTIVE
from explorer.turning import Turned

if TYPE_CHECKING:
    from explorer.plane import Plane
    from explorer.session import Session

__all__ = ["turn_message"]


def turn_message(session: Session, plane: Plane) -> dict[str, Any]:
    """Say what a browser needs to turn what is on a map; empty where there is no map.

    Returns
    -------
    dict
        ``dims`` of the layout, ``other`` (what pressing "3-D" does, a sentence) and ``possible`` (whether it does anything). Of a layout of
        more than two dimensions also ``solid``, its number, the ``camera`` as :meth:`explorer.render.camera.Camera.numbers` gives it,
        ``center`` and ``radius`` of its rows, ``perspective``, the usual one, and ``depth_cue``.
    """
    scene, dataset = plane.scene, session.dataset
    if scene is None or dataset is None or scene.dataset is not dataset or plane.run is None:
        return {}
    found = counterpart(scene.shown.run, session.runs, dataset)
    told: dict[str, Any] = {"dims": PLANE, "other": found.sentence, "possible": found.run is not None or found.projection is not None}
    if not isinstance(scene.shown, Turned):
        return told
    solid = scene.shown.solid
    return {
        **told,
        **scene.shown.told,
        "dims": solid.n_dims,
        "center": [float(middle) for middle in solid.cloud.center],
        "radius": solid.cloud.radius,
        "perspective": PERSPECTIVE,
        "depth_cue": session.appearance.depth_cue,
    }
