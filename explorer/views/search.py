"""Search and query: rows found by text, by meaning or by conditions, listed, flown to, selected or filtered; sets one component."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import panel as pn
import param

from explorer.errors import ExplorerError
from explorer.measured import measured
from explorer.query.conditions import matching
from explorer.query.hits import Hits, example, passage
from explorer.query.meaning import add_similarity, rank, similarity_key
from explorer.query.search import MODES, Pattern, search, searchable, written
from explorer.session import Schedule, Session
from explorer.state.selection import Mode
from explorer.views.card import title_of
from explorer.views.finder import Finder, Question
from explorer.views.toolkit import Toolkit
from explorer.views.visiting import visit

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["SearchView"]

logger = logging.getLogger(__name__)

_LISTED = 50  # hits in a list
_MARKED = 200  # hits that are ringed on the map
_COLUMNS = 500  # names that the query line completes
_TITLE = 80  # characters
_PASSAGE = 200
_ACTS: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
_threads = ThreadPoolExecutor(2, thread_name_prefix="explorer-hits")


class SearchComponent(pn.custom.JSComponent):
    """Search and query in the browser; see ``search.js``."""

    content = param.Dict(default={}, doc="version, example: of the dataset.")
    columns = param.List(default=[], doc="Columns in which text can be looked for.")
    encoder = param.String(default="", doc="What makes a vector of what is looked for by meaning; empty where that is not known.")
    meaning = param.Boolean(default=False, doc="Whether there are vectors, so that one can look for meaning.")
    names = param.List(default=[], doc="Columns that the query line completes: name, role.")
    found = param.Dict(default={}, doc="of (version), asked, any, note, error, n, ranked: what the search found.")
    listed = param.Dict(default={}, doc="of (version), first, hits of {row, title, column, text, score}: a page of what it found.")
    at = param.Integer(default=-1, doc="Which of the hits one is at; none before the first.")
    met = param.Dict(default={}, doc="of (version), asked, any, note, error: what the query found.")
    filtering = param.List(default=[], item_type=str, doc="Which of the two is in force as a filter: search, query.")
    marking = param.Boolean(default=False, doc="Whether hits are ringed on the map.")
    coloring = param.Boolean(default=False, doc="Whether the maps are colored by how near each row is in meaning.")
    marks = param.Boolean(default=False, doc="Whether they can be.")
    keys_everywhere = param.Boolean(default=False, doc="Whether / counts wherever on the page the focus is.")

    _esm = Path(__file__).with_name("search.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("search.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class SearchView(pn.viewable.Viewer):
    """A field for text and a line for conditions, each with what it found.

    Parameters
    ----------
    session : Session
        What is searched.
    toolkit : Toolkit
        Not used: all of it is one component.
    later : callable
        Runs a function on the thread that owns the widgets.
    on_fly : callable, optional
        Called with the row that somebody goes to, which becomes the clicked one.
    on_point : callable, optional
        Called with the hit under the pointer, or None.
    on_mark : callable, optional
        Called with the first 200 hits where they are to be ringed on the map, and with nothing where they are not any more.
    keys_everywhere : bool
        Whether ``/`` goes to the field wherever on the page the focus is.
    """

    def __init__(
        self,
        session: Session,
        toolkit: Toolkit,
        *,
        later: Schedule,
        on_fly: Callable[[int], None] | None = None,
        on_point: Callable[[int | None], None] | None = None,
        on_mark: Callable[[list[int]], object] | None = None,
        keys_everywhere: bool = True,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session = session
        self._on_fly, self._on_point, self._on_mark = on_fly, on_point, on_mark
        self._dataset: Dataset | None = None
        self._shown: object = None
        self._version = 0  # of the content: what was typed before the browser had it means nothing
        self._pattern: tuple[Pattern, str | None] | None = None  # what was searched last by text, and in which column
        self._meant = ""  # what was searched last by meaning
        self._hits: tuple[Hits | None, object] = (None, None)  # the ones that are listed, and what was looked for
        self._listing = 0
        self.search = Finder(session, "search", on_change=self._tell_found)
        self.query = Finder(session, "query", on_change=self._tell_met)
        self.component = SearchComponent(
            on_message=lambda message: session.soon(self._on_message, message),
            marks=on_mark is not None,
            keys_everywhere=keys_everywhere,
            sizing_mode="stretch_width",
            margin=(0, 10),
        )
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_columns, ["columns"])
        session.param.watch(self._on_scene, ["scene"])
        session.filters.param.watch(self._tell_filtering, ["version"])
        session.appearance.param.watch(self._tell_coloring, ["color_by"])
        self._on_dataset()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    # -- what is looked for

    def _on_dataset(self, *_: object) -> None:
        dataset = self._session.dataset
        if dataset is self._dataset and self._version:
            return
        self._dataset, self._pattern, self._meant, self._shown = dataset, None, "", None
        self._version += 1
        self.component.content = {"version": self._version, "example": "" if dataset is None else example(dataset)}
        encoder = None if dataset is None else dataset.encoder
        meaning = dataset is not None and dataset.vectors is not None
        self.component.param.update(meaning=meaning, encoder="" if encoder is None or not meaning else encoder.title)
        self._on_columns()
        self.search.answered = self.query.answered = 0
        self.search.forget()
        self.query.forget()

    def _on_columns(self, *_: object) -> None:
        dataset = self._session.dataset
        names = [] if dataset is None else [{"name": name, "role": role} for name, role in list(dataset.roles.items())[:_COLUMNS]]
        self.component.param.update(columns=[] if dataset is None else searchable(dataset), names=names)

    def _on_scene(self, *_: object) -> None:
        scene = self._session.scene
        shown = None if scene is None or scene.dataset is not self._dataset else scene.shown_mask
        if shown is not self._shown:
            self._shown = shown
            self.search.look_again()
            self.query.look_again()

    def _on_message(self, message: object) -> None:
        if not isinstance(message, Mapping) or message.get("of") != self._version or self._dataset is None:
            return
        kind, asked, text, row = str(message.get("type")), message.get("asked"), message.get("text"), message.get("row")
        if kind in ("search", "query") and isinstance(text, str) and type(asked) is int:
            if kind == "search":
                self._ask_search(asked, text, message)
            else:
                self._ask_query(asked, text)
        elif kind == "go" and message.get("step") in (1, -1):
            step = int(message["step"])
            self.search.when_found(lambda: self._go(self.component.at + step))
        elif kind == "look" and type(row) is int and 0 <= row < self._dataset.n_rows and type(message.get("at")) is int:
            self.component.at = max(-1, message["at"])
            self._look(row)
        elif kind == "point" and self._on_point is not None and (row is None or type(row) is int):
            self._on_point(row)
        elif kind == "mark":
            self.component.marking = not self.component.marking
            self._mark()
        elif kind == "meaning" and self._dataset.encoder is not None:
            _threads.submit(self._dataset.encoder.prepare).add_done_callback(_log)
        elif kind == "color":
            self.search.when_found(self._color)
        else:
            self._act(kind, self.search if message.get("by") == "search" else self.query)

    def _act(self, kind: str, finder: Finder) -> None:
        mode = _ACTS.get(kind)
        if mode is not None:
            finder.when_found(lambda: finder.select(mode))
        elif kind == "filter":
            finder.when_found(lambda: finder.filter(toggle=True))
        elif kind == "show only":  # Enter, which does not take a filter away, and does not filter by what was there before an error
            finder.when_found(lambda: None if finder.error else finder.filter(toggle=False))
        elif kind == "unfilter":
            finder.unfilter()

    def _ask_search(self, asked: int, text: str, message: Mapping[Any, Any]) -> None:
        mode, column, case = message.get("mode"), message.get("column") or None, bool(message.get("case"))
        if not text.strip():
            self._pattern, self._meant = None, ""
            self.search.forget(asked)
            return
        if mode == "meaning":
            self._ask_meaning(asked, text.strip(), message.get("k"))
            return
        if mode not in MODES or (column is not None and column not in self.component.columns):
            return
        try:
            pattern = Pattern.of(text, mode, case=case)
        except ExplorerError as error:
            self.search.refuse(asked, str(error))
            return
        self._pattern, self._meant = (pattern, column), ""
        how = {"contains": "contains", "word": "has the word", "regex": "matches"}[mode]
        label = f"{column or 'text'} {how} “{pattern.text}”{' (Aa)' if case else ''}"
        self.search.ask(Question(asked, label, lambda dataset, stop: search(dataset, pattern, column=column, should_stop=stop)))

    def _ask_meaning(self, asked: int, text: str, k: object) -> None:
        if type(k) is not int:
            return
        self._pattern, self._meant = None, text
        label = f"{k:,} nearest in meaning to “{text[:_TITLE]}”"
        self.search.ask(Question(asked, label, lambda dataset, _: rank(dataset, text, k=k)))

    def _ask_query(self, asked: int, text: str) -> None:
        if not text.strip():
            self.query.forget(asked)
            return
        self.query.ask(Question(asked, text.strip(), lambda dataset, stop: matching(dataset, text, should_stop=stop)))

    # -- what was found

    def _tell_found(self) -> None:
        finder = self.search
        hits, before = finder.hits, self._hits
        told = {"of": self._version, "asked": finder.answered, "error": finder.error, "any": hits is not None, "note": "", "n": 0}
        if hits is not None:
            told.update(note=_note(hits), n=len(hits.rows), ranked=hits.ranking is not None)
        if before == (hits, finder.question):  # the last question was an error
            self.component.found = told
            return
        self._hits = hits, finder.question
        if hits is not None and hits.ranking is not None:
            self.component.marking = self.component.marks
        self.component.param.update(found=told, listed={} if hits is None else self.component.listed, at=-1)
        self._list(0)
        self._tell_filtering()
        self._tell_coloring()
        if self.component.marking:
            self._mark()

    def _tell_met(self) -> None:
        finder = self.query
        note = "" if finder.hits is None else _note(finder.hits)
        any_met = finder.hits is not None
        self.component.met = {"of": self._version, "asked": finder.answered, "error": finder.error, "any": any_met, "note": note}
        self._tell_filtering()

    def _tell_filtering(self, *_: object) -> None:
        found = [name for name, finder in (("search", self.search), ("query", self.query)) if finder.filtering]
        if found != self.component.filtering:
            self.component.filtering = found

    def _tell_coloring(self, *_: object) -> None:
        coloring = self._similarity() is not None and self._session.appearance.color_by == self._similarity()
        if coloring != self.component.coloring:
            self.component.coloring = coloring

    def _list(self, first: int) -> None:
        """List the hits of a page in a thread."""
        self._listing += 1
        number, version, dataset, hits, pattern = self._listing, self._version, self._dataset, self.search.hits, self._pattern
        if hits is None or dataset is None or (pattern is None and hits.ranking is None):
            return
        rows = hits.rows[first : first + _LISTED].tolist()

        def describe(row: int) -> dict[str, Any]:
            if hits.ranking is not None:
                return _near(dataset, row, float(hits.ranking.scores[row]))
            assert pattern is not None
            return _described(dataset, pattern[0], pattern[1], row)

        def make() -> None:
            listed = [describe(row) for row in rows if number == self._listing]
            self._session.soon(take, {"of": version, "first": first, "hits": listed})

        def take(listed: dict[str, Any]) -> None:
            if number == self._listing:
                self.component.listed = listed

        _threads.submit(make).add_done_callback(_log)

    def _go(self, at: int) -> None:
        hits = self.search.hits
        if hits is None or not len(hits.rows):
            return
        at = len(hits.rows) - 1 if at < 0 else at % len(hits.rows)
        self.component.at = at
        first = at - at % _LISTED
        if first != self.component.listed.get("first") or self.component.listed.get("of") != self._version:
            self._list(first)
        self._look(int(hits.rows[at]))

    def _look(self, row: int) -> None:
        visit(self._session, row, self._on_fly)

    def _similarity(self) -> str | None:
        """Name the column of how near each row is to what was looked for by meaning; None where there is none yet."""
        return None if self._dataset is None or not self._meant else measured(self._dataset, similarity_key(self._dataset, self._meant))

    def _color(self) -> None:
        """Color by how near each row is in meaning, or as before."""
        dataset, text, hits = self._dataset, self._meant, self.search.hits
        there = self._similarity()
        if there is not None:
            self._session.colors.toggle(there)
        elif dataset is not None and hits is not None and hits.ranking is not None:
            scores = hits.ranking.scores

            def take(name: str) -> None:
                if dataset is self._dataset and text == self._meant:
                    self._session.colors.show(name)

            def make() -> None:
                try:
                    name = add_similarity(dataset, text, scores)
                except ExplorerError as error:
                    self._session.soon(lambda said: self._session.param.update(error=said), str(error))
                else:
                    self._session.soon(take, name)

            _threads.submit(make).add_done_callback(_log)

    def _mark(self) -> None:
        if self._on_mark is not None:
            hits = self.search.hits if self.component.marking else None
            self._on_mark([] if hits is None else hits.rows[:_MARKED].tolist())


def _note(hits: Hits) -> str:
    if hits.ranking is not None:
        return f"{hits.count:,} nearest in meaning" if hits.count > 1 else "nearest in meaning"
    found = f"{hits.count:,} {'row' if hits.count == 1 else 'rows'}"
    return found if hits.count == hits.n_shown else f"{hits.n_shown:,} shown · {found} in all"


def _described(dataset: Dataset, pattern: Pattern, column: str | None, row: int) -> dict[str, Any]:
    found, text = passage(dataset, pattern, row, column=column)
    title = title_of(dataset, row)
    return {"row": row, "title": title[:_TITLE], "column": found, "text": text, "titled": bool(text) and found == dataset.label}


def _near(dataset: Dataset, row: int, score: float) -> dict[str, Any]:
    title, column = title_of(dataset, row), next((name for name, role in dataset.roles.items() if role == "text"), "")
    text = " ".join((written(dataset, column, row) or "").split()) if column and column != dataset.label else ""
    excerpt = [text if len(text) <= _PASSAGE else f"{text[:_PASSAGE]}…"] if text else []
    return {"row": row, "title": title[:_TITLE], "column": column, "text": excerpt, "titled": False, "score": round(score, 3)}


def _log(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        logger.error("hits could not be listed", exc_info=error)
