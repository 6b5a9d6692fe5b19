"""One person's session: the data, what is set, what has been computed. Turns a change of state into jobs; knows no Panel.

Everything that takes time runs in threads or in the compute process and comes back through ``schedule``, which runs a function on
the thread that owns this session's params (the event loop of a server, the kernel of a notebook). Only that thread changes them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import param

from explorer import settings
from explorer.aligning import Frames
from explorer.assessment import Assessment
from explorer.clustering import Clustering
from explorer.color_toggle import ColorToggle
from explorer.comparing import Comparing
from explorer.compute.projection import PLANE
from explorer.compute.projections import PCA, Layout, Projection
from explorer.data.catalog import Catalog
from explorer.data.comparison import with_rival
from explorer.data.dataset import open_dataset
from explorer.dimensions import counterpart
from explorer.encoders.image_bytes import ENDINGS as IMAGES
from explorer.errors import ExplorerError, JobCanceled, JobTooLong, OnlyImages, OnlyTexts, UnknownChoice, UnknownDataset, UnknownRow
from explorer.inquiry import Inquiry
from explorer.intake import Intake
from explorer.job_list import JobList
from explorer.jobs.artifacts import STOPPED_AT
from explorer.jobs.inputs import NOTHING, Named, named_by, settings_of
from explorer.jobs.runner import Runner, runner
from explorer.journey import Journey
from explorer.live_map import LiveMap
from explorer.measured import as_it_came, listen
from explorer.methods import paragraphs
from explorer.movement import Movement
from explorer.neighborhood import Neighbors, find_neighbors
from explorer.newcomers import Newcomers
from explorer.offer import TextOffer
from explorer.outlook import Outlook
from explorer.plane import Plane
from explorer.records import audit
from explorer.records.visitor import NOBODY, Visitor, visiting
from explorer.render.camera import Camera
from explorer.retrieving import Retrieving
from explorer.runs import Opened, dimensions_of, prepare, run_of, runs_of
from explorer.scene import Placed, Run, Scene, Shown
from explorer.shelf import open_shared, opened, shown
from explorer.staging import Look, Staged, Way, depart, open_already, prepare_scene
from explorer.standing import Standing
from explorer.state.appearance import Appearance
from explorer.state.arrangement import Arrangement
from explorer.state.export import ExportChoice
from explorer.state.filters import Filters
from explorer.state.groups import RowGroups
from explorer.state.histograms import Histograms
from explorer.state.history import History
from explorer.state.inspection import Inspection
from explorer.state.projection import ProjectionChoice
from explorer.state.selection import Selection
from explorer.state.table import TableChoice
from explorer.steadiness import Steadiness
from explorer.turning import Turned
from explorer.undoing import undo_choices

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.data.encodable import Encodable
    from explorer.jobs.job import Job
    from explorer.state.history import PackedMask

__all__ = ["Schedule", "Session"]

logger = logging.getLogger(__name__)

_Made = TypeVar("_Made")

_threads = ThreadPoolExecutor(4, thread_name_prefix="explorer-session")
_readers = ThreadPoolExecutor(4, thread_name_prefix="explorer-open")  # apart: no click waits for a large file
_MAPS = {1: "one map", 2: "two maps", 3: "three maps"}

Schedule = Callable[[Callable[[], object]], object]
"""Runs a function, later, on the thread that owns the params; may be called from any thread."""


class Session(param.Parameterized):
    """Params are results, to be watched and not set; what a person sets is in the state objects."""

    catalog = param.Parameter(default=Catalog(()), doc="What can be opened by name (Catalog), as it was when last looked at.")
    dataset = param.Parameter(default=None, doc="The open Dataset; none until one was opened.")
    columns = param.List(default=[], doc="Names of its columns; more when some were computed of it, while it stays the same Dataset.")
    planes = param.List(default=[], doc="The maps (Plane), one to three.")
    scene = param.Parameter(default=None, doc="What is on the first map (Scene), or none.")
    pointed = param.Integer(default=None, allow_None=True, doc="The row under the pointer, wherever that is: ringed on every map.")
    neighbors = param.Parameter(default=None, doc="The clicked row's Neighbors, or none.")
    other_neighbors = param.Parameter(default=None, doc="The same by the other vectors of the same rows, or none.")
    marked = param.List(default=[], item_type=int, doc="Rows that are marked on every map: hits of a search.")
    runs = param.List(default=[], doc="Layouts that can be shown at once (Run).")
    opening = param.String(default="", doc="What is being opened, as text; empty when nothing is.")
    running = param.String(default="", doc="The title of the projection being computed; empty when none is.")
    stage = param.String(default="", doc="What the computation does now.")
    detail = param.String(default="", doc="How far the layout has come that is shown while it is computed: iteration and loss.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of the computation is done.")
    seconds_left = param.Number(default=None, allow_None=True, doc="Estimated seconds until the computation ends.")
    error = param.String(default="", doc="The last error as a sentence; empty when the last thing went well.")

    def __init__(self, *, schedule: Schedule, jobs: Runner | None = None, visitor: Visitor = NOBODY) -> None:
        super().__init__()
        self.visitor = visitor  # whose session it is, in every line that is logged for it
        self.intake = Intake(visitor)
        self.offer = TextOffer(self)
        self.owner = str(id(self))  # of what it asks for, as the runner knows it
        self.choice = ProjectionChoice()
        self.appearance = Appearance()
        self.export = ExportChoice()
        self.inspection = Inspection()
        self.arrangement = Arrangement()
        self.histograms = Histograms()
        self.table = TableChoice()
        self.history = History()  # of all that a person undoes
        self.selection = Selection(history=self.history)
        self.filters = Filters(history=self.history)
        self._schedule = schedule
        self._runner = jobs or runner()
        self._job: Job[Layout] | None = None
        self._live: LiveMap | None = None
        self._goal: Plane | None = None  # the map that the computed layout is for; the first one, once that is gone
        self._opened = self._asked = self._looked = 0  # count what was asked for: a late answer to an old question is dropped
        self._taking = False
        self._closed = False
        self._frames = Frames()
        self.standing = Standing(self)  # of the maps, for the history
        self._every_plane = [Plane(self)]  # also those that are not on the page now: a browser keeps what it once had
        self.planes = list(self._every_plane)
        self.inquiry = Inquiry(self, jobs=self._runner)
        self.newcomers = Newcomers(self, jobs=self._runner)
        self.retrieving = Retrieving(self)
        self.colors = ColorToggle(self)
        self.movement = Movement(self, jobs=self._runner)
        self.assessment = Assessment(self, jobs=self._runner)
        self.steadiness = Steadiness(self, jobs=self._runner)
        self.steadiness.param.watch(self._on_steadiness, ["known"])
        self.clustering = Clustering(self, jobs=self._runner)
        self.clustering.param.watch(self._on_renamed, ["names"])
        undo_choices(self)
        self.comparing = Comparing(self, jobs=self._runner)
        self.groups = RowGroups(self.selection, self.inspection)
        self.outlook = Outlook(self, jobs=self._runner)
        owners = (each.owner for each in (self, self.assessment, self.steadiness, self.clustering, self.newcomers, self.comparing))
        self.jobs = JobList(self, tuple(owners), jobs=self._runner)
        self.appearance.param.watch(
            self._restage, ["color_by", "colormap", "color_scale", "palette", "hidden", "density", "point_size", "depth_cue"]
        )
        self.selection.param.watch(self._restage, ["version"])
        self.filters.param.watch(self._restage, ["version"])
        self.arrangement.param.watch(self._show_maps, ["n_maps"])
        self.inspection.param.watch(self._look, ["row", "k", "metric"])
        listen(self)

    def _on_renamed(self, *_: object) -> None:
        if self.clustering.called(self.appearance.color_by) != (self.scene.coloring.given if self.scene is not None else {}):
            self._restage()

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
        return self.open_with(lambda: open_dataset(source, **options), str(options.get("name") or _title_of(source)))

    def open_with(self, read: Callable[[], Dataset], title: str) -> Future[None]:
        """Open what a function reads, in a thread; see :meth:`open`."""
        return self._open(read, title, self._begin_opening(title))

    def open_entry(self, name: str | None = None) -> Future[None]:
        """Open a dataset of the catalog by name, the first one by default; looks the catalog up again. Never opens anything else."""
        entry = self.catalog.find(name) if name is not None else None
        title = entry.title if entry is not None else name or "the first dataset"

        def read() -> Dataset:
            known = self._look_up()
            found = next(iter(known), None) if name is None else known.find(name)
            if found is None:
                raise UnknownDataset(name or "at all", known.names)
            dataset = open_shared(found)
            self.intake.note_opened(found, known)
            return dataset

        return self._open(read, title, self._begin_opening(title))

    def compare(self, name: str) -> Future[None]:
        """Open what is open once more, with another column of its source as other vectors of its rows; with none where ``name`` is ""."""
        dataset = self.dataset
        return self.open_with(lambda: with_rival(as_it_came(dataset), name), dataset.name)

    def compare_entry(self, name: str) -> Future[None]:
        """Open what is open once more, with the vectors of a dataset of the catalog as other vectors of its rows; never anything else's."""
        dataset = self.dataset
        return self.open_with(partial(self.intake.compared, dataset, name), dataset.name)

    def open_upload(self, name: str, data: bytes, *, vectors: str | None = None) -> Future[None]:
        """Open a file that a browser has sent, see :meth:`open`; where somebody has logged in, it is in their catalog from now on.

        Parameters
        ----------
        name : str
            The file's name, no path.
        data : bytes
            What is in it.
        vectors : str, optional
            Which columns are its vectors; found by themselves by default.
        """

        def read() -> Dataset:
            try:
                return self.intake.open_upload(name, data, vectors)
            finally:
                self._look_up()

        return self._open(read, name, self._begin_opening(name), action="upload")

    def drop_upload(self, name: str, data: bytes) -> None:
        """Place the rows of a file that a browser has sent, or an image, among those that are there; the file is not kept."""
        if name.lower().endswith(IMAGES):
            self.newcomers.drop_image(name, partial(self.intake.read_image, name, data))
        else:
            self.newcomers.drop_rows(partial(self.intake.read_upload, name, data))

    def remove_upload(self, name: str) -> Future[None]:
        """Delete something that this session's user has uploaded, in a thread; where it is open, it stays on the map."""

        def remove() -> None:
            try:
                self.intake.remove_upload(name)
            finally:
                self._look_up()

        return self.in_thread("delete an upload", 0, lambda: 0, remove, lambda *_: None, self._fail_removing)

    def open_ready(self, name: str | None = None) -> bool:
        """Open a dataset of the catalog, the first one by default, if somebody in this process looks at it; takes milliseconds.

        Returns
        -------
        bool
            False, and nothing has changed, where :meth:`open_entry` has to be asked.
        """
        known = self.intake.catalog()
        entry = next(iter(known), None) if name is None else known.find(name)
        dataset = None if entry is None else opened(entry)
        ready = None if dataset is None else open_already(dataset, Look.of(self.appearance), self._runner)
        if entry is None or ready is None:
            return False
        _readers.submit(self.intake.note_opened, entry, known)
        self.catalog = known
        self._opened += 1
        self._take_dataset(ready, self._opened, now=True)
        return True

    def announce_entry(self, name: str | None = None) -> None:
        """Say which dataset of the catalog, the first one by default, is about to be opened: a page cannot ask for it at once."""
        known = self.intake.catalog()
        entry = next(iter(known), None) if name is None else known.find(name)
        self.opening = name or "" if entry is None else entry.title

    def _look_up(self) -> Catalog:
        """Look up what may be opened, in a thread, and have it shown."""
        known = self.intake.catalog()
        self.soon(lambda: self.param.update(catalog=known))
        return known

    def open_now(self, source: object, **options: Any) -> None:
        """Open a dataset and wait for it: for a notebook, where the next line needs it.

        Raises
        ------
        ExplorerError
            If it cannot be opened; what was open stays.
        """
        number = self._begin_opening(_title_of(source))
        try:
            ready = prepare(open_dataset(source, **options), self._runner)
        finally:
            self.opening = ""
        self._take_dataset(ready, number, now=True)

    def _begin_opening(self, title: str) -> int:
        self._opened += 1
        self.offer.dismiss()
        self.param.update(opening=title, error="")
        return self._opened

    def _open(self, read: Callable[[], Dataset], title: str, number: int, *, action: audit.Action = "open") -> Future[None]:
        asked = _Asked("open a dataset", number, lambda: self._opened)

        def make() -> Opened:
            try:
                return prepare(read(), self._runner)
            except Exception as error:
                if isinstance(error, OnlyTexts | OnlyImages) and not settings.read_only():
                    self.soon(self._offer, title, error.encodable, number)
                audit.record(action, dataset=title, who=self.visitor, refused=_sentence(error))
                raise

        return _readers.submit(self._answer, asked, make, self._take_dataset, self._fail_opening)

    def _offer(self, title: str, found: Encodable, number: int) -> None:
        if number == self._opened:
            self.offer.put(title, found)

    def _fail_removing(self, sentence: str, _: int) -> None:
        self.error = sentence

    def _fail_opening(self, sentence: str, number: int) -> None:
        if number == self._opened:
            self.param.update(opening="", error="" if self.offer.title else sentence)

    def _take_dataset(self, ready: Opened, number: int, *, now: bool = False) -> None:
        if number == self._opened:
            with self.history.unrecorded():
                self._take_opened(ready, now=now)

    def _take_opened(self, ready: Opened, *, now: bool) -> None:
        self.cancel()
        dataset, self._taking, before = ready.dataset, True, self.dataset
        # Where the rows are compared with other ones than before, what was selected of them, filtered and clicked stays.
        same_rows = before is not None and (before.name, before.fingerprint) == (dataset.name, dataset.fingerprint)
        try:
            self.choice.vectors = "" if dataset.other is None else dataset.vectors_name
            if not same_rows:
                self.appearance.hidden = {}
                self.selection.reset(dataset.n_rows)
                self.filters.reset(dataset.n_rows)
                self.inspection.row = None
            if not same_rows or self.appearance.color_by not in {None, *dataset.roles}:
                self.appearance.color_by = dataset.color
            self.history.clear()
            self.pointed, self.marked = None, []
            self._frames = Frames()
        finally:
            self._taking = False
        self.param.update(
            dataset=dataset, columns=list(dataset.roles), runs=ready.runs, neighbors=None, other_neighbors=None, opening="", error=""
        )
        audit.record("open", dataset=dataset.name, rows=dataset.n_rows, who=self.visitor)
        self._look()
        for plane in self.planes[1:]:
            plane.clear()
        first = self.planes[0]
        if ready.first is not None:
            (first.stage_now if now else first.stage)(ready.first, dataset)
            return
        first.clear()
        self.scene = None
        if dataset.vectors is not None:
            self.run(PCA())  # a map within seconds, before anybody chose anything

    def hear(self, dataset: Dataset) -> None:
        """Hear, in any thread, that a dataset has gained columns."""
        if dataset is self.dataset:
            self.soon(self._take_columns, dataset)

    def _take_columns(self, dataset: Dataset) -> None:
        if dataset is self.dataset:
            self.columns = list(dataset.roles)
            self.movement.columns_came()
            self.assessment.columns_came()
            self.steadiness.columns_came()
            self.clustering.columns_came()
            self.comparing.columns_came()

    def _on_steadiness(self, *_: object) -> None:
        if self.steadiness.known:  # which took a neighbor graph
            self.assessment.look_again()

    # -- layouts

    def run(self, projection: Projection | None = None, *, of: str | None = None, plane: Plane | None = None) -> Job[Layout] | None:
        """Compute a projection of every row, and show it when it is done; the chosen one unless another is given.

        Parameters
        ----------
        projection : Projection, optional
            The chosen one by default.
        of : str, optional
            Of which vectors, where the rows have others as well: by default those that are chosen.
        plane : Plane, optional
            The map on which it is shown, while it forms and when it is done; the first one by default.

        Returns
        -------
        Job or None
            None where it could not be started: ``error`` says why; and where columns have to be read first: then it starts a moment later.
        """
        dataset = self.dataset
        if dataset is None:
            self.error = "Open a dataset first."
            return None
        projection = projection or self.choice.current
        own = dataset.with_vectors(self.choice.vectors if of is None else of)
        of = own.vectors_name if own is not dataset else ""
        self._asked += 1
        if not projection.input_names:
            return self._run(dataset, projection, NOTHING, of, plane)
        chosen = type(projection)(**projection.settings())  # as it is now
        find = partial(named_by, own, chosen, self.groups)
        self.in_thread(
            f"find what {chosen.title} is to be made of",
            self._asked,
            lambda: self._asked,
            find,
            partial(self._run_with, dataset, chosen, of, plane),
            self._fail_asking,
        )
        return None

    def _run_with(self, dataset: Dataset, projection: Projection, of: str, plane: Plane | None, named: Named, number: int) -> None:
        if number == self._asked and self.dataset is dataset:
            self._run(dataset, projection, named, of, plane)

    def _fail_asking(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self.error = sentence

    def _run(self, dataset: Dataset, projection: Projection, named: Named, of: str, plane: Plane | None) -> Job[Layout] | None:
        try:
            job = self._runner.submit_layout(dataset.with_vectors(of), projection, named=named, owner=self.owner)
        except ExplorerError as error:
            self.error = _sentence(error)
            return None
        run = run_of(projection.method, settings_of(projection, named), of)
        self.cancel()
        self._job = job
        self._goal = goal = plane if plane is not None and plane in self.planes else self.planes[0]
        self.param.update(running=projection.title, stage="", detail="", fraction=0.0, seconds_left=None, error="")
        self._live = LiveMap(self, goal, run, job)
        job.watch(lambda changed: self.soon(self._follow, changed, dataset, of))
        return job

    def run_now(self, projection: Projection, *, of: str = "") -> Layout:
        """Compute a projection, wait for it, and show it: for a notebook, where the next line needs it.

        ``of`` names the other vectors of the same rows, where it is to be made of those.

        Raises
        ------
        ExplorerError
            If it cannot be computed.
        """
        dataset = self.dataset
        self.cancel()
        own = dataset.with_vectors(of)
        if of and own is dataset:
            raise UnknownChoice("of", of, [] if dataset.other is None else [dataset.other.vectors_name])
        named = named_by(own, projection, self.groups)
        run = run_of(projection.method, settings_of(projection, named), of)
        job = self._runner.submit_layout(own, projection, named=named, owner=self.owner)
        try:
            on_map = shown(dataset, run, job.result(), self._runner.store)
        except BaseException:  # Ctrl-C among them: nobody waits for it any more
            job.cancel()
            raise
        self.param.update(runs=runs_of(dataset, self._runner), error="")
        self.standing.note_show(self.planes[0], run)
        self.planes[0].stage_now(on_map, dataset)
        return on_map.layout

    def stop(self) -> None:
        """End the computation that this session asked for, and keep and show its layout as it is now."""
        if self._job is not None:
            self._job.stop()

    def cancel(self) -> None:
        """End the computation that this session asked for, if one runs; what was on the map before is shown again."""
        job, self._job, self._live = self._job, None, None
        if job is not None:
            job.cancel()
            self._asked_on.unwatch()
        self._end_running()

    def _follow(self, job: Job[Layout], dataset: Dataset, of: str) -> None:
        if job is not self._job:
            return
        if not job.ended:
            stage = "waiting for another computation" if job.state == "queued" else job.stage
            detail = "" if self._live is None else self._live.detail
            self.param.update(stage=stage, detail=detail, fraction=job.fraction, seconds_left=job.seconds_left)
            if self._live is not None:
                self._live.look()
            return
        live, self._job, self._live = self._live, None, None
        plane = self._asked_on
        if job.state == "done":
            layout = job.result()
            run = run_of(layout.method, layout.params, of)  # one that was stopped says so
            self.standing.note_show(plane, run)
            (plane.travel if plane.live is None else plane.finish)(run, dataset)
        elif isinstance(job.error, JobTooLong) and job.error.iteration is not None and live is not None:
            kept = run_of(str(live.run.method), {**live.run.settings, STOPPED_AT: job.error.iteration}, of)
            self.standing.note_show(plane, kept)
            (plane.travel if plane.live is None else plane.finish)(kept, dataset)
            self._end_running(_sentence(job.error))
        else:
            plane.unwatch()
            self._end_running("" if isinstance(job.error, JobCanceled) else _sentence(job.error))

    def show(self, run: Run, dataset: Dataset | None = None) -> Future[None]:
        """Show a layout that came with the data or is in the store on the first map."""
        self.standing.note_show(self.planes[0], run)
        return self.planes[0].travel(run, dataset or self.dataset)

    def change_dimensions(self, plane: Plane) -> None:
        """Show the layout of a map in three dimensions, or one of more in two; where it is not there, it is computed for this map."""
        dataset, run = self.dataset, plane.run
        if dataset is None or run is None or plane.live is not None:
            return
        found = counterpart(run, self.runs, dataset)
        if found.run is not None:
            self.standing.note_show(plane, found.run)
            plane.travel(found.run, dataset)
        elif found.projection is not None:
            self.run(found.projection, of=run.of, plane=plane)
        else:
            self.error = f"{found.sentence}."

    def face(self, plane: Plane, run: Run, numbers: Sequence[float]) -> None:
        """Show a layout of more than two dimensions as a camera sees it, whose numbers come from a file or an address.

        Raises
        ------
        BadParameter
            If they are no camera of this layout.
        """
        dataset = self.dataset
        if dataset is None or dimensions_of(dataset, run) == PLANE:
            return
        camera = Camera.of_numbers(numbers, dimensions_of(dataset, run))
        self._frames.keep_camera(run, camera)
        scene = plane.scene
        if scene is not None and plane.wanted is scene.shown and isinstance(scene.shown, Turned) and scene.shown.run == run:
            plane.turn(camera)

    @property
    def _asked_on(self) -> Plane:
        """The map that the layout is for which is being computed, or was last."""
        return self.planes[0] if self._goal is None else self._goal

    def _end_running(self, error: str | None = None) -> None:
        changes: dict[str, Any] = {"running": "", "stage": "", "detail": "", "fraction": 0.0, "seconds_left": None}
        self.param.update(**changes if error is None else {**changes, "error": error})

    # -- the maps; those after the first one begin with a layout that no other has

    def _show_maps(self, *_: object) -> None:
        n = self.arrangement.n_maps
        self.standing.note(f"{_MAPS[n]} side by side" if n > 1 else _MAPS[n])
        self._every_plane += [Plane(self) for _ in range(n - len(self._every_plane))]
        for plane in self._every_plane[n:]:
            plane.clear()
        self.planes = self._every_plane[:n]
        if self._asked_on not in self.planes:  # what it was asked for is gone: it comes on the first map, as what is run does
            self._goal = self.planes[0]
            if self._live is not None and self._job is not None:
                self._live = LiveMap(self, self._goal, self._live.run, self._job)
            elif self.running:  # it had begun to travel to where nobody sees it
                self._end_running()
        self._fill()

    def show_next(self) -> None:
        """Show the next layout on the first map; after the last one comes the first."""
        wanted = self.planes[0].run
        if wanted is not None and len(self.runs) > 1:
            at = self.runs.index(wanted) if wanted in self.runs else -1
            self.show(self.runs[(at + 1) % len(self.runs)])

    def invert_selection(self) -> None:
        """Select what is shown and not selected."""
        self.selection.invert(None if self.scene is None else self.scene.shown_mask)

    def kept_of(self, dataset: Dataset) -> dict[str, PackedMask]:
        """Give the selections that are kept by name, for a file of a dataset's rows; none where another dataset is open by now."""
        return self.selection.packed() if dataset is self.dataset else {}

    def describe_maps(self) -> Callable[[], str]:
        """Take down what is on the maps, and give what describes how it was made, for a paper: for a thread."""
        dataset, runs = self.dataset, [run for plane in self.planes for run in plane.layouts]
        known, steady = dict(self.assessment.known), dict(self.steadiness.known)
        if dataset is None:
            return lambda: ""
        return partial(paragraphs, dataset, runs, self._runner, known=known, steady=steady)

    def point(self, row: int | None) -> None:
        """Ring a row on every map, or none; a row that the dataset does not have is none."""
        self.pointed = row if self.dataset is not None and row is not None and 0 <= row < self.dataset.n_rows else None

    def _fill(self) -> None:
        """Give a layout to each map that has none, if there is one that no other map shows."""
        for plane in self.planes[1:]:
            taken = [other.run for other in self.planes]
            free = next((run for run in self.runs if run not in taken), None)
            if plane.wanted is None and free is not None and self.dataset is not None:
                plane.stage(free, self.dataset)

    def _restage(self, *_: object) -> None:
        if not self._taking:
            for plane in self.planes:
                plane.restage()

    def catch_up(self) -> None:
        """Bring onto the map here and now what was set: for a notebook, where the next line needs it.

        Raises
        ------
        ExplorerError
            If it cannot be drawn.
        """
        for plane in self.planes:
            plane.catch_up()

    def preparation(self, run: Run | Shown | Callable[[], Shown], dataset: Dataset, before: Scene | None) -> Callable[[], Staged]:
        """Say, with everything as it is set now, what makes a scene: for a plane."""
        mask = self.selection.mask if self.selection.count else None
        look, passing = Look.of(self.appearance, self.clustering.called(self.appearance.color_by)), self.filters.mask
        return partial(prepare_scene, dataset, run, look, mask, passing, before, self._runner, self._frames, self._reference(before))

    def departure(self, run: Run) -> Callable[[Scene], Journey | None]:
        """Say what finds the way from a scene to a layout: for a plane."""
        frames = self._frames
        return lambda before: depart(before.dataset, before.shown, before.normalization, before.stands_for, run, self._runner, frames)

    def way_between(self, start: Run, goal: Run, before: Scene | None) -> Callable[[], Way | None]:
        """Say what shows a layout and finds the way to another: for a plane."""
        dataset, frames = self.dataset, self._frames
        show = self.preparation(start, dataset, before)

        def find() -> Way | None:
            staged = show()
            scene = staged.scene
            journey = None if scene is None else depart(dataset, scene.shown, scene.normalization, 1, goal, self._runner, frames)
            return None if journey is None else Way(staged, journey)

        return find

    def _reference(self, before: Scene | None) -> Placed | None:
        """Say what a layout that was never shown is to lie like: what it takes the place of, else what is on the first map."""
        on_screen = [scene for scene in (before, self.planes[0].scene) if scene is not None and scene.dataset is self.dataset]
        return on_screen[0].shown if on_screen else None

    def in_thread(
        self,
        what: str,
        number: int,
        latest: Callable[[], int],
        make: Callable[[], _Made],
        take: Callable[[_Made, int], None],
        fail: Callable[[str, int], None],
        *,
        threads: Executor = _threads,
    ) -> Future[None]:
        """Make something in a thread, unless it is no longer asked for by then; ``take`` it, or ``fail`` with a sentence, back here.

        Parameters
        ----------
        what : str
            What could not be done, in the log.
        number, latest : int, callable
            Which question this answers, and the number of the last one.
        make : callable
            Runs in the thread.
        take, fail : callable
            Run on the thread that owns the params, with the number.
        threads : Executor, optional
            Whose thread.
        """
        try:
            return threads.submit(self._answer, _Asked(what, number, latest), make, take, fail)
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
            # The interpreter is ending, as a script's does while something is still measured: nobody waits for an answer.
            unanswered: Future[None] = Future()
            unanswered.cancel()
            return unanswered

    def staged(self, plane: Plane) -> None:
        """Hear from a plane that it has another scene."""
        self._on_map(plane)
        self.movement.follow(plane)
        self._fill()

    def not_staged(self, plane: Plane, sentence: str) -> None:
        """Hear from a plane that its scene could not be made."""
        self._on_map(plane)
        self.error = sentence

    def _on_map(self, plane: Plane) -> None:
        if self._job is None and plane is self._asked_on:
            self._end_running()
        if plane is self.planes[0]:
            self.scene = plane.scene

    # -- the clicked row

    def _look(self, *_: object) -> None:
        self._looked += 1
        dataset, row = self.dataset, self.inspection.row
        if dataset is None or row is None:
            self.param.update(neighbors=None, other_neighbors=None)
        elif row >= dataset.n_rows:  # from a browser, or from a link that was made with other data
            with self.history.unrecorded():
                self.inspection.row = None
            self.error = str(UnknownRow(row, dataset.n_rows))
        else:
            k, metric = self.inspection.k, self.inspection.metric
            sets = [dataset] if dataset.other is None else [dataset, dataset.other]

            def find() -> list[Neighbors | None]:
                return [find_neighbors(each, row, k=k, metric=metric, jobs=self._runner) for each in sets]

            self.in_thread(
                f"find the neighbors of row {row}", self._looked, lambda: self._looked, find, self._take_neighbors, self._fail_looking
            )

    def _take_neighbors(self, found: list[Neighbors | None], number: int) -> None:
        if number == self._looked:
            self.param.update(neighbors=found[0], other_neighbors=found[-1] if len(found) > 1 else None)

    def neighbors_by(self, of: str) -> Neighbors | None:
        """Give the clicked row's nearest rows by its own vectors, or by the others of this name."""
        found: Neighbors | None = self.other_neighbors if of else self.neighbors
        return found

    def _fail_looking(self, sentence: str, number: int) -> None:
        if number == self._looked:
            self.error = sentence

    # -- ending

    def close(self) -> None:
        """Let go of everything; what this session alone waited for is canceled."""
        self._closed = True
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.jobs.close()
        self.assessment.close()
        self.steadiness.close()
        self.clustering.close()
        self.offer.close()
        self.newcomers.close()
        self.comparing.stop()

    def soon(self, function: Callable[..., object], *values: object) -> None:
        """Run a function on the thread that owns the params; may be called from any thread. Nothing runs once the session is closed.

        Widgets call it for what a person does: Bokeh 3.10 runs their callbacks in threads.
        """
        if not self._closed:
            self._schedule(partial(self._run_here, function, *values))

    def _run_here(self, function: Callable[..., object], *values: object) -> None:
        if not self._closed:
            with visiting(self.visitor):
                function(*values)

    def _answer(
        self, asked: _Asked, make: Callable[[], _Made], take: Callable[[_Made, int], None], fail: Callable[[str, int], None]
    ) -> None:
        """Make what was asked for, unless that is over by now, and bring it or the error back; the border of every thread."""
        if self._closed or asked.number != asked.latest():
            return
        with visiting(self.visitor):
            try:
                made = make()
            except Exception as error:
                if not isinstance(error, ExplorerError):
                    logger.exception("could not %s", asked.what)
                self.soon(fail, _sentence(error), asked.number)
                raise
        self.soon(take, made, asked.number)


class _Asked(NamedTuple):
    what: str
    number: int
    latest: Callable[[], int]  # the number of what was asked for last


def _title_of(source: object) -> str:
    return str(source) if isinstance(source, str) or hasattr(source, "__fspath__") else f"a {type(source).__name__}"


def _sentence(error: BaseException | None) -> str:
    if isinstance(error, ExplorerError):
        return str(error)
    return (
        f"Something went wrong inside Explorer ({type(error).__name__}: {error}). The log has the details; what was on screen is unchanged."
    )
