"""What a brush or a bar of a histogram does: selects rows, or filters them; finds them in a thread, and knows what was brushed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.crossfilter import key_of
from explorer.distribution import Distribution, span_mask
from explorer.session import Session
from explorer.state.selection import Mode

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Brush", "Brushes"]

logger = logging.getLogger(__name__)

_KNOWN_MOST = 300  # brushes that an undo can bring back
_MADE_BY = "histogram of "
_threads = ThreadPoolExecutor(2, thread_name_prefix="explorer-brush")


class Brush(NamedTuple):
    """What was brushed: from ``start`` to ``end`` on the axis, or, where these are none, single bars."""

    start: float | None
    end: float | None
    bars: tuple[int, ...]
    label: str


class _Gesture(NamedTuple):
    """One drag, which is undone as one: what was selected before it, and the versions of selection and filters after its last step."""

    column: str
    act: str
    mode: Mode
    before: NDArray[np.bool_]
    versions: tuple[int, int] | None = None


class Brushes:
    """The brushes of one session's histograms: on each, one that selects and one that filters.

    Which ones there are is told from selection and filters alone, so that a brush goes when somebody clears those elsewhere, and comes back
    with an undo. To be used on the thread that owns the session's params.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked = 0  # counts what was brushed: a late answer is dropped
        self._gesture: _Gesture | None = None
        self._known: dict[str, Brush] = {}  # by what the chip, or the selection, says

    def of(self, column: str) -> dict[str, Brush]:
        """Return the brushes of a column by what they do."""
        selection, entry = self._session.selection, self._session.filters.entries.get(key_of(column))
        found = {
            "select": self._known.get(self._brushed_in(column)) if selection.count else None,
            "filter": None if entry is None else self._known.get(entry.label),
        }
        return {act: brush for act, brush in found.items() if brush is not None}

    def forget(self) -> None:
        """Forget everything: it was of other data."""
        self._asked += 1
        self._gesture, self._known = None, {}

    def clear(self, column: str) -> None:
        """Remove a brush with what it did; nothing that is on its way comes back."""
        self._asked += 1
        self._gesture = None
        if self._session.histograms.act == "filter":
            self._session.filters.remove(key_of(column))
        elif self._brushed_in(column):
            self._session.selection.clear()

    def drag(self, spread: Distribution, start: float, end: float, *, mode: Mode, first: bool, done: Callable[[], object]) -> None:
        """Brush a part of an axis.

        Parameters
        ----------
        spread : Distribution
            Of the column; it has a bar.
        start, end : float
            Places on its axis.
        mode : Mode
            How the rows are combined with those selected before the drag.
        first : bool
            Whether a drag begins.
        done : callable
            Called on the owner's thread when the rows are selected, or filtered; not where something newer was brushed meanwhile.
        """
        act, gesture = self._session.histograms.act, self._gesture
        if first or gesture is None or (gesture.column, gesture.act) != (spread.column, act):
            self._gesture = _Gesture(spread.column, act, mode, self._session.selection.mask)
        span = spread.span(start, end)
        self._apply(Brush(*span[:2], span.bars, span.label), partial(span_mask, spread=spread, span=span), done)

    def pick(self, spread: Distribution, bar: int, *, mode: Mode) -> None:
        """Take a bar; the only one that was taken is let go. Where rows are filtered, any mode but "replace" takes one bar more or less."""
        act = self._session.histograms.act
        brush = self.of(spread.column).get(act)
        before = set() if brush is None else set(brush.bars)
        if mode == "replace":
            bars = {bar}
        elif act == "filter":
            bars = before ^ {bar}
        else:
            bars = before | {bar} if mode == "add" else {bar}
        if not bars or (bars == before and mode == "replace"):
            self.clear(spread.column)
            return
        self._gesture = _Gesture(spread.column, act, mode, self._session.selection.mask)
        shown = tuple(sorted(bars))
        taken = shown if act == "filter" else (bar,)
        self._apply(Brush(None, None, shown, spread.label_of(shown)), lambda _: spread.mask_of(taken), lambda: None)

    def _brushed_in(self, column: str) -> str:
        """Return the label of the brush on a column that made the selection, or nothing."""
        made_by = self._session.selection.made_by
        return made_by.removeprefix(_MADE_BY) if made_by.startswith(f"{_MADE_BY}{column} ") else ""

    def _apply(self, brush: Brush, find: Callable[[Dataset], NDArray[np.bool_]], done: Callable[[], object]) -> None:
        self._asked += 1
        number, gesture, dataset = self._asked, self._gesture, self._session.dataset
        if gesture is None or dataset is None:
            return

        def make() -> None:
            if number == self._asked:
                mask = find(dataset)
                if gesture.act == "select":
                    mask = _combined(gesture.before, mask, gesture.mode)
                self._session.soon(self._take, brush, mask, number, done)

        _threads.submit(make).add_done_callback(_log)

    def _take(self, brush: Brush, mask: NDArray[np.bool_], number: int, done: Callable[[], object]) -> None:
        gesture = self._gesture
        if number != self._asked or gesture is None:
            return
        self._known.pop(brush.label, None)
        self._known[brush.label] = brush
        while len(self._known) > _KNOWN_MOST:
            del self._known[next(iter(self._known))]
        if gesture.versions == self._versions:
            with self._session.history.continued():
                self._change(gesture, brush, mask)
        else:
            self._change(gesture, brush, mask)
        self._gesture = gesture._replace(versions=self._versions)
        done()

    def _change(self, gesture: _Gesture, brush: Brush, mask: NDArray[np.bool_]) -> None:
        if gesture.act == "filter":
            self._session.filters.put(key_of(gesture.column), brush.label, mask)
        else:
            self._session.selection.apply(mask, made_by=f"{_MADE_BY}{brush.label}")

    @property
    def _versions(self) -> tuple[int, int]:
        return self._session.selection.version, self._session.filters.version


def _combined(before: NDArray[np.bool_], mask: NDArray[np.bool_], mode: Mode) -> NDArray[np.bool_]:
    if mode == "add":
        return before | mask
    if mode == "subtract":
        return before & ~mask
    return before & mask if mode == "intersect" else mask


def _log(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        logger.error("a brush could not be applied", exc_info=error)
