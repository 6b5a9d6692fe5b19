"""A neighbor graph that all workers of a Dask cluster search together; see :mod:`explorer.compute.sharded_search`."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, pairwise
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from explorer.compute.cell_search import block_edges
from explorer.compute.direct_search import DIRECT
from explorer.compute.sharded_search import STAGE, share_cells
from explorer.data.streaming import VECTORS, vectors_key
from explorer.jobs import cluster_worker
from explorer.jobs.artifacts import find_graph
from explorer.jobs.cluster_worker import News, PartFailed
from explorer.jobs.graph_parts import HomesTask, MergeTask, PlanTask, ShardTask, VisitsTask, forget_parts
from explorer.jobs.parcel import Parcel

if TYPE_CHECKING:
    from distributed import Client, Future
    from numpy.typing import NDArray

    from explorer.jobs.graph_task import GraphTask
    from explorer.jobs.protocol import Message
    from explorer.jobs.tasks import Part
    from explorer.store.store import Store

__all__ = ["ClusterGraph", "GraphLost", "worth_sharing"]

logger = logging.getLogger(__name__)

SHARED_FROM: Final = 100_000  # rows: what fewer take is hardly more than what it takes to send them around
BLOCKS: Final = 2  # of rows, for each worker
_END_S: Final = 5.0  # until what was under way has ended: a computation that does not stop is ended with its process
_AGAIN_S: Final = 0.1
_SENDING: Final = "sending the vectors"
_SHARES: Final = {"plan": 0.05, "visits": 0.2, "homes": 0.1, "shard": 0.6, "merge": 0.05}  # of the time


def worth_sharing(store: Store, graph: GraphTask, workers: int) -> bool:
    """Whether a graph that something needs is to be searched by so many workers together."""
    if workers < 2 or graph.n < SHARED_FROM or graph.metric in DIRECT:  # noqa: PLR2004
        return False
    return find_graph(store, graph.fingerprint, graph.metric, graph.k) is None


class ClusterGraph:
    """One search.

    Parameters
    ----------
    client : distributed.Client
    store : Store
        Of this machine: the vectors are in it, and the graph is put into it.
    graph : GraphTask
        What to search.
    tell : callable(stage, fraction)
        Told how far it is.
    wait : callable
        Waits until something may have happened; returns whether nobody wants the graph any more.
    nudge : callable
        Ends a wait; called from any thread.
    """

    def __init__(
        self,
        client: Client,
        store: Store,
        graph: GraphTask,
        *,
        tell: Callable[[str, float], None],
        wait: Callable[[], bool],
        nudge: Callable[[], None],
    ) -> None:
        self._client, self._store, self._graph = client, store, graph
        self._tell, self._wait, self._nudge = tell, wait, nudge
        self._name = uuid.uuid4().hex
        self._fields = (graph.fingerprint, graph.dataset, self._name)  # of every part
        self._parts: dict[str, tuple[str, float, Future[Any]]] = {}  # by the name on the worker: what it is, and its share of the time

    def build(self) -> Message:
        """Search; the last message of :mod:`explorer.jobs.protocol`.

        Raises
        ------
        GraphLost
            If a worker is lost that had what cannot be made again: then all of it starts again.
        """
        began = monotonic()
        try:
            self._send_vectors()
            self._note("vectors sent", began)
            graph = self._search()
        except _Unwanted:
            return {"canceled": True}
        except PartFailed as failed:
            return dict(failed.answer)
        finally:
            self._end()
        graph.unpack(self._store)
        return {"done": graph.key}

    def _search(self) -> Parcel:
        k, metric, began = self._graph.kept_k, self._graph.metric, monotonic()
        workers = list(self._client.scheduler_info(n_workers=-1)["workers"])
        plan = self._part(PlanTask(*self._fields, metric=metric, k=k), [], _SHARES["plan"])
        visits = self._visited(plan, workers)
        centers = self._result(plan).arrays["centers"]
        self._note("planned", began)
        counts = [self._result(self._submit(cluster_worker.count, each, len(centers))) for each in visits.values()]
        self._note("cells visited", began)
        costs = np.sum([met for met, _ in counts], axis=0) * np.sum([members for _, members in counts], axis=0, dtype=np.float64)
        shards = self._searched(plan, visits, share_cells(centers, costs, len(workers)), workers)
        reaches = {f"reach of {start}": each for start, each in visits.items()}
        reached = [self._submit(cluster_worker.reach, name, each) for name, each in reaches.items()]
        merge = MergeTask(*self._fields, reaches=list(reaches), shards=list(shards), metric=metric, k=k)
        merged = self._part(merge, [plan, *reached, *shards.values()], _SHARES["merge"])
        for searched in shards.values():
            self._result(searched)
        self._note("shards searched", began)
        parcel: Parcel = self._result(merged)
        self._note("merged", began)
        return parcel

    def _visited(self, plan: Future[Any], workers: Sequence[str]) -> dict[int, Future[Any]]:
        """Have each block of rows find out which cells it visits: the parts, by where the blocks start."""
        edges = block_edges(self._graph.n, BLOCKS * len(workers))
        blocks = [VisitsTask(*self._fields, start=start, end=end) for start, end in pairwise(edges) if end > start]
        share = _SHARES["visits"] / len(blocks)
        return {block.start: self._part(block, [plan], share, worker) for block, worker in zip(blocks, cycle(workers), strict=False)}

    def _searched(
        self, plan: Future[Any], visits: Mapping[int, Future[Any]], of_cell: NDArray[np.int32], workers: Sequence[str]
    ) -> dict[str, Future[Any]]:
        """Have each worker search a shard: the parts, by name."""
        pieces = [{f"piece {shard} of {start}": each for start, each in visits.items()} for shard in range(len(workers))]
        made = [
            [self._submit(cluster_worker.piece, name, each, of_cell, shard) for name, each in named.items()]
            for shard, named in enumerate(pieces)
        ]
        homes, share = [], _SHARES["homes"] / len(workers)
        for shard, worker in enumerate(workers):
            task = HomesTask(*self._fields, shard=shard, pieces=list(pieces[shard]))
            homes.append(self._part(task, [plan, *made[shard]], share, worker))
        names = [f"limits {shard}" for shard in range(len(workers))]
        limits = [self._submit(cluster_worker.limits, name, each) for name, each in zip(names, homes, strict=True)]
        found, share = {}, _SHARES["shard"] / len(workers)
        for shard, worker in enumerate(workers):
            whole = ShardTask(*self._fields, shard=shard, pieces=list(pieces[shard]), limits=names)
            found[whole.name] = self._part(whole, [plan, *made[shard], homes[shard], *limits], share, worker)
        return found

    def _send_vectors(self) -> None:
        """Give all workers that lack them the vectors, unless they share a store."""
        wanted = [(VECTORS, vectors_key(self._store, self._graph.fingerprint))]
        lacking = [worker for worker, lacks in self._client.run(cluster_worker.lacks, wanted).items() if lacks]
        vectors = self._store.get(*wanted[0]) if lacking else None
        if not lacking:
            return
        if vectors is None:
            raise PartFailed({"vectors_gone": True})
        self._tell(_SENDING, 0.0)
        sent = self._client.scatter([Parcel.of(vectors)], hash=False)
        taken = [self._submit(cluster_worker.take, sent, workers=[worker], allow_other_workers=False) for worker in lacking]
        for each in taken:
            self._result(each)

    def _note(self, done: str, began: float) -> None:
        logger.info("Neighbor graph of %s: %s after %.1f s", self._graph.dataset, done, monotonic() - began)

    def _part(self, part: Part, made: Sequence[Future[Any]], share: float, worker: str | None = None) -> Future[Any]:
        """Have a part computed, by some worker, or by this one unless it is lost."""
        where: dict[str, Any] = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        name = f"explorer-{part.kind}-{uuid.uuid4().hex}"
        future = self._client.submit(cluster_worker.compute_part, name, part.to_json(), list(made), key=name, pure=False, **where)
        future.add_done_callback(lambda _: self._nudge())
        self._parts[name] = (part.kind, share, future)
        return future

    def _submit(self, function: Callable[..., Any], *arguments: Any, **where: Any) -> Future[Any]:
        future = self._client.submit(function, *arguments, pure=False, **where)
        future.add_done_callback(lambda _: self._nudge())
        return future

    def _result(self, future: Future[Any]) -> Any:
        """Wait for it.

        Raises
        ------
        _Unwanted
            If nobody wants the graph any more.
        GraphLost
        PartFailed
        """
        while not future.done():
            if self._wait():
                raise _Unwanted
            self._tell_progress()
        if future.cancelled():
            raise GraphLost
        return future.result()

    def _tell_progress(self) -> None:
        done = sum(share for _, share, future in self._parts.values() if future.done())
        under_way = [name for name, (_, _, future) in self._parts.items() if not future.done()]
        for told in self._client.run(cluster_worker.news_of, under_way, on_error="ignore").values():
            done += sum(self._parts[name][1] * news.fraction for name, news in told.items() if isinstance(news, News))
        if self._parts:
            self._tell(STAGE, min(done, 1.0))

    def _end(self) -> None:
        """Stop what is under way, and have everybody forget what the parts have made."""
        under_way = [name for name, (_, _, future) in self._parts.items() if not future.done()]
        if under_way:
            self._client.cancel([self._parts[name][2] for name in under_way])
            end = monotonic() + _END_S
            while any(self._client.run(cluster_worker.cancel_all, under_way, on_error="ignore").values()) and monotonic() < end:
                sleep(_AGAIN_S)
        self._parts.clear()
        self._client.run(cluster_worker.forget, self._name, on_error="ignore")
        forget_parts(self._store, self._name)


class GraphLost(Exception):
    """A worker was lost that had what cannot be made again. Never seen by people."""


class _Unwanted(Exception):
    """Nobody wants the graph any more."""
