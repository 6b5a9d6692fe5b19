"""One to three maps side by side, with their tools; each shows a layout of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.plane import Plane
from explorer.session import Schedule, Session
from explorer.views.map import Map
from explorer.views.toolbar import Toolbar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Maps"]

# Where maps would be narrower than 300 pixels, they lie one below the other. Panel's column has a button of its own in the second place.
_GRID = """
:host {
  display: grid !important; gap: 1px; grid-auto-rows: minmax(0, 1fr);
  grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr));
}
.scroll-button { display: none !important; }
"""
_NO_BUTTON = ".scroll-button { display: none !important; }"


class MapHead(pn.custom.JSComponent):
    """Which layout is on a map; see ``map_head.js``."""

    content = param.Dict(default={"titles": [], "title": ""}, doc="titles of the layouts there are, and the title of the one on the map.")

    _esm = Path(__file__).with_name("map_head.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("map_head.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Maps(pn.viewable.Viewer):
    """The maps of a session.

    Parameters
    ----------
    session : Session
        Whose maps.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    held : bool
        The first map sends no picture before ``begin()``.
    keys_everywhere : bool
        Whether keys count wherever on the page the focus is.
    """

    def __init__(self, session: Session, *, later: Schedule, held: bool, keys_everywhere: bool, **params: Any) -> None:
        super().__init__(**params)
        self._session, self._later = session, later
        self.first = Map(session, later=later, held=held)
        self._cells: dict[Plane, _Cell] = {session.planes[0]: _Cell(session, self.first)}
        actions = {"fit": self.show_selection}
        self._toolbar = toolbar = Toolbar(session, actions, keys_everywhere=keys_everywhere)
        room = "calc(100% - 16px)"
        toolbar.component.styles = {
            "position": "absolute", "left": "8px", "top": "8px", "width": room, "height": room, "z-index": "6", "pointer-events": "none"
        }  # fmt: skip
        self._grid = pn.Column(margin=0, sizing_mode="stretch_both", stylesheets=[_GRID])
        self._view = pn.Column(
            self._grid, toolbar, margin=0, sizing_mode="stretch_both", styles={"position": "relative", "overflow": "hidden"}
        )
        session.param.watch(self._arrange, ["planes"])
        self._arrange()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def begin(self) -> None:
        """Send pictures from now on, and arrange everything as the browser remembers it."""
        self.first.begin()
        self._toolbar.begin()

    @property
    def all(self) -> list[Map]:
        """The maps, the first one first."""
        return [self._cells[plane].map for plane in self._session.planes]

    def show_selection(self) -> None:
        """Bring the selected rows into view, on each map."""
        for shown in self.all:
            shown.show_selection()

    def go_home(self) -> None:
        """Show the whole of each map."""
        for shown in self.all:
            shown.go_home()

    def show_everything(self) -> None:
        """Show every row on each map, also the few that lie far outside."""
        for shown in self.all:
            shown.show_everything()

    def fly_to(self, row: int) -> None:
        """Move each map to a row."""
        for shown in self.all:
            shown.fly_to(row)

    def _arrange(self, *_: object) -> None:
        planes = self._session.planes
        for plane in planes:
            if plane not in self._cells:
                self._cells[plane] = _Cell(self._session, Map(self._session, plane, later=self._later))
        for plane in planes:
            self._cells[plane].head.visible = len(planes) > 1
        self._grid.objects = [self._cells[plane].view for plane in planes]


class _Cell:
    """A map with its head."""

    def __init__(self, session: Session, shown: Map) -> None:
        self._session, self.map = session, shown
        place = {"position": "absolute", "right": "8px", "bottom": "8px", "z-index": "5", "max-width": "60%"}
        self.head = MapHead(on_message=lambda message: session.soon(self._take, message), margin=0, styles=place, visible=False)
        self.view = pn.Column(
            shown, self.head, margin=0, sizing_mode="stretch_both", styles={"position": "relative"}, stylesheets=[_NO_BUTTON]
        )
        session.param.watch(self._update, ["runs"])
        shown.plane.param.watch(self._update, ["scene"])
        self._update()

    def _take(self, message: object) -> None:
        title = message.get("title") if isinstance(message, dict) else None
        run = next((run for run in self._session.runs if run.title == title), None)
        if run is not None and self._session.dataset is not None:
            self.map.plane.stage(run, self._session.dataset)

    def _update(self, *_: object) -> None:
        scene = self.map.plane.scene
        titles = list(dict.fromkeys(run.title for run in self._session.runs))
        content = {"titles": titles, "title": "" if scene is None else scene.shown.run.title}
        if content != self.head.content:
            self.head.content = content
