"""The picture of a map in square tiles of several zoom levels, drawn by the render layer; knows nothing of a page."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from PIL import Image

from explorer.picture_file import Window, usual_point
from explorer.render.frame import Frame, render
from explorer.render.view import View
from explorer.scene import Scene

__all__ = ["TILE", "Tile", "levels_for", "square_of", "tiles"]

TILE: Final = 512
"""Pixels of a tile's side."""

_LEVELS: Final = ((3_000, 2), (50_000, 3), (2_000_000, 4))  # up to so many rows, the deepest level
_DEEPEST: Final = 5
_GROWTH: Final = 1.3  # of a row's diameter from one level to the next
_LARGEST: Final = 10.0  # pixels of it


class Tile(NamedTuple):
    """One picture: its level, its place from the left and from the top, and a WebP file with transparency."""

    level: int
    column: int
    line: int
    data: bytes


def levels_for(n_rows: int) -> int:
    """Say which is the deepest level for so many rows; level ``z`` has 2^z tiles a side."""
    return next((level for most, level in _LEVELS if n_rows <= most), _DEEPEST)


def square_of(scene: Scene) -> View:
    """Give the square that the tiles cover: every row that is drawn at home, with a margin."""
    return scene.home.fitted(1, 1).padded(0.02)


def tiles(scene: Scene, deepest: int) -> Iterator[Tile]:
    """Draw the tiles that have a row in them, level by level.

    A row is as large in every tile of a level, and is drawn whole where it lies over an edge, so tiles meet without a seam.
    """
    square = square_of(scene)
    point = max(usual_point(scene, Window(square, TILE, TILE)), 1.0)
    filled = {(0, 0)}
    for level in range(deepest + 1):
        size = square.span[0] / 2**level
        found: set[tuple[int, int]] = set()
        for column, line in sorted(filled, key=lambda place: (place[1], place[0])):
            x0, y1 = square.x0 + column * size, square.y1 - line * size
            frame = _drawn(scene, View(x0, x0 + size, y1 - size, y1), min(point * _GROWTH**level, _LARGEST))
            if frame.rgba[..., 3].any():
                found.add((column, line))
                yield Tile(level, column, line, _encoded(frame))
        filled = {(2 * column + right, 2 * line + down) for column, line in found for right in (0, 1) for down in (0, 1)}


def _drawn(scene: Scene, view: View, point_px: float) -> Frame:
    return render(scene.request(view, TILE, TILE, point_px=point_px, always_discs=True, pixel_ratio=1.0))


def _encoded(frame: Frame) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame.rgba)).save(file, "WEBP", quality=80, alpha_quality=90, method=2)
    return file.getvalue()


def n_tiles(deepest: int) -> int:
    """Count the tiles of a map that fills its square."""
    return math.floor((4 ** (deepest + 1) - 1) / 3)
