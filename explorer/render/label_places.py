"""Which labels of a map have room: none lies over another, those that come first have their place first. No text, no pixels.

The page decides the same for itself, at each step of a zoom (``map_page/labels.js``); this is for pictures that are files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["APART", "GAP", "Box", "place_labels"]

APART: Final = 280.0
"""CSS pixels between two labels of one group, at least."""
GAP: Final = 5.0, 2.0
"""CSS pixels between two labels, on each side of each axis."""
_EDGE = 4.0  # CSS pixels between a label and the edge of the map
_CELL = 160.0, 32.0  # CSS pixels of the cells in which labels look for others


class Box(NamedTuple):
    """A label that asks for room: its middle in CSS pixels from the top left, its size, and its group."""

    x: float
    y: float
    width: float
    height: float
    group: object


def place_labels(asking: Sequence[Box], width: float, height: float) -> list[tuple[int, float, float]]:
    """Choose the labels of one view.

    Parameters
    ----------
    asking : sequence of Box
        The most important first.
    width, height : float
        CSS pixels of the map.

    Returns
    -------
    list of (int, float, float)
        Which of them have room, and the middle of each, in view from end to end: a label at the edge is moved inward. No two overlap.
    """
    taken: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}
    of_group: dict[object, list[tuple[float, float]]] = {}
    placed = []
    for at, box in enumerate(asking):
        wide, high = box.width / 2, box.height / 2
        if not (0 <= box.x <= width and 0 <= box.y <= height) or box.width + 2 * _EDGE > width or box.height + 2 * _EDGE > height:
            continue
        x = min(max(box.x, wide + _EDGE), width - wide - _EDGE)
        y = min(max(box.y, high + _EDGE), height - high - _EDGE)
        if any((x - other_x) ** 2 + (y - other_y) ** 2 < APART**2 for other_x, other_y in of_group.get(box.group, ())):
            continue
        edges = x - wide - GAP[0], x + wide + GAP[0], y - high - GAP[1], y + high + GAP[1]
        columns = range(int(edges[0] // _CELL[0]), int(edges[1] // _CELL[0]) + 1)
        lines = range(int(edges[2] // _CELL[1]), int(edges[3] // _CELL[1]) + 1)
        cells = [(column, line) for column in columns for line in lines]
        if any(_overlap(edges, other) for cell in cells for other in taken.get(cell, ())):
            continue
        for cell in cells:
            taken.setdefault(cell, []).append(edges)
        of_group.setdefault(box.group, []).append((x, y))
        placed.append((at, x, y))
    return placed


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
