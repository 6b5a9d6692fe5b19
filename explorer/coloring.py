"""Colors of rows, what a legend says about them, and the rows that hidden categories leave: of the whole column, so colors never move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.compute.bin_texts import time_text
from explorer.compute.bins import count_codes
from explorer.errors import UnknownColumn
from explorer.render.gather import gather
from explorer.render.palette import COLORMAPS, MISSING_COLOR, Palette, colormap, counts
from explorer.render.scale import ScaleName, scaled
from explorer.state.appearance import Category, Hidden

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["MISSING", "Coloring", "colorable", "coloring", "count_under", "ranks", "recolored", "shown_mask"]

MISSING = -1
"""The code of rows without a value."""

_LISTED = 1_000  # categories in a legend
_COUNTED = 1 << 18  # rows counted in one call, which keeps the interpreter to itself
_DAYS_S = 3 * 86_400  # times that are so many seconds apart are told apart by their days
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
        Each row's place in ``lut``; not for numbers.
    values : ndarray of shape (n_rows,), float32
        Only for numbers: each row's place between ``low`` and ``high``; NaN where missing.
    lut : ndarray of shape (s, 3), uint8
        Colors.
    palette : Palette or None
        Only for categories.
    codes : ndarray of shape (n_rows,), uint16 or int32, or None
        Each row's place in ``names``, and their number where missing; only where there are more categories than colors: else ``slots``
        says it too.
    counts : tuple of int
        Rows of each category in the order of ``names``.
    names : tuple of str
        Categories, sorted.
    most_common : tuple of int
        Places in ``names`` of those that a legend lists, the most common first.
    n_missing : int
        Rows without a value.
    low, high : float
        Ends of the color bar, in units of ``values``.
    ends : tuple of float
        The column's own values at the low end, in the middle and at the high end of the color bar.
    scale : {"linear", "log", "rank"}
        How the column's values are placed on the color bar.
    times : bool
        Whether the column's values are times: seconds since 1970.
    cmap, palette_name : str
        The color map and the palette that were asked for.
    given : Mapping of str to str
        What a person calls categories, by their names.
    """

    column: str | None
    kind: Literal["none", "category", "number"]
    slots: NDArray[np.uint8]
    values: NDArray[np.float32]
    lut: NDArray[np.uint8]
    palette: Palette | None = None
    codes: NDArray[np.integer] | None = None
    counts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    most_common: tuple[int, ...] = ()
    n_missing: int = 0
    low: float = 0.0
    high: float = 1.0
    ends: tuple[float, float, float] = (0.0, 0.5, 1.0)
    scale: ScaleName = "linear"
    times: bool = False
    cmap: str = ""
    palette_name: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[str, int]:
        """Each category's place in ``names``."""
        return {name: code for code, name in enumerate(self.names)}

    def category(self, code: int) -> Category:
        """Say which category has this code, ``MISSING`` among them."""
        return None if code == MISSING else self.names[code]

    def label(self, code: int) -> str:
        """Name a category so that it can be read."""
        if code == MISSING:
            return "no value"
        name = self.names[code]
        return self.given.get(name, name) or "(empty)"

    def called(self, given: Mapping[str, str], before: Coloring | None = None) -> Coloring:
        """Call categories as a person does; ``before``, of the same colors and names, where it is that already."""
        if not given and not self.given:
            return self
        same = before is not None and before.slots is self.slots and before.lut is self.lut and before.given == given
        return before if before is not None and same else replace(self, given=given)

    def count(self, code: int) -> int:
        """Count the rows of a category."""
        return self.n_missing if code == MISSING else self.counts[code]

    def category_color(self, code: int) -> str:
        """Give a category's color as "#rrggbb"."""
        return MISSING_COLOR if self.palette is None else self.palette.color(code)

    def find(self, text: str) -> list[int]:
        """Find the categories that have a text in their label, upper or lower case, the most common first; takes a while, O(categories)."""
        wanted = text.casefold()
        order = np.argsort(-np.array(self.counts, np.int64), kind="stable").tolist()
        codes = [*order, MISSING] if self.n_missing else order
        return [code for code in codes if wanted in self.label(code).casefold()]

    @property
    def bar_words(self) -> tuple[str, str, str]:
        """Say what the ends and the middle of the color bar mean; nothing of a middle that is their mean, nor of an end like the other."""
        low, middle, high = _time_words(self.ends) if self.times else [f"{end:,.4g}" for end in self.ends]
        if self.ends[0] == self.ends[-1]:
            return low, "", ""
        if self.scale == "rank":
            return low, middle, high
        return f"≤ {low}", middle if self.scale == "log" else "", f"≥ {high}"

    @property
    def n_entries(self) -> int:
        """How many categories there are; rows without a value are one more, and all the values of a number column are one."""
        return (1 if self.kind == "number" else len(self.names)) + (self.n_missing > 0)

    def n_shown(self, hidden: Hidden) -> int:
        """Count the categories that are drawn."""
        known = sum(name in self.places if name is not None else self.n_missing > 0 for name in hidden.names)
        return known if hidden.all_but else self.n_entries - known

    def color_of(self, row: int) -> str:
        """Give a row's color as "#rrggbb"."""
        if self.kind == "number":
            value = float(self.values[row])
            if not np.isfinite(value):
                return MISSING_COLOR
            place = int(np.clip((value - self.low) / max(self.high - self.low, 1e-30) * 255, 0, 255))
        else:
            place = int(self.slots[row])
        return "#{:02x}{:02x}{:02x}".format(*self.lut[place])


def colorable(dataset: Dataset) -> list[str]:
    """List the columns that a map can be colored by."""
    return [name for name, role in dataset.roles.items() if role in ("category", "number", "time")]


def coloring(dataset: Dataset, column: str | None, *, cmap: str = "", palette: str = "", scale: ScaleName = "linear") -> Coloring:
    """Decide the colors of a column.

    Parameters
    ----------
    dataset : Dataset
        The data.
    column : str or None
        A category, number or time column; None for one color.
    cmap : str
        Color map of a number column; empty for the default.
    palette : str
        Palette of a category column; empty for the default.
    scale : {"linear", "log", "rank"}
        How the values of a number column are placed on the color bar.

    Raises
    ------
    UnknownColumn
        If the dataset has no such column.
    UnknownChoice
        If there is no such color map, or no such palette.
    """
    no_slots, no_values = np.zeros(0, np.uint8), np.zeros(0, np.float32)
    if not column:
        one = np.array([_SINGLE], np.uint8)
        return Coloring(None, "none", np.zeros(dataset.n_rows, np.uint8), no_values, one, cmap=cmap, palette_name=palette)
    if column not in dataset.roles:
        raise UnknownColumn(dataset.name, column, list(dataset.roles))
    if dataset.roles[column] in ("number", "time"):
        lut = _color_map(cmap)
        values = dataset.numbers(column)
        placed, low, high, ends = scaled(values, scale)
        finite = np.isfinite(values)
        least, most = (float(pick(values, where=finite, initial=start)) for pick, start in ((np.min, np.inf), (np.max, -np.inf)))
        if least == most:
            ends = least, least, least  # the bar is wider than its only value
        missing = len(values) - int(np.count_nonzero(finite))
        return Coloring(
            column,
            "number",
            no_slots,
            placed,
            lut,
            low=low,
            high=high,
            ends=ends,
            scale=scale,
            times=dataset.roles[column] == "time",
            n_missing=missing,
            cmap=cmap,
            palette_name=palette,
        )
    codes, names = dataset.codes(column)
    tally = counts(codes, len(names))
    *amounts, missing = tally.tolist()
    colors = Palette.of(names, tally, name=palette)
    return Coloring(
        column,
        "category",
        colors.slots(codes),
        no_values,
        colors.lut,
        colors,
        _compact(codes, len(names)) if colors.n_other else None,
        tuple(amounts),
        tuple(names),
        tuple(np.argsort(-tally[:-1], kind="stable")[:_LISTED].tolist()),
        missing,
        cmap=cmap,
        palette_name=palette,
    )


def recolored(made: Coloring, *, cmap: str = "", palette: str = "") -> Coloring:
    """Give the same column other colors; its rows are not looked at again.

    Raises
    ------
    UnknownChoice
        If there is no such color map, or no such palette.
    """
    colors = None if made.palette is None else made.palette.named(palette)
    lut = _color_map(cmap) if made.kind == "number" else made.lut if colors is None else colors.lut
    return replace(made, palette=colors, lut=lut, cmap=cmap, palette_name=palette)


def shown_mask(made: Coloring, hidden: Hidden) -> NDArray[np.bool_] | None:
    """Find the rows that are drawn.

    Parameters
    ----------
    made : Coloring
        The column that colors the map.
    hidden : Hidden
        Which of its categories are hidden; names that it does not have hide nothing.

    Returns
    -------
    ndarray of shape (n_rows,), bool, or None
        None where nothing is hidden.
    """
    if made.column is None or made.n_shown(hidden) == made.n_entries:
        return None
    if made.kind == "number":
        valued = np.isfinite(made.values)
        if hidden.all_but:
            return ~valued if None in hidden.names else np.zeros(len(valued), bool)
        return valued
    n = len(made.names)
    flags = np.full(n + 1, not hidden.all_but)
    known = [n if name is None else made.places[name] for name in hidden.names if name is None or name in made.places]
    flags[known] = hidden.all_but
    if made.codes is not None:
        return gather(flags, made.codes)
    if made.palette is None:
        return None
    by_slot = np.zeros(len(made.lut), bool)
    by_slot[made.palette.category_slots] = flags
    return gather(by_slot, made.slots)


def count_under(made: Coloring, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the rows of each category that a mask has; for a thread, O(n).

    Parameters
    ----------
    made : Coloring
        The column that colors the map.
    mask : ndarray of shape (n_rows,), bool
        Which rows are counted.

    Returns
    -------
    ndarray of shape (c + 1,), int64
        Counts in the order of ``names``, then that of the rows without a value: -1, ``MISSING``, finds it.
    """
    if made.kind == "number":
        return np.array([np.count_nonzero(mask & ~np.isfinite(made.values))], np.int64)
    if made.codes is None:
        of_color = count_codes(made.slots, len(made.lut), None, mask)[1]
        return of_color if made.palette is None else of_color[made.palette.category_slots]
    tally = np.zeros(len(made.names) + 1, np.int64)
    for start in range(0, len(mask), _COUNTED):  # in pieces, so that nobody waits long for the interpreter
        piece = slice(start, start + _COUNTED)
        tally += np.bincount(made.codes[piece][mask[piece]], minlength=len(tally))
    return tally


def ranks(made: Coloring, rows: NDArray[np.integer]) -> NDArray[np.int32]:
    """Say of rows which category each is in; for a thread.

    Returns
    -------
    ndarray of shape (len(rows),), int32
        Its place among the ``most_common``; -1 where it is in none of them.
    """
    places = np.full(len(made.names) + 1, -1, np.int32)  # the last one is for rows without a value
    places[list(made.most_common)] = np.arange(len(made.most_common))
    if made.codes is not None:
        return np.asarray(places[made.codes[rows]])
    if made.palette is None:
        return np.full(len(rows), -1, np.int32)
    of_slot = np.full(len(made.lut), -1, np.int32)
    of_slot[made.palette.category_slots] = places
    return np.asarray(of_slot[made.slots[rows]])


def _time_words(ends: tuple[float, float, float]) -> list[str]:
    """Write times in seconds, as finely as the span between them needs."""
    span = ends[-1] - ends[0]
    unit = "D" if span >= _DAYS_S else "m"
    return [time_text(end * 1e6, unit) for end in ends]


def _color_map(name: str) -> NDArray[np.uint8]:
    return colormap(name or COLORMAPS[0])


def _compact(codes: NDArray[np.int32], n: int) -> NDArray[np.integer]:
    """Return codes with n for missing, in two bytes each where that is enough."""
    kind = np.uint16 if n < 1 << 16 else np.int32
    return np.where(codes < 0, n, codes).astype(kind)
