"""The table of rows: lists the selected, the shown or all of them, in any order; sends a page at a time, never more."""

from __future__ import annotations

import json
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.priority import give_way
from explorer.records import audit
from explorer.row_order import Sort, is_quick, sortable
from explorer.session import Schedule, Session
from explorer.views.download import Download, file_name
from explorer.views.making import TABLE_TYPES, FileMaker
from explorer.views.table_cells import AT_FIRST, MOST, cells, describe, first_columns
from explorer.views.table_listing import NOTHING, Kind, Listing, copied_text, line, make_listing, note, write_listing

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Table"]

logger = logging.getLogger(__name__)

_AT_ONCE = 100  # rows in one answer
_CLIENTS = 8  # browsers that show one table
_NAME_MOST = 64  # characters of the name that a browser gives itself
_NAMES_MOST = 2_000  # columns that are offered
_ONE_BY_ONE = 1_000  # rows that are ticked without a thread
_NICER = 5
_TICKED = "the table"
_FOLLOWS_S = 0.3  # a change that comes so soon after another is one of many
_STAYS_S = 0.2  # so long the last of them stays before its rows are listed

_readers = ThreadPoolExecutor(2, thread_name_prefix="explorer-table")
# Apart, so that a page waits for no sort.
_sorters = ThreadPoolExecutor(1, thread_name_prefix="explorer-sort", initializer=give_way, initargs=(_NICER,))


class TableComponent(pn.custom.JSComponent):
    """The table in the browser; see ``table.js``. Everything is plain text, and pictures as data URIs."""

    listing = param.Dict(default={}, doc="version, top, n, kind, line, note, dataset and columns of what is listed.")
    counts = param.Dict(default={}, doc="How many rows are selected, shown, and there are; version counts changes of the selection.")
    offered = param.List(default=[], doc="Names of all columns, as they can be chosen.")
    inspected = param.Integer(default=None, allow_None=True, doc="The row that is looked at.")
    busy = param.String(default="", doc="What takes a while, as a sentence.")
    making = param.Boolean(default=False, doc="Whether a file is being made.")

    _esm = Path(__file__).with_name("table.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("table.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Table(pn.viewable.Viewer):
    """The table of a session's rows.

    Ticking a row changes the selection, but not which rows are listed: they would go away under the pointer. Any other change of the
    selection does.

    Parameters
    ----------
    session : Session
        Whose rows; ``session.table`` says what is listed and how.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    on_point : callable
        Called with the number of the row under the pointer, or None.
    """

    def __init__(self, session: Session, *, later: Schedule, on_point: Callable[[int | None], None], **params: Any) -> None:
        super().__init__(**params)
        self._session, self._later, self._on_point = session, later, on_point
        self._listing = NOTHING
        self._asked = 0  # counts the listings that were asked for: a late one is dropped
        self._version = 0  # of what the browser has
        self._described: list[str] = []  # its columns
        self._sorted_by: Sort = ()  # what was listed last, or will be in a moment
        self._top = 0  # counts the listings that begin at the top
        self._kind: Kind = "all"
        self._selected: NDArray[np.bool_] | None = None  # the selection that is listed
        self._shown: NDArray[np.bool_] | None = None
        self._ticking = False
        self._changed = -math.inf  # when what is selected or shown changed last
        self._latest: OrderedDict[str, int] = OrderedDict()  # the page that each browser asked for last
        self.component = TableComponent(on_message=self._on_message, sizing_mode="stretch_both", min_height=120)
        self.download = Download(later=session.soon, on_error=lambda sentence: session.param.update(error=sentence))
        self._maker = FileMaker(session, self.download, on_change=self._say_busy)
        self._sorting = ""
        self._view = pn.Column(self.component, self.download, sizing_mode="stretch_both")
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_columns, ["columns"])
        session.param.watch(self._on_scene, ["scene"])
        session.selection.param.watch(self._on_selection, ["version"])
        session.table.param.watch(self._on_which, ["which"])
        session.table.param.watch(lambda _: self._list(), ["sort"])
        session.table.param.watch(lambda _: self._publish(), ["columns"])
        session.inspection.param.watch(self._on_inspected, ["row"])
        self._on_dataset()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def close(self) -> None:
        """Stop what is being made and forget what is on its way."""
        self._asked += 1
        self._maker.cancel()
        self.download.close()

    # -- from the session

    def _on_dataset(self, *_: object) -> None:
        self._listing = NOTHING
        self._latest.clear()
        self._shown = self._shown_mask()
        self._offer()
        self._resolve()
        self._list()

    def _on_columns(self, *_: object) -> None:
        self._offer()
        if self._sort != self._sorted_by:
            self._list()
        elif self._listing.dataset is self._session.dataset and self._columns != self._described:
            self._publish()

    def _offer(self) -> None:
        dataset = self._session.dataset
        self.component.offered = [] if dataset is None else first_columns(dataset)[:_NAMES_MOST]

    def _on_scene(self, *_: object) -> None:
        shown = self._shown_mask()
        if shown is not self._shown:
            self._shown = shown
            self._list_in_time()

    def _on_selection(self, *_: object) -> None:
        dataset, selection = self._session.dataset, self._session.selection
        if dataset is None or len(selection.mask) != dataset.n_rows:  # of the next dataset
            return
        if not self._ticking:
            before = self._kind
            self._resolve()
            if "selected" in (before, self._kind):
                self._list_in_time()
                return  # what is listed then comes with the counts: the browser asks for rows once
        self._count()

    def _on_which(self, *_: object) -> None:
        self._resolve()
        self._list()

    def _on_inspected(self, *_: object) -> None:
        self.component.inspected = self._session.inspection.row

    def _shown_mask(self) -> NDArray[np.bool_] | None:
        """Say which rows are shown; None for all."""
        scene, dataset = self._session.scene, self._session.dataset
        mask: NDArray[np.bool_] | None = scene.shown_mask if scene is not None and scene.dataset is dataset else self._session.filters.mask
        return mask if mask is not None and dataset is not None and len(mask) == dataset.n_rows else None

    def _resolve(self) -> None:
        """Decide which rows are listed, by what was chosen and what is selected."""
        which, selection = self._session.table.which, self._session.selection
        self._kind = ("selected" if selection.count else "shown") if which == "auto" else which
        self._selected = selection.mask

    # -- what is listed

    @property
    def _sort(self) -> Sort:
        dataset, order = self._session.dataset, self._session.table.sort
        return tuple((name, down) for name, down in order if dataset is not None and name in dataset.roles and sortable(dataset, name))

    @property
    def _columns(self) -> list[str]:
        dataset = self._session.dataset
        if dataset is None:
            return []
        chosen = [name for name in self._session.table.columns if name in dataset.roles]
        return chosen[:MOST] if chosen else first_columns(dataset)[:AT_FIRST]

    def _list_in_time(self) -> None:
        """List rows anew: now, or, while one change follows another as in a drag, after the last of them; the maps come first then."""
        now, before = monotonic(), self._changed
        self._changed = now
        if now - before > _FOLLOWS_S:
            self._list()
            return
        self._asked += 1
        last = Timer(_STAYS_S, self._session.soon, (self._list_last, self._asked))
        last.daemon = True
        last.start()

    def _list_last(self, number: int) -> None:
        if number == self._asked:
            self._list()

    def _list(self) -> None:
        """List rows anew: at once where nothing is to be looked for, else in a thread."""
        self._asked += 1
        number, dataset, sort, kind = self._asked, self._session.dataset, self._sort, self._kind
        self._sorted_by = sort
        selected = self._selected if kind == "selected" else None
        shown = None if kind == "all" else self._shown
        if dataset is None:
            self._take(NOTHING, number)
            return
        if selected is None and shown is None and not sort:
            n = dataset.n_rows
            self._take(Listing(dataset, kind, None, n, n if self._shown is None else int(np.count_nonzero(self._shown))), number)
            return
        quick = is_quick(dataset, sort, selected if selected is not None else shown)
        if not quick:
            self._sorting = f"Sorting {dataset.n_rows:,} rows by {', '.join(name for name, _ in sort)} …"
            self._say_busy()

        def make() -> Listing | None:
            return make_listing(dataset, kind, sort, selected, self._shown) if number == self._asked else None

        (_readers if quick else _sorters).submit(make).add_done_callback(partial(self._made, number))

    def _made(self, number: int, done: Future[Listing | None]) -> None:
        """Bring a listing back; in a thread."""
        error = done.exception()
        if error is not None:
            if not isinstance(error, ExplorerError):
                logger.error("rows could not be listed", exc_info=error)
            told = str(error) if isinstance(error, ExplorerError) else f"The rows could not be listed ({error}). The log has the details."
            self._session.soon(self._fail, told, number)
        elif (made := done.result()) is not None:
            self._session.soon(self._take, made, number)

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self._sorting = ""
            self._count()
            self._say_busy()
            self._session.error = sentence

    def _take(self, made: Listing, number: int) -> None:
        if number != self._asked or made.dataset is not self._session.dataset:
            return
        self._listing = made
        self._sorting = ""
        self._top += 1
        self._publish()
        self._say_busy()

    def _publish(self) -> None:
        """Tell the browser what is listed; it asks for the rows that it shows."""
        made = self._listing
        self._version += 1
        self._latest.clear()
        self._described = self._columns
        listing = {
            "version": self._version,
            "top": self._top,
            "n": made.n,
            "kind": made.kind,
            "line": line(made),
            "note": note(made, n_selected=self._session.selection.count),
            "dataset": "" if made.dataset is None else f"{made.dataset.name} {made.dataset.fingerprint}",
            "columns": [] if made.dataset is None else describe(made.dataset, self._described, self._sort),
        }
        self.component.param.update(listing=listing, counts=self._counted())

    def _count(self) -> None:
        self.component.counts = self._counted()

    def _counted(self) -> dict[str, int]:
        dataset, selection = self._session.dataset, self._session.selection
        n = 0 if dataset is None else dataset.n_rows
        return {"selected": selection.count, "shown": self._listing.n_shown, "all": n, "version": selection.version}

    def _say_busy(self) -> None:
        self.component.param.update(busy=self._maker.progress or self._sorting, making=self._maker.busy)

    # -- from the browser, on any thread

    def _on_message(self, message: object) -> None:
        client = message.get("client") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(client, str) or len(client) > _NAME_MOST:
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)
            return
        self._later(partial(self._do, message, client))

    def _do(self, message: dict[str, Any], client: str) -> None:
        kind, current = message.get("type"), message.get("version") == self._version
        numbers = {name: message.get(name) for name in ("id", "start", "count", "from", "to", "row")}
        if any(number is not None and (type(number) is not int or abs(number) >= 1 << 53) for number in numbers.values()):
            return  # True is an int as well
        if kind == "here":
            if not current:
                self._publish()
        elif kind == "gone":
            self._latest.pop(client, None)
        elif kind == "copy":
            self._copy(client)
        elif kind == "cancel":
            self._maker.cancel()
        elif kind in ("point", "look"):
            self._look(kind, numbers["row"])
        elif kind in ("page", "tick"):
            given = [numbers[name] for name in (("id", "start", "count") if kind == "page" else ("from", "to"))]
            if current and None not in given:
                act = partial(self._send_page, client) if kind == "page" else partial(self._tick, on=message.get("on") is True)
                act(*given)
        else:
            self._choose(kind, message)

    def _look(self, kind: str, row: int | None) -> None:
        dataset = self._session.dataset
        known = row if dataset is not None and row is not None and 0 <= row < dataset.n_rows else None
        if kind == "point":
            self._on_point(known)
        elif known is not None:
            self._session.inspection.row = known

    def _choose(self, kind: object, message: dict[str, Any]) -> None:
        dataset, choice = self._session.dataset, self._session.table
        if dataset is None:
            return
        if kind == "sort" and isinstance(column := message.get("column"), str) and column in dataset.roles:
            choice.sorted_by(column, further=message.get("further") is True)
        elif kind == "which" and message.get("which") in ("selected", "shown", "all"):
            which: Any = "auto" if message["which"] == "selected" else message["which"]  # it goes on with the selection
            if choice.which == which:
                self._on_which()
            choice.which = which
        elif kind == "columns" and isinstance(names := message.get("columns"), list):
            choice.columns = [name for name in names if isinstance(name, str) and name in dataset.roles][:MOST]
        elif kind == "save" and message.get("ending") in TABLE_TYPES:
            self._save(str(message["ending"]))

    # -- pages

    def _send_page(self, client: str, number: int, start: int, count: int) -> None:
        """Answer with rows from a place on; beyond the end, with the last ones."""
        self._latest[client] = number
        self._latest.move_to_end(client)
        while len(self._latest) > _CLIENTS:
            self._latest.popitem(last=False)
        made, version, columns, mask = self._listing, self._version, self._described, self._session.selection.mask
        count = min(max(count, 1), _AT_ONCE)
        start = max(0, min(start, made.n - count))
        dataset = made.dataset
        if dataset is None or len(mask) != dataset.n_rows:
            return

        def wanted() -> bool:
            return version == self._version and self._latest.get(client) == number

        def make() -> str | None:
            if not wanted():
                return None
            rows = made.part(start, start + count)
            page = {"client": client, "id": number, "version": version, "start": start, "rows": rows.tolist()}
            page |= {"ticked": mask[rows].tolist(), "cells": cells(dataset, rows, columns)}
            return json.dumps(page, ensure_ascii=False)

        def send(page: str) -> None:
            if wanted():
                self.component._send_msg({"type": "page", "page": page})

        def made_it(done: Future[str | None]) -> None:
            if (error := done.exception()) is not None:
                logger.error("a page of the table could not be made", exc_info=error)
                self._session.soon(self._session.param.update, {"error": "A page of the table could not be made; the log has the details."})
            elif (page := done.result()) is not None:
                self._later(partial(send, page))

        _readers.submit(make).add_done_callback(made_it)

    # -- what is done with rows

    def _tick(self, start: int, stop: int, *, on: bool) -> None:
        made = self._listing
        if made.dataset is None or not 0 <= start <= stop < made.n:
            return
        if stop - start < _ONE_BY_ONE:
            self._select(made.part(start, stop + 1), made.dataset, on=on)
            return

        def make() -> None:
            mask = np.zeros(made.dataset.n_rows if made.dataset else 0, bool)
            mask[made.part(start, stop + 1)] = True
            self._session.soon(partial(self._select, mask, made.dataset, on=on))

        _readers.submit(make)

    def _select(self, rows: NDArray[Any], dataset: Dataset | None, *, on: bool) -> None:
        if dataset is not self._session.dataset:
            return
        self._ticking = True
        try:
            self._session.selection.apply(rows, mode="add" if on else "subtract", made_by=_TICKED)
        finally:
            self._ticking = False

    def _copy(self, client: str) -> None:
        made, columns = self._listing, self._written_columns
        if made.dataset is None:
            return
        name = made.dataset.name

        def copied(done: Future[tuple[bytes, int]]) -> None:
            if (error := done.exception()) is not None:
                logger.error("rows could not be copied", exc_info=error, extra={"visitor": self._session.visitor})
                return
            text, n = done.result()
            audit.record("export", dataset=name, rows=n, who=self._session.visitor, file="clipboard")
            told = f"{n:,} rows copied." if n == made.n else f"The first {n:,} of {made.n:,} rows copied; save them as CSV to have all."
            self._later(lambda: self.component._send_msg({"type": "copied", "client": client, "line": told, "text": text}))

        _readers.submit(copied_text, made, columns).add_done_callback(copied)

    @property
    def _written_columns(self) -> list[str] | None:
        """Columns of a file or a copy: those that were chosen, all where none were."""
        dataset = self._session.dataset
        chosen = [name for name in self._session.table.columns if dataset is not None and name in dataset.roles]
        return chosen or None

    def _save(self, ending: str) -> None:
        made = self._listing
        if made.dataset is not None and made.n:
            name = file_name(made.dataset.name, {"selected": "selection", "shown": "shown", "all": "rows"}[made.kind], ending=ending)
            write = partial(write_listing, made, self._written_columns, self._session.kept_of(made.dataset))
            self._maker.make("the table", name, TABLE_TYPES[ending], write, dataset=made.dataset)
