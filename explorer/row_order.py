"""Which rows a table lists, in which order; orders of whole datasets are kept, a few for each, and shared by the process's sessions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.data.sorting import SortKeys, pick, sort_keys, sorted_rows
from explorer.errors import UnknownColumn

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["FEW", "Sort", "is_quick", "list_rows", "sortable"]

Sort: TypeAlias = tuple[tuple[str, bool], ...]
"""Columns, the most significant first, and whether each is descending; none is the order of the data."""

FEW: Final = 200_000
"""So many rows are sorted by themselves, in less time than a whole dataset of millions."""

_KEPT = 5  # orders and long columns' keys of one dataset: 4 bytes a row each


class _Kept:
    """The results used last; who asks for one that is being made waits for it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def find(self, key: Hashable) -> Any:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            making = self._making.setdefault(key, Lock())
        with making:
            found = self.find(key)
            if found is None:
                found = make()
                with self._lock:
                    self._made[key] = found
                    while len(self._made) > _KEPT:
                        self._made.popitem(last=False)
        with self._lock:
            self._making.pop(key, None)
        return found


_kept: WeakKeyDictionary[Dataset, _Kept] = WeakKeyDictionary()
_kept_lock = Lock()


def sortable(dataset: Dataset, column: str) -> bool:
    """Tell whether a column has an order: everything but pictures has."""
    return dataset.roles[column] != "image"


def is_quick(dataset: Dataset, sort: Sort, mask: NDArray[np.bool_] | None) -> bool:
    """Tell whether :func:`list_rows` takes well under a second: nothing is to be sorted, or few rows, or it was done before."""
    n = dataset.n_rows if mask is None else int(np.count_nonzero(mask))
    return not sort or n <= FEW or _kept_of(dataset).find(sort) is not None


def list_rows(dataset: Dataset, sort: Sort, mask: NDArray[np.bool_] | None) -> NDArray[np.int32] | None:
    """List rows in an order.

    Costs a pass over the mask where nothing is sorted or the order is known; else a sort of the rows that are listed where they are few,
    and of all rows where not.

    Parameters
    ----------
    dataset : Dataset
    sort : Sort
        By which columns; rows that are equal come as in the data, and rows without a value last.
    mask : ndarray of shape (n_rows,), bool, or None
        Which rows; None for all.

    Returns
    -------
    ndarray of int32, or None
        Row numbers, not to be changed; None for all rows as they are in the data.

    Raises
    ------
    UnknownColumn
        If the dataset has no such column, or it holds pictures.
    """
    for column, _ in sort:
        if column not in dataset.roles or not sortable(dataset, column):
            raise UnknownColumn(dataset.name, column, [name for name in dataset.roles if sortable(dataset, name)])
    if not sort:
        return None if mask is None else np.flatnonzero(mask).astype(np.int32)
    kept = _kept_of(dataset)
    order: NDArray[np.int32] | None = kept.find(sort)
    if order is None and mask is not None:
        rows = np.flatnonzero(mask).astype(np.int32)
        if len(rows) <= FEW < dataset.n_rows:
            return rows[_sorted(dataset, sort, rows)]
    if order is None:
        order = kept.get(sort, lambda: _sorted(dataset, sort, None))
    return order if mask is None else pick(order, mask)


def _kept_of(dataset: Dataset) -> _Kept:
    with _kept_lock:
        return _kept.setdefault(dataset, _Kept())


def _sorted(dataset: Dataset, sort: Sort, rows: NDArray[np.int32] | None) -> NDArray[np.int32]:
    n = dataset.n_rows if rows is None else len(rows)
    return sorted_rows([(_keys(dataset, column, rows), descending) for column, descending in sort], n)


def _keys(dataset: Dataset, column: str, rows: NDArray[np.int32] | None) -> SortKeys:
    values = dataset.table.column(column)
    if rows is not None:
        return sort_keys(pc.take(values, rows))
    if dataset.roles[column] in ("number", "time"):  # takes less time than it is worth
        return sort_keys(values)
    keys: SortKeys = _kept_of(dataset).get(("keys", column), lambda: sort_keys(values))
    return keys
