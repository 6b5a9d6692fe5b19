"""The stability of a layout as a task: further runs of it, one after another, then a comparison; runs inside the compute process.

A run is kept as soon as it is there, so that what was canceled goes on where it was; under a kind of its own, because four more layouts of
each would fill everybody's list of them. A layout that somebody has computed with such a seed is not computed again, where a run with
another seed is just that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from explorer import settings as environment
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot
from explorer.compute.projections import PROJECTIONS, completed, projection
from explorer.jobs.artifacts import LANDMARKS, STOPPED_AT, find_layout
from explorer.jobs.graph_task import GraphTask, graph_of
from explorer.jobs.inputs import kept_inputs, parameters_of
from explorer.jobs.quality_artifacts import kept_coordinates
from explorer.jobs.stability_artifacts import STABILITY, keep_rerun, keep_stability, kept_rerun, stability_key
from explorer.jobs.task_steps import StoreTask, VectorsGone, kept_vectors, part, spread_one

if TYPE_CHECKING:
    from explorer.compute.neighbors import NeighborGraph
    from explorer.store.store import Artifact, Store

__all__ = ["StabilityTask", "why_no_chance"]

_GRAPH_SHARE: Final = 0.2  # of the whole time, where the graph has to be made first
_RUNS_SHARE: Final = 0.97  # up to the end of the last run
_SEEDS: Final = 2**31


@dataclass(frozen=True)
class StabilityTask(StoreTask):
    """The stability of a layout to measure.

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
    method : str
        That made it; one in which chance has a part.
    settings : mapping
        All parameters of the projection.
    version : int
        Of the projection.
    runs : int
        How many further ones, with the next seeds.
    """

    kind: ClassVar[str] = STABILITY
    fingerprint: str
    dataset: str
    n: int
    content: str
    title: str
    method: str
    settings: Mapping[str, Any]
    version: int
    runs: int

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Stability of a layout"

    def describe(self) -> str:
        """Say it to people."""
        return f"Stability of {self.title} of {self.dataset}"

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return stability_key(store, self.fingerprint, self.content, self.method, self.settings, self.version, self.runs)

    def graph(self) -> GraphTask | None:
        """Return the neighbor graph that it needs; None where it needs none."""
        request = projection(self.method, **parameters_of(self.settings)).graph_request(self.n)
        return None if request is None else GraphTask(self.fingerprint, self.dataset, self.n, request["metric"], request["k"])

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Run it so often, after the graph where there is none, and compare."""
        from explorer.compute.stability import stability

        vectors, drawable = kept_vectors(store, self.fingerprint)
        layout = kept_coordinates(store, self.content)
        if layout is None:
            raise VectorsGone(self.content)
        graph, begun = self._graph(store, drawable, report, should_stop)
        others = []
        for number in range(1, self.runs + 1):
            share = (_RUNS_SHARE - begun) / self.runs
            told = part(_renamed(report, f"run {number} of {self.runs}"), begun + (number - 1) * share, begun + number * share)
            others.append(self._run(store, number, vectors, drawable, graph, told, should_stop))
        found = stability(
            layout[drawable],
            others,
            threads=environment.compute_threads(),
            report=part(report, _RUNS_SHARE, 1.0),
            should_stop=should_stop,
        )
        every = replace(found, wobble=spread_one(found.wobble, drawable), kept=spread_one(found.kept, drawable))
        return keep_stability(store, self.fingerprint, self.key(store), every)

    def _graph(
        self, store: Store, drawable: NDArray[np.bool_], report: LayoutReport, should_stop: ShouldStop
    ) -> tuple[NeighborGraph | None, float]:
        needed = self.graph()
        if needed is None:
            return None, 0.0
        return graph_of(store, needed, drawable, _GRAPH_SHARE, report, should_stop)

    def _run(
        self,
        store: Store,
        number: int,
        vectors: NDArray[np.float32],
        drawable: NDArray[np.bool_],
        graph: NeighborGraph | None,
        report: LayoutReport,
        should_stop: ShouldStop,
    ) -> NDArray[np.float32]:
        """Find or compute another run, in drawable rows."""
        report("", 0.0)
        settings = {**self.settings, "seed": (int(self.settings["seed"]) + number) % _SEEDS}
        kept = kept_rerun(store, self.fingerprint, self.method, settings, self.version)
        if kept is not None:
            return kept
        chosen = projection(self.method, **parameters_of(settings))
        start = chosen.start(vectors, should_stop=should_stop)
        another = None if start is None else chosen.another_start(start)
        if another is start:
            computed = find_layout(store, self.fingerprint, self.method, settings, self.version)
            if computed is not None:
                return computed.coordinates[drawable]
        made = chosen.fit(
            vectors, graph, inputs=kept_inputs(store, self.fingerprint, settings), start=another, report=report, should_stop=should_stop
        ).coordinates
        keep_rerun(store, self.fingerprint, self.method, settings, self.version, made)
        return made


def why_no_chance(method: str | None, params: Mapping[str, object]) -> str:
    """Say why a layout cannot be run again to see what is chance in it, as the end of a sentence; "" where it can."""
    kind = None if method is None else PROJECTIONS.get(method)
    if kind is not None and not kind.has_chance:
        return f"{kind.title} has no chance in it: every run is the same."
    if STOPPED_AT in params:
        return "it was stopped: run it to its end first."
    if LANDMARKS in params:
        return "it was laid out from landmarks, and further runs are made of all rows at once."
    if completed(method, parameters_of(params)) is None:
        return "nobody knows how it was made."
    if kind is not None and kind(**parameters_of(completed(method, parameters_of(params)) or {})).builds_on() is not None:
        return "it starts from another map: measure that one."
    return ""


def _renamed(report: LayoutReport, name: str) -> LayoutReport:
    """Return a report that gives every stage this name, and shows no layout: it is not the one that is on the map."""

    def told(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        report(name, fraction)

    return told
