"""Two sets of vectors of the same rows: which true neighbors they share, which rows changed most, and both on maps side by side.

Both neighbor graphs are computed as any other; what they share is counted in a thread. Knows no browser and no widget.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np
import param

from explorer import settings
from explorer.compute.neighbors import nearest_rows
from explorer.compute.projection import GRAPH_K
from explorer.jobs.runner import Runner
from explorer.measured import Column, add_measured, measured
from explorer.neighborhood import EXACT_PRODUCTS
from explorer.priority import give_way
from explorer.state.appearance import Appearance
from explorer.state.arrangement import Arrangement
from explorer.state.inspection import Inspection
from explorer.state.projection import ProjectionChoice
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.color_toggle import ColorToggle
    from explorer.compute.neighbors import NeighborGraph
    from explorer.compute.shared_neighbors import SharedNeighbors
    from explorer.data.dataset import Dataset
    from explorer.jobs.job import Job
    from explorer.scene import Run
    from explorer.standing import Standing
    from explorer.state.history import History

__all__ = ["JACCARD", "Category", "Changed", "Comparing", "Findings", "column_key", "mean_by_category"]

SIZES: Final = (5, 15, 30)
JACCARD: Final = "jaccard"
_LISTED: Final = 30  # rows that changed most
_ROUNDS: Final = 8  # in which those are looked up again, where a graph may have missed neighbors: no more than so many times
_AT: Final = 15  # neighbors by which rows and categories are put in order
_AUTOMATIC_ROWS: Final = 25_000  # up to here both graphs are made by themselves: exact, and within seconds
_NICER: Final = 10  # where cores are few, counting gives way to pictures

_counters = ThreadPoolExecutor(1, thread_name_prefix="explorer-shared", initializer=give_way, initargs=(_NICER,))


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    runs: Any
    running: Any
    planes: Any
    error: Any
    appearance: Appearance
    colors: ColorToggle
    choice: ProjectionChoice
    inspection: Inspection
    arrangement: Arrangement
    history: History
    standing: Standing
    param: Any

    def run(self, projection: Any = None, *, of: str | None = None) -> Any:
        """Compute a projection."""
        ...


class Changed(NamedTuple):
    """A row, and which share of its nearest rows is the same."""

    row: int
    share: float


class Category(NamedTuple):
    """A category, None for rows without one: how many of its rows were compared, and the mean share of their neighbors."""

    name: str | None
    n: int
    share: float


class Findings(NamedTuple):
    """What two sets of vectors have in common.

    Attributes
    ----------
    metric : str
        Of the true neighbors in both.
    k : int
        Neighbors by which rows are put in order.
    n : int
        Rows that have neighbors in both.
    shares, chance : mapping of int to float
        By k: the mean share of neighbors in both, and what rows thrown at random would give.
    jaccard : float
        Neighbors in both of those in either, the mean over rows, of k.
    changed : list of Changed
        The rows with the least in common, those first.
    recall : float
        The share of true neighbors that the worse of both graphs has found; NaN where nobody measured.
    """

    metric: str
    k: int
    n: int
    shares: dict[int, float]
    chance: dict[int, float]
    jaccard: float
    changed: list[Changed]
    recall: float


class Comparing(param.Parameterized):
    """What a session knows of two sets of vectors; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Computes the neighbor graphs.
    """

    possible = param.Boolean(default=False, doc="Whether the open dataset has other vectors of its rows.")
    findings = param.Parameter(default=None, doc="What both have in common (Findings), or none yet.")
    category = param.String(default="", doc="The column of categories that is summed up; empty where there is none.")
    categories = param.List(default=[], doc="Its categories (Category), those with the least in common first.")
    working = param.String(default="", doc="What is being done, as text; empty when nothing is.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of it is done.")
    problem = param.String(default="", doc="Why there is nothing to see, as a sentence.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.owner = f"{id(self)} compares"  # as the runner knows it: it does not wait for the session's layouts
        self._job: Job[NeighborGraph] | None = None
        self._asked = self._summed = 0  # count the questions: a late answer to an old one is dropped
        self._begun = False
        self._awaited: str | None = None  # the column that will color the maps when it is there
        self._pairing: list[str] | None = None  # of which vectors a layout was asked for, while both are brought onto maps
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.param.watch(self._pair, ["running"])
        asker.inspection.param.watch(self._begin_again, ["metric"])
        asker.appearance.param.watch(self._on_color, ["color_by"])

    @property
    def names(self) -> tuple[str, str]:
        """What the two sets of vectors are called."""
        dataset = self._asker.dataset
        return (dataset.vectors_name, dataset.other.vectors_name) if self.possible else ("", "")

    def begin(self) -> None:
        """Measure from now on what is measured by itself: a page shows it."""
        if not self._begun:
            self._begun = True
            self._begin_again()

    def column(self, what: int | str) -> str | None:
        """Name the column of the neighbors that are shared, of so many or as :data:`JACCARD`; None where there is none yet."""
        found, dataset = self.findings, self._asker.dataset
        return None if found is None or not self.possible else measured(dataset, column_key(dataset.other, found.metric, what))

    def can_recall(self, name: object) -> bool:
        """Say whether a column is missing that can be measured again: it was in a session that was saved."""
        dataset = self._asker.dataset
        return self.possible and name not in dataset.roles and name in _names(dataset, _sizes(_k(dataset)))

    def recall(self, name: str, *, color: bool = False) -> None:
        """Measure a missing column again, and color the maps by it where asked for."""
        if self.can_recall(name):
            self._awaited = name if color else self._awaited
            self.measure()

    def columns_came(self) -> None:
        """Color the maps by what was waited for, if it is among the columns now."""
        if self._awaited is not None and self._awaited in self._asker.dataset.roles:
            self._asker.colors.show(self._awaited)

    def _on_color(self, *_: object) -> None:
        self._awaited = None  # a color that somebody chooses meanwhile stays

    # -- measuring

    def measure(self) -> None:
        """Compute both neighbor graphs where they are not there, and count what they share."""
        if self.possible and not self.working:
            self._asked += 1
            self.param.update(problem="", fraction=0.0, working="Looking for neighbors …")
            self._find([])

    def stop(self) -> None:
        """Stop; what was found of it stays."""
        self._asked += 1
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
        self.param.update(working="", fraction=0.0)

    def _find(self, graphs: list[NeighborGraph]) -> None:
        dataset, metric = self._asker.dataset, self._asker.inspection.metric
        sets = (dataset, dataset.other)
        if len(graphs) == len(sets):
            column = self.category
            self.working = "Counting the neighbors that are shared …"
            make = partial(_count, dataset, graphs, column)
            self._asker.in_thread("compare neighbors", self._asked, lambda: self._asked, make, self._take, self._fail, threads=_counters)
            return
        self.working = f"Neighbors by {sets[len(graphs)].vectors_name} …"
        submit = partial(self._jobs.submit_graph, sets[len(graphs)], metric=metric, k=_k(dataset), owner=self.owner)

        def take(job: Job[NeighborGraph], number: int) -> None:
            if number != self._asked:
                job.cancel()
                return
            self._job = job
            job.watch(lambda changed: self._asker.soon(self._follow, changed, graphs))

        self._asker.in_thread("find neighbors", self._asked, lambda: self._asked, submit, take, self._fail)

    def _follow(self, job: Job[NeighborGraph], graphs: list[NeighborGraph]) -> None:
        if job is not self._job:
            return
        if not job.ended:
            self.fraction = (len(graphs) + job.fraction) / 2
            return
        self._job = None
        if job.state == "done":
            self._find([*graphs, job.result()])
        elif job.state == "failed":
            self._fail(str(job.error), self._asked)
        else:
            self.param.update(working="", fraction=0.0)

    def _take(self, made: tuple[Findings, list[Category]], number: int) -> None:
        if number == self._asked:
            self.param.update(findings=made[0], categories=made[1], working="", fraction=0.0)

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self.param.update(working="", fraction=0.0, problem=sentence)

    def _on_dataset(self, *_: object) -> None:
        self.stop()
        self._pairing = self._awaited = None
        dataset = self._asker.dataset
        possible = dataset is not None and dataset.other is not None
        category = _category(dataset) if possible else ""
        self.param.update(possible=possible, findings=None, categories=[], category=category, problem="")
        self._begin_again()

    def _begin_again(self, *_: object) -> None:
        if not (self._begun and self.possible):
            return
        self.stop()
        self.param.update(findings=None, categories=[])
        self._asked += 1
        dataset, metric = self._asker.dataset, self._asker.inspection.metric
        make = partial(_quick, dataset, metric, self._jobs)
        self._asker.in_thread("look for neighbor graphs", self._asked, lambda: self._asked, make, self._take_quick, self._fail)

    def _take_quick(self, quick: object, number: int) -> None:
        if number == self._asked and quick:
            self.measure()

    # -- one column of categories

    def sum_up(self, column: str) -> None:
        """Sum up another column of categories."""
        dataset, name = self._asker.dataset, self.column(_AT) or (self.findings and self.column(self.findings.k))
        if not name or dataset.roles.get(column) != "category":
            return
        self._summed += 1
        self.category = column
        make = partial(_categories, dataset, column, name)

        def take(made: list[Category], number: int) -> None:
            if number == self._summed:
                self.categories = made

        def fail(sentence: str, number: int) -> None:
            if number == self._summed:
                self.problem = sentence

        self._asker.in_thread("sum up categories", self._summed, lambda: self._summed, make, take, fail)

    # -- both on maps

    def side_by_side(self) -> None:
        """Show the chosen projection of both on two maps; what is not there is computed first, one after the other."""
        if self.possible:
            self._pairing = []
            self._pair()

    def _pair(self, *_: object) -> None:
        """Go on bringing both onto maps, unless something is being computed: it goes on after that."""
        tried, dataset = self._pairing, self._asker.dataset
        if tried is None or self._asker.running or not self.possible:
            return
        chosen = self._asker.choice.current
        sides = ("", dataset.other.vectors_name)
        runs = [self._run(chosen, of) for of in sides]
        missing = next((of for of, run in zip(sides, runs, strict=True) if run is None), None)
        if missing is not None:
            if missing in tried:  # it was canceled, or it failed
                self._pairing = None
            else:
                self._pairing = [*tried, missing]
                if self._asker.run(chosen, of=missing) is None and self._asker.error:
                    self._pairing = None
            return
        self._pairing = None
        with self._asker.history.together("maps of both vectors"):
            self._asker.standing.note("maps of both vectors")
            self._asker.arrangement.n_maps = max(2, self._asker.arrangement.n_maps)
        for plane, run in zip(self._asker.planes, runs, strict=False):
            if plane.run != run:
                plane.stage(run, dataset)

    def _run(self, chosen: Any, of: str) -> Run | None:
        wanted, names = chosen.settings(), chosen.parameter_names
        fitting = (run for run in self._asker.runs if run.of == of and run.method == chosen.method)
        return next((run for run in fitting if all(run.settings.get(name) == wanted.get(name) for name in names)), None)


def column_key(other: Dataset, metric: str, what: int | str) -> tuple[str, ...]:
    """Say which measured column this is: of the neighbors that are the same by other vectors."""
    return "shared", other.fingerprint, metric, str(what)


def mean_by_category(codes: NDArray[np.int32], names: list[str], shares: NDArray[np.float32]) -> list[Category]:
    """Sum up shares (n,) by category, the smallest mean first; rows whose share is NaN do not count, nor categories without any other.

    Parameters
    ----------
    codes : ndarray of shape (n,), int32
        Positions in ``names``, -1 where a row has no category.
    names : list of str
        The categories.
    shares : ndarray of shape (n,), float32
        From 0 to 1.
    """
    there = np.isfinite(shares)
    at = codes[there].astype(np.int64) + 1
    counts = np.bincount(at, minlength=len(names) + 1)
    sums = np.bincount(at, weights=shares[there], minlength=len(names) + 1)
    known = [None, *names]
    made = [Category(known[i], int(counts[i]), float(sums[i] / counts[i])) for i in np.flatnonzero(counts).tolist()]
    return sorted(made, key=lambda each: (each.share, -each.n))


def _k(dataset: Dataset) -> int:
    assert dataset.other is not None
    return max(1, min(GRAPH_K, dataset.n_drawable - 1, dataset.other.n_drawable - 1))


def _category(dataset: Dataset) -> str:
    """Choose the column of categories that is summed up first."""
    names = [name for name, role in dataset.roles.items() if role == "category"]
    return str(dataset.color) if dataset.color in names else next(iter(names), "")


def _quick(dataset: Dataset, metric: str, jobs: Runner) -> bool:
    """Say whether it is measured without anybody asking: few rows, or both graphs are there."""
    sets = [each for each in (dataset, dataset.other) if each is not None]
    there = all(jobs.stored_graph(each, metric, _k(dataset)) is not None for each in sets)
    return there or (dataset.n_rows <= _AUTOMATIC_ROWS and not settings.read_only())


def _count(dataset: Dataset, graphs: list[NeighborGraph], column: str) -> tuple[Findings, list[Category]]:
    """Count what two graphs share, add that as columns, and sum it up."""
    from explorer.compute.shared_neighbors import shared_neighbors

    one, other = graphs
    assert dataset.other is not None
    most = min(one.k, other.k)
    sizes = _sizes(most)
    found = shared_neighbors(one.indices, other.indices, sizes=sizes)
    at = sizes.index(min(_AT, most))
    _look_up(dataset, graphs, found, at)
    *shared, both = _names(dataset, sizes)
    columns = {
        column_key(dataset.other, one.metric, size): Column(shared[i], found.share[i], _meaning(size)) for i, size in enumerate(sizes)
    }
    jaccard = Column(both, found.jaccard[at], "Neighbors in both, of all that are neighbors in either.")
    add_measured(dataset, {**columns, column_key(dataset.other, one.metric, JACCARD): jaccard})
    compared = np.isfinite(found.share[at])
    n = int(np.count_nonzero(compared))
    order = _least(found, at)[: min(_LISTED, n)]
    others = max(1, dataset.n_drawable - 1)
    summary = Findings(
        one.metric,
        sizes[at],
        n,
        {size: _mean(found.share[i]) for i, size in enumerate(sizes)},
        {size: min(1.0, size / others) for size in sizes},
        _mean(found.jaccard[at]),
        [Changed(row, float(found.share[at][row])) for row in order.tolist()],
        min(one.recall, other.recall) if np.isfinite([one.recall, other.recall]).all() else float("nan"),
    )
    return summary, mean_by_category(*dataset.codes(column), found.share[at]) if column else []


def _least(found: SharedNeighbors, at: int) -> NDArray[np.intp]:
    """Put rows in order, those that share least first; those without a share come last."""
    return np.lexsort([*(found.share[i] for i in (-1, 0)), found.share[at]])


def _look_up(dataset: Dataset, graphs: list[NeighborGraph], found: SharedNeighbors, at: int) -> None:
    """Search exactly for the neighbors of the rows that seem to share least, and put right what they share.

    Where a graph has missed some neighbors of a row, that row seems to have changed: among the last ones there are many of those.
    """
    from explorer.compute.shared_neighbors import shared_neighbors

    both, metric, k = (dataset, dataset.other), graphs[0].metric, found.sizes[-1]
    sets = [(each.vectors, each.drawable) for each in both if each is not None and each.vectors is not None]
    if all(graph.recall >= 1 for graph in graphs) or any(vectors.size > EXACT_PRODUCTS for vectors, _ in sets):
        return
    known: set[int] = set()
    for _ in range(_ROUNDS):
        listed = [row for row in _least(found, at)[:_LISTED].tolist() if np.isfinite(found.share[at][row])]
        asked = [row for row in listed if row not in known]
        if not asked:
            return
        known.update(asked)
        near = [
            np.stack([nearest_rows(vectors, row, k=k, metric=metric, drawable=drawable)[0] for row in asked]) for vectors, drawable in sets
        ]
        exact = shared_neighbors(*near, sizes=found.sizes)
        found.share[:, asked], found.jaccard[:, asked] = exact.share, exact.jaccard


def _sizes(most: int) -> list[int]:
    return sorted({min(size, most) for size in SIZES})


def _names(dataset: Dataset, sizes: list[int]) -> list[str]:
    """Name the columns of what is shared, one for each size, and then that of the Jaccard index."""
    assert dataset.other is not None
    names = f"{dataset.vectors_name} ↔ {dataset.other.vectors_name}"
    return [*(f"shared of {size}: {names}" for size in sizes), f"Jaccard of {min(_AT, sizes[-1])}: {names}"]


def _categories(dataset: Dataset, column: str, shares: str) -> list[Category]:
    return mean_by_category(*dataset.codes(column), dataset.numbers(shares))


def _meaning(size: int) -> str:
    return f"0: none of the {size} nearest rows is the same by both vectors. 1: all are."


def _mean(values: NDArray[np.float32]) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean(dtype=np.float64)) if len(there) else 0.0
