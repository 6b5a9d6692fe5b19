"""Rows that have a name in a session: kept selections, what is selected now, and the rows that others should be like or unlike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.state.inspection import Inspection
from explorer.state.selection import Selection

__all__ = ["DISLIKED", "LIKED", "SELECTED", "RowGroups"]

SELECTED: Final = "selected rows"
LIKED: Final = "rows to be like"
DISLIKED: Final = "rows to be unlike"


class RowGroups:
    """Finds rows by name; of a kept selection first, whatever it is called.

    Parameters
    ----------
    selection : Selection
    inspection : Inspection
    """

    def __init__(self, selection: Selection, inspection: Inspection) -> None:
        self._selection, self._inspection = selection, inspection

    def __call__(self, name: str) -> NDArray[np.bool_] | None:
        """Give the mask of all rows (n_rows,) that a name stands for; None where it stands for none."""
        if name in self._selection.names:
            return self._selection.kept(name)
        if name == SELECTED:
            return self._selection.mask
        given = {LIKED: self._inspection.liked, DISLIKED: self._inspection.disliked}.get(name)
        if given is None:
            return None
        mask = np.zeros(self._selection.mask.size, np.bool_)
        mask[given] = True
        return mask

    @property
    def names(self) -> list[str]:
        """The names that stand for at least one row."""
        usual = {SELECTED: self._selection.count, LIKED: len(self._inspection.liked), DISLIKED: len(self._inspection.disliked)}
        return [*self._selection.names, *(name for name, count in usual.items() if count and name not in self._selection.names)]

    def watch(self, changed: Callable[..., object]) -> None:
        """Have a function called when there may be other names."""
        self._selection.param.watch(changed, ["kept_version", "count"])
        self._inspection.param.watch(changed, ["liked", "disliked"])
