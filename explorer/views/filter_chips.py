"""The filters that are in force, each a chip with its count that can be removed; reads and sets the session's filters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FilterChips"]

_LABEL_MOST = 120  # characters of a chip


class ChipsComponent(pn.custom.JSComponent):
    """Chips in the browser; see ``filter_chips.js``."""

    chips = param.List(default=[], doc="Lists of key, label and count, plain text.")

    _esm = Path(__file__).with_name("filter_chips.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("selections.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class FilterChips(pn.viewable.Viewer):
    """A line of chips; nothing where nothing is filtered."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.component = ChipsComponent(on_message=self._on_message, sizing_mode="stretch_width", margin=(2, 10), visible=False)
        session.filters.param.watch(self._update, ["version"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _on_message(self, message: object) -> None:
        key = message.get("key") if isinstance(message, dict) else None
        filters = self._session.filters
        if isinstance(key, str):
            self._session.soon(filters.remove, key)
        elif message == {"type": "clear"}:
            self._session.soon(filters.clear)

    def _update(self, *_: object) -> None:
        chips = [[key, entry.label[:_LABEL_MOST], f"{entry.count:,}"] for key, entry in self._session.filters.entries.items()]
        self.component.param.update(chips=chips, visible=bool(chips))
