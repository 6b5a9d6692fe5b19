"""Columns that are measured of a dataset while it is open: each is added once, whoever asks, and every session hears of it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from explorer.data.dataset import Dataset

__all__ = ["Column", "Listener", "add_measured", "as_it_came", "is_measured", "listen", "measured", "n_measured"]

logger = logging.getLogger(__name__)

_columns: WeakKeyDictionary[Dataset, dict[Hashable, str]] = WeakKeyDictionary()  # their names, by what was measured
_listening: WeakSet[Listener] = WeakSet()
_lock = Lock()
_adding = Lock()  # apart: who only asks for a name does not wait for a table


class Listener(Protocol):
    """Who wants to know of new columns."""

    def hear(self, dataset: Dataset) -> None:
        """Hear, in any thread, that a dataset has gained columns."""
        ...


class Column(NamedTuple):
    """A column to add: the name it asks for, a value for each row (n_rows,) float32, or a category, and what they say, for people."""

    name: str
    values: NDArray[np.float32] | pa.DictionaryArray
    meaning: str


def listen(listener: Listener) -> None:
    """Tell somebody of new columns for as long as they live."""
    with _lock:
        _listening.add(listener)


def measured(dataset: Dataset, what: Hashable) -> str | None:
    """Name the column of what was measured; None where there is none yet."""
    with _lock:
        return _columns.get(dataset, {}).get(what)


def n_measured(dataset: Dataset, kind: str) -> int:
    """Count the columns of one kind: those whose key is a tuple that begins with it."""
    with _lock:
        return sum(isinstance(key, tuple) and key[:1] == (kind,) for key in _columns.get(dataset, {}))


def is_measured(dataset: Dataset, column: str | None) -> bool:
    """Say whether a column was measured while the dataset was open; those that it came with were not."""
    with _lock:
        return column in _columns.get(dataset, {}).values()


def as_it_came(dataset: Dataset) -> Dataset:
    """Return a dataset without the columns that were measured of it: what is made of it measures its own, and none is there twice."""
    with _lock:
        names = set(_columns.get(dataset, {}).values())
    table = dataset.table
    kept = [name for name in table.column_names if name not in names]
    roles = {name: role for name, role in dataset.roles.items() if name not in names}
    return replace(dataset, table=table.select(kept), roles=roles) if names else dataset


def add_measured(dataset: Dataset, columns: Mapping[Any, Column]) -> None:
    """Add the columns that are not there yet, and tell everybody once; for a thread.

    Raises
    ------
    BadParameter
        If there is not one value for each row.
    """
    added = False
    with _adding:
        for what, column in columns.items():
            if measured(dataset, what) is None:
                name = dataset.add_column(column.name, column.values, meaning=column.meaning)
                with _lock:
                    _columns.setdefault(dataset, {})[what] = name
                added = True
    with _lock:
        listening = list(_listening) if added else []
    for listener in listening:
        try:
            listener.hear(dataset)
        except RuntimeError:  # an event loop that was closed without its session: nobody else is to suffer for it
            logger.exception("a session could not be told of new columns")
