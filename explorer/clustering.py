"""A session's clusters: found when somebody asks, in the background, with names, as columns; knows no browser."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import param

from explorer.cluster_words import cluster_columns, layer_key, layer_titles, names_of
from explorer.labels import Clusters
from explorer.measured import add_measured, measured
from explorer.priority import give_way
from explorer.state.clusters import ClusterNaming
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.color_toggle import ColorToggle
    from explorer.compute.cluster_names import Names
    from explorer.compute.clusters import ClusterTree
    from explorer.data.dataset import Dataset
    from explorer.jobs.job import Job
    from explorer.jobs.runner import Runner
    from explorer.state.appearance import Appearance
    from explorer.state.selection import Mode, Selection

__all__ = ["Clustering"]

_NICER: Final = 10
_QUEUED: Final = "waiting for another computation"

_threads = ThreadPoolExecutor(1, thread_name_prefix="explorer-clusters", initializer=give_way, initargs=(_NICER,))


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    error: Any
    appearance: Appearance
    colors: ColorToggle
    selection: Selection
    param: Any


class _Found(NamedTuple):
    tree: ClusterTree
    names: Names


class Clustering(param.Parameterized):
    """What one session knows of clusters; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Finds clusters, and knows those that were found.
    """

    tree = param.Parameter(default=None, doc="The ClusterTree; none where nobody has looked for clusters.")
    names = param.List(default=[], doc="For each layer of the tree the names of its clusters, those that somebody gave among them.")
    running = param.Boolean(default=False, doc="Whether clusters are being looked for.")
    stage = param.String(default="", doc="What is being done for it.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of it is done.")
    failed = param.String(default="", doc="Why clusters could not be found, as a sentence.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.owner = f"{id(self)} clusters"  # as the runner knows it: the session's layouts do not wait for it
        self.naming = ClusterNaming()
        self._begun = False
        self._opened = 0  # counts datasets: what is found of one that is not open any more is dropped
        self._job: Job[ClusterTree] | None = None
        self._found: Names = ()
        self._awaited: str | None = None  # the column that will color the maps when it is there
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.appearance.param.watch(self._on_color, ["color_by"])
        self.naming.param.watch(self._rename, ["renamed"])

    def begin(self) -> None:
        """Look from now on for clusters that have been found: a page shows them."""
        if not self._begun:
            self._begun = True
            self._look()

    @property
    def possible(self) -> bool:
        """Whether the dataset has vectors, whose neighbor graph clusters are found in."""
        dataset = self._asker.dataset
        return dataset is not None and dataset.vectors is not None

    @property
    def clusters(self) -> Clusters | None:
        """Those that are known, as they are called now; for :func:`explorer.labels.wanted_labels`."""
        if self.tree is None:
            return None
        return Clusters(self.tree, tuple(self.names), tuple(map(self.column, range(len(self.names)))))

    def find(self) -> None:
        """Look for clusters; the neighbor graph is computed first where there is none."""
        if not self.possible or self.running or self.tree is not None:
            return
        self.param.update(running=True, stage="", fraction=0.0, failed="")
        submit = partial(self._jobs.submit_clusters, self._asker.dataset, owner=self.owner)
        self._ask("look for clusters", submit, self._follow_job)

    def stop(self) -> None:
        """Look no more."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.param.update(running=False, stage="", fraction=0.0)

    def rename(self, layer: int, cluster: int, name: str) -> None:
        """Give a cluster a name of one's own; with an empty one it is called again what was found."""
        if self._is_one(layer, cluster):
            self.naming.rename(layer, cluster, "" if name == self._found[layer][cluster] else name)

    def select(self, layer: int, cluster: int, *, mode: Mode = "replace") -> None:
        """Select the rows of a cluster."""
        if self._is_one(layer, cluster):
            self._asker.selection.apply(self.tree.layers[layer] == cluster, mode=mode, made_by=f"cluster {self.names[layer][cluster]}")

    def column(self, layer: int) -> str | None:
        """Name the column of a layer; None where there is none."""
        return None if self.tree is None else measured(self._asker.dataset, layer_key(layer))

    def called(self, column: str | None) -> dict[str, str]:
        """Say what somebody calls the categories of a column that is a layer, by the names that were found; nothing of other columns."""
        layer = next((at for at in range(len(self._found)) if column is not None and column == self.column(at)), None)
        if layer is None:
            return {}
        return {found: name for found, name in zip(self._found[layer], self.names[layer], strict=True) if found != name}

    def toggle_color(self, layer: int) -> None:
        """Color the maps by a layer; where they are, as before."""
        column = self.column(layer)
        if column is not None:
            self._asker.colors.toggle(column)

    def columns_came(self) -> None:
        """Color the maps by what was waited for, if it is among the columns now."""
        if self._awaited is not None and self._awaited in self._asker.dataset.roles:
            self._asker.colors.show(self._awaited)

    def can_recall(self, name: object) -> bool:
        """Say whether a column is missing that can be found again: it was in a session that was saved."""
        known = {title for n in range(1, 5) for title in layer_titles(n)}
        return self.possible and name in known and name not in self._asker.dataset.roles

    def recall(self, name: str, *, color: bool = False) -> None:
        """Find a missing column again, and color the maps by it where asked for."""
        if self.can_recall(name):
            self._awaited = name if color else self._awaited
            self.find()

    def close(self) -> None:
        """Look no more; says so to nobody, for there is nobody any more."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    # -- finding

    def _look(self) -> None:
        if self._begun and self.possible:
            self._ask("look for kept clusters", partial(_stored, self._asker.dataset, self._jobs), self._take)

    def _follow_job(self, job: Job[ClusterTree], number: int) -> None:
        if number != self._opened or not self.running or self._job is not None:  # nobody waits for it any more
            job.cancel()
        else:
            self._job = job
            job.watch(lambda changed: self._asker.soon(self._follow, changed))

    def _follow(self, job: Job[ClusterTree]) -> None:
        if job is not self._job:
            return
        if not job.ended:
            self.param.update(stage=_QUEUED if job.state == "queued" else job.stage, fraction=job.fraction)
            return
        self._job = None
        if job.state == "done":
            self.param.update(stage="names", fraction=1.0)
            self._ask("name clusters", partial(_named, self._asker.dataset, job.result()), self._take)
        elif job.state == "failed":
            self._fail(str(job.error), self._opened)
        else:
            self.param.update(running=False, stage="")

    def _take(self, found: _Found | None, number: int) -> None:
        if number != self._opened or found is None:
            return
        self._found = found.names
        self.param.update(tree=found.tree, names=self._names(), running=False, stage="", failed="")

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._opened:
            self.param.update(running=False, stage="", failed=sentence)
            self._asker.error = sentence

    def _ask(self, what: str, make: Callable[[], Any], take: Callable[[Any, int], None]) -> None:
        self._asker.in_thread(what, self._opened, lambda: self._opened, make, take, self._fail, threads=_threads)

    # -- names

    def _names(self) -> list[tuple[str, ...]]:
        return [
            tuple(self.naming.given(layer, cluster) or name for cluster, name in enumerate(names))
            for layer, names in enumerate(self._found)
        ]

    def _rename(self, *_: object) -> None:
        self.names = self._names()

    def _is_one(self, layer: int, cluster: int) -> bool:
        return self.tree is not None and 0 <= layer < len(self._found) and 0 <= cluster < len(self._found[layer])

    def _on_dataset(self, *_: object) -> None:
        self._opened += 1
        self._awaited, self._found = None, ()
        self.stop()
        self.param.update(tree=None, names=[], failed="")
        self.naming.renamed = {}
        self._look()

    def _on_color(self, *_: object) -> None:
        self._awaited = None  # a color that somebody chooses meanwhile stays


def _stored(dataset: Dataset, jobs: Runner) -> _Found | None:
    tree = jobs.stored_clusters(dataset)
    return None if tree is None else _named(dataset, tree)


def _named(dataset: Dataset, tree: ClusterTree) -> _Found:
    """Name clusters, and add their columns to the dataset."""
    names = names_of(dataset, tree)
    add_measured(dataset, {layer_key(layer): column for layer, column in enumerate(cluster_columns(tree, names))})
    return _Found(tree, names)
