"""How good a session's layouts are: each measured once, in the background where that takes seconds, else when somebody asks.

Measuring gives way: while a layout is computed, nothing is measured. Nothing here begins before a page wants to show it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import param

from explorer import settings
from explorer.appraisal import (
    NEIGHBORHOODS,
    Appraisal,
    Stored,
    add_disagreement,
    add_neighborhoods,
    appraise,
    disagreement_key,
    disagreement_name,
    graph_for,
    metric_for,
    names_of,
    neighborhood_key,
    quality_key,
    stored_appraisal,
)
from explorer.measured import measured
from explorer.priority import give_way
from explorer.runs import load
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from explorer.color_toggle import ColorToggle
    from explorer.data.dataset import Dataset
    from explorer.jobs.job import Job
    from explorer.jobs.runner import Runner
    from explorer.scene import Run
    from explorer.state.appearance import Appearance

__all__ = ["AUTOMATIC_ROWS", "NEIGHBORHOOD", "Assessment"]

AUTOMATIC_ROWS: Final = 200_000
"""Up to so many rows a layout is measured by itself, where the neighbor graph is there: it takes a few seconds of the compute process."""

NEIGHBORHOOD: Final = "each row's neighborhood"
"""What is being measured when it is not a layout."""

_REST_S: Final = 1.5  # before measuring begins by itself: a page opens, a layout comes to rest
_NICER: Final = 10
_GONE: Final = "This layout is no longer in the store. Run it again."
_NO_GRAPH: Final = "Neighbors of other categories are counted in the neighbor graph: measure a layout first, or run UMAP."

_threads = ThreadPoolExecutor(1, thread_name_prefix="explorer-assess", initializer=give_way, initargs=(_NICER,))


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    runs: Any
    running: Any
    error: Any
    planes: Any
    appearance: Appearance
    colors: ColorToggle
    param: Any


class Assessment(param.Parameterized):
    """What one session knows of the quality of its layouts; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Knows the layouts and the neighbor graphs, and measures.
    """

    known = param.Dict(default={}, doc="The Appraisal of each layout that is measured, by its title.")
    failed = param.Dict(default={}, doc="Why a layout could not be measured, as a sentence, by its title.")
    graph = param.Parameter(default=None, doc="What is known of the neighbor graph that is there (GraphFacts); none where there is none.")
    waiting = param.List(default=[], doc="What will be measured: titles of layouts, or NEIGHBORHOOD.")
    measuring = param.String(default="", doc="What is measured now, one of those; empty when nothing is.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of that is done.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.owner = f"{id(self)} measures"  # as the runner knows it: the session's layouts do not wait for it
        self._begun = False
        self._opened = 0  # counts datasets: what is found of one that is not open any more is dropped
        self._looked: set[str] = set()
        self._queue: list[Run | None] = []  # none: the neighborhood
        self._by_itself: set[str] = set()  # titles in the queue that nobody asked for
        self._described = False  # whether each row's neighborhood was asked for
        self._job: Job[Any] | None = None
        self._awaited: str | None = None  # the column that will color the maps when it is there
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.param.watch(self._look, ["runs"])
        asker.param.watch(self._on_running, ["running"])
        asker.appearance.param.watch(self._on_color, ["color_by"])

    def begin(self) -> None:
        """Look from now on for what has been measured, and measure what takes little time: a page shows it."""
        if not self._begun:
            self._begun = True
            self._look()

    def look_again(self) -> None:
        """Look once more where there was no neighbor graph, because one may have been computed for something else."""
        if self.graph is None:
            self._looked &= self.known.keys()
            self._look()

    def measure(self, title: str) -> None:
        """Measure a layout because somebody asks for it; the neighbor graph is computed if it has to be."""
        run = self._run(title)
        if run is None or self._asker.dataset is None or self._asker.dataset.vectors is None or title in self.known:
            return
        self._by_itself.discard(title)
        self.failed = {other: why for other, why in self.failed.items() if other != title}
        self._enqueue(run, first=True)
        self._next()

    def stop(self) -> None:
        """Measure nothing more of what waits or is being measured; what is measured stays."""
        self._queue, self._described = [], False
        self._drop_job()

    def column(self, title: str, what: str) -> str | None:
        """Name the column of a layout (``kept 15``, ``false``, …); None where it is not measured."""
        appraisal: Appraisal | None = self.known.get(title)
        run = self._run(title)
        return None if appraisal is None or run is None else measured(self._asker.dataset, quality_key(run, appraisal.metric, what))

    def neighborhood_column(self, what: str) -> str | None:
        """Name a column of the neighbor graph (see :data:`explorer.appraisal.NEIGHBORHOODS`); None where it is not there."""
        dataset = self._asker.dataset
        return None if dataset is None or self.graph is None else measured(dataset, neighborhood_key(self.graph.metric, what))

    def disagreement_column(self, column: str) -> str | None:
        """Name the column of how many neighbors are of another category of a column; None where it is not there."""
        dataset = self._asker.dataset
        return None if dataset is None else measured(dataset, disagreement_key(column))

    def toggle_disagreement(self, column: str) -> None:
        """Color by which share of a row's neighbors is of another category of a column; where it does already, as before."""
        there = self.disagreement_column(column)
        if there is not None:
            self._asker.colors.toggle(there)
        else:
            self._awaited = disagreement_name(column)
            self._disagree(column)

    def columns_came(self) -> None:
        """Color the maps by what was waited for, if it is among the columns now."""
        if self._awaited is not None and self._awaited in self._asker.dataset.roles:
            self._asker.colors.show(self._awaited)

    def can_recall(self, name: object) -> bool:
        """Say whether a column is missing that can be measured again: it was in a session that was saved."""
        dataset = self._asker.dataset
        return dataset is not None and name not in dataset.roles and name in self._recallable(dataset)

    def recall(self, name: str, *, color: bool = False) -> None:
        """Measure a missing column again, and color the maps by it where asked for."""
        dataset = self._asker.dataset
        measure = None if dataset is None or name in dataset.roles else self._recallable(dataset).get(name)
        if measure is not None:
            self._awaited = name if color else self._awaited
            self._begun = True
            measure()

    def close(self) -> None:
        """Measure nothing more; says so to nobody, for there is nobody any more."""
        self._queue = []
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    # -- what there is

    def _look(self, *_: object) -> None:
        """Look in the store for each layout that was not looked for."""
        dataset = self._asker.dataset
        if not self._begun or dataset is None or dataset.vectors is None:
            return
        on_maps = [plane.run for plane in self._asker.planes]
        for run in sorted(self._asker.runs, key=lambda run: run not in on_maps):
            if run.title not in self._looked:
                self._looked.add(run.title)
                make = partial(stored_appraisal, dataset, run, self._jobs)
                self._ask(f"look for the quality of {run.title}", make, partial(self._take_stored, run), partial(self._fail, run))

    def _take_stored(self, run: Run, found: Stored, number: int) -> None:
        if number != self._opened:
            return
        self.graph = self.graph or (None if run.of else found.graph)
        quick = found.graph is not None and self._asker.dataset.n_rows <= AUTOMATIC_ROWS and not settings.read_only()
        if found.appraisal is not None:
            self._know(run, found.appraisal)
        elif quick and run.title not in self.failed:
            self._by_itself.add(run.title)
            self._enqueue(run)
        if quick and not run.of and not self._described and self.neighborhood_column("distance") is None:
            self._enqueue(None)
        if self._queue:
            rest = Timer(_REST_S, self._asker.soon, (self._next,))
            rest.daemon = True
            rest.start()

    def _know(self, run: Run, appraisal: Appraisal) -> None:
        self.known = {**self.known, run.title: appraisal}

    # -- measuring, one after another

    def _enqueue(self, run: Run | None, *, first: bool = False) -> None:
        if run in self._queue or self.measuring == _title(run):
            return
        self._queue = [run, *self._queue] if first else [*self._queue, run]
        self.waiting = [_title(waiting) for waiting in self._queue]

    def _next(self) -> None:
        if self.measuring or self._asker.running or not self._queue or self._asker.dataset is None:
            return
        run, *self._queue = self._queue
        self._described = self._described or run is None
        self.param.update(measuring=_title(run), fraction=0.0, waiting=[_title(waiting) for waiting in self._queue])
        metric = "" if self.graph is None else self.graph.metric
        submit = partial(_submit, self._asker.dataset, run, metric, self._jobs, self.owner)
        self._ask(f"measure {_title(run)}", submit, partial(self._follow_job, run), partial(self._fail, run))

    def _follow_job(self, run: Run | None, asked: _Asked | None, number: int) -> None:
        if asked is None:
            self._fail(run, _GONE, number)
        elif number != self._opened or self.measuring != _title(run):  # nobody waits for it any more
            asked.job.cancel()
        else:
            self._job = asked.job
            asked.job.watch(lambda changed: self._asker.soon(self._follow, run, asked.metric, changed))

    def _follow(self, run: Run | None, metric: str, job: Job[Any]) -> None:
        if job is not self._job:
            return
        if not job.ended:
            self.fraction = job.fraction
            return
        self._job = None
        if job.state == "done":
            add = partial(_add, self._asker.dataset, run, metric, job.result(), self._jobs)
            self._ask(f"sum up {_title(run)}", add, partial(self._take, run), partial(self._fail, run))
        elif job.state == "failed":
            self._fail(run, str(job.error), self._opened)
        else:
            self._done(run)

    def _take(self, run: Run | None, found: Stored, number: int) -> None:
        if number != self._opened:
            return
        self.graph = self.graph or (None if run is not None and run.of else found.graph)  # it may have been computed for this
        if run is not None and found.appraisal is not None:
            self._know(run, found.appraisal)
            if not run.of and not self._described and self.neighborhood_column("distance") is None:
                self._enqueue(None)
        self._done(run)

    def _fail(self, run: Run | None, sentence: str, number: int) -> None:
        if number != self._opened:
            return
        title = _title(run)
        self.failed = {**self.failed, title: sentence}
        if run is not None and title not in self._by_itself:
            self._asker.error = sentence
        self._done(run)

    def _done(self, run: Run | None) -> None:
        if self.measuring == _title(run):
            self.measuring = ""
        self._next()

    def _drop_job(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.param.update(measuring="", fraction=0.0, waiting=[_title(waiting) for waiting in self._queue])

    def _on_running(self, *_: object) -> None:
        """Make room for a layout that is computed, and go on after it."""
        if self._asker.running:
            title, run = self.measuring, self._run(self.measuring)
            self._drop_job()
            if run is not None or title == NEIGHBORHOOD:
                self._enqueue(run, first=True)
        else:
            self._look()
            self._next()

    def _on_dataset(self, *_: object) -> None:
        self._opened += 1
        self._looked, self._by_itself, self._awaited, self._described = set(), set(), None, False
        self.stop()
        self.param.update(known={}, failed={}, graph=None)
        self._look()

    def _on_color(self, *_: object) -> None:
        self._awaited = None  # a color that somebody chooses meanwhile stays

    # -- neighbors in other categories, and columns of a session that was saved

    def _disagree(self, column: str) -> None:
        dataset = self._asker.dataset

        def take(there: object, number: int) -> None:
            if not there:
                fail(_NO_GRAPH, number)
            elif number == self._opened and self._awaited == disagreement_name(column):
                self._asker.colors.show(str(self.disagreement_column(column)))

        def fail(sentence: str, number: int) -> None:
            if number == self._opened:
                self._awaited = None
                self._asker.error = sentence

        self._ask(f"compare {column} of neighbors", partial(add_disagreement, dataset, column, self._jobs), take, fail)

    def _recallable(self, dataset: Dataset) -> dict[object, Callable[[], object]]:
        """Say what measures the columns there could be, by their names."""
        if dataset.vectors is None:
            return {}
        categories = [column for column, role in dataset.roles.items() if role == "category"]
        found: dict[object, Callable[[], object]] = {disagreement_name(column): partial(self._disagree, column) for column in categories}
        found |= {name: self._look for name, _ in NEIGHBORHOODS.values()}
        for run in self._asker.runs:
            found |= dict.fromkeys(names_of(run).values(), partial(self._measure_again, run))
        return found

    def _measure_again(self, run: Run) -> None:
        if run.title in self._looked:
            self.measure(run.title)
        else:
            self._look()

    def _ask(self, what: str, make: Callable[[], Any], take: Callable[[Any, int], None], fail: Callable[[str, int], None]) -> None:
        self._asker.in_thread(what, self._opened, lambda: self._opened, make, take, fail, threads=_threads)

    def _run(self, title: str) -> Run | None:
        return next((run for run in self._asker.runs if run.title == title), None)


def _title(run: Run | None) -> str:
    return NEIGHBORHOOD if run is None else run.title


class _Asked(NamedTuple):
    job: Job[Any]
    metric: str


def _submit(dataset: Dataset, run: Run | None, metric: str, jobs: Runner, owner: str) -> _Asked | None:
    """Ask the compute process; None where the layout is gone."""
    if run is None:
        return _Asked(jobs.submit_graph_columns(dataset, metric=metric, owner=owner), metric)
    layout = load(dataset, run, jobs)
    own, rows = metric_for(dataset, run, jobs), dataset.with_vectors(run.of)
    return None if layout is None else _Asked(jobs.submit_quality(rows, layout, title=run.title, metric=own, owner=owner), own)


def _add(dataset: Dataset, run: Run | None, metric: str, made: Any, jobs: Runner) -> Stored:
    """Add the columns of what was measured, and sum up a layout."""
    if run is None:
        add_neighborhoods(dataset, metric, made)
        return Stored(None, None)
    layout = load(dataset, run, jobs)
    return Stored(graph_for(dataset, run, jobs), appraise(dataset, run, metric, made, "" if layout is None else layout.remark))
