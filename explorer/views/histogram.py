"""Histograms of chosen columns: reads filters, selection and scene, sets one component; a brush or a bar selects or filters rows."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.coloring import colorable
from explorer.crossfilter import Question, cross_counts, first_columns
from explorer.distribution import Distribution
from explorer.errors import ExplorerError
from explorer.session import Schedule, Session
from explorer.shelf import distributed
from explorer.state.appearance import NOTHING_HIDDEN
from explorer.state.selection import Mode
from explorer.views.histogram_brush import Brushes
from explorer.views.toolkit import Toolkit

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["HistogramView", "first_columns"]

logger = logging.getLogger(__name__)

_MODES: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
_threads = ThreadPoolExecutor(2, thread_name_prefix="explorer-histogram")


class HistogramComponent(pn.custom.JSComponent):
    """The histograms in the browser; see ``histogram.js``."""

    content = param.Dict(default={}, doc="version, columns of {name, kind, labels, colors, missing, low, high, note}, most.")
    choices = param.List(default=[], item_type=str, doc="Columns that can have a histogram.")
    counts = param.Dict(default={}, doc="of (version), columns of {shown, selected}: how many rows each bar has.")
    brushes = param.Dict(default={}, doc="of (version), answered, columns: by column and act {start, end, bars, text}.")
    settings = param.Dict(default={}, doc="act, log.")

    _esm = Path(__file__).with_name("histogram.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("histogram.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class HistogramView(pn.viewable.Viewer):
    """Histograms of number and time columns and bars of categories, under each other's filters.

    Parameters
    ----------
    session : Session
        What they show and set.
    toolkit : Toolkit
        Not used: all of it is one component.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    """

    def __init__(self, session: Session, toolkit: Toolkit, *, later: Schedule, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._dataset: Dataset | None = None
        self._spreads: list[Distribution] = []
        self._version = 0  # of the content: what was done before the browser had it means nothing
        self._prepared = 0  # counts what was asked for: a late answer to an old question is dropped
        self._asked: list[str] = []
        self._counting = self._stale = False
        self._counted: Question | None = None
        self._brushes = Brushes(session)
        self._answered = 0  # the browser's number of the last brush that is on the map
        self._unanswered: int | None = None
        self.component = HistogramComponent(
            on_message=lambda message: session.soon(self._on_message, message),
            sizing_mode="stretch_width",
            margin=(0, 10),
            styles={"max-height": "none"},  # Bokeh's is that of what scrolls around it
        )
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_columns, ["columns"])
        session.param.watch(self._on_scene, ["scene"])
        session.filters.param.watch(self._follow, ["version"])
        session.selection.param.watch(self._follow, ["version"])
        session.appearance.param.watch(self._tell_content, ["palette"])
        session.histograms.param.watch(self._prepare, ["columns"])
        session.histograms.param.watch(self._tell_settings, ["act", "log"])
        self._tell_settings()
        self._on_dataset()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    # -- columns

    def _on_dataset(self, *_: object) -> None:
        dataset = self._session.dataset
        if dataset is self._dataset:
            return
        before, self._dataset, self._spreads = self._dataset, dataset, []
        if before is None or dataset is None or (before.name, before.fingerprint) != (dataset.name, dataset.fingerprint):
            self._brushes.forget()
        state = self._session.histograms
        choices = self.component.choices = [] if dataset is None else colorable(dataset)
        kept = [column for column in state.columns if column in choices]
        columns = kept or ([] if dataset is None else first_columns(dataset))
        if columns != state.columns:
            with self._session.history.unrecorded():  # nobody has chosen them
                state.columns = columns
        else:
            self._prepare()

    def _on_columns(self, *_: object) -> None:
        if self._session.dataset is self._dataset:
            self.component.choices = [] if self._dataset is None else colorable(self._dataset)
            if self._chosen != self._asked:  # one that was chosen before it was there
                self._prepare()

    @property
    def _chosen(self) -> list[str]:
        """The chosen columns, as far as there are such."""
        return [column for column in self._session.histograms.columns if self._dataset is not None and column in self._dataset.roles]

    def _prepare(self, *_: object) -> None:
        """Find the bars of the chosen columns, in a thread."""
        self._prepared += 1
        dataset, number = self._dataset, self._prepared
        if dataset is None:
            self._take_spreads([], "", number)
            return
        columns = self._asked = self._chosen
        known = {spread.column: spread for spread in self._spreads}

        def make() -> None:
            made, sentence = [], ""
            for column in columns:
                if number != self._prepared:
                    return
                try:
                    made.append(known.get(column) or distributed(dataset, column))
                except ExplorerError as error:
                    sentence = str(error)
            self._session.soon(self._take_spreads, made, sentence, number)

        _threads.submit(make).add_done_callback(_log)

    def _take_spreads(self, spreads: list[Distribution], sentence: str, number: int) -> None:
        if number != self._prepared:
            return
        self._spreads = spreads
        if sentence:
            self._session.error = sentence
        self._counted = None
        self._tell_content()
        self._recount()

    # -- what the browser has

    def _tell_settings(self, *_: object) -> None:
        state = self._session.histograms
        self.component.settings = {"act": state.act, "log": state.log}

    def _tell_content(self, *_: object) -> None:
        self._version += 1
        palette = self._session.appearance.palette
        self.component.content = {
            "version": self._version,
            "columns": [_described(spread, palette) for spread in self._spreads],
            "chosen": self._chosen,
            "most": self._session.histograms.param.columns.bounds[1],
        }
        self._tell_brushes()
        self._counted = None

    def _tell_brushes(self) -> None:
        columns = {
            spread.column: {act: brush._asdict() for act, brush in self._brushes.of(spread.column).items()} for spread in self._spreads
        }
        self.component.brushes = {"of": self._version, "answered": self._answered, "columns": columns}

    def _follow(self, *_: object) -> None:
        self._tell_brushes()
        self._recount()

    def _on_scene(self, *_: object) -> None:
        scene, filters = self._session.scene, self._session.filters
        self._recount()
        if self._unanswered is not None and scene is not None and scene.passing is filters.mask:
            selected = self._session.selection.mask if self._session.selection.count else None
            if scene.selection_mask is selected:
                self._answered, self._unanswered = self._unanswered, None
                self._tell_brushes()

    # -- counting

    def _recount(self) -> None:
        """Count in a thread, one count at a time: what changes meanwhile is counted after it."""
        session = self._session
        scene = session.scene if session.scene is not None and session.scene.dataset is self._dataset else None
        if self._dataset is None or len(session.selection.mask) != self._dataset.n_rows:
            return
        question = Question(
            self._spreads,
            {key: entry.mask for key, entry in session.filters.entries.items()},
            None if scene is None else scene.coloring,
            NOTHING_HIDDEN if scene is None else scene.hidden,
            session.selection.mask if session.selection.count else None,
        )
        if self._counted is not None and _same(question, self._counted):
            return
        if self._counting:
            self._stale = True
            return
        self._counting, self._counted = True, question

        def count() -> None:
            counted: list[NDArray[np.int64]] | None = None
            try:
                counted = cross_counts(question)
            finally:
                session.soon(self._take_counts, question, counted)

        _threads.submit(count).add_done_callback(_log)

    def _take_counts(self, question: Question, counted: Sequence[NDArray[np.int64]] | None) -> None:
        self._counting = False
        if counted is not None and question.spreads is self._spreads:
            columns = [{"shown": shown.tolist(), "selected": selected.tolist()} for shown, selected in counted]
            self.component.counts = {"of": self._version, "columns": columns}
        if self._stale:
            self._stale = False
            self._recount()

    # -- what a person does

    def _on_message(self, message: object) -> None:
        if not isinstance(message, Mapping) or message.get("of") != self._version:
            return
        state, kind = self._session.histograms, message.get("type")
        if kind == "act" and message.get("act") in state.param.act.objects:
            state.act = message["act"]
        elif kind == "log" and isinstance(message.get("log"), bool):
            state.log = message["log"]
        elif kind == "columns":
            self._choose(message.get("columns"))
        else:
            spread = next((spread for spread in self._spreads if spread.column == message.get("column")), None)
            if spread is None:
                return
            if kind == "brush":
                self._on_brush(spread, message)
            elif kind == "bar":
                self._on_bar(spread, message)
            elif kind == "clear":
                self._brushes.clear(spread.column)
                self._tell_brushes()

    def _choose(self, columns: object) -> None:
        state = self._session.histograms
        if self._dataset is None or not isinstance(columns, list) or len(columns) > state.param.columns.bounds[1]:
            return
        choices = colorable(self._dataset)
        state.columns = list(dict.fromkeys(column for column in columns if column in choices))

    def _on_brush(self, spread: Distribution, message: Mapping[Any, Any]) -> None:
        start, end, mode, number = message.get("start"), message.get("end"), _MODES.get(str(message.get("mode"))), message.get("number")
        if not (_is_place(start) and _is_place(end)) or mode is None or type(number) is not int or not spread.n_main:
            return
        first = message.get("first") is True

        def done() -> None:
            self._unanswered = number

        self._brushes.drag(spread, float(start), float(end), mode=mode, first=first, done=done)  # type: ignore[arg-type]  # _is_place has looked

    def _on_bar(self, spread: Distribution, message: Mapping[Any, Any]) -> None:
        bar, mode = message.get("bar"), _MODES.get(str(message.get("mode")))
        if type(bar) is int and 0 <= bar < len(spread.labels) and mode is not None:
            self._brushes.pick(spread, bar, mode=mode)


def _described(spread: Distribution, palette: str) -> dict[str, Any]:
    return {
        "name": spread.column,
        "kind": spread.kind,
        "labels": list(spread.labels),
        "colors": spread.colors(palette),
        "missing": spread.missing,
        "low": spread.ends[0],
        "high": spread.ends[1],
        "note": spread.note,
    }


def _same(one: Question, other: Question) -> bool:
    """Whether two questions have one answer, told by identity."""
    return (
        one.spreads is other.spreads
        and one.coloring is other.coloring
        and one.hidden == other.hidden
        and one.selected is other.selected
        and one.filters.keys() == other.filters.keys()
        and all(mask is other.filters[key] for key, mask in one.filters.items())
    )


def _is_place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _log(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        logger.error("a histogram could not be made", exc_info=error)
