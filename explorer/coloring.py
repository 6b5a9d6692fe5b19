"""What each row's color is and what the legend says about it; decided on the whole column, so that colors never move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UnknownColumn
from explorer.render.palette import MISSING_COLOR, Palette, colormap, counts, limits

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Coloring", "colorable", "coloring"]

DEFAULT_COLORMAP = "blue-yellow"
_LISTED = 1_000  # categories in a legend
_SINGLE = (0x3B, 0x7D, 0xD8)  # one color for all rows: readable on white and on black


@dataclass(frozen=True, eq=False)
class Coloring:
    """How the rows of a dataset are colored.

    Attributes
    ----------
    column : str or None
        The column; None where every row has the same color.
    kind : {"none", "category", "number"}
        What the column holds.
    slots : ndarray of shape (n_rows,), uint8
        Each row's place in ``lut``; only for categories.
    values : ndarray of shape (n_rows,), float32
        Only for numbers; NaN where missing.
    lut : ndarray of shape (s, 3), uint8
        Colors.
    palette : Palette or None
        Only for categories.
    counts : tuple of int
        Rows of each category in the order of ``names``.
    names : tuple of str
        Categories, sorted.
    most_common : tuple of int
        Places in ``names`` of those that a legend lists, the most common first.
    n_missing : int
        Rows without a value.
    low, high : float
        Ends of the color bar.
    cmap : str
        The colormap that was asked for.
    """

    column: str | None
    kind: Literal["none", "category", "number"]
    slots: NDArray[np.uint8]
    values: NDArray[np.float32]
    lut: NDArray[np.uint8]
    palette: Palette | None = None
    counts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    most_common: tuple[int, ...] = ()
    n_missing: int = 0
    low: float = 0.0
    high: float = 1.0
    cmap: str = ""

    def color_of(self, row: int) -> str:
        """Give a row's color as "#rrggbb"."""
        if self.kind == "number":
            value = float(self.values[row])
            if np.isnan(value):
                return MISSING_COLOR
            place = int(np.clip((value - self.low) / max(self.high - self.low, 1e-30) * 255, 0, 255))
        else:
            place = int(self.slots[row])
        return "#{:02x}{:02x}{:02x}".format(*self.lut[place])


def colorable(dataset: Dataset) -> list[str]:
    """List the columns that a map can be colored by."""
    return [name for name, role in dataset.roles.items() if role in ("category", "number", "time")]


def coloring(dataset: Dataset, column: str | None, *, cmap: str = "") -> Coloring:
    """Decide the colors of a column.

    Parameters
    ----------
    dataset : Dataset
        The data.
    column : str or None
        A category, number or time column; None for one color.
    cmap : str
        Colormap of a number column; empty for the default.

    Raises
    ------
    UnknownColumn
        If the dataset has no such column.
    """
    no_slots, no_values = np.zeros(0, np.uint8), np.zeros(0, np.float32)
    if not column:
        return Coloring(None, "none", np.zeros(dataset.n_rows, np.uint8), no_values, np.array([_SINGLE], np.uint8), cmap=cmap)
    if column not in dataset.roles:
        raise UnknownColumn(dataset.name, column, list(dataset.roles))
    if dataset.roles[column] in ("number", "time"):
        values = dataset.numbers(column)
        low, high = limits(values)
        missing = int(np.isnan(values).sum())
        lut = colormap(cmap or DEFAULT_COLORMAP)
        return Coloring(column, "number", no_slots, values, lut, low=low, high=high, n_missing=missing, cmap=cmap)
    codes, names = dataset.codes(column)
    tally = counts(codes, len(names))
    *amounts, missing = tally.tolist()
    palette = Palette.of(names, tally)
    common = np.argsort(-tally[:-1], kind="stable")[:_LISTED].tolist()
    return Coloring(
        column,
        "category",
        palette.slots(codes),
        no_values,
        palette.lut,
        palette,
        tuple(amounts),
        tuple(names),
        tuple(common),
        missing,
        cmap=cmap,
    )
