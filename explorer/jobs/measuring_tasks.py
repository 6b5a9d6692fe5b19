"""What is measured of layouts and of neighbor graphs, as tasks: runs inside the compute process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final

from explorer import settings
from explorer.compute.preservation import Preservation
from explorer.compute.progress import LayoutReport, ShouldStop
from explorer.compute.projection import GRAPH_K
from explorer.jobs.graph_task import GraphTask, graph_of
from explorer.jobs.quality_artifacts import (
    GRAPH_COLUMNS,
    QUALITY,
    graph_columns_key,
    keep_graph_columns,
    keep_quality,
    kept_coordinates,
    quality_key,
)
from explorer.jobs.task_steps import StoreTask, VectorsGone, kept_vectors, part, spread_one

if TYPE_CHECKING:
    from explorer.store.store import Artifact, Store

__all__ = ["GraphColumnsTask", "QualityTask"]

_GRAPH_SHARE: Final = 0.8  # of the whole time, where the graph has to be made first


@dataclass(frozen=True)
class QualityTask(StoreTask):
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
        One of :data:`explorer.compute.space.METRICS`.
    """

    kind: ClassVar[str] = QUALITY
    fingerprint: str
    dataset: str
    n: int
    content: str
    title: str
    metric: str

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Quality of a layout"

    def describe(self) -> str:
        """Say it to people."""
        return f"Quality of {self.title} of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return quality_key(store, self.fingerprint, self.content, self.metric)

    def graph(self) -> GraphTask:
        """Return the neighbor graph that it needs."""
        return _graph_task(self)

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Measure it, after the graph where there is none."""
        from explorer.compute.quality import quality

        vectors, drawable = kept_vectors(store, self.fingerprint)
        layout = kept_coordinates(store, self.content)
        if layout is None:
            raise VectorsGone(self.content)
        graph, share = graph_of(store, self.graph(), drawable, _GRAPH_SHARE, report, should_stop)
        found = quality(
            vectors,
            graph,
            layout[drawable],
            threads=settings.compute_threads(),
            report=part(report, share, 1.0),
            should_stop=should_stop,
        )
        rows = found.preservation
        every = Preservation(
            {k: spread_one(values, drawable) for k, values in rows.kept.items()},
            spread_one(rows.false, drawable),
            spread_one(rows.missing, drawable),
        )
        return keep_quality(store, self.fingerprint, self.content, self.metric, replace(found, preservation=every))


@dataclass(frozen=True)
class GraphColumnsTask(StoreTask):
    """What a neighbor graph says of each row by itself.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    n : int
        Its drawable rows.
    metric : str
        Of the graph.
    """

    kind: ClassVar[str] = GRAPH_COLUMNS
    fingerprint: str
    dataset: str
    n: int
    metric: str

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Neighborhoods"

    def describe(self) -> str:
        """Say it to people."""
        return f"Neighborhoods of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return graph_columns_key(store, self.fingerprint, self.metric)

    def graph(self) -> GraphTask:
        """Return the neighbor graph that it needs."""
        return _graph_task(self)

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Measure it, after the graph where there is none."""
        from explorer.compute.graph_columns import graph_columns

        _, drawable = kept_vectors(store, self.fingerprint)
        graph, _ = graph_of(store, self.graph(), drawable, _GRAPH_SHARE, report, should_stop)
        columns = {name: spread_one(values, drawable) for name, values in graph_columns(graph).items()}
        return keep_graph_columns(store, self.fingerprint, self.metric, columns)


def _graph_task(task: QualityTask | GraphColumnsTask) -> GraphTask:
    return GraphTask(task.fingerprint, task.dataset, task.n, task.metric, min(GRAPH_K, task.n - 1))
