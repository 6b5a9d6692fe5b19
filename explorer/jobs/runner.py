"""What can be computed of a dataset, and what there is already: the one way from a session, the command line or a notebook to computing.

Asking returns at once. The same thing asked for twice is computed once, and what is stored, or came with the data, is not computed at all.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from explorer import settings
from explorer.compute.clusters import COARSEST
from explorer.compute.landmark_layout import from_landmarks
from explorer.compute.neighbors import NeighborGraph
from explorer.compute.placement import check_new
from explorer.compute.projection import GRAPH_K, GraphRequest, Layout, Projection
from explorer.compute.projections import PCA, projection
from explorer.compute.stability import RUNS
from explorer.errors import BadParameter, ExplorerError, JobCanceled, ReadOnly, VectorsNeeded
from explorer.jobs.artifacts import LANDMARKS, LANDMARKS_VERSION, keep_given_graph, keep_vectors, to_layout
from explorer.jobs.board import Board, Computing
from explorer.jobs.dispatch import Dispatcher
from explorer.jobs.foresight import foresee_graph, foresee_layout, needs_landmarks, refuse_clusters, refuse_graph, refuse_layout
from explorer.jobs.graph_task import GraphTask
from explorer.jobs.hub_dispatcher import HubDispatcher
from explorer.jobs.inputs import INPUTS, Named, keep_inputs, named_by, parameters_of, settings_of
from explorer.jobs.job import Job, State
from explorer.jobs.layout_task import LayoutTask
from explorer.jobs.measuring_tasks import GraphColumnsTask
from explorer.jobs.placement_task import Placement, PlacementTask, content_of_new, keep_new, to_placement
from explorer.jobs.quality_artifacts import content_of, keep_coordinates
from explorer.jobs.stability_task import why_no_chance
from explorer.jobs.stored import Stored, clusters_task, quality_task, stability_task
from explorer.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.compute.clusters import ClusterTree
    from explorer.compute.forecast import Forecast
    from explorer.compute.quality import Quality
    from explorer.compute.stability import Stability
    from explorer.data.dataset import Dataset
    from explorer.jobs.live import LiveLayout
    from explorer.jobs.tasks import Task

__all__ = ["Runner", "runner"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LEAST_CLUSTERS = 2


class Runner(Stored):
    """Computes neighbor graphs and layouts of datasets in compute processes, which are started when they are first needed.

    Of each owner one thing is computed at a time, of several owners as many as there are processes. Safe to use from several threads.
    Sessions share :func:`runner`.

    Parameters
    ----------
    store : Store, optional
        Where results are kept.
    workers : int, optional
        How many compute processes there may be; :func:`explorer.settings.workers` by default, and those of :func:`explorer.settings.hub`
        where several servers share them.
    """

    def __init__(self, store: Store | None = None, *, workers: int | None = None) -> None:
        super().__init__(Store() if store is None else store)
        self._workers = workers
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._dispatcher: Dispatcher | HubDispatcher | None = None
        self._open = True
        self.board = Board(self.computing)
        """Tells who shows it what is computed on this machine."""

    @property
    def worker_pid(self) -> int | None:
        """Process id of the first compute process; None while there is none."""
        dispatcher = self._dispatcher
        return None if dispatcher is None else dispatcher.worker_pid

    @property
    def usable(self) -> bool:
        """Whether this runner works here: it was not closed, and was made in this very process, not in one that forked it."""
        return self._open and self._pid == os.getpid()

    def submit_layout(
        self, dataset: Dataset, projection: Projection, *, named: Named | None = None, owner: str | None = None
    ) -> Job[Layout]:
        """Ask for a layout; returns within milliseconds, where nothing is left to find.

        Parameters
        ----------
        dataset : Dataset
            What to lay out.
        projection : Projection
            How. Its parameters are read now; changing them later changes nothing.
        named : Named, optional
            What its parameters name, as :func:`explorer.jobs.inputs.named_by` found it; found now where left out.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            A handle of this asker alone. Done already where the layout is stored or came with the data; failed already, with a
            ``ParameterError`` or ``DataError``, where the data or a parameter does not allow it.
        """
        n = dataset.n_drawable
        try:
            named = named_by(dataset, projection) if named is None else named
            task = self._layout_task(dataset, projection, settings_of(projection, named))
        except ExplorerError as error:
            return self._failed(f"{projection.title} of {dataset.name}", error)
        settings = task.settings
        find = partial(self.find_layout, dataset, projection.method, settings, projection.version)

        def request() -> GraphRequest | None:
            projection.check(n, dataset.n_dims)
            if not self._computing(task):
                refuse_layout(dataset, projection, partial(self.missing, dataset), task.describe())
            return projection.graph_request(n)

        keep = partial(keep_inputs, self.store, dataset.fingerprint, named)
        return self._submit(task, dataset, find, request, owner, also=keep)

    def submit_graph(self, dataset: Dataset, *, metric: str = "cosine", k: int = 30, owner: str | None = None) -> Job[NeighborGraph]:
        """Ask for a neighbor graph; returns within milliseconds.

        Parameters
        ----------
        dataset : Dataset
            Whose rows.
        metric : str
            One of :data:`explorer.compute.space.METRICS`.
        k : int
            Neighbors of a row. A stored graph with more of them serves as well.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            As from :meth:`submit_layout`.
        """
        task = GraphTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric, k)
        find = partial(self.stored_graph, dataset, metric, k)

        def request() -> GraphRequest:
            task.check()
            if not self._computing(task):
                refuse_graph(dataset, task, partial(self.missing, dataset))
            return {"metric": metric, "k": k}

        return self._submit(task, dataset, find, request, owner)

    def submit_quality(
        self, dataset: Dataset, layout: Layout, *, title: str = "a layout", metric: str = "cosine", owner: str | None = None
    ) -> Job[Quality]:
        """Ask how good a layout is; returns as soon as what the layout is has been read.

        Parameters
        ----------
        dataset : Dataset
            Whose rows.
        layout : Layout
            Wherever it came from.
        title : str
            The layout's name for people.
        metric : str
            Of the true neighbors; one of :data:`explorer.compute.space.METRICS`.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            As from :meth:`submit_layout`.
        """
        content = content_of(layout.coordinates)
        task = quality_task(dataset, content, title, metric)

        def request() -> GraphRequest:
            _check_rows(dataset, layout)
            return self._checked_graph(dataset, metric)

        keep = partial(keep_coordinates, self.store, layout.coordinates, content)
        return self._submit(task, dataset, partial(self.find_quality, task), request, owner, also=keep)

    def submit_stability(
        self, dataset: Dataset, layout: Layout, *, runs: int = RUNS, title: str = "a layout", owner: str | None = None
    ) -> Job[Stability]:
        """Ask how much of a layout is chance; returns as soon as what the layout is has been read.

        Takes as long as the layout did, so many times. What is canceled goes on with the run it was in when it is asked for again.

        Parameters
        ----------
        dataset : Dataset
            Whose rows.
        layout : Layout
            Of a method in which chance has a part, with all of its parameters.
        runs : int
            How many further ones it is compared with, 1 or more.
        title : str
            The layout's name for people.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            As from :meth:`submit_layout`.
        """
        task = stability_task(dataset, layout, runs, title)

        def request() -> GraphRequest | None:
            if runs < 1:
                raise BadParameter("runs", runs, "give 1 or more.")
            if why := why_no_chance(layout.method, layout.params):
                raise BadParameter("layout", title, why)
            _check_rows(dataset, layout)
            made = projection(layout.method, **parameters_of(task.settings))
            made.check(dataset.n_drawable, dataset.n_dims)
            return made.graph_request(dataset.n_drawable)

        def keep() -> None:
            keep_coordinates(self.store, layout.coordinates, task.content)
            if INPUTS in task.settings:
                named = named_by(dataset, projection(layout.method, **parameters_of(task.settings)))
                keep_inputs(self.store, dataset.fingerprint, named)

        return self._submit(task, dataset, partial(self.find_stability, task), request, owner, also=keep)

    def submit_graph_columns(
        self, dataset: Dataset, *, metric: str = "cosine", owner: str | None = None
    ) -> Job[dict[str, NDArray[np.float32]]]:
        """Ask what the neighbor graph says of each row by itself; returns within milliseconds.

        Parameters
        ----------
        dataset : Dataset
            Whose rows.
        metric : str
            One of :data:`explorer.compute.space.METRICS`.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            As from :meth:`submit_layout`; of what :func:`explorer.compute.graph_columns.graph_columns` gives, memory-mapped.
        """
        task = GraphColumnsTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric)
        return self._submit(task, dataset, partial(self.find_graph_columns, task), partial(self._checked_graph, dataset, metric), owner)

    def submit_clusters(
        self, dataset: Dataset, *, metric: str = "cosine", coarsest: int = COARSEST, owner: str | None = None
    ) -> Job[ClusterTree]:
        """Ask for clusters in several layers; returns within milliseconds.

        Parameters
        ----------
        dataset : Dataset
            Whose rows.
        metric : str
            Of the neighbor graph; one of :data:`explorer.compute.space.METRICS`.
        coarsest : int
            About how many clusters the first layer is to have, 2 or more.
        owner : str, optional
            Who asks, such as a session's id: owners take turns.

        Returns
        -------
        Job
            As from :meth:`submit_layout`; the arrays count all rows, and are memory-mapped.
        """
        task = clusters_task(dataset, metric, coarsest)

        def request() -> GraphRequest:
            if coarsest < _LEAST_CLUSTERS:
                raise BadParameter("coarsest", coarsest, f"give {_LEAST_CLUSTERS} or more.")
            needed = self._checked_graph(dataset, metric)
            refuse_clusters(dataset, task.describe())
            return needed

        return self._submit(task, dataset, partial(self.find_clusters, task), request, owner)

    def submit_placement(
        self, dataset: Dataset, layouts: Sequence[Layout], new: NDArray[np.float32], *, metric: str = "cosine", owner: str | None = None
    ) -> Job[Placement]:
        """Ask where new rows are; returns as soon as what the layouts are has been read.

        Parameters
        ----------
        dataset : Dataset
            Among whose rows they are placed.
        layouts : sequence of Layout
            Of all rows; none to find neighbors and confidence only.
        new : ndarray of shape (m, d), float32
            Finite; with a direction where the metric is cosine.
        metric : str
            One of :data:`explorer.compute.space.METRICS`; a layout that names another one is placed by that.
        owner : str, optional
            Who asks: one of its own does not wait for the layouts that a session asked for.

        Returns
        -------
        Job
            As from :meth:`submit_layout`.
        """
        try:
            made = check_new(new, dataset.n_dims, metric) if dataset.vectors is not None else np.empty((0, 0), np.float32)
            for layout in layouts:
                _check_rows(dataset, layout)
        except ExplorerError as error:
            return self._failed(f"New rows among {dataset.name}", error)
        contents, content = [content_of(layout.coordinates) for layout in layouts], content_of_new(made)
        described = [
            {"content": each, "method": layout.method, "params": dict(layout.params)}
            for each, layout in zip(contents, layouts, strict=True)
        ]
        task = PlacementTask(dataset.fingerprint, dataset.name, dataset.n_drawable, content, metric, described)

        def find() -> Placement | None:
            kept = self.store.get(task.kind, task.key(self.store))
            return None if kept is None else to_placement(kept)

        def request() -> None:
            GraphTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric, 1).check()

        def keep() -> None:
            keep_new(self.store, made, content)
            for each, layout in zip(contents, layouts, strict=True):
                keep_coordinates(self.store, layout.coordinates, each)

        return self._submit(task, dataset, find, request, owner, also=keep)

    def forecast_layout(self, dataset: Dataset, projection: Projection, named: Named | None = None) -> Forecast | None:
        """Say what :meth:`submit_layout` will take; reads the store, so it is for a thread to ask.

        Returns
        -------
        Forecast or None
            None where nothing has to be computed.

        Raises
        ------
        ParameterError, VectorsNeeded
            Where the layout would be refused: a parameter that does not fit the data, not enough memory, no vectors.
        StoreUnwritable
            If how fast this machine is cannot be kept.
        """
        named = named_by(dataset, projection) if named is None else named
        task = self._layout_task(dataset, projection, settings_of(projection, named))
        if self.find_layout(dataset, task.method, task.settings, task.version) is not None:
            return None
        alone = foresee_layout(self.store, dataset, projection, partial(self.missing, dataset))
        below = projection.builds_on()
        base = None if below is None else self.forecast_layout(dataset, below)
        return alone if base is None else alone.after(base)

    def forecast_graph(self, dataset: Dataset, *, metric: str = "cosine", k: int = 30) -> Forecast | None:
        """Say what :meth:`submit_graph` will take; see :meth:`forecast_layout`."""
        if self.stored_graph(dataset, metric, k) is not None:
            return None
        return foresee_graph(self.store, dataset, GraphTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric, k))

    def counts(self) -> dict[tuple[str, State], int]:
        """Count computations by kind and state: those that wait or run now, and those that have ended; in any thread, at once."""
        dispatcher = self._dispatcher
        return {} if dispatcher is None else dispatcher.counts()

    def computing(self) -> tuple[Computing, ...]:
        """List what is computed on this machine, whichever server was asked: what runs, then the queue; in any thread, at once."""
        dispatcher = self._dispatcher
        return () if dispatcher is None else dispatcher.computing()

    def asked_by(self, owners: Collection[str]) -> dict[tuple[str, str], Job[Any]]:
        """Give the jobs of some owners that wait or run, by kind and key; in any thread, at once."""
        dispatcher = self._dispatcher
        return {} if dispatcher is None else dispatcher.asked_by(owners)

    @property
    def n_died(self) -> int:
        """How many compute processes ended by themselves."""
        dispatcher = self._dispatcher
        return 0 if dispatcher is None else dispatcher.n_died

    def begin(self) -> None:
        """Start a compute process now: it is there when the first job comes. What stands against it, that job will say."""
        dispatcher = self._started()
        if isinstance(dispatcher, Dispatcher):  # a hub has one
            dispatcher.begin()

    def warm(self) -> None:
        """Start a compute process now, and let it load and compile, while it has nothing else to do, what a first job would wait for.

        Raises
        ------
        BadParameter
            If a setting cannot be used.
        """
        dispatcher = self._started()
        if dispatcher is not None:
            dispatcher.warm()

    def close(self) -> None:
        """End the compute processes and cancel what they do; a closed runner computes nothing more."""
        atexit.unregister(self.close)
        with self._lock:
            usable, self._open = self.usable, False
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None and usable:
            dispatcher.close()

    def _submit(
        self,
        task: Task,
        dataset: Dataset,
        find: Callable[[], T | None],
        request: Callable[[], GraphRequest | None],
        owner: str | None,
        *,
        also: Callable[[], None] | None = None,
    ) -> Job[T]:
        """Make the job.

        ``find`` reads what there is, ``request`` checks the parameters and says which graph is needed, ``also`` puts more into the store.
        """
        job: Job[T] = Job(task.describe(), self._leave, self._stop)
        value = find()
        if value is not None:
            job.end("done", value=value)
            return job
        try:
            if settings.read_only() and not (isinstance(task, LayoutTask) and task.method == PCA.method):
                raise ReadOnly(task.describe())  # a page of data without a layout shows PCA
            if dataset.vectors is None:
                raise VectorsNeeded(task.describe(), dataset.name)
            prepare = partial(_prepare, self.store, dataset, request(), also)
            dispatcher = self._started()
        except ExplorerError as error:
            return self._failed(job.what, error)
        if dispatcher is None:
            job.end("canceled", error=JobCanceled(job.what))
        else:
            dispatcher.join(job, task, owner=owner, find=find, keep=partial(self._keep_stopped, task), prepare=prepare)
        return job

    def _layout_task(self, dataset: Dataset, projection: Projection, settings: dict[str, Any]) -> LayoutTask:
        """Make the task of a layout; of one that is not there, and fits only when it is made from landmarks, the task of that."""
        n = dataset.n_drawable
        task = LayoutTask(dataset.fingerprint, dataset.name, n, projection.method, settings, projection.version)
        if dataset.vectors is None or not from_landmarks(projection):
            return task
        other = replace(task, settings={**settings, LANDMARKS: LANDMARKS_VERSION})
        if not (self._computing(other) or needs_landmarks(dataset, projection, partial(self.missing, dataset))):
            return task
        there = self._computing(task) or self.find_layout(dataset, task.method, settings, task.version) is not None
        return task if there else other

    def _failed(self, what: str, error: ExplorerError) -> Job[Any]:
        job: Job[Any] = Job(what, self._leave, self._stop)
        job.end("failed", error=error)
        return job

    def _checked_graph(self, dataset: Dataset, metric: str) -> GraphRequest:
        """Say which graph measuring needs.

        Raises
        ------
        ParameterError
        """
        k = max(1, min(GRAPH_K, dataset.n_drawable - 1))
        task = GraphTask(dataset.fingerprint, dataset.name, dataset.n_drawable, metric, k)
        task.check()
        refuse_graph(dataset, task, partial(self.missing, dataset))
        return {"metric": metric, "k": k}

    def _computing(self, task: Task) -> bool:
        """Whether this very thing is being computed now: who asks for it as well takes no memory more."""
        dispatcher = self._dispatcher
        return dispatcher is not None and dispatcher.has(task)

    def _leave(self, job: Job[Any]) -> None:
        dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.leave(job)

    def _stop(self, job: Job[Any]) -> None:
        dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.stop(job)

    def _keep_stopped(self, task: Task, live: LiveLayout, seconds: float) -> Layout:
        assert isinstance(task, LayoutTask)  # no other shows layouts
        return to_layout(task.keep_stopped(self.store, live, seconds))

    def _started(self) -> Dispatcher | HubDispatcher | None:
        with self._lock:
            if self._dispatcher is None and self.usable:
                hub = settings.hub()
                if hub and self._workers is None and self.store.folder == settings.store_folder():
                    self._dispatcher = HubDispatcher(self.store, hub, self.board.stir)
                else:
                    workers = settings.workers() if self._workers is None else self._workers
                    self._dispatcher = Dispatcher(self.store, workers, self.board.stir)
                atexit.register(self.close)
            return self._dispatcher


def _check_rows(dataset: Dataset, layout: Layout) -> None:
    """Refuse a layout of other rows.

    Raises
    ------
    BadParameter
    """
    if len(layout.coordinates) != dataset.n_rows:
        raise BadParameter("layout", f"{len(layout.coordinates):,} rows", f"the dataset has {dataset.n_rows:,}.")


def _prepare(store: Store, dataset: Dataset, request: GraphRequest | None, also: Callable[[], None] | None) -> None:
    """Put into the store what the compute process needs of a dataset."""
    if also is not None:
        also()
    if dataset.vectors is not None:
        keep_vectors(store, dataset, dataset.vectors)
    if request is not None:
        keep_given_graph(store, dataset, request["metric"], request["k"])


_shared: Runner | None = None
_shared_lock = threading.Lock()


def runner() -> Runner:
    """Return the runner that all sessions of this process share, with the store that the settings name when it is first asked for."""
    global _shared  # noqa: PLW0603  # one runner a process is the point
    with _shared_lock:
        if _shared is None or not _shared.usable:
            _shared = Runner()
        return _shared
