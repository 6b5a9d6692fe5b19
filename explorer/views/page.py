"""How the panels lie: a page of its own for a server, a block for a notebook cell; no behavior."""

from __future__ import annotations

from typing import Any

import panel as pn

from explorer.session import Schedule, Session
from explorer.views.clusters import ClustersView
from explorer.views.color_controls import ColorControls
from explorer.views.comparison import ComparisonView
from explorer.views.controls import DataControls, ProjectionControls
from explorer.views.drawer import Drawer
from explorer.views.export import ExportControls
from explorer.views.filter_chips import FilterChips
from explorer.views.histogram import HistogramView
from explorer.views.inspector import Inspector
from explorer.views.job_panel import JobPanel
from explorer.views.legend import Legend
from explorer.views.maps import Maps
from explorer.views.newcomers import NewcomersView
from explorer.views.plain import INK
from explorer.views.quality import QualityView
from explorer.views.retrieval import RetrievalView
from explorer.views.search import SearchView
from explorer.views.section import Section
from explorer.views.selection_inspector import SelectionInspector
from explorer.views.selections import Selections
from explorer.views.share import ShareView
from explorer.views.status import ErrorMessage, StatusLine
from explorer.views.table import Table
from explorer.views.toolkit import Toolkit
from explorer.views.welcome import Welcome

__all__ = ["Panels"]

_SIDE = 280  # pixels, of a notebook's side columns


class Panels:
    """The panels of one session.

    Parameters
    ----------
    session : Session
        What they show and set.
    toolkit : Toolkit
        Makes their widgets.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    held : bool
        The map sends no picture before :meth:`begin`, no job is listed before ``session.jobs.begin()``, and the page's address, which is
        Explorer's own then, does not follow before.
    keys_everywhere : bool
        Whether the maps' keys count wherever on the page the focus is.
    """

    def __init__(self, session: Session, toolkit: Toolkit, *, later: Schedule, held: bool = False, keys_everywhere: bool = False) -> None:
        self.maps = Maps(session, later=later, held=held, keys_everywhere=keys_everywhere)
        self.map = self.maps.first
        self.data = DataControls(session, toolkit)
        self.color = ColorControls(session, toolkit)
        self.projection = ProjectionControls(session, toolkit)
        self.legend = Legend(session)
        self.search = SearchView(
            session,
            toolkit,
            later=later,
            on_fly=self.maps.fly_to,
            on_point=session.point,
            on_mark=lambda rows: session.param.update(marked=rows),
            keys_everywhere=keys_everywhere,
        )
        self.histograms = HistogramView(session, toolkit, later=later)
        self.inspector = Inspector(session, toolkit, later=later, on_point=session.point)
        self.newcomers = NewcomersView(session, toolkit, on_fly=self.maps.fly_to, on_point=session.point, on_show=self.maps.fly_to_new)
        self.retrieval = RetrievalView(session, on_fly=self.maps.fly_to, on_point=session.point)
        self.comparison = ComparisonView(session, on_fly=self.maps.fly_to, on_point=session.point)
        self.selected = SelectionInspector(session, later=later, on_point=session.point)
        self.clusters = ClustersView(session)
        self.quality = QualityView(session)
        self.export = ExportControls(session, toolkit, shown=self.map)
        self.share = ShareView(session, addressed=held)
        self.table = Table(session, later=later, on_point=session.point)
        self.selections = Selections(session)
        self.chips = FilterChips(session)
        self.status = StatusLine(session)
        self.jobs = JobPanel(session, held=held)
        self.error = ErrorMessage(session, later=later)
        self.welcome = Welcome(session, in_view=lambda: self.map.row_near(0.35, 0.35))
        self._session, self._toolkit = session, toolkit

    @property
    def controls(self) -> list[Any]:
        """Everything that is set, top to bottom."""
        return [self._section("Data", self.data), self._section("Color", self.color), self._section("Projection", self.projection)]

    @property
    def findings(self) -> list[Any]:
        """Everything that is read, top to bottom."""
        retrieval = self._section("Retrieval", self.retrieval)
        retrieval.visible = self._session.retrieving.param.possible
        comparison = self._section("Two embeddings", self.comparison)
        comparison.visible = self._session.comparing.param.possible
        return [
            self._section("Legend", self.legend),
            comparison,
            retrieval,
            self._section("Search", self.search),
            self._section("Selection", self.selections, self.selected),
            self._section("Point", self.inspector),
            self._section("New rows", self.newcomers),
            self._section("Clusters", self.clusters),
            self._section("Quality", self.quality),
            self._section("Histograms", self.histograms),
            self._section("Export", self.export),
            self._section("Share", self.share),
        ]

    def begin(self, link: str = "") -> None:
        """Hear that the page is in the browser, where what changed before was lost on the way; ``link`` is what its address says."""
        self.maps.begin(linked=bool(link))
        self.share.begin(link)
        self.welcome.begin()

    def close(self) -> None:
        """Forget the files that are on their way."""
        self.export.close()
        self.table.close()

    def main(self, **size: Any) -> pn.viewable.Viewable:
        """Give the map with what belongs to it."""
        home = self._toolkit.icon_button("home", description="Show the whole map", on_click=lambda _: self._session.soon(self.maps.go_home))
        extent = self._toolkit.icon_button(
            "extent", description="Show every row, also those far outside", on_click=lambda _: self._session.soon(self.maps.show_everything)
        )
        extent.visible = self.map.param.has_far_rows
        line = pn.Row(self.status, self.jobs, extent, home, sizing_mode="stretch_width")
        return pn.Column(self.error, self.maps, self.chips, line, Drawer(self._session, self.table), margin=0, **size)

    def page(self) -> list[Any]:
        """Give the main part of a page, as high as the window."""
        self.maps.lay_over(self.welcome)
        return [self.main(sizing_mode="stretch_both", styles={"height": "calc(100vh - 64px)", "min-height": "320px"})]

    def block(self, *, height: int) -> pn.viewable.Viewable:
        """Lay out everything in one block, for a notebook cell."""
        self.data.own.visible = False  # in a notebook, files are opened by Python
        side: dict[str, Any] = {"width": _SIDE, "styles": {"overflow-y": "auto", "height": f"{height}px"}}
        return pn.Row(
            pn.Column(*self.controls, **side),
            self.main(height=height, sizing_mode="stretch_width", min_width=320),
            pn.Column(*self.findings, **side),
            sizing_mode="stretch_width",
            stylesheets=[INK],
        )

    def _section(self, title: str, *content: Any) -> pn.viewable.Viewable:
        return Section(self._session, title, *content).__panel__()
