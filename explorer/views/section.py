"""A titled part of a side panel that folds; what is folded is part of the arrangement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Section"]


class SectionHead(pn.custom.JSComponent):
    """The title of a section, a button that folds it; see ``section.js``."""

    title = param.String(default="", doc="What it says.")
    open = param.Boolean(default=True, doc="Whether the content is shown.")

    _esm = Path(__file__).with_name("section.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("section.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Section(pn.viewable.Viewer):
    """A section of a side panel.

    Parameters
    ----------
    session : Session
        Whose arrangement says what is folded.
    title : str
        Its name there, too.
    *content
        What is shown below the title.
    """

    def __init__(self, session: Session, title: str, *content: Any, **params: Any) -> None:
        super().__init__(**params)
        self._arrangement, self._title = session.arrangement, title
        self._head = SectionHead(
            title=title, on_message=lambda _: session.soon(self._toggle), sizing_mode="stretch_width", margin=(6, 10, 0, 10)
        )
        # Bokeh would make a section at most as high as the window, although all of them scroll together.
        high: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0, "styles": {"max-height": "none"}}
        self._content = pn.Column(*content, **high)
        self._view = pn.Column(self._head, self._content, **high)
        self._arrangement.param.watch(self._update, ["closed"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _toggle(self) -> None:
        closed = self._arrangement.closed
        self._arrangement.closed = [name for name in closed if name != self._title] if self._title in closed else [*closed, self._title]

    def _update(self, *_: object) -> None:
        self._head.open = self._content.visible = self._title not in self._arrangement.closed
