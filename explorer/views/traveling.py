"""What a browser is told of a journey between two layouts: how long it takes, where to look at last, and the ways of selected rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.render.view import View

if TYPE_CHECKING:
    from explorer.journey import Journey
    from explorer.scene import Scene

__all__ = ["TRAVEL_MS", "journey_message", "ring_message"]

TRAVEL_MS = 1_100
"""From one layout to another."""

_TRAILS = 150  # of selected rows; of more, every so many-th


def journey_message(
    journey: Journey, scene: Scene, view: View | None, *, plays: bool, heading: View | tuple[()] | None = None
) -> dict[str, Any]:
    """Say what a browser needs to show a journey; for a thread.

    Parameters
    ----------
    journey : Journey
        From what is on the map.
    scene : Scene
        What is on the map, with the selected rows.
    view : View or None
        What the browser looks at now; none where it has not said so.
    plays : bool
        Whether the journey begins at once.
    heading : View or (), optional
        The part that the browser looks at in the end, () for all: by default that with the rows which it looks at now.
    """
    made: dict[str, Any] = {"type": "journey", "number": journey.number, "plays": plays, "ms": TRAVEL_MS, "view": None}
    if view is not None:
        made["view"] = [float(end) for end in heading or journey.course.view_after(view)]
        made["whole"] = journey.course.times_whole(view) if heading is None else int(heading == ())
        made["heads"] = heading is not None
        made["homes"] = [[float(end) for end in home] for home in (journey.course.start.home, journey.course.end_home)]
    return {**made, "trails": _trails(journey, scene)}


def ring_message(scene: Scene | None, row: int | None, journey: Journey | None) -> dict[str, Any]:
    """Say where the ring of the row under the pointer is."""
    place = None if scene is None or row is None or row >= scene.dataset.n_rows else scene.shown.place(row)
    if place is None or row is None:
        return {"type": "ring", "x": None, "y": None}
    way = [] if journey is None else journey.ways([row])[0].tolist()
    at = scene.shown.in_space(row) if scene is not None else []
    return {
        "type": "ring",
        "x": place[0],
        "y": place[1],
        **({"at": at} if at else {}),
        **({"way": way} if way and np.isfinite(way).all() else {}),
    }


def _trails(journey: Journey, scene: Scene) -> list[list[float]]:
    if scene.selection_mask is None:
        return []
    mask = scene.selection_mask if scene.shown_mask is None else scene.selection_mask & scene.shown_mask
    rows = np.flatnonzero(mask)
    ways = journey.ways(rows[:: max(1, -(-len(rows) // _TRAILS))])
    return [way for way in ways.tolist() if np.isfinite(way).all()]
