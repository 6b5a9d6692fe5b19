"""What a session finds out about the clicked row and the selected rows, beyond the nearest rows; knows no browser and no widget.

Everything that takes time runs in a thread; a late answer to an old question is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import param
from numpy.typing import NDArray

from explorer.errors import UnknownRow
from explorer.jobs.runner import Runner
from explorer.neighborhood import MapNeighbors, Neighbors, alike, map_neighbors, two_steps_away
from explorer.selection_summary import SelectionSummary, rows_of_category, rows_with_word, summarize
from explorer.state.filters import Filters
from explorer.state.inspection import Inspection
from explorer.state.selection import Mode, Selection
from explorer.state.visits import Visits
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from explorer.plane import Plane
    from explorer.scene import Shown

__all__ = ["Asker", "Inquiry"]

Change = Literal["select", "filter"]
_ALIKE = "Nearest to the mean direction of the rows with +, away from that of the rows with -; cosine distance."
_QUOTED = 40  # characters of a word or category that a sentence repeats
_SETTLED_S = 0.4  # so long a selection stays before it is described: maps, counts and table come first


class Asker(Threaded, Protocol):
    """The session whose data this is about."""

    dataset: Any
    neighbors: Any
    other_neighbors: Any
    planes: Any
    error: Any
    inspection: Inspection
    selection: Selection
    filters: Filters
    param: Any

    def neighbors_by(self, of: str) -> Neighbors | None:
        """Give the clicked row's nearest rows by its own vectors, or by the others of this name."""
        ...


class Inquiry(param.Parameterized):
    """Answers, to be watched and not set; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Knows the stored graphs.
    """

    on_maps = param.Dict(
        default={}, doc="What each map (Plane) made of the clicked row's neighbors (MapNeighbors); maps without it have none."
    )
    alike = param.Parameter(default=None, doc="The rows (Neighbors) that are like those that were given, or none.")
    alike_note = param.String(default="", doc="What those are, or why there are none; empty where no rows were given.")
    summary = param.Parameter(default=None, doc="What is special about the selected rows (SelectionSummary), or none.")
    described = param.Integer(default=-1, doc="The version of the selection that the summary is of.")
    working = param.String(default="", doc="What is being looked for because somebody asked; empty when nothing is.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.visits = Visits()
        self._compared = self._described = self._likened = self._acted = 0  # count the questions, see above
        self._comparing: tuple[Any, ...] = ()
        self._watched: list[tuple[Plane, Any]] = []
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.param.watch(self._compare, ["neighbors", "other_neighbors"])
        asker.param.watch(self._on_planes, ["planes"])
        asker.inspection.param.watch(self._on_row, ["row"])
        asker.inspection.param.watch(self._liken, ["liked", "disliked", "k"])
        asker.selection.param.watch(self._describe, ["version"])
        asker.inspection.param.watch(self._describe, ["metric"])
        self._on_planes()

    # -- the clicked row

    def go(self, direction: Literal["back", "forward"]) -> None:
        """Look at the row that was looked at before, or after, this one."""
        row = self.visits.back() if direction == "back" else self.visits.forward()
        if row is not None:
            self._asker.inspection.row = row

    def select_neighbors(self, mode: Mode = "replace") -> None:
        """Select the clicked row's true nearest rows, and the row itself."""
        found: Neighbors | None = self._asker.neighbors
        if found is not None:
            self._asker.selection.apply(np.append(found.rows, found.row), mode=mode, made_by=f"neighbors of row {found.row:,}")

    def select_two_steps(self, mode: Mode = "replace") -> None:
        """Select the clicked row, its nearest rows and theirs."""
        found, dataset = self._asker.neighbors, self._asker.dataset
        if found is not None:
            self._acted += 1
            number = self._acted
            make = partial(two_steps_away, dataset, found, jobs=self._jobs, should_stop=lambda: number != self._acted)
            self._act("the neighbors of the neighbors", make, mode, f"neighbors of neighbors of row {found.row:,}")

    def select_alike(self, mode: Mode = "replace") -> None:
        """Select the rows that are like those that were given."""
        if self.alike is not None:
            self._asker.selection.apply(self.alike.rows, mode=mode, made_by="more like these")

    # -- the selected rows

    def choose_category(self, column: str, category: str | None, change: Change, mode: Mode = "replace") -> None:
        """Select the rows of a category, None for those without a value, or hide all others."""
        says = f"{column} = {_quoted(category)}"
        self._choose(says, partial(rows_of_category, self._asker.dataset, column, category), change, mode, f"category:{column}")

    def choose_word(self, column: str, word: str, change: Change, mode: Mode = "replace") -> None:
        """Select the rows whose text has a word, or hide all others."""
        self._choose(
            f"“{_quoted(word)}” in {column}", partial(rows_with_word, self._asker.dataset, column, word), change, mode, f"word:{column}"
        )

    def _choose(self, says: str, make: Callable[[], NDArray[np.bool_]], change: Change, mode: Mode, key: str) -> None:
        if self._asker.dataset is None:
            return
        self._acted += 1
        if change == "select":
            self._act(says, make, mode, says)
            return

        def take(mask: NDArray[np.bool_], number: int) -> None:
            if number == self._acted:
                self.working = ""
                self._asker.filters.put(key, says, mask)

        self.working = says
        self._asker.in_thread(f"find {says}", self._acted, lambda: self._acted, make, take, self._fail_acting)

    def _act(self, says: str, make: Callable[[], Any], mode: Mode, made_by: str) -> None:
        dataset = self._asker.dataset

        def take(rows: Any, number: int) -> None:
            if number == self._acted and dataset is self._asker.dataset:
                self.working = ""
                self._asker.selection.apply(rows, mode=mode, made_by=made_by)

        self.working = says
        self._asker.in_thread(f"find {says}", self._acted, lambda: self._acted, make, take, self._fail_acting)

    def _fail_acting(self, sentence: str, number: int) -> None:
        if number == self._acted:
            self.working = ""
            self._asker.error = sentence

    # -- what is looked for by itself

    def _on_dataset(self, *_: object) -> None:
        self._acted += 1
        self.working = ""
        self.visits.clear()
        self._asker.inspection.param.update(liked=[], disliked=[])
        self._liken()
        self._describe()

    def _on_row(self, *_: object) -> None:
        row, dataset = self._asker.inspection.row, self._asker.dataset
        if dataset is None or row is None or row < dataset.n_rows:
            self.visits.visit(row)

    def _on_planes(self, *_: object) -> None:
        for plane, watcher in self._watched:
            plane.param.unwatch(watcher)
        self._watched = [(plane, plane.param.watch(self._compare, ["scene"])) for plane in self._asker.planes]
        self._compare()

    def _compare(self, *_: object) -> None:
        """Find out what each map made of the neighbors, unless that is known, or on its way."""
        dataset = self._asker.dataset
        maps: list[tuple[Plane, Shown, Neighbors]] = []
        for plane in self._asker.planes:
            if plane.scene is not None and plane.scene.dataset is dataset:
                found = self._asker.neighbors_by(plane.scene.shown.run.of)
                maps += [] if found is None else [(plane, plane.scene.shown, found)]
        key = tuple(part for each in maps for part in each)
        if len(key) == len(self._comparing) and all(one is other for one, other in zip(key, self._comparing, strict=True)):
            return
        self._comparing = key
        self._compared += 1
        if not maps:
            self.on_maps = {}
            return

        def make() -> dict[Plane, MapNeighbors]:
            made = {plane: map_neighbors(dataset.with_vectors(shown.run.of), shown, found) for plane, shown, found in maps}
            return {plane: on_map for plane, on_map in made.items() if on_map is not None}

        self._asker.in_thread("compare the maps", self._compared, lambda: self._compared, make, self._take_compared, self._fail_comparing)

    def _take_compared(self, made: dict[Plane, MapNeighbors], number: int) -> None:
        if number == self._compared:
            self.on_maps = made

    def _fail_comparing(self, sentence: str, number: int) -> None:
        if number == self._compared:
            self._asker.error = sentence

    def _liken(self, *_: object) -> None:
        dataset, inspection = self._asker.dataset, self._asker.inspection
        liked, disliked = list(inspection.liked), list(inspection.disliked)
        self._likened += 1
        if dataset is None or not (liked or disliked):
            self.param.update(alike=None, alike_note="")
            return
        missing = next((row for row in [*liked, *disliked] if row >= dataset.n_rows), None)
        if missing is not None:  # from a link that was made with other data
            inspection.param.update(liked=[], disliked=[])
            self._asker.error = str(UnknownRow(missing, dataset.n_rows))
            return
        self.alike_note = "Looking …"
        make = partial(alike, dataset, liked, disliked, k=inspection.k)
        self._asker.in_thread("find rows like these", self._likened, lambda: self._likened, make, self._take_alike, self._fail_likening)

    def _take_alike(self, found: Neighbors, number: int) -> None:
        if number == self._likened:
            self.param.update(alike=found, alike_note=_ALIKE if len(found.rows) else "There are no other rows.")

    def _fail_likening(self, sentence: str, number: int) -> None:
        if number == self._likened:
            self.param.update(alike=None, alike_note=sentence)

    def _describe(self, *_: object) -> None:
        dataset, selection = self._asker.dataset, self._asker.selection
        self._described += 1
        if dataset is None or not selection.count or selection.mask.size != dataset.n_rows:
            self.param.update(summary=None, described=selection.version)
            return
        settled = Timer(_SETTLED_S, self._asker.soon, (self._describe_now, self._described))
        settled.daemon = True
        settled.start()

    def _describe_now(self, number: int) -> None:
        dataset, selection = self._asker.dataset, self._asker.selection
        if number != self._described:
            return
        version = selection.version
        make = partial(
            summarize, dataset, selection.mask, metric=self._asker.inspection.metric, should_stop=lambda: number != self._described
        )

        def take(made: SelectionSummary, number: int) -> None:
            if number == self._described:
                self.param.update(summary=made, described=version)

        self._asker.in_thread("describe the selection", number, lambda: self._described, make, take, self._fail_describing)

    def _fail_describing(self, sentence: str, number: int) -> None:
        if number == self._described:
            self.param.update(summary=None, described=self._asker.selection.version)
            self._asker.error = sentence


def _quoted(text: str | None) -> str:
    if text is None:
        return "no value"
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
