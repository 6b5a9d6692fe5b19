"""The hub as one of its servers sees it: asked like a dispatcher, it computes nothing here.

One thread owns all of it and takes everything that happens as an event, as in :mod:`explorer.jobs.dispatch`. When the hub is gone, what it
was asked for is asked of the next one.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from explorer.errors import ExplorerError, JobCanceled, JobFailed
from explorer.jobs.board import Computing
from explorer.jobs.computation import Asker
from explorer.jobs.live import LiveLayout, LiveMemory, LiveNews, LiveRun
from explorer.jobs.protocol import Message, error_from_json, error_to_json
from explorer.jobs.wire import Wire

if TYPE_CHECKING:
    from explorer.jobs.job import Job, State
    from explorer.jobs.tasks import Task
    from explorer.store.store import Store

__all__ = ["HubDispatcher"]

logger = logging.getLogger(__name__)

_PREPARING: Final = 2  # threads that put vectors into the store
_AGAIN_S: Final = 0.3  # between two tries to reach the hub
_PATIENCE_S: Final = 60.0  # after which whoever waits for the hub is told that it does not come
_CLOSE_S: Final = 5.0
_LOST: Final = "the compute hub ended twice while it worked on it; often the machine ran out of memory. Try again, perhaps with fewer rows"
_SILENT: Final = "the compute hub does not answer. Try again in a minute; if that does not help, the server's log says why"


@dataclass(eq=False)
class _Asked:
    """What the hub was asked for."""

    asker: Asker
    task: Task
    key: tuple[str, str]
    memory: LiveMemory | None = None  # where the hub's process shows layouts of it
    shown: int = 0  # the number of the newest of them
    before: int = 0  # and of the newest that a hub has shown which has ended since
    running: bool = False
    lost: bool = False  # whether a hub has ended while it ran


class HubDispatcher:
    """Has tasks computed by the compute hub of this machine; the same for the runner as a :class:`~explorer.jobs.dispatch.Dispatcher`.

    Parameters
    ----------
    store : Store
        Shared with the hub.
    path : str
        Of the hub's socket.
    on_change : callable, optional
        Called, from the threads of this object, when something is asked for, begins, moves up in the queue or ends.
    """

    def __init__(self, store: Store, path: str, on_change: Callable[[], None] | None = None) -> None:
        self._store = store
        self._on_change = on_change
        self._computing: tuple[Computing, ...] = ()  # what any server has asked for, as the hub said it last
        self._path = path
        self._numbers = count(1)
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._to_prepare: SimpleQueue[tuple[int, Asker] | None] = SimpleQueue()
        self._asked: dict[int, _Asked] = {}
        self._active: frozenset[tuple[str, str]] = frozenset()  # what any server has asked for
        self._wire: Wire | None = None
        self._alone_since: float | None = None
        self._warm = False
        self._open = True
        self.worker_pid: int | None = None
        self.n_died = 0  # hubs that ended meanwhile; of its compute processes the hub's log tells
        self._ended: Counter[tuple[str, State]] = Counter()  # by kind
        self._threads = [
            threading.Thread(target=self._run, name="explorer-jobs", daemon=True),
            *(threading.Thread(target=self._prepare, name="explorer-vectors", daemon=True) for _ in range(_PREPARING)),
        ]
        for thread in self._threads:
            thread.start()

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
        """Have a task computed for a job; see :meth:`explorer.jobs.dispatch.Dispatcher.join`."""
        asked = _Asked(Asker(job, owner, find, keep, prepare), task, (task.kind, task.key(self._store)))
        self._events.put(partial(self._joined, asked))

    def has(self, task: Task) -> bool:
        """Whether this very thing waits or is being computed at this moment, whichever server asked for it."""
        key = (task.kind, task.key(self._store))
        return key in self._active or any(asked.key == key for asked in list(self._asked.values()))

    def counts(self) -> dict[tuple[str, State], int]:
        """Count what this server asked for, by kind and state; see :meth:`explorer.jobs.dispatch.Dispatcher.counts`."""
        found: Counter[tuple[str, State]] = Counter(dict(self._ended))
        for asked in list(self._asked.values()):
            found[asked.task.kind, "running" if asked.running else "queued"] += 1
        return dict(found)

    def computing(self) -> tuple[Computing, ...]:
        """List what any server has asked for; see :meth:`explorer.jobs.dispatch.Dispatcher.computing`."""
        own, active = self._asked.copy().values(), self._active
        listed = [each for each in self._computing if (each.kind, each.key) in active]  # the others have ended since
        known = {(each.kind, each.key) for each in listed}
        unknown = {asked.key: asked.task for asked in own if asked.key not in known}  # the hub is not there, or busy
        behind = enumerate(unknown.items(), 1 + sum(each.place > 0 for each in listed))
        return (*listed, *(Computing(*key, task.sort, task.dataset, task.fingerprint, "queued", place=at) for at, (key, task) in behind))

    def asked_by(self, owners: Collection[str]) -> dict[tuple[str, str], Job[Any]]:
        """Give the jobs of these owners of this server; see :meth:`explorer.jobs.dispatch.Dispatcher.asked_by`."""
        return {asked.key: asked.asker.job for asked in self._asked.copy().values() if asked.asker.owner in owners}

    def leave(self, job: Job[Any]) -> None:
        """Forget a job that was canceled."""
        self._events.put(partial(self._left, job))

    def stop(self, job: Job[Any]) -> None:
        """End a job with its newest live layout."""
        self._events.put(partial(self._stopped, job))

    def warm(self) -> None:
        """Have the hub start its first compute process now."""
        self._events.put(self._warmed)

    def close(self) -> None:
        """Leave the hub; jobs that have not ended are canceled, and it computes them no longer unless another server waits for them."""
        self._events.put(self._closed)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a watcher may close, too
                thread.join(_CLOSE_S)

    # Everything below runs on the thread "explorer-jobs", but for _prepare and _listen.

    def _run(self) -> None:
        while self._open:
            try:
                event = self._events.get(timeout=_AGAIN_S if self._wire is None and (self._asked or self._warm) else None)
            except Empty:
                event = self._connect
            try:
                event()
            except Exception:  # a border: one event that goes wrong must not stop everybody's jobs
                logger.exception("Asking the compute hub failed at %s", event)
            del event  # or what it is about would stay in memory until the next

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()

    def _connect(self) -> None:
        """Reach the hub and ask it for everything that is wanted; where it is not there, somebody tries again in a moment."""
        if self._wire is not None:
            return
        try:
            wire = Wire.to(self._path)
        except OSError as error:
            self._alone(error)
            return
        self._wire, self._alone_since, self._active = wire, None, frozenset()
        threading.Thread(target=self._listen, args=(wire,), name="explorer-hub", daemon=True).start()
        if self._warm:
            self._send({"warm": True})
        for number, asked in self._asked.items():
            self._ask(number, asked)

    def _alone(self, error: OSError) -> None:
        now = monotonic()
        if self._alone_since is None:
            self._alone_since = now
            logger.warning("The compute hub does not answer (%s); it is asked again", error.strerror or error)
        if now - self._alone_since > _PATIENCE_S:
            for number in list(self._asked):
                self._fail(number, _SILENT)

    def _listen(self, wire: Wire) -> None:
        try:
            for message, descriptor in wire.messages():
                memory = None if descriptor is None else LiveMemory(descriptor)
                self._events.put(partial(self._heard, wire, message, memory))
                del memory
        except ValueError:
            logger.exception("The compute hub said what cannot be understood")
        self._events.put(partial(self._lost, wire))

    def _lost(self, wire: Wire) -> None:
        wire.close()
        if wire is not self._wire:
            return
        self._wire, self._active, self._computing, self.worker_pid = None, frozenset(), (), None
        self._changed()
        for number, asked in list(self._asked.items()):
            if asked.running and asked.lost:
                self._fail(number, _LOST)
            elif asked.running:
                asked.running, asked.lost, asked.memory, asked.before = False, True, None, asked.shown
                asked.asker.job.advance("starting again", 0.0)
        if self._open:
            self.n_died += 1
            logger.warning("The compute hub ended; what it was asked for (%d) is asked of the next one", len(self._asked))

    def _joined(self, asked: _Asked) -> None:
        if asked.asker.job.ended:
            return
        number = next(self._numbers)
        self._asked[number] = asked
        self._changed()
        if self._wire is None:
            self._connect()
        else:
            self._ask(number, asked)

    def _ask(self, number: int, asked: _Asked) -> None:
        self._send({"join": number, "task": asked.task.to_json(), "owner": asked.asker.owner})

    def _send(self, message: Message) -> None:
        if self._wire is None:
            return
        try:
            self._wire.send(message)
        except OSError as error:  # who listens hears of it, too, and has all of it asked again
            logger.debug("The compute hub does not hear %s: %s", message, error)

    def _heard(self, wire: Wire, message: Message, memory: LiveMemory | None) -> None:
        if wire is not self._wire:
            return
        if "begun" in message:
            self._active |= {(message["begun"][0], message["begun"][1])}
        elif "over" in message:
            self._active -= {(message["over"][0], message["over"][1])}
        elif "computing" in message:
            self._computing = tuple(Computing(*each) for each in message["computing"])
            self._changed()
        elif "prepare" in message:
            asked = self._asked.get(message["prepare"])
            if asked is not None:  # else it has left, which the hub hears next
                self._to_prepare.put((message["prepare"], asked.asker))
        elif (asked := self._asked.get(message["of"])) is not None:
            self._go_on(message, asked, memory)

    def _go_on(self, message: Message, asked: _Asked, memory: LiveMemory | None) -> None:
        if "progress" in message:
            self.worker_pid = message["worker"]
            asked.running, asked.memory = True, memory or asked.memory
            live, number = None, asked.before + message.get("live", 0)
            if number > asked.shown and asked.memory is not None:
                live, asked.shown = LiveNews(number, LiveRun(asked.memory, message["run"], asked.before)), number
            asked.asker.job.advance(message["stage"], message["progress"], live)
            return
        del self._asked[message["of"]]
        what = asked.task.describe()
        self._finish(asked, error_from_json(message["failed"], what) if "failed" in message else None)

    def _fail(self, number: int, why: str) -> None:
        asked = self._asked.pop(number)
        self._finish(asked, None if asked.asker.find() is not None else JobFailed(asked.task.describe(), f"{why}."))

    def _finish(self, asked: _Asked, error: ExplorerError | None) -> None:
        asked.asker.finish(asked.task.describe(), error)
        self._ended[asked.task.kind, asked.asker.job.state] += 1

    def _left(self, job: Job[Any]) -> None:
        job.tell()
        for number, asked in list(self._asked.items()):
            if asked.asker.job is job:
                del self._asked[number]
                self._ended[asked.task.kind, job.state] += 1
                self._send({"leave": number})

    def _stopped(self, job: Job[Any]) -> None:
        asker = next((asked.asker for asked in self._asked.values() if asked.asker.job is job), None)
        if asker is not None and asker.stop():
            self._left(job)

    def _warmed(self) -> None:
        self._warm = True
        if self._wire is None:
            self._connect()
        else:
            self._send({"warm": True})

    def _prepare(self) -> None:
        while (wanted := self._to_prepare.get()) is not None:
            number, asker = wanted
            answer: Message = {"prepared": number}
            try:
                if not asker.job.ended:
                    asker.prepare()
            except Exception as error:  # a border: the job tells it
                if not isinstance(error, ExplorerError):
                    logger.exception("Preparing %s failed", asker.job.what)
                answer["failed"] = error_to_json(error)
            self._events.put(partial(self._send, answer))
            del wanted, asker  # or its dataset would stay in memory until the next

    def _closed(self) -> None:
        self._open = False
        for _ in range(_PREPARING):
            self._to_prepare.put(None)
        for asked in self._asked.values():
            asked.asker.job.end("canceled", error=JobCanceled(asked.asker.job.what))
            asked.asker.job.tell()
        self._asked.clear()
        if self._wire is not None:
            self._wire.close()
