"""Retrieval on the page: a query, one or two settings of a retriever, and what each found and missed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.retrieving import Settings
from explorer.session import Session
from explorer.views.card import title_of
from explorer.views.visiting import visit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RetrievalView"]

_TITLE = 120  # characters
_MODES = ("default", "mmr")


class RetrievalComponent(pn.custom.JSComponent):
    """The query and its answers in the browser; see ``retrieval.js``."""

    content = param.Dict(default={}, doc="query, working, problem, n (settings) and lines: row, title, similarity, nearest, ranks.")

    _esm = Path(__file__).with_name("retrieval.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("retrieval.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class RetrievalView(pn.viewable.Viewer):
    """What a session's queries retrieve; of use where the open dataset is an index.

    Parameters
    ----------
    session : Session
        Whose.
    on_fly : callable, optional
        Called with the row that somebody goes to, which becomes the clicked one.
    on_point : callable, optional
        Called with the row under the pointer, or None.
    """

    def __init__(
        self,
        session: Session,
        *,
        on_fly: Callable[[int], None] | None = None,
        on_point: Callable[[int | None], None] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session, self._on_fly, self._on_point = session, on_fly, on_point
        self.component = RetrievalComponent(
            on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        session.retrieving.param.watch(self._update, ["query", "lines", "working", "problem", "settings"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        kind, row, dataset = message.get("type"), message.get("row"), self._session.dataset
        if kind == "ask" and isinstance(query := message.get("query"), str) and isinstance(given := message.get("settings"), list):
            settings = [made for each in given[:2] if (made := _settings(each)) is not None]
            self._session.retrieving.ask(query, settings)
        elif kind == "point" and self._on_point is not None and (row is None or type(row) is int):
            self._on_point(row)
        elif kind == "look" and type(row) is int and dataset is not None and 0 <= row < dataset.n_rows:
            visit(self._session, row, self._on_fly)

    def _update(self, *_: object) -> None:
        told, dataset = self._session.retrieving, self._session.dataset
        lines = [] if dataset is None else told.lines
        self.component.content = {
            "query": told.query,
            "working": told.working,
            "problem": told.problem,
            "n": len(told.settings),
            "lines": [
                {
                    "row": line.row,
                    "title": title_of(dataset, line.row)[:_TITLE],
                    "similarity": round(line.similarity, 3),
                    "nearest": line.nearest,
                    "ranks": list(line.ranks),
                }
                for line in lines
            ],
        }


def _settings(given: object) -> Settings | None:
    """Read what a browser says; None where it makes no sense."""
    if not isinstance(given, dict):
        return None
    top_k, mode, threshold = given.get("top_k"), given.get("mode"), given.get("mmr_threshold", 0.5)
    sound = type(top_k) is int and mode in _MODES and isinstance(threshold, int | float) and math.isfinite(threshold)
    return Settings(top_k, mode, float(threshold)) if sound else None  # type: ignore[arg-type]  # checked here
