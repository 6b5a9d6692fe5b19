"""One to three maps side by side, with their tools; each shows a layout of its own."""

from __future__ import annotations

from typing import Any

import panel as pn

from explorer.plane import Plane
from explorer.session import Schedule, Session
from explorer.views.layout_bar import LayoutBar
from explorer.views.map import Map
from explorer.views.toolbar import Toolbar

__all__ = ["Maps"]

# Where maps would be narrower than 300 pixels, they lie one below the other. Panel's column has a button of its own in the second place.
_GRID = """
:host {
  display: grid !important; gap: 1px; grid-auto-rows: minmax(0, 1fr);
  grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr));
}
@container maps (min-height: 637px) { :host { padding-left: 44px !important; } }  /* the tools stand there: no row is under them */
@container maps (max-height: 636.9px) { :host { padding-top: 48px !important; } }
@container maps (min-height: 637px) { @media (pointer: coarse) { :host { padding-left: 50px !important; } } }
.scroll-button { display: none !important; }
"""
_NO_BUTTON = ".scroll-button { display: none !important; }"


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
    alone : bool
        Whether this is all there is of a session: one map, and no other panel.
    overlay : HoloViews element or Overlay, optional
        What is drawn over the first map, in the coordinates of its layout.
    """

    def __init__(
        self,
        session: Session,
        *,
        later: Schedule,
        held: bool,
        keys_everywhere: bool,
        alone: bool = False,
        overlay: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session, self._later = session, later
        self.first = Map(session, later=later, held=held, overlay=overlay)
        self._cells: dict[Plane, _Cell] = {session.planes[0]: _Cell(session, self.first)}
        actions = {"fit": self.show_selection}
        self._toolbar = toolbar = Toolbar(session, actions, keys_everywhere=keys_everywhere, alone=alone)
        room = "calc(100% - 16px)"
        toolbar.component.styles = {
            "position": "absolute", "left": "8px", "top": "8px", "width": room, "height": room, "z-index": "6", "pointer-events": "none"
        }  # fmt: skip
        self._grid = pn.Column(margin=0, sizing_mode="stretch_both", stylesheets=[_GRID])
        around = {"position": "relative", "overflow": "hidden", "container": "maps / size"}
        self._view = pn.Column(self._grid, toolbar, margin=0, sizing_mode="stretch_both", styles=around)
        session.param.watch(self._arrange, ["planes"])
        self._arrange()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def begin(self, *, linked: bool = False) -> None:
        """Send pictures from now on, and arrange everything as the browser remembers it, or as a link says."""
        self.first.begin()
        self._toolbar.begin(linked=linked)

    def lay_over(self, card: pn.viewable.Viewer) -> None:
        """Show something over the maps, at the upper right, beside the tools."""
        room = {"position": "absolute", "right": "8px", "top": "8px", "width": "calc(100% - 66px)", "height": "calc(100% - 66px)"}
        over = pn.Column(
            card, margin=0, styles={**room, "z-index": "7", "pointer-events": "none", "container-type": "size"}, stylesheets=[_NO_BUTTON]
        )
        self._view.append(over)

    @property
    def all(self) -> list[Map]:
        """The maps, the first one first."""
        return [self._cells[plane].map for plane in self._session.planes]

    def show_selection(self) -> None:
        """Bring the selected rows into view, on each map."""
        if self._session.selection.count:
            self._session.standing.note("bring the selection into view")
        for shown in self.all:
            shown.show_selection()

    def go_home(self) -> None:
        """Show the whole of each map."""
        if any(plane.viewport.view is not None for plane in self._session.planes):
            self._session.standing.note("show the whole map")
        for shown in self.all:
            shown.go_home()

    def show_everything(self) -> None:
        """Show every row on each map, also the few that lie far outside."""
        self._session.standing.note("show every row")
        for shown in self.all:
            shown.show_everything()

    def fly_to(self, row: int) -> None:
        """Move each map to a row."""
        self._session.standing.note(f"move to row {row:,}")
        for shown in self.all:
            shown.fly_to(row)

    def fly_to_new(self, at: int) -> None:
        """Move each map to a new row, by its place in the list of those."""
        self._session.standing.note("move to a new row")
        for shown in self.all:
            shown.fly_to_new(at)

    def _arrange(self, *_: object) -> None:
        planes = self._session.planes
        for plane in planes:
            if plane not in self._cells:
                self._cells[plane] = _Cell(self._session, Map(self._session, plane, later=self._later))
        self._grid.objects = [self._cells[plane].view for plane in planes]


class _Cell:
    """A map with the bar of its layouts."""

    def __init__(self, session: Session, shown: Map) -> None:
        self.map = shown
        bar = LayoutBar(session, shown.plane)
        self.view = pn.Column(shown, bar, margin=0, sizing_mode="stretch_both", styles={"position": "relative"}, stylesheets=[_NO_BUTTON])
