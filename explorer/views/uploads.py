"""What somebody who has logged in has uploaded: opened by a click, deleted by another; how much room it takes, and how long it stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer import settings
from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UploadList"]


class UploadsComponent(pn.custom.JSComponent):
    """The list in the browser; see ``uploads.js``."""

    content = param.Dict(default={}, doc="uploads: name, title, bytes and until (seconds since 1970); limit, in bytes; hours.")

    _esm = Path(__file__).with_name("uploads.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("uploads.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class UploadList(pn.viewable.Viewer):
    """The uploads of a session's user; nothing is shown where nobody has logged in.

    Parameters
    ----------
    session : Session
        Whose user.
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.component = UploadsComponent(
            on_message=lambda message: session.soon(self._take, message),
            visible=session.intake.keeps,
            sizing_mode="stretch_width",
            margin=(6, 10, 6, 10),
        )
        if session.intake.keeps:
            session.param.watch(self._update, ["catalog"])
            self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _take(self, message: object) -> None:
        if not isinstance(message, dict) or not isinstance(name := message.get("name"), str):
            return
        if name in [upload.name for upload in self._session.catalog.uploads]:
            if message.get("type") == "open":
                self._session.open_entry(name)
            elif message.get("type") == "delete" and not settings.read_only():
                self._session.remove_upload(name)

    def _update(self, *_: object) -> None:
        uploads = self._session.catalog.uploads
        self.component.visible = bool(uploads) or not settings.read_only()
        self.component.content = {
            "uploads": [{"name": upload.name, "title": upload.title, "bytes": upload.n_bytes, "until": upload.until} for upload in uploads],
            "limit": settings.upload_quota_mb() * 1_000_000,
            "hours": settings.upload_hours(),
            "fixed": settings.read_only(),
        }
