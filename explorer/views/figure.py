"""The transparent figure over a map's picture: it owns the tools and the ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import holoviews as hv
from bokeh.models import HoverTool, PanTool, WheelZoomTool

if TYPE_CHECKING:
    from bokeh.plotting import figure as BokehFigure

__all__ = ["map_figure"]


def map_figure(overlay: Any = None) -> BokehFigure:
    """Make a figure that shows nothing, or what somebody lays over a map: the pictures come from the layer below.

    Parameters
    ----------
    overlay : HoloViews element or Overlay, optional
        In the coordinates of the layout.
    """
    nothing = hv.Points([])
    plot = hv.render(
        (nothing if overlay is None else nothing * overlay).opts(
            xlim=(-1, 1),
            ylim=(-1, 1),
            xaxis=None,
            yaxis=None,
            show_frame=False,
            toolbar=None,
            responsive=True,
            default_tools=[],
            tools=["pan", "wheel_zoom"],
            active_tools=["pan", "wheel_zoom"],
            backend_opts={
                "plot.border_fill_alpha": 0,  # by opacity: themes set the colors again
                "plot.background_fill_alpha": 0,
                "plot.outline_line_color": None,
            },
            border=0,  # the figure's frame is the canvas below: what is under the pointer is the same place for both
        ),
        backend="bokeh",
    )
    # Bokeh paints the figure at each step of a zoom, and there is nothing in it: a canvas costs a third of WebGL for
    # that, and axes and grids cost time although they are invisible. The server need not know the ranges: each request says them.
    plot.output_backend = "canvas"
    plot.title = None
    for side in ("above", "below", "left", "right", "center"):
        setattr(plot, side, [])
    plot.x_range.syncable = plot.y_range.syncable = False
    if overlay is not None:  # which brings the tools of HoloViews
        plot.toolbar.tools = [tool for tool in plot.toolbar.tools if isinstance(tool, (WheelZoomTool, PanTool, HoverTool))]
    for tool in plot.toolbar.tools:
        if isinstance(tool, WheelZoomTool):
            tool.zoom_on_axis = False
    return plot
