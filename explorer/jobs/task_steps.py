"""What tasks have in common: making an artifact once, reading the vectors, parts of a progress, and rows that are not drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from filelock import Timeout
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.data.streaming import VECTORS, vectors_key
from explorer.errors import StoreUnwritable

if TYPE_CHECKING:
    from explorer.jobs.graph_task import GraphTask
    from explorer.store.store import Artifact, Store

__all__ = ["StoreTask", "VectorsGone", "all_rows", "drawable_rows", "kept_vectors", "part", "spread", "spread_one", "whole"]

_WAITING: Final = "waiting for another process"


class VectorsGone(Exception):
    """The vectors are not in the store any more; the runner writes them again. Nobody else sees it."""


class StoreTask(ABC):
    """Something to compute from the store into the store, a frozen dataclass of plain values; what differs is in the children."""

    kind: ClassVar[str]
    makes: ClassVar[str] = ""
    """The kind of artifact that it makes, where that is not its own."""

    @abstractmethod
    def key(self, store: Store) -> str:
        """Return where the result is kept."""

    @abstractmethod
    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Compute and keep it, as the only process of the machine that does.

        Raises
        ------
        ParameterError, StoreUnwritable, Stopped, VectorsGone
        """

    def graph(self) -> GraphTask | None:
        """Return the neighbor graph that it needs; None where it needs none."""
        return None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        fields = vars(self)
        return {"kind": self.kind, **{name: dict(value) if isinstance(value, Mapping) else value for name, value in fields.items()}}

    def run(self, store: Store, report: LayoutReport = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Compute and keep it, unless it is there or another process makes it meanwhile.

        Raises
        ------
        ParameterError, StoreUnwritable, Stopped, VectorsGone
        """
        kind, key = self.makes or self.kind, self.key(store)
        lock = store.lock(kind, key)
        while True:
            try:
                lock.acquire(timeout=0.2)
                break
            except Timeout:
                report(_WAITING, 0.0)
            except OSError as error:
                raise StoreUnwritable(str(store.folder), error.strerror or str(error)) from error
            if should_stop():
                raise Stopped
        try:
            kept = store.get(kind, key)
            return self.make(store, report, should_stop) if kept is None else kept
        finally:
            lock.release()


def kept_vectors(store: Store, fingerprint: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the drawable rows' vectors (n, d), and which of all rows they are.

    Raises
    ------
    VectorsGone
    """
    kept = store.get(VECTORS, vectors_key(store, fingerprint))
    if kept is None:
        raise VectorsGone(fingerprint)
    return kept.arrays["vectors"], kept.arrays["drawable"]


def part(report: LayoutReport, start: float, end: float) -> LayoutReport:
    """Return a report whose 0 to 1 is a part of another's."""

    def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        report(stage, start + (end - start) * min(1.0, fraction), layout)

    return told


def whole(report: LayoutReport, drawable: NDArray[np.bool_]) -> LayoutReport:
    """Return a report that takes layouts of the drawable rows, where another takes those of all rows."""

    def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        if layout is not None:
            layout = layout._replace(coordinates=spread(layout.coordinates.astype(np.float32, copy=False), drawable, np.nan))
        report(stage, fraction, layout)

    return told


def spread(values: NDArray[Any], drawable: NDArray[np.bool_], missing: float) -> NDArray[Any]:
    """Give values of the drawable rows their places among all rows."""
    if drawable.all():
        return values
    everywhere = np.full((len(drawable), values.shape[1]), missing, dtype=values.dtype)
    everywhere[drawable] = values
    return everywhere


def spread_one(values: NDArray[np.float32], drawable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give one value of each drawable row its place among all rows."""
    everywhere: NDArray[np.float32] = spread(values[:, None], drawable, np.nan)[:, 0]
    return np.ascontiguousarray(everywhere)


def all_rows(graph: NeighborGraph, drawable: NDArray[np.bool_]) -> NeighborGraph:
    """Turn a graph of the drawable rows into one of all rows."""
    if drawable.all():
        return graph
    rows = np.flatnonzero(drawable).astype(np.int32)
    indices, distances = spread(rows[graph.indices], drawable, -1), spread(graph.distances, drawable, np.inf)
    return NeighborGraph(indices, distances, graph.metric, graph.recall)


def drawable_rows(graph: NeighborGraph, drawable: NDArray[np.bool_]) -> NeighborGraph:
    """Turn a graph of all rows into one of the drawable rows."""
    if drawable.all():
        return graph
    place = np.cumsum(drawable, dtype=np.int32) - 1
    return NeighborGraph(place[graph.indices[drawable]], graph.distances[drawable], graph.metric, graph.recall)
