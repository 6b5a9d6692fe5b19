"""How opaque a pixel is, given how many rows it holds; measured once a layout, so that brightness does not breathe while zooming."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UnknownChoice
from explorer.render.accumulate import packed, sum_colors
from explorer.render.color import RowMask
from explorer.render.layout_index import LayoutIndex, frozen

__all__ = ["HEIGHT", "NORMALIZATIONS", "WIDTH", "Normalization", "NormalizationName"]

NormalizationName = Literal["log", "linear", "equalized"]
NORMALIZATIONS: Final[tuple[NormalizationName, ...]] = get_args(NormalizationName)

FLOOR: Final = 0.65
"""Opacity of a pixel with one row: clearly visible on white and on black."""

WIDTH: Final = 900
HEIGHT: Final = 700
"""Pixels of the picture in which rows are counted."""

_TABLE_MOST = 65_535  # counts beyond are as opaque as this one
_TOP_AT_LEAST = 6  # where rows hardly overlap, so many in one pixel are opaque
_TOP_QUANTILE = 0.999


@dataclass(frozen=True, eq=False)
class Normalization:
    """Opacity by count.

    Attributes
    ----------
    how : "log", "linear" or "equalized"
        How opacity rises from one row to the most.
    table : ndarray of shape (t,), float32
        ``table[c]``: opacity, 0 to 1, of a pixel with c rows; the last entry holds for all larger counts.
    """

    how: NormalizationName
    table: NDArray[np.float32]

    @classmethod
    def of(
        cls, index: LayoutIndex, how: NormalizationName = "log", *, width: int = WIDTH, height: int = HEIGHT, shown: RowMask | None = None
    ) -> Normalization:
        """Measure how many rows the pixels of the first view hold.

        Parameters
        ----------
        index : LayoutIndex
            The layout.
        how : "log", "linear" or "equalized"
            How opacity rises.
        width, height : int
            Size of the picture that this is for, in pixels.
        shown : RowMask, optional
            Count these rows only.

        Returns
        -------
        Normalization
            Keep it while the layout stays. O(n).

        Raises
        ------
        UnknownChoice
            If ``how`` is none of ``NORMALIZATIONS``.
        """
        width, height = max(int(width), 1), max(int(height), 1)
        sums, zero, yes = np.zeros((width * height, 2), np.uint64), frozen(np.zeros(1, np.uint8)), frozen(np.ones(1, bool))
        flags, bits = (yes, 0) if shown is None else (shown.flags, -1)
        view = tuple(map(float, index.home.fitted(width, height)))
        rows = index.x, index.y, index.boxes, view, width, height, 1, flags, bits, yes, 0
        sum_colors(*rows, zero, 0, packed(np.zeros((1, 3), np.uint8), 1)[0], sums, np.empty(0, np.uint32), np.empty(0, np.int32))
        return cls.from_counts(sums[:, 1], how)

    @classmethod
    def from_counts(cls, counts: NDArray[np.unsignedinteger], how: NormalizationName = "log") -> Normalization:
        """Measure it from how many rows each pixel of the first view holds.

        Raises
        ------
        UnknownChoice
            If ``how`` is none of ``NORMALIZATIONS``.
        """
        if how not in NORMALIZATIONS:
            raise UnknownChoice("normalization", how, NORMALIZATIONS)
        return cls(how, frozen(_table(counts[counts > 0], how)))


def _table(counts: NDArray[np.unsignedinteger], how: NormalizationName) -> NDArray[np.float32]:
    """Return opacity by count from the counts of the pixels that hold any row."""
    histogram = np.bincount(np.minimum(counts, _TABLE_MOST).astype(np.int64)) if counts.size else np.zeros(1, np.int64)
    share = np.cumsum(histogram) / max(int(histogram.sum()), 1)
    top = max(int(np.searchsorted(share, _TOP_QUANTILE)), _TOP_AT_LEAST)
    at = np.arange(1, top + 1)
    if how == "log":
        rise = np.log(at) / np.log(top)
    elif how == "linear":
        rise = (at - 1) / (top - 1)
    else:
        below = np.pad(share, (0, max(0, top + 1 - len(share))), constant_values=1.0)[:top]  # pixels with fewer rows
        rise = (below - below[0]) / max(float(below[-1] - below[0]), 1e-9) if below[-1] > below[0] else np.log(at) / np.log(top)
    return np.concatenate([[0.0], FLOOR + (1 - FLOOR) * rise]).astype(np.float32)
