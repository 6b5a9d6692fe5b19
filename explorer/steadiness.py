"""How much of a session's layouts is chance: measured when somebody asks, by further runs in the background; knows no browser.

It takes as long as the layout did, several times. So nothing is measured by itself; and while a layout is computed, nothing is measured.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
import param

from explorer.compute.stability import KEPT_K
from explorer.jobs.stability_task import why_no_chance
from explorer.measured import Column, add_measured, measured
from explorer.priority import give_way
from explorer.runs import load
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.color_toggle import ColorToggle
    from explorer.compute.stability import Stability
    from explorer.data.dataset import Dataset
    from explorer.jobs.job import Job
    from explorer.jobs.runner import Runner
    from explorer.scene import Run
    from explorer.state.appearance import Appearance

__all__ = ["KEPT", "WOBBLE", "Steadiness", "Steady"]

WOBBLE: Final = "wobble"
KEPT: Final = "kept over runs"

_MEANINGS: Final = {
    WOBBLE: "How far it is from its mean place over further runs, as a share of the map's width. 0: always in the same place.",
    KEPT: f"1: its {KEPT_K} nearest on this map are its {KEPT_K} nearest in every further run. 0: in none.",
}
_NICER: Final = 10
_QUEUED: Final = "waiting for another computation"
_GONE: Final = "This layout is no longer in the store. Run it again."

_threads = ThreadPoolExecutor(1, thread_name_prefix="explorer-steady", initializer=give_way, initargs=(_NICER,))


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    runs: Any
    running: Any
    error: Any
    appearance: Appearance
    colors: ColorToggle
    param: Any


class Steady(NamedTuple):
    """How much of a layout is chance, in figures.

    ``wobble`` is the median over all rows as a share of the map's width, ``control`` the same where no row has a place of its own; ``kept``
    is which share of neighbors on the map every further run has as well, on average, ``chance`` the same of rows thrown at random.
    """

    runs: int
    wobble: float
    control: float
    kept: float
    chance: float


class Steadiness(param.Parameterized):
    """What one session knows of chance in its layouts; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Knows the layouts, and runs them again.
    """

    known = param.Dict(default={}, doc="What is known of each layout that is measured (Steady), by its title.")
    failed = param.Dict(default={}, doc="Why a layout could not be measured, as a sentence, by its title.")
    waiting = param.List(default=[], item_type=str, doc="Titles of the layouts that will be measured.")
    measuring = param.String(default="", doc="The title of the one that is measured now; empty when none is.")
    stage = param.String(default="", doc='What is being done for it: "run 2 of 4".')
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of it is done.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.owner = f"{id(self)} runs again"  # as the runner knows it: the session's layouts do not wait for it
        self._begun = False
        self._opened = 0  # counts datasets: what is found of one that is not open any more is dropped
        self._looked: set[str] = set()
        self._job: Job[Stability] | None = None
        self._awaited: str | None = None  # the column that will color the maps when it is there
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.param.watch(self._look, ["runs"])
        asker.param.watch(self._on_running, ["running"])
        asker.appearance.param.watch(self._on_color, ["color_by"])

    def begin(self) -> None:
        """Look from now on for what has been measured: a page shows it."""
        if not self._begun:
            self._begun = True
            self._look()

    def why_not(self, title: str) -> str:
        """Say why there is nothing to measure in a layout, as a sentence; "" where there is."""
        run = self._run(title)
        why = "" if run is None else why_no_chance(run.method, run.settings)
        return why[:1].upper() + why[1:]

    def measure(self, title: str) -> None:
        """Measure a layout because somebody asks for it."""
        run, dataset = self._run(title), self._asker.dataset
        if run is None or dataset is None or dataset.vectors is None or title in self.known or self.why_not(title):
            return
        self.failed = _without(self.failed, title)
        if title not in (*self.waiting, self.measuring):
            self.waiting = [*self.waiting, title]
        self._next()

    def stop(self) -> None:
        """Measure nothing more of what waits or is being measured; runs that are complete are not made again."""
        self.waiting = []
        self._drop_job()

    def column(self, title: str, what: str) -> str | None:
        """Name the column of a layout, :data:`WOBBLE` or :data:`KEPT`; None where it is not measured."""
        run = self._run(title)
        return None if run is None or title not in self.known else measured(self._asker.dataset, _key(run, what))

    def columns_came(self) -> None:
        """Color the maps by what was waited for, if it is among the columns now."""
        if self._awaited is not None and self._awaited in self._asker.dataset.roles:
            self._asker.colors.show(self._awaited)

    def can_recall(self, name: object) -> bool:
        """Say whether a column is missing that can be measured again: it was in a session that was saved."""
        return self._recallable(name) is not None

    def recall(self, name: str, *, color: bool = False) -> None:
        """Measure a missing column again, and color the maps by it where asked for."""
        title = self._recallable(name)
        if title is not None:
            self._awaited = name if color else self._awaited
            self.measure(title)

    def close(self) -> None:
        """Measure nothing more; says so to nobody, for there is nobody any more."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    # -- what there is

    def _look(self, *_: object) -> None:
        """Look in the store for each layout that was not looked for."""
        dataset = self._asker.dataset
        if not self._begun or dataset is None or dataset.vectors is None:
            return
        for run in self._asker.runs:
            if run.title not in self._looked and not self.why_not(run.title):
                self._looked.add(run.title)
                make = partial(_stored, dataset, run, self._jobs)
                self._ask(f"look for the stability of {run.title}", make, partial(self._know, run), partial(self._fail, run))

    def _know(self, run: Run, found: Steady | None, number: int) -> None:
        if number == self._opened and found is not None:
            self.known = {**self.known, run.title: found}

    # -- measuring, one after another

    def _next(self) -> None:
        if self.measuring or self._asker.running or not self.waiting or self._asker.dataset is None:
            return
        title, *rest = self.waiting
        run = self._run(title)
        self.waiting = rest
        if run is None:
            self._next()
            return
        self.param.update(measuring=title, stage="", fraction=0.0)
        submit = partial(_submit, self._asker.dataset, run, self._jobs, self.owner)
        self._ask(f"measure the stability of {title}", submit, partial(self._follow_job, run), partial(self._fail, run))

    def _follow_job(self, run: Run, job: Job[Stability] | None, number: int) -> None:
        if job is None:
            self._fail(run, _GONE, number)
        elif number != self._opened or self.measuring != run.title or self._job is not None:  # nobody waits for it any more
            job.cancel()
        else:
            self._job = job
            job.watch(lambda changed: self._asker.soon(self._follow, run, changed))

    def _follow(self, run: Run, job: Job[Stability]) -> None:
        if job is not self._job:
            return
        if not job.ended:
            self.param.update(stage=_QUEUED if job.state == "queued" else job.stage, fraction=job.fraction)
            return
        self._job = None
        if job.state == "done":
            add = partial(_add, self._asker.dataset, run, job.result())
            self._ask(f"sum up the stability of {run.title}", add, partial(self._take, run), partial(self._fail, run))
        elif job.state == "failed":
            self._fail(run, str(job.error), self._opened)
        else:
            self._done(run)

    def _take(self, run: Run, found: Steady, number: int) -> None:
        self._know(run, found, number)
        if number == self._opened:
            self._done(run)

    def _fail(self, run: Run, sentence: str, number: int) -> None:
        if number != self._opened:
            return
        self.failed = {**self.failed, run.title: sentence}
        if self.measuring == run.title:
            self._asker.error = sentence
        self._done(run)

    def _done(self, run: Run) -> None:
        if self.measuring == run.title:
            self.param.update(measuring="", stage="")
        self._next()

    def _drop_job(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.param.update(measuring="", stage="", fraction=0.0)

    def _on_running(self, *_: object) -> None:
        """Make room for a layout that is computed, and go on after it."""
        if not self._asker.running:
            self._next()
        elif self.measuring:
            self.waiting = [self.measuring, *self.waiting]
            self._drop_job()

    def _on_dataset(self, *_: object) -> None:
        self._opened += 1
        self._looked, self._awaited = set(), None
        self.stop()
        self.param.update(known={}, failed={})
        self._look()

    def _on_color(self, *_: object) -> None:
        self._awaited = None  # a color that somebody chooses meanwhile stays

    def _recallable(self, name: object) -> str | None:
        """Title the layout that a missing column is of."""
        dataset = self._asker.dataset
        if dataset is None or dataset.vectors is None or name in dataset.roles:
            return None
        titles = (run.title for run in self._asker.runs if name in (_name(run, WOBBLE), _name(run, KEPT)))
        return next((title for title in titles if not self.why_not(title)), None)

    def _ask(self, what: str, make: Callable[[], Any], take: Callable[[Any, int], None], fail: Callable[[str, int], None]) -> None:
        self._asker.in_thread(what, self._opened, lambda: self._opened, make, take, fail, threads=_threads)

    def _run(self, title: str) -> Run | None:
        return next((run for run in self._asker.runs if run.title == title), None)


def _submit(dataset: Dataset, run: Run, jobs: Runner, owner: str) -> Job[Stability] | None:
    """Ask the compute process; None where the layout is gone."""
    layout = load(dataset, run, jobs)
    return None if layout is None else jobs.submit_stability(dataset.with_vectors(run.of), layout, title=run.title, owner=owner)


def _stored(dataset: Dataset, run: Run, jobs: Runner) -> Steady | None:
    """Find what has been measured of a layout, and add its columns to the dataset."""
    layout = load(dataset, run, jobs)
    found = None if layout is None else jobs.stored_stability(dataset.with_vectors(run.of), layout)
    return None if found is None else _add(dataset, run, found)


def _add(dataset: Dataset, run: Run, found: Stability) -> Steady:
    """Sum up what was measured of a layout, and add its columns to the dataset."""
    values = {WOBBLE: found.wobble, KEPT: found.kept}
    add_measured(dataset, {_key(run, what): Column(_name(run, what), rows, _MEANINGS[what]) for what, rows in values.items()})
    others = max(1, dataset.with_vectors(run.of).n_drawable - 1)
    return Steady(found.runs, found.typical, found.control, float(np.nanmean(found.kept, dtype=np.float64)), min(1.0, KEPT_K / others))


def _key(run: Run, what: str) -> tuple[str, ...]:
    return "stability", run.title, what


def _name(run: Run, what: str) -> str:
    return f"{run.title}: {what}"


def _without(sentences: dict[str, str], title: str) -> dict[str, str]:
    return {other: why for other, why in sentences.items() if other != title}
