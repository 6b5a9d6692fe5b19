"""Which rows are selected, and how that came about; one owner of the mask, which nobody else changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias, get_args

import numpy as np
import param
from numpy.typing import NDArray

from explorer.errors import BadParameter, UnknownRow

__all__ = ["Mode", "Selection"]

Mode = Literal["replace", "add", "subtract", "intersect"]
Rows: TypeAlias = Iterable[int] | NDArray[np.integer] | NDArray[np.bool_]  # row numbers, or a mask of all rows


class Selection(param.Parameterized):
    """A boolean mask over rows.

    Views watch ``version`` alone: the mask is a plain attribute, replaced and never changed in place, so that a picture
    that is being drawn keeps the mask it started with.
    """

    version = param.Integer(default=0, doc="Counts the changes.")
    count = param.Integer(default=0, doc="How many rows are selected.")
    made_by = param.String(default="", doc="What made the selection: a lasso, the legend, neighbors, Python.")

    def __init__(self, n_rows: int = 0, **params: object) -> None:
        super().__init__(**params)
        self.mask: NDArray[np.bool_] = np.zeros(n_rows, dtype=bool)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The selected row numbers, ascending."""
        return np.flatnonzero(self.mask)

    def apply(self, rows: Rows, *, mode: Mode = "replace", made_by: str = "Python") -> None:
        """Combine rows (numbers, or a mask of all rows) with the selection.

        Raises
        ------
        UnknownRow
            If a row number is outside the dataset; the selection stays as it was.
        BadParameter
            If these are neither row numbers nor a mask of all rows, or there is no such mode; the selection stays as it was.
        """
        mask = self._as_mask(rows)
        if mode not in get_args(Mode):
            raise BadParameter("mode", mode, f"choose {', '.join(get_args(Mode))}.")
        if mode == "add":
            mask = self.mask | mask
        elif mode == "subtract":
            mask = self.mask & ~mask
        elif mode == "intersect":
            mask = self.mask & mask
        self.mask = mask
        self.param.update(version=self.version + 1, count=int(mask.sum()), made_by=made_by)

    def clear(self) -> None:
        """Select nothing."""
        self.apply(np.zeros(self.mask.size, dtype=bool), made_by="")

    def reset(self, n_rows: int) -> None:
        """Select nothing, of a dataset of this many rows."""
        self.mask = np.zeros(n_rows, dtype=bool)
        self.param.update(version=self.version + 1, count=0, made_by="")

    def _as_mask(self, rows: Rows) -> NDArray[np.bool_]:
        given = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))
        n = self.mask.size
        if given.dtype == bool and given.shape == (n,):
            return given.copy()
        if given.size and given.dtype.kind not in "iu":
            raise BadParameter("rows", f"{given.dtype} of shape {given.shape}", f"give whole row numbers, or a mask of all {n:,} rows.")
        numbers = given.astype(np.int64).reshape(-1)
        outside = (numbers < 0) | (numbers >= n)
        if outside.any():
            raise UnknownRow(int(numbers[outside][0]), n)
        mask = np.zeros(n, dtype=bool)
        mask[numbers] = True
        return mask
