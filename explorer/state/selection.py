"""Which rows are selected, and how that came about; one owner of the mask, which nobody else changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

import numpy as np
import param
from numpy.typing import NDArray

from explorer.errors import BadParameter, UnknownChoice, UnknownRow
from explorer.state.history import History, PackedMask

__all__ = ["Mode", "Selection"]

Mode = Literal["replace", "add", "subtract", "intersect"]
_NAME_MOST = 80  # characters
_KEPT_MOST = 50  # named selections

Rows: TypeAlias = Iterable[int] | NDArray[np.integer] | NDArray[np.bool_]  # row numbers, or a mask of all rows


class Selection(param.Parameterized):
    """A boolean mask over rows.

    Views watch ``version`` alone: the mask is a plain attribute, replaced and never changed in place, so that a picture
    that is being drawn keeps the mask it started with.
    """

    version = param.Integer(default=0, doc="Counts the changes.")
    count = param.Integer(default=0, doc="How many rows are selected.")
    made_by = param.String(default="", doc="What made the selection: a lasso, the legend, neighbors, Python.")
    kept_version = param.Integer(default=0, doc="Counts the changes of the named selections.")

    def __init__(self, n_rows: int = 0, *, history: History | None = None, **params: object) -> None:
        super().__init__(**params)
        self.mask: NDArray[np.bool_] = np.zeros(n_rows, dtype=bool)
        self.history = history or History()
        self._kept: dict[str, PackedMask] = {}
        self._names = _Names(self)

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
        self._set(mask, made_by)

    def clear(self) -> None:
        """Select nothing."""
        if self.count:
            self._set(np.zeros(self.mask.size, dtype=bool), "")

    def invert(self, within: NDArray[np.bool_] | None = None) -> None:
        """Select what is not selected; of these rows only, where a mask of shape (n_rows,) is given: what is shown, say."""
        self._set(~self.mask if within is None else within & ~self.mask, "inverting")

    def undo(self) -> None:
        """Take the last change back."""
        self.history.undo()

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self.history.redo()

    def reset(self, n_rows: int) -> None:
        """Select nothing, of a dataset of this many rows; named selections and history are forgotten."""
        self.history.clear()
        self._kept = {}
        self.mask = np.zeros(n_rows, dtype=bool)
        self.param.update(version=self.version + 1, count=0, made_by="", kept_version=self.kept_version + 1)

    # -- named selections

    @property
    def names(self) -> list[str]:
        """Names of the selections that are kept, in the order in which they were kept."""
        return list(self._kept)

    def keep(self, name: str) -> None:
        """Keep what is selected now under a name; what had this name is replaced.

        Raises
        ------
        BadParameter
            If the name is empty or longer than 80 characters, or nothing is selected, or there are too many names.
        """
        name = name.strip()
        if not 0 < len(name) <= _NAME_MOST:
            raise BadParameter("name", name, f"give 1 to {_NAME_MOST} characters.")
        if not self.count:
            raise BadParameter("name", name, "nothing is selected that could be kept.")
        if name not in self._kept and len(self._kept) >= _KEPT_MOST:
            raise BadParameter("name", name, f"{_KEPT_MOST} selections are kept already; forget one.")
        packed = PackedMask.of(self.mask)
        self.history.record(self._names, f"keep the selection {name}")
        self._keep({**self._kept, name: packed})

    def packed(self) -> dict[str, PackedMask]:
        """Give all that is kept, by name, in packed form."""
        return dict(self._kept)

    def kept(self, name: str) -> NDArray[np.bool_]:
        """Give the mask, of shape (n_rows,), that was kept under a name.

        Raises
        ------
        UnknownChoice
            If there is none.
        """
        if name not in self._kept:
            raise UnknownChoice("selection", name, self.names)
        return self._kept[name].unpack()

    def recall(self, name: str, *, mode: Mode = "replace") -> None:
        """Combine what was kept under a name with the selection.

        Raises
        ------
        UnknownChoice
            If there is no such name.
        """
        self.apply(self.kept(name), mode=mode, made_by=name)

    def forget(self, name: str) -> None:
        """Forget what was kept under a name; one that is not there is none."""
        if name in self._kept:
            self.history.record(self._names, f"forget the selection {name}")
            self._keep({other: packed for other, packed in self._kept.items() if other != name})

    def load(self, mask: NDArray[np.bool_], made_by: str, kept: Mapping[str, NDArray[np.bool_]]) -> None:
        """Take a selection, and those that are kept by name, from somewhere else; masks are of shape (n_rows,)."""
        packed = {name: PackedMask.of(some) for name, some in kept.items()}
        with self.history.together(_words_of(made_by)):
            self.history.record(self._names, "keep selections")
            self._keep(packed)
            self._set(mask, made_by)

    # -- for the history

    def snapshot(self) -> tuple[tuple[PackedMask, str], int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        packed = PackedMask.of(self.mask)
        return (packed, self.made_by), packed.bits.nbytes

    def restore(self, snapshot: tuple[PackedMask, str]) -> None:
        """Select what was selected when the snapshot was taken."""
        packed, made_by = snapshot
        if packed.size == self.mask.size:
            self._show(packed.unpack(), made_by)

    def _set(self, mask: NDArray[np.bool_], made_by: str) -> None:
        self.history.record(self, _words_of(made_by))
        self._show(mask, made_by)

    def _keep(self, kept: dict[str, PackedMask]) -> None:
        self._kept = kept
        self.kept_version += 1

    def _show(self, mask: NDArray[np.bool_], made_by: str) -> None:
        self.mask = mask
        self.param.update(version=self.version + 1, count=int(np.count_nonzero(mask)), made_by=made_by)

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


class _Names:
    """The named selections of a selection, for the history: apart from what is selected."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    def snapshot(self) -> tuple[dict[str, PackedMask], int]:
        """Give what :meth:`restore` takes, and its size in bytes: a change adds or takes one mask, the others are shared."""
        kept = self._selection.packed()
        return kept, max((packed.bits.nbytes for packed in kept.values()), default=0)

    def restore(self, snapshot: dict[str, PackedMask]) -> None:
        """Keep what was kept when the snapshot was taken."""
        n_rows = self._selection.mask.size
        self._selection._keep({name: packed for name, packed in snapshot.items() if packed.size == n_rows})


def _words_of(made_by: str) -> str:
    return f"select by {made_by}" if made_by else "clear the selection"
