"""What is marked on a map for the clicked row: the row, its true neighbors, which of them the map kept and lost, and false ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from explorer.neighborhood import MapNeighbors, Neighbors
from explorer.views.card import title_of

if TYPE_CHECKING:
    from explorer.journey import Journey
    from explorer.scene import Scene

__all__ = ["marks_of"]

_LABELED = 12  # neighbors whose label is written on the map
_LABEL_MOST = 40  # characters


def marks_of(
    scene: Scene,
    row: int | None,
    found: Neighbors | None,
    on_map: MapNeighbors | None,
    hits: Sequence[int] = (),
    journey: Journey | None = None,
    new: Sequence[tuple[str, float, float]] = (),
) -> list[dict[str, Any]]:
    """List the marks of a map.

    Parameters
    ----------
    scene : Scene
        What is on the map.
    row : int or None
        The clicked row.
    found : Neighbors or None
        Its true nearest rows; those of another row are none.
    on_map : MapNeighbors or None
        What this map made of them; of other neighbors it is nothing.
    hits : sequence of int
        Rows that a search found.
    journey : Journey, optional
        What the map is on: the marks know their way, too.
    new : sequence of (str, float, float)
        New rows: what they are called, and where they are on this map.

    Returns
    -------
    list of dict
        ``row``, ``x``, ``y``, ``kind`` ("row", "neighbor", "kept", "lost", "false", "hit", or "new", whose ``row`` is -1), ``label``,
        ``faint`` for rows that are hidden or do not pass the filters, ``at`` (the coordinates in a layout of more than two
        dimensions, whose view may change), and ``way`` (see :meth:`Journey.ways`) where the map is on a journey.
        Rows that are not on this map have none.
    """
    marks: list[dict[str, Any]] = []
    shown = scene.shown_mask

    def mark(of: int, kind: str, *, labeled: bool = True) -> None:
        place = scene.shown.place(of)
        if place is not None:
            label = title_of(scene.dataset, of)[:_LABEL_MOST] if labeled else ""
            faint = shown is not None and not bool(shown[of])
            at = scene.shown.in_space(of)
            marks.append(
                {"row": of, "x": place[0], "y": place[1], "kind": kind, "label": label, "faint": faint, **({"at": at} if at else {})}
            )

    _mark_all(mark, row, found, on_map, hits)
    if journey is not None and marks:
        for each, way in zip(marks, journey.ways([each["row"] for each in marks]).tolist(), strict=True):
            if all(map(math.isfinite, way)):
                each["way"] = way
    for at, (title, x, y) in enumerate(new):
        marks.append({"row": -1, "x": x, "y": y, "kind": "new", "label": title[:_LABEL_MOST] if at < _LABELED else "", "faint": False})
    return marks


def _mark_all(
    mark: Callable[..., None], row: int | None, found: Neighbors | None, on_map: MapNeighbors | None, hits: Sequence[int]
) -> None:
    for hit in hits:
        mark(hit, "hit", labeled=False)
    if row is None:
        return
    mark(row, "row")
    if found is None or found.row != row:
        return
    known = on_map if on_map is not None and on_map.of is found else None
    kinds = ["neighbor"] * len(found.rows) if known is None else ["kept" if kept else "lost" for kept in known.kept.tolist()]
    for at, (neighbor, kind) in enumerate(zip(found.rows.tolist(), kinds, strict=True)):
        mark(neighbor, kind, labeled=at < _LABELED)
    for false in [] if known is None else known.false.tolist():
        mark(false, "false", labeled=False)
