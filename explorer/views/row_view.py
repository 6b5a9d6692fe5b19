"""Layouts in memory as a map by itself: the page's map with its tools and legend, and none of its other panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
import panel as pn

from explorer.errors import BadParameter, ExplorerError
from explorer.render.frame import render
from explorer.render.view import View
from explorer.session import Schedule, Session
from explorer.views.chosen import Chosen
from explorer.views.composed import Composed
from explorer.views.export import current_window
from explorer.views.legend import Legend
from explorer.views.maps import Maps
from explorer.views.plain import INK, PlainToolkit
from explorer.views.status import ErrorMessage, StatusLine

if TYPE_CHECKING:
    from explorer.scene import Scene

__all__ = ["RowView"]

_LEGEND_PX = 220
_FLAT = 2  # dimensions
_LEAST_PX = 320  # of the map's width: narrower ones have no room for their tools


class RowView(Composed, Chosen):
    """A map of rows in memory, or the way between two layouts of them.

    Parameters
    ----------
    session : Session
        With the rows opened.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    height : int
        In pixels.
    overlay : HoloViews element or Overlay, optional
        What is drawn over the map.
    """

    def __init__(self, session: Session, *, later: Schedule, height: int, overlay: Any = None, **params: Any) -> None:
        super().__init__(session, overlay=overlay, **params)
        self._later, self._height = later, height
        self.maps = maps = Maps(session, later=later, held=False, keys_everywhere=False, alone=True, overlay=overlay)
        self.legend = Legend(session)
        buttons = PlainToolkit()
        home = buttons.icon_button("home", description="Show the whole map", on_click=lambda _: session.soon(maps.go_home))
        extent = buttons.icon_button(
            "extent", description="Show every row, also those far outside", on_click=lambda _: session.soon(maps.show_everything)
        )
        extent.visible = maps.first.param.has_far_rows
        line = pn.Row(StatusLine(session), extent, home, sizing_mode="stretch_width")
        column = pn.Column(
            ErrorMessage(session, later=later), maps, line, height=height, min_width=_LEAST_PX, sizing_mode="stretch_width", margin=0
        )
        side: dict[str, Any] = {"width": _LEGEND_PX, "styles": {"overflow-y": "auto", "max-height": f"{height}px"}}
        colored = session.appearance.color_by is not None
        beside = [pn.Column(self.legend, **side)] if colored else []
        self._block = pn.Row(column, *beside, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"}, stylesheets=[INK])

    def __panel__(self) -> pn.viewable.Viewable:
        return self._block

    def overlaid(self, overlay: Any) -> RowView:
        """Show the same rows, with one selection for both maps, with something else over them; see :class:`Composed`."""
        dims = max(given.coordinates.shape[1] for given in self._session.dataset.layouts)
        if dims > _FLAT:
            raise BadParameter("overlay", f"an element over a map of {dims} dimensions", "the map turns, what is drawn over it would not.")
        made = object.__new__(type(self))  # of the same class, whose own way to be made opens the rows anew
        RowView.__init__(made, self._session, later=self._later, height=self._height, overlay=overlay)
        return made

    def element(self, *, width: int = 700, height: int = 500) -> hv.DynamicMap:
        """Give the map as an object of HoloViews, for what is built with ``+`` and ``*`` of those alone.

        Parameters
        ----------
        width, height : int
            Pixels.

        Returns
        -------
        holoviews.DynamicMap
            Of an ``hv.RGB``; it is drawn anew at each zoom, where a server or a kernel is behind it.
        """
        scene = self._on_map()
        home = current_window(self.maps.first, scene).view.fitted(width, height)

        def draw(x_range: Any = None, y_range: Any = None) -> hv.RGB:
            ends = home if x_range is None or y_range is None else View(*map(float, (*x_range, *y_range)))
            view = ends.sane().fitted(width, height)
            pixels = render(self._on_map().request(view, width, height)).rgba
            picture = hv.RGB(np.ascontiguousarray(pixels), bounds=(view.x0, view.y0, view.x1, view.y1), kdims=["x", "y"])
            limits = {"xlim": (home.x0, home.x1), "ylim": (home.y0, home.y1)}
            return picture.opts(frame_width=width, frame_height=height, xaxis=None, yaxis=None, active_tools=["wheel_zoom"], **limits)

        return hv.DynamicMap(draw, streams=[hv.streams.RangeXY()])

    def _on_map(self) -> Scene:
        self._session.catch_up()
        scene: Scene | None = self._session.scene
        if scene is None:
            raise ExplorerError("There is no map yet.")
        return scene
