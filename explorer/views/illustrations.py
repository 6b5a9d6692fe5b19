"""Images of rows on the map, where so few rows are in view that there is room: none lies over another, all others stay points."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.views.table_cells import thumbnail

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.picture import Picture
    from explorer.scene import Scene

__all__ = ["NOTHING", "Gallery", "Illustrations", "find", "has_room", "spread"]

_MOST_IN_VIEW = 400  # rows; where there are more, they are points
_MOST = 120  # images at a time
_LEAST, _LARGEST = 24, 72  # CSS pixels of one
_STEP = 8
_SHARE = 0.6  # of the room that each row has
_KNOWN = 2_000  # images that a browser keeps


class Illustrations(NamedTuple):
    """Images for one picture.

    Attributes
    ----------
    side : int
        CSS pixels that each has room in.
    rows : list of (int, float, float, str)
        Row, x and y on the map, and the color of its point.
    images : dict of int to str
        Data URIs, of the rows whose images the browser has not.
    """

    side: int
    rows: list[tuple[int, float, float, str]]
    images: dict[int, str]


NOTHING: Final = Illustrations(_LEAST, [], {})


class Gallery:
    """What one browser has: of which dataset, the images of which rows, and whether any are on its map."""

    def __init__(self) -> None:
        self.shows = False
        self._dataset: Dataset | None = None
        self._known: set[int] = set()
        self._forgets = False  # whether it has to forget those that it has, and has not heard of it

    def known(self, dataset: Dataset) -> frozenset[int]:
        """Say of which rows of a dataset it has the images; of too many it forgets them all."""
        if self._dataset is not dataset or len(self._known) > _KNOWN:
            self._dataset, self._known, self._forgets = dataset, set(), True
        return frozenset(self._known)

    def message(self, name: str, found: Illustrations) -> dict[str, Any]:
        """Tell it, by its name, what to show."""
        forgets, self._forgets = self._forgets, False
        self._known.update(found.images)
        self.shows = bool(found.rows)
        return {
            "type": "images",
            "client": name,
            "side": found.side,
            "rows": found.rows,
            "images": list(found.images.items()),
            "forget": forgets,
        }


def spread(places: NDArray[np.floating], side: float) -> list[int]:
    """Choose places of which no two are nearer than ``side`` in both x and y: in their order, each that has room.

    Parameters
    ----------
    places : ndarray of shape (m, 2)
        Finite.
    side : float
        Above 0.
    """
    taken: dict[tuple[int, int], tuple[float, float]] = {}  # by cells of this side: a cell holds one at most
    chosen = []
    for at, (x, y) in enumerate(places.tolist()):
        column, row = int(x // side), int(y // side)
        near = (taken.get((column + i, row + j)) for i in (-1, 0, 1) for j in (-1, 0, 1))
        if all(other is None or abs(other[0] - x) >= side or abs(other[1] - y) >= side for other in near):
            taken[column, row] = x, y
            chosen.append(at)
    return chosen


def has_room(picture: Picture[Scene]) -> bool:
    """Whether there may be images in a picture at rest."""
    return 0 < picture.n_visible <= _MOST_IN_VIEW and _column(picture.scene.dataset) is not None


def find(picture: Picture[Scene], known: Collection[int]) -> Illustrations:
    """Choose the rows of a picture that have room for their image, and make the images that are not known. For a thread."""
    scene, request, view = picture.scene, picture.request, picture.view
    column = _column(scene.dataset)
    if picture.row_ids is None or column is None:
        return NOTHING
    rows = np.unique(picture.row_ids[picture.row_ids >= 0])
    places = scene.shown.places(rows).astype(np.float64)
    unit = max(view.span) / max(request.width, request.height)  # of the layout in a pixel: equal on both axes
    room = _SHARE * np.sqrt(request.width * request.height / max(1, len(rows)))
    side = int(np.clip(room // _STEP * _STEP, _LEAST, _LARGEST))
    told: list[tuple[int, float, float, str]] = []
    images: dict[int, str] = {}
    for at in spread(places / unit, side):
        row = int(rows[at])
        if row not in known:
            image = thumbnail(scene.dataset.row(row, [column])[column])
            if image is None:
                continue
            images[row] = image
        told.append((row, float(places[at, 0]), float(places[at, 1]), scene.coloring.color_of(row)))
        if len(told) == _MOST:
            break
    return Illustrations(side, told, images)


def _column(dataset: Dataset) -> str | None:
    return next((name for name, role in dataset.roles.items() if role == "image"), None)
