"""What this server process has open, shared by all its sessions: one dataset and one index, however many people look.

Holds nothing alive by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakValueDictionary

from explorer.data.catalog import Entry
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Run, Shown

if TYPE_CHECKING:
    from explorer.compute.projections import Layout
    from explorer.data.dataset import Dataset

__all__ = ["open_shared", "shown"]

_Made = TypeVar("_Made")


class _Shelf(Generic[_Made]):
    """Makes each thing once as long as somebody holds it; whoever asks while it is being made waits for it."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        with self._lock:
            making = self._making.setdefault(key, Lock())
        try:
            with making:
                found = self._made.get(key)
                if found is None:
                    found = make()
                    self._made[key] = found
                return found
        finally:
            with self._lock:
                self._making.pop(key, None)


_datasets: _Shelf[Dataset] = _Shelf()
_shown: _Shelf[Shown] = _Shelf()


def open_shared(entry: Entry) -> Dataset:
    """Open a dataset of the catalog; the same object for everybody as long as its file does not change.

    Raises
    ------
    DataError
        If it cannot be explored.
    """
    changed = None
    if entry.path is not None and entry.path.exists():
        found = entry.path.stat()
        changed = (str(entry.path), found.st_mtime_ns, found.st_size)
    return _datasets.get((entry.name, entry.title, changed, repr(sorted(entry.options.items()))), entry.open)


def shown(dataset: Dataset, run: Run, layout: Layout) -> Shown:
    """Index a layout for drawing; the same object for everybody who looks at it."""
    if run.given is not None:  # of the same vectors there may be other coordinates; the array is alive as long as the Shown
        key: Hashable = ("given", id(layout.coordinates), run.given, run.title)
    else:
        key = (dataset.fingerprint, dataset.n_rows, run.method, repr(sorted(run.settings.items())))
    return _shown.get(key, lambda: Shown(run, layout, LayoutIndex.build(layout.coordinates)))
