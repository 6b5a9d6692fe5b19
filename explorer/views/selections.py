"""What is selected: how many, how they came about, what can be done with them, and the selections that are kept by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import panel as pn
import param

from explorer.errors import ExplorerError
from explorer.session import Session
from explorer.state.selection import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.state.history import PackedMask

__all__ = ["Selections"]


class SelectionsComponent(pn.custom.JSComponent):
    """The selection in the browser; see ``selections.js``."""

    content = param.Dict(default={}, doc="count, of, made_by, problem, and kept: lists of name, count and how many of them are selected.")

    _esm = Path(__file__).with_name("selections.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("selections.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Selections(pn.viewable.Viewer):
    """The selection of a session, and those that are kept."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._asked = 0
        self._kept: list[tuple[str, int, int]] = []
        self._problem = ""
        self.component = SelectionsComponent(on_message=self._on_message, sizing_mode="stretch_width", margin=(0, 10))
        session.selection.param.watch(self._count, ["version", "kept_version"])
        session.param.watch(self._update, ["dataset"])
        self._count()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _on_message(self, message: object) -> None:
        if isinstance(message, dict):
            self._session.soon(self._take, message)

    def _take(self, message: dict[str, Any]) -> None:
        session, kind, name, mode = self._session, message.get("type"), message.get("name"), message.get("mode", "replace")
        selection, self._problem = session.selection, ""
        try:
            if kind == "only" and selection.count:
                session.filters.put("selection", f"selected by {selection.made_by}", selection.mask)
            elif kind == "without" and selection.count:
                session.filters.put("without selection", f"not selected by {selection.made_by}", ~selection.mask)
            elif kind == "keep" and isinstance(name, str):
                selection.keep(name)
            elif kind == "recall" and isinstance(name, str) and mode in get_args(Mode):
                selection.recall(name, mode=mode)
            elif kind == "forget" and isinstance(name, str):
                selection.forget(name)
        except ExplorerError as error:
            self._problem = str(error)
            self._update()

    def _count(self, *_: object) -> None:
        """Count, in a thread, how many of those kept are selected."""
        selection = self._session.selection
        self._asked += 1
        kept, mask = selection.packed(), selection.mask
        self._kept = [(name, count, selected) for name, count, selected in self._kept if name in kept]
        self._update()
        if kept:
            make = partial(_overlaps, kept, mask)
            self._session.in_thread("count selections", self._asked, lambda: self._asked, make, self._take_counts, lambda *_: None)

    def _take_counts(self, counts: list[tuple[str, int, int]], number: int) -> None:
        if number == self._asked:
            self._kept = counts
            self._update()

    def _update(self, *_: object) -> None:
        selection = self._session.selection
        self.component.content = {
            "count": selection.count,
            "of": selection.mask.size,
            "made_by": selection.made_by,
            "problem": self._problem,
            "kept": [list(entry) for entry in self._kept],
        }


def _overlaps(kept: dict[str, PackedMask], mask: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[str, int, int]]:
    bits = np.packbits(mask)

    def count(some: Any) -> int:
        return int(np.bitwise_count(some).sum(dtype=np.int64))

    return [(name, count(packed.bits), count(packed.bits & bits)) for name, packed in kept.items() if packed.size == mask.size]
