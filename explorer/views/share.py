"""Sharing on the page: copy the link, Python, or the method's paragraph; bookmarks; and the address that follows what is set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.session import Session

__all__ = ["ShareView"]

_NAME_MOST = 200  # characters of what a browser sends as a name


class ShareComponent(pn.custom.JSComponent):
    """The panel in the browser; see ``share.js``."""

    content = param.Dict(default={}, doc="Texts to copy by kind, left_out, open, problem.")
    query = param.String(default="", doc="What follows the question mark of the address.")
    bookmarks = param.List(default=[], doc="Dicts of name, text, dataset and entry.")
    can_undo = param.Boolean(default=False, doc="Whether the last change of the bookmarks can be taken back.")
    addressed = param.Boolean(default=False, doc="Whether the page's address is ours to write: not in a notebook.")
    remembers = param.Boolean(default=True, doc="Whether the browser keeps the bookmarks: nobody has logged in.")
    begun = param.Boolean(default=False, doc="Whether the address follows.")

    _esm = Path(__file__).with_name("share.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("share.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class ShareView(pn.viewable.Viewer):
    """What a session is shared by.

    Parameters
    ----------
    session : Session
        Whose.
    addressed : bool
        Whether the page's address follows what is set, and says what it shows when it is opened again.
    """

    def __init__(self, session: Session, *, addressed: bool, **params: Any) -> None:
        super().__init__(**params)
        self._session, self.sharing = session, Sharing(session)
        self.component = ShareComponent(
            on_message=lambda message: session.soon(self._take, message),
            addressed=addressed,
            remembers=not self.sharing.bookmarks.kept_here,
            sizing_mode="stretch_width",
            margin=(0, 10),
        )
        self.sharing.param.watch(self._update, ["shared", "problem"])
        self.sharing.bookmarks.param.watch(self._update_bookmarks, ["items", "can_undo"])
        session.param.watch(self._update, ["dataset"])
        self._update_bookmarks()
        self._update()
        if not addressed:
            self.sharing.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def begin(self, text: str = "") -> None:
        """Set what a link says, and have the address follow from then on."""
        self.sharing.begin(text)

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        kind, name, new = message.get("type"), message.get("name"), message.get("new")
        if kind == "remembered":
            self.sharing.bookmarks.load(message.get("items"))
        elif kind == "undo":
            self.sharing.undo()
        elif not isinstance(name, str) or len(name) > _NAME_MOST:
            return
        elif kind == "keep":
            self.sharing.keep(name)
        elif kind == "open":
            self.sharing.open_bookmark(name)
        elif kind == "delete":
            self.sharing.delete(name)
        elif kind == "rename" and isinstance(new, str) and len(new) <= _NAME_MOST:
            self.sharing.rename(name, new)

    def _update(self, *_: object) -> None:
        shared, dataset = self.sharing.shared, self._session.dataset
        content: dict[str, Any] = {"open": dataset is not None, "problem": self.sharing.problem, "left_out": [], "texts": {}}
        if shared is not None:
            content |= {"left_out": shared.address.left_out, "texts": {"python": shared.python, "methods": shared.methods}}
            self.component.param.update(content=content, query=shared.address.query, begun=True)
        else:
            self.component.content = content

    def _update_bookmarks(self, *_: object) -> None:
        known = self.sharing.bookmarks
        self.component.param.update(bookmarks=list(known.items), can_undo=known.can_undo)
