"""What opens below the maps, as high as a person drags it; open and height are part of the arrangement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Drawer"]

_HANDLE = 26  # pixels of the handle and the margin


class DrawerHandle(pn.custom.JSComponent):
    """The border that is dragged, and a button that closes; see ``drawer.js``."""

    pixels = param.Integer(default=260, doc="Height of what is below it.")
    least = param.Integer(default=120, doc="The least it may be.")
    most = param.Integer(default=1_200, doc="The most it may be.")

    _esm = Path(__file__).with_name("drawer.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("drawer.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Drawer(pn.viewable.Viewer):
    """The table below the maps.

    Parameters
    ----------
    session : Session
        Whose arrangement says whether it is open, and how high it is.
    content : Any
        What is in it.
    """

    def __init__(self, session: Session, content: Any, **params: Any) -> None:
        super().__init__(**params)
        self._arrangement = session.arrangement
        least, most = self._arrangement.param.table_height.bounds
        self._handle = DrawerHandle(
            least=least, most=most, on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=0
        )
        self._content = pn.Column(content, sizing_mode="stretch_width", margin=(0, 10, 6, 10))
        self._view = pn.Column(self._handle, self._content, sizing_mode="stretch_width", margin=0)
        self._arrangement.param.watch(self._update, ["table", "table_height"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        height = message.get("height")
        if message.get("type") == "close":
            self._arrangement.table = False
        elif isinstance(height, int) and self._handle.least <= height <= self._handle.most:
            self._arrangement.table_height = height

    def _update(self, *_: object) -> None:
        height = self._arrangement.table_height
        self._handle.pixels = self._content.height = height
        self._view.height = height + _HANDLE
        self._view.visible = self._arrangement.table
