"""One server as the compute hub hears it: what it asks for becomes jobs of the hub's dispatcher, and it is told how they go.

From the server, of jobs by numbers of its own: ``{"join": number, "task": {…}, "owner": …}``, ``{"leave": number}``,
``{"prepared": number}``, with ``"failed": {…}`` where it could not, and ``{"warm": true}``. From the hub: ``{"prepare": number}``, then
``{"of": number, "progress": fraction, "stage": …, "worker": pid}``, with ``"live": count, "run": number`` where there is a layout to see;
the memory it is in, where it is another one, is an open file beside the line. At last ``{"of": number, "done": true}`` or
``{"of": number, "failed": {…}}``. Everybody is told ``{"begun": [kind, key]}`` and ``{"over": [kind, key]}``; and, twice a second while
something is computed, ``{"computing": [[…], …]}``: what runs and what waits, each as :class:`explorer.jobs.board.Computing`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError, JobFailed
from explorer.jobs.board import Computing
from explorer.jobs.dispatch import Dispatcher
from explorer.jobs.job import Job
from explorer.jobs.live import LiveRun
from explorer.jobs.outbox import Outbox
from explorer.jobs.protocol import Message, error_from_json, error_to_json
from explorer.jobs.tasks import Task, task_from_json
from explorer.jobs.wire import Wire

if TYPE_CHECKING:
    from explorer.store.store import Store

__all__ = ["HubConnection", "TaskKey"]

logger = logging.getLogger(__name__)

TaskKey = tuple[str, str]


class HubConnection:
    """Serves one server until it is gone; then what it alone asked for is canceled.

    Parameters
    ----------
    name : str
        Tells its owners from those of other servers.
    wire : Wire
        To the server.
    dispatcher : Dispatcher
        Computes for all of them.
    store : Store
        Shared with all of them.
    on_active : callable
        Called with the key of a task and 1 when it is asked for, -1 when that asker's job has ended.
    """

    def __init__(self, name: str, wire: Wire, dispatcher: Dispatcher, store: Store, on_active: Callable[[TaskKey, int], None]) -> None:
        self._name = name
        self._wire = wire
        self._dispatcher = dispatcher
        self._store = store
        self._on_active = on_active
        self._outbox = Outbox(wire)
        self._lock = threading.Lock()
        self._open = True
        self._jobs: dict[int, Job[Any]] = {}
        self._preparing: dict[int, _Answer] = {}

    def run(self) -> None:
        """Hear it until it is gone."""
        try:
            for message, _ in self._wire.messages():
                self._hear(message)
        except (ValueError, KeyError, TypeError):  # a border: another version of Explorer, say; the other servers go on
            logger.exception("A server said what cannot be understood")
        self._end()

    def tell_active(self, key: TaskKey, *, active: bool) -> None:
        """Say that a task is asked for by somebody, or by nobody any more."""
        self._outbox.put(("task", key), {"begun" if active else "over": list(key)})

    def tell_computing(self, listed: tuple[Computing, ...]) -> None:
        """Say what is computed now; a server that is slow to listen hears only the newest."""
        self._outbox.put("computing", {"computing": [list(each) for each in listed]})

    def close(self) -> None:
        """End the connection; :meth:`run` then returns."""
        self._wire.close()

    def _hear(self, message: Message) -> None:
        if "join" in message:
            try:
                task = task_from_json(message["task"])
            except (KeyError, TypeError):
                error = JobFailed("It", "the compute hub is of another version than this server. All of it has to be restarted.")
                self._outbox.put(message["join"], {"of": message["join"], "failed": error_to_json(error)})
            else:
                self._join(message["join"], task, message["owner"])
        elif "leave" in message:
            with self._lock:
                job = self._jobs.get(message["leave"])
            if job is not None:
                job.cancel()
        elif "prepared" in message:
            with self._lock:
                answer = self._preparing.pop(message["prepared"], None)
            if answer is not None:
                failed = message.get("failed")
                answer.give(None if failed is None else error_from_json(failed, "Reading the data"))
        elif "warm" in message:
            self._dispatcher.warm()

    def _join(self, number: int, task: Task, owner: str | None) -> None:
        key: TaskKey = (task.kind, task.key(self._store))
        job: Job[bool] = Job(task.describe(), self._dispatcher.leave)
        with self._lock:
            self._jobs[number] = job
        self._on_active(key, 1)
        job.watch(partial(self._tell, number, key))
        self._dispatcher.join(
            job,
            task,
            owner=f"{self._name}/{owner}",
            find=lambda: self._store.has(*key) or None,
            keep=None,  # the server does that itself
            prepare=partial(self._prepare, number, task),
        )

    def _tell(self, number: int, key: TaskKey, job: Job[bool]) -> None:
        """Tell how a job goes; called by the dispatcher's thread, for the last time when the job has ended."""
        if not job.ended:
            live, message = (
                job.live_news,
                {"of": number, "progress": job.fraction, "stage": job.stage, "worker": self._dispatcher.worker_pid},
            )
            if live is not None and isinstance(live.read, LiveRun):
                self._outbox.put(number, {**message, "live": live.number, "run": live.read.run}, live.read.memory)
            else:
                self._outbox.put(number, message)
            return
        with self._lock:
            if self._jobs.pop(number, None) is None:
                return
        if job.state == "done":
            self._outbox.put(number, {"of": number, "done": True})
        elif job.state == "failed" and job.error is not None:
            self._outbox.put(number, {"of": number, "failed": error_to_json(job.error)})
        self._outbox.forget(number)
        self._on_active(key, -1)

    def _prepare(self, number: int, task: Task) -> None:
        """Have the server put into the store what a task needs; waits until it has, or is gone.

        Raises
        ------
        ExplorerError
        """
        answer = _Answer()
        with self._lock:
            if self._open:
                self._preparing[number] = answer
            else:
                answer.give(JobFailed(task.describe(), "the server that asked for it is gone."))
        self._outbox.put(("prepare", number), {"prepare": number})
        answer.wait()

    def _end(self) -> None:
        self._wire.close()
        self._outbox.close()
        with self._lock:
            self._open = False
            jobs, preparing = list(self._jobs.values()), list(self._preparing.values())
            self._preparing.clear()
        for job in jobs:
            job.cancel()
        for answer in preparing:  # only now: who prepares in its place is whoever is left
            answer.give(JobFailed("Reading the data", "the server that read them is gone."))


class _Answer:
    """Something that one thread waits for and another one brings."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._error: ExplorerError | None = None

    def give(self, error: ExplorerError | None) -> None:
        self._error = error
        self._came.set()

    def wait(self) -> None:
        self._came.wait()
        if self._error is not None:
            raise self._error
