"""A layout as a task: runs inside the compute process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.forecast import forecast_layout
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot
from explorer.compute.projection import Layout
from explorer.compute.projections import PROJECTIONS, UMAP, projection
from explorer.errors import StoreUnwritable
from explorer.jobs.artifacts import LANDMARKS, LAYOUT, STOPPED_AT, keep_layout, layout_key
from explorer.jobs.graph_task import GraphTask, graph_of
from explorer.jobs.inputs import kept_inputs, parameters_of
from explorer.jobs.pace import pace_of
from explorer.jobs.task_steps import StoreTask, kept_vectors, part, spread, whole

if TYPE_CHECKING:
    from explorer.compute.neighbors import NeighborGraph
    from explorer.jobs.live import LiveLayout
    from explorer.store.store import Artifact, Store

__all__ = ["LayoutTask"]

_GRAPH_SHARE: Final = {"tsne": 0.15}  # of the whole time, where the graph has to be made first; measured at 117,659 x 384
_GRAPH_SHARE_ELSE: Final = 0.45
_BASE_SHARE: Final = 0.5  # of the whole, for the layout that another one starts from
_STARTING: Final = "starting"


@dataclass(frozen=True)
class LayoutTask(StoreTask):
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
        All parameters of the projection, the digest of its inputs where it has any, and whether it is laid out from landmarks.
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

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return PROJECTIONS[self.method].title

    def describe(self) -> str:
        """Say it to people."""
        return f"{PROJECTIONS[self.method].title} of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return layout_key(store, self.fingerprint, self.method, self.settings, self.version)

    def graph(self) -> GraphTask | None:
        """Return the neighbor graph that it needs; None where it needs none."""
        request = projection(self.method, **parameters_of(self.settings)).graph_request(self.n)
        return None if request is None else GraphTask(self.fingerprint, self.dataset, self.n, request["metric"], request["k"])

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Place the rows where they start, which is reported; then the graph, then the layout."""
        started = monotonic()
        vectors, drawable = kept_vectors(store, self.fingerprint)
        chosen = projection(self.method, **parameters_of(self.settings))
        inputs = kept_inputs(store, self.fingerprint, self.settings)
        needed, base = self.graph(), None
        if (below := chosen.builds_on()) is not None:
            made = replace(self, settings=below.settings()).run(store, _before(report), should_stop)
            base, report = made.arrays["coordinates"][drawable], part(report, _BASE_SHARE, 1.0)
            started = monotonic()
        start, shown = chosen.start(vectors, base=base, should_stop=should_stop), whole(report, drawable)
        own = monotonic() - started  # without the graph, which others may have made
        shown(_STARTING, 0.0, start)
        graph, share = None, 0.0
        if needed is not None:
            share = _GRAPH_SHARE.get(self.method, _GRAPH_SHARE_ELSE)
            graph, share = graph_of(store, needed, drawable, share, report, should_stop)
        began = monotonic()
        landmarks, told_all = LANDMARKS in self.settings, part(shown, share, 1.0)
        if landmarks and graph is not None and isinstance(chosen, UMAP):
            layout = _from_landmarks(store, chosen, vectors, graph, start, told_all, should_stop)
        else:
            layout = chosen.fit(vectors, graph, inputs=inputs, start=start, report=told_all, should_stop=should_stop)
        every = Layout(spread(layout.coordinates, drawable, np.nan), layout.method, layout.params, layout.stats)
        seconds, own = monotonic() - started, own + monotonic() - began
        n, d = vectors.shape
        told = pace_of(own, forecast_layout(n, d, chosen, with_graph=False, landmarks=landmarks).times[self.method])
        return keep_layout(store, self.fingerprint, every, settings=self.settings, version=self.version, seconds=seconds, told=told)

    def keep_stopped(self, store: Store, live: LiveLayout, seconds: float) -> Artifact:
        """Keep the layout as somebody stopped it, under settings that say so; called in the server process.

        Raises
        ------
        StoreUnwritable
        """
        settings = {**self.settings, STOPPED_AT: live.iteration}
        layout = Layout(live.coordinates, self.method, settings)
        return keep_layout(store, self.fingerprint, layout, settings=settings, version=self.version, seconds=seconds)


def _from_landmarks(
    store: Store,
    chosen: UMAP,
    vectors: NDArray[np.float32],
    graph: NeighborGraph,
    start: Snapshot | None,
    report: LayoutReport,
    should_stop: ShouldStop,
) -> Layout:
    """Lay out with the edges in a file of the store's folder, where there is room if anywhere.

    Raises
    ------
    StoreUnwritable, Stopped
    """
    from explorer.compute.landmark_layout import landmark_layout

    try:
        return landmark_layout(chosen, vectors, graph, folder=store.folder, start=start, report=report, should_stop=should_stop)
    except OSError as error:
        raise StoreUnwritable(str(store.folder), error.strerror or str(error)) from error


def _before(report: LayoutReport) -> LayoutReport:
    """Return a report for the layout that another one starts from: a part of the progress, and no layout, as it is not that one."""

    def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        report(stage, _BASE_SHARE * fraction)

    return told
