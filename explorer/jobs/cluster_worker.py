"""What a Dask worker does for Explorer: it has compute processes of its own, and hands tasks to them. Runs on Dask workers only.

Its process computes nothing itself: parallel numba kernels need a process in which nothing else runs, there as here, and a computation
that does not stop when it is told to is ended with its process.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import NamedTuple

from explorer.errors import WorkerDied
from explorer.jobs.live import LiveLayout, LiveRun
from explorer.jobs.parcel import Parcel
from explorer.jobs.process import WorkerProcess
from explorer.jobs.protocol import Message, error_to_json
from explorer.jobs.store import Store
from explorer.jobs.tasks import task_from_json

__all__ = ["News", "cancel", "compute", "lacks", "news"]

_CANCEL_S = 0.8  # a computation that has not stopped by then is ended with its process

_lock = threading.Lock()
_idle: list[_Computer] = []
_running: dict[str, _Computer] = {}


class News(NamedTuple):
    """How far a computation is, and its newest live layout where that is not known yet."""

    stage: str
    fraction: float
    live: LiveLayout | None


class _Computer:
    """A compute process, which has one task at a time."""

    def __init__(self, store: Store) -> None:
        self._answers: SimpleQueue[Message] = SimpleQueue()
        self._number, self._what = 0, ""
        self._newest: Message = {}
        self._process = WorkerProcess(store, on_message=self._heard, on_exit=self._exited)
        self._ending: threading.Timer | None = None
        self.alive = True

    def run(self, task: Message) -> Message:
        """Compute; the last message of the protocol, but "canceled" where it was killed."""
        self._number, self._what = self._number + 1, task_from_json(task).describe()
        self._newest = {}
        self._process.send({"run": self._number, "task": task})
        answer = self._answers.get()
        return answer if self._ending is None else {"canceled": True}

    def cancel(self) -> None:
        """Ask it to stop, and see to it that it does; for who holds the lock."""
        if self._ending is None:
            self._ending = threading.Timer(_CANCEL_S, self._kill)
            self._ending.daemon = True
            self._ending.start()
            self._process.send({"cancel": self._number})

    def settle(self) -> None:
        """Let it live on after its task; for who holds the lock."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _kill(self) -> None:
        with _lock:
            if self._ending is not None:  # else its task was over at this very moment
                self.alive = False
                self._process.kill()

    def news(self, newest_shown: int) -> News | None:
        """Say how far it is."""
        newest = self._newest
        if not newest:
            return None
        live = None
        if newest.get("live", newest_shown) != newest_shown and self._process.live is not None:
            live = LiveRun(self._process.live, self._number)()
        return News(newest["stage"], newest["progress"], live)

    def _heard(self, _: WorkerProcess, message: Message) -> None:
        if message.get("of") != self._number:
            return
        if "progress" in message:
            self._newest = {**self._newest, **message}
        else:
            self._answers.put(message)

    def _exited(self, process: WorkerProcess, code: int) -> None:
        self.alive = False
        died = WorkerDied(self._what, code, process.last_words)
        self._answers.put({"failed": error_to_json(died), "traceback": process.last_words})


def lacks(wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Say which artifacts, by kind and key, this machine's store has not."""
    store = Store()
    return [(kind, key) for kind, key in wanted if not store.has(kind, key)]


def compute(name: str, task: Message, known: Sequence[tuple[str, str]], parcels: Sequence[Parcel]) -> Message:
    """Compute a task, as a task of Dask.

    Parameters
    ----------
    name : str
        By which :func:`news` and :func:`cancel` know it.
    task : mapping
        A task as JSON.
    known : sequence of tuple
        Kind and key of what there is of the dataset already, where the result goes.
    parcels : sequence of Parcel
        What of that this machine's store may lack.

    Returns
    -------
    mapping
        The last message of :mod:`explorer.jobs.protocol`; with ``made``, a list of :class:`Parcel`, where it is done.
    """
    store = Store()
    for parcel in parcels:
        parcel.unpack(store)
    with _lock:
        computer = next((idle for idle in _idle if idle.alive), None)
        _idle[:] = [idle for idle in _idle if idle.alive and idle is not computer]
        computer = computer or _Computer(store)
        _running[name] = computer
    try:
        answer = computer.run(task)
    finally:
        with _lock:
            del _running[name]
            computer.settle()
            if computer.alive:
                _idle.append(computer)
    if "done" in answer:
        made = [(entry.kind, entry.key) for entry in store.of(task["fingerprint"]) if (entry.kind, entry.key) not in known]
        found = [artifact for kind, key in made if (artifact := store.get(kind, key)) is not None]
        answer["made"] = [Parcel.of(artifact) for artifact in found]
    return answer


def news(name: str, newest_shown: int) -> News | None:
    """Say how far a computation is, with its newest live layout unless that was shown; None where it is not here.

    Runs on the worker's event loop.
    """
    computer = _running.get(name)
    return None if computer is None else computer.news(newest_shown)


def cancel(name: str) -> None:
    """Stop a computation, where it is here; runs on the worker's event loop."""
    with _lock:  # not between its end and the next task
        computer = _running.get(name)
        if computer is not None:
            computer.cancel()
