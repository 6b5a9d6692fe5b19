"""The legend of what colors the map: reads scene and selection, sets one component, and hides or selects categories."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.coloring import MISSING, Coloring, count_under, shown_mask
from explorer.session import Session
from explorer.state.appearance import NOTHING_HIDDEN, Hidden
from explorer.state.selection import Mode

__all__ = ["Change", "Legend", "changed", "legend_content", "rows_of"]

logger = logging.getLogger(__name__)

Change = Literal["toggle", "solo", "late solo", "hide", "only", "all"]
"""Hide or show; show alone, or all where it is alone; that, after a click that was taken for one; hide these; show only these; show all.

A slow double click is one message, so that the map does not flicker in between.
"""

_CHANGES: Mapping[str, Change] = {change: change for change in get_args(Change)}
_STOPS = 16  # colors of a color bar's gradient
_SEARCHED_FROM = 21  # categories
_LISTED = 1_000  # categories in a list
_NAME_MOST = 200  # characters of a category's name, and of what is searched for
_MEANS = {"linear": "Mean", "log": "Geometric mean", "rank": "Mean rank"}
_HINT = "Click: hide or show · double click: show alone · ◎: select"
_searchers = ThreadPoolExecutor(2, thread_name_prefix="explorer-legend")


class LegendComponent(pn.custom.JSComponent):
    """The legend in the browser; see ``legend.js``."""

    content = param.Dict(default={}, doc="version, title, entries of [name, color, count, code], bar, searchable, note, hint: plain text.")
    hidden = param.List(default=[], item_type=int, doc="Codes of the listed categories that are hidden.")
    inert = param.Boolean(default=False, doc="Whether it is only read: nothing can be hidden or selected.")
    some_hidden = param.Boolean(default=False, doc="Whether any category is hidden, listed or not.")
    found = param.Dict(default={}, doc="What a search found: of (version), text, entries, note.")
    selected = param.List(default=[], doc="[code, count] of each listed category of which rows are selected.")

    _esm = Path(__file__).with_name("legend.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Any, **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)

    @classmethod
    def to_read(cls, **params: Any) -> LegendComponent:
        """Make one that is only read."""
        return cls(on_message=lambda _: None, inert=True, **params)


class Legend(pn.viewable.Viewer):
    """Categories with their counts, of all rows and of the selected ones, or the color bar of a number column."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._coloring: Coloring | None = None
        self._version = 0  # of the content: what was clicked before the browser had it means nothing
        self._searched = 0
        self._found: _Found | None = None
        self._counted = 0  # counts what was asked for: a late answer is dropped
        self._tally: NDArray[np.int64] | None = None  # how many rows of each category are selected; none until that is counted
        self.component = LegendComponent(
            on_message=lambda message: session.soon(self._on_message, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        session.param.watch(self._update, ["scene"])
        session.appearance.param.watch(self._mark, ["hidden"])
        session.selection.param.watch(self._count, ["version"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _update(self, *_: object) -> None:
        coloring = None if self._session.scene is None else self._session.scene.coloring
        if coloring is self._coloring:
            return
        self._coloring, self._found = coloring, None
        self._version += 1
        self._searched += 1
        content = {} if coloring is None else {"version": self._version, **legend_content(coloring, self._meaning(coloring))}
        self._tally = None
        self.component.param.update(content=content, found={}, selected=[])
        self._mark()
        self._count()

    def _meaning(self, coloring: Coloring) -> str:
        scene = self._session.scene
        return "" if scene is None or coloring.column is None else scene.dataset.meanings.get(coloring.column, "")

    def _mark(self, *_: object) -> None:
        coloring = self._coloring
        if coloring is None or coloring.column is None:
            self.component.param.update(hidden=[], some_hidden=False)
            return
        hidden = self._session.appearance.hidden_in(coloring.column)
        self.component.param.update(
            hidden=sorted(code for code in self._listed if coloring.category(code) in hidden),
            some_hidden=coloring.n_shown(hidden) < coloring.n_entries,
        )

    @property
    def _listed(self) -> set[int]:
        """Codes of the categories that are listed, or were found."""
        return {entry[-1] for content in (self.component.content, self.component.found) for entry in content.get("entries", [])}

    def _count(self, *_: object) -> None:
        """Count in a thread how many rows of each category are selected."""
        session, coloring, scene = self._session, self._coloring, self._session.scene
        mask = session.selection.mask
        self._counted += 1
        if coloring is None or scene is None or coloring.column is None or not session.selection.count or mask.size != scene.dataset.n_rows:
            self._take_tally(None, self._counted)
            return
        count = partial(count_under, coloring, mask)
        session.in_thread("count selected rows", self._counted, lambda: self._counted, count, self._take_tally, self._fail)

    def _take_tally(self, tally: NDArray[np.int64] | None, number: int) -> None:
        if number == self._counted:
            self._tally = tally
            self._tell_selected()

    def _tell_selected(self) -> None:
        tally = self._tally
        counts = [] if tally is None else [(code, int(tally[code])) for code in sorted(self._listed)]
        self.component.selected = [[code, f"{count:,}"] for code, count in counts if count]

    def _fail(self, sentence: str, _: int) -> None:
        self._session.error = sentence

    def _on_message(self, message: object) -> None:
        coloring = self._coloring
        if not isinstance(message, Mapping) or coloring is None or coloring.column is None or message.get("of") != self._version:
            return
        kind, text, code = str(message.get("type")), message.get("text"), message.get("code")
        change = _CHANGES.get(kind)
        if kind == "search" and isinstance(text, str):
            self._search(coloring, text[:_NAME_MOST].strip())
        elif change in ("toggle", "solo", "late solo"):
            if type(code) is int and MISSING <= code < len(coloring.names):
                self._change(coloring, change, [code])
        elif change in ("hide", "only"):
            if self._found is not None and self._found.text == text:
                self._change(coloring, change, self._found.codes)
        elif change == "all":
            self._change(coloring, change)
        elif kind == "select":
            codes = [code] if type(code) is int and MISSING <= code < len(coloring.names) else []
            if self._found is not None and text is not None and self._found.text == text:
                codes = list(self._found.codes)
            mode = message.get("mode") or self._session.arrangement.mode
            if codes and mode in get_args(Mode):
                self._select(coloring, codes, mode)

    def _select(self, coloring: Coloring, codes: Sequence[int], mode: Mode) -> None:
        """Select the shown rows of some categories, found out in a thread; where none is shown, say so and change nothing."""
        session, scene = self._session, self._session.scene
        if scene is None or scene.coloring is not coloring:
            return
        made_by = _shortened(coloring.label(codes[0]) if len(codes) == 1 else f"{len(codes):,} categories")

        def find() -> NDArray[np.bool_] | None:
            rows = rows_of(coloring, codes)
            if scene.shown_mask is not None:
                rows &= scene.shown_mask
            return rows if rows.any() else None

        def take(rows: NDArray[np.bool_] | None, _: int) -> None:
            if scene.dataset is not session.dataset:
                return
            if rows is None:
                session.error = f"No row of {made_by} is shown, so the selection stays. Show it in the legend, or remove a filter."
            else:
                session.selection.apply(rows, mode=mode, made_by=f"{coloring.column} {made_by}")

        session.in_thread("select categories", 0, lambda: 0, find, take, self._fail)

    def _change(self, coloring: Coloring, change: Change, codes: Sequence[int] = ()) -> None:
        appearance, column = self._session.appearance, str(coloring.column)
        after = changed(coloring, appearance.hidden_in(column), change, codes)
        with self._session.history.continued() if change == "late solo" else nullcontext():  # its first click is a step already
            appearance.hide_in(column, after)

    def _search(self, coloring: Coloring, text: str) -> None:
        self._searched += 1
        number = self._searched
        if not text:
            self._take_found(None, number)
            return

        def find() -> None:
            if number == self._searched:
                self._session.soon(self._take_found, _Found(text, coloring.find(text)), number)

        _searchers.submit(find).add_done_callback(_log)

    def _take_found(self, found: _Found | None, number: int) -> None:
        coloring = self._coloring
        if number != self._searched or coloring is None:
            return
        self._found = found
        self.component.found = {} if found is None else {"of": self._version, "text": found.text, **_found_content(coloring, found.codes)}
        self._mark()
        self._tell_selected()


def rows_of(coloring: Coloring, codes: Sequence[int]) -> NDArray[np.bool_]:
    """Find the rows of some categories: those that are gone when these are hidden, bool of shape (n_rows,)."""
    left = shown_mask(coloring, NOTHING_HIDDEN.hide(coloring.category(code) for code in codes))
    n_rows = len(coloring.values) if coloring.kind == "number" else len(coloring.slots)
    return np.zeros(n_rows, bool) if left is None else ~left


class _Found(NamedTuple):
    text: str
    codes: Sequence[int]


def changed(coloring: Coloring, hidden: Hidden, change: Change, codes: Sequence[int] = ()) -> Hidden:
    """Say what is hidden after a change.

    Parameters
    ----------
    coloring : Coloring
        Whose categories.
    hidden : Hidden
        What is hidden before.
    change : Change
        What is done.
    codes : sequence of int
        To which categories; one of them for "toggle" and both kinds of "solo", none for "all".
    """
    if change == "late solo":
        return changed(coloring, changed(coloring, hidden, "toggle", codes), "solo", codes)
    names = [coloring.category(code) for code in codes]
    if change == "all" or (change == "solo" and names[0] not in hidden and coloring.n_shown(hidden) == 1):
        return NOTHING_HIDDEN
    if change in ("solo", "only"):
        after = Hidden.but(names)
    elif change == "toggle" and names[0] in hidden:
        after = hidden.show(names)
    else:
        after = hidden.hide(names)
    return after if coloring.n_shown(after) < coloring.n_entries else NOTHING_HIDDEN


def legend_content(coloring: Coloring, meaning: str = "") -> dict[str, Any]:
    """Say what the colors mean, as plain JSON; the most common categories first, rows without a value last.

    Parameters
    ----------
    coloring : Coloring
    meaning : str, optional
        What the column's numbers say, for people.
    """
    if coloring.kind == "none":
        return {"title": "One color", "entries": [], "note": "Choose a column under Color to tell rows apart."}
    missing = [MISSING] if coloring.n_missing else []
    if coloring.kind == "number":
        stops = [int(stop * 255 / (_STOPS - 1)) for stop in range(_STOPS)]
        bar = {
            "colors": ["#{:02x}{:02x}{:02x}".format(*coloring.lut[stop]) for stop in stops],
            "words": [word for word in coloring.bar_words if word],
        }
        content = {"title": coloring.column, "entries": _entries(coloring, missing), "hint": _HINT if missing else ""}
        if coloring.n_missing == len(coloring.values):
            return {**content, "note": "No row has a value."}
        return {**content, "bar": bar, "note": f"{meaning} {_MEANS[coloring.scale]} of the rows in a pixel.".lstrip()}
    listed, n = coloring.most_common, len(coloring.names)
    other = coloring.palette.n_other if coloring.palette else 0
    notes = [
        f"{other:,} rarer categories share one gray." if other else "",
        f"The {len(listed):,} most common of {n:,} are listed." if n > len(listed) else "",
    ]
    return {
        "title": coloring.column,
        "entries": _entries(coloring, [*listed, *missing]),
        "searchable": f"Search {n:,} categories" if n >= _SEARCHED_FROM else "",
        "note": " ".join(note for note in notes if note),
        "hint": _HINT if n else "",
    }


def _found_content(coloring: Coloring, codes: Sequence[int]) -> dict[str, Any]:
    n, listed = len(codes), codes[:_LISTED]
    cut = f", {len(listed):,} are listed" if n > len(listed) else ""
    return {"entries": _entries(coloring, listed), "note": f"{n:,} found{cut}" if n else "None has that in its name."}


def _entries(coloring: Coloring, codes: Sequence[int]) -> list[list[Any]]:
    return [[_shortened(coloring.label(code)), coloring.category_color(code), f"{coloring.count(code):,}", code] for code in codes]


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_MOST else f"{name[:_NAME_MOST]}…"


def _log(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        logger.error("categories could not be searched", exc_info=error)
