"""What a picture needs of rows that are not in memory, and what it gets: sums in each pixel, or the few rows of a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.render.color import Color
from explorer.render.layout_index import LayoutIndex
from explorer.render.shade import COUNT
from explorer.render.view import View

__all__ = ["FewRows", "PixelSums", "Rows", "Wanted"]

Wanted = Callable[[], bool]
"""Asked now and then while a picture is drawn that takes long; once it says no, drawing ends with ``PictureOvertaken``."""


class PixelSums(NamedTuple):
    """What the pixels of a picture hold, line 0 at the top.

    ``sums`` is uint64 of shape (pixels, 2) as :func:`explorer.render.accumulate.sum_colors` leaves it, or float64 (pixels, 2) as
    ``sum_numbers`` does; ``context`` uint32 (pixels,) counts the rows that are drawn gray, empty where there are none; ``ids`` int32
    (pixels,) are row numbers, -1 where there is none, empty where none were asked for. ``lost`` lowest bits of colors are not in the sums.
    Of rows at a depth, ``sums`` and ``context`` are weighted, see :func:`explorer.render.depth.sum_deep_colors`, and ``amounts`` float32
    (pixels,) is how many rows they are of.
    """

    sums: NDArray[Any]
    context: NDArray[Any]
    ids: NDArray[np.int32]
    n_visible: int
    lost: int
    amounts: NDArray[np.float32] | None = None

    @property
    def counts(self) -> NDArray[np.uint32]:
        """How many rows each pixel holds, shape (pixels,)."""
        if self.sums.dtype == np.float64:
            return self.sums[:, 1].astype(np.uint32) + self.context
        return self.sums.view(np.uint32)[:, COUNT]


@dataclass(frozen=True, eq=False)
class FewRows:
    """The rows of a view, in memory, with their colors."""

    index: LayoutIndex
    color: Color


class Rows(Protocol):
    """The rows of a map that are not in memory."""

    @property
    def home(self) -> View:
        """The first view."""
        ...

    @property
    def extent(self) -> View:
        """Every row, with a margin."""
        ...

    def __len__(self) -> int:
        """Count the rows that can be drawn."""
        ...

    def sums(self, view: View, width: int, height: int, color: Color, *, row_ids: bool, wanted: Wanted | None) -> PixelSums:
        """Add up the rows in each pixel; ``color`` says how, its slots and values are not looked at."""
        ...

    def near(self, view: View, color: Color, most: int, *, wanted: Wanted | None) -> FewRows | None:
        """Bring the rows of a view into memory, unless they are more than ``most``."""
        ...
