"""What gives a row its color in a picture, prepared once a column and layout; no pixels here, no palette choice.

``Density(lut)``, ``ByCategory.of(index, slots, lut)``, ``ByNumber.of(index, values, low=, high=, lut=)`` and ``RowMask.of(index, mask)``
take arrays in the dataset's row order, bring them into index order once and are then given to any number of
:class:`explorer.render.frame.FrameRequest`. Keep them while the layout and the column stay; a frame never gathers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter
from explorer.render.gather import gather_flags
from explorer.render.layout_index import LayoutIndex, frozen

__all__ = ["COLORS", "ByCategory", "ByNumber", "Color", "Density", "RowMask", "rgb"]

COLORS: Final = 256
"""The most colors of a category column: a row's color fits into a byte."""


@dataclass(frozen=True, eq=False)
class Density:
    """Color by the number of rows in a pixel; ``lut`` uint8 (256, 3), from one row to the most."""

    lut: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ByCategory:
    """Color by category; rows of several categories in one pixel are mixed as the mean of their colors.

    Attributes
    ----------
    slots : ndarray of shape (m,), uint8
        Each row's place in ``lut``, in index order.
    lut : ndarray of shape (s, 3), uint8
        At most 256 colors, see :class:`explorer.render.palette.Palette`.
    """

    slots: NDArray[np.uint8]
    lut: NDArray[np.uint8]

    @classmethod
    def of(cls, index: LayoutIndex, slots: NDArray[np.integer], lut: NDArray[np.uint8]) -> ByCategory:
        """Prepare a category column: ``slots`` (n_rows,) in row order, from ``palette.slots(codes)``, and ``palette.lut``.

        Raises
        ------
        BadParameter
            If there are more than 256 colors, or a slot without one.
        """
        if not 0 < len(lut) <= COLORS:
            raise BadParameter("lut", f"{len(lut)} colors", "give 1 to 256; a palette puts rare categories under one color.")
        slots = index.take(slots)
        if slots.size and not 0 <= int(slots.min()) <= int(slots.max()) < len(lut):
            raise BadParameter("slots", f"{slots.min()} to {slots.max()}", f"give 0 to {len(lut) - 1}, the places of the colors.")
        return cls(frozen(slots.astype(np.uint8, copy=False)), lut)


@dataclass(frozen=True, eq=False)
class ByNumber:
    """Color by the mean of a number column; rows of NaN or infinity are gray.

    ``low`` and ``high`` are the values at the ends of ``lut``, uint8 (256, 3).
    """

    values: NDArray[np.float32]
    low: float
    high: float
    lut: NDArray[np.uint8]

    @classmethod
    def of(cls, index: LayoutIndex, values: NDArray[np.floating], *, low: float, high: float, lut: NDArray[np.uint8]) -> ByNumber:
        """Prepare a number column: ``values`` (n_rows,) in row order, NaN where missing; limits from ``palette.limits(values)``."""
        values = index.take(values).astype(np.float32)
        values[np.isinf(values)] = np.nan
        return cls(frozen(values), float(low), float(high), lut)


Color = Density | ByCategory | ByNumber


@dataclass(frozen=True, eq=False)
class RowMask:
    """A mask of rows in index order; ``flags`` bool (m,)."""

    flags: NDArray[np.bool_]

    @classmethod
    def of(cls, index: LayoutIndex, mask: NDArray[np.bool_]) -> RowMask:
        """Prepare ``mask`` (n_rows,), in row order."""
        return cls(frozen(gather_flags(np.asarray(mask, bool), index.rows)))


def rgb(color: str) -> tuple[int, int, int]:
    """Read ``"#rrggbb"``.

    Raises
    ------
    BadParameter
        If it is something else.
    """
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        raise BadParameter("background", color, 'give a color as "#rrggbb".')
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
