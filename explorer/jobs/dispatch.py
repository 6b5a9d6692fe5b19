"""Who computes what when: the queue in front of the compute processes. Knows tasks and jobs, nothing of datasets.

One thread owns all of it and takes everything that happens as an event: asked, prepared, canceled, a message, the process ended.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from explorer import settings
from explorer.errors import ExplorerError, JobCanceled, JobFailed, JobTooLong, WorkerDied
from explorer.jobs.board import Computing
from explorer.jobs.cluster_process import ClusterProcess
from explorer.jobs.computation import Asker, Computation, Lane
from explorer.jobs.live import LiveLayout, LiveNews, LiveRun
from explorer.jobs.process import WorkerProcess
from explorer.jobs.protocol import Message, error_from_json
from explorer.jobs.turns import Turns

if TYPE_CHECKING:
    from explorer.jobs.job import Job, State
    from explorer.jobs.tasks import Task
    from explorer.store.store import Store

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)

_CANCEL_S = 0.8  # a computation that has not stopped by then is ended with its process
_CLOSE_S = 5.0
_LONGEST_S = 3600.0  # that is waited at once: a queue takes no time without end


class Dispatcher:
    """Runs tasks in compute processes: one at a time for each owner, so that somebody's long one never holds up another's.

    Parameters
    ----------
    store : Store
        Shared with the processes.
    processes : int
        How many there may be. Each is started when there is something to do that no other is free for.
    on_change : callable, optional
        Called, from the thread of this object, when something is asked for, begins, moves up in the queue or ends.
    """

    def __init__(self, store: Store, processes: int, on_change: Callable[[], None] | None = None) -> None:
        self._store = store
        self._on_change = on_change
        self._line: tuple[Computation, ...] = ()  # what waits, in its order, as it was at the last change
        self._numbers = count(1)
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._to_prepare: SimpleQueue[Computation | None] = SimpleQueue()
        self._active: dict[tuple[str, str], Computation] = {}  # by key: what a new asker may join
        self._ended: Counter[tuple[str, State]] = Counter()  # by kind
        self.n_died = 0  # processes that ended by themselves
        self._turns: Turns[Computation] = Turns()
        self._lanes = [Lane() for _ in range(processes)]
        self._warm = False
        self._open = True
        self._threads = [
            threading.Thread(target=self._run, name="explorer-jobs", daemon=True),
            *(threading.Thread(target=self._prepare, name="explorer-vectors", daemon=True) for _ in self._lanes),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the first compute process; None while there is none."""
        worker = self._lanes[0].worker
        return None if worker is None else worker.pid

    def join(
        self,
        job: Job[Any],
        task: Task,
        *,
        owner: str | None,
        find: Callable[[], Any],
        keep: Callable[[LiveLayout, float], Any] | None,
        prepare: Callable[[], None],
    ) -> None:
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
        keep : callable
            Puts a live layout, that took so many seconds, into the store and returns it as the value; none where who asked does that.
        prepare : callable
            Puts into the store what the task needs; called from another thread.
        """
        self._events.put(partial(self._joined, Asker(job, owner, find, keep, prepare), task))

    def has(self, task: Task) -> bool:
        """Whether this very thing waits or is being computed at this moment: who asks for it now takes no memory more."""
        return (task.kind, task.key(self._store)) in self._active

    def counts(self) -> dict[tuple[str, State], int]:
        """Count computations by kind and state: those that wait or run now, and those that have ended since the start; in any thread."""
        found: Counter[tuple[str, State]] = Counter(dict(self._ended))
        for computation in list(self._active.values()):
            found[computation.task.kind, "running" if computation.state == "running" else "queued"] += 1
        return dict(found)

    def computing(self) -> tuple[Computing, ...]:
        """List what runs, and then what waits in the order of the queue; in any thread, at once."""
        active, line = sorted(self._active.copy().values(), key=lambda each: each.number), self._line
        waiting = [each for each in line if each.state == "waiting"]
        waiting += [each for each in active if each.state != "running" and each not in waiting]  # whose vectors are not there yet
        running = [each.told() for each in active if each.state == "running"]
        return (*running, *(each.told(place) for place, each in enumerate(waiting, 1) if each.state != "running"))

    def asked_by(self, owners: Collection[str]) -> dict[tuple[str, str], Job[Any]]:
        """Give the jobs of these owners that have not ended, by kind and key; in any thread, at once."""
        found = [(each.key, asker) for each in self._active.copy().values() for asker in list(each.askers)]
        return {key: asker.job for key, asker in found if asker.owner in owners}

    def leave(self, job: Job[Any]) -> None:
        """Forget a job that was canceled, and stop its computation when no other asker is left."""
        self._events.put(partial(self._left, job))

    def stop(self, job: Job[Any]) -> None:
        """End a job with its newest live layout; its computation goes on where another asker is left."""
        self._events.put(partial(self._stopped, job))

    def begin(self) -> None:
        """Start the first compute process now; an error is left to the first job."""
        self._events.put(self._begun)

    def warm(self) -> None:
        """Start the first compute process now and have it compile what will be needed."""
        self._events.put(self._warmed)

    def close(self) -> None:
        """End the processes; jobs that have not ended are canceled."""
        self._events.put(self._closed)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a watcher may close, too
                thread.join(_CLOSE_S)

    # Everything below runs on the thread "explorer-jobs", but for _prepare.

    def _run(self) -> None:
        while self._open:
            end_at = min((at for lane in self._lanes if lane.current and (at := lane.current.end_at) is not None), default=None)
            try:
                event = self._events.get(timeout=None if end_at is None else min(max(0.0, end_at - monotonic()), _LONGEST_S))
            except Empty:
                event = self._end_late
            try:
                event()
            except Exception:  # a border: one event that goes wrong must not stop everybody's jobs
                logger.exception("The runner failed at %s", event)
            del event  # or what it is about would stay in memory until the next

    def _prepare(self) -> None:
        while (computation := self._to_prepare.get()) is not None:
            error: ExplorerError | None = None
            asker = next(iter(computation.askers), None)
            try:
                if asker is not None and computation.state != "over":  # somebody waits for it
                    asker.prepare()
            except ExplorerError as raised:
                error = raised
            except Exception as raised:  # a border: the job tells it
                logger.exception("Preparing %s failed", computation.task.describe())
                error = JobFailed(computation.task.describe(), f"{type(raised).__name__}: {raised}")
            self._events.put(partial(self._prepared, computation, asker, error))
            del computation, asker  # or its dataset would stay in memory until the next

    def _joined(self, asker: Asker, task: Task) -> None:
        if asker.job.ended:
            return
        key = (task.kind, task.key(self._store))
        computation = self._active.get(key)
        if computation is None:
            computation = Computation(next(self._numbers), task, key, [asker], visitor=asker.visitor)
            self._active[key] = computation
            self._to_prepare.put(computation)
            self._changed()
            return
        computation.askers.append(asker)
        if computation.state == "waiting":
            self._turns.put(asker.owner, computation)
        elif computation.state == "running":
            asker.job.advance(computation.stage, computation.fraction, computation.live)
        self._changed()

    def _prepared(self, computation: Computation, by: Asker | None, error: ExplorerError | None) -> None:
        if computation.state == "over":
            return
        if error is not None and by not in computation.askers:
            self._to_prepare.put(computation)  # who was at it has left; another one waits
            return
        if error is not None:
            self._finish(computation, error)
        elif any(asker.find() is not None for asker in computation.askers):  # somebody else computed it meanwhile
            self._finish(computation, None, computed=False)
        else:
            computation.state = "waiting"
            for asker in computation.askers:
                self._turns.put(asker.owner, computation)
        self._next()

    def _next(self) -> None:
        """Give the processes that have nothing to do something to do; what comes after everything that may have freed one."""
        self._fill()
        self._changed()

    def _changed(self) -> None:
        self._line = tuple(self._turns.order())
        if self._on_change is not None:
            self._on_change()

    def _fill(self) -> None:
        for lane in self._lanes:
            while lane.current is None:
                busy = {other.current.owner for other in self._lanes if other.current is not None}
                taken = self._turns.take(lambda waiting: waiting.state == "waiting", busy)
                if taken is None:
                    return
                owner, computation = taken
                try:
                    computation.minutes = settings.job_minutes()
                    self._started(lane).send({"run": computation.number, "task": computation.task.to_json()})
                except OSError as error:
                    self._finish(computation, JobFailed(computation.task.describe(), f"the compute process cannot be started: {error}"))
                    continue
                except ExplorerError as error:  # a setting that it would be started with cannot be used
                    self._finish(computation, error)
                    continue
                computation.state, computation.owner, computation.taken, computation.started = "running", owner, False, monotonic()
                lane.current = computation
                self._progress(computation, "starting", 0.0)

    def _started(self, lane: Lane) -> WorkerProcess | ClusterProcess:
        if lane.worker is None:

            def on_message(worker: WorkerProcess | ClusterProcess, message: Message) -> None:
                self._events.put(partial(self._heard, lane, worker, message))

            def on_exit(worker: WorkerProcess, code: int) -> None:
                self._events.put(partial(self._exited, lane, worker, code))

            scheduler = settings.scheduler()
            if scheduler is None:
                lane.worker = WorkerProcess(self._store, on_message=on_message, on_exit=on_exit)
            else:
                lane.worker = ClusterProcess(self._store, scheduler, on_message=on_message)
            if self._warm and lane is self._lanes[0]:
                lane.worker.send({"warm": True})
        return lane.worker

    def _begun(self) -> None:
        with suppress(OSError, ExplorerError):
            self._started(self._lanes[0])

    def _warmed(self) -> None:
        first = self._lanes[0]
        if not self._warm:
            self._warm = True
            if first.worker is not None:
                first.worker.send({"warm": True})
        self._started(first)

    def _heard(self, lane: Lane, worker: WorkerProcess | ClusterProcess, message: Message) -> None:
        computation = lane.current
        if worker is not lane.worker or computation is None or message.get("of") != computation.number:
            return
        computation.taken = True
        if "progress" in message:
            live = None
            if "live" in message and worker.live is not None:
                live = LiveNews(message["live"], LiveRun(worker.live, computation.number))
            self._progress(computation, message["stage"], message["progress"], live)
            return
        lane.current = None
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

    def _progress(self, computation: Computation, stage: str, fraction: float, live: LiveNews | None = None) -> None:
        computation.stage, computation.fraction = stage, fraction
        computation.live = live or computation.live
        for asker in computation.askers:
            asker.job.advance(stage, fraction, live)

    def _exited(self, lane: Lane, worker: WorkerProcess, code: int) -> None:
        if worker is not lane.worker:
            return  # ended by ourselves
        lane.worker = None
        self.n_died += 1
        logger.error("The compute process %s ended with exit code %s. %s", worker.pid, code, worker.last_words)
        computation, lane.current = lane.current, None
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
                if all(asker.owner != computation.owner for asker in computation.askers):
                    computation.owner = computation.askers[0].owner
                continue
            del self._active[computation.key]
            worker = next((lane.worker for lane in self._lanes if lane.current is computation), None)
            if worker is not None:
                computation.give_up_at = monotonic() + _CANCEL_S
                worker.send({"cancel": computation.number})
            else:
                computation.state = "over"
                self._ended[computation.task.kind, "done" if computation.kept else "canceled"] += 1
        self._next()

    def _stopped(self, job: Job[Any]) -> None:
        asker = next((asker for computation in self._active.values() for asker in computation.askers if asker.job is job), None)
        if asker is not None and asker.stop():
            for computation in self._active.values():
                computation.kept = computation.kept or (job.state == "done" and asker in computation.askers)
            self._left(job)

    def _end_late(self) -> None:
        """End the process of a computation that nobody wants and that does not stop, and of one that takes too long."""
        for lane in self._lanes:
            computation, worker = lane.current, lane.worker
            if computation is None or computation.end_at is None or computation.end_at > monotonic():
                continue
            lane.current = lane.worker = None
            if worker is not None:
                worker.kill()  # not asked to stop: it would give back the memory that its last layout is in
            error = JobTooLong(computation.task.describe(), computation.minutes, None) if computation.askers else None
            self._finish(computation, error)
        if self._warm:
            self._started(self._lanes[0])
        self._next()

    def _finish(self, computation: Computation, error: ExplorerError | None, *, computed: bool = True) -> None:
        """End a computation: with an error, or with what its askers find in the store; what nothing was computed for is not counted."""
        computation.state, computation.live = "over", None
        if self._active.get(computation.key) is computation:
            del self._active[computation.key]
        what = computation.task.describe()
        for asker in computation.askers:
            asker.finish(what, error)
        outcome = (error or ("done" if computed else "was there already")) if computation.askers else "canceled"
        if computation.askers:
            ended: State = "failed" if error else "done"
        else:
            ended = "done" if computation.kept else "canceled"
        if computed:
            self._ended[computation.task.kind, ended] += 1
        logger.info("%s: %s after %.1f s", what, outcome, monotonic() - computation.started, extra={"visitor": computation.visitor})

    def _closed(self) -> None:
        self._open = False
        for _ in self._lanes:
            self._to_prepare.put(None)
        running = [lane.current for lane in self._lanes if lane.current is not None]
        for computation in [*self._active.values(), *running]:
            computation.state = "over"
            for asker in computation.askers:
                asker.job.end("canceled", error=JobCanceled(asker.job.what))
                asker.job.tell()
        self._active.clear()
        self._changed()
        workers = [lane.worker for lane in self._lanes if lane.worker is not None]
        for lane in self._lanes:
            lane.worker = lane.current = None
        for worker in workers:
            worker.send({"quit": True})
        for worker in workers:
            worker.close()
