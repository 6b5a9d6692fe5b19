"""The parts of a neighbor graph that several machines search together, as tasks: run inside compute processes.

What a part makes is kept for the parts after it under the name of the *search*, as they may be computed elsewhere; then it is forgotten.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from explorer.compute.exact_search import Frame
from explorer.compute.neighbors import graph_from
from explorer.compute.progress import LayoutReport, ShouldStop, ignore, never
from explorer.compute.sharded_search import Home, Met, Plan, merge_shards, plan_search, search_homes, search_shard, visit_cells
from explorer.jobs.artifacts import GRAPH, graph_key, keep_graph
from explorer.jobs.task_steps import StoreTask, VectorsGone, all_rows, kept_vectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from explorer.store.store import Artifact, Store

__all__ = ["PART", "HomesTask", "MergeTask", "PlanTask", "ShardTask", "VisitsTask", "forget_parts", "part_key"]

PART: Final = "part"


@dataclass(frozen=True)
class _Part(StoreTask):
    """A part of a search.

    Parameters
    ----------
    fingerprint, dataset : str
        Of the dataset: its content hash and its name for people.
    search : str
        The one that it is a part of.
    """

    makes: ClassVar[str] = PART
    fingerprint: str
    dataset: str
    search: str

    @property
    def sort(self) -> str:
        """What kind of thing it is, for people who may not know of what."""
        return "Neighbor graph"

    def describe(self) -> str:
        """Say it to people."""
        return f"Neighbor graph of {self.dataset}"

    @property
    @abstractmethod
    def name(self) -> str:
        """Which part of the search it is."""

    def key(self, store: Store) -> str:
        """Return where the result is kept."""
        return part_key(store, self.search, self.name)

    def run(self, store: Store, report: LayoutReport = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Compute and keep it, without a lock: nobody else makes this part of this search."""
        return self.make(store, report, should_stop)

    def keep(self, store: Store, arrays: Mapping[str, NDArray[np.generic]], **meta: object) -> Artifact:
        """Keep what was made."""
        return store.put(PART, self.key(store), arrays, {"search": self.search, **meta})

    def made_by(self, store: Store, name: str) -> Artifact:
        """Return what another part of the search has made.

        Raises
        ------
        VectorsGone
            If it is not here any more: then all of it starts again.
        """
        kept = store.get(PART, part_key(store, self.search, name))
        if kept is None:
            raise VectorsGone(name)
        return kept

    def plan(self, store: Store) -> Plan:
        """Return the plan."""
        kept = self.made_by(store, "plan")
        arrays, meta = kept.arrays, kept.meta
        return Plan(
            meta["metric"], meta["k"], Frame(arrays["mean"], meta["scale"]), arrays["centers"], arrays["left_out"], arrays["anchors"]
        )


@dataclass(frozen=True)
class PlanTask(_Part):
    """The cells of a search, as :func:`explorer.compute.sharded_search.plan_search` chooses them.

    Parameters
    ----------
    metric : str
    k : int
    """

    kind: ClassVar[str] = "plan"
    metric: str
    k: int

    @property
    def name(self) -> str:
        """Which part of the search it is."""
        return "plan"

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Choose them."""
        vectors, _ = kept_vectors(store, self.fingerprint)
        plan = plan_search(vectors, k=self.k, metric=self.metric, should_stop=should_stop)
        arrays = {"mean": np.atleast_1d(plan.frame.mean), "centers": plan.centers, "left_out": plan.left_out, "anchors": plan.anchors}
        return self.keep(store, arrays, metric=plan.metric, k=plan.k, scale=plan.frame.scale)


@dataclass(frozen=True)
class VisitsTask(_Part):
    """The cells that rows from ``start`` to before ``end`` visit.

    Parameters
    ----------
    start, end : int
    """

    kind: ClassVar[str] = "visits"
    start: int
    end: int

    @property
    def name(self) -> str:
        """Which part of the search it is."""
        return f"visits {self.start}"

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Find them."""
        vectors, _ = kept_vectors(store, self.fingerprint)
        found = visit_cells(vectors, self.plan(store), self.start, self.end, report=report, should_stop=should_stop)
        return self.keep(store, {"probed": found.probed, "reach": found.reach}, start=self.start)


@dataclass(frozen=True)
class _OfShard(_Part):
    """A part that concerns one shard.

    Parameters
    ----------
    shard : int
        Its number.
    pieces : list of str
        The names of the parts that say who visits it, in the order of rows.
    """

    shard: int
    pieces: list[str]

    def visitors(self, store: Store) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rows that visit it, and the cells that each visits."""
        pieces = [self.made_by(store, name).arrays for name in self.pieces]
        return np.concatenate([piece["rows"] for piece in pieces]), np.concatenate([piece["probed"] for piece in pieces])


@dataclass(frozen=True)
class HomesTask(_OfShard):
    """What the members of a shard's cells find in their own cells."""

    kind: ClassVar[str] = "homes"

    @property
    def name(self) -> str:
        """Which part of the search it is."""
        return f"homes {self.shard}"

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Have them meet."""
        vectors, _ = kept_vectors(store, self.fingerprint)
        rows, probed = self.visitors(store)
        at_home = probed[:, 0] >= 0
        home = search_homes(vectors, self.plan(store), rows[at_home], probed[at_home, 0], report=report, should_stop=should_stop)
        return self.keep(store, home._asdict())


@dataclass(frozen=True)
class ShardTask(_OfShard):
    """What the rows that visit a shard find there.

    Parameters
    ----------
    limits : list of str
        The names of the parts that say what another row has to be nearer to each than, of all shards.
    """

    kind: ClassVar[str] = "shard"
    limits: list[str]

    @property
    def name(self) -> str:
        """Which part of the search it is."""
        return f"shard {self.shard}"

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Have them meet."""
        vectors, _ = kept_vectors(store, self.fingerprint)
        rows, probed = self.visitors(store)
        home = self.made_by(store, f"homes {self.shard}").arrays
        limits = np.full(len(vectors), np.inf, np.float32)
        for told in (self.made_by(store, name).arrays for name in self.limits):
            limits[told["rows"]] = told["limits"]
        met = search_shard(
            vectors,
            self.plan(store),
            rows,
            probed,
            Home(home["rows"], home["indices"], home["gaps"]),
            limits[rows],
            report=report,
            should_stop=should_stop,
        )
        return self.keep(store, met._asdict())


@dataclass(frozen=True)
class MergeTask(_Part):
    """The graph of what all shards have found.

    Parameters
    ----------
    reaches : list of str
        The names of the parts that say how far the nearest rows are from the anchors.
    shards : list of str
        The names of the shards.
    metric : str
    k : int
    """

    kind: ClassVar[str] = "merge"
    makes: ClassVar[str] = GRAPH
    reaches: list[str]
    shards: list[str]
    metric: str
    k: int

    @property
    def name(self) -> str:
        """Which part of the search it is."""
        return "merge"

    def key(self, store: Store) -> str:
        """Return where the result is kept: it is the graph that everybody looks for."""
        return graph_key(store, self.fingerprint, self.metric, self.k)

    def run(self, store: Store, report: LayoutReport = ignore, should_stop: ShouldStop = never) -> Artifact:
        """Compute and keep it, unless somebody does who needs the same graph."""
        return StoreTask.run(self, store, report, should_stop)

    def make(self, store: Store, report: LayoutReport, should_stop: ShouldStop) -> Artifact:
        """Merge them; where too many neighbors are missing, search on."""
        vectors, drawable = kept_vectors(store, self.fingerprint)
        plan = self.plan(store)
        shards = [Met(*(self.made_by(store, name).arrays[part] for part in Met._fields)) for name in self.shards]
        start = merge_shards(len(vectors), plan.k, shards)
        every = np.concatenate([self.made_by(store, name).arrays["reach"] for name in self.reaches], axis=1)
        reach = np.partition(every, plan.k - 1, axis=1)[:, plan.k - 1]
        graph = graph_from(vectors, start, plan.frame.scale, reach, metric=plan.metric, report=report, should_stop=should_stop)
        return keep_graph(store, self.fingerprint, all_rows(graph, drawable))


def part_key(store: Store, search: str, name: str) -> str:
    """Return where a part of a search is kept."""
    return store.key(PART, search, {"name": name})


def forget_parts(store: Store, search: str) -> None:
    """Remove what the parts of a search have made."""
    for entry in list(store.entries(PART)):
        if entry.meta.get("search") == search:
            store.remove(PART, entry.key)
