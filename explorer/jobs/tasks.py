"""What can be computed, described by plain JSON, and how it is done from the store into the store: runs inside the compute process.

Computing sees drawable rows only; what is kept counts all rows of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from filelock import Timeout
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.neighbors import METRICS, NeighborGraph, neighbor_graph
from explorer.compute.preservation import Preservation
from explorer.compute.progress import LayoutReport, Report, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import GRAPH_K, GraphRequest, Layout
from explorer.compute.projections import PROJECTIONS, projection
from explorer.errors import BadParameter, NotEnoughRows, StoreUnwritable, UnknownChoice
from explorer.jobs.artifacts import (
    GRAPH,
    LAYOUT,
    STOPPED_AT,
    VECTORS,
    find_graph,
    graph_key,
    keep_graph,
    keep_layout,
    layout_key,
    vectors_key,
)
from explorer.jobs.quality_artifacts import QUALITY, keep_quality, kept_coordinates, quality_key

if TYPE_CHECKING:
    from explorer.jobs.live import LiveLayout
    from explorer.jobs.store import Artifact, Store

__all__ = ["GraphTask", "LayoutTask", "QualityTask", "Task", "VectorsGone", "task_from_json"]

_GRAPH_SHARE: Final = {"tsne": 0.15}  # of the whole time, where the graph has to be made first; measured at 117,659 x 384
_GRAPH_SHARE_ELSE: Final = 0.45
_STARTING: Final = "starting"
_WAITING: Final = "waiting for another process"


class VectorsGone(Exception):
    """The vectors are not in the store any more; the runner writes them again. Nobody else sees it."""


@dataclass(frozen=True)
class GraphTask:
    """A neighbor graph to compute.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    metric : str
        One of :data:`explorer.compute.neighbors.METRICS`.
    k : int
        Neighbors that are needed. At least 30 are kept where there are rows enough, so that one graph serves everything.
    """

    kind: ClassVar[str] = GRAPH
    fingerprint: str
    dataset: str
    n: int
    metric: str
    k: int

    @property
    def kept_k(self) -> int:
        """Neighbors that are computed and kept."""
        return max(self.k, min(GRAPH_K, self.n - 1))

    def describe(self) -> str:
        """Say it to people."""
        return f"Neighbor graph of {self.dataset}"

    def check(self) -> None:
        """Refuse what cannot be computed.

        Raises
        ------
        ParameterError
            With the sentence that says why.
        """
        if self.metric not in METRICS:
            raise UnknownChoice("metric", self.metric, METRICS)
        if self.k < 1:
            raise BadParameter("k", self.k, "give 1 or more.")
        if self.n <= self.k:
            raise NotEnoughRows("k", self.k, self.n)

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return graph_key(store, self.fingerprint, self.metric, self.kept_k)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"kind": self.kind, **asdict(self)}

    def run(self, store: Store, report: Report = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Compute and keep it, unless another process did meanwhile.

        Raises
        ------
        ParameterError, StoreUnwritable, Stopped, VectorsGone
        """
        key = self.key(store)
        with _alone(store, self.kind, key, report, should_stop):
            kept = store.get(self.kind, key)
            if kept is not None:
                return kept
            vectors, drawable = _vectors(store, self.fingerprint)
            graph = neighbor_graph(vectors, k=self.kept_k, metric=self.metric, report=report, should_stop=should_stop)
            return keep_graph(store, self.fingerprint, _all_rows(graph, drawable))


@dataclass(frozen=True)
class LayoutTask:
    """A layout to compute.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    method : str
        One of :data:`explorer.compute.projections.PROJECTIONS`.
    settings : mapping
        All parameters of the projection.
    version : int
        Of the projection.
    """

    kind: ClassVar[str] = LAYOUT
    fingerprint: str
    dataset: str
    n: int
    method: str
    settings: Mapping[str, Any]
    version: int

    def describe(self) -> str:
        """Say it to people."""
        return f"{PROJECTIONS[self.method].title} of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return layout_key(store, self.fingerprint, self.method, self.settings, self.version)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"kind": self.kind, **asdict(self), "settings": dict(self.settings)}

    def run(self, store: Store, report: LayoutReport = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Compute and keep it, unless another process did meanwhile: first where the rows start, which is reported, then the graph.

        Raises
        ------
        ParameterError, StoreUnwritable, Stopped, VectorsGone
        """
        key = self.key(store)
        with _alone(store, self.kind, key, report, should_stop):
            kept = store.get(self.kind, key)
            if kept is not None:
                return kept
            started = monotonic()
            vectors, drawable = _vectors(store, self.fingerprint)
            chosen = projection(self.method, **self.settings)
            request = chosen.graph_request(len(vectors))
            start, shown = chosen.start(vectors, should_stop=should_stop), _whole(report, drawable)
            shown(_STARTING, 0.0, start)
            graph, share = None, 0.0
            if request is not None:
                graph, share = _graph_of(
                    store, self, drawable, request, _GRAPH_SHARE.get(self.method, _GRAPH_SHARE_ELSE), report, should_stop
                )
            layout = chosen.fit(vectors, graph, start=start, report=_part(shown, share, 1.0), should_stop=should_stop)
            whole = Layout(_spread(layout.coordinates, drawable, np.nan), layout.method, layout.params, layout.stats)
            seconds = monotonic() - started
            return keep_layout(store, self.fingerprint, whole, settings=self.settings, version=self.version, seconds=seconds)

    def keep_stopped(self, store: Store, live: LiveLayout, seconds: float) -> Artifact:
        """Keep the layout as somebody stopped it, under settings that say so; called in the server process.

        Raises
        ------
        StoreUnwritable
        """
        settings = {**self.settings, STOPPED_AT: live.iteration}
        layout = Layout(live.coordinates, self.method, settings)
        return keep_layout(store, self.fingerprint, layout, settings=settings, version=self.version, seconds=seconds)


@dataclass(frozen=True)
class QualityTask:
    """The quality of a layout to measure.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    content : str
        What the layout is, see :func:`explorer.jobs.quality_artifacts.content_of`; it is in the store.
    title : str
        The layout's name for people.
    metric : str
        One of :data:`explorer.compute.neighbors.METRICS`.
    """

    kind: ClassVar[str] = QUALITY
    fingerprint: str
    dataset: str
    n: int
    content: str
    title: str
    metric: str

    @property
    def request(self) -> GraphRequest:
        """The neighbor graph that is needed."""
        return {"k": min(GRAPH_K, self.n - 1), "metric": self.metric}

    def describe(self) -> str:
        """Say it to people."""
        return f"Quality of {self.title} of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return quality_key(store, self.fingerprint, self.content, self.metric)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"kind": self.kind, **asdict(self)}

    def run(self, store: Store, report: Report = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Measure and keep it, unless another process did meanwhile; the graph first, where there is none.

        Raises
        ------
        ParameterError, StoreUnwritable, Stopped, VectorsGone
        """
        key = self.key(store)
        with _alone(store, self.kind, key, report, should_stop):
            kept = store.get(self.kind, key)
            if kept is not None:
                return kept
            from explorer.compute.quality import quality

            vectors, drawable = _vectors(store, self.fingerprint)
            layout = kept_coordinates(store, self.content)
            if layout is None:
                raise VectorsGone(self.content)
            told = _of_no_layout(report)
            graph, share = _graph_of(store, self, drawable, self.request, _GRAPH_SHARE_ELSE, told, should_stop)
            found = quality(
                vectors,
                graph,
                layout[drawable],
                threads=settings.compute_threads(),
                report=_part(told, share, 1.0),
                should_stop=should_stop,
            )
            rows = found.preservation
            whole = Preservation(
                {k: _spread_one(values, drawable) for k, values in rows.kept.items()},
                _spread_one(rows.false, drawable),
                _spread_one(rows.missing, drawable),
            )
            return keep_quality(store, self.fingerprint, self.content, self.metric, replace(found, preservation=whole))


Task = GraphTask | LayoutTask | QualityTask


def task_from_json(described: Mapping[str, Any]) -> Task:
    """Read what ``to_json`` wrote."""
    kinds: dict[str, type[Task]] = {GRAPH: GraphTask, LAYOUT: LayoutTask, QUALITY: QualityTask}
    fields = dict(described)
    return kinds[fields.pop("kind")](**fields)


@contextmanager
def _alone(store: Store, kind: str, key: str, report: Report, should_stop: ShouldStop) -> Iterator[None]:
    """Be the only process of the machine that makes this artifact."""
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
        yield
    finally:
        lock.release()


def _graph_of(
    store: Store,
    task: LayoutTask | QualityTask,
    drawable: NDArray[np.bool_],
    request: GraphRequest,
    share: float,
    report: LayoutReport,
    should_stop: ShouldStop,
) -> tuple[NeighborGraph, float]:
    """Find or compute a graph, in drawable rows; and how much of the whole work that was, ``share`` where it had to be computed."""
    metric, k = request["metric"], request["k"]
    graph, done = find_graph(store, task.fingerprint, metric, k), 0.0
    if graph is None:
        done = share
        GraphTask(task.fingerprint, task.dataset, task.n, metric, k).run(store, _part(report, 0.0, share), should_stop)
        graph = find_graph(store, task.fingerprint, metric, k)
    if graph is None:
        raise StoreUnwritable(str(store.folder), "the neighbor graph was deleted as soon as it was written")
    return _drawable_rows(graph, drawable), done


def _vectors(store: Store, fingerprint: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    kept = store.get(VECTORS, vectors_key(store, fingerprint))
    if kept is None:
        raise VectorsGone(fingerprint)
    return kept.arrays["vectors"], kept.arrays["drawable"]


def _part(report: LayoutReport, start: float, end: float) -> LayoutReport:
    """Return a report whose 0 to 1 is a part of another's."""

    def part(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        report(stage, start + (end - start) * min(1.0, fraction), layout)

    return part


def _of_no_layout(report: Report) -> LayoutReport:
    """Return a report that shows no layouts to one that knows none."""
    return lambda stage, fraction, layout=None: report(stage, fraction)


def _whole(report: LayoutReport, drawable: NDArray[np.bool_]) -> LayoutReport:
    """Return a report that takes layouts of the drawable rows, where another takes those of all rows."""

    def whole(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        if layout is not None:
            layout = layout._replace(coordinates=_spread(layout.coordinates.astype(np.float32, copy=False), drawable, np.nan))
        report(stage, fraction, layout)

    return whole


def _spread(values: NDArray[Any], drawable: NDArray[np.bool_], missing: float) -> NDArray[Any]:
    """Give values of the drawable rows their places among all rows."""
    if drawable.all():
        return values
    whole = np.full((len(drawable), values.shape[1]), missing, dtype=values.dtype)
    whole[drawable] = values
    return whole


def _spread_one(values: NDArray[np.float32], drawable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give one value of each drawable row its place among all rows."""
    spread: NDArray[np.float32] = _spread(values[:, None], drawable, np.nan)[:, 0]
    return np.ascontiguousarray(spread)


def _all_rows(graph: NeighborGraph, drawable: NDArray[np.bool_]) -> NeighborGraph:
    """Turn a graph of the drawable rows into one of all rows."""
    if drawable.all():
        return graph
    rows = np.flatnonzero(drawable).astype(np.int32)
    indices, distances = _spread(rows[graph.indices], drawable, -1), _spread(graph.distances, drawable, np.inf)
    return NeighborGraph(indices, distances, graph.metric, graph.recall)


def _drawable_rows(graph: NeighborGraph, drawable: NDArray[np.bool_]) -> NeighborGraph:
    """Turn a graph of all rows into one of the drawable rows."""
    if drawable.all():
        return graph
    place = np.cumsum(drawable, dtype=np.int32) - 1
    return NeighborGraph(place[graph.indices[drawable]], graph.distances[drawable], graph.metric, graph.recall)
