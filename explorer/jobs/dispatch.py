"""Who computes what when: the queue in front of the compute process. Knows tasks and jobs, nothing of datasets.

One thread owns all of it and takes everything that happens as an event: asked, prepared, canceled, a message, the process ended.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from explorer.errors import ExplorerError, JobCanceled, JobFailed, WorkerDied
from explorer.jobs.process import WorkerProcess
from explorer.jobs.protocol import Message, error_from_json
from explorer.jobs.turns import Turns

if TYPE_CHECKING:
    from explorer.jobs.job import Job
    from explorer.jobs.store import Store
    from explorer.jobs.tasks import Task

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)

_CANCEL_S = 0.8  # a computation that has not stopped by then is ended with its process
_CLOSE_S = 5.0


@dataclass(eq=False)
class _Asker:
    """One handle on a computation, who holds it, and how its value is read from the store."""

    job: Job[Any]
    owner: str | None
    find: Callable[[], Any]


@dataclass(eq=False)
class _Computation:
    """One thing that is computed for one or more askers."""

    number: int
    task: Task
    key: tuple[str, str]
    prepare: Callable[[], None]
    askers: list[_Asker]
    state: Literal["preparing", "waiting", "running", "over"] = "preparing"
    stage: str = ""
    fraction: float = 0.0
    give_up_at: float | None = None  # when the process is ended, once nobody asks any more
    vectors_were_gone: bool = False
    taken: bool = False  # whether the process has begun with it
    was_lost: bool = False  # whether a process died before it began
    started: float = field(default_factory=monotonic)


class Dispatcher:
    """Runs tasks one at a time in a compute process, which is started when there is something to do.

    Parameters
    ----------
    store : Store
        Shared with the process.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = count(1)
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._to_prepare: SimpleQueue[_Computation | None] = SimpleQueue()
        self._active: dict[tuple[str, str], _Computation] = {}  # by key: what a new asker may join
        self._turns: Turns[_Computation] = Turns()
        self._current: _Computation | None = None
        self._worker: WorkerProcess | None = None
        self._warm = False
        self._open = True
        self._threads = [
            threading.Thread(target=self._run, name="explorer-jobs", daemon=True),
            threading.Thread(target=self._prepare, name="explorer-vectors", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the compute process; None while there is none."""
        worker = self._worker
        return None if worker is None else worker.pid

    def join(self, job: Job[Any], task: Task, *, owner: str | None, find: Callable[[], Any], prepare: Callable[[], None]) -> None:
        """Have a task computed for a job, together with whoever asked for the same; returns at once.

        Parameters
        ----------
        job : Job
            Told how it goes.
        task : Task
            What to compute.
        owner : str or None
            Who asks: owners take turns.
        find : callable
            Reads the value from the store, None if it is not there.
        prepare : callable
            Puts into the store what the task needs; called from a thread of its own.
        """
        self._events.put(partial(self._joined, _Asker(job, owner, find), task, prepare))

    def leave(self, job: Job[Any]) -> None:
        """Forget a job that was canceled, and stop its computation when no other asker is left."""
        self._events.put(partial(self._left, job))

    def warm(self) -> None:
        """Start the compute process now and have it compile what will be needed."""
        self._events.put(self._warmed)

    def close(self) -> None:
        """End the process; jobs that have not ended are canceled."""
        self._events.put(self._closed)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a watcher may close, too
                thread.join(_CLOSE_S)

    # Everything below runs on the thread "explorer-jobs", but for _prepare.

    def _run(self) -> None:
        while self._open:
            give_up_at = None if self._current is None else self._current.give_up_at
            try:
                event = self._events.get(timeout=None if give_up_at is None else max(0.0, give_up_at - monotonic()))
            except Empty:
                event = self._give_up
            try:
                event()
            except Exception:  # a border: one event that goes wrong must not stop everybody's jobs
                logger.exception("The runner failed at %s", event)

    def _prepare(self) -> None:
        while (computation := self._to_prepare.get()) is not None:
            if computation.state == "over":  # nobody waits for it any more
                continue
            error: ExplorerError | None = None
            try:
                computation.prepare()
            except ExplorerError as raised:
                error = raised
            except Exception as raised:  # a border: the job tells it
                logger.exception("Preparing %s failed", computation.task.describe())
                error = JobFailed(computation.task.describe(), f"{type(raised).__name__}: {raised}")
            self._events.put(partial(self._prepared, computation, error))

    def _joined(self, asker: _Asker, task: Task, prepare: Callable[[], None]) -> None:
        if asker.job.ended:
            return
        key = (task.kind, task.key(self._store))
        computation = self._active.get(key)
        if computation is None:
            computation = _Computation(next(self._numbers), task, key, prepare, [asker])
            self._active[key] = computation
            self._to_prepare.put(computation)
            return
        computation.askers.append(asker)
        if computation.state == "waiting":
            self._turns.put(asker.owner, computation)
        elif computation.state == "running":
            asker.job.advance(computation.stage, computation.fraction)

    def _prepared(self, computation: _Computation, error: ExplorerError | None) -> None:
        if computation.state == "over":
            return
        if error is not None:
            self._finish(computation, error)
        elif any(asker.find() is not None for asker in computation.askers):  # somebody else computed it meanwhile
            self._finish(computation, None)
        else:
            computation.state = "waiting"
            for asker in computation.askers:
                self._turns.put(asker.owner, computation)
        self._next()

    def _next(self) -> None:
        """Give the process something to do, if it has nothing."""
        while self._current is None:
            computation = self._turns.take(lambda waiting: waiting.state == "waiting")
            if computation is None:
                return
            try:
                self._started().send({"run": computation.number, "task": computation.task.to_json()})
            except OSError as error:
                self._finish(computation, JobFailed(computation.task.describe(), f"the compute process cannot be started: {error}"))
                continue
            except ExplorerError as error:  # a setting that it would be started with cannot be used
                self._finish(computation, error)
                continue
            computation.state, computation.taken, computation.started = "running", False, monotonic()
            self._current = computation
            self._progress(computation, "starting", 0.0)

    def _started(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = WorkerProcess(
                self._store,
                on_message=lambda worker, message: self._events.put(partial(self._heard, worker, message)),
                on_exit=lambda worker, code: self._events.put(partial(self._exited, worker, code)),
            )
            if self._warm:
                self._worker.send({"warm": True})
        return self._worker

    def _warmed(self) -> None:
        if not self._warm:
            self._warm = True
            if self._worker is not None:
                self._worker.send({"warm": True})
        self._started()

    def _heard(self, worker: WorkerProcess, message: Message) -> None:
        computation = self._current
        if worker is not self._worker or computation is None or message.get("of") != computation.number:
            return
        computation.taken = True
        if "progress" in message:
            self._progress(computation, message["stage"], message["progress"])
            return
        self._current = None
        if "done" in message:
            self._finish(computation, None)
        elif "failed" in message:
            logger.log(logging.ERROR if "text" in message["failed"] else logging.DEBUG, "%s", message["traceback"])
            self._finish(computation, error_from_json(message["failed"], computation.task.describe()))
        elif "vectors_gone" in message and computation.askers and not computation.vectors_were_gone:
            computation.vectors_were_gone, computation.state = True, "preparing"
            self._to_prepare.put(computation)
        else:
            self._finish(computation, JobFailed(computation.task.describe(), "its vectors were deleted from the store."))
        self._next()

    def _progress(self, computation: _Computation, stage: str, fraction: float) -> None:
        computation.stage, computation.fraction = stage, fraction
        for asker in computation.askers:
            asker.job.advance(stage, fraction)

    def _exited(self, worker: WorkerProcess, code: int) -> None:
        if worker is not self._worker:
            return  # ended by ourselves
        self._worker = None
        logger.error("The compute process %s ended with exit code %s. %s", worker.pid, code, worker.last_words)
        computation, self._current = self._current, None
        if computation is not None and computation.askers and not computation.taken and not computation.was_lost:
            computation.state, computation.was_lost = "waiting", True  # it died while it had nothing to do: not this one's fault
            self._turns.put(computation.askers[0].owner, computation)
        elif computation is not None:
            self._finish(computation, WorkerDied(computation.task.describe(), code, worker.last_words))
        self._next()

    def _left(self, job: Job[Any]) -> None:
        job.tell()
        for computation in list(self._active.values()):
            computation.askers = [asker for asker in computation.askers if asker.job is not job]
            if computation.askers:
                continue
            del self._active[computation.key]
            if computation.state == "running" and self._worker is not None:
                computation.give_up_at = monotonic() + _CANCEL_S
                self._worker.send({"cancel": computation.number})
            else:
                computation.state = "over"

    def _give_up(self) -> None:
        """End the process of a computation that nobody wants and that does not stop."""
        computation, self._current = self._current, None
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
        if computation is not None:
            self._finish(computation, None)
        if self._warm:
            self._started()
        self._next()

    def _finish(self, computation: _Computation, error: ExplorerError | None) -> None:
        """End a computation: with an error, or with what its askers find in the store."""
        computation.state = "over"
        if self._active.get(computation.key) is computation:
            del self._active[computation.key]
        what = computation.task.describe()
        for asker in computation.askers:
            value = None if error is not None else asker.find()
            if value is not None:
                asker.job.end("done", value=value)
            else:
                asker.job.end("failed", error=error or JobFailed(what, "its result was deleted before it could be read. Run it again."))
            asker.job.tell()
        outcome = (error or "done") if computation.askers else "canceled"
        logger.info("%s: %s after %.1f s", what, outcome, monotonic() - computation.started)

    def _closed(self) -> None:
        self._open = False
        self._to_prepare.put(None)
        for computation in [*self._active.values(), *([self._current] if self._current else [])]:
            computation.state = "over"
            for asker in computation.askers:
                asker.job.end("canceled", error=JobCanceled(asker.job.what))
                asker.job.tell()
        self._active.clear()
        worker, self._worker, self._current = self._worker, None, None
        if worker is not None:
            worker.close()
