"""What a person sees on a first visit: what is on the screen, and three things to try; the browser remembers that it was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Welcome"]


class WelcomeComponent(pn.custom.JSComponent):
    """The card in the browser; see ``welcome.js``."""

    content = param.Dict(default={}, doc="name, rows, dims, layout, color and trip of what is on the first map; clicked: whether a row is.")
    group = param.String(default="", doc="What the maps of this session have in common.")

    _esm = Path(__file__).with_name("welcome.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("welcome.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Welcome(pn.viewable.Viewer):
    """A card over the maps; it is seen as soon as there is a map, where the browser does not know it yet.

    Parameters
    ----------
    session : Session
        Whose maps.
    in_view : callable
        Gives a row that is in view on the first map, beside the card; None where there is none.
    """

    def __init__(self, session: Session, in_view: Callable[[], int | None], **params: Any) -> None:
        super().__init__(**params)
        self._session, self._in_view = session, in_view
        self.component = WelcomeComponent(
            on_message=lambda message: session.soon(self._take, message), group=str(id(session)), sizing_mode="stretch_width", margin=0
        )
        session.planes[0].param.watch(self._update, ["scene"])
        session.inspection.param.watch(self._update, ["row"])
        session.param.watch(self._update, ["runs"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def begin(self) -> None:
        """Have the browser show it unless it was read: what changes while a page is on its way is lost."""
        self.component._send_msg({"type": "begin"})

    def _take(self, message: object) -> None:
        """Click a row, for who wants to be shown how that is."""
        if isinstance(message, dict) and message.get("type") == "click":
            row = self._in_view()
            if row is not None:
                self._session.inspection.row = row

    def _update(self, *_: object) -> None:
        session, scene = self._session, self._session.planes[0].scene
        if scene is None:
            return  # between two datasets: the card stays as it is
        here = scene.shown.run.title
        other = next((run.title for run in session.runs if run.title != here), "")
        self.component.content = {
            "name": scene.dataset.name,
            "rows": scene.dataset.n_rows,
            "dims": scene.dataset.n_dims,
            "layout": here,
            "color": scene.coloring.column or "",
            "trip": other,
            "clicked": session.inspection.row is not None,
        }
