"""How the panels lie: a page of its own for a server, a block for a notebook cell; no behavior."""

from __future__ import annotations

from typing import Any

import panel as pn

from explorer.views.controls import ColorControls, DataControls, ProjectionControls
from explorer.views.inspector import Inspector
from explorer.views.legend import Legend
from explorer.views.map import Map
from explorer.views.material import ui
from explorer.views.status import ErrorMessage, StatusLine

__all__ = ["Panels", "block", "page", "release"]


class Panels:
    """The panels of one session."""

    def __init__(
        self, *, data: DataControls, color: ColorControls, projection: ProjectionControls, map_: Map, legend: Legend, inspector: Inspector,
        status: StatusLine, error: ErrorMessage,
    ) -> None:  # fmt: skip
        self.data, self.color, self.projection = data, color, projection
        self.map, self.legend, self.inspector = map_, legend, inspector
        self.status, self.error = status, error
        self.home = ui.IconButton(icon="center_focus_strong", description="Show the whole map", size="small", on_click=lambda _: map_.go_home())

    @property
    def controls(self) -> list[Any]:
        """Everything that is set, top to bottom."""
        return [
            _section("Data", self.data),
            _section("Projection", self.projection),
            _section("Color", self.color),
        ]

    @property
    def findings(self) -> list[Any]:
        """Everything that is read, top to bottom."""
        return [_section("Legend", self.legend), _section("Point", self.inspector)]


def page(panels: Panels) -> ui.Page:
    """Lay out a page: controls at the left, the map, findings at the right; on a narrow screen both sides are drawers."""
    return ui.Page(
        title="Explorer",
        sidebar=panels.controls,
        sidebar_width=310,
        main=[
            pn.Column(
                panels.error,
                panels.map,
                pn.Row(panels.status, panels.home, sizing_mode="stretch_width", align="center"),
                sizing_mode="stretch_both",
                styles={"height": "calc(100vh - 64px)", "min-height": "320px"},
                margin=0,
            )
        ],
        contextbar=panels.findings,
        contextbar_open=True,
        contextbar_variant="auto",
        contextbar_width=300,
        busy_indicator=None,
        theme_toggle=True,
        sizing_mode="stretch_width",
    )


def release(made: ui.Page) -> None:
    """Let go of the watchers that a page puts on Panel's process-wide state, which would keep every session alive.

    panel-material-ui 0.16 watches ``state.busy`` in ``Page.__init__`` and never stops.
    """
    private = made._param__private  # param offers no public way to end a reference
    for _, watcher in private.ref_watchers:
        (watcher.inst if watcher.inst is not None else watcher.cls).param.unwatch(watcher)
    private.ref_watchers = []


def block(panels: Panels, *, height: int) -> pn.viewable.Viewable:
    """Lay out a block for a notebook cell."""
    side = {"overflow-y": "auto", "height": f"{height}px"}
    return pn.Row(
        pn.Column(*panels.controls, width=270, styles=side),
        pn.Column(
            panels.error, panels.map, pn.Row(panels.status, panels.home, sizing_mode="stretch_width"), height=height, sizing_mode="stretch_width"
        ),
        pn.Column(*panels.findings, width=270, styles=side),
        sizing_mode="stretch_width",
        min_width=320,
    )


def _section(title: str, *content: Any) -> pn.viewable.Viewable:
    return pn.Column(ui.Typography(title, variant="overline", margin=(6, 10, -4, 10), sizing_mode="stretch_width"), *content, sizing_mode="stretch_width")
