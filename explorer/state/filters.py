"""Which rows pass: filters by key, each with its mask and what it says; rows that do not pass are hidden everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import param
from numpy.typing import NDArray

from explorer.errors import BadParameter
from explorer.state.history import History, PackedMask

__all__ = ["Filter", "Filters"]


@dataclass(frozen=True, eq=False)
class Filter:
    """One filter: what its chip says, and the rows that pass it."""

    label: str
    mask: NDArray[np.bool_]
    count: int


class Filters(param.Parameterized):
    """Filters by key; a row is shown where all of them let it pass.

    Views watch ``version`` alone: masks are plain arrays, replaced and never changed in place.
    """

    version = param.Integer(default=0, doc="Counts the changes.")

    def __init__(self, n_rows: int = 0, *, history: History | None = None, **params: object) -> None:
        super().__init__(**params)
        self.history = history or History()
        self._n_rows = n_rows
        self._entries: dict[str, Filter] = {}
        self._mask: NDArray[np.bool_] | None = None

    @property
    def entries(self) -> Mapping[str, Filter]:
        """The filters by key, in the order in which they were put."""
        return MappingProxyType(self._entries)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """The rows that pass every filter, bool of shape (n_rows,); None where there is no filter."""
        return self._mask

    def mask_without(self, key: str) -> NDArray[np.bool_] | None:
        """Give the rows that pass every filter but one, for whoever draws what that one chooses from; None where there is no other."""
        return _all_of([entry for name, entry in self._entries.items() if name != key])

    def put(self, key: str, label: str, mask: NDArray[np.bool_]) -> None:
        """Add a filter, or replace the one of this key; it takes its place in the order.

        Parameters
        ----------
        key : str
            Who filters, e.g. "query" or "histogram:year".
        label : str
            What its chip says.
        mask : ndarray of shape (n_rows,), bool
            The rows that pass; must not be changed afterwards.

        Raises
        ------
        BadParameter
            If the mask is not one of all rows; the filters stay as they were.
        """
        if mask.dtype != bool or mask.shape != (self._n_rows,):
            raise BadParameter("mask", f"{mask.dtype} of shape {mask.shape}", f"give one bool for each of the {self._n_rows:,} rows.")
        self._set({**self._entries, key: Filter(label, mask, int(np.count_nonzero(mask)))}, f"filter {label}")

    def remove(self, key: str) -> None:
        """Remove a filter; one that is not there is none."""
        if key in self._entries:
            left = {name: entry for name, entry in self._entries.items() if name != key}
            self._set(left, f"remove the filter {self._entries[key].label}")

    def clear(self) -> None:
        """Remove every filter."""
        if self._entries:
            self._set({}, "remove every filter")

    def reset(self, n_rows: int) -> None:
        """Remove every filter, for a dataset of this many rows; the history forgets everything."""
        self.history.clear()
        self._n_rows = n_rows
        self._show({})

    # -- for the history

    def snapshot(self) -> tuple[dict[str, tuple[str, PackedMask]], int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        packed = {key: (entry.label, PackedMask.of(entry.mask)) for key, entry in self._entries.items()}
        return packed, sum(mask.bits.nbytes for _, mask in packed.values())

    def restore(self, snapshot: dict[str, tuple[str, PackedMask]]) -> None:
        """Filter as when the snapshot was taken."""
        masks = {key: (label, packed.unpack()) for key, (label, packed) in snapshot.items()}
        self._show({key: Filter(label, mask, int(np.count_nonzero(mask))) for key, (label, mask) in masks.items()})

    def _set(self, entries: dict[str, Filter], what: str) -> None:
        self.history.record(self, what)
        self._show(entries)

    def _show(self, entries: dict[str, Filter]) -> None:
        self._entries = entries
        self._mask = _all_of(list(entries.values()))
        self.version += 1


def _all_of(entries: list[Filter]) -> NDArray[np.bool_] | None:
    if not entries:
        return None
    if len(entries) == 1:
        return entries[0].mask
    mask = entries[0].mask & entries[1].mask
    for entry in entries[2:]:
        np.logical_and(mask, entry.mask, out=mask)
    return mask
