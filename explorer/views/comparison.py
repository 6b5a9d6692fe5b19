"""Two embeddings on the page: how many true neighbors they share, the categories and rows that changed most, both on maps side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import panel as pn
import param

from explorer import settings
from explorer.comparing import JACCARD
from explorer.session import Session
from explorer.views.card import title_of
from explorer.views.visiting import visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset

__all__ = ["ComparisonView"]

_TITLE: Final = 80  # characters
_CATEGORIES: Final = 200  # that are listed
_NEAREST: Final = 30  # of the clicked row, by each


class ComparisonComponent(pn.custom.JSComponent):
    """The panel in the browser; see ``comparison.js``."""

    content = param.Dict(default={}, doc="names, figures, columns, categories and rows: plain numbers and text all of it.")
    progress = param.Dict(default={}, doc="working, fraction, problem.")
    near = param.Dict(default={}, doc="The clicked row: its title, and the rows near it in both, and in one only.")

    _esm = Path(__file__).with_name("comparison.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("comparison.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class ComparisonView(pn.viewable.Viewer):
    """What two sets of vectors of the same rows have in common; of use where the open dataset has others.

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
        self.component = ComparisonComponent(
            on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        comparing = session.comparing
        comparing.param.watch(self._update, ["possible", "findings", "categories", "category"])
        comparing.param.watch(self._update_progress, ["working", "fraction", "problem"])
        session.param.watch(self._update_near, ["neighbors", "other_neighbors"])
        session.param.watch(self._update, ["dataset", "columns"])
        session.appearance.param.watch(self._update, ["color_by"])
        session.choice.param.watch(self._update, ["method"])
        self._update()
        comparing.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    # -- from the browser

    def _take(self, message: object) -> None:
        session, dataset = self._session, self._session.dataset
        if not isinstance(message, dict) or dataset is None or not session.comparing.possible:
            return
        kind, row = message.get("type"), message.get("row")
        plain = {"measure": session.comparing.measure, "stop": session.comparing.stop, "maps": session.comparing.side_by_side}
        if kind in plain:
            plain[kind]()
        elif kind == "color":
            column = session.comparing.column(str(message.get("what")))
            if column is not None:
                session.colors.toggle(column)
        elif kind == "sum up" and isinstance(column := message.get("column"), str):
            session.comparing.sum_up(column)
        elif kind == "category":
            self._select(message.get("at"))
        elif kind == "point" and self._on_point is not None and (row is None or type(row) is int):
            self._on_point(row)
        elif kind == "look" and type(row) is int and 0 <= row < dataset.n_rows:
            visit(session, row, self._on_fly)

    def _select(self, at: object) -> None:
        comparing = self._session.comparing
        if type(at) is int and 0 <= at < len(comparing.categories):
            self._session.inquiry.choose_category(comparing.category, comparing.categories[at].name, "select")

    # -- from the session

    def _update(self, *_: object) -> None:
        session, comparing = self._session, self._session.comparing
        dataset = session.dataset
        if dataset is None or not comparing.possible:
            self.component.content = {}
            return
        found, color = comparing.findings, session.appearance.color_by
        content: dict[str, Any] = {
            "names": list(comparing.names),
            "dims": [dataset.n_dims, dataset.other.n_dims],
            "fixed": settings.read_only(),
            "projection": session.choice.current.title,
            "figures": None,
        }
        if found is not None:
            whats = [*found.shares, JACCARD]
            content |= {
                "figures": [[k, share, found.chance[k]] for k, share in found.shares.items()],
                "k": found.k,
                "jaccard": found.jaccard,
                "jaccard_what": JACCARD,
                "n": found.n,
                "missing": dataset.n_rows - found.n,
                "metric": found.metric,
                "recall": found.recall if found.recall < 1 else None,
                "colors": [str(what) for what in whats if color is not None and comparing.column(what) == color],
                "column": comparing.category,
                "columns": [name for name, role in dataset.roles.items() if role == "category"],
                "categories": [[each.name, each.n, round(each.share, 4)] for each in comparing.categories[:_CATEGORIES]],
                "n_categories": len(comparing.categories),
                "rows": [[each.row, title_of(dataset, each.row)[:_TITLE], round(each.share, 4)] for each in found.changed],
            }
        if content != self.component.content:
            self.component.content = content

    def _update_progress(self, *_: object) -> None:
        comparing = self._session.comparing
        self.component.progress = {
            "working": comparing.working,
            "fraction": round(comparing.fraction, 2),
            "problem": comparing.problem,
        }

    def _update_near(self, *_: object) -> None:
        dataset, one, other = self._session.dataset, self._session.neighbors, self._session.other_neighbors
        if dataset is None or one is None or other is None:
            self.component.near = {}
            return
        mine, theirs = one.rows.tolist(), other.rows.tolist()
        self.component.near = {
            "title": title_of(dataset, one.row)[:_TITLE],
            "k": len(mine),
            "both": _told(dataset, [row for row in mine if row in theirs]),
            "one": _told(dataset, [row for row in mine if row not in theirs]),
            "other": _told(dataset, [row for row in theirs if row not in mine]),
        }


def _told(dataset: Dataset, rows: list[int]) -> list[list[Any]]:
    return [[row, title_of(dataset, row)[:_TITLE]] for row in rows[:_NEAREST]]
