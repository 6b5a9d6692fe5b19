"""How far rows moved between two layouts, as columns of the dataset: each measured once, in the background; knows no browser.

``Movement`` is a session's: it measures what moved on a journey when its map has come to rest, and colors the maps by it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import permutations
from threading import Timer
from typing import TYPE_CHECKING, Any, Final, Protocol

import param

from explorer.aligning import aligned
from explorer.compute.displacement import displacement
from explorer.compute.layout_rows import GRAPH_NEIGHBORS
from explorer.compute.projection import PLANE
from explorer.compute.space import METRICS
from explorer.errors import BadParameter
from explorer.measured import Column, add_measured, measured
from explorer.priority import give_way
from explorer.runs import dimensions_of, load
from explorer.state.appearance import Appearance
from explorer.threaded import Threaded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.color_toggle import ColorToggle
    from explorer.compute.projections import Layout
    from explorer.data.dataset import Dataset
    from explorer.jobs.runner import Runner
    from explorer.plane import Plane
    from explorer.scene import Run

__all__ = ["Asker", "Movement", "column_between", "moved"]

_REST_S: Final = 1.5  # after a layout is on the map: a journey has ended by then
_NICER: Final = 10  # where cores are few, measuring gives way to pictures
_GONE: Final = "One of these layouts is no longer in the store. Run it again."
_MEANING: Final = "0: moved along with its neighbors. 1: went half a map away from them."
_METRIC: Final = "metric"  # among a layout's parameters

Pair = frozenset[str]

_movers = ThreadPoolExecutor(1, thread_name_prefix="explorer-moved", initializer=give_way, initargs=(_NICER,))  # one: no pair twice


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    runs: Any
    error: Any
    appearance: Appearance
    colors: ColorToggle
    param: Any


class Movement(param.Parameterized):
    """What one session knows of rows that moved; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Knows the layouts and the neighbor graphs.
    """

    awaited = param.Parameter(
        default=None, doc="The titles of the two layouts (frozenset) whose column will color the maps when it is there."
    )

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self._opened = 0  # counts datasets: what is measured of one that is not open any more is not waited for
        self._asked: set[Pair] = set()
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.appearance.param.watch(self._on_color, ["color_by"])

    def follow(self, plane: Plane) -> None:
        """Hear that a plane has another scene: what moves on its journey is measured, once and after it; not where it began on the way."""
        passage, dataset = plane.passage, self._asker.dataset
        if passage is None or dataset is None or self.why_not(*passage):
            return
        start, goal = passage
        pair = _pair(start, goal)
        if pair in self._asked or column_between(dataset, pair) is not None:
            return
        self._asked.add(pair)
        rest = Timer(_REST_S, self._asker.soon, (self._come_to_rest, plane, start, goal, self._opened))
        rest.daemon = True
        rest.start()

    def column(self, one: str, other: str) -> str | None:
        """Name the column of how far rows moved between two layouts, by their titles; None where there is none yet."""
        dataset: Dataset | None = self._asker.dataset
        return None if dataset is None else column_between(dataset, frozenset((one, other)))

    def why_not(self, start: Run, goal: Run) -> str:
        """Say why it is not measured how far rows moved between two layouts, as a sentence; "" where it is."""
        dataset = self._asker.dataset
        in_space = [] if dataset is None else [run.title for run in (start, goal) if dimensions_of(dataset, run) != PLANE]
        if not in_space:
            return ""
        have = "has" if len(in_space) == 1 else "have"
        return f"What moved is measured between flat layouts, and {' and '.join(in_space)} {have} more than two dimensions."

    def toggle_color(self, start: Run, goal: Run) -> None:
        """Color the maps by how far rows moved, as soon as that is measured; where that colors them already, by what did before."""
        pair, column, why_not = _pair(start, goal), self.column(start.title, goal.title), self.why_not(start, goal)
        if why_not:
            self._asker.error = f"{why_not} Choose two flat ones at the ends of the way."
        elif self.awaited == pair:
            self.awaited = None
        elif column is not None:
            self._asker.colors.toggle(column)
        else:
            self._color(start, goal)

    def can_recall(self, name: object) -> bool:
        """Say whether a column is missing that can be measured again: it was in a session that was saved."""
        return self._runs_of(name) is not None

    def recall(self, name: str, *, color: bool = False) -> None:
        """Measure a missing column again, and color the maps by it where asked for."""
        runs = self._runs_of(name)
        if runs is not None:
            (self._color if color else self._measure)(*runs)

    def columns_came(self) -> None:
        """Color the maps by what was waited for, if it is among the columns now."""
        column = None if self.awaited is None else column_between(self._asker.dataset, self.awaited)
        if column is not None:
            self._set_color(column)

    # -- measuring

    def _come_to_rest(self, plane: Plane, start: Run, goal: Run, opened: int) -> None:
        if opened != self._opened:
            return
        if plane.passage == (start, goal):
            self._measure(start, goal)
        else:  # the map went on at once
            self._asked.discard(_pair(start, goal))
            self.follow(plane)

    def _measure(self, start: Run, goal: Run) -> None:
        dataset = self._asker.dataset
        self._asked.add(_pair(start, goal))
        make = partial(_add_column, dataset, start, goal, self._jobs)

        def take(there: object, number: int) -> None:
            if not there and self.awaited == _pair(start, goal):
                self._fail(_GONE, number)

        what = "measure how far rows moved"
        self._asker.in_thread(what, self._opened, lambda: self._opened, make, take, self._fail, threads=_movers)

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._opened:
            self.awaited = None
            self._asker.error = sentence

    # -- coloring

    def _color(self, start: Run, goal: Run) -> None:
        column = self.column(start.title, goal.title)
        if column is not None:
            self._set_color(column)
        else:
            self.awaited = _pair(start, goal)
            self._measure(start, goal)

    def _set_color(self, column: str) -> None:
        self._asker.colors.show(column)
        self.awaited = None

    def _on_color(self, *_: object) -> None:
        """Wait no longer: a color that somebody chooses meanwhile stays."""
        self.awaited = None

    def _on_dataset(self, *_: object) -> None:
        self._opened += 1
        self._asked = set()
        self.awaited = None

    def _runs_of(self, name: object) -> tuple[Run, Run] | None:
        dataset = self._asker.dataset
        if dataset is None or name in dataset.roles:
            return None
        return next((pair for pair in permutations(self._asker.runs, 2) if _name(*pair) == name), None)


def column_between(dataset: Dataset, pair: Pair) -> str | None:
    """Name the column of how far rows moved between two layouts, by their titles, in either direction; None where there is none."""
    return measured(dataset, pair)


def moved(dataset: Dataset, start: Layout, goal: Layout, jobs: Runner) -> NDArray[np.float32]:
    """Measure how far each row moved from one layout to another, relative to its neighbors; for a thread.

    The one is turned to lie like the other, however they lie on a map, so that everybody gets the same. The neighbors are the true ones
    where there is a graph, else those in the first layout: see :func:`explorer.compute.displacement.displacement`.

    Parameters
    ----------
    dataset : Dataset
        The rows.
    start, goal : Layout
        Coordinates of shape (n_rows, 2); stay as they are.
    jobs : Runner
        Knows the graphs.

    Returns
    -------
    ndarray of shape (n_rows,), float32
        NaN where a row is not in both.

    Raises
    ------
    BadParameter
        If they are not of the same rows, or have more than two columns.
    """
    for layout in (start, goal):
        if layout.coordinates.shape[1] != PLANE:
            raise BadParameter("n_components", layout.coordinates.shape[1], f"what moved is measured between maps with {PLANE} dimensions.")
    metrics = dict.fromkeys([str(layout.params[_METRIC]) for layout in (goal, start) if _METRIC in layout.params] + list(METRICS))
    k = min(GRAPH_NEIGHBORS, dataset.n_drawable - 1)
    graph = next((found for metric in metrics if (found := jobs.stored_graph(dataset, metric, k)) is not None), None)
    turned = aligned(goal, start, jobs.store).apply(goal.coordinates)
    return displacement(start.coordinates, turned, neighbors=None if graph is None else graph.indices)


def _add_column(dataset: Dataset, start: Run, goal: Run, jobs: Runner) -> bool:
    """Add the column, unless it is there; False where a layout is gone."""
    pair = _pair(start, goal)
    if column_between(dataset, pair) is not None:
        return True
    before, after = load(dataset, start, jobs), load(dataset, goal, jobs)
    if before is None or after is None:
        return False
    add_measured(dataset, {pair: Column(_name(start, goal), moved(dataset, before, after, jobs), _MEANING)})
    return True


def _pair(start: Run, goal: Run) -> Pair:
    return frozenset((start.title, goal.title))


def _name(start: Run, goal: Run) -> str:
    return f"moved: {start.title} → {goal.title}"
