"""One person's session: the data, what is set, what has been computed. Turns a change of state into jobs; knows no Panel.

Everything that takes time runs in threads or in the compute process and comes back through ``schedule``, which runs a function on
the thread that owns this session's params (the event loop of a server, the kernel of a notebook). Only that thread changes them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import param
from numpy.typing import NDArray

from explorer.coloring import Coloring, coloring
from explorer.compute.neighbors import nearest_rows
from explorer.compute.projections import PCA, PROJECTIONS, Layout, Projection, projection
from explorer.data.catalog import Catalog, catalog
from explorer.data.dataset import open_dataset
from explorer.errors import ExplorerError, JobCanceled, UnknownDataset
from explorer.jobs.runner import Runner, runner
from explorer.scene import Run, Scene, Shown, stage
from explorer.shelf import open_shared, shown
from explorer.state.appearance import Appearance
from explorer.state.inspection import Inspection
from explorer.state.projection import ProjectionChoice
from explorer.state.selection import Selection

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.jobs.job import Job

__all__ = ["Neighbors", "Session", "find_neighbors"]

logger = logging.getLogger(__name__)

EXACT_PRODUCTS = 200_000_000  # n * d up to which one row's neighbors are searched exactly: about 0.1 s a hundred million on one core
_FIRST = ("umap", "tsne", None, "pca")  # which layout is shown first
_threads = ThreadPoolExecutor(4, thread_name_prefix="explorer-session")

Schedule = Callable[[Callable[[], None]], None]


class Neighbors(NamedTuple):
    """A row's true nearest rows in the original space."""

    row: int
    rows: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str
    found_by: Literal["graph", "exact search"]
    recall: float


class Session(param.Parameterized):
    """Params are results, to be watched and not set; what a person sets is in the state objects."""

    catalog = param.Parameter(default=Catalog(()), doc="What can be opened by name (Catalog), as it was when last looked at.")
    dataset = param.Parameter(default=None, doc="The open Dataset; none until one was opened.")
    scene = param.Parameter(default=None, doc="What is on the map (Scene), or none.")
    neighbors = param.Parameter(default=None, doc="The clicked row's Neighbors, or none.")
    runs = param.List(default=[], doc="Layouts that can be shown at once (Run).")
    opening = param.String(default="", doc="What is being opened, as text; empty when nothing is.")
    running = param.String(default="", doc="The title of the projection being computed; empty when none is.")
    stage = param.String(default="", doc="What the computation does now.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of the computation is done.")
    seconds_left = param.Number(default=None, allow_None=True, doc="Estimated seconds until the computation ends.")
    error = param.String(default="", doc="The last error as a sentence; empty when the last thing went well.")

    def __init__(self, *, schedule: Schedule, jobs: Runner | None = None) -> None:
        super().__init__()
        self.choice = ProjectionChoice()
        self.appearance = Appearance()
        self.inspection = Inspection()
        self.selection = Selection()
        self._schedule = schedule
        self._runner = jobs or runner()
        self._job: Job[Layout] | None = None
        self._opened = 0  # these count what was asked for: a late answer to an old question is dropped
        self._staged = 0
        self._looked = 0
        self._wanted: Run | Shown | None = None  # what the map shows, or will in a moment
        self._taking = False
        self._closed = False
        self.appearance.param.watch(self._restage, ["color_by", "colormap", "density", "point_size"])
        self.selection.param.watch(self._restage, ["version"])
        self.inspection.param.watch(self._look, ["row", "k", "metric"])

    # -- data

    def open(self, source: object, **options: Any) -> Future[None]:
        """Open a dataset in a thread: a path, a frame, an array; what was open stays until the new one is ready.

        Parameters
        ----------
        source : object
            What :func:`explorer.open_dataset` takes. A path is opened wherever it lies: never pass one that came from a browser.
        **options
            ``vectors``, ``label``, ``color``, ``text``, ``name``: see :func:`explorer.open_dataset`.

        Returns
        -------
        Future
            Done when the dataset was opened, or failed, in the thread; the params change a moment later. Its exception is the error.
        """
        number = self._begin_opening(str(options.get("name") or _title_of(source)))
        return _threads.submit(self._open, lambda: open_dataset(source, **options), number)

    def open_entry(self, name: str | None = None) -> Future[None]:
        """Open a dataset of the catalog by name, the first one by default; looks the catalog up again. Never opens anything else."""
        entry = self.catalog.find(name) if name is not None else None
        number = self._begin_opening(entry.title if entry is not None else name or "the first dataset")

        def read() -> Dataset:
            known = catalog()
            self._later(lambda: self.param.update(catalog=known))
            found = next(iter(known), None) if name is None else known.find(name)
            if found is None:
                raise UnknownDataset(name or "at all", known.names)
            return open_shared(found)

        return _threads.submit(self._open, read, number)

    def open_now(self, source: object, **options: Any) -> None:
        """Open a dataset and wait for it: for a notebook, where the next line needs it.

        Raises
        ------
        ExplorerError
            If it cannot be opened; what was open stays.
        """
        self._begin_opening(_title_of(source))
        try:
            opened = _prepare(open_dataset(source, **options), self._runner)
        except ExplorerError:
            self.opening = ""
            raise
        self._take_dataset(opened, self._opened)

    def _begin_opening(self, title: str) -> int:
        self._opened += 1
        self.param.update(opening=title, error="")
        return self._opened

    def _open(self, read: Callable[[], Dataset], number: int) -> None:
        with self._told("open a dataset", opening=""):
            self._later(self._take_dataset, _prepare(read(), self._runner), number)

    def _take_dataset(self, opened: _Opened, number: int) -> None:
        if number != self._opened:
            return
        self.cancel()
        dataset, self._taking = opened.dataset, True
        try:
            self.appearance.color_by = dataset.color
            self.selection.reset(dataset.n_rows)
            self.inspection.row = None
        finally:
            self._taking = False
        self.param.update(dataset=dataset, runs=opened.runs, neighbors=None, opening="", error="")
        if opened.first is not None:
            self._stage(opened.first, dataset)
            return
        self._wanted = None
        self._staged += 1
        self.scene = None
        if dataset.vectors is not None:
            self.run(PCA())  # a map within seconds, before anybody chose anything

    # -- layouts

    def run(self, projection: Projection | None = None) -> Job[Layout] | None:
        """Compute a projection of every row, and show it when it is done; the chosen one unless another is given.

        Returns
        -------
        Job or None
            None where it could not be started: ``error`` says why.
        """
        dataset = self.dataset
        if dataset is None:
            self.error = "Open a dataset first."
            return None
        projection = projection or self.choice.current
        try:
            job = self._runner.submit_layout(dataset, projection, owner=str(id(self)))
        except ExplorerError as error:
            self.error = _sentence(error)
            return None
        self.cancel()
        self._job = job
        self.param.update(running=projection.title, stage="", fraction=0.0, seconds_left=None, error="")
        run = _run_of(projection.method, projection.settings())
        job.watch(lambda changed: self._later(self._follow, changed, dataset, run))
        return job

    def run_now(self, projection: Projection) -> Layout:
        """Compute a projection, wait for it, and show it: for a notebook, where the next line needs it.

        Raises
        ------
        ExplorerError
            If it cannot be computed.
        """
        dataset = self.dataset
        self.cancel()
        layout = self._runner.submit_layout(dataset, projection, owner=str(id(self))).result()
        self._stage(_run_of(projection.method, projection.settings()), dataset)
        return layout

    def cancel(self) -> None:
        """Stop the computation that this session asked for, if one runs."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self._end_running()

    def _follow(self, job: Job[Layout], dataset: Dataset, run: Run) -> None:
        if job is not self._job:
            return
        if not job.ended:
            stage = "waiting for another computation" if job.state == "queued" else job.stage
            self.param.update(stage=stage, fraction=job.fraction, seconds_left=job.seconds_left)
            return
        self._job = None
        if job.state == "done":
            self.show(run, dataset)
        else:
            self._end_running("" if isinstance(job.error, JobCanceled) else _sentence(job.error))

    def show(self, run: Run, dataset: Dataset | None = None) -> Future[None]:
        """Show a layout that came with the data or is in the store."""
        return self._stage(run, dataset or self.dataset)

    def _end_running(self, error: str | None = None) -> None:
        changes: dict[str, Any] = {"running": "", "stage": "", "fraction": 0.0, "seconds_left": None}
        self.param.update(**changes if error is None else {**changes, "error": error})

    # -- the scene

    def _restage(self, *_: object) -> None:
        if not self._taking and self._wanted is not None:
            self._stage(self._wanted, self.dataset)

    def _stage(self, run: Run | Shown, dataset: Dataset) -> Future[None]:
        """Prepare a scene in a thread, with a layout and with everything as it is set now."""
        self._wanted = run
        self._staged += 1
        look = {name: getattr(self.appearance, name) for name in ("color_by", "colormap", "density", "point_size")}
        mask = self.selection.mask if self.selection.count else None
        return _threads.submit(self._prepare_scene, dataset, run, look, mask, self.scene, self._staged)

    def _prepare_scene(
        self, dataset: Dataset, run: Run | Shown, look: dict[str, Any], mask: NDArray[np.bool_] | None, before: Scene | None, number: int
    ) -> None:
        with self._told("draw the map"):
            runs, on_map = None, run if isinstance(run, Shown) else None
            if on_map is None and before is not None and before.shown.run is run:
                on_map = before.shown
            elif isinstance(run, Run):
                on_map, runs = _load(dataset, run, self._runner), _runs_of(dataset, self._runner)
            scene = None
            if on_map is not None:
                colors = _coloring(dataset, look["color_by"], look["colormap"], before)
                scene = stage(dataset, on_map, colors, density=look["density"], point_size=look["point_size"], mask=mask, before=before)
            self._later(self._take_scene, scene, runs, number)

    def _take_scene(self, scene: Scene | None, runs: list[Run] | None, number: int) -> None:
        if number != self._staged or (scene is not None and scene.dataset is not self.dataset):
            return
        if self._job is None:
            self._end_running()
        if runs is not None:
            self.runs = runs
        if scene is None:
            self.error = "This layout is no longer in the store. Run it again."
        else:
            self.scene = scene

    # -- the clicked row

    def _look(self, *_: object) -> None:
        self._looked += 1
        if self.inspection.row is None or self.dataset is None:
            self.neighbors = None
            return
        _threads.submit(self._find_neighbors, self.dataset, self.inspection.row, self.inspection.k, self.inspection.metric, self._looked)

    def _find_neighbors(self, dataset: Dataset, row: int, k: int, metric: str, number: int) -> None:
        with self._told(f"find the neighbors of row {row}"):
            self._later(self._take_neighbors, find_neighbors(dataset, row, k=k, metric=metric, jobs=self._runner), number)

    def _take_neighbors(self, found: Neighbors | None, number: int) -> None:
        if number == self._looked:
            self.neighbors = found

    # -- ending

    def close(self) -> None:
        """Let go of everything; what this session alone waited for is canceled."""
        self._closed = True
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def _later(self, function: Callable[..., None], *values: object) -> None:
        if not self._closed:
            self._schedule(lambda: None if self._closed else function(*values))

    @contextmanager
    def _told(self, what: str, **changes: Any) -> Iterator[None]:
        """Tell the person what a thread could not do, and log what was not meant to happen; the border of every thread."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, ExplorerError):
                logger.exception("could not %s", what)
            told = {**changes, "error": _sentence(error)}
            self._later(lambda: self.param.update(**told))
            raise


class _Opened(NamedTuple):
    dataset: Dataset
    runs: list[Run]
    first: Shown | None


def _prepare(dataset: Dataset, jobs: Runner) -> _Opened:
    runs = _runs_of(dataset, jobs)
    first = next((loaded for run in runs if (loaded := _load(dataset, run, jobs)) is not None), None)
    return _Opened(dataset, runs, first)


def find_neighbors(dataset: Dataset, row: int, *, k: int, metric: str, jobs: Runner) -> Neighbors | None:
    """Find a row's true nearest rows: from an exact graph, else by exact search, else (millions of rows) from the stored graph.

    Parameters
    ----------
    dataset : Dataset
        With vectors; None is returned where it has none, or where the row was left out.
    row : int
        Row number.
    k : int
        Neighbors wanted; fewer come back from a dataset of k rows or less.
    metric : {"cosine", "euclidean"}
        Distance in the original space.
    jobs : Runner
        Knows the stored graphs.
    """
    if dataset.vectors is None or not dataset.drawable[row]:
        return None
    k = min(k, dataset.n_drawable - 1)
    graph = jobs.stored_graph(dataset, metric, k)
    cheap = dataset.n_rows * dataset.n_dims <= EXACT_PRODUCTS
    if graph is not None and (graph.recall >= 1.0 or not cheap):
        return Neighbors(row, np.array(graph.indices[row, :k]), np.array(graph.distances[row, :k]), metric, "graph", graph.recall)
    rows, distances = nearest_rows(dataset.vectors, row, k=k, metric=metric, drawable=dataset.drawable)
    return Neighbors(row, rows, distances, metric, "exact search", 1.0)


def _load(dataset: Dataset, run: Run, jobs: Runner) -> Shown | None:
    if run.given is not None:
        given = dataset.layouts[run.given]
        layout: Layout | None = Layout(given.coordinates, given.method or "given", dict(given.params))
    else:
        layout = jobs.stored_layout(dataset, projection(str(run.method), **run.settings))
    return None if layout is None else shown(dataset, run, layout)


def _runs_of(dataset: Dataset, jobs: Runner) -> list[Run]:
    """List what can be shown at once: first what came with the data; UMAP before t-SNE before PCA."""
    runs = []
    for position, given in enumerate(dataset.layouts):
        title = _run_title(given.method, given.params) if given.method else given.name
        runs.append(Run(title, given.method, dict(given.params), position))
    known = {(run.method, _frozen(run.settings)) for run in runs}
    for method, settings in jobs.kept(dataset):
        if method in PROJECTIONS and (method, _frozen(settings)) not in known:
            runs.append(_run_of(method, settings))
    return sorted(runs, key=lambda run: _FIRST.index(run.method) if run.method in _FIRST else len(_FIRST))


def _coloring(dataset: Dataset, column: str | None, cmap: str, before: Scene | None) -> Coloring:
    known = before.coloring if before is not None and before.dataset is dataset else None
    if known is not None and known.column == column and known.cmap == cmap:
        return known
    return coloring(dataset, column, cmap=cmap)


def _run_of(method: str, settings: Mapping[str, Any]) -> Run:
    return Run(_run_title(method, settings), method, dict(settings), None)


def _run_title(method: str, settings: Mapping[str, Any]) -> str:
    """Name a run by its method and by the parameters that differ from the defaults: "UMAP", "UMAP, n_neighbors 50"."""
    if method not in PROJECTIONS:
        return method
    made = PROJECTIONS[method]()
    usual = made.settings()
    differing = [f"{name} {value}" for name, value in settings.items() if usual.get(name) != value]
    return ", ".join([made.title, *differing])


def _frozen(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in settings.items()))


def _title_of(source: object) -> str:
    return str(source) if isinstance(source, str) or hasattr(source, "__fspath__") else f"a {type(source).__name__}"


def _sentence(error: BaseException | None) -> str:
    if isinstance(error, ExplorerError):
        return str(error)
    return f"Something went wrong inside Explorer ({type(error).__name__}: {error}). The log has the details; what was on screen is unchanged."
