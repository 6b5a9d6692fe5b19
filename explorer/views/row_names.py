"""Names of rows on the map, where so few rows are in view that they can be read; which of them have room, each browser decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.views.card import title_of

if TYPE_CHECKING:
    from explorer.picture import Picture
    from explorer.scene import Scene

__all__ = ["can_be_read", "row_names"]

_MOST_IN_VIEW = 120  # rows; where there are more, the names of groups say more
_LONGEST = 32  # characters


def can_be_read(picture: Picture[Scene]) -> bool:
    """Whether the rows of a picture at rest are so few, and have names."""
    return 0 < picture.n_visible <= _MOST_IN_VIEW and picture.scene.dataset.label is not None


def row_names(picture: Picture[Scene]) -> list[tuple[int, float, float, str]]:
    """Give the number, x and y on the map, and the name, of each row of a picture at rest. For a thread."""
    scene = picture.scene
    if picture.row_ids is None:
        return []
    rows = np.unique(picture.row_ids[picture.row_ids >= 0])
    places = scene.shown.places(rows).astype(np.float64).tolist()
    return [(row, x, y, _line(title_of(scene.dataset, row))) for row, (x, y) in zip(rows.tolist(), places, strict=True)]


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
