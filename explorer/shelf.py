"""What this server process has open, shared by all its sessions: one dataset, one index, a column's colors once.

Holds nothing alive by itself. Indexes of large layouts are kept in the store and mapped, so that a machine has them in memory once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np

from explorer.coloring import Coloring, coloring, recolored
from explorer.compute.alignment import IDENTITY, Similarity
from explorer.compute.projection import PLANE
from explorer.data.catalog import Entry
from explorer.data.folders import state_of
from explorer.distribution import Distribution, distribution
from explorer.errors import StoreUnwritable
from explorer.render.cloud import Cloud
from explorer.render.layout_index import LayoutIndex
from explorer.render.scale import ScaleName
from explorer.scene import Run, Shown
from explorer.turning import Solid, Turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.compute.projections import Layout
    from explorer.data.dataset import Dataset
    from explorer.store.store import Store

__all__ = ["colored", "colored_already", "distributed", "open_shared", "opened", "shown", "shown_already"]

logger = logging.getLogger(__name__)

_Made = TypeVar("_Made")
_INDEX = "index"
_INDEX_VERSION = 1  # raise it when LayoutIndex.build() gives another result
_CLOUD = "cloud"
_CLOUD_VERSION = 1  # raise it when Cloud.build() gives another result
_KEPT_FROM = 200_000  # rows; a smaller index is built in less time than it takes to find the kept one


class _Shelf(Generic[_Made]):
    """Makes each thing once as long as somebody holds it; whoever asks while it is being made waits for it."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def find(self, key: Hashable) -> _Made | None:
        """Return what is there, at once."""
        found: _Made | None = self._made.get(key)
        return found

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
_solids: _Shelf[Solid] = _Shelf()
_colored: WeakKeyDictionary[Dataset, _Shelf[Coloring]] = WeakKeyDictionary()
_distributed: WeakKeyDictionary[Dataset, _Shelf[Distribution]] = WeakKeyDictionary()
_colored_lock = Lock()


def open_shared(entry: Entry) -> Dataset:
    """Open a dataset of the catalog; the same object for everybody as long as its file does not change.

    Raises
    ------
    DataError
        If it cannot be explored.
    """
    return _datasets.get(_entry_key(entry), entry.open)


def opened(entry: Entry) -> Dataset | None:
    """Return a dataset of the catalog if somebody has it open; at once."""
    return _datasets.find(_entry_key(entry))


def _entry_key(entry: Entry) -> Hashable:
    changed: Hashable = None
    if entry.path is not None and entry.path.exists():
        changed = state_of(entry.path)
    return entry.name, entry.title, changed, repr(sorted(entry.options.items()))


def colored(
    dataset: Dataset, column: str | None, *, cmap: str, palette: str, scale: ScaleName = "linear", before: Coloring | None = None
) -> Coloring:
    """Decide the colors of a column; the same object for everybody who has it in these colors.

    Parameters
    ----------
    dataset, column, cmap, palette, scale
        As :func:`explorer.coloring.coloring` has them.
    before : Coloring, optional
        What the asker has on the map: of the same column and scale, its rows are not looked at again.

    Raises
    ------
    UnknownColumn, UnknownChoice
    """
    scale = _scale_of(dataset, column, scale)
    with _colored_lock:
        shelf = _colored.setdefault(dataset, _Shelf())

    def make() -> Coloring:
        if before is not None and before.column == column and before.scale == scale:
            return recolored(before, cmap=cmap, palette=palette)
        return coloring(dataset, column, cmap=cmap, palette=palette, scale=scale)

    return shelf.get((column, cmap, palette, scale), make)


def colored_already(dataset: Dataset, column: str | None, *, cmap: str, palette: str, scale: ScaleName = "linear") -> Coloring | None:
    """Return the colors of a column if somebody has it in these colors; at once."""
    with _colored_lock:
        shelf = _colored.get(dataset)
    return None if shelf is None else shelf.find((column, cmap, palette, _scale_of(dataset, column, scale)))


def _scale_of(dataset: Dataset, column: str | None, scale: ScaleName) -> ScaleName:
    """Take the usual scale where the column has none, so that its colors stay the same object."""
    return scale if column and dataset.roles.get(column) in ("number", "time") else "linear"


def distributed(dataset: Dataset, column: str) -> Distribution:
    """Find the bars of a column; the same object for everybody who has its histogram.

    Raises
    ------
    UnknownColumn
    """
    with _colored_lock:
        shelf = _distributed.setdefault(dataset, _Shelf())
    return shelf.get(column, lambda: distribution(dataset, column))


def shown(dataset: Dataset, run: Run, layout: Layout, store: Store | None = None, *, frame: Similarity = IDENTITY) -> Shown:
    """Index a layout for drawing, or find its index in the store; the same object for everybody who looks at it.

    Parameters
    ----------
    dataset, run, layout
        What is shown.
    store : Store, optional
        Where indexes of large layouts are kept.
    frame : Similarity
        How the layout is turned. One of more than two dimensions is seen along its first axes: see :class:`explorer.turning.Turned`.
    """
    key = _run_key(dataset, run, layout.coordinates)
    if layout.coordinates.shape[1] > PLANE:
        solid = _solids.get(key, lambda: Solid(_cloud(layout.coordinates, store)))
        return _shown.get((key, IDENTITY), lambda: Turned.of(run, layout, solid))
    return _shown.get((key, frame), lambda: Shown(run, layout, _index(layout.coordinates, frame, store), frame=frame))


def shown_already(dataset: Dataset, run: Run, *, frame: Similarity = IDENTITY) -> Shown | None:
    """Return an indexed layout if somebody looks at it; at once."""
    own = dataset.with_vectors(run.of)
    return _shown.find((_run_key(dataset, run, None if run.given is None else own.layouts[run.given].coordinates), frame))


def _run_key(dataset: Dataset, run: Run, coordinates: NDArray[np.float32] | None) -> Hashable:
    if run.given is not None:  # of the same vectors there may be other coordinates; the array is alive as long as the Shown
        return "given", id(coordinates), run.given, run.title
    return dataset.with_vectors(run.of).fingerprint, dataset.n_rows, run.of, run.method, repr(sorted(run.settings.items()))


def _cloud(coordinates: NDArray[np.float32], store: Store | None) -> Cloud:
    """Put the rows of a layout of more than two dimensions in order, or find that in the store."""
    if store is None or len(coordinates) < _KEPT_FROM:
        return Cloud.build(coordinates)
    key = store.key(_CLOUD, blake2b(np.ascontiguousarray(coordinates).data, digest_size=16).hexdigest(), {}, _CLOUD_VERSION)
    kept = store.get(_CLOUD, key)
    if kept is None:
        cloud = Cloud.build(coordinates)
        try:
            kept = store.put(_CLOUD, key, cloud.arrays(), {})
        except StoreUnwritable as error:
            logger.warning("The rows of a layout in their order are not kept: %s", error)
            return cloud
    return Cloud.from_arrays(kept.arrays)


def _index(coordinates: NDArray[np.float32], frame: Similarity, store: Store | None) -> LayoutIndex:
    if store is None or len(coordinates) < _KEPT_FROM:
        index = LayoutIndex.build(coordinates)
        return index if frame == IDENTITY else index.moved(frame.apply)
    content = blake2b(np.ascontiguousarray(coordinates).data, digest_size=16).hexdigest()
    key = store.key(_INDEX, content, {} if frame == IDENTITY else {"frame": [*frame.matrix, frame.shift]}, _INDEX_VERSION)
    kept = store.get(_INDEX, key)
    if kept is None:
        index = LayoutIndex.build(coordinates) if frame == IDENTITY else _index(coordinates, IDENTITY, store).moved(frame.apply)
        try:
            kept = store.put(_INDEX, key, index.arrays(), {})
        except StoreUnwritable as error:
            logger.warning("The index of a layout is not kept: %s", error)
            return index
    return LayoutIndex.from_arrays(kept.arrays)
