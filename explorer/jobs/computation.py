"""One thing that is computed, those who wait for it, and the process that has it; decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from explorer.errors import ExplorerError, JobFailed, JobTooLong
from explorer.jobs.board import Computing
from explorer.jobs.cluster_process import ClusterProcess
from explorer.jobs.live import LiveLayout, LiveNews
from explorer.jobs.process import WorkerProcess
from explorer.records.visitor import NOBODY, Visitor, current

if TYPE_CHECKING:
    from explorer.jobs.job import Job
    from explorer.jobs.tasks import Task

__all__ = ["Asker", "Computation", "Lane"]

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Asker:
    """One handle on a computation, who holds it, and what its holder does with the store.

    Reads the value from there (``find``), keeps a live layout there instead (``keep``; none where another process does that), puts there
    what is needed (``prepare``).
    """

    job: Job[Any]
    owner: str | None
    find: Callable[[], Any]
    keep: Callable[[LiveLayout, float], Any] | None
    prepare: Callable[[], None]
    visitor: Visitor = field(default_factory=current)

    def finish(self, what: str, error: ExplorerError | None) -> None:
        """End the job: with an error, or with what is found in the store. Of one that took too long the newest live layout is kept."""
        if error is not None and error.args[:1] == (what,):  # who asked first may call the same data by a name that is not for everybody
            error = type(error)(self.job.what, *error.args[1:])
        if isinstance(error, JobTooLong):
            error = self._keep_last(error)
        value = None if error is not None else self.find()
        if value is not None:
            self.job.end("done", value=value)
        else:
            self.job.end("failed", error=error or JobFailed(what, "its result was deleted before it could be read. Run it again."))
        self.job.tell()

    def stop(self) -> bool:
        """End the job with its newest live layout, or cancel it where there is none yet; False where there is nothing more to do."""
        if self.keep is None or not self.job.live_number:
            self.job.cancel()
            return False
        live = self.job.live()
        if live is None:
            return False  # it has ended, and the message that says so is on its way
        try:
            value = self.keep(live, self.job.seconds_elapsed)
        except ExplorerError as error:
            self.job.end("failed", error=error)
        else:
            self.job.end("done", value=value)
            kept = "%s: kept as it was after iteration %d of %d"
            logger.info(kept, self.job.what, live.iteration, live.iterations, extra={"visitor": self.visitor})
        return True

    def _keep_last(self, error: JobTooLong) -> ExplorerError:
        """Keep the newest live layout, if there is one, and say so."""
        live = self.job.live() if self.keep is not None else None
        if self.keep is None or live is None:
            return error
        try:
            self.keep(live, self.job.seconds_elapsed)
        except ExplorerError as why:
            return why
        what, minutes, _ = error.args
        return JobTooLong(what, minutes, live.iteration)


@dataclass(eq=False)
class Computation:
    """One thing that is computed for one or more askers."""

    number: int
    task: Task
    key: tuple[str, str]
    askers: list[Asker]
    owner: Hashable = None  # whose turn it is run in; its other computations wait until it has ended
    state: Literal["preparing", "waiting", "running", "over"] = "preparing"
    stage: str = ""
    fraction: float = 0.0
    live: LiveNews | None = None
    give_up_at: float | None = None  # when the process is ended, once nobody asks any more
    minutes: float | None = None  # how long it may take
    vectors_were_gone: bool = False
    taken: bool = False  # whether the process has begun with it
    was_lost: bool = False  # whether a process died before it began
    visitor: Visitor = NOBODY  # who asked first
    kept: bool = False  # whether somebody stopped it and has what there was
    started: float = field(default_factory=monotonic)

    @property
    def end_at(self) -> float | None:
        """When its process is ended: nobody asks any more, or it takes too long."""
        too_long = None if self.minutes is None else self.started + 60 * self.minutes
        return min((at for at in (self.give_up_at, too_long) if at is not None), default=None)

    def told(self, place: int = 0) -> Computing:
        """Say how it goes, in any thread: at this place of the queue, or running."""
        task, askers = self.task, self.askers
        owners = len({asker.owner for asker in askers})
        if place:
            return Computing(*self.key, task.sort, task.dataset, task.fingerprint, "queued", place=place, n_owners=owners)
        left = askers[0].job.seconds_left if askers else None
        return Computing(*self.key, task.sort, task.dataset, task.fingerprint, "running", self.fraction, left, n_owners=owners)


@dataclass(eq=False)
class Lane:
    """A compute process, which is started when there is something to do, and what it does."""

    worker: WorkerProcess | ClusterProcess | None = None
    current: Computation | None = None
