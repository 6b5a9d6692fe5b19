"""What a Dask worker does for Explorer: it has compute processes of its own, and hands tasks to them. Runs on Dask workers only.

Its process computes nothing itself: parallel numba kernels need a process in which nothing else runs, there as here, and a computation
that does not stop when it is told to is ended with its process.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import WorkerDied
from explorer.jobs.graph_parts import PART, forget_parts, part_key
from explorer.jobs.live import LiveLayout, LiveRun
from explorer.jobs.parcel import Parcel
from explorer.jobs.process import WorkerProcess
from explorer.jobs.protocol import Message, error_to_json
from explorer.jobs.tasks import task_or_part_from_json
from explorer.store.store import Store

__all__ = [
    "News",
    "PartFailed",
    "cancel",
    "cancel_all",
    "compute",
    "compute_part",
    "count",
    "forget",
    "lacks",
    "limits",
    "news",
    "news_of",
    "piece",
    "reach",
    "take",
]

_CANCEL_S = 0.8  # a computation that has not stopped by then is ended with its process

_lock = threading.Lock()
_idle: list[_Computer] = []
_running: dict[str, _Computer] = {}


class News(NamedTuple):
    """How far a computation is, and its newest live layout where that is not known yet."""

    stage: str
    fraction: float
    live: LiveLayout | None


class PartFailed(Exception):
    """A part was not made; holds the last message of the protocol. Never seen by people."""

    def __init__(self, answer: Message) -> None:
        super().__init__(answer)
        self.answer = answer


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
        self._number, self._what = self._number + 1, task_or_part_from_json(task).describe()
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
    answer = _computed(store, name, task, parcels)
    if "done" in answer:
        made = [(entry.kind, entry.key) for entry in store.of(task["fingerprint"]) if (entry.kind, entry.key) not in known]
        found = [artifact for kind, key in made if (artifact := store.get(kind, key)) is not None]
        answer["made"] = [Parcel.of(artifact) for artifact in found]
    return answer


def compute_part(name: str, part: Message, parcels: Sequence[Parcel]) -> Parcel:
    """Compute a part of something, as a task of Dask.

    Parameters
    ----------
    name : str
        By which :func:`news` and :func:`cancel` know it.
    part : mapping
        A part as JSON.
    parcels : sequence of Parcel
        What other parts have made for it.

    Returns
    -------
    Parcel
        What it made.

    Raises
    ------
    PartFailed
        With the last message of the protocol; for Dask, which then does not begin what needs the part.
    """
    store, described = Store(), task_or_part_from_json(part)
    answer = _computed(store, name, part, parcels)
    kept = store.get(described.makes or described.kind, answer["done"]) if "done" in answer else None
    if kept is None:
        raise PartFailed({"vectors_gone": True} if "done" in answer else answer)
    return Parcel.of(kept)


def take(parcels: Sequence[Parcel]) -> None:
    """Keep what other machines have, as a task of Dask."""
    for parcel in parcels:
        parcel.unpack(Store())


def count(visits: Parcel, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the visitors of each cell and its members, among those of a block of rows."""
    probed = visits.arrays["probed"]
    return np.bincount(probed.ravel(), minlength=cells), np.bincount(probed[:, 0], minlength=cells)


def piece(name: str, visits: Parcel, shards: NDArray[np.int32], shard: int) -> Parcel:
    """Find the rows of a block that visit one of a shard's cells, and which of them."""
    probed, search = visits.arrays["probed"], visits.meta["search"]
    there = np.where(shards[probed] == shard, probed, np.int32(-1))
    rows = np.flatnonzero((there >= 0).any(axis=1))
    arrays = {"rows": rows + visits.meta["start"], "probed": there[rows]}
    return Parcel(PART, part_key(Store(), search, name), arrays, {"search": search})


def reach(name: str, visits: Parcel) -> Parcel:
    """Take from what a block of rows found out how far the nearest of them are from the anchors."""
    search = visits.meta["search"]
    return Parcel(PART, part_key(Store(), search, name), {"reach": visits.arrays["reach"]}, {"search": search})


def limits(name: str, homes: Parcel) -> Parcel:
    """Take from what the members of a shard's cells have found what another row has to be nearer to each than."""
    search = homes.meta["search"]
    told = {"rows": homes.arrays["rows"], "limits": np.ascontiguousarray(homes.arrays["gaps"][:, -1])}
    return Parcel(PART, part_key(Store(), search, name), told, {"search": search})


def forget(search: str) -> None:
    """Remove what the parts of a search have made on this machine."""
    forget_parts(Store(), search)


def _computed(store: Store, name: str, task: Message, parcels: Sequence[Parcel]) -> Message:
    """Have a compute process do it; the last message of the protocol."""
    for parcel in parcels:
        parcel.unpack(store)
    with _lock:
        computer = next((idle for idle in _idle if idle.alive), None)
        _idle[:] = [idle for idle in _idle if idle.alive and idle is not computer]
        computer = computer or _Computer(store)
        _running[name] = computer
    try:
        return computer.run(task)
    finally:
        with _lock:
            del _running[name]
            computer.settle()
            if computer.alive:
                _idle.append(computer)


def news(name: str, newest_shown: int) -> News | None:
    """Say how far a computation is, with its newest live layout unless that was shown; None where it is not here.

    Runs on the worker's event loop.
    """
    computer = _running.get(name)
    return None if computer is None else computer.news(newest_shown)


def news_of(names: Sequence[str]) -> dict[str, News]:
    """Say how far computations are, of those that are here; runs on the worker's event loop."""
    return {name: told for name in names if (told := news(name, 0)) is not None}


def cancel_all(names: Sequence[str]) -> list[str]:
    """Stop computations, and say which of them are here still; runs on the worker's event loop."""
    for name in names:
        cancel(name)
    return [name for name in names if name in _running]


def cancel(name: str) -> None:
    """Stop a computation, where it is here; runs on the worker's event loop."""
    with _lock:  # not between its end and the next task
        computer = _running.get(name)
        if computer is not None:
            computer.cancel()
