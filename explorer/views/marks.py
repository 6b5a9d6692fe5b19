"""What is marked on a map for the clicked row: the row, its true neighbors, which of them the map kept and lost, and false ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.neighborhood import MapNeighbors, Neighbors
from explorer.views.card import title_of

if TYPE_CHECKING:
    from explorer.scene import Scene

__all__ = ["marks_of"]

_LABELED = 12  # neighbors whose label is written on the map
_LABEL_MOST = 40  # characters


def marks_of(
    scene: Scene, row: int | None, found: Neighbors | None, on_map: MapNeighbors | None, hits: Sequence[int] = ()
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

    Returns
    -------
    list of dict
        ``x``, ``y``, ``kind`` ("row", "neighbor", "kept", "lost", "false" or "hit"), ``label``, and ``faint`` for rows that are hidden or
        do not pass the filters. Rows that are not on this map have none.
    """
    marks: list[dict[str, Any]] = []
    places, shown = scene.shown.layout.coordinates, scene.shown_mask

    def mark(of: int, kind: str, *, labeled: bool = True) -> None:
        x, y = (float(end) for end in places[of])
        if math.isfinite(x) and math.isfinite(y):
            label = title_of(scene.dataset, of)[:_LABEL_MOST] if labeled else ""
            marks.append({"x": x, "y": y, "kind": kind, "label": label, "faint": shown is not None and not bool(shown[of])})

    for hit in hits:
        mark(hit, "hit", labeled=False)
    if row is None:
        return marks
    mark(row, "row")
    if found is None or found.row != row:
        return marks
    known = on_map if on_map is not None and on_map.of is found else None
    kinds = ["neighbor"] * len(found.rows) if known is None else ["kept" if kept else "lost" for kept in known.kept.tolist()]
    for at, (neighbor, kind) in enumerate(zip(found.rows.tolist(), kinds, strict=True)):
        mark(neighbor, kind, labeled=at < _LABELED)
    for false in [] if known is None else known.false.tolist():
        mark(false, "false", labeled=False)
    return marks
