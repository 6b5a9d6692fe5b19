"""A Dask cluster in the place of a compute process: the same messages, and somewhere in the cluster a worker that computes."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from explorer.compute.progress import Snapshot
from explorer.errors import ExplorerError, ExtraMissing, SchedulerUnreachable
from explorer.jobs import cluster_worker
from explorer.jobs.artifacts import GRAPH
from explorer.jobs.cluster_graph import ClusterGraph, GraphLost, worth_sharing
from explorer.jobs.live import LiveMemory
from explorer.jobs.parcel import Parcel
from explorer.jobs.protocol import Message, error_to_json
from explorer.jobs.tasks import task_from_json

if TYPE_CHECKING:
    from distributed import Client

    from explorer.jobs.graph_task import GraphTask
    from explorer.store.store import Store

__all__ = ["ClusterProcess"]

logger = logging.getLogger(__name__)

_CONNECT_S: Final = 10
_NEWS_EVERY_S: Final = (
    0.5  # they travel from the worker by way of the scheduler: half a second is a live layout of a million rows at 16 MB/s
)
_CLOSE_S: Final = 5.0
_TRIES: Final = 3
_GRAPH_SHARE: Final = 0.4  # of the whole time, where all workers search the graph first


class ClusterProcess:
    """Has tasks computed by a Dask cluster, one at a time; what :class:`explorer.jobs.process.WorkerProcess` is on this machine.

    Parameters
    ----------
    store : Store
        Of this machine. What a task needs of it is sent to the worker, what the worker makes is put into it.
    address : str
        Of the scheduler.
    on_message : callable
        Called with this object and each message, from a thread of its own.
    """

    def __init__(self, store: Store, address: str, *, on_message: Callable[[Any, Message], None]) -> None:
        self._store, self._address, self._on_message = store, address, on_message
        self._requests: SimpleQueue[Message | None] = SimpleQueue()
        self._canceled: set[int] = set()
        self._nudged = threading.Event()
        self._shown = 0  # live layouts of this task
        self._begun = 0.0  # how much of the whole work was done before it
        self._open = True
        self.live = LiveMemory.make()
        self.last_words = ""
        self._thread = threading.Thread(target=self._run, name="explorer-cluster", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> None:
        """None: it is no process of this machine."""

    def send(self, message: Message) -> None:
        """Say something to it, as the protocol has it."""
        if "cancel" in message:
            self._canceled.add(message["cancel"])
            self._nudged.set()
        elif "run" in message:
            self._requests.put(message)

    def kill(self) -> None:
        """End what it computes."""
        self._open = False
        self._requests.put(None)
        self._nudged.set()

    def close(self) -> None:
        """End what it computes, and wait until the cluster was told."""
        self.kill()
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        client: Client | None = None
        while self._open:
            message = self._requests.get()
            if message is None:
                break
            try:
                client = client or _connect(self._address)
                answer = self._compute(client, message["run"], message["task"])
            except Exception as error:  # a border: whatever goes wrong with a cluster is the job's to tell
                if not isinstance(error, ExplorerError):
                    logger.exception("The cluster at %s failed", self._address)
                answer = {"failed": error_to_json(error), "traceback": repr(error)}
                if client is not None:  # the next one is asked over a connection of its own
                    _leave(client)
                    client = None
            self._canceled.discard(message["run"])
            if self._open:
                self._on_message(self, {**answer, "of": message["run"]})
            if self.live is not None:
                self.live.clear()
        if client is not None:
            _leave(client)

    def _compute(self, client: Client, number: int, task: Message) -> Message:
        self._tell(number, "waiting for a worker of the cluster", 0.0)
        while not client.scheduler_info(n_workers=-1)["workers"]:
            if self._unwanted(number):
                return {"canceled": True}
            self._pause()
        self._shown = 0
        for _ in range(_TRIES):
            answer = self._tried(client, number, task)
            if answer is not None:
                return answer
            self._tell(number, "starting again", 0.0)
        raise SchedulerUnreachable(self._address, f"{_TRIES} times a worker was lost")

    def _tried(self, client: Client, number: int, task: Message) -> Message | None:
        """Have it computed once, its neighbor graph by all workers; None where a worker is lost that had what was sent ahead."""
        self._begun = 0.0
        graph = task_from_json(task).graph()
        if graph is not None and worth_sharing(self._store, graph, len(client.scheduler_info(n_workers=-1)["workers"])):
            share = 1.0 if task["kind"] == GRAPH else _GRAPH_SHARE
            answer = self._searched(client, number, graph, share)
            if answer is None or "done" not in answer or task["kind"] == GRAPH:
                return answer
            self._begun = share
        return self._computed(client, number, task)

    def _searched(self, client: Client, number: int, graph: GraphTask, share: float) -> Message | None:
        def tell(stage: str, fraction: float) -> None:
            self._tell(number, stage, share * fraction)

        def wait() -> bool:
            self._pause()
            return self._unwanted(number)

        try:
            return ClusterGraph(client, self._store, graph, tell=tell, wait=wait, nudge=self._nudged.set).build()
        except GraphLost:
            if client.status != "running":
                raise SchedulerUnreachable(self._address, "the connection was lost") from None
            return None

    def _computed(self, client: Client, number: int, task: Message) -> Message | None:
        name = f"explorer-{uuid.uuid4().hex}"
        known = [(entry.kind, entry.key) for entry in self._store.of(task["fingerprint"])]
        packed = self._parcels(client, known)
        parcels = client.scatter(packed, hash=False) if packed else []
        future = client.submit(cluster_worker.compute, name, task, known, parcels, key=name, pure=False)
        future.add_done_callback(lambda _: self._nudged.set())
        newest = 0
        while not future.done():
            if self._unwanted(number):
                client.run(cluster_worker.cancel, name, on_error="ignore")
                future.cancel()
                return {"canceled": True}
            newest = self._hear(client, name, number, newest)
            self._pause()
        if future.cancelled():
            if client.status != "running":
                raise SchedulerUnreachable(self._address, "the connection was lost")
            return None
        answer: Message = dict(future.result())
        for parcel in answer.pop("made", []):
            parcel.unpack(self._store)
        return answer

    def _parcels(self, client: Client, known: list[tuple[str, str]]) -> list[Parcel]:
        """Pack what a worker may lack; where all of them share this machine's store, nothing."""
        lacking = {each for told in client.run(cluster_worker.lacks, known, on_error="ignore").values() for each in told}
        artifacts = [self._store.get(kind, key) for kind, key in sorted(lacking)]
        return [Parcel.of(artifact) for artifact in artifacts if artifact is not None]

    def _hear(self, client: Client, name: str, number: int, newest: int) -> int:
        """Pass on how far the worker is; returns which of its live layouts is the newest that was shown."""
        for told in client.run(cluster_worker.news, name, newest, on_error="ignore").values():
            if not isinstance(told, cluster_worker.News):
                continue
            live = {}
            if told.live is not None and self.live is not None:
                newest, self._shown = told.live.number, self._shown + 1  # its numbers start again with another worker, ours never do
                snapshot = Snapshot(told.live.coordinates, told.live.iteration, told.live.iterations, told.live.loss)
                try:
                    self.live.write(number, self._shown, told.live.stage, snapshot)
                    live = {"live": self._shown}
                except OSError as error:  # no memory left for it here: the computation goes on all the same
                    logger.warning("A layout cannot be shown while it is computed: %s", error)
            self._tell(number, told.stage, told.fraction, **live)
        return newest

    def _tell(self, number: int, stage: str, fraction: float, **more: Any) -> None:
        self._on_message(self, {"of": number, "progress": self._begun + (1 - self._begun) * fraction, "stage": stage, **more})

    def _unwanted(self, number: int) -> bool:
        return number in self._canceled or not self._open

    def _pause(self) -> None:
        """Wait a moment, or until something happens."""
        self._nudged.wait(_NEWS_EVERY_S)
        self._nudged.clear()


def _connect(address: str) -> Client:
    """Reach a scheduler.

    Raises
    ------
    SchedulerUnreachable, ExtraMissing
    """
    try:
        from distributed import Client
    except ImportError:
        raise ExtraMissing("Computing in a Dask cluster", "dask") from None
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False, name="explorer")
    except (OSError, TimeoutError) as error:
        raise SchedulerUnreachable(address, str(error) or "it does not answer") from error


def _leave(client: Client) -> None:
    """Close a connection; the cluster then forgets what it was asked for over it."""
    client.close(timeout=_CLOSE_S)
